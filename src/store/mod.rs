//! The keepers of the durable half: opens the one that the configuration names.
//!
//! It is not where anything is decided. Invariant: one process per data directory, held by a lock on `zzan.lock`; tables of DynamoDB are shared.

mod about;
pub mod dynamodb;
mod partial;
pub mod sqlite;
pub mod transfer;

use dynamodb::DynamoDb;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The embedded database in the data directory.
    Sqlite,
    /// Tables that several nodes share.
    DynamoDb(dynamodb::Settings),
    /// Nothing survives the process.
    Memory,
}

/// An opened keeper.
pub struct Opened {
    store: Arc<dyn Store>,
    keeper: Keeper,
}

/// What is beside the store itself.
enum Keeper {
    Sqlite { sqlite: Arc<Sqlite>, _lock: File },
    DynamoDb(Arc<DynamoDb>),
    Memory(Arc<MemoryStore>),
}

impl Opened {
    /// Opens the keeper; `data_dir` is made where it's missing and needed.
    ///
    /// # Errors
    /// [`OpenError`] when the directory can't be used, the database can't be read, or the tables can't be reached.
    pub async fn open(kind: Kind, data_dir: &Path) -> Result<Self, OpenError> {
        match kind {
            Kind::Memory => {
                let memory = Arc::new(MemoryStore::default());
                Ok(Self { store: memory.clone(), keeper: Keeper::Memory(memory) })
            }
            Kind::Sqlite => {
                let data_dir = data_dir.to_owned();
                let opened = tokio::task::spawn_blocking(move || open_sqlite(&data_dir)).await;
                let (sqlite, lock) = opened.map_err(|error| OpenError::Thread(error.into()))??;
                Ok(Self { store: sqlite.clone(), keeper: Keeper::Sqlite { sqlite, _lock: lock } })
            }
            Kind::DynamoDb(settings) => {
                let dynamodb = Arc::new(DynamoDb::open(&settings).await?);
                Ok(Self { store: dynamodb.clone(), keeper: Keeper::DynamoDb(dynamodb) })
            }
        }
    }

    /// The keeper, as the domain knows it.
    pub fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// The same keeper, to be read out or filled as a whole.
    pub fn transfer(&self) -> Arc<dyn Transfer> {
        match &self.keeper {
            Keeper::Sqlite { sqlite, .. } => sqlite.clone(),
            Keeper::Memory(memory) => memory.clone(),
            Keeper::DynamoDb(dynamodb) => dynamodb.clone(),
        }
    }

    /// Whether writes can succeed at all: false once the writer has ended, or while DynamoDB doesn't take any.
    pub fn is_writable(&self) -> bool {
        match &self.keeper {
            Keeper::Sqlite { sqlite, .. } => sqlite.is_writable(),
            Keeper::DynamoDb(dynamodb) => dynamodb.is_writable(),
            Keeper::Memory(_) => true,
        }
    }

    /// Waits until everything queued is committed, and closes the files. Later operations get `Unavailable`. Blocks on the disk.
    pub fn close(&self) {
        match &self.keeper {
            Keeper::Sqlite { sqlite, .. } => sqlite.close(),
            Keeper::DynamoDb(dynamodb) => dynamodb.close(),
            Keeper::Memory(_) => {}
        }
    }
}

/// Blocks on the disk.
fn open_sqlite(data_dir: &Path) -> Result<(Arc<Sqlite>, File), OpenError> {
    let lock = lock(data_dir)?;
    let sqlite = Sqlite::open(&data_dir.join(DATABASE_FILE))?;
    Ok((Arc::new(sqlite), lock))
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
    /// DynamoDB can't be reached, or has other tables than needed.
    #[error("{key}: {problem}")]
    Remote { key: &'static str, problem: String },
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

    #[tokio::test]
    async fn a_second_process_on_the_same_directory_is_refused_and_may_come_after_the_first() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Opened::open(Kind::Sqlite, dir.path()).await.expect("the first opens");
        assert!(matches!(Opened::open(Kind::Sqlite, dir.path()).await, Err(OpenError::InUse { .. })));
        first.close();
        drop(first);
        Opened::open(Kind::Sqlite, dir.path()).await.expect("the lock is free again");
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("file");
        std::fs::write(&file, "").expect("a file");
        let error = Opened::open(Kind::Sqlite, &file.join("data")).await.err().expect("a file is no directory").to_string();
        assert!(error.starts_with("data_dir: ") && error.contains("file/data"), "{error}");
    }
}
