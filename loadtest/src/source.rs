//! Synthetic media: Opus and VP8 packets that an SFU can't tell from a camera's, with nothing decodable in them.
//!
//! Pure: time comes in as an argument, packets go out, nothing is sent here. Each payload ends in a [`Stamp`], which tells the
//! receiver who made the packet, which one it is, of which frame, and when it left; it sits at the end because an SFU may change the
//! length of the VP8 descriptor at the front.

use crate::scenario::{PACKET_BYTES_MIN, Video};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use rtc::rtp;

/// Of the Opus m-lines of the offer. The offerer's numbers hold for both directions.
pub const OPUS_PAYLOAD_TYPE: u8 = 111;
/// Of the VP8 m-lines of the offer.
pub const VP8_PAYLOAD_TYPE: u8 = 96;
/// RTP clock of Opus, in Hz.
pub const OPUS_CLOCK: u32 = 48_000;
/// RTP clock of VP8, in Hz.
pub const VP8_CLOCK: u32 = 90_000;
/// One Opus frame of 20 ms, CELT full band, mono (RFC 6716, 3.1).
const OPUS_TOC: u8 = 31 << 3;
/// dBov, negated, as RFC 6464 has it.
const SPEAKING: AudioLevel = AudioLevel { level: 25, voice: true };
const SILENT: AudioLevel = AudioLevel { level: 127, voice: false };

/// The audio-level header extension of one packet (RFC 6464).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioLevel {
    /// 0 loudest, 127 silent, in -dBov.
    pub level: u8,
    pub voice: bool,
}

impl AudioLevel {
    /// The extension's one byte.
    pub fn to_byte(self) -> u8 {
        (u8::from(self.voice) << 7) | (self.level & 0x7f)
    }
}

/// Who makes packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The headless user.
    pub user: u32,
    /// Which of that user's peers, from 0: a user that comes back counts its packets from 0 again.
    pub take: u16,
}

/// The origin of a packet, at the end of its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub origin: Origin,
    /// Of a camera's simulcast layers, from the smallest; 0 for everything else.
    pub layer: u8,
    /// From 0 on, contiguous per origin, kind and layer.
    pub number: u32,
    /// From 0 on, contiguous per origin, kind and layer.
    pub frame: u32,
    /// Packets of this frame.
    pub frame_packets: u16,
    /// Microseconds since the run's start.
    pub sent_us: u64,
}

impl Stamp {
    /// Bytes on the wire.
    pub const LEN: usize = 29;
    const MAGIC: u32 = 0x7a7a_4c55;

    fn put(self, payload: &mut BytesMut) {
        payload.put_u32(Self::MAGIC);
        payload.put_u32(self.origin.user);
        payload.put_u16(self.origin.take);
        payload.put_u8(self.layer);
        payload.put_u32(self.number);
        payload.put_u32(self.frame);
        payload.put_u16(self.frame_packets);
        payload.put_u64(self.sent_us);
    }

    /// Reads the stamp off the end of a payload; `None` for a packet that no source here made.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut tail: &[u8] = payload.last_chunk::<{ Self::LEN }>()?;
        (tail.get_u32() == Self::MAGIC).then(|| Self {
            origin: Origin { user: tail.get_u32(), take: tail.get_u16() },
            layer: tail.get_u8(),
            number: tail.get_u32(),
            frame: tail.get_u32(),
            frame_packets: tail.get_u16(),
            sent_us: tail.get_u64(),
        })
    }
}

/// Whose turn to speak it is in a room, so that finding the active speakers has work: a second each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turns {
    /// The speaker's place in its room, from 0.
    pub seat: u32,
    /// People in the room.
    pub people: u32,
    /// Of them, those who speak at the same time.
    pub speaking: u32,
}

impl Turns {
    /// Whether it is this seat's turn in this second.
    fn speaks(self, second: u32) -> bool {
        let people = self.people.max(1);
        let first = second.wrapping_mul(self.speaking) % people;
        (self.seat % people + people - first) % people < self.speaking
    }
}

/// How a source sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Packets a second, 1 or more.
    pub pps: u32,
    /// RTP payload of each packet; at least [`PACKET_BYTES_MIN`].
    pub bytes: u32,
}

/// One encoding of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// The simulcast layer's name; empty for a camera without layers.
    pub rid: &'static str,
    pub shape: Shape,
    /// In pixels, as its key frames say.
    pub size: (u16, u16),
}

