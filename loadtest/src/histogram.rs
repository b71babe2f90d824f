//! Counts of times, for percentiles: fixed size, so that a long run costs no memory.
//!
//! Buckets are sixteenths of a power of two: a percentile is at most 6 % above the truth, never below it.

const SUB_BITS: u32 = 4;
const SUB: usize = 1 << SUB_BITS;
const BUCKETS: usize = SUB * 28;

/// A histogram of values in whatever unit its owner says. Values past 2³¹ share the last bucket.
#[derive(Debug, Clone)]
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
