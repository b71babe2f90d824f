//! One direction of a bad network, as arithmetic: it loses, holds up and delays packets, the same way for the same seed.
//!
//! Sans-IO: [`network`](crate::network) carries the packets. Packets that come through keep their order.

use crate::dice::Dice;
use crate::scenario;

/// IPv4 and UDP headers, which use capacity too.
const OVERHEAD_BYTES: u64 = 28;

/// One direction between a person and the server.
#[derive(Debug)]
pub struct Pipe {
    dice: Dice,
    loss_percent: f64,
    /// 0: unlimited.
    capacity_kbps: u64,
    delay_us: u64,
    queue_us: u64,
    /// When the last packet has left the bottleneck.
    free_at_us: u64,
}

impl Pipe {
    pub fn new(link: &scenario::Link, dice: Dice) -> Self {
        let us = |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self {
            dice,
            loss_percent: link.loss_percent,
            capacity_kbps: u64::from(link.capacity_kbps),
            delay_us: us(link.delay),
            queue_us: us(link.queue),
            free_at_us: 0,
        }
    }

    /// When a packet of `bytes` UDP payload that enters now comes out; `None` when it is lost. Times must not go back.
    pub fn carry(&mut self, now_us: u64, bytes: usize) -> Option<u64> {
        if self.dice.chance(self.loss_percent) {
            return None;
        }
        if self.capacity_kbps == 0 {
            return Some(now_us + self.delay_us);
        }
        let starts_us = self.free_at_us.max(now_us);
        if starts_us - now_us > self.queue_us {
            return None;
        }
        self.free_at_us = starts_us + (bytes as u64 + OVERHEAD_BYTES) * 8_000 / self.capacity_kbps;
        Some(self.free_at_us + self.delay_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Link, Scenario};
    use std::time::Duration;

    fn pipe(change: impl FnOnce(&mut Link)) -> Pipe {
        let mut link = Scenario::default().link;
        change(&mut link);
        Pipe::new(&link, Dice::new(1, 0))
    }

    #[test]
    fn a_link_without_limits_carries_everything_at_once() {
        let mut pipe = pipe(|_| ());
        assert!((0..1_000).all(|now| pipe.carry(now, 1_200) == Some(now)));
    }

    #[test]
    fn a_delay_is_added_to_each_packet() {
        let mut pipe = pipe(|link| link.delay = Duration::from_millis(40));
        assert_eq!(pipe.carry(5, 100), Some(40_005));
    }

    #[test]
    fn loss_is_as_high_as_asked_and_the_same_for_the_same_seed() {
        let lost = |_| {
            let mut pipe = pipe(|link| link.loss_percent = 5.0);
            (0..10_000).filter(|now| pipe.carry(*now, 100).is_none()).collect::<Vec<_>>()
        };
        assert_eq!(lost(0), lost(1));
        assert!((400..600).contains(&lost(0).len()), "{}", lost(0).len());
    }

    #[test]
    fn a_narrow_link_lets_through_its_capacity_and_drops_what_its_queue_can_not_hold() {
        let mut pipe = pipe(|link| {
            link.capacity_kbps = 800;
            link.queue = Duration::from_millis(100);
        });
        // Twice the capacity for ten seconds: a packet of 1,000 bytes with its headers takes 10 ms, and one comes every 5 ms.
        let out: Vec<_> = (0..2_000).map(|n| (n * 5_000, pipe.carry(n * 5_000, 972))).collect();
        let through: Vec<_> = out.iter().filter_map(|(came, left)| left.map(|left| (came, left))).collect();
        assert!((1_000..=1_012).contains(&through.len()), "{}", through.len());
        assert!(through.windows(2).all(|pair| pair[0].1 + 10_000 <= pair[1].1), "one after the other");
        assert!(through.iter().all(|(came, left)| left - *came <= 110_000), "nobody waits longer than the queue is");
        let idle = pipe.carry(60_000_000, 972);
        assert_eq!(idle, Some(60_010_000), "an idle link has nothing saved up");
    }
}
