//! Finds the peer of a datagram: by source address, or for a STUN request by the user it names.
//!
//! Invariant: an address stands in the table only after a STUN request from it passed the integrity check of that peer, so
//! nothing but STUN is ever handed to a peer from an address that it doesn't own.

use crate::limits::{NEW_TUPLE_INTERVAL, NEW_TUPLES_BURST, STUN_UNWATCHED_PER_SECOND, STUN_WATCHED_MAX, TUPLES_PER_PEER};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

/// Where a peer is kept on this worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

    /// `source` proved to be `key`'s, whose addresses are `tuples`.
    pub(crate) fn learn(&mut self, source: SocketAddr, key: PeerKey, tuples: &mut Tuples) {
        let known = tuples.known.iter().position(|known| *known == source);
        match known {
            Some(at) => drop(tuples.known.remove(at)),
            None if tuples.known.len() == TUPLES_PER_PEER => self.forget(tuples.known.remove(0), key),
            None => {}
        }
        tuples.known.push(source);
        self.by_address.insert(source, key);
    }

    /// Drops a peer's addresses but `kept`.
    pub(crate) fn forget_all_but(&mut self, kept: Option<SocketAddr>, key: PeerKey, tuples: &mut Tuples) {
        for source in tuples.known.extract_if(.., |source| Some(*source) != kept) {
            self.forget(source, key);
        }
    }

    /// Drops `source`, unless it has become another peer's.
    fn forget(&mut self, source: SocketAddr, key: PeerKey) {
        if self.peer_at(source) == Some(key) {
            self.by_address.remove(&source);
        }
    }

    /// Whether a STUN request for `key` is worth its integrity check, though it comes from an address that isn't the peer's.
    pub(crate) fn may_miss(&mut self, key: PeerKey, source: IpAddr, now: Instant) -> bool {
        self.misses.may_miss((network(source), key), now)
    }

    /// A STUN request for `key` from there was forged.
    pub(crate) fn missed(&mut self, key: PeerKey, source: IpAddr) {
        self.misses.missed((network(source), key));
    }
}

/// The addresses of one peer, and how many new ones it may come with.
#[derive(Debug, Default)]
pub(crate) struct Tuples {
    /// Those in the table. The last one checked stands last.
    known: Vec<SocketAddr>,
    /// The last new ones, in the table or not.
    admitted: VecDeque<SocketAddr>,
    /// When as many new ones as ever may come again.
    full_at: Option<Instant>,
}

impl Tuples {
    /// Whether the peer may prove `source`. A new address is counted.
    pub(crate) fn admit(&mut self, source: SocketAddr, now: Instant) -> bool {
        if self.known.contains(&source) || self.admitted.contains(&source) {
            return true;
        }
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now)) + NEW_TUPLE_INTERVAL;
        if full_at - now > NEW_TUPLE_INTERVAL * NEW_TUPLES_BURST as u32 {
            return false;
        }
        self.full_at = Some(full_at);
        if self.admitted.len() == NEW_TUPLES_BURST {
            self.admitted.pop_front();
        }
        self.admitted.push_back(source);
        true
    }
}

/// Misses in the running second, by address and peer: behind one NAT, nobody can use up what another may miss.
#[derive(Debug)]
struct Misses {
    per_second: u32,
    since: Option<Instant>,
    counts: HashMap<(IpAddr, PeerKey), u32>,
    /// Of addresses and peers that there was no room for.
    unwatched: u32,
}

impl Misses {
    fn new(per_second: u32) -> Self {
        Self { per_second, since: None, counts: HashMap::new(), unwatched: 0 }
    }

    fn may_miss(&mut self, pair: (IpAddr, PeerKey), now: Instant) -> bool {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= Duration::from_secs(1)) {
            self.since = Some(now);
            self.counts.clear();
            self.unwatched = 0;
        }
        match self.counts.get(&pair) {
            Some(&count) => count < self.per_second,
            // To refuse would let whoever can spoof addresses keep everybody out.
            None => self.counts.len() < STUN_WATCHED_MAX || self.unwatched < STUN_UNWATCHED_PER_SECOND,
        }
    }

    fn missed(&mut self, pair: (IpAddr, PeerKey)) {
        if self.counts.len() < STUN_WATCHED_MAX || self.counts.contains_key(&pair) {
            *self.counts.entry(pair).or_default() += 1;
        } else {
            self.unwatched += 1;
        }
    }
}

