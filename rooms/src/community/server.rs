//! A live server: its tree, its members, and the sessions that listen to it, as one pure state machine.
//!
//! It has no clock, store or task of its own: `actor` has those. What is told leaves as [`Output`]s. Invariant: a session is told of a channel,
//! and of what happens in it, as long as its user reads that channel, and no longer.

use super::decide::{By, Context, Order, Write};
use super::policy::{self, Act, Actor};
use super::request::{DepartReason, MemberView, Presence, ServerView};
use crate::chat::Delivery;
use crate::permission::ChatRights;
use crate::session::SessionHandle;
use crate::store::{ChannelRecord, MemberRecord, Membership, ServerTree, Status, TreeChange, UserRecord};
use crate::view::{Unread, User};
use crate::{ChannelId, Error, Event, Loss, Result, RoleId, SessionId, UserId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// An event for some sessions.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) to: Arc<[SessionHandle]>,
    pub(crate) event: Arc<Event>,
}

/// A channel as one member has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Post {
    pub(crate) channel: ChannelRecord,
    pub(crate) rights: ChatRights,
    /// Those that may be mentioned.
    pub(crate) roles: Vec<RoleId>,
    /// `None` for a backend.
    pub(crate) membership: Option<Membership>,
}

/// A session that listens.
#[derive(Debug)]
struct Listener {
    session: SessionHandle,
    is_idle: bool,
    /// Counts as gone from then on. `None` while it has a connection.
    gone_at: Option<Instant>,
}

impl Listener {
    fn is_there(&self, now: Instant) -> bool {
        self.gone_at.is_none_or(|gone_at| now < gone_at)
    }
}

/// What is known of a user beside the membership.
#[derive(Debug, Clone, Copy, Default)]
struct Person {
    status: Status,
    last_seen: Option<SystemTime>,
    /// As it was told last.
    presence: Option<Presence>,
}

/// The state of one server.
#[derive(Debug)]
pub(crate) struct Server {
    tree: ServerTree,
    members: HashMap<UserId, MemberRecord>,
    listeners: HashMap<UserId, Vec<Listener>>,
    people: HashMap<UserId, Person>,
    voices: BTreeMap<ChannelId, Vec<User>>,
    /// The sessions of those who read a channel: a cache, forgotten whenever somebody comes, goes or may something else.
    readers: HashMap<ChannelId, Arc<[SessionHandle]>>,
    everyone: Option<Arc<[SessionHandle]>>,
    /// How long somebody counts as there after a closed connection.
    closed_grace: Duration,
}

impl Server {
    pub(crate) fn new(tree: ServerTree, members: Vec<MemberRecord>, closed_grace: Duration) -> Self {
        Self {
            tree,
            members: members.into_iter().map(|member| (member.user.id.clone(), member)).collect(),
            listeners: HashMap::new(),
            people: HashMap::new(),
            voices: BTreeMap::new(),
            readers: HashMap::new(),
            everyone: None,
            closed_grace,
        }
    }

    pub(crate) fn tree(&self) -> &ServerTree {
        &self.tree
    }

    pub(crate) fn has_listeners(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// What is to be written for an order.
    ///
    /// # Errors
    /// As `decide` says.
    pub(crate) fn decide(&self, order: Order) -> Result<Write> {
        self.context().decide(order)
    }

    /// # Errors
    /// `NotFound` for who is no member.
    pub(crate) fn actor(&self, by: &By) -> Result<Actor<'_>> {
        self.context().actor(by)
    }

    /// # Errors
    /// As [`policy::may`].
    pub(crate) fn may(&self, by: &By, act: Act<'_>) -> Result<()> {
        policy::may(&self.tree, self.actor(by)?, act)
    }

    /// A channel, and what can be done there.
    ///
    /// # Errors
    /// `NotFound` for a channel that isn't there or that they can't read.
    pub(crate) fn post(&self, by: &By, channel: &ChannelId) -> Result<Post> {
        // Whoever is no member isn't told whether there is such a server.
        let actor = self.actor(by).map_err(|_| Error::NotFound("channel"))?;
        let channel = self.context().channel(actor, channel)?;
        let rights = policy::chat(&self.tree, actor, channel)?;
        let membership = match actor {
            Actor::Backend => None,
            Actor::Member(member) => Some(membership(member, channel)),
        };
        let roles = if rights.mention_everyone { self.tree.roles.keys().cloned().collect() } else { vec![] };
        Ok(Post { channel: channel.clone(), rights, roles, membership })
    }

