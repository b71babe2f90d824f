//! A session as the domain sees it: an id, a user, what its token allows, and a bounded way to reach it.

use crate::{Event, RoomId, SessionId, User};
use std::sync::Arc;

/// Events that wait for one session. When it is full the session is a slow reader: [`SessionHandle::send`] closes it.
pub const OUTBOX_EVENTS: usize = 256;

/// What a token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grants {
    /// A `user` token: any room, as everyone.
    User,
    /// A `room` token: one room, as its issuer says.
    Room(RoomGrants),
}

/// The rights of a `room` token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomGrants {
    pub room: RoomId,
    pub room_join: bool,
    pub can_publish: bool,
    pub can_subscribe: bool,
    /// Chat counts as data.
    pub can_publish_data: bool,
    /// May close the room and remove others, as its owner may.
    pub room_admin: bool,
}

/// Reaches a session from the tasks of this crate. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SessionHandle {
    pub id: SessionId,
    pub user: User,
    pub grants: Grants,
    /// The name of the user's plan, which decides some limits.
    pub plan: Option<String>,
    outbox: tokio::sync::mpsc::Sender<Arc<Event>>,
    overflow: Arc<tokio::sync::Notify>,
}

impl SessionHandle {
    /// A session without a plan, and the end from which its owner takes the events. The owner closes the session when `overflow` is notified:
    /// an event that matters didn't fit.
    pub fn new(id: SessionId, user: User, grants: Grants) -> (Self, Outbox) {
        let (outbox, events) = tokio::sync::mpsc::channel(OUTBOX_EVENTS);
        let overflow = Arc::new(tokio::sync::Notify::new());
        (Self { id, user, grants, plan: None, outbox, overflow: overflow.clone() }, Outbox { events, overflow })
    }

    /// Whether somebody still takes the events.
    pub fn is_open(&self) -> bool {
        !self.outbox.is_closed()
    }

    /// Queues an event. Never waits: a full outbox drops a volatile event, and ends the session for any other.
    pub fn send(&self, event: Arc<Event>) {
        use tokio::sync::mpsc::error::TrySendError;
        if let Err(TrySendError::Full(event)) = self.outbox.try_send(event)
            && !event.is_volatile()
        {
            self.overflow.notify_one();
        }
    }
}

/// The receiving end of a [`SessionHandle`].
#[derive(Debug)]
pub struct Outbox {
    pub events: tokio::sync::mpsc::Receiver<Arc<Event>>,
    pub overflow: Arc<tokio::sync::Notify>,
}
