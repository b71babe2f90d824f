//! The demo room of dev mode: one unlisted room for four behind `/demo`, made anew when the last one ended.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rooms::store::{Listing, Nonce};
use rooms::{CreateRoom, Hub, RoomId, RoomKind, User, UserId};
use std::sync::{Mutex, PoisonError};

/// The way to the demo room.
pub struct Demo {
    /// The room of the last visit.
    room: Mutex<Option<RoomId>>,
    /// Tells this process's rooms from those of the last one.
    run: String,
}

impl Demo {
    pub fn new() -> Self {
        Self { room: Mutex::new(None), run: rooms::random_id("demo") }
    }

    /// Where it is served.
    pub fn path(&self) -> &'static str {
        "/demo"
    }

    /// Leads to the room's page.
    pub async fn open(&self, hub: &Hub) -> Response {
        match self.room(hub).await {
            Ok(room) => {
                let headers = [(header::LOCATION, format!("/r/{room}")), (header::CACHE_CONTROL, "no-store".to_owned())];
                (StatusCode::FOUND, headers).into_response()
            }
            Err(error) => {
                tracing::warn!(%error, "the demo room can't be opened");
                (StatusCode::SERVICE_UNAVAILABLE, "the demo room can't be opened now\n").into_response()
            }
        }
    }

    async fn room(&self, hub: &Hub) -> rooms::Result<RoomId> {
        let last = self.last().clone();
        if let Some(last) = &last
            && hub.room(last).await.is_ok()
        {
            return Ok(last.clone());
        }
        // Named after the room that it follows: whoever comes at the same time gets the same one.
        let nonce = last.map_or_else(|| self.run.clone(), |last| last.as_str().to_owned());
        let request = CreateRoom {
            name: "짠! demo".to_owned(),
            kind: RoomKind::Buddy,
            capacity: 4,
            password: None,
            listing: Listing::Unlisted,
            nonce: Nonce(nonce),
        };
        let owner = User { id: UserId::new("zzan:demo"), name: "zzan".to_owned() };
        let room = hub.create_room(&owner, request).await?.id;
        *self.last() = Some(room.clone());
        Ok(room)
    }

    /// Only a clone or a store happens under the lock, so a poisoned one holds what it should.
    fn last(&self) -> std::sync::MutexGuard<'_, Option<RoomId>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Demo {
    fn default() -> Self {
        Self::new()
    }
}
