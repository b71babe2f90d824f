//! The `zzan` command.
#![forbid(unsafe_code)]

use clap::Parser as _;
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Gives back what rooms took once they have gone, which the C library's allocator keeps.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match zzan::cli::run(zzan::cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zzan: {error:#}");
            ExitCode::FAILURE
        }
    }
}
