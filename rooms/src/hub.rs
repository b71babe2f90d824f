//! The way in: every request of a session or a backend to this crate goes through [`Hub`].

use crate::session::SessionHandle;
use crate::store::{Listing, Nonce, Store};
use crate::view::{History, LobbyRoom, MediaMap, Message, RoomView, Slot, TrackSource, TrackView, User};
use crate::{ChannelId, Loss, Mid, ParticipantId, Result, RoomId, SessionId, TrackId};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Times and limits of rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How long a seat is kept after the page unloaded or the transport closed. Longer spares more refreshes on slow machines, shorter
    /// frees a seat sooner. 2 s.
    pub closed_grace: Duration,
    /// How long a seat is kept after a silent loss. 10 s.
    pub silent_grace: Duration,
    /// How long a room lives after the last one left. 30 s.
    pub empty_ttl: Duration,
    /// How long a room waits for its first participant. 24 h.
    pub unused_ttl: Duration,
    /// Longest chat text, in characters (code points). 4,000.
    pub text_max_chars: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            closed_grace: Duration::from_secs(2),
            silent_grace: Duration::from_secs(10),
            empty_ttl: Duration::from_secs(30),
            unused_ttl: Duration::from_secs(24 * 3600),
            text_max_chars: 4_000,
        }
    }
}

/// The registry of rooms and all that can be asked of them. Cheap to clone.
#[derive(Clone)]
pub struct Hub {}

impl Hub {
    /// Starts the hub inside a tokio runtime. Rooms that were open when the last process ended are open again, empty.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the store can't be read.
    pub async fn start(_config: Config, _store: Arc<dyn Store>, _media: media::Handle) -> Result<Self> {
        todo!()
    }

    /// Ends all rooms' tasks, telling their sessions `ServerStopped`. The rooms stay open in the store. Further requests get `Unavailable`.
    pub async fn stop(&self) {
        todo!()
    }

    /// Opens a room. The same owner and nonce twice returns the same room.
    ///
    /// # Errors
    /// `Invalid` for a name, capacity or password out of bounds; `Unavailable`.
    pub async fn create_room(&self, _owner: &User, _request: CreateRoom) -> Result<RoomView> {
        todo!()
    }

    /// One room, live.
    ///
    /// # Errors
    /// `NotFound` after it ended.
    pub async fn room(&self, _room: &RoomId) -> Result<RoomView> {
        todo!()
    }

    /// The listed rooms, of one capacity or of all, newest first.
    pub fn lobby(&self, _capacity: Option<u8>) -> Vec<LobbyRoom> {
        todo!()
    }

    /// From now on, or no longer, the session gets `LobbyChanged`, coalesced to one in 100 ms. Ends with the session.
    pub fn watch_lobby(&self, _session: &SessionHandle, _watch: LobbyWatch) {
        todo!()
    }

    /// Seats the session's user. A user who has a seat in this room already comes back into it, and another session that held it is told
    /// `RoomReplaced`.
    ///
    /// # Errors
    /// `NotFound`, `RoomFull`, `BadPassword`, `Forbidden` by the token's grants, `Invalid` for the offer, `Conflict` when the session is
    /// in another room, `Unavailable`.
    pub async fn join(&self, _session: &SessionHandle, _request: JoinRoom) -> Result<Joined> {
        todo!()
    }

    /// Answers an offer of a seated participant: its first one, an additional one, or a new transport after `MediaLost`.
    ///
    /// # Errors
    /// `NotFound` when the session has no seat, `Invalid` for the offer, `Forbidden`, `Unavailable`.
    pub async fn offer(&self, _session: &SessionId, _offer: Offer) -> Result<Answered> {
        todo!()
    }

    /// Mutes or unmutes an own track.
    ///
    /// # Errors
    /// `NotFound` for a track that isn't there, `Forbidden` for somebody else's.
    pub async fn mute(&self, _session: &SessionId, _track: &TrackId, _muted: bool) -> Result<TrackView> {
        todo!()
    }

    /// Leaves at once: no grace.
    ///
    /// # Errors
    /// `NotFound` when the session has no seat there.
    pub async fn leave(&self, _session: &SessionId, _room: &RoomId) -> Result<()> {
        todo!()
    }

    /// Ends the room for all.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` unless the session's user owns the room or its token administers it.
    pub async fn close(&self, _session: &SessionHandle, _room: &RoomId) -> Result<()> {
        todo!()
    }

