//! Random lives of a channel's receipts: what each watcher makes of what it was told has to be what is so.

use super::*;
use crate::SessionId;
use crate::session::Grants;
use crate::view::User;
use proptest::prelude::*;
use std::time::SystemTime;

const USERS: usize = 4;

#[derive(Debug, Clone)]
enum Act {
    Readers { of: usize, since: u64 },
    Found,
    Read { user: usize, seq: u64 },
    Write { user: usize, seq: u64 },
    Watch { user: usize },
    Unwatch { user: usize },
    Pass { ms: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (0..1usize << USERS, 0..9u64).prop_map(|(of, since)| Act::Readers { of, since }),
        3 => Just(Act::Found),
        6 => (0..USERS, 0..9u64).prop_map(|(user, seq)| Act::Read { user, seq }),
        2 => (0..USERS, 0..9u64).prop_map(|(user, seq)| Act::Write { user, seq }),
        3 => (0..USERS).prop_map(|user| Act::Watch { user }),
        1 => (0..USERS).prop_map(|user| Act::Unwatch { user }),
        4 => (0..1_500u64).prop_map(|ms| Act::Pass { ms }),
    ]
}

fn id(user: usize) -> UserId {
    UserId::new(format!("u{user}"))
}

/// The receipts, a store, and what each watcher knows.
struct Life {
    receipts: Receipts,
    start: Instant,
    passed: Duration,
    readers: BTreeMap<UserId, u64>,
    asked: Vec<UserId>,
    stored: HashMap<UserId, u64>,
    replicas: HashMap<SessionId, BTreeMap<u64, u64>>,
}

impl Life {
    fn new() -> Self {
        let (receipts, start, passed) = (Receipts::default(), Instant::now(), Duration::ZERO);
        Self { receipts, start, passed, readers: BTreeMap::new(), asked: vec![], stored: HashMap::new(), replicas: HashMap::new() }
    }

    fn moment(&self) -> Moment {
        Moment { now: self.start + self.passed, at: SystemTime::UNIX_EPOCH }
    }

    fn session(user: usize) -> SessionHandle {
        SessionHandle::new(SessionId::new(format!("s{user}")), User { id: id(user), name: String::new() }, Grants::User).0
    }

    fn act(&mut self, act: Act) {
        let moment = self.moment();
        match act {
            Act::Readers { of, since } => {
                let readers = (0..USERS).filter(|user| of >> user & 1 == 1).map(id);
                // As it is in a channel: whoever comes later has read all before, and nobody's start moves back.
                let since = |user: &UserId| self.readers.get(user).copied().unwrap_or(since);
                self.readers = readers.map(|user| (user.clone(), since(&user))).collect();
                self.asked.extend(self.receipts.set_readers(moment, &self.readers));
                self.replicas.retain(|session, _| self.readers.keys().any(|user| user.as_str()[1..] == session.as_str()[1..]));
            }
            Act::Found => {
                let found = std::mem::take(&mut self.asked).into_iter();
                let found = found.map(|user| (user.clone(), self.stored.get(&user).copied().unwrap_or_default())).collect();
                self.receipts.found(moment, found);
            }
            Act::Read { user, seq } if self.readers.contains_key(&id(user)) => {
                self.stored.insert(id(user), seq);
                self.receipts.set(moment, &id(user), seq);
            }
            Act::Write { user, seq } if self.readers.contains_key(&id(user)) => {
                let mark = self.stored.entry(id(user)).or_default();
                *mark = seq.max(*mark);
                let mark = *mark;
                self.receipts.raise(moment, &id(user), mark);
            }
            Act::Watch { user } if self.readers.contains_key(&id(user)) => {
                self.replicas.remove(&Self::session(user).id);
                self.receipts.watch(Self::session(user));
            }
            Act::Unwatch { user } => {
                self.replicas.remove(&Self::session(user).id);
                self.receipts.unwatch(&Self::session(user).id);
            }
            Act::Pass { ms } => self.passed += Duration::from_millis(ms),
            Act::Read { .. } | Act::Write { .. } | Act::Watch { .. } => {}
        }
        self.hear();
    }

    fn hear(&mut self) {
        let News { moves, moved, standing, fresh } = self.receipts.settle(self.moment());
        for session in moved {
            let replica = self.replicas.get_mut(&session.id).expect("it knows the standing");
            for ReceiptMove { from, to, readers } in &moves {
                if let Some(from) = from {
                    let left = replica.get_mut(from).expect("somebody stood there");
                    *left = left.checked_sub(*readers).expect("as many stood there");
                }
                if let Some(to) = to {
                    *replica.entry(*to).or_default() += readers;
                }
            }
            replica.retain(|_, readers| *readers > 0);
        }
        for session in fresh {
            self.replicas.insert(session.id.clone(), standing.iter().map(|standing| (standing.seq, standing.readers)).collect());
        }
    }

    /// Of those whom the store was asked for and who still read the channel.
    fn truth(&self) -> BTreeMap<u64, u64> {
        let mut truth = BTreeMap::new();
        for (user, since) in &self.readers {
            *truth.entry(self.stored.get(user).copied().unwrap_or_default().max(*since)).or_default() += 1;
        }
        truth
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_watcher_ends_with_what_is_so(acts in prop::collection::vec(act(), 1..80)) {
        let mut life = Life::new();
        acts.into_iter().for_each(|act| life.act(act));
        life.act(Act::Found);
        life.act(Act::Pass { ms: 1_000 });
        life.act(Act::Pass { ms: 1_000 });
        let truth = life.truth();
        prop_assert_eq!(life.replicas.len(), life.receipts.watchers.len());
        for (session, replica) in &life.replicas {
            prop_assert_eq!(replica, &truth, "{}", session);
        }
        prop_assert_eq!(life.receipts.next_deadline(), None, "nothing is left to tell");
    }
}

#[test]
fn what_many_read_within_a_second_is_one_push() {
    let mut life = Life::new();
    life.act(Act::Readers { of: 0b1111, since: 0 });
    life.act(Act::Found);
    life.act(Act::Watch { user: 0 });
    assert_eq!(life.replicas[&SessionId::new("s0")], BTreeMap::from([(0, 4)]));
    life.passed += GATHER;
    let moment = life.moment();
    life.receipts.set(moment, &id(1), 2);
    assert_eq!(life.receipts.settle(moment).moves, [ReceiptMove { from: Some(0), to: Some(2), readers: 1 }], "the first at once");
    for (user, seq) in [(1, 3), (2, 5), (1, 4), (3, 5), (1, 5)] {
        life.receipts.set(moment, &id(user), seq);
        assert!(life.receipts.settle(moment).moves.is_empty(), "so soon after another");
    }
    life.passed += GATHER;
    let news = life.receipts.settle(life.moment());
    let told = |from, readers| ReceiptMove { from: Some(from), to: Some(5), readers };
    assert_eq!(news.moves, [told(0, 2), told(2, 1)]);
    assert_eq!(news.moved.len(), 1);
}
