//! The one table of who may what in a server. Pure: answers from the tree and a member's record, and nothing else.
//!
//! | who | may |
//! | --- | --- |
//! | a backend, and the owner | everything; only the owner and a backend delete the server or hand it over. Nobody removes the owner |
//! | a member | what the permissions of its roles say, to members and roles of lower rank than its own |
//! | anybody else | nothing: for them there is no such server |
//!
//! Invariant: a channel that somebody can't read is one that isn't there, whatever is asked of it.

use super::role::{Permission, Permissions, RoleKind};
use crate::permission::ChatRights;
use crate::store::{Access, ChannelRecord, InviteRecord, MemberRecord, RoleRecord, ScheduleRecord, ServerKind, ServerTree};
use crate::{Error, Result, RoleId};

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Actor<'a> {
    /// With an API key.
    Backend,
    Member(&'a MemberRecord),
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act<'a> {
    Read(&'a ChannelRecord),
    /// Take a seat in a voice channel.
    Connect(&'a ChannelRecord),
    /// Mute and remove people in a voice channel.
    MuteMembers(&'a ChannelRecord),
    ChangeServer,
    DeleteServer,
    /// Make somebody else the owner.
    HandOver,
    AddChannel,
    /// Or remove it.
    ChangeChannel(&'a ChannelRecord),
    ChangeCategories,
    AddRole {
        rank: u32,
        permissions: Permissions,
    },
    /// From what it is to these.
    ChangeRole {
        role: &'a RoleRecord,
        rank: u32,
        permissions: Permissions,
    },
    RemoveRole(&'a RoleRecord),
    /// The member has these roles from now on.
    Assign {
        member: &'a MemberRecord,
        roles: &'a [RoleId],
    },
    Rename(&'a MemberRecord),
    Kick(&'a MemberRecord),
    /// `None` for somebody who is no member.
    Ban(Option<&'a MemberRecord>),
    SeeBans,
    Unban,
    Invite {
        role: &'a RoleRecord,
    },
    SeeInvites,
    Revoke(&'a InviteRecord),
    Schedule,
    /// Or remove it.
    ChangeSchedule(&'a ScheduleRecord),
    Leave,
}

/// What somebody is in a server.
#[derive(Debug, Clone, Copy)]
struct Standing<'a> {
    actor: Actor<'a>,
    is_owner: bool,
    permissions: Permissions,
    rank: u32,
}

impl<'a> Standing<'a> {
    fn of(tree: &ServerTree, actor: Actor<'a>) -> Self {
        let Actor::Member(member) = actor else {
            return Self { actor, is_owner: true, permissions: Permissions::all(), rank: u32::MAX };
        };
        if is_owner(tree, member) {
            return Self { actor, is_owner: true, permissions: Permissions::all(), rank: u32::MAX };
        }
        let roles = || member.roles.iter().filter_map(|id| tree.roles.get(id));
        let permissions = roles().fold(Permissions::NONE, |all, role| all.and(role.permissions));
        Self { actor, is_owner: false, permissions, rank: roles().map(|role| role.rank).max().unwrap_or_default() }
    }

    fn is(&self, other: &MemberRecord) -> bool {
        matches!(self.actor, Actor::Member(member) if member.user.id == other.user.id)
    }

    fn needs(&self, permission: Permission) -> Result<()> {
        if self.permissions.allow(permission) { Ok(()) } else { Err(Error::Forbidden("none of your roles allows this")) }
    }

    /// Whether it stands above a rank.
    fn commands(&self, rank: u32) -> Result<()> {
        if self.rank > rank { Ok(()) } else { Err(Error::Forbidden("this is not below your own rank")) }
    }

    fn owns(&self) -> Result<()> {
        if self.is_owner { Ok(()) } else { Err(Error::Forbidden("only the server's owner may do this")) }
    }

    /// Nobody gives what it doesn't have.
    fn gives(&self, permissions: Permissions) -> Result<()> {
        if self.permissions.contain(permissions) {
            Ok(())
        } else {
            Err(Error::Forbidden("you don't have all of these permissions yourself"))
        }
    }

    fn reads(&self, channel: &ChannelRecord) -> Result<()> {
        let Access { everyone, users, roles } = &channel.access;
        let listed = match self.actor {
            Actor::Backend => true,
            Actor::Member(_) if everyone.is_some() => true,
            Actor::Member(member) => users.contains_key(&member.user.id) || member.roles.iter().any(|role| roles.contains_key(role)),
        };
        if listed || self.permissions.allow(Permission::ManageChannels) { Ok(()) } else { Err(Error::NotFound("channel")) }
    }
}

/// Whether the member owns the server.
pub(crate) fn is_owner(tree: &ServerTree, member: &MemberRecord) -> bool {
    tree.server.owner.as_ref() == Some(&member.user.id)
}

/// What the member may at all, whatever the rank of who is concerned.
pub(crate) fn permissions(tree: &ServerTree, member: &MemberRecord) -> Permissions {
    Standing::of(tree, Actor::Member(member)).permissions
}

/// Whether `actor` may do `act`.
///
/// # Errors
/// `NotFound` for a channel that it can't read, `Forbidden`, `Conflict` for an owner who wants to leave.
pub(crate) fn may(tree: &ServerTree, actor: Actor<'_>, act: Act<'_>) -> Result<()> {
    let who = Standing::of(tree, actor);
    match act {
        Act::Read(channel) => who.reads(channel),
        Act::Connect(channel) => who.reads(channel).and_then(|()| who.needs(Permission::Connect)),
        Act::MuteMembers(channel) => who.reads(channel).and_then(|()| who.needs(Permission::MuteMembers)),
        Act::ChangeServer => who.needs(Permission::ManageServer),
        Act::DeleteServer | Act::HandOver => who.owns(),
        Act::AddChannel | Act::ChangeCategories => who.needs(Permission::ManageChannels),
        Act::ChangeChannel(channel) => who.reads(channel).and_then(|()| who.needs(Permission::ManageChannels)),
        Act::AddRole { rank, permissions } => {
            who.needs(Permission::ManageRoles).and_then(|()| who.commands(rank)).and_then(|()| who.gives(permissions))
        }
        Act::ChangeRole { role, rank, permissions } => change_role(&who, role, rank, permissions),
        Act::RemoveRole(role) => remove_role(&who, role),
        Act::Assign { member, roles } => assign(tree, &who, member, roles),
        Act::Rename(member) if who.is(member) => direct_is_fixed(tree),
        Act::Rename(member) => who.needs(Permission::ManageNicknames).and_then(|()| above(tree, &who, member)),
        Act::Kick(member) => who.needs(Permission::Kick).and_then(|()| removes(tree, &who, member)),
        Act::Ban(member) => who.needs(Permission::Ban).and_then(|()| member.map_or(Ok(()), |member| removes(tree, &who, member))),
        Act::SeeBans | Act::Unban => who.needs(Permission::Ban),
        Act::Invite { role } => who.needs(Permission::Invite).and_then(|()| invite_as(&who, role)),
        Act::SeeInvites => who.needs(Permission::ManageInvites),
        Act::Revoke(invite) if by(&who, invite.created_by.as_ref().map(|user| &user.id)) => who.needs(Permission::Invite),
        Act::Revoke(_) => who.needs(Permission::ManageInvites),
        Act::Schedule => who.needs(Permission::Schedule),
        Act::ChangeSchedule(schedule) if by(&who, Some(&schedule.created_by.id)) => who.needs(Permission::Schedule),
        Act::ChangeSchedule(_) => who.needs(Permission::ManageSchedules),
        Act::Leave if who.is_owner => Err(Error::Conflict("the owner has to hand the server over first, or delete it")),
        Act::Leave => direct_is_fixed(tree),
    }
}

/// What `actor` may do with messages in a channel.
///
/// # Errors
/// `NotFound` for a channel that it can't read.
pub(crate) fn chat(tree: &ServerTree, actor: Actor<'_>, channel: &ChannelRecord) -> Result<ChatRights> {
    let who = Standing::of(tree, actor);
    who.reads(channel)?;
    let may = |permission| who.permissions.allow(permission);
    let (write, moderate) = (may(Permission::Send), may(Permission::ManageMessages));
    Ok(ChatRights { write, moderate, mention_everyone: may(Permission::MentionEveryone), note: may(Permission::Note) })
}

/// The number of the newest message when the member came to a channel that it reads: all up to it counts as read.
pub(crate) fn since(member: &MemberRecord, channel: &ChannelRecord) -> u64 {
    let came = member.since.get(&channel.id).copied().unwrap_or_default();
    let Access { everyone, users, roles } = &channel.access;
    let by_role = member.roles.iter().filter_map(|role| roles.get(role));
    // Who manages channels sees it without being listed.
    let let_in = users.get(&member.user.id).into_iter().chain(by_role).chain(everyone).min().copied().unwrap_or_default();
    came.max(let_in)
}

fn by(who: &Standing<'_>, creator: Option<&crate::UserId>) -> bool {
    matches!(who.actor, Actor::Member(member) if Some(&member.user.id) == creator)
}

fn above(tree: &ServerTree, who: &Standing<'_>, member: &MemberRecord) -> Result<()> {
    if who.is(member) {
        return Err(Error::Conflict("that is yourself"));
    }
    let other = Standing::of(tree, Actor::Member(member));
    if other.is_owner && matches!(who.actor, Actor::Member(_)) {
        return Err(Error::Forbidden("that is the server's owner"));
    }
    if matches!(who.actor, Actor::Backend) { Ok(()) } else { who.commands(other.rank) }
}

/// A server that has an owner keeps one.
fn removes(tree: &ServerTree, who: &Standing<'_>, member: &MemberRecord) -> Result<()> {
    above(tree, who, member)?;
    if is_owner(tree, member) {
        return Err(Error::Conflict("the server has to be handed over first, or deleted"));
    }
    Ok(())
}

fn change_role(who: &Standing<'_>, role: &RoleRecord, rank: u32, permissions: Permissions) -> Result<()> {
    who.needs(Permission::ManageRoles)?;
    who.commands(role.rank)?;
    who.commands(rank)?;
    who.gives(permissions)
}

fn remove_role(who: &Standing<'_>, role: &RoleRecord) -> Result<()> {
    who.needs(Permission::ManageRoles)?;
    who.commands(role.rank)?;
    match role.kind {
        RoleKind::Custom => Ok(()),
        RoleKind::Admin | RoleKind::Moderator | RoleKind::Member | RoleKind::Guest => {
            Err(Error::Conflict("the roles that a server begins with stay"))
        }
    }
}

/// Of the roles that are given or taken each is below one's own, and so is the member; for oneself one's rank is enough.
fn assign(tree: &ServerTree, who: &Standing<'_>, member: &MemberRecord, roles: &[RoleId]) -> Result<()> {
    who.needs(Permission::ManageRoles)?;
    if !who.is(member) {
        above(tree, who, member)?;
    }
    let role = |id| tree.roles.get(id).ok_or(Error::NotFound("role"));
    for given in roles.iter().filter(|role| !member.roles.contains(role)) {
        who.commands(role(given)?.rank)?;
        who.gives(role(given)?.permissions)?;
    }
    // One that is gone meanwhile is no role any more.
    let mut taken = member.roles.iter().filter(|held| !roles.contains(held)).filter_map(|held| tree.roles.get(held));
    taken.try_for_each(|role| who.commands(role.rank))
}

/// Whoever joins gets a role of lower rank than that of who invites, or the one that every member has.
fn invite_as(who: &Standing<'_>, role: &RoleRecord) -> Result<()> {
    match role.kind {
        RoleKind::Member | RoleKind::Guest => who.gives(role.permissions),
        RoleKind::Admin | RoleKind::Moderator | RoleKind::Custom => {
            who.needs(Permission::ManageRoles)?;
            who.commands(role.rank)?;
            who.gives(role.permissions)
        }
    }
}

fn direct_is_fixed(tree: &ServerTree) -> Result<()> {
    match tree.server.kind {
        ServerKind::Community => Ok(()),
        ServerKind::Direct { .. } => Err(Error::Forbidden("the members of a direct channel are its backend's affair")),
    }
}

#[cfg(test)]
mod tests;
