//! What a room's owner says to the media plane, and what it hears back.

use crate::{Kind, Mid, Negotiated, OfferError, PeerId, PeerStats, Quality, Renegotiated, Rid, TrackId};

/// Carries the answer of a command that has one. Called once, on the worker's thread: it must not block. Dropped uncalled when
/// the worker stops first.
pub type Reply<T> = Box<dyn FnOnce(T) + Send>;

/// A request to the worker that holds a room. Applied in the order of sending.
///
/// A command that names a peer, slot or track that doesn't exist (any more) does nothing: it lost a race with a departure.
pub enum Command {
    /// Adds a peer whose offer was answered by [`crate::Room::negotiate`]. `tag` (at most 255 bytes) goes before its data messages, one byte
    /// with its length first, so that receivers know the sender; without `data` the peer's messages are dropped.
    AddPeer { peer: PeerId, negotiated: Box<Negotiated>, tag: Vec<u8>, data: bool },
    /// Answers a further offer of a present peer (more slots, or an ICE restart).
    Renegotiate { peer: PeerId, offer: String, reply: Reply<Result<Renegotiated, OfferError>> },
    /// Closes the peer's transport. Its tracks and bindings go with it; no [`Event`] follows.
    RemovePeer { peer: PeerId },
    /// Names what `peer` sends on `mid`, so that it can be bound. RTP on an m-line without a track is dropped.
    Publish { peer: PeerId, mid: Mid, track: TrackId, kind: Kind },
    /// The track is gone; slots bound to it fall silent.
    Unpublish { track: TrackId },
    /// `slot` of `peer` receives `track` from now on, or nothing. A video track starts with a key frame.
    Bind { peer: PeerId, slot: Mid, track: Option<TrackId> },
    /// `slot` of `peer`, an audio slot, follows the room's loudest voices from now on, the peer's own left out: with `n` such slots a peer
    /// hears the `n` loudest, at most [`crate::POOL_SLOTS`]. [`Command::Bind`] ends that.
    BindSpeaker { peer: PeerId, slot: Mid },
    /// A muted track is not forwarded, whatever its publisher sends.
    SetMuted { track: TrackId, muted: bool },
    /// What the client can use on a slot. It holds until the slot is bound to another track; then the default holds again.
    Demand { peer: PeerId, slot: Mid, demand: Demand },
    /// Asks how the peer's media fares. None when there is no such peer.
    Stats { peer: PeerId, reply: Reply<Option<PeerStats>> },
}

/// What a client can use of a track on one of its slots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Demand {
    /// Nothing is sent on the slot.
    pub paused: bool,
    /// Width and height of the tile that shows the video, in physical pixels. None is the largest. Audio has no size.
    pub size: Option<(u16, u16)>,
}

/// What happened to the media of a room.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// ICE and DTLS are up: media can flow both ways.
    Connected { peer: PeerId },
    /// The peer's transport is dead. The peer has been removed already.
    Lost { peer: PeerId, reason: LossReason },
    /// Who is audible, loudest first, with the level in dBov (0 loudest, -127 silent; RFC 6464). Sent only on a change, at most
    /// every 200 ms. Empty when nobody speaks.
    Speakers { speakers: Vec<(PeerId, i8)> },
    /// What is wanted of a video track, to be passed to its publisher. Sent on a change: what is wanted anew at once, what nobody wants any more
    /// about a second later. Before the first one everything is wanted.
    Layers {
        track: TrackId,
        /// Whether anybody can use the track. If not, its publisher need not send anything.
        wanted: bool,
        /// Which of the track's simulcast layers are wanted, low to high. Always empty for a track without simulcast.
        active: Vec<Rid>,
    },
    /// The SFU stopped sending video on a slot for lack of bandwidth, or started again.
    Stalled { peer: PeerId, slot: Mid, stalled: bool },
    /// How well the connections of these peers do: those that changed, at most every 2 s.
    Quality { qualities: Vec<(PeerId, Quality)> },
    /// What each slot of the room that follows its speakers carries: all of them, so a later event replaces an earlier one. Sent only on a
    /// change, at most every 200 ms.
    SpeakerSlots { slots: Vec<SpeakerSlot> },
}

/// A slot bound by [`Command::BindSpeaker`], and whom it carries now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpeakerSlot {
    pub peer: PeerId,
    pub slot: Mid,
    pub track: Option<TrackId>,
}

/// Why a peer's transport ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossReason {
    /// The first valid packet never came.
    NeverConnected,
    /// Nothing authentic arrived for the configured silence (7 s: a browser checks consent every 5 s or less).
    Silent,
    /// The other end closed DTLS, or the transport failed inside the SFU.
    Closed,
}

/// Takes the events of one room. Called on the worker's thread: it must not block.
pub trait EventSink: Send + Sync + 'static {
    /// Takes one event.
    fn event(&self, event: Event);
}
