//! What the store on DynamoDB is told: where its tables are, and how careful it is to be.
//!
//! Nothing is read or checked here. Invariant: no secret is ever printed.

use crate::config::Secret;

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

/// An access key of AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: Secret,
    /// Of temporary keys.
    pub session_token: Option<Secret>,
}
