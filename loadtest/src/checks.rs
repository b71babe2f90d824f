//! Who should have received whom, found from when everybody was there.
//!
//! Two people who were in a room together for [`TOGETHER_US`] must have received each other's tracks. Shorter than that proves nothing: a
//! slot is bound, a key frame asked for, a first packet sent. In a voice room, whoever was with others must have received somebody.

use crate::outcome::{Checks, EXAMPLES_MAX};
use crate::reception::Slot;
use crate::scenario::{RoomKind, Scenario};
use crate::source::Origin;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How long two people have to be together for a missing track to be missed.
pub const TOGETHER_US: u64 = 5_000_000;

/// One peer's time in a room, and what it received.
#[derive(Debug, Clone)]
pub struct Stay {
    pub origin: Origin,
    /// The room's number in the run.
    pub room: u32,
    /// From when on its media transport was up.
    pub from_us: u64,
    pub until_us: u64,
    heard: BTreeMap<(Origin, Kind), Heard>,
}

/// What one peer received of one track.
#[derive(Debug, Clone, Copy, Default)]
struct Heard {
    packets: u64,
    frames: u64,
    /// Of a video that is still in its slot.
    last_frame_us: Option<u64>,
}

/// As an ordered key, which the crate's own isn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Audio,
    Video,
}

impl Stay {
    /// Of a peer that received `slots`.
    pub fn new(origin: Origin, room: u32, from_us: u64, until_us: u64, slots: &BTreeMap<String, Slot>) -> Self {
        let mut heard: BTreeMap<_, Heard> = BTreeMap::new();
        for slot in slots.values() {
            let kind = if slot.kind == RtpCodecKind::Video { Kind::Video } else { Kind::Audio };
            for (&from, subscription) in &slot.from {
                // A track that moved to another slot is one all the same.
                let heard = heard.entry((from, kind)).or_default();
                heard.packets += subscription.received;
                heard.frames += subscription.frames;
                if slot.current() == Some(from) {
                    heard.last_frame_us = heard.last_frame_us.max(subscription.last_frame_us);
                }
            }
        }
        Self { origin, room, from_us, until_us, heard }
    }

    /// How long both were there, in microseconds.
    fn together_us(&self, other: &Self) -> u64 {
        self.until_us.min(other.until_us).saturating_sub(self.from_us.max(other.from_us))
    }
}

/// Compares what everybody received with what they should have.
pub fn check(scenario: &Scenario, stays: &[Stay]) -> Checks {
    let mut checks = Checks::default();
    match scenario.kind {
        RoomKind::Buddy => everybody_heard_everybody(scenario, stays, &mut checks),
        RoomKind::Voice => everybody_heard_somebody(scenario, stays, &mut checks),
    }
    for stay in stays {
        for (from, kind) in stay.heard.keys().filter(|(from, _)| scenario.room_of(from.user) != stay.room) {
            checks.leaked_tracks += 1;
            checks.example(format!("user {} received user {}'s {}, who is in another room", stay.origin.user, from.user, kind.word()));
        }
    }
    checks
}

fn everybody_heard_everybody(scenario: &Scenario, stays: &[Stay], checks: &mut Checks) {
    for (viewer, publisher) in pairs(stays).filter(|(viewer, publisher)| viewer.together_us(publisher) >= TOGETHER_US) {
        for kind in kinds(scenario) {
            checks.expected_tracks += 1;
            let heard = viewer.heard.get(&(publisher.origin, kind)).copied().unwrap_or_default();
            let complaint = match kind {
                _ if heard.packets == 0 => "received nothing of",
                Kind::Video if heard.frames == 0 => "could never show what it received of",
                Kind::Audio | Kind::Video => continue,
            };
            checks.missing_tracks += 1;
            checks.example(format!("user {} {complaint} user {}'s {}", viewer.origin.user, publisher.origin.user, kind.word()));
        }
    }
}

