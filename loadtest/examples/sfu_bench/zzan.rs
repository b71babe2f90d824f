//! zzan as it is shipped: the release binary, joined over REST and socket.io.

use crate::load::Load;
use crate::network::Network;
use crate::process::{Launch, Process};
use crate::sdp::Remote;
use crate::sfu::{Draft, Room, Sfu, Shape};
use anyhow::Context as _;
use async_trait::async_trait;
use loadtest::rest::Backend;
use loadtest::scenario::RoomKind;
use loadtest::socket::{Inbox, Socket};
use loadtest::target::{Dialer, Target};
use serde_json::{Value, json};
use signaling::protocol::client_event::{RoomJoin, RoomJoined};
use signaling::protocol::types::{SdpKind, SessionDescription};
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

const PORT: u16 = 8080;
const KEY: &str = "bench";
const SECRET: &str = "bench-bench-bench-bench-bench-32ch";
/// More are a voice room.
const BUDDIES_MAX: usize = 4;
/// Of `/metrics`: what there is while somebody is here.
const GAUGES: [&str; 6] = ["rooms", "participants", "sessions", "connections", "media_peers", "media_rooms"];
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// No limit gets in the way: a load from one address isn't what they are for.
const LIMITS: [&str; 4] = ["REST_PER_S", "CONNECTS_PER_S", "SOCKETS_PER_ADDRESS", "EVENTS_PER_S"];

pub struct Zzan {
    process: Process,
    version: String,
    workers: usize,
    backend: Backend,
    dialer: Dialer,
    near: IpAddr,
    far: IpAddr,
    calls: Mutex<HashMap<String, Vec<Call>>>,
}

struct Call {
    socket: Socket,
    /// Takes events, which nobody needs, so that the server's queue stays empty.
    reader: JoinHandle<()>,
}

impl Zzan {
    pub async fn start(network: &Network, cores: &str, folder: &Path, binary: &Path, workers: usize) -> anyhow::Result<Self> {
        let version = tokio::process::Command::new(binary).arg("--version").output().await.context("zzan --version")?;
        let far = network.far();
        let mut env: Vec<(String, String)> = LIMITS.iter().map(|limit| (format!("ZZAN_LIMITS_{limit}"), "100000".into())).collect();
        env.push(("ZZAN_KEYS".into(), format!("{KEY}:{SECRET}")));
        env.push(("ZZAN_MEDIA_WORKERS".into(), workers.to_string()));
        // So that what a room leaves behind can be waited for.
        env.push(("ZZAN_ROOMS_EMPTY_TTL_MS".into(), "1000".into()));
        env.push(("RUST_LOG".into(), "warn".into()));
        let args = ["serve", "--listen", &format!("{far}:{PORT}"), "--data-dir", "data", "--media-addresses", &far.to_string()];
        let args = args.map(str::to_owned).to_vec();
        let process = Process::start(Launch { network, cores, program: binary, args, env, folder, pipes: false })?;
        let target: Target = format!("http://{far}:{PORT}").parse()?;
        let dialer = Dialer::new(target, None)?;
        let answering = async {
            while dialer.dial().await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(START_TIMEOUT, answering).await.context("zzan doesn't listen")?;
        let backend = Backend::new(dialer.clone(), KEY, SECRET);
        let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        Ok(Self { process, version, workers, backend, dialer, near: network.near(), far, calls: Mutex::default() })
    }
}

#[async_trait]
impl Sfu for Zzan {
    fn name(&self) -> &'static str {
        "zzan"
    }

    fn settings(&self) -> String {
        format!("{}, media.workers = {}, limits per address raised, rooms.empty_ttl_ms = 1000, SQLite store", self.version, self.workers)
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    async fn open(&self, load: &Load, shape: Shape) -> anyhow::Result<Room> {
        let kind = if shape.people > BUDDIES_MAX { RoomKind::Voice } else { RoomKind::Buddy };
        let room = self.backend.create_room("bench", kind, u32::try_from(shape.people)?).await?;
        let mut clients = vec![];
        for person in 0..shape.people {
            let user = format!("{room}-{person}");
            let token = self.backend.room_token(&room, &user, &user).await?;
            let (socket, inbox) = Socket::connect(&self.dialer, &json!({ "token": token })).await?;
            let draft = Draft::new(self.near, shape.publishing.sources())?;
            let sdp = draft.offer(shape.receives, shape.publishing.kinds())?;
            let offer = Some(SessionDescription { kind: SdpKind::Offer, sdp });
            let join = RoomJoin { room: room.clone(), password: None, offer, publish: None };
            let joined: RoomJoined = socket.request("room:join", &join).await?;
            self.calls.lock().await.entry(room.clone()).or_default().push(Call { socket, reader: tokio::spawn(drain(inbox)) });
            let answer = joined.answer.context("an answer to the offer")?;
            clients.push(load.add(draft.agree_at(&Remote::parse(&answer.sdp, self.far)?, shape.loudness(person))).await?);
        }
        Ok(Room { name: room, clients, people: shape.people })
    }

    async fn close(&self, room: Room) -> anyhow::Result<()> {
        let calls = self.calls.lock().await.remove(&room.name).unwrap_or_default();
        for call in calls {
            let _: Value = call.socket.request("room:leave", &json!({ "room": room.name })).await?;
            call.socket.close().await;
            let _ = call.reader.await;
        }
        Ok(())
    }

    async fn remains(&self) -> anyhow::Result<String> {
        let mut stream = self.dialer.dial().await?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        let gauge =
            |name: &&str| text.lines().find_map(|line| line.strip_prefix(&format!("zzan_{name} "))).map(|value| format!("{name} {value}"));
        let gauges: Option<Vec<String>> = GAUGES.iter().map(gauge).collect();
        Ok(gauges.with_context(|| format!("a gauge is missing: {text}"))?.join(", "))
    }
}

async fn drain(mut inbox: Inbox) {
    while inbox.next().await.is_ok() {}
}
