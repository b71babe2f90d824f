//! Everything in the store in memory as records, and records put back.

use super::{Channel, MemoryStore, State, StoredRoom};
use crate::store::{LinkRecord, Position, Record, Records, StoreError, Transfer};
use crate::{ChannelId, UserId};
use async_trait::async_trait;
use std::cmp::Ordering;
use std::time::SystemTime;

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
                let channel = self.channels.entry(message.channel.clone()).or_default();
                let index = message.seq.checked_sub(1).ok_or(StoreError::Corrupt)?;
                match index.cmp(&(channel.messages.len() as u64)) {
                    Ordering::Less => {}
                    Ordering::Equal => {
                        self.stored += 1;
                        channel.ordinals.push(self.stored);
                        channel.messages.push(message);
                    }
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
