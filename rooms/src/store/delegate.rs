//! For tests: parts of a store that are somebody else's.

/// Implements a part of [`Store`](super::Store) by the field `inner`.
macro_rules! delegate_store {
    ($part:ident for $store:ty { $($operation:ident($($argument:ident: $kind:ty),*) -> $result:ty;)* }) => {
        #[async_trait::async_trait]
        impl $crate::store::$part for $store {$(
            async fn $operation(&self, $($argument: $kind),*) -> std::result::Result<$result, $crate::store::StoreError> {
                self.inner.$operation($($argument),*).await
            }
        )*}
    };
}

/// Implements `RoomStore`, `CommunityStore`, `NoteStore` and `NotificationStore` by the field `inner`.
macro_rules! delegate_all_but_messages {
    ($store:ty) => {
        $crate::store::delegate::delegate_store!(RoomStore for $store {
            create_room(room: RoomRecord, nonce: Nonce) -> RoomRecord;
            room(id: &RoomId) -> Option<RoomRecord>;
            open_rooms() -> Vec<RoomRecord>;
            end_room(id: &RoomId, at: SystemTime) -> ();
            create_link(link: LinkRecord) -> ();
            redeem_link(hash: &[u8; 32], now: SystemTime) -> Redeemed;
        });
        $crate::store::delegate::delegate_store!(CommunityStore for $store {
            create_server(tree: ServerTree, members: Vec<MemberRecord>) -> bool;
            server(id: &ServerId) -> Option<ServerTree>;
            update_server(id: &ServerId, version: u64, changes: Vec<TreeChange>) -> Updated;
            delete_server(id: &ServerId) -> ();
            server_of(channel: &ChannelId) -> Option<ServerId>;
            memberships(user: &UserId) -> Vec<MemberRecord>;
            members(server: &ServerId) -> Vec<MemberRecord>;
            enter(member: MemberRecord, by: Entry) -> Entered;
            update_member(member: MemberRecord) -> bool;
            remove_member(server: &ServerId, user: &UserId, ban: Option<BanRecord>) -> bool;
            bans(server: &ServerId) -> Vec<BanRecord>;
            unban(server: &ServerId, user: &UserId) -> bool;
            create_invite(invite: InviteRecord) -> ();
            invite(hash: &[u8; 32]) -> Option<InviteRecord>;
            invites(server: &ServerId) -> Vec<InviteRecord>;
            revoke_invite(server: &ServerId, id: &InviteId) -> bool;
            put_schedule(schedule: ScheduleRecord) -> ();
            schedule(server: &ServerId, id: &ScheduleId) -> Option<ScheduleRecord>;
            delete_schedule(server: &ServerId, id: &ScheduleId) -> bool;
            schedules(server: &ServerId, range: std::ops::Range<SystemTime>) -> Vec<ScheduleRecord>;
            due_schedules(now: SystemTime, limit: u32) -> Vec<ScheduleRecord>;
            take_reminder(schedule: &ScheduleRecord) -> bool;
            put_user(user: UserRecord) -> ();
            users(ids: &[UserId]) -> Vec<UserRecord>;
        });
        $crate::store::delegate::delegate_store!(NoteStore for $store {
            start_note(note: $crate::store::NoteRecord) -> $crate::store::NoteRecord;
            append_note(line: $crate::store::NewLine) -> Option<$crate::store::NoteLine>;
            end_note(channel: &ChannelId, note: &$crate::NoteId, at: SystemTime) -> Option<$crate::store::NoteRecord>;
            note(channel: &ChannelId, note: &$crate::NoteId) -> Option<$crate::store::NoteRecord>;
            notes(channel: &ChannelId, before: Option<SystemTime>, limit: u32) -> Vec<$crate::store::NoteRecord>;
            note_lines(note: &$crate::NoteId, after: u64, limit: u32) -> Vec<$crate::store::NoteLine>;
        });
        $crate::store::delegate::delegate_store!(NotificationStore for $store {
            notify(new: $crate::store::NewNotification) -> $crate::store::Notified;
            notification(user: &UserId, id: &$crate::NotificationId) -> Option<$crate::store::Notification>;
            notifications(user: &UserId, seek: $crate::store::Seek, limit: u32) -> $crate::store::Inbox;
            read_notifications(user: &UserId, reading: &$crate::store::Reading, at: SystemTime) -> bool;
            unread_count(user: &UserId) -> u64;
            answer_invitation(user: &UserId, id: &$crate::NotificationId, answer: $crate::store::Invitation, at: SystemTime) -> Option<$crate::store::Notification>;
        });
    };
}

pub(crate) use {delegate_all_but_messages, delegate_store};
