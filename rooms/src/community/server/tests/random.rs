//! Random lives of a server. A replica of what each session was told, made from the outputs alone, has to agree with the server after
//! every step, and on presence at the end, when all news is told. How people are seen is held against an oracle that knows their sessions.

use super::*;

use crate::community::Contact;
use crate::store::{Access, RoleRecord};
use crate::view::Message;
use crate::{CategoryId, MessageId};
use proptest::prelude::*;

const USERS: usize = 4;

#[derive(Debug, Clone)]
enum Act {
    Listen {
        session: usize,
        user: usize,
        contact: Contact,
    },
    Unlisten {
        session: usize,
    },
    Connection {
        session: usize,
        loss: Option<Loss>,
    },
    Idle {
        session: usize,
        idle: Idle,
    },
    Status {
        user: usize,
        status: Status,
    },
    Enter {
        user: usize,
        role: usize,
    },
    Command(Ask),
    /// Done behind the server's back, which then reads the store anew.
    Elsewhere(Vec<Ask>),
    Voices {
        channel: usize,
        people: usize,
    },
    Say {
        channel: usize,
    },
    Pass {
        ms: u64,
    },
}

#[derive(Debug, Clone)]
enum Ask {
    Rename,
    HandOver { to: usize },
    AddChannel { voice: bool, category: Option<usize>, private: Option<(usize, usize)> },
    Restrict { channel: usize, private: Option<(usize, usize)> },
    RemoveChannel { channel: usize },
    AddCategory,
    RemoveCategory { category: usize },
    AddRole { bits: u32 },
    Empower { role: usize, bits: u32 },
    RemoveRole { role: usize },
    Assign { user: usize, roles: usize },
    Nickname { user: usize, name: Option<u8> },
    Kick { user: usize },
    Ban { user: usize },
}

fn listed() -> impl Strategy<Value = Option<(usize, usize)>> {
    prop::option::of((0..1usize << USERS, 0..64usize))
}

fn ask() -> impl Strategy<Value = Ask> {
    let bits = prop_oneof![Just(0), Just(Permissions::of(&[Permission::ManageChannels]).bits()), 0..=Permissions::all().bits()];
    prop_oneof![
        1 => Just(Ask::Rename),
        1 => (0..USERS).prop_map(|to| Ask::HandOver { to }),
        3 => (any::<bool>(), prop::option::of(0..4usize), listed())
            .prop_map(|(voice, category, private)| Ask::AddChannel { voice, category, private }),
        4 => (0..6usize, listed()).prop_map(|(channel, private)| Ask::Restrict { channel, private }),
        1 => (0..6usize).prop_map(|channel| Ask::RemoveChannel { channel }),
        1 => Just(Ask::AddCategory),
        1 => (0..4usize).prop_map(|category| Ask::RemoveCategory { category }),
        2 => bits.clone().prop_map(|bits| Ask::AddRole { bits }),
        3 => (0..6usize, bits).prop_map(|(role, bits)| Ask::Empower { role, bits }),
        1 => (0..6usize).prop_map(|role| Ask::RemoveRole { role }),
        4 => (0..USERS, 0..64usize).prop_map(|(user, roles)| Ask::Assign { user, roles }),
        1 => (0..USERS, prop::option::of(0..3u8)).prop_map(|(user, name)| Ask::Nickname { user, name }),
        1 => (0..USERS).prop_map(|user| Ask::Kick { user }),
        1 => (0..USERS).prop_map(|user| Ask::Ban { user }),
    ]
}

fn idle() -> impl Strategy<Value = Idle> {
    prop_oneof![Just(Idle::No), Just(Idle::Yes)]
}

