//! Servers in memory. The promises are those of [`CommunityStore`].

mod transfer;

use super::{MemoryStore, State};
use crate::store::{
    BanRecord, CommunityStore, Entered, Entry, InviteRecord, MemberRecord, ScheduleRecord, ServerTree, StoreError, TreeChange, Updated,
    UserRecord,
};
use crate::{ChannelId, InviteId, ScheduleId, ServerId, UserId};
use async_trait::async_trait;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::SystemTime;

#[derive(Debug, Default)]
pub(super) struct Communities {
    servers: HashMap<ServerId, Server>,
    /// By the hash of the secret.
    invites: HashMap<[u8; 32], InviteRecord>,
    users: HashMap<UserId, UserRecord>,
}

#[derive(Debug)]
struct Server {
    tree: ServerTree,
    /// In the order of joining.
    members: Vec<MemberRecord>,
    bans: Vec<BanRecord>,
    schedules: HashMap<ScheduleId, ScheduleRecord>,
}

impl Server {
    fn member(&self, user: &UserId) -> Option<&MemberRecord> {
        self.members.iter().find(|member| member.user.id == *user)
    }

    fn is_banned(&self, user: &UserId) -> bool {
        self.bans.iter().any(|ban| ban.user.id == *user)
    }
}

impl State {
    fn server(&self, id: &ServerId) -> Option<&Server> {
        self.communities.servers.get(id)
    }

    /// Whatever was said in a channel.
    fn forget(&mut self, channel: &ChannelId) {
        self.channels.remove(channel);
        self.notes.retain(|note| !note.is_of(channel));
    }

    fn server_mut(&mut self, id: &ServerId) -> Option<&mut Server> {
        self.communities.servers.get_mut(id)
    }

    /// Counts a use. Returns why not, if there is none left.
    fn use_invite(&mut self, server: &ServerId, secret_hash: &[u8; 32], now: SystemTime) -> Option<Entered> {
        let invite = self.communities.invites.get_mut(secret_hash);
        let Some(invite) = invite.filter(|invite| invite.server == *server && !invite.revoked) else { return Some(Entered::Unknown) };
        if invite.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Some(Entered::Expired);
        }
        if invite.max_uses.is_some_and(|max| invite.uses >= max) {
            return Some(Entered::UsedUp);
        }
        invite.uses += 1;
        None
    }
}

#[async_trait]
impl CommunityStore for MemoryStore {
    async fn create_server(&self, tree: ServerTree, members: Vec<MemberRecord>) -> Result<bool, StoreError> {
        let mut state = self.state();
        let id = tree.server.id.clone();
        if state.server(&id).is_some() {
            return Ok(false);
        }
        state.communities.servers.insert(id, Server { tree, members, bans: vec![], schedules: HashMap::new() });
        Ok(true)
    }

    async fn server(&self, id: &ServerId) -> Result<Option<ServerTree>, StoreError> {
        Ok(self.state().server(id).map(|server| server.tree.clone()))
    }

    async fn update_server(&self, id: &ServerId, version: u64, changes: Vec<TreeChange>) -> Result<Updated, StoreError> {
        let mut state = self.state();
        let Some(server) = state.server_mut(id) else { return Ok(Updated::Gone) };
        if server.tree.version != version {
            return Ok(Updated::Stale);
        }
        let mut own: HashSet<ChannelId> = server.tree.channels.keys().cloned().collect();
        let mut removed = vec![];
        for change in &changes {
            match change {
                TreeChange::PutChannel(channel) => drop(own.insert(channel.id.clone())),
                TreeChange::RemoveChannel(channel) => removed.extend(own.take(channel)),
                TreeChange::RemoveRole(role) => server.members.iter_mut().for_each(|member| member.roles.retain(|held| held != role)),
                TreeChange::Server(_) | TreeChange::PutRole(_) | TreeChange::PutCategory(_) | TreeChange::RemoveCategory(_) => {}
            }
        }
        server.tree.change(changes);
        removed.iter().for_each(|channel| state.forget(channel));
        Ok(Updated::Done)
    }

