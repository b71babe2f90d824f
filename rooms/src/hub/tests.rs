//! The hub over the memory store and a real media worker: who gets in, who is told what, and what is left at the end.

mod chat;
mod find;
mod inbox;
mod lobby;
mod marks;
mod media;
mod servers;
mod upload;

use super::*;
use crate::SendMessage;
use crate::session::{Grants, Outbox, RoomGrants};
use crate::store::{Listing, MemoryStore, Nonce, RoomStore as _};
use crate::view::Cursor;
use crate::view::ParticipantState;
use crate::{CloseReason, Event, Part, RoomKind};

/// A hub that may be given the store of an earlier one.
struct Bench {
    hub: Hub,
    store: Arc<MemoryStore>,
    _workers: ::media::Workers,
    sessions: std::cell::Cell<u32>,
}

/// A session and what it was told.
struct Client {
    session: SessionHandle,
    outbox: Outbox,
}

impl Bench {
    async fn start() -> Self {
        Self::start_with(Config::default(), Arc::default()).await
    }

    async fn start_with(config: Config, store: Arc<MemoryStore>) -> Self {
        Self::start_on(&::media::Config::default(), config, store).await
    }

    async fn start_on(media: &::media::Config, config: Config, store: Arc<MemoryStore>) -> Self {
        let (media, workers) = ::media::start(media).unwrap();
        let hub = Hub::start(config, store.clone(), media).await.unwrap();
        Self { hub, store, _workers: workers, sessions: std::cell::Cell::new(0) }
    }

    fn client(&self, user: &str) -> Client {
        self.client_as(user, Grants::User)
    }

    fn client_as(&self, user: &str, grants: Grants) -> Client {
        self.sessions.set(self.sessions.get() + 1);
        let id = SessionId::new(format!("s{}-{user}", self.sessions.get()));
        let (session, outbox) = SessionHandle::new(id, person(user), grants);
        Client { session, outbox }
    }

    async fn room(&self, owner: &str, capacity: u8, password: Option<&str>) -> RoomView {
        let request = CreateRoom {
            name: format!("{owner}의 방"),
            kind: RoomKind::Buddy,
            capacity,
            password: password.map(str::to_owned),
            listing: Listing::Lobby,
            nonce: Nonce(crate::random_id("n")),
        };
        self.hub.create_room(&person(owner), request).await.unwrap()
    }

    async fn join(&self, client: &Client, room: &RoomView) -> Result<Joined> {
        self.join_with(client, room, None).await
    }

    async fn join_with(&self, client: &Client, room: &RoomView, password: Option<&str>) -> Result<Joined> {
        let request = JoinRoom { room: room.id.clone(), password: password.map(str::to_owned), offer: None, part: Part::Person };
        self.hub.join(&client.session, request).await
    }
}

impl Client {
    /// The next event, within a minute of the test's clock.
    async fn next(&mut self) -> Event {
        let event = tokio::time::timeout(Duration::from_secs(60), self.outbox.events.recv()).await;
        (*event.expect("an event within a minute").expect("the session is open")).clone()
    }

    /// What is there already.
    fn told(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.outbox.events.try_recv().ok()).map(|event| (*event).clone()).collect()
    }
}

fn person(id: &str) -> User {
    User { id: crate::UserId::new(id), name: id.to_owned() }
}

fn token(room: &RoomId) -> RoomGrants {
    RoomGrants { room: room.clone(), room_join: true, can_publish: true, can_subscribe: true, can_publish_data: true, room_admin: false }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_five_at_once_four_get_in_200_times() {
    let bench = Bench::start().await;
    for round in 0..200 {
        let room = bench.room("owner", 4, None).await;
        let mut joins = tokio::task::JoinSet::new();
        let mut clients: Vec<Client> = (0..5).map(|index| bench.client(&format!("u{index}"))).collect();
        for client in &clients {
            let (hub, session, room) = (bench.hub.clone(), client.session.clone(), room.id.clone());
            joins.spawn(async move { hub.join(&session, JoinRoom { room, password: None, offer: None, part: Part::Person }).await });
        }
        let outcomes = joins.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 4, "round {round}: {outcomes:?}");
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(Error::RoomFull)).count(), 1, "round {round}");
        assert_eq!(bench.hub.room(&room.id).await.unwrap().participants.len(), 4);
        // Somebody leaves, and the fifth gets in.
        for client in &mut clients {
            bench.hub.session_ended(&client.session.id, LeaveReason::Left).await;
        }
        assert!(bench.join(&bench.client("late"), &room).await.is_ok());
        bench.hub.end_room_as_backend(&room.id).await.unwrap();
    }
    assert_eq!(bench.hub.node.sessions.len(), 0, "nothing is left");
    assert_eq!(bench.hub.stats(), Stats::default());
}

