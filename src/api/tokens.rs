//! Tokens: backends ask for one per user and room, and holders of ours renew them.

use super::App;
use super::auth::{self, Backend, Public};
use super::body::Json;
use super::error::{Code, Problem, ProblemBody};
use super::guests::is_guest;
use super::types::{CreateToken, Token, rfc3339, shown_name};
use ::rooms::session::{Grants, RoomGrants};
use ::rooms::{RoomId, User, UserId};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use signaling::token::{Key, MintError, Subject};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// Life of a room token: it is checked when connecting, and renewed while connected.
pub const ROOM_TOKEN_LIFE: Duration = Duration::from_secs(600);

/// Life of a visitor's user token: an evening, so that a sleeping laptop wakes up as the same visitor.
pub const GUEST_TOKEN_LIFE: Duration = Duration::from_secs(12 * 3600);

/// Makes a token for one user in one room
///
/// For clients of your own. It opens the room without its password.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/tokens", tag = "rooms", operation_id = "createToken", security(("key" = [])),
    params(("room" = String, Path, description = "The room's id")),
    request_body = CreateToken,
    responses(
        (status = 201, description = "The token, signed with the key that asked", body = Token),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such room, or it has ended", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    backend: Backend,
    Path(room): Path<String>,
    Json(body): Json<CreateToken>,
) -> Result<(StatusCode, axum::Json<Token>), Problem> {
    if !(1..=ROOM_TOKEN_LIFE.as_secs()).contains(&u64::from(body.ttl_s)) {
        return Err(Problem::field("ttl_s", "a token lives 1 to 600 seconds"));
    }
    if body.user.is_empty() || body.user.len() > signaling::token::SUB_BYTES_MAX {
        return Err(Problem::field("user", "a user id has 1 to 128 bytes"));
    }
    let name = shown_name(&body.name).map_err(|reason| Problem::field("name", reason))?;
    let room = app.hub.room(&RoomId::new(room)).await?;
    let grants = RoomGrants {
        room: room.id,
        room_join: true,
        can_publish: body.grants.can_publish,
        can_subscribe: body.grants.can_subscribe,
        can_publish_data: body.grants.can_publish_data,
        room_admin: body.grants.room_admin,
    };
    let user = User { id: UserId::new(body.user), name };
    let life = Duration::from_secs(u64::from(body.ttl_s));
    let token = mint(app.tokens.key(&backend.key_id), user, Grants::Room(grants), life, SystemTime::now())?;
    Ok((StatusCode::CREATED, axum::Json(token)))
}

/// Renews a token
///
/// Public: a room token, or a guest's user token, that hasn't expired is exchanged for a fresh one that says the same. User tokens of a
/// backend are renewed by that backend alone.
#[utoipa::path(
    post, path = "/v1/tokens/refresh", tag = "visitors", operation_id = "refreshToken", security(("token" = [])),
    responses(
        (status = 200, description = "A fresh token", body = Token),
        (status = 401, description = "No valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "A token that its backend renews", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The token's room has ended", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn refresh(State(app): State<App>, peer: ConnectInfo<SocketAddr>, headers: HeaderMap) -> Result<axum::Json<Token>, Problem> {
    app.limiters.check(Public::Guest, peer)?;
    let verified = auth::token(&app, &headers)?;
    let now = SystemTime::now();
    if verified.expires_at <= now {
        return Err(Problem::unauthorized("token expired"));
    }
    let life = match &verified.subject.grants {
        Grants::Room(grants) => {
            app.hub.room(&grants.room).await?;
            ROOM_TOKEN_LIFE
        }
        Grants::User if is_guest(&verified.subject.user) && app.guests => GUEST_TOKEN_LIFE,
        Grants::User => return Err(Problem::forbidden("this token is renewed by the backend that made it")),
    };
    sign(app.tokens.key(&verified.key), &verified.subject, life, now).map(axum::Json)
}

/// Signs a token that is valid from `now`.
///
/// # Errors
/// 422 for a user that no token can name, 500 when the cryptography failed.
pub fn mint(key: Option<&Key>, user: User, grants: Grants, life: Duration, now: SystemTime) -> Result<Token, Problem> {
    sign(key, &Subject { user, grants, locale: None, plan: None }, life, now)
}

/// Signs a token that says what another one said.
///
/// # Errors
/// As [`mint`].
pub fn sign(key: Option<&Key>, subject: &Subject, life: Duration, now: SystemTime) -> Result<Token, Problem> {
    let failed = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, "the token could not be signed");
    let token = key.ok_or_else(failed)?.mint(subject, now, life).map_err(|error| match error {
        MintError::Subject(reason) => Problem::field("user", reason),
        MintError::Signing => failed(),
    })?;
    Ok(Token { token, expires_at: rfc3339(now + life) })
}
