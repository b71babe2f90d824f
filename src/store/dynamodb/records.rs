//! Rows as they are kept, and what they mean to the domain.
//!
//! One of the borders at which domain types turn into something that can be stored. Invariants: an attribute that says nothing is absent, never
//! NULL or an empty list; a row that reads as a domain value was written from one.

use super::call::Failure;
use crate::store::sqlite::{from_ns, to_ns};
use rooms::store::{LinkRecord, Listing, NewMessage, RoomRecord};
use rooms::view::{Audience, Message};
use rooms::{ChannelId, MessageId, RoomId, RoomKind, User, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A message, or what is left of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MessageRow {
    pub(super) seq: u64,
    pub(super) id: String,
    pub(super) author: String,
    author_name: String,
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
            version: 1,
        }
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Whether it is as it was sent.
    pub(super) fn is_original(&self) -> bool {
        self.version == 1
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
        })
    }
}

/// `*`, or `@` and the user's id.
pub(super) fn codes(mentions: &[Audience]) -> Vec<String> {
    let code = |audience: &Audience| match audience {
        Audience::Everyone => "*".to_owned(),
        Audience::User(user) => format!("@{user}"),
    };
    mentions.iter().map(code).collect()
}

fn audience(code: &str) -> Result<Audience, Failure> {
    match code.strip_prefix('@') {
        Some(user) => Ok(Audience::User(UserId::new(user))),
        None if code == "*" => Ok(Audience::Everyone),
        None => Err(Failure::Unreadable("a message's mentions")),
    }
}

/// The number of a message, all that some questions need of it.
#[derive(Debug, Deserialize)]
pub(super) struct SeqRow {
    pub(super) seq: u64,
}

/// Why a message counts otherwise than by its number.
#[derive(Debug, Deserialize)]
pub(super) struct ExceptionRow {
    pub(super) seq: u64,
    #[serde(default)]
    pub(super) deleted: bool,
    #[serde(default)]
    pub(super) everyone: bool,
}

/// A bucket that a channel has reached.
#[derive(Debug, Deserialize)]
pub(super) struct HeadRow {
    pub(super) bucket: u64,
}

/// How far a user has read a channel.
#[derive(Debug, Default, Deserialize)]
pub(super) struct MarkerRow {
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

/// What a nonce of a message stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MessageNonceRow {
    pub(super) seq: u64,
    /// The message's, by which a call knows its own work.
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) exp: u64,
}

/// What a nonce of a room stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RoomNonceRow {
    pub(super) room: String,
    pub(super) exp: u64,
}

/// A room, at its id or among those that are open.
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
    pub(super) created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<i64>,
}

impl RoomRow {
    pub(super) fn new(room: &RoomRecord) -> Self {
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
            },
            created_at: to_ns(room.created_at),
            ended_at: None,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended_at.is_some()
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
    exp: u64,
}

impl LinkRow {
    pub(super) fn new(link: &LinkRecord, exp: u64) -> Self {
        Self {
            room: link.room.to_string(),
            name: link.name.clone(),
            max_uses: link.max_uses,
            uses: link.uses,
            expires_at: to_ns(link.expires_at),
            exp,
        }
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
