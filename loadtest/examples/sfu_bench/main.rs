//! SFUs side by side on one machine: the least that forwarding can cost, zzan, Janus, and an SFU on the `webrtc` crate, under the same load.
//!
//! The SFU has one core, the load the other. Each client makes a real ICE and DTLS handshake ([`client`]); then its media is raw SRTP, sent and
//! counted by one thread ([`load`]). An SFU is a process ([`process`]) in a network namespace ([`network`]) that one joins ([`sfu`]) as its
//! own clients do ([`zzan`], [`janus`], [`webrtc_crate`], [`floor`]). [`measure`] is one SFU under load, [`parts`] the runs, [`report`] the tables.
//!
//! `make bench-media`
#![allow(clippy::unwrap_used)] // In tests.

mod client;
mod floor;
mod floor_server;
mod inbound;
mod janus;
mod load;
mod measure;
mod network;
mod parts;
mod process;
mod report;
mod rtcp;
mod sdp;
mod sfu;
mod source;
mod srtp;
mod stun;
mod webrtc_crate;
mod webrtc_server;
mod zzan;

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// Compares SFUs under the same load on this machine.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Serve>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Serve {
    /// The floor's process.
    #[command(hide = true)]
    ServeFloor { ip: IpAddr },
    /// The process of the SFU on the webrtc crate.
    #[command(hide = true)]
    ServeWebrtc { ip: IpAddr },
}

#[derive(Debug, clap::Args)]
pub struct Options {
    /// One pass, short windows, less steps: two minutes.
    #[arg(long)]
    quick: bool,
    /// Only these parts.
    #[arg(long, value_delimiter = ',')]
    part: Vec<Part>,
    /// Only these SFUs.
    #[arg(long, value_delimiter = ',')]
    sfu: Vec<Which>,
    /// zzan's release binary.
    #[arg(long, default_value = "target/release/zzan")]
    zzan: PathBuf,
    /// The core of the SFU.
    #[arg(long, default_value = "0")]
    sfu_core: String,
    /// The core of the load.
    #[arg(long, default_value = "1")]
    load_core: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Cost per packet and per join, and memory, at the same load for all.
    Cost,
    /// Rooms added until packets are lost.
    Capacity,
    /// Forwarding latency at half of the capacity, without and with people joining.
    Latency,
    /// Rooms of two, and a voice channel of 25.
    Shapes,
    /// What is left when all have gone.
    Memory,
    /// Two workers beside one.
    Workers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    Floor,
    Zzan,
    Janus,
    Webrtc,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.command {
        Some(Serve::ServeFloor { ip }) => floor_server::serve(ip),
        Some(Serve::ServeWebrtc { ip }) => {
            tracing_subscriber::fmt().with_env_filter(EnvFilter::from_default_env()).with_writer(std::io::stderr).init();
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            runtime.block_on(webrtc_server::serve(ip))
        }
        None => {
            process::pin_self(&cli.options.load_core)?;
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            runtime.block_on(bench(cli.options))
        }
    }
}

async fn bench(mut options: Options) -> anyhow::Result<()> {
    let shown = options.zzan.display().to_string();
    options.zzan = options.zzan.canonicalize().with_context(|| format!("{shown}: build it with `make build`"))?;
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    // Either way what was started ends with its owner, and the namespace goes.
    tokio::select! {
        done = parts::run(&options) => done,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        _ = terminated.recv() => anyhow::bail!("terminated"),
    }
}
