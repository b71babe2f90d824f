//! Meeting notes as rows. Invariant: `lines` of a note is the number of its last line.

use super::messages::{number, signed};
use super::{Failure, Sqlite, from_ns, to_ns};
use ::rooms::store::{NewLine, NoteLine, NoteRecord, NoteStore, StoreError};
use ::rooms::{ChannelId, NoteId, User, UserId};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::time::SystemTime;

const COLUMNS: &str = "id, channel, name, started_by_id, started_by_name, started_at_ns, ended_at_ns, lines";

#[async_trait]
impl NoteStore for Sqlite {
    async fn start_note(&self, note: NoteRecord) -> Result<NoteRecord, StoreError> {
        self.writer.run("start_note", move |db| start(db, note)).await
    }

    async fn append_note(&self, line: NewLine) -> Result<Option<NoteLine>, StoreError> {
        self.writer.run("append_note", move |db| append(db, line)).await
    }

    async fn end_note(&self, channel: &ChannelId, note: &NoteId, at: SystemTime) -> Result<Option<NoteRecord>, StoreError> {
        let (channel, note) = (channel.clone(), note.clone());
        self.writer.run("end_note", move |db| end(db, &channel, &note, at)).await
    }

    async fn note(&self, channel: &ChannelId, note: &NoteId) -> Result<Option<NoteRecord>, StoreError> {
        let (channel, note) = (channel.clone(), note.clone());
        self.readers.run("note", move |db| find(db, &channel, &note)).await
    }

    async fn notes(&self, channel: &ChannelId, before: Option<SystemTime>, limit: u32) -> Result<Vec<NoteRecord>, StoreError> {
        let channel = channel.clone();
        self.readers.run("notes", move |db| list(db, &channel, before, limit)).await
    }

    async fn note_lines(&self, note: &NoteId, after: u64, limit: u32) -> Result<Vec<NoteLine>, StoreError> {
        let note = note.clone();
        self.readers.run("note_lines", move |db| lines(db, &note, after, limit)).await
    }
}

fn start(db: &Connection, note: NoteRecord) -> Result<NoteRecord, Failure> {
    let open = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM notes WHERE channel = ?1 AND ended_at_ns IS NULL"))?
        .query_row([note.channel.as_str()], |row| Ok(read(row)))
        .optional()?;
    if let Some(open) = open {
        return open;
    }
    db.prepare_cached(&format!("INSERT INTO notes ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, 0)"))?.execute(params![
        note.id.as_str(),
        note.channel.as_str(),
        note.name,
        note.started_by.id.as_str(),
        note.started_by.name,
        to_ns(note.started_at),
    ])?;
    Ok(note)
}

fn append(db: &Connection, new: NewLine) -> Result<Option<NoteLine>, Failure> {
    let Some(note) = find(db, &new.channel, &new.note)? else { return Ok(None) };
    let said = db
        .prepare_cached(
            "SELECT seq, speaker_id, speaker_name, text, at_ns FROM note_lines WHERE note = ?1 AND speaker_id = ?2 AND nonce = ?3",
        )?
        .query_row((new.note.as_str(), new.speaker.id.as_str(), &new.nonce.0), |row| Ok(line(row)))
        .optional()?;
    if let Some(said) = said {
        return said.map(Some);
    }
    if note.ended_at.is_some() {
        return Ok(None);
    }
    let seq = note.lines + 1;
    db.prepare_cached(
        "INSERT INTO note_lines (note, seq, speaker_id, speaker_name, nonce, text, at_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        new.note.as_str(),
        signed(seq),
        new.speaker.id.as_str(),
        new.speaker.name,
        new.nonce.0,
        new.text,
        to_ns(new.at)
    ])?;
    db.prepare_cached("UPDATE notes SET lines = ?2 WHERE id = ?1")?.execute((new.note.as_str(), signed(seq)))?;
    Ok(Some(NoteLine { seq, speaker: new.speaker, text: new.text, at: new.at }))
}

fn end(db: &Connection, channel: &ChannelId, note: &NoteId, at: SystemTime) -> Result<Option<NoteRecord>, Failure> {
    db.prepare_cached("UPDATE notes SET ended_at_ns = ?3 WHERE id = ?1 AND channel = ?2 AND ended_at_ns IS NULL")?.execute((
        note.as_str(),
        channel.as_str(),
        to_ns(at),
    ))?;
    find(db, channel, note)
}

/// Removes the notes of a channel.
pub(super) fn forget(db: &Connection, channel: &ChannelId) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM note_lines WHERE note IN (SELECT id FROM notes WHERE channel = ?1)")?.execute([channel.as_str()])?;
    db.prepare_cached("DELETE FROM notes WHERE channel = ?1")?.execute([channel.as_str()])?;
    Ok(())
}

fn find(db: &Connection, channel: &ChannelId, note: &NoteId) -> Result<Option<NoteRecord>, Failure> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM notes WHERE id = ?1 AND channel = ?2"))?
        .query_row((note.as_str(), channel.as_str()), |row| Ok(read(row)))
        .optional()?
        .transpose()
}

fn list(db: &Connection, channel: &ChannelId, before: Option<SystemTime>, limit: u32) -> Result<Vec<NoteRecord>, Failure> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM notes WHERE channel = ?1 AND started_at_ns < ?2 ORDER BY started_at_ns DESC, id DESC LIMIT ?3"
    ))?
    .query_map((channel.as_str(), before.map_or(i64::MAX, to_ns), limit), |row| Ok(read(row)))?
    .map(|row| row?)
    .collect()
}

fn lines(db: &Connection, note: &NoteId, after: u64, limit: u32) -> Result<Vec<NoteLine>, Failure> {
    db.prepare_cached(
        "SELECT seq, speaker_id, speaker_name, text, at_ns FROM note_lines WHERE note = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?
    .query_map((note.as_str(), signed(after), limit), |row| Ok(line(row)))?
    .map(|row| row?)
    .collect()
}

fn read(row: &Row<'_>) -> Result<NoteRecord, Failure> {
    Ok(NoteRecord {
        id: NoteId::new(row.get::<_, String>(0)?),
        channel: ChannelId::new(row.get::<_, String>(1)?),
        name: row.get(2)?,
        started_by: User { id: UserId::new(row.get::<_, String>(3)?), name: row.get(4)? },
        started_at: from_ns(row.get(5)?),
        ended_at: row.get::<_, Option<i64>>(6)?.map(from_ns),
        lines: number(row.get(7)?)?,
    })
}

fn line(row: &Row<'_>) -> Result<NoteLine, Failure> {
    Ok(NoteLine {
        seq: number(row.get(0)?)?,
        speaker: User { id: UserId::new(row.get::<_, String>(1)?), name: row.get(2)? },
        text: row.get(3)?,
        at: from_ns(row.get(4)?),
    })
}
