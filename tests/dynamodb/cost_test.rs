//! What each operation consumes, as the server reports it; and that a message costs the same however many read it.

use crate::support::{Answered, Link, Mode, message, store, user};
use rooms::store::{Edit, LinkRecord, Listing, Membership, MessageStore as _, NewMessage, Nonce, RoomRecord, RoomStore as _};
use rooms::view::{Audience, Cursor, RoomKind};
use rooms::{ChannelId, RoomId};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// (read units, write units, requests) since the last call.
pub fn spent(link: &Link) -> (f64, f64, usize) {
    let answered = link.answered();
    let is_read = |one: &&Answered| one.action == "Query" || one.action == "GetItem";
    let reads: f64 = answered.iter().filter(is_read).map(|one| one.units).sum();
    let all: f64 = answered.iter().map(|one| one.units).sum();
    (reads, all - reads, answered.len())
}

fn edit(seq: u64, mentions: Vec<Audience>) -> Edit {
    Edit { channel: ChannelId::new("c"), seq, text: "edited".into(), mentions, at: SystemTime::now() }
}

#[tokio::test]
async fn messages_cost_what_the_documentation_says() {
    for (mode, append) in [(Mode::Strict, 6.0), (Mode::Plain, 2.0)] {
        let (store, link, _server) = store(mode).await;
        let (channel, reader) = (ChannelId::new("c"), user("reader").id);
        let asked = [Membership { channel: channel.clone(), since: 0, roles: vec![] }];
        store.append(message("c", "a", "first")).await.expect("stored");
        spent(&link);

        let kilobyte = NewMessage { text: "x".repeat(700), ..message("c", "a", "second") };
        store.append(kilobyte).await.expect("stored");
        assert_eq!(spent(&link).1, append, "{mode:?}");
        let mentions = vec![Audience::Everyone, Audience::User(reader.clone())];
        let each = if mode == Mode::Strict { 2.0 } else { 1.0 };
        store.append(NewMessage { mentions, ..message("c", "a", "third") }).await.expect("stored");
        assert_eq!(spent(&link).1, append + 2.0 * each, "each mention is a row");

        store.message(&channel, 1).await.expect("read");
        assert_eq!(spent(&link), (2.0, 0.0, 2), "the message, and where the channel's are");
        store.unread(&reader, &asked).await.expect("read");
        assert_eq!(spent(&link), (4.0, 0.0, 4), "marker, newest, exceptions, mentions");
        store.mark_read(&reader, &channel, 3).await.expect("marked");
        assert_eq!(spent(&link), (0.0, 1.0, 1));
        store.unread(&reader, &asked).await.expect("read");
        assert_eq!(spent(&link), (2.0, 0.0, 2), "marker and newest: nothing is left to be looked for");
        store.mark_read(&reader, &channel, 2).await.expect("marked");
        assert_eq!(spent(&link).2, 1, "a stale marker is refused");
        store.mark_unread(&reader, &channel, 2).await.expect("marked");
        assert_eq!(spent(&link), (3.0, 1.0, 4), "marker, newest, the messages above");
        store.edit(edit(2, vec![])).await.expect("edited");
        assert_eq!(spent(&link), (2.0, 1.0, 3));
        store.edit(edit(2, vec![Audience::Everyone])).await.expect("edited");
        assert_eq!(spent(&link), (2.0, 4.0, 3), "the message and the mention");
        store.delete(&channel, 2, SystemTime::now()).await.expect("deleted");
        assert_eq!(spent(&link), (2.0, 3.0, 5), "the message, and the exception before and after it");
    }
}

/// A channel with fifty messages, and what its pages cost: the newest, what came since one, and the one before.
async fn pages(text: &str) -> [(f64, f64, usize); 3] {
    let (store, link, _server) = store(Mode::Plain).await;
    for index in 0..50 {
        store.append(NewMessage { text: text.to_owned(), ..message("c", "a", &index.to_string()) }).await.expect("stored");
    }
    spent(&link);
    let mut costs = Vec::new();
    for (cursor, count) in [(Cursor::Newest, 50), (Cursor::After(40), 10), (Cursor::Before(31), 30)] {
        let page = store.history(&ChannelId::new("c"), cursor, 50).await.expect("read");
        assert_eq!(page.messages.len(), count);
        costs.push(spent(&link));
    }
    costs.try_into().expect("three")
}

#[tokio::test]
async fn a_page_costs_its_kilobytes_and_only_in_the_middle_a_look_at_the_newest() {
    // Rows of a kilobyte.
    let [newest, since, before] = pages(&"x".repeat(850)).await;
    println!("rows of 1 KB: {newest:?} {since:?} {before:?}");
    assert!((12.0..=13.0).contains(&newest.0) && newest.2 == 1, "{newest:?}");
    assert!((2.0..=3.0).contains(&since.0) && since.2 == 1, "{since:?}");
    assert!((8.0..=9.0).contains(&before.0) && before.2 == 2, "{before:?}");
    let [newest, _, _] = pages(&"x".repeat(60)).await;
    println!("60 characters: {newest:?}");
    assert_eq!((newest.0, newest.2), (3.0, 1), "fifty messages as people write them");
}

#[tokio::test]
async fn rooms_and_links_cost_what_the_documentation_says() {
    let (store, link, _server) = store(Mode::Strict).await;
    let room = RoomRecord {
        id: RoomId::new("r"),
        name: "짠".into(),
        kind: RoomKind::Buddy,
        capacity: 4,
        password_hash: None,
        owner: user("a"),
        channel: ChannelId::new("c"),
        listing: Listing::Lobby,
        created_at: SystemTime::now(),
    };
    store.create_room(room.clone(), Nonce("n".into())).await.expect("kept");
    assert_eq!(spent(&link).1, 2.0, "the room, and its nonce where it is listed");
    store.room(&room.id).await.expect("read");
    assert_eq!(spent(&link), (1.0, 0.0, 1));
    let expires_at = SystemTime::now() + Duration::from_secs(60);
    let kept = LinkRecord { secret_hash: [1; 32], room: room.id.clone(), name: None, max_uses: 5, uses: 0, expires_at };
    store.create_link(kept).await.expect("kept");
    assert_eq!(spent(&link), (0.0, 1.0, 1));
    store.redeem_link(&[1; 32], SystemTime::now()).await.expect("used");
    assert_eq!(spent(&link), (1.0, 2.0, 2));
    store.end_room(&room.id, SystemTime::now()).await.expect("ended");
    assert_eq!(spent(&link), (1.0, 2.0, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_costs_the_same_with_ten_and_with_ten_thousand_readers() {
    let (store, link, _server) = store(Mode::Strict).await;
    let store = Arc::new(store);
    store.append(message("c", "a", "first")).await.expect("stored");
    let mut costs = Vec::new();
    for readers in [10, 10_000] {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..20 {
            let store = store.clone();
            tasks.spawn(async move {
                for reader in (task..readers).step_by(20) {
                    store.mark_read(&user(&format!("reader {reader}")).id, &ChannelId::new("c"), 1).await.expect("marked");
                }
            });
        }
        tasks.join_all().await;
        spent(&link);
        let mentions = vec![Audience::Everyone];
        store.append(NewMessage { mentions, ..message("c", "a", &readers.to_string()) }).await.expect("stored");
        costs.push(spent(&link));
    }
    assert_eq!(costs[0], costs[1]);
    assert_eq!(costs[0], (0.0, 8.0, 1));
}
