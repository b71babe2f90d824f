//! What each slot gets of its track, looked at a few times a second and whenever something changed.
//!
//! The choice itself is made elsewhere (`forward::layer`, `allocate`); this gathers what it needs and applies what comes of it. Invariant:
//! after a look, a key frame is awaited of a layer exactly if some slot can't start or switch without.

use super::Room;
use crate::allocate::{Ask, Given, Priority};
use crate::budget::Readings;
use crate::command::{Demand, Event};
use crate::demux::PeerKey;
use crate::forward::layer::Layers;
use crate::forward::subscription::Choice;
use crate::io::Io;
use crate::peer::{Peer, Slot};
use crate::peer_stats::{LayerStats, PeerStats, SlotStats, SourceStats};
use crate::quality::{self, Signs};
use crate::timers::Wake;
use crate::track::{SlotKey, Told, Track, Watched};
use crate::{Kind, Mid, PeerId};
use std::time::{Duration, Instant};

/// Between two looks while there is video. Short against the second in which a narrow path must be noticed.
const INTERVAL: Duration = Duration::from_millis(200);

/// Between two looks at least: a publisher that changes its picture with every frame mustn't make the room busy.
const APART: Duration = Duration::from_millis(20);

/// When a room looks again.
#[derive(Debug, Default)]
pub(super) struct Adapting {
    due: Option<Instant>,
    looked: Option<Instant>,
    judged: Option<Instant>,
}

impl Adapting {
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }
}

impl Room {
    /// Something changed that choices depend on: looks again as soon as it may.
    pub(super) fn adapt_soon(&mut self, now: Instant, io: &mut Io) {
        let due = self.adapting.looked.map_or(now, |looked| now.max(looked + APART));
        self.adapting.due = Some(self.adapting.due.map_or(due, |before| before.min(due)));
        self.deadline.lower(due, self.wake(), &mut io.timers);
    }

    pub(super) fn adapt_if_due(&mut self, now: Instant, io: &mut Io) {
        if self.adapting.due.is_none_or(|due| due > now) {
            return;
        }
        self.adapting.looked = Some(now);
        for track in self.tracks.iter_mut().flatten() {
            track.layers.measure(now);
        }
        self.choose_layers(now, io);
        self.await_key_frames(now);
        self.tell_layers(now);
        self.judge(now);
        let video = self.tracks.iter().flatten().any(|track| track.kind == Kind::Video);
        let interval = if video { INTERVAL } else { quality::INTERVAL };
        self.adapting.due = (!self.peer_index.is_empty()).then(|| now + interval);
    }

    pub(super) fn demand(&mut self, peer: PeerId, mid: Mid, demand: Demand, now: Instant, io: &mut Io) {
        let Some(peer) = self.peer_index.get(&peer).and_then(|&index| self.peers[index].as_mut()) else { return };
        let Some(slot) = peer.slots.iter_mut().find(|slot| slot.line.mid == mid) else { return };
        if slot.subscription.demand == demand {
            return;
        }
        slot.subscription.demand = demand;
        if demand.paused {
            slot.choose(Choice::Paused);
        }
        self.adapt_soon(now, io);
    }

    fn choose_layers(&mut self, now: Instant, io: &mut Io) {
        let loudest = self.speakers.loudest();
        for index in 0..self.peers.len() {
            let key = self.key(index);
            let Self { peers, tracks, events, .. } = self;
            let Some(peer) = peers[index].as_mut() else { continue };
            let (asks, candidates) = gather(peer, tracks, loudest, now);
            let readings = read(peer, tracks, now);
            let plan = peer.budget.plan(&readings, &asks, now);
            for (candidate, step) in candidates.iter().zip(&plan.steps) {
                let slot = &mut peer.slots[candidate.slot];
                let Some(track) = slot.track.and_then(|track| tracks[track].as_mut()) else { continue };
                slot.subscription.limited = step.is_none_or(|step| step + 1 < candidate.layers.len());
                apply(slot, step.map(|step| candidate.layers[step]), &mut track.layers, now);
                if plan.cut {
                    slot.cut();
                }
            }
            for slot in &mut peer.slots {
                let stalled = slot.subscription.is_stalled();
                if std::mem::replace(&mut slot.subscription.told_stalled, stalled) != stalled {
                    events.event(Event::Stalled { peer: peer.id, slot: slot.line.mid, stalled });
                }
            }
            if peer.is_connected() && peer.desire(plan.desired_bps) {
                peer.mark_dirty(key, io);
            }
        }
    }

