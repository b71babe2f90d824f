//! What a client's reports tell of the way to it: delay, losses and capacity.
//!
//! It judges nothing. Invariant: a value that no report gave is None, never a guess.

use crate::Mid;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use str0m::Event;
use str0m::bwe::BweKind;
use str0m::media::Rid;
use str0m::stats::{MediaEgressStats, MediaIngressStats, PeerStats};

/// Between two looks at the transport's statistics: how soon the losses of a path that narrowed are known.
pub(crate) const STATS_INTERVAL: Duration = Duration::from_millis(500);
/// An estimate that falls to this share of the last one is acted on at once.
const ALARM: f64 = 0.9;
/// A REMB (draft-alvestrand-rmcat-remb) older than this says nothing any more; they come at least every second.
const REMB_AGE: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(crate) struct Reports {
    pub(crate) round_trip: Option<Duration>,
    /// Share of packets lost on the way to the client, lately.
    pub(crate) loss_down: Option<f32>,
    /// Share of packets lost on the way from it.
    pub(crate) loss_up: Option<f32>,
    twcc_bps: Option<u64>,
    /// The estimate fell since the last look.
    alarm: bool,
    remb: Option<(u64, Instant)>,
    /// How many looks at the statistics there were.
    pub(crate) looks: u64,
    egress: HashMap<Mid, Egress>,
    ingress: HashMap<(Mid, Option<Rid>), u64>,
}

/// What a client said of one slot.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Egress {
    pub(crate) nacks: u64,
    pub(crate) plis: u64,
    loss: Option<f32>,
}

impl Reports {
    /// Takes note of an event of the transport that is about the way.
    pub(crate) fn take(&mut self, event: &Event, now: Instant) {
        match event {
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, can_probe }) => {
                let bps = estimate.as_u64();
                self.alarm |= self.twcc_bps.is_some_and(|before| (bps as f64) < before as f64 * ALARM);
                self.twcc_bps = can_probe.then_some(bps);
            }
            Event::EgressBitrateEstimate(BweKind::Remb { estimate, .. }) => self.remb = Some((estimate.as_u64(), now)),
            Event::PeerStats(stats) => self.take_peer(stats),
            Event::MediaEgressStats(stats) => self.take_egress(stats),
            Event::MediaIngressStats(stats) => self.take_ingress(stats),
            _ => {}
        }
    }

    fn take_peer(&mut self, stats: &PeerStats) {
        self.looks += 1;
        self.round_trip = stats.rtt.or(self.round_trip);
        // Clients without transport-wide feedback tell of losses by slot. Those reports of the last look are complete only now.
        let reported = self
            .egress
            .values()
            .filter_map(|egress| egress.loss)
            .fold(None, |worst: Option<f32>, loss| Some(worst.map_or(loss, |w| w.max(loss))));
        self.loss_down = stats.egress_loss_fraction.or(reported);
        self.loss_up = stats.ingress_loss_fraction.or(self.loss_up);
    }

    fn take_egress(&mut self, stats: &MediaEgressStats) {
        if self.round_trip.is_none() {
            self.round_trip = stats.rtt;
        }
        self.egress.insert(stats.mid, Egress { nacks: stats.nacks, plis: stats.plis, loss: stats.loss });
    }

    fn take_ingress(&mut self, stats: &MediaIngressStats) {
        self.ingress.insert((stats.mid, stats.rid), stats.nacks);
    }

    /// Whether there is suddenly less, told once.
    pub(crate) fn take_alarm(&mut self) -> bool {
        std::mem::take(&mut self.alarm)
    }

    /// What the client can take by its own or our estimate, in bit/s.
    pub(crate) fn estimate_bps(&self, now: Instant) -> Option<u64> {
        let remb = self.remb.filter(|(_, at)| now.saturating_duration_since(*at) < REMB_AGE).map(|(bps, _)| bps);
        self.twcc_bps.or(remb)
    }

    pub(crate) fn egress(&self, mid: Mid) -> Egress {
        self.egress.get(&mid).copied().unwrap_or_default()
    }

    /// NACK messages sent for a layer.
    pub(crate) fn nacks_sent(&self, mid: Mid, rid: Option<Rid>) -> u64 {
        self.ingress.get(&(mid, rid)).copied().unwrap_or(0)
    }
}
