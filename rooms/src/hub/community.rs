//! Servers: finds the task or the store that a request is for, and lets sessions listen, however they and their users come and go meanwhile.
//!
//! It decides nothing that `community` can decide. A `room` token opens one room and no server: for its session there are none.

use super::chat::Place;
use super::{Hub, wall_clock};
use crate::chat::ChannelQueue;
use crate::community::{
    Asked, By, Command, Contact, CreateServer, Entering, Fetched, Idle, MemberView, Order, Post, PostAct, Presence, Request, ServerHandle,
    ServerView, Write, default_tree, digest,
};
use crate::config::UnreadReaders;
use crate::limits;
use crate::session::{Grants, SessionHandle};
use crate::store::{
    BanRecord, CategoryRecord, ChannelRecord, Entered, Entry, InviteRecord, MemberRecord, Membership, Nonce, RoleRecord, ScheduleRecord,
    ServerRecord, Status, TreeChange, UserRecord,
};
use crate::view::{Unread, User};
use crate::{ChannelId, Error, Event, Loss, Result, ServerId, SessionId, UserId};
use std::collections::HashMap;
use std::ops::Range;
use std::time::SystemTime;

/// A fresh invitation by link.
#[derive(Debug, Clone)]
pub struct CreatedInvite {
    /// 130 random bits, not kept.
    pub secret: String,
    pub invite: InviteRecord,
}

/// What an invitation leads to, for who isn't in yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitePreview {
    pub server: ServerRecord,
    pub members: usize,
    pub invited_by: Option<String>,
    pub expires_at: Option<SystemTime>,
}

/// A channel with the way to its messages.
pub(super) struct ServerPost {
    pub(super) server: ServerId,
    pub(super) post: Post,
    pub(super) queue: ChannelQueue,
}

/// What a command has done.
#[derive(Debug, Clone, PartialEq)]
pub struct Done(Write);

impl Done {
    /// The server as it is now, if that was changed.
    pub fn server(&self) -> Option<&ServerRecord> {
        self.tree().find_map(|change| if let TreeChange::Server(server) = change { Some(server) } else { None })
    }

    /// The channel that was made or changed.
    pub fn channel(&self) -> Option<&ChannelRecord> {
        self.tree().find_map(|change| if let TreeChange::PutChannel(channel) = change { Some(channel) } else { None })
    }

    /// The category that was made or changed.
    pub fn category(&self) -> Option<&CategoryRecord> {
        self.tree().find_map(|change| if let TreeChange::PutCategory(category) = change { Some(category) } else { None })
    }

    /// The role that was made or changed.
    pub fn role(&self) -> Option<&RoleRecord> {
        self.tree().find_map(|change| if let TreeChange::PutRole(role) = change { Some(role) } else { None })
    }

    /// The member that was changed.
    pub fn member(&self) -> Option<&MemberRecord> {
        if let Write::Member(member) = &self.0 { Some(member) } else { None }
    }

    /// The calendar's entry that was made or changed.
    pub fn schedule(&self) -> Option<&ScheduleRecord> {
        if let Write::Schedule(schedule) = &self.0 { Some(schedule) } else { None }
    }

    fn tree(&self) -> impl Iterator<Item = &TreeChange> {
        let changes = if let Write::Tree(changes) | Write::Grant { changes, .. } = &self.0 { &changes[..] } else { &[] };
        changes.iter()
    }
}

impl Hub {
    /// Makes a server with default roles, categories and channels, owned by the session's user. The same user and nonce twice return the same
    /// server.
    ///
    /// # Errors
    /// `Invalid` for a name, image or nonce out of bounds; `Conflict` for who is in 200 servers; `Unavailable`.
    pub async fn create_server(&self, session: &SessionHandle, request: CreateServer) -> Result<ServerView> {
        let user = person(session)?;
        self.node.check_running()?;
        limits::nonce(&request.nonce)?;
        let name = limits::name("name", &request.name)?;
        request.image_url.as_deref().map(limits::image_url).transpose()?;
        self.check_server_count(&user.id).await?;
        let id = server_id(&user.id, &request.nonce);
        let at = wall_clock();
        let (tree, member) = default_tree(id.clone(), name, request.image_url, user, &request.defaults, at)?;
        if self.node.store.create_server(tree, vec![member]).await? {
            tracing::info!(server = %id, "server created");
        }
        let server = self.node.server(&id).await?;
        self.come_in(&server, user, session).await
    }

