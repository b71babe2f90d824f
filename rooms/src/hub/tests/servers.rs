//! Servers through the hub: what everybody finds, what is taken away at once, and what is given.

mod calls;
mod faults;
mod foreign;
mod lives;
mod receipts;
mod unread;

use super::*;
use crate::community::{
    ChannelChange, Command, CreateServer, DefaultNames, DepartReason, NewChannel, NewInvite, Permission, Permissions, Private,
};
use crate::store::ChannelKind;
use crate::view::Message;
use crate::{RoleId, ServerId, UserId};

/// A server with its first two channels, and its owner's session.
struct Club {
    bench: Bench,
    ann: Client,
    id: ServerId,
    text: ChannelId,
    voice: ChannelId,
}

fn defaults() -> DefaultNames {
    let [text_category, text_channel, voice_category, voice_channel] = ["글", "수다", "말", "건배"].map(str::to_owned);
    DefaultNames { text_category, text_channel, voice_category, voice_channel }
}

fn creation(nonce: &str) -> CreateServer {
    CreateServer { name: "술모임".to_owned(), image_url: None, nonce: Nonce(nonce.to_owned()), defaults: defaults() }
}

fn rename(name: &str) -> Command {
    Command::UpdateServer { name: Some(name.to_owned()), image_url: None }
}

fn assign(user: &str, roles: &[RoleId]) -> Command {
    Command::UpdateMember { user: UserId::new(user), nickname: None, roles: Some(roles.to_vec()) }
}

fn restrict(channel: &ChannelId, private: Option<Private>) -> Command {
    let change = ChannelChange { private: Some(private), ..ChannelChange::default() };
    Command::UpdateChannel { channel: channel.clone(), change }
}

fn only(user: &str) -> Private {
    Private { users: vec![UserId::new(user)], roles: vec![] }
}

fn kick(user: &str) -> Command {
    Command::Kick { user: UserId::new(user) }
}

impl Club {
    async fn start() -> Self {
        Self::of(Bench::start_with(Config { chat_rate: None, ..Config::default() }, Arc::default()).await).await
    }

    async fn of(bench: Bench) -> Self {
        let mut ann = bench.client("ann");
        let view = bench.hub.create_server(&ann.session, creation("1")).await.unwrap();
        let channel = |is_text: bool| view.tree.channels.values().find(|c| (c.kind == ChannelKind::Text) == is_text).unwrap().id.clone();
        let (id, text, voice) = (view.tree.server.id.clone(), channel(true), channel(false));
        ann.told();
        Self { bench, ann, id, text, voice }
    }

    async fn secret(&self, max_uses: Option<u32>) -> String {
        let new = NewInvite { role: None, ttl: None, max_uses };
        self.bench.hub.create_invite(&self.ann.session, &self.id, new).await.unwrap().secret
    }

    /// A session of a user who is a member from now on.
    async fn member(&self, user: &str) -> Client {
        let mut client = self.bench.client(user);
        self.bench.hub.accept_invite(&client.session, &self.secret(None).await).await.unwrap();
        client.told();
        client
    }

    /// One more session of a member.
    async fn device(&self, user: &str) -> Client {
        let mut client = self.bench.client(user);
        assert_eq!(self.bench.hub.servers(&client.session).await.unwrap().len(), 1);
        client.told();
        client
    }

    /// Done by the owner.
    async fn done(&self, command: Command) -> Done {
        self.bench.hub.command(&self.ann.session, &self.id, command).await.unwrap()
    }

    async fn role(&self, permissions: &[Permission]) -> RoleId {
        let create = Command::CreateRole { name: "r".to_owned(), color: None, permissions: Permissions::of(permissions), rank: 10 };
        self.done(create).await.role().unwrap().id.clone()
    }

    async fn channel(&self, private: Option<Private>) -> ChannelId {
        let (name, kind) = ("방".to_owned(), ChannelKind::Text);
        let new = NewChannel { name, kind, category: None, private, position: None, slow_mode: None };
        self.done(Command::CreateChannel(new)).await.channel().unwrap().id.clone()
    }

    async fn say(&self, client: &Client, channel: &ChannelId) -> Result<Message> {
        let request = SendMessage { nonce: Nonce(crate::random_id("n")), text: "짠".to_owned(), reply_to: None, attachments: vec![] };
        self.bench.hub.send(&client.session, channel, request).await
    }

