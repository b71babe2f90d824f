//! When a user does what: one deadline for everything that it sends or does by itself, so that a client needs one timer.
//!
//! Pure: it is asked with the time and says what is due. Rates hold on a busy machine: what came late is made up for, up to a second.

use crate::dice::Dice;
use crate::scenario::Scenario;

/// What a user makes up for at most, after its machine stood still; what lies further back is left out.
const BACKLOG_US: u64 = 1_000_000;

/// Something that happens at a fixed rate.
#[derive(Debug, Clone, Copy)]
struct Beat {
    start_us: u64,
    per_second: u64,
    count: u64,
}

impl Beat {
    fn new(start_us: u64, per_second: u32) -> Self {
        Self { start_us, per_second: u64::from(per_second.max(1)), count: 0 }
    }

    fn next_us(&self) -> u64 {
        self.start_us + self.count * 1_000_000 / self.per_second
    }

    /// Takes one beat if it is due.
    fn take(&mut self, now_us: u64) -> bool {
        if self.next_us() > now_us {
            return false;
        }
        let left_out = now_us.saturating_sub(BACKLOG_US);
        if self.next_us() < left_out {
            self.count = (left_out - self.start_us) * self.per_second / 1_000_000;
        }
        self.count += 1;
        true
    }
}

/// Something that happens at random times.
#[derive(Debug, Clone)]
struct Chance {
    next_us: Option<u64>,
    per_minute: f64,
}

impl Chance {
    fn new(dice: &mut Dice, now_us: u64, per_minute: f64) -> Self {
        Self { next_us: dice.wait_us(per_minute).map(|wait| now_us.saturating_add(wait)), per_minute }
    }

    fn take(&mut self, dice: &mut Dice, now_us: u64) -> bool {
        if self.next_us.is_none_or(|next_us| next_us > now_us) {
            return false;
        }
        *self = Self::new(dice, now_us, self.per_minute);
        true
    }
}

/// What a user does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A packet of the microphone.
    Speak,
    /// A frame of the camera.
    Show,
    /// A message.
    Write,
    /// Its connection is cut.
    Cut,
    /// It leaves.
    Leave,
}

/// The times of one user in a room.
#[derive(Debug, Clone)]
pub struct Pace {
    audio: Option<Beat>,
    video: Option<Beat>,
    chat: Chance,
    cut: Chance,
    leave: Chance,
    dice: Dice,
}

impl Pace {
    /// From `now_us` on. Users of one room begin at different points of a packet's time, as people do.
    pub fn new(scenario: &Scenario, mut dice: Dice, now_us: u64) -> Self {
        let Scenario { audio, video, chat, churn, .. } = scenario;
        let mut beat = |per_second: u32| Beat::new(now_us + dice.roll() % (1_000_000 / u64::from(per_second.max(1))), per_second);
        let audio = audio.on.then(|| beat(audio.pps));
        let video = video.on.then(|| beat(video.fps));
        Self {
            audio,
            video,
            chat: Chance::new(&mut dice, now_us, chat.per_minute),
            cut: Chance::new(&mut dice, now_us, churn.cuts_per_minute),
            leave: Chance::new(&mut dice, now_us, churn.leaves_per_minute),
            dice,
        }
    }

    /// When [`Pace::due`] should be asked next; `None` for never.
    pub fn next_us(&self) -> Option<u64> {
        let beats = [&self.audio, &self.video].into_iter().flatten().map(Beat::next_us);
        beats.chain([&self.chat, &self.cut, &self.leave].into_iter().filter_map(|chance| chance.next_us)).min()
    }

    /// One thing that is due; ask again until there is none.
    pub fn due(&mut self, now_us: u64) -> Option<Act> {
        if self.audio.as_mut().is_some_and(|beat| beat.take(now_us)) {
            return Some(Act::Speak);
        }
        if self.video.as_mut().is_some_and(|beat| beat.take(now_us)) {
            return Some(Act::Show);
        }
        let chances = [(&mut self.chat, Act::Write), (&mut self.cut, Act::Cut), (&mut self.leave, Act::Leave)];
        chances.into_iter().find_map(|(chance, act)| chance.take(&mut self.dice, now_us).then_some(act))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a user does in `seconds`, when asked as soon as something is due.
    fn acts(scenario: &Scenario, seconds: u64) -> Vec<(u64, Act)> {
        let mut pace = Pace::new(scenario, Dice::new(1, 0), 0);
        let mut acts = Vec::new();
        while let Some(now_us) = pace.next_us().filter(|next_us| *next_us < seconds * 1_000_000) {
            while let Some(act) = pace.due(now_us) {
                acts.push((now_us, act));
            }
        }
        acts
    }

    fn count(acts: &[(u64, Act)], act: Act) -> usize {
        acts.iter().filter(|(_, other)| *other == act).count()
    }

    #[test]
    fn a_user_sends_at_its_rates() {
        let mut scenario = Scenario::default();
        scenario.chat.per_minute = 60.0;
        scenario.churn.leaves_per_minute = 6.0;
        let acts = acts(&scenario, 600);
        assert_eq!((count(&acts, Act::Speak), count(&acts, Act::Show)), (30_000, 18_000));
        assert!((500..700).contains(&count(&acts, Act::Write)), "{}", count(&acts, Act::Write));
        assert!((40..80).contains(&count(&acts, Act::Leave)), "{}", count(&acts, Act::Leave));
        assert_eq!(count(&acts, Act::Cut), 0);
    }

    #[test]
    fn rates_that_do_not_divide_a_second_do_not_drift() {
        let mut scenario = Scenario::default();
        scenario.audio.pps = 33;
        scenario.video.fps = 7;
        let acts = acts(&scenario, 1_000);
        assert_eq!((count(&acts, Act::Speak), count(&acts, Act::Show)), (33_000, 7_000));
    }

    #[test]
    fn a_user_without_anything_to_do_has_no_deadline() {
        let mut scenario = Scenario::default();
        (scenario.audio.on, scenario.video.on, scenario.chat.per_minute) = (false, false, 0.0);
        assert_eq!(Pace::new(&scenario, Dice::new(1, 0), 0).next_us(), None);
    }

    #[test]
    fn what_came_late_is_made_up_for_but_no_more_than_a_second_of_it() {
        let mut pace =
            Pace::new(&Scenario { chat: crate::scenario::Chat { per_minute: 0.0, bytes: 60 }, ..Scenario::default() }, Dice::new(1, 0), 0);
        let at = |pace: &mut Pace, now_us: u64| std::iter::from_fn(|| pace.due(now_us)).filter(|act| *act == Act::Speak).count();
        assert!((5..=6).contains(&at(&mut pace, 110_000)));
        assert!((50..=52).contains(&at(&mut pace, 3_600_000_000)), "an hour of suspension");
        assert_eq!(at(&mut pace, 3_600_000_000), 0);
    }
}
