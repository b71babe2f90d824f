//! A server, a network with faults, and stores on them.

mod link;
mod server;

pub use link::{Answered, Faults, Link};
pub use server::Server;

use rooms::store::{
    Access, ChannelKind, ChannelRecord, MemberRecord, MessageStore as _, NewMessage, Nonce, ServerKind, ServerRecord, ServerTree,
};
use rooms::view::{Audience, Cursor, Message};
use rooms::{ChannelId, MessageId, ServerId, User, UserId};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use zzan::store::dynamodb::{AccessKey, Credentials, DynamoDb, Settings};

/// How a store keeps nonces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Strict,
    Plain,
}

/// Settings for tables of their own on a server.
pub fn settings(endpoint: &str, mode: Mode) -> Settings {
    Settings {
        endpoint: Some(endpoint.to_owned()),
        region: "us-east-1".into(),
        table_prefix: rooms::random_id("test"),
        create_tables: true,
        strict: mode == Mode::Strict,
        credentials: Credentials::Key(AccessKey {
            access_key_id: "test".into(),
            secret_access_key: "test".to_owned().into(),
            session_token: None,
        }),
    }
}

/// A store on a server of its own, with a network between them.
pub async fn store(mode: Mode) -> (DynamoDb, Link, Server) {
    let server = Server::start().await;
    let link = Link::new(0);
    let store = DynamoDb::open_over(&settings(&server.endpoint, mode), link.client()).await.expect("it opens");
    (store, link, server)
}

pub fn user(id: &str) -> User {
    User { id: UserId::new(id), name: id.into() }
}

pub fn message(channel: &str, author: &str, nonce: &str) -> NewMessage {
    NewMessage {
        id: MessageId::new(rooms::random_id("msg")),
        channel: ChannelId::new(channel),
        author: user(author),
        nonce: Nonce(nonce.into()),
        text: format!("text of {nonce}"),
        sent_at: SystemTime::now(),
        reply_to: None,
        mentions: Vec::<Audience>::new(),
        attachments: vec![],
    }
}

/// Appends, again and again with the same nonce while it fails. Returns the number.
pub async fn append_until_acked(stores: &[&DynamoDb], new: NewMessage) -> u64 {
    for store in stores.iter().cycle().take(60) {
        // As a client that sends anew: another id, the same nonce.
        let again = NewMessage { id: MessageId::new(rooms::random_id("msg")), ..new.clone() };
        match tokio::time::timeout(Duration::from_secs(8), store.append(again)).await.expect("it is bounded") {
            Ok(appended) => return appended.message.seq,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    panic!("{:?} was never acknowledged", new.nonce);
}

/// All messages of a channel.
pub async fn all(store: &DynamoDb, channel: &str) -> Vec<Message> {
    let (mut messages, mut after) = (Vec::new(), 0);
    loop {
        let page = store.history(&ChannelId::new(channel), Cursor::After(after), 100).await.expect("read");
        after += page.messages.len() as u64;
        messages.extend(page.messages);
        if !page.newer {
            return messages;
        }
    }
}

/// The prefix of the tables that a server has.
pub async fn prefix_of(endpoint: &str) -> String {
    let tables = client(endpoint).list_tables().send().await.expect("listed").table_names.unwrap_or_default();
    tables[0].rsplit_once('_').expect("a prefix").0.to_owned()
}

/// A client without the store.
pub fn client(endpoint: &str) -> aws_sdk_dynamodb::Client {
    let credentials = aws_sdk_dynamodb::config::Credentials::new("test", "test", None, None, "test");
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::v2026_01_12())
        .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(credentials)
        .http_client(Link::new(0).client());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// A server with some text channels, called by numbers.
pub fn tree(id: &str, channels: usize) -> ServerTree {
    let at = SystemTime::UNIX_EPOCH;
    let (kind, owner) = (ServerKind::Community, Some(UserId::new("owner")));
    let server = ServerRecord { id: ServerId::new(id), kind, name: id.into(), image_url: None, owner, created_at: at };
    let channels = (0..channels).map(|n| channel(&format!("{id} {n}"), n)).map(|channel| (channel.id.clone(), channel)).collect();
    ServerTree { server, roles: BTreeMap::new(), categories: BTreeMap::new(), channels, version: 1 }
}

pub fn channel(id: &str, position: usize) -> ChannelRecord {
    ChannelRecord {
        id: ChannelId::new(id),
        category: None,
        kind: ChannelKind::Text,
        name: id.into(),
        position: u32::try_from(position).expect("few"),
        access: Access::open(0),
        slow_mode: None,
        metadata: None,
        created_at: SystemTime::UNIX_EPOCH,
    }
}

pub fn member(server: &str, name: &str) -> MemberRecord {
    let (server, user) = (ServerId::new(server), user(name));
    MemberRecord { server, user, nickname: None, roles: vec![], joined_at: SystemTime::UNIX_EPOCH, since: BTreeMap::new() }
}
