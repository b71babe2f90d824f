//! The way in: every request of a session or a backend to this crate goes through [`Hub`].
//!
//! Finds the room or the store that a request is for, and waits for the answer; it decides nothing that the room's task can decide.

mod calls;
mod chat;
mod community;
mod direct;
mod find;
mod inbox;
mod invitations;
mod links;
mod marks;
mod media;
mod notes;
#[cfg(test)]
mod tests;
mod upload;

pub use community::{CreatedInvite, Done, InvitePreview};
pub use direct::{Direct, OpenDirect};
pub use notes::NoteFormat;

use crate::chat::Pace;
use crate::inbox::Courier;
use crate::limits::{self, TokenBucket};
use crate::permission::{self, Authority};
use crate::registry::Node;
use crate::room::event::{Answer, Input, PasswordVerdict, SeatRequest, Snapshot, Ticket};
use crate::room::handle::{Arrival, RoomHandle};
use crate::session::{Grants, SessionHandle};
use crate::store::{RoomRecord, Store};
use crate::uploads::Uploads;
use crate::view::{LobbyRoom, RoomView, TrackSource, TrackView, User};
use crate::{
    Answered, ChannelId, Config, CreateLink, CreateRoom, CreatedLink, Demand, Error, JoinRoom, Joined, LeaveReason, LobbyFilter,
    LobbyWatch, Loss, MediaStats, Offer, Part, ParticipantId, Publication, RedeemedLink, Result, RoomId, SessionId, Stats, TrackId,
};
use dashmap::DashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// The registry of rooms and all that can be asked of them. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    node: Arc<Node>,
    chat_buckets: Arc<DashMap<SessionId, TokenBucket>>,
    /// Messages in channels with slow mode.
    slow_pace: Arc<Mutex<Pace>>,
    /// Notices of typing.
    typing_pace: Arc<Mutex<Pace>>,
    /// `None` where files can't be uploaded.
    uploads: Option<Arc<dyn Uploads>>,
    post: Arc<invitations::Post>,
}

/// A reservation that is given back unless it was used.
struct Reservation {
    room: RoomHandle,
    ticket: Option<Ticket>,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            // Where the inbox is full, the reservation's own deadline does it.
            self.room.try_tell(Input::Unseat { ticket });
        }
    }
}

impl Hub {
    /// Starts the hub inside a tokio runtime. Rooms that were open when the last process ended are open again, empty.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the store can't be read.
    pub async fn start(config: Config, store: Arc<dyn Store>, media: ::media::Handle) -> Result<Self> {
        let (courier, errands) = Courier::new();
        let node = Arc::new(Node::new(config, store, media, courier));
        errands.start(&node);
        let rooms = node.store.open_rooms().await?;
        tracing::info!(rooms = rooms.len(), "rooms opened again");
        for record in rooms {
            node.reopen(record);
        }
        let (slow_pace, typing_pace, post) = (Arc::default(), Arc::default(), Arc::default());
        Ok(Self { node, chat_buckets: Arc::default(), slow_pace, typing_pace, uploads: None, post })
    }

    /// Ends all rooms' tasks, telling their sessions `ServerStopped`. The rooms stay open in the store. Further requests get `Unavailable`.
    pub async fn stop(&self) {
        self.node.begin_stop();
        self.node.listeners.stop();
        let mut stops = tokio::task::JoinSet::new();
        for server in self.node.communities.all_live() {
            stops.spawn(async move { server.stop().await });
        }
        for room in self.node.all_live() {
            stops.spawn(async move { drop(room.call(Input::Stop).await) });
        }
        // A room that doesn't answer in time goes with the process.
        drop(stops.join_all().await);
    }

