//! A room, its clients and the links between them.

use super::client::{Client, Shape};
use super::link::{Conditions, Link};
use crate::command::{Command, Demand, Event, EventSink};
use crate::config::Limits;
use crate::io::{Io, Shared};
use crate::load::Meter;
use crate::negotiation::{Answered, Offer, Transport};
use crate::peer_stats::PeerStats;
use crate::room::{Request, Room};
use crate::socket::{self, Announced, Datagram, Outbox};
use crate::tcp::Connections;
use crate::timers::Wake;
use crate::{Kind, Mid, PeerId, TrackId};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use str0m::Candidate;
use str0m::net::Protocol as Via;

/// One way.
const DELAY: Duration = Duration::from_millis(20);
/// What a home router's queue holds: long enough that filling it would ruin a conversation.
const QUEUE: Duration = Duration::from_millis(500);
/// What the server's word on wanted layers takes to its publisher over signaling.
const SIGNALING: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Recorder(Mutex<Vec<Event>>);

impl EventSink for Recorder {
    fn event(&self, event: Event) {
        self.0.lock().expect("not poisoned").push(event);
    }
}

pub(super) struct World {
    pub(super) start: Instant,
    pub(super) now: Instant,
    pub(super) clients: Vec<Client>,
    pub(super) up: Vec<Link>,
    pub(super) down: Vec<Link>,
    pub(super) events: Vec<(Instant, Event)>,
    /// Whether publishers do what they are told of wanted layers.
    pub(super) obedient: bool,
    heard: usize,
    seed: u64,
    room: Room,
    io: Io,
    shared: Arc<Shared>,
    recorder: Arc<Recorder>,
    transport: Transport,
    limits: Limits,
    server: SocketAddr,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let start = Instant::now();
        // Bound, but never used: what it would send is tapped.
        let socket = socket::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bound");
        let announced = Announced::new(&[], 1);
        let limits = Limits::default();
        let shared = Arc::<Shared>::default();
        let mut io = Io::new(Outbox::new(socket, announced).expect("an outbox"), Connections::none(), limits, Arc::clone(&shared));
        io.tapped = Some(vec![]);
        let server = SocketAddr::from(([10, 0, 0, 1], 4000));
        let certificate = str0m::crypto::from_feature_flags().dtls_provider.generate_certificate().expect("a certificate");
        let transport = Transport { certificate, candidates: vec![Candidate::host(server, "udp").expect("a candidate")] };
        let recorder = Arc::<Recorder>::default();
        let room = Room::new(0, Arc::clone(&recorder) as Arc<dyn EventSink>, limits);
        let (clients, up, down, events) = (vec![], vec![], vec![], vec![]);
        Self {
            start,
            now: start,
            clients,
            up,
            down,
            events,
            obedient: true,
            heard: 0,
            seed,
            room,
            io,
            shared,
            recorder,
            transport,
            limits,
            server,
        }
    }

    /// A client joins as peer `n + 1`, with the tracks `(n + 1) * 10` (voice) and `(n + 1) * 10 + 1` (camera).
    pub(super) fn join(&mut self, shape: Shape) -> usize {
        let n = self.clients.len();
        let address = SocketAddr::from(([10, 0, 1, n as u8 + 1], 5000));
        let mut client = Client::new(address, shape, self.now);
        let offer = Offer::parse(&client.offer(), &self.limits).expect("a good offer");
        let (rtc, answered) = offer.answer_new(&self.transport, self.now).expect("answered");
        let Answered { answer, slots, sources, .. } = &answered;
        client.accept(answer, slots, sources);
        let peer = PeerId(n as u64 + 1);
        let published = sources.clone();
        self.request(Request::Add { peer, rtc: Box::new(rtc), answered, tag: vec![], data: false });
        for line in published {
            let track = TrackId((n as u64 + 1) * 10 + u64::from(line.kind == Kind::Video));
            self.request(Request::Publish { peer, mid: line.mid, track, kind: line.kind });
        }
        self.clients.push(client);
        let seed = self.seed * 1_000 + n as u64 * 2;
        self.up.push(Link::new(seed, DELAY, QUEUE));
        self.down.push(Link::new(seed + 1, DELAY, QUEUE));
        n
    }

    /// Binds the voice and the camera of `from` to the `n`-th slots of `to`.
    pub(super) fn watch(&mut self, to: usize, from: usize, n: usize) {
        for (kind, track) in [(Kind::Audio, 0), (Kind::Video, 1)] {
            if self.clients[from].sources.iter().any(|line| line.kind == kind) {
                let (slot, track) = (self.clients[to].slot(kind, n), TrackId((from as u64 + 1) * 10 + track));
                self.request(Request::Bind { peer: PeerId(to as u64 + 1), slot, track: Some(track) });
            }
        }
    }

    /// Has all slots of `to` follow the loudest voices.
    pub(super) fn listen(&mut self, to: usize) {
        let slots: Vec<Mid> = self.clients[to].slots.iter().filter(|line| line.kind == Kind::Audio).map(|line| line.mid).collect();
        for slot in slots {
            self.request(Request::BindSpeaker { peer: PeerId(to as u64 + 1), slot });
        }
    }

    /// Has the worker forward so many packets a second for other rooms.
    pub(super) fn occupy(&mut self, packets_per_second: u64) {
        let mut meter = Meter::default();
        for second in 0..20 {
            meter.turn(second * packets_per_second, self.now + Duration::from_secs(second), &self.shared.load);
        }
    }

    pub(super) fn demand(&mut self, client: usize, slot: Mid, demand: Demand) {
        let command = Command::Demand { peer: PeerId(client as u64 + 1), slot, demand };
        self.request(Request::new(command, &self.limits));
    }

    pub(super) fn stats(&mut self, client: usize) -> PeerStats {
        let (reply, answer) = mpsc::channel();
        let reply = Box::new(move |stats| reply.send(stats).expect("awaited"));
        self.request(Request::Stats { peer: PeerId(client as u64 + 1), reply });
        answer.try_recv().expect("answered at once").expect("present")
    }

    fn request(&mut self, request: Request) {
        self.room.apply(request, self.now, &mut self.io);
        self.settle();
    }

    pub(super) fn set_down(&mut self, client: usize, conditions: Conditions) {
        self.down[client].conditions = conditions;
    }

    pub(super) fn set_up(&mut self, client: usize, conditions: Conditions) {
        self.up[client].conditions = conditions;
    }

    /// Since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.next().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    /// Lets time pass until `done`, at most `limit`. Returns how long it took.
    pub(super) fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) -> Option<Duration> {
        let from = self.now;
        while self.now - from < limit {
            self.run(Duration::from_millis(10));
            if done(self) {
                return Some(self.now - from);
            }
        }
        None
    }

    fn next(&self) -> Option<Instant> {
        let clients = self.clients.iter().map(Client::next);
        let links = self.up.iter().chain(&self.down).filter_map(Link::next);
        let told = self.events.get(self.heard).map(|(at, _)| *at + SIGNALING);
        clients.chain(links).chain(self.io.timers.next()).chain(told).min()
    }

    fn step(&mut self) {
        let now = self.now;
        for n in 0..self.clients.len() {
            while let Some(packet) = self.up[n].arrived(now) {
                self.serve(n, &packet);
            }
            while let Some(packet) = self.down[n].arrived(now) {
                self.clients[n].receive(self.server, &packet, now);
            }
            if self.clients[n].next() <= now {
                self.clients[n].advance(now);
            }
            for packet in std::mem::take(&mut self.clients[n].outgoing) {
                self.up[n].send(packet, now);
            }
        }
        while let Some(wake) = self.io.timers.pop_due(now) {
            match wake {
                Wake::Room { .. } => self.room.wake_room(now, &mut self.io),
                Wake::Peer { peer, .. } => self.room.wake_peer(peer, now, &mut self.io),
                Wake::Kept { .. } => self.room.release(now, &mut self.io),
            }
        }
        self.settle();
        self.obey();
    }

    /// A datagram arrives at the server, where a worker would hand it to the room.
    fn serve(&mut self, client: usize, contents: &[u8]) {
        let datagram = Datagram { source: self.clients[client].address, destination: self.server, protocol: Via::Udp, contents };
        if contents[0] > 1 || self.room.accepts(client, datagram) {
            self.room.receive(client, datagram, self.now, &mut self.io);
        }
        self.settle();
    }

    /// What a worker does at the end of a turn.
    fn settle(&mut self) {
        while let Some(key) = self.io.dirty.pop() {
            self.room.flush(key.peer, self.now, &mut self.io);
        }
        for (destination, packet) in self.io.tapped.replace(vec![]).unwrap_or_default() {
            let to = self.clients.iter().position(|client| client.address == destination).expect("a client's address");
            self.down[to].send(packet, self.now);
        }
        let told = std::mem::take(&mut *self.recorder.0.lock().expect("not poisoned"));
        self.events.extend(told.into_iter().map(|event| (self.now, event)));
    }

    fn obey(&mut self) {
        while let Some((at, event)) = self.events.get(self.heard).filter(|(at, _)| *at + SIGNALING <= self.now) {
            debug_assert!(*at <= self.now);
            if let (Event::Layers { track, wanted, active }, true) = (event, self.obedient) {
                let publisher = (track.0 / 10 - 1) as usize;
                self.clients[publisher].send_only(*wanted, active);
            }
            self.heard += 1;
        }
    }
}
