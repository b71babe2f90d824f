//! The client events of servers: each is parsed, asked of the hub, and answered.

use super::{Answer, done, parse};
use crate::protocol::community::{
    BansListed, CategoryCreate, CategoryKept, CategoryRef, CategoryUpdate, ChannelCreate, ChannelKept, ChannelOpen, ChannelOpened,
    ChannelRef, ChannelUpdate, ChatRead, InviteCreate, InviteCreated, InvitePreview, InviteRevoke, InviteSecret, InvitesListed, MemberBan,
    MemberRef, MemberUpdate, MembersListed, PresenceIdle, PresenceSet, RoleCreate, RoleKept, RoleRef, RoleUpdate, ScheduleCreate,
    ScheduleKept, ScheduleList, ScheduleRef, ScheduleUpdate, SchedulesListed, ServerCreate, ServerEntered, ServerList, ServerRef,
    ServerTransfer, ServerUpdate, ServersListed, UnreadChanged, UnreadListed,
};
use crate::protocol::community_convert::instant;
use crate::protocol::convert::all;
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::receipts::ReceiptsWatch;
use crate::session::Session;
use rooms::community::{Command, Idle};
use rooms::{CategoryId, ChannelId, Done, RoleId, ScheduleId, ServerId, UserId};
use serde_json::value::RawValue;

type Argument<'a> = Option<&'a RawValue>;

/// The answer to an event of servers; `None` for another one.
pub(super) async fn answer(session: &Session, event: &str, argument: Argument<'_>) -> Option<Answer> {
    Some(match event {
        "server:list" => server_list(session, argument).await,
        "server:create" => server_create(session, argument).await,
        "server:update" => server_update(session, argument).await,
        "server:transfer" => server_transfer(session, argument).await,
        "server:delete" => plain(session, argument, Command::DeleteServer).await,
        "server:leave" => plain(session, argument, Command::Leave).await,
        "channel:create" => channel_create(session, argument).await,
        "channel:update" => channel_update(session, argument).await,
        "channel:delete" => channel_delete(session, argument).await,
        "channel:open" => channel_open(session, argument).await,
        "category:create" => category_create(session, argument).await,
        "category:update" => category_update(session, argument).await,
        "category:delete" => category_delete(session, argument).await,
        "role:create" => role_create(session, argument).await,
        "role:update" => role_update(session, argument).await,
        "role:delete" => role_delete(session, argument).await,
        "member:list" => member_list(session, argument).await,
        "member:update" => member_update(session, argument).await,
        "member:kick" => member_kick(session, argument).await,
        "member:ban" => member_ban(session, argument).await,
        "member:unban" => member_unban(session, argument).await,
        "member:bans" => member_bans(session, argument).await,
        "invite:create" => invite_create(session, argument).await,
        "invite:list" => invite_list(session, argument).await,
        "invite:revoke" => invite_revoke(session, argument).await,
        "invite:preview" => invite_preview(session, argument).await,
        "invite:accept" => invite_accept(session, argument).await,
        "schedule:list" => schedule_list(session, argument).await,
        "schedule:create" => schedule_create(session, argument).await,
        "schedule:update" => schedule_update(session, argument).await,
        "schedule:delete" => schedule_delete(session, argument).await,
        "chat:read" => chat_read(session, argument).await,
        "chat:unread" => chat_unread(session, argument).await,
        "unread:list" => unread_list(session, argument).await,
        "receipts:watch" => receipts_watch(session, argument).await,
        "presence:set" => presence_set(session, argument).await,
        "presence:idle" => presence_idle(session, argument).await,
        _ => return None,
    })
}

async fn command(session: &Session, server: String, command: Command) -> Result<Done, WireError> {
    Ok(session.shared.hub.command(&session.handle, &ServerId::new(server), command).await?)
}

/// What a command has written. That it wrote nothing of the kind would be a bug of the server's.
fn kept<T: Clone, W: From<T>>(written: Option<&T>) -> Result<W, WireError> {
    written.cloned().map(Into::into).ok_or_else(|| WireError::new(ErrorCode::Internal, "the server gave no answer"))
}

