//! Offers through the hub to a real media worker, and its answers back.

use super::*;
use crate::request::Publication;
use crate::view::{Kind, TrackSource};
use std::fmt::Write as _;

/// A client's transport that never leaves its desk: SDP only.
struct Transport {
    /// Of each section: its kind, and the attribute of its direction.
    sections: Vec<(Kind, &'static str)>,
    /// Of its certificate: what tells it from others.
    fingerprint: String,
}

impl Transport {
    fn new() -> Self {
        let bytes = rand::random::<[u8; 32]>().map(|byte| format!("{byte:02X}"));
        Self { sections: vec![], fingerprint: bytes.join(":") }
    }

    /// Offers to send and to receive so many more of each kind.
    fn offer(&mut self, sends: usize, receives: usize) -> Offer {
        for kind in [Kind::Audio, Kind::Video] {
            let directions = std::iter::repeat_n("sendonly", sends).chain(std::iter::repeat_n("recvonly", receives));
            self.sections.extend(directions.map(|direction| (kind, direction)));
        }
        Offer { sdp: self.sdp(), publish: None }
    }

    fn sdp(&self) -> String {
        let mids: Vec<String> = (0..self.sections.len()).map(|mid| mid.to_string()).collect();
        let mut sdp = format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n", mids.join(" "));
        for (mid, (kind, direction)) in self.sections.iter().enumerate() {
            let (name, pt, codec) = match kind {
                Kind::Audio => ("audio", 111, "opus/48000/2"),
                Kind::Video => ("video", 96, "VP8/90000"),
            };
            write!(
                sdp,
                "m={name} 9 UDP/TLS/RTP/SAVPF {pt}\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:ufrag\r\na=ice-pwd:{}\r\n\
                 a=fingerprint:sha-256 {}\r\na=setup:actpass\r\na=mid:{mid}\r\na={direction}\r\na=rtcp-mux\r\na=rtpmap:{pt} {codec}\r\n",
                "p".repeat(24),
                self.fingerprint,
            )
            .unwrap();
        }
        sdp
    }

    /// Each section is taken, the other way around.
    fn accept(&self, answer: &str) {
        let taken: Vec<&str> = answer.lines().filter(|line| ["a=sendonly", "a=recvonly", "a=inactive"].contains(line)).collect();
        let reversed = |direction| if direction == "sendonly" { "a=recvonly" } else { "a=sendonly" };
        assert_eq!(taken, self.sections.iter().map(|(_, direction)| reversed(*direction)).collect::<Vec<_>>(), "{answer}");
    }
}

impl Bench {
    async fn join_offering(&self, client: &Client, room: &RoomView, offer: Offer) -> Result<Joined> {
        self.hub.join(&client.session, JoinRoom { room: room.id.clone(), password: None, offer: Some(offer), part: Part::Person }).await
    }
}

#[tokio::test]
async fn an_offer_is_answered_and_slots_carry_the_others() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let (mut ann, bob) = (bench.client("ann"), bench.client("bob"));
    let (mut anns, mut bobs) = (Transport::new(), Transport::new());
    let first = bench.join_offering(&ann, &room, anns.offer(1, 2)).await.unwrap();
    anns.accept(first.answer.as_deref().unwrap());
    assert_eq!(first.slots.iter().filter(|slot| slot.kind == Kind::Video).count(), 2);
    let sources: Vec<TrackSource> = first.tracks.iter().map(|track| track.source).collect();
    assert_eq!(sources, [TrackSource::Microphone, TrackSource::Camera]);
    let second = bench.join_offering(&bob, &room, bobs.offer(1, 2)).await.unwrap();
    let bound: Vec<_> = second.map.slots.iter().filter_map(|slot| slot.track.clone()).collect();
    assert_eq!(bound, first.tracks.iter().map(|track| track.id.clone()).collect::<Vec<_>>());
    let maps = ann.told().into_iter().filter_map(|event| if let Event::MediaMap { map, .. } = event { Some(map) } else { None });
    let map = maps.last().unwrap();
    assert!(map.rev > first.map.rev);
    assert_eq!(map.slots.iter().filter(|slot| slot.track.is_some()).count(), 2);
    let muted = bench.hub.mute(&ann.session.id, &first.tracks[0].id, true).await.unwrap();
    assert!(muted.muted);
    assert!(matches!(bench.hub.mute(&bob.session.id, &first.tracks[0].id, true).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn who_came_without_media_offers_later_and_then_more() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let (ann, mut transport) = (bench.client("ann"), Transport::new());
    let joined = bench.join(&ann, &room).await.unwrap();
    assert_eq!((joined.answer, joined.slots.len()), (None, 0));
    let first = bench.hub.offer(&ann.session.id, transport.offer(1, 1)).await.unwrap();
    transport.accept(&first.answer);
    assert_eq!((first.slots.len(), first.tracks.len()), (2, 2));
    let further = bench.hub.offer(&ann.session.id, transport.offer(0, 1)).await.unwrap();
    transport.accept(&further.answer);
    assert_eq!((further.slots.len(), further.tracks), (4, first.tracks));
    assert!(further.map.rev > first.map.rev);
    assert_eq!(bench.hub.offer(&bench.client("bob").session.id, transport.offer(0, 1)).await, Err(Error::NotFound("seat")));
}

#[tokio::test]
async fn the_offer_of_a_new_transport_replaces_the_old_one_before_its_death_is_known() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let (ann, mut first, mut second) = (bench.client("ann"), Transport::new(), Transport::new());
    let joined = bench.join_offering(&ann, &room, first.offer(1, 1)).await.unwrap();
    first.accept(joined.answer.as_deref().unwrap());
    let again = bench.hub.offer(&ann.session.id, second.offer(1, 2)).await.unwrap();
    second.accept(&again.answer);
    assert_eq!((again.slots.len(), again.tracks.len()), (4, 2));
    assert!(again.tracks.iter().all(|track| joined.tracks.iter().all(|old| old.id != track.id)), "published anew");
    assert!(again.map.rev > joined.map.rev);
}

#[tokio::test]
async fn a_bad_offer_takes_no_seat() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let ann = bench.client("ann");
    let text = |sdp: &str| Offer { sdp: sdp.to_owned(), publish: None };
    let garbage = bench.join_offering(&ann, &room, text("v=0\r\nnonsense")).await;
    assert!(matches!(garbage, Err(Error::Invalid { field: "offer.sdp", .. })), "{garbage:?}");
    let huge = bench.join_offering(&ann, &room, text(&"a".repeat(70_000))).await;
    assert_eq!(huge, Err(Error::TooLarge { field: "offer.sdp", limit: limits::SDP_BYTES_MAX }));
    let publish = Some(vec![Publication { mid: "zzz".into(), source: TrackSource::Camera, muted: false }]);
    let offer = Offer { publish, ..Transport::new().offer(1, 1) };
    assert!(matches!(bench.join_offering(&ann, &room, offer).await, Err(Error::Invalid { field: "publish[0].mid", .. })));
    assert_eq!(bench.hub.room(&room.id).await.unwrap().participants, []);
    assert_eq!(bench.hub.node.sessions.len(), 0);
    for user in ["bob", "cid"] {
        assert!(bench.join(&bench.client(user), &room).await.is_ok(), "both seats are free");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_five_offers_at_once_four_are_seated() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 4, None).await;
    let mut joins = tokio::task::JoinSet::new();
    for index in 0..5 {
        let (hub, room, client) = (bench.hub.clone(), room.id.clone(), bench.client(&format!("u{index}")));
        let offer = Some(Transport::new().offer(1, 3));
        joins.spawn(async move { hub.join(&client.session, JoinRoom { room, password: None, offer, part: Part::Person }).await });
    }
    let outcomes = joins.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 4);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(Error::RoomFull)).count(), 1);
    let last = outcomes.iter().flatten().max_by_key(|joined| joined.tracks.len()).unwrap();
    assert_eq!((last.tracks.len(), last.map.slots.iter().filter(|slot| slot.track.is_some()).count()), (8, 6));
}