fn everybody_heard_somebody(scenario: &Scenario, stays: &[Stay], checks: &mut Checks) {
    let in_company: BTreeSet<Origin> =
        pairs(stays).filter(|(viewer, publisher)| viewer.together_us(publisher) >= TOGETHER_US).map(|(viewer, _)| viewer.origin).collect();
    for viewer in stays.iter().filter(|stay| in_company.contains(&stay.origin)) {
        for kind in kinds(scenario) {
            checks.expected_tracks += 1;
            let heard = viewer.heard.iter().filter(|((_, heard), _)| *heard == kind).map(|(_, heard)| heard);
            let received = heard.fold(0, |sum, heard| sum + if kind == Kind::Video { heard.frames } else { heard.packets });
            if received == 0 {
                checks.missing_tracks += 1;
                checks.example(format!("user {} received nobody's {}", viewer.origin.user, kind.word()));
            }
        }
    }
}

/// The freezes that no frame ended: from the last frame until one of the two left, for each video that froze for good.
pub fn final_freezes(stays: &[Stay], freeze_us: u64) -> Vec<u64> {
    let frozen = pairs(stays).filter_map(|(viewer, publisher)| {
        let last_us = viewer.heard.get(&(publisher.origin, Kind::Video))?.last_frame_us?;
        let frozen_us = viewer.until_us.min(publisher.until_us).saturating_sub(last_us);
        (frozen_us > freeze_us).then_some(frozen_us)
    });
    frozen.collect()
}

/// Everybody with everybody else of their room.
fn pairs(stays: &[Stay]) -> impl Iterator<Item = (&Stay, &Stay)> {
    let mut rooms: HashMap<u32, Vec<&Stay>> = HashMap::new();
    for stay in stays {
        rooms.entry(stay.room).or_default().push(stay);
    }
    rooms.into_values().flat_map(|stays| {
        let all = stays.clone();
        stays.into_iter().flat_map(move |viewer| {
            let others: Vec<&Stay> = all.iter().copied().filter(|other| other.origin.user != viewer.origin.user).collect();
            others.into_iter().map(move |publisher| (viewer, publisher))
        })
    })
}

