//! Runs `tests/client`: the official socket.io-client against this server.

use crate::harness::{Server, roomy};
use signaling::Config;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_passes_its_tests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client");
    assert!(folder.join("node_modules/socket.io-client").exists(), "first: npm ci --prefix signaling/tests/client");
    let config = Config { ping_interval: Duration::from_secs(1), ping_timeout: Duration::from_secs(2), ..roomy() };
    let server = Server::start_with(config).await;
    let long_ago = SystemTime::now() - Duration::from_secs(600);
    let mut forged = server.token("ana");
    forged.replace_range(forged.len() - 3.., "AAA");
    let node = Command::new("node")
        .args(["--test", "--test-reporter=spec", "client.test.js"])
        .current_dir(folder)
        .env("ZZAN_URL", format!("http://{}", server.address))
        .env("TOKEN_ANA", server.token("ana"))
        .env("TOKEN_BO", server.token("bo"))
        .env("TOKEN_FORGED", forged)
        .env("TOKEN_EXPIRED", server.token_from("ana", long_ago, Duration::from_secs(60)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(60), node).await.expect("node hangs").expect("node 20 or newer is installed");
    let (told, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{complained}");
    // A runner that found no test succeeds too.
    assert!(told.contains("pass 1") && told.contains("fail 0"), "{told}");
}
