//! A node that dies amid what it writes row by row: what the next one finds is whole, before or after, and can be done again.

use crate::support::{Faults, Link, Mode, Server, all, client, member, message, prefix_of, settings, store, tree, user};
use rooms::store::{
    CommunityStore as _, Listing, Mark, MarkStore as _, Membership, MessageStore as _, NewMessage, Nonce, Pin, RoomRecord, RoomStore as _,
    ScheduleRecord,
};
use rooms::view::Audience;
use rooms::{ChannelId, RoomId, RoomKind, ScheduleId, ServerId};
use std::time::{Duration, SystemTime};
use zzan::store::dynamodb::DynamoDb;

/// More than any of these operations writes.
const WRITES: std::ops::RangeInclusive<u32> = 1..=8;

async fn another(server: &Server) -> DynamoDb {
    let mut same = settings(&server.endpoint, Mode::Strict);
    same.table_prefix = prefix_of(&server.endpoint).await;
    DynamoDb::open_over(&same, Link::new(1).client()).await.expect("it opens")
}

/// A node that is gone after so many writes of an operation.
async fn die<T>(writes: u32, link: &Link, operation: impl Future<Output = T>) {
    link.set(Faults { writes_until_cut: Some(writes), ..Faults::default() });
    tokio::time::timeout(Duration::from_millis(700), operation).await.ok();
}

#[tokio::test]
async fn amid_a_deletion_counts_are_those_of_the_messages_that_are_left() {
    let (channel, reader) = (ChannelId::new("c"), user("reader").id);
    for writes in WRITES {
        let (node, link, server) = store(Mode::Strict).await;
        for nonce in ["1", "2", "3"] {
            let mentions = vec![Audience::Everyone, Audience::User(reader.clone())];
            node.append(NewMessage { mentions, ..message("c", "a", nonce) }).await.expect("stored");
        }
        let (mark, at) = (Mark::On, SystemTime::now());
        node.pin(Pin { channel: channel.clone(), seq: 2, mark, at }).await.expect("pinned");
        die(writes, &link, node.delete(&channel, 2, at)).await;
        drop(node);
        let next = another(&server).await;
        for again in [false, true] {
            if again {
                next.delete(&channel, 2, at).await.expect("deleted").expect("there");
            }
            let left: Vec<u64> =
                all(&next, "c").await.into_iter().filter(|message| message.deleted_at.is_none()).map(|message| message.seq).collect();
            assert!(left == [1, 3] || (left == [1, 2, 3] && !again), "{writes} writes: {left:?}");
            let asked = [Membership { channel: channel.clone(), since: 0, roles: vec![] }];
            let standing = next.unread(&reader, &asked).await.expect("read").remove(0);
            assert_eq!((standing.unread, standing.mentions), (left.len() as u64, left.len() as u64), "{writes} writes, {again}");
            let pinned: Vec<u64> = next.pins(&channel).await.expect("read").into_iter().map(|message| message.seq).collect();
            assert_eq!(pinned, left.iter().copied().filter(|seq| *seq == 2).collect::<Vec<_>>(), "{writes} writes, {again}");
        }
    }
}

fn entry(remind_at: Option<SystemTime>) -> ScheduleRecord {
    ScheduleRecord {
        id: ScheduleId::new("e"),
        server: ServerId::new("s"),
        title: "건배".into(),
        description: String::new(),
        starts_at: at(1_000),
        ends_at: None,
        color: None,
        remind_at,
        created_by: user("ann"),
        changed_at: at(1),
    }
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000 + seconds)
}

/// What the calendar says, and what is due by and by, is the same.
async fn agrees(store: &DynamoDb, what: &str) -> Vec<ScheduleRecord> {
    let entries = store.schedules(&ServerId::new("s"), at(0)..at(10_000)).await.expect("read");
    for now in [at(50), at(150), at(10_000), SystemTime::now() + Duration::from_secs(3_600)] {
        let due: Vec<ScheduleRecord> = entries.iter().filter(|entry| entry.remind_at.is_some_and(|at| at <= now)).cloned().collect();
        assert_eq!(store.due_schedules(now, 10).await.expect("read"), due, "{what}");
    }
    entries
}

