//! One headless user's life: it enters its room, stays, leaves as its scenario has it, comes back, until the run is over.
//!
//! It decides nothing about the run; [`crate::run`] does. Whatever fails is counted, never a panic.

use crate::call::{Call, Exit};
use crate::checks::Stay;
use crate::dice::Dice;
use crate::failure::Failure;
use crate::recorder::Recorder;
use crate::rest::Backend;
use crate::rtc::Slots;
use crate::scenario::{RoomKind, Scenario};
use crate::target::Dialer;
use std::net::IpAddr;
use tokio_util::sync::CancellationToken;

/// The shortest time without a new frame that people notice as a freeze.
const FREEZE_MIN_US: u64 = 400_000;
/// Or as many frames' time, for slow cameras.
const FREEZE_FRAMES: u64 = 3;
/// Audio slots of a voice room: the loudest that a server forwards.
const LOUDEST: u32 = 5;

/// What all users of a run share.
#[derive(Debug, Clone)]
pub struct Common {
    pub dialer: Dialer,
    pub backend: Backend,
    /// Where media leaves this machine.
    pub local: IpAddr,
    pub scenario: Scenario,
}

impl Common {
    /// What each peer can receive at the same time.
    pub fn slots(&self) -> Slots {
        let others = self.scenario.people.saturating_sub(1);
        let audio = match self.scenario.kind {
            RoomKind::Buddy => others,
            RoomKind::Voice => others.min(LOUDEST),
        };
        Slots { audio, video: self.scenario.video.slots }
    }

    /// A longer time without a new frame is a freeze.
    pub fn freeze_us(&self) -> u64 {
        FREEZE_MIN_US.max(FREEZE_FRAMES * 1_000_000 / u64::from(self.scenario.video.fps.max(1)))
    }
}

/// Who a user is, and where it goes.
#[derive(Debug, Clone)]
pub struct Person {
    /// Unique in the run: it is in every packet.
    pub user: u32,
    /// The room's number in the run.
    pub room_number: u32,
    /// The room's id.
    pub room: String,
    /// The user's id on the server, and its name.
    pub name: String,
    /// Whether the scenario's link lies between this user and the server.
    pub over_link: bool,
    pub recorder: Recorder,
}

impl Person {
    /// Whether this user's network is the scenario's link: the same people in every run of a seed.
    pub fn is_over_link(scenario: &Scenario, user: u32) -> bool {
        scenario.has_link() && Dice::new(scenario.seed, u64::from(user) << 20 | 3).chance(scenario.link.people_percent)
    }
}

/// Lives until `stop`, or until a failure ends it. `settled` is dropped when the user has joined or failed to for the first time.
pub async fn live<T>(common: Common, person: Person, settled: T, stop: CancellationToken) -> Vec<Stay> {
    let mut settled = Some(settled);
    let mut stays = Vec::new();
    let mut takes = 0;
    let mut joined = false;
    person.recorder.with(|tally| tally.people.expected += 1);
    let mut dice = Dice::new(common.scenario.seed, u64::from(person.user) << 20 | 4);
    let comes_back = common.scenario.churn.leaves_per_minute > 0.0;
    loop {
        let entered = tokio::select! {
            entered = enter(&common, &person, takes) => entered,
            () = stop.cancelled() => {
                // Whoever didn't get the time is no failure.
                person.recorder.with(|tally| tally.people.expected -= u64::from(!joined));
                break;
            }
        };
        drop(settled.take());
        let mut call = match entered {
            Ok(call) => call,
            Err(failure) => {
                person.recorder.error(&failure.code, &failure.message);
                if comes_back && away(&common, &stop).await {
                    continue;
                }
                break;
            }
        };
        person.recorder.with(|tally| tally.people.joined += u64::from(!joined));
        joined = true;
        let exit = call.run(&stop).await;
        takes = call.takes();
        let now_us = person.recorder.now_us();
        person.recorder.with(|tally| tally.second(now_us).joined -= 1);
        let goes_on = match exit {
            Exit::Stopped => {
                stays.extend(call.leave().await);
                false
            }
            Exit::Leaves => {
                let abrupt = dice.chance(common.scenario.churn.abrupt_percent);
                person.recorder.with(|tally| {
                    tally.people.leaves += 1;
                    tally.people.abrupt += u64::from(abrupt);
                });
                stays.extend(if abrupt { call.vanish().await } else { call.leave().await });
                away(&common, &stop).await
            }
            Exit::Unseated => {
                person.recorder.with(|tally| tally.connections.rejoined += 1);
                stays.extend(call.vanish().await);
                true
            }
            Exit::Lost(failure) => {
                person.recorder.error(&failure.code, &failure.message);
                stays.extend(call.vanish().await);
                comes_back && away(&common, &stop).await
            }
        };
        if !goes_on {
            break;
        }
    }
    stays
}

/// Waits until the user comes back; false when the run ends before.
async fn away(common: &Common, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(common.scenario.churn.away) => true,
        () = stop.cancelled() => false,
    }
}

async fn enter(common: &Common, person: &Person, takes: u16) -> Result<Call, Failure> {
    let token = common.backend.room_token(&person.room, &person.name, &person.name).await?;
    Call::enter(common, person, token, takes).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(scenario: Scenario) -> Common {
        let dialer = Dialer::new("http://127.0.0.1:1".parse().unwrap(), None).unwrap();
        Common { backend: Backend::new(dialer.clone(), "devkey", "hush"), dialer, local: IpAddr::from([127, 0, 0, 1]), scenario }
    }

    #[tokio::test]
    async fn an_unreachable_node_ends_the_user_with_one_error() {
        let recorder = Recorder::start();
        let person = Person { user: 0, room_number: 0, room: "r".into(), name: "n".into(), over_link: false, recorder: recorder.clone() };
        let (settled, mut settling) = tokio::sync::mpsc::channel::<()>(1);
        let stays = live(common(Scenario::default()), person, settled, CancellationToken::new()).await;
        assert!(stays.is_empty());
        let errors = recorder.with(|tally| tally.errors.clone());
        assert_eq!(errors.iter().map(|(code, errors)| (code.as_str(), errors.count)).collect::<Vec<_>>(), [("unreachable", 1)]);
        assert_eq!(settling.recv().await, None);
    }

    #[test]
    fn a_freeze_is_longer_than_three_frames_of_a_slow_camera() {
        let mut scenario = Scenario::default();
        assert_eq!(common(scenario.clone()).freeze_us(), 400_000);
        scenario.video.fps = 5;
        assert_eq!(common(scenario).freeze_us(), 600_000);
    }

    #[test]
    fn as_many_people_have_the_link_as_the_scenario_says() {
        let mut scenario = Scenario::default();
        assert!(!Person::is_over_link(&scenario, 0), "there is none");
        (scenario.link.loss_percent, scenario.link.people_percent) = (1.0, 25.0);
        let people = (0..4_000).filter(|user| Person::is_over_link(&scenario, *user)).count();
        assert!((900..1_100).contains(&people), "{people}");
    }
}
