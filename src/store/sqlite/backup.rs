//! A copy of the database in one file, made while a node writes, and the way back into an empty data directory.
//!
//! Both are done by a process of their own, beside the node. Invariant: a copy is the database between two commits, whole, or it isn't there.

use super::schema;
use crate::store::partial::Partial;
use crate::store::{DATABASE_FILE, LOCK_FILE, OpenError, lock};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a copy is tried while another process holds the file, and how long it waits in between.
const TRIES: u32 = 100;
const TRY_EVERY: Duration = Duration::from_millis(100);

/// Why there is no copy. The texts name the flag.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is nothing to be copied.
    #[error("--data-dir {}: there is no database of zzan in it", path.display())]
    NoDatabase { path: PathBuf },
    /// Nothing is ever overwritten.
    #[error("{flag} {}: it is there already; allowed is a name that isn't taken", path.display())]
    Exists { flag: &'static str, path: PathBuf },
    /// Somebody's data may be in it.
    #[error("--data-dir {}: it holds {found:?} already; allowed is a directory that is empty or isn't there", path.display())]
    NotEmpty { path: PathBuf, found: String },
    /// A running node holds the directory.
    #[error("--data-dir {}: it is in use by another zzan process; stop that one first", path.display())]
    InUse { path: PathBuf },
    /// A database, but of another program.
    #[error("{flag} {}: it is not a database of zzan", path.display())]
    Foreign { flag: &'static str, path: PathBuf },
    /// Written by a later version of zzan.
    #[error("{flag} {}: it has schema version {found}, and this zzan knows up to {known}: use the zzan that wrote it, or a newer one", path.display())]
    Newer { flag: &'static str, path: PathBuf, found: i64, known: i64 },
    /// SQLite's own check of its structure has found something.
    #[error("{flag} {}: it is damaged: {verdict}", path.display())]
    Damaged { flag: &'static str, path: PathBuf, verdict: String },
    /// It can't be read or written.
    #[error("{flag} {}: it can't be used: {source}", path.display())]
    File { flag: &'static str, path: PathBuf, source: io::Error },
    /// The database in it can't be read or written.
    #[error("{flag} {}: it can't be used: {source}", path.display())]
    Database { flag: &'static str, path: PathBuf, source: rusqlite::Error },
}

/// Copies the database of `data_dir` into the new file `to`, while a node may be writing. All that was acknowledged before the call is in it.
/// Returns the length of the copy in bytes. Blocks on the disk.
///
/// # Errors
/// [`CopyError`] where there is no database of ours, or `to` is there or can't be written. Then there is no file `to`.
pub fn backup(data_dir: &Path, to: &Path) -> Result<u64, CopyError> {
    let path = data_dir.join(DATABASE_FILE);
    if !path.is_file() {
        return Err(CopyError::NoDatabase { path: data_dir.to_owned() });
    }
    let source = Named { flag: "--data-dir", path: data_dir };
    // A reader of a log in use has to write to the index that processes share.
    let db = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| source.database(error))?;
    schema::query_only(&db).map_err(|error| source.database(error))?;
    check_origin(&db, source)?;
    copy(&db, source, Named { flag: "--to", path: to })
}

/// Copies the database of a backup into an empty `data_dir`, which is made where it's missing. An older schema is brought up to date when the
/// next node opens it. Returns its length in bytes. Blocks on the disk.
///
/// # Errors
/// [`CopyError`] where `from` is no sound database of ours that this program knows, or `data_dir` isn't empty. Then `data_dir` is as it was, but
/// for the file that locks it.
pub fn restore(from: &Path, data_dir: &Path) -> Result<u64, CopyError> {
    let source = Named { flag: "--from", path: from };
    if !from.is_file() {
        return Err(source.file(io::ErrorKind::NotFound.into()));
    }
    let db = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| source.database(error))?;
    check_origin(&db, source)?;
    let verdict = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0)).map_err(|error| source.database(error))?;
    if verdict != "ok" {
        return Err(CopyError::Damaged { flag: source.flag, path: from.to_owned(), verdict });
    }
    let target = Named { flag: "--data-dir", path: data_dir };
    let _lock = lock(data_dir).map_err(|error| match error {
        OpenError::InUse { path } => CopyError::InUse { path },
        OpenError::Directory { source, .. } => target.file(source),
        other => target.file(io::Error::other(other)),
    })?;
    for entry in std::fs::read_dir(data_dir).map_err(|error| target.file(error))? {
        let found = entry.map_err(|error| target.file(error))?.file_name();
        if found != LOCK_FILE {
            return Err(CopyError::NotEmpty { path: data_dir.to_owned(), found: found.to_string_lossy().into_owned() });
        }
    }
    copy(&db, source, Named { flag: target.flag, path: &data_dir.join(DATABASE_FILE) })
}

/// A path, and the flag that it came from.
#[derive(Clone, Copy)]
struct Named<'a> {
    flag: &'static str,
    path: &'a Path,
}

