//! Packets in a byte stream: a length of two bytes before each (RFC 4571 §2).
//!
//! It knows no socket but what can be read and written. Invariant: a packet goes in and comes out whole or not at all.

use crate::limits::{TCP_FRAME_MAX, TCP_READ_BYTES};
use std::io::{self, Read, Write};

/// A packet longer than any that a client has reason to send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// What was received, cut into packets.
#[derive(Debug, Default)]
pub(crate) struct Deframer {
    bytes: Vec<u8>,
    /// Up to here it was taken.
    taken: usize,
}

/// What a look into a stream came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    /// There may be more.
    Some,
    /// Nothing for now.
    Nothing,
    /// The other end sends nothing any more.
    Closed,
}

impl Deframer {
    /// Reads once. Holds a packet and [`TCP_READ_BYTES`] at the most, as long as all packets are taken in between.
    pub(crate) fn fill(&mut self, stream: &mut impl Read) -> io::Result<Filled> {
        self.bytes.drain(..std::mem::take(&mut self.taken));
        let held = self.bytes.len();
        self.bytes.resize(held + TCP_READ_BYTES, 0);
        let read = stream.read(&mut self.bytes[held..]);
        self.bytes.truncate(held + read.as_ref().copied().unwrap_or(0));
        match read {
            Ok(0) => Ok(Filled::Closed),
            Ok(_) => Ok(Filled::Some),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Filled::Nothing),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Filled::Some),
            Err(error) => Err(error),
        }
    }

    /// The next whole packet, without taking it. Empty ones are passed over.
    pub(crate) fn peek(&mut self) -> Result<Option<&[u8]>, TooLong> {
        loop {
            let [high, low, rest @ ..] = &self.bytes[self.taken..] else { return Ok(None) };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            match length {
                0 => self.taken += 2,
                _ if length > TCP_FRAME_MAX => return Err(TooLong),
                _ if rest.len() < length => return Ok(None),
                _ => return Ok(Some(&self.bytes[self.taken + 2..][..length])),
            }
        }
    }

    /// Takes the next whole packet.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let Some(length) = self.peek()?.map(<[u8]>::len) else { return Ok(None) };
        let start = self.taken + 2;
        self.taken = start + length;
        Ok(Some(&self.bytes[start..self.taken]))
    }

    /// Gives back memory that nothing stands in.
    pub(crate) fn rest(&mut self) {
        if self.taken == self.bytes.len() {
            *self = Self::default();
        }
    }
}

/// What waits to be sent.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    bytes: Vec<u8>,
    /// Up to here it was sent.
    sent: usize,
}

/// What a write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    All,
    Part,
    /// The other end takes nothing.
    Nothing,
}

impl Framer {
    /// Bytes that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Appends a packet unless more than `limit` bytes would wait then, or its length can't be written.
    pub(crate) fn push(&mut self, packet: &[u8], limit: usize) -> bool {
        let Ok(length) = u16::try_from(packet.len()) else { return false };
        if self.waiting() + 2 + packet.len() > limit {
            return false;
        }
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(packet);
        true
    }

    /// Writes what the other end takes.
    pub(crate) fn flush(&mut self, stream: &mut impl Write) -> io::Result<Written> {
        let mut written = Written::Nothing;
        while self.waiting() > 0 {
            match stream.write(&self.bytes[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.sent += count;
                    written = Written::Part;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.bytes.drain(..std::mem::take(&mut self.sent));
                    return Ok(written);
                }
                Err(error) => return Err(error),
            }
        }
        self.bytes.clear();
        self.sent = 0;
        Ok(Written::All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of this size.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let (piece, rest) = self.0.split_at(self.1.min(self.0.len()).min(buffer.len()));
            buffer[..piece.len()].copy_from_slice(piece);
            self.0 = rest;
            Ok(piece.len())
        }
    }

    fn framed(packets: &[Vec<u8>]) -> Vec<u8> {
        packets.iter().flat_map(|packet| [&(packet.len() as u16).to_be_bytes()[..], packet].concat()).collect()
    }

    #[test]
    fn packets_come_out_whole_however_the_stream_is_cut() {
        let packets: Vec<Vec<u8>> = [1, 2, 100, 1200, TCP_FRAME_MAX, 3].iter().map(|length| vec![*length as u8; *length]).collect();
        let stream = framed(&packets);
        for piece in [1, 2, 3, 7, 1201, 4096, stream.len()] {
            let (mut source, mut deframer, mut out) = (Pieces(&stream, piece), Deframer::default(), vec![]);
            while deframer.fill(&mut source).expect("readable") == Filled::Some {
                while let Some(packet) = deframer.next().expect("short enough") {
                    out.push(packet.to_vec());
                }
            }
            assert_eq!(out, packets, "in pieces of {piece}");
            deframer.rest();
            assert_eq!(deframer.bytes.capacity(), 0);
        }
    }

    #[test]
    fn a_packet_that_is_too_long_is_known_by_its_length_alone() {
        let mut deframer = Deframer::default();
        let head = (TCP_FRAME_MAX as u16 + 1).to_be_bytes();
        assert_eq!(deframer.fill(&mut Pieces(&head, 2)).expect("readable"), Filled::Some);
        assert_eq!(deframer.next(), Err(TooLong));
    }

    #[test]
    fn empty_packets_are_passed_over_and_a_peek_takes_nothing() {
        let mut deframer = Deframer::default();
        deframer.fill(&mut Pieces(&[0, 0, 0, 0, 0, 1, 9, 0], 8)).expect("readable");
        assert_eq!(deframer.peek(), Ok(Some(&[9][..])));
        assert_eq!(deframer.next(), Ok(Some(&[9][..])));
        assert_eq!(deframer.next(), Ok(None));
    }

    /// Takes so many bytes, then no more.
    struct Takes(Vec<u8>, usize);

    impl Write for Takes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.1);
            if count == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.1 -= count;
            self.0.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_whole_and_the_stream_stays_in_step() {
        let (mut framer, mut sink, mut kept) = (Framer::default(), Takes(vec![], 0), vec![]);
        for n in 0..200_u8 {
            let packet = vec![n; 50 + usize::from(n)];
            if framer.push(&packet, 1_000) {
                kept.push(packet);
            }
            sink.1 += 37;
            framer.flush(&mut sink).expect("writable");
            assert!(framer.waiting() <= 1_000);
        }
        assert!(kept.len() < 150 && kept.len() > 20, "{}", kept.len());
        sink.1 = usize::MAX;
        assert_eq!(framer.flush(&mut sink).expect("writable"), Written::All);
        assert_eq!(sink.0, framed(&kept));
    }
}
