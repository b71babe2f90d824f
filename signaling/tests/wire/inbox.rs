//! Inboxes and invitations to people over the wire: what their owners are asked, told and refused.

use crate::community::{code, community, text};
use crate::harness::Server;
use crate::socket::chat;
use serde_json::{Value, json};

async fn notice(node: &Server, user: &str, title: &str) -> String {
    let notice = rooms::store::Notice { title: title.into(), body: "b".into(), url: None, data: Some(r#"{"order":7}"#.into()) };
    let notice = rooms::inbox::BackendNotice { backend: "shop".into(), user: rooms::UserId::new(user), notice, key: None };
    node.hub.notify_as_backend(notice).await.unwrap().id.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_comes_once_to_every_device_and_is_listed_afterwards() {
    let node = Server::start().await;
    let (mut phone, mut laptop) = (node.connect("ana").await, node.connect("ana").await);
    let mut ids = vec![];
    for n in 1..=3 {
        ids.push(notice(&node, "ana", &format!("t{n}")).await);
        let told = phone.event("notification:new").await;
        assert_eq!(told, laptop.event("notification:new").await);
        assert_eq!(
            (&told["unread"], &told["notification"]["seq"], &told["notification"]["id"]),
            (&json!(n), &json!(n), &json!(ids[n - 1]))
        );
        let about = json!({ "kind": "backend", "title": format!("t{n}"), "body": "b", "data": { "order": 7 } });
        assert_eq!((&told["notification"]["about"], &told["notification"]["read"]), (&about, &json!(false)));
    }
    let listed = laptop.ask("notification:list", json!({ "before": 3, "limit": 1 })).await;
    let expected = (&json!(true), &json!(true), &json!(3), &json!(3));
    assert_eq!((&listed["more"], &listed["newer"], &listed["head_seq"], &listed["unread"]), expected, "{listed}");
    assert_eq!(listed["notifications"][0]["seq"], 2);
    let after = laptop.ask("notification:list", json!({ "after": 1 })).await;
    assert_eq!(after["notifications"].as_array().unwrap().iter().map(|one| &one["seq"]).collect::<Vec<_>>(), [2, 3]);
    let read = phone.ask("notification:read", json!({ "ids": [ids[1]] })).await;
    assert_eq!(read, json!({ "ok": true, "unread": 2 }));
    assert_eq!(laptop.event("notification:read").await, json!({ "ids": [ids[1]], "unread": 2 }));
    laptop.ask("notification:read", json!({ "up_to": 3 })).await;
    phone.event("notification:read").await;
    assert_eq!(phone.event("notification:read").await, json!({ "up_to": 3, "unread": 0 }));
    assert_eq!((phone.waiting_event("notification:new"), laptop.waiting_event("notification:new")), (None, None), "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_another_user_is_not_found_and_malformed_requests_name_the_field() {
    let node = Server::start().await;
    let (mut ana, mut bo) = (node.connect("ana").await, node.connect("bo").await);
    let hers = notice(&node, "ana", "t").await;
    let foreign = bo.ask("notification:read", json!({ "ids": [hers] })).await;
    assert_eq!(code(&foreign), "not_found");
    assert_eq!(foreign, bo.ask("notification:read", json!({ "ids": ["ntf_none"] })).await);
    let answer = |id: &str| json!({ "notification": id, "accept": true });
    assert_eq!(bo.ask("invite:answer", answer(&hers)).await, bo.ask("invite:answer", answer("ntf_none")).await);
    assert_eq!(bo.ask("notification:list", json!({})).await["notifications"], json!([]));
    for (event, payload, field) in [
        ("notification:read", json!({}), "ids: "),
        ("notification:read", json!({ "ids": [], "up_to": 1 }), "up_to: "),
        ("notification:list", json!({ "before": 1, "after": 1 }), "after: "),
        ("notification:list", json!({ "limit": 101 }), "limit: "),
        ("invite:user", json!({ "server": "s", "user": 7 }), "user: "),
    ] {
        let refused = ana.ask(event, payload).await;
        assert_eq!(code(&refused), "invalid", "{event}");
        assert!(text(&refused["error"]["message"]).starts_with(field), "{refused}");
    }
    assert_eq!(ana.ask("notification:list", json!({})).await["unread"], 1, "nobody has read it");
}

#[tokio::test(flavor = "multi_thread")]
async fn mentions_and_answers_in_a_channel_come_to_whom_they_concern() {
    let node = Server::start().await;
    let (mut ana, mut bo, server, channel, _) = community(&node).await;
    let mentioned = ana.ask("chat:send", chat(&channel, "<@bo> 짠")).await;
    let told = bo.event("notification:new").await["notification"].clone();
    let by = json!({ "id": "ana", "name": "ana's name" });
    let about =
        |kind: &str, seq: &Value, by: &Value| json!({ "kind": kind, "server": server, "channel": channel, "message_seq": seq, "by": by });
    assert_eq!(told["about"], about("mention", &mentioned["message"]["seq"], &by));
    let answer = json!({ "channel": channel, "nonce": "n", "text": "건배", "reply_to": mentioned["message"]["seq"] });
    let answered = bo.ask("chat:send", answer.clone()).await;
    let told = ana.event("notification:new").await["notification"].clone();
    let by = json!({ "id": "bo", "name": "bo's name" });
    assert_eq!(told["about"], about("reply", &answered["message"]["seq"], &by));
    bo.ask("chat:send", answer).await;
    ana.ask("chat:send", chat(&channel, "<@everyone> <@ana>")).await;
    ana.ask("chat:send", chat(&channel, "<@bo>")).await;
    bo.event("notification:new").await;
    let listed = ana.ask("notification:list", json!({})).await;
    assert_eq!(listed["notifications"].as_array().unwrap().len(), 1, "a retry and oneself are nothing new: {listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_user_accepts_or_declines_in_the_inbox() {
    let node = Server::start().await;
    let (mut ana, _bo, server, _, _) = community(&node).await;
    let (mut cy, mut dan) = (node.connect("cy").await, node.connect("dan").await);
    for user in ["cy", "dan"] {
        assert_eq!(ana.ask("invite:user", json!({ "server": server, "user": user })).await, json!({ "ok": true }));
    }
    assert_eq!(code(&ana.ask("invite:user", json!({ "server": server, "user": "bo" })).await), "conflict", "a member");
    assert_eq!(code(&cy.ask("invite:user", json!({ "server": server, "user": "dan" })).await), "not_found", "no member");
    let received = cy.event("invite:received").await["notification"].clone();
    assert_eq!(cy.event("notification:new").await["notification"], received);
    assert_eq!((&received["about"]["kind"], &received["about"]["state"]), (&json!("server_invite"), &json!("open")));
    let accepted = cy.ask("invite:answer", json!({ "notification": received["id"], "accept": true })).await;
    assert_eq!(accepted["server"]["info"]["id"], json!(server), "{accepted}");
    assert_eq!(ana.event("member:joined").await["member"]["user"]["id"], "cy");
    let updated = cy.event("notification:updated").await;
    assert_eq!((&updated["notification"]["about"]["state"], &updated["unread"]), (&json!("accepted"), &json!(0)));
    let received = dan.event("invite:received").await["notification"].clone();
    let declined = dan.ask("invite:answer", json!({ "notification": received["id"], "accept": false })).await;
    assert_eq!(declined, json!({ "ok": true }));
    let members = ana.ask("member:list", json!({ "server": server })).await;
    assert_eq!(members["members"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_banned_after_the_invitation_does_not_come_in() {
    let node = Server::start().await;
    let (mut ana, _bo, server, _, _) = community(&node).await;
    let mut cy = node.connect("cy").await;
    ana.ask("invite:user", json!({ "server": server, "user": "cy" })).await;
    let received = cy.event("invite:received").await["notification"].clone();
    assert_eq!(ana.ask("member:ban", json!({ "server": server, "user": "cy" })).await["ok"], true);
    let refused = cy.ask("invite:answer", json!({ "notification": received["id"], "accept": true })).await;
    assert_eq!(code(&refused), "forbidden");
    assert_eq!(code(&ana.ask("invite:user", json!({ "server": server, "user": "cy" })).await), "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_invites_into_the_inbox_and_mail_needs_a_mail_server() {
    let node = Server::start().await;
    let (mut ana, _bo, server, _, _) = community(&node).await;
    let mut cy = node.connect("cy").await;
    let (room, _) = node.room(&mut ana).await;
    assert_eq!(ana.ask("room:invite", json!({ "room": room, "user": "cy" })).await, json!({ "ok": true }));
    let about = json!({ "kind": "room_invite", "room": room, "name": "r", "by": { "id": "ana", "name": "ana's name" } });
    assert_eq!(cy.event("notification:new").await["notification"]["about"], about);
    assert_eq!(code(&cy.ask("room:invite", json!({ "room": room, "user": "dan" })).await), "not_found", "who isn't in it");
    let mailed = ana.ask("invite:email", json!({ "server": server, "email": "dan@example.com" })).await;
    assert_eq!((code(&mailed), text(&mailed["error"]["message"]).as_str()), ("conflict", "mail is not configured"));
}