    /// Opens a room. The same owner and nonce twice returns the same room.
    ///
    /// # Errors
    /// `Invalid` for a name, capacity, password or nonce out of bounds; `Conflict` when the room that was made with this nonce has ended;
    /// `Unavailable`.
    pub async fn create_room(&self, owner: &User, request: CreateRoom) -> Result<RoomView> {
        self.node.check_running()?;
        let CreateRoom { name, kind, capacity, password, listing, nonce } = request;
        let name = limits::name("name", &name)?;
        let capacity = limits::capacity(kind, capacity)?;
        limits::nonce(&nonce)?;
        let password_hash = match password {
            Some(password) => {
                limits::password(&password)?;
                Some(self.node.passwords.hash(password).await?)
            }
            None => None,
        };
        let id = RoomId::new(crate::random_id("room"));
        let channel = ChannelId::new(crate::random_id("ch"));
        let (owner, created_at) = (owner.clone(), wall_clock());
        let record = RoomRecord { id: id.clone(), name, kind, capacity, password_hash, owner, channel, listing, created_at };
        let record = self.node.store.create_room(record, nonce).await?;
        let room = if record.id == id {
            tracing::info!(room = %id, ?kind, capacity, "room created");
            self.node.open(record)
        } else {
            let found = self.node.find(&record.id).await;
            found.map_err(|error| {
                if error == Error::NotFound("room") { Error::Conflict("the room that was made with this nonce has ended") } else { error }
            })?
        };
        view(&room).await
    }

    /// One room, live.
    ///
    /// # Errors
    /// `NotFound` after it ended.
    pub async fn room(&self, room: &RoomId) -> Result<RoomView> {
        view(&self.node.find(room).await?).await
    }

    /// The listed rooms that `filter` shows, newest first.
    pub fn lobby(&self, filter: LobbyFilter) -> Vec<LobbyRoom> {
        self.node.lobby.list(filter)
    }

    /// From now on, or no longer, the session gets `LobbyChanged`: everything at once, then changes, coalesced to one in 100 ms. Whoever
    /// lists first and watches then misses nothing. Ends with the session.
    pub fn watch_lobby(&self, session: &SessionHandle, watch: LobbyWatch) {
        self.node.lobby.watch(session, watch);
    }

    /// Seats the session's user. A user who has a seat in this room already comes back into it, and another session that held it is told
    /// `RoomReplaced`.
    ///
    /// # Errors
    /// `NotFound`, `RoomFull`, `BadPassword`, `Forbidden` by the token's grants or after being removed, `TooLarge` or `Invalid` for the
    /// offer, `Conflict` when the session is in another room, `Unavailable`.
    pub async fn join(&self, session: &SessionHandle, request: JoinRoom) -> Result<Joined> {
        let JoinRoom { room, password, offer, part } = request;
        if let Some(offer) = &offer {
            limits::sdp(&offer.sdp)?;
        }
        permission::may_join(&session.grants, &room)?;
        let room = self.node.find(&room).await?;
        let grants = self.call_grants(session, room.record()).await?;
        let claim = self.node.sessions.claim(&session.id, &room.record().id)?;
        let password = self.check_password(session, &room, password).await?;
        let mut reservation = reserve(session, grants, &room, password, part).await?;
        let Some(ticket) = reservation.ticket else { return Err(Error::Unavailable("the room gave no seat")) };
        let (media, negotiated, answer) = match offer {
            Some(offer) => {
                let (media, negotiated) = self.negotiate(&room, offer).await?;
                let answer = negotiated.answer.clone();
                (Some(media), Some(negotiated), Some(answer))
            }
            None => (None, None, None),
        };
        reservation.ticket = None;
        let arrival = Arrival { session: Some(session.clone()), negotiated };
        let snapshot = snapshot(room.call_with(Input::Attach { ticket, media }, arrival).await?)?;
        // The room couldn't know what happened to the session before it was seated.
        let meanwhile = claim.meanwhile();
        if let Some(reason) = meanwhile.ended {
            room.tell(Input::Leave { session: session.id.clone(), reason }).await;
            return Err(Error::Unavailable("the session has ended"));
        }
        if let Some(loss) = meanwhile.loss {
            room.tell(Input::Lost { session: session.id.clone(), loss }).await;
        }
        self.check_still_called(session, &room).await?;
        Ok(joined(snapshot, answer))
    }

