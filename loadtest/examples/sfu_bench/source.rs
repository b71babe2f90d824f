//! A microphone and a camera as RTP packets: 50 of 100 bytes a second, and 170 of 1,100 in frames of six.
//!
//! Each payload ends in the time of its sending, since an SFU may change the length of the VP8 descriptor at the front.

use crate::sdp::{Extensions, Kind, OPUS, VP8};
use std::time::{Duration, SystemTime};

pub const AUDIO_BYTES: usize = 100;
pub const VIDEO_BYTES: usize = 1_100;
pub const FRAME_PACKETS: u32 = 6;
/// Six packets each make 170 a second.
pub const FRAME_EVERY: Duration = Duration::from_nanos(35_294_118);
pub const AUDIO_EVERY: Duration = Duration::from_millis(20);
/// Of the time stamp at the end of a payload.
const STAMP: usize = 8;
/// Packets at a source's start that carry the MID: until the SFU has surely learnt it, as browsers do.
const WITH_MID: u32 = 200;
/// Frames between key frames that nobody asked for.
const KEY_EVERY: u32 = 300;

/// Time since 1970, the clock of the kernel's receive time stamps.
pub fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// When a payload was sent.
pub fn stamp(payload: &[u8]) -> Option<Duration> {
    payload.last_chunk::<STAMP>().map(|nanos| Duration::from_nanos(u64::from_be_bytes(*nanos)))
}

/// One source.
#[derive(Debug)]
pub struct Source {
    pub kind: Kind,
    pub ssrc: u32,
    payload_type: u8,
    mid: Option<(u8, Vec<u8>)>,
    level: Option<u8>,
    transport_cc: Option<u8>,
    /// How loud, in -dBov.
    pub loudness: u8,
    /// Packets sent.
    pub packets: u32,
    pub bytes: u32,
    frame: u32,
    key_wanted: bool,
}

impl Source {
    /// `mid` is the one of its m-line at the SFU, `payload_type` the SFU's for this kind.
    pub fn new(kind: Kind, ssrc: u32, extensions: Extensions, mid: Option<String>, payload_type: Option<u8>) -> Self {
        let level = extensions.level.filter(|_| kind == Kind::Audio);
        let payload_type = payload_type.unwrap_or(if kind == Kind::Audio { OPUS } else { VP8 });
        let mid = extensions.mid.zip(mid.map(String::into_bytes));
        let transport_cc = extensions.transport_cc;
        Self { kind, ssrc, payload_type, mid, level, transport_cc, loudness: 30, packets: 0, bytes: 0, frame: 0, key_wanted: true }
    }

    pub fn ask_key_frame(&mut self) {
        self.key_wanted = true;
    }

    pub fn every(&self) -> Duration {
        if self.kind == Kind::Audio { AUDIO_EVERY } else { FRAME_EVERY }
    }

    /// Packets that are due together.
    pub fn burst(&self) -> u32 {
        if self.kind == Kind::Audio { 1 } else { FRAME_PACKETS }
    }

    /// Of the packet written last.
    pub fn timestamp(&self) -> u32 {
        match self.kind {
            Kind::Audio => self.packets.wrapping_mul(960),
            Kind::Video => self.frame.wrapping_mul(3_176),
        }
    }

