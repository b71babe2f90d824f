//! WHIP and WHEP by real HTTP, with the offers that browsers make. Whether media flows is for the browser tests.

use crate::support::PATIENCE;
use crate::support::http::Response;
use crate::support::node::Running;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Chromium's: sends one audio and one video, receives some more.
const OFFER: &str = include_str!("../../media/tests/offers/chromium.sdp");

const SDP: (&str, &str) = ("content-type", "application/sdp");
const FRAGMENT: (&str, &str) = ("content-type", "application/trickle-ice-sdpfrag");

async fn room(node: &Running, capacity: u8) -> String {
    let answer = node.rest("POST", "/v1/rooms", json!({ "name": "짠", "capacity": capacity })).await;
    answer.json()["id"].as_str().expect("an id").to_owned()
}

async fn token(node: &Running, room: &str, user: &str, grants: Value) -> String {
    let body = json!({ "user": user, "name": user, "grants": grants });
    let answer = node.rest("POST", &format!("/v1/rooms/{room}/tokens"), body).await;
    format!("Bearer {}", answer.json()["token"].as_str().unwrap_or_else(|| panic!("{answer:?}")))
}

async fn participants(node: &Running, room: &str) -> Vec<String> {
    let answer = node.rest("GET", &format!("/v1/rooms/{room}"), Value::Null).await;
    let answer = answer.json();
    let participants = answer["participants"].as_array().expect("a list").iter();
    participants.map(|p| p["user"].as_str().expect("a user").to_owned()).collect()
}

async fn post(node: &Running, path: &str, token: &str) -> Response {
    node.send("POST", path, &[("authorization", token), SDP], OFFER).await
}

