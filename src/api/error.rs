//! Refusals as RFC 9457 problems.
//!
//! A handler returns a [`Problem`]; the outermost layer ([`render`]) writes its body, because only there the request's id is known. Invariant:
//! every answer of `/v1` with an error status is a problem, those of the framework (405, 413 …) included.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// The request's id: in every answer, in the log, and in problems.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// For programs. The same words as on the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    Unauthorized,
    Forbidden,
    NotFound,
    Conflict,
    RoomFull,
    BadPassword,
    Invalid,
    TooLarge,
    RateLimited,
    Unavailable,
    Internal,
}

/// What is wrong with one field of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Dotted path into the body, as `grants.room_admin`; `.` is the body as a whole.
    #[schema(example = "capacity")]
    pub field: String,
    pub message: String,
}

/// A refusal.
#[derive(Debug, Clone)]
pub struct Problem {
    pub status: StatusCode,
    pub code: Code,
    /// For people.
    pub detail: String,
    pub errors: Vec<FieldError>,
    pub retry_after: Option<Duration>,
}

/// `application/problem+json` (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// For people.
    detail: String,
    code: Code,
    /// What is wrong with which field, when the body was at fault.
    errors: Vec<FieldError>,
    /// For the log of the node: the same as the header `X-Request-Id`.
    request_id: String,
}

impl Problem {
    pub fn new(status: StatusCode, code: Code, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// A body that is JSON, but not what it should be.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let error = FieldError { field: field.into(), message: message.into() };
        let detail = format!("{}: {}", error.field, error.message);
        Self { errors: vec![error], ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, Code::Invalid, detail) }
    }

    pub fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, Code::Unauthorized, detail)
    }

    pub fn forbidden(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, Code::Forbidden, detail)
    }

    pub fn rate_limited(retry_after: Duration) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, "too many requests");
        Self { retry_after: Some(retry_after), ..problem }
    }

    fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::UNAUTHORIZED => (Code::Unauthorized, "no valid credentials"),
            StatusCode::FORBIDDEN => (Code::Forbidden, "not allowed"),
            StatusCode::NOT_FOUND => (Code::NotFound, "there is no such resource"),
            StatusCode::METHOD_NOT_ALLOWED => (Code::Invalid, "the resource has no such method"),
            StatusCode::PAYLOAD_TOO_LARGE => (Code::TooLarge, "the body is too large"),
            StatusCode::REQUEST_TIMEOUT => (Code::Unavailable, "the request took too long"),
            status if status.is_client_error() => (Code::Invalid, "the request is malformed"),
            _ => (Code::Internal, "something went wrong here"),
        };
        Self::new(status, code, detail)
    }

    fn write(self, mut parts: axum::http::response::Parts, request_id: &str) -> Response {
        let body = ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code,
            errors: self.errors,
            request_id: request_id.to_owned(),
        };
        let json = serde_json::to_vec(&body).unwrap_or_default();
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        parts.headers.remove(header::CONTENT_LENGTH);
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up: coming back earlier would be in vain.
            parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_millis().div_ceil(1000).max(1) as u64));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"zzan\""));
        }
        Response::from_parts(parts, Body::from(json))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<rooms::Error> for Problem {
    fn from(error: rooms::Error) -> Self {
        use rooms::Error;
        let detail = error.to_string();
        match error {
            Error::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, Code::Forbidden, detail),
            Error::NotFound(_) => Self::new(StatusCode::NOT_FOUND, Code::NotFound, detail),
            Error::Conflict(_) => Self::new(StatusCode::CONFLICT, Code::Conflict, detail),
            Error::RoomFull => Self::new(StatusCode::CONFLICT, Code::RoomFull, detail),
            Error::BadPassword => Self::new(StatusCode::FORBIDDEN, Code::BadPassword, detail),
            Error::Invalid { field, reason } => Self::field(field, reason),
            Error::TooLarge { field, limit } => Self { code: Code::TooLarge, ..Self::field(field, format!("longer than {limit}")) },
            Error::RateLimited { retry_after } => Self::rate_limited(retry_after),
            Error::Unsupported(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, Code::Invalid, detail),
            Error::Unavailable(_) => {
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, detail);
                Self { retry_after: Some(Duration::from_secs(1)), ..problem }
            }
        }
    }
}

/// The outermost layer: gives the request its id, and writes problems.
pub async fn render(request: Request, next: Next) -> Response {
    let is_api = request.uri().path() == "/v1" || request.uri().path().starts_with("/v1/");
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let request_id = rooms::random_id("req");
    let response = next.run(request).await;
    let (mut parts, body) = response.into_parts();
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        parts.headers.insert(REQUEST_ID, id);
    }
    if parts.status.is_server_error() {
        tracing::error!(%request_id, %method, path, status = parts.status.as_u16(), "a request failed");
    }
    let problem = parts.extensions.remove::<Problem>();
    let is_error = parts.status.is_client_error() || parts.status.is_server_error();
    match problem {
        Some(problem) => problem.write(parts, &request_id),
        None if is_api && is_error => Problem::of_status(parts.status).write(parts, &request_id),
        None => Response::from_parts(parts, body),
    }
}
