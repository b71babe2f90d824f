//! Which sessions live, by the secret that resumes them. It holds handles only; a session's state is its task's.
//!
//! A secret itself is never kept: the map's keys are its SHA-256.

use dashmap::DashMap;
use governor::DefaultDirectRateLimiter;
use rooms::UserId;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use tokio::sync::mpsc;

use super::Control;
use super::outlet::Outlet;

/// Messages that wait for a session's task. When it is full the sender waits: there is one for each new connection at most.
pub(super) const CONTROL_MESSAGES: usize = 16;

/// SHA-256 of a session's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SecretHash([u8; 32]);

impl SecretHash {
    pub(crate) fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }
}

/// A way to a session's task.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(super) user: UserId,
    pub(super) control: mpsc::Sender<Control>,
    pub(super) outlet: Outlet,
    /// Of all connections of the session together.
    pub(super) limiter: Arc<DefaultDirectRateLimiter>,
}

impl Entry {
    /// Whether it is this user's session.
    pub(crate) fn is_of(&self, user: &UserId) -> bool {
        self.user == *user
    }

    /// Counts the events of the session.
    pub(crate) fn limiter(&self) -> Arc<DefaultDirectRateLimiter> {
        self.limiter.clone()
    }
}

/// All sessions of this node.
#[derive(Default)]
pub(crate) struct Registry(DashMap<SecretHash, Entry>);

impl Registry {
    /// The session with this secret.
    pub(crate) fn find(&self, secret: &str) -> Option<Entry> {
        self.0.get(&SecretHash::of(secret)).map(|entry| entry.value().clone())
    }

    pub(super) fn insert(&self, secret: SecretHash, entry: Entry) {
        self.0.insert(secret, entry);
    }

    pub(super) fn remove(&self, secret: &SecretHash) {
        self.0.remove(secret);
    }

    /// Bytes of events that each session holds, for its client to take or to ask for again.
    pub(crate) fn held_bytes(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|entry| entry.outlet.held_bytes())
    }

    /// How many sessions live, connected or not.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
