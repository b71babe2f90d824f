//! Search by an FTS5 index of letter pairs.
//!
//! A text is indexed as the pairs of neighbouring letters of its words, each pair one token, and a word is asked for as the phrase of its pairs:
//! so every substring of two letters and more is one look-up in the index, in Korean as in English, which the common trigrams can't do for
//! Korean's many words of two. One letter is asked for as the beginning of a pair. Letters are written as four digits of base 36 each, so that no
//! text can be taken for a query, and no tokenizer has an opinion.
//!
//! ```text
//! "막걸리 ok"  →  막걸 걸리 리 ok k          "걸리" asks for 걸리,  "걸" for 걸*
//! ```
//! Invariant: the index has a row for each message that has a text, under the message's `ordinal`, which grows in the order of storing.

use super::Failure;
use super::messages::{by_ordinal, number, signed};
use ::rooms::ChannelId;
use ::rooms::store::{Found, Search, SearchCursor, fold};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, params};

/// The functions by which a migration indexes what earlier versions stored: `search_channel(id)` and `search_pairs(text)`.
pub(super) fn define_functions(db: &Connection) -> Result<(), rusqlite::Error> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    db.create_scalar_function("search_channel", 1, flags, |context| Ok(channel_token(&context.get::<String>(0)?)))?;
    db.create_scalar_function("search_pairs", 1, flags, |context| Ok(pairs(&context.get::<String>(0)?)))
}

/// A message without text isn't indexed.
pub(super) fn index(db: &Connection, ordinal: i64, channel: &ChannelId, text: &str) -> Result<(), Failure> {
    let pairs = pairs(text);
    if !pairs.is_empty() {
        db.prepare_cached("INSERT INTO message_search (rowid, channel, pairs) VALUES (?1, ?2, ?3)")?.execute(params![
            ordinal,
            channel_token(channel.as_str()),
            pairs
        ])?;
    }
    Ok(())
}

/// The message is found no more.
pub(super) fn remove(db: &Connection, ordinal: i64) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM message_search WHERE rowid = ?1")?.execute([ordinal])?;
    Ok(())
}

pub(super) fn search(db: &Connection, search: &Search) -> Result<Found, Failure> {
    let nothing = Found { messages: vec![], next: None };
    let Some(query) = query(search) else { return Ok(nothing) };
    let before = search.before.map_or(i64::MAX, |SearchCursor(before)| signed(before));
    let mut ordinals = db
        .prepare_cached("SELECT rowid FROM message_search WHERE message_search MATCH ?1 AND rowid < ?2 ORDER BY rowid DESC LIMIT ?3")?
        .query_map(params![query, before, i64::from(search.limit) + 1], |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    let more = ordinals.len() > search.limit as usize;
    ordinals.truncate(search.limit as usize);
    let next = match ordinals.last() {
        Some(last) if more => Some(SearchCursor(number(*last)?)),
        Some(_) | None => None,
    };
    let messages = ordinals.into_iter().map(|ordinal| by_ordinal(db, ordinal)).filter_map(Result::transpose).collect::<Result<_, _>>()?;
    Ok(Found { messages, next })
}

/// `None` where nothing can be found.
fn query(Search { channels, words, .. }: &Search) -> Option<String> {
    let quoted = |token: String| format!("\"{token}\"");
    let channels: Vec<String> = channels.iter().map(|channel| quoted(channel_token(channel.as_str()))).collect();
    let words: Vec<String> = words.iter().map(phrase).collect();
    if channels.is_empty() || words.is_empty() {
        return None;
    }
    Some(format!("channel : ({}) AND pairs : ({})", channels.join(" OR "), words.join(" AND ")))
}

/// One token for any id.
fn channel_token(channel: &str) -> String {
    let hex = channel.bytes().map(|byte| format!("{byte:02x}"));
    std::iter::once("c".to_owned()).chain(hex).collect()
}

/// The tokens of a text.
fn pairs(text: &str) -> String {
    let folded = fold(text);
    let mut tokens = String::with_capacity(folded.len() * 5);
    for word in folded.split_whitespace() {
        let mut letters = word.chars().peekable();
        while let Some(letter) = letters.next() {
            push_letter(&mut tokens, letter);
            if let Some(next) = letters.peek() {
                push_letter(&mut tokens, *next);
            }
            tokens.push(' ');
        }
    }
    tokens
}

/// What is asked for a word that is folded already: its pairs in a row, or for one letter, tokens that begin with it.
fn phrase(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut phrase = String::from("\"");
    if let [letter] = letters[..] {
        push_letter(&mut phrase, letter);
        return phrase + "\" *";
    }
    for pair in letters.windows(2) {
        pair.iter().for_each(|letter| push_letter(&mut phrase, *letter));
        phrase.push(' ');
    }
    phrase + "\""
}

/// Four digits of base 36 have room for every code point.
fn push_letter(tokens: &mut String, letter: char) {
    let code = u32::from(letter);
    for place in [36 * 36 * 36, 36 * 36, 36, 1] {
        tokens.push(char::from_digit(code / place % 36, 36).unwrap_or('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_its_pairs_and_a_word_their_phrase() {
        assert_eq!(pairs("aB c"), "002p002q 002q 002r ");
        assert_eq!(phrase("ab"), "\"002p002q \"");
        assert_eq!(phrase("a"), "\"002p\" *");
        assert_eq!(pairs("\u{10ffff}"), "nvnj ");
        assert_eq!(pairs(" \n"), "");
    }
}
