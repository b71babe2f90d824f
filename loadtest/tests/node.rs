//! Headless users against a whole node, started in this process: the wire as others write clients for it, and media end to end by an
//! independent stack.
#![allow(clippy::unwrap_used)] // A panic is how a test fails.

use loadtest::report::Report;
use loadtest::rest::Backend;
use loadtest::rtc::Epoch;
use loadtest::scenario::{Scenario, ScenarioError};
use loadtest::target::Dialer;
use loadtest::user::{self, Common, Rates, Ticket};
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use zzan::config::{Config, DEV_KEY_ID, DEV_SECRET, Sources};
use zzan::node::Node;

/// Low, since the node and all its users share this process, unoptimised, and a starved UDP socket loses what no one reads. `media.rs`
/// has the full rates.
const RATES: Rates = Rates { audio_pps: 10, video_pps: Some(30) };

async fn node() -> (Node, Dialer) {
    let flags =
        [("dev", "true"), ("listen", "127.0.0.1:0"), ("store", "memory"), ("media.first_port", "0"), ("media.addresses", "127.0.0.1")];
    let flags = flags.map(|(key, value)| (key, "the test", value.to_owned())).to_vec();
    let (config, _) = Config::load(Sources { flags, ..Sources::default() }).unwrap();
    let node = Node::start(config).await.unwrap();
    let target = format!("http://{}", node.address()).parse().unwrap();
    (node, Dialer::new(target, None).unwrap())
}

fn scenario(target: &Dialer, rooms: u32, duration: Duration) -> Scenario {
    let backend = Backend::new(target.clone(), DEV_KEY_ID, DEV_SECRET);
    Scenario { dialer: target.clone(), backend, rooms, people: 4, duration, rates: RATES }
}

fn assert_each_receives_the_three_others(report: &Report) {
    assert_eq!(report.complaints(), [], "{report}");
    for user in &report.users {
        assert_eq!(user.failures, [], "user {}: {report}", user.user);
        let roommates: BTreeSet<u32> =
            report.users.iter().filter(|other| other.room_number == user.room_number).map(|other| other.user).collect();
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            let received: Vec<_> = report.received().filter(|received| received.to.user == user.user && received.kind == kind).collect();
            let mut from: BTreeSet<u32> = received.iter().map(|received| received.from).collect();
            from.insert(user.user);
            assert_eq!((received.len(), from), (3, roommates.clone()), "user {} {kind}: {report}", user.user);
            for received in received {
                let (loss, video) = (received.subscription.loss(), kind == RtpCodecKind::Video);
                assert!(loss < 0.01, "user {} lost {loss} of user {}'s {kind}: {report}", user.user, received.from);
                let enough = if video { 60 } else { 20 };
                assert!(received.subscription.received >= enough, "only {} packets: {report}", received.subscription.received);
            }
        }
    }
    assert!(report.users.iter().all(|user| user.speaker_changes > 0), "everybody is told who speaks: {report}");
}

/// Four users in a full room, then a fifth.
async fn assert_the_fifth_is_told_that_the_room_is_full(target: &Dialer) {
    let backend = Backend::new(target.clone(), DEV_KEY_ID, DEV_SECRET);
    let room = backend.create_room("full", 4).await.unwrap();
    let common = Common { dialer: target.clone(), local: target.target().local_ip().await.unwrap(), epoch: Epoch::start(), rates: RATES };
    let stop = CancellationToken::new();
    let mut users = Vec::new();
    for user in 0..5 {
        let name = format!("full-{user}");
        let token = backend.room_token(&room, &name, &name).await.unwrap();
        let ticket = Ticket { user, room_number: 0, room: room.clone(), token };
        let (settled, mut settling) = mpsc::channel(1);
        users.push(tokio::spawn(user::run(common.clone(), ticket, settled, stop.clone())));
        settling.recv().await.unwrap();
    }
    stop.cancel();
    for (number, user) in users.into_iter().enumerate() {
        let report = user.await.unwrap();
        let codes: Vec<_> = report.failures.iter().map(|failure| failure.code.as_str()).collect();
        if number < 4 {
            assert_eq!((report.joined.is_some(), codes), (true, vec![]), "user {number}: {:?}", report.failures);
        } else {
            assert_eq!((report.joined.is_some(), codes), (false, vec!["room_full"]), "{:?}", report.failures);
        }
    }
}

async fn assert_a_wrong_key_is_named(target: &Dialer) {
    let mut scenario = scenario(target, 1, Duration::from_secs(1));
    scenario.backend = Backend::new(target.clone(), DEV_KEY_ID, "a-secret-that-is-as-long-but-wrong");
    let Err(ScenarioError::Room(error)) = scenario.run(CancellationToken::new()).await else { panic!("a wrong key was taken") };
    assert_eq!(error.code(), "unauthorized", "{error}");
}

/// One test, since a process has one node: its metrics are the process's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headless_users_fill_two_rooms_and_receive_their_roommates_and_nobody_else() {
    let (node, target) = node().await;
    assert_a_wrong_key_is_named(&target).await;
    assert_the_fifth_is_told_that_the_room_is_full(&target).await;
    let report = scenario(&target, 2, Duration::from_secs(4)).run(CancellationToken::new()).await.unwrap();
    assert_each_receives_the_three_others(&report);
    node.stop().await;
}
