//! The layers of one track, as they are observed: never assumed, for browsers send as many as their resolution and bandwidth allow.
//!
//! A track without simulcast is one layer without a RID. Invariant: a layer keeps its index for the life of the track.

use super::keyframe::KeyFrames;
use crate::Rid;
use crate::limits::{LAYER_SILENCE, LAYERS_PER_TRACK};
use crate::payload::Frame;
use crate::rate::Rate;
use std::time::{Duration, Instant, UNIX_EPOCH};
use str0m::rtp::RtpPacket;

/// A layer may be shown enlarged by this factor before the next one is worth its bitrate: less is hardly seen.
const ENLARGED_MAX: f32 = 1.25;
/// What layers of unknown sizes are taken for, low to high: halves of each other, as is the custom, below the commonest camera.
const UNKNOWN_SIZES: [(u16, u16); 3] = [(320, 180), (640, 360), (1280, 720)];
/// A layer that didn't come this long after it was wanted isn't counted on: its publisher doesn't listen, or can't.
const SOUGHT_MAX: Duration = Duration::from_secs(3);
/// A layer's bitrate isn't known before it was measured for this long.
const SETTLED: Duration = Duration::from_millis(600);
/// By this factor one bitrate is above another beyond doubt.
const CLEARLY: f64 = 1.3;
/// How fast the planned bitrate of a layer follows the measured one down, as a share per look at it. Up it follows at once.
const PLAN_FALL: f64 = 0.05;

/// The layers of one track.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    layers: Vec<Layer>,
    /// Indices, low to high.
    order: Vec<usize>,
    newest: Option<Instant>,
}

/// One simulcast encoding, or the only one.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) rid: Option<Rid>,
    pub(crate) key_frames: KeyFrames,
    /// The newest size that a key frame told.
    pub(crate) size: Option<(u16, u16)>,
    /// When a packet came last. None for a layer that was only announced.
    last: Option<Instant>,
    /// When a packet came first.
    first: Option<Instant>,
    /// Since when some slot waits for the layer to flow.
    sought: Option<Instant>,
    rate: Rate,
    planned_bps: u64,
    /// Where the publisher's clock stood, by its last sender report.
    pub(crate) clock: Option<Clock>,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) key_frames_in: u64,
}

/// What a layer remembers of a packet.
struct Facts {
    bytes: usize,
    clock: Option<Clock>,
}

/// An RTP timestamp and the publisher's wall clock at one moment (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    pub(crate) timestamp: u32,
    /// Since the publisher's epoch.
    pub(crate) wall: Duration,
}

/// What a packet means for its track's layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) layer: usize,
    /// A layer appeared, came back or changed its size: choices may change.
    pub(crate) news: News,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    Yes,
    No,
}

impl Layers {
    /// Notes that the publisher announced a layer. It counts only once it is seen, but it can be asked for.
    pub(crate) fn announce(&mut self, rid: Rid) {
        if self.position(Some(rid)).is_none() {
            self.add(Some(rid));
        }
    }

    /// Takes note of a packet. None for a layer too many.
    pub(crate) fn observe(&mut self, rid: Option<Rid>, packet: &RtpPacket, frame: Frame, now: Instant) -> Option<Observed> {
        let clock = packet.last_sender_info.as_ref().map(|report| Clock {
            timestamp: report.rtp_time.numer() as u32,
            wall: report.ntp_time.duration_since(UNIX_EPOCH).unwrap_or_default(),
        });
        let facts = Facts { bytes: packet.payload.len(), clock };
        self.observe_facts(rid, &facts, frame, now)
    }

    fn observe_facts(&mut self, rid: Option<Rid>, packet: &Facts, frame: Frame, now: Instant) -> Option<Observed> {
        let index = match self.position(rid) {
            Some(index) => index,
            None => self.add(rid)?,
        };
        let layer = &mut self.layers[index];
        let revived = layer.last.is_none_or(|last| now.saturating_duration_since(last) > LAYER_SILENCE);
        layer.last = Some(now);
        layer.first.get_or_insert(now);
        layer.sought = None;
        layer.packets += 1;
        layer.bytes += packet.bytes as u64;
        layer.rate.add(packet.bytes, now);
        layer.clock = packet.clock;
        let resized = frame.size.is_some() && frame.size != layer.size;
        if frame.starts_decoding {
            layer.size = frame.size.or(layer.size);
            layer.key_frames_in += 1;
        }
        self.newest = Some(now);
        let news = if revived || resized {
            self.sort();
            News::Yes
        } else {
            News::No
        };
        Some(Observed { layer: index, news })
    }

