//! Invitations by mail, from a socket to a mail server and back by the link.

use crate::support::node::Running;
use crate::support::process::Process;
use crate::support::smtp::{Security, certificate, decoded, mail_server};
use crate::support::socket::Socket;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// A node that sends mail through `server`, and a guest with a server of its own.
async fn node(server: SocketAddr) -> (Running, Socket, Value) {
    let (host, port) = (server.ip().to_string(), server.port().to_string());
    let settings = [
        ("smtp.host", host.as_str()),
        ("smtp.port", port.as_str()),
        ("smtp.tls", "none"),
        ("smtp.username", "zzan"),
        ("smtp.password", "mail secret"),
        ("smtp.from", "zzan <no-reply@example.com>"),
    ];
    let node = Running::start(&settings).await;
    let mut ana = guest(&node, "하나").await;
    let created = ana.request("server:create", json!({ "name": "술친구", "nonce": "n" })).await.expect("answered");
    let id = created["server"]["info"]["id"].clone();
    (node, ana, id)
}

async fn guest(node: &Running, name: &str) -> Socket {
    let guest = node.public("/v1/guests", json!({ "name": name })).await.json();
    Socket::connect(node.address, guest["token"].as_str().expect("a token")).await.expect("connected")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailed_link_lets_its_reader_in_once() {
    let (address, served) = mail_server(Security::None, "250 ok").await;
    let (node, mut ana, id) = node(address).await;
    let mailed = ana.request("invite:email", json!({ "server": id, "email": "bo@example.com" })).await.expect("answered");
    assert_eq!((&mailed["ok"], &mailed["invite"]["max_uses"]), (&json!(true), &json!(1)), "{mailed}");
    let heard = served.await.expect("served");
    assert_eq!(heard.commands[0], "EHLO call.example.com");
    assert!(heard.commands[1].starts_with("AUTH PLAIN "), "{heard:?}");
    assert!(heard.commands[2].starts_with("MAIL FROM:<no-reply@example.com>"), "{heard:?}");
    assert_eq!(heard.commands[3], "RCPT TO:<bo@example.com>");
    let head = heard.mail.join("\n");
    assert!(head.contains("To: bo@example.com") && head.contains("From: zzan <no-reply@example.com>"), "{head}");
    let text = decoded(&heard.mail);
    assert!(text.contains("하나님이 술친구 서버에 초대했습니다") && text.contains("하나 invites you to the server 술친구"), "{text}");
    let link = text.lines().find(|line| line.starts_with("https://call.example.com/i/")).expect("a link");
    let secret = link.trim().rsplit('/').next().expect("a secret");
    let mut bo = guest(&node, "보").await;
    let entered = bo.request("invite:accept", json!({ "secret": secret })).await.expect("answered");
    assert_eq!(entered["server"]["info"]["id"], id, "{entered}");
    let mut cy = guest(&node, "시").await;
    let used_up = cy.request("invite:accept", json!({ "secret": secret })).await.expect("answered");
    assert_eq!(used_up["error"]["code"], "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_refused_is_told_from_a_server_that_fails() {
    for (answer, code) in [("550 no such user", "invalid"), ("451 later", "unavailable"), ("535 who are you", "unavailable")] {
        let (address, served) = mail_server(Security::None, answer).await;
        let (_node, mut ana, id) = node(address).await;
        let refused = ana.request("invite:email", json!({ "server": id, "email": "bo@example.com" })).await.expect("answered");
        assert_eq!(refused["error"]["code"], code, "{refused}");
        assert!(served.await.expect("served").mail.is_empty());
        let left = ana.request("invite:list", json!({ "server": id })).await.expect("answered");
        assert_eq!(left["invites"], json!([]), "a link that nobody has is revoked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_address_reaches_no_mail_server() {
    let (address, served) = mail_server(Security::None, "250 ok").await;
    let (_node, mut ana, id) = node(address).await;
    for wrong in ["bo@", "bo", "bo @example.com", "bo@example.com>\r\nRCPT TO:<all@example.com", "bo@@example.com", ""] {
        let refused = ana.request("invite:email", json!({ "server": id, "email": wrong })).await.expect("answered");
        assert_eq!(refused["error"]["code"], "invalid", "{wrong:?}: {refused}");
    }
    assert!(!served.is_finished(), "nobody has connected");
    served.abort();
    let gone = ana.request("invite:email", json!({ "server": id, "email": "bo@example.com" })).await.expect("answered");
    assert_eq!(gone["error"]["code"], "unavailable", "{gone}");
}

/// The password and the mail go encrypted to a server that the machine's certificates know, and nothing goes to another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_goes_encrypted_to_a_known_server_and_to_no_other() {
    for tls in ["starttls", "tls"] {
        for is_known in [true, false] {
            let dir = tempfile::tempdir().expect("a directory");
            let ((acceptor, pem), (_, other_pem)) = (certificate(), certificate());
            let security = if tls == "tls" { Security::Tls(acceptor) } else { Security::Starttls(acceptor) };
            let (address, served) = mail_server(security, "250 ok").await;
            let roots = dir.path().join("roots.pem");
            std::fs::write(&roots, if is_known { pem } else { other_pem }).expect("written");
            let (host, port) = (address.ip().to_string(), address.port().to_string());
            let env = [
                ("SSL_CERT_FILE", roots.to_str().expect("a name")),
                ("ZZAN_SMTP_HOST", &host),
                ("ZZAN_SMTP_PORT", &port),
                ("ZZAN_SMTP_TLS", tls),
                ("ZZAN_SMTP_USERNAME", "zzan"),
                ("ZZAN_SMTP_PASSWORD", "mail secret"),
                ("ZZAN_SMTP_FROM", "no-reply@example.com"),
            ];
            let process = Process::start(dir.path(), &env).await;
            let mut ana = Socket::connect(process.address, &process.guest("하나").await).await.expect("connected");
            let created = ana.request("server:create", json!({ "name": "술친구", "nonce": "n" })).await.expect("answered");
            let invited = json!({ "server": created["server"]["info"]["id"], "email": "bo@example.com" });
            let mailed = ana.request("invite:email", invited).await.expect("answered");
            let heard = served.await.expect("served");
            if is_known {
                assert_eq!(mailed["ok"], true, "{tls}: {mailed}");
                assert!(heard.commands[1].starts_with("AUTH PLAIN "), "{tls}: {heard:?}");
                assert!(decoded(&heard.mail).contains("술친구"), "{tls}: {heard:?}");
            } else {
                assert_eq!(mailed["error"]["code"], "unavailable", "{tls}: {mailed}");
                assert!(heard.commands.is_empty(), "{tls}: {heard:?}");
            }
        }
    }
}
