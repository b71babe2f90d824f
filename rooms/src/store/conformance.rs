//! One suite for every [`Store`]: what the trait promises, as cases that a backend's tests expand by
//! [`store_conformance!`](crate::store_conformance).
//!
//! Tests nothing of durability across processes: a backend does that with its own means. Invariant: a case gets a fresh, empty store.

#![allow(clippy::unwrap_used, reason = "these are tests, compiled into others")]

mod oracle;

use super::{LinkRecord, Listing, NewMessage, Nonce, Redeemed, RoomRecord, Store};
use crate::view::{RoomKind, User};
use crate::{ChannelId, MessageId, RoomId, UserId};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use oracle::random_operations_agree_with_an_oracle;

/// Expands to one `#[tokio::test]` per case. Takes the path of an `async fn() -> (Arc<dyn Store>, K)` that makes an empty store, and
/// anything that has to live as long as it (a temporary folder).
///
/// ```text
/// async fn make() -> (std::sync::Arc<dyn rooms::store::Store>, ()) { … }
/// rooms::store_conformance!(make);
/// ```
#[macro_export]
macro_rules! store_conformance {
    ($make:path) => {
        $crate::store_conformance!($make;
            a_room_comes_back_as_it_was_kept,
            an_owner_and_a_nonce_make_one_room,
            an_ended_room_is_found_no_more,
            open_rooms_are_listed_oldest_first,
            a_link_is_used_as_often_as_it_says_however_many_race,
            an_expired_or_unknown_link_is_refused,
            numbers_are_contiguous_under_concurrent_appends,
            a_repeated_nonce_returns_the_first_message,
            a_nonce_belongs_to_its_author_and_channel,
            history_pages_meet_without_gap_or_overlap,
            history_bounds_are_exclusive_and_may_lie_outside,
            any_text_survives,
            random_operations_agree_with_an_oracle,
        );
    };
    ($make:path; $($case:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let (store, _keep) = $make().await;
            $crate::store::conformance::$case(store).await;
        }
    )*};
}

fn millis(ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000) + Duration::from_millis(ms)
}

fn user(id: &str) -> User {
    User { id: UserId::new(id), name: format!("{id} 이름") }
}

fn nonce(text: &str) -> Nonce {
    Nonce(text.to_owned())
}

fn room(id: &str, owner: &str, age_ms: u64) -> RoomRecord {
    RoomRecord {
        id: RoomId::new(id),
        name: format!("방 {id} 🍻"),
        kind: RoomKind::Buddy,
        capacity: 4,
        password_hash: None,
        owner: user(owner),
        channel: ChannelId::new(format!("channel of {id}")),
        listing: Listing::Lobby,
        created_at: millis(age_ms),
    }
}

fn message(id: &str, channel: &str, author: &str, key: &str) -> NewMessage {
    NewMessage {
        id: MessageId::new(id),
        channel: ChannelId::new(channel),
        author: user(author),
        nonce: nonce(key),
        text: format!("text of {id}"),
        sent_at: millis(7),
    }
}

fn link(secret: u8, max_uses: u32) -> LinkRecord {
    let name = Some("손님".to_owned());
    LinkRecord { secret_hash: [secret; 32], room: RoomId::new("r"), name, max_uses, uses: 0, expires_at: millis(1_000) }
}

/// Runs `count` futures at the same time on all threads.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(count: usize, make: impl Fn(usize) -> F) -> Vec<T> {
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..count {
        tasks.spawn(make(index));
    }
    tasks.join_all().await
}

