//! Between the domain and the wire: the only place where one is written in terms of the other.

pub(crate) mod chat;

use super::client_event::{MediaAnswer, MediaOffer, MediaSubscribe, RoomCreate, RoomJoin, RoomJoined, Seat};
use super::error::{ErrorCode, WireError};
use super::server_event;
use super::types::{
    IceServer, LobbyRoom, Me, Participant, ParticipantState, Publication, Quality, Rights, Room, RoomKind, SdpKind, SessionDescription,
    Slot, SlotBinding, Track, TrackKind, TrackSource,
};
use rooms::store::{Listing, Nonce};
use rooms::{RoomId, view};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Longest SDP, in bytes. Chromium's offer of 3 audio and 4 video m-lines has 25 KiB.
pub const SDP_BYTES_MAX: usize = 64 * 1024;
/// Sending m-lines that one offer may name.
pub const PUBLICATIONS_MAX: usize = 16;
/// Longest `mid`: more can't be carried in a one-byte header extension (RFC 8285, section 4.2).
pub const MID_BYTES_MAX: usize = 16;
/// When to try again what is unavailable now.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(1);

impl WireError {
    /// An error without a time to wait.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None }
    }

    /// A value that isn't allowed.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Invalid, message)
    }

    /// Too many of these in a short time.
    pub fn rate_limited(retry_after: Duration) -> Self {
        // Rounded up: a client that waits exactly this long is not refused again.
        let ms = whole_ms(retry_after).saturating_add(1);
        let message = format!("too many requests, try again in {ms} ms");
        Self { code: ErrorCode::RateLimited, message, retry_after_ms: Some(ms) }
    }
}

impl ErrorCode {
    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::RoomFull => "room_full",
            Self::BadPassword => "bad_password",
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

impl From<rooms::Error> for WireError {
    fn from(error: rooms::Error) -> Self {
        let message = error.to_string();
        match error {
            rooms::Error::Forbidden(_) => Self::new(ErrorCode::Forbidden, message),
            rooms::Error::NotFound(_) => Self::new(ErrorCode::NotFound, message),
            rooms::Error::Conflict(_) => Self::new(ErrorCode::Conflict, message),
            // No code of its own: there is nothing that a client would do differently from giving up.
            rooms::Error::Unsupported(_) => Self::new(ErrorCode::Invalid, message),
            rooms::Error::RoomFull => Self::new(ErrorCode::RoomFull, message),
            rooms::Error::BadPassword => Self::new(ErrorCode::BadPassword, message),
            rooms::Error::Invalid { .. } => Self::new(ErrorCode::Invalid, message),
            rooms::Error::TooLarge { .. } => Self::new(ErrorCode::TooLarge, message),
            rooms::Error::RateLimited { retry_after } => Self::rate_limited(retry_after),
            rooms::Error::Unavailable(_) => {
                Self { code: ErrorCode::Unavailable, message, retry_after_ms: Some(whole_ms(UNAVAILABLE_RETRY)) }
            }
        }
    }
}

/// Whole milliseconds, as the wire counts time.
pub(crate) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// As the wire writes times.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    // Fails only for years beyond 9999, which no clock of ours shows.
    OffsetDateTime::from(time).format(&Rfc3339).unwrap_or_default()
}

