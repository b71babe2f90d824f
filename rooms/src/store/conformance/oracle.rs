//! Random operations, each compared with a brute-force oracle: plain lists, searched from end to end.
//!
//! The oracle is written for obviousness and shares no code with any store.

use super::{link, message, millis, nonce, room};
use crate::store::{
    Appended, Edit, Found, LinkRecord, Mark, Marked, Membership, NewMessage, Nonce, Pin, React, Redeemed, RoomRecord, Search, Store,
    StoreError, Words,
};
use crate::view::{Attachment, Audience, Cursor, History, Message, Reaction, Unread};
use crate::{ChannelId, RoleId, RoomId, UserId};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Operations of [`random_operations_agree_with_an_oracle`] where the environment sets no other number.
const OPERATIONS: usize = 3_500;

/// The environment variable that sets the number of operations.
const OPERATIONS_ENV: &str = "ZZAN_ORACLE_OPERATIONS";

/// The environment variable that repeats a failed walk.
const SEED_ENV: &str = "ZZAN_SEED";

/// A store behind a network does fewer operations than a walk has: those of this time, unless the environment sets a number.
const WALK_WAIT: Duration = Duration::from_secs(6);

/// However slow the store is.
const OPERATIONS_MIN: usize = 300;

/// What is searched for: parts of words, several words, what nobody said.
const SEARCHED: [&str; 8] = ["TEXT", "e", "m1", "of m2", "고침 x", "e 9", "t", "M12 f"];

/// Of each of a walk's channels.
const ALL_ROLES: [[bool; 2]; 4] = [[true; 2]; 4];

