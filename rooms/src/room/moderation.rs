//! What somebody else than its publisher muted. It sticks to the user, not to a track: neither unmuting oneself, nor a new offer, nor
//! leaving and coming back undoes it.
//!
//! Invariant: a track's `muted_by_moderator` says whether its user, kind and source are on the list.

use super::event::{Answer, Output};
use super::tracks::Track;
use super::{Authority, Room, permission};
use crate::view::TrackSource;
use crate::{Error, Event, ParticipantId, Result, TrackId, UserId};
use media::Kind;
use std::collections::HashSet;

/// Everything that is muted by a moderator.
#[derive(Debug, Default)]
pub(super) struct Moderation {
    /// Each entry was made for somebody who was seated; a user has four at most.
    muted: HashSet<(UserId, Kind, TrackSource)>,
}

impl Moderation {
    pub(super) fn mutes(&self, user: &UserId, kind: Kind, source: TrackSource) -> bool {
        self.muted.contains(&(user.clone(), kind, source))
    }

    fn set(&mut self, user: &UserId, kind: Kind, source: TrackSource, muted: bool) {
        let entry = (user.clone(), kind, source);
        match muted {
            true => self.muted.insert(entry),
            false => self.muted.remove(&entry),
        };
    }
}

impl Room {
    pub(super) fn moderate_track(&mut self, by: &Authority, track: &TrackId, muted: bool, out: &mut Vec<Output>) {
        let answer = self.find_moderated(by, track).map(|(participant, user, kind, source)| {
            self.moderation.set(&user, kind, source, muted);
            self.apply_moderation(&participant, out);
        });
        let view = answer.and_then(|()| self.tracks.find(track).map(|track| track.view()).ok_or(Error::NotFound("track")));
        out.push(Output::Answer(view.map(Answer::Track)));
    }

    /// From now on exactly these sources of the participant are muted by a moderator.
    pub(super) fn moderate_sources(&mut self, by: &Authority, participant: &ParticipantId, muted: &[TrackSource], out: &mut Vec<Output>) {
        let answer = self.check_moderated(by, participant).map(|user| {
            for source in [TrackSource::Microphone, TrackSource::Camera, TrackSource::Screen] {
                for kind in source.kinds() {
                    self.moderation.set(&user, *kind, source, muted.contains(&source));
                }
            }
            self.apply_moderation(participant, out);
            Answer::Done
        });
        out.push(Output::Answer(answer));
    }

    fn find_moderated(&mut self, by: &Authority, track: &TrackId) -> Result<(ParticipantId, UserId, Kind, TrackSource)> {
        // Rights first: who has none learns nothing about tracks.
        permission::may_administer(by, &self.facts.id, &self.facts.owner)?;
        let track = self.tracks.find(track).ok_or(Error::NotFound("track"))?;
        let (participant, kind, source) = (track.participant.clone(), track.kind, track.source);
        let user = self.check_moderated(by, &participant)?;
        Ok((participant, user, kind, source))
    }

    fn check_moderated(&self, by: &Authority, participant: &ParticipantId) -> Result<UserId> {
        permission::may_administer(by, &self.facts.id, &self.facts.owner)?;
        let seat = self.roster.by_id(participant).ok_or(Error::NotFound("participant"))?;
        match by {
            Authority::User { user, .. } if *user == seat.user.id => Err(Error::Conflict("mute your own track instead of moderating it")),
            Authority::User { .. } | Authority::Backend => Ok(seat.user.id.clone()),
        }
    }

    /// Makes the participant's tracks what the list says, and tells everyone, the muted one included.
    fn apply_moderation(&mut self, participant: &ParticipantId, out: &mut Vec<Output>) {
        let Some(user) = self.roster.by_id(participant).map(|seat| seat.user.id.clone()) else { return };
        let mut changed: Vec<(Track, bool)> = Vec::new();
        for track in self.tracks.of(participant) {
            let muted = self.moderation.mutes(&user, track.kind, track.source);
            if track.muted_by_moderator != muted {
                let was_silent = track.is_silent();
                track.muted_by_moderator = muted;
                changed.push((track.clone(), was_silent));
            }
        }
        for (track, was_silent) in changed {
            if track.is_silent() != was_silent {
                out.push(track.set_muted());
            }
            self.tell_all(Event::TrackUpdated { room: self.facts.id.clone(), track: track.view() }, out);
        }
    }
}
