//! Finds the peer of a datagram: by source address, or for a STUN request by the user it names.
//!
//! Invariant: an address stands in the table only after a STUN request from it passed the integrity check of that peer, so
//! nothing but STUN is ever handed to a peer from an address that it doesn't own.

use crate::limits::{STUN_WATCHED_MAX, TUPLES_PER_PEER};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Where a peer is kept on this worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PeerKey {
    pub(crate) room: usize,
    pub(crate) peer: usize,
}

#[derive(Debug)]
pub(crate) struct Demux {
    by_address: HashMap<SocketAddr, PeerKey>,
    by_ufrag: HashMap<String, PeerKey>,
    misses: Misses,
}

impl Demux {
    pub(crate) fn new(misses_per_second: u32) -> Self {
        Self { by_address: HashMap::new(), by_ufrag: HashMap::new(), misses: Misses::new(misses_per_second) }
    }

    pub(crate) fn peer_at(&self, source: SocketAddr) -> Option<PeerKey> {
        self.by_address.get(&source).copied()
    }

    pub(crate) fn peer_named(&self, ufrag: &str) -> Option<PeerKey> {
        self.by_ufrag.get(ufrag).copied()
    }

    pub(crate) fn announce(&mut self, ufrag: String, key: PeerKey) {
        self.by_ufrag.insert(ufrag, key);
    }

    pub(crate) fn retract(&mut self, ufrag: &str) {
        self.by_ufrag.remove(ufrag);
    }

    /// `source` proved to be `key`'s. `tuples` is what the peer has, oldest first.
    pub(crate) fn learn(&mut self, source: SocketAddr, key: PeerKey, tuples: &mut Vec<SocketAddr>) {
        if tuples.contains(&source) && self.peer_at(source) == Some(key) {
            return;
        }
        self.by_address.insert(source, key);
        tuples.retain(|known| *known != source);
        if tuples.len() == TUPLES_PER_PEER {
            self.forget(tuples.remove(0), key);
        }
        tuples.push(source);
    }

    /// Drops `source`, unless it has become another peer's.
    pub(crate) fn forget(&mut self, source: SocketAddr, key: PeerKey) {
        if self.peer_at(source) == Some(key) {
            self.by_address.remove(&source);
        }
    }

    /// Whether a STUN request of an unknown address is worth its integrity check.
    pub(crate) fn may_miss(&mut self, source: IpAddr, now: Instant) -> bool {
        self.misses.may_miss(source, now)
    }

    /// A STUN request from there was for nobody, or forged.
    pub(crate) fn missed(&mut self, source: IpAddr) {
        self.misses.missed(source);
    }
}

/// Misses per address in the running second.
#[derive(Debug)]
struct Misses {
    per_second: u32,
    since: Option<Instant>,
    counts: HashMap<IpAddr, u32>,
}

impl Misses {
    fn new(per_second: u32) -> Self {
        Self { per_second, since: None, counts: HashMap::new() }
    }

    fn may_miss(&mut self, source: IpAddr, now: Instant) -> bool {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= Duration::from_secs(1)) {
            self.since = Some(now);
            self.counts.clear();
        }
        match self.counts.get(&source) {
            Some(&count) => count < self.per_second,
            None => self.counts.len() < STUN_WATCHED_MAX,
        }
    }

    fn missed(&mut self, source: IpAddr) {
        *self.counts.entry(source).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: PeerKey = PeerKey { room: 0, peer: 0 };

    #[test]
    fn a_peer_keeps_its_eight_newest_addresses() {
        let (mut demux, mut tuples) = (Demux::new(1), vec![]);
        for port in 1..=10 {
            demux.learn(SocketAddr::from(([127, 0, 0, 1], port)), KEY, &mut tuples);
        }
        assert_eq!(tuples.len(), 8);
        assert_eq!(demux.peer_at(SocketAddr::from(([127, 0, 0, 1], 2))), None);
        assert_eq!(demux.peer_at(SocketAddr::from(([127, 0, 0, 1], 3))), Some(KEY));
    }

    #[test]
    fn an_address_that_became_another_peers_is_not_forgotten_with_the_first() {
        let (mut demux, source) = (Demux::new(1), SocketAddr::from(([127, 0, 0, 1], 9)));
        let other = PeerKey { room: 0, peer: 1 };
        demux.learn(source, KEY, &mut vec![]);
        demux.learn(source, other, &mut vec![]);
        demux.forget(source, KEY);
        assert_eq!(demux.peer_at(source), Some(other));
    }

    #[test]
    fn misses_are_limited_per_address_and_second() {
        let (start, mut demux) = (Instant::now(), Demux::new(3));
        let (attacker, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let tried = (0..100)
            .filter(|_| {
                demux.may_miss(attacker, start) && {
                    demux.missed(attacker);
                    true
                }
            })
            .count();
        assert_eq!(tried, 3);
        assert!(demux.may_miss(other, start));
        assert!(demux.may_miss(attacker, start + Duration::from_secs(1)));
    }
}
