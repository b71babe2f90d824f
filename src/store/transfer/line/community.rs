//! Servers with their parts, and users, as lines.
//!
//! Invariant: every record comes back from its line as it was.

use super::{Line, Named, from_ns, text, to_ns};
use rooms::community::{Permissions, RoleKind};
use rooms::store::{
    Access, BanRecord, CategoryRecord, ChannelKind, ChannelRecord, CommunityRecord, InviteRecord, MemberRecord, RoleRecord, ScheduleRecord,
    ServerKind, ServerRecord, Status, UserRecord,
};
use rooms::{CategoryId, ChannelId, InviteId, RoleId, ScheduleId, ServerId, UserId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store::transfer) struct KnownUser {
    user: Named,
    status: Shown,
    last_seen_ns: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shown {
    Auto,
    Busy,
    Away,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store::transfer) struct Server {
    id: String,
    /// Of a direct one; others have none.
    subject: Option<String>,
    name: String,
    image_url: Option<String>,
    owner: Option<String>,
    created_at_ns: i64,
    version: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store::transfer) struct Role {
    server: String,
    id: String,
    role_kind: Kind,
    name: String,
    color: Option<u32>,
    /// One bit each.
    #[serde(serialize_with = "write_permissions", deserialize_with = "read_permissions")]
    permissions: Permissions,
    rank: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Admin,
    Moderator,
    Member,
    Guest,
    Custom,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store::transfer) struct Category {
    server: String,
    id: String,
    name: String,
    position: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store::transfer) struct Channel {
    server: String,
    id: String,
    category: Option<String>,
    /// Of a voice channel; others have none.
    seats: Option<u8>,
    name: String,
    position: u32,
    access: Readers,
    slow_mode_ns: Option<u64>,
    metadata: Option<String>,
    created_at_ns: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Readers {
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

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store::transfer) struct Member {
    server: String,
    user: Named,
    nickname: Option<String>,
    roles: Vec<String>,
    joined_at_ns: i64,
    since: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store::transfer) struct Ban {
    server: String,
    user: Named,
    by: Option<String>,
    reason: Option<String>,
    at_ns: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store::transfer) struct Invite {
    secret_hash: [u8; 32],
    id: String,
    server: String,
    role: String,
    created_by: Option<Named>,
    created_at_ns: i64,
    expires_at_ns: Option<i64>,
    max_uses: Option<u32>,
    uses: u32,
    revoked: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store::transfer) struct Schedule {
    server: String,
    id: String,
    title: String,
    description: String,
    starts_at_ns: i64,
    ends_at_ns: Option<i64>,
    color: Option<u32>,
    remind_at_ns: Option<i64>,
    created_by: Named,
    changed_at_ns: i64,
}

fn write_permissions<S: Serializer>(permissions: &Permissions, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u32(permissions.bits())
}

fn read_permissions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Permissions, D::Error> {
    let (bits, all) = (u32::deserialize(deserializer)?, Permissions::all().bits());
    Permissions::from_bits(bits).ok_or_else(|| D::Error::custom(format!("permissions = {bits}: allowed are the bits of {all}")))
}

impl From<CommunityRecord> for Line {
    fn from(record: CommunityRecord) -> Self {
        match record {
            CommunityRecord::User(user) => Self::User(user.into()),
            CommunityRecord::Server { server, version } => Self::Server(Server::of(server, version)),
            CommunityRecord::Role { server, role } => Self::Role(Role::of(&server, role)),
            CommunityRecord::Category { server, category: CategoryRecord { id, name, position } } => {
                Self::Category(Category { server: text(server.as_str()), id: text(id.as_str()), name, position })
            }
            CommunityRecord::Channel { server, channel } => Self::Channel(Channel::of(&server, channel)),
            CommunityRecord::Member(member) => Self::Member(member.into()),
            CommunityRecord::Ban(ban) => Self::Ban(ban.into()),
            CommunityRecord::Invite(invite) => Self::Invite(invite.into()),
            CommunityRecord::Schedule(schedule) => Self::Schedule(schedule.into()),
        }
    }
}

impl From<UserRecord> for KnownUser {
    fn from(known: UserRecord) -> Self {
        let status = match known.status {
            Status::Auto => Shown::Auto,
            Status::Busy => Shown::Busy,
            Status::Away => Shown::Away,
        };
        Self { user: known.user.into(), status, last_seen_ns: known.last_seen.map(to_ns) }
    }
}

impl From<KnownUser> for CommunityRecord {
    fn from(kept: KnownUser) -> Self {
        let status = match kept.status {
            Shown::Auto => Status::Auto,
            Shown::Busy => Status::Busy,
            Shown::Away => Status::Away,
        };
        Self::User(UserRecord { user: kept.user.into(), status, last_seen: kept.last_seen_ns.map(from_ns) })
    }
}

impl Server {
    fn of(server: ServerRecord, version: u64) -> Self {
        Self {
            id: text(server.id.as_str()),
            subject: match server.kind {
                ServerKind::Community => None,
                ServerKind::Direct { subject } => Some(subject),
            },
            name: server.name,
            image_url: server.image_url,
            owner: server.owner.map(|owner| text(owner.as_str())),
            created_at_ns: to_ns(server.created_at),
            version,
        }
    }
}

impl From<Server> for CommunityRecord {
    fn from(kept: Server) -> Self {
        let server = ServerRecord {
            id: ServerId::new(kept.id),
            kind: kept.subject.map_or(ServerKind::Community, |subject| ServerKind::Direct { subject }),
            name: kept.name,
            image_url: kept.image_url,
            owner: kept.owner.map(UserId::new),
            created_at: from_ns(kept.created_at_ns),
        };
        Self::Server { server, version: kept.version }
    }
}

impl Role {
    fn of(server: &ServerId, role: RoleRecord) -> Self {
        let role_kind = match role.kind {
            RoleKind::Admin => Kind::Admin,
            RoleKind::Moderator => Kind::Moderator,
            RoleKind::Member => Kind::Member,
            RoleKind::Guest => Kind::Guest,
            RoleKind::Custom => Kind::Custom,
        };
        let (server, id) = (text(server.as_str()), text(role.id.as_str()));
        Self { server, id, role_kind, name: role.name, color: role.color, permissions: role.permissions, rank: role.rank }
    }
}

impl From<Role> for CommunityRecord {
    fn from(kept: Role) -> Self {
        let kind = match kept.role_kind {
            Kind::Admin => RoleKind::Admin,
            Kind::Moderator => RoleKind::Moderator,
            Kind::Member => RoleKind::Member,
            Kind::Guest => RoleKind::Guest,
            Kind::Custom => RoleKind::Custom,
        };
        let role = RoleRecord {
            id: RoleId::new(kept.id),
            kind,
            name: kept.name,
            color: kept.color,
            permissions: kept.permissions,
            rank: kept.rank,
        };
        Self::Role { server: ServerId::new(kept.server), role }
    }
}

impl From<Category> for CommunityRecord {
    fn from(Category { server, id, name, position }: Category) -> Self {
        Self::Category { server: ServerId::new(server), category: CategoryRecord { id: CategoryId::new(id), name, position } }
    }
}

impl Channel {
    fn of(server: &ServerId, channel: ChannelRecord) -> Self {
        Self {
            server: text(server.as_str()),
            id: text(channel.id.as_str()),
            category: channel.category.map(|category| text(category.as_str())),
            seats: match channel.kind {
                ChannelKind::Text => None,
                ChannelKind::Voice { capacity } => Some(capacity),
            },
            name: channel.name,
            position: channel.position,
            access: channel.access.into(),
            slow_mode_ns: channel.slow_mode.map(|pause| u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX)),
            metadata: channel.metadata,
            created_at_ns: to_ns(channel.created_at),
        }
    }
}

impl From<Channel> for CommunityRecord {
    fn from(kept: Channel) -> Self {
        let channel = ChannelRecord {
            id: ChannelId::new(kept.id),
            category: kept.category.map(CategoryId::new),
            kind: kept.seats.map_or(ChannelKind::Text, |capacity| ChannelKind::Voice { capacity }),
            name: kept.name,
            position: kept.position,
            access: kept.access.into(),
            slow_mode: kept.slow_mode_ns.map(Duration::from_nanos),
            metadata: kept.metadata,
            created_at: from_ns(kept.created_at_ns),
        };
        Self::Channel { server: ServerId::new(kept.server), channel }
    }
}

impl From<Access> for Readers {
    fn from(access: Access) -> Self {
        let users = access.users.into_iter().map(|(user, since)| (text(user.as_str()), since)).collect();
        let roles = access.roles.into_iter().map(|(role, since)| (text(role.as_str()), since)).collect();
        match access.everyone {
            Some(since) => Self::Everyone { since, users, roles },
            None => Self::Listed { users, roles },
        }
    }
}

impl From<Readers> for Access {
    fn from(readers: Readers) -> Self {
        let (everyone, users, roles) = match readers {
            Readers::Everyone { since, users, roles } => (Some(since), users, roles),
            Readers::Listed { users, roles } => (None, users, roles),
        };
        let users = users.into_iter().map(|(user, since)| (UserId::new(user), since)).collect();
        Self { everyone, users, roles: roles.into_iter().map(|(role, since)| (RoleId::new(role), since)).collect() }
    }
}

impl From<MemberRecord> for Member {
    fn from(member: MemberRecord) -> Self {
        Self {
            server: text(member.server.as_str()),
            user: member.user.into(),
            nickname: member.nickname,
            roles: member.roles.iter().map(|role| text(role.as_str())).collect(),
            joined_at_ns: to_ns(member.joined_at),
            since: member.since.into_iter().map(|(channel, since)| (text(channel.as_str()), since)).collect(),
        }
    }
}

impl From<Member> for CommunityRecord {
    fn from(kept: Member) -> Self {
        Self::Member(MemberRecord {
            server: ServerId::new(kept.server),
            user: kept.user.into(),
            nickname: kept.nickname,
            roles: kept.roles.into_iter().map(RoleId::new).collect(),
            joined_at: from_ns(kept.joined_at_ns),
            since: kept.since.into_iter().map(|(channel, since)| (ChannelId::new(channel), since)).collect(),
        })
    }
}

impl From<BanRecord> for Ban {
    fn from(BanRecord { server, user, by, reason, at }: BanRecord) -> Self {
        let by = by.map(|by| text(by.as_str()));
        Self { server: text(server.as_str()), user: user.into(), by, reason, at_ns: to_ns(at) }
    }
}

impl From<Ban> for CommunityRecord {
    fn from(Ban { server, user, by, reason, at_ns }: Ban) -> Self {
        let (server, by) = (ServerId::new(server), by.map(UserId::new));
        Self::Ban(BanRecord { server, user: user.into(), by, reason, at: from_ns(at_ns) })
    }
}

impl From<InviteRecord> for Invite {
    fn from(invite: InviteRecord) -> Self {
        Self {
            secret_hash: invite.secret_hash,
            id: text(invite.id.as_str()),
            server: text(invite.server.as_str()),
            role: text(invite.role.as_str()),
            created_by: invite.created_by.map(Named::from),
            created_at_ns: to_ns(invite.created_at),
            expires_at_ns: invite.expires_at.map(to_ns),
            max_uses: invite.max_uses,
            uses: invite.uses,
            revoked: invite.revoked,
        }
    }
}

impl From<Invite> for CommunityRecord {
    fn from(kept: Invite) -> Self {
        Self::Invite(InviteRecord {
            secret_hash: kept.secret_hash,
            id: InviteId::new(kept.id),
            server: ServerId::new(kept.server),
            role: RoleId::new(kept.role),
            created_by: kept.created_by.map(Named::into),
            created_at: from_ns(kept.created_at_ns),
            expires_at: kept.expires_at_ns.map(from_ns),
            max_uses: kept.max_uses,
            uses: kept.uses,
            revoked: kept.revoked,
        })
    }
}

impl From<ScheduleRecord> for Schedule {
    fn from(schedule: ScheduleRecord) -> Self {
        Self {
            server: text(schedule.server.as_str()),
            id: text(schedule.id.as_str()),
            title: schedule.title,
            description: schedule.description,
            starts_at_ns: to_ns(schedule.starts_at),
            ends_at_ns: schedule.ends_at.map(to_ns),
            color: schedule.color,
            remind_at_ns: schedule.remind_at.map(to_ns),
            created_by: schedule.created_by.into(),
            changed_at_ns: to_ns(schedule.changed_at),
        }
    }
}

impl From<Schedule> for CommunityRecord {
    fn from(kept: Schedule) -> Self {
        Self::Schedule(ScheduleRecord {
            server: ServerId::new(kept.server),
            id: ScheduleId::new(kept.id),
            title: kept.title,
            description: kept.description,
            starts_at: from_ns(kept.starts_at_ns),
            ends_at: kept.ends_at_ns.map(from_ns),
            color: kept.color,
            remind_at: kept.remind_at_ns.map(from_ns),
            created_by: kept.created_by.into(),
            changed_at: from_ns(kept.changed_at_ns),
        })
    }
}
