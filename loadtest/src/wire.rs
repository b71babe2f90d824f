//! What a user reads of the server's answers and events: only what it needs, so that a deployment of another version can be tested too.
//!
//! What a user sends has the types of `signaling::protocol`.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// The answer to `room:join`.
#[derive(Debug, Deserialize)]
pub struct Joined {
    pub answer: Option<Description>,
    pub me: Me,
    pub room: Room,
    pub tracks: Vec<Track>,
}

/// The answer to `media:offer`.
#[derive(Debug, Deserialize)]
pub struct Answered {
    pub answer: Description,
    pub tracks: Vec<Track>,
}

#[derive(Debug, Deserialize)]
pub struct Description {
    pub sdp: String,
}

#[derive(Debug, Deserialize)]
pub struct Me {
    /// Among the room's participants.
    pub id: String,
}

#[derive(Debug, Deserialize)]
pub struct Room {
    /// Of its chat.
    pub channel: String,
}

#[derive(Debug, Deserialize)]
pub struct Track {
    pub id: String,
    pub participant: String,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Audio,
    Video,
}

/// `session:ready`
#[derive(Debug, Deserialize)]
pub struct Ready {
    /// The secret that resumes it.
    pub session: String,
    pub resumed: bool,
    pub seat: Option<IgnoredAny>,
}

/// `track:published`
#[derive(Debug, Deserialize)]
pub struct Published {
    pub track: Track,
}

/// `media:map`
#[derive(Debug, Deserialize)]
pub struct Map {
    pub slots: Vec<Binding>,
}

#[derive(Debug, Deserialize)]
pub struct Binding {
    pub mid: String,
    pub track: Option<String>,
}

/// `media:layers`
#[derive(Debug, Deserialize)]
pub struct Layers {
    pub track: String,
    pub wanted: bool,
    pub active: Vec<String>,
}

/// `media:stalled`
#[derive(Debug, Deserialize)]
pub struct Stalled {
    pub track: String,
    pub stalled: bool,
}

/// `chat:message`
#[derive(Debug, Deserialize)]
pub struct Written {
    pub message: Message,
}

#[derive(Debug, Deserialize)]
pub struct Message {
    pub seq: u64,
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_newer_server_says_beyond_it_does_no_harm() {
        let track = json!({ "id": "t", "participant": "p", "kind": "video", "source": "camera", "muted": false, "new": [1] });
        let joined = json!({
            "ok": true, "answer": { "type": "answer", "sdp": "v=0" }, "slots": [], "rev": 1, "new": {},
            "me": { "id": "p", "user": "u" }, "room": { "id": "r", "channel": "c" }, "tracks": [track],
        });
        let joined: Joined = serde_json::from_value(joined).unwrap();
        assert_eq!((joined.me.id.as_str(), joined.room.channel.as_str(), joined.tracks[0].kind), ("p", "c", Kind::Video));
        let ready: Ready =
            serde_json::from_value(json!({ "session": "s", "resumed": true, "expires_in_ms": 1, "seat": { "me": 1 } })).unwrap();
        assert!(ready.seat.is_some());
        let map: Map = serde_json::from_value(json!({ "room": "r", "rev": 2, "slots": [{ "mid": "1", "track": null }] })).unwrap();
        assert_eq!(map.slots[0].track, None);
    }
}
