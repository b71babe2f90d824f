//! Random lives of a room. A model media plane and a replica of what each session was told are kept from the outputs alone, and after
//! every input both have to agree with the room.

use super::*;
use media::Demand;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};

const CAPACITY: u8 = 3;

#[derive(Debug, Clone)]
enum Act {
    Seat { session: usize, user: usize },
    Attach { pending: usize, media: Option<(usize, u8)> },
    Unseat { pending: usize },
    Offer { session: usize, slots: usize, sources: u8 },
    Leave { session: usize },
    Lost { session: usize, loss: Loss },
    Resumed { session: usize },
    MediaLost { peer: u64 },
    Mute { session: usize, track: usize, muted: bool },
    Kick { participant: usize },
    Moderate { track: usize, muted: bool },
    Demand { session: usize, track: usize, paused: bool },
    Publish { session: usize, sources: u8 },
    Pass { ms: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    let session = 0..8usize;
    let loss = prop_oneof![Just(Loss::Closed), Just(Loss::Silent)];
    prop_oneof![
        6 => (session.clone(), 0..5usize).prop_map(|(session, user)| Act::Seat { session, user }),
        6 => (0..4usize, prop::option::weighted(0.8, (0..4usize, 0..8u8))).prop_map(|(pending, media)| Act::Attach { pending, media }),
        1 => (0..4usize).prop_map(|pending| Act::Unseat { pending }),
        3 => (session.clone(), 0..5usize, 0..8u8).prop_map(|(session, slots, sources)| Act::Offer { session, slots, sources }),
        2 => session.clone().prop_map(|session| Act::Leave { session }),
        3 => (session.clone(), loss).prop_map(|(session, loss)| Act::Lost { session, loss }),
        2 => session.clone().prop_map(|session| Act::Resumed { session }),
        2 => (0..12u64).prop_map(|peer| Act::MediaLost { peer }),
        1 => (session, 0..6usize, any::<bool>()).prop_map(|(session, track, muted)| Act::Mute { session, track, muted }),
        1 => (0..3usize).prop_map(|participant| Act::Kick { participant }),
        1 => (0..6usize, any::<bool>()).prop_map(|(track, muted)| Act::Moderate { track, muted }),
        2 => (0..3usize, 0..6usize, any::<bool>()).prop_map(|(session, track, paused)| Act::Demand { session, track, paused }),
        2 => (0..3usize, 0..8u8).prop_map(|(session, sources)| Act::Publish { session, sources }),
        4 => prop_oneof![0..500u64, 1_000..12_000u64].prop_map(|ms| Act::Pass { ms }),
    ]
}

/// What one session was told.
#[derive(Debug, Default)]
struct Replica {
    own: Option<ParticipantId>,
    others: BTreeMap<ParticipantId, ParticipantView>,
    /// The others' tracks.
    tracks: BTreeMap<TrackId, TrackView>,
    map: Option<MediaMap>,
}

/// The media plane as the outputs make it.
#[derive(Debug, Default)]
struct Plane {
    peers: HashSet<PeerId>,
    tracks: HashMap<media::TrackId, (PeerId, Kind)>,
    binds: HashMap<(PeerId, Mid), media::TrackId>,
    muted: HashSet<media::TrackId>,
    demands: HashMap<(PeerId, Mid), Demand>,
}

impl Plane {
    fn apply(&mut self, output: MediaOutput) {
        match output {
            MediaOutput::AddPeer { peer, .. } => assert!(self.peers.insert(peer), "{peer:?} added twice"),
            MediaOutput::RemovePeer { peer } => {
                assert!(self.peers.contains(&peer), "{peer:?} is not there");
                self.lose(peer);
            }
            MediaOutput::Publish { peer, track, kind, .. } => {
                assert!(self.peers.contains(&peer));
                assert!(self.tracks.insert(track, (peer, kind)).is_none(), "{track:?} published twice");
            }
            MediaOutput::Unpublish { track } => {
                assert!(self.tracks.remove(&track).is_some());
                self.muted.remove(&track);
            }
            MediaOutput::SetMuted { track, muted } => {
                assert!(self.tracks.contains_key(&track));
                match muted {
                    true => self.muted.insert(track),
                    false => self.muted.remove(&track),
                };
            }
            MediaOutput::Bind { peer, slot, track: Some(track) } => {
                assert!(self.peers.contains(&peer) && self.tracks.contains_key(&track));
                self.binds.insert((peer, slot), track);
                self.demands.remove(&(peer, slot));
            }
            MediaOutput::Bind { peer, slot, track: None } => {
                self.binds.remove(&(peer, slot));
                self.demands.remove(&(peer, slot));
            }
            MediaOutput::Demand { peer, slot, demand } => {
                assert!(self.binds.contains_key(&(peer, slot)), "a demand is about what is bound");
                self.demands.insert((peer, slot), demand);
            }
            MediaOutput::BindSpeaker { .. } => panic!("a room of four has no pool"),
        }
    }

