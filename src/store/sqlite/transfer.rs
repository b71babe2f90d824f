//! All rows as records, table by table in the order of their keys, and records as rows.
//!
//! Each function runs on a connection whose transaction belongs to the caller. Rows of forgotten logs are passed over, and those of others bear
//! the name of their channel. Invariant: every table is either read out here or made anew from those that are; a test holds that against the
//! schema.

mod tables;

use super::community;
use super::logs::{Log, Logs};
use super::{Failure, marks, messages, notes, notifications, rooms, to_ns};
use ::rooms::ChannelId;
use ::rooms::store::{Position, Record, Records};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Row, ToSql, params, params_from_iter};
use serde::{Deserialize, Serialize};
use tables::tables;

/// Rows that become records of one kind.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Those that `read` takes, in its order.
    pub(super) columns: &'static str,
    /// What tells rows apart, in the order of reading. One index has all of it.
    pub(super) key: &'static str,
    pub(super) read: fn(&Row<'_>) -> Result<Record, Failure>,
}

/// The place after a row of a table, or before its first row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct After {
    table: String,
    key: Option<Vec<Part>>,
}

impl After {
    /// The beginning of a table.
    fn table(table: &Table) -> Self {
        Self { table: table.name.to_owned(), key: None }
    }
}

/// One column of a row's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Part {
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Part {
    fn of(row: &Row<'_>, index: usize) -> Result<Self, Failure> {
        match row.get_ref(index)? {
            ValueRef::Integer(integer) => Ok(Self::Integer(integer)),
            ValueRef::Text(_) => Ok(Self::Text(row.get(index)?)),
            ValueRef::Blob(blob) => Ok(Self::Blob(blob.to_vec())),
            ValueRef::Null | ValueRef::Real(_) => Err(Failure::Unreadable("a key")),
        }
    }
}

impl ToSql for Part {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Integer(integer) => integer.to_sql(),
            Self::Text(text) => text.to_sql(),
            Self::Blob(blob) => blob.to_sql(),
        }
    }
}

impl Table {
    /// At most `limit` rows after `key`, with the key of each.
    fn page(&self, db: &Connection, key: Option<&[Part]>, limit: u32) -> Result<Vec<(Vec<Part>, Record)>, Failure> {
        let Self { name, columns, key: by, read } = self;
        let (first, width) = (columns.split(',').count(), by.split(',').count());
        let after = match key {
            Some(key) if key.len() == width => format!("WHERE ({by}) > ({})", vec!["?"; width].join(", ")),
            Some(_) => return Err(Failure::Unreadable("position")),
            None => String::new(),
        };
        db.prepare_cached(&format!("SELECT {columns}, {by} FROM {name} {after} ORDER BY {by} LIMIT {limit}"))?
            .query_map(params_from_iter(key.into_iter().flatten()), |row| Ok(keyed(row, *read, first..first + width)))?
            .map(|row| row?)
            .collect()
    }
}

