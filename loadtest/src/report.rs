//! A run's result: figures for people, and a verdict for scripts.

use crate::histogram::Histogram;
use crate::reception::Subscription;
use crate::scenario::Scenario;
use crate::user::{Rates, UserReport};
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// What a run saw.
#[derive(Debug, Clone)]
pub struct Report {
    pub rooms: u32,
    pub people: u8,
    pub duration: Duration,
    pub rates: Rates,
    /// By user number.
    pub users: Vec<UserReport>,
}

/// One user's view of one track of another.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    pub to: &'a UserReport,
    pub from: u32,
    pub kind: RtpCodecKind,
    pub subscription: &'a Subscription,
}

/// Why a run counts as failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Complaint {
    /// Users that could not join, of all.
    NotJoined { users: usize, of: usize },
    /// Users that had joined, and then failed: see the errors.
    Failed { users: usize },
    /// A user that sat in a room with others, and received nothing at all.
    ReceivedNothing { user: u32 },
    /// Tracks of people in the same room that never arrived.
    Missing { subscriptions: usize, of: usize },
    /// Video that arrived, but never with a key frame: nobody could see it.
    Undecodable { user: u32, from: u32 },
    /// Packets of another room.
    Leaked { user: u32, from: u32 },
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJoined { users, of } => write!(f, "{users} of {of} users could not join"),
            Self::Failed { users } => write!(f, "{users} users failed after they had joined"),
            Self::ReceivedNothing { user } => write!(f, "user {user} received nothing"),
            Self::Missing { subscriptions, of } => write!(f, "{subscriptions} of {of} subscriptions received nothing"),
            Self::Undecodable { user, from } => write!(f, "user {user} received video of user {from} without a key frame"),
            Self::Leaked { user, from } => write!(f, "user {user} received packets of user {from}, who is in another room"),
        }
    }
}

impl Report {
    pub(crate) fn new(scenario: &Scenario, users: Vec<UserReport>) -> Self {
        Self { rooms: scenario.rooms, people: scenario.people, duration: scenario.duration, rates: scenario.rates, users }
    }

    /// Everything that somebody received from somebody.
    pub fn received(&self) -> impl Iterator<Item = Received<'_>> {
        self.users.iter().flat_map(|to| {
            to.slots.values().flat_map(move |slot| {
                slot.from.iter().map(move |(&from, subscription)| Received { to, from, kind: slot.kind, subscription })
            })
        })
    }

    /// How many subscriptions there should be, given who joined.
    pub fn expected_subscriptions(&self) -> usize {
        let tracks = 1 + usize::from(self.rates.video_pps.is_some());
        self.joined().map(|user| self.others(user).count() * tracks).sum()
    }

    /// Nothing when the run went well.
    pub fn complaints(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        let of = (self.rooms * u32::from(self.people)) as usize;
        let joined = self.joined().count();
        if joined < of {
            complaints.push(Complaint::NotJoined { users: of - joined, of });
        }
        let failed = self.joined().filter(|user| !user.failures.is_empty()).count();
        if failed > 0 {
            complaints.push(Complaint::Failed { users: failed });
        }
        for user in self.joined().filter(|user| user.slots.is_empty() && self.others(user).next().is_some()) {
            complaints.push(Complaint::ReceivedNothing { user: user.user });
        }
        // A track that moved to another slot is one subscription all the same.
        let wanted = self.received().filter(|received| self.is_expected(received));
        let arrived: BTreeSet<_> = wanted.map(|received| (received.to.user, received.from, received.kind == RtpCodecKind::Video)).collect();
        let expected = self.expected_subscriptions();
        if arrived.len() < expected {
            complaints.push(Complaint::Missing { subscriptions: expected - arrived.len(), of: expected });
        }
        let undecodable = |received: &Received<'_>| received.kind == RtpCodecKind::Video && received.subscription.key_frames == 0;
        for received in self.received().filter(undecodable) {
            complaints.push(Complaint::Undecodable { user: received.to.user, from: received.from });
        }
        for received in self.received().filter(|received| !self.is_expected(received)) {
            complaints.push(Complaint::Leaked { user: received.to.user, from: received.from });
        }
        complaints
    }

    fn joined(&self) -> impl Iterator<Item = &UserReport> {
        self.users.iter().filter(|user| user.joined.is_some())
    }

    /// Those in the same room who joined too.
    fn others<'a>(&'a self, user: &'a UserReport) -> impl Iterator<Item = &'a UserReport> {
        self.joined().filter(|other| other.room_number == user.room_number && other.user != user.user)
    }

    fn is_expected(&self, received: &Received<'_>) -> bool {
        self.users
            .iter()
            .any(|user| user.user == received.from && user.room_number == received.to.room_number && user.user != received.to.user)
    }

    fn errors(&self) -> BTreeMap<&str, (usize, &str)> {
        let mut errors = BTreeMap::new();
        for failure in self.users.iter().flat_map(|user| &user.failures) {
            let entry = errors.entry(failure.code.as_str()).or_insert((0, failure.message.as_str()));
            entry.0 += 1;
        }
        errors
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.users.len();
        let (rooms, people, seconds) = (self.rooms, self.people, self.duration.as_secs_f64());
        writeln!(f, "{rooms} rooms × {people} people, {seconds} s; joined {} of {all}\n", self.joined().count())?;
        self.write_times(f)?;
        self.write_packets(f)?;
        self.write_loss(f)?;
        writeln!(f, "key frame requests {}", self.users.iter().map(|user| user.key_frame_requests).sum::<u64>())?;
        writeln!(f, "speaker changes    {}", self.users.iter().map(|user| user.speaker_changes).sum::<u64>())?;
        let errors = self.errors();
        if errors.is_empty() {
            writeln!(f, "errors             none")?;
        }
        for (code, (count, first)) in errors {
            writeln!(f, "error {code:<12} {count} × {first}")?;
        }
        for complaint in self.complaints() {
            writeln!(f, "FAILED: {complaint}")?;
        }
        Ok(())
    }
}

