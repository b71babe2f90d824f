//! Servers on a store that is slow, down, loses answers or is changed by somebody else; and a core that fails.

use super::*;
use crate::community::Request;
use crate::store::{
    Appended, BanRecord, CommunityStore, Edit, Entered, Entry, InviteRecord, LinkRecord, Marked, MemberRecord, Membership, NewLine,
    NewMessage, NoteLine, NoteRecord, Pin, React, Redeemed, RoomRecord, ScheduleRecord, SearchStore, ServerTree, StoreError, TreeChange,
    Updated, UserRecord,
};
use crate::view::{History, Unread};
use crate::{InviteId, NoteId, ScheduleId};
use std::sync::Mutex;

/// How a store does with servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    /// Writes take so long.
    Slow(Duration),
    /// Writes are done, and then said to have failed.
    Forgetful,
    Down,
}

/// A memory store with moods, but for rooms and messages.
struct MoodyStore {
    inner: Arc<MemoryStore>,
    mood: Mutex<Mood>,
}

impl MoodyStore {
    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    async fn read<T>(&self, read: impl Future<Output = std::result::Result<T, StoreError>>) -> std::result::Result<T, StoreError> {
        if self.mood() == Mood::Down { Err(StoreError::Unavailable) } else { read.await }
    }

    async fn write<T>(&self, write: impl Future<Output = std::result::Result<T, StoreError>>) -> std::result::Result<T, StoreError> {
        match self.mood() {
            Mood::Well => write.await,
            Mood::Slow(time) => {
                tokio::time::sleep(time).await;
                write.await
            }
            Mood::Forgetful => {
                write.await?;
                Err(StoreError::Unavailable)
            }
            Mood::Down => Err(StoreError::Unavailable),
        }
    }
}

crate::store::delegate::delegate_store!(RoomStore for MoodyStore {
    create_room(room: RoomRecord, nonce: Nonce) -> RoomRecord;
    room(id: &RoomId) -> Option<RoomRecord>;
    open_rooms() -> Vec<RoomRecord>;
    end_room(id: &RoomId, at: SystemTime) -> ();
    create_link(link: LinkRecord) -> ();
    redeem_link(hash: &[u8; 32], now: SystemTime) -> Redeemed;
});
crate::store::delegate::delegate_store!(MessageStore for MoodyStore {
    append(message: NewMessage) -> Appended;
    edit(edit: Edit) -> Option<Message>;
    delete(channel: &ChannelId, seq: u64, at: SystemTime) -> Option<Message>;
    message(channel: &ChannelId, seq: u64) -> Option<Message>;
    history(channel: &ChannelId, cursor: Cursor, limit: u32) -> History;
    mark_read(user: &UserId, channel: &ChannelId, seq: u64) -> u64;
    mark_unread(user: &UserId, channel: &ChannelId, seq: u64) -> u64;
    markers(channel: &ChannelId, users: &[UserId]) -> Vec<u64>;
    unread(user: &UserId, channels: &[Membership]) -> Vec<Unread>;
});

crate::store::delegate::delegate_store!(MarkStore for MoodyStore {
    react(react: React) -> Option<Marked>;
    pin(pin: Pin) -> Option<Marked>;
    pins(channel: &ChannelId) -> Vec<Message>;
});
crate::store::delegate::delegate_store!(NotificationStore for MoodyStore {
    notify(new: crate::store::NewNotification) -> crate::store::Notified;
    notification(user: &UserId, id: &crate::NotificationId) -> Option<crate::store::Notification>;
    notifications(user: &UserId, seek: crate::store::Seek, limit: u32) -> crate::store::Inbox;
    read_notifications(user: &UserId, reading: &crate::store::Reading, at: SystemTime) -> bool;
    unread_count(user: &UserId) -> u64;
    answer_invitation(user: &UserId, id: &crate::NotificationId, answer: crate::store::Invitation, at: SystemTime) -> Option<crate::store::Notification>;
});
crate::store::delegate::delegate_store!(NoteStore for MoodyStore {
    start_note(note: NoteRecord) -> NoteRecord;
    append_note(line: NewLine) -> Option<NoteLine>;
    end_note(channel: &ChannelId, note: &NoteId, at: SystemTime) -> Option<NoteRecord>;
    note(channel: &ChannelId, note: &NoteId) -> Option<NoteRecord>;
    notes(channel: &ChannelId, before: Option<SystemTime>, limit: u32) -> Vec<NoteRecord>;
    note_lines(note: &NoteId, after: u64, limit: u32) -> Vec<NoteLine>;
});

/// It has no index.
impl SearchStore for MoodyStore {}

