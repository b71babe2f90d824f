//! The SFU: receives RTP from the peers of a room, and forwards it to the other peers of that room.
//!
//! It knows no user, no chat, no JSON, no socket.io. It speaks in ids, tracks and packets; what a track means, and who may
//! receive it, is decided by whoever sends [`Command`]s.
//!
//! # The life of one packet
//!
//! `socket` receives a batch → `demux` finds the peer by source address (an address counts only after a STUN integrity check) →
//! `peer` authenticates and decrypts it in its transport → `ingress` and `payload` tell m-line, layer and key frame → `room` finds the
//! slots bound to the track → `forward::subscription` says whether a slot gets this layer, `forward::rewrite` numbers it for the slot →
//! each subscriber's `peer` encrypts it → `socket` sends runs of equal size at once. All of it happens on one thread, `worker`,
//! without a lock.
#![forbid(unsafe_code)]

mod allocate;
mod budget;
mod command;
mod config;
mod data;
mod demux;
mod form;
mod forward;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod handle;
mod ingress;
mod io;
mod limits;
mod load;
mod negotiation;
mod path;
mod payload;
mod peer;
mod peer_stats;
mod pool;
mod quality;
mod rate;
mod reports;
mod room;
#[cfg(test)]
mod sim;
mod socket;
mod speaker;
mod stats;
mod stun;
mod tcp;
mod timers;
mod track;
mod worker;

pub use command::{Command, Demand, Event, EventSink, LossReason, Reply, SpeakerSlot};
pub use config::{Config, Limits, StartError};
pub use handle::{Handle, Negotiated, OfferError, QueueFull, Renegotiated, Room, Workers, start};
pub use peer_stats::{LayerStats, PeerStats, SlotStats, SourceStats};
pub use pool::POOL_SLOTS;
pub use quality::Quality;
pub use stats::Stats;

pub use str0m::media::{Mid, Rid};

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
