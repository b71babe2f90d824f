//! Chat faults that users of other programs know too well, each by the name of what has to happen instead.
//!
//! The table of faults and cases is in the suite's documentation. Invariant: a case sees the store as a client does, by what its calls return.

use super::{delete, edit, message, millis, named, say, unread, unread_since};
use crate::store::{Membership, NewMessage, Store};
use crate::view::{Audience, Cursor, Message};
use crate::{ChannelId, UserId};
use std::sync::Arc;

/// Messages that came while a client was away.
const MISSED: u64 = 250;

/// What a client does that comes back: heads and markers first, then every page after the last message it knows.
async fn catch_up(store: &dyn Store, user: &str, channel: &str, known: &mut Vec<Message>) -> (u64, u64) {
    let channel = ChannelId::new(channel);
    let asked = [Membership { channel: channel.clone(), since: 0, roles: vec![] }];
    let head = store.unread(&UserId::new(user), &asked).await.unwrap().remove(0).head;
    loop {
        let last = known.last().map_or(0, |message| message.seq);
        let page = store.history(&channel, Cursor::After(last), 100).await.unwrap();
        assert!(page.messages.iter().all(|message| message.seq > last), "what is known comes twice: {page:?}");
        known.extend(page.messages);
        if !page.newer {
            return (head, known.last().map_or(0, |message| message.seq));
        }
    }
}

/// Others go on writing, editing and deleting while the client catches up; it has read on another device meanwhile.
pub async fn a_client_that_was_away_misses_nothing_and_gets_nothing_twice(store: Arc<dyn Store>) {
    for key in 0..10 {
        say(&*store, "c", "a", &format!("before {key}"), &[]).await;
    }
    let mut known = Vec::new();
    assert_eq!(catch_up(&*store, "reader", "c", &mut known).await, (10, 10));
    for key in 0..MISSED {
        say(&*store, "c", "a", &format!("missed {key}"), &[]).await;
    }
    store.mark_read(&UserId::new("reader"), &ChannelId::new("c"), 20).await.unwrap();
    delete(&*store, "c", 15).await;
    delete(&*store, "c", 200).await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for key in 0..30 {
                let seq = say(&*store, "c", "b", &format!("meanwhile {key}"), &[]).await;
                store.edit(edit("c", seq, &[])).await.unwrap().unwrap();
            }
        }
    });
    let (head, reached) = catch_up(&*store, "reader", "c", &mut known).await;
    assert!((10 + MISSED..=reached).contains(&head), "the head was {head}, the last message {reached}");
    writer.await.unwrap();
    assert_eq!(catch_up(&*store, "reader", "c", &mut known).await, (290, 290));
    assert_eq!(known.iter().map(|message| message.seq).collect::<Vec<_>>(), (1..=290).collect::<Vec<_>>());
    assert!(known[199].deleted_at.is_some() && known[199].text.is_empty(), "deleted before it was ever seen");
    // 270 after the marker, one of them deleted.
    assert_eq!(unread(&*store, "reader", "c").await, (20, 269, 0));
}

/// Who logs in again has no other marker than before, and who wrote last without ever reading has read.
pub async fn a_new_login_finds_own_messages_read_and_the_rest_as_it_was(store: Arc<dyn Store>) {
    say(&*store, "c", "b", "1", &[]).await;
    say(&*store, "c", "a", "1", &[]).await;
    say(&*store, "c", "b", "2", &[named("a")]).await;
    say(&*store, "d", "a", "1", &[Audience::Everyone]).await;
    for login in 0..3 {
        assert_eq!(unread(&*store, "a", "c").await, (2, 1, 1), "login {login}");
        assert_eq!(unread(&*store, "a", "d").await, (1, 0, 0), "login {login}");
        // A device that knows no marker says that it has read nothing.
        assert_eq!(store.mark_read(&UserId::new("a"), &ChannelId::new("c"), 0).await.unwrap(), 2);
    }
    // Written where one had marked something unread: own messages count neither before nor after the marker.
    store.mark_unread(&UserId::new("a"), &ChannelId::new("c"), 1).await.unwrap();
    assert_eq!(unread(&*store, "a", "c").await, (0, 2, 1));
}

