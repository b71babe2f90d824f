//! ICE over TCP (RFC 6544, passive candidates) for clients whose network lets no UDP through.
//!
//! One port for all workers: `acceptor` finds the worker that a connection is for, which then has it in its [`Connections`]. A connection
//! stands to a peer as an address does in `demux`. Invariant: a connection has an owner only after a check on it passed that
//! peer's integrity check, and is closed with its peer.

mod acceptor;
mod admission;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod port;

pub(crate) use port::{Port, Serving};

use crate::demux::PeerKey;
use crate::limits::{TCP_FIRST_CHECK, TCP_IDLE, TCP_PER_PEER, TCP_SEND_BYTES, TCP_SEND_RESERVE_BYTES, TCP_STUCK};
use crate::socket::Announced;
use crate::stats::Counters;
use admission::Admitted;
use frame::{Deframer, Filled, Framer, Written};
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use str0m::net::Transmit;

/// Tokens of connections start here, and are never used twice.
pub(crate) const FIRST_TOKEN: usize = 16;
/// How often connections are looked at for silence and for stuck readers, while there are any.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// On which worker a peer is, by its ICE name. Shared by all workers and the acceptor; touched when peers come, go and restart ICE.
#[derive(Debug, Clone, Default)]
struct Directory(Arc<Mutex<HashMap<String, usize>>>);

impl Directory {
    fn worker(&self, ufrag: &str) -> Option<usize> {
        self.with(|workers| workers.get(ufrag).copied())
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<String, usize>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A connection on its way to a worker, with what was read of it.
pub(crate) struct Handover {
    stream: TcpStream,
    remote: SocketAddr,
    local: IpAddr,
    frames: Deframer,
    admitted: Admitted,
}

/// Both ends: the client's, and the announced one of ours.
type Ends = (SocketAddr, SocketAddr);

struct Connection {
    stream: TcpStream,
    ends: Ends,
    frames: Deframer,
    out: Framer,
    owner: Option<PeerKey>,
    admitted: Admitted,
    since: Instant,
    last_heard: Instant,
    /// Since when nothing of what waits was taken.
    stuck_since: Option<Instant>,
    is_listed: bool,
}

/// The connections of one worker.
pub(crate) struct Connections {
    here: Option<Here>,
    connections: HashMap<Token, Connection>,
    by_ends: HashMap<Ends, Token>,
    /// Those that may have something to read.
    readable: Vec<Token>,
    /// Those that something waits to be written to.
    writable: Vec<Token>,
    next_token: usize,
    look_at: Option<Instant>,
}

/// What a worker with a TCP port has.
struct Here {
    registry: Registry,
    announced: Announced,
    directory: Directory,
    /// This worker's number.
    worker: usize,
}

/// The packets of one connection that are being worked off.
pub(crate) struct Unread {
    token: Token,
    ends: Ends,
    frames: Deframer,
}

impl Unread {
    /// Both ends of the connection: the client's, then ours.
    pub(crate) fn ends(&self) -> (SocketAddr, SocketAddr) {
        self.ends
    }

    /// The next whole packet. An error ends the connection.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, frame::TooLong> {
        self.frames.next()
    }
}

impl Connections {
    /// Those of a worker without a TCP port: there are never any.
    pub(crate) fn none() -> Self {
        Self::new(None)
    }

    fn new(here: Option<Here>) -> Self {
        let (connections, by_ends) = (HashMap::new(), HashMap::new());
        Self { here, connections, by_ends, readable: vec![], writable: vec![], next_token: FIRST_TOKEN, look_at: None }
    }

    /// Connections that name this peer come to this worker from now on.
    pub(crate) fn list(&self, ufrag: &str) {
        if let Some(here) = &self.here {
            here.directory.with(|workers| workers.insert(ufrag.to_owned(), here.worker));
        }
    }

    pub(crate) fn unlist(&self, ufrag: &str) {
        if let Some(here) = &self.here {
            here.directory.with(|workers| workers.remove(ufrag));
        }
    }

