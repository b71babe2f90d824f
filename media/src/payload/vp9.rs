//! VP9 (RFC 9628 §4.2): the payload descriptor.
//!
//! A stream of several spatial layers is forwarded whole: all of them together are one layer here.

use super::Frame;

/// A key frame starts with a packet that begins a frame (B), isn't inter-picture predicted (P), and is of the lowest spatial layer.
pub(super) fn frame(payload: &[u8]) -> Frame {
    let Some(&first) = payload.first() else { return Frame::DELTA };
    let has = |bit: u8| first & bit != 0;
    let (has_id, predicted, has_layers, flexible, begins, has_structure) =
        (has(0x80), has(0x40), has(0x20), has(0x10), has(0x08), has(0x02));
    if predicted || !begins {
        return Frame::DELTA;
    }
    let mut at = 1;
    if has_id {
        at += if payload.get(at).is_some_and(|id| id & 0x80 != 0) { 2 } else { 1 };
    }
    if has_layers {
        match payload.get(at) {
            Some(layer) if layer >> 1 & 0x07 == 0 => at += if flexible { 1 } else { 2 },
            Some(_) | None => return Frame::DELTA,
        }
    }
    let size = if has_structure { payload.get(at..).and_then(size) } else { None };
    Frame { starts_decoding: true, size }
}

/// The size of the highest spatial layer in a scalability structure.
fn size(structure: &[u8]) -> Option<(u16, u16)> {
    let (&first, rest) = structure.split_first()?;
    if first & 0x10 == 0 {
        return None;
    }
    let highest = rest.chunks_exact(4).nth(usize::from(first >> 5))?;
    Some((u16::from_be_bytes([highest[0], highest[1]]), u16::from_be_bytes([highest[2], highest[3]])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_starts_with_the_first_packet_of_an_unpredicted_frame_of_the_lowest_layer() {
        assert!(frame(&[0x88, 0x11, 0xff]).starts_decoding);
        assert!(!frame(&[0xc8, 0x11, 0xff]).starts_decoding, "predicted");
        assert!(!frame(&[0x80, 0x11, 0xff]).starts_decoding, "in the middle of a frame");
        assert!(frame(&[0xa8, 0x91, 0x22, 0x00, 0x07, 0xff]).starts_decoding);
        assert!(!frame(&[0xa8, 0x91, 0x22, 0x02, 0x07, 0xff]).starts_decoding, "the second spatial layer");
    }

    #[test]
    fn the_structure_tells_the_size_of_the_highest_layer() {
        let one = [0x8a, 0x11, 0x18, 0x05, 0x00, 0x02, 0xd0, 0x01];
        assert_eq!(frame(&one).size, Some((1280, 720)));
        let two = [0xba, 0x91, 0x22, 0x00, 0x30, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 0xff];
        assert_eq!(frame(&two).size, Some((640, 360)));
        assert_eq!(frame(&two[..8]).size, None, "cut off");
    }
}
