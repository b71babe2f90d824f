//! Everything in the store in memory as records, and records put back.
//!
//! Invariant: records come in an order that is the same as long as nothing is written.

use super::{Channel, MemoryStore, State, StoredRoom};
use crate::store::{LinkRecord, Position, Record, Records, StoreError, Transfer};
use crate::view::Message;
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
    fn records(&self) -> Vec<Record> {
        let mut records = self.room_records();
        records.extend(self.communities.records().into_iter().map(Record::Community));
        let mut channels: Vec<_> = self.channels.iter().collect();
        channels.sort_by_key(|(id, _)| *id);
        let mut messages: Vec<_> = channels.iter().flat_map(|(_, channel)| channel.ordinals.iter().zip(&channel.messages)).collect();
        messages.sort_by_key(|(ordinal, _)| **ordinal);
        records.extend(messages.into_iter().map(|(_, message)| Record::Message(message.clone())));
        for part in [Channel::nonce_records, Channel::reaction_records, Channel::pin_records, Channel::marker_records] {
            records.extend(channels.iter().flat_map(|(id, channel)| part(channel, id)));
        }
        let mut notes: Vec<_> = self.notes.iter().collect();
        notes.sort_by(|a, b| a.id().cmp(b.id()));
        records.extend(notes.iter().map(|note| Record::Note(note.record())));
        records.extend(notes.iter().flat_map(|note| note.line_records()));
        let mut inboxes: Vec<_> = self.inboxes.iter().collect();
        inboxes.sort_by_key(|(user, _)| *user);
        records.extend(inboxes.iter().flat_map(|(_, inbox)| inbox.records()));
        records.extend(inboxes.iter().flat_map(|(user, inbox)| inbox.key_records(user)));
        records
    }

    /// Nothing is ever forgotten here, so the age of a nonce or a link is that of what it belongs to.
    fn room_records(&self) -> Vec<Record> {
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
        rooms.chain(room_nonces).chain(links).collect()
    }

    fn put(&mut self, record: Record) -> Result<(), StoreError> {
        match record {
            Record::Room { room, ended_at } => match self.rooms.iter_mut().find(|stored| stored.record.id == room.id) {
                Some(stored) => *stored = StoredRoom { record: room, ended_at },
                None => self.rooms.push(StoredRoom { record: room, ended_at }),
            },
            Record::RoomNonce { owner, nonce, room, stored_at: _ } => drop(self.room_nonces.insert((owner, nonce), room)),
            Record::Link { link, stored_at: _ } => drop(self.links.insert(link.secret_hash, link)),
            Record::Community(record) => self.communities.put(record)?,
            Record::Message(message) => self.put_message(message)?,
            Record::MessageNonce { channel, author, nonce, seq, stored_at: _ } => {
                self.with_message(&channel, seq)?.nonces.insert((author, nonce), seq as usize - 1);
            }
            Record::Reaction { channel, seq, emoji, user } => {
                let users = self.with_message(&channel, seq)?.reacted.entry((seq, emoji)).or_default();
                if !users.contains(&user) {
                    users.push(user);
                }
            }
            Record::Pin { channel, seq, at } => drop(self.with_message(&channel, seq)?.pins.insert(seq, at)),
            // Also of a channel without messages: somebody may have opened it.
            Record::Marker { user, channel, read } => drop(self.channels.entry(channel).or_default().markers.insert(user, read)),
            Record::Note(note) => self.put_note(note),
            Record::NoteLine { note, line, nonce } => self.put_note_line(&note, line, nonce)?,
            Record::Notification(notification) => self.inboxes.entry(notification.user.clone()).or_default().put(notification)?,
            Record::NotificationKey { user, key, seq, stored_at: _ } => self.inboxes.entry(user).or_default().put_key(key, seq)?,
        }
        Ok(())
    }

    fn put_message(&mut self, message: Message) -> Result<(), StoreError> {
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
        Ok(())
    }

    /// The channel, if it has a message of this number.
    fn with_message(&mut self, channel: &ChannelId, seq: u64) -> Result<&mut Channel, StoreError> {
        let channel = self.channels.get_mut(channel).filter(|channel| (1..=channel.messages.len() as u64).contains(&seq));
        channel.ok_or(StoreError::Corrupt)
    }
}

impl Channel {
    fn nonce_records(&self, id: &ChannelId) -> Vec<Record> {
        let mut nonces: Vec<_> = self.nonces.iter().collect();
        nonces.sort_by_key(|(_, index)| **index);
        let nonce = |((author, nonce), index): (&(UserId, _), &usize)| {
            let stored_at = self.messages[*index].sent_at;
            Record::MessageNonce {
                channel: id.clone(),
                author: author.clone(),
                nonce: Clone::clone(nonce),
                seq: *index as u64 + 1,
                stored_at,
            }
        };
        nonces.into_iter().map(nonce).collect()
    }

    fn reaction_records(&self, id: &ChannelId) -> Vec<Record> {
        let mut reacted: Vec<_> = self.reacted.iter().collect();
        reacted.sort();
        let reaction = |seq: u64, emoji: &String, user: &UserId| Record::Reaction {
            channel: id.clone(),
            seq,
            emoji: emoji.clone(),
            user: user.clone(),
        };
        reacted.into_iter().flat_map(|((seq, emoji), users)| users.iter().map(move |user| reaction(*seq, emoji, user))).collect()
    }

    fn pin_records(&self, id: &ChannelId) -> Vec<Record> {
        let mut pins: Vec<_> = self.pins.iter().collect();
        pins.sort();
        pins.into_iter().map(|(seq, at)| Record::Pin { channel: id.clone(), seq: *seq, at: *at }).collect()
    }

    fn marker_records(&self, id: &ChannelId) -> Vec<Record> {
        let mut markers: Vec<_> = self.markers.iter().collect();
        markers.sort();
        let marker = |(user, read): (&UserId, &u64)| Record::Marker { user: user.clone(), channel: id.clone(), read: *read };
        markers.into_iter().map(marker).collect()
    }
}
