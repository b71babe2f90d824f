//! What a server's task has the store do, one job at a time: it waits, is begun on the state of that moment, and says what became of it.
//!
//! Knows no inbox and tells nobody. Invariant: a job's caller is answered exactly once, here with a refusal or by the task with what was done.

use super::decide::{Order, Write, roles_of_newcomer};
use super::fetch::{Fetched, Need, heads};
use super::handle::{Entering, Reply, newcomer};
use super::server::Server;
use crate::store::{Entered, MemberRecord, ServerTree, Store, StoreError, Updated};
use crate::{ChannelId, Error, ServerId};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait for one operation of the store.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// Tries to decide a command anew because another node has changed the server meanwhile.
const STALE_TRIES: u32 = 5;

/// Something that the store has to do before anybody is told.
pub(super) enum Job {
    Order {
        order: Box<Order>,
        reply: Reply<Write>,
        tries: u32,
        is_fetched: bool,
    },
    /// Somebody wants to come in.
    Enter {
        entering: Box<Entering>,
        reply: Reply<Entered>,
    },
}

/// What the store has done.
pub(super) enum Done {
    /// Has what it needs, and is to be begun again at once.
    Fetched(Job),
    Written {
        write: Write,
        reply: Reply<Write>,
    },
    Entered {
        member: MemberRecord,
        entered: Entered,
        reply: Reply<Entered>,
    },
    /// The state isn't what the store holds: to be begun again on what is read anew.
    Stale(Job),
    /// Nothing. Answered already.
    Refused,
    /// It may have happened or not. Answered already.
    Unknown,
    Reloaded(Box<ServerTree>, Vec<MemberRecord>),
    NotReloaded,
    /// There is no such server any more. Answered already.
    Gone,
}

pub(super) type Doing = Pin<Box<dyn Future<Output = Done> + Send>>;

impl Job {
    pub(super) fn order(order: Box<Order>, reply: Reply<Write>) -> Self {
        Self::Order { order, reply, tries: 1, is_fetched: false }
    }

    /// Whether somebody waits for it still. Nobody expects what nobody waits for.
    pub(super) fn is_awaited(&self) -> bool {
        match self {
            Self::Order { reply, .. } => !reply.is_closed(),
            Self::Enter { reply, .. } => !reply.is_closed(),
        }
    }

    pub(super) fn refuse(self, error: Error) {
        match self {
            Self::Order { reply, .. } => drop(reply.send(Err(error))),
            Self::Enter { reply, .. } => drop(reply.send(Err(error))),
        }
    }

    /// Decides it. `None` for what was refused.
    pub(super) fn begin(self, server: &Server, store: Arc<dyn Store>, id: ServerId) -> Option<Doing> {
        let channels = || server.tree().channels.keys().cloned().collect();
        match self {
            Self::Order { order, reply, tries, is_fetched } => {
                // Whoever is no member costs the store nothing.
                let need = server.actor(&order.by).map(|_| if is_fetched { Need::Nothing } else { Need::of(&order.command) });
                match need {
                    Err(error) => {
                        drop(reply.send(Err(error)));
                        None
                    }
                    Ok(Need::Nothing) => match server.decide((*order).clone()) {
                        Ok(write) => Some(Box::pin(write_down(store, id, server.tree().version, write, order, reply, tries))),
                        Err(error) => {
                            drop(reply.send(Err(error)));
                            None
                        }
                    },
                    Ok(need) => Some(Box::pin(fetch(store, id, need, channels(), order, reply, tries))),
                }
            }
            Self::Enter { entering, reply } => {
                let roles = roles_of_newcomer(server.tree(), entering.role.as_ref());
                let member = newcomer(&id, &entering, roles);
                Some(Box::pin(enter(store, member, channels(), *entering, reply)))
            }
        }
    }
}

impl Done {
    /// Reads the server anew.
    pub(super) fn reload(store: Arc<dyn Store>, id: ServerId) -> Doing {
        Box::pin(async move {
            let read = async { Ok((store.server(&id).await?, store.members(&id).await?)) };
            match timed(read).await {
                Ok((Some(tree), members)) => Self::Reloaded(Box::new(tree), members),
                Ok((None, _)) => Self::Gone,
                Err(error) => {
                    tracing::warn!(server = %id, %error, "a server could not be read anew");
                    Self::NotReloaded
                }
            }
        })
    }
}

async fn timed<T>(operation: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(STORE_TIMEOUT, operation).await.unwrap_or(Err(StoreError::Unavailable))
}

async fn fetch(
    store: Arc<dyn Store>,
    id: ServerId,
    need: Need,
    channels: Vec<ChannelId>,
    order: Box<Order>,
    reply: Reply<Write>,
    tries: u32,
) -> Done {
    match timed(need.fetch(&*store, &id, channels)).await {
        Ok(fetched) => {
            let order = Box::new(Order { fetched, ..*order });
            Done::Fetched(Job::Order { order, reply, tries, is_fetched: true })
        }
        Err(error) => {
            drop(reply.send(Err(error.into())));
            Done::Refused
        }
    }
}

async fn write_down(
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
        Ok(Updated::Stale) if tries < STALE_TRIES => {
            let order = Box::new(Order { fetched: Fetched::default(), ..*order });
            Done::Stale(Job::Order { order, reply, tries: tries + 1, is_fetched: false })
        }
        Ok(Updated::Stale) => {
            drop(reply.send(Err(Error::Unavailable("the server is being changed elsewhere, try again"))));
            Done::Unknown
        }
        Ok(Updated::Gone) => {
            drop(reply.send(Err(Error::NotFound("server"))));
            Done::Gone
        }
        Err(error) => unknown(reply, error),
    }
}

async fn enter(store: Arc<dyn Store>, member: MemberRecord, channels: Vec<ChannelId>, entering: Entering, reply: Reply<Entered>) -> Done {
    // What was written before somebody came counts as read.
    let entered = async {
        let since = heads(&*store, channels).await?.collect();
        let member = MemberRecord { since, ..member };
        let entered = store.enter(member.clone(), entering.entry).await?;
        Ok((member, entered))
    };
    match timed(entered).await {
        Ok((_, Entered::Gone)) => {
            drop(reply.send(Ok(Entered::Gone)));
            Done::Gone
        }
        Ok((member, entered)) => Done::Entered { member, entered, reply },
        Err(error) => unknown(reply, error),
    }
}

fn unknown<T>(reply: Reply<T>, error: StoreError) -> Done {
    drop(reply.send(Err(error.into())));
    Done::Unknown
}
