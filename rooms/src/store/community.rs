//! What is kept of servers: their tree of channels and roles, their members, invitations, bans and calendars.

use super::StoreError;
use crate::community::{Permissions, RoleKind};
use crate::view::User;
use crate::{CategoryId, ChannelId, InviteId, RoleId, ScheduleId, ServerId, UserId};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, SystemTime};

/// Servers and their members.
///
/// # Guarantees
/// * A server's tree has a version. A change of it is made whole, on the version that it was decided on, or not at all.
/// * An invitation is used as often as it says and no more, however many race; a banned user doesn't come in.
/// * Nothing of a deleted server is found again, its channels' messages included, also not by a new server of the same id. What is kept of a
///   server that isn't there is not kept.
#[async_trait]
pub trait CommunityStore: Send + Sync + 'static {
    /// Keeps a new server with its first members. False, and nothing is kept, when there is a server of this id.
    async fn create_server(&self, tree: ServerTree, members: Vec<MemberRecord>) -> Result<bool, StoreError>;
    /// A server that isn't deleted.
    async fn server(&self, id: &ServerId) -> Result<Option<ServerTree>, StoreError>;
    /// Changes the tree if it still has this version, and counts the version up by one. The messages of a removed channel of this server go
    /// with it.
    async fn update_server(&self, id: &ServerId, version: u64, changes: Vec<TreeChange>) -> Result<Updated, StoreError>;
    /// Deletes a server with everything in it. Twice is no error.
    async fn delete_server(&self, id: &ServerId) -> Result<(), StoreError>;
    /// The server that a channel belongs to.
    async fn server_of(&self, channel: &ChannelId) -> Result<Option<ServerId>, StoreError>;

    /// A user's memberships, oldest first.
    async fn memberships(&self, user: &UserId) -> Result<Vec<MemberRecord>, StoreError>;
    /// A server's members, oldest first.
    async fn members(&self, server: &ServerId) -> Result<Vec<MemberRecord>, StoreError>;
    /// Adds a member. Decided once, however many race for the last use of an invitation.
    async fn enter(&self, member: MemberRecord, by: Entry) -> Result<Entered, StoreError>;
    /// Replaces a member's record. False when there is no such member.
    async fn update_member(&self, member: MemberRecord) -> Result<bool, StoreError>;
    /// Removes a member, and bans the user if that is said, whether member or not. False when there was no such member.
    async fn remove_member(&self, server: &ServerId, user: &UserId, ban: Option<BanRecord>) -> Result<bool, StoreError>;
    /// Who is banned, oldest first.
    async fn bans(&self, server: &ServerId) -> Result<Vec<BanRecord>, StoreError>;
    /// Lifts a ban. False when there was none.
    async fn unban(&self, server: &ServerId, user: &UserId) -> Result<bool, StoreError>;

    /// Keeps an invitation.
    async fn create_invite(&self, invite: InviteRecord) -> Result<(), StoreError>;
    /// The invitation with this secret, expired, revoked and used-up ones included.
    async fn invite(&self, secret_hash: &[u8; 32]) -> Result<Option<InviteRecord>, StoreError>;
    /// A server's invitations that aren't revoked, newest first.
    async fn invites(&self, server: &ServerId) -> Result<Vec<InviteRecord>, StoreError>;
    /// Makes an invitation useless. False when there is none that isn't.
    async fn revoke_invite(&self, server: &ServerId, id: &InviteId) -> Result<bool, StoreError>;

    /// Keeps an entry of a calendar, in place of the one with the same id.
    async fn put_schedule(&self, schedule: ScheduleRecord) -> Result<(), StoreError>;
    /// One entry.
    async fn schedule(&self, server: &ServerId, id: &ScheduleId) -> Result<Option<ScheduleRecord>, StoreError>;
    /// Removes an entry. False when there was none.
    async fn delete_schedule(&self, server: &ServerId, id: &ScheduleId) -> Result<bool, StoreError>;
    /// The entries that begin in this time, earliest first.
    async fn schedules(&self, server: &ServerId, range: Range<SystemTime>) -> Result<Vec<ScheduleRecord>, StoreError>;
    /// At most `limit` entries of all servers whose reminder is due at `now` and not taken, earliest first.
    async fn due_schedules(&self, now: SystemTime, limit: u32) -> Result<Vec<ScheduleRecord>, StoreError>;
    /// Takes the reminder of an entry that is still the same. True for one caller of all.
    async fn take_reminder(&self, schedule: &ScheduleRecord) -> Result<bool, StoreError>;

    /// Keeps what is known of a user.
    async fn put_user(&self, user: UserRecord) -> Result<(), StoreError>;
    /// Those of these users of whom something is known.
    async fn users(&self, ids: &[UserId]) -> Result<Vec<UserRecord>, StoreError>;
}

/// A server with all that isn't per member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTree {
    pub server: ServerRecord,
    /// By id.
    pub roles: BTreeMap<RoleId, RoleRecord>,
    pub categories: BTreeMap<CategoryId, CategoryRecord>,
    pub channels: BTreeMap<ChannelId, ChannelRecord>,
    /// Counts changes, from 1.
    pub version: u64,
}

/// A server as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRecord {
    pub id: ServerId,
    pub kind: ServerKind,
    pub name: String,
    pub image_url: Option<String>,
    /// `None` for a server that belongs to a backend.
    pub owner: Option<UserId>,
    pub created_at: SystemTime,
}

/// What a server is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerKind {
    /// Run by its members.
    Community,
    /// One channel of two people about one thing, run by a backend.
    Direct {
        /// What the backend calls the thing.
        subject: String,
    },
}

