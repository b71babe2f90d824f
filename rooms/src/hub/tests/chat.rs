//! Messages: durable before answered, told once and in order, whatever the store does.

use super::super::chat::Place;
use super::*;
use crate::{InviteId, ScheduleId, ServerId, UserId};

use crate::store::{
    Appended, BanRecord, Edit, Entered, Entry, InviteRecord, LinkRecord, MarkStore, Marked, MemberRecord, Membership, MessageStore,
    NewMessage, Pin, React, Redeemed, ScheduleRecord, SearchStore, ServerTree, StoreError, TreeChange, Updated, UserRecord,
};
use crate::view::{Attachment, Audience, Cursor, History, Message, Unread};
use rand::RngExt as _;
use std::sync::atomic::AtomicU32;

fn say(nonce: impl ToString, text: String) -> SendMessage {
    SendMessage { nonce: Nonce(nonce.to_string()), text, reply_to: None, attachments: vec![] }
}

fn text_of(event: Event) -> (u64, String) {
    match event {
        Event::ChatMessage { message } => (message.seq, message.text),
        other => panic!("{other:?}"),
    }
}

/// A memory store whose appends take a random while, and of which some store the message and then say that they failed.
struct MoodyStore {
    inner: Arc<MemoryStore>,
    losses: AtomicU32,
}

crate::store::delegate::delegate_all_but_messages!(MoodyStore);

#[async_trait::async_trait]
impl MessageStore for MoodyStore {
    async fn append(&self, message: NewMessage) -> std::result::Result<Appended, StoreError> {
        let (before, after, lose) = {
            let mut rng = rand::rng();
            (rng.random_range(0..20), rng.random_range(0..20), rng.random_bool(0.2))
        };
        tokio::time::sleep(Duration::from_millis(before)).await;
        let appended = self.inner.append(message).await?;
        tokio::time::sleep(Duration::from_millis(after)).await;
        if lose && !appended.duplicate {
            self.losses.fetch_add(1, Ordering::Relaxed);
            return Err(StoreError::Unavailable);
        }
        Ok(appended)
    }
    async fn edit(&self, edit: Edit) -> std::result::Result<Option<Message>, StoreError> {
        self.inner.edit(edit).await
    }
    async fn delete(&self, channel: &ChannelId, seq: u64, at: SystemTime) -> std::result::Result<Option<Message>, StoreError> {
        self.inner.delete(channel, seq, at).await
    }
    async fn message(&self, channel: &ChannelId, seq: u64) -> std::result::Result<Option<Message>, StoreError> {
        self.inner.message(channel, seq).await
    }
    async fn history(&self, channel: &ChannelId, cursor: Cursor, limit: u32) -> std::result::Result<History, StoreError> {
        if cursor != Cursor::Newest && rand::rng().random_bool(0.2) {
            return Err(StoreError::Unavailable);
        }
        self.inner.history(channel, cursor, limit).await
    }
    async fn mark_read(&self, user: &UserId, channel: &ChannelId, seq: u64) -> std::result::Result<u64, StoreError> {
        self.inner.mark_read(user, channel, seq).await
    }
    async fn mark_unread(&self, user: &UserId, channel: &ChannelId, seq: u64) -> std::result::Result<u64, StoreError> {
        self.inner.mark_unread(user, channel, seq).await
    }
    async fn markers(&self, channel: &ChannelId, users: &[UserId]) -> std::result::Result<Vec<u64>, StoreError> {
        self.inner.markers(channel, users).await
    }
    async fn unread(&self, user: &UserId, channels: &[Membership]) -> std::result::Result<Vec<Unread>, StoreError> {
        self.inner.unread(user, channels).await
    }
}

#[async_trait::async_trait]
impl MarkStore for MoodyStore {
    async fn react(&self, react: React) -> std::result::Result<Option<Marked>, StoreError> {
        self.inner.react(react).await
    }
    async fn pin(&self, pin: Pin) -> std::result::Result<Option<Marked>, StoreError> {
        self.inner.pin(pin).await
    }
    async fn pins(&self, channel: &ChannelId) -> std::result::Result<Vec<Message>, StoreError> {
        self.inner.pins(channel).await
    }
}

