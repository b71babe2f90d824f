//! Which track is in which slot of whom.
//!
//! A slot that carries a track keeps it as long as the track lives: a picture never jumps to another tile because somebody else came or
//! went. Invariant: a track is in at most one slot of a participant, and its kind is the slot's.

use crate::view::{MediaMap, Slot, SlotBinding};
use crate::{Mid, ParticipantId, TrackId};
use media::{Demand, Kind, MediaLine};
use std::collections::{HashMap, HashSet};

/// A track that somebody should receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) id: TrackId,
    pub(super) number: media::TrackId,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
struct BoundSlot {
    mid: Mid,
    kind: Kind,
    track: Option<(media::TrackId, TrackId)>,
    /// It carries whom the media plane says.
    follows: bool,
}

/// How a participant's slots are filled, and how many more it is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Audio slots follow the speakers.
    pooled: bool,
    /// Only the first of the wanted tracks count, as many as there are slots: a better one takes the slot of a worse one.
    ranked: bool,
    /// Most slots that are asked for.
    audio_max: usize,
    video_max: usize,
}

impl Rules {
    /// All tracks.
    pub(super) const EVERYONE: Self = Self { pooled: false, ranked: false, audio_max: usize::MAX, video_max: usize::MAX };
    /// The loudest, and as many pictures as the client has slots for.
    pub(super) const SPEAKERS: Self = Self { pooled: true, ranked: true, audio_max: media::POOL_SLOTS, video_max: 0 };
    /// The one who speaks, by a client that offers once.
    pub(super) const ONE_SPEAKER: Self = Self { pooled: true, ranked: true, audio_max: 0, video_max: 0 };
    /// One participant, by a client that offers once.
    pub(super) const ONE_PARTICIPANT: Self = Self { pooled: false, ranked: true, audio_max: 0, video_max: 0 };
}

/// How many slots an offer should have in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) audio: u8,
    pub(super) video: u8,
}

/// What binding anew came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rebound {
    /// Slots that follow the speakers from now on.
    pub(super) follows: Vec<Mid>,
    /// Slots that carry another track than before, or none.
    pub(super) binds: Vec<(Mid, Option<media::TrackId>)>,
    /// Whether the map is a new one.
    pub(super) changed: bool,
    /// A need that wasn't told yet.
    pub(super) need: Option<Need>,
}

/// What the speakers' slots came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    /// Whether the map is a new one.
    pub(super) changed: bool,
    /// What can be used of what a slot carries now, where that differs from the default or did before.
    pub(super) demands: Vec<(Mid, Demand)>,
}

#[derive(Debug, Default)]
struct Subscriber {
    slots: Vec<BoundSlot>,
    /// Counts on over new transports of the same participant: a client never takes an old map for a new one.
    rev: u64,
    slots_changed: bool,
    told: Option<Need>,
    /// What differs from the default. Of wanted tracks only.
    demands: HashMap<media::TrackId, Demand>,
    /// Slots whose track the media plane holds back for lack of bandwidth.
    stalled: HashSet<Mid>,
}

/// The slots of all participants of a room.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    subscribers: HashMap<ParticipantId, Subscriber>,
}

impl Subscriptions {
    /// The participant has a new transport, with these slots or none.
    pub(super) fn replace_slots(&mut self, participant: &ParticipantId, lines: &[MediaLine]) {
        let subscriber = self.subscribers.entry(participant.clone()).or_default();
        // From none to none is no new map: who has no media is told nothing of it.
        subscriber.slots_changed |= !(subscriber.slots.is_empty() && lines.is_empty());
        subscriber.slots = lines.iter().map(|line| BoundSlot { mid: line.mid, kind: line.kind, track: None, follows: false }).collect();
        subscriber.told = None;
        subscriber.stalled.clear();
    }

    /// The participant's transport has these slots now; those it had keep what they carry.
    pub(super) fn extend_slots(&mut self, participant: &ParticipantId, lines: &[MediaLine]) {
        let subscriber = self.subscribers.entry(participant.clone()).or_default();
        let earlier = std::mem::take(&mut subscriber.slots);
        let known = |line: &MediaLine| earlier.iter().find(|slot| slot.mid == line.mid && slot.kind == line.kind).cloned();
        let fresh = |line: &MediaLine| BoundSlot { mid: line.mid, kind: line.kind, track: None, follows: false };
        subscriber.slots = lines.iter().map(|line| known(line).unwrap_or_else(|| fresh(line))).collect();
        subscriber.slots_changed |= subscriber.slots.len() != earlier.len();
    }

