//! Where each thing is kept: the table, the partition and the place in it.
//!
//! It knows no attribute. Invariant: two different things never have the same key, whatever their ids are, because `#` separates and is
//! escaped inside of ids.
//!
//! ```text
//! messages   C#log#bucket       seq                  a message, or the end of the log
//! core       C#channel          LOG                  the channel's log, where it isn't the channel's own name
//!            C#channel          SERVER               the server that the channel belongs to, or belonged to
//!            C#log              D#seq                a message that is deleted, or mentions everyone or a role
//!            C#log              HEAD                 a bucket that the log has reached
//!            C#log              PINS                 the pinned messages
//!            C#log              NOTE                 the note that hasn't ended
//!            K#log#seq          U#emoji#user         a user's reaction
//!            N#log              started#note         a note in the list of a channel's
//!            NOTE#note          META, L#seq          a note, a line
//!            NOTE#note          X#speaker#nonce      a line's nonce
//!            U#user             R#log                how far the user has read
//!            U#user             N#log#seq            a message that mentions the user
//!            U#user             W#log                what is known of the user's own messages, while a log is being filled
//!            U#user             G#server             a membership
//!            U#user             ME                   what is known of the user
//!            G#server           META                 a server: where its tree and its home are
//!            P#tree             ROLE#, CAT#, C#      the parts of a tree
//!            M#home#shard       U#user               a member, or that the user is banned
//!            H#home             B#user               why the user is banned
//!            H#home             I#invite             an invitation
//!            H#home             E#schedule           an entry of the calendar
//!            DUE#shard          time#schedule#server that an entry may remind then
//!            INV#hash           META                 where an invitation is
//!            SWEEP              kind#name            rows that nobody finds any more
//!            X#log#author       nonce                a message's nonce
//!            ROOM#room          META                 a room
//!            ROOMS#shard        U#owner#N#nonce      that a room may be open, and the nonce that made it
//!            ROOMS#shard        U#owner#R#room       as above, of a room whose nonce isn't known
//!            LINK#hash          META                 a link into a room
//!            INBOX#user         HEAD                 the newest number of the user's inbox
//!            INBOX#user         N#seq                a notification
//!            INBOX#user         K#key                a key that made one
//!            PROBE              WRITE                shows that writes succeed
//! ```

use rooms::store::Nonce;
use rooms::{ChannelId, InviteId, NoteId, RoomId, ScheduleId, ServerId, UserId};
use std::fmt::Write as _;

/// Messages in one partition. A partition takes 1,000 writes a second, and more messages in it mean fewer queries of old pages.
pub(super) const BUCKET_MESSAGES: u64 = 1024;

/// The highest number that a key can hold. A channel doesn't get there: it is 30 years of a thousand messages a second.
pub(super) const SEQ_MAX: u64 = 999_999_999_999;

/// Partitions over which open rooms are spread: each takes 1,000 writes a second, and listing reads all.
pub(super) const OPEN_SHARDS: u64 = 8;

/// Partitions over which the members of a server are spread: each takes 1,000 writes a second, and listing reads all.
pub(super) const MEMBER_SHARDS: u64 = 4;

/// Partitions over which reminders are spread. Each is read whenever one looks what is due.
pub(super) const DUE_SHARDS: u64 = 4;

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

/// That a message is deleted, or mentions everyone or a role.
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

pub(super) fn room(id: &RoomId) -> Key {
    core(joined("ROOM", &[id.as_str()]), "META".to_owned())
}

/// Where a room of this owner is listed until it ends; `place` is one of [`place_of_nonce`] and [`place_of_room`].
pub(super) fn listed_room(owner: &UserId, place: &str) -> Key {
    core(format!("ROOMS#{}", spread(owner.as_str()) % OPEN_SHARDS), format!("{}#{place}", joined("U", &[owner.as_str()])))
}

/// All rooms that are listed in one shard.
pub(super) fn listed_rooms(shard: u64) -> Span {
    prefixed(format!("ROOMS#{shard}"), "U".to_owned())
}

/// Of a room that a nonce made.
pub(super) fn place_of_nonce(nonce: &Nonce) -> String {
    joined("N", &[nonce.0.as_str()])
}

/// Of a room whose nonce isn't known.
pub(super) fn place_of_room(id: &RoomId) -> String {
    joined("R", &[id.as_str()])
}

pub(super) fn link(secret_hash: &[u8; 32]) -> Key {
    core(format!("LINK#{}", hexadecimal(secret_hash)), "META".to_owned())
}

pub(super) fn probe() -> Key {
    core("PROBE".to_owned(), "WRITE".to_owned())
}

/// The log of a channel that was removed once.
pub(super) fn log(channel: &ChannelId) -> Key {
    core(joined("C", &[channel.as_str()]), "LOG".to_owned())
}

pub(super) fn server_of(channel: &ChannelId) -> Key {
    core(joined("C", &[channel.as_str()]), "SERVER".to_owned())
}

