//! Servers and meeting notes between the domain and the wire.

use super::community as wire;
use super::convert::rfc3339;
use super::error::WireError;
use super::notes;
use rooms::community::{self, ChannelChange, Command};
use rooms::store::{self, Access, ServerTree};
use rooms::{CategoryId, ChannelId, InviteId, RoleId, ScheduleId, UserId, view};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Seats of a voice channel when the client doesn't say.
const VOICE_CAPACITY: u8 = 4;

/// The beginning of the year 2200, after 1970.
const YEAR_2200_MS: u64 = 7_258_118_400_000;

macro_rules! same_variants {
    ($($ours:path = $theirs:path { $($variant:ident),* $(,)? })*) => {$(
        impl From<$theirs> for $ours {
            fn from(value: $theirs) -> Self {
                match value { $(<$theirs>::$variant => Self::$variant,)* }
            }
        }

        impl From<$ours> for $theirs {
            fn from(value: $ours) -> Self {
                match value { $(<$ours>::$variant => Self::$variant,)* }
            }
        }
    )*};
}

same_variants! {
    wire::Permission = community::Permission {
        Send, Connect, Invite, Schedule, Note, MentionEveryone, ManageMessages, MuteMembers, Kick, Ban, ManageInvites, ManageSchedules,
        ManageNicknames, ManageChannels, ManageRoles, ManageServer,
    }
    wire::RoleKind = community::RoleKind { Admin, Moderator, Member, Guest, Custom }
    wire::Presence = community::Presence { Online, Idle, Busy, Away, Offline }
    wire::Status = store::Status { Auto, Busy, Away }
    wire::DepartReason = community::DepartReason { Left, Kicked, Banned, Deleted }
}

impl From<view::User> for wire::Person {
    fn from(user: view::User) -> Self {
        Self { id: user.id.to_string(), name: user.name }
    }
}

impl From<view::Unread> for wire::Unread {
    fn from(unread: view::Unread) -> Self {
        let view::Unread { channel, head, read, unread, mentions } = unread;
        Self { channel: channel.to_string(), head_seq: head, read_seq: read, unread, mentions }
    }
}

impl From<store::ServerRecord> for wire::ServerInfo {
    fn from(server: store::ServerRecord) -> Self {
        Self {
            id: server.id.to_string(),
            name: server.name,
            image_url: server.image_url,
            owner: server.owner.map(|owner| owner.to_string()),
            subject: match server.kind {
                store::ServerKind::Community => None,
                store::ServerKind::Direct { subject } => Some(subject),
            },
            created_at: rfc3339(server.created_at),
        }
    }
}

impl From<store::RoleRecord> for wire::Role {
    fn from(role: store::RoleRecord) -> Self {
        let store::RoleRecord { id, kind, name, color, permissions, rank } = role;
        Self { id: id.to_string(), kind: kind.into(), name, color, permissions: written(permissions), rank }
    }
}

impl From<store::CategoryRecord> for wire::Category {
    fn from(category: store::CategoryRecord) -> Self {
        Self { id: category.id.to_string(), name: category.name, position: category.position }
    }
}

impl From<store::ChannelRecord> for wire::Channel {
    fn from(channel: store::ChannelRecord) -> Self {
        let (kind, capacity) = match channel.kind {
            store::ChannelKind::Text => (wire::ChannelKind::Text, None),
            store::ChannelKind::Voice { capacity } => (wire::ChannelKind::Voice, Some(capacity)),
        };
        let Access { everyone, users, roles } = channel.access;
        let private = everyone.is_none().then(|| wire::Private {
            users: users.into_keys().map(|user| user.to_string()).collect(),
            roles: roles.into_keys().map(|role| role.to_string()).collect(),
        });
        Self {
            id: channel.id.to_string(),
            kind,
            name: channel.name,
            category: channel.category.map(|category| category.to_string()),
            position: channel.position,
            private,
            capacity,
            slow_mode_s: channel.slow_mode.map(|pause| u32::try_from(pause.as_secs()).unwrap_or(u32::MAX)),
            // It was checked when it was taken; what isn't an object any more is nobody's.
            metadata: channel.metadata.and_then(|json| serde_json::from_str(&json).ok()),
        }
    }
}

