//! What arrived on one receive slot: who sent it, how much of it is missing, how long it took.
//!
//! Loss is counted by the sender's own packet numbers (see [`Stamp`]), not by RTP sequence numbers: an SFU that dropped a packet
//! and renumbered the rest would hide it there. A retransmission counts as arrived; a duplicate counts once.

use crate::histogram::Histogram;
use crate::source::{Stamp, begins_key_frame};
use bytes::Bytes;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use std::collections::BTreeMap;

/// How far behind the newest packet a late one still counts: 6 s of video at 170 packets/s.
const WINDOW: u32 = 1_024;

/// One subscriber's view of one publisher's track.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Packets that arrived, each counted once.
    pub received: u64,
    /// Whether the first packet to arrive began a key frame; always false for audio.
    pub starts_with_key_frame: bool,
    /// Key frames begun. Without one, nothing can be decoded.
    pub key_frames: u64,
    /// When the first key frame began to arrive, in microseconds since the epoch.
    pub first_key_us: Option<u64>,
    /// From the sender's call to write to the receiver's hands, in microseconds.
    pub latency_us: Histogram,
    /// When the first packet arrived, in microseconds since the epoch.
    pub first_us: u64,
    /// When the newest packet arrived.
    pub last_us: u64,
    numbers: Numbers,
}

impl Subscription {
    /// Packets missing between the first and the newest that arrived.
    pub fn lost(&self) -> u64 {
        self.numbers.span().saturating_sub(self.received)
    }

    /// Of what was sent between the first and the newest packet that arrived, 0 – 1.
    pub fn loss(&self) -> f64 {
        self.lost() as f64 / self.numbers.span().max(1) as f64
    }
}

/// One receive m-line.
#[derive(Debug, Clone)]
pub struct Slot {
    pub kind: RtpCodecKind,
    /// By headless user. More than one when the server bound the slot anew.
    pub from: BTreeMap<u32, Subscription>,
    /// Packets without a stamp: padding, or somebody who isn't a headless user.
    pub unstamped: u64,
    newest_from: Option<u32>,
}

impl Slot {
    pub fn new(kind: RtpCodecKind) -> Self {
        Self { kind, from: BTreeMap::new(), unstamped: 0, newest_from: None }
    }

    /// Whether a decoder behind this slot would wait for a key frame: its publisher's video came in without one so far.
    pub fn lacks_key_frame(&self) -> bool {
        let current = self.newest_from.and_then(|user| self.from.get(&user));
        self.kind == RtpCodecKind::Video && current.is_some_and(|subscription| subscription.key_frames == 0)
    }

    /// Counts a packet.
    pub fn record(&mut self, payload: &Bytes, now_us: u64) {
        let Some(stamp) = Stamp::read(payload) else {
            self.unstamped += 1;
            return;
        };
        let key_frame = self.kind == RtpCodecKind::Video && begins_key_frame(payload);
        let subscription = self.from.entry(stamp.user).or_insert_with(|| Subscription {
            received: 0,
            starts_with_key_frame: key_frame,
            key_frames: 0,
            first_key_us: None,
            latency_us: Histogram::default(),
            first_us: now_us,
            last_us: now_us,
            numbers: Numbers::starting(stamp.number),
        });
        self.newest_from = Some(stamp.user);
        if subscription.numbers.insert(stamp.number) {
            subscription.received += 1;
            if key_frame {
                subscription.key_frames += 1;
                subscription.first_key_us.get_or_insert(now_us);
            }
            subscription.last_us = now_us;
            subscription.latency_us.record(now_us.saturating_sub(stamp.sent_us));
        }
    }
}

/// The set of packet numbers seen, exact for the newest [`WINDOW`].
#[derive(Debug, Clone)]
struct Numbers {
    first: u32,
    newest: u32,
    /// Bit `n % WINDOW`, for the newest `WINDOW` numbers.
    seen: [u64; (WINDOW / 64) as usize],
}

impl Numbers {
    fn starting(number: u32) -> Self {
        Self { first: number, newest: number, seen: [0; (WINDOW / 64) as usize] }
    }

    /// How many numbers there are from the first to the newest.
    fn span(&self) -> u64 {
        u64::from(self.newest - self.first) + 1
    }

