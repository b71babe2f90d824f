//! Inboxes: whom a message, an invitation, a calendar and a backend reach, once, and whom they don't.

use super::*;
use crate::community::{Command, CreateServer, DefaultNames, NewChannel, NewInvite, NewSchedule, Private, ServerView};
use crate::inbox::{Answer, BackendNotice, Owner};
use crate::mail::{MailError, MailInvitation, Mailer};
use crate::store::{
    About, ChannelKind, CommunityStore as _, Invitation, Notice, Notification, NotificationStore as _, Place, Reading, Seek,
};
use crate::{NotificationId, ServerId, UserId};
use std::sync::Mutex;

async fn community(bench: &Bench, owner: &Client, members: &[&Client]) -> ServerView {
    let names = DefaultNames {
        text_category: "채팅".to_owned(),
        text_channel: "일반".to_owned(),
        voice_category: "음성".to_owned(),
        voice_channel: "음성".to_owned(),
    };
    let request = CreateServer { name: "술친구".to_owned(), image_url: None, nonce: Nonce(crate::random_id("n")), defaults: names };
    let server = bench.hub.create_server(&owner.session, request).await.unwrap();
    let id = &server.tree.server.id;
    let invite = bench.hub.create_invite(&owner.session, id, NewInvite { role: None, ttl: None, max_uses: None }).await.unwrap();
    for member in members {
        bench.hub.accept_invite(&member.session, &invite.secret).await.unwrap();
    }
    server
}

fn channel(server: &ServerView, kind: fn(&ChannelKind) -> bool) -> ChannelId {
    server.tree.channels.values().find(|channel| kind(&channel.kind)).unwrap().id.clone()
}

fn text_channel(server: &ServerView) -> ChannelId {
    channel(server, |kind| *kind == ChannelKind::Text)
}

impl Bench {
    fn reader(&self, user: &str) -> Client {
        let client = self.client(user);
        self.hub.session_began(&client.session);
        client
    }

    async fn say(&self, client: &Client, channel: &ChannelId, text: &str, reply_to: Option<u64>) -> u64 {
        let request = SendMessage { nonce: Nonce(crate::random_id("n")), text: text.to_owned(), reply_to, attachments: vec![] };
        self.hub.send(&client.session, channel, request).await.unwrap().seq
    }

    async fn inbox(&self, client: &Client) -> Vec<Notification> {
        let owner = owner(client);
        self.hub.notifications(&owner, Seek::Newest, 100).await.unwrap().inbox.notifications
    }
}

impl Client {
    /// The next notification that is pushed, with the count beside it.
    async fn notified(&mut self) -> (Notification, u64) {
        loop {
            if let Event::NotificationNew { notification, unread } = self.next().await {
                return (*notification, unread);
            }
        }
    }

    fn id(&self) -> &UserId {
        &self.session.user.id
    }
}

fn owner(client: &Client) -> Owner {
    Owner::of(&client.session.user, &client.session.grants).unwrap()
}

fn place(server: &ServerView, channel: &ChannelId, message_seq: u64, by: &str) -> Place {
    Place { server: server.tree.server.id.clone(), channel: channel.clone(), message_seq, by: person(by) }
}

/// What is in the courier's queue is delivered in any order, so what isn't to come is looked for after something that comes.
#[tokio::test]
async fn a_message_reaches_whom_it_names_and_whose_message_it_answers() {
    let bench = Bench::start().await;
    let (ana, mut bo, mut cy, mut stranger) = (bench.reader("ana"), bench.reader("bo"), bench.reader("cy"), bench.reader("stranger"));
    let server = community(&bench, &ana, &[&bo, &cy]).await;
    let channel = text_channel(&server);
    let first = bench.say(&bo, &channel, "<@everyone> <@stranger> <@bo> <@cy>", None).await;
    let (told, unread) = cy.notified().await;
    assert_eq!((told.about, told.seq, unread), (About::Mention(place(&server, &channel, first, "bo")), 1, 1));
    let answer = bench.say(&ana, &channel, "짠", Some(first)).await;
    let (told, unread) = bo.notified().await;
    assert_eq!((told.about, told.seq, unread), (About::Reply(place(&server, &channel, answer, "ana")), 1, 1), "not of one's own");
    assert!(stranger.told().is_empty() && bench.inbox(&stranger).await.is_empty(), "who is no member reads nothing");
    assert!(bench.inbox(&ana).await.is_empty(), "everyone isn't a name, and nobody is told of what it wrote itself");
    assert_eq!((bench.inbox(&cy).await.len(), bench.inbox(&bo).await.len()), (1, 1));
}

