//! Where files go that belong to messages: the trait of whoever lets clients put them there.
//!
//! No byte of a file passes through this process. Invariant: what is granted is one object under a name that nobody can guess.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Lets clients upload files.
pub trait Uploads: Send + Sync + 'static {
    /// Longest file, in bytes.
    fn bytes_max(&self) -> u64;

    /// Lets whoever has the answer put this object, and nothing else, for a while from `now` on.
    ///
    /// # Errors
    /// [`CantGrant`]; why is logged.
    fn grant(&self, object: &Object, now: SystemTime) -> Result<Grant, CantGrant>;
}

/// A file that is to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Unguessable.
    pub id: String,
    /// The end of its address: no slash, no control character.
    pub name: String,
    /// `type/subtype`.
    pub mime: String,
    /// Exactly.
    pub size_bytes: u64,
}

/// The right to upload one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// To `PUT` the file to. A secret of the client.
    pub upload_url: String,
    /// To be sent with it, as they are.
    pub headers: BTreeMap<String, String>,
    /// Where the file is then.
    pub url: String,
    /// How long `upload_url` is good.
    pub expires_in: Duration,
}

/// The right could not be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the upload can't be granted")]
pub struct CantGrant;
