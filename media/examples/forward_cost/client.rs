//! A participant that costs little: str0m for ICE, DTLS and RTCP, and its direct path for RTP.

use crate::load::Sender;
use crate::{AUDIO_BYTES, FRAME_PACKETS, SEATS, VIDEO_BYTES};
use mio::net::UdpSocket;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, Ssrc};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// What the clients of a run saw together.
#[derive(Debug, Default)]
pub struct Seen {
    pub packets: u64,
    /// Packets that came after a later one of their stream: they were lost once, for loopback keeps the order.
    pub late: u64,
    /// Time from sending at one client to receiving at another, in microseconds.
    pub latencies: Vec<u32>,
}

struct Outgoing {
    mid: Mid,
    ssrc: Ssrc,
    pt: Pt,
    sequence: u64,
    timestamp: u32,
    picture: u16,
}

pub struct Client {
    rtc: Rtc,
    socket: UdpSocket,
    pending: Option<SdpPendingOffer>,
    pub connected: bool,
    sources: Vec<Outgoing>,
    newest: HashMap<Ssrc, u64>,
    key_wanted: bool,
    timeout: Instant,
    start: Instant,
    sealed: Vec<u8>,
    pub seen: Seen,
}

impl Client {
    /// `start` is the zero of the times that packets carry.
    pub fn new(start: Instant) -> Self {
        let now = Instant::now();
        let mut rtc = RtcConfig::new().set_rtp_mode(true).clear_codecs().enable_opus(true, false).enable_vp8(true).build(now);
        let socket = UdpSocket::bind(([127, 0, 0, 1], 0).into()).expect("bound");
        rtc.add_local_candidate(Candidate::host(socket.local_addr().expect("address"), "udp").expect("candidate"));
        Self {
            rtc,
            socket,
            pending: None,
            connected: false,
            sources: vec![],
            newest: HashMap::new(),
            key_wanted: false,
            timeout: now,
            start,
            sealed: vec![],
            seen: Seen::default(),
        }
    }

    /// Sends audio and video, receives those of the others in a room.
    pub fn offer(&mut self) -> String {
        let mut api = self.rtc.sdp_api();
        for (kind, codec) in [(MediaKind::Audio, Codec::Opus), (MediaKind::Video, Codec::Vp8)] {
            let mid = api.add_media(kind, Direction::SendOnly, None, None, None);
            // The real payload type and SSRC are known once the answer is there.
            let pt = if codec == Codec::Opus { 111 } else { 96 };
            self.sources.push(Outgoing { mid, ssrc: 0.into(), pt: pt.into(), sequence: 1, timestamp: 1, picture: 1 });
            for _ in 1..SEATS {
                api.add_media(kind, Direction::RecvOnly, None, None, None);
            }
        }
        let (offer, pending) = api.apply().expect("something to offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    pub fn accept(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("SDP");
        let pending = self.pending.take().expect("an offer is out");
        self.rtc.sdp_api().accept_answer(pending, answer).expect("the answer fits");
        for (source, codec) in self.sources.iter_mut().zip([Codec::Opus, Codec::Vp8]) {
            source.ssrc = self.rtc.direct_api().stream_tx_by_mid(source.mid, None).expect("declared").ssrc();
            source.pt = self.rtc.codec_config().find(|params| params.spec().codec == codec).expect("negotiated").pt();
        }
        self.timeout = Instant::now();
    }

    /// Packets sent so far.
    pub fn sent(&self) -> u64 {
        self.sources.iter().map(|source| source.sequence - 1).sum()
    }

    fn write(&mut self, kind: usize, mut payload: Vec<u8>, step: u32, marker: bool) {
        let now = Instant::now();
        let nanos = (now - self.start).as_nanos() as u64;
        let stamp = payload.len() - 8;
        payload[stamp..].copy_from_slice(&nanos.to_be_bytes());
        let source = &mut self.sources[kind];
        source.timestamp = source.timestamp.wrapping_add(step);
        source.sequence += 1;
        let level = (kind == 0).then_some(-30);
        let extra = ExtensionValues { audio_level: level, voice_activity: level.map(|_| true), ..Default::default() };
        let payload: Arc<[u8]> = payload.into();
        let write = RtpWrite::new(source.pt, source.sequence.into(), source.timestamp, now, payload).marker(marker).ext_vals(extra);
        self.sealed.clear();
        if let Some(route) = self.rtc.send_rtp(now, source.ssrc, write.nackable(kind == 1), &mut self.sealed) {
            // A full buffer is loss, which the other end sees.
            let _ = self.socket.send_to(&self.sealed, route.destination);
        }
    }

    fn take(&mut self, packet: &RtpPacket) {
        let now = Instant::now();
        self.seen.packets += 1;
        let newest = self.newest.entry(packet.header.ssrc).or_default();
        if *packet.seq_no < *newest {
            self.seen.late += 1;
        }
        *newest = (*newest).max(*packet.seq_no);
        if let Some(stamp) = packet.payload.last_chunk::<8>() {
            let sent = self.start + Duration::from_nanos(u64::from_be_bytes(*stamp));
            self.seen.latencies.push(now.saturating_duration_since(sent).as_micros() as u32);
        }
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().expect("output") {
                Output::Timeout(at) => {
                    self.timeout = at;
                    return;
                }
                Output::Transmit(transmit) => {
                    let _ = self.socket.send_to(&transmit.contents, transmit.destination);
                }
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(Event::KeyframeRequest(_)) => self.key_wanted = true,
                Output::Event(_) => {}
            }
        }
    }
}

impl Sender for Client {
    fn socket(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    fn send_audio(&mut self) {
        self.write(0, vec![0x78; AUDIO_BYTES], 960, true);
    }

    fn send_frame(&mut self) {
        let (picture, key) = (self.sources[1].picture, std::mem::take(&mut self.key_wanted));
        self.sources[1].picture = (picture + 1) & 0x7fff;
        for n in 0..FRAME_PACKETS {
            let start = if n == 0 { 0x90 } else { 0x80 };
            let mut payload = vec![0x55; VIDEO_BYTES];
            payload[..7].copy_from_slice(&[start, 0xf0, 0x80 | (picture >> 8) as u8, picture as u8, picture as u8, 0x20, u8::from(!key)]);
            self.write(1, payload, if n == 0 { 3000 } else { 0 }, n + 1 == FRAME_PACKETS);
        }
    }

    fn receive(&mut self) {
        let (mut buffer, local) = ([0; 2000], self.socket.local_addr().expect("address"));
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            let (datagram, now) = (&buffer[..length], Instant::now());
            if matches!(datagram, [128..192, second, ..] if !(64..96).contains(&(second & 0x7f))) {
                let receipt = self.rtc.receive_rtp(now, datagram);
                self.timeout = receipt.due.map_or(self.timeout, |due| due.min(self.timeout));
                if let Some(packet) = receipt.packet {
                    self.take(&packet);
                }
            } else if let Ok(received) = Receive::new(Protocol::Udp, from, local, datagram) {
                let input = Input::Receive(now, received);
                if self.rtc.accepts(&input) {
                    self.rtc.handle_input(input).expect("the SFU sends nothing wrong");
                    self.drain();
                }
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        if self.timeout <= now {
            self.rtc.handle_input(Input::Timeout(now)).expect("time passes");
            self.drain();
        }
    }
}
