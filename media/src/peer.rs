//! The media end of one participant: its transport, the slots it receives on, the m-lines it sends on.
//!
//! A peer knows nothing of other peers. Invariant: after every input but RTP, which needs none of it before the deadline that it
//! names, the transport's output is drained, or the peer stands on the worker's list with its transport marked.

use crate::budget::Budget;
use crate::config::Limits;
use crate::data::Data;
use crate::demux::PeerKey;
use crate::forward::guard::Guard;
use crate::forward::red;
use crate::forward::rewrite::{Held, Incoming, Rewriter};
use crate::forward::subscription::{Admission, Choice, Subscription};
use crate::ingress::Source;
use crate::io::Io;
use crate::limits::{EARLY_PACKETS, SSRCS_PER_PEER};
use crate::negotiation::{self, Answered, Conversion, Payload};
use crate::path::{NotAdmitted, Path};
use crate::quality::Verdict;
use crate::rate::Rate;
use crate::reports::Reports;
use crate::socket::{Datagram, Packets};
use crate::timers::{Deadline, Wake};
use crate::{LossReason, MediaLine, Mid, PeerId};
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::bwe::Bitrate;
use str0m::channel::{Channel, ChannelData, ChannelId};
use str0m::media::{KeyframeRequestKind, Pt, Rid};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpReceipt, RtpWrite, Ssrc};
use str0m::{Event, Input, Output, Rtc};

/// Wait before a transport that reported an error is looked at again.
const AFTER_ERROR: Duration = Duration::from_millis(100);

pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) slots: Vec<Slot>,
    pub(crate) sources: Vec<Source>,
    pub(crate) data: Data,
    pub(crate) reports: Reports,
    pub(crate) verdict: Verdict,
    pub(crate) budget: Budget,
    desired_bps: u64,
    rtc: Rtc,
    path: Path,
    /// The other end's, by digest.
    certificates: Vec<String>,
    streams: Vec<(Ssrc, Mid, Option<Rid>)>,
    life: Life,
    deadline: Deadline,
    early: Early,
    /// Sealed packets of this turn.
    queued: Packets,
    /// Whether the peer stands on the worker's list of those to flush.
    listed: bool,
    /// Whether the transport must be advanced and drained in this turn.
    dirty: bool,
}

/// Where the transport is in its life.
#[derive(Debug, Clone, Copy)]
enum Life {
    Connecting { since: Instant },
    Connected { last_heard: Instant },
}

/// Packets that came before the transport could seal them: the key frame that a joining peer waits for is often among them.
enum Early {
    Held(Vec<(Ssrc, RtpWrite)>),
    /// There were too many.
    Dropped,
    /// They were sent.
    Over,
}

/// An m-line on which the peer receives.
pub(crate) struct Slot {
    pub(crate) line: MediaLine,
    /// Index of the track that is forwarded on it.
    pub(crate) track: Option<usize>,
    ssrc: Ssrc,
    payloads: Vec<Payload>,
    /// Payload types of the track's publisher, and what they are called here.
    mapped: Vec<(Pt, Pt, Conversion)>,
    declared: Vec<Pt>,
    pub(crate) subscription: Subscription,
    pub(crate) sent: SentCounts,
    rewriter: Rewriter,
    guard: Guard,
}

/// What was sent on a slot so far, without repetitions.
#[derive(Debug, Default)]
pub(crate) struct SentCounts {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) key_frames: u64,
    pub(crate) rate: Rate,
}

/// What a drained transport has to say to its room.
pub(crate) enum Said {
    Connected,
    Closed,
    Data(ChannelData),
    /// A subscriber can't decode what it gets on the slot.
    KeyFrameWanted(Mid),
}

/// What became of a packet on a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    Queued,
    NoCodec,
    Held(Held),
    /// The slot gets another layer, or nothing.
    NotChosen,
}

/// A packet with what all slots need to know of it.
pub(crate) struct Forwarded<'a> {
    pub(crate) packet: &'a RtpPacket,
    /// Index of its layer in the track.
    pub(crate) layer: usize,
    pub(crate) facts: Incoming<'a>,
}