/// Every field of a room is kept.
pub async fn a_room_comes_back_as_it_was_kept(store: Arc<dyn Store>) {
    let open = room("r1", "owner", 123);
    let secret = RoomRecord {
        password_hash: Some("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned()),
        listing: Listing::Unlisted,
        capacity: 2,
        ..room("r2", "owner", 456)
    };
    let voice = RoomRecord { kind: RoomKind::Voice, capacity: 50, ..room("r4", "owner", 789) };
    assert_eq!(store.create_room(voice.clone(), nonce("4")).await.unwrap(), voice);
    assert_eq!(store.room(&voice.id).await.unwrap(), Some(voice));
    assert_eq!(store.create_room(open.clone(), nonce("1")).await.unwrap(), open);
    assert_eq!(store.create_room(secret.clone(), nonce("2")).await.unwrap(), secret);
    assert_eq!(store.room(&open.id).await.unwrap(), Some(open));
    assert_eq!(store.room(&secret.id).await.unwrap(), Some(secret));
    assert_eq!(store.room(&RoomId::new("r3")).await.unwrap(), None);
}

/// Whoever comes first makes the room, the others get it.
pub async fn an_owner_and_a_nonce_make_one_room(store: Arc<dyn Store>) {
    let made = at_once(16, |index| {
        let store = store.clone();
        async move { store.create_room(room(&format!("r{index}"), "owner", index as u64), nonce("same")).await.unwrap() }
    })
    .await;
    assert!(made.iter().all(|room| *room == made[0]), "{made:?}");
    assert_eq!(store.open_rooms().await.unwrap(), [made[0].clone()]);
    let other_owner = room("other owner's", "other", 100);
    assert_eq!(store.create_room(other_owner.clone(), nonce("same")).await.unwrap(), other_owner);
    let other_nonce = room("other nonce's", "owner", 101);
    assert_eq!(store.create_room(other_nonce.clone(), nonce("another")).await.unwrap(), other_nonce);
}

/// Its messages stay, and so does its nonce.
pub async fn an_ended_room_is_found_no_more(store: Arc<dyn Store>) {
    let kept = store.create_room(room("r1", "owner", 1), nonce("1")).await.unwrap();
    store.create_room(room("r2", "owner", 2), nonce("2")).await.unwrap();
    let sent = store.append(NewMessage { channel: kept.channel.clone(), ..message("m", "", "owner", "1") }).await.unwrap();
    store.end_room(&kept.id, millis(5)).await.unwrap();
    store.end_room(&kept.id, millis(6)).await.unwrap();
    store.end_room(&RoomId::new("never was"), millis(6)).await.unwrap();
    assert_eq!(store.room(&kept.id).await.unwrap(), None);
    let open: Vec<RoomId> = store.open_rooms().await.unwrap().into_iter().map(|room| room.id).collect();
    assert_eq!(open, [RoomId::new("r2")]);
    assert_eq!(store.create_room(room("r3", "owner", 3), nonce("1")).await.unwrap().id, kept.id, "the nonce's room, though it ended");
    assert_eq!(store.room(&kept.id).await.unwrap(), None, "and it stays ended");
    assert_eq!(store.history(&kept.channel, None, 10).await.unwrap().messages, [sent.message]);
}

/// By the time of creation, whatever the order of keeping.
pub async fn open_rooms_are_listed_oldest_first(store: Arc<dyn Store>) {
    for (id, age) in [("c", 30), ("a", 10), ("b", 20)] {
        store.create_room(room(id, "owner", age), nonce(id)).await.unwrap();
    }
    let ids: Vec<String> = store.open_rooms().await.unwrap().iter().map(|room| room.id.to_string()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
}

/// 32 tasks want 5 uses.
pub async fn a_link_is_used_as_often_as_it_says_however_many_race(store: Arc<dyn Store>) {
    store.create_link(link(1, 5)).await.unwrap();
    store.create_link(link(2, 1)).await.unwrap();
    let outcomes = at_once(32, |_| {
        let store = store.clone();
        async move { store.redeem_link(&[1; 32], millis(10)).await.unwrap() }
    })
    .await;
    let mut uses: Vec<u32> =
        outcomes.iter().filter_map(|outcome| if let Redeemed::Granted(link) = outcome { Some(link.uses) } else { None }).collect();
    uses.sort_unstable();
    assert_eq!(uses, [1, 2, 3, 4, 5], "each use is counted once");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Redeemed::UsedUp).count(), 27);
    assert_eq!(store.redeem_link(&[2; 32], millis(10)).await.unwrap(), Redeemed::Granted(LinkRecord { uses: 1, ..link(2, 1) }));
}

/// A link ends at its time, and a refused use isn't counted.
pub async fn an_expired_or_unknown_link_is_refused(store: Arc<dyn Store>) {
    store.create_link(link(1, 1)).await.unwrap();
    assert_eq!(store.redeem_link(&[9; 32], millis(0)).await.unwrap(), Redeemed::Unknown);
    assert_eq!(store.redeem_link(&[1; 32], millis(1_000)).await.unwrap(), Redeemed::Expired);
    assert_eq!(store.redeem_link(&[1; 32], millis(5_000)).await.unwrap(), Redeemed::Expired);
    assert_eq!(store.redeem_link(&[1; 32], millis(999)).await.unwrap(), Redeemed::Granted(LinkRecord { uses: 1, ..link(1, 1) }));
    assert_eq!(store.redeem_link(&[1; 32], millis(999)).await.unwrap(), Redeemed::UsedUp);
}

/// 64 at once into each of two channels.
pub async fn numbers_are_contiguous_under_concurrent_appends(store: Arc<dyn Store>) {
    let appended = at_once(128, |index| {
        let store = store.clone();
        let (id, channel, author) = (format!("m{index}"), format!("c{}", index % 2), format!("u{}", index % 5));
        async move { store.append(message(&id, &channel, &author, &id)).await.unwrap() }
    })
    .await;
    for channel in ["c0", "c1"].map(ChannelId::new) {
        let mut own: Vec<_> = appended.iter().filter(|appended| appended.message.channel == channel).collect();
        own.sort_by_key(|appended| appended.message.seq);
        assert!(own.iter().all(|appended| !appended.duplicate));
        assert_eq!(own.iter().map(|appended| appended.message.seq).collect::<Vec<_>>(), (1..=64).collect::<Vec<_>>());
        let kept = store.history(&channel, None, 100).await.unwrap().messages;
        assert_eq!(kept, own.iter().map(|appended| appended.message.clone()).collect::<Vec<_>>());
    }
}

