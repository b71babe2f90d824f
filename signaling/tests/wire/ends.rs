//! Every way in which a connection ends, and what the others see of it.

use crate::harness::{SOON, Server, roomy};
use crate::socket::{Came, Socket, chat};
use futures_util::SinkExt as _;
use serde_json::json;
use signaling::Config;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

fn impatient() -> Config {
    Config { ping_interval: Duration::from_secs(1), ping_timeout: Duration::from_secs(1), ..roomy() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_disconnect_leaves_at_once() {
    let server = Server::start().await;
    let (mut ana, mut bo, _, _) = server.couple().await;
    let began = Instant::now();
    bo.send("41").await;
    assert_eq!(ana.event("participant:left").await["reason"], "left");
    assert!(began.elapsed() < Duration::from_secs(1));
    bo.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_websocket_keeps_the_seat_for_the_short_grace() {
    let server = Server::start().await;
    let (mut ana, mut bo, _, _) = server.couple().await;
    let began = Instant::now();
    bo.ws.close(None).await.unwrap();
    assert_eq!(ana.event("participant:updated").await["state"], "reconnecting");
    assert!(began.elapsed() < Duration::from_millis(500));
    assert_eq!(ana.event("participant:left").await["reason"], "disconnected");
    assert!(began.elapsed() >= Duration::from_secs(2) && began.elapsed() < Duration::from_secs(3));
}

/// As when the client's process is killed: TCP closes, WebSocket doesn't.
#[tokio::test(flavor = "multi_thread")]
async fn an_abrupt_end_keeps_the_seat_for_the_long_grace() {
    let server = Server::start().await;
    let (mut ana, bo, _, _) = server.couple().await;
    let began = Instant::now();
    drop(bo);
    assert_eq!(ana.event("participant:updated").await["state"], "reconnecting");
    assert!(began.elapsed() < Duration::from_millis(500));
    assert_eq!(ana.event("participant:left").await["reason"], "timed_out");
    assert!(began.elapsed() >= Duration::from_secs(8) && began.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beacon_gives_the_seat_up_at_once_and_closes_the_connection() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    let (room, _) = server.room(&mut ana).await;
    let mut bo = Socket::open(server.address).await;
    bo.connect(json!({ "token": server.token("bo") })).await.unwrap();
    let secret = bo.ready().await["session"].as_str().unwrap().to_owned();
    bo.ask("room:join", json!({ "room": room })).await;
    ana.event("participant:joined").await;
    let began = Instant::now();
    assert!(server.service.unloaded(&secret).await);
    assert_eq!(ana.event("participant:updated").await["state"], "reconnecting");
    assert!(began.elapsed() < Duration::from_millis(500));
    bo.closed().await;
    assert_eq!(ana.event("participant:left").await["reason"], "disconnected");
    assert!(began.elapsed() < Duration::from_secs(3));
    assert!(!server.service.unloaded("nonsense").await);
}

/// The transport may be gone in a bad way before the beacon comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_beacon_after_an_abrupt_end_shortens_the_grace() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    let (room, _) = server.room(&mut ana).await;
    let mut bo = Socket::open(server.address).await;
    bo.connect(json!({ "token": server.token("bo") })).await.unwrap();
    let secret = bo.ready().await["session"].as_str().unwrap().to_owned();
    bo.ask("room:join", json!({ "room": room })).await;
    ana.event("participant:joined").await;
    drop(bo);
    ana.event("participant:updated").await;
    let began = Instant::now();
    assert!(server.service.unloaded(&secret).await);
    assert_eq!(ana.event("participant:left").await["reason"], "disconnected");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_no_ping_is_gone() {
    let server = Server::start_with(impatient()).await;
    let (mut ana, bo, _, _) = server.couple().await;
    // Bo reads and writes nothing from here on, but keeps its TCP connection.
    let began = Instant::now();
    assert_eq!(ana.event("participant:updated").await["state"], "reconnecting");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    drop(bo);
}

/// A client with a receive buffer of next to nothing.
pub async fn narrow(server: &Server, user: &str) -> Socket {
    narrow_and_ready(server, user).await.0
}

/// The same, and its `session:ready`.
pub async fn narrow_and_ready(server: &Server, user: &str) -> (Socket, serde_json::Value) {
    let tcp = TcpSocket::new_v4().unwrap();
    tcp.set_recv_buffer_size(4096).unwrap();
    let tcp = tcp.connect(server.address).await.unwrap();
    let mut socket = Socket::open_over(tcp, server.address).await;
    socket.connect(json!({ "token": server.token(user) })).await.unwrap();
    let ready = socket.ready().await;
    (socket, ready)
}

/// The ghost: it reads nothing, so that all buffers towards it are full, and yet answers pings. The codec keeps it for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stalls_with_a_full_buffer_is_gone_in_15_seconds() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    let (room, channel) = server.room(&mut ana).await;
    let mut ghost = narrow(&server, "ghost").await;
    assert_eq!(ghost.ask("room:join", json!({ "room": room })).await["ok"], true);
    ana.event("participant:joined").await;
    // Fewer than the send queue holds, and more bytes than the kernel takes.
    for _ in 0..100 {
        assert_eq!(ana.ask("chat:send", chat(&channel, &"짠".repeat(4_000))).await["ok"], true);
    }
    let began = Instant::now();
    let pongs = tokio::spawn(async move {
        while ghost.ws.send(tokio_tungstenite::tungstenite::Message::text("3")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    assert_eq!(ana.event("participant:updated").await["state"], "reconnecting");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    tokio::time::timeout(SOON, pongs).await.expect("its TCP connection is dropped").unwrap();
    while server.service.stats().connections > 1 {
        tokio::task::yield_now().await;
    }
}

/// When the send queue is full, an event that matters doesn't fit: nothing is lost in silence.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_falls_behind_is_dropped() {
    // So patient that nothing but the full queue can be the reason.
    let server = Server::start_with(Config { ping_interval: Duration::from_secs(60), ping_timeout: SOON, ..roomy() }).await;
    let mut ana = server.connect("ana").await;
    let (room, channel) = server.room(&mut ana).await;
    let mut slow = narrow(&server, "slow").await;
    slow.ask("room:join", json!({ "room": room })).await;
    ana.event("participant:joined").await;
    let mut gone = false;
    for _ in 0..600 {
        ana.ask("chat:send", chat(&channel, &"짠".repeat(4_000))).await;
        gone = ana.waiting_event("participant:updated").is_some_and(|event| event["state"] == "reconnecting");
        if gone {
            break;
        }
    }
    assert!(gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_node_tells_when_to_come_back_and_closes() {
    let server = Server::start().await;
    let (mut ana, _bo, _, _) = server.couple().await;
    server.service.drain(Duration::from_millis(700));
    let draining = ana.event("session:draining").await;
    assert!(draining["reconnect_in_ms"].as_u64().unwrap() < 1_400, "{draining}");
    let mut late = TcpStream::connect(server.address).await.unwrap();
    late.write_all(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    late.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");

    server.hub.stop().await;
    let began = Instant::now();
    server.service.stop(Duration::from_secs(5)).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let closed = ana.event("room:closed").await;
    assert_eq!(closed["reason"], "server_stopped");
    ana.closed().await;
    assert_eq!(server.service.stats(), signaling::Stats::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polling_client_that_goes_silent_is_gone() {
    let server = Server::start_with(impatient()).await;
    let mut ana = server.connect("ana").await;
    let (room, _) = server.room(&mut ana).await;
    let mut bo = crate::hostile::Polling::open(server.address).await;
    bo.post(&format!("40{}", json!({ "token": server.token("bo") }))).await;
    assert!(bo.poll_until("session:ready").await);
    bo.post(&format!("420{}", json!(["room:join", { "room": room }]))).await;
    ana.event("participant:joined").await;
    assert_eq!(ana.event("participant:updated").await["state"], "reconnecting");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polling_client_that_is_fenced_is_closed() {
    let server = Server::start().await;
    let mut bo = crate::hostile::Polling::open(server.address).await;
    bo.post(&format!("40{}", json!({ "token": server.token("bo") }))).await;
    let ready = bo.poll_for("session:ready").await.unwrap();
    let Came::Event(_, ready) = ready else { panic!("an event") };
    let mut newer = Socket::open(server.address).await;
    newer.connect(json!({ "token": server.token("bo"), "session": ready["session"] })).await.unwrap();
    assert_eq!(newer.ready().await["resumed"], true);
    assert!(bo.is_closed().await);
}
