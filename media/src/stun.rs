//! Reads as much of a STUN request as finding its peer takes, before anything is believed or kept.
//!
//! Not a STUN stack: the peer's ICE agent parses what passes once more, and checks its integrity. Invariant: a request that names nobody
//! costs one walk over its attributes: no allocation, no cryptography, and no line in a log.

use crate::limits::{STUN_ATTRIBUTES_MAX, STUN_REQUEST_BYTES_MAX};

const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;

const MAPPED_ADDRESS: u16 = 0x0001;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const ALTERNATE_SERVER: u16 = 0x8023;

/// The user fragment of ours that a Binding request names (RFC 8445 §7.2.2: the part of USERNAME before the colon). None for what no ICE
/// agent sends: other messages, requests without integrity, attributes that only answers have, and more of either than anybody needs.
pub(crate) fn named(datagram: &[u8]) -> Option<&str> {
    if datagram.len() > STUN_REQUEST_BYTES_MAX {
        return None;
    }
    let (header, mut attributes) = datagram.split_at_checked(HEADER)?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header[..2] != BINDING_REQUEST || header[4..8] != MAGIC_COOKIE || length != attributes.len() || length % 4 != 0 {
        return None;
    }
    let mut user = None;
    for _ in 0..STUN_ATTRIBUTES_MAX {
        let (kind, value, rest) = attribute(attributes)?;
        match kind {
            USERNAME if user.is_none() => user = Some(std::str::from_utf8(value).ok()?),
            // What stands behind the integrity isn't covered by it, and means nothing (RFC 8489 §14.5).
            MESSAGE_INTEGRITY => return Some(user?.split_once(':')?.0),
            // The library below would write a warning for each.
            USERNAME | MAPPED_ADDRESS | UNKNOWN_ATTRIBUTES | ALTERNATE_SERVER => return None,
            _ => {}
        }
        attributes = rest;
    }
    None
}

/// The transaction id of a message that [`named`] somebody, as far as it fits: two of its three words.
pub(crate) fn transaction(datagram: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*datagram.get(8..)?.first_chunk()?))
}

/// Type and value of the first attribute, and what follows its padding.
fn attribute(attributes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (&[k0, k1, l0, l1], rest) = attributes.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let (value, _) = rest.split_at_checked(length)?;
    Some((u16::from_be_bytes([k0, k1]), value, rest.get(length.next_multiple_of(4)..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use str0m::ice::{StunMessage, TransId};

    fn request(user: &str) -> Vec<u8> {
        let mut buffer = [0; 600];
        let message = StunMessage::binding_request(user, TransId::new(), true, 1, 2, true);
        let length = message.to_bytes(Some(b"password"), &mut buffer, |_, _| [7; 20]).expect("fits");
        buffer[..length].to_vec()
    }

    /// A request with these attributes, given as type and value.
    fn with(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = vec![];
        for (kind, value) in attributes {
            body.extend(kind.to_be_bytes());
            body.extend((value.len() as u16).to_be_bytes());
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let mut message = BINDING_REQUEST.to_vec();
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(MAGIC_COOKIE);
        message.extend([9; 12]);
        message.extend(body);
        message
    }

    #[test]
    fn a_request_of_an_ice_agent_names_us_before_the_colon() {
        assert_eq!(named(&request("ours:theirs")), Some("ours"));
        assert_eq!(named(&with(&[(USERNAME, b"a:b:c"), (MESSAGE_INTEGRITY, &[0; 20])])), Some("a"));
    }

    #[test]
    fn what_no_ice_agent_sends_names_nobody() {
        let integrity: (u16, &[u8]) = (MESSAGE_INTEGRITY, &[0; 20]);
        for (what, message) in [
            ("no integrity", with(&[(USERNAME, b"a:b")])),
            ("no user", with(&[integrity])),
            ("a user behind the integrity", with(&[integrity, (USERNAME, b"a:b")])),
            ("two users", with(&[(USERNAME, b"a:b"), (USERNAME, b"c:d"), integrity])),
            ("no colon", with(&[(USERNAME, b"ab"), integrity])),
            ("no text", with(&[(USERNAME, b"\xff:b"), integrity])),
            ("an answer's attribute", with(&[(MAPPED_ADDRESS, b""), (USERNAME, b"a:b"), integrity])),
            ("many attributes", with(&[vec![(0x8022, &b"x"[..]); STUN_ATTRIBUTES_MAX], vec![(USERNAME, b"a:b"), integrity]].concat())),
            ("a huge attribute", with(&[(0x8022, &[b'x'; 1400]), (USERNAME, b"a:b"), integrity])),
        ] {
            assert_eq!(named(&message), None, "{what}");
        }
        let whole = request("ours:theirs");
        for end in 0..whole.len() {
            assert_eq!(named(&whole[..end]), None, "cut at {end}");
        }
        for (at, byte) in [(0, 1), (1, 0x11), (3, 0xff), (4, 0), (20, 0xff), (23, 0xff)] {
            let mut other = whole.clone();
            other[at] = byte;
            assert_eq!(named(&other), None, "byte {at}");
        }
    }
}
