//! socket.io over HTTP: the codec, what stands before it, and what a node asks of it.
//!
//! It holds no session's state. One invariant: a socket's id is known to its own client and to the codec alone; it is a secret by which a
//! polling client is recognised.

use crate::gate::{Gate, Limits, Origins, TooMany};
use crate::head;
use crate::listener::{Flushes, Transport};
use crate::protocol::convert::whole_ms;
use crate::protocol::error::{ErrorCode, WireError};
use crate::session::auth::{self, Admission, Auth, ConnectError};
use crate::session::connection::{Connection, Prepared};
use crate::session::flusher::Flushers;
use crate::session::registry::{Entry, Registry};
use crate::session::render::Renderings;
use crate::session::{self, Claim};
use crate::token::{Keys, Verified};
use crate::turn::Turn;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, CONTENT_LENGTH,
    ORIGIN, RETRY_AFTER, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::any;
use dashmap::DashMap;
use rooms::Hub;
use socketioxide::extract::{SocketRef, TryData};
use socketioxide::handler::ConnectHandler as _;
use socketioxide::service::SocketIoService;
use socketioxide::{ParserConfig, SocketIo};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// Where socket.io clients look by default.
const PATH: &str = "/socket.io";
/// Longest WebSocket message: an SDP of 64 KiB, written as a JSON string, where each line's end takes two bytes more, and the request
/// around it. Twice the SDP's limit leaves room for both; more would only let a client make the node hold more.
pub const WS_MESSAGE_BYTES_MAX: usize = 128 * 1024;
/// Longest body of a polling request: it carries several messages.
pub const POLLING_BODY_BYTES_MAX: usize = 256 * 1024;
/// Packets that wait in the codec for one client: its burst of events refused at once, and two windows of what its session sends. When it
/// is full the packet that didn't fit drops the connection, unless it is volatile.
const SEND_QUEUE_PACKETS: usize = 256;
/// The codec's buffer for what a client sends, of each WebSocket; a longer message has its own while it is read. Most are shorter.
const READ_BUFFER_BYTES: usize = 1_024;
/// How long polling may take to become a WebSocket; the codec sends no pings meanwhile.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often addresses that have been quiet are forgotten.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// Times and limits of signaling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub origins: Origins,
    pub limits: Limits,
    /// Shorter notices silent losses sooner and costs more wake-ups. 5 s.
    pub ping_interval: Duration,
    /// How long a client may take to answer a ping. 5 s.
    pub ping_timeout: Duration,
    /// How long a client may take from its first request to its token. 5 s.
    pub connect_timeout: Duration,
    /// How long a session without a connection can be resumed; at least the longest grace of a seat. 60 s.
    pub detached_ttl: Duration,
    /// How long after its token's expiry a session is ended. Below 60 s, which is promised. 55 s.
    pub expiry_grace: Duration,
    /// For clients whose network lets nothing through to the media ports.
    pub turn: Option<Turn>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            origins: Origins::default(),
            limits: Limits::default(),
            ping_interval: Duration::from_secs(5),
            ping_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            detached_ttl: Duration::from_secs(60),
            expiry_grace: Duration::from_secs(55),
            turn: None,
        }
    }
}

/// Counts for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Sessions that live, with a connection or without.
    pub sessions: usize,
    /// Connections that are authenticated.
    pub connections: usize,
    /// Bytes of events held for all sessions, each event counted for every session that holds it.
    pub held_bytes: usize,
    /// Of the session that holds most.
    pub held_bytes_max: usize,
}

/// The signaling of a node. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Shared>,
    io: SocketIo,
}

/// What every session shares.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) hub: Hub,
    pub(crate) keys: Keys,
    pub(crate) gate: Gate,
    pub(crate) registry: Registry,
    pub(crate) upgrades: Upgrades,
    pub(crate) polls: Polls,
    pub(crate) renderings: Arc<Renderings>,
    pub(crate) flushers: Flushers,
    pub(crate) tasks: TaskTracker,
    /// No new sessions.
    pub(crate) draining: CancellationToken,
    /// No sessions at all.
    pub(crate) stop: CancellationToken,
    reconnect_in: Mutex<Duration>,
    /// Answers everything else with 404.
    codec: SocketIoService<Router>,
}

