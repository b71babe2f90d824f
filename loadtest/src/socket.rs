//! A socket.io client over WebSocket, thin on purpose: connect with `auth`, events in order, acks both ways, and a watchdog on the
//! server's pings.
//!
//! One connection only. It never reconnects by itself: a headless user counts a lost connection as an error, and a scenario that
//! wants to come back opens a new [`Socket`] with the session secret in `auth`. One task owns the WebSocket; all others hold
//! channels.

use crate::packet::{self, Frame, Heartbeat, Malformed};
use crate::target::{self, Dialer, Target};
use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use signaling::protocol::error::WireError;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message, protocol::WebSocketConfig};

/// From the TCP connect to the entered namespace. A node that takes longer under load has failed its user.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// From an event to its ack.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests not yet written. Full: the caller waits, within its time limit.
const REQUESTS: usize = 32;
/// Events not yet taken by the user. Full: the connection ends with [`Closed::Overrun`], since a lost event would falsify the test.
const EVENTS: usize = 256;
/// Requests waiting for their ack. Full: further ones fail with [`RequestError::TooMany`].
const PENDING: usize = 64;
/// Longest frame taken from the server, in bytes: an SDP answer is some 10 kB.
const FRAME_MAX: usize = 1 << 20;

type Stream = WebSocketStream<target::Stream>;

/// An event from the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub name: String,
    /// The first argument; null when there is none.
    pub payload: Value,
    /// Set when the server waits for [`Socket::answer`].
    pub ack: Option<u64>,
}

