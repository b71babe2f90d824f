//! Inboxes by real HTTP: what backends put in, what owners read, and the event streams.

use crate::support::http::Response;
use crate::support::node::{Running, SHOP};
use crate::support::process::Process;
use crate::support::socket::Socket;
use crate::support::sse::{Event, Stream};
use serde_json::{Value, json};

async fn guest(node: &Running, name: &str) -> (String, String) {
    let guest = node.public("/v1/guests", json!({ "name": name })).await.json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&guest["user"]["id"]), text(&guest["token"]))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

async fn notify(node: &Running, user: &str, title: &str) -> Value {
    let kept = node.rest("POST", "/v1/notifications", json!({ "user": user, "title": title })).await;
    assert_eq!(kept.status, 201, "{kept:?}");
    kept.json()
}

async fn ask(node: &Running, token: &str, method: &str, path: &str, body: &str) -> Response {
    node.send(method, path, &[("authorization", &bearer(token)), ("content-type", "application/json")], body).await
}

/// The titles of notifications, by their events' ids.
fn titles(events: &[Event]) -> Vec<(u64, String)> {
    let title = |event: &Event| event.json()["notification"]["about"]["title"].as_str().expect("a title").to_owned();
    events.iter().map(|event| (event.id.expect("an id"), title(event))).collect()
}

