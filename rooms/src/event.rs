//! What sessions are told.

use crate::community::{DepartReason, MemberView, PresenceView, ServerView};
use crate::store::{
    CategoryRecord, ChannelRecord, Mark, NoteLine, NoteRecord, Notification, Reading, RoleRecord, ScheduleRecord, ServerRecord,
};
use crate::view::{LobbyRoom, MediaMap, Message, ParticipantView, Reaction, ReceiptMove, RoomView, Standing, TrackView, Unread, User};
use crate::{ChannelId, NoteId, ParticipantId, Quality, Rid, RoomId, ScheduleId, ServerId, TrackId, UserId};

/// Pushed to a session. One event goes to many sessions behind one `Arc`.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    ParticipantJoined {
        room: RoomId,
        participant: ParticipantView,
    },
    ParticipantUpdated {
        room: RoomId,
        participant: ParticipantView,
    },
    ParticipantLeft {
        room: RoomId,
        participant: ParticipantId,
        reason: LeaveReason,
    },
    TrackPublished {
        room: RoomId,
        track: TrackView,
    },
    TrackUpdated {
        room: RoomId,
        track: TrackView,
    },
    TrackUnpublished {
        room: RoomId,
        track: TrackId,
    },
    /// The receiver's own slots were bound anew.
    MediaMap {
        room: RoomId,
        map: MediaMap,
    },
    /// The receiver's offer has too few slots: it should offer this many in all.
    MediaNeed {
        room: RoomId,
        audio: u8,
        video: u8,
    },
    /// The receiver's media transport died, though its signaling lives: it should offer anew.
    MediaLost {
        room: RoomId,
    },
    /// The receiver's own track: whether anybody can use it, and which of its simulcast layers (none without simulcast).
    MediaLayers {
        room: RoomId,
        track: TrackId,
        wanted: bool,
        active: Vec<Rid>,
    },
    /// A track that the receiver wants is held back, because its connection is too narrow, or comes again.
    MediaStalled {
        room: RoomId,
        track: TrackId,
        stalled: bool,
    },
    /// How well some participants' connections do.
    QualityChanged {
        room: RoomId,
        qualities: Vec<(ParticipantId, Quality)>,
    },
    /// Who is audible, loudest first, in dBov (0 loudest, -127 silent). May be dropped under load.
    SpeakerChanged {
        room: RoomId,
        speakers: Vec<(ParticipantId, i8)>,
    },
    /// Name, size or owner changed.
    RoomUpdated {
        room: RoomView,
    },
    /// The receiver is no longer in this room.
    RoomClosed {
        room: RoomId,
        reason: CloseReason,
    },
    /// The receiver's seat went to a newer session of the same user.
    RoomReplaced {
        room: RoomId,
    },
    ChatMessage {
        message: Message,
    },
    /// The text of a message that was told before is another.
    ChatEdited {
        message: Message,
    },
    /// A message that was told before is a tombstone.
    ChatDeleted {
        message: Message,
    },
    /// The receiver is a member of this server from now on.
    ServerAdded {
        server: Box<ServerView>,
    },
    /// Its name, image, owner, roles or categories are others.
    ServerUpdated {
        server: Box<ServerRecord>,
        roles: Vec<RoleRecord>,
        categories: Vec<CategoryRecord>,
    },
    /// The receiver is no member of this server any more.
    ServerDeleted {
        server: ServerId,
        reason: DepartReason,
    },
    /// The receiver reads this channel from now on.
    ChannelCreated {
        server: ServerId,
        channel: Box<ChannelRecord>,
    },
    ChannelUpdated {
        server: ServerId,
        channel: Box<ChannelRecord>,
    },
    /// The channel is gone, or the receiver doesn't read it any more.
    ChannelDeleted {
        server: ServerId,
        channel: ChannelId,
    },
    MemberJoined {
        server: ServerId,
        member: Box<MemberView>,
    },
    MemberUpdated {
        server: ServerId,
        member: Box<MemberView>,
    },
    MemberLeft {
        server: ServerId,
        user: UserId,
        reason: DepartReason,
    },
    PresenceChanged {
        server: ServerId,
        presences: Vec<PresenceView>,
    },
    /// Who is in the call of a voice channel.
    VoiceChanged {
        server: ServerId,
        channel: ChannelId,
        people: Vec<User>,
    },
    /// How far the readers of a watched channel have read, whoever they are.
    ReceiptsStanding {
        channel: ChannelId,
        standing: Vec<Standing>,
    },
    /// How that has changed since it was told last.
    ReceiptsMoved {
        channel: ChannelId,
        moves: Vec<ReceiptMove>,
    },
    /// How far the receiver's user has read a channel.
    UnreadChanged {
        unread: Unread,
    },
    ScheduleChanged {
        schedule: Box<ScheduleRecord>,
    },
    ScheduleDeleted {
        server: ServerId,
        schedule: ScheduleId,
    },
    /// The time to be reminded of it.
    ScheduleDue {
        schedule: Box<ScheduleRecord>,
    },
    /// A meeting note runs in a channel.
    NoteStarted {
        note: NoteRecord,
    },
    /// Somebody said something.
    NoteAppended {
        channel: ChannelId,
        note: NoteId,
        line: NoteLine,
    },
    NoteEnded {
        note: NoteRecord,
    },
    /// A message that was told before has these reactions.
    ChatReacted {
        channel: ChannelId,
        seq: u64,
        reactions: Vec<Reaction>,
    },
    /// A message was pinned or unpinned.
    ChatPinned {
        message: Message,
        mark: Mark,
    },
    /// Somebody else writes a message. May be dropped under load.
    ChatTyping {
        channel: ChannelId,
        user: User,
    },
    /// The receiver's user has a new notification. Those made at the same time may come in any order: their numbers tell.
    NotificationNew {
        notification: Box<Notification>,
        unread: u64,
    },
    /// A notification that was told before is another: an invitation was answered.
    NotificationUpdated {
        notification: Box<Notification>,
        unread: u64,
    },
    /// Some session of the receiver's user has read these.
    NotificationRead {
        reading: Reading,
        unread: u64,
    },
    /// Somebody invites the receiver's user into a server. A `NotificationNew` came before it.
    InviteReceived {
        notification: Box<Notification>,
    },
    /// Rooms that appeared or changed, and ids of those that ended, since the last of these.
    LobbyChanged {
        rooms: Vec<LobbyRoom>,
        removed: Vec<RoomId>,
    },
}

