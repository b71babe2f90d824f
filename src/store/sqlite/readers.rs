//! Connections that only read, each used by one query at a time on a blocking thread.
//!
//! Invariant: a reader sees every commit that was acknowledged before its query began, and of later ones none, however many statements it has.

use super::{Failure, OPERATION_WAIT, refuse, schema};
use crate::store::OpenError;
use rooms::store::StoreError;
use rusqlite::Connection;
use std::path::Path;
use std::time::Instant;
use tokio::sync::{Mutex, mpsc};

/// Queries at a time. More would not be faster on few cores; a caller beyond them waits, up to [`OPERATION_WAIT`].
const READERS: usize = 4;

/// The idle reading connections.
pub(super) struct Readers {
    idle: Mutex<mpsc::Receiver<Connection>>,
    back: mpsc::Sender<Connection>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let (back, idle) = mpsc::channel(READERS);
        for _ in 0..READERS {
            let db = schema::open_reader(path).map_err(|source| OpenError::Database { path: path.to_owned(), source })?;
            // The channel has a place for each of them.
            let _ = back.try_send(db);
        }
        Ok(Self { idle: Mutex::new(idle), back })
    }

    /// Runs a query.
    pub(super) async fn run<T, F>(&self, name: &'static str, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let started = Instant::now();
        let taken = async { self.idle.lock().await.recv().await };
        let db = tokio::time::timeout(OPERATION_WAIT, taken).await.ok().flatten().ok_or_else(|| {
            tracing::error!(operation = name, "the store's readers do not keep up");
            StoreError::Unavailable
        })?;
        let lent = Lent { db: Some(db), back: self.back.clone() };
        let result = tokio::task::spawn_blocking(move || lent.db.as_ref().map(|db| query(&*db.unchecked_transaction()?))).await;
        metrics::histogram!("zzan_store_seconds", "operation" => name).record(started.elapsed());
        match result {
            Ok(Some(Ok(value))) => Ok(value),
            Ok(Some(Err(failure))) => Err(refuse(name, &failure)),
            Ok(None) | Err(_) => Err(StoreError::Unavailable),
        }
    }
}

/// A connection on loan: it goes back when the query ends, also by a panic.
struct Lent {
    db: Option<Connection>,
    back: mpsc::Sender<Connection>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(db) = self.db.take() {
            let _ = self.back.try_send(db);
        }
    }
}
