//! The lines of an export: JSON objects with a `kind`, one for each record, between a header and an end.
//!
//! It reads and writes no file. Invariant: every record comes back from its line as it was, times to the nanosecond.

mod community;
mod message;

use crate::store::about;
use crate::store::sqlite::{from_ns, to_ns};
use message::KeptMessage;
use rooms::store::{LinkRecord, Listing, Nonce, NoteLine, NoteRecord, Notification, Record, RoomRecord};
use rooms::{ChannelId, NoteId, NotificationId, RoomId, RoomKind, User, UserId};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// The version of what the lines look like. A reader knows its own and the earlier ones.
pub(super) const FORMAT: u32 = 1;

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line {
    /// The first.
    ZzanExport {
        format: u32,
        /// The version of the program that wrote it.
        zzan: String,
    },
    Room(Room),
    RoomNonce {
        owner: String,
        nonce: String,
        room: String,
        stored_at_ns: i64,
    },
    Link(Link),
    User(community::KnownUser),
    Server(community::Server),
    Role(community::Role),
    Category(community::Category),
    Channel(community::Channel),
    Member(community::Member),
    Ban(community::Ban),
    Invite(community::Invite),
    Schedule(community::Schedule),
    Message(KeptMessage),
    MessageNonce {
        channel: String,
        author: String,
        nonce: String,
        seq: u64,
        stored_at_ns: i64,
    },
    Reaction {
        channel: String,
        seq: u64,
        emoji: String,
        user: String,
    },
    Pin {
        channel: String,
        seq: u64,
        at_ns: i64,
    },
    Marker {
        user: String,
        channel: String,
        read: u64,
    },
    Note(Note),
    #[serde(rename = "note_line")]
    Said(SaidLine),
    Notification(Told),
    NotificationKey {
        user: String,
        key: String,
        seq: u64,
        stored_at_ns: i64,
    },
    /// The last, so that a file that was cut is known.
    End {
        records: u64,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Room {
    id: String,
    name: String,
    room_kind: Kind,
    capacity: u8,
    password_hash: Option<String>,
    owner: Named,
    channel: String,
    listing: Listed,
    created_at_ns: i64,
    ended_at_ns: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Buddy,
    Voice,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Listed {
    Lobby,
    Unlisted,
    Channel,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    id: String,
    name: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    secret_hash: [u8; 32],
    room: String,
    name: Option<String>,
    max_uses: u32,
    uses: u32,
    expires_at_ns: i64,
    stored_at_ns: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    id: String,
    channel: String,
    name: String,
    started_by: Named,
    started_at_ns: i64,
    ended_at_ns: Option<i64>,
    lines: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SaidLine {
    note: String,
    seq: u64,
    speaker: Named,
    nonce: String,
    text: String,
    at_ns: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    user: String,
    seq: u64,
    id: String,
    about: about::Record,
    at_ns: i64,
    read_at_ns: Option<i64>,
}

impl From<Record> for Line {
    fn from(record: Record) -> Self {
        match record {
            Record::Room { room, ended_at } => Self::Room(Room::of(room, ended_at)),
            Record::RoomNonce { owner, nonce, room, stored_at } => {
                Self::RoomNonce { owner: text(owner.as_str()), nonce: nonce.0, room: text(room.as_str()), stored_at_ns: to_ns(stored_at) }
            }
            Record::Link { link, stored_at } => Self::Link(Link::of(link, stored_at)),
            Record::Community(record) => record.into(),
            Record::Message(message) => Self::Message(message.into()),
            Record::MessageNonce { channel, author, nonce, seq, stored_at } => Self::MessageNonce {
                channel: text(channel.as_str()),
                author: text(author.as_str()),
                nonce: nonce.0,
                seq,
                stored_at_ns: to_ns(stored_at),
            },
            Record::Reaction { channel, seq, emoji, user } => {
                Self::Reaction { channel: text(channel.as_str()), seq, emoji, user: text(user.as_str()) }
            }
            Record::Pin { channel, seq, at } => Self::Pin { channel: text(channel.as_str()), seq, at_ns: to_ns(at) },
            Record::Marker { user, channel, read } => Self::Marker { user: text(user.as_str()), channel: text(channel.as_str()), read },
            Record::Note(note) => Self::Note(note.into()),
            Record::NoteLine { note, line, nonce } => Self::Said(SaidLine {
                note: text(note.as_str()),
                seq: line.seq,
                speaker: line.speaker.into(),
                nonce: nonce.0,
                text: line.text,
                at_ns: to_ns(line.at),
            }),
            Record::Notification(notification) => Self::Notification(notification.into()),
            Record::NotificationKey { user, key, seq, stored_at } => {
                Self::NotificationKey { user: text(user.as_str()), key, seq, stored_at_ns: to_ns(stored_at) }
            }
        }
    }
}

impl Line {
    /// The record of the line. `None` for the header and the end.
    pub(super) fn record(self) -> Option<Record> {
        Some(match self {
            Self::ZzanExport { .. } | Self::End { .. } => return None,
            Self::Room(room) => room.into(),
            Self::RoomNonce { owner, nonce, room, stored_at_ns } => Record::RoomNonce {
                owner: UserId::new(owner),
                nonce: Nonce(nonce),
                room: RoomId::new(room),
                stored_at: from_ns(stored_at_ns),
            },
            Self::Link(link) => link.into(),
            Self::User(user) => Record::Community(user.into()),
            Self::Server(server) => Record::Community(server.into()),
            Self::Role(role) => Record::Community(role.into()),
            Self::Category(category) => Record::Community(category.into()),
            Self::Channel(channel) => Record::Community(channel.into()),
            Self::Member(member) => Record::Community(member.into()),
            Self::Ban(ban) => Record::Community(ban.into()),
            Self::Invite(invite) => Record::Community(invite.into()),
            Self::Schedule(schedule) => Record::Community(schedule.into()),
            Self::Message(message) => Record::Message(message.into()),
            Self::MessageNonce { channel, author, nonce, seq, stored_at_ns } => Record::MessageNonce {
                channel: ChannelId::new(channel),
                author: UserId::new(author),
                nonce: Nonce(nonce),
                seq,
                stored_at: from_ns(stored_at_ns),
            },
            Self::Reaction { channel, seq, emoji, user } => {
                Record::Reaction { channel: ChannelId::new(channel), seq, emoji, user: UserId::new(user) }
            }
            Self::Pin { channel, seq, at_ns } => Record::Pin { channel: ChannelId::new(channel), seq, at: from_ns(at_ns) },
            Self::Marker { user, channel, read } => Record::Marker { user: UserId::new(user), channel: ChannelId::new(channel), read },
            Self::Note(note) => Record::Note(note.into()),
            Self::Said(SaidLine { note, seq, speaker, nonce, text, at_ns }) => {
                let line = NoteLine { seq, speaker: speaker.into(), text, at: from_ns(at_ns) };
                Record::NoteLine { note: NoteId::new(note), line, nonce: Nonce(nonce) }
            }
            Self::Notification(told) => Record::Notification(told.into()),
            Self::NotificationKey { user, key, seq, stored_at_ns } => {
                Record::NotificationKey { user: UserId::new(user), key, seq, stored_at: from_ns(stored_at_ns) }
            }
        })
    }
}

impl Room {
    fn of(room: RoomRecord, ended_at: Option<SystemTime>) -> Self {
        Self {
            id: text(room.id.as_str()),
            name: room.name,
            room_kind: match room.kind {
                RoomKind::Buddy => Kind::Buddy,
                RoomKind::Voice => Kind::Voice,
            },
            capacity: room.capacity,
            password_hash: room.password_hash,
            owner: room.owner.into(),
            channel: text(room.channel.as_str()),
            listing: match room.listing {
                Listing::Lobby => Listed::Lobby,
                Listing::Unlisted => Listed::Unlisted,
                Listing::Channel => Listed::Channel,
            },
            created_at_ns: to_ns(room.created_at),
            ended_at_ns: ended_at.map(to_ns),
        }
    }
}

impl Link {
    fn of(link: LinkRecord, stored_at: SystemTime) -> Self {
        Self {
            secret_hash: link.secret_hash,
            room: text(link.room.as_str()),
            name: link.name,
            max_uses: link.max_uses,
            uses: link.uses,
            expires_at_ns: to_ns(link.expires_at),
            stored_at_ns: to_ns(stored_at),
        }
    }
}

impl From<Room> for Record {
    fn from(kept: Room) -> Self {
        let room = RoomRecord {
            id: RoomId::new(kept.id),
            name: kept.name,
            kind: match kept.room_kind {
                Kind::Buddy => RoomKind::Buddy,
                Kind::Voice => RoomKind::Voice,
            },
            capacity: kept.capacity,
            password_hash: kept.password_hash,
            owner: kept.owner.into(),
            channel: ChannelId::new(kept.channel),
            listing: match kept.listing {
                Listed::Lobby => Listing::Lobby,
                Listed::Unlisted => Listing::Unlisted,
                Listed::Channel => Listing::Channel,
            },
            created_at: from_ns(kept.created_at_ns),
        };
        Self::Room { room, ended_at: kept.ended_at_ns.map(from_ns) }
    }
}

impl From<Link> for Record {
    fn from(kept: Link) -> Self {
        let link = LinkRecord {
            secret_hash: kept.secret_hash,
            room: RoomId::new(kept.room),
            name: kept.name,
            max_uses: kept.max_uses,
            uses: kept.uses,
            expires_at: from_ns(kept.expires_at_ns),
        };
        Self::Link { link, stored_at: from_ns(kept.stored_at_ns) }
    }
}

impl From<NoteRecord> for Note {
    fn from(note: NoteRecord) -> Self {
        Self {
            id: text(note.id.as_str()),
            channel: text(note.channel.as_str()),
            name: note.name,
            started_by: note.started_by.into(),
            started_at_ns: to_ns(note.started_at),
            ended_at_ns: note.ended_at.map(to_ns),
            lines: note.lines,
        }
    }
}

impl From<Note> for NoteRecord {
    fn from(kept: Note) -> Self {
        Self {
            id: NoteId::new(kept.id),
            channel: ChannelId::new(kept.channel),
            name: kept.name,
            started_by: kept.started_by.into(),
            started_at: from_ns(kept.started_at_ns),
            ended_at: kept.ended_at_ns.map(from_ns),
            lines: kept.lines,
        }
    }
}

impl From<Notification> for Told {
    fn from(notification: Notification) -> Self {
        Self {
            user: text(notification.user.as_str()),
            seq: notification.seq,
            id: text(notification.id.as_str()),
            about: notification.about.into(),
            at_ns: to_ns(notification.at),
            read_at_ns: notification.read_at.map(to_ns),
        }
    }
}

impl From<Told> for Notification {
    fn from(told: Told) -> Self {
        Self {
            id: NotificationId::new(told.id),
            user: UserId::new(told.user),
            seq: told.seq,
            about: told.about.into(),
            at: from_ns(told.at_ns),
            read_at: told.read_at_ns.map(from_ns),
        }
    }
}

impl From<User> for Named {
    fn from(user: User) -> Self {
        Self { id: text(user.id.as_str()), name: user.name }
    }
}

impl From<Named> for User {
    fn from(named: Named) -> Self {
        Self { id: UserId::new(named.id), name: named.name }
    }
}

fn text(id: &str) -> String {
    id.to_owned()
}
