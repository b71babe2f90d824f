//! From a command to what is to be written, or why not. Pure: nothing changes until the write is done.
//!
//! Invariant: every command passes [`policy::may`] before anything of it is looked at further.

use super::policy::{self, Act, Actor};
use super::request::{ChannelChange, Command, DepartReason, NewChannel, NewInvite, NewSchedule, Private};
use super::role::{Permissions, RoleKind};
use crate::limits;
use crate::store::{
    Access, BanRecord, CategoryRecord, ChannelKind, ChannelRecord, InviteRecord, MemberRecord, RoleRecord, ScheduleRecord, ServerTree,
    Store, StoreError, TreeChange, Updated,
};
use crate::view::{RoomKind, User};
use crate::{CategoryId, ChannelId, Error, InviteId, Result, RoleId, ScheduleId, ServerId, UserId};
use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

/// One operation of the store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Write {
    Tree(Vec<TreeChange>),
    Member(MemberRecord),
    Remove { user: UserId, reason: DepartReason, ban: Option<BanRecord> },
    Unban(UserId),
    Invite(InviteRecord),
    Revoke(InviteId),
    Schedule(ScheduleRecord),
    Unschedule(ScheduleId),
    Delete,
}

impl Write {
    /// Does it.
    ///
    /// # Errors
    /// As the store says.
    pub(super) async fn store(&self, store: &dyn Store, server: &ServerId, version: u64) -> std::result::Result<Updated, StoreError> {
        match self.clone() {
            Self::Tree(changes) => return store.update_server(server, version, changes).await,
            Self::Member(member) => drop(store.update_member(member).await?),
            Self::Remove { user, ban, .. } => drop(store.remove_member(server, &user, ban).await?),
            Self::Unban(user) => drop(store.unban(server, &user).await?),
            Self::Invite(invite) => store.create_invite(invite).await?,
            Self::Revoke(invite) => drop(store.revoke_invite(server, &invite).await?),
            Self::Schedule(schedule) => store.put_schedule(schedule).await?,
            Self::Unschedule(schedule) => drop(store.delete_schedule(server, &schedule).await?),
            Self::Delete => store.delete_server(server).await?,
        }
        Ok(Updated::Done)
    }

    /// Whether somebody may be somewhere no longer because of it.
    pub(crate) fn changes_access(&self) -> bool {
        match self {
            Self::Tree(_) | Self::Member(_) | Self::Remove { .. } | Self::Delete => true,
            Self::Unban(_) | Self::Invite(_) | Self::Revoke(_) | Self::Schedule(_) | Self::Unschedule(_) => false,
        }
    }