/// What everybody sends and nothing on the way may leave out. Over a narrow link a server rightly leaves out video.
fn kinds(scenario: &Scenario) -> impl Iterator<Item = Kind> {
    let narrow = scenario.has_link() && scenario.link.capacity_kbps > 0;
    let video = scenario.video.on && !narrow && scenario.video.slots > 0;
    let audible = scenario.kind == RoomKind::Buddy || scenario.audio.speaking > 0;
    [(scenario.audio.on && audible).then_some(Kind::Audio), video.then_some(Kind::Video)].into_iter().flatten()
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

impl Checks {
    fn example(&mut self, text: String) {
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{AudioSource, Encoding, FrameKind, Shape, Turns, VideoSource};

    const LONG_US: u64 = 2 * TOGETHER_US;
    const SHAPE: Shape = Shape { pps: 30, bytes: 100 };

    fn origin(user: u32) -> Origin {
        Origin { user, take: 0 }
    }

    fn audio_of(user: u32) -> Slot {
        let mut slot = Slot::new(RtpCodecKind::Audio);
        slot.record(&AudioSource::new(origin(user), 1, SHAPE, Turns { seat: 0, people: 2, speaking: 1 }).next(0).0.payload, 5_000);
        slot
    }

    fn video_of(user: u32, kind: FrameKind) -> Slot {
        let mut camera = VideoSource::new(origin(user), 1, 0, Encoding { rid: "", shape: SHAPE, size: (320, 180) }, 30);
        camera.next(0, FrameKind::Key);
        let mut slot = Slot::new(RtpCodecKind::Video);
        slot.record(&camera.next(0, kind)[0].payload, 5_000);
        slot
    }

    /// User 0 or 1 of room 0, or 2 or 3 of room 1.
    fn stay(user: u32, slots: Vec<Slot>) -> Stay {
        let slots = slots.into_iter().enumerate().map(|(mid, slot)| (mid.to_string(), slot)).collect();
        Stay::new(origin(user), user / 2, 0, LONG_US, &slots)
    }

    fn scenario() -> Scenario {
        Scenario { rooms: 2, people: 2, ..Scenario::default() }
    }

    fn complete(user: u32, other: u32) -> Stay {
        stay(user, vec![audio_of(other), video_of(other, FrameKind::Key)])
    }

    #[test]
    fn a_room_in_which_all_receive_each_other_has_nothing_missing() {
        let checks = check(&scenario(), &[complete(0, 1), complete(1, 0)]);
        assert_eq!(checks, Checks { expected_tracks: 4, ..Checks::default() });
    }

    #[test]
    fn a_track_that_never_arrived_or_could_never_be_shown_is_missing() {
        let checks = check(&scenario(), &[stay(0, vec![video_of(1, FrameKind::Delta)]), complete(1, 0)]);
        assert_eq!((checks.expected_tracks, checks.missing_tracks), (4, 2));
        let examples = ["user 0 received nothing of user 1's audio", "user 0 could never show what it received of user 1's video"];
        assert_eq!(checks.examples, examples);
    }

    #[test]
    fn what_is_not_sent_is_not_missed() {
        let mut scenario = scenario();
        scenario.video.on = false;
        assert_eq!(check(&scenario, &[stay(0, vec![audio_of(1)]), stay(1, vec![audio_of(0)])]).missing_tracks, 0);
    }

    #[test]
    fn in_a_voice_room_it_is_enough_to_receive_somebody() {
        let voice = Scenario { kind: RoomKind::Voice, people: 4, rooms: 1, ..scenario() };
        let in_one_room = |mut stay: Stay| {
            stay.room = 0;
            stay
        };
        let stays = [complete(0, 1), complete(1, 3), complete(2, 1), stay(3, vec![audio_of(1), video_of(1, FrameKind::Delta)])];
        let checks = check(&voice, &stays.map(in_one_room));
        assert_eq!((checks.expected_tracks, checks.missing_tracks), (8, 1));
        assert_eq!(checks.examples, ["user 3 received nobody's video"]);
    }

    #[test]
    fn people_who_hardly_met_owe_each_other_nothing() {
        let late = Stay { from_us: LONG_US - TOGETHER_US + 1, ..stay(1, vec![]) };
        assert_eq!(check(&scenario(), &[complete(0, 1), late]), Checks::default());
    }

    #[test]
    fn a_person_who_came_back_is_somebody_else_to_the_others() {
        let back = Stay { origin: Origin { user: 1, take: 1 }, ..complete(1, 0) };
        let checks = check(&scenario(), &[complete(0, 1), back]);
        assert_eq!((checks.expected_tracks, checks.missing_tracks), (4, 2), "user 0 heard the first take only");
    }

    #[test]
    fn packets_of_another_room_are_a_leak() {
        let leaky = stay(0, vec![audio_of(1), video_of(1, FrameKind::Key), audio_of(2)]);
        let checks = check(&scenario(), &[leaky, complete(1, 0), complete(2, 3), complete(3, 2)]);
        assert_eq!((checks.missing_tracks, checks.leaked_tracks), (0, 1));
        assert_eq!(checks.examples, ["user 0 received user 2's audio, who is in another room"]);
    }

    #[test]
    fn a_video_that_freezes_for_good_is_frozen_until_somebody_leaves() {
        let publisher = Stay { until_us: 3_005_000, ..complete(1, 0) };
        let freezes = final_freezes(&[complete(0, 1), publisher.clone()], 400_000);
        assert_eq!(freezes, [3_000_000, 3_000_000]);
        assert_eq!(final_freezes(&[complete(0, 1), publisher], 3_000_000), Vec::<u64>::new());
    }
}
