//! The audio slots of a room that follow its loudest voices, instead of one track each.
//!
//! [`crate::pool`] says who is heard; this binds. Invariant, after [`Room::settle`]: the speaker slots of a peer carry the first voices with a
//! place that aren't the peer's own, each in one slot, and a slot that may keep its voice does. Packets of voices without a place have no
//! slot, and so cost their reception and nothing more.

use super::{Room, SlotKey};
use crate::io::Io;
use crate::pool::{Pool, UNKNOWN_LEVEL};
use crate::speaker::INTERVAL;
use crate::{Event, Kind, Mid, PeerId, SpeakerSlot};
use std::time::Instant;

/// The pool of a room, and the slots that follow it.
#[derive(Debug, Default)]
pub(super) struct Following {
    pool: Pool,
    listeners: Vec<Listener>,
    /// The slots don't follow the pool yet.
    stale: bool,
    /// The slots carry something else than what was told.
    untold: bool,
    told: Vec<SpeakerSlot>,
    told_at: Option<Instant>,
}

/// A peer with speaker slots.
#[derive(Debug)]
struct Listener {
    peer: usize,
    slots: Vec<usize>,
}

impl Following {
    pub(super) fn is_active(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// A track is gone or muted.
    pub(super) fn forget_track(&mut self, track: usize) {
        self.stale |= self.pool.forget(track);
    }

    pub(super) fn forget_peer(&mut self, peer: usize) {
        self.listeners.retain(|listener| listener.peer != peer);
    }

    /// The slot is bound to one track from now on.
    pub(super) fn forget_slot(&mut self, key: SlotKey) {
        for listener in self.listeners.iter_mut().filter(|listener| listener.peer == key.peer) {
            listener.slots.retain(|slot| *slot != key.slot);
            self.stale = true;
        }
        self.listeners.retain(|listener| !listener.slots.is_empty());
    }

    fn add_slot(&mut self, key: SlotKey) {
        match self.listeners.iter_mut().find(|listener| listener.peer == key.peer) {
            Some(listener) if listener.slots.contains(&key.slot) => return,
            Some(listener) => listener.slots.push(key.slot),
            None => self.listeners.push(Listener { peer: key.peer, slots: vec![key.slot] }),
        }
        self.stale = true;
    }

    /// When the slots have to be told.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        self.untold.then(|| self.told_at.map_or(now, |at| (at + INTERVAL).max(now)))
    }
}

impl Room {
    pub(super) fn bind_speaker(&mut self, peer: PeerId, mid: Mid, now: Instant, io: &mut Io) {
        let Some(&peer) = self.peer_index.get(&peer) else { return };
        let slots = self.peers[peer].as_ref().map_or(&[][..], |peer| &peer.slots);
        let Some(slot) = slots.iter().position(|slot| slot.line.mid == mid && slot.line.kind == Kind::Audio) else { return };
        let key = SlotKey { peer, slot };
        let follows = self.following.listeners.iter().any(|listener| listener.peer == peer && listener.slots.contains(&slot));
        if !follows {
            self.carry(key, None, now, io);
            self.following.add_slot(key);
        }
    }

    /// An audio packet of `track` had this level.
    pub(super) fn rank(&mut self, track: usize, level: Option<i8>, now: Instant, io: &mut Io) {
        if self.following.is_active() {
            self.following.stale |= self.following.pool.heard(track, level.unwrap_or(UNKNOWN_LEVEL), now);
            self.settle(now, io);
        }
    }

    /// Makes the slots follow the pool, if they don't.
    pub(super) fn settle(&mut self, now: Instant, io: &mut Io) {
        if !std::mem::take(&mut self.following.stale) {
            return;
        }
        // Taken out while the slots change: `carry` doesn't look at it.
        let listeners = std::mem::take(&mut self.following.listeners);
        for listener in &listeners {
            self.settle_listener(listener, now, io);
        }
        self.following.listeners = listeners;
        if let Some(due) = self.following.due(now) {
            self.deadline.lower(due, self.wake(), &mut io.timers);
        }
    }

    fn settle_listener(&mut self, listener: &Listener, now: Instant, io: &mut Io) {
        let Listener { peer, slots } = listener;
        let own = |track: &usize| self.tracks[*track].as_ref().is_none_or(|track| track.publisher == *peer);
        let places = self.following.pool.places().iter().copied().filter(|track| !own(track));
        let wanted: Vec<usize> = places.take(slots.len()).collect();
        let carried = |room: &Self, slot: usize| room.peers[*peer].as_ref().and_then(|peer| peer.slots[slot].track);
        let (mut free, mut kept) = (vec![], vec![]);
        for &slot in slots {
            match carried(self, slot).filter(|track| wanted.contains(track)) {
                Some(track) => kept.push(track),
                None => free.push(slot),
            }
        }
        let mut entering = wanted.into_iter().filter(|track| !kept.contains(track));
        for slot in free {
            let track = entering.next();
            if carried(self, slot) != track {
                self.carry(SlotKey { peer: *peer, slot }, track, now, io);
            }
            // What was unbound with its track has changed too, and isn't seen here any more.
            self.following.untold = true;
        }
    }

    /// Tells what the speaker slots carry, if that has changed and it is time.
    pub(super) fn tell_speaker_slots(&mut self, now: Instant) {
        if self.following.due(now).is_none_or(|due| due > now) {
            return;
        }
        self.following.told_at = Some(now);
        self.following.untold = false;
        let mut slots = vec![];
        for listener in &self.following.listeners {
            let Some(peer) = self.peers[listener.peer].as_ref() else { continue };
            slots.extend(listener.slots.iter().map(|slot| {
                let slot = &peer.slots[*slot];
                let track = slot.track.and_then(|track| self.tracks[track].as_ref()).map(|track| track.id);
                SpeakerSlot { peer: peer.id, slot: slot.line.mid, track }
            }));
        }
        if slots != self.following.told {
            self.following.told.clone_from(&slots);
            self.events.event(Event::SpeakerSlots { slots });
        }
    }
}