    /// The next [`Subscriptions::rebind`] tells what is needed again.
    pub(super) fn forget_told_need(&mut self, participant: &ParticipantId) {
        if let Some(subscriber) = self.subscribers.get_mut(participant) {
            subscriber.told = None;
        }
    }

    pub(super) fn remove(&mut self, participant: &ParticipantId) {
        self.subscribers.remove(participant);
    }

    /// Empties slots whose track isn't wanted any more, then fills free ones in the order of `wanted`.
    pub(super) fn rebind(&mut self, participant: &ParticipantId, wanted: &[Wanted], rules: Rules) -> Rebound {
        let Some(subscriber) = self.subscribers.get_mut(participant) else { return Rebound::default() };
        let mut rebound = Rebound::default();
        for slot in subscriber.slots.iter_mut().filter(|slot| rules.pooled && slot.kind == Kind::Audio && !slot.follows) {
            slot.follows = true;
            rebound.follows.push(slot.mid);
        }
        let before: Vec<Option<media::TrackId>> =
            subscriber.slots.iter().map(|slot| slot.track.as_ref().map(|(number, _)| *number)).collect();
        subscriber.demands.retain(|number, _| wanted.iter().any(|track| track.number == *number));
        let chosen = choose(&subscriber.slots, wanted, rules);
        for slot in &mut subscriber.slots {
            let among = |tracks: &[&Wanted], number| tracks.iter().any(|track| track.number == number);
            // Who has a slot of the pool loses it by the media plane's word, or by being gone.
            let stays = |number| if slot.follows { wanted.iter().any(|track| track.number == number) } else { among(&chosen, number) };
            slot.track.take_if(|(number, _)| !stays(*number));
        }
        for track in chosen {
            let carried = subscriber.slots.iter().any(|slot| slot.track.as_ref().is_some_and(|(number, _)| *number == track.number));
            let free = subscriber.slots.iter_mut().find(|slot| slot.track.is_none() && slot.kind == track.kind && !slot.follows);
            if let Some(slot) = free.filter(|_| !carried) {
                slot.track = Some((track.number, track.id.clone()));
            }
        }
        for (slot, before) in subscriber.slots.iter().zip(before) {
            let after = slot.track.as_ref().map(|(number, _)| *number);
            rebound.changed |= after != before;
            if after != before && !slot.follows {
                rebound.binds.push((slot.mid, after));
                subscriber.stalled.remove(&slot.mid);
            }
        }
        rebound.changed |= std::mem::take(&mut subscriber.slots_changed);
        subscriber.rev += u64::from(rebound.changed);
        let need = need(&subscriber.slots, wanted, rules);
        if need != subscriber.told {
            subscriber.told = need;
            rebound.need = need;
        }
        rebound
    }

    /// What slots carry that follow the speakers.
    pub(super) fn carry(
        &mut self,
        participant: &ParticipantId,
        carried: impl Iterator<Item = (Mid, Option<(media::TrackId, TrackId)>)>,
    ) -> Carried {
        let mut result = Carried::default();
        let Some(Subscriber { slots, demands, rev, .. }) = self.subscribers.get_mut(participant) else { return result };
        for (mid, track) in carried {
            if let Some(slot) = slots.iter_mut().find(|slot| slot.mid == mid && slot.follows && slot.track != track) {
                let demanded =
                    |track: &Option<(media::TrackId, TrackId)>| track.as_ref().and_then(|(number, _)| demands.get(number).copied());
                let (before, after) = (demanded(&slot.track), demanded(&track));
                if before.is_some() || after.is_some() {
                    result.demands.push((mid, after.unwrap_or_default()));
                }
                slot.track = track;
                result.changed = true;
            }
        }
        *rev += u64::from(result.changed);
        result
    }