/// The session's resource answers 404 sooner or later.
async fn assert_ends(node: &Running, resource: &str) {
    let start = Instant::now();
    loop {
        let answer = node.send("PATCH", resource, &[FRAGMENT, ("if-match", "\"x\"")], "").await;
        if answer.status == 404 {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_encoder_takes_a_seat_and_gives_it_back() {
    let node = Running::start(&[]).await;
    let room = room(&node, 2).await;
    let encoder = token(&node, &room, "obs", json!({})).await;
    let begun = post(&node, &format!("/v1/whip/{room}"), &encoder).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    assert_eq!(begun.header("content-type"), "application/sdp");
    assert!(begun.header("etag").starts_with('"') && begun.body.contains("a=candidate:"), "{begun:?}");
    let resource = begun.header("location").to_owned();
    assert!(resource.starts_with("/v1/media/media_"), "{resource}");
    assert_eq!(participants(&node, &room).await, ["obs"]);

    let player = token(&node, &room, "player", json!({ "can_publish": false })).await;
    let played = post(&node, &format!("/v1/whep/{room}"), &player).await;
    assert_eq!(played.status, 201, "{played:?}");
    let third = token(&node, &room, "third", json!({})).await;
    let full = post(&node, &format!("/v1/whep/{room}"), &third).await;
    assert_eq!((full.status, full.json()["code"].as_str()), (409, Some("room_full")), "a player has a seat: {full:?}");

    assert_eq!(node.send("DELETE", &resource, &[], "").await.status, 200);
    assert_eq!(node.send("DELETE", &resource, &[], "").await.status, 404);
    let start = Instant::now();
    while participants(&node, &room).await != ["player"] {
        assert!(start.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_is_refused_says_why() {
    let node = Running::start(&[]).await;
    let room = room(&node, 2).await;
    let (whip, whep) = (format!("/v1/whip/{room}"), format!("/v1/whep/{room}"));
    let all = token(&node, &room, "u", json!({})).await;
    let mute = token(&node, &room, "mute", json!({ "can_publish": false })).await;
    let deaf = token(&node, &room, "deaf", json!({ "can_subscribe": false })).await;
    let send = async |path: &str, headers: &[(&str, &str)], body: &str| {
        let answer = node.send("POST", path, headers, body).await;
        (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
    };
    let refusal = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(send(&whip, &[SDP], OFFER).await, refusal(401, "unauthorized"));
    assert_eq!(send(&whip, &[SDP, ("authorization", "Bearer nonsense")], OFFER).await, refusal(401, "unauthorized"));
    assert_eq!(send(&whip, &[("authorization", &all)], OFFER).await, refusal(415, "invalid"));
    assert_eq!(send(&whip, &[("authorization", &mute), SDP], OFFER).await, refusal(403, "forbidden"));
    assert_eq!(send(&whep, &[("authorization", &deaf), SDP], OFFER).await, refusal(403, "forbidden"));
    assert_eq!(send("/v1/whip/elsewhere", &[("authorization", &all), SDP], OFFER).await, refusal(404, "not_found"));
    assert_eq!(send(&whip, &[("authorization", &all), SDP], "nonsense").await, refusal(422, "invalid"));
    assert_eq!(send(&whip, &[("authorization", &all), SDP], &OFFER.replace("a=sendonly", "a=inactive")).await, refusal(422, "invalid"));
    let both = format!("{whep}?participant=a&user=b");
    assert_eq!(send(&both, &[("authorization", &all), SDP], OFFER).await, refusal(422, "invalid"));
    let large = format!("{OFFER}{}", "a=x\r\n".repeat(14_000));
    assert_eq!(send(&whip, &[("authorization", &all), SDP], &large).await.1, "too_large");
    assert_eq!(participants(&node, &room).await, Vec::<String>::new(), "nobody was seated");
    let options = node.send("OPTIONS", &whip, &[], "").await;
    assert_eq!((options.status, options.header("accept-post")), (200, "application/sdp"));
    assert_eq!(node.send("GET", &whip, &[], "").await.status, 405);
}

#[tokio::test]
async fn an_encoder_is_told_of_the_turn_server() {
    let turn = [("turn.urls", "turn:turn.example.com:3478?transport=udp"), ("turn.secret", "north-of-the-river")];
    let node = Running::start(&turn).await;
    let room = room(&node, 2).await;
    let begun = post(&node, &format!("/v1/whip/{room}"), &token(&node, &room, "obs", json!({})).await).await;
    let link = begun.header("link");
    assert!(link.starts_with("<turn:turn.example.com:3478?transport=udp>; rel=\"ice-server\"; username=\""), "{link}");
    assert!(link.contains("; credential=\"") && link.ends_with("; credential-type=\"password\""), "{link}");
}

#[tokio::test]
async fn an_encoder_restarts_ice_and_trickles_in_vain() {
    let node = Running::start(&[]).await;
    let room = room(&node, 2).await;
    let begun = post(&node, &format!("/v1/whip/{room}"), &token(&node, &room, "obs", json!({})).await).await;
    let (resource, tag) = (begun.header("location").to_owned(), begun.header("etag").to_owned());
    let patch = async |headers: &[(&str, &str)], body: &str| node.send("PATCH", &resource, headers, body).await;
    let line = |name: &str| OFFER.lines().find(|line| line.starts_with(name)).expect("there").to_owned();
    let known = format!("{}\r\n{}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n", line("a=ice-ufrag:"), line("a=ice-pwd:"));
    assert_eq!(patch(&[FRAGMENT, ("if-match", &tag)], &known).await.status, 204, "candidates of a client aren't needed");
    assert_eq!(patch(&[FRAGMENT], &known).await.status, 428);
    assert_eq!(patch(&[FRAGMENT, ("if-match", "\"other\"")], &known).await.status, 412);
    assert_eq!(patch(&[SDP, ("if-match", "*")], &known).await.status, 415);
    assert_eq!(patch(&[FRAGMENT, ("if-match", "*")], "a=candidate:1").await.status, 422);
    let fresh = "a=ice-ufrag:EFGH\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n";
    let restarted = patch(&[FRAGMENT, ("if-match", "*")], fresh).await;
    assert_eq!((restarted.status, restarted.header("content-type")), (200, FRAGMENT.1), "{restarted:?}");
    assert_ne!(restarted.header("etag"), tag);
    assert!(restarted.body.contains("a=ice-ufrag:") && restarted.body.contains("a=candidate:"), "{restarted:?}");
    assert_eq!(patch(&[FRAGMENT, ("if-match", &tag)], fresh).await.status, 412, "the old session is over");
    assert_eq!(participants(&node, &room).await, ["obs"]);
}

#[tokio::test]
async fn a_session_ends_with_its_seat() {
    let node = Running::start(&[]).await;
    let room = room(&node, 4).await;
    let begin = async |user: &str| {
        let begun = post(&node, &format!("/v1/whip/{room}"), &token(&node, &room, user, json!({})).await).await;
        begun.header("location").to_owned()
    };
    let (kicked, replaced, closed) = (begin("kicked").await, begin("replaced").await, begin("closed").await);
    let id = |view: &Value, user: &str| {
        let of = view["participants"].as_array().expect("a list").iter().find(|p| p["user"] == user).expect("seated");
        of["id"].as_str().expect("an id").to_owned()
    };
    let view = node.rest("GET", &format!("/v1/rooms/{room}"), Value::Null).await.json();
    let path = format!("/v1/rooms/{room}/participants/{}", id(&view, "kicked"));
    assert_eq!(node.rest("DELETE", &path, Value::Null).await.status, 204);
    assert_ends(&node, &kicked).await;
    begin("replaced").await;
    assert_ends(&node, &replaced).await;
    assert_eq!(node.rest("DELETE", &format!("/v1/rooms/{room}"), Value::Null).await.status, 204);
    assert_ends(&node, &closed).await;
}
