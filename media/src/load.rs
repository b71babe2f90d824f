//! How busy a worker is, for the choice of the one that a room opens on.
//!
//! Not a limit: it refuses nothing. Invariant: peers and rooms that came and went are counted once each.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How often a worker says how much it forwards.
const SAMPLE_EVERY: Duration = Duration::from_millis(500);
/// A worker that said nothing for this long forwards nothing: it sleeps.
const STALE: Duration = Duration::from_secs(2);
/// What a peer or an open room weighs beside the packets that are forwarded now: people who are silent cost wake-ups and checks, and may speak
/// at any time. A peer in a call of four is forwarded some 660 packets a second.
const WEIGHT_OF_ONE: u64 = 200;

/// The load of one worker. The worker writes, anyone reads.
#[derive(Debug)]
pub(crate) struct Load {
    start: Instant,
    /// Peers and open rooms.
    present: AtomicUsize,
    /// Packets forwarded per second, smoothed over some two seconds.
    rate: AtomicU64,
    /// When that was written, in milliseconds since the start.
    written: AtomicU64,
}

impl Default for Load {
    fn default() -> Self {
        Self { start: Instant::now(), present: AtomicUsize::new(0), rate: AtomicU64::new(0), written: AtomicU64::new(0) }
    }
}

impl Load {
    /// A peer or a room is there.
    pub(crate) fn enter(&self) {
        self.present.fetch_add(1, Relaxed);
    }

    /// A peer or a room is gone.
    pub(crate) fn leave(&self) {
        self.present.fetch_sub(1, Relaxed);
    }

    /// To be compared with that of other workers; about packets per second.
    pub(crate) fn weight(&self, now: Instant) -> u64 {
        let since_start = now.saturating_duration_since(self.start);
        let age = since_start.saturating_sub(Duration::from_millis(self.written.load(Relaxed)));
        let rate = if age < STALE { self.rate.load(Relaxed) } else { 0 };
        rate + WEIGHT_OF_ONE * self.present.load(Relaxed) as u64
    }

    /// Packets forwarded per second, as last written.
    pub(crate) fn rate(&self) -> u64 {
        self.rate.load(Relaxed)
    }

    fn write(&self, packets: u64, elapsed: Duration, now: Instant) {
        let rate = (packets as f64 / elapsed.as_secs_f64()) as u64;
        self.rate.store((self.rate.load(Relaxed) * 3 + rate) / 4, Relaxed);
        self.written.store(now.saturating_duration_since(self.start).as_millis() as u64, Relaxed);
    }
}

/// The worker's side: measures by the counter of forwarded packets.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    last: Option<(Instant, u64)>,
}

impl Meter {
    /// Called at every turn.
    pub(crate) fn turn(&mut self, forwarded: u64, now: Instant, load: &Load) {
        let Some((at, before)) = self.last else {
            self.last = Some((now, forwarded));
            return;
        };
        let elapsed = now.saturating_duration_since(at);
        if elapsed >= SAMPLE_EVERY {
            load.write(forwarded.saturating_sub(before), elapsed, now);
            self.last = Some((now, forwarded));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(packets_per_second: u64) -> (Load, Instant) {
        let (load, mut meter, mut now) = (Load::default(), Meter::default(), Instant::now());
        for turn in 0..10_000 {
            meter.turn(turn * packets_per_second / 1000, now, &load);
            now += Duration::from_millis(1);
        }
        (load, now)
    }

    #[test]
    fn a_few_who_send_much_weigh_more_than_many_who_are_silent() {
        let ((busy, now), silent) = (busy(30_000), Load::default());
        (0..2).for_each(|_| busy.enter());
        (0..50).for_each(|_| silent.enter());
        assert!(busy.weight(now) > silent.weight(now), "{} and {}", busy.weight(now), silent.weight(now));
    }

    #[test]
    fn a_worker_that_fell_silent_weighs_what_is_present() {
        let (load, now) = busy(30_000);
        load.enter();
        assert!(load.weight(now) > 25_000);
        assert_eq!(load.weight(now + STALE), WEIGHT_OF_ONE);
        load.leave();
        assert_eq!(load.weight(now + STALE), 0);
    }

    #[test]
    fn rooms_opened_at_once_spread_before_anyone_speaks() {
        let (workers, now) = ([Load::default(), Load::default(), Load::default()], Instant::now());
        for _ in 0..9 {
            workers.iter().min_by_key(|load| load.weight(now)).expect("several").enter();
        }
        assert!(workers.iter().all(|load| load.weight(now) == 3 * WEIGHT_OF_ONE));
    }
}