impl Service {
    /// Starts signaling inside a tokio runtime.
    pub fn start(config: Config, hub: Hub, keys: Keys) -> Self {
        let builder = SocketIo::builder()
            .req_path(PATH)
            .ping_interval(config.ping_interval)
            .ping_timeout(config.ping_timeout)
            .connect_timeout(config.connect_timeout)
            .upgrade_timeout(UPGRADE_TIMEOUT)
            .max_buffer_size(SEND_QUEUE_PACKETS)
            .max_payload(POLLING_BODY_BYTES_MAX as u64)
            .ws_read_buffer_size(READ_BUFFER_BYTES)
            .ws_max_message_size(WS_MESSAGE_BYTES_MAX)
            .ws_max_frame_size(WS_MESSAGE_BYTES_MAX)
            // No event of ours has an attachment.
            .with_parser(ParserConfig::common().max_incoming_binaries(0).max_incoming_binary_buf_size(0));
        let (codec, io) = builder.build_with_inner_svc(Router::new());
        let (stop, renderings) = (CancellationToken::new(), Arc::default());
        let shared = Arc::new(Shared {
            gate: Gate::new(config.origins.clone(), config.limits.clone()),
            config,
            hub,
            keys,
            registry: Registry::default(),
            upgrades: Upgrades::default(),
            polls: Polls::default(),
            flushers: Flushers::start(&renderings, &stop),
            renderings,
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            stop,
            reconnect_in: Mutex::default(),
            codec,
        });
        listen(&io, &shared);
        shared.tasks.spawn(forget_quiet(shared.clone()));
        Self { shared, io }
    }

    /// The routes of socket.io. To be served by [`crate::listener::Listener`], which gives every request its [`Transport`].
    pub fn router(&self) -> Router {
        Router::new().route(PATH, any(handle)).route(&format!("{PATH}/"), any(handle)).with_state(self.shared.clone())
    }

    /// The page of the session with this secret says that it unloads (`navigator.sendBeacon`): its connection is given up at once, and
    /// its seat kept for the short grace. Whether there is such a session.
    pub async fn unloaded(&self, secret: &str) -> bool {
        session::unloaded(&self.shared, secret).await
    }

    /// Refuses new sessions, and tells the others to reconnect after about `reconnect_in`: each at another time, up to twice that.
    pub fn drain(&self, reconnect_in: Duration) {
        *self.shared.reconnect_in.lock().unwrap_or_else(PoisonError::into_inner) = reconnect_in;
        self.shared.draining.cancel();
    }

    /// Ends all sessions with `ServerStopped` and closes their connections in order, for at most `limit`. What is stuck then is dropped by
    /// the listener. To be called after [`Hub::stop`], so that its last events still go out.
    pub async fn stop(&self, limit: Duration) {
        self.shared.draining.cancel();
        self.shared.stop.cancel();
        self.shared.tasks.close();
        let ended = async {
            self.shared.tasks.wait().await;
            self.io.close().await;
        };
        if tokio::time::timeout(limit, ended).await.is_err() {
            tracing::warn!("connections were stuck when signaling stopped");
        }
    }

    /// Counts for metrics. Looks at every session.
    pub fn stats(&self) -> Stats {
        let (mut held_bytes, mut held_bytes_max) = (0, 0);
        for bytes in self.shared.registry.held_bytes() {
            held_bytes += bytes;
            held_bytes_max = held_bytes_max.max(bytes);
        }
        Stats { sessions: self.shared.registry.len(), connections: self.shared.gate.sockets(), held_bytes, held_bytes_max }
    }
}

impl Shared {
    pub(crate) fn reconnect_in(&self) -> Duration {
        *self.reconnect_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a polling client's socket. The codec has no such call, so it is told what the client would tell it: engine.io's close packet.
    pub(crate) fn close_polling(self: Arc<Self>, sid: String) {
        // Without a runtime the node is gone, and its sockets with it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let uri = format!("{PATH}/?EIO=4&transport=polling&sid={sid}");
            let Ok(request) = Request::post(uri).body(Body::from("1")) else { return };
            let Ok(_closed) = self.codec.clone().oneshot(request).await;
        });
    }
}