    /// False for a duplicate, or for one too late to tell.
    fn insert(&mut self, number: u32) -> bool {
        if number > self.newest {
            let ahead = (number - self.newest).min(WINDOW);
            for skipped in 1..=ahead {
                let (word, bit) = Self::place(self.newest.wrapping_add(skipped));
                self.seen[word] &= !bit;
            }
            if ahead == WINDOW {
                self.seen = [0; (WINDOW / 64) as usize];
            }
            self.newest = number;
        } else if self.newest - number >= WINDOW {
            return false;
        }
        self.first = self.first.min(number);
        let (word, bit) = Self::place(number);
        let fresh = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        fresh
    }

    fn place(number: u32) -> (usize, u64) {
        let index = number % WINDOW;
        ((index / 64) as usize, 1 << (index % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{AudioSource, FrameKind, VideoSource};

    fn audio(count: usize) -> Vec<Bytes> {
        let mut source = AudioSource::new(1, 5, 50);
        (0..count).map(|n| source.next(n as u64).0.payload).collect()
    }

    #[test]
    fn a_gapless_stream_has_no_loss() {
        let mut slot = Slot::new(RtpCodecKind::Audio);
        for payload in audio(5_000) {
            slot.record(&payload, 10_000);
        }
        let subscription = &slot.from[&1];
        assert_eq!((subscription.received, subscription.lost()), (5_000, 0));
        assert_eq!(slot.unstamped, 0);
    }

    #[test]
    fn missing_packets_are_lost_and_a_retransmission_mends_one() {
        let packets = audio(100);
        let mut slot = Slot::new(RtpCodecKind::Audio);
        for (number, payload) in packets.iter().enumerate().filter(|(number, _)| ![10, 20, 30, 40].contains(number)) {
            slot.record(payload, number as u64);
        }
        assert_eq!((slot.from[&1].received, slot.from[&1].lost()), (96, 4));
        assert!((slot.from[&1].loss() - 0.04).abs() < 1e-9);
        slot.record(&packets[20], 200);
        slot.record(&packets[20], 201);
        assert_eq!((slot.from[&1].received, slot.from[&1].lost()), (97, 3), "a duplicate counts once");
    }

    #[test]
    fn a_gap_longer_than_the_window_is_all_loss() {
        let packets = audio(3_000);
        let mut slot = Slot::new(RtpCodecKind::Audio);
        slot.record(&packets[0], 0);
        slot.record(&packets[2_999], 0);
        slot.record(&packets[1], 0);
        assert_eq!((slot.from[&1].received, slot.from[&1].lost()), (2, 2_998));
        slot.record(&packets[2_998], 0);
        assert_eq!(slot.from[&1].lost(), 2_997);
    }

    #[test]
    fn a_late_packet_before_the_first_widens_the_span() {
        let packets = audio(4);
        let mut slot = Slot::new(RtpCodecKind::Audio);
        for number in [2, 3, 0] {
            slot.record(&packets[number], 0);
        }
        assert_eq!((slot.from[&1].received, slot.from[&1].lost()), (3, 1));
    }

    #[test]
    fn a_slot_bound_anew_keeps_its_publishers_apart() {
        let mut slot = Slot::new(RtpCodecKind::Video);
        let mut first = VideoSource::new(1, 5, 60);
        let mut second = VideoSource::new(2, 6, 60);
        let skipped = second.next(0, FrameKind::Key);
        assert_eq!(skipped.len(), 2);
        for payload in first.next(0, FrameKind::Key).into_iter().chain(second.next(0, FrameKind::Delta)).map(|packet| packet.payload) {
            slot.record(&payload, 0);
        }
        assert!(slot.from[&1].starts_with_key_frame);
        assert!(!slot.from[&2].starts_with_key_frame);
        assert_eq!((slot.from[&1].received, slot.from[&2].received), (2, 2));
        assert_eq!((slot.from[&1].key_frames, slot.from[&2].lost()), (1, 0));
        assert_eq!(slot.from[&2].first_key_us, None);
        assert!(slot.lacks_key_frame(), "the newest publisher's is missing");
        slot.record(&second.next(0, FrameKind::Key)[0].payload, 7);
        assert_eq!((slot.lacks_key_frame(), slot.from[&2].first_key_us), (false, Some(7)));
    }

    #[test]
    fn packets_without_a_stamp_are_counted_apart() {
        let mut slot = Slot::new(RtpCodecKind::Video);
        slot.record(&Bytes::from_static(b"padding"), 0);
        assert_eq!((slot.unstamped, slot.from.len()), (1, 0));
    }
}
