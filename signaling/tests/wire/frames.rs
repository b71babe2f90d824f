//! Sessions write their own frames beside the codec's: a reader that pauses in the middle of one finds every frame whole and in its place.
//!
//! A frame within another one, or cut off, is an error of the WebSocket to the client here, which fails the test as a lost number does.

use crate::ends::narrow;
use crate::harness::{SOON, Server, roomy};
use crate::socket::{Came, Socket, chat};
use serde_json::json;
use signaling::Config;
use std::time::Duration;
use tokio::time::timeout;

/// Messages of 12 kB: more than the kernel takes for a reader that pauses, and fewer than it loses its connection for.
const MESSAGES: usize = 16;

/// Ana and bo in a room, and its channel. Bo has next to no buffer and reads nothing; ana has said a lot.
async fn paused(server: &Server) -> (Socket, Socket, String) {
    let mut ana = server.connect("ana").await;
    let (room, channel) = server.room(&mut ana).await;
    let mut bo = narrow(server, "bo").await;
    assert_eq!(bo.ask("room:join", json!({ "room": room })).await["ok"], true);
    ana.event("participant:joined").await;
    for number in 0..MESSAGES {
        say(&mut ana, &channel, number).await;
    }
    (ana, bo, channel)
}

async fn say(ana: &mut Socket, channel: &str, number: usize) {
    assert_eq!(ana.ask("chat:send", chat(channel, &long(number))).await["ok"], true);
}

fn long(number: usize) -> String {
    format!("{number} {}", "짠".repeat(3_990))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_pauses_amid_a_frame_finds_all_of_them_whole_with_its_answers_in_their_places() {
    // The codec's pings stand in the same stream.
    let server = Server::start_with(Config { ping_interval: Duration::from_millis(300), ping_timeout: SOON, ..roomy() }).await;
    let (mut ana, mut bo, channel) = paused(&server).await;
    let mut acks = vec![];
    for number in 0..3 {
        acks.push(bo.emit("chat:send", chat(&channel, &format!("bo {number}"))).await);
        ana.event("chat:message").await;
    }
    // Long enough for a ping to be due.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (mut heard, mut answered) = (vec![], vec![]);
    while heard.len() < MESSAGES + acks.len() {
        match bo.next().await {
            Came::Event(name, event) if name == "chat:message" => heard.push(event["message"]["text"].as_str().unwrap().to_owned()),
            Came::Ack(id, answer) => {
                assert_eq!(answer["ok"], true, "{answer}");
                let own = answer["message"]["text"].as_str().unwrap().to_owned();
                assert!(!heard.contains(&own), "an answer comes before what its request caused");
                answered.push(id);
            }
            Came::Event(..) => {}
            other => panic!("{other:?}"),
        }
    }
    let expected: Vec<String> = (0..MESSAGES).map(long).chain((0..3).map(|number| format!("bo {number}"))).collect();
    assert_eq!((heard == expected, answered), (true, acks));
    say(&mut ana, &channel, MESSAGES).await;
    assert_eq!(bo.event("chat:message").await["message"]["text"], long(MESSAGES));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_ends_the_frame_that_it_is_in() {
    let server = Server::start().await;
    let (_ana, mut bo, _) = paused(&server).await;
    let service = server.service.clone();
    let stopping = tokio::spawn(async move { service.stop(SOON).await });
    let mut heard = 0;
    loop {
        match timeout(SOON, bo.next()).await.unwrap() {
            Came::Event(name, event) if name == "chat:message" => {
                assert_eq!(event["message"]["text"], long(heard));
                heard += 1;
            }
            Came::Event(..) | Came::Disconnected => {}
            Came::Closed(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(heard > 0, "what was on its way arrives");
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_connects_again_on_its_socket_hears_nothing_of_the_session_before() {
    let server = Server::start().await;
    let (mut ana, mut bo, room, channel) = server.couple().await;
    for number in 0..20 {
        bo.send("41").await;
        // The codec takes no notice of who connects again before that.
        ana.event("participant:left").await;
        bo.send(&format!("40{}", json!({ "token": server.token("bo") }))).await;
        loop {
            match bo.next().await {
                Came::Connected => break,
                Came::Event(..) => {}
                other => panic!("{other:?} after {number}"),
            }
        }
        // From here on everything is the new session's, which counts from its beginning.
        bo.sn = None;
        assert_eq!(bo.ready().await["sn"], 0);
        assert_eq!(bo.replayed, []);
        assert_eq!(bo.ask("room:join", json!({ "room": room })).await["ok"], true);
        say(&mut ana, &channel, number).await;
        assert_eq!(bo.event("chat:message").await["message"]["text"], long(number));
    }
    // Longer than the sessions before leave their socket to a client that closes it.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    say(&mut ana, &channel, 20).await;
    assert_eq!(bo.event("chat:message").await["message"]["text"], long(20));
}
