//! Messages, marks and search: each operation runs on the log of its channel, and what it finds bears the channel's own name again.
//!
//! Invariant: below this file a channel's id is that of its log.

use super::logs::Log;
use super::{Failure, Sqlite, marks, messages, search};
use ::rooms::store::{
    Appended, Edit, Found, MarkStore, Marked, Membership, MessageStore, NewMessage, Pin, React, Search, SearchStore, StoreError,
};
use ::rooms::view::{Cursor, History, Message, Unread};
use ::rooms::{ChannelId, UserId};
use async_trait::async_trait;
use rusqlite::Connection;
use std::collections::HashMap;
use std::time::SystemTime;

#[async_trait]
impl MessageStore for Sqlite {
    async fn append(&self, message: NewMessage) -> Result<Appended, StoreError> {
        let channel = message.channel.clone();
        let append = move |db: &Connection| in_log(db, &channel, |log| messages::append(db, NewMessage { channel: log, ..message }));
        self.writer.run("append", append).await
    }

    async fn edit(&self, edit: Edit) -> Result<Option<Message>, StoreError> {
        let channel = edit.channel.clone();
        self.writer.run("edit", move |db| in_log(db, &channel, |log| messages::edit(db, &Edit { channel: log, ..edit }))).await
    }

    async fn delete(&self, channel: &ChannelId, seq: u64, at: SystemTime) -> Result<Option<Message>, StoreError> {
        let channel = channel.clone();
        self.writer.run("delete", move |db| in_log(db, &channel, |log| messages::delete(db, &log, seq, at))).await
    }

    async fn message(&self, channel: &ChannelId, seq: u64) -> Result<Option<Message>, StoreError> {
        let channel = channel.clone();
        self.readers.run("message", move |db| in_log(db, &channel, |log| messages::message(db, &log, seq))).await
    }

    async fn history(&self, channel: &ChannelId, cursor: Cursor, limit: u32) -> Result<History, StoreError> {
        let channel = channel.clone();
        self.readers.run("history", move |db| in_log(db, &channel, |log| messages::history(db, &log, cursor, limit))).await
    }

    async fn mark_read(&self, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, StoreError> {
        let (user, channel) = (user.clone(), channel.clone());
        self.writer.run("mark_read", move |db| messages::mark_read(db, &user, &Log::of(db, &channel)?.into_id(), seq)).await
    }

    async fn mark_unread(&self, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, StoreError> {
        let (user, channel) = (user.clone(), channel.clone());
        self.writer.run("mark_unread", move |db| messages::mark_unread(db, &user, &Log::of(db, &channel)?.into_id(), seq)).await
    }

    async fn markers(&self, channel: &ChannelId, users: &[UserId]) -> Result<Vec<u64>, StoreError> {
        let (channel, users) = (channel.clone(), users.to_vec());
        self.readers.run("markers", move |db| messages::markers(db, &Log::of(db, &channel)?.into_id(), &users)).await
    }

    async fn unread(&self, user: &UserId, channels: &[Membership]) -> Result<Vec<Unread>, StoreError> {
        let (user, channels) = (user.clone(), channels.to_vec());
        self.readers.run("unread", move |db| unread(db, &user, &channels)).await
    }
}

#[async_trait]
impl MarkStore for Sqlite {
    async fn react(&self, react: React) -> Result<Option<Marked>, StoreError> {
        let channel = react.channel.clone();
        self.writer.run("react", move |db| in_log(db, &channel, |log| marks::react(db, &React { channel: log, ..react }))).await
    }

    async fn pin(&self, pin: Pin) -> Result<Option<Marked>, StoreError> {
        let channel = pin.channel.clone();
        self.writer.run("pin", move |db| in_log(db, &channel, |log| marks::pin(db, &Pin { channel: log, ..pin }))).await
    }

    async fn pins(&self, channel: &ChannelId) -> Result<Vec<Message>, StoreError> {
        let channel = channel.clone();
        self.readers.run("pins", move |db| in_log(db, &channel, |log| marks::pins(db, &log))).await
    }
}

#[async_trait]
impl SearchStore for Sqlite {
    async fn search(&self, asked: Search) -> Result<Found, StoreError> {
        self.readers.run("search", move |db| find(db, asked)).await
    }
}

/// What an operation finds of one channel.
trait OfChannel {
    /// Every message that was found.
    fn messages(&mut self) -> impl Iterator<Item = &mut Message>;
}

impl OfChannel for Appended {
    fn messages(&mut self) -> impl Iterator<Item = &mut Message> {
        std::iter::once(&mut self.message)
    }
}

impl OfChannel for Option<Message> {
    fn messages(&mut self) -> impl Iterator<Item = &mut Message> {
        self.iter_mut()
    }
}

impl OfChannel for Vec<Message> {
    fn messages(&mut self) -> impl Iterator<Item = &mut Message> {
        self.iter_mut()
    }
}

impl OfChannel for History {
    fn messages(&mut self) -> impl Iterator<Item = &mut Message> {
        self.messages.iter_mut()
    }
}

impl OfChannel for Option<Marked> {
    fn messages(&mut self) -> impl Iterator<Item = &mut Message> {
        self.iter_mut().filter_map(|marked| match marked {
            Marked::Changed(message) | Marked::Unchanged(message) => Some(message),
            Marked::Full => None,
        })
    }
}

fn in_log<T: OfChannel>(
    db: &Connection,
    channel: &ChannelId,
    operation: impl FnOnce(ChannelId) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut found = operation(Log::of(db, channel)?.into_id())?;
    found.messages().for_each(|message| message.channel = channel.clone());
    Ok(found)
}

fn unread(db: &Connection, user: &UserId, channels: &[Membership]) -> Result<Vec<Unread>, Failure> {
    let in_log = |of: &Membership| Ok::<_, Failure>(Membership { channel: Log::of(db, &of.channel)?.into_id(), ..of.clone() });
    let logs = channels.iter().map(in_log).collect::<Result<Vec<_>, _>>()?;
    let counted = messages::unread(db, user, &logs)?;
    Ok(counted.into_iter().zip(channels).map(|(unread, of)| Unread { channel: of.channel.clone(), ..unread }).collect())
}

fn find(db: &Connection, asked: Search) -> Result<Found, Failure> {
    let log = |channel: ChannelId| Ok::<_, Failure>((Log::of(db, &channel)?.into_id(), channel));
    let channels = asked.channels.into_iter().map(log).collect::<Result<HashMap<_, _>, _>>()?;
    let mut found = search::search(db, &Search { channels: channels.keys().cloned().collect(), ..asked })?;
    for message in &mut found.messages {
        if let Some(channel) = channels.get(&message.channel) {
            message.channel = channel.clone();
        }
    }
    Ok(found)
}
