//! The cases of search, for stores that have it: [`search_conformance!`](crate::search_conformance).

use super::{delete, edit, message};
use crate::ChannelId;
use crate::store::{Edit, Found, NewMessage, Search, SearchCursor, Store, Words};
use std::sync::Arc;

/// As [`store_conformance!`](crate::store_conformance), for a store that can search.
#[macro_export]
macro_rules! search_conformance {
    ($make:path) => {
        $crate::store_conformance!($make;
            every_word_is_found_wherever_it_stands,
            nothing_in_a_word_is_more_than_its_letters,
            what_is_found_comes_newest_first_in_pages_over_channels,
            an_edited_message_is_found_by_its_new_text_and_a_deleted_one_not,
            what_was_said_in_a_removed_channel_is_found_by_no_word,
        );
    };
}

async fn write(store: &dyn Store, channel: &str, key: &str, text: &str) {
    let new = NewMessage { text: text.to_owned(), ..message(&format!("{channel} {key}"), channel, "a", key) };
    store.append(new).await.unwrap();
}

async fn find(store: &dyn Store, channels: &[&str], text: &str, before: Option<SearchCursor>, limit: u32) -> Found {
    let channels = channels.iter().map(|channel| ChannelId::new(*channel)).collect();
    store.search(Search { channels, words: Words::of(text), before, limit }).await.unwrap()
}

async fn seqs(store: &dyn Store, text: &str) -> Vec<u64> {
    let found = find(store, &["c"], text, None, 50).await;
    assert_eq!(found.next, None);
    found.messages.iter().map(|message| message.seq).collect()
}

/// Of any length, in any case, at the beginning, in the middle and at the end of another one; all of them, in any order.
pub async fn every_word_is_found_wherever_it_stands(store: Arc<dyn Store>) {
    let texts = ["오늘 막걸리 마시자", "막걸리를 마셨다", "Cheers! Prost", "ÉTÉ 2026", "막 걸리 ab bc", "🍻🍻 건배"];
    for (index, text) in texts.into_iter().enumerate() {
        write(&*store, "c", &index.to_string(), text).await;
    }
    for (text, expected) in [
        ("막걸리", &[2, 1][..]),
        ("걸리", &[5, 2, 1]),
        ("막", &[5, 2, 1]),
        ("리", &[5, 2, 1]),
        ("마시 오늘", &[1]),
        ("오늘 맥주", &[]),
        ("를", &[2]),
        ("cheers", &[3]),
        ("HEERS! pro", &[3]),
        ("e", &[3]),
        ("été", &[4]),
        ("26", &[4]),
        ("6", &[4]),
        ("abbc", &[]),
        ("bb", &[]),
        ("🍻", &[6]),
        ("🍻건", &[]),
        ("  ", &[]),
        ("", &[]),
        ("막걸리 막걸리", &[2, 1]),
    ] {
        assert_eq!(seqs(&*store, text).await, expected, "{text:?}");
    }
}

/// No quote, operator or wildcard.
pub async fn nothing_in_a_word_is_more_than_its_letters(store: Arc<dyn Store>) {
    let odd =
        ["\"", "'", "a*", "NOT", "x AND y", "(", ")", "channel:", "pairs : (", "-b", "^c", "{d}", "%", "_", "\\", "\u{0}nul", "; DROP"];
    for (index, text) in odd.into_iter().enumerate() {
        write(&*store, "c", &index.to_string(), text).await;
    }
    write(&*store, "c", "plain", "apple year").await;
    for (index, text) in odd.into_iter().enumerate() {
        let seq = index as u64 + 1;
        let found = seqs(&*store, text).await;
        assert!(found.contains(&seq), "{text:?} finds itself: {found:?}");
        let shares = |other: &&&str| Words::of(text).occur_in(other);
        assert_eq!(found.len(), odd.iter().filter(shares).count(), "{text:?}");
    }
    assert_eq!(seqs(&*store, "a* OR b").await, []);
    assert_eq!(seqs(&*store, &"\"".repeat(5_000)).await, []);
}

/// Of the named channels, whatever they are called, and of no other.
pub async fn what_is_found_comes_newest_first_in_pages_over_channels(store: Arc<dyn Store>) {
    for key in 0..5 {
        for channel in ["c", "채널 \"1\"", "other", ""] {
            write(&*store, channel, &key.to_string(), &format!("짠 {channel} {key}")).await;
        }
    }
    let channels = ["c", "채널 \"1\"", "never used"];
    let (mut before, mut pages) = (None, vec![]);
    loop {
        let Found { messages, next } = find(&*store, &channels, "짠", before, 4).await;
        pages.push(messages.into_iter().map(|message| message.text).collect::<Vec<_>>());
        before = next;
        if before.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..5).rev().flat_map(|key| ["채널 \"1\"", "c"].map(|channel| format!("짠 {channel} {key}"))).collect();
    assert_eq!(pages.concat(), expected);
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
    assert_eq!(find(&*store, &[""], "짠", None, 5).await.messages.len(), 5, "exactly a page");
    assert_eq!(find(&*store, &[""], "짠", None, 5).await.next, None);
    assert_eq!(find(&*store, &[], "짠", None, 5).await, Found { messages: vec![], next: None });
    assert_eq!(find(&*store, &["c"], "짠", Some(SearchCursor(0)), 5).await.messages, []);
}

/// A retry of either changes nothing.
pub async fn an_edited_message_is_found_by_its_new_text_and_a_deleted_one_not(store: Arc<dyn Store>) {
    for key in ["1", "2", "3"] {
        write(&*store, "c", key, "맥주").await;
        write(&*store, "c", key, "맥주").await;
    }
    for _ in 0..2 {
        let edited = store.edit(Edit { text: "소주 🍶".to_owned(), ..edit("c", 2, &[]) }).await.unwrap().unwrap();
        assert_eq!(find(&*store, &["c"], "소주", None, 5).await.messages, [edited]);
        assert_eq!(seqs(&*store, "맥주").await, [3, 1]);
    }
    store.edit(Edit { text: String::new(), ..edit("c", 3, &[]) }).await.unwrap().unwrap();
    assert_eq!(seqs(&*store, "맥주").await, [1]);
    store.edit(Edit { text: "맥주와 안주".to_owned(), ..edit("c", 3, &[]) }).await.unwrap().unwrap();
    assert_eq!(seqs(&*store, "맥주").await, [3, 1], "an edit changes no place");
    for _ in 0..2 {
        delete(&*store, "c", 1).await;
        assert_eq!(seqs(&*store, "맥주").await, [3]);
    }
}