/// It has no index.
impl SearchStore for MoodyStore {}

#[tokio::test]
async fn a_message_is_stored_answered_and_told_to_all() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let (mut ann, mut bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&ann, &room).await.unwrap();
    bench.join(&bob, &room).await.unwrap();
    ann.told();
    let sent = bench.hub.send(&ann.session, &room.channel, say(1, "건배 🍻".to_owned())).await.unwrap();
    assert_eq!((sent.seq, sent.author.name.as_str()), (1, "ann"));
    assert_eq!(text_of(ann.next().await), (1, "건배 🍻".to_owned()), "the sender too");
    assert_eq!(text_of(bob.next().await), (1, "건배 🍻".to_owned()));
    let again = bench.hub.send(&ann.session, &room.channel, say(1, "건배 🍻".to_owned())).await.unwrap();
    assert_eq!(again, sent);
    bench.hub.send(&bob.session, &room.channel, say(1, "다음".to_owned())).await.unwrap();
    assert_eq!(text_of(bob.next().await), (2, "다음".to_owned()), "the retry was not told again");
    let page = bench.hub.history(&bob.session, &room.channel, Cursor::Before(2), 10).await.unwrap();
    assert_eq!((page.messages, page.more), (vec![sent], false));
    assert_eq!(bench.hub.stats().messages_stored, 2);
}

#[tokio::test]
async fn a_message_is_edited_by_its_author_and_all_are_told() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let (mut ann, mut bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&ann, &room).await.unwrap();
    bench.join(&bob, &room).await.unwrap();
    ann.told();
    bench.hub.send(&bob.session, &room.channel, say(1, "건배".to_owned())).await.unwrap();
    let (hub, channel) = (&bench.hub, &room.channel);
    let forbidden = hub.edit(&ann.session, channel, 1, "맹물".to_owned()).await;
    assert!(matches!(forbidden, Err(Error::Forbidden(_))), "the room's owner neither: {forbidden:?}");
    let edited = hub.edit(&bob.session, channel, 1, "짠".to_owned()).await.unwrap();
    assert_eq!((edited.seq, edited.text.as_str(), edited.edited_at.is_some()), (1, "짠", true));
    for client in [&mut ann, &mut bob] {
        assert_eq!(text_of(client.next().await), (1, "건배".to_owned()));
        assert_eq!(client.next().await, Event::ChatEdited { message: edited.clone() });
    }
    assert_eq!(hub.edit(&bob.session, channel, 2, "짠".to_owned()).await, Err(Error::NotFound("message")));
    assert!(matches!(hub.edit(&bob.session, channel, 1, " ".to_owned()).await, Err(Error::Invalid { field: "text", .. })));
    assert_eq!(hub.history(&ann.session, channel, Cursor::Newest, 10).await.unwrap().messages, [edited]);
}

#[tokio::test]
async fn a_message_is_deleted_by_its_author_or_the_rooms_owner_and_all_are_told_once() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 3, None).await;
    let (mut ann, bob, cho) = (bench.client("ann"), bench.client("bob"), bench.client("cho"));
    for client in [&ann, &bob, &cho] {
        bench.join(client, &room).await.unwrap();
    }
    ann.told();
    let (hub, channel) = (&bench.hub, &room.channel);
    for (client, key) in [(&bob, 1), (&bob, 2)] {
        hub.send(&client.session, channel, say(key, format!("{key}"))).await.unwrap();
        ann.next().await;
    }
    assert!(matches!(hub.delete(&cho.session, channel, 1).await, Err(Error::Forbidden(_))));
    let deleted = hub.delete(&bob.session, channel, 1).await.unwrap();
    assert!(deleted.text.is_empty() && deleted.deleted_at.is_some());
    assert_eq!(ann.next().await, Event::ChatDeleted { message: deleted.clone() });
    assert_eq!(hub.delete(&bob.session, channel, 1).await.unwrap(), deleted);
    let second = hub.delete(&ann.session, channel, 2).await.unwrap();
    assert_eq!(ann.next().await, Event::ChatDeleted { message: second }, "the first was told once");
    assert_eq!(hub.edit(&bob.session, channel, 1, "wieder".to_owned()).await, Err(Error::NotFound("message")));
    let stranger = bench.client("dan");
    assert_eq!(hub.delete(&stranger.session, channel, 1).await, Err(Error::NotFound("channel")));
}

