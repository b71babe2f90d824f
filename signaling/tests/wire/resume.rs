//! Sessions that outlive their connections.

use crate::harness::{Server, roomy};
use crate::socket::{Came, Socket, chat};
use serde_json::{Value, json};
use signaling::Config;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Connects with a session's secret: the client, and its `session:ready`.
async fn come_back(server: &Server, user: &str, secret: &Value) -> (Socket, Value) {
    let mut socket = Socket::open(server.address).await;
    socket.connect(json!({ "token": server.token(user), "session": secret })).await.unwrap();
    let ready = socket.ready().await;
    (socket, ready)
}

/// A connected client and its `session:ready`.
async fn arrive(server: &Server, user: &str) -> (Socket, Value) {
    let mut socket = Socket::open(server.address).await;
    socket.connect(json!({ "token": server.token(user) })).await.unwrap();
    let ready = socket.ready().await;
    (socket, ready)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_session_finds_its_seat_and_nobody_saw_it_leave() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    let (room, channel) = server.room(&mut ana).await;
    let (mut bo, ready) = arrive(&server, "bo").await;
    assert_eq!((&ready["resumed"], ready.get("seat")), (&json!(false), None));
    let joined = bo.ask("room:join", json!({ "room": room })).await;
    ana.event("participant:joined").await;

    drop(bo);
    let updated = ana.event("participant:updated").await;
    assert_eq!(updated["state"], "reconnecting", "{updated}");
    let (mut bo, again) = come_back(&server, "bo", &ready["session"]).await;
    assert_eq!(again["resumed"], true);
    assert_ne!(again["session"], ready["session"]);
    assert_eq!(again["seat"]["me"], joined["me"]);
    assert_eq!(again["seat"]["room"]["participants"].as_array().unwrap().len(), 2);
    let Came::Event(name, map) = bo.next().await else { panic!("a media:map follows") };
    assert_eq!((name.as_str(), &map["room"], &map["rev"]), ("media:map", &json!(room), &again["seat"]["rev"]));
    assert_eq!(ana.event("participant:updated").await["state"], "joined");

    bo.ask("chat:send", chat(&channel, "back")).await;
    let mut told = vec![];
    loop {
        match ana.next().await {
            Came::Event(name, _) if name == "chat:message" => break,
            Came::Event(name, _) => told.push(name),
            other => panic!("{other:?}"),
        }
    }
    assert!(!told.contains(&"participant:left".to_owned()), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newer_of_two_connections_of_a_session_wins() {
    let server = Server::start().await;
    let (mut old, ready) = arrive(&server, "ana").await;
    let (room, _) = server.room(&mut old).await;
    let (mut new, again) = come_back(&server, "ana", &ready["session"]).await;
    assert_eq!(again["seat"]["room"]["id"], room.as_str());
    old.closed().await;
    assert_eq!(new.ask("lobby:list", json!({})).await["ok"], true);
    assert_eq!(server.service.stats().sessions, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_secret_and_anothers_secret_begin_a_new_session() {
    let server = Server::start().await;
    let (mut ana, first) = arrive(&server, "ana").await;
    server.room(&mut ana).await;
    let (_ana, second) = come_back(&server, "ana", &first["session"]).await;
    let (_used, third) = come_back(&server, "ana", &first["session"]).await;
    assert_eq!((&third["resumed"], third.get("seat")), (&json!(false), None));
    let (_mallory, fourth) = come_back(&server, "mallory", &second["session"]).await;
    assert_eq!((&fourth["resumed"], fourth.get("seat")), (&json!(false), None));
    let (_nonsense, fifth) = come_back(&server, "ana", &json!("nonsense")).await;
    assert_eq!(fifth["resumed"], false);
    let (_rightful, sixth) = come_back(&server, "ana", &second["session"]).await;
    assert_eq!(sixth["resumed"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_nobody_resumes_ends() {
    let config = Config { detached_ttl: Duration::from_millis(300), ..roomy() };
    let server = Server::start_with(config).await;
    let (ana, ready) = arrive(&server, "ana").await;
    drop(ana);
    let mut sessions = server.service.stats().sessions;
    while sessions > 0 {
        tokio::task::yield_now().await;
        sessions = server.service.stats().sessions;
    }
    let (_ana, again) = come_back(&server, "ana", &ready["session"]).await;
    assert_eq!(again["resumed"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_is_announced_and_refreshed_over_the_socket() {
    let config = Config { expiry_grace: Duration::from_millis(500), ..roomy() };
    let server = Server::start_with(config).await;
    let mut ana = server.connect_with(json!({ "token": server.token_for("ana", Duration::from_secs(3)) })).await;
    let mut bo = server.connect_with(json!({ "token": server.token_for("bo", Duration::from_secs(3)) })).await;
    let left = ana.event("session:expiring").await["expires_in_ms"].as_u64().unwrap();
    assert!(left > 0 && left <= 2_000, "{left}");
    let refreshed = ana.ask("session:refresh", json!({ "token": server.token("ana") })).await;
    assert!(refreshed["expires_in_ms"].as_u64().unwrap() > 3_500_000, "{refreshed}");

    bo.event("session:expiring").await;
    assert_eq!(bo.next().await, Came::Disconnected);
    bo.closed().await;
    assert_eq!(ana.ask("lobby:list", json!({})).await["ok"], true);
}

#[tokio::test]
async fn relays_are_named_before_the_first_connection_with_a_fresh_credential_each_time() {
    let urls = vec!["turn:turn.example.com:3478?transport=udp".to_owned()];
    let turn = signaling::Turn::new(urls.clone(), "a-secret".into(), Duration::from_secs(600));
    let server = Server::start_with(signaling::Config { turn: Some(turn), ..roomy() }).await;
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut socket = Socket::open(server.address).await;
    socket.connect(json!({ "token": server.token("ana") })).await.unwrap();
    let ready = socket.ready().await;
    let nonce = rooms::random_id("n");
    let created = socket.ask("room:create", json!({ "name": "r", "capacity": 4, "nonce": nonce })).await;
    let joined = socket.ask("room:join", json!({ "room": created["room"]["id"] })).await;
    for said in [ready, joined] {
        let servers = said["ice_servers"].as_array().unwrap();
        assert_eq!(servers.len(), 1, "{said}");
        assert_eq!(servers[0]["urls"], json!(urls));
        let (end, session) = servers[0]["username"].as_str().unwrap().split_once(':').unwrap();
        assert!((before + 600..before + 660).contains(&end.parse().unwrap()), "{end}");
        assert!(session.starts_with("ses_"), "an id that others may know, not the socket's or the secret: {session}");
        assert!(!servers[0]["credential"].as_str().unwrap().is_empty());
    }
    let other = Server::start().await;
    let mut socket = Socket::open(other.address).await;
    socket.connect(json!({ "token": other.token("ana") })).await.unwrap();
    assert_eq!(socket.ready().await["ice_servers"], json!([]));
}
