//! Roles: keys that are lent by the container's service or by the machine's, and asked for again before they end.

use crate::support::{Link, Mode, Server, message, settings};
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use rooms::store::MessageStore as _;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use zzan::store::dynamodb::{ContainerToken, Credentials, DynamoDb, Role, Settings};

const ROLE_PATH: &str = "/latest/meta-data/iam/security-credentials/";

/// Both services as they answer: each key has a number, and is good for some time.
struct Services {
    origin: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Services {
    async fn start(good_for: Duration) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = vec![0; 4096];
                let read = stream.read(&mut bytes).await.unwrap_or_default();
                let request = String::from_utf8_lossy(&bytes[..read]).to_ascii_lowercase();
                let number = {
                    let mut seen = seen.lock().expect("nobody panics with it");
                    seen.push(request.lines().next().unwrap_or_default().to_owned());
                    seen.len()
                };
                let (status, body) = answer(&request, number, good_for);
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { origin, asked }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().expect("nobody panics with it"))
    }
}

fn answer(request: &str, number: usize, good_for: Duration) -> (&'static str, String) {
    let ends_at = DateTime::from(SystemTime::now() + good_for).fmt(DateTimeFormat::DateTime).expect("a time");
    let key = format!("{{\"AccessKeyId\":\"LENT{number}\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"{ends_at}\"}}");
    let has = |header: &str| request.lines().any(|line| line == header);
    match request.lines().next().unwrap_or_default() {
        "put /latest/api/token http/1.1" if has("x-aws-ec2-metadata-token-ttl-seconds: 60") => ("200 OK", "machine-token".into()),
        line if line.starts_with("get /latest") && !has("x-aws-ec2-metadata-token: machine-token") => ("401 Unauthorized", String::new()),
        line if line == format!("get {ROLE_PATH} http/1.1") => ("200 OK", "zzan-role\n".into()),
        line if line == format!("get {ROLE_PATH}zzan-role http/1.1") => ("200 OK", key),
        "get /task http/1.1" => ("200 OK", key),
        "get /pod http/1.1" if has("authorization: pod-token") => ("200 OK", key),
        _ => ("404 Not Found", String::new()),
    }
}

async fn open(server: &Server, role: Role) -> (Result<DynamoDb, String>, Link) {
    let link = Link::new(0);
    let settings = Settings { credentials: Credentials::Role(role), ..settings(&server.endpoint, Mode::Strict) };
    (DynamoDb::open_over(&settings, link.client()).await.map_err(|error| error.to_string()), link)
}

#[tokio::test]
async fn tables_are_used_with_the_key_that_a_role_lends() {
    let (server, services) = (Server::start().await, Services::start(Duration::from_secs(3600)).await);
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("token");
    std::fs::write(&file, "pod-token\n").expect("written");
    let url = |path: &str| format!("{}{path}", services.origin);
    for (role, requests) in [
        (Role::Machine { endpoint: services.origin.clone() }, 3),
        (Role::Container { url: url("/task"), token: None }, 1),
        (Role::Container { url: url("/pod"), token: Some(ContainerToken::Given("pod-token".to_owned().into())) }, 1),
        (Role::Container { url: url("/pod"), token: Some(ContainerToken::InFile(file)) }, 1),
    ] {
        let (store, link) = open(&server, role.clone()).await;
        store.expect("it opens").append(message("c", "a", "n")).await.expect("stored");
        let signers: BTreeSet<String> = link.answered().into_iter().map(|one| one.signer).collect();
        assert!(signers.len() == 1 && signers.iter().all(|signer| signer.starts_with("LENT")), "{role:?}: {signers:?}");
        assert_eq!(services.asked().len(), 2 * requests, "once to see that there is one, and once to use it");
    }
}

#[tokio::test]
async fn a_key_that_ends_is_asked_for_again() {
    // The SDK takes one that ends so soon for one that has ended.
    let (server, services) = (Server::start().await, Services::start(Duration::from_secs(1)).await);
    let (store, link) = open(&server, Role::Container { url: format!("{}/task", services.origin), token: None }).await;
    let store = store.expect("it opens");
    let mut signers = BTreeSet::new();
    for nonce in ["1", "2", "3"] {
        store.append(message("c", "a", nonce)).await.expect("stored");
        signers.extend(link.answered().into_iter().map(|one| one.signer));
    }
    assert!(signers.len() > 1, "{signers:?}");
}

#[tokio::test]
async fn where_no_role_lends_a_key_the_start_says_so() {
    let (server, services) = (Server::start().await, Services::start(Duration::from_secs(3600)).await);
    let token = Some(ContainerToken::Given("another-token".to_owned().into()));
    let missing = Some(ContainerToken::InFile("/nowhere/token".into()));
    let url = format!("{}/pod", services.origin);
    for (role, problem) in [
        (Role::Container { url: url.clone(), token }, "/pod answered 404"),
        (Role::Container { url, token: missing }, "can't be read from /nowhere/token"),
        (Role::Machine { endpoint: "http://127.0.0.1:1".into() }, "can't be reached"),
        (Role::Container { url: "127.0.0.1".into(), token: None }, "allowed is a URL of http"),
        (Role::Container { url: "https://127.0.0.1/".into(), token: None }, "allowed is a URL of http"),
        (Role::Container { url: "http://192.0.2.1/".into(), token: None }, "allowed is an address of this machine"),
        (Role::Container { url: "http://zzan.example.com/".into(), token: None }, "allowed is an address of this machine"),
    ] {
        let shown = format!("{role:?}");
        assert!(!shown.contains("another-token"), "{shown}");
        let error = open(&server, role).await.0.err().expect("it is refused");
        let begins = "dynamodb.access_key_id: no access key is given, and no role lends one: ";
        assert!(error.starts_with(begins) && error.contains(problem), "{error}");
    }
}
