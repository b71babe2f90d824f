//! One suite for every [`Store`]: what the trait promises, as cases that a backend's tests expand by
//! [`store_conformance!`](crate::store_conformance).
//!
//! Tests nothing of durability across processes: a backend does that with its own means. Invariant: a case gets a fresh, empty store.
//!
//! The faults of chats that must stay fixed, and the cases that hold them (those marked ³ are of
//! [`store_nodes_conformance!`](crate::store_nodes_conformance), with three handles on one store):
//!
//! | fault | cases |
//! | --- | --- |
//! | after a gap something is missing or doubled | [`a_client_that_was_away_misses_nothing_and_gets_nothing_twice`], [`history_pages_meet_without_gap_or_overlap`] |
//! | own messages are unread, or so after a new login | [`own_messages_are_never_unread`], [`a_new_login_finds_own_messages_read_and_the_rest_as_it_was`], [`a_login_on_another_node_sees_the_same_markers`]³ |
//! | a stale device moves a marker back, or reading one channel clears another | [`reading_on_one_device_clears_the_others_and_a_late_one_brings_nothing_back`], [`a_marker_never_moves_back_by_reading_and_knows_its_channel`] |
//! | deleting leaves a count behind or makes it negative | [`deleting_lowers_what_is_unread_and_never_below_nothing`], [`a_deleted_message_is_unread_by_nobody`] |
//! | an edit leaves a mention behind or brings none | [`an_edit_adds_and_removes_mentions`], [`an_edit_of_a_read_message_mentions_nobody_anew`] |
//! | a channel never opened, or left and joined again, is full of unread messages | [`nothing_before_coming_is_unread`], [`who_leaves_and_comes_again_starts_at_the_newest_message`] |
//! | several nodes at once break the order or the counts | [`three_nodes_number_one_channel_without_a_gap`]³, [`counts_stay_within_bounds_on_every_node_and_agree_at_the_end`]³, [`counts_hold_while_many_write_read_and_delete_at_once`] |
//! | a flushed cache changes numbers or counts | none: no number is allocated or counted outside the store |
//! | a retry after a lost reply doubles a message | [`a_retry_after_a_lost_reply_stores_one_message`], [`a_repeated_nonce_returns_the_first_message`], [`a_retry_on_another_node_finds_the_first_message`]³ |
//! | what was marked unread doesn't stay so | [`what_is_marked_unread_is_unread_until_it_is_read`] |
//! | anything else | [`random_operations_agree_with_an_oracle`], and with kills in between the backend's own walk by [`Walk`] |

#![allow(clippy::unwrap_used, reason = "these are tests, compiled into others")]

mod community;
mod faults;
mod marks;
mod nodes;
mod notes;
mod notifications;
mod oracle;
mod search;
mod transfer;

