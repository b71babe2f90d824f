//! Cases of members: how they come in, how they are put out, and what keeps them out.
//!
//! Invariant: as in the file above.

use super::{ban, id, invite, is_as_made, member, tree, two_servers};
use crate::store::conformance::{at_once, millis, user};
use crate::store::{BanRecord, Entered, Entry, InviteRecord, MemberRecord, Store};
use crate::{ServerId, UserId};
use std::sync::Arc;

fn by(secret: u8) -> Entry {
    Entry::Invite { secret_hash: [secret; 32], now: millis(10) }
}

async fn uses(store: &dyn Store, secret: u8) -> u32 {
    store.invite(&[secret; 32]).await.unwrap().unwrap().uses
}

fn names(members: &[MemberRecord]) -> Vec<&str> {
    members.iter().map(|member| member.user.id.as_str()).collect()
}

/// By the time of joining, whatever the order of keeping; the same time by id.
pub async fn members_and_memberships_are_listed_oldest_first(store: Arc<dyn Store>) {
    for server in ["a", "b", "c"] {
        assert!(store.create_server(tree(server), vec![]).await.unwrap());
    }
    let joins = [("c", "x", 10), ("a", "y", 30), ("a", "x", 20), ("b", "x", 20), ("a", "w", 20), ("b", "y", 5)];
    for (server, name, at_ms) in joins {
        let member = MemberRecord { joined_at: millis(at_ms), ..member(server, name) };
        assert_eq!(store.enter(member, Entry::Granted).await.unwrap(), Entered::Joined);
    }
    assert_eq!(names(&store.members(&id("a")).await.unwrap()), ["w", "x", "y"]);
    assert_eq!(names(&store.members(&id("b")).await.unwrap()), ["y", "x"]);
    let of = |name: &'static str| {
        let store = store.clone();
        async move { store.memberships(&UserId::new(name)).await.unwrap().into_iter().map(|of| of.server).collect::<Vec<ServerId>>() }
    };
    assert_eq!(of("x").await, ["c", "a", "b"].map(id));
    assert_eq!(of("y").await, ["b", "a"].map(id));
    assert_eq!(of("nobody").await, []);
}

/// The same user is a member of both.
pub async fn a_member_is_changed_and_put_out_of_one_server_alone(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    let owner = UserId::new("owner");
    let mut changed = MemberRecord { nickname: None, roles: vec![], joined_at: millis(1), ..member("a", "owner") };
    changed.user.name = "새 이름".to_owned();
    assert!(store.update_member(changed.clone()).await.unwrap());
    assert_eq!(store.members(&id("a")).await.unwrap(), [changed.clone(), member("a", "insider")]);
    assert_eq!(store.memberships(&owner).await.unwrap(), [changed, member("b", "owner")]);
    assert!(!store.update_member(member("a", "stranger")).await.unwrap());
    assert_eq!(names(&store.members(&id("a")).await.unwrap()), ["owner", "insider"], "nobody came in by that");
    assert!(store.remove_member(&id("a"), &owner, None).await.unwrap());
    assert!(!store.remove_member(&id("a"), &owner, None).await.unwrap());
    assert_eq!(store.bans(&id("a")).await.unwrap(), []);
    assert_eq!(store.memberships(&owner).await.unwrap(), [member("b", "owner")]);
    assert_eq!(store.enter(member("a", "owner"), Entry::Granted).await.unwrap(), Entered::Joined, "and may come again");
    is_as_made(&*store, "b").await;
}

/// 20 users want 3 uses.
pub async fn an_invitation_lets_in_as_many_as_it_says_however_many_race(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    store.create_invite(invite("a", 1, Some(3))).await.unwrap();
    store.create_invite(invite("b", 2, Some(3))).await.unwrap();
    let outcomes = at_once(20, |index| {
        let store = store.clone();
        async move { store.enter(member("a", &format!("user {index}")), by(1)).await.unwrap() }
    })
    .await;
    let count = |of: &Entered| outcomes.iter().filter(|outcome| *outcome == of).count();
    assert_eq!((count(&Entered::Joined), count(&Entered::UsedUp)), (3, 17));
    assert_eq!(store.members(&id("a")).await.unwrap().len(), 2 + 3);
    assert_eq!((uses(&*store, 1).await, uses(&*store, 2).await), (3, 0));
    is_as_made(&*store, "b").await;
}

