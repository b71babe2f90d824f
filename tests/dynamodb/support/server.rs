//! dynoxide: a DynamoDB API as a process of its own, in memory, on a free port of loopback. Dropping it ends it; so does the end of the test.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where `npm ci` puts it.
const PROGRAM: &str = "tests/dynamodb/node_modules/@dynoxide/linux-x64/dynoxide";

/// The shell ends the server when its standard input does, which is also when the test is killed.
const WATCHED: &str = "\"$0\" --host 127.0.0.1 --port \"$1\" & echo $!; cat; kill -9 $!; wait $! 2>/dev/null";

pub struct Server {
    pub endpoint: String,
    pub pid: u32,
    shell: Child,
}

impl Server {
    pub async fn start() -> Self {
        // From the workspace's folder, whichever of its packages this is built into.
        let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let program = folders.map(|folder| folder.join(PROGRAM)).find(|program| program.exists()).unwrap_or_else(|| PROGRAM.into());
        assert!(program.exists(), "{} is missing; first: npm ci --prefix tests/dynamodb", program.display());
        for _ in 0..20 {
            let port = free_port();
            let mut shell = Command::new("sh")
                .args(["-c", WATCHED, &program.display().to_string(), &port.to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("a shell");
            let mut line = String::new();
            BufReader::new(shell.stdout.take().expect("piped")).read_line(&mut line).expect("the server's id");
            let server = Self { endpoint: format!("http://127.0.0.1:{port}"), pid: line.trim().parse().expect("a number"), shell };
            if server.is_up(port).await {
                return server;
            }
        }
        panic!("no server starts");
    }

    /// Somebody else may have taken the port: then the server has ended.
    async fn is_up(&self, port: u16) -> bool {
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if !Path::new(&format!("/proc/{}", self.pid)).exists() {
                return false;
            }
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// As if the machine had stopped.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.pid.to_string()]).status().expect("kill runs");
        assert!(sent.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("an address").port()
}
