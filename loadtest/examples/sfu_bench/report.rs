//! What the bench prints: the machine, a line per window while it runs, and tables in Markdown.

use crate::Options;
use crate::measure::Window;
use std::process::Command;

/// Columns with rows, printed aligned.
pub struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(title: &str, columns: &[&str]) -> Self {
        Self { title: title.to_owned(), rows: vec![columns.iter().map(|column| (*column).to_owned()).collect()] }
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub fn print(&self) {
        println!("\n### {}\n", self.title);
        let columns = self.rows.first().map_or(0, Vec::len);
        let cell = |row: &[String], n: usize| row.get(n).cloned().unwrap_or_default();
        let width = |n: usize| self.rows.iter().map(|row| cell(row, n).chars().count()).max().unwrap_or(0);
        for (n, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = (0..columns).map(|n| format!("{:<1$}", cell(row, n), width(n))).collect();
            println!("| {} |", cells.join(" | "));
            if n == 0 {
                let rules: Vec<String> = (0..columns).map(|n| "-".repeat(width(n).max(3))).collect();
                println!("| {} |", rules.join(" | "));
            }
        }
    }
}

pub fn machine(options: &Options, isolated: bool) {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = Command::new("uname").arg("-r").output().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("machine: {model}, {cores} cores, Linux {}", kernel.unwrap_or_default());
    println!(
        "SFU on core {}, load on core {}, {}",
        options.sfu_core,
        options.load_core,
        if isolated { "a veth pair between them" } else { "loopback between them" }
    );
    println!("each participant sends audio (50 packets/s of 100 bytes) and video (170 of 1,100, six a frame), and receives all others'");
}

/// On standard error, so that the tables can be kept.
pub fn progress(name: &str, window: &Window) {
    eprintln!(
        "{name:<7} {:>4} people {:>4.0} sent/s each {:>8.0} packets/s  loss {:>7.3} % late {}  {:>6.2} µs  SFU {:>3.0} %  load {:>3.0} %  p50 {:.2} p99 {:.2} ms",
        window.people,
        window.sending(),
        window.rate(),
        window.loss() * 100.0,
        window.late,
        window.micros(),
        window.busy() * 100.0,
        window.load_busy() * 100.0,
        window.latency_ms(0.5),
        window.latency_ms(0.99),
    );
}
