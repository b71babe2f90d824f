//! A session as the domain sees it: an id, a user, what its token allows, and a way to tell it what happens.

use crate::{Event, RoomId, SessionId, User};
use std::fmt;
use std::sync::Arc;

/// Events that wait for one session whose owner takes them from an [`Outbox`]. When it is full the session is a slow reader:
/// [`SessionHandle::send`] says so by [`Outbox::overflow`].
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

/// Where a session's events go. It must return at once and bound what it holds: the tasks of rooms call it for one session after the
/// other.
pub trait Outlet: Send + Sync + fmt::Debug {
    /// Takes an event. The same `Arc` goes to every session that is told of it.
    fn deliver(&self, event: &Arc<Event>);

    /// A snapshot of a seat was taken for this session: it holds everything that this room delivered before, and nothing of what follows.
    fn mark(&self);

    /// What was delivered can't be made true any more: the session has to fetch everything anew.
    fn lose(&self);

    /// Whether somebody still takes the events.
    fn is_open(&self) -> bool;
}

/// Reaches a session from the tasks of this crate. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SessionHandle {
    pub id: SessionId,
    pub user: User,
    pub grants: Grants,
    /// The name of the user's plan, which decides some limits.
    pub plan: Option<String>,
    outlet: Arc<dyn Outlet>,
}

impl SessionHandle {
    /// A session without a plan, and the end from which its owner takes the events. The owner closes the session when `overflow` is notified:
    /// an event that matters didn't fit.
    pub fn new(id: SessionId, user: User, grants: Grants) -> (Self, Outbox) {
        let (sender, events) = tokio::sync::mpsc::channel(OUTBOX_EVENTS);
        let overflow = Arc::new(tokio::sync::Notify::new());
        let outlet = Arc::new(Queue { sender, overflow: overflow.clone() });
        (Self::over(id, user, grants, outlet), Outbox { events, overflow })
    }

    /// A session whose owner takes the events in a way of its own.
    pub fn over(id: SessionId, user: User, grants: Grants, outlet: Arc<dyn Outlet>) -> Self {
        Self { id, user, grants, plan: None, outlet }
    }

    /// Whether somebody still takes the events.
    pub fn is_open(&self) -> bool {
        self.outlet.is_open()
    }

    /// What the session was told can't be made true any more: it ends as one that takes its events too slowly, and has to come again.
    pub(crate) fn lose(&self) {
        self.outlet.lose();
    }

    /// Tells the session what happened. Never waits: a session that can't take it goes without a volatile event, and is ended by its
    /// owner for any other.
    pub fn send(&self, event: Arc<Event>) {
        self.outlet.deliver(&event);
    }

    /// See [`Outlet::mark`].
    pub(crate) fn mark(&self) {
        self.outlet.mark();
    }
}

/// The receiving end of a [`SessionHandle`].
#[derive(Debug)]
pub struct Outbox {
    pub events: tokio::sync::mpsc::Receiver<Arc<Event>>,
    pub overflow: Arc<tokio::sync::Notify>,
}

#[derive(Debug)]
struct Queue {
    sender: tokio::sync::mpsc::Sender<Arc<Event>>,
    overflow: Arc<tokio::sync::Notify>,
}

impl Outlet for Queue {
    fn deliver(&self, event: &Arc<Event>) {
        use tokio::sync::mpsc::error::TrySendError;
        if let Err(TrySendError::Full(event)) = self.sender.try_send(event.clone())
            && !event.is_volatile()
        {
            self.overflow.notify_one();
        }
    }

    fn mark(&self) {
        // Whoever takes events from a queue has no connection to lose, so nothing is told to it again.
    }

    fn lose(&self) {
        self.overflow.notify_one();
    }

    fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }
}
