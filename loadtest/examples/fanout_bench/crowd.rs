//! The readers: raw WebSockets that speak as much of socket.io as it takes to listen to a server's channel and to count what it tells.
//!
//! They parse nothing that they needn't, so that they don't slow the server down that is measured.

use anyhow::{Context as _, bail};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// How long anything of the set-up, or a round, may take.
const LIMIT: Duration = Duration::from_secs(60);
/// The ack ids of requests that the sender doesn't wait for.
const UNAWAITED: &str = "9";
/// The ack id of each reader's request to listen.
const LISTEN: &str = "8";
/// Receive buffer of a reader that is to stall: next to nothing.
const NARROW_BYTES: u32 = 4_096;

type Ws = WebSocketStream<TcpStream>;

/// What all readers have seen.
#[derive(Default)]
pub struct Seen {
    listening: AtomicUsize,
    told: AtomicU64,
    target: AtomicU64,
    reached: Notify,
    frame_bytes: AtomicU64,
    /// From the sending of a message until a reader had it.
    pub delays: Mutex<Vec<Duration>>,
}

impl Seen {
    async fn all_listen(&self, readers: usize) {
        while self.listening.load(Ordering::Relaxed) < readers {
            self.reached.notified().await;
        }
    }
}

/// The writing half of a socket, for who sends and for who answers pings.
type Sink = Arc<tokio::sync::Mutex<SplitSink<Ws, Message>>>;

/// The readers of one channel, the first of which send to it.
pub struct Crowd {
    channel: String,
    senders: Vec<Sink>,
    seen: Arc<Seen>,
    readers: usize,
    tasks: Vec<JoinHandle<()>>,
    _stalled: Vec<Ws>,
    began: Instant,
    text: String,
}

/// Who belongs to a crowd.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub readers: usize,
    /// Readers that send too, in turn.
    pub senders: usize,
    /// Further ones that stall from the beginning.
    pub stalled: usize,
    /// Of a message, beside the time of its sending.
    pub text_bytes: usize,
    pub way: Way,
}

/// How readers come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Over a WebSocket at once.
    WebSocket,
    /// By polling, from which a WebSocket takes over: what the official client does unless it is told otherwise.
    Upgrade,
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Crowd {
    /// Connects them all. Each is a member of the server's one community already, and listens to it.
    pub async fn gather(address: SocketAddr, size: Size) -> anyhow::Result<Self> {
        let Size { readers, senders: sending, stalled, text_bytes, way } = size;
        let (seen, began) = (Arc::<Seen>::default(), Instant::now());
        let (mut senders, mut tasks, mut asleep, mut channel) = (vec![], vec![], vec![], String::new());
        for index in 0..readers + stalled {
            let mut ws = connect(address, &member(index), index >= readers, way).await?;
            if index >= readers {
                ask(&mut ws, "server:list", json!({})).await?;
                asleep.push(ws);
                continue;
            }
            if index == 0 {
                let servers = ask(&mut ws, "server:list", json!({})).await?;
                let channels = servers["servers"][0]["channels"].as_array().context("channels")?;
                channel = text_of(&channels.iter().find(|channel| channel["kind"] == "text").context("a text channel")?["id"])?;
            }
            let (sink, stream) = ws.split();
            let sink = Arc::new(tokio::sync::Mutex::new(sink));
            if index < sending {
                senders.push(sink.clone());
            }
            tasks.push(tokio::spawn(read(stream, sink, seen.clone(), began)));
        }
        tokio::time::timeout(LIMIT, seen.all_listen(readers)).await.context("not everybody listens")?;
        let text = "x".repeat(text_bytes);
        Ok(Self { channel, senders, seen, readers, tasks, _stalled: asleep, began, text })
    }

    /// So many messages are sent at once; returns when everybody has them all. How many deliveries that were.
    pub async fn round(&mut self, in_flight: usize) -> anyhow::Result<u64> {
        let deliveries = (in_flight * self.readers) as u64;
        let target = self.seen.target.load(Ordering::Relaxed) + deliveries;
        self.seen.target.store(target, Ordering::Relaxed);
        for index in 0..in_flight {
            self.send(index).await?;
        }
        let all = async {
            while self.seen.told.load(Ordering::Relaxed) < target {
                self.seen.reached.notified().await;
            }
        };
        tokio::time::timeout(LIMIT, all).await.context("a message didn't reach everybody")?;
        Ok(deliveries)
    }

    async fn send(&mut self, index: usize) -> anyhow::Result<()> {
        let text = format!("{:020}{}", self.began.elapsed().as_nanos(), self.text);
        let request = json!(["chat:send", { "channel": self.channel, "nonce": rooms::random_id("n"), "text": text }]);
        let mut sink = self.senders[index % self.senders.len()].lock().await;
        sink.send(Message::text(format!("42{UNAWAITED}{request}"))).await?;
        Ok(())
    }

    /// Bytes of a delivery, its frame's header included.
    pub fn frame_bytes(&self) -> u64 {
        self.seen.frame_bytes.load(Ordering::Relaxed)
    }

    /// How long deliveries took since this was called last.
    pub fn take_delays(&self) -> Vec<Duration> {
        let mut delays = self.seen.delays.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut delays = std::mem::take(&mut *delays);
        delays.sort_unstable();
        delays
    }
}

