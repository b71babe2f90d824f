//! zzan's side: the signaling of a node on a memory store, served in a process of its own. The members of its one community are there before
//! the first of them connects.

use crate::crowd::member;
use rooms::community::{CreateServer, DefaultNames, NewInvite};
use rooms::session::{Grants, SessionHandle};
use rooms::store::{MemoryStore, Nonce};
use rooms::{Hub, LeaveReason, SessionId, User, UserId};
use signaling::listener::{self, Listener};
use signaling::token::{Key, Keys};
use signaling::{Config, Limits, Origins, Service};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// As the other server's, so that heartbeats cost both the same.
const PING_INTERVAL: Duration = Duration::from_secs(25);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Signs the tokens of the readers.
pub fn key() -> anyhow::Result<Key> {
    Ok(Key::new("bench", "bench-secret-bench-secret-bench-secret")?)
}

/// Somebody who enters the community and doesn't listen to it.
async fn enter(hub: &Hub, index: usize, secret: &str) -> anyhow::Result<()> {
    let user = User { id: UserId::new(member(index)), name: member(index) };
    let (session, _outbox) = SessionHandle::new(SessionId::new(member(index)), user, Grants::User);
    hub.session_began(&session);
    hub.accept_invite(&session, secret).await?;
    hub.session_ended(&session.id, LeaveReason::Left).await;
    Ok(())
}

/// A server with so many members beside its owner.
async fn found(hub: &Hub, members: usize) -> anyhow::Result<()> {
    let owner = User { id: UserId::new("owner"), name: "owner".to_owned() };
    let (session, _outbox) = SessionHandle::new(SessionId::new("owner"), owner, Grants::User);
    hub.session_began(&session);
    let [text_category, text_channel, voice_category, voice_channel] = ["texts", "text", "voices", "voice"].map(str::to_owned);
    let defaults = DefaultNames { text_category, text_channel, voice_category, voice_channel };
    let nonce = Nonce("bench".to_owned());
    let server = hub.create_server(&session, CreateServer { name: "bench".to_owned(), image_url: None, nonce, defaults }).await?;
    let invite = hub.create_invite(&session, &server.tree.server.id, NewInvite { role: None, ttl: None, max_uses: None }).await?;
    for index in 0..members {
        enter(hub, index, &invite.secret).await?;
    }
    hub.session_ended(&session.id, LeaveReason::Left).await;
    Ok(())
}

/// Prints its port and serves until the process is ended.
pub async fn serve(members: usize) -> anyhow::Result<()> {
    let many = NonZeroU32::MAX;
    let limits = Limits {
        connects_per_s: many,
        connects_burst: many,
        sockets_per_ip: 100_000,
        events_per_s: many,
        events_burst: many,
        spare_loopback: true,
    };
    let origins = Origins { allowed: vec![], loopback: true };
    let config = Config { limits, origins, ping_interval: PING_INTERVAL, ping_timeout: PING_TIMEOUT, ..Config::default() };
    let (media, _workers) = media::start(&media::Config::default())?;
    let rooms = rooms::Config { chat_rate: None, ..rooms::Config::default() };
    let hub = Hub::start(rooms, Arc::new(MemoryStore::new()), media).await?;
    found(&hub, members).await?;
    let service = Service::start(config, hub, Keys::new([key()?]));
    let stall_timeout = PING_INTERVAL + PING_TIMEOUT;
    let listener = Listener::bind("127.0.0.1:0".parse()?, listener::Config { stall_timeout, ..listener::Config::default() }).await?;
    println!("{}", listener.local_addr()?.port());
    listener.serve(service.router(), CancellationToken::new(), Duration::ZERO).await;
    Ok(())
}
