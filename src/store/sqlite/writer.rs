//! The one thread that writes: it takes what is queued, runs it in one transaction, syncs once, and then replies to all.
//!
//! It knows no operation. Between transactions it indexes texts, once there are enough of them, and while nothing is queued it removes what was
//! forgotten. Invariant: a reply of success is sent after the commit of the transaction that its operation ran in.
//!
//! ```text
//! queue:   a b c | d e          BEGIN  SAVEPOINT a  b  c  COMMIT+sync  reply a b c  BEGIN  d e …
//! ```

use super::{Failure, OPERATION_WAIT, logs, refuse, search};
use rooms::store::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// Operations that wait for the writer. When it is full a caller waits for a place, up to [`OPERATION_WAIT`].
const QUEUE_OPERATIONS: usize = 1024;

/// Operations in one transaction. More share one sync, but the first of them waits longer for it.
const BATCH_OPERATIONS: usize = 256;

/// How long nonces are kept: a day as promised, and an hour more for clocks that jump.
const NONCES_KEPT: Duration = Duration::from_secs(25 * 3600);

/// How long links are kept: the 30 days that the longest may live, and as long again in which they are told to have expired.
const LINKS_KEPT: Duration = Duration::from_secs(60 * 24 * 3600);

/// How often outdated rows are removed.
const PRUNE_EVERY: Duration = Duration::from_secs(600);

/// Rows of one table that one pruning removes, so that it never holds up the operations behind it for long.
const PRUNE_ROWS: u32 = 10_000;

/// How often a piece of what was forgotten is removed while operations never stop coming: about a tenth of the time. It goes on without a
/// pause while there are none.
const SWEEP_EVERY: Duration = Duration::from_millis(100);

/// The way to the writing thread.
pub(super) struct Writer {
    /// `None` once stopped.
    queue: Mutex<Option<mpsc::Sender<Box<dyn Operation>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread, which indexes `piece` messages at once.
    pub(super) fn start(db: Connection, piece: u32) -> std::io::Result<Self> {
        let (queue, operations) = mpsc::channel(QUEUE_OPERATIONS);
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || serve(db, operations, piece))?;
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    /// Runs `run` inside a transaction and returns its result after the commit. When it fails, what it wrote is undone.
    pub(super) async fn run<T, F>(&self, name: &'static str, run: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let started = Instant::now();
        let (reply, result) = oneshot::channel();
        let operation = Box::new(Pending { name, run: Some(run), outcome: None, reply });
        let queue = lock(&self.queue).clone().ok_or(StoreError::Unavailable)?;
        let answered = async {
            queue.send(operation).await.map_err(|_| StoreError::Unavailable)?;
            result.await.map_err(|_| StoreError::Unavailable)?
        };
        let result = tokio::time::timeout(OPERATION_WAIT, answered).await.unwrap_or_else(|_| {
            tracing::error!(operation = name, "the store's writer does not keep up");
            Err(StoreError::Unavailable)
        });
        metrics::histogram!("zzan_store_seconds", "operation" => name).record(started.elapsed());
        result
    }

    pub(super) fn is_running(&self) -> bool {
        lock(&self.queue).as_ref().is_some_and(|queue| !queue.is_closed())
    }

