//! What it costs to tell many: zzan's signaling beside the official socket.io server, each on one core, with the readers on another.
//!
//! A thousand WebSocket readers sit in twenty voice rooms of fifty, the largest audience that one room has. One in each room sends to the
//! room's chat, with one message in flight and with eight; the server stores, answers and tells. [`process`] is a server and what it used,
//! [`crowd`] the readers, [`zzan`] the side that is ours, `node/` the other. CPU time is the server's alone.
//!
//! `make bench-fanout`

mod crowd;
mod process;
mod zzan;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use crowd::Crowd;
use process::Process;
use rooms::session::Grants;
use rooms::{User, UserId};
use signaling::token::Subject;
use std::time::{Duration, SystemTime};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Text of a message, beside the time of its sending.
const TEXT_BYTES: usize = 80;
/// Rounds before what is measured.
const WARM_UP_ROUNDS: u64 = 20;
/// Readers of the part with stalled ones.
const STALL_CROWD: usize = 200;
/// Of those, how many read nothing.
const STALLED: usize = 50;
/// Their messages: large, so that the stalled soon have too much waiting.
const STALL_TEXT_BYTES: usize = 3_000;
/// Between two messages of a room in that part.
const STALL_PAUSE: Duration = Duration::from_millis(40);

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
    /// Only zzan.
    #[arg(long)]
    alone: bool,
}

#[derive(Debug, Subcommand)]
enum Serve {
    /// zzan's process.
    #[command(hide = true)]
    ServeZzan,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.command {
        Some(Serve::ServeZzan) => tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(zzan::serve()),
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

/// What one server did.
struct Figures {
    /// CPU of a delivery with one and with eight messages in flight, in µs.
    one_us: f64,
    eight_us: f64,
    /// Memory of a socket that has joined, in kB.
    socket_kb: f64,
}

async fn compare(cli: &Cli) -> anyhow::Result<()> {
    let own = std::env::current_exe()?;
    let own = own.to_str().context("a path in UTF-8")?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/fanout_bench/node/server.js");
    let mut all = vec![("zzan", measure(cli, own, &["serve-zzan"]).await?)];
    if !cli.alone {
        all.push(("socket.io", measure(cli, "node", &[script]).await?));
    }
    println!("\n| {} readers | one in flight, µs CPU per delivery | eight | kB per socket |\n| --- | --- | --- | --- |", cli.readers);
    for (name, figures) in &all {
        println!("| {name} | {:.2} | {:.2} | {:.1} |", figures.one_us, figures.eight_us, figures.socket_kb);
    }
    if let [(_, ours), (_, theirs)] = &all[..] {
        println!("| factor | {:.2} | {:.2} | |", theirs.one_us / ours.one_us, theirs.eight_us / ours.eight_us);
    }
    let (calm, stalled) = (delays(cli, own, 0).await?, delays(cli, own, STALLED).await?);
    println!("\n| {STALL_CROWD} readers of zzan | p50, ms | p99, ms |\n| --- | --- | --- |");
    println!(
        "| all read | {:.2} | {:.2} |\n| {STALLED} of them stalled: the others | {:.2} | {:.2} |",
        calm.0, calm.1, stalled.0, stalled.1
    );
    Ok(())
}

async fn measure(cli: &Cli, program: &str, args: &[&str]) -> anyhow::Result<Figures> {
    let mut server = Process::start(&cli.server_core, program, args).await?;
    let empty = server.usage()?.resident_bytes;
    let mut crowd = Crowd::gather(server.address, cli.readers, 0, TEXT_BYTES).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let socket_kb = (server.usage()?.resident_bytes - empty) as f64 / cli.readers as f64 / 1_000.0;
    let mut costs = vec![];
    for in_flight in [1, 8] {
        let mut passes = vec![];
        for _ in 0..cli.passes {
            for _ in 0..WARM_UP_ROUNDS {
                crowd.round(in_flight).await?;
            }
            let (before, mut deliveries) = (server.usage()?, 0);
            while deliveries < cli.deliveries_k * 1_000 {
                deliveries += crowd.round(in_flight).await?;
            }
            let cpu = server.usage()?.cpu - before.cpu;
            passes.push(cpu.as_secs_f64() * 1e6 / deliveries as f64);
            println!("{program} in flight {in_flight}: {:.2} µs CPU per delivery", passes[passes.len() - 1]);
            crowd.take_delays();
        }
        passes.sort_by(f64::total_cmp);
        costs.push(passes[passes.len() / 2]);
    }
    Ok(Figures { one_us: costs[0], eight_us: costs[1], socket_kb })
}

/// The p50 and the p99 of what readers wait for a message, in ms, while others stall.
async fn delays(cli: &Cli, program: &str, stalled: usize) -> anyhow::Result<(f64, f64)> {
    const MESSAGES: u64 = 250;
    let server = Process::start(&cli.server_core, program, &["serve-zzan"]).await?;
    let mut crowd = Crowd::gather(server.address, STALL_CROWD, stalled, STALL_TEXT_BYTES).await?;
    for _ in 0..MESSAGES {
        crowd.round(1).await?;
        tokio::time::sleep(STALL_PAUSE).await;
    }
    let delays = crowd.take_delays();
    let at = |share: usize| delays[delays.len() * share / 100].as_secs_f64() * 1e3;
    Ok((at(50), at(99)))
}
