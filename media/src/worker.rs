//! One thread with one UDP port, and the rooms pinned to it.
//!
//! The life of a turn: wait for the socket, a command or a timer; apply commands; receive batches and forward what comes; wake
//! who is due; send. Invariant: nothing here blocks but the poll, and a panic ends one room.

use crate::command::EventSink;
use crate::config::Limits;
use crate::demux::PeerKey;
use crate::io::{Io, Shared};
use crate::limits::{BATCHES_PER_TURN, COMMANDS_PER_TURN, TCP_READS_PER_TURN};
use crate::load::Meter;
use crate::room::{Request, Room};
use crate::socket::{Announced, Datagram, Inbox, Outbox};
use crate::stun;
use crate::tcp::{Connections, FIRST_TOKEN, Handover};
use crate::timers::Wake;
use mio::{Events, Interest, Poll, Token};
use quinn_udp::BATCH_SIZE;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use str0m::net::Protocol;

pub(crate) const SOCKET: Token = Token(0);
pub(crate) const WAKER: Token = Token(1);

/// What a room's handles and the room share. The room is closed once no handle holds it any more.
pub(crate) struct RoomLink {
    pub(crate) id: u64,
    pub(crate) events: Arc<dyn EventSink>,
    /// Wakes the worker when the last handle goes.
    pub(crate) on_last_drop: Box<dyn Fn() + Send + Sync>,
}

impl Drop for RoomLink {
    fn drop(&mut self) {
        (self.on_last_drop)();
    }
}

/// A request with the room that it is for.
pub(crate) struct Addressed {
    pub(crate) room: Arc<RoomLink>,
    pub(crate) request: Request,
}

pub(crate) struct Worker {
    poll: Poll,
    inbox: Inbox,
    announced: Announced,
    requests: Receiver<Addressed>,
    connections: Receiver<Handover>,
    shared: Arc<Shared>,
    meter: Meter,
    rooms: Rooms,
}

/// The rooms of a worker, and what they use of it.
struct Rooms {
    held: Vec<Option<Held>>,
    index: HashMap<u64, usize>,
    limits: Limits,
    io: Io,
}

/// A room with the link to its handles.
struct Held {
    room: Room,
    id: u64,
    link: Weak<RoomLink>,
}

impl Worker {
    pub(crate) fn new(
        poll: Poll,
        mut outbox: Outbox,
        requests: Receiver<Addressed>,
        (tcp, connections): (Connections, Receiver<Handover>),
        shared: Arc<Shared>,
        limits: Limits,
    ) -> io::Result<Self> {
        let announced = outbox.announced().clone();
        poll.registry().register(outbox.socket_mut(), SOCKET, Interest::READABLE)?;
        let io = Io::new(outbox, tcp, limits, Arc::clone(&shared));
        let rooms = Rooms { held: vec![], index: HashMap::new(), limits, io };
        Ok(Self { poll, inbox: Inbox::new(), announced, requests, connections, shared, meter: Meter::default(), rooms })
    }

