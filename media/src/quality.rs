//! How well a peer's connection does, in three steps that people understand.
//!
//! Not a measurement: `peer_stats` has the figures. Invariant: two verdicts told of one peer differ and are at least [`INTERVAL`] apart.

use std::time::{Duration, Instant};

/// How well a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quality {
    /// Nothing is missing.
    Excellent,
    /// Conversation works, though losses or delays can be noticed, or the video is reduced.
    Good,
    /// Conversation suffers.
    Poor,
}

/// What a verdict rests on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Signs {
    pub(crate) round_trip: Option<Duration>,
    /// Share of packets lost, the worse of both directions.
    pub(crate) loss: f32,
    /// Video is smaller than the client could use.
    pub(crate) limited: bool,
    /// Video is withheld.
    pub(crate) stalled: bool,
}

/// Between two verdicts of one peer.
pub(crate) const INTERVAL: Duration = Duration::from_secs(2);
/// An improvement is told after it held this long, so that the verdict doesn't flicker. A decline is told at once.
const PROVEN: Duration = Duration::from_secs(4);

/// Loss that congestion control takes for a free path (draft-ietf-rmcat-gcc-02 §6: below 2 % it may send more).
const LOSS_NOTICEABLE: f32 = 0.02;
/// Loss that congestion control takes for congestion (ibid.: above 10 % it must send less); speech suffers in spite of FEC.
const LOSS_HARMFUL: f32 = 0.10;
/// ITU-T G.114: up to 150 ms one way hardly anybody notices a delay.
const ROUND_TRIP_NOTICEABLE: Duration = Duration::from_millis(300);
/// ITU-T G.114: beyond 400 ms one way conversation isn't acceptable. The round trip measured here goes to the SFU only, so there is as much
/// again on the other side.
const ROUND_TRIP_HARMFUL: Duration = Duration::from_millis(500);

impl Quality {
    fn of(signs: &Signs) -> Self {
        let slower = |than| signs.round_trip.is_some_and(|round_trip| round_trip > than);
        if signs.stalled || signs.loss > LOSS_HARMFUL || slower(ROUND_TRIP_HARMFUL) {
            Self::Poor
        } else if signs.limited || signs.loss > LOSS_NOTICEABLE || slower(ROUND_TRIP_NOTICEABLE) {
            Self::Good
        } else {
            Self::Excellent
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Poor => 0,
            Self::Good => 1,
            Self::Excellent => 2,
        }
    }
}

/// The verdict on one peer, and since when a better one holds.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    told: Option<Quality>,
    told_at: Option<Instant>,
    better_since: Option<Instant>,
}

impl Verdict {
    /// Looks at the signs, and returns the quality if it is to be told.
    pub(crate) fn judge(&mut self, signs: &Signs, now: Instant) -> Option<Quality> {
        let quality = Quality::of(signs);
        let improves = self.told.is_some_and(|told| quality.rank() > told.rank());
        let since = if improves { *self.better_since.get_or_insert(now) } else { now };
        if !improves {
            self.better_since = None;
        }
        let proven = !improves || now.saturating_duration_since(since) >= PROVEN;
        let rested = self.told_at.is_none_or(|at| now.saturating_duration_since(at) >= INTERVAL);
        if self.told == Some(quality) || !proven || !rested {
            return None;
        }
        *self = Self { told: Some(quality), told_at: Some(now), better_since: None };
        Some(quality)
    }

    pub(crate) fn told(&self) -> Option<Quality> {
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(loss: f32, ms: u64) -> Signs {
        Signs { round_trip: Some(Duration::from_millis(ms)), loss, ..Signs::default() }
    }

    #[test]
    fn thresholds_lie_where_they_are_said_to_lie() {
        let table = [
            (signs(0.0, 10), Quality::Excellent),
            (signs(0.02, 300), Quality::Excellent),
            (signs(0.021, 10), Quality::Good),
            (signs(0.0, 301), Quality::Good),
            (signs(0.10, 500), Quality::Good),
            (signs(0.101, 10), Quality::Poor),
            (signs(0.0, 501), Quality::Poor),
            (Signs { limited: true, ..signs(0.0, 10) }, Quality::Good),
            (Signs { stalled: true, ..signs(0.0, 10) }, Quality::Poor),
            (Signs::default(), Quality::Excellent),
        ];
        for (signs, quality) in table {
            assert_eq!(Quality::of(&signs), quality, "{signs:?}");
        }
    }

    #[test]
    fn a_decline_is_told_at_once_and_an_improvement_after_it_held() {
        let (start, mut verdict) = (Instant::now(), Verdict::default());
        let mut told = vec![];
        for second in 0..30 {
            let loss = if (10..12).contains(&second) { 0.2 } else { 0.0 };
            if let Some(quality) = verdict.judge(&signs(loss, 10), start + Duration::from_secs(second)) {
                told.push((second, quality));
            }
        }
        assert_eq!(told, [(0, Quality::Excellent), (10, Quality::Poor), (16, Quality::Excellent)]);
    }

    #[test]
    fn a_flickering_connection_is_told_at_most_every_two_seconds() {
        let (start, mut verdict) = (Instant::now(), Verdict::default());
        let mut times = vec![];
        for tenth in 0..600u64 {
            let now = start + Duration::from_millis(tenth * 100);
            if verdict.judge(&signs(if tenth % 7 < 3 { 0.2 } else { 0.05 }, 10), now).is_some() {
                times.push(tenth);
            }
        }
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 20), "{times:?}");
    }
}
