//! Calls in flight: as many tasks as calls, each of which makes the next call when the last was answered.

use loadtest::histogram::Histogram;
use std::future::Future;
use std::time::{Duration, Instant};

/// The heading of [`row`]s.
pub const HEADING: &str = "| store | in flight | acked/s | p50 ms | p99 ms |\n| --- | --- | --- | --- | --- |";

/// Calls before the clock starts, of each task.
const WARM_UP: u64 = 20;

/// Answered calls, with their times in µs.
pub struct Load {
    pub times_us: Histogram,
    pub took: Duration,
}

/// Keeps `in_flight` calls going for as long as `window`. `call` is given the number of its task and of its call there.
///
/// # Errors
/// The first that a call returns.
pub async fn keep<F>(in_flight: usize, window: Duration, call: impl Fn(usize, u64) -> F + Clone + Send + 'static) -> anyhow::Result<Load>
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
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
    let mut load = Load { times_us: Histogram::default(), took: Duration::ZERO };
    while let Some(done) = tasks.join_next().await {
        let (times_us, took) = done??;
        load.times_us.merge(&times_us);
        load.took = load.took.max(took);
    }
    Ok(load)
}

/// A line of the table.
pub fn row(store: &str, in_flight: usize, load: &Load) -> String {
    let per_second = load.times_us.len() as f64 / load.took.as_secs_f64();
    format!("| {store} | {in_flight} | {per_second:.0} | {} | {} |", millis(load, 50.0), millis(load, 99.0))
}

/// A percentile of the times, in ms.
pub fn millis(load: &Load, percent: f64) -> String {
    load.times_us.percentile(percent).map_or_else(|| "–".into(), |us| format!("{:.2}", us as f64 / 1_000.0))
}
