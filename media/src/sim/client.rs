//! A browser of sorts: publishes a voice and a simulcast camera, decodes what it receives, and asks for key frames when it can't.

use crate::{Kind, MediaLine, Mid, Rid};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, Ssrc};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// Of one camera frame, as browsers send them.
const PACKET: usize = 1_100;
const FRAME: Duration = Duration::from_micros(33_333);
const VOICE: Duration = Duration::from_millis(20);
const VOICE_BYTES: usize = 80;
/// A key frame is some five delta frames large.
const KEY_FRAME_TIMES: usize = 5;
/// A decoder that is stuck for this long asks for a key frame.
const STUCK: Duration = Duration::from_millis(300);

/// One encoding of a camera.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoding {
    pub(super) rid: Option<&'static str>,
    pub(super) size: (u16, u16),
    pub(super) bps: u64,
}

pub(super) const SIMULCAST: [Encoding; 3] = [
    Encoding { rid: Some("q"), size: (320, 180), bps: 150_000 },
    Encoding { rid: Some("h"), size: (640, 360), bps: 450_000 },
    Encoding { rid: Some("f"), size: (1280, 720), bps: 1_500_000 },
];

/// What a client sends and receives.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    pub(super) voice: bool,
    pub(super) camera: Vec<Encoding>,
    /// Slots of each kind.
    pub(super) slots: usize,
}

pub(super) struct Client {
    pub(super) address: SocketAddr,
    pub(super) rtc: Rtc,
    pub(super) connected: bool,
    pub(super) slots: Vec<MediaLine>,
    pub(super) sources: Vec<MediaLine>,
    pub(super) outgoing: Vec<Vec<u8>>,
    pub(super) screens: HashMap<Mid, Screen>,
    /// When audio came, by slot.
    pub(super) heard: HashMap<Mid, Vec<Instant>>,
    pub(super) ssrcs: HashMap<Mid, Ssrc>,
    pub(super) voices_sent: usize,
    pub(super) key_frames_asked: Vec<(Instant, Option<Rid>)>,
    shape: Shape,
    encoders: Vec<Encoder>,
    pending: Option<SdpPendingOffer>,
    voice_at: Instant,
    voice_sequence: u64,
    frame_at: Instant,
    timeout: Instant,
}

struct Encoder {
    encoding: Encoding,
    active: bool,
    key: bool,
    sequence: u64,
    timestamp: u32,
    picture: u16,
}

impl Client {
    pub(super) fn new(address: SocketAddr, shape: Shape, now: Instant) -> Self {
        let mut rtc = RtcConfig::new().set_rtp_mode(true).clear_codecs().enable_opus(true, false).enable_vp8(true).build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").expect("a candidate"));
        let encoder = |(n, &encoding): (usize, &Encoding)| Encoder {
            encoding,
            active: true,
            key: true,
            sequence: 65_000 + n as u64 * 100,
            timestamp: (n as u32).wrapping_mul(1_234_567_890),
            picture: 0x7f00 + n as u16,
        };
        Self {
            address,
            rtc,
            connected: false,
            slots: vec![],
            sources: vec![],
            outgoing: vec![],
            screens: HashMap::new(),
            heard: HashMap::new(),
            ssrcs: HashMap::new(),
            voices_sent: 0,
            key_frames_asked: vec![],
            encoders: shape.camera.iter().enumerate().map(encoder).collect(),
            shape,
            pending: None,
            voice_at: now,
            voice_sequence: 1,
            frame_at: now,
            timeout: now,
        }
    }

