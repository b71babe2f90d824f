//! `/v1/media/{session}`: the resource that WHIP and WHEP give back. Its URL is unguessable, and the credential for it.

use super::super::App;
use super::super::error::{Code, Problem, ProblemBody};
use super::{check_type, fragment};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The content type of a `PATCH`.
pub const FRAGMENT_TYPE: &str = "application/trickle-ice-sdpfrag";

/// Ends a publisher's or player's session
#[utoipa::path(
    delete, path = "/v1/media/{session}", tag = "media", operation_id = "endMedia", security(()),
    params(("session" = String, Path, description = "From the `Location` of the session")),
    responses(
        (status = 200, description = "The seat is free"),
        (status = 404, description = "The session has ended", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn end(State(app): State<App>, Path(session): Path<String>) -> Result<StatusCode, Problem> {
    if app.http_media.end(&session) { Ok(StatusCode::OK) } else { Err(gone()) }
}

/// Restarts ICE, or tells candidates
///
/// Candidates aren't needed: the server is ICE-lite. They are taken with 204. New credentials restart ICE (RFC 9725 §4.3.2).
#[utoipa::path(
    patch, path = "/v1/media/{session}", tag = "media", operation_id = "patchMedia", security(()),
    params(
        ("session" = String, Path, description = "From the `Location` of the session"),
        ("If-Match" = String, Header, description = "The `ETag` of the session, or `*` to restart ICE"),
    ),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag"),
    responses(
        (status = 200, description = "ICE restarts with this fragment", body = String, content_type = "application/trickle-ice-sdpfrag",
            headers(("ETag" = String))),
        (status = 204, description = "Nothing had to be done"),
        (status = 404, description = "The session has ended", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "Another ICE session than the present one", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The content type is not application/trickle-ice-sdpfrag", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "No credentials in it, or the restart was refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn patch(State(app): State<App>, Path(session): Path<String>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let held = app.http_media.find(&session).ok_or_else(gone)?;
    check_type(&headers, FRAGMENT_TYPE)?;
    let condition = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let Some(condition) = condition else {
        return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, Code::Invalid, "If-Match is needed: the session's ETag, or *"));
    };
    if condition != "*" && condition != held.etag {
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, Code::Conflict, "the ICE session is another one by now"));
    }
    let text = std::str::from_utf8(&body).map_err(|_| Problem::field("body", "is not UTF-8"))?;
    let ice = fragment::credentials(text).ok_or_else(|| Problem::field("body", "has no ice-ufrag and ice-pwd"))?;
    if !held.is_restarted_by(&ice) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let (answer, etag) = app.http_media.restart(&app.hub, &session, &held, &ice).await?;
    let mut response = fragment::of_answer(&answer).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(FRAGMENT_TYPE));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}

fn gone() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, Code::NotFound, "there is no such session")
}
