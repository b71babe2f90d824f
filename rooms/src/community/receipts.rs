//! How far each reader of a channel has read, for the sessions that watch that channel: what "3 have not read this" is counted from. Pure.
//!
//! Watchers are told the standing once and then how it moves: at once where nothing moved lately, so that no message is unread by its own author, else
//! gathered over [`GATHER`], so that neither messages nor busy readers cost a push each. Nobody is named. Invariant: what the watchers were told, moved by what they are told next, is what they would be told anew.

use super::attendance::Moment;
use crate::session::SessionHandle;
use crate::view::{ReceiptMove, Standing};
use crate::{SessionId, UserId};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// Least time between two pushes. Longer spares some, shorter is livelier.
pub(super) const GATHER: Duration = Duration::from_secs(1);

/// One reader's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// As the watchers know it; `None`: they don't count this reader yet.
    told: Option<u64>,
    /// As it is; `None`: it isn't known yet.
    now: Option<u64>,
    /// All up to it counts as read, whatever the store says.
    since: u64,
    is_gone: bool,
    /// The store is being asked.
    is_asked: bool,
}

#[derive(Debug)]
struct Watcher {
    session: SessionHandle,
    /// It was told the standing.
    knows: bool,
}

/// The watched places of one channel.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    places: HashMap<UserId, Place>,
    watchers: Vec<Watcher>,
    /// When moves are to be told. `None` while there are none.
    flush_at: Option<Instant>,
    flushed_at: Option<Instant>,
}

/// What watchers are to be told now.
#[derive(Debug, Default)]
pub(super) struct News {
    /// For those who know the standing.
    pub(super) moves: Vec<ReceiptMove>,
    pub(super) moved: Vec<SessionHandle>,
    /// For those who don't yet. After the moves, which it contains.
    pub(super) standing: Vec<Standing>,
    pub(super) fresh: Vec<SessionHandle>,
}

impl Receipts {
    /// The session wants to know. It learns the standing by [`Receipts::settle`], also if it knew it before.
    pub(super) fn watch(&mut self, session: SessionHandle) {
        self.unwatch(&session.id);
        self.watchers.push(Watcher { session, knows: false });
    }

    pub(super) fn unwatch(&mut self, session: &SessionId) {
        self.watchers.retain(|watcher| watcher.session.id != *session);
    }

    pub(super) fn is_watched(&self) -> bool {
        !self.watchers.is_empty()
    }

    /// Who reads the channel, and since when. Returns those whose places are to be asked for; watchers who read it no more are forgotten.
    pub(super) fn set_readers(&mut self, moment: Moment, readers: &BTreeMap<UserId, u64>) -> Vec<UserId> {
        self.watchers.retain(|watcher| readers.contains_key(&watcher.session.user.id));
        let before = self.places.clone();
        for (user, place) in &mut self.places {
            place.is_gone = !readers.contains_key(user);
        }
        let mut unknown = vec![];
        for (user, &since) in readers {
            let place = self.places.entry(user.clone()).or_insert(Place { told: None, now: None, since, is_gone: false, is_asked: false });
            let was_there = before.get(user).is_some_and(|before| !before.is_gone);
            // From further back the marker itself counts again, and that may be anywhere.
            place.now = place.now.filter(|_| was_there && since >= place.since).map(|now| now.max(since));
            place.since = since;
            if place.now.is_none() && !std::mem::replace(&mut place.is_asked, true) {
                unknown.push(user.clone());
            }
        }
        if self.places != before {
            self.flush_soon(moment);
        }
        unknown
    }

    /// What the store says of readers. Whoever has read since is further than that.
    pub(super) fn found(&mut self, moment: Moment, marks: Vec<(UserId, u64)>) {
        for (user, mark) in marks {
            let Some(place) = self.places.get_mut(&user) else { continue };
            place.is_asked = false;
            place.now = place.now.or(Some(mark.max(place.since)));
        }
        self.flush_soon(moment);
    }

    /// A reader's marker stands there now.
    pub(super) fn set(&mut self, moment: Moment, user: &UserId, seq: u64) {
        self.change(moment, user, |place| Some(seq.max(place.since)));
    }

    /// Whoever writes has read all before it.
    pub(super) fn raise(&mut self, moment: Moment, user: &UserId, seq: u64) {
        self.change(moment, user, |place| place.now.max(Some(seq.max(place.since))));
    }

    fn change(&mut self, moment: Moment, user: &UserId, to: impl FnOnce(&Place) -> Option<u64>) {
        let Some(place) = self.places.get_mut(user) else { return };
        let now = to(place);
        if place.now != now {
            place.now = now;
            self.flush_soon(moment);
        }
    }

    fn flush_soon(&mut self, moment: Moment) {
        let earliest = self.flushed_at.map_or(moment.now, |flushed| flushed + GATHER);
        self.flush_at.get_or_insert(earliest.max(moment.now));
    }

    /// When moves are due that were not told at once.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.flush_at
    }

    /// What is to be told at this moment, and counts as told from then on.
    pub(super) fn settle(&mut self, moment: Moment) -> News {
        let is_known = self.places.values().all(|place| place.now.is_some() || place.is_gone);
        let awaited = is_known && self.watchers.iter().any(|watcher| !watcher.knows);
        if !awaited && self.flush_at.is_none_or(|due| due > moment.now) {
            return News::default();
        }
        self.flush_at = None;
        let moves = self.flush();
        if !moves.is_empty() {
            self.flushed_at = Some(moment.now);
        }
        let knowing =
            |knows: bool| self.watchers.iter().filter(move |watcher| watcher.knows == knows).map(|watcher| watcher.session.clone());
        let moved = if moves.is_empty() { vec![] } else { knowing(true).collect() };
        let mut news = News { moves, moved, ..News::default() };
        if awaited {
            (news.standing, news.fresh) = (self.standing(), knowing(false).collect());
            self.watchers.iter_mut().for_each(|watcher| watcher.knows = true);
        }
        news
    }

    fn flush(&mut self) -> Vec<ReceiptMove> {
        let mut moves: BTreeMap<(Option<u64>, Option<u64>), u64> = BTreeMap::new();
        self.places.retain(|_, place| {
            let now = place.now.filter(|_| !place.is_gone);
            if place.told != now && (now.is_some() || place.is_gone) {
                *moves.entry((place.told, now)).or_default() += 1;
                place.told = now;
            }
            !place.is_gone
        });
        moves.into_iter().map(|((from, to), readers)| ReceiptMove { from, to, readers }).collect()
    }

    fn standing(&self) -> Vec<Standing> {
        let mut standing: BTreeMap<u64, u64> = BTreeMap::new();
        for seq in self.places.values().filter_map(|place| place.told) {
            *standing.entry(seq).or_default() += 1;
        }
        standing.into_iter().map(|(seq, readers)| Standing { seq, readers }).collect()
    }
}

#[cfg(test)]
mod tests;