    /// The channels that are gone with it; `tree` is what the server was at the end.
    pub(super) fn removed_channels(&self, tree: &ServerTree) -> Vec<ChannelId> {
        match self {
            Self::Tree(changes) => {
                let removed = |change: &TreeChange| if let TreeChange::RemoveChannel(id) = change { Some(id.clone()) } else { None };
                changes.iter().filter_map(removed).collect()
            }
            Self::Delete => tree.channels.keys().cloned().collect(),
            Self::Member(_)
            | Self::Remove { .. }
            | Self::Unban(_)
            | Self::Invite(_)
            | Self::Revoke(_)
            | Self::Schedule(_)
            | Self::Unschedule(_) => vec![],
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
    /// The newest messages of the channels that somebody may be let into.
    pub(crate) heads: HashMap<ChannelId, u64>,
    /// The entry that is to be changed.
    pub(crate) schedule: Option<ScheduleRecord>,
    /// The invitation that is to be revoked.
    pub(crate) invite: Option<InviteRecord>,
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

    fn may(&self, actor: Actor<'_>, act: Act<'_>) -> Result<()> {
        policy::may(self.tree, actor, act)
    }

    /// What is to be written for an order.
    ///
    /// # Errors
    /// As [`policy::may`] says; `NotFound` for what the order names and isn't there; `Invalid`, `TooLarge` or `Conflict` for its values.
    pub(super) fn decide(&self, order: Order) -> Result<Write> {
        let actor = self.actor(&order.by)?;
        let Order { by, command, at, fresh_id, secret_hash, heads, schedule, invite } = order;
        match command {
            Command::UpdateServer { name, image_url } => self.update_server(actor, name, image_url),
            Command::HandOver { to } => self.hand_over(actor, &to),
            Command::DeleteServer => self.may(actor, Act::DeleteServer).map(|()| Write::Delete),
            Command::Leave => self.leave(actor, &by),
            Command::CreateChannel(new) => self.create_channel(actor, new, ChannelId::new(format!("ch_{fresh_id}")), at),
            Command::UpdateChannel { channel, change } => {
                let head = heads.get(&channel).copied().unwrap_or_default();
                self.update_channel(actor, &channel, change, head)
            }
            Command::DeleteChannel { channel } => {
                let channel = self.channel(actor, &channel)?;
                self.may(actor, Act::ChangeChannel(channel))?;
                Ok(Write::Tree(vec![TreeChange::RemoveChannel(channel.id.clone())]))
            }
            Command::CreateCategory { name, position } => {
                self.create_category(actor, &name, position, CategoryId::new(format!("cat_{fresh_id}")))
            }
            Command::UpdateCategory { category, name, position } => self.update_category(actor, &category, name, position),
            Command::DeleteCategory { category } => {
                self.may(actor, Act::ChangeCategories)?;
                self.category(&category)?;
                Ok(Write::Tree(vec![TreeChange::RemoveCategory(category)]))
            }
            Command::CreateRole { name, color, permissions, rank } => {
                let role = RoleRecord {
                    id: RoleId::new(format!("role_{fresh_id}")),
                    kind: RoleKind::Custom,
                    name: limits::name("name", &name)?,
                    color,
                    permissions,
                    rank,
                };
                self.create_role(actor, role)
            }
            Command::UpdateRole { role, name, color, permissions, rank } => self.update_role(actor, &role, name, color, permissions, rank),
            Command::DeleteRole { role } => {
                self.may(actor, Act::RemoveRole(self.role(&role)?))?;
                Ok(Write::Tree(vec![TreeChange::RemoveRole(role)]))
            }
            Command::UpdateMember { user, nickname, roles } => self.update_member(actor, &user, nickname, roles, &heads),
            Command::Kick { user } => {
                self.may(actor, Act::Kick(self.member(&user)?))?;
                Ok(Write::Remove { user, reason: DepartReason::Kicked, ban: None })
            }
            Command::Ban { user, reason } => self.ban(actor, &by, user, reason, at),
            Command::Unban { user } => self.may(actor, Act::Unban).map(|()| Write::Unban(user)),
            Command::CreateInvite(new) => self.create_invite(actor, &by, &new, InviteId::new(format!("inv_{fresh_id}")), secret_hash, at),
            Command::RevokeInvite { invite: id } => {
                let invite = invite.filter(|invite| invite.id == id).ok_or(Error::NotFound("invitation"))?;
                self.may(actor, Act::Revoke(&invite))?;
                Ok(Write::Revoke(id))
            }
            Command::CreateSchedule(new) => {
                self.may(actor, Act::Schedule)?;
                let created_by = by.user().cloned().ok_or(Error::Forbidden("a calendar's entries are made by members"))?;
                Ok(Write::Schedule(self.schedule(new, ScheduleId::new(format!("sch_{fresh_id}")), created_by, at)?))
            }
            Command::UpdateSchedule { schedule: id, to } => {
                let before = schedule.filter(|schedule| schedule.id == id).ok_or(Error::NotFound("schedule"))?;
                self.may(actor, Act::ChangeSchedule(&before))?;
                Ok(Write::Schedule(self.schedule(to, id, before.created_by, at)?))
            }
            Command::DeleteSchedule { schedule: id } => {
                let before = schedule.filter(|schedule| schedule.id == id).ok_or(Error::NotFound("schedule"))?;
                self.may(actor, Act::ChangeSchedule(&before))?;
                Ok(Write::Unschedule(id))
            }
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

    fn hand_over(&self, actor: Actor<'_>, to: &UserId) -> Result<Write> {
        self.may(actor, Act::HandOver)?;
        let to = self.member(to)?;
        Ok(Write::Tree(vec![TreeChange::Server(crate::store::ServerRecord {
            owner: Some(to.user.id.clone()),
            ..self.tree.server.clone()
        })]))
    }

    fn leave(&self, actor: Actor<'_>, by: &By) -> Result<Write> {
        let Some(user) = by.user() else { return Err(Error::Conflict("a backend is no member")) };
        self.may(actor, Act::Leave)?;
        Ok(Write::Remove { user: user.id.clone(), reason: DepartReason::Left, ban: None })
    }

    fn create_channel(&self, actor: Actor<'_>, new: NewChannel, id: ChannelId, at: SystemTime) -> Result<Write> {
        self.may(actor, Act::AddChannel)?;
        limits::count("channels", self.tree.channels.len() + 1, limits::CHANNELS_MAX)?;
        let NewChannel { name, kind, category, private, position, slow_mode } = new;
        let name = limits::name("name", &name)?;
        capacity(kind)?;
        limits::slow_mode(slow_mode)?;
        category.as_ref().map(|category| self.category(category)).transpose()?;
        let access = match private {
            None => Access::Everyone { since: 0 },
            Some(private) => self.listed(private, &Access::Listed { users: BTreeMap::new(), roles: BTreeMap::new() }, 0)?,
        };
        let siblings = self.tree.channels.values().filter(|channel| channel.category == category);
        let position = position.unwrap_or_else(|| siblings.map(|channel| channel.position.saturating_add(1)).max().unwrap_or_default());
        let channel = ChannelRecord { id, category, kind, name, position, access, slow_mode, metadata: None, created_at: at };
        Ok(Write::Tree(vec![TreeChange::PutChannel(channel)]))
    }

    fn update_channel(&self, actor: Actor<'_>, id: &ChannelId, change: ChannelChange, head: u64) -> Result<Write> {
        let mut channel = self.channel(actor, id)?.clone();
        self.may(actor, Act::ChangeChannel(&channel))?;
        let ChannelChange { name, capacity: seats, category, private, position, slow_mode, metadata } = change;
        if let Some(name) = name {
            channel.name = limits::name("name", &name)?;
        }
        if let Some(seats) = seats {
            let ChannelKind::Voice { .. } = channel.kind else {
                return Err(Error::Invalid { field: "capacity", reason: "is of voice channels only".to_owned() });
            };
            channel.kind = ChannelKind::Voice { capacity: seats };
            capacity(channel.kind)?;
        }
        if let Some(category) = category {
            category.as_ref().map(|category| self.category(category)).transpose()?;
            channel.category = category;
        }
        if let Some(private) = private {
            channel.access = match (private, &channel.access) {
                (None, Access::Everyone { since }) => Access::Everyone { since: *since },
                (None, Access::Listed { .. }) => Access::Everyone { since: head },
                (Some(private), before) => self.listed(private, before, head)?,
            };
        }
        if let Some(slow_mode) = slow_mode {
            limits::slow_mode(slow_mode)?;
            channel.slow_mode = slow_mode;
        }
        if let Some(metadata) = metadata {
            if !matches!(actor, Actor::Backend) {
                return Err(Error::Forbidden("metadata is its backend's affair"));
            }
            metadata.as_deref().map(limits::metadata).transpose()?;
            channel.metadata = metadata;
        }
        channel.position = position.unwrap_or(channel.position);
        Ok(Write::Tree(vec![TreeChange::PutChannel(channel)]))
    }

    /// Those who are in already keep the number at which they came.
    fn listed(&self, private: Private, before: &Access, head: u64) -> Result<Access> {
        limits::count("private.users", private.users.len(), limits::LISTED_MAX)?;
        limits::count("private.roles", private.roles.len(), limits::LISTED_MAX)?;
        let (mut users, mut roles) = (BTreeMap::new(), BTreeMap::new());
        for user in private.users {
            self.member(&user)?;
            let since = match before {
                Access::Everyone { since } => *since,
                Access::Listed { users, .. } => users.get(&user).copied().unwrap_or(head),
            };
            users.insert(user, since);
        }
        for role in private.roles {
            self.role(&role)?;
            let since = match before {
                Access::Everyone { since } => *since,
                Access::Listed { roles, .. } => roles.get(&role).copied().unwrap_or(head),
            };
            roles.insert(role, since);
        }
        Ok(Access::Listed { users, roles })
    }

    fn category(&self, id: &CategoryId) -> Result<&'a CategoryRecord> {
        self.tree.categories.get(id).ok_or(Error::NotFound("category"))
    }

    fn create_category(&self, actor: Actor<'_>, name: &str, position: Option<u32>, id: CategoryId) -> Result<Write> {
        self.may(actor, Act::ChangeCategories)?;
        limits::count("categories", self.tree.categories.len() + 1, limits::CATEGORIES_MAX)?;
        let last = || self.tree.categories.values().map(|category| category.position.saturating_add(1)).max().unwrap_or_default();
        let category = CategoryRecord { id, name: limits::name("name", name)?, position: position.unwrap_or_else(last) };
        Ok(Write::Tree(vec![TreeChange::PutCategory(category)]))
    }

    fn update_category(&self, actor: Actor<'_>, id: &CategoryId, name: Option<String>, position: Option<u32>) -> Result<Write> {
        self.may(actor, Act::ChangeCategories)?;
        let mut category = self.category(id)?.clone();
        if let Some(name) = name {
            category.name = limits::name("name", &name)?;
        }
        category.position = position.unwrap_or(category.position);
        Ok(Write::Tree(vec![TreeChange::PutCategory(category)]))
    }

    fn create_role(&self, actor: Actor<'_>, role: RoleRecord) -> Result<Write> {
        self.may(actor, Act::AddRole { rank: role.rank, permissions: role.permissions })?;
        limits::count("roles", self.tree.roles.len() + 1, limits::ROLES_MAX)?;
        limits::color(role.color)?;
        Ok(Write::Tree(vec![TreeChange::PutRole(role)]))
    }

    fn update_role(
        &self,
        actor: Actor<'_>,
        id: &RoleId,
        name: Option<String>,
        color: Option<Option<u32>>,
        permissions: Option<Permissions>,
        rank: Option<u32>,
    ) -> Result<Write> {
        let mut role = self.role(id)?.clone();
        let (permissions, rank) = (permissions.unwrap_or(role.permissions), rank.unwrap_or(role.rank));
        self.may(actor, Act::ChangeRole { role: &role, rank, permissions })?;
        (role.permissions, role.rank) = (permissions, rank);
        if let Some(name) = name {
            role.name = limits::name("name", &name)?;
        }
        if let Some(color) = color {
            limits::color(color)?;
            role.color = color;
        }
        Ok(Write::Tree(vec![TreeChange::PutRole(role)]))
    }

    fn update_member(
        &self,
        actor: Actor<'_>,
        user: &UserId,
        nickname: Option<Option<String>>,
        roles: Option<Vec<RoleId>>,
        heads: &HashMap<ChannelId, u64>,
    ) -> Result<Write> {
        let before = self.member(user)?;
        let mut member = before.clone();
        if let Some(nickname) = nickname {
            self.may(actor, Act::Rename(before))?;
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
        for channel in self.tree.channels.values() {
            let reads = |member| policy::may(self.tree, Actor::Member(member), Act::Read(channel)).is_ok();
            if !reads(before) && reads(member) {
                let head = heads.get(&channel.id).copied().unwrap_or_default();
                member.since.insert(channel.id.clone(), head);
            }
        }
    }

    fn ban(&self, actor: Actor<'_>, by: &By, user: UserId, reason: Option<String>, at: SystemTime) -> Result<Write> {
        let member = self.members.get(&user);
        self.may(actor, Act::Ban(member))?;
        reason.as_deref().map(|reason| limits::description("reason", reason, limits::REASON_CHARS_MAX)).transpose()?;
        let name = member.map_or_else(String::new, |member| member.user.name.clone());
        let banned = User { id: user.clone(), name };
        let by = by.user().map(|user| user.id.clone());
        let ban = BanRecord { server: self.tree.server.id.clone(), user: banned, by, reason, at };
        Ok(Write::Remove { user, reason: DepartReason::Banned, ban: Some(ban) })
    }

    fn create_invite(
        &self,
        actor: Actor<'_>,
        by: &By,
        new: &NewInvite,
        id: InviteId,
        secret_hash: [u8; 32],
        at: SystemTime,
    ) -> Result<Write> {
        let role = match &new.role {
            Some(role) => self.role(role)?,
            None => self.role_of(RoleKind::Member)?,
        };
        self.may(actor, Act::Invite { role })?;
        limits::invite_ttl(new.ttl)?;
        new.max_uses.map(limits::link_uses).transpose()?;
        Ok(Write::Invite(InviteRecord {
            id,
            server: self.tree.server.id.clone(),
            secret_hash,
            role: role.id.clone(),
            created_by: by.user().cloned(),
            created_at: at,
            expires_at: new.ttl.map(|ttl| at + ttl),
            max_uses: new.max_uses,
            uses: 0,
            revoked: false,
        }))
    }

    fn schedule(&self, new: NewSchedule, id: ScheduleId, created_by: User, at: SystemTime) -> Result<ScheduleRecord> {
        let NewSchedule { title, description, starts_at, ends_at, color, remind_before } = new;
        let title = limits::name("title", &title)?;
        limits::description("description", &description, limits::DESCRIPTION_CHARS_MAX)?;
        limits::color(color)?;
        if ends_at.is_some_and(|ends_at| ends_at < starts_at) {
            return Err(limits::invalid("ends_at", "is before starts_at".to_owned()));
        }
        if remind_before.is_some_and(|before| before > limits::REMIND_MAX) {
            return Err(limits::invalid("remind_before_s", format!("is more than {}", limits::REMIND_MAX.as_secs())));
        }
        // What would have been reminded of in the past isn't any more.
        let remind_at = remind_before.and_then(|before| starts_at.checked_sub(before)).filter(|remind_at| *remind_at >= at);
        let server = self.tree.server.id.clone();
        Ok(ScheduleRecord { id, server, title, description, starts_at, ends_at, color, remind_at, created_by, changed_at: at })
    }
}

/// The roles of who comes in by an invitation: the invited one, if it is still there.
pub(super) fn roles_of_newcomer(tree: &ServerTree, invited_as: Option<&RoleId>) -> Vec<RoleId> {
    let invited = invited_as.and_then(|id| tree.roles.get(id));
    let every = || tree.roles.values().find(|role| role.kind == RoleKind::Member);
    invited.or_else(every).map(|role| role.id.clone()).into_iter().collect()
}

fn capacity(kind: ChannelKind) -> Result<()> {
    match kind {
        ChannelKind::Text => Ok(()),
        ChannelKind::Voice { capacity } => limits::capacity(RoomKind::Voice, capacity).map(drop),
    }
}
