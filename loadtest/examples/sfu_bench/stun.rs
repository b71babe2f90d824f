//! The connectivity checks of a controlling ICE agent with one candidate pair (RFC 8445, RFC 8489): all that a client of an SFU needs.
//!
//! Encodes and recognises; timing is the client's. Responses to the SFU's own checks are made from the request alone, without checking
//! its integrity: this is a load, nobody attacks it.

use aws_lc_rs::hmac;
use std::net::{IpAddr, SocketAddr};

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const MAGIC: u32 = 0x2112_A442;
const HEADER: usize = 20;
const INTEGRITY: usize = 24;
const FINGERPRINT: usize = 8;

/// Ties an answer to its request.
pub type TransactionId = [u8; 12];

/// Both ends' ICE credentials.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub local: Login,
    pub remote: Login,
}

/// One end's `ice-ufrag` and `ice-pwd`.
#[derive(Debug, Clone)]
pub struct Login {
    pub ufrag: String,
    pub password: String,
}

impl Login {
    /// A fresh one.
    pub fn random() -> Self {
        Self { ufrag: format!("{:08x}", rand::random::<u32>()), password: format!("{:032x}", rand::random::<u128>()) }
    }
}

/// Whether a datagram is STUN (RFC 7983 §7).
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.len() >= HEADER && datagram[0] < 4
}

/// A check that also nominates the pair, and later renews consent (RFC 7675).
pub fn request(id: TransactionId, credentials: &Credentials) -> Vec<u8> {
    let mut message = begin(BINDING_REQUEST, id);
    put(&mut message, 0x0006, format!("{}:{}", credentials.remote.ufrag, credentials.local.ufrag).as_bytes());
    // Peer-reflexive, as RFC 8445 §7.1.1 asks for.
    put(&mut message, 0x0024, &1_862_270_975_u32.to_be_bytes());
    put(&mut message, 0x802A, &id[..8]);
    put(&mut message, 0x0025, &[]);
    seal(message, &credentials.remote.password)
}

/// The answer to a check of the other end; `None` when `datagram` is no check.
pub fn response(datagram: &[u8], from: SocketAddr, credentials: &Credentials) -> Option<Vec<u8>> {
    if kind(datagram)? != BINDING_REQUEST {
        return None;
    }
    let mut message = begin(BINDING_SUCCESS, datagram[8..HEADER].try_into().ok()?);
    let IpAddr::V4(address) = from.ip() else { return None };
    let mut mapped = vec![0, 1];
    mapped.extend((from.port() ^ (MAGIC >> 16) as u16).to_be_bytes());
    mapped.extend((u32::from(address) ^ MAGIC).to_be_bytes());
    put(&mut message, 0x0020, &mapped);
    Some(seal(message, &credentials.local.password))
}

/// Whether `datagram` is the success response to the request with this id.
pub fn is_success(datagram: &[u8], id: &TransactionId) -> bool {
    kind(datagram) == Some(BINDING_SUCCESS) && datagram[8..HEADER] == *id
}

fn kind(datagram: &[u8]) -> Option<u16> {
    is_stun(datagram).then(|| u16::from_be_bytes([datagram[0], datagram[1]]))
}

fn begin(kind: u16, id: TransactionId) -> Vec<u8> {
    let mut message = Vec::with_capacity(128);
    message.extend(kind.to_be_bytes());
    message.extend([0; 2]);
    message.extend(MAGIC.to_be_bytes());
    message.extend(id);
    message
}

fn put(message: &mut Vec<u8>, attribute: u16, value: &[u8]) {
    message.extend(attribute.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// Adds MESSAGE-INTEGRITY and FINGERPRINT. Each covers the length that the message has with it (RFC 8489 §14.5, §14.7).
fn seal(mut message: Vec<u8>, password: &str) -> Vec<u8> {
    set_length(&mut message, INTEGRITY);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    let tag = hmac::sign(&key, &message);
    put(&mut message, 0x0008, tag.as_ref());
    set_length(&mut message, FINGERPRINT);
    let sum = crc32(&message) ^ 0x5354_554E;
    put(&mut message, 0x8028, &sum.to_be_bytes());
    message
}

fn set_length(message: &mut [u8], more: usize) {
    let length = (message.len() - HEADER + more) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
}

/// ISO 3309. Bit by bit: a few hundred bytes a second.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2.1 fixes no password of ours, so its parts are held: the checksum, and the lengths.
    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_request_is_answered_and_the_answer_is_recognised() {
        let credentials = Credentials { local: Login::random(), remote: Login::random() };
        let request = request([7; 12], &credentials);
        assert_eq!(usize::from(u16::from_be_bytes([request[2], request[3]])), request.len() - HEADER);
        let answer = response(&request, ([10, 0, 0, 1], 5000).into(), &credentials).unwrap();
        assert!(is_success(&answer, &[7; 12]) && !is_success(&answer, &[8; 12]));
        assert_eq!(response(&answer, ([10, 0, 0, 1], 5000).into(), &credentials), None);
    }
}
