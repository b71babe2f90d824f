//! What is said about who can use what of whom, and to whom it is said.

use super::*;
use media::{Demand, Quality, Rid};

const PAUSED: Demand = Demand { paused: true, size: None };

fn demand(session: &str, track: &str, demand: Demand) -> Input {
    Input::Demand { session: SessionId::new(session), track: TrackId::new(track), demand }
}

fn told_media(peer: u64, slot: &str, demand: Demand) -> MediaOutput {
    MediaOutput::Demand { peer: PeerId(peer), slot: mid(slot), demand }
}

/// ann with tracks 1 and 2, bob with 3 and 4.
fn couple() -> Bench {
    let mut bench = Bench::new(3, false);
    bench.join("a", "ann", Some(offered("a", 2)));
    bench.join("b", "bob", Some(offered("b", 2)));
    bench
}

#[test]
fn a_demand_goes_to_the_slot_and_follows_its_track_to_a_new_transport() {
    let mut bench = couple();
    let small = Demand { paused: false, size: Some((320, 180)) };
    let told = bench.put(demand("b", "a-cam", small));
    assert_eq!((told.answer, media_only(told.rest)), (Some(Ok(Answer::Done)), vec![told_media(2, "v0", small)]));
    let (_, outputs) = bench.join("b2", "bob", Some(offered("b2", 2)));
    let outputs = media_only(outputs);
    let bind = MediaOutput::Bind { peer: PeerId(3), slot: mid("v0"), track: Some(media::TrackId(2)) };
    let at = outputs.iter().position(|output| *output == bind).unwrap();
    assert_eq!(outputs[at + 1], told_media(3, "v0", small), "right after the binding, which starts with the default");
    assert_eq!(outputs.iter().filter(|output| matches!(output, MediaOutput::Demand { .. })).count(), 1);
}

#[test]
fn a_demand_before_there_is_media_waits_for_it_and_the_default_ends_it() {
    let mut bench = Bench::new(3, false);
    bench.join("a", "ann", Some(offered("a", 1)));
    bench.join("b", "bob", None);
    assert_eq!(bench.put(demand("b", "a-mic", PAUSED)).rest, []);
    bench.put(demand("b", "a-cam", PAUSED));
    bench.put(demand("b", "a-cam", Demand::default()));
    let session = SessionId::new("b");
    let offer = bench.put(Input::OfferAnswered { session, plan: OfferPlan::Fresh, media: offered("b", 1) });
    let demands: Vec<_> = media_only(offer.rest).into_iter().filter(|output| matches!(output, MediaOutput::Demand { .. })).collect();
    assert_eq!(demands, [told_media(2, "a0", PAUSED)]);
}

#[test]
fn nobody_demands_an_own_track_or_one_that_is_not_there() {
    let mut bench = couple();
    assert!(matches!(bench.put(demand("a", "a-cam", PAUSED)).answer, Some(Err(Error::Conflict(_)))));
    assert_eq!(bench.put(demand("a", "z-cam", PAUSED)).answer, Some(Err(Error::NotFound("track"))));
    assert_eq!(bench.put(demand("z", "a-cam", PAUSED)).answer, Some(Err(Error::NotFound("seat"))));
}

#[test]
fn a_publisher_hears_what_is_wanted_and_hears_it_again_when_it_comes_back() {
    let mut bench = couple();
    let active = vec![Rid::from("q")];
    let event = media::Event::Layers { track: media::TrackId(2), wanted: true, active: active.clone() };
    let layers = to("a", Event::MediaLayers { room: room_id(), track: TrackId::new("a-cam"), wanted: true, active });
    assert_eq!(bench.put(Input::Media(event)).rest, std::slice::from_ref(&layers));
    bench.put(Input::Lost { session: SessionId::new("a"), loss: Loss::Silent });
    let back = bench.put(Input::Resumed { session: SessionId::new("a") });
    assert!(back.rest.contains(&layers), "{back:?}");
    let unknown = media::Event::Layers { track: media::TrackId(9), wanted: false, active: vec![] };
    assert_eq!(bench.put(Input::Media(unknown)).rest, []);
}

