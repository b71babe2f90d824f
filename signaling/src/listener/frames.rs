//! Follows the boundaries of WebSocket frames (RFC 6455, section 5.2) in a byte stream, without looking at what they carry.
//!
//! Not a codec. It exists since the codec below socket.io closes an oversized message's connection without the status 1009 that says why.

/// A message is longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// One direction of a WebSocket.
#[derive(Debug)]
pub(super) struct Frames {
    message_bytes_max: u64,
    /// Bytes of the current message so far, its announced current frame included.
    message_bytes: u64,
    header: [u8; 14],
    header_bytes: usize,
    payload_left: u64,
}

impl Frames {
    /// Starts at a boundary.
    pub(super) fn new(message_bytes_max: u64) -> Self {
        Self { message_bytes_max, message_bytes: 0, header: [0; 14], header_bytes: 0, payload_left: 0 }
    }

    /// Whether the last byte seen was a frame's last.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn at_boundary(&self) -> bool {
        self.header_bytes == 0 && self.payload_left == 0
    }

    /// Takes the next bytes of the stream.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), TooLarge> {
        while !bytes.is_empty() {
            if self.payload_left > 0 {
                let skipped = usize::try_from(self.payload_left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.payload_left -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.header[self.header_bytes] = bytes[0];
            self.header_bytes += 1;
            bytes = &bytes[1..];
            if self.header_bytes >= 2 && self.header_bytes == self.header_length() {
                self.begin_payload()?;
            }
        }
        Ok(())
    }

    /// Known once two bytes are there.
    fn header_length(&self) -> usize {
        let extended = match self.header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.header[1] & 0x80 == 0 { 0 } else { 4 };
        2 + extended + mask
    }

    fn begin_payload(&mut self) -> Result<(), TooLarge> {
        let length = match self.header[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes([self.header[2], self.header[3]])),
            127 => {
                let h = &self.header;
                u64::from_be_bytes([h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9]])
            }
            short => u64::from(short),
        };
        self.header_bytes = 0;
        self.payload_left = length;
        const CONTINUATION: u8 = 0;
        const FIRST_CONTROL: u8 = 8;
        match self.header[0] & 0x0f {
            CONTINUATION => self.message_bytes = self.message_bytes.saturating_add(length),
            opcode if opcode < FIRST_CONTROL => self.message_bytes = length,
            _control => return Ok(()),
        }
        if self.message_bytes > self.message_bytes_max { Err(TooLarge) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: u8, masked: bool, payload: usize) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut bytes = vec![opcode];
        match payload {
            0..126 => bytes.push(mask | payload as u8),
            126..65536 => {
                bytes.push(mask | 126);
                bytes.extend((payload as u16).to_be_bytes());
            }
            _ => {
                bytes.push(mask | 127);
                bytes.extend((payload as u64).to_be_bytes());
            }
        }
        if masked {
            bytes.extend([1, 2, 3, 4]);
        }
        bytes.extend(std::iter::repeat_n(0xff, payload));
        bytes
    }

    #[test]
    fn boundaries_are_found_however_the_bytes_are_cut() {
        let mut stream = Vec::new();
        for payload in [0, 1, 125, 126, 65_535, 65_536, 70_000] {
            stream.extend(frame(0x81, true, payload));
            stream.extend(frame(0x82, false, payload));
            stream.extend(frame(0x89, true, 3));
        }
        for cut in [1, 2, 3, 7, 1000, stream.len()] {
            let mut frames = Frames::new(70_000);
            for chunk in stream.chunks(cut) {
                assert_eq!(frames.feed(chunk), Ok(()));
            }
            assert!(frames.at_boundary());
        }
    }

    #[test]
    fn inside_a_frame_is_no_boundary() {
        let bytes = frame(0x81, true, 300);
        let mut frames = Frames::new(1000);
        for byte in &bytes[..bytes.len() - 1] {
            frames.feed(&[*byte]).unwrap();
            assert!(!frames.at_boundary());
        }
        frames.feed(&bytes[bytes.len() - 1..]).unwrap();
        assert!(frames.at_boundary());
    }

    #[test]
    fn a_message_over_the_limit_is_told_from_its_header_alone() {
        let bytes = frame(0x81, true, 1001);
        assert_eq!(Frames::new(1000).feed(&bytes[..8]), Err(TooLarge));
        assert_eq!(Frames::new(1001).feed(&bytes), Ok(()));
    }

    #[test]
    fn fragments_count_together_and_control_frames_between_them_do_not() {
        let mut frames = Frames::new(1000);
        frames.feed(&frame(0x01, true, 600)).unwrap();
        frames.feed(&frame(0x89, true, 100)).unwrap();
        frames.feed(&frame(0x00, true, 400)).unwrap();
        assert_eq!(frames.feed(&frame(0x80, true, 1)), Err(TooLarge));
        let mut frames = Frames::new(1000);
        frames.feed(&frame(0x81, true, 1000)).unwrap();
        frames.feed(&frame(0x81, true, 1000)).unwrap();
    }

    #[test]
    fn an_absurd_length_does_not_overflow() {
        let mut frames = Frames::new(u64::MAX);
        let header = |opcode: u8| [&[opcode, 127][..], &u64::MAX.to_be_bytes()].concat();
        frames.feed(&header(0x01)).unwrap();
        frames.payload_left = 0;
        assert_eq!(frames.feed(&header(0x00)), Ok(()));
    }
}