async fn plain(session: &Session, argument: Argument<'_>, what: Command) -> Answer {
    let ServerRef { server } = parse(argument)?;
    command(session, server, what).await?;
    done(())
}

async fn server_list(session: &Session, argument: Argument<'_>) -> Answer {
    let ServerList {} = parse(argument)?;
    done(ServersListed { servers: all(session.shared.hub.servers(&session.handle).await?) })
}

async fn server_create(session: &Session, argument: Argument<'_>) -> Answer {
    let request: ServerCreate = parse(argument)?;
    let server = session.shared.hub.create_server(&session.handle, request.into()).await?;
    done(ServerEntered { server: server.into() })
}

async fn server_update(session: &Session, argument: Argument<'_>) -> Answer {
    let ServerUpdate { server, name, image_url } = parse(argument)?;
    command(session, server, Command::UpdateServer { name, image_url }).await?;
    done(())
}

async fn server_transfer(session: &Session, argument: Argument<'_>) -> Answer {
    let ServerTransfer { server, to } = parse(argument)?;
    command(session, server, Command::HandOver { to: UserId::new(to) }).await?;
    done(())
}

async fn channel_create(session: &Session, argument: Argument<'_>) -> Answer {
    let request: ChannelCreate = parse(argument)?;
    let written = command(session, request.server.clone(), request.into()).await?;
    done(ChannelKept { channel: kept(written.channel())? })
}

async fn channel_update(session: &Session, argument: Argument<'_>) -> Answer {
    let request: ChannelUpdate = parse(argument)?;
    let written = command(session, request.server.clone(), request.into()).await?;
    done(ChannelKept { channel: kept(written.channel())? })
}

async fn channel_delete(session: &Session, argument: Argument<'_>) -> Answer {
    let ChannelRef { server, channel } = parse(argument)?;
    command(session, server, Command::DeleteChannel { channel: ChannelId::new(channel) }).await?;
    done(())
}

async fn channel_open(session: &Session, argument: Argument<'_>) -> Answer {
    let ChannelOpen { channel } = parse(argument)?;
    let room = session.shared.hub.open_call(&session.handle, &ChannelId::new(channel)).await?;
    done(ChannelOpened { room: room.to_string() })
}

async fn category_create(session: &Session, argument: Argument<'_>) -> Answer {
    let CategoryCreate { server, name, position } = parse(argument)?;
    let written = command(session, server, Command::CreateCategory { name, position }).await?;
    done(CategoryKept { category: kept(written.category())? })
}

async fn category_update(session: &Session, argument: Argument<'_>) -> Answer {
    let CategoryUpdate { server, category, name, position } = parse(argument)?;
    let category = CategoryId::new(category);
    let written = command(session, server, Command::UpdateCategory { category, name, position }).await?;
    done(CategoryKept { category: kept(written.category())? })
}

async fn category_delete(session: &Session, argument: Argument<'_>) -> Answer {
    let CategoryRef { server, category } = parse(argument)?;
    command(session, server, Command::DeleteCategory { category: CategoryId::new(category) }).await?;
    done(())
}

async fn role_create(session: &Session, argument: Argument<'_>) -> Answer {
    let request: RoleCreate = parse(argument)?;
    let written = command(session, request.server.clone(), request.into()).await?;
    done(RoleKept { role: kept(written.role())? })
}

async fn role_update(session: &Session, argument: Argument<'_>) -> Answer {
    let request: RoleUpdate = parse(argument)?;
    let written = command(session, request.server.clone(), request.into()).await?;
    done(RoleKept { role: kept(written.role())? })
}

async fn role_delete(session: &Session, argument: Argument<'_>) -> Answer {
    let RoleRef { server, role } = parse(argument)?;
    command(session, server, Command::DeleteRole { role: RoleId::new(role) }).await?;
    done(())
}

async fn member_list(session: &Session, argument: Argument<'_>) -> Answer {
    let ServerRef { server } = parse(argument)?;
    done(MembersListed { members: all(session.shared.hub.members(&session.handle, &ServerId::new(server)).await?) })
}

