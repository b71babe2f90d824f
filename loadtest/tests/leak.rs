//! A node keeps nothing of people who have gone: the bytes that are allocated are the same after every wave of them.
//!
//! Not what the operating system counts as resident: an allocator keeps free memory for later. Alone in its process, since it counts the whole of it.
#![allow(clippy::unwrap_used)] // A panic is how a test fails.

use loadtest::outcome::Shard;
use loadtest::report::Report;
use loadtest::rest::Backend;
use loadtest::run::{Progress, Run};
use loadtest::scenario::Scenario;
use loadtest::target::Dialer;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use zzan::config::{Config, DEV_KEY_ID, DEV_SECRET, Sources};
use zzan::node::Node;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const WAVE: &str = "rooms = 2\npeople = 4\nduration = \"1s\"\n[audio]\npps = 10\n[video]\npps = 10\nfps = 10\n[chat]\nper_minute = 0";
const PEOPLE: usize = 8;
/// Bytes that may be left of one of them, since tables grow in steps. While they are here they cost a hundred times as much.
const LEFT_PER_PERSON: usize = 4_096;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_those_who_have_gone() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let flags = [
        ("dev", "true"),
        ("listen", "127.0.0.1:0"),
        ("store", "memory"),
        ("media.first_port", "0"),
        ("media.addresses", "127.0.0.1"),
        ("rooms.empty_ttl_ms", "1000"),
    ];
    let flags = flags.map(|(key, value)| (key, "the test", value.to_owned())).to_vec();
    let (config, _) = Config::load(Sources { flags, ..Sources::default() }).unwrap();
    let node = Node::start(config).await.unwrap();
    let dialer = Dialer::new(format!("http://{}", node.address()).parse().unwrap(), None).unwrap();
    let mut left = [0; 3];
    for (wave, left) in left.iter_mut().enumerate() {
        let mut scenario = Scenario::default();
        scenario.set_toml("the test", WAVE).unwrap();
        let backend = Backend::new(dialer.clone(), DEV_KEY_ID, DEV_SECRET);
        let run =
            Run { scenario, dialer: dialer.clone(), backend, id: format!("wave {wave}"), shard: Shard::WHOLE, start_at: None, threads: 1 };
        let outcome = run.execute(&Progress::default(), CancellationToken::new()).await.unwrap();
        assert_eq!(outcome.tally.people.joined, PEOPLE as u64, "{}", Report::new(&outcome).unwrap());
        drop(outcome);
        // Longer than an empty room is kept.
        tokio::time::sleep(Duration::from_secs(3)).await;
        *left = dhat::HeapStats::get().curr_bytes;
    }
    // The first wave makes what is made once.
    let [_, second, third] = left;
    assert!(third <= second + PEOPLE * LEFT_PER_PERSON, "bytes after each wave: {left:?}");
    node.stop().await;
}
