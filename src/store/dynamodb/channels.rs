//! What this process knows of channels: how far they have come, whose turn it is to write, and which nonces went by.
//!
//! All of it are hints that may be lost or old; what is true is decided by the tables. Invariant: a head that is known exists.

use super::call::{Call, Failure, Order};
use super::keys::{self, BUCKET_MESSAGES, SEQ_MAX};
use super::records::{HeadRow, MessageRow, SeqRow};
use super::write::{Write, number};
use rooms::ChannelId;
use rooms::store::Nonce;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Channels that are known. When it is full, those that nobody is using are forgotten, and looked up again when they are used.
const CHANNELS_MAX: usize = 4096;

/// Nonces of one channel that are remembered without rows of their own. The oldest ones make room for new ones.
const RECENT_NONCES: u64 = 512;

/// Appends of one channel that may wait for their turn. Whoever comes when it is full gets `Unavailable` at once: at 4 ms for each, all of
/// them are as many as can be served in the time that a caller waits.
const WAITING_MAX: usize = 1024;

/// How a nonce is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nonces {
    /// By a row of its own, written with the message.
    Kept,
    /// Among the messages that this process has seen.
    Seen,
}

/// The known channels.
pub(super) struct Channels {
    pub(super) nonces: Nonces,
    known: Mutex<HashMap<ChannelId, Arc<Channel>>>,
}

impl Channels {
    pub(super) fn new(nonces: Nonces) -> Self {
        Self { nonces, known: Mutex::default() }
    }

    pub(super) fn of(&self, id: &ChannelId) -> Arc<Channel> {
        let mut known = lock(&self.known);
        if let Some(channel) = known.get(id) {
            return channel.clone();
        }
        if known.len() >= CHANNELS_MAX {
            known.retain(|_, channel| Arc::strong_count(channel) > 1);
        }
        let channel = Arc::new(Channel::new(id.clone()));
        known.insert(id.clone(), channel.clone());
        channel
    }
}

/// One channel.
pub(super) struct Channel {
    pub(super) id: ChannelId,
    /// The highest number that is known to exist; 0 where nothing is known.
    head: AtomicU64,
    /// Appends of this process go one after the other: two at once would want the same number, and one of them pay for nothing.
    turn: Semaphore,
    places: Semaphore,
    recent: Mutex<Recent>,
}

impl Channel {
    fn new(id: ChannelId) -> Self {
        let (turn, places) = (Semaphore::new(1), Semaphore::new(WAITING_MAX));
        Self { id, head: AtomicU64::new(0), turn, places, recent: Mutex::default() }
    }

    /// Waits for the turn to append; it ends when what is returned is dropped. Those who wait are served in their order.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Failure> {
        let full = |_| Failure::Unavailable("too many appends wait for this channel".into());
        let place = self.places.try_acquire().map_err(full)?;
        let turn = self.turn.acquire().await.map_err(|_| Failure::Unavailable("the channel is closed".into()))?;
        Ok(Turn { _turn: turn, _place: place })
    }

    pub(super) fn known_head(&self) -> u64 {
        self.head.load(Ordering::Relaxed)
    }

    /// A message of this number exists.
    pub(super) fn saw(&self, seq: u64) {
        self.head.fetch_max(seq, Ordering::Relaxed);
    }

    pub(super) fn recent(&self) -> MutexGuard<'_, Recent> {
        lock(&self.recent)
    }

    /// The number of the newest message as it is now; 0 where there is none.
    pub(super) async fn head(&self, call: &Call<'_>) -> Result<u64, Failure> {
        let start = match self.known_head() {
            0 => call.get::<HeadRow>(&keys::head(&self.id)).await?.map_or(0, |row| row.bucket),
            known => keys::bucket(known),
        };
        let head = self.head_from(call, start).await?.max(self.known_head());
        self.saw(head);
        Ok(head)
    }

    /// From a bucket that has been reached on, by steps that double while buckets are full: also far behind it takes few queries.
    async fn head_from(&self, call: &Call<'_>, start: u64) -> Result<u64, Failure> {
        let (mut bucket, mut step) = (start, 1);
        let mut head = self.newest_of(call, bucket).await?.unwrap_or(0);
        while head == (bucket + 1) * BUCKET_MESSAGES - 1 {
            match self.newest_of(call, bucket + step).await? {
                Some(newest) => (head, bucket, step) = (newest, bucket + step, step * 2),
                None if step == 1 => break,
                None => step = 1,
            }
        }
        Ok(head)
    }

    async fn newest_of(&self, call: &Call<'_>, bucket: u64) -> Result<Option<u64>, Failure> {
        let newest: Vec<SeqRow> = call.query(&keys::messages(&self.id, bucket, 0, SEQ_MAX), Order::NewestFirst, 1).await?;
        Ok(newest.first().map(|row| row.seq))
    }

    /// The messages from one number to another, both included, oldest first.
    pub(super) async fn messages(&self, call: &Call<'_>, from: u64, to: u64) -> Result<Vec<MessageRow>, Failure> {
        let mut rows = Vec::new();
        let mut next = from;
        while next <= to {
            let end = to.min((keys::bucket(next) + 1) * BUCKET_MESSAGES - 1);
            let span = keys::messages(&self.id, keys::bucket(next), next, end);
            rows.extend(call.query::<MessageRow>(&span, Order::OldestFirst, usize::MAX).await?);
            next = end + 1;
        }
        Ok(rows)
    }

    /// Remembers the nonces of all messages that came since it was last called, as many as are remembered at all.
    pub(super) async fn catch_up(&self, call: &Call<'_>) -> Result<(), Failure> {
        let head = self.head(call).await?;
        let from = (self.recent().seen + 1).max((head + 1).saturating_sub(RECENT_NONCES));
        for row in self.messages(call, from.max(1), head).await? {
            self.recent().saw(&row);
        }
        Ok(())
    }

    /// A message of this number was stored. The first one of a bucket leaves a note, so that others needn't begin with the channel's first.
    pub(super) async fn reached(&self, call: &Call<'_>, seq: u64) {
        self.saw(seq);
        if !seq.is_multiple_of(BUCKET_MESSAGES) {
            return;
        }
        let note = Write::update(keys::head(&self.id))
            .set("bucket", number(keys::bucket(seq)))
            .only_if("attribute_not_exists(#bucket) OR #bucket < :bucket");
        // The message is stored, and without the note others look for a little longer.
        if let Err(error) = call.write(&note).await {
            tracing::debug!(%error, "the head of a channel isn't noted");
        }
    }
}

