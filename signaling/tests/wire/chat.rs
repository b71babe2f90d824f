//! What one can do with messages, as clients of the wire see it: shapes, refusals, and the order of pushes.

use crate::harness::{Server, roomy};
use crate::socket::{Socket, chat};
use serde_json::{Value, json};

async fn refused(socket: &mut Socket, event: &str, payload: Value, code: &str) -> String {
    let ack = socket.ask(event, payload).await;
    assert_eq!((&ack["ok"], &ack["error"]["code"]), (&json!(false), &json!(code)), "{event}: {ack}");
    ack["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn mentions_reactions_and_pins_have_the_published_shapes() {
    let server = Server::start().await;
    let (mut ana, mut bo, _, channel) = server.couple().await;
    let sent = ana.ask("chat:send", chat(&channel, "<@bo> <@everyone> <@&r>")).await;
    assert_eq!(sent["message"]["mentions"], json!([{ "kind": "user", "id": "bo" }, { "kind": "everyone" }]));
    assert!(sent["message"].get("reactions").is_none(), "{sent}");

    let reactions = json!([{ "emoji": "🍻", "count": 1, "users": ["bo"] }]);
    let react = |on: bool| json!({ "channel": channel, "seq": 1, "emoji": "🍻", "on": on });
    assert_eq!(bo.ask("chat:react", react(true)).await, json!({ "ok": true, "reactions": reactions }));
    let told = json!({ "channel": channel, "seq": 1, "reactions": reactions });
    for socket in [&mut ana, &mut bo] {
        assert_eq!(socket.event("chat:reacted").await, told);
    }
    let mut message = sent["message"].clone();
    message["reactions"] = reactions;
    assert_eq!(ana.ask("chat:history", json!({ "channel": channel })).await["messages"], json!([message]));

    let pin = |on: bool| json!({ "channel": channel, "seq": 1, "on": on });
    assert_eq!(ana.ask("chat:pin", pin(true)).await, json!({ "ok": true }));
    assert_eq!(bo.event("chat:pinned").await, json!({ "message": message, "on": true }));
    assert_eq!(bo.ask("chat:pins", json!({ "channel": channel })).await, json!({ "ok": true, "messages": [message] }));
    refused(&mut bo, "chat:pin", pin(false), "forbidden").await;
    assert_eq!(ana.ask("chat:pin", pin(false)).await, json!({ "ok": true }));
    assert_eq!(bo.event("chat:pinned").await["on"], false);

    assert_eq!(bo.ask("chat:react", react(false)).await, json!({ "ok": true, "reactions": [] }));
    assert_eq!(ana.event("chat:reacted").await["reactions"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_with_a_message_is_refused_by_code() {
    let server = Server::start().await;
    let (mut ana, _bo, _, channel) = server.couple().await;
    ana.ask("chat:send", chat(&channel, "짠")).await;
    let react = |seq: Value, emoji: &str| json!({ "channel": channel, "seq": seq, "emoji": emoji, "on": true });
    refused(&mut ana, "chat:react", react(json!(2), "🍻"), "not_found").await;
    assert!(refused(&mut ana, "chat:react", react(json!(1), "두 잔"), "invalid").await.starts_with("emoji: "));
    assert!(refused(&mut ana, "chat:react", react(json!(-1), "🍻"), "invalid").await.starts_with("seq: "));
    for n in 0..20 {
        assert_eq!(ana.ask("chat:react", react(json!(1), &n.to_string())).await["ok"], true);
    }
    assert!(refused(&mut ana, "chat:react", react(json!(1), "🍻"), "conflict").await.contains("20"));
    refused(&mut ana, "chat:pins", json!({ "channel": "none" }), "not_found").await;
    refused(&mut ana, "chat:pin", json!({ "channel": channel, "seq": 9, "on": true }), "not_found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tokens_plan_limits_the_text_until_a_fresh_token_has_another() {
    let plan_text_max_chars = [("free".to_owned(), 150)].into_iter().collect();
    let rooms = rooms::Config { chat_rate: None, plan_text_max_chars, ..rooms::Config::default() };
    let server = Server::start_all(roomy(), rooms).await;
    let mut ana = server.connect_with(json!({ "token": server.token_of_plan("ana", "free") })).await;
    let (_, channel) = server.room(&mut ana).await;
    let long = "짠".repeat(151);
    assert_eq!(ana.ask("chat:send", chat(&channel, &long[3..])).await["ok"], true);
    assert!(refused(&mut ana, "chat:send", chat(&channel, &long), "too_large").await.contains("150"));
    let refreshed = ana.ask("session:refresh", json!({ "token": server.token_of_plan("ana", "pro") })).await;
    assert_eq!(refreshed["ok"], true, "{refreshed}");
    assert_eq!(ana.ask("chat:send", chat(&channel, &long)).await["ok"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn search_has_the_published_shape_and_pages() {
    let server = Server::start().await;
    let (mut ana, mut bo, _, channel) = server.couple().await;
    let mut messages = vec![];
    for text in ["맥주 한 잔", "두 잔", "WINE 잔"] {
        messages.push(ana.ask("chat:send", chat(&channel, text)).await["message"].clone());
    }
    let search = |text: &str, before: &Value| {
        let mut request = json!({ "channel": channel, "text": text, "limit": 2 });
        if before.is_string() {
            request["before"] = before.clone();
        }
        request
    };
    assert_eq!(bo.ask("chat:search", search("wine", &Value::Null)).await, json!({ "ok": true, "messages": [messages[2]] }));
    let page = bo.ask("chat:search", search("잔", &Value::Null)).await;
    assert_eq!(page["messages"], json!([messages[2], messages[1]]));
    let page = bo.ask("chat:search", search("잔", &page["next"])).await;
    assert_eq!(page, json!({ "ok": true, "messages": [messages[0]] }));
    assert!(refused(&mut bo, "chat:search", search("잔", &json!("x")), "invalid").await.starts_with("before: "));
    assert!(refused(&mut bo, "chat:search", search(" ", &Value::Null), "invalid").await.starts_with("text: "));
    refused(&mut bo, "chat:search", json!({ "channel": "none", "text": "잔" }), "not_found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_others_are_told_who_is_typing() {
    let server = Server::start().await;
    let (mut ana, mut bo, _, channel) = server.couple().await;
    assert_eq!(ana.ask("chat:typing", json!({ "channel": channel })).await, json!({ "ok": true }));
    assert_eq!(bo.event("chat:typing").await, json!({ "channel": channel, "user": "ana", "name": "ana's name" }));
    ana.ask("chat:send", chat(&channel, "짠")).await;
    ana.event("chat:message").await;
    assert_eq!(ana.waiting_event("chat:typing"), None, "not oneself");
    refused(&mut ana, "chat:typing", json!({ "channel": "none" }), "not_found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_come_with_or_without_a_text() {
    let server = Server::start().await;
    let (mut ana, mut bo, _, channel) = server.couple().await;
    let photo =
        json!({ "url": "https://files.example/1.jpg", "name": "안주.jpg", "mime": "image/jpeg", "size_bytes": 9, "width": 4, "height": 3 });
    let note = json!({ "url": "https://files.example/2", "name": "2", "mime": "text/plain", "size_bytes": 0 });
    let send = |attachments: &[&Value]| json!({ "channel": channel, "nonce": rooms::random_id("n"), "attachments": attachments });
    let sent = ana.ask("chat:send", send(&[&photo, &note])).await;
    assert_eq!((&sent["message"]["text"], &sent["message"]["attachments"]), (&json!(""), &json!([photo, note])));
    assert_eq!(bo.event("chat:message").await["message"], sent["message"]);
    let edited = ana.ask("chat:edit", json!({ "channel": channel, "seq": 1, "text": "안주" })).await;
    assert_eq!(edited["message"]["attachments"], json!([photo, note]));
    assert_eq!(ana.ask("chat:edit", json!({ "channel": channel, "seq": 1, "text": "" })).await["ok"], true);
    let deleted = ana.ask("chat:delete", json!({ "channel": channel, "seq": 1 })).await;
    assert!(deleted["message"].get("attachments").is_none(), "{deleted}");

    assert!(refused(&mut ana, "chat:send", send(&[]), "invalid").await.starts_with("text: "));
    let with = |field: &str, value: Value| {
        let mut changed = note.clone();
        changed[field] = value;
        changed
    };
    for (changed, start) in [
        (with("url", json!("http://files.example/2")), "attachments: [1].url "),
        (with("mime", json!("text")), "attachments: [1].mime "),
        (with("size_bytes", json!(-1)), "attachments[1].size_bytes: "),
        (with("width", json!(7)), "attachments[1].height: "),
    ] {
        let message = refused(&mut ana, "chat:send", send(&[&photo, &changed]), "invalid").await;
        assert!(message.starts_with(start), "{message}");
    }
    refused(&mut ana, "chat:send", send(&[&photo; 11]), "invalid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_bucket_an_upload_is_refused_for_good() {
    let server = Server::start().await;
    let mut ana = server.connect("ana").await;
    let (_, channel) = server.room(&mut ana).await;
    let upload = json!({ "channel": channel, "name": "a.png", "mime": "image/png", "size_bytes": 1 });
    assert_eq!(refused(&mut ana, "chat:upload", upload, "invalid").await, "uploads are not configured");
}
