//! A server's task: the one place where a [`Server`] meets time, queues and the store.
//!
//! It decides nothing. Commands are stored one after the other, each on the state that the one before left; messages and presence don't wait
//! for them. A panic in the core costs the request that met it: the state is read anew from the store. Invariant: nobody is told of a change
//! before it is durable.

use super::decide::{Order, Write, roles_of_newcomer};
use super::handle::{Asked, Entering, INBOX_REQUESTS, PostAct, Reply, Request, ServerHandle, Shared, newcomer};
use super::policy::Act;
use super::server::{Output, Server};
use crate::chat::ChannelQueue;
use crate::registry::Node;
use crate::store::{Entered, MemberRecord, ServerTree, Store, StoreError, Updated};
use crate::{ChannelId, Error, Result, ServerId};
use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc;

/// Commands that wait for the store. Further ones are refused.
const WAITING_JOBS: usize = 256;
/// How long a server without listeners is kept: longer spares reading it again, shorter gives its memory back sooner.
const UNHEARD_TTL: Duration = Duration::from_secs(300);
/// Longest wait for one operation of the store.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// Tries to decide a command anew because another node has changed the server meanwhile.
const STALE_TRIES: u32 = 5;

/// Something that the store has to do before anybody is told.
enum Job {
    Order { order: Box<Order>, reply: Reply<Write>, tries: u32 },
    Enter { entering: Box<Entering>, reply: Reply<Entered> },
    Reload,
}

/// What the store has done.
enum Done {
    Written {
        write: Write,
        reply: Reply<Write>,
    },
    Entered {
        member: MemberRecord,
        entered: Entered,
        reply: Reply<Entered>,
    },
    Stale {
        order: Box<Order>,
        reply: Reply<Write>,
        tries: u32,
    },
    Reloaded(Option<(ServerTree, Vec<MemberRecord>)>),
    /// Answered already.
    Refused,
}

type Doing = Pin<Box<dyn Future<Output = Done> + Send>>;

struct Actor {
    node: Arc<Node>,
    handle: ServerHandle,
    server: Server,
    inbox: mpsc::Receiver<Request>,
    queues: HashMap<ChannelId, ChannelQueue>,
    waiting: VecDeque<Job>,
    doing: Option<Doing>,
    unheard_since: Instant,
}

/// Starts the task of a server.
pub(crate) fn spawn(node: Arc<Node>, tree: ServerTree, members: Vec<MemberRecord>) -> ServerHandle {
    let (sender, inbox) = mpsc::channel(INBOX_REQUESTS);
    let handle = ServerHandle(Arc::new(Shared { id: tree.server.id.clone(), inbox: sender }));
    let server = Server::new(tree, members, node.config.closed_grace);
    let (queues, waiting) = (HashMap::new(), VecDeque::new());
    let actor = Actor { node, handle: handle.clone(), server, inbox, queues, waiting, doing: None, unheard_since: now() };
    tokio::spawn(actor.run());
    handle
}