impl From<community::ServerView> for wire::Server {
    fn from(view: community::ServerView) -> Self {
        let community::ServerView { tree, me, permissions, unread, voices } = view;
        let ServerTree { server, roles, categories, channels, version: _ } = tree;
        let mut channels: Vec<wire::Channel> = channels.into_values().map(Into::into).collect();
        channels.sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
        let voice = |(channel, people): (ChannelId, Vec<view::User>)| voice(&channel, people);
        Self {
            info: server.into(),
            roles: wire_roles(roles.into_values().collect()),
            categories: wire_categories(categories.into_values().collect()),
            channels,
            unread: unread.into_iter().map(Into::into).collect(),
            voices: voices.into_iter().map(voice).collect(),
            me: wire::Membership {
                roles: me.roles.iter().map(ToString::to_string).collect(),
                nickname: me.nickname,
                user: me.user.into(),
                permissions: written(permissions),
            },
        }
    }
}

/// Highest rank first.
pub(crate) fn wire_roles(mut roles: Vec<store::RoleRecord>) -> Vec<wire::Role> {
    roles.sort_by(|a, b| (b.rank, &a.id).cmp(&(a.rank, &b.id)));
    roles.into_iter().map(Into::into).collect()
}

/// In the order to show them.
pub(crate) fn wire_categories(mut categories: Vec<store::CategoryRecord>) -> Vec<wire::Category> {
    categories.sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
    categories.into_iter().map(Into::into).collect()
}

/// Who is in a call.
pub(crate) fn voice(channel: &ChannelId, people: Vec<view::User>) -> wire::Voice {
    wire::Voice { channel: channel.to_string(), people: people.into_iter().map(Into::into).collect() }
}

impl From<community::MemberView> for wire::Member {
    fn from(member: community::MemberView) -> Self {
        let community::MemberView { record, presence, last_seen } = member;
        Self {
            user: record.user.into(),
            nickname: record.nickname,
            roles: record.roles.iter().map(ToString::to_string).collect(),
            joined_at: rfc3339(record.joined_at),
            presence: presence.into(),
            last_seen: last_seen.map(rfc3339),
        }
    }
}

impl From<community::PresenceView> for wire::MemberPresence {
    fn from(view: community::PresenceView) -> Self {
        Self { user: view.user.to_string(), presence: view.presence.into(), last_seen: view.last_seen.map(rfc3339) }
    }
}

impl From<store::BanRecord> for wire::Ban {
    fn from(ban: store::BanRecord) -> Self {
        Self { user: ban.user.into(), by: ban.by.map(|by| by.to_string()), reason: ban.reason, at: rfc3339(ban.at) }
    }
}

impl From<store::InviteRecord> for wire::Invite {
    fn from(invite: store::InviteRecord) -> Self {
        Self {
            id: invite.id.to_string(),
            server: invite.server.to_string(),
            role: invite.role.to_string(),
            created_by: invite.created_by.map(Into::into),
            created_at: rfc3339(invite.created_at),
            expires_at: invite.expires_at.map(rfc3339),
            max_uses: invite.max_uses,
            uses: invite.uses,
        }
    }
}

impl From<rooms::InvitePreview> for wire::InvitePreview {
    fn from(preview: rooms::InvitePreview) -> Self {
        Self {
            server: preview.server.into(),
            members: u32::try_from(preview.members).unwrap_or(u32::MAX),
            invited_by: preview.invited_by,
            expires_at: preview.expires_at.map(rfc3339),
        }
    }
}

