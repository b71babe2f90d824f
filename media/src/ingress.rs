//! What a packet from a publisher is: which m-line and codec it belongs to, and what the rewriting needs to know of it.
//!
//! Not the layers: a track has those. Invariant: a codec that wasn't negotiated for the m-line isn't recognised.

use crate::forward::layer::Clock;
use crate::forward::rewrite::Incoming;
use crate::negotiation::Payload;
use crate::payload::Frame;
use crate::{Kind, MediaLine, Mid, Rid};
use str0m::format::Codec;
use str0m::rtp::{RtpPacket, Vp8Descriptor};

/// An m-line on which a peer sends.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) mid: Mid,
    pub(crate) kind: Kind,
    pub(crate) payloads: Vec<Payload>,
    /// The simulcast layers that the offer announced.
    pub(crate) announced: Vec<Rid>,
    /// Index of the track that was published on it.
    pub(crate) track: Option<usize>,
}

impl Source {
    pub(crate) fn new(line: MediaLine, payloads: Vec<Payload>, announced: Vec<Rid>) -> Self {
        Self { mid: line.mid, kind: line.kind, payloads, announced, track: None }
    }

    /// The packet's codec, if it was negotiated for this m-line.
    pub(crate) fn codec(&self, packet: &RtpPacket) -> Option<Codec> {
        let pt = packet.header.payload_type;
        self.payloads.iter().find(|payload| payload.pt == pt).map(|payload| payload.spec.codec)
    }
}

/// What the rewriting needs to know of `packet`.
pub(crate) fn facts<'a>(packet: &RtpPacket, frame: Frame, vp8: Option<&'a Vp8Descriptor>, clock: Option<Clock>) -> Incoming<'a> {
    Incoming {
        ssrc: packet.header.ssrc,
        sequence: *packet.seq_no,
        timestamp: packet.header.timestamp,
        starts_decoding: frame.starts_decoding,
        vp8,
        clock,
    }
}
