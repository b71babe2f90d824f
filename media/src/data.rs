//! Application data: a message that a peer sends on one of its data channels goes to all others of its room that have that channel.
//!
//! It reads no message; it puts the sender's tag in front. Invariant: what a subscriber gets on its reliable channel has no gap: when a
//! message finds no place there, the channel is closed, and its owner knows.

use crate::demux::PeerKey;
use crate::io::Io;
use crate::limits::{
    DATA_BACKLOG_BYTES, DATA_BURST_BYTES, DATA_BURST_MESSAGES, DATA_BYTES_PER_S, DATA_LOSSY_BACKLOG_BYTES, DATA_MESSAGE_BYTES_MAX,
    DATA_MESSAGES_PER_S,
};
use crate::peer::Peer;
use std::time::{Duration, Instant};
use str0m::RtcConfig;
use str0m::channel::{ChannelData, ChannelId};

/// The two data channels, by what they promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// `zzan-reliable`: ordered, repeated until it arrives.
    Reliable,
    /// `zzan-lossy`: unordered, sent once.
    Lossy,
}

impl Delivery {
    fn labelled(label: &str) -> Option<Self> {
        match label {
            "zzan-reliable" => Some(Self::Reliable),
            "zzan-lossy" => Some(Self::Lossy),
            _ => None,
        }
    }
}

/// A peer's end of application data.
#[derive(Debug)]
pub(crate) struct Data {
    /// Its length in one byte, then the tag.
    tag: Box<[u8]>,
    may_send: bool,
    reliable: Option<ChannelId>,
    lossy: Option<ChannelId>,
    messages: Allowance,
    bytes: Allowance,
}

/// A message on its way to the others.
struct Message {
    delivery: Delivery,
    framed: Vec<u8>,
}

/// What became of a message at one subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Queued,
    /// It doesn't have that channel.
    Absent,
    Dropped,
}

impl Data {
    /// A tag longer than 255 bytes is cut there.
    pub(crate) fn new(tag: &[u8], may_send: bool, now: Instant) -> Self {
        let length = u8::try_from(tag.len()).unwrap_or(u8::MAX);
        let mut framed = vec![length];
        framed.extend_from_slice(&tag[..usize::from(length)]);
        let messages = Allowance::new(DATA_MESSAGES_PER_S, DATA_BURST_MESSAGES, now);
        let bytes = Allowance::new(DATA_BYTES_PER_S, DATA_BURST_BYTES, now);
        Self { tag: framed.into(), may_send, reliable: None, lossy: None, messages, bytes }
    }

    fn place(&mut self, delivery: Delivery) -> &mut Option<ChannelId> {
        match delivery {
            Delivery::Reliable => &mut self.reliable,
            Delivery::Lossy => &mut self.lossy,
        }
    }

    /// A channel was opened by the other end. False when it is none of the two, or a second one of a kind: it is to be closed.
    pub(crate) fn opened(&mut self, id: ChannelId, label: &str) -> bool {
        match Delivery::labelled(label).map(|delivery| self.place(delivery)) {
            Some(place @ None) => {
                *place = Some(id);
                true
            }
            Some(Some(_)) | None => false,
        }
    }

    pub(crate) fn closed(&mut self, id: ChannelId) {
        for place in [&mut self.reliable, &mut self.lossy] {
            place.take_if(|open| *open == id);
        }
    }

    /// The message as the others get it. `None` when it came on no channel of ours, isn't allowed, or is beyond the limits.
    fn frame(&mut self, received: &ChannelData, now: Instant) -> Option<Message> {
        let delivery = [(self.reliable, Delivery::Reliable), (self.lossy, Delivery::Lossy)]
            .into_iter()
            .find_map(|(channel, delivery)| (channel == Some(received.id)).then_some(delivery))?;
        let size = received.data.len();
        if !self.may_send || size > DATA_MESSAGE_BYTES_MAX || !self.messages.take(1, now) || !self.bytes.take(size, now) {
            return None;
        }
        let mut framed = Vec::with_capacity(self.tag.len() + size);
        framed.extend_from_slice(&self.tag);
        framed.extend_from_slice(&received.data);
        Some(Message { delivery, framed })
    }
}

/// Transports carry messages within our bounds: the size is in the answer, and browsers refuse to send more.
pub(crate) fn bounded(config: RtcConfig) -> RtcConfig {
    let size = u32::try_from(DATA_MESSAGE_BYTES_MAX).expect("16 KiB");
    config.set_sctp_max_message_size(size).set_sctp_max_buffered_amount(DATA_BACKLOG_BYTES)
}

/// Passes a message of `sender` on to the others of `peers`, who are those of the worker's room `room`.
pub(crate) fn relay(peers: &mut [Option<Peer>], room: usize, sender: usize, received: &ChannelData, now: Instant, io: &mut Io) {
    let Some(message) = peers[sender].as_mut().and_then(|peer| peer.data.frame(received, now)) else {
        io.counters.dropped_data.inc();
        return;
    };
    io.counters.data_in.inc();
    for (index, peer) in peers.iter_mut().enumerate() {
        let Some(peer) = peer.as_mut().filter(|_| index != sender) else { continue };
        match write(peer, &message) {
            Written::Queued => io.counters.data_forwarded.inc(),
            Written::Dropped => io.counters.dropped_data.inc(),
            Written::Absent => continue,
        }
        peer.mark_dirty(PeerKey { room, peer: index }, io);
    }
}

fn write(peer: &mut Peer, message: &Message) -> Written {
    let place = peer.data.place(message.delivery);
    let Some(id) = *place else { return Written::Absent };
    let Some(mut channel) = peer.channel(id) else { return Written::Absent };
    if message.delivery == Delivery::Lossy && channel.buffered_amount() > DATA_LOSSY_BACKLOG_BYTES {
        return Written::Dropped;
    }
    if matches!(channel.write(true, &message.framed), Ok(true)) {
        return Written::Queued;
    }
    if message.delivery == Delivery::Reliable {
        *peer.data.place(Delivery::Reliable) = None;
        peer.close_channel(id);
    }
    Written::Dropped
}

/// A rate with a burst, kept as the time at which all of the burst is free again.
#[derive(Debug)]
struct Allowance {
    free_at: Instant,
    each: Duration,
    window: Duration,
}

impl Allowance {
    fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let each = Duration::from_secs(1) / per_second;
        Self { free_at: now, each, window: each * burst }
    }

    fn take(&mut self, count: usize, now: Instant) -> bool {
        let cost = u32::try_from(count).map_or(Duration::MAX, |count| self.each.saturating_mul(count));
        let free_at = self.free_at.max(now).checked_add(cost);
        match free_at.filter(|at| *at - now <= self.window) {
            Some(at) => {
                self.free_at = at;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut allowance = Allowance::new(50, 100, start);
        assert_eq!((0..200).filter(|_| allowance.take(1, start)).count(), 100);
        let second = start + Duration::from_secs(1);
        assert_eq!((0..200).filter(|_| allowance.take(1, second)).count(), 50);
        assert!(!allowance.take(usize::MAX, second + Duration::from_secs(3600)));
    }

    #[test]
    fn a_tag_says_its_length_and_never_more_than_a_byte_can() {
        let now = Instant::now();
        assert_eq!(&*Data::new(b"ann", true, now).tag, b"\x03ann");
        assert_eq!(Data::new(&[7; 300], true, now).tag.len(), 256);
    }
}
