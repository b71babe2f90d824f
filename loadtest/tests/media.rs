//! The SFU with an independent stack on its other end: four peers of the `webrtc` crate against the `media` crate, no signaling.
#![allow(clippy::unwrap_used)] // A panic is how a test fails.

use loadtest::network::Network;
use loadtest::reception::Slot;
use loadtest::recorder::Recorder;
use loadtest::rtc::{Peer, Plan, Slots};
use loadtest::scenario::Scenario;
use loadtest::source::{AudioSource, Encoding, FrameKind, Origin, Shape, Turns, VideoSource};
use media::{Command, Event, EventSink, Kind, MediaLine, PeerId, TrackId};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Far more than a loaded machine needs; a call that works ends the wait long before.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Heard(Mutex<Vec<Event>>);

impl EventSink for Heard {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// A peer that the SFU has answered, with what it was answered.
struct Member {
    user: u32,
    peer: Arc<Peer>,
    slots: Vec<MediaLine>,
}

impl Member {
    fn tracks(&self) -> [(TrackId, Kind); 2] {
        let id = u64::from(self.user) * 2;
        [(TrackId(id), Kind::Audio), (TrackId(id + 1), Kind::Video)]
    }

    fn slots(&self, kind: Kind) -> impl Iterator<Item = media::Mid> {
        self.slots.iter().filter(move |slot| slot.kind == kind).map(|slot| slot.mid)
    }
}

async fn join(room: &media::Room, user: u32, recorder: &Recorder) -> Member {
    let camera = Encoding::of(&Scenario::default().video);
    let plan = Plan {
        local: LOOPBACK,
        network: Network::direct(),
        microphone: true,
        camera,
        freeze_us: 400_000,
        slots: Slots { audio: 3, video: 4 },
    };
    let peer = Peer::open(&plan, recorder.clone()).await.unwrap();
    let negotiated = room.negotiate(&peer.offer().await.unwrap()).unwrap();
    let (answer, slots, sources) = (negotiated.answer.clone(), negotiated.slots.clone(), negotiated.sources.clone());
    let id = PeerId(u64::from(user));
    room.command(Command::AddPeer { peer: id, negotiated: Box::new(negotiated), tag: vec![], data: false }).unwrap();
    let member = Member { user, peer: Arc::new(peer), slots };
    for (track, kind) in member.tracks() {
        let mid = sources.iter().find(|source| source.kind == kind).unwrap().mid;
        room.command(Command::Publish { peer: id, mid, track, kind }).unwrap();
    }
    member.peer.connect(answer).await.unwrap();
    member
}

fn origin(user: u32) -> Origin {
    Origin { user, take: 0 }
}

/// Sends like a person in a call, until `stop`.
async fn talk(user: u32, peer: Arc<Peer>, recorder: Recorder, stop: CancellationToken) {
    let Scenario { audio, video, .. } = Scenario::default();
    let shape = Shape { pps: audio.pps, bytes: audio.bytes };
    let turns = Turns { seat: user, people: 4, speaking: 1 };
    let mut audio = AudioSource::new(origin(user), peer.audio_ssrc().unwrap(), shape, turns);
    let fps = video.fps;
    let mut video = VideoSource::new(origin(user), peer.video_ssrcs()[0], 0, Encoding::of(&video)[0], fps);
    let mut audio_tick = tokio::time::interval(Duration::from_millis(20));
    let mut video_tick = tokio::time::interval(Duration::from_secs(1) / fps);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = audio_tick.tick() => {
                let (packet, level) = audio.next(recorder.now_us());
                peer.send_audio(packet, level).await.unwrap();
            }
            _ = video_tick.tick() => {
                let kind = if peer.take_key_frame_requests(0) > 0 { FrameKind::Key } else { FrameKind::Delta };
                for packet in video.next(recorder.now_us(), kind) {
                    peer.send_video(packet, "").await.unwrap();
                }
            }
        }
    }
}

