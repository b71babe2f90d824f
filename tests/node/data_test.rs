//! What happens to data besides being written: it outlives versions of the program, is copied while it is used, and comes back.

use crate::support::process::{Process, run};
use crate::support::socket::Socket;
use rooms::store::{Membership, Redeemed};
use rooms::view::Cursor;
use rooms::{ChannelId, RoomId, UserId};
use serde_json::{Value, json};
use std::path::Path;
use std::time::SystemTime;
use zzan::store::{Kind, Opened};

/// Written by the first version that kept anything: three rooms, one of them with a password and one ended, two links, and 33 messages in two
/// channels.
const FIRST_VERSION: &[u8] = include_bytes!("fixtures/first-version.db");

/// A data directory as the first version would leave it today: what is kept for a time is still kept.
fn first_version(dir: &Path) {
    std::fs::create_dir(dir).expect("made");
    std::fs::write(dir.join("zzan.db"), FIRST_VERSION).expect("written");
    let db = rusqlite::Connection::open(dir.join("zzan.db")).expect("opens");
    assert_eq!(db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).expect("read"), 1);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_nanos() as i64;
    for table in ["links", "message_nonces", "room_nonces"] {
        assert!(db.execute(&format!("UPDATE {table} SET stored_at_ns = ?1"), [now]).expect("updated") > 0);
    }
}

fn message(channel: &str, nonce: &str) -> rooms::store::NewMessage {
    rooms::store::NewMessage {
        id: rooms::MessageId::new(rooms::random_id("msg")),
        channel: ChannelId::new(channel),
        author: rooms::User { id: UserId::new("u_1"), name: "하나".into() },
        nonce: rooms::store::Nonce(nonce.into()),
        text: "오늘".into(),
        sent_at: SystemTime::now(),
        reply_to: None,
        mentions: vec![],
        attachments: vec![],
    }
}

#[tokio::test]
async fn what_the_first_version_kept_is_read_and_written_on_by_this_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    first_version(&data);
    let opened = Opened::open(Kind::Sqlite, &data).await.expect("it is brought up to date");
    let store = opened.store();

    let rooms = store.open_rooms().await.expect("read");
    assert_eq!(rooms.iter().map(|room| room.id.as_str()).collect::<Vec<_>>(), ["room_open", "room_secret"]);
    assert_eq!((rooms[0].name.as_str(), rooms[0].owner.name.as_str()), ("막걸리 room_open 🍶", "하나"));
    assert!(rooms[1].password_hash.as_deref().is_some_and(|hash| hash.starts_with("$argon2id$")));
    assert_eq!(store.room(&RoomId::new("room_ended")).await.expect("read"), None);

    let channel = ChannelId::new("ch_room_open");
    let history = store.history(&channel, Cursor::Newest, 100).await.expect("read").messages;
    let expected: Vec<(u64, String)> = (1..=30).map(|n| (n, format!("건배 {n} 🍻 '\"\n"))).collect();
    assert_eq!(history.iter().map(|message| (message.seq, message.text.clone())).collect::<Vec<_>>(), expected);
    assert!(history.iter().all(|message| message.edited_at.is_none() && message.deleted_at.is_none() && message.mentions.is_empty()));
    for (user, since, unread) in [("u_1", 0, 10), ("u_2", 0, 20), ("u_3", 0, 30), ("u_3", 28, 2), ("u_3", 30, 0)] {
        let asked = [Membership { channel: channel.clone(), since, roles: vec![] }];
        assert_eq!(store.unread(&UserId::new(user), &asked).await.expect("counted")[0].unread, unread, "{user} since {since}");
    }
    let links = [store.redeem_link(&[1; 32], SystemTime::now()).await, store.redeem_link(&[2; 32], SystemTime::now()).await];
    assert!(matches!(&links[..], [Ok(Redeemed::Granted(link)), Ok(Redeemed::UsedUp)] if link.uses == 2), "{links:?}");

    let again = store.append(message("ch_room_open", "k7")).await.expect("known");
    assert_eq!((again.duplicate, again.message), (true, history[6].clone()), "its nonce is still known");
    assert_eq!(store.append(message("ch_room_open", "new")).await.expect("stored").message.seq, 31);
    assert_eq!(store.append(message("ch_room_ended", "new")).await.expect("stored").message.seq, 4);
    store.delete(&channel, 30, SystemTime::now()).await.expect("deleted");
    assert_eq!(store.mark_read(&UserId::new("u_2"), &channel, 28).await.expect("marked"), 28);
    let asked = [Membership { channel, since: 0, roles: vec![] }];
    assert_eq!(store.unread(&UserId::new("u_2"), &asked).await.expect("counted")[0].unread, 2, "29 and 31");
    opened.close();
}

#[tokio::test]
async fn a_node_serves_what_the_first_version_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    first_version(&dir.path().join("data"));
    let process = Process::start(dir.path(), &[]).await;
    let mut socket = join(&process, "room_open").await;
    let page = socket.request("chat:history", json!({ "channel": "ch_room_open", "before": null, "limit": 100 })).await.expect("answered");
    assert_eq!(page["messages"].as_array().map(Vec::len), Some(30), "{page}");
    process.kill().await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_ends_the_command_with_a_message_and_is_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    Process::start(dir.path(), &[]).await.kill().await;
    let path = dir.path().join("data/zzan.db");
    let set = |version: i64| {
        let db = rusqlite::Connection::open(&path).expect("opens");
        let before: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).expect("read");
        db.pragma_update(None, "user_version", version).expect("set");
        before
    };
    let known = set(99);
    let before = std::fs::read(&path).expect("read");
    let (status, out, err) = run(dir.path(), &["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir", "data"], &[]).await;
    assert_eq!(status.code(), Some(1), "{out}{err}");
    let message = format!("zzan: data_dir: data/zzan.db has schema version 99, and this zzan knows up to {known}");
    assert!(err.contains(&message) && !err.contains("panicked"), "{err}");
    assert_eq!(std::fs::read(&path).expect("read"), before);
    set(known);
    Process::start(dir.path(), &[]).await.kill().await;
}

