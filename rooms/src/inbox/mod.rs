//! Inboxes: what users are told that they shouldn't miss, whether they are there or not.
//!
//! | file | is |
//! | --- | --- |
//! | `decide` | whom a message concerns |
//! | `courier` | the queue between a durable message and the inboxes of those |
//! | `listeners` | which sessions and streams are told at once |
//! | `tell` | keeps first, then tells them |
//!
//! It keeps nothing: inboxes are the store's. Invariant: an inbox belongs to a user, and a token for a room alone has none.

mod courier;
mod decide;
mod listeners;
mod tell;

pub(crate) use courier::{Courier, Errand};
pub(crate) use decide::concerns_somebody;
pub(crate) use listeners::Listeners;
pub use listeners::{STREAMS_MAX, Watch};

use crate::session::Grants;
use crate::store::{Inbox, Notice};
use crate::view::User;
use crate::{Error, Result, UserId};

/// Why a key is refused that stood for something else.
pub const KEY_USED: &str = "was used for another notification of this user";

/// Whose inbox: of a user whose token says more than which room it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(UserId);

impl Owner {
    /// The inbox of who has a token of these grants.
    ///
    /// # Errors
    /// `Forbidden` for a token of one room.
    pub fn of(user: &User, grants: &Grants) -> Result<Self> {
        match grants {
            Grants::User => Ok(Self(user.id.clone())),
            Grants::Room(_) => Err(Error::Forbidden("a token for a room has no inbox")),
        }
    }

    pub(crate) fn id(&self) -> &UserId {
        &self.0
    }
}

/// A page of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxPage {
    pub inbox: Inbox,
    /// Of the whole inbox.
    pub unread: u64,
}

/// What a backend wants a user to know.
#[derive(Debug, Clone)]
pub struct BackendNotice {
    /// Which backend, as its key is called.
    pub backend: String,
    pub user: UserId,
    pub notice: Notice,
    /// The same backend, user and key twice keep one notification. 1–64 bytes.
    pub key: Option<String>,
}

/// How somebody answers an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Accept,
    Decline,
}