#[tokio::test]
async fn a_channel_that_somebody_does_not_read_mentions_it_to_nobody() {
    let bench = Bench::start().await;
    let (ana, mut bo, cy) = (bench.reader("ana"), bench.reader("bo"), bench.reader("cy"));
    let server = community(&bench, &ana, &[&bo, &cy]).await;
    let private = Some(Private { users: vec![bo.id().clone()], roles: vec![] });
    let new = NewChannel { name: "비밀".to_owned(), kind: ChannelKind::Text, category: None, private, position: None, slow_mode: None };
    let done = bench.hub.command(&ana.session, &server.tree.server.id, Command::CreateChannel(new)).await.unwrap();
    let secret = done.channel().unwrap().id.clone();
    let seq = bench.say(&ana, &secret, "<@cy> <@bo>", None).await;
    assert_eq!(bo.notified().await.0.about, About::Mention(place(&server, &secret, seq, "ana")));
    assert_eq!(bench.inbox(&cy).await, []);
}

#[tokio::test]
async fn an_edit_reaches_those_alone_whom_it_adds() {
    let bench = Bench::start().await;
    let (ana, mut bo, mut cy) = (bench.reader("ana"), bench.reader("bo"), bench.reader("cy"));
    let server = community(&bench, &ana, &[&bo, &cy]).await;
    let channel = text_channel(&server);
    let seq = bench.say(&ana, &channel, "<@bo>", None).await;
    bo.notified().await;
    bench.hub.edit(&ana.session, &channel, seq, "<@bo>!".to_owned()).await.unwrap();
    bench.hub.edit(&ana.session, &channel, seq, "<@bo> <@cy>".to_owned()).await.unwrap();
    assert_eq!(cy.notified().await.0.about, About::Mention(place(&server, &channel, seq, "ana")));
    assert_eq!((bench.inbox(&bo).await.len(), bench.inbox(&cy).await.len()), (1, 1));
}

#[tokio::test]
async fn rooms_where_all_are_there_fill_no_inbox() {
    let bench = Bench::start().await;
    let room = bench.room("ana", 2, None).await;
    let (ana, mut bo) = (bench.reader("ana"), bench.reader("bo"));
    bench.join(&ana, &room).await.unwrap();
    bench.join(&bo, &room).await.unwrap();
    let seq = bench.say(&bo, &room.channel, "hi", None).await;
    bench.say(&ana, &room.channel, "<@bo>", Some(seq)).await;
    let server = community(&bench, &ana, &[&bo]).await;
    bench.say(&ana, &text_channel(&server), "<@bo>", None).await;
    assert!(matches!(bo.notified().await.0.about, About::Mention(place) if place.channel == text_channel(&server)));
    assert_eq!(bench.inbox(&bo).await.len(), 1);
}

