//! Random operations on servers, each done on the store and on the plainest reading of the promises, which is the memory store.
//!
//! Says nothing of races: one operation at a time. Invariant: the same operations on both, and the same answers of both.

use super::{ban, category, channel, id, invite, member, private, role, schedule, tree};
use crate::store::conformance::oracle::Path;
use crate::store::conformance::{message, millis, named};
use crate::store::{
    ChannelRecord, Entry, InviteRecord, Mark, MemberRecord, Membership, MemoryStore, Pin, React, RoleRecord, ScheduleRecord, ServerRecord,
    Status, Store, TreeChange, UserRecord,
};
use crate::view::Cursor;
use crate::{ChannelId, UserId};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::sync::Arc;

const OPERATIONS: usize = 3_000;

const SERVERS: [&str; 3] = ["a", "b", "c"];
const USERS: [&str; 4] = ["u0", "u1", "u2", "u3"];
const PARTS: [&str; 4] = ["p0", "p1", "p2", "p3"];

/// Does the same on both.
macro_rules! both {
    ($twins:expr, $operation:ident($($argument:expr),* $(,)?)) => {{
        let answer = $twins.store.$operation($($argument),*).await.unwrap();
        assert_eq!(answer, $twins.plain.$operation($($argument),*).await.unwrap(), "{}", stringify!($operation));
        answer
    }};
}

struct Twins {
    store: Arc<dyn Store>,
    plain: Arc<dyn Store>,
    rng: StdRng,
    index: u64,
}