#[tokio::test]
async fn a_text_mentions_users_and_the_owners_text_everyone() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let (ann, bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&ann, &room).await.unwrap();
    bench.join(&bob, &room).await.unwrap();
    let (hub, channel) = (&bench.hub, &room.channel);
    let text = "<@ann> <@everyone> <@&role> <@ann>".to_owned();
    let named = Audience::User(UserId::new("ann"));
    let sent = hub.send(&bob.session, channel, say(1, text.clone())).await.unwrap();
    assert_eq!(sent.mentions, std::slice::from_ref(&named), "a room has no roles, and only its owner speaks to everyone");
    let sent = hub.send(&ann.session, channel, say(2, text)).await.unwrap();
    assert_eq!(sent.mentions, [named, Audience::Everyone]);
    let edited = hub.edit(&ann.session, channel, 2, "<@bob>".to_owned()).await.unwrap();
    assert_eq!(edited.mentions, [Audience::User(UserId::new("bob"))]);
}

#[tokio::test]
async fn attachments_take_the_place_of_a_text_and_stay_when_it_changes() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let ann = bench.client("ann");
    bench.join(&ann, &room).await.unwrap();
    let (hub, channel) = (&bench.hub, &room.channel);
    let at = |url: &str| Attachment { url: url.to_owned(), name: "a".to_owned(), mime: "a/b".to_owned(), size_bytes: 1, pixels: None };
    let with = |nonce: u32, text: &str, url: &str| SendMessage { attachments: vec![at(url)], ..say(nonce, text.to_owned()) };
    let sent = hub.send(&ann.session, channel, with(1, "", "https://files.example/a")).await.unwrap();
    assert_eq!((sent.text.as_str(), &sent.attachments[..]), ("", &[at("https://files.example/a")][..]));
    let edited = hub.edit(&ann.session, channel, 1, "안주".to_owned()).await.unwrap();
    assert_eq!(edited.attachments, sent.attachments);
    hub.edit(&ann.session, channel, 1, String::new()).await.unwrap();
    let plain = hub.send(&ann.session, channel, with(2, "", "http://127.0.0.1/a")).await;
    assert!(matches!(plain, Err(Error::Invalid { field: "attachments", .. })), "{plain:?}");
    hub.send(&ann.session, channel, say(3, "짠".to_owned())).await.unwrap();
    let empty = hub.edit(&ann.session, channel, 2, String::new()).await;
    assert!(matches!(empty, Err(Error::Invalid { field: "text", .. })), "{empty:?}");
}

#[tokio::test]
async fn an_answer_names_a_message_that_is_there() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let ann = bench.client("ann");
    bench.join(&ann, &room).await.unwrap();
    let (hub, channel) = (&bench.hub, &room.channel);
    let answer = |key: u32, seq| SendMessage { reply_to: Some(seq), ..say(key, "네".to_owned()) };
    assert_eq!(hub.send(&ann.session, channel, answer(1, 1)).await, Err(Error::NotFound("message")));
    hub.send(&ann.session, channel, say(2, "한 잔?".to_owned())).await.unwrap();
    let sent = hub.send(&ann.session, channel, answer(3, 1)).await.unwrap();
    assert_eq!((sent.seq, sent.reply_to), (2, Some(1)));
}