pub(super) fn pins(log: &ChannelId) -> Key {
    core(joined("C", &[log.as_str()]), "PINS".to_owned())
}

/// Everything of a log that isn't per message or user.
pub(super) fn of_log(log: &ChannelId) -> [Span; 2] {
    let whole = |to: &str| Span { table: Table::Core, pk: joined("C", &[log.as_str()]), from: to.to_owned(), to: format!("{to}~") };
    // Not LOG and SERVER, which are the channel's of this name.
    [whole("D"), whole("HEAD")]
}

pub(super) fn reaction(log: &ChannelId, seq: u64, emoji: &str, user: &UserId) -> Key {
    core(joined("K", &[log.as_str(), &padded(seq)]), joined("U", &[emoji, user.as_str()]))
}

/// Who reacted with an emoji.
pub(super) fn reactions_with(log: &ChannelId, seq: u64, emoji: &str) -> Span {
    prefixed(joined("K", &[log.as_str(), &padded(seq)]), joined("U", &[emoji]))
}

pub(super) fn reactions(log: &ChannelId, seq: u64) -> Span {
    partition(joined("K", &[log.as_str(), &padded(seq)]))
}

pub(super) fn open_note(log: &ChannelId) -> Key {
    core(joined("C", &[log.as_str()]), "NOTE".to_owned())
}

pub(super) fn listed_note(log: &ChannelId, started_ns: i64, note: &NoteId) -> Key {
    core(joined("N", &[log.as_str()]), format!("{started_ns:020}#{}", escaped(note.as_str())))
}

/// The notes of a channel that started before a time.
pub(super) fn listed_notes(log: &ChannelId, before_ns: Option<i64>) -> Span {
    let to = before_ns.map_or_else(|| ":".to_owned(), |before_ns| format!("{before_ns:020}"));
    Span { table: Table::Core, pk: joined("N", &[log.as_str()]), from: "-".to_owned(), to }
}

pub(super) fn note(note: &NoteId) -> Key {
    core(joined("NOTE", &[note.as_str()]), "META".to_owned())
}

pub(super) fn note_line(note: &NoteId, seq: u64) -> Key {
    core(joined("NOTE", &[note.as_str()]), format!("L#{}", padded(seq)))
}

pub(super) fn note_lines_above(note: &NoteId, after: u64) -> Span {
    let (from, to) = (format!("L#{}", padded(after.saturating_add(1))), format!("L#{}", padded(SEQ_MAX)));
    Span { table: Table::Core, pk: joined("NOTE", &[note.as_str()]), from, to }
}

pub(super) fn note_nonce(note: &NoteId, speaker: &UserId, nonce: &Nonce) -> Key {
    core(joined("NOTE", &[note.as_str()]), joined("X", &[speaker.as_str(), &nonce.0]))
}

/// All of a note.
pub(super) fn of_note(note: &NoteId) -> Span {
    partition(joined("NOTE", &[note.as_str()]))
}

pub(super) fn server(id: &ServerId) -> Key {
    core(joined("G", &[id.as_str()]), "META".to_owned())
}

/// A part of a server's tree; `place` is one of [`role_place`], [`category_place`] and [`channel_place`].
pub(super) fn part(tree: &str, place: &str) -> Key {
    core(joined("P", &[tree]), place.to_owned())
}

pub(super) fn parts(tree: &str) -> Span {
    partition(joined("P", &[tree]))
}

/// The channels of a tree.
pub(super) fn channel_parts(tree: &str) -> Span {
    prefixed(joined("P", &[tree]), "C".to_owned())
}

pub(super) fn role_place(role: &str) -> String {
    joined("ROLE", &[role])
}

pub(super) fn category_place(category: &str) -> String {
    joined("CAT", &[category])
}

pub(super) fn channel_place(channel: &str) -> String {
    joined("C", &[channel])
}

pub(super) fn member(home: &str, user: &UserId) -> Key {
    core(joined("M", &[home, &(spread(user.as_str()) % MEMBER_SHARDS).to_string()]), joined("U", &[user.as_str()]))
}

/// The members of one shard.
pub(super) fn members(home: &str, shard: u64) -> Span {
    partition(joined("M", &[home, &shard.to_string()]))
}

pub(super) fn membership(user: &UserId, server: &ServerId) -> Key {
    core(joined("U", &[user.as_str()]), joined("G", &[server.as_str()]))
}

pub(super) fn memberships(user: &UserId) -> Span {
    prefixed(joined("U", &[user.as_str()]), "G".to_owned())
}

pub(super) fn user(user: &UserId) -> Key {
    core(joined("U", &[user.as_str()]), "ME".to_owned())
}

pub(super) fn ban(home: &str, user: &UserId) -> Key {
    core(joined("H", &[home]), joined("B", &[user.as_str()]))
}

pub(super) fn bans(home: &str) -> Span {
    prefixed(joined("H", &[home]), "B".to_owned())
}

pub(super) fn invite(home: &str, id: &InviteId) -> Key {
    core(joined("H", &[home]), joined("I", &[id.as_str()]))
}

