//! The node as a whole: what starts in which order, and stops in which.
//!
//! ```text
//! start:  store → media → hub → signaling → HTTP → ready
//! stop:   not ready → sessions told → hub → HTTP → media → store flushed
//! ```
//! Invariant: whatever is stopped was started after everything that it uses.

mod addresses;
mod banner;

use crate::api::{self, App, HttpMedia, Limiters, Readiness, Shared};
use crate::config::{Config, Limits};
use crate::demo::Demo;
use crate::mail::SmtpMailer;
use crate::store::Opened;
use crate::telemetry::{self, Metrics};
use crate::uploads::Bucket;
use anyhow::Context as _;
use signaling::Service;
use signaling::listener::{self, Listener};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a stop may take. Then the process ends with what it has: everything acknowledged is durable anyway.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// By how much the runtime's threads stand back behind those that forward media, as `nice` counts.
const STEPS_BACK: i32 = 10;

/// How long sessions may take to hear why the node stops.
const SESSIONS_GRACE: Duration = Duration::from_secs(2);

/// How long requests in work may take when the node stops.
const REQUESTS_GRACE: Duration = Duration::from_secs(2);

/// How often measurements are tidied and quiet addresses forgotten.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// How often calendars are looked at: a reminder comes at most this late.
const REMIND_EVERY: Duration = Duration::from_secs(5);

/// Clients come back after about this time when the node stops.
const RECONNECT_IN: Duration = Duration::from_secs(1);

/// A running node.
pub struct Node {
    address: SocketAddr,
    public_url: String,
    app: App,
    store: Arc<Opened>,
    workers: media::Workers,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Node {
    /// Starts everything, and returns when requests are answered. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// What can't be used, with the key of the configuration that says so.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let metrics = Metrics::start()?;
        let keys = api::tokens_of(&config)?;
        let store = Arc::new(Opened::open(config.store.clone(), &config.data_dir).await?);
        let (media, workers) = start_media(&config)?;
        let mut hub = rooms::Hub::start(config.rooms.clone(), store.store(), media.clone()).await.context("rooms can't be opened")?;
        if let Some(uploads) = config.uploads.clone() {
            hub = hub.with_uploads(Arc::new(Bucket::new(uploads)));
        }
        let sender_url = config.public_url.clone().unwrap_or_else(|| format!("http://{}", config.listen));
        if let Some(smtp) = &config.smtp {
            hub.send_mail_by(Arc::new(SmtpMailer::new(smtp, sender_url).context("smtp")?));
        }
        let sessions = Service::start(signaling_config(&config), hub.clone(), keys.clone());

        let listener = bind(&config).await?;
        let address = listener.local_addr()?;
        let public_url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let readiness = Readiness::default();
        let app = App::new(Shared {
            hub,
            media,
            sessions,
            http_media: HttpMedia::default(),
            store: store.clone(),
            turn: turn(&config),
            tokens: keys,
            public_url: public_url.clone(),
            dev: config.dev,
            guests: config.guests,
            origins: config.origins.clone(),
            embed_origins: config.embed_origins.clone(),
            body_bytes_max: config.limits.body_bytes_max,
            limiters: Limiters::new(&config.limits, config.dev),
            readiness: readiness.clone(),
            metrics,
            demo: config.dev.then(Demo::new),
            keys: config.keys,
        });
        let router = api::router(app.clone()).0.merge(app.sessions.router());
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(listener.serve(router, stop.clone(), REQUESTS_GRACE));
        tasks.spawn(upkeep(app.clone(), stop.clone()));
        tasks.spawn(remind(app.hub.clone(), stop.clone()));
        readiness.set(true);
        tracing::info!(%address, public_url, dev = config.dev, "zzan is ready");
        Ok(Self { address, public_url, app, store, workers, tasks, stop })
    }

    /// Where HTTP is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How browsers reach this node.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Stops everything: sessions are told, requests in work end, what was acknowledged is flushed.
    pub async fn stop(self) {
        tracing::info!("zzan stops");
        self.app.readiness.set(false);
        self.app.sessions.drain(RECONNECT_IN);
        self.app.hub.stop().await;
        self.app.sessions.stop(SESSIONS_GRACE).await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let (store, workers) = (self.store, self.workers);
        let closed = tokio::task::spawn_blocking(move || {
            workers.stop();
            store.close();
        });
        if closed.await.is_err() {
            tracing::error!("the media plane or the store did not stop cleanly");
        }
        tracing::info!("zzan has stopped");
    }
}

/// Runs a node until a signal ends it.
///
/// # Errors
/// As [`Node::start`], and when stopping takes longer than its limit.
pub fn serve(config: Config) -> anyhow::Result<()> {
    telemetry::log(config.log_format);
    use_small_pages();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().on_thread_start(stand_back).build().context("the runtime can't be started")?;
    let result = runtime.block_on(run(config));
    // A blocking task that hangs on a dead disk must not keep the process.
    runtime.shutdown_background();
    result
}

/// The kernel clears a page when it is first touched. A large one takes milliseconds, which packets would wait for.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// A packet that is late is heard; an answer that is later by as much isn't. So where they share a core, signaling waits for media, whose threads
/// are started by the main thread and keep its priority.
fn stand_back() {
    // Without it, all works but is less even.
    let _ = rustix::process::nice(STEPS_BACK);
}

