//! Calls in flight: as many tasks as calls, each of which makes the next call when the last was answered.

use loadtest::histogram::Histogram;
use loadtest::meter::Meter;
use std::future::Future;
use std::time::{Duration, Instant};

/// The heading of [`row`]s. CPU is that of this process, load and all; what it has written may be zero where the system doesn't tell.
pub const HEADING: &str =
    "| store | in flight | acked/s | p50 ms | p99 ms | CPU µs each | KB written each |\n| --- | --- | --- | --- | --- | --- | --- |";

/// Calls before the clock starts, of each task.
const WARM_UP: u64 = 20;

/// Answered calls, with their times in µs.
pub struct Load {
    pub times_us: Histogram,
    pub took: Duration,
    /// Of one call, the warm-up included.
    pub cpu_us_each: f64,
    pub written_bytes_each: f64,
}

/// Keeps `in_flight` calls going for as long as `window`. `call` is given the number of its task and of its call there.
///
/// # Errors
/// The first that a call returns.
pub async fn keep<F>(in_flight: usize, window: Duration, call: impl Fn(usize, u64) -> F + Clone + Send + 'static) -> anyhow::Result<Load>
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let (meter, written) = (Meter::start(), written_bytes());
    let mut tasks = tokio::task::JoinSet::new();
    let start = std::sync::Arc::new(tokio::sync::Barrier::new(in_flight));
    for task in 0..in_flight {
        let (call, start) = (call.clone(), start.clone());
        tasks.spawn(async move {
            for n in 0..WARM_UP {
                call(task, n).await?;
            }
            start.wait().await;
            let (mut times_us, started) = (Histogram::default(), Instant::now());
            for n in WARM_UP.. {
                let asked = Instant::now();
                if asked - started >= window {
                    break;
                }
                call(task, n).await?;
                times_us.record(asked.elapsed().as_micros() as u64);
            }
            anyhow::Ok((times_us, started.elapsed()))
        });
    }
    let (mut times_us, mut took) = (Histogram::default(), Duration::ZERO);
    while let Some(done) = tasks.join_next().await {
        let (of_task, task_took) = done??;
        times_us.merge(&of_task);
        took = took.max(task_took);
    }
    let calls = (times_us.len() + WARM_UP * in_flight as u64) as f64;
    let cpu_us_each = meter.cpu().unwrap_or_default().as_secs_f64() * 1e6 / calls;
    Ok(Load { times_us, took, cpu_us_each, written_bytes_each: (written_bytes() - written) as f64 / calls })
}

/// A line of the table.
pub fn row(store: &str, in_flight: usize, load: &Load) -> String {
    let per_second = load.times_us.len() as f64 / load.took.as_secs_f64();
    let (cpu_us, written_kb) = (load.cpu_us_each, load.written_bytes_each / 1_000.0);
    let (p50, p99) = (millis(&load.times_us, 50.0), millis(&load.times_us, 99.0));
    format!("| {store} | {in_flight} | {per_second:.0} | {p50} | {p99} | {cpu_us:.0} | {written_kb:.1} |")
}

/// Bytes that this process has written, into files and sockets.
fn written_bytes() -> u64 {
    let written = |io: String| io.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse().ok());
    std::fs::read_to_string("/proc/self/io").ok().and_then(written).unwrap_or_default()
}

/// A percentile of the times, in ms.
pub fn millis(times_us: &Histogram, percent: f64) -> String {
    times_us.percentile(percent).map_or_else(|| "–".into(), |us| format!("{:.2}", us as f64 / 1_000.0))
}
