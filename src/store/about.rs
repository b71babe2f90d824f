//! What a notification tells, as stores keep it: a JSON object, told apart by `kind`.
//!
//! Invariant: what was written once can be read for good, so a field or a kind that is here keeps its name and meaning.

use rooms::store::{About, Invitation, Notice, Place};
use rooms::{ChannelId, RoomId, ScheduleId, ServerId, User, UserId};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Record {
    Mention(PlaceRecord),
    Reply(PlaceRecord),
    ServerInvite { server: String, name: String, by: Person, state: State },
    RoomInvite { room: String, name: String, by: Person },
    Schedule { server: String, schedule: String, title: String, starts_at_ms: u64 },
    Backend(NoticeRecord),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PlaceRecord {
    server: String,
    channel: String,
    message_seq: u64,
    by: Person,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NoticeRecord {
    title: String,
    body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Person {
    id: String,
    name: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Open,
    Accepted,
    Declined,
}

/// As it is kept.
pub(super) fn write(about: &About) -> String {
    let record = Record::from(about.clone());
    serde_json::to_string(&record).expect("a record has texts and numbers alone, and its keys are texts")
}

/// The inverse of [`write`]. `None` for a text that it can't have written.
pub(super) fn read(json: &str) -> Option<About> {
    Some(serde_json::from_str::<Record>(json).ok()?.into())
}

impl From<About> for Record {
    fn from(about: About) -> Self {
        match about {
            About::Mention(place) => Self::Mention(place.into()),
            About::Reply(place) => Self::Reply(place.into()),
            About::ServerInvite { server, name, by, state } => {
                let state = match state {
                    Invitation::Open => State::Open,
                    Invitation::Accepted => State::Accepted,
                    Invitation::Declined => State::Declined,
                };
                Self::ServerInvite { server: server.to_string(), name, by: by.into(), state }
            }
            About::RoomInvite { room, name, by } => Self::RoomInvite { room: room.to_string(), name, by: by.into() },
            About::Schedule { server, schedule, title, starts_at } => {
                let since = starts_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                let starts_at_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
                Self::Schedule { server: server.to_string(), schedule: schedule.to_string(), title, starts_at_ms }
            }
            About::Backend(Notice { title, body, url, data }) => Self::Backend(NoticeRecord { title, body, url, data }),
        }
    }
}

impl From<Record> for About {
    fn from(record: Record) -> Self {
        match record {
            Record::Mention(place) => Self::Mention(place.into()),
            Record::Reply(place) => Self::Reply(place.into()),
            Record::ServerInvite { server, name, by, state } => {
                let state = match state {
                    State::Open => Invitation::Open,
                    State::Accepted => Invitation::Accepted,
                    State::Declined => Invitation::Declined,
                };
                Self::ServerInvite { server: ServerId::new(server), name, by: by.into(), state }
            }
            Record::RoomInvite { room, name, by } => Self::RoomInvite { room: RoomId::new(room), name, by: by.into() },
            Record::Schedule { server, schedule, title, starts_at_ms } => {
                let starts_at = SystemTime::UNIX_EPOCH + Duration::from_millis(starts_at_ms);
                Self::Schedule { server: ServerId::new(server), schedule: ScheduleId::new(schedule), title, starts_at }
            }
            Record::Backend(NoticeRecord { title, body, url, data }) => Self::Backend(Notice { title, body, url, data }),
        }
    }
}

impl From<Place> for PlaceRecord {
    fn from(place: Place) -> Self {
        let Place { server, channel, message_seq, by } = place;
        Self { server: server.to_string(), channel: channel.to_string(), message_seq, by: by.into() }
    }
}

impl From<PlaceRecord> for Place {
    fn from(place: PlaceRecord) -> Self {
        let PlaceRecord { server, channel, message_seq, by } = place;
        Self { server: ServerId::new(server), channel: ChannelId::new(channel), message_seq, by: by.into() }
    }
}

impl From<User> for Person {
    fn from(user: User) -> Self {
        Self { id: user.id.to_string(), name: user.name }
    }
}

impl From<Person> for User {
    fn from(person: Person) -> Self {
        Self { id: UserId::new(person.id), name: person.name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_by_the_first_version_reads_as_it_did() {
        let by = User { id: UserId::new("u"), name: "하나".to_owned() };
        let place = Place { server: ServerId::new("s"), channel: ChannelId::new("c"), message_seq: 7, by: by.clone() };
        let schedule = About::Schedule {
            server: ServerId::new("s"),
            schedule: ScheduleId::new("e"),
            title: "건배".to_owned(),
            starts_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_500),
        };
        let notice = Notice { title: "t".to_owned(), body: "b".to_owned(), url: None, data: Some("{}".to_owned()) };
        let kept = [
            (
                About::Mention(place.clone()),
                r#"{"kind":"mention","server":"s","channel":"c","message_seq":7,"by":{"id":"u","name":"하나"}}"#,
            ),
            (About::Reply(place), r#"{"kind":"reply","server":"s","channel":"c","message_seq":7,"by":{"id":"u","name":"하나"}}"#),
            (
                About::ServerInvite { server: ServerId::new("s"), name: "n".to_owned(), by: by.clone(), state: Invitation::Declined },
                r#"{"kind":"server_invite","server":"s","name":"n","by":{"id":"u","name":"하나"},"state":"declined"}"#,
            ),
            (
                About::RoomInvite { room: RoomId::new("r"), name: "n".to_owned(), by },
                r#"{"kind":"room_invite","room":"r","name":"n","by":{"id":"u","name":"하나"}}"#,
            ),
            (schedule, r#"{"kind":"schedule","server":"s","schedule":"e","title":"건배","starts_at_ms":1500}"#),
            (About::Backend(notice), r#"{"kind":"backend","title":"t","body":"b","data":"{}"}"#),
        ];
        for (about, json) in kept {
            assert_eq!((write(&about).as_str(), read(json)), (json, Some(about)));
        }
        assert_eq!(read("{}"), None);
    }
}
