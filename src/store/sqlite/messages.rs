//! Messages as rows.
//!
//! Each function is one operation of the store, on a connection whose transaction belongs to the caller. Invariant: the numbers of a channel
//! are 1, 2, 3 … without a gap, because rows are only appended, and only by the one writer.

use super::{Failure, from_ns, to_ns};
use ::rooms::store::{Appended, NewMessage};
use ::rooms::view::{History, Message};
use ::rooms::{ChannelId, MessageId, User, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::time::SystemTime;

const COLUMNS: &str = "id, channel, seq, author_id, author_name, text, sent_at_ns";

pub(super) fn append(db: &Connection, new: NewMessage) -> Result<Appended, Failure> {
    if let Some(message) = stored(db, &new)? {
        return Ok(Appended { message, duplicate: true });
    }
    let head: i64 = db
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM messages WHERE channel = ?1")?
        .query_row([new.channel.as_str()], |row| row.get(0))?;
    let seq = head + 1;
    db.prepare_cached(&format!("INSERT INTO messages ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"))?.execute(params![
        new.id.as_str(),
        new.channel.as_str(),
        seq,
        new.author.id.as_str(),
        new.author.name,
        new.text,
        to_ns(new.sent_at),
    ])?;
    db.prepare_cached("INSERT INTO message_nonces (channel, author_id, nonce, seq, stored_at_ns) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![new.channel.as_str(), new.author.id.as_str(), new.nonce.0, seq, to_ns(SystemTime::now())])?;
    let NewMessage { id, channel, author, text, sent_at, nonce: _ } = new;
    Ok(Appended { message: Message { id, channel, seq: number(seq)?, author, text, sent_at }, duplicate: false })
}

/// What an earlier call with the same nonce stored.
fn stored(db: &Connection, new: &NewMessage) -> Result<Option<Message>, Failure> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM messages WHERE channel = ?1
            AND seq = (SELECT seq FROM message_nonces WHERE channel = ?1 AND author_id = ?2 AND nonce = ?3)"
    ))?
    .query_row((new.channel.as_str(), new.author.id.as_str(), &new.nonce.0), |row| Ok(read(row)))
    .optional()?
    .transpose()
}

pub(super) fn history(db: &Connection, channel: &ChannelId, before: Option<u64>, limit: u32) -> Result<History, Failure> {
    let before = before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
    let mut messages = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM messages WHERE channel = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3"))?
        .query_map(params![channel.as_str(), before, limit], |row| Ok(read(row)))?
        .map(|row| row?)
        .collect::<Result<Vec<Message>, Failure>>()?;
    messages.reverse();
    let more = match messages.first() {
        Some(oldest) => oldest.seq > 1,
        // Nothing was asked for, so what there is below `before` is all still to come.
        None => limit == 0 && head_below(db, channel, before)?,
    };
    Ok(History { messages, more })
}

fn head_below(db: &Connection, channel: &ChannelId, before: i64) -> Result<bool, Failure> {
    let found = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM messages WHERE channel = ?1 AND seq < ?2)")?
        .query_row((channel.as_str(), before), |row| row.get(0))?;
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<Message, Failure> {
    Ok(Message {
        id: MessageId::new(row.get::<_, String>(0)?),
        channel: ChannelId::new(row.get::<_, String>(1)?),
        seq: number(row.get(2)?)?,
        author: User { id: UserId::new(row.get::<_, String>(3)?), name: row.get(4)? },
        text: row.get(5)?,
        sent_at: from_ns(row.get(6)?),
    })
}

fn number(seq: i64) -> Result<u64, Failure> {
    u64::try_from(seq).map_err(|_| Failure::Unreadable("messages.seq"))
}
