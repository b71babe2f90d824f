//! Who is audible in a room, from the level that each audio packet carries (RFC 6464).
//!
//! Not a mixer: payloads are never opened. Invariant: two lists given out are at least [`INTERVAL`] apart, and differ.

use crate::PeerId;
use std::time::{Duration, Instant};

/// Between two lists.
pub(crate) const INTERVAL: Duration = Duration::from_millis(200);
/// Louder than this is speech rather than a room's noise, in dBov.
const AUDIBLE: f32 = -50.0;
/// Who spoke stays listed down to this level, so that a list doesn't flicker at the threshold.
const STILL_AUDIBLE: f32 = -55.0;
/// Fall per second of a voice that stopped, in dB: some half a second from speech to silence.
const RELEASE_PER_SECOND: f32 = 40.0;
/// Share of a louder packet that counts at once. Less would hide short words, more would list every click.
const ATTACK: f32 = 0.4;
/// Levels that differ by less are the same for a listener, and for a list.
const STEP: i8 = 5;
const SILENT: f32 = -127.0;

/// How loud a voice is, smoothed over its packets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Level {
    level: f32,
    heard: Instant,
}

impl Level {
    pub(crate) fn silent(now: Instant) -> Self {
        Self { level: SILENT, heard: now }
    }

    /// A packet had this level in dBov.
    pub(crate) fn heard(&mut self, level: i8, now: Instant) {
        let level = f32::from(level.clamp(-127, 0));
        let faded = self.at(now);
        self.level = if level > faded { faded.max(AUDIBLE - 10.0) * (1.0 - ATTACK) + level * ATTACK } else { faded };
        // A quiet room's level may lie below where the attack starts from.
        self.level = self.level.min(level.max(faded));
        self.heard = now;
    }

    /// In dBov. DTX sends nothing in silence, so a level falls by itself.
    pub(crate) fn at(&self, now: Instant) -> f32 {
        let silence = now.saturating_duration_since(self.heard).as_secs_f32();
        (self.level - RELEASE_PER_SECOND * silence).max(SILENT)
    }
}

/// The voices of one room, each at the place of its peer.
#[derive(Debug, Default)]
pub(crate) struct Speakers {
    voices: Vec<Option<Voice>>,
    told: Vec<(PeerId, i8)>,
    told_at: Option<Instant>,
}

#[derive(Debug)]
struct Voice {
    peer: PeerId,
    level: Level,
    listed: bool,
}

impl Speakers {
    /// An audio packet of the peer at `place` had this level in dBov. When it is audible, says when [`Self::poll`] may have something to
    /// say.
    pub(crate) fn heard(&mut self, place: usize, peer: PeerId, level: i8, now: Instant) -> Option<Instant> {
        if self.voices.len() <= place {
            self.voices.resize_with(place + 1, || None);
        }
        let voice = self.voices[place].get_or_insert_with(|| Voice { peer, level: Level::silent(now), listed: false });
        voice.level.heard(level, now);
        (voice.level.at(now) > AUDIBLE).then(|| self.next_list(now))
    }

    /// The peer left, or its microphone was muted.
    pub(crate) fn forget(&mut self, place: usize) {
        if let Some(voice) = self.voices.get_mut(place) {
            *voice = None;
        }
    }

    /// When [`Self::poll`] may have something to say. Looks at all voices, so not for every packet.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let busy = !self.told.is_empty() || self.voices.iter().flatten().any(|voice| voice.level.at(now) > AUDIBLE);
        busy.then(|| self.next_list(now))
    }

    fn next_list(&self, now: Instant) -> Instant {
        self.told_at.map_or(now, |at| (at + INTERVAL).max(now))
    }

    /// The loudest of the last list.
    pub(crate) fn loudest(&self) -> Option<PeerId> {
        self.told.first().map(|(peer, _)| *peer)
    }

    /// The list, loudest first, if it changed.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Vec<(PeerId, i8)>> {
        if self.told_at.is_some_and(|at| now < at + INTERVAL) {
            return None;
        }
        self.told_at = Some(now);
        let mut list = vec![];
        for voice in self.voices.iter_mut().flatten() {
            let level = voice.level.at(now);
            voice.listed = level > if voice.listed { STILL_AUDIBLE } else { AUDIBLE };
            if voice.listed {
                list.push((voice.peer, level.round() as i8 / STEP * STEP));
            }
        }
        list.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        if list == self.told {
            return None;
        }
        self.told.clone_from(&list);
        Some(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: PeerId = PeerId(1);
    const B: PeerId = PeerId(2);

    /// Feeds 20 ms packets and collects the lists with their times.
    fn run(speakers: &mut Speakers, start: Instant, ms: std::ops::Range<u64>, levels: &[(PeerId, i8)]) -> Vec<(u64, Vec<PeerId>)> {
        let mut lists = vec![];
        for ms in ms.step_by(20) {
            let now = start + Duration::from_millis(ms);
            for &(peer, level) in levels {
                speakers.heard(peer.0 as usize, peer, level, now);
            }
            if speakers.due(now).is_some_and(|due| due <= now)
                && let Some(list) = speakers.poll(now)
            {
                lists.push((ms, list.into_iter().map(|(peer, _)| peer).collect()));
            }
        }
        lists
    }

    #[test]
    fn a_voice_is_listed_within_200_ms_and_unlisted_within_a_second_of_silence() {
        let (start, mut speakers) = (Instant::now(), Speakers::default());
        let lists = run(&mut speakers, start, 0..1000, &[(A, -20), (B, -90)]);
        assert!(lists[0].0 <= 200 && lists[0].1 == [A], "{lists:?}");
        let lists = run(&mut speakers, start, 1000..2600, &[(A, -127), (B, -90)]);
        assert_eq!(lists.last().expect("a change").1, []);
        assert!(lists.last().expect("a change").0 <= 2200, "{lists:?}");
    }

    #[test]
    fn a_steady_voice_makes_no_further_lists() {
        let (start, mut speakers) = (Instant::now(), Speakers::default());
        run(&mut speakers, start, 0..2000, &[(A, -22)]);
        assert_eq!(run(&mut speakers, start, 2000..5000, &[(A, -22)]), []);
    }

    #[test]
    fn lists_are_at_least_200_ms_apart_and_the_loudest_is_first() {
        let (start, mut speakers) = (Instant::now(), Speakers::default());
        let mut lists = vec![];
        for turn in 0..10 {
            let (a, b) = if turn % 2 == 0 { (-10, -40) } else { (-45, -12) };
            lists.extend(run(&mut speakers, start, turn * 100..(turn + 1) * 100, &[(A, a), (B, b)]));
        }
        assert!(lists.len() > 1 && lists.windows(2).all(|w| w[1].0 - w[0].0 >= 200), "{lists:?}");
        let lists = run(&mut speakers, start, 1000..3000, &[(A, -50), (B, -12)]);
        assert_eq!(lists.last().expect("a change").1.first(), Some(&B));
    }

    #[test]
    fn one_click_in_a_quiet_room_is_not_speech() {
        let (start, mut speakers) = (Instant::now(), Speakers::default());
        run(&mut speakers, start, 0..200, &[(A, -80)]);
        speakers.heard(1, A, -45, start + Duration::from_millis(210));
        assert_eq!(run(&mut speakers, start, 220..1000, &[(A, -80)]), []);
    }
}
