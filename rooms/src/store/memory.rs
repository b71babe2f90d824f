//! A store in memory: for tests, and for a node that may forget everything.
//!
//! Keeps every promise of [`Store`](super::Store) but durability, and is the plainest reading of them: one lock around plain maps.

mod community;
mod marks;
mod notes;
mod notifications;
mod search;
mod transfer;

use super::{Appended, Edit, LinkRecord, Membership, MessageStore, NewMessage, Nonce, Redeemed, RoomRecord, RoomStore, StoreError};
use crate::view::{Audience, Cursor, History, Message, Unread};
use crate::{ChannelId, RoomId, UserId};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Rooms, links, messages, servers and inboxes of one process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In the order of creation.
    rooms: Vec<StoredRoom>,
    room_nonces: HashMap<(UserId, Nonce), RoomId>,
    links: HashMap<[u8; 32], LinkRecord>,
    channels: HashMap<ChannelId, Channel>,
    communities: community::Communities,
    /// In the order of starting.
    notes: Vec<notes::Note>,
    inboxes: HashMap<UserId, notifications::Kept>,
    /// Messages of all channels.
    stored: u64,
}

#[derive(Debug)]
struct StoredRoom {
    record: RoomRecord,
    ended_at: Option<SystemTime>,
}

#[derive(Debug, Default)]
struct Channel {
    /// The message with number n is at n − 1.
    messages: Vec<Message>,
    /// When each message was stored: a number that grows over all channels.
    ordinals: Vec<u64>,
    nonces: HashMap<(UserId, Nonce), usize>,
    /// All up to this number is read.
    markers: HashMap<UserId, u64>,
    /// Who reacted to a message with an emoji, in the order of coming.
    reacted: HashMap<(u64, String), Vec<UserId>>,
    /// When a message was pinned.
    pins: HashMap<u64, SystemTime>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// No operation panics halfway, so a poisoned state is a whole one.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RoomStore for MemoryStore {
    async fn create_room(&self, room: RoomRecord, nonce: Nonce) -> Result<RoomRecord, StoreError> {
        let mut state = self.state();
        let key = (room.owner.id.clone(), nonce);
        if let Some(id) = state.room_nonces.get(&key) {
            let first = state.rooms.iter().find(|stored| stored.record.id == *id);
            return first.map(|stored| stored.record.clone()).ok_or(StoreError::Corrupt);
        }
        state.room_nonces.insert(key, room.id.clone());
        state.rooms.push(StoredRoom { record: room.clone(), ended_at: None });
        Ok(room)
    }

    async fn room(&self, id: &RoomId) -> Result<Option<RoomRecord>, StoreError> {
        let state = self.state();
        let open = state.rooms.iter().find(|stored| stored.record.id == *id && stored.ended_at.is_none());
        Ok(open.map(|stored| stored.record.clone()))
    }

    async fn open_rooms(&self) -> Result<Vec<RoomRecord>, StoreError> {
        let state = self.state();
        let open = state.rooms.iter().filter(|stored| stored.ended_at.is_none());
        let mut open: Vec<RoomRecord> = open.map(|stored| stored.record.clone()).collect();
        open.sort_by_key(|room| room.created_at);
        Ok(open)
    }

    async fn end_room(&self, id: &RoomId, at: SystemTime) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Some(stored) = state.rooms.iter_mut().find(|stored| stored.record.id == *id) {
            stored.ended_at.get_or_insert(at);
        }
        Ok(())
    }

    async fn create_link(&self, link: LinkRecord) -> Result<(), StoreError> {
        self.state().links.insert(link.secret_hash, link);
        Ok(())
    }

    async fn redeem_link(&self, secret_hash: &[u8; 32], now: SystemTime) -> Result<Redeemed, StoreError> {
        let mut state = self.state();
        let Some(link) = state.links.get_mut(secret_hash) else { return Ok(Redeemed::Unknown) };
        if link.expires_at <= now {
            return Ok(Redeemed::Expired);
        }
        if link.uses >= link.max_uses {
            return Ok(Redeemed::UsedUp);
        }
        link.uses += 1;
        Ok(Redeemed::Granted(link.clone()))
    }
}

#[async_trait]
impl MessageStore for MemoryStore {
    async fn append(&self, message: NewMessage) -> Result<Appended, StoreError> {
        let mut state = self.state();
        let ordinal = state.stored + 1;
        let channel = state.channels.entry(message.channel.clone()).or_default();
        let NewMessage { id, channel: channel_id, author, nonce, text, sent_at, reply_to, mentions, attachments } = message;
        let key = (author.id.clone(), nonce);
        if let Some(index) = channel.nonces.get(&key) {
            return Ok(Appended { message: channel.messages[*index].clone(), duplicate: true });
        }
        let index = channel.messages.len();
        let seq = index as u64 + 1;
        let (edited_at, deleted_at, reactions) = (None, None, vec![]);
        channel.nonces.insert(key, index);
        channel.markers.insert(author.id.clone(), seq);
        let message = Message {
            id,
            channel: channel_id,
            seq,
            author,
            text,
            sent_at,
            edited_at,
            deleted_at,
            reply_to,
            mentions,
            attachments,
            reactions,
        };
        channel.messages.push(message.clone());
        channel.ordinals.push(ordinal);
        state.stored = ordinal;
        Ok(Appended { message, duplicate: false })
    }

