//! What the server pushes: one object for each event, and the event's number after it. What belongs to a connection (`session:*`), and
//! what is volatile (`speaker:changed`), has no number.

use super::client_event::Seat;
use super::types::{IceServer, LobbyRoom, Message, Participant, ParticipantQuality, ParticipantState, Room, SlotBinding, Speaker, Track};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `session:ready`: the first event of every connection but what a resumed session missed, which comes before it.
#[derive(Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SessionReady {
    /// A secret: pass it as `auth.session` when reconnecting. Every connection gets a new one and ends the old one's validity.
    pub session: String,
    pub resumed: bool,
    /// The number of the newest event that this one knows of: what has a higher one follows.
    #[ts(type = "number")]
    pub sn: u64,
    /// So many events that the client had missed came before this one, and none is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub replayed: Option<u64>,
    /// The client had a session, and something that it missed of it can't be had again: it should fetch what it shows anew.
    pub resync: bool,
    /// When the token expires.
    #[ts(type = "number")]
    pub expires_in_ms: u64,
    /// For the connections that are made from now on. Empty where no TURN server is configured.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
    /// Absent where files can't be uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub uploads: Option<UploadLimits>,
    /// The seat that a resumed session still has. A `media:map` follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub seat: Option<Seat>,
}

/// What `chat:upload` takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct UploadLimits {
    /// Longest file, in bytes.
    #[ts(type = "number")]
    pub max_bytes: u64,
}

/// `session:expiring`: refresh the token, or the session ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SessionExpiring {
    #[ts(type = "number")]
    pub expires_in_ms: u64,
}

/// `session:upgraded`: a WebSocket has taken over from polling. There is nothing to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SessionUpgraded {}

/// `session:draining`: the node stops; reconnect after this time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SessionDraining {
    #[ts(type = "number")]
    pub reconnect_in_ms: u64,
}

/// `participant:joined`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ParticipantJoined {
    pub room: String,
    pub participant: Participant,
}

/// `participant:updated`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ParticipantUpdated {
    pub room: String,
    pub participant: Participant,
    /// The same as `participant.state`.
    pub state: ParticipantState,
}

/// `participant:left`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ParticipantLeft {
    pub room: String,
    /// The participant id.
    pub participant: String,
    pub reason: LeaveReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    Left,
    Disconnected,
    TimedOut,
    MediaLost,
    Kicked,
    RoomClosed,
    ServerStopped,
    Unauthorized,
}

/// `track:published` and `track:updated`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TrackChanged {
    pub room: String,
    pub track: Track,
}

/// `track:unpublished`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TrackUnpublished {
    pub room: String,
    /// The track id.
    pub track: String,
}

/// `media:map`: replaces all bindings with a lower `rev`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaMap {
    pub room: String,
    #[ts(type = "number")]
    pub rev: u64,
    pub slots: Vec<SlotBinding>,
}

/// `media:need`: offer this many slots in all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaNeed {
    pub room: String,
    pub audio: u8,
    pub video: u8,
}

/// `media:lost`: the media transport died; send a `media:offer` of a new one within the grace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaLost {
    pub room: String,
}

/// `media:layers`: what anybody can use of an own track. What isn't wanted needn't be sent. Before the first one everything is wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaLayers {
    pub room: String,
    /// An own track's id.
    pub track: String,
    /// False: nobody can use any of it.
    pub wanted: bool,
    /// The rids of the simulcast layers that are wanted, low to high. Empty for a track without simulcast.
    pub active: Vec<String>,
}

/// `media:stalled`: a track is held back, because the receiver's connection is too narrow for it, or comes again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaStalled {
    pub room: String,
    /// Somebody else's track.
    pub track: String,
    pub stalled: bool,
}

/// `quality:changed`: those of whom it changed; after a join, all of whom it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct QualityChanged {
    pub room: String,
    pub qualities: Vec<ParticipantQuality>,
}

/// `speaker:changed`: who is audible, loudest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SpeakerChanged {
    pub room: String,
    pub speakers: Vec<Speaker>,
}

/// `room:updated`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomUpdated {
    pub room: Room,
}

/// `room:closed`: you are no longer in this room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomClosed {
    pub room: String,
    pub reason: CloseReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    Closed,
    Kicked,
    MediaLost,
    ServerStopped,
    Failed,
}

/// `room:replaced`: a newer session of yours took the seat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomReplaced {
    pub room: String,
}

/// `chat:message`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatMessage {
    pub message: Message,
}

/// `chat:edited`: a message has another text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatEdited {
    pub message: Message,
}

/// `chat:deleted`: a message has no text any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatDeleted {
    pub message: Message,
}

/// `lobby:changed`: rooms that appeared or changed, and ids of rooms that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LobbyChanged {
    pub rooms: Vec<LobbyRoom>,
    pub removed: Vec<String>,
}
