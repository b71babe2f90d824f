//! The core alone: inputs in, exact outputs out. Time is a number.

mod moderation;
mod random;
mod reception;
mod voices;

use super::event::{OfferPlan, PasswordVerdict, SeatRequest, SourceLine};
use super::roster::RESERVATION_TTL;
use super::*;
use crate::session::{Grants, RoomGrants};
use crate::view::{MediaMap, ParticipantView, SlotBinding, TrackSource, User};
use crate::{Mid, Part, Publication};
use media::{Kind, LossReason, MediaLine, PeerId};

const CLOSED: Duration = Duration::from_secs(2);
const SILENT: Duration = Duration::from_secs(10);
const EMPTY: Duration = Duration::from_secs(30);
const GRACES: Graces = Graces { closed: CLOSED, silent: SILENT, empty: EMPTY };
const UNUSED: Duration = Duration::from_secs(600);

/// A room with a clock.
struct Bench {
    room: Room,
    now: Instant,
}

/// What is left of outputs once the answer is taken out, in words.
#[derive(Debug, PartialEq)]
struct Told {
    answer: Option<Result<Answer>>,
    rest: Vec<Output>,
}

impl Bench {
    fn new(capacity: u8, has_password: bool) -> Self {
        let now = Instant::now();
        let facts = Facts {
            id: RoomId::new("r"),
            name: "방".to_owned(),
            kind: RoomKind::Buddy,
            capacity,
            has_password,
            owner: UserId::new("owner"),
            channel: ChannelId::new("c"),
        };
        Self { room: Room::new(facts, GRACES, now + UNUSED), now }
    }

    fn put(&mut self, input: Input) -> Told {
        let mut rest = Vec::new();
        self.room.handle(self.now, input, &mut rest);
        let answers = rest.extract_if(.., |output| matches!(output, Output::Answer(_))).collect::<Vec<_>>();
        assert!(answers.len() <= 1, "{answers:?}");
        let answer = answers.into_iter().next().map(|output| if let Output::Answer(answer) = output { answer } else { unreachable!() });
        Told { answer, rest }
    }

    /// Lets time pass, with every deadline on the way.
    fn pass(&mut self, time: Duration) -> Vec<Output> {
        let end = self.now + time;
        let mut outputs = Vec::new();
        while let Some(deadline) = self.room.next_deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.room.handle(self.now, Input::Deadline, &mut outputs);
            if outputs.last() == Some(&Output::Ended) {
                return outputs;
            }
            assert!(self.room.next_deadline().is_none_or(|next| next > self.now), "a deadline that has passed stays");
        }
        self.now = end;
        outputs
    }

    fn seat(&mut self, session: &str, user: &str) -> Result<Ticket> {
        self.seat_as(session, user, Grants::User, PasswordVerdict::Unchecked)
    }

    fn seat_as(&mut self, session: &str, user: &str, grants: Grants, password: PasswordVerdict) -> Result<Ticket> {
        let (session, participant) = (SessionId::new(session), ParticipantId::new(format!("p-{session}")));
        let user = User { id: UserId::new(user), name: user.to_owned() };
        match self
            .put(Input::Seat(Box::new(SeatRequest { session, user, grants, password, participant, part: Part::Person })))
            .answer
            .unwrap()?
        {
            Answer::Reserved(ticket) => Ok(ticket),
            other => panic!("{other:?}"),
        }
    }

    fn join(&mut self, session: &str, user: &str, media: Option<OfferedMedia>) -> (Snapshot, Vec<Output>) {
        let ticket = self.seat(session, user).unwrap();
        let Told { answer, rest } = self.put(Input::Attach { ticket, media });
        (snapshot(answer), rest)
    }
}

fn snapshot(answer: Option<Result<Answer>>) -> Snapshot {
    match answer {
        Some(Ok(Answer::Snapshot(snapshot))) => *snapshot,
        other => panic!("{other:?}"),
    }
}

