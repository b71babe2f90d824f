//! The TCP port while the workers start, and while it serves them.
//!
//! It only puts parts together. Invariant: the acceptor's number of a worker is the directory's.

use super::acceptor::{Acceptor, Stop, Worker, bind};
use super::{Connections, Directory, Handover, Here};
use crate::config::{Config, StartError};
use crate::limits::TCP_HANDOVERS_MAX;
use crate::socket::Announced;
use crate::stats::Counters;
use mio::net::TcpListener;
use mio::{Registry, Waker};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use str0m::Candidate;
use str0m::net::TcpType;

/// The bound port. Nothing is accepted yet.
pub(crate) struct Port {
    listener: TcpListener,
    port: u16,
    announced: Announced,
    directory: Directory,
    workers: Vec<Worker>,
}

/// A port that is served.
pub(crate) struct Serving {
    pub(crate) port: u16,
    pub(crate) counters: Arc<Counters>,
    stop: Stop,
    thread: JoinHandle<()>,
}

impl Port {
    /// Binds the configured port, if there is one.
    pub(crate) fn open(config: &Config) -> Result<Option<Self>, StartError> {
        let Some(port) = config.tcp_port else { return Ok(None) };
        let listener = bind(SocketAddr::new(config.bind, port))?;
        let port = listener.local_addr()?.port();
        let announced = Announced::new(&config.addresses, port);
        Ok(Some(Self { listener, port, announced, directory: Directory::default(), workers: vec![] }))
    }

    /// What clients are told (RFC 6544 §4.5).
    pub(crate) fn candidates(&self) -> impl Iterator<Item = Candidate> {
        self.announced.iter().filter_map(|address| Candidate::builder().tcp().host(address).tcptype(TcpType::Passive).build().ok())
    }

    /// A further worker, which polls by `registry` and is woken by `waker`.
    pub(crate) fn enter(&mut self, registry: &Registry, waker: Arc<Waker>) -> io::Result<(Connections, Receiver<Handover>)> {
        let (connections, handovers) = sync_channel(TCP_HANDOVERS_MAX);
        let here = Here {
            registry: registry.try_clone()?,
            announced: self.announced.clone(),
            directory: self.directory.clone(),
            worker: self.workers.len(),
        };
        self.workers.push(Worker { connections, waker });
        Ok((Connections::new(Some(here)), handovers))
    }

    /// Accepts from now on.
    pub(crate) fn serve(self) -> io::Result<Serving> {
        let counters = Arc::<Counters>::default();
        let acceptor = Acceptor::new(self.listener, self.directory, self.workers, Arc::clone(&counters))?;
        let stop = acceptor.stop();
        let thread = std::thread::Builder::new().name("media-tcp".into()).spawn(move || acceptor.run())?;
        Ok(Serving { port: self.port, counters, stop, thread })
    }
}

impl Serving {
    pub(crate) fn stop(self) {
        self.stop.stop();
        if self.thread.join().is_err() {
            tracing::error!("the TCP port's thread had panicked");
        }
    }
}
