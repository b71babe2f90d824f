//! What is kept, and what a keeper promises. Implemented by `memory` here, and by databases elsewhere.

mod community;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(test)]
pub(crate) mod delegate;
mod marks;
mod memory;
mod notes;
mod notifications;
mod search;
mod transfer;

pub use community::{
    Access, BanRecord, CategoryRecord, ChannelKind, ChannelRecord, CommunityStore, Entered, Entry, InviteRecord, MemberRecord, RoleRecord,
    ScheduleRecord, ServerKind, ServerRecord, ServerTree, Status, TreeChange, Updated, UserRecord,
};
pub use marks::{Mark, MarkStore, Marked, PINS_MAX, Pin, REACTION_USERS_SHOWN, REACTIONS_MAX, React};
pub use memory::MemoryStore;
pub use notes::{NewLine, NoteLine, NoteRecord, NoteStore};
pub use notifications::{
    About, INBOX_MAX, Inbox, Invitation, NewNotification, Notice, Notification, NotificationStore, Notified, Place, Reading, Seek,
};
pub use search::{Found, Search, SearchCursor, SearchStore, Words, fold};
pub use transfer::{CommunityRecord, Position, Record, Records, Transfer};

use crate::view::{Attachment, Audience, Cursor, History, Message, RoomKind, Unread, User};
use crate::{ChannelId, MessageId, RoleId, RoomId, UserId};
use async_trait::async_trait;
use std::time::SystemTime;

/// The durable half of the domain.
///
/// # Guarantees
/// * A returned `Ok` means durable: committed and synced.
/// * Texts come back byte by byte, times to the millisecond.
/// * An operation that returns an error may or may not have happened; repeating it with the same nonce is safe.
pub trait Store: RoomStore + MessageStore + MarkStore + SearchStore + CommunityStore + NoteStore + NotificationStore {}

impl<T> Store for T where T: RoomStore + MessageStore + MarkStore + SearchStore + CommunityStore + NoteStore + NotificationStore {}

/// Rooms and the links into them.
#[async_trait]
pub trait RoomStore: Send + Sync + 'static {
    /// Keeps a room. The same (owner, nonce) twice returns the first room.
    async fn create_room(&self, room: RoomRecord, nonce: Nonce) -> Result<RoomRecord, StoreError>;
    /// A room that has not ended.
    async fn room(&self, id: &RoomId) -> Result<Option<RoomRecord>, StoreError>;
    /// All rooms that have not ended, oldest first.
    async fn open_rooms(&self) -> Result<Vec<RoomRecord>, StoreError>;
    /// Marks a room as ended: it is found no more. Its messages stay. Ending it twice is no error.
    async fn end_room(&self, id: &RoomId, at: SystemTime) -> Result<(), StoreError>;

    /// Keeps a link into a room.
    async fn create_link(&self, link: LinkRecord) -> Result<(), StoreError>;
    /// Counts one use of a link, if it has one left at `now`. Decided once, however many race for the last use.
    async fn redeem_link(&self, secret_hash: &[u8; 32], now: SystemTime) -> Result<Redeemed, StoreError>;
}

/// Messages of channels, and how far each user has read them.
///
/// # Guarantees
/// * Messages of a channel are numbered 1, 2, 3 … without a gap, in the order in which they become visible; the number is
///   given by the store's own conditional write and by nothing else. A deleted message keeps its number.
/// * A nonce that was stored within the last 24 h stores nothing again and returns what the first call returned, but for what was edited or
///   deleted since.
/// * Counts are never negative, and a user's own messages are never unread. Nothing is written per reader when a message is sent.
#[async_trait]
pub trait MessageStore: Send + Sync + 'static {
    /// Appends a message to its channel and gives it the next sequence number. The same (author, nonce) in one channel twice returns the
    /// stored message, with `duplicate` set. Whoever writes has read all before it.
    async fn append(&self, message: NewMessage) -> Result<Appended, StoreError>;
    /// Replaces the text and the mentions of a message. `None` where there is none, or it is deleted.
    async fn edit(&self, edit: Edit) -> Result<Option<Message>, StoreError>;
    /// Turns a message into a tombstone, without mentions, attachments, reactions and pin. A second time changes nothing. `None` where there is no such message.
    async fn delete(&self, channel: &ChannelId, seq: u64, at: SystemTime) -> Result<Option<Message>, StoreError>;
    /// One message.
    async fn message(&self, channel: &ChannelId, seq: u64) -> Result<Option<Message>, StoreError>;
    /// At most `limit` messages, oldest first.
    async fn history(&self, channel: &ChannelId, cursor: Cursor, limit: u32) -> Result<History, StoreError>;

    /// The user has read everything up to `seq`, or to the newest message if that is lower. A marker never moves back by this. Returns where it is.
    async fn mark_read(&self, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, StoreError>;
    /// The user hasn't read `seq` and what follows. Returns where the marker is.
    async fn mark_unread(&self, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, StoreError>;
    /// What the user hasn't read of each of these channels, in their order.
    async fn unread(&self, user: &UserId, channels: &[Membership]) -> Result<Vec<Unread>, StoreError>;
}

/// A channel as one of its readers has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub channel: ChannelId,
    /// The number of the newest message when the user came: all up to it counts as read, whatever a marker says.
    pub since: u64,
    /// What the user has there: a mention of one of them is a mention of the user.
    pub roles: Vec<RoleId>,
}

/// A client-made key that makes a retry safe. 1–64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Nonce(pub String);

/// A room as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRecord {
    pub id: RoomId,
    pub name: String,
    pub kind: RoomKind,
    pub capacity: u8,
    /// Argon2id in PHC string format.
    pub password_hash: Option<String>,
    pub owner: User,
    pub channel: ChannelId,
    pub listing: Listing,
    pub created_at: SystemTime,
}

/// Where a room came from, and so whether strangers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Shown in the lobby.
    Lobby,
    /// Reached by its id or a link alone.
    Unlisted,
    /// The call of a voice channel: reached by those who may connect there.
    Channel,
}

/// A link into a room as it is kept: the secret itself is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRecord {
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    pub room: RoomId,
    /// The name that its users show, when the link is for one person.
    pub name: Option<String>,
    pub max_uses: u32,
    pub uses: u32,
    pub expires_at: SystemTime,
}

/// What became of the use of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// This use is counted.
    Granted(LinkRecord),
    /// No such link.
    Unknown,
    Expired,
    UsedUp,
}

/// A message that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    pub id: MessageId,
    pub channel: ChannelId,
    pub author: User,
    pub nonce: Nonce,
    pub text: String,
    pub sent_at: SystemTime,
    pub reply_to: Option<u64>,
    /// Each once.
    pub mentions: Vec<Audience>,
    pub attachments: Vec<Attachment>,
}

/// A change of a message's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub channel: ChannelId,
    pub seq: u64,
    pub text: String,
    /// Each once.
    pub mentions: Vec<Audience>,
    pub at: SystemTime,
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    pub message: Message,
    /// It was stored by an earlier call already: nobody needs to be told.
    pub duplicate: bool,
}

/// The store could not do it. The cause is logged where it arose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Down, full, overloaded or too slow: try again later. The operation may have happened.
    #[error("the store is unavailable")]
    Unavailable,
    /// This store has no such operation, and never will: asking again is of no use.
    #[error("the store can't do this")]
    Unsupported,
    /// What is stored doesn't read as what it should be.
    #[error("the store holds something unreadable")]
    Corrupt,
}
