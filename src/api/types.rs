//! The shapes of the REST border: what programs write against. Converted from the domain here and nowhere else.
//!
//! Invariant: a field once published keeps its name and meaning; a rename in the domain ends here.

use serde::{Deserialize, Serialize};
use std::time::SystemTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// A request for a room.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRoom {
    /// 1 to 64 characters.
    #[schema(example = "막걸리 한 잔", min_length = 1, max_length = 64)]
    pub name: String,
    #[serde(default)]
    pub kind: RoomKind,
    /// Seats: 2 to 4 in a buddy room, 2 to 50 in a voice room.
    #[schema(example = 4, minimum = 2, maximum = 50)]
    pub capacity: u8,
    /// 1 to 128 bytes. Tokens and links open the room without it.
    #[serde(default)]
    pub password: Option<String>,
    /// The user who may close the room and remove others, as an id of yours. Absent: the API key alone.
    #[serde(default)]
    #[schema(example = "user-17")]
    pub owner: Option<String>,
    /// Whether the lobby shows it to strangers.
    #[serde(default)]
    pub listed: bool,
}

/// What a room is for.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Everyone sees and hears everyone.
    #[default]
    Buddy,
    /// Everyone hears the loudest five of the others, and sees as many of them as the client has places for.
    Voice,
}

impl From<RoomKind> for rooms::RoomKind {
    fn from(kind: RoomKind) -> Self {
        match kind {
            RoomKind::Buddy => Self::Buddy,
            RoomKind::Voice => Self::Voice,
        }
    }
}

impl From<rooms::RoomKind> for RoomKind {
    fn from(kind: rooms::RoomKind) -> Self {
        match kind {
            rooms::RoomKind::Buddy => Self::Buddy,
            rooms::RoomKind::Voice => Self::Voice,
        }
    }
}

/// A live room.
#[derive(Debug, Serialize, ToSchema)]
pub struct Room {
    pub id: String,
    pub name: String,
    pub kind: RoomKind,
    pub capacity: u8,
    pub has_password: bool,
    /// The owner's user id; `key:<key id>` when a backend made it for nobody.
    pub owner: String,
    /// The channel of the room's messages.
    pub channel: String,
    /// The page of the room. It asks who you are; a link (`/links`) knows.
    pub url: String,
    /// In the order of joining.
    pub participants: Vec<Participant>,
}

/// Somebody in a room.
#[derive(Debug, Serialize, ToSchema)]
pub struct Participant {
    pub id: String,
    /// The user id.
    pub user: String,
    pub name: String,
    pub state: ParticipantState,
}

/// Whether a participant can be reached.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantState {
    Joined,
    /// The connection is lost, the seat is kept for a grace.
    Reconnecting,
}

impl Room {
    pub fn new(room: rooms::view::RoomView, public_url: &str) -> Self {
        Self {
            url: format!("{public_url}/r/{}", room.id),
            id: room.id.as_str().to_owned(),
            name: room.name,
            kind: room.kind.into(),
            capacity: room.capacity,
            has_password: room.has_password,
            owner: room.owner.as_str().to_owned(),
            channel: room.channel.as_str().to_owned(),
            participants: room.participants.into_iter().map(Participant::from).collect(),
        }
    }
}

impl From<rooms::view::ParticipantView> for Participant {
    fn from(participant: rooms::view::ParticipantView) -> Self {
        Self {
            id: participant.id.as_str().to_owned(),
            user: participant.user.as_str().to_owned(),
            name: participant.name,
            state: match participant.state {
                rooms::view::ParticipantState::Joined => ParticipantState::Joined,
                rooms::view::ParticipantState::Reconnecting => ParticipantState::Reconnecting,
            },
        }
    }
}

/// What a backend changes about a participant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModerateParticipant {
    /// The sources that are muted, whatever the participant does. An empty list lifts all.
    #[schema(example = json!(["microphone"]))]
    pub muted: Vec<TrackSource>,
}