/// Waits for `done` on what arrived; panics with what did arrive when it doesn't come.
async fn wait_until(peer: &Peer, mut done: impl FnMut(&BTreeMap<String, Slot>) -> bool) {
    let start = Instant::now();
    while !done(&peer.slots()) {
        let arrived = peer.slots();
        let counts: Vec<_> =
            arrived.iter().map(|(mid, slot)| (mid, slot.from.iter().map(|(from, s)| (from, s.received)).collect::<Vec<_>>())).collect();
        assert!(start.elapsed() < PATIENCE, "only {counts:?} arrived");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn received(slots: &BTreeMap<String, Slot>, mid: &str, from: u32) -> u64 {
    slots.get(mid).and_then(|slot| slot.from.get(&origin(from))).map_or(0, |subscription| subscription.received)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_foreign_peers_receive_each_other_on_the_slots_they_were_bound_to() {
    let (handle, workers) = media::start(&media::Config::on(LOOPBACK)).unwrap();
    let heard = Arc::new(Heard::default());
    let room = handle.open_room(heard.clone());
    let recorder = Recorder::start();
    let mut members = Vec::new();
    for user in 1..=4 {
        members.push(join(&room, user, &recorder).await);
    }
    let stop = CancellationToken::new();
    let mut talking = JoinSet::new();
    for member in &members {
        talking.spawn(talk(member.user, member.peer.clone(), recorder.clone(), stop.clone()));
    }
    let mut bindings = Vec::new();
    for to in &members {
        for kind in [Kind::Audio, Kind::Video] {
            let others = members.iter().filter(|from| from.user != to.user);
            for (slot, from) in to.slots(kind).zip(others) {
                let (track, _) = from.tracks().into_iter().find(|track| track.1 == kind).unwrap();
                room.command(Command::Bind { peer: PeerId(u64::from(to.user)), slot, track: Some(track) }).unwrap();
                bindings.push((to, slot.to_string(), kind, from.user));
            }
        }
    }
    for (to, mid, kind, from) in &bindings {
        let enough = if *kind == Kind::Audio { 100 } else { 340 };
        wait_until(&to.peer, |slots| received(slots, mid, *from) >= enough).await;
    }
    stop.cancel();
    talking.join_all().await;

    for (to, mid, kind, from) in &bindings {
        let slots = to.peer.slots();
        let slot = &slots[mid];
        let subscription = &slot.from[&origin(*from)];
        assert_eq!(slot.from.len(), 1, "slot {mid} of {} carries one publisher", to.user);
        assert!(subscription.loss() < 0.01, "user {} lost {} packets of {from}'s {kind:?}", to.user, subscription.lost());
        assert_eq!(subscription.starts_with_key_frame, *kind == Kind::Video, "user {} from {from}", to.user);
    }
    assert!(members.iter().all(|member| member.peer.slots().len() == 6), "nothing arrives on unbound slots");
    let spoke = |event: &Event| matches!(event, Event::Speakers { speakers } if !speakers.is_empty());
    assert!(heard.0.lock().unwrap().iter().any(spoke), "the audio level extension is understood");
    for member in &members {
        member.peer.close().await;
    }
    workers.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_bound_anew_goes_on_with_the_other_publishers_key_frame() {
    let (handle, workers) = media::start(&media::Config::on(LOOPBACK)).unwrap();
    let room = handle.open_room(Arc::new(Heard::default()));
    let recorder = Recorder::start();
    let mut members = Vec::new();
    for user in 1..=3 {
        members.push(join(&room, user, &recorder).await);
    }
    let stop = CancellationToken::new();
    let mut talking = JoinSet::new();
    for member in &members {
        talking.spawn(talk(member.user, member.peer.clone(), recorder.clone(), stop.clone()));
    }
    let viewer = &members[0];
    let slot = viewer.slots(Kind::Video).next().unwrap();
    for from in [2, 3, 2] {
        let track = members.iter().find(|member| member.user == from).unwrap().tracks()[1].0;
        let before = received(&viewer.peer.slots(), &slot, from);
        room.command(Command::Bind { peer: PeerId(1), slot, track: Some(track) }).unwrap();
        wait_until(&viewer.peer, |slots| received(slots, &slot, from) >= before + 170).await;
    }
    let slots = viewer.peer.slots();
    let from = |user: u32| &slots[&*slot].from[&origin(user)];
    assert!(from(2).starts_with_key_frame && from(3).starts_with_key_frame);
    assert!(from(2).key_frames >= 2, "the second turn begins with a key frame too");
    assert!(from(3).loss() < 0.01, "{} packets lost", from(3).lost());
    stop.cancel();
    talking.join_all().await;
    for member in &members {
        member.peer.close().await;
    }
    workers.stop();
}
