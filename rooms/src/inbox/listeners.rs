//! Which sessions and streams of a user are told of its inbox at once.
//!
//! Handles alone: what is in the inbox is the store's. A stream isn't handed anything: it is woken, and reads the store where it left off, so a
//! slow one holds nothing here. Invariant: a user is in the map as long as it has a session or a stream, and no longer.

use crate::session::{Grants, SessionHandle};
use crate::{Error, Event, Result, SessionId, UserId};
use dashmap::DashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Streams of one user at a time. A further one is refused: an old page is to be closed first.
pub const STREAMS_MAX: usize = 16;
/// When a refused stream may try again.
const STREAM_RETRY: Duration = Duration::from_secs(5);

/// The sessions and streams of all users of this process.
#[derive(Default)]
pub(crate) struct Listeners {
    users: DashMap<UserId, Listening>,
    of_session: DashMap<SessionId, UserId>,
}

#[derive(Default)]
struct Listening {
    sessions: Vec<SessionHandle>,
    /// `None` before the first stream: most users have none.
    news: Option<watch::Sender<()>>,
}

impl Listening {
    fn is_needed(&self) -> bool {
        !self.sessions.is_empty() || self.news.as_ref().is_some_and(|news| news.receiver_count() > 0)
    }
}

impl Listeners {
    /// A session that is told from now on, if its token is for more than a room.
    pub(crate) fn began(&self, session: &SessionHandle) {
        match session.grants {
            Grants::User => {
                self.of_session.insert(session.id.clone(), session.user.id.clone());
                let sessions = &mut self.users.entry(session.user.id.clone()).or_default().sessions;
                // Nearly everyone has one.
                sessions.reserve_exact(1);
                sessions.push(session.clone());
            }
            Grants::Room(_) => {}
        }
    }

    pub(crate) fn ended(&self, session: &SessionId) {
        let Some((_, user)) = self.of_session.remove(session) else { return };
        self.users.remove_if_mut(&user, |_, listening| {
            listening.sessions.retain(|other| other.id != *session);
            !listening.is_needed()
        });
    }

    /// Whether anybody would be told.
    pub(crate) fn is_there(&self, user: &UserId) -> bool {
        self.users.contains_key(user)
    }

    /// Tells all sessions of a user.
    pub(crate) fn tell(&self, user: &UserId, event: Event) {
        let sessions = self.users.get(user).map(|listening| listening.sessions.clone()).unwrap_or_default();
        let event = Arc::new(event);
        sessions.iter().for_each(|session| session.send(event.clone()));
    }

    /// Wakes all streams of a user.
    pub(crate) fn wake(&self, user: &UserId) {
        if let Some(listening) = self.users.get(user)
            && let Some(news) = &listening.news
        {
            news.send_replace(());
        }
    }

    /// # Errors
    /// `RateLimited` for who has [`STREAMS_MAX`] already.
    pub(crate) fn watch(self: &Arc<Self>, user: &UserId) -> Result<Watch> {
        let mut listening = self.users.entry(user.clone()).or_default();
        let news = listening.news.get_or_insert_with(|| watch::Sender::new(()));
        if news.receiver_count() >= STREAMS_MAX {
            return Err(Error::RateLimited { retry_after: STREAM_RETRY });
        }
        let news = Some(news.subscribe());
        Ok(Watch { user: user.clone(), news, listeners: self.clone() })
    }

    /// Ends all streams.
    pub(crate) fn stop(&self) {
        self.users.clear();
    }
}

/// Wakes one stream of a user's inbox.
pub struct Watch {
    user: UserId,
    /// `None` while it is dropped.
    news: Option<watch::Receiver<()>>,
    listeners: Arc<Listeners>,
}

impl Watch {
    /// Waits until there may be something new since the last call. False when the node stops. Cancel-safe.
    pub async fn changed(&mut self) -> bool {
        match &mut self.news {
            Some(news) => news.changed().await.is_ok(),
            None => false,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.news = None;
        self.listeners.users.remove_if(&self.user, |_, listening| !listening.is_needed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::User;

    fn session(id: &str, user: &str) -> (SessionHandle, crate::session::Outbox) {
        SessionHandle::new(SessionId::new(id), User { id: UserId::new(user), name: user.to_owned() }, Grants::User)
    }

    #[test]
    fn a_user_is_forgotten_with_the_last_session_and_stream() {
        let (listeners, user) = (Arc::new(Listeners::default()), UserId::new("ana"));
        let ((phone, _a), (laptop, _b)) = (session("s1", "ana"), session("s2", "ana"));
        listeners.began(&phone);
        listeners.began(&laptop);
        let watch = listeners.watch(&user).unwrap();
        listeners.ended(&phone.id);
        listeners.ended(&laptop.id);
        listeners.ended(&laptop.id);
        assert!(listeners.is_there(&user));
        drop(watch);
        assert!(!listeners.is_there(&user) && listeners.of_session.is_empty());
    }

    #[test]
    fn streams_of_one_user_are_bounded_and_those_of_another_are_not_counted() {
        let (listeners, user) = (Arc::new(Listeners::default()), UserId::new("ana"));
        let mut watches: Vec<Watch> = (0..STREAMS_MAX).map(|_| listeners.watch(&user).unwrap()).collect();
        assert!(matches!(listeners.watch(&user), Err(Error::RateLimited { .. })));
        assert!(listeners.watch(&UserId::new("bo")).is_ok());
        watches.pop();
        assert!(listeners.watch(&user).is_ok());
    }

    #[tokio::test]
    async fn a_stop_ends_streams() {
        let listeners = Arc::new(Listeners::default());
        let mut watch = listeners.watch(&UserId::new("ana")).unwrap();
        listeners.wake(&UserId::new("ana"));
        assert!(watch.changed().await);
        listeners.stop();
        assert!(!watch.changed().await);
    }

    #[test]
    fn a_session_of_a_room_token_is_told_nothing() {
        let listeners = Listeners::default();
        let room = crate::session::RoomGrants {
            room: crate::RoomId::new("r"),
            room_join: true,
            can_publish: true,
            can_subscribe: true,
            can_publish_data: true,
            room_admin: false,
        };
        let user = User { id: UserId::new("ana"), name: "ana".to_owned() };
        let (session, _outbox) = SessionHandle::new(SessionId::new("s"), user, Grants::Room(room));
        listeners.began(&session);
        assert!(!listeners.is_there(&UserId::new("ana")));
    }
}
