//! The table of client events: name → request type → the hub → answer. It decides nothing.

mod chat;
mod community;
mod notes;
mod notification;

use super::Session;
use super::connection::Failure;
use crate::protocol::client_event::{
    LobbyList, LobbyListed, LobbyWatch, MediaAnswer, MediaMute, MediaMuted, MediaOffer, MediaPin, MediaPublish, MediaPublished, RoomCreate,
    RoomCreated, RoomJoin, RoomJoined, RoomKick, RoomMute, RoomRef, SessionRefresh, SessionRefreshed,
};
use crate::protocol::convert::{self, all, whole_ms};
use crate::protocol::error::{ErrorCode, WireError};
use crate::protocol::stats::{MediaStats, MediaStatsRequest};
use crate::protocol::types::RoomKind;
use rooms::{ParticipantId, RoomId, TrackId};
use serde::de::{DeserializeOwned, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

/// Of an unknown event's name, this much is repeated in the answer.
const NAME_SHOWN_CHARS: usize = 64;

/// `{ok: true, …}` or `{ok: false, error}`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Ack {
    Done(serde_json::Map<String, serde_json::Value>),
    Failed(Failure),
}

type Answer = Result<serde_json::Map<String, serde_json::Value>, WireError>;

/// Handles one event to its end.
pub(super) async fn handle(session: &mut Session, packet: &str) -> Ack {
    match answer(session, packet).await {
        Ok(mut fields) => {
            fields.insert("ok".to_owned(), true.into());
            Ack::Done(fields)
        }
        Err(error) => {
            tracing::debug!(session = %session.handle.id, code = error.code.as_str(), "an event was refused");
            Ack::Failed(Failure::new(error))
        }
    }
}

async fn answer(session: &mut Session, packet: &str) -> Answer {
    let Packet { event, argument } = serde_json::from_str(packet).map_err(|_| WireError::invalid("an event is a name and one object"))?;
    match &*event {
        "room:create" => room_create(session, argument).await,
        "room:join" => room_join(session, argument).await,
        "room:leave" => room_leave(session, argument).await,
        "room:close" => room_close(session, argument).await,
        "room:kick" => room_kick(session, argument).await,
        "room:mute" => room_mute(session, argument).await,
        "lobby:list" => lobby_list(session, argument),
        "lobby:watch" => lobby_watch(session, argument),
        "media:offer" => media_offer(session, argument).await,
        "media:publish" => media_publish(session, argument).await,
        "media:subscribe" => media_subscribe(session, argument).await,
        "media:stats" => media_stats(session, argument).await,
        "media:mute" => media_mute(session, argument).await,
        "media:pin" => media_pin(session, argument).await,
        "chat:send" => chat::send(session, argument).await,
        "chat:edit" => chat::edit(session, argument).await,
        "chat:delete" => chat::delete(session, argument).await,
        "chat:history" => chat::history(session, argument).await,
        "chat:react" => chat::react(session, argument).await,
        "chat:pin" => chat::pin(session, argument).await,
        "chat:pins" => chat::pins(session, argument).await,
        "chat:search" => chat::search(session, argument).await,
        "chat:typing" => chat::typing(session, argument).await,
        "chat:upload" => chat::upload(session, argument).await,
        "session:refresh" => session_refresh(session, argument),
        other => elsewhere(session, other, argument).await.unwrap_or_else(|| {
            let shown: String = other.chars().take(NAME_SHOWN_CHARS).collect();
            Err(WireError::invalid(format!("there is no event {shown}")))
        }),
    }
}

/// The answer to an event of a table in a file of its own.
async fn elsewhere(session: &Session, event: &str, argument: Option<&RawValue>) -> Option<Answer> {
    if let Some(answer) = notification::answer(session, event, argument).await {
        return Some(answer);
    }
    match community::answer(session, event, argument).await {
        Some(answer) => Some(answer),
        None => notes::answer(session, event, argument).await,
    }
}

