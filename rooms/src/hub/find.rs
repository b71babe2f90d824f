//! Search: words in the channels that a session may read.

use super::Hub;
use crate::limits;
use crate::session::SessionHandle;
use crate::store::{Found, Search, SearchCursor};
use crate::{ChannelId, Result, ServerId};

impl Hub {
    /// The messages of a channel in whose text every word of `text` occurs, newest first; `limit` 1–50. Words are what stands between white space;
    /// upper and lower case are one.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session isn't in, `Invalid` for no word, more than 10 or an odd limit, `TooLarge` for a long text,
    /// `RateLimited` as if it were a message, `Unsupported` where the store can't search, `Unavailable`.
    pub async fn search(
        &self,
        session: &SessionHandle,
        channel: &ChannelId,
        text: &str,
        before: Option<SearchCursor>,
        limit: u32,
    ) -> Result<Found> {
        let place = self.place(session, channel).await?;
        self.search_in(session, vec![place.channel], text, before, limit).await
    }

    /// As [`Hub::search`], in all channels of a server that the session's user reads.
    ///
    /// # Errors
    /// As [`Hub::search`]; `NotFound` for a server that the user is no member of.
    pub async fn search_server(
        &self,
        session: &SessionHandle,
        server: &ServerId,
        text: &str,
        before: Option<SearchCursor>,
        limit: u32,
    ) -> Result<Found> {
        let channels = self.readable(session, server).await?.into_iter().map(|membership| membership.channel).collect();
        self.search_in(session, channels, text, before, limit).await
    }

    /// As [`Hub::search`], in channels of which each is known to be readable by the session.
    async fn search_in(
        &self,
        session: &SessionHandle,
        channels: Vec<ChannelId>,
        text: &str,
        before: Option<SearchCursor>,
        limit: u32,
    ) -> Result<Found> {
        let words = limits::search_words(text)?;
        limits::search_limit(limit)?;
        self.count_message(&session.id)?;
        Ok(self.node.store.search(Search { channels, words, before, limit }).await?)
    }
}
