//! Tells whoever fills a writer's queue that the writer has emptied it.
//!
//! It doesn't say how much was written: what came into the queue while the writer wrote may still be there.

use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

/// Counts the times at which everything that the codec had taken from its queue was written.
#[derive(Debug, Default)]
pub(crate) struct Flushes {
    count: AtomicU64,
    flushed: Notify,
}

impl Flushes {
    /// What the codec had taken from its queue is written.
    pub(crate) fn flushed(&self) {
        self.count.fetch_add(1, Ordering::Release);
        self.flushed.notify_waiters();
    }

    /// So often until now.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Waits until there were more than `seen`.
    pub(crate) async fn more_than(&self, seen: u64) {
        let flushed = self.flushed.notified();
        if self.count() <= seen {
            flushed.await;
        }
    }
}