/// What was read on one device is read on the other, however late that one says what it had read.
pub async fn reading_on_one_device_clears_the_others_and_a_late_one_brings_nothing_back(store: Arc<dyn Store>) {
    let user = UserId::new("reader");
    for channel in ["c", "d"] {
        for key in 1..=8 {
            say(&*store, channel, "a", &key.to_string(), &[named("reader")]).await;
        }
    }
    let read = async |channel: &str, seq| store.mark_read(&user, &ChannelId::new(channel), seq).await.unwrap();
    assert_eq!(read("c", 8).await, 8);
    assert_eq!((read("c", 3).await, read("c", 8).await, read("c", 1).await), (8, 8, 8));
    assert_eq!(unread(&*store, "reader", "c").await, (8, 0, 0));
    assert_eq!(unread(&*store, "reader", "d").await, (0, 8, 8), "the other channel isn't cleared");
    // Both devices at once, in any order: the furthest stays.
    let marks = super::at_once(8, |index| {
        let (store, user) = (store.clone(), user.clone());
        async move { store.mark_read(&user, &ChannelId::new("d"), 1 + (index as u64 * 5) % 8).await.unwrap() }
    })
    .await;
    assert_eq!(marks.iter().max(), Some(&8));
    assert_eq!(unread(&*store, "reader", "d").await, (8, 0, 0));
}

/// In every order of deleting, reading, marking unread and writing on.
pub async fn deleting_lowers_what_is_unread_and_never_below_nothing(store: Arc<dyn Store>) {
    let (user, channel) = (UserId::new("reader"), ChannelId::new("c"));
    for key in 1..=4 {
        say(&*store, "c", "a", &key.to_string(), &[named("reader"), Audience::Everyone]).await;
    }
    store.mark_read(&user, &channel, 4).await.unwrap();
    delete(&*store, "c", 4).await;
    assert_eq!(unread(&*store, "reader", "c").await, (4, 0, 0), "the newest and marked one, which was read");
    assert_eq!(store.mark_unread(&user, &channel, 4).await.unwrap(), 3, "from a deleted one on");
    assert_eq!(unread(&*store, "reader", "c").await, (3, 0, 0));
    assert_eq!(store.mark_unread(&user, &channel, 2).await.unwrap(), 1);
    assert_eq!(unread(&*store, "reader", "c").await, (1, 2, 2));
    for seq in [2, 2, 3, 3, 1] {
        store.delete(&channel, seq, millis(60)).await.unwrap().unwrap();
    }
    assert_eq!(unread(&*store, "reader", "c").await, (1, 0, 0), "each was counted out once");
    assert_eq!(unread(&*store, "stranger", "c").await, (0, 0, 0), "a channel of tombstones");
    assert_eq!(say(&*store, "c", "a", "5", &[named("reader")]).await, 5);
    assert_eq!(unread(&*store, "reader", "c").await, (1, 1, 1));
    assert_eq!(store.mark_read(&user, &channel, 5).await.unwrap(), 5, "the channel can still be read");
    delete(&*store, "c", 5).await;
    assert_eq!(unread(&*store, "reader", "c").await, (5, 0, 0));
}