/// Why a connection didn't come about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("cannot reach {target}: {source}")]
    Unreachable { target: Target, source: std::io::Error },
    #[error("{target} does not speak socket.io over WebSocket: {reason}")]
    NotSocketIo { target: Target, reason: String },
    #[error("the handshake was refused: {0}")]
    Refused(String),
    #[error("no handshake within {} s", CONNECT_TIMEOUT.as_secs())]
    TimedOut,
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestError {
    #[error("{}", .0.message)]
    Refused(WireError),
    #[error("no answer within {} s", REQUEST_TIMEOUT.as_secs())]
    TimedOut,
    #[error("the answer doesn't fit the protocol: {0}")]
    Answer(String),
    #[error("{PENDING} requests wait for their answers already")]
    TooMany,
    #[error("the connection is closed")]
    Closed,
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    #[error("closed by this user")]
    ByUs,
    #[error("closed by the server")]
    ByServer,
    #[error("the server's ping did not come")]
    Silent,
    #[error("transport: {0}")]
    Transport(String),
    #[error("malformed frame: {0}")]
    Malformed(#[from] Malformed),
    #[error("more than {EVENTS} events were not taken")]
    Overrun,
}

/// The sending half of a connection. Cheap to clone.
#[derive(Clone)]
pub struct Socket {
    requests: mpsc::Sender<Request>,
}

/// The receiving half of a connection.
pub struct Inbox {
    events: mpsc::Receiver<Event>,
    task: JoinHandle<Closed>,
}

enum Request {
    Emit { name: &'static str, payload: Value, answer: oneshot::Sender<Result<Value, RequestError>> },
    Answer { id: u64, payload: Value },
    Close,
}

impl Socket {
    /// Connects and enters the namespace `/`.
    ///
    /// # Errors
    /// [`ConnectError`], at the latest after [`CONNECT_TIMEOUT`].
    pub async fn connect(dialer: &Dialer, auth: &Value) -> Result<(Self, Inbox), ConnectError> {
        let opened = tokio::time::timeout(CONNECT_TIMEOUT, handshake(dialer, auth)).await;
        let (stream, heartbeat) = opened.map_err(|_| ConnectError::TimedOut)??;
        let (requests, requested) = mpsc::channel(REQUESTS);
        let (event_tx, events) = mpsc::channel(EVENTS);
        let connection = Connection { stream, heartbeat, events: event_tx, pending: HashMap::new(), next_id: 0 };
        let task = tokio::spawn(connection.run(requested));
        Ok((Self { requests }, Inbox { events, task }))
    }

    /// Sends an event and waits for its ack.
    ///
    /// # Errors
    /// [`RequestError`], at the latest after [`REQUEST_TIMEOUT`].
    pub async fn request<T: DeserializeOwned>(&self, name: &'static str, payload: &impl Serialize) -> Result<T, RequestError> {
        let payload = serde_json::to_value(payload).map_err(|error| RequestError::Answer(error.to_string()))?;
        let (answer, answered) = oneshot::channel();
        let exchange = async {
            self.requests.send(Request::Emit { name, payload, answer }).await.map_err(|_| RequestError::Closed)?;
            answered.await.map_err(|_| RequestError::Closed)?
        };
        let value = tokio::time::timeout(REQUEST_TIMEOUT, exchange).await.map_err(|_| RequestError::TimedOut)??;
        serde_json::from_value(value).map_err(|error| RequestError::Answer(error.to_string()))
    }

    /// Answers an event that came with an ack id. Silent after the end of the connection.
    pub async fn answer(&self, id: u64, payload: Value) {
        let _ = self.requests.send(Request::Answer { id, payload }).await;
    }

    /// Leaves the namespace and closes the transport.
    pub async fn close(&self) {
        let _ = self.requests.send(Request::Close).await;
    }
}

impl Inbox {
    /// The next event, in the order of sending.
    ///
    /// # Errors
    /// [`Closed`] when all events were taken and the connection has ended; don't call it again then.
    pub async fn next(&mut self) -> Result<Event, Closed> {
        match self.events.recv().await {
            Some(event) => Ok(event),
            None => Err((&mut self.task).await.unwrap_or_else(|error| Closed::Transport(error.to_string()))),
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn handshake(dialer: &Dialer, auth: &Value) -> Result<(Stream, Heartbeat), ConnectError> {
    let target = dialer.target();
    let tcp = dialer.dial().await.map_err(|source| ConnectError::Unreachable { target: target.clone(), source })?;
    let not_socket_io = |reason: String| ConnectError::NotSocketIo { target: target.clone(), reason };
    let config = WebSocketConfig::default().max_message_size(Some(FRAME_MAX)).max_frame_size(Some(FRAME_MAX));
    let upgraded = tokio_tungstenite::client_async_with_config(target.socket_url(), tcp, Some(config)).await;
    let (mut stream, _) = upgraded.map_err(|error| not_socket_io(error.to_string()))?;
    let mut heartbeat = None;
    loop {
        match first_frames(&mut stream).await.map_err(|closed| not_socket_io(closed.to_string()))? {
            Frame::Open(told) => {
                heartbeat = Some(told);
                write(&mut stream, packet::connect(auth)).await.map_err(|closed| not_socket_io(closed.to_string()))?;
            }
            Frame::Ping => write(&mut stream, packet::PONG.to_owned()).await.map_err(|closed| not_socket_io(closed.to_string()))?,
            Frame::Connected => {
                let heartbeat = heartbeat.ok_or_else(|| not_socket_io("namespace entered before the open frame".to_owned()))?;
                return Ok((stream, heartbeat));
            }
            Frame::Refused { message, data } => return Err(ConnectError::Refused(refusal(message, data))),
            Frame::Close | Frame::Disconnected => return Err(ConnectError::Refused("closed during the handshake".to_owned())),
            Frame::Idle => {}
            Frame::Event { .. } | Frame::Ack { .. } => return Err(not_socket_io("an event before the namespace was entered".to_owned())),
        }
    }
}

async fn first_frames(stream: &mut Stream) -> Result<Frame, Closed> {
    loop {
        let message = stream.next().await.ok_or(Closed::ByServer)?;
        if let Some(frame) = read(message)? {
            return Ok(frame);
        }
    }
}

/// The refusal's own code and message where the server sends them, its plain message where not.
fn refusal(message: String, data: Option<Value>) -> String {
    match data.and_then(|data| serde_json::from_value::<WireError>(data).ok()) {
        Some(error) if !message.contains(&error.message) => format!("{message}: {}", error.message),
        _ => message,
    }
}

/// `None` for WebSocket's own control messages.
fn read(message: Result<Message, tungstenite::Error>) -> Result<Option<Frame>, Closed> {
    match message {
        Ok(Message::Text(text)) => Ok(Some(packet::decode(&text)?)),
        Ok(Message::Binary(_)) => Err(Malformed::Binary.into()),
        Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Ok(None),
        Ok(Message::Close(_)) | Err(tungstenite::Error::ConnectionClosed) => Err(Closed::ByServer),
        Err(error) => Err(Closed::Transport(error.to_string())),
    }
}

async fn write(stream: &mut Stream, text: String) -> Result<(), Closed> {
    stream.send(Message::text(text)).await.map_err(|error| Closed::Transport(error.to_string()))
}

struct Connection {
    stream: Stream,
    heartbeat: Heartbeat,
    events: mpsc::Sender<Event>,
    pending: HashMap<u64, oneshot::Sender<Result<Value, RequestError>>>,
    next_id: u64,
}

impl Connection {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) -> Closed {
        let mut silent_at = Instant::now() + self.heartbeat.silence_max();
        loop {
            let step = tokio::select! {
                message = self.stream.next() => {
                    silent_at = Instant::now() + self.heartbeat.silence_max();
                    self.incoming(message).await
                }
                request = requests.recv() => self.outgoing(request.unwrap_or(Request::Close)).await,
                () = tokio::time::sleep_until(silent_at) => Err(Closed::Silent),
            };
            if let Err(closed) = step {
                return closed;
            }
        }
    }

    async fn incoming(&mut self, message: Option<Result<Message, tungstenite::Error>>) -> Result<(), Closed> {
        let Some(frame) = read(message.ok_or(Closed::ByServer)?)? else { return Ok(()) };
        match frame {
            Frame::Ping => write(&mut self.stream, packet::PONG.to_owned()).await,
            Frame::Event { name, args, ack } => {
                let payload = args.into_iter().next().unwrap_or(Value::Null);
                match self.events.try_send(Event { name, payload, ack }) {
                    Ok(()) => Ok(()),
                    Err(mpsc::error::TrySendError::Full(_)) => Err(Closed::Overrun),
                    Err(mpsc::error::TrySendError::Closed(_)) => Err(Closed::ByUs),
                }
            }
            Frame::Ack { id, args } => {
                if let Some(answer) = self.pending.remove(&id) {
                    let _ = answer.send(split_ack(args.into_iter().next().unwrap_or(Value::Null)));
                }
                Ok(())
            }
            Frame::Close | Frame::Disconnected | Frame::Refused { .. } => Err(Closed::ByServer),
            Frame::Open(_) | Frame::Connected | Frame::Idle => Ok(()),
        }
    }

    async fn outgoing(&mut self, request: Request) -> Result<(), Closed> {
        match request {
            Request::Emit { name, payload, answer } => {
                // Those whose callers gave up are only cleared here: their number is bounded, their acks may still come.
                if self.pending.len() >= PENDING {
                    self.pending.retain(|_, waiting| !waiting.is_closed());
                }
                if self.pending.len() >= PENDING {
                    let _ = answer.send(Err(RequestError::TooMany));
                    return Ok(());
                }
                let id = self.next_id;
                self.next_id += 1;
                self.pending.insert(id, answer);
                write(&mut self.stream, packet::event(name, &payload, id)).await
            }
            Request::Answer { id, payload } => write(&mut self.stream, packet::ack(id, &payload)).await,
            Request::Close => {
                write(&mut self.stream, packet::DISCONNECT.to_owned()).await?;
                let _ = self.stream.close(None).await;
                Err(Closed::ByUs)
            }
        }
    }
}

/// `{ok: true, …}` or `{ok: false, error}`.
fn split_ack(value: Value) -> Result<Value, RequestError> {
    match value.get("ok").and_then(Value::as_bool) {
        Some(true) => Ok(value),
        Some(false) => {
            let error = value.get("error").cloned().unwrap_or(Value::Null);
            let error = serde_json::from_value(error).map_err(|error| RequestError::Answer(error.to_string()))?;
            Err(RequestError::Refused(error))
        }
        None => Err(RequestError::Answer("no ok field".to_owned())),
    }
}

#[cfg(test)]
#[path = "socket_test.rs"]
mod tests;
