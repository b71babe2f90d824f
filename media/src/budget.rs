//! What one subscriber may be sent, over time: down at once, up when it held.
//!
//! It takes the estimate as it comes and never sends; the transport probes when it is told to want more. Invariant: the audio that is sent
//! is taken off before any video gets a share.

use crate::allocate::{Ask, Given, Purse, allocate, next_step};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Bitrate that a new transport is taken to have until it is measured: enough for voice and a small picture, and its first probes go to
/// six times as much.
pub(crate) const INITIAL_BPS: u64 = 500_000;
/// An estimate counts for more video once it held this long.
const HELD: Duration = Duration::from_millis(1_200);
/// Estimates remembered: of [`HELD`], at a few a second. Older ones are forgotten first.
const ESTIMATES_MAX: usize = 16;
/// Share of the estimate that may be given away. The rest is for repetitions and for what a frame is larger than the last.
const SHARE: f64 = 0.95;
/// Share of a held estimate that more video must fit into.
const SHARE_FOR_MORE: f64 = 0.8;
/// By this factor may the lowest layers exceed the estimate …
const GRACE: f64 = 2.5;
/// … for this long; then by the next. Longer, and voice would suffer in the queue that they fill.
const PATIENCE: Duration = Duration::from_secs(4);
const GRACE_AFTER: f64 = 1.1;
/// What a path is granted in any case, unless its estimate is below half of it. While little is sent, an estimate falls below what there is.
const FLOOR_BPS: u64 = 250_000;
/// A transport that isn't measured yet is given everything's lowest layer for this long.
const UNPROVEN: Duration = Duration::from_secs(3);
/// What is sent may exceed the estimate by this factor while a slot waits for the key frame of a lower layer. Beyond, it isn't waited for.
const CUT: f64 = 1.3;
/// No more video for this long after there was too much …
const HOLD: Duration = Duration::from_secs(2);
/// … and twice as long each time that more turned out to be too much within [`FAILED`], up to this.
const HOLD_MAX: Duration = Duration::from_secs(4);
const FAILED: Duration = Duration::from_secs(5);
/// While more is wanted than the estimate allows, a probe is asked for this often. A probe fills a narrow path's queue for a moment.
const PROBE_EVERY: Duration = Duration::from_secs(3);
/// Share of what all tiles would use at their largest that is always wished for. The transport's regular probes go to twice its wish and leave the
/// estimate there: so a tile that is enlarged doesn't have to wait for probes.
const PROBE_FOR_FULL: f64 = 0.8;
/// How fast the plan for audio follows it down, as a share per look. Voices come back suddenly.
const AUDIO_FALL: f64 = 0.02;

/// Losses that tell of a path that narrowed suddenly: what arrived of the last second is then what it carries. An estimate takes longer to find out.
const LOSS_SUDDEN: f32 = 0.2;
/// Beyond, the path was dark, and tells nothing of what it will carry.
const LOSS_DARK: f32 = 0.9;

/// Loss that means congestion on a path that isn't measured (draft-ietf-rmcat-gcc-02 §6).
const LOSS_MUCH: f32 = 0.10;
/// Loss under which such a path may be given more (ibid.).
const LOSS_LITTLE: f32 = 0.02;
const LOSS_DOWN: f64 = 0.7;
const LOSS_UP: f64 = 1.25;
/// Reports in a row that it takes, two of them a second.
const LOSS_REPORTS_DOWN: u32 = 4;
const LOSS_REPORTS_UP: u32 = 8;

