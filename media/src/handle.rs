//! The way in: threads outside the media plane hold these handles.

use crate::config::{Config, Limits, StartError};
use crate::io::Shared;
use crate::limits::COMMANDS_MAX;
use crate::negotiation::{Answered, Offer, Transport};
use crate::room::Request;
use crate::socket::{self, Announced, Outbox};
use crate::stats::{Counters, Stats};
use crate::tcp::{Connections, Port, Serving};
use crate::worker::{Addressed, RoomLink, WAKER, Worker};
use crate::{Command, EventSink, MediaLine};
use mio::{Poll, Waker};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;
use str0m::config::DtlsCert;
use str0m::{Candidate, Rtc};

/// Starts the workers. Dropping the returned [`Workers`] stops them.
///
/// # Errors
/// [`StartError`] when a port is taken (it names the port), no address can be announced, or the system refuses a thread.
pub fn start(config: &Config) -> Result<(Handle, Workers), StartError> {
    let certificate = certificate()?;
    let mut tcp = Port::open(config)?;
    let mut workers = Workers { threads: vec![], tcp: None };
    for number in 0..config.workers.get() {
        let (doorway, worker) = open(config, number, certificate.clone(), tcp.as_mut())?;
        let thread = std::thread::Builder::new().name(format!("media-{number}")).spawn(move || worker.run())?;
        workers.threads.push((doorway, thread));
    }
    workers.tcp = tcp.map(Port::serve).transpose()?;
    let tcp = workers.tcp.as_ref().map(|serving| (serving.port, Arc::clone(&serving.counters)));
    let doorways: Vec<_> = workers.threads.iter().map(|(doorway, _)| Arc::clone(doorway)).collect();
    Ok((Handle { workers: doorways.into(), tcp, next_room: Arc::default() }, workers))
}

/// One ECDSA certificate for the life of the process, as browsers have one per connection: making it costs, and its secrecy
/// doesn't gain from change.
fn certificate() -> Result<DtlsCert, StartError> {
    str0m::crypto::from_feature_flags().dtls_provider.generate_certificate().ok_or(StartError::Certificate)
}

fn open(config: &Config, number: usize, certificate: DtlsCert, tcp: Option<&mut Port>) -> Result<(Arc<Doorway>, Worker), StartError> {
    let port = match config.port {
        0 => 0,
        first => {
            u16::try_from(usize::from(first) + number).map_err(|_| StartError::Ports { port: first, workers: config.workers.get() })?
        }
    };
    let udp = socket::bind(SocketAddr::new(config.bind, port))?;
    let announced = Announced::new(&config.addresses, udp.local_addr()?.port());
    let mut candidates: Vec<_> = announced.iter().filter_map(|address| Candidate::host(address, "udp").ok()).collect();
    if candidates.is_empty() {
        return Err(StartError::NoAddress);
    }
    let addresses = announced.iter().collect();
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    candidates.extend(tcp.iter().flat_map(|port| port.candidates()));
    let connections = match tcp {
        Some(port) => port.enter(poll.registry(), Arc::clone(&waker))?,
        None => (Connections::none(), std::sync::mpsc::channel().1),
    };
    let (requests, inbox) = sync_channel(COMMANDS_MAX);
    let shared = Arc::<Shared>::default();
    let worker = Worker::new(poll, Outbox::new(udp, announced)?, inbox, connections, Arc::clone(&shared), config.limits)?;
    let transport = Transport { certificate, candidates };
    Ok((Arc::new(Doorway { requests, waker, shared, transport, addresses, limits: config.limits }), worker))
}

/// What the outside has of a worker.
struct Doorway {
    requests: SyncSender<Addressed>,
    waker: Arc<Waker>,
    shared: Arc<Shared>,
    transport: Transport,
    addresses: Vec<SocketAddr>,
    limits: Limits,
}

impl Doorway {
    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "a media worker can't be woken");
        }
    }
}

/// The running workers.
pub struct Workers {
    threads: Vec<(Arc<Doorway>, JoinHandle<()>)>,
    tcp: Option<Serving>,
}

impl Workers {
    /// Closes all peers (they are told by DTLS) and waits for the threads. Commands fail with [`QueueFull`] from then on.
    pub fn stop(mut self) {
        self.stop_all();
    }

    fn stop_all(&mut self) {
        if let Some(tcp) = self.tcp.take() {
            tcp.stop();
        }
        for (doorway, _) in &self.threads {
            doorway.shared.stop.store(true, Ordering::Release);
            doorway.wake();
        }
        for (_, thread) in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a media worker had panicked");
            }
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop_all();
    }
}