#[tokio::test]
async fn amid_a_change_of_a_calendar_it_reminds_of_what_stands_in_it_and_once() {
    let steps = [(None, Some(100)), (Some(100), Some(50)), (Some(100), Some(200)), (Some(100), None), (None, None)];
    for (writes, (before, after)) in WRITES.take(2).flat_map(|writes| steps.map(|step| (writes, step))) {
        let what = format!("from {before:?} to {after:?}, {writes} writes");
        let (node, link, server) = store(Mode::Strict).await;
        node.create_server(tree("s", 0), vec![member("s", "ann")]).await.expect("made");
        let (before, after) = (before.map(at), after.map(at));
        if before.is_some() {
            node.put_schedule(entry(before)).await.expect("kept");
        }
        die(writes, &link, node.put_schedule(entry(after))).await;
        drop(node);
        let next = another(&server).await;
        agrees(&next, &what).await;
        next.put_schedule(entry(after)).await.expect("kept");
        assert_eq!(agrees(&next, &what).await, [entry(after)], "{what}");
        assert_eq!(next.take_reminder(&entry(after)).await, Ok(after.is_some()), "{what}");
        assert_eq!(next.take_reminder(&entry(after)).await, Ok(false), "{what}");
        assert_eq!(agrees(&next, &what).await, [entry(None)], "{what}");
        // One that is wanted again reminds again.
        next.put_schedule(entry(after)).await.expect("kept");
        assert_eq!(agrees(&next, &what).await, [entry(after)], "{what}");
        assert_eq!(next.delete_schedule(&ServerId::new("s"), &entry(None).id).await, Ok(true));
        assert!(agrees(&next, &what).await.is_empty(), "{what}");
    }
}

/// How many hints of reminders there are.
async fn hints(server: &Server) -> usize {
    let table = format!("{}_core", prefix_of(&server.endpoint).await);
    let found = client(&server.endpoint).scan().table_name(table).consistent_read(true).send().await.expect("scanned").items;
    found.unwrap_or_default().iter().filter(|row| row["PK"].as_s().is_ok_and(|pk| pk.starts_with("DUE#"))).count()
}

#[tokio::test]
async fn a_hint_without_its_entry_is_dropped_once_the_entry_cannot_be_on_its_way_any_more() {
    let (node, link, server) = store(Mode::Strict).await;
    node.create_server(tree("s", 0), vec![member("s", "ann")]).await.expect("made");
    let now = SystemTime::now();
    die(1, &link, node.put_schedule(entry(Some(now - Duration::from_secs(5))))).await;
    let next = another(&server).await;
    for (later, left) in [(0, 1), (30, 1), (120, 0)] {
        assert_eq!(next.due_schedules(now + Duration::from_secs(later), 10).await, Ok(vec![]));
        assert_eq!(hints(&server).await, left, "after {later} s");
    }
}

fn room(id: &str) -> RoomRecord {
    RoomRecord {
        id: RoomId::new(id),
        name: "짠".into(),
        kind: RoomKind::Buddy,
        capacity: 4,
        password_hash: None,
        owner: user("a"),
        channel: ChannelId::new(format!("channel of {id}")),
        listing: Listing::Lobby,
        created_at: at(0),
    }
}

#[tokio::test]
async fn amid_a_rooms_making_and_its_end_it_is_listed_if_it_is_there_and_a_nonce_makes_one() {
    let nonce = || Nonce("n".into());
    for writes in WRITES.take(2) {
        let (node, link, server) = store(Mode::Strict).await;
        die(writes, &link, node.create_room(room("1"), nonce())).await;
        drop(node);
        let next = another(&server).await;
        let found = next.room(&RoomId::new("1")).await.expect("read");
        assert_eq!(next.open_rooms().await.expect("read"), found.into_iter().collect::<Vec<_>>(), "{writes} writes");
        let made = next.create_room(room("2"), nonce()).await.expect("made");
        assert_eq!(next.create_room(room("3"), nonce()).await.expect("made"), made);
        assert_eq!(next.open_rooms().await, Ok(vec![made.clone()]), "{writes} writes");
        assert_eq!(next.room(&made.id).await, Ok(Some(made.clone())));
        drop(next);

        let link = Link::new(2);
        let mut same = settings(&server.endpoint, Mode::Strict);
        same.table_prefix = prefix_of(&server.endpoint).await;
        let node = DynamoDb::open_over(&same, link.client()).await.expect("it opens");
        die(writes, &link, node.end_room(&made.id, at(9))).await;
        drop(node);
        let next = another(&server).await;
        let found = next.room(&made.id).await.expect("read");
        assert_eq!(next.open_rooms().await.expect("read"), found.into_iter().collect::<Vec<_>>(), "{writes} writes");
        next.end_room(&made.id, at(9)).await.expect("ended");
        assert_eq!(next.open_rooms().await, Ok(vec![]));
        assert_eq!(next.create_room(room("4"), nonce()).await.expect("known").id, made.id, "the nonce is kept");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_with_one_nonce_make_one_room() {
    let (one, _link, server) = store(Mode::Strict).await;
    let other = another(&server).await;
    for round in 0..20 {
        let nonce = || Nonce(format!("n{round}"));
        let made = futures_util::future::join_all((0..6).map(|n| {
            let node = if n % 2 == 0 { &one } else { &other };
            node.create_room(room(&format!("{round} {n}")), nonce())
        }));
        let made: Vec<RoomRecord> = made.await.into_iter().map(|made| made.expect("made")).collect();
        assert!(made.iter().all(|room| *room == made[0]), "{made:?}");
        assert_eq!(one.open_rooms().await.expect("read").len(), round + 1);
    }
}
