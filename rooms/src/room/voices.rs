//! Rooms of more people than anybody can receive, and participants who watch one of them: who is seen first, and how often that is told.
//!
//! Who is *heard* is decided packet by packet in the media plane; its word arrives here as [`media::Event::SpeakerSlots`]. Who is seen is
//! decided here, by one rule: pinned tracks in their order, then shared screens, then cameras, of those first who are speaking (the longest
//! at it first, so that an "mhm" takes nobody's picture), then of those who spoke last, then of those who never did, the oldest first.
//!
//! Invariant: between two maps that one participant is told lie at least [`MAP_INTERVAL`], and the last map is always told.

use super::event::{Answer, MediaOutput, Output};
use super::roster::Seat;
use super::subscriptions::{Carried, Need, Rules, Wanted};
use super::tracks::{Track, Tracks};
use super::{Room, tell};
use crate::view::{RoomKind, TrackSource};
use crate::{Error, Event, ParticipantId, SessionId, TrackId, Watch};
use media::SpeakerSlot;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// Between two maps of a participant in a voice room, where each word that somebody says may change them.
pub(super) const MAP_INTERVAL: Duration = Duration::from_millis(200);

/// Who spoke when, and who was told which map when.
#[derive(Debug, Default)]
pub(super) struct Voices {
    /// In the order in which they began.
    speaking: Vec<ParticipantId>,
    /// Those who stopped, with a number that rises.
    spoke: HashMap<ParticipantId, u64>,
    stops: u64,
    told: HashMap<ParticipantId, Instant>,
    /// Those whose present map waits for its time.
    late: HashSet<ParticipantId>,
}

/// How recently somebody spoke: the lower, the sooner they are seen.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Recency {
    Speaking { begun: usize },
    Spoke { before: u64 },
    Never,
}

impl Voices {
    fn heard(&mut self, speakers: &[(ParticipantId, i8)]) {
        let speaks = |id: &ParticipantId| speakers.iter().any(|(speaker, _)| speaker == id);
        for stopped in self.speaking.extract_if(.., |id| !speaks(id)) {
            self.stops += 1;
            self.spoke.insert(stopped, self.stops);
        }
        for (id, _) in speakers {
            if !self.speaking.contains(id) {
                self.speaking.push(id.clone());
            }
        }
    }

    fn recency(&self, participant: &ParticipantId) -> Recency {
        if let Some(begun) = self.speaking.iter().position(|id| id == participant) {
            return Recency::Speaking { begun };
        }
        self.spoke.get(participant).map_or(Recency::Never, |at| Recency::Spoke { before: self.stops - at })
    }

    pub(super) fn remove(&mut self, participant: &ParticipantId) {
        self.speaking.retain(|id| id != participant);
        self.spoke.remove(participant);
        self.told.remove(participant);
        self.late.remove(participant);
    }

    /// Whether a new map is told now; else it is told when its time has come.
    fn may_tell(&mut self, participant: &ParticipantId, now: Instant) -> bool {
        if self.told.get(participant).is_some_and(|at| now < *at + MAP_INTERVAL) {
            self.late.insert(participant.clone());
            return false;
        }
        self.told.insert(participant.clone(), now);
        self.late.remove(participant);
        true
    }

    fn due(&self, participant: &ParticipantId) -> Option<Instant> {
        self.told.get(participant).map(|at| *at + MAP_INTERVAL)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.late.iter().filter_map(|participant| self.due(participant)).min()
    }
}

impl Room {
    pub(super) fn pin(&mut self, session: &SessionId, tracks: Vec<TrackId>, out: &mut Vec<Output>) {
        let answer = match self.roster.by_session(session) {
            Some(seat) => {
                seat.pinned = tracks;
                self.rebind(out);
                Ok(Answer::Done)
            }
            None => Err(Error::NotFound("seat")),
        };
        out.push(Output::Answer(answer));
    }

    /// These are audible now, loudest first.
    pub(super) fn spoke(&mut self, speakers: &[(ParticipantId, i8)], out: &mut Vec<Output>) {
        self.voices.heard(speakers);
        if self.facts.kind == RoomKind::Voice || self.roster.seats().iter().any(|seat| seat.watch.is_some()) {
            self.rebind(out);
        }
    }

    /// What the slots carry that follow the speakers.
    pub(super) fn speaker_slots(&mut self, slots: &[SpeakerSlot], out: &mut Vec<Output>) {
        for of_peer in slots.chunk_by(|a, b| a.peer == b.peer) {
            let Some(seat) = self.roster.by_peer(of_peer[0].peer) else { continue };
            let (participant, session) = (seat.id.clone(), seat.session.clone());
            let named = of_peer.iter().map(|slot| (slot.slot, slot.track.and_then(|number| self.tracks.named(number))));
            let Carried { changed, demands } = self.subscriptions.carry(&participant, named);
            let peer = of_peer[0].peer;
            out.extend(demands.into_iter().map(|(slot, demand)| Output::Media(MediaOutput::Demand { peer, slot, demand })));
            if changed {
                self.tell_map(&participant, &session, out);
            }
        }
    }