fn expected(numbers: std::ops::RangeInclusive<u64>) -> Vec<(u64, String)> {
    numbers.map(|n| (n, format!("t{n}"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_comes_once_over_a_socket_and_over_a_stream() {
    let node = Running::start(&[]).await;
    let (user, token) = guest(&node, "하나").await;
    let mut socket = Socket::connect(node.address, &token).await.expect("connected");
    let mut stream = Stream::open(node.address, "/v1/events", &[("authorization", &bearer(&token))]).await;
    let ready = stream.next().await.expect("it begins");
    assert_eq!((ready.name.as_str(), ready.id, ready.json()), ("ready", Some(0), json!({ "unread": 0 })));
    for n in 1..=3 {
        let kept = notify(&node, &user, &format!("t{n}")).await;
        let told = socket.event("notification:new").await.expect("told");
        let event = stream.next().await.expect("streamed");
        assert_eq!((event.name.as_str(), event.id), ("notification", Some(n)));
        assert_eq!(event.json(), told, "both say the same");
        assert_eq!((&told["notification"], &told["unread"]), (&kept, &json!(n)));
    }
    let listed = ask(&node, &token, "GET", "/v1/notifications?after=1&limit=1", "").await.json();
    assert_eq!((&listed["notifications"][0]["seq"], &listed["more"], &listed["newer"]), (&json!(2), &json!(true), &json!(true)));
    let read = ask(&node, &token, "POST", "/v1/notifications/read", r#"{"up_to":2}"#).await;
    assert_eq!((read.status, read.json()), (200, json!({ "unread": 1 })));
    assert_eq!(socket.event("notification:read").await.expect("told"), json!({ "up_to": 2, "unread": 1 }));
    assert!(socket.events.iter().all(|(name, _)| name != "notification:new"), "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_after_a_gap_without_a_repeat_or_a_hole() {
    let node = Running::start(&[]).await;
    let (user, token) = guest(&node, "하나").await;
    let authorization = bearer(&token);
    let open = |path: &'static str, last: Option<u64>| {
        let (address, authorization, last) = (node.address, authorization.clone(), last.map(|last| last.to_string()));
        async move {
            let mut headers = vec![("authorization", authorization.as_str())];
            headers.extend(last.as_deref().map(|last| ("last-event-id", last)));
            let mut stream = Stream::open(address, path, &headers).await;
            let ready = stream.next().await.expect("it begins");
            assert_eq!(ready.name, "ready");
            (stream, ready.id)
        }
    };
    for n in 1..=3 {
        notify(&node, &user, &format!("t{n}")).await;
    }
    let (mut stream, at) = open("/v1/events", None).await;
    assert_eq!(at, Some(3), "what was before is listed, not streamed");
    notify(&node, &user, "t4").await;
    assert_eq!(titles(&stream.take(1).await), expected(4..=4));
    drop(stream);
    // More than one page of what the stream reads at once.
    for n in 5..=64 {
        notify(&node, &user, &format!("t{n}")).await;
    }
    let (mut stream, at) = open("/v1/events", Some(4)).await;
    assert_eq!(at, Some(4));
    let missed = stream.take(60).await;
    assert_eq!(titles(&missed), expected(5..=64));
    notify(&node, &user, "t65").await;
    assert_eq!(titles(&stream.take(1).await), expected(65..=65));
    let (mut again, _) = open("/v1/events?last_event_id=63", None).await;
    assert_eq!(titles(&again.take(2).await), expected(64..=65), "for who can't set headers");
    let (mut ahead, at) = open("/v1/events", Some(1_000)).await;
    assert_eq!(at, Some(65), "a number that there never was");
    notify(&node, &user, "t66").await;
    assert_eq!(titles(&ahead.take(1).await), expected(66..=66));
}

/// What comes while streams come and go is seen once by each that goes on where another ended.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_break_while_notifications_come_miss_nothing() {
    let node = Running::start(&[("limits.inbox_per_s", "1000")]).await;
    let (user, token) = guest(&node, "하나").await;
    let authorization = bearer(&token);
    let (mut seen, mut last) = (vec![], 0u64);
    let sending = async {
        for n in 1..=40 {
            notify(&node, &user, &format!("t{n}")).await;
        }
    };
    let reading = async {
        while seen.len() < 40 {
            let last_id = last.to_string();
            let headers = [("authorization", authorization.as_str()), ("last-event-id", last_id.as_str())];
            let mut stream = Stream::open(node.address, "/v1/events", &headers).await;
            assert_eq!(stream.next().await.expect("it begins").id, Some(last));
            let some = stream.take(3.min(40 - seen.len())).await;
            last = some.last().and_then(|event| event.id).expect("an id");
            seen.extend(titles(&some));
        }
    };
    tokio::join!(sending, reading);
    assert_eq!(seen, expected(1..=40));
}

/// A new session is told what happens from its `session:ready` on, and lists the rest after it: nothing falls in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_begins_while_notifications_come_misses_none() {
    let node = Running::start(&[("limits.inbox_per_s", "1000"), ("limits.rest_per_s", "100000")]).await;
    let (user, token) = guest(&node, "하나").await;
    let sending = async {
        for n in 1.. {
            notify(&node, &user, &format!("t{n}")).await;
        }
    };
    let beginning = async {
        for _ in 0..40 {
            let mut socket = Socket::connect(node.address, &token).await.expect("connected");
            let listed = socket.request("notification:list", json!({ "limit": 1 })).await.expect("answered");
            let head = listed["head_seq"].as_u64().expect("a number");
            let mut told = vec![];
            while told.last().is_none_or(|seq| *seq < head + 3) {
                let event = socket.event("notification:new").await.expect("told");
                told.push(event["notification"]["seq"].as_u64().expect("a number"));
            }
            let first = told[0];
            assert!(first <= head + 1, "{told:?} after those up to {head}");
            assert_eq!(told, (first..=head + 3).collect::<Vec<_>>());
        }
    };
    tokio::select! {
        () = sending => {}
        () = beginning => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_holds_no_notifications_in_the_node() {
    let node = Running::start(&[("limits.rest_per_s", "100000")]).await;
    let (user, token) = guest(&node, "하나").await;
    let authorization = bearer(&token);
    let headers = [("authorization", authorization.as_str())];
    let mut slow = Stream::open(node.address, "/v1/events", &headers).await;
    let long = "가".repeat(4_000);
    for n in 0..600 {
        let kept = node.rest("POST", "/v1/notifications", json!({ "user": user, "title": format!("t{}", n + 1), "body": long })).await;
        assert_eq!(kept.status, 201);
    }
    // 7 MB were made, of which the connection takes a part. Either it was given up meanwhile, or its client finds what was sent before it stalled, and
    // then what is still kept: what was forgotten in between waited nowhere.
    assert_eq!(slow.next().await.expect("it begins").name, "ready");
    let (mut last, mut skipped) = (0, 0);
    while last < 600 {
        let Some(event) = slow.next().await else { break };
        let id = event.id.expect("an id");
        assert!(id > last, "{id} after {last}");
        (skipped, last) = (skipped + (id - last - 1), id);
    }
    assert!(last < 600 || skipped > 0, "all {last} waited for a client that reads nothing");
    let listed = ask(&node, &token, "GET", "/v1/notifications?limit=1", "").await.json();
    assert_eq!((&listed["head_seq"], &listed["unread"]), (&json!(600), &json!(500)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_with_the_same_key_keeps_one_notification() {
    let node = Running::start(&[]).await;
    let headers = [("authorization", SHOP), ("content-type", "application/json"), ("idempotency-key", "order-4711")];
    let body = json!({ "user": "u1", "title": "꽃이 출발했어요", "body": "b", "url": "/orders/4711", "data": { "order": 4711 } });
    let send = |body: Value| {
        let (node, body) = (&node, body.to_string());
        async move { node.send("POST", "/v1/notifications", &headers, &body).await }
    };
    let (first, again) = tokio::join!(send(body.clone()), send(body.clone()));
    assert_eq!((first.status, again.status), (201, 201), "{first:?}");
    assert_eq!(first.json(), again.json());
    assert_eq!(first.json()["about"]["data"], json!({ "order": 4711 }));
    let in_body = json!({ "user": "u1", "title": "꽃이 출발했어요", "body": "b", "url": "/orders/4711", "data": { "order": 4711 }, "key": "order-4711" });
    assert_eq!(node.rest("POST", "/v1/notifications", in_body.clone()).await.json()["id"], first.json()["id"], "a key is a key");
    let mut other = body.clone();
    other["title"] = "other".into();
    let refused = send(other).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["field"]), (422, &json!("Idempotency-Key")));
    let mut both = in_body;
    both["key"] = "another".into();
    assert_eq!(send(both).await.json()["errors"][0]["field"], "key");
    for (body, field) in [
        (json!({ "user": "", "title": "t" }), "user"),
        (json!({ "user": "u", "title": " " }), "title"),
        (json!({ "user": "u", "title": "t", "url": "javascript:alert(1)" }), "url"),
        (json!({ "user": "u", "title": "t", "data": [1] }), "data"),
        (json!({ "user": "u", "title": "t", "data": { "a": "x".repeat(5_000) } }), "data"),
        (json!({ "user": "u", "title": "t", "key": "" }), "key"),
        (json!({ "user": "u", "title": "t", "colour": 1 }), "colour"),
    ] {
        let refused = node.rest("POST", "/v1/notifications", body).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["field"]), (422, &json!(field)), "{refused:?}");
    }
    let none = node.send("POST", "/v1/notifications", &[("content-type", "application/json")], &body.to_string()).await;
    assert_eq!(none.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_opens_for_its_owner_alone() {
    let node = Running::start(&[]).await;
    let ((ana, hers), (_, his)) = (guest(&node, "ana").await, guest(&node, "bo").await);
    let kept = notify(&node, &ana, "t1").await;
    assert_eq!(ask(&node, &his, "GET", "/v1/notifications", "").await.json()["notifications"], json!([]));
    let ids = json!({ "ids": [kept["id"]] }).to_string();
    let foreign = ask(&node, &his, "POST", "/v1/notifications/read", &ids).await;
    let unknown = ask(&node, &his, "POST", "/v1/notifications/read", r#"{"ids":["ntf_none"]}"#).await;
    assert_eq!((foreign.status, &foreign.json()["detail"]), (404, &unknown.json()["detail"]));
    assert_eq!(ask(&node, &hers, "POST", "/v1/notifications/read", &ids).await.json(), json!({ "unread": 0 }));
    let room = node.rest("POST", "/v1/rooms", json!({ "name": "r", "capacity": 2 })).await.json();
    let path = format!("/v1/rooms/{}/tokens", room["id"].as_str().expect("an id"));
    let for_room = node.rest("POST", &path, json!({ "user": ana, "name": "ana" })).await.json();
    let for_room = for_room["token"].as_str().expect("a token");
    for (method, path, body) in [
        ("GET", "/v1/notifications", ""),
        ("POST", "/v1/notifications/read", r#"{"up_to":1}"#),
        ("GET", "/v1/events", ""),
        ("POST", "/v1/events/tokens", ""),
    ] {
        assert_eq!(ask(&node, for_room, method, path, body).await.status, 403, "{path}");
        assert_eq!(ask(&node, "nonsense", method, path, body).await.status, 401, "{path}");
        assert_eq!(node.send(method, path, &[("content-type", "application/json")], body).await.status, 401, "{path}");
    }
    assert_eq!(ask(&node, &hers, "GET", "/v1/notifications?limit=0", "").await.status, 422);
    assert_eq!(ask(&node, &hers, "GET", "/v1/notifications?before=1&after=1", "").await.status, 422);
    assert_eq!(ask(&node, &hers, "POST", "/v1/notifications/read", "{}").await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_an_address_is_a_short_lived_one() {
    let node = Running::start(&[]).await;
    let (user, token) = guest(&node, "하나").await;
    let refused = node.get(&format!("/v1/events?token={token}")).await;
    assert_eq!(refused.status, 401, "a guest's token lives for hours");
    let made = ask(&node, &token, "POST", "/v1/events/tokens", "").await;
    assert_eq!(made.status, 201, "{made:?}");
    let short = made.json()["token"].as_str().expect("a token").to_owned();
    let path = format!("/v1/events?token={short}");
    let mut stream = Stream::open(node.address, &path, &[]).await;
    assert_eq!(stream.next().await.expect("it begins").name, "ready");
    notify(&node, &user, "t1").await;
    assert_eq!(titles(&stream.take(1).await), expected(1..=1));
    assert_eq!(ask(&node, &token, "GET", "/v1/events?last_event_id=first", "").await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_token_and_with_the_node() {
    let node = Running::start(&[("limits.inbox_per_s", "1000")]).await;
    let key = signaling::token::Key::new("shop", "0123456789abcdef0123456789abcdef").expect("a key");
    let mint = |life_s| {
        let user = rooms::User { id: rooms::UserId::new("u1"), name: "하나".to_owned() };
        let subject = signaling::token::Subject { user, grants: rooms::session::Grants::User, locale: None, plan: None };
        key.mint(&subject, std::time::SystemTime::now(), std::time::Duration::from_secs(life_s)).expect("minted")
    };
    let path = format!("/v1/events?token={}", mint(2));
    let mut ends = Stream::open(node.address, &path, &[]).await;
    assert_eq!(ends.next().await.expect("it begins").name, "ready");
    assert!(ends.next().await.is_none(), "the token has expired");
    assert_eq!(node.get(&path).await.status, 401, "and opens no other");
    let authorization = bearer(&mint(600));
    let mut streams = vec![];
    for _ in 0..rooms::inbox::STREAMS_MAX {
        let mut stream = Stream::open(node.address, "/v1/events", &[("authorization", &authorization)]).await;
        assert_eq!(stream.next().await.expect("it begins").name, "ready");
        streams.push(stream);
    }
    let further = node.send("GET", "/v1/events", &[("authorization", &authorization)], "").await;
    assert_eq!(further.status, 429);
    tokio::spawn(node.node.stop());
    for mut stream in streams {
        assert!(stream.next().await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inboxes_keys_and_read_marks_survive_a_kill() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = Process::start(dir.path(), &[]).await;
    let token = node.guest("하나").await;
    let user = claims(&token)["sub"].as_str().expect("a user").to_owned();
    let body = |n: u32| json!({ "user": user, "title": format!("t{n}"), "key": format!("k{n}") });
    let mut kept = vec![];
    for n in 1..=3 {
        kept.push(node.rest("POST", "/v1/notifications", body(n)).await.json());
    }
    let mut socket = Socket::connect(node.address, &token).await.expect("connected");
    let read = socket.request("notification:read", json!({ "up_to": 2 })).await.expect("answered");
    assert_eq!(read["unread"], 1);
    node.kill().await;
    let node = Process::start(dir.path(), &[]).await;
    assert_eq!(node.rest("POST", "/v1/notifications", body(3)).await.json(), kept[2], "the key is known");
    assert_eq!(node.rest("POST", "/v1/notifications", body(4)).await.json()["seq"], 4);
    let mut socket = Socket::connect(node.address, &token).await.expect("connected");
    let listed = socket.request("notification:list", json!({})).await.expect("answered");
    let read: Vec<bool> = listed["notifications"].as_array().expect("a list").iter().map(|one| one["read"] == true).collect();
    assert_eq!((read, &listed["unread"]), (vec![true, true, false, false], &json!(2)));
}

/// What a token says, unchecked.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let (mut bits, mut count, mut bytes) = (0u32, 0, vec![]);
    for c in payload.bytes() {
        (bits, count) = (bits << 6 | u32::from(value(c)), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    serde_json::from_slice(&bytes).expect("JSON")
}
