//! What a decision needs that only the store has. Fetched when the order's turn has come, so that nothing changes it before it is decided.

use super::request::Command;
use crate::store::{InviteRecord, Membership, ScheduleRecord, Store, StoreError};
use crate::{ChannelId, InviteId, ScheduleId, ServerId, UserId};
use std::collections::HashMap;

/// What was fetched for an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// The newest messages of the channels that somebody may be let into.
    pub(super) heads: HashMap<ChannelId, u64>,
    /// The entry that is to be changed.
    pub(super) schedule: Option<ScheduleRecord>,
    /// The invitation that is to be revoked.
    pub(super) invite: Option<InviteRecord>,
}

/// What has to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    Head(ChannelId),
    /// Of every channel.
    Heads,
    Schedule(ScheduleId),
    Invite(InviteId),
}

impl Need {
    pub(super) fn of(command: &Command) -> Self {
        match command {
            Command::UpdateChannel { channel, change } if change.private.is_some() => Self::Head(channel.clone()),
            Command::UpdateMember { roles: Some(_), .. } | Command::UpdateRole { permissions: Some(_), .. } | Command::HandOver { .. } => {
                Self::Heads
            }
            Command::UpdateSchedule { schedule, .. } | Command::DeleteSchedule { schedule } => Self::Schedule(schedule.clone()),
            Command::RevokeInvite { invite } => Self::Invite(invite.clone()),
            Command::UpdateServer { .. }
            | Command::DeleteServer
            | Command::Leave
            | Command::CreateChannel(_)
            | Command::UpdateChannel { .. }
            | Command::DeleteChannel { .. }
            | Command::CreateCategory { .. }
            | Command::UpdateCategory { .. }
            | Command::DeleteCategory { .. }
            | Command::CreateRole { .. }
            | Command::UpdateRole { .. }
            | Command::DeleteRole { .. }
            | Command::UpdateMember { .. }
            | Command::Kick { .. }
            | Command::Ban { .. }
            | Command::Unban { .. }
            | Command::CreateInvite(_)
            | Command::CreateSchedule(_) => Self::Nothing,
        }
    }

    /// Fetches it. `channels` are all of the server's.
    ///
    /// # Errors
    /// As the store says.
    pub(super) async fn fetch(self, store: &dyn Store, server: &ServerId, channels: Vec<ChannelId>) -> Result<Fetched, StoreError> {
        let nothing = Fetched::default();
        Ok(match self {
            Self::Nothing => nothing,
            Self::Head(channel) => Fetched { heads: heads(store, vec![channel]).await?.collect(), ..nothing },
            Self::Heads => Fetched { heads: heads(store, channels).await?.collect(), ..nothing },
            Self::Schedule(schedule) => Fetched { schedule: store.schedule(server, &schedule).await?, ..nothing },
            Self::Invite(id) => {
                let mut invites = store.invites(server).await?.into_iter();
                Fetched { invite: invites.find(|invite| invite.id == id), ..nothing }
            }
        })
    }
}

/// The numbers of the newest messages of these channels.
///
/// # Errors
/// As the store says.
pub(super) async fn heads(store: &dyn Store, channels: Vec<ChannelId>) -> Result<impl Iterator<Item = (ChannelId, u64)>, StoreError> {
    let nobody = UserId::new("");
    let asked: Vec<Membership> = channels.into_iter().map(|channel| Membership { channel, since: 0, roles: vec![] }).collect();
    let unread = store.unread(&nobody, &asked).await?;
    Ok(unread.into_iter().map(|unread| (unread.channel, unread.head)))
}
