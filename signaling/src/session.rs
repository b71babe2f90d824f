//! A session: a login that survives its connections. One task owns it, handles the client's events in order and tells it what happens.
//!
//! It decides nothing about rooms; it tells the hub how its connection ended, and the hub decides what that means. One invariant: of all
//! connections of a session, the newest alone is heard and answered.

pub(crate) mod auth;
mod backlog;
pub(crate) mod connection;
mod dispatch;
pub(crate) mod flusher;
mod inbox;
mod line;
mod outlet;
mod push;
pub(crate) mod registry;
pub(crate) mod render;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use dispatch::parses;

use crate::protocol::client_event::Seat;
use crate::protocol::convert::whole_ms;
use crate::protocol::server_event::{MediaMap, SessionDraining, SessionExpiring, SessionReady, UploadLimits};
use crate::protocol::types::IceServer;
use crate::service::Shared;
use crate::token::Verified;
use backlog::Resumption;
use connection::{Connection, End, Happening, Request};
use futures_util::FutureExt as _;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use line::Once;
use outlet::{Outlet, Task};
use registry::{CONTROL_MESSAGES, Entry, SecretHash};
use rooms::session::SessionHandle;
use rooms::{LeaveReason, Loss, SessionId};
use std::hash::{BuildHasher as _, RandomState};
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Before a token expires, its user is told this long before; for tokens that live less than twice as long, at half-time.
const EXPIRY_NOTICE: Duration = Duration::from_secs(60);
/// How much longer than ping interval and time-out a WebSocket may be silent before it is dropped here: the codec's own heartbeat should
/// be first, and this be needed only when the codec is stuck.
const SILENCE_SLACK: Duration = Duration::from_secs(1);
/// Within this time clients that take too little are given up, each at a moment of its own: when a network fails, many are at once, and the
/// others' events don't wait for all of them together.
const GIVE_UP_WITHIN: Duration = Duration::from_millis(250);
/// A fresh session without a connection: its first one died in the handshake.
const FIRST_CONNECTION: Duration = Duration::from_secs(10);

/// What a client says in its handshake of the session that it had.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    /// It had one.
    pub(crate) asked: bool,
    /// The number of the last event that it has.
    pub(crate) heard: Option<u64>,
}

/// A connection, who is on it, and what its client says.
pub(super) struct Arrival {
    connection: Connection,
    verified: Verified,
    claim: Claim,
}

/// What others tell a session's task.
pub(super) enum Control {
    /// The session has a new connection. In a box, since the room for some of them is kept for every session.
    Attach(Box<Arrival>),
    /// The page said that it unloads.
    Unloaded,
}

/// How far the session's token is.
struct Token {
    expires_at: SystemTime,
    notice_at: Option<Instant>,
    /// When the session ends unless the token is refreshed.
    close_at: Instant,
}

impl Token {
    fn new(expires_at: SystemTime, grace: Duration) -> Self {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let life = expires_at.duration_since(wall).unwrap_or_default();
        let notice_at = now + life.saturating_sub(EXPIRY_NOTICE).max(life / 2);
        let close_in = (expires_at + grace).duration_since(wall).unwrap_or_default();
        Self { expires_at, notice_at: Some(notice_at), close_at: now + close_in }
    }

    fn expires_in(&self, now: SystemTime) -> Duration {
        self.expires_at.duration_since(now).unwrap_or_default()
    }
}

/// A session's state.
pub(crate) struct Session {
    shared: Arc<Shared>,
    handle: SessionHandle,
    outlet: Outlet,
    control: mpsc::Receiver<Control>,
    entry: Entry,
    /// Of the secret that resumes this session now.
    secret: Option<SecretHash>,
    connection: Option<Connection>,
    /// When the session ends unless it gets a connection. Counts only while it has none.
    detached_until: Instant,
    /// When the connection is looked at next.
    check_at: Instant,
    /// The client took too little: its connection is given up when it is looked at next.
    is_slow: bool,
    token: Token,
    told_draining: bool,
}

