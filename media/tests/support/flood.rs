//! Bad packets of every kind at a steady rate, from a thread of their own.

use super::Noise;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Plausible beginnings of each protocol on the port (RFC 7983), to get deeper into the parsers than noise does.
pub fn head(kind: usize, random: &[u8]) -> Vec<u8> {
    match kind % 7 {
        0 => vec![0x00, 0x01, 0x00, 0x08, 0x21, 0x12, 0xa4, 0x42],
        1 => vec![0x01, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42],
        2 => vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, random[0], 0, 40],
        3 => vec![21, 0xfe, 0xfd, 0, random[0] % 3, 0, 0, 0, 0, 0, 1, 0, 2, 2, random[1]],
        4 => vec![0x90, 96 + random[0] % 32, random[1], random[2], 0, 0, 0, 1, random[3], 0, 0, 9, 0xbe, 0xde, 0, random[4] % 4],
        5 => vec![0x81, 200 + random[0] % 8, 0, random[1] % 9, 0, 0, 0, 1],
        _ => random.to_vec(),
    }
}

/// The `n`th bad packet: a valid one with a byte changed or its end cut, or a plausible beginning with noise behind it.
pub fn malformed(n: usize, valid: &[Vec<u8>], noise: &mut Noise) -> Vec<u8> {
    let random = noise.bytes(16);
    if n.is_multiple_of(3) && !valid.is_empty() {
        let mut packet = valid[noise.below(valid.len())].clone();
        let length = packet.len();
        packet[usize::from(random[0]) % length] ^= random[1] | 1;
        packet.truncate(if random[2] < 64 { usize::from(random[3]) % length } else { length });
        return packet;
    }
    let mut packet = head(n, &random);
    packet.extend(noise.bytes(usize::from(random[5])));
    packet
}

/// A flood under way.
pub struct Flood {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Flood {
    /// Sends what `packet` makes of its number, from the sockets in turn.
    pub fn start(
        target: SocketAddr,
        sockets: Vec<UdpSocket>,
        per_second: u64,
        mut packet: impl FnMut(usize) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (start, mut sent) = (Instant::now(), 0);
            while !stopped.load(Ordering::Relaxed) {
                // A sender that was held up doesn't make up for more than 50 ms at once.
                let due = start.elapsed().as_micros() as u64 * per_second / 1_000_000;
                for n in sent.max(due.saturating_sub(per_second / 20))..due {
                    // A full buffer here is a packet less.
                    let _ = sockets[n as usize % sockets.len()].send_to(&packet(n as usize), target);
                }
                sent = sent.max(due);
                std::thread::sleep(Duration::from_millis(1));
            }
            sent
        });
        Self { stop, thread }
    }

    /// Stops it and returns how many packets were due.
    pub fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the flood ends")
    }
}

/// Sockets of strangers, each with an address of its own.
pub fn strangers(count: u8) -> Vec<UdpSocket> {
    (0..count)
        .map(|n| {
            let socket = UdpSocket::bind((std::net::Ipv4Addr::new(127, 0, 1, n + 1), 0)).expect("bound");
            socket.set_nonblocking(true).expect("set");
            socket
        })
        .collect()
}

/// Bytes that wait at the sockets.
pub fn received(sockets: &[UdpSocket]) -> usize {
    let mut buffer = [0; 2000];
    let mut sum = 0;
    for socket in sockets {
        while let Ok(length) = socket.recv(&mut buffer) {
            sum += length;
        }
    }
    sum
}
