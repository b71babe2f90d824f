//! A finished run: what was run, what was counted, and whether the tester itself was fast enough to be believed.
//!
//! It is the JSON file, and what several processes' files are merged into. It decides nothing: the scenario's thresholds judge it.

use crate::histogram::Histogram;
use crate::scenario::Scenario;
use crate::settings::SettingError;
use crate::tally::Tally;
use crate::threshold::{self, FIGURES, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Of the file: raised when an older program could not read it.
const FORMAT: u32 = 1;
/// From this share of its cores on, in percent, a tester may be what limits the figures.
const CPU_BUSY_PERCENT: f64 = 80.0;
/// From this lag on, a tester may be what limits the figures: a packet is 20 ms of sound.
const LAG_BUSY_MS: f64 = 20.0;
/// Examples of what the checks found.
pub(crate) const EXAMPLES_MAX: usize = 10;

/// A finished run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub format: u32,
    /// The program that wrote it.
    pub version: String,
    /// The same in all processes that share a run.
    pub run: String,
    pub target: String,
    /// See [`crate::settings`].
    pub scenario: BTreeMap<String, String>,
    /// Milliseconds since 1970.
    pub started_unix_ms: u64,
    pub ended: Ended,
    /// One for each process.
    pub testers: Vec<Tester>,
    pub checks: Checks,
    pub tally: Tally,
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Its time was over.
    #[default]
    InTime,
    /// Nobody was left before.
    Deserted,
    /// It was stopped before.
    Interrupted,
}

/// One process of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tester {
    pub shard: Shard,
    pub cores: u32,
    /// From the first join to the last leave, in milliseconds.
    pub wall_ms: u64,
    /// Of the process in that time, in milliseconds; `None` where the system doesn't tell.
    pub cpu_ms: Option<u64>,
    /// How late timers fired, in microseconds.
    pub lag: Histogram,
}

/// The part of a run that a process does: every `of`-th room, from `index` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    /// From 1.
    pub index: u32,
    pub of: u32,
}

impl Shard {
    /// One process does everything.
    pub const WHOLE: Self = Self { index: 1, of: 1 };

    /// Whether a room, numbered from 0, is this process's.
    pub fn has(self, room: u32) -> bool {
        room % self.of.max(1) == self.index.saturating_sub(1)
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((index, of)) if (1..=of).contains(&index) && of <= 1_000 => Ok(Self { index, of }),
            _ => Err(format!("{text:?}: allowed are 1/1 to 1000/1000, such as 2/3 for the second of three processes")),
        }
    }
}

/// Whether everybody received what they should, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    /// Tracks of people who were in a room together for long enough.
    pub expected_tracks: u64,
    /// Of those, the ones that never arrived, or that nobody could have decoded.
    pub missing_tracks: u64,
    /// Tracks that arrived from another room.
    pub leaked_tracks: u64,
    /// Some of them, in words.
    pub examples: Vec<String>,
}

impl Checks {
    fn merge(&mut self, other: Self) {
        self.expected_tracks += other.expected_tracks;
        self.missing_tracks += other.missing_tracks;
        self.leaked_tracks += other.leaked_tracks;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES_MAX);
    }
}

/// Why a file is no outcome, or doesn't fit to the others.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeError {
    #[error("{0}: not a result of zzan-loadtest: {1}")]
    Json(String, serde_json::Error),
    #[error("{0}: written in format {1}; this program reads format {FORMAT}")]
    Format(String, u32),
    #[error("{file}: {field} is {is:?}, and {was:?} in the files before: only files of one run can be merged")]
    OtherRun { file: String, field: String, is: String, was: String },
    #[error("{0}: shard {1} is in the files before already")]
    Twice(String, Shard),
    #[error("nothing to merge")]
    Nothing,
    #[error(transparent)]
    Scenario(#[from] SettingError),
}

