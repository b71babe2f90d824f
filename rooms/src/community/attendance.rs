//! Who is there: the sessions that listen to a server, and how their users are seen. Pure.
//!
//! It knows neither members nor channels, and tells nobody. What changes is news at once where nothing was told lately, else gathered over
//! [`GATHER`]: when a thousand come back at once, or a network fails, each of the others hears of it in a few events. Invariants: how a user is
//! seen changes by a call of this or at a deadline, never by itself; what was listed or told last, changed by the news since, is how all are seen.

use super::request::Presence;
use crate::session::SessionHandle;
use crate::store::Status;
use crate::{Loss, SessionId, UserId};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

/// Least time between two times of telling news. Longer spares pushes when many come and go, shorter is livelier.
pub(super) const GATHER: Duration = Duration::from_secs(1);
/// Users of whom news is told at once: some 30 kB, of which a client's connection may have five waiting.
const NEWS_USERS: usize = 500;

/// One moment: for deadlines, and for people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Instant,
    pub(crate) at: SystemTime,
}

/// Whether a session's user touches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    Yes,
    No,
}

/// How a session stands with its user, in whatever server it listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contact {
    /// How its connection was lost. `None` while it has one.
    pub(crate) loss: Option<Loss>,
    pub(crate) idle: Idle,
}

/// Of a session that just came.
pub(crate) const FRESH: Contact = Contact { loss: None, idle: Idle::No };

/// How a user is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) presence: Presence,
    /// When the user went. `None` while it is there, and for who was never seen.
    pub(super) last: Option<SystemTime>,
}

/// A session's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Up,
    /// Counts as there until then.
    Lost {
        gone_at: Instant,
    },
    Gone,
}

#[derive(Debug)]
struct Listener {
    session: SessionHandle,
    idle: Idle,
    link: Link,
}

/// What is known of a user beside its sessions.
#[derive(Debug, Clone, Copy)]
struct Person {
    status: Status,
    seen: Seen,
    /// As it was told last. `None`: some know it otherwise, by a list that was made since.
    told: Option<Seen>,
    /// It is among those of whom there may be news.
    is_stirred: bool,
}

const NEVER: Seen = Seen { presence: Presence::Offline, last: None };
const UNSEEN: Person = Person { status: Status::Auto, seen: NEVER, told: Some(NEVER), is_stirred: false };

/// The sessions that listen, and their users.
#[derive(Debug)]
pub(super) struct Attendance {
    listeners: HashMap<UserId, Vec<Listener>>,
    people: HashMap<UserId, Person>,
    /// Of whom there may be news, the one that changed first in front.
    stirred: VecDeque<UserId>,
    /// When news was told last.
    told_at: Option<Instant>,
    /// How long somebody counts as there after a closed connection.
    closed_grace: Duration,
}

impl Attendance {
    pub(super) fn new(closed_grace: Duration) -> Self {
        Self { listeners: HashMap::new(), people: HashMap::new(), stirred: VecDeque::new(), told_at: None, closed_grace }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    /// The users that have a session here.
    pub(super) fn users(&self) -> impl Iterator<Item = &UserId> {
        self.listeners.keys()
    }

    /// Every session, with its user.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (&UserId, &SessionHandle)> {
        self.listeners.iter().flat_map(|(user, listeners)| listeners.iter().map(move |listener| (user, &listener.session)))
    }

    pub(super) fn sessions_of(&self, user: &UserId) -> impl Iterator<Item = &SessionHandle> {
        self.listeners.get(user).into_iter().flatten().map(|listener| &listener.session)
    }

    /// The session listens. One without a connection has no grace here: it never was there. `status` is what the store knows; a user who has
    /// another session here has said it already.
    pub(super) fn listen(&mut self, session: SessionHandle, Contact { loss, idle }: Contact, status: Status) {
        let user = session.user.id.clone();
        let listeners = self.listeners.entry(user.clone()).or_default();
        if listeners.is_empty() {
            self.people.entry(user).or_insert(UNSEEN).status = status;
        }
        listeners.retain(|listener| listener.session.id != session.id);
        // Nearly everyone has one, of thousands of people.
        listeners.reserve_exact(1);
        let link = if loss.is_none() { Link::Up } else { Link::Gone };
        listeners.push(Listener { session, idle, link });
    }

    pub(super) fn unlisten(&mut self, session: &SessionId, user: &UserId) {
        let Some(listeners) = self.listeners.get_mut(user) else { return };
        listeners.retain(|listener| listener.session.id != *session);
        if listeners.is_empty() {
            self.listeners.remove(user);
        }
    }