fn mid(name: &str) -> Mid {
    Mid::from(name)
}

/// A microphone and a camera whose track ids begin with `name`, and slots for so many of each.
fn offered(name: &str, slots: usize) -> OfferedMedia {
    let line = |mid: &str, kind| MediaLine { mid: Mid::from(mid), kind };
    let source = |mid: &str, kind| SourceLine { mid: Mid::from(mid), kind, track: TrackId::new(format!("{name}-{mid}")) };
    let audio = (0..slots).map(|index| line(&format!("a{index}"), Kind::Audio));
    let video = (0..slots).map(|index| line(&format!("v{index}"), Kind::Video));
    OfferedMedia {
        slots: audio.chain(video).collect(),
        sources: vec![source("mic", Kind::Audio), source("cam", Kind::Video)],
        publish: None,
    }
}

fn to(session: &str, event: Event) -> Output {
    Output::Send { to: SessionId::new(session), event: Arc::new(event) }
}

fn room_id() -> RoomId {
    RoomId::new("r")
}

fn released(session: &str) -> Output {
    Output::Released { session: SessionId::new(session) }
}

fn seated(session: &str) -> Output {
    Output::Seated { session: SessionId::new(session) }
}

fn person(session: &str, user: &str, state: ParticipantState) -> ParticipantView {
    ParticipantView { id: ParticipantId::new(format!("p-{session}")), user: UserId::new(user), name: user.to_owned(), state }
}

fn updated(to_session: &str, participant: ParticipantView) -> Output {
    to(to_session, Event::ParticipantUpdated { room: room_id(), participant })
}

fn left(to_session: &str, session: &str, reason: LeaveReason) -> Output {
    to(to_session, Event::ParticipantLeft { room: room_id(), participant: ParticipantId::new(format!("p-{session}")), reason })
}

fn media(output: MediaOutput) -> Output {
    Output::Media(output)
}

fn added(peer: u64, session: &str) -> MediaOutput {
    MediaOutput::AddPeer { peer: PeerId(peer), tag: ParticipantId::new(format!("p-{session}")), data: true }
}

fn media_only(outputs: Vec<Output>) -> Vec<MediaOutput> {
    outputs.into_iter().filter_map(|output| if let Output::Media(output) = output { Some(output) } else { None }).collect()
}

#[test]
fn the_first_two_see_each_other() {
    let mut bench = Bench::new(2, false);
    let (first, outputs) = bench.join("a", "ann", None);
    assert_eq!(outputs, [seated("a"), Output::Occupied { seats: 1 }]);
    assert_eq!(first.room.participants, [person("a", "ann", ParticipantState::Joined)]);
    let (second, outputs) = bench.join("b", "bob", None);
    let joined = Event::ParticipantJoined { room: room_id(), participant: person("b", "bob", ParticipantState::Joined) };
    assert_eq!(outputs, [seated("b"), to("a", joined), Output::Occupied { seats: 2 }]);
    let both = [person("a", "ann", ParticipantState::Joined), person("b", "bob", ParticipantState::Joined)];
    assert_eq!(second.room.participants, both);
}

#[test]
fn reservations_count_as_seats_until_they_are_given_back_or_run_out() {
    let mut bench = Bench::new(2, false);
    let first = bench.seat("a", "ann").unwrap();
    bench.seat("b", "bob").unwrap();
    assert_eq!(bench.seat("c", "cid"), Err(Error::RoomFull));
    bench.put(Input::Unseat { ticket: first });
    let third = bench.seat("c", "cid").unwrap();
    assert_eq!(bench.seat("a", "ann"), Err(Error::RoomFull));
    assert_eq!(bench.pass(RESERVATION_TTL), []);
    let late = bench.put(Input::Attach { ticket: third, media: None });
    assert!(matches!(late.answer, Some(Err(Error::Unavailable(_)))) && late.rest.is_empty(), "{late:?}");
    assert!(bench.seat("d", "dan").is_ok() && bench.seat("e", "eve").is_ok());
}