#[tokio::test]
async fn a_second_tab_replaces_the_first() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let (mut first, mut other) = (bench.client("ann"), bench.client("bob"));
    let seat = bench.join(&first, &room).await.unwrap();
    bench.join(&other, &room).await.unwrap();
    first.told();
    let second = bench.client("ann");
    assert_eq!(bench.join(&second, &room).await.unwrap().participant, seat.participant);
    assert_eq!(first.told(), [Event::RoomReplaced { room: room.id.clone() }]);
    assert_eq!(other.told(), [], "nobody else notices");
    assert_eq!(bench.hub.leave(&first.session.id, &room.id).await, Err(Error::NotFound("seat")));
    assert!(bench.hub.leave(&second.session.id, &room.id).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_lost_seat_is_kept_for_its_grace() {
    let bench = Bench::start().await;
    for (loss, grace, reason) in [(Loss::Closed, 2, LeaveReason::Disconnected), (Loss::Silent, 10, LeaveReason::TimedOut)] {
        let room = bench.room("ann", 2, None).await;
        let (mut ann, bob) = (bench.client("ann"), bench.client("bob"));
        bench.join(&ann, &room).await.unwrap();
        let seat = bench.join(&bob, &room).await.unwrap();
        assert!(matches!(ann.next().await, Event::ParticipantJoined { .. }));
        let lost_at = tokio::time::Instant::now();
        bench.hub.session_lost(&bob.session.id, loss).await;
        let Event::ParticipantUpdated { participant, .. } = ann.next().await else { panic!("reconnecting comes first") };
        assert_eq!(participant.state, ParticipantState::Reconnecting);
        assert_eq!(lost_at.elapsed(), Duration::ZERO, "at once");
        assert_eq!(ann.next().await, Event::ParticipantLeft { room: room.id.clone(), participant: seat.participant, reason });
        assert!(lost_at.elapsed() >= Duration::from_secs(grace) && lost_at.elapsed() < Duration::from_millis(grace * 1_000 + 10));
        assert_eq!(bench.hub.session_resumed(&bob.session.id).await, None, "too late");
        assert!(bench.join(&bob, &room).await.is_ok(), "but there is room");
        bench.hub.end_room_as_backend(&room.id).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_resumes_keeps_its_seat() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let (mut ann, bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&ann, &room).await.unwrap();
    let seat = bench.join(&bob, &room).await.unwrap();
    bench.hub.session_lost(&bob.session.id, Loss::Silent).await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    let resumed = bench.hub.session_resumed(&bob.session.id).await.unwrap();
    assert_eq!((resumed.participant, resumed.room.participants.len()), (seat.participant, 2));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!ann.told().iter().any(|event| matches!(event, Event::ParticipantLeft { .. })));
    assert_eq!(bench.hub.session_resumed(&SessionId::new("nobody")).await, None);
}

#[tokio::test]
async fn a_session_that_ends_while_it_joins_takes_no_seat() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, Some("비밀번호")).await;
    let bob = bench.client("bob");
    // The password takes a while to check: the session ends before the room has heard of it.
    let join = bench.join_with(&bob, &room, Some("비밀번호"));
    let end = async {
        while bench.hub.node.sessions.len() == 0 {
            tokio::task::yield_now().await;
        }
        bench.hub.session_ended(&bob.session.id, LeaveReason::Disconnected).await;
    };
    let (joined, ()) = tokio::join!(join, end);
    assert_eq!(joined, Err(Error::Unavailable("the session has ended")));
    assert_eq!(bench.hub.room(&room.id).await.unwrap().participants, []);
    assert_eq!(bench.hub.node.sessions.len(), 0);
}