impl Event {
    /// Whether a session that can't take this event at once may go without it.
    pub fn is_volatile(&self) -> bool {
        matches!(self, Self::SpeakerChanged { .. } | Self::ChatTyping { .. })
    }
}

/// Why a participant is no longer in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaveReason {
    /// By its own wish.
    Left,
    /// The page unloaded or the transport closed, and nobody came back within the grace.
    Disconnected,
    /// Silence: heartbeats stopped, and nobody came back within the grace.
    TimedOut,
    /// The media transport died, and no new offer came within the grace.
    MediaLost,
    /// Removed by the room's owner or a backend.
    Kicked,
    /// The room was closed.
    RoomClosed,
    /// The node is stopping.
    ServerStopped,
    /// The session's token expired, or its rights were taken away.
    Unauthorized,
}

/// Why a session is told that it is out of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The owner or a backend closed the room.
    Closed,
    /// The owner or a backend removed this participant.
    Kicked,
    /// The media transport died, and no new offer came within the grace.
    MediaLost,
    /// The node is stopping.
    ServerStopped,
    /// The room's task failed. It can be joined anew.
    Failed,
}

/// How a session's connection ended without a wish to leave. Decides how long its seat is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// The page said that it unloads, or the transport was closed by the other end: the short grace.
    Closed,
    /// Heartbeats or acknowledgements stopped: the long grace.
    Silent,
}