/// Implements `CommunityStore` through the moods.
macro_rules! moody {
    ($($way:ident $operation:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        #[async_trait::async_trait]
        impl CommunityStore for MoodyStore {$(
            async fn $operation(&self, $($argument: $kind),*) -> std::result::Result<$result, StoreError> {
                self.$way(self.inner.$operation($($argument),*)).await
            }
        )*}
    };
}

moody! {
    write create_server(tree: ServerTree, members: Vec<MemberRecord>) -> bool;
    read server(id: &ServerId) -> Option<ServerTree>;
    write update_server(id: &ServerId, version: u64, changes: Vec<TreeChange>) -> Updated;
    write delete_server(id: &ServerId) -> ();
    read server_of(channel: &ChannelId) -> Option<ServerId>;
    read memberships(user: &UserId) -> Vec<MemberRecord>;
    read members(server: &ServerId) -> Vec<MemberRecord>;
    write enter(member: MemberRecord, by: Entry) -> Entered;
    write update_member(member: MemberRecord) -> bool;
    write remove_member(server: &ServerId, user: &UserId, ban: Option<BanRecord>) -> bool;
    read bans(server: &ServerId) -> Vec<BanRecord>;
    write unban(server: &ServerId, user: &UserId) -> bool;
    write create_invite(invite: InviteRecord) -> ();
    read invite(hash: &[u8; 32]) -> Option<InviteRecord>;
    read invites(server: &ServerId) -> Vec<InviteRecord>;
    write revoke_invite(server: &ServerId, id: &InviteId) -> bool;
    write put_schedule(schedule: ScheduleRecord) -> ();
    read schedule(server: &ServerId, id: &ScheduleId) -> Option<ScheduleRecord>;
    write delete_schedule(server: &ServerId, id: &ScheduleId) -> bool;
    read schedules(server: &ServerId, range: std::ops::Range<SystemTime>) -> Vec<ScheduleRecord>;
    read due_schedules(now: SystemTime, limit: u32) -> Vec<ScheduleRecord>;
    write take_reminder(schedule: &ScheduleRecord) -> bool;
    write put_user(user: UserRecord) -> ();
    read users(ids: &[UserId]) -> Vec<UserRecord>;
}

impl Club {
    /// On a store whose mood the test chooses.
    async fn moody() -> (Self, Arc<MoodyStore>) {
        let (media, workers) = ::media::start(&::media::Config::default()).unwrap();
        let store = Arc::new(MoodyStore { inner: Arc::default(), mood: Mutex::new(Mood::Well) });
        let config = Config { chat_rate: None, ..Config::default() };
        let hub = Hub::start(config, store.clone(), media).await.unwrap();
        let bench = Bench { hub, store: store.inner.clone(), _workers: workers, sessions: std::cell::Cell::new(0) };
        (Self::of(bench).await, store)
    }

    async fn name(&self) -> String {
        let server = self.bench.hub.servers(&self.ann.session).await.unwrap().remove(0);
        server.tree.server.name
    }

    async fn kept(&self) -> ServerTree {
        self.bench.store.server(&self.id).await.unwrap().unwrap()
    }

    async fn try_command(&self, command: Command) -> Result<Done> {
        self.bench.hub.command(&self.ann.session, &self.id, command).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_holds_up_no_message() {
    let (club, store) = Club::moody().await;
    let mut bob = club.member("bob").await;
    // All have heard of his coming.
    tokio::time::sleep(Duration::from_millis(1_010)).await;
    bob.told();
    store.set(Mood::Slow(Duration::from_secs(3)));
    let began = tokio::time::Instant::now();
    let renamed = club.try_command(rename("느림"));
    let said = async {
        for _ in 0..20 {
            club.say(&club.ann, &club.text).await.unwrap();
        }
        began.elapsed()
    };
    let (renamed, said) = tokio::join!(renamed, said);
    assert!(renamed.is_ok() && began.elapsed() >= Duration::from_secs(3));
    assert!(said < Duration::from_secs(1), "{said:?}");
    let told = bob.told();
    assert!(matches!(told.last(), Some(Event::ServerUpdated { .. })), "when it was durable");
    assert_eq!(told.len(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_found_in_the_store_and_told() {
    let (mut club, store) = Club::moody().await;
    let mut bob = club.member("bob").await;
    let cho = club.member("cho").await;
    bob.told();
    store.set(Mood::Forgetful);
    let lost = Err(Error::Unavailable("the store is unavailable"));
    assert_eq!(club.try_command(rename("새 이름")).await, lost);
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(matches!(bob.told()[..], [Event::ServerUpdated { .. }]));
    assert_eq!(club.try_command(kick("bob")).await, lost);
    assert_eq!(club.heard(&mut bob).await.len(), 1);
    assert_eq!(club.bench.hub.members(&bob.session, &club.id).await, Err(Error::NotFound("server")));
    store.set(Mood::Well);
    let secret = club.secret(None).await;
    store.set(Mood::Forgetful);
    let dan = club.bench.client("dan");
    assert_eq!(club.bench.hub.accept_invite(&dan.session, &secret).await.map(drop), lost.clone().map(drop));
    store.set(Mood::Well);
    assert!(club.bench.hub.accept_invite(&dan.session, &secret).await.is_ok(), "it is a member already");
    assert_eq!(club.bench.hub.invites(&club.ann.session, &club.id).await.unwrap()[0].uses, 1, "and used it once");
    assert_eq!(club.name().await, "새 이름");
    assert_eq!(club.bench.hub.members(&cho.session, &club.id).await.unwrap().len(), 3);
    club.ann.told();
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_down_changes_are_refused_and_messages_go_on() {
    let (club, store) = Club::moody().await;
    let mut bob = club.member("bob").await;
    store.set(Mood::Down);
    for _ in 0..3 {
        let began = tokio::time::Instant::now();
        assert!(matches!(club.try_command(rename("nie")).await, Err(Error::Unavailable(_))));
        assert!(began.elapsed() < Duration::from_secs(1), "at once");
        club.say(&club.ann, &club.text).await.unwrap();
        assert!(matches!(club.heard(&mut bob).await[..], [Event::ChatMessage { .. }]));
    }
    store.set(Mood::Well);
    assert!(club.try_command(rename("doch")).await.is_ok());
    assert!(matches!(club.heard(&mut bob).await[..], [Event::ServerUpdated { .. }]));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_changed_is_read_and_the_command_decided_anew() {
    let club = Club::start().await;
    let mut bob = club.member("bob").await;
    let store = &club.bench.store;
    let kept = club.kept().await;
    let mut server = kept.server.clone();
    server.image_url = Some("https://example.org/a.png".to_owned());
    let change = vec![TreeChange::Server(server), TreeChange::RemoveChannel(club.voice.clone())];
    assert_eq!(store.update_server(&club.id, kept.version, change).await, Ok(Updated::Done));
    bob.told();
    club.done(rename("둘 다")).await;
    let now = club.kept().await.server;
    assert_eq!((now.name.as_str(), now.image_url.is_some()), ("둘 다", true), "both happened");
    let told = club.heard(&mut bob).await;
    assert_eq!(comings(told.clone()), [closed(&club, &club.voice)]);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(club.bench.hub.open_call(&bob.session, &club.voice).await, Err(Error::NotFound("channel")));
}

#[tokio::test(start_paused = true)]
async fn a_member_whom_somebody_else_removed_is_gone_here_too() {
    let club = Club::start().await;
    let mut bob = club.member("bob").await;
    club.bench.store.remove_member(&club.id, &UserId::new("bob"), None).await.unwrap();
    let refused = club.try_command(Command::UpdateMember { user: UserId::new("bob"), nickname: Some(None), roles: None }).await;
    assert_eq!(refused, Err(Error::NotFound("member")));
    assert_eq!(comings(club.heard(&mut bob).await), [out(&club, DepartReason::Left)]);
    assert!(!club.bench.hub.node.communities.is_listening(&bob.session.id, &club.id));
    club.is_closed_to(&mut bob, &club.text).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_somebody_else_deleted_is_gone_here_too() {
    let club = Club::start().await;
    let mut bob = club.member("bob").await;
    let room = club.bench.hub.open_call(&bob.session, &club.voice).await.unwrap();
    club.bench.store.delete_server(&club.id).await.unwrap();
    assert_eq!(club.try_command(rename("weg")).await, Err(Error::NotFound("server")));
    assert_eq!(club.heard(&mut bob).await, [out(&club, DepartReason::Deleted)]);
    assert_eq!(club.bench.hub.members(&bob.session, &club.id).await, Err(Error::NotFound("server")));
    assert_eq!(club.bench.hub.room(&room).await, Err(Error::NotFound("room")));
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_core_costs_one_request_and_the_state_is_read_anew() {
    let club = Club::start().await;
    let mut bob = club.member("bob").await;
    let server = club.bench.hub.node.communities.live(&club.id).unwrap();
    let kept = club.kept().await;
    let renamed = crate::store::ServerRecord { name: "다른".to_owned(), ..kept.server };
    club.bench.store.update_server(&club.id, kept.version, vec![TreeChange::Server(renamed)]).await.unwrap();
    server.tell(Request::Panic).await;
    let told = club.heard(&mut bob).await;
    assert!(matches!(&told[..], [Event::ServerUpdated { server, .. }] if server.name == "다른"), "{told:?}");
    club.done(rename("weiter")).await;
    club.say(&club.ann, &club.text).await.unwrap();
    assert!(matches!(club.heard(&mut bob).await[..], [Event::ServerUpdated { .. }, Event::ChatMessage { .. }]));
    assert!(server.is_open(), "the same task");
}
