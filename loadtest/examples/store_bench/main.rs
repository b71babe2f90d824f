//! What a store can carry on this machine: durable messages a second, unread counts of many channels, and what one message writes.
//!
//! [`load`] keeps a number of calls in flight and times them, [`appends`] and [`hub`] send messages by the store alone and by the way that
//! sessions take, [`items`] is a local DynamoDB server's own limit, [`unread`] asks for counts over a large history, [`writes`] looks at the
//! disk and at what DynamoDB bills. [`backend`] opens the stores: another store is another function there. Invariant: what is counted was
//! acknowledged, and so is durable as far as the store's own words go: the local DynamoDB server keeps all in memory.
//!
//! `make bench-store`
#![forbid(unsafe_code)]

mod appends;
mod backend;
mod hub;
mod items;
mod load;
#[path = "../../../tests/dynamodb/support/server.rs"]
#[allow(dead_code)] // The tests stop it as well.
mod server;
mod unread;
mod writes;

use anyhow::Context as _;
use backend::Mode;
use clap::Parser;
use server::Server;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zzan::telemetry::Metrics;

/// Calls in flight.
const IN_FLIGHT: [usize; 2] = [64, 256];

/// Measures a store on this machine.
#[derive(Debug, Parser)]
struct Options {
    /// Seconds of each measurement of messages a second.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Messages that are stored when unread counts are asked for.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    messages: u64,
    /// Queries of each kind for unread counts.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    queries: u64,
    /// Less of everything, for a look within a minute: 2 seconds, 50,000 messages, 200 queries.
    #[arg(long, conflicts_with_all = ["seconds", "messages", "queries"])]
    quick: bool,
    /// Where the databases are made, and removed at the end [default: a folder for temporary files].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// These parts only, by their names in the headings: disk, appends, dynamodb, hub, writes, unread.
    #[arg(long, value_delimiter = ',', value_name = "PARTS")]
    only: Vec<String>,
}

impl Options {
    fn has(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    fn window(&self) -> Duration {
        Duration::from_secs(if self.quick { 2 } else { self.seconds })
    }

    /// Messages and queries for unread counts.
    fn unread(&self) -> (u64, u64) {
        if self.quick { (50_000, 200) } else { (self.messages, self.queries) }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let dir = match &options.dir {
        Some(dir) => tempfile::tempdir_in(dir),
        None => tempfile::tempdir(),
    };
    let dir = dir.context("no folder for the databases")?;
    let dir = dir.path();
    let metrics = Metrics::start()?;
    if options.has("disk") {
        println!("## disk\n\n{}\n", writes::disk(dir)?);
    }
    if options.has("appends") {
        println!("## appends\n\n{}", load::HEADING);
        for in_flight in IN_FLIGHT {
            let store = backend::sqlite(&dir.join(format!("appends-{in_flight}"))).await?;
            println!("{}", load::row(store.name, in_flight, &appends::measure(&store, in_flight, options.window()).await?));
        }
    }
    if options.has("dynamodb") {
        dynamodb(dir, options.window()).await?;
    }
    if options.has("hub") {
        println!("\n## hub\n\n{}", load::HEADING);
        for (rooms, in_flight) in [(1, 64), (4, 256), (64, 256)] {
            let store = backend::sqlite(&dir.join(format!("hub-{rooms}-{in_flight}"))).await?;
            let name = format!("{}, {rooms} rooms", store.name);
            println!("{}", load::row(&name, in_flight, &hub::measure(&store, rooms, in_flight, options.window()).await?));
        }
    }
    if options.has("writes") {
        what_is_written(dir, &metrics).await?;
    }
    if options.has("unread") {
        println!("\n## unread\n\n{}", unread::HEADING);
        let store = backend::sqlite(&dir.join("unread")).await?;
        let (messages, queries) = options.unread();
        for row in unread::measure(&store, messages, queries).await? {
            println!("{row}");
        }
    }
    Ok(())
}

/// The local server alone, and the store on it.
async fn dynamodb(dir: &Path, window: Duration) -> anyhow::Result<()> {
    println!("\n## dynamodb\n\nA local server in memory on this machine, not AWS.\n\n{}", load::HEADING);
    for in_flight in IN_FLIGHT {
        let server = Server::start().await;
        println!("{}", load::row("PutItem alone", in_flight, &items::measure(&server, in_flight, window).await?));
        for mode in [Mode::Plain, Mode::Strict] {
            let server = Server::start().await;
            let store = backend::dynamodb(&server, mode, dir).await?;
            println!("{}", load::row(store.name, in_flight, &appends::measure(&store, in_flight, window).await?));
        }
    }
    Ok(())
}

async fn what_is_written(dir: &Path, metrics: &Metrics) -> anyhow::Result<()> {
    println!("\n## writes\n\n{}", writes::HEADING);
    for members in [10, 10_000] {
        let store = backend::sqlite(&dir.join(format!("writes-{members}"))).await?;
        println!("{}", writes::measure(&store, members).await?);
    }
    println!("\n{}", writes::UNITS_HEADING);
    for mode in [Mode::Plain, Mode::Strict] {
        let server = Server::start().await;
        let store = backend::dynamodb(&server, mode, dir).await?;
        println!("{}", writes::units(&store, metrics).await?);
    }
    Ok(())
}