pub(super) fn invites(home: &str) -> Span {
    prefixed(joined("H", &[home]), "I".to_owned())
}

pub(super) fn invite_of(secret_hash: &[u8; 32]) -> Key {
    core(format!("INV#{}", hexadecimal(secret_hash)), "META".to_owned())
}

pub(super) fn schedule(home: &str, id: &ScheduleId) -> Key {
    core(joined("H", &[home]), joined("E", &[id.as_str()]))
}

pub(super) fn schedules(home: &str) -> Span {
    prefixed(joined("H", &[home]), "E".to_owned())
}

/// Everything that a server has beside its tree and its members.
pub(super) fn of_home(home: &str) -> Span {
    partition(joined("H", &[home]))
}

pub(super) fn reminder(at_ns: i64, schedule: &ScheduleId, server: &ServerId) -> Key {
    let place = format!("{at_ns:020}#{}#{}", escaped(schedule.as_str()), escaped(server.as_str()));
    core(format!("DUE#{}", spread(schedule.as_str()) % DUE_SHARDS), place)
}

/// The reminders of one shard that are due at a time.
pub(super) fn reminders(shard: u64, now_ns: i64) -> Span {
    Span { table: Table::Core, pk: format!("DUE#{shard}"), from: "-".to_owned(), to: format!("{:020}", now_ns.saturating_add(1)) }
}

/// Rows that nobody finds any more: of a log, a tree or a server.
pub(super) fn sweep(kind: &str, names: &[&str]) -> Key {
    core("SWEEP".to_owned(), joined(kind, names))
}

pub(super) fn sweeps() -> Span {
    partition("SWEEP".to_owned())
}

/// Those of deleted servers of one id.
pub(super) fn sweeps_of(server: &ServerId) -> Span {
    prefixed("SWEEP".to_owned(), joined("server", &[server.as_str()]))
}

fn partition(pk: String) -> Span {
    Span { table: Table::Core, pk, from: " ".to_owned(), to: "~".to_owned() }
}

/// All places below one; `$` is the character after the separator.
fn prefixed(pk: String, place: String) -> Span {
    Span { table: Table::Core, pk, from: format!("{place}#"), to: format!("{place}$") }
}

/// FNV-1a: any even spread that never changes.
pub(super) fn spread(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn hexadecimal(hash: &[u8; 32]) -> String {
    let mut text = String::with_capacity(64);
    for byte in hash {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The newest number of a user's inbox.
pub(super) fn inbox_head(user: &UserId) -> Key {
    core(joined("INBOX", &[user.as_str()]), "HEAD".to_owned())
}

/// A notification.
pub(super) fn notification(user: &UserId, seq: u64) -> Key {
    core(joined("INBOX", &[user.as_str()]), format!("N#{}", padded(seq)))
}

/// The notifications of a user from one number to another.
pub(super) fn notifications(user: &UserId, from: u64, to: u64) -> Span {
    let place = |seq: u64| format!("N#{}", padded(seq.min(SEQ_MAX)));
    Span { table: Table::Core, pk: joined("INBOX", &[user.as_str()]), from: place(from), to: place(to) }
}

/// That a key was used for a user.
pub(super) fn notification_key(user: &UserId, key: &str) -> Key {
    core(joined("INBOX", &[user.as_str()]), joined("K", &[key]))
}

/// All keys that were used for a user.
pub(super) fn notification_keys(user: &UserId) -> Span {
    prefixed(joined("INBOX", &[user.as_str()]), "K".to_owned())
}

/// The highest number of a user's own messages in a log that is being filled. It goes when the user's marker comes.
pub(super) fn own(user: &UserId, log: &ChannelId) -> Key {
    core(joined("U", &[user.as_str()]), joined("W", &[log.as_str()]))
}

/// What stands between the separators of a key: the kind, and the ids as they were.
pub(super) fn ids(key: &str) -> Vec<String> {
    key.split('#').map(|part| part.replace("%23", "#").replace("%25", "%")).collect()
}

/// The inverse of a hash in a key. `None` for what is none.
pub(super) fn hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    let digits = text.as_bytes();
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (digits.len() == 64).then_some(hash)
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
        let listed = |owner: &str, nonce: &str| listed_room(&UserId::new(owner), &place_of_nonce(&Nonce(nonce.into()))).sk;
        assert_ne!(listed("a", "b#N#c"), listed("a#N#b", "c"));
    }

    #[test]
    fn what_is_in_a_key_is_read_from_it() {
        let (channel, user) = (ChannelId::new("a#%23%25b"), UserId::new("#"));
        let key = message_nonce(&channel, &user, &Nonce("n".into()));
        assert_eq!(ids(&key.pk), ["X", channel.as_str(), user.as_str()]);
        let secret = [0xa7; 32];
        assert_eq!(hash(&ids(&link(&secret).pk)[1]), Some(secret));
        assert_eq!(hash("a7"), None);
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
