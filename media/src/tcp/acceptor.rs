//! The one TCP port of all workers: takes connections, and hands each to the worker whose peer its first check names.
//!
//! It checks no integrity: that is the worker's. Invariant: whoever names nobody within [`TCP_FIRST_CHECK`] is closed, and costs no
//! more than a place and a few kilobytes until then.

use super::admission::{Admission, Admitted};
use super::frame::{Deframer, Filled};
use super::{Directory, Handover};
use crate::config::StartError;
use crate::limits::{TCP_FIRST_CHECK, TCP_FRAMES_UNKNOWN, TCP_SOCKET_BUFFER};
use crate::stats::Counters;
use crate::stun;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 512;
/// Wait after the kernel refused a connection for want of something, mostly of file descriptors.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// Binds the port.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    open(address).map_err(|source| StartError::Listen { address, source })
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(address.ip() != IpAddr::V6(Ipv6Addr::UNSPECIFIED))?;
    }
    // Connections of a process that ended a moment ago must not keep the next one from its port.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// Stops the acceptor from elsewhere.
#[derive(Clone)]
pub(crate) struct Stop {
    wanted: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Stop {
    pub(crate) fn stop(&self) {
        self.wanted.store(true, Ordering::Release);
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "the TCP port can't be closed");
        }
    }
}

/// A way into a worker.
pub(crate) struct Worker {
    pub(crate) connections: SyncSender<Handover>,
    pub(crate) waker: Arc<Waker>,
}

pub(crate) struct Acceptor {
    poll: Poll,
    stop: Stop,
    listener: TcpListener,
    admission: Admission,
    directory: Directory,
    workers: Vec<Worker>,
    counters: Arc<Counters>,
    strangers: HashMap<Token, Stranger>,
    /// In the order of coming, so the first is the first that is due. Those that were handed over are passed over.
    deadlines: VecDeque<(Instant, Token)>,
    next_token: usize,
}

/// A connection that named nobody yet.
struct Stranger {
    stream: TcpStream,
    remote: SocketAddr,
    frames: Deframer,
    unknown: u32,
    admitted: Admitted,
}

/// What a look at a stranger came to.
enum Look {
    Wait,
    Close,
    /// It named a peer of this worker.
    Worker(usize),
}

impl Acceptor {
    pub(crate) fn new(mut listener: TcpListener, directory: Directory, workers: Vec<Worker>, counters: Arc<Counters>) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let stop = Stop { wanted: Arc::default(), waker: Arc::new(Waker::new(poll.registry(), WAKER)?) };
        Ok(Self {
            poll,
            stop,
            listener,
            admission: Admission::default(),
            directory,
            workers,
            counters,
            strangers: HashMap::new(),
            deadlines: VecDeque::new(),
            next_token: 2,
        })
    }

    pub(crate) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Runs until it is stopped.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(128);
        let mut accept_again = None;
        while !self.stop.wanted.load(Ordering::Acquire) {
            let next = [accept_again, self.deadlines.front().map(|(at, _)| *at)].into_iter().flatten().min();
            let wait = next.map(|at| at.saturating_duration_since(Instant::now()));
            if let Err(error) = self.poll.poll(&mut events, wait)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the poller failed; the TCP port is closed");
                return;
            }
            let now = Instant::now();
            if accept_again.is_some_and(|at| at <= now) || events.iter().any(|event| event.token() == LISTENER) {
                accept_again = self.accept(now);
            }
            for event in &events {
                self.look(event.token());
            }
            self.expire(now);
        }
    }

    /// Takes what waits. Returns when to try again, if something is amiss.
    fn accept(&mut self, now: Instant) -> Option<Instant> {
        loop {
            match self.listener.accept() {
                Ok((stream, remote)) => self.admit(stream, remote, now),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                // It was closed before it was taken.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, "a TCP connection can't be accepted");
                    return Some(now + AFTER_ERROR);
                }
            }
        }
    }

    fn admit(&mut self, mut stream: TcpStream, remote: SocketAddr, now: Instant) {
        let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        let Some(admitted) = self.admission.admit(remote.ip()) else {
            self.counters.tcp_refused.inc();
            return;
        };
        let token = Token(self.next_token);
        self.next_token += 1;
        let prepared = prepare(&stream).and_then(|()| self.poll.registry().register(&mut stream, token, Interest::READABLE));
        if let Err(error) = prepared {
            tracing::debug!(%error, "a TCP connection can't be used");
            return;
        }
        self.strangers.insert(token, Stranger { stream, remote, frames: Deframer::default(), unknown: 0, admitted });
        self.deadlines.push_back((now + TCP_FIRST_CHECK, token));
        self.look(token);
    }

    fn look(&mut self, token: Token) {
        let Some(stranger) = self.strangers.get_mut(&token) else { return };
        match stranger.look(&self.directory) {
            Look::Wait => {}
            Look::Close => {
                self.counters.tcp_malformed.inc();
                self.strangers.remove(&token);
            }
            Look::Worker(worker) => {
                if let Some(stranger) = self.strangers.remove(&token) {
                    self.hand_over(stranger, worker);
                }
            }
        }
    }

    fn hand_over(&mut self, mut stranger: Stranger, worker: usize) {
        let local = stranger.stream.local_addr();
        let (Some(worker), Ok(local), Ok(())) = (self.workers.get(worker), local, self.poll.registry().deregister(&mut stranger.stream))
        else {
            return;
        };
        let Stranger { stream, remote, frames, admitted, .. } = stranger;
        match worker.connections.try_send(Handover { stream, remote, local: local.ip().to_canonical(), frames, admitted }) {
            Ok(()) => {
                if let Err(error) = worker.waker.wake() {
                    tracing::error!(%error, "a media worker can't be woken");
                }
            }
            // The client tries again.
            Err(TrySendError::Full(_)) => self.counters.tcp_refused.inc(),
            Err(TrySendError::Disconnected(_)) => {}
        }
    }

    fn expire(&mut self, now: Instant) {
        while let Some((_, token)) = self.deadlines.pop_front_if(|(at, _)| *at <= now) {
            if self.strangers.remove(&token).is_some() {
                self.counters.tcp_refused.inc();
            }
        }
    }
}

/// Nothing waits for more to be sent with it, and a slow reader is noticed before it is seconds behind.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_send_buffer_size(TCP_SOCKET_BUFFER)
}

impl Stranger {
    fn look(&mut self, directory: &Directory) -> Look {
        loop {
            let filled = match self.frames.fill(&mut self.stream) {
                Ok(filled) => filled,
                Err(_) => return Look::Close,
            };
            loop {
                match self.frames.peek() {
                    Err(_) => return Look::Close,
                    Ok(None) => break,
                    Ok(Some(packet)) => match stun::named(packet).map(|ufrag| directory.worker(ufrag)) {
                        None => return Look::Close,
                        Some(Some(worker)) => return Look::Worker(worker),
                        Some(None) => {
                            // The answer may be faster than the worker; clients repeat their checks.
                            self.unknown += 1;
                            if self.unknown > TCP_FRAMES_UNKNOWN || self.frames.next().is_err() {
                                return Look::Close;
                            }
                        }
                    },
                }
            }
            match filled {
                Filled::Some => {}
                Filled::Nothing => return Look::Wait,
                Filled::Closed => return Look::Close,
            }
        }
    }
}
