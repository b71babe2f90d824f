//! How a peer is reached: the ICE name that its checks carry, and the addresses that proved to be its own.
//!
//! It knows nothing of what is sent there. Invariant: what stands here stands in the worker's tables, and the other way round.

use crate::demux::{PeerKey, Tuples};
use crate::io::Io;
use crate::socket::Datagram;
use std::net::SocketAddr;
use std::time::Instant;
use str0m::ice::StunMessage;

#[derive(Debug)]
pub(crate) struct Path {
    ufrag: String,
    tuples: Tuples,
    /// ICE was restarted, and the client has nominated nothing under the new name yet: the old addresses still carry the call.
    restarting: bool,
}

impl Path {
    pub(crate) fn new(ufrag: String) -> Self {
        Self { ufrag, tuples: Tuples::default(), restarting: false }
    }

    /// From now on checks find the peer.
    pub(crate) fn announce(&self, key: PeerKey, io: &mut Io) {
        io.demux.announce(self.ufrag.clone(), key);
    }

    /// From now on no datagram finds the peer.
    pub(crate) fn retract(&mut self, key: PeerKey, io: &mut Io) {
        io.demux.retract(&self.ufrag);
        io.demux.forget_all_but(None, key, &mut self.tuples);
    }

    /// ICE was restarted if the name is another one. Packets from the known addresses are taken until the client nominates a path.
    pub(crate) fn rename(&mut self, ufrag: String, key: PeerKey, io: &mut Io) {
        if ufrag == self.ufrag {
            return;
        }
        io.demux.retract(&self.ufrag);
        io.demux.announce(ufrag.clone(), key);
        self.ufrag = ufrag;
        self.restarting = true;
    }

    /// An authentic check of the peer's has come. One that nominates ends a restart: what was known before it is forgotten.
    pub(crate) fn checked(&mut self, check: Datagram<'_>, key: PeerKey, io: &mut Io) {
        if !self.restarting || !nominates(check.contents) {
            return;
        }
        self.restarting = false;
        io.demux.forget_all_but(Some(check.source), key, &mut self.tuples);
    }

    /// Whether a check from there may be answered. A new address is counted.
    pub(crate) fn may_come_from(&mut self, source: SocketAddr, now: Instant) -> bool {
        self.tuples.admit(source, now)
    }

    /// A check from there was answered, so the address is the peer's.
    pub(crate) fn proved(&mut self, source: SocketAddr, key: PeerKey, io: &mut Io) {
        io.demux.learn(source, key, &mut self.tuples);
    }
}

/// Whether this is a Binding request with USE-CANDIDATE (RFC 8445 §7.1.2).
fn nominates(contents: &[u8]) -> bool {
    matches!(contents.first(), Some(0..=1))
        && StunMessage::parse(contents).is_ok_and(|message| message.is_binding_request() && message.use_candidate())
}
