//! Where each thing is kept: the table, the partition and the place in it.
//!
//! It knows no attribute. Invariant: two different things never have the same key, whatever their ids are, because `#` separates and is
//! escaped inside of ids.
//!
//! ```text
//! messages   C#channel#bucket   seq                  a message
//! core       C#channel          D#seq                a message that is deleted or mentions everyone
//!            C#channel          HEAD                 a bucket that the channel has reached
//!            U#user             R#channel            how far the user has read
//!            U#user             N#channel#seq        a message that mentions the user
//!            X#channel#author   nonce                a message's nonce
//!            X#owner            nonce                a room's nonce
//!            ROOM#room          META                 a room
//!            OPEN#shard         created#room         a room that has not ended
//!            LINK#hash          META                 a link into a room
//!            PROBE              WRITE                shows that writes succeed
//! ```

use rooms::store::Nonce;
use rooms::{ChannelId, RoomId, UserId};
use std::fmt::Write as _;

/// Messages in one partition. A partition takes 1,000 writes a second, and more messages in it mean fewer queries of old pages.
pub(super) const BUCKET_MESSAGES: u64 = 1024;

/// The highest number that a key can hold. A channel doesn't get there: it is 30 years of a thousand messages a second.
pub(super) const SEQ_MAX: u64 = 999_999_999_999;

/// Partitions over which open rooms are spread: each takes 1,000 writes a second, and listing reads all.
pub(super) const OPEN_SHARDS: u64 = 8;

/// One of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Messages,
    Core,
}

/// The place of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) table: Table,
    pub(super) pk: String,
    pub(super) sk: String,
}

/// Neighbouring rows of one partition, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) table: Table,
    pub(super) pk: String,
    pub(super) from: String,
    pub(super) to: String,
}

impl Span {
    /// Whether nothing can be in it, which the server takes for a mistake.
    pub(super) fn is_empty(&self) -> bool {
        self.from > self.to
    }
}

pub(super) fn bucket(seq: u64) -> u64 {
    seq / BUCKET_MESSAGES
}

pub(super) fn message(channel: &ChannelId, seq: u64) -> Key {
    Key { table: Table::Messages, pk: joined("C", &[channel.as_str(), &bucket(seq).to_string()]), sk: padded(seq) }
}

/// The messages of one bucket from one number to another.
pub(super) fn messages(channel: &ChannelId, bucket: u64, from: u64, to: u64) -> Span {
    let pk = joined("C", &[channel.as_str(), &bucket.to_string()]);
    Span { table: Table::Messages, pk, from: padded(from), to: padded(to) }
}

/// That a message is deleted or mentions everyone.
pub(super) fn exception(channel: &ChannelId, seq: u64) -> Key {
    core(joined("C", &[channel.as_str()]), format!("D#{}", padded(seq)))
}

/// All [`exception`]s above a number.
pub(super) fn exceptions_above(channel: &ChannelId, read: u64) -> Span {
    let (from, to) = (format!("D#{}", padded(read + 1)), format!("D#{}", padded(SEQ_MAX)));
    Span { table: Table::Core, pk: joined("C", &[channel.as_str()]), from, to }
}

pub(super) fn head(channel: &ChannelId) -> Key {
    core(joined("C", &[channel.as_str()]), "HEAD".to_owned())
}

pub(super) fn marker(user: &UserId, channel: &ChannelId) -> Key {
    core(joined("U", &[user.as_str()]), joined("R", &[channel.as_str()]))
}

/// The markers of a user from the first of these channels to the last. `None` where there are no channels.
pub(super) fn markers<'a>(user: &UserId, channels: impl Iterator<Item = &'a ChannelId>) -> Option<Span> {
    let mut places: Vec<String> = channels.map(|channel| joined("R", &[channel.as_str()])).collect();
    places.sort_unstable();
    let (from, to) = (places.first()?.clone(), places.last()?.clone());
    Some(Span { table: Table::Core, pk: joined("U", &[user.as_str()]), from, to })
}

pub(super) fn mention(user: &UserId, channel: &ChannelId, seq: u64) -> Key {
    core(joined("U", &[user.as_str()]), joined("N", &[channel.as_str(), &padded(seq)]))
}

