//! Logs: where the messages and markers of a channel are kept, and how those of a removed channel go.
//!
//! A channel's log has the channel's own name at first. When the channel is removed it gets a log that nobody knows, which is empty, so
//! that nothing is found from that commit on; the rows of the old one are removed in pieces later. It decides nothing about who may read.
//! Invariant: no row of a forgotten log is ever read, and no channel has a forgotten one.
//!
//! ```text
//! forget:   channel → log_1      the rows of the channel's own name: forgotten, swept piece by piece
//! at last:  channel → channel    when nothing of it is left, and log_1 was never written to
//! ```

use super::Failure;
use ::rooms::ChannelId;
use rusqlite::{Connection, OptionalExtension as _, ToSql, types::ToSqlOutput};
use std::collections::{HashMap, HashSet};

/// Tables whose column `channel` names a log, with the rest of their key. What is said of messages elsewhere belongs here too.
const TABLES: [(&str, &str); 6] = [
    ("messages", "seq"),
    ("mentions", "audience, seq"),
    ("message_nonces", "author_id, nonce"),
    ("markers", "user_id"),
    ("reactions", "seq, emoji, user_id"),
    ("pins", "seq"),
];

/// Rows that one sweep removes: some 10 ms, for which whoever writes meanwhile waits.
const SWEEP_ROWS: usize = 1_000;

/// The name under which a channel's rows are kept.
pub(super) struct Log(String);

impl Log {
    /// Where the channel's messages are.
    pub(super) fn of(db: &Connection, channel: &ChannelId) -> Result<Self, Failure> {
        let other =
            db.prepare_cached("SELECT log FROM logs WHERE channel = ?1")?.query_row([channel.as_str()], |row| row.get(0)).optional()?;
        Ok(Self(other.unwrap_or_else(|| channel.as_str().to_owned())))
    }

    /// Named as a channel.
    pub(super) fn into_id(self) -> ChannelId {
        ChannelId::new(self.0)
    }

