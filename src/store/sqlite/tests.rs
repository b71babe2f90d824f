//! What the embedded store promises beyond the suite that every store passes: durability, neighbours in one commit, a disk that fills up.

use super::*;
use ::rooms::store::{
    Access, ChannelKind, ChannelRecord, CommunityStore as _, Listing, MemberRecord, MessageStore as _, NewMessage, ServerKind,
    ServerRecord, ServerTree, Store, StoreError,
};
use ::rooms::view::Cursor;
use ::rooms::{ChannelId, MessageId, RoomKind, ServerId, User, UserId};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

fn temporary() -> (tempfile::TempDir, Sqlite) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Sqlite::open(&dir.path().join("zzan.db")).expect("opens");
    (dir, store)
}

/// The promises of every store.
mod conformance {
    use super::*;

    async fn make() -> (Arc<dyn Store>, tempfile::TempDir) {
        let (dir, store) = temporary();
        (Arc::new(store), dir)
    }

    async fn make_nodes() -> (::rooms::store::conformance::Nodes, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a directory");
        let open = |_| -> Arc<dyn Store> { Arc::new(Sqlite::open(&dir.path().join("zzan.db")).expect("opens")) };
        ([0, 1, 2].map(open), dir)
    }

    async fn make_one() -> (Arc<Sqlite>, tempfile::TempDir) {
        let (dir, store) = temporary();
        (Arc::new(store), dir)
    }

    /// Nearly everything is in the index of texts, which many operations meet.
    async fn make_indexing() -> (Arc<dyn Store>, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Sqlite::open_indexing(&dir.path().join("zzan.db"), 2).expect("opens");
        (Arc::new(store), dir)
    }

    mod indexing {
        use super::*;

        ::rooms::search_conformance!(make_indexing);
        ::rooms::store_conformance!(make_indexing; random_operations_agree_with_an_oracle);
    }

    ::rooms::store_conformance!(make);
    ::rooms::search_conformance!(make);
    ::rooms::store_nodes_conformance!(make_nodes);
    ::rooms::store_transfer_conformance!(make_one);
}

