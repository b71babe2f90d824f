//! What a run does, as plain values: rooms, people, what they send, how they come and go, and over what link.
//!
//! Pure data. [`settings`](crate::settings) is the one list of its keys, with what is allowed for each; [`crate::run`] acts on it.

use crate::threshold::Thresholds;
use serde::Serialize;
use std::time::Duration;

/// Most people in a voice room.
pub const PEOPLE_MAX: u64 = 50;
/// Most people in any other room.
const BUDDIES_MAX: u32 = 4;
/// Longest run: a forgotten load test ends by itself.
pub const DURATION_MAX: Duration = Duration::from_secs(3_600);
/// Bytes of the smallest packet: it has to hold its [`Stamp`](crate::source::Stamp).
pub const PACKET_BYTES_MIN: u64 = 60;
/// Bytes of the largest packet: more would be split on the way.
pub const PACKET_BYTES_MAX: u64 = 1_180;

/// What to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// For the report; nothing else depends on it.
    pub name: String,
    /// Makes the times of churn and the packets lost on the link the same in every run.
    pub seed: u64,
    pub rooms: u32,
    pub kind: RoomKind,
    /// In each room; see [`Scenario::check`].
    pub people: u32,
    /// From the moment when everybody has joined, or failed to.
    pub duration: Duration,
    /// Over which the people begin to join.
    pub ramp: Duration,
    /// People who are joining at the same time, at most.
    pub joins_at_once: u32,
    pub audio: Audio,
    pub video: Video,
    pub chat: Chat,
    pub churn: Churn,
    pub link: Link,
    pub thresholds: Thresholds,
}

/// What rooms are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RoomKind {
    /// Everybody receives everybody.
    Buddy,
    /// Everybody hears the loudest, and sees as many as they have slots for.
    Voice,
}

/// Each person's microphone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Audio {
    pub on: bool,
    /// People of a room who speak at the same time, in turns of a second.
    pub speaking: u32,
    /// Packets a second.
    pub pps: u32,
    /// RTP payload of each packet.
    pub bytes: u32,
}

/// Each person's camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Video {
    pub on: bool,
    /// Packets a second; of the largest layer with `simulcast`.
    pub pps: u32,
    /// RTP payload of each packet.
    pub bytes: u32,
    /// Frames a second.
    pub fps: u32,
    /// Three layers instead of one: all of `pps`, a third and a tenth of it.
    pub simulcast: bool,
    /// How large everybody shows everybody else, in pixels, which decides on the layer; `None`: as large as there is.
    pub tile: Option<(u16, u16)>,
    /// Other people's videos that each person can receive at the same time.
    pub slots: u32,
}

/// What each person writes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chat {
    /// Messages a minute, at random times.
    pub per_minute: f64,
    /// Length of each message.
    pub bytes: u32,
}

/// How people come and go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Churn {
    /// How often each person leaves, at random times.
    pub leaves_per_minute: f64,
    /// Of those leaves, how many without a word, as a killed browser does.
    pub abrupt_percent: f64,
    /// Until the person comes back.
    pub away: Duration,
    /// How often each person's signaling connection is cut; the person comes back to its seat at once.
    pub cuts_per_minute: f64,
}

/// The network between each person and the server, one way; both ways are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// Packets lost at random.
    pub loss_percent: f64,
    /// 0: unlimited.
    pub capacity_kbps: u32,
    /// Added to each packet.
    pub delay: Duration,
    /// What waits for capacity at most; later packets are dropped.
    pub queue: Duration,
    /// How many of the people have this link; the others have the machine's own.
    pub people_percent: f64,
}

impl Default for Scenario {
    /// One room of four for 20 seconds, as talkative as a call with cameras.
    fn default() -> Self {
        Self {
            name: "unnamed".to_owned(),
            seed: 1,
            rooms: 1,
            kind: RoomKind::Buddy,
            people: 4,
            duration: Duration::from_secs(20),
            ramp: Duration::ZERO,
            joins_at_once: 8,
            audio: Audio { on: true, speaking: 1, pps: 50, bytes: 100 },
            video: Video { on: true, pps: 170, bytes: 1_100, fps: 30, simulcast: false, tile: None, slots: 4 },
            chat: Chat { per_minute: 6.0, bytes: 80 },
            churn: Churn { leaves_per_minute: 0.0, abrupt_percent: 0.0, away: Duration::from_secs(3), cuts_per_minute: 0.0 },
            link: Link {
                loss_percent: 0.0,
                capacity_kbps: 0,
                delay: Duration::ZERO,
                queue: Duration::from_millis(200),
                people_percent: 100.0,
            },
            thresholds: Thresholds::default(),
        }
    }
}

impl Scenario {
    /// Everybody, over all processes that share the run.
    pub fn everybody(&self) -> u32 {
        self.rooms * self.people
    }

    /// The room in which a user sits: users are numbered through the rooms.
    pub fn room_of(&self, user: u32) -> u32 {
        user / self.people.max(1)
    }

    /// Checks what single keys can't: how many people a room of this kind may have. Says what is wrong.
    ///
    /// # Errors
    /// A sentence that names the key, its value and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        if self.kind == RoomKind::Buddy && self.people > BUDDIES_MAX {
            let people = self.people;
            return Err(format!("people = {people}: allowed are 2 to {BUDDIES_MAX}, and up to {PEOPLE_MAX} with kind = \"voice\""));
        }
        Ok(())
    }

    /// Whether the link does anything.
    pub fn has_link(&self) -> bool {
        let Link { loss_percent, capacity_kbps, delay, people_percent, queue: _ } = self.link;
        people_percent > 0.0 && (loss_percent > 0.0 || capacity_kbps > 0 || !delay.is_zero())
    }
}
