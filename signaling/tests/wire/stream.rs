//! The numbered stream of a session: what is told again, what is cut, and what a reader costs that doesn't read.
//!
//! Every socket of these tests checks the numbers of what it reads (`Socket::count`): a gap or a repetition fails any of them.

use crate::ends::narrow_and_ready;
use crate::harness::{SOON, Server, roomy};
use crate::hostile::Polling;
use crate::socket::{Came, Socket, chat};
use serde_json::{Value, json};
use signaling::Config;
use std::time::Duration;
use tokio::task::JoinSet;

/// What a session may hold, in all.
const HELD_BYTES_MAX: usize = 256 * 1024;

async fn arrive(server: &Server, user: &str, auth: Value) -> (Socket, Value) {
    let mut socket = Socket::open(server.address).await;
    let mut all = json!({ "token": server.token(user) });
    all.as_object_mut().unwrap().extend(auth.as_object().unwrap().clone());
    socket.connect(all).await.unwrap();
    let ready = socket.ready().await;
    (socket, ready)
}

/// Comes back with the secret, having heard what the old socket read.
async fn come_back(server: &Server, user: &str, ready: &Value, old: &Socket) -> (Socket, Value) {
    arrive(server, user, json!({ "session": ready["session"], "sn": old.sn.unwrap() })).await
}

fn texts(came: &[Came]) -> Vec<String> {
    let text = |came: &Came| match came {
        Came::Event(name, event) if name == "chat:message" => Some(event["message"]["text"].as_str().unwrap().to_owned()),
        _ => None,
    };
    came.iter().filter_map(text).collect()
}

/// Ana in a room of hers, and bo in it with its `session:ready`.
async fn couple(server: &Server) -> (Socket, Socket, Value, String) {
    let mut ana = server.connect("ana").await;
    let (room, channel) = server.room(&mut ana).await;
    let (mut bo, ready) = arrive(server, "bo", json!({})).await;
    assert_eq!(bo.ask("room:join", json!({ "room": room })).await["ok"], true);
    ana.event("participant:joined").await;
    (ana, bo, ready, channel)
}

async fn say(from: &mut Socket, channel: &str, text: &str) {
    assert_eq!(from.ask("chat:send", chat(channel, text)).await["ok"], true);
}

/// Reads chat messages until one has this text; returns all of them.
async fn hear(socket: &mut Socket, last: &str) -> Vec<String> {
    let mut heard = vec![];
    while heard.last().is_none_or(|text| text != last) {
        heard.push(socket.event("chat:message").await["message"]["text"].as_str().unwrap().to_owned());
    }
    heard
}

