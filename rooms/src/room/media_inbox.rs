//! Events of the media plane on their way to a room's task. What replaces something that still waits takes its place, so the queue needs no
//! bound of its own: it holds each peer, track and slot once per kind of event.

use media::{Event, EventSink};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Filled on the media plane's thread, emptied by the room's task.
#[derive(Debug, Default)]
pub(crate) struct MediaInbox {
    waiting: Mutex<VecDeque<Event>>,
    arrived: Notify,
}

impl MediaInbox {
    /// The next event. May be cancelled: nothing is lost.
    pub(crate) async fn recv(&self) -> Event {
        loop {
            if let Some(event) = self.locked().pop_front() {
                return event;
            }
            self.arrived.notified().await;
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, VecDeque<Event>> {
        // Nothing in here panics between two changes of the queue.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for MediaInbox {
    fn event(&self, mut event: Event) {
        if let Event::Connected { .. } = event {
            return;
        }
        let mut waiting = self.locked();
        waiting.retain(|earlier| !replaces(&mut event, earlier));
        waiting.push_back(event);
        drop(waiting);
        self.arrived.notify_one();
    }
}

/// Whether nobody needs `earlier` any more once `event` has happened, which may take something over from it.
fn replaces(event: &mut Event, earlier: &Event) -> bool {
    match (event, earlier) {
        (Event::Speakers { .. }, Event::Speakers { .. }) | (Event::SpeakerSlots { .. }, Event::SpeakerSlots { .. }) => true,
        (Event::Lost { peer, .. }, Event::Lost { peer: other, .. }) => peer == other,
        (Event::Layers { track, .. }, Event::Layers { track: other, .. }) => track == other,
        (Event::Stalled { peer, slot, .. }, Event::Stalled { peer: other, slot: place, .. }) => peer == other && slot == place,
        (Event::Quality { qualities }, Event::Quality { qualities: before }) => {
            let untouched: Vec<_> = before.iter().filter(|(peer, _)| qualities.iter().all(|(other, _)| other != peer)).copied().collect();
            qualities.extend(untouched);
            true
        }
        (
            Event::Connected { .. }
            | Event::Lost { .. }
            | Event::Speakers { .. }
            | Event::SpeakerSlots { .. }
            | Event::Layers { .. }
            | Event::Stalled { .. }
            | Event::Quality { .. },
            _,
        ) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::{LossReason, PeerId, Quality};

    #[tokio::test]
    async fn only_the_latest_speakers_wait_and_every_loss_does() {
        let inbox = MediaInbox::default();
        let lost = |peer| Event::Lost { peer: PeerId(peer), reason: LossReason::Silent };
        let speakers = |level| Event::Speakers { speakers: vec![(PeerId(1), level)] };
        for event in [speakers(-1), lost(1), Event::Connected { peer: PeerId(3) }, speakers(-2), lost(2), lost(1)] {
            inbox.event(event);
        }
        for expected in [speakers(-2), lost(2), lost(1)] {
            assert_eq!(inbox.recv().await, expected);
        }
        assert!(inbox.locked().is_empty());
    }

    #[tokio::test]
    async fn what_is_newer_about_one_track_slot_or_peer_replaces_what_waits() {
        let inbox = MediaInbox::default();
        let layers = |track, wanted| Event::Layers { track: media::TrackId(track), wanted, active: vec![] };
        let stalled = |slot: &str, stalled| Event::Stalled { peer: PeerId(1), slot: slot.into(), stalled };
        let quality = |list: &[(u64, Quality)]| Event::Quality { qualities: list.iter().map(|(peer, q)| (PeerId(*peer), *q)).collect() };
        for event in [
            layers(1, true),
            quality(&[(1, Quality::Good), (2, Quality::Poor)]),
            stalled("0", true),
            layers(2, true),
            layers(1, false),
            stalled("1", true),
            stalled("0", false),
            quality(&[(2, Quality::Excellent)]),
        ] {
            inbox.event(event);
        }
        let left = [
            layers(2, true),
            layers(1, false),
            stalled("1", true),
            stalled("0", false),
            quality(&[(2, Quality::Excellent), (1, Quality::Good)]),
        ];
        for expected in left {
            assert_eq!(inbox.recv().await, expected);
        }
    }
}
