//! Redundant audio (RFC 2198): the newest block alone, for subscribers that didn't negotiate the redundancy.
//!
//! Not a decoder: the redundant blocks are dropped. Invariant: a malformed packet gives None.

/// The primary block of a RED payload.
pub(crate) fn primary(payload: &[u8]) -> Option<&[u8]> {
    let (mut at, mut redundant) = (0, 0);
    while payload.get(at)? & 0x80 != 0 {
        let &[_, _, high, low] = payload.get(at..at + 4)? else { return None };
        redundant += usize::from(u16::from_be_bytes([high, low]) & 0x03ff);
        at += 4;
    }
    payload.get(at + 1 + redundant..).filter(|primary| !primary.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_primary_block_is_what_stands_behind_the_redundant_ones() {
        assert_eq!(primary(&[111, 1, 2, 3]), Some(&[1, 2, 3][..]));
        assert_eq!(primary(&[0x80 | 111, 0x0f, 0x00, 0x02, 111, 9, 9, 1, 2, 3]), Some(&[1, 2, 3][..]));
        let two = [0x80 | 111, 0x1e, 0x00, 0x01, 0x80 | 111, 0x0f, 0x00, 0x02, 111, 7, 8, 8, 5];
        assert_eq!(primary(&two), Some(&[5][..]));
    }

    #[test]
    fn a_packet_that_is_cut_off_has_no_primary_block() {
        for malformed in [&[][..], &[0x80], &[0xef, 0x0f, 0x00, 0x02, 111, 9, 9], &[0xef, 0x0f, 0x03, 0xff, 111, 9], &[111]] {
            assert_eq!(primary(malformed), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(payload in proptest::collection::vec(any::<u8>(), 0..40)) {
            primary(&payload);
        }
    }
}