    async fn edit(&self, edit: Edit) -> Result<Option<Message>, StoreError> {
        let mut state = self.state();
        let Some(message) = state.message_mut(&edit.channel, edit.seq).filter(|message| message.deleted_at.is_none()) else {
            return Ok(None);
        };
        (message.text, message.mentions, message.edited_at) = (edit.text, edit.mentions, Some(edit.at));
        Ok(Some(message.clone()))
    }

    async fn delete(&self, channel: &ChannelId, seq: u64, at: SystemTime) -> Result<Option<Message>, StoreError> {
        let mut state = self.state();
        let Some(message) = state.message_mut(channel, seq) else { return Ok(None) };
        if message.deleted_at.is_none() {
            (message.text, message.deleted_at) = (String::new(), Some(at));
            (message.mentions, message.attachments, message.reactions) = (vec![], vec![], vec![]);
        }
        let deleted = message.clone();
        state.forget_marks(channel, seq);
        Ok(Some(deleted))
    }

    async fn message(&self, channel: &ChannelId, seq: u64) -> Result<Option<Message>, StoreError> {
        Ok(self.state().message_mut(channel, seq).cloned())
    }

    async fn history(&self, channel: &ChannelId, cursor: Cursor, limit: u32) -> Result<History, StoreError> {
        let state = self.state();
        let messages = state.channels.get(channel).map_or(&[][..], |channel| &channel.messages);
        let head = messages.len() as u64;
        let page = cursor.page(head, limit);
        let kept = &messages[page.start as usize - 1..page.end as usize - 1];
        Ok(History { messages: kept.to_vec(), more: page.start > 1, newer: page.end <= head })
    }

    async fn mark_read(&self, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, StoreError> {
        let mut state = self.state();
        let Some(channel) = state.channels.get_mut(channel) else { return Ok(0) };
        let head = channel.messages.len() as u64;
        let marker = channel.markers.entry(user.clone()).or_default();
        *marker = (*marker).max(seq.min(head));
        Ok(*marker)
    }

    async fn mark_unread(&self, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, StoreError> {
        let mut state = self.state();
        let Some(channel) = state.channels.get_mut(channel) else { return Ok(0) };
        let marker = seq.saturating_sub(1).min(channel.messages.len() as u64);
        channel.markers.insert(user.clone(), marker);
        Ok(marker)
    }

    async fn unread(&self, user: &UserId, channels: &[Membership]) -> Result<Vec<Unread>, StoreError> {
        let state = self.state();
        let unread = |Membership { channel: id, since, roles }: &Membership| {
            let channel = state.channels.get(id);
            let messages = channel.map_or(&[][..], |channel| &channel.messages);
            let head = messages.len() as u64;
            let marker = channel.and_then(|channel| channel.markers.get(user)).copied().unwrap_or_default();
            let read = marker.max(*since).min(head);
            let left = || messages[read as usize..].iter().filter(|message| message.deleted_at.is_none() && message.author.id != *user);
            let meant = |audience: &Audience| match audience {
                Audience::Everyone => true,
                Audience::Role(role) => roles.contains(role),
                Audience::User(named) => named == user,
            };
            let mentions = left().filter(|message| message.mentions.iter().any(meant)).count() as u64;
            Unread { channel: id.clone(), head, read, unread: left().count() as u64, mentions }
        };
        Ok(channels.iter().map(unread).collect())
    }
}

impl State {
    fn message_mut(&mut self, channel: &ChannelId, seq: u64) -> Option<&mut Message> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.channels.get_mut(channel)?.messages.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use std::sync::Arc;

    async fn empty() -> (Arc<dyn Store>, ()) {
        (Arc::new(MemoryStore::new()), ())
    }

    async fn three_handles() -> (crate::store::conformance::Nodes, ()) {
        let store = Arc::new(MemoryStore::new());
        ([store.clone(), store.clone(), store], ())
    }

    async fn one() -> (Arc<MemoryStore>, ()) {
        (Arc::default(), ())
    }

    crate::store_conformance!(empty);
    crate::search_conformance!(empty);
    crate::store_nodes_conformance!(three_handles);
    crate::store_transfer_conformance!(one);
}