#[tokio::test]
async fn only_who_is_in_the_room_may_speak_and_read() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let ann = bench.client("ann");
    let speak = |client: &Client, text: &str| {
        let (hub, session, channel, text) = (bench.hub.clone(), client.session.clone(), room.channel.clone(), text.to_owned());
        async move { hub.send(&session, &channel, say(1, text)).await }
    };
    assert_eq!(speak(&ann, "a").await, Err(Error::NotFound("channel")));
    assert_eq!(bench.hub.history(&ann.session, &room.channel, Cursor::Newest, 1).await, Err(Error::NotFound("channel")));
    bench.join(&ann, &room).await.unwrap();
    assert!(matches!(speak(&ann, " ").await, Err(Error::Invalid { field: "text", .. })));
    assert_eq!(speak(&ann, &"짠".repeat(4_001)).await, Err(Error::TooLarge { field: "text", limit: 4_000 }));
    assert!(speak(&ann, &"짠".repeat(4_000)).await.is_ok());
    assert!(matches!(
        bench.hub.history(&ann.session, &room.channel, Cursor::Newest, 101).await,
        Err(Error::Invalid { field: "limit", .. })
    ));
    let mute = bench.client_as("mute", Grants::Room(RoomGrants { can_publish_data: false, ..token(&room.id) }));
    bench.join(&mute, &room).await.unwrap();
    assert!(matches!(speak(&mute, "a").await, Err(Error::Forbidden(_))));
    assert!(bench.hub.history(&mute.session, &room.channel, Cursor::Newest, 1).await.is_ok());
    bench.hub.leave(&ann.session.id, &room.id).await.unwrap();
    assert_eq!(speak(&ann, "a").await, Err(Error::NotFound("channel")));
}

#[tokio::test(start_paused = true)]
async fn that_somebody_writes_is_told_to_the_others_once_in_three_seconds() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let (mut ann, mut bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&ann, &room).await.unwrap();
    bench.join(&bob, &room).await.unwrap();
    ann.told();
    for _ in 0..3 {
        for _ in 0..5 {
            bench.hub.typing(&ann.session, &room.channel).await.unwrap();
        }
        assert_eq!(bob.next().await, Event::ChatTyping { channel: room.channel.clone(), user: person("ann") });
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!((bob.told(), ann.told()), (vec![], vec![]));
    }
    let mute = bench.client_as("ann", Grants::Room(RoomGrants { can_publish_data: false, ..token(&room.id) }));
    assert_eq!(bench.hub.typing(&mute.session, &room.channel).await, Err(Error::NotFound("channel")));
    bench.join(&mute, &room).await.unwrap();
    assert!(matches!(bench.hub.typing(&mute.session, &room.channel).await, Err(Error::Forbidden(_))));
}

#[tokio::test(start_paused = true)]
async fn slow_mode_lets_a_user_send_once_in_an_interval_and_who_moderates_always() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let (ann, bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&ann, &room).await.unwrap();
    bench.join(&bob, &room).await.unwrap();
    let hub = &bench.hub;
    let send = |client: &Client, nonce: u32| {
        let (session, slow_mode, channel) = (client.session.clone(), Some(Duration::from_secs(30)), room.channel.clone());
        async move {
            let place = Place { slow_mode, ..hub.place(&session, &channel).await.unwrap() };
            hub.send_in(&session, place, say(nonce, "짠".to_owned())).await.map(|message| message.seq)
        }
    };
    assert_eq!(send(&bob, 1).await, Ok(1));
    assert_eq!(send(&bob, 1).await, Ok(1), "a retry");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(send(&bob, 2).await, Err(Error::RateLimited { retry_after: Duration::from_secs(20) }));
    assert_eq!((send(&ann, 1).await, send(&ann, 2).await), (Ok(2), Ok(3)));
    hub.edit(&bob.session, &room.channel, 1, "건배".to_owned()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(send(&bob, 2).await, Ok(4));
}

