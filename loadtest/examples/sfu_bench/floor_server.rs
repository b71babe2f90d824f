//! The floor's process: one thread that forwards, one that reads rooms.

use crate::floor::{PORT, SeatKeys, Told};
use crate::srtp::{Context, Master, TAG};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use std::collections::HashMap;
use std::io::{BufRead as _, IoSliceMut, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::time::Duration;

/// Longest datagram, less what headers take.
const RUN_MAX: usize = 65_000;
/// Of RTP, without extensions.
const HEADER: usize = 12;
/// What zzan asks for.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;

/// Serves until standard input ends.
pub fn serve(ip: IpAddr) -> anyhow::Result<()> {
    let raw = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None)?;
    raw.bind(&SocketAddr::new(ip, PORT).into())?;
    raw.set_nonblocking(true)?;
    raw.set_recv_buffer_size(SOCKET_BUFFER)?;
    raw.set_send_buffer_size(SOCKET_BUFFER)?;
    let socket = UdpSocket::from_std(raw.into());
    let (told, tells) = mpsc::channel();
    std::thread::Builder::new().name("floor".into()).spawn(move || Floor::new(socket)?.run(&tells))?;
    answer("ready")?;
    for line in std::io::stdin().lock().lines() {
        told.send(serde_json::from_str(&line?)?)?;
        answer("")?;
    }
    Ok(())
}

fn answer(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    out.flush()
}

/// One participant as the forwarder sees it.
struct Seat {
    address: SocketAddr,
    open: Context,
    seal: Context,
    /// Seats that hear this one.
    listeners: Vec<usize>,
    /// Highest sequence number by SSRC of what it sends, with its roll-over counter in front.
    highest: HashMap<u32, u32>,
    /// Next sequence number by SSRC of what it receives.
    numbers: HashMap<u32, u32>,
    /// Sealed packets of this batch, back to back, and their sizes.
    queued: Vec<u8>,
    sizes: Vec<usize>,
}

impl Seat {
    fn new(keys: &SeatKeys) -> anyhow::Result<Self> {
        let context = |key: &[u8]| Context::new(&Master { key: key.to_vec(), salt: keys.salt });
        Ok(Self {
            address: keys.address,
            open: context(&keys.receive)?,
            seal: context(&keys.send)?,
            listeners: vec![],
            highest: HashMap::new(),
            numbers: HashMap::new(),
            queued: vec![],
            sizes: vec![],
        })
    }

    /// The roll-over counter of a packet; packets here come in order.
    fn roll_over(&mut self, packet: &[u8]) -> u32 {
        let number = u32::from(u16::from_be_bytes([packet[2], packet[3]]));
        let highest = self.highest.entry(ssrc(packet)).or_default();
        let wrapped = u32::from(*highest & 0xffff > number + 0x8000);
        *highest = (((*highest >> 16) + wrapped) << 16) | number;
        *highest >> 16
    }

    fn queue(&mut self, plain: &[u8]) -> anyhow::Result<()> {
        let number = self.numbers.entry(ssrc(plain)).or_default();
        *number = number.wrapping_add(1);
        let start = self.queued.len();
        self.queued.extend_from_slice(plain);
        self.queued[start + 2..start + 4].copy_from_slice(&(*number as u16).to_be_bytes());
        self.seal.seal_rtp(&mut self.queued, start, *number >> 16)?;
        self.sizes.push(self.queued.len() - start);
        Ok(())
    }

    fn send(&mut self, socket: &UdpSocket, state: &UdpSocketState) {
        let (mut sizes, mut rest) = (&self.sizes[..], &self.queued[..]);
        while let Some(&segment) = sizes.first() {
            let room = state.max_gso_segments().min(RUN_MAX / segment);
            let count = sizes.iter().take(room).take_while(|size| **size == segment).count();
            let (run, after) = rest.split_at(count * segment);
            let segment_size = (count > 1).then_some(segment);
            let transmit = Transmit { destination: self.address, ecn: None, contents: run, segment_size, src_ip: None };
            // Full buffers drop, as networks do; the load counts.
            let _ = state.try_send(socket.into(), &transmit);
            (sizes, rest) = (&sizes[count..], after);
        }
        self.sizes.clear();
        self.queued.clear();
    }
}

/// Of an RTP packet with at least its fixed header.
fn ssrc(packet: &[u8]) -> u32 {
    u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]])
}

struct Floor {
    socket: UdpSocket,
    state: UdpSocketState,
    poll: Poll,
    seats: Vec<Seat>,
    by_address: HashMap<SocketAddr, usize>,
}

impl Floor {
    fn new(mut socket: UdpSocket) -> anyhow::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        let poll = Poll::new()?;
        poll.registry().register(&mut socket, Token(0), Interest::READABLE)?;
        Ok(Self { socket, state, poll, seats: vec![], by_address: HashMap::new() })
    }

    fn run(&mut self, tells: &mpsc::Receiver<Told>) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(4);
        let mut buffers = vec![vec![0; 65_536]; BATCH_SIZE];
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        loop {
            self.poll.poll(&mut events, Some(Duration::from_millis(20)))?;
            while let Ok(told) = tells.try_recv() {
                self.hear(&told)?;
            }
            loop {
                let mut each = buffers.iter_mut();
                let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = std::array::from_fn(|_| IoSliceMut::new(each.next().expect("one per slot")));
                let Ok(count) = self.state.recv((&self.socket).into(), &mut slices, &mut metas) else { break };
                self.forward(&mut buffers, &metas[..count])?;
            }
        }
    }

    fn hear(&mut self, told: &Told) -> anyhow::Result<()> {
        match told {
            Told::Open { seats, receives } => {
                let first = self.seats.len();
                for (n, keys) in (first..).zip(seats) {
                    self.seats.push(Seat::new(keys)?);
                    self.by_address.insert(keys.address, n);
                }
                for n in first..self.seats.len() {
                    for heard in (first..self.seats.len()).filter(|other| *other != n).take(*receives) {
                        self.seats[heard].listeners.push(n);
                    }
                }
            }
            Told::Close(addresses) => addresses.iter().for_each(|address| {
                self.by_address.remove(address);
            }),
        }
        Ok(())
    }

    fn forward(&mut self, buffers: &mut [Vec<u8>], metas: &[RecvMeta]) -> anyhow::Result<()> {
        let mut dirty = vec![];
        for (meta, buffer) in metas.iter().zip(buffers) {
            let Some(&from) = self.by_address.get(&meta.addr) else { continue };
            for packet in buffer[..meta.len].chunks_mut(meta.stride.max(1)) {
                // The load's reports are for SFUs that read them.
                if matches!(packet.get(1), Some(192..=223)) {
                    continue;
                }
                if packet.len() < HEADER + TAG {
                    continue;
                }
                let roll_over = self.seats[from].roll_over(packet);
                if self.seats[from].open.open_rtp(packet, roll_over).is_none() {
                    continue;
                }
                let plain = &packet[..packet.len() - TAG];
                for n in 0..self.seats[from].listeners.len() {
                    let to = self.seats[from].listeners[n];
                    if self.seats[to].sizes.is_empty() {
                        dirty.push(to);
                    }
                    self.seats[to].queue(plain)?;
                }
            }
        }
        for to in dirty {
            self.seats[to].send(&self.socket, &self.state);
        }
        Ok(())
    }
}
