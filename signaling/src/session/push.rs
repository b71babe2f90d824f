//! The table of server events: what a domain event is called and looks like on the wire.
//!
//! It decides nothing: whether an event may be missed, the event itself says.

use super::render::Rendered;
use crate::protocol::chat::{ChatPinChanged, ChatReacted, ChatTypist};
use crate::protocol::community::{
    ChannelChanged, ChannelDeleted, MemberChanged, MemberLeft, PresenceChanged, ScheduleChanged, ScheduleDeleted, ServerAdded,
    ServerDeleted, ServerUpdated, UnreadChanged, VoiceChanged,
};
use crate::protocol::community_convert::{voice, wire_categories, wire_roles};
use crate::protocol::convert::all;
use crate::protocol::notes::{NoteAppended, NoteChanged};
use crate::protocol::notification::{InviteReceived, NotificationChanged, NotificationsRead};
use crate::protocol::receipts::{ReceiptsMoved, ReceiptsStanding};
use crate::protocol::server_event::{
    ChatDeleted, ChatEdited, ChatMessage, LobbyChanged, MediaLayers, MediaLost, MediaMap, MediaNeed, MediaStalled, ParticipantJoined,
    ParticipantLeft, ParticipantUpdated, QualityChanged, RoomClosed, RoomReplaced, RoomUpdated, SpeakerChanged, TrackChanged,
    TrackUnpublished,
};
use crate::protocol::types::{Participant, ParticipantQuality, Speaker};
use rooms::store::Mark;
use rooms::{Event, RoomId};
use serde::Serialize;

/// Takes what the table says of an event.
struct Wire;

impl Wire {
    fn emit(&self, name: &'static str, payload: &impl Serialize) -> Rendered {
        Rendered::new(name, payload)
    }
}

