//! Credentials for a TURN server, good for a while: what coturn calls `use-auth-secret` (draft-uberti-behave-turn-rest-00, section 2.2).
//!
//! It talks to no TURN server: both have the secret, and that is all. Invariant: who has a credential can't make another one.

use crate::protocol::types::IceServer;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rooms::SessionId;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A TURN server, or several with one secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Turn {
    urls: Vec<String>,
    secret: String,
    ttl: Duration,
}

impl Turn {
    /// `urls` as browsers take them, as `turn:turn.example.com:3478?transport=udp`. A credential is good for `ttl`, to the second.
    pub fn new(urls: Vec<String>, secret: String, ttl: Duration) -> Self {
        Self { urls, secret, ttl }
    }

    /// What the session's client is to be told at `now`.
    pub fn server(&self, session: &SessionId, now: SystemTime) -> IceServer {
        let end = (now + self.ttl).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let username = format!("{end}:{session}");
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.secret.as_bytes());
        let credential = STANDARD.encode(hmac::sign(&key, username.as_bytes()));
        IceServer { urls: self.urls.clone(), username: Some(username), credential: Some(credential) }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("urls", &self.urls).field("secret", &"[redacted]").field("ttl", &self.ttl).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn() -> Turn {
        Turn::new(vec!["turn:turn.example.com".into()], "north-of-the-river".into(), Duration::from_secs(3_600))
    }

    #[test]
    fn a_credential_is_what_a_turn_server_computes_from_the_name_and_the_secret() {
        let now = UNIX_EPOCH + Duration::from_secs(1_893_456_000 - 3_600);
        let server = turn().server(&SessionId::new("ses_1"), now);
        assert_eq!(server.username.as_deref(), Some("1893456000:ses_1"));
        // printf 1893456000:ses_1 | openssl dgst -sha1 -hmac north-of-the-river -binary | base64
        assert_eq!(server.credential.as_deref(), Some("k86J42Vu9+a0utCEAJ+la8DyKK0="));
        assert_eq!(server.urls, ["turn:turn.example.com"]);
    }

    #[test]
    fn the_secret_is_not_printed() {
        assert!(!format!("{:?}", turn()).contains("north"));
    }
}
