//! Faults of the network and of the service: no false ack, every call bounded, and normal again after.

use crate::support::{Faults, Link, Mode, all, append_until_acked, client, message, prefix_of, settings, store, user};
use aws_sdk_dynamodb::types::AttributeValue;
use rooms::store::{Edit, LinkRecord, Listing, Membership, MessageStore as _, Nonce, Redeemed, RoomRecord, RoomStore as _, StoreError};
use rooms::view::{Cursor, RoomKind};
use rooms::{ChannelId, RoomId};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use zzan::store::dynamodb::DynamoDb;

/// The longest that any operation may take: what a caller waits, and what a busy machine adds.
const BOUND: Duration = Duration::from_secs(8);

/// Many appends from several tasks under some faults; the messages of each are as they were acknowledged, each once, and nothing else.
async fn every_append_is_stored_once_under(mode: Mode, faults: Faults) {
    let (store, link, _server) = store(mode).await;
    let store = Arc::new(store);
    link.set(faults);
    let mut tasks = tokio::task::JoinSet::new();
    for author in 0..6 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut acked = Vec::new();
            for index in 0..15 {
                let nonce = format!("{author}-{index}");
                let seq = append_until_acked(&[&store], message("c", &format!("u{author}"), &nonce)).await;
                acked.push((seq, format!("text of {nonce}")));
            }
            acked
        });
    }
    let mut acked: Vec<(u64, String)> = tasks.join_all().await.into_iter().flatten().collect();
    acked.sort();
    link.set(Faults::default());
    let stored: Vec<(u64, String)> = all(&store, "c").await.into_iter().map(|message| (message.seq, message.text)).collect();
    assert_eq!(stored, acked);
    assert_eq!(stored.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=90).collect::<Vec<_>>());
    assert_eq!(store.append(message("c", "u0", "after")).await.expect("normal again").message.seq, 91);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_third_of_requests_throttled_every_append_is_stored_once() {
    every_append_is_stored_once_under(Mode::Strict, Faults { throttled_percent: 30, ..Faults::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_fifth_of_replies_lost_every_append_is_stored_once() {
    every_append_is_stored_once_under(Mode::Strict, Faults { lost_percent: 20, ..Faults::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_kept_nonces_too() {
    every_append_is_stored_once_under(Mode::Plain, Faults { throttled_percent: 20, lost_percent: 20, ..Faults::default() }).await;
}

#[tokio::test]
async fn a_lost_reply_is_made_good_by_the_call_itself() {
    for mode in [Mode::Strict, Mode::Plain] {
        let (store, link, _server) = store(mode).await;
        store.append(message("c", "a", "first")).await.expect("stored");
        let lose_one = || link.set(Faults { lost_writes: 1, ..Faults::default() });
        lose_one();
        let appended = store.append(message("c", "a", "second")).await.expect("stored");
        assert_eq!((appended.message.seq, appended.duplicate), (2, false), "{mode:?}");

        lose_one();
        let edit = Edit { channel: ChannelId::new("c"), seq: 2, text: "edited".into(), mentions: vec![], at: SystemTime::now() };
        assert_eq!(store.edit(edit).await.expect("edited").expect("there").text, "edited");
        lose_one();
        let deleted = store.delete(&ChannelId::new("c"), 1, SystemTime::now()).await.expect("deleted").expect("there");
        assert!(deleted.deleted_at.is_some());
        lose_one();
        assert_eq!(store.mark_read(&user("b").id, &ChannelId::new("c"), 2).await, Ok(2));
        lose_one();
        assert_eq!(store.mark_unread(&user("b").id, &ChannelId::new("c"), 1).await, Ok(0));
        let asked = [Membership { channel: ChannelId::new("c"), since: 0, roles: vec![] }];
        assert_eq!(store.unread(&user("b").id, &asked).await.expect("read")[0].unread, 1, "{mode:?}");
        assert_eq!(all(&store, "c").await.len(), 2);
    }
}

#[tokio::test]
async fn a_lost_reply_takes_no_second_use_of_a_link_and_makes_no_second_room() {
    let (store, link, _server) = store(Mode::Strict).await;
    let expires_at = SystemTime::now() + Duration::from_secs(60);
    let kept = LinkRecord { secret_hash: [7; 32], room: RoomId::new("r"), name: None, max_uses: 1, uses: 0, expires_at };
    link.set(Faults { lost_writes: 1, ..Faults::default() });
    store.create_link(kept.clone()).await.expect("kept");
    for (lost_writes, expected) in [(1, Redeemed::Granted(LinkRecord { uses: 1, ..kept })), (0, Redeemed::UsedUp)] {
        link.set(Faults { lost_writes, ..Faults::default() });
        let redeemed = store.redeem_link(&[7; 32], SystemTime::now()).await.expect("answered");
        match (&redeemed, &expected) {
            (Redeemed::Granted(link), Redeemed::Granted(other)) => assert_eq!(link.uses, other.uses),
            _ => assert_eq!(redeemed, expected),
        }
    }
    let room = RoomRecord {
        id: RoomId::new("r"),
        name: "짠".into(),
        kind: RoomKind::Buddy,
        capacity: 4,
        password_hash: None,
        owner: user("a"),
        channel: ChannelId::new("c"),
        listing: Listing::Lobby,
        created_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000),
    };
    link.set(Faults { lost_writes: 1, ..Faults::default() });
    assert_eq!(store.create_room(room.clone(), Nonce("n".into())).await, Ok(room.clone()));
    assert_eq!(store.open_rooms().await, Ok(vec![room.clone()]));
    link.set(Faults { lost_writes: 1, ..Faults::default() });
    store.end_room(&room.id, SystemTime::now()).await.expect("ended");
    assert_eq!(store.open_rooms().await, Ok(vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_five_seconds_late_are_no_acks_and_what_was_stored_is_found_by_its_nonce() {
    tokio::join!(no_ack_comes_late(Mode::Strict), no_ack_comes_late(Mode::Plain));
}

async fn no_ack_comes_late(mode: Mode) {
    let (store, link, _server) = store(mode).await;
    store.append(message("c", "a", "before")).await.expect("stored");
    link.set(Faults { delay: Duration::from_secs(5), ..Faults::default() });
    let late = ["x", "y", "z"].map(|nonce| tokio::time::timeout(BOUND, store.append(message("c", "a", nonce))));
    let (channel, late) = (ChannelId::new("c"), futures_util::future::join_all(late));
    let read = tokio::time::timeout(BOUND, store.history(&channel, Cursor::Newest, 10));
    let (late, read) = tokio::join!(late, read);
    for outcome in late {
        assert_eq!(outcome.expect("bounded"), Err(StoreError::Unavailable));
    }
    assert_eq!(read.expect("bounded"), Err(StoreError::Unavailable));

    link.set(Faults::default());
    for nonce in ["x", "y", "z", "x"] {
        store.append(message("c", "a", nonce)).await.expect("normal again");
    }
    let mut texts: Vec<String> = all(&store, "c").await.into_iter().map(|message| message.text).collect();
    texts.sort();
    assert_eq!(texts, ["text of before", "text of x", "text of y", "text of z"], "{mode:?}");
    let asked = [Membership { channel, since: 0, roles: vec![] }];
    let unread = store.unread(&user("a").id, &asked).await.expect("read");
    assert_eq!((unread[0].read, unread[0].unread), (4, 0), "own messages, {mode:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_cut_off_nothing_is_acked_and_readiness_says_so_and_it_comes_back_by_itself() {
    let (store, link, _server) = store(Mode::Strict).await;
    store.append(message("c", "a", "before")).await.expect("stored");
    assert!(store.is_writable());
    link.set(Faults { is_cut: true, ..Faults::default() });
    let refused = tokio::time::timeout(BOUND, store.append(message("c", "a", "during"))).await.expect("bounded");
    assert_eq!(refused, Err(StoreError::Unavailable));
    until(&store, false).await;
    link.set(Faults::default());
    until(&store, true).await;
    assert_eq!(store.append(message("c", "a", "during")).await.expect("stored").message.seq, 2);
    store.close();
    assert!(!store.is_writable());
    assert_eq!(store.append(message("c", "a", "closed")).await, Err(StoreError::Unavailable));
}

async fn until(store: &DynamoDb, is_writable: bool) {
    for _ in 0..200 {
        if store.is_writable() == is_writable {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it isn't told that writable is {is_writable}");
}

#[tokio::test]
async fn a_retry_on_another_node_stores_nothing_again() {
    for mode in [Mode::Strict, Mode::Plain] {
        let (first, link, server) = store(mode).await;
        let mut same = settings(&server.endpoint, mode);
        same.table_prefix = prefix_of(&server.endpoint).await;
        let second = DynamoDb::open_over(&same, Link::new(1).client()).await.expect("it opens");
        second.append(message("c", "b", "warm")).await.expect("stored");
        // All replies of the first node are lost until it gives up; its message is stored all the same.
        link.set(Faults { lost_percent: 100, ..Faults::default() });
        let known = first.append(message("d", "a", "n")).await;
        assert_eq!(known, Err(StoreError::Unavailable));
        let seq = second.append(message("d", "a", "n")).await.expect("stored").message.seq;
        let again = second.append(message("d", "a", "n")).await.expect("known");
        assert_eq!((again.duplicate, again.message.seq, seq), (true, 1, 1), "{mode:?}");
        assert_eq!(all(&second, "d").await.len(), 1);
    }
}

/// Why a send is one transaction of three rows: written after the message, its author's marker dies with the node, and one's own message is
/// unread where it was never acknowledged and isn't sent again.
#[tokio::test]
async fn a_node_that_dies_amid_a_send_leaves_no_own_message_unread_unless_it_writes_plainly() {
    for (mode, unread) in [(Mode::Strict, 0), (Mode::Plain, 1)] {
        let (node, link, server) = store(mode).await;
        node.append(message("c", "a", "first")).await.expect("stored");
        let mut same = settings(&server.endpoint, mode);
        same.table_prefix = prefix_of(&server.endpoint).await;
        link.set(Faults { writes_until_cut: Some(1), ..Faults::default() });
        tokio::time::timeout(Duration::from_secs(1), node.append(message("c", "a", "second"))).await.ok();
        drop(node);
        let next = DynamoDb::open_over(&same, Link::new(1).client()).await.expect("it opens");
        let asked = [Membership { channel: ChannelId::new("c"), since: 0, roles: vec![] }];
        let standing = next.unread(&user("a").id, &asked).await.expect("read").remove(0);
        assert_eq!((standing.head, standing.unread), (2, unread), "{mode:?}");
        assert!(next.append(message("c", "a", "second")).await.expect("stored").message.seq == 2 || mode == Mode::Plain);
        assert_eq!(next.unread(&user("a").id, &asked).await.expect("read")[0].unread, 0, "{mode:?}, sent again");
    }
}

#[tokio::test]
async fn a_nonce_that_outlived_its_time_counts_no_more_though_its_row_is_still_there() {
    let (store, _link, server) = store(Mode::Strict).await;
    assert_eq!(store.append(message("c", "a", "n")).await.expect("stored").message.seq, 1);
    let expire = |seconds_ago: u64| {
        let (endpoint, at) = (server.endpoint.clone(), SystemTime::now() - Duration::from_secs(seconds_ago));
        let exp = at.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
        async move {
            let update = client(&endpoint).update_item().table_name(format!("{}_core", prefix_of(&endpoint).await));
            let key = update.key("PK", AttributeValue::S("X#c#a".into())).key("SK", AttributeValue::S("n".into()));
            let set = key.update_expression("SET exp = :exp").expression_attribute_values(":exp", AttributeValue::N(exp.to_string()));
            set.condition_expression("attribute_exists(PK)").send().await.expect("the nonce's row is there");
        }
    };
    assert!(store.append(message("c", "a", "n")).await.expect("known").duplicate);
    expire(60).await;
    let anew = store.append(message("c", "a", "n")).await.expect("stored");
    assert_eq!((anew.duplicate, anew.message.seq), (false, 2));
    assert!(store.append(message("c", "a", "n")).await.expect("known").duplicate, "and is kept for another day");
}