fn act() -> impl Strategy<Value = Act> {
    let loss = prop_oneof![Just(None), Just(Some(Loss::Closed)), Just(Some(Loss::Silent))];
    let status = prop_oneof![Just(Status::Auto), Just(Status::Busy), Just(Status::Away)];
    prop_oneof![
        4 => (0..6usize, 0..USERS).prop_map(|(session, user)| Act::Listen { session, user, contact: FRESH }),
        2 => (0..6usize, 0..USERS, loss.clone(), idle()).prop_map(|(session, user, loss, idle)| {
            Act::Listen { session, user, contact: Contact { loss, idle } }
        }),
        2 => (0..6usize).prop_map(|session| Act::Unlisten { session }),
        3 => (0..6usize, loss).prop_map(|(session, loss)| Act::Connection { session, loss }),
        2 => (0..6usize, idle()).prop_map(|(session, idle)| Act::Idle { session, idle }),
        2 => (0..USERS, status).prop_map(|(user, status)| Act::Status { user, status }),
        3 => (0..USERS, 0..6usize).prop_map(|(user, role)| Act::Enter { user, role }),
        12 => ask().prop_map(Act::Command),
        2 => prop::collection::vec(ask(), 1..4).prop_map(Act::Elsewhere),
        2 => (0..6usize, 0..1usize << USERS).prop_map(|(channel, people)| Act::Voices { channel, people }),
        4 => (0..6usize).prop_map(|channel| Act::Say { channel }),
        3 => prop_oneof![0..500u64, 1_000..4_000u64].prop_map(|ms| Act::Pass { ms }),
    ]
}

/// What one session was told.
#[derive(Debug)]
struct Replica {
    user: UserId,
    tree: ServerTree,
    members: BTreeMap<UserId, MemberView>,
    voices: BTreeMap<ChannelId, Vec<User>>,
    messages: Vec<(ChannelId, u64)>,
}

/// A session as it is.
#[derive(Debug, Clone, Copy)]
struct Truth {
    user: usize,
    idle: Idle,
    gone_at: Option<Duration>,
}

struct World {
    bench: Bench,
    replicas: BTreeMap<SessionId, Replica>,
    truths: BTreeMap<SessionId, Truth>,
    statuses: [Status; USERS],
    said: u64,
}

impl World {
    fn new() -> Self {
        let (replicas, truths) = (BTreeMap::new(), BTreeMap::new());
        Self { bench: Bench::new(USERS), replicas, truths, statuses: [Status::Auto; USERS], said: 0 }
    }

    fn perform(&mut self, act: Act) {
        // A session belongs to one user.
        let id = |session: usize, user: usize| SessionId::new(format!("s{session}-{user}"));
        let listening: Vec<(SessionId, Truth)> = self.truths.iter().map(|(id, truth)| (id.clone(), *truth)).collect();
        let pick = |session: usize| listening.get(session % listening.len().max(1)).cloned();
        match act {
            Act::Listen { session, user, contact } => self.listen(id(session, user), user, contact),
            Act::Unlisten { session } => {
                let Some((id, Truth { user, .. })) = pick(session) else { return };
                self.replicas.remove(&id);
                self.truths.remove(&id);
                let out = self.bench.step(|server, moment, out| server.unlisten(moment, &id, &person(user).id, out)).1;
                self.hear(out);
            }
            Act::Connection { session, loss } => {
                let Some((id, Truth { user, .. })) = pick(session) else { return };
                let gone_at = loss.map(|loss| self.bench.passed + if loss == Loss::Closed { GRACE } else { Duration::ZERO });
                self.truths.get_mut(&id).unwrap().gone_at = gone_at;
                let out = self.bench.step(|server, moment, out| server.connection(moment, &id, &person(user).id, loss, out)).1;
                self.hear(out);
            }
            Act::Idle { session, idle } => {
                let Some((id, Truth { user, .. })) = pick(session) else { return };
                self.truths.get_mut(&id).unwrap().idle = idle;
                let out = self.bench.step(|server, moment, out| server.set_idle(moment, &id, &person(user).id, idle, out)).1;
                self.hear(out);
            }
            Act::Status { user, status } => {
                self.statuses[user] = status;
                let out = self.bench.step(|server, moment, out| server.set_status(moment, &person(user).id, status, out)).1;
                self.hear(out);
            }
            Act::Enter { user, role } => {
                let member = member(user, self.role(role).into_iter().collect());
                let out = self.bench.step(|server, _, out| server.entered(member, out)).1;
                self.hear(out);
            }
            Act::Command(ask) => {
                let Some(command) = self.command(ask) else { return };
                let out = self.bench.command(command, self.said).unwrap_or_default();
                self.hear(out);
            }
            Act::Elsewhere(asks) => self.elsewhere(asks),
            Act::Voices { channel, people } => {
                let Some(channel) = self.channel(channel) else { return };
                let people = (0..USERS).filter(|user| people & (1 << user) != 0).map(person).collect();
                let out = self.bench.step(|server, _, out| server.set_voices(&channel, people, out)).1;
                self.hear(out);
            }
            Act::Say { channel } => self.say(channel),
            Act::Pass { ms } => {
                let out = self.bench.pass(Duration::from_millis(ms));
                self.hear(out);
            }
        }
    }

