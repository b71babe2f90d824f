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

/// Checks the handshake's token. `auth` is what could be read of it. Also returns the secret of the session that the client resumes.
pub(crate) fn admit(shared: &Shared, auth: Option<Auth>) -> Result<(Verified, Option<String>), ConnectError> {
    if shared.draining.is_cancelled() {
        return Err(ConnectError(WireError::new(ErrorCode::Unavailable, "the node is stopping")));
    }
    let Some(Auth { token: Some(token), session }) = auth else { return Err(Refused::Missing.into()) };
    Ok((verify(shared, &token)?, session))
}

/// Checks a token, and that a session could live with it now.
pub(crate) fn verify(shared: &Shared, token: &str) -> Result<Verified, Refused> {
    let verified = shared.keys.verify(token)?;
    // The leeway of a token is for clocks that differ; a session whose end has come isn't begun.
    if verified.expires_at + shared.config.expiry_grace <= SystemTime::now() { Err(Refused::Expired) } else { Ok(verified) }
}
