//! Who is heard in a room of many: a fixed number of places for its loudest voices, in order.
//!
//! Not a mixer, and no judge of what is speech: it ranks by the level that each packet carries (RFC 6464). A voice may be dropped from the
//! list only for a louder one, so a pause between two words costs nobody the place.
//!
//! ```text
//! place   0      1      2      3      4      5   | the others
//!         ana    bo     cho    dan    eve    fay | … 44 more, not forwarded
//!         └──── a listener with 5 slots ───┘
//!         └── ana with 5 slots: all but ana ──┘
//! ```
//!
//! Invariant: a voice stands in at most one place, and the places in use come first. Cost: one packet moves at most one voice, and looks at
//! [`PLACES`] others at most, however many there are.

use crate::speaker::Level;
use std::time::{Duration, Instant};

/// Voices that a listener hears at once. More than four people talking at the same time isn't understood by anybody, and the fifth slot
/// carries the one who is about to be.
pub const POOL_SLOTS: usize = 5;
/// One more than a listener hears: who has a place of its own hears the next one instead of itself.
pub(crate) const PLACES: usize = POOL_SLOTS + 1;

/// A packet louder by so much than the smoothed level of the voice before it takes that place at once: somebody starts to speak where
/// another pauses or only hums. In dB.
const FAR_LOUDER: f32 = 15.0;
/// A voice that is louder by so much, in dB …
const LOUDER: f32 = 3.0;
/// … for so long takes the place too, though the one before it speaks as well.
const LOUDER_FOR: Duration = Duration::from_millis(300);
/// Levels below this are all one silence, in dBov. [`FAR_LOUDER`] above it begins what may be speech.
const FLOOR: f32 = -65.0;
/// What a packet without the header extension counts as: its sender can't say how loud it is, and must be heard all the same.
pub(crate) const UNKNOWN_LEVEL: i8 = -40;

/// The ranking of a room's voices. A voice is named by a small number that its owner gives.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    voices: Vec<Option<Voice>>,
    /// Loudest first, by the rules above.
    places: Vec<usize>,
}

#[derive(Debug)]
struct Voice {
    level: Level,
    /// Since when it is louder than the one before it.
    louder_since: Option<Instant>,
}

impl Pool {
    /// The voices that have a place, first to last.
    pub(crate) fn places(&self) -> &[usize] {
        &self.places
    }

    /// A packet of `voice` had this level in dBov. True when the places changed.
    pub(crate) fn heard(&mut self, voice: usize, level: i8, now: Instant) -> bool {
        if self.voices.len() <= voice {
            self.voices.resize_with(voice + 1, || None);
        }
        self.voices[voice].get_or_insert_with(|| Voice { level: Level::silent(now), louder_since: None }).level.heard(level, now);
        match self.places.iter().position(|placed| *placed == voice) {
            Some(place) => self.climb(place, level, now),
            None if self.places.len() < PLACES => {
                self.places.push(voice);
                self.climb(self.places.len() - 1, level, now);
                true
            }
            None => {
                let last = PLACES - 1;
                let enters = self.beats(voice, self.places[last], level, now);
                if enters {
                    self.places[last] = voice;
                    self.climb(last, level, now);
                }
                enters
            }
        }
    }

    /// The voice is gone, or muted. True when the places changed.
    pub(crate) fn forget(&mut self, voice: usize) -> bool {
        if let Some(known) = self.voices.get_mut(voice) {
            *known = None;
        }
        let before = self.places.len();
        self.places.retain(|placed| *placed != voice);
        self.places.len() != before
    }

    /// Moves a voice up past all that it beats.
    fn climb(&mut self, from: usize, level: i8, now: Instant) -> bool {
        let mut place = from;
        while place > 0 && self.beats(self.places[place], self.places[place - 1], level, now) {
            self.places.swap(place, place - 1);
            place -= 1;
        }
        place != from
    }

