//! Inboxes: what their owners ask of them, and what backends put in.
//!
//! Invariant: everything asked of an inbox carries its [`Owner`], so nothing here can reach another's.

use super::{Hub, wall_clock};
use crate::inbox::{BackendNotice, InboxPage, KEY_USED, Owner, Watch};
use crate::limits;
use crate::session::SessionHandle;
use crate::store::{About, NewNotification, Notification, Notified, Reading, ScheduleRecord, Seek};
use crate::{Error, NotificationId, Result};
use std::time::SystemTime;
use tokio::task::JoinSet;

/// Members of a server up to which a due entry of its calendar goes into the inbox of each: a row for each of more would cost too much. Those
/// who are connected are told in any case.
const REMINDED_MEMBERS_MAX: usize = 100;

impl Hub {
    /// From now on, until [`Hub::session_ended`], the session is told of its user's inbox. A session of a room token has none.
    pub fn session_began(&self, session: &SessionHandle) {
        self.node.listeners.began(session);
    }

    /// A page of an inbox, oldest first; `limit` 1–100.
    ///
    /// # Errors
    /// `Invalid` for the limit, `Unavailable`.
    pub async fn notifications(&self, owner: &Owner, seek: Seek, limit: u32) -> Result<InboxPage> {
        self.node.check_running()?;
        limits::history_limit(limit)?;
        let inbox = self.node.store.notifications(owner.id(), seek, limit).await?;
        let unread = self.node.store.unread_count(owner.id()).await?;
        Ok(InboxPage { inbox, unread })
    }

    /// Marks notifications as read, and tells all sessions of the owner. Returns how many are unread then.
    ///
    /// # Errors
    /// `NotFound`, and nothing is read, when one of the ids is none of the owner's; `Invalid` for more than 100 ids; `Unavailable`.
    pub async fn read_notifications(&self, owner: &Owner, reading: Reading) -> Result<u64> {
        self.node.check_running()?;
        if let Reading::Ids(ids) = &reading {
            limits::count("ids", ids.len(), limits::READ_IDS_MAX)?;
        }
        if !self.node.store.read_notifications(owner.id(), &reading, wall_clock()).await? {
            return Err(Error::NotFound("notification"));
        }
        let unread = self.node.store.unread_count(owner.id()).await?;
        self.node.tell_read(owner.id(), reading, unread);
        Ok(unread)
    }

    /// Wakes its holder whenever there may be something new in the inbox.
    ///
    /// # Errors
    /// `RateLimited` for too many of one owner at a time; `Unavailable`.
    pub fn watch_inbox(&self, owner: &Owner) -> Result<Watch> {
        self.node.check_running()?;
        self.node.listeners.watch(owner.id())
    }

    /// Puts into a user's inbox what a backend says. The same key of one backend keeps one notification for a user; it is returned again.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge` for values out of bounds; `Conflict` for a key that stood for something else, or for a notification that was
    /// forgotten since; `Unavailable`.
    pub async fn notify_as_backend(&self, notice: BackendNotice) -> Result<Notification> {
        self.node.check_running()?;
        let BackendNotice { backend, user, notice, key } = notice;
        limits::user_id("user", &user)?;
        limits::notice(&notice)?;
        if let Some(key) = &key {
            limits::key(key)?;
        }
        let key = key.unwrap_or_else(|| crate::random_id("once"));
        let (key, about) = (format!("backend:{backend}:{key}"), About::Backend(notice));
        let new = NewNotification { id: fresh_id(), user, key, about: about.clone(), at: wall_clock() };
        match self.node.notify(new).await? {
            Notified::New(notification) => Ok(notification),
            Notified::Known(notification) if notification.about == about => Ok(notification),
            Notified::Known(_) => Err(Error::Conflict(KEY_USED)),
            Notified::Forgotten => Err(Error::Conflict("the notification that was made with this key was forgotten for newer ones")),
        }
    }

    /// Puts a due entry of a calendar into the inboxes of its server's members. Once for each, however often it is called.
    pub(super) async fn remind_members(&self, schedule: &ScheduleRecord) -> Result<()> {
        let members = self.node.store.members(&schedule.server).await?;
        if members.len() > REMINDED_MEMBERS_MAX {
            return Ok(());
        }
        let due = schedule.remind_at.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
        let mut notifying = JoinSet::new();
        for member in members {
            let ScheduleRecord { id, server, title, starts_at, .. } = schedule.clone();
            let key = format!("schedule:{id}:{}", due.as_millis());
            let about = About::Schedule { server, schedule: id, title, starts_at };
            let new = NewNotification { id: fresh_id(), user: member.user.id, key, about, at: wall_clock() };
            let node = self.node.clone();
            notifying.spawn(async move { node.notify(new).await });
        }
        notifying.join_all().await.into_iter().try_for_each(|notified| notified.map(drop))
    }
}

pub(super) fn fresh_id() -> NotificationId {
    NotificationId::new(crate::random_id("ntf"))
}
