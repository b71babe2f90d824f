//! Headless users against a whole node, started in this process: the wire as others write clients for it, and media end to end by an
//! independent stack.
#![allow(clippy::unwrap_used)] // A panic is how a test fails.

#[path = "node/whip.rs"]
mod whip;

use loadtest::outcome::{Ended, Outcome, Shard};
use loadtest::report::Report;
use loadtest::rest::Backend;
use loadtest::run::{Progress, Run, RunError};
use loadtest::scenario::{RoomKind, Scenario};
use loadtest::target::Dialer;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use zzan::config::{Config, DEV_KEY_ID, DEV_SECRET, Sources};
use zzan::node::Node;

/// Low rates, since the node and all its users share this process, unoptimised, and a starved UDP socket loses what no one reads.
/// `media.rs` has the full rates.
const QUIET: &str = "rooms = 2\nduration = \"6s\"\n[audio]\npps = 10\n[video]\npps = 30\nfps = 10\n[chat]\nper_minute = 60";

async fn node() -> (Node, Dialer) {
    let flags =
        [("dev", "true"), ("listen", "127.0.0.1:0"), ("store", "memory"), ("media.first_port", "0"), ("media.addresses", "127.0.0.1")];
    let flags = flags.map(|(key, value)| (key, "the test", value.to_owned())).to_vec();
    let (config, _) = Config::load(Sources { flags, ..Sources::default() }).unwrap();
    let node = Node::start(config).await.unwrap();
    let target = format!("http://{}", node.address()).parse().unwrap();
    (node, Dialer::new(target, None).unwrap())
}

fn run(dialer: &Dialer, settings: &str) -> Run {
    let mut scenario = Scenario::default();
    scenario.set_toml("the test", settings).unwrap();
    let backend = Backend::new(dialer.clone(), DEV_KEY_ID, DEV_SECRET);
    Run { scenario, dialer: dialer.clone(), backend, id: "test".into(), shard: Shard::WHOLE, start_at: None, threads: 1 }
}

async fn outcome(run: &Run) -> Outcome {
    run.execute(&Progress::default(), CancellationToken::new()).await.unwrap()
}

async fn assert_a_wrong_key_is_named(dialer: &Dialer) {
    let mut run = run(dialer, QUIET);
    run.backend = Backend::new(dialer.clone(), DEV_KEY_ID, "a-secret-that-is-as-long-but-wrong");
    let Err(RunError::Room(error)) = run.execute(&Progress::default(), CancellationToken::new()).await else {
        panic!("a wrong key was taken")
    };
    assert_eq!(error.code(), "unauthorized", "{error}");
}

async fn assert_everybody_receives_their_roommates_and_nobody_else(dialer: &Dialer) {
    let outcome = outcome(&run(dialer, QUIET)).await;
    let report = Report::new(&outcome).unwrap();
    let text = report.to_string();
    assert!(report.passed(), "{text}");
    let tally = &outcome.tally;
    assert_eq!((tally.people.expected, tally.people.joined, tally.people.joins), (8, 8, 8), "{text}");
    // Two rooms, four viewers each of three others' audio and video.
    assert_eq!((outcome.checks.expected_tracks, outcome.checks.missing_tracks, outcome.checks.leaked_tracks), (48, 0, 0), "{text}");
    assert!(tally.audio.received >= 24 * 40 && tally.video.received >= 24 * 120, "{text}");
    assert!(tally.audio.lost() * 100 <= tally.audio.expected && tally.video.lost() * 100 <= tally.video.expected, "{text}");
    assert!(
        tally.watching.frames >= 24 * 40 && tally.times.first_frame.len() == 6,
        "all but the first of each room found somebody: {text}"
    );
    assert!(tally.chat.acked > 0 && tally.chat.acked == tally.chat.sent && tally.chat.missed == 0, "{text}");
    assert!(tally.chat.delivered >= tally.chat.acked, "{text}");
    assert!(tally.speaker_changes > 0, "somebody is told who speaks: {text}");
    assert!(tally.series.len() >= 6 && tally.series.iter().map(|second| second.joined).sum::<i64>() == 0, "{text}");
}

