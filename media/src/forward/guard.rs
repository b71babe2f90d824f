//! Checks what leaves on a slot, in debug builds: a receiver would only show a frozen picture.
//!
//! Invariant checked: no sequence number is used twice, and a switch of source goes forward in sequence and time.

use str0m::media::Pt;

/// Sequence numbers remembered behind the newest.
const WINDOW: u64 = 128;

#[derive(Debug, Default)]
pub(crate) struct Guard {
    newest: Option<(u64, u32)>,
    /// Bit `n` is set when `newest - n` was used.
    used: u128,
}

impl Guard {
    /// `starts` tells that the packet is the first of another source.
    pub(crate) fn check(&mut self, sequence: u64, timestamp: u32, starts: Starts, pt: Pt, declared: &[Pt]) {
        debug_assert!(declared.contains(&pt), "payload type {pt} was not negotiated");
        let Some((newest, newest_timestamp)) = self.newest else {
            debug_assert!(sequence <= u64::from(u16::MAX), "a stream starts with a roll-over counter of zero");
            self.newest = Some((sequence, timestamp));
            self.used = 1;
            return;
        };
        if let Starts::Yes = starts {
            debug_assert_eq!(sequence, newest + 1, "a switch leaves no gap");
            debug_assert!(timestamp.wrapping_sub(newest_timestamp) < 1 << 31, "time goes forward over a switch");
        }
        if sequence > newest {
            let by = sequence - newest;
            self.used = if by < WINDOW { (self.used << by) | 1 } else { 1 };
            self.newest = Some((sequence, timestamp));
        } else {
            let behind = newest - sequence;
            if behind < WINDOW {
                debug_assert!(self.used & (1 << behind) == 0, "sequence number {sequence} used twice");
                self.used |= 1 << behind;
            }
        }
    }
}

/// Whether a packet is the first of another source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Starts {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "used twice")]
    fn a_repeated_sequence_number_is_caught() {
        let mut guard = Guard::default();
        for sequence in [5, 7, 6, 6] {
            guard.check(sequence, 0, Starts::No, 96.into(), &[96.into()]);
        }
    }

    #[test]
    #[should_panic(expected = "time goes forward")]
    fn a_switch_back_in_time_is_caught() {
        let mut guard = Guard::default();
        guard.check(5, 1000, Starts::No, 96.into(), &[96.into()]);
        guard.check(6, 999, Starts::Yes, 96.into(), &[96.into()]);
    }

    #[test]
    #[should_panic(expected = "not negotiated")]
    fn a_foreign_payload_type_is_caught() {
        Guard::default().check(5, 1000, Starts::No, 97.into(), &[96.into()]);
    }
}
