//! The way to a room's task: its inbox, and the few facts that need no asking.

use super::event::{Answer, Input};
use super::media_inbox::MediaInbox;
use crate::chat::{ChannelQueue, Delivery};
use crate::session::SessionHandle;
use crate::store::RoomRecord;
use crate::{Error, Result};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait for one room. When it is full the caller waits, at most [`CALL_TIMEOUT`].
pub(crate) const INBOX_REQUESTS: usize = 64;
/// Longest wait for a room's answer, the wait for a place in its inbox included. A room answers within microseconds.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// What goes through the inbox.
pub(crate) struct Request {
    pub(crate) input: Input,
    pub(crate) arrival: Arrival,
    /// Where the answer goes. `None` for an input that has none.
    pub(crate) reply: Option<oneshot::Sender<Result<Answer>>>,
}

impl From<Delivery> for Request {
    fn from(delivery: Delivery) -> Self {
        Self { input: Input::Chat(delivery), arrival: Arrival::default(), reply: None }
    }
}

/// What the shell needs to perform the outputs of an arrival, and the core has no use for.
#[derive(Default)]
pub(crate) struct Arrival {
    pub(crate) session: Option<SessionHandle>,
    pub(crate) negotiated: Option<Box<media::Negotiated>>,
}

/// Why a room's task takes no more requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Ended,
    Failed,
    Stopped,
}

/// A handle to one live room. Cheap to clone.
#[derive(Clone)]
pub(crate) struct RoomHandle(pub(super) Arc<Shared>);

/// What a room's task shares with those that call it.
pub(super) struct Shared {
    pub(super) record: RoomRecord,
    pub(super) inbox: mpsc::Sender<Request>,
    pub(super) media_inbox: Arc<MediaInbox>,
    /// Opened with the first offer: a room of people who only write costs the media plane nothing.
    pub(super) media: OnceLock<media::Room>,
    pub(super) chat: OnceLock<ChannelQueue>,
    pub(super) seated: AtomicU8,
    pub(super) fate: OnceLock<Fate>,
}

impl RoomHandle {
    pub(crate) fn record(&self) -> &RoomRecord {
        &self.0.record
    }

    /// Seats taken.
    pub(crate) fn seated(&self) -> u8 {
        self.0.seated.load(Ordering::Relaxed)
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The room's end in the media plane.
    pub(crate) fn media(&self, workers: &media::Handle) -> media::Room {
        self.0.media.get_or_init(|| workers.open_room(self.0.media_inbox.clone())).clone()
    }

    /// The queue of the room's channel, started by `start` when this is its first message.
    pub(crate) fn chat(&self, start: impl FnOnce(mpsc::Sender<Request>) -> ChannelQueue) -> ChannelQueue {
        self.0.chat.get_or_init(|| start(self.0.inbox.clone())).clone()
    }

    /// Makes a request and waits for its answer.
    pub(crate) async fn call(&self, input: Input) -> Result<Answer> {
        self.call_with(input, Arrival::default()).await
    }

    /// As [`RoomHandle::call`], for somebody who arrives.
    pub(crate) async fn call_with(&self, input: Input, arrival: Arrival) -> Result<Answer> {
        let (reply, answer) = oneshot::channel();
        let exchange = async {
            self.0.inbox.send(Request { input, arrival, reply: Some(reply) }).await.map_err(|_| self.refusal())?;
            answer.await.map_err(|_| self.refusal())?
        };
        tokio::time::timeout(CALL_TIMEOUT, exchange).await.unwrap_or(Err(Error::Unavailable("the room does not keep up")))
    }

    /// Passes on what must not be lost: waits for a place as long as it takes. After the room's end there is nobody to know it.
    pub(crate) async fn tell(&self, input: Input) {
        let _ = self.0.inbox.send(Request { input, arrival: Arrival::default(), reply: None }).await;
    }

    /// As [`RoomHandle::tell`], where nobody can wait; a full inbox loses it.
    pub(crate) fn try_tell(&self, input: Input) {
        let _ = self.0.inbox.try_send(Request { input, arrival: Arrival::default(), reply: None });
    }

    fn refusal(&self) -> Error {
        match self.0.fate.get() {
            Some(Fate::Ended) => Error::NotFound("room"),
            Some(Fate::Failed) | None => Error::Unavailable("the room failed, join it anew"),
            Some(Fate::Stopped) => Error::Unavailable("the node is stopping"),
        }
    }
}
