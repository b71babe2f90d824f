//! Bounds of queues, tables and rates that aren't worth a setting. Each says what happens at the bound.

use std::time::Duration;

/// Commands waiting for a worker. Full: the sender gets [`crate::QueueFull`] and may try again.
pub(crate) const COMMANDS_MAX: usize = 1024;
/// Commands applied between two looks at the socket. More wait for the next turn, so that a burst of joins can't stop media.
pub(crate) const COMMANDS_PER_TURN: usize = 32;
/// Batches received between two looks at commands and timers. More wait in the socket buffer for the next turn.
pub(crate) const BATCHES_PER_TURN: usize = 16;
/// Remote addresses remembered per peer. One more forgets the oldest.
pub(crate) const TUPLES_PER_PEER: usize = 8;
/// Authenticated SSRCs (without repair) a peer may send between two offers. Packets of further ones are dropped and counted.
pub(crate) const SSRCS_PER_PEER: usize = 16;
/// Addresses watched for STUN misses. Full: addresses not watched yet are refused until the second is over.
pub(crate) const STUN_WATCHED_MAX: usize = 4096;
/// Wanted size of the socket buffers in bytes, some 0.3 s at 100 Mbit/s. The kernel may grant less; what doesn't fit is dropped.
pub(crate) const SOCKET_BUFFER: usize = 4 * 1024 * 1024;
/// Packets kept per video slot to answer NACKs. Older ones can't be repeated.
pub(crate) const RTX_CACHE_PACKETS: usize = 2000;
/// Age at which a packet is no longer worth repeating.
pub(crate) const RTX_CACHE_AGE: Duration = Duration::from_secs(3);
/// A simulcast layer without packets for this long gives way to one that has some.
pub(crate) const LAYER_SILENCE: Duration = Duration::from_secs(1);
