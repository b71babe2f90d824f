//! What a client asked for on one connection and its session hasn't looked at yet, in the order of the wire.
//!
//! It parses nothing. Almost always it is empty, and then it holds next to nothing: there is one for every connection.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Events that wait. When it is full the next one is answered with `rate_limited`: the client is faster than what it asks for.
const EVENTS_MAX: usize = 64;
/// Bytes of those events: two of the longest messages. When it is full, likewise.
const BYTES_MAX: usize = 256 * 1024;
/// Events for which an empty inbox keeps room.
const KEPT_EVENTS: usize = 2;

/// One connection's.
pub(super) struct Inbox<T>(Arc<Inner<T>>);

/// Where the codec puts what came.
pub(super) struct Slot<T>(Arc<Inner<T>>);

struct Inner<T> {
    waiting: Mutex<Waiting<T>>,
    arrived: Notify,
}

struct Waiting<T> {
    /// Each with its bytes.
    events: VecDeque<(T, usize)>,
    bytes: usize,
    closed: bool,
}

impl<T> Inbox<T> {
    /// An inbox and its other end.
    pub(super) fn new() -> (Self, Slot<T>) {
        let waiting = Mutex::new(Waiting { events: VecDeque::new(), bytes: 0, closed: false });
        let inner = Arc::new(Inner { waiting, arrived: Notify::new() });
        (Self(inner.clone()), Slot(inner))
    }

    /// The next one, if there is one.
    pub(super) fn take(&self) -> Option<T> {
        let mut waiting = self.0.lock();
        let (event, bytes) = waiting.events.pop_front()?;
        waiting.bytes -= bytes;
        if waiting.events.is_empty() {
            waiting.events.shrink_to(KEPT_EVENTS);
        }
        Some(event)
    }

    /// Waits for the next one. Cancel-safe.
    pub(super) async fn next(&self) -> T {
        loop {
            match self.take() {
                Some(event) => return event,
                None => self.0.arrived.notified().await,
            }
        }
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        *self.0.lock() = Waiting { events: VecDeque::new(), bytes: 0, closed: true };
    }
}

impl<T> Slot<T> {
    /// Puts an event of so many bytes behind the others.
    ///
    /// # Errors
    /// The event, when the inbox is full or nobody takes from it any more.
    pub(super) fn put(&self, event: T, bytes: usize) -> Result<(), T> {
        let mut waiting = self.0.lock();
        if waiting.closed || waiting.events.len() == EVENTS_MAX || waiting.bytes + bytes > BYTES_MAX {
            return Err(event);
        }
        waiting.bytes += bytes;
        waiting.events.push_back((event, bytes));
        drop(waiting);
        self.0.arrived.notify_one();
        Ok(())
    }
}

impl<T> Inner<T> {
    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_put_is_taken_in_order_however_late() {
        let (inbox, slot) = Inbox::new();
        let putting = tokio::spawn(async move {
            for event in 0..200 {
                while slot.put(event, 1).is_err() {
                    tokio::task::yield_now().await;
                }
            }
        });
        for event in 0..200 {
            assert_eq!(inbox.next().await, event);
        }
        putting.await.unwrap();
        assert_eq!(inbox.take(), None);
    }

    #[test]
    fn too_many_and_too_long_ones_are_given_back() {
        let (inbox, slot) = Inbox::new();
        for event in 0..EVENTS_MAX {
            assert_eq!(slot.put(event, 1), Ok(()));
        }
        assert_eq!(slot.put(EVENTS_MAX, 1), Err(EVENTS_MAX));
        assert_eq!(std::iter::from_fn(|| inbox.take()).count(), EVENTS_MAX);
        assert_eq!((slot.put(0, BYTES_MAX), slot.put(1, 1)), (Ok(()), Err(1)));
        assert_eq!((inbox.take(), slot.put(1, 1)), (Some(0), Ok(())), "its bytes are given back");
        drop(inbox);
        assert_eq!(slot.put(2, 1), Err(2), "nobody takes it");
    }
}
