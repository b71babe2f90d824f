//! The media half of a room: peers come and go, tracks are published, slots are bound.
//!
//! Decides in ids only; what is on the wire is the media plane's. Invariant: after every input, each slot is bound as
//! [`Subscriptions::rebind`](super::subscriptions::Subscriptions::rebind) says for the tracks that there are.

use super::event::{Answer, MediaOutput, OfferPlan, OfferedMedia, Output, SourceLine};
use super::tracks::{Planned, Track};
use super::{Room, tell};
use crate::view::{ParticipantState, Rights};
use crate::{Error, Event, ParticipantId, Publication, Result, SessionId, TrackId};
use media::{MediaLine, PeerId};
use std::time::Instant;

impl Room {
    pub(super) fn plan_offer(&mut self, session: &SessionId) -> Result<Answer> {
        let seat = self.roster.by_session(session).ok_or(Error::NotFound("seat"))?;
        Ok(Answer::Plan(seat.peer.map_or(OfferPlan::Fresh, OfferPlan::Further)))
    }

    pub(super) fn offer_answered(&mut self, session: &SessionId, plan: OfferPlan, media: OfferedMedia, out: &mut Vec<Output>) {
        let answer = self.accept_offer(session, plan, media, out);
        out.push(Output::Answer(answer));
    }

    fn accept_offer(&mut self, session: &SessionId, plan: OfferPlan, media: OfferedMedia, out: &mut Vec<Output>) -> Result<Answer> {
        let seat = self.roster.by_session(session).ok_or(Error::NotFound("seat"))?;
        let (participant, peer, rights, before) = (seat.id.clone(), seat.peer, seat.rights, seat.state());
        let planned = self.tracks.plan(&participant, &media)?;
        match plan {
            OfferPlan::Fresh => {
                self.drop_media(&participant, out);
                self.adopt_peer(&participant, media, out);
            }
            OfferPlan::Further(answered) if peer == Some(answered) => {
                if let Some(seat) = self.roster.by_id_mut(&participant) {
                    seat.sources = lines(&media.sources);
                }
                self.subscriptions.extend_slots(&participant, &media.slots);
                self.publish(&participant, answered, rights, planned, out);
            }
            OfferPlan::Further(_) => return Err(Error::Unavailable("the media transport was lost meanwhile, offer anew")),
        }
        if self.roster.by_id(&participant).is_some_and(|seat| seat.state() != before) {
            self.announce_state(&participant, out);
        }
        self.rebind(out);
        Ok(self.snapshot(&participant))
    }

    /// A new transport of a participant that has none.
    pub(super) fn adopt_peer(&mut self, participant: &ParticipantId, media: OfferedMedia, out: &mut Vec<Output>) {
        // The list was checked already: against a participant's earlier tracks it can't come out worse.
        let Ok(planned) = self.tracks.plan(participant, &media) else { return };
        self.peers += 1;
        let peer = PeerId(self.peers);
        let Some(seat) = self.roster.by_id_mut(participant) else { return };
        seat.peer = Some(peer);
        seat.sources = lines(&media.sources);
        seat.resume_media();
        let rights = seat.rights;
        out.push(Output::Media(MediaOutput::AddPeer { peer, tag: participant.clone(), data: rights.data }));
        self.subscriptions.replace_slots(participant, &media.slots);
        self.publish(participant, peer, rights, planned, out);
    }

    pub(super) fn publish_anew(&mut self, session: &SessionId, publish: Vec<Publication>, tracks: Vec<TrackId>, out: &mut Vec<Output>) {
        let answer = self.plan_anew(session, publish, tracks).map(|(participant, peer, rights, planned)| {
            self.publish(&participant, peer, rights, planned, out);
            self.rebind(out);
            self.snapshot(&participant)
        });
        out.push(Output::Answer(answer));
    }

    /// As an offer with this list would be, on the m-lines of the last one.
    fn plan_anew(
        &mut self,
        session: &SessionId,
        publish: Vec<Publication>,
        tracks: Vec<TrackId>,
    ) -> Result<(ParticipantId, PeerId, Rights, Vec<Planned>)> {
        let seat = self.roster.by_session(session).ok_or(Error::NotFound("seat"))?;
        if !seat.rights.publish {
            return Err(Error::Forbidden("the token doesn't allow to publish"));
        }
        let peer = seat.peer.ok_or(Error::Conflict("there is no media transport, offer one first"))?;
        let named = |mid| seat.sources.iter().find(|line| line.mid == mid);
        let sources = publish
            .iter()
            .zip(tracks)
            .filter_map(|(publication, track)| named(publication.mid).map(|line| SourceLine { mid: line.mid, kind: line.kind, track }));
        let offered = OfferedMedia { slots: Vec::new(), sources: sources.collect(), publish: Some(publish) };
        let (participant, rights) = (seat.id.clone(), seat.rights);
        let planned = self.tracks.plan(&participant, &offered)?;
        Ok((participant, peer, rights, planned))
    }

