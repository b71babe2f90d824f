//! Mail, as the domain knows it: an invitation that somebody is to get. How it is worded and sent is the affair of whoever implements
//! [`Mailer`].
//!
//! Invariant: neither an address nor a secret is shown by `Debug`.

use async_trait::async_trait;
use std::fmt;
use std::time::SystemTime;

/// Sends mail.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Sends an invitation. `Ok` when the next mail server has taken it, which is no proof that it arrives. Bounded in time.
    async fn invite(&self, invitation: MailInvitation) -> Result<(), MailError>;
}

/// An invitation into a server for whoever reads this address.
#[derive(Clone, PartialEq, Eq)]
pub struct MailInvitation {
    /// As it was typed, without surrounding blanks.
    pub address: String,
    /// The name of the server.
    pub server: String,
    /// The name of who invites.
    pub by: String,
    /// Opens the server once.
    pub secret: String,
    pub expires_at: SystemTime,
}

impl fmt::Debug for MailInvitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailInvitation").finish_non_exhaustive()
    }
}

/// Why a mail isn't on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Nobody can have this address, or its mail server says so.
    #[error("no mail can be sent to this address")]
    Address,
    /// The mail server is down, slow, or refuses us.
    #[error("mail can't be sent at the moment")]
    Unavailable,
}
