//! The kinds of records, in the order in which they are read: the rows of each, and what such a row becomes.
//!
//! Invariant: what belongs to something is of a later kind, or comes from the same row after it.

use super::SERVERS_MAX;
use super::names::Names;
use crate::store::dynamodb::call::{Call, Failure, Order, record};
use crate::store::dynamodb::channels::{Channel, Channels, Nonces, RECENT_NONCES};
use crate::store::dynamodb::community::rows::MetaRow;
use crate::store::dynamodb::community::transfer as community;
use crate::store::dynamodb::keys;
pub(super) use crate::store::dynamodb::keys::Table;
use crate::store::dynamodb::messages::NONCES_KEPT;
use crate::store::dynamodb::notifications;
use crate::store::dynamodb::records::{
    LinkRow, ListedRow, MarkerRow, MessageNonceRow, MessageRow, NoteLineRow, NoteRow, PinsRow, ReactedRow, RoomRow,
};
use crate::store::dynamodb::write::{Item, text_of};
use crate::store::sqlite::from_ns;
use rooms::store::{Nonce, Record};
use rooms::{ChannelId, NoteId, RoomId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::{Duration, SystemTime};

/// What is read at a time. The order of the variants is that of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Room,
    RoomNonce,
    Link,
    User,
    /// With all its parts but its members.
    Server,
    Member,
    Message,
    MessageNonce,
    Reaction,
    Pin,
    Marker,
    /// With its lines.
    Note,
    /// The notifications of a user, and their keys.
    Inbox,
}

/// Which rows of a table are read.
#[derive(Debug, Clone, Copy)]
pub(in crate::store::dynamodb) struct Rows {
    pub(in crate::store::dynamodb) table: Table,
    /// What the partition's name begins with.
    pub(in crate::store::dynamodb) pk: &'static str,
    pub(in crate::store::dynamodb) place: Place,
    /// An attribute that they have.
    pub(in crate::store::dynamodb) with: Option<&'static str>,
}

/// Where in their partitions they stand.
#[derive(Debug, Clone, Copy)]
pub(in crate::store::dynamodb) enum Place {
    Is(&'static str),
    Begins(&'static str),
    Anywhere,
}

impl Kind {
    const ALL: [Self; 13] = [
        Self::Room,
        Self::RoomNonce,
        Self::Link,
        Self::User,
        Self::Server,
        Self::Member,
        Self::Message,
        Self::MessageNonce,
        Self::Reaction,
        Self::Pin,
        Self::Marker,
        Self::Note,
        Self::Inbox,
    ];

    pub(super) fn first() -> Self {
        Self::Room
    }

    pub(super) fn next(self) -> Option<Self> {
        Self::ALL.into_iter().skip_while(|kind| *kind != self).nth(1)
    }

    pub(super) fn rows(self, nonces: Nonces) -> Rows {
        let core = |pk, place, with| Rows { table: Table::Core, pk, place, with };
        // A channel that ever had a message has one of this number.
        let logs = Rows { table: Table::Messages, pk: "C#", place: Place::Is("000000000001"), with: Some("id") };
        match (self, nonces) {
            (Self::Room, _) => core("ROOM#", Place::Is("META"), None),
            (Self::RoomNonce, _) => core("ROOMS#", Place::Begins("U#"), None),
            (Self::Link, _) => core("LINK#", Place::Is("META"), None),
            (Self::User, _) => core("U#", Place::Is("ME"), None),
            (Self::Server, _) => core("G#", Place::Is("META"), None),
            (Self::Member, _) => core("M#", Place::Begins("U#"), Some("stamp")),
            (Self::Message, _) | (Self::MessageNonce, Nonces::Seen) => logs,
            (Self::MessageNonce, Nonces::Kept) => core("X#", Place::Anywhere, Some("seq")),
            (Self::Reaction, _) => Rows { place: Place::Anywhere, with: Some("reactions"), ..logs },
            (Self::Pin, _) => core("C#", Place::Is("PINS"), None),
            (Self::Marker, _) => core("U#", Place::Begins("R#"), None),
            (Self::Note, _) => core("NOTE#", Place::Is("META"), None),
            (Self::Inbox, _) => core("INBOX#", Place::Is("HEAD"), None),
        }
    }
}

/// The key of a row.
pub(super) fn place(row: &Item) -> Result<(String, String), Failure> {
    let part = |name| text_of(row, name).ok_or(Failure::Unreadable("a row without its key"));
    Ok((part("PK")?, part("SK")?))
}

/// Where rows are read, and what has to be known for that.
pub(super) struct Source<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) channels: &'a Channels,
    pub(super) names: &'a Names,
}