impl Named<'_> {
    fn database(self, source: rusqlite::Error) -> CopyError {
        CopyError::Database { flag: self.flag, path: self.path.to_owned(), source }
    }

    fn file(self, source: io::Error) -> CopyError {
        match source.kind() {
            io::ErrorKind::AlreadyExists => CopyError::Exists { flag: self.flag, path: self.path.to_owned() },
            _ => CopyError::File { flag: self.flag, path: self.path.to_owned(), source },
        }
    }
}

/// That it is a database of ours which this program can read.
fn check_origin(db: &Connection, named: Named<'_>) -> Result<(), CopyError> {
    let (flag, path) = (named.flag, named.path.to_owned());
    match schema::origin(db).map_err(|error| named.database(error))? {
        schema::Origin::Ours => Ok(()),
        schema::Origin::Empty | schema::Origin::Foreign => Err(CopyError::Foreign { flag, path }),
        schema::Origin::Newer { found, known } => Err(CopyError::Newer { flag, path, found, known }),
    }
}

/// Writes a file that is read without its log: one file is the whole copy, and it may be read where nothing can be written.
fn copy(db: &Connection, from: Named<'_>, to: Named<'_>) -> Result<u64, CopyError> {
    let partial = Partial::beside(to.path).map_err(|error| to.file(error))?;
    let mut target = Connection::open(partial.path()).map_err(|error| to.database(error))?;
    // It is synced once, when it is whole.
    target.pragma_update(None, "synchronous", "OFF").map_err(|error| to.database(error))?;
    copy_pages(db, &mut target).map_err(|error| match error {
        CopyFailure::Busy => from.file(io::ErrorKind::ResourceBusy.into()),
        // Which of the two files it was isn't told; what runs full is the new one.
        CopyFailure::Sqlite(error) => to.database(error),
    })?;
    target.pragma_update(None, "journal_mode", "DELETE").map_err(|error| to.database(error))?;
    target.close().map_err(|(_, error)| to.database(error))?;
    partial.keep().map_err(|error| to.file(error))
}

enum CopyFailure {
    Busy,
    Sqlite(rusqlite::Error),
}

