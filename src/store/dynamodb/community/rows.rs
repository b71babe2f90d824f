//! Rows of servers, and what they mean to the domain.
//!
//! Invariant: as of the rows of messages: an attribute that says nothing is absent, and a row that reads as a domain value was written from one.

use crate::store::dynamodb::call::Failure;
use crate::store::dynamodb::keys;
use crate::store::sqlite::{from_ns, to_ns};
use ::rooms::community::{Permissions, RoleKind};
use ::rooms::store::{
    Access, BanRecord, CategoryRecord, ChannelKind, ChannelRecord, InviteRecord, MemberRecord, RoleRecord, ScheduleRecord, ServerKind,
    ServerRecord, ServerTree, Status, UserRecord,
};
use ::rooms::{CategoryId, ChannelId, InviteId, RoleId, ScheduleId, ServerId, User, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// A server: what it is, and where the rest of it is. A deleted server has none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::store::dynamodb) struct MetaRow {
    /// The partitions of its members, bans, invitations and calendar. A server that is made again has other ones.
    pub(super) home: String,
    /// The partition of its parts.
    pub(super) tree: String,
    /// Counts the changes of the tree.
    pub(super) version: u64,
    /// How many parts there are.
    pub(super) rows: u64,
    /// The sum of their stamps.
    pub(super) stamps: u64,
    /// In which version a role was removed: members whose rows are older have it no more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) removed_roles: BTreeMap<String, u64>,
    name: String,
    /// Of a direct channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    created_at: i64,
}

impl MetaRow {
    pub(super) fn new(tree: &ServerTree, home: String, partition: String) -> Self {
        let ServerRecord { id: _, kind, name, image_url, owner, created_at } = &tree.server;
        Self {
            home,
            tree: partition,
            version: tree.version,
            rows: 0,
            stamps: 0,
            removed_roles: BTreeMap::new(),
            name: name.clone(),
            subject: match kind {
                ServerKind::Community => None,
                ServerKind::Direct { subject } => Some(subject.clone()),
            },
            image_url: image_url.clone(),
            owner: owner.as_ref().map(UserId::to_string),
            created_at: to_ns(*created_at),
        }
    }

    /// With its parts in another partition.
    pub(super) fn at(self, tree: String) -> Self {
        Self { tree, ..self }
    }

    /// With the number and the sum of the parts' stamps.
    pub(super) fn with_parts(self, stamps: impl Iterator<Item = u64>) -> Self {
        let (rows, stamps) = stamps.fold((0, 0_u64), |(rows, sum), stamp| (rows + 1, sum.wrapping_add(stamp)));
        Self { rows, stamps, ..self }
    }

    /// Whether these are the parts of this version, and not some of a later or an earlier one: rows of one query are not of one instant. A row
    /// has the version that put it as its stamp, so a missing new row and an old one in its place both make the sum smaller, and a row of a later
    /// version has too high a stamp.
    pub(super) fn has_parts(&self, parts: &[PartRow]) -> bool {
        let sum = parts.iter().fold(0_u64, |sum, part| sum.wrapping_add(part.stamp));
        parts.len() as u64 == self.rows && sum == self.stamps && parts.iter().all(|part| part.stamp <= self.version)
    }

    pub(super) fn server(&self, id: &ServerId) -> ServerRecord {
        let subject = self.subject.clone();
        ServerRecord {
            id: id.clone(),
            kind: subject.map_or(ServerKind::Community, |subject| ServerKind::Direct { subject }),
            name: self.name.clone(),
            image_url: self.image_url.clone(),
            owner: self.owner.as_deref().map(UserId::new),
            created_at: from_ns(self.created_at),
        }
    }
}

/// A role, a category or a channel in its place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::store::dynamodb) struct PartRow {
    #[serde(rename = "SK", skip_serializing)]
    pub(in crate::store::dynamodb) place: String,
    /// The version that put it there.
    pub(super) stamp: u64,
    pub(super) part: Part,
}

impl PartRow {
    pub(super) fn part(self) -> Part {
        self.part
    }

