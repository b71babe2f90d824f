//! What a run counts while it goes on: all of it can be added to what another process counted.
//!
//! No judgement here: [`threshold`](crate::threshold) has the figures that are made of these counts, and their limits. Times are in
//! microseconds, and seconds of the [`series`](Tally::series) count from the run's start.

use crate::histogram::Histogram;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest series: the longest ramp and the longest run. What comes later counts in the last second.
const SERIES_MAX: usize = 2 * 3_600 + 60;

/// Everything that adds up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    pub people: People,
    pub times: Times,
    pub audio: Packets,
    pub video: Packets,
    pub watching: Watching,
    pub chat: Chat,
    pub connections: Connections,
    /// `speaker:changed` events.
    pub speaker_changes: u64,
    /// By a code of the protocol, or a word of ours.
    pub errors: BTreeMap<String, Errors>,
    /// By second.
    pub series: Vec<Second>,
}

/// Who came and went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    /// That were to join.
    pub expected: u64,
    /// Of those, the ones that joined at least once.
    pub joined: u64,
    /// With those who came back.
    pub joins: u64,
    /// In the course of the run, on purpose.
    pub leaves: u64,
    /// Of the leaves, those without a word.
    pub abrupt: u64,
}

/// How long things took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Times {
    /// TCP connect to entered namespace.
    pub socket: Histogram,
    /// `room:join` to its ack.
    pub request: Histogram,
    /// TCP connect to media transport up: what a person waits for.
    pub join: Histogram,
    /// TCP connect to the first packet of somebody else; of those who weren't alone.
    pub first_packet: Histogram,
    /// TCP connect to the first video frame of somebody else that can be decoded.
    pub first_frame: Histogram,
    /// From the sender's call to write to the receiver's hands.
    pub audio: Histogram,
    /// See [`Times::audio`].
    pub video: Histogram,
    /// Each freeze; see [`Watching`].
    pub freeze: Histogram,
    /// `chat:send` to its ack: stored.
    pub chat_ack: Histogram,
    /// `chat:send` to `chat:message` at somebody else.
    pub chat_delivery: Histogram,
    /// A lost signaling connection until the seat is back.
    pub reconnect: Histogram,
    /// A lost media transport until it is up again.
    pub media_reconnect: Histogram,
}

/// One kind of media.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packets {
    pub sent: u64,
    /// RTP payload.
    pub sent_bytes: u64,
    /// That should have arrived: between the first and the newest that did, for each receiver.
    pub expected: u64,
    /// Each counted once.
    pub received: u64,
    /// RTP payload.
    pub received_bytes: u64,
    /// That no headless user made.
    pub unstamped: u64,
    /// Requests for a key frame that reached the sender.
    pub key_frame_requests: u64,
    /// Requests for a key frame that receivers made.
    pub key_frames_asked: u64,
}

/// What viewers saw. A freeze is a time without a new frame that can be decoded, longer than 400 ms and than three frames take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watching {
    /// Frames that could be decoded.
    pub frames: u64,
    pub freezes: u64,
    pub frozen_us: u64,
    /// From each first frame to the last.
    pub watched_us: u64,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    pub sent: u64,
    /// Stored, as the server says.
    pub acked: u64,
    /// Received by somebody else.
    pub delivered: u64,
    /// Numbers that a connected receiver missed in its channel's order.
    pub missed: u64,
}

/// Connections that were lost, and whether they came back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// Cut by the scenario.
    pub cut: u64,
    /// Lost without our doing.
    pub lost: u64,
    /// Came back into the same seat and session.
    pub resumed: u64,
    /// Came back by joining anew.
    pub rejoined: u64,
    /// Media transports that were made anew.
    pub media: u64,
}

/// Errors of one code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    pub count: u64,
    /// The first one's words.
    pub message: String,
}

/// One second of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Second {
    /// Joined less left in this second.
    pub joined: i64,
    pub errors: u64,
    pub reconnects: u64,
    pub sent_bytes: u64,
    pub received_bytes: u64,
    pub expected: u64,
    pub received: u64,
    /// Of the packets that arrived in this second.
    pub latency: Histogram,
}

/// What one packet changed; see [`crate::reception`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    pub at_us: u64,
    pub latency_us: u64,
    /// RTP payload.
    pub bytes: u64,
    /// How many more packets are known to have been sent.
    pub expected: u64,
    /// False for a duplicate.
    pub fresh: bool,
}