/// tokio's clock, so that tests can move it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
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
        loop {
            let unheard = (!self.server.has_listeners() && self.doing.is_none()).then(|| self.unheard_since + UNHEARD_TTL);
            let stopped = tokio::select! {
                biased;
                done = next(&mut self.doing) => self.finish(done),
                Some(request) = self.inbox.recv() => self.take(request),
                () = sleep_until(self.server.next_deadline()) => self.step(|server, now, out| server.deadline(now, SystemTime::now(), out)).is_none(),
                () = sleep_until(unheard) => true,
            };
            if stopped {
                break;
            }
            self.begin();
            if self.server.has_listeners() {
                self.unheard_since = now();
            }
        }
        // Whoever has asked already gets `Unavailable`, and asks a task that reads the server anew.
        self.node.communities.forget(&self.handle);
    }

    /// Lets the core do something, and tells whom it says. `None` when it panicked.
    fn step<T>(&mut self, step: impl FnOnce(&mut Server, Instant, &mut Vec<Output>) -> T) -> Option<T> {
        let mut out = vec![];
        let server = &mut self.server;
        let Ok(done) = std::panic::catch_unwind(AssertUnwindSafe(|| step(server, now(), &mut out))) else {
            tracing::error!(server = %self.handle.id(), "a server's state failed; it is read anew");
            self.waiting.push_front(Job::Reload);
            return None;
        };
        for Output { to, event } in out {
            to.iter().for_each(|session| session.send(event.clone()));
        }
        Some(done)
    }

    /// Takes a request. True when the task is to end.
    fn take(&mut self, request: Request) -> bool {
        match request {
            Request::Listen { session, user, reply } => {
                let listening = self.step(|server, now, out| server.listen(now, session, user, out));
                answer(reply, listening);
            }
            Request::Unlisten { session, user, at } => {
                self.step(|server, now, out| server.unlisten(now, &session, &user, at, out));
            }
            Request::Connection { session, user, loss } => {
                self.step(|server, now, out| server.connection(now, &session, &user, loss, out));
            }
            Request::Idle { session, user, is_idle } => {
                self.step(|server, now, out| server.set_idle(now, &session, &user, is_idle, out));
            }
            Request::Status { user, status } => {
                self.step(|server, now, out| server.set_status(now, &user, status, out));
            }
            Request::Order { order, reply } => self.queue(Job::Order { order, reply, tries: 1 }),
            Request::Enter { entering, reply } => self.queue(Job::Enter { entering, reply }),
            Request::Post { by, channel, act, reply } => {
                let post = self.post(&by, &channel, act);
                drop(reply.send(post));
            }
            Request::Memberships { user, reply } => drop(reply.send(Ok(self.server.memberships(&user)))),
            Request::Members { by, reply } => {
                let members = self.server.actor(&by).map(|_| self.server.members(now()));
                drop(reply.send(members));
            }
            Request::May { by, what, reply } => {
                let may = match what {
                    Asked::Membership => self.server.actor(&by).map(drop),
                    Asked::SeeBans => self.server.may(&by, Act::SeeBans),
                    Asked::SeeInvites => self.server.may(&by, Act::SeeInvites),
                };
                drop(reply.send(may));
            }
            Request::Unread { user, unread } => {
                self.step(|server, _, out| server.tell_unread(&user, unread, out));
            }
            Request::Voices { channel, people } => {
                self.step(|server, _, out| server.set_voices(&channel, people, out));
            }
            Request::Tell(event) => {
                self.step(|server, _, out| server.tell_everyone(event, out));
            }
            Request::Chat(delivery) => {
                if let Some(channel) = delivery.channel() {
                    self.step(|server, _, out| server.deliver(&channel, delivery, out));
                }
            }
            Request::Stop => return true,
        }
        false
    }

    fn post(&mut self, by: &crate::community::By, channel: &ChannelId, act: PostAct) -> Result<(super::server::Post, ChannelQueue)> {
        let post = self.server.post(by, channel)?;
        self.server.may(by, act.act(&post.channel))?;
        let (node, inbox) = (&self.node, &self.handle.0.inbox);
        let queue = self
            .queues
            .entry(channel.clone())
            .or_insert_with(|| ChannelQueue::start(channel.clone(), node.store.clone(), node.messages_stored.clone(), inbox.clone()));
        Ok((post, queue.clone()))
    }

    fn queue(&mut self, job: Job) {
        if self.waiting.len() < WAITING_JOBS {
            return self.waiting.push_back(job);
        }
        let busy = Error::Unavailable("the server has too many changes to make");
        match job {
            Job::Order { reply, .. } => drop(reply.send(Err(busy))),
            Job::Enter { reply, .. } => drop(reply.send(Err(busy))),
            Job::Reload => {}
        }
    }

    /// Begins the next job, unless one is being done.
    fn begin(&mut self) {
        while self.doing.is_none()
            && let Some(job) = self.waiting.pop_front()
        {
            let (store, id) = (self.node.store.clone(), self.handle.id().clone());
            match job {
                Job::Order { order, reply, tries } => match self.server.decide((*order).clone()) {
                    Ok(write) => {
                        let version = self.server.tree().version;
                        self.doing = Some(Box::pin(perform(store, id, version, write, order, reply, tries)));
                    }
                    Err(error) => drop(reply.send(Err(error))),
                },
                Job::Enter { entering, reply } => {
                    let roles = roles_of_newcomer(self.server.tree(), entering.role.as_ref());
                    let member = newcomer(&id, &entering, roles);
                    self.doing = Some(Box::pin(enter(store, member, *entering, reply)));
                }
                Job::Reload => self.doing = Some(Box::pin(reload(store, id))),
            }
        }
    }

    /// The store is done with something. True when the task is to end.
    fn finish(&mut self, done: Done) -> bool {
        self.doing = None;
        match done {
            Done::Written { write, reply } => {
                let is_end = write == Write::Delete;
                let told = write.clone();
                let put_out = self.step(|server, now, out| server.apply(now, told, out)).unwrap_or_default();
                self.node.communities.released(self.handle.id(), put_out.iter().map(|session| &session.id));
                self.follow(&write);
                drop(reply.send(Ok(write)));
                is_end
            }
            Done::Entered { member, entered, reply } => {
                if entered == Entered::Joined {
                    self.step(|server, now, out| server.entered(now, member, out));
                }
                drop(reply.send(Ok(entered)));
                false
            }
            Done::Stale { order, reply, tries } => {
                self.waiting.push_front(Job::Order { order, reply, tries });
                self.waiting.push_front(Job::Reload);
                false
            }
            Done::Reloaded(Some((tree, members))) => self.step(|server, now, out| server.replace(now, tree, members, out)).is_none(),
            Done::Reloaded(None) => true,
            Done::Refused => false,
        }
    }

    /// What a write means for the rest of this node.
    fn follow(&mut self, write: &Write) {
        for channel in write.removed_channels(self.server.tree()) {
            self.queues.remove(&channel);
        }
        self.node.calls_changed(&self.handle, write);
        self.node.communities.index(self.handle.id(), self.server.tree());
    }
}

