//! How one peer's media fares, as told to whoever asks.
//!
//! Figures only; `quality` judges. Counts start with the slot, source or layer and never go back; bitrates are of the last second.

use crate::{Kind, Mid, Quality, Rid, TrackId};
use std::time::Duration;

/// A peer's transport, what it receives and what it sends.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerStats {
    /// Between the SFU and the client and back. None before the first report.
    pub round_trip: Option<Duration>,
    /// Share of packets lost from the client to the SFU, over the last seconds: 0 to 1.
    pub loss_up: f32,
    /// Share of packets lost from the SFU to the client.
    pub loss_down: f32,
    /// What the SFU thinks it can send to the client, in bit/s of payload. None for a client without transport-wide feedback that was never
    /// short of bandwidth.
    pub estimate_bps: Option<u64>,
    /// The last quality told of the peer.
    pub quality: Option<Quality>,
    /// All that it can receive on, in the order of the offers.
    pub slots: Vec<SlotStats>,
    /// All that it can send on, in the order of the offers.
    pub sources: Vec<SourceStats>,
}

/// One m-line on which the peer receives.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotStats {
    pub mid: Mid,
    pub kind: Kind,
    /// What is bound to it.
    pub track: Option<TrackId>,
    /// RTP packets sent, without repetitions.
    pub packets: u64,
    /// Bytes of payload sent, without repetitions.
    pub bytes: u64,
    /// In bit/s.
    pub bitrate_bps: u64,
    /// The simulcast layer that is forwarded.
    pub layer: Option<Rid>,
    /// Width and height of the forwarded layer, where the codec tells.
    pub size: Option<(u16, u16)>,
    /// Key frames sent.
    pub key_frames: u64,
    /// NACK messages of the client.
    pub nacks: u64,
    /// Key frames that the client asked for.
    pub plis: u64,
    /// The client paused the slot.
    pub paused: bool,
    /// The SFU withholds the track for lack of bandwidth.
    pub stalled: bool,
}

/// One m-line on which the peer sends.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceStats {
    pub mid: Mid,
    pub kind: Kind,
    /// What is published on it.
    pub track: Option<TrackId>,
    /// What was seen of it, low to high: one without simulcast.
    pub layers: Vec<LayerStats>,
}

/// One simulcast layer that the peer sends, or all that it sends on an m-line without simulcast.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerStats {
    pub rid: Option<Rid>,
    /// Width and height, where the codec tells.
    pub size: Option<(u16, u16)>,
    /// RTP packets received, repeated ones once.
    pub packets: u64,
    /// Bytes of payload received.
    pub bytes: u64,
    /// In bit/s.
    pub bitrate_bps: u64,
    /// Key frames received.
    pub key_frames: u64,
    /// NACK messages to the client.
    pub nacks: u64,
    /// Key frames asked of the client.
    pub plis: u64,
    /// Whether packets of it come.
    pub flows: bool,
}
