//! What the media plane is started with. Read once; nothing here changes while it runs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

/// How to start the workers.
#[derive(Debug, Clone)]
pub struct Config {
    /// Number of worker threads. Each has a UDP port of its own; a room lives on one of them.
    pub workers: NonZeroUsize,
    /// The address that the UDP ports are bound to. Unspecified (`0.0.0.0`, `::`) means all of the machine.
    pub bind: IpAddr,
    /// UDP port of the first worker; worker `n` has `port + n`. 0 takes any free port for each.
    pub port: u16,
    /// TCP port of all workers, for clients whose network lets no UDP through. 0 takes any free port; absent: there is none.
    pub tcp_port: Option<u16>,
    /// Host addresses that clients are told to send to, best first. Firefox never connects when all of them are loopback.
    pub addresses: Vec<IpAddr>,
    /// What one client may demand.
    pub limits: Limits,
}

impl Config {
    /// One worker on any free port of `address`, without TCP: what tests and small machines want.
    pub fn on(address: IpAddr) -> Self {
        Self { workers: NonZeroUsize::MIN, bind: address, port: 0, tcp_port: None, addresses: vec![address], limits: Limits::default() }
    }
}

impl Default for Config {
    /// One worker on any free port of the loopback interface.
    fn default() -> Self {
        Self::on(Ipv4Addr::LOCALHOST.into())
    }
}

/// What one client may demand before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest SDP offer, in bytes.
    pub sdp_bytes_max: usize,
    /// Most m-lines in an offer.
    pub media_lines_max: usize,
    /// A connected peer of which nothing authentic arrives for this long is lost. A browser checks consent at least every 5 s
    /// (RFC 7675), so a shorter value would end calls that work.
    pub silence: Duration,
    /// A peer that hasn't connected this long after it was added is lost.
    pub connect: Duration,
    /// STUN requests for one peer that may fail their integrity check per second and source (an IPv4 address, or an IPv6 /64)
    /// before further ones are dropped unchecked.
    pub stun_misses_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sdp_bytes_max: 64 * 1024,
            media_lines_max: 64,
            silence: Duration::from_secs(7),
            connect: Duration::from_secs(20),
            stun_misses_per_second: 20,
        }
    }
}

/// Why the media plane can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The UDP port is taken, or may not be bound.
    #[error("cannot bind UDP {address}: {source}")]
    Bind { address: SocketAddr, source: std::io::Error },
    /// The TCP port is taken, or may not be bound.
    #[error("cannot listen on TCP {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    /// The ports of the workers would go beyond 65535.
    #[error("{workers} workers don't fit above UDP port {port}")]
    Ports { port: u16, workers: usize },
    /// No address that a client could send to.
    #[error("no usable address to announce to clients")]
    NoAddress,
    /// The operating system refused a poller or a thread.
    #[error("cannot start a media worker: {0}")]
    Io(#[from] std::io::Error),
    /// No DTLS certificate could be made.
    #[error("cannot make a DTLS certificate")]
    Certificate,
}
