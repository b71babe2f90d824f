//! What each operation on servers, notes and marks consumes, as the server reports it.

use crate::cost_test::spent;
use crate::support::{Link, Mode, channel, member, message, store, tree, user};
use rooms::store::{
    BanRecord, CommunityStore as _, Entry, InviteRecord, Mark, MarkStore as _, MessageStore as _, NewLine, Nonce, NoteRecord,
    NoteStore as _, Pin, React, ScheduleRecord, Status, TreeChange, UserRecord,
};
use rooms::{ChannelId, InviteId, NoteId, RoleId, ScheduleId, ServerId};
use std::time::{Duration, SystemTime};

/// What was consumed since the last call, read and written.
fn units(link: &Link) -> (f64, f64) {
    let (reads, writes, _) = spent(link);
    (reads, writes)
}

#[tokio::test]
async fn servers_cost_what_the_documentation_says() {
    let (store, link, _server) = store(Mode::Strict).await;
    let (id, now) = (ServerId::new("s"), SystemTime::now());
    let mut costs = Vec::new();
    let mut cost = |what: &'static str| costs.push((what, units(&link)));
    cost("nothing");
    store.create_server(tree("s", 3), vec![member("s", "owner")]).await.expect("made");
    cost("make, with three channels and a member");
    store.server(&id).await.expect("read");
    cost("read");
    store.update_server(&id, 1, vec![TreeChange::PutChannel(channel("s 1", 9))]).await.expect("changed");
    cost("change a channel");
    store.update_server(&id, 2, vec![TreeChange::RemoveChannel(ChannelId::new("s 1"))]).await.expect("changed");
    cost("remove a channel");
    store.server_of(&ChannelId::new("s 0")).await.expect("read");
    cost("server of a channel");
    let (invite_id, role, expires_at) = (InviteId::new("i"), RoleId::new("r"), None);
    let (created_by, max_uses, uses, revoked) = (None, Some(5), 0, false);
    let invite = InviteRecord {
        id: invite_id,
        server: id.clone(),
        secret_hash: [1; 32],
        role,
        created_by,
        created_at: now,
        expires_at,
        max_uses,
        uses,
        revoked,
    };
    store.create_invite(invite).await.expect("kept");
    cost("make an invitation");
    store.invite(&[1; 32]).await.expect("read");
    cost("look at an invitation");
    store.enter(member("s", "ann"), Entry::Invite { secret_hash: [1; 32], now }).await.expect("joined");
    cost("enter by invitation");
    store.enter(member("s", "bob"), Entry::Granted).await.expect("joined");
    cost("enter otherwise");
    store.members(&id).await.expect("read");
    cost("members");
    store.memberships(&user("ann").id).await.expect("read");
    cost("memberships, of which there is one");
    store.update_member(member("s", "ann")).await.expect("changed");
    cost("change a member");
    store.remove_member(&id, &user("bob").id, None).await.expect("removed");
    cost("remove a member");
    store.enter(member("s", "pest"), Entry::Granted).await.expect("joined");
    units(&link);
    let ban = BanRecord { server: id.clone(), user: user("pest"), by: None, reason: None, at: now };
    store.remove_member(&id, &user("pest").id, Some(ban)).await.expect("removed");
    cost("ban a member");
    store.unban(&id, &user("pest").id).await.expect("lifted");
    cost("lift a ban");
    let schedule = ScheduleRecord {
        id: ScheduleId::new("e"),
        server: id.clone(),
        title: "t".into(),
        description: "d".into(),
        starts_at: now,
        ends_at: None,
        color: None,
        remind_at: Some(now - Duration::from_secs(60)),
        created_by: user("ann"),
        changed_at: now,
    };
    store.put_schedule(schedule.clone()).await.expect("kept");
    cost("new entry of a calendar");
    store.due_schedules(now, 10).await.expect("read");
    cost("what is due, one");
    store.take_reminder(&schedule).await.expect("taken");
    cost("take a reminder");
    store.due_schedules(now, 10).await.expect("read");
    cost("what is due, nothing any more");
    store.put_user(UserRecord { user: user("ann"), status: Status::Auto, last_seen: None }).await.expect("kept");
    cost("keep a user");
    store.delete_server(&id).await.expect("deleted");
    cost("delete, with two channels");
    let expected = [
        ("nothing", (0.0, 0.0)),
        ("make, with three channels and a member", (2.0, 18.0)),
        ("read", (2.0, 0.0)),
        ("change a channel", (2.0, 4.0)),
        ("remove a channel", (5.0, 11.0)),
        ("server of a channel", (3.0, 0.0)),
        ("make an invitation", (1.0, 4.0)),
        ("look at an invitation", (3.0, 0.0)),
        ("enter by invitation", (3.0, 6.0)),
        ("enter otherwise", (1.0, 4.0)),
        ("members", (5.0, 0.0)),
        ("memberships, of which there is one", (2.0, 0.0)),
        ("change a member", (1.0, 4.0)),
        ("remove a member", (2.0, 4.0)),
        ("ban a member", (2.0, 6.0)),
        ("lift a ban", (1.0, 4.0)),
        ("new entry of a calendar", (2.0, 2.0)),
        ("what is due, one", (6.0, 0.0)),
        ("take a reminder", (2.0, 2.0)),
        ("what is due, nothing any more", (6.0, 0.0)),
        ("keep a user", (0.0, 1.0)),
        ("delete, with two channels", (9.0, 20.0)),
    ];
    assert_eq!(costs, expected);
}

#[tokio::test]
async fn marks_and_notes_cost_what_the_documentation_says() {
    let (store, link, _server) = store(Mode::Strict).await;
    let (channel, note, at) = (ChannelId::new("c"), NoteId::new("n"), SystemTime::now());
    store.append(message("c", "a", "1")).await.expect("stored");
    let mut costs = Vec::new();
    units(&link);
    let mut cost = |what: &'static str| costs.push((what, units(&link)));
    let (user_id, emoji, mark) = (user("b").id, "🍻".to_owned(), Mark::On);
    store.react(React { channel: channel.clone(), seq: 1, user: user_id, emoji, mark }).await.expect("reacted");
    cost("react");
    store.pin(Pin { channel: channel.clone(), seq: 1, mark, at }).await.expect("pinned");
    cost("pin");
    store.pins(&channel).await.expect("read");
    cost("pins, of which there is one");
    let (id, name, ended_at, lines) = (note.clone(), "n".to_owned(), None, 0);
    let record = NoteRecord { id, channel: channel.clone(), name, started_by: user("a"), started_at: at, ended_at, lines };
    store.start_note(record).await.expect("started");
    cost("start a note");
    let (nonce, text) = (Nonce("1".into()), "건배".to_owned());
    store.append_note(NewLine { channel: channel.clone(), note: note.clone(), nonce, speaker: user("a"), text, at }).await.expect("added");
    cost("add a line");
    store.end_note(&channel, &note, at).await.expect("ended");
    cost("end a note");
    store.note_lines(&note, 0, 50).await.expect("read");
    cost("lines of a note");
    let expected = [
        ("react", (2.0, 4.0)),
        ("pin", (3.0, 4.0)),
        ("pins, of which there is one", (3.0, 0.0)),
        ("start a note", (1.0, 6.0)),
        ("add a line", (3.0, 6.0)),
        ("end a note", (2.0, 4.0)),
        ("lines of a note", (3.0, 0.0)),
    ];
    assert_eq!(costs, expected);
}
