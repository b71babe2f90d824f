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
use crowd::{Crowd, Size};
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
/// Sockets of the part with stalled readers.
const STALL_CROWD: usize = 200;
/// Of those, how many read nothing.
const STALLED: usize = 50;
/// Their messages: large, so that the stalled soon have too much waiting.
const STALL_TEXT_BYTES: usize = 3_000;
/// Between two messages of that part.
const STALL_PAUSE: Duration = Duration::from_millis(40);
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

/// What one server did.
struct Figures {
    /// CPU of a delivery with one and with eight messages in flight, in µs.
    one_us: f64,
    eight_us: f64,
    /// Memory of a socket that listens and hears nothing, in kB.
    idle_kb: Option<f64>,
    /// What readers waited for one message in flight, in ms.
    p50_ms: f64,
    frame_bytes: u64,
}

async fn compare(cli: &Cli) -> anyhow::Result<()> {
    let own = std::env::current_exe()?;
    let own = own.to_str().context("a path in UTF-8")?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/fanout_bench/node/server.js");
    let mut all = vec![("zzan", measure(cli, own, &["serve-zzan", &cli.readers.to_string()]).await?)];
    if !cli.alone {
        all.push(("socket.io", measure(cli, "node", &[script]).await?));
    }
    let frame_bytes = all[0].1.frame_bytes;
    let floor = floor::measure(&cli.server_core, own, cli.readers, cli.deliveries_k * 1_000, frame_bytes).await?;
    println!(
        "\n| {} readers of a channel | one in flight, µs CPU per delivery | its p50, ms | eight, µs | kB per idle socket |",
        cli.readers
    );
    println!("| --- | --- | --- | --- | --- |");
    for (name, Figures { one_us, eight_us, idle_kb, p50_ms, .. }) in &all {
        let idle_kb = idle_kb.map_or("-".to_owned(), |kb| format!("{kb:.1}"));
        println!("| {name} | {one_us:.2} | {p50_ms:.1} | {eight_us:.2} | {idle_kb} |");
    }
    if let [(_, ours), (_, theirs)] = &all[..] {
        println!("| factor | {:.2} | | {:.2} | |", theirs.one_us / ours.one_us, theirs.eight_us / ours.eight_us);
    }
    println!("| nothing but writes of {frame_bytes} B, or of eight times that | {:.2} | | {:.2} | |", floor.one_us, floor.eight_us);
    if !cli.no_stall {
        stall(cli, own).await?;
    }
    Ok(())
}

async fn measure(cli: &Cli, program: &str, args: &[&str]) -> anyhow::Result<Figures> {
    let mut server = Process::start(&cli.server_core, program, args).await?;
    let empty = server.usage()?.resident_bytes;
    let size = Size { readers: cli.readers, senders: cli.senders, stalled: 0, text_bytes: TEXT_BYTES };
    let mut crowd = Crowd::gather(server.address, size).await?;
    let mut costs = vec![];
    for in_flight in [1, 8] {
        let mut passes = vec![];
        for _ in 0..cli.passes {
            for _ in 0..WARM_UP_ROUNDS {
                crowd.round(in_flight).await?;
            }
            crowd.take_delays();
            let (before, mut deliveries) = (server.usage()?, 0);
            while deliveries < cli.deliveries_k * 1_000 {
                deliveries += crowd.round(in_flight).await?;
            }
            let cpu = server.usage()?.cpu - before.cpu;
            let cost_us = cpu.as_secs_f64() * 1e6 / deliveries as f64;
            let delays = crowd.take_delays();
            let p50_ms = delays[delays.len() / 2].as_secs_f64() * 1e3;
            println!("{program} in flight {in_flight}: {cost_us:.2} µs CPU per delivery, p50 {p50_ms:.1} ms");
            passes.push((cost_us, p50_ms));
        }
        passes.sort_by(|a, b| a.0.total_cmp(&b.0));
        costs.push(passes[passes.len() / 2]);
    }
    let mut idle_kb = None;
    if !cli.no_memory {
        tokio::time::sleep(IDLE).await;
        idle_kb = Some((server.usage()?.resident_bytes - empty) as f64 / cli.readers as f64 / 1_000.0);
    }
    Ok(Figures { one_us: costs[0].0, eight_us: costs[1].0, idle_kb, p50_ms: costs[0].1, frame_bytes: crowd.frame_bytes() })
}

/// What readers wait for a message when all read, and when further ones stall, by turns.
async fn stall(cli: &Cli, own: &str) -> anyhow::Result<()> {
    let (mut calm, mut stalled) = (vec![], vec![]);
    for _ in 0..cli.passes {
        calm.push(delays(cli, own, 0).await?);
        stalled.push(delays(cli, own, STALLED).await?);
    }
    println!("\n| {} readers of zzan | p50, ms | p99, ms |\n| --- | --- | --- |", STALL_CROWD - STALLED);
    for (name, mut passes) in [("alone".to_owned(), calm), (format!("beside {STALLED} that stall"), stalled)] {
        passes.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (p50, p99) = passes[passes.len() / 2];
        println!("| {name} | {p50:.2} | {p99:.2} |");
    }
    Ok(())
}

/// The p50 and the p99 of what readers wait for a message, in ms, while others stall.
async fn delays(cli: &Cli, program: &str, stalled: usize) -> anyhow::Result<(f64, f64)> {
    const MESSAGES: u64 = 250;
    let server = Process::start(&cli.server_core, program, &["serve-zzan", &STALL_CROWD.to_string()]).await?;
    let size = Size { readers: STALL_CROWD - STALLED, senders: 1, stalled, text_bytes: STALL_TEXT_BYTES };
    let mut crowd = Crowd::gather(server.address, size).await?;
    for _ in 0..MESSAGES {
        crowd.round(1).await?;
        tokio::time::sleep(STALL_PAUSE).await;
    }
    let delays = crowd.take_delays();
    let at = |share: usize| delays[delays.len() * share / 100].as_secs_f64() * 1e3;
    Ok((at(50), at(99)))
}
