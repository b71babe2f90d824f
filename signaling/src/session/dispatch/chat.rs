//! The events of chat.

use super::{Answer, Session, done, parse};
use crate::protocol::chat::{
    ChatFound, ChatPin, ChatPinned, ChatPins, ChatReact, ChatReactions, ChatSearch, ChatTyping, ChatUpload, ChatUploadGranted,
};
use crate::protocol::client_event::{ChatDelete, ChatEdit, ChatPage, ChatSent};
use crate::protocol::convert::all;
use crate::protocol::convert::chat::{mark, message, page, search_cursor};
use crate::protocol::error::WireError;
use rooms::{ChannelId, ServerId, Upload};
use serde_json::value::RawValue;

/// Messages on a page of `chat:history` when the client doesn't say.
const HISTORY_LIMIT: u32 = 50;
/// Messages on a page of `chat:search` when the client doesn't say.
const SEARCH_LIMIT: u32 = 25;

pub(super) async fn send(session: &Session, argument: Option<&RawValue>) -> Answer {
    let (channel, request) = message(parse(argument)?)?;
    let message = session.shared.hub.send(&session.handle, &channel, request).await?;
    done(ChatSent { message: message.into() })
}

pub(super) async fn edit(session: &Session, argument: Option<&RawValue>) -> Answer {
    let ChatEdit { channel, seq, text } = parse(argument)?;
    let message = session.shared.hub.edit(&session.handle, &ChannelId::new(channel), seq, text).await?;
    done(ChatSent { message: message.into() })
}

pub(super) async fn delete(session: &Session, argument: Option<&RawValue>) -> Answer {
    let ChatDelete { channel, seq } = parse(argument)?;
    let message = session.shared.hub.delete(&session.handle, &ChannelId::new(channel), seq).await?;
    done(ChatSent { message: message.into() })
}

pub(super) async fn history(session: &Session, argument: Option<&RawValue>) -> Answer {
    let (channel, cursor, limit) = page(parse(argument)?)?;
    let history = session.shared.hub.history(&session.handle, &channel, cursor, limit.unwrap_or(HISTORY_LIMIT)).await?;
    done(ChatPage::from(history))
}

pub(super) async fn react(session: &Session, argument: Option<&RawValue>) -> Answer {
    let ChatReact { channel, seq, emoji, on } = parse(argument)?;
    let reactions = session.shared.hub.react(&session.handle, &ChannelId::new(channel), seq, emoji, mark(on)).await?;
    done(ChatReactions { reactions: all(reactions) })
}

pub(super) async fn pin(session: &Session, argument: Option<&RawValue>) -> Answer {
    let ChatPin { channel, seq, on } = parse(argument)?;
    session.shared.hub.pin_message(&session.handle, &ChannelId::new(channel), seq, mark(on)).await?;
    done(())
}

pub(super) async fn pins(session: &Session, argument: Option<&RawValue>) -> Answer {
    let ChatPins { channel } = parse(argument)?;
    let messages = session.shared.hub.pins(&session.handle, &ChannelId::new(channel)).await?;
    done(ChatPinned { messages: all(messages) })
}

pub(super) async fn search(session: &Session, argument: Option<&RawValue>) -> Answer {
    let ChatSearch { channel, server, text, before, limit } = parse(argument)?;
    let before = search_cursor(before.as_deref())?;
    let limit = limit.unwrap_or(SEARCH_LIMIT);
    let (hub, handle) = (&session.shared.hub, &session.handle);
    let found = match (channel, server) {
        (Some(channel), None) => hub.search(handle, &ChannelId::new(channel), &text, before, limit).await?,
        (None, Some(server)) => hub.search_server(handle, &ServerId::new(server), &text, before, limit).await?,
        (Some(_), Some(_)) | (None, None) => return Err(WireError::invalid("channel or server: one of them is needed")),
    };
    done(ChatFound::from(found))
}

pub(super) async fn typing(session: &Session, argument: Option<&RawValue>) -> Answer {
    let ChatTyping { channel } = parse(argument)?;
    session.shared.hub.typing(&session.handle, &ChannelId::new(channel)).await?;
    done(())
}

pub(super) async fn upload(session: &Session, argument: Option<&RawValue>) -> Answer {
    let ChatUpload { channel, name, mime, size_bytes } = parse(argument)?;
    let grant = session.shared.hub.upload(&session.handle, &ChannelId::new(channel), Upload { name, mime, size_bytes }).await?;
    done(ChatUploadGranted::from(grant))
}
