//! `/v1/whip` and `/v1/whep`: media in and out of a room by plain HTTP, for encoders and players without a socket.
//!
//! WHIP is RFC 9725, WHEP its mirror image (draft-ietf-wish-whep). Both take a seat like anybody else: capacity, grants and removal are the
//! room's to decide. Invariant: a seat taken here has a session in [`sessions`], which ends with it, and it with the session.

pub(crate) mod fragment;
pub mod resource;
pub mod sessions;

use super::App;
use super::auth;
use super::error::{Code, Problem, ProblemBody};
use ::rooms::session::Grants;
use ::rooms::{JoinRoom, Offer, Part, ParticipantId, RoomId, SessionId, UserId, Watch};
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use signaling::token::Verified;
use std::time::SystemTime;
use tower_http::cors::CorsLayer;

const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const SDP: HeaderValue = HeaderValue::from_static("application/sdp");

/// Whom a player plays. Neither: who speaks, or the first to publish as long as nobody does.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wish {
    /// The id of the participant to play.
    participant: Option<String>,
    /// The id of the user to play, whenever it is in the room.
    user: Option<String>,
}

/// Publishes into a room
///
/// WHIP (RFC 9725): the body is an SDP offer that sends. The publisher takes a seat under the token's user and name. The seat ends with `DELETE` on the
/// `Location`, when media is silent for 7 s, and with the room.
#[utoipa::path(
    post, path = "/v1/whip/{room}", tag = "media", operation_id = "whip", security(("token" = [])),
    params(("room" = String, Path, description = "The room's id")),
    request_body(content = String, content_type = "application/sdp"),
    responses(
        (status = 201, description = "The SDP answer, with all candidates", body = String, content_type = "application/sdp",
            headers(("Location" = String), ("ETag" = String))),
        (status = 401, description = "No valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The token doesn't allow to publish, or the user was removed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such room for this token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The room is full", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The content type is not application/sdp", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The offer can't be answered", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn publish(State(app): State<App>, Path(room): Path<String>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let (token, sdp) = admit(&app, &headers, &body)?;
    if matches!(&token.subject.grants, Grants::Room(grants) if !grants.can_publish) {
        return Err(Problem::forbidden("the token doesn't allow to publish"));
    }
    check_direction(&sdp, "a=sendonly", "sends")?;
    begin(&app, token, RoomId::new(room), sdp, Part::Publisher).await
}

/// Plays out of a room
///
/// WHEP: the body is an SDP offer that receives one audio and one video. The player takes a seat under the token's user and name; it hears and sees one
/// participant at a time.
#[utoipa::path(
    post, path = "/v1/whep/{room}", tag = "media", operation_id = "whep", security(("token" = [])),
    params(("room" = String, Path, description = "The room's id"), Wish),
    request_body(content = String, content_type = "application/sdp"),
    responses(
        (status = 201, description = "The SDP answer, with all candidates", body = String, content_type = "application/sdp",
            headers(("Location" = String), ("ETag" = String))),
        (status = 401, description = "No valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The token doesn't allow to subscribe, or the user was removed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such room for this token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The room is full", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The content type is not application/sdp", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The offer can't be answered", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Not now", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn play(
    State(app): State<App>,
    Path(room): Path<String>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let (token, sdp) = admit(&app, &headers, &body)?;
    if matches!(&token.subject.grants, Grants::Room(grants) if !grants.can_subscribe) {
        return Err(Problem::forbidden("the token doesn't allow to subscribe"));
    }
    check_direction(&sdp, "a=recvonly", "receives")?;
    let watch = match wish {
        Wish { participant: None, user: None } => Watch::Speaker,
        Wish { participant: Some(participant), user: None } => Watch::Participant(ParticipantId::new(participant)),
        Wish { participant: None, user: Some(user) } => Watch::User(UserId::new(user)),
        Wish { participant: Some(_), user: Some(_) } => return Err(Problem::field("user", "give a participant or a user, not both")),
    };
    begin(&app, token, RoomId::new(room), sdp, Part::Viewer(watch)).await
}

/// Who asks, and with which offer.
fn admit(app: &App, headers: &HeaderMap, body: &Bytes) -> Result<(Verified, String), Problem> {
    let token = auth::token(app, headers)?;
    check_type(headers, "application/sdp")?;
    let sdp = std::str::from_utf8(body).map_err(|_| Problem::field("body", "is not UTF-8"))?;
    Ok((token, sdp.to_owned()))
}

fn check_type(headers: &HeaderMap, expected: &'static str) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    let detail = format!("the content type is to be {expected}");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::Invalid, detail))
}

fn check_direction(sdp: &str, wanted: &str, does: &str) -> Result<(), Problem> {
    // Without a direction an m-line does both (RFC 8866 §6.7).
    let directions = ["a=sendonly", "a=recvonly", "a=inactive", "a=sendrecv"];
    let fits = sdp.lines().any(|line| line == wanted || line == "a=sendrecv") || !sdp.lines().any(|line| directions.contains(&line));
    if fits { Ok(()) } else { Err(Problem::field("body", format!("is an offer in which no m-line {does}"))) }
}

async fn begin(app: &App, token: Verified, room: RoomId, sdp: String, part: Part) -> Result<Response, Problem> {
    let offer = Some(Offer { sdp: sdp.clone(), publish: None });
    let request = JoinRoom { room, password: None, offer, part };
    let begun = app.http_media.begin(&app.hub, token.subject.user, token.subject.grants, request, sdp).await?;
    let mut response = (StatusCode::CREATED, begun.answer).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, SDP);
    headers.insert(ACCEPT_PATCH, HeaderValue::from_static(resource::FRAGMENT_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for link in ice_servers(app, &begun.session) {
        headers.append(header::LINK, link);
    }
    for (name, value) in [(header::LOCATION, format!("/v1/media/{}", begun.id)), (header::ETAG, begun.etag)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    Ok(response)
}

/// The TURN server as RFC 9725 §4.6 writes it, one URL a header.
fn ice_servers(app: &App, session: &SessionId) -> Vec<HeaderValue> {
    let Some(server) = app.turn.as_ref().map(|turn| turn.server(session, SystemTime::now())) else { return Vec::new() };
    let (username, credential) = (server.username.unwrap_or_default(), server.credential.unwrap_or_default());
    let link = |url: &String| {
        let link =
            format!("<{url}>; rel=\"ice-server\"; username=\"{username}\"; credential=\"{credential}\"; credential-type=\"password\"");
        HeaderValue::from_str(&link).ok()
    };
    server.urls.iter().filter_map(link).collect()
}

/// Lets players on pages of the allowed origins in.
pub fn cors(app: &App) -> CorsLayer {
    super::security::cors(app)
        .allow_methods([Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH])
        .expose_headers([header::LOCATION, header::ETAG, header::LINK, header::RETRY_AFTER, ACCEPT_PATCH, super::error::REQUEST_ID])
}

/// What an encoder that asks with `OPTIONS` is told (RFC 9725 §4.2).
pub fn accepts() -> tower_http::set_header::SetResponseHeaderLayer<HeaderValue> {
    tower_http::set_header::SetResponseHeaderLayer::if_not_present(ACCEPT_POST, SDP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_must_go_the_way_of_its_endpoint() {
        let offer = |direction: &str| format!("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n{direction}\r\n");
        assert!(check_direction(&offer("a=sendonly"), "a=sendonly", "sends").is_ok());
        assert!(check_direction(&offer("a=sendrecv"), "a=sendonly", "sends").is_ok());
        assert!(check_direction(&offer("a=mid:0"), "a=sendonly", "sends").is_ok());
        let refused = check_direction(&offer("a=recvonly"), "a=sendonly", "sends").expect_err("receives only");
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(check_direction(&offer("a=sendonly"), "a=recvonly", "receives").is_err());
    }
}