/// An event's name and first argument; further ones are ignored.
struct Packet<'a> {
    event: Cow<'a, str>,
    argument: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Packet<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array;
        impl<'de> Visitor<'de> for Array {
            type Value = Packet<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of a name and arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Packet<'de>, A::Error> {
                let event = seq.next_element::<Name<'de>>()?.ok_or_else(|| A::Error::custom("no name"))?.0;
                let argument = seq.next_element()?;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Packet { event, argument })
            }
        }
        deserializer.deserialize_seq(Array)
    }
}

/// Borrowed unless it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads an event's argument; none or null is `{}`.
fn parse<T: DeserializeOwned>(argument: Option<&RawValue>) -> Result<T, WireError> {
    let json = match argument.map(RawValue::get) {
        None | Some("null") => "{}",
        Some(json) => json,
    };
    let mut deserializer = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        // Without its " at line 1 column 7", which says nothing about an object that a program made.
        let reason = error.into_inner().to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default();
        WireError::invalid(if path == "." { reason.to_owned() } else { format!("{path}: {reason}") })
    })
}

fn done(answer: impl Serialize) -> Answer {
    match serde_json::to_value(answer) {
        Ok(serde_json::Value::Object(fields)) => Ok(fields),
        Ok(serde_json::Value::Null) => Ok(serde_json::Map::new()),
        Ok(_) | Err(_) => Err(WireError::new(ErrorCode::Internal, "the answer could not be written")),
    }
}

async fn room_create(session: &Session, argument: Option<&RawValue>) -> Answer {
    let request: RoomCreate = parse(argument)?;
    let room = session.shared.hub.create_room(&session.handle.user, request.into()).await?;
    done(RoomCreated { room: room.into() })
}

async fn room_join(session: &Session, argument: Option<&RawValue>) -> Answer {
    let request: RoomJoin = parse(argument)?;
    let joined = session.shared.hub.join(&session.handle, request.try_into()?).await?;
    done(RoomJoined::new(joined, session.ice_servers()))
}

async fn room_leave(session: &Session, argument: Option<&RawValue>) -> Answer {
    let request: RoomRef = parse(argument)?;
    session.shared.hub.leave(&session.handle.id, &RoomId::new(request.room)).await?;
    done(())
}

async fn room_close(session: &Session, argument: Option<&RawValue>) -> Answer {
    let request: RoomRef = parse(argument)?;
    session.shared.hub.close(&session.handle, &RoomId::new(request.room)).await?;
    done(())
}

async fn room_kick(session: &Session, argument: Option<&RawValue>) -> Answer {
    let request: RoomKick = parse(argument)?;
    let participant = ParticipantId::new(request.participant);
    session.shared.hub.kick(&session.handle, &RoomId::new(request.room), &participant).await?;
    done(())
}

async fn room_mute(session: &Session, argument: Option<&RawValue>) -> Answer {
    let RoomMute { room, track, muted } = parse(argument)?;
    let track = session.shared.hub.moderate(&session.handle, &RoomId::new(room), &TrackId::new(track), muted).await?;
    done(MediaMuted { track: track.into() })
}

fn lobby_list(session: &Session, argument: Option<&RawValue>) -> Answer {
    let request: LobbyList = parse(argument)?;
    done(LobbyListed { rooms: all(session.shared.hub.lobby(filter(request.kind, request.size))) })
}

fn lobby_watch(session: &Session, argument: Option<&RawValue>) -> Answer {
    let request: LobbyWatch = parse(argument)?;
    let filter = filter(request.kind, request.size);
    let watch = if request.watch { rooms::LobbyWatch::On(filter) } else { rooms::LobbyWatch::Off };
    // Watched first: a room that appears in between is told twice, never not at all.
    session.shared.hub.watch_lobby(&session.handle, watch);
    done(LobbyListed { rooms: all(session.shared.hub.lobby(filter)) })
}

fn filter(kind: Option<RoomKind>, capacity: Option<u8>) -> rooms::LobbyFilter {
    rooms::LobbyFilter { kind: kind.unwrap_or_default().into(), capacity }
}