/// What is known at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Readings {
    /// In bit/s, if the path is measured.
    pub(crate) estimate_bps: Option<u64>,
    /// What arrived lately without filling a queue, in bit/s. An estimate that didn't rise so far yet is too low.
    pub(crate) delivered_bps: u64,
    pub(crate) loss_down: Option<f32>,
    /// Counts the reports of losses.
    pub(crate) reports: u64,
    pub(crate) audio_bps: u64,
    pub(crate) video_bps: u64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// For each ask a step, or nothing.
    pub(crate) steps: Vec<Option<usize>>,
    /// Slots that are to get less mustn't wait for a key frame.
    pub(crate) cut: bool,
    /// What the transport should try to reach, in bit/s.
    pub(crate) desired_bps: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Budget {
    /// When the first video was asked for.
    since: Option<Instant>,
    estimates: VecDeque<(Instant, u64)>,
    audio_bps: u64,
    squeezed_since: Option<Instant>,
    rose_at: Option<Instant>,
    hold: Option<Duration>,
    held_until: Option<Instant>,
    asked_probe: Option<Instant>,
    losses: Losses,
    reports_seen: u64,
}

impl Budget {
    /// Shares out what there is among `asks`.
    pub(crate) fn plan(&mut self, readings: &Readings, asks: &[Ask], now: Instant) -> Plan {
        // Whoever waits alone sends nothing that could be measured.
        if !asks.is_empty() {
            self.since.get_or_insert(now);
        }
        let unproven = self.since.is_none_or(|since| now.saturating_duration_since(since) < UNPROVEN);
        let fallen = self.audio_bps - (self.audio_bps as f64 * AUDIO_FALL) as u64;
        self.audio_bps = readings.audio_bps.max(fallen);
        let measured = readings.estimate_bps.map(|estimate| estimate.max(readings.delivered_bps));
        let estimate = measured.or_else(|| self.losses.limit(readings));
        let Some(estimate) = estimate else {
            let steps = asks.iter().map(|ask| Some(ask.steps.len() - 1)).collect();
            return Plan { steps, cut: false, desired_bps: self.audio_bps + all(asks) };
        };
        let estimate = estimate.min(self.arrived(readings));
        let held = self.held(estimate, now);
        let purse = self.purse(estimate, held, asks, unproven, now);
        let steps = allocate(asks, purse);
        self.remember(asks, &steps, now);
        let sent = readings.audio_bps + readings.video_bps;
        // Whoever has all it asked for needs no proof of more: each probe is a burst of packets.
        let needed =
            next_step(asks, &steps).map_or(0, |more| ((self.audio_bps + given(asks, &steps) + more) as f64 / SHARE_FOR_MORE) as u64);
        let full = self.audio_bps + asks.iter().map(|ask| ask.full).sum::<u64>();
        let desired_bps = self.desired(needed, (full as f64 * PROBE_FOR_FULL) as u64, estimate, now);
        Plan { cut: sent as f64 > estimate as f64 * CUT, desired_bps, steps }
    }

    /// What arrived of the last second, if much of it didn't.
    fn arrived(&mut self, readings: &Readings) -> u64 {
        if std::mem::replace(&mut self.reports_seen, readings.reports) == readings.reports {
            return u64::MAX;
        }
        let sent = (readings.audio_bps + readings.video_bps) as f64;
        let sudden = readings.loss_down.filter(|loss| (LOSS_SUDDEN..LOSS_DARK).contains(loss));
        sudden.map_or(u64::MAX, |loss| (sent * (1.0 - f64::from(loss))) as u64)
    }

