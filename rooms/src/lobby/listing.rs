//! What the lobby shows, as a pure board: rooms in, listings and changes out.
//!
//! Invariant: applying the changes that a watcher gets to what it was shown first yields the listing of the same moment.

use crate::view::{LobbyRoom, RoomKind};
use crate::{LobbyFilter, RoomId};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::SystemTime;

/// Ended rooms that are remembered for those who list first and watch then. Older ones are forgotten: whoever lists and doesn't watch
/// for so long has to list again.
const ENDED_ROOMS: usize = 1_024;

/// What a room is filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size {
    kind: RoomKind,
    capacity: u8,
}

impl Size {
    fn of(room: &LobbyRoom) -> Self {
        Self { kind: room.kind, capacity: room.capacity }
    }

    fn fits(self, filter: LobbyFilter) -> bool {
        self.kind == filter.kind && filter.capacity.is_none_or(|capacity| capacity == self.capacity)
    }
}

/// Changes since the last ones taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) rooms: Vec<LobbyRoom>,
    /// Ids of those that ended.
    pub(super) removed: Vec<(RoomId, Size)>,
}

impl Changes {
    /// Those that concern the rooms that `filter` shows.
    pub(super) fn of(&self, filter: LobbyFilter) -> Self {
        Self {
            rooms: self.rooms.iter().filter(|room| Size::of(room).fits(filter)).cloned().collect(),
            removed: self.removed.iter().filter(|(_, size)| size.fits(filter)).cloned().collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rooms.is_empty() && self.removed.is_empty()
    }
}

/// The listed rooms.
#[derive(Debug, Default)]
pub(super) struct Board {
    rooms: BTreeMap<(SystemTime, RoomId), LobbyRoom>,
    ended: VecDeque<(RoomId, Size)>,
    /// Rooms that changed since the last changes were taken: the present one, or the size of the one that ended.
    changed: HashMap<RoomId, std::result::Result<LobbyRoom, Size>>,
}

impl Board {
    /// Newest first.
    pub(super) fn list(&self, filter: LobbyFilter) -> Vec<LobbyRoom> {
        self.newest_first().filter(|room| Size::of(room).fits(filter)).cloned().collect()
    }

    fn newest_first(&self) -> impl Iterator<Item = &LobbyRoom> {
        self.rooms.values().rev()
    }

    pub(super) fn put(&mut self, room: LobbyRoom) {
        let key = (room.created_at, room.id.clone());
        if self.rooms.get(&key) == Some(&room) {
            return;
        }
        self.changed.insert(room.id.clone(), Ok(room.clone()));
        self.rooms.insert(key, room);
    }

    pub(super) fn remove(&mut self, id: &RoomId, created_at: SystemTime) {
        let Some(room) = self.rooms.remove(&(created_at, id.clone())) else { return };
        if self.ended.len() == ENDED_ROOMS {
            self.ended.pop_front();
        }
        let size = Size::of(&room);
        self.ended.push_back((room.id.clone(), size));
        self.changed.insert(room.id, Err(size));
    }

    pub(super) fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    pub(super) fn take_changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        for (id, change) in self.changed.drain() {
            match change {
                Ok(room) => changes.rooms.push(room),
                Err(size) => changes.removed.push((id, size)),
            }
        }
        changes.rooms.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        changes.removed.sort();
        changes
    }

    /// What somebody who listed a while ago may have missed.
    pub(super) fn snapshot(&self) -> Changes {
        Changes { rooms: self.newest_first().cloned().collect(), removed: self.ended.iter().cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn buddies(capacity: Option<u8>) -> LobbyFilter {
        LobbyFilter { kind: RoomKind::Buddy, capacity }
    }

    fn room(id: &str, age: u64, capacity: u8, seated: u8) -> LobbyRoom {
        LobbyRoom {
            id: RoomId::new(id),
            name: id.to_owned(),
            kind: RoomKind::Buddy,
            capacity,
            seated,
            has_password: false,
            owner_name: "owner".to_owned(),
            created_at: SystemTime::UNIX_EPOCH + Duration::from_secs(age),
        }
    }

    #[test]
    fn rooms_are_listed_newest_first_and_by_size() {
        let mut board = Board::default();
        for (id, age, capacity) in [("a", 1, 2), ("b", 3, 4), ("c", 2, 4)] {
            board.put(room(id, age, capacity, 0));
        }
        let ids = |capacity| board.list(buddies(capacity)).into_iter().map(|room| room.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(None), ["b", "c", "a"]);
        assert_eq!(ids(Some(4)), ["b", "c"]);
        assert_eq!(ids(Some(3)), Vec::<String>::new());
    }

    #[test]
    fn voice_rooms_are_shown_to_those_who_ask_for_them_and_to_nobody_else() {
        let mut board = Board::default();
        board.put(room("a", 1, 4, 0));
        board.put(LobbyRoom { kind: RoomKind::Voice, ..room("v", 2, 4, 0) });
        let voice = LobbyFilter { kind: RoomKind::Voice, capacity: None };
        let ids = |rooms: Vec<LobbyRoom>| rooms.into_iter().map(|room| room.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(board.list(buddies(None))), ["a"]);
        assert_eq!(ids(board.list(voice)), ["v"]);
        assert_eq!(ids(board.take_changes().of(buddies(Some(4))).rooms), ["a"]);
    }

    #[test]
    fn changes_of_one_room_become_its_last() {
        let mut board = Board::default();
        board.put(room("a", 1, 2, 0));
        board.put(room("a", 1, 2, 1));
        board.put(room("b", 2, 3, 0));
        let created_at = room("b", 2, 3, 0).created_at;
        board.remove(&RoomId::new("b"), created_at);
        let changes = board.take_changes();
        assert_eq!(
            changes,
            Changes { rooms: vec![room("a", 1, 2, 1)], removed: vec![(RoomId::new("b"), Size { kind: RoomKind::Buddy, capacity: 3 })] }
        );
        assert_eq!(changes.of(buddies(Some(3))).rooms, Vec::new());
        assert!(!board.has_changes());
        board.put(room("a", 1, 2, 1));
        assert!(!board.has_changes(), "the same again is no change");
    }

    #[test]
    fn a_room_that_ended_between_listing_and_watching_is_in_the_snapshot() {
        let mut board = Board::default();
        board.put(room("a", 1, 2, 0));
        let listed = board.list(buddies(None));
        board.remove(&listed[0].id, listed[0].created_at);
        drop(board.take_changes());
        assert_eq!(
            board.snapshot(),
            Changes { rooms: Vec::new(), removed: vec![(RoomId::new("a"), Size { kind: RoomKind::Buddy, capacity: 2 })] }
        );
    }
}
