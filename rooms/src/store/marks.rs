//! What readers hang on messages: reactions and pins. The trait and its values.
//!
//! Bounds are decided here, by the store, since only it sees all who race for the last place. Invariant: a deleted message has neither.

use super::StoreError;
use crate::view::Message;
use crate::{ChannelId, UserId};
use async_trait::async_trait;
use std::time::SystemTime;

/// Most different emojis on one message.
pub const REACTIONS_MAX: usize = 20;
/// Of those who reacted with one emoji, this many are named, first come first; the others are counted.
pub const REACTION_USERS_SHOWN: usize = 10;
/// Most pinned messages of a channel.
pub const PINS_MAX: usize = 50;

/// Reactions and pins.
///
/// # Guarantees
/// * A message has at most [`REACTIONS_MAX`] different emojis, a channel at most [`PINS_MAX`] pins, however many race for the last place.
/// * The message that is returned is as it is after the change, and so are later answers of [`MessageStore`](super::MessageStore).
/// * Doing something a second time changes nothing.
#[async_trait]
pub trait MarkStore: Send + Sync + 'static {
    /// A user's reaction comes or goes. `None` where there is no such message, or it is deleted.
    async fn react(&self, react: React) -> Result<Option<Marked>, StoreError>;
    /// A message is pinned or unpinned. `None` where there is no such message, or it is deleted.
    async fn pin(&self, pin: Pin) -> Result<Option<Marked>, StoreError>;
    /// The pinned messages: latest pin first, of those at one time the higher number first.
    async fn pins(&self, channel: &ChannelId) -> Result<Vec<Message>, StoreError>;
}

/// Whether something is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    On,
    Off,
}

/// A change of one user's reactions to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct React {
    pub channel: ChannelId,
    pub seq: u64,
    pub user: UserId,
    pub emoji: String,
    pub mark: Mark,
}

/// A change of a channel's pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub channel: ChannelId,
    pub seq: u64,
    pub mark: Mark,
    /// A message that is pinned already keeps its earlier time.
    pub at: SystemTime,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marked {
    Changed(Message),
    /// It was so already.
    Unchanged(Message),
    /// There are as many as there may be.
    Full,
}
