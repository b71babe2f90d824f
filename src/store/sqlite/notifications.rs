//! Inboxes as rows.
//!
//! Each function is one operation of the store, on a connection whose transaction belongs to the caller. Invariant: the numbers of a user are
//! contiguous, because rows are only appended, only by the one writer, and only the oldest are removed.

use super::{Failure, Sqlite, from_ns, to_ns};
use crate::store::about;
use ::rooms::store::{
    About, INBOX_MAX, Inbox, Invitation, NewNotification, Notification, NotificationStore, Notified, Reading, Seek, StoreError,
};
use ::rooms::{NotificationId, UserId};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::time::SystemTime;

pub(super) const COLUMNS: &str = "id, user_id, seq, about, at_ns, read_at_ns";

#[async_trait]
impl NotificationStore for Sqlite {
    async fn notify(&self, new: NewNotification) -> Result<Notified, StoreError> {
        self.writer.run("notify", move |db| notify(db, new)).await
    }

    async fn notification(&self, user: &UserId, id: &NotificationId) -> Result<Option<Notification>, StoreError> {
        let (user, id) = (user.clone(), id.clone());
        self.readers.run("notification", move |db| find(db, &user, &id)).await
    }

    async fn notifications(&self, user: &UserId, seek: Seek, limit: u32) -> Result<Inbox, StoreError> {
        let user = user.clone();
        self.readers.run("notifications", move |db| page(db, &user, seek, limit)).await
    }

    async fn read_notifications(&self, user: &UserId, reading: &Reading, at: SystemTime) -> Result<bool, StoreError> {
        let (user, reading) = (user.clone(), reading.clone());
        self.writer.run("read_notifications", move |db| mark_read(db, &user, &reading, at)).await
    }

    async fn unread_count(&self, user: &UserId) -> Result<u64, StoreError> {
        let user = user.clone();
        self.readers.run("unread_count", move |db| unread_count(db, &user)).await
    }

    async fn answer_invitation(
        &self,
        user: &UserId,
        id: &NotificationId,
        answer: Invitation,
        at: SystemTime,
    ) -> Result<Option<Notification>, StoreError> {
        let (user, id) = (user.clone(), id.clone());
        self.writer.run("answer_invitation", move |db| answer_invitation(db, &user, &id, answer, at)).await
    }
}

fn notify(db: &Connection, new: NewNotification) -> Result<Notified, Failure> {
    let known: Option<i64> = db
        .prepare_cached("SELECT seq FROM notification_keys WHERE user_id = ?1 AND key = ?2")?
        .query_row((new.user.as_str(), &new.key), |row| row.get(0))
        .optional()?;
    if let Some(seq) = known {
        return Ok(numbered(db, &new.user, seq)?.map_or(Notified::Forgotten, Notified::Known));
    }
    let NewNotification { id, user, key, about, at } = new;
    let notification = Notification { id, seq: head(db, &user)? + 1, user, about, at, read_at: None };
    insert(db, &notification)?;
    let (user, seq) = (notification.user.as_str(), notification.seq);
    db.prepare_cached("INSERT INTO notification_keys (user_id, key, seq, stored_at_ns) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        user,
        key,
        signed(seq),
        to_ns(SystemTime::now())
    ])?;
    db.prepare_cached("DELETE FROM notifications WHERE user_id = ?1 AND seq <= ?2")?
        .execute((user, signed(seq.saturating_sub(INBOX_MAX))))?;
    Ok(Notified::New(notification))
}

fn insert(db: &Connection, notification: &Notification) -> Result<(), Failure> {
    db.prepare_cached(&format!("INSERT INTO notifications ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"))?.execute(params![
        notification.id.as_str(),
        notification.user.as_str(),
        signed(notification.seq),
        about::write(&notification.about),
        to_ns(notification.at),
        notification.read_at.map(to_ns)
    ])?;
    Ok(())
}

/// Keeps a notification as another store had it, unless it is kept already: the next one of its user, or the first that is still kept.
pub(super) fn put(db: &Connection, notification: &Notification) -> Result<(), Failure> {
    if numbered(db, &notification.user, signed(notification.seq))?.is_some() {
        return Ok(());
    }
    let head = head(db, &notification.user)?;
    if notification.seq == 0 || head > 0 && notification.seq != head + 1 {
        return Err(Failure::Unreadable("notifications.seq"));
    }
    insert(db, notification)
}