/// A role as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRecord {
    pub id: RoleId,
    pub kind: RoleKind,
    pub name: String,
    /// 0xRRGGBB.
    pub color: Option<u32>,
    pub permissions: Permissions,
    /// Higher ones command lower ones.
    pub rank: u32,
}

/// A group of channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryRecord {
    pub id: CategoryId,
    pub name: String,
    /// Lower ones come first.
    pub position: u32,
}

/// A channel as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRecord {
    pub id: ChannelId,
    pub category: Option<CategoryId>,
    pub kind: ChannelKind,
    pub name: String,
    /// Lower ones come first.
    pub position: u32,
    pub access: Access,
    /// Between two messages of one user.
    pub slow_mode: Option<Duration>,
    /// A JSON object of the backend's.
    pub metadata: Option<String>,
    pub created_at: SystemTime,
}

/// What a channel is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    Text,
    /// Text, and a call of so many seats.
    Voice {
        capacity: u8,
    },
}

/// Who can read a channel. With each goes the number of the newest message when it was let in: what was before counts as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// In a private channel nobody but who is listed.
    pub everyone: Option<u64>,
    /// Who is listed; in a channel that isn't private any more, who was.
    pub users: BTreeMap<UserId, u64>,
    /// As `users`.
    pub roles: BTreeMap<RoleId, u64>,
}

impl Access {
    /// Of everyone.
    pub fn open(since: u64) -> Self {
        Self { everyone: Some(since), users: BTreeMap::new(), roles: BTreeMap::new() }
    }

    /// Of nobody but these.
    pub fn private(users: BTreeMap<UserId, u64>, roles: BTreeMap<RoleId, u64>) -> Self {
        Self { everyone: None, users, roles }
    }
}

/// One change of a server's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeChange {
    Server(ServerRecord),
    PutRole(RoleRecord),
    /// Members that have it lose it.
    RemoveRole(RoleId),
    PutCategory(CategoryRecord),
    /// Its channels are in none then.
    RemoveCategory(CategoryId),
    PutChannel(ChannelRecord),
    RemoveChannel(ChannelId),
}

/// What became of a change of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updated {
    Done,
    /// The tree has another version.
    Stale,
    /// There is no such server.
    Gone,
}

/// A member of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRecord {
    pub server: ServerId,
    /// With the name as it was last seen.
    pub user: User,
    pub nickname: Option<String>,
    /// Without repeats.
    pub roles: Vec<RoleId>,
    pub joined_at: SystemTime,
    /// The newest message of each channel when the member came to it.
    pub since: BTreeMap<ChannelId, u64>,
}

/// By which right somebody becomes a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// One use of an invitation, if it has one left at `now`.
    Invite { secret_hash: [u8; 32], now: SystemTime },
    /// A backend, or an invitation to this user by name.
    Granted,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    Joined,
    /// A member before; the invitation isn't used.
    Already(MemberRecord),
    Banned,
    /// The invitation isn't there, or is revoked.
    Unknown,
    Expired,
    UsedUp,
    /// The server was deleted.
    Gone,
}

/// Somebody who may not come in again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanRecord {
    pub server: ServerId,
    pub user: User,
    pub by: Option<UserId>,
    pub reason: Option<String>,
    pub at: SystemTime,
}

/// An invitation by link as it is kept: the secret itself is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRecord {
    pub id: InviteId,
    pub server: ServerId,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// Its users get this one.
    pub role: RoleId,
    pub created_by: Option<User>,
    pub created_at: SystemTime,
    /// `None`: never.
    pub expires_at: Option<SystemTime>,
    /// `None`: any number.
    pub max_uses: Option<u32>,
    pub uses: u32,
    pub revoked: bool,
}

/// An entry of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRecord {
    pub id: ScheduleId,
    pub server: ServerId,
    pub title: String,
    pub description: String,
    pub starts_at: SystemTime,
    pub ends_at: Option<SystemTime>,
    /// 0xRRGGBB.
    pub color: Option<u32>,
    /// When the members are reminded. `None`: not, or not any more.
    pub remind_at: Option<SystemTime>,
    pub created_by: User,
    pub changed_at: SystemTime,
}

/// What is known of a user beside its memberships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    pub user: User,
    /// Chosen by the user, for as long as it is connected.
    pub status: Status,
    /// When the last connection ended.
    pub last_seen: Option<SystemTime>,
}

/// How a connected user wants to be seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// As it is: online, or idle.
    #[default]
    Auto,
    Busy,
    Away,
}

impl ServerTree {
    /// The tree with these changes, one version on.
    pub fn change(&mut self, changes: Vec<TreeChange>) {
        for change in changes {
            match change {
                TreeChange::Server(server) => self.server = server,
                TreeChange::PutRole(role) => drop(self.roles.insert(role.id.clone(), role)),
                TreeChange::RemoveRole(id) => self.remove_role(&id),
                TreeChange::PutCategory(category) => drop(self.categories.insert(category.id.clone(), category)),
                TreeChange::RemoveCategory(id) => {
                    self.categories.remove(&id);
                    let within = self.channels.values_mut().filter(|channel| channel.category.as_ref() == Some(&id));
                    within.for_each(|channel| channel.category = None);
                }
                TreeChange::PutChannel(channel) => drop(self.channels.insert(channel.id.clone(), channel)),
                TreeChange::RemoveChannel(id) => drop(self.channels.remove(&id)),
            }
        }
        self.version += 1;
    }

    fn remove_role(&mut self, id: &RoleId) {
        self.roles.remove(id);
        for channel in self.channels.values_mut() {
            channel.access.roles.remove(id);
        }
    }
}
