//! Clients for the tests: str0m on the other end of a real loopback socket, stepped by the test itself.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod flood;
mod stream;
pub mod stun;

use media::{Command, Config, Event, EventSink, Handle, Kind, Mid, PeerId, Room, TrackId, Workers};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::format::Codec;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Pt, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::rtp::rtcp::Rtcp;
use str0m::rtp::{ExtensionValues, RawPacket, RtpPacket, RtpWrite};
use str0m::{Candidate, Event as RtcEvent, Input, Output, Rtc, RtcConfig, RtcError};
pub use stream::Stream;

/// Longer than anything takes on a busy machine. Tests wait for events, never for this.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Whether a datagram is (S)RTP rather than STUN, DTLS or (S)RTCP (RFC 7983, RFC 5761).
pub fn is_rtp(datagram: &[u8]) -> bool {
    (128..192).contains(&datagram[0]) && !(64..96).contains(&(datagram[1] & 0x7f))
}

/// Whether a datagram is (S)RTCP.
pub fn is_rtcp(datagram: &[u8]) -> bool {
    (128..192).contains(&datagram[0]) && !is_rtp(datagram)
}

/// Picks datagrams.
pub type Filter = Box<dyn FnMut(&[u8]) -> bool>;

/// Media workers that stop with the test.
pub struct Sfu {
    pub handle: Handle,
    pub workers: Workers,
}

impl Sfu {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        let (handle, workers) = media::start(&config).expect("the SFU starts");
        Self { handle, workers }
    }

    pub fn call(&self) -> Call {
        let events = Arc::new(Recorder::default());
        Call { room: self.handle.open_room(Arc::clone(&events) as Arc<dyn EventSink>), events }
    }

    pub fn tcp_address(&self) -> SocketAddr {
        SocketAddr::new(self.address().ip(), self.handle.tcp_port().expect("a TCP port"))
    }

    pub fn address(&self) -> SocketAddr {
        self.handle.addresses()[0]
    }
}

#[derive(Default)]
pub struct Recorder(Mutex<Vec<Event>>);

impl EventSink for Recorder {
    fn event(&self, event: Event) {
        self.0.lock().expect("not poisoned").push(event);
    }
}

/// A room and what it said.
pub struct Call {
    pub room: Room,
    events: Arc<Recorder>,
}

impl Call {
    pub fn events(&self) -> Vec<Event> {
        self.events.0.lock().expect("not poisoned").clone()
    }

    pub fn command(&self, command: Command) {
        self.room.command(command).expect("the queue has room");
    }

    /// A client joins, but isn't connected yet. Its tracks are published under the ids `peer * 100 + n`.
    pub fn join(&self, peer: u64, client: &mut Client) {
        let offer = client.offer();
        self.join_with(peer, client, &offer);
    }

    /// The same with another text of the client's offer.
    pub fn join_with(&self, peer: u64, client: &mut Client, offer: &str) {
        let negotiated = self.room.negotiate(offer).expect("the offer is answered");
        client.accept(&negotiated.answer);
        client.take_lines(&negotiated.slots, &negotiated.sources);
        client.uncap_repair();
        client.drop_repair();
        let (negotiated, tag) = (Box::new(negotiated), format!("peer {peer}").into_bytes());
        self.command(Command::AddPeer { peer: PeerId(peer), negotiated, tag, data: !client.shape.without_data });
        for (n, &(mid, kind)) in client.sources.iter().enumerate() {
            self.command(Command::Publish { peer: PeerId(peer), mid, track: track(peer, n), kind });
        }
    }

    pub fn bind(&self, peer: u64, slot: Mid, track: Option<TrackId>) {
        self.command(Command::Bind { peer: PeerId(peer), slot, track });
    }

    /// Joins and connects all, numbered from 1.
    pub fn join_all(&self, clients: &mut [Client]) {
        for (n, client) in clients.iter_mut().enumerate() {
            self.join(n as u64 + 1, client);
        }
        let connected = step_until(clients, |clients| clients.iter().all(|client| client.connected));
        assert!(connected, "all clients connect");
    }
}

