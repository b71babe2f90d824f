//! Each REST endpoint by real HTTP, with good and bad input.

use crate::support::http::Response;
use crate::support::node::{Running, SHOP};
use crate::support::socket::Socket;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const JSON: (&str, &str) = ("content-type", "application/json");

/// Every operation there is. A route that isn't here, or is here and isn't there, fails a test.
const OPERATIONS: [(&str, &str); 29] = [
    ("POST", "/v1/rooms"),
    ("GET", "/v1/rooms/{room}"),
    ("DELETE", "/v1/rooms/{room}"),
    ("DELETE", "/v1/rooms/{room}/participants/{participant}"),
    ("PATCH", "/v1/rooms/{room}/participants/{participant}"),
    ("POST", "/v1/rooms/{room}/links"),
    ("POST", "/v1/rooms/{room}/tokens"),
    ("POST", "/v1/direct-channels"),
    ("DELETE", "/v1/direct-channels/{channel}"),
    ("GET", "/v1/channels/{channel}"),
    ("PATCH", "/v1/channels/{channel}"),
    ("POST", "/v1/channels/{channel}/messages"),
    ("GET", "/v1/channels/{channel}/messages"),
    ("POST", "/v1/whip/{room}"),
    ("POST", "/v1/whep/{room}"),
    ("DELETE", "/v1/media/{session}"),
    ("PATCH", "/v1/media/{session}"),
    ("POST", "/v1/notifications"),
    ("GET", "/v1/notifications"),
    ("POST", "/v1/notifications/read"),
    ("GET", "/v1/events"),
    ("POST", "/v1/events/tokens"),
    ("POST", "/v1/guests"),
    ("POST", "/v1/links/redeem"),
    ("POST", "/v1/tokens/refresh"),
    ("POST", "/v1/unload"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
];

async fn room(node: &Running) -> String {
    let answer = node.rest("POST", "/v1/rooms", json!({ "name": "짠", "capacity": 4 })).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().expect("an id").to_owned()
}

#[track_caller]
fn assert_problem(answer: &Response, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["code"], code, "{answer:?}");
    assert!(!problem["detail"].as_str().expect("a detail").is_empty());
    assert!(problem["errors"].is_array() && problem["title"].is_string());
    assert_eq!(problem["request_id"], answer.header("x-request-id"));
}

#[tokio::test]
async fn a_voice_room_has_up_to_fifty_seats() {
    let node = Running::start(&[]).await;
    let created = node.rest("POST", "/v1/rooms", json!({ "name": "음성", "kind": "voice", "capacity": 50 })).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!((created.json()["kind"].as_str(), created.json()["capacity"].as_u64()), (Some("voice"), Some(50)));
    let refused = node.rest("POST", "/v1/rooms", json!({ "name": "짠", "capacity": 5 })).await;
    assert_problem(&refused, 422, "invalid");
    assert_eq!(refused.json()["errors"][0]["message"], "is 5, allowed in a buddy room are 2 to 4");
}

#[tokio::test]
async fn a_backend_opens_a_room_looks_at_it_and_ends_it() {
    let node = Running::start(&[]).await;
    let body = json!({ "name": " 막걸리 ", "capacity": 3, "password": "짠", "owner": "user-17" });
    let created = node.rest("POST", "/v1/rooms", body).await;
    assert_eq!(created.status, 201, "{created:?}");
    let room = created.json();
    let id = room["id"].as_str().expect("an id");
    assert_eq!(created.header("location"), format!("/v1/rooms/{id}"));
    let expected = json!({
        "id": id, "name": "막걸리", "kind": "buddy", "capacity": 3, "has_password": true, "owner": "user-17", "channel": room["channel"],
        "url": format!("https://call.example.com/r/{id}"), "participants": [],
    });
    assert_eq!(room, expected);
    assert_eq!(node.rest("GET", &format!("/v1/rooms/{id}"), Value::Null).await.json(), expected);

    assert_eq!(node.rest("DELETE", &format!("/v1/rooms/{id}"), Value::Null).await.status, 204);
    assert_problem(&node.rest("GET", &format!("/v1/rooms/{id}"), Value::Null).await, 404, "not_found");
    assert_problem(&node.rest("DELETE", &format!("/v1/rooms/{id}"), Value::Null).await, 404, "not_found");
}