impl Twins {
    fn one_of(&mut self, names: &[&'static str]) -> &'static str {
        names[self.rng.random_range(0..names.len())]
    }

    fn is(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    /// Few names, so that operations meet.
    async fn step(&mut self) {
        let server = self.one_of(&SERVERS);
        let name = self.one_of(&USERS);
        match self.rng.random_range(0..100) {
            0..4 => drop(both!(self, create_server(tree(server), vec![self.member(server, name, 0)]))),
            4..6 => both!(self, delete_server(&id(server))),
            6..30 => self.change(server).await,
            30..50 => self.people(server, name).await,
            50..62 => self.invitations(server).await,
            62..75 => self.calendar(server).await,
            75..80 => {
                let status = if self.is(0.5) { Status::Busy } else { Status::Away };
                let last_seen = self.is(0.5).then_some(millis(self.index));
                both!(self, put_user(UserRecord { user: super::user(name), status, last_seen }));
                both!(self, users(&USERS.map(UserId::new)));
            }
            _ => self.talk(server, name).await,
        }
    }

    fn member(&self, server: &str, name: &str, roles: usize) -> MemberRecord {
        let roles = PARTS[..roles].iter().map(|part| role(server, part).id).collect();
        MemberRecord { roles, joined_at: millis(self.index), ..member(server, name) }
    }

    /// One to three changes, mostly on the version that is.
    async fn change(&mut self, server: &str) {
        let kept = both!(self, server(&id(server)));
        let version = kept.map_or(1, |tree| tree.version) + u64::from(self.is(0.1));
        let changes: Vec<TreeChange> = (0..self.rng.random_range(1..4)).map(|_| self.any_change(server)).collect();
        both!(self, update_server(&id(server), version, changes.clone()));
        both!(self, server(&id(server)));
        both!(self, members(&id(server)));
    }

    fn any_change(&mut self, server: &str) -> TreeChange {
        let name = self.one_of(&PARTS);
        let (from, position) = (self.one_of(&SERVERS), self.rng.random());
        match self.rng.random_range(0..8) {
            0 => TreeChange::Server(ServerRecord { name: format!("{}", self.index), ..tree(server).server }),
            1 => TreeChange::PutRole(RoleRecord { rank: position, ..role(server, name) }),
            2 => TreeChange::RemoveRole(role(server, name).id),
            3 => TreeChange::PutCategory(category(server, name, position)),
            4 => TreeChange::RemoveCategory(category(server, name, 0).id),
            // Perhaps one of another server.
            5 => TreeChange::RemoveChannel(channel(from, name).id),
            6 => TreeChange::PutChannel(ChannelRecord { position, category: Some(category(server, name, 0).id), ..channel(server, name) }),
            _ => {
                let roles = PARTS.iter().map(|part| (role(server, part).id, self.rng.random_range(0..9))).collect();
                let users = USERS.iter().map(|name| (UserId::new(*name), self.rng.random_range(0..9))).collect();
                let access = crate::store::Access { everyone: self.rng.random_bool(0.5).then_some(9), users, roles };
                TreeChange::PutChannel(ChannelRecord { id: channel(server, name).id, access, ..private(server) })
            }
        }
    }

    async fn people(&mut self, server: &str, name: &str) {
        let (user, roles) = (UserId::new(name), self.rng.random_range(0..=PARTS.len()));
        let member = self.member(server, name, roles);
        match self.rng.random_range(0..6) {
            0 => drop(both!(self, enter(member.clone(), Entry::Granted))),
            1 | 2 => {
                let entry = Entry::Invite { secret_hash: [self.rng.random_range(0..12); 32], now: millis(self.rng.random_range(0..1_100)) };
                both!(self, enter(member.clone(), entry.clone()));
            }
            3 => drop(both!(self, update_member(member.clone()))),
            4 => {
                let ban = self.is(0.5).then(|| ban(server, name, self.index));
                both!(self, remove_member(&id(server), &user, ban.clone()));
            }
            _ => drop(both!(self, unban(&id(server), &user))),
        }
        both!(self, members(&id(server)));
        both!(self, memberships(&user));
        both!(self, bans(&id(server)));
    }

    async fn invitations(&mut self, server: &str) {
        let secret = self.rng.random_range(0..12);
        let max_uses = self.is(0.7).then_some(2);
        let new = InviteRecord { created_at: millis(self.index), ..invite(server, secret, max_uses) };
        let known = both!(self, invite(&[secret; 32]));
        match known {
            Some(known) if self.is(0.3) => drop(both!(self, revoke_invite(&id(server), &known.id))),
            Some(_) => {}
            None => both!(self, create_invite(new.clone())),
        }
        both!(self, invites(&id(server)));
    }

    async fn calendar(&mut self, server: &str) {
        let name = self.one_of(&PARTS);
        let starts_at_ms = self.rng.random_range(10..200);
        let new = ScheduleRecord { changed_at: millis(self.index), ..schedule(server, name, starts_at_ms) };
        match self.rng.random_range(0..4) {
            0 => both!(self, put_schedule(new.clone())),
            1 => drop(both!(self, delete_schedule(&id(server), &new.id))),
            2 => drop(both!(self, take_reminder(&new))),
            _ => {
                if let Some(kept) = both!(self, schedule(&id(server), &new.id)) {
                    both!(self, take_reminder(&kept));
                }
            }
        }
        let (now, limit) = (millis(self.rng.random_range(0..200)), self.rng.random_range(0..12));
        both!(self, schedules(&id(server), now..millis(150)));
        both!(self, due_schedules(now, limit));
    }

    async fn talk(&mut self, server: &str, name: &str) {
        let channel: ChannelId = channel(server, self.one_of(&PARTS)).id;
        let (user, seq) = (UserId::new(name), self.rng.random_range(0..9));
        let mut said = message(&format!("m{}", self.index), channel.as_str(), name, &format!("{}", self.rng.random_range(0..40)));
        said.mentions = vec![named(self.one_of(&USERS))];
        match self.rng.random_range(0..8) {
            0..4 => drop(both!(self, append(said.clone()))),
            4 => {
                let (emoji, mark) = ("🍻".to_owned(), Mark::On);
                both!(self, react(React { channel: channel.clone(), seq, user: user.clone(), emoji: emoji.clone(), mark }));
            }
            5 => drop(both!(self, pin(Pin { channel: channel.clone(), seq, mark: Mark::On, at: millis(self.index) }))),
            6 => drop(both!(self, mark_read(&user, &channel, seq))),
            _ => drop(both!(self, delete(&channel, seq, millis(self.index)))),
        }
        both!(self, history(&channel, Cursor::Newest, 5));
        both!(self, unread(&user, &[Membership { channel: channel.clone(), since: 1, roles: vec![] }]));
        both!(self, pins(&channel));
        both!(self, server_of(&channel));
    }
}

/// A few thousand operations of one seed, which a failure names and `ZZAN_SEED` repeats; `ZZAN_ORACLE_OPERATIONS` sets how many.
pub async fn random_changes_of_servers_agree_with_the_plainest_reading(store: Arc<dyn Store>) {
    let mut path = Path::new(OPERATIONS);
    let mut twins = Twins { store, plain: Arc::new(MemoryStore::new()), rng: StdRng::seed_from_u64(path.seed), index: 0 };
    while path.goes_on() {
        twins.index = path.index();
        twins.step().await;
    }
    for server in SERVERS {
        both!(twins, server(&id(server)));
        both!(twins, members(&id(server)));
    }
}