    pub(super) fn offer(&mut self) -> String {
        let mut api = self.rtc.sdp_api();
        if self.shape.voice {
            api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
        }
        if !self.shape.camera.is_empty() {
            let rids = self.shape.camera.iter().filter_map(|encoding| encoding.rid);
            let send: Vec<_> = rids.map(|rid| SimulcastLayer { rid: rid.into(), attributes: None }).collect();
            let simulcast = (!send.is_empty()).then_some(Simulcast { send, recv: vec![] });
            api.add_media(MediaKind::Video, Direction::SendOnly, None, None, simulcast);
        }
        for kind in [MediaKind::Audio, MediaKind::Video] {
            for _ in 0..self.shape.slots {
                api.add_media(kind, Direction::RecvOnly, None, None, None);
            }
        }
        let (offer, pending) = api.apply().expect("something to offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    pub(super) fn accept(&mut self, answer: &str, slots: &[MediaLine], sources: &[MediaLine]) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("SDP");
        self.rtc.sdp_api().accept_answer(self.pending.take().expect("an offer is out"), answer).expect("it fits");
        (self.slots, self.sources) = (slots.into(), sources.into());
    }

    pub(super) fn slot(&self, kind: Kind, n: usize) -> Mid {
        self.slots.iter().filter(|line| line.kind == kind).nth(n).expect("a slot").mid
    }

    pub(super) fn source(&self, kind: Kind) -> Mid {
        self.sources.iter().find(|line| line.kind == kind).expect("a source").mid
    }

    pub(super) fn screen(&self, n: usize) -> &Screen {
        &self.screens[&self.slot(Kind::Video, n)]
    }

    /// Does what the server told by its event on wanted layers.
    pub(super) fn send_only(&mut self, wanted: bool, active: &[Rid]) {
        for encoder in &mut self.encoders {
            let on = wanted && encoder.encoding.rid.is_none_or(|rid| active.contains(&rid.into()));
            encoder.key |= on && !encoder.active;
            encoder.active = on;
        }
    }

    pub(super) fn next(&self) -> Instant {
        let media = if self.connected { self.voice_at.min(self.frame_at) } else { self.timeout };
        self.timeout.min(media)
    }

    pub(super) fn receive(&mut self, from: SocketAddr, packet: &[u8], now: Instant) {
        let Ok(received) = Receive::new(Protocol::Udp, from, self.address, packet) else { return };
        let input = Input::Receive(now, received);
        if self.rtc.accepts(&input) {
            self.rtc.handle_input(input).expect("the server sends nothing wrong");
            self.drain(now);
        }
    }

    pub(super) fn advance(&mut self, now: Instant) {
        if self.connected {
            if self.voice_at <= now {
                self.voice_at += VOICE;
                self.speak(now);
            }
            if self.frame_at <= now {
                self.frame_at += FRAME;
                self.film(now);
            }
            self.complain(now);
        } else {
            (self.voice_at, self.frame_at) = (now, now);
        }
        self.rtc.handle_input(Input::Timeout(now)).expect("time passes");
        self.drain(now);
    }

    fn speak(&mut self, now: Instant) {
        if !self.shape.voice {
            return;
        }
        let (mid, pt) = (self.source(Kind::Audio), self.pt(Codec::Opus));
        let extra = ExtensionValues { audio_level: Some(-25), voice_activity: Some(true), ..Default::default() };
        let time = (self.voice_sequence as u32).wrapping_mul(960);
        let write = RtpWrite::new(pt, self.voice_sequence.into(), time, now, vec![0x78; VOICE_BYTES]).ext_vals(extra);
        self.rtc.direct_api().stream_tx_by_mid(mid, None).expect("declared").write_rtp(write);
        self.voice_sequence += 1;
        self.voices_sent += 1;
    }

    fn film(&mut self, now: Instant) {
        if self.encoders.is_empty() {
            return;
        }
        let (mid, pt) = (self.source(Kind::Video), self.pt(Codec::Vp8));
        for encoder in &mut self.encoders {
            encoder.timestamp = encoder.timestamp.wrapping_add(3_000);
            if !encoder.active {
                continue;
            }
            let key = std::mem::take(&mut encoder.key);
            let delta = (encoder.encoding.bps as f64 * FRAME.as_secs_f64() / 8.0) as usize;
            let mut left = if key { delta * KEY_FRAME_TIMES } else { delta };
            let mut first = true;
            let mut direct = self.rtc.direct_api();
            let stream = direct.stream_tx_by_mid(mid, encoder.encoding.rid.map(Into::into)).expect("declared");
            while left > 0 {
                let size = left.min(PACKET);
                left -= size;
                let payload = vp8(encoder.picture, encoder.encoding.size, key, first, size);
                let write = RtpWrite::new(pt, encoder.sequence.into(), encoder.timestamp, now, payload).marker(left == 0).nackable(true);
                stream.write_rtp(write);
                encoder.sequence += 1;
                first = false;
            }
            encoder.picture = (encoder.picture + 1) & 0x7fff;
        }
    }

    fn pt(&self, codec: Codec) -> str0m::media::Pt {
        self.rtc.codec_config().find(|params| params.spec().codec == codec).expect("negotiated").pt()
    }

    /// Asks for key frames where a picture is stuck.
    fn complain(&mut self, now: Instant) {
        for (mid, screen) in &mut self.screens {
            if screen.is_stuck(now) {
                screen.asked = Some(now);
                let mut direct = self.rtc.direct_api();
                direct.stream_rx_by_mid(*mid, None).expect("receiving").request_keyframe(KeyframeRequestKind::Pli);
            }
        }
    }

    fn drain(&mut self, now: Instant) {
        loop {
            match self.rtc.poll_output().expect("output") {
                Output::Timeout(at) => {
                    self.timeout = at;
                    return;
                }
                Output::Transmit(transmit) => self.outgoing.push(transmit.contents.to_vec()),
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(Event::KeyframeRequest(request)) => {
                    self.key_frames_asked.push((now, request.rid));
                    let asked = |encoder: &&mut Encoder| encoder.encoding.rid.map(Rid::from) == request.rid;
                    self.encoders.iter_mut().filter(asked).for_each(|encoder| encoder.key = true);
                }
                Output::Event(Event::RtpPacket(packet)) => self.take(packet, now),
                Output::Event(_) => {}
            }
        }
    }

    fn take(&mut self, packet: RtpPacket, now: Instant) {
        let ssrc = packet.header.ssrc;
        let mid = self.rtc.direct_api().stream_rx(&ssrc).expect("a stream").mid();
        self.ssrcs.insert(mid, ssrc);
        match self.slots.iter().find(|line| line.mid == mid).map(|line| line.kind) {
            Some(Kind::Audio) => self.heard.entry(mid).or_default().push(now),
            Some(Kind::Video) => self.screens.entry(mid).or_default().take(&packet, now),
            None => {}
        }
    }
}

fn vp8(picture: u16, size: (u16, u16), key: bool, first: bool, bytes: usize) -> Vec<u8> {
    let start = if first { 0x10 } else { 0 };
    let mut payload = vec![0x80 | start, 0xf0, 0x80 | (picture >> 8) as u8, picture as u8, picture as u8, 0x20 | (picture as u8 & 0x1f)];
    if first {
        payload.extend([u8::from(!key), 0, 0]);
        if key {
            payload.extend([0x9d, 0x01, 0x2a]);
            payload.extend(size.0.to_le_bytes());
            payload.extend(size.1.to_le_bytes());
        }
    }
    payload.resize(bytes.max(payload.len()), 0x55);
    payload
}

/// A decoder that shows a frame once it and all before it are whole, or a key frame once it is.
#[derive(Default)]
pub(super) struct Screen {
    /// When a frame was shown, and its size.
    pub(super) shown: Vec<(Instant, (u16, u16))>,
    pub(super) bytes: usize,
    packets: BTreeMap<u64, Piece>,
    next: Option<u64>,
    size: (u16, u16),
    last_packet: Option<Instant>,
    asked: Option<Instant>,
    last_timestamp: Option<u32>,
}

/// A frame of which everything is there.
struct Whole {
    /// The number of its last packet.
    end: u64,
    key_size: Option<(u16, u16)>,
    timestamp: u32,
}

struct Piece {
    last: bool,
    timestamp: u32,
    key_size: Option<(u16, u16)>,
}

impl Screen {
    fn take(&mut self, packet: &RtpPacket, now: Instant) {
        self.bytes += packet.payload.len();
        self.last_packet = Some(now);
        let sequence = *packet.seq_no;
        if self.next.is_some_and(|next| sequence < next) {
            return;
        }
        let descriptor = crate::payload::vp8(Codec::Vp8, &packet.payload);
        let frame = crate::payload::frame(Codec::Vp8, &packet.payload, descriptor.as_ref());
        let key_size = frame.starts_decoding.then(|| frame.size.expect("a key frame tells"));
        self.packets.insert(sequence, Piece { last: packet.header.marker, timestamp: packet.header.timestamp, key_size });
        while let Some(Whole { end, key_size, timestamp }) = self.whole() {
            self.packets = self.packets.split_off(&(end + 1));
            self.next = Some(end + 1);
            self.size = key_size.unwrap_or(self.size);
            if let Some(last) = self.last_timestamp {
                assert!(timestamp.wrapping_sub(last).cast_signed() > 0, "frames are shown in the order of their time");
            }
            self.last_timestamp = Some(timestamp);
            self.shown.push((now, self.size));
        }
    }

    /// The end of the next frame that can be shown: the one behind the last, or a whole key frame further on.
    fn whole(&self) -> Option<Whole> {
        let keys = self.packets.iter().filter(|(_, piece)| piece.key_size.is_some()).map(|(&sequence, _)| sequence);
        self.next.into_iter().chain(keys).find_map(|start| {
            let first = self.packets.get(&start)?;
            let run = self.packets.range(start..).zip(start..).take_while(|((sequence, _), expected)| *sequence == expected);
            let end = run.map(|((&sequence, piece), _)| (sequence, piece)).take_while(|(_, piece)| piece.timestamp == first.timestamp);
            let (end, _) = end.into_iter().find(|(_, piece)| piece.last)?;
            Some(Whole { end, key_size: first.key_size, timestamp: first.timestamp })
        })
    }

    fn is_stuck(&self, now: Instant) -> bool {
        let since = |at: Option<Instant>| at.map_or(Duration::MAX, |at| now.saturating_duration_since(at));
        let receiving = since(self.last_packet) < STUCK;
        receiving && since(self.shown.last().map(|(at, _)| *at)) > STUCK && since(self.asked) > STUCK
    }
}
