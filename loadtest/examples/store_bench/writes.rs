//! What one message writes, with few and with many members in its channel; and what the disk can do at best.

use crate::appends::message;
use crate::backend::Backend;
use anyhow::Context as _;
use rooms::UserId;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;
use zzan::telemetry::Metrics;

/// The heading of [`measure`]'s line.
pub const HEADING: &str =
    "| store | members | rows made per message | log pages per message | log bytes per message |\n| --- | --- | --- | --- | --- |";

/// Few enough that the log is never rewound while they are counted, sent one by one so that none shares a commit.
const MESSAGES: u64 = 64;

/// A frame of SQLite's log: a page and its header.
const FRAME_BYTES: u64 = 4096 + 24;

/// Synced writes of [`disk`].
const SYNCS: u32 = 300;

/// Sends into a channel that `members` members have read.
pub async fn measure(backend: &Backend, members: u64) -> anyhow::Result<String> {
    let database = backend.database.as_deref().context("only the embedded store shows what it writes")?;
    backend.store.append(message("channel", 0, 0, vec![])).await?;
    for member in 0..members {
        backend.store.mark_read(&UserId::new(format!("user-{member:08}")), &rooms::ChannelId::new("channel"), 1).await?;
    }
    let db = rusqlite::Connection::open(database)?;
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let (rows, bytes) = (rows(&db)?, log_bytes(database)?);
    for n in 0..MESSAGES {
        backend.store.append(message("channel", n % members, n, vec![])).await?;
    }
    let (rows, bytes) = (self::rows(&db)? - rows, log_bytes(database)? - bytes);
    let per_message = |count: u64| count as f64 / MESSAGES as f64;
    let (rows, pages, bytes) = (per_message(rows.into()), per_message(bytes / FRAME_BYTES), per_message(bytes));
    Ok(format!("| {} | {members} | {rows:.2} | {pages:.2} | {bytes:.0} |", backend.name))
}

/// The time of a write of one page that is synced, as each commit needs at least one.
pub fn disk(dir: &Path) -> anyhow::Result<String> {
    let mut file = std::fs::File::create(dir.join("disk"))?;
    let mut times_us = loadtest::histogram::Histogram::default();
    for _ in 0..SYNCS {
        let started = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times_us.record(started.elapsed().as_micros() as u64);
    }
    let percentile = |percent| times_us.percentile(percent).unwrap_or_default();
    Ok(format!("a synced write of one page takes {} µs (p99 {} µs)", percentile(50.0), percentile(99.0)))
}

/// The heading of [`units`]' lines.
pub const UNITS_HEADING: &str = "| store | write units per message | read units per message |\n| --- | --- | --- |";

/// What DynamoDB bills for one message, as it reports it.
pub async fn units(backend: &Backend, metrics: &Metrics) -> anyhow::Result<String> {
    // The channel's first message costs more than the others.
    backend.store.append(message("channel", 0, 0, vec![])).await?;
    let before = ["write", "read"].map(|kind| consumed(metrics, kind));
    for n in 1..=MESSAGES {
        backend.store.append(message("channel", n % 4, n, vec![])).await?;
    }
    let after = ["write", "read"].map(|kind| consumed(metrics, kind));
    let each = |kind: usize| (after[kind] - before[kind]) as f64 / MESSAGES as f64;
    Ok(format!("| {} | {:.2} | {:.2} |", backend.name, each(0), each(1)))
}

/// Units that appends have consumed in this process.
fn consumed(metrics: &Metrics, kind: &str) -> u64 {
    let labels = ["zzan_dynamodb_consumed_units_total".to_owned(), "operation=\"append\"".to_owned(), format!("kind=\"{kind}\"")];
    let text = metrics.render();
    let lines = text.lines().filter(|line| labels.iter().all(|label| line.contains(label.as_str())));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// In all tables together.
fn rows(db: &rusqlite::Connection) -> anyhow::Result<u32> {
    let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let names = tables.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let mut rows = 0;
    for name in names {
        rows += db.query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get::<_, u32>(0))?;
    }
    Ok(rows)
}

fn log_bytes(database: &Path) -> anyhow::Result<u64> {
    Ok(std::fs::metadata(database.with_extension("db-wal"))?.len())
}
