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
/// Checks of a peer whose repeat from elsewhere is known as such: 8 kB, some 20 minutes at one check in 2.5 s. An older one is taken for new.
pub(crate) const CHECKS_REMEMBERED: usize = 512;
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
/// How long a packet of a voice channel waits for others to the same listeners, which then leave by one system call. Longer would be heard: a
/// tenth of what a jitter buffer holds isn't.
pub(crate) const GATHER: Duration = Duration::from_millis(5);
/// Packets that wait so in one room. With one more, all leave at once.
pub(crate) const KEPT_PACKETS: usize = 64;
/// Packets a second that a worker forwards before voice channels wait for anything: some tenth of a core. One with less to do saves nothing that
/// anybody needs.
pub(crate) const GATHER_ABOVE: u64 = 10_000;
/// Packets kept per video slot to answer NACKs. Older ones can't be repeated.
pub(crate) const RTX_CACHE_PACKETS: usize = 2000;
/// Age at which a packet is no longer worth repeating: nobody waits longer for a frame, and each second of video at 1.5 Mbit/s is 0.19 MB
/// per publisher.
pub(crate) const RTX_CACHE_AGE: Duration = Duration::from_secs(1);
/// Repeats may have this share of what is sent on a slot; a NACK beyond it isn't answered. At 20 % random loss a share of 0.15 left 8–13 freezes where
/// more left none; without any limit the repeats of what a narrow path dropped fill that path for seconds.
pub(crate) const RTX_SHARE_MAX: f32 = 0.5;
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
/// TCP connections of all clients. Full: further ones are closed at once, and clients try again.
pub(crate) const TCP_CONNECTIONS_MAX: usize = 4096;
/// TCP connections from one address: an office behind one, all of whose people had to fall back. Full: as above.
pub(crate) const TCP_PER_ADDRESS: usize = 256;
/// TCP connections that proved nothing yet, of all addresses and of one. Full: as above.
pub(crate) const TCP_STRANGERS_MAX: usize = 512;
pub(crate) const TCP_STRANGERS_PER_ADDRESS: usize = 32;
/// TCP connections of one peer. One more closes the oldest.
pub(crate) const TCP_PER_PEER: usize = 4;
/// A TCP connection without an authentic check for this long is closed.
pub(crate) const TCP_FIRST_CHECK: Duration = Duration::from_secs(5);
/// Checks for nobody that a new TCP connection may send: the worker may be slower than the answer. One more closes it.
pub(crate) const TCP_FRAMES_UNKNOWN: u32 = 64;
/// A TCP connection on which nothing came for this long is closed. Browsers check paths that they keep every 15 s or more often.
pub(crate) const TCP_IDLE: Duration = Duration::from_secs(40);
/// A TCP connection that took nothing for this long is closed.
pub(crate) const TCP_STUCK: Duration = Duration::from_secs(5);
/// Longest packet on a TCP connection, in bytes. A longer one closes it.
pub(crate) const TCP_FRAME_MAX: usize = 2048;
/// Bytes that are read of a TCP connection at once, and how often in a turn. More waits for the next turn.
pub(crate) const TCP_READ_BYTES: usize = 16 * 1024;
pub(crate) const TCP_READS_PER_TURN: usize = 8;
/// Bytes that wait to be written to a TCP connection, a second at 1 Mbit/s. Full: media is dropped and counted.
pub(crate) const TCP_SEND_BYTES: usize = 128 * 1024;
/// What may wait beyond that of checks and of DTLS. Full: the connection is closed.
pub(crate) const TCP_SEND_RESERVE_BYTES: usize = 16 * 1024;
/// Wanted size of a TCP connection's send buffer in the kernel. Larger ones hide for seconds that a reader is slow.
pub(crate) const TCP_SOCKET_BUFFER: usize = 64 * 1024;
/// TCP connections on their way to a worker. Full: further ones are closed, and clients try again.
pub(crate) const TCP_HANDOVERS_MAX: usize = 64;
