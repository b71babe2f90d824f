//! Janus from Debian with its videoroom plugin, joined over its WebSocket API.
//!
//! As its clients do, each participant publishes on one PeerConnection and receives all others on a second one. A room is filled so that each
//! subscribes once, to everybody: the cheapest order for Janus, which would renegotiate for each who comes later.

use crate::load::Load;
use crate::network::Network;
use crate::process::{Launch, Process};
use crate::sdp::Remote;
use crate::sfu::{Draft, Room, Sfu, Shape};
use anyhow::{Context as _, bail};
use async_trait::async_trait;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

const PORT: u16 = 8188;
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Error 428 of the plugin.
const NO_SUCH_FEED: &str = "No such feed";
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

pub struct Janus {
    process: Process,
    version: String,
    near: IpAddr,
    far: IpAddr,
    next_room: AtomicU64,
    sessions: Mutex<HashMap<String, Vec<Session>>>,
}

impl Janus {
    /// Where Debian's package has it; `None` when it isn't installed.
    pub fn program() -> Option<PathBuf> {
        let program = PathBuf::from("/usr/bin/janus");
        program.exists().then_some(program)
    }

    pub async fn start(network: &Network, cores: &str, folder: &Path, program: &Path) -> anyhow::Result<Self> {
        let version = tokio::process::Command::new(program).arg("--version").output().await.context("janus --version")?;
        let version = String::from_utf8_lossy(&version.stdout);
        let version = version.lines().find(|line| line.contains("version")).unwrap_or("janus").trim().to_owned();
        configure(folder)?;
        let args = ["-F", folder.to_str().context("a path in UTF-8")?, "-o"].map(str::to_owned).to_vec();
        let process = Process::start(Launch { network, cores, program, args, env: vec![], folder, pipes: false })?;
        let far = network.far();
        let listening = async {
            while TcpStream::connect((far, PORT)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(START_TIMEOUT, listening).await.context("Janus doesn't listen")?;
        Ok(Self { process, version, near: network.near(), far, next_room: AtomicU64::new(1), sessions: Mutex::default() })
    }

    async fn publish(&self, load: &Load, room: u64, shape: Shape, session: &mut Session) -> anyhow::Result<(usize, Value)> {
        let draft = Draft::new(self.near, shape.publishing.sources())?;
        let offer = json!({ "type": "offer", "sdp": draft.offer(0, &[])? });
        let handle = session.attach().await?;
        let body = json!({ "request": "joinandconfigure", "ptype": "publisher", "room": room });
        let joined = session.message(handle, &body, Some(&offer)).await?;
        let remote = Remote::parse(sdp(&joined)?, self.far)?;
        let client = load.add(draft.agree(&remote)).await?;
        Ok((client, joined["plugindata"]["data"]["id"].clone()))
    }

    async fn subscribe(&self, load: &Load, room: u64, feeds: &[Value], session: &mut Session) -> anyhow::Result<usize> {
        let handle = session.attach().await?;
        let streams: Vec<Value> = feeds.iter().map(|feed| json!({ "feed": feed })).collect();
        let body = json!({ "request": "join", "ptype": "subscriber", "room": room, "streams": streams });
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        let offered = loop {
            match session.message(handle, &body, None).await {
                // A feed is there a moment after its publisher's end is up.
                Err(error) if error.to_string().contains(NO_SUCH_FEED) && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                answered => break answered?,
            }
        };
        let remote = Remote::parse(sdp(&offered)?, self.far)?;
        let draft = Draft::new(self.near, vec![])?;
        let answer = json!({ "type": "answer", "sdp": draft.answer(&remote)? });
        session.message(handle, &json!({ "request": "start", "room": room }), Some(&answer)).await?;
        load.add(draft.agree(&remote)).await
    }
}

#[async_trait]
impl Sfu for Janus {
    fn name(&self) -> &'static str {
        "Janus"
    }

    fn settings(&self) -> String {
        format!("{}, Debian's package, videoroom plugin without bitrate limit, ice_lite = true, debug_level = 3", self.version)
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    async fn open(&self, load: &Load, shape: Shape) -> anyhow::Result<Room> {
        let room = self.next_room.fetch_add(1, Ordering::Relaxed);
        let (mut sessions, mut clients, mut feeds) = (vec![], vec![], vec![]);
        for person in 0..shape.people {
            let mut session = Session::open((self.far, PORT).into()).await?;
            if person == 0 {
                let handle = session.attach().await?;
                let body = json!({ "request": "create", "room": room, "publishers": shape.people, "bitrate": 0 });
                session.message(handle, &body, None).await?;
            }
            let (client, feed) = self.publish(load, room, shape, &mut session).await?;
            clients.push(client);
            feeds.push(feed);
            sessions.push(session);
        }
        for (person, session) in sessions.iter_mut().enumerate() {
            let others: Vec<Value> = feeds.iter().enumerate().filter(|(n, _)| *n != person).map(|(_, feed)| feed.clone()).collect();
            clients.push(self.subscribe(load, room, &others, session).await?);
        }
        let name = room.to_string();
        self.sessions.lock().await.insert(name.clone(), sessions);
        Ok(Room { name, clients, people: shape.people })
    }

    async fn close(&self, room: Room) -> anyhow::Result<()> {
        for mut session in self.sessions.lock().await.remove(&room.name).unwrap_or_default() {
            session.request(json!({ "janus": "destroy" })).await?;
        }
        Ok(())
    }
}

/// Debian's configuration where it is silent, but for these.
fn configure(folder: &Path) -> anyhow::Result<()> {
    let libraries = "/usr/lib/x86_64-linux-gnu/janus";
    let general = format!(
        "general: {{\n  configs_folder = \"{0}\"\n  plugins_folder = \"{libraries}/plugins\"\n  transports_folder = \"{libraries}/transports\"\n  \
         debug_level = 3\n  session_timeout = 0\n}}\n\
         nat: {{\n  ice_lite = true\n}}\n\
         plugins: {{\n  disable = \"libjanus_audiobridge.so,libjanus_echotest.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,\
         libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so,libjanus_lua.so,libjanus_duktape.so\"\n}}\n\
         transports: {{\n  disable = \"libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so\"\n}}\n",
        folder.display()
    );
    std::fs::write(folder.join("janus.jcfg"), general)?;
    std::fs::write(folder.join("janus.transport.websockets.jcfg"), format!("general: {{\n  ws = true\n  ws_port = {PORT}\n}}\n"))?;
    std::fs::write(folder.join("janus.plugin.videoroom.jcfg"), "general: {\n}\n")?;
    Ok(())
}

fn sdp(event: &Value) -> anyhow::Result<&str> {
    event["jsep"]["sdp"].as_str().with_context(|| format!("no description: {event}"))
}

/// A Janus session with a WebSocket of its own.
struct Session {
    stream: WebSocketStream<TcpStream>,
    id: u64,
    next_transaction: u64,
}

impl Session {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let mut request = format!("ws://{address}/").into_client_request()?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", "janus-protocol".parse()?);
        let (stream, _) = tokio_tungstenite::client_async(request, tcp).await?;
        let mut session = Self { stream, id: 0, next_transaction: 0 };
        session.id = id(&session.request(json!({ "janus": "create" })).await?)?;
        Ok(session)
    }

    async fn attach(&mut self) -> anyhow::Result<u64> {
        id(&self.request(json!({ "janus": "attach", "plugin": "janus.plugin.videoroom" })).await?)
    }

    async fn message(&mut self, handle: u64, body: &Value, jsep: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = json!({ "janus": "message", "handle_id": handle, "body": body });
        if let Some(jsep) = jsep {
            request["jsep"] = jsep.clone();
        }
        let answer = self.request(request).await?;
        if answer["plugindata"]["data"]["error"].is_null() { Ok(answer) } else { bail!("{body}: {answer}") }
    }

    /// Sends a request and reads until its last answer; events in between are nobody's business here.
    async fn request(&mut self, mut request: Value) -> anyhow::Result<Value> {
        self.next_transaction += 1;
        let transaction = self.next_transaction.to_string();
        request["transaction"] = json!(transaction);
        if self.id != 0 {
            request["session_id"] = json!(self.id);
        }
        self.stream.send(Message::text(request.to_string())).await?;
        let answered = async {
            loop {
                let Message::Text(text) = self.stream.next().await.context("Janus closed the WebSocket")?? else { continue };
                let answer: Value = serde_json::from_str(&text)?;
                if answer["transaction"] == json!(transaction) && answer["janus"] != "ack" {
                    return if answer["janus"] == "error" { Err(anyhow::anyhow!("{request}: {answer}")) } else { Ok(answer) };
                }
            }
        };
        tokio::time::timeout(REQUEST_TIMEOUT, answered).await.with_context(|| format!("no answer to {request}"))?
    }
}

fn id(answer: &Value) -> anyhow::Result<u64> {
    answer["data"]["id"].as_u64().with_context(|| format!("no id: {answer}"))
}
