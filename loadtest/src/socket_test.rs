//! The client against a scripted server on a real socket.

use super::*;
use serde_json::json;
use signaling::protocol::error::ErrorCode;
use tokio::net::{TcpListener, TcpStream};

const OPEN: &str = r#"0{"sid":"s","upgrades":[],"pingInterval":5000,"pingTimeout":5000,"maxPayload":100000}"#;

/// A server for one connection, driven by the test.
struct Script {
    stream: WebSocketStream<TcpStream>,
}

impl Script {
    async fn say(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    async fn hear(&mut self) -> String {
        loop {
            match self.stream.next().await.unwrap().unwrap() {
                Message::Text(text) => return text.to_string(),
                Message::Close(_) => return "closed".to_owned(),
                _ => {}
            }
        }
    }
}

async fn listen() -> (TcpListener, Dialer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    (listener, Dialer::new(target, None).unwrap())
}

async fn accept(listener: &TcpListener) -> Script {
    let (tcp, _) = listener.accept().await.unwrap();
    Script { stream: tokio_tungstenite::accept_async(tcp).await.unwrap() }
}

/// A connected pair.
async fn pair(open: &'static str) -> (Socket, Inbox, Script) {
    let (listener, dialer) = listen().await;
    let server = async {
        let mut script = accept(&listener).await;
        script.say(open).await;
        assert_eq!(script.hear().await, r#"40{"token":"t"}"#);
        script.say(r#"40{"sid":"secret"}"#).await;
        script
    };
    let auth = json!({"token": "t"});
    let (connected, script) = tokio::join!(Socket::connect(&dialer, &auth), server);
    let (socket, inbox) = connected.unwrap();
    (socket, inbox, script)
}

#[tokio::test]
async fn acks_are_matched_to_their_requests_out_of_order() {
    let (socket, _inbox, mut script) = pair(OPEN).await;
    let payload = json!({});
    let server = async {
        let first = script.hear().await;
        let second = script.hear().await;
        assert!(first.starts_with("420[") && second.starts_with("421["), "{first} {second}");
        script.say(r#"431[{"ok":true,"n":"second"}]"#).await;
        script.say(r#"430[{"ok":true,"n":"first"}]"#).await;
    };
    let (first, second, ()) = tokio::join!(socket.request::<Value>("a", &payload), socket.request::<Value>("b", &payload), server);
    assert_eq!(first.unwrap()["n"], "first");
    assert_eq!(second.unwrap()["n"], "second");
}

#[tokio::test]
async fn a_refusal_in_an_ack_keeps_its_code() {
    let (socket, _inbox, mut script) = pair(OPEN).await;
    let payload = json!({});
    let server = async {
        script.hear().await;
        script.say(r#"430[{"ok":false,"error":{"code":"room_full","message":"the room is full"}}]"#).await;
    };
    let (answer, ()) = tokio::join!(socket.request::<Value>("room:join", &payload), server);
    let Err(RequestError::Refused(error)) = answer else { panic!("{answer:?}") };
    assert_eq!(error.code, ErrorCode::RoomFull);
}

#[tokio::test]
async fn an_ack_of_another_shape_is_an_error() {
    for ack in ["430[]", "430[1]", r#"430[{"ok":1}]"#, r#"430[{"ok":false}]"#] {
        let (socket, _inbox, mut script) = pair(OPEN).await;
        let payload = json!({});
        let server = async {
            script.hear().await;
            script.say(ack).await;
        };
        let (answer, ()) = tokio::join!(socket.request::<Value>("a", &payload), server);
        assert!(matches!(answer, Err(RequestError::Answer(_))), "{ack}: {answer:?}");
    }
}

#[tokio::test]
async fn events_come_in_order_and_can_be_answered() {
    let (socket, mut inbox, mut script) = pair(OPEN).await;
    script.say(r#"42["one",{"n":1}]"#).await;
    script.say(r#"427["two",{"n":2}]"#).await;
    assert_eq!(inbox.next().await.unwrap(), Event { name: "one".into(), payload: json!({"n": 1}), ack: None });
    assert_eq!(inbox.next().await.unwrap(), Event { name: "two".into(), payload: json!({"n": 2}), ack: Some(7) });
    socket.answer(7, json!({"ok": true})).await;
    assert_eq!(script.hear().await, r#"437[{"ok":true}]"#);
}

#[tokio::test]
async fn pings_are_answered() {
    let (_socket, _inbox, mut script) = pair(OPEN).await;
    script.say("2").await;
    assert_eq!(script.hear().await, "3");
}

#[tokio::test]
async fn a_server_that_stops_pinging_is_given_up() {
    let (_socket, mut inbox, _script) = pair(r#"0{"sid":"s","pingInterval":20,"pingTimeout":20}"#).await;
    assert_eq!(inbox.next().await, Err(Closed::Silent));
}

#[tokio::test]
async fn closing_leaves_the_namespace_first() {
    let (socket, mut inbox, mut script) = pair(OPEN).await;
    socket.close().await;
    assert_eq!(script.hear().await, "41");
    assert_eq!(script.hear().await, "closed");
    assert_eq!(inbox.next().await, Err(Closed::ByUs));
    assert_eq!(socket.request::<Value>("a", &json!({})).await, Err(RequestError::Closed));
}

#[tokio::test]
async fn a_request_waiting_at_the_end_of_the_connection_is_told() {
    let (socket, _inbox, mut script) = pair(OPEN).await;
    let payload = json!({});
    let server = async {
        script.hear().await;
        script.say("41").await;
    };
    let (answer, ()) = tokio::join!(socket.request::<Value>("a", &payload), server);
    assert_eq!(answer, Err(RequestError::Closed));
}

#[tokio::test]
async fn a_malformed_frame_ends_the_connection_with_its_reason() {
    let (_socket, mut inbox, mut script) = pair(OPEN).await;
    script.say("42[").await;
    assert!(matches!(inbox.next().await, Err(Closed::Malformed(_))));
}

#[tokio::test]
async fn a_refused_handshake_tells_the_servers_words() {
    let (listener, dialer) = listen().await;
    let server = async {
        let mut script = accept(&listener).await;
        script.say(OPEN).await;
        script.hear().await;
        script.say(r#"44{"message":"unauthorized: token expired"}"#).await;
        script
    };
    let auth = json!({});
    let (connected, _script) = tokio::join!(Socket::connect(&dialer, &auth), server);
    let Err(error) = connected else { panic!("connected") };
    assert_eq!(error.to_string(), "the handshake was refused: unauthorized: token expired");
}

#[tokio::test]
async fn an_unreachable_node_is_named() {
    let (listener, dialer) = listen().await;
    drop(listener);
    let Err(error) = Socket::connect(&dialer, &json!({})).await else { panic!("connected") };
    assert!(matches!(error, ConnectError::Unreachable { .. }));
    assert!(error.to_string().contains(&dialer.target().to_string()), "{error}");
}

#[tokio::test]
async fn something_else_than_socket_io_is_told_apart() {
    let (listener, dialer) = listen().await;
    let server = async {
        let mut script = accept(&listener).await;
        script.say("hello").await;
        script
    };
    let auth = json!({});
    let (connected, _script) = tokio::join!(Socket::connect(&dialer, &auth), server);
    assert!(matches!(connected, Err(ConnectError::NotSocketIo { .. })));
}
