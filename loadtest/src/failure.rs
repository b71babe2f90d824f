//! What went wrong for one user, under a code that can be counted: the protocol's own, or a word of ours.

use crate::rest::RestError;
use crate::rtc::RtcError;
use crate::socket::{ConnectError, RequestError};
use serde_json::Value;

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For counting.
    pub code: String,
    /// For people.
    pub message: String,
}

impl Failure {
    pub fn new(code: &str, message: impl std::fmt::Display) -> Self {
        Self { code: code.to_owned(), message: message.to_string() }
    }
}

impl From<RestError> for Failure {
    fn from(error: RestError) -> Self {
        Self::new(error.code(), &error)
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let code = match &error {
            ConnectError::Unreachable { .. } => "unreachable".to_owned(),
            ConnectError::NotSocketIo { .. } => "protocol".to_owned(),
            // Refusals begin with their code.
            ConnectError::Refused(message) => message.split(':').next().unwrap_or("refused").to_owned(),
            ConnectError::TimedOut => "timed_out".to_owned(),
        };
        Self::new(&code, error)
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let code = match &error {
            RequestError::Refused(refused) => match serde_json::to_value(refused.code) {
                Ok(Value::String(code)) => code,
                _ => "refused".to_owned(),
            },
            RequestError::TimedOut => "timed_out".to_owned(),
            RequestError::Answer(_) => "protocol".to_owned(),
            RequestError::TooMany => "too_many".to_owned(),
            RequestError::Closed => "connection_lost".to_owned(),
        };
        Self::new(&code, error)
    }
}

impl From<RtcError> for Failure {
    fn from(error: RtcError) -> Self {
        let code = match &error {
            RtcError::Stack(_) => "media",
            RtcError::Transport(_) => "media_lost",
            RtcError::TimedOut => "media_timed_out",
        };
        Self::new(code, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signaling::protocol::error::{ErrorCode, WireError};

    #[test]
    fn a_refusal_is_counted_under_its_wire_code() {
        let error = WireError { code: ErrorCode::RoomFull, message: "the room is full".into(), retry_after_ms: None };
        assert_eq!(Failure::from(RequestError::Refused(error)), Failure::new("room_full", "the room is full"));
        let refused = ConnectError::Refused("unauthorized: token expired".into());
        assert_eq!(Failure::from(refused).code, "unauthorized");
    }
}