#[test]
fn a_user_who_joins_twice_at_once_needs_one_seat() {
    let mut bench = Bench::new(2, false);
    let (first, second) = (bench.seat("a1", "ann").unwrap(), bench.seat("a2", "ann").unwrap());
    assert!(bench.seat("b", "bob").is_ok());
    assert_eq!(bench.seat("c", "cid"), Err(Error::RoomFull));
    let one = snapshot(bench.put(Input::Attach { ticket: first, media: None }).answer);
    let two = bench.put(Input::Attach { ticket: second, media: None });
    assert_eq!(two.rest, [seated("a2"), to("a1", Event::RoomReplaced { room: room_id() }), released("a1")]);
    assert_eq!(snapshot(two.answer).participant, one.participant);
}

#[test]
fn a_second_tab_replaces_the_first_and_nobody_else_notices() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", None);
    bench.join("b", "bob", None);
    let (again, outputs) = bench.join("a2", "ann", None);
    assert_eq!(again.participant, ParticipantId::new("p-a"));
    assert_eq!(outputs, [seated("a2"), to("a", Event::RoomReplaced { room: room_id() }), released("a")]);
    assert_eq!(bench.put(Input::Lost { session: SessionId::new("a"), loss: Loss::Closed }).rest, [], "the old session has no say");
}

#[test]
fn a_refresh_keeps_the_seat_and_the_others_see_it_lost_and_back() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", None);
    bench.join("b", "bob", None);
    let lost = bench.put(Input::Lost { session: SessionId::new("b"), loss: Loss::Closed });
    assert_eq!(lost.rest, [updated("a", person("b", "bob", ParticipantState::Reconnecting))]);
    assert_eq!(bench.pass(CLOSED - Duration::from_millis(1)), []);
    let ticket = bench.seat("b2", "bob").unwrap();
    assert_eq!(bench.pass(Duration::from_secs(1)), [], "whoever is on the way back keeps the seat");
    let back = bench.put(Input::Attach { ticket, media: None });
    let expected = [
        seated("b2"),
        to("b", Event::RoomReplaced { room: room_id() }),
        released("b"),
        updated("a", person("b", "bob", ParticipantState::Joined)),
    ];
    assert_eq!(back.rest, expected);
    assert_eq!(bench.pass(Duration::from_secs(60)), []);
}

#[test]
fn a_lost_session_leaves_when_its_grace_ends() {
    for (loss, grace, reason) in [(Loss::Closed, CLOSED, LeaveReason::Disconnected), (Loss::Silent, SILENT, LeaveReason::TimedOut)] {
        let mut bench = Bench::new(2, false);
        bench.join("a", "ann", None);
        bench.join("b", "bob", Some(offered("b", 1)));
        bench.put(Input::Lost { session: SessionId::new("b"), loss });
        assert_eq!(bench.pass(grace - Duration::from_millis(1)), [], "{loss:?}: media goes on meanwhile");
        let gone = bench.pass(Duration::from_millis(1));
        let unpublished = |track: &str| to("a", Event::TrackUnpublished { room: room_id(), track: TrackId::new(track) });
        let expected = [
            unpublished("b-mic"),
            unpublished("b-cam"),
            media(MediaOutput::RemovePeer { peer: PeerId(1) }),
            left("a", "b", reason),
            released("b"),
            Output::Occupied { seats: 1 },
        ];
        assert_eq!(gone, expected, "{loss:?}");
    }
}