/// All [`mention`]s of a user in a channel above a number.
pub(super) fn mentions_above(user: &UserId, channel: &ChannelId, read: u64) -> Span {
    let place = |seq: u64| joined("N", &[channel.as_str(), &padded(seq)]);
    Span { table: Table::Core, pk: joined("U", &[user.as_str()]), from: place(read + 1), to: place(SEQ_MAX) }
}

pub(super) fn message_nonce(channel: &ChannelId, author: &UserId, nonce: &Nonce) -> Key {
    core(joined("X", &[channel.as_str(), author.as_str()]), nonce.0.clone())
}

pub(super) fn room_nonce(owner: &UserId, nonce: &Nonce) -> Key {
    core(joined("X", &[owner.as_str()]), nonce.0.clone())
}

pub(super) fn room(id: &RoomId) -> Key {
    core(joined("ROOM", &[id.as_str()]), "META".to_owned())
}

/// Where a room is listed until it ends.
pub(super) fn open_room(id: &RoomId, created_ns: i64) -> Key {
    // FNV-1a: any even spread that never changes.
    let hash = id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    core(format!("OPEN#{}", hash % OPEN_SHARDS), format!("{created_ns:020}#{}", escaped(id.as_str())))
}

/// All rooms that are listed in one shard.
pub(super) fn open_rooms(shard: u64) -> Span {
    // A place begins with a digit, or with the sign of a time before 1970.
    Span { table: Table::Core, pk: format!("OPEN#{shard}"), from: "-".to_owned(), to: ":".to_owned() }
}

pub(super) fn link(secret_hash: &[u8; 32]) -> Key {
    let mut pk = String::from("LINK#");
    for byte in secret_hash {
        // Writing to a String can't fail.
        let _ = write!(pk, "{byte:02x}");
    }
    core(pk, "META".to_owned())
}

pub(super) fn probe() -> Key {
    core("PROBE".to_owned(), "WRITE".to_owned())
}

fn core(pk: String, sk: String) -> Key {
    Key { table: Table::Core, pk, sk }
}

/// So that numbers sort as texts.
fn padded(seq: u64) -> String {
    format!("{seq:012}")
}

fn joined(kind: &str, parts: &[&str]) -> String {
    let mut key = kind.to_owned();
    for part in parts {
        key.push('#');
        key.push_str(&escaped(part));
    }
    key
}

fn escaped(part: &str) -> String {
    if part.contains(['#', '%']) { part.replace('%', "%25").replace('#', "%23") } else { part.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_with_separators_in_them_never_meet() {
        let nonce = Nonce("n".into());
        let places = [("a#b", "c"), ("a", "b#c"), ("a%23b", "c"), ("a", "b%23c"), ("a%", "#b#c")];
        let keys: Vec<Key> = places.iter().map(|(c, u)| message_nonce(&ChannelId::new(*c), &UserId::new(*u), &nonce)).collect();
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(key), "{key:?}");
        }
        assert_ne!(room_nonce(&UserId::new("a#b"), &nonce).pk, message_nonce(&ChannelId::new("a"), &UserId::new("b"), &nonce).pk);
    }

    #[test]
    fn places_sort_as_their_numbers_do() {
        let (channel, user) = (ChannelId::new("c"), UserId::new("u"));
        assert!(message(&channel, 9).sk < message(&channel, 10).sk);
        let span = exceptions_above(&channel, 9);
        assert!(
            exception(&channel, 9).sk < span.from && span.from <= exception(&channel, 10).sk && exception(&channel, SEQ_MAX).sk <= span.to
        );
        let span = mentions_above(&user, &channel, SEQ_MAX - 1);
        assert!(!span.is_empty() && span.from == mention(&user, &channel, SEQ_MAX).sk);
    }

    #[test]
    fn a_bucket_has_as_many_numbers_as_it_says() {
        assert_eq!((bucket(1), bucket(1023), bucket(1024), bucket(2047), bucket(2048)), (0, 0, 1, 1, 2));
    }
}