    /// Answers an offer of a seated participant: its first one, an additional one, or a new transport after `MediaLost`.
    ///
    /// # Errors
    /// `NotFound` when the session has no seat, `TooLarge` or `Invalid` for the offer, `Unavailable`.
    pub async fn offer(&self, session: &SessionId, offer: Offer) -> Result<Answered> {
        limits::sdp(&offer.sdp)?;
        let room = self.seat(session)?;
        let (snapshot, answer) = self.answer_offer(session, &room, offer).await?;
        let Snapshot { tracks, slots, map, .. } = snapshot;
        Ok(Answered { answer, slots, tracks, map })
    }

    /// Mutes or unmutes an own track.
    ///
    /// # Errors
    /// `NotFound` for a track that isn't there, `Forbidden` for somebody else's.
    pub async fn mute(&self, session: &SessionId, track: &TrackId, muted: bool) -> Result<TrackView> {
        let room = self.seat(session)?;
        match room.call(Input::Mute { session: session.clone(), track: track.clone(), muted }).await? {
            Answer::Track(track) => Ok(track),
            other => Err(unexpected(&other)),
        }
    }

    /// Replaces the list of tracks that the session's participant wants to see before all others, best first. Where a room has more
    /// cameras than the participant has slots, they get the slots; ids of tracks that aren't there (any more) have no effect.
    ///
    /// # Errors
    /// `NotFound` when the session has no seat, `Invalid` for more than 64 tracks.
    pub async fn pin(&self, session: &SessionId, tracks: Vec<TrackId>) -> Result<()> {
        limits::pinned(tracks.len())?;
        self.seat(session)?.call(Input::Pin { session: session.clone(), tracks }).await.map(drop)
    }

    /// Leaves at once: no grace.
    ///
    /// # Errors
    /// `NotFound` when the session has no seat there.
    pub async fn leave(&self, session: &SessionId, room: &RoomId) -> Result<()> {
        let seat = self.seat(session)?;
        if seat.record().id != *room {
            return Err(Error::NotFound("seat"));
        }
        seat.call(Input::Leave { session: session.clone(), reason: LeaveReason::Left }).await.map(drop)
    }

    /// Ends the room for all. Returns when that is durable.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` unless the session's user owns the room or its token administers it.
    pub async fn close(&self, session: &SessionHandle, room: &RoomId) -> Result<()> {
        self.close_as(self.authority_in(session, room).await?, room).await
    }

