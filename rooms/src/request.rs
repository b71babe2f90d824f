//! What is asked of the [`Hub`](crate::Hub), and what it answers. Plain values.

use crate::store::{Listing, Nonce};
use crate::view::{Attachment, MediaMap, Rights, RoomKind, RoomView, Slot, TrackSource, TrackView};
use crate::{Mid, ParticipantId, RoomId, TrackId, UserId};
use media::PeerStats;
use std::collections::HashMap;
use std::time::{Duration, SystemTime};

/// A request for a new room.
#[derive(Debug, Clone)]
pub struct CreateRoom {
    /// 1–64 characters after trimming.
    pub name: String,
    pub kind: RoomKind,
    /// As [`RoomKind::capacities`] says.
    pub capacity: u8,
    /// 1–128 bytes.
    pub password: Option<String>,
    pub listing: Listing,
    pub nonce: Nonce,
}

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct SendMessage {
    pub nonce: Nonce,
    /// May be empty beside attachments.
    pub text: String,
    /// The number of the message that it answers.
    pub reply_to: Option<u64>,
    /// At most 10, with addresses of https.
    pub attachments: Vec<Attachment>,
}

/// A file that a client wants to upload for a message.
#[derive(Debug, Clone)]
pub struct Upload {
    /// 1–255 bytes without slashes.
    pub name: String,
    /// `type/subtype`.
    pub mime: String,
    pub size_bytes: u64,
}

/// Which of the listed rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LobbyFilter {
    pub kind: RoomKind,
    /// Rooms of this capacity only.
    pub capacity: Option<u8>,
}

/// Whether a session watches the lobby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LobbyWatch {
    On(LobbyFilter),
    Off,
}

/// What a seat is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Part {
    /// Sends and receives what the token allows and the room's kind says.
    #[default]
    Person,
    /// Sends only, whatever the token allows.
    Publisher,
    /// Receives one participant, whatever the token allows.
    Viewer(Watch),
}

/// Whom a participant receives that has no say while it is seated: a player, not a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// Who spoke last, or the first to publish as long as nobody has spoken.
    Speaker,
    Participant(ParticipantId),
    /// The participant of this user, also when it comes and goes.
    User(UserId),
}

/// A request for a seat.
#[derive(Debug, Clone)]
pub struct JoinRoom {
    pub room: RoomId,
    pub password: Option<String>,
    /// Without it the participant is seated without media.
    pub offer: Option<Offer>,
    pub part: Part,
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
    pub rights: Rights,
}

/// How one's own media fares, as the server sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaStats {
    pub peer: PeerStats,
    /// What the tracks of `peer` are called.
    pub tracks: HashMap<media::TrackId, TrackId>,
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
