//! `/v1/events`: an inbox as server-sent events, for pages without a socket.
//!
//! A stream holds one page of notifications at most. It is pulled: it reads the store where it left off whenever its client has taken what came
//! before, so a slow client costs nothing but its connection, and nothing comes twice or is left out. Invariant: the id of every event is the
//! number of the last notification that came before or with it.

use super::types::{Notification, NotificationEvent, Unread};
use crate::api::App;
use crate::api::auth;
use crate::api::error::{Problem, ProblemBody};
use crate::api::tokens;
use crate::api::types::Token;
use ::rooms::inbox::{InboxPage, Owner, Watch};
use ::rooms::store::{self, Seek};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use form_urlencoded::parse;
use futures_util::stream;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Longest silence: proxies cut connections that say nothing for long. The store is asked then too, for what another node has put in.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Notifications read at once.
const PAGE: u32 = 50;
/// Longest life of a token that stands in an address: addresses are kept in logs and histories.
const ADDRESS_TOKEN_LIFE: Duration = Duration::from_secs(600);
/// How long a client waits before it comes again.
const RETRY: Duration = Duration::from_secs(3);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// For nginx: events are to go out one by one.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Streams one's notifications
///
/// `event: ready` comes first, then `event: notification` for each, once, in the order of their numbers. The `id` of an event is that number: with
/// it in `Last-Event-ID` (or `last_event_id`) a stream goes on where another ended, without it at what happens from now on. A comment comes every
/// 15 seconds, and the stream ends when its token expires. `EventSource` can't set headers: it passes a token of at most ten minutes (`/v1/events/tokens`)
/// as `token`.
#[utoipa::path(
    get, path = "/v1/events", tag = "notifications", operation_id = "streamNotifications", security(("token" = [])),
    params(
        ("Last-Event-ID" = Option<u64>, Header, description = "The id of the last event that came"),
        ("last_event_id" = Option<u64>, Query, description = "The same, for who can't set headers"),
        ("token" = Option<String>, Query, description = "A token that lives at most 10 minutes, for who can't set headers"),
    ),
    responses(
        (status = 200, description = "The stream; data of `notification` is JSON", body = NotificationEvent, content_type = "text/event-stream"),
        (status = 401, description = "No valid token, or one in the address that lives too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "A token for a room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The id is no number", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, or 16 streams already", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn stream(State(app): State<App>, headers: HeaderMap, uri: Uri) -> Result<impl IntoResponse, Problem> {
    let parameter = |name: &str| parse(uri.query().unwrap_or_default().as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value);
    let in_header = auth::bearer(&headers);
    let in_address = parameter("token");
    let (owner, verified) = super::owner(&app, in_header.or(in_address.as_deref()))?;
    let life = verified.expires_at.duration_since(SystemTime::now()).unwrap_or_default();
    if in_header.is_none() && life > ADDRESS_TOKEN_LIFE + signaling::token::LEEWAY {
        return Err(Problem::unauthorized("a token in an address lives at most 10 minutes: ask /v1/events/tokens for one"));
    }
    let header = headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or("no text").to_owned());
    let last = header.or_else(|| parameter("last_event_id").map(|id| id.into_owned())).filter(|id| !id.is_empty());
    let wrong = |_| Problem::field("Last-Event-ID", "is the number of a notification");
    let last = last.map(|id| id.parse::<u64>()).transpose().map_err(wrong)?;
    // Watched first: what comes between the two is seen by both.
    let watch = app.hub.watch_inbox(&owner)?;
    let now = app.hub.notifications(&owner, Seek::Newest, 1).await?;
    let reader = Reader::new(app, owner, watch, last, &now, Instant::now() + life);
    let events = stream::unfold(reader, |mut reader| async move { Some((Ok::<_, Infallible>(reader.next().await?), reader)) });
    let headers = [(ACCEL_BUFFERING, HeaderValue::from_static("no")), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((headers, Sse::new(events)))
}

/// Makes a token for an address
///
/// Says the same as the one that it is asked with, and lives at most ten minutes.
#[utoipa::path(
    post, path = "/v1/events/tokens", tag = "notifications", operation_id = "createEventsToken", security(("token" = [])),
    responses(
        (status = 201, description = "The token", body = Token),
        (status = 401, description = "No valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "A token for a room", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn token(State(app): State<App>, headers: HeaderMap) -> Result<(StatusCode, axum::Json<Token>), Problem> {
    let (_, verified) = super::owner(&app, auth::bearer(&headers))?;
    let now = SystemTime::now();
    let life = verified.expires_at.duration_since(now).unwrap_or_default().min(ADDRESS_TOKEN_LIFE);
    let token = tokens::sign(app.tokens.key(&verified.key), &verified.subject, life, now)?;
    Ok((StatusCode::CREATED, axum::Json(token)))
}

/// Where one stream is.
struct Reader {
    app: App,
    owner: Owner,
    watch: Watch,
    /// The number of the last notification that was sent.
    sent: u64,
    unread: u64,
    is_begun: bool,
    waiting: VecDeque<store::Notification>,
    ends_at: Instant,
}

impl Reader {
    fn new(app: App, owner: Owner, watch: Watch, last: Option<u64>, now: &InboxPage, ends_at: Instant) -> Self {
        // A number that there never was is one of another inbox.
        let sent = last.unwrap_or(u64::MAX).min(now.inbox.head);
        Self { app, owner, watch, sent, unread: now.unread, is_begun: false, waiting: VecDeque::new(), ends_at }
    }

    /// The next event; `None` when the stream ends.
    async fn next(&mut self) -> Option<Event> {
        if !std::mem::replace(&mut self.is_begun, true) {
            let ready = Event::default().event("ready").id(self.sent.to_string()).retry(RETRY);
            return Some(written(ready, &Unread { unread: self.unread }));
        }
        let mut is_silent = false;
        loop {
            if Instant::now() >= self.ends_at {
                return None;
            }
            if let Some(notification) = self.waiting.pop_front() {
                self.sent = notification.seq;
                let event = Event::default().event("notification").id(self.sent.to_string());
                return Some(written(event, &NotificationEvent { notification: Notification::from(notification), unread: self.unread }));
            }
            self.read().await;
            if !self.waiting.is_empty() {
                continue;
            }
            if is_silent {
                return Some(Event::default().comment(""));
            }
            tokio::select! {
                changed = self.watch.changed() => if !changed { return None },
                () = tokio::time::sleep(KEEP_ALIVE) => is_silent = true,
                () = tokio::time::sleep_until(self.ends_at) => return None,
            }
        }
    }

    /// Reads what came. A store that fails is asked again with the next news, or after a while.
    async fn read(&mut self) {
        match self.app.hub.notifications(&self.owner, Seek::After(self.sent), PAGE).await {
            Ok(page) => {
                self.unread = page.unread;
                self.waiting = page.inbox.notifications.into();
            }
            Err(error) => tracing::warn!(%error, "an inbox could not be read for a stream"),
        }
    }
}

fn written(event: Event, data: &impl serde::Serialize) -> Event {
    event.json_data(data).unwrap_or_else(|error| {
        tracing::error!(%error, "an event could not be written");
        Event::default().comment("")
    })
}
