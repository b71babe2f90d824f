//! The bitrate of a run of packets, over about the last second.
//!
//! Not a counter: what is older than [`WINDOW`] is forgotten. Invariant: a bucket holds bytes of its own [`BUCKET`] only.

use std::time::{Duration, Instant};

const BUCKET: Duration = Duration::from_millis(125);
const BUCKETS: usize = 8;
/// What the rate is taken over. Long enough that one key frame doesn't look like another layer.
pub(crate) const WINDOW: Duration = Duration::from_millis(125 * BUCKETS as u64);

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rate {
    buckets: [u32; BUCKETS],
    newest: usize,
    /// Where the newest bucket begins.
    newest_at: Option<Instant>,
    since: Option<Instant>,
}

impl Rate {
    pub(crate) fn add(&mut self, bytes: usize, now: Instant) {
        self.advance(now);
        let bucket = &mut self.buckets[self.newest];
        *bucket = bucket.saturating_add(bytes as u32);
    }

    /// In bit/s. Of less than a second of packets it is what that part of a second had.
    pub(crate) fn bps(&mut self, now: Instant) -> u64 {
        let Some(since) = self.since else { return 0 };
        self.advance(now);
        let in_newest = self.newest_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let span = WINDOW - BUCKET + in_newest.min(BUCKET);
        let span = span.min(now.saturating_duration_since(since)).max(2 * BUCKET);
        let bytes: u64 = self.buckets.iter().map(|&bytes| u64::from(bytes)).sum();
        (bytes as f64 * 8.0 / span.as_secs_f64()) as u64
    }

    fn advance(&mut self, now: Instant) {
        self.since.get_or_insert(now);
        let at = *self.newest_at.get_or_insert(now);
        let passed = now.saturating_duration_since(at);
        if passed < BUCKET {
            return;
        }
        if passed >= WINDOW + BUCKET {
            *self = Self { newest_at: Some(now), since: Some(now), ..Self::default() };
            return;
        }
        let steps = (passed.as_millis() / BUCKET.as_millis()) as u32;
        for _ in 0..steps {
            self.newest = (self.newest + 1) % BUCKETS;
            self.buckets[self.newest] = 0;
        }
        self.newest_at = Some(at + BUCKET * steps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn a_steady_run_is_measured_to_a_few_percent_within_half_a_second() {
        let (start, mut rate) = (Instant::now(), Rate::default());
        for ms in (0..3000).step_by(10) {
            rate.add(1250, at(start, ms));
            if ms > 500 {
                let bps = rate.bps(at(start, ms));
                assert!((950_000..1_080_000).contains(&bps), "{bps} at {ms} ms");
            }
        }
    }

    #[test]
    fn a_run_that_ended_is_forgotten_after_a_second_and_starts_anew() {
        let (start, mut rate) = (Instant::now(), Rate::default());
        for ms in 0..1000 {
            rate.add(125, at(start, ms));
        }
        assert!(rate.bps(at(start, 1500)) < 600_000);
        assert_eq!(rate.bps(at(start, 2200)), 0);
        rate.add(1250, at(start, 9000));
        assert_eq!(rate.bps(at(start, 9000)), 40_000);
    }
}
