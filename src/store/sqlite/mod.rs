//! The embedded store: one SQLite file in WAL mode, one writer thread, a few readers.
//!
//! It is not a query layer: each operation of [`Store`](::rooms::store::Store) is one function of a module of this folder, run on a connection. Invariant: an `Ok` of
//! a writing operation was committed and synced before it was returned.

mod attachments;
pub mod backup;
mod chat;
mod community;
mod logs;
mod marks;
mod messages;
mod notes;
mod notifications;
mod readers;
mod rooms;
mod schema;
mod search;
mod transfer;
mod writer;

use super::OpenError;
use ::rooms::RoomId;
use ::rooms::store::{LinkRecord, Nonce, Position, Record, Records, Redeemed, RoomRecord, RoomStore, StoreError, Transfer};
use async_trait::async_trait;
use readers::Readers;
use rusqlite::ErrorCode;
use std::path::Path;
use std::time::{Duration, SystemTime};
use writer::Writer;

/// How long a caller waits for a place in a queue or for a result. Then it gets `Unavailable`: the operation may still happen.
const OPERATION_WAIT: Duration = Duration::from_secs(5);

/// The embedded store.
pub struct Sqlite {
    writer: Writer,
    readers: Readers,
}

impl Sqlite {
    /// Opens or makes the database at `path` and brings its schema up to date. Blocks on the disk.
    ///
    /// # Errors
    /// [`OpenError`] when the file can't be read or written, is newer than this program, or belongs to another.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_indexing(path, search::PIECE_MESSAGES)
    }

    /// As [`Sqlite::open`], with so many messages indexed at once.
    fn open_indexing(path: &Path, piece: u32) -> Result<Self, OpenError> {
        let connection = schema::open(path)?;
        let readers = Readers::open(path)?;
        let writer = Writer::start(connection, piece).map_err(OpenError::Thread)?;
        Ok(Self { writer, readers })
    }

    /// Whether the writer runs.
    pub fn is_writable(&self) -> bool {
        self.writer.is_running()
    }

    /// Commits what is queued and ends the writer. Blocks on the disk.
    pub fn close(&self) {
        self.writer.stop();
    }
}

#[async_trait]
impl RoomStore for Sqlite {
    async fn create_room(&self, room: RoomRecord, nonce: Nonce) -> Result<RoomRecord, StoreError> {
        self.writer.run("create_room", move |db| rooms::create(db, room, &nonce)).await
    }

    async fn room(&self, id: &RoomId) -> Result<Option<RoomRecord>, StoreError> {
        let id = id.clone();
        self.readers.run("room", move |db| rooms::find(db, &id)).await
    }

    async fn open_rooms(&self) -> Result<Vec<RoomRecord>, StoreError> {
        self.readers.run("open_rooms", rooms::all_open).await
    }

    async fn end_room(&self, id: &RoomId, at: SystemTime) -> Result<(), StoreError> {
        let id = id.clone();
        self.writer.run("end_room", move |db| rooms::end(db, &id, at)).await
    }

    async fn create_link(&self, link: LinkRecord) -> Result<(), StoreError> {
        self.writer.run("create_link", move |db| rooms::create_link(db, &link)).await
    }

    async fn redeem_link(&self, secret_hash: &[u8; 32], now: SystemTime) -> Result<Redeemed, StoreError> {
        let secret_hash = *secret_hash;
        self.writer.run("redeem_link", move |db| rooms::redeem_link(db, &secret_hash, now)).await
    }
}

#[async_trait]
impl Transfer for Sqlite {
    async fn records(&self, position: Option<Position>, limit: u32) -> Result<Records, StoreError> {
        self.readers.run("records", move |db| transfer::records(db, position.as_ref(), limit)).await
    }

    async fn put_records(&self, records: Vec<Record>) -> Result<(), StoreError> {
        self.writer.run("put_records", move |db| records.into_iter().try_for_each(|record| transfer::put(db, record))).await
    }
}

/// What an operation on a connection can fail with.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A value in a row that this program can't have written.
    #[error("{0}")]
    Unreadable(&'static str),
}

/// Logs why `operation` failed, and says what the domain needs to know of it.
fn refuse(operation: &'static str, failure: &Failure) -> StoreError {
    let error = match failure {
        Failure::Unreadable(_) => StoreError::Corrupt,
        Failure::Sqlite(rusqlite::Error::SqliteFailure(cause, _)) => match cause.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt,
            _ => StoreError::Unavailable,
        },
        Failure::Sqlite(
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..),
        ) => StoreError::Corrupt,
        Failure::Sqlite(_) => StoreError::Unavailable,
    };
    metrics::counter!("zzan_store_errors_total", "operation" => operation).increment(1);
    tracing::error!(operation, error = %failure, "the store refused an operation");
    error
}

/// Nanoseconds since 1970, as they are kept: exact, until the year 2262.
pub(super) fn to_ns(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}

/// The inverse of [`to_ns`].
pub(super) fn from_ns(ns: i64) -> SystemTime {
    let distance = Duration::from_nanos(ns.unsigned_abs());
    if ns >= 0 { SystemTime::UNIX_EPOCH + distance } else { SystemTime::UNIX_EPOCH - distance }
}

#[cfg(test)]
mod tests;