#[tokio::test]
async fn reading_is_told_to_all_sessions_and_a_foreign_id_is_not_there() {
    let bench = Bench::start().await;
    let (mut phone, mut laptop, bo) = (bench.reader("ana"), bench.reader("ana"), bench.reader("bo"));
    let notice = |user: &Client, title: &str| BackendNotice {
        backend: "shop".to_owned(),
        user: user.id().clone(),
        notice: Notice { title: title.to_owned(), body: String::new(), url: None, data: None },
        key: None,
    };
    let hers = bench.hub.notify_as_backend(notice(&phone, "1")).await.unwrap();
    bench.hub.notify_as_backend(notice(&phone, "2")).await.unwrap();
    let his = bench.hub.notify_as_backend(notice(&bo, "1")).await.unwrap();
    assert_eq!((phone.notified().await.1, phone.notified().await.1), (1, 2));
    let foreign = bench.hub.read_notifications(&owner(&phone), Reading::Ids(vec![hers.id.clone(), his.id])).await;
    assert_eq!(foreign, Err(Error::NotFound("notification")));
    assert_eq!(bench.hub.read_notifications(&owner(&phone), Reading::Ids(vec![hers.id.clone()])).await, Ok(1));
    laptop.notified().await;
    laptop.notified().await;
    let read = Event::NotificationRead { reading: Reading::Ids(vec![hers.id]), unread: 1 };
    assert_eq!((laptop.next().await, phone.next().await), (read.clone(), read));
    assert_eq!(bench.hub.read_notifications(&owner(&laptop), Reading::UpTo(9)).await, Ok(0));
    let many = (0..101).map(|n| NotificationId::new(n.to_string())).collect();
    assert!(matches!(bench.hub.read_notifications(&owner(&phone), Reading::Ids(many)).await, Err(Error::Invalid { field: "ids", .. })));
    bench.hub.session_ended(&laptop.session.id, LeaveReason::Left).await;
    bench.hub.notify_as_backend(notice(&phone, "3")).await.unwrap();
    assert_eq!(phone.told().len(), 2, "the reading, and the third");
    assert_eq!(laptop.told().len(), 1, "the reading: it has ended by then");
}

#[tokio::test]
async fn a_key_of_a_backend_stands_for_one_notification() {
    let bench = Bench::start().await;
    let mut ana = bench.reader("ana");
    let notice = |backend: &str, title: &str, key: &str| BackendNotice {
        backend: backend.to_owned(),
        user: UserId::new("ana"),
        notice: Notice { title: title.to_owned(), body: "b".to_owned(), url: None, data: None },
        key: Some(key.to_owned()),
    };
    let first = bench.hub.notify_as_backend(notice("shop", "1", "k")).await.unwrap();
    assert_eq!(bench.hub.notify_as_backend(notice("shop", "1", "k")).await, Ok(first));
    assert_eq!(bench.hub.notify_as_backend(notice("shop", "2", "k")).await, Err(Error::Conflict(crate::inbox::KEY_USED)));
    assert_eq!(bench.hub.notify_as_backend(notice("other", "2", "k")).await.unwrap().seq, 2, "of another backend");
    assert!(matches!(bench.hub.notify_as_backend(notice("shop", "", "k2")).await, Err(Error::Invalid { field: "title", .. })));
    assert!(matches!(bench.hub.notify_as_backend(notice("shop", "t", "")).await, Err(Error::Invalid { field: "key", .. })));
    assert_eq!((ana.notified().await.1, ana.notified().await.1), (1, 2));
    assert!(ana.told().is_empty());
}

