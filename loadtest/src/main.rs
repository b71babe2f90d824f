//! `zzan-loadtest`: reads the command line, runs or merges, prints the summary, writes the files, and ends with a code for scripts.

use clap::{CommandFactory as _, Parser as _};
use loadtest::cli::{Cli, Command, MergeArguments, Output, RunArguments};
use loadtest::html;
use loadtest::meter::Meter;
use loadtest::outcome::Outcome;
use loadtest::progress;
use loadtest::report::Report;
use loadtest::rest::Backend;
use loadtest::run::{Progress, Run, RunError};
use loadtest::scenario::Scenario;
use loadtest::target::Dialer;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// A threshold is missed.
const MISSED: u8 = 1;
/// A flag, a file or a value is wrong; clap uses the same.
const USAGE: u8 = 2;
/// The target can't be reached, refuses the key, or makes no room.
const UNREACHABLE: u8 = 3;
/// As shells have it for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let ended = match cli.command {
        Some(Command::Merge(arguments)) => merge(&arguments),
        None => run(&cli.run),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("zzan-loadtest: {error}");
        let unreachable = error.downcast_ref::<RunError>().is_some();
        ExitCode::from(if unreachable { UNREACHABLE } else { USAGE })
    })
}

fn merge(arguments: &MergeArguments) -> anyhow::Result<ExitCode> {
    let read = |path: &std::path::PathBuf| {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
        let outcome = Outcome::from_json(&name, &text)?;
        Ok((name, outcome))
    };
    let parts: Vec<_> = arguments.results.iter().map(read).collect::<anyhow::Result<_>>()?;
    let mut outcome = Outcome::merged(parts)?;
    let mut scenario = outcome.scenario()?;
    arguments.output.set_thresholds(&mut scenario)?;
    outcome.scenario = scenario.entries().into_iter().collect();
    finish(&outcome, &arguments.output)
}

fn run(arguments: &RunArguments) -> anyhow::Result<ExitCode> {
    let scenario = arguments.scenario.scenario(&arguments.output)?;
    if arguments.scenario.print_scenario {
        print!("{}", scenario.to_toml());
        return Ok(ExitCode::SUCCESS);
    }
    let run = plan(arguments, scenario)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let progress = Progress::default();
        let stop = CancellationToken::new();
        tokio::spawn(interrupts(stop.clone()));
        let watching = std::io::stderr().is_terminal() && !arguments.quiet;
        let shown = watching.then(|| tokio::spawn(progress::show(run.clone(), progress.clone())));
        let outcome = run.execute(&progress, stop).await;
        if let Some(shown) = shown {
            shown.abort();
            let _ = shown.await;
        }
        outcome
    })?;
    finish(&outcome, &arguments.output)
}

fn plan(arguments: &RunArguments, scenario: Scenario) -> anyhow::Result<Run> {
    let (target, sharing) = (&arguments.target, &arguments.sharing);
    if sharing.shard.of > 1 && sharing.run.is_none() {
        let missing = "--shard needs --run with the same name for all who share the run";
        Cli::command().error(clap::error::ErrorKind::MissingRequiredArgument, missing).exit();
    }
    let dialer = Dialer::new(target.url.clone(), target.ca.as_deref())?;
    Ok(Run {
        scenario,
        backend: Backend::new(dialer.clone(), target.key.clone(), target.secret.clone()),
        dialer,
        id: sharing.run.clone().unwrap_or_else(|| format!("{:08x}", rand::random::<u32>())),
        shard: sharing.shard,
        start_at: sharing.start_at.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
        threads: sharing.threads.map_or_else(|| Meter::cores() as usize, usize::from),
    })
}

/// The first Ctrl-C ends the run, the second the program.
async fn interrupts(stop: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_ok() {
        eprintln!("\nzzan-loadtest: ending; once more to end at once");
        stop.cancel();
    }
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(INTERRUPTED);
    }
}

fn finish(outcome: &Outcome, output: &Output) -> anyhow::Result<ExitCode> {
    let report = Report::new(outcome)?;
    print!("{report}");
    if let Some(path) = &output.json {
        write(path, &outcome.to_json())?;
    }
    if let Some(path) = &output.html {
        write(path, &html::page(outcome)?)?;
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(MISSED) })
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
}
