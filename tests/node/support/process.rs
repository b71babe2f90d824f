//! The `zzan` binary as a process of its own, on free ports of loopback. Dropping it kills it.

use super::{PATIENCE, http};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

pub const DEV_KEY: &str = "Bearer devkey:devsecret-devsecret-devsecret-32ch";

/// The binary with an environment of its own.
pub fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zzan"));
    command.args(args).current_dir(dir).kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ZZAN_")) {
        command.env_remove(name);
    }
    command
}

/// Runs the binary to its end. Returns its status, standard output and standard error.
pub async fn run(dir: &Path, args: &[&str], env: &[(&str, &str)]) -> (ExitStatus, String, String) {
    let mut command = command(dir, args);
    command.envs(env.iter().copied());
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").expect("it runs");
    (output.status, String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A node in dev mode.
pub struct Process {
    pub child: Child,
    pub address: SocketAddr,
    /// What it printed until it was ready.
    pub banner: String,
    _stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a node whose data is in `dir`, and returns when it is ready.
    pub async fn start(dir: &Path, env: &[(&str, &str)]) -> Self {
        let args = ["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir", "data", "--media-addresses", "127.0.0.1"];
        let mut command = command(dir, &args);
        command.envs(env.iter().copied()).env("ZZAN_MEDIA_WORKERS", "1").env("RUST_LOG", "warn");
        let mut child = command.spawn().expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut banner = String::new();
        let ready = async { while !banner.contains("curl ") && stdout.read_line(&mut banner).await.is_ok_and(|read| read > 0) {} };
        tokio::time::timeout(PATIENCE, ready).await.expect("it is ready in time");
        let Some(address) = page_address(&banner) else {
            let mut error = String::new();
            let _ = child.stderr.take().expect("it is piped").read_to_string(&mut error).await;
            panic!("the node did not start: {banner}{error}");
        };
        Self { child, address, banner, _stdout: stdout }
    }

    /// Ends it as a power cut would, as far as a process can tell.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it is killed");
    }

    /// Asks it to end.
    pub async fn terminate(&self) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for its end.
    pub async fn wait(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends in time").expect("it can be waited for")
    }

    /// A REST request with the dev key.
    pub async fn rest(&self, method: &str, path: &str, body: Value) -> http::Response {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("authorization", DEV_KEY), ("content-type", "application/json")];
        http::request(self.address, method, path, &headers, body.as_bytes()).await
    }

    /// A `user` token of a guest.
    pub async fn guest(&self, name: &str) -> String {
        let headers = [("content-type", "application/json")];
        let body = json!({ "name": name }).to_string();
        let answer = http::request(self.address, "POST", "/v1/guests", &headers, body.as_bytes()).await;
        answer.json()["token"].as_str().expect("a token").to_owned()
    }
}

fn page_address(banner: &str) -> Option<SocketAddr> {
    let url = banner.lines().find_map(|line| line.trim().strip_prefix("Page"))?.trim();
    url.strip_prefix("http://")?.trim_end_matches('/').parse().ok()
}
