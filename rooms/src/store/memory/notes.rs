//! Meeting notes in memory. The promises are those of [`NoteStore`].

use super::{MemoryStore, State};
use crate::store::{NewLine, Nonce, NoteLine, NoteRecord, NoteStore, Record, StoreError};
use crate::{ChannelId, NoteId, UserId};
use async_trait::async_trait;
use std::collections::HashMap;
use std::time::SystemTime;

#[derive(Debug)]
pub(super) struct Note {
    record: NoteRecord,
    lines: Vec<NoteLine>,
    nonces: HashMap<(UserId, Nonce), usize>,
}

impl Note {
    pub(super) fn is_of(&self, channel: &ChannelId) -> bool {
        self.record.channel == *channel
    }

    pub(super) fn id(&self) -> &NoteId {
        &self.record.id
    }

    pub(super) fn record(&self) -> NoteRecord {
        NoteRecord { lines: self.lines.len() as u64, ..self.record.clone() }
    }

    pub(super) fn line_records(&self) -> Vec<Record> {
        let mut nonces: Vec<_> = self.nonces.iter().collect();
        nonces.sort_by_key(|(_, index)| **index);
        let line = |((_, nonce), index): (&(UserId, Nonce), &usize)| Record::NoteLine {
            note: self.record.id.clone(),
            line: self.lines[*index].clone(),
            nonce: nonce.clone(),
        };
        nonces.into_iter().map(line).collect()
    }
}

impl State {
    /// Keeps a note of another store, without its lines.
    pub(super) fn put_note(&mut self, note: NoteRecord) {
        if self.notes.iter().all(|other| other.record.id != note.id) {
            self.notes.push(Note { record: note, lines: vec![], nonces: HashMap::new() });
        }
    }

    /// Keeps a line of another store's, which has to be the next of its note.
    pub(super) fn put_note_line(&mut self, note: &NoteId, line: NoteLine, nonce: Nonce) -> Result<(), StoreError> {
        let note = self.notes.iter_mut().find(|other| other.record.id == *note).ok_or(StoreError::Corrupt)?;
        let next = note.lines.len() as u64 + 1;
        if line.seq == 0 || line.seq > next {
            return Err(StoreError::Corrupt);
        }
        if line.seq == next {
            note.nonces.insert((line.speaker.id.clone(), nonce), note.lines.len());
            note.lines.push(line);
        }
        Ok(())
    }
}

#[async_trait]
impl NoteStore for MemoryStore {
    async fn start_note(&self, note: NoteRecord) -> Result<NoteRecord, StoreError> {
        let mut state = self.state();
        if let Some(open) = state.notes.iter().find(|other| other.is_of(&note.channel) && other.record.ended_at.is_none()) {
            return Ok(open.record());
        }
        state.notes.push(Note { record: note.clone(), lines: vec![], nonces: HashMap::new() });
        Ok(note)
    }

    async fn append_note(&self, line: NewLine) -> Result<Option<NoteLine>, StoreError> {
        let mut state = self.state();
        let NewLine { channel, note, nonce, speaker, text, at } = line;
        let Some(note) = state.notes.iter_mut().find(|other| other.is_of(&channel) && other.record.id == note) else { return Ok(None) };
        let key = (speaker.id.clone(), nonce);
        if let Some(index) = note.nonces.get(&key) {
            return Ok(Some(note.lines[*index].clone()));
        }
        if note.record.ended_at.is_some() {
            return Ok(None);
        }
        let line = NoteLine { seq: note.lines.len() as u64 + 1, speaker, text, at };
        note.nonces.insert(key, note.lines.len());
        note.lines.push(line.clone());
        Ok(Some(line))
    }

    async fn end_note(&self, channel: &ChannelId, note: &NoteId, at: SystemTime) -> Result<Option<NoteRecord>, StoreError> {
        let mut state = self.state();
        let Some(note) = state.notes.iter_mut().find(|other| other.is_of(channel) && other.record.id == *note) else { return Ok(None) };
        note.record.ended_at.get_or_insert(at);
        Ok(Some(note.record()))
    }

    async fn note(&self, channel: &ChannelId, note: &NoteId) -> Result<Option<NoteRecord>, StoreError> {
        let state = self.state();
        Ok(state.notes.iter().find(|other| other.is_of(channel) && other.record.id == *note).map(Note::record))
    }

    async fn notes(&self, channel: &ChannelId, before: Option<SystemTime>, limit: u32) -> Result<Vec<NoteRecord>, StoreError> {
        let state = self.state();
        let earlier = |note: &&Note| before.is_none_or(|before| note.record.started_at < before);
        let mut notes: Vec<NoteRecord> = state.notes.iter().filter(|note| note.is_of(channel)).filter(earlier).map(Note::record).collect();
        notes.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
        notes.truncate(limit as usize);
        Ok(notes)
    }

    async fn note_lines(&self, note: &NoteId, after: u64, limit: u32) -> Result<Vec<NoteLine>, StoreError> {
        let state = self.state();
        let lines = state.notes.iter().find(|other| other.record.id == *note).map_or(&[][..], |note| &note.lines);
        Ok(lines.iter().filter(|line| line.seq > after).take(limit as usize).cloned().collect())
    }
}
