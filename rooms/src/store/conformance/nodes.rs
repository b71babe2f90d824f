//! Several handles on one store, as several nodes have them: what one was told, the others know.
//!
//! Expanded by [`store_nodes_conformance!`](crate::store_nodes_conformance). Invariant: a case uses no other way between its handles than the store.

use super::{delete, edit, message, millis, named, say, unread};
use crate::store::{NewMessage, Store};
use crate::view::{Audience, Cursor};
use crate::{ChannelId, UserId};
use std::collections::HashSet;
use std::sync::Arc;

/// Three handles on one empty store.
pub type Nodes = [Arc<dyn Store>; 3];

/// Expands to one `#[tokio::test]` per case that needs several handles. Takes the path of an `async fn() -> (Nodes, K)` that opens an empty
/// store three times, and anything that has to live as long as it.
#[macro_export]
macro_rules! store_nodes_conformance {
    ($make:path) => {
        $crate::store_nodes_conformance!($make;
            three_nodes_number_one_channel_without_a_gap,
            counts_stay_within_bounds_on_every_node_and_agree_at_the_end,
            a_retry_on_another_node_finds_the_first_message,
            a_login_on_another_node_sees_the_same_markers,
            a_link_has_its_last_use_on_one_node_only,
        );
    };
    ($make:path; $($case:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let (nodes, _keep) = $make().await;
            $crate::store::conformance::$case(nodes).await;
        }
    )*};
}

/// 120 messages from three nodes at once.
pub async fn three_nodes_number_one_channel_without_a_gap(nodes: Nodes) {
    let channel = ChannelId::new("c");
    let mut seqs = super::at_once(120, |index| {
        let store = nodes[index % 3].clone();
        async move { store.append(message(&format!("m{index}"), "c", &format!("u{}", index % 4), &index.to_string())).await.unwrap() }
    })
    .await
    .into_iter()
    .map(|appended| appended.message.seq)
    .collect::<Vec<_>>();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=120).collect::<Vec<_>>());
    let first = nodes[0].history(&channel, Cursor::Newest, 100).await.unwrap();
    assert_eq!(first.messages.len(), 100);
    for node in &nodes[1..] {
        assert_eq!(node.history(&channel, Cursor::Newest, 100).await.unwrap(), first, "one order for all");
    }
}

/// Each node's view is a true one at any moment: no more unread than there is, and never less than nothing.
pub async fn counts_stay_within_bounds_on_every_node_and_agree_at_the_end(nodes: Nodes) {
    super::at_once(60, |index| {
        let (store, other) = (nodes[index % 3].clone(), nodes[(index + 1) % 3].clone());
        async move {
            let (channel, user) = (ChannelId::new("c"), UserId::new(format!("u{}", index % 4)));
            let seq = say(&*store, "c", user.as_str(), &index.to_string(), &[Audience::Everyone]).await;
            match index % 3 {
                0 => delete(&*other, "c", seq).await,
                1 => drop(other.mark_read(&user, &channel, seq).await.unwrap()),
                _ => drop(other.edit(edit("c", seq, &[])).await.unwrap()),
            }
            let (read, unread, mentions) = unread(&*other, "watcher", "c").await;
            assert!(read == 0 && unread <= 60 && mentions <= unread, "{unread} unread, {mentions} mentions");
        }
    })
    .await;
    for node in &nodes {
        assert_eq!(unread(&**node, "watcher", "c").await, (0, 40, 20));
        for user in ["u0", "u1", "u2", "u3"] {
            assert_eq!(unread(&**node, user, "c").await, unread(&*nodes[0], user, "c").await);
        }
    }
}

/// Also while the first call still runs.
pub async fn a_retry_on_another_node_finds_the_first_message(nodes: Nodes) {
    // Each try has an id of its own.
    let new = |key: usize, index: usize| NewMessage {
        mentions: vec![named("b")],
        text: format!("key {key}"),
        ..message(&format!("m{key} {index}"), "c", "a", &format!("key {key}"))
    };
    for key in 0..10 {
        let answers = super::at_once(3, |index| {
            let (store, new) = (nodes[index].clone(), new(key, index));
            async move { store.append(new).await.unwrap() }
        })
        .await;
        assert_eq!(answers.iter().filter(|appended| !appended.duplicate).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().map(|appended| appended.message.seq).collect::<HashSet<_>>(), HashSet::from([key as u64 + 1]));
    }
    assert_eq!(unread(&*nodes[2], "b", "c").await, (0, 10, 10));
}

/// What was read, written and marked by way of one node is so by way of the others.
pub async fn a_login_on_another_node_sees_the_same_markers(nodes: Nodes) {
    let (user, channel) = (UserId::new("a"), ChannelId::new("c"));
    for key in 1..=4 {
        say(&*nodes[0], "c", "b", &key.to_string(), &[]).await;
    }
    say(&*nodes[1], "c", "a", "own", &[]).await;
    assert_eq!(unread(&*nodes[2], "a", "c").await, (5, 0, 0), "own messages are never unread");
    assert_eq!(nodes[2].mark_unread(&user, &channel, 3).await.unwrap(), 2);
    assert_eq!(unread(&*nodes[0], "a", "c").await, (2, 2, 0));
    assert_eq!(nodes[0].mark_read(&user, &channel, 4).await.unwrap(), 4);
    assert_eq!(nodes[1].mark_read(&user, &channel, 3).await.unwrap(), 4, "a device that is behind, on another node");
    assert_eq!(unread(&*nodes[2], "a", "c").await, (4, 0, 0));
}

/// Twelve tries on three nodes for four uses.
pub async fn a_link_has_its_last_use_on_one_node_only(nodes: Nodes) {
    nodes[0].create_link(super::link(1, 4)).await.unwrap();
    let outcomes = super::at_once(12, |index| {
        let store = nodes[index % 3].clone();
        async move { store.redeem_link(&[1; 32], millis(10)).await.unwrap() }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, crate::store::Redeemed::Granted(_))).count(), 4, "{outcomes:?}");
}