impl From<store::ScheduleRecord> for wire::Schedule {
    fn from(schedule: store::ScheduleRecord) -> Self {
        Self {
            id: schedule.id.to_string(),
            server: schedule.server.to_string(),
            title: schedule.title,
            description: schedule.description,
            starts_at: rfc3339(schedule.starts_at),
            ends_at: schedule.ends_at.map(rfc3339),
            color: schedule.color,
            remind_at: schedule.remind_at.map(rfc3339),
            created_by: schedule.created_by.into(),
        }
    }
}

impl From<store::NoteRecord> for notes::Note {
    fn from(note: store::NoteRecord) -> Self {
        Self {
            id: note.id.to_string(),
            channel: note.channel.to_string(),
            name: note.name,
            started_by: note.started_by.into(),
            started_at: rfc3339(note.started_at),
            ended_at: note.ended_at.map(rfc3339),
            lines: note.lines,
        }
    }
}

impl From<store::NoteLine> for notes::NoteLine {
    fn from(line: store::NoteLine) -> Self {
        Self { seq: line.seq, speaker: line.speaker.into(), text: line.text, at: rfc3339(line.at) }
    }
}

impl From<notes::NoteFormat> for rooms::NoteFormat {
    fn from(format: notes::NoteFormat) -> Self {
        match format {
            notes::NoteFormat::Markdown => Self::Markdown,
            notes::NoteFormat::Text => Self::Text,
        }
    }
}

impl From<wire::ServerCreate> for community::CreateServer {
    fn from(request: wire::ServerCreate) -> Self {
        let defaults = match request.defaults {
            Some(wire::DefaultNames { text_category, text_channel, voice_category, voice_channel }) => {
                community::DefaultNames { text_category, text_channel, voice_category, voice_channel }
            }
            None => community::DefaultNames {
                text_category: "Text".to_owned(),
                text_channel: "general".to_owned(),
                voice_category: "Voice".to_owned(),
                voice_channel: "lounge".to_owned(),
            },
        };
        Self { name: request.name, image_url: request.image_url, nonce: store::Nonce(request.nonce), defaults }
    }
}

impl From<wire::Private> for community::Private {
    fn from(private: wire::Private) -> Self {
        Self { users: private.users.into_iter().map(UserId::new).collect(), roles: private.roles.into_iter().map(RoleId::new).collect() }
    }
}

impl From<wire::ChannelCreate> for Command {
    fn from(request: wire::ChannelCreate) -> Self {
        let wire::ChannelCreate { server: _, name, kind, capacity, category, private, position, slow_mode_s } = request;
        let kind = match kind {
            wire::ChannelKind::Text => store::ChannelKind::Text,
            wire::ChannelKind::Voice => store::ChannelKind::Voice { capacity: capacity.unwrap_or(VOICE_CAPACITY) },
        };
        Self::CreateChannel(community::NewChannel {
            name,
            kind,
            category: category.map(CategoryId::new),
            private: private.map(Into::into),
            position,
            slow_mode: slow_mode_s.map(seconds),
        })
    }
}

impl From<wire::ChannelUpdate> for Command {
    fn from(request: wire::ChannelUpdate) -> Self {
        let wire::ChannelUpdate { server: _, channel, name, capacity, category, private, position, slow_mode_s } = request;
        let change = ChannelChange {
            name,
            capacity,
            category: category.map(|category| category.map(CategoryId::new)),
            private: private.map(|private| private.map(Into::into)),
            position,
            slow_mode: slow_mode_s.map(|pause| pause.map(seconds)),
            metadata: None,
        };
        Self::UpdateChannel { channel: ChannelId::new(channel), change }
    }
}

impl From<wire::RoleCreate> for Command {
    fn from(request: wire::RoleCreate) -> Self {
        let wire::RoleCreate { server: _, name, color, permissions, rank } = request;
        Self::CreateRole { name, color, permissions: read(&permissions), rank }
    }
}

