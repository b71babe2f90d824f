//! What commands about roles and members write. Pure.

use super::{By, Context, Write};
use crate::community::policy::{self, Act, Actor};
use crate::community::request::DepartReason;
use crate::community::role::Permissions;
use crate::limits;
use crate::store::{BanRecord, ChannelRecord, MemberRecord, RoleRecord, ServerTree, TreeChange};
use crate::view::User;
use crate::{ChannelId, Result, RoleId, UserId};
use std::collections::HashMap;
use std::time::SystemTime;

/// Members for whom a change of a role or of the owner marks as read what was written in channels that it shows them; for any further ones it
/// is unread. So many take a store about a second.
const GRANTED_MEMBERS: usize = 500;

/// What is to be another of a role.
pub(super) struct RoleChange {
    pub(super) name: Option<String>,
    pub(super) color: Option<Option<u32>>,
    pub(super) permissions: Option<Permissions>,
    pub(super) rank: Option<u32>,
}

impl Context<'_> {
    pub(super) fn create_role(&self, actor: Actor<'_>, mut role: RoleRecord) -> Result<Write> {
        self.may(actor, Act::AddRole { rank: role.rank, permissions: role.permissions })?;
        limits::count("roles", self.tree.roles.len() + 1, limits::ROLES_MAX)?;
        limits::color(role.color)?;
        role.name = limits::name("name", &role.name)?;
        Ok(Write::Tree(vec![TreeChange::PutRole(role)]))
    }

    pub(super) fn update_role(&self, actor: Actor<'_>, id: &RoleId, change: RoleChange, heads: &HashMap<ChannelId, u64>) -> Result<Write> {
        let mut role = self.role(id)?.clone();
        let (permissions, rank) = (change.permissions.unwrap_or(role.permissions), change.rank.unwrap_or(role.rank));
        self.may(actor, Act::ChangeRole { role: &role, rank, permissions })?;
        (role.permissions, role.rank) = (permissions, rank);
        if let Some(name) = change.name {
            role.name = limits::name("name", &name)?;
        }
        if let Some(color) = change.color {
            limits::color(color)?;
            role.color = color;
        }
        Ok(self.granting(TreeChange::PutRole(role), heads))
    }

    pub(super) fn delete_role(&self, actor: Actor<'_>, id: RoleId) -> Result<Write> {
        self.may(actor, Act::RemoveRole(self.role(&id)?))?;
        Ok(Write::Tree(vec![TreeChange::RemoveRole(id)]))
    }

    pub(super) fn update_member(
        &self,
        actor: Actor<'_>,
        user: &UserId,
        nickname: Option<Option<String>>,
        roles: Option<Vec<RoleId>>,
        heads: &HashMap<ChannelId, u64>,
    ) -> Result<Write> {
        let before = self.member(user)?;
        let mut member = before.clone();
        // Who changes nothing needs a right all the same: everyone is told of it.
        if nickname.is_some() || roles.is_none() {
            self.may(actor, Act::Rename(before))?;
        }
        if let Some(nickname) = nickname {
            member.nickname = nickname.map(|nickname| limits::name("nickname", &nickname)).transpose()?;
        }
        if let Some(mut roles) = roles {
            limits::count("roles", roles.len(), limits::ROLES_MAX)?;
            roles.sort();
            roles.dedup();
            self.may(actor, Act::Assign { member: before, roles: &roles })?;
            member.roles = roles;
            self.come_to_channels(before, &mut member, heads);
        }
        Ok(Write::Member(member))
    }

    /// What was written in a channel before its new roles showed it to the member counts as read.
    fn come_to_channels(&self, before: &MemberRecord, member: &mut MemberRecord, heads: &HashMap<ChannelId, u64>) {
        let since = came_to((self.tree, before), (self.tree, member), heads);
        member.since.extend(since);
    }

    /// A change that may show channels to members: what was written there before counts as read.
    pub(super) fn granting(&self, change: TreeChange, heads: &HashMap<ChannelId, u64>) -> Write {
        let mut tree = self.tree.clone();
        tree.change(vec![change.clone()]);
        let came = |before: &MemberRecord| {
            let since = came_to((self.tree, before), (&tree, before), heads);
            let (came, mut member) = (!since.is_empty(), before.clone());
            member.since.extend(since);
            came.then_some(member)
        };
        let mut members: Vec<MemberRecord> = self.members.values().filter_map(came).take(GRANTED_MEMBERS).collect();
        members.sort_by(|a, b| a.user.id.cmp(&b.user.id));
        let changes = vec![change];
        if members.is_empty() { Write::Tree(changes) } else { Write::Grant { changes, members } }
    }

    pub(super) fn kick(&self, actor: Actor<'_>, user: UserId) -> Result<Write> {
        self.may(actor, Act::Kick(self.member(&user)?))?;
        Ok(self.removal(user, DepartReason::Kicked, None))
    }

    pub(super) fn ban(&self, actor: Actor<'_>, by: &By, user: UserId, reason: Option<String>, at: SystemTime) -> Result<Write> {
        let member = self.members.get(&user);
        self.may(actor, Act::Ban(member))?;
        reason.as_deref().map(|reason| limits::description("reason", reason, limits::REASON_CHARS_MAX)).transpose()?;
        let name = member.map_or_else(String::new, |member| member.user.name.clone());
        let banned = User { id: user.clone(), name };
        let by = by.user().map(|user| user.id.clone());
        let ban = BanRecord { server: self.tree.server.id.clone(), user: banned, by, reason, at };
        Ok(self.removal(user, DepartReason::Banned, Some(ban)))
    }

    /// A member goes, and with it what channels say of it by name.
    pub(super) fn removal(&self, user: UserId, reason: DepartReason, ban: Option<BanRecord>) -> Write {
        let without = |channel: &ChannelRecord| {
            let mut channel = channel.clone();
            channel.access.users.remove(&user).map(|_| TreeChange::PutChannel(channel))
        };
        let unlist = self.tree.channels.values().filter_map(without).collect();
        Write::Remove { user, reason, ban, unlist }
    }
}

/// The numbers from which a member reads channels as it is then: the newest in those that it didn't read before, and where it was in those
/// that would show it more.
fn came_to(
    before: (&ServerTree, &MemberRecord),
    then: (&ServerTree, &MemberRecord),
    heads: &HashMap<ChannelId, u64>,
) -> Vec<(ChannelId, u64)> {
    let reads = |(tree, member): (&ServerTree, &MemberRecord), channel: &ChannelRecord| {
        policy::may(tree, Actor::Member(member), Act::Read(channel)).is_ok()
    };
    let came = |channel: &ChannelRecord| {
        if !reads(then, channel) {
            return None;
        }
        let earlier = before.0.channels.get(&channel.id).filter(|channel| reads(before, channel));
        let since = earlier.map(|channel| policy::since(before.1, channel));
        match since {
            Some(since) => (policy::since(then.1, channel) < since).then_some(since),
            None => Some(heads.get(&channel.id).copied().unwrap_or_default()),
        }
        .map(|since| (channel.id.clone(), since))
    };
    then.0.channels.values().filter_map(came).collect()
}
