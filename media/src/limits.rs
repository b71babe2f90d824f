//! Bounds of queues, tables and rates that aren't worth a setting. Each says what happens at the bound.

use std::time::Duration;

/// Commands waiting for a worker. Full: the sender gets [`crate::QueueFull`] and may try again.
pub(crate) const COMMANDS_MAX: usize = 1024;
/// Commands applied between two looks at the socket. More wait for the next turn, so that a burst of joins can't stop media.
pub(crate) const COMMANDS_PER_TURN: usize = 32;
/// Batches received between two looks at commands and timers. More wait in the socket buffer for the next turn.
pub(crate) const BATCHES_PER_TURN: usize = 16;
/// Remote addresses remembered per peer. One more forgets the one that was checked the longest time ago.
pub(crate) const TUPLES_PER_PEER: usize = 8;
/// Remote addresses that a peer may come with at once, and that count as its own later; a further one every [`NEW_TUPLE_INTERVAL`]. More
/// are dropped, and the client's ICE tries them again. The ICE agent never forgets an address between two offers, so new ones must be slow.
pub(crate) const NEW_TUPLES_BURST: usize = 32;
/// See [`NEW_TUPLES_BURST`].
pub(crate) const NEW_TUPLE_INTERVAL: Duration = Duration::from_secs(5);
/// Authenticated SSRCs (without repair) a peer may send between two offers. Packets of further ones are dropped and counted.
pub(crate) const SSRCS_PER_PEER: usize = 16;
/// Longest STUN request that is read. An ICE agent's has some 100 bytes, and 600 with the longest user name.
pub(crate) const STUN_REQUEST_BYTES_MAX: usize = 1024;
/// Attributes of a STUN request that are read in the search for its user and integrity. An ICE agent sends six.
pub(crate) const STUN_ATTRIBUTES_MAX: usize = 16;
/// Pairs of address and peer watched for STUN misses, some 300 kB. Full: the others share [`STUN_UNWATCHED_PER_SECOND`] until the second is over.
pub(crate) const STUN_WATCHED_MAX: usize = 4096;
/// STUN requests per second whose integrity is checked for pairs that there was no room to watch: 20 ms of CPU. More are dropped.
pub(crate) const STUN_UNWATCHED_PER_SECOND: u32 = 10_000;
/// Wanted size of the socket buffers in bytes, some 0.3 s at 100 Mbit/s. The kernel may grant less; what doesn't fit is dropped.
pub(crate) const SOCKET_BUFFER: usize = 4 * 1024 * 1024;
/// Packets held for a peer that is still connecting, some 2 s of a talk. One more drops all, and video starts over with a key
/// frame once it is connected.
pub(crate) const EARLY_PACKETS: usize = 512;
/// Emptied send queues kept for reuse by a worker. More are freed; a turn with more peers to send to allocates.
pub(crate) const SPARE_QUEUES: usize = 64;
/// Packets kept per video slot to answer NACKs. Older ones can't be repeated.
pub(crate) const RTX_CACHE_PACKETS: usize = 2000;
/// Age at which a packet is no longer worth repeating.
pub(crate) const RTX_CACHE_AGE: Duration = Duration::from_secs(3);
/// Longest data message, in bytes. The answer says it; a longer one is dropped and counted, or ends its sender where SCTP notices first.
pub(crate) const DATA_MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// Data messages a peer may send per second, and at once after a pause. Further ones are dropped and counted.
pub(crate) const DATA_MESSAGES_PER_S: u32 = 50;
pub(crate) const DATA_BURST_MESSAGES: u32 = 100;
/// Bytes of data messages a peer may send per second, and at once after a pause. Further ones are dropped and counted.
pub(crate) const DATA_BYTES_PER_S: u32 = 64 * 1024;
pub(crate) const DATA_BURST_BYTES: u32 = 128 * 1024;
/// Bytes that wait for one subscriber on both channels. Full: its reliable channel is closed, a lossy message is dropped.
pub(crate) const DATA_BACKLOG_BYTES: usize = 512 * 1024;
/// Bytes that wait for one subscriber on the lossy channel. More is dropped: it would be old news, and take the place of what must arrive.
pub(crate) const DATA_LOSSY_BACKLOG_BYTES: usize = 64 * 1024;
/// A simulcast layer this far behind the newest packet of its track gives way to one that has some.
pub(crate) const LAYER_SILENCE: Duration = Duration::from_secs(1);
/// Simulcast layers of one track. Packets of further ones are dropped and counted; browsers send three.
pub(crate) const LAYERS_PER_TRACK: usize = 4;
