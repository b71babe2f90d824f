//! The commands: what they print, and what a person reads when something can't be used.

use crate::support::http::request;
use crate::support::process::{Process, run};
use std::net::{TcpListener, UdpSocket};

#[tokio::test]
async fn each_command_explains_itself() {
    let dir = tempfile::tempdir().expect("a directory");
    for (args, parts) in [
        (&["--help"][..], &["serve", "check-config", "token", "backup", "restore", "export", "import"][..]),
        (&["backup", "--help"], &["--data-dir", "--to", "while a node runs"]),
        (&["restore", "--help"], &["--data-dir", "--from", "empty data directory"]),
        (&["export", "--help"], &["--config", "--to", "JSON lines"]),
        (&["import", "--help"], &["--config", "--from", "has to be empty"]),
        (&["serve", "--help"], &["--dev", "--listen", "--data-dir", "ZZAN_", "zzan serve --dev"]),
        (&["check-config", "--help"], &["--config", "redacted"]),
        (&["token", "--help"], &["--user", "--name", "--room", "--ttl"]),
    ] {
        let (status, out, _) = run(dir.path(), args, &[]).await;
        assert!(status.success());
        for part in parts {
            assert!(out.contains(part), "{args:?} has no {part}:\n{out}");
        }
    }
}

#[tokio::test]
async fn check_config_prints_what_is_in_force_as_a_file_that_could_be_used() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(
        dir.path().join("zzan.toml"),
        "guests = false\n[[keys]]\nid = \"shop\"\nsecret = \"0123456789abcdef0123456789abcdef\"\n",
    )
    .expect("written");
    let (status, out, err) = run(dir.path(), &["check-config", "--listen", "127.0.0.1:9"], &[("ZZAN_MEDIA_WORKERS", "3")]).await;
    assert!(status.success(), "{err}");
    for line in [
        "listen = \"127.0.0.1:9\"  # flag --listen",
        "guests = false  # zzan.toml:1",
        "media.workers = 3  # environment ZZAN_MEDIA_WORKERS",
    ] {
        assert!(out.contains(line), "{line:?} is missing in:\n{out}");
    }
    assert!(!out.contains("0123456789abcdef"), "no secret is printed");
    let again = out.replace("[redacted]", "0123456789abcdef0123456789abcdef");
    std::fs::write(dir.path().join("again.toml"), again).expect("written");
    let (status, _, err) = run(dir.path(), &["check-config", "--config", "again.toml"], &[]).await;
    assert!(status.success(), "{err}");
}

#[tokio::test]
async fn mistakes_are_told_and_end_the_command() {
    let dir = tempfile::tempdir().expect("a directory");
    for (args, part) in [
        (&["serve"][..], "openssl rand -hex 32"),
        (&["serve", "--dev", "--listen", "8080"], "listen = \"8080\" (flag --listen): allowed is an address with a port"),
        (&["check-config", "--config", "none.toml"], "none.toml:1: the file can't be read"),
        (&["serve", "--dev", "--data-dir", "/proc/none"], "data_dir: /proc/none can't be used"),
        (&["token", "--dev", "--user", "u", "--name", "n", "--key", "none"], "allowed are devkey"),
        (&["token", "--dev", "--user", "", "--name", "n"], "a user id has 1 to 128 bytes"),
    ] {
        let (status, _, err) = run(dir.path(), args, &[]).await;
        assert!(!status.success());
        assert!(err.contains(part), "{args:?}: {part:?} is missing in:\n{err}");
    }
}

