//! Entry points of the fuzzer: each takes any bytes, runs a decoder of this crate on them and panics when one of its promises is broken.
//!
//! Not an API: only built for tests and by the fuzz crate. Invariant: what is found here stays found, for the tests run every input of the
//! corpus through the same functions.

mod live;

use crate::config::Limits;
use crate::forward::guard::{Guard, Starts};
use crate::forward::layer::Clock;
use crate::forward::red;
use crate::forward::rewrite::{Held, Incoming, Rewriter};
use crate::negotiation::{Offer, Transport};
use crate::{Kind, payload, stun, tcp};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use str0m::Candidate;
use str0m::format::Codec;
use str0m::ice::StunMessage;

pub use live::live;

/// Tells [`packet`] that a TCP stream follows. Below are codecs, above is STUN.
const TCP: u8 = 6;

/// Where the SFU of these tests is.
const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5000);

fn transport() -> &'static Transport {
    static TRANSPORT: OnceLock<Transport> = OnceLock::new();
    TRANSPORT.get_or_init(|| Transport {
        certificate: str0m::crypto::from_feature_flags().dtls_provider.generate_certificate().expect("a certificate"),
        candidates: vec![Candidate::host(HERE, "udp").expect("a candidate")],
    })
}

/// One SDP offer, or two of one client with a NUL between them.
pub fn offer(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (first, second) = text.split_once('\0').unwrap_or((text, ""));
    let limits = Limits::default();
    let Ok(parsed) = Offer::parse(first, &limits) else { return };
    let Ok((mut rtc, answered)) = parsed.answer_new(transport(), Instant::now()) else { return };
    for lines in [&answered.slots, &answered.sources] {
        for (n, line) in lines.iter().enumerate() {
            assert!(lines[..n].iter().all(|other| other.mid != line.mid), "{} stands twice", line.mid);
            crate::negotiation::payloads(&rtc, line.mid);
        }
    }
    let Ok(parsed) = Offer::parse(second, &limits) else { return };
    if parsed.is_from(&answered.fingerprints) {
        let _ = parsed.answer(&mut rtc);
    }
}

/// One datagram's first look, the payload of a packet, or packets in a TCP stream: the first byte says which.
pub fn packet(data: &[u8]) {
    let Some((&kind, bytes)) = data.split_first() else { return };
    if kind == TCP {
        return tcp::fuzzing::stream(bytes);
    }
    let codec = [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1, Codec::Opus].get(usize::from(kind));
    match codec {
        Some(&codec) => {
            let descriptor = payload::vp8(codec, bytes);
            let frame = payload::frame(codec, bytes, descriptor.as_ref());
            assert!(
                red::primary(bytes).is_none_or(|primary| !primary.is_empty() && bytes.ends_with(primary)),
                "the newest block is the last"
            );
            assert!(!bytes.is_empty() || codec.is_audio() || !frame.starts_decoding, "nothing starts nothing");
        }
        None => {
            let Some(ours) = stun::named(bytes) else { return };
            // Two parsers, one meaning: nobody is looked up under a name that the ICE agent doesn't check.
            if let Ok(message) = StunMessage::parse(bytes) {
                assert!(message.is_binding_request());
                assert_eq!(message.split_username().map(|(local, _)| local), Some(ours));
            }
        }
    }
}

/// Reads small numbers off the front; zeros when nothing is left.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn byte(&mut self) -> u8 {
        let (&first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        first
    }

    fn number<const N: usize>(&mut self) -> u64 {
        (0..N).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    fn take(&mut self, length: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// Packets, switches and pauses in any order through one slot's numbering, which the guard of the way out and a map of all numbers check.
pub fn rewrite(data: &[u8]) {
    let mut numbers = Numbers(data);
    let first = numbers.byte();
    let kind = if first & 1 == 0 { Kind::Video } else { Kind::Audio };
    let mut rewriter = Rewriter::new(kind, numbers.number::<4>() as u32);
    let (mut guard, mut now) = (Guard::default(), Instant::now());
    let (mut segment, mut taken, mut used) = (0u32, HashMap::new(), HashMap::new());
    let (mut ssrc, mut sequence, mut timestamp, mut clock) = (1u32, 1u64 << 16, 0u32, None);
    while !numbers.0.is_empty() {
        match numbers.byte() % 8 {
            0 => rewriter.switch(),
            1 => rewriter.switch_layer(),
            2 => {
                ssrc = u32::from(numbers.byte() % 4);
                // As far as a roll-over counter of 32 bits goes.
                sequence = numbers.number::<6>();
                timestamp = numbers.number::<4>() as u32;
            }
            3 => {
                let wall = Duration::from_millis(numbers.number::<4>());
                clock = (numbers.byte() & 1 == 1).then_some(Clock { timestamp, wall });
            }
            4 => now += Duration::from_millis(numbers.number::<2>()),
            _ => {
                sequence = (sequence + numbers.number::<1>()).saturating_sub(128).min((1 << 48) - 1);
                timestamp = timestamp.wrapping_add(numbers.number::<2>() as u32);
                let starts_decoding = kind == Kind::Audio || numbers.byte() & 1 == 0;
                let length = usize::from(numbers.byte() % 16);
                let vp8 = payload::vp8(Codec::Vp8, numbers.take(length));
                let incoming = Incoming {
                    ssrc: ssrc.into(),
                    sequence,
                    timestamp,
                    starts_decoding,
                    vp8: vp8.as_ref().filter(|_| kind == Kind::Video),
                    clock,
                };
                match rewriter.rewrite(&incoming, now) {
                    Ok(out) => {
                        segment += u32::from(out.starts == Starts::Yes);
                        // SRTP hands a packet on once, so the guard sees it once.
                        if taken.insert((segment, sequence), out.sequence).is_none() {
                            guard.check(out.sequence, out.timestamp, out.starts, 96.into(), &[96.into()]);
                        }
                        let before = used.insert(out.sequence, (segment, sequence));
                        assert!(before.is_none_or(|before| before == (segment, sequence)), "{} is two packets", out.sequence);
                    }
                    Err(Held::AwaitsKeyFrame) => assert!(!starts_decoding, "what starts decoding needs no key frame"),
                    Err(Held::BeforeSwitch) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    /// Runs a target on each input of its corpus.
    fn replay(target: &str, run: fn(&[u8])) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/").to_owned() + target;
        let inputs: Vec<_> = std::fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("listed").path()).collect();
        assert!(!inputs.is_empty(), "{folder} is empty");
        for input in inputs {
            run(&std::fs::read(&input).expect("read"));
        }
    }

    #[test]
    fn the_corpus_of_each_target_breaks_no_promise() {
        replay("offer", super::offer);
        replay("packet", super::packet);
        replay("rewrite", super::rewrite);
        replay("live", super::live);
    }
}