    fn listen(&mut self, id: SessionId, user: usize, contact: Contact) {
        let session = session(id.as_str(), user);
        let status = self.statuses[user];
        let (view, out) = self.bench.step(|server, moment, out| server.listen(moment, session, contact, record(user, status), out));
        if let Ok(view) = view {
            let members = self.bench.server.members().into_iter().map(|member| (member.record.user.id.clone(), member)).collect();
            let replica =
                Replica { user: person(user).id, tree: view.tree, members, voices: view.voices.into_iter().collect(), messages: vec![] };
            self.truths.insert(id.clone(), Truth { user, idle: contact.idle, gone_at: contact.loss.map(|_| self.bench.passed) });
            // It has just been told all that: what is told for its coming tells it nothing new.
            self.replicas.remove(&id);
            self.hear(out);
            self.replicas.insert(id, replica);
        } else {
            assert!(out.is_empty());
        }
    }

    /// The store as another node leaves it, with the same commands.
    fn elsewhere(&mut self, asks: Vec<Ask>) {
        let members = self.bench.server.members.values().cloned().collect();
        let mut other = Bench { server: Server::new(self.bench.server.tree.clone(), members, GRACE), ..Bench::new(0) };
        (other.made, other.passed) = (self.bench.made, self.bench.passed);
        for ask in asks {
            if let Some(command) = self.command(ask) {
                other.command(command, self.said);
            }
        }
        self.bench.made = other.made;
        let (tree, members) = (other.server.tree, other.server.members.into_values().collect());
        let out = self.bench.step(|server, _, out| server.replace(tree, members, out)).1;
        self.hear(out);
    }

    fn say(&mut self, channel: usize) {
        let Some(channel) = self.channel(channel) else { return };
        self.said += 2;
        let message = |seq: u64| Message {
            id: MessageId::new(format!("m{seq}")),
            channel: channel.clone(),
            seq,
            author: person(0),
            text: "짠".to_owned(),
            sent_at: SystemTime::UNIX_EPOCH,
            edited_at: None,
            deleted_at: None,
            reply_to: None,
            mentions: vec![],
            attachments: vec![],
            reactions: vec![],
        };
        let (first, second) = (self.said - 1, self.said);
        let delivery = Delivery::Messages(vec![message(first), message(second)]);
        let out = self.bench.step(|server, moment, out| server.deliver(moment, &channel, delivery, out)).1;
        self.hear(out);
        for (id, replica) in &mut self.replicas {
            let heard = std::mem::take(&mut replica.messages);
            let expected = if replica.tree.channels.contains_key(&channel) {
                vec![(channel.clone(), first), (channel.clone(), second)]
            } else {
                vec![]
            };
            assert_eq!(heard, expected, "what {id} heard of {channel}");
        }
    }

    fn channel(&self, index: usize) -> Option<ChannelId> {
        self.bench.server.tree.channels.keys().nth(index).cloned()
    }

    fn role(&self, index: usize) -> Option<RoleId> {
        self.bench.server.tree.roles.keys().nth(index).cloned()
    }

    fn roles(&self, mask: usize) -> Vec<RoleId> {
        self.bench.server.tree.roles.keys().enumerate().filter(|(index, _)| mask & (1 << index) != 0).map(|(_, id)| id.clone()).collect()
    }