impl Peer {
    pub(crate) fn new(id: PeerId, mut rtc: Rtc, answered: &Answered, data: Data, now: Instant) -> Self {
        let credentials = rtc.direct_api().local_ice_credentials();
        let mut peer = Self {
            id,
            slots: vec![],
            sources: vec![],
            data,
            reports: Reports::default(),
            verdict: Verdict::default(),
            budget: Budget::default(),
            desired_bps: 0,
            rtc,
            path: Path::new(credentials),
            certificates: answered.fingerprints.clone(),
            streams: vec![],
            life: Life::Connecting { since: now },
            deadline: Deadline::default(),
            early: Early::Held(vec![]),
            queued: Packets::default(),
            listed: false,
            dirty: false,
        };
        peer.take_lines(&answered.slots, &answered.sources);
        peer
    }

    /// Follows an answer: new m-lines appear, known ones keep their state, and codecs may have changed on all.
    fn take_lines(&mut self, slots: &[MediaLine], sources: &[MediaLine]) {
        for &line in slots {
            let payloads = negotiation::payloads(&self.rtc, line.mid);
            let Some(ssrc) = self.rtc.direct_api().stream_tx_by_mid(line.mid, None).map(|stream| stream.ssrc()) else { continue };
            match self.slots.iter_mut().find(|slot| slot.line.mid == line.mid) {
                Some(slot) => slot.set_payloads(payloads),
                None => self.slots.push(Slot::new(line, ssrc, payloads)),
            }
        }
        for &line in sources {
            let payloads = negotiation::payloads(&self.rtc, line.mid);
            let announced = negotiation::announced_layers(&self.rtc, line.mid);
            match self.sources.iter_mut().find(|source| source.mid == line.mid) {
                Some(source) => source.payloads = payloads,
                None => self.sources.push(Source::new(line, payloads, announced)),
            }
        }
        self.streams.clear();
    }

    /// Whether the other end of this transport made the offer.
    pub(crate) fn made(&self, offer: &negotiation::Offer) -> bool {
        offer.is_from(&self.certificates)
    }

    /// Answers a further offer.
    pub(crate) fn renegotiate(&mut self, offer: negotiation::Offer, key: PeerKey, io: &mut Io) -> Result<Answered, crate::OfferError> {
        let answered = offer.answer(&mut self.rtc)?;
        let credentials = self.rtc.direct_api().local_ice_credentials();
        self.path.rename(credentials, key, io);
        self.take_lines(&answered.slots, &answered.sources);
        Ok(answered)
    }

    /// Becomes reachable.
    pub(crate) fn announce(&mut self, key: PeerKey, io: &mut Io) {
        self.path.announce(key, io);
        self.mark_dirty(key, io);
    }

    /// Becomes unreachable: from now on no datagram finds it.
    pub(crate) fn retract(&mut self, key: PeerKey, io: &mut Io) {
        self.path.retract(key, io);
    }

    /// Says goodbye (RTCP BYE, DTLS close_notify), after which nothing is sent any more.
    pub(crate) fn close(&mut self, io: &mut Io) {
        self.send_queued(io);
        if self.rtc.close().is_err() {
            return;
        }
        while let Ok(output) = self.rtc.poll_output() {
            match output {
                Output::Transmit(transmit) => io.send(&transmit),
                Output::Event(_) => {}
                Output::Timeout(_) => break,
            }
        }
    }

    /// Whether a STUN request is authentic and for this peer.
    pub(crate) fn accepts(&self, check: Datagram<'_>) -> bool {
        self.path.is_authentic(check)
    }

    /// Whether an authentic check may be answered.
    pub(crate) fn admits(&mut self, check: Datagram<'_>, now: Instant) -> Result<(), NotAdmitted> {
        self.path.admits(check, now)
    }

    /// Takes a datagram. Its effects come out of [`Self::drain`].
    pub(crate) fn receive(&mut self, datagram: Datagram<'_>, key: PeerKey, now: Instant, io: &mut Io) {
        let Some(received) = received(datagram) else { return };
        self.path.checked(datagram, key, io);
        if let Err(error) = self.rtc.handle_input(Input::Receive(now, received)) {
            // Anybody can send what looks like DTLS from a spoofed address, so an error ends nothing.
            tracing::debug!(peer = self.id.0, %error, "a datagram was not understood");
        }
    }

