//! The node's flushers: a few tasks that send what was told to many sessions at once.
//!
//! A burst of events to a thousand sessions wakes each flusher once and is one write to each socket, however many events there are. Waking
//! every session's own task for every event costs more than the events themselves. They know no event.

use super::outlet::Outlet;
use super::render::Renderings;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Events wait until nothing has happened on the node for this long: a write to a socket costs ten times what it carries, and a burst of
/// eight messages takes a few milliseconds to store. Shorter cuts bursts in two, longer is felt in a conversation.
const QUIET: Duration = Duration::from_millis(2);
/// And for about this long at most, however much happens.
const GATHER_MAX: Duration = Duration::from_millis(8);
/// Sessions that are flushed before others of the runtime have their turn.
const TURN_SESSIONS: usize = 64;

/// What one flusher has before it. It is as long as there are sessions at most: each is on it once.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    list: Mutex<Vec<Outlet>>,
    listed: Notify,
}

impl Shard {
    /// Has this session flushed soon. Its owner sees to it that it is listed once.
    pub(super) fn list(&self, outlet: Outlet) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        list.push(outlet);
        let is_first = list.len() == 1;
        drop(list);
        if is_first {
            self.listed.notify_one();
        }
    }

    async fn run(self: Arc<Self>, renderings: Arc<Renderings>, stop: CancellationToken) {
        let mut taken = Vec::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.listed.notified() => {}
            }
            gather(&renderings).await;
            std::mem::swap(&mut taken, &mut *self.list.lock().unwrap_or_else(PoisonError::into_inner));
            for (index, outlet) in taken.drain(..).enumerate() {
                outlet.flush();
                if index % TURN_SESSIONS == TURN_SESSIONS - 1 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

async fn gather(renderings: &Renderings) {
    let (began, mut seen) = (Instant::now(), renderings.count());
    while began.elapsed() < GATHER_MAX {
        tokio::time::sleep(QUIET).await;
        if seen == renderings.count() {
            return;
        }
        seen = renderings.count();
    }
}

/// All flushers of a node. Sessions are dealt to them in turn.
#[derive(Debug)]
pub(crate) struct Flushers {
    shards: Vec<Arc<Shard>>,
    dealt: AtomicUsize,
}

impl Flushers {
    /// Starts one for each core. They end with `stop`, after which each session flushes for itself.
    pub(crate) fn start(renderings: &Arc<Renderings>, stop: &CancellationToken) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shards: Vec<Arc<Shard>> = (0..cores).map(|_| Arc::default()).collect();
        for shard in &shards {
            tokio::spawn(shard.clone().run(renderings.clone(), stop.clone()));
        }
        Self { shards, dealt: AtomicUsize::new(0) }
    }

    /// The one for a new session.
    pub(super) fn next(&self) -> Arc<Shard> {
        let dealt = self.dealt.fetch_add(1, Ordering::Relaxed);
        self.shards[dealt % self.shards.len()].clone()
    }
}
