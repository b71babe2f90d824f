//! What others see of a room: plain values, copied out of its task.

use crate::limits::{BUDDY_CAPACITY_MAX, CAPACITY_MIN, VOICE_CAPACITY_MAX};
use crate::{ChannelId, MessageId, ParticipantId, RoleId, RoomId, TrackId, UserId};
use std::ops::Range;
use std::time::SystemTime;

pub use media::{Demand, Kind, LayerStats, Mid, Quality, Rid, TrackId as TrackNumber};

/// An account with the name it shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct User {
    pub id: UserId,
    /// 1–64 characters.
    pub name: String,
}

/// What a room is for: how many it seats, and how they hear each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RoomKind {
    /// Everyone sees and hears everyone.
    Buddy,
    /// Everyone hears the loudest [`media::POOL_SLOTS`] of the others, and sees as many cameras as it has slots.
    Voice,
}

impl RoomKind {
    /// How many seats a room of this kind may have.
    pub fn capacities(self) -> std::ops::RangeInclusive<u8> {
        match self {
            Self::Buddy => CAPACITY_MIN..=BUDDY_CAPACITY_MAX,
            Self::Voice => CAPACITY_MIN..=VOICE_CAPACITY_MAX,
        }
    }
}

/// A room as everyone in it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomView {
    pub id: RoomId,
    pub name: String,
    pub kind: RoomKind,
    /// Seats.
    pub capacity: u8,
    pub has_password: bool,
    pub owner: UserId,
    /// The channel of this room's messages.
    pub channel: ChannelId,
    /// In the order of joining.
    pub participants: Vec<ParticipantView>,
}

/// A room as the lobby lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LobbyRoom {
    pub id: RoomId,
    pub name: String,
    pub kind: RoomKind,
    pub capacity: u8,
    /// Seats taken, those of reconnecting participants included.
    pub seated: u8,
    pub has_password: bool,
    pub owner_name: String,
    pub created_at: SystemTime,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParticipantView {
    pub id: ParticipantId,
    pub user: UserId,
    pub name: String,
    pub state: ParticipantState,
}

/// Whether a seated participant can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParticipantState {
    Joined,
    /// The connection is lost, the seat is kept for a grace.
    Reconnecting,
}

/// What a participant may do in its room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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

/// Published media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackView {
    pub id: TrackId,
    pub participant: ParticipantId,
    pub kind: Kind,
    pub source: TrackSource,
    /// By its publisher.
    pub muted: bool,
    /// By the room's owner or a backend. A track is heard or seen when neither is set.
    pub muted_by_moderator: bool,
}

/// Where published media comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrackSource {
    Microphone,
    Camera,
    Screen,
}

impl TrackSource {
    /// What it can be the source of.
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Microphone => &[Kind::Audio],
            Self::Camera => &[Kind::Video],
            Self::Screen => &[Kind::Video, Kind::Audio],
        }
    }
}

/// One m-line of a client on which it can receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub mid: Mid,
    pub kind: Kind,
}

/// Which track a slot carries from revision `rev` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotBinding {
    pub mid: Mid,
    pub track: Option<TrackId>,
}

/// All bindings of one participant's slots. A map with a higher `rev` replaces all earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaMap {
    pub rev: u64,
    pub slots: Vec<SlotBinding>,
}

/// A stored chat message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: MessageId,
    pub channel: ChannelId,
    /// Contiguous from 1 in its channel.
    pub seq: u64,
    pub author: User,
    /// Empty in a deleted message.
    pub text: String,
    pub sent_at: SystemTime,
    /// When it was changed last, if it was.
    pub edited_at: Option<SystemTime>,
    /// What is left is a tombstone, which keeps its number.
    pub deleted_at: Option<SystemTime>,
    /// The number of the message that it answers, which may be deleted by now.
    pub reply_to: Option<u64>,
    /// Whom it mentions, each once. Empty in a deleted message.
    pub mentions: Vec<Audience>,
    /// Empty in a deleted message.
    pub attachments: Vec<Attachment>,
    /// Each emoji once, that which came first first. Empty in a deleted message.
    pub reactions: Vec<Reaction>,
}

/// A file that belongs to a message, kept somewhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub url: String,
    /// The file's, as its readers see it.
    pub name: String,
    /// `type/subtype`, as its author says.
    pub mime: String,
    /// As its author says.
    pub size_bytes: u64,
    /// Width and height of a picture or video, in pixels, as its author says.
    pub pixels: Option<(u32, u32)>,
}

/// One emoji on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    pub emoji: String,
    /// How many users reacted with it. At least 1.
    pub count: u64,
    /// The first [`REACTION_USERS_SHOWN`](crate::store::REACTION_USERS_SHOWN) of them, in the order of coming.
    pub users: Vec<UserId>,
}

/// Who is meant by a mention.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Audience {
    /// Everyone who reads the channel.
    Everyone,
    /// Everyone who has the role.
    Role(RoleId),
    User(UserId),
}

/// Which messages of a channel are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    Newest,
    /// Those with the highest numbers below this one.
    Before(u64),
    /// Those with the lowest numbers above this one.
    After(u64),
    /// This one in the middle, as far as there are as many on both sides.
    Around(u64),
}

impl Cursor {
    /// The numbers of a page of a channel whose newest message is `head`.
    pub fn page(self, head: u64, limit: u32) -> Range<u64> {
        let (end, limit) = (head + 1, u64::from(limit));
        let first = |start: u64| start..start.saturating_add(limit).min(end);
        match self {
            Self::Newest => end.saturating_sub(limit).max(1)..end,
            Self::Before(seq) => {
                let end = seq.clamp(1, end);
                end.saturating_sub(limit).max(1)..end
            }
            Self::After(seq) => first(seq.saturating_add(1).min(end)),
            Self::Around(seq) => first(seq.min(end).saturating_sub(limit / 2).min(end.saturating_sub(limit)).max(1)),
        }
    }
}

/// A page of messages, oldest first. Deleted ones are among them, as tombstones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    pub messages: Vec<Message>,
    /// Whether older messages than these exist.
    pub more: bool,
    /// Whether newer messages than these exist.
    pub newer: bool,
}

/// What a user hasn't read of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub channel: ChannelId,
    /// The number of the newest message; 0 where there is none.
    pub head: u64,
    /// Everything up to this number is read. At most `head`.
    pub read: u64,
    /// Messages above `read` that aren't deleted.
    pub unread: u64,
    /// Those among them that mention the user. A message counts once.
    pub mentions: u64,
}

/// So many readers of a channel have read up to this message, and no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub seq: u64,
    pub readers: u64,
}

/// So many readers of a channel have moved from one message to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptMove {
    /// `None`: they were no readers.
    pub from: Option<u64>,
    /// `None`: they are no readers any more.
    pub to: Option<u64>,
    pub readers: u64,
}