/// Where published media comes from.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrackSource {
    Microphone,
    Camera,
    /// A shared screen, its sound included.
    Screen,
}

impl From<TrackSource> for rooms::view::TrackSource {
    fn from(source: TrackSource) -> Self {
        match source {
            TrackSource::Microphone => Self::Microphone,
            TrackSource::Camera => Self::Camera,
            TrackSource::Screen => Self::Screen,
        }
    }
}

/// A request for a link into a room.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateLink {
    /// Seconds until it expires, at most 30 days.
    #[schema(example = 3600, minimum = 1, maximum = 2_592_000)]
    pub ttl_s: u32,
    /// How many times it can be used.
    #[schema(example = 1, minimum = 1, maximum = 10_000)]
    pub max_uses: u32,
    /// The name that its users show. Absent: they are asked.
    #[serde(default)]
    #[schema(example = "민지")]
    pub name: Option<String>,
}

/// A link into a room.
#[derive(Debug, Serialize, ToSchema)]
pub struct Link {
    /// Opens the room. Its fragment is a secret: it is shown once, and only its hash is kept.
    #[schema(example = "https://call.example.com/r/room_x7…#link=link_y2…")]
    pub url: String,
    /// RFC 3339.
    pub expires_at: String,
    pub max_uses: u32,
}

/// A link to be used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemLink {
    /// `link` of the fragment of the link's URL: what stands between `#link=` and an `&` or the end.
    pub secret: String,
    /// The name to show, when the link has none of its own. 1 to 64 characters.
    #[serde(default)]
    pub name: Option<String>,
}

/// What a used link opens.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkAccess {
    /// A `room` token.
    pub token: String,
    /// The room's id.
    pub room: String,
    pub user: User,
    /// When the token expires, RFC 3339.
    pub expires_at: String,
}

/// A request for a token for one user in one room.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// Your id of the user, 1 to 128 bytes. The same user has one seat.
    #[schema(example = "user-17")]
    pub user: String,
    /// The name to show, 1 to 64 characters.
    #[schema(example = "민지")]
    pub name: String,
    /// Seconds until it expires. It is checked when connecting, and refreshed while connected.
    #[serde(default = "token_ttl_s")]
    #[schema(minimum = 1, maximum = 600, default = 600)]
    pub ttl_s: u32,
    #[serde(default)]
    pub grants: TokenGrants,
}

fn token_ttl_s() -> u32 {
    600
}

/// What a room token allows, beside joining.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenGrants {
    /// Send audio and video.
    #[schema(default = true)]
    pub can_publish: bool,
    /// Receive audio and video.
    #[schema(default = true)]
    pub can_subscribe: bool,
    /// Send chat.
    #[schema(default = true)]
    pub can_publish_data: bool,
    /// Close the room and remove others.
    #[schema(default = false)]
    pub room_admin: bool,
}

impl Default for TokenGrants {
    fn default() -> Self {
        Self { can_publish: true, can_subscribe: true, can_publish_data: true, room_admin: false }
    }
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
pub struct Token {
    pub token: String,
    /// RFC 3339.
    pub expires_at: String,
}

/// A request for a token for a visitor without a login.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateGuest {
    /// The name to show, 1 to 64 characters.
    #[schema(example = "하나")]
    pub name: String,
}

/// A visitor and a token for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Guest {
    /// A `user` token.
    pub token: String,
    pub user: User,
    /// When the token expires, RFC 3339.
    pub expires_at: String,
}

/// An account with the name it shows.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    pub id: String,
    pub name: String,
}

impl From<&rooms::User> for User {
    fn from(user: &rooms::User) -> Self {
        Self { id: user.id.as_str().to_owned(), name: user.name.clone() }
    }
}

