//! The cases of what hangs on messages: attachments, reactions, pins.

use super::{at_once, delete, edit, message, millis, say};
use crate::store::{Mark, Marked, NewMessage, PINS_MAX, Pin, REACTION_USERS_SHOWN, REACTIONS_MAX, React, Store};
use crate::view::{Attachment, Cursor, Message, Reaction};
use crate::{ChannelId, UserId};
use std::sync::Arc;

fn react(seq: u64, user: &str, emoji: &str, mark: Mark) -> React {
    React { channel: ChannelId::new("c"), seq, user: UserId::new(user), emoji: emoji.to_owned(), mark }
}

fn pin(seq: u64, mark: Mark, at_ms: u64) -> Pin {
    Pin { channel: ChannelId::new("c"), seq, mark, at: millis(at_ms) }
}

fn changed(marked: Option<Marked>) -> Message {
    match marked {
        Some(Marked::Changed(message)) => message,
        other => panic!("{other:?}"),
    }
}

async fn pinned(store: &dyn Store) -> Vec<u64> {
    store.pins(&ChannelId::new("c")).await.unwrap().iter().map(|message| message.seq).collect()
}

fn reaction(emoji: &str, users: &[&str]) -> Reaction {
    Reaction { emoji: emoji.to_owned(), count: users.len() as u64, users: users.iter().map(|user| UserId::new(*user)).collect() }
}

/// Every field, in order, also after an edit; a deletion takes them away.
pub async fn attachments_come_back_as_they_were_sent(store: Arc<dyn Store>) {
    let photo = Attachment {
        url: "https://files.example/안주.jpg?a=1&b=%20".to_owned(),
        name: "안주 \"1\".jpg".to_owned(),
        mime: "image/jpeg".to_owned(),
        size_bytes: (1 << 53) - 1,
        pixels: Some((4_032, 3_024)),
    };
    let text = Attachment { mime: "text/plain".to_owned(), size_bytes: 0, pixels: None, ..photo.clone() };
    let attachments = vec![photo, text];
    let new = NewMessage { text: String::new(), attachments: attachments.clone(), ..message("m1", "c", "a", "1") };
    let sent = store.append(new.clone()).await.unwrap().message;
    assert_eq!(sent.attachments, attachments);
    assert_eq!(store.append(new).await.unwrap().message, sent, "a retry");
    assert_eq!(store.history(&ChannelId::new("c"), Cursor::Newest, 1).await.unwrap().messages, [sent]);
    assert_eq!(store.edit(edit("c", 1, &[])).await.unwrap().unwrap().attachments, attachments);
    delete(&*store, "c", 1).await;
    assert_eq!(store.message(&ChannelId::new("c"), 1).await.unwrap().unwrap().attachments, []);
}

/// Emojis stand in the order in which they came, and so do their users. What isn't there or is deleted can't be reacted to.
pub async fn a_user_reacts_once_with_an_emoji(store: Arc<dyn Store>) {
    say(&*store, "c", "a", "1", &[]).await;
    let on = |user, emoji| store.react(react(1, user, emoji, Mark::On));
    let off = |user, emoji| store.react(react(1, user, emoji, Mark::Off));
    assert_eq!(changed(on("b", "🍻").await.unwrap()).reactions, [reaction("🍻", &["b"])]);
    changed(on("a", "🍻").await.unwrap());
    let both = changed(on("a", "❤️").await.unwrap());
    assert_eq!(both.reactions, [reaction("🍻", &["b", "a"]), reaction("❤️", &["a"])]);
    assert_eq!(on("b", "🍻").await.unwrap(), Some(Marked::Unchanged(both.clone())), "once");
    assert_eq!(off("b", "❤️").await.unwrap(), Some(Marked::Unchanged(both.clone())), "somebody else's");
    assert_eq!(off("b", "👍").await.unwrap(), Some(Marked::Unchanged(both.clone())), "nobody's");
    assert_eq!(store.message(&ChannelId::new("c"), 1).await.unwrap(), Some(both.clone()));
    assert_eq!(store.history(&ChannelId::new("c"), Cursor::Newest, 1).await.unwrap().messages, [both]);
    assert_eq!(changed(off("b", "🍻").await.unwrap()).reactions, [reaction("🍻", &["a"]), reaction("❤️", &["a"])]);
    assert_eq!(changed(off("a", "🍻").await.unwrap()).reactions, [reaction("❤️", &["a"])]);
    let again = changed(on("b", "🍻").await.unwrap());
    assert_eq!(again.reactions, [reaction("❤️", &["a"]), reaction("🍻", &["b"])]);
    assert_eq!(store.edit(edit("c", 1, &[])).await.unwrap().unwrap().reactions, again.reactions, "an edit leaves them");
    for nowhere in [0, 2, u64::MAX] {
        assert_eq!(store.react(react(nowhere, "a", "🍻", Mark::On)).await.unwrap(), None);
    }
}

