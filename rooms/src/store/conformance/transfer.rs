//! What is read out of one store and put into another of the same kind is the same.
//!
//! Expanded by [`store_transfer_conformance!`](crate::store_transfer_conformance). Invariant: the second store knows nothing but the records.

use super::community::{is_full_server, say_in_a_channel_made_again, two_full_servers};
use super::notes::{fill as fill_notes, of_all_channels as notes};
use super::notifications::{fill as fill_inboxes, of_all_users as inboxes};
use super::{Walk, millis, user};
use crate::store::{CommunityRecord, Position, Record, Status, Store, StoreError, Transfer, UserRecord};
use crate::view::Cursor;
use crate::{ServerId, UserId};
use std::collections::HashSet;
use std::mem::{Discriminant, discriminant};

/// Expands to one `#[tokio::test]` per case. Takes the path of an `async fn() -> (Arc<S>, K)` that makes an empty store, where `S` is both a
/// [`Store`] and a [`Transfer`], and anything that has to live as long as it.
#[macro_export]
macro_rules! store_transfer_conformance {
    ($make:path) => {
        $crate::store_transfer_conformance!($make;
            what_is_read_out_and_put_back_is_the_same_and_goes_on_the_same,
            records_that_are_put_twice_change_nothing,
            pages_of_every_size_hold_each_record_once,
            what_was_removed_is_not_read_out,
            records_that_do_not_follow_are_refused,
        );
    };
    ($make:path; $($case:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let ((from, _keep_from), (to, _keep_to)) = ($make().await, $make().await);
            $crate::store::conformance::$case(&*from, &*to).await;
        }
    )*};
}

/// Enough that every kind of record is there.
const STEPS: usize = 1_500;

/// All records, read in pages of `limit`, in the store's order.
async fn all(store: &impl Transfer, limit: u32) -> Vec<Record> {
    let (mut all, mut position): (Vec<Record>, Option<Position>) = (vec![], None);
    loop {
        let page = store.records(position, limit).await.unwrap();
        assert!(page.records.len() <= limit as usize);
        all.extend(page.records);
        position = page.next;
        if position.is_none() {
            return all;
        }
    }
}

async fn copy(from: &impl Transfer, to: &impl Transfer) {
    for chunk in all(from, 64).await.chunks(23) {
        to.put_records(chunk.to_vec()).await.unwrap();
    }
}

/// Every kind of record: rooms and chats by a walk, and both full servers with notes.
pub async fn keep_every_kind_of_record(store: &dyn Store, walk: &mut Walk, steps: usize) {
    for _ in 0..steps {
        walk.step(store).await;
    }
    two_full_servers(store).await;
    let status = [("insider", Status::Busy), ("owner", Status::Auto), ("pest", Status::Away)];
    for (name, status) in status {
        let last_seen = (status == Status::Away).then(|| millis(9));
        store.put_user(UserRecord { user: user(name), status, last_seen }).await.unwrap();
    }
    fill_notes(store).await;
    fill_inboxes(store).await;
}

/// Whatever a store answers is answered by the other: also a retry with a nonce of before, and the last use of a link.
pub async fn what_is_read_out_and_put_back_is_the_same_and_goes_on_the_same<S: Store + Transfer>(from: &S, to: &S) {
    assert_eq!(all(from, 10).await, [], "nothing in an empty store");
    // Of one seed, so that every kind of record is certain to be there.
    let mut walk = Walk::new(7, 1, STEPS);
    keep_every_kind_of_record(from, &mut walk, STEPS).await;
    copy(from, to).await;
    let (before, after) = (all(from, 100).await, all(to, 100).await);
    assert_eq!(before, after);
    let kinds: HashSet<_> = before.iter().map(kind).collect();
    assert_eq!(kinds.len(), 21, "each kind is among them");
    assert!(walk.is_kept_by(to).await);
    for server in ["a", "b"] {
        is_full_server(to, server).await;
    }
    assert_eq!(notes(to).await, notes(from).await);
    assert_eq!(inboxes(to).await, inboxes(from).await);
    let (asked, store) = (["insider", "owner", "pest"].map(UserId::new), to);
    assert_eq!(store.users(&asked).await.unwrap(), from.users(&asked).await.unwrap());
    for _ in 0..STEPS / 3 {
        walk.step(to).await;
    }
}

