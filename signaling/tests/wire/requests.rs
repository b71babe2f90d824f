//! The shapes of answers, and of refusals.

use crate::harness::Server;
use crate::socket::{Came, chat};
use serde_json::{Value, json};

fn assert_refused(ack: &Value, code: &str) {
    assert_eq!(ack["ok"], false, "{ack}");
    assert_eq!(ack["error"]["code"], code, "{ack}");
    assert!(ack["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{ack}");
    assert_eq!(ack.as_object().unwrap().len(), 2, "{ack}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_published_shapes() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    let created = ana.ask("room:create", json!({ "name": "짠", "capacity": 3, "password": "pw", "nonce": "n1" })).await;
    let room = &created["room"];
    assert_eq!(created["ok"], true, "{created}");
    assert_eq!((&room["name"], &room["capacity"], &room["has_password"]), (&json!("짠"), &json!(3), &json!(true)));
    assert_eq!((&room["owner"], &room["participants"]), (&json!("ana"), &json!([])));

    let joined = ana.ask("room:join", json!({ "room": room["id"], "password": "pw" })).await;
    assert_eq!(joined["ok"], true, "{joined}");
    assert_eq!((&joined["slots"], &joined["tracks"]), (&json!([]), &json!([])));
    assert_eq!((&joined["me"]["user"], &joined["me"]["name"]), (&json!("ana"), &json!("ana's name")));
    assert!(joined["rev"].is_u64() && joined.get("answer").is_none());
    let me = json!({ "id": joined["me"]["id"], "user": "ana", "name": "ana's name", "state": "joined" });
    assert_eq!(joined["room"]["participants"], json!([me]));

    assert_eq!(joined["me"]["rights"], json!({ "publish": true, "subscribe": true, "data": true, "administer": true }));
    let stats = ana.ask("media:stats", json!({})).await;
    assert_eq!(stats, json!({ "ok": true, "loss_up": 0.0, "loss_down": 0.0, "publications": [], "subscriptions": [] }));

    let channel = joined["room"]["channel"].as_str().unwrap();
    let sent = ana.ask("chat:send", chat(channel, "짠!")).await;
    let message = &sent["message"];
    assert_eq!((&message["seq"], &message["text"]), (&json!(1), &json!("짠!")));
    assert_eq!(message["author"], json!({ "id": "ana", "name": "ana's name" }));
    assert_eq!(ana.event("chat:message").await, json!({ "message": message }));
    let history = ana.ask("chat:history", json!({ "channel": channel })).await;
    assert_eq!(history, json!({ "ok": true, "messages": [message], "more": false, "newer": false }));
    let edited = ana.ask("chat:edit", json!({ "channel": channel, "seq": 1, "text": "짠짠!" })).await;
    assert_eq!((&edited["message"]["id"], &edited["message"]["text"]), (&message["id"], &json!("짠짠!")));
    assert!(edited["message"]["edited_at"].is_string() && message.get("edited_at").is_none(), "{edited}");
    assert_eq!(ana.event("chat:edited").await, json!({ "message": edited["message"] }));
    let answer = ana.ask("chat:send", json!({ "channel": channel, "nonce": "answer", "text": "네", "reply_to": 1 })).await;
    assert_eq!(answer["message"]["reply_to"], 1);
    let deleted = ana.ask("chat:delete", json!({ "channel": channel, "seq": 1 })).await;
    assert_eq!((&deleted["message"]["text"], &deleted["message"]["deleted"]), (&json!(""), &json!(true)));
    assert_eq!(ana.event("chat:deleted").await, json!({ "message": deleted["message"] }));
    let after = ana.ask("chat:history", json!({ "channel": channel, "after": 0, "limit": 1 })).await;
    assert_eq!(after, json!({ "ok": true, "messages": [deleted["message"]], "more": false, "newer": true }));
    let both = ana.ask("chat:history", json!({ "channel": channel, "after": 0, "before": 9 })).await;
    assert_eq!(both["error"]["code"], "invalid", "{both}");

    let lobby = ana.ask("lobby:list", json!({ "size": 3 })).await;
    assert_eq!((&lobby["rooms"][0]["id"], &lobby["rooms"][0]["seated"]), (&room["id"], &json!(1)));
    assert_eq!(ana.ask("room:leave", json!({ "room": room["id"] })).await, json!({ "ok": true }));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_a_code_and_a_reason() {
    let server = Server::start().await;
    let (mut ana, mut bo, room, channel) = server.couple().await;
    let create = |patch: Value| {
        let mut request = json!({ "name": "r", "capacity": 2, "nonce": "n" });
        request.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        request
    };
    assert_refused(&ana.ask("room:create", create(json!({ "capacity": 5 }))).await, "invalid");
    assert_refused(&ana.ask("room:create", create(json!({ "capacity": -1 }))).await, "invalid");
    assert_refused(&ana.ask("room:create", create(json!({ "name": " " }))).await, "invalid");
    assert_refused(&ana.ask("room:join", json!({ "room": "none" })).await, "not_found");
    assert_refused(&ana.ask("room:leave", json!({ "room": "none" })).await, "not_found");
    assert_refused(&ana.ask("chat:send", chat("none", "x")).await, "not_found");
    assert_refused(&ana.ask("chat:send", chat(&channel, &"x".repeat(4_001))).await, "too_large");
    assert_refused(&ana.ask("chat:history", json!({ "channel": channel, "limit": 101 })).await, "invalid");
    assert_refused(&ana.ask("media:mute", json!({ "track": "none", "muted": true })).await, "not_found");
    let sdp = |kind: &str, sdp: &str| json!({ "offer": { "type": kind, "sdp": sdp } });
    assert_refused(&ana.ask("media:offer", sdp("offer", "v=0 nonsense")).await, "invalid");
    assert_refused(&ana.ask("media:offer", sdp("answer", "v=0")).await, "invalid");
    assert_refused(&ana.ask("media:offer", sdp("offer", &"x".repeat(64 * 1024 + 1))).await, "too_large");
    assert_refused(&bo.ask("room:close", json!({ "room": room })).await, "forbidden");
    assert_refused(&bo.ask("room:mute", json!({ "room": room, "track": "none", "muted": true })).await, "forbidden");
    assert_refused(&ana.ask("room:mute", json!({ "room": room, "track": "none", "muted": true })).await, "not_found");
    assert_refused(&ana.ask("room:mute", json!({ "room": room, "track": "none" })).await, "invalid");
    assert_refused(&ana.ask("media:subscribe", json!({ "track": "none" })).await, "not_found");
    assert_refused(&ana.ask("media:publish", json!({ "publish": [] })).await, "conflict");
    assert_refused(&bo.ask("session:refresh", json!({ "token": "garbage" })).await, "unauthorized");
    assert_refused(&bo.ask("session:refresh", json!({ "token": server.token("ana") })).await, "unauthorized");

    let locked = ana.ask("room:create", create(json!({ "password": "pw" }))).await["room"]["id"].clone();
    let mut cleo = server.connect("cleo").await;
    assert_refused(&cleo.ask("room:join", json!({ "room": locked })).await, "bad_password");
    for user in ["d", "e"] {
        let mut socket = server.connect(user).await;
        assert_eq!(socket.ask("room:join", json!({ "room": room })).await["ok"], true);
    }
    assert_refused(&cleo.ask("room:join", json!({ "room": room })).await, "room_full");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_does_not_parse_names_the_field() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    let ack = ana.ask("room:join", json!({ "room": "r", "offer": { "type": "offer", "sdp": 7 } })).await;
    assert_refused(&ack, "invalid");
    assert!(ack["error"]["message"].as_str().unwrap().starts_with("offer.sdp: "), "{ack}");
    for (event, payload, field) in [
        ("media:subscribe", json!({ "track": 7 }), "track: "),
        ("media:subscribe", json!({ "track": "t", "paused": "yes" }), "paused: "),
        ("media:subscribe", json!({ "track": "t", "width": 320 }), "height: "),
        ("media:subscribe", json!({ "track": "t", "height": 320 }), "width: "),
        ("media:subscribe", json!({ "track": "t", "width": 0, "height": 180 }), "width: "),
        ("media:subscribe", json!({ "track": "t", "width": 320, "height": 16_385 }), "height: "),
        ("media:subscribe", json!({ "track": "t", "width": 70_000, "height": 180 }), "width: "),
        ("media:publish", json!({ "publish": [{ "mid": "", "source": "screen" }] }), "publish[0].mid: "),
        ("media:publish", json!({ "publish": [{ "mid": "0", "source": "phone" }] }), "publish[0].source: "),
        ("room:mute", json!({ "room": "r", "track": "t", "muted": 1 }), "muted: "),
    ] {
        let ack = ana.ask(event, payload).await;
        assert_refused(&ack, "invalid");
        assert!(ack["error"]["message"].as_str().unwrap().starts_with(field), "{event}: {ack}");
    }
    assert_refused(&ana.ask("room:join", json!({})).await, "invalid");
    for payload in [json!("text"), json!(7), json!([]), json!(null), json!(true)] {
        assert_refused(&ana.ask("room:join", payload).await, "invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_event_is_answered() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    for name in ["room:explode", "", "disconnect", "connect", "session:ready", "constructor", "짠"] {
        assert_refused(&ana.ask(name, json!({})).await, "invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_argument_is_an_empty_object_and_further_ones_are_ignored() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    for (id, packet) in [(900, r#"["lobby:list"]"#), (901, r#"["lobby:list",null]"#), (902, r#"["lobby:list",{},1,"two"]"#)] {
        ana.send(&format!("42{id}{packet}")).await;
        assert_eq!(ana.next().await, Came::Ack(id, json!({ "ok": true, "rooms": [] })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_the_lobby_is_told_of_changes_until_it_stops() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    let mut bo = server.connect("bo").await;
    assert_eq!(ana.ask("lobby:watch", json!({})).await, json!({ "ok": true, "rooms": [] }));
    let (room, _) = server.room(&mut bo).await;
    while ana.event("lobby:changed").await["rooms"][0]["id"] != room.as_str() {}
    assert_eq!(ana.ask("lobby:watch", json!({ "watch": false })).await["ok"], true);
    assert_eq!(bo.ask("room:close", json!({ "room": room })).await, json!({ "ok": true }));
    assert_eq!(bo.event("room:closed").await, json!({ "room": room, "reason": "closed" }));
}