#[tokio::test]
async fn an_invited_user_accepts_once_and_comes_in() {
    let bench = Bench::start().await;
    let (ana, mut bo, mut tablet, cy) = (bench.reader("ana"), bench.reader("bo"), bench.reader("bo"), bench.reader("cy"));
    let id = community(&bench, &ana, &[&cy]).await.tree.server.id;
    assert_eq!(bench.hub.invite_user(&bo.session, &id, cy.id()).await.unwrap_err(), Error::NotFound("server"));
    assert!(matches!(bench.hub.invite_user(&ana.session, &id, cy.id()).await, Err(Error::Conflict(_))), "a member");
    let invited = bench.hub.invite_user(&ana.session, &id, bo.id()).await.unwrap();
    assert_eq!(bench.hub.invite_user(&cy.session, &id, bo.id()).await.unwrap().id, invited.id, "whoever invites, once");
    let (told, unread) = bo.notified().await;
    let about = |state| About::ServerInvite { server: id.clone(), name: "술친구".to_owned(), by: person("ana"), state };
    assert_eq!((&told.about, unread), (&about(Invitation::Open), 1));
    assert!(matches!(bo.next().await, Event::InviteReceived { notification } if notification.id == told.id));
    assert_eq!(bench.hub.answer_invitation(&cy.session, &told.id, Answer::Accept).await.unwrap_err(), Error::NotFound("invitation"));
    let server = bench.hub.answer_invitation(&bo.session, &told.id, Answer::Accept).await.unwrap().unwrap();
    assert_eq!(server.tree.server.id, id);
    tablet.notified().await;
    let updated = loop {
        if let Event::NotificationUpdated { notification, unread } = tablet.next().await {
            break (notification.about, unread);
        }
    };
    assert_eq!(updated, (about(Invitation::Accepted), 0));
    let again = bench.hub.answer_invitation(&bo.session, &told.id, Answer::Accept).await.unwrap().unwrap();
    assert_eq!(again.tree.server.id, id, "a retry");
    assert!(matches!(bench.hub.answer_invitation(&bo.session, &told.id, Answer::Decline).await, Err(Error::Conflict(_))));
    bench.hub.command(&bo.session, &id, Command::Leave).await.unwrap();
    let left = bench.hub.answer_invitation(&bo.session, &told.id, Answer::Accept).await;
    assert!(matches!(left, Err(Error::Conflict(_))), "it lets nobody in twice");
    assert!(matches!(bench.hub.invite_user(&ana.session, &id, bo.id()).await, Err(Error::Conflict(_))), "answered within a day");
}

#[tokio::test]
async fn a_declined_invitation_lets_nobody_in_and_a_banned_user_stays_out() {
    let bench = Bench::start().await;
    let (ana, mut bo, mut cy) = (bench.reader("ana"), bench.reader("bo"), bench.reader("cy"));
    let id = community(&bench, &ana, &[]).await.tree.server.id;
    bench.hub.invite_user(&ana.session, &id, bo.id()).await.unwrap();
    let invited = bo.notified().await.0.id;
    assert_eq!(bench.hub.answer_invitation(&bo.session, &invited, Answer::Decline).await, Ok(None));
    assert_eq!(bench.hub.answer_invitation(&bo.session, &invited, Answer::Decline).await, Ok(None), "a retry");
    assert!(matches!(bench.hub.answer_invitation(&bo.session, &invited, Answer::Accept).await, Err(Error::Conflict(_))));
    assert!(matches!(bench.hub.invite_user(&ana.session, &id, bo.id()).await, Err(Error::Conflict(_))));
    bench.hub.invite_user(&ana.session, &id, cy.id()).await.unwrap();
    let invited = cy.notified().await.0.id;
    bench.hub.command(&ana.session, &id, Command::Ban { user: cy.id().clone(), reason: None }).await.unwrap();
    assert!(matches!(bench.hub.invite_user(&ana.session, &id, cy.id()).await, Err(Error::Forbidden(_))));
    assert!(matches!(bench.hub.answer_invitation(&cy.session, &invited, Answer::Accept).await, Err(Error::Forbidden(_))));
    assert_eq!(bench.store.members(&id).await.unwrap().len(), 1);
}

/// Keeps what it is given, or refuses it.
#[derive(Default)]
struct Postbox {
    taken: Mutex<Vec<MailInvitation>>,
    refuses: Mutex<Option<MailError>>,
}

#[async_trait::async_trait]
impl Mailer for Postbox {
    async fn invite(&self, invitation: MailInvitation) -> std::result::Result<(), MailError> {
        if let Some(refusal) = *self.refuses.lock().unwrap() {
            return Err(refusal);
        }
        self.taken.lock().unwrap().push(invitation);
        Ok(())
    }
}

