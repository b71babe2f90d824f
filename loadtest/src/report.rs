//! The summary for a terminal: what was run, what came out, what is wrong with it.

use crate::histogram::Histogram;
use crate::outcome::Outcome;
use crate::settings::SettingError;
use crate::tally::Packets;
use crate::threshold::Verdict;
use std::fmt::{self, Write as _};

/// The table for people, and the verdict for scripts.
#[derive(Debug)]
pub struct Report<'a> {
    outcome: &'a Outcome,
    verdicts: Vec<Verdict>,
}

impl<'a> Report<'a> {
    /// # Errors
    /// [`SettingError`] when the outcome's scenario isn't one.
    pub fn new(outcome: &'a Outcome) -> Result<Self, SettingError> {
        Ok(Self { outcome, verdicts: outcome.verdicts()? })
    }

    /// Whether every threshold holds.
    pub fn passed(&self) -> bool {
        self.verdicts.iter().all(Verdict::holds)
    }
}

/// What was run, in one sentence.
pub(crate) fn headline(outcome: &Outcome) -> String {
    let of = |key: &str| outcome.scenario.get(key).map_or("?", String::as_str);
    let people = outcome.tally.people;
    let mut text = format!("{} rooms × {} people for {}", of("rooms"), of("people"), of("duration"));
    for (key, words) in [("video.on", "no video"), ("audio.on", "no audio")] {
        if of(key) == "false" {
            let _ = write!(text, ", {words}");
        }
    }
    if of("video.simulcast") == "true" && of("video.on") == "true" {
        text.push_str(", simulcast");
    }
    let _ = write!(text, "; joined {} of {}", people.joined, people.expected);
    text
}

/// The times of the table: what is told of each, and where it is.
pub(crate) fn times(outcome: &Outcome) -> Vec<(&'static str, &Histogram)> {
    let times = &outcome.tally.times;
    vec![
        ("signaling connection", &times.socket),
        ("room:join to its answer", &times.request),
        ("join until media is up", &times.join),
        ("join until the first packet", &times.first_packet),
        ("join until the first frame", &times.first_frame),
        ("audio packet, end to end", &times.audio),
        ("video packet, end to end", &times.video),
        ("freeze", &times.freeze),
        ("chat until stored", &times.chat_ack),
        ("chat until delivered", &times.chat_delivery),
        ("lost connection until back", &times.reconnect),
        ("lost media until back", &times.media_reconnect),
    ]
}

/// Milliseconds of a percentile, with as many decimals as make sense.
pub(crate) fn millis(times: &Histogram, percent: f64) -> String {
    times.percentile(percent).map_or_else(|| "–".to_owned(), |us| format!("{:.1}", us as f64 / 1_000.0))
}

/// Of what should have arrived.
pub(crate) fn loss(packets: Packets) -> String {
    format!("{:.3} %", 100.0 * packets.lost() as f64 / packets.expected.max(1) as f64)
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome;
        let tally = &outcome.tally;
        writeln!(f, "{}, run {} against {}\n", headline(outcome), outcome.run, outcome.target)?;
        writeln!(f, "{:<28}{:>9}{:>10}{:>10}{:>10}{:>10}", "milliseconds", "count", "p50", "p95", "p99", "max")?;
        for (label, times) in times(outcome).into_iter().filter(|(_, times)| !times.is_empty()) {
            let cell = |percent| millis(times, percent);
            writeln!(f, "{label:<28}{:>9}{:>10}{:>10}{:>10}{:>10}", times.len(), cell(50.0), cell(95.0), cell(99.0), cell(100.0))?;
        }
        writeln!(f, "\n{:<28}{:>9}{:>10}{:>10}{:>10}", "packets", "sent", "received", "lost", "loss")?;
        for (label, packets) in [("audio", tally.audio), ("video", tally.video)] {
            writeln!(f, "{label:<28}{:>9}{:>10}{:>10}{:>10}", packets.sent, packets.received, packets.lost(), loss(packets))?;
        }
        writeln!(f)?;
        self.write_counts(f)?;
        for warning in outcome.warnings() {
            writeln!(f, "WARNING: {warning}")?;
        }
        for example in &outcome.checks.examples {
            writeln!(f, "  {example}")?;
        }
        for verdict in self.verdicts.iter().filter(|verdict| !verdict.holds()) {
            writeln!(f, "FAILED: {verdict}")?;
        }
        if self.passed() {
            writeln!(f, "PASSED: all {} thresholds hold", self.verdicts.len())?;
        }
        Ok(())
    }
}

impl Report<'_> {
    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.outcome.tally;
        let (people, chat, connections, watching) = (tally.people, tally.chat, tally.connections, tally.watching);
        writeln!(f, "people       {} joins, {} leaves ({} abrupt)", people.joins, people.leaves, people.abrupt)?;
        let frozen = 100.0 * watching.frozen_us as f64 / watching.watched_us.max(1) as f64;
        writeln!(f, "video        {} frames shown, {} freezes ({frozen:.2} % of the time)", watching.frames, watching.freezes)?;
        let (asked, heard) = (tally.video.key_frames_asked, tally.video.key_frame_requests);
        writeln!(f, "key frames   {asked} asked for by receivers, {heard} by the server of senders")?;
        writeln!(f, "chat         {} sent, {} stored, {} delivered, {} missed", chat.sent, chat.acked, chat.delivered, chat.missed)?;
        let (cut, lost, resumed, rejoined) = (connections.cut, connections.lost, connections.resumed, connections.rejoined);
        writeln!(f, "connections  {cut} cut, {lost} lost; {resumed} resumed, {rejoined} joined anew; {} media anew", connections.media)?;
        if let Some(cpu) = self.outcome.cpu_percent() {
            let cores = self.outcome.testers.first().map_or(0, |tester| tester.cores);
            let lag = self.outcome.lag_ms().unwrap_or_default();
            writeln!(f, "tester       {cpu:.0} % of {cores} cores, {lag:.1} ms late (p99)")?;
        }
        for (code, errors) in &tally.errors {
            writeln!(f, "error        {} × {code}: {}", errors.count, errors.message)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::tally::{Arrival, People};
    use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;

    fn outcome() -> Outcome {
        let mut outcome = Outcome::of(&Scenario::default(), "r1", "http://127.0.0.1:8080");
        outcome.tally.people = People { expected: 4, joined: 4, joins: 4, ..People::default() };
        outcome.tally.times.join.record(150_000);
        let arrival = Arrival { at_us: 1, latency_us: 900, bytes: 100, expected: 100, fresh: true };
        (0..99).for_each(|packet| {
            outcome.tally.arrived(RtpCodecKind::Audio, Arrival { expected: if packet == 0 { 100 } else { 0 }, ..arrival })
        });
        outcome
    }

    #[test]
    fn a_good_run_shows_its_figures_and_passes() {
        let outcome = outcome();
        let report = Report::new(&outcome).unwrap();
        let text = report.to_string();
        assert!(report.passed(), "{text}");
        for part in ["1 rooms × 4 people for 20s; joined 4 of 4", "join until media is up", "1.000 %", "PASSED: all 5 thresholds hold"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_run_with_errors_shows_their_codes_and_fails() {
        let mut outcome = outcome();
        outcome.tally.error(5, "room_full", "the room is full");
        outcome.checks.examples.push("user 0 received nothing of user 1's audio".into());
        let report = Report::new(&outcome).unwrap();
        let text = report.to_string();
        assert!(!report.passed());
        for part in ["1 × room_full: the room is full", "FAILED: errors is 1, allowed is 0", "  user 0 received nothing"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