/// The id of a member of the server.
pub fn member(index: usize) -> String {
    format!("u{index}")
}

async fn connect(address: SocketAddr, user: &str, stalls: bool, way: Way) -> anyhow::Result<Ws> {
    let tcp = TcpSocket::new_v4()?;
    if stalls {
        tcp.set_recv_buffer_size(NARROW_BYTES)?;
    }
    let tcp = tcp.connect(address).await?;
    tcp.set_nodelay(true)?;
    let connect = format!("40{}", json!({ "token": crate::token(user)?, "user": user }));
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    if way == Way::WebSocket {
        let (mut ws, _) = tokio_tungstenite::client_async(url, tcp).await?;
        ws.send(Message::text(connect)).await?;
        until(&mut ws, "42[\"session:ready\"").await?;
        return Ok(ws);
    }
    let polling = "/socket.io/?EIO=4&transport=polling";
    let open = http(address, "GET", polling, "").await?;
    let open: Value = serde_json::from_str(open.strip_prefix('0').context("an open packet")?)?;
    let sid = text_of(&open["sid"])?;
    let polling = format!("{polling}&sid={sid}");
    http(address, "POST", &polling, &connect).await?;
    let mut is_ready = false;
    while !is_ready {
        let came = http(address, "GET", &polling, "").await?;
        for packet in came.split('\u{1e}') {
            is_ready |= packet.starts_with("42[\"session:ready\"");
            if packet == "2" {
                http(address, "POST", &polling, "3").await?;
            }
        }
    }
    let (mut ws, _) = tokio_tungstenite::client_async(format!("{url}&sid={sid}"), tcp).await?;
    ws.send(Message::text("2probe")).await?;
    until(&mut ws, "3probe").await?;
    ws.send(Message::text("5")).await?;
    Ok(ws)
}

/// A request's body.
async fn http(address: SocketAddr, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
    let mut tcp = TcpStream::connect(address).await?;
    let length = body.len();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    tcp.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    tokio::time::timeout(LIMIT, tcp.read_to_string(&mut answer)).await??;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
    anyhow::ensure!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {head}");
    Ok(body.to_owned())
}

async fn ask(ws: &mut Ws, event: &str, payload: Value) -> anyhow::Result<Value> {
    ws.send(Message::text(format!("420{}", json!([event, payload])))).await?;
    let ack = until(ws, "430").await?;
    let [answer]: [Value; 1] = serde_json::from_str(&ack["430".len()..])?;
    if answer["ok"] != true {
        bail!("{event}: {answer}");
    }
    Ok(answer)
}

async fn until(ws: &mut Ws, prefix: &str) -> anyhow::Result<String> {
    let wanted = async {
        while let Some(message) = ws.next().await {
            let Message::Text(text) = message? else { continue };
            if text.as_str() == "2" {
                ws.send(Message::text("3")).await?;
            } else if text.starts_with(prefix) {
                return Ok(text.as_str().to_owned());
            } else if text.starts_with("44") {
                bail!("refused: {text}");
            }
        }
        bail!("closed before {prefix}")
    };
    tokio::time::timeout(LIMIT, wanted).await.with_context(|| format!("no {prefix}"))?
}

fn text_of(value: &Value) -> anyhow::Result<String> {
    Ok(value.as_str().context("a text")?.to_owned())
}

async fn read(mut stream: SplitStream<Ws>, sink: Sink, seen: Arc<Seen>, began: Instant) {
    let listen = format!("42{LISTEN}[\"server:list\",{{}}]");
    sink.lock().await.send(Message::text(listen)).await.ok();
    while let Some(Ok(message)) = stream.next().await {
        let Message::Text(text) = message else { continue };
        if text.starts_with("42[\"chat:message\"") {
            note(&text, &seen, began);
        } else if text.as_str() == "2" {
            sink.lock().await.send(Message::text("3")).await.ok();
        } else if text.strip_prefix("43").is_some_and(|ack| ack.starts_with(LISTEN)) {
            seen.listening.fetch_add(1, Ordering::Relaxed);
            seen.reached.notify_one();
        }
    }
}

fn note(text: &str, seen: &Seen, began: Instant) {
    const TEXT: &str = "\"text\":\"";
    let sent = text.find(TEXT).and_then(|at| text.get(at + TEXT.len()..at + TEXT.len() + 20)?.parse().ok());
    if let Some(sent) = sent {
        let delay = began.elapsed().saturating_sub(Duration::from_nanos(sent));
        seen.delays.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(delay);
    }
    /// Of a text of 126 to 65,535 bytes (RFC 6455, section 5.2).
    const HEADER_BYTES: u64 = 4;
    seen.frame_bytes.store(text.len() as u64 + HEADER_BYTES, Ordering::Relaxed);
    if seen.told.fetch_add(1, Ordering::Relaxed) + 1 >= seen.target.load(Ordering::Relaxed) {
        seen.reached.notify_one();
    }
}
