//! `/v1/rooms`: backends open, look at and end rooms.

use super::App;
use super::auth::Backend;
use super::body::Json;
use super::error::{Code, Problem, ProblemBody};
use super::types::{CreateRoom, ModerateParticipant, Room};
use ::rooms::store::{Listing, Nonce};
use ::rooms::{ParticipantId, RoomId, User, UserId};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::IntoResponse;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Opens a room
///
/// With the same `Idempotency-Key` a retry within 24 hours returns the same room.
#[utoipa::path(
    post, path = "/v1/rooms", tag = "rooms", operation_id = "createRoom", security(("key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 64 characters of ASCII")),
    request_body = CreateRoom,
    responses(
        (status = 201, description = "The room is open", body = Room, headers(("Location" = String))),
        (status = 400, description = "The body is no JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong, or the idempotency key stood for another room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    backend: Backend,
    headers: HeaderMap,
    Json(body): Json<CreateRoom>,
) -> Result<impl IntoResponse, Problem> {
    let nonce = nonce(&headers)?;
    let (is_retry_possible, kind) = (nonce.is_some(), body.kind.into());
    let owner = owner(&backend, body.owner)?;
    let name = body.name.trim().to_owned();
    let request = ::rooms::CreateRoom {
        name: body.name,
        kind,
        capacity: body.capacity,
        password: body.password,
        listing: if body.listed { Listing::Lobby } else { Listing::Unlisted },
        nonce: nonce.unwrap_or_else(|| Nonce(::rooms::random_id("rest"))),
    };
    let has_password = request.password.is_some();
    let room = app.hub.create_room(&owner, request).await?;
    if is_retry_possible && (room.name != name || room.kind != kind || room.capacity != body.capacity || room.has_password != has_password)
    {
        return Err(Problem::field("Idempotency-Key", "was used for a room with other properties"));
    }
    let room = Room::new(room, &app.public_url);
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/v1/rooms/{}", room.id))], axum::Json(room)))
}

/// Shows a live room
#[utoipa::path(
    get, path = "/v1/rooms/{room}", tag = "rooms", operation_id = "getRoom", security(("key" = [])),
    params(("room" = String, Path, description = "The room's id")),
    responses(
        (status = 200, description = "The room with those in it", body = Room),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such room, or it has ended", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn find(State(app): State<App>, Path(room): Path<String>) -> Result<axum::Json<Room>, Problem> {
    let room = app.hub.room(&RoomId::new(room)).await?;
    Ok(axum::Json(Room::new(room, &app.public_url)))
}

/// Ends a room
///
/// Everyone in it is told. Its messages stay stored.
#[utoipa::path(
    delete, path = "/v1/rooms/{room}", tag = "rooms", operation_id = "endRoom", security(("key" = [])),
    params(("room" = String, Path, description = "The room's id")),
    responses(
        (status = 204, description = "The room has ended"),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such room, or it has ended", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn end(State(app): State<App>, Path(room): Path<String>) -> Result<StatusCode, Problem> {
    app.hub.end_room_as_backend(&RoomId::new(room)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes somebody from a room
///
/// The user can't come back as long as the room lives, unless it is the owner.
#[utoipa::path(
    delete, path = "/v1/rooms/{room}/participants/{participant}", tag = "rooms", operation_id = "removeParticipant", security(("key" = [])),
    params(("room" = String, Path, description = "The room's id"), ("participant" = String, Path, description = "The participant's id")),
    responses(
        (status = 204, description = "The participant is out, and everyone was told"),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such room or participant", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn remove(State(app): State<App>, Path((room, participant)): Path<(String, String)>) -> Result<StatusCode, Problem> {
    app.hub.remove_participant_as_backend(&RoomId::new(room), &ParticipantId::new(participant)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Mutes somebody
///
/// Exactly the named sources of the participant are muted from now on. Unmuting oneself doesn't undo it, nor does leaving and coming back.
#[utoipa::path(
    patch, path = "/v1/rooms/{room}/participants/{participant}", tag = "rooms", operation_id = "moderateParticipant", security(("key" = [])),
    params(("room" = String, Path, description = "The room's id"), ("participant" = String, Path, description = "The participant's id")),
    request_body = ModerateParticipant,
    responses(
        (status = 204, description = "It holds, and everyone was told"),
        (status = 400, description = "The body is no JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such room or participant", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn moderate(
    State(app): State<App>,
    Path((room, participant)): Path<(String, String)>,
    Json(request): Json<ModerateParticipant>,
) -> Result<StatusCode, Problem> {
    let muted = request.muted.into_iter().map(Into::into).collect();
    app.hub.moderate_as_backend(&RoomId::new(room), &ParticipantId::new(participant), muted).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn key_user(backend: &Backend) -> User {
    User { id: UserId::new(format!("key:{}", backend.key_id)), name: backend.key_id.clone() }
}

fn owner(backend: &Backend, owner: Option<String>) -> Result<User, Problem> {
    match owner {
        None => Ok(key_user(backend)),
        Some(id) if id.is_empty() || id.len() > signaling::token::SUB_BYTES_MAX => {
            Err(Problem::field("owner", "a user id has 1 to 128 bytes"))
        }
        Some(id) => Ok(User { name: id.chars().take(signaling::token::NAME_CHARS_MAX).collect(), id: UserId::new(id) }),
    }
}

/// The key of a request that may be repeated.
///
/// # Errors
/// 400 for one that is none.
pub(super) fn nonce(headers: &HeaderMap) -> Result<Option<Nonce>, Problem> {
    match headers.get(IDEMPOTENCY_KEY).map(|key| key.to_str()) {
        None => Ok(None),
        Some(Ok(key)) if (1..=64).contains(&key.len()) => Ok(Some(Nonce(key.to_owned()))),
        Some(_) => Err(Problem::new(StatusCode::BAD_REQUEST, Code::Invalid, "Idempotency-Key: 1 to 64 characters of ASCII")),
    }
}
