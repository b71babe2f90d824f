//! One direction of a network path: a queue in front of a bottleneck, then delay, with losses.

use std::collections::VecDeque;
use std::time::{Duration, Instant};
use str0m::rtp::Ssrc;

/// Bytes of IPv4 and UDP headers, which a bottleneck carries too.
const OVERHEAD: usize = 28;

/// What a link does, from some moment on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conditions {
    pub(super) capacity_bps: u64,
    /// Share of packets lost at random, behind the queue.
    pub(super) loss: f64,
    /// Nothing gets through.
    pub(super) dark: bool,
}

impl Conditions {
    pub(super) const WIDE: Self = Self { capacity_bps: 50_000_000, loss: 0.0, dark: false };
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Arrives,
    /// Lost by chance or in the dark.
    Lost,
    /// The queue was full.
    Overflowed,
}

/// One packet in the books.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) at: Instant,
    /// Of RTP packets.
    pub(super) ssrc: Option<Ssrc>,
    pub(super) bytes: usize,
    /// How long it waited for the bottleneck.
    pub(super) waited: Duration,
    pub(super) fate: Fate,
}

pub(super) struct Link {
    pub(super) conditions: Conditions,
    pub(super) book: Vec<Entry>,
    delay: Duration,
    /// Longest that the queue holds a packet.
    queue: Duration,
    noise: u64,
    free_at: Option<Instant>,
    flying: VecDeque<(Instant, Vec<u8>)>,
}

impl Link {
    pub(super) fn new(seed: u64, delay: Duration, queue: Duration) -> Self {
        let noise = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Self { conditions: Conditions::WIDE, book: vec![], delay, queue, noise, free_at: None, flying: VecDeque::new() }
    }

    pub(super) fn send(&mut self, packet: Vec<u8>, now: Instant) {
        let starts = self.free_at.map_or(now, |free| free.max(now));
        let waited = starts - now;
        let is_rtp = packet.len() > 12 && (128..192).contains(&packet[0]) && !(64..96).contains(&(packet[1] & 0x7f));
        let ssrc = is_rtp.then(|| u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]).into());
        let mut entry = Entry { at: now, ssrc, bytes: packet.len(), waited, fate: Fate::Arrives };
        if waited > self.queue {
            entry.fate = Fate::Overflowed;
            self.book.push(entry);
            return;
        }
        let bits = (packet.len() + OVERHEAD) as f64 * 8.0;
        let leaves = starts + Duration::from_secs_f64(bits / self.conditions.capacity_bps as f64);
        self.free_at = Some(leaves);
        if self.conditions.dark || self.chance() < self.conditions.loss {
            entry.fate = Fate::Lost;
        } else {
            self.flying.push_back((leaves + self.delay, packet));
        }
        self.book.push(entry);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.flying.front().map(|(at, _)| *at)
    }

    pub(super) fn arrived(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.next()? > now {
            return None;
        }
        self.flying.pop_front().map(|(_, packet)| packet)
    }

    /// Repeatable noise (xorshift) from 0 to 1.
    fn chance(&mut self) -> f64 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        (self.noise >> 11) as f64 / (1u64 << 53) as f64
    }
}
