//! An SFU's process: pinned to its core, read through `/proc`, ended with this value.

use crate::network::Network;
use anyhow::{Context as _, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// `USER_HZ` of Linux on every architecture that Rust supports: the unit of `/proc/<pid>/stat`.
const TICK: Duration = Duration::from_millis(10);

/// Lines of a log that an error shows.
const LAST_WORDS: usize = 15;

/// How long a killed process may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(2);

pub struct Process {
    pub child: Child,
    pid: u32,
    log: PathBuf,
}

/// What a process used until now.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu: Duration,
    pub resident_bytes: u64,
}

/// How to run an SFU.
pub struct Launch<'a> {
    pub network: &'a Network,
    /// As `taskset -c` takes them.
    pub cores: &'a str,
    pub program: &'a Path,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Its working directory, with its log.
    pub folder: &'a Path,
    /// Whether its standard input and output are ours; otherwise what it says goes to the log.
    pub pipes: bool,
}

impl Process {
    /// Starts it.
    pub fn start(launch: Launch<'_>) -> anyhow::Result<Self> {
        let mut words = launch.network.prefix();
        words.extend(["taskset", "-c", launch.cores].map(str::to_owned));
        words.push(launch.program.to_str().context("a path in UTF-8")?.to_owned());
        words.extend(launch.args);
        let path = launch.folder.join("log");
        let log = fs::File::create(&path)?;
        let (stdin, stdout) = if launch.pipes { (Stdio::piped(), Stdio::piped()) } else { (Stdio::null(), log.try_clone()?.into()) };
        let child = Command::new(&words[0])
            .args(&words[1..])
            .envs(launch.env)
            .current_dir(launch.folder)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", words.join(" ")))?;
        // ip and taskset replace themselves: the id is the SFU's.
        let pid = child.id().context("just started")?;
        Ok(Self { child, pid, log: path })
    }

    pub fn usage(&mut self) -> anyhow::Result<Usage> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the SFU ended: {status}; {}", self.last_words());
        }
        usage(&self.pid.to_string())
    }

    /// The end of its log, for an error.
    pub fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(LAST_WORDS)..];
        if last.is_empty() { "its log is empty".to_owned() } else { format!("its log ends:\n{}", last.join("\n")) }
    }

    /// CPU time of its threads whose names start so.
    pub fn threads(&self, name: &str) -> anyhow::Result<Vec<Duration>> {
        let mut times = vec![];
        for task in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let task = task?.path();
            if fs::read_to_string(task.join("comm"))?.starts_with(name) {
                let nanos = fs::read_to_string(task.join("schedstat"))?;
                let nanos = nanos.split_whitespace().next().context("schedstat")?.parse()?;
                times.push(Duration::from_nanos(nanos));
            }
        }
        Ok(times)
    }
}

impl Drop for Process {
    /// Its port is free for the next one once it has ended.
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        let limit = Instant::now() + END_TIMEOUT;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Of this process.
pub fn own_usage() -> anyhow::Result<Usage> {
    usage("self")
}

fn usage(pid: &str) -> anyhow::Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold anything, so fields are counted from behind it: user and system time are the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit(')').next().context("stat")?.split_whitespace().collect();
    let ticks: u32 = [11, 12].iter().filter_map(|n| fields.get(*n)?.parse::<u32>().ok()).sum();
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(Usage { cpu: TICK * ticks, resident_bytes: resident.context("VmRSS")? * 1_024 })
}

/// Puts this process, which has one thread yet, on these cores.
pub fn pin_self(cores: &str) -> anyhow::Result<()> {
    let output = std::process::Command::new("taskset").args(["-cp", cores, &std::process::id().to_string()]).output().context("taskset")?;
    if !output.status.success() {
        bail!("taskset {cores}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