/// A limiter for the events of one session.
pub(crate) fn limiter(shared: &Shared) -> Arc<DefaultDirectRateLimiter> {
    let limits = &shared.config.limits;
    Arc::new(RateLimiter::direct(Quota::per_second(limits.events_per_s).allow_burst(limits.events_burst)))
}

/// Gives a connection to the session that it resumes, or to a new one.
pub(crate) async fn attach(shared: Arc<Shared>, connection: Connection, verified: Verified, resumed: Option<Entry>, claim: Claim) {
    let limiter = connection.limiter();
    let mut message = Control::Attach(Box::new(Arrival { connection, verified: verified.clone(), claim }));
    if let Some(entry) = resumed {
        match entry.control.send(message).await {
            Ok(()) => return,
            // It ended in this moment: a new session takes its place.
            Err(mpsc::error::SendError(back)) => message = back,
        }
    }
    let entry = Session::start(shared, &verified, limiter);
    // A task that just started has room for a message; if it is gone, the node is stopping.
    entry.control.send(message).await.ok();
}

/// The page of the session with this secret said that it unloads. Whether there is such a session.
pub(crate) async fn unloaded(shared: &Shared, secret: &str) -> bool {
    let Some(entry) = shared.registry.find(secret) else { return false };
    entry.control.send(Control::Unloaded).await.is_ok()
}

impl Session {
    fn start(shared: Arc<Shared>, verified: &Verified, limiter: Arc<DefaultDirectRateLimiter>) -> Entry {
        let id = SessionId::new(rooms::random_id("ses"));
        let outlet = Outlet::new(shared.renderings.clone(), &shared.flushers);
        let subject = verified.subject.clone();
        let mut handle = SessionHandle::over(id.clone(), subject.user, subject.grants, Arc::new(outlet.clone()));
        handle.plan = subject.plan;
        let (sender, control) = mpsc::channel(CONTROL_MESSAGES);
        let entry = Entry { user: handle.user.id.clone(), control: sender, outlet: outlet.clone(), limiter };
        shared.hub.session_began(&handle);
        let now = Instant::now();
        let session = Self {
            token: Token::new(verified.expires_at, shared.config.expiry_grace),
            shared: shared.clone(),
            handle,
            outlet,
            control,
            entry: entry.clone(),
            secret: None,
            connection: None,
            detached_until: now + FIRST_CONNECTION,
            check_at: now,
            is_slow: false,
            told_draining: false,
        };
        let session = Box::new(session);
        // One task, and in it the state on the heap: what a future is given it keeps twice.
        shared.clone().tasks.spawn(async move {
            if AssertUnwindSafe(session.run()).catch_unwind().await.is_err() {
                tracing::error!(session = %id, "a session failed");
                Box::pin(shared.hub.session_ended(&id, LeaveReason::Disconnected)).await;
            }
        });
        entry
    }

    async fn run(mut self: Box<Self>) {
        tracing::debug!(session = %self.handle.id, "session began");
        let reason = loop {
            match self.step().await {
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(reason) => break reason,
            }
        };
        self.forget_secret();
        self.outlet.close();
        if let Some(connection) = self.connection.take() {
            match reason {
                LeaveReason::ServerStopped => connection.release(),
                LeaveReason::Left => connection.linger(),
                _ => connection.dismiss(),
            }
        }
        Box::pin(self.shared.hub.session_ended(&self.handle.id, reason)).await;
        tracing::debug!(session = %self.handle.id, ?reason, "session ended");
    }