    /// The servers of the session's user, oldest membership first. From now on the session is told what happens in them.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn servers(&self, session: &SessionHandle) -> Result<Vec<ServerView>> {
        let user = person(session)?;
        self.node.communities.attends(session);
        let known = self.user_record(user).await?;
        let mut views = vec![];
        for membership in self.node.store.memberships(&user.id).await? {
            match self.listen(&membership.server, session, &known).await {
                Ok(view) => views.push(view),
                // It was deleted, or the user was put out, between the two.
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(views)
    }

    /// Does what a command says, and returns when that is durable and told.
    ///
    /// # Errors
    /// `NotFound` for a server that the session's user is no member of, `Forbidden` and the rest as the command's own.
    pub async fn command(&self, session: &SessionHandle, server: &ServerId, command: Command) -> Result<Done> {
        let by = By::User(person(session)?.clone());
        self.order(server, by, command, [0; 32]).await
    }

    /// As [`Hub::command`], for a backend with an API key.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Conflict`, `Unavailable`.
    pub async fn command_as_backend(&self, server: &ServerId, command: Command) -> Result<Done> {
        self.order(server, By::Backend, command, [0; 32]).await
    }

    /// The members of a server with their presence, in the order of joining.
    ///
    /// # Errors
    /// `NotFound` for a server that the session's user is no member of; `Unavailable`.
    pub async fn members(&self, session: &SessionHandle, server: &ServerId) -> Result<Vec<MemberView>> {
        let by = By::User(person(session)?.clone());
        let mut members = self.node.server(server).await?.call(|reply| Request::Members { by, reply }).await?;
        members.sort_by(|a, b| (a.record.joined_at, &a.record.user.id).cmp(&(b.record.joined_at, &b.record.user.id)));
        // Who wasn't there since the server was opened is known to the store alone.
        let unknown = members.iter().filter(|member| member.presence == Presence::Offline && member.last_seen.is_none());
        let ids: Vec<UserId> = unknown.map(|member| member.record.user.id.clone()).collect();
        let seen: HashMap<UserId, Option<SystemTime>> =
            self.node.store.users(&ids).await?.into_iter().map(|user| (user.user.id, user.last_seen)).collect();
        for member in members.iter_mut().filter(|member| member.last_seen.is_none()) {
            member.last_seen = seen.get(&member.record.user.id).copied().flatten();
        }
        Ok(members)
    }

    /// Who is banned from a server, oldest first.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Unavailable`.
    pub async fn bans(&self, session: &SessionHandle, server: &ServerId) -> Result<Vec<BanRecord>> {
        self.check(session, server, Asked::SeeBans).await?;
        Ok(self.node.store.bans(server).await?)
    }

    /// Makes an invitation by link; the returned secret (130 bits) is not kept.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Invalid` for a life out of 1 min – 365 days or uses out of 1 – 10,000; `Unavailable`.
    pub async fn create_invite(
        &self,
        session: &SessionHandle,
        server: &ServerId,
        new: crate::community::NewInvite,
    ) -> Result<CreatedInvite> {
        let by = By::User(person(session)?.clone());
        let secret = crate::random_id("invite");
        match self.order(server, by, Command::CreateInvite(new), digest(secret.as_bytes())).await?.0 {
            Write::Invite(invite) => Ok(CreatedInvite { secret, invite }),
            other => Err(unexpected(&other)),
        }
    }

    /// A server's invitations that aren't revoked, newest first.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Unavailable`.
    pub async fn invites(&self, session: &SessionHandle, server: &ServerId) -> Result<Vec<InviteRecord>> {
        self.check(session, server, Asked::SeeInvites).await?;
        Ok(self.node.store.invites(server).await?)
    }

    /// What an invitation leads to. It isn't used by that.
    ///
    /// # Errors
    /// `NotFound` for an unknown, revoked, expired or used-up one; the text says which.
    pub async fn preview_invite(&self, secret: &str) -> Result<InvitePreview> {
        self.node.check_running()?;
        let invite = self.node.store.invite(&digest(secret.as_bytes())).await?.filter(|invite| !invite.revoked);
        let invite = invite.ok_or(Error::NotFound("invitation"))?;
        if invite.expires_at.is_some_and(|expires_at| expires_at <= wall_clock()) {
            return Err(Error::NotFound("invitation any more: it has expired"));
        }
        if invite.max_uses.is_some_and(|max| invite.uses >= max) {
            return Err(Error::NotFound("invitation any more: it is used up"));
        }
        let tree = self.node.store.server(&invite.server).await?.ok_or(Error::NotFound("invitation"))?;
        let members = self.node.store.members(&invite.server).await?.len();
        let invited_by = invite.created_by.map(|user| user.name);
        Ok(InvitePreview { server: tree.server, members, invited_by, expires_at: invite.expires_at })
    }

    /// Uses an invitation once: the session's user is a member from now on, and the session is told what happens in the server. For who is a
    /// member already it isn't used.
    ///
    /// # Errors
    /// `NotFound` as [`Hub::preview_invite`]; `Forbidden` for who is banned; `Conflict` for who is in 200 servers; `Unavailable`.
    pub async fn accept_invite(&self, session: &SessionHandle, secret: &str) -> Result<ServerView> {
        let user = person(session)?;
        self.check_server_count(&user.id).await?;
        let secret_hash = digest(secret.as_bytes());
        let invite = self.node.store.invite(&secret_hash).await?.ok_or(Error::NotFound("invitation"))?;
        let server = self
            .node
            .server(&invite.server)
            .await
            .map_err(|error| if error == Error::NotFound("server") { Error::NotFound("invitation") } else { error })?;
        let entry = Entry::Invite { secret_hash, now: wall_clock() };
        match self.enter(&server, user, entry, Some(invite.role)).await? {
            Entered::Joined | Entered::Already(_) => self.come_in(&server, user, session).await,
            Entered::Banned => Err(Error::Forbidden("you are banned from this server")),
            Entered::Expired => Err(Error::NotFound("invitation any more: it has expired")),
            Entered::UsedUp => Err(Error::NotFound("invitation any more: it is used up")),
            Entered::Unknown | Entered::Gone => Err(Error::NotFound("invitation")),
        }
    }

    /// The entries of a server's calendar that begin in this time, earliest first.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a time that ends before it begins; `Unavailable`.
    pub async fn schedules(&self, session: &SessionHandle, server: &ServerId, range: Range<SystemTime>) -> Result<Vec<ScheduleRecord>> {
        if range.end < range.start {
            return Err(limits::invalid("to", "is before from".to_owned()));
        }
        self.check(session, server, Asked::Membership).await?;
        let mut schedules = self.node.store.schedules(server, range).await?;
        schedules.truncate(limits::SCHEDULES_MAX);
        Ok(schedules)
    }

    /// Tells the members of every server of what is due in their calendars; in servers of up to 100 members it is in their inboxes too. To be
    /// called every few seconds, by any number of nodes.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn remind(&self) -> Result<()> {
        /// Reminders of one call; further ones are due at the next.
        const REMINDERS: u32 = 100;
        for schedule in self.node.store.due_schedules(wall_clock(), REMINDERS).await? {
            // Before it is taken: whoever fails in between does it again, and nobody is notified twice.
            self.remind_members(&schedule).await?;
            if self.node.store.take_reminder(&schedule).await?
                && let Some(server) = self.node.communities.live(&schedule.server)
            {
                server.tell(Request::Tell(Event::ScheduleDue { schedule: Box::new(schedule) })).await;
            }
        }
        Ok(())
    }

