//! Entry points of the fuzzer: each takes any bytes, runs a decoder of this crate on them and panics when one of its promises is broken.
//!
//! Not an API: only built for tests and by the fuzz crate. Invariant: what is found here stays found, for the tests run every input of the
//! corpus through the same functions.

use crate::gate::Origins;
use crate::listener::fuzzing::{client, frames, head_end, written};
use crate::token::{Key, Keys};
use axum::http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

/// Bytes of a connection: WebSocket frames, the head of an answer, `X-Forwarded-For`, `Origin`. The first byte says which.
pub fn connection(data: &[u8]) {
    let [kind, cut, bytes @ ..] = data else { return };
    match kind % 4 {
        0 => {
            frames(bytes, usize::from(*cut) + 1);
            written(bytes, usize::from(*cut) + 1);
        }
        1 => head_end(bytes, usize::from(*cut) + 1),
        2 => {
            let mut headers = HeaderMap::new();
            for value in bytes.split(|byte| *byte == b'\n').filter_map(|value| HeaderValue::from_bytes(value).ok()) {
                headers.append("x-forwarded-for", value);
            }
            let proxy: IpAddr = [10, 0, 0, 1].into();
            let (stranger, trusted) = (SocketAddr::from(([192, 0, 2, *cut], 1)), SocketAddr::new(proxy, 1));
            assert_eq!(client(stranger, &headers, &[proxy]), stranger, "a stranger is believed");
            let named = client(trusted, &headers, &[proxy]);
            assert!(named == trusted || named.ip() != proxy, "a proxy is somebody's client");
        }
        _ => {
            let Ok(origin) = std::str::from_utf8(bytes) else { return };
            let exact = Origins { allowed: vec!["https://shop.example".to_owned()], loopback: false };
            assert_eq!(exact.allow(origin), origin == "https://shop.example");
            let dev = Origins { allowed: vec![], loopback: true };
            let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).unwrap_or_default();
            let host = rest.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(rest, |(host, _)| host);
            assert!(!dev.allow(origin) || ["localhost", "127.0.0.1", "[::1]"].contains(&host), "{origin:?} is not this machine");
        }
    }
}

/// One event as socket.io hands it over: the name and its argument, up to what the domain takes.
pub fn event(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        crate::session::parses(text);
    }
}

/// A token, as it comes (first byte even) or with these claims under a true signature (odd).
pub fn token(data: &[u8]) {
    const SECRET: &str = "a secret of a shop, long enough for HS256";
    static KEYS: OnceLock<Keys> = OnceLock::new();
    let keys = KEYS.get_or_init(|| Keys::new([Key::new("shop", SECRET).expect("long enough")]));
    let Some((&kind, bytes)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if kind & 1 == 0 {
        assert!(keys.verify(text).is_err(), "nobody can sign without the key");
        return;
    }
    let Ok(claims) = serde_json::from_str::<serde_json::Value>(text) else { return };
    let header = Header { kid: Some("shop".to_owned()), ..Header::new(Algorithm::HS256) };
    let Ok(signed) = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(SECRET.as_bytes())) else { return };
    if let Ok(verified) = keys.verify(&signed) {
        let user = &verified.subject.user;
        assert!((1..=crate::token::SUB_BYTES_MAX).contains(&user.id.as_str().len()));
        assert!(!user.name.trim().is_empty() && user.name.chars().count() <= crate::token::NAME_CHARS_MAX);
        assert!(!verified.jti.is_empty());
    }
}

#[cfg(test)]
mod tests {
    /// Runs a target on each input of its corpus.
    fn replay(target: &str, run: fn(&[u8])) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/").to_owned() + target;
        let inputs: Vec<_> = std::fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("listed").path()).collect();
        assert!(!inputs.is_empty(), "{folder} is empty");
        for input in inputs {
            run(&std::fs::read(&input).expect("read"));
        }
    }

    #[test]
    fn the_corpus_of_each_target_breaks_no_promise() {
        replay("connection", super::connection);
        replay("event", super::event);
        replay("token", super::token);
    }
}
