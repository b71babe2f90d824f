//! Answers offers: between the room, which says how, and the media plane, which does it.

use super::{Hub, snapshot, unexpected};
use crate::room::event::{Answer, Input, OfferPlan, OfferedMedia, Snapshot, SourceLine};
use crate::room::handle::{Arrival, RoomHandle};
use crate::{Error, Offer, Result, SessionId, TrackId};
use media::{Command, MediaLine, Negotiated, OfferError, PeerId, PeerStats, Renegotiated};
use std::time::Duration;

/// Longest wait for a turn to negotiate, and for the worker to answer a further offer. Less than a reservation lasts.
const NEGOTIATION_TIMEOUT: Duration = Duration::from_secs(5);

impl Hub {
    /// Answers the offer of a new peer. Nothing is changed by it until the room takes the result.
    pub(super) async fn negotiate(&self, room: &RoomHandle, offer: Offer) -> Result<(OfferedMedia, Box<Negotiated>)> {
        let turn = tokio::time::timeout(NEGOTIATION_TIMEOUT, self.node.negotiations.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Error::Unavailable("too many offers are being answered")) };
        let media = room.media(&self.node.media);
        let sdp = offer.sdp;
        let work = tokio::task::spawn_blocking(move || {
            let negotiated = media.negotiate(&sdp);
            drop(turn);
            negotiated
        });
        let negotiated = work.await.map_err(|_| Error::Unavailable("the offer could not be answered"))?.map_err(refused)?;
        let offered = OfferedMedia { slots: negotiated.slots.clone(), sources: sources(&negotiated.sources), publish: offer.publish };
        Ok((offered, Box::new(negotiated)))
    }

    /// Answers the offer of somebody who is seated.
    pub(super) async fn answer_offer(&self, session: &SessionId, room: &RoomHandle, offer: Offer) -> Result<(Snapshot, String)> {
        let plan = match room.call(Input::Offer { session: session.clone() }).await? {
            Answer::Plan(plan) => plan,
            other => return Err(unexpected(&other)),
        };
        let further = match plan {
            OfferPlan::Fresh => None,
            OfferPlan::Further(peer) => self.renegotiate(room, peer, offer.sdp.clone()).await?,
        };
        let (plan, media, negotiated, answer) = match further {
            Some(Renegotiated { answer, slots, sources: lines }) => {
                (plan, OfferedMedia { slots, sources: sources(&lines), publish: offer.publish }, None, answer)
            }
            None => {
                let (media, negotiated) = self.negotiate(room, offer).await?;
                let answer = negotiated.answer.clone();
                (OfferPlan::Fresh, media, Some(negotiated), answer)
            }
        };
        let input = Input::OfferAnswered { session: session.clone(), plan, media };
        let answered = room.call_with(input, Arrival { session: None, negotiated }).await?;
        Ok((snapshot(answered)?, answer))
    }

    /// `None` when the peer is just gone.
    pub(super) async fn peer_stats(&self, room: &RoomHandle, peer: PeerId) -> Result<Option<PeerStats>> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        // A caller that has stopped waiting needs no answer.
        let command = Command::Stats { peer, reply: Box::new(move |stats| drop(reply.send(stats))) };
        let busy = Error::Unavailable("the media plane does not keep up");
        room.media(&self.node.media).command(command).map_err(|_| busy.clone())?;
        match tokio::time::timeout(NEGOTIATION_TIMEOUT, answer).await {
            Ok(Ok(stats)) => Ok(stats),
            Ok(Err(_)) | Err(_) => Err(busy),
        }
    }

    /// `None` for the offer of a new PeerConnection: its client knew before us that the old one is dead.
    async fn renegotiate(&self, room: &RoomHandle, peer: PeerId, offer: String) -> Result<Option<Renegotiated>> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        // A caller that has stopped waiting needs no answer.
        let command = Command::Renegotiate { peer, offer, reply: Box::new(move |answer| drop(reply.send(answer))) };
        let busy = Error::Unavailable("the media plane does not keep up");
        room.media(&self.node.media).command(command).map_err(|_| busy.clone())?;
        match tokio::time::timeout(NEGOTIATION_TIMEOUT, answer).await {
            Ok(Ok(Err(OfferError::OtherTransport))) => Ok(None),
            Ok(Ok(answer)) => answer.map(Some).map_err(refused),
            Ok(Err(_)) | Err(_) => Err(busy),
        }
    }
}

/// Each m-line on which the client can send gets the id that its track has if it is published.
fn sources(lines: &[MediaLine]) -> Vec<SourceLine> {
    let source = |line: &MediaLine| SourceLine { mid: line.mid, kind: line.kind, track: TrackId::new(crate::random_id("tr")) };
    lines.iter().map(source).collect()
}

fn refused(error: OfferError) -> Error {
    match error {
        OfferError::TooLarge { limit } => Error::TooLarge { field: "offer.sdp", limit },
        OfferError::Invalid(reason) => Error::Invalid { field: "offer.sdp", reason },
        OfferError::Gone | OfferError::OtherTransport => Error::Unavailable("the media transport was lost meanwhile, offer anew"),
    }
}