    /// A server's channel, as the session may use it.
    ///
    /// # Errors
    /// `NotFound` for one that isn't there or that the user doesn't read; `Unavailable`.
    pub(super) async fn place_in_server(&self, session: &SessionHandle, channel: &ChannelId) -> Result<Place> {
        let by = By::User(person(session).map_err(|_| Error::NotFound("channel"))?.clone());
        let server = self.node.server_of(channel).await?;
        let (post, queue) = server.call(|reply| Request::Post { by, channel: channel.clone(), act: PostAct::Chat, reply }).await?;
        let text_max_chars = self.node.config.text_max_chars_of(session.plan.as_deref());
        let (rights, slow_mode) = (post.rights, post.channel.slow_mode);
        Ok(Place { channel: channel.clone(), queue, rights, text_max_chars, roles: post.roles, slow_mode })
    }

    /// The user has read a channel up to `seq`; all its sessions are told.
    ///
    /// # Errors
    /// `NotFound` for a channel that the user doesn't read; `Unavailable`.
    pub async fn mark_read(&self, session: &SessionHandle, channel: &ChannelId, seq: u64) -> Result<Unread> {
        let (server, membership) = self.membership(session, channel).await?;
        self.node.store.mark_read(&session.user.id, channel, seq).await?;
        self.tell_unread(session, &server, membership).await
    }

