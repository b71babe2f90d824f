//! Chance with a seed: the same seed gives the same run, on every machine and with every version of every library.
//!
//! SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). Not for secrets.

/// A sequence of random numbers.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// `stream` tells sequences of one seed apart.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // Neighbouring streams of a small seed are alike in their first numbers.
        dice.roll();
        Self(dice.roll())
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, not including, 1.
    pub fn share(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: f64) -> bool {
        self.share() * 100.0 < percent
    }

    /// Microseconds until the next of events that happen at random, `per_minute` on average; `None` for never.
    pub fn wait_us(&mut self, per_minute: f64) -> Option<u64> {
        let mean_us = 60_000_000.0 / per_minute;
        (per_minute > 0.0).then(|| (-(1.0 - self.share()).ln() * mean_us) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_and_streams_differ() {
        let numbers = |seed, stream| (0..4).scan(Dice::new(seed, stream), |dice, _| Some(dice.roll())).collect::<Vec<_>>();
        assert_eq!(numbers(1, 2), numbers(1, 2));
        assert_ne!(numbers(1, 2), numbers(1, 3));
        assert_ne!(numbers(1, 2), numbers(2, 2));
    }

    #[test]
    fn chances_come_true_as_often_as_they_should() {
        let mut dice = Dice::new(7, 0);
        let hits = (0..10_000).filter(|_| dice.chance(5.0)).count();
        assert!((450..550).contains(&hits), "{hits}");
        assert!((0..1_000).all(|_| !dice.chance(0.0) && dice.chance(100.0)));
    }

    #[test]
    fn waits_have_the_mean_that_was_asked_for() {
        let mut dice = Dice::new(3, 9);
        let sum: u64 = (0..10_000).filter_map(|_| dice.wait_us(6.0)).sum();
        assert!((9_500_000..10_500_000).contains(&(sum / 10_000)), "{sum}");
        assert_eq!(dice.wait_us(0.0), None);
    }
}
