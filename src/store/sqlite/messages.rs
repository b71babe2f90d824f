//! Messages as rows, and how far each user has read.
//!
//! Each function is one operation of the store, on a connection whose transaction belongs to the caller. Invariants: the numbers of a channel
//! are 1, 2, 3 … without a gap, because rows are only appended, and only by the one writer; `mentions` has a row for each audience of each
//! message that isn't deleted. The column `channel` of the tables is a [`Log`].

use super::logs::Log;
use super::{Failure, attachments, from_ns, marks, search, to_ns};
use ::rooms::store::{Appended, Edit, Membership, NewMessage};
use ::rooms::view::{Audience, Cursor, History, Message, Unread};
use ::rooms::{ChannelId, MessageId, RoleId, User, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::time::SystemTime;

const COLUMNS: &str =
    "id, seq, author_id, author_name, text, sent_at_ns, edited_at_ns, deleted_at_ns, reply_to, mentions, attachments, reactions";

pub(super) fn append(db: &Connection, new: NewMessage) -> Result<Appended, Failure> {
    let log = Log::of(db, &new.channel)?;
    if let Some(message) = stored(db, &log, &new)? {
        return Ok(Appended { message, duplicate: true });
    }
    let seq = head(db, &log)? + 1;
    let ordinal: i64 = db.prepare_cached("SELECT coalesce(max(ordinal), 0) + 1 FROM messages")?.query_row([], |row| row.get(0))?;
    db.prepare_cached(&format!(
        "INSERT INTO messages (channel, {COLUMNS}, ordinal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, NULL, ?8, ?9, ?10, NULL, ?11)"
    ))?
    .execute(params![
        log,
        new.id.as_str(),
        signed(seq),
        new.author.id.as_str(),
        new.author.name,
        new.text,
        to_ns(new.sent_at),
        new.reply_to.map(signed),
        written(&new.mentions),
        attachments::written(&new.attachments),
        ordinal,
    ])?;
    db.prepare_cached("INSERT INTO message_nonces (channel, author_id, nonce, seq, stored_at_ns) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![log, new.author.id.as_str(), new.nonce.0, signed(seq), to_ns(SystemTime::now())])?;
    mention(db, &log, seq, &new.author.id, &new.mentions)?;
    search::index(db, ordinal, &log, &new.text)?;
    set_marker(db, &new.author.id, &log, seq)?;
    let NewMessage { id, channel, author, text, sent_at, reply_to, mentions, attachments, nonce: _ } = new;
    let (edited_at, deleted_at, reactions) = (None, None, vec![]);
    let message = Message { id, channel, seq, author, text, sent_at, edited_at, deleted_at, reply_to, mentions, attachments, reactions };
    Ok(Appended { message, duplicate: false })
}

/// What an earlier call with the same nonce stored.
fn stored(db: &Connection, log: &Log, new: &NewMessage) -> Result<Option<Message>, Failure> {
    let seq: Option<i64> = db
        .prepare_cached("SELECT seq FROM message_nonces WHERE channel = ?1 AND author_id = ?2 AND nonce = ?3")?
        .query_row((log, new.author.id.as_str(), &new.nonce.0), |row| row.get(0))
        .optional()?;
    match seq {
        Some(seq) => find(db, log, &new.channel, number(seq)?),
        None => Ok(None),
    }
}

pub(super) fn edit(db: &Connection, edit: &Edit) -> Result<Option<Message>, Failure> {
    let log = Log::of(db, &edit.channel)?;
    let Some(before) = find(db, &log, &edit.channel, edit.seq)?.filter(|message| message.deleted_at.is_none()) else { return Ok(None) };
    db.prepare_cached("UPDATE messages SET text = ?3, mentions = ?4, edited_at_ns = ?5 WHERE channel = ?1 AND seq = ?2")?
        .execute(params![log, signed(edit.seq), edit.text, written(&edit.mentions), to_ns(edit.at)])?;
    unmention(db, &log, &before)?;
    let ordinal = ordinal(db, &log, edit.seq)?;
    search::remove(db, ordinal)?;
    search::index(db, ordinal, &log, &edit.text)?;
    mention(db, &log, edit.seq, &before.author.id, &edit.mentions)?;
    find(db, &log, &edit.channel, edit.seq)
}

pub(super) fn delete(db: &Connection, channel: &ChannelId, seq: u64, at: SystemTime) -> Result<Option<Message>, Failure> {
    let log = Log::of(db, channel)?;
    let Some(before) = find(db, &log, channel, seq)? else { return Ok(None) };
    if before.deleted_at.is_some() {
        return Ok(Some(before));
    }
    db.prepare_cached(
        "UPDATE messages SET text = '', mentions = NULL, attachments = NULL, reactions = NULL, deleted_at_ns = ?3
            WHERE channel = ?1 AND seq = ?2",
    )?
    .execute(params![log, signed(seq), to_ns(at)])?;
    unmention(db, &log, &before)?;
    marks::forget(db, &log, seq)?;
    search::remove(db, ordinal(db, &log, seq)?)?;
    find(db, &log, channel, seq)
}

pub(super) fn message(db: &Connection, channel: &ChannelId, seq: u64) -> Result<Option<Message>, Failure> {
    find(db, &Log::of(db, channel)?, channel, seq)
}

fn find(db: &Connection, log: &Log, channel: &ChannelId, seq: u64) -> Result<Option<Message>, Failure> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM messages WHERE channel = ?1 AND seq = ?2"))?
        .query_row((log, signed(seq)), |row| Ok(read(row, channel)))
        .optional()?
        .transpose()
}

/// One message, by when it was stored, if it is in one of these channels.
pub(super) fn by_ordinal(db: &Connection, channels: &[(Log, &ChannelId)], ordinal: i64) -> Result<Option<Message>, Failure> {
    let message = db
        .prepare_cached(&format!("SELECT {COLUMNS}, channel FROM messages WHERE ordinal = ?1"))?
        .query_row([ordinal], |row| {
            let log: String = row.get(12)?;
            Ok(channels.iter().find(|(known, _)| known.as_str() == log).map(|(_, channel)| read(row, channel)))
        })
        .optional()?;
    message.flatten().transpose()
}

fn ordinal(db: &Connection, log: &Log, seq: u64) -> Result<i64, Failure> {
    let mut statement = db.prepare_cached("SELECT ordinal FROM messages WHERE channel = ?1 AND seq = ?2")?;
    Ok(statement.query_row((log, signed(seq)), |row| row.get(0))?)
}

pub(super) fn history(db: &Connection, channel: &ChannelId, cursor: Cursor, limit: u32) -> Result<History, Failure> {
    let log = Log::of(db, channel)?;
    let head = head(db, &log)?;
    let page = cursor.page(head, limit);
    let messages = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM messages WHERE channel = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq"))?
        .query_map(params![log, signed(page.start), signed(page.end)], |row| Ok(read(row, channel)))?
        .map(|row| row?)
        .collect::<Result<Vec<Message>, Failure>>()?;
    Ok(History { messages, more: page.start > 1, newer: page.end <= head })
}

pub(super) fn mark_read(db: &Connection, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, Failure> {
    let log = Log::of(db, channel)?;
    let read = seq.min(head(db, &log)?).max(marker(db, user, &log)?);
    set_marker(db, user, &log, read)?;
    Ok(read)
}

pub(super) fn mark_unread(db: &Connection, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, Failure> {
    let log = Log::of(db, channel)?;
    let read = seq.saturating_sub(1).min(head(db, &log)?);
    set_marker(db, user, &log, read)?;
    Ok(read)
}

/// One query for all: for each channel five look-ups in indexes, and one for each of the user's roles there. What is subtracted are deleted
/// messages and own ones, which is exact since numbers have no gaps.
pub(super) fn unread(db: &Connection, user: &UserId, channels: &[Membership]) -> Result<Vec<Unread>, Failure> {
    let audiences = |roles: &[RoleId]| -> Vec<String> {
        let me = [Audience::Everyone, Audience::User(user.clone())];
        me.into_iter().chain(roles.iter().cloned().map(Audience::Role)).map(|audience| code(&audience)).collect()
    };
    let asked: Vec<(&str, u64, Vec<String>)> =
        channels.iter().map(|Membership { channel, since, roles }| (channel.as_str(), *since, audiences(roles))).collect();
    let asked = serde_json::to_string(&asked).map_err(|_| Failure::Unreadable("channels"))?;
    db.prepare_cached(
        "WITH asked AS (SELECT key AS n, value ->> 0 AS name, value ->> 1 AS since, value -> 2 AS audiences,
                coalesce((SELECT log FROM logs l WHERE l.channel = value ->> 0), value ->> 0) AS channel FROM json_each(?1)),
            heads AS (SELECT n, name, channel, since, audiences, coalesce((SELECT max(seq) FROM messages m WHERE m.channel = asked.channel), 0) AS head,
                coalesce((SELECT read_seq FROM markers k WHERE k.user_id = ?2 AND k.channel = asked.channel), 0) AS marker FROM asked),
            reads AS (SELECT n, name, channel, audiences, head, min(head, max(since, marker)) AS read FROM heads)
        SELECT name, head, read,
            head - read
                - (SELECT count(*) FROM messages m WHERE m.channel = reads.channel AND m.seq > read AND m.deleted_at_ns IS NOT NULL)
                - (SELECT count(*) FROM messages m WHERE m.channel = reads.channel AND m.author_id = ?2 AND m.seq > read AND m.deleted_at_ns IS NULL),
            (SELECT count(DISTINCT m.seq) FROM json_each(reads.audiences) me CROSS JOIN mentions m
                WHERE m.channel = reads.channel AND m.audience = me.value AND m.seq > read AND m.author_id <> ?2)
        FROM reads ORDER BY n",
    )?
    .query_map(params![asked, user.as_str()], |row| {
        Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
    })?
    .map(|row| {
        let (channel, head, read, unread, mentions) = row?;
        let (head, read, unread, mentions) = (number(head)?, number(read)?, number(unread)?, number(mentions)?);
        Ok(Unread { channel: ChannelId::new(channel), head, read, unread, mentions })
    })
    .collect()
}

/// 0 where there is no message yet.
fn head(db: &Connection, log: &Log) -> Result<u64, Failure> {
    let head = db.prepare_cached("SELECT coalesce(max(seq), 0) FROM messages WHERE channel = ?1")?.query_row([log], |row| row.get(0))?;
    number(head)
}

fn marker(db: &Connection, user: &UserId, log: &Log) -> Result<u64, Failure> {
    let marker = db
        .prepare_cached("SELECT read_seq FROM markers WHERE user_id = ?1 AND channel = ?2")?
        .query_row((user.as_str(), log), |row| row.get(0))
        .optional()?;
    marker.map_or(Ok(0), number)
}

fn set_marker(db: &Connection, user: &UserId, log: &Log, read: u64) -> Result<(), Failure> {
    db.prepare_cached(
        "INSERT INTO markers (user_id, channel, read_seq) VALUES (?1, ?2, ?3)
            ON CONFLICT (user_id, channel) DO UPDATE SET read_seq = excluded.read_seq",
    )?
    .execute(params![user.as_str(), log, signed(read)])?;
    Ok(())
}

fn mention(db: &Connection, log: &Log, seq: u64, author: &UserId, mentions: &[Audience]) -> Result<(), Failure> {
    for audience in mentions {
        db.prepare_cached("INSERT INTO mentions (channel, audience, seq, author_id) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            log,
            code(audience),
            signed(seq),
            author.as_str()
        ])?;
    }
    Ok(())
}

fn unmention(db: &Connection, log: &Log, before: &Message) -> Result<(), Failure> {
    for audience in &before.mentions {
        db.prepare_cached("DELETE FROM mentions WHERE channel = ?1 AND audience = ?2 AND seq = ?3")?.execute(params![
            log,
            code(audience),
            signed(before.seq)
        ])?;
    }
    Ok(())
}

fn read(row: &Row<'_>, channel: &ChannelId) -> Result<Message, Failure> {
    let at = |index| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(index)?.map(from_ns));
    Ok(Message {
        id: MessageId::new(row.get::<_, String>(0)?),
        channel: channel.clone(),
        seq: number(row.get(1)?)?,
        author: User { id: UserId::new(row.get::<_, String>(2)?), name: row.get(3)? },
        text: row.get(4)?,
        sent_at: from_ns(row.get(5)?),
        edited_at: at(6)?,
        deleted_at: at(7)?,
        reply_to: row.get::<_, Option<i64>>(8)?.map(number).transpose()?,
        mentions: row.get::<_, Option<String>>(9)?.map_or(Ok(vec![]), |codes| audiences(&codes))?,
        attachments: row.get::<_, Option<String>>(10)?.map_or(Ok(vec![]), |written| attachments::read(&written))?,
        reactions: row.get::<_, Option<String>>(11)?.map_or(Ok(vec![]), |written| marks::reactions(&written))?,
    })
}

