//! What forwarding one packet costs: CPU time of the SFU's worker thread, beside that of a bare UDP + SRTP forwarder.
//!
//! Both get the same load from the same machine: rooms of four, each participant sending audio (50 packets/s of 100 bytes) and
//! video (170 packets/s of 1,100 bytes, six to a frame), each receiving the three others. The floor receives in batches, opens
//! once, seals three times and sends in runs, and does nothing else: no DTLS, no RTCP, no repair, no state.
//!
//! `cargo run --release -p zzan-media --example forward_cost [rooms]`

#[path = "../../tests/support/mod.rs"]
mod support;

mod cpu;
mod floor;
mod zzan;

use std::time::{Duration, Instant};

const ROOMS: usize = 8;
const SEATS: usize = 4;
const AUDIO_BYTES: usize = 100;
const VIDEO_BYTES: usize = 1100;
const AUDIO_EVERY: Duration = Duration::from_millis(20);
const FRAME_PACKETS: usize = 6;
/// Six packets each make 170 per second.
const FRAME_EVERY: Duration = Duration::from_micros(35_294);
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(6);

/// What a run cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    forwarded: u64,
    cpu: Duration,
    elapsed: Duration,
}

impl Cost {
    fn micros_per_packet(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.forwarded.max(1) as f64
    }

    fn print(&self, name: &str) {
        let rate = self.forwarded as f64 / self.elapsed.as_secs_f64();
        let core = 100.0 * self.cpu.as_secs_f64() / self.elapsed.as_secs_f64();
        println!("{name:<8}{:>8.2} µs per forwarded packet{rate:>12.0} packets/s{core:>8.1} % of a core", self.micros_per_packet());
    }
}

/// When each of many senders is due: spread evenly, so that they don't march in step.
struct Schedule {
    every: Duration,
    due: Vec<Instant>,
}

impl Schedule {
    fn new(senders: usize, every: Duration) -> Self {
        let start = Instant::now();
        Self { every, due: (0..senders).map(|n| start + every * n as u32 / senders as u32).collect() }
    }

    /// True once per period and sender. Missed periods are made up for, up to a second.
    fn is_due(&mut self, sender: usize, now: Instant) -> bool {
        let due = &mut self.due[sender];
        if *due > now {
            return false;
        }
        *due = (*due + self.every).max(now - Duration::from_secs(1));
        true
    }
}

fn main() {
    let rooms = std::env::args().nth(1).and_then(|rooms| rooms.parse().ok()).unwrap_or(ROOMS);
    println!("{rooms} rooms of {SEATS}, {} s each, one worker thread", MEASURED.as_secs());
    let zzan = zzan::run(rooms);
    zzan.print("zzan");
    let floor = floor::run(rooms);
    floor.print("floor");
    println!("ratio   {:>8.2}", zzan.micros_per_packet() / floor.micros_per_packet());
}
