//! What a session was told and may have to be told again: its events, numbered from 1, and what waits between them for its connection.
//!
//! It knows no socket and no clock. One invariant: numbered items are contiguous from the oldest that is kept to the newest.

use super::render::Rendered;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes that a session holds, sent and unsent together, beside one answer that its client asked for and may be large. Beyond it what was
/// sent longest ago is forgotten; when all that is left was never sent, the connection is lost and its client fetches anew. With what is on
/// its way through the codec ([`super::line::WINDOW_BYTES`]) that is below 256 KiB.
pub(super) const BACKLOG_BYTES_MAX: usize = 160 * 1024;
/// How long what was sent can be had again.
pub(super) const KEPT_MAX: Duration = Duration::from_secs(60);

/// One that goes out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item<O> {
    /// With its number.
    Numbered(u64, Arc<Rendered>),
    /// Belongs to the present connection and is lost with it. With its bytes.
    Once(O, usize),
}

impl<O> Item<O> {
    /// What it counts for.
    pub(super) fn bytes(&self) -> usize {
        let payload = match self {
            Self::Numbered(_, rendered) => rendered.bytes(),
            Self::Once(_, bytes) => *bytes,
        };
        payload + size_of::<Self>()
    }
}

/// More waits for the connection than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overflow;

/// What a client that comes back gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resumption {
    /// Everything that it missed: so many events.
    Replayed(usize),
    /// Something that it missed is gone.
    Cut,
}

/// A session's outgoing side. `O` is what goes out without a number.
#[derive(Debug)]
pub(super) struct Backlog<O> {
    /// Sent, oldest first.
    kept: VecDeque<(u64, Arc<Rendered>)>,
    unsent: VecDeque<Item<O>>,
    /// Of both together.
    bytes: usize,
    /// Of the largest one that waits without a number.
    once_bytes_max: usize,
    last_sn: u64,
}

impl<O> Default for Backlog<O> {
    fn default() -> Self {
        Self { kept: VecDeque::new(), unsent: VecDeque::new(), bytes: 0, once_bytes_max: 0, last_sn: 0 }
    }
}

