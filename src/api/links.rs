//! Links into rooms: backends make them, visitors use them.

use super::App;
use super::auth::Public;
use super::body::Json;
use super::error::{Problem, ProblemBody};
use super::types::{CreateLink, Link, LinkAccess, RedeemLink, User as RestUser, rfc3339, shown_name};
use ::rooms::session::{Grants, RoomGrants};
use ::rooms::{RoomId, User, UserId};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::StatusCode;
use form_urlencoded::byte_serialize;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// Shown by who used a link without a name, and gave none.
const NAMELESS: &str = "Guest";

/// Makes a link into a room
#[utoipa::path(
    post, path = "/v1/rooms/{room}/links", tag = "rooms", operation_id = "createLink", security(("key" = [])),
    params(("room" = String, Path, description = "The room's id")),
    request_body = CreateLink,
    responses(
        (status = 201, description = "The link. Its secret is shown once", body = Link),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such room, or it has ended", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    Path(room): Path<String>,
    Json(body): Json<CreateLink>,
) -> Result<(StatusCode, axum::Json<Link>), Problem> {
    let room = RoomId::new(room);
    // The address tells it too, so that the page needn't ask for a name before it uses the link.
    let name = body.name.as_deref().map(|name| format!("&name={}", byte_serialize(name.trim().as_bytes()).collect::<String>()));
    let request = ::rooms::CreateLink { ttl: Duration::from_secs(u64::from(body.ttl_s)), max_uses: body.max_uses, name: body.name };
    let link = app.hub.create_link(&room, request).await?;
    let link = Link {
        url: format!("{}/r/{room}#link={}{}", app.public_url, link.secret, name.unwrap_or_default()),
        expires_at: rfc3339(link.expires_at),
        max_uses: body.max_uses,
    };
    Ok((StatusCode::CREATED, axum::Json(link)))
}

/// Uses a link once
///
/// Public: the secret is the credential. 10 a minute from one address.
#[utoipa::path(
    post, path = "/v1/links/redeem", tag = "visitors", operation_id = "redeemLink", security(()),
    request_body = RedeemLink,
    responses(
        (status = 200, description = "A token for the link's room", body = LinkAccess),
        (status = 404, description = "The link is unknown, expired or used up, or its room has ended", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn redeem(
    State(app): State<App>,
    peer: ConnectInfo<SocketAddr>,
    Json(body): Json<RedeemLink>,
) -> Result<axum::Json<LinkAccess>, Problem> {
    app.limiters.check(Public::Link, peer)?;
    // Checked before the use is counted.
    let given = body.name.map(|name| shown_name(&name)).transpose().map_err(|reason| Problem::field("name", reason))?;
    let link = app.hub.redeem_link(&body.secret).await?;
    let name = link.name.or(given).unwrap_or_else(|| NAMELESS.to_owned());
    let user = User { id: UserId::new(::rooms::random_id("guest")), name };
    let grants = RoomGrants {
        room: link.room.clone(),
        room_join: true,
        can_publish: true,
        can_subscribe: true,
        can_publish_data: true,
        room_admin: false,
    };
    let minted =
        super::tokens::mint(app.signing_key(), user.clone(), Grants::Room(grants), super::tokens::ROOM_TOKEN_LIFE, SystemTime::now())?;
    Ok(axum::Json(LinkAccess {
        token: minted.token,
        room: link.room.as_str().to_owned(),
        user: RestUser::from(&user),
        expires_at: minted.expires_at,
    }))
}
