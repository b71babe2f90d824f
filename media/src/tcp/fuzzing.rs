//! What the fuzzer may call of TCP, and the plain model that it is compared with.

use super::frame::{Deframer, Filled, Framer};
use crate::limits::TCP_FRAME_MAX;
use std::io::{self, Read};

/// Hands out its bytes in pieces of one size.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        let (now, later) = self.0.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
}

/// A stream is cut into the same packets however its bytes come (in pieces of the first byte's number), and they can be framed again.
pub(crate) fn stream(data: &[u8]) {
    let Some((&cut, bytes)) = data.split_first() else { return };
    let expected = packets(bytes);
    let (mut deframer, mut pieces, mut got) = (Deframer::default(), Pieces(bytes, usize::from(cut) + 1), vec![]);
    let is_sound = loop {
        let end = deframer.fill(&mut pieces).expect("no error") == Filled::Closed;
        let sound = loop {
            match deframer.next() {
                Ok(Some(packet)) => got.push(packet.to_vec()),
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        deframer.rest();
        if end || !sound {
            break sound;
        }
    };
    assert_eq!((got, is_sound), expected);
    let mut framer = Framer::default();
    assert!(expected.0.iter().all(|packet| framer.push(packet, usize::MAX)));
    let mut written = vec![];
    framer.flush(&mut written).expect("memory takes all");
    assert_eq!(packets(&written), (expected.0, true));
}

/// RFC 4571 §2, on all bytes at once: the packets, and whether none is too long.
fn packets(mut bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut packets = vec![];
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        if length > TCP_FRAME_MAX {
            return (packets, false);
        }
        let Some((packet, rest)) = rest.split_at_checked(length) else { break };
        if length > 0 {
            packets.push(packet.to_vec());
        }
        bytes = rest;
    }
    (packets, true)
}