impl<O> Backlog<O> {
    /// The number of the newest event; 0 before the first.
    pub(super) fn last_sn(&self) -> u64 {
        self.last_sn
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many wait.
    pub(super) fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// Numbers an event and queues it.
    pub(super) fn push(&mut self, rendered: Arc<Rendered>) -> Result<(), Overflow> {
        self.last_sn += 1;
        self.forget_before(rendered.at);
        let item = Item::Numbered(self.last_sn, rendered);
        let at = self.unsent.len();
        self.insert(at, item)
    }

    /// A number that nothing bears: no client can say that it has heard everything.
    pub(super) fn skip(&mut self) {
        while self.forget_oldest_kept() {}
        self.unsent.clear();
        (self.bytes, self.once_bytes_max) = (0, 0);
        self.last_sn += 1;
    }

    /// Queues what has no number, before the unsent item at `at`.
    pub(super) fn insert_once(&mut self, at: usize, what: O, bytes: usize) -> Result<(), Overflow> {
        self.insert(at.min(self.unsent.len()), Item::Once(what, bytes))
    }

    fn insert(&mut self, at: usize, item: Item<O>) -> Result<(), Overflow> {
        self.bytes += item.bytes();
        if let Item::Once(..) = &item {
            self.once_bytes_max = self.once_bytes_max.max(item.bytes());
        }
        self.unsent.insert(at, item);
        while self.is_over() && self.forget_oldest_kept() {}
        // One that is larger than everything may be has its chance if nothing else waits.
        if self.is_over() && self.unsent.len() > 1 { Err(Overflow) } else { Ok(()) }
    }

    /// An answer is as large as its client wanted it, and what happens while it is made or taken isn't too much because of it. A second one
    /// counts: that client asks and doesn't read.
    fn is_over(&self) -> bool {
        self.bytes - self.once_bytes_max > BACKLOG_BYTES_MAX
    }

    /// The next one that waits.
    pub(super) fn front(&self) -> Option<&Item<O>> {
        self.unsent.front()
    }

    /// Takes the next one, which is sent from now on.
    pub(super) fn take(&mut self) -> Option<Item<O>> {
        let item = self.unsent.pop_front()?;
        match &item {
            Item::Numbered(sn, rendered) => self.kept.push_back((*sn, rendered.clone())),
            Item::Once(..) => {
                self.bytes -= item.bytes();
                if item.bytes() == self.once_bytes_max {
                    let waiting = self.unsent.iter().filter(|item| matches!(item, Item::Once(..)));
                    self.once_bytes_max = waiting.map(Item::bytes).max().unwrap_or(0);
                }
            }
        }
        Some(item)
    }

    /// There is no connection: what was meant for it is dropped, and of the events as many of the oldest as are too many.
    pub(super) fn detach(&mut self) {
        let bytes = &mut self.bytes;
        self.unsent.retain(|item| {
            let stays = matches!(item, Item::Numbered(..));
            *bytes -= if stays { 0 } else { item.bytes() };
            stays
        });
        self.once_bytes_max = 0;
        self.cut_to_size();
    }

    /// Without a connection an overflow cuts the oldest off.
    pub(super) fn cut_to_size(&mut self) {
        while self.bytes > BACKLOG_BYTES_MAX && (self.forget_oldest_kept() || self.drop_oldest_unsent()) {}
    }

    /// Forgets what was sent and happened more than [`KEPT_MAX`] before `now`.
    pub(super) fn forget_before(&mut self, now: Instant) {
        while self.kept.front().is_some_and(|(_, rendered)| now.saturating_duration_since(rendered.at) > KEPT_MAX) {
            self.forget_oldest_kept();
        }
    }

    /// Gives back what a burst took.
    pub(super) fn shrink(&mut self) {
        self.kept.shrink_to(self.kept.len() * 2);
        self.unsent.shrink_to(self.unsent.len() * 2);
    }

    /// A connection begins, whose client has heard everything up to `heard`, if it says so. What it missed waits again, in order. In what
    /// it is told, `snapshot` holds everything up to that number. Returns what the client gets, and where its greeting is to be inserted:
    /// behind all that the snapshot holds.
    pub(super) fn resume(&mut self, now: Instant, heard: Option<u64>, snapshot: u64) -> (Resumption, usize) {
        self.detach();
        self.forget_before(now);
        while let Some((sn, rendered)) = self.kept.pop_back() {
            self.unsent.push_front(Item::Numbered(sn, rendered));
        }
        let first = match self.unsent.front() {
            Some(Item::Numbered(sn, ..)) => *sn,
            Some(Item::Once(..)) | None => self.last_sn + 1,
        };
        let (up_to, complete) = match heard {
            Some(heard) if first <= heard.saturating_add(1) && heard <= self.last_sn => (heard, true),
            Some(_) | None => (snapshot, false),
        };
        while matches!(self.unsent.front(), Some(Item::Numbered(sn, ..)) if *sn <= up_to) {
            self.drop_oldest_unsent();
        }
        let held = self.unsent.iter().take_while(|item| matches!(item, Item::Numbered(sn, ..) if *sn <= snapshot)).count();
        (if complete { Resumption::Replayed(held) } else { Resumption::Cut }, held)
    }

    fn forget_oldest_kept(&mut self) -> bool {
        let Some((sn, rendered)) = self.kept.pop_front() else { return false };
        self.bytes -= Item::<O>::Numbered(sn, rendered).bytes();
        true
    }

    fn drop_oldest_unsent(&mut self) -> bool {
        let Some(item) = self.unsent.pop_front() else { return false };
        self.bytes -= item.bytes();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event_at(at: Instant, bytes: usize) -> Arc<Rendered> {
        Arc::new(Rendered { at, ..Rendered::new("test", &"x".repeat(bytes)) })
    }

    fn filled(events: u64, bytes: usize) -> (Backlog<&'static str>, Instant) {
        let (mut backlog, now) = (Backlog::default(), Instant::now());
        for _ in 0..events {
            backlog.push(event_at(now, bytes)).unwrap();
        }
        (backlog, now)
    }

    fn told(backlog: &mut Backlog<&'static str>) -> Vec<String> {
        std::iter::from_fn(|| backlog.take())
            .map(|item| match item {
                Item::Numbered(sn, ..) => sn.to_string(),
                Item::Once(what, _) => what.to_owned(),
            })
            .collect()
    }

    #[test]
    fn after_a_skip_everyone_has_missed_something() {
        let (mut backlog, now) = filled(5, 10);
        backlog.skip();
        assert_eq!((backlog.bytes(), backlog.last_sn()), (0, 6));
        let snapshot = backlog.last_sn();
        assert_eq!(backlog.resume(now, Some(5), snapshot).0, Resumption::Cut);
    }

    #[test]
    fn what_was_missed_is_told_once_and_in_order_before_the_greeting() {
        let (mut backlog, now) = filled(5, 10);
        assert_eq!(told(&mut backlog), ["1", "2", "3", "4", "5"]);
        backlog.detach();
        backlog.push(event_at(now, 10)).unwrap();
        backlog.push(event_at(now, 10)).unwrap();
        let (resumption, at) = backlog.resume(now, Some(3), 6);
        assert_eq!((resumption, at), (Resumption::Replayed(3), 3));
        backlog.insert_once(at, "ready", 5).unwrap();
        assert_eq!(told(&mut backlog), ["4", "5", "6", "ready", "7"], "the snapshot in the greeting doesn't know of 7");
        assert_eq!(backlog.resume(now, Some(7), 7), (Resumption::Replayed(0), 0));
    }

    #[test]
    fn who_does_not_say_what_it_heard_or_says_nonsense_gets_only_what_the_snapshot_does_not_hold() {
        for heard in [None, Some(8), Some(u64::MAX)] {
            let (mut backlog, now) = filled(7, 10);
            assert_eq!(backlog.resume(now, heard, 6), (Resumption::Cut, 0));
            assert_eq!(told(&mut backlog), ["7"], "{heard:?}");
        }
    }

    #[test]
    fn what_is_older_than_a_minute_or_beyond_the_bytes_is_gone() {
        let (mut backlog, began) = filled(3, 10);
        told(&mut backlog);
        let later = began + KEPT_MAX + Duration::from_secs(1);
        backlog.push(event_at(later, 10)).unwrap();
        assert_eq!(backlog.resume(later, Some(2), 4).0, Resumption::Cut);
        let (mut backlog, now) = filled(100, 1_000);
        told(&mut backlog);
        for _ in 0..100 {
            backlog.push(event_at(now, 1_000)).unwrap();
            told(&mut backlog);
        }
        assert!(backlog.bytes() <= BACKLOG_BYTES_MAX);
        assert_eq!(backlog.resume(now, Some(10), 200).0, Resumption::Cut);
        let (resumption, _) = backlog.resume(now, Some(190), 200);
        assert_eq!(resumption, Resumption::Cut, "what the last one didn't want is gone");
    }

    #[test]
    fn more_unsent_than_may_be_overflows_and_a_cut_bounds_it() {
        let (mut backlog, now) = filled(100, 1_000);
        let overflowed = (0..100).filter(|_| backlog.push(event_at(now, 1_000)).is_err()).count();
        assert!(overflowed > 0);
        backlog.detach();
        assert!(backlog.bytes() <= BACKLOG_BYTES_MAX, "{}", backlog.bytes());
        assert_eq!(backlog.resume(now, Some(0), 200), (Resumption::Cut, 0));
        assert_eq!((backlog.bytes(), backlog.unsent()), (0, 0));
    }

    #[test]
    fn one_event_that_is_larger_than_everything_may_be_goes_out_alone() {
        let (mut backlog, now) = (Backlog::<&str>::default(), Instant::now());
        backlog.push(event_at(now, 2 * BACKLOG_BYTES_MAX)).unwrap();
        assert_eq!(backlog.push(event_at(now, 1)), Err(Overflow));
        assert_eq!(told(&mut backlog), ["1", "2"]);
    }

    #[test]
    fn one_large_answer_costs_nobody_the_connection_and_makes_nothing_forgotten() {
        for before in [0, 3] {
            let (mut backlog, now) = filled(3, 10);
            told(&mut backlog);
            (0..before).for_each(|_| backlog.push(event_at(now, 10)).unwrap());
            backlog.insert_once(0, "page", 10 * BACKLOG_BYTES_MAX).unwrap();
            backlog.insert_once(1, "small", 10).unwrap();
            for _ in 0..100 {
                backlog.push(event_at(now, 1_000)).unwrap();
            }
            assert_eq!(told(&mut backlog)[..2], ["page", "small"]);
            assert_eq!(backlog.resume(now, Some(0), 0).0, Resumption::Replayed(0), "all of them are kept");
        }
    }

    #[test]
    fn answers_that_nobody_takes_overflow_from_the_second_on_and_so_do_the_events_behind_them() {
        let (mut backlog, now) = filled(0, 0);
        backlog.insert_once(0, "page", BACKLOG_BYTES_MAX).unwrap();
        assert_eq!(backlog.insert_once(1, "page", 2 * BACKLOG_BYTES_MAX), Err(Overflow));
        assert_eq!(told(&mut backlog).len(), 2);
        backlog.insert_once(0, "page", 2 * BACKLOG_BYTES_MAX).unwrap();
        assert!((0..200).any(|_| backlog.push(event_at(now, 1_000)) == Err(Overflow)));
        backlog.detach();
        assert!(backlog.bytes() <= BACKLOG_BYTES_MAX, "{}", backlog.bytes());
    }

    #[test]
    fn an_answer_stands_before_what_its_request_caused_and_dies_with_its_connection() {
        let (mut backlog, now) = filled(2, 10);
        let at = backlog.unsent();
        backlog.push(event_at(now, 10)).unwrap();
        backlog.insert_once(at, "answer", 6).unwrap();
        backlog.detach();
        assert_eq!(told(&mut backlog), ["1", "2", "3"]);
    }
}