#[derive(Debug, Default)]
struct Oracle {
    /// A repeated nonce is found among so many of its channel's newest messages; among all of them where this is `None`.
    nonces_kept: Option<usize>,
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
        let of_channel = self.messages.iter().rev().filter(|(known, _)| known.channel == new.channel);
        let mut kept = of_channel.take(self.nonces_kept.unwrap_or(usize::MAX));
        if let Some((message, _)) = kept.find(|(known, nonce)| known.author.id == new.author.id && *nonce == new.nonce) {
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

/// Random operations of one seed in names of their own, so that several walks can share a store. Two walks of the same number and seed do
/// the same, whatever the store.
#[derive(Debug)]
pub struct Walk {
    number: u32,
    rng: StdRng,
    oracle: Oracle,
    steps: usize,
    /// Different nonces of one author in one channel.
    nonces: usize,
}

impl Walk {
    /// The walk before its first step. `steps` is how many are expected: it sets how often nonces repeat.
    pub fn new(number: u32, seed: u64, steps: usize) -> Self {
        Self { number, rng: StdRng::seed_from_u64(seed), oracle: Oracle::default(), steps: 0, nonces: (steps / 100).max(400) }
    }

    /// What it was made with.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Does the next operation, which has to answer as the oracle does. Few names, so that operations meet.
    ///
    /// # Panics
    /// Where the store answers something else, or not at all.
    pub async fn step(&mut self, store: &dyn Store) {
        let index = self.steps;
        self.steps += 1;
        match self.rng.random_range(0..100) {
            0..60 => self.step_messages(store, index).await,
            60..70 => self.step_history(store).await,
            70..81 => self.step_marks(store, index).await,
            _ => self.step_rooms(store, index).await,
        }
    }

    async fn step_messages(&mut self, store: &dyn Store, index: usize) {
        let (channel, user, seq) = self.place();
        let (oracle, rng, at) = (&mut self.oracle, &mut self.rng, millis(index as u64));
        match rng.random_range(0..60) {
            0..25 => {
                let (mentions, reply_to) = (mentions(rng, self.number), rng.random_bool(0.2).then_some(seq));
                let attachments = if rng.random_bool(0.1) { vec![attachment(index)] } else { vec![] };
                let key = format!("{}", rng.random_range(0..self.nonces));
                let id = format!("w{}-m{index}", self.number);
                let new = NewMessage { mentions, reply_to, attachments, ..message(&id, channel.as_str(), user.as_str(), &key) };
                assert_eq!(store.append(new.clone()).await.unwrap(), oracle.append(new));
            }
            25..31 => {
                let edit = Edit { channel, seq, text: format!("e{index}"), mentions: mentions(rng, self.number), at };
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
                let expected = oracle.mark(&user, &channel, seq.saturating_sub(1), true);
                assert_eq!(store.mark_unread(&user, &channel, seq).await.unwrap(), expected);
            }
            _ => {
                let since = [0; 4].map(|_| rng.random_range(0..=seq));
                let has = [[(); 2]; 4].map(|roles| roles.map(|()| rng.random_bool(0.5)));
                let asked = self.memberships(since, has);
                let expected: Vec<Unread> = asked.iter().map(|asked| self.oracle.unread(&user, asked)).collect();
                assert_eq!(store.unread(&user, &asked).await.unwrap(), expected);
            }
        }
    }

    async fn step_marks(&mut self, store: &dyn Store, index: usize) {
        let (channel, user, seq) = self.place();
        let (oracle, rng, at) = (&mut self.oracle, &mut self.rng, millis(index as u64));
        match rng.random_range(0..11) {
            0..6 => {
                let (emoji, mark) = (["🍻", "👍", "❤️"][rng.random_range(0..3)].to_owned(), mark(rng));
                let react = React { channel, seq, user, emoji, mark };
                assert_eq!(store.react(react.clone()).await.unwrap(), oracle.react(react));
            }
            6..9 => {
                // Few enough numbers that no channel gets too many pins.
                let pin = Pin { channel, seq: seq % 40, mark: mark(rng), at };
                assert_eq!(store.pin(pin.clone()).await.unwrap(), oracle.pin(pin));
            }
            9 => assert_eq!(store.pins(&channel).await.unwrap(), oracle.pins(&channel)),
            _ => {
                let channels: Vec<ChannelId> =
                    (0..3).filter(|_| rng.random_bool(0.6)).map(|n| ChannelId::new(name(self.number, "c", n))).collect();
                let text = SEARCHED[rng.random_range(0..SEARCHED.len())];
                assert!(finds(store, oracle, &channels, text).await, "{text:?} in {channels:?}");
            }
        }
    }

    async fn step_history(&mut self, store: &dyn Store) {
        let (channel, _, seq) = self.place();
        let limit = self.rng.random_range(1..=100);
        let cursor = match self.rng.random_range(0..4) {
            0 => Cursor::Newest,
            1 => Cursor::Before(seq),
            2 => Cursor::After(seq),
            _ => Cursor::Around(seq),
        };
        assert_eq!(store.history(&channel, cursor, limit).await.unwrap(), self.oracle.history(&channel, cursor, limit), "{cursor:?}");
    }

    async fn step_rooms(&mut self, store: &dyn Store, index: usize) {
        let number = self.number;
        let (oracle, rng) = (&mut self.oracle, &mut self.rng);
        match rng.random_range(0..30) {
            0..8 => {
                let owner = name(number, "u", rng.random_range(0..3));
                let (room, nonce) =
                    (room(&name(number, "r", index), &owner, index as u64), nonce(&format!("{}", rng.random_range(0..100))));
                assert_eq!(store.create_room(room.clone(), nonce.clone()).await.unwrap(), oracle.create_room(room, nonce));
            }
            8..14 => {
                let id = RoomId::new(name(number, "r", rng.random_range(0..=index)));
                store.end_room(&id, millis(index as u64)).await.unwrap();
                oracle.end_room(&id);
            }
            14..18 => assert_eq!(self.open_rooms(store).await, self.oracle.open_rooms()),
            18..20 if oracle.links.len() < 200 => {
                let link = LinkRecord { secret_hash: secret(number, oracle.links.len()), ..link(0, rng.random_range(1..5)) };
                store.create_link(link.clone()).await.unwrap();
                oracle.links.push(link);
            }
            _ => {
                let (secret, now_ms) = (secret(number, rng.random_range(0..40)), if rng.random_bool(0.9) { 10 } else { 1_000 });
                assert_eq!(store.redeem_link(&secret, millis(now_ms)).await.unwrap(), oracle.redeem(&secret, now_ms));
            }
        }
    }

    /// A channel, a user, and the number of one of the channel's messages or of none.
    fn place(&mut self) -> (ChannelId, UserId, u64) {
        let channel = ChannelId::new(name(self.number, "c", self.rng.random_range(0..3)));
        let user = UserId::new(name(self.number, "u", self.rng.random_range(0..3)));
        let seq = self.rng.random_range(0..=self.oracle.of(&channel).count() as u64 + 1);
        (channel, user, seq)
    }

    /// The channels of this walk, and one that stays empty.
    fn memberships(&self, since: [u64; 4], has: [[bool; 2]; 4]) -> Vec<Membership> {
        let roles = |has: [bool; 2]| (0..2).filter(|n| has[*n]).map(|n| RoleId::new(name(self.number, "u", n))).collect();
        let membership = |(n, (since, has))| Membership { channel: ChannelId::new(name(self.number, "c", n)), since, roles: roles(has) };
        since.into_iter().zip(has).enumerate().map(membership).collect()
    }

    /// The links as the steps so far have left them, by their secrets' hashes, which begin with the walk's number in big endian.
    pub fn links(&self) -> &[LinkRecord] {
        &self.oracle.links
    }

    async fn open_rooms(&self, store: &dyn Store) -> Vec<RoomRecord> {
        let mut open = store.open_rooms().await.unwrap();
        let own = name(self.number, "r", "");
        open.retain(|room| room.id.as_str().starts_with(&own));
        open
    }

    /// Whether the store holds what the steps so far have left, and nothing else in the walk's names. Links are left out: looking at one
    /// uses it.
    pub async fn is_kept_by(&self, store: &dyn Store) -> bool {
        for membership in self.memberships([0; 4], ALL_ROLES) {
            let (mut messages, mut cursor) = (vec![], Cursor::After(0));
            loop {
                let page = store.history(&membership.channel, cursor, 100).await.unwrap();
                messages.extend(page.messages);
                cursor = Cursor::After(messages.len() as u64);
                if !page.newer {
                    break;
                }
            }
            let pins = store.pins(&membership.channel).await.unwrap();
            if !self.oracle.of(&membership.channel).eq(&messages) || pins != self.oracle.pins(&membership.channel) {
                return false;
            }
        }
        let channels = [0, 1, 2].map(|n| ChannelId::new(name(self.number, "c", n)));
        for text in SEARCHED {
            if !finds(store, &self.oracle, &channels, text).await {
                return false;
            }
        }
        for user in [0, 1, 2].map(|n| UserId::new(name(self.number, "u", n))) {
            let asked = self.memberships([0; 4], ALL_ROLES);
            let expected: Vec<Unread> = asked.iter().map(|asked| self.oracle.unread(&user, asked)).collect();
            if store.unread(&user, &asked).await.unwrap() != expected {
                return false;
            }
        }
        self.open_rooms(store).await == self.oracle.open_rooms()
    }
}

/// A name that no other walk uses.
fn name(walk: u32, kind: &str, n: impl std::fmt::Display) -> String {
    format!("w{walk}-{kind}{n}")
}

fn secret(walk: u32, n: usize) -> [u8; 32] {
    let mut secret = [0; 32];
    secret[..4].copy_from_slice(&walk.to_be_bytes());
    secret[4..12].copy_from_slice(&(n as u64).to_be_bytes());
    secret
}

fn mark(rng: &mut StdRng) -> Mark {
    if rng.random_bool(0.7) { Mark::On } else { Mark::Off }
}

fn attachment(n: usize) -> Attachment {
    let (url, name, mime) = (format!("https://files.example/{n}"), format!("안주 {n}.jpg"), "image/jpeg".to_owned());
    Attachment { url, name, mime, size_bytes: n as u64, pixels: n.is_multiple_of(2).then_some((n as u32, 1)) }
}

/// Whether the store finds what the oracle finds, as far as the first page goes. A store that can't search is right as well.
async fn finds(store: &dyn Store, oracle: &Oracle, channels: &[ChannelId], text: &str) -> bool {
    let search = Search { channels: channels.to_vec(), words: Words::of(text), before: None, limit: 10 };
    let expected = oracle.search(channels, text);
    match store.search(search).await {
        Ok(Found { messages, next }) => messages == expected[..expected.len().min(10)] && next.is_some() == (expected.len() > 10),
        Err(error) => error == StoreError::Unsupported,
    }
}

fn mentions(rng: &mut StdRng, walk: u32) -> Vec<Audience> {
    let mut mentions: Vec<Audience> =
        (0..3).filter(|_| rng.random_bool(0.2)).map(|n| Audience::User(UserId::new(name(walk, "u", n)))).collect();
    // Roles are called like users, to show that they aren't taken for them.
    mentions.extend((0..2).filter(|_| rng.random_bool(0.1)).map(|n| Audience::Role(RoleId::new(name(walk, "u", n)))));
    if rng.random_bool(0.1) {
        mentions.push(Audience::Everyone);
    }
    mentions
}

/// A few thousand operations of one seed, which a failure names and `ZZAN_SEED` repeats; `ZZAN_ORACLE_OPERATIONS` sets how many.
pub async fn random_operations_agree_with_an_oracle(store: Arc<dyn Store>) {
    agree_with_an_oracle(store, None).await;
}

/// The same on a store that finds a repeated nonce among so many of its channel's newest messages only.
pub async fn random_operations_agree_where_so_many_nonces_are_kept(store: Arc<dyn Store>, nonces_kept: usize) {
    agree_with_an_oracle(store, Some(nonces_kept)).await;
}

async fn agree_with_an_oracle(store: Arc<dyn Store>, nonces_kept: Option<usize>) {
    let mut path = Path::new(OPERATIONS);
    let mut walk = Walk::new(0, path.seed, path.operations);
    walk.oracle.nonces_kept = nonces_kept;
    while path.goes_on() {
        walk.step(&*store).await;
    }
    assert!(walk.is_kept_by(&*store).await);
}

/// The seed and the length of a walk.
pub(super) struct Path {
    pub(super) seed: u64,
    operations: usize,
    is_set: bool,
    started: Instant,
    done: usize,
}

impl Path {
    /// At most so many operations, unless the environment sets another number.
    pub(super) fn new(operations: usize) -> Self {
        let seed = number(SEED_ENV).unwrap_or_else(|| rand::rng().random::<u64>());
        let set = number(OPERATIONS_ENV).map(|operations| operations as usize);
        let operations = set.unwrap_or(operations);
        println!("{SEED_ENV}={seed} {OPERATIONS_ENV}={operations}");
        Self { seed, operations, is_set: set.is_some(), started: Instant::now(), done: 0 }
    }

    /// Whether there is one more operation to do, which this counts.
    pub(super) fn goes_on(&mut self) -> bool {
        let is_over = !self.is_set && self.done >= OPERATIONS_MIN && self.started.elapsed() > WALK_WAIT;
        if is_over || self.done == self.operations {
            println!("{} operations in {:.1} s", self.done, self.started.elapsed().as_secs_f64());
            return false;
        }
        self.done += 1;
        true
    }

    /// The number of the operation that is done, from 0.
    pub(super) fn index(&self) -> u64 {
        self.done.saturating_sub(1) as u64
    }
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} = {value:?}: allowed is a whole number")))
}
