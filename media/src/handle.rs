//! The way in: threads outside the media plane hold these handles.

use crate::{Command, EventSink, MediaLine};
use std::sync::Arc;

/// A handle to all workers.
#[derive(Clone)]
pub struct Handle {}

impl Handle {
    /// Opens a room on the worker with the least load. The room closes when the last clone of the returned handle is dropped.
    pub fn open_room(&self, _events: Arc<dyn EventSink>) -> Room {
        todo!()
    }
}

/// A handle to one room, pinned to one worker.
#[derive(Clone)]
pub struct Room {}

impl Room {
    /// Answers an offer: some 4 ms of CPU, so call it on a blocking thread. Nothing is added to the room until the result is
    /// sent by [`Command::AddPeer`]; dropping it undoes everything.
    ///
    /// # Errors
    /// [`OfferError`] when the text is not an SDP offer that this SFU can answer.
    pub fn negotiate(&self, _offer_sdp: &str) -> Result<Negotiated, OfferError> {
        todo!()
    }

    /// Queues a command.
    ///
    /// # Errors
    /// [`QueueFull`] when the worker is so far behind that its command queue is full, or has stopped.
    pub fn command(&self, _command: Command) -> Result<(), QueueFull> {
        todo!()
    }
}

/// The worker's command queue is full, or the worker has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the media worker does not keep up")]
pub struct QueueFull;

/// An answered offer of a peer that isn't in the room yet.
pub struct Negotiated {
    /// The SDP answer for the client.
    pub answer: String,
    /// M-lines on which the client can receive, in the order of the offer.
    pub slots: Vec<MediaLine>,
    /// M-lines on which the client sends or may send, in the order of the offer.
    pub sources: Vec<MediaLine>,
}

/// An answered further offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renegotiated {
    pub answer: String,
    /// All m-lines on which the client can receive, old ones included.
    pub slots: Vec<MediaLine>,
    pub sources: Vec<MediaLine>,
}

/// Why an offer can't be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Longer than the limit, in bytes.
    #[error("the SDP is longer than {limit} bytes")]
    TooLarge { limit: usize },
    /// Not an offer, or one without what a peer needs. The text says what.
    #[error("{0}")]
    Invalid(String),
    /// The peer left while its offer was in work.
    #[error("the peer has left")]
    Gone,
}
