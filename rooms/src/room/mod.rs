//! A room: seats, tracks and slots of its people, as one pure state machine.
//!
//! [`Room::handle`] takes what happened and says what is to be done; [`Room::next_deadline`] says when it wants to be called without
//! anything having happened. There is no clock, task, lock or chance in here: `actor` has those.
//!
//! Invariant: every departure, whatever its cause, goes through [`Room::depart`], and so leaves nothing behind.

pub(crate) mod actor;
pub(crate) mod event;
pub(crate) mod handle;
mod media_flow;
mod media_inbox;
mod moderation;
mod reception;
mod roster;
mod subscriptions;
#[cfg(test)]
mod tests;
mod tracks;
mod voices;

use crate::chat::Delivery;
use crate::permission::{self, Authority};
use crate::view::{ParticipantState, RoomKind, RoomView, TrackView, User};
use crate::{ChannelId, CloseReason, Error, Event, LeaveReason, Loss, ParticipantId, Result, RoomId, SessionId, TrackId, UserId};
use event::{Answer, Input, MediaOutput, OfferedMedia, Output, Snapshot, Ticket};
use moderation::Moderation;
use roster::{Roster, Taken};
use std::sync::Arc;
use std::time::{Duration, Instant};
use subscriptions::Subscriptions;
use tracks::Tracks;
use voices::Voices;

/// What never changes in a room.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) id: RoomId,
    pub(crate) name: String,
    pub(crate) kind: RoomKind,
    pub(crate) capacity: u8,
    pub(crate) has_password: bool,
    pub(crate) owner: UserId,
    pub(crate) channel: ChannelId,
}

/// How long seats and the room itself are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Graces {
    pub(crate) closed: Duration,
    pub(crate) silent: Duration,
    pub(crate) empty: Duration,
}

/// The state of one live room.
#[derive(Debug)]
pub(crate) struct Room {
    facts: Facts,
    graces: Graces,
    roster: Roster,
    tracks: Tracks,
    subscriptions: Subscriptions,
    moderation: Moderation,
    voices: Voices,
    /// Of the input that is being handled.
    now: Instant,
    peers: u64,
    /// When the room ends unless somebody joins. `None` while somebody is seated.
    idle_until: Option<Instant>,
}

impl Room {
    /// An empty room that ends at `idle_until` unless somebody joins.
    pub(crate) fn new(facts: Facts, graces: Graces, idle_until: Instant) -> Self {
        let roster = Roster::new(facts.id.clone(), facts.owner.clone(), facts.capacity, facts.has_password);
        let (tracks, subscriptions) = (Tracks::default(), Subscriptions::default());
        let (moderation, voices) = (Moderation::default(), Voices::default());
        let (peers, now, idle_until) = (0, idle_until, Some(idle_until));
        Self { facts, graces, roster, tracks, subscriptions, moderation, voices, now, peers, idle_until }
    }

