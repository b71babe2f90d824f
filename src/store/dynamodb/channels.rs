//! What this process knows of channels: how far they have come, whose turn it is to write, and which nonces went by.
//!
//! All of it are hints that may be lost or old; what is true is decided by the tables. Invariant: a head that is known exists, or has
//! existed in a log that the channel has left.

use super::call::{Call, Failure, Order, Written, record};
use super::keys::{self, BUCKET_MESSAGES, SEQ_MAX};
use super::logs;
use super::queue::{Place, Queue};
use super::records::{EndRow, HeadRow, MessageRow, SeqRow};
use super::turns::{Line, Turn};
use super::write::{ABSENT, Write, number};
use rooms::ChannelId;
use rooms::store::NewMessage;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Channels that are known. When it is full, those that nobody is using are forgotten, and looked up again when they are used.
const CHANNELS_MAX: usize = 4096;

/// Nonces of one channel that are remembered without rows of their own. The oldest ones make room for new ones.
pub(super) const RECENT_NONCES: u64 = 512;

/// How long it is believed where a channel's rows are. What was left by a removed channel is swept a good while later only.
const LOG_TRUSTED: Duration = Duration::from_secs(600);

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
    known: Mutex<HashMap<ChannelId, Known>>,
}

struct Known {
    channel: Arc<Channel>,
    /// When it was looked where its rows are.
    looked: Instant,
}

impl Channels {
    pub(super) fn new(nonces: Nonces) -> Self {
        Self { nonces, known: Mutex::default() }
    }

    /// A channel, with the place of its rows as it was known at most [`LOG_TRUSTED`] ago. Whoever appends or asks for the newest message meets
    /// the end of an outdated log, and so notices.
    pub(super) async fn of(&self, call: &Call<'_>, id: &ChannelId) -> Result<Arc<Channel>, Failure> {
        if let Some(known) = lock(&self.known).get(id).filter(|known| known.looked.elapsed() < LOG_TRUSTED) {
            return Ok(known.channel.clone());
        }
        let log = logs::of(call, id).await?;
        Ok(self.keep(id, log))
    }

    fn keep(&self, id: &ChannelId, log: ChannelId) -> Arc<Channel> {
        let mut known = lock(&self.known);
        let looked = Instant::now();
        if let Some(before) = known.get_mut(id).filter(|before| before.channel.log == log) {
            before.looked = looked;
            return before.channel.clone();
        }
        if known.len() >= CHANNELS_MAX {
            known.retain(|_, known| Arc::strong_count(&known.channel) > 1);
        }
        let channel = Arc::new(Channel::new(id.clone(), log));
        known.insert(id.clone(), Known { channel: channel.clone(), looked });
        channel
    }

    /// A message, and the channel as it is now: what stands in a log that was the channel's is not the channel's.
    pub(super) async fn message(&self, call: &Call<'_>, id: &ChannelId, seq: u64) -> Result<(Arc<Channel>, Option<MessageRow>), Failure> {
        let channel = self.of(call, id).await?;
        let key = keys::message(&channel.log, seq);
        let (row, ()) = tokio::try_join!(call.item(&key), channel.is_current(call))?;
        // The end of a log is no message.
        let row = row.filter(|row| !row.contains_key("end")).map(record).transpose()?;
        Ok((channel, row))
    }

    /// The channel's rows are to be looked for anew.
    pub(super) fn forget(&self, id: &ChannelId) {
        lock(&self.known).remove(id);
    }
}

/// One channel.
pub(super) struct Channel {
    pub(super) id: ChannelId,
    /// The name under which its rows are kept: its own, until it is removed and begins anew.
    pub(super) log: ChannelId,
    /// The highest number that is known to exist; 0 where nothing is known.
    head: AtomicU64,
    /// Appends of this process go one group after the other: two at once would want the same numbers, and one of them pay for nothing.
    pub(super) queue: Queue,
    /// Changes of reactions and pins go one by one: they want the same version of a row.
    marks: Line,
    recent: Mutex<Recent>,
}

impl Channel {
    pub(super) fn new(id: ChannelId, log: ChannelId) -> Self {
        Self { id, log, head: AtomicU64::new(0), queue: Queue::new(), marks: Line::new(), recent: Mutex::default() }
    }