    fn private(&self, listed: Option<(usize, usize)>) -> Option<Private> {
        let (users, roles) = listed?;
        let is_member = |user: &usize| self.bench.server.members.contains_key(&person(*user).id);
        let users = (0..USERS).filter(|user| users & (1 << user) != 0).filter(is_member).map(|user| person(user).id).collect();
        Some(Private { users, roles: self.roles(roles) })
    }

    fn command(&self, ask: Ask) -> Option<Command> {
        let category = |index: usize| self.bench.server.tree.categories.keys().nth(index).cloned();
        let custom = |role: &&RoleRecord| role.kind == crate::community::RoleKind::Custom;
        Some(match ask {
            Ask::Rename => Command::UpdateServer { name: Some(format!("n{}", self.bench.made)), image_url: None },
            Ask::HandOver { to } => Command::HandOver { to: person(to).id },
            Ask::AddChannel { voice, category: of, private } => Command::CreateChannel(NewChannel {
                name: "c".to_owned(),
                kind: if voice { ChannelKind::Voice { capacity: 4 } } else { ChannelKind::Text },
                category: of.and_then(category),
                private: self.private(private),
                position: None,
                slow_mode: None,
            }),
            Ask::Restrict { channel, private } => Command::UpdateChannel {
                channel: self.channel(channel)?,
                change: ChannelChange { private: Some(self.private(private)), ..ChannelChange::default() },
            },
            Ask::RemoveChannel { channel } => Command::DeleteChannel { channel: self.channel(channel)? },
            Ask::AddCategory => Command::CreateCategory { name: "k".to_owned(), position: None },
            Ask::RemoveCategory { category: index } => Command::DeleteCategory { category: category(index)? },
            Ask::AddRole { bits } => {
                Command::CreateRole { name: "r".to_owned(), color: None, permissions: Permissions::from_bits(bits)?, rank: 1 }
            }
            Ask::Empower { role, bits } => Command::UpdateRole {
                role: self.role(role)?,
                name: None,
                color: None,
                permissions: Some(Permissions::from_bits(bits)?),
                rank: None,
            },
            Ask::RemoveRole { role } => {
                Command::DeleteRole { role: self.bench.server.tree.roles.values().filter(custom).nth(role)?.id.clone() }
            }
            Ask::Assign { user, roles } => Command::UpdateMember { user: person(user).id, nickname: None, roles: Some(self.roles(roles)) },
            Ask::Nickname { user, name } => {
                Command::UpdateMember { user: person(user).id, nickname: Some(name.map(|name| format!("n{name}"))), roles: None }
            }
            Ask::Kick { user } => Command::Kick { user: person(user).id },
            Ask::Ban { user } => Command::Ban { user: person(user).id, reason: None },
        })
    }

    fn hear(&mut self, outputs: Vec<Output>) {
        for Output { to, event } in outputs {
            let mut once = BTreeSet::new();
            for session in &*to {
                assert!(once.insert(session.id.clone()), "{} is told twice: {event:?}", session.id);
                // Who has just come is told as it comes; who has ended is told nothing.
                let Some(replica) = self.replicas.get_mut(&session.id) else {
                    assert!(self.truths.contains_key(&session.id), "{} has gone: {event:?}", session.id);
                    continue;
                };
                if let Event::ServerDeleted { .. } = &*event {
                    self.replicas.remove(&session.id);
                    self.truths.remove(&session.id);
                } else {
                    replica.apply(&event);
                }
            }
        }
    }