#[tokio::test]
async fn an_invitation_by_mail_is_a_link_that_is_good_once() {
    let bench = Bench::start().await;
    let (ana, bo, cy) = (bench.reader("ana"), bench.reader("bo"), bench.reader("cy"));
    let id = community(&bench, &ana, &[]).await.tree.server.id;
    let unset = bench.hub.invite_by_mail(&ana.session, &id, "bo@example.com").await;
    assert_eq!(unset.unwrap_err(), Error::Conflict("mail is not configured"));
    let postbox = Arc::new(Postbox::default());
    bench.hub.send_mail_by(postbox.clone());
    assert!(matches!(bench.hub.invite_by_mail(&ana.session, &id, "bo").await, Err(Error::Invalid { field: "email", .. })));
    assert_eq!(bench.hub.invite_by_mail(&bo.session, &id, "bo@example.com").await.unwrap_err(), Error::NotFound("server"));
    let invite = bench.hub.invite_by_mail(&ana.session, &id, " bo@example.com ").await.unwrap();
    assert_eq!(invite.max_uses, Some(1));
    let sent = postbox.taken.lock().unwrap()[0].clone();
    assert_eq!((sent.address.as_str(), sent.server.as_str(), sent.by.as_str()), ("bo@example.com", "술친구", "ana"));
    assert_eq!(sent.expires_at, invite.created_at + Duration::from_secs(7 * 24 * 3600));
    bench.hub.accept_invite(&bo.session, &sent.secret).await.unwrap();
    assert!(matches!(bench.hub.accept_invite(&cy.session, &sent.secret).await, Err(Error::NotFound(_))), "it is used up");
    for (refusal, field) in [(MailError::Address, true), (MailError::Unavailable, false)] {
        *postbox.refuses.lock().unwrap() = Some(refusal);
        let refused = bench.hub.invite_by_mail(&ana.session, &id, "cy@example.com").await.unwrap_err();
        assert_eq!(matches!(refused, Error::Invalid { field: "email", .. }), field, "{refused}");
    }
    let open = bench.hub.invites(&ana.session, &id).await.unwrap();
    assert_eq!(open.iter().filter(|invite| invite.max_uses == Some(1)).count(), 1, "what wasn't sent is revoked");
}

#[tokio::test]
async fn an_invitation_into_a_room_comes_from_who_is_in_it_or_owns_it() {
    let bench = Bench::start().await;
    let (ana, mut bo, cy) = (bench.reader("ana"), bench.reader("bo"), bench.reader("cy"));
    let room = bench.room("ana", 4, None).await;
    let invite = |by: &Client, whom: &str| {
        let (hub, session, room, whom) = (bench.hub.clone(), by.session.clone(), room.id.clone(), UserId::new(whom));
        async move { hub.invite_to_room(&session, &room, &whom).await }
    };
    assert_eq!(invite(&cy, "bo").await, Err(Error::NotFound("room")));
    assert_eq!(invite(&ana, "bo").await, Ok(()));
    assert_eq!(invite(&ana, "bo").await, Ok(()), "a further one finds the first");
    assert!(matches!(invite(&ana, "ana").await, Err(Error::Conflict(_))));
    assert!(matches!(invite(&ana, "").await, Err(Error::Invalid { field: "user", .. })));
    bench.join(&cy, &room).await.unwrap();
    assert_eq!(invite(&cy, "bo").await, Ok(()));
    let about = |by: &str| About::RoomInvite { room: room.id.clone(), name: room.name.clone(), by: person(by) };
    assert_eq!((bo.notified().await.0.about, bo.notified().await.0.about), (about("ana"), about("cy")));
    assert!(bo.told().is_empty());
    let unknown = bench.hub.invite_to_room(&ana.session, &RoomId::new("room_none"), bo.id()).await;
    assert_eq!(unknown, Err(Error::NotFound("room")));
}

