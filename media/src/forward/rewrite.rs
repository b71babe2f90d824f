//! One slot's numbering: sources come and go, the receiver sees one stream.
//!
//! ```text
//! source A   seq 700 701 702 | (unbound)
//! source B                   |   9000 9001 …
//! slot       seq  31  32  33 |     34   35       last + 1
//!            ts  t0 ……………… t1 | t1 + elapsed …
//! ```
//!
//! A segment is a run of packets of one SSRC with constant offsets, so gaps stay gaps and the receiver can ask for what is
//! missing. Invariant: a segment starts right behind the newest packet of the one before, and video starts with a key frame.

use super::guard::Starts;
use super::layer::Clock;
use crate::Kind;
use std::time::{Duration, Instant};
use str0m::rtp::{Ssrc, Vp8Descriptor, Vp8Patch};

/// What the rewriting needs to know of a packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming<'a> {
    pub(crate) ssrc: Ssrc,
    /// With its roll-over counter.
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    /// Whether decoding can start with this packet. Always true for audio.
    pub(crate) starts_decoding: bool,
    pub(crate) vp8: Option<&'a Vp8Descriptor>,
    /// The publisher's clock, where a sender report told it.
    pub(crate) clock: Option<Clock>,
}

/// The numbers that the packet gets on the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) vp8: Option<Vp8Patch>,
    pub(crate) starts: Starts,
}

/// Why a packet isn't forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// The slot needs a key frame first.
    AwaitsKeyFrame,
    /// The packet is older than the point of the switch.
    BeforeSwitch,
}

/// The numbering of one slot.
#[derive(Debug)]
pub(crate) struct Rewriter {
    clock_hz: u32,
    newest: Option<Newest>,
    segment: Option<Segment>,
    /// The segment before, when it was another layer of the same track: its clock is the same camera's.
    sibling: Option<Segment>,
    start: u16,
}

/// The newest packet that went out.
#[derive(Debug, Clone, Copy)]
struct Newest {
    sequence: u64,
    timestamp: u32,
    at: Instant,
    vp8: Vp8Numbers,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    ssrc: Ssrc,
    first: u64,
    sequence_base: u64,
    timestamp_offset: u32,
    vp8_offset: Vp8Numbers,
    clock: Option<Clock>,
}

/// VP8 numbers, or offsets between them, modulo their widths (RFC 7741 §4.2: 15, 8 and 5 bits).
#[derive(Debug, Clone, Copy, Default)]
struct Vp8Numbers {
    picture_id: u16,
    tl0_pic_idx: u8,
    key_idx: u8,
}

impl Rewriter {
    /// `start` picks the first sequence number; any value will do, for SRTP hides it.
    pub(crate) fn new(kind: Kind, start: u32) -> Self {
        let clock_hz = match kind {
            Kind::Audio => 48_000,
            Kind::Video => 90_000,
        };
        // Far from the first roll-over: a receiver that joins SRTP late must be able to assume a counter of zero.
        Self { clock_hz, newest: None, segment: None, sibling: None, start: (start & 0x3fff) as u16 }
    }

    /// The next packet belongs to another source, or to the same one after a pause.
    pub(crate) fn switch(&mut self) {
        self.segment = None;
        self.sibling = None;
    }

    /// The next packet belongs to another layer of the same track.
    pub(crate) fn switch_layer(&mut self) {
        self.sibling = self.segment.take();
    }

    /// Numbers a packet that came at `now`.
    pub(crate) fn rewrite(&mut self, packet: &Incoming<'_>, now: Instant) -> Result<Outgoing, Held> {
        let running = self.segment.filter(|segment| segment.ssrc == packet.ssrc);
        let (segment, starts) = match running {
            Some(segment) => (self.keep_clock(segment, packet.clock), Starts::No),
            None if packet.starts_decoding => (self.start_segment(packet, now), Starts::Yes),
            None => {
                self.segment = None;
                return Err(Held::AwaitsKeyFrame);
            }
        };
        let Some(since_first) = packet.sequence.checked_sub(segment.first) else {
            return Err(Held::BeforeSwitch);
        };
        let sequence = segment.sequence_base + since_first;
        let timestamp = packet.timestamp.wrapping_add(segment.timestamp_offset);
        let vp8 = packet.vp8.map(|descriptor| segment.vp8_offset.added_to(descriptor));
        if self.newest.is_none_or(|newest| sequence > newest.sequence) {
            let before = self.newest.map(|newest| newest.vp8).unwrap_or_default();
            self.newest = Some(Newest { sequence, timestamp, at: now, vp8: vp8.unwrap_or(before) });
        }
        let patch = packet.vp8.zip(vp8).and_then(|(descriptor, numbers)| numbers.patch(descriptor));
        Ok(Outgoing { sequence, timestamp, vp8: patch, starts })
    }

