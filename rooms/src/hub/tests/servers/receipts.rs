//! How far others have read, through the hub.

use super::*;
use crate::config::UnreadReaders;
use crate::view::{ReceiptMove, Standing};

fn standing(events: Vec<Event>) -> Vec<Vec<(u64, u64)>> {
    let pairs = |all: Vec<Standing>| all.into_iter().map(|standing| (standing.seq, standing.readers)).collect();
    events
        .into_iter()
        .filter_map(|event| if let Event::ReceiptsStanding { standing, .. } = event { Some(pairs(standing)) } else { None })
        .collect()
}

fn moves(events: Vec<Event>) -> Vec<(Option<u64>, Option<u64>, u64)> {
    let told = |event| if let Event::ReceiptsMoved { moves, .. } = event { Some(moves) } else { None };
    let all = events.into_iter().filter_map(told).flatten();
    all.map(|ReceiptMove { from, to, readers }| (from, to, readers)).collect()
}

/// Longer than moves are gathered.
async fn wait() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_watcher_learns_how_far_all_have_read_and_how_that_moves() {
    let mut club = Club::start().await;
    let (bob, _carol) = (club.member("bob").await, club.member("carol").await);
    for _ in 0..3 {
        club.say(&club.ann, &club.text).await.unwrap();
    }
    club.bench.hub.mark_read(&bob.session, &club.text, 2).await.unwrap();
    club.ann.told();
    club.bench.hub.watch_receipts(&club.ann.session, &club.text).await.unwrap();
    wait().await;
    assert_eq!(standing(club.ann.told()), [vec![(0, 1), (2, 1), (3, 1)]], "carol, bob, and ann who wrote");
    club.bench.hub.mark_read(&bob.session, &club.text, 3).await.unwrap();
    wait().await;
    assert_eq!(moves(club.ann.told()), [(Some(2), Some(3), 1)]);
    club.say(&bob, &club.text).await.unwrap();
    let dan = club.member("dan").await;
    wait().await;
    let mut heard = moves(club.ann.told());
    heard.sort_unstable();
    assert_eq!(heard, [(None, Some(4), 1), (Some(3), Some(4), 1)], "whoever writes has read, and so has whoever comes");
    club.done(kick("bob")).await;
    wait().await;
    assert_eq!(moves(club.ann.told()), [(Some(4), None, 1)]);
    club.bench.hub.unwatch_receipts(&club.ann.session, &club.text).await;
    club.bench.hub.mark_unread(&dan.session, &club.text, 1).await.unwrap();
    wait().await;
    assert_eq!(moves(club.ann.told()), []);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_read_a_channel_learns_nothing_and_who_loses_it_hears_no_more() {
    let club = Club::start().await;
    let mut bob = club.member("bob").await;
    let secret = club.channel(Some(Private::default())).await;
    let gone = Error::NotFound("channel");
    assert_eq!(club.bench.hub.watch_receipts(&bob.session, &secret).await, Err(gone.clone()));
    assert_eq!(club.bench.hub.watch_receipts(&bob.session, &ChannelId::new("chn_none")).await, Err(gone));
    club.done(restrict(&secret, Some(only("bob")))).await;
    club.bench.hub.watch_receipts(&bob.session, &secret).await.unwrap();
    wait().await;
    assert_eq!(standing(bob.told()).len(), 1);
    club.done(restrict(&secret, Some(Private::default()))).await;
    club.say(&club.ann, &secret).await.unwrap();
    wait().await;
    assert_eq!(moves(bob.told()), []);
}

#[tokio::test(start_paused = true)]
async fn one_channel_of_a_server_is_watched_at_a_time() {
    let mut club = Club::start().await;
    let second = club.channel(None).await;
    club.bench.hub.watch_receipts(&club.ann.session, &club.text).await.unwrap();
    club.bench.hub.watch_receipts(&club.ann.session, &second).await.unwrap();
    wait().await;
    club.ann.told();
    club.say(&club.ann, &club.text).await.unwrap();
    wait().await;
    assert_eq!(moves(club.ann.told()), [], "the first is over");
    club.say(&club.ann, &second).await.unwrap();
    wait().await;
    assert_eq!(moves(club.ann.told()), [(Some(0), Some(1), 1)]);
}

#[tokio::test(start_paused = true)]
async fn receipts_that_are_switched_off_are_refused() {
    let config = Config { unread_readers: UnreadReaders::Hidden, ..Config::default() };
    let club = Club::of(Bench::start_with(config, Arc::default()).await).await;
    let refused = club.bench.hub.watch_receipts(&club.ann.session, &club.text).await;
    assert_eq!(refused, Err(Error::Unsupported("read receipts are switched off")));
}
