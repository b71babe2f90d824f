//! Seats: who has one, who has one reserved, and until when a lost one is kept.
//!
//! Invariant: the users with a seat or a reservation are never more than the capacity.

use super::event::{PasswordVerdict, SeatRequest, Ticket};
use crate::permission;
use crate::session::Grants;
use crate::view::{ParticipantState, ParticipantView, Rights, User};
use crate::{Error, LeaveReason, Loss, Part, ParticipantId, Result, RoomId, SessionId, TrackId, UserId, Watch};
use media::{MediaLine, PeerId, Quality};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How long a reservation waits for its offer to be answered. Longer than any wait on the way to the answer.
pub(crate) const RESERVATION_TTL: Duration = Duration::from_secs(10);

/// A participant's place.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) id: ParticipantId,
    pub(super) user: User,
    pub(super) session: SessionId,
    pub(super) rights: Rights,
    pub(super) peer: Option<PeerId>,
    pub(super) watch: Option<Watch>,
    /// What it wants to see first.
    pub(super) pinned: Vec<TrackId>,
    /// The m-lines on which the present peer can send.
    pub(super) sources: Vec<MediaLine>,
    /// Of the present peer.
    pub(super) quality: Option<Quality>,
    session_loss: Option<(Loss, Instant)>,
    media_loss: Option<Instant>,
}

impl Seat {
    pub(super) fn state(&self) -> ParticipantState {
        match (&self.session_loss, &self.media_loss) {
            (None, None) => ParticipantState::Joined,
            (Some(_), _) | (_, Some(_)) => ParticipantState::Reconnecting,
        }
    }

    pub(super) fn view(&self) -> ParticipantView {
        ParticipantView { id: self.id.clone(), user: self.user.id.clone(), name: self.user.name.clone(), state: self.state() }
    }

    /// A second loss never prolongs the first.
    pub(super) fn lose_session(&mut self, loss: Loss, until: Instant) {
        if self.session_loss.is_none_or(|(_, earlier)| until < earlier) {
            self.session_loss = Some((loss, until));
        }
    }

    pub(super) fn resume_session(&mut self) {
        self.session_loss = None;
    }

    pub(super) fn lose_media(&mut self, until: Instant) {
        self.media_loss = Some(self.media_loss.map_or(until, |earlier| earlier.min(until)));
    }

    pub(super) fn resume_media(&mut self) {
        self.media_loss = None;
    }

    pub(super) fn has_lost_media(&self) -> bool {
        self.media_loss.is_some()
    }

    /// When the earlier of its losses ends the seat, and as what.
    fn expiry(&self) -> Option<(Instant, LeaveReason)> {
        let session = self.session_loss.map(|(loss, until)| match loss {
            Loss::Closed => (until, LeaveReason::Disconnected),
            Loss::Silent => (until, LeaveReason::TimedOut),
        });
        let media = self.media_loss.map(|until| (until, LeaveReason::MediaLost));
        [session, media].into_iter().flatten().min_by_key(|(until, _)| *until)
    }
}

/// A seat that somebody is about to take.
#[derive(Debug)]
pub(super) struct Reservation {
    ticket: Ticket,
    deadline: Instant,
    pub(super) session: SessionId,
    pub(super) user: User,
    pub(super) grants: Grants,
    pub(super) participant: ParticipantId,
    part: Part,
}

/// What taking a seat came to.
#[derive(Debug)]
pub(super) enum Taken {
    /// A seat that nobody had.
    Fresh,
    /// The user's own seat, held by `session` until now.
    Back { session: SessionId, was: ParticipantState, renamed: bool },
}

/// All seats of a room.
#[derive(Debug)]
pub(super) struct Roster {
    room: RoomId,
    owner: UserId,
    capacity: usize,
    has_password: bool,
    /// In the order of joining.
    seats: Vec<Seat>,
    reservations: Vec<Reservation>,
    /// Users who can't come back. Each once had a seat, so it grows no faster than somebody can be kicked by hand.
    kicked: HashSet<UserId>,
    tickets: u64,
}

impl Roster {
    pub(super) fn new(room: RoomId, owner: UserId, capacity: u8, has_password: bool) -> Self {
        let capacity = usize::from(capacity);
        Self { room, owner, capacity, has_password, seats: Vec::new(), reservations: Vec::new(), kicked: HashSet::new(), tickets: 0 }
    }

    pub(super) fn seats(&self) -> &[Seat] {
        &self.seats
    }