    /// Whether it has a row in any table.
    fn is_used(&self, db: &Connection) -> Result<bool, Failure> {
        for (table, _) in TABLES {
            let found = db.prepare_cached(&format!("SELECT 1 FROM {table} WHERE channel = ?1 LIMIT 1"))?.exists([self])?;
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl ToSql for Log {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

/// The other way round: what the rows of each log are of.
pub(super) struct Logs {
    /// Of logs that don't bear the name of their channel.
    channels: HashMap<String, ChannelId>,
    forgotten: HashSet<String>,
}

impl Logs {
    /// As they are now. There are as many as channels were removed.
    pub(super) fn read(db: &Connection) -> Result<Self, Failure> {
        let channels = db
            .prepare_cached("SELECT log, channel FROM logs")?
            .query_map([], |row| Ok((row.get(0)?, ChannelId::new(row.get::<_, String>(1)?))))?
            .collect::<Result<_, _>>()?;
        let forgotten = db.prepare_cached("SELECT log FROM forgotten_logs")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Self { channels, forgotten })
    }

    /// The channel of a log. `None` for a forgotten one.
    pub(super) fn channel(&self, log: &ChannelId) -> Option<ChannelId> {
        if self.forgotten.contains(log.as_str()) {
            return None;
        }
        Some(self.channels.get(log.as_str()).unwrap_or(log).clone())
    }
}

/// Nothing that was kept of the channel is found from now on. Takes the same time for any number of messages.
pub(super) fn forget(db: &Connection, channel: &ChannelId) -> Result<(), Failure> {
    let log = Log::of(db, channel)?;
    if !log.is_used(db)? {
        return Ok(());
    }
    db.prepare_cached("INSERT INTO forgotten_logs (log, channel) VALUES (?1, ?2)")?.execute((&log, channel.as_str()))?;
    db.prepare_cached("REPLACE INTO logs (channel, log) VALUES (?1, ?2)")?.execute((channel.as_str(), ::rooms::random_id("log")))?;
    Ok(())
}

/// Removes some rows of forgotten logs. False when there are none.
pub(super) fn sweep(db: &Connection) -> Result<bool, Failure> {
    let next = db
        .prepare_cached("SELECT log, channel FROM forgotten_logs LIMIT 1")?
        .query_row([], |row| Ok((Log(row.get(0)?), ChannelId::new(row.get::<_, String>(1)?))))
        .optional()?;
    let Some((log, channel)) = next else { return Ok(false) };
    // The index of texts knows a message by its ordinal alone, so it goes first.
    db.prepare_cached("DELETE FROM message_search WHERE rowid IN (SELECT ordinal FROM messages WHERE channel = ?1 ORDER BY seq LIMIT ?2)")?
        .execute((&log, SWEEP_ROWS as i64))?;
    let mut left = SWEEP_ROWS;
    for (table, key) in TABLES {
        let some = format!("SELECT {key} FROM {table} WHERE channel = ?1 ORDER BY {key} LIMIT ?2");
        let removed =
            db.prepare_cached(&format!("DELETE FROM {table} WHERE channel = ?1 AND ({key}) IN ({some})"))?.execute((&log, left as i64))?;
        left = left.saturating_sub(removed);
        if left == 0 {
            return Ok(true);
        }
    }
    db.prepare_cached("DELETE FROM forgotten_logs WHERE log = ?1")?.execute([&log])?;
    settle(db, &channel)?;
    Ok(true)
}

/// A channel of which nothing was left, and nothing came since, gets back the log that it had at first.
fn settle(db: &Connection, channel: &ChannelId) -> Result<(), Failure> {
    let is_being_swept = db.prepare_cached("SELECT 1 FROM forgotten_logs WHERE channel = ?1")?.exists([channel.as_str()])?;
    if !is_being_swept && !Log::of(db, channel)?.is_used(db)? {
        db.prepare_cached("DELETE FROM logs WHERE channel = ?1")?.execute([channel.as_str()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::{marks, messages, schema, search};
    use ::rooms::store::{Mark, NewMessage, Nonce, Pin, React};
    use ::rooms::view::Audience;
    use ::rooms::{MessageId, User, UserId};
    use std::time::SystemTime;

    /// Messages of as many users, which mention everyone, and of which the first bears a reaction and is pinned.
    fn write(db: &Connection, channel: &str, messages: u64) {
        let (channel, at) = (Log::of(db, &ChannelId::new(channel)).expect("resolved").into_id(), SystemTime::now());
        for n in 1..=messages {
            let new = NewMessage {
                id: MessageId::new(format!("msg_{n}")),
                channel: channel.clone(),
                author: User { id: UserId::new(format!("u_{n}")), name: "하나".into() },
                nonce: Nonce("n".into()),
                text: "건배".into(),
                sent_at: at,
                reply_to: None,
                mentions: vec![Audience::Everyone],
                attachments: vec![],
            };
            assert_eq!(messages::append(db, new).expect("appended").message.seq, n);
        }
        let (mark, emoji, user) = (Mark::On, "🍻".to_owned(), UserId::new("u_1"));
        marks::react(db, &React { channel: channel.clone(), seq: 1, user, emoji, mark }).expect("reacted");
        marks::pin(db, &Pin { channel, seq: 1, mark, at }).expect("pinned");
    }

    /// Of messages, what the index knows of them, mentions, nonces, markers, reactions, pins, and logs.
    fn rows(db: &Connection) -> [i64; 9] {
        let count = |table: &str| db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("counted");
        ["messages", "message_search_docsize", "mentions", "message_nonces", "markers", "reactions", "pins", "logs", "forgotten_logs"]
            .map(count)
    }

    #[test]
    fn a_forgotten_log_goes_in_pieces_and_leaves_no_trace_while_its_neighbour_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut db = schema::open(&dir.path().join("zzan.db")).expect("opens");
        let tx = db.transaction().expect("begun");
        write(&tx, "a", 700);
        write(&tx, "b", 3);
        while search::index_piece(&tx, 100).expect("indexed") {}
        forget(&tx, &ChannelId::new("a")).expect("forgotten");
        forget(&tx, &ChannelId::new("never used")).expect("no error");
        assert_eq!(rows(&tx), [703, 700, 703, 703, 703, 2, 2, 1, 1]);
        let mut pieces = 0;
        while sweep(&tx).expect("swept") {
            pieces += 1;
        }
        assert_eq!(pieces, 3, "2,802 rows");
        assert_eq!(rows(&tx), [3, 0, 3, 3, 3, 1, 1, 0, 0]);
        write(&tx, "c", 3);
        assert!(search::index_piece(&tx, 6).expect("indexed"));
        assert_eq!(rows(&tx), [6, 6, 6, 6, 6, 2, 2, 0, 0]);
    }

    #[test]
    fn a_channel_written_to_again_keeps_its_new_log_through_the_sweep_of_the_old_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut db = schema::open(&dir.path().join("zzan.db")).expect("opens");
        let tx = db.transaction().expect("begun");
        for messages in [5, 4, 2] {
            forget(&tx, &ChannelId::new("a")).expect("forgotten");
            write(&tx, "a", messages);
            while search::index_piece(&tx, 1).expect("indexed") {}
        }
        while sweep(&tx).expect("swept") {}
        assert_eq!(rows(&tx), [2, 2, 2, 2, 2, 1, 1, 1, 0]);
        forget(&tx, &ChannelId::new("a")).expect("forgotten");
        while sweep(&tx).expect("swept") {}
        assert_eq!(rows(&tx), [0; 9]);
        write(&tx, "a", 1);
        assert!(search::index_piece(&tx, 1).expect("indexed"), "what comes after the newest was removed is indexed as well");
        assert_eq!(rows(&tx), [1, 1, 1, 1, 1, 1, 1, 0, 0]);
    }
}