    /// Takes an RTP datagram and returns the packet, if it is authentic and new. Nothing needs to be drained after it.
    pub(crate) fn receive_rtp(&mut self, datagram: Datagram<'_>, key: PeerKey, now: Instant, io: &mut Io) -> Option<RtpPacket> {
        let RtpReceipt { packet, due } = self.rtc.receive_rtp(now, datagram.contents);
        if let Some(due) = due {
            self.deadline.lower(due, Wake::Peer { room: key.room, peer: key.peer }, &mut io.timers);
        }
        if packet.is_some() {
            self.heard(now);
        }
        packet
    }

    /// Lets time pass in the transport.
    pub(crate) fn advance(&mut self, now: Instant) {
        if let Err(error) = self.rtc.handle_input(Input::Timeout(now)) {
            tracing::debug!(peer = self.id.0, %error, "a time-out failed");
        }
    }

    /// Sends what the transport has to send, and adds what it has to say to `said`.
    pub(crate) fn drain(&mut self, key: PeerKey, now: Instant, io: &mut Io, said: &mut Vec<Said>) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(transmit)) => {
                    if is_stun_success(&transmit.contents) {
                        // Only an authentic request is answered, so its sender is who it says.
                        self.heard(now);
                        self.path.proved(&transmit, key, io);
                    }
                    io.send(&transmit);
                }
                Ok(Output::Event(event)) => self.take_event(event, now, said),
                Ok(Output::Timeout(at)) => {
                    self.deadline.set(at, Wake::Peer { room: key.room, peer: key.peer }, &mut io.timers);
                    return;
                }
                Err(error) => {
                    tracing::debug!(peer = self.id.0, %error, "the transport failed");
                    if !self.rtc.is_alive() {
                        said.push(Said::Closed);
                    }
                    self.deadline.set(now + AFTER_ERROR, Wake::Peer { room: key.room, peer: key.peer }, &mut io.timers);
                    return;
                }
            }
        }
    }

    fn take_event(&mut self, event: Event, now: Instant, said: &mut Vec<Said>) {
        match event {
            Event::KeyframeRequest(request) => said.push(Said::KeyFrameWanted(request.mid)),
            Event::Connected => {
                self.life = Life::Connected { last_heard: now };
                said.push(Said::Connected);
            }
            Event::Closed => said.push(Said::Closed),
            Event::ChannelOpen(id, label) => {
                if !self.data.opened(id, &label) {
                    self.close_channel(id);
                }
            }
            Event::ChannelClose(id) => self.data.closed(id),
            Event::ChannelData(data) => said.push(Said::Data(data)),
            other => self.reports.take(&other, now),
        }
    }

    /// A data channel, as long as it is open.
    pub(crate) fn channel(&mut self, id: ChannelId) -> Option<Channel<'_>> {
        self.rtc.channel(id)
    }

    pub(crate) fn close_channel(&mut self, id: ChannelId) {
        self.rtc.direct_api().close_data_channel(id);
    }

    fn heard(&mut self, now: Instant) {
        if let Life::Connected { last_heard } = &mut self.life {
            *last_heard = now;
        }
    }

    /// Whether media can flow.
    pub(crate) fn is_connected(&self) -> bool {
        matches!(self.life, Life::Connected { .. })
    }

    /// What the transport should try to find room for, in bit/s. True when it may probe for it now.
    pub(crate) fn desire(&mut self, bps: u64) -> bool {
        if self.desired_bps == bps {
            return false;
        }
        self.desired_bps = bps;
        self.rtc.bwe().set_bitrate(Bitrate::ZERO, Bitrate::bps(bps));
        true
    }

    /// What lately arrived at the client without filling a queue on the way, in bit/s: the path carries at least as much.
    pub(crate) fn delivered_bps(&mut self) -> Option<u64> {
        self.rtc.bwe().delivered().map(|rate| rate.as_u64())
    }

    /// When the peer is lost unless something is heard of it.
    pub(crate) fn lost_at(&self, limits: &Limits) -> (Instant, LossReason) {
        match self.life {
            Life::Connecting { since } => (since + limits.connect, LossReason::NeverConnected),
            Life::Connected { last_heard } => (last_heard + limits.silence, LossReason::Silent),
        }
    }

    /// Has the transport advanced and drained in this turn.
    pub(crate) fn mark_dirty(&mut self, key: PeerKey, io: &mut Io) {
        self.dirty = true;
        self.list(key, io);
    }

    fn list(&mut self, key: PeerKey, io: &mut Io) {
        if !self.listed {
            self.listed = true;
            io.dirty.push(key);
        }
    }

    /// Its turn on the list has come: sends the packets of this turn. True when the transport must be advanced and drained.
    pub(crate) fn unlist(&mut self, io: &mut Io) -> bool {
        self.listed = false;
        self.send_queued(io);
        std::mem::take(&mut self.dirty)
    }

    fn send_queued(&mut self, io: &mut Io) {
        if !self.queued.is_empty() {
            self.queued.pair();
            io.send_packets(std::mem::take(&mut self.queued));
        }
    }

    /// A timer entry of this peer was popped. True when the transport must be advanced.
    pub(crate) fn woken(&mut self, key: PeerKey, now: Instant, io: &mut Io) -> bool {
        self.deadline.woken(now, Wake::Peer { room: key.room, peer: key.peer }, &mut io.timers)
    }

    /// The m-line and layer of an authenticated SSRC. None beyond the limit of SSRCs.
    pub(crate) fn stream(&mut self, ssrc: Ssrc) -> Option<(Mid, Option<Rid>)> {
        if let Some(&(_, mid, rid)) = self.streams.iter().find(|(known, _, _)| *known == ssrc) {
            return Some((mid, rid));
        }
        if self.streams.len() == SSRCS_PER_PEER {
            return None;
        }
        let (mid, rid) = self.rtc.direct_api().stream_rx(&ssrc).map(|stream| (stream.mid(), stream.rid()))?;
        self.streams.push((ssrc, mid, rid));
        Some((mid, rid))
    }

    /// Asks the client for a key frame of what it sends. False when it has sent nothing yet.
    pub(crate) fn request_key_frame(&mut self, mid: Mid, rid: Option<Rid>) -> bool {
        match self.rtc.direct_api().stream_rx_by_mid(mid, rid) {
            Some(stream) => {
                stream.request_keyframe(KeyframeRequestKind::Pli);
                true
            }
            None => false,
        }
    }

    /// Sends what came before the transport was connected.
    pub(crate) fn send_early(&mut self, key: PeerKey, now: Instant, io: &mut Io) {
        if let Early::Held(early) = std::mem::replace(&mut self.early, Early::Over) {
            for (ssrc, write) in early {
                self.seal(ssrc, write, now, io);
            }
            self.list(key, io);
        }
    }

    /// Seals a packet for a slot. It leaves at the end of the turn.
    pub(crate) fn send(&mut self, slot: usize, forwarded: &Forwarded<'_>, key: PeerKey, now: Instant, io: &mut Io) -> Sent {
        match &self.early {
            Early::Over => {}
            Early::Held(early) if early.len() < EARLY_PACKETS => {}
            Early::Held(_) => {
                self.early = Early::Dropped;
                self.slots.iter_mut().for_each(Slot::pause);
                return Sent::Held(Held::BeforeSwitch);
            }
            Early::Dropped => return Sent::Held(Held::BeforeSwitch),
        }
        let slot = &mut self.slots[slot];
        let Forwarded { packet, layer, facts } = forwarded;
        let pt_in = packet.header.payload_type;
        let Some(&(_, pt, conversion)) = slot.mapped.iter().find(|(from, ..)| *from == pt_in) else { return Sent::NoCodec };
        match slot.subscription.admit(*layer, facts.starts_decoding) {
            Admission::Forward => {}
            Admission::Switch => slot.rewriter.switch_layer(),
            Admission::AwaitsKeyFrame => return Sent::Held(Held::AwaitsKeyFrame),
            Admission::Drop => return Sent::NotChosen,
        }
        let payload = match conversion {
            Conversion::None => Arc::clone(&packet.payload),
            Conversion::DropRedundancy => match red::primary(&packet.payload) {
                Some(primary) => primary.into(),
                None => return Sent::NoCodec,
            },
        };
        let out = match slot.rewriter.rewrite(facts, now) {
            Ok(out) => out,
            Err(held) => return Sent::Held(held),
        };
        slot.sent.count(payload.len(), facts.starts_decoding, now);
        slot.guard.check(out.sequence, out.timestamp, out.starts, pt, &slot.declared);
        let received = &packet.header.ext_vals;
        let ext_vals = ExtensionValues {
            audio_level: received.audio_level,
            voice_activity: received.voice_activity,
            video_orientation: received.video_orientation,
            ..Default::default()
        };
        let mut write = RtpWrite::new(pt, out.sequence.into(), out.timestamp, now, payload)
            .marker(packet.header.marker)
            .ext_vals(ext_vals)
            .nackable(slot.line.kind == crate::Kind::Video);
        if let Some(patch) = out.vp8 {
            write = write.vp8_patch(patch);
        }
        let ssrc = slot.ssrc;
        self.seal(ssrc, write, now, io);
        self.list(key, io);
        Sent::Queued
    }

    /// Seals `write` into the queue of this turn.
    fn seal(&mut self, ssrc: Ssrc, write: RtpWrite, now: Instant, io: &mut Io) {
        let Self { rtc, queued, early, .. } = self;
        if let Early::Held(early) = early {
            early.push((ssrc, write));
            return;
        }
        if queued.is_empty() {
            *queued = io.packets();
        }
        let mut other = None;
        queued.append(|bytes| {
            let start = bytes.len();
            let route = rtc.send_rtp(now, ssrc, write, bytes)?;
            if route.proto == Protocol::Udp {
                return Some((route.source, route.destination));
            }
            let contents = bytes[start..].to_vec().into();
            other = Some(Transmit { proto: route.proto, source: route.source, destination: route.destination, contents });
            None
        });
        if let Some(transmit) = other {
            io.send(&transmit);
        }
    }
}

