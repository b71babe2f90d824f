//! AV1 (RTP Payload Format For AV1 §4.4): the aggregation header and the sequence header.
//!
//! The dependency descriptor isn't read, so a stream of several spatial layers is forwarded whole: together they are one layer here.

use super::Frame;
use super::bits::Bits;

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;

/// The N bit marks the first packet of a coded video sequence, which is a key frame behind a sequence header.
pub(super) fn frame(payload: &[u8]) -> Frame {
    let Some((&aggregation, rest)) = payload.split_first() else { return Frame::DELTA };
    let (continues, count, starts) = (aggregation & 0x80 != 0, aggregation >> 4 & 0x03, aggregation & 0x08 != 0);
    if continues || !starts {
        return Frame::DELTA;
    }
    Frame { starts_decoding: true, size: sequence_header(rest, count).and_then(size) }
}

/// The sequence header among the first elements, without its OBU header.
fn sequence_header(mut rest: &[u8], count: u8) -> Option<&[u8]> {
    for element in 1..=2u8 {
        // Of `count` elements, all but the last have their length in front; of 0 (any number), all have.
        let obu = if count == element {
            std::mem::take(&mut rest)
        } else {
            let length = leb128(&mut rest)?;
            let (obu, behind) = rest.split_at_checked(length)?;
            rest = behind;
            obu
        };
        let header = *obu.first()?;
        let mut at = 1 + usize::from(header & 0x04 != 0);
        if header & 0x02 != 0 {
            let mut sized = obu.get(at..)?;
            let before = sized.len();
            leb128(&mut sized)?;
            at += before - sized.len();
        }
        match header >> 3 & 0x0f {
            SEQUENCE_HEADER => return obu.get(at..),
            TEMPORAL_DELIMITER if count != element => {}
            _ => return None,
        }
    }
    None
}

fn leb128(bytes: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for n in 0..4 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= usize::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Reads the largest frame's width and height (AV1 §5.5.1). None where timing or decoder models precede them: WebRTC sends none.
fn size(header: &[u8]) -> Option<(u16, u16)> {
    let mut bits = Bits::new(header);
    bits.skip(4); // profile and still picture
    if bits.bit()? {
        bits.skip(5);
    } else {
        let (timing, display_delay) = (bits.bit()?, bits.bit()?);
        if timing {
            return None;
        }
        for _ in 0..=bits.number(5)? {
            bits.skip(12);
            if bits.number(5)? > 7 {
                bits.skip(1);
            }
            if display_delay && bits.bit()? {
                bits.skip(4);
            }
        }
    }
    let (width_bits, height_bits) = (bits.number(4)? + 1, bits.number(4)? + 1);
    let (width, height) = (bits.number(width_bits)?, bits.number(height_bits)?);
    Some((u16::try_from(width + 1).ok()?, u16::try_from(height + 1).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Profile 0, one operating point of level 5, 10 bits of width and 9 of height: 640×360.
    const HEADER: [u8; 7] = {
        // 000 0 0 | 0 0 00000 | 000000000000 00101 | 1001 1000 | 1001111111 101100111
        let bits: u64 = 0b0000_0000_0000_0000_0000_0000_0010_1100_1100_0100_1111_1111_0110_0111;
        let bytes = bits.to_be_bytes();
        [bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]]
    };

    #[test]
    fn the_first_packet_of_a_sequence_starts_decoding_and_tells_the_size() {
        let obu = [&[0x08][..], &HEADER].concat();
        let alone = [&[0x18][..], &obu].concat();
        assert_eq!(frame(&alone), Frame { starts_decoding: true, size: Some((640, 360)) });
        let with_more = [&[0x28, obu.len() as u8][..], &obu, &[0x30, 1, 2, 3]].concat();
        assert_eq!(frame(&with_more).size, Some((640, 360)));
    }

    #[test]
    fn another_packet_doesnt_start_decoding() {
        assert_eq!(frame(&[0x10, 0x30, 1, 2]), Frame::DELTA);
        assert_eq!(frame(&[0x98, 0x30, 1, 2]), Frame::DELTA, "continues an element of the packet before");
        assert_eq!(frame(&[]), Frame::DELTA);
    }
}
