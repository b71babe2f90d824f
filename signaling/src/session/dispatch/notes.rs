//! The client events of meeting notes.

use super::{Answer, done, parse};
use crate::protocol::community_convert::instant;
use crate::protocol::convert::all;
use crate::protocol::notes::{
    NoteAppend, NoteChanged, NoteExport, NoteExported, NoteGet, NoteList, NotePage, NoteRef, NoteSaid, NoteStart, NotesListed,
};
use crate::session::Session;
use rooms::store::Nonce;
use rooms::{ChannelId, NoteId};
use serde_json::value::RawValue;

/// Notes of a list when the client doesn't say.
const NOTES_LIMIT: u32 = 50;
/// Lines of a page when the client doesn't say.
const LINES_LIMIT: u32 = 100;

type Argument<'a> = Option<&'a RawValue>;

/// The answer to an event of notes; `None` for another one.
pub(super) async fn answer(session: &Session, event: &str, argument: Argument<'_>) -> Option<Answer> {
    Some(match event {
        "note:start" => start(session, argument).await,
        "note:append" => append(session, argument).await,
        "note:end" => end(session, argument).await,
        "note:list" => list(session, argument).await,
        "note:get" => get(session, argument).await,
        "note:export" => export(session, argument).await,
        _ => return None,
    })
}

async fn start(session: &Session, argument: Argument<'_>) -> Answer {
    let NoteStart { channel, name } = parse(argument)?;
    let note = session.shared.hub.start_note(&session.handle, &ChannelId::new(channel), &name).await?;
    done(NoteChanged { note: note.into() })
}

async fn append(session: &Session, argument: Argument<'_>) -> Answer {
    let NoteAppend { channel, note, nonce, text } = parse(argument)?;
    let (channel, note) = (ChannelId::new(channel), NoteId::new(note));
    let line = session.shared.hub.append_note(&session.handle, &channel, &note, Nonce(nonce), text).await?;
    done(NoteSaid { line: line.into() })
}

async fn end(session: &Session, argument: Argument<'_>) -> Answer {
    let NoteRef { channel, note } = parse(argument)?;
    let note = session.shared.hub.end_note(&session.handle, &ChannelId::new(channel), &NoteId::new(note)).await?;
    done(NoteChanged { note: note.into() })
}

async fn list(session: &Session, argument: Argument<'_>) -> Answer {
    let NoteList { channel, before, limit } = parse(argument)?;
    let before = before.map(|before| instant("before", &before)).transpose()?;
    let limit = limit.unwrap_or(NOTES_LIMIT);
    done(NotesListed { notes: all(session.shared.hub.notes(&session.handle, &ChannelId::new(channel), before, limit).await?) })
}

async fn get(session: &Session, argument: Argument<'_>) -> Answer {
    let NoteGet { channel, note, after, limit } = parse(argument)?;
    let (channel, note, limit) = (ChannelId::new(channel), NoteId::new(note), limit.unwrap_or(LINES_LIMIT));
    let (note, lines) = session.shared.hub.note(&session.handle, &channel, &note, after, limit).await?;
    done(NotePage { note: note.into(), lines: all(lines) })
}

async fn export(session: &Session, argument: Argument<'_>) -> Answer {
    let NoteExport { channel, note, format } = parse(argument)?;
    let (channel, note) = (ChannelId::new(channel), NoteId::new(note));
    done(NoteExported { text: session.shared.hub.export_note(&session.handle, &channel, &note, format.into()).await? })
}

/// For the fuzzer: an event up to where the hub would take it. `None` for one that isn't of notes.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn parses(event: &str, argument: Argument<'_>) -> Option<bool> {
    Some(match event {
        "note:start" => parse::<NoteStart>(argument).is_ok(),
        "note:append" => parse::<NoteAppend>(argument).is_ok(),
        "note:end" => parse::<NoteRef>(argument).is_ok(),
        "note:list" => parse::<NoteList>(argument).is_ok(),
        "note:get" => parse::<NoteGet>(argument).is_ok(),
        "note:export" => parse::<NoteExport>(argument).is_ok(),
        _ => return None,
    })
}
