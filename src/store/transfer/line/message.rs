//! A message as a line, with what it bears.
//!
//! Invariant: a message comes back from its line as it was.

use super::{Named, from_ns, text, to_ns};
use rooms::view::{Attachment, Audience, Message, Reaction};
use rooms::{ChannelId, MessageId, RoleId, UserId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store::transfer) struct KeptMessage {
    channel: String,
    seq: u64,
    id: String,
    author: Named,
    text: String,
    sent_at_ns: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edited_at_ns: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at_ns: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<Mention>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<File>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<Emoji>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mention {
    Everyone,
    Role(String),
    User(String),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    url: String,
    name: String,
    mime: String,
    size_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pixels: Option<(u32, u32)>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Emoji {
    emoji: String,
    count: u64,
    users: Vec<String>,
}

impl From<Message> for KeptMessage {
    fn from(message: Message) -> Self {
        Self {
            channel: text(message.channel.as_str()),
            seq: message.seq,
            id: text(message.id.as_str()),
            author: message.author.into(),
            text: message.text,
            sent_at_ns: to_ns(message.sent_at),
            edited_at_ns: message.edited_at.map(to_ns),
            deleted_at_ns: message.deleted_at.map(to_ns),
            reply_to: message.reply_to,
            mentions: message.mentions.into_iter().map(Mention::from).collect(),
            attachments: message.attachments.into_iter().map(File::from).collect(),
            reactions: message.reactions.into_iter().map(Emoji::from).collect(),
        }
    }
}

impl From<KeptMessage> for Message {
    fn from(kept: KeptMessage) -> Self {
        Self {
            id: MessageId::new(kept.id),
            channel: ChannelId::new(kept.channel),
            seq: kept.seq,
            author: kept.author.into(),
            text: kept.text,
            sent_at: from_ns(kept.sent_at_ns),
            edited_at: kept.edited_at_ns.map(from_ns),
            deleted_at: kept.deleted_at_ns.map(from_ns),
            reply_to: kept.reply_to,
            mentions: kept.mentions.into_iter().map(Audience::from).collect(),
            attachments: kept.attachments.into_iter().map(Attachment::from).collect(),
            reactions: kept.reactions.into_iter().map(Reaction::from).collect(),
        }
    }
}

impl From<Audience> for Mention {
    fn from(audience: Audience) -> Self {
        match audience {
            Audience::Everyone => Self::Everyone,
            Audience::Role(role) => Self::Role(text(role.as_str())),
            Audience::User(user) => Self::User(text(user.as_str())),
        }
    }
}

impl From<Mention> for Audience {
    fn from(mention: Mention) -> Self {
        match mention {
            Mention::Everyone => Self::Everyone,
            Mention::Role(role) => Self::Role(RoleId::new(role)),
            Mention::User(user) => Self::User(UserId::new(user)),
        }
    }
}

impl From<Attachment> for File {
    fn from(Attachment { url, name, mime, size_bytes, pixels }: Attachment) -> Self {
        Self { url, name, mime, size_bytes, pixels }
    }
}

impl From<File> for Attachment {
    fn from(File { url, name, mime, size_bytes, pixels }: File) -> Self {
        Self { url, name, mime, size_bytes, pixels }
    }
}

impl From<Reaction> for Emoji {
    fn from(Reaction { emoji, count, users }: Reaction) -> Self {
        Self { emoji, count, users: users.iter().map(|user| text(user.as_str())).collect() }
    }
}

impl From<Emoji> for Reaction {
    fn from(Emoji { emoji, count, users }: Emoji) -> Self {
        Self { emoji, count, users: users.into_iter().map(UserId::new).collect() }
    }
}
