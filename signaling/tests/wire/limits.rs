//! What is too much, too often or too slow.

use crate::harness::{SOON, Server, assert_alive, roomy};
use crate::hostile::{Polling, http};
use crate::socket::{Came, Socket};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use signaling::{Config, Limits, POLLING_BODY_BYTES_MAX, WS_MESSAGE_BYTES_MAX};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

fn strict() -> Config {
    Config { limits: Limits::default(), ..roomy() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_at_the_limit_is_answered_and_one_above_it_closes_with_1009() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    // An SDP at its limit, in which every fourth character takes two bytes in JSON.
    let sdp = "abc\n".repeat(16 * 1024);
    let ack = ana.ask("media:offer", json!({ "offer": { "type": "offer", "sdp": sdp } })).await;
    assert_eq!(ack["ok"], false, "{ack}");
    assert_ne!(ack["error"]["code"], "too_large", "{ack}");

    let envelope = r#"427["lobby:list",{"pad":""}]"#.len();
    let padded = |bytes: usize| format!(r#"427["lobby:list",{{"pad":"{}"}}]"#, "x".repeat(bytes - envelope));
    ana.send(&padded(WS_MESSAGE_BYTES_MAX)).await;
    assert_eq!(ana.next().await, Came::Ack(7, json!({ "ok": true, "rooms": [] })));
    ana.send(&padded(WS_MESSAGE_BYTES_MAX + 1)).await;
    assert_eq!(ana.closed().await, Some(1009));
    assert_alive(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_of_an_oversized_message_close_with_1009() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    let piece = "x".repeat(48 * 1024);
    for number in 0..3 {
        let opcode = if number == 0 { OpCode::Data(Data::Text) } else { OpCode::Data(Data::Continue) };
        let frame = Frame::message(piece.clone().into_bytes(), opcode, false);
        ana.ws.send(Message::Frame(frame)).await.unwrap();
    }
    assert_eq!(ana.closed().await, Some(1009));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_polling_body_is_answered_with_413() {
    let server = Server::start().await;
    let mut polling = Polling::open(server.address).await;
    let (status, _) = polling.post(&"x".repeat(POLLING_BODY_BYTES_MAX + 1)).await;
    assert_eq!(status, 413);

    // Without a content-length the codec counts.
    let polling = Polling::open(server.address).await;
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    let head = format!("POST {} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", polling.path());
    tcp.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..8 {
        if tcp.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = [0; 12];
    tokio::time::timeout(SOON, tcp.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    assert_alive(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_close_the_connection() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    ana.send(r#"4510000-["chat:send",{"_placeholder":true,"num":0}]"#).await;
    ana.closed().await;
    let mut bo = server.connect("bo").await;
    bo.send(r#"451-["chat:send",{"_placeholder":true,"num":0}]"#).await;
    bo.closed().await;
    assert_alive(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_events_is_answered_with_rate_limited() {
    let server = Server::start_with(strict()).await;
    let mut ana = server.connect("ana").await;
    let mut ids = vec![];
    for _ in 0..220 {
        ids.push(ana.emit("lobby:list", json!({})).await);
    }
    let (mut done, mut limited) = (0, 0);
    for id in ids {
        let ack = ana.ack(id).await;
        if ack["ok"] == true {
            done += 1;
        } else {
            assert_eq!(ack["error"]["code"], "rate_limited", "{ack}");
            assert!(ack["error"]["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0 && ms <= 1_000), "{ack}");
            limited += 1;
        }
    }
    assert!(done >= 50 && limited >= 50, "{done} done, {limited} limited");
}

/// A new connection of the same session has no new allowance.
#[tokio::test(flavor = "multi_thread")]
async fn reconnecting_gives_no_new_allowance() {
    let few = |value| NonZeroU32::new(value).unwrap();
    let limits = Limits { events_per_s: few(1), events_burst: few(50), ..roomy().limits };
    let server = Server::start_with(Config { limits, ..roomy() }).await;
    let mut ana = Socket::open(server.address).await;
    ana.connect(json!({ "token": server.token("ana") })).await.unwrap();
    let secret = ana.ready().await["session"].clone();
    assert_eq!(limited(&mut ana, 40).await, 0);
    let mut again = Socket::open(server.address).await;
    again.connect(json!({ "token": server.token("ana"), "session": secret })).await.unwrap();
    assert_eq!(again.ready().await["resumed"], true);
    assert!(limited(&mut again, 40).await > 0);
}

/// How many of so many events are refused.
async fn limited(socket: &mut Socket, events: usize) -> usize {
    let mut ids = vec![];
    for _ in 0..events {
        ids.push(socket.emit("lobby:list", json!({})).await);
    }
    let mut limited = 0;
    for id in ids {
        limited += usize::from(socket.ack(id).await["ok"] == false);
    }
    limited
}

#[tokio::test(flavor = "multi_thread")]
async fn connects_above_the_burst_are_answered_with_429() {
    let server = Server::start_with(strict()).await;
    let mut limited = 0;
    for _ in 0..80 {
        let answer = http(server.address, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1", "").await;
        if answer.starts_with("HTTP/1.1 429") {
            assert!(answer.contains("retry-after: 1") && answer.contains("\"retry_after_ms\":"), "{answer}");
            assert!(answer.contains("\"code\":\"rate_limited\""), "{answer}");
            limited += 1;
        } else {
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
    }
    assert!((1..=30).contains(&limited), "{limited}");

    let spared = Config { limits: Limits { spare_loopback: true, ..Limits::default() }, ..roomy() };
    let server = Server::start_with(spared).await;
    for _ in 0..80 {
        let answer = http(server.address, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1", "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_so_many_sockets_at_a_time() {
    let config = Config { limits: Limits { sockets_per_ip: 3, ..roomy().limits }, ..roomy() };
    let server = Server::start_with(config).await;
    let mut sockets = vec![];
    for user in ["a", "b", "c"] {
        sockets.push(server.connect(user).await);
    }
    let mut refused = Socket::open(server.address).await;
    let message = refused.connect(json!({ "token": server.token("d") })).await.unwrap_err();
    assert!(message.starts_with("rate_limited: "), "{message}");
    sockets.pop();
    while server.service.stats().connections > 2 {
        tokio::task::yield_now().await;
    }
    server.connect("d").await;
}

/// How long the server keeps a connection on which `begin` was sent and then `drip`, byte by byte.
async fn patience(server: &Server, begin: String, drip: &'static [u8]) -> Duration {
    let began = Instant::now();
    let (mut read, mut write) = TcpStream::connect(server.address).await.unwrap().into_split();
    let writer = tokio::spawn(async move {
        write.write_all(begin.as_bytes()).await.ok();
        for byte in drip.iter().cycle() {
            tokio::time::sleep(Duration::from_millis(300)).await;
            if write.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    });
    let mut sink = vec![];
    tokio::time::timeout(SOON, read.read_to_end(&mut sink)).await.expect("the server waits for ever").ok();
    writer.abort();
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_head_and_a_slow_body_are_closed_in_10_seconds() {
    let server = Server::start().await;
    let polling = Polling::open(server.address).await;
    let post = format!("POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n", polling.path());
    let (nothing, head, body) = tokio::join!(
        patience(&server, String::new(), b""),
        patience(&server, "GET / HTTP/1.1\r\nx: ".into(), b"a"),
        patience(&server, post, b"4"),
    );
    let limit = Duration::from_millis(10_900);
    assert!(nothing < limit && head < limit && body < limit, "{nothing:?} {head:?} {body:?}");
    assert!(head > Duration::from_secs(4) && body > Duration::from_secs(9), "{head:?} {body:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_slow_connections_do_not_keep_others_out() {
    let server = Server::start().await;
    let mut slow = vec![];
    for _ in 0..1_000 {
        let mut tcp = TcpStream::connect(server.address).await.unwrap();
        tcp.write_all(b"GET /socket.io/?EIO=4 HTTP/1.1\r\nhost").await.unwrap();
        slow.push(tcp);
    }
    let began = Instant::now();
    assert_alive(&server).await;
    assert!(began.elapsed() < Duration::from_secs(2));
    let closed = slow.into_iter().map(|mut tcp| async move { tcp.read(&mut [0; 512]).await });
    tokio::time::timeout(Duration::from_secs(10), futures_util::future::join_all(closed)).await.expect("all are closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_ping_is_answered() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    ana.ws.send(Message::Ping(b"x"[..].into())).await.unwrap();
    let pong = Message::Pong(b"x"[..].into());
    while tokio::time::timeout(SOON, ana.ws.next()).await.unwrap().unwrap().unwrap() != pong {}
}