    /// From now on the session is told what happens.
    ///
    /// # Errors
    /// `NotFound` for who is no member.
    pub(crate) fn listen(&mut self, now: Instant, session: SessionHandle, user: UserRecord, out: &mut Vec<Output>) -> Result<ServerView> {
        let id = session.user.id.clone();
        let view = self.view(&id)?;
        let listeners = self.listeners.entry(id.clone()).or_default();
        listeners.retain(|listener| listener.session.id != session.id);
        listeners.push(Listener { session, is_idle: false, gone_at: None });
        self.people.entry(id.clone()).or_default().status = user.status;
        self.forget_readers();
        self.tell_presence(now, &id, out);
        Ok(view)
    }

    /// The session has ended.
    pub(crate) fn unlisten(&mut self, now: Instant, session: &SessionId, user: &UserId, at: SystemTime, out: &mut Vec<Output>) {
        let Some(listeners) = self.listeners.get_mut(user) else { return };
        listeners.retain(|listener| listener.session.id != *session);
        if listeners.is_empty() {
            self.listeners.remove(user);
            self.people.entry(user.clone()).or_default().last_seen = Some(at);
        }
        self.forget_readers();
        self.tell_presence(now, user, out);
    }

    /// The session's connection is lost, or it has one again.
    pub(crate) fn connection(&mut self, now: Instant, session: &SessionId, user: &UserId, loss: Option<Loss>, out: &mut Vec<Output>) {
        let grace = self.closed_grace;
        if let Some(listener) = self.listener(session, user) {
            listener.gone_at = loss.map(|loss| match loss {
                Loss::Closed => now + grace,
                // The silence before it was long enough.
                Loss::Silent => now,
            });
        }
        self.tell_presence(now, user, out);
    }

    /// The session's user touches nothing, or does again.
    pub(crate) fn set_idle(&mut self, now: Instant, session: &SessionId, user: &UserId, is_idle: Idle, out: &mut Vec<Output>) {
        if let Some(listener) = self.listener(session, user) {
            listener.is_idle = is_idle == Idle::Yes;
        }
        self.tell_presence(now, user, out);
    }

    pub(crate) fn set_status(&mut self, now: Instant, user: &UserId, status: Status, out: &mut Vec<Output>) {
        self.people.entry(user.clone()).or_default().status = status;
        self.tell_presence(now, user, out);
    }

