//! Rooms of many, and those who watch one.

use super::*;
use crate::Watch;
use media::{POOL_SLOTS, SpeakerSlot};

impl Bench {
    fn voice(capacity: u8) -> Self {
        let mut bench = Self::new(4, false);
        bench.room = Room::new(Facts { kind: RoomKind::Voice, capacity, ..bench.room.facts }, GRACES, bench.now + UNUSED);
        bench
    }

    fn watch(&mut self, session: &str, watch: Watch, media: OfferedMedia) -> (Snapshot, Vec<Output>) {
        let (id, participant) = (SessionId::new(session), ParticipantId::new(format!("p-{session}")));
        let (user, grants) = (User { id: UserId::new(session), name: session.to_owned() }, Grants::User);
        let (password, part) = (PasswordVerdict::Unchecked, Part::Viewer(watch));
        let request = SeatRequest { session: id, user, grants, password, participant, part };
        let Some(Ok(Answer::Reserved(ticket))) = self.put(Input::Seat(Box::new(request))).answer else { panic!("no seat") };
        let Told { answer, rest } = self.put(Input::Attach { ticket, media: Some(media) });
        (snapshot(answer), rest)
    }

    /// These speak, by the numbers of their peers, loudest first.
    fn speak(&mut self, peers: &[u64]) -> Vec<Output> {
        let speakers = peers.iter().map(|peer| (PeerId(*peer), -20)).collect();
        self.put(Input::Media(media::Event::Speakers { speakers })).rest
    }

    /// The tracks that a participant's video slots carry.
    fn seen(&self, session: &str) -> Vec<String> {
        let map = self.room.subscriptions.map(&ParticipantId::new(format!("p-{session}")));
        map.slots.iter().filter(|slot| slot.mid.starts_with('v')).filter_map(|slot| Some(slot.track.as_ref()?.to_string())).collect()
    }
}

fn lines(audio: usize, video: usize) -> Vec<MediaLine> {
    let line = |name: String, kind| MediaLine { mid: Mid::from(name.as_str()), kind };
    let audio = (0..audio).map(|index| line(format!("a{index}"), Kind::Audio));
    audio.chain((0..video).map(|index| line(format!("v{index}"), Kind::Video))).collect()
}

fn talker(name: &str, video_slots: usize) -> OfferedMedia {
    OfferedMedia { slots: lines(POOL_SLOTS, video_slots), ..offered(name, 0) }
}

fn player() -> OfferedMedia {
    OfferedMedia { slots: lines(1, 1), sources: vec![], publish: None }
}

fn maps(outputs: &[Output], session: &str) -> Vec<MediaMap> {
    let map = |output: &Output| match output {
        Output::Send { to, event } if *to == SessionId::new(session) => match &**event {
            Event::MediaMap { map, .. } => Some(map.clone()),
            _ => None,
        },
        _ => None,
    };
    outputs.iter().filter_map(map).collect()
}

#[test]
fn fifty_join_and_each_gets_five_slots_that_follow_and_no_demand_for_more() {
    let mut bench = Bench::voice(50);
    let mut outputs = Vec::new();
    for n in 1..=50 {
        outputs.extend(bench.join(&format!("s{n}"), &format!("u{n}"), Some(talker(&format!("t{n}"), 4))).1);
    }
    assert_eq!(bench.seat("s51", "u51"), Err(Error::RoomFull));
    let demands = |output: &&Output| matches!(output, Output::Send { event, .. } if matches!(**event, Event::MediaNeed { .. }));
    assert_eq!(outputs.iter().filter(demands).count(), 0);
    let commands = media_only(outputs);
    let follows = commands.iter().filter(|output| matches!(output, MediaOutput::BindSpeaker { .. })).count();
    assert_eq!(follows, 50 * POOL_SLOTS, "each slot once");
    let binds_of_first = commands.iter().filter(|output| matches!(output, MediaOutput::Bind { peer: PeerId(1), .. })).count();
    assert_eq!(binds_of_first, 4, "who came first sees the first four others, and later ones change nothing");
    assert!(!commands.iter().any(|output| matches!(output, MediaOutput::Bind { slot, .. } if slot.starts_with('a'))));
}

