//! What headless users write: texts that say who sent them and when, and the order in which a channel's messages must arrive.

/// In front of every text, so that somebody else's message isn't taken for one of these.
const MARK: &str = "zzan-loadtest";

/// The origin of a message, in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub user: u32,
    /// Microseconds since the run's start.
    pub sent_us: u64,
}

impl Line {
    /// A text of this many bytes, or as few as it takes.
    pub fn text(self, bytes: u32) -> String {
        let mut text = format!("{MARK} {} {} ", self.user, self.sent_us);
        while text.len() < bytes as usize {
            text.push('z');
        }
        text
    }

    /// Reads a text back; `None` for one that no headless user wrote.
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.strip_prefix(MARK)?.split_ascii_whitespace();
        Some(Self { user: words.next()?.parse().ok()?, sent_us: words.next()?.parse().ok()? })
    }
}

/// The numbers of a channel's messages, as one connection sees them: each is one more than the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Order {
    next: Option<u64>,
}

impl Order {
    /// How many messages are missing before this one.
    pub fn saw(&mut self, seq: u64) -> u64 {
        let missed = self.next.map_or(0, |next| seq.saturating_sub(next));
        self.next = Some(self.next.unwrap_or(0).max(seq.saturating_add(1)));
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_its_length_and_reads_back() {
        let line = Line { user: 3_999, sent_us: 3_600_000_000 };
        for bytes in [60, 80, 4_000] {
            let text = line.text(bytes);
            assert_eq!((text.len(), Line::read(&text)), (bytes as usize, Some(line)));
        }
        for text in ["", "안녕", "zzan-loadtest", "zzan-loadtest 1", "zzan-loadtest a b c"] {
            assert_eq!(Line::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_gap_in_the_order_is_as_many_messages_as_it_leaves_out() {
        let mut order = Order::default();
        let missed: Vec<_> = [7, 8, 11, 11, 12].into_iter().map(|seq| order.saw(seq)).collect();
        assert_eq!(missed, [0, 0, 2, 0, 0], "a connection begins anywhere, and a message that comes twice is no gap");
    }
}