use super::{Edit, LinkRecord, Listing, Membership, NewMessage, Nonce, Redeemed, RoomRecord, Store};
use crate::view::{Audience, Cursor, Message, RoomKind, User};
use crate::{ChannelId, MessageId, RoleId, RoomId, UserId};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use community::*;
pub use faults::*;
pub use marks::*;
pub use nodes::*;
pub use notes::{
    a_channel_has_one_note_at_a_time, lines_of_a_note_are_contiguous_and_stored_once, nothing_is_added_to_a_note_that_has_ended,
};
pub use notifications::*;
pub use oracle::{Walk, random_operations_agree_where_so_many_nonces_are_kept, random_operations_agree_with_an_oracle};
pub use search::*;
pub use transfer::*;

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
            an_edited_message_keeps_its_place_and_says_when,
            a_deleted_message_leaves_a_tombstone_with_its_number,
            a_retry_returns_the_message_as_it_is_now,
            own_messages_are_never_unread,
            a_marker_never_moves_back_by_reading_and_knows_its_channel,
            what_is_marked_unread_is_unread_until_it_is_read,
            a_deleted_message_is_unread_by_nobody,
            an_edit_adds_and_removes_mentions,
            a_role_that_is_mentioned_means_those_who_have_it,
            nothing_before_coming_is_unread,
            counts_hold_while_many_write_read_and_delete_at_once,
            a_client_that_was_away_misses_nothing_and_gets_nothing_twice,
            a_new_login_finds_own_messages_read_and_the_rest_as_it_was,
            reading_on_one_device_clears_the_others_and_a_late_one_brings_nothing_back,
            deleting_lowers_what_is_unread_and_never_below_nothing,
            an_edit_of_a_read_message_mentions_nobody_anew,
            who_leaves_and_comes_again_starts_at_the_newest_message,
            a_retry_after_a_lost_reply_stores_one_message,
            attachments_come_back_as_they_were_sent,
            a_user_reacts_once_with_an_emoji,
            a_message_bears_twenty_different_emojis,
            of_many_who_react_the_first_are_named,
            a_pin_is_listed_until_it_is_taken_away,
            a_channel_has_fifty_pins,
            a_deleted_message_loses_its_reactions_and_its_pin,
            random_operations_agree_with_an_oracle,
            a_channel_has_one_note_at_a_time,
            lines_of_a_note_are_contiguous_and_stored_once,
            nothing_is_added_to_a_note_that_has_ended,
            a_server_and_its_members_come_back_as_they_were_kept,
            a_second_server_of_the_same_id_keeps_the_first,
            a_change_on_another_version_changes_nothing,
            one_of_many_racing_changes_wins_each_version,
            every_part_of_a_tree_can_be_put_anew,
            a_removed_role_is_taken_from_members_and_private_channels,
            a_removed_category_frees_its_channels,
            a_removed_channel_takes_its_messages_along,
            nothing_of_a_deleted_server_is_found_again,
            a_server_made_again_begins_with_nothing,
            what_is_said_of_a_server_that_is_not_there_is_not_kept,
            a_channel_leads_to_its_server,
            members_and_memberships_are_listed_oldest_first,
            a_member_is_changed_and_put_out_of_one_server_alone,
            an_invitation_lets_in_as_many_as_it_says_however_many_race,
            one_user_comes_in_once_however_many_times_at_once,
            a_useless_invitation_lets_nobody_in_and_says_why,
            a_member_uses_no_invitation,
            a_ban_keeps_out_until_it_is_lifted,
            an_invitation_comes_back_as_it_was_kept,
            an_entry_of_a_calendar_comes_back_as_it_was_kept,
            a_calendar_lists_what_begins_in_a_time_earliest_first,
            what_is_due_is_listed_across_servers_until_it_is_taken,
            a_reminder_is_taken_by_one_of_many,
            a_reminder_of_a_changed_entry_is_not_taken,
            what_is_known_of_users_comes_back_in_the_order_asked,
            random_changes_of_servers_agree_with_the_plainest_reading,
            a_notification_comes_back_as_it_was_kept,
            notifications_are_numbered_without_a_gap_however_many_race,
            a_key_keeps_one_notification_of_a_user_however_many_race,
            an_inbox_keeps_the_newest_and_its_numbers_go_on,
            pages_of_an_inbox_meet_without_gap_or_overlap,
            what_is_read_stays_read,
            nobody_reads_or_answers_what_is_another_users,
            an_invitation_is_answered_once_however_many_race,
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
        reply_to: None,
        mentions: vec![],
        attachments: vec![],
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
    assert_eq!(store.history(&kept.channel, Cursor::Newest, 10).await.unwrap().messages, [sent.message]);
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
        let kept = store.history(&channel, Cursor::Newest, 100).await.unwrap().messages;
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
    assert_eq!(store.history(&ChannelId::new("c"), Cursor::Newest, 10).await.unwrap().messages.len(), 2);
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
        let (mut seqs, mut cursor) = (Vec::new(), Cursor::Newest);
        loop {
            let page = store.history(&channel, cursor, limit).await.unwrap();
            assert!(page.messages.is_sorted_by_key(|message| message.seq), "oldest first");
            cursor = Cursor::Before(page.messages[0].seq);
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
    for (cursor, limit, seqs, (more, newer)) in [
        (Cursor::Before(0), 10, &[][..], (false, true)),
        (Cursor::Before(1), 10, &[], (false, true)),
        (Cursor::Before(2), 10, &[1], (false, true)),
        (Cursor::Before(3), 1, &[2], (true, true)),
        (Cursor::Before(4), 3, &[1, 2, 3], (false, false)),
        (Cursor::Before(u64::MAX), 2, &[2, 3], (true, false)),
        (Cursor::Newest, 100, &[1, 2, 3], (false, false)),
        (Cursor::After(0), 2, &[1, 2], (false, true)),
        (Cursor::After(2), 10, &[3], (true, false)),
        (Cursor::After(3), 10, &[], (true, false)),
        (Cursor::After(u64::MAX), 10, &[], (true, false)),
        (Cursor::Around(2), 1, &[2], (true, true)),
        (Cursor::Around(2), 2, &[1, 2], (false, true)),
        (Cursor::Around(1), 2, &[1, 2], (false, true)),
        (Cursor::Around(3), 2, &[2, 3], (true, false)),
        (Cursor::Around(2), 50, &[1, 2, 3], (false, false)),
        (Cursor::Around(u64::MAX), 2, &[2, 3], (true, false)),
    ] {
        let page = store.history(&channel, cursor, limit).await.unwrap();
        assert_eq!(page.messages.iter().map(|message| message.seq).collect::<Vec<_>>(), seqs, "{cursor:?}, limit {limit}");
        assert_eq!((page.more, page.newer), (more, newer), "{cursor:?}, limit {limit}");
    }
    let nothing = store.history(&ChannelId::new("never used"), Cursor::Newest, 10).await.unwrap();
    assert!(nothing.messages.is_empty() && !nothing.more && !nothing.newer);
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
    let kept = store.history(&ChannelId::new("채널 🍶"), Cursor::Newest, 100).await.unwrap().messages;
    assert_eq!(kept.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), texts);
    assert_eq!(kept[0].author, user("글쓴이"));
    assert_eq!(kept[0].sent_at, millis(7));
}

