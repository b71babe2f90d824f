//! The tables that are read out, each with its key and how a row of it becomes a record.
//!
//! Invariant: what belongs to something is in a table below it.

use super::super::rooms::{ALL_ROOM_COLUMNS, read_room};
use super::super::{Failure, community, from_ns, messages, notes, notifications};
use super::Table;
use ::rooms::store::{LinkRecord, Nonce, Record};
use ::rooms::{ChannelId, NoteId, RoomId, UserId};
use rusqlite::Row;

/// All of them, in the order in which they are read.
pub(super) fn tables() -> impl Iterator<Item = &'static Table> {
    ROOMS.iter().chain(&community::TABLES).chain(&CHAT)
}

const ROOMS: [Table; 3] = [
    Table { name: "rooms", columns: ALL_ROOM_COLUMNS, key: "rowid", read: room },
    Table { name: "room_nonces", columns: "room, stored_at_ns, owner_id, nonce", key: "owner_id, nonce", read: room_nonce },
    Table {
        name: "links",
        columns: "secret_hash, room, name, max_uses, uses, expires_at_ns, stored_at_ns",
        key: "secret_hash",
        read: link,
    },
];

const CHAT: [Table; 9] = [
    Table { name: "messages", columns: messages::COLUMNS, key: "ordinal", read: |row| Ok(Record::Message(messages::read(row)?)) },
    Table {
        name: "message_nonces",
        columns: "channel, author_id, nonce, seq, stored_at_ns",
        key: "channel, author_id, nonce",
        read: message_nonce,
    },
    Table { name: "reactions", columns: "channel, seq, emoji, user_id", key: "channel, seq, emoji, came", read: reaction },
    Table { name: "pins", columns: "channel, seq, pinned_at_ns", key: "channel, seq", read: pin },
    Table { name: "markers", columns: "user_id, channel, read_seq", key: "user_id, channel", read: marker },
    Table { name: "notes", columns: notes::COLUMNS, key: "id", read: |row| Ok(Record::Note(notes::read(row)?)) },
    Table { name: "note_lines", columns: notes::LINE_COLUMNS, key: "note, seq", read: note_line },
    Table {
        name: "notifications",
        columns: notifications::COLUMNS,
        key: "user_id, seq",
        read: |row| Ok(Record::Notification(notifications::read(row)?)),
    },
    Table { name: "notification_keys", columns: "user_id, key, seq, stored_at_ns", key: "user_id, key", read: notification_key },
];

fn room(row: &Row<'_>) -> Result<Record, Failure> {
    let ended_at = row.get::<_, Option<i64>>("ended_at_ns")?.map(from_ns);
    Ok(Record::Room { room: read_room(row)?, ended_at })
}

fn room_nonce(row: &Row<'_>) -> Result<Record, Failure> {
    Ok(Record::RoomNonce {
        room: RoomId::new(row.get::<_, String>(0)?),
        stored_at: from_ns(row.get(1)?),
        owner: user(row, 2)?,
        nonce: Nonce(row.get(3)?),
    })
}

fn link(row: &Row<'_>) -> Result<Record, Failure> {
    let link = LinkRecord {
        secret_hash: row.get(0)?,
        room: RoomId::new(row.get::<_, String>(1)?),
        name: row.get(2)?,
        max_uses: row.get(3)?,
        uses: row.get(4)?,
        expires_at: from_ns(row.get(5)?),
    };
    Ok(Record::Link { link, stored_at: from_ns(row.get(6)?) })
}

fn message_nonce(row: &Row<'_>) -> Result<Record, Failure> {
    Ok(Record::MessageNonce {
        channel: channel(row, 0)?,
        author: user(row, 1)?,
        nonce: Nonce(row.get(2)?),
        seq: messages::number(row.get(3)?)?,
        stored_at: from_ns(row.get(4)?),
    })
}

fn reaction(row: &Row<'_>) -> Result<Record, Failure> {
    let (channel, seq) = (channel(row, 0)?, messages::number(row.get(1)?)?);
    Ok(Record::Reaction { channel, seq, emoji: row.get(2)?, user: user(row, 3)? })
}

fn pin(row: &Row<'_>) -> Result<Record, Failure> {
    Ok(Record::Pin { channel: channel(row, 0)?, seq: messages::number(row.get(1)?)?, at: from_ns(row.get(2)?) })
}

fn marker(row: &Row<'_>) -> Result<Record, Failure> {
    Ok(Record::Marker { user: user(row, 0)?, channel: channel(row, 1)?, read: messages::number(row.get(2)?)? })
}

fn note_line(row: &Row<'_>) -> Result<Record, Failure> {
    Ok(Record::NoteLine { note: NoteId::new(row.get::<_, String>("note")?), line: notes::line(row)?, nonce: Nonce(row.get("nonce")?) })
}

fn notification_key(row: &Row<'_>) -> Result<Record, Failure> {
    let (user, seq) = (user(row, 0)?, notifications::number(row.get(2)?)?);
    Ok(Record::NotificationKey { user, key: row.get(1)?, seq, stored_at: from_ns(row.get(3)?) })
}

fn channel(row: &Row<'_>, index: usize) -> rusqlite::Result<ChannelId> {
    Ok(ChannelId::new(row.get::<_, String>(index)?))
}

fn user(row: &Row<'_>, index: usize) -> rusqlite::Result<UserId> {
    Ok(UserId::new(row.get::<_, String>(index)?))
}