#[tokio::test]
async fn a_busy_port_is_named_with_its_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = tcp.local_addr().expect("an address").port();
    let (status, _, err) = run(dir.path(), &["serve", "--dev", "--listen", &format!("127.0.0.1:{port}")], &[]).await;
    assert!(!status.success());
    assert!(err.contains(&format!("listen: TCP port {port} on 127.0.0.1 can't be used")) && err.contains("another program"), "{err}");

    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = udp.local_addr().expect("an address").port();
    let args = ["serve", "--dev", "--listen", "127.0.0.1:0", "--media-first-port", &port.to_string()];
    // The TCP port has the same number by default, and anybody may have that one.
    let media = [("ZZAN_MEDIA_BIND", "127.0.0.1"), ("ZZAN_MEDIA_WORKERS", "1"), ("ZZAN_MEDIA_TCP_PORT", "off")];
    let (status, _, err) = run(dir.path(), &args, &media).await;
    assert!(!status.success());
    assert!(err.contains(&format!("media.first_port: UDP port {port} on 127.0.0.1 can't be used")), "{err}");
}

#[tokio::test]
async fn a_printed_token_opens_a_socket() {
    let dir = tempfile::tempdir().expect("a directory");
    let process = Process::start(dir.path(), &[]).await;
    let (status, token, err) = run(dir.path(), &["token", "--dev", "--user", "u1", "--name", "하나", "--ttl", "60"], &[]).await;
    assert!(status.success(), "{err}");
    let mut socket = crate::support::socket::Socket::connect(process.address, token.trim()).await.expect("it is let in");
    let ready = socket.event("session:ready").await.expect("the first event");
    assert!(ready["expires_in_ms"].as_u64().is_some_and(|ms| ms <= 60_000), "{ready}");
    process.kill().await;
}

#[tokio::test]
async fn everything_that_dev_mode_prints_works() {
    let dir = tempfile::tempdir().expect("a directory");
    let process = Process::start(dir.path(), &[]).await;
    let base = format!("http://{}", process.address);
    let urls: Vec<_> =
        process.banner.lines().filter(|line| !line.contains("curl")).filter_map(|line| line.split_whitespace().last()).collect();
    let paths: Vec<_> = urls.iter().filter_map(|url| url.strip_prefix(&base)).collect();
    assert_eq!(paths, ["/", "/demo", "/docs/", "/readyz"]);
    for path in paths.iter().filter(|path| **path != "/demo") {
        assert_eq!(request(process.address, "GET", path, &[], b"").await.status, 200, "{path}");
    }
    assert!(process.banner.contains("devkey") && process.banner.contains("devsecret-devsecret-devsecret-32ch"));

    let line = process.banner.lines().find(|line| line.contains("curl ")).expect("an example");
    let output = tokio::process::Command::new("sh").args(["-c", line.trim()]).output().await.expect("it runs");
    let room: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the answer is a room");
    assert_eq!((&room["name"], &room["capacity"]), (&serde_json::json!("짠!"), &serde_json::json!(4)));
    process.kill().await;
}

#[tokio::test]
async fn the_demo_room_is_joined_as_a_guest_and_made_anew_when_it_ended() {
    let dir = tempfile::tempdir().expect("a directory");
    let process = Process::start(dir.path(), &[]).await;
    let visit = || async {
        let answer = request(process.address, "GET", "/demo", &[], b"").await;
        assert_eq!(answer.status, 302, "{answer:?}");
        answer.header("location").strip_prefix("/r/").expect("a room's page").to_owned()
    };
    let (first, same) = tokio::join!(visit(), visit());
    assert_eq!(first, same, "whoever comes at the same time meets there");
    let token = process.guest("하나").await;
    let mut socket = crate::support::socket::Socket::connect(process.address, &token).await.expect("it is let in");
    let joined = socket.request("room:join", serde_json::json!({ "room": first })).await.expect("an answer");
    assert_eq!((&joined["ok"], &joined["room"]["capacity"]), (&serde_json::json!(true), &serde_json::json!(4)), "{joined}");

    assert_eq!(process.rest("DELETE", &format!("/v1/rooms/{first}"), serde_json::Value::Null).await.status, 204);
    assert_ne!(visit().await, first);
    process.kill().await;
}
