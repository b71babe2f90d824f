//! The figures of a report, and limits on them: a run passes when no figure that has a limit exceeds it.
//!
//! A figure without a measurement (no chat was sent, nobody joined) that has a limit counts as exceeded, since nothing shows that it holds.

use crate::outcome::Outcome;
use std::collections::BTreeMap;

/// One number of the report. Lower is better for all of them.
pub struct Figure {
    /// In `[thresholds]`, behind `--threshold` and in the JSON.
    pub key: &'static str,
    /// For people.
    pub label: &'static str,
    /// Behind the number; empty for counts.
    pub unit: &'static str,
    of: fn(&Outcome) -> Option<f64>,
}

impl Figure {
    /// Its value in a run; `None` when nothing was measured.
    pub fn value(&self, outcome: &Outcome) -> Option<f64> {
        (self.of)(outcome)
    }
}

macro_rules! percentile {
    ($key:literal, $label:literal, $times:ident, $percent:literal) => {
        Figure { key: $key, label: $label, unit: "ms", of: |outcome| millis(outcome.tally.times.$times.percentile($percent)) }
    };
}

macro_rules! count {
    ($key:literal, $label:literal, $of:expr) => {
        Figure {
            key: $key,
            label: $label,
            unit: "",
            of: |outcome| {
                let of: fn(&Outcome) -> u64 = $of;
                Some(of(outcome) as f64)
            },
        }
    };
}

/// All figures, in the order of the report.
pub static FIGURES: &[Figure] = &[
    percentile!("join_p50_ms", "join until media is up, p50", join, 50.0),
    percentile!("join_p95_ms", "join until media is up, p95", join, 95.0),
    percentile!("join_p99_ms", "join until media is up, p99", join, 99.0),
    percentile!("first_packet_p95_ms", "join until the first packet, p95", first_packet, 95.0),
    percentile!("first_frame_p95_ms", "join until the first frame, p95", first_frame, 95.0),
    Figure {
        key: "latency_p50_ms",
        label: "packet latency, p50",
        unit: "ms",
        of: |outcome| millis(outcome.tally.times.media().percentile(50.0)),
    },
    Figure {
        key: "latency_p95_ms",
        label: "packet latency, p95",
        unit: "ms",
        of: |outcome| millis(outcome.tally.times.media().percentile(95.0)),
    },
    Figure {
        key: "latency_p99_ms",
        label: "packet latency, p99",
        unit: "ms",
        of: |outcome| millis(outcome.tally.times.media().percentile(99.0)),
    },
    Figure { key: "loss_percent", label: "packets lost", unit: "%", of: loss_percent },
    count!("freezes", "freezes", |outcome| outcome.tally.watching.freezes),
    Figure { key: "frozen_percent", label: "time frozen", unit: "%", of: frozen_percent },
    percentile!("chat_ack_p99_ms", "chat until stored, p99", chat_ack, 99.0),
    percentile!("chat_p99_ms", "chat until delivered, p99", chat_delivery, 99.0),
    count!("chat_missed", "chat messages missed", |outcome| outcome.tally.chat.missed),
    count!("reconnects", "connections lost without our doing", |outcome| outcome.tally.connections.lost),
    percentile!("reconnect_p95_ms", "lost connection until the seat is back, p95", reconnect, 95.0),
    count!("media_reconnects", "media transports made anew", |outcome| outcome.tally.connections.media),
    count!("not_joined", "people who never joined", |outcome| {
        outcome.tally.people.expected.saturating_sub(outcome.tally.people.joined)
    }),
    count!("missing_tracks", "tracks that never arrived", |outcome| outcome.checks.missing_tracks),
    count!("leaked_tracks", "tracks of another room", |outcome| outcome.checks.leaked_tracks),
    count!("errors", "errors", |outcome| outcome.tally.errors.values().map(|errors| errors.count).sum()),
    Figure { key: "tester_cpu_percent", label: "the tester's own CPU", unit: "%", of: |outcome| outcome.cpu_percent() },
    Figure { key: "tester_lag_p99_ms", label: "the tester's own lag, p99", unit: "ms", of: |outcome| outcome.lag_ms() },
];

fn millis(us: Option<u64>) -> Option<f64> {
    us.map(|us| us as f64 / 1_000.0)
}