fn answer<T>(reply: Reply<T>, done: Option<Result<T>>) {
    // A caller that has stopped waiting needs no answer.
    drop(reply.send(done.unwrap_or(Err(Error::Unavailable("the server failed, try again")))));
}

async fn timed<T>(operation: impl Future<Output = std::result::Result<T, StoreError>>) -> std::result::Result<T, StoreError> {
    tokio::time::timeout(STORE_TIMEOUT, operation).await.unwrap_or(Err(StoreError::Unavailable))
}

async fn perform(
    store: Arc<dyn Store>,
    id: ServerId,
    version: u64,
    write: Write,
    order: Box<Order>,
    reply: Reply<Write>,
    tries: u32,
) -> Done {
    match timed(write.store(&*store, &id, version)).await {
        Ok(Updated::Done) => Done::Written { write, reply },
        Ok(Updated::Stale) if tries < STALE_TRIES => Done::Stale { order, reply, tries: tries + 1 },
        Ok(Updated::Stale) => refuse(reply, Error::Unavailable("the server is being changed elsewhere, try again")),
        Ok(Updated::Gone) => refuse(reply, Error::NotFound("server")),
        Err(error) => refuse(reply, error.into()),
    }
}

async fn enter(store: Arc<dyn Store>, member: MemberRecord, entering: Entering, reply: Reply<Entered>) -> Done {
    match timed(store.enter(member.clone(), entering.entry)).await {
        Ok(entered) => Done::Entered { member, entered, reply },
        Err(error) => refuse(reply, error.into()),
    }
}

async fn reload(store: Arc<dyn Store>, id: ServerId) -> Done {
    let read = async { Ok((store.server(&id).await?, store.members(&id).await?)) };
    match timed(read).await {
        Ok((Some(tree), members)) => Done::Reloaded(Some((tree, members))),
        Ok((None, _)) => Done::Reloaded(None),
        Err(error) => {
            tracing::warn!(server = %id, %error, "a server could not be read anew");
            Done::Refused
        }
    }
}

fn refuse<T>(reply: Reply<T>, error: Error) -> Done {
    drop(reply.send(Err(error)));
    Done::Refused
}
