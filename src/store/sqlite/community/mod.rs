//! Servers as rows: each operation of [`CommunityStore`] is one function of a file here.
//!
//! | file | is |
//! | --- | --- |
//! | `tree` | servers with their roles, categories and channels |
//! | `members` | members and bans |
//! | `invites` | invitations, and their use |
//! | `calendar` | entries of calendars |
//! | `users` | what is known of users |
//! | `transfer` | all of these as records |
//!
//! It decides nothing that the trait doesn't say. Invariant: every row of these tables but `users` is of a server that is in `servers`.

mod calendar;
mod invites;
mod members;
mod transfer;
mod tree;
mod users;

pub(super) use transfer::{TABLES, put};

use super::Sqlite;
use ::rooms::store::{
    BanRecord, CommunityStore, Entered, Entry, InviteRecord, MemberRecord, ScheduleRecord, ServerTree, StoreError, TreeChange, Updated,
    UserRecord,
};
use ::rooms::{ChannelId, InviteId, ScheduleId, ServerId, User, UserId};
use async_trait::async_trait;
use rusqlite::Row;
use std::ops::Range;
use std::time::SystemTime;

#[async_trait]
impl CommunityStore for Sqlite {
    async fn create_server(&self, tree: ServerTree, members: Vec<MemberRecord>) -> Result<bool, StoreError> {
        self.writer.run("create_server", move |db| tree::create(db, &tree, &members)).await
    }

    async fn server(&self, id: &ServerId) -> Result<Option<ServerTree>, StoreError> {
        let id = id.clone();
        self.readers.run("server", move |db| tree::find(db, &id)).await
    }

    async fn update_server(&self, id: &ServerId, version: u64, changes: Vec<TreeChange>) -> Result<Updated, StoreError> {
        let id = id.clone();
        self.writer.run("update_server", move |db| tree::update(db, &id, version, &changes)).await
    }

    async fn delete_server(&self, id: &ServerId) -> Result<(), StoreError> {
        let id = id.clone();
        self.writer.run("delete_server", move |db| tree::delete(db, &id)).await
    }

    async fn server_of(&self, channel: &ChannelId) -> Result<Option<ServerId>, StoreError> {
        let channel = channel.clone();
        self.readers.run("server_of", move |db| tree::server_of(db, &channel)).await
    }

    async fn memberships(&self, user: &UserId) -> Result<Vec<MemberRecord>, StoreError> {
        let user = user.clone();
        self.readers.run("memberships", move |db| members::of_user(db, &user)).await
    }

    async fn members(&self, server: &ServerId) -> Result<Vec<MemberRecord>, StoreError> {
        let server = server.clone();
        self.readers.run("members", move |db| members::of_server(db, &server)).await
    }

    async fn enter(&self, member: MemberRecord, by: Entry) -> Result<Entered, StoreError> {
        self.writer.run("enter", move |db| members::enter(db, &member, &by)).await
    }

    async fn update_member(&self, member: MemberRecord) -> Result<bool, StoreError> {
        self.writer.run("update_member", move |db| members::update(db, &member)).await
    }

    async fn remove_member(&self, server: &ServerId, user: &UserId, ban: Option<BanRecord>) -> Result<bool, StoreError> {
        let (server, user) = (server.clone(), user.clone());
        self.writer.run("remove_member", move |db| members::remove(db, &server, &user, ban.as_ref())).await
    }

    async fn bans(&self, server: &ServerId) -> Result<Vec<BanRecord>, StoreError> {
        let server = server.clone();
        self.readers.run("bans", move |db| members::bans(db, &server)).await
    }

    async fn unban(&self, server: &ServerId, user: &UserId) -> Result<bool, StoreError> {
        let (server, user) = (server.clone(), user.clone());
        self.writer.run("unban", move |db| members::unban(db, &server, &user)).await
    }

    async fn create_invite(&self, invite: InviteRecord) -> Result<(), StoreError> {
        self.writer.run("create_invite", move |db| invites::create(db, &invite)).await
    }

    async fn invite(&self, secret_hash: &[u8; 32]) -> Result<Option<InviteRecord>, StoreError> {
        let secret_hash = *secret_hash;
        self.readers.run("invite", move |db| invites::find(db, &secret_hash)).await
    }

    async fn invites(&self, server: &ServerId) -> Result<Vec<InviteRecord>, StoreError> {
        let server = server.clone();
        self.readers.run("invites", move |db| invites::of_server(db, &server)).await
    }

    async fn revoke_invite(&self, server: &ServerId, id: &InviteId) -> Result<bool, StoreError> {
        let (server, id) = (server.clone(), id.clone());
        self.writer.run("revoke_invite", move |db| invites::revoke(db, &server, &id)).await
    }

    async fn put_schedule(&self, schedule: ScheduleRecord) -> Result<(), StoreError> {
        self.writer.run("put_schedule", move |db| calendar::put(db, &schedule)).await
    }

    async fn schedule(&self, server: &ServerId, id: &ScheduleId) -> Result<Option<ScheduleRecord>, StoreError> {
        let (server, id) = (server.clone(), id.clone());
        self.readers.run("schedule", move |db| calendar::find(db, &server, &id)).await
    }

    async fn delete_schedule(&self, server: &ServerId, id: &ScheduleId) -> Result<bool, StoreError> {
        let (server, id) = (server.clone(), id.clone());
        self.writer.run("delete_schedule", move |db| calendar::delete(db, &server, &id)).await
    }

    async fn schedules(&self, server: &ServerId, range: Range<SystemTime>) -> Result<Vec<ScheduleRecord>, StoreError> {
        let server = server.clone();
        self.readers.run("schedules", move |db| calendar::within(db, &server, &range)).await
    }

    async fn due_schedules(&self, now: SystemTime, limit: u32) -> Result<Vec<ScheduleRecord>, StoreError> {
        self.readers.run("due_schedules", move |db| calendar::due(db, now, limit)).await
    }

    async fn take_reminder(&self, schedule: &ScheduleRecord) -> Result<bool, StoreError> {
        let schedule = schedule.clone();
        self.writer.run("take_reminder", move |db| calendar::take_reminder(db, &schedule)).await
    }

    async fn put_user(&self, user: UserRecord) -> Result<(), StoreError> {
        self.writer.run("put_user", move |db| users::put(db, &user)).await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<UserRecord>, StoreError> {
        let ids = ids.to_vec();
        self.readers.run("users", move |db| users::find(db, &ids)).await
    }
}

/// A user of whom the id is in the column `index`, and the name in the one after it.
fn read_user(row: &Row<'_>, index: usize) -> rusqlite::Result<User> {
    Ok(User { id: UserId::new(row.get::<_, String>(index)?), name: row.get(index + 1)? })
}