#[test]
fn a_client_with_fewer_slots_than_the_pool_is_asked_for_the_pools_and_no_video() {
    let mut bench = Bench::voice(50);
    let few = |name: &str| OfferedMedia { slots: lines(1, 1), ..offered(name, 0) };
    let mut outputs = Vec::new();
    for n in 1..=20 {
        outputs.extend(bench.join(&format!("s{n}"), &format!("u{n}"), Some(few(&format!("t{n}")))).1);
    }
    let need = |output: Output| match output {
        Output::Send { to, event } if to == SessionId::new("s1") => match *event {
            Event::MediaNeed { audio, video, .. } => Some((audio, video)),
            _ => None,
        },
        _ => None,
    };
    let needs: Vec<_> = outputs.into_iter().filter_map(need).collect();
    assert_eq!(needs, [(2, 1), (3, 1), (4, 1), (5, 1)]);
}

#[test]
fn what_the_speaker_slots_carry_is_told_as_maps_five_times_a_second_at_most() {
    let mut bench = Bench::voice(50);
    for n in 1..=8 {
        bench.join(&format!("s{n}"), &format!("u{n}"), Some(talker(&format!("t{n}"), 0)));
    }
    bench.pass(Duration::from_secs(1));
    let carried = |track| vec![SpeakerSlot { peer: PeerId(1), slot: mid("a0"), track: Some(media::TrackId(track)) }];
    let mut told = Vec::new();
    // The microphones of the second to the eighth have the numbers 3, 5, 7 …
    for turn in 0..20 {
        let slots = carried(3 + 2 * (turn % 7));
        told.extend(bench.put(Input::Media(media::Event::SpeakerSlots { slots })).rest);
        told.extend(bench.pass(Duration::from_millis(50)));
    }
    told.extend(bench.pass(Duration::from_millis(200)));
    let maps = maps(&told, "s1");
    assert!((5..=7).contains(&maps.len()), "{} maps in 1.2 s", maps.len());
    assert!(maps.windows(2).all(|pair| pair[1].rev > pair[0].rev));
    let last = maps.last().expect("told").slots[0].clone();
    assert_eq!(last, SlotBinding { mid: mid("a0"), track: Some(TrackId::new("t7-mic")) }, "19 % 7 is 5: the seventh");
    let again = SpeakerSlot { peer: PeerId(1), slot: mid("a0"), track: Some(media::TrackId(13)) };
    assert_eq!(bench.put(Input::Media(media::Event::SpeakerSlots { slots: vec![again] })).rest, [], "the same again is no map");
}

#[test]
fn a_voice_that_left_is_off_the_map_before_the_media_plane_says_so() {
    let mut bench = Bench::voice(50);
    for n in 1..=3 {
        bench.join(&format!("s{n}"), &format!("u{n}"), Some(talker(&format!("t{n}"), 0)));
    }
    let slots = vec![SpeakerSlot { peer: PeerId(1), slot: mid("a0"), track: Some(media::TrackId(3)) }];
    bench.put(Input::Media(media::Event::SpeakerSlots { slots: slots.clone() }));
    bench.pass(Duration::from_secs(1));
    let gone = bench.put(Input::Leave { session: SessionId::new("s2"), reason: LeaveReason::Left }).rest;
    assert_eq!(maps(&gone, "s1")[0].slots[0].track, None);
    bench.put(Input::Media(media::Event::SpeakerSlots { slots }));
    assert_eq!(bench.room.subscriptions.map(&ParticipantId::new("p-s1")).slots[0].track, None, "what is gone isn't carried");
}

#[test]
fn the_pictures_are_of_those_who_speak_then_of_those_who_spoke_last() {
    let mut bench = Bench::voice(50);
    bench.join("s1", "u1", Some(talker("t1", 2)));
    for n in 2..=6 {
        bench.join(&format!("s{n}"), &format!("u{n}"), Some(talker(&format!("t{n}"), 0)));
    }
    assert_eq!(bench.seen("s1"), ["t2-cam", "t3-cam"], "nobody has spoken: who came first");
    bench.speak(&[5]);
    assert_eq!(bench.seen("s1"), ["t2-cam", "t5-cam"], "one picture changes, the other stays where it is");
    bench.speak(&[6, 5]);
    assert_eq!(bench.seen("s1"), ["t6-cam", "t5-cam"]);
    bench.speak(&[3, 6, 5]);
    assert_eq!(bench.seen("s1"), ["t6-cam", "t5-cam"], "who is at it longest is not pushed out by a louder one");
    bench.speak(&[3]);
    assert_eq!(bench.seen("s1"), ["t6-cam", "t3-cam"], "of the two who stopped, the one who had begun last");
    assert!(bench.speak(&[1]).iter().all(|output| !matches!(output, Output::Media(_))), "nobody sees itself");
}

