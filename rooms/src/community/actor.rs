//! A server's task: the one place where a [`Server`] meets time, queues and the store.
//!
//! It decides nothing. Commands are stored one after the other, each on the state that the one before left; messages and presence don't wait
//! for them. Where the state may differ from what the store holds (a panic in the core, a write of unknown outcome, another node's change), it
//! is read anew before the next command. Invariant: nobody is told of a change before it is durable.

use super::attendance::Moment;
use super::handle::{Asked, INBOX_REQUESTS, PostAct, Reply, Request, ServerHandle, Shared};
use super::jobs::{Doing, Done, Job};
use super::policy::Act;
use super::server::{Output, Post, Server, Unplaced};
use crate::chat::{ChannelQueue, Delivery};
use crate::community::{By, Write};
use crate::inbox::{Errand, concerns_somebody};
use crate::registry::Node;
use crate::store::{Entered, MemberRecord, ServerTree};
use crate::{ChannelId, Error, Result};
use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Commands that wait for the store. Further ones are refused.
const WAITING_JOBS: usize = 256;
/// How long a server without listeners is kept: longer spares reading it again, shorter gives its memory back sooner.
pub(super) const UNHEARD_TTL: Duration = Duration::from_secs(300);
/// Time between two tries to read the state anew from a store that fails.
const RELOAD_RETRY: Duration = Duration::from_secs(1);
/// Time between two tries to learn how far readers have read.
const RECEIPTS_RETRY: Duration = Duration::from_secs(1);

const FAILED: Error = Error::Unavailable("the server failed, try again");

/// How the task is over.
enum Fate {
    /// Nobody has listened for a while.
    Unheard,
    /// There is no such server any more. Whoever did that is answered last.
    Deleted(Option<(Reply<Write>, Write)>),
    /// Its state can't be made right.
    Failed,
    Stopped,
}

struct Actor {
    node: Arc<Node>,
    handle: ServerHandle,
    server: Server,
    inbox: mpsc::Receiver<Request>,
    queues: HashMap<ChannelId, ChannelQueue>,
    waiting: VecDeque<Job>,
    doing: Option<Doing>,
    /// When the state is to be read anew. `None` as long as it is what the store holds.
    reload_at: Option<Instant>,
    unheard_since: Instant,
}

/// Starts the task of a server.
pub(super) fn spawn(node: Arc<Node>, tree: ServerTree, members: Vec<MemberRecord>) -> ServerHandle {
    let (sender, inbox) = mpsc::channel(INBOX_REQUESTS);
    let handle = ServerHandle(Arc::new(Shared { id: tree.server.id.clone(), inbox: sender }));
    let server = Server::new(tree, members, node.config.closed_grace);
    // Before its task first runs: whoever opened the server finds its channels.
    node.communities.index(handle.id(), server.tree());
    let (queues, waiting) = (HashMap::new(), VecDeque::new());
    let actor =
        Actor { node, handle: handle.clone(), server, inbox, queues, waiting, doing: None, reload_at: None, unheard_since: moment().now };
    tokio::spawn(actor.run());
    handle
}