impl Encoding {
    /// What a camera of this scenario sends, from the smallest layer to the largest: one encoding, or the three layers `q`, `h` and `f`
    /// with a tenth, a third and all of the bitrate, as browsers divide it. A layer has at least one packet in each frame; a small layer
    /// has smaller packets instead.
    pub fn of(video: &Video) -> Vec<Self> {
        let whole = Shape { pps: video.pps.max(video.fps), bytes: video.bytes };
        if !video.simulcast {
            return vec![Self { rid: "", shape: whole, size: (640, 360) }];
        }
        let share = |of: u32| {
            let bytes_a_second = u64::from(whole.pps) * u64::from(whole.bytes) / u64::from(of);
            let pps = (whole.pps / of).max(video.fps);
            let bytes = (bytes_a_second / u64::from(pps)).clamp(PACKET_BYTES_MIN, u64::from(whole.bytes));
            Shape { pps, bytes: u32::try_from(bytes).unwrap_or(whole.bytes) }
        };
        vec![
            Self { rid: "q", shape: share(10), size: (320, 180) },
            Self { rid: "h", shape: share(3), size: (640, 360) },
            Self { rid: "f", shape: whole, size: (1_280, 720) },
        ]
    }
}

/// A microphone.
#[derive(Debug)]
pub struct AudioSource {
    origin: Origin,
    ssrc: u32,
    shape: Shape,
    turns: Turns,
    number: u32,
}

impl AudioSource {
    pub fn new(origin: Origin, ssrc: u32, shape: Shape, turns: Turns) -> Self {
        Self { origin, ssrc, shape, turns, number: 0 }
    }

    /// The next packet and its level.
    pub fn next(&mut self, sent_us: u64) -> (rtp::Packet, AudioLevel) {
        let number = self.number;
        self.number = number.wrapping_add(1);
        let length = self.shape.bytes as usize;
        let mut payload = BytesMut::with_capacity(length);
        payload.put_u8(OPUS_TOC);
        fill(&mut payload, length.saturating_sub(Stamp::LEN), number);
        Stamp { origin: self.origin, layer: 0, number, frame: number, frame_packets: 1, sent_us }.put(&mut payload);
        let level = if self.turns.speaks(number / self.shape.pps.max(1)) { SPEAKING } else { SILENT };
        let header = rtp::Header {
            version: 2,
            // The first packet of a talk spurt (RFC 3551, 4.1).
            marker: number == 0,
            payload_type: OPUS_PAYLOAD_TYPE,
            sequence_number: low_16(number),
            timestamp: number.wrapping_mul(OPUS_CLOCK / self.shape.pps.max(1)),
            ssrc: self.ssrc,
            ..Default::default()
        };
        (rtp::Packet { header, payload: payload.freeze() }, level)
    }
}

/// Whether the next frame may refer to earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    Key,
    Delta,
}

/// One encoding of a camera.
#[derive(Debug)]
pub struct VideoSource {
    origin: Origin,
    ssrc: u32,
    layer: u8,
    encoding: Encoding,
    fps: u32,
    /// Packets sent, over all frames.
    number: u32,
    frame: u32,
    key_frame: u8,
}

impl VideoSource {
    /// `layer` is the encoding's place from the smallest; its packets are spread over `fps` frames of at least one packet.
    pub fn new(origin: Origin, ssrc: u32, layer: u8, encoding: Encoding, fps: u32) -> Self {
        Self { origin, ssrc, layer, encoding, fps: fps.max(1), number: 0, frame: 0, key_frame: 0 }
    }

