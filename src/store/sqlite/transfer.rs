//! All rows as records, table by table in the order of their keys, and records as rows.
//!
//! Each function runs on a connection whose transaction belongs to the caller. Invariant: every table is either read out here or made anew from
//! those that are; a test holds that against the schema.

use super::rooms::{ROOM_COLUMNS, read_room};
use super::{Failure, from_ns, messages, rooms, to_ns};
use ::rooms::store::{LinkRecord, Nonce, Position, Record, Records};
use ::rooms::{ChannelId, RoomId, UserId};
use rusqlite::{Connection, Params, Row, params};
use serde::{Deserialize, Serialize};

/// The last row that was read, by its key. Keys of a table's beginning are below those of all rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum After {
    Rooms(i64),
    RoomNonces(String, String),
    Links(Vec<u8>),
    Messages(String, i64),
    MessageNonces(String, String, String),
    Markers(String, String),
}

impl After {
    const FIRST: Self = Self::Rooms(0);

    /// The beginning of the next table.
    fn next_table(&self) -> Option<Self> {
        let none = String::new;
        match self {
            Self::Rooms(..) => Some(Self::RoomNonces(none(), none())),
            Self::RoomNonces(..) => Some(Self::Links(vec![])),
            Self::Links(..) => Some(Self::Messages(none(), 0)),
            Self::Messages(..) => Some(Self::MessageNonces(none(), none(), none())),
            Self::MessageNonces(..) => Some(Self::Markers(none(), none())),
            Self::Markers(..) => None,
        }
    }

    fn page(&self, db: &Connection, limit: u32) -> Result<Vec<(Self, Record)>, Failure> {
        match self {
            Self::Rooms(id) => rows(
                db,
                &format!("SELECT {ROOM_COLUMNS}, rowid, ended_at_ns FROM rooms WHERE rowid > ?1 ORDER BY rowid LIMIT ?2"),
                (id, limit),
                room,
            ),
            Self::RoomNonces(owner, nonce) => rows(
                db,
                "SELECT owner_id, nonce, room, stored_at_ns FROM room_nonces WHERE (owner_id, nonce) > (?1, ?2) ORDER BY 1, 2 LIMIT ?3",
                (owner, nonce, limit),
                room_nonce,
            ),
            Self::Links(hash) => rows(
                db,
                "SELECT secret_hash, room, name, max_uses, uses, expires_at_ns, stored_at_ns FROM links
                    WHERE secret_hash > ?1 ORDER BY 1 LIMIT ?2",
                (hash, limit),
                link,
            ),
            Self::Messages(channel, seq) => rows(
                db,
                &format!("SELECT {} FROM messages WHERE (channel, seq) > (?1, ?2) ORDER BY channel, seq LIMIT ?3", messages::COLUMNS),
                (channel, seq, limit),
                message,
            ),
            Self::MessageNonces(channel, author, nonce) => rows(
                db,
                "SELECT channel, author_id, nonce, seq, stored_at_ns FROM message_nonces
                    WHERE (channel, author_id, nonce) > (?1, ?2, ?3) ORDER BY 1, 2, 3 LIMIT ?4",
                (channel, author, nonce, limit),
                message_nonce,
            ),
            Self::Markers(user, channel) => rows(
                db,
                "SELECT user_id, channel, read_seq FROM markers WHERE (user_id, channel) > (?1, ?2) ORDER BY 1, 2 LIMIT ?3",
                (user, channel, limit),
                marker,
            ),
        }
    }
}

/// The page that begins at `position`.
pub(super) fn records(db: &Connection, position: Option<&Position>, limit: u32) -> Result<Records, Failure> {
    let unreadable = |_| Failure::Unreadable("position");
    let mut after = position.map_or(Ok(After::FIRST), |position| serde_json::from_str(&position.0).map_err(unreadable))?;
    let mut records = Vec::new();
    loop {
        let wanted = limit - records.len() as u32;
        let page = after.page(db, wanted)?;
        let whole = page.len() as u32 == wanted;
        for (key, record) in page {
            after = key;
            records.push(record);
        }
        if whole {
            let next = serde_json::to_string(&after).map_err(unreadable)?;
            return Ok(Records { records, next: Some(Position(next)) });
        }
        match after.next_table() {
            Some(table) => after = table,
            None => return Ok(Records { records, next: None }),
        }
    }
}

