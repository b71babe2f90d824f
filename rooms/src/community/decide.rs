//! From a command to what is to be written, or why not. Pure: nothing changes until the write is done.
//!
//! Invariant: every command passes [`policy::may`] before anything of it is looked at further.

mod channels;
mod entries;
mod members;

use super::fetch::Fetched;
use super::policy::{self, Act, Actor};
use super::request::{Command, DepartReason};
use super::role::RoleKind;
use crate::limits;
use crate::store::{
    BanRecord, ChannelRecord, InviteRecord, MemberRecord, RoleRecord, ScheduleRecord, ServerRecord, ServerTree, Store, StoreError,
    TreeChange, Updated,
};
use crate::view::User;
use crate::{CategoryId, ChannelId, Error, InviteId, Result, RoleId, ScheduleId, ServerId, UserId};
use entries::Fresh;
use members::RoleChange;
use std::collections::HashMap;
use std::time::SystemTime;

/// One operation of the store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Write {
    Tree(Vec<TreeChange>),
    /// Lets these members into channels by that, who have come to them with it.
    Grant {
        changes: Vec<TreeChange>,
        members: Vec<MemberRecord>,
    },
    Member(MemberRecord),
    /// `unlist` takes the user off the channels' lists: who comes again is let into none of them by that.
    Remove {
        user: UserId,
        reason: DepartReason,
        ban: Option<BanRecord>,
        unlist: Vec<TreeChange>,
    },
    Unban(UserId),
    Invite(InviteRecord),
    Revoke(InviteId),
    Schedule(ScheduleRecord),
    Unschedule(ScheduleId),
    Delete,
}

impl Write {
    /// Does it. `version` is that of the tree on which it was decided.
    ///
    /// # Errors
    /// As the store says. It may have happened, or a part of it.
    pub(super) async fn store(&self, store: &dyn Store, server: &ServerId, version: u64) -> std::result::Result<Updated, StoreError> {
        match self.clone() {
            Self::Tree(changes) => return store.update_server(server, version, changes).await,
            Self::Grant { changes, members } => {
                // The members first: what they have come to without reading it is of no use to them.
                for member in members {
                    if !store.update_member(member).await? {
                        return Ok(Updated::Stale);
                    }
                }
                return store.update_server(server, version, changes).await;
            }
            Self::Member(member) => {
                // False where somebody else has removed the member.
                return Ok(if store.update_member(member).await? { Updated::Done } else { Updated::Stale });
            }
            Self::Remove { user, ban, unlist, .. } => {
                if !unlist.is_empty() {
                    let unlisted = store.update_server(server, version, unlist).await?;
                    if unlisted != Updated::Done {
                        return Ok(unlisted);
                    }
                }
                store.remove_member(server, &user, ban).await?;
            }
            Self::Unban(user) => store.unban(server, &user).await.map(drop)?,
            Self::Invite(invite) => store.create_invite(invite).await?,
            Self::Revoke(invite) => store.revoke_invite(server, &invite).await.map(drop)?,
            Self::Schedule(schedule) => store.put_schedule(schedule).await?,
            Self::Unschedule(schedule) => store.delete_schedule(server, &schedule).await.map(drop)?,
            Self::Delete => store.delete_server(server).await?,
        }
        Ok(Updated::Done)
    }

    /// Whether somebody may be somewhere no longer because of it.
    pub(super) fn changes_access(&self) -> bool {
        match self {
            Self::Tree(_) | Self::Grant { .. } | Self::Member(_) | Self::Remove { .. } | Self::Delete => true,
            Self::Unban(_) | Self::Invite(_) | Self::Revoke(_) | Self::Schedule(_) | Self::Unschedule(_) => false,
        }
    }
}

/// Who commands, and what a decision needs that isn't in the server's state.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) by: By,
    pub(crate) command: Command,
    pub(crate) at: SystemTime,
    /// Random, for whatever is made.
    pub(crate) fresh_id: String,
    pub(crate) secret_hash: [u8; 32],
    pub(crate) fetched: Fetched,
}

/// Who asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    /// With an API key.
    Backend,
    User(User),
}

impl By {
    /// `None` for a backend.
    pub(crate) fn user(&self) -> Option<&User> {
        match self {
            Self::Backend => None,
            Self::User(user) => Some(user),
        }
    }
}

/// A server's state, as far as decisions need it.
pub(super) struct Context<'a> {
    pub(super) tree: &'a ServerTree,
    pub(super) members: &'a HashMap<UserId, MemberRecord>,
}