#[test]
fn a_session_that_resumes_is_back_with_all_it_needs() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", Some(offered("a", 1)));
    bench.join("b", "bob", Some(offered("b", 1)));
    bench.put(Input::Lost { session: SessionId::new("b"), loss: Loss::Silent });
    bench.pass(SILENT - Duration::from_millis(1));
    let resumed = bench.put(Input::Resumed { session: SessionId::new("b") });
    assert_eq!(resumed.rest, [updated("a", person("b", "bob", ParticipantState::Joined))]);
    let snapshot = snapshot(resumed.answer);
    assert_eq!((snapshot.tracks.len(), snapshot.slots.len(), snapshot.map.slots.len()), (4, 2, 2));
    assert_eq!(bench.pass(SILENT), []);
    assert_eq!(bench.put(Input::Resumed { session: SessionId::new("x") }).answer, Some(Err(Error::NotFound("seat"))));
}

#[test]
fn what_a_lost_connection_was_asked_for_is_asked_again() {
    let mut bench = Bench::new(3, false);
    bench.join("a", "ann", Some(offered("a", 1)));
    bench.join("b", "bob", Some(offered("b", 1)));
    bench.join("c", "cid", Some(offered("c", 2)));
    let need = to("a", Event::MediaNeed { room: room_id(), audio: 2, video: 2 });
    let mut resume = |session: &str| {
        bench.put(Input::Lost { session: SessionId::new(session), loss: Loss::Silent });
        if session == "b" {
            bench.put(Input::Media(media::Event::Lost { peer: PeerId(2), reason: LossReason::Silent }));
        }
        bench.put(Input::Resumed { session: SessionId::new(session) }).rest
    };
    let others = |session: &str, user: &str| ["b", "c"].map(|to| updated(to, person(session, user, ParticipantState::Joined)));
    assert_eq!(resume("a"), [&others("a", "ann")[..], &[need]].concat());
    assert_eq!(resume("b"), [to("b", Event::MediaLost { room: room_id() })], "still without media, so still reconnecting");
}

#[test]
fn a_second_loss_never_prolongs_the_first() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", None);
    bench.join("b", "bob", None);
    bench.put(Input::Lost { session: SessionId::new("b"), loss: Loss::Closed });
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.put(Input::Lost { session: SessionId::new("b"), loss: Loss::Silent }).rest, []);
    let gone = bench.pass(Duration::from_secs(1));
    assert_eq!(gone[0], left("a", "b", LeaveReason::Disconnected));
}

#[test]
fn who_sits_with_whom_hears_and_sees_them() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", Some(offered("a", 1)));
    let (second, outputs) = bench.join("b", "bob", Some(offered("b", 1)));
    let (a, b) = (PeerId(1), PeerId(2));
    let expected = [
        added(2, "b"),
        MediaOutput::Publish { peer: b, mid: mid("mic"), track: media::TrackId(3), kind: Kind::Audio },
        MediaOutput::Publish { peer: b, mid: mid("cam"), track: media::TrackId(4), kind: Kind::Video },
        MediaOutput::Bind { peer: a, slot: mid("a0"), track: Some(media::TrackId(3)) },
        MediaOutput::Bind { peer: a, slot: mid("v0"), track: Some(media::TrackId(4)) },
        MediaOutput::Bind { peer: b, slot: mid("a0"), track: Some(media::TrackId(1)) },
        MediaOutput::Bind { peer: b, slot: mid("v0"), track: Some(media::TrackId(2)) },
    ];
    let map = |rev, audio: &str, video: &str| MediaMap {
        rev,
        slots: [("a0", audio), ("v0", video)]
            .map(|(slot, track)| SlotBinding { mid: mid(slot), track: Some(TrackId::new(track)) })
            .to_vec(),
    };
    assert!(outputs.contains(&to("a", Event::MediaMap { room: room_id(), map: map(2, "b-mic", "b-cam") })));
    assert!(outputs.contains(&to("b", Event::MediaMap { room: room_id(), map: map(1, "a-mic", "a-cam") })));
    assert_eq!(second.map, map(1, "a-mic", "a-cam"));
    assert_eq!(media_only(outputs), expected);
}