    /// Runs until it is told to stop, then says goodbye to all peers.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(8);
        let mut more = false;
        while !self.shared.stop.load(Ordering::Acquire) {
            let wait = if more { Some(Duration::ZERO) } else { self.rooms.until_next_timer() };
            if let Err(error) = self.poll.poll(&mut events, wait)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the poller failed; this media worker ends");
                break;
            }
            // Both run even when only one has something: the socket is polled by edges, so a backlog makes no new event.
            let requests_left = self.apply_requests();
            more = self.receive() || requests_left;
            for event in events.iter().filter(|event| event.token().0 >= FIRST_TOKEN) {
                self.rooms.io.tcp.happened(event);
            }
            more |= self.receive_streams();
            let now = Instant::now();
            self.rooms.wake_due(now);
            let Io { tcp, counters, .. } = &mut self.rooms.io;
            tcp.look(now, counters);
            self.rooms.flush(now);
            self.meter.turn(self.shared.counters.rtp_forwarded.value(), now, &self.shared.load);
            if self.shared.sweep.swap(false, Ordering::AcqRel) {
                self.rooms.sweep();
            }
        }
        self.rooms.close();
    }

    /// True when more requests may be waiting.
    fn apply_requests(&mut self) -> bool {
        for _ in 0..COMMANDS_PER_TURN {
            let Ok(Addressed { room, request }) = self.requests.try_recv() else { return false };
            let index = self.rooms.open(&room);
            self.rooms.within(index, |room, io| room.apply(request, Instant::now(), io));
        }
        true
    }

    /// True when the socket may hold more.
    fn receive(&mut self) -> bool {
        let Self { inbox, announced, rooms, .. } = self;
        for _ in 0..BATCHES_PER_TURN {
            let count = match inbox.receive(rooms.io.outbox()) {
                Ok(count) => count,
                Err(error) => {
                    // An ICMP error that some peer's host sent; reporting it took it off the socket.
                    tracing::trace!(%error, "receive failed");
                    continue;
                }
            };
            if count == 0 {
                return false;
            }
            let now = Instant::now();
            let mut last = None;
            for datagram in inbox.datagrams(count, announced) {
                last = rooms.route(datagram, last, now);
            }
            rooms.flush(now);
            if count < BATCH_SIZE {
                // The kernel had no more at that moment, and what came since makes a new event.
                return false;
            }
        }
        true
    }

    /// True when TCP connections may hold more.
    fn receive_streams(&mut self) -> bool {
        while let Ok(handover) = self.connections.try_recv() {
            let Io { tcp, counters, .. } = &mut self.rooms.io;
            tcp.take(handover, Instant::now(), counters);
        }
        let mut more = false;
        for token in self.rooms.io.tcp.readable() {
            more |= self.rooms.read_stream(token);
        }
        more
    }
}

impl Rooms {
    /// Works off what a TCP connection has. True when it may have more.
    fn read_stream(&mut self, token: Token) -> bool {
        for _ in 0..TCP_READS_PER_TURN {
            let now = Instant::now();
            let Some(mut unread) = self.io.tcp.read(token, now, &self.io.counters) else { return false };
            let (source, destination) = unread.ends();
            loop {
                match unread.next() {
                    Ok(Some(contents)) => {
                        self.route(Datagram { source, destination, protocol: Protocol::Tcp, contents }, None, now);
                    }
                    Ok(None) => break self.io.tcp.put_back(unread),
                    Err(_) => {
                        self.io.tcp.malformed(&unread, &self.io.counters);
                        return false;
                    }
                }
            }
            self.flush(now);
        }
        self.io.tcp.read_again(token);
        true
    }

    fn until_next_timer(&self) -> Option<Duration> {
        let now = Instant::now();
        let timer = self.io.timers.next().map(|at| at.saturating_duration_since(now));
        [timer, self.io.tcp.until_look(now)].into_iter().flatten().min()
    }

    fn open(&mut self, link: &Arc<RoomLink>) -> usize {
        if let Some(&index) = self.index.get(&link.id) {
            return index;
        }
        let place = self.held.iter().position(Option::is_none);
        let index = place.unwrap_or(self.held.len());
        let room = Room::new(index, Arc::clone(&link.events), self.limits);
        let held = Some(Held { room, id: link.id, link: Arc::downgrade(link) });
        match place {
            Some(free) => self.held[free] = held,
            None => self.held.push(held),
        }
        self.index.insert(link.id, index);
        self.count();
        index
    }

    /// Lets a room work; one that panics is closed.
    fn within(&mut self, index: usize, work: impl FnOnce(&mut Room, &mut Io)) {
        let Self { held: rooms, io, .. } = self;
        let Some(held) = rooms.get_mut(index).and_then(Option::as_mut) else { return };
        if catch_unwind(AssertUnwindSafe(|| work(&mut held.room, io))).is_ok() {
            return;
        }
        tracing::error!(room = held.id, "a room panicked and is closed");
        io.counters.panics.inc();
        let Some(held) = rooms[index].take() else { return };
        self.index.remove(&held.id);
        let abandoned = catch_unwind(AssertUnwindSafe(|| held.room.abandon(io)));
        if abandoned.is_err() {
            tracing::error!("a room panicked while it was closed");
        }
        self.count();
    }