impl<'a> Context<'a> {
    /// # Errors
    /// `NotFound` for who is no member: for them there is no such server.
    pub(super) fn actor(&self, by: &By) -> Result<Actor<'a>> {
        match by {
            By::Backend => Ok(Actor::Backend),
            By::User(user) => self.members.get(&user.id).map(Actor::Member).ok_or(Error::NotFound("server")),
        }
    }

    fn member(&self, user: &UserId) -> Result<&'a MemberRecord> {
        self.members.get(user).ok_or(Error::NotFound("member"))
    }

    fn role(&self, id: &RoleId) -> Result<&'a RoleRecord> {
        self.tree.roles.get(id).ok_or(Error::NotFound("role"))
    }

    /// A channel that the actor reads.
    pub(super) fn channel(&self, actor: Actor<'_>, id: &ChannelId) -> Result<&'a ChannelRecord> {
        let channel = self.tree.channels.get(id).ok_or(Error::NotFound("channel"))?;
        policy::may(self.tree, actor, Act::Read(channel))?;
        Ok(channel)
    }

    /// The role of a kind of which every server has one.
    fn role_of(&self, kind: RoleKind) -> Result<&'a RoleRecord> {
        self.tree.roles.values().find(|role| role.kind == kind).ok_or(Error::NotFound("role"))
    }

    /// # Errors
    /// As [`policy::may`], for the role that every member has.
    pub(super) fn may_invite(&self, by: &By) -> Result<()> {
        self.may(self.actor(by)?, Act::Invite { role: self.role_of(RoleKind::Member)? })
    }

    fn may(&self, actor: Actor<'_>, act: Act<'_>) -> Result<()> {
        policy::may(self.tree, actor, act)
    }

    /// What is to be written for an order.
    ///
    /// # Errors
    /// As [`policy::may`] says; `NotFound` for what the order names and isn't there; `Invalid`, `TooLarge` or `Conflict` for its values.
    pub(super) fn decide(&self, order: Order) -> Result<Write> {
        let actor = self.actor(&order.by)?;
        let Order { by, command, at, fresh_id, secret_hash, fetched } = order;
        let Fetched { heads, schedule, invite } = fetched;
        match command {
            Command::UpdateServer { name, image_url } => self.update_server(actor, name, image_url),
            Command::HandOver { to } => self.hand_over(actor, &to, &heads),
            Command::DeleteServer => self.may(actor, Act::DeleteServer).map(|()| Write::Delete),
            Command::Leave => self.leave(actor, &by),
            Command::CreateChannel(new) => self.create_channel(actor, new, ChannelId::new(format!("ch_{fresh_id}")), at),
            Command::UpdateChannel { channel, change } => self.update_channel(actor, &channel, change, &heads),
            Command::DeleteChannel { channel } => self.delete_channel(actor, &channel),
            Command::CreateCategory { name, position } => {
                self.create_category(actor, &name, position, CategoryId::new(format!("cat_{fresh_id}")))
            }
            Command::UpdateCategory { category, name, position } => self.update_category(actor, &category, name, position),
            Command::DeleteCategory { category } => self.delete_category(actor, category),
            Command::CreateRole { name, color, permissions, rank } => {
                let id = RoleId::new(format!("role_{fresh_id}"));
                self.create_role(actor, RoleRecord { id, kind: RoleKind::Custom, name, color, permissions, rank })
            }
            Command::UpdateRole { role, name, color, permissions, rank } => {
                self.update_role(actor, &role, RoleChange { name, color, permissions, rank }, &heads)
            }
            Command::DeleteRole { role } => self.delete_role(actor, role),
            Command::UpdateMember { user, nickname, roles } => self.update_member(actor, &user, nickname, roles, &heads),
            Command::Kick { user } => self.kick(actor, user),
            Command::Ban { user, reason } => self.ban(actor, &by, user, reason, at),
            Command::Unban { user } => self.may(actor, Act::Unban).map(|()| Write::Unban(user)),
            Command::CreateInvite(new) => {
                let (id, created_by) = (InviteId::new(format!("inv_{fresh_id}")), by.user().cloned());
                self.create_invite(actor, &new, Fresh { id, at, secret_hash, created_by })
            }
            Command::RevokeInvite { invite: id } => self.revoke_invite(actor, id, invite),
            Command::CreateSchedule(new) => self.create_schedule(actor, &by, new, ScheduleId::new(format!("sch_{fresh_id}")), at),
            Command::UpdateSchedule { schedule: id, to } => self.update_schedule(actor, id, schedule, to, at),
            Command::DeleteSchedule { schedule: id } => self.delete_schedule(actor, id, schedule),
        }
    }

    fn update_server(&self, actor: Actor<'_>, name: Option<String>, image_url: Option<Option<String>>) -> Result<Write> {
        self.may(actor, Act::ChangeServer)?;
        let mut server = self.tree.server.clone();
        if let Some(name) = name {
            server.name = limits::name("name", &name)?;
        }
        if let Some(image_url) = image_url {
            image_url.as_deref().map(limits::image_url).transpose()?;
            server.image_url = image_url;
        }
        Ok(Write::Tree(vec![TreeChange::Server(server)]))
    }

    fn hand_over(&self, actor: Actor<'_>, to: &UserId, heads: &HashMap<ChannelId, u64>) -> Result<Write> {
        self.may(actor, Act::HandOver)?;
        let to = self.member(to)?;
        let server = ServerRecord { owner: Some(to.user.id.clone()), ..self.tree.server.clone() };
        Ok(self.granting(TreeChange::Server(server), heads))
    }

    fn leave(&self, actor: Actor<'_>, by: &By) -> Result<Write> {
        let Some(user) = by.user() else { return Err(Error::Conflict("a backend is no member")) };
        self.may(actor, Act::Leave)?;
        Ok(self.removal(user.id.clone(), DepartReason::Left, None))
    }
}

/// The roles of who comes in by an invitation: the invited one, if it is still there.
pub(super) fn roles_of_newcomer(tree: &ServerTree, invited_as: Option<&RoleId>) -> Vec<RoleId> {
    let invited = invited_as.and_then(|id| tree.roles.get(id));
    let every = || tree.roles.values().find(|role| role.kind == RoleKind::Member);
    invited.or_else(every).map(|role| role.id.clone()).into_iter().collect()
}