#[tokio::test]
async fn a_running_node_is_backed_up_and_goes_on_elsewhere_from_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let process = Process::start(dir.path(), &[("ZZAN_CHAT_INTERVAL_MS", "0")]).await;
    let room = process.rest("POST", "/v1/rooms", json!({ "name": "이사", "capacity": 4 })).await.json();
    let (room, channel) = (room["id"].as_str().expect("an id"), room["channel"].as_str().expect("a channel"));
    let mut socket = join(&process, room).await;
    for n in 1..=40 {
        say(&mut socket, channel, n).await;
    }
    let copying = run(dir.path(), &["backup", "--data-dir", "data", "--to", "copy.db"], &[]);
    let writing = async {
        for n in 41..=80 {
            say(&mut socket, channel, n).await;
        }
    };
    let ((status, out, err), ()) = tokio::join!(copying, writing);
    assert!(status.success() && out.contains("copy.db holds the database of data"), "{out}{err}");

    for (args, part) in [
        (["backup", "--data-dir", "data", "--to", "copy.db"], "--to copy.db: it is there already"),
        (["backup", "--data-dir", "none", "--to", "other.db"], "--data-dir none: there is no database of zzan in it"),
        (["restore", "--from", "copy.db", "--data-dir", "data"], "--data-dir data: it is in use by another zzan process"),
        (["restore", "--from", "none.db", "--data-dir", "new"], "--from none.db: it can't be used"),
    ] {
        let (status, _, err) = run(dir.path(), &args, &[]).await;
        assert!(status.code() == Some(1) && err.contains(part), "{args:?}: {err}");
    }
    process.kill().await;
    let (status, _, err) = run(dir.path(), &["restore", "--from", "copy.db", "--data-dir", "data"], &[]).await;
    assert!(!status.success() && err.contains("--data-dir data: it holds \"zzan.db"), "{err}");

    let elsewhere = dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("made");
    let (status, _, err) = run(dir.path(), &["restore", "--from", "copy.db", "--data-dir", "elsewhere/data"], &[]).await;
    assert!(status.success(), "{err}");
    let process = Process::start(&elsewhere, &[]).await;
    let mut socket = join(&process, room).await;
    let page = socket.request("chat:history", json!({ "channel": channel, "before": null, "limit": 100 })).await.expect("answered");
    let texts: Vec<_> = page["messages"].as_array().expect("messages").iter().map(|message| message["text"].clone()).collect();
    assert!((40..=80).contains(&texts.len()), "{} messages", texts.len());
    assert_eq!(texts, (1..=texts.len()).map(|n| json!(format!("message {n}"))).collect::<Vec<Value>>());
    process.kill().await;
}

#[tokio::test]
async fn a_store_is_moved_by_export_and_import() {
    let dir = tempfile::tempdir().expect("a directory");
    first_version(&dir.path().join("data"));
    let moved = |command, data, flag, file| {
        let args = [command, "--dev", "--data-dir", data, flag, file];
        let dir = dir.path();
        async move { run(dir, &args, &[]).await }
    };
    let (status, out, err) = moved("export", "data", "--to", "export.jsonl").await;
    assert!(status.success() && out.contains("export.jsonl holds everything that is kept, 74 records."), "{out}{err}");
    let (status, out, err) = moved("import", "moved", "--from", "export.jsonl").await;
    assert!(status.success() && out.contains("74 records"), "{out}{err}");
    let (status, _, err) = moved("export", "moved", "--to", "again.jsonl").await;
    assert!(status.success(), "{err}");
    let read = |name| std::fs::read(dir.path().join(name)).expect("read");
    assert_eq!(read("again.jsonl"), read("export.jsonl"));

    for (command, data, flag, file, part) in [
        ("import", "moved", "--from", "export.jsonl", "the store isn't empty"),
        ("import", "new", "--from", "none.jsonl", "--from none.jsonl: "),
        ("export", "moved", "--to", "export.jsonl", "--to export.jsonl: "),
    ] {
        let (status, _, err) = moved(command, data, flag, file).await;
        assert!(status.code() == Some(1) && err.contains(part), "{command} {data}: {err}");
    }
    let (status, _, err) = run(dir.path(), &["export", "--dev", "--store", "memory", "--to", "memory.jsonl"], &[]).await;
    assert!(!status.success() && err.contains("store = \"memory\""), "{err}");

    let process = Process::start(dir.path(), &[]).await;
    let (status, _, err) = moved("export", "data", "--to", "running.jsonl").await;
    assert!(!status.success() && err.contains("data_dir: data is in use by another zzan process"), "{err}");
    process.kill().await;
}

async fn join(process: &Process, room: &str) -> Socket {
    let token = process.guest("하나").await;
    let mut socket = Socket::connect(process.address, &token).await.expect("it is let in");
    let joined = socket.request("room:join", json!({ "room": room })).await.expect("an answer");
    assert_eq!(joined["ok"], true, "{joined}");
    socket
}

async fn say(socket: &mut Socket, channel: &str, n: usize) {
    let text = format!("message {n}");
    let sent = socket.request("chat:send", json!({ "channel": channel, "nonce": text, "text": text })).await.expect("an answer");
    assert_eq!((&sent["ok"], &sent["message"]["seq"]), (&json!(true), &json!(n)), "{sent}");
}
