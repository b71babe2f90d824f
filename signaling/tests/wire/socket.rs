//! A thin socket.io client over a WebSocket, which does exactly what a test says and shows exactly what came.

use crate::harness::SOON;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// What came from the server.
#[derive(Debug, Clone, PartialEq)]
pub enum Came {
    Event(String, Value),
    Ack(u64, Value),
    /// Connected to the namespace.
    Connected,
    ConnectError(String),
    /// The server ended the session.
    Disconnected,
    /// The transport closed, with this status if it had one.
    Closed(Option<u16>),
}

pub struct Socket {
    pub ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_ack: u64,
    waiting: VecDeque<Came>,
    /// The number of the last event that was read.
    pub sn: Option<u64>,
    /// What came before `session:ready`.
    pub replayed: Vec<Came>,
}

impl Socket {
    /// A WebSocket on which engine.io is open, but nobody is connected.
    pub async fn open(address: SocketAddr) -> Self {
        Self::open_over(TcpStream::connect(address).await.unwrap(), address).await
    }

    pub async fn open_over(tcp: TcpStream, address: SocketAddr) -> Self {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let (mut ws, _) = tokio_tungstenite::client_async(url, MaybeTlsStream::Plain(tcp)).await.unwrap();
        let open = timeout(SOON, ws.next()).await.unwrap().unwrap().unwrap().into_text().unwrap();
        assert!(open.starts_with('0'), "{open}");
        Self::over(ws)
    }

    /// A WebSocket whose open packet was read already.
    pub fn over(ws: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self { ws, next_ack: 0, waiting: VecDeque::new(), sn: None, replayed: vec![] }
    }

    pub async fn send(&mut self, packet: &str) {
        // A server that has closed meanwhile is seen when reading.
        self.ws.send(Message::text(packet)).await.ok();
    }

    /// Connects to the namespace, or says why not.
    pub async fn connect(&mut self, auth: Value) -> Result<(), String> {
        self.send(&format!("40{auth}")).await;
        match self.next().await {
            Came::Connected => Ok(()),
            Came::ConnectError(message) => Err(message),
            other => panic!("neither connected nor refused: {other:?}"),
        }
    }

    pub async fn ready(&mut self) -> Value {
        loop {
            match self.next().await {
                Came::Event(name, ready) if name == "session:ready" => return ready,
                came @ Came::Event(..) => self.replayed.push(came),
                other => panic!("session:ready comes behind what was missed, this was {other:?}"),
            }
        }
    }

    /// Emits without waiting; the id of the ack to come.
    pub async fn emit(&mut self, event: &str, payload: Value) -> u64 {
        let id = self.next_ack;
        self.next_ack += 1;
        self.send(&format!("42{id}{}", json!([event, payload]))).await;
        id
    }

    /// Emits and waits for the ack. Events that come before it wait.
    pub async fn ask(&mut self, event: &str, payload: Value) -> Value {
        let id = self.emit(event, payload).await;
        self.ack(id).await
    }

    pub async fn ack(&mut self, id: u64) -> Value {
        self.take(|came| match came {
            Came::Ack(other, value) if *other == id => Some(value.clone()),
            _ => None,
        })
        .await
    }

    /// The next event of this name. Others wait.
    pub async fn event(&mut self, name: &str) -> Value {
        self.take(|came| match came {
            Came::Event(other, payload) if other == name => Some(payload.clone()),
            _ => None,
        })
        .await
    }

    /// An event of this name among those that came already.
    pub fn waiting_event(&mut self, name: &str) -> Option<Value> {
        let index = self.waiting.iter().position(|came| matches!(came, Came::Event(other, _) if other == name))?;
        match self.waiting.remove(index) {
            Some(Came::Event(_, payload)) => Some(payload),
            _ => None,
        }
    }

    /// Reads until the transport closes.
    pub async fn closed(&mut self) -> Option<u16> {
        self.take(|came| match came {
            Came::Closed(status) => Some(*status),
            _ => None,
        })
        .await
    }