/// The right to append, until it is dropped.
pub(super) struct Turn<'a> {
    _turn: SemaphorePermit<'a>,
    _place: SemaphorePermit<'a>,
}

/// The nonces that went by, where no row keeps them.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// All messages up to here were looked at.
    seen: u64,
    /// By age.
    nonces: VecDeque<(u64, String, String)>,
    /// Of messages that may be stored without all that belongs to them.
    unsettled: VecDeque<(String, String)>,
}

impl Recent {
    pub(super) fn saw(&mut self, row: &MessageRow) {
        if row.seq <= self.seen {
            return;
        }
        self.seen = row.seq;
        self.nonces.push_back((row.seq, row.author.clone(), row.nonce.clone()));
        while self.nonces.len() as u64 > RECENT_NONCES {
            self.nonces.pop_front();
        }
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// The number of the message that a nonce has stored.
    pub(super) fn find(&self, author: &str, nonce: &Nonce) -> Option<u64> {
        self.nonces.iter().rev().find(|(_, by, key)| by == author && *key == nonce.0).map(|(seq, _, _)| *seq)
    }

    pub(super) fn unsettled(&mut self, author: &str, nonce: &Nonce) {
        self.settled(author, nonce);
        self.unsettled.push_back((author.to_owned(), nonce.0.clone()));
        while self.unsettled.len() as u64 > RECENT_NONCES {
            self.unsettled.pop_front();
        }
    }

    pub(super) fn settled(&mut self, author: &str, nonce: &Nonce) {
        self.unsettled.retain(|(by, key)| by != author || *key != nonce.0);
    }

    pub(super) fn is_unsettled(&self, author: &str, nonce: &Nonce) -> bool {
        self.unsettled.iter().any(|(by, key)| by == author && *key == nonce.0)
    }
}

/// Nothing under these locks can panic, so a poisoned one holds what it should.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn appends_that_nobody_could_serve_in_time_are_refused_at_once() {
        let channel = Channel::new(ChannelId::new("c"));
        let first = channel.turn().await.expect("the first one");
        let mut waiting: Vec<_> = (1..WAITING_MAX).map(|_| Box::pin(channel.turn())).collect();
        assert!(waiting.iter_mut().all(|turn| turn.now_or_never().is_none()), "they wait");
        assert!(matches!(channel.turn().now_or_never(), Some(Err(Failure::Unavailable(_)))));
        drop(first);
        assert!(waiting[0].as_mut().now_or_never().is_some_and(|turn| turn.is_ok()), "the first that waits is the next");
        assert!(channel.turn().now_or_never().is_none(), "and leaves a place to wait in");
    }

    #[test]
    fn the_oldest_nonces_make_room_and_none_is_taken_twice() {
        let mut recent = Recent::default();
        let row = |seq: u64| MessageRow::new(&new(seq), seq);
        for seq in (1..=RECENT_NONCES + 1).chain([3]) {
            recent.saw(&row(seq));
        }
        assert_eq!((recent.seen(), recent.nonces.len() as u64), (RECENT_NONCES + 1, RECENT_NONCES));
        assert_eq!(recent.find("a", &Nonce("1".into())), None);
        assert_eq!(recent.find("a", &Nonce("2".into())), Some(2));
        assert_eq!(recent.find("b", &Nonce("2".into())), None);
    }

    fn new(seq: u64) -> rooms::store::NewMessage {
        rooms::store::NewMessage {
            id: rooms::MessageId::new(format!("m{seq}")),
            channel: ChannelId::new("c"),
            author: rooms::User { id: rooms::UserId::new("a"), name: "a".into() },
            nonce: Nonce(seq.to_string()),
            text: String::new(),
            sent_at: std::time::SystemTime::UNIX_EPOCH,
            reply_to: None,
            mentions: vec![],
        }
    }
}