/// Keeps a key as another store had it, unless it is kept already.
pub(super) fn put_key(db: &Connection, user: &UserId, key: &str, seq: u64, stored_at: SystemTime) -> Result<(), Failure> {
    if !(1..=head(db, user)?).contains(&seq) {
        return Err(Failure::Unreadable("notification_keys.seq"));
    }
    db.prepare_cached("INSERT OR IGNORE INTO notification_keys (user_id, key, seq, stored_at_ns) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![user.as_str(), key, signed(seq), to_ns(stored_at)])?;
    Ok(())
}

fn find(db: &Connection, user: &UserId, id: &NotificationId) -> Result<Option<Notification>, Failure> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM notifications WHERE user_id = ?1 AND id = ?2"))?
        .query_row((user.as_str(), id.as_str()), |row| Ok(read(row)))
        .optional()?
        .transpose()
}

fn numbered(db: &Connection, user: &UserId, seq: i64) -> Result<Option<Notification>, Failure> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM notifications WHERE user_id = ?1 AND seq = ?2"))?
        .query_row((user.as_str(), seq), |row| Ok(read(row)))
        .optional()?
        .transpose()
}

fn page(db: &Connection, user: &UserId, seek: Seek, limit: u32) -> Result<Inbox, Failure> {
    let (first, head): (i64, i64) = db
        .prepare_cached("SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) FROM notifications WHERE user_id = ?1")?
        .query_row([user.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (first, head, limit) = (number(first)?, number(head)?, u64::from(limit));
    // Numbers have no gap between the oldest and the newest that are kept. Half-open, as the pages of messages.
    let range = match seek {
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
    let notifications = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM notifications WHERE user_id = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq"))?
        .query_map(params![user.as_str(), signed(range.start), signed(range.end)], |row| Ok(read(row)))?
        .map(|row| row?)
        .collect::<Result<Vec<Notification>, Failure>>()?;
    Ok(Inbox { notifications, more: range.start > first, newer: range.end <= head, head })
}

fn mark_read(db: &Connection, user: &UserId, reading: &Reading, at: SystemTime) -> Result<bool, Failure> {
    match reading {
        Reading::UpTo(seq) => {
            db.prepare_cached("UPDATE notifications SET read_at_ns = ?3 WHERE user_id = ?1 AND seq <= ?2 AND read_at_ns IS NULL")?
                .execute(params![user.as_str(), signed(*seq), to_ns(at)])?;
        }
        Reading::Ids(ids) => {
            for id in ids {
                if find(db, user, id)?.is_none() {
                    return Ok(false);
                }
            }
            let mut mark =
                db.prepare_cached("UPDATE notifications SET read_at_ns = ?3 WHERE user_id = ?1 AND id = ?2 AND read_at_ns IS NULL")?;
            for id in ids {
                mark.execute(params![user.as_str(), id.as_str(), to_ns(at)])?;
            }
        }
    }
    Ok(true)
}

fn unread_count(db: &Connection, user: &UserId) -> Result<u64, Failure> {
    let unread = db
        .prepare_cached("SELECT count(*) FROM notifications WHERE user_id = ?1 AND read_at_ns IS NULL")?
        .query_row([user.as_str()], |row| row.get(0))?;
    number(unread)
}

fn answer_invitation(
    db: &Connection,
    user: &UserId,
    id: &NotificationId,
    answer: Invitation,
    at: SystemTime,
) -> Result<Option<Notification>, Failure> {
    let Some(mut notification) = find(db, user, id)? else { return Ok(None) };
    let About::ServerInvite { state, .. } = &mut notification.about else { return Ok(None) };
    if *state != Invitation::Open {
        return Ok(None);
    }
    *state = answer;
    notification.read_at.get_or_insert(at);
    db.prepare_cached("UPDATE notifications SET about = ?3, read_at_ns = ?4 WHERE user_id = ?1 AND id = ?2")?.execute(params![
        user.as_str(),
        id.as_str(),
        about::write(&notification.about),
        notification.read_at.map(to_ns)
    ])?;
    Ok(Some(notification))
}

/// 0 where there was none yet.
fn head(db: &Connection, user: &UserId) -> Result<u64, Failure> {
    let head = db
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM notifications WHERE user_id = ?1")?
        .query_row([user.as_str()], |row| row.get(0))?;
    number(head)
}

pub(super) fn read(row: &Row<'_>) -> Result<Notification, Failure> {
    Ok(Notification {
        id: NotificationId::new(row.get::<_, String>(0)?),
        user: UserId::new(row.get::<_, String>(1)?),
        seq: number(row.get(2)?)?,
        about: about::read(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?).ok_or(Failure::Unreadable("notifications.about"))?,
        at: from_ns(row.get(4)?),
        read_at: row.get::<_, Option<i64>>(5)?.map(from_ns),
    })
}

pub(super) fn number(value: i64) -> Result<u64, Failure> {
    u64::try_from(value).map_err(|_| Failure::Unreadable("notifications.seq"))
}

/// What is beyond the largest number is beyond every notification too.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
