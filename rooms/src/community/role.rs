//! Roles: named sets of permissions, in an order of rank.
//!
//! Invariant: a member may do what any of its roles allows; its rank is that of its highest role.

use crate::store::RoleRecord;
use crate::{RoleId, ServerId};
use std::fmt;

/// Something that a role can allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Permission {
    /// Write in the channels that one sees.
    Send,
    /// Join voice channels.
    Connect,
    /// Invite others.
    Invite,
    /// Add entries to the calendar, and change own ones.
    Schedule,
    /// Start meeting notes.
    Note,
    /// Mention everyone, and roles.
    MentionEveryone,
    /// Delete and pin what others wrote; write without waiting in slow channels.
    ManageMessages,
    /// Mute others and remove them from voice channels.
    MuteMembers,
    /// Remove members of lower rank.
    Kick,
    /// Remove members of lower rank for good.
    Ban,
    /// See and revoke everybody's invitations.
    ManageInvites,
    /// Change everybody's entries of the calendar.
    ManageSchedules,
    /// Give nicknames to members of lower rank.
    ManageNicknames,
    /// Create, change and delete channels and categories, and see private ones.
    ManageChannels,
    /// Create, change, delete and assign roles of lower rank.
    ManageRoles,
    /// Change the server's name and image.
    ManageServer,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Send,
        Self::Connect,
        Self::Invite,
        Self::Schedule,
        Self::Note,
        Self::MentionEveryone,
        Self::ManageMessages,
        Self::MuteMembers,
        Self::Kick,
        Self::Ban,
        Self::ManageInvites,
        Self::ManageSchedules,
        Self::ManageNicknames,
        Self::ManageChannels,
        Self::ManageRoles,
        Self::ManageServer,
    ];

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Permissions(u32);

impl Permissions {
    /// What everyone may who is a member at all: read.
    pub const NONE: Self = Self(0);

    /// Those of a list.
    pub const fn of(list: &[Permission]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < list.len() {
            bits |= list[index].bit();
            index += 1;
        }
        Self(bits)
    }

    /// Every permission that there is.
    pub const fn all() -> Self {
        Self::of(&Permission::ALL)
    }

    /// Whether `permission` is among them.
    pub const fn allow(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether all of `others` are among them.
    pub const fn contain(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// These and `others`.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// One by one.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.allow(*permission))
    }

    /// As they are kept: bit n is the nth of [`Permission::ALL`].
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The inverse of [`Permissions::bits`]. `None` for bits that no permission has.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !Self::all().0 == 0 { Some(Self(bits)) } else { None }
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// What a role is to its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoleKind {
    Admin,
    Moderator,
    /// What members get when they join.
    Member,
    /// What members get who join by an invitation that says so.
    Guest,
    /// Made by people. The only kind that can be deleted.
    Custom,
}

/// Ranks of the default roles leave room between them.
const RANK_STEP: u32 = 100;

/// The roles that every community begins with, lowest rank first. The owner needs none.
pub(crate) fn defaults(server: &ServerId) -> Vec<RoleRecord> {
    use Permission as P;
    const GUEST: Permissions = Permissions::of(&[P::Send, P::Connect]);
    const MEMBER: Permissions = GUEST.and(Permissions::of(&[P::Invite, P::Schedule, P::Note]));
    const MODERATOR: Permissions = MEMBER.and(Permissions::of(&[
        P::MentionEveryone,
        P::ManageMessages,
        P::MuteMembers,
        P::Kick,
        P::Ban,
        P::ManageInvites,
        P::ManageSchedules,
        P::ManageNicknames,
    ]));
    let role = |(index, (kind, name, permissions)): (usize, (RoleKind, &str, Permissions))| RoleRecord {
        id: default_role(server, kind),
        kind,
        name: name.to_owned(),
        color: None,
        permissions,
        rank: (index as u32 + 1) * RANK_STEP,
    };
    [
        (RoleKind::Guest, "guest", GUEST),
        (RoleKind::Member, "member", MEMBER),
        (RoleKind::Moderator, "moderator", MODERATOR),
        (RoleKind::Admin, "admin", Permissions::all()),
    ]
    .into_iter()
    .enumerate()
    .map(role)
    .collect()
}

/// The role of the two people of a direct channel.
pub(crate) fn party(server: &ServerId) -> RoleRecord {
    let permissions = Permissions::of(&[Permission::Send, Permission::Connect]);
    let (id, kind) = (default_role(server, RoleKind::Member), RoleKind::Member);
    RoleRecord { id, kind, name: "party".to_owned(), color: None, permissions, rank: RANK_STEP }
}

/// The id of a role that a server began with.
fn default_role(server: &ServerId, kind: RoleKind) -> RoleId {
    let name = match kind {
        RoleKind::Admin => "admin",
        RoleKind::Moderator => "moderator",
        RoleKind::Member => "member",
        RoleKind::Guest => "guest",
        RoleKind::Custom => "custom",
    };
    RoleId::new(format!("role_{name}_{}", server.as_str().trim_start_matches("srv_")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_permission_has_a_bit_of_its_own_that_survives_being_kept() {
        assert_eq!(Permissions::all().iter().count(), Permission::ALL.len());
        for permission in Permission::ALL {
            let one = Permissions::of(&[permission]);
            assert_eq!(Permissions::from_bits(one.bits()), Some(one));
            assert!(one.allow(permission) && one.iter().eq([permission]));
        }
        assert_eq!(Permissions::from_bits(1 << 16), None);
    }

    #[test]
    fn each_default_role_may_what_those_below_it_may() {
        let roles = defaults(&ServerId::new("srv_1"));
        for pair in roles.windows(2) {
            assert!(pair[0].rank < pair[1].rank && pair[1].permissions.contain(pair[0].permissions), "{pair:?}");
        }
    }
}
