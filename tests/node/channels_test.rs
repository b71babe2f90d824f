//! Direct channels and bots, by real HTTP and real sockets.

use crate::support::node::{Running, SHOP};
use crate::support::socket::Socket;
use serde_json::{Value, json};

fn trade() -> Value {
    let users = json!([{ "id": "buyer", "name": "하나" }, { "id": "seller", "name": "두리" }]);
    json!({ "subject": "product-31", "name": "필름 카메라", "users": users, "metadata": { "state": "on_sale", "price": 52_000 } })
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn a_direct_channel_is_opened_once_whoever_is_named_first() {
    let node = Running::start(&[]).await;
    let opened = node.rest("POST", "/v1/direct-channels", trade()).await;
    assert_eq!(opened.status, 201, "{opened:?}");
    let direct = opened.json();
    assert_eq!((&direct["subject"], &direct["channel"]["metadata"]["state"]), (&json!("product-31"), &json!("on_sale")));
    let url = text(&direct["users"][0]["url"]);
    let page = format!("https://call.example.com/s/{}/{}#token=", text(&direct["channel"]["server"]), text(&direct["channel"]["id"]));
    assert!(url.starts_with(&page), "{url}");
    let mut turned = trade();
    turned["users"].as_array_mut().expect("two").reverse();
    turned["metadata"] = json!({ "state": "another" });
    let again = node.rest("POST", "/v1/direct-channels", turned).await;
    assert_eq!((again.status, &again.json()["channel"]), (200, &direct["channel"]), "it keeps what it has");
    let mut other = trade();
    other["subject"] = json!("product-32");
    assert_ne!(node.rest("POST", "/v1/direct-channels", other).await.json()["channel"]["id"], direct["channel"]["id"]);
}

#[tokio::test]
async fn both_see_at_once_what_a_backend_writes_and_changes() {
    let node = Running::start(&[]).await;
    let direct = node.rest("POST", "/v1/direct-channels", trade()).await.json();
    let channel = text(&direct["channel"]["id"]);
    let mut people = vec![];
    for user in direct["users"].as_array().expect("two") {
        let mut socket = Socket::connect(node.address, &text(&user["token"])).await.expect("let in");
        let listed = socket.request("server:list", json!({})).await.expect("answered");
        assert_eq!(listed["servers"][0]["info"]["subject"], "product-31", "{listed}");
        people.push(socket);
    }
    let patched = node.rest("PATCH", &format!("/v1/channels/{channel}"), json!({ "metadata": { "state": "reserved" } })).await;
    assert_eq!((patched.status, &patched.json()["metadata"]), (200, &json!({ "state": "reserved" })), "{patched:?}");
    let bot = json!({ "author": { "id": "bot", "name": "거래 도우미" }, "text": "예약되었어요" });
    let path = format!("/v1/channels/{channel}/messages");
    let headers = [("authorization", SHOP), ("content-type", "application/json"), ("idempotency-key", "reserved-31")];
    let posted = node.send("POST", &path, &headers, &bot.to_string()).await;
    assert_eq!(posted.status, 201, "{posted:?}");
    assert_eq!(node.send("POST", &path, &headers, &bot.to_string()).await.json(), posted.json(), "a retry");
    for socket in &mut people {
        assert_eq!(socket.event("channel:updated").await.expect("told")["channel"]["metadata"]["state"], "reserved");
        assert_eq!(socket.event("chat:message").await.expect("told")["message"]["text"], "예약되었어요");
    }
    let said = people[0].request("chat:send", json!({ "channel": channel, "nonce": "1", "text": "살게요" })).await.expect("answered");
    assert_eq!(said["message"]["seq"], 2, "{said}");
    let page = node.rest("GET", &format!("{path}?after=1"), Value::Null).await.json();
    assert_eq!((&page["messages"][0]["text"], &page["more"]), (&json!("살게요"), &json!(true)), "{page}");
    let gone = node.rest("DELETE", &format!("/v1/direct-channels/{channel}"), Value::Null).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert_eq!(people[1].event("server:deleted").await.expect("told")["reason"], "deleted");
    assert_eq!(node.rest("GET", &path, Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_direct_channel_is_its_backends_affair() {
    let node = Running::start(&[]).await;
    let direct = node.rest("POST", "/v1/direct-channels", trade()).await.json();
    let (server, channel) = (text(&direct["channel"]["server"]), text(&direct["channel"]["id"]));
    let mut buyer = Socket::connect(node.address, &text(&direct["users"][0]["token"])).await.expect("let in");
    buyer.request("server:list", json!({})).await.expect("answered");
    for (event, request) in [
        ("server:leave", json!({ "server": server })),
        ("server:delete", json!({ "server": server })),
        ("invite:create", json!({ "server": server })),
        ("channel:create", json!({ "server": server, "name": "x" })),
        ("channel:update", json!({ "server": server, "channel": channel, "name": "x" })),
        ("member:kick", json!({ "server": server, "user": "seller" })),
    ] {
        let refused = buyer.request(event, request).await.expect("answered");
        assert_eq!(refused["error"]["code"], "forbidden", "{event}: {refused}");
    }
}

#[tokio::test]
async fn wrong_requests_name_the_field() {
    let node = Running::start(&[]).await;
    let with = |field: &str, value: Value| {
        let mut body = trade();
        body[field] = value;
        body
    };
    let two = |a: &str, b: &str| json!([{ "id": a, "name": "a" }, { "id": b, "name": "b" }]);
    for (body, field) in [
        (with("subject", json!("")), "subject"),
        (with("name", json!(" ")), "name"),
        (with("users", two("same", "same")), "users"),
        (with("users", two("", "b")), "users[0].id"),
        (with("users", json!([])), "users"),
        (with("metadata", json!("on sale")), "metadata"),
        (with("colour", json!("red")), "colour"),
    ] {
        let refused = node.rest("POST", "/v1/direct-channels", body.clone()).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["field"]), (422, &json!(field)), "{body}: {refused:?}");
    }
    let large = with("metadata", json!({ "x": "y".repeat(9_000) }));
    assert_eq!(node.rest("POST", "/v1/direct-channels", large).await.json()["code"], "too_large");
    for path in ["/v1/channels/ch_none", "/v1/channels/ch_none/messages"] {
        assert_eq!(node.rest("GET", path, Value::Null).await.status, 404, "{path}");
    }
}
