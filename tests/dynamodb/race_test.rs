//! Several nodes on one channel, over networks that lose replies: the order is contiguous, complete and without doubles.

use crate::support::{Faults, Link, Mode, Server, all, append_until_acked, message, settings};
use rooms::store::{Membership, MessageStore as _};
use rooms::{ChannelId, UserId};
use std::collections::BTreeSet;
use std::sync::Arc;
use zzan::store::dynamodb::DynamoDb;

const NODES: usize = 3;
/// Of each node, so that messages go in groups.
const SENDERS: usize = 3;
/// Of each sender.
const MESSAGES: usize = 14;
const ALL: u64 = (NODES * SENDERS * MESSAGES) as u64;

async fn race(mode: Mode) {
    let server = Server::start().await;
    let settings = settings(&server.endpoint, mode);
    let mut stores = Vec::new();
    for node in 0..NODES {
        let link = Link::new(node as u64);
        let store = DynamoDb::open_over(&settings, link.client()).await.expect("it opens");
        link.set(Faults { lost_percent: 10, ..Faults::default() });
        stores.push(Arc::new(store));
    }
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..NODES * SENDERS {
        let mut stores = stores.clone();
        // A send that fails is tried again on the next node.
        stores.rotate_left(sender % NODES);
        tasks.spawn(async move {
            let stores: Vec<&DynamoDb> = stores.iter().map(Arc::as_ref).collect();
            let mut acked = Vec::new();
            for index in 0..MESSAGES {
                let nonce = format!("{sender}-{index}");
                acked.push((append_until_acked(&stores, message("c", &format!("u{sender}"), &nonce)).await, format!("text of {nonce}")));
            }
            assert!(acked.is_sorted(), "one's own messages keep their order");
            acked
        });
    }
    let acked: BTreeSet<(u64, String)> = tasks.join_all().await.into_iter().flatten().collect();
    let quiet = DynamoDb::open_over(&settings, Link::new(9).client()).await.expect("it opens");
    let stored: Vec<(u64, String)> = all(&quiet, "c").await.into_iter().map(|message| (message.seq, message.text)).collect();
    assert_eq!(stored.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=ALL).collect::<Vec<_>>());
    assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), acked);
    let asked = [Membership { channel: ChannelId::new("c"), since: 0, roles: vec![] }];
    let unread = quiet.unread(&UserId::new("reader"), &asked).await.expect("read");
    assert_eq!((unread[0].head, unread[0].unread), (ALL, ALL));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_write_one_channel_with_kept_nonces() {
    race(Mode::Strict).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_write_one_channel_without_kept_nonces() {
    race(Mode::Plain).await;
}

mod nodes {
    use super::*;
    use rooms::store::Store;
    use rooms::store::conformance::Nodes;

    async fn three() -> (Nodes, Server) {
        let server = Server::start().await;
        let settings = settings(&server.endpoint, Mode::Strict);
        let open = || async { Arc::new(DynamoDb::open_over(&settings, Link::new(0).client()).await.expect("it opens")) as Arc<dyn Store> };
        ([open().await, open().await, open().await], server)
    }

    rooms::store_nodes_conformance!(three);
}
