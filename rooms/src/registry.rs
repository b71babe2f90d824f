//! What this process holds: the live rooms' handles, and what their tasks share.
//!
//! Owns no room's state. Invariant: at most one task per room; a room that isn't here is opened from the store.

use crate::community::{By, Communities, PostAct, Request, ServerHandle};
use crate::inbox::{Courier, Listeners};
use crate::lobby::Lobby;
use crate::password::Passwords;
use crate::permission::Authority;
use crate::room::actor;
use crate::room::event::{Answer, Input};
use crate::room::handle::RoomHandle;
use crate::sessions::SessionIndex;
use crate::store::{Listing, RoomRecord, ServerTree, Store};
use crate::view::User;
use crate::{ChannelId, Config, Error, Result, RoomId};
use dashmap::DashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;

/// Offers in negotiation at once, some 4 ms of CPU each; further ones wait.
const NEGOTIATIONS: usize = 8;
/// Time until a call says again who is in it, when its server had no place for that.
const ANNOUNCE_RETRY: Duration = Duration::from_millis(200);

/// Everything that the tasks of one process share.
pub(crate) struct Node {
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) media: media::Handle,
    pub(crate) lobby: Lobby,
    pub(crate) sessions: SessionIndex,
    pub(crate) communities: Communities,
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) courier: Courier,
    pub(crate) passwords: Passwords,
    pub(crate) negotiations: Arc<Semaphore>,
    rooms: DashMap<RoomId, RoomHandle>,
    stopping: AtomicBool,
    pub(crate) messages_stored: Arc<AtomicU64>,
    rooms_failed: AtomicU64,
}

impl Node {
    pub(crate) fn new(config: Config, store: Arc<dyn Store>, media: media::Handle, courier: Courier) -> Self {
        Self {
            config,
            store,
            media,
            lobby: Lobby::default(),
            sessions: SessionIndex::default(),
            communities: Communities::default(),
            listeners: Arc::default(),
            courier,
            passwords: Passwords::default(),
            negotiations: Arc::new(Semaphore::new(NEGOTIATIONS)),
            rooms: DashMap::new(),
            stopping: AtomicBool::new(false),
            messages_stored: Arc::default(),
            rooms_failed: AtomicU64::new(0),
        }
    }

    /// # Errors
    /// `Unavailable` when the node is stopping.
    pub(crate) fn check_running(&self) -> Result<()> {
        if self.stopping.load(Ordering::SeqCst) {
            return Err(Error::Unavailable("the node is stopping"));
        }
        Ok(())
    }

    pub(crate) fn begin_stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// A live room.
    pub(crate) fn live(&self, id: &RoomId) -> Option<RoomHandle> {
        self.rooms.get(id).map(|room| room.clone())
    }

    pub(crate) fn all_live(&self) -> Vec<RoomHandle> {
        self.rooms.iter().map(|room| room.clone()).collect()
    }

    /// Rooms and seats taken.
    pub(crate) fn counts(&self) -> (usize, usize) {
        self.rooms.iter().fold((0, 0), |(rooms, seats), room| (rooms + 1, seats + usize::from(room.seated())))
    }

    pub(crate) fn rooms_failed(&self) -> u64 {
        self.rooms_failed.load(Ordering::Relaxed)
    }

    pub(crate) fn count_failed_room(&self) {
        self.rooms_failed.fetch_add(1, Ordering::Relaxed);
    }

    /// A room, opened from the store unless it is live.
    ///
    /// # Errors
    /// `NotFound` after it ended; `Unavailable`.
    pub(crate) async fn find(self: &Arc<Self>, id: &RoomId) -> Result<RoomHandle> {
        self.check_running()?;
        if let Some(room) = self.live(id) {
            return Ok(room);
        }
        let record = self.store.room(id).await?.ok_or(Error::NotFound("room"))?;
        let room = self.reopen(record);
        // Between the two reads another task may have opened the room and ended it.
        if self.store.room(id).await?.is_none() {
            self.withdraw(&room);
            return Err(Error::NotFound("room"));
        }
        Ok(room)
    }

