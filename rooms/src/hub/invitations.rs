//! Invitations to people: by their user ids into their inboxes, and by mail.
//!
//! An invitation by link is `community`'s. Invariant: whoever invites may know of what it invites to, and whoever is invited decides.

use super::community::person;
use super::inbox::fresh_id;
use super::{Hub, wall_clock};
use crate::community::{Asked, By, NewInvite, PostAct, Request, ServerView};
use crate::inbox::{Answer, Owner};
use crate::limits::{self, ChatRate, TokenBucket};
use crate::mail::{MailError, MailInvitation, Mailer};
use crate::permission;
use crate::session::SessionHandle;
use crate::store::{About, Entered, Entry, Invitation, InviteRecord, Listing, NewNotification, Notification, Notified};
use crate::view::User;
use crate::{Error, NotificationId, Result, RoomId, ServerId, UserId};
use dashmap::DashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long an invitation to a user can be answered.
const INVITATION_TTL: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long an invitation by mail is good.
const MAIL_TTL: Duration = Duration::from_secs(7 * 24 * 3600);
/// Mails of one user: ten at once, then one in six minutes. More would be of use to nobody but a sender of unwanted mail.
const MAIL_RATE: ChatRate = ChatRate { interval: Duration::from_secs(360), burst: 10 };
/// Mails of this process: users cost nothing where guests are let in.
const MAILS_RATE: ChatRate = ChatRate { interval: Duration::from_secs(5), burst: 200 };
/// Users whose mails are counted. Beyond it, those who may send again are forgotten.
const MAIL_SENDERS: usize = 10_000;

/// Who sends mail, and who sent how many.
#[derive(Default)]
pub(super) struct Post {
    mailer: OnceLock<Arc<dyn Mailer>>,
    /// By user, and under no user those of all.
    buckets: DashMap<Option<UserId>, TokenBucket>,
}

impl Post {
    /// # Errors
    /// `RateLimited`.
    fn count(&self, user: &UserId, now: Instant) -> Result<()> {
        if self.buckets.len() > MAIL_SENDERS {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        let take = |whose, rate| self.buckets.entry(whose).or_insert_with(|| TokenBucket::new(now)).take(rate, now);
        take(Some(user.clone()), MAIL_RATE)?;
        take(None, MAILS_RATE)
    }
}

impl Hub {
    /// From now on invitations by mail are sent by `mailer`. The first one stays.
    pub fn send_mail_by(&self, mailer: Arc<dyn Mailer>) {
        drop(self.post.mailer.set(mailer));
    }

    /// Invites a user into a server. Once in 24 h for each server and user, whoever invites: a further one finds the first.
    ///
    /// # Errors
    /// `NotFound` for a server that the session's user is no member of; `Forbidden` for who may not invite, and for somebody who is banned;
    /// `Conflict` for a member, and for somebody who answered an invitation of these days; `Invalid` for the id; `RateLimited`, `Unavailable`.
    pub async fn invite_user(&self, session: &SessionHandle, server: &ServerId, user: &UserId) -> Result<Notification> {
        let by = person(session)?.clone();
        limits::user_id("user", user)?;
        let handle = self.node.server(server).await?;
        let asking = By::User(by.clone());
        handle.call(|reply| Request::May { by: asking, what: Asked::Invite, reply }).await?;
        self.count_message(&session.id)?;
        if handle.call(|reply| Request::View { user: user.clone(), reply }).await.is_ok() {
            return Err(Error::Conflict("that user is a member already"));
        }
        if self.node.store.bans(server).await?.iter().any(|ban| ban.user.id == *user) {
            return Err(Error::Forbidden("that user is banned from this server"));
        }
        let name = self.node.store.server(server).await?.ok_or(Error::NotFound("server"))?.server.name;
        let about = About::ServerInvite { server: server.clone(), name, by, state: Invitation::Open };
        let key = format!("invite:{server}");
        let new = NewNotification { id: fresh_id(), user: user.clone(), key, about, at: wall_clock() };
        match self.node.notify(new).await? {
            Notified::New(notification) => Ok(notification),
            Notified::Known(notification) if state(&notification) == Some(Invitation::Open) => Ok(notification),
            Notified::Known(_) | Notified::Forgotten => {
                Err(Error::Conflict("that user was invited within the last day already, and has answered or overlooked it"))
            }
        }
    }