    /// Takes a connection over from the acceptor.
    pub(crate) fn take(&mut self, handover: Handover, now: Instant, counters: &Counters) {
        let Handover { mut stream, remote, local, frames, admitted } = handover;
        let Some(here) = &self.here else { return };
        let Some(local) = here.announced.meant(Some(local), remote) else { return };
        let token = Token(self.next_token);
        self.next_token += 1;
        if let Err(error) = here.registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE) {
            tracing::debug!(%error, "a TCP connection can't be watched");
            return;
        }
        let ends = (remote, local);
        let (out, owner, stuck_since) = (Framer::default(), None, None);
        let connection =
            Connection { stream, ends, frames, out, owner, admitted, since: now, last_heard: now, stuck_since, is_listed: false };
        self.connections.insert(token, connection);
        self.by_ends.insert(ends, token);
        self.readable.push(token);
        self.look_at.get_or_insert(now + LOOK_EVERY);
        counters.tcp_connections.set(self.connections.len() as u64);
    }

    /// The poller says something of a connection.
    pub(crate) fn happened(&mut self, event: &Event) {
        let token = event.token();
        let Some(connection) = self.connections.get_mut(&token) else { return };
        if event.is_writable() && !connection.is_listed && connection.out.waiting() > 0 {
            connection.is_listed = true;
            self.writable.push(token);
        }
        if (event.is_readable() || event.is_read_closed() || event.is_error()) && !self.readable.contains(&token) {
            self.readable.push(token);
        }
    }

    /// The connections to read from in this turn.
    pub(crate) fn readable(&mut self) -> Vec<Token> {
        std::mem::take(&mut self.readable)
    }

    /// Reads once. What it read is given back by [`Self::put_back`].
    pub(crate) fn read(&mut self, token: Token, now: Instant, counters: &Counters) -> Option<Unread> {
        let connection = self.connections.get_mut(&token)?;
        match connection.frames.fill(&mut connection.stream) {
            Ok(Filled::Some) => {
                connection.last_heard = now;
                Some(Unread { token, ends: connection.ends, frames: std::mem::take(&mut connection.frames) })
            }
            // What the acceptor read stands there without a read.
            Ok(Filled::Nothing) if matches!(connection.frames.peek(), Ok(Some(_)) | Err(_)) => {
                Some(Unread { token, ends: connection.ends, frames: std::mem::take(&mut connection.frames) })
            }
            Ok(Filled::Nothing) => None,
            Ok(Filled::Closed) | Err(_) => {
                self.close(token, counters);
                None
            }
        }
    }

    /// The rest of what was read: the beginning of a packet.
    pub(crate) fn put_back(&mut self, unread: Unread) {
        if let Some(connection) = self.connections.get_mut(&unread.token) {
            connection.frames = unread.frames;
            connection.frames.rest();
        }
    }

    /// It may have more to read in the next turn.
    pub(crate) fn read_again(&mut self, token: Token) {
        self.readable.push(token);
    }

    /// It sent what is no packet.
    pub(crate) fn malformed(&mut self, unread: &Unread, counters: &Counters) {
        counters.tcp_malformed.inc();
        self.close(unread.token, counters);
    }

    /// Whose connection it is.
    pub(crate) fn owner(&self, remote: SocketAddr, local: SocketAddr) -> Option<PeerKey> {
        self.connections.get(self.by_ends.get(&(remote, local))?)?.owner
    }

    /// A check on the connection was answered, so it is `key`'s. Of one peer's connections the oldest gives way to one too many.
    pub(crate) fn own(&mut self, remote: SocketAddr, local: SocketAddr, key: PeerKey, counters: &Counters) {
        let Some(connection) = self.by_ends.get(&(remote, local)).and_then(|token| self.connections.get_mut(token)) else { return };
        if connection.owner == Some(key) {
            return;
        }
        connection.owner = Some(key);
        connection.admitted.prove();
        let mut own: Vec<Token> = self.owned(key).collect();
        own.sort_unstable();
        for token in own.iter().take(own.len().saturating_sub(TCP_PER_PEER)) {
            self.close(*token, counters);
        }
    }