    fn lose(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
        self.tracks.retain(|_, (owner, _)| *owner != peer);
        self.muted.retain(|track| self.tracks.contains_key(track));
        self.binds.retain(|(owner, _), _| *owner != peer);
        self.demands.retain(|(owner, _), _| *owner != peer);
    }
}

struct World {
    bench: Bench,
    plane: Plane,
    replicas: HashMap<SessionId, Replica>,
    tickets: Vec<(SessionId, Ticket)>,
    /// What was asked and granted, by who asked and the track.
    demands: HashMap<(ParticipantId, TrackId), Demand>,
    offers: usize,
    ended: bool,
}

impl World {
    fn new() -> Self {
        Self {
            bench: Bench::new(CAPACITY, false),
            plane: Plane::default(),
            replicas: HashMap::new(),
            tickets: Vec::new(),
            demands: HashMap::new(),
            offers: 0,
            ended: false,
        }
    }

    fn perform(&mut self, act: Act) {
        let session = |index: usize| SessionId::new(format!("s{index}"));
        match act {
            // A session belongs to one user.
            Act::Seat { session: index, user } => {
                let name = format!("s{index}-{user}");
                if let Ok(ticket) = self.bench.seat(&name, &format!("u{user}")) {
                    self.tickets.push((SessionId::new(name), ticket));
                }
            }
            Act::Attach { pending, media } if pending < self.tickets.len() => {
                let (session, ticket) = self.tickets.remove(pending);
                let media = media.map(|(slots, sources)| self.media(slots, sources));
                self.request(&session, Input::Attach { ticket, media });
            }
            Act::Unseat { pending } if pending < self.tickets.len() => {
                let (_, ticket) = self.tickets.remove(pending);
                self.put(Input::Unseat { ticket });
            }
            Act::Attach { .. } | Act::Unseat { .. } => {}
            Act::Offer { session, slots, sources } => self.offer(session, slots, sources),
            Act::Leave { session: index } => {
                let session = self.seated(index).unwrap_or_else(|| session(index));
                self.put(Input::Leave { session, reason: LeaveReason::Left });
            }
            Act::Lost { session: index, loss } => {
                let session = self.seated(index).unwrap_or_else(|| session(index));
                self.put(Input::Lost { session, loss });
            }
            Act::Resumed { session: index } => {
                let session = self.seated(index).unwrap_or_else(|| session(index));
                self.request(&session, Input::Resumed { session: session.clone() });
            }
            Act::MediaLost { peer } => {
                let peer = PeerId(peer);
                self.plane.lose(peer);
                self.put(Input::Media(media::Event::Lost { peer, reason: LossReason::Silent }));
            }
            Act::Mute { session, track, muted } => {
                let track = self.bench.room.tracks.iter().nth(track).map(|track| track.id.clone());
                if let (Some(session), Some(track)) = (self.seated(session), track) {
                    self.put(Input::Mute { session, track, muted });
                }
            }
            Act::Kick { participant } => {
                let participant = self.bench.room.roster.seats().get(participant).map(|seat| seat.id.clone());
                if let Some(participant) = participant {
                    self.put(Input::Kick { by: Authority::Backend, participant });
                }
            }
            Act::Moderate { track, muted } => {
                let track = self.bench.room.tracks.iter().nth(track).map(|track| track.id.clone());
                if let Some(track) = track {
                    self.put(Input::ModerateTrack { by: Authority::Backend, track, muted });
                }
            }
            Act::Demand { session, track, paused } => {
                let track = self.bench.room.tracks.iter().nth(track).map(|track| track.id.clone());
                if let (Some(session), Some(track)) = (self.seated(session), track) {
                    let demand = Demand { paused, size: None };
                    let told = self.bench.put(Input::Demand { session: session.clone(), track: track.clone(), demand });
                    if told.answer == Some(Ok(Answer::Done)) {
                        let seat = self.bench.room.roster.by_session(&session).unwrap().id.clone();
                        self.demands.insert((seat, track), demand);
                    }
                    self.apply(told.rest);
                }
            }
            Act::Publish { session, sources } => self.publish(session, sources),
            Act::Pass { ms } => {
                let outputs = self.bench.pass(Duration::from_millis(ms));
                self.apply(outputs);
            }
        }
    }