#[tokio::test]
async fn the_call_of_a_channel_invites_those_alone_who_may_connect() {
    let bench = Bench::start().await;
    let (ana, mut bo, stranger) = (bench.reader("ana"), bench.reader("bo"), bench.reader("stranger"));
    let server = community(&bench, &ana, &[&bo]).await;
    let voice = channel(&server, |kind| matches!(kind, ChannelKind::Voice { .. }));
    let room = bench.hub.open_call(&ana.session, &voice).await.unwrap();
    let request = JoinRoom { room: room.clone(), password: None, offer: None, part: Part::Person };
    bench.hub.join(&ana.session, request).await.unwrap();
    assert_eq!(bench.hub.invite_to_room(&ana.session, &room, stranger.id()).await, Err(Error::NotFound("user")));
    bench.hub.invite_to_room(&ana.session, &room, bo.id()).await.unwrap();
    assert!(matches!(bo.notified().await.0.about, About::RoomInvite { room: told, .. } if told == room));
    assert_eq!(bench.inbox(&stranger).await, []);
}

#[tokio::test]
async fn what_is_due_in_a_calendar_is_in_each_members_inbox_once() {
    let bench = Bench::start().await;
    let (ana, mut bo, stranger) = (bench.reader("ana"), bench.reader("bo"), bench.reader("stranger"));
    let id = community(&bench, &ana, &[&bo]).await.tree.server.id;
    let new = NewSchedule {
        title: "건배".to_owned(),
        description: String::new(),
        starts_at: wall_clock() + Duration::from_secs(3600),
        ends_at: None,
        color: None,
        remind_before: Some(Duration::from_millis(3_599_900)),
    };
    let schedule = bench.hub.command(&ana.session, &id, Command::CreateSchedule(new)).await.unwrap().schedule().unwrap().clone();
    tokio::time::sleep(Duration::from_millis(150)).await;
    let (a, b) = tokio::join!(bench.hub.remind(), bench.hub.remind());
    assert_eq!((a, b), (Ok(()), Ok(())));
    bench.hub.remind().await.unwrap();
    let about = About::Schedule { server: id, schedule: schedule.id, title: schedule.title, starts_at: schedule.starts_at };
    assert_eq!(bo.notified().await.0.about, about);
    assert_eq!(bench.inbox(&ana).await.iter().map(|notification| &notification.about).collect::<Vec<_>>(), [&about]);
    assert_eq!((bench.inbox(&bo).await.len(), bench.inbox(&stranger).await.len()), (1, 0));
}

#[tokio::test]
async fn a_server_of_many_members_is_reminded_without_a_row_for_each() {
    let bench = Bench::start().await;
    let ana = bench.reader("ana");
    let id: ServerId = community(&bench, &ana, &[]).await.tree.server.id;
    for n in 0..100 {
        let member = crate::store::MemberRecord {
            server: id.clone(),
            user: person(&format!("u{n}")),
            nickname: None,
            roles: vec![],
            joined_at: wall_clock(),
            since: Default::default(),
        };
        bench.store.enter(member, crate::store::Entry::Granted).await.unwrap();
    }
    let schedule = crate::store::ScheduleRecord {
        id: crate::ScheduleId::new("e"),
        server: id,
        title: "건배".to_owned(),
        description: String::new(),
        starts_at: wall_clock(),
        ends_at: None,
        color: None,
        remind_at: Some(wall_clock()),
        created_by: person("ana"),
        changed_at: wall_clock(),
    };
    bench.store.put_schedule(schedule.clone()).await.unwrap();
    bench.hub.remind().await.unwrap();
    assert_eq!(bench.store.unread_count(ana.id()).await.unwrap(), 0);
    assert!(!bench.store.take_reminder(&schedule).await.unwrap(), "it is taken all the same");
}

#[tokio::test]
async fn a_token_for_a_room_has_no_inbox() {
    let bench = Bench::start().await;
    let room = bench.room("ana", 2, None).await;
    let guest = bench.client_as("guest", Grants::Room(token(&room.id)));
    assert!(matches!(Owner::of(&guest.session.user, &guest.session.grants), Err(Error::Forbidden(_))));
    let answer = bench.hub.answer_invitation(&guest.session, &NotificationId::new("n"), Answer::Accept).await;
    assert!(matches!(answer, Err(Error::Forbidden(_))));
}