fn message(channel: &str, nonce: &str, text: &str) -> NewMessage {
    NewMessage {
        id: MessageId::new(::rooms::random_id("msg")),
        channel: ChannelId::new(channel),
        author: User { id: UserId::new("u_1"), name: "하나".into() },
        nonce: Nonce(nonce.into()),
        text: text.into(),
        sent_at: SystemTime::now(),
        reply_to: None,
        mentions: vec![],
        attachments: vec![],
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_opening_again() {
    let (dir, store) = temporary();
    let room = RoomRecord {
        id: RoomId::new("room_1"),
        name: "막걸리".into(),
        kind: RoomKind::Buddy,
        capacity: 4,
        password_hash: Some("$argon2id$…".into()),
        owner: User { id: UserId::new("u_1"), name: "하나".into() },
        channel: ChannelId::new("ch_1"),
        listing: Listing::Lobby,
        created_at: SystemTime::now(),
    };
    store.create_room(room.clone(), Nonce("n".into())).await.expect("created");
    let first = store.append(message("ch_1", "a", "안녕")).await.expect("stored").message;
    store.close();
    drop(store);

    let store = Sqlite::open(&dir.path().join("zzan.db")).expect("opens again");
    assert_eq!(store.open_rooms().await.expect("read"), [room]);
    assert_eq!(store.history(&ChannelId::new("ch_1"), Cursor::Newest, 10).await.expect("read").messages, [first]);
    assert!(store.append(message("ch_1", "a", "안녕")).await.expect("known").duplicate);
    assert_eq!(store.append(message("ch_1", "b", "또")).await.expect("stored").message.seq, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_racing_sends_get_a_thousand_contiguous_numbers() {
    let (_dir, store) = temporary();
    let store = Arc::new(store);
    let sends: Vec<_> = (0..1000)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.append(message("ch_1", &format!("n{n}"), "x")).await.expect("stored").message.seq })
        })
        .collect();
    let mut numbers = HashSet::new();
    for send in sends {
        numbers.insert(send.await.expect("ran"));
    }
    assert_eq!(numbers, (1..=1000).collect());
    let page = store.history(&ChannelId::new("ch_1"), Cursor::Before(11), 100).await.expect("read");
    assert_eq!(page.messages.iter().map(|message| message.seq).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    assert!(!page.more);
}

#[tokio::test]
async fn an_operation_that_fails_takes_nothing_of_its_neighbours_with_it() {
    let (_dir, store) = temporary();
    let failing = store.writer.run("test", |db| -> Result<(), Failure> {
        db.execute("INSERT INTO room_nonces VALUES ('u', 'half', 'r', 0)", [])?;
        db.execute("INSERT INTO no_such_table VALUES (1)", [])?;
        Ok(())
    });
    let (failed, stored) = tokio::join!(failing, store.append(message("ch_1", "a", "x")));
    assert_eq!(failed, Err(StoreError::Unavailable));
    assert_eq!(stored.expect("stored").message.seq, 1);
    let half = store
        .readers
        .run("test", |db| Ok(db.query_row("SELECT count(*) FROM room_nonces WHERE nonce = 'half'", [], |row| row.get::<_, i64>(0))?))
        .await;
    assert_eq!(half, Ok(0));
}

#[tokio::test]
async fn a_full_disk_is_told_reads_go_on_and_writes_resume_without_a_restart() {
    let (_dir, store) = temporary();
    let kept = store.append(message("ch_1", "a", "kept")).await.expect("stored").message;
    // The same error that a full disk gives, at a size of the test's choosing.
    let limit = |pages: i64| store.writer.run("test", move |db| Ok(db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?));
    limit(1).await.expect("limited to what there is");
    let mut refused = None;
    for n in 0..200 {
        if let Err(error) = store.append(message("ch_1", &format!("full{n}"), &"x".repeat(4_000))).await {
            refused = Some((n, error));
            break;
        }
    }
    let (stored, error) = refused.expect("the disk fills up");
    assert_eq!(error, StoreError::Unavailable);
    let page = store.history(&ChannelId::new("ch_1"), Cursor::Before(2), 10).await.expect("reads go on");
    assert_eq!(page.messages, [kept]);

    limit(1_000_000).await.expect("there is room again");
    let next = store.append(message("ch_1", &format!("full{stored}"), "x")).await.expect("resumed");
    assert_eq!(next.message.seq, stored + 2, "the refused message took no number");
    assert!(!next.duplicate, "the refused message had left nothing");
}

#[tokio::test]
async fn after_closing_everything_is_refused_and_what_was_queued_is_kept() {
    let (dir, store) = temporary();
    let store = Arc::new(store);
    let queued = tokio::spawn({
        let store = store.clone();
        async move { store.append(message("ch_1", "a", "x")).await }
    });
    let stored = queued.await.expect("ran").expect("stored").message;
    store.close();
    assert!(!store.is_writable());
    assert_eq!(store.append(message("ch_1", "b", "x")).await, Err(StoreError::Unavailable));
    drop(store);
    let store = Sqlite::open(&dir.path().join("zzan.db")).expect("opens again");
    assert_eq!(store.history(&ChannelId::new("ch_1"), Cursor::Newest, 10).await.expect("read").messages, [stored]);
}

#[tokio::test]
async fn a_log_torn_by_a_power_cut_still_opens_with_every_commit_before_the_tear() {
    let (dir, store) = temporary();
    for n in 0..20 {
        store.append(message("ch_1", &format!("n{n}"), "x")).await.expect("stored");
    }
    // As the disk is at this instant: nothing of the log has been moved into the database yet.
    let copy = tempfile::tempdir().expect("a directory");
    for name in ["zzan.db", "zzan.db-wal"] {
        std::fs::copy(dir.path().join(name), copy.path().join(name)).expect("copied");
    }
    let wal = std::fs::OpenOptions::new().write(true).open(copy.path().join("zzan.db-wal")).expect("opens");
    let length = wal.metadata().expect("has a length").len();
    wal.set_len(length - 100).expect("torn inside the last frame");

    let torn = Sqlite::open(&copy.path().join("zzan.db")).expect("opens");
    let page = torn.history(&ChannelId::new("ch_1"), Cursor::Newest, 100).await.expect("read");
    assert_eq!(page.messages.iter().map(|message| message.seq).collect::<Vec<_>>(), (1..=19).collect::<Vec<_>>());
    assert_eq!(torn.append(message("ch_1", "next", "x")).await.expect("stored").message.seq, 20);
}

/// A server with one channel.
fn server(id: &str, channel: &str) -> (ServerTree, MemberRecord) {
    let (created_at, owner) = (SystemTime::now(), User { id: UserId::new("u_1"), name: "하나".into() });
    let channel = ChannelRecord {
        id: ChannelId::new(channel),
        category: None,
        kind: ChannelKind::Text,
        name: "수다".into(),
        position: 0,
        access: Access::open(0),
        slow_mode: None,
        metadata: None,
        created_at,
    };
    let id = ServerId::new(id);
    let (kind, name) = (ServerKind::Community, "짠".to_owned());
    let server = ServerRecord { id: id.clone(), kind, name, image_url: None, owner: Some(owner.id.clone()), created_at };
    let channels = BTreeMap::from([(channel.id.clone(), channel)]);
    let tree = ServerTree { server, roles: BTreeMap::new(), categories: BTreeMap::new(), channels, version: 1 };
    (tree, MemberRecord { server: id, user: owner, nickname: None, roles: vec![], joined_at: created_at, since: BTreeMap::new() })
}

/// As many messages of a channel as would take long to send one by one.
async fn fill(store: &Sqlite, channel: &'static str, messages: i64) {
    let insert = "WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < ?2)
        INSERT INTO messages (channel, seq, id, author_id, author_name, text, sent_at_ns)
        SELECT ?1, seq, 'msg_' || seq, 'u_' || (seq % 50), 'name', 'some text of a message', seq FROM n";
    store.writer.run("test", move |db| Ok(db.execute(insert, (channel, messages))?)).await.expect("filled");
}

async fn rows_left(store: &Sqlite, channel: &'static str) -> i64 {
    let count = "SELECT count(*) FROM messages WHERE channel = ?1";
    store.readers.run("test", move |db| Ok(db.query_row(count, [channel], |row| row.get(0))?)).await.expect("counted")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_messages_of_a_deleted_server_are_gone_at_once_and_their_rows_go_while_others_write_and_after_a_restart() {
    const MESSAGES: i64 = 60_000;
    let (dir, store) = temporary();
    for (id, channel) in [("srv_1", "ch_1"), ("srv_2", "ch_2")] {
        let (tree, owner) = server(id, channel);
        assert!(store.create_server(tree, vec![owner]).await.expect("created"));
        fill(&store, channel, MESSAGES).await;
    }
    store.delete_server(&ServerId::new("srv_1")).await.expect("deleted");
    let found = store.history(&ChannelId::new("ch_1"), Cursor::Newest, 10).await.expect("read");
    assert!(found.messages.is_empty() && !found.more);
    let (tree, owner) = server("srv_1", "ch_1");
    assert!(store.create_server(tree, vec![owner]).await.expect("created again"));
    assert_eq!(store.append(message("ch_1", "a", "x")).await.expect("stored").message.seq, 1);
    store.close();
    drop(store);

    let store = Sqlite::open(&dir.path().join("zzan.db")).expect("opens again");
    let swept = async {
        for nonce in 0.. {
            let seq = store.append(message("ch_2", &format!("n{nonce}"), "x")).await.expect("stored").message.seq;
            assert_eq!(seq, MESSAGES as u64 + 1 + nonce);
            if rows_left(&store, "ch_1").await == 0 {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(120), swept).await.expect("all of it goes");
    let page = store.history(&ChannelId::new("ch_1"), Cursor::Newest, 10).await.expect("read");
    assert_eq!(page.messages.iter().map(|message| message.seq).collect::<Vec<_>>(), [1], "what came after it stays");
    assert!(rows_left(&store, "ch_2").await > MESSAGES);
}

#[tokio::test]
async fn a_server_is_there_after_opening_again() {
    let (dir, store) = temporary();
    let (tree, owner) = server("srv_1", "ch_1");
    assert!(store.create_server(tree.clone(), vec![owner.clone()]).await.expect("created"));
    store.close();
    drop(store);
    let store = Sqlite::open(&dir.path().join("zzan.db")).expect("opens again");
    assert_eq!(store.server(&tree.server.id).await.expect("read"), Some(tree.clone()));
    assert_eq!(store.memberships(&owner.user.id).await.expect("read"), [owner]);
}