    /// Bits of `sources` as in [`World::media`], on the m-lines of the last offer.
    fn publish(&mut self, index: usize, sources: u8) {
        let Some(session) = self.seated(index) else { return };
        self.offers += 1;
        let all = [("mic", TrackSource::Microphone), ("cam", TrackSource::Camera), ("screen", TrackSource::Screen)];
        let chosen = all.into_iter().enumerate().filter(|(bit, _)| sources & (1 << bit) != 0);
        let publish: Vec<_> = chosen.map(|(_, (name, source))| Publication { mid: mid(name), source, muted: false }).collect();
        let tracks = publish.iter().map(|line| TrackId::new(format!("p{}-{}", self.offers, line.mid))).collect();
        self.request(&session, Input::Publish { session: session.clone(), publish, tracks });
    }

    fn seated(&self, index: usize) -> Option<SessionId> {
        self.bench.room.roster.seats().get(index).map(|seat| seat.session.clone())
    }

    /// Bits of `sources`: a microphone, a camera, a screen.
    fn media(&mut self, slots: usize, sources: u8) -> OfferedMedia {
        self.offers += 1;
        let mut media = offered(&format!("o{}", self.offers), slots);
        let screen = TrackId::new(format!("o{}-screen", self.offers));
        media.sources.push(SourceLine { mid: mid("screen"), kind: Kind::Video, track: screen });
        let mut bit = 0;
        media.sources.retain(|_| {
            bit += 1;
            sources & (1 << (bit - 1)) != 0
        });
        media
    }

    fn offer(&mut self, index: usize, slots: usize, sources: u8) {
        let Some(session) = self.seated(index) else { return };
        let Some(Ok(Answer::Plan(plan))) = self.bench.put(Input::Offer { session: session.clone() }).answer else { panic!("seated") };
        let mut media = self.media(slots, sources);
        if let OfferPlan::Further(_) = plan {
            // A further offer keeps all earlier m-lines.
            let seat = self.bench.room.roster.by_session(&session).unwrap().id.clone();
            let earlier = self.bench.room.subscriptions.slots(&seat);
            media.slots.retain(|line| earlier.iter().all(|slot| slot.mid != line.mid));
            media.slots.splice(0..0, earlier.iter().map(|slot| MediaLine { mid: slot.mid, kind: slot.kind }));
        }
        self.request(&session, Input::OfferAnswered { session: session.clone(), plan, media });
    }

    fn put(&mut self, input: Input) {
        let told = self.bench.put(input);
        self.apply(told.rest);
    }

    /// A request whose answer is a snapshot: it replaces what the session was told.
    fn request(&mut self, session: &SessionId, input: Input) {
        let told = self.bench.put(input);
        let answer = told.answer.expect("a request is answered");
        self.apply(told.rest);
        let Ok(answer) = answer else { return };
        let snapshot = snapshot(Some(Ok(answer)));
        let replica = self.replicas.get_mut(session).expect("it is seated");
        if let Some(map) = &replica.map {
            assert!(snapshot.map.rev >= map.rev);
        }
        let others = snapshot.room.participants.into_iter().filter(|other| other.id != snapshot.participant);
        replica.others = others.map(|other| (other.id.clone(), other)).collect();
        let tracks = snapshot.tracks.into_iter().filter(|track| track.participant != snapshot.participant);
        replica.tracks = tracks.map(|track| (track.id.clone(), track)).collect();
        replica.own = Some(snapshot.participant);
        replica.map = Some(snapshot.map);
    }

    fn apply(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Answer(_) | Output::Occupied { .. } | Output::Stopped => {}
                Output::Ended => self.ended = true,
                Output::Media(output) => self.plane.apply(output),
                Output::Seated { session } => drop(self.replicas.insert(session, Replica::default())),
                Output::Released { session } => assert!(self.replicas.remove(&session).is_some(), "{session} held no seat"),
                Output::Send { to, event } => {
                    if let Some(replica) = self.replicas.get_mut(&to) {
                        replica.apply(&event);
                    }
                }
            }
        }
    }

    fn check(&mut self) {
        let room = &mut self.bench.room;
        let view = room.view();
        assert!(view.participants.len() <= usize::from(CAPACITY));
        // Whoever leaves takes them along. Here the same id may come again, which no real one does.
        self.demands.retain(|(participant, _), _| room.roster.by_id(participant).is_some());
        let sessions: HashSet<&SessionId> = room.roster.seats().iter().map(|seat| &seat.session).collect();
        assert_eq!(sessions, self.replicas.keys().collect(), "who was told to be seated is seated");
        let tracks: Vec<TrackView> = room.tracks.iter().map(tracks::Track::view).collect();
        for seat in room.roster.seats() {
            let replica = &self.replicas[&seat.session];
            assert_eq!(replica.own.as_ref(), Some(&seat.id));
            let others: BTreeMap<_, _> = view.participants.iter().filter(|p| p.id != seat.id).map(|p| (p.id.clone(), p.clone())).collect();
            assert_eq!(replica.others, others, "what {} was told", seat.session);
            let foreign: BTreeMap<_, _> =
                tracks.iter().filter(|track| track.participant != seat.id).map(|track| (track.id.clone(), track.clone())).collect();
            assert_eq!(replica.tracks, foreign, "what {} was told", seat.session);
            assert_eq!(replica.map.as_ref(), Some(&room.subscriptions.map(&seat.id)));
            self.plane.check_slots(seat, room);
            self.plane.check_demands(seat, room, &self.demands);
        }
        let peers: HashSet<PeerId> = room.roster.seats().iter().filter_map(|seat| seat.peer).collect();
        assert_eq!(self.plane.peers, peers);
        let silent: HashSet<_> = room.tracks.iter().filter(|track| track.is_silent()).map(|track| track.number).collect();
        assert_eq!(self.plane.muted, silent);
        let numbers: HashSet<_> = room.tracks.iter().map(|track| track.number).collect();
        assert_eq!(self.plane.tracks.keys().copied().collect::<HashSet<_>>(), numbers);
    }
}