    /// The peer is gone, or has another path than these: closes its connections but the one with these ends.
    pub(crate) fn disown(&mut self, key: PeerKey, but: Option<Ends>, counters: &Counters) {
        let kept = but.and_then(|ends| self.by_ends.get(&ends).copied());
        let own: Vec<Token> = self.owned(key).filter(|token| Some(*token) != kept).collect();
        for token in own {
            // A goodbye may wait to be sent.
            self.write(token, counters);
            self.close(token, counters);
        }
    }

    fn owned(&self, key: PeerKey) -> impl Iterator<Item = Token> {
        self.connections.iter().filter(move |(_, connection)| connection.owner == Some(key)).map(|(token, _)| *token)
    }

    /// Queues a packet. A reader that is behind loses media, whole packets of it; one that is too far behind for anything is closed.
    pub(crate) fn push(&mut self, transmit: &Transmit, counters: &Counters) {
        let ends = (transmit.destination, transmit.source);
        let Some(&token) = self.by_ends.get(&ends) else { return counters.dropped_send.inc() };
        let Some(connection) = self.connections.get_mut(&token) else { return };
        let packet: &[u8] = &transmit.contents;
        let is_media = matches!(packet.first(), Some(128..=191));
        let limit = if is_media { TCP_SEND_BYTES } else { TCP_SEND_BYTES + TCP_SEND_RESERVE_BYTES };
        if connection.out.push(packet, limit) {
            counters.packets_out.inc();
            counters.bytes_out.add(packet.len() as u64);
            if !std::mem::replace(&mut connection.is_listed, true) {
                self.writable.push(token);
            }
            return;
        }
        counters.dropped_send.inc();
        if !is_media {
            self.close(token, counters);
        }
    }

    /// Sends what was queued in this turn.
    pub(crate) fn flush(&mut self, counters: &Counters) {
        for token in std::mem::take(&mut self.writable) {
            self.write(token, counters);
        }
    }

    fn write(&mut self, token: Token, counters: &Counters) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        connection.is_listed = false;
        match connection.out.flush(&mut connection.stream) {
            Ok(Written::All | Written::Part) => connection.stuck_since = None,
            Ok(Written::Nothing) => {
                connection.stuck_since.get_or_insert_with(Instant::now);
            }
            Err(_) => self.close(token, counters),
        }
    }

    /// Until the connections want to be looked at.
    pub(crate) fn until_look(&self, now: Instant) -> Option<Duration> {
        self.look_at.map(|at| at.saturating_duration_since(now))
    }

    /// Closes those that proved nothing in time, say nothing any more, or take nothing.
    pub(crate) fn look(&mut self, now: Instant, counters: &Counters) {
        if self.look_at.is_none_or(|at| at > now) {
            return;
        }
        let is_over = |connection: &Connection| {
            let unproven = connection.owner.is_none() && now.saturating_duration_since(connection.since) >= TCP_FIRST_CHECK;
            let silent = now.saturating_duration_since(connection.last_heard) >= TCP_IDLE;
            let stuck = connection.stuck_since.is_some_and(|since| now.saturating_duration_since(since) >= TCP_STUCK);
            unproven || silent || stuck
        };
        let over: Vec<Token> = self.connections.iter().filter(|(_, connection)| is_over(connection)).map(|(token, _)| *token).collect();
        for token in over {
            counters.tcp_refused.inc();
            self.close(token, counters);
        }
        self.look_at = (!self.connections.is_empty()).then_some(now + LOOK_EVERY);
    }

    fn close(&mut self, token: Token, counters: &Counters) {
        let Some(Connection { mut stream, ends, .. }) = self.connections.remove(&token) else { return };
        if self.by_ends.get(&ends) == Some(&token) {
            self.by_ends.remove(&ends);
        }
        if let Some(here) = &self.here
            && let Err(error) = here.registry.deregister(&mut stream)
        {
            tracing::debug!(%error, "a TCP connection was not watched");
        }
        counters.tcp_connections.set(self.connections.len() as u64);
    }
}