pub fn track(peer: u64, n: usize) -> TrackId {
    TrackId(peer * 100 + n as u64)
}

/// What a client offers to send and to receive, in this order of m-lines.
#[derive(Default, Clone)]
pub struct Shape {
    pub sends: Vec<Kind>,
    pub receives: Vec<Kind>,
    pub simulcast: bool,
    /// Payload types of the video codecs; VP8 at 96 and H264 when empty.
    pub video: Vec<(Codec, u8)>,
    /// Without RTX. str0m then stops sending the MID once its SSRC was reported, as browsers do with RTX too.
    pub without_repair: bool,
    /// Opens data channels with these labels; those that contain `lossy` are so.
    pub channels: Vec<&'static str>,
    /// May not send data.
    pub without_data: bool,
    /// Whether the client keeps the RTCP that it receives.
    pub reports: bool,
}

impl Shape {
    /// Sends audio and video, receives `peers` of each.
    pub fn both(peers: usize) -> Self {
        let receives = [Kind::Audio, Kind::Video].into_iter().flat_map(|kind| vec![kind; peers]).collect();
        Self { sends: vec![Kind::Audio, Kind::Video], receives, ..Self::default() }
    }
}

/// One RTP packet that a client received.
#[derive(Debug)]
pub struct Got {
    pub mid: Mid,
    pub packet: RtpPacket,
    pub at: Instant,
}

pub struct Client {
    pub rtc: Rtc,
    pub socket: UdpSocket,
    /// Where the client believes to be: its socket's address, unless a NAT moved it.
    pub local: SocketAddr,
    pub connected: bool,
    pub closed: bool,
    pub got: Vec<Got>,
    /// When the SFU asked for key frames.
    pub key_frames_wanted: Vec<Instant>,
    /// The RTCP that was received, if the shape says so.
    pub reports: Vec<(Instant, Rtcp)>,
    key_frames_sent: usize,
    pub slots: Vec<(Mid, Kind)>,
    pub sources: Vec<(Mid, Kind)>,
    /// The datagrams that were sent, newest last, if `keep_sent`.
    pub sent: Vec<Vec<u8>>,
    pub keep_sent: bool,
    /// Loses outgoing datagrams for which it is true.
    pub lose: Filter,
    /// Loses incoming datagrams for which it is true.
    pub lose_in: Filter,
    pub remote: Option<SocketAddr>,
    /// Instead of `socket`.
    pub stream: Option<Stream>,
    pub bytes_in: usize,
    /// The last answer of the SFU.
    pub answer: String,
    /// The open data channels, in the order of opening.
    pub channels: Vec<(ChannelId, String)>,
    /// Sends messages of any size, whatever the answer allows.
    pub ignore_message_size: bool,
    /// How many were closed.
    pub channels_closed: usize,
    /// Data messages by the label of their channel, in the order of arrival.
    pub data: Vec<(String, Vec<u8>)>,
    pending: Option<SdpPendingOffer>,
    shape: Shape,
    counts: HashMap<(Mid, Option<&'static str>), Sending>,
    timeout: Instant,
}

/// Numbers of one outgoing stream, started where bugs in rebasing would show.
#[derive(Debug, Clone, Copy)]
struct Sending {
    sequence: u64,
    timestamp: u32,
    picture: u16,
}

impl Client {
    pub fn new(shape: Shape) -> Self {
        let now = Instant::now();
        let mut config = RtcConfig::new().set_rtp_mode(true).clear_codecs().enable_opus(true, false);
        if shape.video.is_empty() {
            config = config.enable_vp8(true).enable_h264(true);
        }
        for (n, &(codec, pt)) in shape.video.iter().enumerate() {
            let format = match codec {
                Codec::H264 => str0m::format::FormatParams {
                    packetization_mode: Some(1),
                    profile_level_id: Some(0x42e01f),
                    level_asymmetry_allowed: Some(true),
                    ..Default::default()
                },
                _ => Default::default(),
            };
            let rtx = (!shape.without_repair).then(|| Pt::from(110 + n as u8 * 2 + 1));
            let clock = str0m::media::Frequency::NINETY_KHZ;
            config.codec_config().add_config(pt.into(), rtx, codec, clock, None, format);
        }
        let mut rtc = config.enable_raw_packets(shape.reports).build(now);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
        socket.set_nonblocking(true).expect("set");
        let local = socket.local_addr().expect("address");
        rtc.add_local_candidate(Candidate::host(local, "udp").expect("candidate"));
        Self {
            rtc,
            socket,
            local,
            connected: false,
            closed: false,
            got: vec![],
            key_frames_wanted: vec![],
            reports: vec![],
            key_frames_sent: 0,
            slots: vec![],
            sources: vec![],
            sent: vec![],
            keep_sent: false,
            lose: Box::new(|_| false),
            lose_in: Box::new(|_| false),
            remote: None,
            stream: None,
            bytes_in: 0,
            answer: String::new(),
            channels: vec![],
            ignore_message_size: false,
            channels_closed: 0,
            data: vec![],
            pending: None,
            shape,
            counts: HashMap::new(),
            timeout: now,
        }
    }

