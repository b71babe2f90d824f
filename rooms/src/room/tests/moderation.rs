//! Muting somebody else, and how long that holds.

use super::*;

fn owner() -> Authority {
    Authority::User { user: UserId::new("owner"), grants: Grants::User }
}

fn moderate(by: Authority, track: &str, muted: bool) -> Input {
    Input::ModerateTrack { by, track: TrackId::new(track), muted }
}

fn own(session: &str, track: &str, muted: bool) -> Input {
    Input::Mute { session: SessionId::new(session), track: TrackId::new(track), muted }
}

/// The owner, and ann with a microphone (track 3) and a camera (track 4).
fn table() -> Bench {
    let mut bench = Bench::new(3, false);
    bench.join("o", "owner", Some(offered("o", 2)));
    bench.join("a", "ann", Some(offered("a", 2)));
    bench
}

fn set(track: u64, muted: bool) -> Output {
    media(MediaOutput::SetMuted { track: media::TrackId(track), muted })
}

fn view(told: &Told) -> &TrackView {
    let Some(Ok(Answer::Track(track))) = &told.answer else { panic!("{told:?}") };
    track
}

#[test]
fn a_moderators_mute_is_told_to_all_and_is_not_undone_by_its_publisher() {
    let mut bench = table();
    let muted = bench.put(moderate(owner(), "a-mic", true));
    let track = view(&muted).clone();
    assert!(track.muted_by_moderator && !track.muted);
    let updated = |to_session| to(to_session, Event::TrackUpdated { room: room_id(), track: track.clone() });
    assert_eq!(muted.rest, [set(3, true), updated("o"), updated("a")]);
    assert_eq!(bench.put(moderate(owner(), "a-mic", true)).rest, [], "it is muted already");

    for off in [true, false] {
        let told = bench.put(own("a", "a-mic", off));
        assert!(view(&told).muted == off && view(&told).muted_by_moderator);
        assert_eq!(media_only(told.rest), [], "held back all the time");
    }
    let unmuted = bench.put(moderate(owner(), "a-mic", false));
    assert!(!view(&unmuted).muted_by_moderator);
    assert_eq!(media_only(unmuted.rest), media_only(vec![set(3, false)]));
}

#[test]
fn who_unmutes_somebody_that_muted_itself_makes_nothing_heard() {
    let mut bench = table();
    bench.put(moderate(owner(), "a-mic", true));
    bench.put(own("a", "a-mic", true));
    let told = bench.put(moderate(owner(), "a-mic", false));
    assert!(view(&told).muted);
    assert_eq!(media_only(told.rest), []);
}

#[test]
fn a_mute_sticks_over_a_new_offer_and_over_leaving_and_coming_back() {
    let mut bench = table();
    bench.put(moderate(owner(), "a-cam", true));
    let (again, outputs) = bench.join("a2", "ann", Some(offered("again", 2)));
    let camera = |snapshot: &Snapshot, id: &str| snapshot.tracks.iter().find(|track| track.id == TrackId::new(id)).cloned().unwrap();
    assert!(camera(&again, "again-cam").muted_by_moderator && !camera(&again, "again-mic").muted_by_moderator);
    assert!(outputs.contains(&set(6, true)) && !outputs.contains(&set(5, true)), "{outputs:?}");
    bench.put(Input::Leave { session: SessionId::new("a2"), reason: LeaveReason::Left });
    let (back, _) = bench.join("a3", "ann", Some(offered("back", 2)));
    assert!(camera(&back, "back-cam").muted_by_moderator);
    bench.join("b", "bob", Some(offered("b", 2)));
    assert!(!bench.room.tracks.find(&TrackId::new("b-cam")).unwrap().muted_by_moderator, "nobody else's");
}

#[test]
fn only_the_owner_an_admin_token_and_a_backend_moderate_and_not_themselves() {
    let mut bench = table();
    let ann = || Authority::User { user: UserId::new("ann"), grants: Grants::User };
    assert!(matches!(bench.put(moderate(ann(), "o-mic", true)).answer, Some(Err(Error::Forbidden(_)))));
    assert!(matches!(bench.put(moderate(ann(), "nothing", true)).answer, Some(Err(Error::Forbidden(_)))));
    assert_eq!(bench.put(moderate(owner(), "nothing", true)).answer, Some(Err(Error::NotFound("track"))));
    assert!(matches!(bench.put(moderate(owner(), "o-mic", true)).answer, Some(Err(Error::Conflict(_)))));
    assert!(view(&bench.put(moderate(Authority::Backend, "o-mic", true))).muted_by_moderator);
}

#[test]
fn a_backend_names_the_sources_that_stay_muted_before_they_are_published_too() {
    let mut bench = Bench::new(3, false);
    bench.join("a", "ann", None);
    let sources = |muted: &[TrackSource]| Input::ModerateSources {
        by: Authority::Backend,
        participant: ParticipantId::new("p-a"),
        muted: muted.to_vec(),
    };
    assert_eq!(bench.put(sources(&[TrackSource::Microphone, TrackSource::Screen])).answer, Some(Ok(Answer::Done)));
    let (_, outputs) = bench.join("a", "ann", Some(offered("a", 2)));
    assert_eq!(outputs.iter().filter(|output| **output == set(1, true)).count(), 1);
    let camera_instead = bench.put(sources(&[TrackSource::Camera]));
    assert_eq!(media_only(camera_instead.rest), media_only(vec![set(1, false), set(2, true)]));
    let nobody = Input::ModerateSources { by: Authority::Backend, participant: ParticipantId::new("p-z"), muted: vec![] };
    assert_eq!(bench.put(nobody).answer, Some(Err(Error::NotFound("participant"))));
}
