//! Text frames of engine.io v4 with socket.io v5 packets in them: bytes to values and back, without a socket.
//!
//! Not a full codec: one namespace (`/`), WebSocket framing, no binary attachments, which is all that zzan's wire uses. Whatever
//! the other end sends, [`decode`] answers with a value or [`Malformed`]; it never panics.

use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// One text frame from the server.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// The first frame of a transport.
    Open(Heartbeat),
    /// The server ends the transport.
    Close,
    /// To be answered by [`PONG`].
    Ping,
    /// The namespace was entered.
    Connected,
    /// The namespace was refused.
    Refused { message: String, data: Option<Value> },
    /// The server ends the namespace.
    Disconnected,
    /// An event; with `ack`, the server waits for an answer.
    Event { name: String, args: Vec<Value>, ack: Option<u64> },
    /// The answer to our event with this id.
    Ack { id: u64, args: Vec<Value> },
    /// Nothing to do: a pong or a noop.
    Idle,
}

/// How long a silence the server promises at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    pub interval: Duration,
    pub timeout: Duration,
}

impl Heartbeat {
    /// The longest time without a frame before the transport counts as dead.
    pub fn silence_max(self) -> Duration {
        self.interval.saturating_add(self.timeout)
    }
}

/// A frame that isn't engine.io v4 with socket.io v5, or uses a part of them that zzan doesn't.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("empty frame")]
    Empty,
    #[error("unknown packet type {0:?}")]
    Type(char),
    #[error("binary attachments are not used on this wire")]
    Binary,
    #[error("namespace {0:?} instead of /")]
    Namespace(String),
    #[error("acknowledgement id is missing or out of range")]
    AckId,
    #[error("{0}")]
    Payload(&'static str),
}

/// The answer to [`Frame::Ping`].
pub const PONG: &str = "3";
/// Leaves the namespace; the server closes the transport.
pub const DISCONNECT: &str = "41";

/// Enters the namespace with the `auth` object of the handshake.
pub fn connect(auth: &Value) -> String {
    format!("40{auth}")
}

/// An event with one object argument, answered by the ack `id`.
pub fn event(name: &str, payload: &Value, id: u64) -> String {
    let args = Value::Array(vec![Value::from(name), payload.clone()]);
    format!("42{id}{args}")
}

/// The answer to an event that came with `ack: Some(id)`.
pub fn ack(id: u64, payload: &Value) -> String {
    format!("43{id}[{payload}]")
}

/// Reads one text frame.
///
/// # Errors
/// [`Malformed`] for everything that isn't a frame of zzan's wire.
pub fn decode(text: &str) -> Result<Frame, Malformed> {
    let (kind, rest) = split_type(text)?;
    match kind {
        '0' => open(rest),
        '1' => Ok(Frame::Close),
        '2' => Ok(Frame::Ping),
        '3' | '6' => Ok(Frame::Idle),
        '4' => message(rest),
        other => Err(Malformed::Type(other)),
    }
}

fn split_type(text: &str) -> Result<(char, &str), Malformed> {
    let mut chars = text.chars();
    let kind = chars.next().ok_or(Malformed::Empty)?;
    Ok((kind, chars.as_str()))
}

fn open(rest: &str) -> Result<Frame, Malformed> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Open {
        ping_interval: u64,
        ping_timeout: u64,
    }
    let open: Open = serde_json::from_str(rest).map_err(|_| Malformed::Payload("open frame without pingInterval and pingTimeout"))?;
    Ok(Frame::Open(Heartbeat { interval: Duration::from_millis(open.ping_interval), timeout: Duration::from_millis(open.ping_timeout) }))
}

fn message(text: &str) -> Result<Frame, Malformed> {
    let (kind, rest) = split_type(text)?;
    if matches!(kind, '5' | '6') {
        return Err(Malformed::Binary);
    }
    let rest = skip_namespace(rest)?;
    match kind {
        '0' => Ok(Frame::Connected),
        '1' => Ok(Frame::Disconnected),
        '2' => {
            let (id, payload) = split_ack_id(rest)?;
            let mut args = array(payload)?.into_iter();
            let Some(Value::String(name)) = args.next() else { return Err(Malformed::Payload("event without a name")) };
            Ok(Frame::Event { name, args: args.collect(), ack: id })
        }
        '3' => {
            let (id, payload) = split_ack_id(rest)?;
            Ok(Frame::Ack { id: id.ok_or(Malformed::AckId)?, args: array(payload)? })
        }
        '4' => refused(rest),
        other => Err(Malformed::Type(other)),
    }
}

fn skip_namespace(rest: &str) -> Result<&str, Malformed> {
    if !rest.starts_with('/') {
        return Ok(rest);
    }
    let (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
    if namespace == "/" { Ok(rest) } else { Err(Malformed::Namespace(namespace.to_owned())) }
}

fn split_ack_id(rest: &str) -> Result<(Option<u64>, &str), Malformed> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Ok((None, rest));
    }
    let (id, payload) = rest.split_at(digits);
    Ok((Some(id.parse().map_err(|_| Malformed::AckId)?), payload))
}

fn array(payload: &str) -> Result<Vec<Value>, Malformed> {
    serde_json::from_str(payload).map_err(|_| Malformed::Payload("arguments are not a JSON array"))
}

