//! Servers on the wire: their shapes, requests and pushes.

mod client_event;
mod server_event;

pub use client_event::*;
pub use server_event::*;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A server as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Server {
    pub info: ServerInfo,
    /// Highest rank first.
    pub roles: Vec<Role>,
    /// In the order to show them.
    pub categories: Vec<Category>,
    /// Those that one reads, in the order to show them within their category.
    pub channels: Vec<Channel>,
    /// Of those channels.
    pub unread: Vec<Unread>,
    /// Of those channels, where somebody is.
    pub voices: Vec<Voice>,
    pub me: Membership,
}

/// A server's own values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerInfo {
    pub id: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub image_url: Option<String>,
    /// The user id of its owner. Absent: it belongs to a backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub owner: Option<String>,
    /// It is the direct channel of two people about this thing of a backend's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub subject: Option<String>,
    /// RFC 3339.
    pub created_at: String,
}

/// Oneself in a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Membership {
    pub user: Person,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub nickname: Option<String>,
    /// Role ids.
    pub roles: Vec<String>,
    /// What these roles allow; everything for the owner.
    pub permissions: Vec<Permission>,
}

/// Something that a role can allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    Send,
    Connect,
    Invite,
    Schedule,
    Note,
    MentionEveryone,
    ManageMessages,
    MuteMembers,
    Kick,
    Ban,
    ManageInvites,
    ManageSchedules,
    ManageNicknames,
    ManageChannels,
    ManageRoles,
    ManageServer,
}

/// A role of a server's members.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Role {
    pub id: String,
    pub kind: RoleKind,
    pub name: String,
    /// 0xRRGGBB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub color: Option<u32>,
    pub permissions: Vec<Permission>,
    /// Higher ones command lower ones.
    pub rank: u32,
}

/// What a role is to its server. Only custom ones can be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RoleKind {
    Admin,
    Moderator,
    Member,
    Guest,
    Custom,
}

/// A group of channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Category {
    pub id: String,
    pub name: String,
    pub position: u32,
}

/// A named place in a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Channel {
    pub id: String,
    pub kind: ChannelKind,
    pub name: String,
    /// The category's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub category: Option<String>,
    pub position: u32,
    /// Who reads it, beside those who manage channels. Absent: everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub private: Option<Private>,
    /// Seats of a voice channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub capacity: Option<u8>,
    /// Seconds between two messages of one user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub slow_mode_s: Option<u32>,
    /// Whatever a backend keeps here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "Record<string, unknown>")]
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What a channel is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    #[default]
    Text,
    /// Text, and a call.
    Voice,
}

/// Who reads a private channel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Private {
    /// User ids.
    #[serde(default)]
    pub users: Vec<String>,
    /// Role ids.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// What one hasn't read of a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Unread {
    pub channel: String,
    /// Of the newest message; 0 where there is none.
    #[ts(type = "number")]
    pub head_seq: u64,
    /// All up to this one is read.
    #[ts(type = "number")]
    pub read_seq: u64,
    /// Messages after it, without deleted and own ones.
    #[ts(type = "number")]
    pub unread: u64,
    /// Those among them that mention one.
    #[ts(type = "number")]
    pub mentions: u64,
}

/// Who is in the call of a voice channel, in the order of joining.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Voice {
    pub channel: String,
    pub people: Vec<Person>,
}

/// A user with the name to show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Person {
    /// The user id.
    pub id: String,
    pub name: String,
}

/// A member of a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Member {
    pub user: Person,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub nickname: Option<String>,
    /// Role ids.
    pub roles: Vec<String>,
    /// RFC 3339.
    pub joined_at: String,
    pub presence: Presence,
    /// When the last connection ended, RFC 3339. Absent while connected, and for who wasn't seen yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub last_seen: Option<String>,
}

/// How a member is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    Online,
    /// Connected, and touches nothing.
    Idle,
    Busy,
    Away,
    Offline,
}

/// How one wants to be seen while connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it is: online, or idle.
    Auto,
    Busy,
    Away,
}

/// Why somebody is no longer in a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DepartReason {
    Left,
    Kicked,
    Banned,
    Deleted,
}

/// Somebody who may not come in again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Ban {
    pub user: Person,
    /// The user id of who banned. Absent: a backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
    /// RFC 3339.
    pub at: String,
}

/// An invitation by link. Its secret is told once, to who made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Invite {
    pub id: String,
    pub server: String,
    /// What its users get.
    pub role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub created_by: Option<Person>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339. Absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub expires_at: Option<String>,
    /// Absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub max_uses: Option<u32>,
    pub uses: u32,
}

/// An entry of a calendar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Schedule {
    pub id: String,
    pub server: String,
    pub title: String,
    pub description: String,
    /// RFC 3339.
    pub starts_at: String,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ends_at: Option<String>,
    /// 0xRRGGBB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub color: Option<u32>,
    /// When the members are reminded, RFC 3339. Absent: not, or not any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub remind_at: Option<String>,
    pub created_by: Person,
}