    /// Its simulcast layer's name; empty without layers.
    pub fn rid(&self) -> &'static str {
        self.encoding.rid
    }

    /// The packets of the next frame; the first frame is a key frame whatever is asked.
    pub fn next(&mut self, sent_us: u64, kind: FrameKind) -> Vec<rtp::Packet> {
        let kind = if self.frame == 0 { FrameKind::Key } else { kind };
        if kind == FrameKind::Key {
            self.key_frame = self.key_frame.wrapping_add(1) & 0x1f;
        }
        let count = self.packets_of(self.frame);
        let packets = (0..count).map(|index| self.packet(sent_us, kind, index, count)).collect();
        self.frame = self.frame.wrapping_add(1);
        packets
    }

    /// A fraction of a packet per frame is carried into the next, so that a second has `pps` packets.
    fn packets_of(&self, frame: u32) -> u32 {
        let until = |frame: u32| u64::from(frame) * u64::from(self.encoding.shape.pps) / u64::from(self.fps);
        let phase = frame % self.fps;
        u32::try_from(until(phase + 1) - until(phase)).unwrap_or(u32::MAX).max(1)
    }

    fn packet(&mut self, sent_us: u64, kind: FrameKind, index: u32, count: u32) -> rtp::Packet {
        let number = self.number;
        self.number = number.wrapping_add(1);
        let length = self.encoding.shape.bytes as usize;
        let mut payload = BytesMut::with_capacity(length);
        let descriptor = Vp8Descriptor {
            starts_frame: index == 0,
            picture_id: low_16(self.frame) & 0x7fff,
            tl0_picture: low_8(self.frame),
            key_index: self.key_frame,
        };
        descriptor.put(&mut payload);
        if index == 0 {
            put_frame_header(&mut payload, kind, self.encoding.size);
        }
        fill(&mut payload, length.saturating_sub(Stamp::LEN), number);
        let frame_packets = u16::try_from(count).unwrap_or(u16::MAX);
        Stamp { origin: self.origin, layer: self.layer, number, frame: self.frame, frame_packets, sent_us }.put(&mut payload);
        let header = rtp::Header {
            version: 2,
            marker: index + 1 == count,
            payload_type: VP8_PAYLOAD_TYPE,
            sequence_number: low_16(number),
            timestamp: self.frame.wrapping_mul(VP8_CLOCK / self.fps),
            ssrc: self.ssrc,
            ..Default::default()
        };
        rtp::Packet { header, payload: payload.freeze() }
    }
}

/// The VP8 payload descriptor with all its optional fields (RFC 7741, 4.2), as a browser sends it with temporal layers on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Vp8Descriptor {
    starts_frame: bool,
    /// 15 bits.
    picture_id: u16,
    tl0_picture: u8,
    /// 5 bits.
    key_index: u8,
}

impl Vp8Descriptor {
    fn put(self, payload: &mut BytesMut) {
        payload.put_u8(0x80 | (u8::from(self.starts_frame) << 4));
        payload.put_u8(0xf0);
        payload.put_u16(0x8000 | self.picture_id);
        payload.put_u8(self.tl0_picture);
        payload.put_u8(self.key_index);
    }
}

/// The frame tag, and the start code and size of a key frame (RFC 6386, 9.1).
fn put_frame_header(payload: &mut BytesMut, kind: FrameKind, (width, height): (u16, u16)) {
    const SHOW: u8 = 1 << 4;
    const FIRST_PARTITION_LEN: u16 = 200;
    let inter = u8::from(kind == FrameKind::Delta);
    payload.put_u8(inter | SHOW | (low_8(u32::from(FIRST_PARTITION_LEN)) << 5));
    payload.put_u16_le(FIRST_PARTITION_LEN >> 3);
    if kind == FrameKind::Key {
        payload.put_slice(&[0x9d, 0x01, 0x2a]);
        payload.put_u16_le(width);
        payload.put_u16_le(height);
    }
}

/// Whether a received VP8 payload begins a key frame; false for anything malformed.
pub fn begins_key_frame(payload: &Bytes) -> bool {
    vp8_frame_start(payload).and_then(<[u8]>::first).is_some_and(|tag| tag & 1 == 0)
}

/// The VP8 frame behind the descriptor, when this packet holds its beginning.
fn vp8_frame_start(payload: &[u8]) -> Option<&[u8]> {
    let (&required, mut rest) = payload.split_first()?;
    if required & 0x10 == 0 || required & 0x07 != 0 {
        return None;
    }
    if required & 0x80 != 0 {
        let (&extension, after) = rest.split_first()?;
        rest = after;
        if extension & 0x80 != 0 {
            let long = rest.first()? & 0x80 != 0;
            rest = rest.get(1 + usize::from(long)..)?;
        }
        if extension & 0x40 != 0 {
            rest = rest.get(1..)?;
        }
        if extension & 0x30 != 0 {
            rest = rest.get(1..)?;
        }
    }
    Some(rest)
}

/// Pads to `len` with bytes that differ from packet to packet, so that nothing on the way can compress or confuse them.
fn fill(payload: &mut BytesMut, len: usize, number: u32) {
    let mut state = number.wrapping_mul(0x9e37_79b9) | 1;
    while payload.len() < len {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let bytes = state.to_be_bytes();
        payload.put_slice(&bytes[..bytes.len().min(len - payload.len())]);
    }
}

fn low_16(value: u32) -> u16 {
    (value & 0xffff) as u16
}