impl Plane {
    /// Slots carry living tracks of others, of their kind, none twice, and none is free while something is wanted.
    fn check_slots(&self, seat: &roster::Seat, room: &Room) {
        let bound = room.subscriptions.bound(&seat.id);
        let Some(peer) = seat.peer else {
            assert!(bound.is_empty());
            return;
        };
        let mine: HashSet<media::TrackId> = self.binds.iter().filter(|((owner, _), _)| *owner == peer).map(|(_, track)| *track).collect();
        assert_eq!(mine, bound.iter().map(|(_, track)| *track).collect());
        assert_eq!(mine.len(), bound.len(), "no track twice");
        for (kind, track) in &bound {
            let (owner, track_kind) = self.tracks[track];
            assert!(owner != peer && track_kind == *kind);
        }
        for kind in [Kind::Audio, Kind::Video] {
            let slots = room.subscriptions.slots(&seat.id).iter().filter(|slot| slot.kind == kind).count();
            let wanted = room.tracks.iter().filter(|track| track.kind == kind && track.participant != seat.id).count();
            assert_eq!(bound.iter().filter(|(bound, _)| *bound == kind).count(), slots.min(wanted));
        }
    }
}

impl Plane {
    /// What is bound is demanded as was asked last, over new transports and slots.
    fn check_demands(&self, seat: &roster::Seat, room: &Room, asked: &HashMap<(ParticipantId, TrackId), Demand>) {
        for ((_, slot), number) in self.binds.iter().filter(|((owner, _), _)| Some(*owner) == seat.peer) {
            let track = room.tracks.iter().find(|track| track.number == *number).unwrap();
            let wanted = asked.get(&(seat.id.clone(), track.id.clone())).copied().unwrap_or_default();
            let peer = seat.peer.unwrap();
            assert_eq!(self.demands.get(&(peer, *slot)).copied().unwrap_or_default(), wanted);
        }
    }
}

impl Replica {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::ParticipantJoined { participant, .. } => {
                assert!(self.others.insert(participant.id.clone(), participant.clone()).is_none(), "{participant:?} joined twice");
            }
            Event::ParticipantUpdated { participant, .. } => {
                let before = self.others.insert(participant.id.clone(), participant.clone());
                assert!(before.is_some_and(|before| before != *participant), "{participant:?} is no update");
            }
            Event::ParticipantLeft { participant, .. } => assert!(self.others.remove(participant).is_some(), "{participant} left twice"),
            Event::TrackPublished { track, .. } => assert!(self.tracks.insert(track.id.clone(), track.clone()).is_none()),
            Event::TrackUpdated { track, .. } if self.own.as_ref() == Some(&track.participant) => {}
            Event::TrackUpdated { track, .. } => assert!(self.tracks.insert(track.id.clone(), track.clone()).is_some()),
            Event::TrackUnpublished { track, .. } => assert!(self.tracks.remove(track).is_some()),
            Event::MediaMap { map, .. } => {
                assert!(self.map.as_ref().is_none_or(|before| map.rev > before.rev), "rev goes up");
                self.map = Some(map.clone());
            }
            Event::MediaNeed { .. } | Event::MediaLost { .. } | Event::RoomClosed { .. } | Event::RoomReplaced { .. } => {}
            Event::MediaLayers { .. } | Event::MediaStalled { .. } | Event::QualityChanged { .. } => {}
            Event::ChatMessage { .. } | Event::ChatEdited { .. } | Event::ChatDeleted { .. } => panic!("nobody wrote {event:?}"),
            // Nobody wrote or spoke, and of servers a room tells nothing.
            other => panic!("nobody caused {other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_everyone_was_told_the_truth(acts in prop::collection::vec(act(), 1..120)) {
        let mut world = World::new();
        for act in acts {
            world.perform(act);
            if world.ended {
                break;
            }
            world.check();
        }
    }
}