/// Appends a message of `author` that mentions these, and returns its number.
async fn say(store: &dyn Store, channel: &str, author: &str, key: &str, mentions: &[Audience]) -> u64 {
    let new = NewMessage { mentions: mentions.to_vec(), ..message(&format!("{channel} {author} {key}"), channel, author, key) };
    store.append(new).await.unwrap().message.seq
}

fn named(user: &str) -> Audience {
    Audience::User(UserId::new(user))
}

fn edit(channel: &str, seq: u64, mentions: &[Audience]) -> Edit {
    Edit { channel: ChannelId::new(channel), seq, text: "고침 ✍".to_owned(), mentions: mentions.to_vec(), at: millis(50) }
}

/// (read, unread, mentions) of a channel for somebody who has always been there.
async fn unread(store: &dyn Store, user: &str, channel: &str) -> (u64, u64, u64) {
    unread_since(store, user, channel, 0).await
}

async fn unread_since(store: &dyn Store, user: &str, channel: &str, since: u64) -> (u64, u64, u64) {
    let membership = Membership { channel: ChannelId::new(channel), since, roles: vec![] };
    let unread = store.unread(&UserId::new(user), &[membership]).await.unwrap();
    assert!(unread.len() == 1 && unread[0].channel.as_str() == channel && unread[0].read <= unread[0].head, "{unread:?}");
    (unread[0].read, unread[0].unread, unread[0].mentions)
}

async fn delete(store: &dyn Store, channel: &str, seq: u64) {
    store.delete(&ChannelId::new(channel), seq, millis(60)).await.unwrap().unwrap();
}

/// Also in history; what isn't there or is deleted can't be edited.
pub async fn an_edited_message_keeps_its_place_and_says_when(store: Arc<dyn Store>) {
    let channel = ChannelId::new("c");
    let answer = NewMessage { reply_to: Some(1), mentions: vec![named("b")], ..message("m2", "c", "a", "2") };
    let first = store.append(message("m1", "c", "a", "1")).await.unwrap().message;
    let before = store.append(answer).await.unwrap().message;
    assert_eq!((before.reply_to, before.edited_at, &before.mentions[..]), (Some(1), None, &[named("b")][..]));
    let edited = store.edit(edit("c", 2, &[Audience::Everyone])).await.unwrap().unwrap();
    let expected = Message { text: "고침 ✍".to_owned(), edited_at: Some(millis(50)), mentions: vec![Audience::Everyone], ..before };
    assert_eq!(edited, expected);
    assert_eq!(store.message(&channel, 2).await.unwrap(), Some(edited.clone()));
    assert_eq!(store.history(&channel, Cursor::Newest, 10).await.unwrap().messages, [first, edited]);
    for nowhere in [edit("c", 0, &[]), edit("c", 3, &[]), edit("d", 1, &[]), edit("c", u64::MAX, &[])] {
        assert_eq!(store.edit(nowhere).await.unwrap(), None);
    }
    delete(&*store, "c", 2).await;
    assert_eq!(store.edit(edit("c", 2, &[])).await.unwrap(), None, "deleted");
}