    /// Binds everyone's slots anew, and tells each whose bindings changed: also the one whose offer is being answered, since an answer
    /// carries the revision and not the map.
    pub(super) fn rebind(&mut self, out: &mut Vec<Output>) {
        let (room, ranking) = (self.facts.id.clone(), self.ranking());
        let seats = self.roster.seats().iter().map(|seat| (seat, self.wanted_by(seat, &ranking), rules(self.facts.kind, seat)));
        let seats: Vec<_> = seats.map(|(seat, wanted, rules)| (seat.id.clone(), seat.session.clone(), seat.peer, wanted, rules)).collect();
        for (participant, session, peer, wanted, rules) in seats {
            let rebound = self.subscriptions.rebind(&participant, &wanted, rules);
            if let Some(peer) = peer {
                let follows = rebound.follows.into_iter().map(|slot| Output::Media(MediaOutput::BindSpeaker { peer, slot }));
                out.extend(follows);
                for (slot, track) in rebound.binds {
                    out.push(Output::Media(MediaOutput::Bind { peer, slot, track }));
                    // The media plane starts each binding with the default.
                    if let Some(demand) = track.and_then(|track| self.subscriptions.demand(&participant, track)) {
                        out.push(Output::Media(MediaOutput::Demand { peer, slot, demand }));
                    }
                }
            }
            if rebound.changed {
                self.tell_map(&participant, &session, out);
            }
            if let Some(Need { audio, video }) = rebound.need {
                tell(&session, Event::MediaNeed { room: room.clone(), audio, video }, out);
            }
        }
    }

    fn tell_map(&mut self, participant: &ParticipantId, session: &SessionId, out: &mut Vec<Output>) {
        // In a small room maps change when people do, and nobody should wait for the picture of who has just come.
        if self.facts.kind == RoomKind::Buddy || self.voices.may_tell(participant, self.now) {
            tell(session, Event::MediaMap { room: self.facts.id.clone(), map: self.subscriptions.map(participant) }, out);
        }
    }

    pub(super) fn tell_late_maps(&mut self, out: &mut Vec<Output>) {
        let late: Vec<_> = self.voices.late.iter().filter(|id| self.voices.due(id).is_none_or(|due| due <= self.now)).cloned().collect();
        for participant in late {
            let Some(seat) = self.roster.by_id(&participant) else { continue };
            let session = seat.session.clone();
            self.tell_map(&participant, &session, out);
        }
    }

    /// Tracks in the order in which they are seen where there are more of them than slots.
    fn ranking(&self) -> Vec<&Track> {
        let mut tracks: Vec<&Track> = self.tracks.iter().collect();
        tracks.sort_by_cached_key(|track| (track.source != TrackSource::Screen, self.voices.recency(&track.participant), track.number));
        tracks
    }

    fn wanted_by(&self, seat: &Seat, ranking: &[&Track]) -> Vec<Wanted> {
        if !seat.rights.subscribe {
            return Vec::new();
        }
        let others = |track: &&&Track| track.participant != seat.id;
        let mut tracks: Vec<&Track> = match (&seat.watch, self.facts.kind) {
            (None, RoomKind::Buddy) => return wanted_by_buddy(&self.tracks, &seat.id),
            (None, RoomKind::Voice) | (Some(Watch::Speaker), _) => ranking.iter().filter(others).copied().collect(),
            (Some(Watch::Participant(id)), _) => self.of_participant(|other| other.id == *id),
            (Some(Watch::User(user)), _) => self.of_participant(|other| other.user.id == *user),
        };
        tracks.sort_by_key(|track| seat.pinned.iter().position(|pinned| *pinned == track.id).unwrap_or(usize::MAX));
        tracks.into_iter().map(wanted).collect()
    }

    /// The tracks of those who fit: microphone and camera before screen.
    fn of_participant(&self, fits: impl Fn(&Seat) -> bool) -> Vec<&Track> {
        let of = |track: &&Track| self.roster.by_id(&track.participant).is_some_and(&fits);
        let mut tracks: Vec<&Track> = self.tracks.iter().filter(of).collect();
        tracks.sort_by_key(|track| track.source == TrackSource::Screen);
        tracks
    }
}

fn rules(kind: RoomKind, seat: &Seat) -> Rules {
    match (&seat.watch, kind) {
        (None, RoomKind::Buddy) => Rules::EVERYONE,
        (None, RoomKind::Voice) => Rules::SPEAKERS,
        (Some(Watch::Speaker), _) => Rules::ONE_SPEAKER,
        (Some(Watch::Participant(_) | Watch::User(_)), _) => Rules::ONE_PARTICIPANT,
    }
}

/// All tracks of the others: microphones and cameras before screens, older before newer.
fn wanted_by_buddy(tracks: &Tracks, participant: &ParticipantId) -> Vec<Wanted> {
    let mut tracks: Vec<&Track> = tracks.iter().filter(|track| track.participant != *participant).collect();
    tracks.sort_by_key(|track| track.source == TrackSource::Screen);
    tracks.into_iter().map(wanted).collect()
}

fn wanted(track: &Track) -> Wanted {
    let Track { id, number, kind, .. } = track;
    Wanted { id: id.clone(), number: *number, kind: *kind }
}
