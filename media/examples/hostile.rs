//! A live call and joins beside it while 10,000 bad packets a second come in: what is lost, what strangers get, how long a join takes.
//!
//! `cargo run --release -p zzan-media --example hostile [seconds per flood]`; `make bench-hostile`. Ends with 1 when a promise is broken.

#[path = "../tests/support/mod.rs"]
mod support;

use media::Kind;
use std::net::UdpSocket;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::flood::{Flood, malformed, received, strangers};
use support::stun::Credentials;
use support::*;

const PER_SECOND: u64 = 10_000;
/// Audio packets of each client in 20 ms, so that half a percent is more than one packet.
const AUDIO_PER_TURN: usize = 4;
/// Most that may be lost, in thousandths.
const LOSS_MAX: f64 = 5.0;
const JOIN_EVERY: Duration = Duration::from_millis(200);

type Packets = Box<dyn FnMut(usize) -> Vec<u8> + Send>;

/// What a flood did.
struct Outcome {
    sent: usize,
    lost: usize,
    joins: Vec<Duration>,
    to_strangers: usize,
    panics: u64,
}

impl Outcome {
    fn print(&mut self, name: &str, flood: u64) -> bool {
        let per_mille = self.lost as f64 * 1000.0 / self.sent as f64;
        self.joins.sort();
        let at = |share: usize| self.joins[(self.joins.len() * share / 100).min(self.joins.len() - 1)].as_secs_f64() * 1e3;
        let (p50, p99) = (at(50), at(99));
        println!(
            "{name:<34}{flood:>8} sent{:>8} of {} audio packets lost ({:.2} %){:>6} joins, p50 {p50:.0} ms, p99 {p99:.0} ms{:>6} B to strangers{:>4} panics",
            self.lost,
            self.sent,
            per_mille / 10.0,
            self.joins.len(),
            self.to_strangers,
            self.panics,
        );
        per_mille <= LOSS_MAX && self.to_strangers == 0 && self.panics == 0
    }
}

/// Somebody joins a call of their own every 200 ms; how long each took until ICE and DTLS were up.
fn joins(sfu: &Arc<Sfu>, stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<Duration>> {
    let (sfu, stop) = (Arc::clone(sfu), Arc::clone(stop));
    std::thread::spawn(move || {
        let mut took = vec![];
        while !stop.load(Ordering::Relaxed) {
            let (call, start) = (sfu.call(), Instant::now());
            call.join_all(&mut [Client::new(Shape::both(1))]);
            took.push(start.elapsed());
            std::thread::sleep(JOIN_EVERY.saturating_sub(start.elapsed()));
        }
        took
    })
}

/// Talks for `time` while `packets` come from the sockets.
fn under(sfu: &Arc<Sfu>, clients: &mut [Client], time: Duration, sockets: Vec<UdpSocket>, packets: Option<Packets>) -> (Outcome, u64) {
    let foreign: Vec<_> = sockets.iter().take(3).map(|socket| socket.try_clone().expect("cloned")).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let joining = joins(sfu, &stop);
    let flood = packets.map(|packets| Flood::start(sfu.address(), sockets, PER_SECOND, packets));
    let heard = |clients: &[Client]| clients.iter().map(|client| client.got_on(client.slot(Kind::Audio, 0)).count()).sum::<usize>();
    let (before, mut sent) = (heard(clients), 0);
    step_for(clients, time, |clients, _| {
        for client in clients {
            (0..AUDIO_PER_TURN).for_each(|_| client.send_audio(-30));
            sent += AUDIO_PER_TURN;
        }
    });
    let flooded = flood.map_or(0, Flood::stop);
    stop.store(true, Ordering::Relaxed);
    let joins = joining.join().expect("joins end");
    step_for(clients, Duration::from_millis(500), |_, _| {});
    let lost = before + sent - heard(clients);
    (Outcome { sent, lost, joins, to_strangers: received(&foreign), panics: sfu.handle.stats().panics }, flooded)
}

fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).map_or(10, |seconds| seconds.parse().expect("a number of seconds"));
    let time = Duration::from_secs(seconds);
    let sfu = Arc::new(Sfu::start());
    let (_call, mut clients) = pair(&sfu);
    clients[0].keep_sent = true;
    talk_all(&mut clients, 50);
    clients[0].keep_sent = false;
    let valid = std::mem::take(&mut clients[0].sent);
    let guess = Credentials::of(&mut clients[0]).with_password("guess").check().bytes();
    let (replayed, changed) = (valid.clone(), valid);
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let floods: [(&str, Option<Packets>); 4] = [
        ("nothing", None),
        ("malformed, every protocol", Some(Box::new(move |n| malformed(n, &changed, &mut noise)))),
        (
            "checks without the password",
            Some(Box::new(move |n| {
                let unknown = Credentials { user: format!("{n:016}:abcd"), password: "guess".to_owned() };
                if n % 2 == 0 { guess.clone() } else { unknown.check().bytes() }
            })),
        ),
        ("true packets, again and again", Some(Box::new(move |n| replayed[n % replayed.len()].clone()))),
    ];
    println!("{PER_SECOND} packets/s for {seconds} s each, a fourth from a peer's own address, the rest from three strangers'");
    let mut held = true;
    for (name, packets) in floods {
        let mut sockets = strangers(3);
        sockets.push(clients[0].socket.try_clone().expect("cloned"));
        let (mut outcome, flooded) = under(&sfu, &mut clients, time, sockets, packets);
        held &= outcome.print(name, flooded);
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
