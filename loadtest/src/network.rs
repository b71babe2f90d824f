//! The UDP path of one peer: the machine's own, or with a bad [link](crate::link) in between; and the switch that cuts it.
//!
//! It is a runtime for the `webrtc` crate that makes other sockets than tokio's and leaves everything else to it. A path without a link costs
//! one look at the switch per packet.

use crate::dice::Dice;
use crate::link::Pipe;
use crate::scenario;
use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime, TokioRuntime, Transmit,
};

/// Packets on their way to a link's task. Full: further ones are lost, as in a network card's queue.
const OUTGOING: usize = 256;
/// Packets that came over a link and were not read. Full: further ones are lost, as in a socket's buffer.
const INCOMING: usize = 1_024;
/// Longest datagram of a peer.
const DATAGRAM_MAX: usize = 2_048;

/// One peer's way to the server.
#[derive(Debug)]
pub struct Network {
    tokio: TokioRuntime,
    link: Option<Sloppy>,
    cut: Arc<AtomicBool>,
}

/// A link to be built for each socket.
#[derive(Debug, Clone)]
struct Sloppy {
    link: scenario::Link,
    dice: Dice,
}

impl Network {
    /// The machine's own network.
    pub fn direct() -> Arc<Self> {
        Arc::new(Self { tokio: TokioRuntime, link: None, cut: Arc::default() })
    }

    /// With `link` in between, both ways.
    pub fn over(link: scenario::Link, dice: Dice) -> Arc<Self> {
        Arc::new(Self { tokio: TokioRuntime, link: Some(Sloppy { link, dice }), cut: Arc::default() })
    }

    /// From now on nothing leaves and nothing arrives, as if the machine were gone.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }
}

impl Runtime for Network {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        self.tokio.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let cut = self.cut.clone();
        match &self.link {
            None => Ok(Arc::new(Direct { socket: self.tokio.wrap_udp_socket(socket)?, cut })),
            Some(sloppy) => Ok(Arc::new(Linked::open(socket, sloppy, cut)?)),
        }
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.tokio.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(&'a self, remote: SocketAddr) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        self.tokio.connect_tcp(remote)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        self.tokio.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        self.tokio.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.tokio.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.tokio.block_on(future);
    }

    fn name(&self) -> &'static str {
        "loadtest"
    }
}

/// The machine's own network, with the switch.
#[derive(Debug)]
struct Direct {
    socket: Arc<dyn AsyncUdpSocket>,
    cut: Arc<AtomicBool>,
}

impl AsyncUdpSocket for Direct {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if self.cut.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(transmit.contents.len()));
        }
        self.socket.poll_send(cx, transmit)
    }

    fn poll_recv(&self, cx: &mut Context<'_>, bufs: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> Poll<io::Result<usize>> {
        if self.cut.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        self.socket.poll_recv(cx, bufs, meta)
    }

    fn max_gso_segments(&self) -> usize {
        self.socket.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.socket.max_gro_segments()
    }
}

struct Datagram {
    /// Where it goes, or where it came from.
    address: SocketAddr,
    bytes: Vec<u8>,
}

/// A socket behind a link. One task carries both directions; it ends with the socket.
struct Linked {
    address: SocketAddr,
    outgoing: mpsc::Sender<Datagram>,
    incoming: Arc<Mutex<Incoming>>,
    cut: Arc<AtomicBool>,
    task: AbortHandle,
}

#[derive(Default)]
struct Incoming {
    datagrams: VecDeque<Datagram>,
    reader: Option<Waker>,
}

impl std::fmt::Debug for Linked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linked").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Linked {
    fn open(socket: std::net::UdpSocket, sloppy: &Sloppy, cut: Arc<AtomicBool>) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let (outgoing, offered) = mpsc::channel(OUTGOING);
        let incoming = Arc::new(Mutex::new(Incoming::default()));
        let mut dice = sloppy.dice.clone();
        let (up, down) = (Dice::new(dice.roll(), 0), Dice::new(dice.roll(), 1));
        let carrier = Carrier {
            socket: UdpSocket::from_std(socket)?,
            start: Instant::now(),
            up: Way::new(Pipe::new(&sloppy.link, up)),
            down: Way::new(Pipe::new(&sloppy.link, down)),
            incoming: incoming.clone(),
        };
        let task = tokio::spawn(carrier.run(offered)).abort_handle();
        Ok(Self { address, outgoing, incoming, cut, task })
    }
}

impl AsyncUdpSocket for Linked {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn poll_send(&self, _cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if !self.cut.load(Ordering::Relaxed) {
            let _ = self.outgoing.try_send(Datagram { address: transmit.destination, bytes: transmit.contents.to_vec() });
        }
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(&self, cx: &mut Context<'_>, bufs: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> Poll<io::Result<usize>> {
        let mut incoming = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(buf), Some(meta)) = (bufs.first_mut(), meta.first_mut()) else { return Poll::Ready(Ok(0)) };
        let datagram = if self.cut.load(Ordering::Relaxed) { None } else { incoming.datagrams.pop_front() };
        let Some(Datagram { address, bytes }) = datagram else {
            incoming.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let length = bytes.len().min(buf.len());
        buf[..length].copy_from_slice(&bytes[..length]);
        *meta = RecvMeta::default();
        (meta.addr, meta.len, meta.stride) = (address, length, length.max(1));
        Poll::Ready(Ok(1))
    }
}

/// One direction: the link, and what is on its way.
struct Way {
    pipe: Pipe,
    /// In the order of arrival, which is that of departure too.
    travelling: VecDeque<(u64, Datagram)>,
}

impl Way {
    fn new(pipe: Pipe) -> Self {
        Self { pipe, travelling: VecDeque::new() }
    }

