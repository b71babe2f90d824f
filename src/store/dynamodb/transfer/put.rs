//! Records as rows: those of one kind that come after each other are written together.
//!
//! Each row is written where it isn't there yet, or as it would be written again. Invariant: what a record needs to be there is looked for before
//! anything of its kind is written.

use super::chat;
use crate::store::dynamodb::call::{Call, Failure};
use crate::store::dynamodb::channels::Channels;
use crate::store::dynamodb::community::transfer as community;
use crate::store::dynamodb::messages::{NONCES_KEPT, unix_s};
use crate::store::dynamodb::records::{LinkRow, ListedRow, NoteLineRow, NoteListRow, NoteRow, RoomRow};
use crate::store::dynamodb::rooms::OVER_KEPT;
use crate::store::dynamodb::write::{ABSENT, Write, number, text};
use crate::store::dynamodb::{keys, notifications};
use crate::store::sqlite::to_ns;
use rooms::store::{CommunityRecord, Nonce, NoteLine, NoteRecord, Record, RoomRecord};
use rooms::{NoteId, UserId};
use std::collections::BTreeMap;
use std::mem::discriminant;
use std::time::SystemTime;

/// The records of one kind, in their order.
macro_rules! of_kind {
    ($records:expr, $pattern:pat => $value:expr) => {
        $records.iter().filter_map(|record| if let $pattern = record { Some($value) } else { None }).collect::<Vec<_>>()
    };
}

pub(super) async fn all(call: &Call<'_>, channels: &Channels, records: &[Record]) -> Result<(), Failure> {
    for some in records.chunk_by(|a, b| discriminant(a) == discriminant(b)) {
        of_one_kind(call, channels, some).await?;
    }
    Ok(())
}

async fn of_one_kind(call: &Call<'_>, channels: &Channels, some: &[Record]) -> Result<(), Failure> {
    let Some(first) = some.first() else { return Ok(()) };
    match first {
        Record::Room { .. } | Record::RoomNonce { .. } | Record::Link { .. } => {
            let writes = some.iter().map(room_writes).collect::<Result<Vec<_>, Failure>>()?;
            call.write_all(&writes.concat()).await
        }
        Record::Community(_) => {
            let records: Vec<&CommunityRecord> = of_kind!(some, Record::Community(record) => record);
            community::put(call, &records).await
        }
        Record::Message(_) => chat::put_messages(call, channels, &of_kind!(some, Record::Message(message) => message)).await,
        Record::MessageNonce { .. } => {
            let nonces = of_kind!(some, Record::MessageNonce { channel, author, nonce, seq, stored_at } =>
                chat::KeptNonce { channel, author, nonce, seq: *seq, stored_at: *stored_at });
            chat::put_nonces(call, channels, &nonces).await
        }
        Record::Reaction { .. } => {
            let reactions = of_kind!(some, Record::Reaction { channel, seq, emoji, user } =>
                chat::KeptReaction { channel, seq: *seq, emoji: emoji.as_str(), user });
            chat::put_reactions(call, channels, &reactions).await
        }
        Record::Pin { .. } => {
            chat::put_pins(call, channels, &of_kind!(some, Record::Pin { channel, seq, at } => (channel, (to_ns(*at), *seq)))).await
        }
        Record::Marker { .. } => {
            chat::put_markers(call, channels, &of_kind!(some, Record::Marker { user, channel, read } => (user, channel, *read))).await
        }
        Record::Note(_) => put_notes(call, channels, &of_kind!(some, Record::Note(note) => note)).await,
        Record::NoteLine { .. } => put_lines(call, &of_kind!(some, Record::NoteLine { note, line, nonce } => (note, line, nonce))).await,
        Record::Notification(_) => notifications::put(call, &of_kind!(some, Record::Notification(notification) => notification)).await,
        Record::NotificationKey { .. } => {
            let keys = of_kind!(some, Record::NotificationKey { user, key, seq, stored_at } => (user, key.as_str(), *seq, *stored_at));
            notifications::put_keys(call, &keys).await
        }
    }
}

