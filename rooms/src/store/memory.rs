//! A store in memory: for tests, and for a node that may forget everything.
//!
//! Keeps every promise of [`Store`] but durability, and is the plainest reading of them: one lock around plain maps.

use super::{Appended, LinkRecord, NewMessage, Nonce, Redeemed, RoomRecord, Store, StoreError};
use crate::view::{History, Message};
use crate::{ChannelId, RoomId, UserId};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Rooms, links and messages of one process.
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
    nonces: HashMap<(UserId, Nonce), usize>,
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
impl Store for MemoryStore {
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

    async fn append(&self, message: NewMessage) -> Result<Appended, StoreError> {
        let mut state = self.state();
        let channel = state.channels.entry(message.channel.clone()).or_default();
        let NewMessage { id, channel: channel_id, author, nonce, text, sent_at } = message;
        let key = (author.id.clone(), nonce);
        if let Some(index) = channel.nonces.get(&key) {
            return Ok(Appended { message: channel.messages[*index].clone(), duplicate: true });
        }
        let index = channel.messages.len();
        let message = Message { id, channel: channel_id, seq: index as u64 + 1, author, text, sent_at };
        channel.nonces.insert(key, index);
        channel.messages.push(message.clone());
        Ok(Appended { message, duplicate: false })
    }

    async fn history(&self, channel: &ChannelId, before: Option<u64>, limit: u32) -> Result<History, StoreError> {
        let state = self.state();
        let messages = state.channels.get(channel).map_or(&[][..], |channel| &channel.messages);
        let end =
            before.map_or(messages.len(), |before| usize::try_from(before.saturating_sub(1)).unwrap_or(usize::MAX).min(messages.len()));
        let start = end.saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(History { messages: messages[start..end].to_vec(), more: start > 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    async fn empty() -> (Arc<dyn Store>, ()) {
        (Arc::new(MemoryStore::new()), ())
    }

    crate::store_conformance!(empty);
}
