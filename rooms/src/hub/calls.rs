//! Calls of voice channels: rooms that a server's members open by their channel, and in which they may what the server says.
//!
//! It decides nothing: the server's task says who may connect, the room's who is seated. Invariant: a channel has at most one call.

use super::community::person;
use super::{Hub, authority, wall_clock};
use crate::community::{By, Call, PostAct, Request};
use crate::limits;
use crate::permission::Authority;
use crate::room::event::Input;
use crate::room::handle::RoomHandle;
use crate::session::{Grants, RoomGrants, SessionHandle};
use crate::store::{ChannelKind, ChannelRecord, Listing, Nonce, RoomRecord};
use crate::view::{RoomKind, User};
use crate::{ChannelId, Error, Result, RoomId, UserId};

/// Tries to open a call that ends meanwhile.
const CALL_TRIES: u32 = 3;

impl Hub {
    /// The room of a voice channel's call, opened if there is none.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` for who may not connect; `Invalid` for a text channel; `Unavailable`.
    pub async fn open_call(&self, session: &SessionHandle, channel: &ChannelId) -> Result<RoomId> {
        let by = By::User(person(session).map_err(|_| Error::NotFound("channel"))?.clone());
        let server = self.node.server_of(channel).await?;
        for _ in 0..CALL_TRIES {
            let (by, of) = (by.clone(), channel.clone());
            let (post, _) = server.call(|reply| Request::Post { by, channel: of, act: PostAct::Connect, reply }).await?;
            let ChannelKind::Voice { capacity } = post.channel.kind else {
                return Err(limits::invalid("channel", "is a text channel, allowed are voice channels".to_owned()));
            };
            let Call { key, room } = self.node.communities.call(channel);
            if let Some(room) = room.filter(|room| self.node.live(room).is_some()) {
                return Ok(room);
            }
            let record = call_room(post.channel, capacity);
            let id = record.id.clone();
            // All who find no call at the same time name the same one.
            let record = self.node.store.create_room(record, Nonce(key.clone())).await?;
            if record.id == id {
                return Ok(self.node.open(record).record().id.clone());
            }
            match self.node.find(&record.id).await {
                Ok(room) => return Ok(room.record().id.clone()),
                // It has ended already.
                Err(Error::NotFound(_)) => self.node.communities.call_failed(channel, &key),
                Err(error) => return Err(error),
            }
        }
        Err(Error::Unavailable("the call ends as often as it is opened, try again"))
    }

    /// Whoever has just taken a seat in a call may have lost the right to it on the way.
    ///
    /// # Errors
    /// As [`Hub::call_grants`].
    pub(super) async fn check_still_called(&self, session: &SessionHandle, room: &RoomHandle) -> Result<()> {
        match self.call_grants(session, room.record()).await {
            Err(error @ (Error::NotFound(_) | Error::Forbidden(_))) => {
                room.tell(Input::Expel { user: session.user.id.clone() }).await;
                Err(error)
            }
            // Where the server gives no answer, what it said before holds.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// What the session may in a room: for the call of a voice channel its server says so, and not the token.
    ///
    /// # Errors
    /// `NotFound` for a channel that the user doesn't read, `Forbidden` for who may not connect.
    pub(super) async fn call_grants(&self, session: &SessionHandle, record: &RoomRecord) -> Result<Grants> {
        if record.listing != Listing::Channel {
            return Ok(session.grants.clone());
        }
        let asked = |act| self.ask_call(session, record, act);
        asked(PostAct::Connect).await?;
        let room_admin = asked(PostAct::MuteMembers).await.is_ok();
        let everything = RoomGrants {
            room: record.id.clone(),
            room_join: true,
            can_publish: true,
            can_subscribe: true,
            can_publish_data: true,
            room_admin,
        };
        Ok(Grants::Room(everything))
    }

    /// By whose right the session's user changes a room.
    ///
    /// # Errors
    /// As the server says, for the call of a voice channel.
    pub(super) async fn authority_in(&self, session: &SessionHandle, room: &RoomId) -> Result<Authority> {
        let Some(room) = self.node.live(room).filter(|room| room.record().listing == Listing::Channel) else {
            return Ok(authority(session));
        };
        let grants = self.call_grants(session, room.record()).await?;
        Ok(Authority::User { user: session.user.id.clone(), grants })
    }

    async fn ask_call(&self, session: &SessionHandle, record: &RoomRecord, act: PostAct) -> Result<()> {
        // Whoever may not know of the channel may not know of its room.
        let no_room = |error| if matches!(error, Error::NotFound(_)) { Error::NotFound("room") } else { error };
        let by = By::User(person(session).map_err(no_room)?.clone());
        let channel = record.channel.clone();
        let server = self.node.server_of(&channel).await.map_err(no_room)?;
        server.call(|reply| Request::Post { by, channel, act, reply }).await.map(drop).map_err(no_room)
    }
}

/// The room of a channel's next call.
fn call_room(channel: ChannelRecord, capacity: u8) -> RoomRecord {
    RoomRecord {
        id: RoomId::new(crate::random_id("room")),
        owner: User { id: UserId::new(format!("channel:{}", channel.id)), name: channel.name.clone() },
        name: channel.name,
        kind: if capacity <= limits::BUDDY_CAPACITY_MAX { RoomKind::Buddy } else { RoomKind::Voice },
        capacity,
        password_hash: None,
        channel: channel.id,
        listing: Listing::Channel,
        created_at: wall_clock(),
    }
}
