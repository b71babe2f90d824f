//! Entry points of the fuzzer: each takes any bytes, runs a decoder of the node on them and panics when one of its promises is broken.
//!
//! Not an API: only built for tests and by the fuzz crate. Invariant: what is found here stays found, for the tests run every input of the
//! corpus through the same functions.

use crate::api::body::{DEPTH_MAX, parse};
use crate::api::whip::fragment;
use crate::api::{auth, types};
use crate::config::{ApiKey, Config, SECRET_BYTES_MIN, origin};
use axum::http::{HeaderMap, HeaderValue, header};

/// A configuration file, and behind a NUL lines of `NAME=value` as environment.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // It would open whatever file the input names.
    if text.to_ascii_lowercase().contains("_file") || text.contains("\\u") || text.contains("\\x") {
        return;
    }
    let (file, environment) = text.split_once('\0').unwrap_or((text, ""));
    let variables = environment.lines().filter_map(|line| line.split_once('='));
    let env = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    match Config::of_text(file, env) {
        Ok((config, effective)) => {
            for (n, key) in config.keys.iter().enumerate() {
                assert!(key.secret.expose().len() >= SECRET_BYTES_MIN && config.keys[..n].iter().all(|other| other.id != key.id));
            }
            assert!(!config.keys.is_empty() && !effective.is_empty());
            for written in config.origins.iter().chain(&config.embed_origins).chain(&config.public_url) {
                assert_eq!(origin(written).as_ref(), Some(written), "an origin is written in one way");
            }
        }
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
}

/// The body of a request, its `Authorization`, or an offer and a fragment with a NUL between them: the first byte says which.
pub fn request(data: &[u8]) {
    let Some((&kind, bytes)) = data.split_first() else { return };
    let parsed = match kind % 10 {
        0 => parse::<types::CreateRoom>(bytes).is_ok(),
        1 => parse::<types::CreateLink>(bytes).is_ok(),
        2 => parse::<types::RedeemLink>(bytes).is_ok(),
        3 => parse::<types::CreateToken>(bytes).is_ok(),
        4 => parse::<types::CreateGuest>(bytes).is_ok(),
        5 => parse::<types::ModerateParticipant>(bytes).is_ok(),
        6 => parse::<types::Unload>(bytes).is_ok(),
        7 => parse::<serde_json::Value>(bytes).is_ok_and(|value| {
            assert!(nesting(&value) <= DEPTH_MAX, "nested too deep");
            true
        }),
        8 => {
            ice_restarts(bytes);
            return;
        }
        _ => {
            let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value);
            if let Some(credentials) = auth::bearer(&headers) {
                let key = ApiKey::of("shop", "a secret of a shop, long enough for HS256");
                let opened = auth::authenticate(std::slice::from_ref(&key), credentials).is_some();
                assert_eq!(opened, credentials == format!("{}:{}", key.id, key.secret.expose()));
            }
            false
        }
    };
    assert!(!parsed || std::str::from_utf8(bytes).is_ok());
}

/// Credentials that were read are those that stand in the offer afterwards, in an SDP of as many lines.
fn ice_restarts(bytes: &[u8]) {
    let Some((offer, fragment)) = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once('\0')) else { return };
    fragment::of_answer(offer);
    let (Some(_), Some(wanted)) = (fragment::credentials(offer), fragment::credentials(fragment)) else { return };
    let restarted = fragment::restarted(offer, &wanted);
    assert_eq!(fragment::credentials(&restarted), Some(wanted));
    assert_eq!(restarted.lines().count(), offer.lines().count());
}

fn nesting(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(values) => 1 + values.iter().map(nesting).max().unwrap_or(0),
        serde_json::Value::Object(fields) => 1 + fields.values().map(nesting).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    /// Runs a target on each input of its corpus.
    fn replay(target: &str, run: fn(&[u8])) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/").to_owned() + target;
        let inputs: Vec<_> = std::fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("listed").path()).collect();
        assert!(!inputs.is_empty(), "{folder} is empty");
        for input in inputs {
            run(&std::fs::read(&input).expect("read"));
        }
    }

    #[test]
    fn the_corpus_of_each_target_breaks_no_promise() {
        replay("config", super::config);
        replay("request", super::request);
    }
}
