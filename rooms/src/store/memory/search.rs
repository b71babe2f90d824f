//! Search in the store in memory: every text is looked at.

use super::MemoryStore;
use crate::store::{Found, Search, SearchCursor, SearchStore, StoreError};
use async_trait::async_trait;

#[async_trait]
impl SearchStore for MemoryStore {
    async fn search(&self, search: Search) -> Result<Found, StoreError> {
        let Search { channels, words, before, limit } = search;
        let state = self.state();
        let channels = state.channels.iter().filter(|(id, _)| channels.contains(id)).map(|(_, channel)| channel);
        let mut found: Vec<_> = channels
            .flat_map(|channel| channel.ordinals.iter().zip(&channel.messages))
            .filter(|(ordinal, _)| before.is_none_or(|before| **ordinal < before.0))
            .filter(|(_, message)| words.iter().len() > 0 && words.occur_in(&message.text))
            .collect();
        found.sort_by_key(|(ordinal, _)| std::cmp::Reverse(**ordinal));
        let limit = limit as usize;
        let next = found.get(limit).and_then(|_| found.get(limit.checked_sub(1)?)).map(|(ordinal, _)| SearchCursor(**ordinal));
        Ok(Found { messages: found.into_iter().take(limit).map(|(_, message)| message.clone()).collect(), next })
    }
}
