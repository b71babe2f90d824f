//! The `zzan` command.
#![forbid(unsafe_code)]

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match zzan::cli::run(zzan::cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zzan: {error:#}");
            ExitCode::FAILURE
        }
    }
}
