//! Forwarding latency while participants come and go, and the memory that participants cost.

use crate::client::Client;
use crate::load::{Load, Sender};
use crate::rooms::Rooms;
use crate::sfu::{Sfu, track};
use crate::{SEATS, cpu};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const MEASURED: Duration = Duration::from_secs(20);
const JOIN_EVERY: Duration = Duration::from_millis(100);
/// How many of those who come and go are there at once.
const PRESENT: usize = 12;
/// Peers and rooms of those who come and go are numbered from here.
const GUESTS: usize = 1_000_000;

pub fn run(rooms: usize) {
    let mut talk = Rooms::open(1, 0);
    let empty = talk.sfu.counts();
    talk.grow(rooms);
    talk.load.run(Duration::from_secs(6));
    let full = talk.sfu.counts();
    let participants = (rooms * SEATS) as f64;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let each = megabytes(full.resident.saturating_sub(empty.resident)) / participants;
    println!("{} participants: {:.1} MB resident, {each:.2} MB each", rooms * SEATS, megabytes(full.resident));
    let joins = (full.process - empty.process - (full.workers - empty.workers)).as_secs_f64() * 1e3 / participants;
    println!("negotiating a join: {joins:.2} ms of CPU, not on a worker");
    latency(&mut talk);
    leave(&mut talk);
    let left = talk.sfu.counts();
    println!("all left: {:.1} MB resident, {:.1} MB before anyone came", megabytes(left.resident), megabytes(empty.resident));
    talk.load = Load::new();
    talk.rooms = 0;
    talk.grow(rooms);
    talk.load.run(Duration::from_secs(6));
    let again = talk.sfu.counts();
    println!("as many came again: {:.1} MB resident", megabytes(again.resident));
}

fn latency(talk: &mut Rooms) {
    talk.seen();
    let before = talk.sfu.counts();
    talk.load.run(MEASURED / 4);
    let calm = talk.seen().latencies;
    print(calm, "nobody comes or goes");
    let Rooms { sfu, load, .. } = talk;
    let (shared, stop) = (Mutex::new(sfu), AtomicBool::new(false));
    let joined = std::thread::scope(|scope| {
        let guests = std::thread::Builder::new().name("guests".into());
        let thread = guests.spawn_scoped(scope, || come_and_go(&shared, &stop)).expect("spawned");
        // The load's own clock must not wait for the other end of a handshake.
        cpu::yielding("guests");
        load.run(MEASURED);
        stop.store(true, Ordering::Relaxed);
        thread.join().expect("no panic")
    });
    let after = talk.sfu.counts();
    let seen = talk.seen();
    let rate = (after.forwarded - before.forwarded) as f64 / (after.at - before.at).as_secs_f64();
    println!("{joined} joins in {} s at {rate:.0} packets/s, {} packets late", MEASURED.as_secs(), seen.late);
    print(seen.latencies, "participants come and go");
}

fn print(mut latencies: Vec<u32>, when: &str) {
    latencies.sort_unstable();
    let part = |share: f64| f64::from(latencies[((latencies.len() - 1) as f64 * share) as usize]) / 1e3;
    println!(
        "client to client, {when}: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, most {:.2} ms",
        part(0.5),
        part(0.99),
        part(0.999),
        part(1.0)
    );
}

/// Ten joins a second, each connecting and receiving from the one before it, and as many departures. Returns how many joined.
fn come_and_go(sfu: &Mutex<&mut Sfu>, stop: &AtomicBool) -> usize {
    let sfu = || sfu.lock().unwrap_or_else(PoisonError::into_inner);
    let (start, mut guests, mut joined) = (Instant::now(), std::collections::VecDeque::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        if start.elapsed() >= JOIN_EVERY * joined as u32 {
            let peer = GUESTS + joined;
            let mut client = Client::new(start);
            let (answer, slots) = sfu().join(GUESTS, peer, &client.offer());
            client.accept(&answer);
            for (mid, video) in slots.iter().filter(|_| joined > 0) {
                sfu().bind(GUESTS, peer, mid, track(peer - 1, *video));
            }
            guests.push_back((peer, client));
            joined += 1;
        }
        if guests.len() > PRESENT {
            let (peer, _) = guests.pop_front().expect("several");
            sfu().leave(GUESTS, peer);
        }
        for (_, client) in &mut guests {
            client.receive();
            client.tick(Instant::now());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    for (peer, client) in guests {
        assert!(client.connected || peer + PRESENT > GUESTS + joined - 3, "{peer} connects while the others talk");
        sfu().leave(GUESTS, peer);
    }
    sfu().close(GUESTS);
    joined
}

fn leave(talk: &mut Rooms) {
    for room in 0..talk.rooms {
        for seat in 0..SEATS {
            talk.sfu.leave(room, room * SEATS + seat);
        }
        talk.sfu.close(room);
    }
    talk.load.talking = false;
    talk.load.run(Duration::from_secs(1));
}
