//! A store in memory: for tests, and for a node that may forget everything.
//!
//! Keeps every promise of [`Store`](super::Store) but durability, and is the plainest reading of them: one lock around plain maps.

use super::{
    Appended, Edit, LinkRecord, Membership, MessageStore, NewMessage, Nonce, Position, Record, Records, Redeemed, RoomRecord, RoomStore,
    StoreError, Transfer,
};
use crate::view::{Audience, Cursor, History, Message, Unread};
use crate::{ChannelId, RoomId, UserId};
use async_trait::async_trait;
use std::cmp::Ordering;
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
    /// All up to this number is read.
    markers: HashMap<UserId, u64>,
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
        let channel = state.channels.entry(message.channel.clone()).or_default();
        let NewMessage { id, channel: channel_id, author, nonce, text, sent_at, reply_to, mentions } = message;
        let key = (author.id.clone(), nonce);
        if let Some(index) = channel.nonces.get(&key) {
            return Ok(Appended { message: channel.messages[*index].clone(), duplicate: true });
        }
        let index = channel.messages.len();
        let seq = index as u64 + 1;
        let (edited_at, deleted_at) = (None, None);
        channel.nonces.insert(key, index);
        channel.markers.insert(author.id.clone(), seq);
        let message = Message { id, channel: channel_id, seq, author, text, sent_at, edited_at, deleted_at, reply_to, mentions };
        channel.messages.push(message.clone());
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
            (message.text, message.mentions, message.deleted_at) = (String::new(), vec![], Some(at));
        }
        Ok(Some(message.clone()))
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
        let unread = |Membership { channel: id, since }: &Membership| {
            let channel = state.channels.get(id);
            let messages = channel.map_or(&[][..], |channel| &channel.messages);
            let head = messages.len() as u64;
            let marker = channel.and_then(|channel| channel.markers.get(user)).copied().unwrap_or_default();
            let read = marker.max(*since).min(head);
            let left = || messages[read as usize..].iter().filter(|message| message.deleted_at.is_none() && message.author.id != *user);
            let meant = |audience: &Audience| match audience {
                Audience::Everyone => true,
                Audience::User(named) => named == user,
            };
            let mentions = left().filter(|message| message.mentions.iter().any(meant)).count() as u64;
            Unread { channel: id.clone(), head, read, unread: left().count() as u64, mentions }
        };
        Ok(channels.iter().map(unread).collect())
    }
}

#[async_trait]
impl Transfer for MemoryStore {
    /// Each page looks at everything: this store holds no more than tests need.
    async fn records(&self, position: Option<Position>, limit: u32) -> Result<Records, StoreError> {
        let skipped = position.map_or(Ok(0), |position| position.0.parse::<usize>()).map_err(|_| StoreError::Corrupt)?;
        let all = self.state().records();
        let end = skipped.saturating_add(limit as usize).min(all.len());
        let next = (end < all.len()).then(|| Position(end.to_string()));
        Ok(Records { records: all.get(skipped..end).ok_or(StoreError::Corrupt)?.to_vec(), next })
    }

    async fn put_records(&self, records: Vec<Record>) -> Result<(), StoreError> {
        let mut state = self.state();
        records.into_iter().try_for_each(|record| state.put(record))
    }
}

impl State {
    /// All, in an order that is the same as long as nothing is written. Nothing is ever forgotten here, so the age of a nonce or a link is
    /// that of what it belongs to.
    fn records(&self) -> Vec<Record> {
        let rooms = self.rooms.iter().map(|stored| Record::Room { room: stored.record.clone(), ended_at: stored.ended_at });
        let mut room_nonces: Vec<_> = self.room_nonces.iter().collect();
        room_nonces.sort_by_key(|((owner, nonce), _)| (owner, &nonce.0));
        let room_nonces = room_nonces.into_iter().map(|((owner, nonce), room)| {
            let created = self.rooms.iter().find(|stored| stored.record.id == *room).map(|stored| stored.record.created_at);
            let stored_at = created.unwrap_or(SystemTime::UNIX_EPOCH);
            Record::RoomNonce { owner: owner.clone(), nonce: nonce.clone(), room: room.clone(), stored_at }
        });
        let mut links: Vec<&LinkRecord> = self.links.values().collect();
        links.sort_by_key(|link| link.secret_hash);
        let links = links.into_iter().map(|link| Record::Link { link: link.clone(), stored_at: link.expires_at });
        let mut channels: Vec<_> = self.channels.iter().collect();
        channels.sort_by_key(|(id, _)| *id);
        rooms.chain(room_nonces).chain(links).chain(channels.into_iter().flat_map(|(id, channel)| channel.records(id))).collect()
    }

    fn put(&mut self, record: Record) -> Result<(), StoreError> {
        match record {
            Record::Room { room, ended_at } => match self.rooms.iter_mut().find(|stored| stored.record.id == room.id) {
                Some(stored) => *stored = StoredRoom { record: room, ended_at },
                None => self.rooms.push(StoredRoom { record: room, ended_at }),
            },
            Record::RoomNonce { owner, nonce, room, stored_at: _ } => drop(self.room_nonces.insert((owner, nonce), room)),
            Record::Link { link, stored_at: _ } => drop(self.links.insert(link.secret_hash, link)),
            Record::Message(message) => {
                let messages = &mut self.channels.entry(message.channel.clone()).or_default().messages;
                let (index, next) = (message.seq.checked_sub(1).ok_or(StoreError::Corrupt)?, messages.len() as u64);
                match index.cmp(&next) {
                    Ordering::Less => messages[index as usize] = message,
                    Ordering::Equal => messages.push(message),
                    Ordering::Greater => return Err(StoreError::Corrupt),
                }
            }
            Record::MessageNonce { channel, author, nonce, seq, stored_at: _ } => {
                let channel = self.channels.get_mut(&channel).filter(|channel| (1..=channel.messages.len() as u64).contains(&seq));
                channel.ok_or(StoreError::Corrupt)?.nonces.insert((author, nonce), seq as usize - 1);
            }
            // Also of a channel without messages: somebody may have opened it.
            Record::Marker { user, channel, read } => drop(self.channels.entry(channel).or_default().markers.insert(user, read)),
        }
        Ok(())
    }

    fn message_mut(&mut self, channel: &ChannelId, seq: u64) -> Option<&mut Message> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.channels.get_mut(channel)?.messages.get_mut(index)
    }
}

impl Channel {
    fn records<'a>(&'a self, id: &'a ChannelId) -> impl Iterator<Item = Record> + 'a {
        let mut nonces: Vec<_> = self.nonces.iter().collect();
        nonces.sort_by_key(|(_, index)| **index);
        let nonces = nonces.into_iter().map(|((author, nonce), index)| {
            let stored_at = self.messages[*index].sent_at;
            Record::MessageNonce { channel: id.clone(), author: author.clone(), nonce: nonce.clone(), seq: *index as u64 + 1, stored_at }
        });
        let mut markers: Vec<_> = self.markers.iter().collect();
        markers.sort();
        let marker = |(user, read): (&UserId, &u64)| Record::Marker { user: user.clone(), channel: id.clone(), read: *read };
        self.messages.iter().cloned().map(Record::Message).chain(nonces).chain(markers.into_iter().map(marker))
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

    crate::store_conformance!(empty);
    async fn one() -> (Arc<MemoryStore>, ()) {
        (Arc::default(), ())
    }

    crate::store_nodes_conformance!(three_handles);
    crate::store_transfer_conformance!(one);
}
