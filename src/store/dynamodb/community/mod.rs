//! Servers as rows: the operations of [`CommunityStore`], each of which is one function in a file below.
//!
//! Everything of a server but its one row `META` stands under names that were drawn when it was made: so a deleted server is gone by the removal of
//! that row, whatever the number of its members, and a server that is made again under its id finds nothing. Invariant: what is kept under a name
//! is reached through a `META` that has it, and through nothing else.

mod calendar;
mod invites;
mod members;
pub(super) mod rows;
pub(super) mod transfer;
mod tree;

use super::DynamoDb;
use super::call::{Call, Failure};
use super::keys;
use ::rooms::store::{
    BanRecord, CommunityStore, Entered, Entry, InviteRecord, MemberRecord, ScheduleRecord, ServerTree, StoreError, TreeChange, Updated,
    UserRecord,
};
use ::rooms::{ChannelId, InviteId, ScheduleId, ServerId, UserId};
use async_trait::async_trait;
use rows::MetaRow;
use std::ops::Range;
use std::time::SystemTime;

/// Rows that are asked for at a time.
const AT_ONCE: usize = 16;

async fn meta(call: &Call<'_>, id: &ServerId) -> Result<Option<MetaRow>, Failure> {
    call.get(&keys::server(id)).await
}

#[async_trait]
impl CommunityStore for DynamoDb {
    async fn create_server(&self, tree: ServerTree, members: Vec<MemberRecord>) -> Result<bool, StoreError> {
        let call = self.db.call("create_server");
        call.run(tree::create(&call, &self.channels, &tree, &members)).await
    }

    async fn server(&self, id: &ServerId) -> Result<Option<ServerTree>, StoreError> {
        let call = self.db.call("server");
        call.run(tree::find(&call, id)).await
    }

    async fn update_server(&self, id: &ServerId, version: u64, changes: Vec<TreeChange>) -> Result<Updated, StoreError> {
        let call = self.db.call("update_server");
        call.run(tree::update(&call, &self.channels, id, version, &changes)).await
    }

    async fn delete_server(&self, id: &ServerId) -> Result<(), StoreError> {
        let call = self.db.call("delete_server");
        call.run(tree::delete(&call, &self.channels, id)).await
    }

    async fn server_of(&self, channel: &ChannelId) -> Result<Option<ServerId>, StoreError> {
        let call = self.db.call("server_of");
        call.run(tree::server_of(&call, channel)).await
    }

    async fn memberships(&self, user: &UserId) -> Result<Vec<MemberRecord>, StoreError> {
        let call = self.db.call("memberships");
        call.run(members::of_user(&call, user)).await
    }

    async fn members(&self, server: &ServerId) -> Result<Vec<MemberRecord>, StoreError> {
        let call = self.db.call("members");
        call.run(members::of_server(&call, server)).await
    }

    async fn enter(&self, member: MemberRecord, by: Entry) -> Result<Entered, StoreError> {
        let call = self.db.call("enter");
        call.run(members::enter(&call, &member, &by)).await
    }

    async fn update_member(&self, member: MemberRecord) -> Result<bool, StoreError> {
        let call = self.db.call("update_member");
        call.run(members::update(&call, &member)).await
    }

    async fn remove_member(&self, server: &ServerId, user: &UserId, ban: Option<BanRecord>) -> Result<bool, StoreError> {
        let call = self.db.call("remove_member");
        call.run(members::remove(&call, server, user, ban.as_ref())).await
    }

    async fn bans(&self, server: &ServerId) -> Result<Vec<BanRecord>, StoreError> {
        let call = self.db.call("bans");
        call.run(members::bans(&call, server)).await
    }

    async fn unban(&self, server: &ServerId, user: &UserId) -> Result<bool, StoreError> {
        let call = self.db.call("unban");
        call.run(members::unban(&call, server, user)).await
    }

    async fn create_invite(&self, invite: InviteRecord) -> Result<(), StoreError> {
        let call = self.db.call("create_invite");
        call.run(invites::create(&call, &invite)).await
    }

    async fn invite(&self, secret_hash: &[u8; 32]) -> Result<Option<InviteRecord>, StoreError> {
        let call = self.db.call("invite");
        call.run(invites::find(&call, secret_hash)).await
    }

    async fn invites(&self, server: &ServerId) -> Result<Vec<InviteRecord>, StoreError> {
        let call = self.db.call("invites");
        call.run(invites::list(&call, server)).await
    }

    async fn revoke_invite(&self, server: &ServerId, id: &InviteId) -> Result<bool, StoreError> {
        let call = self.db.call("revoke_invite");
        call.run(invites::revoke(&call, server, id)).await
    }

    async fn put_schedule(&self, schedule: ScheduleRecord) -> Result<(), StoreError> {
        let call = self.db.call("put_schedule");
        call.run(calendar::put(&call, &schedule)).await
    }

    async fn schedule(&self, server: &ServerId, id: &ScheduleId) -> Result<Option<ScheduleRecord>, StoreError> {
        let call = self.db.call("schedule");
        call.run(calendar::find(&call, server, id)).await
    }

    async fn delete_schedule(&self, server: &ServerId, id: &ScheduleId) -> Result<bool, StoreError> {
        let call = self.db.call("delete_schedule");
        call.run(calendar::delete(&call, server, id)).await
    }

    async fn schedules(&self, server: &ServerId, range: Range<SystemTime>) -> Result<Vec<ScheduleRecord>, StoreError> {
        let call = self.db.call("schedules");
        call.run(calendar::list(&call, server, range)).await
    }

    async fn due_schedules(&self, now: SystemTime, limit: u32) -> Result<Vec<ScheduleRecord>, StoreError> {
        let call = self.db.call("due_schedules");
        call.run(calendar::due(&call, now, limit)).await
    }

    async fn take_reminder(&self, schedule: &ScheduleRecord) -> Result<bool, StoreError> {
        let call = self.db.call("take_reminder");
        call.run(calendar::take(&call, schedule)).await
    }

    async fn put_user(&self, user: UserRecord) -> Result<(), StoreError> {
        let call = self.db.call("put_user");
        call.run(members::put_user(&call, &user)).await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<UserRecord>, StoreError> {
        let call = self.db.call("users");
        call.run(members::users(&call, ids)).await
    }
}
