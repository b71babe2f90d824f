//! Meeting notes: what is said in a call, as its speakers' clients recognise it.
//!
//! Invariant: a line is told after it is durable. Lines that are told out of order bear their numbers.

use super::chat::Place;
use super::{Hub, wall_clock};
use crate::chat::Delivery;
use crate::limits;
use crate::permission;
use crate::session::SessionHandle;
use crate::store::{NewLine, Nonce, NoteLine, NoteRecord};
use crate::{ChannelId, Error, Event, NoteId, Result};
use std::time::SystemTime;

/// Longest line, in characters.
const LINE_CHARS_MAX: usize = 4_000;
/// Most notes of one list.
const NOTES_MAX: u32 = 100;
/// Most lines of one page.
const LINES_MAX: u32 = 500;

/// How a note is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteFormat {
    Markdown,
    Text,
}

impl Hub {
    /// Starts a meeting note in the channel of a room that the session is in, or of a voice channel; all readers are told.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session can't read, `Forbidden` for who may not start notes there, `Conflict` when one is running,
    /// `Invalid` for the name, `Unavailable`.
    pub async fn start_note(&self, session: &SessionHandle, channel: &ChannelId, name: &str) -> Result<NoteRecord> {
        let place = self.place(session, channel).await?;
        permission::may_note(place.rights)?;
        let note = NoteRecord {
            id: NoteId::new(crate::random_id("note")),
            channel: channel.clone(),
            name: limits::name("name", name)?,
            started_by: session.user.clone(),
            started_at: wall_clock(),
            ended_at: None,
            lines: 0,
        };
        let kept = self.node.store.start_note(note.clone()).await?;
        if kept.id != note.id {
            return Err(Error::Conflict("a note is running in this channel"));
        }
        tell(&place, Event::NoteStarted { note: note.clone() });
        Ok(note)
    }

    /// Adds what the session's user said. Returns when it is durable. The same nonce twice adds one line.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session can't read and for a note that isn't there or has ended, `Forbidden` for who may not write,
    /// `Invalid` or `TooLarge` for the text, `RateLimited` as if it were a message, `Unavailable`.
    pub async fn append_note(
        &self,
        session: &SessionHandle,
        channel: &ChannelId,
        note: &NoteId,
        nonce: Nonce,
        text: String,
    ) -> Result<NoteLine> {
        let place = self.place(session, channel).await?;
        permission::may_write(place.rights)?;
        limits::nonce(&nonce)?;
        limits::text(&text, LINE_CHARS_MAX, &[])?;
        self.count_message(&session.id)?;
        let (channel, speaker) = (channel.clone(), session.user.clone());
        let line = NewLine { channel: channel.clone(), note: note.clone(), nonce, speaker, text, at: wall_clock() };
        let line = self.node.store.append_note(line).await?.ok_or(Error::NotFound("running note"))?;
        tell(&place, Event::NoteAppended { channel, note: note.clone(), line: line.clone() });
        Ok(line)
    }

    /// Ends a note; all readers are told. A second time changes nothing.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` for who neither started it nor may start notes there; `Unavailable`.
    pub async fn end_note(&self, session: &SessionHandle, channel: &ChannelId, note: &NoteId) -> Result<NoteRecord> {
        let place = self.place(session, channel).await?;
        let before = self.node.store.note(channel, note).await?.ok_or(Error::NotFound("note"))?;
        if before.started_by.id != session.user.id {
            permission::may_note(place.rights)?;
        }
        let ended = self.node.store.end_note(channel, note, wall_clock()).await?.ok_or(Error::NotFound("note"))?;
        if before.ended_at.is_none() {
            tell(&place, Event::NoteEnded { note: ended.clone() });
        }
        Ok(ended)
    }

    /// The notes of a channel, newest first, running ones included; `limit` 1–100.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session can't read, `Invalid` for the limit, `Unavailable`.
    pub async fn notes(
        &self,
        session: &SessionHandle,
        channel: &ChannelId,
        before: Option<SystemTime>,
        limit: u32,
    ) -> Result<Vec<NoteRecord>> {
        self.place(session, channel).await?;
        bounded("limit", limit, NOTES_MAX)?;
        Ok(self.node.store.notes(channel, before, limit).await?)
    }

    /// A note and its lines after number `after`; `limit` 1–500.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for the limit, `Unavailable`.
    pub async fn note(
        &self,
        session: &SessionHandle,
        channel: &ChannelId,
        note: &NoteId,
        after: u64,
        limit: u32,
    ) -> Result<(NoteRecord, Vec<NoteLine>)> {
        self.place(session, channel).await?;
        bounded("limit", limit, LINES_MAX)?;
        let record = self.node.store.note(channel, note).await?.ok_or(Error::NotFound("note"))?;
        let lines = self.node.store.note_lines(note, after, limit).await?;
        Ok((record, lines))
    }

    /// A note written out.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub async fn export_note(&self, session: &SessionHandle, channel: &ChannelId, note: &NoteId, format: NoteFormat) -> Result<String> {
        self.place(session, channel).await?;
        let record = self.node.store.note(channel, note).await?.ok_or(Error::NotFound("note"))?;
        let mut text = heading(&record, format);
        let mut after = 0;
        while after < record.lines {
            let lines = self.node.store.note_lines(note, after, LINES_MAX).await?;
            let Some(last) = lines.last() else { break };
            after = last.seq;
            lines.iter().for_each(|line| write_line(&mut text, line, format));
        }
        Ok(text)
    }
}

fn tell(place: &Place, event: Event) {
    place.queue.tell_aside(Delivery::Note { channel: place.channel.clone(), event: Box::new(event) });
}

fn bounded(field: &'static str, value: u32, max: u32) -> Result<()> {
    if (1..=max).contains(&value) {
        return Ok(());
    }
    Err(limits::invalid(field, format!("is {value}, allowed are 1 to {max}")))
}

fn heading(note: &NoteRecord, format: NoteFormat) -> String {
    match format {
        NoteFormat::Markdown => format!("# {}\n\n", escaped(&note.name)),
        NoteFormat::Text => format!("{}\n\n", note.name),
    }
}

/// One paragraph: a line break that was spoken stays within it.
fn write_line(text: &mut String, line: &NoteLine, format: NoteFormat) {
    let said = line.text.split_whitespace().collect::<Vec<_>>().join(" ");
    match format {
        NoteFormat::Markdown => text.push_str(&format!("**{}**: {}\n\n", escaped(&line.speaker.name), escaped(&said))),
        NoteFormat::Text => text.push_str(&format!("{}: {said}\n", line.speaker.name)),
    }
}

/// What was said is no markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserId;
    use crate::view::User;

    #[test]
    fn what_was_said_is_text_in_markdown_too() {
        let speaker = User { id: UserId::new("u"), name: "*하나*".to_owned() };
        let line = NoteLine { seq: 1, speaker, text: "<b>건배</b>\n# [x](javascript:1)".to_owned(), at: SystemTime::UNIX_EPOCH };
        let (mut markdown, mut text) = (String::new(), String::new());
        write_line(&mut markdown, &line, NoteFormat::Markdown);
        write_line(&mut text, &line, NoteFormat::Text);
        assert_eq!(markdown, "**\\*하나\\***: \\<b\\>건배\\<\\/b\\> \\# \\[x\\]\\(javascript\\:1\\)\n\n");
        assert_eq!(text, "*하나*: <b>건배</b> # [x](javascript:1)\n");
    }
}
