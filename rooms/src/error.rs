//! Why a request was refused.

use std::time::Duration;

/// Every refusal of this crate. One variant per thing that a caller does differently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The user may not do this here.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is no such object, or none that this user may know of.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The object is in a state that doesn't allow this.
    #[error("{0}")]
    Conflict(&'static str),
    /// All seats are taken.
    #[error("the room is full")]
    RoomFull,
    /// The password is missing or wrong.
    #[error("the password is missing or wrong")]
    BadPassword,
    /// A value is not allowed.
    #[error("{field}: {reason}")]
    Invalid { field: &'static str, reason: String },
    /// A value is larger than its limit.
    #[error("{field} is longer than {limit}")]
    TooLarge { field: &'static str, limit: usize },
    /// Too many of these in a short time.
    #[error("too many requests, try again in {} ms", retry_after.as_millis())]
    RateLimited { retry_after: Duration },
    /// Not on this server, as it is set up: asking again is of no use.
    #[error("{0}")]
    Unsupported(&'static str),
    /// Not now: a store is down, a queue is full, the node is stopping. The operation may or may not have happened.
    #[error("{0}")]
    Unavailable(&'static str),
}

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl From<crate::store::StoreError> for Error {
    fn from(error: crate::store::StoreError) -> Self {
        use crate::store::StoreError;
        match error {
            StoreError::Unavailable => Self::Unavailable("the store is unavailable"),
            StoreError::Unsupported => Self::Unsupported("the store of this server can't do this"),
            StoreError::Corrupt => Self::Unavailable("the store holds something unreadable"),
        }
    }
}
