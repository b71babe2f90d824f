//! Shapes that events share.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a room is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Two to four seats; everyone sees and hears everyone.
    #[default]
    Buddy,
    /// Two to fifty seats; everyone hears the loudest of the others, and sees as many of them as it has video slots.
    Voice,
}

/// A room as everyone in it sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Room {
    pub id: String,
    pub name: String,
    pub kind: RoomKind,
    /// Seats.
    pub capacity: u8,
    pub has_password: bool,
    /// The owner's user id.
    pub owner: String,
    /// The channel of the room's messages.
    pub channel: String,
    /// In the order of joining.
    pub participants: Vec<Participant>,
}

/// A room as the lobby lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LobbyRoom {
    pub id: String,
    pub name: String,
    pub kind: RoomKind,
    pub capacity: u8,
    /// Seats taken.
    pub seated: u8,
    pub has_password: bool,
    pub owner_name: String,
    /// RFC 3339.
    pub created_at: String,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Participant {
    pub id: String,
    /// The user id.
    pub user: String,
    pub name: String,
    pub state: ParticipantState,
}

/// Whether a participant can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantState {
    Joined,
    /// The connection is lost, the seat is kept for a grace.
    Reconnecting,
}

/// Oneself in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Me {
    /// The participant id.
    pub id: String,
    /// The user id.
    pub user: String,
    pub name: String,
    pub rights: Rights,
}

/// What one may do in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Rights {
    /// Send audio and video.
    pub publish: bool,
    /// Receive audio and video.
    pub subscribe: bool,
    /// Send chat and application data.
    pub data: bool,
    /// Close the room, mute and remove others.
    pub administer: bool,
}

/// How well a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Nothing is missing.
    Excellent,
    /// Conversation works; losses or delays can be noticed, or the video is reduced.
    Good,
    /// Conversation suffers.
    Poor,
}

/// How well a participant's connection does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ParticipantQuality {
    /// The participant id.
    pub participant: String,
    pub quality: Quality,
}

/// Published media.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Track {
    pub id: String,
    /// The publishing participant's id.
    pub participant: String,
    pub kind: TrackKind,
    pub source: TrackSource,
    /// By its publisher.
    pub muted: bool,
    /// By the room's owner or a backend. A track is heard or seen when neither is set.
    pub muted_by_moderator: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TrackKind {
    Audio,
    Video,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TrackSource {
    Microphone,
    Camera,
    Screen,
}

/// An m-line on which the client can receive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Slot {
    pub mid: String,
    pub kind: TrackKind,
}

/// What a slot carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SlotBinding {
    pub mid: String,
    /// A track id, or null for silence.
    pub track: Option<String>,
}

/// An SDP offer or answer, as a browser's `RTCSessionDescription` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SessionDescription {
    #[serde(rename = "type")]
    pub kind: SdpKind,
    pub sdp: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SdpKind {
    Offer,
    Answer,
}

/// A server that helps to find a path, as `RTCConfiguration.iceServers` has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct IceServer {
    pub urls: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub credential: Option<String>,
}

impl std::fmt::Debug for IceServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls).finish_non_exhaustive()
    }
}

/// A sending m-line of an offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Publication {
    pub mid: String,
    pub source: TrackSource,
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub muted: bool,
}

/// A stored chat message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Message {
    pub id: String,
    pub channel: String,
    /// Contiguous from 1 in its channel.
    #[ts(type = "number")]
    pub seq: u64,
    pub author: Author,
    /// Empty in a deleted message.
    pub text: String,
    /// RFC 3339.
    pub sent_at: String,
    /// RFC 3339; of the last edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub edited_at: Option<String>,
    /// The message is deleted, and keeps its number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub deleted: bool,
    /// The `seq` of the message that it answers, which may be deleted by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub reply_to: Option<u64>,
    /// Whom it mentions, each once. Absent when nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<Mention>>")]
    pub mentions: Vec<Mention>,
    /// Absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<Attachment>>")]
    pub attachments: Vec<Attachment>,
    /// Each emoji once, that which came first first. Absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<Reaction>>")]
    pub reactions: Vec<Reaction>,
}

/// A file that belongs to a message, as its author describes it. Nobody has checked that it is what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Attachment {
    /// `https://`, at most 2,048 bytes, no user and password.
    pub url: String,
    /// 1–255 bytes without slashes.
    pub name: String,
    /// `type/subtype`.
    pub mime: String,
    #[ts(type = "number")]
    pub size_bytes: u64,
    /// Of a picture or a video, in pixels; together with `height`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub height: Option<u32>,
}

/// One emoji on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Reaction {
    pub emoji: String,
    #[ts(type = "number")]
    pub count: u64,
    /// The user ids of the first ten, in the order of coming.
    pub users: Vec<String>,
}

/// Who is meant: in a text `<@user id>`, `<@&role id>` or `<@everyone>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Mention {
    pub kind: MentionKind,
    /// Of the user or the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MentionKind {
    User,
    Role,
    /// All who read the channel.
    Everyone,
}

/// Who wrote a message, with the name at that time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Author {
    /// The user id.
    pub id: String,
    pub name: String,
}

/// An audible participant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Speaker {
    /// The participant id.
    pub participant: String,
    /// dBov: 0 loudest, -127 silent.
    pub level: i8,
}