#[test]
fn lost_media_takes_the_tracks_and_a_new_offer_brings_them_back() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", Some(offered("a", 1)));
    bench.join("b", "bob", Some(offered("b", 1)));
    let lost = bench.put(Input::Media(media::Event::Lost { peer: PeerId(2), reason: LossReason::Silent })).rest;
    assert!(lost.contains(&to("b", Event::MediaLost { room: room_id() })));
    assert!(lost.contains(&updated("a", person("b", "bob", ParticipantState::Reconnecting))));
    assert!(lost.contains(&to("a", Event::TrackUnpublished { room: room_id(), track: TrackId::new("b-cam") })));
    let unbind = |slot| MediaOutput::Bind { peer: PeerId(1), slot: mid(slot), track: None };
    assert_eq!(media_only(lost), [unbind("a0"), unbind("v0")], "the media plane removed the peer itself");
    bench.pass(SILENT - Duration::from_millis(1));
    let session = SessionId::new("b");
    assert_eq!(bench.put(Input::Offer { session: session.clone() }).answer, Some(Ok(Answer::Plan(OfferPlan::Fresh))));
    let back = bench.put(Input::OfferAnswered { session, plan: OfferPlan::Fresh, media: offered("b2", 1) });
    assert!(back.rest.contains(&updated("a", person("b", "bob", ParticipantState::Joined))));
    assert_eq!(snapshot(back.answer).map.slots[1].track, Some(TrackId::new("a-cam")));
    assert_eq!(bench.pass(SILENT), []);
}

#[test]
fn media_that_stays_lost_ends_the_seat() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", None);
    bench.join("b", "bob", Some(offered("b", 1)));
    bench.put(Input::Media(media::Event::Lost { peer: PeerId(1), reason: LossReason::Closed }));
    let closed = to("b", Event::RoomClosed { room: room_id(), reason: CloseReason::MediaLost });
    let expected = [left("a", "b", LeaveReason::MediaLost), closed, released("b"), Output::Occupied { seats: 1 }];
    assert_eq!(bench.pass(SILENT), expected);
}

#[test]
fn the_earlier_of_two_losses_counts() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", None);
    bench.join("b", "bob", Some(offered("b", 1)));
    bench.put(Input::Media(media::Event::Lost { peer: PeerId(1), reason: LossReason::Closed }));
    let closed = bench.put(Input::Lost { session: SessionId::new("b"), loss: Loss::Closed });
    assert_eq!(closed.rest, [], "it is reconnecting already");
    assert_eq!(bench.pass(CLOSED)[0], left("a", "b", LeaveReason::Disconnected));
}

#[test]
fn a_cut_cable_is_gone_after_8_s_and_within_20_s() {
    // The heartbeat fails 5–10 s after the cut, the media plane reports silence after 7 s.
    for heartbeat_ms in [5_000, 7_000, 10_000] {
        let mut bench = Bench::new(2, false);
        bench.join("a", "ann", None);
        bench.join("b", "bob", Some(offered("b", 1)));
        let cut = bench.now;
        let mut inputs = [
            (heartbeat_ms, Input::Lost { session: SessionId::new("b"), loss: Loss::Silent }),
            (7_000, Input::Media(media::Event::Lost { peer: PeerId(1), reason: LossReason::Silent })),
        ];
        inputs.sort_by_key(|(at, _)| *at);
        for (at, input) in inputs {
            bench.pass(cut + Duration::from_millis(at) - bench.now);
            bench.put(input);
        }
        let gone = bench.room.next_deadline().unwrap() - cut;
        assert!(gone >= Duration::from_secs(8) && gone <= Duration::from_secs(20), "{gone:?}");
        let is_left = |output: &Output| matches!(output, Output::Send { event, .. } if matches!(**event, Event::ParticipantLeft { .. }));
        assert!(bench.pass(gone).iter().any(is_left));
    }
}

#[test]
fn an_old_peer_says_nothing_about_the_present_one() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", Some(offered("a", 1)));
    let (_, outputs) = bench.join("a", "ann", Some(offered("a2", 1)));
    assert_eq!(media_only(outputs)[..2], [MediaOutput::RemovePeer { peer: PeerId(1) }, added(2, "a")]);
    assert_eq!(bench.put(Input::Media(media::Event::Lost { peer: PeerId(1), reason: LossReason::Silent })).rest, []);
}