#[tokio::test]
async fn a_join_that_is_given_up_frees_its_seat() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let handle = bench.hub.node.find(&room.id).await.unwrap();
    let (ann, bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&ann, &room).await.unwrap();
    let reservation = reserve(&bob.session, Grants::User, &handle, PasswordVerdict::Unchecked, Part::Person).await.unwrap();
    let cid = bench.client("cid");
    assert_eq!(bench.join(&cid, &room).await, Err(Error::RoomFull));
    drop(reservation);
    assert!(bench.join(&cid, &room).await.is_ok());
}

#[tokio::test]
async fn a_password_opens_the_room_and_a_wrong_one_does_not() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 4, Some("건배")).await;
    assert!(room.has_password);
    let bob = bench.client("bob");
    for wrong in [None, Some("짠"), Some(""), Some(&*"x".repeat(1_000))] {
        assert_eq!(bench.join_with(&bob, &room, wrong).await, Err(Error::BadPassword), "{wrong:?}");
    }
    assert!(bench.join_with(&bob, &room, Some("건배")).await.is_ok());
    assert!(bench.join(&bench.client("bob"), &room).await.is_ok(), "who is seated needs none");
    assert!(bench.join(&bench.client("ann"), &room).await.is_ok(), "nor does the owner");
    let guest = bench.client_as("guest", Grants::Room(token(&room.id)));
    assert!(bench.join(&guest, &room).await.is_ok(), "nor whom a backend vouches for");
    let record = bench.store.room(&room.id).await.unwrap().unwrap();
    assert!(record.password_hash.is_some_and(|hash| hash.starts_with("$argon2id$") && !hash.contains("건배")));
}

#[tokio::test]
async fn whoever_is_kicked_is_told_and_cannot_return() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 4, None).await;
    let (ann, mut bob) = (bench.client("ann"), bench.client("bob"));
    let own = bench.join(&ann, &room).await.unwrap().participant;
    let seat = bench.join(&bob, &room).await.unwrap();
    assert!(matches!(bench.hub.kick(&bob.session, &room.id, &own).await, Err(Error::Forbidden(_))));
    assert!(matches!(bench.hub.kick(&ann.session, &room.id, &own).await, Err(Error::Conflict(_))));
    bench.hub.kick(&ann.session, &room.id, &seat.participant).await.unwrap();
    assert_eq!(bob.told().last(), Some(&Event::RoomClosed { room: room.id.clone(), reason: CloseReason::Kicked }));
    assert!(matches!(bench.join(&bob, &room).await, Err(Error::Forbidden(_))));
    assert!(matches!(bench.join(&bench.client("bob"), &room).await, Err(Error::Forbidden(_))));
    let again = bench.hub.remove_participant_as_backend(&room.id, &seat.participant).await;
    assert_eq!(again, Err(Error::NotFound("participant")));
    let elsewhere = bench.room("ann", 4, None).await;
    assert!(bench.join(&bob, &elsewhere).await.is_ok(), "other rooms are open");
}

#[tokio::test]
async fn a_closed_room_is_gone_for_everyone() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 4, None).await;
    let (ann, mut bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&bob, &room).await.unwrap();
    assert!(matches!(bench.hub.close(&bob.session, &room.id).await, Err(Error::Forbidden(_))));
    bench.hub.close(&ann.session, &room.id).await.unwrap();
    assert_eq!(bob.told(), [Event::RoomClosed { room: room.id.clone(), reason: CloseReason::Closed }]);
    assert_eq!(bench.hub.room(&room.id).await, Err(Error::NotFound("room")));
    assert_eq!(bench.join(&bob, &room).await, Err(Error::NotFound("room")));
    assert_eq!(bench.hub.lobby(LobbyFilter { kind: RoomKind::Buddy, capacity: None }), []);
    assert_eq!(bench.store.open_rooms().await.unwrap(), []);
    let another = bench.room("ann", 2, None).await;
    assert!(bench.join(&bob, &another).await.is_ok(), "its sessions are free");
}

#[tokio::test]
async fn a_token_opens_its_own_room_with_its_own_rights() {
    let bench = Bench::start().await;
    let (room, other) = (bench.room("ann", 4, None).await, bench.room("ann", 4, None).await);
    let guest = bench.client_as("guest", Grants::Room(token(&room.id)));
    assert_eq!(bench.join(&guest, &other).await, Err(Error::NotFound("room")));
    assert_eq!(bench.hub.close(&guest.session, &other.id).await, Err(Error::NotFound("room")));
    assert!(matches!(bench.hub.close(&guest.session, &room.id).await, Err(Error::Forbidden(_))));
    let barred = bench.client_as("barred", Grants::Room(RoomGrants { room_join: false, ..token(&room.id) }));
    assert!(matches!(bench.join(&barred, &room).await, Err(Error::Forbidden(_))));
    let admin = bench.client_as("admin", Grants::Room(RoomGrants { room_admin: true, ..token(&room.id) }));
    assert!(bench.hub.close(&admin.session, &room.id).await.is_ok());
}