    /// As [`Hub::close`], for a backend with an API key.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub async fn end_room_as_backend(&self, room: &RoomId) -> Result<()> {
        self.close_as(Authority::Backend, room).await
    }

    /// Removes somebody else from the room. That user can't come back for the life of the room in this process, unless it is the owner.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` unless the session's user owns the room or its token administers it; `Conflict` for oneself.
    pub async fn kick(&self, session: &SessionHandle, room: &RoomId, participant: &ParticipantId) -> Result<()> {
        self.kick_as(self.authority_in(session, room).await?, room, participant).await
    }

    /// As [`Hub::kick`], for a backend with an API key.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub async fn remove_participant_as_backend(&self, room: &RoomId, participant: &ParticipantId) -> Result<()> {
        self.kick_as(Authority::Backend, room, participant).await
    }

    /// Says what the session can use of somebody's track: from now on, for as long as both are in the room.
    ///
    /// # Errors
    /// `NotFound` for a track that isn't there; `Conflict` for an own one; `Forbidden` for who may not receive; `Invalid` for a size of zero.
    pub async fn subscribe(&self, session: &SessionId, track: &TrackId, demand: Demand) -> Result<()> {
        limits::size(demand.size)?;
        let input = Input::Demand { session: session.clone(), track: track.clone(), demand };
        self.seat(session)?.call(input).await.map(drop)
    }

    /// The sending m-lines of the session's last offer carry these sources from now on, and no others. Returns all tracks of the room.
    ///
    /// # Errors
    /// `NotFound` without a seat, `Conflict` without media, `Forbidden` for who may not publish, `Invalid` for the list.
    pub async fn publish(&self, session: &SessionId, publish: Vec<Publication>) -> Result<Vec<TrackView>> {
        let tracks = publish.iter().map(|_| TrackId::new(crate::random_id("tr"))).collect();
        let input = Input::Publish { session: session.clone(), publish, tracks };
        Ok(snapshot(self.seat(session)?.call(input).await?)?.tracks)
    }

    /// How the session's media fares. `None` for who has none.
    ///
    /// # Errors
    /// `NotFound` without a seat, `Unavailable`.
    pub async fn media_stats(&self, session: &SessionId) -> Result<Option<MediaStats>> {
        let room = self.seat(session)?;
        match room.call(Input::MediaEnds { session: session.clone() }).await? {
            Answer::MediaEnds { peer: None, .. } => Ok(None),
            Answer::MediaEnds { peer: Some(peer), tracks } => {
                let stats = self.peer_stats(&room, peer).await?;
                Ok(stats.map(|peer| MediaStats { peer, tracks: tracks.into_iter().collect() }))
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Mutes or unmutes somebody else's track. Its publisher can't undo that, and it holds for whatever the same user publishes from the same
    /// source in this room later on.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` unless the session's user owns the room or its token administers it; `Conflict` for one's own track.
    pub async fn moderate(&self, session: &SessionHandle, room: &RoomId, track: &TrackId, muted: bool) -> Result<TrackView> {
        let input = Input::ModerateTrack { by: self.authority_in(session, room).await?, track: track.clone(), muted };
        match self.node.find(room).await?.call(input).await? {
            Answer::Track(track) => Ok(track),
            other => Err(unexpected(&other)),
        }
    }

    /// From now on exactly these sources of the participant are muted, as by [`Hub::moderate`], published or not; for a backend with an API key.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub async fn moderate_as_backend(&self, room: &RoomId, participant: &ParticipantId, muted: Vec<TrackSource>) -> Result<()> {
        let input = Input::ModerateSources { by: Authority::Backend, participant: participant.clone(), muted };
        self.node.find(room).await?.call(input).await.map(drop)
    }

    /// The session's connection is lost; its seat is kept for the grace that `loss` gives.
    pub async fn session_lost(&self, session: &SessionId, loss: Loss) {
        if let Some(room) = self.node.sessions.lost(session, loss).and_then(|room| self.node.live(&room)) {
            room.tell(Input::Lost { session: session.clone(), loss }).await;
        }
        self.connection_in_servers(session, Some(loss)).await;
    }

    /// The session has a new connection: its seat is active again. Returns what it needs to go on, if it has a seat. `MediaLost` and
    /// `MediaNeed` are told again where they still hold.
    pub async fn session_resumed(&self, session: &SessionId) -> Option<Joined> {
        self.connection_in_servers(session, None).await;
        let room = self.node.sessions.resumed(session).and_then(|room| self.node.live(&room))?;
        let answer = room.call(Input::Resumed { session: session.clone() }).await.ok()?;
        Some(joined(snapshot(answer).ok()?, None))
    }

    /// The session is over: leaves whatever it is in with `reason`, and stops its watches.
    pub async fn session_ended(&self, session: &SessionId, reason: LeaveReason) {
        self.node.lobby.forget(session);
        self.chat_buckets.remove(session);
        self.node.listeners.ended(session);
        if let Some(room) = self.node.sessions.ended(session, reason).and_then(|room| self.node.live(&room)) {
            room.tell(Input::Leave { session: session.clone(), reason }).await;
        }
        self.ended_in_servers(session).await;
    }

    /// Makes a link into a room; the returned secret (130 bits) is not kept.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a life out of 1 s – 30 days, uses out of 1 – 10,000, or a name out of bounds.
    pub async fn create_link(&self, room: &RoomId, request: CreateLink) -> Result<CreatedLink> {
        links::create(&self.node, room, request).await
    }

    /// Uses a link once.
    ///
    /// # Errors
    /// `NotFound` for an unknown secret, an expired or used-up link, or an ended room; the text says which.
    pub async fn redeem_link(&self, secret: &str) -> Result<RedeemedLink> {
        links::redeem(&self.node, secret).await
    }

    /// Counts for metrics.
    pub fn stats(&self) -> Stats {
        let (rooms, participants) = self.node.counts();
        let messages_stored = self.node.messages_stored.load(Ordering::Relaxed);
        Stats { rooms, participants, messages_stored, rooms_failed: self.node.rooms_failed() }
    }

    async fn close_as(&self, by: Authority, room: &RoomId) -> Result<()> {
        self.node.find(room).await?.call(Input::Close { by }).await.map(drop)
    }

    async fn kick_as(&self, by: Authority, room: &RoomId, participant: &ParticipantId) -> Result<()> {
        let room = self.node.find(room).await?;
        room.call(Input::Kick { by, participant: participant.clone() }).await.map(drop)
    }

    /// Checks a password only where it can matter: that costs 20 ms of CPU.
    async fn check_password(&self, session: &SessionHandle, room: &RoomHandle, given: Option<String>) -> Result<PasswordVerdict> {
        let record = room.record();
        let (Some(hash), Some(given)) = (&record.password_hash, given) else { return Ok(PasswordVerdict::Unchecked) };
        if permission::skips_password(&session.grants, &session.user.id, &record.owner.id) {
            return Ok(PasswordVerdict::Unchecked);
        }
        // No such password can have been set.
        if limits::password(&given).is_err() {
            return Ok(PasswordVerdict::Wrong);
        }
        let right = self.node.passwords.verify(given, hash.clone()).await?;
        Ok(if right { PasswordVerdict::Right } else { PasswordVerdict::Wrong })
    }

    /// The room in which the session is seated.
    fn seat(&self, session: &SessionId) -> Result<RoomHandle> {
        self.node.check_running()?;
        self.node.sessions.seat(session).and_then(|room| self.node.live(&room)).ok_or(Error::NotFound("seat"))
    }
}

async fn reserve(session: &SessionHandle, grants: Grants, room: &RoomHandle, password: PasswordVerdict, part: Part) -> Result<Reservation> {
    let request = SeatRequest {
        session: session.id.clone(),
        user: session.user.clone(),
        grants,
        password,
        participant: ParticipantId::new(crate::random_id("p")),
        part,
    };
    match room.call(Input::Seat(Box::new(request))).await? {
        Answer::Reserved(ticket) => Ok(Reservation { room: room.clone(), ticket: Some(ticket) }),
        other => Err(unexpected(&other)),
    }
}

/// To the millisecond, which is what stores keep: what is told first is what is read later.
pub(crate) fn wall_clock() -> SystemTime {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

async fn view(room: &RoomHandle) -> Result<RoomView> {
    match room.call(Input::View).await? {
        Answer::View(view) => Ok(*view),
        other => Err(unexpected(&other)),
    }
}

fn snapshot(answer: Answer) -> Result<Snapshot> {
    match answer {
        Answer::Snapshot(snapshot) => Ok(*snapshot),
        other => Err(unexpected(&other)),
    }
}

fn joined(snapshot: Snapshot, answer: Option<String>) -> Joined {
    let Snapshot { participant, room, tracks, slots, map, rights } = snapshot;
    Joined { answer, slots, participant, room, tracks, map, rights }
}

fn authority(session: &SessionHandle) -> Authority {
    Authority::User { user: session.user.id.clone(), grants: session.grants.clone() }
}

/// A room that answers something else than what it was asked has a bug: the caller is told no more than that.
fn unexpected(answer: &Answer) -> Error {
    tracing::error!(?answer, "a room answered something else than it was asked");
    Error::Unavailable("the room gave no answer")
}
