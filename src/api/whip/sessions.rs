//! The sessions of publishers and players that came by HTTP: one task each, which hears what the room says and ends the seat in time.
//!
//! No socket, no events to anybody. Invariant: an id is known here exactly as long as its seat, give or take a turn of its task.

use super::fragment;
use ::rooms::session::{Grants, Outbox, SessionHandle};
use ::rooms::{Answered, Event, Hub, JoinRoom, LeaveReason, Offer, SessionId, User};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// All of them. Cheap to clone. As many as there are seats taken this way, so the table needs no bound of its own.
#[derive(Clone, Default)]
pub struct Sessions {
    held: Arc<Mutex<HashMap<String, Held>>>,
}

/// One publisher or player.
#[derive(Clone)]
pub struct Held {
    session: SessionId,
    /// The offer that the transport was made or restarted with.
    offer: String,
    /// Names the ICE session: the server's half of its credentials, which every answer shows.
    pub etag: String,
    ended: CancellationToken,
}

/// A session that has begun.
pub struct Begun {
    /// The unguessable part of the resource's URL, which is all that it takes to end the session.
    pub id: String,
    pub answer: String,
    pub etag: String,
    pub session: SessionId,
}

impl Sessions {
    /// Seats a user, and watches over the seat.
    pub async fn begin(&self, hub: &Hub, user: User, grants: Grants, request: JoinRoom, offer: String) -> ::rooms::Result<Begun> {
        let (handle, outbox) = SessionHandle::new(SessionId::new(::rooms::random_id("http")), user, grants);
        let answer = hub.join(&handle, request).await?.answer.unwrap_or_default();
        let (id, etag, ended) = (::rooms::random_id("media"), etag(&answer), CancellationToken::new());
        let held = Held { session: handle.id.clone(), offer, etag: etag.clone(), ended: ended.clone() };
        self.locked().insert(id.clone(), held);
        let session = handle.id.clone();
        tokio::spawn(watch(self.clone(), hub.clone(), id.clone(), handle, outbox, ended));
        Ok(Begun { id, answer, etag, session })
    }

    pub fn find(&self, id: &str) -> Option<Held> {
        self.locked().get(id).cloned()
    }

    /// Ends a session. True if there was one.
    pub fn end(&self, id: &str) -> bool {
        let held = self.locked().remove(id);
        held.is_some_and(|held| {
            held.ended.cancel();
            true
        })
    }

    /// Restarts ICE with the client's new credentials. Returns the new answer and its tag.
    pub async fn restart(&self, hub: &Hub, id: &str, held: &Held, ice: &fragment::Credentials) -> ::rooms::Result<(String, String)> {
        let sdp = fragment::restarted(&held.offer, ice);
        let Answered { answer, .. } = hub.offer(&held.session, Offer { sdp: sdp.clone(), publish: None }).await?;
        let etag = etag(&answer);
        if let Some(held) = self.locked().get_mut(id) {
            held.offer = sdp;
            held.etag.clone_from(&etag);
        }
        Ok((answer, etag))
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        // No panic leaves it half changed.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Whether the client's credentials are other ones than those of its last offer.
    pub fn is_restarted_by(&self, ice: &fragment::Credentials) -> bool {
        fragment::credentials(&self.offer).is_none_or(|present| present.ufrag != ice.ufrag)
    }
}

fn etag(answer: &str) -> String {
    let ufrag = fragment::credentials(answer).map(|ice| ice.ufrag).unwrap_or_default();
    format!("\"{ufrag}\"")
}

/// Ends the seat when the client wants it, when its media is gone, or when the room says so.
async fn watch(sessions: Sessions, hub: Hub, id: String, handle: SessionHandle, mut outbox: Outbox, ended: CancellationToken) {
    let reason = loop {
        tokio::select! {
            () = ended.cancelled() => break LeaveReason::Left,
            event = outbox.events.recv() => match event.as_deref() {
                // Nobody is there who could offer anew, so its grace would be for nothing.
                Some(Event::MediaLost { .. }) => break LeaveReason::MediaLost,
                Some(Event::RoomClosed { .. } | Event::RoomReplaced { .. }) | None => break LeaveReason::Left,
                Some(_) => {}
            },
        }
    };
    sessions.end(&id);
    tracing::debug!(session = %handle.id, ?reason, "media over HTTP ends");
    hub.session_ended(&handle.id, reason).await;
}