    fn await_key_frames(&mut self, now: Instant) {
        let Self { peers, tracks, .. } = self;
        for track in tracks.iter_mut().flatten().filter(|track| track.kind == Kind::Video) {
            let mut awaited = vec![];
            for SlotKey { peer, slot } in &track.subscribers {
                awaited.extend(peers[*peer].as_ref().and_then(|peer| peer.slots[*slot].subscription.awaited()));
            }
            for (index, layer) in track.layers.iter_mut().enumerate() {
                if !track.muted && awaited.contains(&index) {
                    layer.key_frames.wait(now);
                } else {
                    layer.key_frames.stop_waiting();
                }
            }
        }
    }

    /// Sends a due request for each of the track's layers, and arranges for the next.
    pub(super) fn request_key_frames(&mut self, index: usize, now: Instant, io: &mut Io) {
        let Self { tracks, peers, .. } = self;
        let Some(track) = tracks[index].as_mut() else { return };
        let Some(publisher) = peers[track.publisher].as_mut() else { return };
        for layer in track.layers.iter_mut() {
            if layer.key_frames.poll(now) && publisher.request_key_frame(track.mid, layer.rid) {
                io.counters.pli_out.inc();
                publisher.mark_dirty(PeerKey { room: self.index, peer: track.publisher }, io);
            }
        }
        if let Some(due) = track.key_frames_due() {
            self.deadline.lower(due, Wake::Room { room: self.index }, &mut io.timers);
        }
    }

    /// Tells which layers are wanted of whom.
    fn tell_layers(&mut self, now: Instant) {
        let Self { peers, tracks, events, .. } = self;
        let mut useful = vec![];
        for track in tracks.iter_mut().flatten().filter(|track| track.kind == Kind::Video) {
            useful.clear();
            let mut watched = Watched::No;
            for SlotKey { peer, slot } in &track.subscribers {
                let Some(subscription) = peers[*peer].as_ref().map(|peer| &peer.slots[*slot].subscription) else { continue };
                if subscription.demand.paused {
                    continue;
                }
                watched = Watched::Yes;
                track.layers.useful(subscription.demand.size, &mut useful);
                useful.extend(subscription.aim);
                // What a path that suddenly narrows falls back to: without it the picture would stand still until it is switched on.
                useful.extend(track.layers.low_to_high().first());
                useful.extend(subscription.current());
                useful.extend(subscription.awaited());
            }
            if let Some(Told { wanted, active }) = track.want(watched, &useful, now) {
                events.event(Event::Layers { track: track.id, wanted, active });
            }
        }
    }

    fn judge(&mut self, now: Instant) {
        if self.adapting.judged.is_some_and(|at| now.saturating_duration_since(at) < quality::INTERVAL) {
            return;
        }
        self.adapting.judged = Some(now);
        let mut qualities = vec![];
        for peer in self.peers.iter_mut().flatten().filter(|peer| peer.is_connected()) {
            let loss = [peer.reports.loss_down, peer.reports.loss_up].into_iter().flatten().fold(0.0, f32::max);
            let stalled = peer.slots.iter().any(|slot| slot.subscription.is_stalled());
            let limited = peer.slots.iter().any(|slot| slot.subscription.limited);
            let signs = Signs { round_trip: peer.reports.round_trip, loss, limited, stalled };
            qualities.extend(peer.verdict.judge(&signs, now).map(|quality| (peer.id, quality)));
        }
        if !qualities.is_empty() {
            self.events.event(Event::Quality { qualities });
        }
    }

    pub(super) fn stats(&mut self, peer: PeerId, now: Instant) -> Option<PeerStats> {
        let Self { peers, tracks, .. } = self;
        let peer = peers[*self.peer_index.get(&peer)?].as_mut()?;
        let reports = &peer.reports;
        let slots = peer.slots.iter_mut().map(|slot| {
            let track = slot.track.and_then(|index| tracks[index].as_ref());
            let layer = track.zip(slot.subscription.current()).map(|(track, index)| track.layers.layer(index));
            let told = reports.egress(slot.line.mid);
            SlotStats {
                mid: slot.line.mid,
                kind: slot.line.kind,
                track: track.map(|track| track.id),
                packets: slot.sent.packets,
                bytes: slot.sent.bytes,
                bitrate_bps: slot.sent.rate.bps(now),
                layer: layer.and_then(|layer| layer.rid),
                size: layer.and_then(|layer| layer.size),
                key_frames: slot.sent.key_frames,
                nacks: told.nacks,
                plis: told.plis,
                paused: slot.subscription.demand.paused,
                stalled: slot.subscription.is_stalled(),
            }
        });
        let slots = slots.collect();
        let sources = peer.sources.iter().map(|source| {
            let track = source.track.and_then(|index| tracks[index].as_mut());
            let mut stats = SourceStats { mid: source.mid, kind: source.kind, track: track.as_ref().map(|track| track.id), layers: vec![] };
            let Some(track) = track else { return stats };
            for index in track.layers.low_to_high().to_vec() {
                let (bitrate_bps, flows) = (track.layers.measured_bps(index, now), track.layers.flows(index));
                let layer = track.layers.layer(index);
                if layer.packets == 0 {
                    continue;
                }
                stats.layers.push(LayerStats {
                    rid: layer.rid,
                    size: layer.size,
                    packets: layer.packets,
                    bytes: layer.bytes,
                    bitrate_bps,
                    key_frames: if source.kind == Kind::Video { layer.key_frames_in } else { 0 },
                    nacks: reports.nacks_sent(source.mid, layer.rid),
                    plis: layer.key_frames.sent,
                    flows,
                });
            }
            stats
        });
        Some(PeerStats {
            round_trip: reports.round_trip,
            loss_up: reports.loss_up.unwrap_or(0.0),
            loss_down: reports.loss_down.unwrap_or(0.0),
            estimate_bps: reports.estimate_bps(now),
            quality: peer.verdict.told(),
            sources: sources.collect(),
            slots,
        })
    }
}

