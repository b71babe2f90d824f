//! What is asked of servers, and the answers.

use super::{Ban, Category, Channel, ChannelKind, Invite, Member, Permission, Private, Role, Schedule, Server, ServerInfo, Status, Unread};
use serde::{Deserialize, Deserializer, Serialize};
use ts_rs::TS;

/// `server:list`: from here on the session is told what happens in one's servers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerList {}

/// Answer of `server:list`, oldest membership first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ServersListed {
    pub servers: Vec<Server>,
}

/// `server:create`: with default roles, categories and channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerCreate {
    /// 1–64 characters.
    pub name: String,
    /// An https address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub image_url: Option<String>,
    /// 1–64 bytes, made by the client: the same nonce twice makes one server.
    pub nonce: String,
    /// What the first categories and channels are called. Absent: in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub defaults: Option<DefaultNames>,
}

/// Names of what a server begins with, 1–64 characters each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DefaultNames {
    pub text_category: String,
    pub text_channel: String,
    pub voice_category: String,
    pub voice_channel: String,
}

/// Answer of `server:create` and `invite:accept`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerEntered {
    pub server: Server,
}

/// `server:update`: what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerUpdate {
    pub server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// `null`: none.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "string | null")]
    pub image_url: Option<Option<String>>,
}

/// `server:transfer`: another member becomes the owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerTransfer {
    pub server: String,
    /// The user id of the new owner.
    pub to: String,
}

/// `server:delete`, `server:leave`, `member:list`, `member:bans`, `invite:list`, `unread:list`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ServerRef {
    pub server: String,
}

/// `channel:create`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChannelCreate {
    pub server: String,
    /// 1–64 characters.
    pub name: String,
    #[serde(default)]
    #[ts(optional, as = "Option<ChannelKind>")]
    pub kind: ChannelKind,
    /// Seats of a voice channel, 2–50; 4 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub capacity: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub private: Option<Private>,
    /// Absent: last of its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub position: Option<u32>,
    /// 1–21,600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub slow_mode_s: Option<u32>,
}

/// `channel:update`: what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChannelUpdate {
    pub server: String,
    pub channel: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub capacity: Option<u8>,
    /// `null`: none.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "string | null")]
    pub category: Option<Option<String>>,
    /// `null`: everyone reads it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "Private | null")]
    pub private: Option<Option<Private>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub position: Option<u32>,
    /// `null`: none.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number | null")]
    pub slow_mode_s: Option<Option<u32>>,
}

/// Answer of `channel:create` and `channel:update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChannelKept {
    pub channel: Channel,
}

/// `channel:delete`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChannelRef {
    pub server: String,
    pub channel: String,
}

/// `channel:open`: the call of a voice channel, opened if there is none. Its room is joined like any other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChannelOpen {
    pub channel: String,
}

/// Answer of `channel:open`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChannelOpened {
    /// For `room:join`.
    pub room: String,
}

/// `category:create`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CategoryCreate {
    pub server: String,
    /// 1–64 characters.
    pub name: String,
    /// Absent: last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub position: Option<u32>,
}

/// `category:update`: what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CategoryUpdate {
    pub server: String,
    pub category: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub position: Option<u32>,
}

/// Answer of `category:create` and `category:update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CategoryKept {
    pub category: Category,
}

/// `category:delete`: its channels are in none then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CategoryRef {
    pub server: String,
    pub category: String,
}

/// `role:create`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoleCreate {
    pub server: String,
    /// 1–64 characters.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub color: Option<u32>,
    /// Of those that one has.
    pub permissions: Vec<Permission>,
    /// Below one's own.
    pub rank: u32,
}

/// `role:update`: what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoleUpdate {
    pub server: String,
    pub role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// `null`: none.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number | null")]
    pub color: Option<Option<u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub permissions: Option<Vec<Permission>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub rank: Option<u32>,
}

/// Answer of `role:create` and `role:update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoleKept {
    pub role: Role,
}

/// `role:delete`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoleRef {
    pub server: String,
    pub role: String,
}

/// Answer of `member:list`, in the order of joining.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MembersListed {
    pub members: Vec<Member>,
}

/// `member:update`: what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MemberUpdate {
    pub server: String,
    /// The user id.
    pub user: String,
    /// `null`: none.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "string | null")]
    pub nickname: Option<Option<String>>,
    /// Role ids, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub roles: Option<Vec<String>>,
}

/// `member:kick`, `member:unban`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MemberRef {
    pub server: String,
    /// The user id.
    pub user: String,
}

/// `member:ban`: somebody needn't be a member to be banned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MemberBan {
    pub server: String,
    /// The user id.
    pub user: String,
    /// At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
}

/// Answer of `member:bans`, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct BansListed {
    pub bans: Vec<Ban>,
}

/// `invite:create`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InviteCreate {
    pub server: String,
    /// What its users get; absent: what every member has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub role: Option<String>,
    /// 60–31,536,000; absent: it never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub ttl_s: Option<u64>,
    /// 1–10,000; absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub max_uses: Option<u32>,
}

/// Answer of `invite:create`.
#[derive(Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InviteCreated {
    /// Whoever has it can come in. It is told this once.
    pub secret: String,
    pub invite: Invite,
}

/// Answer of `invite:list`, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InvitesListed {
    pub invites: Vec<Invite>,
}

/// `invite:revoke`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InviteRevoke {
    pub server: String,
    pub invite: String,
}

/// `invite:preview`, `invite:accept`
#[derive(Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InviteSecret {
    pub secret: String,
}

/// Answer of `invite:preview`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InvitePreview {
    pub server: ServerInfo,
    pub members: u32,
    /// The name of who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub invited_by: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub expires_at: Option<String>,
}

/// `schedule:list`: what begins from `from` on and before `to`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ScheduleList {
    pub server: String,
    /// RFC 3339.
    pub from: String,
    /// RFC 3339.
    pub to: String,
}

/// Answer of `schedule:list`, earliest first, at most 500.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SchedulesListed {
    pub schedules: Vec<Schedule>,
}

/// `schedule:create`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ScheduleCreate {
    pub server: String,
    #[serde(flatten)]
    pub schedule: NewSchedule,
}

/// `schedule:update`: all values are replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ScheduleUpdate {
    pub server: String,
    /// The entry's id.
    pub id: String,
    #[serde(flatten)]
    pub schedule: NewSchedule,
}

/// What an entry of a calendar is to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NewSchedule {
    /// 1–64 characters.
    pub title: String,
    /// At most 4,000 characters.
    #[serde(default)]
    #[ts(optional, as = "Option<String>")]
    pub description: String,
    /// RFC 3339.
    pub starts_at: String,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ends_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub color: Option<u32>,
    /// How long before the start the members are reminded, 0–2,419,200. Absent: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub remind_before_s: Option<u64>,
}

/// Answer of `schedule:create` and `schedule:update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ScheduleKept {
    pub schedule: Schedule,
}

/// `schedule:delete`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ScheduleRef {
    pub server: String,
    /// The entry's id.
    pub id: String,
}

/// `chat:read`: everything up to `seq` is read; `chat:unread`: `seq` and what follows isn't. All one's sessions are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatRead {
    pub channel: String,
    #[ts(type = "number")]
    pub seq: u64,
}

/// Answer of `unread:list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct UnreadListed {
    pub unread: Vec<Unread>,
}

/// `presence:set`: on all one's sessions, now and when one comes again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PresenceSet {
    pub status: Status,
}

/// `presence:idle`: whether anything was touched on this session lately.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PresenceIdle {
    pub idle: bool,
}

/// A value that is there, `null` included.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