    pub(super) fn by_session(&mut self, session: &SessionId) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.session == *session)
    }

    pub(super) fn by_id(&self, id: &ParticipantId) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.id == *id)
    }

    pub(super) fn by_id_mut(&mut self, id: &ParticipantId) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.id == *id)
    }

    pub(super) fn by_peer(&mut self, peer: PeerId) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.peer == Some(peer))
    }

    fn has_seat(&self, user: &UserId) -> bool {
        self.seats.iter().any(|seat| seat.user.id == *user)
    }

    fn has_reservation(&self, user: &UserId) -> bool {
        self.reservations.iter().any(|reservation| reservation.user.id == *user)
    }

    /// Seats and reservations, a user's own counted once.
    fn spoken_for(&self) -> usize {
        let mut waiting = HashSet::new();
        let reserved = self.reservations.iter().filter(|r| !self.has_seat(&r.user.id) && waiting.insert(&r.user.id)).count();
        self.seats.len() + reserved
    }

    pub(super) fn reserve(&mut self, now: Instant, request: SeatRequest) -> Result<Ticket> {
        let SeatRequest { session, user, grants, password, participant, part } = request;
        permission::may_join(&grants, &self.room)?;
        if self.kicked.contains(&user.id) && user.id != self.owner {
            return Err(Error::Forbidden("this user was removed from the room"));
        }
        let seated = self.has_seat(&user.id);
        let checked = !self.has_password || seated || permission::skips_password(&grants, &user.id, &self.owner);
        if !checked && password != PasswordVerdict::Right {
            return Err(Error::BadPassword);
        }
        if !seated && !self.has_reservation(&user.id) && self.spoken_for() >= self.capacity {
            return Err(Error::RoomFull);
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.reservations.push(Reservation { ticket, deadline: now + RESERVATION_TTL, session, user, grants, participant, part });
        Ok(ticket)
    }

    pub(super) fn redeem(&mut self, ticket: Ticket) -> Option<Reservation> {
        let index = self.reservations.iter().position(|reservation| reservation.ticket == ticket)?;
        Some(self.reservations.remove(index))
    }

    /// Seats a redeemed reservation: in the user's own seat if there is one.
    pub(super) fn take(&mut self, reservation: Reservation) -> (ParticipantId, Taken) {
        let Reservation { session, user, grants, participant, part, .. } = reservation;
        let rights = permission::within(&part, permission::rights(&grants, &self.room, &user.id, &self.owner));
        let watch = if let Part::Viewer(watch) = part { Some(watch) } else { None };
        let Some(seat) = self.seats.iter_mut().find(|seat| seat.user.id == user.id) else {
            self.seats.push(Seat {
                id: participant.clone(),
                user,
                session,
                rights,
                peer: None,
                watch,
                pinned: Vec::new(),
                sources: Vec::new(),
                quality: None,
                session_loss: None,
                media_loss: None,
            });
            return (participant, Taken::Fresh);
        };
        let was = seat.state();
        let renamed = seat.user.name != user.name;
        seat.user = user;
        seat.rights = rights;
        seat.watch = watch;
        seat.pinned.clear();
        seat.resume_session();
        seat.resume_media();
        let session = std::mem::replace(&mut seat.session, session);
        (seat.id.clone(), Taken::Back { session, was, renamed })
    }

    pub(super) fn remove(&mut self, id: &ParticipantId) -> Option<Seat> {
        let index = self.seats.iter().position(|seat| seat.id == *id)?;
        Some(self.seats.remove(index))
    }

    /// Forgets what a session was about to take.
    pub(super) fn forget_session(&mut self, session: &SessionId) {
        self.reservations.retain(|reservation| reservation.session != *session);
    }

    /// Bars a user from coming back.
    pub(super) fn bar(&mut self, user: &UserId) {
        self.kicked.insert(user.clone());
        self.reservations.retain(|reservation| reservation.user.id != *user);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty() && self.reservations.is_empty()
    }

    /// A lost seat whose user is on the way back is kept until that has succeeded or failed.
    fn seat_deadline(&self, seat: &Seat) -> Option<(Instant, LeaveReason)> {
        let (until, reason) = seat.expiry()?;
        let back = self.reservations.iter().filter(|r| r.user.id == seat.user.id).map(|r| r.deadline).max();
        Some((back.map_or(until, |back| back.max(until)), reason))
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let seats = self.seats.iter().filter_map(|seat| self.seat_deadline(seat)).map(|(until, _)| until);
        seats.chain(self.reservations.iter().map(|reservation| reservation.deadline)).min()
    }

    /// Forgets reservations whose time is over, then names a seat whose time is over.
    pub(super) fn expired(&mut self, now: Instant) -> Option<(ParticipantId, LeaveReason)> {
        self.reservations.retain(|reservation| reservation.deadline > now);
        self.seats.iter().find_map(|seat| {
            let (until, reason) = self.seat_deadline(seat)?;
            (until <= now).then(|| (seat.id.clone(), reason))
        })
    }
}
