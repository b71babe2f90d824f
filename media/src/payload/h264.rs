//! H.264 (RFC 6184): the sequence parameter set. Every WebRTC encoder sends one before each key frame, and no decoder starts without.

use super::Frame;
use super::bits::Bits;

const SPS: u8 = 7;
const STAP_A: u8 = 24;
/// Longest part of a parameter set that is looked at: the size stands within it, unless scaling matrices precede it.
const SPS_BYTES: usize = 64;

pub(super) fn frame(payload: &[u8]) -> Frame {
    match parameter_set(payload) {
        Some(sps) => Frame { starts_decoding: true, size: size(sps) },
        None => Frame::DELTA,
    }
}

/// The parameter set in a payload, alone or aggregated, without its NAL header.
fn parameter_set(payload: &[u8]) -> Option<&[u8]> {
    let (&first, mut rest) = payload.split_first()?;
    match first & 0x1f {
        SPS => Some(rest),
        STAP_A => {
            while let [high, low, nal, ..] = *rest {
                let end = 2 + usize::from(u16::from_be_bytes([high, low]));
                if nal & 0x1f == SPS {
                    return Some(rest.get(3..end).unwrap_or_default());
                }
                rest = rest.get(end..).unwrap_or_default();
            }
            None
        }
        _ => None,
    }
}

/// Reads width and height (H.264 §7.3.2.1.1).
fn size(sps: &[u8]) -> Option<(u16, u16)> {
    let plain = without_emulation_prevention(sps);
    let mut bits = Bits::new(&plain);
    let profile = bits.number(8)?;
    bits.skip(16); // constraints and level
    bits.exp_golomb()?; // id
    let mut chroma = 1;
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        chroma = bits.exp_golomb()?;
        if chroma == 3 {
            bits.skip(1);
        }
        bits.exp_golomb()?;
        bits.exp_golomb()?;
        bits.skip(1);
        if bits.bit()? {
            return None; // scaling matrices: no WebRTC encoder sends them
        }
    }
    bits.exp_golomb()?; // log2_max_frame_num
    match bits.exp_golomb()? {
        0 => drop(bits.exp_golomb()?),
        1 => {
            bits.skip(1);
            bits.exp_golomb()?;
            bits.exp_golomb()?;
            let cycle = bits.exp_golomb()?;
            for _ in 0..cycle.min(255) {
                bits.exp_golomb()?;
            }
        }
        _ => {}
    }
    bits.exp_golomb()?; // max_num_ref_frames
    bits.skip(1);
    let width = bits.exp_golomb()?.checked_add(1)?.checked_mul(16)?;
    let map_units = bits.exp_golomb()?.checked_add(1)?;
    let frame_only = u32::from(bits.bit()?);
    let height = map_units.checked_mul(16 * (2 - frame_only))?;
    if frame_only == 0 {
        bits.skip(1);
    }
    bits.skip(1);
    let [mut across, mut down] = [0u32; 2];
    if bits.bit()? {
        let (x, y) = match chroma {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        across = bits.exp_golomb()?.checked_add(bits.exp_golomb()?)?.checked_mul(x)?;
        down = bits.exp_golomb()?.checked_add(bits.exp_golomb()?)?.checked_mul(y * (2 - frame_only))?;
    }
    Some((u16::try_from(width.checked_sub(across)?).ok()?, u16::try_from(height.checked_sub(down)?).ok()?))
}

/// Drops the 3 of each 00 00 03 (H.264 §7.4.1).
fn without_emulation_prevention(sps: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(SPS_BYTES);
    let mut zeros = 0;
    for &byte in sps.iter().take(SPS_BYTES) {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        plain.push(byte);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(payload: &[u8]) -> bool {
        frame(payload).starts_decoding
    }

    #[test]
    fn a_key_frame_is_known_by_its_parameter_set_alone_or_aggregated() {
        assert!(starts(&[0x67, 1, 2, 3]));
        assert!(starts(&[0x78, 0, 2, 0x09, 0x10, 0, 3, 0x67, 1, 2]));
        assert!(!starts(&[0x78, 0, 2, 0x68, 0x10]));
        assert!(!starts(&[0x41, 0x67]));
        for malformed in [&[][..], &[0x78], &[0x78, 0xff], &[0x78, 0xff, 0xff, 0x01], &[0x78, 0, 0, 0, 0, 0, 0]] {
            assert!(!starts(malformed));
        }
    }

    #[test]
    fn a_parameter_set_tells_the_size() {
        // Baseline, level 3.1: 640×360, cropped from 640×368.
        let sps = [0x67, 0x42, 0xc0, 0x1f, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04];
        assert_eq!(frame(&sps).size, Some((640, 360)));
    }
}
