//! A live server: its tree, its members, and the sessions that listen to it, as one pure state machine.
//!
//! It has no clock, store or task of its own: `actor` has those. What is told leaves as [`Output`]s. Invariant: a session is told of a channel,
//! and of what happens in it, as long as its user reads that channel, and no longer.

use super::attendance::{Attendance, Contact, Idle, Moment, Seen};
use super::decide::{By, Context, Order, Write};
use super::policy::{self, Act, Actor};
use super::receipts::Receipts;
use super::request::{DepartReason, MemberView, PresenceView, ServerView};
use crate::chat::Delivery;
use crate::permission::ChatRights;
use crate::session::SessionHandle;
use crate::store::{ChannelRecord, MemberRecord, Membership, ServerTree, Status, TreeChange, UserRecord};
use crate::view::{Unread, User};
use crate::{ChannelId, Error, Event, Loss, Result, RoleId, SessionId, UserId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod receipts;

pub(crate) use receipts::Unplaced;

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

/// The state of one server.
#[derive(Debug)]
pub(crate) struct Server {
    tree: ServerTree,
    members: HashMap<UserId, MemberRecord>,
    attendance: Attendance,
    voices: BTreeMap<ChannelId, Vec<User>>,
    /// The sessions of those who read a channel: a cache, forgotten whenever somebody comes, goes or may something else.
    readers: HashMap<ChannelId, Arc<[SessionHandle]>>,
    everyone: Option<Arc<[SessionHandle]>>,
    /// Of the channels that somebody watches.
    receipts: HashMap<ChannelId, Receipts>,
    /// Who reads the channels may not be what `receipts` believe.
    receipts_stale: bool,
}

impl Server {
    pub(crate) fn new(tree: ServerTree, members: Vec<MemberRecord>, closed_grace: Duration) -> Self {
        Self {
            tree,
            members: members.into_iter().map(|member| (member.user.id.clone(), member)).collect(),
            attendance: Attendance::new(closed_grace),
            voices: BTreeMap::new(),
            readers: HashMap::new(),
            everyone: None,
            receipts: HashMap::new(),
            receipts_stale: false,
        }
    }

    pub(crate) fn tree(&self) -> &ServerTree {
        &self.tree
    }

    pub(crate) fn has_listeners(&self) -> bool {
        !self.attendance.is_empty()
    }

    /// All that listen.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = &SessionHandle> {
        self.attendance.sessions().map(|(_, session)| session)
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

    /// Whether somebody may invite ordinary members.
    ///
    /// # Errors
    /// As [`policy::may`].
    pub(crate) fn may_invite(&self, by: &By) -> Result<()> {
        self.context().may_invite(by)
    }

    /// Those of these users who read a channel.
    pub(crate) fn readers_among(&self, channel: &ChannelId, users: Vec<UserId>) -> Vec<UserId> {
        let Some(channel) = self.tree.channels.get(channel) else { return vec![] };
        users.into_iter().filter(|user| self.members.get(user).is_some_and(|member| self.reads(member, channel))).collect()
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
    pub(crate) fn listen(
        &mut self,
        moment: Moment,
        session: SessionHandle,
        contact: Contact,
        user: UserRecord,
        out: &mut Vec<Output>,
    ) -> Result<ServerView> {
        let id = session.user.id.clone();
        let view = self.view(&id)?;
        self.attendance.listen(session, contact, user.status);
        self.forget_readers();
        self.tell_presence(moment, &id, out);
        Ok(view)
    }

    /// The session, which listens already, learns that its user is a member, and of what.
    pub(crate) fn introduce(&self, session: &SessionHandle, unread: Vec<Unread>, out: &mut Vec<Output>) {
        if let Ok(view) = self.view(&session.user.id) {
            let event = Event::ServerAdded { server: Box::new(ServerView { unread, ..view }) };
            out.push(Output { to: Arc::from([session.clone()]), event: Arc::new(event) });
        }
    }

    /// The session has ended.
    pub(crate) fn unlisten(&mut self, moment: Moment, session: &SessionId, user: &UserId, out: &mut Vec<Output>) {
        self.attendance.unlisten(session, user);
        self.unwatch(session);
        self.forget_readers();
        self.tell_presence(moment, user, out);
    }

    /// The session's connection is lost, or it has one again.
    pub(crate) fn connection(&mut self, moment: Moment, session: &SessionId, user: &UserId, loss: Option<Loss>, out: &mut Vec<Output>) {
        self.attendance.set_connection(moment.now, session, user, loss);
        self.tell_presence(moment, user, out);
    }

    /// The session's user touches nothing, or does again.
    pub(crate) fn set_idle(&mut self, moment: Moment, session: &SessionId, user: &UserId, idle: Idle, out: &mut Vec<Output>) {
        self.attendance.set_idle(session, user, idle);
        self.tell_presence(moment, user, out);
    }

    pub(crate) fn set_status(&mut self, moment: Moment, user: &UserId, status: Status, out: &mut Vec<Output>) {
        self.attendance.set_status(user, status);
        self.tell_presence(moment, user, out);
    }

    /// When somebody may have to be told to be gone, or how far others have read.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.attendance.next_deadline().into_iter().chain(self.receipts_deadline()).min()
    }

    /// The time of [`Server::next_deadline`] has come.
    pub(crate) fn deadline(&mut self, moment: Moment, out: &mut Vec<Output>) {
        self.attendance.expire(moment);
        self.tell_news(moment, out);
    }

    /// The members, in no order.
    pub(crate) fn members(&mut self) -> Vec<MemberView> {
        self.members.keys().for_each(|user| self.attendance.shown(user));
        self.members.values().map(|member| self.member_view(member)).collect()
    }

    /// What was said in a channel.
    pub(crate) fn deliver(&mut self, moment: Moment, channel: &ChannelId, delivery: Delivery, out: &mut Vec<Output>) {
        if let Delivery::Messages(messages) = &delivery {
            self.place_authors(moment, messages);
        }
        let all = self.readers(channel);
        let to = match delivery.spares() {
            Some(spared) => all.iter().filter(|session| session.user.id != *spared).cloned().collect(),
            None => all,
        };
        out.extend(delivery.events().into_iter().map(|event| Output { to: to.clone(), event: Arc::new(event) }));
    }

    /// How far a user has read a channel now, for all devices of the user.
    pub(crate) fn tell_unread(&mut self, moment: Moment, user: &UserId, unread: Unread, out: &mut Vec<Output>) {
        self.place_reader(moment, &unread.channel, user, unread.read);
        self.tell_user(user, Event::UnreadChanged { unread }, out);
    }

    /// Who is in the call of a voice channel now.
    pub(crate) fn set_voices(&mut self, channel: &ChannelId, people: Vec<User>, out: &mut Vec<Output>) {
        if !self.tree.channels.contains_key(channel) {
            return;
        }
        let before = if people.is_empty() { self.voices.remove(channel) } else { self.voices.insert(channel.clone(), people.clone()) };
        if before.unwrap_or_default() == people {
            return;
        }
        let event = Event::VoiceChanged { server: self.tree.server.id.clone(), channel: channel.clone(), people };
        let to = self.readers(channel);
        out.push(Output { to, event: Arc::new(event) });
    }

    /// For everyone.
    pub(crate) fn tell_everyone(&mut self, event: Event, out: &mut Vec<Output>) {
        let to = match &self.everyone {
            Some(everyone) => everyone.clone(),
            None => self.everyone.insert(self.attendance.sessions().map(|(_, session)| session.clone()).collect()).clone(),
        };
        out.push(Output { to, event: Arc::new(event) });
    }

    /// Somebody is a member, whether that was known here or not.
    pub(crate) fn entered(&mut self, member: MemberRecord, out: &mut Vec<Output>) {
        match self.members.get(&member.user.id) {
            Some(known) if *known == member => {}
            Some(_) => self.change_member(member, out),
            None => {
                self.members.insert(member.user.id.clone(), member.clone());
                self.receipts_stale = true;
                let (server, member) = (self.tree.server.id.clone(), self.show_member(&member));
                self.tell_everyone(Event::MemberJoined { server, member: Box::new(member) }, out);
            }
        }
    }

    /// A write is done: changes the state, and tells those whom it concerns. Returns the sessions that it put out.
    pub(crate) fn apply(&mut self, write: Write, out: &mut Vec<Output>) -> Vec<SessionHandle> {
        let server = self.tree.server.id.clone();
        match write {
            Write::Tree(changes) => self.change_tree(changes, out),
            Write::Grant { changes, members } => {
                members.into_iter().for_each(|member| self.change_member(member, out));
                self.change_tree(changes, out);
            }
            Write::Member(member) => self.change_member(member, out),
            Write::Remove { user, reason, unlist, .. } => {
                // First of all, so that the user is told of the server, and not of its channels one by one.
                let put_out = self.remove(user, reason, out);
                if !unlist.is_empty() {
                    self.change_tree(unlist, out);
                }
                return put_out;
            }
            Write::Schedule(schedule) => self.tell_everyone(Event::ScheduleChanged { schedule: Box::new(schedule) }, out),
            Write::Unschedule(schedule) => self.tell_everyone(Event::ScheduleDeleted { server, schedule }, out),
            Write::Delete => return self.delete(out),
            Write::Unban(_) | Write::Invite(_) | Write::Revoke(_) => {}
        }
        vec![]
    }

    /// What the store says, whatever was believed before: tells those for whom it is something else. Returns the sessions that it put out.
    pub(crate) fn replace(&mut self, tree: ServerTree, members: Vec<MemberRecord>, out: &mut Vec<Output>) -> Vec<SessionHandle> {
        let before = self.visible();
        let old = std::mem::replace(&mut self.tree, tree);
        let stay: BTreeSet<&UserId> = members.iter().map(|member| &member.user.id).collect();
        let gone: Vec<UserId> = self.members.keys().filter(|user| !stay.contains(user)).cloned().collect();
        let put_out = gone.into_iter().flat_map(|user| self.remove(user, DepartReason::Left, out)).collect();
        for member in members {
            let user = &member.user.id;
            match self.members.insert(user.clone(), member.clone()) {
                Some(known) if known == member => {}
                Some(_) => self.tell_member(&member, out),
                None => {
                    let (server, member) = (self.tree.server.id.clone(), Box::new(self.show_member(&member)));
                    self.tell_everyone(Event::MemberJoined { server, member }, out);
                }
            }
        }
        self.voices.retain(|channel, _| self.tree.channels.contains_key(channel));
        self.access_changed();
        self.tell_tree(&old, &before, out);
        put_out
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
        self.access_changed();
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

    fn change_member(&mut self, member: MemberRecord, out: &mut Vec<Output>) {
        let user = member.user.id.clone();
        let before = self.visible_to([&user].into_iter());
        self.members.insert(user, member.clone());
        self.access_changed();
        self.tell_member(&member, out);
        self.tell_visibility(&before, out);
    }

    fn tell_member(&mut self, member: &MemberRecord, out: &mut Vec<Output>) {
        let (server, member) = (self.tree.server.id.clone(), Box::new(self.show_member(member)));
        self.tell_everyone(Event::MemberUpdated { server, member }, out);
    }

    fn remove(&mut self, user: UserId, reason: DepartReason, out: &mut Vec<Output>) -> Vec<SessionHandle> {
        let server = self.tree.server.id.clone();
        if self.members.remove(&user).is_none() {
            return vec![];
        }
        self.tell_user(&user, Event::ServerDeleted { server: server.clone(), reason }, out);
        let put_out = self.attendance.put_out(&user);
        self.access_changed();
        self.tell_everyone(Event::MemberLeft { server, user, reason }, out);
        put_out
    }

    /// Nothing is left but the name: for everyone there is no such server.
    fn delete(&mut self, out: &mut Vec<Output>) -> Vec<SessionHandle> {
        let server = self.tree.server.id.clone();
        self.tell_everyone(Event::ServerDeleted { server, reason: DepartReason::Deleted }, out);
        self.members.clear();
        self.tree.channels.clear();
        self.voices.clear();
        self.access_changed();
        self.attendance.put_all_out()
    }

    /// Which channels each connected user reads.
    fn visible(&self) -> HashMap<UserId, BTreeSet<ChannelId>> {
        self.visible_to(self.attendance.users())
    }

    fn visible_to<'a>(&self, users: impl Iterator<Item = &'a UserId>) -> HashMap<UserId, BTreeSet<ChannelId>> {
        let of = |user: &UserId| {
            let member = self.members.get(user)?;
            let channels = self.tree.channels.values().filter(|channel| self.reads(member, channel));
            Some((user.clone(), channels.map(|channel| channel.id.clone()).collect()))
        };
        users.filter_map(of).collect()
    }

    /// Tells each user of the channels that it reads now and didn't before, and the other way round.
    fn tell_visibility(&mut self, before: &HashMap<UserId, BTreeSet<ChannelId>>, out: &mut Vec<Output>) {
        let server = self.tree.server.id.clone();
        let mut told: BTreeMap<(ChannelId, bool), Vec<SessionHandle>> = BTreeMap::new();
        for (user, reads) in self.visible_to(before.keys()) {
            let Some(read) = before.get(&user) else { continue };
            let sessions = || self.attendance.sessions_of(&user).cloned();
            for channel in reads.difference(read) {
                told.entry((channel.clone(), true)).or_default().extend(sessions());
            }
            for channel in read.difference(&reads) {
                told.entry((channel.clone(), false)).or_default().extend(sessions());
            }
        }
        for ((channel, appears), to) in told {
            let (server, to): (_, Arc<[SessionHandle]>) = (server.clone(), to.into());
            let Some(record) = self.tree.channels.get(&channel).filter(|_| appears) else {
                out.push(Output { to, event: Arc::new(Event::ChannelDeleted { server, channel }) });
                continue;
            };
            let event = Event::ChannelCreated { server: server.clone(), channel: Box::new(record.clone()) };
            out.push(Output { to: to.clone(), event: Arc::new(event) });
            if let Some(people) = self.voices.get(&channel).cloned() {
                out.push(Output { to, event: Arc::new(Event::VoiceChanged { server, channel, people }) });
            }
        }
    }

    /// Tells those who read a channel before and still do what it is now.
    fn tell_kept(&self, before: &HashMap<UserId, BTreeSet<ChannelId>>, channel: ChannelRecord, out: &mut Vec<Output>) {
        let kept = self.attendance.users().filter(|user| {
            let reads = self.members.get(*user).is_some_and(|member| self.reads(member, &channel));
            reads && before.get(*user).is_some_and(|read| read.contains(&channel.id))
        });
        let to = kept.flat_map(|user| self.attendance.sessions_of(user).cloned()).collect();
        let event = Event::ChannelUpdated { server: self.tree.server.id.clone(), channel: Box::new(channel) };
        out.push(Output { to, event: Arc::new(event) });
    }

    fn readers(&mut self, channel: &ChannelId) -> Arc<[SessionHandle]> {
        if let Some(readers) = self.readers.get(channel) {
            return readers.clone();
        }
        let Some(record) = self.tree.channels.get(channel) else { return Arc::from([]) };
        let reading = self.attendance.users().filter(|user| self.members.get(*user).is_some_and(|member| self.reads(member, record)));
        let readers: Arc<[SessionHandle]> = reading.flat_map(|user| self.attendance.sessions_of(user).cloned()).collect();
        self.readers.insert(channel.clone(), readers.clone());
        readers
    }

    /// Others may read channels than did before.
    fn access_changed(&mut self) {
        self.forget_readers();
        self.receipts_stale = true;
    }

    fn forget_readers(&mut self) {
        self.readers.clear();
        self.everyone = None;
    }

    fn tell_user(&self, user: &UserId, event: Event, out: &mut Vec<Output>) {
        out.push(Output { to: self.attendance.sessions_of(user).cloned().collect(), event: Arc::new(event) });
    }

    /// The user may be seen otherwise now.
    fn tell_presence(&mut self, moment: Moment, user: &UserId, out: &mut Vec<Output>) {
        self.attendance.stir(moment, user);
        self.tell_news(moment, out);
    }

    fn tell_news(&mut self, moment: Moment, out: &mut Vec<Output>) {
        let news = self.attendance.news(moment.now);
        if !news.is_empty() {
            let view = |(user, Seen { presence, last })| PresenceView { user, presence, last_seen: last };
            let (server, presences) = (self.tree.server.id.clone(), news.into_iter().map(view).collect());
            self.tell_everyone(Event::PresenceChanged { server, presences }, out);
        }
    }

    /// For those who are told of it now.
    fn show_member(&mut self, member: &MemberRecord) -> MemberView {
        self.attendance.shown(&member.user.id);
        self.member_view(member)
    }

    fn member_view(&self, member: &MemberRecord) -> MemberView {
        let Seen { presence, last } = self.attendance.seen(&member.user.id);
        MemberView { record: member.clone(), presence, last_seen: last }
    }
}

fn membership(member: &MemberRecord, channel: &ChannelRecord) -> Membership {
    Membership { channel: channel.id.clone(), since: policy::since(member, channel), roles: member.roles.clone() }
}

#[cfg(test)]
mod tests;