    /// Answers an invitation of the session's user: by accepting it the user becomes a member, and the session is told what happens in the server.
    /// Returns the server then.
    ///
    /// # Errors
    /// `NotFound` for what is no invitation of this user's, is older than 30 days, or leads to a deleted server; `Conflict` for one that was
    /// answered otherwise, and for who is in 200 servers; `Forbidden` for who is banned; `Unavailable`.
    pub async fn answer_invitation(&self, session: &SessionHandle, id: &NotificationId, answer: Answer) -> Result<Option<ServerView>> {
        let owner = Owner::of(&session.user, &session.grants)?;
        let found = self.node.store.notification(owner.id(), id).await?.ok_or(Error::NotFound("invitation"))?;
        let About::ServerInvite { server, state, .. } = found.about else { return Err(Error::NotFound("invitation")) };
        match (state, answer) {
            (Invitation::Open, _) => {}
            (Invitation::Declined, Answer::Decline) => return Ok(None),
            (Invitation::Accepted, Answer::Accept) => return self.accepted_before(session, &server).await.map(Some),
            (Invitation::Accepted, Answer::Decline) | (Invitation::Declined, Answer::Accept) => {
                return Err(Error::Conflict("this invitation is answered already"));
            }
        }
        if wall_clock().duration_since(found.at).unwrap_or_default() > INVITATION_TTL {
            return Err(Error::NotFound("invitation any more: it has expired"));
        }
        let (entered, state) = match answer {
            Answer::Accept => (Some(self.accept(session, &server).await?), Invitation::Accepted),
            Answer::Decline => (None, Invitation::Declined),
        };
        if let Some(updated) = self.node.store.answer_invitation(owner.id(), id, state, wall_clock()).await? {
            self.node.tell_updated(updated).await;
        }
        Ok(entered)
    }

    /// A retry of who came in by the invitation. Whoever left since needs another one.
    async fn accepted_before(&self, session: &SessionHandle, server: &ServerId) -> Result<ServerView> {
        let user = person(session)?.clone();
        let gone = Error::Conflict("this invitation is answered already");
        let server =
            self.node.server(server).await.map_err(|error| if matches!(error, Error::NotFound(_)) { gone.clone() } else { error })?;
        match server.call(|reply| Request::View { user: user.id.clone(), reply }).await {
            Ok(_) => self.come_in(&server, &user, session).await,
            Err(Error::NotFound(_)) => Err(gone),
            Err(error) => Err(error),
        }
    }

    async fn accept(&self, session: &SessionHandle, server: &ServerId) -> Result<ServerView> {
        let user = person(session)?;
        let no_invitation = |error| if error == Error::NotFound("server") { Error::NotFound("invitation") } else { error };
        let server = self.node.server(server).await.map_err(no_invitation)?;
        self.check_server_count(&user.id).await?;
        match self.enter(&server, user, Entry::Granted, None).await? {
            Entered::Joined | Entered::Already(_) => self.come_in(&server, user, session).await,
            Entered::Banned => Err(Error::Forbidden("you are banned from this server")),
            Entered::Expired | Entered::UsedUp | Entered::Unknown | Entered::Gone => Err(Error::NotFound("invitation")),
        }
    }

