//! Everything that a store holds, read out in pages and put back as it was: how data moves from one kind of store to another.
//!
//! It is not a backup, which each kind of store makes by its own means, and not for a store in use. Invariant: a [`Record`] holds what was kept,
//! not what follows from it; indexes, heads and counts are made anew by the store that takes it. What was deleted, and isn't
//! removed yet, is no record.

use super::{
    BanRecord, CategoryRecord, ChannelRecord, InviteRecord, LinkRecord, MemberRecord, Nonce, NoteLine, NoteRecord, Notification,
    RoleRecord, RoomRecord, ScheduleRecord, ServerRecord, StoreError, UserRecord,
};
use crate::view::Message;
use crate::{ChannelId, NoteId, RoomId, ServerId, UserId};
use async_trait::async_trait;
use std::time::SystemTime;

/// Reads a store out, and fills an empty one.
#[async_trait]
pub trait Transfer: Send + Sync + 'static {
    /// At most `limit` records from `position` on, or from the beginning. Each record comes once as long as nobody writes, whatever the limits.
    /// The messages of a channel come in the order of their numbers, and where the store knows it, those of all channels in the order in which they
    /// were stored, and rooms in that of their creation. What belongs to something comes after it: the parts of a server after the server, nonces,
    /// reactions and pins after their message, lines after their note.
    ///
    /// # Errors
    /// `Corrupt` for a position of another store.
    async fn records(&self, position: Option<Position>, limit: u32) -> Result<Records, StoreError>;
    /// Puts records of another store into one that was empty when the first of them came, in the order in which they were read. The same records
    /// again change nothing. All are durable when it returns.
    ///
    /// # Errors
    /// `Corrupt` for records that can't follow those before them.
    async fn put_records(&self, records: Vec<Record>) -> Result<(), StoreError>;
}

/// A page of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    pub records: Vec<Record>,
    /// Where the next page begins. `None`: there is none, though a page before the last may be short or empty.
    pub next: Option<Position>,
}

/// A place among a store's records, which only that store can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position(pub String);

/// One thing that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    Room {
        room: RoomRecord,
        ended_at: Option<SystemTime>,
    },
    /// What `create_room` with this nonce answers, until the nonce is too old.
    RoomNonce {
        owner: UserId,
        nonce: Nonce,
        room: RoomId,
        stored_at: SystemTime,
    },
    Link {
        link: LinkRecord,
        stored_at: SystemTime,
    },
    /// Something of a server, or of a user.
    Community(CommunityRecord),
    /// Also one that is deleted. Of its reactions it has what a page of history shows, in that order; who they are of is in [`Self::Reaction`].
    Message(Message),
    /// What `append` with this nonce answers, until the nonce is too old.
    MessageNonce {
        channel: ChannelId,
        author: UserId,
        nonce: Nonce,
        seq: u64,
        stored_at: SystemTime,
    },
    /// One user's emoji on a message. Those of one emoji come in the order of coming.
    Reaction {
        channel: ChannelId,
        seq: u64,
        emoji: String,
        user: UserId,
    },
    Pin {
        channel: ChannelId,
        seq: u64,
        at: SystemTime,
    },
    /// A user has read everything of the channel up to `read`.
    Marker {
        user: UserId,
        channel: ChannelId,
        read: u64,
    },
    /// How many lines it has is made anew from these.
    Note(NoteRecord),
    /// A line, and the nonce with which its speaker finds it again.
    NoteLine {
        note: NoteId,
        line: NoteLine,
        nonce: Nonce,
    },
    /// Those of a user come in the order of their numbers.
    Notification(Notification),
    /// What `notify` with this key answers, until the key is too old.
    NotificationKey {
        user: UserId,
        key: String,
        seq: u64,
        stored_at: SystemTime,
    },
}

/// One thing that is kept of servers and users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommunityRecord {
    /// What is known of a user.
    User(UserRecord),
    /// A server without its parts, with the version of its tree.
    Server {
        server: ServerRecord,
        version: u64,
    },
    Role {
        server: ServerId,
        role: RoleRecord,
    },
    Category {
        server: ServerId,
        category: CategoryRecord,
    },
    Channel {
        server: ServerId,
        channel: ChannelRecord,
    },
    Member(MemberRecord),
    Ban(BanRecord),
    /// Also one that is revoked or used up.
    Invite(InviteRecord),
    Schedule(ScheduleRecord),
}
