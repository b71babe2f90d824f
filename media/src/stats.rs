//! Counters of the workers. Written by one thread each, read by anyone, never reset.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Declares the counters once, for the live form and for the snapshot.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// The counters of one worker.
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: Counter),+ }

        /// Sums over all workers at one moment. All but `peers`, `rooms` and `tcp_connections` only grow.
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
        pub struct Stats { $($(#[$doc])* pub $name: u64),+ }

        impl Stats {
            pub(crate) fn add(&mut self, counters: &Counters) {
                $(self.$name += counters.$name.value();)+
            }

            /// Name and value of each counter, in the order of declaration.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name)),+].into_iter()
            }
        }
    };
}

counters! {
    /// Peers present now.
    peers,
    /// Rooms with at least one peer so far and an open handle, now.
    rooms,
    /// UDP datagrams received.
    packets_in,
    /// Bytes of UDP payload received.
    bytes_in,
    /// UDP datagrams sent.
    packets_out,
    /// Bytes of UDP payload sent.
    bytes_out,
    /// RTP packets of publishers, authenticated.
    rtp_in,
    /// RTP packets queued for subscribers.
    rtp_forwarded,
    /// Datagrams that are neither STUN, DTLS, RTP nor RTCP, or not for anybody here.
    dropped_malformed,
    /// Datagrams from addresses that no STUN check validated.
    dropped_unvalidated,
    /// TCP connections to workers, now.
    tcp_connections,
    /// TCP connections closed because there were too many, or because they proved or took nothing in time.
    tcp_refused,
    /// TCP connections closed because of what they sent.
    tcp_malformed,
    /// STUN that is no request for anybody here, or has wrong integrity.
    dropped_stun,
    /// STUN requests dropped unchecked, because too many of their address missed.
    dropped_stun_rate,
    /// STUN requests with which a peer came from more new addresses than it may.
    dropped_tuple_rate,
    /// RTP packets of m-lines without a track.
    dropped_unpublished,
    /// RTP packets of muted tracks.
    dropped_muted,
    /// RTP packets of simulcast layers that nobody receives.
    dropped_layer,
    /// RTP packets beyond the SSRC limit of their peer.
    dropped_ssrc_limit,
    /// RTP packets not forwarded to a slot, because it waits for a key frame or is past them.
    dropped_switching,
    /// RTP packets not forwarded to a slot, because its peer doesn't have the codec.
    dropped_codec,
    /// Data messages of peers that were taken.
    data_in,
    /// Data messages queued for subscribers.
    data_forwarded,
    /// Data messages dropped: too large, too many, not allowed, or for a subscriber that doesn't keep up.
    dropped_data,
    /// Datagrams that the socket didn't take.
    dropped_send,
    /// Key frames asked of publishers.
    pli_out,
    /// Key frames asked for by subscribers.
    pli_in,
    /// Rooms closed by a panic.
    panics,
}

/// A number that one thread writes.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn inc(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, n: u64) {
        // One writer: a load and a store cost less than a locked add.
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
