//! What forwarding costs: CPU time of the SFU's worker threads, beside that of a bare UDP + SRTP forwarder.
//!
//! Both get the same load from the same machine: rooms of four, each participant sending audio (50 packets/s of 100 bytes) and
//! video (170 packets/s of 1,100 bytes, six to a frame), each receiving the three others. The floor receives in batches, opens
//! once, seals three times and sends in runs, and does nothing else: no DTLS, no RTCP, no repair, no state. What is measured has
//! core 0 to itself and the load has core 1; the SFU runs in a process of its own.
//!
//! `cargo run --release -p zzan-media --example forward_cost -- MODE [rooms]`, where `MODE` is
//!
//! * `cost` (default): both at that many rooms, and their ratio.
//! * `flat`: cost per packet at 10, 20, 40 and 60 rooms.
//! * `peak`: rooms are added until something is lost.
//! * `latency`: from client to client while participants come and go, memory per participant, and what stays when all have left.
//! * `workers`: the same load on one worker and on two.

mod client;
mod cpu;
mod floor;
mod latency;
mod load;
mod rooms;
mod sfu;

use rooms::Rooms;
use std::time::Duration;

const ROOMS: usize = 40;
const SEATS: usize = 4;
const AUDIO_BYTES: usize = 100;
const VIDEO_BYTES: usize = 1100;
const AUDIO_EVERY: Duration = Duration::from_millis(20);
const FRAME_PACKETS: usize = 6;
/// Six packets each make 170 per second.
const FRAME_EVERY: Duration = Duration::from_micros(35_294);
const WARM_UP: Duration = Duration::from_secs(3);
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
        println!("{name:<10}{:>6.2} µs per forwarded packet{rate:>10.0} packets/s{core:>8.1} % of a core", self.micros_per_packet());
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mode = arguments.first().map_or("cost", String::as_str);
    let number = |default| arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(default);
    if mode == sfu::CHILD {
        return sfu::serve(number(1));
    }
    cpu::pin("", cpu::LOAD_CORE);
    match mode {
        "cost" => cost(number(ROOMS)),
        "flat" => flat(),
        "peak" => peak(number(ROOMS)),
        "latency" => latency::run(number(ROOMS / 2)),
        "workers" => workers(number(ROOMS / 2)),
        _ => eprintln!("unknown mode {mode:?}: cost, flat, peak, latency or workers"),
    }
}

fn cost(rooms: usize) {
    println!("{rooms} rooms of {SEATS}, {} s each, one worker thread", MEASURED.as_secs());
    let mut talk = Rooms::open(1, rooms);
    let (zzan, lost) = talk.measure();
    drop(talk);
    zzan.print("zzan");
    println!("          {lost} packets lost");
    let floor = floor::run(rooms);
    floor.print("floor");
    println!("ratio     {:>6.2}", zzan.micros_per_packet() / floor.micros_per_packet());
}

fn flat() {
    let mut talk = Rooms::open(1, 0);
    let mut costs = vec![];
    for rooms in [10, 20, 40, 60] {
        talk.grow(rooms);
        let (cost, lost) = talk.measure();
        cost.print(&format!("{rooms} rooms"));
        println!("          {lost} packets lost");
        costs.push(cost.micros_per_packet());
    }
    let (least, most) = costs.iter().fold((f64::MAX, 0.0_f64), |(least, most), cost| (cost.min(least), cost.max(most)));
    println!("between {least:.2} and {most:.2} µs: ±{:.0} %", 100.0 * (most - least) / (most + least));
}

fn peak(first: usize) {
    let mut talk = Rooms::open(1, 0);
    let mut best = 0.0_f64;
    for rooms in (first..).step_by(4) {
        talk.grow(rooms);
        let (cost, lost) = talk.measure();
        cost.print(&format!("{rooms} rooms"));
        println!("          {lost} packets lost");
        if lost > 0 {
            break;
        }
        best = best.max(cost.forwarded as f64 / cost.elapsed.as_secs_f64());
    }
    println!("most without a loss: {best:.0} packets/s on one core");
}

fn workers(rooms: usize) {
    println!("{rooms} rooms of {SEATS}");
    let mut costs = vec![];
    for workers in [1, 2] {
        let mut talk = Rooms::open(workers, rooms);
        let (cost, lost) = talk.measure();
        cost.print(&format!("{workers} workers"));
        println!("          {lost} packets lost");
        costs.push(cost.micros_per_packet());
    }
    println!("two workers do {:.2} times the work of one per CPU second each has", 2.0 * costs[0] / costs[1]);
}