/// Of one user in many tabs one comes in, and one use is counted.
pub async fn one_user_comes_in_once_however_many_times_at_once(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    store.create_invite(invite("a", 1, Some(9))).await.unwrap();
    let outcomes = at_once(12, |index| {
        let store = store.clone();
        let member = MemberRecord { joined_at: millis(index as u64), ..member("a", "new") };
        async move { (member.clone(), store.enter(member, by(1)).await.unwrap()) }
    })
    .await;
    let mut joined = outcomes.iter().filter(|(_, entered)| *entered == Entered::Joined);
    let (first, _) = joined.next().unwrap();
    assert!(joined.next().is_none(), "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|(_, entered)| *entered == Entered::Already(first.clone())).count(), 11);
    assert_eq!(uses(&*store, 1).await, 1);
}

/// Unknown, another server's, revoked, expired, used up. No use is counted, and nobody comes in.
pub async fn a_useless_invitation_lets_nobody_in_and_says_why(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    store.create_invite(invite("b", 2, None)).await.unwrap();
    store.create_invite(invite("a", 3, None)).await.unwrap();
    store.create_invite(InviteRecord { expires_at: Some(millis(10)), ..invite("a", 4, Some(1)) }).await.unwrap();
    store.create_invite(InviteRecord { uses: 1, ..invite("a", 5, Some(1)) }).await.unwrap();
    store.create_invite(InviteRecord { revoked: true, ..invite("a", 6, None) }).await.unwrap();
    assert!(store.revoke_invite(&id("a"), &invite("a", 3, None).id).await.unwrap());
    let refusals = [Entered::Unknown, Entered::Unknown, Entered::Unknown, Entered::Expired, Entered::UsedUp, Entered::Unknown];
    for (secret, refusal) in (1..).zip(refusals) {
        assert_eq!(store.enter(member("a", "new"), by(secret)).await.unwrap(), refusal, "invitation {secret}");
    }
    assert_eq!((uses(&*store, 2).await, uses(&*store, 3).await, uses(&*store, 4).await, uses(&*store, 5).await), (0, 0, 0, 1));
    is_as_made(&*store, "a").await;
    store.create_invite(InviteRecord { expires_at: Some(millis(11)), ..invite("a", 7, Some(1)) }).await.unwrap();
    store.create_invite(InviteRecord { expires_at: None, ..invite("a", 8, None) }).await.unwrap();
    assert_eq!(store.enter(member("a", "one"), by(7)).await.unwrap(), Entered::Joined, "in its last moment");
    assert_eq!(store.enter(member("a", "two"), by(7)).await.unwrap(), Entered::UsedUp);
    assert_eq!(store.enter(member("a", "two"), by(8)).await.unwrap(), Entered::Joined);
}

/// Not even a useless one is looked at.
pub async fn a_member_uses_no_invitation(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    store.create_invite(invite("a", 1, Some(3))).await.unwrap();
    let again = MemberRecord { roles: vec![], nickname: None, joined_at: millis(99), ..member("a", "owner") };
    for entry in [by(1), by(9), Entry::Granted] {
        assert_eq!(store.enter(again.clone(), entry).await.unwrap(), Entered::Already(member("a", "owner")));
    }
    assert_eq!(uses(&*store, 1).await, 0);
    is_as_made(&*store, "a").await;
}

/// Whether a member or not; of the other server the user stays a member.
pub async fn a_ban_keeps_out_until_it_is_lifted(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    store.create_invite(invite("a", 1, Some(3))).await.unwrap();
    let (server, insider, stranger) = (id("a"), UserId::new("insider"), UserId::new("stranger"));
    assert!(!store.remove_member(&server, &stranger, Some(ban("a", "stranger", 20))).await.unwrap());
    assert!(store.remove_member(&server, &insider, Some(ban("a", "insider", 10))).await.unwrap());
    for name in ["insider", "stranger"] {
        for entry in [by(1), Entry::Granted] {
            assert_eq!(store.enter(member("a", name), entry).await.unwrap(), Entered::Banned);
        }
    }
    assert_eq!(uses(&*store, 1).await, 0);
    assert_eq!(store.bans(&server).await.unwrap(), [ban("a", "insider", 10), ban("a", "stranger", 20)]);
    let anew = BanRecord { by: None, reason: None, user: user("insider"), ..ban("a", "insider", 30) };
    assert!(!store.remove_member(&server, &insider, Some(anew.clone())).await.unwrap());
    assert_eq!(store.bans(&server).await.unwrap(), [ban("a", "stranger", 20), anew], "in place of the one before");
    assert!(!store.unban(&id("b"), &insider).await.unwrap());
    assert!(store.unban(&server, &insider).await.unwrap());
    assert!(!store.unban(&server, &insider).await.unwrap());
    assert_eq!(store.enter(member("a", "insider"), by(1)).await.unwrap(), Entered::Joined);
    assert_eq!(store.bans(&id("b")).await.unwrap(), []);
    is_as_made(&*store, "b").await;
}

/// Whatever became of it; the list has those that aren't revoked, newest first.
pub async fn an_invitation_comes_back_as_it_was_kept(store: Arc<dyn Store>) {
    two_servers(&*store).await;
    let plain = InviteRecord { created_by: None, expires_at: None, ..invite("a", 3, None) };
    let made = [invite("a", 1, Some(7)), invite("a", 4, None), plain, invite("b", 2, Some(u32::MAX))];
    for invite in &made {
        store.create_invite(invite.clone()).await.unwrap();
        assert_eq!(store.invite(&invite.secret_hash).await.unwrap().as_ref(), Some(invite));
    }
    assert_eq!(store.invite(&[9; 32]).await.unwrap(), None);
    let [first, second, third, other] = made;
    assert_eq!(store.invites(&id("a")).await.unwrap(), [second.clone(), third.clone(), first.clone()]);
    assert!(!store.revoke_invite(&id("b"), &third.id).await.unwrap(), "it isn't that server's");
    assert!(store.revoke_invite(&id("a"), &third.id).await.unwrap());
    assert!(!store.revoke_invite(&id("a"), &third.id).await.unwrap());
    assert_eq!(store.invites(&id("a")).await.unwrap(), [second, first]);
    assert_eq!(store.invites(&id("b")).await.unwrap(), [other]);
    assert_eq!(store.invite(&[3; 32]).await.unwrap(), Some(InviteRecord { revoked: true, ..third }));
}
