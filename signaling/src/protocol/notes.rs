//! Meeting notes on the wire.

use super::community::Person;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What was said in a call, under the speakers' names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Note {
    pub id: String,
    pub channel: String,
    pub name: String,
    pub started_by: Person,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339. Absent: it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ended_at: Option<String>,
    /// How many there are.
    #[ts(type = "number")]
    pub lines: u64,
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NoteLine {
    /// Contiguous from 1 in its note.
    #[ts(type = "number")]
    pub seq: u64,
    pub speaker: Person,
    pub text: String,
    /// RFC 3339.
    pub at: String,
}

/// `note:start`: one runs in a channel at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NoteStart {
    pub channel: String,
    /// 1–64 characters.
    pub name: String,
}

/// Answer of `note:start` and `note:end`; `note:started`, `note:ended`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NoteChanged {
    pub note: Note,
}

/// `note:append`: what one said, as one's client recognised it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NoteAppend {
    pub channel: String,
    pub note: String,
    /// 1–64 bytes, made by the client: the same nonce twice adds one line.
    pub nonce: String,
    /// 1–4,000 characters.
    pub text: String,
}

/// Answer of `note:append`: the line is durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NoteSaid {
    pub line: NoteLine,
}

/// `note:end`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NoteRef {
    pub channel: String,
    pub note: String,
}

/// `note:list`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NoteList {
    pub channel: String,
    /// Those that started before, RFC 3339; absent: the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub before: Option<String>,
    /// 1–100, 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub limit: Option<u32>,
}

/// Answer of `note:list`, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NotesListed {
    pub notes: Vec<Note>,
}

/// `note:get`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NoteGet {
    pub channel: String,
    pub note: String,
    /// Lines with a higher `seq` than this; absent: from the first.
    #[serde(default)]
    #[ts(optional, as = "Option<u32>")]
    pub after: u64,
    /// 1–500, 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub limit: Option<u32>,
}

/// Answer of `note:get`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NotePage {
    pub note: Note,
    pub lines: Vec<NoteLine>,
}

/// `note:export`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NoteExport {
    pub channel: String,
    pub note: String,
    pub format: NoteFormat,
}

/// How a note is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum NoteFormat {
    Markdown,
    Text,
}

/// Answer of `note:export`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NoteExported {
    pub text: String,
}

/// `note:appended`. Who misses a number fetches it with `note:get`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NoteAppended {
    pub channel: String,
    pub note: String,
    pub line: NoteLine,
}
