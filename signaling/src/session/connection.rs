//! One connection of a session: what came in over it waits here in order, and it can be dropped at once. What goes out has a
//! [`Line`] of its own.
//!
//! The codec's own callbacks do next to nothing: they put what happened where the session's task finds it. Dropping a [`Connection`] drops
//! its transport, so that nobody can keep one alive that no session owns.

use super::inbox::{Inbox, Slot};
use super::line::{Ack, Line, NotSent};
use crate::gate::SocketGuard;
use crate::listener::{Flushes, Transport};
use crate::protocol::error::WireError;
use crate::service::{PollsEntry, Shared};
use governor::DefaultDirectRateLimiter;
use governor::clock::{Clock as _, DefaultClock};
use serde::Serialize;
use socketioxide::TransportType;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::{AckSender, SocketRef};
use socketioxide::handler::{FromMessageParts as _, MessageHandler, Value};
use socketioxide::socket::{DisconnectReason, Socket};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// When a client whose inbox is full should try again: the time for some events to be handled.
const INBOX_RETRY: Duration = Duration::from_millis(200);

/// An event of the client, not yet looked at.
pub(crate) struct Request {
    /// The packet's JSON array: the event's name and its arguments.
    pub(crate) packet: String,
    pub(crate) ack: Ack,
}

/// How a connection ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The client said that it disconnects.
    Disconnected,
    /// The transport was closed in order, as browsers do for a page that unloads.
    Closed,
    /// Anything else: reset, time-out, nonsense on the wire.
    Lost,
}

/// What happens on a connection, in order.
pub(crate) enum Happening {
    Request(Request),
    Ended(End),
}

#[derive(Debug, Default)]
struct Ending {
    how: OnceLock<End>,
    ended: CancellationToken,
}

/// The receiving end of a socket whose client may not know yet that it is connected. It doesn't hold the socket, which may never be.
pub(crate) struct Prepared {
    inbox: Inbox<Request>,
    ending: Arc<Ending>,
    limiter: Arc<DefaultDirectRateLimiter>,
    flushes: Arc<Flushes>,
    /// Its WebSocket, if it began with one, and which greeting on it is this socket's.
    frames: Option<(Transport, u32)>,
    _polls: Option<PollsEntry>,
    _guard: SocketGuard,
}

impl Prepared {
    /// Takes over a socket. From here on nothing that it sends is lost, so this is to be called before its client is told that it is
    /// connected.
    pub(crate) fn new(shared: Arc<Shared>, socket: &SocketRef, guard: SocketGuard, limiter: Arc<DefaultDirectRateLimiter>) -> Self {
        let (inbox, slot) = Inbox::new();
        let ending = Arc::new(Ending::default());
        let mut flushes = Arc::<Flushes>::default();
        let polls =
            (!crate::service::is_websocket(&socket.req_parts().uri)).then(|| shared.polls.insert(socket.id.to_string(), flushes.clone()));
        let frames = own_transport(socket).map(|transport| (transport.clone(), transport.admit()));
        for transport in transports(&shared, socket) {
            // A client that disconnects and connects again on its WebSocket finds the one that counts there.
            flushes = transport.count_flushes(flushes);
        }
        socket.on_fallback(Intake { shared, slot, limiter: limiter.clone() });
        let on_end = ending.clone();
        socket.on_disconnect(move |reason: DisconnectReason| {
            on_end.how.get_or_init(|| end_of(reason));
            on_end.ended.cancel();
            std::future::ready(())
        });
        Self { inbox, ending, limiter, flushes, frames, _polls: polls, _guard: guard }
    }
}

/// One connection of a session.
pub(crate) struct Connection {
    socket: SocketRef,
    shared: Arc<Shared>,
    prepared: Prepared,
    drop_transport: bool,
}

impl Connection {
    /// A prepared socket of which the client knows that it is connected.
    pub(crate) fn open(shared: Arc<Shared>, socket: SocketRef, prepared: Prepared) -> Self {
        Self { socket, shared, prepared, drop_transport: true }
    }

    /// Counts the events of the session.
    pub(crate) fn limiter(&self) -> Arc<DefaultDirectRateLimiter> {
        self.prepared.limiter.clone()
    }

