//! What is kept of meeting notes: who said what in a call, line by line.

use super::{Nonce, StoreError};
use crate::view::User;
use crate::{ChannelId, NoteId};
use async_trait::async_trait;
use std::time::SystemTime;

/// Meeting notes of channels.
///
/// # Guarantees
/// * A channel has at most one note that hasn't ended, however many start one at once.
/// * Lines of a note are numbered 1, 2, 3 … without a gap. A nonce of a speaker's twice in one note stores one line.
/// * Nothing is added to a note that has ended.
#[async_trait]
pub trait NoteStore: Send + Sync + 'static {
    /// Keeps a new note, unless the channel has one that hasn't ended: then that one is returned.
    async fn start_note(&self, note: NoteRecord) -> Result<NoteRecord, StoreError>;
    /// Adds a line. `None` where there is no such note, or it has ended.
    async fn append_note(&self, line: NewLine) -> Result<Option<NoteLine>, StoreError>;
    /// Ends a note. A second time changes nothing. `None` where there is no such note.
    async fn end_note(&self, channel: &ChannelId, note: &NoteId, at: SystemTime) -> Result<Option<NoteRecord>, StoreError>;
    /// One note of a channel.
    async fn note(&self, channel: &ChannelId, note: &NoteId) -> Result<Option<NoteRecord>, StoreError>;
    /// At most `limit` notes of a channel that started before `before`, or the newest, newest first.
    async fn notes(&self, channel: &ChannelId, before: Option<SystemTime>, limit: u32) -> Result<Vec<NoteRecord>, StoreError>;
    /// At most `limit` lines of a note with a number above `after`, in order.
    async fn note_lines(&self, note: &NoteId, after: u64, limit: u32) -> Result<Vec<NoteLine>, StoreError>;
}

/// A meeting note as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteRecord {
    pub id: NoteId,
    pub channel: ChannelId,
    pub name: String,
    pub started_by: User,
    pub started_at: SystemTime,
    pub ended_at: Option<SystemTime>,
    /// How many there are.
    pub lines: u64,
}

/// A line that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    pub channel: ChannelId,
    pub note: NoteId,
    pub nonce: Nonce,
    pub speaker: User,
    pub text: String,
    pub at: SystemTime,
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteLine {
    /// Contiguous from 1 in its note.
    pub seq: u64,
    pub speaker: User,
    pub text: String,
    pub at: SystemTime,
}