    /// Whether `challenger`, of which a packet with this level just came, takes the place of `holder`.
    fn beats(&mut self, challenger: usize, holder: usize, level: i8, now: Instant) -> bool {
        let held = self.voices[holder].as_ref().map_or(FLOOR, |holder| holder.level.at(now)).max(FLOOR);
        let Some(challenger) = self.voices[challenger].as_mut() else { return false };
        if f32::from(level) >= held + FAR_LOUDER {
            challenger.louder_since = None;
            return true;
        }
        if challenger.level.at(now) < held + LOUDER {
            challenger.louder_since = None;
            return false;
        }
        let since = *challenger.louder_since.get_or_insert(now);
        let beats = now.saturating_duration_since(since) >= LOUDER_FOR;
        if beats {
            challenger.louder_since = None;
        }
        beats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEECH: i8 = -25;
    const NOISE: i8 = -75;

    /// Packets every 20 ms.
    struct Bench {
        pool: Pool,
        now: Instant,
        changes: usize,
    }

    impl Bench {
        /// A room of so many that all hear the noise of their rooms.
        fn quiet(voices: usize) -> Self {
            let mut bench = Self { pool: Pool::default(), now: Instant::now(), changes: 0 };
            bench.run(1000, |_| vec![], voices);
            bench.changes = 0;
            bench
        }

        /// `loud` says who has which level in the packet of that turn; the others have [`NOISE`].
        fn run(&mut self, ms: u64, loud: impl Fn(u64) -> Vec<(usize, i8)>, voices: usize) {
            for turn in 0..ms / 20 {
                self.now += Duration::from_millis(20);
                let loud = loud(turn);
                for voice in 0..voices {
                    let level = loud.iter().find(|(who, _)| *who == voice).map_or(NOISE, |(_, level)| *level);
                    self.changes += usize::from(self.pool.heard(voice, level, self.now));
                }
            }
        }

        /// What a listener with [`POOL_SLOTS`] hears.
        fn heard(&self) -> &[usize] {
            &self.pool.places()[..POOL_SLOTS]
        }
    }

    #[test]
    fn up_to_as_many_as_there_are_places_are_all_heard_however_quiet() {
        let bench = Bench::quiet(PLACES);
        assert_eq!(bench.pool.places(), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn who_starts_to_speak_in_a_quiet_room_of_fifty_is_heard_from_the_first_packet() {
        let mut bench = Bench::quiet(50);
        bench.pool.heard(42, SPEECH, bench.now);
        assert_eq!(bench.pool.places()[0], 42);
        assert_eq!(bench.pool.places().len(), PLACES);
    }

    #[test]
    fn a_soft_voice_is_heard_from_the_first_packet_too_and_noise_never() {
        let mut bench = Bench::quiet(50);
        bench.pool.heard(42, -50, bench.now);
        assert_eq!(bench.pool.places()[0], 42);
        bench.pool.heard(43, -51, bench.now);
        assert!(!bench.pool.places().contains(&43));
    }

    #[test]
    fn a_pause_of_two_seconds_costs_nobody_the_place_while_there_is_one_for_the_others() {
        let mut bench = Bench::quiet(50);
        bench.run(1000, |_| vec![(10, SPEECH), (11, SPEECH), (12, SPEECH), (13, SPEECH)], 50);
        bench.run(2000, |_| vec![(11, SPEECH), (12, SPEECH), (13, SPEECH), (20, SPEECH)], 50);
        let mut heard = bench.heard().to_vec();
        heard.sort_unstable();
        assert_eq!(heard, [10, 11, 12, 13, 20]);
    }

    #[test]
    fn a_newcomer_among_many_who_speak_waits_300_ms_and_must_be_louder() {
        let six = || (10..10 + PLACES).map(|who| (who, SPEECH)).collect::<Vec<_>>();
        let with = |level| {
            let mut loud = six();
            loud.push((30, level));
            loud
        };
        let mut bench = Bench::quiet(50);
        bench.run(1000, |_| six(), 50);
        bench.changes = 0;
        bench.run(3000, |_| with(SPEECH + 2), 50);
        assert!(!bench.pool.places().contains(&30), "two dB are nothing");
        assert_eq!(bench.changes, 0);
        bench.run(280, |_| with(SPEECH + 8), 50);
        assert!(!bench.pool.places().contains(&30));
        bench.run(120, |_| with(SPEECH + 8), 50);
        assert!(bench.pool.places().contains(&30), "{:?}", bench.pool.places());
    }

    #[test]
    fn a_shout_above_a_murmur_waits_for_nothing() {
        let mut bench = Bench::quiet(50);
        bench.run(1000, |_| (0..PLACES).map(|who| (who, -48)).collect(), 50);
        bench.pool.heard(30, -20, bench.now);
        assert_eq!(bench.pool.places()[0], 30);
    }

    #[test]
    fn voices_of_like_loudness_dont_push_each_other_about() {
        let mut bench = Bench::quiet(50);
        // Twelve speak at once; levels of speech swing by some dB from packet to packet.
        let swing = |turn: u64, who: usize| SPEECH - 3 + ((turn * 7 + who as u64 * 5) % 7) as i8;
        bench.run(1000, |turn| (10..22).map(|who| (who, swing(turn, who))).collect(), 50);
        bench.changes = 0;
        bench.run(10_000, |turn| (10..22).map(|who| (who, swing(turn, who))).collect(), 50);
        assert!(bench.changes <= 5, "{} changes in ten seconds", bench.changes);
    }

    #[test]
    fn a_silence_without_packets_counts_as_silence() {
        let mut bench = Bench::quiet(50);
        let six: Vec<_> = (10..10 + PLACES).map(|who| (who, SPEECH)).collect();
        bench.run(1000, |_| six.clone(), 50);
        // All of them fall silent by DTX: no packets at all. One second later somebody else begins.
        bench.now += Duration::from_secs(1);
        bench.pool.heard(30, SPEECH, bench.now);
        assert_eq!(bench.pool.places()[0], 30);
    }

    #[test]
    fn who_is_forgotten_makes_room_for_the_next_packet() {
        let mut bench = Bench::quiet(50);
        let second = bench.pool.places()[1];
        assert!(bench.pool.forget(second));
        assert!(!bench.pool.forget(second));
        assert_eq!(bench.pool.places().len(), PLACES - 1);
        assert!(bench.pool.heard(40, NOISE, bench.now));
        assert_eq!(bench.pool.places().last(), Some(&40));
    }

    #[test]
    fn places_are_exclusive_and_bounded_whatever_is_heard() {
        let mut bench = Bench::quiet(0);
        let mut noise = 88_172_645_463_325_252_u64;
        for _ in 0..20_000 {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            let voice = (noise % 50) as usize;
            bench.now += Duration::from_millis((noise >> 8) % 9);
            match (noise >> 16) % 40 {
                0 => drop(bench.pool.forget(voice)),
                _ => drop(bench.pool.heard(voice, -(((noise >> 24) as u8 % 128) as i8), bench.now)),
            }
            let mut places = bench.pool.places().to_vec();
            assert!(places.len() <= PLACES);
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), bench.pool.places().len());
        }
    }
}