/// What one sender can choose its address from at will: of IPv6, the lower half (RFC 4291 §2.5.4).
pub(crate) fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: PeerKey = PeerKey { room: 0, peer: 0 };

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn a_peer_keeps_the_eight_addresses_that_were_checked_last() {
        let (mut demux, mut tuples) = (Demux::new(1), Tuples::default());
        for port in 1..=10 {
            demux.learn(at(port), KEY, &mut tuples);
            demux.learn(at(1), KEY, &mut tuples);
        }
        assert_eq!(tuples.known.len(), 8);
        let kept: Vec<_> = (1..=10).filter(|&port| demux.peer_at(at(port)) == Some(KEY)).collect();
        assert_eq!(kept, [1, 4, 5, 6, 7, 8, 9, 10]);
        demux.forget_all_but(None, KEY, &mut tuples);
        assert!(demux.by_address.is_empty());
    }

    #[test]
    fn new_addresses_come_in_a_burst_and_then_slowly_while_known_ones_always_may() {
        let start = Instant::now();
        let (mut demux, mut tuples) = (Demux::new(1), Tuples::default());
        assert!(tuples.admit(at(1), start));
        demux.learn(at(1), KEY, &mut tuples);
        assert_eq!((1..1000).filter(|&port| tuples.admit(at(port), start)).count(), NEW_TUPLES_BURST);
        assert!((1..=8).all(|port| tuples.admit(at(port), start)), "also those that the table forgot");
        let minute = (0..60_000u16).filter(|ms| ms % 100 == 0).map(|ms| (at(1000 + ms / 100), start + Duration::from_millis(ms.into())));
        assert_eq!(minute.filter(|&(source, now)| tuples.admit(source, now)).count(), 11, "one in 5 s");
        let later = start + Duration::from_secs(3600);
        assert_eq!((2000..3000).filter(|&port| tuples.admit(at(port), later)).count(), NEW_TUPLES_BURST);
        assert_eq!(tuples.admitted.len(), NEW_TUPLES_BURST);
    }

    #[test]
    fn an_address_that_became_another_peers_is_not_forgotten_with_the_first() {
        let mut demux = Demux::new(1);
        let other = PeerKey { room: 0, peer: 1 };
        let (mut first, mut second) = (Tuples::default(), Tuples::default());
        demux.learn(at(9), KEY, &mut first);
        demux.learn(at(9), other, &mut second);
        demux.forget_all_but(None, KEY, &mut first);
        assert_eq!(demux.peer_at(at(9)), Some(other));
    }

    /// How many of `count` forged requests from there are checked.
    fn checked(demux: &mut Demux, source: IpAddr, count: usize, now: Instant) -> usize {
        let may = |demux: &mut Demux| demux.may_miss(KEY, source, now).then(|| demux.missed(KEY, source));
        (0..count).filter_map(|_| may(demux)).count()
    }

    #[test]
    fn misses_are_limited_per_address_and_peer_and_second() {
        let (start, mut demux) = (Instant::now(), Demux::new(3));
        let (attacker, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        assert_eq!(checked(&mut demux, attacker, 100, start), 3);
        assert!(demux.may_miss(KEY, other, start));
        assert!(demux.may_miss(PeerKey { room: 0, peer: 1 }, attacker, start));
        assert!(demux.may_miss(KEY, attacker, start + Duration::from_secs(1)));
    }

    #[test]
    fn an_ipv6_sender_gains_nothing_by_changing_the_half_that_is_its_own() {
        let (start, mut demux) = (Instant::now(), Demux::new(3));
        let source = |network: u16, host: u16| IpAddr::from([0x2001, 0xdb8, 0, network, 0, 0, 0, host]);
        let checked: usize = (0..100).map(|host| checked(&mut demux, source(0, host), 1, start)).sum();
        assert_eq!(checked, 3);
        assert!(demux.may_miss(KEY, source(1, 0), start));
    }

    #[test]
    fn a_million_spoofed_addresses_use_bounded_memory_and_time_and_keep_nobody_out_for_longer_than_a_second() {
        let (start, mut demux) = (Instant::now(), Demux::new(20));
        let spoofed = |n: u32| IpAddr::from((n | 0x0a00_0000).to_be_bytes());
        let honest = IpAddr::from([192, 0, 2, 1]);
        let few: usize = (0..STUN_WATCHED_MAX as u32 + 100).map(|n| checked(&mut demux, spoofed(n), 1, start)).sum();
        assert_eq!(few, STUN_WATCHED_MAX + 100);
        assert!(demux.may_miss(KEY, honest, start), "a full table keeps nobody out");
        let all: usize = (0..1_000_000).map(|n| checked(&mut demux, spoofed(n), 1, start)).sum();
        assert!(all <= STUN_WATCHED_MAX + STUN_UNWATCHED_PER_SECOND as usize, "{all} were checked");
        assert_eq!(demux.misses.counts.len(), STUN_WATCHED_MAX);
        assert!(demux.misses.counts.capacity() <= 4 * STUN_WATCHED_MAX);
        assert!(demux.may_miss(KEY, honest, start + Duration::from_secs(1)));
    }
}
