//! Nonsense at every layer: refused or ignored, never a panic, never an effect on others.

use crate::harness::{SOON, Server, assert_alive, roomy};
use crate::socket::{Came, Socket, decode};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use signaling::Config;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;

/// Sends one request and reads the whole answer.
pub async fn http(address: SocketAddr, head: &str, body: &str) -> String {
    let bytes = raw(address, format!("{head}\r\nhost: x\r\nconnection: close\r\n\r\n{body}").as_bytes()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
    // At the same time: the server may answer before it has read everything, and close.
    let mut answer = vec![];
    let both = async { tokio::join!(write.write_all(bytes), read.read_to_end(&mut answer)) };
    // Either end may be reset when the server refuses to read on; what it said before that counts.
    let (_written, _read) = tokio::time::timeout(SOON, both).await.expect("the server answers or closes");
    answer
}

/// A long-polling client that keeps no connection.
pub struct Polling {
    address: SocketAddr,
    sid: String,
}

impl Polling {
    pub async fn open(address: SocketAddr) -> Self {
        let answer = http(address, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1", "").await;
        let open: serde_json::Value = serde_json::from_str(&answer[answer.find("0{").unwrap() + 1..]).unwrap();
        Self { address, sid: open["sid"].as_str().unwrap().to_owned() }
    }

    pub fn path(&self) -> String {
        format!("/socket.io/?EIO=4&transport=polling&sid={}", self.sid)
    }

    /// Status and body.
    pub async fn post(&mut self, packets: &str) -> (u16, String) {
        let head = format!("POST {} HTTP/1.1\r\ncontent-length: {}", self.path(), packets.len());
        split(&http(self.address, &head, packets).await)
    }

    async fn get(&mut self) -> (u16, String) {
        split(&http(self.address, &format!("GET {} HTTP/1.1", self.path()), "").await)
    }

    /// Polls until an event of this name came.
    pub async fn poll_for(&mut self, name: &str) -> Option<Came> {
        loop {
            let (status, body) = self.get().await;
            if status != 200 {
                return None;
            }
            for packet in body.split('\u{1e}').filter(|packet| packet.starts_with("42")) {
                let came = decode(packet);
                if matches!(&came, Came::Event(other, _) if other == name) {
                    return Some(came);
                }
            }
        }
    }

    /// Polls once: the events that came.
    pub async fn poll_all(&mut self) -> Vec<Came> {
        let (status, body) = self.get().await;
        assert_eq!(status, 200, "{body}");
        body.split('\u{1e}').filter(|packet| packet.starts_with("42")).map(decode).collect()
    }

    /// Has a WebSocket take over, as the official client does. What the last poll brought, and the rest.
    pub async fn upgrade(mut self) -> (Vec<Came>, Socket) {
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket&sid={}", self.address, self.sid);
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let (mut ws, _) = tokio_tungstenite::client_async(url, MaybeTlsStream::Plain(tcp)).await.unwrap();
        ws.send(Message::text("2probe")).await.unwrap();
        let (probed, polled) = tokio::join!(tokio::time::timeout(SOON, ws.next()), self.poll_all());
        assert_eq!(probed.unwrap().unwrap().unwrap(), Message::text("3probe"));
        ws.send(Message::text("5")).await.unwrap();
        (polled, Socket::over(ws))
    }

    pub async fn poll_until(&mut self, name: &str) -> bool {
        self.poll_for(name).await.is_some()
    }

    /// Polls until the server knows this client no more. Answers no pings, so that this ends in any case.
    pub async fn is_closed(&mut self) -> bool {
        loop {
            let (status, body) = self.get().await;
            if status != 200 {
                return body.contains("Session ID unknown") || status == 400;
            }
        }
    }
}

fn split(answer: &str) -> (u16, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), body.to_owned())
}

static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // Panics of the code under test: a failing assertion of a test is in a file of its own.
            if info.location().is_none_or(|location| !location.file().contains("tests/wire")) {
                PANICS.fetch_add(1, Ordering::SeqCst);
            }
            before(info);
        }));
    });
}

/// Small, seeded and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    /// A copy with a few bytes changed, lost, doubled or cut off.
    fn mutated(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut bytes = packet.to_vec();
        for _ in 0..=self.below(4) {
            if bytes.is_empty() {
                break;
            }
            let at = self.below(bytes.len());
            match self.below(5) {
                0 => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, bytes[at]),
                3 => bytes.truncate(at),
                _ => bytes.extend_from_within(at..),
            }
        }
        bytes
    }
}

const PACKETS: &[&str] = &[
    "",
    "0",
    "1",
    "2",
    "3",
    "5",
    "6",
    "7",
    "9",
    "b",
    "bAAAA",
    "2probe",
    "3probe",
    "0{}",
    "4",
    "40",
    "41",
    "42",
    "43",
    "44",
    "45",
    "46",
    "47",
    "48",
    "40{",
    "40{}",
    "40[]",
    "40null",
    "40\"x\"",
    "40/",
    "40/,",
    "40/x",
    "40/x,{}",
    "40/admin,{\"token\":1}",
    "41/x,",
    "42/x,[\"a\"]",
    "42[]",
    "42[1]",
    "42{}",
    "42[\"a\"]",
    "42[\"\"]",
    "42[null]",
    "42[\"a\",",
    "42[\"a\"",
    "420",
    "420[\"lobby:list\"]",
    "42-1[\"a\"]",
    "4299999999999999999999[\"lobby:list\"]",
    "429223372036854775807[\"lobby:list\"]",
    "43[]",
    "430[]",
    "4399[1]",
    "43[1]",
    "44{\"message\":\"x\"}",
    "45[]",
    "451-[\"a\"]",
    "450-[\"a\"]",
    "4599999999999999999999-[\"a\"]",
    "45-[\"a\"]",
    "451-[\"a\",{\"_placeholder\":true,\"num\":-1}]",
    "461-0[]",
    "42[\"room:join\",{\"room\":\"\\ud800\"}]",
    "42[\"chat:send\",{\"channel\":\"c\",\"nonce\":\"n\",\"text\":\"\\u0000\"}]",
    "42[\"\\u0000\",{}]",
    "42[\"constructor\",{\"__proto__\":{}}]",
    "42[\"room:create\",{\"name\":\"n\",\"capacity\":1e999,\"nonce\":\"n\"}]",
    "42[\"chat:history\",{\"channel\":\"c\",\"before\":-1}]",
    "420[\"room:create\",{\"name\":\"n\",\"name\":\"m\",\"capacity\":2,\"nonce\":\"n\"}]",
    "4\u{1e}4\u{1e}\u{1e}",
    "4짠",
    "짠",
];