    /// A client whose network lets nothing but TCP through.
    pub fn over_tcp(shape: Shape, sfu: &Sfu) -> Self {
        let mut client = Self::new(shape);
        let stream = Stream::connect(sfu.tcp_address());
        let udp = Candidate::host(client.local, "udp").expect("candidate");
        client.rtc.direct_api().invalidate_candidate(&udp);
        client.local = stream.socket.local_addr().expect("address");
        let tcp = Candidate::builder().tcp().host(client.local).tcptype(TcpType::Active).build().expect("candidate");
        client.rtc.add_local_candidate(tcp);
        client.stream = Some(stream);
        client
    }

    pub fn offer(&mut self) -> String {
        let shape = self.shape.clone();
        self.offer_more(&shape)
    }

    /// Offers further m-lines.
    pub fn offer_more(&mut self, shape: &Shape) -> String {
        let mut api = self.rtc.sdp_api();
        for &kind in &shape.sends {
            let layers = shape.simulcast && kind == Kind::Video;
            let simulcast = layers.then(|| Simulcast {
                send: ["h", "l"].map(|rid| SimulcastLayer { rid: rid.into(), attributes: None }).into(),
                recv: vec![],
            });
            api.add_media(media_kind(kind), Direction::SendOnly, None, None, simulcast);
        }
        for &kind in &shape.receives {
            api.add_media(media_kind(kind), Direction::RecvOnly, None, None, None);
        }
        for &label in &shape.channels {
            let lossy = label.contains("lossy");
            let reliability = if lossy { Reliability::MaxRetransmits { retransmits: 0 } } else { Reliability::Reliable };
            api.add_channel_with_config(ChannelConfig { label: label.into(), ordered: !lossy, reliability, ..Default::default() });
        }
        let (offer, pending) = api.apply().expect("something to offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    /// From now on the client is seen from another port, and doesn't know. Returns its socket at the earlier one.
    pub fn move_behind_nat(&mut self) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
        socket.set_nonblocking(true).expect("set");
        std::mem::replace(&mut self.socket, socket)
    }

    /// The client's address is another one, and it knows. Returns its socket at the earlier one.
    pub fn change_address(&mut self) -> UdpSocket {
        let earlier = self.move_behind_nat();
        let old = Candidate::host(self.local, "udp").expect("candidate");
        self.rtc.direct_api().invalidate_candidate(&old);
        self.local = self.socket.local_addr().expect("address");
        self.rtc.add_local_candidate(Candidate::host(self.local, "udp").expect("candidate"));
        earlier
    }

    /// Offers new ICE credentials.
    pub fn offer_ice_restart(&mut self) -> String {
        let mut api = self.rtc.sdp_api();
        api.ice_restart(true);
        let (offer, pending) = api.apply().expect("something to offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    pub fn accept(&mut self, answer: &str) {
        self.answer = answer.to_owned();
        let answer =
            if self.ignore_message_size { answer.replace("max-message-size:16384", "max-message-size:262144") } else { answer.to_owned() };
        let no_udp = |line: &&str| self.stream.is_none() || !(line.starts_with("a=candidate:") && line.contains(" udp "));
        let answer: String = answer.lines().filter(no_udp).flat_map(|line| [line, "\r\n"]).collect();
        let answer = SdpAnswer::from_sdp_string(&answer).expect("the answer is SDP");
        let pending = self.pending.take().expect("an offer is out");
        self.rtc.sdp_api().accept_answer(pending, answer).expect("the answer fits");
    }

    /// Takes the m-lines that the SFU found in an offer.
    pub fn take_lines(&mut self, slots: &[media::MediaLine], sources: &[media::MediaLine]) {
        self.slots = slots.iter().map(|line| (line.mid, line.kind)).collect();
        self.sources = sources.iter().map(|line| (line.mid, line.kind)).collect();
    }

    /// Repeats all that it is asked for: str0m's default cap of 15 % would hide what the SFU does.
    fn uncap_repair(&mut self) {
        for (mid, _) in &self.sources {
            if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(*mid, None) {
                stream.set_rtx_cache(2000, Duration::from_secs(3), None);
            }
        }
    }

    /// Sends video under SSRCs that the offer didn't name, and without repair, if the shape says so.
    fn drop_repair(&mut self) {
        if !self.shape.without_repair {
            return;
        }
        let rids: &[Option<&str>] = if self.shape.simulcast { &[Some("h"), Some("l")] } else { &[None] };
        for (mid, _) in self.sources.iter().filter(|(_, kind)| *kind == Kind::Video) {
            for rid in rids {
                let mut direct = self.rtc.direct_api();
                let old = direct.stream_tx_by_mid(*mid, rid.map(Into::into)).expect("declared").ssrc();
                direct.remove_stream_tx(old);
                let ssrc = direct.new_ssrc();
                direct.declare_stream_tx(ssrc, None, *mid, rid.map(Into::into));
            }
        }
    }

    /// Goes on under another SSRC, with fresh numbers.
    pub fn change_ssrc(&mut self, kind: Kind) {
        let mid = self.source(kind);
        self.counts.remove(&(mid, None));
        let mut direct = self.rtc.direct_api();
        let old = direct.stream_tx_by_mid(mid, None).expect("declared").ssrc();
        direct.remove_stream_tx(old);
        let ssrc = direct.new_ssrc();
        direct.declare_stream_tx(ssrc, None, mid, None);
    }

    pub fn source(&self, kind: Kind) -> Mid {
        self.sources.iter().find(|(_, k)| *k == kind).expect("a source").0
    }

    pub fn slot(&self, kind: Kind, n: usize) -> Mid {
        self.slots.iter().filter(|(_, k)| *k == kind).nth(n).expect("a slot").0
    }

    /// Sends one audio packet with this level in dBov.
    pub fn send_audio(&mut self, level: i8) {
        self.send_voice(Some(level), &[0x78; 100]);
    }

    /// Sends one audio packet, with a level in dBov or without one.
    pub fn send_voice(&mut self, level: Option<i8>, payload: &[u8]) {
        let mid = self.source(Kind::Audio);
        let pt = self.pt(Codec::Opus);
        let extra = ExtensionValues { audio_level: level, voice_activity: level.map(|level| level > -50), ..Default::default() };
        self.write(mid, None, pt, 960, payload, extra, true);
        self.flush();
    }

    /// Sends one frame of one VP8 packet.
    pub fn send_video(&mut self, key: bool) {
        self.send_layer(None, key);
    }

    pub fn send_layer(&mut self, rid: Option<&'static str>, key: bool) {
        let mid = self.source(Kind::Video);
        let pt = self.pt(Codec::Vp8);
        let picture = self.counts.get(&(mid, rid)).map_or(FIRST_PICTURE, |sending| sending.picture);
        self.write(mid, rid, pt, 3000, &vp8_frame(picture, key), ExtensionValues::default(), true);
        self.flush();
    }

    /// What a talking client with a camera sends in 20 ms, as far as it has the sources.
    pub fn talk(&mut self) {
        if self.sources.iter().any(|(_, kind)| *kind == Kind::Audio) {
            self.send_audio(-30);
        }
        if self.sources.iter().any(|(_, kind)| *kind == Kind::Video) {
            let key = self.key_frames_wanted.len() > self.key_frames_sent;
            self.key_frames_sent = self.key_frames_wanted.len();
            self.send_video(key);
        }
    }

    /// Sends a VP8 frame in `packets` packets of `size` bytes.
    pub fn send_frame(&mut self, key: bool, packets: usize, size: usize) {
        let mid = self.source(Kind::Video);
        let pt = self.pt(Codec::Vp8);
        let picture = self.counts.get(&(mid, None)).map_or(FIRST_PICTURE, |sending| sending.picture);
        for n in 0..packets {
            let last = n + 1 == packets;
            let mut payload = vp8_frame(picture, key);
            payload.resize(size, 0x55);
            if n > 0 {
                payload[0] &= !0x10; // only the first packet starts a partition
            }
            self.write(mid, None, pt, if last { 3000 } else { 0 }, &payload, ExtensionValues::default(), last);
        }
        self.flush();
    }

    /// Sends any payload as video.
    pub fn send_video_payload(&mut self, codec: Codec, payload: &[u8]) {
        let mid = self.source(Kind::Video);
        let pt = self.pt(codec);
        self.write(mid, None, pt, 3000, payload, ExtensionValues::default(), true);
        self.flush();
    }

    pub fn pt(&self, codec: Codec) -> Pt {
        self.rtc.codec_config().find(|params| params.spec().codec == codec).expect("negotiated").pt()
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a packet")]
    fn write(&mut self, mid: Mid, rid: Option<&'static str>, pt: Pt, step: u32, payload: &[u8], extra: ExtensionValues, marker: bool) {
        // Not far below the wraps of sequence number and timestamp.
        let first = Sending { sequence: 65_500, timestamp: u32::MAX - 9_000, picture: FIRST_PICTURE };
        let sending = self.counts.entry((mid, rid)).or_insert(first);
        let Sending { sequence, timestamp, .. } = *sending;
        sending.sequence += 1;
        sending.timestamp = sending.timestamp.wrapping_add(step);
        if marker {
            sending.picture = (sending.picture + 1) & 0x7fff;
        }
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_tx_by_mid(mid, rid.map(Into::into)).expect("declared");
        stream.write_rtp(
            RtpWrite::new(pt, sequence.into(), timestamp, Instant::now(), payload.to_vec()).marker(marker).ext_vals(extra).nackable(true),
        );
    }

    /// Sends what was written.
    fn flush(&mut self) {
        self.timeout = Instant::now();
        self.step();
    }

    /// Opens one more data channel on a transport that has one already.
    pub fn open_channel(&mut self, label: &str) {
        self.rtc.direct_api().create_data_channel(ChannelConfig { label: label.into(), ..Default::default() });
        self.flush();
    }

    /// Opens a data channel on a stream of this number, without telling the other end.
    pub fn open_stream(&mut self, stream: u16) {
        let label = format!("stream {stream}");
        self.rtc.direct_api().create_data_channel(ChannelConfig { label, negotiated: Some(stream), ..Default::default() });
        self.flush();
    }

    /// Sends a data message; false when the own end had no place for it.
    pub fn send_data(&mut self, label: &str, message: &[u8]) -> bool {
        let Some(&(id, _)) = self.channels.iter().find(|(_, name)| name == label) else { return false };
        let sent = self.rtc.channel(id).is_some_and(|mut channel| channel.write(true, message).unwrap_or(false));
        self.flush();
        sent
    }

    /// The data messages of one channel.
    pub fn data_on(&self, label: &str) -> Vec<&[u8]> {
        self.data.iter().filter(|(name, _)| name == label).map(|(_, message)| &**message).collect()
    }

    /// Asks for a key frame on a slot.
    pub fn want_key_frame(&mut self, slot: Mid) {
        let mut direct = self.rtc.direct_api();
        direct.stream_rx_by_mid(slot, None).expect("receiving").request_keyframe(KeyframeRequestKind::Pli);
        self.timeout = Instant::now();
        self.step();
    }

    pub fn close(&mut self) {
        self.rtc.close().expect("closes");
        self.drain();
    }

    /// Receives what is there, lets time pass, sends what is due.
    pub fn step(&mut self) {
        let mut buffer = [0; 2000];
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, source)) => self.take(Protocol::Udp, source, &buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {}
            }
        }
        while let Some((source, packet)) = self.stream.as_mut().and_then(Stream::receive) {
            self.take(Protocol::Tcp, source, &packet);
        }
        let now = Instant::now();
        if self.timeout <= now {
            self.rtc.handle_input(Input::Timeout(now)).expect("time passes");
            self.drain();
        }
    }

