//! SRTP with AES-GCM (RFC 3711, RFC 7714): both profiles, one direction per [`Context`].
//!
//! Only what a load needs: it seals all it sends and opens samples of what it receives. There is no replay check; the roll-over counter
//! is the caller's.

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

/// Bytes that sealing adds to a packet.
pub const TAG: usize = 16;
const SALT: usize = 12;
const RTCP_HEADER: usize = 8;
const RTCP_INDEX: usize = 4;
const ENCRYPTED: u32 = 1 << 31;

/// A master key (16 or 32 bytes) and its salt.
#[derive(Clone)]
pub struct Master {
    pub key: Vec<u8>,
    pub salt: [u8; SALT],
}

/// What one end seals with, or the other opens with.
pub struct Context {
    rtp: (LessSafeKey, [u8; SALT]),
    rtcp: (LessSafeKey, [u8; SALT]),
    rtcp_index: u32,
}

/// The master keys that DTLS exported (RFC 5764 §4.2): of its client, then of its server.
pub fn exported(material: &[u8]) -> anyhow::Result<(Master, Master)> {
    let key = match material.len() {
        56 => 16,
        88 => 32,
        other => bail!("the SFU chose an SRTP profile with {other} bytes of keys; AES-GCM is expected"),
    };
    let (keys, salts) = material.split_at(2 * key);
    let master = |n: usize| -> anyhow::Result<Master> {
        Ok(Master { key: keys[n * key..][..key].to_vec(), salt: salts[n * SALT..][..SALT].try_into()? })
    };
    Ok((master(0)?, master(1)?))
}

impl Context {
    pub fn new(master: &Master) -> anyhow::Result<Self> {
        let derived = |key_label: u8, salt_label: u8| -> anyhow::Result<(LessSafeKey, [u8; SALT])> {
            let mut key = vec![0; master.key.len()];
            derive(master, key_label, &mut key)?;
            let mut salt = [0; SALT];
            derive(master, salt_label, &mut salt)?;
            let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
            let key = UnboundKey::new(algorithm, &key).map_err(|_| anyhow::anyhow!("no GCM key"))?;
            Ok((LessSafeKey::new(key), salt))
        };
        Ok(Self { rtp: derived(0, 2)?, rtcp: derived(3, 5)?, rtcp_index: 0 })
    }

    /// Seals the packet that begins at `start` and ends `buffer`, in place; `roc` is its roll-over counter.
    pub fn seal_rtp(&self, buffer: &mut Vec<u8>, start: usize, roc: u32) -> anyhow::Result<()> {
        let packet = &mut buffer[start..];
        let header = header_len(packet).context("no RTP header")?;
        let (key, salt) = &self.rtp;
        let (head, body) = packet.split_at_mut(header);
        let tag = key.seal_in_place_separate_tag(rtp_nonce(salt, head, roc), Aad::from(&*head), body);
        let tag = tag.map_err(|_| anyhow::anyhow!("sealing"))?;
        buffer.extend(tag.as_ref());
        Ok(())
    }

    /// Opens a packet in place and returns its payload; `None` when it isn't authentic.
    pub fn open_rtp<'a>(&self, packet: &'a mut [u8], roc: u32) -> Option<&'a [u8]> {
        let (key, salt) = &self.rtp;
        let (head, body) = packet.split_at_mut_checked(header_len(packet)?)?;
        key.open_in_place(rtp_nonce(salt, head, roc), Aad::from(&*head), body).ok().map(|payload| &*payload)
    }

    /// Seals a compound packet in place.
    pub fn seal_rtcp(&mut self, packet: &mut Vec<u8>) -> anyhow::Result<()> {
        ensure!(packet.len() >= RTCP_HEADER, "no RTCP header");
        self.rtcp_index += 1;
        let (key, salt) = &self.rtcp;
        let trailer = (self.rtcp_index | ENCRYPTED).to_be_bytes();
        let (head, body) = packet.split_at_mut(RTCP_HEADER);
        let nonce = rtcp_nonce(salt, head, self.rtcp_index);
        let tag = key.seal_in_place_separate_tag(nonce, rtcp_aad(head, trailer), body);
        let tag = tag.map_err(|_| anyhow::anyhow!("sealing"))?;
        packet.extend(tag.as_ref());
        packet.extend(trailer);
        Ok(())
    }

    /// Opens a compound packet in place and returns it without its trailer; `None` when it isn't authentic, or not encrypted.
    pub fn open_rtcp<'a>(&self, packet: &'a mut [u8]) -> Option<&'a [u8]> {
        let end = packet.len().checked_sub(RTCP_INDEX)?;
        let (sealed, trailer) = packet.split_at_mut(end);
        let trailer: [u8; RTCP_INDEX] = (&*trailer).try_into().ok()?;
        let index = u32::from_be_bytes(trailer);
        if index & ENCRYPTED == 0 || sealed.len() < RTCP_HEADER + TAG {
            return None;
        }
        let (key, salt) = &self.rtcp;
        let (head, body) = sealed.split_at_mut(RTCP_HEADER);
        key.open_in_place(rtcp_nonce(salt, head, index & !ENCRYPTED), rtcp_aad(head, trailer), body).ok()?;
        let plain = sealed.len() - TAG;
        Some(&sealed[..plain])
    }
}