    /// Refuses new operations, and returns when those queued are committed.
    pub(super) fn stop(&self) {
        drop(lock(&self.queue).take());
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer had panicked");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Nothing under these locks can panic, so a poisoned one holds what it should.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// An operation on its way through the writer: run once, then told once how the transaction ended.
trait Operation: Send {
    /// False when it failed: its savepoint is to be rolled back.
    fn run(&mut self, db: &Connection) -> bool;
    fn reply(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Pending<T, F> {
    name: &'static str,
    run: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Operation for Pending<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Failure> + Send,
{
    fn run(&mut self, db: &Connection) -> bool {
        if let Some(run) = self.run.take() {
            self.outcome = Some(run(db).map_err(|failure| refuse(self.name, &failure)));
        }
        matches!(self.outcome, Some(Ok(_)))
    }

    fn reply(self: Box<Self>, committed: Result<(), StoreError>) {
        let outcome = self.outcome.unwrap_or(Err(StoreError::Unavailable));
        // A caller that stopped waiting was told `Unavailable`: the operation may have happened.
        let _ = self.reply.send(outcome.and_then(|value| committed.map(|()| value)));
    }
}

fn serve(mut db: Connection, mut operations: mpsc::Receiver<Box<dyn Operation>>, piece: u32) {
    let mut batch = Vec::with_capacity(BATCH_OPERATIONS);
    let mut pruned: Option<Instant> = None;
    let mut swept = Instant::now();
    loop {
        while operations.is_empty() && !operations.is_closed() && between(&mut db, logs::sweep) {}
        if operations.blocking_recv_many(&mut batch, BATCH_OPERATIONS) == 0 {
            break;
        }
        metrics::histogram!("zzan_store_batch_operations").record(batch.len() as f64);
        let committed = commit(&mut db, &mut batch);
        for operation in batch.drain(..) {
            operation.reply(committed);
        }
        while between(&mut db, |db| search::index_piece(db, piece)) {}
        if pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
            pruned = Some(Instant::now());
            if let Err(error) = prune(&db, SystemTime::now()) {
                tracing::warn!(%error, "outdated rows of the store stay for now");
            }
        }
        if swept.elapsed() >= SWEEP_EVERY {
            between(&mut db, logs::sweep);
            swept = Instant::now();
        }
    }
    // Moves the log into the database, so that the next start has nothing to recover.
    if let Err(error) = db.pragma_update(None, "wal_checkpoint", "TRUNCATE") {
        tracing::debug!(%error, "no checkpoint at the end");
    }
}

/// Runs the batch in one transaction. An error is one of the transaction: none of the batch happened.
fn commit(db: &mut Connection, batch: &mut [Box<dyn Operation>]) -> Result<(), StoreError> {
    let started = Instant::now();
    let failed = |error: rusqlite::Error| refuse("commit", &Failure::Sqlite(error));
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    for operation in batch {
        run(&tx, "SAVEPOINT operation").map_err(failed)?;
        let is_kept = operation.run(&tx);
        // A full disk or an I/O error may end the whole transaction behind our back: what ran before is gone too.
        if tx.is_autocommit() {
            return Err(StoreError::Unavailable);
        }
        if !is_kept {
            run(&tx, "ROLLBACK TO operation").map_err(failed)?;
        }
        run(&tx, "RELEASE operation").map_err(failed)?;
    }
    tx.commit().map_err(failed)?;
    metrics::histogram!("zzan_store_commit_seconds").record(started.elapsed());
    Ok(())
}

/// A statement that is prepared once, which would cost more than running it.
fn run(db: &Connection, statement: &str) -> Result<(), rusqlite::Error> {
    db.prepare_cached(statement)?.execute([])?;
    Ok(())
}

/// Does a piece of work that nobody waits for, in a transaction of its own. False when there is none, or it can't be done now.
fn between(db: &mut Connection, work: impl FnOnce(&Connection) -> Result<bool, Failure>) -> bool {
    let piece = || {
        let tx = db.transaction()?;
        let is_some = work(&tx)?;
        if is_some {
            tx.commit()?;
        }
        Ok::<_, Failure>(is_some)
    };
    piece().unwrap_or_else(|error| {
        tracing::warn!(%error, "rows of the store that are to be indexed or removed stay for now");
        false
    })
}

/// Removes nonces and links that nobody can ask for any more.
fn prune(db: &Connection, now: SystemTime) -> Result<(), rusqlite::Error> {
    for (statement, kept) in [
        (
            "DELETE FROM message_nonces WHERE (channel, author_id, nonce) IN
                (SELECT channel, author_id, nonce FROM message_nonces WHERE stored_at_ns < ?1 LIMIT ?2)",
            NONCES_KEPT,
        ),
        (
            "DELETE FROM room_nonces WHERE (owner_id, nonce) IN
                (SELECT owner_id, nonce FROM room_nonces WHERE stored_at_ns < ?1 LIMIT ?2)",
            NONCES_KEPT,
        ),
        (
            "DELETE FROM notification_keys WHERE (user_id, key) IN
                (SELECT user_id, key FROM notification_keys WHERE stored_at_ns < ?1 LIMIT ?2)",
            NONCES_KEPT,
        ),
        ("DELETE FROM links WHERE secret_hash IN (SELECT secret_hash FROM links WHERE stored_at_ns < ?1 LIMIT ?2)", LINKS_KEPT),
    ] {
        db.prepare_cached(statement)?.execute((super::to_ns(now - kept), PRUNE_ROWS))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::schema;

    #[test]
    fn pruning_removes_what_is_older_than_the_promise_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let db = schema::open(&dir.path().join("zzan.db")).expect("opens");
        let now = SystemTime::now();
        for (nonce, age_h) in [("fresh", 0), ("promised", 24), ("old", 26)] {
            let at = super::super::to_ns(now - Duration::from_secs(age_h * 3600));
            db.execute("INSERT INTO message_nonces VALUES ('c', 'u', ?1, 1, ?2)", (nonce, at)).expect("inserted");
            db.execute("INSERT INTO room_nonces VALUES ('u', ?1, 'r', ?2)", (nonce, at)).expect("inserted");
            db.execute("INSERT INTO notification_keys VALUES ('u', ?1, 1, ?2)", (nonce, at)).expect("inserted");
        }
        for (hash, age_days) in [([1u8; 32], 0), ([2; 32], 59), ([3; 32], 61)] {
            let at = super::super::to_ns(now - Duration::from_secs(age_days * 24 * 3600));
            db.execute("INSERT INTO links VALUES (?1, 'r', NULL, 1, 0, 0, ?2)", (hash, at)).expect("inserted");
        }
        prune(&db, now).expect("pruned");
        let links: i64 = db.query_row("SELECT count(*) FROM links", [], |row| row.get(0)).expect("read");
        assert_eq!(links, 2);
        for (table, nonce) in [("message_nonces", "nonce"), ("room_nonces", "nonce"), ("notification_keys", "key")] {
            let kept: String = db
                .query_row(&format!("SELECT group_concat(n, ' ') FROM (SELECT {nonce} AS n FROM {table} ORDER BY n)"), [], |row| row.get(0))
                .expect("read");
            assert_eq!(kept, "fresh promised");
        }
    }
}
