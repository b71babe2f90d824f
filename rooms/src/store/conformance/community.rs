//! Cases of servers: their trees, and what goes with a part that is removed. Members, invitations and calendars are in the files below.
//!
//! Invariant: every case has a second server of the same shape, and looks whether it stayed as it was.

mod calendar;
mod entry;
mod twin;

pub use calendar::*;
pub use entry::*;
pub use twin::random_changes_of_servers_agree_with_the_plainest_reading;

use super::{at_once, message, millis, named, say, unread, user};
use crate::community::{Permission, Permissions, RoleKind};
use crate::store::{
    Access, BanRecord, CategoryRecord, ChannelKind, ChannelRecord, Entered, Entry, InviteRecord, Mark, MemberRecord, Pin, React,
    RoleRecord, ScheduleRecord, Search, ServerKind, ServerRecord, ServerTree, Store, TreeChange, Updated, Words,
};
use crate::view::Cursor;
use crate::{CategoryId, ChannelId, InviteId, RoleId, ScheduleId, ServerId, UserId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

fn id(server: &str) -> ServerId {
    ServerId::new(server)
}

/// Parts of different servers have different ids.
fn part(server: &str, part: &str) -> String {
    format!("{part} of {server}")
}

fn role(server: &str, name: &str) -> RoleRecord {
    RoleRecord {
        id: RoleId::new(part(server, name)),
        kind: RoleKind::Custom,
        name: format!("{name} 역할"),
        color: Some(0xff_aa_00),
        permissions: Permissions::of(&[Permission::Send, Permission::ManageServer]),
        rank: 150,
    }
}

fn category(server: &str, name: &str, position: u32) -> CategoryRecord {
    CategoryRecord { id: CategoryId::new(part(server, name)), name: format!("{name} 모음"), position }
}

fn channel(server: &str, name: &str) -> ChannelRecord {
    ChannelRecord {
        id: ChannelId::new(part(server, name)),
        category: Some(category(server, "talk", 0).id),
        kind: ChannelKind::Text,
        name: format!("{name} 🍻"),
        position: 0,
        access: Access::open(0),
        slow_mode: None,
        metadata: None,
        created_at: millis(5),
    }
}

/// A channel for the user `insider` and two roles.
fn private(server: &str) -> ChannelRecord {
    let roles = ["staff", "friends"].map(|name| (role(server, name).id, 7));
    let access = Access::private(BTreeMap::from([(UserId::new("insider"), u64::MAX)]), BTreeMap::from(roles));
    let metadata = Some("{\"a\": \"'\"}".to_owned());
    ChannelRecord { access, metadata, slow_mode: Some(Duration::from_secs(6 * 3600)), position: u32::MAX, ..channel(server, "private") }
}

/// Two roles, two categories, and a channel of each kind.
fn tree(server: &str) -> ServerTree {
    let voice = ChannelRecord {
        category: Some(category(server, "calls", 1).id),
        kind: ChannelKind::Voice { capacity: 50 },
        access: Access::open(12),
        ..channel(server, "voice")
    };
    let plain = RoleRecord { kind: RoleKind::Guest, color: None, permissions: Permissions::NONE, rank: 0, ..role(server, "friends") };
    let channels = [channel(server, "text"), private(server), voice, ChannelRecord { category: None, ..channel(server, "loose") }];
    let categories = [category(server, "talk", 0), category(server, "calls", 1)];
    ServerTree {
        server: ServerRecord {
            id: id(server),
            kind: ServerKind::Community,
            name: "짠 서버".to_owned(),
            image_url: Some("https://example.org/a.png".to_owned()),
            owner: Some(UserId::new("owner")),
            created_at: millis(1),
        },
        roles: [role(server, "staff"), plain].map(|role| (role.id.clone(), role)).into(),
        categories: categories.map(|category| (category.id.clone(), category)).into(),
        channels: channels.map(|channel| (channel.id.clone(), channel)).into(),
        version: 1,
    }
}

fn member(server: &str, name: &str) -> MemberRecord {
    let since = BTreeMap::from([(channel(server, "text").id, 3), (channel(server, "gone").id, 0)]);
    let roles = ["staff", "friends"].map(|name| role(server, name).id).to_vec();
    MemberRecord { server: id(server), user: user(name), nickname: Some("별명".to_owned()), roles, joined_at: millis(2), since }
}

/// Two servers with the members `owner` and `insider` each.
async fn two_servers(store: &dyn Store) {
    for server in ["a", "b"] {
        let first = ["insider", "owner"].map(|name| member(server, name)).to_vec();
        assert!(store.create_server(tree(server), first).await.unwrap());
    }
}

async fn is_as_made(store: &dyn Store, server: &str) {
    assert_eq!(store.server(&id(server)).await.unwrap(), Some(tree(server)));
    assert_eq!(store.members(&id(server)).await.unwrap(), ["insider", "owner"].map(|name| member(server, name)));
}

/// Every field of every part, and those that may be missing.
pub async fn a_server_and_its_members_come_back_as_they_were_kept(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    is_as_made(&*store, "a").await;
    is_as_made(&*store, "b").await;
    let server = ServerRecord {
        id: id("direct"),
        kind: ServerKind::Direct { subject: "상품 7".to_owned() },
        name: String::new(),
        image_url: None,
        owner: None,
        created_at: millis(9),
    };
    let bare = ServerTree { server, roles: BTreeMap::new(), categories: BTreeMap::new(), channels: BTreeMap::new(), version: 41 };
    let alone = MemberRecord { nickname: None, roles: vec![], since: BTreeMap::new(), ..member("direct", "alone") };
    assert!(store.create_server(bare.clone(), vec![alone.clone()]).await.unwrap());
    assert_eq!(store.server(&id("direct")).await.unwrap(), Some(bare));
    assert_eq!(store.members(&id("direct")).await.unwrap(), [alone]);
    assert_eq!(store.server(&id("never made")).await.unwrap(), None);
    assert_eq!(store.members(&id("never made")).await.unwrap(), []);
}

/// Whoever comes first makes it, also when many race.
pub async fn a_second_server_of_the_same_id_keeps_the_first(store: Arc<dyn Store>) {
    let made = at_once(16, |index| {
        let store = store.clone();
        let mut tree = tree("a");
        tree.server.name = index.to_string();
        async move { store.create_server(tree, vec![member("a", &index.to_string())]).await.unwrap() }
    })
    .await;
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    let kept = store.server(&id("a")).await.unwrap().unwrap();
    let members = store.members(&id("a")).await.unwrap();
    assert_eq!(members, [member("a", &kept.server.name)], "the tree and the member of one caller");
}

/// Whether older or newer than the tree is.
pub async fn a_change_on_another_version_changes_nothing(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    let rename = || TreeChange::PutChannel(ChannelRecord { name: "new".to_owned(), ..channel("a", "text") });
    for version in [0, 2, u64::MAX] {
        let changes = vec![rename(), TreeChange::RemoveRole(role("a", "staff").id), TreeChange::RemoveChannel(channel("a", "voice").id)];
        assert_eq!(store.update_server(&id("a"), version, changes).await.unwrap(), Updated::Stale);
    }
    is_as_made(&*store, "a").await;
    assert_eq!(store.update_server(&id("a"), 1, vec![rename()]).await.unwrap(), Updated::Done);
    assert_eq!(store.update_server(&id("a"), 1, vec![rename()]).await.unwrap(), Updated::Stale);
    assert_eq!(store.server(&id("a")).await.unwrap().map(|tree| tree.version), Some(2));
    assert_eq!(store.update_server(&id("never made"), 1, vec![rename()]).await.unwrap(), Updated::Gone);
    is_as_made(&*store, "b").await;
}

/// 16 tasks, each with a channel of its own, try until they win: no change is lost.
pub async fn one_of_many_racing_changes_wins_each_version(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    let won = at_once(16, |index| {
        let store = store.clone();
        async move {
            loop {
                let version = store.server(&id("a")).await.unwrap().unwrap().version;
                let change = TreeChange::PutChannel(channel("a", &format!("new {index}")));
                match store.update_server(&id("a"), version, vec![change]).await.unwrap() {
                    Updated::Done => return version,
                    Updated::Stale => {}
                    Updated::Gone => panic!("nobody deletes it"),
                }
            }
        }
    })
    .await;
    let mut versions = won;
    versions.sort_unstable();
    assert_eq!(versions, (1..=16).collect::<Vec<_>>());
    let tree = store.server(&id("a")).await.unwrap().unwrap();
    assert_eq!((tree.version, tree.channels.len()), (17, 4 + 16));
    is_as_made(&*store, "b").await;
}

/// New ones, and others in place of those with the same id. All of a change is one version.
pub async fn every_part_of_a_tree_can_be_put_anew(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    let server = ServerRecord { name: "개명".to_owned(), image_url: None, owner: Some(UserId::new("heir")), ..tree("a").server };
    // Those who were listed stay where they were.
    let opened = Access { everyone: Some(3), ..private("a").access };
    let open = ChannelRecord { access: opened, metadata: None, slow_mode: None, category: None, ..private("a") };
    let closed = ChannelRecord { kind: ChannelKind::Voice { capacity: 2 }, ..private("a") };
    let closed = ChannelRecord { id: channel("a", "text").id, ..closed };
    let changes = vec![
        TreeChange::Server(server),
        TreeChange::PutRole(RoleRecord { permissions: Permissions::all(), rank: u32::MAX, color: None, ..role("a", "staff") }),
        TreeChange::PutRole(role("a", "new")),
        TreeChange::PutCategory(category("a", "talk", 9)),
        TreeChange::PutCategory(category("a", "new", 8)),
        TreeChange::PutChannel(open),
        TreeChange::PutChannel(closed),
        TreeChange::PutChannel(channel("a", "new")),
    ];
    let mut expected = tree("a");
    expected.change(changes.clone());
    assert_eq!(store.update_server(&id("a"), 1, changes).await.unwrap(), Updated::Done);
    assert_eq!(store.server(&id("a")).await.unwrap(), Some(expected));
    is_as_made(&*store, "b").await;
}

/// The other roles keep their order.
pub async fn a_removed_role_is_taken_from_members_and_private_channels(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    let roles = ["third", "staff", "first"].map(|name| role("a", name).id);
    assert!(store.update_member(MemberRecord { roles: roles.to_vec(), ..member("a", "owner") }).await.unwrap());
    let change = TreeChange::RemoveRole(role("a", "staff").id);
    assert_eq!(store.update_server(&id("a"), 1, vec![change]).await.unwrap(), Updated::Done);
    let tree = store.server(&id("a")).await.unwrap().unwrap();
    assert_eq!(tree.roles.keys().collect::<Vec<_>>(), [&role("a", "friends").id]);
    let access = &tree.channels[&private("a").id].access;
    let friends = BTreeMap::from([(role("a", "friends").id, 7)]);
    assert_eq!(*access, Access::private(BTreeMap::from([(UserId::new("insider"), u64::MAX)]), friends));
    let members = store.members(&id("a")).await.unwrap();
    assert_eq!(members[0].roles, [role("a", "friends").id]);
    assert_eq!(members[1].roles, ["third", "first"].map(|name| role("a", name).id));
    is_as_made(&*store, "b").await;
}

/// They are the server's still.
pub async fn a_removed_category_frees_its_channels(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    let change = TreeChange::RemoveCategory(category("a", "talk", 0).id);
    assert_eq!(store.update_server(&id("a"), 1, vec![change]).await.unwrap(), Updated::Done);
    let tree = store.server(&id("a")).await.unwrap().unwrap();
    assert_eq!((tree.categories.len(), tree.channels.len()), (1, 4));
    let in_category = tree.channels.values().filter(|channel| channel.category.is_some());
    assert_eq!(in_category.map(|channel| &channel.id).collect::<Vec<_>>(), [&channel("a", "voice").id]);
    is_as_made(&*store, "b").await;
}

/// Says three things in two channels of both servers, of which the first is read, and the second is pinned and bears a reaction.
async fn talk(store: &dyn Store) {
    for server in ["a", "b"] {
        for channel in ["text", "voice"].map(|name| channel(server, name).id) {
            for key in ["1", "2", "3"] {
                say(store, channel.as_str(), "owner", key, &[crate::view::Audience::Everyone, named("insider")]).await;
            }
            assert_eq!(store.mark_read(&UserId::new("insider"), &channel, 1).await.unwrap(), 1);
            let (mark, at, emoji, user) = (Mark::On, millis(8), "🍻".to_owned(), UserId::new("insider"));
            store.pin(Pin { channel: channel.clone(), seq: 2, mark, at }).await.unwrap().unwrap();
            store.react(React { channel, seq: 2, user, emoji, mark }).await.unwrap().unwrap();
        }
    }
}

async fn is_full(store: &dyn Store, channel: &ChannelId) {
    let kept = store.history(channel, Cursor::Newest, 10).await.unwrap().messages;
    assert_eq!((kept.len(), kept[1].reactions.len()), (3, 1));
    assert_eq!(store.pins(channel).await.unwrap(), [kept[1].clone()]);
    assert_eq!(unread(store, "insider", channel.as_str()).await, (1, 2, 2));
    let again = store.append(message("again", channel.as_str(), "owner", "3")).await.unwrap();
    assert_eq!((again.duplicate, again.message.seq), (true, 3), "its nonces too");
}

async fn is_empty(store: &dyn Store, channel: &ChannelId) {
    let page = store.history(channel, Cursor::Newest, 10).await.unwrap();
    assert!(page.messages.is_empty() && !page.more && !page.newer, "{page:?}");
    assert_eq!(store.message(channel, 1).await.unwrap(), None);
    assert_eq!(store.pins(channel).await.unwrap(), []);
    assert_eq!(store.delete(channel, 1, millis(60)).await.unwrap(), None);
    for reader in ["insider", "owner"] {
        assert_eq!(unread(store, reader, channel.as_str()).await, (0, 0, 0));
    }
}

/// Markers and nonces too. A channel of the same id begins anew.
pub async fn a_removed_channel_takes_its_messages_along(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    talk(&*store).await;
    let removed = channel("a", "text").id;
    let change = || vec![TreeChange::RemoveChannel(removed.clone())];
    assert_eq!(store.update_server(&id("b"), 1, change()).await.unwrap(), Updated::Done, "but it isn't one of that server");
    is_full(&*store, &removed).await;
    assert_eq!(store.server_of(&removed).await.unwrap(), Some(id("a")));
    assert_eq!(store.update_server(&id("a"), 1, change()).await.unwrap(), Updated::Done);
    assert_eq!(store.server(&id("a")).await.unwrap().unwrap().channels.len(), 3);
    assert_eq!(store.server_of(&removed).await.unwrap(), None);
    is_empty(&*store, &removed).await;
    for (server, name) in [("a", "voice"), ("b", "text"), ("b", "voice")] {
        is_full(&*store, &channel(server, name).id).await;
    }
    for round in 3..6 {
        let put = vec![TreeChange::PutChannel(channel("a", "text"))];
        let version = store.server(&id("a")).await.unwrap().unwrap().version;
        assert_eq!(store.update_server(&id("a"), version, put).await.unwrap(), Updated::Done, "round {round}");
        is_empty(&*store, &removed).await;
        let new = store.append(message("new", removed.as_str(), "owner", "3")).await.unwrap();
        assert_eq!((new.duplicate, new.message.seq), (false, 1), "the numbers and nonces begin anew");
        assert_eq!(unread(&*store, "insider", removed.as_str()).await, (0, 1, 0));
        let again = store.append(message("another", removed.as_str(), "owner", "another")).await.unwrap().message;
        assert_eq!(store.history(&removed, Cursor::Newest, 10).await.unwrap().messages, [new.message, again]);
        assert_eq!(store.pins(&removed).await.unwrap(), [], "what hung on an earlier message of this number is gone");
        assert_eq!(store.update_server(&id("a"), version + 1, change()).await.unwrap(), Updated::Done);
        is_empty(&*store, &removed).await;
    }
}

/// For stores that can search.
pub async fn what_was_said_in_a_removed_channel_is_found_by_no_word(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    talk(&*store).await;
    let channels: Vec<ChannelId> = ["a", "b"].map(|server| channel(server, "text").id).to_vec();
    let find = |text: &str| store.search(Search { channels: channels.clone(), words: Words::of(text), before: None, limit: 50 });
    assert_eq!(find("text").await.unwrap().messages.len(), 6);
    let change = vec![TreeChange::RemoveChannel(channels[0].clone())];
    assert_eq!(store.update_server(&id("a"), 1, change).await.unwrap(), Updated::Done);
    let left = store.history(&channels[1], Cursor::Newest, 10).await.unwrap().messages;
    assert_eq!(find("text").await.unwrap().messages, left.into_iter().rev().collect::<Vec<_>>());
    let again = store.append(message("again", channels[0].as_str(), "owner", "again")).await.unwrap().message;
    assert_eq!(find("again").await.unwrap().messages, [again]);
}

fn invite(server: &str, secret: u8, max_uses: Option<u32>) -> InviteRecord {
    InviteRecord {
        id: InviteId::new(part(server, &format!("invite {secret}"))),
        server: id(server),
        secret_hash: [secret; 32],
        role: role(server, "friends").id,
        created_by: Some(user("owner")),
        created_at: millis(u64::from(secret)),
        expires_at: Some(millis(1_000)),
        max_uses,
        uses: 0,
        revoked: false,
    }
}

fn schedule(server: &str, name: &str, starts_at_ms: u64) -> ScheduleRecord {
    ScheduleRecord {
        id: ScheduleId::new(part(server, name)),
        server: id(server),
        title: format!("{name} 모임"),
        description: "치킨\n🍗".to_owned(),
        starts_at: millis(starts_at_ms),
        ends_at: Some(millis(starts_at_ms + 60)),
        color: Some(0),
        remind_at: Some(millis(starts_at_ms - 10)),
        created_by: user("owner"),
        changed_at: millis(4),
    }
}

fn ban(server: &str, name: &str, at_ms: u64) -> BanRecord {
    let (by, reason) = (Some(UserId::new("owner")), Some("스팸".to_owned()));
    BanRecord { server: id(server), user: user(name), by, reason, at: millis(at_ms) }
}

/// Both servers with everything that one can have.
pub(super) async fn two_full_servers(store: &dyn Store) {
    two_servers(store).await;
    talk(store).await;
    for (server, secret) in [("a", 1), ("b", 2)] {
        store.create_invite(invite(server, secret, Some(3))).await.unwrap();
        store.put_schedule(schedule(server, "party", 100)).await.unwrap();
        assert!(!store.remove_member(&id(server), &UserId::new("pest"), Some(ban(server, "pest", 3))).await.unwrap());
    }
}

/// A server of [`two_full_servers`].
pub(super) async fn is_full_server(store: &dyn Store, server: &str) {
    is_as_made(store, server).await;
    let secret = if server == "a" { 1 } else { 2 };
    assert_eq!(store.bans(&id(server)).await.unwrap(), [ban(server, "pest", 3)]);
    assert_eq!(store.invites(&id(server)).await.unwrap(), [invite(server, secret, Some(3))]);
    assert_eq!(store.schedules(&id(server), millis(0)..millis(10_000)).await.unwrap(), [schedule(server, "party", 100)]);
    for channel in ["text", "voice"].map(|name| channel(server, name).id) {
        assert_eq!(store.server_of(&channel).await.unwrap(), Some(id(server)));
        is_full(store, &channel).await;
    }
}

/// Takes a channel of the first of [`two_full_servers`] away, makes it again, and says one thing in it.
pub(super) async fn say_in_a_channel_made_again(store: &dyn Store) -> ChannelId {
    let channel = channel("a", "text");
    let changes = vec![TreeChange::RemoveChannel(channel.id.clone()), TreeChange::PutChannel(channel.clone())];
    for (version, change) in (1..).zip(changes) {
        assert_eq!(store.update_server(&id("a"), version, vec![change]).await.unwrap(), Updated::Done);
    }
    say(store, channel.id.as_str(), "owner", "anew", &[]).await;
    channel.id
}

/// Nor used, nor changed. The other server has all of it still.
pub async fn nothing_of_a_deleted_server_is_found_again(store: Arc<dyn Store>) {
    two_full_servers(&*store).await;
    for _ in 0..2 {
        store.delete_server(&id("a")).await.unwrap();
    }
    store.delete_server(&id("never made")).await.unwrap();
    assert_eq!(store.server(&id("a")).await.unwrap(), None);
    assert_eq!(store.members(&id("a")).await.unwrap(), []);
    assert_eq!(store.memberships(&UserId::new("owner")).await.unwrap(), [member("b", "owner")]);
    assert_eq!(store.bans(&id("a")).await.unwrap(), []);
    assert_eq!(store.invites(&id("a")).await.unwrap(), []);
    assert_eq!(store.invite(&[1; 32]).await.unwrap(), None);
    let always = millis(0)..millis(10_000);
    assert_eq!(store.schedules(&id("a"), always).await.unwrap(), []);
    assert_eq!(store.schedule(&id("a"), &schedule("a", "party", 100).id).await.unwrap(), None);
    assert_eq!(store.due_schedules(millis(10_000), 10).await.unwrap(), [schedule("b", "party", 100)]);
    assert!(!store.take_reminder(&schedule("a", "party", 100)).await.unwrap());
    assert!(!store.update_member(member("a", "owner")).await.unwrap());
    assert_eq!(store.enter(member("a", "new"), Entry::Granted).await.unwrap(), Entered::Gone);
    assert_eq!(store.update_server(&id("a"), 1, vec![]).await.unwrap(), Updated::Gone);
    for channel in ["text", "voice"].map(|name| channel("a", name).id) {
        assert_eq!(store.server_of(&channel).await.unwrap(), None);
        is_empty(&*store, &channel).await;
    }
    is_full_server(&*store, "b").await;
}

/// Of what another server of this id had, nothing is in it.
pub async fn a_server_made_again_begins_with_nothing(store: Arc<dyn Store>) {
    two_full_servers(&*store).await;
    store.delete_server(&id("a")).await.unwrap();
    assert!(store.create_server(tree("a"), vec![member("a", "insider")]).await.unwrap());
    assert_eq!(store.server(&id("a")).await.unwrap(), Some(tree("a")));
    assert_eq!(store.members(&id("a")).await.unwrap(), [member("a", "insider")]);
    assert_eq!(store.bans(&id("a")).await.unwrap(), []);
    assert_eq!(store.invites(&id("a")).await.unwrap(), []);
    assert_eq!(store.schedules(&id("a"), millis(0)..millis(10_000)).await.unwrap(), []);
    for channel in ["text", "voice"].map(|name| channel("a", name).id) {
        is_empty(&*store, &channel).await;
        assert_eq!(say(&*store, channel.as_str(), "owner", "1", &[]).await, 1);
    }
    assert_eq!(store.enter(member("a", "pest"), Entry::Granted).await.unwrap(), Entered::Joined);
}

/// An answer that comes too late leaves nothing behind.
pub async fn what_is_said_of_a_server_that_is_not_there_is_not_kept(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    store.delete_server(&id("a")).await.unwrap();
    store.create_invite(invite("a", 1, None)).await.unwrap();
    store.put_schedule(schedule("a", "party", 100)).await.unwrap();
    assert!(!store.remove_member(&id("a"), &UserId::new("pest"), Some(ban("a", "pest", 3))).await.unwrap());
    assert!(!store.update_member(member("a", "owner")).await.unwrap());
    assert!(!store.unban(&id("a"), &UserId::new("pest")).await.unwrap());
    assert!(!store.revoke_invite(&id("a"), &invite("a", 1, None).id).await.unwrap());
    assert!(!store.delete_schedule(&id("a"), &schedule("a", "party", 100).id).await.unwrap());
    assert_eq!(store.invite(&[1; 32]).await.unwrap(), None);
    assert_eq!(store.due_schedules(millis(10_000), 10).await.unwrap(), []);
    assert!(store.create_server(tree("a"), vec![]).await.unwrap());
    assert_eq!(store.members(&id("a")).await.unwrap(), []);
    assert_eq!(store.bans(&id("a")).await.unwrap(), []);
    assert_eq!(store.invites(&id("a")).await.unwrap(), []);
}

/// And a room's channel to none.
pub async fn a_channel_leads_to_its_server(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    say(&*store, "a room's", "owner", "1", &[]).await;
    for server in ["a", "b"] {
        for channel in tree(server).channels.keys() {
            assert_eq!(store.server_of(channel).await.unwrap(), Some(id(server)));
        }
    }
    assert_eq!(store.server_of(&ChannelId::new("a room's")).await.unwrap(), None);
    let put = vec![TreeChange::PutChannel(channel("b", "new"))];
    assert_eq!(store.update_server(&id("b"), 1, put).await.unwrap(), Updated::Done);
    assert_eq!(store.server_of(&channel("b", "new").id).await.unwrap(), Some(id("b")));
}