#[test]
fn a_subscriber_hears_which_track_is_held_back_until_it_comes_or_ends() {
    let mut bench = couple();
    let stalled = |stalled| Input::Media(media::Event::Stalled { peer: PeerId(2), slot: mid("v0"), stalled });
    let told = |stalled| to("b", Event::MediaStalled { room: room_id(), track: TrackId::new("a-cam"), stalled });
    assert_eq!(bench.put(stalled(true)).rest, [told(true)]);
    assert_eq!(bench.put(stalled(true)).rest, [], "that is no news");
    bench.put(Input::Lost { session: SessionId::new("b"), loss: Loss::Silent });
    assert!(bench.put(Input::Resumed { session: SessionId::new("b") }).rest.contains(&told(true)));
    assert_eq!(bench.put(stalled(false)).rest, [told(false)]);
    bench.put(stalled(true));
    bench.put(Input::Leave { session: SessionId::new("a"), reason: LeaveReason::Left });
    bench.put(Input::Lost { session: SessionId::new("b"), loss: Loss::Silent });
    let back = bench.put(Input::Resumed { session: SessionId::new("b") }).rest;
    assert!(!back.contains(&told(true)), "the track is gone");
}

#[test]
fn everyone_hears_of_qualities_and_who_comes_later_hears_those_known() {
    let mut bench = couple();
    let event = media::Event::Quality { qualities: vec![(PeerId(1), Quality::Poor), (PeerId(9), Quality::Good)] };
    let qualities = vec![(ParticipantId::new("p-a"), Quality::Poor)];
    let changed = |to_session| to(to_session, Event::QualityChanged { room: room_id(), qualities: qualities.clone() });
    assert_eq!(bench.put(Input::Media(event)).rest, [changed("a"), changed("b")]);
    let (_, outputs) = bench.join("c", "cid", None);
    assert!(outputs.contains(&changed("c")), "{outputs:?}");
    bench.put(Input::Media(media::Event::Lost { peer: PeerId(1), reason: LossReason::Silent }));
    let (_, outputs) = bench.join("c", "cid", None);
    assert!(!outputs.iter().any(|output| matches!(output, Output::Send { event, .. } if matches!(**event, Event::QualityChanged { .. }))));
}

#[test]
fn a_screen_is_published_and_taken_back_on_a_line_that_was_offered_at_first() {
    let mut bench = Bench::new(2, false);
    let publication = |name: &str, source| Publication { mid: mid(name), source, muted: false };
    let faces = vec![publication("mic", TrackSource::Microphone), publication("cam", TrackSource::Camera)];
    let mut offer = offered("a", 1);
    offer.sources.push(SourceLine { mid: mid("scr"), kind: Kind::Video, track: TrackId::new("unused") });
    offer.publish = Some(faces.clone());
    let (first, _) = bench.join("a", "ann", Some(offer));
    assert_eq!(first.tracks.len(), 2);
    bench.join("b", "bob", Some(offered("b", 2)));

    let publish = |publish: Vec<Publication>| {
        let tracks = (0..publish.len()).map(|n| TrackId::new(format!("new-{n}"))).collect();
        Input::Publish { session: SessionId::new("a"), publish, tracks }
    };
    let with_screen = [&faces[..], &[publication("scr", TrackSource::Screen)]].concat();
    let shared = bench.put(publish(with_screen));
    let tracks = snapshot(shared.answer).tracks;
    assert_eq!(tracks.iter().filter(|track| track.participant == ParticipantId::new("p-a")).count(), 3);
    let number = media::TrackId(5);
    let expected = [
        MediaOutput::Publish { peer: PeerId(1), mid: mid("scr"), track: number, kind: Kind::Video },
        MediaOutput::Bind { peer: PeerId(2), slot: mid("v1"), track: Some(number) },
    ];
    assert_eq!(media_only(shared.rest), expected, "the face and the voice are not touched");

    let ended = bench.put(publish(faces.clone()));
    assert_eq!(media_only(ended.rest)[0], MediaOutput::Unpublish { track: number });
    assert!(matches!(bench.put(publish(vec![publication("zzz", TrackSource::Screen)])).answer, Some(Err(Error::Invalid { .. }))));
    bench.put(Input::Media(media::Event::Lost { peer: PeerId(1), reason: LossReason::Silent }));
    assert!(matches!(bench.put(publish(faces)).answer, Some(Err(Error::Conflict(_)))));
}
