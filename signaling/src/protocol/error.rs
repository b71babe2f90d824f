//! Refusals on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `{ok: false, error}` in acks; `data` of a `connect_error`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct WireError {
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// For `rate_limited` and `unavailable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub retry_after_ms: Option<u64>,
}

/// For programs. Closed: a new code is a new protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    Unauthorized,
    Forbidden,
    NotFound,
    Conflict,
    RoomFull,
    BadPassword,
    Invalid,
    TooLarge,
    RateLimited,
    Unavailable,
    Internal,
}
