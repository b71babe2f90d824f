//! What the rooms of a worker use of it: where peers are reached, when they want to be woken, and the way out.
//!
//! It knows neither rooms nor packets' meaning. Invariant: a peer that was counted in is counted out once.

use crate::config::Limits;
use crate::demux::{Demux, PeerKey};
use crate::limits::{GATHER_ABOVE, SPARE_QUEUES};
use crate::load::Load;
use crate::peer::Sent;
use crate::socket::{Datagram, Outbox, Packets};
use crate::stats::Counters;
use crate::tcp::Connections;
use crate::timers::Timers;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use str0m::net::{Protocol, Transmit};

/// What the worker and its handles share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) stop: AtomicBool,
    /// Set when a room lost its last handle.
    pub(crate) sweep: AtomicBool,
    pub(crate) load: Load,
    pub(crate) counters: Arc<Counters>,
}

/// A worker as its rooms see it.
pub(crate) struct Io {
    pub(crate) demux: Demux,
    pub(crate) timers: Timers,
    pub(crate) counters: Arc<Counters>,
    /// Peers to drain in this turn.
    pub(crate) dirty: Vec<PeerKey>,
    outbox: Outbox,
    /// Emptied queues for the peers that are next to send something.
    spare: Vec<Packets>,
    pub(crate) tcp: Connections,
    /// Takes what would be sent, by destination, when a test wants it.
    #[cfg(test)]
    pub(crate) tapped: Option<Vec<(std::net::SocketAddr, Vec<u8>)>>,
    peers: u64,
    shared: Arc<Shared>,
}

impl Io {
    pub(crate) fn new(outbox: Outbox, tcp: Connections, limits: Limits, shared: Arc<Shared>) -> Self {
        Self {
            demux: Demux::new(limits.stun_misses_per_second),
            timers: Timers::default(),
            counters: Arc::clone(&shared.counters),
            dirty: vec![],
            outbox,
            spare: vec![],
            tcp,
            #[cfg(test)]
            tapped: None,
            peers: 0,
            shared,
        }
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Whose address or connection a datagram came from.
    pub(crate) fn peer_at(&self, datagram: &Datagram<'_>) -> Option<PeerKey> {
        match datagram.protocol {
            Protocol::Udp => self.demux.peer_at(datagram.source),
            _ => self.tcp.owner(datagram.source, datagram.destination),
        }
    }

    pub(crate) fn send(&mut self, transmit: &Transmit) {
        #[cfg(test)]
        if let Some(tapped) = &mut self.tapped {
            tapped.push((transmit.destination, transmit.contents.to_vec()));
            return;
        }
        if transmit.proto != Protocol::Udp {
            return self.tcp.push(transmit, &self.counters);
        }
        self.outbox.push(transmit.source, transmit.destination, &transmit.contents, &self.counters);
    }

    /// Whether there is so much to do that it pays to let voices wait for each other.
    pub(crate) fn is_busy(&self) -> bool {
        self.shared.load.rate() >= GATHER_ABOVE
    }

    /// Counts what became of a packet on a slot.
    pub(crate) fn count(&self, sent: Sent) {
        match sent {
            Sent::Queued => self.counters.rtp_forwarded.inc(),
            Sent::NoCodec => self.counters.dropped_codec.inc(),
            Sent::Held(_) => self.counters.dropped_switching.inc(),
            Sent::NotChosen => {}
        }
    }

    /// A queue for one peer's packets of this turn.
    pub(crate) fn packets(&mut self) -> Packets {
        self.spare.pop().unwrap_or_default()
    }

    /// Sends a peer's packets of this turn.
    pub(crate) fn send_packets(&mut self, mut packets: Packets) {
        #[cfg(test)]
        if let Some(tapped) = &mut self.tapped {
            tapped.extend(packets.datagrams());
            return;
        }
        self.outbox.send(&mut packets, &self.counters);
        if self.spare.len() < SPARE_QUEUES {
            self.spare.push(packets);
        }
    }

    /// Sends what was queued.
    pub(crate) fn flush(&mut self) {
        self.outbox.flush(&self.counters);
        self.tcp.flush(&self.counters);
    }

    pub(crate) fn peers_changed(&mut self, by: i8) {
        self.peers = self.peers.saturating_add_signed(by.into());
        self.counters.peers.set(self.peers);
        match by {
            1.. => self.shared.load.enter(),
            _ => self.shared.load.leave(),
        }
    }
}