    /// Starts the task of a room that was just made, unless it has one.
    pub(crate) fn open(self: &Arc<Self>, record: RoomRecord) -> RoomHandle {
        let unused = self.unused_ttl(&record);
        self.open_for(record, unused)
    }

    /// Starts the task of a room that an earlier task or process left open, unless it has one. Whether anybody was ever in it isn't
    /// kept, so it waits as long as a room that nobody has joined yet, and never less than those who were in it need to come back.
    pub(crate) fn reopen(self: &Arc<Self>, record: RoomRecord) -> RoomHandle {
        let age = SystemTime::now().duration_since(record.created_at).unwrap_or_default();
        let idle = self.unused_ttl(&record).saturating_sub(age).max(self.config.restart_ttl);
        self.open_for(record, idle)
    }

    fn unused_ttl(&self, record: &RoomRecord) -> Duration {
        match record.listing {
            Listing::Lobby | Listing::Channel => self.config.unused_ttl.min(self.config.unused_lobby_ttl),
            Listing::Unlisted => self.config.unused_ttl,
        }
    }

    fn open_for(self: &Arc<Self>, record: RoomRecord, idle: Duration) -> RoomHandle {
        let id = record.id.clone();
        if record.listing == Listing::Channel {
            self.communities.call_opened(&record.channel, &id);
        }
        self.rooms.entry(id).or_insert_with(|| actor::spawn(self.clone(), record, idle)).clone()
    }

    /// A room's task is over.
    pub(crate) fn forget(&self, room: &RoomHandle) {
        let record = room.record();
        self.rooms.remove_if(&record.id, |_, present| present.is_same(room));
        if record.listing == Listing::Channel {
            self.communities.call_ended(&record.channel, &record.id);
        }
    }

    /// Who is in the call of a voice channel has changed. Where nobody has opened its server there is nobody to be told.
    pub(crate) fn call_occupied(self: &Arc<Self>, record: &RoomRecord, people: Vec<User>) {
        let Some(server) = self.communities.live_of(&record.channel) else { return };
        if server.try_tell(Request::Voices { channel: record.channel.clone(), people }) {
            return;
        }
        // The server has no place for it now, and has to learn who is there by then.
        let (node, id) = (self.clone(), record.id.clone());
        tokio::spawn(async move {
            tokio::time::sleep(ANNOUNCE_RETRY).await;
            if let Some(room) = node.live(&id) {
                room.tell(Input::Announce).await;
            }
        });
    }

    /// The room of a call takes nobody any more: whoever calls next gets another one.
    pub(crate) fn call_over(&self, record: &RoomRecord) {
        self.communities.call_ended(&record.channel, &record.id);
        if let Some(server) = self.communities.live_of(&record.channel) {
            let (channel, people) = (record.channel.clone(), vec![]);
            tokio::spawn(async move { server.tell(Request::Voices { channel, people }).await });
        }
    }

    /// A server has changed: the calls of channels that aren't there any more end, and whoever is in another and may not be has to leave.
    pub(crate) fn calls_changed(self: &Arc<Self>, server: &ServerHandle, tree: &ServerTree) {
        for (channel, room) in self.communities.calls_of(server.id()) {
            let (Some(room), server) = (self.live(&room), server.clone()) else { continue };
            if tree.channels.contains_key(&channel) {
                tokio::spawn(expel_strangers(server, channel, room));
            } else {
                tokio::spawn(async move { drop(room.call(Input::Close { by: Authority::Backend }).await) });
            }
        }
    }

    fn withdraw(&self, room: &RoomHandle) {
        self.forget(room);
        self.lobby.remove(room.record());
        room.try_tell(Input::Stop);
    }
}

/// Whoever may not be in a call any more has to leave it.
async fn expel_strangers(server: ServerHandle, channel: ChannelId, room: RoomHandle) {
    let Ok(Answer::View(view)) = room.call(Input::View).await else { return };
    for person in view.participants {
        let by = By::User(User { id: person.user.clone(), name: person.name });
        let stays = server.call(|reply| Request::Post { by, channel: channel.clone(), act: PostAct::Connect, reply }).await;
        if matches!(stays, Err(Error::NotFound(_) | Error::Forbidden(_))) {
            room.tell(Input::Expel { user: person.user }).await;
        }
    }
}