    /// Measures anew. To be called a few times a second.
    pub(crate) fn measure(&mut self, now: Instant) {
        for index in 0..self.layers.len() {
            if !self.flows(index) {
                continue;
            }
            let layer = &mut self.layers[index];
            let measured = layer.rate.bps(now);
            let fallen = layer.planned_bps.saturating_sub((layer.planned_bps as f64 * PLAN_FALL) as u64);
            layer.planned_bps = measured.max(fallen);
        }
        self.sort();
    }

    fn position(&self, rid: Option<Rid>) -> Option<usize> {
        self.layers.iter().position(|layer| layer.rid == rid)
    }

    fn add(&mut self, rid: Option<Rid>) -> Option<usize> {
        if self.layers.len() == LAYERS_PER_TRACK {
            return None;
        }
        self.layers.push(Layer {
            rid,
            key_frames: KeyFrames::default(),
            size: None,
            last: None,
            first: None,
            sought: None,
            rate: Rate::default(),
            planned_bps: 0,
            clock: None,
            packets: 0,
            bytes: 0,
            key_frames_in: 0,
        });
        self.sort();
        Some(self.layers.len() - 1)
    }

    fn sort(&mut self) {
        let Self { layers, order, .. } = self;
        order.extend(order.len()..layers.len());
        let sized = layers.iter().all(|layer| layer.size.is_some());
        let named = layers.iter().all(|layer| layer.rid.is_some_and(|rid| rank(rid).is_some()));
        let area = |layer: &Layer| layer.size.map_or(0, |(width, height)| u64::from(width) * u64::from(height));
        // Bitrates waver: only a clear difference changes places.
        let lower = |a: &Layer, b: &Layer| a.planned_bps as f64 * CLEARLY < b.planned_bps as f64;
        match (sized, named) {
            (true, _) => order.sort_by_key(|&index| area(&layers[index])),
            (false, true) => order.sort_by_key(|&index| layers[index].rid.and_then(rank)),
            (false, false) => {
                for end in (1..order.len()).rev() {
                    for at in 0..end {
                        if lower(&layers[order[at + 1]], &layers[order[at]]) {
                            order.swap(at, at + 1);
                        }
                    }
                }
            }
        }
    }

    pub(crate) fn layer(&self, index: usize) -> &Layer {
        &self.layers[index]
    }

