//! A server's process: pinned to its core, read through `/proc`, ended with this value.

use anyhow::{Context as _, bail};
use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// `USER_HZ` of Linux on every architecture that Rust supports: the unit of `/proc/<pid>/stat`.
const TICK: Duration = Duration::from_millis(10);
/// How long it may take to say its port.
const START_TIMEOUT: Duration = Duration::from_secs(20);

pub struct Process {
    child: Child,
    pid: u32,
    pub address: SocketAddr,
}

/// What a process used until now.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu: Duration,
    pub resident_bytes: u64,
}

impl Process {
    /// Starts a server that prints its port, on this core.
    pub async fn start(core: &str, program: &str, args: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new("taskset")
            .args(["-c", core, program])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {program}"))?;
        // taskset replaces itself: the id is the server's.
        let pid = child.id().context("just started")?;
        let mut lines = BufReader::new(child.stdout.take().context("piped")?).lines();
        let line = tokio::time::timeout(START_TIMEOUT, lines.next_line()).await.context("it says no port")??;
        let port: u16 = line.with_context(|| format!("{program} ended at once"))?.trim().parse()?;
        Ok(Self { child, pid, address: ([127, 0, 0, 1], port).into() })
    }

    pub fn usage(&mut self) -> anyhow::Result<Usage> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the server ended: {status}");
        }
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name may hold anything, so fields are counted from behind it: user and system time are the 12th and 13th.
        let fields: Vec<&str> = stat.rsplit(')').next().context("stat")?.split_whitespace().collect();
        let ticks: u32 = [11, 12].iter().filter_map(|n| fields.get(*n)?.parse::<u32>().ok()).sum();
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        Ok(Usage { cpu: TICK * ticks, resident_bytes: resident.context("VmRSS")? * 1_024 })
    }
}
