//! Published media of a room: which track is whose, and on which m-line it arrives.
//!
//! Invariant: a track's owner has a seat with a peer that offered the track's m-line for sending.

use super::event::{MediaOutput, OfferedMedia, Output, SourceLine};
use crate::limits::invalid;
use crate::view::{TrackSource, TrackView};
use crate::{Mid, ParticipantId, Publication, Result, TrackId};
use media::{Kind, Rid};

/// Most tracks of one participant: a microphone, a camera, a screen and the screen's sound.
pub(super) const TRACKS_PER_PARTICIPANT: usize = 4;

const PUBLISH_MID: [&str; TRACKS_PER_PARTICIPANT] = ["publish[0].mid", "publish[1].mid", "publish[2].mid", "publish[3].mid"];
const PUBLISH_SOURCE: [&str; TRACKS_PER_PARTICIPANT] = ["publish[0].source", "publish[1].source", "publish[2].source", "publish[3].source"];

/// A published track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) id: TrackId,
    pub(super) number: media::TrackId,
    pub(super) participant: ParticipantId,
    pub(super) mid: Mid,
    pub(super) kind: Kind,
    pub(super) source: TrackSource,
    pub(super) muted: bool,
    pub(super) muted_by_moderator: bool,
    /// What the media plane said last about what is wanted of it: whether anything, and which layers.
    pub(super) layers: Option<(bool, Vec<Rid>)>,
}

impl Track {
    pub(super) fn view(&self) -> TrackView {
        let Self { id, participant, kind, source, muted, muted_by_moderator, .. } = self.clone();
        TrackView { id, participant, kind, source, muted, muted_by_moderator }
    }

    /// Whether the media plane is to hold it back.
    pub(super) fn is_silent(&self) -> bool {
        self.muted || self.muted_by_moderator
    }

    /// Tells the media plane so.
    pub(super) fn set_muted(&self) -> Output {
        Output::Media(MediaOutput::SetMuted { track: self.number, muted: self.is_silent() })
    }
}

/// A track that is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    line: SourceLine,
    source: TrackSource,
    muted: bool,
}

/// What an answered offer changes in its sender's tracks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) removed: Vec<Track>,
    pub(super) updated: Vec<Track>,
    pub(super) added: Vec<Track>,
}

/// All tracks of a room, oldest first.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    tracks: Vec<Track>,
    numbers: u64,
}

impl Tracks {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter()
    }

    pub(super) fn find(&mut self, id: &TrackId) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.id == *id)
    }

    pub(super) fn find_number(&mut self, number: media::TrackId) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.number == number)
    }

    /// What a participant publishes.
    pub(super) fn of(&mut self, participant: &ParticipantId) -> impl Iterator<Item = &mut Track> {
        self.tracks.iter_mut().filter(move |track| track.participant == *participant)
    }

    /// The id of a track by its number in the media plane, if it is still there.
    pub(super) fn named(&self, number: media::TrackId) -> Option<(media::TrackId, TrackId)> {
        self.tracks.iter().find(|track| track.number == number).map(|track| (number, track.id.clone()))
    }

    /// Takes out everything that a participant published.
    pub(super) fn remove_all(&mut self, participant: &ParticipantId) -> Vec<Track> {
        self.tracks.extract_if(.., |track| track.participant == *participant).collect()
    }

    /// Makes a participant's tracks what its offer says: an m-line that is published already keeps its track. `moderated` says what a
    /// moderator muted.
    pub(super) fn apply(
        &mut self,
        participant: &ParticipantId,
        planned: Vec<Planned>,
        moderated: impl Fn(Kind, TrackSource) -> bool,
    ) -> Changes {
        let stays = |track: &Track| track.participant != *participant || planned.iter().any(|plan| plan.line.mid == track.mid);
        let mut changes = Changes { removed: self.tracks.extract_if(.., |track| !stays(track)).collect(), ..Changes::default() };
        for Planned { line, source, muted } in planned {
            let muted_by_moderator = moderated(line.kind, source);
            let present = self.tracks.iter_mut().find(|track| track.participant == *participant && track.mid == line.mid);
            let Some(track) = present else {
                self.numbers += 1;
                let (participant, number) = (participant.clone(), media::TrackId(self.numbers));
                let SourceLine { mid, kind, track: id } = line;
                let track = Track { id, number, participant, mid, kind, source, muted, muted_by_moderator, layers: None };
                changes.added.push(track.clone());
                self.tracks.push(track);
                continue;
            };
            if (track.source, track.muted) != (source, muted) {
                (track.source, track.muted, track.muted_by_moderator) = (source, muted, muted_by_moderator);
                changes.updated.push(track.clone());
            }
        }
        changes
    }

    /// What `participant` publishes by an offer. Without a list: what it publishes already, and a default for each further m-line.
    pub(super) fn plan(&self, participant: &ParticipantId, offered: &OfferedMedia) -> Result<Vec<Planned>> {
        match &offered.publish {
            Some(list) => plan_listed(&offered.sources, list),
            None => Ok(self.plan_defaults(participant, &offered.sources)),
        }
    }

    fn plan_defaults(&self, participant: &ParticipantId, lines: &[SourceLine]) -> Vec<Planned> {
        let own = |mid: Mid| self.tracks.iter().find(|track| track.participant == *participant && track.mid == mid);
        let mut planned: Vec<Planned> = Vec::new();
        for line in lines {
            if let Some(Track { source, muted, .. }) = own(line.mid) {
                planned.push(Planned { line: line.clone(), source: *source, muted: *muted });
            }
        }
        for line in lines.iter().filter(|line| own(line.mid).is_none()) {
            let choices = match line.kind {
                Kind::Audio => [TrackSource::Microphone, TrackSource::Screen],
                Kind::Video => [TrackSource::Camera, TrackSource::Screen],
            };
            let taken = |source| planned.iter().any(|plan| plan.line.kind == line.kind && plan.source == source);
            if let Some(source) = choices.into_iter().find(|source| !taken(*source)) {
                planned.push(Planned { line: line.clone(), source, muted: false });
            }
        }
        planned
    }
}

fn plan_listed(lines: &[SourceLine], list: &[Publication]) -> Result<Vec<Planned>> {
    if list.len() > TRACKS_PER_PARTICIPANT {
        return Err(invalid("publish", format!("has {} entries, allowed are 0 to {TRACKS_PER_PARTICIPANT}", list.len())));
    }
    let mut planned: Vec<Planned> = Vec::with_capacity(list.len());
    for (index, publication) in list.iter().enumerate() {
        let Publication { mid, source, muted } = publication;
        let Some(line) = lines.iter().find(|line| line.mid == *mid) else {
            return Err(invalid(PUBLISH_MID[index], format!("{mid} is not an m-line of the offer that sends")));
        };
        if planned.iter().any(|plan| plan.line.mid == *mid) {
            return Err(invalid(PUBLISH_MID[index], format!("{mid} is listed twice")));
        }
        let fits = match source {
            TrackSource::Microphone => line.kind == Kind::Audio,
            TrackSource::Camera => line.kind == Kind::Video,
            TrackSource::Screen => true,
        };
        if !fits {
            return Err(invalid(PUBLISH_SOURCE[index], "does not fit the kind of its m-line".to_owned()));
        }
        if planned.iter().any(|plan| plan.line.kind == line.kind && plan.source == *source) {
            return Err(invalid(PUBLISH_SOURCE[index], "is listed twice for one kind".to_owned()));
        }
        planned.push(Planned { line: line.clone(), source: *source, muted: *muted });
    }
    Ok(planned)
}