/// By tokio's clock, so that tests can move it, and by the one on the wall.
fn moment() -> Moment {
    Moment { now: tokio::time::Instant::now().into_std(), at: crate::hub::wall_clock() }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

async fn next(doing: &mut Option<Doing>) -> Done {
    match doing {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

impl Actor {
    async fn run(mut self) {
        let fate = loop {
            let idle = self.doing.is_none();
            let unheard = (!self.server.has_listeners() && idle).then(|| self.unheard_since + UNHEARD_TTL);
            let ended = tokio::select! {
                biased;
                () = sleep_until(self.server.next_deadline()) => self.deadline(),
                done = next(&mut self.doing) => self.finish(done),
                Some(request) = self.inbox.recv() => self.take(request),
                () = sleep_until(self.reload_at.filter(|_| idle)) => None,
                () = sleep_until(unheard) => Some(Fate::Unheard),
            };
            if let Some(fate) = ended {
                break fate;
            }
            self.begin();
            if self.server.has_listeners() {
                self.unheard_since = moment().now;
            }
        };
        self.end(fate);
    }

    /// Lets the core do something, and tells whom it says. `None` when it panicked.
    fn step<T>(&mut self, step: impl FnOnce(&mut Server, Moment, &mut Vec<Output>) -> T) -> Option<T> {
        let mut out = vec![];
        let server = &mut self.server;
        let done = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let moment = moment();
            let done = step(server, moment, &mut out);
            (done, server.settle_receipts(moment, &mut out))
        }));
        if done.is_err() {
            self.distrust("a server's state failed; it is read anew");
        }
        for Output { to, event } in out {
            to.iter().for_each(|session| session.send(event.clone()));
        }
        let (done, unplaced) = done.ok()?;
        unplaced.into_iter().for_each(|unplaced| self.find_places(unplaced));
        Some(done)
    }

    /// Asks the store how far these have read, as long as it takes and this task lives.
    fn find_places(&self, Unplaced { channel, users }: Unplaced) {
        let (store, server) = (self.node.store.clone(), self.handle.clone());
        tokio::spawn(async move {
            while server.is_open() {
                if let Ok(marks) = store.markers(&channel, &users).await {
                    let marks = users.into_iter().zip(marks).collect();
                    return server.tell(Request::ReceiptsFound { channel, marks }).await;
                }
                tokio::time::sleep(RECEIPTS_RETRY).await;
            }
        });
    }

    /// Asks the core something. A panic there costs whoever asked.
    fn ask<T>(&mut self, ask: impl FnOnce(&mut Server) -> Result<T>) -> Result<T> {
        let server = &mut self.server;
        std::panic::catch_unwind(AssertUnwindSafe(|| ask(server))).unwrap_or_else(|_| {
            self.distrust("a server's state failed at a question; it is read anew");
            Err(FAILED)
        })
    }

    fn distrust(&mut self, why: &'static str) {
        tracing::error!(server = %self.handle.id(), why);
        self.reload_at = Some(moment().now);
    }

    fn deadline(&mut self) -> Option<Fate> {
        // What has failed is not tried again before the state is read anew: it would fail at once, for ever.
        self.step(|server, moment, out| server.deadline(moment, out)).map_or(Some(Fate::Failed), |()| None)
    }

    fn take(&mut self, request: Request) -> Option<Fate> {
        match request {
            Request::Listen { session, contact, user, reply } => {
                let listening = self.step(|server, moment, out| server.listen(moment, session, contact, user, out));
                answer(reply, listening.unwrap_or(Err(FAILED)));
            }
            Request::Unlisten { session, user } => {
                self.step(|server, moment, out| server.unlisten(moment, &session, &user, out));
            }
            Request::Introduce { session, unread } => {
                self.step(|server, _, out| server.introduce(&session, unread, out));
            }
            Request::Connection { session, user, loss } => {
                self.step(|server, moment, out| server.connection(moment, &session, &user, loss, out));
            }
            Request::Idle { session, user, is_idle } => {
                self.step(|server, moment, out| server.set_idle(moment, &session, &user, is_idle, out));
            }
            Request::Status { user, status } => {
                self.step(|server, moment, out| server.set_status(moment, &user, status, out));
            }
            Request::Order { order, reply } => self.queue(Job::order(order, reply)),
            Request::Enter { entering, reply } => self.queue(Job::Enter { entering, reply }),
            Request::Post { by, channel, act, reply } => {
                let post = self.post(&by, &channel, act);
                answer(reply, post);
            }
            Request::Memberships { user, reply } => answer(reply, self.ask(|server| Ok(server.memberships(&user)))),
            Request::Members { by, reply } => {
                let members = self.ask(|server| {
                    server.actor(&by)?;
                    Ok(server.members())
                });
                answer(reply, members);
            }
            Request::May { by, what, reply } => answer(reply, self.ask(|server| may(server, &by, what))),
            Request::View { user, reply } => answer(reply, self.ask(|server| server.view(&user))),
            Request::ReadersAmong { channel, users, reply } => {
                answer(reply, self.ask(|server| Ok(server.readers_among(&channel, users))));
            }
            Request::Unread { user, unread } => {
                self.step(|server, moment, out| server.tell_unread(moment, &user, unread, out));
            }
            Request::WatchReceipts { session, channel, reply } => {
                let watching = self.step(|server, _, _| server.watch_receipts(session, &channel));
                answer(reply, watching.unwrap_or(Err(FAILED)));
            }
            Request::UnwatchReceipts { session, channel } => {
                self.step(|server, _, _| server.unwatch_receipts(&session, &channel));
            }
            Request::ReceiptsFound { channel, marks } => {
                self.step(|server, moment, _| server.receipts_found(moment, &channel, marks));
            }
            Request::Voices { channel, people } => {
                self.step(|server, _, out| server.set_voices(&channel, people, out));
            }
            Request::Tell(event) => {
                self.step(|server, _, out| server.tell_everyone(event, out));
            }
            Request::Chat(delivery) => {
                if let Some(channel) = delivery.channel() {
                    self.send_courier(&delivery);
                    self.step(|server, moment, out| server.deliver(moment, &channel, delivery, out));
                }
            }
            Request::Stop => return Some(Fate::Stopped),
            #[cfg(test)]
            Request::Panic => drop(self.step(|_, _, _| panic!("on demand"))),
        }
        None
    }

    /// Whom new messages concern by name finds them in the inbox.
    fn send_courier(&self, delivery: &Delivery) {
        let Delivery::Messages(messages) = delivery else { return };
        for message in messages.iter().filter(|message| concerns_somebody(message)) {
            self.node.courier.take(Errand::Posted { server: self.handle.clone(), message: message.clone() });
        }
    }

    fn post(&mut self, by: &By, channel: &ChannelId, act: PostAct) -> Result<(Post, ChannelQueue)> {
        let post = self.ask(|server| {
            let post = server.post(by, channel)?;
            server.may(by, act.act(&post.channel))?;
            Ok(post)
        })?;
        let (node, inbox) = (&self.node, &self.handle.0.inbox);
        let queue = self
            .queues
            .entry(channel.clone())
            .or_insert_with(|| ChannelQueue::start(channel.clone(), node.store.clone(), node.messages_stored.clone(), inbox.clone()));
        Ok((post, queue.clone()))
    }

    fn queue(&mut self, job: Job) {
        if self.waiting.len() < WAITING_JOBS {
            self.waiting.push_back(job);
        } else {
            job.refuse(Error::Unavailable("the server has too many changes to make"));
        }
    }

    /// Begins what is due next, unless something is being done.
    fn begin(&mut self) {
        while self.doing.is_none() {
            let (store, id) = (self.node.store.clone(), self.handle.id().clone());
            if self.reload_at.is_some_and(|reload_at| reload_at <= moment().now || !self.waiting.is_empty()) {
                self.doing = Some(Done::reload(store, id));
                return;
            }
            let Some(job) = self.waiting.pop_front() else { return };
            if !job.is_awaited() {
                continue;
            }
            let begun = self.ask(|server| Ok(job.begin(server, store, id))).ok();
            self.doing = begun.flatten();
        }
    }

    fn finish(&mut self, done: Done) -> Option<Fate> {
        self.doing = None;
        match done {
            Done::Fetched(job) => self.waiting.push_front(job),
            Done::Written { write: Write::Delete, reply } => return Some(self.deleted(Some((reply, Write::Delete)))),
            Done::Written { write, reply } => {
                let told = write.clone();
                let put_out = self.step(|server, _, out| server.apply(told, out)).unwrap_or_default();
                self.node.communities.released(self.handle.id(), put_out.iter().map(|session| &session.id));
                if write.changes_access() {
                    self.follow();
                }
                answer(reply, Ok(write));
            }
            Done::Entered { member, entered, reply } => {
                let known = match &entered {
                    Entered::Joined => Some(member),
                    Entered::Already(member) => Some(member.clone()),
                    Entered::Banned | Entered::Unknown | Entered::Expired | Entered::UsedUp | Entered::Gone => None,
                };
                if let Some(member) = known {
                    self.step(|server, _, out| server.entered(member, out));
                }
                answer(reply, Ok(entered));
            }
            Done::Stale(job) => {
                self.waiting.push_front(job);
                self.reload_at = Some(moment().now);
            }
            Done::Refused => {}
            // Whether it happened is known to the store alone.
            Done::Unknown => self.reload_at = Some(moment().now),
            Done::Reloaded(tree, members) => {
                self.reload_at = None;
                let Some(put_out) = self.step(|server, _, out| server.replace(*tree, members, out)) else { return Some(Fate::Failed) };
                self.node.communities.released(self.handle.id(), put_out.iter().map(|session| &session.id));
                self.follow();
            }
            Done::NotReloaded => {
                self.reload_at = Some(moment().now + RELOAD_RETRY);
                self.waiting.drain(..).for_each(|job| job.refuse(Error::Unavailable("the store is unavailable")));
            }
            Done::Gone => return Some(self.deleted(None)),
        }
        None
    }

    fn deleted(&mut self, answer: Option<(Reply<Write>, Write)>) -> Fate {
        let put_out = self.step(|server, _, out| server.apply(Write::Delete, out)).unwrap_or_default();
        self.node.communities.released(self.handle.id(), put_out.iter().map(|session| &session.id));
        self.follow();
        Fate::Deleted(answer)
    }

    /// What a change means for the rest of this node.
    fn follow(&mut self) {
        let tree = self.server.tree();
        self.queues.retain(|channel, _| tree.channels.contains_key(channel));
        self.node.calls_changed(&self.handle, tree);
        self.node.communities.index(self.handle.id(), tree);
    }

    fn end(mut self, fate: Fate) {
        // Before anybody is answered: who asks again must not meet this task.
        self.node.communities.forget(&self.handle);
        self.inbox.close();
        match fate {
            Fate::Deleted(last) => {
                self.waiting.drain(..).for_each(|job| job.refuse(Error::NotFound("server")));
                while let Ok(request) = self.inbox.try_recv() {
                    drop(self.take(request));
                }
                self.waiting.drain(..).for_each(|job| job.refuse(Error::NotFound("server")));
                if let Some((reply, write)) = last {
                    answer(reply, Ok(write));
                }
            }
            Fate::Failed => {
                tracing::error!(server = %self.handle.id(), "a server failed; its sessions have to come again");
                let sessions: Vec<_> = self.server.sessions().cloned().collect();
                self.node.communities.released(self.handle.id(), sessions.iter().map(|session| &session.id));
                sessions.iter().for_each(|session| session.lose());
            }
            // Whoever has asked already gets `Unavailable`, and asks a task that reads the server anew.
            Fate::Unheard | Fate::Stopped => {}
        }
    }
}

/// A caller that has stopped waiting needs no answer.
fn answer<T>(reply: Reply<T>, answer: Result<T>) {
    drop(reply.send(answer));
}

fn may(server: &Server, by: &By, what: Asked) -> Result<()> {
    match what {
        Asked::Membership => server.actor(by).map(drop),
        Asked::SeeBans => server.may(by, Act::SeeBans),
        Asked::SeeInvites => server.may(by, Act::SeeInvites),
        Asked::Invite => server.may_invite(by),
    }
}
