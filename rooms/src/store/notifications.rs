//! What is kept of inboxes: notifications of a user, numbered, each with a read mark.

use super::StoreError;
use crate::view::User;
use crate::{ChannelId, NotificationId, RoomId, ScheduleId, ServerId, UserId};
use async_trait::async_trait;
use std::time::SystemTime;

/// Notifications that are kept of one user. Keeping one more forgets the oldest, read or not: whoever hasn't looked at this many will not look
/// at those before them.
pub const INBOX_MAX: u64 = 500;

/// Inboxes.
///
/// # Guarantees
/// * A user's notifications are numbered 1, 2, 3 … without a gap, in the order in which they become visible; the number is given by the store's
///   own conditional write and by nothing else. The newest [`INBOX_MAX`] are kept.
/// * A key that was used for a user within the last 24 h keeps nothing again, however many race.
/// * What is read stays read. What one user does is nothing to another.
#[async_trait]
pub trait NotificationStore: Send + Sync + 'static {
    /// Keeps a notification and gives it its user's next number, unless there was one with this key.
    async fn notify(&self, new: NewNotification) -> Result<Notified, StoreError>;
    /// One of the user's notifications.
    async fn notification(&self, user: &UserId, id: &NotificationId) -> Result<Option<Notification>, StoreError>;
    /// At most `limit` of the user's notifications, oldest first.
    async fn notifications(&self, user: &UserId, seek: Seek, limit: u32) -> Result<Inbox, StoreError>;
    /// Marks notifications as read. False, and nothing is marked, when one of the ids names none of the user's.
    async fn read_notifications(&self, user: &UserId, reading: &Reading, at: SystemTime) -> Result<bool, StoreError>;
    /// How many of the kept ones the user hasn't read.
    async fn unread_count(&self, user: &UserId) -> Result<u64, StoreError>;
    /// Says how an invitation into a server was answered, and marks it as read. `None` when there is no such invitation that is still open:
    /// decided once, however many race.
    async fn answer_invitation(
        &self,
        user: &UserId,
        id: &NotificationId,
        answer: Invitation,
        at: SystemTime,
    ) -> Result<Option<Notification>, StoreError>;
}

/// A notification that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotification {
    pub id: NotificationId,
    pub user: UserId,
    /// Makes it once for this user. 1–200 bytes, made by whoever notifies.
    pub key: String,
    pub about: About,
    pub at: SystemTime,
}

/// A kept notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    pub id: NotificationId,
    pub user: UserId,
    /// Contiguous from 1 for its user.
    pub seq: u64,
    pub about: About,
    pub at: SystemTime,
    /// When it was read, if it was.
    pub read_at: Option<SystemTime>,
}

/// What a notification tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// Somebody mentioned the user. Without the text, which may be edited or deleted: it is in the channel.
    Mention(Place),
    /// Somebody answered a message of the user.
    Reply(Place),
    /// Somebody invites the user into a server.
    ServerInvite { server: ServerId, name: String, by: User, state: Invitation },
    /// Somebody invites the user into a room.
    RoomInvite { room: RoomId, name: String, by: User },
    /// The time to be reminded of an entry of a server's calendar.
    Schedule { server: ServerId, schedule: ScheduleId, title: String, starts_at: SystemTime },
    /// A backend says something.
    Backend(Notice),
}

/// Where somebody wrote something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub server: ServerId,
    pub channel: ChannelId,
    /// The message's number in the channel.
    pub message_seq: u64,
    pub by: User,
}

/// What a backend says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub title: String,
    pub body: String,
    /// Where it leads.
    pub url: Option<String>,
    /// A JSON object of the backend's.
    pub data: Option<String>,
}

/// How far an invitation into a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invitation {
    Open,
    Accepted,
    Declined,
}

/// What became of a new notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notified {
    New(Notification),
    /// An earlier call kept it: nobody needs to be told.
    Known(Notification),
    /// An earlier call kept it, and it was forgotten since for newer ones.
    Forgotten,
}

/// Which notifications are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    Newest,
    /// Those with the highest numbers below this one.
    Before(u64),
    /// Those with the lowest numbers above this one.
    After(u64),
}

/// Which notifications were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    Ids(Vec<NotificationId>),
    /// All up to this number.
    UpTo(u64),
}

/// A page of notifications, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    pub notifications: Vec<Notification>,
    /// Whether older ones than these are kept.
    pub more: bool,
    /// Whether newer ones than these exist.
    pub newer: bool,
    /// The number of the newest notification that there ever was; 0 where there was none.
    pub head: u64,
}
