//! The threads that users live on, each with a scheduler of its own: everything of a room stays on one, so that nobody waits for a lock or
//! is woken from another core.

use crate::histogram::Histogram;
use crate::recorder::{Epoch, Recorder};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How often each thread looks how late its timers are.
const LAG_PERIOD: Duration = Duration::from_millis(10);
/// What tokio's timers add by their resolution, which is no lag.
const TIMER_RESOLUTION: Duration = Duration::from_millis(1);

/// One thread.
pub struct Lane {
    pub recorder: Recorder,
    handle: Handle,
    lag: Arc<Mutex<Histogram>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Lane {
    /// Starts a thread whose users count from `epoch` on.
    ///
    /// # Errors
    /// As of starting a thread and its scheduler.
    pub fn start(number: usize, epoch: Epoch) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let lag = Arc::new(Mutex::new(Histogram::default()));
        let measured = lag.clone();
        let thread = std::thread::Builder::new().name(format!("lane{number}")).spawn(move || {
            runtime.spawn(measure(measured));
            // Either end of the channel going away stops the thread.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { recorder: Recorder::since(epoch), handle, lag, stop: Some(stop), thread: Some(thread) })
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// How late this thread's timers were until now, in microseconds.
    pub fn lag(&self) -> Histogram {
        self.lag.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a thread of users ended by a panic");
        }
    }
}

async fn measure(lag: Arc<Mutex<Histogram>>) {
    loop {
        let due = Instant::now() + LAG_PERIOD;
        tokio::time::sleep_until(due.into()).await;
        let late = due.elapsed().saturating_sub(TIMER_RESOLUTION);
        lag.lock().unwrap_or_else(PoisonError::into_inner).record(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_is_kept_busy_measures_its_lag() {
        let lane = Lane::start(0, Epoch::start()).unwrap();
        let (done, wait) = std::sync::mpsc::channel();
        lane.handle().spawn(async move {
            tokio::time::sleep(LAG_PERIOD).await;
            std::thread::sleep(Duration::from_millis(120));
            tokio::time::sleep(3 * LAG_PERIOD).await;
            done.send(()).unwrap();
        });
        wait.recv().unwrap();
        assert!(lane.lag().percentile(100.0).unwrap() >= 80_000, "{:?}", lane.lag().percentile(100.0));
    }
}
