//! What a client receives: counted by SSRC and sequence number without opening it, but for every sixteenth packet of a source, whose time of
//! sending gives the latency.

use crate::rtcp::Block;
use crate::source;
use crate::srtp::{self, Context};
use std::time::Duration;

/// One packet in this many is opened.
const SAMPLED: u64 = 16;
/// Most arrivals that one feedback tells of. A client receives less than 100 between two.
const ARRIVALS_MAX: usize = 400;
/// Sequence numbers start below 2^16 in each SFU here, so that unwrapped ones can't fall below zero.
const START: u64 = 1 << 16;

/// Of all clients, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    pub packets: u64,
    pub bytes: u64,
    /// Behind a later one of its source: repeated or out of order. Not in `packets`.
    pub late: u64,
    pub samples: u64,
    /// Samples that didn't open.
    pub broken: u64,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    highest: u64,
}

/// Of one client.
#[derive(Debug, Default)]
pub struct Inbound {
    streams: Vec<Stream>,
    /// Transport-wide numbers and arrival times since the last feedback.
    arrivals: Vec<(u16, Duration)>,
    feedbacks: u8,
}

impl Inbound {
    /// Counts a packet of main media; `payload_types` are those of audio and video, anything else is repair or probing. Returns the latency of
    /// a sample.
    pub fn take(
        &mut self,
        packet: &mut [u8],
        at: Duration,
        transport_cc: Option<u8>,
        payload_types: [u8; 2],
        keys: &Context,
        total: &mut Received,
    ) -> Option<Duration> {
        let header: &[u8; 12] = packet.first_chunk()?;
        let (payload_type, number) = (header[1] & 0x7f, u16::from_be_bytes([header[2], header[3]]));
        let ssrc = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
        if let Some(number) = transport_cc.and_then(|id| transport_number(packet, id)) {
            self.arrived(number, at);
        }
        if !payload_types.contains(&payload_type) {
            return None;
        }
        let highest = self.advance(ssrc, number, total)?;
        total.packets += 1;
        total.bytes += packet.len() as u64;
        if !highest.is_multiple_of(SAMPLED) {
            return None;
        }
        total.samples += 1;
        let roc = ((highest - START) >> 16) as u32;
        let sent = keys.open_rtp(packet, roc).and_then(source::stamp);
        if sent.is_none() {
            total.broken += 1;
        }
        Some(at.saturating_sub(sent?))
    }

    /// The unwrapped sequence number; `None` when it isn't the highest.
    fn advance(&mut self, ssrc: u32, number: u16, total: &mut Received) -> Option<u64> {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) else {
            let highest = START + u64::from(number);
            self.streams.push(Stream { ssrc, highest });
            return Some(highest);
        };
        let ahead = number.wrapping_sub(stream.highest as u16);
        if ahead == 0 || ahead >= 0x8000 {
            total.late += 1;
            return None;
        }
        stream.highest += u64::from(ahead);
        Some(stream.highest)
    }

    fn arrived(&mut self, number: u16, at: Duration) {
        let behind = self.arrivals.last().is_some_and(|(last, _)| number.wrapping_sub(*last).wrapping_sub(1) >= 0x7fff);
        if !behind && self.arrivals.len() < ARRIVALS_MAX {
            self.arrivals.push((number, at));
        }
    }

    pub fn blocks(&self) -> Vec<Block> {
        self.streams.iter().map(|stream| Block { ssrc: stream.ssrc, highest: stream.highest as u32 }).collect()
    }

    /// What the next transport-wide feedback tells: its number, a source that it names, the arrivals.
    pub fn take_arrivals(&mut self) -> (u8, u32, Vec<(u16, Duration)>) {
        self.feedbacks = self.feedbacks.wrapping_add(1);
        let media = self.streams.first().map_or(0, |stream| stream.ssrc);
        (self.feedbacks, media, std::mem::take(&mut self.arrivals))
    }
}

/// The transport-wide number in a one-byte header extension.
fn transport_number(packet: &[u8], id: u8) -> Option<u16> {
    let end = srtp::header_len(packet)?;
    let start = 12 + 4 * usize::from(packet[0] & 0x0f);
    let (0xBE, 0xDE) = (*packet.get(start)?, *packet.get(start + 1)?) else { return None };
    let mut rest = packet.get(start + 4..end)?;
    while let Some((&first, value)) = rest.split_first() {
        // Padding is one byte (RFC 8285 §4.2).
        if first == 0 {
            rest = value;
            continue;
        }
        let length = usize::from(first & 0x0f) + 1;
        if first >> 4 == id {
            return Some(u16::from_be_bytes([*value.first()?, *value.get(1)?]));
        }
        rest = value.get(length..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::{Extensions, Kind};
    use crate::source::Source;
    use crate::srtp::Master;

    #[test]
    fn packets_are_counted_once_and_samples_give_their_age() {
        let keys = Context::new(&Master { key: vec![1; 16], salt: [2; 12] }).unwrap();
        let extensions = Extensions { level: None, transport_cc: Some(2), mid: Some(3) };
        let mut source = Source::new(Kind::Video, 7, extensions, Some("1".into()), None);
        let (mut inbound, mut total, mut number) = (Inbound::default(), Received::default(), 0);
        let mut ages = vec![];
        for n in 0..32 {
            let mut packet = vec![];
            let roc = source.write(n % 6, &mut number, &mut packet);
            keys.seal_rtp(&mut packet, 0, roc).unwrap();
            let at = source::now() + Duration::from_millis(5);
            for _ in 0..2 {
                ages.extend(inbound.take(&mut packet.clone(), at, Some(2), [111, 96], &keys, &mut total));
            }
        }
        assert_eq!((total.packets, total.late, total.samples, total.broken), (32, 32, 2, 0));
        assert!(ages.iter().all(|age| (5..500).contains(&age.as_millis())), "{ages:?}");
        assert_eq!(inbound.blocks()[0].highest, START as u32 + 31);
        let (_, media, arrivals) = inbound.take_arrivals();
        assert_eq!((media, arrivals.len(), arrivals[31].0), (7, 32, 31));
    }

    #[test]
    fn numbers_go_on_past_sixteen_bits() {
        let (mut inbound, mut total) = (Inbound::default(), Received::default());
        for number in [65_534, 65_535, 0, 65_535, 3] {
            inbound.advance(7, number, &mut total);
        }
        assert_eq!((inbound.streams[0].highest, total.late), (START + 65_539, 1));
    }
}