    /// The channel, if it is one.
    pub(in crate::store::dynamodb) fn channel(self) -> Option<ChannelId> {
        match self.part {
            Part::Channel(channel) => Some(ChannelId::new(channel.id)),
            Part::Role(_) | Part::Category(_) => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Part {
    Role(RoleRow),
    Category(CategoryRow),
    Channel(ChannelRow),
}

/// The parts of a tree by their places.
pub(super) fn parts(tree: &ServerTree) -> BTreeMap<String, Part> {
    let roles = tree.roles.values().map(|role| (keys::role_place(role.id.as_str()), Part::Role(RoleRow::new(role))));
    let categories = tree.categories.values();
    let categories = categories.map(|category| (keys::category_place(category.id.as_str()), Part::Category(CategoryRow::new(category))));
    let channels =
        tree.channels.values().map(|channel| (keys::channel_place(channel.id.as_str()), Part::Channel(ChannelRow::new(channel))));
    roles.chain(categories).chain(channels).collect()
}

/// The inverse of [`parts`].
pub(super) fn tree(id: &ServerId, meta: &MetaRow, parts: impl Iterator<Item = Part>) -> Result<ServerTree, Failure> {
    let (roles, categories, channels) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut tree = ServerTree { server: meta.server(id), roles, categories, channels, version: meta.version };
    for part in parts {
        match part {
            Part::Role(role) => drop(tree.roles.insert(RoleId::new(role.id.as_str()), role.role()?)),
            Part::Category(category) => drop(tree.categories.insert(CategoryId::new(category.id.as_str()), category.category())),
            Part::Channel(channel) => drop(tree.channels.insert(ChannelId::new(channel.id.as_str()), channel.channel())),
        }
    }
    Ok(tree)
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RoleRow {
    id: String,
    kind: RoleKindCode,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    color: Option<u32>,
    permissions: u32,
    rank: u32,
}

impl RoleRow {
    fn new(role: &RoleRecord) -> Self {
        Self {
            id: role.id.to_string(),
            kind: match role.kind {
                RoleKind::Admin => RoleKindCode::Admin,
                RoleKind::Moderator => RoleKindCode::Moderator,
                RoleKind::Member => RoleKindCode::Member,
                RoleKind::Guest => RoleKindCode::Guest,
                RoleKind::Custom => RoleKindCode::Custom,
            },
            name: role.name.clone(),
            color: role.color,
            permissions: role.permissions.bits(),
            rank: role.rank,
        }
    }

    fn role(self) -> Result<RoleRecord, Failure> {
        Ok(RoleRecord {
            id: RoleId::new(self.id),
            kind: match self.kind {
                RoleKindCode::Admin => RoleKind::Admin,
                RoleKindCode::Moderator => RoleKind::Moderator,
                RoleKindCode::Member => RoleKind::Member,
                RoleKindCode::Guest => RoleKind::Guest,
                RoleKindCode::Custom => RoleKind::Custom,
            },
            name: self.name,
            color: self.color,
            permissions: Permissions::from_bits(self.permissions).ok_or(Failure::Unreadable("a role's permissions"))?,
            rank: self.rank,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RoleKindCode {
    Admin,
    Moderator,
    Member,
    Guest,
    Custom,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CategoryRow {
    id: String,
    name: String,
    position: u32,
}

impl CategoryRow {
    fn new(category: &CategoryRecord) -> Self {
        Self { id: category.id.to_string(), name: category.name.clone(), position: category.position }
    }

    fn category(self) -> CategoryRecord {
        CategoryRecord { id: CategoryId::new(self.id), name: self.name, position: self.position }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ChannelRow {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// Seats of the call of a voice channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capacity: Option<u8>,
    name: String,
    position: u32,
    access: AccessRow,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slow_mode_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
    created_at: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum AccessRow {
    /// With who was listed before.
    Everyone {
        since: u64,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        users: BTreeMap<String, u64>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        roles: BTreeMap<String, u64>,
    },
    Listed {
        users: BTreeMap<String, u64>,
        roles: BTreeMap<String, u64>,
    },
}

impl AccessRow {
    fn new(access: &Access) -> Self {
        let users = access.users.iter().map(|(id, since)| (id.to_string(), *since)).collect();
        let roles = access.roles.iter().map(|(id, since)| (id.to_string(), *since)).collect();
        match access.everyone {
            Some(since) => Self::Everyone { since, users, roles },
            None => Self::Listed { users, roles },
        }
    }

    fn access(self) -> Access {
        let (everyone, users, roles) = match self {
            Self::Everyone { since, users, roles } => (Some(since), users, roles),
            Self::Listed { users, roles } => (None, users, roles),
        };
        let users = users.into_iter().map(|(id, since)| (UserId::new(id), since)).collect();
        Access { everyone, users, roles: roles.into_iter().map(|(id, since)| (RoleId::new(id), since)).collect() }
    }
}

impl ChannelRow {
    fn new(channel: &ChannelRecord) -> Self {
        Self {
            id: channel.id.to_string(),
            category: channel.category.as_ref().map(CategoryId::to_string),
            capacity: match channel.kind {
                ChannelKind::Text => None,
                ChannelKind::Voice { capacity } => Some(capacity),
            },
            name: channel.name.clone(),
            position: channel.position,
            access: AccessRow::new(&channel.access),
            slow_mode_ms: channel.slow_mode.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            metadata: channel.metadata.clone(),
            created_at: to_ns(channel.created_at),
        }
    }

    fn channel(self) -> ChannelRecord {
        ChannelRecord {
            id: ChannelId::new(self.id),
            category: self.category.map(CategoryId::new),
            kind: self.capacity.map_or(ChannelKind::Text, |capacity| ChannelKind::Voice { capacity }),
            name: self.name,
            position: self.position,
            access: self.access.access(),
            slow_mode: self.slow_mode_ms.map(Duration::from_millis),
            metadata: self.metadata,
            created_at: from_ns(self.created_at),
        }
    }
}

/// A member, in the server's list or in the user's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::store::dynamodb) struct MemberRow {
    pub(super) server: String,
    pub(super) home: String,
    user: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    joined_at: i64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    since: BTreeMap<String, u64>,
    /// The version of the server when it was written.
    stamp: u64,
}

impl MemberRow {
    pub(super) fn new(member: &MemberRecord, meta: &MetaRow) -> Self {
        Self {
            server: member.server.to_string(),
            home: meta.home.clone(),
            user: member.user.id.to_string(),
            name: member.user.name.clone(),
            nickname: member.nickname.clone(),
            roles: member.roles.iter().map(RoleId::to_string).collect(),
            joined_at: to_ns(member.joined_at),
            since: member.since.iter().map(|(id, seq)| (id.to_string(), *seq)).collect(),
            stamp: meta.version,
        }
    }

    /// Without roles that were removed since it was written.
    pub(super) fn member(self, meta: &MetaRow) -> MemberRecord {
        let is_kept = |role: &String| meta.removed_roles.get(role).is_none_or(|removed| *removed <= self.stamp);
        let roles = self.roles.into_iter().filter(is_kept).map(RoleId::new).collect();
        MemberRecord {
            server: ServerId::new(self.server),
            user: User { id: UserId::new(self.user), name: self.name },
            nickname: self.nickname,
            roles,
            joined_at: from_ns(self.joined_at),
            since: self.since.into_iter().map(|(id, seq)| (ChannelId::new(id), seq)).collect(),
        }
    }
}

/// In the place of a member: nobody with this id comes in.
#[derive(Debug, Serialize)]
pub(super) struct BannedRow {
    user: String,
    banned: bool,
}

impl BannedRow {
    pub(super) fn new(user: &UserId) -> Self {
        Self { user: user.to_string(), banned: true }
    }
}

/// Whoever has a member's place: a member, or somebody who is banned.
#[derive(Debug, Deserialize)]
pub(in crate::store::dynamodb) struct SeatRow {
    pub(in crate::store::dynamodb) user: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BanRow {
    user: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    at: i64,
}

impl BanRow {
    pub(super) fn new(ban: &BanRecord) -> Self {
        Self {
            user: ban.user.id.to_string(),
            name: ban.user.name.clone(),
            by: ban.by.as_ref().map(UserId::to_string),
            reason: ban.reason.clone(),
            at: to_ns(ban.at),
        }
    }

    pub(super) fn ban(self, server: &ServerId) -> BanRecord {
        BanRecord {
            server: server.clone(),
            user: User { id: UserId::new(self.user), name: self.name },
            by: self.by.map(UserId::new),
            reason: self.reason,
            at: from_ns(self.at),
        }
    }
}

/// A user with the name as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct NamedRow {
    id: String,
    name: String,
}

impl NamedRow {
    fn new(user: &User) -> Self {
        Self { id: user.id.to_string(), name: user.name.clone() }
    }

    fn user(self) -> User {
        User { id: UserId::new(self.id), name: self.name }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::dynamodb) struct InviteRow {
    id: String,
    /// 32 bytes.
    secret_hash: Vec<u8>,
    role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_by: Option<NamedRow>,
    created_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_uses: Option<u32>,
    pub(super) uses: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    revoked: bool,
}

impl InviteRow {
    pub(super) fn new(invite: &InviteRecord) -> Self {
        Self {
            id: invite.id.to_string(),
            secret_hash: invite.secret_hash.to_vec(),
            role: invite.role.to_string(),
            created_by: invite.created_by.as_ref().map(NamedRow::new),
            created_at: to_ns(invite.created_at),
            expires_at: invite.expires_at.map(to_ns),
            max_uses: invite.max_uses,
            uses: invite.uses,
            revoked: invite.revoked,
        }
    }

    pub(in crate::store::dynamodb) fn secret_hash(&self) -> Result<[u8; 32], Failure> {
        self.secret_hash.as_slice().try_into().map_err(|_| Failure::Unreadable("the hash of an invitation"))
    }

    pub(super) fn invite(self, server: &ServerId) -> Result<InviteRecord, Failure> {
        Ok(InviteRecord {
            secret_hash: self.secret_hash()?,
            id: InviteId::new(self.id),
            server: server.clone(),
            role: RoleId::new(self.role),
            created_by: self.created_by.map(NamedRow::user),
            created_at: from_ns(self.created_at),
            expires_at: self.expires_at.map(from_ns),
            max_uses: self.max_uses,
            uses: self.uses,
            revoked: self.revoked,
        })
    }
}

/// Where an invitation is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct InviteOfRow {
    pub(super) server: String,
    pub(super) home: String,
    pub(super) id: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::store::dynamodb) struct ScheduleRow {
    pub(in crate::store::dynamodb) id: String,
    title: String,
    description: String,
    starts_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    color: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store::dynamodb) remind_at: Option<i64>,
    created_by: NamedRow,
    changed_at: i64,
    /// Counts the changes, from 1.
    pub(super) rev: u64,
}

impl ScheduleRow {
    pub(super) fn new(schedule: &ScheduleRecord) -> Self {
        Self {
            id: schedule.id.to_string(),
            title: schedule.title.clone(),
            description: schedule.description.clone(),
            starts_at: to_ns(schedule.starts_at),
            ends_at: schedule.ends_at.map(to_ns),
            color: schedule.color,
            remind_at: schedule.remind_at.map(to_ns),
            created_by: NamedRow::new(&schedule.created_by),
            changed_at: to_ns(schedule.changed_at),
            rev: 0,
        }
    }

    /// As the next change of what was there.
    pub(super) fn after(self, before: Option<&Self>) -> Self {
        Self { rev: before.map_or(0, |before| before.rev) + 1, ..self }
    }

    pub(super) fn without_reminder(self) -> Self {
        Self { remind_at: None, ..self }
    }

    pub(super) fn schedule(self, server: &ServerId) -> ScheduleRecord {
        ScheduleRecord {
            id: ScheduleId::new(self.id),
            server: server.clone(),
            title: self.title,
            description: self.description,
            starts_at: from_ns(self.starts_at),
            ends_at: self.ends_at.map(from_ns),
            color: self.color,
            remind_at: self.remind_at.map(from_ns),
            created_by: self.created_by.user(),
            changed_at: from_ns(self.changed_at),
        }
    }
}

/// That an entry may remind at a time: it does if it says so itself.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ReminderRow {
    pub(super) server: String,
    pub(super) home: String,
    pub(super) schedule: String,
    pub(super) remind_at: i64,
    /// Of this writing of the row.
    pub(super) stamp: String,
    /// In seconds since 1970.
    pub(super) written_at: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UserRow {
    id: String,
    name: String,
    status: StatusCode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_seen: Option<i64>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StatusCode {
    Auto,
    Busy,
    Away,
}

impl UserRow {
    pub(super) fn new(user: &UserRecord) -> Self {
        Self {
            id: user.user.id.to_string(),
            name: user.user.name.clone(),
            status: match user.status {
                Status::Auto => StatusCode::Auto,
                Status::Busy => StatusCode::Busy,
                Status::Away => StatusCode::Away,
            },
            last_seen: user.last_seen.map(to_ns),
        }
    }

    pub(super) fn user(self) -> UserRecord {
        UserRecord {
            user: User { id: UserId::new(self.id), name: self.name },
            status: match self.status {
                StatusCode::Auto => Status::Auto,
                StatusCode::Busy => Status::Busy,
                StatusCode::Away => Status::Away,
            },
            last_seen: self.last_seen.map(from_ns),
        }
    }
}