    async fn delete_server(&self, id: &ServerId) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Some(server) = state.communities.servers.remove(id) {
            server.tree.channels.keys().for_each(|channel| state.forget(channel));
            state.communities.invites.retain(|_, invite| invite.server != *id);
        }
        Ok(())
    }

    async fn server_of(&self, channel: &ChannelId) -> Result<Option<ServerId>, StoreError> {
        let state = self.state();
        let found = state.communities.servers.values().find(|server| server.tree.channels.contains_key(channel));
        Ok(found.map(|server| server.tree.server.id.clone()))
    }

    async fn memberships(&self, user: &UserId) -> Result<Vec<MemberRecord>, StoreError> {
        let state = self.state();
        let mut found: Vec<MemberRecord> = state.communities.servers.values().filter_map(|server| server.member(user).cloned()).collect();
        found.sort_by(|a, b| (a.joined_at, &a.server).cmp(&(b.joined_at, &b.server)));
        Ok(found)
    }

    async fn members(&self, server: &ServerId) -> Result<Vec<MemberRecord>, StoreError> {
        let mut members = self.state().server(server).map_or(vec![], |server| server.members.clone());
        members.sort_by(|a, b| (a.joined_at, &a.user.id).cmp(&(b.joined_at, &b.user.id)));
        Ok(members)
    }

    async fn enter(&self, member: MemberRecord, by: Entry) -> Result<Entered, StoreError> {
        let mut state = self.state();
        let Some(server) = state.server(&member.server) else { return Ok(Entered::Gone) };
        if let Some(before) = server.member(&member.user.id) {
            return Ok(Entered::Already(before.clone()));
        }
        if server.is_banned(&member.user.id) {
            return Ok(Entered::Banned);
        }
        let id = member.server.clone();
        if let Entry::Invite { secret_hash, now } = by
            && let Some(refused) = state.use_invite(&id, &secret_hash, now)
        {
            return Ok(refused);
        }
        if let Some(server) = state.server_mut(&id) {
            server.members.push(member);
        }
        Ok(Entered::Joined)
    }

    async fn update_member(&self, member: MemberRecord) -> Result<bool, StoreError> {
        let mut state = self.state();
        let Some(server) = state.server_mut(&member.server) else { return Ok(false) };
        let Some(before) = server.members.iter_mut().find(|before| before.user.id == member.user.id) else { return Ok(false) };
        *before = member;
        Ok(true)
    }

    async fn remove_member(&self, server: &ServerId, user: &UserId, ban: Option<BanRecord>) -> Result<bool, StoreError> {
        let mut state = self.state();
        let Some(server) = state.server_mut(server) else { return Ok(false) };
        let before = server.members.len();
        server.members.retain(|member| member.user.id != *user);
        if let Some(ban) = ban {
            server.bans.retain(|before| before.user.id != ban.user.id);
            server.bans.push(ban);
        }
        Ok(server.members.len() < before)
    }

    async fn bans(&self, server: &ServerId) -> Result<Vec<BanRecord>, StoreError> {
        let mut bans = self.state().server(server).map_or(vec![], |server| server.bans.clone());
        bans.sort_by(|a, b| (a.at, &a.user.id).cmp(&(b.at, &b.user.id)));
        Ok(bans)
    }

    async fn unban(&self, server: &ServerId, user: &UserId) -> Result<bool, StoreError> {
        let mut state = self.state();
        let Some(server) = state.server_mut(server) else { return Ok(false) };
        let before = server.bans.len();
        server.bans.retain(|ban| ban.user.id != *user);
        Ok(server.bans.len() < before)
    }

    async fn create_invite(&self, invite: InviteRecord) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.server(&invite.server).is_some() {
            state.communities.invites.insert(invite.secret_hash, invite);
        }
        Ok(())
    }

    async fn invite(&self, secret_hash: &[u8; 32]) -> Result<Option<InviteRecord>, StoreError> {
        Ok(self.state().communities.invites.get(secret_hash).cloned())
    }

    async fn invites(&self, server: &ServerId) -> Result<Vec<InviteRecord>, StoreError> {
        let state = self.state();
        let of_server = state.communities.invites.values().filter(|invite| invite.server == *server && !invite.revoked);
        let mut invites: Vec<InviteRecord> = of_server.cloned().collect();
        invites.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        Ok(invites)
    }

    async fn revoke_invite(&self, server: &ServerId, id: &InviteId) -> Result<bool, StoreError> {
        let mut state = self.state();
        let mut all = state.communities.invites.values_mut();
        let Some(invite) = all.find(|invite| invite.server == *server && invite.id == *id && !invite.revoked) else { return Ok(false) };
        invite.revoked = true;
        Ok(true)
    }

    async fn put_schedule(&self, schedule: ScheduleRecord) -> Result<(), StoreError> {
        if let Some(server) = self.state().server_mut(&schedule.server) {
            server.schedules.insert(schedule.id.clone(), schedule);
        }
        Ok(())
    }

    async fn schedule(&self, server: &ServerId, id: &ScheduleId) -> Result<Option<ScheduleRecord>, StoreError> {
        Ok(self.state().server(server).and_then(|server| server.schedules.get(id).cloned()))
    }

    async fn delete_schedule(&self, server: &ServerId, id: &ScheduleId) -> Result<bool, StoreError> {
        Ok(self.state().server_mut(server).is_some_and(|server| server.schedules.remove(id).is_some()))
    }

    async fn schedules(&self, server: &ServerId, range: Range<SystemTime>) -> Result<Vec<ScheduleRecord>, StoreError> {
        let state = self.state();
        let all = state.server(server).into_iter().flat_map(|server| server.schedules.values());
        let mut found: Vec<ScheduleRecord> = all.filter(|schedule| range.contains(&schedule.starts_at)).cloned().collect();
        found.sort_by(|a, b| (a.starts_at, &a.id).cmp(&(b.starts_at, &b.id)));
        Ok(found)
    }

    async fn due_schedules(&self, now: SystemTime, limit: u32) -> Result<Vec<ScheduleRecord>, StoreError> {
        let state = self.state();
        let all = state.communities.servers.values().flat_map(|server| server.schedules.values());
        let mut due: Vec<ScheduleRecord> = all.filter(|schedule| schedule.remind_at.is_some_and(|at| at <= now)).cloned().collect();
        due.sort_by(|a, b| (a.remind_at, &a.id).cmp(&(b.remind_at, &b.id)));
        due.truncate(limit as usize);
        Ok(due)
    }

    async fn take_reminder(&self, schedule: &ScheduleRecord) -> Result<bool, StoreError> {
        let mut state = self.state();
        let kept = state.server_mut(&schedule.server).and_then(|server| server.schedules.get_mut(&schedule.id));
        let Some(kept) = kept.filter(|kept| kept.remind_at.is_some() && **kept == *schedule) else { return Ok(false) };
        kept.remind_at = None;
        Ok(true)
    }

    async fn put_user(&self, user: UserRecord) -> Result<(), StoreError> {
        self.state().communities.users.insert(user.user.id.clone(), user);
        Ok(())
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<UserRecord>, StoreError> {
        let state = self.state();
        Ok(ids.iter().filter_map(|id| state.communities.users.get(id).cloned()).collect())
    }
}