impl Slot {
    fn new(line: MediaLine, ssrc: Ssrc, payloads: Vec<Payload>) -> Self {
        let rewriter = Rewriter::new(line.kind, *ssrc);
        let declared = payloads.iter().map(|payload| payload.pt).collect();
        Self {
            line,
            track: None,
            ssrc,
            payloads,
            mapped: vec![],
            declared,
            subscription: Subscription::default(),
            sent: SentCounts::default(),
            rewriter,
            guard: Guard::default(),
        }
    }

    fn set_payloads(&mut self, payloads: Vec<Payload>) {
        self.declared = payloads.iter().map(|payload| payload.pt).collect();
        self.payloads = payloads;
    }

    /// Forwards `track` from now on, whose publisher numbers its codecs like this.
    pub(crate) fn bind(&mut self, track: usize, payloads: &[Payload]) {
        self.track = Some(track);
        self.map(payloads);
        self.rewriter.switch();
    }

    /// The publisher of the bound track numbers its codecs like this now.
    pub(crate) fn map(&mut self, payloads: &[Payload]) {
        let ours = |from: &Payload| negotiation::receivable(from, &self.payloads).map(|(pt, conversion)| (from.pt, pt, conversion));
        self.mapped = payloads.iter().filter_map(ours).collect();
    }