#[tokio::test]
async fn a_plan_may_have_a_limit_of_its_own() {
    let plan_text_max_chars = [("free".to_owned(), 3), ("pro".to_owned(), 9_000)].into_iter().collect();
    let bench = Bench::start_with(Config { plan_text_max_chars, ..Config::default() }, Arc::default()).await;
    let room = bench.room("ann", 2, None).await;
    let mut ann = bench.client("ann");
    bench.join(&ann, &room).await.unwrap();
    let (hub, channel) = (&bench.hub, &room.channel);
    for (key, (plan, limit)) in [(Some("free"), 3), (Some("pro"), 9_000), (Some("unknown"), 4_000), (None, 4_000)].into_iter().enumerate() {
        ann.session.plan = plan.map(str::to_owned);
        let refused = hub.send(&ann.session, channel, say(key, "🍻".repeat(limit + 1))).await;
        assert_eq!(refused, Err(Error::TooLarge { field: "text", limit }), "{plan:?}");
        let sent = hub.send(&ann.session, channel, say(key, "🍻".repeat(limit))).await.unwrap();
        let refused = hub.edit(&ann.session, channel, sent.seq, "짠".repeat(limit + 1)).await;
        assert_eq!(refused, Err(Error::TooLarge { field: "text", limit }), "{plan:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_told_when_to_go_on() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let ann = bench.client("ann");
    bench.join(&ann, &room).await.unwrap();
    for index in 0..20 {
        bench.hub.send(&ann.session, &room.channel, say(index, "a".to_owned())).await.unwrap();
    }
    let Err(Error::RateLimited { retry_after }) = bench.hub.send(&ann.session, &room.channel, say(20, "a".to_owned())).await else {
        panic!("the burst is over")
    };
    assert!(retry_after <= Duration::from_millis(500) && retry_after > Duration::ZERO);
    tokio::time::sleep(retry_after).await;
    assert!(bench.hub.send(&ann.session, &room.channel, say(20, "a".to_owned())).await.is_ok());
    bench.hub.session_ended(&ann.session.id, LeaveReason::Left).await;
    assert!(bench.hub.chat_buckets.is_empty());
}

#[tokio::test(start_paused = true)]
async fn everyone_is_told_everything_once_in_order_though_the_store_loses_answers() {
    let (media, _workers) = ::media::start(&::media::Config::default()).unwrap();
    let store = Arc::new(MoodyStore { inner: Arc::default(), losses: AtomicU32::new(0) });
    let config = Config { chat_rate: None, ..Config::default() };
    let hub = Hub::start(config, store.clone(), media).await.unwrap();
    let request = CreateRoom {
        name: "방".to_owned(),
        kind: RoomKind::Buddy,
        capacity: 4,
        password: None,
        listing: Listing::Lobby,
        nonce: Nonce("0".to_owned()),
    };
    let room = hub.create_room(&person("ann"), request).await.unwrap();
    let mut clients = Vec::new();
    for user in ["a", "b", "c", "d"] {
        let (session, outbox) = SessionHandle::new(SessionId::new(user), person(user), Grants::User);
        hub.join(&session, JoinRoom { room: room.id.clone(), password: None, offer: None, part: Part::Person }).await.unwrap();
        clients.push(Client { session, outbox });
    }
    for client in &mut clients {
        client.told();
    }
    const EACH: u64 = 50;
    let mut senders = tokio::task::JoinSet::new();
    for client in &clients {
        for index in 0..EACH {
            let (hub, session, channel) = (hub.clone(), client.session.clone(), room.channel.clone());
            senders.spawn(async move {
                // As a client does: the same nonce until it is answered.
                loop {
                    match hub.send(&session, &channel, say(index, format!("{} {index}", session.id))).await {
                        Ok(message) => return message.seq,
                        Err(Error::Unavailable(_)) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
    }
    let mut acked = senders.join_all().await;
    acked.sort_unstable();
    assert_eq!(acked, (1..=4 * EACH).collect::<Vec<_>>());
    assert!(store.losses.load(Ordering::Relaxed) > 0, "some answers were lost");
    for client in &mut clients {
        for seq in 1..=4 * EACH {
            assert_eq!(text_of(client.next().await).0, seq);
        }
        assert_eq!(client.told(), []);
    }
    assert_eq!(hub.stats().messages_stored, 4 * EACH);
}

#[tokio::test]
async fn a_room_opened_again_goes_on_counting() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let ann = bench.client("ann");
    bench.join(&ann, &room).await.unwrap();
    bench.hub.send(&ann.session, &room.channel, say(1, "앞".to_owned())).await.unwrap();
    bench.hub.stop().await;
    let next = Bench::start_with(Config::default(), bench.store.clone()).await;
    let mut ann = next.client("ann");
    next.join(&ann, &room).await.unwrap();
    let sent = next.hub.send(&ann.session, &room.channel, say(2, "뒤".to_owned())).await.unwrap();
    assert_eq!(sent.seq, 2);
    assert_eq!(text_of(ann.next().await), (2, "뒤".to_owned()), "what was told before is not told again");
}