    /// Sends an invitation into a server to an address: a link that is good once, for seven days.
    ///
    /// # Errors
    /// `Conflict` where no mail server is configured; `NotFound` and `Forbidden` as [`Hub::create_invite`]; `Invalid` for the address;
    /// `RateLimited` after ten mails of a user, or too many of all; `Unavailable` when the mail can't be sent, and the link is revoked then.
    pub async fn invite_by_mail(&self, session: &SessionHandle, server: &ServerId, address: &str) -> Result<InviteRecord> {
        let by = person(session)?.clone();
        let mailer = self.post.mailer.get().ok_or(Error::Conflict("mail is not configured"))?;
        let address = limits::mail_address(address)?;
        let asking = By::User(by.clone());
        self.node.server(server).await?.call(|reply| Request::May { by: asking, what: Asked::Invite, reply }).await?;
        self.post.count(&by.id, tokio::time::Instant::now().into_std())?;
        let new = NewInvite { role: None, ttl: Some(MAIL_TTL), max_uses: Some(1) };
        let created = self.create_invite(session, server, new).await?;
        let name = self.node.store.server(server).await?.ok_or(Error::NotFound("server"))?.server.name;
        let expires_at = created.invite.expires_at.unwrap_or_else(|| wall_clock() + MAIL_TTL);
        let mail = MailInvitation { address, server: name, by: by.name, secret: created.secret, expires_at };
        let refusal = match mailer.invite(mail).await {
            Ok(()) => return Ok(created.invite),
            Err(MailError::Address) => limits::invalid("email", "no mail can be sent to this address".to_owned()),
            Err(MailError::Unavailable) => Error::Unavailable("mail can't be sent at the moment"),
        };
        // Nobody has the link: where this fails, it expires by itself.
        let _ = self.node.store.revoke_invite(server, &created.invite.id).await;
        Err(refusal)
    }

    /// Invites a user into a room that the session's user is in or owns. Once in 24 h for each room, user and who invites.
    ///
    /// # Errors
    /// `NotFound` for a room that the session's user isn't in and doesn't own, and for somebody who may not know of the room; `Conflict` for
    /// oneself; `Invalid` for the id; `RateLimited`, `Unavailable`.
    pub async fn invite_to_room(&self, session: &SessionHandle, room: &RoomId, user: &UserId) -> Result<()> {
        limits::user_id("user", user)?;
        permission::may_join(&session.grants, room)?;
        let found = self.node.find(room).await?;
        let record = found.record();
        let is_in = self.node.sessions.seat(&session.id).as_ref() == Some(room);
        if !is_in && record.owner.id != session.user.id {
            return Err(Error::NotFound("room"));
        }
        if *user == session.user.id {
            return Err(Error::Conflict("that is yourself"));
        }
        self.count_message(&session.id)?;
        if record.listing == Listing::Channel {
            // Whoever may not connect to the channel has no use for its room.
            let by = By::User(User { id: user.clone(), name: String::new() });
            let channel = record.channel.clone();
            let server = self.node.server_of(&channel).await?;
            let may = server.call(|reply| Request::Post { by, channel, act: PostAct::Connect, reply }).await;
            may.map_err(|error| if matches!(error, Error::Unavailable(_)) { error } else { Error::NotFound("user") })?;
        }
        let by = session.user.clone();
        let key = format!("room:{room}:{}", by.id);
        let about = About::RoomInvite { room: room.clone(), name: record.name.clone(), by };
        let new = NewNotification { id: fresh_id(), user: user.clone(), key, about, at: wall_clock() };
        self.node.notify(new).await.map(drop)
    }
}

fn state(notification: &Notification) -> Option<Invitation> {
    if let About::ServerInvite { state, .. } = &notification.about { Some(*state) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_sends_ten_mails_at_once_and_then_one_in_six_minutes() {
        let (post, now) = (Post::default(), Instant::now());
        let (ana, bo) = (UserId::new("ana"), UserId::new("bo"));
        assert!((0..10).all(|_| post.count(&ana, now).is_ok()));
        assert!(matches!(post.count(&ana, now), Err(Error::RateLimited { .. })));
        assert!(post.count(&bo, now).is_ok(), "another's are another's");
        assert!(post.count(&ana, now + Duration::from_secs(360)).is_ok());
    }

    #[test]
    fn many_users_together_send_no_more_than_the_node_may() {
        let (post, now) = (Post::default(), Instant::now());
        let sent = (0..1_000).filter(|n| post.count(&UserId::new(format!("guest_{n}")), now).is_ok()).count();
        assert_eq!(sent, 200);
    }
}
