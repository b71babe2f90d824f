//! Chat: what a session may do in a channel is asked of whoever has the channel, and what it does is stored before anybody is told.
//!
//! It decides nothing that `permission` can decide. Invariant: every request finds its channel through [`Hub::place`], and a channel that the
//! session may not know of is one that isn't there.

use super::{Hub, authority, wall_clock};
use crate::chat::attachment;
use crate::chat::{Change, ChannelQueue, Delivery, Pace, mentions};
use crate::inbox::Errand;
use crate::limits::{self, TokenBucket};
use crate::permission::{self, ChatRights};
use crate::room::handle::RoomHandle;
use crate::session::SessionHandle;
use crate::store::{Edit, Listing, NewMessage};
use crate::view::{Audience, Cursor, History, Message};
use crate::{ChannelId, Error, MessageId, Result, RoleId, SendMessage, SessionId};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// That a user writes is told once in this time. Clients show it for some seconds.
const TYPING_INTERVAL: Duration = Duration::from_secs(3);

/// A channel as one session has it.
pub(super) struct Place {
    pub(super) channel: ChannelId,
    pub(super) queue: ChannelQueue,
    pub(super) rights: ChatRights,
    /// Longest text, in characters.
    pub(super) text_max_chars: usize,
    /// The roles that the session's user may mention.
    pub(super) roles: Vec<RoleId>,
    /// One message of a user in this time, unless it moderates. `None`: any number.
    pub(super) slow_mode: Option<Duration>,
}

impl Place {
    /// Whom a text of the session's user mentions here.
    pub(super) fn mentions(&self, text: &str) -> Vec<Audience> {
        mentions(text, |audience| match audience {
            Audience::Everyone => self.rights.mention_everyone,
            Audience::Role(role) => self.roles.contains(role),
            Audience::User(_) => true,
        })
    }
}

impl Hub {
    /// Stores a message, then tells everyone in the channel, the sender included. Returns when it is durable.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session isn't in and for an answer to no message, `Forbidden`, `Invalid` for an empty text without attachments and for odd attachments, `TooLarge`,
    /// `RateLimited` by the session's rate and by the channel's slow mode, `Unavailable`.
    pub async fn send(&self, session: &SessionHandle, channel: &ChannelId, request: SendMessage) -> Result<Message> {
        self.send_in(session, self.place(session, channel).await?, request).await
    }

    pub(super) async fn send_in(&self, session: &SessionHandle, place: Place, request: SendMessage) -> Result<Message> {
        let SendMessage { nonce, text, reply_to, attachments } = request;
        let channel = &place.channel;
        permission::may_write(place.rights)?;
        limits::nonce(&nonce)?;
        attachment::check(&attachments, self.node.config.plain_http)?;
        limits::text(&text, place.text_max_chars, &attachments)?;
        self.count_message(&session.id)?;
        if let Some(seq) = reply_to {
            self.stored(channel, seq).await?;
        }
        if let Some(interval) = place.slow_mode.filter(|_| !place.rights.moderate) {
            let turn = lock(&self.slow_pace).take(channel, &session.user.id, Some(&nonce), interval, now());
            turn.map_err(|retry_after| Error::RateLimited { retry_after })?;
        }
        let (id, author) = (MessageId::new(crate::random_id("msg")), session.user.clone());
        let (sent_at, mentions) = (wall_clock(), place.mentions(&text));
        let channel = channel.clone();
        let message = NewMessage { id, channel, author, nonce, text, sent_at, reply_to, mentions, attachments };
        place.queue.send(Change::Append(message)).await
    }

    /// Gives one's own message another text, then tells everyone in the channel. Returns when it is durable.
    ///
    /// # Errors
    /// As [`Hub::send`]; `NotFound` for a message that isn't there or is deleted, `Forbidden` for somebody else's.
    pub async fn edit(&self, session: &SessionHandle, channel: &ChannelId, seq: u64, text: String) -> Result<Message> {
        let place = self.place(session, channel).await?;
        permission::may_write(place.rights)?;
        self.count_message(&session.id)?;
        let message = self.stored(channel, seq).await?;
        permission::may_edit(&session.user.id, &message.author.id)?;
        limits::text(&text, place.text_max_chars, &message.attachments)?;
        let before = message.mentions;
        let (at, mentions) = (wall_clock(), place.mentions(&text));
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

    /// The other readers of a channel are told that the session's user writes: at once and once in 3 s, however often this is called.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session isn't in, `Forbidden` for who may not write there.
    pub async fn typing(&self, session: &SessionHandle, channel: &ChannelId) -> Result<()> {
        let place = self.place(session, channel).await?;
        permission::may_write(place.rights)?;
        let (channel, user) = (place.channel, session.user.clone());
        if lock(&self.typing_pace).take(&channel, &user.id, None, TYPING_INTERVAL, now()).is_ok() {
            place.queue.tell_aside(Delivery::Typing { channel, user });
        }
        Ok(())
    }

    /// Whom an edit mentions for the first time finds it in the inbox.
    fn tell_of_edit(&self, message: &Message, before: Vec<Audience>) {
        if message.mentions != before
            && let Some(server) = self.node.communities.live_of(&message.channel)
        {
            self.node.courier.take(Errand::Edited { server, message: message.clone(), before });
        }
    }

    pub(super) async fn stored(&self, channel: &ChannelId, seq: u64) -> Result<Message> {
        self.node.store.message(channel, seq).await?.ok_or(Error::NotFound("message"))
    }

    pub(super) fn count_message(&self, session: &SessionId) -> Result<()> {
        let Some(rate) = self.node.config.chat_rate else { return Ok(()) };
        let now = now();
        let mut bucket = self.chat_buckets.entry(session.clone()).or_insert_with(|| TokenBucket::new(now));
        bucket.take(rate, now)
    }

    /// The channel, if the session can read it: that of the room that it is in, or a server's.
    pub(super) async fn place(&self, session: &SessionHandle, channel: &ChannelId) -> Result<Place> {
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
        let text_max_chars = node.config.text_max_chars_of(session.plan.as_deref());
        Place { channel, queue, rights, text_max_chars, roles: vec![], slow_mode: None }
    }
}

/// tokio's clock, so that tests can move it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Nothing under these locks can panic, so a poisoned one holds what it should.
fn lock(pace: &Mutex<Pace>) -> MutexGuard<'_, Pace> {
    pace.lock().unwrap_or_else(PoisonError::into_inner)
}
