//! What a video payload tells of its frame: whether decoding can start with it, and how large the picture is.
//!
//! Payloads are only looked into as far as forwarding needs; an end-to-end encrypted frame keeps these first bytes in the clear. Not a
//! depacketizer. Invariant: any bytes give an answer, and what isn't understood is no key frame.

mod av1;
mod bits;
mod h264;
mod vp9;

use str0m::format::Codec;
use str0m::rtp::Vp8Descriptor;

/// What one packet tells of its frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Whether decoding can start with this packet. Always true for audio.
    pub(crate) starts_decoding: bool,
    /// Width and height, where the packet says so.
    pub(crate) size: Option<(u16, u16)>,
}

impl Frame {
    const DELTA: Self = Self { starts_decoding: false, size: None };
    pub(crate) const AUDIO: Self = Self { starts_decoding: true, size: None };
}

/// The VP8 descriptor of a packet, if it has a sound one.
pub(crate) fn vp8(codec: Codec, payload: &[u8]) -> Option<Vp8Descriptor> {
    if codec == Codec::Vp8 { Vp8Descriptor::parse(payload).ok() } else { None }
}

/// Reads the first bytes of a payload.
pub(crate) fn frame(codec: Codec, payload: &[u8], vp8: Option<&Vp8Descriptor>) -> Frame {
    match codec {
        Codec::Vp8 => match vp8.filter(|descriptor| descriptor.starts_keyframe(payload)) {
            Some(_) => Frame { starts_decoding: true, size: vp8_size(payload) },
            None => Frame::DELTA,
        },
        Codec::H264 => h264::frame(payload),
        Codec::Vp9 => vp9::frame(payload),
        Codec::Av1 => av1::frame(payload),
        _ if codec.is_audio() => Frame::AUDIO,
        _ => Frame::DELTA,
    }
}

/// RFC 7741 §4.2 gives the descriptor's length; RFC 6386 §9.1 the frame header of a key frame.
fn vp8_size(payload: &[u8]) -> Option<(u16, u16)> {
    let first = *payload.first()?;
    let mut length = 1;
    if first & 0x80 != 0 {
        let extension = *payload.get(1)?;
        length += 1;
        if extension & 0x80 != 0 {
            length += if payload.get(2)? & 0x80 != 0 { 2 } else { 1 };
        }
        length += usize::from(extension & 0x40 != 0) + usize::from(extension & 0x30 != 0);
    }
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = *payload.get(length..)? else { return None };
    // The upper two bits scale the picture up for display.
    Some((u16::from_le_bytes([w0, w1]) & 0x3fff, u16::from_le_bytes([h0, h1]) & 0x3fff))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_vp8_key_frame_tells_its_size_behind_any_descriptor() {
        let header = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 0x00];
        let descriptors: [&[u8]; 4] = [&[0x10], &[0x90, 0x80, 0x11], &[0x90, 0x80, 0x91, 0x22], &[0x90, 0xf0, 0x91, 0x22, 7, 0x21]];
        for descriptor in descriptors {
            let payload = [descriptor, &header].concat();
            let parsed = vp8(Codec::Vp8, &payload);
            let expected = Frame { starts_decoding: true, size: Some((640, 360)) };
            assert_eq!(frame(Codec::Vp8, &payload, parsed.as_ref()), expected, "{descriptor:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(payload in proptest::collection::vec(any::<u8>(), 0..80)) {
            for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1, Codec::Opus, Codec::H265] {
                let descriptor = vp8(codec, &payload);
                frame(codec, &payload, descriptor.as_ref());
            }
            vp8_size(&payload);
        }
    }
}
