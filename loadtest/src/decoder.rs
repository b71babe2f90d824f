//! What a video decoder could show of the packets that arrived: frames in order, each complete, from a key frame on.
//!
//! Nothing is decoded. A frame that stays incomplete holds up all later ones until it is mended or a key frame makes it needless, as in a
//! browser; that is why freezes are counted here and not by packets.

use crate::source::Stamp;
use std::collections::BTreeMap;

/// Frames that wait for an earlier one: two seconds at 60 a second. Full: the oldest is given up.
const WAITING_MAX: usize = 128;
/// How long complete frames wait for an incomplete one before the decoder asks for a key frame: some round trips of retransmission.
const PATIENCE_US: u64 = 250_000;

/// One layer of one camera, as one receiver could show it.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    waiting: BTreeMap<u32, Waiting>,
    /// The frame that can be shown next without a key frame.
    next: Option<u32>,
    blocked_us: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    arrived: u16,
    of: u16,
    key: bool,
}

impl Waiting {
    fn is_complete(self) -> bool {
        self.arrived >= self.of
    }
}

impl Decoder {
    /// Takes a packet that didn't arrive before; returns how many frames can be shown now that couldn't be before.
    pub fn take(&mut self, stamp: &Stamp, begins_key_frame: bool, now_us: u64) -> u32 {
        if self.next.is_some_and(|next| stamp.frame < next) {
            return 0;
        }
        let waiting = self.waiting.entry(stamp.frame).or_insert(Waiting { arrived: 0, of: stamp.frame_packets, key: false });
        waiting.arrived = waiting.arrived.saturating_add(1);
        waiting.key |= begins_key_frame;
        let mut shown = 0;
        while let Some(frame) = self.showable() {
            shown += 1;
            self.next = Some(frame.saturating_add(1));
            while self.waiting.first_key_value().is_some_and(|(&first, _)| first <= frame) {
                self.waiting.pop_first();
            }
        }
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_first();
        }
        let blocked = self.waiting.values().any(|waiting| waiting.is_complete());
        self.blocked_us = if blocked { self.blocked_us.filter(|_| shown == 0).or(Some(now_us)) } else { None };
        shown
    }

    /// Whether a key frame has to come before anything else can be shown.
    pub fn wants_key_frame(&self, now_us: u64) -> bool {
        self.next.is_none() || self.blocked_us.is_some_and(|since_us| now_us.saturating_sub(since_us) >= PATIENCE_US)
    }

    fn showable(&self) -> Option<u32> {
        let in_turn = self.next.filter(|next| self.waiting.get(next).is_some_and(|waiting| waiting.is_complete()));
        let key = || self.waiting.iter().find(|(_, waiting)| waiting.key && waiting.is_complete()).map(|(&frame, _)| frame);
        in_turn.or_else(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Origin;

    /// A packet of a frame of two; frame 0 and those divisible by 10 are key frames.
    fn take(decoder: &mut Decoder, frame: u32, packet: u32, now_us: u64) -> u32 {
        let stamp =
            Stamp { origin: Origin { user: 0, take: 0 }, layer: 0, number: frame * 2 + packet, frame, frame_packets: 2, sent_us: 0 };
        decoder.take(&stamp, packet == 0 && frame.is_multiple_of(10), now_us)
    }

    fn frames(decoder: &mut Decoder, frames: impl IntoIterator<Item = u32>) -> u32 {
        frames.into_iter().map(|frame| take(decoder, frame, 0, 0) + take(decoder, frame, 1, 0)).sum()
    }

    #[test]
    fn complete_frames_are_shown_from_the_first_key_frame_on() {
        let mut decoder = Decoder::default();
        assert_eq!(frames(&mut decoder, 7..10), 0);
        assert!(decoder.wants_key_frame(0));
        assert_eq!(frames(&mut decoder, 10..15), 5);
        assert!(!decoder.wants_key_frame(0));
    }

    #[test]
    fn an_incomplete_frame_holds_up_the_next_until_it_is_mended() {
        let mut decoder = Decoder::default();
        frames(&mut decoder, 0..3);
        assert_eq!(take(&mut decoder, 3, 0, 0), 0);
        assert_eq!(frames(&mut decoder, 4..8), 0);
        assert_eq!(take(&mut decoder, 3, 1, 0), 5, "the missing packet sets all five free");
    }

    #[test]
    fn a_frame_that_is_never_mended_is_skipped_at_the_next_key_frame() {
        let mut decoder = Decoder::default();
        frames(&mut decoder, 0..3);
        assert_eq!(frames(&mut decoder, 4..10), 0, "frame 3 is missing");
        assert_eq!(frames(&mut decoder, 10..12), 2);
        assert_eq!(take(&mut decoder, 3, 0, 0) + take(&mut decoder, 3, 1, 0), 0, "too late");
        assert!(decoder.waiting.is_empty());
    }

    #[test]
    fn a_decoder_that_is_held_up_for_long_asks_for_a_key_frame() {
        let mut decoder = Decoder::default();
        frames(&mut decoder, 0..3);
        take(&mut decoder, 4, 0, 1_000);
        take(&mut decoder, 4, 1, 1_000);
        assert!(!decoder.wants_key_frame(1_000 + PATIENCE_US - 1));
        assert!(decoder.wants_key_frame(1_000 + PATIENCE_US));
        assert_eq!(frames(&mut decoder, [10]), 1);
        assert!(!decoder.wants_key_frame(u64::MAX));
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut decoder = Decoder::default();
        frames(&mut decoder, (1..5_000u32).filter(|frame| !frame.is_multiple_of(10)));
        assert!(decoder.waiting.len() <= WAITING_MAX);
    }
}