impl Outcome {
    /// An empty result of a run of `scenario`.
    pub fn of(scenario: &Scenario, run: &str, target: &str) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            run: run.to_owned(),
            target: target.to_owned(),
            scenario: scenario.entries().into_iter().collect(),
            ..Self::default()
        }
    }

    /// As the file has it: the counts, and the figures that follow from them for those who read it without this program.
    pub fn to_json(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        let figures = FIGURES.iter().map(|figure| (figure.key.to_owned(), Value::from(figure.value(self).map(threshold::rounded))));
        value["figures"] = figures.collect::<serde_json::Map<_, _>>().into();
        format!("{value:#}\n")
    }

    /// Reads a file; `name` is for the error.
    ///
    /// # Errors
    /// [`OutcomeError::Json`] and [`OutcomeError::Format`].
    pub fn from_json(name: &str, text: &str) -> Result<Self, OutcomeError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let malformed = |error| OutcomeError::Json(name.to_owned(), error);
        let head: Head = serde_json::from_str(text).map_err(malformed)?;
        if head.format != FORMAT {
            return Err(OutcomeError::Format(name.to_owned(), head.format));
        }
        serde_json::from_str(text).map_err(malformed)
    }

    /// One result of those of several processes that shared a run, each with its file's name.
    ///
    /// # Errors
    /// [`OutcomeError`] when they aren't of one run, or one of them is there twice.
    pub fn merged(parts: impl IntoIterator<Item = (String, Self)>) -> Result<Self, OutcomeError> {
        let mut merged: Option<Self> = None;
        for (file, part) in parts {
            match &mut merged {
                None => merged = Some(part),
                Some(merged) => merged.merge(&file, part)?,
            }
        }
        let mut merged = merged.ok_or(OutcomeError::Nothing)?;
        merged.testers.sort_by_key(|tester| tester.shard);
        Ok(merged)
    }

    fn merge(&mut self, file: &str, part: Self) -> Result<(), OutcomeError> {
        let fields = [("run", &part.run, &self.run), ("target", &part.target, &self.target)];
        let keys = part.scenario.keys().chain(self.scenario.keys());
        let nothing = String::new();
        let settings = keys.map(|key| {
            let of = |scenario: &BTreeMap<String, String>| scenario.get(key).unwrap_or(&nothing).clone();
            (key.as_str(), of(&part.scenario), of(&self.scenario))
        });
        let fields = fields.into_iter().map(|(field, is, was)| (field, is.clone(), was.clone()));
        if let Some((field, is, was)) = fields.chain(settings).find(|(_, is, was)| is != was) {
            return Err(OutcomeError::OtherRun { file: file.to_owned(), field: field.to_owned(), is, was });
        }
        for tester in part.testers {
            if self.testers.iter().any(|known| known.shard == tester.shard) {
                return Err(OutcomeError::Twice(file.to_owned(), tester.shard));
            }
            self.testers.push(tester);
        }
        self.started_unix_ms = self.started_unix_ms.min(part.started_unix_ms);
        self.ended = self.ended.max(part.ended);
        self.checks.merge(part.checks);
        self.tally.merge(&part.tally);
        Ok(())
    }

    /// The scenario that was run.
    ///
    /// # Errors
    /// [`SettingError`] when the file has keys or values that this program doesn't know.
    pub fn scenario(&self) -> Result<Scenario, SettingError> {
        let mut scenario = Scenario::default();
        for (key, value) in &self.scenario {
            scenario.set("the result's scenario", key, value)?;
        }
        Ok(scenario)
    }

    /// How the run stands to its scenario's thresholds.
    ///
    /// # Errors
    /// As of [`Outcome::scenario`].
    pub fn verdicts(&self) -> Result<Vec<Verdict>, SettingError> {
        Ok(self.scenario()?.thresholds.judge(self))
    }

    /// The busiest tester's share of its cores.
    pub fn cpu_percent(&self) -> Option<f64> {
        self.testers.iter().filter_map(Tester::cpu_percent).max_by(f64::total_cmp)
    }

    /// The slowest tester's lag, p99.
    pub fn lag_ms(&self) -> Option<f64> {
        self.testers.iter().filter_map(Tester::lag_ms).max_by(f64::total_cmp)
    }

    /// What makes the figures doubtful, in words for people.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.testers.iter().filter_map(Tester::warning).collect();
        let of = self.testers.first().map_or(1, |tester| tester.shard.of);
        let missing: Vec<String> = (1..=of)
            .map(|index| Shard { index, of })
            .filter(|shard| self.testers.iter().all(|tester| tester.shard != *shard))
            .map(|shard| shard.to_string())
            .collect();
        if !missing.is_empty() && of > 1 {
            warnings.push(format!("Only a part of the run: shard {} is not in it.", missing.join(", ")));
        }
        match self.ended {
            Ended::InTime => {}
            Ended::Deserted => warnings.push("Nobody was left before the time was over.".to_owned()),
            Ended::Interrupted => warnings.push("The run was stopped before its time.".to_owned()),
        }
        warnings
    }
}

impl Tester {
    /// CPU time by wall time and cores.
    pub fn cpu_percent(&self) -> Option<f64> {
        let available = self.wall_ms as f64 * f64::from(self.cores);
        self.cpu_ms.filter(|_| available > 0.0).map(|cpu_ms| 100.0 * cpu_ms as f64 / available)
    }

    /// How late timers fired, p99.
    pub fn lag_ms(&self) -> Option<f64> {
        self.lag.percentile(99.0).map(|us| us as f64 / 1_000.0)
    }