#[tokio::test(flavor = "multi_thread")]
async fn malformed_packets_over_websocket_never_panic() {
    count_panics();
    // Ana answers no ping meanwhile.
    let server = Server::start_with(Config { ping_timeout: Duration::from_secs(300), ..roomy() }).await;
    let (mut ana, _bo, _room, channel) = server.couple().await;
    let token = server.token("mallory");
    let mut random = Random(0x5eed);
    let valid = format!(r#"420["chat:send",{{"channel":"{channel}","nonce":"n","text":"t"}}]"#);
    let corpus: Vec<&[u8]> = PACKETS.iter().map(|packet| packet.as_bytes()).chain([valid.as_bytes()]).collect();
    for round in 0..600 {
        let packet = corpus[round % corpus.len()].to_vec();
        let bytes = if round < corpus.len() { packet } else { random.mutated(&packet) };
        let mut socket = Socket::open(server.address).await;
        if random.below(2) == 0 {
            socket.connect(json!({ "token": token })).await.unwrap();
        }
        let message = match String::from_utf8(bytes) {
            Ok(text) => Message::text(text),
            Err(error) => Message::binary(error.into_bytes()),
        };
        socket.ws.send(message).await.ok();
        socket.ws.send(Message::text("420[\"lobby:list\"]")).await.ok();
        socket.ws.close(None).await.ok();
    }
    assert_eq!(ana.ask("lobby:list", json!({})).await["ok"], true);
    assert_alive(&server).await;
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_packets_over_polling_never_panic() {
    count_panics();
    let server = Server::start().await;
    let mut random = Random(0xfeed);
    for round in 0..300 {
        let packet = PACKETS[round % PACKETS.len()].as_bytes();
        let bytes = if round < PACKETS.len() { packet.to_vec() } else { random.mutated(packet) };
        let polling = Polling::open(server.address).await;
        let head = format!("POST {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", polling.path(), bytes.len());
        let answer = raw(server.address, &[head.as_bytes(), &bytes].concat()).await;
        assert!(answer.starts_with(b"HTTP/1.1 "), "{:?}", String::from_utf8_lossy(&answer));
        assert!(!answer.starts_with(b"HTTP/1.1 500"), "{:?}: {:?}", String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&answer));
    }
    assert_alive(&server).await;
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_never_panic() {
    count_panics();
    let server = Server::start().await;
    let queries = [
        "",
        "?",
        "?EIO=4",
        "?EIO=4&transport=",
        "?EIO=4&transport=carrier_pigeon",
        "?EIO=3&transport=polling",
        "?EIO=99999999999&transport=polling",
        "?EIO=4&transport=polling&sid=",
        "?EIO=4&transport=polling&sid=%00",
        "?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA",
        "?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAA",
        "?EIO=4&transport=websocket",
        "?EIO=4&EIO=4&transport=polling&transport=websocket",
        "?&&&===",
    ];
    for query in queries {
        for method in ["GET", "POST", "PUT", "OPTIONS", "DELETE", "BREW"] {
            for upgrade in ["", "\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: x\r\nsec-websocket-version: 13"] {
                let head = format!("{method} /socket.io/{query} HTTP/1.1{upgrade}\r\nhost: x\r\nconnection: close\r\n\r\n");
                let (mut read, mut write) = TcpStream::connect(server.address).await.unwrap().into_split();
                write.write_all(head.as_bytes()).await.unwrap();
                let mut status = [0; 12];
                tokio::time::timeout(SOON, read.read_exact(&mut status)).await.unwrap().unwrap();
                assert!(status.starts_with(b"HTTP/1.1 ") && &status[9..] != b"500", "{head}");
            }
        }
    }
    for garbage in [&b"\x16\x03\x01\x02\x00\x01"[..], b"GET", b"\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", &[0xff; 5_000], &[b'a'; 200_000]] {
        raw(server.address, garbage).await;
    }
    assert_alive(&server).await;
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}

/// WebSocket frames that no client sends: reserved bits and opcodes, unmasked, cut off.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_frames_never_panic() {
    count_panics();
    let server = Server::start().await;
    let head = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut random = Random(0xbead);
    let good: &[u8] = &[0x81, 0x82, 1, 2, 3, 4, 0x34 ^ 1, 0x30 ^ 2];
    let mut frames =
        vec![good.to_vec(), vec![0xff; 20], vec![0x81, 0x02, b'4', b'0'], vec![0x81, 0xff, 0xff, 0xff, 0xff, 0xff], vec![0x88]];
    frames.extend((0..200).map(|_| random.mutated(good)));
    for frame in frames {
        let mut tcp = TcpStream::connect(server.address).await.unwrap();
        tcp.write_all(&[head.as_bytes(), &frame].concat()).await.unwrap();
        let mut status = [0; 12];
        tcp.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 101");
    }
    assert_alive(&server).await;
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}
