//! The worker's UDP socket: batches in (recvmmsg, GRO), runs of equal size out (GSO).
//!
//! Invariant: nothing here waits. What the kernel doesn't take at once is dropped and counted; media is worthless when late.

use crate::config::StartError;
use crate::limits::SOCKET_BUFFER;
use crate::stats::Counters;
use mio::net::UdpSocket;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use str0m::net::Protocol as Via;

/// Room for one receive of the kernel: 64 KiB with GRO, of which each datagram takes a part.
const RECEIVE_BUFFER: usize = 64 * 1024;
/// Largest run handed to the kernel at once; UDP's length field allows no more.
const RUN_MAX: usize = 65_000;
/// What an emptied queue keeps of its buffer, and the most that is queued of single datagrams before they are sent.
const KEPT_BYTES: usize = 256 * 1024;

/// Binds `address` with large buffers.
pub(crate) fn bind(address: SocketAddr) -> Result<UdpSocket, StartError> {
    open(address).map_err(|source| StartError::Bind { address, source })
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = RawSocket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(address.ip() != IpAddr::V6(Ipv6Addr::UNSPECIFIED))?;
    }
    socket.bind(&address.into())?;
    socket.set_nonblocking(true)?;
    for (name, result) in [("receive", socket.set_recv_buffer_size(SOCKET_BUFFER)), ("send", socket.set_send_buffer_size(SOCKET_BUFFER))] {
        if let Err(error) = result {
            tracing::warn!(%error, name, "the kernel refused a larger UDP buffer");
        }
    }
    Ok(UdpSocket::from_std(socket.into()))
}

/// The addresses that clients are told, and how they relate to the machine's own.
#[derive(Debug, Clone)]
pub(crate) struct Announced {
    addresses: Vec<(SocketAddr, OnMachine)>,
}

/// Whether the kernel can send from an announced address, or a NAT in front of the machine translates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnMachine {
    Yes,
    No,
}

impl Announced {
    pub(crate) fn new(addresses: &[IpAddr], port: u16) -> Self {
        let on_machine = |ip: IpAddr| match std::net::UdpSocket::bind((ip, 0)) {
            Ok(_) => OnMachine::Yes,
            Err(_) => OnMachine::No,
        };
        Self { addresses: addresses.iter().map(|&ip| (SocketAddr::new(ip, port), on_machine(ip))).collect() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.addresses.iter().map(|(address, _)| *address)
    }

    /// The announced address that a datagram to `local` was meant for.
    pub(crate) fn meant(&self, local: Option<IpAddr>, source: SocketAddr) -> Option<SocketAddr> {
        let exact = self.iter().find(|announced| Some(announced.ip()) == local);
        exact.or_else(|| self.iter().find(|announced| announced.is_ipv4() == source.is_ipv4()))
    }

    /// The address to send from, if the kernel mustn't choose it.
    fn send_from(&self, announced: IpAddr) -> Option<IpAddr> {
        self.addresses.iter().find(|(address, on)| address.ip() == announced && *on == OnMachine::Yes).map(|_| announced)
    }
}

/// The receiving side.
pub(crate) struct Inbox {
    buffers: Vec<Vec<u8>>,
    metas: [RecvMeta; BATCH_SIZE],
}

/// One datagram, or a packet that came over TCP.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Datagram<'a> {
    pub(crate) source: SocketAddr,
    /// The announced address that it was sent to.
    pub(crate) destination: SocketAddr,
    pub(crate) protocol: Via,
    pub(crate) contents: &'a [u8],
}

impl Datagram<'_> {
    /// Whether it is (S)RTP, rather than (S)RTCP, STUN or DTLS (RFC 7983, RFC 5761 §4).
    pub(crate) fn is_rtp(&self) -> bool {
        matches!(*self.contents, [128..=191, second, ..] if !(64..96).contains(&(second & 0x7f)))
    }
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { buffers: vec![vec![0; RECEIVE_BUFFER]; BATCH_SIZE], metas: [RecvMeta::default(); BATCH_SIZE] }
    }

    /// Receives a batch and returns its size; 0 when the socket is empty.
    pub(crate) fn receive(&mut self, out: &Outbox) -> io::Result<usize> {
        let mut buffers = self.buffers.iter_mut();
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(buffers.next().expect("one buffer per slot of the batch")));
        match out.state.recv((&out.socket).into(), &mut slices, &mut self.metas) {
            Ok(count) => Ok(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// The datagrams of the last batch of `count`. Those to an address family without an announced address are left out.
    pub(crate) fn datagrams<'a>(&'a self, count: usize, announced: &'a Announced) -> impl Iterator<Item = Datagram<'a>> {
        self.metas[..count].iter().zip(&self.buffers).flat_map(move |(meta, buffer)| {
            let source = canonical(meta.addr);
            let destination = announced.meant(meta.dst_ip.map(|ip| ip.to_canonical()), source);
            let run = if destination.is_some() { &buffer[..meta.len.min(buffer.len())] } else { &[] };
            run.chunks(meta.stride.max(1))
                .filter_map(move |contents| Some(Datagram { source, destination: destination?, protocol: Via::Udp, contents }))
        })
    }
}

/// Datagrams that wait to be sent, back to back. Those of one size to one destination are runs, which the kernel takes at once.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    bytes: Vec<u8>,
    runs: Vec<Run>,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    source: SocketAddr,
    destination: SocketAddr,
    segment: usize,
    /// Of all datagrams together; only the last may be shorter than a segment.
    length: usize,
}