    fn warning(&self) -> Option<String> {
        let busy = self.cpu_percent().filter(|percent| *percent > CPU_BUSY_PERCENT);
        let late = self.lag_ms().filter(|lag| *lag > LAG_BUSY_MS);
        let reason = match (busy, late) {
            (Some(percent), _) => format!("used {percent:.0} % of its {} cores", self.cores),
            (None, Some(lag)) => format!("was {lag:.0} ms late (p99)"),
            (None, None) => return None,
        };
        let who = if self.shard.of > 1 { format!("Tester {}", self.shard) } else { "The tester itself".to_owned() };
        Some(format!(
            "{who} {reason}: times and losses here may be its own. Give it more cores, or share the run between machines (--shard)."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(index: u32, of: u32) -> Outcome {
        let mut outcome = Outcome::of(&Scenario::default(), "r1", "http://127.0.0.1:8080");
        let lag = Histogram::default();
        outcome.testers = vec![Tester { shard: Shard { index, of }, cores: 2, wall_ms: 1_000, cpu_ms: Some(500 * u64::from(index)), lag }];
        outcome.started_unix_ms = 1_000 + u64::from(index);
        outcome.tally.people.expected = 4;
        outcome.checks.expected_tracks = 24;
        outcome
    }

    fn named(parts: &[Outcome]) -> Vec<(String, Outcome)> {
        parts.iter().enumerate().map(|(index, part)| (format!("{index}.json"), part.clone())).collect()
    }

    #[test]
    fn the_parts_of_a_run_make_one_result() {
        let merged = Outcome::merged(named(&[part(2, 2), part(1, 2)])).unwrap();
        assert_eq!((merged.tally.people.expected, merged.checks.expected_tracks, merged.started_unix_ms), (8, 48, 1_001));
        assert_eq!(merged.testers.iter().map(|tester| tester.shard.index).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(merged.cpu_percent(), Some(50.0), "the busiest one's");
        assert_eq!(merged.warnings(), Vec::<String>::new());
    }

    #[test]
    fn files_of_other_runs_are_refused_with_what_differs() {
        let told = |other: Outcome| Outcome::merged(named(&[part(1, 2), other])).unwrap_err().to_string();
        let other_run = Outcome { run: "r2".into(), ..part(2, 2) };
        assert!(told(other_run).starts_with("1.json: run is \"r2\", and \"r1\" in the files before"));
        let mut other_scenario = part(2, 2);
        other_scenario.scenario.insert("rooms".into(), "9".into());
        assert!(told(other_scenario).starts_with("1.json: rooms is \"9\", and \"1\" "));
        let mut without = part(2, 2);
        without.scenario.remove("people");
        assert!(told(without).starts_with("1.json: people is \"\""));
        assert_eq!(told(part(1, 2)), "1.json: shard 1/2 is in the files before already");
        assert!(matches!(Outcome::merged([]), Err(OutcomeError::Nothing)));
    }

    #[test]
    fn a_missing_part_is_told() {
        let merged = Outcome::merged(named(&[part(1, 3), part(3, 3)])).unwrap();
        assert_eq!(merged.warnings(), ["Only a part of the run: shard 2/3 is not in it."]);
    }

    #[test]
    fn a_tester_that_is_the_bottleneck_says_so() {
        let mut outcome = part(1, 1);
        outcome.testers[0].cpu_ms = Some(1_700);
        assert!(outcome.warnings()[0].starts_with("The tester itself used 85 % of its 2 cores"), "{:?}", outcome.warnings());
        outcome.testers[0].cpu_ms = None;
        outcome.testers[0].lag.record(30_000);
        assert!(outcome.warnings()[0].contains("ms late (p99)"), "{:?}", outcome.warnings());
        assert_eq!(outcome.cpu_percent(), None);
    }

    #[test]
    fn a_file_reads_back_and_has_the_figures_beside_the_counts() {
        let mut outcome = part(1, 1);
        outcome.tally.times.join.record(123_000);
        let text = outcome.to_json();
        assert_eq!(Outcome::from_json("a.json", &text).unwrap(), outcome);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(value["figures"]["join_p95_ms"].as_f64().unwrap() >= 123.0);
        assert_eq!(value["figures"]["chat_p99_ms"], Value::Null);
        assert_eq!(outcome.scenario().unwrap(), Scenario::default());
    }

    #[test]
    fn a_file_that_is_no_result_is_named() {
        for text in ["", "[]", "{}", "{\"format\":1}"] {
            let error = Outcome::from_json("a.json", text).unwrap_err();
            assert!(matches!(error, OutcomeError::Json(..)) && error.to_string().starts_with("a.json: "), "{text}: {error}");
        }
        let newer = Outcome::from_json("a.json", "{\"format\":2,\"new\":true}").unwrap_err();
        assert_eq!(newer.to_string(), "a.json: written in format 2; this program reads format 1");
    }

    #[test]
    fn shards_share_the_rooms_without_overlap() {
        let shards: Vec<Shard> = ["1/3", "2/3", "3/3"].into_iter().map(|text| text.parse().unwrap()).collect();
        for room in 0..10 {
            assert_eq!(shards.iter().filter(|shard| shard.has(room)).count(), 1, "room {room}");
        }
        for text in ["", "1", "0/2", "3/2", "a/b", "1/1001", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
