//! One slot's choice among the layers of its track: which it gets now, which it waits for, or none.
//!
//! It knows no bitrate; it is told how high it may go. Invariant: the layer that is forwarded changes only at a key frame.

use crate::Demand;

/// What a slot is to receive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Whichever layer's key frame comes first: none is known yet.
    #[default]
    Any,
    /// This layer.
    Layer(usize),
    /// Nothing: the client doesn't want it.
    Paused,
    /// Nothing: there isn't bandwidth for it.
    Stalled,
}

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It belongs to the layer that is forwarded.
    Forward,
    /// It starts the layer that is forwarded from now on.
    Switch,
    /// It belongs to the layer that the slot waits for, but decoding can't start with it.
    AwaitsKeyFrame,
    /// It belongs to another layer, or the slot gets nothing.
    Drop,
}

/// The state of one slot.
#[derive(Debug, Default)]
pub(crate) struct Subscription {
    pub(crate) demand: Demand,
    /// The layer that it should have, though it may not flow yet.
    pub(crate) aim: Option<usize>,
    /// It has less than its tile could use, for lack of bandwidth.
    pub(crate) limited: bool,
    /// The client was told that the SFU withholds the track.
    pub(crate) told_stalled: bool,
    choice: Choice,
    current: Option<usize>,
}

impl Subscription {
    /// Decides on a packet.
    pub(crate) fn admit(&mut self, layer: usize, starts_decoding: bool) -> Admission {
        let wanted = match self.choice {
            Choice::Any => true,
            Choice::Layer(chosen) => chosen == layer,
            Choice::Paused | Choice::Stalled => return Admission::Drop,
        };
        match (self.current == Some(layer), wanted, starts_decoding) {
            (true, _, _) => Admission::Forward,
            (false, true, true) => {
                self.current = Some(layer);
                Admission::Switch
            }
            (false, true, false) => Admission::AwaitsKeyFrame,
            (false, false, _) => Admission::Drop,
        }
    }

    /// Chooses anew. True when packets stop with it, so that the next one is a new start.
    pub(crate) fn choose(&mut self, choice: Choice) -> bool {
        self.choice = choice;
        match choice {
            Choice::Any | Choice::Layer(_) => false,
            Choice::Paused | Choice::Stalled => self.current.take().is_some(),
        }
    }

    /// The layer that is forwarded costs too much to wait for the other one's key frame.
    pub(crate) fn cut(&mut self) -> bool {
        self.current.take().is_some()
    }

    pub(crate) fn choice(&self) -> Choice {
        self.choice
    }

    /// The layer that is forwarded.
    pub(crate) fn current(&self) -> Option<usize> {
        self.current
    }

    /// The layer whose key frame the slot waits for.
    pub(crate) fn awaited(&self) -> Option<usize> {
        match self.choice {
            Choice::Layer(chosen) if self.current != Some(chosen) => Some(chosen),
            Choice::Layer(_) | Choice::Any | Choice::Paused | Choice::Stalled => None,
        }
    }

    /// Whether the SFU withholds the track for lack of bandwidth.
    pub(crate) fn is_stalled(&self) -> bool {
        self.choice == Choice::Stalled
    }

    /// The bound track pauses: the next packet is a new start.
    pub(crate) fn interrupt(&mut self) {
        self.current = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(subscription: &mut Subscription, packets: &[(usize, bool)]) -> Vec<Admission> {
        packets.iter().map(|&(layer, starts)| subscription.admit(layer, starts)).collect()
    }

    #[test]
    fn whichever_layer_comes_first_is_shown_until_one_is_chosen() {
        use Admission::*;
        let mut subscription = Subscription::default();
        assert_eq!(feed(&mut subscription, &[(0, false), (1, true), (1, false)]), [AwaitsKeyFrame, Switch, Forward]);
    }

    #[test]
    fn the_old_layer_goes_on_until_the_key_frame_of_the_new_one() {
        use Admission::*;
        let mut subscription = Subscription::default();
        subscription.choose(Choice::Layer(2));
        assert_eq!(feed(&mut subscription, &[(0, true), (2, true), (2, false)]), [Drop, Switch, Forward]);
        subscription.choose(Choice::Layer(0));
        assert_eq!(subscription.awaited(), Some(0));
        assert_eq!(feed(&mut subscription, &[(2, false), (0, false), (2, true)]), [Forward, AwaitsKeyFrame, Forward]);
        assert_eq!(feed(&mut subscription, &[(0, true), (2, false), (0, false)]), [Switch, Drop, Forward]);
        assert_eq!(subscription.awaited(), None);
    }

    #[test]
    fn a_paused_slot_gets_nothing_and_restarts_with_a_key_frame() {
        use Admission::*;
        let mut subscription = Subscription::default();
        subscription.choose(Choice::Layer(0));
        feed(&mut subscription, &[(0, true)]);
        assert!(subscription.choose(Choice::Paused));
        assert!(!subscription.choose(Choice::Stalled));
        assert_eq!(feed(&mut subscription, &[(0, true), (0, false)]), [Drop, Drop]);
        subscription.choose(Choice::Layer(0));
        assert_eq!(feed(&mut subscription, &[(0, false), (0, true)]), [AwaitsKeyFrame, Switch]);
    }
}