impl From<view::RoomView> for Room {
    fn from(room: view::RoomView) -> Self {
        Self {
            id: room.id.to_string(),
            name: room.name,
            kind: room.kind.into(),
            capacity: room.capacity,
            has_password: room.has_password,
            owner: room.owner.to_string(),
            channel: room.channel.to_string(),
            participants: room.participants.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<rooms::RoomKind> for RoomKind {
    fn from(kind: rooms::RoomKind) -> Self {
        match kind {
            rooms::RoomKind::Buddy => Self::Buddy,
            rooms::RoomKind::Voice => Self::Voice,
        }
    }
}

impl From<RoomKind> for rooms::RoomKind {
    fn from(kind: RoomKind) -> Self {
        match kind {
            RoomKind::Buddy => Self::Buddy,
            RoomKind::Voice => Self::Voice,
        }
    }
}

impl From<view::LobbyRoom> for LobbyRoom {
    fn from(room: view::LobbyRoom) -> Self {
        Self {
            id: room.id.to_string(),
            name: room.name,
            kind: room.kind.into(),
            capacity: room.capacity,
            seated: room.seated,
            has_password: room.has_password,
            owner_name: room.owner_name,
            created_at: rfc3339(room.created_at),
        }
    }
}

impl From<view::ParticipantView> for Participant {
    fn from(participant: view::ParticipantView) -> Self {
        Self {
            id: participant.id.to_string(),
            user: participant.user.to_string(),
            name: participant.name,
            state: match participant.state {
                view::ParticipantState::Joined => ParticipantState::Joined,
                view::ParticipantState::Reconnecting => ParticipantState::Reconnecting,
            },
        }
    }
}

impl From<view::TrackView> for Track {
    fn from(track: view::TrackView) -> Self {
        Self {
            id: track.id.to_string(),
            participant: track.participant.to_string(),
            kind: track.kind.into(),
            source: track.source.into(),
            muted: track.muted,
            muted_by_moderator: track.muted_by_moderator,
        }
    }
}

impl From<rooms::Kind> for TrackKind {
    fn from(kind: rooms::Kind) -> Self {
        match kind {
            rooms::Kind::Audio => Self::Audio,
            rooms::Kind::Video => Self::Video,
        }
    }
}

impl From<view::TrackSource> for TrackSource {
    fn from(source: view::TrackSource) -> Self {
        match source {
            view::TrackSource::Microphone => Self::Microphone,
            view::TrackSource::Camera => Self::Camera,
            view::TrackSource::Screen => Self::Screen,
        }
    }
}

impl From<TrackSource> for view::TrackSource {
    fn from(source: TrackSource) -> Self {
        match source {
            TrackSource::Microphone => Self::Microphone,
            TrackSource::Camera => Self::Camera,
            TrackSource::Screen => Self::Screen,
        }
    }
}

impl From<view::Rights> for Rights {
    fn from(rights: view::Rights) -> Self {
        let view::Rights { publish, subscribe, data, administer } = rights;
        Self { publish, subscribe, data, administer }
    }
}

impl From<rooms::Quality> for Quality {
    fn from(quality: rooms::Quality) -> Self {
        match quality {
            rooms::Quality::Excellent => Self::Excellent,
            rooms::Quality::Good => Self::Good,
            rooms::Quality::Poor => Self::Poor,
        }
    }
}

impl From<view::Slot> for Slot {
    fn from(slot: view::Slot) -> Self {
        Self { mid: slot.mid.to_string(), kind: slot.kind.into() }
    }
}

impl From<view::SlotBinding> for SlotBinding {
    fn from(binding: view::SlotBinding) -> Self {
        Self { mid: binding.mid.to_string(), track: binding.track.map(|track| track.to_string()) }
    }
}

pub(crate) fn all<T, U: From<T>>(values: Vec<T>) -> Vec<U> {
    values.into_iter().map(Into::into).collect()
}

fn answer(sdp: String) -> SessionDescription {
    SessionDescription { kind: SdpKind::Answer, sdp }
}

impl RoomJoined {
    /// What the joining session is told.
    pub fn new(joined: rooms::Joined, ice_servers: Vec<IceServer>) -> Self {
        let me = me(&joined);
        let rev = joined.map.rev;
        let (room, slots, tracks) = (joined.room.into(), all(joined.slots), all(joined.tracks));
        Self { answer: joined.answer.map(answer), slots, me, room, tracks, rev, ice_servers }
    }
}

impl Seat {
    /// What a resumed session is told.
    pub fn new(joined: rooms::Joined) -> Self {
        let me = me(&joined);
        let rev = joined.map.rev;
        Self { me, room: joined.room.into(), slots: all(joined.slots), tracks: all(joined.tracks), rev }
    }
}

fn me(joined: &rooms::Joined) -> Me {
    let own = joined.room.participants.iter().find(|participant| participant.id == joined.participant);
    let (user, name) = own.map(|own| (own.user.to_string(), own.name.clone())).unwrap_or_default();
    Me { id: joined.participant.to_string(), user, name, rights: joined.rights.into() }
}

impl MediaAnswer {
    /// What the offering session is told.
    pub fn new(answered: rooms::Answered, ice_servers: Vec<IceServer>) -> Self {
        let rev = answered.map.rev;
        Self { answer: answer(answered.answer), slots: all(answered.slots), tracks: all(answered.tracks), rev, ice_servers }
    }
}

impl server_event::MediaMap {
    /// The bindings in one room.
    pub fn new(room: &RoomId, map: view::MediaMap) -> Self {
        Self { room: room.to_string(), rev: map.rev, slots: all(map.slots) }
    }
}

impl From<rooms::LeaveReason> for server_event::LeaveReason {
    fn from(reason: rooms::LeaveReason) -> Self {
        match reason {
            rooms::LeaveReason::Left => Self::Left,
            rooms::LeaveReason::Disconnected => Self::Disconnected,
            rooms::LeaveReason::TimedOut => Self::TimedOut,
            rooms::LeaveReason::MediaLost => Self::MediaLost,
            rooms::LeaveReason::Kicked => Self::Kicked,
            rooms::LeaveReason::RoomClosed => Self::RoomClosed,
            rooms::LeaveReason::ServerStopped => Self::ServerStopped,
            rooms::LeaveReason::Unauthorized => Self::Unauthorized,
        }
    }
}

impl From<rooms::CloseReason> for server_event::CloseReason {
    fn from(reason: rooms::CloseReason) -> Self {
        match reason {
            rooms::CloseReason::Closed => Self::Closed,
            rooms::CloseReason::Kicked => Self::Kicked,
            rooms::CloseReason::MediaLost => Self::MediaLost,
            rooms::CloseReason::ServerStopped => Self::ServerStopped,
            rooms::CloseReason::Failed => Self::Failed,
        }
    }
}

impl From<RoomCreate> for rooms::CreateRoom {
    fn from(request: RoomCreate) -> Self {
        Self {
            name: request.name,
            kind: request.kind.unwrap_or_default().into(),
            capacity: request.capacity,
            password: request.password,
            listing: Listing::Lobby,
            nonce: Nonce(request.nonce),
        }
    }
}

impl TryFrom<RoomJoin> for rooms::JoinRoom {
    type Error = WireError;

    fn try_from(request: RoomJoin) -> Result<Self, WireError> {
        let offer = match (request.offer, request.publish) {
            (Some(description), publish) => Some(offer(description, publish)?),
            (None, Some(_)) => return Err(WireError::invalid("publish: needs an offer")),
            (None, None) => None,
        };
        Ok(Self { room: RoomId::new(request.room), password: request.password, offer, part: rooms::Part::Person })
    }
}

impl TryFrom<MediaOffer> for rooms::Offer {
    type Error = WireError;

    fn try_from(request: MediaOffer) -> Result<Self, WireError> {
        offer(request.offer, request.publish)
    }
}

/// The track that a demand is about, and the demand.
pub(crate) fn demand(request: MediaSubscribe) -> Result<(rooms::TrackId, rooms::Demand), WireError> {
    let MediaSubscribe { track, paused, width, height } = request;
    let size = match (width, height) {
        (Some(width), Some(height)) => Some((width, height)),
        (None, None) => None,
        (Some(_), None) => return Err(WireError::invalid("height: is missing beside a width")),
        (None, Some(_)) => return Err(WireError::invalid("width: is missing beside a height")),
    };
    Ok((rooms::TrackId::new(track), rooms::Demand { paused, size }))
}

fn offer(description: SessionDescription, publish: Option<Vec<Publication>>) -> Result<rooms::Offer, WireError> {
    match description.kind {
        SdpKind::Offer => {}
        SdpKind::Answer => return Err(WireError::invalid("offer.type: only clients offer, so this must be an offer")),
    }
    if description.sdp.len() > SDP_BYTES_MAX {
        return Err(WireError::new(ErrorCode::TooLarge, format!("offer.sdp is longer than {SDP_BYTES_MAX} bytes")));
    }
    let publish = publish.map(publications).transpose()?;
    Ok(rooms::Offer { sdp: description.sdp, publish })
}

pub(crate) fn publications(publish: Vec<Publication>) -> Result<Vec<rooms::Publication>, WireError> {
    if publish.len() > PUBLICATIONS_MAX {
        return Err(WireError::new(ErrorCode::TooLarge, format!("publish has more than {PUBLICATIONS_MAX} entries")));
    }
    let publication = |(index, publication): (usize, Publication)| {
        if publication.mid.is_empty() || publication.mid.len() > MID_BYTES_MAX {
            return Err(WireError::invalid(format!("publish[{index}].mid: has 1 to {MID_BYTES_MAX} bytes")));
        }
        let mid = rooms::Mid::from(publication.mid.as_str());
        Ok(rooms::Publication { mid, source: publication.source.into(), muted: publication.muted })
    };
    publish.into_iter().enumerate().map(publication).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(kind: SdpKind, bytes: usize) -> SessionDescription {
        SessionDescription { kind, sdp: "v".repeat(bytes) }
    }

    fn publication(mid: &str) -> Publication {
        Publication { mid: mid.into(), source: TrackSource::Camera, muted: true }
    }

    #[test]
    fn an_offer_is_checked_before_it_leaves_the_wire() {
        let refused = |description, publish| offer(description, publish).unwrap_err();
        let at_limit = offer(description(SdpKind::Offer, SDP_BYTES_MAX), Some(vec![publication("1")])).unwrap();
        assert_eq!(at_limit.publish.unwrap()[0].source, view::TrackSource::Camera);
        assert_eq!(refused(description(SdpKind::Offer, SDP_BYTES_MAX + 1), None).code, ErrorCode::TooLarge);
        assert_eq!(refused(description(SdpKind::Answer, 1), None).code, ErrorCode::Invalid);
        let many = vec![publication("1"); PUBLICATIONS_MAX + 1];
        assert_eq!(refused(description(SdpKind::Offer, 1), Some(many)).code, ErrorCode::TooLarge);
        for mid in ["", "seventeen-bytes-x"] {
            let error = refused(description(SdpKind::Offer, 1), Some(vec![publication("0"), publication(mid)]));
            assert_eq!(error.code, ErrorCode::Invalid);
            assert!(error.message.starts_with("publish[1].mid"), "{}", error.message);
        }
    }

    #[test]
    fn a_demand_has_both_sides_of_a_size_or_none() {
        let asked = |width, height| demand(MediaSubscribe { track: "t".into(), paused: false, width, height });
        assert_eq!(asked(Some(320), Some(180)).unwrap().1, rooms::Demand { paused: false, size: Some((320, 180)) });
        assert_eq!(asked(None, None).unwrap().1, rooms::Demand::default());
        assert!(asked(Some(1), None).unwrap_err().message.starts_with("height: "));
        assert!(asked(None, Some(1)).unwrap_err().message.starts_with("width: "));
    }

    #[test]
    fn publications_without_an_offer_are_refused() {
        let join = RoomJoin { room: "r".into(), password: None, offer: None, publish: Some(vec![]) };
        assert_eq!(rooms::JoinRoom::try_from(join).unwrap_err().code, ErrorCode::Invalid);
    }

    #[test]
    fn a_limit_says_when_to_come_back() {
        let error = WireError::from(rooms::Error::RateLimited { retry_after: Duration::from_micros(1500) });
        assert_eq!((error.code, error.retry_after_ms), (ErrorCode::RateLimited, Some(2)));
        assert_eq!(WireError::from(rooms::Error::Unavailable("x")).retry_after_ms, Some(1000));
        assert_eq!(WireError::from(rooms::Error::RoomFull).retry_after_ms, None);
    }

    #[test]
    fn codes_are_written_as_they_are_serialised() {
        for code in [ErrorCode::Unauthorized, ErrorCode::NotFound, ErrorCode::RoomFull, ErrorCode::BadPassword, ErrorCode::TooLarge] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(rfc3339(SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123)), "2023-11-14T22:13:20.123Z");
    }
}
