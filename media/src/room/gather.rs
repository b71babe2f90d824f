//! Packets of a voice channel that wait for others to the same listeners, where the worker has much to do.
//!
//! Five voices reach a listener as 250 small packets a second, each on its own. What is said within [`GATHER`] goes to a listener together: one
//! visit to its transport, and one system call for two packets. Invariant: while packets wait, the worker knows when they are due.

use super::Room;
use crate::io::Io;
use crate::limits::{GATHER, KEPT_PACKETS};
use crate::payload::Frame;
use crate::peer::Forwarded;
use crate::timers::Wake;
use crate::{TrackId, ingress};
use std::time::Instant;
use str0m::rtp::RtpPacket;

/// An audio packet that waits.
pub(super) struct Kept {
    /// Index of its track, which may be another's by the time it leaves.
    index: usize,
    track: TrackId,
    layer: usize,
    packet: RtpPacket,
}

impl Room {
    /// Whether audio packets are to wait. As long as one does, none may overtake it.
    pub(super) fn gathers(&self, io: &Io) -> bool {
        !self.kept.is_empty() || self.following.is_active() && io.is_busy()
    }

    /// Keeps an audio packet until [`Self::release`], if anybody is to have it.
    pub(super) fn keep(&mut self, index: usize, layer: usize, packet: RtpPacket, now: Instant, io: &mut Io) {
        let Some(track) = self.tracks[index].as_ref().filter(|track| !track.subscribers.is_empty()) else { return };
        if self.kept.is_empty() {
            io.timers.push(now + GATHER, Wake::Kept { room: self.index });
        }
        self.kept.push(Kept { index, track: track.id, layer, packet });
        if self.kept.len() == KEPT_PACKETS {
            self.release(now, io);
        }
    }

    /// Sends what waits, listener by listener.
    pub(crate) fn release(&mut self, now: Instant, io: &mut Io) {
        let kept = std::mem::take(&mut self.kept);
        let waiting: Vec<(usize, Forwarded<'_>)> = kept.iter().filter_map(|kept| Some((kept.index, self.forwarded(kept)?))).collect();
        for peer in 0..self.peers.len() {
            let key = self.key(peer);
            let Some(listener) = self.peers[peer].as_mut() else { continue };
            for (index, forwarded) in &waiting {
                for slot in 0..listener.slots.len() {
                    if listener.slots[slot].track == Some(*index) {
                        let sent = listener.send(slot, forwarded, key, now, io);
                        io.count(sent);
                    }
                }
            }
        }
    }

    /// What a packet that waited has to say, unless its track ended or was muted meanwhile.
    fn forwarded<'a>(&self, kept: &'a Kept) -> Option<Forwarded<'a>> {
        let Kept { index, track, layer, packet } = kept;
        let track = self.tracks[*index].as_ref().filter(|present| present.id == *track && !present.muted)?;
        let facts = ingress::facts(packet, Frame::AUDIO, None, track.layers.layer(*layer).clock);
        Some(Forwarded { packet, layer: *layer, facts })
    }
}