fn refused(payload: &str) -> Result<Frame, Malformed> {
    #[derive(Deserialize)]
    struct Refused {
        message: String,
        data: Option<Value>,
    }
    let refused: Refused = serde_json::from_str(payload).map_err(|_| Malformed::Payload("refusal without a message"))?;
    Ok(Frame::Refused { message: refused.message, data: refused.data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_open_frame_tells_the_heartbeat() {
        let frame = decode(r#"0{"sid":"x","upgrades":[],"pingInterval":5000,"pingTimeout":4000,"maxPayload":100000}"#).unwrap();
        let heartbeat = Heartbeat { interval: Duration::from_secs(5), timeout: Duration::from_secs(4) };
        assert_eq!(frame, Frame::Open(heartbeat));
        assert_eq!(heartbeat.silence_max(), Duration::from_secs(9));
    }

    #[test]
    fn a_heartbeat_of_absurd_length_saturates() {
        let text = format!(r#"0{{"pingInterval":{},"pingTimeout":{}}}"#, u64::MAX, u64::MAX);
        let Frame::Open(heartbeat) = decode(&text).unwrap() else { panic!("not open") };
        assert!(heartbeat.silence_max() >= Duration::from_millis(u64::MAX));
    }

    #[test]
    fn control_frames_are_told_apart() {
        assert_eq!(decode("1"), Ok(Frame::Close));
        assert_eq!(decode("2"), Ok(Frame::Ping));
        assert_eq!(decode("2probe"), Ok(Frame::Ping));
        assert_eq!(decode("3"), Ok(Frame::Idle));
        assert_eq!(decode("6"), Ok(Frame::Idle));
        assert_eq!(decode(r#"40{"sid":"secret"}"#), Ok(Frame::Connected));
        assert_eq!(decode("41"), Ok(Frame::Disconnected));
        assert_eq!(decode("41/,"), Ok(Frame::Disconnected));
    }

    #[test]
    fn an_event_keeps_its_arguments_and_its_ack_id() {
        let plain = decode(r#"42["media:map",{"rev":1}]"#).unwrap();
        assert_eq!(plain, Frame::Event { name: "media:map".into(), args: vec![json!({"rev": 1})], ack: None });
        let acked = decode(r#"42/,17["ask",1,"2"]"#).unwrap();
        assert_eq!(acked, Frame::Event { name: "ask".into(), args: vec![json!(1), json!("2")], ack: Some(17) });
    }

    #[test]
    fn an_ack_finds_its_id() {
        assert_eq!(decode(r#"4312[{"ok":true}]"#).unwrap(), Frame::Ack { id: 12, args: vec![json!({"ok": true})] });
        assert_eq!(decode("430[]").unwrap(), Frame::Ack { id: 0, args: vec![] });
    }

    #[test]
    fn a_refusal_carries_its_message_and_data() {
        let frame = decode(r#"44{"message":"unauthorized: token expired","data":{"code":"unauthorized"}}"#).unwrap();
        let data = Some(json!({"code": "unauthorized"}));
        assert_eq!(frame, Frame::Refused { message: "unauthorized: token expired".into(), data });
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same() {
        assert_eq!(
            decode(&event("room:join", &json!({"room": "a\"b"}), 7)).unwrap(),
            Frame::Event { name: "room:join".into(), args: vec![json!({"room": "a\"b"})], ack: Some(7) }
        );
        assert_eq!(decode(&ack(9, &json!({"ok": true}))).unwrap(), Frame::Ack { id: 9, args: vec![json!({"ok": true})] });
        assert_eq!(decode(&connect(&json!({"token": "t"}))), Ok(Frame::Connected));
        assert_eq!(decode(DISCONNECT), Ok(Frame::Disconnected));
        assert_eq!(decode(PONG), Ok(Frame::Idle));
    }

    #[test]
    fn malformed_frames_are_errors_and_never_panics() {
        let cases = [
            ("", Malformed::Empty),
            ("4", Malformed::Empty),
            ("9", Malformed::Type('9')),
            ("é", Malformed::Type('é')),
            ("47", Malformed::Type('7')),
            ("0", Malformed::Payload("open frame without pingInterval and pingTimeout")),
            (r#"0{"pingInterval":-1,"pingTimeout":1}"#, Malformed::Payload("open frame without pingInterval and pingTimeout")),
            ("42", Malformed::Payload("arguments are not a JSON array")),
            ("42{}", Malformed::Payload("arguments are not a JSON array")),
            ("42[]", Malformed::Payload("event without a name")),
            ("42[1]", Malformed::Payload("event without a name")),
            ("42[\"a\"", Malformed::Payload("arguments are not a JSON array")),
            ("43[1]", Malformed::AckId),
            ("4399999999999999999999[1]", Malformed::AckId),
            ("451-[\"a\",{\"_placeholder\":true,\"num\":0}]", Malformed::Binary),
            ("42/admin,[\"a\"]", Malformed::Namespace("/admin".into())),
            ("40/admin", Malformed::Namespace("/admin".into())),
            ("44", Malformed::Payload("refusal without a message")),
            ("44{\"message\":1}", Malformed::Payload("refusal without a message")),
        ];
        for (text, expected) in cases {
            assert_eq!(decode(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn every_prefix_of_a_valid_frame_is_answered_without_a_panic() {
        for text in [r#"0{"pingInterval":5000,"pingTimeout":5000}"#, r#"42/,17["짠",{"a":[1,2]}]"#, r#"44{"message":"m"}"#] {
            for (end, _) in text.char_indices() {
                let _ = decode(&text[..end]);
            }
            assert!(decode(text).is_ok(), "{text}");
        }
    }
}