/// A handle to all workers.
#[derive(Clone)]
pub struct Handle {
    workers: Arc<[Arc<Doorway>]>,
    /// The port, and what was counted before a worker was found.
    tcp: Option<(u16, Arc<Counters>)>,
    next_room: Arc<AtomicU64>,
}

impl Handle {
    /// Opens a room on the worker with the least load. The room closes when the last clone of the returned handle is dropped.
    pub fn open_room(&self, events: Arc<dyn EventSink>) -> Room {
        let now = Instant::now();
        let least = self.workers.iter().min_by_key(|worker| worker.shared.load.weight(now));
        let worker = Arc::clone(least.expect("the number of workers is not zero"));
        worker.shared.load.enter();
        let on_drop = Arc::clone(&worker);
        let on_last_drop = Box::new(move || {
            on_drop.shared.load.leave();
            on_drop.shared.sweep.store(true, Ordering::Release);
            on_drop.wake();
        });
        let id = self.next_room.fetch_add(1, Ordering::Relaxed);
        Room { link: Arc::new(RoomLink { id, events, on_last_drop }), worker }
    }

    /// The counters, summed over all workers.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        for worker in self.workers.iter() {
            stats.add(&worker.shared.counters);
        }
        if let Some((_, counters)) = &self.tcp {
            stats.add(counters);
        }
        stats
    }

    /// The TCP port that clients are told, if there is one.
    pub fn tcp_port(&self) -> Option<u16> {
        self.tcp.as_ref().map(|(port, _)| *port)
    }

    /// Where clients are told to send to by UDP: for each worker, the announced addresses with its port.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.workers.iter().flat_map(|worker| worker.addresses.iter().copied()).collect()
    }
}

/// A handle to one room, pinned to one worker.
#[derive(Clone)]
pub struct Room {
    link: Arc<RoomLink>,
    worker: Arc<Doorway>,
}

impl Room {
    /// Answers an offer: some 4 ms of CPU, so call it on a blocking thread. Nothing is added to the room until the result is
    /// sent by [`Command::AddPeer`]; dropping it undoes everything.
    ///
    /// # Errors
    /// [`OfferError`] when the text is not an SDP offer that this SFU can answer.
    pub fn negotiate(&self, offer_sdp: &str) -> Result<Negotiated, OfferError> {
        let offer = Offer::parse(offer_sdp, &self.worker.limits)?;
        let (rtc, Answered { answer, slots, sources, fingerprints }) = offer.answer_new(&self.worker.transport, Instant::now())?;
        Ok(Negotiated { answer, slots, sources, fingerprints, rtc: Box::new(rtc) })
    }

    /// Queues a command. The offer of a [`Command::Renegotiate`] is parsed here, which costs some 100 µs.
    ///
    /// # Errors
    /// [`QueueFull`] when the worker is so far behind that its command queue is full, or has stopped.
    pub fn command(&self, command: Command) -> Result<(), QueueFull> {
        let request = Request::new(command, &self.worker.limits);
        self.worker.requests.try_send(Addressed { room: Arc::clone(&self.link), request }).map_err(|_| QueueFull)?;
        self.worker.wake();
        Ok(())
    }
}

/// The worker's command queue is full, or the worker has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the media worker does not keep up")]
pub struct QueueFull;

/// An answered offer of a peer that isn't in the room yet.
pub struct Negotiated {
    /// The SDP answer for the client.
    pub answer: String,
    /// M-lines on which the client can receive, in the order of the offer.
    pub slots: Vec<MediaLine>,
    /// M-lines on which the client sends or may send, in the order of the offer.
    pub sources: Vec<MediaLine>,
    fingerprints: Vec<String>,
    rtc: Box<Rtc>,
}

impl Negotiated {
    pub(crate) fn into_parts(self) -> (Box<Rtc>, Answered) {
        let Self { answer, slots, sources, fingerprints, rtc } = self;
        (rtc, Answered { answer, slots, sources, fingerprints })
    }
}

/// An answered further offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renegotiated {
    /// The SDP answer for the client.
    pub answer: String,
    /// All m-lines on which the client can receive, old ones included.
    pub slots: Vec<MediaLine>,
    /// All m-lines on which the client sends or may send, old ones included.
    pub sources: Vec<MediaLine>,
}

/// Why an offer can't be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Longer than the limit, in bytes.
    #[error("the SDP is longer than {limit} bytes")]
    TooLarge { limit: usize },
    /// Not an offer, or one without what a peer needs. The text says what.
    #[error("{0}")]
    Invalid(String),
    /// The offer has another DTLS certificate than the present transport: it is a new PeerConnection's, and wants a new peer.
    #[error("the offer is that of a new transport")]
    OtherTransport,
    /// The peer left while its offer was in work.
    #[error("the peer has left")]
    Gone,
}

impl OfferError {
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }
}