    /// Waits for the turn to change reactions or pins; it ends when what is returned is dropped. Those who wait are served in their order.
    pub(super) async fn turn_to_mark(&self) -> Result<Turn<'_>, Failure> {
        self.marks.turn().await
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
            0 => call.get::<HeadRow>(&keys::head(&self.log)).await?.map_or(0, |row| row.bucket),
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
        let newest: Vec<SeqRow> = call.query(&keys::messages(&self.log, bucket, 0, SEQ_MAX), Order::NewestFirst, 1).await?;
        match newest.first() {
            Some(SeqRow { end: true, .. }) => Err(Failure::Moved(self.id.clone())),
            newest => Ok(newest.map(|row| row.seq)),
        }
    }

    /// Fails when the channel's rows are somewhere else by now.
    pub(super) async fn is_current(&self, call: &Call<'_>) -> Result<(), Failure> {
        if logs::of(call, &self.id).await? == self.log { Ok(()) } else { Err(Failure::Moved(self.id.clone())) }
    }

    /// Nothing is appended to this log any more, by nobody.
    pub(super) async fn close(&self, call: &Call<'_>) -> Result<(), Failure> {
        loop {
            let seq = match self.head(call).await {
                Ok(head) => head + 1,
                Err(Failure::Moved(_)) => return Ok(()),
                Err(failure) => return Err(failure),
            };
            let end = Write::put(keys::message(&self.log, seq), &EndRow { seq, end: true })?.only_if(ABSENT);
            if let Written::Done = call.write(&end).await? {
                return Ok(());
            }
        }
    }

    /// The messages from one number to another, both included, oldest first.
    pub(super) async fn messages(&self, call: &Call<'_>, from: u64, to: u64) -> Result<Vec<MessageRow>, Failure> {
        let mut rows = Vec::new();
        let mut next = from;
        while next <= to {
            let end = to.min((keys::bucket(next) + 1) * BUCKET_MESSAGES - 1);
            let span = keys::messages(&self.log, keys::bucket(next), next, end);
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
        let note = Write::update(keys::head(&self.log))
            .set("bucket", number(keys::bucket(seq)))
            .only_if("attribute_not_exists(#bucket) OR #bucket < :bucket");
        // The message is stored, and without the note others look for a little longer.
        if let Err(error) = call.write(&note).await {
            tracing::debug!(%error, "the head of a channel isn't noted");
        }
    }
}

/// A message that went by.
#[derive(Debug)]
struct SeenNonce {
    seq: u64,
    id: String,
    author: String,
    nonce: String,
    /// This process has stored all that belongs to it.
    is_settled: bool,
}

/// The nonces that went by, where no row keeps them.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// All messages up to here were looked at.
    seen: u64,
    /// By age.
    nonces: VecDeque<SeenNonce>,
}

impl Recent {
    pub(super) fn saw(&mut self, row: &MessageRow) {
        if row.seq <= self.seen {
            return;
        }
        self.seen = row.seq;
        // Of another store, which says nothing of it.
        if row.nonce.is_empty() {
            return;
        }
        let (id, author, nonce) = (row.id.clone(), row.author.clone(), row.nonce.clone());
        self.nonces.push_back(SeenNonce { seq: row.seq, id, author, nonce, is_settled: false });
        while self.nonces.len() as u64 > RECENT_NONCES {
            self.nonces.pop_front();
        }
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// Where the nonce of a message has stored one. That is the message itself where an answer was lost.
    pub(super) fn find(&self, new: &NewMessage) -> Option<Place> {
        let seen = self.nonces.iter().rev().find(|seen| seen.author == new.author.id.as_str() && seen.nonce == new.nonce.0)?;
        Some(if seen.id == new.id.as_str() { Place::New(seen.seq) } else { Place::Old(seen.seq) })
    }

    /// All that belongs to the message is stored.
    pub(super) fn settled(&mut self, seq: u64) {
        if let Some(seen) = self.nonces.iter_mut().rev().find(|seen| seen.seq == seq) {
            seen.is_settled = true;
        }
    }

    /// Whether this process knows that. A node that died may have stored the message alone.
    pub(super) fn is_settled(&self, seq: u64) -> bool {
        self.nonces.iter().rev().any(|seen| seen.seq == seq && seen.is_settled)
    }
}

/// Nothing under these locks can panic, so a poisoned one holds what it should.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rooms::store::Nonce;

    #[test]
    fn the_oldest_nonces_make_room_and_none_is_taken_twice() {
        let mut recent = Recent::default();
        let row = |seq: u64| MessageRow::new(&new(seq), seq);
        for seq in (1..=RECENT_NONCES + 1).chain([3]) {
            recent.saw(&row(seq));
        }
        assert_eq!((recent.seen(), recent.nonces.len() as u64), (RECENT_NONCES + 1, RECENT_NONCES));
        assert_eq!(recent.find(&new(1)), None);
        assert_eq!(recent.find(&new(2)), Some(Place::New(2)));
        assert_eq!(recent.find(&NewMessage { id: rooms::MessageId::new("again"), ..new(2) }), Some(Place::Old(2)));
        assert!(!recent.is_settled(2));
        recent.settled(2);
        assert_eq!((recent.is_settled(2), recent.is_settled(3)), (true, false));
        assert_eq!(recent.find(&NewMessage { author: rooms::User { id: rooms::UserId::new("b"), name: "b".into() }, ..new(2) }), None);
    }

    fn new(seq: u64) -> NewMessage {
        NewMessage {
            id: rooms::MessageId::new(format!("m{seq}")),
            channel: ChannelId::new("c"),
            author: rooms::User { id: rooms::UserId::new("a"), name: "a".into() },
            nonce: Nonce(seq.to_string()),
            text: String::new(),
            sent_at: std::time::SystemTime::UNIX_EPOCH,
            reply_to: None,
            mentions: vec![],
            attachments: vec![],
        }
    }
}
