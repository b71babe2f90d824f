//! Servers in memory as records, and records put back.
//!
//! Invariant: a part of a server is put into one that is there.

use super::{Communities, Server};
use crate::ServerId;
use crate::store::{CommunityRecord as Record, ServerTree, StoreError};
use std::collections::{BTreeMap, HashMap};

impl Communities {
    /// By kind, and those of a kind by server and id.
    pub(in crate::store::memory) fn records(&self) -> Vec<Record> {
        let mut users: Vec<_> = self.users.values().collect();
        users.sort_by_key(|user| &user.user.id);
        let mut records: Vec<Record> = users.into_iter().cloned().map(Record::User).collect();
        let mut servers: Vec<_> = self.servers.iter().collect();
        servers.sort_by_key(|(id, _)| *id);
        for part in [Server::itself, Server::roles, Server::categories, Server::channels, Server::members, Server::bans] {
            records.extend(servers.iter().flat_map(|(id, server)| part(server, id)));
        }
        let mut invites: Vec<_> = self.invites.values().collect();
        invites.sort_by_key(|invite| invite.secret_hash);
        records.extend(invites.into_iter().cloned().map(Record::Invite));
        records.extend(servers.iter().flat_map(|(_, server)| server.schedules()));
        records
    }

    pub(in crate::store::memory) fn put(&mut self, record: Record) -> Result<(), StoreError> {
        match record {
            Record::User(user) => drop(self.users.insert(user.user.id.clone(), user)),
            Record::Server { server, version } => {
                let (roles, categories, channels) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
                let id = server.id.clone();
                let tree = ServerTree { server, roles, categories, channels, version };
                self.servers.entry(id).or_insert(Server { tree, members: vec![], bans: vec![], schedules: HashMap::new() });
            }
            Record::Role { server, role } => drop(self.of(&server)?.tree.roles.insert(role.id.clone(), role)),
            Record::Category { server, category } => drop(self.of(&server)?.tree.categories.insert(category.id.clone(), category)),
            Record::Channel { server, channel } => drop(self.of(&server)?.tree.channels.insert(channel.id.clone(), channel)),
            Record::Member(member) => {
                let members = &mut self.of(&member.server)?.members;
                members.retain(|before| before.user.id != member.user.id);
                members.push(member);
            }
            Record::Ban(ban) => {
                let bans = &mut self.of(&ban.server)?.bans;
                bans.retain(|before| before.user.id != ban.user.id);
                bans.push(ban);
            }
            Record::Invite(invite) => {
                self.of(&invite.server)?;
                self.invites.insert(invite.secret_hash, invite);
            }
            Record::Schedule(schedule) => drop(self.of(&schedule.server)?.schedules.insert(schedule.id.clone(), schedule)),
        }
        Ok(())
    }

    fn of(&mut self, server: &ServerId) -> Result<&mut Server, StoreError> {
        self.servers.get_mut(server).ok_or(StoreError::Corrupt)
    }
}

impl Server {
    fn itself(&self, _: &ServerId) -> Vec<Record> {
        vec![Record::Server { server: self.tree.server.clone(), version: self.tree.version }]
    }

    fn roles(&self, id: &ServerId) -> Vec<Record> {
        self.tree.roles.values().map(|role| Record::Role { server: id.clone(), role: role.clone() }).collect()
    }

    fn categories(&self, id: &ServerId) -> Vec<Record> {
        self.tree.categories.values().map(|category| Record::Category { server: id.clone(), category: category.clone() }).collect()
    }

    fn channels(&self, id: &ServerId) -> Vec<Record> {
        self.tree.channels.values().map(|channel| Record::Channel { server: id.clone(), channel: channel.clone() }).collect()
    }

    fn members(&self, _: &ServerId) -> Vec<Record> {
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_by_key(|member| &member.user.id);
        members.into_iter().cloned().map(Record::Member).collect()
    }

    fn bans(&self, _: &ServerId) -> Vec<Record> {
        let mut bans: Vec<_> = self.bans.iter().collect();
        bans.sort_by_key(|ban| &ban.user.id);
        bans.into_iter().cloned().map(Record::Ban).collect()
    }

    fn schedules(&self) -> Vec<Record> {
        let mut schedules: Vec<_> = self.schedules.values().collect();
        schedules.sort_by_key(|schedule| &schedule.id);
        schedules.into_iter().cloned().map(Record::Schedule).collect()
    }
}