    /// The lowest estimate of the last while.
    fn held(&mut self, estimate: u64, now: Instant) -> u64 {
        while self.estimates.len() == ESTIMATES_MAX
            || self.estimates.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > HELD)
        {
            self.estimates.pop_front();
        }
        self.estimates.push_back((now, estimate));
        self.estimates.iter().map(|(_, bps)| *bps).min().unwrap_or(estimate)
    }

    fn purse(&mut self, estimate: u64, held: u64, asks: &[Ask], unproven: bool, now: Instant) -> Purse {
        let after_audio = |share: f64, bps: u64| ((bps as f64 * share) as u64).saturating_sub(self.audio_bps);
        let purse_now = after_audio(SHARE, estimate);
        let lowest: u64 = asks.iter().filter(|ask| ask.given != Given::Stalled).map(|ask| ask.steps[0]).sum();
        let squeezed = lowest > after_audio(GRACE_AFTER, estimate);
        let patient = !squeezed || now.saturating_duration_since(*self.squeezed_since.get_or_insert(now)) < PATIENCE;
        if !squeezed {
            self.squeezed_since = None;
        }
        let floor = if estimate >= FLOOR_BPS / 2 { FLOOR_BPS.saturating_sub(self.audio_bps) } else { 0 };
        let grace = match (unproven, patient) {
            (true, _) => u64::MAX,
            (false, true) => after_audio(GRACE, estimate),
            (false, false) => after_audio(GRACE_AFTER, estimate),
        };
        let holds = self.held_until.is_some_and(|until| now < until);
        let more = if holds { 0 } else { after_audio(SHARE_FOR_MORE, held) };
        Purse { now: purse_now, more: more.min(purse_now), grace: grace.max(purse_now).max(floor) }
    }

    /// Learns from what rose and fell.
    fn remember(&mut self, asks: &[Ask], steps: &[Option<usize>], now: Instant) {
        let (mut rose, mut fell) = (false, false);
        for (ask, step) in asks.iter().zip(steps) {
            match (ask.given, step) {
                (Given::Step(had), Some(step)) => {
                    rose |= *step > had;
                    fell |= *step < had;
                }
                (Given::Step(_), None) => fell = true,
                (Given::Stalled, Some(_)) => rose = true,
                (Given::New | Given::Stalled, _) => {}
            }
        }
        if fell {
            let failed = self.rose_at.is_some_and(|at| now.saturating_duration_since(at) < FAILED);
            let hold = if failed { self.hold.map_or(HOLD, |hold| (hold * 2).min(HOLD_MAX)) } else { HOLD };
            self.hold = Some(hold);
            self.held_until = Some(now + hold);
            self.rose_at = None;
        } else if rose {
            self.rose_at = Some(now);
        }
    }

    /// The transport probes when it is told of a wish that is above the last one and above its estimate.
    fn desired(&mut self, needed: u64, at_least: u64, estimate: u64, now: Instant) -> u64 {
        if needed <= estimate {
            self.asked_probe = None;
            return needed.max(at_least);
        }
        let asked = *self.asked_probe.get_or_insert(now);
        if now.saturating_duration_since(asked) < PROBE_EVERY {
            return needed;
        }
        // For one look the wish is what there is; with the next look it rises again.
        self.asked_probe = None;
        estimate
    }
}

/// The limit of a path that only losses tell of.
#[derive(Debug, Default)]
struct Losses {
    limit_bps: Option<u64>,
    seen: u64,
    much: u32,
    little: u32,
}

impl Losses {
    fn limit(&mut self, readings: &Readings) -> Option<u64> {
        let Some(loss) = readings.loss_down.filter(|_| readings.reports != self.seen) else { return self.limit_bps };
        self.seen = readings.reports;
        self.much = if loss > LOSS_MUCH { self.much + 1 } else { 0 };
        self.little = if loss < LOSS_LITTLE { self.little + 1 } else { 0 };
        if self.much >= LOSS_REPORTS_DOWN {
            let sent = readings.audio_bps + readings.video_bps;
            self.limit_bps = Some((self.limit_bps.map_or(sent, |limit| limit.min(sent)) as f64 * LOSS_DOWN) as u64);
            self.much = 0;
        } else if self.little >= LOSS_REPORTS_UP {
            self.limit_bps = self.limit_bps.map(|limit| (limit as f64 * LOSS_UP) as u64);
            self.little = 0;
        }
        self.limit_bps
    }
}

fn all(asks: &[Ask]) -> u64 {
    asks.iter().filter_map(|ask| ask.steps.last()).sum()
}

fn given(asks: &[Ask], steps: &[Option<usize>]) -> u64 {
    asks.iter().zip(steps).filter_map(|(ask, step)| step.map(|step| ask.steps[step])).sum()
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
