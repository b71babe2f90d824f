//! Who of a server's members watches how far a channel is read. Pure, as the rest of the server.
//!
//! Invariant: whatever makes somebody a reader of a channel, or takes that away, is settled before anybody is told anything else.

use super::{Output, Server, membership};
use crate::community::attendance::Moment;
use crate::community::decide::By;
use crate::community::receipts::{News, Receipts};
use crate::session::SessionHandle;
use crate::view::Message;
use crate::{ChannelId, Error, Event, Result, SessionId, UserId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// In a channel with more readers nobody can watch how far they have read: each of them costs a look into the store and some memory.
const READERS_MAX: usize = 1_000;

/// Readers of a channel whose places are to be asked of the store.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unplaced {
    pub(crate) channel: ChannelId,
    pub(crate) users: Vec<UserId>,
}

impl Server {
    /// From now on the session, which listens, is told how far the readers of a channel have read, and of no other channel of this server.
    ///
    /// # Errors
    /// `NotFound` for a channel that its user doesn't read, `Conflict` for one with more than 1,000 readers and for a session that doesn't listen.
    pub(crate) fn watch_receipts(&mut self, session: SessionHandle, channel: &ChannelId) -> Result<()> {
        self.post(&By::User(session.user.clone()), channel)?;
        if self.attendance.sessions_of(&session.user.id).all(|listener| listener.id != session.id) {
            return Err(Error::Conflict("the session has not asked for its servers"));
        }
        if !self.receipts.contains_key(channel) && self.members_reading(channel).len() > READERS_MAX {
            return Err(Error::Conflict("too many people read this channel"));
        }
        self.unwatch(&session.id);
        self.receipts.entry(channel.clone()).or_default().watch(session);
        self.receipts_stale = true;
        Ok(())
    }

    /// The session wants to be told no more.
    pub(crate) fn unwatch_receipts(&mut self, session: &SessionId, channel: &ChannelId) {
        if let Some(receipts) = self.receipts.get_mut(channel) {
            receipts.unwatch(session);
        }
    }

    /// What the store says of [`Unplaced`].
    pub(crate) fn receipts_found(&mut self, moment: Moment, channel: &ChannelId, marks: Vec<(UserId, u64)>) {
        if let Some(receipts) = self.receipts.get_mut(channel) {
            receipts.found(moment, marks);
        }
    }

    /// To be called after every step: tells the watchers what is due, and returns what has to be asked for.
    pub(crate) fn settle_receipts(&mut self, moment: Moment, out: &mut Vec<Output>) -> Vec<Unplaced> {
        let unplaced = if std::mem::take(&mut self.receipts_stale) { self.place_readers(moment) } else { vec![] };
        self.receipts.retain(|_, receipts| receipts.is_watched());
        for (channel, receipts) in &mut self.receipts {
            let News { moves, moved, standing, fresh } = receipts.settle(moment);
            if !moved.is_empty() {
                // Before the message that an author has read by writing it: it is never seen as unread by its author.
                out.insert(0, Output { to: moved.into(), event: Arc::new(Event::ReceiptsMoved { channel: channel.clone(), moves }) });
            }
            if !fresh.is_empty() {
                out.push(Output { to: fresh.into(), event: Arc::new(Event::ReceiptsStanding { channel: channel.clone(), standing }) });
            }
        }
        unplaced
    }

    pub(super) fn receipts_deadline(&self) -> Option<Instant> {
        self.receipts.values().filter_map(Receipts::next_deadline).min()
    }

    pub(super) fn unwatch(&mut self, session: &SessionId) {
        self.receipts.values_mut().for_each(|receipts| receipts.unwatch(session));
    }

    pub(super) fn place_reader(&mut self, moment: Moment, channel: &ChannelId, user: &UserId, seq: u64) {
        if let Some(receipts) = self.receipts.get_mut(channel) {
            receipts.set(moment, user, seq);
        }
    }

    pub(super) fn place_authors(&mut self, moment: Moment, messages: &[Message]) {
        for message in messages {
            if let Some(receipts) = self.receipts.get_mut(&message.channel) {
                receipts.raise(moment, &message.author.id, message.seq);
            }
        }
    }

    fn place_readers(&mut self, moment: Moment) -> Vec<Unplaced> {
        let readers: Vec<_> = self.receipts.keys().map(|channel| (channel.clone(), self.members_reading(channel))).collect();
        let place = |(channel, readers): (ChannelId, BTreeMap<UserId, u64>)| {
            let users = self.receipts.get_mut(&channel)?.set_readers(moment, &readers);
            (!users.is_empty()).then_some(Unplaced { channel, users })
        };
        readers.into_iter().filter_map(place).collect()
    }

    /// The members that read a channel, and up to where each has read it from the start.
    fn members_reading(&self, channel: &ChannelId) -> BTreeMap<UserId, u64> {
        let Some(channel) = self.tree.channels.get(channel) else { return BTreeMap::new() };
        let reading = self.members.values().filter(|member| self.reads(member, channel));
        reading.map(|member| (member.user.id.clone(), membership(member, channel).since)).collect()
    }
}
