//! The way to a server's task.

use super::attendance::{Contact, Idle};
use super::decide::{By, Order, Write};
use super::policy::Act;
use super::request::{MemberView, ServerView};
use super::server::Post;
use crate::chat::{ChannelQueue, Delivery};
use crate::session::SessionHandle;
use crate::store::{Entered, Entry, MemberRecord, Membership, Status, UserRecord};
use crate::view::{Unread, User};
use crate::{ChannelId, Error, Event, Loss, Result, RoleId, ServerId, SessionId, UserId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// Requests that wait for one server. When it is full the caller waits, at most [`CALL_TIMEOUT`].
pub(super) const INBOX_REQUESTS: usize = 1024;
/// Longest wait for a server's answer, the wait for a place in its inbox and for the store included.
const CALL_TIMEOUT: Duration = Duration::from_secs(12);

/// Where an answer goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T>>;

/// What goes through the inbox.
pub(crate) enum Request {
    Listen {
        session: SessionHandle,
        contact: Contact,
        user: UserRecord,
        reply: Reply<ServerView>,
    },
    Unlisten {
        session: SessionId,
        user: UserId,
    },
    /// The session listens already, and hears of the server by this.
    Introduce {
        session: SessionHandle,
        unread: Vec<Unread>,
    },
    Connection {
        session: SessionId,
        user: UserId,
        loss: Option<Loss>,
    },
    Idle {
        session: SessionId,
        user: UserId,
        is_idle: Idle,
    },
    Status {
        user: UserId,
        status: Status,
    },
    Order {
        order: Box<Order>,
        reply: Reply<Write>,
    },
    Enter {
        entering: Box<Entering>,
        reply: Reply<Entered>,
    },
    Post {
        by: By,
        channel: ChannelId,
        act: PostAct,
        reply: Reply<(Post, ChannelQueue)>,
    },
    Memberships {
        user: UserId,
        reply: Reply<Vec<Membership>>,
    },
    Members {
        by: By,
        reply: Reply<Vec<MemberView>>,
    },
    May {
        by: By,
        what: Asked,
        reply: Reply<()>,
    },
    Unread {
        user: UserId,
        unread: Unread,
    },
    WatchReceipts {
        session: SessionHandle,
        channel: ChannelId,
        reply: Reply<()>,
    },
    UnwatchReceipts {
        session: SessionId,
        channel: ChannelId,
    },
    /// How far some readers of a channel have read, as the store says.
    ReceiptsFound {
        channel: ChannelId,
        marks: Vec<(UserId, u64)>,
    },
    Voices {
        channel: ChannelId,
        people: Vec<User>,
    },
    View {
        user: UserId,
        reply: Reply<ServerView>,
    },
    ReadersAmong {
        channel: ChannelId,
        users: Vec<UserId>,
        reply: Reply<Vec<UserId>>,
    },
    Tell(Event),
    Chat(Delivery),
    Stop,
    /// Fails, to show what then ends and what goes on.
    #[cfg(test)]
    Panic,
}

/// What a channel is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PostAct {
    /// Its messages.
    Chat,
    /// A seat in its call.
    Connect,
    /// Power over who is in its call.
    MuteMembers,
}

impl PostAct {
    /// What the table is asked.
    pub(super) fn act(self, channel: &crate::store::ChannelRecord) -> Act<'_> {
        match self {
            Self::Chat => Act::Read(channel),
            Self::Connect => Act::Connect(channel),
            Self::MuteMembers => Act::MuteMembers(channel),
        }
    }
}

/// A right that is asked for by itself: the answer comes from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Membership,
    SeeBans,
    SeeInvites,
    /// Let somebody in as an ordinary member.
    Invite,
}

/// Somebody at the door.
#[derive(Debug, Clone)]
pub(crate) struct Entering {
    pub(crate) user: User,
    pub(crate) entry: Entry,
    /// The role that the invitation gives.
    pub(crate) role: Option<RoleId>,
    pub(crate) at: SystemTime,
}

impl From<Delivery> for Request {
    fn from(delivery: Delivery) -> Self {
        Self::Chat(delivery)
    }
}

/// A handle to one live server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ServerHandle(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) id: ServerId,
    pub(super) inbox: mpsc::Sender<Request>,
}

impl ServerHandle {
    pub(crate) fn id(&self) -> &ServerId {
        &self.0.id
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether its task takes requests.
    pub(crate) fn is_open(&self) -> bool {
        !self.0.inbox.is_closed()
    }

    /// Makes a request and waits for its answer.
    pub(crate) async fn call<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let gone = || Error::Unavailable("the server is being opened anew, try again");
        let exchange = async {
            self.0.inbox.send(request(reply)).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        };
        tokio::time::timeout(CALL_TIMEOUT, exchange).await.unwrap_or(Err(Error::Unavailable("the server does not keep up")))
    }

    /// Passes on what must not be lost. A task that has ended has nobody to know it.
    pub(crate) async fn tell(&self, request: Request) {
        let _ = self.0.inbox.send(request).await;
    }

    /// As [`ServerHandle::tell`], where nobody can wait. False when the inbox is full: it is lost.
    #[must_use]
    pub(crate) fn try_tell(&self, request: Request) -> bool {
        !matches!(self.0.inbox.try_send(request), Err(mpsc::error::TrySendError::Full(_)))
    }

    /// Ends the task, and waits for that at most [`CALL_TIMEOUT`].
    pub(crate) async fn stop(&self) {
        let ended = async {
            self.tell(Request::Stop).await;
            self.0.inbox.closed().await;
        };
        // A task that doesn't end in time goes with the process.
        let _ = tokio::time::timeout(CALL_TIMEOUT, ended).await;
    }
}

/// A member's record as it is made at the door. It has come to no channel yet.
pub(super) fn newcomer(server: &ServerId, entering: &Entering, roles: Vec<RoleId>) -> MemberRecord {
    MemberRecord {
        server: server.clone(),
        user: entering.user.clone(),
        nickname: None,
        roles,
        joined_at: entering.at,
        since: BTreeMap::new(),
    }
}
