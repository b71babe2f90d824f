//! The lobby as its watchers see it.

use super::*;

fn buddies(capacity: Option<u8>) -> LobbyFilter {
    LobbyFilter { kind: RoomKind::Buddy, capacity }
}

impl Client {
    async fn lobby_change(&mut self) -> (Vec<(RoomId, u8)>, Vec<RoomId>) {
        match self.next().await {
            Event::LobbyChanged { rooms, removed } => (rooms.into_iter().map(|room| (room.id, room.seated)).collect(), removed),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn rooms_are_listed_by_size_with_live_seats() {
    let bench = Bench::start().await;
    let (two, four) = (bench.room("ann", 2, Some("건배")).await, bench.room("bob", 4, None).await);
    let unlisted = CreateRoom {
        name: "숨은".to_owned(),
        kind: RoomKind::Buddy,
        capacity: 4,
        password: None,
        listing: Listing::Unlisted,
        nonce: Nonce("u".to_owned()),
    };
    bench.hub.create_room(&person("shop"), unlisted).await.unwrap();
    bench.join(&bench.client("bob"), &four).await.unwrap();
    let listed = |capacity| bench.hub.lobby(buddies(capacity)).into_iter().map(|room| (room.id, room.seated)).collect::<Vec<_>>();
    assert_eq!(listed(Some(4)), [(four.id.clone(), 1)]);
    assert_eq!(listed(Some(2)), [(two.id.clone(), 0)]);
    assert_eq!(listed(Some(3)), []);
    assert_eq!(listed(None).len(), 2);
    let shown = bench.hub.lobby(buddies(Some(2))).remove(0);
    assert_eq!((shown.has_password, shown.owner_name.as_str()), (true, "ann"));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_is_shown_everything_then_changes_ten_times_a_second_at_most() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 4, None).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (mut all, mut of_two) = (bench.client("w1"), bench.client("w2"));
    bench.hub.watch_lobby(&all.session, LobbyWatch::On(buddies(None)));
    bench.hub.watch_lobby(&of_two.session, LobbyWatch::On(buddies(Some(2))));
    assert_eq!(all.lobby_change().await, (vec![(room.id.clone(), 0)], vec![]));
    assert_eq!(of_two.lobby_change().await, (vec![], vec![]));
    for user in ["a", "b", "c"] {
        bench.join(&bench.client(user), &room).await.unwrap();
    }
    let begun = tokio::time::Instant::now();
    assert_eq!(all.lobby_change().await, (vec![(room.id.clone(), 3)], vec![]), "three joins, one event");
    assert!(begun.elapsed() <= Duration::from_millis(101), "{:?}", begun.elapsed());
    bench.hub.end_room_as_backend(&room.id).await.unwrap();
    assert_eq!(all.lobby_change().await, (vec![], vec![room.id.clone()]));
    bench.hub.watch_lobby(&all.session, LobbyWatch::Off);
    bench.room("ann", 2, None).await;
    assert_eq!(of_two.lobby_change().await.0.len(), 1);
    assert_eq!((all.told(), of_two.told()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn whoever_lists_then_watches_misses_nothing() {
    let bench = Bench::start().await;
    let (kept, ended) = (bench.room("ann", 2, None).await, bench.room("ann", 2, None).await);
    let mut seen: std::collections::BTreeSet<RoomId> = bench.hub.lobby(buddies(None)).into_iter().map(|room| room.id).collect();
    bench.hub.end_room_as_backend(&ended.id).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let new = bench.room("ann", 2, None).await;
    let mut watcher = bench.client("w");
    bench.hub.watch_lobby(&watcher.session, LobbyWatch::On(buddies(None)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    for event in watcher.told() {
        let Event::LobbyChanged { rooms, removed } = event else { panic!("{event:?}") };
        seen.extend(rooms.into_iter().map(|room| room.id));
        seen.retain(|id| !removed.contains(id));
    }
    assert_eq!(seen, [kept.id, new.id].into());
}
