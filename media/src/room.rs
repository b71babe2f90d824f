//! One room: which packet of which peer goes to whom.
//!
//! It decides nothing about who may receive what; commands say that. Invariant: a slot is listed with exactly the track that it
//! names, and both belong to this room.

mod adapt;
mod following;
mod gather;
mod tracks;

use crate::command::{Command, Demand, Event, EventSink};
use crate::config::Limits;
use crate::data::{self, Data};
use crate::demux::PeerKey;
use crate::forward::layer::{News, Observed};
use crate::forward::rewrite::Held;
use crate::ingress;
use crate::io::Io;
use crate::negotiation::{Answered, Offer};
use crate::path::NotAdmitted;
use crate::payload;
use crate::peer::{Forwarded, Peer, Said, Sent};
use crate::peer_stats::PeerStats;
use crate::socket::Datagram;
use crate::speaker::Speakers;
use crate::stats::Counters;
use crate::timers::{Deadline, Wake};
use crate::track::{SlotKey, Track};
use crate::{Kind, LossReason, Mid, OfferError, PeerId, Renegotiated, Reply, Rid, TrackId};
use adapt::Adapting;
use following::Following;
use gather::Kept;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;
use str0m::Rtc;
use str0m::format::Codec;
use str0m::rtp::RtpPacket;

pub(crate) struct Room {
    /// Where the worker keeps this room.
    index: usize,
    events: Arc<dyn EventSink>,
    limits: Limits,
    peers: Vec<Option<Peer>>,
    peer_index: HashMap<PeerId, usize>,
    tracks: Vec<Option<Track>>,
    track_index: HashMap<TrackId, usize>,
    speakers: Speakers,
    adapting: Adapting,
    following: Following,
    deadline: Deadline,
    /// Packets that wait for others to the same listeners.
    kept: Vec<Kept>,
    /// Reused between drains.
    said: Vec<Said>,
}

/// A command on its way to a room: the parts that cost were done by the sender.
pub(crate) enum Request {
    Add { peer: PeerId, rtc: Box<Rtc>, answered: Answered, tag: Vec<u8>, data: bool },
    Renegotiate { peer: PeerId, offer: Result<Offer, OfferError>, reply: Reply<Result<Renegotiated, OfferError>> },
    Remove { peer: PeerId },
    Publish { peer: PeerId, mid: Mid, track: TrackId, kind: Kind },
    Unpublish { track: TrackId },
    Bind { peer: PeerId, slot: Mid, track: Option<TrackId> },
    BindSpeaker { peer: PeerId, slot: Mid },
    SetMuted { track: TrackId, muted: bool },
    Demand { peer: PeerId, slot: Mid, demand: Demand },
    Stats { peer: PeerId, reply: Reply<Option<PeerStats>> },
}

impl Request {
    pub(crate) fn new(command: Command, limits: &Limits) -> Self {
        match command {
            Command::AddPeer { peer, negotiated, tag, data } => {
                let (rtc, answered) = negotiated.into_parts();
                Self::Add { peer, rtc, answered, tag, data }
            }
            Command::Renegotiate { peer, offer, reply } => Self::Renegotiate { peer, offer: Offer::parse(&offer, limits), reply },
            Command::RemovePeer { peer } => Self::Remove { peer },
            Command::Publish { peer, mid, track, kind } => Self::Publish { peer, mid, track, kind },
            Command::Unpublish { track } => Self::Unpublish { track },
            Command::Bind { peer, slot, track } => Self::Bind { peer, slot, track },
            Command::BindSpeaker { peer, slot } => Self::BindSpeaker { peer, slot },
            Command::SetMuted { track, muted } => Self::SetMuted { track, muted },
            Command::Demand { peer, slot, demand } => Self::Demand { peer, slot, demand },
            Command::Stats { peer, reply } => Self::Stats { peer, reply },
        }
    }
}

impl Room {
    pub(crate) fn new(index: usize, events: Arc<dyn EventSink>, limits: Limits) -> Self {
        Self {
            index,
            events,
            limits,
            peers: vec![],
            peer_index: HashMap::new(),
            tracks: vec![],
            track_index: HashMap::new(),
            speakers: Speakers::default(),
            adapting: Adapting::default(),
            following: Following::default(),
            deadline: Deadline::default(),
            kept: vec![],
            said: vec![],
        }
    }