#[test]
fn too_few_slots_are_told_once_and_a_further_offer_fills_the_new_ones() {
    let mut bench = Bench::new(3, false);
    bench.join("a", "ann", Some(offered("a", 1)));
    bench.join("b", "bob", Some(offered("b", 2)));
    let (_, outputs) = bench.join("c", "cid", Some(offered("c", 2)));
    assert!(outputs.contains(&to("a", Event::MediaNeed { room: room_id(), audio: 2, video: 2 })), "{outputs:?}");
    let session = SessionId::new("a");
    assert_eq!(bench.put(Input::Offer { session: session.clone() }).answer, Some(Ok(Answer::Plan(OfferPlan::Further(PeerId(1))))));
    let plan = OfferPlan::Further(PeerId(1));
    let further = bench.put(Input::OfferAnswered { session, plan, media: offered("ignored", 2) });
    let bind = |slot, track| media(MediaOutput::Bind { peer: PeerId(1), slot: mid(slot), track: Some(media::TrackId(track)) });
    let snapshot = snapshot(further.answer);
    let told = to("a", Event::MediaMap { room: room_id(), map: snapshot.map.clone() });
    assert_eq!(further.rest, [bind("a1", 5), bind("v1", 6), told], "bound slots stay, published tracks stay");
    assert!(snapshot.map.slots.iter().all(|slot| slot.track.is_some()));
    assert!(snapshot.tracks.iter().any(|track| track.id == TrackId::new("a-mic")));
}

#[test]
fn a_bound_slot_keeps_its_track_when_others_come_and_go() {
    let mut bench = Bench::new(4, false);
    bench.join("a", "ann", Some(offered("a", 3)));
    bench.join("b", "bob", Some(offered("b", 3)));
    bench.join("c", "cid", Some(offered("c", 3)));
    bench.put(Input::Leave { session: SessionId::new("b"), reason: LeaveReason::Left });
    let (_, outputs) = bench.join("d", "dan", Some(offered("d", 3)));
    let binds_of_a: Vec<_> =
        media_only(outputs).into_iter().filter(|output| matches!(output, MediaOutput::Bind { peer: PeerId(1), .. })).collect();
    let bind = |slot, track| MediaOutput::Bind { peer: PeerId(1), slot: mid(slot), track: Some(media::TrackId(track)) };
    assert_eq!(binds_of_a, [bind("a0", 7), bind("v0", 8)], "the freed first slots, not those of the third");
}