impl Packets {
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The datagrams with their destinations.
    #[cfg(test)]
    pub(crate) fn datagrams(&self) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut start = 0;
        let run = |run: &Run| {
            let bytes = &self.bytes[start..start + run.length];
            start += run.length;
            bytes.chunks(run.segment).map(|datagram| (run.destination, datagram.to_vec())).collect::<Vec<_>>()
        };
        self.runs.iter().flat_map(run).collect()
    }

    /// Lets `write` append a datagram and say from where to where it goes. What it appends without saying so is removed.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Option<(SocketAddr, SocketAddr)>) {
        let start = self.bytes.len();
        let Some((source, destination)) = write(&mut self.bytes) else {
            self.bytes.truncate(start);
            return;
        };
        let length = self.bytes.len() - start;
        match self.runs.last_mut() {
            Some(run) if run.takes(source, destination, length) => run.length += length,
            Some(_) | None => self.runs.push(Run { source, destination, segment: length, length }),
        }
    }

    /// Makes one run of any two single RTP packets of different streams that follow each other: the larger one goes first. What is
    /// queued must be RTP.
    pub(crate) fn pair(&mut self) {
        if self.runs.len() < 2 {
            return;
        }
        let mut start = 0;
        let mut paired: usize = 0;
        for n in 0..self.runs.len() {
            let run = self.runs[n];
            let end = start + run.length;
            match self.runs[..paired].last_mut().filter(|last| last.pairs_with(&run)) {
                Some(last) if stream(&self.bytes[start..end]) != stream(&self.bytes[start - last.length..start]) => {
                    self.bytes[start - last.length..end].rotate_right(run.length);
                    *last = Run { length: last.length + run.length, ..run };
                }
                Some(_) | None => {
                    self.runs[paired] = run;
                    paired += 1;
                }
            }
            start = end;
        }
        self.runs.truncate(paired);
    }

    fn clear(&mut self) {
        self.runs.clear();
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
    }
}

impl Run {
    fn takes(&self, source: SocketAddr, destination: SocketAddr, length: usize) -> bool {
        let is_whole = self.length.is_multiple_of(self.segment);
        is_whole && length <= self.segment && self.destination == destination && self.source == source
    }

    /// Whether both are single datagrams, and the other way round would be a run.
    fn pairs_with(&self, next: &Self) -> bool {
        let are_single = self.length == self.segment && next.length == next.segment;
        are_single && self.length < next.length && self.destination == next.destination && self.source == next.source
    }
}

/// The sending side.
pub(crate) struct Outbox {
    socket: UdpSocket,
    state: UdpSocketState,
    announced: Announced,
    is_ipv6: bool,
    single: Packets,
}

impl Outbox {
    pub(crate) fn new(socket: UdpSocket, announced: Announced) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        let is_ipv6 = socket.local_addr()?.is_ipv6();
        Ok(Self { socket, state, announced, is_ipv6, single: Packets::default() })
    }

    pub(crate) fn announced(&self) -> &Announced {
        &self.announced
    }

    pub(crate) fn socket_mut(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    /// Queues one datagram until [`Self::flush`].
    pub(crate) fn push(&mut self, source: SocketAddr, destination: SocketAddr, contents: &[u8], counters: &Counters) {
        if self.single.bytes.len() > KEPT_BYTES {
            self.flush(counters);
        }
        self.single.append(|bytes| {
            bytes.extend_from_slice(contents);
            Some((source, destination))
        });
    }

    /// Sends what was pushed.
    pub(crate) fn flush(&mut self, counters: &Counters) {
        if !self.single.is_empty() {
            let mut packets = std::mem::take(&mut self.single);
            self.send(&mut packets, counters);
            self.single = packets;
        }
    }

    /// Sends all of `packets` and leaves it empty.
    pub(crate) fn send(&self, packets: &mut Packets, counters: &Counters) {
        let Packets { bytes, runs } = &*packets;
        let mut rest = &bytes[..];
        for run in runs {
            let (datagrams, after) = rest.split_at(run.length);
            rest = after;
            // An empty datagram has no segments to speak of.
            let at_once = self.state.max_gso_segments().min(RUN_MAX / run.segment.max(1)).max(1);
            for part in datagrams.chunks((run.segment * at_once).max(1)) {
                self.send_run(run, part, counters);
            }
        }
        packets.clear();
    }

    fn send_run(&self, run: &Run, contents: &[u8], counters: &Counters) {
        let Run { source, destination, segment, .. } = *run;
        let count = contents.len().div_ceil(segment) as u64;
        let mapped = self.is_ipv6 && destination.is_ipv4();
        let transmit = Transmit {
            destination: if mapped { mapped_v6(destination) } else { destination },
            ecn: None,
            contents,
            segment_size: (count > 1).then_some(segment),
            src_ip: if mapped { None } else { self.announced.send_from(source.ip()) },
        };
        match self.state.try_send((&self.socket).into(), &transmit) {
            Ok(()) => {
                counters.packets_out.add(count);
                counters.bytes_out.add(contents.len() as u64);
            }
            Err(error) => {
                tracing::trace!(%error, "datagrams dropped");
                counters.dropped_send.add(count);
            }
        }
    }
}