async fn run(config: Config) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    warn_about_dev(&config);
    let dev = config.dev;
    let node = tokio::select! {
        node = Node::start(config) => node?,
        () = signals.next() => return Ok(()),
    };
    if dev {
        print(&banner::text(node.public_url()));
    }
    signals.next().await;
    tokio::select! {
        stopped = tokio::time::timeout(STOP_LIMIT, node.stop()) => stopped.context("stopping took too long"),
        () = signals.next() => anyhow::bail!("a second signal ended the node before it had stopped"),
    }
}

fn warn_about_dev(config: &Config) {
    if config.dev && !config.listen.ip().is_loopback() {
        tracing::warn!(listen = %config.listen, "dev mode on an address that others reach: everyone knows its key");
    }
}

/// A closed standard output is no reason to stop.
fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("SIGTERM can't be watched")?;
        let interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be watched")?;
        Ok(Self { terminate, interrupt })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn start_media(config: &Config) -> anyhow::Result<(media::Handle, media::Workers)> {
    let addresses = addresses::announced(&config.media, config.dev);
    tracing::info!(workers = config.media.workers, addresses = addresses.len(), "media starts");
    tracing::debug!(?addresses, "announced to browsers");
    let media = media::Config {
        workers: NonZeroUsize::new(config.media.workers).unwrap_or(NonZeroUsize::MIN),
        bind: config.media.bind,
        port: config.media.first_port,
        tcp_port: config.media.tcp_port,
        addresses,
        ..media::Config::default()
    };
    media::start(&media).map_err(|error| match error {
        media::StartError::Bind { address, source } => {
            let key = if source.kind() == io::ErrorKind::AddrNotAvailable { "media.bind" } else { "media.first_port" };
            let hint =
                if source.kind() == io::ErrorKind::AddrInUse { "; another program has it: give another port, or 0 for any" } else { "" };
            anyhow::anyhow!("{key}: UDP port {} on {} can't be used: {source}{hint}", address.port(), address.ip())
        }
        media::StartError::Listen { address, source } => {
            let key = if source.kind() == io::ErrorKind::AddrNotAvailable { "media.bind" } else { "media.tcp_port" };
            let hint = match source.kind() {
                io::ErrorKind::AddrInUse => "; another program has it: give another port, 0 for any, or \"off\"",
                io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege",
                _ => "",
            };
            anyhow::anyhow!("{key}: TCP port {} on {} can't be used: {source}{hint}", address.port(), address.ip())
        }
        error @ media::StartError::NoAddress => anyhow::Error::from(error).context("media.addresses"),
        error => anyhow::Error::from(error).context("media"),
    })
}

fn signaling_config(config: &Config) -> signaling::Config {
    let Limits { connects_per_s, sockets_per_address, events_per_s, .. } = config.limits;
    let default = signaling::Limits::default();
    let positive = |limit: u32| NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
    // Our own page is served under the public URL, so it is always allowed.
    let allowed = config.origins.iter().chain(&config.public_url).cloned().collect();
    signaling::Config {
        origins: signaling::Origins { allowed, loopback: config.dev },
        limits: signaling::Limits {
            connects_per_s: positive(connects_per_s),
            events_per_s: positive(events_per_s),
            events_burst: positive(events_per_s.saturating_mul(2)),
            sockets_per_ip: sockets_per_address as usize,
            spare_loopback: config.dev,
            ..default
        },
        ping_interval: config.ping_interval,
        ping_timeout: config.ping_timeout,
        turn: turn(config),
        ..signaling::Config::default()
    }
}

fn turn(config: &Config) -> Option<signaling::Turn> {
    config.turn.as_ref().map(|turn| signaling::Turn::new(turn.urls.clone(), turn.secret.expose().to_owned(), turn.ttl))
}

async fn bind(config: &Config) -> anyhow::Result<Listener> {
    let address = config.listen;
    let stall_timeout = config.ping_interval + config.ping_timeout;
    let config = listener::Config { stall_timeout, trusted_proxies: config.trusted_proxies.clone(), ..listener::Config::default() };
    Listener::bind(address, config).await.map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => "; another program has it: stop that one, or listen on another port",
            io::ErrorKind::AddrNotAvailable => "; it is no address of this machine",
            io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege",
            _ => "",
        };
        anyhow::anyhow!("listen: TCP port {} on {} can't be used: {error}{hint}", address.port(), address.ip())
    })
}

/// Tells servers of what is due in their calendars.
async fn remind(hub: rooms::Hub, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(REMIND_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let reminding = async {
        loop {
            ticks.tick().await;
            if let Err(error) = hub.remind().await {
                tracing::warn!(%error, "what is due in calendars is told later");
            }
        }
    };
    tokio::select! {
        () = reminding => {}
        () = stop.cancelled() => {}
    }
}

async fn upkeep(app: App, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                app.metrics.tidy();
                app.limiters.forget_quiet();
            }
            () = stop.cancelled() => return,
        }
    }
}
