//! Chat: what a session may do in a channel is asked of whoever has the channel, and what it does is stored before anybody is told.
//!
//! It decides nothing that `permission` can decide. Invariant: every request finds its channel through [`Hub::place`], and a channel that the
//! session may not know of is one that isn't there.

use super::{Hub, authority, wall_clock};
use crate::chat::{Change, ChannelQueue};
use crate::inbox::Errand;
use crate::limits::{self, TokenBucket};
use crate::permission::{self, ChatRights};
use crate::room::handle::RoomHandle;
use crate::session::SessionHandle;
use crate::store::{Edit, Listing, NewMessage};
use crate::view::{Audience, Cursor, History, Message};
use crate::{ChannelId, Error, MessageId, Result, SendMessage, SessionId};

/// A channel as one session has it.
pub(super) struct Place {
    pub(super) channel: ChannelId,
    pub(super) queue: ChannelQueue,
    pub(super) rights: ChatRights,
    /// Longest text, in characters.
    pub(super) text_max_chars: usize,
}

impl Hub {
    /// Stores a message, then tells everyone in the channel, the sender included. Returns when it is durable.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session isn't in and for an answer to no message, `Forbidden`, `Invalid` for an empty text, `TooLarge`,
    /// `RateLimited`, `Unavailable`.
    pub async fn send(&self, session: &SessionHandle, channel: &ChannelId, request: SendMessage) -> Result<Message> {
        let SendMessage { nonce, text, reply_to } = request;
        let place = self.place(session, channel).await?;
        permission::may_write(place.rights)?;
        limits::nonce(&nonce)?;
        limits::text(&text, place.text_max_chars)?;
        self.count_message(&session.id)?;
        if let Some(seq) = reply_to {
            self.stored(channel, seq).await?;
        }
        let (id, author) = (MessageId::new(crate::random_id("msg")), session.user.clone());
        let (sent_at, mentions) = (wall_clock(), vec![]);
        let message = NewMessage { id, channel: channel.clone(), author, nonce, text, sent_at, reply_to, mentions };
        place.queue.send(Change::Append(message)).await
    }

    /// Gives one's own message another text, then tells everyone in the channel. Returns when it is durable.
    ///
    /// # Errors
    /// As [`Hub::send`]; `NotFound` for a message that isn't there or is deleted, `Forbidden` for somebody else's.
    pub async fn edit(&self, session: &SessionHandle, channel: &ChannelId, seq: u64, text: String) -> Result<Message> {
        let place = self.place(session, channel).await?;
        permission::may_write(place.rights)?;
        limits::text(&text, place.text_max_chars)?;
        self.count_message(&session.id)?;
        let message = self.stored(channel, seq).await?;
        permission::may_edit(&session.user.id, &message.author.id)?;
        let before = message.mentions.clone();
        let (at, mentions) = (wall_clock(), message.mentions);
        let edited = place.queue.send(Change::Edit(Edit { channel: channel.clone(), seq, text, mentions, at })).await?;
        self.tell_of_edit(&edited, before);
        Ok(edited)
    }

    /// Turns a message into a tombstone, then tells everyone in the channel. Returns when it is durable.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` unless the session's user wrote it or may moderate the channel; `RateLimited`, `Unavailable`.
    pub async fn delete(&self, session: &SessionHandle, channel: &ChannelId, seq: u64) -> Result<Message> {
        let place = self.place(session, channel).await?;
        permission::may_write(place.rights)?;
        self.count_message(&session.id)?;
        let message = self.stored(channel, seq).await?;
        permission::may_delete(place.rights, &session.user.id, &message.author.id)?;
        if message.deleted_at.is_some() {
            return Ok(message);
        }
        place.queue.send(Change::Delete { seq, at: wall_clock() }).await
    }

    /// A page of a channel's messages, oldest first; `limit` 1–100.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session isn't in, `Invalid` for the limit, `Unavailable`.
    pub async fn history(&self, session: &SessionHandle, channel: &ChannelId, cursor: Cursor, limit: u32) -> Result<History> {
        limits::history_limit(limit)?;
        let place = self.place(session, channel).await?;
        Ok(self.node.store.history(&place.channel, cursor, limit).await?)
    }

    /// Whom an edit mentions for the first time finds it in the inbox.
    fn tell_of_edit(&self, message: &Message, before: Vec<Audience>) {
        if message.mentions != before
            && let Some(server) = self.node.communities.live_of(&message.channel)
        {
            self.node.courier.take(Errand::Edited { server, message: message.clone(), before });
        }
    }

    async fn stored(&self, channel: &ChannelId, seq: u64) -> Result<Message> {
        self.node.store.message(channel, seq).await?.ok_or(Error::NotFound("message"))
    }

    pub(super) fn count_message(&self, session: &SessionId) -> Result<()> {
        let Some(rate) = self.node.config.chat_rate else { return Ok(()) };
        let now = tokio::time::Instant::now().into_std();
        let mut bucket = self.chat_buckets.entry(session.clone()).or_insert_with(|| TokenBucket::new(now));
        bucket.take(rate, now)
    }

    /// The channel, if the session can read it: that of the room that it is in, or a server's.
    async fn place(&self, session: &SessionHandle, channel: &ChannelId) -> Result<Place> {
        self.node.check_running()?;
        let room = self.node.sessions.seat(&session.id).and_then(|room| self.node.live(&room));
        match room.filter(|room| room.record().channel == *channel && room.record().listing != Listing::Channel) {
            Some(room) => Ok(self.place_in_room(session, &room)),
            None => self.place_in_server(session, channel).await,
        }
    }

    fn place_in_room(&self, session: &SessionHandle, room: &RoomHandle) -> Place {
        let (node, record) = (&self.node, room.record());
        let channel = record.channel.clone();
        let queue = room.chat(|inbox| ChannelQueue::start(channel.clone(), node.store.clone(), node.messages_stored.clone(), inbox));
        let rights = permission::chat_in_room(&authority(session), &record.id, &record.owner.id);
        Place { channel, queue, rights, text_max_chars: node.config.text_max_chars }
    }
}