async fn media_offer(session: &Session, argument: Option<&RawValue>) -> Answer {
    let request: MediaOffer = parse(argument)?;
    let answered = session.shared.hub.offer(&session.handle.id, request.try_into()?).await?;
    done(MediaAnswer::new(answered, session.ice_servers()))
}

async fn media_publish(session: &Session, argument: Option<&RawValue>) -> Answer {
    let request: MediaPublish = parse(argument)?;
    let tracks = session.shared.hub.publish(&session.handle.id, convert::publications(request.publish)?).await?;
    done(MediaPublished { tracks: all(tracks) })
}

async fn media_subscribe(session: &Session, argument: Option<&RawValue>) -> Answer {
    let (track, demand) = convert::demand(parse(argument)?)?;
    session.shared.hub.subscribe(&session.handle.id, &track, demand).await?;
    done(())
}

async fn media_stats(session: &Session, argument: Option<&RawValue>) -> Answer {
    let MediaStatsRequest {} = parse(argument)?;
    let stats = session.shared.hub.media_stats(&session.handle.id).await?;
    done(stats.map(MediaStats::from).unwrap_or_default())
}

async fn media_mute(session: &Session, argument: Option<&RawValue>) -> Answer {
    let request: MediaMute = parse(argument)?;
    let track = session.shared.hub.mute(&session.handle.id, &TrackId::new(request.track), request.muted).await?;
    done(MediaMuted { track: track.into() })
}

async fn media_pin(session: &Session, argument: Option<&RawValue>) -> Answer {
    let request: MediaPin = parse(argument)?;
    session.shared.hub.pin(&session.handle.id, request.tracks.into_iter().map(TrackId::new).collect()).await?;
    done(())
}

fn session_refresh(session: &mut Session, argument: Option<&RawValue>) -> Answer {
    let request: SessionRefresh = parse(argument)?;
    let verified = super::auth::verify(&session.shared, &request.token)
        .map_err(|refused| WireError::new(ErrorCode::Unauthorized, refused.to_string()))?;
    if verified.subject.user.id != session.handle.user.id {
        return Err(WireError::new(ErrorCode::Unauthorized, "token of another user"));
    }
    session.trust(verified);
    done(SessionRefreshed { expires_in_ms: whole_ms(session.token.expires_in(SystemTime::now())) })
}