fn kind(record: &Record) -> (Discriminant<Record>, Option<Discriminant<CommunityRecord>>) {
    let inner = match record {
        Record::Community(record) => Some(discriminant(record)),
        Record::Room { .. }
        | Record::RoomNonce { .. }
        | Record::Link { .. }
        | Record::Message(_)
        | Record::MessageNonce { .. }
        | Record::Reaction { .. }
        | Record::Pin { .. }
        | Record::Marker { .. }
        | Record::Note(_)
        | Record::NoteLine { .. }
        | Record::Notification(_)
        | Record::NotificationKey { .. } => None,
    };
    (discriminant(record), inner)
}

/// Of a removed channel, a deleted server and a deleted message nothing comes along, and a channel that was made again comes with what was said
/// since.
pub async fn what_was_removed_is_not_read_out<S: Store + Transfer>(from: &S, to: &S) {
    two_full_servers(from).await;
    fill_notes(from).await;
    let channel = say_in_a_channel_made_again(from).await;
    from.delete_server(&ServerId::new("b")).await.unwrap();
    copy(from, to).await;
    let by_text = |records: Vec<Record>| {
        let mut texts: Vec<String> = records.iter().map(|record| format!("{record:?}")).collect();
        texts.sort();
        texts
    };
    assert_eq!(by_text(all(to, 100).await), by_text(all(from, 7).await));
    let messages = |records: &[Record]| {
        records.iter().filter(|record| matches!(record, Record::Message(message) if message.channel == channel)).count()
    };
    assert_eq!(messages(&all(from, 100).await), 1, "what was said before is gone");
    assert_eq!(to.history(&channel, Cursor::Newest, 10).await.unwrap(), from.history(&channel, Cursor::Newest, 10).await.unwrap());
    assert_eq!(to.server(&ServerId::new("a")).await.unwrap(), from.server(&ServerId::new("a")).await.unwrap());
    assert_eq!(to.server(&ServerId::new("b")).await.unwrap(), None);
    assert_eq!(notes(to).await, notes(from).await);
}

/// What can't be: a message beyond the next, something of a message, of a server or of a note that isn't there.
pub async fn records_that_do_not_follow_are_refused<S: Store + Transfer>(from: &S, to: &S) {
    keep_every_kind_of_record(from, &mut Walk::new(7, 4, STEPS), STEPS / 5).await;
    for record in all(from, 1_000).await {
        let is_a_part = match &record {
            Record::Message(message) => message.seq > 1,
            Record::Community(CommunityRecord::User(_) | CommunityRecord::Server { .. }) => false,
            Record::Community(_)
            | Record::MessageNonce { .. }
            | Record::Reaction { .. }
            | Record::Pin { .. }
            | Record::NoteLine { .. }
            | Record::NotificationKey { .. } => true,
            Record::Room { .. }
            | Record::RoomNonce { .. }
            | Record::Link { .. }
            | Record::Marker { .. }
            | Record::Note(_)
            | Record::Notification(_) => false,
        };
        if is_a_part {
            assert_eq!(to.put_records(vec![record.clone()]).await, Err(StoreError::Corrupt), "{record:?}");
        }
    }
    assert_eq!(all(to, 10).await, [], "nothing of it is kept");
}

/// A chunk whose answer was lost is put again.
pub async fn records_that_are_put_twice_change_nothing<S: Store + Transfer>(from: &S, to: &S) {
    let mut walk = Walk::new(7, 2, STEPS);
    keep_every_kind_of_record(from, &mut walk, STEPS / 5).await;
    copy(from, to).await;
    let once = all(to, 100).await;
    copy(from, to).await;
    assert_eq!(all(to, 100).await, once);
    assert!(walk.is_kept_by(to).await);
}

/// Page borders fall between all kinds of records.
pub async fn pages_of_every_size_hold_each_record_once<S: Store + Transfer>(from: &S, _: &S) {
    keep_every_kind_of_record(from, &mut Walk::new(7, 3, STEPS), 120).await;
    let whole = all(from, 100_000).await;
    for limit in (1..20).chain([whole.len() as u32, whole.len() as u32 + 1]) {
        assert_eq!(all(from, limit).await, whole, "limit {limit}");
    }
}
