//! The stores that can be measured, each opened empty, as a node opens it.

use crate::server::Server;
use anyhow::Context as _;
use rooms::store::Store;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zzan::store::dynamodb::{AccessKey, Credentials, Settings};
use zzan::store::{Kind, Opened};

/// An empty store, and what is known of where it writes.
pub struct Backend {
    pub name: &'static str,
    pub store: Arc<dyn Store>,
    /// The embedded store's file, beside which is its log.
    pub database: Option<PathBuf>,
    _opened: Opened,
}

/// The embedded store, in a folder that is made.
pub async fn sqlite(dir: &Path) -> anyhow::Result<Backend> {
    let opened = Opened::open(Kind::Sqlite, dir).await?;
    Ok(Backend { name: "sqlite", store: opened.store(), database: Some(dir.join("zzan.db")), _opened: opened })
}

/// How a store on DynamoDB keeps nonces.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    Strict,
    Plain,
}

/// The store on DynamoDB, with tables of its own on a local server.
pub async fn dynamodb(server: &Server, mode: Mode, dir: &Path) -> anyhow::Result<Backend> {
    let (name, strict) = match mode {
        Mode::Strict => ("dynamodb, strict", true),
        Mode::Plain => ("dynamodb, plain", false),
    };
    let settings = Settings {
        endpoint: Some(server.endpoint.clone()),
        region: "us-east-1".into(),
        table_prefix: rooms::random_id("bench"),
        create_tables: true,
        strict,
        credentials: Credentials::Key(AccessKey {
            access_key_id: "bench".into(),
            secret_access_key: "bench".to_owned().into(),
            session_token: None,
        }),
    };
    let opened = Opened::open(Kind::DynamoDb(settings), dir).await.context("the local server takes no tables")?;
    Ok(Backend { name, store: opened.store(), database: None, _opened: opened })
}
