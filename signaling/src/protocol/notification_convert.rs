//! Between inboxes of the domain and of the wire.

use super::convert::{all, rfc3339};
use super::error::WireError;
use super::notification as wire;
use rooms::NotificationId;
use rooms::inbox::{Answer, InboxPage};
use rooms::store::{About, Invitation, Notice, Notification, Place, Reading, Seek};

impl From<Notification> for wire::Notification {
    fn from(notification: Notification) -> Self {
        let Notification { id, user: _, seq, about, at, read_at } = notification;
        Self { id: id.to_string(), seq, at: rfc3339(at), read: read_at.is_some(), about: about.into() }
    }
}

impl From<About> for wire::NotificationAbout {
    fn from(about: About) -> Self {
        match about {
            About::Mention(Place { server, channel, message_seq, by }) => {
                Self::Mention { server: server.to_string(), channel: channel.to_string(), message_seq, by: by.into() }
            }
            About::Reply(Place { server, channel, message_seq, by }) => {
                Self::Reply { server: server.to_string(), channel: channel.to_string(), message_seq, by: by.into() }
            }
            About::ServerInvite { server, name, by, state } => {
                let state = match state {
                    Invitation::Open => wire::InvitationState::Open,
                    Invitation::Accepted => wire::InvitationState::Accepted,
                    Invitation::Declined => wire::InvitationState::Declined,
                };
                Self::ServerInvite { server: server.to_string(), name, by: by.into(), state }
            }
            About::RoomInvite { room, name, by } => Self::RoomInvite { room: room.to_string(), name, by: by.into() },
            About::Schedule { server, schedule, title, starts_at } => {
                Self::Schedule { server: server.to_string(), schedule: schedule.to_string(), title, starts_at: rfc3339(starts_at) }
            }
            // Data was an object when it came in.
            About::Backend(Notice { title, body, url, data }) => {
                Self::Backend { title, body, url, data: data.and_then(|data| serde_json::from_str(&data).ok()) }
            }
        }
    }
}

impl From<InboxPage> for wire::NotificationsListed {
    fn from(InboxPage { inbox, unread }: InboxPage) -> Self {
        let rooms::store::Inbox { notifications, more, newer, head } = inbox;
        Self { notifications: all(notifications), more, newer, head_seq: head, unread }
    }
}

impl TryFrom<wire::NotificationList> for Seek {
    type Error = WireError;

    fn try_from(request: wire::NotificationList) -> Result<Self, WireError> {
        match (request.before, request.after) {
            (None, None) => Ok(Self::Newest),
            (Some(seq), None) => Ok(Self::Before(seq)),
            (None, Some(seq)) => Ok(Self::After(seq)),
            (Some(_), Some(_)) => Err(WireError::invalid("after: is there beside before, allowed is one of them")),
        }
    }
}

impl TryFrom<wire::NotificationRead> for Reading {
    type Error = WireError;

    fn try_from(request: wire::NotificationRead) -> Result<Self, WireError> {
        match (request.ids, request.up_to) {
            (Some(ids), None) => Ok(Self::Ids(ids.into_iter().map(NotificationId::new).collect())),
            (None, Some(seq)) => Ok(Self::UpTo(seq)),
            (None, None) => Err(WireError::invalid("ids: is missing, and so is up_to: one of them is needed")),
            (Some(_), Some(_)) => Err(WireError::invalid("up_to: is there beside ids, allowed is one of them")),
        }
    }
}

impl wire::NotificationsRead {
    /// What was read, and how many are not.
    pub(crate) fn new(reading: Reading, unread: u64) -> Self {
        let (ids, up_to) = match reading {
            Reading::Ids(ids) => (Some(ids.iter().map(NotificationId::to_string).collect()), None),
            Reading::UpTo(seq) => (None, Some(seq)),
        };
        Self { ids, up_to, unread }
    }
}

/// What `accept` says.
pub(crate) fn answer(accept: bool) -> Answer {
    if accept { Answer::Accept } else { Answer::Decline }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_bound_and_a_reading_one_way_of_naming() {
        let seek = |before, after| Seek::try_from(wire::NotificationList { before, after, limit: None }).map_err(|error| error.message);
        assert_eq!((seek(None, None), seek(Some(3), None)), (Ok(Seek::Newest), Ok(Seek::Before(3))));
        assert!(seek(Some(1), Some(2)).unwrap_err().starts_with("after: "));
        let reading = |ids: Option<&[&str]>, up_to| {
            let ids = ids.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
            Reading::try_from(wire::NotificationRead { ids, up_to }).map_err(|error| error.message)
        };
        assert_eq!(reading(None, Some(4)), Ok(Reading::UpTo(4)));
        assert_eq!(reading(Some(&["a"]), None), Ok(Reading::Ids(vec![NotificationId::new("a")])));
        assert!(reading(None, None).unwrap_err().starts_with("ids: "));
        assert!(reading(Some(&[]), Some(4)).unwrap_err().starts_with("up_to: "));
    }

    #[test]
    fn data_of_a_backend_is_an_object_again() {
        let notice = Notice { title: "t".into(), body: "b".into(), url: None, data: Some(r#"{"order":7}"#.into()) };
        let json = serde_json::to_value(wire::NotificationAbout::from(About::Backend(notice))).unwrap();
        assert_eq!(json, serde_json::json!({ "kind": "backend", "title": "t", "body": "b", "data": { "order": 7 } }));
    }
}