    pub(crate) fn unbind(&mut self) {
        self.track = None;
        self.mapped.clear();
        self.subscription = Subscription::default();
        self.rewriter.switch();
    }

    /// The bound track pauses: what comes after is a new start.
    pub(crate) fn pause(&mut self) {
        self.subscription.interrupt();
        self.rewriter.switch();
    }

    /// Stops at once, if the slot waits for a key frame of another layer.
    pub(crate) fn cut(&mut self) {
        if self.subscription.awaited().is_some() && self.subscription.cut() {
            self.rewriter.switch();
        }
    }

    /// Forwards another layer from its next key frame on, or stops at once.
    pub(crate) fn choose(&mut self, choice: Choice) {
        if self.subscription.choose(choice) {
            self.rewriter.switch();
        }
    }
}

impl SentCounts {
    fn count(&mut self, bytes: usize, is_key_frame: bool, now: Instant) {
        self.packets += 1;
        self.bytes += bytes as u64;
        self.key_frames += u64::from(is_key_frame);
        self.rate.add(bytes, now);
    }
}

fn received(datagram: Datagram<'_>) -> Option<Receive<'_>> {
    Receive::new(datagram.protocol, datagram.source, datagram.destination, datagram.contents).ok()
}

/// A Binding success response (RFC 8489 §5).
fn is_stun_success(contents: &[u8]) -> bool {
    contents.starts_with(&[0x01, 0x01])
}