    fn publish(&mut self, participant: &ParticipantId, peer: PeerId, rights: Rights, planned: Vec<Planned>, out: &mut Vec<Output>) {
        let planned = if rights.publish { planned } else { Vec::new() };
        let Some(user) = self.roster.by_id(participant).map(|seat| &seat.user.id) else { return };
        let changes = self.tracks.apply(participant, planned, |kind, source| self.moderation.mutes(user, kind, source));
        self.announce_removed(participant, &changes.removed, out);
        for track in changes.removed {
            out.push(Output::Media(MediaOutput::Unpublish { track: track.number }));
        }
        for track in changes.updated {
            out.push(track.set_muted());
            self.tell_others(participant, Event::TrackUpdated { room: self.facts.id.clone(), track: track.view() }, out);
        }
        for track in changes.added {
            let Track { mid, number, kind, .. } = track;
            out.push(Output::Media(MediaOutput::Publish { peer, mid, track: number, kind }));
            if track.is_silent() {
                out.push(track.set_muted());
            }
            self.tell_others(participant, Event::TrackPublished { room: self.facts.id.clone(), track: track.view() }, out);
        }
    }

    fn announce_removed(&self, participant: &ParticipantId, removed: &[Track], out: &mut Vec<Output>) {
        for track in removed {
            self.tell_others(participant, Event::TrackUnpublished { room: self.facts.id.clone(), track: track.id.clone() }, out);
        }
    }

    /// Takes a participant's transport, tracks and slots away. Bindings of others are left to [`Room::rebind`].
    pub(super) fn drop_media(&mut self, participant: &ParticipantId, out: &mut Vec<Output>) {
        if let Some(peer) = self.forget_media(participant, out) {
            out.push(Output::Media(MediaOutput::RemovePeer { peer }));
        }
    }

    fn forget_media(&mut self, participant: &ParticipantId, out: &mut Vec<Output>) -> Option<PeerId> {
        let removed = self.tracks.remove_all(participant);
        self.announce_removed(participant, &removed, out);
        self.subscriptions.replace_slots(participant, &[]);
        let seat = self.roster.by_id_mut(participant)?;
        seat.sources.clear();
        seat.quality = None;
        seat.peer.take()
    }

    pub(super) fn media_event(&mut self, now: Instant, event: media::Event, out: &mut Vec<Output>) {
        match event {
            media::Event::Connected { .. } => {}
            media::Event::Lost { peer, .. } => self.media_lost(now, peer, out),
            media::Event::Layers { track, wanted, active } => self.layers_wanted(track, wanted, active, out),
            media::Event::Stalled { peer, slot, stalled } => self.stalled(peer, slot, stalled, out),
            media::Event::Quality { qualities } => self.quality_changed(qualities, out),
            media::Event::Speakers { speakers } => {
                let named: Vec<_> =
                    speakers.into_iter().filter_map(|(peer, level)| Some((self.roster.by_peer(peer)?.id.clone(), level))).collect();
                self.spoke(&named, out);
                self.tell_all(Event::SpeakerChanged { room: self.facts.id.clone(), speakers: named }, out);
            }
            media::Event::SpeakerSlots { slots } => self.speaker_slots(&slots, out),
        }
    }

    /// The peer is gone from the media plane already. An event about an earlier peer of a participant says nothing about the present one.
    fn media_lost(&mut self, now: Instant, peer: PeerId, out: &mut Vec<Output>) {
        let until = now + self.graces.silent;
        let Some(seat) = self.roster.by_peer(peer) else { return };
        let (participant, session, before) = (seat.id.clone(), seat.session.clone(), seat.state());
        seat.lose_media(until);
        self.forget_media(&participant, out);
        tell(&session, Event::MediaLost { room: self.facts.id.clone() }, out);
        if before == ParticipantState::Joined {
            self.announce_state(&participant, out);
        }
        self.rebind(out);
    }

    /// What asks for an offer is told again after a connection was lost, since no snapshot says it.
    pub(super) fn repeat_demands(&mut self, participant: &ParticipantId, out: &mut Vec<Output>) {
        let Some(seat) = self.roster.by_id(participant) else { return };
        if seat.has_lost_media() {
            tell(&seat.session, Event::MediaLost { room: self.facts.id.clone() }, out);
        }
        self.subscriptions.forget_told_need(participant);
        self.rebind(out);
    }
}

fn lines(sources: &[SourceLine]) -> Vec<MediaLine> {
    sources.iter().map(|source| MediaLine { mid: source.mid, kind: source.kind }).collect()
}