/// The numbers after it go on, and a second deletion changes nothing.
pub async fn a_deleted_message_leaves_a_tombstone_with_its_number(store: Arc<dyn Store>) {
    let channel = ChannelId::new("c");
    for key in ["1", "2"] {
        say(&*store, "c", "a", key, &[Audience::Everyone]).await;
    }
    let before = store.message(&channel, 2).await.unwrap().unwrap();
    let deleted = store.delete(&channel, 2, millis(60)).await.unwrap().unwrap();
    assert_eq!(deleted, Message { text: String::new(), mentions: vec![], deleted_at: Some(millis(60)), ..before });
    assert_eq!(store.delete(&channel, 2, millis(99)).await.unwrap(), Some(deleted.clone()));
    assert_eq!(store.message(&channel, 2).await.unwrap(), Some(deleted.clone()));
    assert_eq!(store.history(&channel, Cursor::Newest, 1).await.unwrap().messages, [deleted]);
    assert_eq!(say(&*store, "c", "a", "3", &[]).await, 3);
    for (channel, seq) in [("c", 0), ("c", 4), ("d", 1), ("c", u64::MAX)] {
        assert_eq!(store.delete(&ChannelId::new(channel), seq, millis(60)).await.unwrap(), None);
    }
}

/// Nothing is stored again, and nothing comes back.
pub async fn a_retry_returns_the_message_as_it_is_now(store: Arc<dyn Store>) {
    for key in ["1", "2"] {
        say(&*store, "c", "a", key, &[]).await;
    }
    let edited = store.edit(edit("c", 1, &[])).await.unwrap().unwrap();
    delete(&*store, "c", 2).await;
    let again = store.append(message("m", "c", "a", "1")).await.unwrap();
    assert_eq!((again.duplicate, again.message), (true, edited));
    let again = store.append(message("m", "c", "a", "2")).await.unwrap();
    assert!(again.duplicate && again.message.seq == 2 && again.message.deleted_at.is_some(), "{again:?}");
}

/// Nor are those before one's own: who writes has read.
pub async fn own_messages_are_never_unread(store: Arc<dyn Store>) {
    say(&*store, "c", "b", "1", &[named("a")]).await;
    assert_eq!(unread(&*store, "a", "c").await, (0, 1, 1));
    say(&*store, "c", "a", "1", &[named("a"), Audience::Everyone]).await;
    assert_eq!(unread(&*store, "a", "c").await, (2, 0, 0));
    assert_eq!(unread(&*store, "b", "c").await, (1, 1, 1));
    store.mark_unread(&UserId::new("a"), &ChannelId::new("c"), 1).await.unwrap();
    assert_eq!(unread(&*store, "a", "c").await, (0, 1, 1), "the own one isn't");
    delete(&*store, "c", 2).await;
    assert_eq!(unread(&*store, "a", "c").await, (0, 1, 1), "nor is it counted out twice");
    assert_eq!(unread(&*store, "b", "c").await, (1, 0, 0));
}

/// A second device that is behind changes nothing; reading one channel leaves the others.
pub async fn a_marker_never_moves_back_by_reading_and_knows_its_channel(store: Arc<dyn Store>) {
    let user = UserId::new("reader");
    for channel in ["c", "d"] {
        for key in ["1", "2", "3", "4"] {
            say(&*store, channel, "a", key, &[]).await;
        }
    }
    let read = |channel: &'static str, seq: u64| {
        let (store, user) = (store.clone(), user.clone());
        async move { store.mark_read(&user, &ChannelId::new(channel), seq).await.unwrap() }
    };
    assert_eq!(read("c", 3).await, 3);
    assert_eq!(read("c", 2).await, 3, "stale");
    assert_eq!(read("c", 0).await, 3);
    assert_eq!(unread(&*store, "reader", "c").await, (3, 1, 0));
    assert_eq!(unread(&*store, "reader", "d").await, (0, 4, 0));
    assert_eq!(unread(&*store, "other", "c").await, (0, 4, 0));
    assert_eq!(read("c", u64::MAX).await, 4, "no further than there are messages");
    say(&*store, "c", "a", "5", &[]).await;
    assert_eq!(unread(&*store, "reader", "c").await, (4, 1, 0));
    assert_eq!(read("never used", 9).await, 0);
    assert_eq!(unread(&*store, "reader", "never used").await, (0, 0, 0));
    let asked = ["d", "never used", "c"].map(|channel| Membership { channel: ChannelId::new(channel), since: 0, roles: vec![] });
    let all = store.unread(&user, &asked).await.unwrap();
    assert_eq!(
        all.iter().map(|one| (one.channel.as_str(), one.head, one.unread)).collect::<Vec<_>>(),
        [("d", 4, 4), ("never used", 0, 0), ("c", 5, 1)]
    );
    assert_eq!(store.unread(&user, &[]).await.unwrap(), []);
    let users = ["other", "reader", "a"].map(UserId::new);
    assert_eq!(store.markers(&ChannelId::new("c"), &users).await.unwrap(), [0, 4, 5], "in the order of the question");
    assert_eq!(store.markers(&ChannelId::new("never used"), &users).await.unwrap(), [0, 0, 0]);
    assert_eq!(store.markers(&ChannelId::new("c"), &[]).await.unwrap(), []);
}