async fn member_update(session: &Session, argument: Argument<'_>) -> Answer {
    let request: MemberUpdate = parse(argument)?;
    command(session, request.server.clone(), request.into()).await?;
    done(())
}

async fn member_kick(session: &Session, argument: Argument<'_>) -> Answer {
    let MemberRef { server, user } = parse(argument)?;
    command(session, server, Command::Kick { user: UserId::new(user) }).await?;
    done(())
}

async fn member_ban(session: &Session, argument: Argument<'_>) -> Answer {
    let MemberBan { server, user, reason } = parse(argument)?;
    command(session, server, Command::Ban { user: UserId::new(user), reason }).await?;
    done(())
}

async fn member_unban(session: &Session, argument: Argument<'_>) -> Answer {
    let MemberRef { server, user } = parse(argument)?;
    command(session, server, Command::Unban { user: UserId::new(user) }).await?;
    done(())
}

async fn member_bans(session: &Session, argument: Argument<'_>) -> Answer {
    let ServerRef { server } = parse(argument)?;
    done(BansListed { bans: all(session.shared.hub.bans(&session.handle, &ServerId::new(server)).await?) })
}

async fn invite_create(session: &Session, argument: Argument<'_>) -> Answer {
    let request: InviteCreate = parse(argument)?;
    let server = ServerId::new(request.server.as_str());
    let created = session.shared.hub.create_invite(&session.handle, &server, request.into()).await?;
    done(InviteCreated { secret: created.secret, invite: created.invite.into() })
}

async fn invite_list(session: &Session, argument: Argument<'_>) -> Answer {
    let ServerRef { server } = parse(argument)?;
    done(InvitesListed { invites: all(session.shared.hub.invites(&session.handle, &ServerId::new(server)).await?) })
}

async fn invite_revoke(session: &Session, argument: Argument<'_>) -> Answer {
    let request: InviteRevoke = parse(argument)?;
    command(session, request.server.clone(), request.into()).await?;
    done(())
}

async fn invite_preview(session: &Session, argument: Argument<'_>) -> Answer {
    let InviteSecret { secret } = parse(argument)?;
    done(InvitePreview::from(session.shared.hub.preview_invite(&secret).await?))
}

async fn invite_accept(session: &Session, argument: Argument<'_>) -> Answer {
    let InviteSecret { secret } = parse(argument)?;
    let server = session.shared.hub.accept_invite(&session.handle, &secret).await?;
    done(ServerEntered { server: server.into() })
}

async fn schedule_list(session: &Session, argument: Argument<'_>) -> Answer {
    let ScheduleList { server, from, to } = parse(argument)?;
    let range = instant("from", &from)?..instant("to", &to)?;
    done(SchedulesListed { schedules: all(session.shared.hub.schedules(&session.handle, &ServerId::new(server), range).await?) })
}

async fn schedule_create(session: &Session, argument: Argument<'_>) -> Answer {
    let ScheduleCreate { server, schedule } = parse(argument)?;
    let written = command(session, server, Command::CreateSchedule(schedule.try_into()?)).await?;
    done(ScheduleKept { schedule: kept(written.schedule())? })
}

async fn schedule_update(session: &Session, argument: Argument<'_>) -> Answer {
    let request: ScheduleUpdate = parse(argument)?;
    let written = command(session, request.server.clone(), request.try_into()?).await?;
    done(ScheduleKept { schedule: kept(written.schedule())? })
}

async fn schedule_delete(session: &Session, argument: Argument<'_>) -> Answer {
    let ScheduleRef { server, id } = parse(argument)?;
    command(session, server, Command::DeleteSchedule { schedule: ScheduleId::new(id) }).await?;
    done(())
}

async fn chat_read(session: &Session, argument: Argument<'_>) -> Answer {
    let ChatRead { channel, seq } = parse(argument)?;
    let unread = session.shared.hub.mark_read(&session.handle, &ChannelId::new(channel), seq).await?;
    done(UnreadChanged { unread: unread.into() })
}

async fn chat_unread(session: &Session, argument: Argument<'_>) -> Answer {
    let ChatRead { channel, seq } = parse(argument)?;
    let unread = session.shared.hub.mark_unread(&session.handle, &ChannelId::new(channel), seq).await?;
    done(UnreadChanged { unread: unread.into() })
}