    /// Removes somebody else from the room. That user can't come back with a password-less join for the life of the room.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` unless the session's user owns the room or its token administers it; `Conflict` for oneself.
    pub async fn kick(&self, _session: &SessionHandle, _room: &RoomId, _participant: &ParticipantId) -> Result<()> {
        todo!()
    }

    /// The session's connection is lost; its seat is kept for the grace that `loss` gives.
    pub async fn session_lost(&self, _session: &SessionId, _loss: Loss) {
        todo!()
    }

    /// The session has a new connection: its seat is active again. Returns what it needs to go on, if it has a seat.
    pub async fn session_resumed(&self, _session: &SessionId) -> Option<Joined> {
        todo!()
    }

    /// The session is over: leaves whatever it is in with `reason`, and stops its watches.
    pub async fn session_ended(&self, _session: &SessionId, _reason: crate::LeaveReason) {
        todo!()
    }

    /// Stores a message, then tells everyone in the channel, the sender included.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session isn't in, `Forbidden`, `Invalid` for an empty text, `TooLarge`, `RateLimited`,
    /// `Unavailable`.
    pub async fn send(&self, _session: &SessionHandle, _channel: &ChannelId, _nonce: Nonce, _text: String) -> Result<Message> {
        todo!()
    }

    /// A page of a channel's messages, oldest first; `limit` 1–100.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session isn't in, `Unavailable`.
    pub async fn history(&self, _session: &SessionHandle, _channel: &ChannelId, _before: Option<u64>, _limit: u32) -> Result<History> {
        todo!()
    }

    /// Makes a link into a room; the returned secret (130 bits) is not kept.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a life out of 1 s – 30 days, uses out of 1 – 10,000, or a name out of bounds.
    pub async fn create_link(&self, _room: &RoomId, _request: CreateLink) -> Result<CreatedLink> {
        todo!()
    }

    /// Uses a link once.
    ///
    /// # Errors
    /// `NotFound` for an unknown secret, an expired or used-up link, or an ended room; the text says which.
    pub async fn redeem_link(&self, _secret: &str) -> Result<RedeemedLink> {
        todo!()
    }

    /// Counts for metrics.
    pub fn stats(&self) -> Stats {
        todo!()
    }
}

/// A request for a new room.
#[derive(Debug, Clone)]
pub struct CreateRoom {
    /// 1–64 characters after trimming.
    pub name: String,
    /// 2–4.
    pub capacity: u8,
    /// 1–128 bytes.
    pub password: Option<String>,
    pub listing: Listing,
    pub nonce: Nonce,
}

/// Whether a session watches the lobby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LobbyWatch {
    All,
    Capacity(u8),
    Off,
}

/// A request for a seat.
#[derive(Debug, Clone)]
pub struct JoinRoom {
    pub room: RoomId,
    pub password: Option<String>,
    /// Without it the participant is seated without media.
    pub offer: Option<Offer>,
}

/// An SDP offer, and what its sending m-lines carry.
#[derive(Debug, Clone)]
pub struct Offer {
    pub sdp: String,
    /// The sending m-lines to publish. `None`: all of them, where the first audio is the microphone, the first video the camera and the
    /// second video the screen.
    pub publish: Option<Vec<Publication>>,
}

/// A sending m-line of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    pub mid: Mid,
    pub source: TrackSource,
    pub muted: bool,
}

/// A seat taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The answer to the offer, if there was one.
    pub answer: Option<String>,
    pub slots: Vec<Slot>,
    pub participant: ParticipantId,
    pub room: RoomView,
    /// All tracks of the room, own ones included.
    pub tracks: Vec<TrackView>,
    /// The current bindings of the own slots.
    pub map: MediaMap,
}

/// An offer answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub answer: String,
    pub slots: Vec<Slot>,
    /// All tracks of the room, own ones included.
    pub tracks: Vec<TrackView>,
    pub map: MediaMap,
}

/// A request for a link.
#[derive(Debug, Clone)]
pub struct CreateLink {
    pub ttl: Duration,
    pub max_uses: u32,
    pub name: Option<String>,
}

/// A fresh link.
#[derive(Debug, Clone)]
pub struct CreatedLink {
    pub secret: String,
    pub expires_at: SystemTime,
}

/// What a used link opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedeemedLink {
    pub room: RoomId,
    pub name: Option<String>,
}

/// Counts for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub rooms: usize,
    pub participants: usize,
    pub messages_stored: u64,
    pub rooms_failed: u64,
}
