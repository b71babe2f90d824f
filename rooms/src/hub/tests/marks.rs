//! Reactions and pins: who may, who is told, and in which order.

use super::*;
use crate::Result;
use crate::UserId;
use crate::store::Mark;
use crate::view::{Cursor, Reaction};

fn say(nonce: u32) -> SendMessage {
    SendMessage { nonce: Nonce(nonce.to_string()), text: "건배".to_owned(), reply_to: None, attachments: vec![] }
}

async fn react(bench: &Bench, client: &Client, room: &RoomView, seq: u64, emoji: &str, mark: Mark) -> Result<Vec<Reaction>> {
    bench.hub.react(&client.session, &room.channel, seq, emoji.to_owned(), mark).await
}

fn beer(users: &[&str]) -> Vec<Reaction> {
    let count = users.len() as u64;
    vec![Reaction { emoji: "🍻".to_owned(), count, users: users.iter().map(|user| UserId::new(*user)).collect() }]
}

#[tokio::test]
async fn a_reaction_is_told_to_all_after_the_message_and_once() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let (mut ann, bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&ann, &room).await.unwrap();
    bench.join(&bob, &room).await.unwrap();
    ann.told();
    bench.hub.send(&ann.session, &room.channel, say(1)).await.unwrap();
    assert_eq!(react(&bench, &bob, &room, 1, "🍻", Mark::On).await, Ok(beer(&["bob"])));
    assert_eq!(react(&bench, &bob, &room, 1, "🍻", Mark::On).await, Ok(beer(&["bob"])), "again");
    assert_eq!(react(&bench, &ann, &room, 1, "🍻", Mark::On).await, Ok(beer(&["bob", "ann"])));
    assert_eq!(react(&bench, &bob, &room, 1, "🍻", Mark::Off).await, Ok(beer(&["ann"])));
    assert!(matches!(ann.next().await, Event::ChatMessage { .. }));
    for users in [&["bob"][..], &["bob", "ann"], &["ann"]] {
        let told = Event::ChatReacted { channel: room.channel.clone(), seq: 1, reactions: beer(users) };
        assert_eq!(ann.next().await, told, "and nothing for what changed nothing");
    }
    let page = bench.hub.history(&bob.session, &room.channel, Cursor::Newest, 1).await.unwrap();
    assert_eq!(page.messages[0].reactions, beer(&["ann"]));
}

#[tokio::test]
async fn a_reaction_needs_a_message_a_right_and_a_place() {
    let bench = Bench::start_with(Config { chat_rate: None, ..Config::default() }, Arc::default()).await;
    let room = bench.room("ann", 3, None).await;
    let (ann, stranger) = (bench.client("ann"), bench.client("stranger"));
    let mute = bench.client_as("mute", Grants::Room(RoomGrants { can_publish_data: false, ..token(&room.id) }));
    bench.join(&ann, &room).await.unwrap();
    bench.join(&mute, &room).await.unwrap();
    bench.hub.send(&ann.session, &room.channel, say(1)).await.unwrap();
    assert_eq!(react(&bench, &ann, &room, 2, "🍻", Mark::On).await, Err(Error::NotFound("message")));
    assert_eq!(react(&bench, &stranger, &room, 1, "🍻", Mark::On).await, Err(Error::NotFound("channel")));
    assert!(matches!(react(&bench, &mute, &room, 1, "🍻", Mark::On).await, Err(Error::Forbidden(_))));
    assert!(matches!(react(&bench, &ann, &room, 1, "두 잔", Mark::On).await, Err(Error::Invalid { field: "emoji", .. })));
    for n in 0..20 {
        react(&bench, &ann, &room, 1, &format!("e{n}"), Mark::On).await.unwrap();
    }
    assert!(matches!(react(&bench, &ann, &room, 1, "🍻", Mark::On).await, Err(Error::Conflict(_))));
    bench.hub.delete(&ann.session, &room.channel, 1).await.unwrap();
    assert_eq!(react(&bench, &ann, &room, 1, "🍻", Mark::On).await, Err(Error::NotFound("message")));
}

#[tokio::test]
async fn who_moderates_pins_and_all_see_the_pins() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let (ann, mut bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&ann, &room).await.unwrap();
    bench.join(&bob, &room).await.unwrap();
    bob.told();
    let (hub, channel) = (&bench.hub, &room.channel);
    let mut messages = vec![];
    for n in 1..=2 {
        messages.push(hub.send(&bob.session, channel, say(n)).await.unwrap());
    }
    assert!(matches!(hub.pin_message(&bob.session, channel, 1, Mark::On).await, Err(Error::Forbidden(_))));
    for seq in [1, 2, 1] {
        hub.pin_message(&ann.session, channel, seq, Mark::On).await.unwrap();
    }
    assert_eq!(hub.pins(&bob.session, channel).await.unwrap().len(), 2);
    hub.pin_message(&ann.session, channel, 1, Mark::Off).await.unwrap();
    assert_eq!(hub.pins(&bob.session, channel).await.unwrap(), [messages[1].clone()]);
    assert!(matches!((bob.next().await, bob.next().await), (Event::ChatMessage { .. }, Event::ChatMessage { .. })));
    for (index, mark) in [(0, Mark::On), (1, Mark::On), (0, Mark::Off)] {
        assert_eq!(bob.next().await, Event::ChatPinned { message: messages[index].clone(), mark });
    }
    assert_eq!(hub.pin_message(&ann.session, channel, 3, Mark::On).await, Err(Error::NotFound("message")));
    hub.delete(&bob.session, channel, 2).await.unwrap();
    assert_eq!(hub.pins(&ann.session, channel).await.unwrap(), []);
    assert_eq!(hub.pins(&bench.client("dan").session, channel).await, Err(Error::NotFound("channel")));
}