async fn unread_list(session: &Session, argument: Argument<'_>) -> Answer {
    let ServerRef { server } = parse(argument)?;
    done(UnreadListed { unread: all(session.shared.hub.unread(&session.handle, &ServerId::new(server)).await?) })
}

async fn receipts_watch(session: &Session, argument: Argument<'_>) -> Answer {
    let ReceiptsWatch { channel, watch } = parse(argument)?;
    let (hub, channel) = (&session.shared.hub, ChannelId::new(channel));
    if watch.unwrap_or(true) {
        hub.watch_receipts(&session.handle, &channel).await?;
    } else {
        hub.unwatch_receipts(&session.handle, &channel).await;
    }
    done(())
}

async fn presence_set(session: &Session, argument: Argument<'_>) -> Answer {
    let PresenceSet { status } = parse(argument)?;
    session.shared.hub.set_status(&session.handle, status.into()).await?;
    done(())
}

async fn presence_idle(session: &Session, argument: Argument<'_>) -> Answer {
    let PresenceIdle { idle } = parse(argument)?;
    session.shared.hub.set_idle(&session.handle, if idle { Idle::Yes } else { Idle::No }).await;
    done(())
}

/// For the fuzzer: an event up to where the hub would take it. `None` for one that isn't of servers.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn parses(event: &str, argument: Argument<'_>) -> Option<bool> {
    fn takes<T: serde::de::DeserializeOwned>(argument: Argument<'_>) -> bool {
        parse::<T>(argument).is_ok()
    }
    Some(match event {
        "server:list" => takes::<ServerList>(argument),
        "server:create" => parse::<ServerCreate>(argument).map(rooms::community::CreateServer::from).is_ok(),
        "server:update" => takes::<ServerUpdate>(argument),
        "server:transfer" => takes::<ServerTransfer>(argument),
        "server:delete" | "server:leave" | "member:list" | "member:bans" | "invite:list" | "unread:list" => takes::<ServerRef>(argument),
        "channel:create" => parse::<ChannelCreate>(argument).map(Command::from).is_ok(),
        "channel:update" => parse::<ChannelUpdate>(argument).map(Command::from).is_ok(),
        "channel:delete" => takes::<ChannelRef>(argument),
        "channel:open" => takes::<ChannelOpen>(argument),
        "category:create" => takes::<CategoryCreate>(argument),
        "category:update" => takes::<CategoryUpdate>(argument),
        "category:delete" => takes::<CategoryRef>(argument),
        "role:create" => parse::<RoleCreate>(argument).map(Command::from).is_ok(),
        "role:update" => parse::<RoleUpdate>(argument).map(Command::from).is_ok(),
        "role:delete" => takes::<RoleRef>(argument),
        "member:update" => parse::<MemberUpdate>(argument).map(Command::from).is_ok(),
        "member:kick" | "member:unban" => takes::<MemberRef>(argument),
        "member:ban" => takes::<MemberBan>(argument),
        "invite:create" => takes::<InviteCreate>(argument),
        "invite:revoke" => takes::<InviteRevoke>(argument),
        "invite:preview" | "invite:accept" => takes::<InviteSecret>(argument),
        "schedule:list" => {
            parse::<ScheduleList>(argument).and_then(|list| Ok((instant("from", &list.from)?, instant("to", &list.to)?))).is_ok()
        }
        "schedule:create" => {
            let new = parse::<ScheduleCreate>(argument).and_then(|request| rooms::community::NewSchedule::try_from(request.schedule));
            new.is_ok()
        }
        "schedule:update" => parse::<ScheduleUpdate>(argument).and_then(Command::try_from).is_ok(),
        "schedule:delete" => takes::<ScheduleRef>(argument),
        "chat:read" | "chat:unread" => takes::<ChatRead>(argument),
        "receipts:watch" => takes::<ReceiptsWatch>(argument),
        "presence:set" => takes::<PresenceSet>(argument),
        "presence:idle" => takes::<PresenceIdle>(argument),
        _ => return None,
    })
}
