//! What arrived on one receive slot: who sent it, how much of it is missing, how long it took, and what could be shown of it.
//!
//! Loss is counted by the sender's own packet numbers (see [`Stamp`]), not by RTP sequence numbers: an SFU that dropped a packet
//! and renumbered the rest would hide it there. A retransmission counts as arrived; a duplicate counts once. Packets of one layer in a row
//! are a run: what an SFU leaves out between two runs, because it forwards another layer or nothing, is not lost.

use crate::decoder::Decoder;
use crate::source::{Origin, Stamp, begins_key_frame};
use crate::tally::Arrival;
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
    /// Packets that should have arrived: in each run, from the first to the newest that did.
    pub expected: u64,
    /// Whether the first packet to arrive began a key frame; always false for audio.
    pub starts_with_key_frame: bool,
    /// Key frames begun.
    pub key_frames: u64,
    /// Frames that could be shown.
    pub frames: u64,
    /// When the first packet arrived, in microseconds since the run's start.
    pub first_us: u64,
    /// When the first frame could be shown.
    pub first_frame_us: Option<u64>,
    /// When the newest frame could be shown.
    pub last_frame_us: Option<u64>,
    run: Run,
    /// The run before, for packets that come late.
    previous: Option<Run>,
}

impl Subscription {
    /// Packets missing.
    pub fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.received)
    }

    /// Of what should have arrived, 0 – 1.
    pub fn loss(&self) -> f64 {
        self.lost() as f64 / self.expected.max(1) as f64
    }
}

/// One receive m-line.
#[derive(Debug, Clone)]
pub struct Slot {
    pub kind: RtpCodecKind,
    /// By publisher. More than one when the server bound the slot anew.
    pub from: BTreeMap<Origin, Subscription>,
    newest_from: Option<Origin>,
    /// The server said that it stops forwarding for a while: the next packet begins a run.
    paused: bool,
}

/// What a packet changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Padding, or somebody who isn't a headless user.
    Unstamped,
    Packet {
        from: Origin,
        arrival: Arrival,
        /// Frames that can be shown now and couldn't be before.
        frames: u32,
        /// The time without a new frame that this packet ended; `None` when it ended none.
        gap_us: Option<u64>,
    },
}

impl Slot {
    pub fn new(kind: RtpCodecKind) -> Self {
        Self { kind, from: BTreeMap::new(), newest_from: None, paused: false }
    }

    /// Whether a decoder behind this slot waits for a key frame.
    pub fn wants_key_frame(&self, now_us: u64) -> bool {
        let current = self.newest_from.and_then(|from| self.from.get(&from));
        self.kind == RtpCodecKind::Video && current.is_some_and(|subscription| subscription.run.decoder.wants_key_frame(now_us))
    }

    /// Whose packets came last.
    pub fn current(&self) -> Option<Origin> {
        self.newest_from
    }

    /// The server forwards nothing on this slot until further notice: what it leaves out is not lost.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// Counts a packet.
    pub fn record(&mut self, payload: &Bytes, now_us: u64) -> Heard {
        let Some(stamp) = Stamp::read(payload) else { return Heard::Unstamped };
        let key_frame = self.kind == RtpCodecKind::Video && begins_key_frame(payload);
        let latency_us = now_us.saturating_sub(stamp.sent_us);
        let mut arrival = Arrival { at_us: now_us, latency_us, bytes: payload.len() as u64, expected: 0, fresh: false };
        let (mut frames, mut gap_us) = (0, None);
        let rebound = self.newest_from.replace(stamp.origin).is_some_and(|before| before != stamp.origin);
        let subscription = self.from.entry(stamp.origin).or_insert_with(|| Subscription::starting(&stamp, key_frame, now_us));
        if rebound && subscription.is_newer(&stamp) {
            // The slot showed somebody else meanwhile: what it left out is not lost, and nobody saw a standing picture.
            subscription.begin_run(&stamp);
            subscription.last_frame_us = None;
        }
        if let Some((run, already_expected)) = subscription.run_of(&stamp, &mut self.paused) {
            let (fresh, advance) = run.numbers.insert(stamp.number);
            arrival.fresh = fresh;
            arrival.expected = advance + already_expected;
            if fresh && self.kind == RtpCodecKind::Video {
                frames = run.decoder.take(&stamp, key_frame, now_us);
            }
        }
        subscription.expected += arrival.expected;
        if arrival.fresh {
            subscription.received += 1;
            subscription.key_frames += u64::from(key_frame);
        }
        if frames > 0 {
            gap_us = subscription.last_frame_us.replace(now_us).map(|last_us| now_us.saturating_sub(last_us));
            subscription.first_frame_us.get_or_insert(now_us);
            subscription.frames += u64::from(frames);
        }
        Heard::Packet { from: stamp.origin, arrival, frames, gap_us }
    }
}

