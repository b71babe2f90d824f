//! Rows as they are kept, and what they mean to the domain.
//!
//! One of the borders at which domain types turn into something that can be stored. Invariants: an attribute that says nothing is absent, never
//! NULL or an empty list; a row that reads as a domain value was written from one.

use super::call::Failure;
use super::keys::{self, Key};
use crate::store::sqlite::{from_ns, to_ns};
use rooms::store::{LinkRecord, Listing, NewMessage, Nonce, NoteLine, NoteRecord, Record, RoomRecord};
use rooms::view::{Attachment, Audience, Message, Reaction};
use rooms::{ChannelId, MessageId, NoteId, RoleId, RoomId, RoomKind, User, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::SystemTime;

/// A message, or what is left of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MessageRow {
    pub(super) seq: u64,
    pub(super) id: String,
    pub(super) author: String,
    author_name: String,
    /// Empty where it came from another store, and is kept elsewhere or not known any more.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) nonce: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    text: String,
    sent_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<AttachmentRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) reactions: Vec<ReactionRow>,
    /// Whether it is among the channel's pins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) pinned: bool,
    /// Counts the changes, so that no change is made to what another one just changed.
    pub(super) version: u64,
}

impl MessageRow {
    pub(super) fn new(new: &NewMessage, seq: u64) -> Self {
        Self {
            seq,
            id: new.id.to_string(),
            author: new.author.id.to_string(),
            author_name: new.author.name.clone(),
            nonce: new.nonce.0.clone(),
            text: new.text.clone(),
            sent_at: to_ns(new.sent_at),
            edited_at: None,
            deleted_at: None,
            reply_to: new.reply_to,
            mentions: codes(&new.mentions),
            attachments: new.attachments.iter().map(AttachmentRow::new).collect(),
            reactions: vec![],
            pinned: false,
            version: 1,
        }
    }

    /// A message of another store.
    pub(super) fn of(message: &Message) -> Self {
        Self {
            seq: message.seq,
            id: message.id.to_string(),
            author: message.author.id.to_string(),
            author_name: message.author.name.clone(),
            nonce: String::new(),
            text: message.text.clone(),
            sent_at: to_ns(message.sent_at),
            edited_at: message.edited_at.map(to_ns),
            deleted_at: message.deleted_at.map(to_ns),
            reply_to: message.reply_to,
            mentions: codes(&message.mentions),
            attachments: message.attachments.iter().map(AttachmentRow::new).collect(),
            reactions: message.reactions.iter().map(ReactionRow::of).collect(),
            pinned: false,
            version: 1,
        }
    }

    pub(super) fn sent_at(&self) -> SystemTime {
        from_ns(self.sent_at)
    }

    pub(super) fn with_reactions(self, reactions: Vec<ReactionRow>) -> Self {
        Self { reactions, ..self }
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Whether its text is as it was sent.
    pub(super) fn is_original(&self) -> bool {
        self.edited_at.is_none() && !self.is_deleted()
    }

    pub(super) fn audiences(&self) -> Result<Vec<Audience>, Failure> {
        self.mentions.iter().map(|code| audience(code)).collect()
    }

    pub(super) fn message(self, channel: &ChannelId) -> Result<Message, Failure> {
        Ok(Message {
            mentions: self.audiences()?,
            id: MessageId::new(self.id),
            channel: channel.clone(),
            seq: self.seq,
            author: User { id: UserId::new(self.author), name: self.author_name },
            text: self.text,
            sent_at: from_ns(self.sent_at),
            edited_at: self.edited_at.map(from_ns),
            deleted_at: self.deleted_at.map(from_ns),
            reply_to: self.reply_to,
            attachments: self.attachments.into_iter().map(AttachmentRow::attachment).collect(),
            reactions: self.reactions.into_iter().map(ReactionRow::reaction).collect(),
        })
    }
}

/// A file that belongs to a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AttachmentRow {
    url: String,
    name: String,
    mime: String,
    size_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pixels: Option<(u32, u32)>,
}

impl AttachmentRow {
    fn new(attachment: &Attachment) -> Self {
        let Attachment { url, name, mime, size_bytes, pixels } = attachment.clone();
        Self { url, name, mime, size_bytes, pixels }
    }

    fn attachment(self) -> Attachment {
        let Self { url, name, mime, size_bytes, pixels } = self;
        Attachment { url, name, mime, size_bytes, pixels }
    }
}

/// One emoji on a message, with the first who reacted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ReactionRow {
    pub(super) emoji: String,
    pub(super) count: u64,
    pub(super) users: Vec<String>,
}

impl ReactionRow {
    fn of(reaction: &Reaction) -> Self {
        let users = reaction.users.iter().map(UserId::to_string).collect();
        Self { emoji: reaction.emoji.clone(), count: reaction.count, users }
    }

    fn reaction(self) -> Reaction {
        Reaction { emoji: self.emoji, count: self.count, users: self.users.into_iter().map(UserId::new).collect() }
    }
}

