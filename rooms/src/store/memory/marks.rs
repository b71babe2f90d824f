//! Reactions and pins of the store in memory.

use super::{MemoryStore, State};
use crate::ChannelId;
use crate::store::{Mark, MarkStore, Marked, PINS_MAX, Pin, REACTION_USERS_SHOWN, REACTIONS_MAX, React, StoreError};
use crate::view::{Message, Reaction};
use async_trait::async_trait;

#[async_trait]
impl MarkStore for MemoryStore {
    async fn react(&self, react: React) -> Result<Option<Marked>, StoreError> {
        let React { channel, seq, user, emoji, mark } = react;
        let mut state = self.state();
        let Some((message, channel)) = state.live(&channel, seq) else { return Ok(None) };
        let known = message.reactions.iter().position(|reaction| reaction.emoji == emoji);
        if mark == Mark::On && known.is_none() && message.reactions.len() >= REACTIONS_MAX {
            return Ok(Some(Marked::Full));
        }
        let users = channel.reacted.entry((seq, emoji.clone())).or_default();
        let before = users.len();
        match mark {
            Mark::On if users.contains(&user) => {}
            Mark::On => users.push(user),
            Mark::Off => users.retain(|other| *other != user),
        }
        if users.len() == before {
            return Ok(Some(Marked::Unchanged(message)));
        }
        let (count, users) = (users.len() as u64, users.iter().take(REACTION_USERS_SHOWN).cloned().collect());
        let reactions = &mut channel.messages[seq as usize - 1].reactions;
        match known {
            Some(index) if count == 0 => drop(reactions.remove(index)),
            Some(index) => reactions[index] = Reaction { emoji, count, users },
            None => reactions.push(Reaction { emoji, count, users }),
        }
        Ok(Some(Marked::Changed(channel.messages[seq as usize - 1].clone())))
    }

    async fn pin(&self, pin: Pin) -> Result<Option<Marked>, StoreError> {
        let mut state = self.state();
        let Some((message, channel)) = state.live(&pin.channel, pin.seq) else { return Ok(None) };
        let pinned = channel.pins.contains_key(&pin.seq);
        match pin.mark {
            Mark::On if !pinned && channel.pins.len() >= PINS_MAX => return Ok(Some(Marked::Full)),
            Mark::On if !pinned => drop(channel.pins.insert(pin.seq, pin.at)),
            Mark::Off if pinned => drop(channel.pins.remove(&pin.seq)),
            Mark::On | Mark::Off => return Ok(Some(Marked::Unchanged(message))),
        }
        Ok(Some(Marked::Changed(message)))
    }

    async fn pins(&self, channel: &ChannelId) -> Result<Vec<Message>, StoreError> {
        let state = self.state();
        let Some(channel) = state.channels.get(channel) else { return Ok(vec![]) };
        let mut pins: Vec<_> = channel.pins.iter().collect();
        pins.sort_by_key(|(seq, at)| std::cmp::Reverse((**at, **seq)));
        Ok(pins.into_iter().map(|(seq, _)| channel.messages[*seq as usize - 1].clone()).collect())
    }
}

impl State {
    /// A message that is there and not deleted, with its channel.
    fn live(&mut self, channel: &ChannelId, seq: u64) -> Option<(Message, &mut super::Channel)> {
        let message = self.message_mut(channel, seq).filter(|message| message.deleted_at.is_none())?.clone();
        Some((message, self.channels.get_mut(channel)?))
    }

    /// Forgets who reacted to a message, and its pin.
    pub(super) fn forget_marks(&mut self, channel: &ChannelId, seq: u64) {
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.reacted.retain(|(of, _), _| *of != seq);
            channel.pins.remove(&seq);
        }
    }
}