    /// Writes the `nth` packet of the burst that is due; returns its roll-over counter.
    pub fn write(&mut self, nth: u32, transport_number: &mut u16, packet: &mut Vec<u8>) -> u32 {
        let last = nth + 1 == self.burst();
        let sequence = self.packets;
        packet.clear();
        let marker = if self.kind == Kind::Video && last { 0x80 } else { 0 };
        packet.extend([0x90, self.payload_type | marker]);
        packet.extend((sequence as u16).to_be_bytes());
        packet.extend(self.timestamp().to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        self.extensions(transport_number, packet);
        let start = packet.len();
        match self.kind {
            // One Opus frame of 20 ms, CELT full band (RFC 6716 §3.1).
            Kind::Audio => packet.push(31 << 3),
            Kind::Video => self.descriptor(nth, packet),
        }
        let size = if self.kind == Kind::Audio { AUDIO_BYTES } else { VIDEO_BYTES };
        packet.resize(start + size - STAMP, 0x55);
        packet.extend((now().as_nanos() as u64).to_be_bytes());
        self.packets = self.packets.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(size as u32);
        if last {
            self.frame = self.frame.wrapping_add(1);
        }
        sequence >> 16
    }

    /// One-byte header extensions (RFC 8285 §4.2), with their own header.
    fn extensions(&self, transport_number: &mut u16, packet: &mut Vec<u8>) {
        let start = packet.len();
        packet.extend([0xBE, 0xDE, 0, 0]);
        let mut put = |id: u8, value: &[u8]| {
            packet.push((id << 4) | (value.len() as u8 - 1));
            packet.extend(value);
        };
        if let Some(id) = self.level {
            put(id, &[0x80 | self.loudness]);
        }
        if let Some(id) = self.transport_cc {
            put(id, &transport_number.to_be_bytes());
            *transport_number = transport_number.wrapping_add(1);
        }
        if let Some((id, mid)) = self.mid.as_ref().filter(|_| self.packets < WITH_MID) {
            put(*id, mid);
        }
        packet.resize(packet.len().next_multiple_of(4), 0);
        let words = ((packet.len() - start) / 4 - 1) as u16;
        packet[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
    }

    /// The VP8 descriptor as Chromium sends it, and the frame header in the first packet of a frame (RFC 7741 §4.2, §4.3).
    fn descriptor(&mut self, nth: u32, packet: &mut Vec<u8>) {
        if nth == 0 && self.frame.is_multiple_of(KEY_EVERY) {
            self.key_wanted = true;
        }
        let starts = if nth == 0 { 0x10 } else { 0 };
        let picture = (self.frame as u16) | 0x8000;
        packet.extend([0x80 | starts, 0xE0]);
        packet.extend(picture.to_be_bytes());
        packet.extend([self.frame as u8, 0]);
        if nth == 0 {
            // The lowest bit is 0 in a key frame; then its start code and size.
            packet.extend(if self.key_wanted { [0x10, 2, 0, 0x9d, 0x01, 0x2a] } else { [0x11, 2, 0, 0, 0, 0] });
            self.key_wanted = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srtp;

    #[test]
    fn packets_have_the_promised_sizes_and_end_in_the_time() {
        let extensions = Extensions { level: Some(1), transport_cc: Some(2), mid: Some(3) };
        let (mut packet, mut number) = (vec![], 40_u16);
        for (kind, bytes) in [(Kind::Audio, AUDIO_BYTES), (Kind::Video, VIDEO_BYTES)] {
            let mut source = Source::new(kind, 7, extensions, Some("0".into()), None);
            let before = now();
            assert_eq!(source.write(0, &mut number, &mut packet), 0);
            let payload = &packet[srtp::header_len(&packet).unwrap()..];
            assert_eq!(payload.len(), bytes);
            assert!((before..=now()).contains(&stamp(payload).unwrap()));
        }
        assert_eq!(number, 42);
    }

    #[test]
    fn a_camera_starts_with_a_key_frame_and_makes_one_when_asked() {
        let mut source = Source::new(Kind::Video, 7, Extensions::default(), None, None);
        let mut key_frames = vec![];
        for frame in 0..4 {
            if frame == 2 {
                source.ask_key_frame();
            }
            for nth in 0..FRAME_PACKETS {
                let mut packet = vec![];
                source.write(nth, &mut 0, &mut packet);
                let payload = srtp::header_len(&packet).unwrap();
                if nth == 0 && packet[payload + 6] & 1 == 0 {
                    key_frames.push(frame);
                }
                assert_eq!(packet[1] & 0x80 != 0, nth + 1 == FRAME_PACKETS);
            }
        }
        assert_eq!(key_frames, [0, 2]);
    }
}