/// Bytes of an RTP header with its sources and extensions (RFC 3550 §5.1, §5.3.1).
pub fn header_len(packet: &[u8]) -> Option<usize> {
    let fixed = 12 + 4 * usize::from(packet.first()? & 0x0f);
    if packet[0] & 0x10 == 0 {
        return (packet.len() >= fixed).then_some(fixed);
    }
    let words = packet.get(fixed + 2..fixed + 4)?;
    let header = fixed + 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    (packet.len() >= header).then_some(header)
}

/// RFC 7714 §8.1.
fn rtp_nonce(salt: &[u8; SALT], header: &[u8], roc: u32) -> Nonce {
    let mut nonce = [0; SALT];
    nonce[2..6].copy_from_slice(&header[8..12]);
    nonce[6..10].copy_from_slice(&roc.to_be_bytes());
    nonce[10..12].copy_from_slice(&header[2..4]);
    salted(nonce, salt)
}

/// RFC 7714 §9.1.
fn rtcp_nonce(salt: &[u8; SALT], header: &[u8], index: u32) -> Nonce {
    let mut nonce = [0; SALT];
    nonce[2..6].copy_from_slice(&header[4..8]);
    nonce[8..12].copy_from_slice(&index.to_be_bytes());
    salted(nonce, salt)
}

fn salted(mut nonce: [u8; SALT], salt: &[u8; SALT]) -> Nonce {
    nonce.iter_mut().zip(salt).for_each(|(byte, salt)| *byte ^= salt);
    Nonce::assume_unique_for_key(nonce)
}

fn rtcp_aad(header: &[u8], trailer: [u8; RTCP_INDEX]) -> Aad<[u8; RTCP_HEADER + RTCP_INDEX]> {
    let mut aad = [0; RTCP_HEADER + RTCP_INDEX];
    aad[..RTCP_HEADER].copy_from_slice(header);
    aad[RTCP_HEADER..].copy_from_slice(&trailer);
    Aad::from(aad)
}

/// The key stream that RFC 3711 §4.3.1 derives for `label`, with the salt made 112 bits long as RFC 7714 §11 says.
fn derive(master: &Master, label: u8, out: &mut [u8]) -> anyhow::Result<()> {
    let mut block = [0; 16];
    block[..SALT].copy_from_slice(&master.salt);
    block[7] ^= label;
    let algorithm = if master.key.len() == 16 { &AES_128 } else { &AES_256 };
    let failed = |_| anyhow::anyhow!("no key derivation");
    let key = UnboundCipherKey::new(algorithm, &master.key).and_then(EncryptingKey::ctr).map_err(failed)?;
    out.fill(0);
    key.less_safe_encrypt(out, EncryptionContext::Iv128(FixedLength::from(block))).map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context::new(&Master { key: vec![5; 32], salt: [9; SALT] }).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_and_what_was_changed_does_not() {
        let plain: Vec<u8> = [0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7].into_iter().chain([1, 2, 3]).collect();
        let mut sealed = plain.clone();
        context().seal_rtp(&mut sealed, 0, 0).unwrap();
        assert_eq!(sealed.len(), plain.len() + TAG);
        assert_eq!(context().open_rtp(&mut sealed.clone(), 0), Some(&[1, 2, 3][..]));
        assert_eq!(context().open_rtp(&mut sealed.clone(), 1), None);
        sealed[3] ^= 1;
        assert_eq!(context().open_rtp(&mut sealed, 0), None);
    }

    #[test]
    fn a_report_survives_the_way() {
        let plain = vec![0x80, 201, 0, 1, 0, 0, 0, 7, 4, 4, 4, 4];
        let mut sealed = plain.clone();
        context().seal_rtcp(&mut sealed).unwrap();
        assert_eq!(context().open_rtcp(&mut sealed), Some(&plain[..]));
    }

    /// RFC 3711 appendix B.3, whose 14-byte salt ends in bytes that GCM's shorter salt lacks: the label and the block are held by it.
    #[test]
    fn keys_are_derived_with_aes_in_counter_mode() {
        let master = Master { key: vec![0; 16], salt: [0; SALT] };
        let mut out = [0; 16];
        derive(&master, 0, &mut out).unwrap();
        // AES-128 of the zero block under the zero key (FIPS 197's own check value).
        assert_eq!(out, [0x66, 0xe9, 0x4b, 0xd4, 0xef, 0x8a, 0x2c, 0x3b, 0x88, 0x4c, 0xfa, 0x59, 0xca, 0x34, 0x2b, 0x2e]);
    }

    #[test]
    fn a_header_is_measured_with_its_extensions() {
        assert_eq!(header_len(&[0x80; 12]), Some(12));
        let extended = [0x90, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1, 0, 0, 0, 0];
        assert_eq!((header_len(&extended), header_len(&extended[..18])), (Some(20), None));
    }
}