    /// The user hasn't read `seq` and what follows; all its sessions are told.
    ///
    /// # Errors
    /// As [`Hub::mark_read`].
    pub async fn mark_unread(&self, session: &SessionHandle, channel: &ChannelId, seq: u64) -> Result<Unread> {
        let (server, membership) = self.membership(session, channel).await?;
        self.node.store.mark_unread(&session.user.id, channel, seq).await?;
        self.tell_unread(session, &server, membership).await
    }

    /// The session is told how far the readers of a channel have read, and then how that changes; of one channel of a server at a time.
    ///
    /// # Errors
    /// `NotFound` for a channel that the user doesn't read; `Conflict` for one with more than 1,000 readers and for a session that hasn't asked for
    /// its servers; `Unsupported` where this is switched off; `Unavailable`.
    pub async fn watch_receipts(&self, session: &SessionHandle, channel: &ChannelId) -> Result<()> {
        if self.node.config.unread_readers == UnreadReaders::Hidden {
            return Err(Error::Unsupported("read receipts are switched off"));
        }
        person(session).map_err(|_| Error::NotFound("channel"))?;
        let server = self.node.server_of(channel).await?;
        let session = session.clone();
        server.call(|reply| Request::WatchReceipts { session, channel: channel.clone(), reply }).await
    }

    /// The session is told that no more, if it was.
    pub async fn unwatch_receipts(&self, session: &SessionHandle, channel: &ChannelId) {
        if let Some(server) = self.node.communities.live_of(channel) {
            server.tell(Request::UnwatchReceipts { session: session.id.clone(), channel: channel.clone() }).await;
        }
    }

    /// What the user hasn't read of the channels of a server, in the order of their ids.
    ///
    /// # Errors
    /// `NotFound` for a server that the user is no member of; `Unavailable`.
    pub async fn unread(&self, session: &SessionHandle, server: &ServerId) -> Result<Vec<Unread>> {
        let memberships = self.readable(session, server).await?;
        Ok(self.node.store.unread(&session.user.id, &memberships).await?)
    }

    /// The channels of a server that the session's user reads.
    ///
    /// # Errors
    /// `NotFound` for a server that the user is no member of; `Unavailable`.
    pub(super) async fn readable(&self, session: &SessionHandle, server: &ServerId) -> Result<Vec<Membership>> {
        self.check(session, server, Asked::Membership).await?;
        let user = person(session)?.id.clone();
        self.node.server(server).await?.call(|reply| Request::Memberships { user, reply }).await
    }

