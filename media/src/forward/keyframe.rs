//! When to ask a publisher for a key frame.
//!
//! A key frame costs the publisher some ten times a delta frame, so requests of many subscribers become one. Invariant: two
//! requests to one source are never closer than [`RETRY`].

use std::time::{Duration, Instant};

/// Between two requests while a slot waits to start: shorter than anybody notices, longer than a round trip.
pub(crate) const RETRY: Duration = Duration::from_millis(200);
/// Between two requests because subscribers lost packets: a lossy subscriber mustn't spend the others' bandwidth.
pub(crate) const THROTTLE: Duration = Duration::from_millis(500);
/// Between two requests to a source that doesn't answer: it has probably stopped.
const SLOW_RETRY: Duration = Duration::from_secs(1);
/// Unanswered requests before the retries slow down.
const FAST_RETRIES: u32 = 10;

/// The requests to one source.
#[derive(Debug, Default)]
pub(crate) struct KeyFrames {
    slots_wait: bool,
    unanswered: u32,
    last_sent: Option<Instant>,
    due: Option<Instant>,
}

impl KeyFrames {
    /// A slot can't start before it gets a key frame.
    pub(crate) fn wait(&mut self, now: Instant) {
        if !self.slots_wait {
            self.slots_wait = true;
            self.unanswered = 0;
            self.request(now, RETRY);
        }
    }

    /// A subscriber couldn't decode.
    pub(crate) fn lost(&mut self, now: Instant) {
        self.request(now, THROTTLE);
    }

    /// The first packet of a key frame came.
    pub(crate) fn arrived(&mut self) {
        self.slots_wait = false;
        self.unanswered = 0;
        self.due = None;
    }

    /// Nobody wants key frames any more (muted, no subscriber).
    pub(crate) fn cancel(&mut self) {
        self.arrived();
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
        self.unanswered = self.unanswered.saturating_add(1);
        let retry = if self.unanswered < FAST_RETRIES { RETRY } else { SLOW_RETRY };
        self.due = self.slots_wait.then_some(now + retry);
        true
    }

    fn request(&mut self, now: Instant, apart: Duration) {
        let at = self.last_sent.map_or(now, |last| now.max(last + apart));
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
    fn a_waiting_slot_asks_at_once_and_every_200_ms_until_the_key_frame_comes() {
        let (start, mut keys) = (Instant::now(), KeyFrames::default());
        keys.wait(start);
        assert_eq!(sent(&mut keys, start, 0..500), [0, 200, 400]);
        keys.arrived();
        assert_eq!(sent(&mut keys, start, 500..2000), []);
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
    fn a_source_that_never_answers_is_asked_once_a_second() {
        let (start, mut keys) = (Instant::now(), KeyFrames::default());
        keys.wait(start);
        assert_eq!(sent(&mut keys, start, 0..1900).len(), 10);
        assert_eq!(sent(&mut keys, start, 1900..6800).len(), 4);
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
