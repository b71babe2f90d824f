//! The SFU: receives RTP from the peers of a room, and forwards it to the other peers of that room.
//!
//! It knows no user, no chat, no JSON, no socket.io. It speaks in ids, tracks and packets; what a track means, and who may
//! receive it, is decided by whoever sends [`Command`]s.
#![forbid(unsafe_code)]

mod command;
mod handle;

pub use command::{Command, Event, EventSink, LossReason, Reply};
pub use handle::{Handle, Negotiated, OfferError, QueueFull, Renegotiated, Room};

pub use str0m::media::Mid;

/// A peer: the media end of one participant. Unique within its room, chosen by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub u64);

/// A published audio or video source. Unique within its room, chosen by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(pub u64);

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Audio,
    Video,
}

/// An m-line of a peer's offer, on which the peer can receive (a slot) or on which it sends (a source).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaLine {
    pub mid: Mid,
    pub kind: Kind,
}
