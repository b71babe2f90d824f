//! What it costs to tell many: zzan's signaling beside the official socket.io server, each on one core, with the readers on another.
//!
//! A thousand WebSocket readers listen to one channel of a community. Messages are sent to it, one in flight and eight; the server stores,
//! answers and tells. [`process`] is a server and what it used, [`crowd`] the readers, [`zzan`] the side that is ours, `node/` the other, and
//! [`floor`] what the writes alone cost. CPU time is the server's alone.
//!
//! `make bench-fanout`

mod crowd;
mod floor;
mod process;
mod zzan;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use crowd::{Crowd, Size, Way};
use process::Process;
use rooms::session::Grants;
use rooms::{User, UserId};
use signaling::token::Subject;
use std::time::{Duration, SystemTime};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Text of a message, beside the time of its sending.
const TEXT_BYTES: usize = 80;
/// Messages at once.
const IN_FLIGHT: [usize; 2] = [1, 8];
/// Rounds before what is measured.
const WARM_UP_ROUNDS: u64 = 20;
/// Sockets of the part with stalled readers.
const STALL_CROWD: usize = 200;
/// Of those, how many read nothing.
const STALLED: usize = 50;
/// Their messages: large, so that the stalled soon have too much waiting.
const STALL_TEXT_BYTES: usize = 3_000;
/// Between two messages of that part.
const STALL_PAUSE: Duration = Duration::from_millis(40);
/// Passes of that part for each of the others: it counts single messages, of which a busy machine holds up some.
const STALL_TURNS: usize = 3;
/// What was told is kept for a minute, and forgotten when a session next looks at its connection.
const IDLE: Duration = Duration::from_secs(120);

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Serve>,
    /// Readers in all.
    #[arg(long, default_value_t = 1_000)]
    readers: usize,
    /// Deliveries in thousands of each measurement.
    #[arg(long, default_value_t = 400)]
    deliveries_k: u64,
    /// Measurements of each kind, of which the median counts.
    #[arg(long, default_value_t = 3)]
    passes: usize,
    /// The core of the server.
    #[arg(long, default_value = "0")]
    server_core: String,
    /// The core of the readers.
    #[arg(long, default_value = "1")]
    crowd_core: String,
    /// Readers that send, in turn.
    #[arg(long, default_value_t = 1)]
    senders: usize,
    /// They begin with polling, from which a WebSocket takes over.
    #[arg(long)]
    upgraded: bool,
    /// Only zzan.
    #[arg(long)]
    alone: bool,
    /// Memory isn't measured, which takes minutes.
    #[arg(long)]
    no_memory: bool,
    /// The delays beside stalled readers aren't measured.
    #[arg(long)]
    no_stall: bool,
}

#[derive(Debug, Subcommand)]
enum Serve {
    /// zzan's process.
    #[command(hide = true)]
    ServeZzan { members: usize },
    /// The process that does nothing but write.
    #[command(hide = true)]
    ServeFloor { readers: usize },
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.command {
        Some(Serve::ServeZzan { members }) => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(zzan::serve(members))
        }
        Some(Serve::ServeFloor { readers }) => floor::serve(readers),
        None => {
            let pid = std::process::id().to_string();
            let pinned = std::process::Command::new("taskset").args(["-cp", &cli.crowd_core, &pid]).output().context("taskset")?;
            anyhow::ensure!(pinned.status.success(), "taskset: {}", String::from_utf8_lossy(&pinned.stderr).trim());
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(compare(&cli))
        }
    }
}

/// A token for a reader.
pub fn token(user: &str) -> anyhow::Result<String> {
    let user = User { id: UserId::new(user), name: user.to_owned() };
    let subject = Subject { user, grants: Grants::User, locale: None, plan: None };
    Ok(zzan::key()?.mint(&subject, SystemTime::now(), Duration::from_secs(3_600))?)
}

/// A server that is measured, with its readers.
struct Contender {
    name: &'static str,
    server: Process,
    /// Without readers.
    empty_bytes: u64,
    crowd: Crowd,
    /// Of its passes with one and with eight messages in flight.
    passes: [Vec<Pass>; 2],
}

/// What a delivery cost in CPU, in µs, and what the half of them took less than, in ms.
#[derive(Clone, Copy)]
struct Pass {
    cost_us: f64,
    p50_ms: f64,
}

impl Contender {
    async fn all(cli: &Cli, own: &str) -> anyhow::Result<Vec<Self>> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/fanout_bench/node/server.js");
        let mut all = vec![Self::start(cli, "zzan", own, &["serve-zzan", &cli.readers.to_string()]).await?];
        if !cli.alone {
            all.push(Self::start(cli, "socket.io", "node", &[script]).await?);
        }
        Ok(all)
    }

    async fn start(cli: &Cli, name: &'static str, program: &str, args: &[&str]) -> anyhow::Result<Self> {
        let mut server = Process::start(&cli.server_core, program, args).await?;
        let empty_bytes = server.usage()?.resident_bytes;
        let way = if cli.upgraded { Way::Upgrade } else { Way::WebSocket };
        let size = Size { readers: cli.readers, senders: cli.senders, stalled: 0, text_bytes: TEXT_BYTES, way };
        let crowd = Crowd::gather(server.address, size).await?;
        Ok(Self { name, server, empty_bytes, crowd, passes: [vec![], vec![]] })
    }

    async fn pass(&mut self, in_flight: usize, deliveries_min: u64) -> anyhow::Result<Pass> {
        for _ in 0..WARM_UP_ROUNDS {
            self.crowd.round(in_flight).await?;
        }
        self.crowd.take_delays();
        let (before, mut deliveries) = (self.server.usage()?, 0);
        while deliveries < deliveries_min {
            deliveries += self.crowd.round(in_flight).await?;
        }
        let cpu = self.server.usage()?.cpu - before.cpu;
        let delays = self.crowd.take_delays();
        let pass = Pass { cost_us: cpu.as_secs_f64() * 1e6 / deliveries as f64, p50_ms: delays[delays.len() / 2].as_secs_f64() * 1e3 };
        println!("{} in flight {in_flight}: {:.2} µs CPU per delivery, p50 {:.1} ms", self.name, pass.cost_us, pass.p50_ms);
        Ok(pass)
    }

    /// Memory of a socket that listens, in kB.
    fn socket_kb(&mut self, readers: usize) -> anyhow::Result<f64> {
        let bytes = self.server.usage()?.resident_bytes.saturating_sub(self.empty_bytes);
        Ok(bytes as f64 / readers as f64 / 1_000.0)
    }

    /// The passes with the median cost.
    fn medians(&self) -> [Pass; 2] {
        self.passes.each_ref().map(|passes| {
            let mut passes = passes.clone();
            passes.sort_by(|a, b| a.cost_us.total_cmp(&b.cost_us));
            passes[passes.len() / 2]
        })
    }
}

