//! What is another server's is answered as what is nowhere, on every request; and for strangers and `room` tokens there is nothing.

use super::*;
use crate::community::NewSchedule;
use crate::store::InviteRecord;
use crate::{CategoryId, InviteId, ScheduleId};

/// Everything of a server that has an id.
struct Ids {
    server: ServerId,
    channel: ChannelId,
    category: CategoryId,
    role: RoleId,
    member: UserId,
    invite: InviteId,
    schedule: ScheduleId,
}

fn nowhere() -> Ids {
    let id = "nowhere";
    Ids {
        server: ServerId::new(id),
        channel: ChannelId::new(id),
        category: CategoryId::new(id),
        role: RoleId::new(id),
        member: UserId::new(id),
        invite: InviteId::new(id),
        schedule: ScheduleId::new(id),
    }
}

fn schedule() -> NewSchedule {
    let starts_at = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    NewSchedule { title: "회식".to_owned(), description: String::new(), starts_at, ends_at: None, color: None, remind_before: None }
}

/// A server that is all its own.
async fn ids(bench: &Bench, owner: &Client, member: &str) -> Ids {
    let view = bench.hub.create_server(&owner.session, creation("own")).await.unwrap();
    let server = view.tree.server.id.clone();
    let new = NewInvite { role: None, ttl: None, max_uses: None };
    let created = bench.hub.create_invite(&owner.session, &server, new).await.unwrap();
    let InviteRecord { id: invite, .. } = created.invite;
    bench.hub.accept_invite(&bench.client(member).session, &created.secret).await.unwrap();
    let made = bench.hub.command(&owner.session, &server, Command::CreateSchedule(schedule())).await.unwrap();
    Ids {
        channel: view.tree.channels.values().find(|channel| channel.kind != ChannelKind::Text).unwrap().id.clone(),
        category: view.tree.categories.keys().next().unwrap().clone(),
        role: view.tree.roles.keys().next().unwrap().clone(),
        member: UserId::new(member),
        schedule: made.schedule().unwrap().id.clone(),
        server,
        invite,
    }
}

/// Every command that names something.
fn commands(ids: &Ids) -> Vec<Command> {
    let Ids { channel, category, role, member, invite, schedule: entry, .. } = ids;
    let (channel, category, role, user) = (channel.clone(), category.clone(), role.clone(), member.clone());
    let change = |change: ChannelChange| Command::UpdateChannel { channel: channel.clone(), change };
    let private = |users: &[UserId], roles: &[RoleId]| Some(Private { users: users.to_vec(), roles: roles.to_vec() });
    let new = |category: Option<CategoryId>, private: Option<Private>| {
        let (name, kind) = ("c".to_owned(), ChannelKind::Text);
        Command::CreateChannel(NewChannel { name, kind, category, private, position: None, slow_mode: None })
    };
    let update = Command::UpdateRole { role: role.clone(), name: Some("r".to_owned()), color: None, permissions: None, rank: None };
    vec![
        Command::HandOver { to: user.clone() },
        new(Some(category.clone()), None),
        new(None, private(std::slice::from_ref(&user), &[])),
        new(None, private(&[], std::slice::from_ref(&role))),
        change(ChannelChange { name: Some("c".to_owned()), ..ChannelChange::default() }),
        change(ChannelChange { private: Some(None), ..ChannelChange::default() }),
        Command::DeleteChannel { channel: channel.clone() },
        Command::UpdateCategory { category: category.clone(), name: Some("k".to_owned()), position: None },
        Command::DeleteCategory { category },
        update,
        Command::DeleteRole { role: role.clone() },
        Command::UpdateMember { user: user.clone(), nickname: Some(None), roles: None },
        Command::UpdateMember { user: user.clone(), nickname: None, roles: Some(vec![]) },
        Command::UpdateMember { user: UserId::new("ann"), nickname: None, roles: Some(vec![role.clone()]) },
        Command::Kick { user },
        Command::CreateInvite(NewInvite { role: Some(role), ttl: None, max_uses: None }),
        Command::RevokeInvite { invite: invite.clone() },
        Command::UpdateSchedule { schedule: entry.clone(), to: schedule() },
        Command::DeleteSchedule { schedule: entry.clone() },
    ]
}

