//! The bars that people watch while a run goes on. Nothing is drawn where the error output is no terminal.

use crate::run::{Glance, Progress, Run};
use crate::tally::Second;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// Between two looks at the run.
const PERIOD: Duration = Duration::from_millis(250);

/// Draws until it is dropped at the end of the run.
pub async fn show(run: Run, progress: Progress) {
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
    let joining = bars.add(bar(u64::from(run.people()), "joining  {bar:30} {pos}/{len} people"));
    let lasting = bars.add(bar(run.scenario.duration.as_millis().try_into().unwrap_or(u64::MAX), "running  {bar:30} {msg}"));
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        ticks.tick().await;
        joining.set_position(u64::from(progress.settled()));
        if let Some(elapsed) = progress.lasting() {
            lasting.set_position(elapsed.as_millis().try_into().unwrap_or(u64::MAX));
        }
        lasting.set_message(now(&progress));
    }
}

fn bar(length: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden()).with_style(style.progress_chars("━╸ "))
}

fn now(progress: &Progress) -> String {
    let Glance { people, errors, second: last } = progress.glance();
    format!("{people} people, {}, {errors} errors", second(&last))
}

fn second(second: &Second) -> String {
    let megabits = second.received_bytes as f64 * 8.0 / 1e6;
    let p99 = second.latency.percentile(99.0).map_or_else(|| "–".to_owned(), |us| format!("{:.1} ms", us as f64 / 1_000.0));
    format!("{megabits:.1} Mbit/s in, {:.2} % lost, p99 {p99}", second.loss_percent().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_told_in_words() {
        let mut quiet = Second::default();
        assert_eq!(second(&quiet), "0.0 Mbit/s in, 0.00 % lost, p99 –");
        (quiet.received_bytes, quiet.expected, quiet.received) = (1_000_000, 200, 199);
        quiet.latency.record(1_500);
        assert!(second(&quiet).starts_with("8.0 Mbit/s in, 0.50 % lost, p99 1.5"), "{}", second(&quiet));
    }
}