    pub(crate) fn apply(&mut self, request: Request, now: Instant, io: &mut Io) {
        match request {
            Request::Add { peer, rtc, answered, tag, data } => {
                self.add_peer(Peer::new(peer, *rtc, &answered, Data::new(&tag, data, now), now), io)
            }
            Request::Renegotiate { peer, offer, reply } => reply(self.renegotiate(peer, offer, now, io)),
            Request::Remove { peer } => {
                if let Some(&index) = self.peer_index.get(&peer) {
                    self.remove_peer(index, io);
                }
            }
            Request::Publish { peer, mid, track, kind } => {
                self.publish(peer, mid, track, kind);
                self.adapt_soon(now, io);
            }
            Request::Unpublish { track } => {
                if let Some(&index) = self.track_index.get(&track) {
                    self.unpublish(index);
                }
            }
            Request::Bind { peer, slot, track } => self.bind(peer, slot, track, now, io),
            Request::BindSpeaker { peer, slot } => self.bind_speaker(peer, slot, now, io),
            Request::SetMuted { track, muted } => self.set_muted(track, muted, now, io),
            Request::Demand { peer, slot, demand } => self.demand(peer, slot, demand, now, io),
            Request::Stats { peer, reply } => reply(self.stats(peer, now)),
        }
        self.settle(now, io);
    }

    fn key(&self, peer: usize) -> PeerKey {
        PeerKey { room: self.index, peer }
    }

    fn wake(&self) -> Wake {
        Wake::Room { room: self.index }
    }

    fn add_peer(&mut self, peer: Peer, io: &mut Io) {
        let id = peer.id;
        if let Some(&present) = self.peer_index.get(&id) {
            self.remove_peer(present, io);
        }
        self.deadline.lower(peer.lost_at(&self.limits).0, Wake::Room { room: self.index }, &mut io.timers);
        let index = insert(&mut self.peers, peer);
        self.peer_index.insert(id, index);
        let key = self.key(index);
        if let Some(peer) = self.peers[index].as_mut() {
            peer.announce(key, io);
        }
        io.peers_changed(1);
    }

    fn renegotiate(&mut self, id: PeerId, offer: Result<Offer, OfferError>, now: Instant, io: &mut Io) -> Result<Renegotiated, OfferError> {
        let &index = self.peer_index.get(&id).ok_or(OfferError::Gone)?;
        let offer = offer?;
        let key = self.key(index);
        let Some(peer) = self.peers[index].as_mut() else { return Err(OfferError::Gone) };
        if !peer.made(&offer) {
            return Err(OfferError::OtherTransport);
        }
        match peer.renegotiate(offer, key, io) {
            Ok(Answered { answer, slots, sources, .. }) => {
                peer.mark_dirty(key, io);
                self.map_payloads(index);
                Ok(Renegotiated { answer, slots, sources })
            }
            Err(error) => {
                // A half-applied offer leaves a transport in a state that nobody described.
                self.lose(index, LossReason::Closed, now, io);
                Err(error)
            }
        }
    }

    /// An answer may have changed codecs on either end of a binding of `peer`.
    fn map_payloads(&mut self, peer: usize) {
        let Self { peers, tracks, .. } = self;
        for track in tracks.iter().flatten() {
            let concerned = |key: &&SlotKey| track.publisher == peer || key.peer == peer;
            for key in track.subscribers.iter().filter(concerned) {
                let payloads = peers[track.publisher].as_ref().and_then(|p| p.sources.iter().find(|s| s.mid == track.mid));
                let Some(payloads) = payloads.map(|source| source.payloads.clone()) else { continue };
                if let Some(slot) = peers[key.peer].as_mut().and_then(|p| p.slots.get_mut(key.slot)) {
                    slot.map(&payloads);
                }
            }
        }
    }

    /// Removes a peer that is still there on the other end: it is told.
    fn remove_peer(&mut self, index: usize, io: &mut Io) {
        let key = self.key(index);
        let Some(mut peer) = self.peers[index].take() else { return };
        self.peer_index.remove(&peer.id);
        peer.close(io);
        peer.retract(key, io);
        io.peers_changed(-1);
        self.speakers.forget(index);
        self.following.forget_peer(index);
        for track in self.tracks.iter_mut().flatten() {
            track.subscribers.retain(|slot| slot.peer != index);
        }
        for track in peer.sources.iter().filter_map(|source| source.track) {
            self.unpublish(track);
        }
    }

    /// Removes a peer whose transport ended by itself.
    fn lose(&mut self, index: usize, reason: LossReason, now: Instant, io: &mut Io) {
        let Some(id) = self.peers[index].as_ref().map(|peer| peer.id) else { return };
        tracing::debug!(peer = id.0, ?reason, "peer lost");
        self.remove_peer(index, io);
        self.settle(now, io);
        self.events.event(Event::Lost { peer: id, reason });
        self.tell_speakers(now);
    }

    /// Whether a STUN request is authentic and for that peer.
    pub(crate) fn accepts(&self, peer: usize, check: Datagram<'_>) -> bool {
        self.peers.get(peer).and_then(Option::as_ref).is_some_and(|peer| peer.accepts(check))
    }

