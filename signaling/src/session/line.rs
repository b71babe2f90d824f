//! The way out of a session: hands on what waits, little by little, as the socket takes it.
//!
//! Over a WebSocket a session writes its frames itself, a window of them at once. Over polling they go to the codec, whose queue and buffer
//! count no bytes: it gets a window, and the next one when it has flushed. Where a WebSocket has taken over from polling, the codec says so
//! on it behind all that it had left, and from there on the session writes. One invariant: a client that reads nothing holds at most two
//! windows here, of which one came in while the codec wrote the other.

use super::backlog::{Backlog, Item};
use super::render::Rendered;
use crate::listener::{Flushes, Sent, Transport, UPGRADED, append_text};
use crate::protocol::server_event::SessionUpgraded;
use crate::service::Upgrades;
use serde::Serialize;
use serde_json::value::RawValue;
use socketioxide::extract::{AckSender, SocketRef};
use socketioxide::{SendError, SocketError, TransportType};
use std::sync::Arc;

/// Bytes handed on at once. One that is longer goes alone.
pub(super) const WINDOW_BYTES: usize = 32 * 1024;
/// Packets for the codec likewise: a fourth of its queue, in which heartbeats and refusals need a place too.
const WINDOW_PACKETS: usize = 64;

/// Why something didn't go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// The client takes less than it is sent.
    Full,
    /// The connection is closed already.
    Closed,
}

impl From<SendError> for NotSent {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Socket(SocketError::InternalChannelFull) => Self::Full,
            SendError::Socket(SocketError::Closed) => Self::Closed,
            SendError::Serialize(error) => {
                tracing::error!(%error, "an event could not be serialised");
                Self::Closed
            }
        }
    }
}

/// What a session sends without a number.
pub(super) enum Once {
    Event(Rendered),
    Answer(Ack, Box<RawValue>),
}

/// Whom a request's answer is for.
pub(crate) struct Ack {
    pub(crate) codec: AckSender,
    /// None if the client wants no answer.
    pub(crate) id: Option<i64>,
}

impl Once {
    pub(super) fn event(name: &'static str, payload: &impl Serialize) -> (Self, usize) {
        let rendered = Rendered::new(name, payload);
        let bytes = rendered.bytes();
        (Self::Event(rendered), bytes)
    }

    pub(super) fn answer(ack: Ack, answer: &impl Serialize) -> (Self, usize) {
        let rendered = Rendered::new("", answer);
        let bytes = rendered.bytes();
        (Self::Answer(ack, rendered.payload), bytes)
    }
}

/// When more may go out.
pub(super) enum Wait {
    /// After this many flushes of the codec.
    Flushes(Arc<Flushes>, u64),
    /// When the peer has taken something.
    Peer(Transport),
}

impl Wait {
    /// Cancel-safe.
    pub(super) async fn over(&self) {
        match self {
            Self::Flushes(flushes, seen) => flushes.more_than(*seen).await,
            Self::Peer(transport) => transport.writable().await,
        }
    }
}

/// The outgoing side of one connection.
pub(crate) struct Line {
    way: Way,
    flushes: Arc<Flushes>,
}

enum Way {
    /// A WebSocket, and how many greetings the codec sends over it before anything of this line's.
    Frames(Transport, u32),
    Codec(Window),
}

struct Window {
    socket: SocketRef,
    upgrades: Upgrades,
    /// Flushes until the present window began.
    seen: u64,
    bytes: usize,
    packets: usize,
    /// Of the window before, which may have come too late for the flush that ended it.
    last_bytes: usize,
}

impl Line {
    /// Over a WebSocket, on which the codec greets this client as the one of that number.
    pub(super) fn frames(transport: Transport, greeting: u32, flushes: Arc<Flushes>) -> Self {
        Self { way: Way::Frames(transport, greeting), flushes }
    }

    /// By the codec, until one of these upgrades has taken over.
    pub(super) fn codec(socket: SocketRef, upgrades: Upgrades, flushes: Arc<Flushes>) -> Self {
        let seen = flushes.count();
        Self { way: Way::Codec(Window { socket, upgrades, seen, bytes: 0, packets: 0, last_bytes: 0 }), flushes }
    }

    /// At most so many bytes are on their way.
    pub(super) fn bytes(&self) -> usize {
        match &self.way {
            Way::Frames(transport, _) => transport.waiting_bytes(),
            Way::Codec(window) => window.bytes + window.last_bytes,
        }
    }

    /// Hands on what waits, as far as it may go out now. What to wait for if that isn't all.
    pub(super) fn flush(&mut self, backlog: &mut Backlog<Once>) -> Result<Option<Wait>, NotSent> {
        if let Way::Codec(window) = &mut self.way
            && let Some((transport, greeting)) = window.upgrade(&self.flushes)?
        {
            self.way = Way::Frames(transport, greeting);
        }
        match &mut self.way {
            Way::Frames(transport, greeting) => flush_frames(transport, *greeting, &self.flushes, backlog),
            Way::Codec(window) => window.flush(&self.flushes, backlog),
        }
    }

