//! kill -9 in the middle of random operations on the embedded store: what was acknowledged is there afterwards, and nothing else but at most
//! the one operation of each walk that was under way.
//!
//! A program of its own, because it is its own victim: started with [`VICTIM`] it walks until it is killed. It knows no operation of the
//! store: those are the walks' of the conformance suite. Invariant: a victim prints a step only after the store has acknowledged it.
#![forbid(unsafe_code)]

use rooms::store::conformance::Walk;
use rooms::store::{MemoryStore, Store};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use zzan::store::sqlite::Sqlite;

const NAME: &str = "acknowledged_operations_survive_kills_and_nothing_else_appears";

/// The first argument of a victim.
const VICTIM: &str = "victim";

/// Starts and kills where the environment sets no other number.
const ROUNDS: u32 = 12;

/// The environment variable that sets the number of rounds.
const ROUNDS_ENV: &str = "ZZAN_KILL_ROUNDS";

/// Walks at the same time, so that a kill meets commits of several operations.
const WALKS: u32 = 6;

/// More steps than a victim lives for.
const STEPS: usize = 100_000;

/// Steps that each walk goes on for after the kill, on the reopened store.
const STEPS_AFTER: usize = 40;

/// Longest life of a victim, counted from its first step.
const LIFE_US: u64 = 300_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    if let [mode, database, seed, first] = &args[..]
        && mode == VICTIM
    {
        return runtime.block_on(walk_until_killed(database, seed.parse().expect("a seed"), first.parse().expect("a number")));
    }
    let mut filters = args.iter().filter(|arg| !arg.starts_with('-')).peekable();
    if filters.peek().is_some() && !filters.any(|filter| NAME.contains(filter.as_str())) {
        return;
    }
    runtime.block_on(kill_and_check());
    println!("test {NAME} ... ok");
}

async fn walk_until_killed(database: &str, seed: u64, first: u32) {
    let store = std::sync::Arc::new(Sqlite::open(Path::new(database)).expect("it opens"));
    let mut walks = tokio::task::JoinSet::new();
    for number in first..first + WALKS {
        let store = store.clone();
        walks.spawn(async move {
            let mut walk = Walk::new(number, seed, STEPS);
            while walk.steps() < STEPS {
                walk.step(&*store).await;
                writeln!(std::io::stdout(), "{number} {}", walk.steps()).expect("somebody listens");
            }
        });
    }
    while let Some(walked) = walks.join_next().await {
        walked.expect("the store answers as the oracle does");
    }
}

async fn kill_and_check() {
    let rounds = std::env::var(ROUNDS_ENV).ok().map_or(ROUNDS, |rounds| rounds.parse().expect("ZZAN_KILL_ROUNDS is a whole number"));
    let seed = std::process::id().into();
    println!("{NAME}: {rounds} rounds, seed {seed}");
    let dir = tempfile::tempdir().expect("a directory");
    let database = dir.path().join("zzan.db");
    let (mut acked, mut under_way, mut past, started) = (0, 0, vec![], Instant::now());
    for round in 0..rounds {
        let steps = live_and_die(&database, seed, round);
        let store = Sqlite::open(&database).expect("it opens after a kill");
        for (number, steps) in (round * WALKS..).zip(steps) {
            let mut walk = Walk::new(number, seed, STEPS);
            under_way += usize::from(replay(&mut walk, steps, &store, &database).await == Last::Happened);
            acked += steps;
            for _ in 0..STEPS_AFTER {
                walk.step(&store).await;
            }
            past.push(walk);
        }
        store.close();
    }
    let store = Sqlite::open(&database).expect("it opens");
    for walk in &past {
        assert!(walk.is_kept_by(&store).await && links_are_kept(walk, &database), "a later kill changed what an earlier walk had left");
    }
    store.close();
    let db = rusqlite::Connection::open(&database).expect("it opens");
    assert_eq!(db.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).expect("it is checked"), "ok");
    assert!(acked >= rounds as usize * WALKS as usize, "only {acked} operations were acknowledged");
    println!(
        "{acked} operations acknowledged over {rounds} kills, {under_way} more had happened, {:.1} s",
        started.elapsed().as_secs_f64()
    );
}

/// Runs a victim and kills it at a random moment. Returns how many steps of each walk it had acknowledged.
fn live_and_die(database: &Path, seed: u64, round: u32) -> Vec<usize> {
    let first = round * WALKS;
    let exe = std::env::current_exe().expect("it has a name");
    let mut victim = Command::new(exe)
        .arg(VICTIM)
        .arg(database)
        .args([seed.to_string(), first.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(victim.stdout.take().expect("it is piped")).lines();
    let mut steps = vec![0; WALKS as usize];
    let mut note = |line: String| {
        let (number, step) = line.split_once(' ').expect("two numbers");
        steps[(number.parse::<u32>().expect("a walk") - first) as usize] = step.parse().expect("a step");
    };
    note(lines.next().expect("it lives for a step").expect("a line"));
    let life = Duration::from_micros(rand_below(seed ^ u64::from(round), LIFE_US));
    let killer = std::thread::spawn(move || {
        std::thread::sleep(life);
        victim.kill().expect("it is killed");
        victim.wait().expect("it has ended")
    });
    lines.for_each(|line| note(line.expect("a line")));
    let status = killer.join().expect("it ran");
    assert!(!status.success() && status.code().is_none(), "round {round}: it ended by itself: {status}");
    steps
}

/// Whether the operation that was under way when its process was killed has happened.
#[derive(PartialEq, Eq)]
enum Last {
    Happened,
    /// Or it changed nothing.
    Left,
}

/// Leads the walk to where the store is, which must be after the acknowledged steps or one further.
async fn replay(walk: &mut Walk, steps: usize, store: &dyn Store, database: &Path) -> Last {
    let memory = MemoryStore::new();
    for _ in 0..steps {
        walk.step(&memory).await;
    }
    if walk.is_kept_by(store).await && links_are_kept(walk, database) {
        return Last::Left;
    }
    walk.step(&memory).await;
    assert!(
        walk.is_kept_by(store).await && links_are_kept(walk, database),
        "the store holds neither what {steps} acknowledged steps left nor what one more did: {walk:?}"
    );
    Last::Happened
}

/// Whether the links are as the steps have left them, and no more of them. Looked at below the store, which can't show a link without
/// using it.
fn links_are_kept(walk: &Walk, database: &Path) -> bool {
    let db = rusqlite::Connection::open(database).expect("it opens");
    let mut query = db.prepare("SELECT secret_hash, uses FROM links WHERE substr(secret_hash, 1, 4) = ?1 ORDER BY 1").expect("a query");
    let kept = query.query_map([walk.number().to_be_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).expect("an answer");
    let kept: Vec<([u8; 32], u32)> = kept.collect::<Result<_, _>>().expect("rows");
    // Made in the order of their secrets.
    walk.links().iter().map(|link| (link.secret_hash, link.uses)).eq(kept)
}

/// splitmix64: one number of each seed.
fn rand_below(seed: u64, limit: u64) -> u64 {
    let mixed = (seed.wrapping_add(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 16) % limit
}