    /// An authentic STUN request for that peer.
    pub(crate) fn check(&mut self, peer: usize, datagram: Datagram<'_>, now: Instant, io: &mut Io) {
        let Some(present) = self.peers.get_mut(peer).and_then(Option::as_mut) else { return };
        match present.admits(datagram, now) {
            Ok(()) => self.receive(peer, datagram, now, io),
            Err(NotAdmitted::TooManyAddresses) => io.counters.dropped_tuple_rate.inc(),
            Err(NotAdmitted::Repeated) => io.counters.dropped_stun.inc(),
        }
    }

    /// A datagram from an address that belongs to that peer, or an authentic STUN request.
    pub(crate) fn receive(&mut self, peer: usize, datagram: Datagram<'_>, now: Instant, io: &mut Io) {
        let key = self.key(peer);
        let Some(present) = self.peers.get_mut(peer).and_then(Option::as_mut) else { return };
        if datagram.is_rtp() {
            if let Some(packet) = present.receive_rtp(datagram, key, now, io)
                && let Some((track, layer)) = self.forward(peer, &packet, now, io)
            {
                self.keep(track, layer, packet, now, io);
            }
            return;
        }
        present.receive(datagram, key, now, io);
        self.drain(peer, now, io);
    }

    /// What was queued for a peer in this turn leaves.
    pub(crate) fn flush(&mut self, peer: usize, now: Instant, io: &mut Io) {
        let Some(present) = self.peers.get_mut(peer).and_then(Option::as_mut) else { return };
        if present.unlist(io) {
            present.advance(now);
            self.drain(peer, now, io);
        }
    }

    /// A timer entry of a peer was popped.
    pub(crate) fn wake_peer(&mut self, peer: usize, now: Instant, io: &mut Io) {
        let key = self.key(peer);
        let Some(present) = self.peers.get_mut(peer).and_then(Option::as_mut) else { return };
        if present.woken(key, now, io) {
            present.mark_dirty(key, io);
        }
    }

    fn drain(&mut self, index: usize, now: Instant, io: &mut Io) {
        let key = self.key(index);
        let mut said = std::mem::take(&mut self.said);
        if let Some(peer) = self.peers[index].as_mut() {
            peer.drain(key, now, io, &mut said);
            if peer.reports.take_alarm() {
                self.adapt_soon(now, io);
            }
        }
        for said in said.drain(..) {
            match said {
                Said::Data(received) => data::relay(&mut self.peers, self.index, index, &received, now, io),
                Said::KeyFrameWanted(mid) => self.key_frame_wanted(index, mid, now, io),
                Said::Connected => {
                    if let Some(peer) = self.peers[index].as_mut() {
                        peer.send_early(key, now, io);
                        self.events.event(Event::Connected { peer: peer.id });
                    }
                }
                Said::Closed => self.lose(index, LossReason::Closed, now, io),
            }
        }
        self.said = said;
    }

    fn key_frame_wanted(&mut self, index: usize, mid: Mid, now: Instant, io: &mut Io) {
        io.counters.pli_in.inc();
        let slot = self.peers[index].as_ref().and_then(|peer| peer.slots.iter().find(|slot| slot.line.mid == mid));
        let Some((track, layer)) = slot.and_then(|slot| Some((slot.track?, slot.subscription.current()?))) else { return };
        if let Some(wanted) = self.tracks[track].as_mut().filter(|track| !track.muted && track.kind == Kind::Video) {
            wanted.layers.layer_mut(layer).key_frames.lost(now);
            self.request_key_frames(track, now, io);
        }
    }

    /// The track and layer that a publisher's packet belongs to, and its codec, if it is to be forwarded.
    fn admit(&mut self, publisher: usize, packet: &RtpPacket, counters: &Counters) -> Option<(usize, Option<Rid>, Codec)> {
        let peer = self.peers[publisher].as_mut()?;
        let Some((mid, rid)) = peer.stream(packet.header.ssrc) else {
            counters.dropped_ssrc_limit.inc();
            return None;
        };
        let source = peer.sources.iter().find(|source| source.mid == mid)?;
        let Some(index) = source.track else {
            counters.dropped_unpublished.inc();
            return None;
        };
        if self.tracks[index].as_ref()?.muted {
            counters.dropped_muted.inc();
            return None;
        }
        let Some(codec) = source.codec(packet) else {
            counters.dropped_codec.inc();
            return None;
        };
        Some((index, rid, codec))
    }