#[tokio::test]
async fn a_session_sits_in_one_room_at_a_time() {
    let bench = Bench::start().await;
    let (room, other) = (bench.room("ann", 2, None).await, bench.room("ann", 2, None).await);
    let ann = bench.client("ann");
    bench.join(&ann, &room).await.unwrap();
    assert!(matches!(bench.join(&ann, &other).await, Err(Error::Conflict(_))));
    bench.hub.leave(&ann.session.id, &room.id).await.unwrap();
    assert!(bench.join(&ann, &other).await.is_ok());
}

#[tokio::test]
async fn two_rooms_of_the_same_shape_hear_nothing_of_each_other() {
    let bench = Bench::start().await;
    let (here, there) = (bench.room("ann", 2, None).await, bench.room("ann", 2, None).await);
    let (mut a, mut b) = (bench.client("u1"), bench.client("u1"));
    bench.join(&a, &here).await.unwrap();
    let seat = bench.join(&b, &there).await.unwrap();
    let visitor = bench.client("u2");
    bench.join(&visitor, &here).await.unwrap();
    bench
        .hub
        .send(
            &visitor.session,
            &here.channel,
            SendMessage { nonce: Nonce("1".to_owned()), text: "여기".to_owned(), reply_to: None, attachments: vec![] },
        )
        .await
        .unwrap();
    bench.hub.leave(&visitor.session.id, &here.id).await.unwrap();
    assert!(matches!(a.next().await, Event::ParticipantJoined { .. }));
    assert!(matches!(a.next().await, Event::ChatMessage { .. }));
    assert!(matches!(a.next().await, Event::ParticipantLeft { .. }));
    assert_eq!(b.told(), []);
    let foreign = bench.hub.kick(&bench.client("ann").session, &here.id, &seat.participant).await;
    assert_eq!(foreign, Err(Error::NotFound("participant")));
    assert_eq!(bench.hub.history(&b.session, &here.channel, Cursor::Newest, 10).await, Err(Error::NotFound("channel")));
}

