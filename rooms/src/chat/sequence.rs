//! Puts stored messages of one channel into the order of their numbers, each once. Pure.
//!
//! Appends finish in any order, and one whose answer was lost may be stored all the same. So what is told next is decided by number alone:
//! the next one is told as soon as it is here, a missing one is fetched from the store, and one that was told already is not told again.
//!
//! ```text
//! told … 4 | 5 missing: its append got no answer | 6 7 held          gap = 5..6
//! ```

use crate::view::Message;
use std::collections::BTreeMap;
use std::ops::Range;

/// Messages held back behind a gap. Further ones are let go, all but the last, and fetched with the gap: the store has them.
const HELD_MESSAGES: usize = 256;

/// The order of one channel.
#[derive(Debug)]
pub(super) struct Sequence {
    next: u64,
    held: BTreeMap<u64, Message>,
}

impl Sequence {
    /// All up to `head` is told already.
    pub(super) fn after(head: u64) -> Self {
        Self { next: head + 1, held: BTreeMap::new() }
    }

    /// Takes stored messages in any order, and returns those that are due, in order.
    pub(super) fn take(&mut self, messages: impl IntoIterator<Item = Message>) -> Vec<Message> {
        let news = messages.into_iter().filter(|message| message.seq >= self.next).map(|message| (message.seq, message));
        self.held.extend(news);
        let mut due = Vec::new();
        while let Some(message) = self.held.remove(&self.next) {
            self.next += 1;
            due.push(message);
        }
        if self.held.len() > HELD_MESSAGES
            && let Some((seq, message)) = self.held.pop_last()
        {
            self.held = BTreeMap::from([(seq, message)]);
        }
        due
    }

    /// A message was edited or deleted. True when it was told already, so that the change must be: otherwise it will be told as it is now.
    pub(super) fn amend(&mut self, message: &Message) -> bool {
        if let Some(held) = self.held.get_mut(&message.seq) {
            held.clone_from(message);
        }
        message.seq < self.next
    }

    /// The numbers that are missing before the first message held.
    pub(super) fn gap(&self) -> Option<Range<u64>> {
        let (first, _) = self.held.first_key_value()?;
        Some(self.next..*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::User;
    use crate::{ChannelId, MessageId, UserId};
    use proptest::prelude::*;
    use std::time::SystemTime;

    fn message(seq: u64) -> Message {
        Message {
            id: MessageId::new(format!("m{seq}")),
            channel: ChannelId::new("c"),
            seq,
            author: User { id: UserId::new("u"), name: "u".to_owned() },
            text: String::new(),
            sent_at: SystemTime::UNIX_EPOCH,
            edited_at: None,
            deleted_at: None,
            reply_to: None,
            mentions: vec![],
            attachments: vec![],
            reactions: vec![],
        }
    }

    fn seqs(messages: &[Message]) -> Vec<u64> {
        messages.iter().map(|message| message.seq).collect()
    }

    #[test]
    fn a_message_waits_for_those_before_it() {
        let mut sequence = Sequence::after(4);
        assert_eq!(seqs(&sequence.take([message(7), message(6)])), []);
        assert_eq!(sequence.gap(), Some(5..6));
        assert_eq!(seqs(&sequence.take([message(5)])), [5, 6, 7]);
        assert_eq!(sequence.gap(), None);
        assert_eq!(seqs(&sequence.take([message(6), message(3)])), [], "told already");
    }

    #[test]
    fn a_message_that_was_changed_while_it_waited_is_told_as_it_is_now() {
        let mut sequence = Sequence::after(4);
        sequence.take([message(6)]);
        let edited = |seq| Message { text: "edited".to_owned(), ..message(seq) };
        assert!(sequence.amend(&edited(4)), "it was told");
        assert!(!sequence.amend(&edited(5)) && !sequence.amend(&edited(6)), "they will be");
        let due = sequence.take([message(5)]);
        assert_eq!(due.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["", "edited"]);
    }

    #[test]
    fn what_is_let_go_behind_a_gap_is_part_of_the_gap() {
        let mut sequence = Sequence::after(0);
        let last = HELD_MESSAGES as u64 + 2;
        assert_eq!(seqs(&sequence.take((2..=last).map(message))), []);
        assert_eq!(sequence.gap(), Some(1..last));
    }

    proptest! {
        #[test]
        fn any_order_with_repeats_comes_out_as_one_contiguous_order(order in prop::collection::vec(1u64..40, 1..200)) {
            let mut sequence = Sequence::after(0);
            let mut told = Vec::new();
            for seq in order.iter().copied() {
                told.extend(seqs(&sequence.take([message(seq)])));
            }
            while let Some(gap) = sequence.gap() {
                told.extend(seqs(&sequence.take(gap.map(message))));
            }
            let highest = order.into_iter().max().unwrap_or_default();
            prop_assert_eq!(told, (1..=highest).collect::<Vec<_>>());
        }
    }
}
