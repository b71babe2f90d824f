//! The tables, and the way from any earlier version of them to this one.
//!
//! A migration that was released is never edited: a change is one more entry of [`MIGRATIONS`]. Invariant: `user_version` is the number of
//! entries that were applied.

use super::search;
use crate::store::OpenError;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::path::Path;
use std::time::Duration;

/// "zzan" in ASCII: tells our files from those of other programs.
const APPLICATION_ID: i64 = 0x7a7a_616e;

/// How long a statement waits for another process that holds the file (an online backup, a person with `sqlite3`).
const BUSY_WAIT: Duration = Duration::from_secs(2);

/// Memory of the writer for pages. A transaction that changes more than it holds writes some of them to the log twice.
const WRITER_CACHE_KIB: i64 = 64 * 1024;

/// Memory of each reader for pages: unread counts of 200 channels look at some 1,500 pages, which would push each other out of less.
const READER_CACHE_KIB: i64 = 16 * 1024;

/// Pages of the log, 32 MiB, after which they are moved into the database. More of them move pages that changed often only once, and sync the
/// database less often; but reading them again takes longer after a crash, and so does moving them.
const LOG_PAGES: i64 = 8 * 1024;

/// Each entry leads from the version of its index to the next.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE rooms (
        id            TEXT PRIMARY KEY,
        name          TEXT NOT NULL,
        capacity      INTEGER NOT NULL,
        password_hash TEXT,
        owner_id      TEXT NOT NULL,
        owner_name    TEXT NOT NULL,
        channel       TEXT NOT NULL,
        listing       TEXT NOT NULL,
        created_at_ns INTEGER NOT NULL,
        ended_at_ns   INTEGER
    ) STRICT;
    CREATE INDEX rooms_open ON rooms (created_at_ns) WHERE ended_at_ns IS NULL;

    CREATE TABLE room_nonces (
        owner_id     TEXT NOT NULL,
        nonce        TEXT NOT NULL,
        room         TEXT NOT NULL,
        stored_at_ns INTEGER NOT NULL,
        PRIMARY KEY (owner_id, nonce)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX room_nonces_age ON room_nonces (stored_at_ns);

    CREATE TABLE links (
        secret_hash   BLOB PRIMARY KEY,
        room          TEXT NOT NULL,
        name          TEXT,
        max_uses      INTEGER NOT NULL,
        uses          INTEGER NOT NULL,
        expires_at_ns INTEGER NOT NULL,
        stored_at_ns  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX links_age ON links (stored_at_ns);

    CREATE TABLE messages (
        channel     TEXT NOT NULL,
        seq         INTEGER NOT NULL,
        id          TEXT NOT NULL,
        author_id   TEXT NOT NULL,
        author_name TEXT NOT NULL,
        text        TEXT NOT NULL,
        sent_at_ns  INTEGER NOT NULL,
        PRIMARY KEY (channel, seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE message_nonces (
        channel      TEXT NOT NULL,
        author_id    TEXT NOT NULL,
        nonce        TEXT NOT NULL,
        seq          INTEGER NOT NULL,
        stored_at_ns INTEGER NOT NULL,
        PRIMARY KEY (channel, author_id, nonce)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX message_nonces_age ON message_nonces (stored_at_ns);
",
    "
    ALTER TABLE rooms ADD COLUMN kind TEXT NOT NULL DEFAULT 'buddy';
",
    "
    ALTER TABLE messages ADD COLUMN edited_at_ns INTEGER;
    ALTER TABLE messages ADD COLUMN deleted_at_ns INTEGER;
    ALTER TABLE messages ADD COLUMN reply_to INTEGER;
    ALTER TABLE messages ADD COLUMN mentions TEXT;
    CREATE INDEX messages_deleted ON messages (channel, seq) WHERE deleted_at_ns IS NOT NULL;
    CREATE INDEX messages_own ON messages (channel, author_id, seq) WHERE deleted_at_ns IS NULL;

    CREATE TABLE mentions (
        channel   TEXT NOT NULL,
        audience  TEXT NOT NULL,
        seq       INTEGER NOT NULL,
        author_id TEXT NOT NULL,
        PRIMARY KEY (channel, audience, seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE markers (
        user_id  TEXT NOT NULL,
        channel  TEXT NOT NULL,
        read_seq INTEGER NOT NULL,
        PRIMARY KEY (user_id, channel)
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE servers (
        id            TEXT PRIMARY KEY,
        kind          TEXT NOT NULL,
        subject       TEXT,
        name          TEXT NOT NULL,
        image_url     TEXT,
        owner         TEXT,
        created_at_ns INTEGER NOT NULL,
        version       INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE roles (
        server      TEXT NOT NULL,
        id          TEXT NOT NULL,
        kind        TEXT NOT NULL,
        name        TEXT NOT NULL,
        color       INTEGER,
        permissions INTEGER NOT NULL,
        rank        INTEGER NOT NULL,
        PRIMARY KEY (server, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE categories (
        server   TEXT NOT NULL,
        id       TEXT NOT NULL,
        name     TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (server, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE channels (
        server        TEXT NOT NULL,
        id            TEXT NOT NULL,
        category      TEXT,
        seats         INTEGER,
        name          TEXT NOT NULL,
        position      INTEGER NOT NULL,
        access        TEXT NOT NULL,
        slow_mode_ns  INTEGER,
        metadata      TEXT,
        created_at_ns INTEGER NOT NULL,
        PRIMARY KEY (server, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX channels_id ON channels (id);

    CREATE TABLE members (
        server       TEXT NOT NULL,
        user_id      TEXT NOT NULL,
        user_name    TEXT NOT NULL,
        nickname     TEXT,
        roles        TEXT NOT NULL,
        joined_at_ns INTEGER NOT NULL,
        since        TEXT NOT NULL,
        PRIMARY KEY (server, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX members_of_user ON members (user_id, joined_at_ns, server);

    CREATE TABLE bans (
        server    TEXT NOT NULL,
        user_id   TEXT NOT NULL,
        user_name TEXT NOT NULL,
        by        TEXT,
        reason    TEXT,
        at_ns     INTEGER NOT NULL,
        PRIMARY KEY (server, user_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE invites (
        secret_hash     BLOB PRIMARY KEY,
        id              TEXT NOT NULL,
        server          TEXT NOT NULL,
        role            TEXT NOT NULL,
        created_by_id   TEXT,
        created_by_name TEXT,
        created_at_ns   INTEGER NOT NULL,
        expires_at_ns   INTEGER,
        max_uses        INTEGER,
        uses            INTEGER NOT NULL,
        revoked         INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX invites_of_server ON invites (server, created_at_ns, id);

    CREATE TABLE schedules (
        server          TEXT NOT NULL,
        id              TEXT NOT NULL,
        title           TEXT NOT NULL,
        description     TEXT NOT NULL,
        starts_at_ns    INTEGER NOT NULL,
        ends_at_ns      INTEGER,
        color           INTEGER,
        remind_at_ns    INTEGER,
        created_by_id   TEXT NOT NULL,
        created_by_name TEXT NOT NULL,
        changed_at_ns   INTEGER NOT NULL,
        PRIMARY KEY (server, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX schedules_begin ON schedules (server, starts_at_ns, id);
    CREATE INDEX schedules_due ON schedules (remind_at_ns, id) WHERE remind_at_ns IS NOT NULL;

    CREATE TABLE users (
        id           TEXT PRIMARY KEY,
        name         TEXT NOT NULL,
        status       TEXT NOT NULL,
        last_seen_ns INTEGER
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE logs (
        channel TEXT PRIMARY KEY,
        log     TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE forgotten_logs (
        log     TEXT PRIMARY KEY,
        channel TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX forgotten_logs_of_channel ON forgotten_logs (channel);
    CREATE INDEX markers_of_channel ON markers (channel);
",
    "
    ALTER TABLE messages ADD COLUMN attachments TEXT;
    ALTER TABLE messages ADD COLUMN reactions TEXT;

    CREATE TABLE reactions (
        channel TEXT NOT NULL,
        seq     INTEGER NOT NULL,
        emoji   TEXT NOT NULL,
        user_id TEXT NOT NULL,
        came    INTEGER NOT NULL,
        PRIMARY KEY (channel, seq, emoji, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX reactions_order ON reactions (channel, seq, emoji, came);

    CREATE TABLE pins (
        channel      TEXT NOT NULL,
        seq          INTEGER NOT NULL,
        pinned_at_ns INTEGER NOT NULL,
        PRIMARY KEY (channel, seq)
    ) STRICT, WITHOUT ROWID;

    ALTER TABLE messages ADD COLUMN ordinal INTEGER;
    UPDATE messages SET ordinal = numbered.n
        FROM (SELECT channel AS of, seq AS number, row_number() OVER (ORDER BY latest_ns, channel, seq) AS n
            FROM (SELECT channel, seq, max(sent_at_ns) OVER (PARTITION BY channel ORDER BY seq) AS latest_ns FROM messages)) AS numbered
        WHERE channel = numbered.of AND seq = numbered.number;
    CREATE UNIQUE INDEX messages_ordinal ON messages (ordinal);
    CREATE VIRTUAL TABLE message_search USING fts5 (channel, pairs, content = '', contentless_delete = 1, tokenize = 'ascii');
    INSERT INTO message_search (rowid, channel, pairs)
        SELECT ordinal, search_channel(channel), search_pairs(text) FROM messages WHERE search_pairs(text) <> '';
",
    "
    CREATE TABLE notes (
        id              TEXT PRIMARY KEY,
        channel         TEXT NOT NULL,
        name            TEXT NOT NULL,
        started_by_id   TEXT NOT NULL,
        started_by_name TEXT NOT NULL,
        started_at_ns   INTEGER NOT NULL,
        ended_at_ns     INTEGER,
        lines           INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX notes_of_channel ON notes (channel, started_at_ns, id);
    CREATE UNIQUE INDEX notes_open ON notes (channel) WHERE ended_at_ns IS NULL;

    CREATE TABLE note_lines (
        note         TEXT NOT NULL,
        seq          INTEGER NOT NULL,
        speaker_id   TEXT NOT NULL,
        speaker_name TEXT NOT NULL,
        nonce        TEXT NOT NULL,
        text         TEXT NOT NULL,
        at_ns        INTEGER NOT NULL,
        PRIMARY KEY (note, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX note_lines_nonce ON note_lines (note, speaker_id, nonce);
",
    "
    CREATE TABLE notifications (
        user_id    TEXT NOT NULL,
        seq        INTEGER NOT NULL,
        id         TEXT NOT NULL,
        about      TEXT NOT NULL,
        at_ns      INTEGER NOT NULL,
        read_at_ns INTEGER,
        PRIMARY KEY (user_id, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX notifications_by_id ON notifications (user_id, id);
    CREATE INDEX notifications_unread ON notifications (user_id) WHERE read_at_ns IS NULL;

    CREATE TABLE notification_keys (
        user_id      TEXT NOT NULL,
        key          TEXT NOT NULL,
        seq          INTEGER NOT NULL,
        stored_at_ns INTEGER NOT NULL,
        PRIMARY KEY (user_id, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX notification_keys_age ON notification_keys (stored_at_ns);
",
    // The same with the column that they are chosen by, so that counting in them needs no look at the table.
    "
    DROP INDEX messages_deleted;
    DROP INDEX messages_own;
    CREATE INDEX messages_deleted ON messages (channel, seq, deleted_at_ns) WHERE deleted_at_ns IS NOT NULL;
    CREATE INDEX messages_own ON messages (channel, author_id, seq, deleted_at_ns) WHERE deleted_at_ns IS NULL;
",
    // Until here each message was indexed as it came.
    "
    CREATE TABLE search_progress (indexed INTEGER NOT NULL) STRICT;
    INSERT INTO search_progress SELECT coalesce(max(ordinal), 0) FROM messages;
",
];

/// Whose a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Of this program or an earlier version of it.
    Ours,
    /// New, without any table.
    Empty,
    Foreign,
    /// Of a later version, by its schema.
    Newer {
        found: i64,
        known: i64,
    },
}

/// Opens the database for writing, makes it durable and brings it up to date.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::Database { path: path.to_owned(), source };
    let mut db = connect(path).map_err(failed)?;
    match origin(&db).map_err(failed)? {
        Origin::Ours => {}
        Origin::Empty => db.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?,
        Origin::Foreign => return Err(OpenError::Foreign { path: path.to_owned() }),
        Origin::Newer { found, known } => return Err(OpenError::Newer { path: path.to_owned(), found, known }),
    }
    // FULL syncs the log at every commit: an acknowledged message survives a power cut, given an honest disk.
    db.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    db.pragma_update(None, "cache_size", -WRITER_CACHE_KIB).map_err(failed)?;
    db.pragma_update(None, "wal_autocheckpoint", LOG_PAGES).map_err(failed)?;
    search::define_functions(&db).map_err(failed)?;
    let version = version(&db).map_err(failed)?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(usize::try_from(version).unwrap_or(0)) {
        migrate(&mut db, migration, index as i64 + 1).map_err(failed)?;
    }
    // What a savepoint would bring back goes into a file otherwise, of which each operation of a batch would write five pages. Migrations may
    // sort more than fits into memory.
    db.pragma_update(None, "temp_store", "MEMORY").map_err(failed)?;
    Ok(db)
}

/// Opens one more connection, as readers need it.
pub(super) fn open_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let db = connect(path)?;
    db.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    query_only(&db)?;
    Ok(db)
}

/// Whatever is run on it from now on, this connection writes nothing.
pub(super) fn query_only(db: &Connection) -> Result<(), rusqlite::Error> {
    db.busy_timeout(BUSY_WAIT)?;
    db.pragma_update(None, "query_only", true)
}

fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let db = Connection::open(path)?;
    db.busy_timeout(BUSY_WAIT)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.set_prepared_statement_cache_capacity(64);
    // Plans depend on no value: the newest number of a channel would be planned anew at each look otherwise.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(db)
}

/// Looks whose it is, and changes nothing.
pub(super) fn origin(db: &Connection) -> Result<Origin, rusqlite::Error> {
    let id: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let (found, known) = (version(db)?, MIGRATIONS.len() as i64);
    Ok(match id {
        APPLICATION_ID if found > known => Origin::Newer { found, known },
        APPLICATION_ID => Origin::Ours,
        0 if tables == 0 => Origin::Empty,
        _ => Origin::Foreign,
    })
}

fn version(db: &Connection) -> Result<i64, rusqlite::Error> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn migrate(db: &mut Connection, migration: &str, to: i64) -> Result<(), rusqlite::Error> {
    let tx = db.transaction()?;
    tx.execute_batch(migration)?;
    tx.pragma_update(None, "user_version", to)?;
    tx.commit()?;
    tracing::info!(version = to, "the store's schema is up to date");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rooms::ChannelId;
    use rooms::store::{Search, Words};

    #[test]
    fn a_database_of_a_newer_version_is_refused_and_left_as_it_was() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("zzan.db");
        let db = open(&path).expect("opens");
        db.pragma_update(None, "user_version", 99).expect("set");
        drop(db);
        let error = open(&path).expect_err("too new").to_string();
        assert!(error.contains("schema version 99") && error.contains(&format!("up to {}", MIGRATIONS.len())), "{error}");
        assert_eq!(version(&Connection::open(&path).expect("opens")).expect("read"), 99);
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("zzan.db");
        Connection::open(&path).and_then(|db| db.execute_batch("CREATE TABLE recipes (name TEXT)")).expect("made");
        assert!(matches!(open(&path), Err(OpenError::Foreign { .. })));
    }

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("zzan.db");
        std::fs::write(&path, "a shopping list, and long enough to be taken for a header of a database".repeat(100)).expect("written");
        assert!(matches!(open(&path), Err(OpenError::Database { .. })));
    }

    #[test]
    fn what_the_first_version_kept_is_still_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("zzan.db");
        let mut db = Connection::open(&path).expect("made");
        db.pragma_update(None, "application_id", APPLICATION_ID).expect("set");
        migrate(&mut db, MIGRATIONS[0], 1).expect("migrated");
        db.execute_batch("INSERT INTO rooms VALUES ('room_1', '막걸리', 4, NULL, 'u_1', '하나', 'ch_1', 'lobby', 7, NULL)").expect("kept");
        db.execute_batch("INSERT INTO messages VALUES ('ch_1', 1, 'msg_1', 'u_1', '하나', '건배', 8)").expect("kept");
        drop(db);
        let db = open(&path).expect("brought up to date");
        let kind: String = db.query_row("SELECT kind FROM rooms WHERE id = 'room_1'", [], |row| row.get(0)).expect("read");
        assert_eq!(kind, "buddy");
        let messages =
            "SELECT text, edited_at_ns IS NULL AND deleted_at_ns IS NULL AND reply_to IS NULL AND mentions IS NULL FROM messages";
        let message: (String, bool) = db.query_row(messages, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("read");
        assert_eq!(message, ("건배".to_owned(), true));
        let words = Words::of("건배");
        let found = search::search(&db, &Search { channels: vec![ChannelId::new("ch_1")], words, before: None, limit: 1 });
        assert_eq!(found.expect("read").messages[0].seq, 1, "and is found");
    }

    #[test]
    fn opening_twice_migrates_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("zzan.db");
        drop(open(&path).expect("made"));
        let db = open(&path).expect("opened again");
        assert_eq!(version(&db).expect("read"), MIGRATIONS.len() as i64);
        assert_eq!(db.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0)).expect("read"), "wal");
        assert_eq!(db.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)).expect("read"), 2);
    }
}
