//! How a peer is reached: the ICE name that its checks carry, and the addresses and TCP connections that proved to be its own.
//!
//! It knows nothing of what is sent there. Invariant: what stands here stands in the worker's tables, and the other way round.

use crate::demux::{PeerKey, Tuples};
use crate::io::Io;
use crate::socket::Datagram;
use std::time::Instant;
use str0m::ice::StunMessage;
use str0m::net::{Protocol, Transmit};

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
        io.tcp.list(&self.ufrag);
    }

    /// From now on no datagram finds the peer.
    pub(crate) fn retract(&mut self, key: PeerKey, io: &mut Io) {
        io.demux.retract(&self.ufrag);
        io.tcp.unlist(&self.ufrag);
        io.demux.forget_all_but(None, key, &mut self.tuples);
        io.tcp.disown(key, None, &io.counters);
    }

    /// ICE was restarted if the name is another one. Packets from the known addresses are taken until the client nominates a path.
    pub(crate) fn rename(&mut self, ufrag: String, key: PeerKey, io: &mut Io) {
        if ufrag == self.ufrag {
            return;
        }
        io.demux.retract(&self.ufrag);
        io.tcp.unlist(&self.ufrag);
        self.ufrag = ufrag;
        self.announce(key, io);
        self.restarting = true;
    }

    /// An authentic check of the peer's has come. One that nominates ends a restart: what was known before it is forgotten.
    pub(crate) fn checked(&mut self, check: Datagram<'_>, key: PeerKey, io: &mut Io) {
        if !self.restarting || !nominates(check.contents) {
            return;
        }
        self.restarting = false;
        let is_udp = check.protocol == Protocol::Udp;
        io.demux.forget_all_but(is_udp.then_some(check.source), key, &mut self.tuples);
        io.tcp.disown(key, (!is_udp).then_some((check.source, check.destination)), &io.counters);
    }

    /// Whether a check may be answered. A new address is counted; of TCP connections there can't be many.
    pub(crate) fn may_come(&mut self, check: Datagram<'_>, now: Instant) -> bool {
        check.protocol != Protocol::Udp || self.tuples.admit(check.source, now)
    }

    /// A check was answered, so the address or connection that the answer goes to is the peer's.
    pub(crate) fn proved(&mut self, answer: &Transmit, key: PeerKey, io: &mut Io) {
        match answer.proto {
            Protocol::Udp => io.demux.learn(answer.destination, key, &mut self.tuples),
            _ => io.tcp.own(answer.destination, answer.source, key, &io.counters),
        }
    }
}

/// Whether this is a Binding request with USE-CANDIDATE (RFC 8445 §7.1.2).
fn nominates(contents: &[u8]) -> bool {
    matches!(contents.first(), Some(0..=1))
        && StunMessage::parse(contents).is_ok_and(|message| message.is_binding_request() && message.use_candidate())
}