    /// Forgets a user. Returns the sessions that it had.
    pub(super) fn put_out(&mut self, user: &UserId) -> Vec<SessionHandle> {
        self.people.remove(user);
        let listeners = self.listeners.remove(user).unwrap_or_default();
        listeners.into_iter().map(|listener| listener.session).collect()
    }

    /// As [`Attendance::put_out`], for all.
    pub(super) fn put_all_out(&mut self) -> Vec<SessionHandle> {
        self.people.clear();
        self.listeners.drain().flat_map(|(_, listeners)| listeners).map(|listener| listener.session).collect()
    }

    pub(super) fn set_connection(&mut self, now: Instant, session: &SessionId, user: &UserId, loss: Option<Loss>) {
        let grace = self.closed_grace;
        if let Some(listener) = self.listener(session, user) {
            listener.link = match loss {
                None => Link::Up,
                Some(Loss::Closed) => Link::Lost { gone_at: now + grace },
                // The silence before it was long enough.
                Some(Loss::Silent) => Link::Gone,
            };
        }
    }

    pub(super) fn set_idle(&mut self, session: &SessionId, user: &UserId, idle: Idle) {
        if let Some(listener) = self.listener(session, user) {
            listener.idle = idle;
        }
    }

    /// For as long as the user has a session here.
    pub(super) fn set_status(&mut self, user: &UserId, status: Status) {
        if self.listeners.contains_key(user) {
            self.people.entry(user.clone()).or_insert(UNSEEN).status = status;
        }
    }

    /// When somebody's grace ends, or news is to be told.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let ends = |listener: &Listener| if let Link::Lost { gone_at } = listener.link { Some(gone_at) } else { None };
        let news_at = self.told_at.filter(|_| !self.stirred.is_empty()).map(|told_at| told_at + GATHER);
        self.listeners.values().flatten().filter_map(ends).chain(news_at).min()
    }

    /// Ends the graces that are over.
    pub(super) fn expire(&mut self, moment: Moment) {
        let mut expired = vec![];
        for (user, listeners) in &mut self.listeners {
            let over = |listener: &&mut Listener| matches!(listener.link, Link::Lost { gone_at } if gone_at <= moment.now);
            let mut any = false;
            for listener in listeners.iter_mut().filter(over) {
                (listener.link, any) = (Link::Gone, true);
            }
            if any {
                expired.push(user.clone());
            }
        }
        expired.iter().for_each(|user| self.stir(moment, user));
    }

    /// How the user is seen.
    pub(super) fn seen(&self, user: &UserId) -> Seen {
        self.people.get(user).copied().unwrap_or(UNSEEN).seen
    }

    /// Somebody is shown how the user is seen, beside the news.
    pub(super) fn shown(&mut self, user: &UserId) {
        if let Some(person) = self.people.get_mut(user).filter(|person| person.is_stirred) {
            person.told = None;
        }
    }

    /// The user may be seen otherwise from this moment on.
    pub(super) fn stir(&mut self, moment: Moment, user: &UserId) {
        let presence = self.presence(user);
        let Some(person) = self.people.get_mut(user).filter(|person| person.seen.presence != presence) else { return };
        let last = if presence == Presence::Offline { Some(moment.at) } else { None };
        person.seen = Seen { presence, last };
        if !std::mem::replace(&mut person.is_stirred, true) {
            self.stirred.push_back(user.clone());
        }
    }

    /// Who is seen otherwise than was told, if it is time to tell. From then on it counts as told.
    pub(super) fn news(&mut self, now: Instant) -> Vec<(UserId, Seen)> {
        let mut news = vec![];
        if self.told_at.is_some_and(|told_at| now < told_at + GATHER) {
            return news;
        }
        while news.len() < NEWS_USERS
            && let Some(user) = self.stirred.pop_front()
        {
            let Some(person) = self.people.get_mut(&user) else { continue };
            person.is_stirred = false;
            if person.told.replace(person.seen) != Some(person.seen) {
                news.push((user, person.seen));
            }
        }
        if !news.is_empty() {
            self.told_at = Some(now);
        }
        news
    }

    fn presence(&self, user: &UserId) -> Presence {
        let there = || self.listeners.get(user).into_iter().flatten().filter(|listener| listener.link != Link::Gone);
        if there().next().is_none() {
            return Presence::Offline;
        }
        let status = self.people.get(user).copied().unwrap_or(UNSEEN).status;
        Presence::of(status, || there().any(|listener| listener.idle == Idle::No))
    }

    fn listener(&mut self, session: &SessionId, user: &UserId) -> Option<&mut Listener> {
        self.listeners.get_mut(user)?.iter_mut().find(|listener| listener.session.id == *session)
    }
}
