//! Meeting notes as rows. Invariant: `lines` of a note is the number of its last line.

use super::messages::{number, signed};
use super::{Failure, Sqlite, from_ns, to_ns};
use ::rooms::store::{NewLine, Nonce, NoteLine, NoteRecord, NoteStore, StoreError};
use ::rooms::{ChannelId, NoteId, User, UserId};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::time::SystemTime;

pub(super) const COLUMNS: &str = "id, channel, name, started_by_id, started_by_name, started_at_ns, ended_at_ns, lines";

/// Those that [`line`] reads, and the rest of the row.
pub(super) const LINE_COLUMNS: &str = "seq, speaker_id, speaker_name, text, at_ns, nonce, note";

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
    let line = NoteLine { seq: note.lines + 1, speaker: new.speaker, text: new.text, at: new.at };
    insert_line(db, &new.note, &line, &new.nonce)?;
    Ok(Some(line))
}

fn insert_line(db: &Connection, note: &NoteId, line: &NoteLine, nonce: &Nonce) -> Result<(), Failure> {
    db.prepare_cached(
        "INSERT INTO note_lines (note, seq, speaker_id, speaker_name, nonce, text, at_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        note.as_str(),
        signed(line.seq),
        line.speaker.id.as_str(),
        line.speaker.name,
        nonce.0,
        line.text,
        to_ns(line.at)
    ])?;
    db.prepare_cached("UPDATE notes SET lines = ?2 WHERE id = ?1")?.execute((note.as_str(), signed(line.seq)))?;
    Ok(())
}

/// Keeps a note as another store had it, without its lines, unless it is kept already.
pub(super) fn put(db: &Connection, note: &NoteRecord) -> Result<(), Failure> {
    db.prepare_cached(&format!("INSERT OR IGNORE INTO notes ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)"))?.execute(params![
        note.id.as_str(),
        note.channel.as_str(),
        note.name,
        note.started_by.id.as_str(),
        note.started_by.name,
        to_ns(note.started_at),
        note.ended_at.map(to_ns),
    ])?;
    Ok(())
}

/// Keeps a line as another store had it, unless it is kept already. It has to be the next one of its note.
pub(super) fn put_line(db: &Connection, note: &NoteId, line: &NoteLine, nonce: &Nonce) -> Result<(), Failure> {
    let lines: Option<i64> =
        db.prepare_cached("SELECT lines FROM notes WHERE id = ?1")?.query_row([note.as_str()], |row| row.get(0)).optional()?;
    let kept = number(lines.ok_or(Failure::Unreadable("note_lines.note"))?)?;
    match line.seq {
        seq if (1..=kept).contains(&seq) => Ok(()),
        seq if seq == kept + 1 => insert_line(db, note, line, nonce),
        _ => Err(Failure::Unreadable("note_lines.seq")),
    }
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

pub(super) fn read(row: &Row<'_>) -> Result<NoteRecord, Failure> {
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

pub(super) fn line(row: &Row<'_>) -> Result<NoteLine, Failure> {
    Ok(NoteLine {
        seq: number(row.get(0)?)?,
        speaker: User { id: UserId::new(row.get::<_, String>(1)?), name: row.get(2)? },
        text: row.get(3)?,
        at: from_ns(row.get(4)?),
    })
}
