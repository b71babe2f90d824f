//! zzan: replay protection of SRTCP (RFC 3711 §3.3.2), which has an index of its own for each sender SSRC (§3.2.3).

/// Senders remembered. One more forgets the one that was heard first; only whoever has the keys can bring one.
const SENDERS_MAX: usize = 256;

/// What an SRTCP packet says of itself, authentic or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SrtcpClaim {
    pub ssrc: u32,
    pub index: u32,
}

/// The indexes that were received.
#[derive(Debug, Default)]
pub(crate) struct SrtcpReplay(Vec<Sender>);

#[derive(Debug)]
struct Sender {
    ssrc: u32,
    newest: u32,
    /// Bit `n` is set when `newest - n` was received.
    received: u64,
}

impl SrtcpReplay {
    /// Whether the packet is neither a repeat nor too old to tell.
    pub fn accepts(&self, claim: SrtcpClaim) -> bool {
        let Some(sender) = self.0.iter().find(|s| s.ssrc == claim.ssrc) else {
            return true;
        };
        match sender.newest.checked_sub(claim.index) {
            None => true,
            Some(behind) => behind < u64::BITS && sender.received & (1 << behind) == 0,
        }
    }

    /// Notes a packet that was accepted and is authentic.
    pub fn record(&mut self, claim: SrtcpClaim) {
        let Some(sender) = self.0.iter_mut().find(|s| s.ssrc == claim.ssrc) else {
            if self.0.len() == SENDERS_MAX {
                self.0.remove(0);
            }
            self.0.push(Sender {
                ssrc: claim.ssrc,
                newest: claim.index,
                received: 1,
            });
            return;
        };
        if let Some(behind) = sender.newest.checked_sub(claim.index) {
            sender.received |= 1_u64.checked_shl(behind).unwrap_or(0);
        } else {
            let ahead = claim.index - sender.newest;
            sender.received = sender.received.checked_shl(ahead).unwrap_or(0) | 1;
            sender.newest = claim.index;
        }
    }
}
