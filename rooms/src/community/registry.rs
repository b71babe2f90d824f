//! The servers that are live in this process: handles to their tasks, and which channel and which session belongs to which.
//!
//! Owns no server's state: what is here are caches of what the servers' tasks decide. Invariant: at most one task per server.

use super::actor;
use super::attendance::{Contact, FRESH};
use super::handle::ServerHandle;
use crate::registry::Node;
use crate::room::event::Input;
use crate::session::SessionHandle;
use crate::store::ServerTree;
use crate::view::User;
use crate::{ChannelId, Error, Result, RoomId, ServerId, SessionId, UserId};
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use dashmap::mapref::one::RefMut;
use std::collections::HashSet;
use std::sync::Arc;

/// The live servers.
#[derive(Default)]
pub(crate) struct Communities {
    servers: DashMap<ServerId, ServerHandle>,
    channels: DashMap<ChannelId, ServerId>,
    listening: DashMap<SessionId, Listening>,
    calls: DashMap<ChannelId, Call>,
}

/// A session that listens to servers.
struct Listening {
    session: SessionHandle,
    servers: HashSet<ServerId>,
    contact: Contact,
}

/// The call of a voice channel.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// No other call has it.
    pub(crate) key: String,
    pub(crate) room: Option<RoomId>,
}

impl Call {
    fn fresh() -> Self {
        Self { key: crate::random_id("call"), room: None }
    }
}

impl Communities {
    /// A live server.
    pub(crate) fn live(&self, id: &ServerId) -> Option<ServerHandle> {
        self.servers.get(id).map(|server| server.clone()).filter(ServerHandle::is_open)
    }

    /// The live server of a channel.
    pub(crate) fn live_of(&self, channel: &ChannelId) -> Option<ServerHandle> {
        let id = self.channels.get(channel).map(|server| server.clone())?;
        self.live(&id)
    }

    pub(crate) fn all_live(&self) -> Vec<ServerHandle> {
        self.servers.iter().map(|server| server.clone()).collect()
    }

    /// A server's task is over.
    pub(super) fn forget(&self, server: &ServerHandle) {
        // The channels first: as long as the task is found here, there is no other that has them.
        self.channels.retain(|_, of| of != server.id());
        self.servers.remove_if(server.id(), |_, present| present.is_same(server));
    }

    /// These are the server's channels now.
    pub(super) fn index(&self, server: &ServerId, tree: &ServerTree) {
        self.channels.retain(|channel, of| of != server || tree.channels.contains_key(channel));
        for channel in tree.channels.keys() {
            self.channels.insert(channel.clone(), server.clone());
        }
    }

    /// The session wants to be told of its user's servers, also of the first one.
    pub(crate) fn attends(&self, session: &SessionHandle) {
        self.attending(session);
    }

    /// A session is about to listen to a server: its end will find it there.
    pub(crate) fn listens(&self, session: &SessionHandle, server: &ServerId) {
        self.attending(session).servers.insert(server.clone());
    }

