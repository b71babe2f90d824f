//! The way out of a session: hands what waits to the codec, little by little, as the socket takes it.
//!
//! The codec has a queue of its own and, below it, a buffer. Neither counts bytes, and a client that reads nothing would fill both. So a
//! session hands over no more than a window, and the next one when the codec has flushed. One invariant: at most two windows are in the
//! codec, one that it is writing and one that came in meanwhile.

use super::backlog::Item;
use super::render::Rendered;
use crate::listener::Flushes;
use serde::Serialize;
use serde_json::value::RawValue;
use socketioxide::extract::{AckSender, SocketRef};
use socketioxide::{SendError, SocketError};
use std::sync::Arc;

/// Bytes handed to the codec between two flushes. One that is longer goes alone.
pub(super) const WINDOW_BYTES: usize = 32 * 1024;
/// Packets likewise: a fourth of the codec's queue, in which heartbeats and refusals need a place too.
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
    Answer(AckSender, Box<RawValue>),
}

impl Once {
    pub(super) fn event(name: &'static str, payload: &impl Serialize) -> (Self, usize) {
        let rendered = Rendered::new(name, payload);
        let bytes = rendered.bytes();
        (Self::Event(rendered), bytes)
    }

    pub(super) fn answer(ack: AckSender, answer: &impl Serialize) -> (Self, usize) {
        let rendered = Rendered::new("", answer);
        let bytes = rendered.bytes();
        (Self::Answer(ack, rendered.payload), bytes)
    }
}

/// The outgoing side of one connection.
pub(crate) struct Line {
    socket: SocketRef,
    flushes: Arc<Flushes>,
    /// Flushes until the present window began.
    seen: u64,
    window_bytes: usize,
    window_packets: usize,
    /// Of the window before, which may have come too late for the flush that ended it.
    last_window_bytes: usize,
}

impl Line {
    pub(super) fn new(socket: SocketRef, flushes: Arc<Flushes>) -> Self {
        Self { socket, seen: flushes.count(), flushes, window_bytes: 0, window_packets: 0, last_window_bytes: 0 }
    }

    /// Whether so many more bytes may go to the codec now.
    pub(super) fn has_room(&mut self, bytes: usize) -> bool {
        let count = self.flushes.count();
        if count > self.seen {
            (self.last_window_bytes, self.seen, self.window_bytes, self.window_packets) = (self.window_bytes, count, 0, 0);
        }
        self.window_packets == 0 || (self.window_packets < WINDOW_PACKETS && self.window_bytes + bytes <= WINDOW_BYTES)
    }

    /// At most so many bytes are in the codec.
    pub(super) fn bytes(&self) -> usize {
        self.window_bytes + self.last_window_bytes
    }

    /// What tells that a further window may begin, and after how many flushes.
    pub(super) fn flushes(&self) -> (Arc<Flushes>, u64) {
        (self.flushes.clone(), self.seen)
    }

    /// Hands one to the codec.
    pub(super) fn send(&mut self, item: Item<Once>) -> Result<(), NotSent> {
        self.window_bytes += item.bytes();
        self.window_packets += 1;
        match item {
            Item::Numbered(sn, _, rendered) => self.socket.emit(rendered.name, &(&*rendered.payload, sn)),
            Item::Once(Once::Event(rendered), _) => self.socket.emit(rendered.name, &*rendered.payload),
            Item::Once(Once::Answer(ack, answer), _) => ack.send(&*answer),
        }
        .map_err(NotSent::from)
    }

    /// Sends an event of which only the latest matters.
    pub(super) fn send_volatile(&self, rendered: &Rendered) {
        self.socket.volatile().emit(rendered.name, &*rendered.payload).ok();
    }
}
