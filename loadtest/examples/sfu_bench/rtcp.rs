//! The RTCP that a browser sends and that an SFU acts on (RFC 3550, RFC 4585, transport-wide congestion control), and the requests for a
//! key frame that it sends back.

use std::time::Duration;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
/// Report blocks that fit one packet.
const BLOCKS_MAX: usize = 31;
/// Seconds from 1900 to 1970.
const NTP_EPOCH: u64 = 2_208_988_800;
/// Of a delta in transport-wide feedback.
const TICK_US: i64 = 250;
/// Of its reference time.
const REFERENCE_US: i64 = 64_000;

/// What one report says of a source that is received.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    pub ssrc: u32,
    pub highest: u32,
}

/// What was sent so far on a source.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub ssrc: u32,
    pub timestamp: u32,
    pub packets: u32,
    pub bytes: u32,
}

/// A report for each source sent, or an empty one, with what is received in the first: nothing lost, no jitter.
pub fn reports(own: u32, sent: &[Sent], received: &[Block], now: Duration) -> Vec<u8> {
    let blocks = &received[..received.len().min(BLOCKS_MAX)];
    let mut packet = vec![];
    match sent.split_first() {
        None => begin(&mut packet, blocks.len(), RECEIVER_REPORT, own),
        Some((first, _)) => sender(&mut packet, blocks.len(), first, now),
    }
    for block in blocks {
        packet.extend(block.ssrc.to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(block.highest.to_be_bytes());
        packet.extend([0; 12]);
    }
    finish(&mut packet, 0);
    for source in sent.iter().skip(1) {
        let start = packet.len();
        sender(&mut packet, 0, source, now);
        finish(&mut packet, start);
    }
    packet
}

fn sender(packet: &mut Vec<u8>, blocks: usize, sent: &Sent, now: Duration) {
    begin(packet, blocks, SENDER_REPORT, sent.ssrc);
    packet.extend(((now.as_secs() + NTP_EPOCH) as u32).to_be_bytes());
    let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
    packet.extend((fraction as u32).to_be_bytes());
    for value in [sent.timestamp, sent.packets, sent.bytes] {
        packet.extend(value.to_be_bytes());
    }
}

/// Arrivals in the order of their transport-wide numbers, as `draft-holmer-rmcat-transport-wide-cc-extensions-01` §3.1 writes them.
/// `None` when there are none. Numbers that are missing in between are reported as lost.
pub fn transport_feedback(own: u32, media: u32, count: u8, arrivals: &[(u16, Duration)]) -> Option<Vec<u8>> {
    let (&(base, first), &(last, _)) = (arrivals.first()?, arrivals.last()?);
    let micros = |at: Duration| at.as_micros() as i64;
    let reference = micros(first) / REFERENCE_US;
    let total = usize::from(last.wrapping_sub(base)) + 1;
    let mut symbols = vec![0_u8; total];
    let (mut deltas, mut previous) = (vec![], reference * REFERENCE_US);
    for (number, at) in arrivals {
        let ticks = ((micros(*at) - previous) / TICK_US).clamp(i64::from(i16::MIN), i64::from(i16::MAX));
        previous += ticks * TICK_US;
        let symbol = &mut symbols[usize::from(number.wrapping_sub(base))];
        match u8::try_from(ticks) {
            Ok(ticks) => {
                *symbol = 1;
                deltas.push(ticks);
            }
            Err(_) => {
                *symbol = 2;
                deltas.extend((ticks as i16).to_be_bytes());
            }
        }
    }
    let mut packet = vec![];
    begin(&mut packet, 15, TRANSPORT_FEEDBACK, own);
    packet.extend(media.to_be_bytes());
    packet.extend(base.to_be_bytes());
    packet.extend((total as u16).to_be_bytes());
    packet.extend(&(reference as u32).to_be_bytes()[1..]);
    packet.push(count);
    for seven in symbols.chunks(7) {
        let vector = (0..7).fold(0b11_u16, |bits, n| (bits << 2) | u16::from(seven.get(n).copied().unwrap_or(0)));
        packet.extend(vector.to_be_bytes());
    }
    packet.extend(deltas);
    packet.resize(packet.len().next_multiple_of(4), 0);
    finish(&mut packet, 0);
    Some(packet)
}

fn begin(packet: &mut Vec<u8>, count: usize, kind: u8, ssrc: u32) {
    packet.extend([0x80 | count as u8, kind, 0, 0]);
    packet.extend(ssrc.to_be_bytes());
}

fn finish(packet: &mut [u8], start: usize) {
    let words = ((packet.len() - start) / 4 - 1) as u16;
    packet[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

/// What an SFU asks of a sender.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    pub key_frames: u64,
    pub repeats: u64,
}

/// Counts the requests in a compound packet.
pub fn asked(mut compound: &[u8]) -> Asked {
    let mut asked = Asked::default();
    while let [first, kind, high, low, ..] = *compound {
        let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
        match (kind, first & 0x1f) {
            (PAYLOAD_FEEDBACK, 1 | 4) => asked.key_frames += 1,
            (TRANSPORT_FEEDBACK, 1) => asked.repeats += 1,
            _ => {}
        }
        compound = compound.get(length..).unwrap_or_default();
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_whole_words_and_name_what_is_received() {
        let sent = Sent { ssrc: 1, timestamp: 2, packets: 3, bytes: 4 };
        let packet = reports(9, &[sent, sent], &[Block { ssrc: 5, highest: 6 }], Duration::from_secs(1));
        assert_eq!(packet.len(), 28 + 24 + 28);
        assert_eq!((packet[0], packet[1], packet[3], packet[53]), (0x81, 200, 12, 200));
        assert_eq!(reports(9, &[], &[], Duration::ZERO), [0x80, 201, 0, 1, 0, 0, 0, 9]);
    }

    #[test]
    fn feedback_has_a_delta_for_each_arrival_and_a_hole_for_a_loss() {
        let at = |ms: u64| Duration::from_millis(64 + ms);
        let packet = transport_feedback(1, 2, 7, &[(10, at(0)), (12, at(1)), (13, at(101))]).unwrap();
        assert_eq!(&packet[12..20], &[0, 10, 0, 4, 0, 0, 1, 7]);
        // Received, lost, received, received with a large delta: 01 00 01 10, then fill.
        assert_eq!(&packet[20..22], &0b11_01_00_01_10_00_00_00_u16.to_be_bytes());
        assert_eq!(&packet[22..26], &[0, 4, 1, 0x90]);
        assert_eq!(usize::from(packet[3]) * 4 + 4, packet.len());
    }

    #[test]
    fn requests_are_found_anywhere_in_a_compound() {
        let empty = [0x80, 201, 0, 1, 0, 0, 0, 9];
        let pli = [0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 1];
        let nack = [0x81, 205, 0, 3, 0, 0, 0, 9, 0, 0, 0, 1, 0, 1, 0, 0];
        let compound: Vec<u8> = empty.into_iter().chain(pli).chain(nack).collect();
        assert_eq!(asked(&compound), Asked { key_frames: 1, repeats: 1 });
        assert_eq!(asked(&[0x80]), Asked::default());
    }
}
