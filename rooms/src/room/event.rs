//! What goes into a room's core and what comes out of it. Plain values: whoever performs an [`Output`] decides nothing.

use crate::chat::Delivery;
use crate::permission::Authority;
use crate::session::Grants;
use crate::view::{MediaMap, Rights, RoomView, Slot, TrackSource, TrackView, User};
use crate::{Event, LeaveReason, Loss, Mid, Part, ParticipantId, Publication, Result, SessionId, TrackId, UserId};
use media::{Demand, Kind, MediaLine, PeerId};
use std::sync::Arc;

/// A reserved seat, until it is taken, given back or forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// Something happened. Those marked *request* are answered by exactly one [`Output::Answer`] in the same call.
#[derive(Debug)]
pub(crate) enum Input {
    /// Request: reserves a seat. Answered by [`Answer::Reserved`].
    Seat(Box<SeatRequest>),
    /// Gives a reservation back: the offer was bad, or the caller has gone.
    Unseat { ticket: Ticket },
    /// Request: takes the reserved seat. Answered by [`Answer::Snapshot`].
    Attach { ticket: Ticket, media: Option<OfferedMedia> },
    /// Request: how an offer of a seated session is to be answered. Answered by [`Answer::Plan`].
    Offer { session: SessionId },
    /// Request: an offer was answered as planned. Answered by [`Answer::Snapshot`].
    OfferAnswered { session: SessionId, plan: OfferPlan, media: OfferedMedia },
    /// Request: answered by [`Answer::Track`].
    Mute { session: SessionId, track: TrackId, muted: bool },
    /// Request: mutes or unmutes somebody else's track, whatever its publisher does. Answered by [`Answer::Track`].
    ModerateTrack { by: Authority, track: TrackId, muted: bool },
    /// Request: exactly these sources of a participant are muted by a moderator. Answered by [`Answer::Done`].
    ModerateSources { by: Authority, participant: ParticipantId, muted: Vec<TrackSource> },
    /// Request: what a participant wants to see first. Answered by [`Answer::Done`].
    Pin { session: SessionId, tracks: Vec<TrackId> },
    /// Request: what the session can use of somebody's track. Answered by [`Answer::Done`].
    Demand { session: SessionId, track: TrackId, demand: Demand },
    /// Request: the session's m-lines carry these sources from now on. `tracks` has an id for each that is new. Answered by
    /// [`Answer::Snapshot`].
    Publish { session: SessionId, publish: Vec<Publication>, tracks: Vec<TrackId> },
    /// Request: what the media plane calls the session's peer and the room's tracks. Answered by [`Answer::MediaEnds`].
    MediaEnds { session: SessionId },
    /// Request: leaves at once. Answered by [`Answer::Done`].
    Leave { session: SessionId, reason: LeaveReason },
    /// Request: removes somebody. Answered by [`Answer::Done`].
    Kick { by: Authority, participant: ParticipantId },
    /// Somebody wants to know who is here.
    Announce,
    /// The user may not be here any more.
    Expel { user: UserId },
    /// Request: ends the room. Answered by [`Answer::Done`].
    Close { by: Authority },
    /// The session's connection is lost.
    Lost { session: SessionId, loss: Loss },
    /// Request: the session has a connection again. Answered by [`Answer::Snapshot`].
    Resumed { session: SessionId },
    /// Request: answered by [`Answer::View`].
    View,
    /// Of the room's channel.
    Chat(Delivery),
    /// From the media plane.
    Media(media::Event),
    /// The time of [`super::Room::next_deadline`] has come.
    Deadline,
    /// Request: the node stops. Answered by [`Answer::Done`].
    Stop,
    /// Fails, to show what then ends and what goes on.
    #[cfg(test)]
    Panic,
}

/// Who wants a seat.
#[derive(Debug, Clone)]
pub(crate) struct SeatRequest {
    pub(crate) session: SessionId,
    pub(crate) user: User,
    pub(crate) grants: Grants,
    pub(crate) password: PasswordVerdict,
    /// The id to use when the user has no seat yet.
    pub(crate) participant: ParticipantId,
    pub(crate) part: Part,
}

/// What the check of a given password said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PasswordVerdict {
    Right,
    Wrong,
    /// None was given, or none had to be checked.
    Unchecked,
}

/// The two directions of an answered offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OfferedMedia {
    pub(crate) slots: Vec<MediaLine>,
    pub(crate) sources: Vec<SourceLine>,
    pub(crate) publish: Option<Vec<Publication>>,
}

/// An m-line on which the client can send, with the id of the track that it becomes if it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceLine {
    pub(crate) mid: Mid,
    pub(crate) kind: Kind,
    pub(crate) track: TrackId,
}

/// How to answer an offer of somebody who is seated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfferPlan {
    /// As that of a new peer.
    Fresh,
    /// As a further one of this peer.
    Further(PeerId),
}

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Output {
    /// To whoever made the request that is being handled.
    Answer(Result<Answer>),
    /// To a session.
    Send { to: SessionId, event: Arc<Event> },
    /// To the media plane.
    Media(MediaOutput),
    /// The session holds a seat from now on.
    Seated { session: SessionId },
    /// The session holds no seat any more.
    Released { session: SessionId },
    /// So many seats are taken now.
    Occupied { seats: u8 },
    /// The room has ended for good: nothing follows.
    Ended,
    /// The room's task is over, the room is not: nothing follows.
    Stopped,
}

/// An answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Reserved(Ticket),
    Snapshot(Box<Snapshot>),
    Plan(OfferPlan),
    Track(TrackView),
    View(Box<RoomView>),
    MediaEnds {
        /// `None` for who sits without media.
        peer: Option<PeerId>,
        tracks: Vec<(media::TrackId, TrackId)>,
    },
    Done,
}

/// All that a participant needs to know of its room.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) participant: ParticipantId,
    pub(crate) room: RoomView,
    pub(crate) tracks: Vec<TrackView>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) map: MediaMap,
    pub(crate) rights: Rights,
}

/// A [`media::Command`] without what only the shell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MediaOutput {
    /// With the negotiated offer that came beside the input. `tag` goes before its data, if it may send any.
    AddPeer {
        peer: PeerId,
        tag: ParticipantId,
        data: bool,
    },
    RemovePeer {
        peer: PeerId,
    },
    Publish {
        peer: PeerId,
        mid: Mid,
        track: media::TrackId,
        kind: Kind,
    },
    Unpublish {
        track: media::TrackId,
    },
    Bind {
        peer: PeerId,
        slot: Mid,
        track: Option<media::TrackId>,
    },
    BindSpeaker {
        peer: PeerId,
        slot: Mid,
    },
    SetMuted {
        track: media::TrackId,
        muted: bool,
    },
    Demand {
        peer: PeerId,
        slot: Mid,
        demand: Demand,
    },
}