    /// Sends an event of which only the latest matters, if nothing waits. What to wait for if more is to follow.
    pub(super) fn send_volatile(&self, rendered: &Rendered) -> Option<Wait> {
        match &self.way {
            Way::Frames(transport, greeting) => {
                let sent = transport.send(*greeting, |frames| rendered.append(frames, None));
                (sent == Sent::Partly).then(|| Wait::Peer(transport.clone()))
            }
            Way::Codec(Window { socket, .. }) => {
                socket.volatile().emit(rendered.name, &*rendered.payload).ok();
                None
            }
        }
    }
}

fn flush_frames(
    transport: &Transport,
    greeting: u32,
    flushes: &Arc<Flushes>,
    backlog: &mut Backlog<Once>,
) -> Result<Option<Wait>, NotSent> {
    if backlog.unsent() == 0 && transport.waiting_bytes() == 0 {
        return Ok(None);
    }
    loop {
        // Before it is looked at what they end.
        let seen = flushes.count();
        match transport.send(greeting, |frames| take_window(backlog, frames)) {
            Sent::All if backlog.unsent() == 0 => return Ok(None),
            Sent::All => {}
            Sent::Partly | Sent::PeerIsSlow => return Ok(Some(Wait::Peer(transport.clone()))),
            Sent::NotGreeted | Sent::CodecWaits => return Ok(Some(Wait::Flushes(flushes.clone(), seen))),
            Sent::Closed => return Err(NotSent::Closed),
        }
    }
}

fn take_window(backlog: &mut Backlog<Once>, frames: &mut Vec<u8>) {
    while let Some(item) = backlog.front() {
        if !frames.is_empty() && frames.len() + item.bytes() > WINDOW_BYTES {
            return;
        }
        match backlog.take() {
            Some(Item::Numbered(sn, rendered)) => rendered.append(frames, Some(sn)),
            Some(Item::Once(Once::Event(rendered), _)) => rendered.append(frames, None),
            Some(Item::Once(Once::Answer(Ack { id: Some(id), .. }, answer), _)) => {
                append_text(frames, &["43", &id.to_string(), "[", answer.get(), "]"]);
            }
            Some(Item::Once(Once::Answer(Ack { id: None, .. }, _), _)) | None => {}
        }
    }
}

impl Window {
    /// The WebSocket that has taken over, and the greeting on it behind which it is the session's: the codec's last word for it.
    fn upgrade(&mut self, flushes: &Flushes) -> Result<Option<(Transport, u32)>, NotSent> {
        if self.socket.transport_type() != TransportType::Websocket || !self.has_room(flushes, UPGRADED.len()) {
            return Ok(None);
        }
        // Of several, one has failed or is going to: until it is gone, nobody knows which.
        let [transport] = &*self.upgrades.of(&self.socket.id.to_string()) else { return Ok(None) };
        let greeting = transport.admit();
        self.socket.emit(UPGRADED, &SessionUpgraded {})?;
        Ok(Some((transport.clone(), greeting)))
    }

    fn flush(&mut self, flushes: &Arc<Flushes>, backlog: &mut Backlog<Once>) -> Result<Option<Wait>, NotSent> {
        while let Some(item) = backlog.front() {
            let bytes = item.bytes();
            if !self.has_room(flushes, bytes) {
                return Ok(Some(Wait::Flushes(flushes.clone(), self.seen)));
            }
            self.bytes += bytes;
            self.packets += 1;
            if let Some(item) = backlog.take() {
                self.send(item)?;
            }
        }
        Ok(None)
    }

    /// Whether so many more bytes may go to the codec now.
    fn has_room(&mut self, flushes: &Flushes, bytes: usize) -> bool {
        let count = flushes.count();
        if count > self.seen {
            (self.last_bytes, self.seen, self.bytes, self.packets) = (self.bytes, count, 0, 0);
        }
        self.packets == 0 || (self.packets < WINDOW_PACKETS && self.bytes + bytes <= WINDOW_BYTES)
    }

    fn send(&self, item: Item<Once>) -> Result<(), NotSent> {
        match item {
            Item::Numbered(sn, rendered) => self.socket.emit(rendered.name, &(&*rendered.payload, sn)),
            Item::Once(Once::Event(rendered), _) => self.socket.emit(rendered.name, &*rendered.payload),
            Item::Once(Once::Answer(ack, answer), _) => ack.codec.send(&*answer),
        }
        .map_err(NotSent::from)
    }
}