/// Keeps a record, unless it is kept already.
pub(super) fn put(db: &Connection, record: &Record) -> Result<(), Failure> {
    match record {
        Record::Room { room, ended_at } => rooms::put(db, room, *ended_at)?,
        Record::RoomNonce { owner, nonce, room, stored_at } => insert(
            db,
            "INSERT OR IGNORE INTO room_nonces (owner_id, nonce, room, stored_at_ns) VALUES (?1, ?2, ?3, ?4)",
            (owner.as_str(), &nonce.0, room.as_str(), to_ns(*stored_at)),
        )?,
        Record::Link { link, stored_at } => insert(
            db,
            "INSERT OR IGNORE INTO links (secret_hash, room, name, max_uses, uses, expires_at_ns, stored_at_ns)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![link.secret_hash, link.room.as_str(), link.name, link.max_uses, link.uses, to_ns(link.expires_at), to_ns(*stored_at)],
        )?,
        Record::Message(message) => messages::put(db, message)?,
        Record::MessageNonce { channel, author, nonce, seq, stored_at } => insert(
            db,
            "INSERT OR IGNORE INTO message_nonces (channel, author_id, nonce, seq, stored_at_ns) VALUES (?1, ?2, ?3, ?4, ?5)",
            (channel.as_str(), author.as_str(), &nonce.0, messages::signed(*seq), to_ns(*stored_at)),
        )?,
        Record::Marker { user, channel, read } => insert(
            db,
            "INSERT OR IGNORE INTO markers (user_id, channel, read_seq) VALUES (?1, ?2, ?3)",
            (user.as_str(), channel.as_str(), messages::signed(*read)),
        )?,
    }
    Ok(())
}

fn insert(db: &Connection, statement: &str, values: impl Params) -> Result<(), Failure> {
    db.prepare_cached(statement)?.execute(values)?;
    Ok(())
}

type Keyed = Result<(After, Record), Failure>;

fn rows(db: &Connection, query: &str, key: impl Params, read: fn(&Row<'_>) -> Keyed) -> Result<Vec<(After, Record)>, Failure> {
    db.prepare_cached(query)?.query_map(key, |row| Ok(read(row)))?.map(|row| row?).collect()
}

fn room(row: &Row<'_>) -> Keyed {
    let ended_at = row.get::<_, Option<i64>>("ended_at_ns")?.map(from_ns);
    Ok((After::Rooms(row.get("rowid")?), Record::Room { room: read_room(row)?, ended_at }))
}

fn room_nonce(row: &Row<'_>) -> Keyed {
    let (owner, nonce): (String, String) = (row.get(0)?, row.get(1)?);
    let room = RoomId::new(row.get::<_, String>(2)?);
    let record =
        Record::RoomNonce { owner: UserId::new(owner.as_str()), nonce: Nonce(nonce.clone()), room, stored_at: from_ns(row.get(3)?) };
    Ok((After::RoomNonces(owner, nonce), record))
}

fn link(row: &Row<'_>) -> Keyed {
    let secret_hash: [u8; 32] = row.get(0)?;
    let link = LinkRecord {
        secret_hash,
        room: RoomId::new(row.get::<_, String>(1)?),
        name: row.get(2)?,
        max_uses: row.get(3)?,
        uses: row.get(4)?,
        expires_at: from_ns(row.get(5)?),
    };
    Ok((After::Links(secret_hash.to_vec()), Record::Link { link, stored_at: from_ns(row.get(6)?) }))
}

fn message(row: &Row<'_>) -> Keyed {
    let message = messages::read(row)?;
    Ok((After::Messages(message.channel.as_str().to_owned(), messages::signed(message.seq)), Record::Message(message)))
}

fn message_nonce(row: &Row<'_>) -> Keyed {
    let (channel, author, nonce): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let record = Record::MessageNonce {
        channel: ChannelId::new(channel.as_str()),
        author: UserId::new(author.as_str()),
        nonce: Nonce(nonce.clone()),
        seq: messages::number(row.get(3)?)?,
        stored_at: from_ns(row.get(4)?),
    };
    Ok((After::MessageNonces(channel, author, nonce), record))
}

fn marker(row: &Row<'_>) -> Keyed {
    let (user, channel): (String, String) = (row.get(0)?, row.get(1)?);
    let record = Record::Marker {
        user: UserId::new(user.as_str()),
        channel: ChannelId::new(channel.as_str()),
        read: messages::number(row.get(2)?)?,
    };
    Ok((After::Markers(user, channel), record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::schema;

    /// Made anew from `messages`.
    const DERIVED: [&str; 1] = ["mentions"];

    #[test]
    fn every_table_is_read_out_or_made_anew() {
        let dir = tempfile::tempdir().expect("a directory");
        let db = schema::open(&dir.path().join("zzan.db")).expect("opens");
        let mut query = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").expect("a query");
        let tables: Vec<String> = query.query_map([], |row| row.get(0)).expect("read").collect::<Result<_, _>>().expect("names");
        let mut known: Vec<String> = DERIVED.map(str::to_owned).to_vec();
        let mut after = Some(After::FIRST);
        while let Some(table) = after {
            let written = serde_json::to_value(&table).expect("written");
            known.extend(written.as_object().expect("a table's name and a key").keys().cloned());
            after = table.next_table();
        }
        known.sort();
        assert_eq!(tables, known, "a new table needs a kind of record, or a reason here");
    }
}
