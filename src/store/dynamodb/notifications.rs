//! Inboxes as rows: one of each notification, one of each key, and one of the newest number.
//!
//! Each function is one operation of the store. Invariant: the number of a user's newest notification is that of the head, because both are
//! written in one transaction. An inbox is small, so what asks for a part of it by anything but its number reads all of it.

use super::DynamoDb;
use super::call::{Call, Committed, Failure, Order, Pause, record};
use super::keys;
use super::messages::{NONCE_FREE, NONCES_KEPT, unix_s};
use super::transfer::stored_at;
use super::write::{ABSENT, Write, number, text, text_of};
use crate::store::about;
use crate::store::sqlite::{from_ns, to_ns};
use async_trait::async_trait;
use rooms::store::{
    About, INBOX_MAX, Inbox, Invitation, NewNotification, Notification, NotificationStore, Notified, Reading, Record, Seek, StoreError,
};
use rooms::{NotificationId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::SystemTime;

#[async_trait]
impl NotificationStore for DynamoDb {
    async fn notify(&self, new: NewNotification) -> Result<Notified, StoreError> {
        let call = self.db.call("notify");
        call.run(notify(&call, &new)).await
    }

    async fn notification(&self, user: &UserId, id: &NotificationId) -> Result<Option<Notification>, StoreError> {
        let call = self.db.call("notification");
        call.run(find(&call, user, id)).await
    }

    async fn notifications(&self, user: &UserId, seek: Seek, limit: u32) -> Result<Inbox, StoreError> {
        let call = self.db.call("notifications");
        call.run(page(&call, user, seek, limit)).await
    }

    async fn read_notifications(&self, user: &UserId, reading: &Reading, at: SystemTime) -> Result<bool, StoreError> {
        let call = self.db.call("read_notifications");
        call.run(mark_read(&call, user, reading, at)).await
    }

    async fn unread_count(&self, user: &UserId) -> Result<u64, StoreError> {
        let call = self.db.call("unread_count");
        call.run(async { Ok(kept(&call, user).await?.iter().filter(|notification| notification.read_at.is_none()).count() as u64) }).await
    }

    async fn answer_invitation(
        &self,
        user: &UserId,
        id: &NotificationId,
        answer: Invitation,
        at: SystemTime,
    ) -> Result<Option<Notification>, StoreError> {
        let call = self.db.call("answer_invitation");
        call.run(answer_invitation(&call, user, id, answer, at)).await
    }
}

/// A notification as a row.
#[derive(Debug, Serialize, Deserialize)]
struct NotificationRow {
    id: String,
    seq: u64,
    /// JSON.
    about: String,
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read_at: Option<i64>,
}

impl NotificationRow {
    fn notification(self, user: &UserId) -> Result<Notification, Failure> {
        Ok(Notification {
            id: NotificationId::new(self.id),
            user: user.clone(),
            seq: self.seq,
            about: about::read(&self.about).ok_or(Failure::Unreadable("a notification's about"))?,
            at: from_ns(self.at),
            read_at: self.read_at.map(from_ns),
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct KeyRow {
    seq: u64,
    exp: u64,
}

#[derive(Debug, Deserialize)]
struct HeadRow {
    head: u64,
}

async fn notify(call: &Call<'_>, new: &NewNotification) -> Result<Notified, Failure> {
    let _turn = call.db.lines.turn(new.user.as_str()).await?;
    let mut pause = Pause::default();
    loop {
        let key = keys::notification_key(&new.user, &new.key);
        let (known, head) = tokio::try_join!(call.get::<KeyRow>(&key), head(call, &new.user))?;
        let now = unix_s(SystemTime::now());
        if let Some(known) = known.filter(|known| known.exp >= now) {
            let row: Option<NotificationRow> = call.get(&keys::notification(&new.user, known.seq)).await?;
            return row.map_or(Ok(Notified::Forgotten), |row| row.notification(&new.user).map(Notified::Known));
        }
        let seq = head + 1;
        let row = NotificationRow { id: new.id.to_string(), seq, about: about::write(&new.about), at: to_ns(new.at), read_at: None };
        let used = KeyRow { seq, exp: unix_s(SystemTime::now() + NONCES_KEPT) };
        let head_write = Write::update(keys::inbox_head(&new.user)).set("head", number(seq));
        let mut writes = vec![
            match head {
                0 => head_write.only_if(ABSENT),
                _ => head_write.only_if("#head = :was").with("was", number(head)),
            },
            Write::put(keys::notification(&new.user, seq), &row)?.only_if(ABSENT),
            Write::put(key, &used)?.only_if(NONCE_FREE).with("now", number(now)),
        ];
        if let Some(oldest) = seq.checked_sub(INBOX_MAX).filter(|oldest| *oldest > 0) {
            writes.push(Write::delete(keys::notification(&new.user, oldest)));
        }
        if let Committed::Done = call.commit(&writes).await? {
            return row.notification(&new.user).map(Notified::New);
        }
        pause.wait().await;
    }
}

/// 0 where there was none yet.
async fn head(call: &Call<'_>, user: &UserId) -> Result<u64, Failure> {
    Ok(call.get::<HeadRow>(&keys::inbox_head(user)).await?.map_or(0, |row| row.head))
}

/// All that are kept, oldest first.
async fn kept(call: &Call<'_>, user: &UserId) -> Result<Vec<Notification>, Failure> {
    range(call, user, 1, keys::SEQ_MAX).await
}

async fn range(call: &Call<'_>, user: &UserId, from: u64, to: u64) -> Result<Vec<Notification>, Failure> {
    if from > to {
        return Ok(vec![]);
    }
    let rows = call.query::<NotificationRow>(&keys::notifications(user, from, to), Order::OldestFirst, usize::MAX).await?;
    rows.into_iter().map(|row| row.notification(user)).collect()
}

async fn find(call: &Call<'_>, user: &UserId, id: &NotificationId) -> Result<Option<Notification>, Failure> {
    Ok(kept(call, user).await?.into_iter().find(|notification| notification.id == *id))
}

async fn page(call: &Call<'_>, user: &UserId, seek: Seek, limit: u32) -> Result<Inbox, Failure> {
    let (head, limit) = (head(call, user).await?, u64::from(limit));
    // Numbers have no gap between the oldest and the newest that are kept. Half-open, as the pages of messages.
    let first = head.saturating_sub(INBOX_MAX - 1).max(1);
    let wanted = match seek {
        Seek::Newest => (head + 1).saturating_sub(limit).max(first)..head + 1,
        Seek::Before(seq) => {
            let end = seq.clamp(first, head + 1);
            end.saturating_sub(limit).max(first)..end
        }
        Seek::After(seq) => {
            let start = seq.saturating_add(1).clamp(first, head + 1);
            start..start.saturating_add(limit).min(head + 1)
        }
    };
    let notifications = range(call, user, wanted.start, wanted.end - 1).await?;
    Ok(Inbox { notifications, more: wanted.start > first, newer: wanted.end <= head, head })
}

async fn mark_read(call: &Call<'_>, user: &UserId, reading: &Reading, at: SystemTime) -> Result<bool, Failure> {
    let kept = kept(call, user).await?;
    let is_meant = |notification: &&Notification| match reading {
        Reading::Ids(ids) => ids.contains(&notification.id),
        Reading::UpTo(seq) => notification.seq <= *seq,
    };
    if let Reading::Ids(ids) = reading
        && ids.iter().any(|id| kept.iter().all(|notification| notification.id != *id))
    {
        return Ok(false);
    }
    for notification in kept.iter().filter(is_meant).filter(|notification| notification.read_at.is_none()) {
        // Refused where it was read or forgotten meanwhile: then there is nothing to mark.
        let mark = Write::update(keys::notification(user, notification.seq)).set("read_at", number(to_ns(at)));
        call.write(&mark.only_if("attribute_exists(PK) AND attribute_not_exists(#read_at)")).await?;
    }
    Ok(true)
}

async fn answer_invitation(
    call: &Call<'_>,
    user: &UserId,
    id: &NotificationId,
    answer: Invitation,
    at: SystemTime,
) -> Result<Option<Notification>, Failure> {
    let Some(mut notification) = find(call, user, id).await? else { return Ok(None) };
    let before = about::write(&notification.about);
    let About::ServerInvite { state, .. } = &mut notification.about else { return Ok(None) };
    if *state != Invitation::Open {
        return Ok(None);
    }
    *state = answer;
    let read_at = *notification.read_at.get_or_insert(at);
    let write = Write::update(keys::notification(user, notification.seq))
        .set("about", text(&about::write(&notification.about)))
        .set("read_at", number(to_ns(read_at)))
        .only_if("#about = :before")
        .with("before", text(&before));
    let answered = call.commit(&[write]).await?;
    Ok(matches!(answered, Committed::Done).then_some(notification))
}

/// All of a user's inbox: the notifications, then the keys that made some.
pub(super) async fn records(call: &Call<'_>, user: &UserId) -> Result<Vec<Record>, Failure> {
    let mut records: Vec<Record> = kept(call, user).await?.into_iter().map(Record::Notification).collect();
    for item in call.items(&keys::notification_keys(user), Order::OldestFirst, usize::MAX).await? {
        let place = text_of(&item, "SK").unwrap_or_default();
        let key = keys::ids(&place).into_iter().nth(1).ok_or(Failure::Unreadable("the key of a notification"))?;
        let row: KeyRow = record(item)?;
        records.push(Record::NotificationKey { user: user.clone(), key, seq: row.seq, stored_at: stored_at(row.exp) });
    }
    Ok(records)
}

/// Keeps notifications of another store. Each has to be the next one of its user, or the first that is known of the user, or be there already.
pub(super) async fn put(call: &Call<'_>, notifications: &[&Notification]) -> Result<(), Failure> {
    let mut heads: BTreeMap<&UserId, u64> = BTreeMap::new();
    let mut writes = Vec::new();
    for notification in notifications {
        let (user, seq) = (&notification.user, notification.seq);
        let newest = match heads.get(user) {
            Some(newest) => *newest,
            None => head(call, user).await?,
        };
        if seq == 0 || newest > 0 && seq > newest + 1 {
            return Err(Failure::Unreadable("the number of a notification"));
        }
        heads.insert(user, newest.max(seq));
        let (about, read_at) = (about::write(&notification.about), notification.read_at.map(to_ns));
        let row = NotificationRow { id: notification.id.to_string(), seq, about, at: to_ns(notification.at), read_at };
        writes.push(Write::put(keys::notification(user, seq), &row)?.only_if(ABSENT));
    }
    call.write_all(&writes).await?;
    let head = |(user, head): (&UserId, u64)| {
        Write::update(keys::inbox_head(user)).set("head", number(head)).only_if("attribute_not_exists(#head) OR #head < :head")
    };
    call.write_all(&heads.into_iter().map(head).collect::<Vec<_>>()).await
}

/// Keeps keys of another store.
pub(super) async fn put_keys(call: &Call<'_>, keys: &[(&UserId, &str, u64, SystemTime)]) -> Result<(), Failure> {
    let mut heads: BTreeMap<&UserId, u64> = BTreeMap::new();
    let mut writes = Vec::new();
    for (user, key, seq, stored_at) in keys {
        if !heads.contains_key(user) {
            heads.insert(user, head(call, user).await?);
        }
        if !(1..=heads[user]).contains(seq) {
            return Err(Failure::Unreadable("the number of a notification"));
        }
        let row = KeyRow { seq: *seq, exp: unix_s(*stored_at + NONCES_KEPT) };
        writes.push(Write::put(keys::notification_key(user, key), &row)?.only_if(ABSENT));
    }
    call.write_all(&writes).await
}
