//! What the store on DynamoDB is told: where its tables are, and how careful it is to be.
//!
//! Nothing is read or checked here. Invariant: no secret is ever printed.

use crate::config::Secret;
use std::path::PathBuf;

/// Where the tables are, and how they are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `scheme://host[:port]` of another server than the region's own.
    pub endpoint: Option<String>,
    pub region: String,
    /// Starts the name of each table. 1–200 letters, digits, `-`, `_` and `.`.
    pub table_prefix: String,
    /// Whether missing tables are created; otherwise they are an error.
    pub create_tables: bool,
    /// Whether nonces are kept in rows of their own, so that a retry is known from whichever node and for a whole day.
    pub strict: bool,
    pub credentials: Credentials,
}

/// In whose name the tables are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    Key(AccessKey),
    Role(Role),
}

/// An access key of AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    pub access_key_id: String,
    pub secret_access_key: Secret,
    /// Of temporary keys.
    pub session_token: Option<Secret>,
}

/// Who lends keys, and takes them back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The service that runs the container answers at this URL.
    Container { url: String, token: Option<ContainerToken> },
    /// The machine's own service, at this origin.
    Machine { endpoint: String },
}

/// What the container shows to be lent a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerToken {
    Given(Secret),
    /// Read each time.
    InFile(PathBuf),
}
