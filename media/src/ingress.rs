//! What a packet from a publisher is: which m-line and layer it belongs to, and whether decoding can start with it.
//!
//! Payloads are only looked into as far as forwarding needs; an end-to-end encrypted frame keeps these first bytes in the clear.

use crate::forward::rewrite::Incoming;
use crate::limits::LAYER_SILENCE;
use crate::negotiation::Payload;
use crate::{Kind, MediaLine, Mid};
use std::time::Instant;
use str0m::format::Codec;
use str0m::media::Rid;
use str0m::rtp::{RtpPacket, Vp8Descriptor};

/// An m-line on which a peer sends.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) mid: Mid,
    pub(crate) kind: Kind,
    pub(crate) payloads: Vec<Payload>,
    /// Index of the track that was published on it.
    pub(crate) track: Option<usize>,
    layer: Option<Layer>,
}

/// The simulcast layer that is forwarded.
#[derive(Debug, Clone, Copy)]
struct Layer {
    rid: Option<Rid>,
    last: Instant,
}

impl Source {
    pub(crate) fn new(line: MediaLine, payloads: Vec<Payload>) -> Self {
        Self { mid: line.mid, kind: line.kind, payloads, track: None, layer: None }
    }

    /// Whether packets of this layer are forwarded. The first layer seen is, until it falls silent: clients stop layers as they
    /// please, so none can be relied on.
    pub(crate) fn takes(&mut self, rid: Option<Rid>, now: Instant) -> bool {
        match &mut self.layer {
            Some(layer) if layer.rid == rid => {
                layer.last = now;
                true
            }
            Some(layer) if now.saturating_duration_since(layer.last) < LAYER_SILENCE => false,
            Some(_) | None => {
                self.layer = Some(Layer { rid, last: now });
                true
            }
        }
    }

    /// The layer to ask for key frames.
    pub(crate) fn rid(&self) -> Option<Rid> {
        self.layer.and_then(|layer| layer.rid)
    }

    /// The packet's codec, if it was negotiated for this m-line.
    pub(crate) fn codec(&self, packet: &RtpPacket) -> Option<Codec> {
        let pt = packet.header.payload_type;
        self.payloads.iter().find(|payload| payload.pt == pt).map(|payload| payload.spec.codec)
    }
}

/// The VP8 descriptor of a packet, if it has a sound one.
pub(crate) fn vp8(codec: Codec, payload: &[u8]) -> Option<Vp8Descriptor> {
    if codec == Codec::Vp8 { Vp8Descriptor::parse(payload).ok() } else { None }
}

/// What the rewriting needs to know of `packet`.
pub(crate) fn facts<'a>(packet: &RtpPacket, codec: Codec, vp8: Option<&'a Vp8Descriptor>) -> Incoming<'a> {
    let starts_decoding = match codec {
        Codec::Vp8 => vp8.is_some_and(|descriptor| descriptor.starts_keyframe(&packet.payload)),
        Codec::H264 => h264_has_sps(&packet.payload),
        _ => codec.is_audio(),
    };
    Incoming { ssrc: packet.header.ssrc, sequence: *packet.seq_no, timestamp: packet.header.timestamp, starts_decoding, vp8 }
}

/// Whether an H.264 payload (RFC 6184) carries a sequence parameter set: every WebRTC encoder sends one before each key frame,
/// and no decoder starts without.
fn h264_has_sps(payload: &[u8]) -> bool {
    const SPS: u8 = 7;
    const STAP_A: u8 = 24;
    let Some((&first, mut rest)) = payload.split_first() else { return false };
    match first & 0x1f {
        SPS => true,
        STAP_A => {
            while let [high, low, nal, ..] = *rest {
                if nal & 0x1f == SPS {
                    return true;
                }
                let length = 2 + usize::from(u16::from_be_bytes([high, low]));
                rest = rest.get(length..).unwrap_or_default();
            }
            false
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_h264_key_frame_is_known_by_its_parameter_set_alone_or_aggregated() {
        assert!(h264_has_sps(&[0x67, 1, 2, 3]));
        assert!(h264_has_sps(&[0x78, 0, 2, 0x09, 0x10, 0, 3, 0x67, 1, 2]));
        assert!(!h264_has_sps(&[0x78, 0, 2, 0x68, 0x10]));
        assert!(!h264_has_sps(&[0x41, 0x67]));
        for malformed in [&[][..], &[0x78], &[0x78, 0xff], &[0x78, 0xff, 0xff, 0x01], &[0x78, 0, 0, 0, 0, 0, 0]] {
            assert!(!h264_has_sps(malformed));
        }
    }

    #[test]
    fn one_layer_is_taken_until_it_falls_silent() {
        let line = MediaLine { mid: "0".into(), kind: Kind::Video };
        let (start, mut source) = (Instant::now(), Source::new(line, vec![]));
        let (high, low) = (Some(Rid::from("h")), Some(Rid::from("l")));
        let at = |ms| start + Duration::from_millis(ms);
        assert!(source.takes(high, at(0)));
        assert!(!source.takes(low, at(500)));
        assert!(source.takes(high, at(900)));
        assert!(!source.takes(low, at(1800)));
        assert!(source.takes(low, at(1900)));
        assert!(!source.takes(high, at(1950)));
        assert_eq!(source.rid(), low);
    }
}