    async fn take<T>(&mut self, wanted: impl Fn(&Came) -> Option<T>) -> T {
        if let Some((index, found)) = self.waiting.iter().enumerate().find_map(|(index, came)| Some((index, wanted(came)?))) {
            self.waiting.remove(index);
            return found;
        }
        loop {
            let came = self.read().await;
            if let Some(found) = wanted(&came) {
                return found;
            }
            assert!(!matches!(came, Came::Closed(_)), "the transport closed ({came:?}) with {:?} unread", self.waiting);
            self.waiting.push_back(came);
        }
    }

    /// The next thing that came, in order.
    pub async fn next(&mut self) -> Came {
        match self.waiting.pop_front() {
            Some(came) => came,
            None => self.read().await,
        }
    }

    /// No number is skipped, and none comes twice.
    fn count(&mut self, packet: &str) {
        if let Some(sn) = number(packet) {
            assert!(self.sn.is_none_or(|last| sn == last + 1), "{sn} follows {:?}: {packet}", self.sn);
            self.sn = Some(sn);
        } else if let Came::Event(name, ready) = decode(packet)
            && name == "session:ready"
        {
            let sn = ready["sn"].as_u64().unwrap();
            assert!(self.sn.is_none_or(|last| last == sn), "{sn} is greeted after {:?}", self.sn);
            self.sn = Some(sn);
        }
    }

    async fn read(&mut self) -> Came {
        timeout(SOON, self.read_without_limit()).await.expect("nothing came from the server")
    }

    async fn read_without_limit(&mut self) -> Came {
        loop {
            let text = match self.ws.next().await {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(frame))) => return Came::Closed(frame.map(|frame| frame.code.into())),
                Some(Ok(other)) => panic!("socket.io without attachments has text alone, this is {other:?}"),
                Some(Err(_)) | None => return Came::Closed(None),
            };
            match text.as_str() {
                "2" => self.send("3").await,
                "6" => {}
                "1" => return Came::Closed(None),
                packet => {
                    self.count(packet);
                    return decode(packet);
                }
            }
        }
    }
}

/// The number of an event, if it has one.
pub fn number(packet: &str) -> Option<u64> {
    serde_json::from_str::<Value>(packet.strip_prefix("42")?).unwrap().get(2)?.as_u64()
}

/// Reads a packet in engine.io's message frame.
pub fn decode(packet: &str) -> Came {
    let value = |json: &str| serde_json::from_str::<Value>(json).unwrap();
    match packet.split_at(2) {
        ("40", _) => Came::Connected,
        ("41", _) => Came::Disconnected,
        ("42", json) => {
            let array = value(json);
            let volatile = array[0] == "speaker:changed" || array[0] == "chat:typing";
            // After a resume the map is told again, beside the seat.
            let of_connection = array[0].as_str().unwrap().starts_with("session:") || array[0] == "media:map";
            let arguments = array.as_array().unwrap().len() - 1;
            assert!(arguments == 2 || (arguments == 1 && (volatile || of_connection)), "one object and its number: {packet}");
            assert!(array[1].is_object(), "one object for each event");
            Came::Event(array[0].as_str().unwrap().to_owned(), array[1].clone())
        }
        ("43", rest) => {
            let digits = rest.find('[').unwrap();
            let array = value(&rest[digits..]);
            assert_eq!(array.as_array().unwrap().len(), 1, "one object for each ack");
            Came::Ack(rest[..digits].parse().unwrap(), array[0].clone())
        }
        ("44", json) => Came::ConnectError(value(json)["message"].as_str().unwrap().to_owned()),
        _ => panic!("unknown packet {packet}"),
    }
}

pub fn chat(channel: &str, text: &str) -> Value {
    json!({ "channel": channel, "nonce": rooms::random_id("n"), "text": text })
}