    fn keep_clock(&mut self, segment: Segment, clock: Option<Clock>) -> Segment {
        if segment.clock == clock {
            return segment;
        }
        let segment = Segment { clock, ..segment };
        self.segment = Some(segment);
        segment
    }

    fn start_segment(&mut self, packet: &Incoming<'_>, now: Instant) -> Segment {
        let (sequence_base, timestamp, vp8) = match self.newest {
            Some(newest) => (newest.sequence + 1, self.timestamp_after(newest, packet, now), newest.vp8.next()),
            None => (u64::from(self.start), packet.timestamp, Vp8Numbers::default()),
        };
        let segment = Segment {
            ssrc: packet.ssrc,
            first: packet.sequence,
            sequence_base,
            timestamp_offset: timestamp.wrapping_sub(packet.timestamp),
            vp8_offset: packet.vp8.map(|descriptor| vp8.offset_from(descriptor)).unwrap_or_default(),
            clock: packet.clock,
        };
        self.segment = Some(segment);
        self.sibling = None;
        segment
    }

    /// When the first frame of a segment was taken, on the slot's clock: by the publisher's sender reports for another layer of one camera, whose
    /// frames are the same moments under other timestamps; else by the time that passed.
    fn timestamp_after(&self, newest: Newest, packet: &Incoming<'_>, now: Instant) -> u32 {
        let passed = now.saturating_duration_since(newest.at);
        let by_passing = newest.timestamp.wrapping_add(ticks(passed, self.clock_hz));
        let Some((before, (from, to))) = self.sibling.and_then(|before| Some((before, before.clock.zip(packet.clock)?))) else {
            return by_passing;
        };
        let apart = to.wall.as_micros() as i128 - from.wall.as_micros() as i128;
        let apart = (apart * i128::from(self.clock_hz) / 1_000_000) as u32;
        let into = packet.timestamp.wrapping_sub(to.timestamp);
        let by_clock = from.timestamp.wrapping_add(apart).wrapping_add(into).wrapping_add(before.timestamp_offset);
        let off_by = by_clock.wrapping_sub(by_passing).cast_signed().unsigned_abs();
        // The layers' encoders run within a frame of each other. What is further off is no clock to trust.
        if off_by > self.clock_hz {
            return by_passing;
        }
        let forward = by_clock.wrapping_sub(newest.timestamp).cast_signed();
        if forward > 0 { by_clock } else { newest.timestamp.wrapping_add(1) }
    }
}

impl Vp8Numbers {
    fn next(self) -> Self {
        Self {
            picture_id: self.picture_id.wrapping_add(1) & 0x7fff,
            tl0_pic_idx: self.tl0_pic_idx.wrapping_add(1),
            key_idx: self.key_idx.wrapping_add(1) & 0x1f,
        }
    }

    fn offset_from(self, descriptor: &Vp8Descriptor) -> Self {
        Self {
            picture_id: self.picture_id.wrapping_sub(descriptor.picture_id().unwrap_or(0)) & 0x7fff,
            tl0_pic_idx: self.tl0_pic_idx.wrapping_sub(descriptor.tl0_pic_idx().unwrap_or(0)),
            key_idx: self.key_idx.wrapping_sub(descriptor.key_idx().unwrap_or(0)) & 0x1f,
        }
    }

    fn added_to(self, descriptor: &Vp8Descriptor) -> Self {
        Self {
            picture_id: self.picture_id.wrapping_add(descriptor.picture_id().unwrap_or(0)) & 0x7fff,
            tl0_pic_idx: self.tl0_pic_idx.wrapping_add(descriptor.tl0_pic_idx().unwrap_or(0)),
            key_idx: self.key_idx.wrapping_add(descriptor.key_idx().unwrap_or(0)) & 0x1f,
        }
    }

    fn patch(self, descriptor: &Vp8Descriptor) -> Option<Vp8Patch> {
        let with = |wide: bool| {
            let mut patch = descriptor.patch();
            if descriptor.picture_id().is_some() {
                patch = patch.picture_id(if wide { self.picture_id } else { self.picture_id & 0x7f });
            }
            if descriptor.tl0_pic_idx().is_some() {
                patch = patch.tl0_pic_idx(self.tl0_pic_idx);
            }
            if descriptor.key_idx().is_some() {
                patch = patch.key_idx(self.key_idx);
            }
            patch.build().ok()
        };
        // A sender of 7-bit picture ids has no room for the upper bits; it also wraps at 7 bits, so the low ones stay continuous.
        with(true).or_else(|| with(false))
    }
}

fn ticks(elapsed: Duration, clock_hz: u32) -> u32 {
    let ticks = elapsed.as_micros() * u128::from(clock_hz) / 1_000_000;
    // At least one: two frames must not share a timestamp.
    (ticks as u32).max(1)
}

#[cfg(test)]
#[path = "rewrite_tests.rs"]
mod tests;