fn low_8(value: u32) -> u8 {
    (value & 0xff) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    const ME: Origin = Origin { user: 3, take: 0 };

    fn audio(user: u32) -> AudioSource {
        AudioSource::new(Origin { user, take: 0 }, 77, Shape { pps: 50, bytes: 100 }, Turns { seat: user, people: 4, speaking: 1 })
    }

    fn video(pps: u32) -> VideoSource {
        let encoding = Encoding { rid: "", shape: Shape { pps, bytes: 1_100 }, size: (640, 360) };
        VideoSource::new(ME, 1, 0, encoding, FPS)
    }

    const FPS: u32 = 30;

    #[test]
    fn audio_packets_follow_each_other_without_a_gap() {
        let mut source = audio(3);
        let packets: Vec<_> = (0..70_000).map(|now| source.next(now).0).collect();
        for (packet, next) in packets.iter().zip(&packets[1..]) {
            assert_eq!(next.header.sequence_number, packet.header.sequence_number.wrapping_add(1));
            assert_eq!(next.header.timestamp.wrapping_sub(packet.header.timestamp), 960);
            assert_eq!((packet.header.ssrc, packet.payload.len(), packet.payload[0]), (77, 100, 0xf8));
        }
    }

    #[test]
    fn people_speak_in_turns() {
        let mut first = audio(0);
        let mut second = audio(1);
        for packet in 0..200 {
            let (_, one) = first.next(0);
            let (_, two) = second.next(0);
            assert_eq!(one.voice, packet < 50);
            assert_eq!(two.voice, (50..100).contains(&packet));
        }
        assert_eq!(SPEAKING.to_byte(), 0x80 | 25);
        assert_eq!(SILENT.to_byte(), 127);
    }

    #[test]
    fn as_many_speak_at_a_time_as_asked_and_everybody_gets_a_turn() {
        for (people, speaking) in [(4, 1), (25, 3), (2, 2), (50, 1), (3, 5)] {
            let speakers = |second| (0..people).filter(move |&seat| Turns { seat, people, speaking }.speaks(second));
            assert!((0..1_000).all(|second| speakers(second).count() as u32 == speaking.min(people)), "{people} {speaking}");
            let heard: std::collections::BTreeSet<u32> = (0..people).flat_map(speakers).collect();
            assert_eq!(heard.len() as u32, people, "{people} {speaking}");
        }
    }

    #[test]
    fn a_second_of_video_has_the_packets_that_were_asked_for() {
        for pps in [30, 31, 170, 500] {
            let mut source = video(pps);
            let packets: usize = (0..FPS).map(|_| source.next(0, FrameKind::Delta).len()).sum();
            assert_eq!(packets, pps as usize);
        }
    }

    #[test]
    fn a_frame_has_at_least_one_packet() {
        let mut source = video(0);
        assert_eq!(source.next(0, FrameKind::Delta).len(), 1);
    }

    #[test]
    fn video_packets_follow_each_other_and_share_a_timestamp_per_frame() {
        let mut source = video(170);
        let mut sequence = 0u16;
        for frame in 0u32..20_000 {
            let packets = source.next(0, FrameKind::Delta);
            let last = packets.len() - 1;
            for (index, packet) in packets.iter().enumerate() {
                assert_eq!(packet.header.sequence_number, sequence);
                assert_eq!(packet.header.timestamp, frame.wrapping_mul(3_000));
                assert_eq!(packet.header.marker, index == last);
                assert_eq!(packet.payload.len(), 1_100);
                sequence = sequence.wrapping_add(1);
            }
        }
    }

    #[test]
    fn the_first_frame_is_a_key_frame_and_later_ones_on_request() {
        let mut source = video(90);
        let kinds = [FrameKind::Delta, FrameKind::Delta, FrameKind::Key, FrameKind::Delta];
        let keys: Vec<bool> = kinds.into_iter().map(|kind| begins_key_frame(&source.next(0, kind)[0].payload)).collect();
        assert_eq!(keys, [true, false, true, false]);
        assert!(!begins_key_frame(&source.next(0, FrameKind::Key)[1].payload), "only the first packet begins the frame");
    }

    #[test]
    fn the_descriptor_counts_pictures_and_key_frames() {
        let mut source = video(30);
        let descriptor = |packet: &rtp::Packet| packet.payload[..6].to_vec();
        assert_eq!(descriptor(&source.next(0, FrameKind::Delta)[0]), [0x90, 0xf0, 0x80, 0, 0, 1]);
        assert_eq!(descriptor(&source.next(0, FrameKind::Delta)[0]), [0x90, 0xf0, 0x80, 1, 1, 1]);
        assert_eq!(descriptor(&source.next(0, FrameKind::Key)[0]), [0x90, 0xf0, 0x80, 2, 2, 2]);
        for _ in 3..0x8000 {
            source.next(0, FrameKind::Delta);
        }
        assert_eq!(descriptor(&source.next(0, FrameKind::Delta)[0]), [0x90, 0xf0, 0x80, 0, 0, 2], "15 bits, then from 0 again");
    }

    #[test]
    fn a_key_frame_shows_its_start_code_and_size() {
        let mut source = video(30);
        let packet = &source.next(0, FrameKind::Key)[0];
        let frame = &packet.payload[6..];
        let tag = u32::from(frame[0]) | u32::from(frame[1]) << 8 | u32::from(frame[2]) << 16;
        assert_eq!((tag & 1, (tag >> 1) & 7, (tag >> 4) & 1, tag >> 5), (0, 0, 1, 200));
        assert_eq!(frame[3..10], [0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01]);
    }

    #[test]
    fn the_stamp_survives_and_foreign_payloads_have_none() {
        let mut source = audio(9);
        source.next(1);
        let (packet, _) = source.next(123_456_789);
        let origin = Origin { user: 9, take: 0 };
        let stamp = Stamp { origin, layer: 0, number: 1, frame: 1, frame_packets: 1, sent_us: 123_456_789 };
        assert_eq!(Stamp::read(&packet.payload), Some(stamp));
        assert_eq!(Stamp::read(&packet.payload[..99]), None);
        assert_eq!(Stamp::read(&[]), None);
        assert_eq!(Stamp::read(&[0; 200]), None);
    }

    #[test]
    fn a_frames_packets_say_how_many_they_are() {
        let mut source = video(100);
        for frame in 0..60 {
            let packets = source.next(0, FrameKind::Delta);
            let stamps: Vec<_> = packets.iter().map(|packet| Stamp::read(&packet.payload).unwrap()).collect();
            assert!(stamps.iter().all(|stamp| stamp.frame == frame && usize::from(stamp.frame_packets) == packets.len()), "{stamps:?}");
        }
    }

    #[test]
    fn three_layers_have_a_tenth_a_third_and_all_of_the_bitrate() {
        let video = Video { simulcast: true, ..Scenario::default().video };
        let layers = Encoding::of(&video);
        assert_eq!(layers.iter().map(|layer| layer.rid).collect::<Vec<_>>(), ["q", "h", "f"]);
        let whole = f64::from(video.pps * video.bytes);
        for (layer, share) in layers.iter().zip([0.1, 1.0 / 3.0, 1.0]) {
            let rate = f64::from(layer.shape.pps * layer.shape.bytes);
            assert!((rate / whole - share).abs() < 0.01, "{layer:?}: {}", rate / whole);
            assert!(layer.shape.pps >= video.fps, "{layer:?}");
        }
        let thin = Encoding::of(&Video { pps: 30, bytes: 60, ..video });
        assert!(thin.iter().all(|layer| layer.shape == Shape { pps: 30, bytes: 60 }), "{thin:?}");
        assert_eq!(Encoding::of(&Scenario::default().video).len(), 1);
    }

    #[test]
    fn the_smallest_packets_still_hold_everything() {
        let shape = Shape { pps: 30, bytes: u32::try_from(PACKET_BYTES_MIN).unwrap() };
        let mut source = VideoSource::new(ME, 1, 2, Encoding { rid: "f", shape, size: (1_280, 720) }, FPS);
        let payload = &source.next(5, FrameKind::Key)[0].payload;
        assert_eq!((payload.len(), Stamp::read(payload).unwrap().layer), (60, 2));
        assert!(begins_key_frame(payload));
        assert_eq!(AudioSource::new(ME, 1, shape, Turns { seat: 0, people: 4, speaking: 1 }).next(0).0.payload.len(), 60);
    }

    #[test]
    fn a_cut_descriptor_begins_nothing() {
        for length in 0..6 {
            let cut = Bytes::from(vec![0x90, 0xf0, 0x80, 0, 0, 0]).slice(..length);
            assert!(!begins_key_frame(&cut), "{length}");
        }
        assert!(!begins_key_frame(&Bytes::from_static(&[0x90, 0xf0, 0x80, 0, 0, 0])), "no frame behind the descriptor");
        assert!(begins_key_frame(&Bytes::from_static(&[0x10, 0x10])), "the shortest descriptor");
    }
}
