//! The S3-compatible bucket that clients upload files to.
//!
//! Invariant: either everything that a signature needs is there, or nothing of it.

use super::keys::{Secret, read_secret};
use super::layers::{Origin, Setting, Value};
use super::problem::Problem;
use super::reader::Reader;
use std::time::Duration;

/// Photos and short videos. A larger one is rather streamed.
const BYTES_MAX: u64 = 25 * 1024 * 1024;

/// As long as a slow phone takes for one file.
const TTL_S: u64 = 600;

/// A bucket, and the key that may put objects into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploads {
    /// `scheme://host[:port]`; the bucket is the first part of the path.
    pub endpoint: String,
    pub bucket: String,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: Secret,
    /// Where the objects are read, without a slash at the end.
    pub public_url: String,
    pub bytes_max: u64,
    /// How long the address of an upload is good.
    pub ttl: Duration,
}

const ENDPOINT: &str = "a URL of scheme, host and port only, as https://s3.ap-northeast-2.amazonaws.com";
const PUBLIC_URL: &str = "a URL under which the bucket is read, as https://files.example.com";

/// Reads `uploads.*`.
pub(super) fn read(reader: &mut Reader) -> Option<Uploads> {
    let endpoint = reader.optional("uploads.endpoint", ENDPOINT, super::origin);
    let bucket = reader.optional("uploads.bucket", "a bucket's name: 3 to 63 lower-case letters, digits, - and .", |text| {
        is_bucket(text).then(|| text.to_owned())
    });
    let region = reader.text("uploads.region", "us-east-1".to_owned(), "a region, as ap-northeast-2", is_word);
    let access_key_id = reader.optional("uploads.access_key_id", "the id of an access key", is_word);
    let public_url = reader.optional("uploads.public_url", PUBLIC_URL, public_url);
    let bytes_max = reader.number("uploads.max_bytes", BYTES_MAX, 1..=5 * 1024 * 1024 * 1024);
    let ttl = Duration::from_secs(reader.number("uploads.ttl_s", TTL_S, 10..=7 * 86_400));
    let secret_access_key = read_secret_access_key(reader);
    match (endpoint, bucket, access_key_id, secret_access_key) {
        (None, None, None, None) => None,
        (Some(endpoint), Some(bucket), Some(access_key_id), Some(secret_access_key)) => {
            let public_url = public_url.unwrap_or_else(|| format!("{endpoint}/{bucket}"));
            Some(Uploads { endpoint, bucket, region, access_key_id, secret_access_key, public_url, bytes_max, ttl })
        }
        (endpoint, bucket, access_key_id, secret) => {
            let all = [
                ("uploads.endpoint", endpoint.is_none()),
                ("uploads.bucket", bucket.is_none()),
                ("uploads.access_key_id", access_key_id.is_none()),
                ("uploads.secret_access_key", secret.is_none()),
            ];
            // What was there and odd is a problem already.
            if reader.problems.iter().all(|problem| !problem.key.starts_with("uploads.")) {
                for (key, _) in all.into_iter().filter(|(_, missing)| *missing) {
                    let needed = "uploads need endpoint, bucket, access_key_id and secret_access_key: give all of them, or none";
                    reader.problems.push(Problem::new(key, None, Origin::Default, needed));
                }
            }
            None
        }
    }
}

fn read_secret_access_key(reader: &mut Reader) -> Option<Secret> {
    let (inline, file) = (reader.raw("uploads.secret_access_key"), reader.raw("uploads.secret_access_key_file"));
    let origin = inline.as_ref().or(file.as_ref()).map_or(Origin::Default, |setting| setting.origin.clone());
    let secret = match (&inline, &file) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err("uploads.secret_access_key_file is there too: give one of them".to_owned()),
        (Some(setting), None) => text(setting).map(|secret| Some(secret.to_owned())),
        (None, Some(setting)) => text(setting).and_then(|file| read_secret(file, &setting.origin)).map(Some),
    };
    reader.record("uploads.secret_access_key", if inline.is_some() { "\"[redacted]\"" } else { "\"\"" }.into(), origin.clone());
    let shown = file.as_ref().map_or_else(|| "\"\"".into(), |setting| setting.value.show());
    reader.record("uploads.secret_access_key_file", shown, origin.clone());
    match secret {
        Ok(Some(secret)) if secret.is_empty() => {
            reader.problems.push(Problem::new(
                "uploads.secret_access_key",
                None,
                origin,
                "is empty: allowed is the secret of the access key",
            ));
            None
        }
        Ok(secret) => secret.map(Secret::new),
        Err(problem) => {
            reader.problems.push(Problem::new("uploads.secret_access_key", None, origin, problem));
            None
        }
    }
}

fn text(setting: &Setting) -> Result<&str, String> {
    match &setting.value {
        Value::Text(text) => Ok(text),
        _ => Err("allowed is a text".into()),
    }
}

fn is_bucket(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    (3..=63).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('.') && !text.contains("..")
}

fn is_word(text: &str) -> Option<String> {
    let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    fits.then(|| text.to_owned())
}

/// An origin and perhaps a path.
fn public_url(text: &str) -> Option<String> {
    let scheme = text.find("://")? + 3;
    let path = text[scheme..].find('/').map_or("", |slash| &text[scheme + slash..]).trim_end_matches('/');
    let fits = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte));
    let start = &text[..text[scheme..].find('/').map_or(text.len(), |slash| scheme + slash)];
    fits.then(|| super::origin(start).map(|origin| format!("{origin}{path}"))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin_and_perhaps_a_path() {
        for (given, expected) in [
            ("https://files.example.com", "https://files.example.com"),
            ("https://Files.example.com:443/", "https://files.example.com"),
            ("http://127.0.0.1:9000/bucket/a-b/", "http://127.0.0.1:9000/bucket/a-b"),
        ] {
            assert_eq!(public_url(given).as_deref(), Some(expected));
        }
        for bad in ["", "files.example.com", "ftp://a", "https://a/?b", "https://a/#b", "https://u@a/b", "https:///b", "https://a b/"] {
            assert_eq!(public_url(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_bucket_is_named_as_s3_has_it() {
        assert!(is_bucket("photos-2026.example"));
        for bad in ["ab", "Photos", "a/b", "a b c", "..a", "a..b", &"x".repeat(64)] {
            assert!(!is_bucket(bad), "{bad}");
        }
    }
}