/// As it is kept: `*`, or `@` and the user's id, or `&` and the role's.
fn code(audience: &Audience) -> String {
    match audience {
        Audience::Everyone => "*".to_owned(),
        Audience::Role(role) => format!("&{role}"),
        Audience::User(user) => format!("@{user}"),
    }
}

/// A JSON array of [`code`]s, for who isn't mentioned nothing.
fn written(mentions: &[Audience]) -> Option<String> {
    let codes: Vec<String> = mentions.iter().map(code).collect();
    (!codes.is_empty()).then(|| serde_json::Value::from(codes).to_string())
}

/// The inverse of [`written`].
fn audiences(codes: &str) -> Result<Vec<Audience>, Failure> {
    let codes: Vec<String> = serde_json::from_str(codes).map_err(unreadable("messages.mentions"))?;
    let audience = |code: &String| match code.split_at_checked(1)? {
        ("*", "") => Some(Audience::Everyone),
        ("@", user) => Some(Audience::User(UserId::new(user))),
        ("&", role) => Some(Audience::Role(RoleId::new(role))),
        _ => None,
    };
    codes.iter().map(audience).collect::<Option<Vec<_>>>().ok_or(Failure::Unreadable("messages.mentions"))
}

/// A column whose text isn't the JSON that it should be.
pub(super) fn unreadable(column: &'static str) -> impl FnOnce(serde_json::Error) -> Failure {
    move |_| Failure::Unreadable(column)
}

pub(super) fn number(seq: i64) -> Result<u64, Failure> {
    u64::try_from(seq).map_err(|_| Failure::Unreadable("messages.seq"))
}

/// Numbers that no message can have find none.
pub(super) fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