#[tokio::test]
async fn a_transport_that_never_connects_is_told_lost() {
    let mut config = ::media::Config::default();
    config.limits.connect = Duration::from_secs(2);
    let bench = Bench::start_on(&config, Config::default(), Arc::default()).await;
    let room = bench.room("ann", 2, None).await;
    let (mut ann, bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&bob, &room).await.unwrap();
    bench.join_offering(&ann, &room, Transport::new().offer(1, 1)).await.unwrap();
    let lost = async {
        loop {
            if ann.next().await == (Event::MediaLost { room: room.id.clone() }) {
                return;
            }
        }
    };
    lost.await;
    let view = bench.hub.room(&room.id).await.unwrap();
    let state = |user: &str| view.participants.iter().find(|participant| participant.user.as_str() == user).unwrap().state;
    assert_eq!((state("ann"), state("bob")), (ParticipantState::Reconnecting, ParticipantState::Joined));
    let again = bench.hub.offer(&ann.session.id, Transport::new().offer(1, 1)).await.unwrap();
    assert_eq!(again.slots.len(), 2);
    assert_eq!(bench.hub.room(&room.id).await.unwrap().participants[1].state, ParticipantState::Joined);
}

#[tokio::test]
async fn a_media_plane_that_takes_nothing_loses_the_peer_and_not_the_room() {
    let (media, workers) = ::media::start(&::media::Config::default()).unwrap();
    let hub = Hub::start(Config::default(), Arc::<MemoryStore>::default(), media).await.unwrap();
    let request = CreateRoom {
        name: "방".to_owned(),
        kind: RoomKind::Buddy,
        capacity: 2,
        password: None,
        listing: Listing::Lobby,
        nonce: Nonce("n".to_owned()),
    };
    let room = hub.create_room(&person("ann"), request).await.unwrap();
    let client = |user: &str| {
        let (session, outbox) = SessionHandle::new(SessionId::new(user), person(user), Grants::User);
        Client { session, outbox }
    };
    let (mut ann, bob) = (client("ann"), client("bob"));
    let offer = |offer| JoinRoom { room: room.id.clone(), password: None, offer: Some(offer), part: Part::Person };
    hub.join(&bob.session, offer(Transport::new().offer(1, 1))).await.unwrap();
    workers.stop();
    hub.join(&ann.session, offer(Transport::new().offer(1, 1))).await.unwrap();
    assert!(matches!(ann.next().await, Event::MediaMap { .. }));
    assert_eq!(ann.next().await, Event::MediaLost { room: room.id.clone() });
    hub.send(
        &ann.session,
        &room.channel,
        SendMessage { nonce: Nonce("1".to_owned()), text: "들려요?".to_owned(), reply_to: None, attachments: vec![] },
    )
    .await
    .unwrap();
    while !matches!(ann.next().await, Event::ChatMessage { .. }) {}
    hub.leave(&ann.session.id, &room.id).await.unwrap();
    assert_eq!(hub.room(&room.id).await.unwrap().participants.len(), 1);
}
