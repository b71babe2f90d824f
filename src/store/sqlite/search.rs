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
//! Sending indexes nothing: FTS5 writes a segment at each savepoint, which would cost a message several times what it costs itself. The writer
//! indexes many at once when so many have come, and until then a search reads those: it misses nothing, and no search waits for an index.
//!
//! ```text
//! ordinals:   1 … indexed | indexed + 1 … newest
//!             the index   | fewer than a piece, read text by text
//! ```
//! Invariant: the index has a row for each message up to `indexed` that has a text, under the message's `ordinal`, which grows in the order of
//! storing; and none for those above.

use super::Failure;
use super::messages::{by_ordinal, message, newest_ordinal, number, signed};
use ::rooms::ChannelId;
use ::rooms::store::{Found, Search, SearchCursor, fold};
use ::rooms::view::Message;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, params};
use std::collections::HashMap;

/// Messages that are indexed at once, some 20 ms for which whoever writes meanwhile waits. More share the cost of a segment better, but a search
/// has up to as many texts to read.
pub(super) const PIECE_MESSAGES: u32 = 1_024;

/// The functions by which a migration indexes what earlier versions stored: `search_channel(id)` and `search_pairs(text)`.
pub(super) fn define_functions(db: &Connection) -> Result<(), rusqlite::Error> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    db.create_scalar_function("search_channel", 1, flags, |context| Ok(channel_token(&context.get::<String>(0)?)))?;
    db.create_scalar_function("search_pairs", 1, flags, |context| Ok(pairs(&context.get::<String>(0)?)))
}

/// Indexes the next `piece` messages, once as many have come. False when they haven't.
pub(super) fn index_piece(db: &Connection, piece: u32) -> Result<bool, Failure> {
    let from = indexed(db)?;
    let to = from + i64::from(piece);
    if newest_ordinal(db)? < to {
        return Ok(false);
    }
    let mut texts =
        db.prepare_cached("SELECT ordinal, channel, text FROM messages WHERE ordinal > ?1 AND ordinal <= ?2 ORDER BY ordinal")?;
    let mut rows = texts.query([from, to])?;
    while let Some(row) = rows.next()? {
        index(db, row.get(0)?, &row.get::<_, String>(1)?, &row.get::<_, String>(2)?)?;
    }
    db.prepare_cached("UPDATE search_progress SET indexed = ?1")?.execute([to])?;
    Ok(true)
}

/// The ordinal of the newest message that the index may know.
pub(super) fn indexed(db: &Connection) -> Result<i64, Failure> {
    Ok(db.prepare_cached("SELECT indexed FROM search_progress")?.query_row([], |row| row.get(0))?)
}

/// The message is found by this text, and by no other.
pub(super) fn replace(db: &Connection, ordinal: i64, channel: &ChannelId, text: &str) -> Result<(), Failure> {
    if ordinal > indexed(db)? {
        return Ok(());
    }
    db.prepare_cached("DELETE FROM message_search WHERE rowid = ?1")?.execute([ordinal])?;
    index(db, ordinal, channel.as_str(), text)
}

/// A message without text isn't indexed.
fn index(db: &Connection, ordinal: i64, channel: &str, text: &str) -> Result<(), Failure> {
    let pairs = pairs(text);
    if !pairs.is_empty() {
        db.prepare_cached("INSERT INTO message_search (rowid, channel, pairs) VALUES (?1, ?2, ?3)")?.execute(params![
            ordinal,
            channel_token(channel),
            pairs
        ])?;
    }
    Ok(())
}

pub(super) fn search(db: &Connection, search: &Search) -> Result<Found, Failure> {
    let nothing = Found { messages: vec![], next: None };
    let Some(query) = query(search) else { return Ok(nothing) };
    // One more than the page, to know whether there is a next one.
    let wanted = search.limit as usize + 1;
    let indexed = indexed(db)?;
    let mut found = in_texts(db, search, indexed, wanted)?;
    if found.len() < wanted {
        found.extend(in_index(db, &query, before(search).min(indexed + 1), wanted - found.len())?);
    }
    let more = found.len() == wanted;
    found.truncate(search.limit as usize);
    let next = match found.last() {
        Some((last, _)) if more => Some(SearchCursor(number(*last)?)),
        Some(_) | None => None,
    };
    Ok(Found { messages: found.into_iter().map(|(_, message)| message).collect(), next })
}

/// Among the messages above `indexed`, newest first: each with its ordinal.
fn in_texts(db: &Connection, search: &Search, indexed: i64, wanted: usize) -> Result<Vec<(i64, Message)>, Failure> {
    let mut places =
        db.prepare_cached("SELECT ordinal, channel, seq FROM messages WHERE ordinal > ?1 AND ordinal < ?2 ORDER BY ordinal DESC")?;
    let mut rows = places.query([indexed, before(search)])?;
    let channels: HashMap<&str, &ChannelId> = search.channels.iter().map(|channel| (channel.as_str(), channel)).collect();
    let mut found = vec![];
    while let Some(row) = rows.next()?
        && found.len() < wanted
    {
        let Some(channel) = channels.get(&*row.get::<_, String>(1)?) else { continue };
        if let Some(message) = message(db, channel, number(row.get(2)?)?)?.filter(|message| search.words.occur_in(&message.text)) {
            found.push((row.get(0)?, message));
        }
    }
    Ok(found)
}

/// Among the messages below `before`, newest first: each with its ordinal.
fn in_index(db: &Connection, query: &str, before: i64, wanted: usize) -> Result<Vec<(i64, Message)>, Failure> {
    let ordinals = db
        .prepare_cached("SELECT rowid FROM message_search WHERE message_search MATCH ?1 AND rowid < ?2 ORDER BY rowid DESC LIMIT ?3")?
        .query_map(params![query, before, wanted as i64], |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    let message = |ordinal| Ok(by_ordinal(db, ordinal)?.map(|message| (ordinal, message)));
    ordinals.into_iter().map(message).filter_map(Result::transpose).collect()
}

fn before(search: &Search) -> i64 {
    search.before.map_or(i64::MAX, |SearchCursor(before)| signed(before))
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
    let mut tokens = String::with_capacity(folded.len() * 9);
    for word in folded.split_whitespace() {
        let mut letters = word.chars().map(token).peekable();
        while let Some(letter) = letters.next() {
            tokens.extend(letter);
            if let Some(next) = letters.peek() {
                tokens.extend(next);
            }
            tokens.push(' ');
        }
    }
    tokens
}

/// What is asked for a word that is folded already: its pairs in a row, or for one letter, tokens that begin with it.
fn phrase(word: &str) -> String {
    let letters: Vec<[char; 4]> = word.chars().map(token).collect();
    let mut phrase = String::from("\"");
    if let [letter] = letters[..] {
        phrase.extend(letter);
        return phrase + "\" *";
    }
    for pair in letters.windows(2) {
        phrase.extend(pair.as_flattened());
        phrase.push(' ');
    }
    phrase + "\""
}

/// Half a token: four digits of base 36 have room for every code point.
fn token(letter: char) -> [char; 4] {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let code = u32::from(letter);
    [code / (36 * 36 * 36), code / (36 * 36) % 36, code / 36 % 36, code % 36].map(|digit| char::from(DIGITS[digit as usize]))
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