/// The SSRC of an RTP packet (RFC 3550 §5.1).
fn stream(packet: &[u8]) -> Option<&[u8]> {
    packet.get(8..12)
}

/// The IPv4 form of an IPv4 address that came through an IPv6 socket.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn mapped_v6(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    fn pair() -> (Outbox, SocketAddr, std::net::UdpSocket) {
        let socket = bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bound");
        let port = socket.local_addr().expect("address").port();
        let announced = Announced::new(&[Ipv4Addr::LOCALHOST.into()], port);
        let here = announced.iter().next().expect("announced");
        let far = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
        far.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
        (Outbox::new(socket, announced).expect("outbox"), here, far)
    }

    #[test]
    fn runs_of_mixed_sizes_arrive_whole_and_in_order() {
        let (mut outbox, here, far) = pair();
        let counters = Counters::default();
        let sizes = [100, 100, 60, 100, 1200, 1200, 1200, 7, 7, 8];
        for (n, &size) in sizes.iter().enumerate() {
            outbox.push(here, far.local_addr().expect("address"), &vec![n as u8; size], &counters);
        }
        outbox.flush(&counters);
        let mut buffer = [0; 2000];
        for (n, &size) in sizes.iter().enumerate() {
            assert_eq!(far.recv(&mut buffer).expect("received"), size);
            assert_eq!(buffer[0], n as u8);
        }
        assert_eq!(counters.packets_out.value(), sizes.len() as u64);
        assert_eq!(counters.dropped_send.value(), 0);
    }

    /// An RTP packet of a stream, of so many bytes.
    fn rtp(ssrc: u32, length: usize) -> Vec<u8> {
        let mut packet = vec![0x80; 8];
        packet.extend(ssrc.to_be_bytes());
        packet.resize(length, ssrc as u8);
        packet
    }

    #[test]
    fn single_packets_of_different_streams_leave_in_pairs() {
        let [here, there, elsewhere] = [1, 2, 3].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let mut packets = Packets::default();
        let queued =
            [(1, 80, there), (2, 90, there), (3, 60, elsewhere), (3, 70, elsewhere), (4, 90, there), (5, 90, there), (6, 99, there)];
        for (ssrc, length, destination) in queued {
            packets.append(|bytes| {
                bytes.extend(rtp(ssrc, length));
                Some((here, destination))
            });
        }
        packets.pair();
        let runs: Vec<(usize, usize)> = packets.runs.iter().map(|run| (run.segment, run.length)).collect();
        // The larger in front; one stream stays in order; what is a run already stays one.
        assert_eq!(runs, [(90, 170), (60, 60), (70, 70), (90, 180), (99, 99)]);
        let order =
            [(2, 90, there), (1, 80, there), (3, 60, elsewhere), (3, 70, elsewhere), (4, 90, there), (5, 90, there), (6, 99, there)];
        assert_eq!(packets.datagrams(), order.map(|(ssrc, length, destination)| (destination, rtp(ssrc, length))));
    }

    #[test]
    fn a_busy_port_is_named() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
        let port = socket.local_addr().expect("address").port();
        let error = bind(SocketAddr::from(([127, 0, 0, 1], port))).expect_err("taken");
        assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
    }

    #[test]
    fn behind_a_nat_the_kernel_chooses_the_source() {
        let announced = Announced::new(&["203.0.113.9".parse().expect("address"), Ipv4Addr::LOCALHOST.into()], 5000);
        let client = SocketAddr::from(([192, 0, 2, 1], 1));
        let meant = announced.meant(Some("10.0.0.7".parse().expect("address")), client).expect("announced");
        assert_eq!(meant, "203.0.113.9:5000".parse().expect("address"));
        assert_eq!(announced.send_from(meant.ip()), None);
        assert_eq!(announced.send_from(Ipv4Addr::LOCALHOST.into()), Some(Ipv4Addr::LOCALHOST.into()));
    }
}
