//! `/v1/unload`: a page says that it goes away, faster than its transport could.

use super::App;
use super::body::Beacon;
use super::error::{Problem, ProblemBody};
use super::types::Unload;
use axum::extract::State;
use axum::http::StatusCode;

/// Tells that a page unloads
///
/// For `navigator.sendBeacon`: any content type. The session's secret is the credential; an unknown one changes nothing.
#[utoipa::path(
    post, path = "/v1/unload", tag = "visitors", operation_id = "unload", security(()),
    request_body(content = Unload, content_type = "text/plain"),
    responses(
        (status = 204, description = "Heard"),
        (status = 400, description = "The body is no JSON", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn unload(State(app): State<App>, Beacon(body): Beacon<Unload>) -> Result<StatusCode, Problem> {
    app.sessions.unloaded(&body.session).await;
    Ok(StatusCode::NO_CONTENT)
}
