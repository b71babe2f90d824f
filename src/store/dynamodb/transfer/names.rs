//! Which channel a log belongs to.
//!
//! Only channels that were removed once have a row that says so; they are few, and known all at once. Invariant: a log that was left has no channel.

use super::kinds::{Place, Rows, Table};
use crate::store::dynamodb::call::{Call, Failure, Order, record};
use crate::store::dynamodb::keys;
use crate::store::dynamodb::logs::LOG_PREFIX;
use crate::store::dynamodb::records::{LogRow, SweepRow, Swept};
use rooms::ChannelId;
use std::collections::{HashMap, HashSet};

/// Of channels that begin under another name than their own.
pub(super) struct Names {
    channels: HashMap<String, ChannelId>,
    left: HashSet<String>,
}

impl Names {
    pub(super) async fn read(call: &Call<'_>) -> Result<Self, Failure> {
        let mut names = Self { channels: HashMap::new(), left: HashSet::new() };
        let rows = Rows { table: Table::Core, pk: "C#", place: Place::Is("LOG"), with: None };
        let mut after = None;
        loop {
            let (items, next) = call.scan(&rows, after.as_ref()).await?;
            for item in items {
                let (pk, _) = super::kinds::place(&item)?;
                let channel = keys::ids(&pk).into_iter().nth(1).ok_or(Failure::Unreadable("the key of a log"))?;
                names.left.insert(channel.clone());
                names.channels.insert(record::<LogRow>(item)?.log, ChannelId::new(channel));
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        for row in call.query::<SweepRow>(&keys::sweeps(), Order::OldestFirst, usize::MAX).await? {
            if let Swept::Log { log, .. } = row.what {
                names.left.insert(log);
            }
        }
        Ok(names)
    }

    /// `None` for a log that was left.
    pub(super) fn channel(&self, log: &str) -> Option<ChannelId> {
        match self.channels.get(log) {
            Some(channel) => Some(channel.clone()),
            None => (!self.left.contains(log)).then(|| ChannelId::new(log)),
        }
    }

    /// As [`Self::channel`], for a row that stays when its log was swept. Then nothing but the shape of its name tells that it was one.
    pub(super) fn channel_of_remains(&self, log: &str) -> Option<ChannelId> {
        self.channel(log).filter(|channel| self.channels.contains_key(log) || !channel.as_str().starts_with(LOG_PREFIX))
    }
}