/// WebSockets that took over from polling, by the secret id of their socket.
#[derive(Clone, Default)]
pub(crate) struct Upgrades(Arc<DashMap<String, Vec<Transport>>>);

impl Upgrades {
    /// Those that carry this socket, or tried to.
    pub(crate) fn of(&self, sid: &str) -> Vec<Transport> {
        self.0.get(sid).map(|transports| transports.clone()).unwrap_or_default()
    }

    /// Remembered until the transport closes.
    fn insert(&self, sid: String, transport: Transport) {
        self.0.entry(sid.clone()).or_default().push(transport.clone());
        let upgrades = self.0.clone();
        tokio::spawn(async move {
            transport.closed().await;
            upgrades.remove_if_mut(&sid, |_, transports| {
                transports.retain(|other| !other.is(&transport));
                transports.is_empty()
            });
        });
    }
}

/// Sockets that began with polling, by their secret id: who wants to know that what waited for them is written.
#[derive(Default)]
pub(crate) struct Polls(Arc<DashMap<String, Arc<Flushes>>>);

/// Forgets a socket when it is dropped.
pub(crate) struct PollsEntry(Arc<DashMap<String, Arc<Flushes>>>, String);

impl Polls {
    /// Counts the answered polls of a socket, and the flushes of the WebSocket that takes over.
    pub(crate) fn insert(&self, sid: String, flushes: Arc<Flushes>) -> PollsEntry {
        self.0.insert(sid.clone(), flushes);
        PollsEntry(self.0.clone(), sid)
    }

    fn of(&self, sid: &str) -> Option<Arc<Flushes>> {
        self.0.get(sid).map(|flushes| flushes.clone())
    }
}

impl Drop for PollsEntry {
    fn drop(&mut self) {
        self.0.remove(&self.1);
    }
}

async fn forget_quiet(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(FORGET_INTERVAL);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = interval.tick() => shared.gate.forget_quiet(),
        }
    }
}

/// What a handshake hands from the middleware, which runs before the client is told that it is connected, to the handler after it.
#[derive(Clone)]
struct Handshake(Arc<Mutex<Option<Admitted>>>);

struct Admitted {
    prepared: Prepared,
    verified: Verified,
    /// The session that the client resumes.
    resumed: Option<Entry>,
    claim: Claim,
}

fn listen(io: &SocketIo, shared: &Arc<Shared>) {
    let weak = Arc::downgrade(shared);
    let admit = {
        let weak = weak.clone();
        move |socket: SocketRef, TryData(auth): TryData<Auth>| std::future::ready(admit(&weak, &socket, auth.ok()))
    };
    let connected = move |socket: SocketRef| {
        let shared = weak.upgrade();
        async move {
            let handshake = socket.extensions.get::<Handshake>();
            let admitted = handshake.and_then(|Handshake(slot)| slot.lock().unwrap_or_else(PoisonError::into_inner).take());
            if let (Some(shared), Some(Admitted { prepared, verified, resumed, claim })) = (shared, admitted) {
                let connection = Connection::open(shared.clone(), socket, prepared);
                session::attach(shared, connection, verified, resumed, claim).await;
            }
        }
    };
    io.ns("/", connected.with(admit));
}

/// Decides about a handshake, and takes over the socket's events before its client may send any.
fn admit(shared: &Weak<Shared>, socket: &SocketRef, auth: Option<Auth>) -> Result<(), ConnectError> {
    let stopping = || ConnectError(WireError::new(ErrorCode::Unavailable, "the node is stopping"));
    let shared = shared.upgrade().ok_or_else(stopping)?;
    let Admission { verified, secret, heard } = auth::admit(&shared, auth)?;
    let ConnectInfo(client) = socket.req_parts().extensions.get::<ConnectInfo<SocketAddr>>().ok_or_else(stopping)?;
    let guard =
        shared.gate.take_socket(client.ip()).map_err(|TooMany { retry_after }| ConnectError(WireError::rate_limited(retry_after)))?;
    let user = &verified.subject.user.id;
    let asked = secret.is_some();
    let resumed = secret.and_then(|secret| shared.registry.find(&secret)).filter(|entry| entry.is_of(user));
    let limiter = resumed.as_ref().map_or_else(|| session::limiter(&shared), Entry::limiter);
    let claim = Claim { asked, heard };
    let prepared = Prepared::new(shared, socket, guard, limiter);
    socket.extensions.insert(Handshake(Arc::new(Mutex::new(Some(Admitted { prepared, verified, resumed, claim })))));
    Ok(())
}

