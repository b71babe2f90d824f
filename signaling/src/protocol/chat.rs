//! What one can do with messages beyond sending and reading them: requests, answers and pushes.

use super::types::{Message, Reaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// `chat:react`: one's own reaction to a message comes or goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatReact {
    pub channel: String,
    #[ts(type = "number")]
    pub seq: u64,
    /// 1–32 bytes without white space. A message bears 20 different ones.
    pub emoji: String,
    /// False takes it back.
    pub on: bool,
}

/// Answer of `chat:react`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatReactions {
    /// All of the message, that which came first first.
    pub reactions: Vec<Reaction>,
}

/// `chat:pin`: by who moderates the channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatPin {
    pub channel: String,
    #[ts(type = "number")]
    pub seq: u64,
    /// False unpins.
    pub on: bool,
}

/// `chat:pins`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatPins {
    pub channel: String,
}

/// Answer of `chat:pins`: at most 50, the latest pin first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatPinned {
    pub messages: Vec<Message>,
}

/// `chat:search`: messages in whose text every word occurs, also in the middle of another one. Upper and lower case are one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatSearch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub channel: Option<String>,
    /// Instead of `channel`: all channels of this server that one reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub server: Option<String>,
    /// 1–10 words between white space, 200 characters at most.
    pub text: String,
    /// The `next` of the page before; absent: the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub before: Option<String>,
    /// 1–50, 25 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub limit: Option<u32>,
}

/// Answer of `chat:search`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatFound {
    /// Newest first.
    pub messages: Vec<Message>,
    /// Opaque: where the next page begins. Absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<String>,
}

/// `chat:upload`: where to put a file, to be attached to a message then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatUpload {
    pub channel: String,
    /// 1–255 bytes without slashes.
    pub name: String,
    /// `type/subtype`.
    pub mime: String,
    #[ts(type = "number")]
    pub size_bytes: u64,
}

/// Answer of `chat:upload`. Send the file by `PUT` to `upload_url`, with these headers and exactly as long as it was said to be.
#[derive(Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatUploadGranted {
    /// A secret.
    pub upload_url: String,
    #[ts(type = "Record<string, string>")]
    pub headers: BTreeMap<String, String>,
    /// The address to attach.
    pub url: String,
    #[ts(type = "number")]
    pub expires_in_ms: u64,
}

/// `chat:typing`, from the client: one writes a message. The others are told once in 3 s, however often this is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatTyping {
    pub channel: String,
}

/// `chat:typing`, from the server: somebody else writes a message. It may be left out under load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatTypist {
    pub channel: String,
    /// The user id.
    pub user: String,
    pub name: String,
}

/// `chat:reacted`: these are all reactions of the message now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatReacted {
    pub channel: String,
    #[ts(type = "number")]
    pub seq: u64,
    pub reactions: Vec<Reaction>,
}

/// `chat:pinned`: a message was pinned or unpinned. One that is deleted is unpinned without a word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ChatPinChanged {
    pub message: Message,
    pub on: bool,
}
