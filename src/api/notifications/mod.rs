//! `/v1/notifications`: backends put something into an inbox, and its owner reads it.
//!
//! The stream of an inbox is in `events`. Invariant: an owner is named by its token alone, so no address leads to another's inbox.

pub mod events;
mod types;

use super::App;
use super::auth::{self, Backend};
use super::body::Json;
use super::error::{Code, Problem, ProblemBody};
use ::rooms::inbox::{BackendNotice, Owner};
use ::rooms::store::{Notice, Reading, Seek};
use ::rooms::{Error, NotificationId, UserId};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use signaling::token::Verified;
use std::time::SystemTime;
use types::{CreateNotification, ListNotifications, Notification, Notifications, ReadNotifications, Unread};

/// Notifications on a page when the client doesn't say.
const PAGE: u32 = 50;

/// Puts something into a user's inbox
///
/// The user is told at once on every socket and event stream, and finds it later otherwise. With the same key (`Idempotency-Key`, or `key` of
/// the body) a retry within 24 hours keeps nothing again and returns what was kept.
#[utoipa::path(
    post, path = "/v1/notifications", tag = "notifications", operation_id = "createNotification", security(("key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 64 characters of ASCII")),
    request_body = CreateNotification,
    responses(
        (status = 201, description = "It is kept, now or by an earlier request with this key", body = Notification),
        (status = 400, description = "The body is no JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "What was kept with this key was forgotten for newer ones", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong, or the key stood for something else", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    backend: Backend,
    headers: HeaderMap,
    Json(body): Json<CreateNotification>,
) -> Result<(StatusCode, axum::Json<Notification>), Problem> {
    let header = super::rooms::nonce(&headers)?.map(|nonce| nonce.0);
    let CreateNotification { user, title, body, url, data, key } = body;
    let key = match (header, key) {
        (Some(header), Some(key)) if header != key => {
            return Err(Problem::field("key", "Idempotency-Key says another: give one of them"));
        }
        (header, key) => header.or(key),
    };
    let data = data.map(|data| serde_json::Value::Object(data).to_string());
    let notice = BackendNotice { backend: backend.key_id, user: UserId::new(user), notice: Notice { title, body, url, data }, key };
    let kept = app.hub.notify_as_backend(notice).await.map_err(|error| match error {
        Error::Conflict(detail) if detail == ::rooms::inbox::KEY_USED => Problem::field("Idempotency-Key", detail),
        error => error.into(),
    })?;
    Ok((StatusCode::CREATED, axum::Json(kept.into())))
}

/// Lists one's notifications
///
/// Oldest first. Without a bound the newest ones.
#[utoipa::path(
    get, path = "/v1/notifications", tag = "notifications", operation_id = "listNotifications", security(("token" = [])),
    params(ListNotifications),
    responses(
        (status = 200, description = "A page", body = Notifications),
        (status = 401, description = "No valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "A token for a room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A bound or the limit is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    headers: HeaderMap,
    Query(request): Query<ListNotifications>,
) -> Result<axum::Json<Notifications>, Problem> {
    let (owner, _) = owner(&app, auth::bearer(&headers))?;
    let seek = match (request.before, request.after) {
        (None, None) => Seek::Newest,
        (Some(seq), None) => Seek::Before(seq),
        (None, Some(seq)) => Seek::After(seq),
        (Some(_), Some(_)) => return Err(Problem::field("after", "is there beside before: give one of them")),
    };
    let page = app.hub.notifications(&owner, seek, request.limit.unwrap_or(PAGE)).await?;
    Ok(axum::Json(page.into()))
}

/// Marks notifications as read
///
/// Either those with the ids, or all up to a number. What is read stays read.
#[utoipa::path(
    post, path = "/v1/notifications/read", tag = "notifications", operation_id = "readNotifications", security(("token" = [])),
    request_body = ReadNotifications,
    responses(
        (status = 200, description = "They are read", body = Unread),
        (status = 401, description = "No valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "A token for a room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "One of the ids is none of one's own; nothing was marked", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn read(State(app): State<App>, headers: HeaderMap, Json(body): Json<ReadNotifications>) -> Result<axum::Json<Unread>, Problem> {
    let (owner, _) = owner(&app, auth::bearer(&headers))?;
    let reading = match (body.ids, body.up_to) {
        (Some(ids), None) => Reading::Ids(ids.into_iter().map(NotificationId::new).collect()),
        (None, Some(seq)) => Reading::UpTo(seq),
        (None, None) => return Err(Problem::field("ids", "is missing, and so is up_to: give one of them")),
        (Some(_), Some(_)) => return Err(Problem::field("up_to", "is there beside ids: give one of them")),
    };
    let unread = app.hub.read_notifications(&owner, reading).await?;
    Ok(axum::Json(Unread { unread }))
}

/// Whose inbox a token opens.
///
/// # Errors
/// 401 for none that is good now, 403 for one of a room, 429 for who asks too often.
fn owner(app: &App, token: Option<&str>) -> Result<(Owner, Verified), Problem> {
    let token = token.ok_or_else(|| Problem::unauthorized("a token is needed"))?;
    let verified = app.tokens.verify(token).map_err(|refused| Problem::unauthorized(&refused.to_string()))?;
    if verified.expires_at <= SystemTime::now() {
        return Err(Problem::unauthorized("token expired"));
    }
    app.limiters.check_person(&verified.subject.user.id)?;
    let owner = Owner::of(&verified.subject.user, &verified.subject.grants)
        .map_err(|error| Problem::new(StatusCode::FORBIDDEN, Code::Forbidden, error.to_string()))?;
    Ok((owner, verified))
}