    fn enter(&mut self, now_us: u64, datagram: Datagram) {
        if let Some(arrives_us) = self.pipe.carry(now_us, datagram.bytes.len()) {
            self.travelling.push_back((arrives_us, datagram));
        }
    }

    fn next_us(&self) -> Option<u64> {
        self.travelling.front().map(|(arrives_us, _)| *arrives_us)
    }

    fn leave(&mut self, now_us: u64) -> Option<Datagram> {
        self.travelling.pop_front_if(|(arrives_us, _)| *arrives_us <= now_us).map(|(_, datagram)| datagram)
    }
}

struct Carrier {
    socket: UdpSocket,
    start: Instant,
    up: Way,
    down: Way,
    incoming: Arc<Mutex<Incoming>>,
}

impl Carrier {
    async fn run(mut self, mut offered: mpsc::Receiver<Datagram>) {
        let mut buffer = vec![0; DATAGRAM_MAX];
        loop {
            let next_us = [self.up.next_us(), self.down.next_us()].into_iter().flatten().min();
            let due = self.start + Duration::from_micros(next_us.unwrap_or(0));
            tokio::select! {
                datagram = offered.recv() => match datagram {
                    Some(datagram) => self.up.enter(self.now_us(), datagram),
                    None => return,
                },
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((length, address)) => self.down.enter(self.now_us(), Datagram { address, bytes: buffer[..length].to_vec() }),
                    // A port that nobody listens on any more: the peer's own timers notice.
                    Err(error) => tracing::debug!(%error, "receiving behind a link"),
                },
                () = tokio::time::sleep_until(due), if next_us.is_some() => {}
            }
            self.deliver();
        }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn deliver(&mut self) {
        let now_us = self.now_us();
        while let Some(Datagram { address, bytes }) = self.up.leave(now_us) {
            if let Err(error) = self.socket.try_send_to(&bytes, address) {
                tracing::debug!(%error, "sending behind a link");
            }
        }
        let mut incoming = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(datagram) = self.down.leave(now_us) {
            if incoming.datagrams.len() < INCOMING {
                incoming.datagrams.push_back(datagram);
            }
        }
        if !incoming.datagrams.is_empty()
            && let Some(reader) = incoming.reader.take()
        {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Link, Scenario};

    /// A socket of `network`, and the far end.
    async fn pair(network: &Network) -> (Arc<dyn AsyncUdpSocket>, UdpSocket) {
        let near = network.wrap_udp_socket(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
        (near, UdpSocket::bind("127.0.0.1:0").await.unwrap())
    }

    fn link(change: impl FnOnce(&mut Link)) -> Arc<Network> {
        let mut link = Scenario::default().link;
        change(&mut link);
        Network::over(link, Dice::new(1, 0))
    }

    #[tokio::test]
    async fn a_delayed_packet_arrives_both_ways_and_not_too_early() {
        let network = link(|link| link.delay = Duration::from_millis(30));
        let (near, far) = pair(&network).await;
        let start = Instant::now();
        near.send_to(b"there", far.local_addr().unwrap()).await.unwrap();
        let mut buffer = [0; 16];
        let (length, from) = far.recv_from(&mut buffer).await.unwrap();
        assert_eq!((&buffer[..length], from), (&b"there"[..], near.local_addr().unwrap()));
        far.send_to(b"back", from).await.unwrap();
        let (length, from) = near.recv_from(&mut buffer).await.unwrap();
        assert_eq!((&buffer[..length], from), (&b"back"[..], far.local_addr().unwrap()));
        assert!(start.elapsed() >= Duration::from_millis(60), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn a_link_that_loses_everything_lets_nothing_through() {
        let network = link(|link| link.loss_percent = 100.0);
        let (near, far) = pair(&network).await;
        near.send_to(b"lost", far.local_addr().unwrap()).await.unwrap();
        far.send_to(b"lost", near.local_addr().unwrap()).await.unwrap();
        let mut buffer = [0; 16];
        let wait = Duration::from_millis(50);
        assert!(tokio::time::timeout(wait, far.recv_from(&mut buffer)).await.is_err());
        assert!(tokio::time::timeout(wait, near.recv_from(&mut buffer)).await.is_err());
    }

    #[tokio::test]
    async fn after_the_cut_nothing_leaves() {
        for network in [Network::direct(), link(|link| link.delay = Duration::from_millis(1))] {
            let (near, far) = pair(&network).await;
            near.send_to(b"before", far.local_addr().unwrap()).await.unwrap();
            let mut buffer = [0; 16];
            far.recv_from(&mut buffer).await.unwrap();
            network.cut();
            near.send_to(b"after", far.local_addr().unwrap()).await.unwrap();
            assert!(tokio::time::timeout(Duration::from_millis(50), far.recv_from(&mut buffer)).await.is_err());
        }
    }
}
