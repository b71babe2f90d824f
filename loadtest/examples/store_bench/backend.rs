//! The stores that can be measured, each opened empty by a function of its own.

use anyhow::Context as _;
use rooms::store::Store;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zzan::store::sqlite::Sqlite;

/// An empty store, and what is known of where it writes.
pub struct Backend {
    pub name: &'static str,
    pub store: Arc<dyn Store>,
    /// The embedded store's file, beside which is its log.
    pub database: Option<PathBuf>,
}

/// The embedded store, in a folder that is made.
pub fn sqlite(dir: &Path) -> anyhow::Result<Backend> {
    std::fs::create_dir_all(dir).with_context(|| format!("{} can't be made", dir.display()))?;
    let database = dir.join("zzan.db");
    let store = Arc::new(Sqlite::open(&database)?);
    Ok(Backend { name: "sqlite", store, database: Some(database) })
}
