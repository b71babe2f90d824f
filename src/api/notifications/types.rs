//! The shapes of inboxes at the REST border, in bodies and in event streams alike.
//!
//! Invariant: a field once published keeps its name and meaning; a rename in the domain ends here.

use crate::api::types::{User, rfc3339};
use rooms::inbox::InboxPage;
use rooms::store::{About, Inbox, Invitation, Notice, Place};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// What a backend wants a user to know.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateNotification {
    /// Your id of the user, 1 to 128 bytes. The user needn't have been here yet.
    #[schema(example = "user-17")]
    pub user: String,
    /// 1 to 200 characters.
    #[schema(example = "꽃이 출발했어요")]
    pub title: String,
    /// At most 4,000 characters.
    #[serde(default)]
    pub body: String,
    /// Where it leads: an https address, or a path of your site.
    #[serde(default)]
    #[schema(example = "/orders/4711")]
    pub url: Option<String>,
    /// Whatever your page needs beside: at most 4 KiB of JSON.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub data: Option<Map<String, Value>>,
    /// The same key keeps one notification of a user. As the header `Idempotency-Key`.
    #[serde(default)]
    #[schema(example = "order-4711-sent")]
    pub key: Option<String>,
}

/// Which page of an inbox.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListNotifications {
    /// Notifications with a lower `seq` than this.
    pub before: Option<u64>,
    /// Instead: notifications with a higher `seq` than this, the lowest first.
    pub after: Option<u64>,
    /// 1 to 100.
    #[param(default = 50)]
    pub limit: Option<u32>,
}

/// A page of an inbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notifications {
    /// Oldest first.
    pub notifications: Vec<Notification>,
    /// Whether older ones are kept.
    pub more: bool,
    /// Whether newer ones exist.
    pub newer: bool,
    /// Of the newest one; 0 where there was none.
    pub head_seq: u64,
    /// Of the whole inbox.
    pub unread: u64,
}

/// An entry of an inbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notification {
    pub id: String,
    /// Contiguous from 1 in its inbox. The newest 500 are kept.
    pub seq: u64,
    /// RFC 3339.
    pub at: String,
    pub read: bool,
    pub about: NotificationAbout,
}

/// What a notification tells.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NotificationAbout {
    /// Somebody mentioned the user by name.
    Mention { server: String, channel: String, message_seq: u64, by: User },
    /// Somebody answered a message of the user.
    Reply { server: String, channel: String, message_seq: u64, by: User },
    /// Somebody invites the user into a server.
    ServerInvite { server: String, name: String, by: User, state: InvitationState },
    /// Somebody invites the user into a room.
    RoomInvite { room: String, name: String, by: User },
    /// The time to be reminded of an entry of a calendar.
    Schedule { server: String, schedule: String, title: String, starts_at: String },
    /// What a backend said.
    Backend {
        title: String,
        body: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Object>)]
        data: Option<Map<String, Value>>,
    },
}

/// How far an invitation into a server is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    Open,
    Accepted,
    Declined,
}

/// What was read: either `ids` or `up_to`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadNotifications {
    /// At most 100.
    #[serde(default)]
    pub ids: Option<Vec<String>>,
    /// A `seq`: all up to it are read.
    #[serde(default)]
    pub up_to: Option<u64>,
}

/// What is left.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unread {
    /// Of the whole inbox.
    pub unread: u64,
}

/// The data of `event: notification` in a stream.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationEvent {
    pub notification: Notification,
    /// Of the whole inbox.
    pub unread: u64,
}

impl From<InboxPage> for Notifications {
    fn from(InboxPage { inbox, unread }: InboxPage) -> Self {
        let Inbox { notifications, more, newer, head } = inbox;
        Self { notifications: notifications.into_iter().map(Notification::from).collect(), more, newer, head_seq: head, unread }
    }
}

impl From<rooms::store::Notification> for Notification {
    fn from(notification: rooms::store::Notification) -> Self {
        let rooms::store::Notification { id, user: _, seq, about, at, read_at } = notification;
        Self { id: id.to_string(), seq, at: rfc3339(at), read: read_at.is_some(), about: about.into() }
    }
}

impl From<About> for NotificationAbout {
    fn from(about: About) -> Self {
        match about {
            About::Mention(Place { server, channel, message_seq, by }) => {
                Self::Mention { server: server.to_string(), channel: channel.to_string(), message_seq, by: (&by).into() }
            }
            About::Reply(Place { server, channel, message_seq, by }) => {
                Self::Reply { server: server.to_string(), channel: channel.to_string(), message_seq, by: (&by).into() }
            }
            About::ServerInvite { server, name, by, state } => {
                let state = match state {
                    Invitation::Open => InvitationState::Open,
                    Invitation::Accepted => InvitationState::Accepted,
                    Invitation::Declined => InvitationState::Declined,
                };
                Self::ServerInvite { server: server.to_string(), name, by: (&by).into(), state }
            }
            About::RoomInvite { room, name, by } => Self::RoomInvite { room: room.to_string(), name, by: (&by).into() },
            About::Schedule { server, schedule, title, starts_at } => {
                Self::Schedule { server: server.to_string(), schedule: schedule.to_string(), title, starts_at: rfc3339(starts_at) }
            }
            // Data was an object when it came in.
            About::Backend(Notice { title, body, url, data }) => {
                Self::Backend { title, body, url, data: data.and_then(|data| serde_json::from_str(&data).ok()) }
            }
        }
    }
}