    pub(crate) fn layer_mut(&mut self, index: usize) -> &mut Layer {
        &mut self.layers[index]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Layer> {
        self.layers.iter_mut()
    }

    /// Indices, low to high, silent ones included.
    pub(crate) fn low_to_high(&self) -> &[usize] {
        &self.order
    }

    /// Whether packets of the layer come, measured by the track's newest: a slow screen share has no silent layers.
    pub(crate) fn flows(&self, index: usize) -> bool {
        let (Some(last), Some(newest)) = (self.layers[index].last, self.newest) else { return false };
        newest.saturating_duration_since(last) <= LAYER_SILENCE
    }

    /// The bitrate to plan with, in bit/s: for a layer that doesn't flow what it last had.
    pub(crate) fn planned_bps(&self, index: usize) -> u64 {
        self.layers[index].planned_bps
    }

    /// The bitrate to plan with of the dearest layer, in bit/s.
    pub(crate) fn full_bps(&self) -> u64 {
        self.layers.iter().map(|layer| layer.planned_bps).max().unwrap_or(0)
    }

    /// The measured bitrate, in bit/s.
    pub(crate) fn measured_bps(&mut self, index: usize, now: Instant) -> u64 {
        self.layers[index].rate.bps(now)
    }

    /// The lowest layer that is sharp on a tile of this size, among all that are known; the highest if none is, or if no size is told.
    pub(crate) fn fitting(&self, tile: Option<(u16, u16)>) -> Option<usize> {
        let highest = self.order.last().copied();
        let Some(tile) = tile else { return highest };
        let sized = self.layers.iter().any(|layer| layer.size.is_some());
        let sharp = |rank: usize, index: usize| match (self.layers[index].size, sized) {
            (Some(size), _) => enlarged(size, tile) <= ENLARGED_MAX,
            // A layer that was never seen, beside some that were: nothing can be said of it.
            (None, true) => false,
            (None, false) => UNKNOWN_SIZES.get(rank).is_none_or(|&size| enlarged(size, tile) <= ENLARGED_MAX),
        };
        self.order.iter().enumerate().find(|&(rank, &index)| sharp(rank, index)).map(|(_, &index)| index).or(highest)
    }

    /// The layers that a publisher should send for a tile of this size: the one that fits, and while none of those that were seen is known to
    /// be sharp, those that weren't seen yet.
    pub(crate) fn useful(&self, tile: Option<(u16, u16)>, useful: &mut Vec<usize>) {
        let seen = |index: usize| self.layers[index].last.is_some();
        let Some(fitting) = self.fitting(tile) else { return };
        useful.push(fitting);
        let sharp = match (self.layers[fitting].size, tile) {
            (Some(size), Some(tile)) => enlarged(size, tile) <= ENLARGED_MAX,
            (Some(_), None) | (None, _) => false,
        };
        if !sharp || !seen(fitting) {
            useful.extend(self.order.iter().copied().filter(|&index| !seen(index)));
            useful.extend(self.order.iter().copied().rfind(|&index| seen(index)));
        }
    }

    /// The layers that a slot can plan with, low to high up to `limit`: those that flow, and those that the publisher can be expected to
    /// send once it is told that they are wanted. None are left out when nothing flows.
    pub(crate) fn plannable(&self, limit: usize, now: Instant) -> Vec<usize> {
        let Some(rank) = self.order.iter().position(|&index| index == limit) else { return vec![] };
        let expected = |index: usize| {
            let layer = &self.layers[index];
            layer.planned_bps > 0 && layer.sought.is_none_or(|since| now.saturating_duration_since(since) < SOUGHT_MAX)
        };
        let settled = |index: usize| self.layers[index].first.is_some_and(|first| now.saturating_duration_since(first) >= SETTLED);
        let mut plannable = vec![];
        for &index in &self.order[..=rank] {
            let lowest = plannable.is_empty();
            if (self.flows(index) || expected(index)) && (lowest || settled(index)) {
                plannable.push(index);
            }
        }
        if plannable.is_empty() { self.flowing_up_to(limit).into_iter().collect() } else { plannable }
    }

    /// A slot waits for this layer to flow.
    pub(crate) fn seek(&mut self, index: usize, now: Instant) {
        if !self.flows(index) {
            self.layers[index].sought.get_or_insert(now);
        }
    }

    /// Nobody waits for this layer.
    pub(crate) fn unseek(&mut self, index: usize) {
        self.layers[index].sought = None;
    }

    /// Whether `layer` isn't above `limit`.
    pub(crate) fn is_at_most(&self, layer: usize, limit: usize) -> bool {
        let rank = |wanted: usize| self.order.iter().position(|&index| index == wanted);
        rank(layer) <= rank(limit)
    }

    /// The highest flowing layer up to `limit`; if there is none, the lowest above.
    pub(crate) fn flowing_up_to(&self, limit: usize) -> Option<usize> {
        let rank = self.order.iter().position(|&index| index == limit)?;
        let flows = |index: &&usize| self.flows(**index);
        self.order[..=rank].iter().rev().find(flows).or_else(|| self.order[rank + 1..].iter().find(flows)).copied()
    }
}

/// The place of a layer of our own SDK (quarter, half, full) in its order.
fn rank(rid: Rid) -> Option<u64> {
    match &*rid {
        "q" => Some(0),
        "h" => Some(1),
        "f" => Some(2),
        _ => None,
    }
}

/// By how much a picture is enlarged to fill a tile without being cut, whichever way up it is: phones send rotated pictures.
fn enlarged(size: (u16, u16), tile: (u16, u16)) -> f32 {
    let sides = |(a, b): (u16, u16)| (f32::from(a.max(b)), f32::from(a.min(b)).max(1.0));
    let ((long, short), (tile_long, tile_short)) = (sides(size), sides(tile));
    (tile_long / long.max(1.0)).min(tile_short / short)
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
