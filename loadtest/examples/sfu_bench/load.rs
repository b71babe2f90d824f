//! The thread that is all clients: one poller, one schedule, batched receiving.
//!
//! It looks at its sockets every [`POLL_EVERY`] at most, which costs no accuracy: arrival times are the kernel's. It tells how busy it was,
//! so that a run in which the load was the limit can be recognised.

use crate::client::{Client, Leg, Tally};
use crate::source;
use anyhow::Context as _;
use mio::{Events, Interest, Poll, Token};
use quinn_udp::{BATCH_SIZE, RecvMeta};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::IoSliceMut;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

const POLL_EVERY: Duration = Duration::from_micros(250);
const TICK_EVERY: Duration = Duration::from_millis(10);
/// Longest sleep while nothing is due.
const NAP: Duration = Duration::from_micros(100);
/// A burst that is later than this isn't made up for: the load can't keep up, and shows it by sending less.
const LATE_MAX: Duration = Duration::from_millis(200);

pub type ClientId = usize;

enum Order {
    Add(Box<Leg>, oneshot::Sender<anyhow::Result<ClientId>>),
    Remove(Vec<ClientId>),
    Send(bool),
    KeepLatencies(bool),
    Tell(oneshot::Sender<Told>),
}

/// All that happened until now.
#[derive(Debug, Clone)]
pub struct Told {
    pub tally: Tally,
    /// Transports that died after they had come up, with the first one's reason.
    pub lost: (u64, Option<String>),
    /// Transports whose DTLS failed after it had given the keys, with the first one's reason.
    pub dtls_failed: (u64, Option<String>),
}

/// Talks to the load's thread, which ends with it.
#[derive(Clone)]
pub struct Load {
    orders: mpsc::Sender<Order>,
}

impl Load {
    pub fn start() -> anyhow::Result<Self> {
        let (orders, ordered) = mpsc::channel();
        let mut thread = Thread::new(ordered)?;
        std::thread::Builder::new().name("load".into()).spawn(move || thread.run())?;
        Ok(Self { orders })
    }

    /// Brings a transport up and keeps it; returns when media can flow.
    pub async fn add(&self, leg: Leg) -> anyhow::Result<ClientId> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Add(Box::new(leg), answer))?;
        answered.await.context("the load's thread ended")?
    }

    pub fn remove(&self, clients: Vec<ClientId>) -> anyhow::Result<()> {
        self.order(Order::Remove(clients))
    }

    /// Begins or stops to send media on all transports.
    pub fn send(&self, on: bool) -> anyhow::Result<()> {
        self.order(Order::Send(on))
    }

    /// Begins to keep latencies, or forgets them.
    pub fn keep_latencies(&self, on: bool) -> anyhow::Result<()> {
        self.order(Order::KeepLatencies(on))
    }

    pub async fn tell(&self) -> anyhow::Result<Told> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Tell(answer))?;
        answered.await.context("the load's thread ended")
    }

    fn order(&self, order: Order) -> anyhow::Result<()> {
        self.orders.send(order).map_err(|_| anyhow::anyhow!("the load's thread ended"))
    }
}

struct Slot {
    client: Client,
    waiting: Option<oneshot::Sender<anyhow::Result<ClientId>>>,
}

/// When a source's next burst is due: client and source.
type Due = Reverse<(Instant, ClientId, usize)>;

struct Thread {
    orders: mpsc::Receiver<Order>,
    poll: Poll,
    slots: Vec<Option<Slot>>,
    free: Vec<ClientId>,
    due: BinaryHeap<Due>,
    sending: bool,
    tally: Tally,
    lost: (u64, Option<String>),
    buffers: Vec<Vec<u8>>,
    metas: [RecvMeta; BATCH_SIZE],
}

impl Thread {
    fn new(orders: mpsc::Receiver<Order>) -> anyhow::Result<Self> {
        Ok(Self {
            orders,
            poll: Poll::new()?,
            slots: vec![],
            free: vec![],
            due: BinaryHeap::new(),
            sending: false,
            tally: Tally::default(),
            lost: (0, None),
            buffers: vec![vec![0; 65_536]; BATCH_SIZE],
            metas: [RecvMeta::default(); BATCH_SIZE],
        })
    }

