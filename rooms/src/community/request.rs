//! What is asked of a server, and what it answers. Plain values, checked by `limits` before anything is decided.

use super::role::Permissions;
use crate::store::{ChannelKind, MemberRecord, ServerTree, Status};
use crate::view::{Unread, User};
use crate::{CategoryId, ChannelId, InviteId, RoleId, ScheduleId, UserId};
use std::time::{Duration, SystemTime};

/// A request for a new server.
#[derive(Debug, Clone)]
pub struct CreateServer {
    /// 1–64 characters after trimming.
    pub name: String,
    /// An https address of at most 2,048 bytes.
    pub image_url: Option<String>,
    /// The same owner and nonce twice make one server.
    pub nonce: crate::store::Nonce,
    /// The names of what it begins with.
    pub defaults: DefaultNames,
}

/// What the default categories and channels are called, in the language of who makes the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultNames {
    pub text_category: String,
    pub text_channel: String,
    pub voice_category: String,
    pub voice_channel: String,
}

/// A change. `None` leaves a value as it is; in `Option<Option<_>>` the inner `None` takes it away.
#[derive(Debug, Clone)]
pub enum Command {
    UpdateServer {
        name: Option<String>,
        image_url: Option<Option<String>>,
    },
    /// Another member becomes the owner.
    HandOver {
        to: UserId,
    },
    DeleteServer,
    Leave,
    CreateChannel(NewChannel),
    UpdateChannel {
        channel: ChannelId,
        change: ChannelChange,
    },
    DeleteChannel {
        channel: ChannelId,
    },
    CreateCategory {
        name: String,
        position: Option<u32>,
    },
    UpdateCategory {
        category: CategoryId,
        name: Option<String>,
        position: Option<u32>,
    },
    DeleteCategory {
        category: CategoryId,
    },
    CreateRole {
        name: String,
        color: Option<u32>,
        permissions: Permissions,
        rank: u32,
    },
    UpdateRole {
        role: RoleId,
        name: Option<String>,
        color: Option<Option<u32>>,
        permissions: Option<Permissions>,
        rank: Option<u32>,
    },
    DeleteRole {
        role: RoleId,
    },
    UpdateMember {
        user: UserId,
        nickname: Option<Option<String>>,
        roles: Option<Vec<RoleId>>,
    },
    Kick {
        user: UserId,
    },
    Ban {
        user: UserId,
        reason: Option<String>,
    },
    Unban {
        user: UserId,
    },
    CreateInvite(NewInvite),
    RevokeInvite {
        invite: InviteId,
    },
    CreateSchedule(NewSchedule),
    UpdateSchedule {
        schedule: ScheduleId,
        to: NewSchedule,
    },
    DeleteSchedule {
        schedule: ScheduleId,
    },
}

/// A request for a channel.
#[derive(Debug, Clone)]
pub struct NewChannel {
    /// 1–64 characters after trimming.
    pub name: String,
    pub kind: ChannelKind,
    pub category: Option<CategoryId>,
    /// `None`: everyone reads it.
    pub private: Option<Private>,
    /// `None`: after all others of its category.
    pub position: Option<u32>,
    pub slow_mode: Option<Duration>,
}

/// What changes of a channel.
#[derive(Debug, Clone, Default)]
pub struct ChannelChange {
    pub name: Option<String>,
    /// Of a voice channel.
    pub capacity: Option<u8>,
    pub category: Option<Option<CategoryId>>,
    pub private: Option<Option<Private>>,
    pub position: Option<u32>,
    pub slow_mode: Option<Option<Duration>>,
    /// A JSON object. A backend's only.
    pub metadata: Option<Option<String>>,
}

/// Who reads a private channel, beside those who manage channels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Private {
    pub users: Vec<UserId>,
    pub roles: Vec<RoleId>,
}

/// A request for an invitation by link.
#[derive(Debug, Clone)]
pub struct NewInvite {
    /// `None`: the one that every member has.
    pub role: Option<RoleId>,
    /// 1 min – 365 days. `None`: it never expires.
    pub ttl: Option<Duration>,
    /// 1–10,000. `None`: any number.
    pub max_uses: Option<u32>,
}

/// A request for an entry of the calendar, or what it is to be from now on.
#[derive(Debug, Clone)]
pub struct NewSchedule {
    /// 1–64 characters after trimming.
    pub title: String,
    /// At most 4,000 characters.
    pub description: String,
    pub starts_at: SystemTime,
    /// Not before it starts.
    pub ends_at: Option<SystemTime>,
    /// 0xRRGGBB.
    pub color: Option<u32>,
    /// How long before the start the members are reminded. At most 28 days.
    pub remind_before: Option<Duration>,
}

/// A server as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerView {
    /// With the channels that the member reads.
    pub tree: ServerTree,
    pub me: MemberRecord,
    pub permissions: Permissions,
    /// Of the channels that the member reads, in the order of their ids.
    pub unread: Vec<Unread>,
    /// Who is in the calls of those channels.
    pub voices: Vec<(ChannelId, Vec<User>)>,
}

/// A member as the others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    pub record: MemberRecord,
    pub presence: Presence,
    /// When the last connection ended. `None` while connected, and for who hasn't been seen yet.
    pub last_seen: Option<SystemTime>,
}

/// How a member is seen now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceView {
    pub user: UserId,
    pub presence: Presence,
    /// As in [`MemberView`].
    pub last_seen: Option<SystemTime>,
}

/// How a member is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Presence {
    Online,
    /// Connected, and nobody touches anything.
    Idle,
    Busy,
    Away,
    Offline,
}

impl Presence {
    /// Of somebody who is connected.
    pub(crate) fn of(status: Status, is_active: impl FnOnce() -> bool) -> Self {
        match status {
            Status::Busy => Self::Busy,
            Status::Away => Self::Away,
            Status::Auto if is_active() => Self::Online,
            Status::Auto => Self::Idle,
        }
    }
}

/// Why somebody is no longer in a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DepartReason {
    /// By its own wish.
    Left,
    Kicked,
    Banned,
    /// The server is no more.
    Deleted,
}
