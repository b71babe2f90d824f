//! How servers' tasks and sessions come and go, and what races.

use super::*;
use crate::community::{Idle, Presence, Request};

/// Servers, channels, sessions and calls that the node knows.
fn known(bench: &Bench) -> [usize; 4] {
    bench.hub.node.communities.counts()
}

fn names(events: Vec<Event>) -> Vec<String> {
    let name = |event| if let Event::ServerUpdated { server, .. } = event { Some(server.name) } else { None };
    events.into_iter().filter_map(name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_at_once_as_many_come_in_as_the_invitation_says() {
    let club = Club::start().await;
    let secret = club.secret(Some(5)).await;
    let clients: Vec<Client> = (0..20).map(|index| club.bench.client(&format!("u{}", index % 10))).collect();
    let mut tries = tokio::task::JoinSet::new();
    for client in &clients {
        let (hub, session, secret) = (club.bench.hub.clone(), client.session.clone(), secret.clone());
        tries.spawn(async move { hub.accept_invite(&session, &secret).await.map(drop) });
    }
    let outcomes = tries.join_all().await;
    let used_up = Error::NotFound("invitation any more: it is used up");
    assert!(outcomes.iter().all(|outcome| *outcome == Ok(()) || *outcome == Err(used_up.clone())), "{outcomes:?}");
    let members = club.bench.hub.members(&club.ann.session, &club.id).await.unwrap();
    assert_eq!(members.len(), 6, "five and the owner");
    let invites = club.bench.hub.invites(&club.ann.session, &club.id).await.unwrap();
    assert_eq!(invites[0].uses, 5, "a user's second session uses none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_commands_at_once_each_is_done_on_what_the_one_before_left() {
    let mut club = Club::start().await;
    let mut tries = tokio::task::JoinSet::new();
    for index in 0..50 {
        let (hub, session, id) = (club.bench.hub.clone(), club.ann.session.clone(), club.id.clone());
        tries.spawn(async move { hub.command(&session, &id, rename(&format!("n{index}"))).await.map(drop) });
    }
    assert!(tries.join_all().await.into_iter().all(|done| done.is_ok()));
    let told = names(club.ann.told());
    assert_eq!(told.iter().collect::<std::collections::HashSet<_>>().len(), 50, "all happened");
    let kept = crate::store::CommunityStore::server(&*club.bench.store, &club.id).await.unwrap().unwrap();
    assert_eq!(told.last(), Some(&kept.server.name), "in the order in which they were told");
}

#[tokio::test(start_paused = true)]
async fn the_same_owner_and_nonce_make_one_server() {
    let club = Club::start().await;
    let again = club.bench.hub.create_server(&club.ann.session, creation("1")).await.unwrap();
    assert_eq!(again.tree.server.id, club.id);
    let (bob, ann) = (club.bench.client("bob"), club.bench.client("ann"));
    let others = club.bench.hub.create_server(&bob.session, creation("1")).await.unwrap();
    assert_ne!(others.tree.server.id, club.id, "another's nonce is another");
    assert_eq!(club.bench.hub.servers(&ann.session).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_in_comes_in_on_all_devices() {
    let club = Club::start().await;
    let (bob, mut phone) = (club.bench.client("bob"), club.bench.client("bob"));
    club.bench.hub.create_server(&phone.session, creation("bobs")).await.unwrap();
    club.heard(&mut phone).await;
    club.say(&club.ann, &club.text).await.unwrap();
    let view = club.bench.hub.accept_invite(&bob.session, &club.secret(None).await).await.unwrap();
    let added = comings(club.heard(&mut phone).await);
    assert_eq!(added, [Event::ServerAdded { server: Box::new(view) }]);
    club.say(&club.ann, &club.text).await.unwrap();
    assert!(matches!(club.heard(&mut phone).await[..], [Event::ChatMessage { .. }]));
    club.bench.hub.accept_invite(&bob.session, &club.secret(None).await).await.unwrap();
    assert_eq!(comings(club.heard(&mut phone).await), [], "once");
}

#[tokio::test(start_paused = true)]
async fn a_session_without_a_connection_or_idle_comes_into_a_server_as_that() {
    let club = Club::start().await;
    let (bob, lost) = (club.bench.client("bob"), club.bench.client("bob"));
    for client in [&bob, &lost] {
        club.bench.hub.servers(&client.session).await.unwrap();
    }
    club.bench.hub.session_lost(&lost.session.id, Loss::Closed).await;
    club.bench.hub.set_idle(&bob.session, Idle::Yes).await;
    let seen = async || {
        let members = club.bench.hub.members(&club.ann.session, &club.id).await.unwrap();
        members.into_iter().find(|member| member.record.user.id == bob.session.user.id).map(|bob| bob.presence)
    };
    let by = club.bench.client("bob");
    club.bench.hub.accept_invite(&by.session, &club.secret(None).await).await.unwrap();
    assert_eq!(seen().await, Some(Presence::Online));
    club.bench.hub.session_ended(&by.session.id, LeaveReason::Left).await;
    assert_eq!(seen().await, Some(Presence::Idle));
    club.bench.hub.session_lost(&bob.session.id, Loss::Silent).await;
    assert_eq!(seen().await, Some(Presence::Offline), "the lost one doesn't count");
    club.bench.hub.session_resumed(&lost.session.id).await;
    assert_eq!(seen().await, Some(Presence::Online));
}

#[tokio::test(start_paused = true)]
async fn a_status_is_told_for_all_sessions_and_kept_for_the_next() {
    let mut club = Club::start().await;
    let bob = club.member("bob").await;
    let silent = club.bench.client("bob");
    club.ann.told();
    club.bench.hub.set_status(&silent.session, crate::store::Status::Busy).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_010)).await;
    let busy = club.ann.told();
    let [Event::PresenceChanged { presences, .. }] = &busy[..] else { panic!("{busy:?}") };
    assert_eq!(presences.iter().map(|one| one.presence).collect::<Vec<_>>(), [Presence::Busy]);
    club.bench.hub.session_ended(&bob.session.id, LeaveReason::Left).await;
    club.device("bob").await;
    let members = club.bench.hub.members(&club.ann.session, &club.id).await.unwrap();
    assert_eq!(members.iter().find(|member| member.record.user.id == bob.session.user.id).unwrap().presence, Presence::Busy);
}

#[tokio::test(start_paused = true)]
async fn who_is_gone_was_seen_last_when_it_went_also_by_who_comes_later() {
    let club = Club::start().await;
    let bob = club.member("bob").await;
    club.bench.hub.session_lost(&bob.session.id, Loss::Silent).await;
    let last = async |client: &Client| {
        let members = club.bench.hub.members(&client.session, &club.id).await.unwrap();
        let bob = members.into_iter().find(|member| member.record.user.id == bob.session.user.id).unwrap();
        (bob.presence, bob.last_seen.is_some())
    };
    assert_eq!(last(&club.ann).await, (Presence::Offline, true));
    club.bench.hub.session_ended(&bob.session.id, LeaveReason::TimedOut).await;
    club.bench.hub.session_ended(&club.ann.session.id, LeaveReason::Left).await;
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert_eq!(known(&club.bench)[0], 0);
    let ann = club.device("ann").await;
    assert_eq!(last(&ann).await, (Presence::Offline, true), "the store knows");
}

#[tokio::test(start_paused = true)]
async fn a_server_without_listeners_is_unloaded_and_comes_back_as_it_was() {
    let mut club = Club::start().await;
    club.done(rename("어제")).await;
    club.bench.hub.ended_in_servers(&club.ann.session.id).await;
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert_eq!(known(&club.bench), [1, 2, 0, 0], "somebody may come back soon");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(known(&club.bench), [0, 0, 0, 0]);
    club.ann = club.bench.client("ann");
    let view = club.bench.hub.servers(&club.ann.session).await.unwrap().remove(0);
    assert_eq!(view.tree.server.name, "어제");
    assert!(club.say(&club.ann, &club.text).await.is_ok());
    assert_eq!(known(&club.bench), [1, 2, 1, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_sessions_however_they_end() {
    let club = Club::start().await;
    let secret = club.secret(None).await;
    let mut tries = tokio::task::JoinSet::new();
    for index in 0..40 {
        let (hub, client, secret) = (club.bench.hub.clone(), club.bench.client(&format!("u{}", index % 8)), secret.clone());
        tries.spawn(async move {
            let (coming, session) = (hub.accept_invite(&client.session, &secret), &client.session);
            if index % 2 == 0 {
                drop(coming.await);
                hub.session_ended(&session.id, LeaveReason::Left).await;
            } else {
                // It ends while it comes.
                let (ended, session) = (hub.clone(), session.clone());
                drop(client.outbox);
                drop(tokio::join!(coming, async move { ended.session_ended(&session.id, LeaveReason::Left).await }));
            }
        });
    }
    tries.join_all().await;
    club.bench.hub.session_ended(&club.ann.session.id, LeaveReason::Left).await;
    assert_eq!(known(&club.bench)[2], 0, "no session");
    let server = club.bench.hub.node.communities.live(&club.id).unwrap();
    let members = server.call(|reply| Request::Members { by: crate::community::By::Backend, reply }).await.unwrap();
    assert_eq!(members.len(), 9);
    assert!(members.iter().all(|member| member.presence == Presence::Offline), "{members:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_node_has_no_server_left_and_takes_no_request() {
    let club = Club::start().await;
    club.bench.hub.stop().await;
    assert_eq!(known(&club.bench)[..2], [0, 0]);
    let stopped = Error::Unavailable("the node is stopping");
    assert_eq!(club.bench.hub.servers(&club.ann.session).await, Err(stopped.clone()));
    assert_eq!(club.say(&club.ann, &club.text).await, Err(stopped));
}

#[tokio::test(start_paused = true)]
async fn a_reminder_is_told_once_to_who_listens() {
    let mut club = Club::start().await;
    let starts_at = SystemTime::now() + Duration::from_secs(60);
    let remind_before = Some(Duration::from_secs(59));
    let new = crate::community::NewSchedule {
        title: "회식".to_owned(),
        description: String::new(),
        starts_at,
        ends_at: None,
        color: None,
        remind_before,
    };
    club.done(Command::CreateSchedule(new)).await;
    club.ann.told();
    club.bench.hub.remind().await.unwrap();
    assert_eq!(club.ann.told(), [], "not yet");
    // The wall's clock is nobody's to move.
    tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1_100))).await.unwrap();
    club.bench.hub.remind().await.unwrap();
    club.bench.hub.remind().await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(matches!(club.ann.told()[..], [Event::ScheduleDue { .. }]));
}