    fn attending(&self, session: &SessionHandle) -> RefMut<'_, SessionId, Listening> {
        let fresh = || Listening { session: session.clone(), servers: HashSet::new(), contact: FRESH };
        self.listening.entry(session.id.clone()).or_insert_with(fresh)
    }

    /// As [`Communities::listens`], for a session that listens to others. False when it doesn't, or to this one too.
    pub(crate) fn listens_too(&self, session: &SessionId, server: &ServerId) -> bool {
        self.listening.get_mut(session).is_some_and(|mut listening| listening.servers.insert(server.clone()))
    }

    pub(crate) fn is_listening(&self, session: &SessionId, server: &ServerId) -> bool {
        self.listening.get(session).is_some_and(|listening| listening.servers.contains(server))
    }

    /// How a session that listens to servers stands with its user.
    pub(crate) fn contact(&self, session: &SessionId) -> Contact {
        self.listening.get(session).map_or(FRESH, |listening| listening.contact)
    }

    /// Notes what changed in that, for the servers that the session will listen to; those that it listens to are told by the caller, afterwards.
    pub(crate) fn set_contact(&self, session: &SessionId, change: impl FnOnce(&mut Contact)) {
        if let Some(mut listening) = self.listening.get_mut(session) {
            change(&mut listening.contact);
        }
    }

    /// A user's sessions that listen to servers.
    pub(crate) fn sessions_of(&self, user: &UserId) -> Vec<SessionHandle> {
        self.listening.iter().filter(|listening| listening.session.user.id == *user).map(|listening| listening.session.clone()).collect()
    }

    /// These sessions don't listen to the server any more.
    pub(crate) fn released<'a>(&self, server: &ServerId, sessions: impl Iterator<Item = &'a SessionId>) {
        for session in sessions {
            if let Some(mut listening) = self.listening.get_mut(session) {
                listening.servers.remove(server);
            }
        }
    }

    /// The servers that a session listens to.
    pub(crate) fn of_session(&self, session: &SessionId) -> Vec<ServerHandle> {
        let servers = self.listening.get(session).map(|listening| listening.servers.clone());
        servers.into_iter().flatten().filter_map(|server| self.live(&server)).collect()
    }

    /// The servers that any session of the user listens to.
    pub(crate) fn of_user(&self, user: &UserId) -> Vec<ServerHandle> {
        let sessions = self.listening.iter().filter(|listening| listening.session.user.id == *user);
        let servers: HashSet<ServerId> = sessions.flat_map(|listening| listening.servers.clone()).collect();
        servers.into_iter().filter_map(|server| self.live(&server)).collect()
    }

    /// The user of a session that listens to servers.
    pub(crate) fn user_of(&self, session: &SessionId) -> Option<User> {
        self.listening.get(session).map(|listening| listening.session.user.clone())
    }

    /// A session has ended. Returns it with what it listened to, if it ever listened.
    pub(crate) fn ended(&self, session: &SessionId) -> Option<(SessionHandle, Vec<ServerHandle>)> {
        let (_, Listening { session, servers, .. }) = self.listening.remove(session)?;
        Some((session, servers.into_iter().filter_map(|server| self.live(&server)).collect()))
    }

    /// The call of a channel, or one that nobody has opened a room for. All who ask before somebody does get the same.
    pub(crate) fn call(&self, channel: &ChannelId) -> Call {
        self.calls.entry(channel.clone()).or_insert_with(Call::fresh).clone()
    }

    /// The call of a channel has a room from now on.
    pub(crate) fn call_opened(&self, channel: &ChannelId, room: &RoomId) {
        self.calls.entry(channel.clone()).or_insert_with(Call::fresh).room = Some(room.clone());
    }

    /// Who calls next opens another room.
    pub(crate) fn call_ended(&self, channel: &ChannelId, room: &RoomId) {
        self.calls.remove_if(channel, |_, call| call.room.as_ref() == Some(room));
    }

    /// The room of a call is none, and was never opened here.
    pub(crate) fn call_failed(&self, channel: &ChannelId, key: &str) {
        self.calls.remove_if(channel, |_, call| call.key == key && call.room.is_none());
    }

    /// Servers, channels, sessions and calls that are known here.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> [usize; 4] {
        [self.servers.len(), self.channels.len(), self.listening.len(), self.calls.len()]
    }

    /// The rooms in which calls of these channels are.
    pub(crate) fn calls_of(&self, server: &ServerId) -> Vec<(ChannelId, RoomId)> {
        let of_server = |channel: &ChannelId| self.channels.get(channel).is_some_and(|of| *of == *server);
        let with_room = self.calls.iter().filter_map(|call| Some((call.key().clone(), call.room.clone()?)));
        with_room.filter(|(channel, _)| of_server(channel)).collect()
    }
}

impl Node {
    /// A server, read from the store unless it is live.
    ///
    /// # Errors
    /// `NotFound` for one that isn't there; `Unavailable`.
    pub(crate) async fn server(self: &Arc<Self>, id: &ServerId) -> Result<ServerHandle> {
        self.check_running()?;
        if let Some(server) = self.communities.live(id) {
            return Ok(server);
        }
        let tree = self.store.server(id).await?.ok_or(Error::NotFound("server"))?;
        let members = self.store.members(id).await?;
        let opened = || actor::spawn(self.clone(), tree, members);
        let server = match self.communities.servers.entry(id.clone()) {
            Entry::Occupied(present) if present.get().is_open() => return Ok(present.get().clone()),
            Entry::Occupied(mut ended) => {
                ended.insert(opened());
                ended.get().clone()
            }
            Entry::Vacant(absent) => absent.insert(opened()).clone(),
        };
        // Between the two reads another task may have had the server, and deleted it.
        if self.store.server(id).await?.is_none() {
            server.stop().await;
            return Err(Error::NotFound("server"));
        }
        for (_, room) in self.communities.calls_of(id) {
            if let Some(room) = self.live(&room) {
                room.tell(Input::Announce).await;
            }
        }
        Ok(server)
    }

    /// The server of a channel.
    ///
    /// # Errors
    /// `NotFound` for a channel that is in none; `Unavailable`.
    pub(crate) async fn server_of(self: &Arc<Self>, channel: &ChannelId) -> Result<ServerHandle> {
        let known = self.communities.channels.get(channel).map(|server| server.clone());
        let id = match known {
            Some(id) => id,
            None => self.store.server_of(channel).await?.ok_or(Error::NotFound("channel"))?,
        };
        self.server(&id).await.map_err(|error| if error == Error::NotFound("server") { Error::NotFound("channel") } else { error })
    }
}