    /// What happens next. Everything that came in before the end is told before the end. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Happening {
        let Prepared { inbox, ending, .. } = &mut self.prepared;
        tokio::select! {
            biased;
            request = inbox.next() => Happening::Request(request),
            // Something may have come in between the two looks.
            () = ending.ended.cancelled() => match inbox.take() {
                Some(request) => Happening::Request(request),
                None => Happening::Ended(ending.how.get().copied().unwrap_or(End::Lost)),
            },
        }
    }

    /// The way out of it.
    pub(crate) fn line(&self) -> Line {
        let Prepared { frames, flushes, .. } = &self.prepared;
        match frames {
            Some((transport, greeting)) => Line::frames(transport.clone(), *greeting, flushes.clone()),
            None => Line::codec(self.socket.clone(), self.shared.upgrades.clone(), flushes.clone()),
        }
    }

    /// For how long nothing came over a WebSocket; `None` for polling, which has many transports and no writer that can get stuck.
    pub(crate) fn silence(&self) -> Option<Duration> {
        match self.socket.transport_type() {
            TransportType::Websocket => self.transports().iter().map(Transport::silence).min(),
            TransportType::Polling => None,
        }
    }

    /// Tells the client that the session is over.
    pub(crate) fn dismiss(self) {
        self.socket.clone().disconnect().ok();
        self.linger();
    }

    /// Drops the transport a little later: what was sent last still arrives, and a client that closes by itself closes in order.
    pub(crate) fn linger(self) {
        /// Longer only keeps a client that doesn't listen.
        const LINGER: Duration = Duration::from_secs(1);
        tokio::spawn(async move {
            tokio::time::sleep(LINGER).await;
            drop(self);
        });
    }

    /// Leaves the transport to the codec, which closes it in order.
    pub(crate) fn release(mut self) {
        self.drop_transport = false;
    }

    fn transports(&self) -> Vec<Transport> {
        transports(&self.shared, &self.socket)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A client that disconnected and connected again on its WebSocket keeps it.
        let is_latest = self.prepared.frames.as_ref().is_none_or(|(transport, greeting)| transport.is_latest(*greeting));
        if self.drop_transport && is_latest {
            kill(&self.shared, &self.socket);
        }
    }
}

/// Drops everything that carries a socket.
fn kill(shared: &Arc<Shared>, socket: &Socket) {
    for transport in transports(shared, socket) {
        transport.kill();
    }
    if socket.transport_type() == TransportType::Polling {
        shared.clone().close_polling(socket.id.to_string());
    }
}

/// The TCP connections that are a socket's own: its WebSocket, opened as such or by an upgrade of its polling.
fn transports(shared: &Shared, socket: &Socket) -> Vec<Transport> {
    let mut transports = shared.upgrades.of(&socket.id.to_string());
    transports.extend(own_transport(socket).cloned());
    transports
}

/// The WebSocket that a socket began with.
fn own_transport(socket: &Socket) -> Option<&Transport> {
    let request = socket.req_parts();
    if crate::service::is_websocket(&request.uri) { request.extensions.get() } else { None }
}

fn end_of(reason: DisconnectReason) -> End {
    match reason {
        DisconnectReason::ClientNSDisconnect => End::Disconnected,
        DisconnectReason::TransportClose => End::Closed,
        DisconnectReason::TransportError
        | DisconnectReason::HeartbeatTimeout
        | DisconnectReason::MultipleHttpPollingError
        | DisconnectReason::PacketParsingError
        | DisconnectReason::ServerNSDisconnect
        | DisconnectReason::ClosingServer => End::Lost,
    }
}

/// Takes every event of a socket, in the order of the wire: the codec calls it for one packet after the other, and it never waits.
struct Intake {
    shared: Arc<Shared>,
    slot: Slot<Request>,
    limiter: Arc<DefaultDirectRateLimiter>,
}

/// Marks [`Intake`] as a handler for the codec.
enum Ordered {}

impl MessageHandler<LocalAdapter, Ordered> for Intake {
    fn call(&self, socket: Arc<Socket>, mut value: Value, ack_id: Option<i64>) {
        let Ok(codec) = AckSender::from_message_parts(&socket, &mut value, &ack_id);
        let answered = match self.take(value, Ack { codec, id: ack_id }) {
            Ok(()) => return,
            Err((error, ack)) => ack.codec.send(&Failure::new(error)).map_err(NotSent::from),
        };
        if answered == Err(NotSent::Full) {
            kill(&self.shared, &socket);
        }
    }
}

impl Intake {
    fn take(&self, value: Value, ack: Ack) -> Result<(), (WireError, Ack)> {
        if let Err(until) = self.limiter.check() {
            return Err((WireError::rate_limited(until.wait_time_from(DefaultClock::default().now())), ack));
        }
        let Value::Str(packet, None) = value else {
            return Err((WireError::invalid("events have no binary attachments"), ack));
        };
        let (bytes, packet) = (packet.len(), packet.as_str().to_owned());
        self.slot.put(Request { packet, ack }, bytes).map_err(|request| (WireError::rate_limited(INBOX_RETRY), request.ack))
    }
}

/// The ack of a refused request.
#[derive(Serialize)]
pub(crate) struct Failure {
    ok: bool,
    error: WireError,
}

impl Failure {
    pub(crate) fn new(error: WireError) -> Self {
        Self { ok: false, error }
    }
}
