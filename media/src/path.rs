//! How a peer is reached: the ICE name that its checks carry, and the addresses and TCP connections that proved to be its own.
//!
//! It knows nothing of what is sent there. Invariant: what stands here stands in the worker's tables, and the other way round.

use crate::demux::{PeerKey, Tuples};
use crate::io::Io;
use crate::limits::CHECKS_REMEMBERED;
use crate::socket::Datagram;
use crate::stun;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;
use str0m::IceCreds;
use str0m::ice::StunMessage;
use str0m::net::{Protocol, Transmit};

#[derive(Debug)]
pub(crate) struct Path {
    credentials: IceCreds,
    tuples: Tuples,
    checks: Checks,
    /// ICE was restarted, and the client has nominated nothing under the new name yet: the old addresses still carry the call.
    restarting: bool,
}

impl Path {
    pub(crate) fn new(credentials: IceCreds) -> Self {
        Self { credentials, tuples: Tuples::default(), checks: Checks::default(), restarting: false }
    }

    /// From now on checks find the peer.
    pub(crate) fn announce(&self, key: PeerKey, io: &mut Io) {
        io.demux.announce(self.credentials.ufrag.clone(), key);
        io.tcp.list(&self.credentials.ufrag);
    }

    /// From now on no datagram finds the peer.
    pub(crate) fn retract(&mut self, key: PeerKey, io: &mut Io) {
        io.demux.retract(&self.credentials.ufrag);
        io.tcp.unlist(&self.credentials.ufrag);
        io.demux.forget_all_but(None, key, &mut self.tuples);
        io.tcp.disown(key, None, &io.counters);
    }

    /// ICE was restarted if the name is another one. Packets from the known addresses are taken until the client nominates a path.
    pub(crate) fn rename(&mut self, credentials: IceCreds, key: PeerKey, io: &mut Io) {
        if credentials == self.credentials {
            return;
        }
        io.demux.retract(&self.credentials.ufrag);
        io.tcp.unlist(&self.credentials.ufrag);
        self.credentials = credentials;
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

    /// Whether a check was made with the password (RFC 8489 §9.1.3). `Rtc::accepts` doesn't tell: it takes whatever comes from where it
    /// sends to.
    pub(crate) fn is_authentic(&self, check: Datagram<'_>) -> bool {
        let hmac = str0m::crypto::from_feature_flags().sha1_hmac_provider;
        StunMessage::parse(check.contents)
            .is_ok_and(|message| message.verify(self.credentials.pass.as_bytes(), |key, parts| hmac.sha1_hmac(key, parts)))
    }

    /// Whether an authentic check may be answered. What it brings is counted; of TCP connections there can't be many.
    pub(crate) fn admits(&mut self, check: Datagram<'_>, now: Instant) -> Result<(), NotAdmitted> {
        if !self.checks.admit(check) {
            return Err(NotAdmitted::Repeated);
        }
        if check.protocol == Protocol::Udp && !self.tuples.admit(check.source, now) {
            return Err(NotAdmitted::TooManyAddresses);
        }
        Ok(())
    }

    /// A check was answered, so the address or connection that the answer goes to is the peer's.
    pub(crate) fn proved(&mut self, answer: &Transmit, key: PeerKey, io: &mut Io) {
        match answer.proto {
            Protocol::Udp => io.demux.learn(answer.destination, key, &mut self.tuples),
            _ => io.tcp.own(answer.destination, answer.source, key, &io.counters),
        }
    }
}

/// Why an authentic check isn't answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAdmitted {
    TooManyAddresses,
    /// It came before from elsewhere: somebody who read it repeats it, to draw the media to another address.
    Repeated,
}

/// The newest checks, each a transaction id and where it came from, hashed. A client repeats one from where it first sent it.
#[derive(Debug, Default)]
struct Checks(VecDeque<(u64, u64)>);

impl Checks {
    fn admit(&mut self, check: Datagram<'_>) -> bool {
        let id = stun::transaction(check.contents).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        (check.source, check.protocol == Protocol::Udp).hash(&mut hasher);
        let source = hasher.finish();
        if let Some((_, first)) = self.0.iter().rev().find(|(known, _)| *known == id) {
            return *first == source;
        }
        if self.0.len() == CHECKS_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((id, source));
        true
    }
}

/// Whether this is a Binding request with USE-CANDIDATE (RFC 8445 §7.1.2).
fn nominates(contents: &[u8]) -> bool {
    matches!(contents.first(), Some(0..=1))
        && StunMessage::parse(contents).is_ok_and(|message| message.is_binding_request() && message.use_candidate())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn admit(checks: &mut Checks, id: u64, port: u16, protocol: Protocol) -> bool {
        let contents = [&[0; 8][..], &id.to_be_bytes(), &[0; 4]].concat();
        let [source, destination] = [port, 1].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        checks.admit(Datagram { protocol, source, destination, contents: &contents })
    }

    #[test]
    fn a_check_counts_from_where_it_first_came_and_few_are_remembered() {
        let mut checks = Checks::default();
        let mut udp = |id, port| admit(&mut checks, id, port, Protocol::Udp);
        assert!(udp(1, 1));
        assert!(udp(1, 1), "repeated by the client");
        assert!(!udp(1, 2), "repeated from elsewhere");
        assert!((2..10_000).all(|id| udp(id, 2)));
        assert!(!udp(9_999 - CHECKS_REMEMBERED as u64 + 1, 3));
        assert!(!admit(&mut checks, 9_999, 2, Protocol::Tcp));
        assert_eq!(checks.0.len(), CHECKS_REMEMBERED);
    }
}
