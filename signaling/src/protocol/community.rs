//! Servers on the wire: their shapes, requests and pushes.

use serde::{Deserialize, Deserializer, Serialize};
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

/// `presence:changed`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PresenceChanged {
    pub server: String,
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

/// A value that is there, `null` included.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