    /// When to call [`Room::handle`] with [`Input::Deadline`].
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let roster = self.roster.next_deadline();
        // A reservation holds the room open.
        let idle = self.idle_until.filter(|_| self.roster.is_empty());
        roster.into_iter().chain(idle).chain(self.voices.next_deadline()).min()
    }

    /// Takes what happened, and appends what is to be done. `now` never goes back.
    pub(crate) fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        self.now = now;
        match input {
            Input::Seat(request) => out.push(Output::Answer(self.roster.reserve(now, *request).map(Answer::Reserved))),
            Input::Unseat { ticket } => drop(self.roster.redeem(ticket)),
            Input::Attach { ticket, media } => self.attach(ticket, media, out),
            Input::Offer { session } => out.push(Output::Answer(self.plan_offer(&session))),
            Input::OfferAnswered { session, plan, media } => self.offer_answered(&session, plan, media, out),
            Input::Mute { session, track, muted } => self.mute(&session, &track, muted, out),
            Input::ModerateTrack { by, track, muted } => self.moderate_track(&by, &track, muted, out),
            Input::ModerateSources { by, participant, muted } => self.moderate_sources(&by, &participant, &muted, out),
            Input::Pin { session, tracks } => self.pin(&session, tracks, out),
            Input::Demand { session, track, demand } => self.demand(&session, &track, demand, out),
            Input::Publish { session, publish, tracks } => self.publish_anew(&session, publish, tracks, out),
            Input::MediaEnds { session } => out.push(Output::Answer(self.media_ends(&session))),
            Input::Leave { session, reason } => self.leave(now, &session, reason, out),
            Input::Kick { by, participant } => self.kick(now, &by, &participant, out),
            Input::Announce => self.count_seats(out),
            Input::Expel { user } => self.expel(now, &user, out),
            Input::Close { by } => self.close(&by, out),
            Input::Lost { session, loss } => self.session_lost(now, &session, loss, out),
            Input::Resumed { session } => self.session_resumed(&session, out),
            Input::View => out.push(Output::Answer(Ok(Answer::View(Box::new(self.view()))))),
            Input::Chat(delivery) => self.tell_readers(delivery, out),
            Input::Media(event) => self.media_event(now, event, out),
            Input::Deadline => self.deadline(now, out),
            Input::Stop => self.end(CloseReason::ServerStopped, Output::Stopped, out),
            #[cfg(test)]
            Input::Panic => panic!("asked for by a test"),
        }
    }

    /// Who is here, in the order of joining.
    pub(crate) fn people(&self) -> Vec<User> {
        self.roster.seats().iter().map(|seat| seat.user.clone()).collect()
    }

    fn view(&self) -> RoomView {
        let Facts { id, name, kind, capacity, has_password, owner, channel } = self.facts.clone();
        let participants = self.roster.seats().iter().map(roster::Seat::view).collect();
        RoomView { id, name, kind, capacity, has_password, owner, channel, participants }
    }

    fn snapshot(&self, participant: &ParticipantId) -> Answer {
        let rights = self.roster.by_id(participant).map(|seat| seat.rights).unwrap_or_default();
        Answer::Snapshot(Box::new(Snapshot {
            rights,
            participant: participant.clone(),
            room: self.view(),
            tracks: self.tracks.iter().map(tracks::Track::view).collect(),
            slots: self.subscriptions.slots(participant),
            map: self.subscriptions.map(participant),
        }))
    }

    fn attach(&mut self, ticket: Ticket, media: Option<OfferedMedia>, out: &mut Vec<Output>) {
        let Some(reservation) = self.roster.redeem(ticket) else {
            out.push(Output::Answer(Err(Error::Unavailable("the join took too long, or was withdrawn"))));
            return;
        };
        // A bad list is refused before anything has changed.
        if let Some(Err(error)) = media.as_ref().map(|media| self.tracks.plan(&reservation.participant, media)) {
            out.push(Output::Answer(Err(error)));
            return;
        }
        let session = reservation.session.clone();
        let (participant, taken) = self.roster.take(reservation);
        self.idle_until = None;
        out.push(Output::Seated { session: session.clone() });
        match taken {
            Taken::Fresh => self.announce_arrival(&participant, out),
            Taken::Back { session: earlier, was, renamed } => self.announce_return(&participant, &session, earlier, was, renamed, out),
        }
        self.drop_media(&participant, out);
        if let Some(media) = media {
            self.adopt_peer(&participant, media, out);
        }
        self.rebind(out);
        self.tell_qualities(&participant, out);
        out.push(Output::Answer(Ok(self.snapshot(&participant))));
    }

    fn announce_arrival(&self, participant: &ParticipantId, out: &mut Vec<Output>) {
        let Some(seat) = self.roster.by_id(participant) else { return };
        self.tell_others(participant, Event::ParticipantJoined { room: self.facts.id.clone(), participant: seat.view() }, out);
        self.count_seats(out);
    }

    /// The others see neither that a page was loaded again nor that a second tab took over, unless the seat was lost in between.
    fn announce_return(
        &self,
        participant: &ParticipantId,
        session: &SessionId,
        earlier: SessionId,
        was: ParticipantState,
        renamed: bool,
        out: &mut Vec<Output>,
    ) {
        if earlier != *session {
            tell(&earlier, Event::RoomReplaced { room: self.facts.id.clone() }, out);
            out.push(Output::Released { session: earlier });
        }
        if renamed || was == ParticipantState::Reconnecting {
            self.announce_state(participant, out);
        }
    }

    fn announce_state(&self, participant: &ParticipantId, out: &mut Vec<Output>) {
        let Some(seat) = self.roster.by_id(participant) else { return };
        self.tell_others(participant, Event::ParticipantUpdated { room: self.facts.id.clone(), participant: seat.view() }, out);
    }

    fn mute(&mut self, session: &SessionId, track: &TrackId, muted: bool, out: &mut Vec<Output>) {
        let answer = self.set_muted(session, track, muted, out);
        out.push(Output::Answer(answer.map(Answer::Track)));
    }

    fn set_muted(&mut self, session: &SessionId, track: &TrackId, muted: bool, out: &mut Vec<Output>) -> Result<TrackView> {
        let own = self.roster.by_session(session).map(|seat| seat.id.clone()).ok_or(Error::NotFound("seat"))?;
        let track = self.tracks.find(track).ok_or(Error::NotFound("track"))?;
        if track.participant != own {
            return Err(Error::Forbidden("only one's own tracks can be muted"));
        }
        let was_silent = track.is_silent();
        let changed = std::mem::replace(&mut track.muted, muted) != muted;
        let view = track.view();
        if track.is_silent() != was_silent {
            out.push(track.set_muted());
        }
        if changed {
            self.tell_all(Event::TrackUpdated { room: self.facts.id.clone(), track: view.clone() }, out);
        }
        Ok(view)
    }

    fn leave(&mut self, now: Instant, session: &SessionId, reason: LeaveReason, out: &mut Vec<Output>) {
        self.roster.forget_session(session);
        let seat = self.roster.by_session(session).map(|seat| seat.id.clone());
        let answer = match seat {
            Some(participant) => {
                self.depart(now, &participant, reason, out);
                Ok(Answer::Done)
            }
            None => Err(Error::NotFound("seat")),
        };
        out.push(Output::Answer(answer));
    }

    fn kick(&mut self, now: Instant, by: &Authority, participant: &ParticipantId, out: &mut Vec<Output>) {
        let answer = self.check_kick(by, participant).map(|user| {
            self.roster.bar(&user);
            self.depart(now, participant, LeaveReason::Kicked, out);
            Answer::Done
        });
        out.push(Output::Answer(answer));
    }

    fn expel(&mut self, now: Instant, user: &UserId, out: &mut Vec<Output>) {
        let seats: Vec<ParticipantId> =
            self.roster.seats().iter().filter(|seat| seat.user.id == *user).map(|seat| seat.id.clone()).collect();
        seats.iter().for_each(|seat| self.depart(now, seat, LeaveReason::Kicked, out));
    }

    fn check_kick(&self, by: &Authority, participant: &ParticipantId) -> Result<UserId> {
        permission::may_administer(by, &self.facts.id, &self.facts.owner)?;
        let seat = self.roster.by_id(participant).ok_or(Error::NotFound("participant"))?;
        match by {
            Authority::User { user, .. } if *user == seat.user.id => Err(Error::Conflict("leave the room instead of removing yourself")),
            Authority::User { .. } | Authority::Backend => Ok(seat.user.id.clone()),
        }
    }

    fn close(&mut self, by: &Authority, out: &mut Vec<Output>) {
        if let Err(error) = permission::may_administer(by, &self.facts.id, &self.facts.owner) {
            out.push(Output::Answer(Err(error)));
            return;
        }
        self.end(CloseReason::Closed, Output::Ended, out);
    }

    /// Everyone is told and released; `last` says whether the room or only its task is over.
    fn end(&mut self, reason: CloseReason, last: Output, out: &mut Vec<Output>) {
        for seat in self.roster.seats() {
            tell(&seat.session, Event::RoomClosed { room: self.facts.id.clone(), reason }, out);
            if let Some(peer) = seat.peer {
                out.push(Output::Media(MediaOutput::RemovePeer { peer }));
            }
            out.push(Output::Released { session: seat.session.clone() });
        }
        out.push(Output::Answer(Ok(Answer::Done)));
        out.push(last);
    }

    fn session_lost(&mut self, now: Instant, session: &SessionId, loss: Loss, out: &mut Vec<Output>) {
        let grace = match loss {
            Loss::Closed => self.graces.closed,
            Loss::Silent => self.graces.silent,
        };
        self.change_state(session, |seat| seat.lose_session(loss, now + grace), out);
    }

    fn session_resumed(&mut self, session: &SessionId, out: &mut Vec<Output>) {
        let participant = self.change_state(session, roster::Seat::resume_session, out);
        let answer = participant.as_ref().map(|participant| self.snapshot(participant)).ok_or(Error::NotFound("seat"));
        out.push(Output::Answer(answer));
        // After the answer: what is repeated isn't in the snapshot.
        if let Some(participant) = &participant {
            self.repeat_demands(participant, out);
            self.repeat_reception(participant, out);
        }
    }

    /// Changes a seat, and tells the others if that changed its state.
    fn change_state(
        &mut self,
        session: &SessionId,
        change: impl FnOnce(&mut roster::Seat),
        out: &mut Vec<Output>,
    ) -> Option<ParticipantId> {
        let seat = self.roster.by_session(session)?;
        let (participant, before) = (seat.id.clone(), seat.state());
        change(seat);
        if seat.state() != before {
            self.announce_state(&participant, out);
        }
        Some(participant)
    }

    fn deadline(&mut self, now: Instant, out: &mut Vec<Output>) {
        while let Some((participant, reason)) = self.roster.expired(now) {
            self.depart(now, &participant, reason, out);
        }
        self.tell_late_maps(out);
        if self.roster.is_empty() && self.idle_until.is_some_and(|until| until <= now) {
            out.push(Output::Ended);
        }
    }

    /// The one way out of a seat.
    fn depart(&mut self, now: Instant, participant: &ParticipantId, reason: LeaveReason, out: &mut Vec<Output>) {
        self.drop_media(participant, out);
        let Some(seat) = self.roster.remove(participant) else { return };
        self.subscriptions.remove(participant);
        self.voices.remove(participant);
        let room = self.facts.id.clone();
        self.tell_all(Event::ParticipantLeft { room: room.clone(), participant: participant.clone(), reason }, out);
        let closed = match reason {
            LeaveReason::Kicked => Some(CloseReason::Kicked),
            LeaveReason::MediaLost => Some(CloseReason::MediaLost),
            LeaveReason::RoomClosed => Some(CloseReason::Closed),
            LeaveReason::ServerStopped => Some(CloseReason::ServerStopped),
            LeaveReason::Left | LeaveReason::Disconnected | LeaveReason::TimedOut | LeaveReason::Unauthorized => None,
        };
        if let Some(reason) = closed {
            tell(&seat.session, Event::RoomClosed { room, reason }, out);
        }
        out.push(Output::Released { session: seat.session });
        self.rebind(out);
        self.count_seats(out);
        if self.roster.seats().is_empty() {
            self.idle_until = Some(now + self.graces.empty);
        }
    }

    fn count_seats(&self, out: &mut Vec<Output>) {
        let seats = u8::try_from(self.roster.seats().len()).unwrap_or(u8::MAX);
        out.push(Output::Occupied { seats });
    }

    fn tell_all(&self, event: Event, out: &mut Vec<Output>) {
        let event = Arc::new(event);
        out.extend(self.roster.seats().iter().map(|seat| Output::Send { to: seat.session.clone(), event: event.clone() }));
    }

    fn tell_readers(&self, delivery: Delivery, out: &mut Vec<Output>) {
        let spared = delivery.spares().and_then(|user| self.roster.seats().iter().find(|seat| seat.user.id == *user));
        let spared = spared.map(|seat| seat.id.clone());
        for event in delivery.events() {
            match &spared {
                Some(participant) => self.tell_others(participant, event, out),
                None => self.tell_all(event, out),
            }
        }
    }

    fn tell_others(&self, participant: &ParticipantId, event: Event, out: &mut Vec<Output>) {
        let event = Arc::new(event);
        let others = self.roster.seats().iter().filter(|seat| seat.id != *participant);
        out.extend(others.map(|seat| Output::Send { to: seat.session.clone(), event: event.clone() }));
    }
}

fn tell(session: &SessionId, event: Event, out: &mut Vec<Output>) {
    out.push(Output::Send { to: session.clone(), event: Arc::new(event) });
}