async fn assert_people_who_come_and_go_are_counted(dialer: &Dialer) {
    let churn = "rooms = 1\npeople = 2\nduration = \"8s\"\n[audio]\npps = 10\n[video]\npps = 30\nfps = 10\n[chat]\nper_minute = 30\n\
                 [churn]\nleaves_per_minute = 15\nabrupt_percent = 50\naway = \"300ms\"\ncuts_per_minute = 20\n\
                 [link]\ndelay = \"5ms\"\npeople_percent = 50";
    let outcome = outcome(&run(dialer, churn)).await;
    let (people, connections) = (outcome.tally.people, outcome.tally.connections);
    let text = Report::new(&outcome).unwrap().to_string();
    assert!(Report::new(&outcome).unwrap().passed(), "{text}");
    assert!(people.leaves >= 1 && people.joins > people.expected, "{text}");
    assert!(connections.cut >= 1 && connections.lost == 0, "{text}");
    assert!(connections.resumed + connections.rejoined >= 1, "{text}");
    assert!(!outcome.tally.times.reconnect.is_empty(), "{text}");
}

async fn assert_the_loudest_are_heard_in_a_voice_room(dialer: &Dialer) {
    let voice = "kind = \"voice\"\npeople = 8\nduration = \"5500ms\"\n[audio]\npps = 20\nspeaking = 2\n\
                 [video]\npps = 10\nfps = 10\nslots = 2\n[chat]\nper_minute = 0";
    let outcome = outcome(&run(dialer, voice)).await;
    let text = Report::new(&outcome).unwrap().to_string();
    assert!(Report::new(&outcome).unwrap().passed(), "{text}");
    // Each of eight hears somebody and sees somebody.
    assert_eq!((outcome.checks.expected_tracks, outcome.checks.missing_tracks), (16, 0), "{text}");
    let (audio, video) = (outcome.tally.audio, outcome.tally.video);
    assert!(audio.received > 0 && audio.received < audio.sent * 6, "at most five of the seven others: {text}");
    // Eight people, two slots each, ten packets a second: six of the seven would be 2,640.
    assert!(video.received > 0 && video.received <= 8 * 2 * 10 * 6, "two slots each: {text}");
    assert!(audio.lost() * 50 <= audio.expected && video.lost() * 50 <= video.expected, "{text}");
}

async fn assert_a_small_tile_gets_the_small_layer(dialer: &Dialer) {
    let simulcast = "people = 2\nduration = \"6s\"\n[audio]\npps = 10\n[chat]\nper_minute = 0\n\
                     [video]\npps = 60\nbytes = 1100\nfps = 10\nsimulcast = true\ntile = \"160x90\"";
    let outcome = outcome(&run(dialer, simulcast)).await;
    let text = Report::new(&outcome).unwrap().to_string();
    assert!(Report::new(&outcome).unwrap().passed(), "{text}");
    let video = outcome.tally.video;
    // A tenth of 60 packets of 1,100 bytes a second, in packets of some 660; the largest layer's are longer.
    let bytes_each = video.received_bytes / video.received.max(1);
    assert!(bytes_each < 900, "{bytes_each} bytes in a packet: {text}");
    assert!(video.received > 60 && video.lost() * 50 <= video.expected, "{text}");
}

/// One test, since a process has one node: its metrics are the process's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headless_users_fill_rooms_write_leave_and_come_back() {
    let (node, dialer) = node().await;
    assert_a_wrong_key_is_named(&dialer).await;
    assert_everybody_receives_their_roommates_and_nobody_else(&dialer).await;
    assert_people_who_come_and_go_are_counted(&dialer).await;
    assert_the_loudest_are_heard_in_a_voice_room(&dialer).await;
    assert_a_small_tile_gets_the_small_layer(&dialer).await;
    whip::assert_one_http_request_publishes_and_another_plays(&dialer).await;
    assert_rooms_are_closed_at_the_end(&dialer).await;
    node.stop().await;
}

/// A run that is over before it began still cleans up behind it.
async fn assert_rooms_are_closed_at_the_end(dialer: &Dialer) {
    let stop = CancellationToken::new();
    let run = run(dialer, "duration = \"1ms\"\n[video]\non = false");
    let outcome = run.execute(&Progress::default(), stop.clone()).await.unwrap();
    assert!(stop.is_cancelled() && outcome.ended == Ended::InTime);
    tokio::time::timeout(Duration::from_secs(5), async {
        let backend = Backend::new(dialer.clone(), DEV_KEY_ID, DEV_SECRET);
        let room = backend.create_room("closed", RoomKind::Buddy, 2).await.unwrap();
        backend.end_room(&room).await.unwrap();
        assert_eq!(backend.room_token(&room, "u", "n").await.unwrap_err().code(), "not_found");
    })
    .await
    .unwrap();
}
