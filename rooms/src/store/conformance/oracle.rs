//! Random operations, each compared with a brute-force oracle: plain lists, searched from end to end.
//!
//! The oracle is written for obviousness and shares no code with any store.

use super::{link, message, millis, nonce, room};
use crate::store::{
    Appended, Edit, Found, LinkRecord, Mark, Marked, Membership, NewMessage, Nonce, Pin, React, Redeemed, RoomRecord, Search, Store,
    StoreError, Words,
};
use crate::view::{Audience, Cursor, History, Message, Reaction, Unread};
use crate::{ChannelId, RoleId, RoomId, UserId};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

const OPERATIONS: usize = 3_500;

#[derive(Default)]
struct Oracle {
    rooms: Vec<(RoomRecord, Nonce, bool)>,
    links: Vec<LinkRecord>,
    messages: Vec<(Message, Nonce)>,
    markers: HashMap<(UserId, ChannelId), u64>,
    /// In the order of coming.
    reacted: Vec<(ChannelId, u64, String, UserId)>,
    /// In the order of pinning.
    pinned: Vec<(ChannelId, u64)>,
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
        let seq = self.of(&new.channel).count() as u64 + 1;
        let NewMessage { id, channel, author, nonce, text, sent_at, reply_to, mentions, attachments } = new;
        let message = Message {
            id,
            channel,
            seq,
            author,
            text,
            sent_at,
            edited_at: None,
            deleted_at: None,
            reply_to,
            mentions,
            attachments,
            reactions: vec![],
        };
        self.markers.insert((message.author.id.clone(), message.channel.clone()), seq);
        self.messages.push((message.clone(), nonce));
        Appended { message, duplicate: false }
    }

    fn history(&self, channel: &ChannelId, cursor: Cursor, limit: u32) -> History {
        let all: Vec<&Message> = self.of(channel).collect();
        let limit = limit as usize;
        let mut page: Vec<&Message> = match cursor {
            Cursor::Newest => all.iter().rev().take(limit).copied().collect(),
            Cursor::Before(seq) => all.iter().rev().filter(|message| message.seq < seq).take(limit).copied().collect(),
            Cursor::After(seq) => all.iter().filter(|message| message.seq > seq).take(limit).copied().collect(),
            Cursor::Around(seq) => {
                // The window of that length that has the message nearest to its middle.
                let starts = 0..=all.len().saturating_sub(limit);
                let wish = (seq as i128) - 1 - (limit / 2) as i128;
                let start = starts.min_by_key(|start| (*start as i128 - wish).abs()).unwrap_or_default();
                all.iter().skip(start).take(limit).copied().collect()
            }
        };
        page.sort_by_key(|message| message.seq);
        let head = all.len() as u64;
        let (more, newer) = match (page.first(), page.last()) {
            (Some(first), Some(last)) => (first.seq > 1, last.seq < head),
            // Nothing is beyond the bound, so everything is on its other side.
            _ if matches!(cursor, Cursor::After(_)) => (head > 0, false),
            _ => (false, head > 0),
        };
        History { messages: page.into_iter().cloned().collect(), more, newer }
    }

    fn of<'a>(&'a self, channel: &'a ChannelId) -> impl Iterator<Item = &'a Message> {
        self.messages.iter().map(|(message, _)| message).filter(move |message| message.channel == *channel)
    }

    fn live(&mut self, channel: &ChannelId, seq: u64) -> Option<&mut Message> {
        let found = self.messages.iter_mut().map(|(message, _)| message).find(|known| known.channel == *channel && known.seq == seq);
        found.filter(|message| message.deleted_at.is_none())
    }

    fn delete(&mut self, channel: &ChannelId, seq: u64, at: SystemTime) -> Option<Message> {
        if let Some(message) = self.live(channel, seq) {
            (message.text, message.deleted_at) = (String::new(), Some(at));
            (message.mentions, message.attachments, message.reactions) = (vec![], vec![], vec![]);
        }
        self.reacted.retain(|(of, number, _, _)| (of, *number) != (channel, seq));
        self.pinned.retain(|(of, number)| (of, *number) != (channel, seq));
        self.of(channel).find(|message| message.seq == seq).cloned()
    }

    fn react(&mut self, React { channel, seq, user, emoji, mark }: React) -> Option<Marked> {
        let before = self.live(&channel, seq)?.clone();
        let mine = (channel.clone(), seq, emoji, user);
        let known = self.reacted.contains(&mine);
        match mark {
            Mark::On if !known => self.reacted.push(mine),
            Mark::Off if known => self.reacted.retain(|one| *one != mine),
            Mark::On | Mark::Off => return Some(Marked::Unchanged(before)),
        }
        let mut reactions: Vec<Reaction> = vec![];
        for (_, _, emoji, user) in self.reacted.iter().filter(|(of, number, _, _)| (of, *number) == (&channel, seq)) {
            match reactions.iter_mut().find(|reaction| reaction.emoji == *emoji) {
                Some(reaction) => {
                    reaction.count += 1;
                    reaction.users.push(user.clone());
                }
                None => reactions.push(Reaction { emoji: emoji.clone(), count: 1, users: vec![user.clone()] }),
            }
        }
        // An emoji stays where it is when its first user goes.
        reactions.sort_by_key(|reaction| before.reactions.iter().position(|one| one.emoji == reaction.emoji).unwrap_or(usize::MAX));
        let message = self.live(&channel, seq)?;
        message.reactions = reactions;
        Some(Marked::Changed(message.clone()))
    }

    fn pin(&mut self, Pin { channel, seq, mark, at: _ }: Pin) -> Option<Marked> {
        let message = self.live(&channel, seq)?.clone();
        let mine = (channel, seq);
        let known = self.pinned.contains(&mine);
        match mark {
            Mark::On if !known => self.pinned.push(mine),
            Mark::Off if known => self.pinned.retain(|one| *one != mine),
            Mark::On | Mark::Off => return Some(Marked::Unchanged(message)),
        }
        Some(Marked::Changed(message))
    }

    fn pins(&self, channel: &ChannelId) -> Vec<Message> {
        let pinned = self.pinned.iter().rev().filter(|(of, _)| of == channel);
        pinned.filter_map(|(_, seq)| self.of(channel).find(|message| message.seq == *seq).cloned()).collect()
    }

    /// Newest first, with what would come on the next page.
    fn search(&self, channels: &[ChannelId], text: &str) -> Vec<Message> {
        let found = |message: &&Message| text.split(' ').all(|word| message.text.to_lowercase().contains(&word.to_lowercase()));
        let all = self.messages.iter().rev().map(|(message, _)| message).filter(|message| channels.contains(&message.channel));
        all.filter(found).cloned().collect()
    }

    fn mark(&mut self, user: &UserId, channel: &ChannelId, to: u64, back: bool) -> u64 {
        let head = self.of(channel).count() as u64;
        if head == 0 {
            return 0;
        }
        let marker = self.markers.entry((user.clone(), channel.clone())).or_default();
        *marker = if back { to.min(head) } else { (*marker).max(to.min(head)) };
        *marker
    }

    fn unread(&self, user: &UserId, Membership { channel, since, roles }: &Membership) -> Unread {
        let head = self.of(channel).count() as u64;
        let marker = self.markers.get(&(user.clone(), channel.clone())).copied().unwrap_or_default();
        let read = marker.max(*since).min(head);
        let left = || self.of(channel).filter(|message| message.seq > read && message.deleted_at.is_none() && message.author.id != *user);
        let mut me = vec![Audience::Everyone, Audience::User(user.clone())];
        me.extend(roles.iter().cloned().map(Audience::Role));
        let mentions = left().filter(|message| me.iter().any(|audience| message.mentions.contains(audience))).count();
        Unread { channel: channel.clone(), head, read, unread: left().count() as u64, mentions: mentions as u64 }
    }
}