/// All in one step, so that it is one snapshot: between steps others' commits would begin it anew.
fn copy_pages(from: &Connection, to: &mut Connection) -> Result<(), CopyFailure> {
    let backup = Backup::new(from, to).map_err(CopyFailure::Sqlite)?;
    for _ in 0..TRIES {
        match backup.step(-1).map_err(CopyFailure::Sqlite)? {
            StepResult::Done => return Ok(()),
            // The library may add to these.
            _ => std::thread::sleep(TRY_EVERY),
        }
    }
    Err(CopyFailure::Busy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Sqlite;
    use crate::store::{Kind, Opened};
    use rooms::store::{NewMessage, Nonce, Store};
    use rooms::view::Cursor;
    use rooms::{ChannelId, MessageId, User, UserId};
    use std::fs::File;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::time::SystemTime;

    fn message(n: u64) -> NewMessage {
        NewMessage {
            id: MessageId::new(format!("msg_{n}")),
            channel: ChannelId::new("ch_1"),
            author: User { id: UserId::new("u_1"), name: "하나".into() },
            nonce: Nonce(n.to_string()),
            text: "건배 ".repeat(40),
            sent_at: SystemTime::now(),
            reply_to: None,
            mentions: vec![],
            attachments: vec![],
        }
    }

    /// Numbers of all messages, which have to be 1, 2, 3 …
    async fn head(store: &dyn Store) -> u64 {
        let mut head = 0;
        loop {
            let page = store.history(&ChannelId::new("ch_1"), Cursor::After(head), 1000).await.expect("read");
            for message in &page.messages {
                assert_eq!(message.seq, head + 1, "contiguous");
                head = message.seq;
            }
            if !page.newer {
                return head;
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_copy_made_while_others_write_has_all_that_was_acknowledged_before_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let data = dir.path().join("data");
        let opened = Opened::open(Kind::Sqlite, &data).await.expect("opens");
        let (acked, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let writer = tokio::spawn({
            let (store, acked, stop) = (opened.store(), acked.clone(), stop.clone());
            async move {
                while !stop.load(Ordering::Relaxed) {
                    let seq = store.append(message(acked.load(Ordering::Relaxed) + 1)).await.expect("stored").message.seq;
                    acked.store(seq, Ordering::Relaxed);
                }
            }
        });
        for round in 0..5 {
            while acked.load(Ordering::Relaxed) < (round + 1) * 60 {
                tokio::task::yield_now().await;
            }
            let before = acked.load(Ordering::Relaxed);
            let (from, to) = (data.clone(), dir.path().join(format!("copy-{round}")));
            let bytes = tokio::task::spawn_blocking(move || backup(&from, &to)).await.expect("ran").expect("copied");
            let after = acked.load(Ordering::Relaxed) + 1;
            let restored = dir.path().join(format!("restored-{round}"));
            assert_eq!(restore(&dir.path().join(format!("copy-{round}")), &restored).expect("restored"), bytes);
            let restored = Opened::open(Kind::Sqlite, &restored).await.expect("opens");
            let head = head(&*restored.store()).await;
            assert!((before..=after).contains(&head), "{before} were acknowledged before, {after} after: the copy has {head}");
            let next = restored.store().append(message(1_000_000)).await.expect("it goes on").message.seq;
            assert_eq!(next, head + 1);
            restored.close();
        }
        stop.store(true, Ordering::Relaxed);
        writer.await.expect("ran");
        opened.close();
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_half_made_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let (data, copy) = (dir.path().join("data"), dir.path().join("copy"));
        assert!(matches!(backup(&data, &copy), Err(CopyError::NoDatabase { .. })));
        Sqlite::open(&{
            std::fs::create_dir(&data).expect("made");
            data.join(DATABASE_FILE)
        })
        .expect("opens")
        .close();
        backup(&data, &copy).expect("copied");
        let before = std::fs::read(&copy).expect("read");
        assert!(matches!(backup(&data, &copy), Err(CopyError::Exists { flag: "--to", .. })));
        assert_eq!(std::fs::read(&copy).expect("read"), before);
        assert!(matches!(backup(&data, &dir.path().join("none/copy")), Err(CopyError::File { flag: "--to", .. })));
        assert!(matches!(restore(&copy, &data), Err(CopyError::NotEmpty { .. })));
        assert!(matches!(restore(&dir.path().join("none"), &data), Err(CopyError::File { flag: "--from", .. })));
        let mut left: Vec<_> = std::fs::read_dir(dir.path()).expect("read").map(|entry| entry.expect("read").file_name()).collect();
        left.sort();
        assert_eq!(left, ["copy", "data"]);
    }

    #[test]
    fn what_is_damaged_foreign_or_newer_is_refused_and_leaves_the_directory_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let data = dir.path().join("data");
        std::fs::create_dir(&data).expect("made");
        drop(schema::open(&data.join(DATABASE_FILE)).expect("made"));
        let refused = |name: &str, change: &dyn Fn(&Path)| {
            let copy = dir.path().join(name);
            backup(&data, &copy).expect("copied");
            change(&copy);
            let target = dir.path().join(format!("from {name}"));
            let error = restore(&copy, &target).expect_err("refused").to_string();
            assert!(!target.exists() && error.starts_with("--from ") && error.contains(name), "{error}");
            error
        };
        let sql = |path: &Path, sql: &str| Connection::open(path).and_then(|db| db.execute_batch(sql)).expect("changed");
        assert!(refused("newer", &|copy| sql(copy, "PRAGMA user_version = 99")).contains("schema version 99"));
        assert!(refused("foreign", &|copy| sql(copy, "PRAGMA application_id = 7")).contains("not a database of zzan"));
        assert!(refused("text", &|copy| std::fs::write(copy, "건배 ".repeat(2_000)).expect("written")).contains("can't be used"));
        refused("torn", &|copy| File::options().write(true).open(copy).and_then(|file| file.set_len(20_000)).expect("torn"));
        let damaged = refused("damaged", &|copy| {
            use std::io::{Seek as _, Write as _};
            let mut file = File::options().write(true).open(copy).expect("opens");
            file.seek(std::io::SeekFrom::Start(3 * 4096)).expect("there is more");
            file.write_all(&[0xa5; 4096]).expect("damaged");
        });
        assert!(damaged.contains("damaged") || damaged.contains("malformed"), "{damaged}");
    }
}