    /// How the user wants to be seen, on all its sessions, now and when it comes again.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn set_status(&self, session: &SessionHandle, status: Status) -> Result<()> {
        let user = person(session)?;
        let known = self.user_record(user).await?;
        self.node.store.put_user(UserRecord { status, ..known }).await?;
        for server in self.node.communities.of_user(&user.id) {
            server.tell(Request::Status { user: user.id.clone(), status }).await;
        }
        Ok(())
    }

    /// Whether the session's user touches anything.
    pub async fn set_idle(&self, session: &SessionHandle, is_idle: Idle) {
        self.node.communities.set_contact(&session.id, |contact| contact.idle = is_idle);
        for server in self.node.communities.of_session(&session.id) {
            server.tell(Request::Idle { session: session.id.clone(), user: session.user.id.clone(), is_idle }).await;
        }
    }

    /// The session's connection is lost, or there again.
    pub(super) async fn connection_in_servers(&self, session: &SessionId, loss: Option<Loss>) {
        let Some(user) = self.node.communities.user_of(session) else { return };
        self.node.communities.set_contact(session, |contact| contact.loss = loss);
        for server in self.node.communities.of_session(session) {
            server.tell(Request::Connection { session: session.clone(), user: user.id.clone(), loss }).await;
        }
    }

    /// The session is over.
    pub(super) async fn ended_in_servers(&self, session: &SessionId) {
        let Some((session, servers)) = self.node.communities.ended(session) else { return };
        let at = wall_clock();
        for server in servers {
            server.tell(Request::Unlisten { session: session.id.clone(), user: session.user.id.clone() }).await;
        }
        let seen = async {
            let known = self.user_record(&session.user).await?;
            Ok::<_, Error>(self.node.store.put_user(UserRecord { last_seen: Some(at), ..known }).await?)
        };
        if let Err(error) = seen.await {
            tracing::warn!(session = %session.id, %error, "when a user was seen last could not be kept");
        }
    }

    async fn order(&self, server: &ServerId, by: By, command: Command, secret_hash: [u8; 32]) -> Result<Done> {
        let handle = self.node.server(server).await?;
        let fresh_id = crate::random_id("").trim_start_matches('_').to_owned();
        let order = Order { by, command, at: wall_clock(), fresh_id, secret_hash, fetched: Fetched::default() };
        handle.call(|reply| Request::Order { order: Box::new(order), reply }).await.map(Done)
    }

    pub(super) async fn enter(&self, server: &ServerHandle, user: &User, entry: Entry, role: Option<crate::RoleId>) -> Result<Entered> {
        let entering = Entering { user: user.clone(), entry, role, at: wall_clock() };
        server.call(|reply| Request::Enter { entering: Box::new(entering), reply }).await
    }

    /// The session listens from now on, and so do the user's other sessions that listen to servers.
    pub(super) async fn come_in(&self, server: &ServerHandle, user: &User, session: &SessionHandle) -> Result<ServerView> {
        let known = self.user_record(user).await?;
        let view = self.listen(server.id(), session, &known).await?;
        self.welcome(server, user).await?;
        Ok(view)
    }

    /// The sessions of a new member that listen to servers listen to this one too.
    pub(super) async fn welcome(&self, server: &ServerHandle, user: &User) -> Result<()> {
        let known = self.user_record(user).await?;
        for session in self.node.communities.sessions_of(&user.id) {
            if self.node.communities.listens_too(&session.id, server.id()) {
                match self.attach(server, &session, &known).await {
                    Ok(ServerView { unread, .. }) => server.tell(Request::Introduce { session, unread }).await,
                    // Whoever ended or was put out meanwhile has nothing to learn; anybody else has to come again.
                    Err(Error::NotFound(_)) => {}
                    Err(_) => session.lose(),
                }
            }
        }
        Ok(())
    }

    async fn listen(&self, server: &ServerId, session: &SessionHandle, known: &UserRecord) -> Result<ServerView> {
        let server = self.node.server(server).await?;
        self.node.communities.listens(session, server.id());
        self.attach(&server, session, known).await
    }

    /// Lets a session listen of which that is noted already.
    async fn attach(&self, server: &ServerHandle, session: &SessionHandle, known: &UserRecord) -> Result<ServerView> {
        let (listener, user) = (session.clone(), known.clone());
        let mut contact = self.node.communities.contact(&session.id);
        let listening = server.call(|reply| Request::Listen { session: listener, contact, user, reply }).await;
        // What changed meanwhile may have been told before the server knew of the session.
        while contact != self.node.communities.contact(&session.id) {
            contact = self.node.communities.contact(&session.id);
            let (id, user, Contact { loss, idle }) = (session.id.clone(), session.user.id.clone(), contact);
            server.tell(Request::Connection { session: id.clone(), user: user.clone(), loss }).await;
            server.tell(Request::Idle { session: id, user, is_idle: idle }).await;
        }
        if !session.is_open() {
            self.ended_in_servers(&session.id).await;
        }
        // It may have ended meanwhile, or its user may have been put out: then nobody else takes it back.
        let refused = if self.node.communities.is_listening(&session.id, server.id()) { None } else { Some(Error::NotFound("server")) };
        let mut view = match (listening, refused) {
            (Ok(view), None) => view,
            (Err(error), _) | (Ok(_), Some(error)) => {
                self.node.communities.released(server.id(), std::iter::once(&session.id));
                server.tell(Request::Unlisten { session: session.id.clone(), user: session.user.id.clone() }).await;
                return Err(error);
            }
        };
        let user = session.user.id.clone();
        let memberships = server.call(|reply| Request::Memberships { user, reply }).await?;
        view.unread = self.node.store.unread(&session.user.id, &memberships).await?;
        Ok(view)
    }

    async fn membership(&self, session: &SessionHandle, channel: &ChannelId) -> Result<(ServerHandle, Membership)> {
        let by = By::User(person(session).map_err(|_| Error::NotFound("channel"))?.clone());
        let server = self.node.server_of(channel).await?;
        let (post, _) = server.call(|reply| Request::Post { by, channel: channel.clone(), act: PostAct::Chat, reply }).await?;
        Ok((server, post.membership.ok_or(Error::NotFound("channel"))?))
    }

    async fn tell_unread(&self, session: &SessionHandle, server: &ServerHandle, membership: Membership) -> Result<Unread> {
        let unread = self.node.store.unread(&session.user.id, &[membership]).await?.pop().ok_or(Error::NotFound("channel"))?;
        server.tell(Request::Unread { user: session.user.id.clone(), unread: unread.clone() }).await;
        Ok(unread)
    }

    async fn check(&self, session: &SessionHandle, server: &ServerId, what: Asked) -> Result<()> {
        let by = By::User(person(session)?.clone());
        self.node.server(server).await?.call(|reply| Request::May { by, what, reply }).await
    }

    pub(super) async fn check_server_count(&self, user: &UserId) -> Result<()> {
        let servers = self.node.store.memberships(user).await?.len();
        if servers < limits::SERVERS_MAX { Ok(()) } else { Err(Error::Conflict("you are in as many servers as one may be in")) }
    }

    async fn user_record(&self, user: &User) -> Result<UserRecord> {
        let known = self.node.store.users(std::slice::from_ref(&user.id)).await?.pop();
        let fresh = UserRecord { user: user.clone(), status: Status::default(), last_seen: None };
        Ok(UserRecord { user: user.clone(), ..known.unwrap_or(fresh) })
    }
}

/// The session's user, if its token is for more than a room.
pub(super) fn person(session: &SessionHandle) -> Result<&User> {
    match session.grants {
        Grants::User => Ok(&session.user),
        Grants::Room(_) => Err(Error::NotFound("server")),
    }
}

/// Always the same for an owner and a nonce, so that a retry finds the server that the first try made.
fn server_id(owner: &UserId, nonce: &Nonce) -> ServerId {
    let hash = digest(format!("server\n{owner}\n{}", nonce.0).as_bytes());
    ServerId::new(format!("srv_{}", crate::id::encode(&hash)))
}

/// A server that has written something else than it was told to has a bug: the caller is told no more than that.
fn unexpected(write: &Write) -> Error {
    tracing::error!(?write, "a server wrote something else than it was told to");
    Error::Unavailable("the server gave no answer")
}