impl Report {
    fn write_times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<24}{:>10}{:>10}{:>10}", "milliseconds", "p50", "p95", "max")?;
        let joins = |pick: fn(&crate::user::JoinTimes) -> u64| {
            let mut histogram = Histogram::default();
            self.joined().filter_map(|user| user.joined.as_ref()).for_each(|times| histogram.record(pick(times)));
            histogram
        };
        write_percentiles(f, "socket open", &joins(|times| times.socket_us))?;
        write_percentiles(f, "room:join ack", &joins(|times| times.request_us))?;
        write_percentiles(f, "join, media up", &joins(|times| times.total_us))?;
        write_percentiles(f, "join, first packet", &self.since_start(|subscription| Some(subscription.first_us)))?;
        write_percentiles(f, "join, first key frame", &self.since_start(|subscription| subscription.first_key_us))?;
        for (kind, label) in [(RtpCodecKind::Audio, "audio forwarding"), (RtpCodecKind::Video, "video forwarding")] {
            let mut latency = Histogram::default();
            self.received().filter(|received| received.kind == kind).for_each(|received| latency.merge(&received.subscription.latency_us));
            write_percentiles(f, label, &latency)?;
        }
        writeln!(f)
    }

    /// Of each user, from its start to the earliest of what `pick` finds.
    fn since_start(&self, pick: fn(&Subscription) -> Option<u64>) -> Histogram {
        let mut histogram = Histogram::default();
        for user in self.joined() {
            if let Some(first) = user.slots.values().flat_map(|slot| slot.from.values()).filter_map(pick).min() {
                histogram.record(first.saturating_sub(user.started_us));
            }
        }
        histogram
    }

    fn write_packets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<24}{:>10}{:>10}{:>10}{:>10}", "packets", "sent", "received", "lost", "loss %")?;
        let sent = |pick: fn(&UserReport) -> u64| self.users.iter().map(pick).sum::<u64>();
        for (kind, label, sent) in
            [(RtpCodecKind::Audio, "audio", sent(|user| user.audio_sent)), (RtpCodecKind::Video, "video", sent(|user| user.video_sent))]
        {
            let of_kind = || self.received().filter(|received| received.kind == kind).map(|received| received.subscription);
            let received: u64 = of_kind().map(|subscription| subscription.received).sum();
            let lost: u64 = of_kind().map(Subscription::lost).sum();
            let loss = 100.0 * lost as f64 / (received + lost).max(1) as f64;
            writeln!(f, "{label:<24}{sent:>10}{received:>10}{lost:>10}{loss:>10.3}")?;
        }
        writeln!(f)
    }

    fn write_loss(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut received: Vec<_> = self.received().collect();
        received.sort_by(|a, b| b.subscription.loss().total_cmp(&a.subscription.loss()));
        writeln!(f, "subscriptions      {} of {}", received.len(), self.expected_subscriptions())?;
        let percent = |rank: usize| received.get(rank).map_or(0.0, |received| 100.0 * received.subscription.loss());
        let (median, high) = (percent(received.len() / 2), percent(received.len() / 20));
        writeln!(f, "loss each          p50 {median:.3} %, p95 {high:.3} %, worst {:.3} %", percent(0))?;
        for worst in received.iter().take(3).filter(|received| received.subscription.lost() > 0) {
            let (room, to, from, kind) = (worst.to.room_number, worst.to.user, worst.from, worst.kind);
            let (lost, loss) = (worst.subscription.lost(), 100.0 * worst.subscription.loss());
            writeln!(f, "  room {room}: user {to} lost {lost} packets ({loss:.3} %) of user {from}'s {kind}")?;
        }
        Ok(())
    }
}