/// However many race for the last places; a further user of one that is there finds its place.
pub async fn a_message_bears_twenty_different_emojis(store: Arc<dyn Store>) {
    say(&*store, "c", "a", "1", &[]).await;
    let marked = at_once(REACTIONS_MAX + 12, |index| {
        let store = store.clone();
        async move { store.react(react(1, &format!("u{index}"), &format!("e{index}"), Mark::On)).await.unwrap() }
    })
    .await;
    assert_eq!(marked.iter().filter(|marked| **marked == Some(Marked::Full)).count(), 12);
    let message = store.message(&ChannelId::new("c"), 1).await.unwrap().unwrap();
    assert_eq!(message.reactions.len(), REACTIONS_MAX);
    let (emoji, first) = (message.reactions[7].emoji.clone(), message.reactions[7].users[0].clone());
    assert_eq!(changed(store.react(react(1, "late", &emoji, Mark::On)).await.unwrap()).reactions[7].count, 2);
    assert_eq!(store.react(react(1, "late", "new", Mark::On)).await.unwrap(), Some(Marked::Full));
    for user in ["late", first.as_str()] {
        changed(store.react(react(1, user, &emoji, Mark::Off)).await.unwrap());
    }
    changed(store.react(react(1, "late", "new", Mark::On)).await.unwrap());
}

/// The others are counted, and move up when one of the first goes.
pub async fn of_many_who_react_the_first_are_named(store: Arc<dyn Store>) {
    say(&*store, "c", "a", "1", &[]).await;
    for user in 0..14 {
        changed(store.react(react(1, &format!("u{user:02}"), "👍", Mark::On)).await.unwrap());
    }
    let named = |message: Message| {
        let reaction = message.reactions[0].clone();
        (reaction.count, reaction.users.len(), reaction.users[0].to_string(), reaction.users[9].to_string())
    };
    let gone = changed(store.react(react(1, "u12", "👍", Mark::Off)).await.unwrap());
    assert_eq!(named(gone), (13, REACTION_USERS_SHOWN, "u00".to_owned(), "u09".to_owned()));
    let gone = changed(store.react(react(1, "u00", "👍", Mark::Off)).await.unwrap());
    assert_eq!(named(gone), (12, REACTION_USERS_SHOWN, "u01".to_owned(), "u10".to_owned()));
    let back = changed(store.react(react(1, "u00", "👍", Mark::On)).await.unwrap());
    assert_eq!(named(back), (13, REACTION_USERS_SHOWN, "u01".to_owned(), "u10".to_owned()), "behind the others");
}

/// The latest first. Pinning twice moves nothing.
pub async fn a_pin_is_listed_until_it_is_taken_away(store: Arc<dyn Store>) {
    assert_eq!(pinned(&*store).await, []);
    for key in ["1", "2", "3", "4"] {
        say(&*store, "c", "a", key, &[]).await;
    }
    for (seq, at_ms) in [(3, 10), (1, 20), (2, 30), (4, 30)] {
        assert_eq!(changed(store.pin(pin(seq, Mark::On, at_ms)).await.unwrap()).seq, seq);
    }
    assert_eq!(pinned(&*store).await, [4, 2, 1, 3]);
    assert!(matches!(store.pin(pin(3, Mark::On, 99)).await.unwrap(), Some(Marked::Unchanged(_))));
    assert_eq!(pinned(&*store).await, [4, 2, 1, 3]);
    changed(store.pin(pin(1, Mark::Off, 99)).await.unwrap());
    assert!(matches!(store.pin(pin(1, Mark::Off, 99)).await.unwrap(), Some(Marked::Unchanged(_))));
    assert_eq!(pinned(&*store).await, [4, 2, 3]);
    let edited = store.edit(edit("c", 4, &[])).await.unwrap().unwrap();
    assert_eq!(store.pins(&ChannelId::new("c")).await.unwrap()[0], edited, "as they are now");
    assert_eq!(store.pins(&ChannelId::new("d")).await.unwrap(), []);
    for nowhere in [0, 5, u64::MAX] {
        assert_eq!(store.pin(pin(nowhere, Mark::On, 1)).await.unwrap(), None);
    }
}

/// However many race for the last places.
pub async fn a_channel_has_fifty_pins(store: Arc<dyn Store>) {
    for key in 0..PINS_MAX + 6 {
        say(&*store, "c", "a", &key.to_string(), &[]).await;
    }
    let marked = at_once(PINS_MAX + 6, |index| {
        let store = store.clone();
        async move { store.pin(pin(index as u64 + 1, Mark::On, index as u64)).await.unwrap() }
    })
    .await;
    assert_eq!(marked.iter().filter(|marked| **marked == Some(Marked::Full)).count(), 6);
    let listed = pinned(&*store).await;
    assert_eq!(listed.len(), PINS_MAX);
    changed(store.pin(pin(listed[0], Mark::Off, 1)).await.unwrap());
    changed(store.pin(pin(listed[0], Mark::On, 1)).await.unwrap());
}

/// And gets no new ones.
pub async fn a_deleted_message_loses_its_reactions_and_its_pin(store: Arc<dyn Store>) {
    say(&*store, "c", "a", "1", &[]).await;
    changed(store.react(react(1, "b", "🍻", Mark::On)).await.unwrap());
    changed(store.pin(pin(1, Mark::On, 1)).await.unwrap());
    delete(&*store, "c", 1).await;
    assert_eq!(store.message(&ChannelId::new("c"), 1).await.unwrap().unwrap().reactions, []);
    assert_eq!(pinned(&*store).await, []);
    assert_eq!(store.react(react(1, "b", "🍻", Mark::On)).await.unwrap(), None);
    assert_eq!(store.react(react(1, "b", "🍻", Mark::Off)).await.unwrap(), None);
    assert_eq!(store.pin(pin(1, Mark::On, 1)).await.unwrap(), None);
}
