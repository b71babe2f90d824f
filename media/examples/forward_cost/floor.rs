//! The least that forwarding can cost with this socket interface and this cryptography.

use crate::load::{Load, Sender};
use crate::{AUDIO_BYTES, Cost, FRAME_PACKETS, MEASURED, SEATS, VIDEO_BYTES, WARM_UP, cpu};
use mio::net::UdpSocket as MioSocket;
use mio::{Events, Interest, Poll, Token};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use std::collections::HashMap;
use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use str0m::crypto::AeadAes128GcmCipher;

const HEADER: usize = 12;
const TAG: usize = 16;
const RUN_MAX: usize = 65_000;
/// What the SFU asks for.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;

type Cipher = Box<dyn AeadAes128GcmCipher>;

fn cipher(n: usize, encrypt: bool) -> Cipher {
    str0m::crypto::from_feature_flags().srtp_provider.aead_aes_128_gcm().create_cipher([n as u8 + 1; 16], encrypt)
}

/// RFC 7714 §8.1, with a salt of zeros.
fn iv(header: &[u8]) -> [u8; 12] {
    let mut iv = [0; 12];
    iv[2..6].copy_from_slice(&header[8..12]);
    iv[10..12].copy_from_slice(&header[2..4]);
    iv
}

/// One participant as the forwarder sees it.
struct Seat {
    address: SocketAddr,
    open: Cipher,
    seal: Cipher,
    /// Next sequence number by SSRC of what it receives.
    numbers: HashMap<u32, u16>,
    /// Sealed packets of this batch, back to back, and their sizes.
    queued: Vec<u8>,
    sizes: Vec<usize>,
}

impl Seat {
    fn queue(&mut self, header: &[u8], payload: &[u8]) {
        let ssrc = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
        let number = self.numbers.entry(ssrc).or_default();
        *number = number.wrapping_add(1);
        let start = self.queued.len();
        self.queued.extend_from_slice(&header[..HEADER]);
        self.queued[start + 2..start + 4].copy_from_slice(&number.to_be_bytes());
        self.queued.resize(start + HEADER + payload.len() + TAG, 0);
        let (head, body) = self.queued[start..].split_at_mut(HEADER);
        self.seal.encrypt(&iv(head), head, payload, body).expect("sealed");
        self.sizes.push(HEADER + payload.len() + TAG);
    }

    fn send(&mut self, socket: &MioSocket, state: &UdpSocketState) {
        let (mut sizes, mut rest) = (&self.sizes[..], &self.queued[..]);
        while let Some(&segment) = sizes.first() {
            let room = state.max_gso_segments().min(RUN_MAX / segment);
            let count = sizes.iter().take(room).take_while(|size| **size == segment).count();
            let (run, after) = rest.split_at(count * segment);
            let segment_size = (count > 1).then_some(segment);
            let transmit = Transmit { destination: self.address, ecn: None, contents: run, segment_size, src_ip: None };
            state.try_send(socket.into(), &transmit).expect("sent");
            (sizes, rest) = (&sizes[count..], after);
        }
        self.sizes.clear();
        self.queued.clear();
    }
}

fn forward(mut socket: MioSocket, mut seats: Vec<Seat>, stop: &AtomicBool, forwarded: &AtomicU64) {
    let state = UdpSocketState::new((&socket).into()).expect("socket");
    let by_address: HashMap<SocketAddr, usize> = seats.iter().enumerate().map(|(n, seat)| (seat.address, n)).collect();
    let mut poll = Poll::new().expect("poll");
    poll.registry().register(&mut socket, Token(0), Interest::READABLE).expect("registered");
    let mut events = Events::with_capacity(4);
    let mut buffers = vec![vec![0; 65_536]; BATCH_SIZE];
    let mut metas = [RecvMeta::default(); BATCH_SIZE];
    let (mut plain, mut dirty) = (vec![], vec![]);
    while !stop.load(Ordering::Relaxed) {
        poll.poll(&mut events, Some(Duration::from_millis(100))).expect("polled");
        loop {
            let mut each = buffers.iter_mut();
            let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = std::array::from_fn(|_| IoSliceMut::new(each.next().expect("sized")));
            let Ok(count) = state.recv((&socket).into(), &mut slices, &mut metas) else { break };
            for (meta, buffer) in metas[..count].iter().zip(&buffers) {
                let Some(&from) = by_address.get(&meta.addr) else { continue };
                for packet in buffer[..meta.len].chunks(meta.stride) {
                    let (header, sealed) = packet.split_at(HEADER);
                    plain.resize(sealed.len() - TAG, 0);
                    seats[from].open.decrypt(&iv(header), &[header], sealed, &mut plain).expect("authentic");
                    let room = from / SEATS * SEATS;
                    for to in (room..room + SEATS).filter(|to| *to != from) {
                        if seats[to].sizes.is_empty() {
                            dirty.push(to);
                        }
                        seats[to].queue(header, &plain);
                    }
                    forwarded.fetch_add(SEATS as u64 - 1, Ordering::Relaxed);
                }
            }
            for to in dirty.drain(..) {
                seats[to].send(&socket, &state);
            }
        }
    }
}

