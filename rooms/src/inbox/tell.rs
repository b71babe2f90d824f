//! Keeps what happens in inboxes, then tells their users' sessions and streams.
//!
//! Invariant: nobody is told of a notification before it is durable.

use crate::registry::Node;
use crate::store::{About, Invitation, NewNotification, Notification, Notified, Reading};
use crate::{Event, Result, UserId};

impl Node {
    /// Keeps a notification, and tells its user unless an earlier call did.
    ///
    /// # Errors
    /// `Unavailable`: it may be kept or not.
    pub(crate) async fn notify(&self, new: NewNotification) -> Result<Notified> {
        let notified = self.store.notify(new).await?;
        match &notified {
            Notified::New(notification) => self.tell_new(notification).await,
            Notified::Known(_) | Notified::Forgotten => {}
        }
        Ok(notified)
    }

    async fn tell_new(&self, notification: &Notification) {
        let user = &notification.user;
        if !self.listeners.is_there(user) {
            return;
        }
        self.listeners.wake(user);
        if let Some(unread) = self.unread_of(user).await {
            self.listeners.tell(user, Event::NotificationNew { notification: Box::new(notification.clone()), unread });
            if let About::ServerInvite { state: Invitation::Open, .. } = notification.about {
                self.listeners.tell(user, Event::InviteReceived { notification: Box::new(notification.clone()) });
            }
        }
    }

    /// A notification is another now.
    pub(crate) async fn tell_updated(&self, notification: Notification) {
        let user = notification.user.clone();
        if let Some(unread) = self.unread_of(&user).await {
            self.listeners.tell(&user, Event::NotificationUpdated { notification: Box::new(notification), unread });
        }
    }

    /// Some of a user's notifications are read now; `unread` are not.
    pub(crate) fn tell_read(&self, user: &UserId, reading: Reading, unread: u64) {
        self.listeners.tell(user, Event::NotificationRead { reading, unread });
    }

    /// Whoever isn't told because the store fails right now learns it from the next one, or from its list.
    async fn unread_of(&self, user: &UserId) -> Option<u64> {
        let unread = self.store.unread_count(user).await;
        if let Err(error) = &unread {
            tracing::warn!(%error, "a user isn't told of its inbox");
        }
        unread.ok()
    }
}