impl From<wire::RoleUpdate> for Command {
    fn from(request: wire::RoleUpdate) -> Self {
        let wire::RoleUpdate { server: _, role, name, color, permissions, rank } = request;
        Self::UpdateRole { role: RoleId::new(role), name, color, permissions: permissions.as_deref().map(read), rank }
    }
}

impl From<wire::MemberUpdate> for Command {
    fn from(request: wire::MemberUpdate) -> Self {
        let wire::MemberUpdate { server: _, user, nickname, roles } = request;
        let roles = roles.map(|roles| roles.into_iter().map(RoleId::new).collect());
        Self::UpdateMember { user: UserId::new(user), nickname, roles }
    }
}

impl From<wire::InviteCreate> for community::NewInvite {
    fn from(request: wire::InviteCreate) -> Self {
        Self { role: request.role.map(RoleId::new), ttl: request.ttl_s.map(Duration::from_secs), max_uses: request.max_uses }
    }
}

impl From<wire::InviteRevoke> for Command {
    fn from(request: wire::InviteRevoke) -> Self {
        Self::RevokeInvite { invite: InviteId::new(request.invite) }
    }
}

impl TryFrom<wire::NewSchedule> for community::NewSchedule {
    type Error = WireError;

    fn try_from(schedule: wire::NewSchedule) -> Result<Self, WireError> {
        let wire::NewSchedule { title, description, starts_at, ends_at, color, remind_before_s } = schedule;
        let starts_at = instant("starts_at", &starts_at)?;
        let ends_at = ends_at.map(|ends_at| instant("ends_at", &ends_at)).transpose()?;
        Ok(Self { title, description, starts_at, ends_at, color, remind_before: remind_before_s.map(Duration::from_secs) })
    }
}

impl TryFrom<wire::ScheduleUpdate> for Command {
    type Error = WireError;

    fn try_from(request: wire::ScheduleUpdate) -> Result<Self, WireError> {
        Ok(Self::UpdateSchedule { schedule: ScheduleId::new(request.id), to: request.schedule.try_into()? })
    }
}

/// A time of the wire, to the millisecond, in the years that a calendar can have.
pub(crate) fn instant(field: &str, text: &str) -> Result<SystemTime, WireError> {
    let wrong = || WireError::invalid(format!("{field}: is no RFC 3339 time of the years 1970 to 2199"));
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
    let ms = u64::try_from(time.unix_timestamp_nanos() / 1_000_000).map_err(|_| wrong())?;
    if ms >= YEAR_2200_MS {
        return Err(wrong());
    }
    Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(ms))
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

fn written(permissions: community::Permissions) -> Vec<wire::Permission> {
    permissions.iter().map(Into::into).collect()
}

fn read(permissions: &[wire::Permission]) -> community::Permissions {
    let list: Vec<community::Permission> = permissions.iter().map(|permission| (*permission).into()).collect();
    community::Permissions::of(&list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_any_offset_and_nothing_else_is() {
        let utc = instant("from", "2026-11-21T12:00:00Z").unwrap();
        assert_eq!(instant("from", "2026-11-21T21:00:00+09:00").unwrap(), utc);
        for text in ["", "tomorrow", "2026-11-21", "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"] {
            assert!(instant("from", text).unwrap_err().message.starts_with("from: "), "{text}");
        }
    }

    #[test]
    fn what_is_absent_stays_and_null_takes_away() {
        let update = |json: &str| serde_json::from_str::<wire::ChannelUpdate>(json).unwrap();
        assert_eq!(update(r#"{"server":"s","channel":"c"}"#).slow_mode_s, None);
        assert_eq!(update(r#"{"server":"s","channel":"c","slow_mode_s":null}"#).slow_mode_s, Some(None));
        assert_eq!(update(r#"{"server":"s","channel":"c","slow_mode_s":5}"#).slow_mode_s, Some(Some(5)));
    }
}