    async fn step(&mut self) -> ControlFlow<LeaveReason> {
        let shared = self.shared.clone();
        let deadline = self.deadline();
        let task = self.outlet.task();
        tokio::select! {
            biased;
            Some(control) = self.control.recv() => match control {
                Control::Attach(arrival) => Box::pin(self.attach(*arrival)).await,
                Control::Unloaded => self.unloaded().await,
            },
            () = shared.stop.cancelled() => {
                // On a busy machine both come at once.
                if !self.told_draining {
                    self.tell_draining();
                }
                self.outlet.flush();
                return ControlFlow::Break(LeaveReason::ServerStopped);
            }
            () = shared.draining.cancelled(), if !self.told_draining => self.tell_draining(),
            happening = next(&mut self.connection) => match happening {
                Happening::Request(request) => self.request(request).await,
                Happening::Ended(End::Disconnected) => return ControlFlow::Break(LeaveReason::Left),
                Happening::Ended(End::Closed) => self.lose(Loss::Closed).await,
                Happening::Ended(End::Lost) => self.lose(Loss::Silent).await,
            },
            lost = work(&self.outlet, task) => if lost { self.slow() },
            () = self.outlet.attention() => {}
            () = tokio::time::sleep_until(deadline) => return self.at_deadline().await,
        }
        ControlFlow::Continue(())
    }

    /// A new connection: the old one is dropped, and the client learns what it missed and where it is.
    async fn attach(&mut self, Arrival { connection, verified, claim }: Arrival) {
        drop(self.connection.take());
        self.outlet.detach();
        let resumed = self.secret.is_some();
        self.trust(verified);
        let secret = self.new_secret();
        let seat = if resumed { self.shared.hub.session_resumed(&self.handle.id).await } else { None };
        let map = seat.as_ref().map(|seat| MediaMap::new(&seat.room.id, seat.map.clone()));
        let expires_in_ms = whole_ms(self.token.expires_in(SystemTime::now()));
        let ice_servers = self.ice_servers();
        let uploads = self.shared.hub.upload_bytes_max().map(|max_bytes| UploadLimits { max_bytes });
        tracing::debug!(session = %self.handle.id, resumed, "session has a connection");
        (self.check_at, self.is_slow) = (Instant::now() + self.silence_limit(), false);
        self.told_draining = false;
        let heard = claim.heard.filter(|_| resumed);
        self.outlet.attach(connection.line(), heard, |resumption, sn| {
            let (replayed, resync) = match resumption {
                Resumption::Replayed(events) if resumed => (Some(events as u64), false),
                Resumption::Replayed(_) | Resumption::Cut => (None, claim.asked),
            };
            let ready = SessionReady {
                session: secret,
                resumed,
                sn,
                replayed,
                resync,
                expires_in_ms,
                ice_servers,
                uploads,
                seat: seat.map(Seat::new),
            };
            [Some(Once::event("session:ready", &ready)), map.map(|map| Once::event("media:map", &map))]
        });
        self.connection = Some(connection);
    }

    /// What helps its browser to find a path, with fresh credentials.
    fn ice_servers(&self) -> Vec<IceServer> {
        self.shared.config.turn.iter().map(|turn| turn.server(&self.handle.id, SystemTime::now())).collect()
    }

    /// From now on the session's rights, its plan and its end are this token's.
    fn trust(&mut self, verified: Verified) {
        self.handle.grants = verified.subject.grants;
        self.handle.plan = verified.subject.plan;
        self.token = Token::new(verified.expires_at, self.shared.config.expiry_grace);
    }

    fn new_secret(&mut self) -> String {
        self.forget_secret();
        let secret = rooms::random_id("resume");
        let hash = SecretHash::of(&secret);
        self.shared.registry.insert(hash, self.entry.clone());
        self.secret = Some(hash);
        secret
    }

    fn forget_secret(&mut self) {
        if let Some(secret) = self.secret.take() {
            self.shared.registry.remove(&secret);
        }
    }

    /// The connection is gone or given up; the session waits for another one.
    async fn lose(&mut self, loss: Loss) {
        if self.connection.take().is_some() {
            self.outlet.detach();
            self.detached_until = Instant::now() + self.shared.config.detached_ttl;
            tracing::debug!(session = %self.handle.id, ?loss, "session lost its connection");
            // Rare and large, as all that is on the heap here: a session's task is kept for as long as its client is there.
            Box::pin(self.shared.hub.session_lost(&self.handle.id, loss)).await;
        }
    }