fn keyed(
    row: &Row<'_>,
    read: fn(&Row<'_>) -> Result<Record, Failure>,
    key: std::ops::Range<usize>,
) -> Result<(Vec<Part>, Record), Failure> {
    Ok((key.map(|index| Part::of(row, index)).collect::<Result<_, _>>()?, read(row)?))
}

/// The page that begins at `position`.
pub(super) fn records(db: &Connection, position: Option<&Position>, limit: u32) -> Result<Records, Failure> {
    let unreadable = |_| Failure::Unreadable("position");
    let begun: Option<After> = position.map(|position| serde_json::from_str(&position.0).map_err(unreadable)).transpose()?;
    let is_done = |table: &&Table| begun.as_ref().is_some_and(|begun| begun.table != table.name);
    let mut tables = tables().skip_while(is_done);
    let mut table = tables.next().ok_or(Failure::Unreadable("position"))?;
    let mut after = begun.clone().unwrap_or_else(|| After::table(table));
    let (logs, mut records, mut wanted) = (Logs::read(db)?, Vec::new(), limit);
    loop {
        let page = table.page(db, after.key.as_deref(), wanted)?;
        let read = page.len() as u32;
        for (key, mut record) in page {
            after.key = Some(key);
            if logs.name(&mut record) {
                records.push(record);
            }
        }
        wanted -= read;
        if wanted == 0 {
            let next = serde_json::to_string(&after).map_err(unreadable)?;
            return Ok(Records { records, next: Some(Position(next)) });
        }
        match tables.next() {
            Some(next) => (table, after) = (next, After::table(next)),
            None => return Ok(Records { records, next: None }),
        }
    }
}

impl Logs {
    /// Gives a record the name of its channel in place of that of the log. False where the log is forgotten.
    fn name(&self, record: &mut Record) -> bool {
        let channel = match record {
            Record::Message(message) => &mut message.channel,
            Record::MessageNonce { channel, .. }
            | Record::Reaction { channel, .. }
            | Record::Pin { channel, .. }
            | Record::Marker { channel, .. } => channel,
            Record::Room { .. }
            | Record::RoomNonce { .. }
            | Record::Link { .. }
            | Record::Community(_)
            | Record::Note(_)
            | Record::NoteLine { .. }
            | Record::Notification(_)
            | Record::NotificationKey { .. } => return true,
        };
        match self.channel(channel) {
            Some(named) => *channel = named,
            None => return false,
        }
        true
    }
}

/// Keeps a record, unless it is kept already.
pub(super) fn put(db: &Connection, record: Record) -> Result<(), Failure> {
    let log = |channel: &ChannelId| Ok::<_, Failure>(Log::of(db, channel)?.into_id());
    let with_message = |channel: &ChannelId, seq| {
        let log = log(channel)?;
        if messages::is_kept(db, &log, seq)? { Ok(log) } else { Err(Failure::Unreadable("messages.seq")) }
    };
    match record {
        Record::Room { room, ended_at } => rooms::put(db, &room, ended_at),
        Record::RoomNonce { owner, nonce, room, stored_at } => insert(
            db,
            "INSERT OR IGNORE INTO room_nonces (owner_id, nonce, room, stored_at_ns) VALUES (?1, ?2, ?3, ?4)",
            (owner.as_str(), &nonce.0, room.as_str(), to_ns(stored_at)),
        ),
        Record::Link { link, stored_at } => insert(
            db,
            "INSERT OR IGNORE INTO links (secret_hash, room, name, max_uses, uses, expires_at_ns, stored_at_ns)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![link.secret_hash, link.room.as_str(), link.name, link.max_uses, link.uses, to_ns(link.expires_at), to_ns(stored_at)],
        ),
        Record::Community(record) => community::put(db, &record),
        Record::Message(mut message) => {
            message.channel = log(&message.channel)?;
            messages::put(db, &message)
        }
        Record::MessageNonce { channel, author, nonce, seq, stored_at } => insert(
            db,
            "INSERT OR IGNORE INTO message_nonces (channel, author_id, nonce, seq, stored_at_ns) VALUES (?1, ?2, ?3, ?4, ?5)",
            (with_message(&channel, seq)?.as_str(), author.as_str(), &nonce.0, messages::signed(seq), to_ns(stored_at)),
        ),
        Record::Reaction { channel, seq, emoji, user } => marks::put_reaction(db, &with_message(&channel, seq)?, seq, &emoji, &user),
        Record::Pin { channel, seq, at } => insert(
            db,
            "INSERT OR IGNORE INTO pins (channel, seq, pinned_at_ns) VALUES (?1, ?2, ?3)",
            (with_message(&channel, seq)?.as_str(), messages::signed(seq), to_ns(at)),
        ),
        Record::Marker { user, channel, read } => insert(
            db,
            "INSERT OR IGNORE INTO markers (user_id, channel, read_seq) VALUES (?1, ?2, ?3)",
            (user.as_str(), log(&channel)?.as_str(), messages::signed(read)),
        ),
        Record::Note(note) => notes::put(db, &note),
        Record::NoteLine { note, line, nonce } => notes::put_line(db, &note, &line, &nonce),
        Record::Notification(notification) => notifications::put(db, &notification),
        Record::NotificationKey { user, key, seq, stored_at } => notifications::put_key(db, &user, &key, seq, stored_at),
    }
}

fn insert(db: &Connection, statement: &str, values: impl Params) -> Result<(), Failure> {
    db.prepare_cached(statement)?.execute(values)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::schema;

    /// Made anew from `messages`, or of use to this database alone: what was forgotten, and where.
    const DERIVED: [&str; 9] = [
        "forgotten_logs",
        "logs",
        "mentions",
        "message_search",
        "message_search_config",
        "message_search_data",
        "message_search_docsize",
        "message_search_idx",
        "search_progress",
    ];

    #[test]
    fn every_table_is_read_out_or_made_anew() {
        let dir = tempfile::tempdir().expect("a directory");
        let db = schema::open(&dir.path().join("zzan.db")).expect("opens");
        let mut query = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").expect("a query");
        let found: Vec<String> = query.query_map([], |row| row.get(0)).expect("read").collect::<Result<_, _>>().expect("names");
        let mut known: Vec<&str> = tables().map(|table| table.name).chain(DERIVED).collect();
        known.sort_unstable();
        assert_eq!(found, known, "a new table needs a kind of record, or a reason here");
    }

    #[test]
    fn every_table_is_read_by_an_index_without_sorting() {
        let dir = tempfile::tempdir().expect("a directory");
        let db = schema::open(&dir.path().join("zzan.db")).expect("opens");
        for Table { name, columns, key, .. } in tables() {
            let places = vec!["?"; key.split(',').count()].join(", ");
            let query = format!("EXPLAIN QUERY PLAN SELECT {columns} FROM {name} WHERE ({key}) > ({places}) ORDER BY {key} LIMIT 1");
            let mut plan = db.prepare(&query).expect("planned");
            let parts = vec![0; key.split(',').count()];
            let steps = plan.query_map(params_from_iter(parts), |row| row.get::<_, String>("detail")).expect("read");
            let steps: Vec<String> = steps.collect::<Result<_, _>>().expect("steps");
            assert!(steps.len() == 1 && steps[0].starts_with("SEARCH"), "{name}: {steps:?}");
        }
    }
}