/// From that message on.
pub async fn what_is_marked_unread_is_unread_until_it_is_read(store: Arc<dyn Store>) {
    let (user, channel) = (UserId::new("reader"), ChannelId::new("c"));
    for key in ["1", "2", "3", "4"] {
        say(&*store, "c", "a", key, &[Audience::Everyone]).await;
    }
    store.mark_read(&user, &channel, 4).await.unwrap();
    assert_eq!(store.mark_unread(&user, &channel, 3).await.unwrap(), 2);
    assert_eq!(unread(&*store, "reader", "c").await, (2, 2, 2));
    assert_eq!(store.mark_read(&user, &channel, 4).await.unwrap(), 4);
    assert_eq!(unread(&*store, "reader", "c").await, (4, 0, 0));
    assert_eq!(store.mark_unread(&user, &channel, 0).await.unwrap(), 0);
    assert_eq!(store.mark_unread(&user, &channel, u64::MAX).await.unwrap(), 4);
    assert_eq!(unread(&*store, "reader", "c").await, (4, 0, 0));
}

/// The unread, the mentioned, the newest and the marked one; and the channel can still be read.
pub async fn a_deleted_message_is_unread_by_nobody(store: Arc<dyn Store>) {
    let (user, channel) = (UserId::new("reader"), ChannelId::new("c"));
    for key in 1..=6 {
        say(&*store, "c", "a", &key.to_string(), if key % 2 == 0 { &[Audience::Everyone] } else { &[] }).await;
    }
    store.mark_read(&user, &channel, 2).await.unwrap();
    assert_eq!(unread(&*store, "reader", "c").await, (2, 4, 2));
    delete(&*store, "c", 3).await;
    assert_eq!(unread(&*store, "reader", "c").await, (2, 3, 2), "an unread one");
    delete(&*store, "c", 4).await;
    assert_eq!(unread(&*store, "reader", "c").await, (2, 2, 1), "one that mentions");
    delete(&*store, "c", 2).await;
    delete(&*store, "c", 1).await;
    assert_eq!(unread(&*store, "reader", "c").await, (2, 2, 1), "the marked one, and one before it");
    delete(&*store, "c", 6).await;
    assert_eq!(unread(&*store, "reader", "c").await, (2, 1, 0), "the newest");
    delete(&*store, "c", 5).await;
    assert_eq!(unread(&*store, "reader", "c").await, (2, 0, 0), "all");
    assert_eq!(store.mark_read(&user, &channel, 6).await.unwrap(), 6);
    say(&*store, "c", "a", "7", &[]).await;
    assert_eq!(unread(&*store, "reader", "c").await, (6, 1, 0));
}

/// A message that mentions somebody twice counts once.
pub async fn an_edit_adds_and_removes_mentions(store: Arc<dyn Store>) {
    say(&*store, "c", "a", "1", &[]).await;
    say(&*store, "c", "a", "2", &[named("b")]).await;
    assert_eq!(unread(&*store, "b", "c").await, (0, 2, 1));
    store.edit(edit("c", 1, &[named("b"), Audience::Everyone])).await.unwrap().unwrap();
    assert_eq!(unread(&*store, "b", "c").await, (0, 2, 2));
    assert_eq!(unread(&*store, "d", "c").await, (0, 2, 1));
    store.edit(edit("c", 2, &[named("d")])).await.unwrap().unwrap();
    assert_eq!(unread(&*store, "b", "c").await, (0, 2, 1));
    assert_eq!(unread(&*store, "d", "c").await, (0, 2, 2));
    store.edit(edit("c", 1, &[])).await.unwrap().unwrap();
    store.mark_read(&UserId::new("d"), &ChannelId::new("c"), 2).await.unwrap();
    assert_eq!(unread(&*store, "b", "c").await, (0, 2, 0));
    assert_eq!(unread(&*store, "d", "c").await, (2, 0, 0));
}

