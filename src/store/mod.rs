//! The keepers of the durable half: opens the one that the configuration names.
//!
//! It is not where anything is decided. Invariant: one process per data directory, held by a lock on `zzan.lock`.

mod about;
mod partial;
pub mod sqlite;
pub mod transfer;

use rooms::store::MemoryStore;
use rooms::store::{Store, Transfer};
use sqlite::Sqlite;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file in the data directory that a running node holds locked.
const LOCK_FILE: &str = "zzan.lock";

/// The database in the data directory.
const DATABASE_FILE: &str = "zzan.db";

/// Which keeper to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The embedded database in the data directory.
    Sqlite,
    /// Nothing survives the process.
    Memory,
}

/// An opened keeper.
pub struct Opened {
    store: Arc<dyn Store>,
    transfer: Arc<dyn Transfer>,
    sqlite: Option<Arc<Sqlite>>,
    _lock: Option<File>,
}

impl Opened {
    /// Opens the keeper; `data_dir` is made where it's missing. Blocks on the disk.
    ///
    /// # Errors
    /// [`OpenError`] when the directory can't be used or the database can't be read.
    pub fn open(kind: Kind, data_dir: &Path) -> Result<Self, OpenError> {
        match kind {
            Kind::Memory => {
                let memory = Arc::new(MemoryStore::default());
                Ok(Self { store: memory.clone(), transfer: memory, sqlite: None, _lock: None })
            }
            Kind::Sqlite => {
                let lock = lock(data_dir)?;
                let sqlite = Arc::new(Sqlite::open(&data_dir.join(DATABASE_FILE))?);
                Ok(Self { store: sqlite.clone(), transfer: sqlite.clone(), sqlite: Some(sqlite), _lock: Some(lock) })
            }
        }
    }

    /// The keeper, as the domain knows it.
    pub fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// The same keeper, to be read out or filled as a whole.
    pub fn transfer(&self) -> Arc<dyn Transfer> {
        self.transfer.clone()
    }

    /// Whether writes can succeed at all: false once the writer has ended.
    pub fn is_writable(&self) -> bool {
        self.sqlite.as_ref().is_none_or(|sqlite| sqlite.is_writable())
    }

    /// Waits until everything queued is committed, and closes the files. Later operations get `Unavailable`. Blocks on the disk.
    pub fn close(&self) {
        if let Some(sqlite) = &self.sqlite {
            sqlite.close();
        }
    }
}

/// Why the keeper can't be opened. The texts name the configuration key.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory can't be made or written.
    #[error("data_dir: {} can't be used: {source}", path.display())]
    Directory { path: PathBuf, source: std::io::Error },
    /// Another process holds the lock.
    #[error("data_dir: {} is in use by another zzan process", path.display())]
    InUse { path: PathBuf },
    /// Written by a later version of zzan.
    #[error("data_dir: {} has schema version {found}, and this zzan knows up to {known}: use the zzan that wrote it, or a newer one", path.display())]
    Newer { path: PathBuf, found: i64, known: i64 },
    /// A database, but of another program.
    #[error("data_dir: {} is not a database of zzan", path.display())]
    Foreign { path: PathBuf },
    /// The database can't be opened, read or brought up to date.
    #[error("data_dir: {} can't be opened: {source}", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
    /// The writer's thread can't be started.
    #[error("the store's writer can't be started: {0}")]
    Thread(std::io::Error),
}

fn lock(data_dir: &Path) -> Result<File, OpenError> {
    let directory = |source| OpenError::Directory { path: data_dir.to_owned(), source };
    std::fs::create_dir_all(data_dir).map_err(directory)?;
    let file = File::options().write(true).create(true).truncate(false).open(data_dir.join(LOCK_FILE)).map_err(directory)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: data_dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(directory(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_on_the_same_directory_is_refused_and_may_come_after_the_first() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Opened::open(Kind::Sqlite, dir.path()).expect("the first opens");
        assert!(matches!(Opened::open(Kind::Sqlite, dir.path()), Err(OpenError::InUse { .. })));
        first.close();
        drop(first);
        Opened::open(Kind::Sqlite, dir.path()).expect("the lock is free again");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("file");
        std::fs::write(&file, "").expect("a file");
        let error = Opened::open(Kind::Sqlite, &file.join("data")).err().expect("a file is no directory").to_string();
        assert!(error.starts_with("data_dir: ") && error.contains("file/data"), "{error}");
    }
}