/// `*`, or `@` and the user's id, or `&` and the role's.
pub(super) fn codes(mentions: &[Audience]) -> Vec<String> {
    let code = |audience: &Audience| match audience {
        Audience::Everyone => "*".to_owned(),
        Audience::User(user) => format!("@{user}"),
        Audience::Role(role) => format!("&{role}"),
    };
    mentions.iter().map(code).collect()
}

fn audience(code: &str) -> Result<Audience, Failure> {
    match code.split_at_checked(1) {
        Some(("*", "")) => Ok(Audience::Everyone),
        Some(("@", user)) => Ok(Audience::User(UserId::new(user))),
        Some(("&", role)) => Ok(Audience::Role(RoleId::new(role))),
        Some(_) | None => Err(Failure::Unreadable("a message's mentions")),
    }
}

/// The number of a message, all that some questions need of it.
#[derive(Debug, Deserialize)]
pub(super) struct SeqRow {
    pub(super) seq: u64,
    /// No message, but the end of the log.
    #[serde(default)]
    pub(super) end: bool,
}

/// The end of a log: stands where the next message would, so that none can be put there.
#[derive(Debug, Serialize)]
pub(super) struct EndRow {
    pub(super) seq: u64,
    pub(super) end: bool,
}

/// Why a message counts otherwise than by its number.
#[derive(Debug, Deserialize)]
pub(super) struct ExceptionRow {
    pub(super) seq: u64,
    #[serde(default)]
    pub(super) deleted: bool,
    /// It is deleted if the message says so.
    #[serde(default)]
    pub(super) deleting: bool,
    #[serde(default)]
    pub(super) everyone: bool,
    #[serde(default)]
    pub(super) roles: Vec<String>,
}

/// A bucket that a channel has reached.
#[derive(Debug, Deserialize)]
pub(super) struct HeadRow {
    pub(super) bucket: u64,
}

/// How far a user has read a channel.
#[derive(Debug, Default, Deserialize)]
pub(super) struct MarkerRow {
    /// The log's name.
    pub(super) channel: String,
    pub(super) read_seq: u64,
    /// The user's own messages that were above the marker when it was moved back.
    #[serde(default, deserialize_with = "serde_dynamo::number_set::deserialize")]
    pub(super) own: BTreeSet<u64>,
}

/// That a message mentions the user in whose partition it is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MentionRow {
    pub(super) seq: u64,
}

/// A user's reaction.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ReactedRow {
    pub(super) user: String,
    /// Orders those of one message.
    pub(super) came: u64,
}

/// The pins of a channel.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct PinsRow {
    /// When, and which message.
    pub(super) pins: Vec<(i64, u64)>,
    /// Counts the changes, from 1.
    pub(super) rev: u64,
}

/// What a nonce of a message stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MessageNonceRow {
    pub(super) seq: u64,
    /// The message's, by which a call knows its own work.
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) exp: u64,
}

/// That a room may be open: it is if it says so itself. It keeps the nonce that made the room.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListedRow {
    pub(super) room: String,
    /// When it was made, in seconds since 1970.
    pub(super) at: u64,
    /// Of a room that has ended: until when its nonce counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) exp: Option<u64>,
}

/// A room.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RoomRow {
    id: String,
    name: String,
    kind: KindCode,
    capacity: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    owner: String,
    owner_name: String,
    channel: String,
    listing: ListingCode,
    created_at: i64,
    /// Where it is listed, among the rooms of its owner.
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
}

impl RoomRow {
    pub(super) fn new(room: &RoomRecord, place: String) -> Self {
        Self {
            id: room.id.to_string(),
            name: room.name.clone(),
            kind: match room.kind {
                RoomKind::Buddy => KindCode::Buddy,
                RoomKind::Voice => KindCode::Voice,
            },
            capacity: room.capacity,
            password_hash: room.password_hash.clone(),
            owner: room.owner.id.to_string(),
            owner_name: room.owner.name.clone(),
            channel: room.channel.to_string(),
            listing: match room.listing {
                Listing::Lobby => ListingCode::Lobby,
                Listing::Unlisted => ListingCode::Unlisted,
                Listing::Channel => ListingCode::Channel,
            },
            created_at: to_ns(room.created_at),
            place,
            ended_at: None,
            exp: None,
        }
    }