    fn run(&mut self) {
        let mut events = Events::with_capacity(1_024);
        let (mut next_poll, mut next_tick) = (Instant::now(), Instant::now());
        loop {
            let now = Instant::now();
            self.send_due(now);
            if now >= next_poll {
                next_poll = now + POLL_EVERY;
                if self.receive(&mut events, now).is_err() || !self.obey(now) {
                    return;
                }
            }
            if now >= next_tick {
                next_tick = now + TICK_EVERY;
                self.tick(now);
            }
            let next = self.due.peek().filter(|_| self.sending);
            let due = next.map_or(next_poll, |Reverse((due, _, _))| (*due).min(next_poll));
            let wait = due.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                std::thread::sleep(wait.min(NAP));
            }
        }
    }

    fn send_due(&mut self, now: Instant) {
        while let Some(&Reverse((due, id, source))) = self.due.peek() {
            if due > now || !self.sending {
                return;
            }
            self.due.pop();
            let Some(client) = self.slots.get_mut(id).and_then(Option::as_mut).map(|slot| &mut slot.client) else { continue };
            let Some(every) = client.sources.get(source).map(|source| source.every()) else { continue };
            // Each client's sockets are its own: one that fails is found dead by its tick.
            let _ = client.send_burst(source, &mut self.tally);
            let next = due + every;
            self.due.push(Reverse((if next + LATE_MAX < now { now } else { next }, id, source)));
        }
    }

    fn receive(&mut self, events: &mut Events, now: Instant) -> std::io::Result<()> {
        self.poll.poll(events, Some(Duration::ZERO))?;
        for event in events.iter() {
            self.receive_on(event.token().0, now);
        }
        Ok(())
    }

    fn receive_on(&mut self, id: ClientId, now: Instant) {
        let Some(slot) = self.slots.get_mut(id).and_then(Option::as_mut) else { return };
        let was_up = slot.client.is_up();
        loop {
            let mut each = self.buffers.iter_mut();
            let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = std::array::from_fn(|_| IoSliceMut::new(each.next().expect("one per slot")));
            let Ok(count) = slot.client.state.recv((&slot.client.socket).into(), &mut slices, &mut self.metas) else { break };
            for (meta, buffer) in self.metas[..count].iter().zip(&mut self.buffers) {
                let at = meta.timestamp.unwrap_or_else(source::now);
                for datagram in buffer[..meta.len].chunks_mut(meta.stride.max(1)) {
                    if let Err(error) = slot.client.take(datagram, at, now, &mut self.tally) {
                        return self.fail(id, error);
                    }
                }
            }
            // Fewer than asked for: the queue was empty then, and what came since makes a new event.
            if count < BATCH_SIZE {
                break;
            }
        }
        if !was_up && slot.client.is_up() {
            if let Some(waiting) = slot.waiting.take() {
                let _ = waiting.send(Ok(id));
            }
            self.schedule(id, now);
        }
    }

    /// Puts a client's sources into the schedule, spread so that clients don't march in step.
    fn schedule(&mut self, id: ClientId, now: Instant) {
        let Some(slot) = self.slots.get(id).and_then(Option::as_ref) else { return };
        for (n, source) in slot.client.sources.iter().enumerate() {
            let phase = source.every().mul_f64(rand::random::<f64>());
            self.due.push(Reverse((now + phase, id, n)));
        }
    }

    fn tick(&mut self, now: Instant) {
        for id in 0..self.slots.len() {
            let Some(slot) = &mut self.slots[id] else { continue };
            if let Err(error) = slot.client.tick(now) {
                self.fail(id, error);
            }
        }
    }

    fn fail(&mut self, id: ClientId, error: anyhow::Error) {
        let Some(mut slot) = self.slots.get_mut(id).and_then(Option::take) else { return };
        let _ = self.poll.registry().deregister(&mut slot.client.socket);
        match slot.waiting {
            Some(waiting) => {
                let _ = waiting.send(Err(error));
            }
            None => {
                self.lost.0 += 1;
                self.lost.1.get_or_insert(error.to_string());
            }
        }
        // The id isn't used again: the schedule may still name it.
    }

    /// False when nobody is left to give orders.
    fn obey(&mut self, now: Instant) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Add(leg, answer)) => self.add(*leg, answer, now),
                Ok(Order::Remove(clients)) => clients.into_iter().for_each(|id| self.remove(id)),
                Ok(Order::Send(on)) => self.switch(on, now),
                Ok(Order::KeepLatencies(on)) => self.tally.latencies = on.then(Vec::new),
                Ok(Order::Tell(answer)) => {
                    let errors = || self.slots.iter().flatten().filter_map(|slot| slot.client.dtls_error.as_ref());
                    let dtls_failed = (errors().count() as u64, errors().next().cloned());
                    let _ = answer.send(Told { tally: self.tally.clone(), lost: self.lost.clone(), dtls_failed });
                }
                Err(mpsc::TryRecvError::Empty) => return true,
                Err(mpsc::TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn add(&mut self, leg: Leg, answer: oneshot::Sender<anyhow::Result<ClientId>>, now: Instant) {
        let id = self.free.pop().unwrap_or(self.slots.len());
        if id == self.slots.len() {
            self.slots.push(None);
        }
        let registered = Client::new(leg, now).and_then(|mut client| {
            self.poll.registry().register(&mut client.socket, Token(id), Interest::READABLE)?;
            client.tick(now)?;
            Ok(client)
        });
        match registered {
            Ok(client) if client.is_up() => {
                self.slots[id] = Some(Slot { client, waiting: None });
                self.schedule(id, now);
                let _ = answer.send(Ok(id));
            }
            Ok(client) => self.slots[id] = Some(Slot { client, waiting: Some(answer) }),
            Err(error) => {
                let _ = answer.send(Err(error));
            }
        }
    }

    fn remove(&mut self, id: ClientId) {
        if let Some(mut slot) = self.slots.get_mut(id).and_then(Option::take) {
            let _ = self.poll.registry().deregister(&mut slot.client.socket);
            self.due.retain(|Reverse((_, client, _))| *client != id);
            self.free.push(id);
        }
    }

    /// What was due while nothing was sent isn't made up for.
    fn switch(&mut self, on: bool, now: Instant) {
        if on && !self.sending {
            self.due.clear();
            for id in 0..self.slots.len() {
                if self.slots[id].as_ref().is_some_and(|slot| slot.client.is_up()) {
                    self.schedule(id, now);
                }
            }
        }
        self.sending = on;
    }
}