fn loss_percent(outcome: &Outcome) -> Option<f64> {
    let (audio, video) = (outcome.tally.audio, outcome.tally.video);
    share(audio.lost() + video.lost(), audio.expected + video.expected)
}

fn frozen_percent(outcome: &Outcome) -> Option<f64> {
    share(outcome.tally.watching.frozen_us, outcome.tally.watching.watched_us)
}

fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| 100.0 * part as f64 / of as f64)
}

/// Limits by figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds(BTreeMap<String, f64>);

impl Default for Thresholds {
    /// What no run should have, however slow the target is: errors, people left outside, tracks that don't arrive or arrive elsewhere.
    fn default() -> Self {
        let strict = ["errors", "leaked_tracks", "missing_tracks", "not_joined", "chat_missed"];
        Self(strict.into_iter().map(|figure| (figure.to_owned(), 0.0)).collect())
    }
}

/// One limit, and how the run stands to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// Of the figure, in [`FIGURES`].
    pub index: usize,
    pub limit: f64,
    pub value: Option<f64>,
}

impl Verdict {
    pub fn figure(&self) -> &'static Figure {
        &FIGURES[self.index]
    }

    /// Whether the figure was measured and doesn't exceed its limit.
    pub fn holds(&self) -> bool {
        self.value.is_some_and(|value| value <= self.limit)
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Figure { key, unit, .. } = self.figure();
        let space = if unit.is_empty() { "" } else { " " };
        match self.value {
            Some(value) => write!(f, "{key} is {}{space}{unit}, allowed is {}{space}{unit}", rounded(value), self.limit),
            None => write!(f, "{key} was not measured, allowed is {}{space}{unit}", self.limit),
        }
    }
}

/// With three decimals at most, and none that are zero.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

impl Thresholds {
    /// Sets the limit of one of [`FIGURES`].
    pub(crate) fn limit(&mut self, figure: &str, limit: f64) {
        self.0.insert(figure.to_owned(), limit);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(figure, &limit)| (figure.as_str(), limit))
    }

    /// How a run stands to each limit, in the order of [`FIGURES`].
    pub fn judge(&self, outcome: &Outcome) -> Vec<Verdict> {
        let with_limit =
            |(index, figure): (usize, &Figure)| self.0.get(figure.key).map(|&limit| Verdict { index, limit, value: figure.value(outcome) });
        FIGURES.iter().enumerate().filter_map(with_limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(outcome: &Outcome, figure: &str, limit: f64) -> Verdict {
        let mut thresholds = Thresholds(BTreeMap::new());
        thresholds.limit(figure, limit);
        thresholds.judge(outcome)[0]
    }

    #[test]
    fn a_figure_at_its_limit_holds_and_past_it_doesnt() {
        let mut outcome = Outcome::default();
        outcome.tally.audio.expected = 1_000;
        outcome.tally.audio.received = 990;
        assert!(judged(&outcome, "loss_percent", 1.0).holds());
        let missed = judged(&outcome, "loss_percent", 0.9);
        assert!(!missed.holds());
        assert_eq!(missed.to_string(), "loss_percent is 1 %, allowed is 0.9 %");
    }

    #[test]
    fn a_limit_on_what_was_not_measured_is_missed() {
        let verdict = judged(&Outcome::default(), "chat_p99_ms", 100.0);
        assert!(!verdict.holds());
        assert_eq!(verdict.to_string(), "chat_p99_ms was not measured, allowed is 100 ms");
    }

    #[test]
    fn without_a_word_nobody_may_stay_outside() {
        let mut outcome = Outcome::default();
        assert!(Thresholds::default().judge(&outcome).iter().all(Verdict::holds));
        outcome.tally.people.expected = 4;
        outcome.tally.people.joined = 3;
        let missed: Vec<_> = Thresholds::default().judge(&outcome).into_iter().filter(|verdict| !verdict.holds()).collect();
        assert_eq!(missed.iter().map(|verdict| verdict.figure().key).collect::<Vec<_>>(), ["not_joined"]);
    }

    #[test]
    fn every_figure_has_one_key() {
        let mut keys: Vec<_> = FIGURES.iter().map(|figure| figure.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), FIGURES.len());
    }
}