    async fn unloaded(&mut self) {
        if self.connection.is_some() {
            self.lose(Loss::Closed).await;
        } else {
            // The transport went first and may have looked like a silent loss: this is the better word.
            Box::pin(self.shared.hub.session_lost(&self.handle.id, Loss::Closed)).await;
        }
    }

    /// Handles a client's event. What happened before it is told before its answer, what it causes after.
    async fn request(&mut self, request: Request) {
        self.outlet.hold();
        // On the heap while it lasts: it is large, and most sessions have none most of the time.
        let answer = Box::pin(dispatch::handle(self, &request.packet)).await;
        self.outlet.answer(request.ack, &answer);
    }

    /// A client that doesn't take what it is sent loses its connection soon, and fetches what it missed when it comes back.
    fn slow(&mut self) {
        tracing::debug!(session = %self.handle.id, "the client takes less than it is sent");
        (self.check_at, self.is_slow) = (Instant::now() + self.share_of(GIVE_UP_WITHIN), true);
    }

    fn tell_draining(&mut self) {
        self.told_draining = true;
        // Spread over twice the mean, so that not all come back at once.
        let reconnect_in_ms = whole_ms(self.share_of(self.shared.reconnect_in().saturating_mul(2)));
        self.outlet.emit("session:draining", &SessionDraining { reconnect_in_ms });
    }

    /// A random part of this time, in whole milliseconds.
    fn share_of(&self, time: Duration) -> Duration {
        Duration::from_millis(RandomState::new().hash_one(self.handle.id.as_str()) % whole_ms(time).max(1))
    }

    fn silence_limit(&self) -> Duration {
        self.shared.config.ping_interval + self.shared.config.ping_timeout + SILENCE_SLACK
    }

    fn deadline(&self) -> Instant {
        let connected = if self.connection.is_some() { self.check_at } else { self.detached_until };
        let token = self.token.notice_at.unwrap_or(self.token.close_at).min(self.token.close_at);
        connected.min(token)
    }

    async fn at_deadline(&mut self) -> ControlFlow<LeaveReason> {
        let now = Instant::now();
        if now >= self.token.close_at {
            return ControlFlow::Break(LeaveReason::Unauthorized);
        }
        if self.connection.is_none() && now >= self.detached_until {
            return ControlFlow::Break(LeaveReason::TimedOut);
        }
        if self.token.notice_at.is_some_and(|notice_at| now >= notice_at) {
            self.token.notice_at = None;
            let expires_in_ms = whole_ms(self.token.expires_in(SystemTime::now()));
            self.outlet.emit("session:expiring", &SessionExpiring { expires_in_ms });
        }
        if now >= self.check_at {
            self.check_connection(now).await;
        }
        ControlFlow::Continue(())
    }

    /// Gives up a connection that was too slow, or silent for too long. The codec's heartbeat can be fooled by a peer that answers pings but
    /// reads nothing, and gets stuck behind one; this can't.
    async fn check_connection(&mut self, now: Instant) {
        self.outlet.forget_old();
        let silence = self.connection.as_ref().and_then(Connection::silence).unwrap_or_default();
        let limit = self.silence_limit();
        if self.is_slow || silence >= limit {
            tracing::debug!(session = %self.handle.id, self.is_slow, "the connection is given up");
            self.lose(Loss::Silent).await;
        } else {
            self.check_at = now + (limit - silence);
        }
    }
}

/// Does what the outlet asks for. Whether the connection is to be given up. Cancel-safe.
async fn work(outlet: &Outlet, task: Task) -> bool {
    match task {
        Task::Lose => true,
        Task::Wait(wait) => {
            Box::pin(wait.over()).await;
            outlet.flush();
            false
        }
        Task::Nothing => std::future::pending().await,
    }
}

async fn next(connection: &mut Option<Connection>) -> Happening {
    match connection {
        Some(connection) => connection.next().await,
        None => std::future::pending().await,
    }
}
