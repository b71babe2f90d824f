//! Inboxes and invitations to people on the wire: their shapes, requests and pushes.

use super::community::{Invite, Person, Server};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An entry of one's inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Notification {
    pub id: String,
    /// Contiguous from 1 in one's inbox. The newest 500 are kept.
    #[ts(type = "number")]
    pub seq: u64,
    /// RFC 3339.
    pub at: String,
    pub read: bool,
    pub about: NotificationAbout,
}

/// What a notification tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NotificationAbout {
    /// Somebody mentioned one by name. The text is in the channel.
    Mention {
        server: String,
        channel: String,
        /// Of the message.
        #[ts(type = "number")]
        message_seq: u64,
        by: Person,
    },
    /// Somebody answered a message of one's own.
    Reply {
        server: String,
        channel: String,
        /// Of the answer.
        #[ts(type = "number")]
        message_seq: u64,
        by: Person,
    },
    /// Somebody invites one into a server: `invite:answer`.
    ServerInvite { server: String, name: String, by: Person, state: InvitationState },
    /// Somebody invites one into a room: `room:join`.
    RoomInvite { room: String, name: String, by: Person },
    /// The time to be reminded of an entry of a calendar.
    Schedule {
        server: String,
        /// The entry's id.
        schedule: String,
        title: String,
        /// RFC 3339.
        starts_at: String,
    },
    /// Something that a backend says.
    Backend {
        title: String,
        body: String,
        /// An https address, or a path of one's own site.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        url: Option<String>,
        /// Whatever the backend keeps here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "Record<string, unknown>")]
        data: Option<serde_json::Map<String, serde_json::Value>>,
    },
}

/// How far an invitation into a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    Open,
    Accepted,
    Declined,
}

/// `notification:list`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct NotificationList {
    /// Notifications with a lower `seq` than this; absent: the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub before: Option<u64>,
    /// Instead of `before`: notifications with a higher `seq` than this, the lowest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub after: Option<u64>,
    /// 1–100, 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub limit: Option<u32>,
}

/// Answer of `notification:list`: oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NotificationsListed {
    pub notifications: Vec<Notification>,
    /// Whether older ones are kept.
    pub more: bool,
    /// Whether newer ones exist.
    pub newer: bool,
    /// Of the newest one; 0 where there was none.
    #[ts(type = "number")]
    pub head_seq: u64,
    /// Of the whole inbox.
    #[ts(type = "number")]
    pub unread: u64,
}

/// `notification:read`: either `ids` or `up_to`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct NotificationRead {
    /// At most 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ids: Option<Vec<String>>,
    /// A `seq`: all up to it are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub up_to: Option<u64>,
}

/// Answer of `notification:read`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NotificationsLeft {
    /// Of the whole inbox.
    #[ts(type = "number")]
    pub unread: u64,
}

/// `invite:user`: into somebody's inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InviteUser {
    pub server: String,
    /// The user id.
    pub user: String,
}

/// `invite:answer`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InviteAnswer {
    /// The notification's id.
    pub notification: String,
    pub accept: bool,
}

/// Answer of `invite:answer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InviteAnswered {
    /// What one is a member of now. Absent after declining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub server: Option<Server>,
}

/// `invite:email`: a link that is good once, for seven days, sent by mail.
#[derive(Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InviteEmail {
    pub server: String,
    /// A mail address.
    pub email: String,
}

/// Answer of `invite:email`: the mail is on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InviteMailed {
    pub invite: Invite,
}

/// `room:invite`: into somebody's inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomInvite {
    pub room: String,
    /// The user id.
    pub user: String,
}

/// `notification:new` and `notification:updated`. New ones that are made at the same time may come in any order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NotificationChanged {
    pub notification: Notification,
    /// Of the whole inbox.
    #[ts(type = "number")]
    pub unread: u64,
}

/// `notification:read`: by any of one's sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NotificationsRead {
    /// These were read, or all up to `up_to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ids: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub up_to: Option<u64>,
    /// Of the whole inbox.
    #[ts(type = "number")]
    pub unread: u64,
}

/// `invite:received`: beside the `notification:new` of the same notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InviteReceived {
    pub notification: Notification,
}
