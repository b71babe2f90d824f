//! Which tracks a room has, and which slots they are bound to.
//!
//! Commands say it; nothing here decides who may receive what. Invariant: a slot is listed with exactly the track that it names.

use super::{Room, insert};
use crate::io::Io;
use crate::track::{SlotKey, Track};
use crate::{Kind, Mid, PeerId, TrackId, ingress};
use std::time::Instant;

impl Room {
    pub(super) fn publish(&mut self, peer: PeerId, mid: Mid, id: TrackId, kind: Kind) {
        let Some(&publisher) = self.peer_index.get(&peer) else { return };
        let source = self.peers[publisher].as_ref().and_then(|p| p.sources.iter().find(|s| s.mid == mid && s.kind == kind));
        let Some((replaced, announced)) = source.map(|source| (source.track, source.announced.clone())) else { return };
        let known = self.track_index.get(&id).copied();
        if known.is_some() && known == replaced {
            return;
        }
        for track in [replaced, known].into_iter().flatten() {
            self.unpublish(track);
        }
        let track = Track::new(id, publisher, peer, mid, kind, &announced);
        let index = insert(&mut self.tracks, track);
        self.track_index.insert(id, index);
        if let Some(source) = self.source_mut(publisher, mid) {
            source.track = Some(index);
        }
    }

    pub(super) fn unpublish(&mut self, index: usize) {
        let Some(track) = self.tracks[index].take() else { return };
        self.track_index.retain(|_, known| *known != index);
        for SlotKey { peer, slot } in track.subscribers {
            if let Some(peer) = self.peers[peer].as_mut() {
                peer.slots[slot].unbind();
            }
        }
        if let Some(source) = self.source_mut(track.publisher, track.mid) {
            source.track = None;
        }
        self.hush(index, track.publisher, track.kind);
    }

    pub(super) fn source_mut(&mut self, peer: usize, mid: Mid) -> Option<&mut ingress::Source> {
        self.peers[peer].as_mut()?.sources.iter_mut().find(|source| source.mid == mid)
    }

    /// What an audio track said before it was muted or ended must not stand on the list of speakers.
    pub(super) fn hush(&mut self, track: usize, publisher: usize, kind: Kind) {
        if kind == Kind::Audio {
            self.speakers.forget(publisher);
            self.following.forget_track(track);
        }
    }

    pub(super) fn bind(&mut self, peer: PeerId, mid: Mid, track: Option<TrackId>, now: Instant, io: &mut Io) {
        let Some(&peer) = self.peer_index.get(&peer) else { return };
        let Some(slot) = self.peers[peer].as_ref().and_then(|p| p.slots.iter().position(|s| s.line.mid == mid)) else { return };
        let wanted = match track {
            None => None,
            Some(id) => match self.track_index.get(&id) {
                Some(&index) => Some(index),
                None => return,
            },
        };
        let Some(kind) = self.peers[peer].as_ref().map(|p| p.slots[slot].line.kind) else { return };
        let fits = |index: usize| self.tracks[index].as_ref().is_some_and(|track| track.kind == kind);
        if wanted.is_some_and(|index| !fits(index)) {
            return;
        }
        let key = SlotKey { peer, slot };
        self.following.forget_slot(key);
        self.carry(key, wanted, now, io);
    }

    /// Puts a track of the slot's kind into a slot, or nothing.
    pub(super) fn carry(&mut self, key: SlotKey, wanted: Option<usize>, now: Instant, io: &mut Io) {
        let Some(bound) = self.peers[key.peer].as_mut().map(|p| &mut p.slots[key.slot]) else { return };
        let (before, kind) = (bound.track, bound.line.kind);
        if wanted == before {
            return;
        }
        bound.unbind();
        if kind == Kind::Video {
            self.adapt_soon(now, io);
        }
        if let Some(track) = before.and_then(|index| self.tracks[index].as_mut()) {
            track.subscribers.retain(|subscriber| *subscriber != key);
        }
        if let Some(index) = wanted {
            self.subscribe(key, index);
        }
    }

    fn subscribe(&mut self, key: SlotKey, index: usize) {
        let Some(track) = self.tracks[index].as_mut() else { return };
        let publisher = self.peers[track.publisher].as_ref();
        let payloads = publisher.and_then(|p| p.sources.iter().find(|s| s.mid == track.mid)).map(|s| s.payloads.clone());
        let (Some(payloads), Some(peer)) = (payloads, self.peers[key.peer].as_mut()) else { return };
        peer.slots[key.slot].bind(index, &payloads);
        track.subscribers.push(key);
    }

    pub(super) fn set_muted(&mut self, id: TrackId, muted: bool, now: Instant, io: &mut Io) {
        let Some(&index) = self.track_index.get(&id) else { return };
        let Some(track) = self.tracks[index].as_mut() else { return };
        if track.muted == muted {
            return;
        }
        track.muted = muted;
        for SlotKey { peer, slot } in &track.subscribers {
            if let Some(peer) = self.peers[*peer].as_mut() {
                peer.slots[*slot].pause();
            }
        }
        let (publisher, kind) = (track.publisher, track.kind);
        if muted {
            self.hush(index, publisher, kind);
        }
        self.adapt_soon(now, io);
    }
}
