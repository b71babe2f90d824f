//! Who gets in, and what those are told who don't.

use crate::harness::{Server, roomy};
use crate::socket::{Came, Socket};
use serde_json::{Value, json};
use signaling::Config;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn refusal(server: &Server, auth: Value) -> String {
    Socket::open(server.address).await.connect(auth).await.unwrap_err()
}

/// Sends one request and reads the whole answer.
async fn http(server: &Server, head: &str) -> String {
    let mut tcp = TcpStream::connect(server.address).await.unwrap();
    tcp.write_all(format!("{head}\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_handshake_says_the_code_first() {
    let server = Server::start().await;
    let long_ago = SystemTime::now() - Duration::from_secs(600);
    let expired = server.token_from("ana", long_ago, Duration::from_secs(60));
    let mut forged = server.token("ana");
    forged.replace_range(forged.len() - 3.., "AAA");
    assert_eq!(refusal(&server, json!({ "token": expired })).await, "unauthorized: token expired");
    assert_eq!(refusal(&server, json!({ "token": forged })).await, "unauthorized: token signature wrong");
    assert_eq!(refusal(&server, json!({ "token": "garbage" })).await, "unauthorized: token malformed");
    for nothing in [json!({}), json!({ "token": null }), json!({ "token": 7 }), json!({ "token": "" })] {
        assert_eq!(refusal(&server, nothing.clone()).await, "unauthorized: token missing", "{nothing}");
    }
    let mut socket = Socket::open(server.address).await;
    socket.send("40").await;
    assert_eq!(socket.next().await, Came::ConnectError("unauthorized: token missing".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_prefix_is_accepted() {
    let server = Server::start().await;
    server.connect_with(json!({ "token": format!("Bearer {}", server.token("ana")) })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_namespace_is_refused_and_the_first_one_goes_on() {
    let server = Server::start().await;
    let mut socket = server.connect("ana").await;
    socket.send(&format!("40/admin,{}", json!({ "token": server.token("ana") }))).await;
    // 44/admin,{"message":"Invalid namespace"}
    let frame = loop {
        let message = futures_util::StreamExt::next(&mut socket.ws).await.unwrap().unwrap().into_text().unwrap();
        if message != "2" {
            break message;
        }
    };
    assert!(frame.starts_with("44/admin,"), "{frame}");
    assert_eq!(socket.ask("lobby:list", json!({})).await["ok"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_origin_is_refused_on_both_transports() {
    let server = Server::start().await;
    let polling = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1";
    let upgrade = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    for request in [polling, upgrade] {
        let refused = http(&server, &format!("{request}\r\norigin: https://evil.example")).await;
        assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
        assert!(refused.contains("\"code\":\"forbidden\""), "{refused}");
        assert!(!refused.to_lowercase().contains("access-control-allow-origin"), "{refused}");
    }
    let passed = http(&server, &format!("{polling}\r\norigin: https://shop.example")).await;
    assert!(passed.starts_with("HTTP/1.1 200"), "{passed}");
    assert!(passed.contains("access-control-allow-origin: https://shop.example"), "{passed}");
    assert!(http(&server, polling).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_brings_no_token_in_time_is_closed() {
    let config = Config { connect_timeout: Duration::from_millis(300), ..roomy() };
    let server = Server::start_with(config).await;
    let mut socket = Socket::open(server.address).await;
    socket.closed().await;
}

/// Handlers that are registered after the client was told that it is connected miss what it sends in the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_event_is_never_lost() {
    const TRIES: usize = 12_000;
    const AT_A_TIME: usize = 32;
    let server = Arc::new(Server::start().await);
    let token = server.token("ana");
    let clients = (0..AT_A_TIME).map(|_| {
        let (server, token) = (server.clone(), token.clone());
        tokio::spawn(async move {
            for _ in 0..TRIES / AT_A_TIME {
                let mut socket = Socket::open(server.address).await;
                socket.connect(json!({ "token": token })).await.unwrap();
                let ack = socket.ask("lobby:list", json!({})).await;
                assert_eq!(ack["ok"], true);
                socket.send("41").await;
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
}

/// A socket's id is what a polling client is recognised by.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_the_socket_id_of_another() {
    let server = Server::start().await;
    let (mut ana, mut bo, _room, channel) = server.couple().await;
    let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", server.address);
    let (mut raw, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let open = futures_util::StreamExt::next(&mut raw).await.unwrap().unwrap().into_text().unwrap();
    let sid = serde_json::from_str::<Value>(&open[1..]).unwrap()["sid"].as_str().unwrap().to_owned();
    let mut cleo = Socket::over(raw);
    cleo.connect(json!({ "token": server.token("cleo") })).await.unwrap();
    let ready = cleo.ready().await;
    assert!(!ready.to_string().contains(&sid));
    let lobby = ana.ask("lobby:list", json!({})).await;
    let room = lobby["rooms"][0]["id"].as_str().unwrap();
    let joined = cleo.ask("room:join", json!({ "room": room })).await;
    cleo.ask("chat:send", crate::socket::chat(&channel, "hi")).await;
    let seen = [joined, ana.event("participant:joined").await, bo.event("chat:message").await];
    assert!(seen.iter().all(|value| !value.to_string().contains(&sid)));
}
