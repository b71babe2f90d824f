//! `zzan-loadtest`: reads the command line, runs one scenario, prints its report.

use clap::Parser;
use loadtest::rest::Backend;
use loadtest::scenario::Scenario;
use loadtest::target::{Dialer, Target};
use loadtest::user::Rates;
use std::process::ExitCode;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Longest run: a forgotten load test ends by itself.
const DURATION_MAX: Duration = Duration::from_secs(3_600);

/// Sends headless users into rooms of a zzan node: each sends synthetic Opus and VP8, receives everybody else, and counts.
///
/// Makes the rooms and the room tokens over REST, joins like a browser does (socket.io and WebRTC), and prints joins, times, packets,
/// loss and errors. Exits with 0 when everybody joined and received everybody else in the room, video with a key frame, with 1 when not, with 2 when the run
/// could not begin.
///
/// Against a node in dev mode the defaults fit: zzan-loadtest --rooms 2 --people 4 --duration 20s
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The deployment's address: http or https, host and port.
    #[arg(long, default_value = "http://127.0.0.1:8080", env = "ZZAN_LOADTEST_URL")]
    url: Target,
    /// A PEM file with certificate authorities to trust for https, instead of this machine's.
    #[arg(long, value_name = "FILE")]
    ca: Option<std::path::PathBuf>,
    /// Id of an API key of the node.
    #[arg(long, default_value = "devkey", env = "ZZAN_LOADTEST_KEY")]
    key: String,
    /// Secret of that key. The environment keeps it out of process lists.
    #[arg(long, default_value = "devsecret-devsecret-devsecret-32ch", env = "ZZAN_LOADTEST_SECRET", hide_env_values = true)]
    secret: String,
    /// Rooms to fill.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rooms: u32,
    /// People in each room.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(2..=4))]
    people: u8,
    /// How long to send once all have joined: a number with ms, s or m, at most 60m. Ctrl-C ends sooner and still reports.
    #[arg(long, default_value = "20s", value_parser = duration)]
    duration: Duration,
    /// Opus packets of 100 bytes a second, for each user.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    audio_pps: u32,
    /// VP8 packets of 1,100 bytes a second, for each user, in 30 frames.
    #[arg(long, default_value_t = 170, value_parser = clap::value_parser!(u32).range(30..=5_000))]
    video_pps: u32,
    /// Send and expect audio only.
    #[arg(long)]
    no_video: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    tokio::runtime::Runtime::new()?.block_on(run(arguments))
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let dialer = Dialer::new(arguments.url, arguments.ca.as_deref())?;
    let scenario = Scenario {
        backend: Backend::new(dialer.clone(), arguments.key, arguments.secret),
        dialer,
        rooms: arguments.rooms,
        people: arguments.people,
        duration: arguments.duration,
        rates: Rates { audio_pps: arguments.audio_pps, video_pps: (!arguments.no_video).then_some(arguments.video_pps) },
    };
    let stop = CancellationToken::new();
    let interrupted = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupted.cancel();
        }
    });
    match scenario.run(stop).await {
        Ok(report) => {
            print!("{report}");
            Ok(if report.complaints().is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        Err(error) => {
            eprintln!("zzan-loadtest: {error}");
            Ok(ExitCode::from(2))
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| "expected a number with ms, s or m, such as 20s".to_owned())?;
    let millis = match unit {
        "ms" => Some(number),
        "s" | "" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        _ => return Err(format!("unknown unit {unit:?}: use ms, s or m")),
    };
    let duration = millis.map(Duration::from_millis).filter(|duration| (Duration::from_millis(1)..=DURATION_MAX).contains(duration));
    duration.ok_or_else(|| format!("allowed are 1ms to {}m", DURATION_MAX.as_secs() / 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn durations_have_units_and_a_limit() {
        assert_eq!(duration("20s"), Ok(Duration::from_secs(20)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("60m"), Ok(DURATION_MAX));
        for text in ["", "s", "0s", "-1s", "61m", "5h", "99999999999999999999s", "18446744073709551615m"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