/// A user that a backend names.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Your id of the user, 1 to 128 bytes.
    #[schema(example = "buyer-7")]
    pub id: String,
    /// The name to show, 1 to 64 characters.
    #[schema(example = "하나")]
    pub name: String,
}

/// A request for a direct channel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenDirect {
    /// What you call the thing that it is about, 1 to 200 bytes.
    #[schema(example = "product-31")]
    pub subject: String,
    /// 1 to 64 characters.
    #[schema(example = "필름 카메라")]
    pub name: String,
    /// Two different ones.
    #[schema(value_type = Vec<Party>, min_items = 2, max_items = 2)]
    pub users: [Party; 2],
    /// What both see of the thing, at most 8 KiB.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A direct channel with the ways into it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DirectChannel {
    pub channel: Channel,
    pub subject: String,
    pub users: Vec<DirectUser>,
}

/// One of the two, with a way in.
#[derive(Debug, Serialize, ToSchema)]
pub struct DirectUser {
    pub user: User,
    /// Opens the channel in the page. Whoever has it is this user.
    pub url: String,
    /// The token in it, for clients of your own.
    pub token: String,
    /// When the token expires, RFC 3339.
    pub expires_at: String,
}

/// A channel of a server, or a direct one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Channel {
    pub id: String,
    pub server: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// RFC 3339.
    pub created_at: String,
}

impl Channel {
    pub fn new(server: &rooms::ServerId, channel: rooms::store::ChannelRecord) -> Self {
        Self {
            id: channel.id.to_string(),
            server: server.to_string(),
            name: channel.name,
            // It was an object when it was taken.
            metadata: channel.metadata.and_then(|json| serde_json::from_str(&json).ok()),
            created_at: rfc3339(channel.created_at),
        }
    }
}

/// What changes of a channel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelPatch {
    /// 1 to 64 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// Replaces all of it; `null` takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Option<serde_json::Map<String, serde_json::Value>>>,
}

/// A value that is there, `null` included.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A message of a bot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostMessage {
    pub author: Author,
    /// 1 to 4,000 characters.
    pub text: String,
    /// The number of the message that it answers.
    #[serde(default)]
    pub reply_to: Option<u64>,
}

/// In whose name a message is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Author {
    /// 1 to 128 bytes.
    #[schema(example = "bot")]
    pub id: String,
    /// 1 to 64 characters.
    #[schema(example = "거래 도우미")]
    pub name: String,
}

/// A stored message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    pub id: String,
    pub channel: String,
    /// Contiguous from 1 in its channel.
    pub seq: u64,
    pub author: User,
    /// Empty in a deleted message.
    pub text: String,
    /// RFC 3339.
    pub sent_at: String,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<String>,
    pub deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
}

impl From<rooms::view::Message> for Message {
    fn from(message: rooms::view::Message) -> Self {
        Self {
            id: message.id.to_string(),
            channel: message.channel.to_string(),
            seq: message.seq,
            author: (&message.author).into(),
            text: message.text,
            sent_at: rfc3339(message.sent_at),
            edited_at: message.edited_at.map(rfc3339),
            deleted: message.deleted_at.is_some(),
            reply_to: message.reply_to,
        }
    }
}

/// A page of messages, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessagePage {
    pub messages: Vec<Message>,
    /// Whether older ones exist.
    pub more: bool,
    /// Whether newer ones exist.
    pub newer: bool,
}

/// What a page sends when it unloads.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unload {
    /// The secret of `session:ready`.
    pub session: String,
}

/// A time as the border writes it.
pub fn rfc3339(time: SystemTime) -> String {
    OffsetDateTime::from(time).format(&Rfc3339).unwrap_or_default()
}

/// Checks a name that people see.
///
/// # Errors
/// The reason, for the field.
pub fn shown_name(name: &str) -> Result<String, &'static str> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > signaling::token::NAME_CHARS_MAX {
        return Err("a name has 1 to 64 characters");
    }
    Ok(name.to_owned())
}
