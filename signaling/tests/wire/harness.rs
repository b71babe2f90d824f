//! A signaling server on a free port of this machine, and the tokens to use it.

use crate::socket::{Socket, chat};
use rooms::session::Grants;
use rooms::store::MemoryStore;
use rooms::{Hub, User, UserId};
use serde_json::{Value, json};
use signaling::listener::{self, Listener};
use signaling::token::{Key, Keys, Subject};
use signaling::{Config, Limits, Origins, Service};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;

/// Generous: only a failing test waits this long.
pub const SOON: Duration = Duration::from_secs(20);

/// A running server. Stops when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    pub service: Service,
    pub hub: Hub,
    key: Key,
    stop: CancellationToken,
    _media: media::Workers,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// As the defaults, without the limits that many clients on one machine would meet.
pub fn roomy() -> Config {
    let many = NonZeroU32::new(1_000_000).unwrap();
    let limits = Limits {
        connects_per_s: many,
        connects_burst: many,
        sockets_per_ip: 100_000,
        events_per_s: many,
        events_burst: many,
        spare_loopback: false,
    };
    let origins = Origins { allowed: vec!["https://shop.example".into()], loopback: false };
    Config { limits, origins, ..Config::default() }
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(roomy()).await
    }

    pub async fn start_with(config: Config) -> Self {
        Self::start_all(config, rooms::Config { chat_rate: None, ..rooms::Config::default() }).await
    }

    pub async fn start_all(config: Config, rooms: rooms::Config) -> Self {
        let (media, workers) = media::start(&media::Config::default()).unwrap();
        let hub = Hub::start(rooms, Arc::new(MemoryStore::new()), media).await.unwrap();
        let key = Key::new("test", "test-secret-test-secret-test-secret").unwrap();
        let stall_timeout = config.ping_interval + config.ping_timeout;
        let service = Service::start(config, hub.clone(), Keys::new([key.clone()]));
        let listener_config = listener::Config { stall_timeout, ..listener::Config::default() };
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), listener_config).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(listener.serve(service.router(), stop.clone(), Duration::from_secs(1)));
        Self { address, service, hub, key, stop, _media: workers }
    }

    pub fn token(&self, user: &str) -> String {
        self.token_for(user, Duration::from_secs(3600))
    }

    pub fn token_for(&self, user: &str, life: Duration) -> String {
        self.token_from(user, SystemTime::now(), life)
    }

    pub fn token_from(&self, user: &str, from: SystemTime, life: Duration) -> String {
        self.key.mint(&subject(user, None), from, life).unwrap()
    }

    pub fn token_of_plan(&self, user: &str, plan: &str) -> String {
        self.key.mint(&subject(user, Some(plan)), SystemTime::now(), Duration::from_secs(3600)).unwrap()
    }

    /// A connected client that has read its `session:ready`.
    pub async fn connect(&self, user: &str) -> Socket {
        self.connect_with(json!({ "token": self.token(user) })).await
    }

    pub async fn connect_with(&self, auth: Value) -> Socket {
        let mut socket = Socket::open(self.address).await;
        socket.connect(auth).await.unwrap();
        socket.ready().await;
        socket
    }

    /// A room of the owner's, with the owner in it: room and channel.
    pub async fn room(&self, owner: &mut Socket) -> (String, String) {
        let nonce = rooms::random_id("n");
        let created = owner.ask("room:create", json!({ "name": "r", "capacity": 4, "nonce": nonce })).await;
        let room = created["room"]["id"].as_str().unwrap().to_owned();
        let joined = owner.ask("room:join", json!({ "room": room })).await;
        assert_eq!(joined["ok"], true, "{joined}");
        (room, joined["room"]["channel"].as_str().unwrap().to_owned())
    }

    /// Two in one room, each having seen the other: (ana, bo, room, channel).
    pub async fn couple(&self) -> (Socket, Socket, String, String) {
        let mut ana = self.connect("ana").await;
        let mut bo = self.connect("bo").await;
        let (room, channel) = self.room(&mut ana).await;
        let joined = bo.ask("room:join", json!({ "room": room })).await;
        assert_eq!(joined["ok"], true, "{joined}");
        ana.event("participant:joined").await;
        (ana, bo, room, channel)
    }
}

fn subject(user: &str, plan: Option<&str>) -> Subject {
    let user = User { id: UserId::new(user), name: format!("{user}'s name") };
    Subject { user, grants: Grants::User, locale: None, plan: plan.map(str::to_owned) }
}

/// That a client can still do something sensible.
pub async fn assert_alive(server: &Server) {
    let mut socket = server.connect("alive").await;
    let (_, channel) = server.room(&mut socket).await;
    let ack = socket.ask("chat:send", chat(&channel, "alive")).await;
    assert_eq!(ack["ok"], true, "{ack}");
}