    /// The hot path: one packet of a publisher goes to the slots bound to its track. One that is to be kept instead comes back, as its track and
    /// layer.
    fn forward(&mut self, publisher: usize, packet: &RtpPacket, now: Instant, io: &mut Io) -> Option<(usize, usize)> {
        io.counters.rtp_in.inc();
        let (index, rid, codec) = self.admit(publisher, packet, &io.counters)?;
        let track = self.tracks[index].as_mut()?;
        let vp8 = payload::vp8(codec, &packet.payload);
        let frame = payload::frame(codec, &packet.payload, vp8.as_ref());
        let Some(Observed { layer, news }) = track.layers.observe(rid, packet, frame, now) else {
            io.counters.dropped_layer.inc();
            return None;
        };
        let facts = ingress::facts(packet, frame, vp8.as_ref(), track.layers.layer(layer).clock);
        if track.kind == Kind::Video && facts.starts_decoding {
            track.layers.layer_mut(layer).key_frames.arrived();
        }
        let kind = track.kind;
        if kind == Kind::Audio {
            // Before it is forwarded: the packet that earns its sender a place is heard.
            self.listen(publisher, index, packet, now, io);
            if self.gathers(io) {
                return Some((index, layer));
            }
        }
        let track = self.tracks[index].as_mut()?;
        let forwarded = Forwarded { packet, layer, facts };
        let (mut awaits, mut unused) = (false, true);
        for SlotKey { peer, slot } in &track.subscribers {
            let Some(subscriber) = self.peers[*peer].as_mut() else { continue };
            let key = PeerKey { room: self.index, peer: *peer };
            let sent = subscriber.send(*slot, &forwarded, key, now, io);
            unused &= sent == Sent::NotChosen;
            awaits |= sent == Sent::Held(Held::AwaitsKeyFrame);
            io.count(sent);
        }
        if unused {
            io.counters.dropped_layer.inc();
        }
        if kind == Kind::Video {
            if awaits {
                track.layers.layer_mut(layer).key_frames.wait(now);
                self.request_key_frames(index, now, io);
            }
            if news == News::Yes {
                self.adapt_soon(now, io);
            }
        }
        None
    }

    fn listen(&mut self, publisher: usize, track: usize, packet: &RtpPacket, now: Instant, io: &mut Io) {
        let level = packet.header.ext_vals.audio_level;
        self.rank(track, level, now, io);
        let (Some(level), Some(peer)) = (level, self.peers[publisher].as_ref()) else { return };
        if let Some(due) = self.speakers.heard(publisher, peer.id, level, now) {
            self.deadline.lower(due, self.wake(), &mut io.timers);
        }
    }

    /// A timer entry of the room was popped.
    pub(crate) fn wake_room(&mut self, now: Instant, io: &mut Io) {
        if !self.deadline.woken(now, self.wake(), &mut io.timers) {
            return;
        }
        for index in 0..self.peers.len() {
            let lost = self.peers[index].as_ref().map(|peer| peer.lost_at(&self.limits));
            if let Some((_, reason)) = lost.filter(|(at, _)| *at <= now) {
                self.lose(index, reason, now, io);
            }
        }
        self.adapt_if_due(now, io);
        for index in 0..self.tracks.len() {
            self.request_key_frames(index, now, io);
        }
        self.settle(now, io);
        self.tell_speakers(now);
        self.tell_speaker_slots(now);
        let lost = self.peers.iter().flatten().map(|peer| peer.lost_at(&self.limits).0).min();
        let key_frames = self.tracks.iter().flatten().filter_map(Track::key_frames_due).min();
        let told = [self.speakers.due(now), self.following.due(now)];
        if let Some(next) = [lost, key_frames, self.adapting.due()].into_iter().chain(told).flatten().min() {
            self.deadline.lower(next, self.wake(), &mut io.timers);
        }
    }

    fn tell_speakers(&mut self, now: Instant) {
        if let Some(speakers) = self.speakers.poll(now) {
            self.events.event(Event::Speakers { speakers });
        }
    }

    /// Ends all peers: the room's last handle is gone, or the worker stops.
    pub(crate) fn close(&mut self, io: &mut Io) {
        for index in 0..self.peers.len() {
            self.remove_peer(index, io);
        }
    }

    /// Ends all peers without touching their transports: the room's state can't be trusted after a panic.
    pub(crate) fn abandon(mut self, io: &mut Io) {
        for index in 0..self.peers.len() {
            let key = self.key(index);
            let Some(mut peer) = self.peers[index].take() else { continue };
            peer.retract(key, io);
            io.peers_changed(-1);
            self.events.event(Event::Lost { peer: peer.id, reason: LossReason::Closed });
        }
    }
}

/// Puts `value` into the first free place.
pub(crate) fn insert<T>(places: &mut Vec<Option<T>>, value: T) -> usize {
    match places.iter().position(Option::is_none) {
        Some(index) => {
            places[index] = Some(value);
            index
        }
        None => {
            places.push(Some(value));
            places.len() - 1
        }
    }
}
