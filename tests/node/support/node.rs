//! A node inside the test's process, in memory, on free ports.

use super::http::{Response, request};
use serde_json::Value;
use std::net::SocketAddr;
use zzan::config::{Config, Sources};
use zzan::node::Node;

pub const SHOP: &str = "Bearer shop:0123456789abcdef0123456789abcdef";

/// A running node.
pub struct Running {
    pub node: Node,
    pub address: SocketAddr,
}

impl Running {
    /// Starts a node that isn't in dev mode, has the key `shop`, and these settings.
    pub async fn start(settings: &[(&'static str, &str)]) -> Self {
        let base = [
            ("keys", "shop:0123456789abcdef0123456789abcdef"),
            ("listen", "127.0.0.1:0"),
            ("public_url", "https://call.example.com"),
            ("store", "memory"),
            ("media.first_port", "0"),
            ("media.workers", "1"),
            ("media.addresses", "127.0.0.1"),
        ];
        let env = base.iter().chain(settings).map(|(key, value)| (variable(key), (*value).to_owned())).collect();
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("zzan.toml");
        std::fs::write(&file, "").expect("written");
        let (config, _) = Config::load(Sources { file: Some(file), env, flags: Vec::new() }).expect("it fits");
        let node = Node::start(config).await.expect("it starts");
        Self { address: node.address(), node }
    }

    /// A request with the key `shop`.
    pub async fn rest(&self, method: &str, path: &str, body: Value) -> Response {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &[("authorization", SHOP), ("content-type", "application/json")], &body).await
    }

    /// A request with a JSON body and no credentials.
    pub async fn public(&self, path: &str, body: Value) -> Response {
        self.send("POST", path, &[("content-type", "application/json")], &body.to_string()).await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], "").await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        request(self.address, method, path, headers, body.as_bytes()).await
    }
}

fn variable(key: &str) -> String {
    format!("ZZAN_{}", key.replace('.', "_").to_ascii_uppercase())
}