    /// What a client was told when all is quiet.
    async fn heard(&self, client: &mut Client) -> Vec<Event> {
        // The clock is the test's: it moves on when nothing else does.
        tokio::time::sleep(Duration::from_millis(10)).await;
        client.told()
    }

    /// The client hears nothing of a message in the channel, and finds no such channel.
    async fn is_closed_to(&self, client: &mut Client, channel: &ChannelId) {
        client.told();
        let gone = Error::NotFound("channel");
        let hub = &self.bench.hub;
        assert_eq!(hub.history(&client.session, channel, Cursor::Newest, 1).await, Err(gone.clone()));
        assert_eq!(self.say(client, channel).await, Err(gone.clone()));
        assert_eq!(hub.mark_read(&client.session, channel, 1).await, Err(gone.clone()));
        assert_eq!(hub.mark_unread(&client.session, channel, 1).await, Err(gone.clone()));
        assert_eq!(hub.open_call(&client.session, channel).await, Err(gone));
        if self.say(&self.ann, channel).await.is_ok() {
            assert_eq!(self.heard(client).await, []);
        }
    }
}

fn closed(club: &Club, channel: &ChannelId) -> Event {
    Event::ChannelDeleted { server: club.id.clone(), channel: channel.clone() }
}

fn out(club: &Club, reason: DepartReason) -> Event {
    Event::ServerDeleted { server: club.id.clone(), reason }
}

/// Those events that tell of channels and servers that come and go.
fn comings(events: Vec<Event>) -> Vec<Event> {
    let is_one = |event: &Event| {
        matches!(
            event,
            Event::ChannelCreated { .. } | Event::ChannelDeleted { .. } | Event::ServerAdded { .. } | Event::ServerDeleted { .. }
        )
    };
    events.into_iter().filter(is_one).collect()
}

#[tokio::test(start_paused = true)]
async fn a_role_taken_away_takes_its_channel_and_its_rights_at_once() {
    let club = Club::start().await;
    let (role, mut bob) = (club.role(&[Permission::ManageServer]).await, club.member("bob").await);
    let secret = club.channel(Some(Private { users: vec![], roles: vec![role.clone()] })).await;
    club.is_closed_to(&mut bob, &secret).await;
    club.say(&club.ann, &secret).await.unwrap();
    let party = club.bench.hub.servers(&bob.session).await.unwrap()[0].me.roles.clone();
    club.done(assign("bob", &[party.clone(), vec![role.clone()]].concat())).await;
    let came = comings(club.heard(&mut bob).await);
    assert!(matches!(&came[..], [Event::ChannelCreated { channel, .. }] if channel.id == secret), "{came:?}");
    let unread = club.bench.hub.unread(&bob.session, &club.id).await.unwrap();
    assert_eq!(unread.iter().find(|unread| unread.channel == secret).map(|unread| (unread.head, unread.unread)), Some((2, 0)));
    club.say(&club.ann, &secret).await.unwrap();
    assert!(matches!(club.heard(&mut bob).await[..], [Event::ChatMessage { .. }]), "from now on");
    assert!(club.bench.hub.command(&bob.session, &club.id, rename("밥의")).await.is_ok());
    bob.told();
    club.done(assign("bob", &party)).await;
    assert_eq!(comings(club.heard(&mut bob).await), [closed(&club, &secret)]);
    club.is_closed_to(&mut bob, &secret).await;
    let refused = club.bench.hub.command(&bob.session, &club.id, rename("밥의")).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    assert!(club.say(&bob, &club.text).await.is_ok(), "what everyone reads is read as before");
}

