//! Chat between the domain and the wire.

use super::{all, rfc3339, whole_ms};
use crate::protocol::chat::{ChatFound, ChatUploadGranted};
use crate::protocol::client_event;
use crate::protocol::error::WireError;
use crate::protocol::types::{Attachment, Author, Mention, MentionKind, Message, Reaction};
use rooms::store::{Found, Mark, Nonce, SearchCursor};
use rooms::uploads::Grant;
use rooms::view::Cursor;
use rooms::{ChannelId, SendMessage, view};

impl From<view::Message> for Message {
    fn from(message: view::Message) -> Self {
        Self {
            id: message.id.to_string(),
            channel: message.channel.to_string(),
            seq: message.seq,
            author: Author { id: message.author.id.to_string(), name: message.author.name },
            text: message.text,
            sent_at: rfc3339(message.sent_at),
            edited_at: message.edited_at.map(rfc3339),
            deleted: message.deleted_at.is_some(),
            reply_to: message.reply_to,
            mentions: all(message.mentions),
            attachments: all(message.attachments),
            reactions: all(message.reactions),
        }
    }
}

impl From<view::Reaction> for Reaction {
    fn from(reaction: view::Reaction) -> Self {
        let view::Reaction { emoji, count, users } = reaction;
        Self { emoji, count, users: users.iter().map(ToString::to_string).collect() }
    }
}

/// What the wire writes as `next` and `before`.
pub(crate) fn search_cursor(before: Option<&str>) -> Result<Option<SearchCursor>, WireError> {
    let invalid = |_| WireError::invalid("before: is no `next` of an earlier answer");
    before.map(|before| before.parse().map(SearchCursor).map_err(invalid)).transpose()
}

impl From<Found> for ChatFound {
    fn from(found: Found) -> Self {
        Self { messages: all(found.messages), next: found.next.map(|SearchCursor(next)| next.to_string()) }
    }
}

/// What the wire writes as `on`.
pub(crate) fn mark(on: bool) -> Mark {
    if on { Mark::On } else { Mark::Off }
}

impl From<view::Audience> for Mention {
    fn from(audience: view::Audience) -> Self {
        let (kind, id) = match audience {
            view::Audience::Everyone => (MentionKind::Everyone, None),
            view::Audience::Role(role) => (MentionKind::Role, Some(role.to_string())),
            view::Audience::User(user) => (MentionKind::User, Some(user.to_string())),
        };
        Self { kind, id }
    }
}

/// The channel and the page that are asked for.
pub(crate) fn page(request: client_event::ChatHistory) -> Result<(ChannelId, Cursor, Option<u32>), WireError> {
    let client_event::ChatHistory { channel, before, after, around, limit } = request;
    let cursor = match (before, after, around) {
        (None, None, None) => Cursor::Newest,
        (Some(seq), None, None) => Cursor::Before(seq),
        (None, Some(seq), None) => Cursor::After(seq),
        (None, None, Some(seq)) => Cursor::Around(seq),
        _ => return Err(WireError::invalid("before, after and around are given together, allowed is one of them")),
    };
    Ok((ChannelId::new(channel), cursor, limit))
}

/// The channel and the message.
pub(crate) fn message(request: client_event::ChatSend) -> Result<(ChannelId, SendMessage), WireError> {
    let client_event::ChatSend { channel, nonce, text, reply_to, attachments } = request;
    let attachments = attachments.into_iter().enumerate().map(attachment).collect::<Result<_, _>>()?;
    Ok((ChannelId::new(channel), SendMessage { nonce: Nonce(nonce), text, reply_to, attachments }))
}

fn attachment((index, attachment): (usize, Attachment)) -> Result<view::Attachment, WireError> {
    let Attachment { url, name, mime, size_bytes, width, height } = attachment;
    let pixels = match (width, height) {
        (Some(width), Some(height)) => Some((width, height)),
        (None, None) => None,
        (Some(_), None) => return Err(WireError::invalid(format!("attachments[{index}].height: is missing beside a width"))),
        (None, Some(_)) => return Err(WireError::invalid(format!("attachments[{index}].width: is missing beside a height"))),
    };
    Ok(view::Attachment { url, name, mime, size_bytes, pixels })
}

impl From<view::Attachment> for Attachment {
    fn from(attachment: view::Attachment) -> Self {
        let view::Attachment { url, name, mime, size_bytes, pixels } = attachment;
        Self { url, name, mime, size_bytes, width: pixels.map(|(width, _)| width), height: pixels.map(|(_, height)| height) }
    }
}

impl From<Grant> for ChatUploadGranted {
    fn from(grant: Grant) -> Self {
        let Grant { upload_url, headers, url, expires_in } = grant;
        Self { upload_url, headers, url, expires_in_ms: whole_ms(expires_in) }
    }
}

impl From<view::History> for client_event::ChatPage {
    fn from(history: view::History) -> Self {
        Self { messages: all(history.messages), more: history.more, newer: history.newer }
    }
}
