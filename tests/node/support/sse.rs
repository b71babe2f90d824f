//! A client of server-sent events (WHATWG HTML, section 9.2), as thin as the tests allow.

use super::PATIENCE;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// One event.
#[derive(Debug, Default)]
pub struct Event {
    pub name: String,
    pub id: Option<u64>,
    pub data: String,
}

impl Event {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// An open stream.
pub struct Stream {
    connection: BufReader<TcpStream>,
    /// Of the chunked body, what wasn't read yet.
    text: Vec<u8>,
}

impl Stream {
    /// Asks for a stream, and reads the head of the answer.
    pub async fn open(to: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut head = format!("GET {path} HTTP/1.1\r\nhost: {to}\r\naccept: text/event-stream\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect(to).await.expect("the node listens");
        stream.write_all(head.as_bytes()).await.expect("the head is taken");
        let mut connection = BufReader::new(stream);
        let mut answer = String::new();
        let read = async { while !answer.ends_with("\r\n\r\n") && connection.read_line(&mut answer).await.is_ok_and(|read| read > 0) {} };
        tokio::time::timeout(PATIENCE, read).await.expect("an answer in time");
        let answer = answer.to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 200") && answer.contains("content-type: text/event-stream"), "{answer}");
        Self { connection, text: Vec::new() }
    }

    /// The next event; `None` when the stream has ended. Comments are passed over.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.windows(2).position(|window| window == b"\n\n") {
                let block: Vec<u8> = self.text.drain(..end + 2).collect();
                match parse(&String::from_utf8(block).expect("UTF-8")) {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.chunk()).await.expect("something in time")?;
            self.text.extend(chunk);
        }
    }

    /// The next notifications.
    pub async fn take(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            let event = self.next().await.expect("the stream goes on");
            assert_eq!(event.name, "notification");
            events.push(event);
        }
        events
    }

    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = String::new();
        self.connection.read_line(&mut size).await.ok().filter(|read| *read > 0)?;
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
        let mut chunk = vec![0; size + 2];
        self.connection.read_exact(&mut chunk).await.ok()?;
        chunk.truncate(size);
        (size > 0).then_some(chunk)
    }
}

fn parse(block: &str) -> Option<Event> {
    let mut event = Event::default();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => event.name = value.to_owned(),
            "id" => event.id = Some(value.parse().expect("a number")),
            "data" => event.data.push_str(value),
            _ => {}
        }
    }
    (!event.data.is_empty()).then_some(event)
}