fn text<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(error @ Error::NotFound(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Every request that names a server, in words.
async fn asked_of_server(bench: &Bench, client: &Client, ids: &Ids) -> Vec<String> {
    let (hub, session, server) = (&bench.hub, &client.session, &ids.server);
    let mut said = vec![
        text(hub.members(session, server).await),
        text(hub.bans(session, server).await),
        text(hub.invites(session, server).await),
        text(hub.unread(session, server).await),
        text(hub.schedules(session, server, SystemTime::UNIX_EPOCH..SystemTime::now()).await),
        text(hub.create_invite(session, server, NewInvite { role: None, ttl: None, max_uses: None }).await),
    ];
    let unnamed = [
        rename("n"),
        Command::DeleteServer,
        Command::Leave,
        Command::CreateSchedule(schedule()),
        Command::CreateCategory { name: "k".to_owned(), position: None },
        Command::Ban { user: UserId::new("x"), reason: None },
        Command::Unban { user: UserId::new("x") },
    ];
    for command in commands(ids).into_iter().chain(unnamed) {
        said.push(text(hub.command(session, server, command).await));
    }
    said
}

/// Every request that names a channel, in words.
async fn asked_of_channel(bench: &Bench, client: &Client, ids: &Ids) -> Vec<String> {
    let (hub, session, channel) = (&bench.hub, &client.session, &ids.channel);
    let message = SendMessage { nonce: Nonce("n".to_owned()), text: "짠".to_owned(), reply_to: None, attachments: vec![] };
    vec![
        text(hub.send(session, channel, message).await),
        text(hub.edit(session, channel, 1, "짠".to_owned()).await),
        text(hub.delete(session, channel, 1).await),
        text(hub.history(session, channel, Cursor::Newest, 1).await),
        text(hub.mark_read(session, channel, 1).await),
        text(hub.mark_unread(session, channel, 1).await),
        text(hub.watch_receipts(session, channel).await),
        text(hub.open_call(session, channel).await),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_is_another_servers_is_answered_as_what_is_nowhere() {
    let bench = Bench::start().await;
    let (ann, bob) = (bench.client("ann"), bench.client("bob"));
    let (here, there) = (ids(&bench, &ann, "amy").await, ids(&bench, &bob, "ben").await);
    for (foreign, unknown) in commands(&there).into_iter().zip(commands(&nowhere())) {
        let told = text(bench.hub.command(&ann.session, &here.server, foreign.clone()).await);
        assert_eq!(told, text(bench.hub.command(&ann.session, &here.server, unknown).await), "{foreign:?}");
        assert_eq!(told, text(bench.hub.command_as_backend(&here.server, foreign.clone()).await), "{foreign:?}");
    }
    let strangers = [bench.client("cho"), bench.client_as("guest", Grants::Room(token(&RoomId::new("room"))))];
    for stranger in strangers.iter().chain([&ann]) {
        assert_eq!(asked_of_server(&bench, stranger, &there).await, asked_of_server(&bench, stranger, &nowhere()).await);
        assert_eq!(asked_of_channel(&bench, stranger, &there).await, asked_of_channel(&bench, stranger, &nowhere()).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_token_of_a_member_opens_no_server() {
    let club = Club::start().await;
    let room = club.bench.hub.open_call(&club.ann.session, &club.voice).await.unwrap();
    let (hub, guest) = (&club.bench.hub, club.bench.client_as("ann", Grants::Room(token(&room))));
    assert_eq!(hub.servers(&guest.session).await, Err(Error::NotFound("server")));
    assert_eq!(hub.members(&guest.session, &club.id).await, Err(Error::NotFound("server")));
    assert_eq!(hub.create_server(&guest.session, creation("2")).await, Err(Error::NotFound("server")));
    assert_eq!(hub.accept_invite(&guest.session, &club.secret(None).await).await, Err(Error::NotFound("server")));
    assert_eq!(hub.history(&guest.session, &club.text, Cursor::Newest, 1).await, Err(Error::NotFound("channel")));
    let join = JoinRoom { room, password: None, offer: None, part: Part::Person };
    assert_eq!(hub.join(&guest.session, join).await, Err(Error::NotFound("room")), "its server says who calls, and not a token");
}
