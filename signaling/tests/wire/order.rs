//! What is handled and told in which order.

use crate::harness::Server;
use crate::socket::{Came, chat};
use serde_json::json;
use std::collections::VecDeque;

/// The codec gives every event to a task of its own; in that way hundreds of 2,000 overtake each other.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_socket_are_handled_in_order() {
    const EVENTS: u64 = 2_000;
    /// Below the inbox's 64, so that none is refused.
    const UNANSWERED_MAX: usize = 60;
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    let (_, channel) = server.room(&mut ana).await;
    let mut unanswered = VecDeque::new();
    let mut sequence = 0;
    for number in 0..EVENTS {
        unanswered.push_back(ana.emit("chat:send", chat(&channel, &number.to_string())).await);
        while unanswered.len() > UNANSWERED_MAX || (number + 1 == EVENTS && !unanswered.is_empty()) {
            let ack = ana.ack(unanswered.pop_front().unwrap()).await;
            sequence += 1;
            assert_eq!(ack["message"]["seq"], sequence, "{ack}");
            assert_eq!(ack["message"]["text"], (sequence - 1).to_string());
        }
    }
    assert_eq!(sequence, EVENTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ack_comes_before_the_events_that_its_request_caused() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    let (_, channel) = server.room(&mut ana).await;
    for number in 0..200 {
        let text = number.to_string();
        let id = ana.emit("chat:send", chat(&channel, &text)).await;
        let mut acked = false;
        loop {
            match ana.next().await {
                Came::Ack(other, _) if other == id => acked = true,
                Came::Event(name, event) if name == "chat:message" && event["message"]["text"] == text.as_str() => break,
                _ => {}
            }
        }
        assert!(acked, "message {number} was told before it was acknowledged");
    }
}

/// An end that overtook what was sent before it would lose a last word.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_before_a_clean_leave_is_handled() {
    let server = Server::start().await;
    let (mut ana, mut bo, _room, channel) = server.couple().await;
    for number in 0..20 {
        bo.emit("chat:send", chat(&channel, &number.to_string())).await;
    }
    bo.send("41").await;
    for number in 0..20 {
        assert_eq!(ana.event("chat:message").await["message"]["text"], number.to_string());
    }
    assert_eq!(ana.event("participant:left").await["reason"], "left");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_without_an_ack_are_handled_too() {
    let server = Server::start().await;
    let (mut ana, mut bo, _room, channel) = server.couple().await;
    bo.send(&format!("42{}", json!(["chat:send", chat(&channel, "no answer wanted")]))).await;
    assert_eq!(ana.event("chat:message").await["message"]["text"], "no answer wanted");
}