    fn take(&mut self, protocol: Protocol, source: SocketAddr, contents: &[u8]) {
        self.bytes_in += contents.len();
        self.remote = Some(source);
        if (self.lose_in)(contents) {
            return;
        }
        let Ok(received) = Receive::new(protocol, source, self.local, contents) else { return };
        let input = Input::Receive(Instant::now(), received);
        if self.rtc.accepts(&input) {
            self.rtc.handle_input(input).expect("the SFU sends nothing wrong");
            self.drain();
        }
    }

    fn drain(&mut self) {
        loop {
            let output = match self.rtc.poll_output() {
                // What was still to be written can't be once the other end has closed.
                Err(RtcError::Dtls(_)) => {
                    self.closed = true;
                    return;
                }
                output => output.expect("output"),
            };
            match output {
                Output::Timeout(at) => {
                    self.timeout = at;
                    return;
                }
                Output::Transmit(transmit) => {
                    if self.keep_sent {
                        self.sent.push(transmit.contents.to_vec());
                    }
                    if !(self.lose)(&transmit.contents) {
                        if let Some(stream) = &mut self.stream {
                            stream.send(&transmit.contents);
                            continue;
                        }
                        // A full buffer is loss like any other.
                        let _ = self.socket.send_to(&transmit.contents, transmit.destination);
                    }
                }
                Output::Event(RtcEvent::Connected) => self.connected = true,
                Output::Event(RtcEvent::Closed) => self.closed = true,
                Output::Event(RtcEvent::KeyframeRequest(_)) => self.key_frames_wanted.push(Instant::now()),
                Output::Event(RtcEvent::ChannelOpen(id, label)) => self.channels.push((id, label)),
                Output::Event(RtcEvent::ChannelClose(id)) => {
                    self.channels.retain(|(open, _)| *open != id);
                    self.channels_closed += 1;
                }
                Output::Event(RtcEvent::ChannelData(data)) => {
                    let label = self.channels.iter().find(|(id, _)| *id == data.id).map(|(_, label)| label.clone());
                    self.data.push((label.unwrap_or_default(), data.data));
                }
                Output::Event(RtcEvent::RawPacket(raw)) => {
                    if let RawPacket::RtcpRx(report) = *raw {
                        self.reports.push((Instant::now(), report));
                    }
                }
                Output::Event(RtcEvent::RtpPacket(packet)) => {
                    let mut direct = self.rtc.direct_api();
                    let mid = direct.stream_rx(&packet.header.ssrc).expect("a stream").mid();
                    self.got.push(Got { mid, packet, at: Instant::now() });
                }
                Output::Event(_) => {}
            }
        }
    }