impl Tally {
    /// The counts of a kind of media.
    pub fn packets(&mut self, kind: RtpCodecKind) -> &mut Packets {
        if kind == RtpCodecKind::Video { &mut self.video } else { &mut self.audio }
    }

    /// The second in which `at_us` lies.
    pub fn second(&mut self, at_us: u64) -> &mut Second {
        let index = usize::try_from(at_us / 1_000_000).unwrap_or(usize::MAX).min(SERIES_MAX - 1);
        if self.series.len() <= index {
            self.series.resize_with(index + 1, Second::default);
        }
        &mut self.series[index]
    }

    pub fn sent(&mut self, kind: RtpCodecKind, at_us: u64, bytes: usize) {
        let packets = self.packets(kind);
        packets.sent += 1;
        packets.sent_bytes += bytes as u64;
        self.second(at_us).sent_bytes += bytes as u64;
    }

    pub fn arrived(&mut self, kind: RtpCodecKind, arrival: Arrival) {
        let Arrival { at_us, latency_us, bytes, expected, fresh } = arrival;
        let packets = self.packets(kind);
        packets.expected += expected;
        let second = self.second(at_us);
        second.expected += expected;
        if !fresh {
            return;
        }
        second.received += 1;
        second.received_bytes += bytes;
        second.latency.record(latency_us);
        let packets = self.packets(kind);
        packets.received += 1;
        packets.received_bytes += bytes;
        let latencies = if kind == RtpCodecKind::Video { &mut self.times.video } else { &mut self.times.audio };
        latencies.record(latency_us);
    }

    /// A time without a new frame, until `at_us`. `limit_us` is what counts as a freeze.
    pub fn between_frames(&mut self, gap_us: u64, limit_us: u64) {
        self.watching.watched_us += gap_us;
        if gap_us > limit_us {
            self.watching.freezes += 1;
            self.watching.frozen_us += gap_us;
            self.times.freeze.record(gap_us);
        }
    }

    pub fn error(&mut self, at_us: u64, code: &str, message: &str) {
        let errors = self.errors.entry(code.to_owned()).or_default();
        if errors.count == 0 {
            message.clone_into(&mut errors.message);
        }
        errors.count += 1;
        self.second(at_us).errors += 1;
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) {
        self.people.merge(other.people);
        self.times.merge(&other.times);
        self.audio.merge(other.audio);
        self.video.merge(other.video);
        self.watching.merge(other.watching);
        self.chat.merge(other.chat);
        self.connections.merge(other.connections);
        self.speaker_changes += other.speaker_changes;
        for (code, errors) in &other.errors {
            let own = self.errors.entry(code.clone()).or_insert_with(|| Errors { count: 0, message: errors.message.clone() });
            own.count += errors.count;
        }
        if self.series.len() < other.series.len() {
            self.series.resize_with(other.series.len(), Second::default);
        }
        for (own, other) in self.series.iter_mut().zip(&other.series) {
            own.merge(other);
        }
    }
}

impl People {
    fn merge(&mut self, other: Self) {
        let Self { expected, joined, joins, leaves, abrupt } = other;
        self.expected += expected;
        self.joined += joined;
        self.joins += joins;
        self.leaves += leaves;
        self.abrupt += abrupt;
    }
}

impl Times {
    fn merge(&mut self, other: &Self) {
        for (own, other) in self.all_mut().into_iter().zip(other.clone().all_mut()) {
            own.merge(other);
        }
    }

    fn all_mut(&mut self) -> [&mut Histogram; 12] {
        let Self {
            socket,
            request,
            join,
            first_packet,
            first_frame,
            audio,
            video,
            freeze,
            chat_ack,
            chat_delivery,
            reconnect,
            media_reconnect,
        } = self;
        [socket, request, join, first_packet, first_frame, audio, video, freeze, chat_ack, chat_delivery, reconnect, media_reconnect]
    }

    /// Audio and video together.
    pub fn media(&self) -> Histogram {
        let mut all = self.audio.clone();
        all.merge(&self.video);
        all
    }
}

impl Packets {
    fn merge(&mut self, other: Self) {
        let Self { sent, sent_bytes, expected, received, received_bytes, unstamped, key_frame_requests, key_frames_asked } = other;
        self.sent += sent;
        self.sent_bytes += sent_bytes;
        self.expected += expected;
        self.received += received;
        self.received_bytes += received_bytes;
        self.unstamped += unstamped;
        self.key_frame_requests += key_frame_requests;
        self.key_frames_asked += key_frames_asked;
    }

    /// That should have arrived and didn't.
    pub fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.received)
    }
}

