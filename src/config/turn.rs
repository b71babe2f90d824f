//! The TURN server that clients are told of, and the secret shared with it.
//!
//! Invariant: where there are addresses there is a secret, and the other way round.

use super::keys::{Secret, read_secret};
use super::layers::{Origin, Setting, Value};
use super::problem::Problem;
use super::reader::Reader;
use std::time::Duration;

/// Longer than a call takes, mostly: a TURN server ends what it carries when the credential is over and is asked for again.
const TTL: u64 = 6 * 3_600;

/// A TURN server with a secret shared by `use-auth-secret`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Never empty.
    pub urls: Vec<String>,
    pub secret: Secret,
    /// How long a credential is good.
    pub ttl: Duration,
}

const URLS: &str = "a list of turn: or turns: addresses, each as turn:turn.example.com:3478?transport=udp";

/// Reads `turn.*`.
pub(super) fn read(reader: &mut Reader) -> Option<Turn> {
    let urls = reader.list("turn.urls", URLS, |text| is_turn(text).then(|| text.to_owned()));
    let ttl = Duration::from_secs(reader.number("turn.ttl_s", TTL, 60..=7 * 86_400));
    let (inline, file) = (reader.raw("turn.secret"), reader.raw("turn.secret_file"));
    let origin = inline.as_ref().or(file.as_ref()).map_or(Origin::Default, |setting| setting.origin.clone());
    let secret = match (&inline, &file) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err("turn.secret_file is there too: give one of them".to_owned()),
        (Some(setting), None) => text(setting).map(|secret| Some(secret.to_owned())),
        (None, Some(setting)) => text(setting).and_then(|file| read_secret(file, &setting.origin)).map(Some),
    };
    reader.record("turn.secret", if inline.is_some() { "\"[redacted]\"" } else { "\"\"" }.into(), origin.clone());
    let shown = file.as_ref().map_or_else(|| "\"\"".into(), |setting| setting.value.show());
    reader.record("turn.secret_file", shown, origin.clone());
    let (key, problem) = match (secret, urls.is_empty()) {
        (Err(problem), _) => ("turn.secret", problem),
        (Ok(None), true) => return None,
        (Ok(Some(secret)), false) if !secret.is_empty() => return Some(Turn { urls, secret: Secret::new(secret), ttl }),
        (Ok(_), false) => ("turn.secret", "turn.urls need the secret of the TURN server, here or in turn.secret_file".into()),
        (Ok(Some(_)), true) => ("turn.urls", format!("a secret needs {URLS}")),
    };
    reader.problems.push(Problem::new(key, None, origin, problem));
    None
}

fn text(setting: &Setting) -> Result<&str, String> {
    match &setting.value {
        Value::Text(text) => Ok(text),
        _ => Err("allowed is a text".into()),
    }
}

/// RFC 7065, section 3.1.
fn is_turn(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("turn:").or_else(|| text.strip_prefix("turns:")) else { return false };
    let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let host_fits = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte));
    host_fits && port.is_none_or(|port| port.parse::<u16>().is_ok()) && matches!(query, "" | "transport=udp" | "transport=tcp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_as_browsers_do() {
        for good in ["turn:a.example", "turn:a.example:3478", "turns:a.example:443?transport=tcp", "turn:[2001:db8::1]:3478", "turn:[::1]"]
        {
            assert!(is_turn(good), "{good}");
        }
        for bad in
            ["a.example", "turn:", "stun:a.example", "turn://a.example", "turn:a:port", "turn:a?transport=sctp", "turn:a b", "turn::1"]
        {
            assert!(!is_turn(bad), "{bad}");
        }
    }
}
