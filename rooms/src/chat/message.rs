//! The task of one channel: stores messages in batches, and hands them to whoever tells its readers, in the order of their numbers.
//!
//! Store I/O happens here and never in a room's or a server's task. Messages of one batch are stored at the same time, so that the store can commit
//! them together; the next batch begins when all of them are answered. Invariant: a sender is answered only after the store has answered.

use super::sequence::Sequence;
use crate::store::{Appended, Edit, Mark, Marked, NewMessage, Pin, React, Store, StoreError};
use crate::view::{Cursor, Message, User};
use crate::{ChannelId, Error, Event, Result, UserId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Messages that wait for one channel's task. When it is full the sender waits, at most [`SEND_TIMEOUT`].
const QUEUED_MESSAGES: usize = 128;
/// Messages stored at the same time.
const BATCH_MESSAGES: usize = 64;
/// Longest wait for the store. The message may be stored later all the same: a retry with its nonce finds out.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait of a sender: a place in the queue, the batch before, and its own.
const SEND_TIMEOUT: Duration = Duration::from_secs(12);
/// Time between two tries to fetch missing messages from a store that fails.
const FETCH_RETRY: Duration = Duration::from_secs(1);
/// Missing messages fetched at once.
const FETCH_MESSAGES: u64 = 100;

struct Pending {
    change: Change,
    reply: oneshot::Sender<Result<Message>>,
}

/// What is to happen to a channel.
pub(crate) enum Change {
    Append(NewMessage),
    Edit(Edit),
    Delete { seq: u64, at: SystemTime },
    React(React),
    Pin(Pin),
}

/// What the readers of a channel are to be told, in this order.
#[derive(Debug, PartialEq)]
pub(crate) enum Delivery {
    /// New messages, with contiguous numbers.
    Messages(Vec<Message>),
    /// A message that was told before was edited or deleted.
    Amended(Message),
    /// A message that was told before has other reactions.
    Reacted(Message),
    /// A message was pinned or unpinned.
    Pinned(Message, Mark),
    /// A user writes. All but the user are to be told; never stored.
    Typing { channel: ChannelId, user: User },
    /// Something about a meeting note.
    Note { channel: ChannelId, event: Box<Event> },
}

impl Delivery {
    /// The reader who needs not be told.
    pub(crate) fn spares(&self) -> Option<&UserId> {
        match self {
            Self::Typing { user, .. } => Some(&user.id),
            Self::Messages(_) | Self::Amended(_) | Self::Reacted(_) | Self::Pinned(..) | Self::Note { .. } => None,
        }
    }

    /// The channel that it is about; an empty one is about none.
    pub(crate) fn channel(&self) -> Option<ChannelId> {
        match self {
            Self::Messages(messages) => messages.first().map(|message| message.channel.clone()),
            Self::Amended(message) | Self::Reacted(message) | Self::Pinned(message, _) => Some(message.channel.clone()),
            Self::Typing { channel, .. } | Self::Note { channel, .. } => Some(channel.clone()),
        }
    }

    /// As its readers see it.
    pub(crate) fn events(self) -> Vec<Event> {
        match self {
            Self::Messages(messages) => messages.into_iter().map(|message| Event::ChatMessage { message }).collect(),
            Self::Amended(message) if message.deleted_at.is_some() => vec![Event::ChatDeleted { message }],
            Self::Amended(message) => vec![Event::ChatEdited { message }],
            Self::Reacted(Message { channel, seq, reactions, .. }) => vec![Event::ChatReacted { channel, seq, reactions }],
            Self::Pinned(message, mark) => vec![Event::ChatPinned { message, mark }],
            Self::Typing { channel, user } => vec![Event::ChatTyping { channel, user }],
            Self::Note { event, .. } => vec![*event],
        }
    }
}

/// The way to a channel's task. Cheap to clone; the task ends with the last clone.
#[derive(Clone)]
pub(crate) struct ChannelQueue {
    pending: mpsc::Sender<Pending>,
    /// Past the task, to the readers.
    aside: Arc<dyn Fn(Delivery) + Send + Sync>,
}

/// A stored change: the message as it is now, and what its readers are to be told.
struct Amendment {
    message: Message,
    news: Option<Delivery>,
}

struct Writer<T> {
    channel: ChannelId,
    store: Arc<dyn Store>,
    stored: Arc<AtomicU64>,
    readers: mpsc::Sender<T>,
    pending: mpsc::Receiver<Pending>,
    /// `None` until the store has said where the channel's head is.
    sequence: Option<Sequence>,
}

impl ChannelQueue {
    /// Starts the task of `channel`, which hands messages to the task that knows its `readers`, and counts them in `stored`.
    pub(crate) fn start<T>(channel: ChannelId, store: Arc<dyn Store>, stored: Arc<AtomicU64>, readers: mpsc::Sender<T>) -> Self
    where
        T: From<Delivery> + Send + 'static,
    {
        let (sender, pending) = mpsc::channel(QUEUED_MESSAGES);
        let inbox = readers.clone();
        let aside = Arc::new(move |delivery: Delivery| drop(inbox.try_send(delivery.into())));
        tokio::spawn(Writer { channel, store, stored, readers, pending, sequence: None }.run());
        Self { pending: sender, aside }
    }

    /// Tells the channel's readers what isn't stored. Never waits: where their task has no place for it, it is lost.
    pub(crate) fn tell_aside(&self, delivery: Delivery) {
        (self.aside)(delivery);
    }

    /// Stores a change and returns the message as it is then; everyone in the channel is told in order.
    ///
    /// # Errors
    /// `Unavailable`: it may be stored or not. `NotFound` for a message to be changed that isn't there, or is deleted. `Conflict` for a reaction
    /// or a pin too many.
    pub(crate) async fn send(&self, change: Change) -> Result<Message> {
        let (reply, stored) = oneshot::channel();
        let exchange = async {
            self.pending.send(Pending { change, reply }).await.ok()?;
            stored.await.ok()
        };
        let answered = tokio::time::timeout(SEND_TIMEOUT, exchange).await;
        answered.ok().flatten().unwrap_or(Err(Error::Unavailable("the channel does not keep up")))
    }
}

impl<T: From<Delivery> + Send + 'static> Writer<T> {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH_MESSAGES);
        loop {
            let missing = self.sequence.as_ref().and_then(Sequence::gap);
            let retry = async {
                match missing {
                    Some(_) => tokio::time::sleep(FETCH_RETRY).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                taken = self.pending.recv_many(&mut batch, BATCH_MESSAGES) => {
                    if taken == 0 {
                        return;
                    }
                    self.store(batch.drain(..)).await;
                }
                () = retry => {}
            }
            self.fill_gaps().await;
        }
    }

    async fn store(&mut self, batch: impl Iterator<Item = Pending>) {
        // Read before the first append: what is stored by then was told by an earlier task, or is history.
        if self.sequence.is_none() {
            match timed(self.store.history(&self.channel, Cursor::Newest, 1)).await {
                Ok(page) => self.sequence = Some(Sequence::after(page.messages.last().map_or(0, |message| message.seq))),
                Err(error) => return batch.for_each(|pending| drop(pending.reply.send(Err(error.into())))),
            }
        }
        let mut appends = JoinSet::new();
        let mut amendments = vec![];
        for Pending { change, reply } in batch {
            let Change::Append(message) = change else {
                amendments.push((change, reply));
                continue;
            };
            let store = self.store.clone();
            appends.spawn(async move {
                let appended = timed(store.append(message)).await;
                // A sender that has stopped waiting needs no answer.
                drop(reply.send(appended.as_ref().map(|appended| appended.message.clone()).map_err(|error| (*error).into())));
                appended.ok()
            });
        }
        let appended: Vec<Appended> = appends.join_all().await.into_iter().flatten().collect();
        self.deliver(appended.into_iter().map(|appended| appended.message)).await;
        for (change, reply) in amendments {
            drop(reply.send(self.amend(change).await));
        }
    }

    /// Changes a message, after those that were sent before the change.
    async fn amend(&mut self, change: Change) -> Result<Message> {
        let Amendment { message, news } = self.store_amendment(change).await?;
        if let Some(news) = news {
            // A pin is no part of the message: it is told even if the message will be.
            let due = self.sequence.as_mut().is_none_or(|sequence| sequence.amend(&message)) || matches!(news, Delivery::Pinned(..));
            if due {
                self.tell(news).await;
            }
        }
        Ok(message)
    }

    async fn store_amendment(&self, change: Change) -> Result<Amendment> {
        let store = &self.store;
        let marked = |marked: Option<Marked>, news: fn(Message) -> Delivery, full: &'static str| match marked {
            None => Err(Error::NotFound("message")),
            Some(Marked::Full) => Err(Error::Conflict(full)),
            Some(Marked::Changed(message)) => Ok(Amendment { news: Some(news(message.clone())), message }),
            Some(Marked::Unchanged(message)) => Ok(Amendment { news: None, message }),
        };
        let amended = match change {
            Change::Edit(edit) => timed(store.edit(edit)).await?,
            Change::Delete { seq, at } => timed(store.delete(&self.channel, seq, at)).await?,
            Change::React(react) => {
                return marked(timed(store.react(react)).await?, Delivery::Reacted, "the message bears 20 different reactions already");
            }
            Change::Pin(pin) => {
                let news = match pin.mark {
                    Mark::On => |message| Delivery::Pinned(message, Mark::On),
                    Mark::Off => |message| Delivery::Pinned(message, Mark::Off),
                };
                return marked(timed(store.pin(pin)).await?, news, "the channel has 50 pinned messages already");
            }
            Change::Append(_) => None,
        };
        let message = amended.ok_or(Error::NotFound("message"))?;
        Ok(Amendment { news: Some(Delivery::Amended(message.clone())), message })
    }

    async fn fill_gaps(&mut self) {
        while let Some(gap) = self.sequence.as_ref().and_then(Sequence::gap) {
            let before = gap.end.min(gap.start + FETCH_MESSAGES);
            let limit = u32::try_from(before - gap.start).unwrap_or(u32::MAX);
            let Ok(page) = timed(self.store.history(&self.channel, Cursor::Before(before), limit)).await else { return };
            self.deliver(page.messages).await;
            if self.sequence.as_ref().and_then(Sequence::gap).is_some_and(|after| after.start == gap.start) {
                tracing::error!(channel = %self.channel, missing = gap.start, "the store has a gap in a channel");
                return;
            }
        }
    }

    async fn deliver(&mut self, messages: impl IntoIterator<Item = Message>) {
        let Some(sequence) = &mut self.sequence else { return };
        let due = sequence.take(messages);
        // Counted by number, as it is told: so a message whose first answer was lost counts too, and once.
        self.stored.fetch_add(due.len() as u64, Ordering::Relaxed);
        if !due.is_empty() {
            self.tell(Delivery::Messages(due)).await;
        }
    }

    async fn tell(&self, delivery: Delivery) {
        // What has ended has nobody to tell.
        let _ = self.readers.send(delivery.into()).await;
    }
}

async fn timed<T>(operation: impl Future<Output = std::result::Result<T, StoreError>>) -> std::result::Result<T, StoreError> {
    tokio::time::timeout(STORE_TIMEOUT, operation).await.unwrap_or(Err(StoreError::Unavailable))
}