/// For the fuzzer: an event up to where the hub would take it. True when it would.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn parses(packet: &str) -> bool {
    use crate::protocol::chat::{ChatPin, ChatPins, ChatReact, ChatSearch, ChatTyping, ChatUpload};
    use crate::protocol::client_event::{ChatDelete, ChatEdit};
    let Ok(Packet { event, argument }) = serde_json::from_str(packet) else { return false };
    match &*event {
        "room:create" => parse::<RoomCreate>(argument).map(rooms::CreateRoom::from).is_ok(),
        "room:join" => parse::<RoomJoin>(argument).and_then(rooms::JoinRoom::try_from).is_ok(),
        "room:leave" | "room:close" => parse::<RoomRef>(argument).is_ok(),
        "room:kick" => parse::<RoomKick>(argument).is_ok(),
        "room:mute" => parse::<RoomMute>(argument).is_ok(),
        "lobby:list" => parse::<LobbyList>(argument).is_ok(),
        "lobby:watch" => parse::<LobbyWatch>(argument).is_ok(),
        "media:offer" => parse::<MediaOffer>(argument).and_then(rooms::Offer::try_from).is_ok(),
        "media:publish" => parse::<MediaPublish>(argument).and_then(|request| convert::publications(request.publish)).is_ok(),
        "media:subscribe" => parse(argument).and_then(convert::demand).is_ok(),
        "media:stats" => parse::<MediaStatsRequest>(argument).is_ok(),
        "media:mute" => parse::<MediaMute>(argument).is_ok(),
        "media:pin" => parse::<MediaPin>(argument).is_ok(),
        "chat:send" => parse(argument).and_then(convert::chat::message).is_ok(),
        "chat:edit" => parse::<ChatEdit>(argument).is_ok(),
        "chat:delete" => parse::<ChatDelete>(argument).is_ok(),
        "chat:history" => parse(argument).and_then(convert::chat::page).is_ok(),
        "chat:react" => parse::<ChatReact>(argument).is_ok(),
        "chat:pin" => parse::<ChatPin>(argument).is_ok(),
        "chat:pins" => parse::<ChatPins>(argument).is_ok(),
        "chat:upload" => parse::<ChatUpload>(argument).is_ok(),
        "chat:typing" => parse::<ChatTyping>(argument).is_ok(),
        "chat:search" => parse(argument).and_then(|request: ChatSearch| convert::chat::search_cursor(request.before.as_deref())).is_ok(),
        "session:refresh" => parse::<SessionRefresh>(argument).is_ok(),
        other => {
            let of_servers = notification::parses(other, argument).or_else(|| community::parses(other, argument));
            of_servers.or_else(|| notes::parses(other, argument)).unwrap_or(false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(json: &str) -> Option<(String, Option<String>)> {
        let packet: Packet = serde_json::from_str(json).ok()?;
        Some((packet.event.into_owned(), packet.argument.map(|argument| argument.get().to_owned())))
    }

    #[test]
    fn a_packet_has_a_name_and_at_most_one_argument_that_counts() {
        assert_eq!(packet(r#"["a"]"#), Some(("a".into(), None)));
        assert_eq!(packet(r#"["a", {"b":1}]"#), Some(("a".into(), Some(r#"{"b":1}"#.into()))));
        assert_eq!(packet(r#"["a\n",1,2,[3]]"#), Some(("a\n".into(), Some("1".into()))));
        for garbage in ["[]", "[1]", "{}", "", "[\"a\"", "[\"a\",]", "[null,{}]", "\"a\""] {
            assert_eq!(packet(garbage), None, "{garbage}");
        }
    }

    fn refusal<T: DeserializeOwned>(json: &str) -> String {
        let raw: Box<RawValue> = RawValue::from_string(json.to_owned()).unwrap();
        match parse::<T>(Some(&raw)) {
            Ok(_) => panic!("{json} was accepted"),
            Err(error) => {
                assert_eq!(error.code, ErrorCode::Invalid);
                error.message
            }
        }
    }

    #[test]
    fn a_payload_that_does_not_parse_names_the_field() {
        let message = refusal::<RoomCreate>(r#"{"name":"n","capacity":"four","nonce":"x"}"#);
        assert!(message.starts_with("capacity: "), "{message}");
        let message = refusal::<RoomJoin>(r#"{"room":"r","offer":{"type":"offer","sdp":7}}"#);
        assert!(message.starts_with("offer.sdp: "), "{message}");
        let message = refusal::<RoomJoin>(r#"{"room":"r","publish":[{"mid":"0","source":"camera"},{"mid":"1","source":"phone"}]}"#);
        assert!(message.starts_with("publish[1].source: "), "{message}");
        let message = refusal::<RoomCreate>(r#"{"name":"n","capacity":2}"#);
        assert!(message.contains("nonce"), "{message}");
        assert!(!message.contains("line"), "{message}");
        for json in ["1", "[]", "\"x\"", "[1,2]", "true"] {
            refusal::<RoomCreate>(json);
        }
    }

    #[test]
    fn nothing_and_null_are_an_empty_object() {
        assert_eq!(parse::<LobbyList>(None).unwrap(), LobbyList::default());
        let null = RawValue::from_string("null".into()).unwrap();
        assert_eq!(parse::<LobbyList>(Some(&null)).unwrap(), LobbyList::default());
    }

    #[test]
    fn deep_nesting_is_refused_without_harm() {
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        let packet = format!(r#"["room:join",{{"room":{deep}}}]"#);
        if let Ok(Packet { argument, .. }) = serde_json::from_str(&packet) {
            assert!(parse::<RoomJoin>(argument).is_err());
        }
    }
}
