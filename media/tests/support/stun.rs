//! STUN requests as an ICE agent makes them, and as nobody should.

use super::Client;
use str0m::ice::{StunMessage, TransId};

/// What a client needs to be believed by the SFU.
#[derive(Clone)]
pub struct Credentials {
    /// The SFU's fragment, a colon, the client's.
    pub user: String,
    pub password: String,
}

impl Credentials {
    pub fn of(client: &mut Client) -> Self {
        let line = |prefix: &str| client.answer.lines().find_map(|line| line.strip_prefix(prefix)).expect("in the answer").to_owned();
        let (ours, password) = (line("a=ice-ufrag:"), line("a=ice-pwd:"));
        let theirs = client.rtc.direct_api().local_ice_credentials().ufrag;
        Self { user: format!("{ours}:{theirs}"), password }
    }

    pub fn check(&self) -> Check {
        Check { credentials: self.clone(), controlling: true, tie_breaker: 1, nominates: false }
    }

    pub fn with_password(&self, password: &str) -> Self {
        Self { password: password.to_owned(), ..self.clone() }
    }
}

/// A connectivity check.
pub struct Check {
    credentials: Credentials,
    pub controlling: bool,
    pub tie_breaker: u64,
    pub nominates: bool,
}

impl Check {
    pub fn bytes(&self) -> Vec<u8> {
        let mut buffer = vec![0; 600];
        let Credentials { user, password } = &self.credentials;
        let hmac = str0m::crypto::from_feature_flags().sha1_hmac_provider;
        let message = StunMessage::binding_request(user, TransId::new(), self.controlling, self.tie_breaker, u32::MAX / 2, self.nominates);
        let length = message.to_bytes(Some(password.as_bytes()), &mut buffer, |key, parts| hmac.sha1_hmac(key, parts)).expect("fits");
        buffer.truncate(length);
        buffer
    }
}

/// Where MESSAGE-INTEGRITY starts in a message of one.
pub fn integrity_at(message: &[u8]) -> usize {
    let mut at = 20;
    while message[at..at + 2] != [0, 8] {
        at += 4 + usize::from(u16::from_be_bytes([message[at + 2], message[at + 3]])).next_multiple_of(4);
    }
    at
}

/// The message without its attributes from `end` on.
pub fn cut(message: &[u8], end: usize) -> Vec<u8> {
    let mut message = message[..end].to_vec();
    let length = (end - 20) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
    message
}

/// The message with one attribute more in front of all others.
pub fn with_attribute(message: &[u8], kind: u16, value: &[u8]) -> Vec<u8> {
    let mut attribute = kind.to_be_bytes().to_vec();
    attribute.extend((value.len() as u16).to_be_bytes());
    attribute.extend(value);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    let mut message = message.to_vec();
    message.splice(20..20, attribute);
    let end = message.len();
    cut(&message, end)
}