/// Also when the repeats race, and bring another id and text.
pub async fn a_repeated_nonce_returns_the_first_message(store: Arc<dyn Store>) {
    let appended = at_once(16, |index| {
        let store = store.clone();
        async move { store.append(message(&format!("m{index}"), "c", "author", "same")).await.unwrap() }
    })
    .await;
    assert_eq!(appended.iter().filter(|appended| !appended.duplicate).count(), 1);
    assert!(appended.iter().all(|other| other.message == appended[0].message), "{appended:?}");
    store.append(message("next", "c", "author", "another")).await.unwrap();
    let again = store.append(message("late", "c", "author", "same")).await.unwrap();
    assert_eq!((again.duplicate, &again.message), (true, &appended[0].message));
    assert_eq!(store.history(&ChannelId::new("c"), None, 10).await.unwrap().messages.len(), 2);
}

/// The same nonce elsewhere or by somebody else is another message.
pub async fn a_nonce_belongs_to_its_author_and_channel(store: Arc<dyn Store>) {
    for (id, channel, author, seq) in [("m1", "c1", "a", 1), ("m2", "c2", "a", 1), ("m3", "c1", "b", 2)] {
        let appended = store.append(message(id, channel, author, "same")).await.unwrap();
        assert_eq!((appended.duplicate, appended.message.seq, appended.message.id), (false, seq, MessageId::new(id)));
    }
}

/// Pages of every size put together are the whole.
pub async fn history_pages_meet_without_gap_or_overlap(store: Arc<dyn Store>) {
    let channel = ChannelId::new("c");
    for index in 1..=10 {
        store.append(message(&format!("m{index}"), "c", "author", &format!("{index}"))).await.unwrap();
    }
    store.append(message("elsewhere", "d", "author", "1")).await.unwrap();
    for limit in 1..=11u32 {
        let (mut seqs, mut before) = (Vec::new(), None);
        loop {
            let page = store.history(&channel, before, limit).await.unwrap();
            assert!(page.messages.is_sorted_by_key(|message| message.seq), "oldest first");
            before = page.messages.first().map(|message| message.seq);
            seqs.splice(0..0, page.messages.iter().map(|message| message.seq));
            assert_eq!(page.more, seqs[0] > 1, "limit {limit}, after {} messages", seqs.len());
            if !page.more {
                break;
            }
        }
        assert_eq!(seqs, (1..=10).collect::<Vec<_>>(), "limit {limit}");
    }
}

/// `before` itself is not in the page, and may be below or above everything.
pub async fn history_bounds_are_exclusive_and_may_lie_outside(store: Arc<dyn Store>) {
    let channel = ChannelId::new("c");
    for index in 1..=3 {
        store.append(message(&format!("m{index}"), "c", "author", &format!("{index}"))).await.unwrap();
    }
    for (before, limit, seqs, more) in [
        (Some(0), 10, &[][..], false),
        (Some(1), 10, &[], false),
        (Some(2), 10, &[1], false),
        (Some(3), 1, &[2], true),
        (Some(4), 3, &[1, 2, 3], false),
        (Some(u64::MAX), 2, &[2, 3], true),
        (None, 100, &[1, 2, 3], false),
    ] {
        let page = store.history(&channel, before, limit).await.unwrap();
        assert_eq!(page.messages.iter().map(|message| message.seq).collect::<Vec<_>>(), seqs, "before {before:?}, limit {limit}");
        assert_eq!(page.more, more, "before {before:?}, limit {limit}");
    }
    let nothing = store.history(&ChannelId::new("never used"), None, 10).await.unwrap();
    assert!(nothing.messages.is_empty() && !nothing.more);
}

/// Korean, emoji of several code points, quotes, control characters, nothing at all.
pub async fn any_text_survives(store: Arc<dyn Store>) {
    let long = "짠".repeat(4_000);
    let texts = ["건배! 한국어 가나다", "👨‍👩‍👧‍👦🍻🇰🇷", "'; DROP TABLE messages; --", "a\u{0}b\r\n\t\"\\", "e\u{301} \u{202e}abc", "", &long];
    for (index, text) in texts.iter().enumerate() {
        let sent = NewMessage {
            text: (*text).to_owned(), ..message(&format!("m{index}"), "채널 🍶", "글쓴이", &format!("논스 {index}"))
        };
        assert_eq!(store.append(sent).await.unwrap().message.text, *text);
    }
    let kept = store.history(&ChannelId::new("채널 🍶"), None, 100).await.unwrap().messages;
    assert_eq!(kept.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), texts);
    assert_eq!(kept[0].author, user("글쓴이"));
    assert_eq!(kept[0].sent_at, millis(7));
}
