//! The lobby: rooms that strangers see, with their live seats, and the sessions that watch them.
//!
//! A copy of what the rooms' tasks say, stale by no more than the moment between a seat and its telling; capacity is never decided from
//! it. Invariant: a watcher is shown everything when it begins, and each change after that once, so nothing falls between.

mod listing;

use crate::session::SessionHandle;
use crate::store::{Listing, RoomRecord};
use crate::view::LobbyRoom;
use crate::{Event, LobbyFilter, LobbyWatch, SessionId};
use listing::{Board, Changes};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Changes are collected for so long before watchers are told.
const COALESCE: Duration = Duration::from_millis(100);

/// The lobby of one process. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Lobby {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    board: Board,
    watchers: HashMap<SessionId, Watcher>,
    flush_pending: bool,
}

struct Watcher {
    session: SessionHandle,
    filter: LobbyFilter,
}

impl Lobby {
    pub(crate) fn list(&self, filter: LobbyFilter) -> Vec<LobbyRoom> {
        self.lock().board.list(filter)
    }

    /// A room's seats changed, or it is new.
    pub(crate) fn occupied(&self, record: &RoomRecord, seated: u8) {
        if record.listing == Listing::Lobby {
            self.change(|board| board.put(listed(record, seated)));
        }
    }

    pub(crate) fn remove(&self, record: &RoomRecord) {
        self.change(|board| board.remove(&record.id, record.created_at));
    }

    pub(crate) fn watch(&self, session: &SessionHandle, watch: LobbyWatch) {
        let filter = match watch {
            LobbyWatch::On(filter) => filter,
            LobbyWatch::Off => return self.forget(&session.id),
        };
        let mut state = self.lock();
        // Sent under the lock, which the next changes are sent under too: they can't overtake it.
        session.send(event(state.board.snapshot().of(filter)));
        state.watchers.insert(session.id.clone(), Watcher { session: session.clone(), filter });
    }

    pub(crate) fn forget(&self, session: &SessionId) {
        self.lock().watchers.remove(session);
    }

    fn change(&self, change: impl FnOnce(&mut Board)) {
        let mut state = self.lock();
        change(&mut state.board);
        if state.board.has_changes() && !std::mem::replace(&mut state.flush_pending, true) {
            let lobby = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(COALESCE).await;
                lobby.lock().flush();
            });
        }
    }

    /// A panic while it was held leaves a listing that the next change of each room mends.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn flush(&mut self) {
        self.flush_pending = false;
        let changes = self.board.take_changes();
        self.watchers.retain(|_, watcher| watcher.session.is_open());
        let mut events: HashMap<LobbyFilter, Option<Arc<Event>>> = HashMap::new();
        for watcher in self.watchers.values() {
            let shared = events.entry(watcher.filter).or_insert_with(|| {
                let changes = changes.of(watcher.filter);
                (!changes.is_empty()).then(|| event(changes))
            });
            if let Some(event) = shared {
                watcher.session.send(event.clone());
            }
        }
    }
}

fn event(changes: Changes) -> Arc<Event> {
    let removed = changes.removed.into_iter().map(|(id, _)| id).collect();
    Arc::new(Event::LobbyChanged { rooms: changes.rooms, removed })
}

fn listed(record: &RoomRecord, seated: u8) -> LobbyRoom {
    LobbyRoom {
        id: record.id.clone(),
        name: record.name.clone(),
        kind: record.kind,
        capacity: record.capacity,
        seated,
        has_password: record.password_hash.is_some(),
        owner_name: record.owner.name.clone(),
        created_at: record.created_at,
    }
}
