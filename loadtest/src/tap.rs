//! Sees key frame requests (PLI and FIR) for some SSRCs on their way through the `webrtc` crate's packet chain, and counts them.
//!
//! It changes nothing and keeps nothing: every packet goes on as it came.

use rtc::interceptor::{Interceptor, Packet, Slot, StreamInfo, TaggedPacket};
use rtc::rtcp;
use rtc::rtcp::payload_feedbacks::{full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// The owner's end of a [`KeyFrameTap`].
#[derive(Debug, Clone)]
pub struct KeyFrameRequests(Arc<[AtomicU64]>);

impl KeyFrameRequests {
    /// How many came since the last call for the SSRC in this place; 0 for a place that has none.
    pub fn take(&self, place: usize) -> u64 {
        self.0.get(place).map_or(0, |requests| requests.swap(0, Ordering::Relaxed))
    }
}

/// The chain's end.
pub struct KeyFrameTap {
    ssrcs: Vec<u32>,
    requests: Arc<[AtomicU64]>,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl KeyFrameTap {
    /// Behind the crate's own interceptors, as seen from the wire.
    pub const SLOT: Slot = Slot::Custom(14_000);

    /// A tap for requests that name one of `ssrcs`.
    pub fn new(ssrcs: Vec<u32>) -> (Self, KeyFrameRequests) {
        let requests: Arc<[AtomicU64]> = ssrcs.iter().map(|_| AtomicU64::new(0)).collect();
        (Self { ssrcs, requests: requests.clone(), reads: VecDeque::new(), writes: VecDeque::new() }, KeyFrameRequests(requests))
    }

    fn asks(packet: &dyn rtcp::Packet, ssrc: u32) -> bool {
        let packet = packet.as_any();
        packet.downcast_ref::<PictureLossIndication>().is_some_and(|pli| pli.media_ssrc == ssrc)
            || packet.downcast_ref::<FullIntraRequest>().is_some_and(|fir| fir.fir.iter().any(|entry| entry.ssrc == ssrc))
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for KeyFrameTap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &message.message.packet {
            for (&ssrc, requests) in self.ssrcs.iter().zip(self.requests.iter()) {
                let asked = packets.iter().filter(|packet| Self::asks(&***packet, ssrc)).count();
                requests.fetch_add(asked as u64, Ordering::Relaxed);
            }
        }
        self.reads.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.writes.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }

    fn handle_timeout(&mut self, _now: Instant) -> Result<(), Error> {
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        None
    }
}

impl Interceptor for KeyFrameTap {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}