    /// Presence is compared once all news of it `is_told`.
    fn check(&self, is_told: bool) {
        let server = &self.bench.server;
        let members: BTreeMap<UserId, MemberView> =
            server.members.iter().map(|(user, member)| (user.clone(), server.member_view(member))).collect();
        let known = |members: &BTreeMap<UserId, MemberView>| {
            members.values().map(|view| (view.record.clone(), is_told.then_some((view.presence, view.last_seen)))).collect::<Vec<_>>()
        };
        let sessions: BTreeSet<&SessionId> = server.sessions().map(|session| &session.id).collect();
        assert_eq!(sessions, self.replicas.keys().collect(), "who listens");
        for (id, replica) in &self.replicas {
            let view = server.view(&replica.user).unwrap();
            let mut tree = replica.tree.clone();
            tree.version = view.tree.version;
            assert_eq!(tree, view.tree, "what {id} was told");
            assert_eq!(known(&replica.members), known(&members), "what {id} was told");
            assert_eq!(replica.voices.clone().into_iter().collect::<Vec<_>>(), view.voices, "what {id} was told");
            let me = &replica.members[&replica.user].record;
            assert_eq!((me, policy::permissions(&replica.tree, me)), (&view.me, view.permissions));
            assert_eq!(replica.messages, []);
        }
        for (user, member) in &members {
            assert_eq!(member.presence, self.expected(user), "{user}");
            assert!(member.presence == Presence::Offline || member.last_seen.is_none());
        }
        for channel in server.tree.channels.values() {
            let Access { users, roles, .. } = &channel.access;
            assert!(users.keys().all(|user| members.contains_key(user)) && roles.keys().all(|role| server.tree.roles.contains_key(role)));
            assert!(channel.category.as_ref().is_none_or(|id: &CategoryId| server.tree.categories.contains_key(id)));
        }
    }

    fn expected(&self, user: &UserId) -> Presence {
        let there: Vec<&Truth> = self
            .truths
            .values()
            .filter(|truth| person(truth.user).id == *user && truth.gone_at.is_none_or(|gone_at| gone_at > self.bench.passed))
            .collect();
        let Some(first) = there.first() else { return Presence::Offline };
        match self.statuses[first.user] {
            Status::Busy => Presence::Busy,
            Status::Away => Presence::Away,
            Status::Auto if there.iter().all(|truth| truth.idle == Idle::Yes) => Presence::Idle,
            Status::Auto => Presence::Online,
        }
    }
}

impl Replica {
    fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::ServerUpdated { server, roles, categories } => {
                self.tree.server = *server;
                self.tree.roles = roles.into_iter().map(|role| (role.id.clone(), role)).collect();
                self.tree.categories = categories.into_iter().map(|category| (category.id.clone(), category)).collect();
                // A role that isn't there any more is nobody's.
                for member in self.members.values_mut() {
                    member.record.roles.retain(|role| self.tree.roles.contains_key(role));
                }
            }
            Event::ChannelCreated { channel, .. } => {
                assert!(self.tree.channels.insert(channel.id.clone(), *channel).is_none(), "was there: {event:?}");
            }
            Event::ChannelUpdated { channel, .. } => {
                let before = self.tree.channels.insert(channel.id.clone(), (*channel).clone());
                assert!(before.is_some_and(|before| before != *channel), "is no update: {event:?}");
            }
            Event::ChannelDeleted { channel, .. } => {
                assert!(self.tree.channels.remove(&channel).is_some(), "wasn't there: {event:?}");
                self.voices.remove(&channel);
            }
            Event::MemberJoined { member, .. } => {
                assert!(self.members.insert(member.record.user.id.clone(), *member).is_none(), "was there: {event:?}");
            }
            Event::MemberUpdated { member, .. } => {
                assert!(self.members.insert(member.record.user.id.clone(), *member).is_some(), "wasn't there: {event:?}");
            }
            Event::MemberLeft { user, .. } => assert!(self.members.remove(&user).is_some(), "wasn't there: {event:?}"),
            Event::PresenceChanged { presences, .. } => {
                for PresenceView { user, presence, last_seen } in presences {
                    let member = self.members.get_mut(&user).unwrap();
                    (member.presence, member.last_seen) = (presence, last_seen);
                }
            }
            Event::VoiceChanged { channel, people, .. } => {
                assert!(self.tree.channels.contains_key(&channel), "not seen: {event:?}");
                match people.is_empty() {
                    true => self.voices.remove(&channel),
                    false => self.voices.insert(channel, people),
                };
            }
            Event::ChatMessage { message } => self.messages.push((message.channel, message.seq)),
            other => panic!("nobody caused {other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_session_was_told_the_truth(acts in prop::collection::vec(act(), 1..120)) {
        let mut world = World::new();
        for act in acts {
            world.perform(act);
            world.check(false);
        }
        // Who was lost may have a grace before.
        let out = world.bench.pass(GRACE + GATHER * 2);
        world.hear(out);
        world.check(true);
    }
}
