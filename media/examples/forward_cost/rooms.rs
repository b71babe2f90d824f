//! Rooms of talking clients around one SFU.

use crate::client::{Client, Seen};
use crate::load::Load;
use crate::sfu::{Sfu, track};
use crate::{Cost, MEASURED, SEATS, WARM_UP};
use std::time::{Duration, Instant};

/// What is still on the way has arrived after this.
const SETTLE: Duration = Duration::from_millis(300);

pub struct Rooms {
    pub sfu: Sfu,
    pub load: Load<Client>,
    pub rooms: usize,
    start: Instant,
}

impl Rooms {
    pub fn open(workers: usize, rooms: usize) -> Self {
        let mut this = Self { sfu: Sfu::start(workers), load: Load::new(), rooms: 0, start: Instant::now() };
        this.grow(rooms);
        this
    }

    /// Opens rooms until there are `rooms`. The others go on talking.
    pub fn grow(&mut self, rooms: usize) {
        while self.rooms < rooms {
            let mut bindings = vec![];
            for seat in 0..SEATS {
                let peer = self.rooms * SEATS + seat;
                let mut client = Client::new(self.start);
                let (answer, slots) = self.sfu.join(self.rooms, peer, &client.offer());
                client.accept(&answer);
                self.load.add(client);
                for kind in [false, true] {
                    let others = (self.rooms * SEATS..(self.rooms + 1) * SEATS).filter(|other| *other != peer);
                    let lines = slots.iter().filter(|(_, video)| *video == kind);
                    bindings.extend(lines.zip(others).map(|((mid, _), other)| (peer, mid.clone(), track(other, kind))));
                }
                self.load.run(Duration::from_millis(2));
            }
            for (peer, slot, track) in bindings {
                self.sfu.bind(self.rooms, peer, &slot, track);
            }
            self.rooms += 1;
        }
        self.load.run_until(|clients| clients.iter().all(|client| client.connected));
        self.load.talking = true;
    }

    /// What all clients have seen since the last call.
    pub fn seen(&mut self) -> Seen {
        let mut sum = Seen::default();
        for client in &mut self.load.senders {
            let Seen { packets, late, latencies } = std::mem::take(&mut client.seen);
            sum.packets += packets;
            sum.late += late;
            sum.latencies.extend(latencies);
        }
        sum
    }

    /// The cost after a warm-up, and how many packets were lost: dropped by the SFU or on the way to and from it.
    pub fn measure(&mut self) -> (Cost, u64) {
        self.load.run(WARM_UP);
        self.quiet();
        self.seen();
        let start = self.sfu.counts();
        self.load.talking = true;
        let sent = |rooms: &Self| rooms.load.senders.iter().map(Client::sent).sum::<u64>();
        let sent_before = sent(self);
        let before = self.sfu.counts();
        self.load.run(MEASURED);
        let after = self.sfu.counts();
        self.quiet();
        let expected = (sent(self) - sent_before) * (SEATS as u64 - 1);
        let (end, seen) = (self.sfu.counts(), self.seen());
        self.load.talking = true;
        // What was repeated in time counts as lost too.
        let lost = expected.saturating_sub(seen.packets) + seen.late + (end.dropped - start.dropped);
        let cost =
            Cost { forwarded: after.forwarded - before.forwarded, cpu: after.workers - before.workers, elapsed: after.at - before.at };
        (cost, lost)
    }

    fn quiet(&mut self) {
        self.load.talking = false;
        self.load.run(SETTLE);
    }
}