impl Subscription {
    fn starting(stamp: &Stamp, key_frame: bool, now_us: u64) -> Self {
        Self {
            received: 0,
            expected: 0,
            starts_with_key_frame: key_frame,
            key_frames: 0,
            frames: 0,
            first_us: now_us,
            first_frame_us: None,
            last_frame_us: None,
            run: Run::starting(stamp),
            previous: None,
        }
    }

    /// Whether a packet can't be one that came late.
    fn is_newer(&self, stamp: &Stamp) -> bool {
        stamp.number > self.run.numbers.newest || stamp.sent_us > self.run.began_us && stamp.layer != self.run.layer
    }

    fn begin_run(&mut self, stamp: &Stamp) {
        self.previous = Some(std::mem::replace(&mut self.run, Run::starting(stamp)));
    }

    /// The run that a packet belongs to, and what the packet's mere arrival adds to the expected: 1 for the first of a run. `None` for one
    /// that is too late to tell.
    fn run_of(&mut self, stamp: &Stamp, paused: &mut bool) -> Option<(&mut Run, u64)> {
        let late = stamp.sent_us < self.run.began_us;
        if late {
            return self.previous.as_mut().filter(|run| run.layer == stamp.layer).map(|run| (run, 0));
        }
        if stamp.layer != self.run.layer || (*paused && self.is_newer(stamp)) {
            *paused = false;
            self.begin_run(stamp);
        }
        let first = u64::from(self.run.numbers.is_empty());
        Some((&mut self.run, first))
    }
}

#[derive(Debug, Clone)]
struct Run {
    layer: u8,
    /// When the sender sent the first packet.
    began_us: u64,
    numbers: Numbers,
    decoder: Decoder,
}

impl Run {
    fn starting(stamp: &Stamp) -> Self {
        Self { layer: stamp.layer, began_us: stamp.sent_us, numbers: Numbers::starting(stamp.number), decoder: Decoder::default() }
    }
}

/// The set of packet numbers seen, exact for the newest [`WINDOW`].
#[derive(Debug, Clone)]
struct Numbers {
    first: u32,
    newest: u32,
    empty: bool,
    /// Bit `n % WINDOW`, for the newest `WINDOW` numbers.
    seen: [u64; (WINDOW / 64) as usize],
}

impl Numbers {
    fn starting(number: u32) -> Self {
        Self { first: number, newest: number, empty: true, seen: [0; (WINDOW / 64) as usize] }
    }

    fn is_empty(&self) -> bool {
        self.empty
    }

    /// False for a duplicate, or for one too late to tell; and how many more numbers there are now from the first to the newest.
    fn insert(&mut self, number: u32) -> (bool, u64) {
        self.empty = false;
        let mut more = 0;
        if number > self.newest {
            more = number - self.newest;
            for skipped in 1..=more.min(WINDOW) {
                let (word, bit) = Self::place(self.newest.wrapping_add(skipped));
                self.seen[word] &= !bit;
            }
            if more >= WINDOW {
                self.seen = [0; (WINDOW / 64) as usize];
            }
            self.newest = number;
        } else if self.newest - number >= WINDOW {
            return (false, 0);
        } else if number < self.first {
            more = self.first - number;
            self.first = number;
        }
        let (word, bit) = Self::place(number);
        let fresh = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        (fresh, u64::from(more))
    }