#[tokio::test]
async fn a_retried_creation_returns_the_first_room() {
    let bench = Bench::start().await;
    let request = CreateRoom {
        name: "  방  ".to_owned(),
        kind: RoomKind::Buddy,
        capacity: 3,
        password: None,
        listing: Listing::Lobby,
        nonce: Nonce("n".to_owned()),
    };
    let first = bench.hub.create_room(&person("ann"), request.clone()).await.unwrap();
    assert_eq!(first.name, "방");
    let again = CreateRoom { name: "다른 이름".to_owned(), kind: RoomKind::Buddy, capacity: 2, ..request.clone() };
    assert_eq!(bench.hub.create_room(&person("ann"), again.clone()).await.unwrap(), first);
    assert_ne!(bench.hub.create_room(&person("bob"), again).await.unwrap().id, first.id);
    bench.hub.end_room_as_backend(&first.id).await.unwrap();
    assert!(matches!(bench.hub.create_room(&person("ann"), request.clone()).await, Err(Error::Conflict(_))));
    let field = |request: CreateRoom| {
        let hub = bench.hub.clone();
        async move {
            match hub.create_room(&person("ann"), request).await {
                Err(Error::Invalid { field, .. }) => field,
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(field(CreateRoom { name: " ".to_owned(), ..request.clone() }).await, "name");
    assert_eq!(field(CreateRoom { capacity: 5, ..request.clone() }).await, "capacity");
    assert_eq!(field(CreateRoom { password: Some(String::new()), ..request.clone() }).await, "password");
    assert_eq!(field(CreateRoom { nonce: Nonce("n".repeat(65)), ..request }).await, "nonce");
}

#[tokio::test(start_paused = true)]
async fn the_last_one_out_ends_the_room_after_30_s() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let ann = bench.client("ann");
    bench.join(&ann, &room).await.unwrap();
    bench.hub.leave(&ann.session.id, &room.id).await.unwrap();
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert!(bench.hub.room(&room.id).await.is_ok());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bench.hub.room(&room.id).await, Err(Error::NotFound("room")));
    assert_eq!(bench.store.open_rooms().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn rooms_outlive_the_process_and_wait_for_their_people() {
    let bench = Bench::start().await;
    let (room, unlisted) = (bench.room("ann", 2, Some("건배")).await, Listing::Unlisted);
    let shop = CreateRoom {
        name: "상점".to_owned(),
        kind: RoomKind::Buddy,
        capacity: 2,
        password: None,
        listing: unlisted,
        nonce: Nonce("n".to_owned()),
    };
    let shop = bench.hub.create_room(&person("shop"), shop).await.unwrap();
    let mut ann = bench.client("ann");
    bench.join(&ann, &room).await.unwrap();
    bench.hub.stop().await;
    assert_eq!(ann.told(), [Event::RoomClosed { room: room.id.clone(), reason: CloseReason::ServerStopped }]);
    assert!(matches!(bench.join(&ann, &room).await, Err(Error::Unavailable(_))));
    let config = Config { unused_lobby_ttl: Duration::from_secs(1), ..Config::default() };
    let next = Bench::start_with(config, bench.store.clone()).await;
    assert_eq!(next.hub.lobby(LobbyFilter { kind: RoomKind::Buddy, capacity: None }).len(), 1);
    tokio::time::sleep(Duration::from_secs(50)).await;
    let (ann, bob) = (next.client("ann"), next.client("bob"));
    assert!(next.join(&ann, &room).await.is_ok());
    assert_eq!(next.join(&bob, &room).await, Err(Error::BadPassword), "the password is kept");
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert!(next.hub.room(&shop.id).await.is_ok(), "a room that waits a day for its first guest goes on waiting");
}

#[tokio::test]
async fn a_panic_ends_one_room_which_can_be_joined_anew() {
    let bench = Bench::start().await;
    let (room, other) = (bench.room("ann", 2, None).await, bench.room("ann", 2, None).await);
    let (mut ann, bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&ann, &room).await.unwrap();
    bench.join(&bob, &other).await.unwrap();
    bench.hub.node.find(&room.id).await.unwrap().tell(Input::Panic).await;
    assert_eq!(ann.next().await, Event::RoomClosed { room: room.id.clone(), reason: CloseReason::Failed });
    assert_eq!(bench.hub.stats().rooms_failed, 1);
    let anew = bench.join(&ann, &room).await.unwrap();
    assert_eq!(anew.room.participants.len(), 1);
    assert_eq!(bench.hub.room(&other.id).await.unwrap().participants.len(), 1);
}

#[tokio::test]
async fn a_link_opens_its_room_as_often_as_it_says() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let request = CreateLink { ttl: Duration::from_secs(60), max_uses: 2, name: Some(" 손님 ".to_owned()) };
    let link = bench.hub.create_link(&room.id, request.clone()).await.unwrap();
    for _ in 0..2 {
        let opened = bench.hub.redeem_link(&link.secret).await.unwrap();
        assert_eq!(opened, RedeemedLink { room: room.id.clone(), name: Some("손님".to_owned()) });
    }
    assert_eq!(bench.hub.redeem_link(&link.secret).await.unwrap_err().to_string(), "there is no such link any more: it is used up");
    assert_eq!(bench.hub.redeem_link("guess").await, Err(Error::NotFound("link")));
    for (bad, field) in [
        (CreateLink { ttl: Duration::ZERO, ..request.clone() }, "ttl_s"),
        (CreateLink { max_uses: 0, ..request.clone() }, "max_uses"),
        (CreateLink { name: Some(String::new()), ..request.clone() }, "name"),
    ] {
        assert!(matches!(bench.hub.create_link(&room.id, bad).await, Err(Error::Invalid { field: named, .. }) if named == field));
    }
    let another = bench.hub.create_link(&room.id, request.clone()).await.unwrap();
    bench.hub.end_room_as_backend(&room.id).await.unwrap();
    assert_eq!(bench.hub.redeem_link(&another.secret).await, Err(Error::NotFound("room")));
    assert_eq!(bench.hub.create_link(&room.id, request).await.unwrap_err(), Error::NotFound("room"));
}
