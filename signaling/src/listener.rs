//! Accepts TCP connections and serves an HTTP/1 router on them, with a time limit on everything that a client can delay.
//!
//! It knows no route. Every request carries the [`Transport`] that it came over, by which the connection can be dropped.

mod flushes;
mod forwarded;
mod frames;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod transport;
mod wire;

pub(crate) use flushes::Flushes;
pub use transport::Transport;
pub(crate) use wire::{Sent, UPGRADED, append_text};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use transport::Stream;

/// Head of a request: a few hundred bytes in practice, with room for cookies of other sites on the same host.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes that the kernel queues for a peer beyond what is in flight. Less wakes us more often, more is memory that a peer which doesn't
/// read holds.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;
/// Pause after `accept` failed for want of files or memory: it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Limits of a [`Listener`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// From the first byte of a request, or from the connect, to the end of its head. 5 s.
    pub head_timeout: Duration,
    /// From the end of a request's head to the end of its body. 10 s.
    pub body_timeout: Duration,
    /// How long a peer may take nothing, or acknowledge nothing, while something waits for it: ping interval + time-out. 10 s.
    pub stall_timeout: Duration,
    /// Connections at one time; further ones are answered with 503. 20,000.
    pub connections_max: usize,
    /// Proxies whose `X-Forwarded-For` says who a request comes from. None.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(10),
            connections_max: 20_000,
            trusted_proxies: vec![],
        }
    }
}

/// A bound TCP port.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    config: Config,
}

impl Listener {
    /// Binds; port 0 lets the system choose.
    ///
    /// # Errors
    /// What the system says, `AddrInUse` for one.
    pub async fn bind(address: SocketAddr, config: Config) -> io::Result<Self> {
        Ok(Self { tcp: TcpListener::bind(address).await?, config })
    }

    /// The bound address.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until `stop`: then accepts nothing more, lets requests in work end for at most `grace`, and drops what is left.
    pub async fn serve(self, router: Router, stop: CancellationToken, grace: Duration) {
        let kill_all = CancellationToken::new();
        let tasks = TaskTracker::new();
        let connections = Arc::new(Semaphore::new(self.config.connections_max));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.tcp.accept() => accepted,
            };
            let (tcp, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(permit) = connections.clone().try_acquire_owned() else {
                refuse(&tcp);
                continue;
            };
            if let Err(error) = set_options(&tcp, self.config.stall_timeout) {
                tracing::debug!(%error, "the connection was gone before it was served");
                continue;
            }
            let transport = Transport::new(peer, kill_all.child_token(), self.config.stall_timeout);
            let stream = Stream::new(tcp, transport.clone(), permit);
            tasks.spawn(serve_connection(stream, transport, router.clone(), self.config.clone(), stop.clone()));
        }
        drop(self.tcp);
        tasks.close();
        if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
            tracing::warn!("requests were still in work when the node stopped");
        }
        kill_all.cancel();
    }
}

/// Returns when the connection closed or became a WebSocket.
async fn serve_connection(stream: Stream, transport: Transport, router: Router, config: Config, stop: CancellationToken) {
    let Config { body_timeout, head_timeout, trusted_proxies, .. } = config;
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        let client = forwarded::client(transport.peer(), request.headers(), &trusted_proxies);
        request.extensions_mut().insert(ConnectInfo(client));
        request.extensions_mut().insert(transport.clone());
        let request = request.map(|body| match body.is_end_stream() {
            true => Body::empty(),
            false => Body::new(TimedBody { body, timer: Box::pin(tokio::time::sleep(body_timeout)), transport: transport.clone() }),
        });
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection ended with an error");
    }
}

fn refuse(tcp: &TcpStream) {
    tracing::warn!("too many connections");
    // A fresh connection has room for this; if not, it just closes.
    tcp.try_write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\nretry-after: 1\r\n\r\n").ok();
}

fn set_options(tcp: &TcpStream, stall_timeout: Duration) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let socket = socket2::SockRef::from(tcp);
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_user_timeout(Some(stall_timeout))?;
        socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, stall_timeout, UNSENT_BYTES_MAX);
    Ok(())
}

/// A request's body that must end in time.
struct TimedBody {
    body: Incoming,
    timer: Pin<Box<Sleep>>,
    transport: Transport,
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
        }
        if this.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        tracing::debug!(peer = %this.transport.peer(), "a request's body came too slowly");
        this.transport.kill();
        Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