    fn place(number: u32) -> (usize, u64) {
        let index = number % WINDOW;
        ((index / 64) as usize, 1 << (index % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{AudioSource, Encoding, FrameKind, Shape, Turns, VideoSource};

    const ONE: Origin = Origin { user: 1, take: 0 };
    const TWO: Origin = Origin { user: 2, take: 0 };

    fn audio(count: usize) -> Vec<Bytes> {
        let mut source = AudioSource::new(ONE, 5, Shape { pps: 50, bytes: 100 }, Turns { seat: 0, people: 2, speaking: 1 });
        (0..count).map(|n| source.next(n as u64).0.payload).collect()
    }

    fn camera(origin: Origin, layer: u8) -> VideoSource {
        VideoSource::new(origin, 5, layer, Encoding { rid: "", shape: Shape { pps: 60, bytes: 200 }, size: (320, 180) }, 30)
    }

    fn frame(source: &mut VideoSource, sent_us: u64, kind: FrameKind) -> Vec<Bytes> {
        source.next(sent_us, kind).into_iter().map(|packet| packet.payload).collect()
    }

    fn counts(slot: &Slot, from: Origin) -> (u64, u64) {
        (slot.from[&from].received, slot.from[&from].lost())
    }

    #[test]
    fn a_gapless_stream_has_no_loss() {
        let mut slot = Slot::new(RtpCodecKind::Audio);
        let mut expected = 0;
        for payload in audio(5_000) {
            let Heard::Packet { from, arrival, .. } = slot.record(&payload, 10_000) else { panic!("unstamped") };
            assert_eq!((from, arrival.fresh, arrival.bytes), (ONE, true, 100));
            expected += arrival.expected;
        }
        assert_eq!((counts(&slot, ONE), expected), ((5_000, 0), 5_000));
    }

    #[test]
    fn missing_packets_are_lost_and_a_retransmission_mends_one() {
        let packets = audio(100);
        let mut slot = Slot::new(RtpCodecKind::Audio);
        for (number, payload) in packets.iter().enumerate().filter(|(number, _)| ![10, 20, 30, 40].contains(number)) {
            slot.record(payload, number as u64);
        }
        assert_eq!(counts(&slot, ONE), (96, 4));
        assert!((slot.from[&ONE].loss() - 0.04).abs() < 1e-9);
        slot.record(&packets[20], 200);
        let Heard::Packet { arrival, .. } = slot.record(&packets[20], 201) else { panic!("unstamped") };
        assert!(!arrival.fresh);
        assert_eq!(counts(&slot, ONE), (97, 3), "a duplicate counts once");
    }

    #[test]
    fn a_gap_longer_than_the_window_is_all_loss() {
        let packets = audio(3_000);
        let mut slot = Slot::new(RtpCodecKind::Audio);
        slot.record(&packets[0], 0);
        slot.record(&packets[2_999], 0);
        slot.record(&packets[1], 0);
        assert_eq!(counts(&slot, ONE), (2, 2_998));
        slot.record(&packets[2_998], 0);
        assert_eq!(counts(&slot, ONE), (3, 2_997));
    }

    #[test]
    fn the_latency_is_from_the_senders_call_to_the_receivers_hands() {
        let mut slot = Slot::new(RtpCodecKind::Audio);
        let Heard::Packet { arrival, .. } = slot.record(&audio(8)[7], 1_007) else { panic!("unstamped") };
        assert_eq!((arrival.latency_us, arrival.at_us), (1_000, 1_007));
    }

    #[test]
    fn a_slot_bound_anew_keeps_its_publishers_apart() {
        let mut slot = Slot::new(RtpCodecKind::Video);
        let (mut first, mut second) = (camera(ONE, 0), camera(TWO, 0));
        assert_eq!(frame(&mut second, 0, FrameKind::Key).len(), 2);
        for payload in frame(&mut first, 0, FrameKind::Key).into_iter().chain(frame(&mut second, 0, FrameKind::Delta)) {
            slot.record(&payload, 0);
        }
        assert!(slot.from[&ONE].starts_with_key_frame);
        assert!(!slot.from[&TWO].starts_with_key_frame);
        assert_eq!((counts(&slot, ONE), counts(&slot, TWO)), ((2, 0), (2, 0)));
        assert_eq!((slot.from[&ONE].frames, slot.from[&TWO].first_frame_us), (1, None));
        assert!(slot.wants_key_frame(0), "the newest publisher's is missing");
        for payload in frame(&mut second, 0, FrameKind::Key) {
            slot.record(&payload, 7);
        }
        assert_eq!((slot.wants_key_frame(7), slot.from[&TWO].first_frame_us), (false, Some(7)));
    }

    #[test]
    fn another_layer_begins_a_run_and_what_was_left_out_is_not_lost() {
        let mut slot = Slot::new(RtpCodecKind::Video);
        let mut layers = [camera(ONE, 0), camera(ONE, 1)];
        // The SFU forwards layer 1, then 0, then 1 again; both are sent all the time.
        for now_us in 0..90u64 {
            let kind = if now_us.is_multiple_of(30) { FrameKind::Key } else { FrameKind::Delta };
            let frames = layers.each_mut().map(|layer| frame(layer, now_us, kind));
            let forwarded = usize::from(!(30..60).contains(&now_us));
            for payload in &frames[forwarded] {
                slot.record(payload, now_us);
            }
        }
        let seen = &slot.from[&ONE];
        assert_eq!((counts(&slot, ONE), seen.frames, seen.key_frames), ((180, 0), 90, 3));
    }

    #[test]
    fn a_packet_of_the_run_before_that_comes_late_counts_there() {
        let mut slot = Slot::new(RtpCodecKind::Video);
        let (mut small, mut large) = (camera(ONE, 0), camera(ONE, 1));
        let before = frame(&mut small, 0, FrameKind::Key);
        slot.record(&before[0], 1);
        let late = frame(&mut small, 10, FrameKind::Delta);
        slot.record(&late[1], 12);
        for payload in frame(&mut large, 20, FrameKind::Key) {
            slot.record(&payload, 21);
        }
        assert_eq!(counts(&slot, ONE), (4, 2));
        slot.record(&late[0], 22);
        assert_eq!(counts(&slot, ONE), (5, 1));
    }

    #[test]
    fn what_a_server_leaves_out_after_it_said_so_is_not_lost() {
        let mut slot = Slot::new(RtpCodecKind::Video);
        let mut source = camera(ONE, 0);
        for now_us in 0..60u64 {
            let kind = if now_us == 40 { FrameKind::Key } else { FrameKind::Delta };
            let payloads = frame(&mut source, now_us, kind);
            if now_us == 20 {
                slot.pause();
            }
            for payload in payloads.iter().filter(|_| !(20..40).contains(&now_us)) {
                slot.record(payload, now_us);
            }
        }
        assert_eq!((counts(&slot, ONE), slot.from[&ONE].frames), ((80, 0), 40));
    }

    #[test]
    fn a_slot_that_carried_somebody_else_meanwhile_lost_nothing_and_did_not_freeze() {
        let mut slot = Slot::new(RtpCodecKind::Video);
        let mut cameras = [camera(ONE, 0), camera(TWO, 0)];
        let mut gaps = Vec::new();
        for number in 0..90u64 {
            let kind = if number.is_multiple_of(30) { FrameKind::Key } else { FrameKind::Delta };
            let frames = cameras.each_mut().map(|camera| frame(camera, number * 33_000, kind));
            for payload in &frames[usize::from((30..60).contains(&number))] {
                let Heard::Packet { gap_us, .. } = slot.record(payload, number * 33_000) else { panic!("unstamped") };
                gaps.extend(gap_us);
            }
        }
        assert_eq!((counts(&slot, ONE), counts(&slot, TWO)), ((120, 0), (60, 0)));
        assert!(gaps.iter().all(|gap_us| *gap_us == 33_000), "{gaps:?}");
        assert_eq!(slot.current(), Some(ONE));
    }

    #[test]
    fn a_time_without_new_frames_is_told_when_it_ends() {
        let mut slot = Slot::new(RtpCodecKind::Video);
        let mut source = camera(ONE, 0);
        let mut gaps = Vec::new();
        for (number, now_us) in [0, 33_000, 66_000, 700_000, 733_000].into_iter().enumerate() {
            let kind = if number == 0 { FrameKind::Key } else { FrameKind::Delta };
            for payload in frame(&mut source, now_us, kind) {
                let Heard::Packet { gap_us, .. } = slot.record(&payload, now_us) else { panic!("unstamped") };
                gaps.extend(gap_us);
            }
        }
        assert_eq!(gaps, [33_000, 33_000, 634_000, 33_000]);
    }

    #[test]
    fn packets_without_a_stamp_are_told_apart() {
        let mut slot = Slot::new(RtpCodecKind::Video);
        assert_eq!(slot.record(&Bytes::from_static(b"padding"), 0), Heard::Unstamped);
        assert!(slot.from.is_empty());
    }
}