impl Source<'_> {
    /// At most `limit` of the records that a row becomes, without the first `skip` of them.
    pub(super) async fn records(
        &self,
        kind: Kind,
        servers: &mut HashMap<String, Option<MetaRow>>,
        row: &Item,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Record>, Failure> {
        let (pk, sk) = place(row)?;
        let ids = keys::ids(&pk);
        let id = |index: usize| ids.get(index).map(String::as_str).ok_or(Failure::Unreadable("a key"));
        let some = |records: Vec<Record>| Ok(records.into_iter().skip(skip).take(limit).collect());
        match kind {
            Kind::Message => return self.messages(id(1)?, skip, limit).await,
            Kind::Note => return self.note(row, skip, limit).await,
            Kind::Room => some(vec![record::<RoomRow>(row.clone())?.record()]),
            Kind::RoomNonce => some(room_nonce(&keys::ids(&sk), record(row.clone())?).into_iter().collect()),
            Kind::Link => {
                let hash = keys::hash(id(1)?).ok_or(Failure::Unreadable("the hash of a link"))?;
                some(vec![record::<LinkRow>(row.clone())?.record(&hash)])
            }
            Kind::User => some(vec![community::user(row.clone())?]),
            Kind::Server => some(community::server(self.call, id(1)?, record(row.clone())?).await?),
            Kind::Member => some(self.member(row, servers).await?.into_iter().collect()),
            Kind::MessageNonce => match self.channels.nonces {
                Nonces::Kept => some(self.nonce(id(1)?, id(2)?, sk, record(row.clone())?).into_iter().collect()),
                Nonces::Seen => some(self.seen_nonces(id(1)?).await?),
            },
            Kind::Reaction => some(self.reactions(id(1)?, record(row.clone())?).await?),
            Kind::Pin => some(self.pins(id(1)?, record(row.clone())?)),
            Kind::Marker => some(self.marker(id(1)?, record(row.clone())?).into_iter().collect()),
            Kind::Inbox => some(notifications::records(self.call, &UserId::new(id(1)?)).await?),
        }
    }

    /// `None` of a deleted server.
    async fn member(&self, row: &Item, servers: &mut HashMap<String, Option<MetaRow>>) -> Result<Option<Record>, Failure> {
        let server = text_of(row, "server").ok_or(Failure::Unreadable("a member without a server"))?;
        if servers.len() >= SERVERS_MAX {
            servers.clear();
        }
        if !servers.contains_key(&server) {
            let meta = self.call.get(&keys::server(&rooms::ServerId::new(server.as_str()))).await?;
            servers.insert(server.clone(), meta);
        }
        community::member(row.clone(), servers.get(&server).and_then(Option::as_ref))
    }

    async fn messages(&self, log: &str, skip: usize, limit: usize) -> Result<Vec<Record>, Failure> {
        let Some(channel) = self.names.channel(log) else { return Ok(vec![]) };
        let state = Channel::new(channel.clone(), ChannelId::new(log));
        let mut rows = Vec::new();
        let mut next = skip as u64 + 1;
        while rows.len() < limit {
            let end = (keys::bucket(next) + 1) * keys::BUCKET_MESSAGES - 1;
            let end = end.min(next + (limit - rows.len()) as u64 - 1);
            let wanted = (end + 1 - next) as usize;
            let found = state.messages(self.call, next, end).await?;
            let is_last = found.len() < wanted;
            rows.extend(found);
            if is_last {
                break;
            }
            next = end + 1;
        }
        rows.into_iter().map(|row| row.message(&channel).map(Record::Message)).collect()
    }

    fn nonce(&self, log: &str, author: &str, nonce: String, row: MessageNonceRow) -> Option<Record> {
        let channel = self.names.channel_of_remains(log)?;
        let (author, nonce, stored_at) = (UserId::new(author), Nonce(nonce), stored_at(row.exp));
        Some(Record::MessageNonce { channel, author, nonce, seq: row.seq, stored_at })
    }

    /// Where none is kept, those of the last messages count.
    async fn seen_nonces(&self, log: &str) -> Result<Vec<Record>, Failure> {
        let Some(channel) = self.names.channel(log) else { return Ok(vec![]) };
        let state = Channel::new(channel.clone(), ChannelId::new(log));
        let head = state.head(self.call).await?;
        let rows = state.messages(self.call, (head + 1).saturating_sub(RECENT_NONCES).max(1), head).await?;
        let nonce = |row: MessageRow| {
            let (author, seq, stored_at) = (UserId::new(row.author.as_str()), row.seq, row.sent_at());
            Record::MessageNonce { channel: channel.clone(), author, nonce: Nonce(row.nonce), seq, stored_at }
        };
        Ok(rows.into_iter().filter(|row| !row.nonce.is_empty()).map(nonce).collect())
    }

    async fn reactions(&self, log: &str, message: MessageRow) -> Result<Vec<Record>, Failure> {
        let Some(channel) = self.names.channel(log) else { return Ok(vec![]) };
        let items = self.call.items(&keys::reactions(&ChannelId::new(log), message.seq), Order::OldestFirst, usize::MAX).await?;
        let mut reactions = Vec::with_capacity(items.len());
        for item in items {
            let (_, sk) = place(&item)?;
            let emoji = keys::ids(&sk).into_iter().nth(1).ok_or(Failure::Unreadable("the key of a reaction"))?;
            reactions.push((emoji, record::<ReactedRow>(item)?));
        }
        reactions.sort_by(|(a, a_row), (b, b_row)| (a, a_row.came).cmp(&(b, b_row.came)));
        let reaction = |(emoji, row): (String, ReactedRow)| {
            let (channel, user) = (channel.clone(), UserId::new(row.user));
            Record::Reaction { channel, seq: message.seq, emoji, user }
        };
        Ok(reactions.into_iter().map(reaction).collect())
    }

    fn pins(&self, log: &str, row: PinsRow) -> Vec<Record> {
        let Some(channel) = self.names.channel(log) else { return vec![] };
        let mut pins = row.pins;
        pins.sort_by_key(|(_, seq)| *seq);
        pins.into_iter().map(|(at, seq)| Record::Pin { channel: channel.clone(), seq, at: from_ns(at) }).collect()
    }

    fn marker(&self, user: &str, row: MarkerRow) -> Option<Record> {
        let channel = self.names.channel_of_remains(&row.channel)?;
        Some(Record::Marker { user: UserId::new(user), channel, read: row.read_seq })
    }

    /// The note, then its lines, whose numbers are their places.
    async fn note(&self, row: &Item, skip: usize, limit: usize) -> Result<Vec<Record>, Failure> {
        let note: NoteRow = record(row.clone())?;
        if self.names.channel(&note.log).is_none_or(|channel| channel.as_str() != note.channel) {
            return Ok(vec![]);
        }
        let note = note.note();
        let (id, mut records) = (note.id.clone(), Vec::new());
        if skip == 0 && limit > 0 {
            records.push(Record::Note(note));
        }
        let (after, wanted) = (skip.saturating_sub(1) as u64, limit - records.len());
        records.extend(self.lines(&id, after, wanted).await?);
        Ok(records)
    }

    async fn lines(&self, note: &NoteId, after: u64, limit: usize) -> Result<Vec<Record>, Failure> {
        let rows: Vec<NoteLineRow> = self.call.query(&keys::note_lines_above(note, after), Order::OldestFirst, limit).await?;
        Ok(rows.into_iter().map(|row| row.record(note)).collect())
    }
}

/// `None` of a room whose nonce isn't known.
fn room_nonce(place: &[String], row: ListedRow) -> Option<Record> {
    let [_, owner, kind, nonce] = place else { return None };
    let (owner, nonce, room) = (UserId::new(owner.as_str()), Nonce(nonce.clone()), RoomId::new(row.room));
    (kind == "N").then_some(Record::RoomNonce { owner, nonce, room, stored_at: from_unix_s(row.at) })
}

/// When something was stored that outlives its time at `exp`, in whole seconds.
pub(in crate::store::dynamodb) fn stored_at(exp: u64) -> SystemTime {
    from_unix_s(exp).checked_sub(NONCES_KEPT).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn from_unix_s(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
