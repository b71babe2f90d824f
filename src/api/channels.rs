//! `/v1/direct-channels` and `/v1/channels`: backends open channels of two people, keep what these are about up to date, and write there.

use super::App;
use super::auth::Backend;
use super::body::Json;
use super::error::{Problem, ProblemBody};
use super::rooms::nonce;
use super::tokens::mint;
use super::types::{Author, Channel, ChannelPatch, DirectChannel, DirectUser, Message, MessagePage, OpenDirect, Party, PostMessage};
use ::rooms::community::{ChannelChange, Command};
use ::rooms::session::Grants;
use ::rooms::store::Nonce;
use ::rooms::view::Cursor;
use ::rooms::{ChannelId, SendMessage, User, UserId};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use std::time::{Duration, SystemTime};

/// Life of the tokens of a direct channel's people.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);
/// Messages of a page when the request doesn't say.
const PAGE_MESSAGES: u32 = 50;

/// Opens a direct channel
///
/// A private channel of two users about one thing of yours: the same subject and users, in any order, always find the same channel. Each user gets
/// a link to it and a token, good for an hour; ask again for fresh ones. What is in `metadata` is shown to both, and changed by a PATCH of the channel.
#[utoipa::path(
    post, path = "/v1/direct-channels", tag = "channels", operation_id = "openDirectChannel", security(("key" = [])),
    request_body = OpenDirect,
    responses(
        (status = 200, description = "The channel was open already; it keeps its name and metadata", body = DirectChannel),
        (status = 201, description = "The channel is open", body = DirectChannel, headers(("Location" = String))),
        (status = 400, description = "The body is no JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn open(State(app): State<App>, backend: Backend, Json(body): Json<OpenDirect>) -> Result<impl IntoResponse, Problem> {
    let [first, second] = body.users;
    let users = [user("users[0]", first)?, user("users[1]", second)?];
    let request = ::rooms::OpenDirect {
        backend: backend.key_id.clone(),
        subject: body.subject.clone(),
        name: body.name,
        users: users.clone(),
        metadata: body.metadata.map(written),
    };
    let direct = app.hub.open_direct(request).await?;
    let now = SystemTime::now();
    let party = |user: &User| {
        let token = mint(app.tokens.key(&backend.key_id), user.clone(), Grants::User, TOKEN_LIFE, now)?;
        let url = format!("{}/s/{}/{}#token={}", app.public_url, direct.server, direct.channel.id, token.token);
        Ok::<_, Problem>(DirectUser { user: user.into(), url, token: token.token, expires_at: token.expires_at })
    };
    let users = users.iter().map(party).collect::<Result<_, _>>()?;
    let status = if direct.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let channel = Channel::new(&direct.server, direct.channel);
    let location = format!("/v1/channels/{}", channel.id);
    Ok((status, [(header::LOCATION, location)], axum::Json(DirectChannel { channel, subject: body.subject, users })))
}

/// Shows a channel
#[utoipa::path(
    get, path = "/v1/channels/{channel}", tag = "channels", operation_id = "getChannel", security(("key" = [])),
    params(("channel" = String, Path, description = "The channel's id")),
    responses(
        (status = 200, description = "The channel", body = Channel),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such channel", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn find(State(app): State<App>, Path(channel): Path<String>) -> Result<axum::Json<Channel>, Problem> {
    let (server, channel) = app.hub.channel_as_backend(&ChannelId::new(channel)).await?;
    Ok(axum::Json(Channel::new(&server, channel)))
}

/// Changes a channel
///
/// Its readers are told at once. What is absent stays; `"metadata": null` takes it away.
#[utoipa::path(
    patch, path = "/v1/channels/{channel}", tag = "channels", operation_id = "updateChannel", security(("key" = [])),
    params(("channel" = String, Path, description = "The channel's id")),
    request_body = ChannelPatch,
    responses(
        (status = 200, description = "The channel as it is now", body = Channel),
        (status = 400, description = "The body is no JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such channel", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn update(
    State(app): State<App>,
    Path(channel): Path<String>,
    Json(body): Json<ChannelPatch>,
) -> Result<axum::Json<Channel>, Problem> {
    let id = ChannelId::new(channel);
    let (server, _) = app.hub.channel_as_backend(&id).await?;
    let metadata = body.metadata.map(|metadata| metadata.map(written));
    let change = ChannelChange { name: body.name, metadata, ..ChannelChange::default() };
    app.hub.command_as_backend(&server, Command::UpdateChannel { channel: id.clone(), change }).await?;
    let (server, channel) = app.hub.channel_as_backend(&id).await?;
    Ok(axum::Json(Channel::new(&server, channel)))
}

/// Deletes a direct channel
///
/// With everything that was written in it.
#[utoipa::path(
    delete, path = "/v1/direct-channels/{channel}", tag = "channels", operation_id = "deleteDirectChannel", security(("key" = [])),
    params(("channel" = String, Path, description = "The channel's id")),
    responses(
        (status = 204, description = "The channel is gone, and both were told"),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such direct channel", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn delete(State(app): State<App>, Path(channel): Path<String>) -> Result<StatusCode, Problem> {
    app.hub.delete_direct(&ChannelId::new(channel)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes in a channel
///
/// As a bot: in the name of `author`, who needn't be a member. With the same `Idempotency-Key` a retry within 24 hours returns the same message.
#[utoipa::path(
    post, path = "/v1/channels/{channel}/messages", tag = "channels", operation_id = "postMessage", security(("key" = [])),
    params(
        ("channel" = String, Path, description = "The channel's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 64 characters of ASCII"),
    ),
    request_body = PostMessage,
    responses(
        (status = 201, description = "The message is durable, and its readers are told", body = Message),
        (status = 400, description = "The body is no JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such channel, or no message to answer", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn post(
    State(app): State<App>,
    Path(channel): Path<String>,
    headers: HeaderMap,
    Json(body): Json<PostMessage>,
) -> Result<(StatusCode, axum::Json<Message>), Problem> {
    let nonce = nonce(&headers)?.unwrap_or_else(|| Nonce(::rooms::random_id("rest")));
    let Author { id, name } = body.author;
    let author = user("author", Party { id, name })?;
    let request = SendMessage { nonce, text: body.text, reply_to: body.reply_to, attachments: vec![] };
    let message = app.hub.send_as_backend(&ChannelId::new(channel), author, request).await?;
    Ok((StatusCode::CREATED, axum::Json(message.into())))
}

/// Which messages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<u32>,
}

/// Lists a channel's messages
///
/// Oldest first. Without `before` and `after`: the newest.
#[utoipa::path(
    get, path = "/v1/channels/{channel}/messages", tag = "channels", operation_id = "listMessages", security(("key" = [])),
    params(
        ("channel" = String, Path, description = "The channel's id"),
        ("before" = Option<u64>, Query, description = "Messages with a lower number than this"),
        ("after" = Option<u64>, Query, description = "Instead: messages with a higher number than this, the lowest first"),
        ("limit" = Option<u32>, Query, description = "1 to 100, 50 when absent"),
    ),
    responses(
        (status = 200, description = "A page of messages", body = MessagePage),
        (status = 401, description = "No valid API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such channel", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A value is wrong", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    Path(channel): Path<String>,
    Query(page): Query<Page>,
) -> Result<axum::Json<MessagePage>, Problem> {
    let cursor = match (page.before, page.after) {
        (None, None) => Cursor::Newest,
        (Some(before), None) => Cursor::Before(before),
        (None, Some(after)) => Cursor::After(after),
        (Some(_), Some(_)) => return Err(Problem::field("after", "can't stand beside before")),
    };
    let history = app.hub.history_as_backend(&ChannelId::new(channel), cursor, page.limit.unwrap_or(PAGE_MESSAGES)).await?;
    let messages = history.messages.into_iter().map(Into::into).collect();
    Ok(axum::Json(MessagePage { messages, more: history.more, newer: history.newer }))
}

fn user(field: &str, party: Party) -> Result<User, Problem> {
    if party.id.is_empty() || party.id.len() > signaling::token::SUB_BYTES_MAX {
        return Err(Problem::field(format!("{field}.id"), "a user id has 1 to 128 bytes"));
    }
    let name = super::types::shown_name(&party.name).map_err(|reason| Problem::field(format!("{field}.name"), reason))?;
    Ok(User { id: UserId::new(party.id), name })
}

fn written(metadata: serde_json::Map<String, serde_json::Value>) -> String {
    serde_json::Value::from(metadata).to_string()
}
