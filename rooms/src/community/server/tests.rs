//! A server without a task: presence, who is told what, and random lives in which each session keeps a replica of what it was told.

mod presence;
mod random;

use super::*;
use crate::community::attendance::{FRESH, GATHER};
use crate::community::fetch::Fetched;
use crate::community::request::{ChannelChange, Command, NewChannel, Presence, Private};
use crate::community::{DefaultNames, Permission, Permissions, default_tree};
use crate::session::Grants;
use crate::store::ChannelKind;
use crate::{RoleId, ServerId};
use std::time::SystemTime;

const GRACE: Duration = Duration::from_secs(2);

/// A server, its time, and a count for what is made.
struct Bench {
    server: Server,
    start: Instant,
    passed: Duration,
    made: u32,
}

fn person(index: usize) -> User {
    User { id: UserId::new(format!("u{index}")), name: format!("u{index}") }
}

fn member(index: usize, roles: Vec<RoleId>) -> MemberRecord {
    let joined_at = SystemTime::UNIX_EPOCH;
    MemberRecord { server: ServerId::new("srv_1"), user: person(index), nickname: None, roles, joined_at, since: BTreeMap::new() }
}

fn session(id: &str, user: usize) -> SessionHandle {
    SessionHandle::new(SessionId::new(id), person(user), Grants::User).0
}

fn record(user: usize, status: Status) -> UserRecord {
    UserRecord { user: person(user), status, last_seen: None }
}

impl Bench {
    /// With `members` members, the first of whom owns it.
    fn new(members: usize) -> Self {
        let names = ["t", "c", "v", "d"].map(str::to_owned);
        let [text_category, text_channel, voice_category, voice_channel] = names;
        let names = DefaultNames { text_category, text_channel, voice_category, voice_channel };
        let (tree, owner) = default_tree(ServerId::new("srv_1"), "s".to_owned(), None, &person(0), &names, SystemTime::UNIX_EPOCH).unwrap();
        let all = (1..members).map(|index| member(index, vec![])).chain([owner]).collect();
        Self { server: Server::new(tree, all, GRACE), start: Instant::now(), passed: Duration::ZERO, made: 0 }
    }

    fn moment(&self) -> Moment {
        Moment { now: self.start + self.passed, at: SystemTime::UNIX_EPOCH + self.passed }
    }

    fn step<T>(&mut self, step: impl FnOnce(&mut Server, Moment, &mut Vec<Output>) -> T) -> (T, Vec<Output>) {
        let mut out = vec![];
        let moment = self.moment();
        let done = step(&mut self.server, moment, &mut out);
        self.server.settle_receipts(moment, &mut out);
        (done, out)
    }

    fn listen(&mut self, id: &str, user: usize) -> Vec<Output> {
        let session = session(id, user);
        self.step(|server, moment, out| server.listen(moment, session, FRESH, record(user, Status::Auto), out)).1
    }

    /// Decided and done, or refused.
    fn command(&mut self, command: Command, heads: u64) -> Option<Vec<Output>> {
        self.made += 1;
        let heads = self.server.tree.channels.keys().map(|channel| (channel.clone(), heads)).collect();
        let order = Order {
            by: By::Backend,
            command,
            at: self.moment().at,
            fresh_id: self.made.to_string(),
            secret_hash: [0; 32],
            fetched: Fetched { heads, ..Fetched::default() },
        };
        let write = self.server.decide(order).ok()?;
        Some(self.step(|server, _, out| server.apply(write, out)).1)
    }

    /// As the task does it: every deadline at its time.
    fn pass(&mut self, time: Duration) -> Vec<Output> {
        let until = self.passed + time;
        let mut all = vec![];
        let mut rounds = 0;
        while let Some(deadline) = self.server.next_deadline().filter(|deadline| *deadline <= self.start + until) {
            self.passed = self.passed.max(deadline - self.start);
            all.extend(self.step(|server, moment, out| server.deadline(moment, out)).1);
            rounds += 1;
            assert!(rounds < 100, "a deadline that has come is over");
        }
        self.passed = until;
        all
    }

    /// As [`Bench::step`], with what is told once news may be.
    fn gathered<T>(&mut self, step: impl FnOnce(&mut Server, Moment, &mut Vec<Output>) -> T) -> Vec<Output> {
        let out = self.step(step).1;
        out.into_iter().chain(self.pass(GATHER)).collect()
    }

    fn presence(&self, user: usize) -> (Presence, Option<SystemTime>) {
        let view = self.server.member_view(&self.server.members[&person(user).id]);
        (view.presence, view.last_seen)
    }
}

/// The presences that some session was told, in order.
fn told(outputs: &[Output], session: &str) -> Vec<(String, Presence)> {
    let for_session = outputs.iter().filter(|output| output.to.iter().any(|to| to.id.as_str() == session));
    for_session
        .filter_map(|output| match &*output.event {
            Event::PresenceChanged { presences, .. } => Some(presences.iter().map(|one| (one.user.to_string(), one.presence))),
            _ => None,
        })
        .flatten()
        .collect()
}
