//! Where everybody of one thread counts, and the clock that all times of a run are read from.
//!
//! The lock is never waited for in practice: those who count share a thread, and the progress bars look a few times a second.

use crate::tally::Tally;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The zero of all times in this process.
#[derive(Debug, Clone, Copy)]
pub struct Epoch(Instant);

impl Epoch {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Microseconds since the epoch.
    pub fn now_us(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// A tally in the making. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder {
    epoch: Epoch,
    tally: Arc<Mutex<Tally>>,
}

impl Recorder {
    /// An empty tally whose time begins now.
    pub fn start() -> Self {
        Self::since(Epoch::start())
    }

    /// An empty tally with the time of others.
    pub fn since(epoch: Epoch) -> Self {
        Self { epoch, tally: Arc::default() }
    }

    /// Microseconds since the run's start.
    pub fn now_us(&self) -> u64 {
        self.epoch.now_us()
    }

    /// Counts.
    pub fn with<T>(&self, count: impl FnOnce(&mut Tally) -> T) -> T {
        count(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts something that went wrong.
    pub fn error(&self, code: &str, message: impl std::fmt::Display) {
        let now_us = self.now_us();
        self.with(|tally| tally.error(now_us, code, &message.to_string()));
    }
}
