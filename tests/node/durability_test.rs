//! kill -9 while clients send: whatever was acknowledged is there afterwards, in order, none twice.

use crate::support::process::Process;
use crate::support::socket::{Closed, Socket};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

/// Rounds of start, send, kill.
const ROUNDS: u64 = 100;

/// Clients that send at the same time, in one room.
const CLIENTS: usize = 3;

/// Without a limit on chat, and a fresh room is kept across the restart.
const ENV: [(&str, &str); 2] = [("ZZAN_CHAT_INTERVAL_MS", "0"), ("ZZAN_LIMITS_EVENTS_PER_S", "100000")];

/// The acknowledged messages of a room: text by sequence number.
type Acked = BTreeMap<u64, String>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_kills_lose_no_acknowledged_message_and_double_none() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut random = Random(0x7a7a_616e);
    let mut acked = Acked::new();
    let mut process = Process::start(dir.path(), &ENV).await;
    let room = process.rest("POST", "/v1/rooms", json!({ "name": "kill", "capacity": 4 })).await.json();
    let (room, channel) = (text(&room["id"]), text(&room["channel"]));

    for round in 0..ROUNDS {
        let senders: Vec<_> = (0..CLIENTS)
            .map(|client| {
                tokio::spawn(send_until_killed(process.address, token(&room, client), room.clone(), channel.clone(), round, client))
            })
            .collect();
        // Long enough for all to be sending, and to hit every stage of a commit over the rounds.
        tokio::time::sleep(Duration::from_micros(50_000 + random.below(100_000))).await;
        process.kill().await;
        for sender in senders {
            for (seq, text) in sender.await.expect("it ran") {
                assert_eq!(acked.insert(seq, text), None, "round {round}: number {seq} was given twice");
            }
        }
        process = Process::start(dir.path(), &ENV).await;
        check(&process, &room, &channel, &acked, round).await;
    }
    println!("{} messages were acknowledged over {ROUNDS} kills", acked.len());
    assert!(acked.len() > ROUNDS as usize * 10, "only {} messages were acknowledged", acked.len());
    process.kill().await;
    assert_integrity(&dir.path().join("data/zzan.db"));
}

/// Sends one message after the other, and returns what was acknowledged when the connection breaks.
async fn send_until_killed(
    address: std::net::SocketAddr,
    token: String,
    room: String,
    channel: String,
    round: u64,
    client: usize,
) -> Vec<(u64, String)> {
    let mut acked = Vec::new();
    let _killed: Result<(), Closed> = async {
        let mut socket = Socket::connect(address, &token).await?;
        let joined = socket.request("room:join", json!({ "room": room })).await?;
        assert_eq!(joined["ok"], true, "{joined}");
        for n in 0.. {
            let text = format!("round {round} client {client} message {n}");
            let sent = socket.request("chat:send", json!({ "channel": channel, "nonce": text, "text": text })).await?;
            assert_eq!(sent["ok"], true, "{sent}");
            acked.push((sent["message"]["seq"].as_u64().expect("a number"), text));
            socket.events.clear();
        }
        Ok(())
    }
    .await;
    acked
}

/// The whole history over the wire: contiguous, no text twice, and every acknowledged message under its number.
async fn check(process: &Process, room: &str, channel: &str, acked: &Acked, round: u64) {
    let token = token(room, CLIENTS);
    let mut socket = Socket::connect(process.address, &token).await.expect("it is back");
    let joined = socket.request("room:join", json!({ "room": room })).await.expect("an answer");
    assert_eq!(joined["ok"], true, "round {round}: the room is there again: {joined}");
    // The whole history in the last round, and in the others what this round can have touched.
    let since = if round + 1 == ROUNDS { 0 } else { acked.keys().next_back().map_or(0, |head| head.saturating_sub(1_000)) };
    let mut stored: BTreeMap<u64, String> = BTreeMap::new();
    let mut before = None;
    loop {
        let page = socket.request("chat:history", json!({ "channel": channel, "before": before, "limit": 100 })).await.expect("an answer");
        assert_eq!(page["ok"], true, "{page}");
        let messages = page["messages"].as_array().expect("messages");
        let numbers: Vec<_> = messages.iter().map(|message| message["seq"].as_u64().expect("a number")).collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "round {round}: in order and without a gap: {numbers:?}");
        stored.extend(messages.iter().map(|message| (message["seq"].as_u64().expect("a number"), text(&message["text"]))));
        before = numbers.first().copied();
        if page["more"] != true || before.is_none_or(|oldest| oldest <= since) {
            break;
        }
    }
    for (seq, text) in acked.range(since + 1..) {
        assert_eq!(stored.get(seq), Some(text), "round {round}: the acknowledged message {seq}");
    }
    let mut by_text: HashMap<&str, u64> = HashMap::new();
    for (seq, text) in &stored {
        assert_eq!(by_text.insert(text, *seq), None, "round {round}: {text:?} is stored twice");
    }
    socket.request("room:leave", json!({ "room": room })).await.expect("an answer");
}

fn assert_integrity(path: &Path) {
    let db = rusqlite::Connection::open(path).expect("opens");
    let verdict: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!(verdict, "ok");
}

/// A token of one of the room's users, signed here with the key of dev mode.
fn token(room: &str, client: usize) -> String {
    use rooms::session::{Grants, RoomGrants};
    let key = signaling::token::Key::new("devkey", zzan::config::DEV_SECRET).expect("long enough");
    let grants = RoomGrants {
        room: rooms::RoomId::new(room),
        room_join: true,
        can_publish: true,
        can_subscribe: true,
        can_publish_data: true,
        room_admin: false,
    };
    let user = rooms::User { id: rooms::UserId::new(format!("user-{client}")), name: format!("client {client}") };
    let subject = signaling::token::Subject { user, grants: Grants::Room(grants), locale: None, plan: None };
    key.mint(&subject, std::time::SystemTime::now(), Duration::from_secs(600)).expect("minted")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// xorshift64: the same moments in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
