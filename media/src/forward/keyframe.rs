//! When to ask a publisher for a key frame of one layer.
//!
//! A key frame costs the publisher some ten times a delta frame, so requests of many subscribers become one. Invariant: two
//! requests for one layer are never closer than [`THROTTLE`].

use std::time::{Duration, Instant};

/// Between two requests. The first goes at once; a lossy subscriber mustn't spend the others' bandwidth.
pub(crate) const THROTTLE: Duration = Duration::from_millis(500);
/// Between two requests to a source that doesn't answer: it has probably stopped.
const SLOW_RETRY: Duration = Duration::from_secs(2);
/// Unanswered requests before the retries slow down.
const FAST_RETRIES: u32 = 10;

/// The requests for one layer.
#[derive(Debug, Default)]
pub(crate) struct KeyFrames {
    slots_wait: bool,
    unanswered: u32,
    last_sent: Option<Instant>,
    due: Option<Instant>,
    pub(crate) sent: u64,
}

impl KeyFrames {
    /// A slot can't start before it gets a key frame.
    pub(crate) fn wait(&mut self, now: Instant) {
        if !self.slots_wait {
            self.slots_wait = true;
            self.unanswered = 0;
            self.request(now);
        }
    }

    /// A subscriber couldn't decode.
    pub(crate) fn lost(&mut self, now: Instant) {
        self.request(now);
    }

    /// The first packet of a key frame came.
    pub(crate) fn arrived(&mut self) {
        self.slots_wait = false;
        self.unanswered = 0;
        self.due = None;
    }

    /// No slot waits any more. A request because of losses is still sent.
    pub(crate) fn stop_waiting(&mut self) {
        if self.slots_wait {
            self.arrived();
        }
    }

    /// When [`Self::poll`] has something to say.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// True when a request must be sent now.
    pub(crate) fn poll(&mut self, now: Instant) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        self.last_sent = Some(now);
        self.sent += 1;
        self.unanswered = self.unanswered.saturating_add(1);
        let retry = if self.unanswered < FAST_RETRIES { THROTTLE } else { SLOW_RETRY };
        self.due = self.slots_wait.then_some(now + retry);
        true
    }

    fn request(&mut self, now: Instant) {
        let at = self.last_sent.map_or(now, |last| now.max(last + THROTTLE));
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Polls every millisecond and tells when requests went out.
    fn sent(keys: &mut KeyFrames, start: Instant, range: std::ops::Range<u64>) -> Vec<u64> {
        range.filter(|&ms| keys.poll(start + Duration::from_millis(ms))).collect()
    }

    #[test]
    fn a_waiting_slot_asks_at_once_and_every_500_ms_until_the_key_frame_comes() {
        let (start, mut keys) = (Instant::now(), KeyFrames::default());
        keys.wait(start);
        assert_eq!(sent(&mut keys, start, 0..1200), [0, 500, 1000]);
        keys.arrived();
        assert_eq!(sent(&mut keys, start, 1200..4000), []);
    }

    #[test]
    fn many_waiting_slots_share_one_request() {
        let (start, mut keys) = (Instant::now(), KeyFrames::default());
        for ms in 0..50 {
            keys.wait(start + Duration::from_millis(ms));
        }
        assert_eq!(sent(&mut keys, start, 0..150), [0]);
    }

    #[test]
    fn a_layer_that_never_answers_is_asked_every_two_seconds() {
        let (start, mut keys) = (Instant::now(), KeyFrames::default());
        keys.wait(start);
        assert_eq!(sent(&mut keys, start, 0..4600).len(), 10);
        assert_eq!(sent(&mut keys, start, 4600..12_600).len(), 4);
    }

    #[test]
    fn losses_are_throttled_to_one_request_per_500_ms() {
        let (start, mut keys) = (Instant::now(), KeyFrames::default());
        let mut times = vec![];
        for ms in 0..2000 {
            let now = start + Duration::from_millis(ms);
            keys.lost(now);
            if keys.poll(now) {
                times.push(ms);
                keys.arrived();
            }
        }
        assert_eq!(times, [0, 500, 1000, 1500]);
    }

    #[test]
    fn a_key_frame_that_comes_anyway_satisfies_a_throttled_request() {
        let (start, mut keys) = (Instant::now(), KeyFrames::default());
        keys.lost(start);
        assert_eq!(sent(&mut keys, start, 0..10), [0]);
        keys.lost(start + Duration::from_millis(100));
        keys.arrived();
        assert_eq!(sent(&mut keys, start, 100..2000), []);
    }
}
