//! A socket.io v5 client over WebSocket, as thin as the tests allow: a handshake, requests with acks, and pings answered on the way.

use super::PATIENCE;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// The connection ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed;

/// A connected client.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_id: u64,
    /// Events that came while an ack was waited for.
    pub events: Vec<(String, Value)>,
}

impl Socket {
    /// Opens a connection, passes the handshake with `token`, and waits until the session is told what happens: its first event, which is kept.
    pub async fn connect(to: SocketAddr, token: &str) -> Result<Self, Closed> {
        let opening = tokio_tungstenite::connect_async(format!("ws://{to}/socket.io/?EIO=4&transport=websocket"));
        let (stream, _) = tokio::time::timeout(PATIENCE, opening).await.map_err(|_| Closed)?.map_err(|_| Closed)?;
        let mut socket = Self { stream, next_id: 0, events: Vec::new() };
        let open = socket.packet().await?;
        assert!(open.starts_with('0'), "an open packet, not {open}");
        socket.send(format!("40{}", json!({ "token": token }))).await?;
        let connected = socket.packet().await?;
        assert!(connected.starts_with("40"), "the namespace is entered: {connected}");
        let ready = socket.event("session:ready").await?;
        socket.events.push(("session:ready".to_owned(), ready));
        Ok(socket)
    }

    /// Sends an event and waits for its ack.
    pub async fn request(&mut self, event: &str, payload: Value) -> Result<Value, Closed> {
        let id = self.next_id;
        self.next_id += 1;
        self.send(format!("42{id}{}", json!([event, payload]))).await?;
        let ack = format!("43{id}[");
        loop {
            let packet = self.packet().await?;
            if let Some(rest) = packet.strip_prefix(&ack) {
                let arguments: Vec<Value> = serde_json::from_str(&format!("[{rest}")).expect("an ack's arguments");
                return Ok(arguments.into_iter().next().unwrap_or_default());
            }
            self.keep(&packet);
        }
    }

    /// The next event of that name.
    pub async fn event(&mut self, name: &str) -> Result<Value, Closed> {
        loop {
            if let Some(at) = self.events.iter().position(|(event, _)| event == name) {
                return Ok(self.events.remove(at).1);
            }
            let packet = self.packet().await?;
            self.keep(&packet);
        }
    }

    fn keep(&mut self, packet: &str) {
        if let Some(event) = packet.strip_prefix("42") {
            // What follows the payload is the event's number.
            let arguments: Vec<Value> = serde_json::from_str(event).expect("an array");
            let mut arguments = arguments.into_iter();
            let name = arguments.next().and_then(|name| name.as_str().map(str::to_owned)).expect("a name");
            self.events.push((name, arguments.next().expect("a payload")));
        }
    }

    /// The next packet that is no ping.
    async fn packet(&mut self) -> Result<String, Closed> {
        let packet = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) if text.as_str() == "2" => self.send("3".into()).await?,
                    Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Closed),
                    Some(Ok(_)) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, packet).await.expect("no silence this long")
    }

    async fn send(&mut self, packet: String) -> Result<(), Closed> {
        self.stream.send(Message::text(packet)).await.map_err(|_| Closed)
    }
}
