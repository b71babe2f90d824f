//! Random operations, each compared with a brute-force oracle: plain lists, searched from end to end.
//!
//! The oracle is written for obviousness and shares no code with any store.

use super::{link, message, millis, nonce, room};
use crate::store::{Appended, LinkRecord, NewMessage, Nonce, Redeemed, RoomRecord, Store};
use crate::view::{History, Message};
use crate::{ChannelId, RoomId};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::sync::Arc;

const OPERATIONS: usize = 3_000;

#[derive(Default)]
struct Oracle {
    rooms: Vec<(RoomRecord, Nonce, bool)>,
    links: Vec<LinkRecord>,
    messages: Vec<(Message, Nonce)>,
}

impl Oracle {
    fn create_room(&mut self, room: RoomRecord, nonce: Nonce) -> RoomRecord {
        let first = self.rooms.iter().find(|(known, known_nonce, _)| known.owner.id == room.owner.id && *known_nonce == nonce);
        if let Some((first, _, _)) = first {
            return first.clone();
        }
        self.rooms.push((room.clone(), nonce, true));
        room
    }

    fn end_room(&mut self, id: &RoomId) {
        for (_, _, open) in self.rooms.iter_mut().filter(|(room, _, _)| room.id == *id) {
            *open = false;
        }
    }

    fn open_rooms(&self) -> Vec<RoomRecord> {
        let mut open: Vec<RoomRecord> = self.rooms.iter().filter(|(_, _, open)| *open).map(|(room, _, _)| room.clone()).collect();
        open.sort_by_key(|room| room.created_at);
        open
    }

    fn redeem(&mut self, secret: &[u8; 32], now_ms: u64) -> Redeemed {
        match self.links.iter_mut().find(|link| link.secret_hash == *secret) {
            None => Redeemed::Unknown,
            Some(link) if link.expires_at <= millis(now_ms) => Redeemed::Expired,
            Some(link) if link.uses == link.max_uses => Redeemed::UsedUp,
            Some(link) => {
                link.uses += 1;
                Redeemed::Granted(link.clone())
            }
        }
    }

    fn append(&mut self, new: NewMessage) -> Appended {
        let same =
            |(known, nonce): &&(Message, Nonce)| known.channel == new.channel && known.author.id == new.author.id && *nonce == new.nonce;
        if let Some((message, _)) = self.messages.iter().find(same) {
            return Appended { message: message.clone(), duplicate: true };
        }
        let seq = self.messages.iter().filter(|(known, _)| known.channel == new.channel).count() as u64 + 1;
        let NewMessage { id, channel, author, nonce, text, sent_at } = new;
        let message = Message { id, channel, seq, author, text, sent_at };
        self.messages.push((message.clone(), nonce));
        Appended { message, duplicate: false }
    }

    fn history(&self, channel: &ChannelId, before: Option<u64>, limit: u32) -> History {
        let below = |message: &&Message| message.channel == *channel && before.is_none_or(|before| message.seq < before);
        let mut messages: Vec<Message> = self.messages.iter().map(|(message, _)| message).filter(below).cloned().collect();
        let older = messages.len().saturating_sub(limit as usize);
        messages.drain(..older);
        History { messages, more: older > 0 }
    }
}

/// Few names, so that operations meet.
async fn step(store: &dyn Store, oracle: &mut Oracle, rng: &mut StdRng, index: usize) {
    let channel = format!("c{}", rng.random_range(0..3));
    match rng.random_range(0..100) {
        0..45 => {
            let (author, key) = (format!("u{}", rng.random_range(0..3)), format!("{}", rng.random_range(0..400)));
            let new = message(&format!("m{index}"), &channel, &author, &key);
            assert_eq!(store.append(new.clone()).await.unwrap(), oracle.append(new));
        }
        45..70 => {
            let before = rng.random_bool(0.7).then(|| rng.random_range(0..500));
            let (channel, limit) = (ChannelId::new(channel), rng.random_range(1..=100));
            assert_eq!(store.history(&channel, before, limit).await.unwrap(), oracle.history(&channel, before, limit));
        }
        70..78 => {
            let owner = format!("u{}", rng.random_range(0..3));
            let (room, nonce) = (room(&format!("r{index}"), &owner, index as u64), nonce(&format!("{}", rng.random_range(0..100))));
            assert_eq!(store.create_room(room.clone(), nonce.clone()).await.unwrap(), oracle.create_room(room, nonce));
        }
        78..84 => {
            let id = RoomId::new(format!("r{}", rng.random_range(0..=index)));
            store.end_room(&id, millis(index as u64)).await.unwrap();
            oracle.end_room(&id);
        }
        84..88 => assert_eq!(store.open_rooms().await.unwrap(), oracle.open_rooms()),
        88..90 if oracle.links.len() < 200 => {
            let link = link(oracle.links.len() as u8, rng.random_range(1..5));
            store.create_link(link.clone()).await.unwrap();
            oracle.links.push(link);
        }
        _ => {
            let (secret, now_ms) = ([rng.random_range(0..40); 32], if rng.random_bool(0.9) { 10 } else { 1_000 });
            assert_eq!(store.redeem_link(&secret, millis(now_ms)).await.unwrap(), oracle.redeem(&secret, now_ms));
        }
    }
}

/// A few thousand operations of one seed, which a failure names and `ZZAN_SEED` repeats.
pub async fn random_operations_agree_with_an_oracle(store: Arc<dyn Store>) {
    let seed = std::env::var("ZZAN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| rand::rng().random::<u64>());
    println!("seed {seed}");
    let (mut oracle, mut rng) = (Oracle::default(), StdRng::seed_from_u64(seed));
    for index in 0..OPERATIONS {
        step(&*store, &mut oracle, &mut rng, index).await;
    }
    assert_eq!(store.open_rooms().await.unwrap(), oracle.open_rooms());
}