async fn compare(cli: &Cli) -> anyhow::Result<()> {
    let own = std::env::current_exe()?;
    let own = own.to_str().context("a path in UTF-8")?;
    let mut contenders = Contender::all(cli, own).await?;
    // By turns, so that a machine with others on it is as busy for each of them.
    for _ in 0..cli.passes {
        for (index, in_flight) in IN_FLIGHT.into_iter().enumerate() {
            for contender in &mut contenders {
                let pass = contender.pass(in_flight, cli.deliveries_k * 1_000).await?;
                contender.passes[index].push(pass);
            }
        }
    }
    let frame_bytes = contenders[0].crowd.frame_bytes();
    let floor = floor::measure(&cli.server_core, own, cli.readers, cli.deliveries_k * 1_000, frame_bytes).await?;
    println!(
        "\n| {} readers of a channel | one in flight, µs CPU per delivery | its p50, ms | eight, µs |\n| --- | --- | --- | --- |",
        cli.readers
    );
    for contender in &contenders {
        let [one, eight] = contender.medians();
        println!("| {} | {:.2} | {:.1} | {:.2} |", contender.name, one.cost_us, one.p50_ms, eight.cost_us);
    }
    if let [ours, theirs] = &contenders[..] {
        let ([one, eight], [their_one, their_eight]) = (ours.medians(), theirs.medians());
        println!("| factor | {:.2} | | {:.2} |", their_one.cost_us / one.cost_us, their_eight.cost_us / eight.cost_us);
    }
    println!("| nothing but writes of {frame_bytes} B, or of eight times that | {:.2} | | {:.2} |", floor.one_us, floor.eight_us);
    drop(contenders);
    if !cli.no_memory {
        memory(cli, own).await?;
    }
    if !cli.no_stall {
        stall(cli, own).await?;
    }
    Ok(())
}

/// What idle sockets take, in servers of their own: the messages that the measured ones keep are no socket's.
async fn memory(cli: &Cli, own: &str) -> anyhow::Result<()> {
    let mut contenders = Contender::all(cli, own).await?;
    for contender in &mut contenders {
        for _ in 0..WARM_UP_ROUNDS {
            contender.crowd.round(IN_FLIGHT[1]).await?;
        }
    }
    tokio::time::sleep(IDLE).await;
    println!("\n| {} idle sockets | kB each |\n| --- | --- |", cli.readers);
    for contender in &mut contenders {
        let socket_kb = contender.socket_kb(cli.readers)?;
        println!("| {} | {socket_kb:.1} |", contender.name);
    }
    Ok(())
}

/// What readers wait for a message when all read, and when further ones stall, by turns; and when all read again, which says how far two
/// of the same are apart on this machine. All passes count together: what a busy machine holds up in one of them is a small part of that.
async fn stall(cli: &Cli, own: &str) -> anyhow::Result<()> {
    let mut parts =
        [("alone".to_owned(), 0, vec![]), (format!("beside {STALLED} that stall"), STALLED, vec![]), ("alone again".to_owned(), 0, vec![])];
    for _ in 0..cli.passes * STALL_TURNS {
        for (_, stalled, waited) in &mut parts {
            waited.extend(delays(cli, own, *stalled).await?);
        }
    }
    println!("\n| {} readers of zzan | p50, ms | p99, ms |\n| --- | --- | --- |", STALL_CROWD - STALLED);
    for (name, _, mut delays) in parts {
        delays.sort_unstable();
        let at = |share: usize| delays[delays.len() * share / 100].as_secs_f64() * 1e3;
        println!("| {name} | {:.2} | {:.2} |", at(50), at(99));
    }
    Ok(())
}

/// What readers wait for messages, while others stall.
async fn delays(cli: &Cli, program: &str, stalled: usize) -> anyhow::Result<Vec<Duration>> {
    const MESSAGES: u64 = 250;
    let server = Process::start(&cli.server_core, program, &["serve-zzan", &STALL_CROWD.to_string()]).await?;
    let size = Size { readers: STALL_CROWD - STALLED, senders: 1, stalled, text_bytes: STALL_TEXT_BYTES, way: Way::WebSocket };
    let mut crowd = Crowd::gather(server.address, size).await?;
    for _ in 0..MESSAGES {
        crowd.round(1).await?;
        tokio::time::sleep(STALL_PAUSE).await;
    }
    Ok(crowd.take_delays())
}
