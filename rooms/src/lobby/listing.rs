//! What the lobby shows, as a pure board: rooms in, listings and changes out.
//!
//! Invariant: applying the changes that a watcher gets to what it was shown first yields the listing of the same moment.

use crate::RoomId;
use crate::view::LobbyRoom;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::SystemTime;

/// Ended rooms that are remembered for those who list first and watch then. Older ones are forgotten: whoever lists and doesn't watch
/// for so long has to list again.
const ENDED_ROOMS: usize = 1_024;

/// Changes since the last ones taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) rooms: Vec<LobbyRoom>,
    /// Ids of those that ended, with their capacity.
    pub(super) removed: Vec<(RoomId, u8)>,
}

impl Changes {
    /// Those that concern rooms of one capacity, or all.
    pub(super) fn of(&self, capacity: Option<u8>) -> Self {
        let fits = |other: u8| capacity.is_none_or(|capacity| capacity == other);
        Self {
            rooms: self.rooms.iter().filter(|room| fits(room.capacity)).cloned().collect(),
            removed: self.removed.iter().filter(|(_, capacity)| fits(*capacity)).cloned().collect(),
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
    ended: VecDeque<(RoomId, u8)>,
    /// Rooms that changed since the last changes were taken: the present one, or the capacity of the one that ended.
    changed: HashMap<RoomId, std::result::Result<LobbyRoom, u8>>,
}

impl Board {
    /// Newest first.
    pub(super) fn list(&self, capacity: Option<u8>) -> Vec<LobbyRoom> {
        let fits = |room: &&LobbyRoom| capacity.is_none_or(|capacity| capacity == room.capacity);
        self.rooms.values().rev().filter(fits).cloned().collect()
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
        self.ended.push_back((room.id.clone(), room.capacity));
        self.changed.insert(room.id, Err(room.capacity));
    }

    pub(super) fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    pub(super) fn take_changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        for (id, change) in self.changed.drain() {
            match change {
                Ok(room) => changes.rooms.push(room),
                Err(capacity) => changes.removed.push((id, capacity)),
            }
        }
        changes.rooms.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        changes.removed.sort();
        changes
    }

    /// What somebody who listed a while ago may have missed.
    pub(super) fn snapshot(&self) -> Changes {
        Changes { rooms: self.list(None), removed: self.ended.iter().cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn room(id: &str, age: u64, capacity: u8, seated: u8) -> LobbyRoom {
        LobbyRoom {
            id: RoomId::new(id),
            name: id.to_owned(),
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
        let ids = |capacity| board.list(capacity).into_iter().map(|room| room.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(None), ["b", "c", "a"]);
        assert_eq!(ids(Some(4)), ["b", "c"]);
        assert_eq!(ids(Some(3)), Vec::<String>::new());
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
        assert_eq!(changes, Changes { rooms: vec![room("a", 1, 2, 1)], removed: vec![(RoomId::new("b"), 3)] });
        assert_eq!(changes.of(Some(3)).rooms, Vec::new());
        assert!(!board.has_changes());
        board.put(room("a", 1, 2, 1));
        assert!(!board.has_changes(), "the same again is no change");
    }

    #[test]
    fn a_room_that_ended_between_listing_and_watching_is_in_the_snapshot() {
        let mut board = Board::default();
        board.put(room("a", 1, 2, 0));
        let listed = board.list(None);
        board.remove(&listed[0].id, listed[0].created_at);
        drop(board.take_changes());
        assert_eq!(board.snapshot(), Changes { rooms: Vec::new(), removed: vec![(RoomId::new("a"), 2)] });
    }
}
