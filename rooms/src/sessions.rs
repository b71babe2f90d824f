//! Which session is in which room. A cache of what the rooms' tasks decide, kept so that a session's requests find their room.
//!
//! Invariant: a session is in at most one room, or on its way into one.

use crate::{Error, LeaveReason, Loss, Result, RoomId, SessionId};
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use std::sync::Arc;

#[derive(Debug)]
struct Place {
    room: RoomId,
    /// Joins that are under way.
    claims: u32,
    seated: bool,
    loss: Option<Loss>,
    ended: Option<LeaveReason>,
}

/// What happened to a session while it was joining, when no room's task could know it yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meanwhile {
    pub(crate) loss: Option<Loss>,
    pub(crate) ended: Option<LeaveReason>,
}

/// The places of all sessions.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionIndex {
    places: Arc<DashMap<SessionId, Place>>,
}

/// A session's way into a room; given up when it is dropped, unless the session is seated by then.
#[derive(Debug)]
pub(crate) struct Claim {
    index: SessionIndex,
    session: SessionId,
    room: RoomId,
}

impl SessionIndex {
    /// # Errors
    /// `Conflict` when the session is in another room.
    pub(crate) fn claim(&self, session: &SessionId, room: &RoomId) -> Result<Claim> {
        match self.places.entry(session.clone()) {
            Entry::Occupied(mut place) if place.get().room == *room => place.get_mut().claims += 1,
            Entry::Occupied(_) => return Err(Error::Conflict("the session is in another room")),
            Entry::Vacant(place) => {
                drop(place.insert(Place { room: room.clone(), claims: 1, seated: false, loss: None, ended: None }));
            }
        }
        Ok(Claim { index: self.clone(), session: session.clone(), room: room.clone() })
    }

    /// The room in which the session is seated.
    pub(crate) fn seat(&self, session: &SessionId) -> Option<RoomId> {
        self.places.get(session).filter(|place| place.seated).map(|place| place.room.clone())
    }

    pub(crate) fn seated(&self, session: &SessionId, room: &RoomId) {
        if let Some(mut place) = self.places.get_mut(session).filter(|place| place.room == *room) {
            place.seated = true;
        }
    }

    pub(crate) fn released(&self, session: &SessionId, room: &RoomId) {
        self.change(session, room, |place| place.seated = false);
    }

    /// Notes a loss for a join that is under way. Returns the room to tell.
    pub(crate) fn lost(&self, session: &SessionId, loss: Loss) -> Option<RoomId> {
        let mut place = self.places.get_mut(session)?;
        place.loss = Some(loss);
        Some(place.room.clone())
    }

    /// Takes a loss back. Returns the room to tell.
    pub(crate) fn resumed(&self, session: &SessionId) -> Option<RoomId> {
        let mut place = self.places.get_mut(session)?;
        place.loss = None;
        Some(place.room.clone())
    }

    /// Notes the end for a join that is under way. Returns the room to tell.
    pub(crate) fn ended(&self, session: &SessionId, reason: LeaveReason) -> Option<RoomId> {
        let mut place = self.places.get_mut(session)?;
        place.ended = Some(reason);
        Some(place.room.clone())
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    fn change(&self, session: &SessionId, room: &RoomId, change: impl FnOnce(&mut Place)) {
        if let Entry::Occupied(mut place) = self.places.entry(session.clone())
            && place.get().room == *room
        {
            change(place.get_mut());
            if place.get().claims == 0 && !place.get().seated {
                place.remove();
            }
        }
    }
}

impl Claim {
    pub(crate) fn meanwhile(&self) -> Meanwhile {
        let place = self.index.places.get(&self.session);
        place.map_or(Meanwhile { loss: None, ended: None }, |place| Meanwhile { loss: place.loss, ended: place.ended })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.index.change(&self.session, &self.room, |place| place.claims = place.claims.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_in_one_room_until_it_is_released() {
        let (index, session) = (SessionIndex::default(), SessionId::new("s"));
        let (here, there) = (RoomId::new("here"), RoomId::new("there"));
        let claim = index.claim(&session, &here).unwrap();
        assert_eq!(index.claim(&session, &there).unwrap_err(), Error::Conflict("the session is in another room"));
        assert_eq!(index.seat(&session), None);
        index.seated(&session, &here);
        drop(claim);
        assert_eq!(index.seat(&session), Some(here.clone()));
        index.released(&session, &there);
        assert_eq!(index.seat(&session), Some(here.clone()), "another room has no say");
        index.released(&session, &here);
        assert_eq!(index.len(), 0);
        assert!(index.claim(&session, &there).is_ok());
    }

    #[test]
    fn a_failed_join_leaves_a_seat_of_the_same_session_alone() {
        let (index, session, room) = (SessionIndex::default(), SessionId::new("s"), RoomId::new("r"));
        let first = index.claim(&session, &room).unwrap();
        let second = index.claim(&session, &room).unwrap();
        index.seated(&session, &room);
        drop(first);
        drop(second);
        assert_eq!(index.seat(&session), Some(room));
    }

    #[test]
    fn what_happens_to_a_joining_session_is_known_to_its_join() {
        let (index, session, room) = (SessionIndex::default(), SessionId::new("s"), RoomId::new("r"));
        let claim = index.claim(&session, &room).unwrap();
        index.lost(&session, Loss::Closed);
        assert_eq!(claim.meanwhile(), Meanwhile { loss: Some(Loss::Closed), ended: None });
        index.resumed(&session);
        index.ended(&session, LeaveReason::Left);
        assert_eq!(claim.meanwhile(), Meanwhile { loss: None, ended: Some(LeaveReason::Left) });
        drop(claim);
        assert_eq!(index.len(), 0);
    }
}
