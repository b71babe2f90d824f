//! What the SFUs have in common: a process, and rooms that the load's clients are in.

use crate::client::{self, Leg};
use crate::load::{ClientId, Load};
use crate::process::Process;
use crate::sdp::{Kind, Line, Local, Remote};
use crate::stun::Login;
use async_trait::async_trait;
use std::net::{IpAddr, UdpSocket};

/// What each participant of a room sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publishing {
    Audio,
    AudioAndVideo,
}

impl Publishing {
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Audio => &[Kind::Audio],
            Self::AudioAndVideo => &[Kind::Audio, Kind::Video],
        }
    }

    /// An SSRC for each.
    pub fn sources(self) -> Vec<(Kind, u32)> {
        // Even, since a camera's repair stream has the next one.
        self.kinds().iter().map(|kind| (*kind, rand::random::<u32>() & !1)).collect()
    }
}

/// A room to be opened.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub people: usize,
    /// Of how many others each receives what they send.
    pub receives: usize,
    pub publishing: Publishing,
}

/// People who speak in a voice channel: one more than anybody hears, so that all who listen have their slots full.
const SPEAKING: usize = 6;

impl Shape {
    /// How loud somebody is, in -dBov: in a channel where not all are heard, some speak, by differing voices, and the rest listen.
    pub fn loudness(self, person: usize) -> u8 {
        match person {
            _ if self.receives + 1 == self.people => 30,
            speaking @ 0..SPEAKING => 20 + 3 * speaking as u8,
            _ => 100,
        }
    }
}

/// A room with everybody in it.
pub struct Room {
    /// The SFU's own name for it.
    pub name: String,
    pub clients: Vec<ClientId>,
    pub people: usize,
}

#[async_trait]
pub trait Sfu: Send + Sync {
    fn name(&self) -> &'static str;
    /// Its version, and the settings that aren't its defaults.
    fn settings(&self) -> String;
    fn process(&mut self) -> &mut Process;
    /// Opens a room and brings everybody in, one after the other, each subscribed to all others.
    async fn open(&self, load: &Load, shape: Shape) -> anyhow::Result<Room>;
    /// Sends everybody out.
    async fn close(&self, room: Room) -> anyhow::Result<()>;
    /// What it says that it still has, where it says so.
    async fn remains(&self) -> anyhow::Result<String> {
        Ok(String::new())
    }
}

/// A client's end before the SFU answered.
pub struct Draft {
    socket: UdpSocket,
    login: Login,
    pub sources: Vec<(Kind, u32)>,
}

impl Draft {
    pub fn new(near: IpAddr, sources: Vec<(Kind, u32)>) -> anyhow::Result<Self> {
        Ok(Self { socket: UdpSocket::bind((near, 0))?, login: Login::random(), sources })
    }

    /// An offer that sends the sources and has as many receiving m-lines of each kind.
    pub fn offer(&self, receive: usize, kinds: &[Kind]) -> anyhow::Result<String> {
        let sends = self.sources.iter().map(|(kind, ssrc)| Line { kind: *kind, send: Some(*ssrc) });
        let receives = kinds.iter().flat_map(|kind| std::iter::repeat_n(Line { kind: *kind, send: None }, receive));
        let lines: Vec<Line> = sends.chain(receives).collect();
        self.describe(|local| crate::sdp::offer(local, &lines))
    }

    /// An answer that takes all that `remote` offers.
    pub fn answer(&self, remote: &Remote) -> anyhow::Result<String> {
        let sent = |kind| self.sources.iter().find(|(sent, _)| *sent == kind).map(|(_, ssrc)| *ssrc);
        self.describe(|local| crate::sdp::answer(local, remote, sent))
    }

    fn describe(&self, write: impl Fn(&Local<'_>) -> String) -> anyhow::Result<String> {
        let fingerprint = client::fingerprint();
        Ok(write(&Local { address: self.socket.local_addr()?, login: &self.login, fingerprint: &fingerprint }))
    }

    pub fn agree(self, remote: &Remote) -> Leg {
        Leg::agreed(self.socket, self.login, remote, &self.sources)
    }

    /// As [`Draft::agree`], for somebody who is so loud.
    pub fn agree_at(self, remote: &Remote, loudness: u8) -> Leg {
        let mut leg = self.agree(remote);
        leg.sources.iter_mut().for_each(|source| source.loudness = loudness);
        leg
    }
}