/// Few names, so that operations meet.
async fn step(store: &dyn Store, oracle: &mut Oracle, rng: &mut StdRng, index: usize) {
    let channel = ChannelId::new(format!("c{}", rng.random_range(0..3)));
    let user = UserId::new(format!("u{}", rng.random_range(0..3)));
    let seq = rng.random_range(0..=oracle.of(&channel).count() as u64 + 1);
    let at = millis(index as u64);
    match rng.random_range(0..100) {
        0..25 => {
            let (mentions, reply_to) = (mentions(rng), rng.random_bool(0.2).then_some(seq));
            let key = format!("{}", rng.random_range(0..400));
            let new = NewMessage { mentions, reply_to, ..message(&format!("m{index}"), channel.as_str(), user.as_str(), &key) };
            assert_eq!(store.append(new.clone()).await.unwrap(), oracle.append(new));
        }
        25..31 => {
            let edit = Edit { channel, seq, text: format!("e{index}"), mentions: mentions(rng), at };
            let expected = oracle.live(&edit.channel, seq).map(|message| {
                (message.text, message.mentions, message.edited_at) = (edit.text.clone(), edit.mentions.clone(), Some(at));
                message.clone()
            });
            assert_eq!(store.edit(edit).await.unwrap(), expected);
        }
        31..36 => {
            let expected = oracle.delete(&channel, seq, at);
            assert_eq!(store.delete(&channel, seq, at).await.unwrap(), expected);
        }
        36..44 => assert_eq!(store.mark_read(&user, &channel, seq).await.unwrap(), oracle.mark(&user, &channel, seq, false)),
        44..47 => {
            assert_eq!(store.mark_unread(&user, &channel, seq).await.unwrap(), oracle.mark(&user, &channel, seq.saturating_sub(1), true));
        }
        47..60 => {
            let asked = [0, 1, 2, 3].map(|n| {
                let roles = (0..2).filter(|_| rng.random_bool(0.5)).map(|n| RoleId::new(format!("u{n}"))).collect();
                Membership { channel: ChannelId::new(format!("c{n}")), since: rng.random_range(0..=seq), roles }
            });
            let expected: Vec<Unread> = asked.iter().map(|asked| oracle.unread(&user, asked)).collect();
            assert_eq!(store.unread(&user, &asked).await.unwrap(), expected);
        }
        60..70 => {
            let limit = rng.random_range(1..=100);
            let cursor = match rng.random_range(0..4) {
                0 => Cursor::Newest,
                1 => Cursor::Before(seq),
                2 => Cursor::After(seq),
                _ => Cursor::Around(seq),
            };
            assert_eq!(store.history(&channel, cursor, limit).await.unwrap(), oracle.history(&channel, cursor, limit), "{cursor:?}");
        }
        70..76 => {
            let (emoji, mark) = (["🍻", "👍", "❤️"][rng.random_range(0..3)].to_owned(), mark(rng));
            let react = React { channel, seq, user, emoji, mark };
            assert_eq!(store.react(react.clone()).await.unwrap(), oracle.react(react));
        }
        76..79 => {
            // Few enough numbers that no channel gets too many pins.
            let pin = Pin { channel, seq: seq % 40, mark: mark(rng), at };
            assert_eq!(store.pin(pin.clone()).await.unwrap(), oracle.pin(pin));
        }
        79 => assert_eq!(store.pins(&channel).await.unwrap(), oracle.pins(&channel)),
        80 => {
            let channels: Vec<ChannelId> = (0..3).filter(|_| rng.random_bool(0.6)).map(|n| ChannelId::new(format!("c{n}"))).collect();
            let text = ["TEXT", "e", "m1", "of m2", "고침 x", "e 9", "t", "M12 f"][rng.random_range(0..8)];
            let search = Search { channels: channels.clone(), words: Words::of(text), before: None, limit: 10 };
            let expected = oracle.search(&channels, text);
            match store.search(search).await {
                Ok(Found { messages, next }) => assert_eq!((&messages[..], next.is_some()), (page(&expected, 10), expected.len() > 10)),
                Err(error) => assert_eq!(error, StoreError::Unsupported),
            }
        }
        81 => {
            let owner = format!("u{}", rng.random_range(0..3));
            let (room, nonce) = (room(&format!("r{index}"), &owner, index as u64), nonce(&format!("{}", rng.random_range(0..100))));
            assert_eq!(store.create_room(room.clone(), nonce.clone()).await.unwrap(), oracle.create_room(room, nonce));
        }
        82..84 => {
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

fn page(messages: &[Message], limit: usize) -> &[Message] {
    &messages[..messages.len().min(limit)]
}

fn mark(rng: &mut StdRng) -> Mark {
    if rng.random_bool(0.7) { Mark::On } else { Mark::Off }
}

fn mentions(rng: &mut StdRng) -> Vec<Audience> {
    let mut mentions: Vec<Audience> =
        (0..3).filter(|_| rng.random_bool(0.2)).map(|n| Audience::User(UserId::new(format!("u{n}")))).collect();
    // Roles are called like users, to show that they aren't taken for them.
    mentions.extend((0..2).filter(|_| rng.random_bool(0.1)).map(|n| Audience::Role(RoleId::new(format!("u{n}")))));
    if rng.random_bool(0.1) {
        mentions.push(Audience::Everyone);
    }
    mentions
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