/// A slot with video that its peer wants, and the layers that it could have, low to high.
struct Candidate {
    slot: usize,
    layers: Vec<usize>,
}

/// What a peer asks of its bandwidth. Slots that need no share get their choice at once.
fn gather(peer: &mut Peer, tracks: &[Option<Track>], loudest: Option<PeerId>, now: Instant) -> (Vec<Ask>, Vec<Candidate>) {
    let (mut asks, mut candidates) = (vec![], vec![]);
    for (index, slot) in peer.slots.iter_mut().enumerate() {
        let Some(track) = slot.track.and_then(|track| tracks[track].as_ref()) else { continue };
        let Demand { paused, size } = slot.subscription.demand;
        let layers = track.layers.fitting(size).map(|limit| track.layers.plannable(limit, now)).unwrap_or_default();
        if paused || track.kind == Kind::Audio || layers.is_empty() {
            slot.subscription.limited = false;
            slot.subscription.aim = None;
            slot.choose(if paused { Choice::Paused } else { Choice::Any });
            continue;
        }
        if track.muted {
            continue;
        }
        let given = match (slot.subscription.choice(), slot.subscription.aim.and_then(|aim| layers.iter().position(|&layer| layer == aim)))
        {
            (Choice::Stalled, _) => Given::Stalled,
            (Choice::Layer(_), Some(step)) => Given::Step(step),
            (Choice::Layer(_), None) => Given::Step(layers.len() - 1),
            (Choice::Any | Choice::Paused, _) => Given::New,
        };
        let area = size.map_or(u32::MAX, |(width, height)| u32::from(width) * u32::from(height));
        let mut least = 0;
        let mut rising = |&layer: &usize| {
            least = track.layers.planned_bps(layer).max(least);
            least
        };
        let priority = Priority { speaks: loudest == Some(track.publisher_id), area };
        let steps = layers.iter().map(&mut rising).collect();
        asks.push(Ask { priority, steps, full: track.layers.full_bps(), given });
        candidates.push(Candidate { slot: index, layers });
    }
    (asks, candidates)
}

/// What is known of a peer's path and load.
fn read(peer: &mut Peer, tracks: &[Option<Track>], now: Instant) -> Readings {
    let mut readings = Readings {
        estimate_bps: peer.reports.estimate_bps(now),
        delivered_bps: peer.delivered_bps().unwrap_or(0),
        loss_down: peer.reports.loss_down,
        reports: peer.reports.looks,
        ..Readings::default()
    };
    for slot in peer.slots.iter_mut() {
        let bps = slot.sent.rate.bps(now);
        match slot.track.and_then(|track| tracks[track].as_ref()).map(|track| track.kind) {
            Some(Kind::Audio) => readings.audio_bps += bps,
            Some(Kind::Video) => readings.video_bps += bps,
            None => {}
        }
    }
    readings
}

/// Sets a slot's choice for what it may have at most.
fn apply(slot: &mut Slot, aim: Option<usize>, layers: &mut Layers, now: Instant) {
    if slot.subscription.aim != aim
        && let Some(before) = slot.subscription.aim
    {
        layers.unseek(before);
    }
    slot.subscription.aim = aim;
    let Some(aim) = aim else {
        slot.choose(Choice::Stalled);
        return;
    };
    layers.seek(aim, now);
    // What doesn't flow yet is awaited if only dearer layers flow; else a lower one does in the meantime.
    let lower = layers.flowing_up_to(aim).filter(|&flowing| layers.is_at_most(flowing, aim));
    slot.choose(Choice::Layer(lower.unwrap_or(aim)));
}
