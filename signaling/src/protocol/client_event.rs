//! What clients send, and what an `ok` ack carries. Every ack is `{ok: true, …}` or `{ok: false, error}`.

use super::types::{Attachment, IceServer, LobbyRoom, Me, Message, Publication, Room, RoomKind, SessionDescription, Slot, Track};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `room:create`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomCreate {
    /// 1–64 characters.
    pub name: String,
    /// `buddy` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub kind: Option<RoomKind>,
    /// 2–4 in a buddy room, 2–50 in a voice room.
    pub capacity: u8,
    /// 1–128 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub password: Option<String>,
    /// 1–64 bytes, made by the client: the same nonce twice makes one room.
    pub nonce: String,
}

/// Answer of `room:create`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomCreated {
    pub room: Room,
}

/// `lobby:list`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct LobbyList {
    /// `buddy` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub kind: Option<RoomKind>,
    /// Rooms of this capacity only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub size: Option<u8>,
}

/// `lobby:watch`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LobbyWatch {
    /// `buddy` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub kind: Option<RoomKind>,
    /// Rooms of this capacity only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub size: Option<u8>,
    /// False ends the watch.
    #[serde(default = "yes")]
    #[ts(optional, as = "Option<bool>")]
    pub watch: bool,
}

fn yes() -> bool {
    true
}

/// Answer of `lobby:list` and `lobby:watch`: newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LobbyListed {
    pub rooms: Vec<LobbyRoom>,
}

/// `room:join`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomJoin {
    pub room: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub password: Option<String>,
    /// Without it the participant is seated without media.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub offer: Option<SessionDescription>,
    /// The sending m-lines to publish. Absent: all, where the first audio is the microphone, the first video the camera and the
    /// second video the screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub publish: Option<Vec<Publication>>,
}

/// Answer of `room:join`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomJoined {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub answer: Option<SessionDescription>,
    /// In the order of the offer's m-lines.
    pub slots: Vec<Slot>,
    pub me: Me,
    pub room: Room,
    /// All tracks of the room, own ones included.
    pub tracks: Vec<Track>,
    /// The revision of the bindings; a `media:map` with this or a higher revision follows.
    #[ts(type = "number")]
    pub rev: u64,
    /// For the connections that are made from now on. Empty where no TURN server is configured.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
}

/// `room:leave` and `room:close`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomRef {
    pub room: String,
}

/// `room:kick`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomKick {
    pub room: String,
    /// A participant id.
    pub participant: String,
}

/// `room:mute`: by the room's owner, or with a token of `room_admin`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomMute {
    pub room: String,
    /// Somebody else's track. What its user publishes later from the same source is muted too.
    pub track: String,
    pub muted: bool,
}

/// `media:offer`: the first offer of a participant seated without media, or a further one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaOffer {
    pub offer: SessionDescription,
    /// As in `room:join`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub publish: Option<Vec<Publication>>,
}

/// Answer of `media:offer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaAnswer {
    pub answer: SessionDescription,
    pub slots: Vec<Slot>,
    /// All tracks of the room, own ones included.
    pub tracks: Vec<Track>,
    #[ts(type = "number")]
    pub rev: u64,
    /// For the connections that are made from now on. Empty where no TURN server is configured.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
}

/// `media:subscribe`: what the client can use of somebody's track. It replaces what was said of that track before, and holds until the track
/// ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaSubscribe {
    /// Somebody else's track.
    pub track: String,
    /// Nothing is sent.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub paused: bool,
    /// Of the tile that shows it, in physical pixels, 1–16,384; together with `height`. Absent: as large as there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub width: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub height: Option<u16>,
}

/// `media:publish`: what the sending m-lines of the last offer carry from now on. A track whose m-line isn't listed ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaPublish {
    pub publish: Vec<Publication>,
}

/// Answer of `media:publish`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaPublished {
    /// All tracks of the room, own ones included.
    pub tracks: Vec<Track>,
}

/// `media:mute`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaMute {
    /// An own track's id.
    pub track: String,
    pub muted: bool,
}

/// Answer of `media:mute` and `room:mute`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaMuted {
    pub track: Track,
}

/// `media:pin`: what to see first where a room has more cameras than one has video slots. Replaces the list before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MediaPin {
    /// At most 64 track ids, best first. Ids of tracks that aren't there have no effect.
    pub tracks: Vec<String>,
}

/// `chat:send`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatSend {
    pub channel: String,
    /// 1–64 bytes, made by the client: the same nonce twice stores one message.
    pub nonce: String,
    /// 1–4,000 characters, unless the user's plan says otherwise; empty or absent beside attachments.
    #[serde(default)]
    #[ts(optional, as = "Option<String>")]
    pub text: String,
    /// The `seq` of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub reply_to: Option<u64>,
    /// At most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<Attachment>>")]
    pub attachments: Vec<Attachment>,
}

/// Answer of `chat:send`, `chat:edit` and `chat:delete`: the message is durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatSent {
    pub message: Message,
}

/// `chat:edit`: one's own message gets another text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatEdit {
    pub channel: String,
    #[ts(type = "number")]
    pub seq: u64,
    /// 1–4,000 characters.
    pub text: String,
}

/// `chat:delete`: one's own message, or as the room's owner anybody's. What is left is a message without text, which keeps its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatDelete {
    pub channel: String,
    #[ts(type = "number")]
    pub seq: u64,
}

/// `chat:history`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatHistory {
    pub channel: String,
    /// Messages with a lower `seq` than this; absent: the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub before: Option<u64>,
    /// Instead of `before`: messages with a higher `seq` than this, the lowest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub after: Option<u64>,
    /// Instead of `before`: this message in the middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub around: Option<u64>,
    /// 1–100, 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub limit: Option<u32>,
}

/// Answer of `chat:history`: oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatPage {
    pub messages: Vec<Message>,
    /// Whether older messages exist.
    pub more: bool,
    /// Whether newer messages exist.
    #[serde(default)]
    pub newer: bool,
}

/// `session:refresh`: a fresh token of the same user, before the old one expires.
#[derive(Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SessionRefresh {
    pub token: String,
}

/// Answer of `session:refresh`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SessionRefreshed {
    #[ts(type = "number")]
    pub expires_in_ms: u64,
}

/// What a resumed session finds: its seat, as `room:join` told it, without an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Seat {
    pub me: Me,
    pub room: Room,
    pub slots: Vec<Slot>,
    pub tracks: Vec<Track>,
    #[ts(type = "number")]
    pub rev: u64,
}
