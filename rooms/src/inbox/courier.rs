//! The queue between durable messages and inboxes: whoever sends a message waits for none of it.
//!
//! It decides nothing; `decide` does. Invariant: an errand is taken after its message is durable, and what it notifies of is kept once, by the
//! message's id, however often and on however many nodes the errand is run.

use super::decide::{about, concerned, mentioned};
use crate::community::{Request, ServerHandle};
use crate::registry::Node;
use crate::store::NewNotification;
use crate::view::{Audience, Message};
use crate::{NotificationId, Result, UserId};
use std::sync::{Arc, Weak};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Errands that wait. When it is full a further one is dropped and logged: its people find the message among those that mention them, which are
/// counted with the message itself.
const WAITING_ERRANDS: usize = 1024;
/// Errands that are run at the same time: more would only wait for the store.
const RUNNING_ERRANDS: usize = 16;

/// A message in a server's channel that may concern somebody.
pub(crate) enum Errand {
    Posted { server: ServerHandle, message: Message },
    Edited { server: ServerHandle, message: Message, before: Vec<Audience> },
}

/// The way to the courier's task, which ends with it.
pub(crate) struct Courier {
    errands: mpsc::Sender<Errand>,
}

/// The task's end of the queue.
pub(crate) struct Errands(mpsc::Receiver<Errand>);

impl Courier {
    pub(crate) fn new() -> (Self, Errands) {
        let (errands, waiting) = mpsc::channel(WAITING_ERRANDS);
        (Self { errands }, Errands(waiting))
    }

    /// Takes an errand. Never waits.
    pub(crate) fn take(&self, errand: Errand) {
        if self.errands.try_send(errand).is_err() {
            tracing::warn!("too many messages that mention somebody: one of them is in no inbox");
        }
    }
}

impl Errands {
    /// Starts the task.
    pub(crate) fn start(self, node: &Arc<Node>) {
        tokio::spawn(run(self.0, Arc::downgrade(node)));
    }
}

async fn run(mut errands: mpsc::Receiver<Errand>, node: Weak<Node>) {
    let mut running = JoinSet::new();
    while let Some(errand) = errands.recv().await {
        if running.len() >= RUNNING_ERRANDS {
            let _ = running.join_next().await;
        }
        while running.try_join_next().is_some() {}
        let Some(node) = node.upgrade() else { return };
        running.spawn(async move {
            if let Err(error) = deliver(&node, errand).await {
                tracing::warn!(%error, "a message that mentions somebody is in no inbox");
            }
        });
    }
}

async fn deliver(node: &Arc<Node>, errand: Errand) -> Result<()> {
    let (server, message, told) = match errand {
        Errand::Posted { server, message } => {
            let answered = match message.reply_to {
                Some(seq) => node.store.message(&message.channel, seq).await?,
                None => None,
            };
            let told = concerned(&message, answered.as_ref());
            (server, message, told)
        }
        Errand::Edited { server, message, before } => {
            let told = mentioned(&message, &before);
            (server, message, told)
        }
    };
    let users: Vec<UserId> = told.iter().map(|(user, _)| user.clone()).collect();
    if users.is_empty() {
        return Ok(());
    }
    let channel = message.channel.clone();
    let readers = server.call(|reply| Request::ReadersAmong { channel, users, reply }).await?;
    let mut notifying = JoinSet::new();
    for (user, why) in told.into_iter().filter(|(user, _)| readers.contains(user)) {
        let new = NewNotification {
            id: NotificationId::new(crate::random_id("ntf")),
            user,
            key: format!("message:{}", message.id),
            about: about(why, server.id(), &message),
            at: message.edited_at.unwrap_or(message.sent_at),
        };
        let node = node.clone();
        notifying.spawn(async move { node.notify(new).await });
    }
    notifying.join_all().await.into_iter().try_for_each(|notified| notified.map(drop))
}
