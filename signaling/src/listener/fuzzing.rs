//! What the fuzzer may call of the listener, and the plain models that it is compared with.

pub(crate) use super::forwarded::client;
use super::frames::{Frames, TooLarge};
use super::transport::HeadEnd;
use super::wire::{CONNECTED, append_text, greetings};

const MESSAGE_BYTES_MAX: u64 = 70_000;

/// WebSocket frames in pieces of `cut` bytes end where they do in one piece, and are refused alike.
pub(crate) fn frames(bytes: &[u8], cut: usize) {
    let outcome = |cut: usize| {
        let mut frames = Frames::new(MESSAGE_BYTES_MAX);
        let result = bytes.chunks(cut).try_for_each(|chunk| frames.feed(chunk));
        (result, result.is_ok() && frames.at_boundary())
    };
    let whole = whole_frames(bytes);
    assert_eq!(outcome(cut), whole);
    assert_eq!(outcome(bytes.len().max(1)), whole);
}

/// The same by RFC 6455 §5.2, on all bytes at once.
fn whole_frames(mut bytes: &[u8]) -> (Result<(), TooLarge>, bool) {
    let mut message = 0u64;
    loop {
        let Some(([first, second], rest)) = bytes.split_first_chunk::<2>().map(|(head, rest)| (*head, rest)) else {
            return (Ok(()), bytes.is_empty());
        };
        let (length, rest) = match second & 0x7f {
            126 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
                None => return (Ok(()), false),
            },
            127 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
                None => return (Ok(()), false),
            },
            short => (u64::from(short), rest),
        };
        let Some(payload) = rest.get(if second & 0x80 == 0 { 0 } else { 4 }..) else { return (Ok(()), false) };
        let opcode = first & 0x0f;
        if opcode < 8 {
            message = if opcode == 0 { message.saturating_add(length) } else { length };
            if message > MESSAGE_BYTES_MAX {
                return (Err(TooLarge), false);
            }
        }
        match usize::try_from(length).ok().and_then(|length| payload.get(length..)) {
            Some(rest) => bytes = rest,
            None => return (Ok(()), false),
        }
    }
}

/// A head in pieces of `cut` bytes ends behind the first empty line.
pub(crate) fn head_end(bytes: &[u8], cut: usize) {
    let mut end = HeadEnd::default();
    let mut pieces = bytes.chunks(cut);
    let found = pieces.by_ref().find_map(|piece| end.after(piece).map(<[u8]>::to_vec));
    let rest = found.map(|rest| rest.into_iter().chain(pieces.flatten().copied()).collect::<Vec<_>>());
    let expected = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| bytes[at + 4..].to_vec());
    assert_eq!(rest, expected);
}

/// Texts of `cut` bytes, written as frames, end at a frame's end, and the greetings among them are found.
pub(crate) fn written(bytes: &[u8], cut: usize) {
    let texts: Vec<_> = bytes.chunks(cut).map(String::from_utf8_lossy).collect();
    let mut written = vec![];
    texts.iter().for_each(|text| append_text(&mut written, &[text]));
    let mut frames = Frames::new(MESSAGE_BYTES_MAX);
    assert_eq!((frames.feed(&written), frames.at_boundary()), (Ok(()), true));
    let greeted = texts.iter().filter(|text| text.starts_with("40")).count();
    assert_eq!(greetings(&written, CONNECTED) as usize, greeted);
    assert!(greetings(bytes, CONNECTED) as usize <= bytes.len() / 4);
}
