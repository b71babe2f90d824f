//! SIGTERM: sessions are told, what was acknowledged stays, the exit is clean.

use crate::support::http::request;
use crate::support::process::Process;
use crate::support::socket::Socket;
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_stop_tells_the_sessions_keeps_the_messages_and_ends_well() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(dir.path(), &[]).await;
    let room = process.rest("POST", "/v1/rooms", json!({ "name": "stop", "capacity": 2 })).await.json();
    let token = process.guest("하나").await;
    let mut socket = Socket::connect(process.address, &token).await.expect("it is let in");
    assert_eq!(socket.request("room:join", json!({ "room": room["id"] })).await.expect("an answer")["ok"], true);
    let sent = socket.request("chat:send", json!({ "channel": room["channel"], "nonce": "n", "text": "마지막" })).await.expect("an answer");
    assert_eq!(sent["ok"], true, "{sent}");

    let started = Instant::now();
    process.terminate().await;
    let draining = socket.event("session:draining").await.expect("it is told before the connection ends");
    assert!(draining["reconnect_in_ms"].is_u64(), "{draining}");
    while socket.event("none").await.is_ok() {}
    let status = process.wait().await;
    assert!(status.success(), "{status}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());

    let process = Process::start(dir.path(), &[]).await;
    let token = process.guest("둘").await;
    let mut socket = Socket::connect(process.address, &token).await.expect("it is let in");
    assert_eq!(socket.request("room:join", json!({ "room": room["id"] })).await.expect("an answer")["ok"], true);
    let page = socket.request("chat:history", json!({ "channel": room["channel"] })).await.expect("an answer");
    assert_eq!(page["messages"][0]["text"], "마지막", "{page}");
    process.kill().await;
}

#[tokio::test]
async fn a_node_without_visitors_stops_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut process = Process::start(dir.path(), &[]).await;
    assert_eq!(request(process.address, "GET", "/readyz", &[], b"").await.status, 200);
    let started = Instant::now();
    process.terminate().await;
    assert!(process.wait().await.success());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
