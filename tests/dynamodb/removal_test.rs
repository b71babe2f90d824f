//! Channels and servers that are removed: what another node sees, what is left of them, and changes beyond the size of a transaction.

use crate::support::{Link, Mode, all, channel, client, member, message, prefix_of, settings, store, tree, user};
use aws_sdk_dynamodb::types::AttributeValue;
use rooms::store::{CommunityStore as _, Mark, MarkStore as _, Membership, MessageStore as _, NewMessage, React, TreeChange, Updated};
use rooms::view::Audience;
use rooms::{ChannelId, ServerId};
use std::time::{Duration, SystemTime};
use zzan::store::dynamodb::DynamoDb;

#[tokio::test]
async fn another_node_meets_the_end_of_a_removed_channel_and_begins_anew() {
    for mode in [Mode::Strict, Mode::Plain] {
        let (one, _link, server) = store(mode).await;
        let mut same = settings(&server.endpoint, mode);
        same.table_prefix = prefix_of(&server.endpoint).await;
        let other = DynamoDb::open_over(&same, Link::new(1).client()).await.expect("it opens");
        let (id, said) = (ServerId::new("s"), ChannelId::new("s 0"));
        assert!(one.create_server(tree("s", 1), vec![]).await.expect("made"));
        for nonce in ["1", "2"] {
            other.append(message("s 0", "a", nonce)).await.expect("stored");
        }
        // The other node knows where the channel's messages are, and isn't told.
        let changes = vec![TreeChange::RemoveChannel(said.clone()), TreeChange::PutChannel(channel("s 0", 0))];
        assert_eq!(one.update_server(&id, 1, changes).await, Ok(Updated::Done));
        assert_eq!(other.message(&said, 1).await, Ok(None));
        let asked = [Membership { channel: said.clone(), since: 0, roles: vec![] }];
        assert_eq!(other.unread(&user("a").id, &asked).await.expect("read")[0].head, 0);
        assert_eq!(one.update_server(&id, 2, vec![TreeChange::RemoveChannel(said)]).await, Ok(Updated::Done));
        let again = other.append(message("s 0", "a", "2")).await.expect("stored");
        assert_eq!((again.message.seq, again.duplicate), (1, false), "{mode:?}");
        assert_eq!(all(&one, "s 0").await, [again.message]);
    }
}

async fn rows(endpoint: &str, table: &str) -> Vec<String> {
    let (table, client) = (format!("{}_{table}", prefix_of(endpoint).await), client(endpoint));
    let found = client.scan().table_name(table).consistent_read(true).send().await.expect("scanned").items.unwrap_or_default();
    let text = |value: &AttributeValue| value.as_s().expect("a text").clone();
    let mut keys: Vec<String> = found.iter().map(|row| format!("{} {}", text(&row["PK"]), text(&row["SK"]))).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn what_a_deleted_server_leaves_is_swept_an_hour_later_and_nothing_else() {
    let (store, _link, server) = store(Mode::Plain).await;
    for id in ["gone", "kept"] {
        assert!(store.create_server(tree(id, 2), vec![member(id, "ann"), member(id, "bob")]).await.expect("made"));
        for (index, name) in ["ann", "bob", "ann"].into_iter().enumerate() {
            let mentions = vec![Audience::Everyone, Audience::User(user("bob").id)];
            let new = NewMessage { mentions, ..message(&format!("{id} 0"), name, &index.to_string()) };
            store.append(new).await.expect("stored");
        }
        let (channel, user, emoji, mark) = (ChannelId::new(format!("{id} 0")), user("bob").id, "🍻".to_owned(), Mark::On);
        store.react(React { channel, seq: 1, user, emoji, mark }).await.expect("reacted");
    }
    store.delete_server(&ServerId::new("gone")).await.expect("deleted");
    let now = SystemTime::now();
    assert_eq!(store.sweep(now).await, Ok(false), "not yet");
    while store.sweep(now + Duration::from_secs(2 * 3600)).await.expect("swept") {}
    assert_eq!(rows(&server.endpoint, "messages").await.len(), 3, "of the other server");
    let core = rows(&server.endpoint, "core").await;
    let left: Vec<&str> = core.iter().map(String::as_str).filter(|key| key.contains("gone") || key.starts_with("SWEEP")).collect();
    assert_eq!(left, ["C#gone 0 LOG", "C#gone 1 LOG"]);
    assert_eq!(store.members(&ServerId::new("kept")).await.expect("read").len(), 2);
    assert_eq!(all(&store, "kept 0").await[0].reactions.len(), 1);
    for partition in ["P#", "M#", "H#"] {
        let names: std::collections::BTreeSet<&str> =
            core.iter().filter(|key| key.starts_with(partition)).map(|key| key.split(['#', ' ']).nth(1).expect("a name")).collect();
        assert!(names.len() <= 1, "{names:?} are partitions of one server");
    }
}

#[tokio::test]
async fn a_tree_beyond_the_size_of_a_transaction_is_made_and_changed_whole() {
    let (store, _link, _server) = store(Mode::Strict).await;
    let (id, mut expected) = (ServerId::new("s"), tree("s", 240));
    assert!(store.create_server(expected.clone(), vec![member("s", "ann")]).await.expect("made"));
    assert_eq!(store.server(&id).await, Ok(Some(expected.clone())));
    let mut changes: Vec<TreeChange> = (0..240).map(|n| TreeChange::PutChannel(channel(&format!("s {n}"), 240 - n))).collect();
    changes.push(TreeChange::RemoveChannel(ChannelId::new("s 7")));
    expected.change(changes.clone());
    assert_eq!(store.update_server(&id, 1, changes.clone()).await, Ok(Updated::Done));
    assert_eq!(store.server(&id).await, Ok(Some(expected.clone())));
    assert_eq!(store.update_server(&id, 1, changes).await, Ok(Updated::Stale));
    assert_eq!(store.server_of(&ChannelId::new("s 7")).await, Ok(None));
    assert_eq!(store.server_of(&ChannelId::new("s 8")).await, Ok(Some(id.clone())));
    while store.sweep(SystemTime::now() + Duration::from_secs(2 * 3600)).await.expect("swept") {}
    assert_eq!(store.server(&id).await, Ok(Some(expected)));
    // On a busy machine one call may be too short for so many channels: the next one goes on where it ended.
    let mut calls = 0..5;
    while store.delete_server(&id).await.is_err() {
        calls.next().expect("it comes to an end");
    }
    assert_eq!(store.server(&id).await, Ok(None));
    assert_eq!(store.server_of(&ChannelId::new("s 8")).await, Ok(None));
}
