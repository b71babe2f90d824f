//! CPU time of one thread, as Linux accounts it.

use std::fs;
use std::time::Duration;

/// CPU time of this process's thread of that name so far.
pub fn of_thread(name: &str) -> Duration {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux");
    let named = |path: &std::path::Path| fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name);
    let task = tasks.filter_map(|task| Some(task.ok()?.path())).find(|path| named(path)).expect("the thread runs");
    let schedstat = fs::read_to_string(task.join("schedstat")).expect("Linux");
    let nanos = schedstat.split_whitespace().next().and_then(|field| field.parse().ok()).expect("nanoseconds on the CPU");
    Duration::from_nanos(nanos)
}
