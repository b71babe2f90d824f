//! Servers over the wire: what their members are asked, told and refused.

use crate::harness::Server;
use crate::socket::{Socket, chat};
use serde_json::{Value, json};

/// A server of ana's that bo is a member of: (ana, bo, server's id, text channel's id, voice channel's id).
pub async fn community(node: &Server) -> (Socket, Socket, String, String, String) {
    let mut ana = node.connect("ana").await;
    let mut bo = node.connect("bo").await;
    let created = ana.ask("server:create", json!({ "name": "술친구", "nonce": "n1" })).await;
    assert_eq!(created["ok"], true, "{created}");
    let server = text(&created["server"]["info"]["id"]);
    let channel = |kind: &str| {
        let channels = created["server"]["channels"].as_array().unwrap();
        text(&channels.iter().find(|channel| channel["kind"] == kind).unwrap()["id"])
    };
    let (written, spoken) = (channel("text"), channel("voice"));
    let invite = ana.ask("invite:create", json!({ "server": server, "max_uses": 1 })).await;
    let accepted = bo.ask("invite:accept", json!({ "secret": invite["secret"] })).await;
    assert_eq!(accepted["ok"], true, "{accepted}");
    ana.event("member:joined").await;
    ana.event("presence:changed").await;
    (ana, bo, server, written, spoken)
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub fn code(ack: &Value) -> &str {
    ack["error"]["code"].as_str().unwrap_or("ok")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_begins_with_roles_categories_and_channels() {
    let node = Server::start().await;
    let mut ana = node.connect("ana").await;
    let names = json!({ "text_category": "채팅 채널", "text_channel": "일반", "voice_category": "음성 채널", "voice_channel": "음성" });
    let created = ana.ask("server:create", json!({ "name": " 술친구 ", "nonce": "n1", "defaults": names })).await;
    let server = &created["server"];
    assert_eq!((&server["info"]["name"], &server["info"]["owner"]), (&json!("술친구"), &json!("ana")));
    let kinds: Vec<&Value> = server["roles"].as_array().unwrap().iter().map(|role| &role["kind"]).collect();
    assert_eq!(kinds, ["admin", "moderator", "member", "guest"]);
    let named = |list: &str| server[list].as_array().unwrap().iter().map(|one| text(&one["name"])).collect::<Vec<_>>();
    assert_eq!(named("categories"), ["채팅 채널", "음성 채널"]);
    assert_eq!(named("channels"), ["일반", "음성"]);
    assert_eq!(server["me"]["permissions"].as_array().unwrap().len(), 16);
    assert_eq!(server["me"]["user"], json!({ "id": "ana", "name": "ana's name" }));
    let again = ana.ask("server:create", json!({ "name": "another", "nonce": "n1" })).await;
    assert_eq!(again["server"]["info"], server["info"], "the same nonce makes one server");
    let listed = ana.ask("server:list", json!({})).await;
    assert_eq!(listed["servers"].as_array().unwrap().len(), 1);
    assert_eq!(listed["servers"][0], *server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_counts_as_unread_for_the_others_until_one_of_their_devices_reads_it() {
    let node = Server::start().await;
    let (mut ana, mut bo, server, channel, _) = community(&node).await;
    let mut phone = node.connect("bo").await;
    assert_eq!(phone.ask("server:list", json!({})).await["servers"][0]["unread"][0]["unread"], 0);
    for n in 0..3 {
        let sent = ana.ask("chat:send", chat(&channel, &format!("message {n}"))).await;
        assert_eq!(sent["ok"], true, "{sent}");
    }
    for n in 1..=3 {
        assert_eq!(bo.event("chat:message").await["message"]["seq"], n);
    }
    let unread = |answer: Value| answer["unread"].as_array().unwrap().iter().find(|unread| unread["channel"] == channel).unwrap().clone();
    let of_bo = unread(bo.ask("unread:list", json!({ "server": server })).await);
    assert_eq!(of_bo, json!({ "channel": channel, "head_seq": 3, "read_seq": 0, "unread": 3, "mentions": 0 }));
    assert_eq!(unread(ana.ask("unread:list", json!({ "server": server })).await)["unread"], 0, "one's own are read");
    let read = phone.ask("chat:read", json!({ "channel": channel, "seq": 2 })).await;
    assert_eq!((&read["unread"]["read_seq"], &read["unread"]["unread"]), (&json!(2), &json!(1)));
    assert_eq!(bo.event("unread:changed").await["unread"], read["unread"], "the other device agrees");
    let marked = bo.ask("chat:unread", json!({ "channel": channel, "seq": 1 })).await;
    assert_eq!(marked["unread"]["unread"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_server_of_a_user_is_told_to_all_its_devices() {
    let node = Server::start().await;
    let mut ana = node.connect("ana").await;
    let mut phone = node.connect("ana").await;
    assert_eq!(phone.ask("server:list", json!({})).await["servers"], json!([]));
    let created = ana.ask("server:create", json!({ "name": "술친구", "nonce": "n1" })).await;
    assert_eq!(phone.event("server:added").await["server"]["info"], created["server"]["info"]);
    let channel = text(&created["server"]["channels"][0]["id"]);
    ana.ask("chat:send", chat(&channel, "cheers")).await;
    assert_eq!(phone.event("chat:message").await["message"]["text"], "cheers");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_roles_allow_is_asked_at_every_event() {
    let node = Server::start().await;
    let (mut ana, mut bo, server, channel, _) = community(&node).await;
    assert_eq!(code(&bo.ask("channel:create", json!({ "server": server, "name": "x" })).await), "forbidden");
    assert_eq!(code(&bo.ask("server:delete", json!({ "server": server })).await), "forbidden");
    assert_eq!(code(&bo.ask("member:kick", json!({ "server": server, "user": "ana" })).await), "forbidden");
    let sent = ana.ask("chat:send", chat(&channel, "ana's")).await;
    assert_eq!(code(&bo.ask("chat:delete", json!({ "channel": channel, "seq": sent["message"]["seq"] })).await), "forbidden");
    let roles = ana.ask("server:list", json!({})).await["servers"][0]["roles"].clone();
    let moderator = roles.as_array().unwrap().iter().find(|role| role["kind"] == "moderator").unwrap()["id"].clone();
    let promoted = ana.ask("member:update", json!({ "server": server, "user": "bo", "roles": [moderator] })).await;
    assert_eq!(promoted["ok"], true, "{promoted}");
    assert_eq!(bo.event("member:updated").await["member"]["roles"], json!([moderator]));
    assert_eq!(code(&bo.ask("chat:delete", json!({ "channel": channel, "seq": sent["message"]["seq"] })).await), "ok");
    let unknown = json!({ "server": server, "user": "bo", "roles": ["role_none"] });
    assert_eq!(code(&ana.ask("member:update", unknown).await), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_finds_nothing_and_nothing_that_is_not_there_looks_different() {
    let node = Server::start().await;
    let (_ana, _bo, server, channel, voice) = community(&node).await;
    let mut cy = node.connect("cy").await;
    for event in ["server:delete", "server:leave", "member:list", "member:bans", "invite:list", "unread:list"] {
        let foreign = cy.ask(event, json!({ "server": server })).await;
        assert_eq!(code(&foreign), "not_found", "{event}");
        assert_eq!(foreign, cy.ask(event, json!({ "server": "srv_none" })).await, "{event}");
    }
    for (event, foreign) in [("chat:send", &channel), ("chat:history", &channel), ("chat:read", &channel), ("channel:open", &voice)] {
        let ask = |channel: &str| json!({ "channel": channel, "seq": 1, "nonce": "n", "text": "x" });
        let refused = cy.ask(event, ask(foreign)).await;
        assert_eq!(code(&refused), "not_found", "{event}");
        assert_eq!(refused, cy.ask(event, ask("ch_none")).await, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_is_told_nothing_more_and_who_is_banned_stays_out() {
    let node = Server::start().await;
    let (mut ana, mut bo, server, channel, _) = community(&node).await;
    let invite = ana.ask("invite:create", json!({ "server": server })).await;
    assert_eq!(ana.ask("member:ban", json!({ "server": server, "user": "bo", "reason": "스팸" })).await["ok"], true);
    assert_eq!(bo.event("server:deleted").await, json!({ "server": server, "reason": "banned" }));
    assert_eq!(ana.event("member:left").await["user"], "bo");
    ana.ask("chat:send", chat(&channel, "among us")).await;
    assert_eq!(code(&bo.ask("chat:history", json!({ "channel": channel })).await), "not_found");
    assert_eq!(code(&bo.ask("invite:accept", json!({ "secret": invite["secret"] })).await), "forbidden");
    let bans = ana.ask("member:bans", json!({ "server": server })).await;
    assert_eq!((&bans["bans"][0]["user"]["id"], &bans["bans"][0]["reason"]), (&json!("bo"), &json!("스팸")));
    assert_eq!(ana.ask("member:unban", json!({ "server": server, "user": "bo" })).await["ok"], true);
    assert_eq!(code(&bo.ask("invite:accept", json!({ "secret": invite["secret"] })).await), "ok");
    assert_eq!(bo.waiting_event("chat:message"), None, "what was said without bo");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_channel_opens_one_call_and_its_server_sees_who_is_in() {
    let node = Server::start().await;
    let (mut ana, mut bo, server, _, voice) = community(&node).await;
    let opened = bo.ask("channel:open", json!({ "channel": voice })).await;
    assert_eq!(opened, ana.ask("channel:open", json!({ "channel": voice })).await);
    let joined = bo.ask("room:join", json!({ "room": opened["room"] })).await;
    assert_eq!(joined["ok"], true, "{joined}");
    let seen = ana.event("voice:changed").await;
    assert_eq!(seen["voice"], json!({ "channel": voice, "people": [{ "id": "bo", "name": "bo's name" }] }));
    let mut cy = node.connect("cy").await;
    assert_eq!(code(&cy.ask("room:join", json!({ "room": opened["room"] })).await), "not_found");
    assert_eq!(ana.ask("member:kick", json!({ "server": server, "user": "bo" })).await["ok"], true);
    assert_eq!(bo.event("room:closed").await["reason"], "kicked");
    assert_eq!(ana.event("voice:changed").await["voice"]["people"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_is_listed_by_time_and_told_to_all() {
    let node = Server::start().await;
    let (mut ana, mut bo, server, _, _) = community(&node).await;
    let new = json!({ "server": server, "title": "건배", "starts_at": "2030-01-02T12:00:00+09:00", "remind_before_s": 600 });
    let made = bo.ask("schedule:create", new).await;
    assert_eq!(made["schedule"]["starts_at"], "2030-01-02T03:00:00Z", "{made}");
    assert_eq!(made["schedule"]["remind_at"], "2030-01-02T02:50:00Z");
    assert_eq!(ana.event("schedule:changed").await["schedule"], made["schedule"]);
    let range = |from: &str, to: &str| json!({ "server": server, "from": from, "to": to });
    let listed = ana.ask("schedule:list", range("2030-01-01T00:00:00Z", "2030-02-01T00:00:00Z")).await;
    assert_eq!(listed["schedules"], json!([made["schedule"]]));
    assert_eq!(ana.ask("schedule:list", range("2030-01-03T00:00:00Z", "2030-02-01T00:00:00Z")).await["schedules"], json!([]));
    let refused = ana.ask("schedule:list", range("tomorrow", "2030-02-01T00:00:00Z")).await;
    assert!(text(&refused["error"]["message"]).starts_with("from: "), "{refused}");
    let gone = ana.ask("schedule:delete", json!({ "server": server, "id": made["schedule"]["id"] })).await;
    assert_eq!(gone["ok"], true, "{gone}");
    assert_eq!(bo.event("schedule:deleted").await["id"], made["schedule"]["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_note_is_live_to_everyone_and_read_again_later() {
    let node = Server::start().await;
    let (mut ana, mut bo, _, _, voice) = community(&node).await;
    let started = ana.ask("note:start", json!({ "channel": voice, "name": "주간 회의" })).await;
    assert_eq!(bo.event("note:started").await, json!({ "note": started["note"] }));
    assert_eq!(code(&bo.ask("note:start", json!({ "channel": voice, "name": "another" })).await), "conflict");
    let note = &started["note"]["id"];
    let say = |nonce: &str, text: &str| json!({ "channel": voice, "note": note, "nonce": nonce, "text": text });
    let said = bo.ask("note:append", say("1", "다음 주에 만나요")).await;
    assert_eq!((&said["line"]["seq"], &said["line"]["speaker"]["id"]), (&json!(1), &json!("bo")), "{said}");
    assert_eq!(bo.ask("note:append", say("1", "다음 주에 만나요")).await, said, "a retry adds nothing");
    ana.ask("note:append", say("2", "*좋아요*")).await;
    let appended = ana.event("note:appended").await;
    assert_eq!(appended, json!({ "channel": voice, "note": note, "line": said["line"] }));
    let ended = ana.ask("note:end", json!({ "channel": voice, "note": note })).await;
    assert_eq!(bo.event("note:ended").await, json!({ "note": ended["note"] }));
    assert_eq!(code(&bo.ask("note:append", say("3", "too late")).await), "not_found");
    let listed = bo.ask("note:list", json!({ "channel": voice })).await;
    assert_eq!(listed["notes"], json!([ended["note"]]));
    let read = bo.ask("note:get", json!({ "channel": voice, "note": note, "after": 1 })).await;
    assert_eq!((&read["note"]["lines"], &read["lines"][0]["text"]), (&json!(2), &json!("*좋아요*")), "{read}");
    let exported = bo.ask("note:export", json!({ "channel": voice, "note": note, "format": "markdown" })).await;
    assert_eq!(exported["text"], "# 주간 회의\n\n**bo\\'s name**: 다음 주에 만나요\n\n**ana\\'s name**: \\*좋아요\\*\n\n");
    let mut cy = node.connect("cy").await;
    assert_eq!(code(&cy.ask("note:list", json!({ "channel": voice })).await), "not_found");
}
