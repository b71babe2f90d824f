//! JSON in: read whole under a limit, then parsed with an error that names the field.
//!
//! Invariant: what a handler gets was parsed completely, had no field that it doesn't know, and was at most [`DEPTH_MAX`] deep.

use super::error::{Code, Problem};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

/// Arrays and objects within each other. Our bodies need two.
pub const DEPTH_MAX: usize = 32;

/// A body of type `application/json`.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::Invalid, "the content type is to be application/json"));
        }
        parse(&read(request, state).await?).map(Self)
    }
}

/// A JSON body of any content type: a page that unloads can send `text/plain` only.
pub struct Beacon<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Beacon<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        parse(&read(request, state).await?).map(Self)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge, "the body is too large"),
        _ => Problem::new(StatusCode::BAD_REQUEST, Code::Invalid, "the body could not be read"),
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let malformed = |detail: String| Problem::new(StatusCode::BAD_REQUEST, Code::Invalid, detail);
    if depth(bytes) > DEPTH_MAX {
        return Err(malformed(format!("the body is nested deeper than {DEPTH_MAX}")));
    }
    // A list would be taken for the fields of a struct in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::field("body", "is a list, expected an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = error.path().to_string();
        let error = error.into_inner();
        match error.classify() {
            serde_json::error::Category::Data => in_field(&field, &message(&error)),
            _ => malformed(format!("the body is no JSON: {error}")),
        }
    })?;
    deserializer.end().map_err(|error| malformed(format!("the body is no JSON: {error}")))?;
    Ok(value)
}

/// A field that is missing has no path of its own: its object's ends before it.
fn in_field(path: &str, message: &str) -> Problem {
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    match (path, missing) {
        (".", Some(name)) => Problem::field(name, "is missing"),
        (".", None) => Problem::field("body", message),
        (path, Some(name)) => Problem::field(format!("{path}.{name}"), "is missing"),
        (path, None) => Problem::field(path, message),
    }
}

/// serde_json's text without the place in the text, which the field's name tells better.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
}

/// The deepest nesting, of well-formed JSON. Of anything else some number: it is refused anyway.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_nesting_and_not_what_stands_in_texts() {
        for (json, expected) in
            [("1", 0), ("{}", 1), ("[[],[]]", 2), (r#"{"a":{"b":[1]}}"#, 3), (r#""[[[""#, 0), (r#"["\"[[", []]"#, 2), ("]]]]", 0)]
        {
            assert_eq!(depth(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn a_wrong_type_names_its_field_and_broken_text_its_place() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only parsed")]
        struct Outer {
            inner: Inner,
        }
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only parsed")]
        struct Inner {
            count: u8,
        }
        let wrong = parse::<Outer>(br#"{"inner":{"count":"four"}}"#).expect_err("no number");
        assert_eq!((wrong.status, wrong.errors[0].field.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "inner.count"));
        assert_eq!(wrong.errors[0].message, "invalid type: string \"four\", expected u8");
        for (body, field) in [("{}", "inner"), (r#"{"inner":{}}"#, "inner.count"), ("[]", "body"), ("7", "body")] {
            assert_eq!(parse::<Outer>(body.as_bytes()).expect_err("incomplete").errors[0].field, field, "{body}");
        }
        for broken in [&b"{"[..], b"", b"{} {}", b"\xff", b"{\"inner\":{\"count\":1}}x"] {
            assert_eq!(parse::<Outer>(broken).map(|_| ()).map_err(|problem| problem.status), parse_status(broken), "{broken:?}");
        }
    }

    /// `{} {}` fails by its missing field before its second value is reached.
    fn parse_status(broken: &[u8]) -> Result<(), StatusCode> {
        Err(if broken == b"{} {}" { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST })
    }
}
