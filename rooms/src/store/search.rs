//! Finding messages by words: the trait, and what it means that a word occurs in a text.
//!
//! There is one meaning for every store: a word occurs where its folded letters stand next to each other in the folded text, in the middle of a
//! longer word as well, since Korean puts its particles there. So every length of word is good, one letter included, and nothing in a word has
//! a meaning beyond its letters. Texts are taken as they are typed: letters that are composed in another way are other letters.

use super::StoreError;
use crate::ChannelId;
use crate::view::Message;
use async_trait::async_trait;

/// Search in the texts of messages.
///
/// # Guarantees
/// * What is found are the messages of the named channels, not deleted, in whose present text every word occurs. None is missing.
/// * An edited message is found by its new text as soon as the edit is answered, and by its old one no more.
#[async_trait]
pub trait SearchStore: Send + Sync + 'static {
    /// A page of what is found, newest first: in the reverse order of storing.
    ///
    /// # Errors
    /// `Unsupported` by a store that has no index, whatever is asked.
    async fn search(&self, search: Search) -> Result<Found, StoreError> {
        let _ = search;
        Err(StoreError::Unsupported)
    }
}

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    pub channels: Vec<ChannelId>,
    pub words: Words,
    /// Those stored before this place only; `None`: all.
    pub before: Option<SearchCursor>,
    /// At least 1.
    pub limit: u32,
}

/// A place between messages in the order of storing. Only the store that gave it knows what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchCursor(pub u64);

/// A page of found messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Newest first.
    pub messages: Vec<Message>,
    /// Where the next page begins. `None`: nothing more is found.
    pub next: Option<SearchCursor>,
}

/// Folded words, each once. Never empty words, though there may be none at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// What stands between white space.
    pub fn of(text: &str) -> Self {
        let mut words: Vec<String> = fold(text).split_whitespace().map(str::to_owned).collect();
        words.sort();
        words.dedup();
        Self(words)
    }

    /// The words.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether every word occurs in `text`.
    pub fn occur_in(&self, text: &str) -> bool {
        let folded = fold(text);
        self.iter().all(|word| folded.contains(word))
    }
}

/// A text as words are looked for in it: each letter in lower case, by itself.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_each_stands_once() {
        assert_eq!(Words::of("  맥주 BEER\tbeer\n ÉTÉ ").iter().collect::<Vec<_>>(), ["beer", "été", "맥주"]);
        assert_eq!(Words::of(" \n").iter().len(), 0);
    }

    #[test]
    fn every_word_has_to_occur_anywhere() {
        let text = "내일 막걸리를 마시자, Cheers!";
        for good in ["막걸리", "리를 내일", "걸", "CHEERS!", "자,"] {
            assert!(Words::of(good).occur_in(text), "{good}");
        }
        for bad in ["막걸리 맥주", "막 걸리 다", "일막", "cheer?"] {
            assert!(!Words::of(bad).occur_in(text), "{bad}");
        }
    }
}