#[test]
fn published_is_what_is_listed_or_one_of_each() {
    let publication = |mid_name: &str, source| Publication { mid: mid(mid_name), source, muted: true };
    let with = |list: Vec<Publication>| OfferedMedia { publish: Some(list), ..offered("a", 1) };
    let published = |media: OfferedMedia| {
        let mut bench = Bench::new(2, false);
        let ticket = bench.seat("a", "ann").unwrap();
        bench.put(Input::Attach { ticket, media: Some(media) }).answer.unwrap().map(|answer| snapshot(Some(Ok(answer))).tracks)
    };
    let sources = |tracks: Vec<TrackView>| tracks.into_iter().map(|track| (track.source, track.muted)).collect::<Vec<_>>();
    let default = published(offered("a", 1)).unwrap();
    assert_eq!(sources(default), [(TrackSource::Microphone, false), (TrackSource::Camera, false)]);
    assert_eq!(sources(published(with(vec![publication("cam", TrackSource::Screen)])).unwrap()), [(TrackSource::Screen, true)]);
    assert_eq!(published(with(vec![])).unwrap(), []);
    let field = |list| match published(with(list)) {
        Err(Error::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let mic = publication("mic", TrackSource::Microphone);
    assert_eq!(field(vec![mic.clone(), publication("zzz", TrackSource::Camera)]), "publish[1].mid");
    assert_eq!(field(vec![mic.clone(), mic.clone()]), "publish[1].mid");
    assert_eq!(field(vec![publication("a0", TrackSource::Microphone)]), "publish[0].mid", "a slot is no source");
    assert_eq!(field(vec![publication("mic", TrackSource::Camera)]), "publish[0].source");
    assert_eq!(field(vec![mic; 5]), "publish");
}

#[test]
fn a_refused_publication_leaves_no_trace() {
    let mut bench = Bench::new(2, false);
    let ticket = bench.seat("a", "ann").unwrap();
    let publish = Some(vec![Publication { mid: mid("zzz"), source: TrackSource::Camera, muted: false }]);
    let refused = bench.put(Input::Attach { ticket, media: Some(OfferedMedia { publish, ..offered("a", 1) }) });
    assert!(matches!(refused.answer, Some(Err(Error::Invalid { .. }))) && refused.rest.is_empty());
    assert!(bench.seat("b", "bob").is_ok() && bench.seat("c", "cid").is_ok(), "the seat is free again");
}

#[test]
fn muting_is_for_own_tracks_and_told_once() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", Some(offered("a", 1)));
    bench.join("b", "bob", Some(offered("b", 1)));
    let mute = |session: &str, track: &str| Input::Mute { session: SessionId::new(session), track: TrackId::new(track), muted: true };
    let muted = bench.put(mute("a", "a-mic"));
    let Some(Ok(Answer::Track(track))) = muted.answer else { panic!("{muted:?}") };
    let event = || Event::TrackUpdated { room: room_id(), track: track.clone() };
    assert!(track.muted);
    let set = media(MediaOutput::SetMuted { track: media::TrackId(1), muted: true });
    assert_eq!(muted.rest, [set, to("a", event()), to("b", event())]);
    assert_eq!(bench.put(mute("a", "a-mic")).rest, [], "it is muted already");
    assert!(matches!(bench.put(mute("a", "b-mic")).answer, Some(Err(Error::Forbidden(_)))));
    assert_eq!(bench.put(mute("a", "zzz")).answer, Some(Err(Error::NotFound("track"))));
}

#[test]
fn a_token_without_media_rights_sits_in_silence() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", Some(offered("a", 1)));
    let grants = RoomGrants {
        room: room_id(),
        room_join: true,
        can_publish: false,
        can_subscribe: false,
        can_publish_data: false,
        room_admin: false,
    };
    let ticket = bench.seat_as("b", "bob", Grants::Room(grants), PasswordVerdict::Unchecked).unwrap();
    let attached = bench.put(Input::Attach { ticket, media: Some(offered("b", 1)) });
    assert_eq!(media_only(attached.rest), [MediaOutput::AddPeer { peer: PeerId(2), tag: ParticipantId::new("p-b"), data: false }]);
    let snapshot = snapshot(attached.answer);
    assert!(snapshot.tracks.iter().all(|track| track.participant.as_str() == "p-a"));
    assert!(snapshot.map.slots.iter().all(|slot| slot.track.is_none()));
}

#[test]
fn a_password_is_asked_of_strangers_only() {
    let mut bench = Bench::new(4, true);
    assert_eq!(bench.seat_as("a", "ann", Grants::User, PasswordVerdict::Unchecked), Err(Error::BadPassword));
    assert_eq!(bench.seat_as("a", "ann", Grants::User, PasswordVerdict::Wrong), Err(Error::BadPassword));
    assert!(bench.seat_as("o", "owner", Grants::User, PasswordVerdict::Unchecked).is_ok());
    let ticket = bench.seat_as("a", "ann", Grants::User, PasswordVerdict::Right).unwrap();
    bench.put(Input::Attach { ticket, media: None });
    assert!(bench.seat_as("a2", "ann", Grants::User, PasswordVerdict::Unchecked).is_ok(), "seated already");
}

