//! Everything out of the tables and into others: what every store promises of it, and the way from SQLite and back.

use crate::support::{Faults, Mode, Server, message, store, user};
use rooms::store::conformance::{Walk, keep_every_kind_of_record};
use rooms::store::{Mark, MarkStore as _, Membership, MessageStore as _, Pin, React, Record, Store, StoreError, Transfer};
use rooms::view::{Audience, Cursor};
use rooms::{ChannelId, UserId};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use zzan::store::dynamodb::DynamoDb;
use zzan::store::sqlite::Sqlite;
use zzan::store::transfer::{export, import};

async fn empty() -> (Arc<DynamoDb>, Server) {
    let (store, _link, server) = store(Mode::Strict).await;
    (Arc::new(store), server)
}

// What is left out here is looked at below with fewer records: each is a call.
rooms::store_transfer_conformance!(empty;
    what_was_removed_is_not_read_out,
    records_that_do_not_follow_are_refused,
);

/// As texts in an order of their own, with nonces to the second: how long a row lives is known in seconds.
async fn sorted(store: &dyn Transfer, limit: u32) -> Vec<String> {
    let seconds = |at: SystemTime| {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
    };
    let (mut texts, mut position) = (Vec::new(), None);
    loop {
        let page = store.records(position, limit).await.expect("read");
        assert!(page.records.len() <= limit as usize);
        for mut record in page.records {
            if let Record::RoomNonce { stored_at, .. }
            | Record::MessageNonce { stored_at, .. }
            | Record::NotificationKey { stored_at, .. } = &mut record
            {
                *stored_at = seconds(*stored_at);
            }
            texts.push(format!("{record:?}"));
        }
        position = page.next;
        if position.is_none() {
            texts.sort();
            return texts;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_sqlite_by_a_file_into_the_tables_and_back_everything_is_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let from = Sqlite::open(&dir.path().join("from.db")).expect("opens");
    let mut walk = Walk::new(3, 1, 400);
    keep_every_kind_of_record(&from, &mut walk, 400).await;
    let (there, back) = (dir.path().join("there.jsonl"), dir.path().join("back.jsonl"));
    let written = export(&from, &there).await.expect("written");
    let (tables, _link, _server) = store(Mode::Strict).await;
    assert_eq!(import(&tables, &there).await.expect("put"), written);
    let expected = sorted(&from, 500).await;
    for limit in [50, expected.len() as u32, expected.len() as u32 + 1] {
        assert_eq!(sorted(&tables, limit).await, expected, "pages of {limit}");
    }
    assert_eq!(export(&tables, &back).await.expect("written"), written);
    let to = Sqlite::open(&dir.path().join("to.db")).expect("opens");
    assert_eq!(import(&to, &back).await.expect("put"), written);
    assert_eq!(sorted(&to, 500).await, expected);
    assert!(walk.is_kept_by(&tables).await);
    for _ in 0..50 {
        walk.step(&tables).await;
    }
}

/// Throttled as a table is that has to grow, and not always answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_whole_though_requests_are_throttled_and_replies_lost() {
    let dir = tempfile::tempdir().expect("a directory");
    let from = Sqlite::open(&dir.path().join("from.db")).expect("opens");
    let mut walk = Walk::new(3, 2, 100);
    keep_every_kind_of_record(&from, &mut walk, 100).await;
    let file = dir.path().join("export.jsonl");
    let written = export(&from, &file).await.expect("written");
    let (tables, link, _server) = store(Mode::Plain).await;
    link.set(Faults { throttled_percent: 10, lost_percent: 5, ..Faults::default() });
    assert_eq!(import(&tables, &file).await.expect("put"), written);
    link.set(Faults::default());
    assert!(walk.is_kept_by(&tables).await);

    let once = sorted(&tables, 500).await;
    let records = from.records(None, 1_000_000).await.expect("read").records;
    for some in records.chunks(101) {
        tables.put_records(some.to_vec()).await.expect("put again");
    }
    assert_eq!(sorted(&tables, 97).await, once, "what is put twice changes nothing");
}

#[tokio::test]
async fn what_is_counted_is_the_same_after_an_import() {
    let dir = tempfile::tempdir().expect("a directory");
    let from = Sqlite::open(&dir.path().join("from.db")).expect("opens");
    let channel = ChannelId::new("c");
    for index in 0..60 {
        let mut new = message("c", &format!("u{}", index % 3), &index.to_string());
        new.mentions = match index % 10 {
            3 => vec![Audience::Everyone],
            5 => vec![Audience::User(user("u1").id), Audience::User(user("late").id)],
            _ => vec![],
        };
        from.append(new).await.expect("stored");
    }
    for seq in [6, 24, 59, 60] {
        from.delete(&channel, seq, SystemTime::now()).await.expect("deleted");
    }
    from.mark_read(&user("late").id, &channel, 10).await.expect("marked");
    // Own messages lie above it from now on.
    from.mark_unread(&user("u1").id, &channel, 20).await.expect("marked");
    let react = |name: &str| React { channel: channel.clone(), seq: 7, user: user(name).id, emoji: "🍻".into(), mark: Mark::On };
    for name in ["b", "a"] {
        from.react(react(name)).await.expect("reacted");
    }
    let (mark, at) = (Mark::On, SystemTime::now());
    from.pin(Pin { channel: channel.clone(), seq: 8, mark, at }).await.expect("pinned");
    let file = dir.path().join("export.jsonl");
    export(&from, &file).await.expect("written");

    let (tables, _link, _server) = store(Mode::Strict).await;
    import(&tables, &file).await.expect("put");
    let asked = [Membership { channel: channel.clone(), since: 0, roles: vec![] }];
    for name in ["u0", "u1", "u2", "late", "nobody"] {
        let user = UserId::new(name);
        assert_eq!(tables.unread(&user, &asked).await, from.unread(&user, &asked).await, "{name}");
    }
    // And goes on from there.
    for store in [&tables as &dyn Store, &from] {
        assert_eq!(store.append(message("c", "u1", "57")).await.expect("stored").message.seq, 61, "another author's nonce");
        assert!(store.append(message("c", "u0", "57")).await.expect("known").duplicate);
        store.react(react("c")).await.expect("reacted");
        store.mark_read(&user("late").id, &channel, 30).await.expect("marked");
    }
    for name in ["u0", "u1", "u2", "late", "nobody"] {
        let user = UserId::new(name);
        assert_eq!(tables.unread(&user, &asked).await, from.unread(&user, &asked).await, "{name}");
    }
    let all = [tables.history(&channel, Cursor::Before(61), 100).await, from.history(&channel, Cursor::Before(61), 100).await];
    assert_eq!(all[0].as_ref().expect("read"), all[1].as_ref().expect("read"));
    assert_eq!(tables.pins(&channel).await, from.pins(&channel).await);
}

#[tokio::test]
async fn a_store_without_kept_nonces_tells_those_of_its_last_messages() {
    let (tables, _link, _server) = store(Mode::Plain).await;
    for nonce in ["1", "2"] {
        tables.append(message("c", "a", nonce)).await.expect("stored");
    }
    let mut records = tables.records(None, 100).await.expect("read").records;
    for record in &mut records {
        if let Record::MessageNonce { stored_at, .. } = record {
            *stored_at = SystemTime::now();
        }
    }
    let (other, _other_link, _other_server) = store(Mode::Strict).await;
    other.put_records(records.clone()).await.expect("put");
    assert!(other.append(message("c", "a", "2")).await.expect("known").duplicate);
    assert_eq!(other.append(message("c", "a", "3")).await.expect("stored").message.seq, 3);
    other.close();
    assert_eq!(other.put_records(records).await, Err(StoreError::Unavailable), "closed");
    assert_eq!(other.records(None, 1).await, Err(StoreError::Unavailable));
}