    pub fn got_on(&self, mid: Mid) -> impl Iterator<Item = &RtpPacket> {
        self.got.iter().filter(move |got| got.mid == mid).map(|got| &got.packet)
    }
}

/// Repeatable noise (xorshift).
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as usize
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.next() % limit.max(1)
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

const FIRST_PICTURE: u16 = 0x7ff0;

/// One packet of one VP8 frame with picture id, tl0 and key index; `picture` counts frames.
pub fn vp8_frame(picture: u16, key: bool) -> Vec<u8> {
    let mut payload = vec![0x90, 0xf0, 0x80 | (picture >> 8) as u8, picture as u8, picture as u8, 0x20, u8::from(!key)];
    payload.resize(600, 0x55);
    payload
}

fn media_kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
    }
}

/// Steps all clients until `done`, or says false after [`LIMIT`].
pub fn step_until(clients: &mut [Client], mut done: impl FnMut(&mut [Client]) -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        for client in clients.iter_mut() {
            client.step();
        }
        if done(clients) {
            return true;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    false
}

/// Lets `time` pass for all clients, calling `act` every 20 ms with the number of the turn.
pub fn step_for(clients: &mut [Client], time: Duration, mut act: impl FnMut(&mut [Client], u64)) {
    let (start, mut turn) = (Instant::now(), 0);
    while start.elapsed() < time {
        if start.elapsed() >= Duration::from_millis(20) * turn as u32 {
            act(clients, turn);
            turn += 1;
        }
        for client in clients.iter_mut() {
            client.step();
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// Two clients that receive each other's audio and video.
pub fn pair(sfu: &Sfu) -> (Call, Vec<Client>) {
    pair_of(sfu, &Shape::both(1))
}

pub fn pair_of(sfu: &Sfu, shape: &Shape) -> (Call, Vec<Client>) {
    let call = sfu.call();
    let mut clients = vec![Client::new(shape.clone()), Client::new(shape.clone())];
    call.join_all(&mut clients);
    for (n, kind) in [Kind::Audio, Kind::Video].into_iter().enumerate() {
        call.bind(1, clients[0].slot(kind, 0), Some(track(2, n)));
        call.bind(2, clients[1].slot(kind, 0), Some(track(1, n)));
    }
    (call, clients)
}

/// Sends audio and video from all every 20 ms until `done`; a key frame whenever the SFU asked for one.
pub fn talk_until(clients: &mut [Client], mut done: impl FnMut(&mut [Client]) -> bool) -> bool {
    let start = Instant::now();
    let mut turn = 0;
    step_until(clients, |clients| {
        if start.elapsed() >= Duration::from_millis(20) * turn {
            turn += 1;
            clients.iter_mut().for_each(Client::talk);
        }
        done(clients)
    })
}

/// Talks until each client got `more` further packets on each of its slots.
pub fn talk_all(clients: &mut [Client], more: usize) {
    let counts = |client: &Client| client.slots.iter().map(|(mid, _)| client.got_on(*mid).count()).collect::<Vec<_>>();
    let before: Vec<_> = clients.iter().map(counts).collect();
    let grew = |now: Vec<usize>, before: &Vec<usize>| now.iter().zip(before).all(|(now, before)| *now >= before + more);
    let done = |clients: &mut [Client]| clients.iter().zip(&before).all(|(client, before)| grew(counts(client), before));
    assert!(talk_until(clients, done), "media flows; got {:?} after {before:?}", clients.iter().map(counts).collect::<Vec<_>>());
}

/// Waits for an event of a call while the clients go on.
pub fn wait_event(call: &Call, clients: &mut [Client], wanted: impl Fn(&Event) -> bool) -> bool {
    step_until(clients, |_| call.events().iter().any(&wanted))
}

/// Sequence numbers rise without a repeat, and time doesn't go back.
pub fn assert_continuous<'a>(packets: impl Iterator<Item = &'a RtpPacket>) {
    let packets: Vec<_> = packets.collect();
    for pair in packets.windows(2) {
        assert!(*pair[1].seq_no > *pair[0].seq_no, "{} after {}", pair[1].seq_no, pair[0].seq_no);
        assert!(pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp) < 1 << 31);
    }
}