/// A message is answered before it is told. Waits until so many were told, to everybody in the room at once.
async fn until_told(socket: &mut Socket, messages: usize) {
    for _ in 0..messages {
        socket.event("chat:message").await;
    }
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_replays_exactly_what_was_missed_in_order_and_once() {
    let server = Server::start().await;
    let (mut ana, mut bo, ready, channel) = couple(&server).await;
    for text in numbers(0..5) {
        say(&mut ana, &channel, &text).await;
    }
    assert_eq!(hear(&mut bo, "1").await, ["0", "1"]);
    // Two to four are on their way to a socket that is never read again.
    let heard = bo.sn.unwrap();
    for text in numbers(5..15) {
        say(&mut ana, &channel, &text).await;
    }
    until_told(&mut ana, 15).await;
    let (mut back, again) = come_back(&server, "bo", &ready, &bo).await;
    assert_eq!(texts(&back.replayed), numbers(2..15));
    assert_eq!((&again["resumed"], &again["resync"]), (&json!(true), &json!(false)), "{again}");
    assert_eq!(again["replayed"].as_u64().unwrap(), back.replayed.len() as u64);
    assert_eq!(again["sn"].as_u64().unwrap(), heard + back.replayed.len() as u64);
    assert_eq!(again["seat"]["room"]["participants"].as_array().unwrap().len(), 2, "{again}");
    say(&mut ana, &channel, "live").await;
    assert_eq!(hear(&mut back, "live").await, ["live"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_without_a_connection_is_told_to_the_next_one() {
    let server = Server::start().await;
    let (mut ana, bo, ready, channel) = couple(&server).await;
    let (secret, heard) = (ready["session"].clone(), bo.sn.unwrap());
    drop(bo);
    assert_eq!(ana.event("participant:updated").await["state"], "reconnecting");
    for text in numbers(0..20) {
        say(&mut ana, &channel, &text).await;
    }
    until_told(&mut ana, 20).await;
    let (back, again) = arrive(&server, "bo", json!({ "session": secret, "sn": heard })).await;
    assert_eq!(texts(&back.replayed), numbers(0..20));
    assert_eq!(again["resync"], false);
    // The seat in the greeting is newer than what was told before it.
    let states: Vec<&Value> = again["seat"]["room"]["participants"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["joined", "joined"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_outbox_gives_resync_and_the_rest_is_found_by_cursor() {
    let server = Server::start().await;
    let (mut ana, mut bo, ready, channel) = couple(&server).await;
    say(&mut ana, &channel, "first").await;
    hear(&mut bo, "first").await;
    let heard = bo.sn.unwrap();
    drop(bo);
    let long = "짠".repeat(4_000);
    for _ in 0..30 {
        say(&mut ana, &channel, &long).await;
    }
    until_told(&mut ana, 31).await;
    assert!(server.service.stats().held_bytes_max <= HELD_BYTES_MAX);
    let (mut back, again) = arrive(&server, "bo", json!({ "session": ready["session"], "sn": heard })).await;
    assert_eq!((&again["resumed"], &again["resync"], again.get("replayed")), (&json!(true), &json!(true), None), "{again}");
    assert_eq!(back.replayed, []);
    assert!(again["sn"].as_u64().unwrap() >= heard + 30);
    let page = back.ask("chat:history", json!({ "channel": channel, "after": 1, "limit": 100 })).await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 30);
    say(&mut ana, &channel, "live").await;
    assert_eq!(hear(&mut back, "live").await, ["live"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_told_everything_is_told_to_fetch_it() {
    let server = Server::start().await;
    let (_ana, bo, ready, _) = couple(&server).await;
    assert_eq!((&ready["resync"], &ready["sn"]), (&json!(false), &json!(0)), "a first connection missed nothing");
    let heard = bo.sn.unwrap();
    let (_silent, again) = arrive(&server, "bo", json!({ "session": ready["session"] })).await;
    assert_eq!((&again["resumed"], &again["resync"]), (&json!(true), &json!(true)), "it doesn't say what it heard");
    let (_boastful, again) = arrive(&server, "bo", json!({ "session": again["session"], "sn": heard + 1_000 })).await;
    assert_eq!((&again["resumed"], &again["resync"]), (&json!(true), &json!(true)), "it heard what was never said");
    let (_stranger, again) = arrive(&server, "bo", json!({ "session": "nonsense", "sn": heard })).await;
    assert_eq!((&again["resumed"], &again["resync"], &again["sn"]), (&json!(false), &json!(true), &json!(0)), "it is another session");
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_kept_when_a_connection_is_replaced_amid_a_burst() {
    const MESSAGES: u32 = 400;
    let server = Server::start().await;
    let (mut ana, mut bo, mut ready, channel) = couple(&server).await;
    let burst = tokio::spawn(async move {
        for text in numbers(0..MESSAGES) {
            say(&mut ana, &channel, &text).await;
        }
        ana
    });
    let mut heard = vec![];
    for _ in 0..8 {
        // As many further on as it has, and some: replays bring more than was read.
        let mark = heard.len() + 30;
        if mark >= MESSAGES as usize {
            break;
        }
        heard.extend(hear(&mut bo, &mark.to_string()).await);
        let (back, again) = come_back(&server, "bo", &ready, &bo).await;
        assert_eq!(again["resync"], false, "{again}");
        heard.extend(texts(&back.replayed));
        (bo, ready) = (back, again);
    }
    let last = (MESSAGES - 1).to_string();
    if heard.last() != Some(&last) {
        heard.extend(hear(&mut bo, &last).await);
    }
    assert_eq!(heard, numbers(0..MESSAGES));
    burst.await.unwrap();
}

/// Bo, who polls, in ana's room.
async fn polling_beside(server: &Server, ana: &mut Socket, room: &str) -> Polling {
    let mut bo = Polling::open(server.address).await;
    bo.post(&format!("40{}", json!({ "token": server.token("bo") }))).await;
    assert!(bo.poll_until("session:ready").await);
    bo.post(&format!("420{}", json!(["room:join", { "room": room }]))).await;
    ana.event("participant:joined").await;
    bo
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polling_client_gets_a_long_burst_complete_and_in_order() {
    const MESSAGES: u32 = 300;
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    let (room, channel) = server.room(&mut ana).await;
    let mut bo = polling_beside(&server, &mut ana, &room).await;
    for number in 0..MESSAGES {
        // 300 bytes each: several windows wait before the first poll.
        say(&mut ana, &channel, &format!("{number:0300}")).await;
    }
    let mut heard = vec![];
    while heard.len() < MESSAGES as usize {
        heard.extend(texts(&bo.poll_all().await));
    }
    let heard: Vec<u32> = heard.iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(heard, (0..MESSAGES).collect::<Vec<_>>());
}

/// The session's own frames follow what the codec had left, and nothing but its heartbeats comes from the codec afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_upgrades_amid_a_burst_hears_all_of_it_once_and_in_order() {
    const MESSAGES: u32 = 200;
    let server = Server::start_with(Config { ping_interval: Duration::from_millis(300), ping_timeout: SOON, ..roomy() }).await;
    for polls in 0..12 {
        let mut ana = server.connect("ana").await;
        let (room, channel) = server.room(&mut ana).await;
        let mut bo = polling_beside(&server, &mut ana, &room).await;
        let own = channel.clone();
        let burst = tokio::spawn(async move {
            for number in 0..MESSAGES {
                say(&mut ana, &own, &number.to_string()).await;
            }
            ana
        });
        let mut heard = vec![];
        for _ in 0..polls {
            heard.extend(texts(&bo.poll_all().await));
        }
        let (polled, mut bo) = bo.upgrade().await;
        heard.extend(texts(&polled));
        let (mut upgraded, mut answered) = (0, None);
        let ask = bo.emit("chat:send", chat(&channel, "bo")).await;
        while answered.is_none() || upgraded == 0 || heard.len() <= MESSAGES as usize {
            match bo.next().await {
                Came::Event(name, _) if name == "session:upgraded" => upgraded += 1,
                Came::Ack(id, answer) => answered = Some((id, answer["ok"].clone())),
                came => heard.extend(texts(&[came])),
            }
        }
        assert_eq!((upgraded, answered), (1, Some((ask, json!(true)))));
        heard.retain(|text| text != "bo");
        assert_eq!(heard, numbers(0..MESSAGES), "after {polls} polls");
        burst.await.unwrap();
    }
}

/// A reader of a large room: the messages that it has, up to `last`.
async fn read_all(mut socket: Socket, last: u64) -> Vec<u64> {
    let mut seqs = vec![];
    while seqs.last() != Some(&last) {
        seqs.push(socket.event("chat:message").await["message"]["seq"].as_u64().unwrap());
    }
    seqs
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_of_two_hundred_that_stall_hold_little_and_are_complete_by_cursor_afterwards() {
    const ROOMS: usize = 4;
    const SEATS: usize = 50;
    const STALL_EVERY: usize = 4;
    const MESSAGES: u64 = 45;
    // So patient that only what waits for them can be the reason.
    let server = Server::start_with(Config { ping_interval: Duration::from_secs(60), ping_timeout: SOON, ..roomy() }).await;
    let (mut readers, mut stalled, mut senders) = (JoinSet::new(), vec![], vec![]);
    for room in 0..ROOMS {
        let mut owner = server.connect(&format!("owner-{room}")).await;
        let request = json!({ "name": "r", "kind": "voice", "capacity": SEATS, "nonce": format!("n{room}") });
        let id = owner.ask("room:create", request).await["room"]["id"].clone();
        let channel = owner.ask("room:join", json!({ "room": id })).await["room"]["channel"].as_str().unwrap().to_owned();
        for seat in 1..SEATS {
            let user = format!("user-{room}-{seat}");
            let stalls = seat % STALL_EVERY == 0 || (seat == 1 && room < 2);
            let (mut socket, ready) = narrow_and_ready(&server, &user).await;
            assert_eq!(socket.ask("room:join", json!({ "room": id })).await["ok"], true);
            if stalls {
                stalled.push((user, socket, ready, id.clone(), channel.clone()));
            } else {
                readers.spawn(read_all(socket, MESSAGES));
            }
        }
        senders.push((owner, channel));
    }
    assert_eq!(stalled.len(), 50);

    let (text, mut most) = ("짠".repeat(4_000), 0);
    for _ in 0..MESSAGES {
        for (sender, channel) in &mut senders {
            say(sender, channel, &text).await;
            most = most.max(server.service.stats().held_bytes_max);
        }
    }
    assert!(most <= HELD_BYTES_MAX, "{most}");
    assert!(most > HELD_BYTES_MAX / 2, "nobody stalled: {most}");
    while let Some(seqs) = readers.join_next().await {
        assert_eq!(seqs.unwrap(), (1..=MESSAGES).collect::<Vec<_>>(), "who reads gets everything");
    }
    for (user, socket, ready, room, channel) in stalled {
        let (mut back, again) = come_back(&server, &user, &ready, &socket).await;
        assert_eq!((&again["resumed"], &again["resync"]), (&json!(true), &json!(true)), "{user}: {again}");
        if again.get("seat").is_none() {
            back.ask("room:join", json!({ "room": room })).await;
        }
        let page = back.ask("chat:history", json!({ "channel": channel, "after": 0, "limit": 100 })).await;
        let seqs: Vec<u64> = page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (1..=MESSAGES).collect::<Vec<_>>());
    }
}
