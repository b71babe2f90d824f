//! What participants can use of each other's tracks, and what the media plane says about it: which layers are wanted, which tracks are held
//! back, how well connections do.
//!
//! Invariant: whoever comes back to a session is told again what it may have missed of these.

use super::event::{Answer, MediaOutput, Output};
use super::{Room, tell};
use crate::{Error, Event, ParticipantId, Result, SessionId, TrackId};
use media::{Demand, PeerId, Quality, Rid};

impl Room {
    pub(super) fn demand(&mut self, session: &SessionId, track: &TrackId, demand: Demand, out: &mut Vec<Output>) {
        let answer = self.take_demand(session, track, demand, out);
        out.push(Output::Answer(answer.map(|()| Answer::Done)));
    }

    fn take_demand(&mut self, session: &SessionId, track: &TrackId, demand: Demand, out: &mut Vec<Output>) -> Result<()> {
        let seat = self.roster.by_session(session).ok_or(Error::NotFound("seat"))?;
        let (participant, peer) = (seat.id.clone(), seat.peer);
        if !seat.rights.subscribe {
            return Err(Error::Forbidden("the token doesn't allow to receive media"));
        }
        let found = self.tracks.find(track).ok_or(Error::NotFound("track"))?;
        if found.participant == participant {
            return Err(Error::Conflict("nobody receives an own track"));
        }
        let slot = self.subscriptions.set_demand(&participant, found.number, demand);
        if let (Some(peer), Some(slot)) = (peer, slot) {
            out.push(Output::Media(MediaOutput::Demand { peer, slot, demand }));
        }
        Ok(())
    }

    /// What the session's peer is called in the media plane, and the tracks that its figures are about.
    pub(super) fn media_ends(&mut self, session: &SessionId) -> Result<Answer> {
        let seat = self.roster.by_session(session).ok_or(Error::NotFound("seat"))?;
        let Some(peer) = seat.peer else { return Ok(Answer::MediaEnds { peer: None, tracks: Vec::new() }) };
        let tracks = self.tracks.iter().map(|track| (track.number, track.id.clone())).collect();
        Ok(Answer::MediaEnds { peer: Some(peer), tracks })
    }

    /// Publishers hear what is wanted of their tracks.
    pub(super) fn layers_wanted(&mut self, number: media::TrackId, wanted: bool, active: Vec<Rid>, out: &mut Vec<Output>) {
        let Some(track) = self.tracks.find_number(number) else { return };
        track.layers = Some((wanted, active.clone()));
        let (id, participant) = (track.id.clone(), track.participant.clone());
        let Some(seat) = self.roster.by_id(&participant) else { return };
        tell(&seat.session, Event::MediaLayers { room: self.facts.id.clone(), track: id, wanted, active }, out);
    }

    pub(super) fn stalled(&mut self, peer: PeerId, slot: crate::Mid, stalled: bool, out: &mut Vec<Output>) {
        let Some(seat) = self.roster.by_peer(peer) else { return };
        let (participant, session) = (seat.id.clone(), seat.session.clone());
        let Some(track) = self.subscriptions.set_stalled(&participant, slot, stalled) else { return };
        tell(&session, Event::MediaStalled { room: self.facts.id.clone(), track, stalled }, out);
    }

    pub(super) fn quality_changed(&mut self, qualities: Vec<(PeerId, Quality)>, out: &mut Vec<Output>) {
        let mut named = Vec::with_capacity(qualities.len());
        for (peer, quality) in qualities {
            let Some(seat) = self.roster.by_peer(peer) else { continue };
            seat.quality = Some(quality);
            named.push((seat.id.clone(), quality));
        }
        if !named.is_empty() {
            self.tell_all(Event::QualityChanged { room: self.facts.id.clone(), qualities: named }, out);
        }
    }

    /// Who comes, or comes back, hears how well all connections do.
    pub(super) fn tell_qualities(&self, participant: &ParticipantId, out: &mut Vec<Output>) {
        let qualities: Vec<_> = self.roster.seats().iter().filter_map(|seat| Some((seat.id.clone(), seat.quality?))).collect();
        if let Some(seat) = self.roster.by_id(participant).filter(|_| !qualities.is_empty()) {
            tell(&seat.session, Event::QualityChanged { room: self.facts.id.clone(), qualities }, out);
        }
    }

    /// What changed for one participant alone while its connection was lost.
    pub(super) fn repeat_reception(&mut self, participant: &ParticipantId, out: &mut Vec<Output>) {
        let room = self.facts.id.clone();
        let Some(session) = self.roster.by_id(participant).map(|seat| seat.session.clone()) else { return };
        for track in self.tracks.of(participant) {
            if let Some((wanted, active)) = track.layers.clone() {
                tell(&session, Event::MediaLayers { room: room.clone(), track: track.id.clone(), wanted, active }, out);
            }
        }
        for track in self.subscriptions.stalled(participant) {
            tell(&session, Event::MediaStalled { room: room.clone(), track, stalled: true }, out);
        }
        self.tell_qualities(participant, out);
    }
}
