//! What commands about channels and categories write. Pure.
//!
//! Invariant: a channel's number of the newest message when somebody was let in is that of the time when that was decided, and never falls.

use super::{Context, Write};
use crate::community::policy::{Act, Actor};
use crate::community::request::{ChannelChange, NewChannel, Private};
use crate::community::role::Permission;
use crate::limits;
use crate::store::{Access, CategoryRecord, ChannelKind, ChannelRecord, RoleRecord, TreeChange};
use crate::view::RoomKind;
use crate::{CategoryId, ChannelId, Error, Result};
use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

impl<'a> Context<'a> {
    pub(super) fn create_channel(&self, actor: Actor<'_>, new: NewChannel, id: ChannelId, at: SystemTime) -> Result<Write> {
        self.may(actor, Act::AddChannel)?;
        limits::count("channels", self.tree.channels.len() + 1, limits::CHANNELS_MAX)?;
        let NewChannel { name, kind, category, private, position, slow_mode } = new;
        let name = limits::name("name", &name)?;
        capacity(kind)?;
        limits::slow_mode(slow_mode)?;
        category.as_ref().map(|category| self.category(category)).transpose()?;
        let access = match private {
            None => Access::open(0),
            Some(private) => self.listed(private, &Access::private(BTreeMap::new(), BTreeMap::new()), 0)?,
        };
        let siblings = self.tree.channels.values().filter(|channel| channel.category == category);
        let position = position.unwrap_or_else(|| siblings.map(|channel| channel.position.saturating_add(1)).max().unwrap_or_default());
        let channel = ChannelRecord { id, category, kind, name, position, access, slow_mode, metadata: None, created_at: at };
        Ok(Write::Tree(vec![TreeChange::PutChannel(channel)]))
    }

    pub(super) fn update_channel(
        &self,
        actor: Actor<'_>,
        id: &ChannelId,
        change: ChannelChange,
        heads: &HashMap<ChannelId, u64>,
    ) -> Result<Write> {
        let mut channel = self.channel(actor, id)?.clone();
        self.may(actor, Act::ChangeChannel(&channel))?;
        let head = heads.get(id).copied().unwrap_or_default();
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
            channel.access = match private {
                None => self.opened(channel.access, head),
                Some(private) => self.listed(private, &channel.access, head)?,
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

    pub(super) fn delete_channel(&self, actor: Actor<'_>, id: &ChannelId) -> Result<Write> {
        self.may(actor, Act::ChangeChannel(self.channel(actor, id)?))?;
        Ok(Write::Tree(vec![TreeChange::RemoveChannel(id.clone())]))
    }

    /// Those who are in already keep the number at which they came.
    fn listed(&self, private: Private, before: &Access, head: u64) -> Result<Access> {
        limits::count("private.users", private.users.len(), limits::LISTED_MAX)?;
        limits::count("private.roles", private.roles.len(), limits::LISTED_MAX)?;
        let (mut users, mut roles) = (BTreeMap::new(), BTreeMap::new());
        for user in private.users {
            self.member(&user)?;
            let since = before.users.get(&user).copied().or(before.everyone).unwrap_or(head);
            users.insert(user, since);
        }
        for role in private.roles {
            self.role(&role)?;
            let since = before.roles.get(&role).copied().or(before.everyone).unwrap_or(head);
            roles.insert(role, since);
        }
        Ok(Access::private(users, roles))
    }

    /// Those who read it before stay where they are.
    fn opened(&self, mut access: Access, head: u64) -> Access {
        if access.everyone.is_none() {
            access.everyone = Some(head);
            // Who manages channels saw it without being listed.
            let manages = |role: &&RoleRecord| role.permissions.allow(Permission::ManageChannels);
            for role in self.tree.roles.values().filter(manages) {
                access.roles.entry(role.id.clone()).or_default();
            }
            if let Some(owner) = &self.tree.server.owner {
                access.users.entry(owner.clone()).or_default();
            }
        }
        access
    }

    fn category(&self, id: &CategoryId) -> Result<&'a CategoryRecord> {
        self.tree.categories.get(id).ok_or(Error::NotFound("category"))
    }

    pub(super) fn create_category(&self, actor: Actor<'_>, name: &str, position: Option<u32>, id: CategoryId) -> Result<Write> {
        self.may(actor, Act::ChangeCategories)?;
        limits::count("categories", self.tree.categories.len() + 1, limits::CATEGORIES_MAX)?;
        let last = || self.tree.categories.values().map(|category| category.position.saturating_add(1)).max().unwrap_or_default();
        let category = CategoryRecord { id, name: limits::name("name", name)?, position: position.unwrap_or_else(last) };
        Ok(Write::Tree(vec![TreeChange::PutCategory(category)]))
    }

    pub(super) fn update_category(&self, actor: Actor<'_>, id: &CategoryId, name: Option<String>, position: Option<u32>) -> Result<Write> {
        self.may(actor, Act::ChangeCategories)?;
        let mut category = self.category(id)?.clone();
        if let Some(name) = name {
            category.name = limits::name("name", &name)?;
        }
        category.position = position.unwrap_or(category.position);
        Ok(Write::Tree(vec![TreeChange::PutCategory(category)]))
    }

    pub(super) fn delete_category(&self, actor: Actor<'_>, id: CategoryId) -> Result<Write> {
        self.may(actor, Act::ChangeCategories)?;
        self.category(&id)?;
        Ok(Write::Tree(vec![TreeChange::RemoveCategory(id)]))
    }
}

fn capacity(kind: ChannelKind) -> Result<()> {
    match kind {
        ChannelKind::Text => Ok(()),
        ChannelKind::Voice { capacity } => limits::capacity(RoomKind::Voice, capacity).map(drop),
    }
}