/// An edit of what was read long ago is no news: it makes nothing unread, and takes nothing that is.
pub async fn an_edit_of_a_read_message_mentions_nobody_anew(store: Arc<dyn Store>) {
    let (user, channel) = (UserId::new("b"), ChannelId::new("c"));
    for key in ["1", "2", "3"] {
        say(&*store, "c", "a", key, &[]).await;
    }
    store.mark_read(&user, &channel, 2).await.unwrap();
    store.edit(edit("c", 1, &[named("b"), Audience::Everyone])).await.unwrap().unwrap();
    assert_eq!(unread(&*store, "b", "c").await, (2, 1, 0));
    store.edit(edit("c", 3, &[named("b")])).await.unwrap().unwrap();
    store.edit(edit("c", 3, &[named("b")])).await.unwrap().unwrap();
    assert_eq!(unread(&*store, "b", "c").await, (2, 1, 1), "the same mention twice");
    store.edit(edit("c", 3, &[named("a"), named("d")])).await.unwrap().unwrap();
    assert_eq!(unread(&*store, "b", "c").await, (2, 1, 0));
    delete(&*store, "c", 3).await;
    assert_eq!(unread(&*store, "d", "c").await, (0, 2, 1), "the mention went with its message, the one of the first stays");
    store.mark_unread(&user, &channel, 1).await.unwrap();
    assert_eq!(unread(&*store, "b", "c").await, (0, 2, 1), "what was added to a read message counts once it is unread");
}

/// Never opened, left and joined again: what came in between is neither unread nor a mention, whatever marker is left.
pub async fn who_leaves_and_comes_again_starts_at_the_newest_message(store: Arc<dyn Store>) {
    let (user, channel) = (UserId::new("guest"), ChannelId::new("c"));
    for key in 1..=3 {
        say(&*store, "c", "a", &key.to_string(), &[Audience::Everyone]).await;
    }
    assert_eq!(unread_since(&*store, "guest", "c", 3).await, (3, 0, 0), "never opened");
    say(&*store, "c", "a", "4", &[named("guest")]).await;
    assert_eq!(unread_since(&*store, "guest", "c", 3).await, (3, 1, 1));
    store.mark_unread(&user, &channel, 2).await.unwrap();
    // Away for two messages.
    for key in ["5", "6"] {
        say(&*store, "c", "a", key, &[named("guest")]).await;
    }
    assert_eq!(unread_since(&*store, "guest", "c", 6).await, (6, 0, 0), "the old marker is below the joining");
    assert_eq!(store.mark_read(&user, &channel, 3).await.unwrap(), 3);
    assert_eq!(unread_since(&*store, "guest", "c", 6).await, (6, 0, 0));
    say(&*store, "c", "a", "7", &[]).await;
    assert_eq!(unread_since(&*store, "guest", "c", 6).await, (6, 1, 0));
    say(&*store, "c", "guest", "8", &[]).await;
    assert_eq!(unread_since(&*store, "guest", "c", 6).await, (8, 0, 0));
}

/// The call's answer never came, so nobody knows whether it happened; and it is repeated while others write.
pub async fn a_retry_after_a_lost_reply_stores_one_message(store: Arc<dyn Store>) {
    // Each try has an id of its own, as it has in the hub: by the same one a store may take it for the same try.
    let new = |key: usize, attempt: u8| {
        let message = message(&format!("m{key} {attempt}"), "c", "a", &format!("key {key}"));
        NewMessage { text: format!("text {key}"), mentions: vec![named("b")], ..message }
    };
    for key in 0..40 {
        let (first, again) = (store.clone(), store.clone());
        let lost = tokio::spawn(async move { first.append(new(key, 1)).await });
        // Whoever waits for it goes away at one moment or another of it.
        for _ in 0..key % 5 {
            tokio::task::yield_now().await;
        }
        lost.abort();
        let retried = again.append(new(key, 2)).await.unwrap();
        say(&*store, "c", "b", &key.to_string(), &[]).await;
        let third = store.append(new(key, 3)).await.unwrap();
        assert_eq!((third.duplicate, third.message), (true, retried.message));
    }
    let mut known = Vec::new();
    assert_eq!(catch_up(&*store, "b", "c", &mut known).await, (80, 80));
    let mut own: Vec<_> = known.iter().filter(|message| message.author.id.as_str() == "a").map(|message| message.text.as_str()).collect();
    own.sort_unstable();
    own.dedup();
    assert_eq!(own.len(), 40, "each once");
    assert_eq!(unread(&*store, "b", "c").await, (80, 0, 0));
    assert_eq!(unread(&*store, "a", "c").await.1, 1, "only what b wrote last");
}
