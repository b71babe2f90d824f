//! Messages as rows, and how far each user has read.
//!
//! Each function is one operation of the store, on a connection whose transaction belongs to the caller. Invariants: the numbers of a channel
//! are 1, 2, 3 … without a gap, because rows are only appended, and only by the one writer; `mentions` has a row for each audience of each
//! message that isn't deleted.

use super::{Failure, attachments, from_ns, marks, search, to_ns};
use ::rooms::store::{Appended, Edit, Membership, NewMessage};
use ::rooms::view::{Audience, Cursor, History, Message, Unread};
use ::rooms::{ChannelId, MessageId, RoleId, User, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::time::SystemTime;

pub(super) const COLUMNS: &str =
    "id, channel, seq, author_id, author_name, text, sent_at_ns, edited_at_ns, deleted_at_ns, reply_to, mentions, attachments,
    reactions";

pub(super) fn append(db: &Connection, new: NewMessage) -> Result<Appended, Failure> {
    if let Some(message) = stored(db, &new)? {
        return Ok(Appended { message, duplicate: true });
    }
    let seq = head(db, &new.channel)? + 1;
    let ordinal = next_ordinal(db)?;
    db.prepare_cached(&format!(
        "INSERT INTO messages ({COLUMNS}, ordinal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, NULL, ?8, ?9, ?10, NULL, ?11)"
    ))?
    .execute(params![
        new.id.as_str(),
        new.channel.as_str(),
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
        .execute(params![new.channel.as_str(), new.author.id.as_str(), new.nonce.0, signed(seq), to_ns(SystemTime::now())])?;
    mention(db, &new.channel, seq, &new.author.id, &new.mentions)?;
    set_marker(db, &new.author.id, &new.channel, seq)?;
    let NewMessage { id, channel, author, text, sent_at, reply_to, mentions, attachments, nonce: _ } = new;
    let (edited_at, deleted_at, reactions) = (None, None, vec![]);
    let message = Message { id, channel, seq, author, text, sent_at, edited_at, deleted_at, reply_to, mentions, attachments, reactions };
    Ok(Appended { message, duplicate: false })
}

/// Keeps a message as another store had it, as the newest of all, unless it is kept already.
pub(super) fn put(db: &Connection, message: &Message) -> Result<(), Failure> {
    let head = head(db, &message.channel)?;
    if message.seq == 0 || message.seq > head + 1 {
        return Err(Failure::Unreadable("messages.seq"));
    }
    if message.seq <= head {
        return Ok(());
    }
    let ordinal = next_ordinal(db)?;
    db.prepare_cached(&format!(
        "INSERT INTO messages ({COLUMNS}, ordinal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    ))?
    .execute(params![
        message.id.as_str(),
        message.channel.as_str(),
        signed(message.seq),
        message.author.id.as_str(),
        message.author.name,
        message.text,
        to_ns(message.sent_at),
        message.edited_at.map(to_ns),
        message.deleted_at.map(to_ns),
        message.reply_to.map(signed),
        written(&message.mentions),
        attachments::written(&message.attachments),
        marks::written(&message.reactions),
        ordinal,
    ])?;
    mention(db, &message.channel, message.seq, &message.author.id, &message.mentions)
}

/// Whether the channel has a message of this number.
pub(super) fn is_kept(db: &Connection, channel: &ChannelId, seq: u64) -> Result<bool, Failure> {
    Ok((1..=head(db, channel)?).contains(&seq))
}

/// 0 where there is no message.
pub(super) fn newest_ordinal(db: &Connection) -> Result<i64, Failure> {
    Ok(db.prepare_cached("SELECT coalesce(max(ordinal), 0) FROM messages")?.query_row([], |row| row.get(0))?)
}

/// Behind what is indexed even where the newest messages were removed: it is never looked at again.
fn next_ordinal(db: &Connection) -> Result<i64, Failure> {
    Ok(newest_ordinal(db)?.max(search::indexed(db)?) + 1)
}

/// What an earlier call with the same nonce stored.
fn stored(db: &Connection, new: &NewMessage) -> Result<Option<Message>, Failure> {
    let seq: Option<i64> = db
        .prepare_cached("SELECT seq FROM message_nonces WHERE channel = ?1 AND author_id = ?2 AND nonce = ?3")?
        .query_row((new.channel.as_str(), new.author.id.as_str(), &new.nonce.0), |row| row.get(0))
        .optional()?;
    match seq {
        Some(seq) => message(db, &new.channel, number(seq)?),
        None => Ok(None),
    }
}

pub(super) fn edit(db: &Connection, edit: &Edit) -> Result<Option<Message>, Failure> {
    let Some(before) = message(db, &edit.channel, edit.seq)?.filter(|message| message.deleted_at.is_none()) else { return Ok(None) };
    db.prepare_cached("UPDATE messages SET text = ?3, mentions = ?4, edited_at_ns = ?5 WHERE channel = ?1 AND seq = ?2")?
        .execute(params![edit.channel.as_str(), signed(edit.seq), edit.text, written(&edit.mentions), to_ns(edit.at),])?;
    unmention(db, &before)?;
    search::replace(db, ordinal(db, &edit.channel, edit.seq)?, &edit.channel, &edit.text)?;
    mention(db, &edit.channel, edit.seq, &before.author.id, &edit.mentions)?;
    message(db, &edit.channel, edit.seq)
}

pub(super) fn delete(db: &Connection, channel: &ChannelId, seq: u64, at: SystemTime) -> Result<Option<Message>, Failure> {
    let Some(before) = message(db, channel, seq)? else { return Ok(None) };
    if before.deleted_at.is_some() {
        return Ok(Some(before));
    }
    db.prepare_cached(
        "UPDATE messages SET text = '', mentions = NULL, attachments = NULL, reactions = NULL, deleted_at_ns = ?3
            WHERE channel = ?1 AND seq = ?2",
    )?
    .execute(params![channel.as_str(), signed(seq), to_ns(at)])?;
    unmention(db, &before)?;
    marks::forget(db, channel, seq)?;
    search::replace(db, ordinal(db, channel, seq)?, channel, "")?;
    message(db, channel, seq)
}

pub(super) fn message(db: &Connection, channel: &ChannelId, seq: u64) -> Result<Option<Message>, Failure> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM messages WHERE channel = ?1 AND seq = ?2"))?
        .query_row((channel.as_str(), signed(seq)), |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// One message, by when it was stored.
pub(super) fn by_ordinal(db: &Connection, ordinal: i64) -> Result<Option<Message>, Failure> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM messages WHERE ordinal = ?1"))?
        .query_row([ordinal], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

fn ordinal(db: &Connection, channel: &ChannelId, seq: u64) -> Result<i64, Failure> {
    let mut statement = db.prepare_cached("SELECT ordinal FROM messages WHERE channel = ?1 AND seq = ?2")?;
    Ok(statement.query_row((channel.as_str(), signed(seq)), |row| row.get(0))?)
}

pub(super) fn history(db: &Connection, channel: &ChannelId, cursor: Cursor, limit: u32) -> Result<History, Failure> {
    let head = head(db, channel)?;
    let page = cursor.page(head, limit);
    let messages = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM messages WHERE channel = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq"))?
        .query_map(params![channel.as_str(), signed(page.start), signed(page.end)], |row| Ok(read(row)))?
        .map(|row| row?)
        .collect::<Result<Vec<Message>, Failure>>()?;
    Ok(History { messages, more: page.start > 1, newer: page.end <= head })
}

pub(super) fn mark_read(db: &Connection, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, Failure> {
    let read = seq.min(head(db, channel)?).max(marker(db, user, channel)?);
    set_marker(db, user, channel, read)?;
    Ok(read)
}

pub(super) fn mark_unread(db: &Connection, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, Failure> {
    let read = seq.saturating_sub(1).min(head(db, channel)?);
    set_marker(db, user, channel, read)?;
    Ok(read)
}

pub(super) fn markers(db: &Connection, channel: &ChannelId, users: &[UserId]) -> Result<Vec<u64>, Failure> {
    users.iter().map(|user| marker(db, user, channel)).collect()
}

/// For each channel four look-ups in indexes. They are named, and hold every column that is asked for, since the planner would otherwise count
/// in the table, text and all; what comes of heads and markers is kept, since it would otherwise look them up for each count.
const UNREAD: &str = "
    WITH asked AS (SELECT key AS n, value ->> 0 AS channel, value ->> 1 AS since, value -> 2 AS audiences FROM json_each(?1)),
        heads AS MATERIALIZED (SELECT n, channel, since, audiences,
            coalesce((SELECT max(seq) FROM messages m WHERE m.channel = asked.channel), 0) AS head,
            coalesce((SELECT read_seq FROM markers k WHERE k.user_id = ?2 AND k.channel = asked.channel), 0) AS marker FROM asked),
        reads AS MATERIALIZED (SELECT n, channel, audiences, head, min(head, max(since, marker)) AS read FROM heads)
    SELECT channel, head, read,
        head - read
            - (SELECT count(*) FROM messages m INDEXED BY messages_deleted
                WHERE m.channel = reads.channel AND m.seq > read AND m.deleted_at_ns IS NOT NULL)
            - (SELECT count(*) FROM messages m INDEXED BY messages_own
                WHERE m.channel = reads.channel AND m.author_id = ?2 AND m.seq > read AND m.deleted_at_ns IS NULL),
        (SELECT count(DISTINCT m.seq) FROM json_each(reads.audiences) me CROSS JOIN mentions m
            WHERE m.channel = reads.channel AND m.audience = me.value AND m.seq > read AND m.author_id <> ?2)
    FROM reads ORDER BY n";

/// One query for all: four look-ups for each channel, and one for each of the user's roles there. What is subtracted are deleted messages and own ones, which is exact since numbers have no gaps.
pub(super) fn unread(db: &Connection, user: &UserId, channels: &[Membership]) -> Result<Vec<Unread>, Failure> {
    let audiences = |roles: &[RoleId]| -> Vec<String> {
        let me = [Audience::Everyone, Audience::User(user.clone())];
        me.into_iter().chain(roles.iter().cloned().map(Audience::Role)).map(|audience| code(&audience)).collect()
    };
    let asked: Vec<(&str, u64, Vec<String>)> =
        channels.iter().map(|Membership { channel, since, roles }| (channel.as_str(), *since, audiences(roles))).collect();
    let asked = serde_json::to_string(&asked).map_err(|_| Failure::Unreadable("channels"))?;
    db.prepare_cached(UNREAD)?
        .query_map(params![asked, user.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
        .map(|row| {
            let (channel, head, read, unread, mentions) = row?;
            let (head, read, unread, mentions) = (number(head)?, number(read)?, number(unread)?, number(mentions)?);
            Ok(Unread { channel: ChannelId::new(channel), head, read, unread, mentions })
        })
        .collect()
}

/// 0 where there is no message yet.
fn head(db: &Connection, channel: &ChannelId) -> Result<u64, Failure> {
    let head = db
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM messages WHERE channel = ?1")?
        .query_row([channel.as_str()], |row| row.get(0))?;
    number(head)
}

fn marker(db: &Connection, user: &UserId, channel: &ChannelId) -> Result<u64, Failure> {
    let marker = db
        .prepare_cached("SELECT read_seq FROM markers WHERE user_id = ?1 AND channel = ?2")?
        .query_row((user.as_str(), channel.as_str()), |row| row.get(0))
        .optional()?;
    marker.map_or(Ok(0), number)
}

fn set_marker(db: &Connection, user: &UserId, channel: &ChannelId, read: u64) -> Result<(), Failure> {
    db.prepare_cached(
        "INSERT INTO markers (user_id, channel, read_seq) VALUES (?1, ?2, ?3)
            ON CONFLICT (user_id, channel) DO UPDATE SET read_seq = excluded.read_seq",
    )?
    .execute(params![user.as_str(), channel.as_str(), signed(read)])?;
    Ok(())
}

fn mention(db: &Connection, channel: &ChannelId, seq: u64, author: &UserId, mentions: &[Audience]) -> Result<(), Failure> {
    for audience in mentions {
        db.prepare_cached("INSERT INTO mentions (channel, audience, seq, author_id) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            channel.as_str(),
            code(audience),
            signed(seq),
            author.as_str()
        ])?;
    }
    Ok(())
}

fn unmention(db: &Connection, before: &Message) -> Result<(), Failure> {
    for audience in &before.mentions {
        db.prepare_cached("DELETE FROM mentions WHERE channel = ?1 AND audience = ?2 AND seq = ?3")?.execute(params![
            before.channel.as_str(),
            code(audience),
            signed(before.seq)
        ])?;
    }
    Ok(())
}

pub(super) fn read(row: &Row<'_>) -> Result<Message, Failure> {
    let at = |index| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(index)?.map(from_ns));
    Ok(Message {
        id: MessageId::new(row.get::<_, String>(0)?),
        channel: ChannelId::new(row.get::<_, String>(1)?),
        seq: number(row.get(2)?)?,
        author: User { id: UserId::new(row.get::<_, String>(3)?), name: row.get(4)? },
        text: row.get(5)?,
        sent_at: from_ns(row.get(6)?),
        edited_at: at(7)?,
        deleted_at: at(8)?,
        reply_to: row.get::<_, Option<i64>>(9)?.map(number).transpose()?,
        mentions: row.get::<_, Option<String>>(10)?.map_or(Ok(vec![]), |codes| audiences(&codes))?,
        attachments: row.get::<_, Option<String>>(11)?.map_or(Ok(vec![]), |written| attachments::read(&written))?,
        reactions: row.get::<_, Option<String>>(12)?.map_or(Ok(vec![]), |written| marks::reactions(&written))?,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::schema;

    #[test]
    fn unread_counts_read_indexes_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let db = schema::open(&dir.path().join("zzan.db")).expect("opens");
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {UNREAD}")).expect("planned");
        let steps = plan.query_map(["[]", "u"], |row| row.get::<_, String>("detail")).expect("read");
        let steps: Vec<String> = steps.collect::<Result<_, _>>().expect("steps");
        let of_messages: Vec<&str> =
            steps.iter().filter_map(|step| step.strip_prefix("SEARCH m ")).filter(|step| !step.contains("audience")).collect();
        let expected = [
            "USING PRIMARY KEY (channel=?)",
            "USING COVERING INDEX messages_deleted (channel=? AND seq>?)",
            "USING COVERING INDEX messages_own (channel=? AND author_id=? AND seq>?)",
        ];
        assert_eq!(of_messages, expected, "{steps:#?}");
    }
}
