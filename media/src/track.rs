//! A published source: who receives it, which layers it has, and which of them anybody wants.
//!
//! It doesn't know why a layer is wanted. Invariant: what is told of wanted layers changes at most once per [`OFF_DELAY`] downwards, and
//! at once upwards.

use crate::forward::layer::Layers;
use crate::{Kind, Mid, PeerId, Rid, TrackId};
use std::time::{Duration, Instant};

/// A layer is switched off when nobody wanted it for this long: tiles change their size in steps, and switching on costs a key frame.
const OFF_DELAY: Duration = Duration::from_secs(1);

pub(crate) struct Track {
    pub(crate) id: TrackId,
    /// Where the room keeps the peer that sends it.
    pub(crate) publisher: usize,
    pub(crate) publisher_id: PeerId,
    pub(crate) mid: Mid,
    pub(crate) kind: Kind,
    pub(crate) muted: bool,
    pub(crate) subscribers: Vec<SlotKey>,
    pub(crate) layers: Layers,
    wanted: Wanted,
}

/// Where a room keeps a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotKey {
    pub(crate) peer: usize,
    pub(crate) slot: usize,
}

/// What is wanted of a track, and what was told of it.
#[derive(Debug, Default)]
struct Wanted {
    /// When the track was wanted last. A new track counts as wanted, so that it has the time of the delay to find subscribers.
    track: Option<Instant>,
    /// When each layer was wanted last, by its index.
    layers: Vec<Instant>,
    told: Option<Told>,
}

/// What a publisher is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) wanted: bool,
    pub(crate) active: Vec<Rid>,
}

/// Whether anybody can use a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watched {
    Yes,
    No,
}

impl Track {
    pub(crate) fn new(id: TrackId, publisher: usize, publisher_id: PeerId, mid: Mid, kind: Kind, announced: &[Rid]) -> Self {
        let mut layers = Layers::default();
        announced.iter().for_each(|&rid| layers.announce(rid));
        Self { id, publisher, publisher_id, mid, kind, muted: false, subscribers: vec![], layers, wanted: Wanted::default() }
    }

    /// When a key frame must be asked for.
    pub(crate) fn key_frames_due(&self) -> Option<Instant> {
        self.layers.iter().filter_map(|layer| layer.key_frames.due()).min()
    }

    /// Takes note of what is wanted now, `layers` by index. Returns what is to be told to the publisher, if that changes.
    pub(crate) fn want(&mut self, watched: Watched, layers: &[usize], now: Instant) -> Option<Told> {
        let Self { wanted, layers: known, .. } = self;
        wanted.layers.resize(known.low_to_high().len(), now);
        if watched == Watched::Yes || wanted.track.is_none() {
            wanted.track = Some(now);
        }
        layers.iter().for_each(|&index| wanted.layers[index] = now);
        let recently = |at: Instant| now.saturating_duration_since(at) < OFF_DELAY;
        let rids = known.low_to_high().iter().filter_map(|&index| Some((index, known.layer(index).rid?)));
        let active = rids.clone().filter(|&(index, _)| recently(wanted.layers[index])).map(|(_, rid)| rid).collect();
        let now_wanted = Told { wanted: wanted.track.is_some_and(recently), active };
        // Before it is told anything, a publisher takes everything for wanted.
        let changed = match &wanted.told {
            Some(told) => *told != now_wanted,
            None => !now_wanted.wanted || now_wanted.active.len() < rids.count(),
        };
        changed.then(|| wanted.told.insert(now_wanted).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wants the same for a while, and collects what is told with its time.
    fn run(track: &mut Track, start: Instant, ms: std::ops::Range<u64>, layers: &[usize]) -> Vec<(u64, Told)> {
        let watched = if layers.is_empty() { Watched::No } else { Watched::Yes };
        ms.step_by(100).filter_map(|ms| Some((ms, track.want(watched, layers, start + Duration::from_millis(ms))?))).collect()
    }

    fn told(wanted: bool, active: &[&str]) -> Told {
        Told { wanted, active: active.iter().map(|&rid| rid.into()).collect() }
    }

    fn track(rids: &[&str]) -> Track {
        let rids: Vec<Rid> = rids.iter().map(|&rid| rid.into()).collect();
        Track::new(TrackId(1), 0, PeerId(1), "0".into(), Kind::Video, &rids)
    }

    #[test]
    fn a_layer_is_switched_off_after_a_second_and_on_at_once() {
        let (start, mut track) = (Instant::now(), track(&["q", "h", "f"]));
        assert_eq!(run(&mut track, start, 0..900, &[0, 1, 2]), []);
        assert_eq!(run(&mut track, start, 900..3000, &[0]), [(1800, told(true, &["q"]))]);
        assert_eq!(run(&mut track, start, 3000..5000, &[0, 2]), [(3000, told(true, &["q", "f"]))]);
        assert_eq!(run(&mut track, start, 5000..8000, &[]), [(5900, told(false, &[]))]);
        assert_eq!(run(&mut track, start, 8000..9000, &[1]), [(8000, told(true, &["h"]))]);
    }

    #[test]
    fn a_tile_that_changes_its_mind_within_a_second_is_not_told() {
        let (start, mut track) = (Instant::now(), track(&["q", "f"]));
        for second in 0..5 {
            let from = second * 1000;
            assert_eq!(run(&mut track, start, from..from + 500, &[0]), []);
            assert_eq!(run(&mut track, start, from + 500..from + 1000, &[1]), []);
        }
    }

    #[test]
    fn a_track_without_simulcast_is_wanted_or_not() {
        let (start, mut track) = (Instant::now(), track(&[]));
        assert_eq!(run(&mut track, start, 0..3000, &[]), [(1000, told(false, &[]))]);
        assert_eq!(track.want(Watched::Yes, &[], start + Duration::from_secs(4)), Some(told(true, &[])));
    }
}