/// In the channels where they have it. Who is meant by name, by a role and with everyone is meant once.
pub async fn a_role_that_is_mentioned_means_those_who_have_it(store: Arc<dyn Store>) {
    let role = |id: &str| RoleId::new(id);
    let meant = |channel: &str, roles: &[RoleId]| {
        let (store, asked) = (store.clone(), Membership { channel: ChannelId::new(channel), since: 0, roles: roles.to_vec() });
        async move { store.unread(&UserId::new("b"), &[asked]).await.unwrap()[0].mentions }
    };
    let all = [Audience::Role(role("hosts")), Audience::Role(role("guests")), named("b"), Audience::Everyone];
    for (key, mentions) in ["1", "2", "3"].into_iter().zip([&all[..1], &all[1..2], &all[..]]) {
        say(&*store, "c", "a", key, mentions).await;
    }
    assert_eq!(store.message(&ChannelId::new("c"), 3).await.unwrap().unwrap().mentions, all);
    assert_eq!(meant("c", &[]).await, 1);
    assert_eq!(meant("c", &[role("hosts")]).await, 2);
    assert_eq!(meant("c", &[role("hosts"), role("guests"), role("others")]).await, 3);
    assert_eq!(meant("c", &[role("b"), role("*"), role("@b")]).await, 1, "a role is neither a user nor everyone");
    assert_eq!(meant("d", &[role("hosts")]).await, 0);
    store.edit(edit("c", 1, &[Audience::Role(role("guests"))])).await.unwrap().unwrap();
    assert_eq!(meant("c", &[role("hosts")]).await, 1);
    assert_eq!(meant("c", &[role("guests")]).await, 3);
    delete(&*store, "c", 2).await;
    assert_eq!(meant("c", &[role("guests")]).await, 2);
}

/// Whoever never opened a channel has read what was there when they came; so has who left and came again.
pub async fn nothing_before_coming_is_unread(store: Arc<dyn Store>) {
    for key in ["1", "2", "3", "4", "5"] {
        say(&*store, "c", "a", key, &[Audience::Everyone]).await;
    }
    assert_eq!(unread_since(&*store, "new", "c", 3).await, (3, 2, 2));
    assert_eq!(unread_since(&*store, "new", "c", 5).await, (5, 0, 0));
    store.mark_read(&UserId::new("back"), &ChannelId::new("c"), 2).await.unwrap();
    assert_eq!(unread_since(&*store, "back", "c", 4).await, (4, 1, 1));
    store.mark_unread(&UserId::new("back"), &ChannelId::new("c"), 1).await.unwrap();
    assert_eq!(unread_since(&*store, "back", "c", 4).await, (4, 1, 1));
    assert_eq!(unread_since(&*store, "new", "never used", 9).await, (0, 0, 0), "more than there is");
}

/// Counts stay within what there is at any moment, and are exact at the end.
pub async fn counts_hold_while_many_write_read_and_delete_at_once(store: Arc<dyn Store>) {
    at_once(96, |index| {
        let store = store.clone();
        async move {
            let (channel, user) = (ChannelId::new("c"), UserId::new(format!("u{}", index % 4)));
            let seq = say(&*store, "c", user.as_str(), &index.to_string(), &[Audience::Everyone]).await;
            match index % 3 {
                0 => delete(&*store, "c", seq).await,
                1 => drop(store.mark_read(&user, &channel, seq).await.unwrap()),
                _ => drop(store.edit(edit("c", seq, &[])).await.unwrap()),
            }
            let (read, unread, mentions) = unread(&*store, "watcher", "c").await;
            assert!(read == 0 && unread <= 96 && mentions <= unread, "{unread} unread, {mentions} mentions");
        }
    })
    .await;
    // A third is deleted, a third mentions nobody any more.
    assert_eq!(unread(&*store, "watcher", "c").await, (0, 64, 32));
    let messages = store.history(&ChannelId::new("c"), Cursor::Newest, 100).await.unwrap().messages;
    for user in 0..4 {
        let id = UserId::new(format!("u{user}"));
        let (read, unread, _) = unread(&*store, id.as_str(), "c").await;
        let left = messages.iter().filter(|message| message.seq > read && message.deleted_at.is_none() && message.author.id != id);
        assert_eq!(unread, left.count() as u64);
    }
}