fn write_percentiles(f: &mut fmt::Formatter<'_>, label: &str, us: &Histogram) -> fmt::Result {
    let cell = |percent| us.percentile(percent).map_or_else(|| "-".to_owned(), |us| format!("{:.1}", us as f64 / 1_000.0));
    writeln!(f, "{label:<24}{:>10}{:>10}{:>10}", cell(50.0), cell(95.0), cell(100.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reception::Slot;
    use crate::source::{AudioSource, FrameKind, VideoSource};
    use crate::user::{Failure, JoinTimes};

    fn user(user: u32, room_number: u32, hears: &[u32]) -> UserReport {
        let mut report = UserReport::failed(user, room_number, Failure::new("", ""));
        report.failures.clear();
        report.joined = Some(JoinTimes { socket_us: 1_000, request_us: 2_000, total_us: 9_000 });
        for (slot, &from) in hears.iter().enumerate() {
            let mut received = Slot::new(RtpCodecKind::Audio);
            received.record(&AudioSource::new(from, 1, 50).next(0).0.payload, 5_000);
            report.slots.insert(slot.to_string(), received);
        }
        report
    }

    fn report(users: Vec<UserReport>) -> Report {
        let rates = Rates { audio_pps: 50, video_pps: None };
        Report { rooms: 1, people: 2, duration: Duration::from_secs(5), rates, users }
    }

    #[test]
    fn a_run_in_which_all_hear_each_other_has_no_complaint() {
        let report = report(vec![user(0, 0, &[1]), user(1, 0, &[0])]);
        assert_eq!((report.complaints(), report.expected_subscriptions()), (vec![], 2));
        let text = report.to_string();
        assert!(text.contains("joined 2 of 2") && text.contains("errors             none"), "{text}");
    }

    #[test]
    fn a_user_that_could_not_join_fails_the_run_and_shows_its_code() {
        let refused = UserReport::failed(1, 0, Failure::new("room_full", "the room is full"));
        let report = report(vec![user(0, 0, &[]), refused]);
        assert_eq!(report.complaints(), [Complaint::NotJoined { users: 1, of: 2 }]);
        let text = report.to_string();
        assert!(text.contains("error room_full    1 × the room is full"), "{text}");
        assert!(text.contains("FAILED: 1 of 2 users could not join"), "{text}");
    }

    #[test]
    fn a_user_that_lost_its_connection_fails_the_run() {
        let mut lost = user(1, 0, &[0]);
        lost.failures.push(Failure::new("connection_lost", "closed by the server"));
        assert_eq!(report(vec![user(0, 0, &[1]), lost]).complaints(), [Complaint::Failed { users: 1 }]);
    }

    #[test]
    fn a_user_that_hears_nothing_fails_the_run() {
        let report = report(vec![user(0, 0, &[1]), user(1, 0, &[])]);
        let expected = [Complaint::ReceivedNothing { user: 1 }, Complaint::Missing { subscriptions: 1, of: 2 }];
        assert_eq!(report.complaints(), expected);
    }

    #[test]
    fn packets_of_another_room_fail_the_run() {
        let mut report = report(vec![user(0, 0, &[1, 2]), user(1, 0, &[0]), user(2, 1, &[3]), user(3, 1, &[2])]);
        report.rooms = 2;
        assert_eq!(report.complaints(), [Complaint::Leaked { user: 0, from: 2 }]);
    }

    #[test]
    fn video_without_a_key_frame_fails_the_run() {
        let mut viewer = user(0, 0, &[1]);
        let mut camera = VideoSource::new(1, 2, 30);
        let mut received = Slot::new(RtpCodecKind::Video);
        camera.next(0, FrameKind::Key);
        received.record(&camera.next(0, FrameKind::Delta)[0].payload, 5_000);
        viewer.slots.insert("7".into(), received);
        let report = report(vec![viewer, user(1, 0, &[0])]);
        assert_eq!(report.complaints(), [Complaint::Undecodable { user: 0, from: 1 }]);
    }

    #[test]
    fn a_track_that_moved_to_another_slot_is_one_subscription() {
        let report = report(vec![user(0, 0, &[1, 1]), user(1, 0, &[])]);
        assert!(report.complaints().contains(&Complaint::Missing { subscriptions: 1, of: 2 }));
    }
}