fn room_writes(record: &Record) -> Result<Vec<Write>, Failure> {
    match record {
        Record::Room { room, ended_at } => one_room(room, *ended_at),
        Record::RoomNonce { owner, nonce, room, stored_at } => one_nonce(owner, nonce, room.as_str(), *stored_at),
        Record::Link { link, stored_at } => {
            let row = LinkRow::new(link, *stored_at, unix_s(link.expires_at + OVER_KEPT));
            Ok(vec![Write::put(keys::link(&link.secret_hash), &row)?.only_if(ABSENT)])
        }
        Record::Community(_)
        | Record::Message(_)
        | Record::MessageNonce { .. }
        | Record::Reaction { .. }
        | Record::Pin { .. }
        | Record::Marker { .. }
        | Record::Note(_)
        | Record::NoteLine { .. }
        | Record::Notification(_)
        | Record::NotificationKey { .. } => Ok(vec![]),
    }
}

fn one_room(room: &RoomRecord, ended_at: Option<SystemTime>) -> Result<Vec<Write>, Failure> {
    let row = RoomRow::new(room, keys::place_of_room(&room.id));
    Ok(match ended_at {
        Some(at) => vec![Write::put(keys::room(&room.id), &row.ended(at, unix_s(at + OVER_KEPT)))?.only_if(ABSENT)],
        None => {
            let listed = ListedRow { room: room.id.to_string(), at: unix_s(room.created_at), exp: None };
            vec![Write::put(row.listed_at(), &listed)?.only_if(ABSENT), Write::put(keys::room(&room.id), &row)?.only_if(ABSENT)]
        }
    })
}

fn one_nonce(owner: &UserId, nonce: &Nonce, room: &str, stored_at: SystemTime) -> Result<Vec<Write>, Failure> {
    let row = ListedRow { room: room.to_owned(), at: unix_s(stored_at), exp: Some(unix_s(stored_at + NONCES_KEPT)) };
    Ok(vec![Write::put(keys::listed_room(owner, &keys::place_of_nonce(nonce)), &row)?.only_if(ABSENT)])
}

async fn put_notes(call: &Call<'_>, channels: &Channels, notes: &[&NoteRecord]) -> Result<(), Failure> {
    let mut writes = Vec::new();
    for note in notes {
        let channel = channels.of(call, &note.channel).await?;
        let row = NoteRow::new(&NoteRecord { lines: 0, ..(*note).clone() }, &channel.log);
        let listed = NoteListRow { note: note.id.to_string(), started_at: to_ns(note.started_at) };
        writes.push(Write::put(keys::note(&note.id), &row)?.only_if(ABSENT));
        writes.push(Write::put(keys::listed_note(&channel.log, listed.started_at, &note.id), &listed)?);
        if note.ended_at.is_none() {
            writes.push(Write::update(keys::open_note(&channel.log)).set("note", text(note.id.as_str())));
        }
    }
    call.write_all(&writes).await
}

/// Each has to be the next one of its note, or be there already.
async fn put_lines(call: &Call<'_>, lines: &[(&NoteId, &NoteLine, &Nonce)]) -> Result<(), Failure> {
    let mut ends: BTreeMap<&NoteId, u64> = BTreeMap::new();
    let mut writes = Vec::new();
    for (note, line, nonce) in lines {
        let end = match ends.get(note) {
            Some(end) => *end,
            None => {
                let row: Option<NoteRow> = call.get(&keys::note(note)).await?;
                row.ok_or(Failure::Unreadable("a line of a note that isn't there"))?.lines
            }
        };
        if line.seq == 0 || line.seq > end + 1 {
            return Err(Failure::Unreadable("the number of a line"));
        }
        ends.insert(note, end.max(line.seq));
        writes.push(Write::put(keys::note_line(note, line.seq), &NoteLineRow::new(line, nonce))?.only_if(ABSENT));
        writes.push(Write::update(keys::note_nonce(note, &line.speaker.id, nonce)).set("seq", number(line.seq)).only_if(ABSENT));
    }
    call.write_all(&writes).await?;
    let counts = ends.into_iter().map(|(note, end)| Write::update(keys::note(note)).set("lines", number(end)).only_if("#lines < :lines"));
    call.write_all(&counts.collect::<Vec<_>>()).await
}
