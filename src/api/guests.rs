//! `/v1/guests`: visitors without a login get a user token, where the configuration lets them.

use super::App;
use super::auth::{self, Public};
use super::body::Json;
use super::error::{Problem, ProblemBody};
use super::tokens::{GUEST_TOKEN_LIFE, mint};
use super::types::{CreateGuest, Guest, User as RestUser, shown_name};
use ::rooms::session::Grants;
use ::rooms::{User, UserId};
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use std::net::SocketAddr;
use std::time::SystemTime;

/// Starts the id of every guest.
const PREFIX: &str = "guest";

/// Makes a guest
///
/// Public. With an earlier token of a guest in `Authorization` the user stays the same, and may take another name.
#[utoipa::path(
    post, path = "/v1/guests", tag = "visitors", operation_id = "createGuest", security((), ("token" = [])),
    request_body = CreateGuest,
    responses(
        (status = 200, description = "The guest and a token", body = Guest),
        (status = 403, description = "This node has no guests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    peer: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Json(body): Json<CreateGuest>,
) -> Result<axum::Json<Guest>, Problem> {
    if !app.guests {
        return Err(Problem::forbidden("guests are switched off here"));
    }
    app.limiters.check(Public::Guest, peer)?;
    let name = shown_name(&body.name).map_err(|reason| Problem::field("name", reason))?;
    let id = earlier(&app, &headers).unwrap_or_else(|| UserId::new(::rooms::random_id(PREFIX)));
    let user = User { id, name };
    let minted = mint(app.signing_key(), user.clone(), Grants::User, GUEST_TOKEN_LIFE, SystemTime::now())?;
    Ok(axum::Json(Guest { token: minted.token, user: RestUser::from(&user), expires_at: minted.expires_at }))
}

/// The guest that a token speaks of. A token that is none of a guest, or no longer good, makes a new one: a page that kept it goes on.
fn earlier(app: &App, headers: &HeaderMap) -> Option<UserId> {
    let verified = auth::token(app, headers).ok()?;
    let is_ours = app.signing_key().is_some_and(|key| key.id() == verified.key);
    (is_ours && verified.subject.grants == Grants::User && is_guest(&verified.subject.user)).then_some(verified.subject.user.id)
}

/// Whether the user was made here rather than by a backend.
pub fn is_guest(user: &User) -> bool {
    user.id.as_str().strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with('_'))
}