#[test]
fn whoever_was_removed_stays_out_unless_it_is_the_owner() {
    let mut bench = Bench::new(4, false);
    bench.join("a", "ann", None);
    bench.join("o", "owner", None);
    let owner = Authority::User { user: UserId::new("owner"), grants: Grants::User };
    let kick = |by: &Authority, session: &str| Input::Kick { by: by.clone(), participant: ParticipantId::new(format!("p-{session}")) };
    assert!(matches!(bench.put(kick(&owner, "o")).answer, Some(Err(Error::Conflict(_)))));
    let waiting = bench.seat("a2", "ann").unwrap();
    let kicked = bench.put(kick(&owner, "a"));
    let closed = to("a", Event::RoomClosed { room: room_id(), reason: CloseReason::Kicked });
    assert_eq!(kicked.rest, [left("o", "a", LeaveReason::Kicked), closed, released("a"), Output::Occupied { seats: 1 }]);
    assert!(matches!(bench.put(Input::Attach { ticket: waiting, media: None }).answer, Some(Err(_))), "nor on the way in");
    assert!(matches!(bench.seat("a3", "ann"), Err(Error::Forbidden(_))));
    bench.put(kick(&Authority::Backend, "o"));
    assert!(bench.seat("o2", "owner").is_ok());
}

#[test]
fn the_last_one_out_ends_the_room_after_a_while() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", None);
    bench.put(Input::Leave { session: SessionId::new("a"), reason: LeaveReason::Left });
    assert_eq!(bench.pass(EMPTY - Duration::from_millis(1)), []);
    bench.join("a", "ann", None);
    assert_eq!(bench.pass(Duration::from_secs(3_600)), [], "somebody is in it");
    bench.put(Input::Leave { session: SessionId::new("a"), reason: LeaveReason::Left });
    bench.pass(EMPTY - Duration::from_millis(1));
    bench.seat("b", "bob").unwrap();
    assert_eq!(bench.pass(RESERVATION_TTL - Duration::from_millis(1)), [], "somebody is at the door");
    assert_eq!(bench.pass(Duration::from_millis(1)), [Output::Ended]);
}

#[test]
fn a_room_that_nobody_joined_ends() {
    let mut bench = Bench::new(2, false);
    assert_eq!(bench.pass(UNUSED - Duration::from_millis(1)), []);
    assert_eq!(bench.pass(Duration::from_millis(1)), [Output::Ended]);
}

#[test]
fn closing_and_stopping_tell_everyone_why() {
    for (input, reason, last) in [
        (Input::Close { by: Authority::Backend }, CloseReason::Closed, Output::Ended),
        (Input::Stop, CloseReason::ServerStopped, Output::Stopped),
    ] {
        let mut bench = Bench::new(2, false);
        bench.join("a", "ann", Some(offered("a", 1)));
        let told = bench.put(input);
        let closed = to("a", Event::RoomClosed { room: room_id(), reason });
        assert_eq!(told.rest, [closed, media(MediaOutput::RemovePeer { peer: PeerId(1) }), released("a"), last]);
        assert_eq!(told.answer, Some(Ok(Answer::Done)));
    }
    let mut bench = Bench::new(2, false);
    let stranger = Authority::User { user: UserId::new("ann"), grants: Grants::User };
    assert!(matches!(bench.put(Input::Close { by: stranger }).answer, Some(Err(Error::Forbidden(_)))));
}

#[test]
fn speakers_are_named_as_participants() {
    let mut bench = Bench::new(2, false);
    bench.join("a", "ann", Some(offered("a", 1)));
    let told = bench.put(Input::Media(media::Event::Speakers { speakers: vec![(PeerId(1), -20), (PeerId(9), -30)] }));
    let speakers = vec![(ParticipantId::new("p-a"), -20)];
    assert_eq!(told.rest, [to("a", Event::SpeakerChanged { room: room_id(), speakers })]);
}
