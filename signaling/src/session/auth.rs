//! The handshake: who connects, and with which session. It decides before the client is told that it is connected.

use crate::protocol::error::{ErrorCode, WireError};
use crate::service::Shared;
use crate::token::{Refused, Verified};
use serde::Deserialize;
use std::fmt;
use std::time::SystemTime;

/// `auth` of the socket.io handshake.
#[derive(Deserialize)]
pub(crate) struct Auth {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    session: Option<String>,
    /// The number of the last event of that session that the client has.
    #[serde(default)]
    sn: Option<u64>,
}

/// Who may connect, and what it says of the session that it resumes.
pub(crate) struct Admission {
    pub(crate) verified: Verified,
    /// The session's secret.
    pub(crate) secret: Option<String>,
    /// The number of the last event that the client has.
    pub(crate) heard: Option<u64>,
}

/// The codec's `connect_error` carries a text only, so the code is its beginning: `unauthorized: token expired`.
#[derive(Debug)]
pub(crate) struct ConnectError(pub(crate) WireError);

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.message)
    }
}

impl From<Refused> for ConnectError {
    fn from(refused: Refused) -> Self {
        Self(WireError::new(ErrorCode::Unauthorized, refused.to_string()))
    }
}

/// Checks the handshake's token. `auth` is what could be read of it.
pub(crate) fn admit(shared: &Shared, auth: Option<Auth>) -> Result<Admission, ConnectError> {
    if shared.draining.is_cancelled() {
        return Err(ConnectError(WireError::new(ErrorCode::Unavailable, "the node is stopping")));
    }
    let Some(Auth { token: Some(token), session: secret, sn: heard }) = auth else { return Err(Refused::Missing.into()) };
    Ok(Admission { verified: verify(shared, &token)?, secret, heard })
}

/// Checks a token, and that a session could live with it now.
pub(crate) fn verify(shared: &Shared, token: &str) -> Result<Verified, Refused> {
    let verified = shared.keys.verify(token)?;
    // The leeway of a token is for clocks that differ; a session whose end has come isn't begun.
    if verified.expires_at + shared.config.expiry_grace <= SystemTime::now() { Err(Refused::Expired) } else { Ok(verified) }
}