#[tokio::test(start_paused = true)]
async fn a_channel_made_private_is_gone_for_who_is_not_listed_and_comes_back_with_nothing_unread() {
    let club = Club::start().await;
    let (mut bob, mut cho) = (club.member("bob").await, club.member("cho").await);
    bob.told();
    club.done(restrict(&club.text, Some(only("cho")))).await;
    assert_eq!(comings(club.heard(&mut bob).await), [closed(&club, &club.text)]);
    assert_eq!(comings(club.heard(&mut cho).await), []);
    club.is_closed_to(&mut bob, &club.text).await;
    club.say(&cho, &club.text).await.unwrap();
    club.done(restrict(&club.text, None)).await;
    let came = comings(club.heard(&mut bob).await);
    assert!(matches!(&came[..], [Event::ChannelCreated { channel, .. }] if channel.id == club.text), "{came:?}");
    let unread = club.bench.hub.unread(&bob.session, &club.id).await.unwrap();
    assert!(unread.iter().all(|unread| unread.unread == 0), "{unread:?}");
    club.say(&cho, &club.text).await.unwrap();
    assert!(matches!(club.heard(&mut bob).await[..], [Event::ChatMessage { .. }]));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_put_out_hears_it_once_on_every_device_and_nothing_more() {
    let club = Club::start().await;
    for (command, reason) in [
        (kick("bob"), DepartReason::Kicked),
        (Command::Ban { user: UserId::new("bob"), reason: Some("취함".to_owned()) }, DepartReason::Banned),
    ] {
        let (mut bob, mut phone) = (club.member("bob").await, club.device("bob").await);
        let secret = club.channel(Some(only("bob"))).await;
        bob.told();
        phone.told();
        club.done(command).await;
        for device in [&mut bob, &mut phone] {
            assert_eq!(club.heard(device).await, [out(&club, reason)]);
            for channel in [&club.text, &secret] {
                club.is_closed_to(device, channel).await;
            }
            club.done(rename("밥 없이")).await;
            assert_eq!(club.heard(device).await, []);
            let refused = club.bench.hub.members(&device.session, &club.id).await;
            assert_eq!(refused, Err(Error::NotFound("server")));
            assert_eq!(club.bench.hub.servers(&device.session).await, Ok(vec![]));
        }
        let listed = &club.bench.hub.servers(&club.ann.session).await.unwrap()[0].tree.channels[&secret].access;
        assert_eq!(*listed, crate::store::Access::private(Default::default(), Default::default()));
    }
    let bob = club.bench.client("bob");
    let refused = club.bench.hub.accept_invite(&bob.session, &club.secret(None).await).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    club.done(Command::Unban { user: UserId::new("bob") }).await;
    assert!(club.bench.hub.accept_invite(&bob.session, &club.secret(None).await).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_is_let_into_no_private_channel_by_what_was_before() {
    let club = Club::start().await;
    let bob = club.member("bob").await;
    let secret = club.channel(Some(only("bob"))).await;
    club.bench.hub.command(&bob.session, &club.id, Command::Leave).await.unwrap();
    let mut bob = club.member("bob").await;
    club.is_closed_to(&mut bob, &secret).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_is_told_once_and_is_nowhere() {
    let mut club = Club::start().await;
    let mut bob = club.member("bob").await;
    let (extra, text) = (club.channel(None).await, club.text.clone());
    club.say(&bob, &extra).await.unwrap();
    club.heard(&mut bob).await;
    club.done(Command::DeleteChannel { channel: extra.clone() }).await;
    assert_eq!(comings(club.heard(&mut bob).await), [closed(&club, &extra)]);
    club.is_closed_to(&mut bob, &extra).await;
    assert_eq!(club.say(&club.ann, &extra).await, Err(Error::NotFound("channel")), "the owner neither");
    club.ann.told();
    club.done(Command::DeleteServer).await;
    assert_eq!(club.heard(&mut bob).await, [out(&club, DepartReason::Deleted)]);
    assert_eq!(club.ann.told(), [out(&club, DepartReason::Deleted)]);
    club.is_closed_to(&mut bob, &text).await;
    let again = club.bench.hub.command(&club.ann.session, &club.id, Command::DeleteServer).await;
    assert_eq!(again, Err(Error::NotFound("server")));
    assert_eq!(club.bench.hub.node.communities.counts(), [0, 0, 2, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_owner_stays_until_the_server_is_handed_over() {
    let club = Club::start().await;
    let bob = club.member("bob").await;
    let hub = &club.bench.hub;
    let conflict = |refused: Result<Done>| assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    conflict(hub.command(&club.ann.session, &club.id, Command::Leave).await);
    conflict(hub.command_as_backend(&club.id, kick("ann")).await);
    conflict(hub.command_as_backend(&club.id, Command::Ban { user: UserId::new("ann"), reason: None }).await);
    club.done(Command::HandOver { to: UserId::new("bob") }).await;
    assert!(hub.command(&club.ann.session, &club.id, Command::Leave).await.is_ok());
    assert!(hub.command(&bob.session, &club.id, Command::DeleteServer).await.is_ok());
}