#[tokio::test]
async fn a_backend_removes_somebody_who_is_told_and_stays_out() {
    let node = Running::start(&[]).await;
    let room = room(&node).await;
    let guest = node.public("/v1/guests", json!({ "name": "하나" })).await.json();
    let mut socket = Socket::connect(node.address, guest["token"].as_str().expect("a token")).await.expect("connected");
    let joined = socket.request("room:join", json!({ "room": room })).await.expect("answered");
    let path = format!("/v1/rooms/{room}/participants/{}", joined["me"]["id"].as_str().expect("a seat"));
    assert_eq!(node.rest("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(socket.event("room:closed").await.expect("told")["reason"], "kicked");
    assert_problem(&node.rest("DELETE", &path, Value::Null).await, 404, "not_found");
    let again = socket.request("room:join", json!({ "room": room })).await.expect("answered");
    assert_eq!(again["error"]["code"], "forbidden");
    assert_problem(&node.send("DELETE", &path, &[], "").await, 401, "unauthorized");
}

#[tokio::test]
async fn a_backend_mutes_sources_of_somebody_by_name() {
    let node = Running::start(&[]).await;
    let room = room(&node).await;
    let guest = node.public("/v1/guests", json!({ "name": "하나" })).await.json();
    let mut socket = Socket::connect(node.address, guest["token"].as_str().expect("a token")).await.expect("connected");
    let joined = socket.request("room:join", json!({ "room": room })).await.expect("answered");
    let path = format!("/v1/rooms/{room}/participants/{}", joined["me"]["id"].as_str().expect("a seat"));
    assert_eq!(node.rest("PATCH", &path, json!({ "muted": ["microphone", "screen"] })).await.status, 204);
    assert_eq!(node.rest("PATCH", &path, json!({ "muted": [] })).await.status, 204);
    let wrong = node.rest("PATCH", &path, json!({ "muted": ["microphone", "phone"] })).await;
    assert_problem(&wrong, 422, "invalid");
    assert_eq!(wrong.json()["errors"][0]["field"], "muted[1]");
    let elsewhere = format!("/v1/rooms/{room}/participants/nobody");
    assert_problem(&node.rest("PATCH", &elsewhere, json!({ "muted": [] })).await, 404, "not_found");
    assert_problem(&node.send("PATCH", &path, &[JSON], r#"{"muted":[]}"#).await, 401, "unauthorized");
}

#[tokio::test]
async fn a_retry_with_the_same_idempotency_key_returns_the_same_room() {
    let node = Running::start(&[]).await;
    let headers = [("authorization", SHOP), JSON, ("idempotency-key", "order-4711")];
    let body = json!({ "name": "Order 4711", "capacity": 2 }).to_string();
    let (first, again) = tokio::join!(node.send("POST", "/v1/rooms", &headers, &body), node.send("POST", "/v1/rooms", &headers, &body));
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.json()["id"], again.json()["id"]);

    let other = json!({ "name": "Order 4711", "capacity": 4 }).to_string();
    let refused = node.send("POST", "/v1/rooms", &headers, &other).await;
    assert_problem(&refused, 422, "invalid");
    assert_eq!(refused.json()["errors"][0]["field"], "Idempotency-Key");

    let long = "x".repeat(65);
    let headers = [("authorization", SHOP), JSON, ("idempotency-key", long.as_str())];
    assert_problem(&node.send("POST", "/v1/rooms", &headers, &body).await, 400, "invalid");
}

#[tokio::test]
async fn bad_bodies_are_refused_with_the_field_at_fault() {
    let node = Running::start(&[]).await;
    let long = "가".repeat(65);
    let cases = [
        (json!({ "name": "a", "capacity": "four" }), "capacity"),
        (json!({ "name": "a", "capacity": 5 }), "capacity"),
        (json!({ "name": "a", "capacity": 1 }), "capacity"),
        (json!({ "name": "a", "capacity": 51, "kind": "voice" }), "capacity"),
        (json!({ "name": "a", "capacity": 4, "kind": "party" }), "kind"),
        (json!({ "name": "a", "capacity": -1 }), "capacity"),
        (json!({ "name": "a", "capacity": 2.5 }), "capacity"),
        (json!({ "name": 7, "capacity": 2 }), "name"),
        (json!({ "name": "", "capacity": 2 }), "name"),
        (json!({ "name": long, "capacity": 2 }), "name"),
        (json!({ "name": "a\u{0}b", "capacity": 2 }), "name"),
        (json!({ "name": "a", "capacity": 2, "password": "" }), "password"),
        (json!({ "name": "a", "capacity": 2, "password": "x".repeat(129) }), "password"),
        (json!({ "name": "a", "capacity": 2, "owner": "" }), "owner"),
        (json!({ "name": "a", "capacity": 2, "listed": "yes" }), "listed"),
        (json!({ "name": "a", "capacity": 2, "pasword": "x" }), "pasword"),
        (json!({ "capacity": 2 }), "name"),
        (json!([]), "body"),
        (json!(null), "body"),
    ];
    for (body, field) in cases {
        let answer = node.send("POST", "/v1/rooms", &[("authorization", SHOP), JSON], &body.to_string()).await;
        assert_problem(&answer, 422, "invalid");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}: {answer:?}");
    }
    let deep = format!("{}1{}", "[".repeat(33), "]".repeat(33));
    for broken in ["", "{", "{\"name\":", "\u{1}", "{} trailing", deep.as_str()] {
        let answer = node.send("POST", "/v1/rooms", &[("authorization", SHOP), JSON], broken).await;
        assert!(matches!(answer.status, 400 | 422), "{broken:?}: {answer:?}");
        assert_problem(&answer, answer.status, "invalid");
    }
    let no_type = node.send("POST", "/v1/rooms", &[("authorization", SHOP)], "{}").await;
    assert_problem(&no_type, 415, "invalid");
    assert_eq!(node.rest("GET", "/v1/rooms/none", Value::Null).await.status, 404, "the node goes on");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let node = Running::start(&[]).await;
    let body = json!({ "name": "x".repeat(300 * 1024), "capacity": 2 }).to_string();
    assert_problem(&node.send("POST", "/v1/rooms", &[("authorization", SHOP), JSON], &body).await, 413, "too_large");
    assert_problem(&node.send("POST", "/v1/guests", &[JSON], &body).await, 413, "too_large");
}

#[tokio::test]
async fn every_route_of_backends_needs_a_key_and_says_so_the_same_way() {
    let node = Running::start(&[]).await;
    let room = room(&node).await;
    let credentials = [
        "",
        "Bearer ",
        "Bearer shop",
        "Bearer shop:",
        "Bearer :0123456789abcdef0123456789abcdef",
        "Bearer shop:0123456789abcdef0123456789abcdee",
        "Bearer other:0123456789abcdef0123456789abcdef",
        "Bearer devkey:devsecret-devsecret-devsecret-32ch",
        "Basic c2hvcDowMTIz",
    ];
    for (method, path) in OPERATIONS.iter().filter(|(_, path)| path.starts_with("/v1/rooms")) {
        for given in credentials {
            let answer = node.send(method, &path.replace("{room}", &room), &[("authorization", given), JSON], "{}").await;
            assert_problem(&answer, 401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"zzan\"");
        }
    }
    assert_eq!(node.rest("GET", &format!("/v1/rooms/{room}"), Value::Null).await.status, 200, "none of them ended it");
}

#[tokio::test]
async fn a_link_opens_its_room_as_often_as_it_may() {
    let node = Running::start(&[]).await;
    let room = room(&node).await;
    let made = node.rest("POST", &format!("/v1/rooms/{room}/links"), json!({ "ttl_s": 3600, "max_uses": 2, "name": "민지" })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let link = made.json();
    assert_eq!(link["max_uses"], 2);
    let fragment =
        link["url"].as_str().and_then(|url| url.strip_prefix(&format!("https://call.example.com/r/{room}#link="))).expect("a link");
    let (secret, name) = fragment.split_once('&').expect("a name");
    assert_eq!(name, "name=%EB%AF%BC%EC%A7%80", "the page shows it without using the link");
    assert!(secret.len() >= 26, "{secret}");

    let first = node.public("/v1/links/redeem", json!({ "secret": secret, "name": "Somebody" })).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!((&first.json()["room"], &first.json()["user"]["name"]), (&json!(room), &json!("민지")));
    let second = node.public("/v1/links/redeem", json!({ "secret": secret })).await.json();
    assert_ne!(first.json()["user"]["id"], second["user"]["id"], "two people");
    assert_problem(&node.public("/v1/links/redeem", json!({ "secret": secret })).await, 404, "not_found");
    assert_problem(&node.public("/v1/links/redeem", json!({ "secret": "wrong" })).await, 404, "not_found");

    let token = first.json()["token"].as_str().expect("a token").to_owned();
    let bearer = format!("Bearer {token}");
    let renewed = node.send("POST", "/v1/tokens/refresh", &[("authorization", &bearer)], "").await;
    assert_eq!(renewed.status, 200, "{renewed:?}");
    assert_ne!(renewed.json()["token"], token);
    assert_eq!(node.rest("DELETE", &format!("/v1/rooms/{room}"), Value::Null).await.status, 204);
    let ended = node.send("POST", "/v1/tokens/refresh", &[("authorization", &bearer)], "").await;
    assert_problem(&ended, 404, "not_found");
}

#[tokio::test]
async fn a_link_is_refused_out_of_its_bounds() {
    let node = Running::start(&[]).await;
    let room = room(&node).await;
    for (body, field) in [
        (json!({ "ttl_s": 0, "max_uses": 1 }), "ttl_s"),
        (json!({ "ttl_s": 2_592_001, "max_uses": 1 }), "ttl_s"),
        (json!({ "ttl_s": 60, "max_uses": 0 }), "max_uses"),
        (json!({ "ttl_s": 60, "max_uses": 10_001 }), "max_uses"),
        (json!({ "ttl_s": 60, "max_uses": 1, "name": "" }), "name"),
        (json!({ "ttl_s": "60", "max_uses": 1 }), "ttl_s"),
    ] {
        let answer = node.rest("POST", &format!("/v1/rooms/{room}/links"), body.clone()).await;
        assert_problem(&answer, 422, "invalid");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
    }
    let none = node.rest("POST", "/v1/rooms/room_none/links", json!({ "ttl_s": 60, "max_uses": 1 })).await;
    assert_problem(&none, 404, "not_found");
}

#[tokio::test]
async fn a_token_says_what_was_asked_for() {
    let node = Running::start(&[]).await;
    let room = room(&node).await;
    let path = format!("/v1/rooms/{room}/tokens");
    let body = json!({ "user": "user-17", "name": "하나", "ttl_s": 60, "grants": { "can_publish": false, "room_admin": true } });
    let made = node.rest("POST", &path, body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let keys = signaling::token::Keys::new([signaling::token::Key::new("shop", "0123456789abcdef0123456789abcdef").expect("long enough")]);
    let verified = keys.verify(made.json()["token"].as_str().expect("a token")).expect("it verifies");
    assert_eq!((verified.subject.user.id.as_str(), verified.subject.user.name.as_str()), ("user-17", "하나"));
    let rooms::session::Grants::Room(grants) = verified.subject.grants else { panic!("a room token") };
    assert_eq!(grants.room.as_str(), room);
    assert!(grants.room_join && !grants.can_publish && grants.can_subscribe && grants.can_publish_data && grants.room_admin);

    for (body, field) in [
        (json!({ "user": "", "name": "a" }), "user"),
        (json!({ "user": "u", "name": " " }), "name"),
        (json!({ "user": "u", "name": "a", "ttl_s": 601 }), "ttl_s"),
        (json!({ "user": "u", "name": "a", "ttl_s": 0 }), "ttl_s"),
        (json!({ "user": "u", "name": "a", "grants": { "admin": true } }), "grants.admin"),
        (json!({ "user": "u", "name": "a", "grants": { "room_admin": 1 } }), "grants.room_admin"),
    ] {
        let answer = node.rest("POST", &path, body.clone()).await;
        assert_problem(&answer, 422, "invalid");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
    }
    assert_problem(&node.rest("POST", "/v1/rooms/room_none/tokens", json!({ "user": "u", "name": "a" })).await, 404, "not_found");
}

#[tokio::test]
async fn a_guest_stays_the_same_user_with_its_earlier_token() {
    let node = Running::start(&[]).await;
    let first = node.public("/v1/guests", json!({ "name": "하나" })).await;
    assert_eq!(first.status, 200, "{first:?}");
    let first = first.json();
    let bearer = format!("Bearer {}", first["token"].as_str().expect("a token"));
    let headers = [JSON, ("authorization", bearer.as_str())];
    let again = node.send("POST", "/v1/guests", &headers, r#"{"name":"둘"}"#).await.json();
    assert_eq!((&again["user"]["id"], &again["user"]["name"]), (&first["user"]["id"], &json!("둘")));
    assert_eq!(node.send("POST", "/v1/tokens/refresh", &[("authorization", &bearer)], "").await.status, 200);

    let stranger = node.send("POST", "/v1/guests", &[JSON, ("authorization", "Bearer nonsense")], r#"{"name":"셋"}"#).await;
    assert_eq!(stranger.status, 200);
    assert_ne!(stranger.json()["user"]["id"], first["user"]["id"]);
    assert_problem(&node.public("/v1/guests", json!({ "name": "" })).await, 422, "invalid");
    assert_problem(&node.public("/v1/guests", json!({})).await, 422, "invalid");
}

#[tokio::test]
async fn a_backends_own_user_is_not_renewed_nor_taken_for_a_guest() {
    let node = Running::start(&[]).await;
    let key = signaling::token::Key::new("shop", "0123456789abcdef0123456789abcdef").expect("long enough");
    let user = rooms::User { id: rooms::UserId::new("user-17"), name: "하나".into() };
    let subject = signaling::token::Subject { user, grants: rooms::session::Grants::User, locale: None, plan: None };
    let bearer = |life| {
        format!("Bearer {}", key.mint(&subject, std::time::SystemTime::now(), std::time::Duration::from_secs(life)).expect("minted"))
    };
    let live = bearer(60);
    assert_problem(&node.send("POST", "/v1/tokens/refresh", &[("authorization", &live)], "").await, 403, "forbidden");
    let guest = node.send("POST", "/v1/guests", &[JSON, ("authorization", &live)], r#"{"name":"x"}"#).await.json();
    assert_ne!(guest["user"]["id"], "user-17");
    assert_problem(&node.send("POST", "/v1/tokens/refresh", &[("authorization", &bearer(0))], "").await, 401, "unauthorized");
    assert_problem(&node.send("POST", "/v1/tokens/refresh", &[], "").await, 401, "unauthorized");
}

#[tokio::test]
async fn guests_can_be_switched_off() {
    let node = Running::start(&[("guests", "false")]).await;
    assert_problem(&node.public("/v1/guests", json!({ "name": "하나" })).await, 403, "forbidden");
    room(&node).await;
}

#[tokio::test]
async fn links_are_tried_ten_times_a_minute_from_one_address() {
    let node = Running::start(&[]).await;
    for _ in 0..10 {
        assert_eq!(node.public("/v1/links/redeem", json!({ "secret": "guess" })).await.status, 404);
    }
    let refused = node.public("/v1/links/redeem", json!({ "secret": "guess" })).await;
    assert_problem(&refused, 429, "rate_limited");
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1..=60).contains(&seconds)), "{refused:?}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_visitor_has_limits_of_its_own() {
    let try_from = async |node: &Running, visitor: &str| {
        node.send("POST", "/v1/links/redeem", &[JSON, ("x-forwarded-for", visitor)], r#"{"secret":"guess"}"#).await.status
    };
    let node = Running::start(&[("trusted_proxies", "127.0.0.1")]).await;
    for _ in 0..10 {
        assert_eq!(try_from(&node, "192.0.2.1").await, 404);
    }
    assert_eq!(try_from(&node, "192.0.2.1").await, 429);
    assert_eq!(try_from(&node, "192.0.2.2").await, 404);
    // What a visitor writes itself stands before what the proxy adds, and changes nothing.
    assert_eq!(try_from(&node, "192.0.2.99, 192.0.2.1").await, 429);

    let open = Running::start(&[]).await;
    for visitor in 0..10 {
        assert_eq!(try_from(&open, &format!("192.0.2.{visitor}")).await, 404);
    }
    assert_eq!(try_from(&open, "192.0.2.200").await, 429, "nobody may name another address");
}

#[tokio::test]
async fn a_key_is_told_its_limit_and_stopped_at_it() {
    let node = Running::start(&[("limits.rest_per_s", "5")]).await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let answer = node.rest("GET", "/v1/rooms/none", Value::Null).await;
        assert_eq!(answer.header("ratelimit-policy"), "\"key\";q=5;w=1");
        assert!(answer.header("ratelimit").starts_with("\"key\";r="), "{answer:?}");
        if answer.status == 429 {
            assert_problem(&answer, 429, "rate_limited");
            assert!(!answer.header("retry-after").is_empty());
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses[0], 404);
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let node = Running::start(&[]).await;
    for path in ["/v1", "/v1/", "/v1/nothing", "/v1/rooms/a/b/c", "/v1/../v1/x"] {
        assert_problem(&node.get(path).await, 404, "not_found");
    }
    assert_problem(&node.send("PUT", "/v1/rooms", &[("authorization", SHOP)], "").await, 405, "invalid");
    assert_problem(&node.get("/v1/guests").await, 405, "invalid");
    assert_problem(&node.rest("GET", "/v1/rooms/%ff%fe", Value::Null).await, 400, "invalid");
}

#[tokio::test]
async fn only_allowed_origins_may_call_the_public_endpoints_from_a_page() {
    let node = Running::start(&[("origins", "https://shop.example.com")]).await;
    let allowed = |answer: &Response| answer.header("access-control-allow-origin").to_owned();
    let ask = |origin: &'static str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,authorization"),
        ];
        let node = &node;
        async move { node.send("OPTIONS", "/v1/guests", &headers, "").await }
    };
    let good = ask("https://shop.example.com").await;
    assert_eq!((good.status, allowed(&good).as_str()), (200, "https://shop.example.com"));
    for origin in ["https://evil.example.com", "http://localhost:5173", "null"] {
        assert_eq!(allowed(&ask(origin).await), "", "{origin}");
    }
    let backend = node.send("POST", "/v1/rooms", &[("origin", "https://shop.example.com"), ("authorization", SHOP), JSON], "{}").await;
    assert_eq!(allowed(&backend), "", "API keys have no place in pages");
}

#[tokio::test]
async fn an_unload_beacon_is_heard_whatever_its_type_and_tells_nothing() {
    let node = Running::start(&[]).await;
    for kind in ["text/plain;charset=UTF-8", "application/json"] {
        let answer = node.send("POST", "/v1/unload", &[("content-type", kind)], r#"{"session":"unknown"}"#).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    }
    assert_problem(&node.send("POST", "/v1/unload", &[], "not json").await, 400, "invalid");
}

#[tokio::test]
async fn the_description_covers_every_route_and_nothing_else() {
    let node = Running::start(&[]).await;
    let answer = node.get("/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let api = answer.json();
    assert!(api["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", api["openapi"]);

    let mut described = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            described.insert((method.to_ascii_uppercase(), path.clone()));
            assert!(ids.insert(operation["operationId"].as_str().expect("an id").to_owned()), "{operation}");
            assert!(operation["summary"].is_string() && operation["security"].is_array(), "{path} {operation}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            assert_eq!(path.contains('{'), parameters.iter().any(|parameter| parameter["in"] == "path"), "{path}");
        }
    }
    let expected: BTreeSet<_> = OPERATIONS.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(described, expected);
    for (method, path) in OPERATIONS {
        let answer = node.send(method, &path.replace("{room}", "x"), &[], "").await;
        let is_routed = answer.status != 405 && !answer.body.contains("there is no such resource");
        assert!(is_routed, "{method} {path}: {answer:?}");
    }
    assert_references(&api, &api);
}

/// Every `$ref` leads somewhere inside the document.
fn assert_references(value: &Value, api: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                let pointer = reference.strip_prefix('#').expect("a reference into this document");
                assert!(api.pointer(pointer).is_some(), "{reference}");
            }
            fields.values().for_each(|field| assert_references(field, api));
        }
        Value::Array(values) => values.iter().for_each(|value| assert_references(value, api)),
        _ => {}
    }
}

#[tokio::test]
async fn the_measurements_have_rooms_packets_requests_and_the_stores_times() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().to_str().expect("a path").to_owned();
    let node = Running::start(&[("store", "sqlite"), ("data_dir", &data)]).await;
    room(&node).await;
    assert_eq!(node.get("/healthz").await.json()["status"], "ok");
    assert_eq!(node.get("/readyz").await.status, 200);
    let expected = [
        "zzan_rooms 1",
        "zzan_participants 0",
        "zzan_sessions 0",
        "zzan_messages_stored_total ",
        "zzan_media_packets_forwarded_total ",
        "zzan_media_packets_dropped_total{reason=\"malformed\"} ",
        "zzan_http_requests_total{route=\"/v1/rooms\",method=\"POST\",status=\"201\"} ",
        "zzan_store_seconds_bucket{operation=\"create_room\",le=\"0.01\"} ",
        "zzan_store_commit_seconds_count ",
    ];
    // The measurements are the process's, and other tests have nodes in it: one of those may write between the two steps of an answer.
    let mut missing = String::new();
    for _ in 0..100 {
        let answer = node.get("/metrics").await;
        assert!(answer.header("content-type").starts_with("text/plain"));
        let Some(name) = expected.iter().find(|name| !answer.body.contains(**name)) else {
            missing.clear();
            break;
        };
        missing = format!("{name:?} is missing in:\n{}", answer.body);
    }
    assert!(missing.is_empty(), "{missing}");
    node.node.stop().await;
}
