//! An SFU on the `webrtc` crate, as its side of the bench sees it: rooms as JSON lines to a process of its own (`sfu_bench serve-webrtc`).

use crate::load::Load;
use crate::network::Network;
use crate::process::{Launch, Process};
use crate::sdp::Remote;
use crate::sfu::{Draft, Publishing, Room, Sfu, Shape};
use anyhow::{Context as _, bail};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::Path;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::Mutex;

/// One line of its input.
#[derive(Debug, Serialize, Deserialize)]
pub enum Told {
    /// A participant comes; the answer is an offer.
    Join {
        room: String,
        peer: String,
        people: usize,
        video: bool,
    },
    /// The participant's answer to it.
    Answer {
        room: String,
        peer: String,
        sdp: String,
    },
    Close {
        room: String,
    },
}

/// One line of its output.
#[derive(Debug, Serialize, Deserialize)]
pub enum Said {
    Offer(String),
    Done,
    Failed(String),
}

pub struct Webrtc {
    process: Process,
    near: IpAddr,
    far: IpAddr,
    pipes: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
}

impl Webrtc {
    pub async fn start(network: &Network, cores: &str, folder: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let args = vec!["serve-webrtc".to_owned(), network.far().to_string()];
        let mut process = Process::start(Launch { network, cores, program: &program, args, env: vec![], folder, pipes: true })?;
        let stdin = process.child.stdin.take().context("piped")?;
        let lines = BufReader::new(process.child.stdout.take().context("piped")?).lines();
        Ok(Self { process, near: network.near(), far: network.far(), pipes: Mutex::new((stdin, lines)) })
    }

    async fn say(&self, told: &Told) -> anyhow::Result<Said> {
        let (stdin, lines) = &mut *self.pipes.lock().await;
        let line = serde_json::to_string(told)? + "\n";
        stdin.write_all(line.as_bytes()).await?;
        match serde_json::from_str(&lines.next_line().await?.context("the SFU ended")?)? {
            Said::Failed(reason) => bail!("{told:?}: {reason}"),
            said => Ok(said),
        }
    }
}

#[async_trait]
impl Sfu for Webrtc {
    fn name(&self) -> &'static str {
        "webrtc"
    }

    fn settings(&self) -> String {
        "webrtc crate 0.21, default interceptors, ICE-lite, AES-256-GCM, tokio with one worker".into()
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    async fn open(&self, load: &Load, shape: Shape) -> anyhow::Result<Room> {
        let room = format!("{:x}", rand::random::<u64>());
        let mut clients = vec![];
        for peer in 0..shape.people {
            let peer = peer.to_string();
            let video = shape.publishing == Publishing::AudioAndVideo;
            let join = Told::Join { room: room.clone(), peer: peer.clone(), people: shape.people, video };
            let Said::Offer(offer) = self.say(&join).await? else { bail!("{join:?}: no offer") };
            let remote = Remote::parse(&offer, self.far)?;
            let draft = Draft::new(self.near, shape.publishing.sources())?;
            let sdp = draft.answer(&remote)?;
            self.say(&Told::Answer { room: room.clone(), peer, sdp }).await?;
            clients.push(load.add(draft.agree(&remote)).await?);
        }
        Ok(Room { name: room, clients, people: shape.people })
    }

    async fn close(&self, room: Room) -> anyhow::Result<()> {
        self.say(&Told::Close { room: room.name }).await.map(drop)
    }
}