    /// When somebody may have to be told to be gone.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let there = |(user, listener): (&UserId, &Listener)| {
            let told = self.people.get(user).and_then(|person| person.presence);
            listener.gone_at.filter(|_| told.is_some_and(|presence| presence != Presence::Offline))
        };
        self.listeners.iter().flat_map(|(user, listeners)| listeners.iter().map(move |listener| (user, listener))).filter_map(there).min()
    }

    /// The time of [`Server::next_deadline`] has come.
    pub(crate) fn deadline(&mut self, now: Instant, at: SystemTime, out: &mut Vec<Output>) {
        let users: Vec<UserId> = self.listeners.keys().cloned().collect();
        for user in users {
            if self.presence(now, &user) == Presence::Offline {
                self.people.entry(user.clone()).or_default().last_seen.get_or_insert(at);
            }
            self.tell_presence(now, &user, out);
        }
    }

    /// The members, in no order.
    pub(crate) fn members(&self, now: Instant) -> Vec<MemberView> {
        self.members.values().map(|member| self.member_view(now, member)).collect()
    }

    /// What was said in a channel.
    pub(crate) fn deliver(&mut self, channel: &ChannelId, delivery: Delivery, out: &mut Vec<Output>) {
        let all = self.readers(channel);
        let to = match delivery.spares() {
            Some(spared) => all.iter().filter(|session| session.user.id != *spared).cloned().collect(),
            None => all,
        };
        out.extend(delivery.events().into_iter().map(|event| Output { to: to.clone(), event: Arc::new(event) }));
    }

    /// How far a user has read a channel now, for all devices of the user.
    pub(crate) fn tell_unread(&mut self, user: &UserId, unread: Unread, out: &mut Vec<Output>) {
        self.tell_user(user, Event::UnreadChanged { unread }, out);
    }

    /// Who is in the call of a voice channel now.
    pub(crate) fn set_voices(&mut self, channel: &ChannelId, people: Vec<User>, out: &mut Vec<Output>) {
        if !self.tree.channels.contains_key(channel) {
            return;
        }
        let event = Event::VoiceChanged { server: self.tree.server.id.clone(), channel: channel.clone(), people: people.clone() };
        if people.is_empty() {
            self.voices.remove(channel);
        } else {
            self.voices.insert(channel.clone(), people);
        }
        let to = self.readers(channel);
        out.push(Output { to, event: Arc::new(event) });
    }

    /// For everyone.
    pub(crate) fn tell_everyone(&mut self, event: Event, out: &mut Vec<Output>) {
        let to = match &self.everyone {
            Some(everyone) => everyone.clone(),
            None => {
                let all = self.listeners.values().flatten().map(|listener| listener.session.clone());
                self.everyone.insert(all.collect()).clone()
            }
        };
        out.push(Output { to, event: Arc::new(event) });
    }

    /// Somebody came in.
    pub(crate) fn entered(&mut self, now: Instant, member: MemberRecord, out: &mut Vec<Output>) {
        let user = member.user.id.clone();
        if self.members.insert(user, member.clone()).is_none() {
            let (server, member) = (self.tree.server.id.clone(), self.member_view(now, &member));
            self.tell_everyone(Event::MemberJoined { server, member: Box::new(member) }, out);
        }
    }

    /// A write is done: changes the state, and tells those whom it concerns. Returns whom it put out, with the sessions they had here.
    pub(crate) fn apply(&mut self, now: Instant, write: Write, out: &mut Vec<Output>) -> Vec<SessionHandle> {
        let server = self.tree.server.id.clone();
        match write {
            Write::Tree(changes) => self.change_tree(changes, out),
            Write::Member(member) => self.change_member(now, member, out),
            Write::Remove { user, reason, .. } => return self.remove(user, reason, out),
            Write::Schedule(schedule) => self.tell_everyone(Event::ScheduleChanged { schedule: Box::new(schedule) }, out),
            Write::Unschedule(schedule) => self.tell_everyone(Event::ScheduleDeleted { server, schedule }, out),
            Write::Delete => {
                self.tell_everyone(Event::ServerDeleted { server, reason: DepartReason::Deleted }, out);
                self.members.clear();
                return self.listeners.drain().flat_map(|(_, listeners)| listeners).map(|listener| listener.session).collect();
            }
            Write::Unban(_) | Write::Invite(_) | Write::Revoke(_) => {}
        }
        vec![]
    }

    /// What the store says, whatever was believed before: tells those for whom it is something else.
    pub(crate) fn replace(&mut self, now: Instant, tree: ServerTree, members: Vec<MemberRecord>, out: &mut Vec<Output>) {
        let before = self.visible();
        let old = std::mem::replace(&mut self.tree, tree);
        let members: HashMap<UserId, MemberRecord> = members.into_iter().map(|member| (member.user.id.clone(), member)).collect();
        let gone: Vec<UserId> = self.members.keys().filter(|user| !members.contains_key(*user)).cloned().collect();
        gone.into_iter().for_each(|user| drop(self.remove(user, DepartReason::Left, out)));
        let came: Vec<MemberRecord> = members.values().filter(|member| !self.members.contains_key(&member.user.id)).cloned().collect();
        came.into_iter().for_each(|member| self.entered(now, member, out));
        self.members = members;
        self.forget_readers();
        self.tell_tree(&old, &before, out);
    }

    /// As a member sees it.
    ///
    /// # Errors
    /// `NotFound` for who is no member.
    pub(crate) fn view(&self, user: &UserId) -> Result<ServerView> {
        let me = self.members.get(user).ok_or(Error::NotFound("server"))?;
        let mut tree = self.tree.clone();
        tree.channels.retain(|_, channel| self.reads(me, channel));
        let voices = self.voices.iter().filter(|(channel, _)| tree.channels.contains_key(*channel));
        let voices = voices.map(|(channel, people)| (channel.clone(), people.clone())).collect();
        Ok(ServerView { permissions: policy::permissions(&self.tree, me), me: me.clone(), tree, unread: vec![], voices })
    }

    /// The channels that a member reads, as the store asks for them, in the order of their ids.
    pub(crate) fn memberships(&self, user: &UserId) -> Vec<Membership> {
        let Some(member) = self.members.get(user) else { return vec![] };
        self.tree.channels.values().filter(|channel| self.reads(member, channel)).map(|channel| membership(member, channel)).collect()
    }

    fn context(&self) -> Context<'_> {
        Context { tree: &self.tree, members: &self.members }
    }

    fn reads(&self, member: &MemberRecord, channel: &ChannelRecord) -> bool {
        policy::may(&self.tree, Actor::Member(member), Act::Read(channel)).is_ok()
    }

    fn change_tree(&mut self, changes: Vec<TreeChange>, out: &mut Vec<Output>) {
        let before = self.visible();
        let old = self.tree.clone();
        for change in &changes {
            if let TreeChange::RemoveRole(role) = change {
                self.members.values_mut().for_each(|member| member.roles.retain(|held| held != role));
            }
        }
        self.tree.change(changes);
        self.voices.retain(|channel, _| self.tree.channels.contains_key(channel));
        self.forget_readers();
        self.tell_tree(&old, &before, out);
    }

    /// Tells how the tree differs from what it was.
    fn tell_tree(&mut self, old: &ServerTree, before: &HashMap<UserId, BTreeSet<ChannelId>>, out: &mut Vec<Output>) {
        if (&old.server, &old.roles, &old.categories) != (&self.tree.server, &self.tree.roles, &self.tree.categories) {
            let ServerTree { server, roles, categories, .. } = self.tree.clone();
            let (roles, categories) = (roles.into_values().collect(), categories.into_values().collect());
            self.tell_everyone(Event::ServerUpdated { server: Box::new(server), roles, categories }, out);
        }
        self.tell_visibility(before, out);
        let changed: Vec<ChannelRecord> = self
            .tree
            .channels
            .values()
            .filter(|channel| old.channels.get(&channel.id).is_some_and(|before| before != *channel))
            .cloned()
            .collect();
        for channel in changed {
            self.tell_kept(before, channel, out);
        }
    }

    fn change_member(&mut self, now: Instant, member: MemberRecord, out: &mut Vec<Output>) {
        let before = self.visible();
        let user = member.user.id.clone();
        self.members.insert(user, member.clone());
        self.forget_readers();
        let view = self.member_view(now, &member);
        self.tell_everyone(Event::MemberUpdated { server: self.tree.server.id.clone(), member: Box::new(view) }, out);
        self.tell_visibility(&before, out);
    }

    fn remove(&mut self, user: UserId, reason: DepartReason, out: &mut Vec<Output>) -> Vec<SessionHandle> {
        let server = self.tree.server.id.clone();
        if self.members.remove(&user).is_none() {
            return vec![];
        }
        self.tell_user(&user, Event::ServerDeleted { server: server.clone(), reason }, out);
        let listeners = self.listeners.remove(&user).unwrap_or_default();
        self.people.remove(&user);
        self.forget_readers();
        self.tell_everyone(Event::MemberLeft { server, user, reason }, out);
        listeners.into_iter().map(|listener| listener.session).collect()
    }

    /// Which channels each connected user reads.
    fn visible(&self) -> HashMap<UserId, BTreeSet<ChannelId>> {
        let of = |user: &UserId| {
            let member = self.members.get(user)?;
            let channels = self.tree.channels.values().filter(|channel| self.reads(member, channel));
            Some((user.clone(), channels.map(|channel| channel.id.clone()).collect()))
        };
        self.listeners.keys().filter_map(of).collect()
    }

    /// Tells each user of the channels that it reads now and didn't before, and the other way round.
    fn tell_visibility(&mut self, before: &HashMap<UserId, BTreeSet<ChannelId>>, out: &mut Vec<Output>) {
        let server = self.tree.server.id.clone();
        let mut told: BTreeMap<(ChannelId, bool), Vec<SessionHandle>> = BTreeMap::new();
        for (user, reads) in self.visible() {
            let Some(read) = before.get(&user) else { continue };
            let sessions = || self.listeners.get(&user).into_iter().flatten().map(|listener| listener.session.clone());
            for channel in reads.difference(read) {
                told.entry((channel.clone(), true)).or_default().extend(sessions());
            }
            for channel in read.difference(&reads) {
                told.entry((channel.clone(), false)).or_default().extend(sessions());
            }
        }
        for ((channel, appears), to) in told {
            let server = server.clone();
            let event = match self.tree.channels.get(&channel).filter(|_| appears) {
                Some(channel) => Event::ChannelCreated { server, channel: Box::new(channel.clone()) },
                None => Event::ChannelDeleted { server, channel },
            };
            out.push(Output { to: to.into(), event: Arc::new(event) });
        }
    }

    /// Tells those who read a channel before and still do what it is now.
    fn tell_kept(&self, before: &HashMap<UserId, BTreeSet<ChannelId>>, channel: ChannelRecord, out: &mut Vec<Output>) {
        let kept = self.listeners.iter().filter(|(user, _)| {
            let reads = self.members.get(*user).is_some_and(|member| self.reads(member, &channel));
            reads && before.get(*user).is_some_and(|read| read.contains(&channel.id))
        });
        let to = kept.flat_map(|(_, listeners)| listeners.iter().map(|listener| listener.session.clone())).collect();
        let event = Event::ChannelUpdated { server: self.tree.server.id.clone(), channel: Box::new(channel) };
        out.push(Output { to, event: Arc::new(event) });
    }

    fn readers(&mut self, channel: &ChannelId) -> Arc<[SessionHandle]> {
        if let Some(readers) = self.readers.get(channel) {
            return readers.clone();
        }
        let Some(record) = self.tree.channels.get(channel) else { return Arc::from([]) };
        let reading = self.listeners.iter().filter(|(user, _)| self.members.get(*user).is_some_and(|member| self.reads(member, record)));
        let readers: Arc<[SessionHandle]> = reading.flat_map(|(_, listeners)| listeners).map(|listener| listener.session.clone()).collect();
        self.readers.insert(channel.clone(), readers.clone());
        readers
    }

    fn forget_readers(&mut self) {
        self.readers.clear();
        self.everyone = None;
    }

    fn listener(&mut self, session: &SessionId, user: &UserId) -> Option<&mut Listener> {
        self.listeners.get_mut(user)?.iter_mut().find(|listener| listener.session.id == *session)
    }

    fn tell_user(&self, user: &UserId, event: Event, out: &mut Vec<Output>) {
        let to: Arc<[SessionHandle]> = self.listeners.get(user).into_iter().flatten().map(|listener| listener.session.clone()).collect();
        out.push(Output { to, event: Arc::new(event) });
    }

    fn presence(&self, now: Instant, user: &UserId) -> Presence {
        let there = || self.listeners.get(user).into_iter().flatten().filter(|listener| listener.is_there(now));
        if there().next().is_none() {
            return Presence::Offline;
        }
        let status = self.people.get(user).map(|person| person.status).unwrap_or_default();
        Presence::of(status, || there().any(|listener| !listener.is_idle))
    }

    /// Tells everyone when it isn't what was told last.
    fn tell_presence(&mut self, now: Instant, user: &UserId, out: &mut Vec<Output>) {
        if !self.members.contains_key(user) {
            return;
        }
        let presence = self.presence(now, user);
        let person = self.people.entry(user.clone()).or_default();
        if presence != Presence::Offline {
            person.last_seen = None;
        }
        if person.presence.replace(presence).unwrap_or(Presence::Offline) == presence {
            return;
        }
        let (server, user, last_seen) = (self.tree.server.id.clone(), user.clone(), person.last_seen);
        self.tell_everyone(Event::PresenceChanged { server, user, presence, last_seen }, out);
    }

    fn member_view(&self, now: Instant, member: &MemberRecord) -> MemberView {
        let person = self.people.get(&member.user.id).copied().unwrap_or_default();
        MemberView { record: member.clone(), presence: self.presence(now, &member.user.id), last_seen: person.last_seen }
    }
}

/// Whether a session's user touches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    Yes,
    No,
}

fn membership(member: &MemberRecord, channel: &ChannelRecord) -> Membership {
    Membership { channel: channel.id.clone(), since: policy::since(member, channel), roles: member.roles.clone() }
}