/// Every HTTP request of socket.io, polling and upgrades alike.
async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (transport, client) = (request.extensions().get::<Transport>(), request.extensions().get::<ConnectInfo<SocketAddr>>());
    let (Some(transport), Some(ConnectInfo(client))) = (transport.cloned(), client.copied()) else {
        tracing::error!("signaling is served by something else than its listener");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let origin = request.headers().get(ORIGIN).cloned();
    if !shared.gate.allow_origin(origin.as_ref()) {
        let error = WireError::new(ErrorCode::Forbidden, "this origin is not on the list of allowed ones");
        return (StatusCode::FORBIDDEN, Json(error)).into_response();
    }
    let mut response = match refuse(&shared, client.ip(), &request) {
        Some(refusal) => refusal,
        None => pass(&shared, transport, request).await,
    };
    if let Some(origin) = origin {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
    }
    response
}

/// What is answered without the codec.
fn refuse(shared: &Shared, client: IpAddr, request: &Request) -> Option<Response> {
    if request.method() == Method::OPTIONS {
        let preflight = [
            (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
            (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type")),
            (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")),
        ];
        return Some((StatusCode::NO_CONTENT, preflight).into_response());
    }
    if content_length(request.headers()).is_some_and(|bytes| bytes > POLLING_BODY_BYTES_MAX as u64) {
        let error = WireError::new(ErrorCode::TooLarge, format!("a body has at most {POLLING_BODY_BYTES_MAX} bytes"));
        // The rest of the body is not waited for.
        return Some((StatusCode::PAYLOAD_TOO_LARGE, [("connection", "close")], Json(error)).into_response());
    }
    if parameter(request.uri(), "sid").is_some() {
        return None;
    }
    if shared.draining.is_cancelled() {
        let error = WireError::new(ErrorCode::Unavailable, "the node is stopping");
        return Some((StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], Json(error)).into_response());
    }
    let TooMany { retry_after } = shared.gate.connect(client).err()?;
    let seconds = whole_ms(retry_after).div_ceil(1000).to_string();
    Some((StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds)], Json(WireError::rate_limited(retry_after))).into_response())
}

async fn pass(shared: &Shared, transport: Transport, request: Request) -> Response {
    let sid = parameter(request.uri(), "sid").map(str::to_owned);
    let (is_websocket, is_poll) = (is_websocket(request.uri()), request.method() == Method::GET);
    if let (Some(sid), true) = (&sid, is_websocket) {
        transport.take_over();
        shared.upgrades.insert(sid.clone(), transport.clone());
        // After the line above: a socket that is connected meanwhile finds the transport.
        if let Some(flushes) = shared.polls.of(sid) {
            transport.count_flushes(flushes);
        }
    }
    // Others carry a body, whose head says what it is.
    let request = if request.method() == Method::GET { head::lean(request) } else { request };
    let Ok(response): Result<_, Infallible> = shared.codec.clone().oneshot(request).await;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        transport.speak_websocket(WS_MESSAGE_BYTES_MAX as u64);
    } else if let (Some(sid), true) = (&sid, is_poll)
        && let Some(flushes) = shared.polls.of(sid)
    {
        flushes.flushed();
    }
    response.map(Body::new)
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether a request of the codec's asks for a WebSocket.
pub(crate) fn is_websocket(uri: &Uri) -> bool {
    parameter(uri, "transport") == Some("websocket")
}

fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    // As the codec reads it: the first one counts, and nothing is percent-decoded.
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