/// An event as its clients get it.
pub(super) fn render(event: &Event) -> Rendered {
    let (to, named) = (Wire, RoomId::to_string);
    match event.clone() {
        Event::ParticipantJoined { room, participant } => {
            to.emit("participant:joined", &ParticipantJoined { room: named(&room), participant: participant.into() })
        }
        Event::ParticipantUpdated { room, participant } => {
            let participant = Participant::from(participant);
            let state = participant.state;
            to.emit("participant:updated", &ParticipantUpdated { room: named(&room), participant, state })
        }
        Event::ParticipantLeft { room, participant, reason } => {
            let left = ParticipantLeft { room: named(&room), participant: participant.to_string(), reason: reason.into() };
            to.emit("participant:left", &left)
        }
        Event::TrackPublished { room, track } => to.emit("track:published", &TrackChanged { room: named(&room), track: track.into() }),
        Event::TrackUpdated { room, track } => to.emit("track:updated", &TrackChanged { room: named(&room), track: track.into() }),
        Event::TrackUnpublished { room, track } => {
            to.emit("track:unpublished", &TrackUnpublished { room: named(&room), track: track.to_string() })
        }
        Event::MediaMap { room, map } => to.emit("media:map", &MediaMap::new(&room, map)),
        Event::MediaNeed { room, audio, video } => to.emit("media:need", &MediaNeed { room: named(&room), audio, video }),
        Event::MediaLost { room } => to.emit("media:lost", &MediaLost { room: named(&room) }),
        Event::MediaLayers { room, track, wanted, active } => {
            let active = active.iter().map(ToString::to_string).collect();
            to.emit("media:layers", &MediaLayers { room: named(&room), track: track.to_string(), wanted, active })
        }
        Event::MediaStalled { room, track, stalled } => {
            to.emit("media:stalled", &MediaStalled { room: named(&room), track: track.to_string(), stalled })
        }
        Event::QualityChanged { room, qualities } => {
            let quality = |(participant, quality): (rooms::ParticipantId, rooms::Quality)| ParticipantQuality {
                participant: participant.to_string(),
                quality: quality.into(),
            };
            let qualities = qualities.into_iter().map(quality).collect();
            to.emit("quality:changed", &QualityChanged { room: named(&room), qualities })
        }
        Event::SpeakerChanged { room, speakers } => {
            let speaker = |(participant, level): (rooms::ParticipantId, i8)| Speaker { participant: participant.to_string(), level };
            let speakers = speakers.into_iter().map(speaker).collect();
            to.emit("speaker:changed", &SpeakerChanged { room: named(&room), speakers })
        }
        Event::RoomUpdated { room } => to.emit("room:updated", &RoomUpdated { room: room.into() }),
        Event::RoomClosed { room, reason } => to.emit("room:closed", &RoomClosed { room: named(&room), reason: reason.into() }),
        Event::RoomReplaced { room } => to.emit("room:replaced", &RoomReplaced { room: named(&room) }),
        Event::ChatMessage { message } => to.emit("chat:message", &ChatMessage { message: message.into() }),
        Event::ChatEdited { message } => to.emit("chat:edited", &ChatEdited { message: message.into() }),
        Event::ChatDeleted { message } => to.emit("chat:deleted", &ChatDeleted { message: message.into() }),
        Event::ChatReacted { channel, seq, reactions } => {
            to.emit("chat:reacted", &ChatReacted { channel: channel.to_string(), seq, reactions: all(reactions) })
        }
        Event::ChatPinned { message, mark } => to.emit("chat:pinned", &ChatPinChanged { message: message.into(), on: mark == Mark::On }),
        Event::ChatTyping { channel, user } => {
            to.emit("chat:typing", &ChatTypist { channel: channel.to_string(), user: user.id.to_string(), name: user.name })
        }
        Event::LobbyChanged { rooms, removed } => {
            let removed = removed.iter().map(RoomId::to_string).collect();
            to.emit("lobby:changed", &LobbyChanged { rooms: all(rooms), removed })
        }
        Event::ServerAdded { server } => to.emit("server:added", &ServerAdded { server: (*server).into() }),
        Event::ServerUpdated { server, roles, categories } => {
            let (roles, categories) = (wire_roles(roles), wire_categories(categories));
            to.emit("server:updated", &ServerUpdated { server: (*server).into(), roles, categories })
        }
        Event::ServerDeleted { server, reason } => {
            to.emit("server:deleted", &ServerDeleted { server: server.to_string(), reason: reason.into() })
        }
        Event::ChannelCreated { server, channel } => {
            to.emit("channel:created", &ChannelChanged { server: server.to_string(), channel: (*channel).into() })
        }
        Event::ChannelUpdated { server, channel } => {
            to.emit("channel:updated", &ChannelChanged { server: server.to_string(), channel: (*channel).into() })
        }
        Event::ChannelDeleted { server, channel } => {
            to.emit("channel:deleted", &ChannelDeleted { server: server.to_string(), channel: channel.to_string() })
        }
        Event::MemberJoined { server, member } => {
            to.emit("member:joined", &MemberChanged { server: server.to_string(), member: (*member).into() })
        }
        Event::MemberUpdated { server, member } => {
            to.emit("member:updated", &MemberChanged { server: server.to_string(), member: (*member).into() })
        }
        Event::MemberLeft { server, user, reason } => {
            to.emit("member:left", &MemberLeft { server: server.to_string(), user: user.to_string(), reason: reason.into() })
        }
        Event::PresenceChanged { server, presences } => {
            to.emit("presence:changed", &PresenceChanged { server: server.to_string(), presences: all(presences) })
        }
        Event::VoiceChanged { server, channel, people } => {
            to.emit("voice:changed", &VoiceChanged { server: server.to_string(), voice: voice(&channel, people) })
        }
        Event::ReceiptsStanding { channel, standing } => {
            to.emit("receipts:standing", &ReceiptsStanding { channel: channel.to_string(), standing: all(standing) })
        }
        Event::ReceiptsMoved { channel, moves } => {
            to.emit("receipts:moved", &ReceiptsMoved { channel: channel.to_string(), moves: all(moves) })
        }
        Event::UnreadChanged { unread } => to.emit("unread:changed", &UnreadChanged { unread: unread.into() }),
        Event::ScheduleChanged { schedule } => to.emit("schedule:changed", &ScheduleChanged { schedule: (*schedule).into() }),
        Event::ScheduleDeleted { server, schedule } => {
            to.emit("schedule:deleted", &ScheduleDeleted { server: server.to_string(), id: schedule.to_string() })
        }
        Event::NoteStarted { note } => to.emit("note:started", &NoteChanged { note: note.into() }),
        Event::NoteAppended { channel, note, line } => {
            to.emit("note:appended", &NoteAppended { channel: channel.to_string(), note: note.to_string(), line: line.into() })
        }
        Event::NoteEnded { note } => to.emit("note:ended", &NoteChanged { note: note.into() }),
        Event::ScheduleDue { schedule } => to.emit("schedule:due", &ScheduleChanged { schedule: (*schedule).into() }),
        Event::NotificationNew { notification, unread } => {
            to.emit("notification:new", &NotificationChanged { notification: (*notification).into(), unread })
        }
        Event::NotificationUpdated { notification, unread } => {
            to.emit("notification:updated", &NotificationChanged { notification: (*notification).into(), unread })
        }
        Event::NotificationRead { reading, unread } => to.emit("notification:read", &NotificationsRead::new(reading, unread)),
        Event::InviteReceived { notification } => to.emit("invite:received", &InviteReceived { notification: (*notification).into() }),
    }
}