    /// Keeps what the participant can use of a track, and names the slot that carries it now.
    pub(super) fn set_demand(&mut self, participant: &ParticipantId, track: media::TrackId, demand: Demand) -> Option<Mid> {
        let subscriber = self.subscribers.entry(participant.clone()).or_default();
        match demand == Demand::default() {
            true => subscriber.demands.remove(&track),
            false => subscriber.demands.insert(track, demand),
        };
        let carries = |slot: &&BoundSlot| slot.track.as_ref().is_some_and(|(number, _)| *number == track);
        subscriber.slots.iter().find(carries).map(|slot| slot.mid)
    }

    /// What differs from the default.
    pub(super) fn demand(&self, participant: &ParticipantId, track: media::TrackId) -> Option<Demand> {
        self.subscribers.get(participant)?.demands.get(&track).copied()
    }

    /// Names the track in the slot, if that is news.
    pub(super) fn set_stalled(&mut self, participant: &ParticipantId, slot: Mid, stalled: bool) -> Option<TrackId> {
        let subscriber = self.subscribers.get_mut(participant)?;
        let (_, track) = subscriber.slots.iter().find(|bound| bound.mid == slot)?.track.clone()?;
        let changed = if stalled { subscriber.stalled.insert(slot) } else { subscriber.stalled.remove(&slot) };
        changed.then_some(track)
    }

    /// The tracks that are held back.
    pub(super) fn stalled(&self, participant: &ParticipantId) -> Vec<TrackId> {
        let Some(subscriber) = self.subscribers.get(participant) else { return Vec::new() };
        let held_back = subscriber.slots.iter().filter(|slot| subscriber.stalled.contains(&slot.mid));
        held_back.filter_map(|slot| Some(slot.track.as_ref()?.1.clone())).collect()
    }

    pub(super) fn map(&self, participant: &ParticipantId) -> MediaMap {
        let Some(subscriber) = self.subscribers.get(participant) else { return MediaMap { rev: 0, slots: Vec::new() } };
        let bindings =
            subscriber.slots.iter().map(|slot| SlotBinding { mid: slot.mid, track: slot.track.as_ref().map(|(_, id)| id.clone()) });
        MediaMap { rev: subscriber.rev, slots: bindings.collect() }
    }

    pub(super) fn slots(&self, participant: &ParticipantId) -> Vec<Slot> {
        let slots = self.subscribers.get(participant).map_or(&[][..], |subscriber| &subscriber.slots);
        slots.iter().map(|slot| Slot { mid: slot.mid, kind: slot.kind }).collect()
    }

    /// For checks: the tracks in somebody's slots.
    #[cfg(test)]
    pub(super) fn bound(&self, participant: &ParticipantId) -> Vec<(Kind, media::TrackId)> {
        let slots = self.subscribers.get(participant).map_or(&[][..], |subscriber| &subscriber.slots);
        slots.iter().filter_map(|slot| Some((slot.kind, slot.track.as_ref()?.0))).collect()
    }
}

/// The wanted tracks that may have a slot of their own.
fn choose<'a>(slots: &[BoundSlot], wanted: &'a [Wanted], rules: Rules) -> Vec<&'a Wanted> {
    if !rules.ranked {
        return wanted.iter().collect();
    }
    let places = |kind| slots.iter().filter(|slot| slot.kind == kind && !slot.follows).count();
    let of = |kind| wanted.iter().filter(move |track| track.kind == kind).take(places(kind));
    of(Kind::Audio).chain(of(Kind::Video)).collect()
}

/// `None` when the slots suffice. Without any slot there is no transport, so nothing is needed.
fn need(slots: &[BoundSlot], wanted: &[Wanted], rules: Rules) -> Option<Need> {
    if slots.is_empty() {
        return None;
    }
    let count = |kind, max: usize| {
        let there = slots.iter().filter(|slot| slot.kind == kind).count();
        let asked = wanted.iter().filter(|track| track.kind == kind).count().min(max);
        (asked > there, u8::try_from(asked.max(there)).unwrap_or(u8::MAX))
    };
    let ((audio_short, audio), (video_short, video)) = (count(Kind::Audio, rules.audio_max), count(Kind::Video, rules.video_max));
    (audio_short || video_short).then_some(Need { audio, video })
}
