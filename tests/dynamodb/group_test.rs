//! Messages that wait for each other: they share a trip, keep their order, and cost less where they have an author in common.

use crate::cost_test::spent;
use crate::support::{Faults, Link, Mode, all, message, store, user};
use futures_util::future::join_all;
use rooms::ChannelId;
use rooms::store::{Appended, Membership, MessageStore as _, NewMessage};
use rooms::view::Audience;
use std::time::Duration;
use zzan::store::dynamodb::DynamoDb;

/// Sends all at once, while each reply takes so long that they wait for each other.
async fn at_once(store: &DynamoDb, link: &Link, messages: Vec<NewMessage>) -> Vec<Appended> {
    store.append(message("c", "first", "first")).await.expect("stored");
    spent(link);
    link.set(Faults { delay: Duration::from_millis(100), ..Faults::default() });
    let stored = join_all(messages.into_iter().map(|new| store.append(new))).await;
    link.set(Faults::default());
    stored.into_iter().map(|appended| appended.expect("stored")).collect()
}

fn by(authors: usize, count: usize) -> Vec<NewMessage> {
    (0..count).map(|n| message("c", &format!("u{}", n % authors), &n.to_string())).collect()
}

#[tokio::test]
async fn messages_of_a_busy_channel_share_a_trip_and_keep_their_order() {
    for (mode, expected) in [(Mode::Strict, 41.0 * 6.0), (Mode::Plain, 2.0 + 40.0 * 3.0)] {
        let (store, link, _server) = store(mode).await;
        let stored = at_once(&store, &link, by(41, 41)).await;
        let numbers: Vec<u64> = stored.iter().map(|appended| appended.message.seq).collect();
        assert_eq!(numbers, (2..=42).collect::<Vec<_>>(), "{mode:?}");
        let transactions = |actions: &[crate::support::Answered]| actions.iter().filter(|one| one.action == "TransactWriteItems").count();
        let answered = link.answered();
        println!("{mode:?}: {} transactions, {} requests", transactions(&answered), answered.len());
        assert!(transactions(&answered) <= 3, "one alone, then groups of at most 25");
        assert_eq!(answered.iter().map(|one| one.units).sum::<f64>(), expected, "{mode:?}");
        assert_eq!(all(&store, "c").await.len(), 42);
    }
}

#[tokio::test]
async fn messages_of_one_author_share_the_marker() {
    let (store, link, _server) = store(Mode::Strict).await;
    at_once(&store, &link, by(1, 21)).await;
    assert_eq!(spent(&link), (0.0, 6.0 + 20.0 * 4.0 + 2.0, 2));
    let asked = [Membership { channel: ChannelId::new("c"), since: 0, roles: vec![] }];
    let unread = store.unread(&user("u0").id, &asked).await.expect("read");
    assert_eq!((unread[0].read, unread[0].unread), (22, 0), "own messages");
}

#[tokio::test]
async fn a_group_loses_what_was_stored_before_and_stores_the_rest() {
    for mode in [Mode::Strict, Mode::Plain] {
        let (store, link, _server) = store(mode).await;
        for nonce in ["1", "4", "9"] {
            store.append(message("c", "u0", nonce)).await.expect("stored");
        }
        let mentions = vec![Audience::User(user("u1").id), Audience::Everyone];
        let mut messages = by(1, 12);
        messages[11].mentions = mentions;
        // The same again, as two tabs would send it.
        messages.push(NewMessage { id: rooms::MessageId::new("again"), ..messages[11].clone() });
        let stored = at_once(&store, &link, messages).await;
        let known: Vec<bool> = stored.iter().map(|appended| appended.duplicate).collect();
        assert_eq!(known, (0..13).map(|n| [1, 4, 9, 12].contains(&n)).collect::<Vec<_>>(), "{mode:?}");
        assert_eq!(stored[12].message, stored[11].message);
        let numbers: Vec<u64> = all(&store, "c").await.iter().map(|message| message.seq).collect();
        assert_eq!(numbers, (1..=13).collect::<Vec<_>>(), "{mode:?}");
        let asked = [Membership { channel: ChannelId::new("c"), since: 0, roles: vec![] }];
        let unread = store.unread(&user("u1").id, &asked).await.expect("read");
        assert_eq!((unread[0].unread, unread[0].mentions), (13, 1), "{mode:?}");
    }
}

#[tokio::test]
async fn a_lost_reply_of_a_group_stores_nothing_twice() {
    for mode in [Mode::Strict, Mode::Plain] {
        let (store, link, _server) = store(mode).await;
        store.append(message("c", "first", "first")).await.expect("stored");
        link.set(Faults { delay: Duration::from_millis(50), lost_writes: 3, ..Faults::default() });
        let stored = join_all(by(4, 12).into_iter().map(|new| store.append(new))).await;
        assert!(stored.into_iter().all(|appended| !appended.expect("stored").duplicate), "{mode:?}");
        link.set(Faults::default());
        let numbers: Vec<u64> = all(&store, "c").await.iter().map(|message| message.seq).collect();
        assert_eq!(numbers, (1..=13).collect::<Vec<_>>(), "{mode:?}");
    }
}
