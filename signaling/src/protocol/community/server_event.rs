//! What members of servers are told.

use super::{Category, Channel, DepartReason, Member, Presence, Role, Schedule, Server, ServerInfo, Unread, Voice};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `server:added`: one is a member from now on, by another session of one's own or by a backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerAdded {
    pub server: Server,
}

/// `server:updated`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerUpdated {
    pub server: ServerInfo,
    /// All of them, highest rank first.
    pub roles: Vec<Role>,
    /// All of them, in the order to show them.
    pub categories: Vec<Category>,
}

/// `server:deleted`: one is no member any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerDeleted {
    pub server: String,
    pub reason: DepartReason,
}

/// `channel:created`: one reads it from now on. `channel:updated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChannelChanged {
    pub server: String,
    pub channel: Channel,
}

/// `channel:deleted`: it is gone, or one doesn't read it any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChannelDeleted {
    pub server: String,
    pub channel: String,
}

/// `member:joined`, `member:updated`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MemberChanged {
    pub server: String,
    pub member: Member,
}

/// `member:left`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MemberLeft {
    pub server: String,
    /// The user id.
    pub user: String,
    pub reason: DepartReason,
}

/// `presence:changed`, at most once a second: everyone who is seen otherwise than before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PresenceChanged {
    pub server: String,
    pub presences: Vec<MemberPresence>,
}

/// How a member is seen now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MemberPresence {
    /// The user id.
    pub user: String,
    pub presence: Presence,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub last_seen: Option<String>,
}

/// `voice:changed`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct VoiceChanged {
    pub server: String,
    pub voice: Voice,
}

/// `unread:changed`, and the answer of `chat:read` and `chat:unread`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct UnreadChanged {
    pub unread: Unread,
}

/// `schedule:changed`, `schedule:due`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ScheduleChanged {
    pub schedule: Schedule,
}

/// `schedule:deleted`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ScheduleDeleted {
    pub server: String,
    /// The entry's id.
    pub id: String,
}
