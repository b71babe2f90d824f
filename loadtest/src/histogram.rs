//! Counts of times, for percentiles: fixed size, so that a long run costs no memory, and mergeable, so that processes can share a run.
//!
//! Buckets are sixteenths of a power of two: a percentile is at most 6 % above the truth, never below it. Written down, a histogram is the
//! list of its filled buckets.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const SUB_BITS: u32 = 4;
const SUB: usize = 1 << SUB_BITS;
const BUCKETS: usize = SUB * 28;

/// A histogram of values in whatever unit its owner says. Values past 2³¹ share the last bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: Box<[u64; BUCKETS]>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: Box::new([0; BUCKETS]), total: 0 }
    }
}

impl Histogram {
    pub fn record(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
        self.total += 1;
    }

    /// Adds all of another's values.
    pub fn merge(&mut self, other: &Self) {
        for (count, added) in self.counts.iter_mut().zip(other.counts.iter()) {
            *count += added;
        }
        self.total += other.total;
    }

    /// How many values were recorded.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The value that `percent` (0–100) of all values don't exceed; `None` when there are none.
    pub fn percentile(&self, percent: f64) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let rank = ((percent / 100.0 * self.total as f64).ceil() as u64).clamp(1, self.total);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(upper_bound(index));
            }
        }
        Some(upper_bound(BUCKETS - 1))
    }
}

impl Histogram {
    /// All buckets from the first filled one to the last, as [`Histogram::filled`] tells them.
    pub fn all_from_first_to_last(&self) -> impl Iterator<Item = (u64, u64)> {
        let filled = |count: &u64| *count > 0;
        let range = self.counts.iter().position(filled).zip(self.counts.iter().rposition(filled));
        let indices = range.map_or(0..0, |(first, last)| first..last + 1);
        indices.map(|index| (upper_bound(index), self.counts[index]))
    }

    /// The filled buckets: each one's highest value, and how many values are in it.
    pub fn filled(&self) -> impl Iterator<Item = (u64, u64)> {
        self.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(index, &count)| (upper_bound(index), count))
    }
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.filled())
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut histogram = Self::default();
        for (value, count) in Vec::<(u64, u64)>::deserialize(deserializer)? {
            let total = histogram.total.checked_add(count).ok_or_else(|| D::Error::custom("a histogram counts more than 2^64 values"))?;
            histogram.counts[bucket(value)] += count;
            histogram.total = total;
        }
        Ok(histogram)
    }
}

/// Values below 16 have a bucket each; above, the four bits after the highest one choose among 16 of its power.
fn bucket(value: u64) -> usize {
    if value < SUB as u64 {
        return value as usize;
    }
    let power = value.ilog2();
    let sub = ((value >> (power - SUB_BITS)) as usize) & (SUB - 1);
    (SUB * ((power - SUB_BITS) as usize + 1) + sub).min(BUCKETS - 1)
}

fn upper_bound(index: usize) -> u64 {
    if index < SUB {
        return index as u64;
    }
    let shift = (index / SUB - 1) as u32;
    (((SUB + index % SUB + 1) as u64) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_recorded_has_no_percentile() {
        assert_eq!(Histogram::default().percentile(50.0), None);
    }

    #[test]
    fn a_percentile_is_never_below_and_at_most_a_sixteenth_above() {
        for value in (0..5_000).chain((5_000..1_000_000).step_by(997)).chain([1 << 30]) {
            let mut histogram = Histogram::default();
            histogram.record(value);
            let told = histogram.percentile(50.0).unwrap();
            assert!(told >= value && told <= value + value / 16, "{value} told as {told}");
        }
    }

    #[test]
    fn percentiles_of_a_ramp_are_where_they_belong() {
        let mut histogram = Histogram::default();
        (1..=1_000).for_each(|value| histogram.record(value));
        assert!((500..=532).contains(&histogram.percentile(50.0).unwrap()));
        assert!((950..=1_010).contains(&histogram.percentile(95.0).unwrap()));
        assert!(histogram.percentile(100.0).unwrap() >= 1_000);
        assert_eq!(histogram.percentile(0.0), Some(1));
    }

    #[test]
    fn huge_values_share_the_last_bucket() {
        let mut histogram = Histogram::default();
        histogram.record(u64::MAX);
        assert!(histogram.percentile(50.0).unwrap() >= (1 << 31) - 1);
    }

    #[test]
    fn what_was_written_down_reads_back_and_merges() {
        let mut histogram = Histogram::default();
        [0, 3, 3, 900, 1 << 20, u64::MAX].into_iter().for_each(|value| histogram.record(value));
        let text = serde_json::to_string(&histogram).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram, "{text}");
        assert_eq!(serde_json::to_string(&Histogram::default()).unwrap(), "[]");
        for text in ["{}", "[[1]]", "[[-1,1]]", "[[1,18446744073709551615],[2,1]]"] {
            assert!(serde_json::from_str::<Histogram>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn all_buckets_between_the_ends_are_told() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.all_from_first_to_last().count(), 0);
        [3, 6, 6].into_iter().for_each(|value| histogram.record(value));
        assert_eq!(histogram.all_from_first_to_last().collect::<Vec<_>>(), [(3, 1), (4, 0), (5, 0), (6, 2)]);
    }

    #[test]
    fn merging_adds_the_counts() {
        let mut left = Histogram::default();
        left.record(1);
        let mut right = Histogram::default();
        right.record(9);
        right.record(9);
        left.merge(&right);
        assert_eq!((left.len(), left.percentile(100.0), left.percentile(30.0)), (3, Some(9), Some(1)));
    }
}