impl Watching {
    fn merge(&mut self, other: Self) {
        let Self { frames, freezes, frozen_us, watched_us } = other;
        self.frames += frames;
        self.freezes += freezes;
        self.frozen_us += frozen_us;
        self.watched_us += watched_us;
    }
}

impl Chat {
    fn merge(&mut self, other: Self) {
        let Self { sent, acked, delivered, missed } = other;
        self.sent += sent;
        self.acked += acked;
        self.delivered += delivered;
        self.missed += missed;
    }
}

impl Connections {
    fn merge(&mut self, other: Self) {
        let Self { cut, lost, resumed, rejoined, media } = other;
        self.cut += cut;
        self.lost += lost;
        self.resumed += resumed;
        self.rejoined += rejoined;
        self.media += media;
    }
}

impl Second {
    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        let Self { joined, errors, reconnects, sent_bytes, received_bytes, expected, received, latency } = other;
        self.joined += joined;
        self.errors += errors;
        self.reconnects += reconnects;
        self.sent_bytes += sent_bytes;
        self.received_bytes += received_bytes;
        self.expected += expected;
        self.received += received;
        self.latency.merge(latency);
    }

    /// Of the packets that should have arrived, 0 – 100. What is mended in a later second counts there, so it is never below 0.
    pub fn loss_percent(&self) -> Option<f64> {
        (self.expected > 0).then(|| 100.0 * self.expected.saturating_sub(self.received) as f64 / self.expected as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(seed: u64) -> Tally {
        let people = People { expected: 2, joined: 2, joins: 3, leaves: 1, abrupt: 1 };
        let mut tally = Tally { people, ..Tally::default() };
        tally.times.join.record(1_000 * seed);
        tally.sent(RtpCodecKind::Video, 2_500_000, 1_000);
        let arrival = Arrival { at_us: seed * 1_000_000, latency_us: 700, bytes: 1_000, expected: 3, fresh: true };
        tally.arrived(RtpCodecKind::Video, arrival);
        tally.arrived(RtpCodecKind::Audio, Arrival { fresh: false, expected: 0, ..arrival });
        tally.between_frames(33_000, 400_000);
        tally.between_frames(500_000, 400_000);
        tally.error(100, "room_full", &format!("full {seed}"));
        tally.chat = Chat { sent: 5, acked: 4, delivered: 12, missed: 1 };
        tally.connections = Connections { cut: 1, lost: 1, resumed: 1, rejoined: 1, media: 1 };
        tally
    }

    #[test]
    fn two_processes_count_as_one_that_saw_it_all() {
        let (one, other) = (tally(1), tally(4));
        let mut both = one.clone();
        both.merge(&other);
        assert_eq!((both.people.joins, both.chat.delivered, both.connections.resumed), (6, 24, 2));
        assert_eq!((both.video.expected, both.video.received, both.video.lost()), (6, 2, 4));
        assert_eq!((both.watching.freezes, both.watching.frozen_us, both.watching.watched_us), (2, 1_000_000, 1_066_000));
        assert_eq!(both.errors["room_full"], Errors { count: 2, message: "full 1".into() });
        assert_eq!((both.times.join.len(), both.times.media().len(), both.series.len()), (2, 2, 5));
        assert_eq!((both.series[2].sent_bytes, both.series[4].received, both.series[0].errors), (2_000, 1, 2));
        let mut turned = other;
        turned.merge(&one);
        turned.errors.clone_from(&both.errors);
        assert_eq!(turned, both, "but for the words of the first error, the order makes no difference");
    }

    #[test]
    fn merging_nothing_changes_nothing() {
        let mut merged = tally(3);
        merged.merge(&Tally::default());
        assert_eq!(merged, tally(3));
    }

    #[test]
    fn a_tally_survives_being_written_down() {
        let text = serde_json::to_string(&tally(2)).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), tally(2));
    }

    #[test]
    fn the_series_has_an_end() {
        let mut tally = Tally::default();
        tally.second(u64::MAX).errors += 1;
        assert_eq!((tally.series.len(), tally.series[SERIES_MAX - 1].errors), (SERIES_MAX, 1));
    }

    #[test]
    fn a_retransmission_in_a_later_second_is_no_negative_loss() {
        let second = Second { expected: 10, received: 12, ..Second::default() };
        assert_eq!(second.loss_percent(), Some(0.0));
        assert_eq!(Second::default().loss_percent(), None);
        assert_eq!(Second { expected: 10, received: 9, ..Second::default() }.loss_percent(), Some(10.0));
    }
}
