//! Turns: changes of one row that this process makes one after the other.
//!
//! They would be right without, because each change has its condition; but of many at once all but one would be refused, and be paid for. Invariant:
//! those who wait are served in their order.

use super::call::Failure;
use super::keys;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Those who may wait in one line. Whoever comes when it is full gets `Unavailable` at once: at 4 ms for each, all of them are as many as can be
/// served in the time that a caller waits.
const WAITING_MAX: usize = 1024;

/// Lines for names. More would be more memory; with fewer, names would stand in one line that have nothing to do with each other.
const LINES: u64 = 256;

/// One after the other.
pub(super) struct Line {
    turn: Semaphore,
    places: Semaphore,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { turn: Semaphore::new(1), places: Semaphore::new(WAITING_MAX) }
    }

    /// Waits for the turn, which ends when what is returned is dropped.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Failure> {
        let full = |_| Failure::Unavailable("too many wait for the same row".into());
        let place = self.places.try_acquire().map_err(full)?;
        let turn = self.turn.acquire().await.map_err(|_| Failure::Unavailable("the line is closed".into()))?;
        Ok(Turn { _turn: turn, _place: place })
    }
}

/// The right to change something, until it is dropped.
pub(super) struct Turn<'a> {
    _turn: SemaphorePermit<'a>,
    _place: SemaphorePermit<'a>,
}

/// One after the other of each name. Two names may stand in one line.
pub(super) struct Lines(Vec<Line>);

impl Lines {
    pub(super) fn new() -> Self {
        Self((0..LINES).map(|_| Line::new()).collect())
    }

    /// As [`Line::turn`].
    pub(super) async fn turn(&self, name: &str) -> Result<Turn<'_>, Failure> {
        let line = usize::try_from(keys::spread(name) % LINES).unwrap_or_default();
        self.0[line].turn().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn those_whom_nobody_could_serve_in_time_are_refused_at_once() {
        let line = Line::new();
        let first = line.turn().await.expect("the first one");
        let mut waiting: Vec<_> = (1..WAITING_MAX).map(|_| Box::pin(line.turn())).collect();
        assert!(waiting.iter_mut().all(|turn| turn.now_or_never().is_none()), "they wait");
        assert!(matches!(line.turn().now_or_never(), Some(Err(Failure::Unavailable(_)))));
        drop(first);
        assert!(waiting[0].as_mut().now_or_never().is_some_and(|turn| turn.is_ok()), "the first that waits is the next");
        assert!(line.turn().now_or_never().is_none(), "and leaves a place to wait in");
    }
}
