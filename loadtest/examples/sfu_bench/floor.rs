//! The least that forwarding can cost with this socket interface and this cryptography: receive in batches, open once, seal once per
//! receiver, send in runs, and nothing else. No handshake, no RTCP, no repair, no state but a counter per stream.
//!
//! It runs as a process of its own (`sfu_bench serve-floor`), which reads rooms as JSON lines and answers each with an empty line.

use crate::client::{Leg, Security};
use crate::load::Load;
use crate::network::Network;
use crate::process::{Launch, Process};
use crate::sdp::{Extensions, OPUS, VP8};
use crate::sfu::{Room, Sfu, Shape};
use crate::source::Source;
use crate::srtp::Master;
use anyhow::Context as _;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::Mutex;

pub const PORT: u16 = 40_000;
/// As the SFUs negotiate: AES-256-GCM.
const KEY_BYTES: usize = 32;

/// What the process is told of a participant.
#[derive(Debug, Serialize, Deserialize)]
pub struct SeatKeys {
    pub address: SocketAddr,
    pub receive: [u8; KEY_BYTES],
    pub send: [u8; KEY_BYTES],
    pub salt: [u8; 12],
}

/// One line of its input.
#[derive(Debug, Serialize, Deserialize)]
pub enum Told {
    /// Each seat hears the first so many of the others.
    Open {
        seats: Vec<SeatKeys>,
        receives: usize,
    },
    Close(Vec<SocketAddr>),
}

pub struct Floor {
    process: Process,
    near: IpAddr,
    far: IpAddr,
    pipes: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
}

impl Floor {
    pub async fn start(network: &Network, cores: &str, folder: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let args = vec!["serve-floor".to_owned(), network.far().to_string()];
        let mut process = Process::start(Launch { network, cores, program: &program, args, env: vec![], folder, pipes: true })?;
        let stdin = process.child.stdin.take().context("piped")?;
        let mut lines = BufReader::new(process.child.stdout.take().context("piped")?).lines();
        lines.next_line().await?.context("the floor didn't start")?;
        Ok(Self { process, near: network.near(), far: network.far(), pipes: Mutex::new((stdin, lines)) })
    }

    async fn say(&self, told: &Told) -> anyhow::Result<()> {
        let (stdin, lines) = &mut *self.pipes.lock().await;
        let line = serde_json::to_string(told)? + "\n";
        stdin.write_all(line.as_bytes()).await?;
        lines.next_line().await?.context("the floor ended")?;
        Ok(())
    }
}

#[async_trait]
impl Sfu for Floor {
    fn name(&self) -> &'static str {
        "floor"
    }

    fn settings(&self) -> String {
        "recvmmsg with GRO, AES-256-GCM opened once and sealed for each receiver, sends with UDP_SEGMENT".into()
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    async fn open(&self, load: &Load, shape: Shape) -> anyhow::Result<Room> {
        let (mut seats, mut legs) = (vec![], vec![]);
        for _ in 0..shape.people {
            let socket = UdpSocket::bind((self.near, 0))?;
            let keys = SeatKeys { address: socket.local_addr()?, receive: rand::random(), send: rand::random(), salt: rand::random() };
            let master = |key: &[u8]| Master { key: key.to_vec(), salt: keys.salt };
            let source = |(kind, ssrc)| Source::new(kind, ssrc, Extensions::default(), None, None);
            legs.push(Leg {
                socket,
                remote: SocketAddr::new(self.far, PORT),
                security: Security::Known { send: master(&keys.receive), receive: master(&keys.send) },
                extensions: Extensions::default(),
                payload_types: [OPUS, VP8],
                sources: shape.publishing.sources().into_iter().map(source).collect(),
            });
            seats.push(keys);
        }
        let name = serde_json::to_string(&seats.iter().map(|seat| seat.address).collect::<Vec<_>>())?;
        self.say(&Told::Open { seats, receives: shape.receives }).await?;
        let mut clients = vec![];
        for leg in legs {
            clients.push(load.add(leg).await?);
        }
        Ok(Room { name, clients, people: shape.people })
    }

    async fn close(&self, room: Room) -> anyhow::Result<()> {
        self.say(&Told::Close(serde_json::from_str(&room.name)?)).await
    }
}
