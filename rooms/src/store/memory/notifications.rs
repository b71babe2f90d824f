//! Inboxes in memory. The promises are those of [`NotificationStore`].

use super::MemoryStore;
use crate::store::{
    About, INBOX_MAX, Inbox, Invitation, NewNotification, Notification, NotificationStore, Notified, Reading, Record, Seek, StoreError,
};
use crate::{NotificationId, UserId};
use async_trait::async_trait;
use std::collections::{HashMap, VecDeque};
use std::time::SystemTime;

/// One user's inbox.
#[derive(Debug, Default)]
pub(super) struct Kept {
    head: u64,
    /// Oldest first, with contiguous numbers up to `head`.
    notifications: VecDeque<Notification>,
    /// The number that each key made.
    keys: HashMap<String, u64>,
}

impl Kept {
    fn numbered(&self, seq: u64) -> Option<&Notification> {
        self.notifications.iter().find(|notification| notification.seq == seq)
    }

    fn named(&mut self, id: &NotificationId) -> Option<&mut Notification> {
        self.notifications.iter_mut().find(|notification| notification.id == *id)
    }

    pub(super) fn records(&self) -> Vec<Record> {
        self.notifications.iter().cloned().map(Record::Notification).collect()
    }

    /// A key is as old as what it made, or where that is forgotten, at least as old as the oldest that is kept.
    pub(super) fn key_records(&self, user: &UserId) -> Vec<Record> {
        let mut keys: Vec<_> = self.keys.iter().collect();
        keys.sort();
        let record = |(key, seq): (&String, &u64)| {
            let made = self.numbered(*seq).or(self.notifications.front());
            let stored_at = made.map_or(SystemTime::UNIX_EPOCH, |made| made.at);
            Record::NotificationKey { user: user.clone(), key: key.clone(), seq: *seq, stored_at }
        };
        keys.into_iter().map(record).collect()
    }

    /// Keeps a notification of another store: the next one, or the first that is still kept.
    pub(super) fn put(&mut self, notification: Notification) -> Result<(), StoreError> {
        if self.numbered(notification.seq).is_some() {
            return Ok(());
        }
        if notification.seq == 0 || !self.notifications.is_empty() && notification.seq != self.head + 1 {
            return Err(StoreError::Corrupt);
        }
        self.head = notification.seq;
        self.notifications.push_back(notification);
        Ok(())
    }

    pub(super) fn put_key(&mut self, key: String, seq: u64) -> Result<(), StoreError> {
        if !(1..=self.head).contains(&seq) {
            return Err(StoreError::Corrupt);
        }
        self.keys.insert(key, seq);
        Ok(())
    }
}

#[async_trait]
impl NotificationStore for MemoryStore {
    async fn notify(&self, new: NewNotification) -> Result<Notified, StoreError> {
        let mut state = self.state();
        let kept = state.inboxes.entry(new.user.clone()).or_default();
        if let Some(seq) = kept.keys.get(&new.key) {
            return Ok(kept.numbered(*seq).cloned().map_or(Notified::Forgotten, Notified::Known));
        }
        kept.head += 1;
        kept.keys.insert(new.key, kept.head);
        let NewNotification { id, user, about, at, key: _ } = new;
        let notification = Notification { id, user, seq: kept.head, about, at, read_at: None };
        kept.notifications.push_back(notification.clone());
        if kept.notifications.len() as u64 > INBOX_MAX {
            kept.notifications.pop_front();
        }
        Ok(Notified::New(notification))
    }

    async fn notification(&self, user: &UserId, id: &NotificationId) -> Result<Option<Notification>, StoreError> {
        Ok(self.state().inboxes.get_mut(user).and_then(|kept| kept.named(id).cloned()))
    }

    async fn notifications(&self, user: &UserId, seek: Seek, limit: u32) -> Result<Inbox, StoreError> {
        let state = self.state();
        let Some(kept) = state.inboxes.get(user) else {
            return Ok(Inbox { notifications: vec![], more: false, newer: false, head: 0 });
        };
        let all = || kept.notifications.iter();
        let limit = limit as usize;
        let mut page: Vec<&Notification> = match seek {
            Seek::Newest => all().rev().take(limit).collect(),
            Seek::Before(seq) => all().rev().filter(|notification| notification.seq < seq).take(limit).collect(),
            Seek::After(seq) => all().filter(|notification| notification.seq > seq).take(limit).collect(),
        };
        page.sort_by_key(|notification| notification.seq);
        // Where nothing is beyond the bound, everything is on its other side.
        let (first, last) = match (page.first(), page.last(), seek) {
            (Some(first), Some(last), _) => (first.seq, last.seq),
            (_, _, Seek::After(_)) => (u64::MAX, u64::MAX),
            (_, _, Seek::Newest | Seek::Before(_)) => (0, 0),
        };
        let (more, newer) = (all().any(|other| other.seq < first), all().any(|other| other.seq > last));
        Ok(Inbox { notifications: page.into_iter().cloned().collect(), more, newer, head: kept.head })
    }

    async fn read_notifications(&self, user: &UserId, reading: &Reading, at: SystemTime) -> Result<bool, StoreError> {
        let mut state = self.state();
        let kept = state.inboxes.entry(user.clone()).or_default();
        if let Reading::Ids(ids) = reading
            && ids.iter().any(|id| kept.named(id).is_none())
        {
            return Ok(false);
        }
        let read = kept.notifications.iter_mut().filter(|notification| match reading {
            Reading::Ids(ids) => ids.contains(&notification.id),
            Reading::UpTo(seq) => notification.seq <= *seq,
        });
        for notification in read {
            notification.read_at.get_or_insert(at);
        }
        Ok(true)
    }

    async fn unread_count(&self, user: &UserId) -> Result<u64, StoreError> {
        let state = self.state();
        let all = state.inboxes.get(user).into_iter().flat_map(|kept| &kept.notifications);
        Ok(all.filter(|notification| notification.read_at.is_none()).count() as u64)
    }

    async fn answer_invitation(
        &self,
        user: &UserId,
        id: &NotificationId,
        answer: Invitation,
        at: SystemTime,
    ) -> Result<Option<Notification>, StoreError> {
        let mut state = self.state();
        let Some(notification) = state.inboxes.get_mut(user).and_then(|kept| kept.named(id)) else { return Ok(None) };
        let About::ServerInvite { state, .. } = &mut notification.about else { return Ok(None) };
        if *state != Invitation::Open {
            return Ok(None);
        }
        *state = answer;
        notification.read_at.get_or_insert(at);
        Ok(Some(notification.clone()))
    }
}
