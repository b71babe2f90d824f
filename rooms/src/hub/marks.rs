//! Reactions and pins: asked of whoever has the channel, and stored before anybody is told, as messages are.

use super::{Hub, wall_clock};
use crate::chat::Change;
use crate::limits;
use crate::permission;
use crate::session::SessionHandle;
use crate::store::{Mark, Pin, React};
use crate::view::{Message, Reaction};
use crate::{ChannelId, Result};

impl Hub {
    /// The user's reaction to a message comes or goes; then everyone in the channel is told, unless it was so already. Returns all reactions to the
    /// message when that is durable.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session isn't in and a message that isn't there or is deleted, `Forbidden` for who may not write, `Invalid`
    /// for an emoji of more than 32 bytes or with white space, `Conflict` for the 21st emoji, `RateLimited`, `Unavailable`.
    pub async fn react(&self, session: &SessionHandle, channel: &ChannelId, seq: u64, emoji: String, mark: Mark) -> Result<Vec<Reaction>> {
        let place = self.place(session, channel).await?;
        permission::may_write(place.rights)?;
        limits::emoji(&emoji)?;
        self.count_message(&session.id)?;
        let react = React { channel: channel.clone(), seq, user: session.user.id.clone(), emoji, mark };
        Ok(place.queue.send(Change::React(react)).await?.reactions)
    }

    /// A message is pinned or unpinned; then everyone in the channel is told, unless it was so already. Returns when that is durable.
    ///
    /// # Errors
    /// `NotFound` as for [`Hub::react`], `Forbidden` unless the session's user moderates the channel, `Conflict` for the 51st pin, `RateLimited`,
    /// `Unavailable`.
    pub async fn pin_message(&self, session: &SessionHandle, channel: &ChannelId, seq: u64, mark: Mark) -> Result<()> {
        let place = self.place(session, channel).await?;
        permission::may_pin(place.rights)?;
        self.count_message(&session.id)?;
        let pin = Pin { channel: channel.clone(), seq, mark, at: wall_clock() };
        place.queue.send(Change::Pin(pin)).await.map(drop)
    }

    /// The pinned messages of a channel, the latest pin first.
    ///
    /// # Errors
    /// `NotFound` for a channel that the session isn't in, `Unavailable`.
    pub async fn pins(&self, session: &SessionHandle, channel: &ChannelId) -> Result<Vec<Message>> {
        let place = self.place(session, channel).await?;
        Ok(self.node.store.pins(&place.channel).await?)
    }
}