/// A participant's own end: seals what it sends, throws away what it receives.
struct Client {
    socket: MioSocket,
    seal: Cipher,
    to: SocketAddr,
    ssrc: u32,
    numbers: [u16; 2],
}

impl Client {
    fn send(&mut self, kind: usize, size: usize) {
        self.numbers[kind] = self.numbers[kind].wrapping_add(1);
        let mut packet = vec![0x80, 96 + kind as u8];
        packet.extend(self.numbers[kind].to_be_bytes());
        packet.extend([0; 4]);
        packet.extend((self.ssrc + kind as u32).to_be_bytes());
        packet.resize(HEADER + size + TAG, 0);
        let (header, body) = packet.split_at_mut(HEADER);
        self.seal.encrypt(&iv(header), header, &vec![0x55; size], body).expect("sealed");
        self.socket.send_to(&packet, self.to).expect("sent");
    }
}

impl Sender for Client {
    fn socket(&mut self) -> &mut MioSocket {
        &mut self.socket
    }

    fn send_audio(&mut self) {
        self.send(0, AUDIO_BYTES);
    }

    fn send_frame(&mut self) {
        (0..FRAME_PACKETS).for_each(|_| self.send(1, VIDEO_BYTES));
    }

    fn receive(&mut self) {
        let mut buffer = [0; 2000];
        while self.socket.recv_from(&mut buffer).is_ok() {}
    }

    fn tick(&mut self, _: Instant) {}
}

/// The floor under `rooms` rooms, on the same core and under the same load as the SFU.
pub fn run(rooms: usize) -> Cost {
    let raw = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).expect("socket");
    raw.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("bound");
    raw.set_nonblocking(true).expect("set");
    raw.set_recv_buffer_size(SOCKET_BUFFER).expect("set");
    raw.set_send_buffer_size(SOCKET_BUFFER).expect("set");
    let socket = MioSocket::from_std(raw.into());
    let to = socket.local_addr().expect("address");
    let (mut load, mut seats) = (Load::new(), vec![]);
    for n in 0..rooms * SEATS {
        let socket = MioSocket::bind(([127, 0, 0, 1], 0).into()).expect("bound");
        let address = socket.local_addr().expect("address");
        let (open, seal) = (cipher(n, false), cipher(n + 100, true));
        seats.push(Seat { address, open, seal, numbers: HashMap::new(), queued: vec![], sizes: vec![] });
        load.add(Client { socket, seal: cipher(n, true), to, ssrc: n as u32 * 2 + 1, numbers: [0; 2] });
    }
    let (stop, forwarded) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let thread = {
        let (stop, forwarded) = (Arc::clone(&stop), Arc::clone(&forwarded));
        let name = std::thread::Builder::new().name("floor".into());
        name.spawn(move || forward(socket, seats, &stop, &forwarded)).expect("spawned")
    };
    cpu::pin("floor", cpu::MEASURED_CORE);
    load.talking = true;
    load.run(WARM_UP);
    let measure = || (forwarded.load(Ordering::Relaxed), cpu::of_threads("floor"), Instant::now());
    let before = measure();
    load.run(MEASURED);
    let after = measure();
    stop.store(true, Ordering::Relaxed);
    thread.join().expect("no panic");
    Cost { forwarded: after.0 - before.0, cpu: after.1 - before.1, elapsed: after.2 - before.2 }
}