#[test]
fn a_pinned_picture_and_a_shared_screen_come_before_all_speakers() {
    let mut bench = Bench::voice(50);
    bench.join("s1", "u1", Some(talker("t1", 2)));
    for n in 2..=5 {
        bench.join(&format!("s{n}"), &format!("u{n}"), Some(talker(&format!("t{n}"), 0)));
    }
    let pin =
        |tracks: &[&str]| Input::Pin { session: SessionId::new("s1"), tracks: tracks.iter().map(|track| TrackId::new(*track)).collect() };
    assert_eq!(bench.put(pin(&["t5-cam", "nobody's"])).answer, Some(Ok(Answer::Done)));
    assert_eq!(bench.seen("s1"), ["t2-cam", "t5-cam"]);
    bench.speak(&[3, 4]);
    assert_eq!(bench.seen("s1"), ["t3-cam", "t5-cam"]);
    let screen = vec![SourceLine { mid: mid("screen"), kind: Kind::Video, track: TrackId::new("screen") }];
    let publish = Some(vec![Publication { mid: mid("screen"), source: TrackSource::Screen, muted: false }]);
    bench.join("s6", "u6", Some(OfferedMedia { sources: screen, publish, ..talker("t6", 0) }));
    assert_eq!(bench.seen("s1"), ["screen", "t5-cam"]);
    bench.put(pin(&[]));
    assert_eq!(bench.seen("s1"), ["screen", "t3-cam"]);
    assert_eq!(bench.put(Input::Pin { session: SessionId::new("nobody"), tracks: vec![] }).answer, Some(Err(Error::NotFound("seat"))));
}

#[test]
fn a_watcher_of_one_participant_gets_that_one_whenever_it_is_there() {
    let mut bench = Bench::new(4, false);
    bench.join("s1", "u1", Some(offered("t1", 3)));
    let (snapshot, outputs) = bench.watch("tv", Watch::User(UserId::new("u2")), player());
    assert!(snapshot.map.slots.iter().all(|slot| slot.track.is_none()));
    assert!(!media_only(outputs).iter().any(|output| matches!(output, MediaOutput::Bind { peer: PeerId(2), .. })));
    let (_, outputs) = bench.join("s2", "u2", Some(offered("t2", 3)));
    let bind = |slot, track| MediaOutput::Bind { peer: PeerId(2), slot: mid(slot), track: Some(media::TrackId(track)) };
    let of_tv: Vec<_> =
        media_only(outputs).into_iter().filter(|output| matches!(output, MediaOutput::Bind { peer: PeerId(2), .. })).collect();
    assert_eq!(of_tv, [bind("a0", 3), bind("v0", 4)]);
    bench.put(Input::Leave { session: SessionId::new("s2"), reason: LeaveReason::Left });
    assert_eq!(bench.seen("tv"), Vec::<String>::new());
    bench.join("s3", "u2", Some(offered("t3", 3)));
    assert_eq!(bench.seen("tv"), ["t3-cam"], "the same user under another id");
    assert_eq!(bench.seat("s4", "u4"), Ok(Ticket(5)), "three of four seats are taken");
    assert_eq!(bench.seat("s5", "u5"), Err(Error::RoomFull), "who watches has a seat");
}

#[test]
fn a_watcher_of_the_speaker_sees_the_first_to_publish_and_then_who_speaks() {
    let mut bench = Bench::new(4, false);
    bench.join("s1", "u1", Some(offered("t1", 3)));
    bench.join("s2", "u2", Some(offered("t2", 3)));
    let (_, outputs) = bench.watch("tv", Watch::Speaker, player());
    assert!(media_only(outputs).contains(&MediaOutput::BindSpeaker { peer: PeerId(3), slot: mid("a0") }));
    assert_eq!(bench.seen("tv"), ["t1-cam"]);
    bench.speak(&[2]);
    assert_eq!(bench.seen("tv"), ["t2-cam"]);
    bench.speak(&[1, 2]);
    assert_eq!(bench.seen("tv"), ["t2-cam"], "an mhm takes nobody's picture");
    bench.speak(&[]);
    bench.speak(&[1]);
    assert_eq!(bench.seen("tv"), ["t1-cam"]);
}