    /// Finds the peer of a datagram (RFC 7983 by first byte) and hands it over. `last` is where the datagram before went, for
    /// packets come in bursts of one sender; the answer is that of this one.
    fn route(&mut self, datagram: Datagram<'_>, last: Option<(SocketAddr, PeerKey)>, now: Instant) -> Option<(SocketAddr, PeerKey)> {
        let counters = &self.io.counters;
        counters.packets_in.inc();
        counters.bytes_in.add(datagram.contents.len() as u64);
        match datagram.contents.first() {
            Some(0..=1) => self.route_stun(datagram, now),
            Some(20..=63 | 128..=191) => {
                let known = last.filter(|(source, _)| *source == datagram.source);
                let Some(key) = known.map(|(_, key)| key).or_else(|| self.io.peer_at(&datagram)) else {
                    counters.dropped_unvalidated.inc();
                    return None;
                };
                self.within(key.room, |room, io| room.receive(key.peer, datagram, now, io));
                return Some((datagram.source, key));
            }
            Some(_) | None => counters.dropped_malformed.inc(),
        }
        None
    }

    /// A STUN request goes by the user it names, never by its address: a client may come back from an address that was another's.
    fn route_stun(&mut self, datagram: Datagram<'_>, now: Instant) {
        let Some(key) = stun::named(datagram.contents).and_then(|ufrag| self.io.demux.peer_named(ufrag)) else {
            self.io.counters.dropped_stun.inc();
            return;
        };
        // Somebody else at a peer's address must not be able to use up what the address may miss.
        let known = self.io.peer_at(&datagram) == Some(key);
        if !known && !self.io.demux.may_miss(key, datagram.source.ip(), now) {
            self.io.counters.dropped_stun_rate.inc();
            return;
        }
        let held = self.held.get(key.room).and_then(Option::as_ref);
        if held.is_some_and(|held| held.room.accepts(key.peer, datagram)) {
            self.within(key.room, |room, io| room.check(key.peer, datagram, now, io));
            return;
        }
        self.io.counters.dropped_stun.inc();
        if !known {
            self.io.demux.missed(key, datagram.source.ip());
        }
    }

    fn wake_due(&mut self, now: Instant) {
        while let Some(wake) = self.io.timers.pop_due(now) {
            match wake {
                Wake::Room { room } => self.within(room, |room, io| room.wake_room(now, io)),
                Wake::Peer { room, peer } => self.within(room, |room, io| room.wake_peer(peer, now, io)),
                Wake::Kept { room } => self.within(room, |room, io| room.release(now, io)),
            }
        }
    }

    /// Drains every peer that something was queued for, and sends.
    fn flush(&mut self, now: Instant) {
        // Before media: the end of a handshake must not be overtaken by what it lets the other end decrypt.
        self.io.flush();
        while let Some(key) = self.io.dirty.pop() {
            self.within(key.room, |room, io| room.flush(key.peer, now, io));
        }
        self.io.flush();
    }

    /// Closes rooms that nobody holds a handle of.
    fn sweep(&mut self) {
        for index in 0..self.held.len() {
            if self.held[index].as_ref().is_some_and(|held| held.link.strong_count() == 0) {
                self.within(index, |room, io| room.close(io));
                if let Some(held) = self.held[index].take() {
                    self.index.remove(&held.id);
                }
            }
        }
        self.io.flush();
        self.count();
    }

    /// Closes all rooms.
    fn close(&mut self) {
        for index in 0..self.held.len() {
            self.within(index, |room, io| room.close(io));
        }
        self.io.flush();
    }

    fn count(&self) {
        self.io.counters.rooms.set(self.index.len() as u64);
    }
}
