//! When to look at which peer or room again.
//!
//! Deadlines move with nearly every packet, so entries are lazy: whoever is woken early puts itself back. Invariant: an owner
//! with a deadline has an entry no later than it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Who is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wake {
    Room {
        room: usize,
    },
    Peer {
        room: usize,
        peer: usize,
    },
    /// The packets that a room keeps.
    Kept {
        room: usize,
    },
}

#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, Wake)>>,
}

impl Timers {
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Wake> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, wake))| wake)
    }

    pub(crate) fn push(&mut self, at: Instant, wake: Wake) {
        self.heap.push(Reverse((at, wake)));
    }
}

/// The deadline of one owner, and the earliest entry it has in the heap.
#[derive(Debug, Default)]
pub(crate) struct Deadline {
    at: Option<Instant>,
    armed: Option<Instant>,
}

impl Deadline {
    /// Moves the deadline, either way.
    pub(crate) fn set(&mut self, at: Instant, wake: Wake, timers: &mut Timers) {
        self.at = Some(at);
        if self.armed.is_none_or(|armed| at < armed) {
            self.armed = Some(at);
            timers.push(at, wake);
        }
    }

    /// Makes the deadline earlier, never later.
    pub(crate) fn lower(&mut self, at: Instant, wake: Wake, timers: &mut Timers) {
        if self.at.is_none_or(|current| at < current) {
            self.set(at, wake, timers);
        }
    }

    /// An entry was popped at `now`. True when the deadline is due; else the owner is armed anew.
    pub(crate) fn woken(&mut self, now: Instant, wake: Wake, timers: &mut Timers) -> bool {
        if self.armed.is_none_or(|armed| armed > now) {
            return false; // an entry of an earlier, superseded deadline
        }
        self.armed = None;
        match self.at {
            Some(at) if at <= now => {
                self.at = None;
                true
            }
            Some(at) => {
                self.set(at, wake, timers);
                false
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const WAKE: Wake = Wake::Room { room: 0 };

    #[test]
    fn a_deadline_that_moved_back_fires_once_at_its_new_time() {
        let (start, mut timers, mut deadline) = (Instant::now(), Timers::default(), Deadline::default());
        let at = |ms| start + Duration::from_millis(ms);
        deadline.set(at(10), WAKE, &mut timers);
        deadline.set(at(30), WAKE, &mut timers);
        assert_eq!(timers.pop_due(at(10)), Some(WAKE));
        assert!(!deadline.woken(at(10), WAKE, &mut timers));
        assert_eq!(timers.pop_due(at(29)), None);
        assert_eq!(timers.pop_due(at(30)), Some(WAKE));
        assert!(deadline.woken(at(30), WAKE, &mut timers));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_thousand_moves_back_cost_one_entry() {
        let (start, mut timers, mut deadline) = (Instant::now(), Timers::default(), Deadline::default());
        for ms in 1..1000 {
            deadline.set(start + Duration::from_millis(ms), WAKE, &mut timers);
        }
        assert_eq!(timers.heap.len(), 1);
    }

    #[test]
    fn a_deadline_that_moved_forward_fires_early_and_only_once() {
        let (start, mut timers, mut deadline) = (Instant::now(), Timers::default(), Deadline::default());
        let at = |ms| start + Duration::from_millis(ms);
        deadline.set(at(30), WAKE, &mut timers);
        deadline.lower(at(10), WAKE, &mut timers);
        deadline.lower(at(20), WAKE, &mut timers);
        assert_eq!(timers.pop_due(at(10)), Some(WAKE));
        assert!(deadline.woken(at(10), WAKE, &mut timers));
        assert_eq!(timers.pop_due(at(30)), Some(WAKE));
        assert!(!deadline.woken(at(30), WAKE, &mut timers));
    }
}
