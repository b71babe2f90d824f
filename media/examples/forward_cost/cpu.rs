//! CPU time and memory as Linux accounts them, and which core a thread runs on.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The core of what is measured. Everything else runs on [`LOAD_CORE`], so that neither waits for the other.
pub const MEASURED_CORE: usize = 0;
pub const LOAD_CORE: usize = 1;

fn threads(name: &str) -> impl Iterator<Item = PathBuf> {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux");
    let named = move |path: &PathBuf| fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim().starts_with(name));
    tasks.filter_map(|task| Some(task.ok()?.path())).filter(named)
}

/// CPU time so far of this process's threads whose names start with `name`.
pub fn of_threads(name: &str) -> Duration {
    let nanos = |task: PathBuf| {
        let schedstat = fs::read_to_string(task.join("schedstat")).expect("Linux");
        schedstat.split_whitespace().next().and_then(|field| field.parse::<u64>().ok()).expect("nanoseconds on the CPU")
    };
    Duration::from_nanos(threads(name).map(nanos).sum())
}

/// Moves those threads to a core. Without `taskset` they stay where the system puts them.
pub fn pin(name: &str, core: usize) {
    for task in threads(name) {
        let id = task.file_name().expect("a thread id").to_owned();
        let pinned = Command::new("taskset").args(["-pc", &core.to_string()]).arg(id).output();
        if !pinned.is_ok_and(|output| output.status.success()) {
            eprintln!("{name} is not pinned to a core: no taskset, or no core {core}");
        }
    }
}

/// Lets those threads give way to all others.
pub fn yielding(name: &str) {
    for task in threads(name) {
        let id = task.file_name().expect("a thread id").to_owned();
        // Without it the figures are only worse.
        let _ = Command::new("renice").args(["-n", "19", "-p"]).arg(id).output();
    }
}

/// Resident memory of this process in bytes.
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux");
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes * 1024
}
