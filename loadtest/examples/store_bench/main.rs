//! What a store can carry on this machine: durable messages a second, unread counts of many channels, and what one message writes.
//!
//! [`load`] keeps a number of calls in flight and times them, [`appends`] and [`hub`] send messages by the store alone and by the way that
//! sessions take, [`unread`] asks for counts over a large history, [`writes`] looks at the disk. [`backend`] opens the stores: another store is
//! another function there. Invariant: what is counted was acknowledged, and so is durable.
//!
//! `make bench-store`
#![forbid(unsafe_code)]

mod appends;
mod backend;
mod hub;
mod load;
mod unread;
mod writes;

use anyhow::Context as _;
use clap::Parser;
use std::path::PathBuf;
use std::time::Duration;

/// Measures a store on this machine.
#[derive(Debug, Parser)]
struct Options {
    /// Seconds of each measurement of messages a second.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Messages that are stored when unread counts are asked for.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    messages: u64,
    /// Where the databases are made, and removed at the end [default: a folder for temporary files].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// These parts only, by their names in the headings: disk, appends, hub, writes, unread.
    #[arg(long, value_delimiter = ',', value_name = "PARTS")]
    only: Vec<String>,
}

impl Options {
    fn has(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
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
    let window = Duration::from_secs(options.seconds);
    if options.has("disk") {
        println!("## disk\n\n{}\n", writes::disk(dir.path())?);
    }
    if options.has("appends") {
        println!("## appends\n\n{}", load::HEADING);
        for in_flight in [64, 256] {
            let store = backend::sqlite(&dir.path().join(format!("appends-{in_flight}")))?;
            println!("{}", load::row(store.name, in_flight, &appends::measure(&store, in_flight, window).await?));
        }
    }
    if options.has("hub") {
        println!("\n## hub\n\n{}", load::HEADING);
        for (rooms, in_flight) in [(1, 64), (4, 256), (64, 256)] {
            let store = backend::sqlite(&dir.path().join(format!("hub-{rooms}-{in_flight}")))?;
            let name = format!("{}, {rooms} rooms", store.name);
            println!("{}", load::row(&name, in_flight, &hub::measure(&store, rooms, in_flight, window).await?));
        }
    }
    if options.has("writes") {
        println!("\n## writes\n\n{}", writes::HEADING);
        for members in [10, 10_000] {
            let store = backend::sqlite(&dir.path().join(format!("writes-{members}")))?;
            println!("{}", writes::measure(&store, members).await?);
        }
    }
    if options.has("unread") {
        println!("\n## unread\n\n{}", unread::HEADING);
        let store = backend::sqlite(&dir.path().join("unread"))?;
        for row in unread::measure(&store, options.messages).await? {
            println!("{row}");
        }
    }
    Ok(())
}