    pub(super) fn listed_at(&self) -> Key {
        keys::listed_room(&UserId::new(self.owner.as_str()), &self.place)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    /// One that has ended, and how long it is kept, in seconds since 1970.
    pub(super) fn ended(self, at: SystemTime, exp: u64) -> Self {
        Self { ended_at: Some(to_ns(at)), exp: Some(exp), ..self }
    }

    pub(super) fn record(self) -> Record {
        let ended_at = self.ended_at.map(from_ns);
        Record::Room { room: self.room(), ended_at }
    }

    pub(super) fn room(self) -> RoomRecord {
        RoomRecord {
            id: RoomId::new(self.id),
            name: self.name,
            kind: match self.kind {
                KindCode::Buddy => RoomKind::Buddy,
                KindCode::Voice => RoomKind::Voice,
            },
            capacity: self.capacity,
            password_hash: self.password_hash,
            owner: User { id: UserId::new(self.owner), name: self.owner_name },
            channel: ChannelId::new(self.channel),
            listing: match self.listing {
                ListingCode::Lobby => Listing::Lobby,
                ListingCode::Unlisted => Listing::Unlisted,
                ListingCode::Channel => Listing::Channel,
            },
            created_at: from_ns(self.created_at),
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindCode {
    Buddy,
    Voice,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ListingCode {
    Lobby,
    Unlisted,
    Channel,
}

/// A link into a room.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LinkRow {
    room: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    max_uses: u32,
    uses: u32,
    expires_at: i64,
    stored_at: i64,
    exp: u64,
}

impl LinkRow {
    pub(super) fn new(link: &LinkRecord, stored_at: SystemTime, exp: u64) -> Self {
        Self {
            room: link.room.to_string(),
            name: link.name.clone(),
            max_uses: link.max_uses,
            uses: link.uses,
            expires_at: to_ns(link.expires_at),
            stored_at: to_ns(stored_at),
            exp,
        }
    }

    pub(super) fn record(self, secret_hash: &[u8; 32]) -> Record {
        let stored_at = from_ns(self.stored_at);
        Record::Link { link: self.link(secret_hash), stored_at }
    }

    pub(super) fn link(self, secret_hash: &[u8; 32]) -> LinkRecord {
        LinkRecord {
            secret_hash: *secret_hash,
            room: RoomId::new(self.room),
            name: self.name,
            max_uses: self.max_uses,
            uses: self.uses,
            expires_at: from_ns(self.expires_at),
        }
    }
}

/// A channel's log, where it isn't the channel's own name.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LogRow {
    pub(super) log: String,
}

/// Rows that nobody finds any more, to be removed piece by piece.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SweepRow {
    pub(super) what: Swept,
    /// Not before this time, in seconds since 1970.
    pub(super) due: u64,
    /// Of a log: the partition that is next.
    #[serde(default)]
    pub(super) bucket: u64,
}

/// What is swept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Swept {
    /// The rows of a removed channel.
    Log { log: String, channel: String },
    /// A tree that another one took the place of.
    Tree { tree: String },
    /// A deleted server. Its channels are forgotten first, at once.
    Server { server: String, home: String, tree: String },
}

/// The key of a row alone.
#[derive(Debug, Deserialize)]
pub(super) struct KeyRow {
    #[serde(rename = "PK")]
    pub(super) pk: String,
    #[serde(rename = "SK")]
    pub(super) sk: String,
}

/// The server of a channel, or one that it belonged to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ServerOfRow {
    pub(super) server: String,
}

/// A note in its channel's list.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NoteListRow {
    pub(super) note: String,
    pub(super) started_at: i64,
}

/// A meeting note.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct NoteRow {
    id: String,
    pub(super) channel: String,
    /// The channel's log when it began: another one's notes are not the channel's.
    pub(super) log: String,
    name: String,
    started_by: String,
    started_by_name: String,
    started_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<i64>,
    pub(super) lines: u64,
}

impl NoteRow {
    pub(super) fn new(note: &NoteRecord, log: &ChannelId) -> Self {
        Self {
            id: note.id.to_string(),
            channel: note.channel.to_string(),
            log: log.to_string(),
            name: note.name.clone(),
            started_by: note.started_by.id.to_string(),
            started_by_name: note.started_by.name.clone(),
            started_at: to_ns(note.started_at),
            ended_at: note.ended_at.map(to_ns),
            lines: note.lines,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    pub(super) fn note(self) -> NoteRecord {
        NoteRecord {
            id: NoteId::new(self.id),
            channel: ChannelId::new(self.channel),
            name: self.name,
            started_by: User { id: UserId::new(self.started_by), name: self.started_by_name },
            started_at: from_ns(self.started_at),
            ended_at: self.ended_at.map(from_ns),
            lines: self.lines,
        }
    }
}

/// A line of a note.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NoteLineRow {
    seq: u64,
    speaker: String,
    speaker_name: String,
    text: String,
    at: i64,
    nonce: String,
}

impl NoteLineRow {
    pub(super) fn new(line: &NoteLine, nonce: &Nonce) -> Self {
        Self {
            nonce: nonce.0.clone(),
            seq: line.seq,
            speaker: line.speaker.id.to_string(),
            speaker_name: line.speaker.name.clone(),
            text: line.text.clone(),
            at: to_ns(line.at),
        }
    }

    pub(super) fn record(self, note: &NoteId) -> Record {
        let nonce = Nonce(self.nonce.clone());
        Record::NoteLine { note: note.clone(), line: self.line(), nonce }
    }

    pub(super) fn line(self) -> NoteLine {
        let speaker = User { id: UserId::new(self.speaker), name: self.speaker_name };
        NoteLine { seq: self.seq, speaker, text: self.text, at: from_ns(self.at) }
    }
}
