//! What every store promises of meeting notes.

use super::{at_once, millis, nonce, user};
use crate::store::{NewLine, NoteLine, NoteRecord, Store};
use crate::{ChannelId, NoteId};
use std::sync::Arc;

fn note(id: &str, channel: &str, age_ms: u64) -> NoteRecord {
    NoteRecord {
        id: NoteId::new(id),
        channel: ChannelId::new(channel),
        name: format!("회의 {id} 📝"),
        started_by: user("ann"),
        started_at: millis(age_ms),
        ended_at: None,
        lines: 0,
    }
}

fn line(note: &str, channel: &str, speaker: &str, key: &str) -> NewLine {
    NewLine {
        channel: ChannelId::new(channel),
        note: NoteId::new(note),
        nonce: nonce(key),
        speaker: user(speaker),
        text: format!("{speaker} said {key} 건배\n"),
        at: millis(9),
    }
}

/// Two notes of one channel, of which one has ended, and one of another.
pub(super) async fn fill(store: &dyn Store) {
    for (id, channel) in [("n1", "c"), ("n2", "c"), ("n0", "d")] {
        store.start_note(note(id, channel, 1)).await.unwrap();
        for key in 0..5 {
            store.append_note(line(id, channel, &format!("s{}", key % 2), &key.to_string())).await.unwrap().unwrap();
        }
        if id == "n1" {
            store.end_note(&ChannelId::new(channel), &NoteId::new(id), millis(9)).await.unwrap().unwrap();
        }
    }
}

/// The notes that [`fill`] made, each with its lines, and whether a retry of one is known.
pub(super) async fn of_all_channels(store: &dyn Store) -> Vec<(NoteRecord, Vec<NoteLine>, Option<NoteLine>)> {
    let mut found = vec![];
    for channel in ["c", "d"] {
        for note in store.notes(&ChannelId::new(channel), None, 10).await.unwrap() {
            let lines = store.note_lines(&note.id, 0, 100).await.unwrap();
            let again = store.append_note(line(note.id.as_str(), channel, "s1", "3")).await.unwrap();
            found.push((note, lines, again));
        }
    }
    assert_eq!(found.len(), 3);
    found
}

/// Whoever comes first starts it; after its end another one can begin.
pub async fn a_channel_has_one_note_at_a_time(store: Arc<dyn Store>) {
    let started = at_once(8, |index| {
        let store = store.clone();
        async move { store.start_note(note(&format!("n{index}"), "c", index as u64)).await.unwrap() }
    })
    .await;
    assert!(started.iter().all(|note| *note == started[0]), "{started:?}");
    let (channel, first) = (ChannelId::new("c"), started[0].id.clone());
    let other = note("other channel's", "d", 1);
    assert_eq!(store.start_note(other.clone()).await.unwrap(), other);
    let ended = store.end_note(&channel, &first, millis(50)).await.unwrap().unwrap();
    assert_eq!(ended.ended_at, Some(millis(50)));
    assert_eq!(store.end_note(&channel, &first, millis(60)).await.unwrap(), Some(ended.clone()), "the first end counts");
    assert_eq!(store.end_note(&ChannelId::new("d"), &first, millis(60)).await.unwrap(), None, "another channel's");
    let second = note("second", "c", 100);
    assert_eq!(store.start_note(second.clone()).await.unwrap(), second);
    assert_eq!(store.notes(&channel, None, 10).await.unwrap(), [second.clone(), ended.clone()]);
    assert_eq!(store.notes(&channel, Some(millis(100)), 10).await.unwrap(), [ended]);
    assert_eq!(store.notes(&channel, None, 1).await.unwrap(), [second]);
    assert_eq!(store.note(&ChannelId::new("d"), &first).await.unwrap(), None);
}

/// However many speak at once, and however often each repeats itself.
pub async fn lines_of_a_note_are_contiguous_and_stored_once(store: Arc<dyn Store>) {
    store.start_note(note("n", "c", 1)).await.unwrap();
    let said = at_once(40, |index| {
        let store = store.clone();
        async move { store.append_note(line("n", "c", &format!("s{}", index % 4), &format!("{}", index / 8))).await.unwrap().unwrap() }
    })
    .await;
    let lines = store.note_lines(&NoteId::new("n"), 0, 100).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    assert!(said.iter().all(|said| lines.contains(said)), "{said:?}");
    assert_eq!(store.note_lines(&NoteId::new("n"), 18, 100).await.unwrap(), lines[18..]);
    assert_eq!(store.note_lines(&NoteId::new("n"), 0, 3).await.unwrap(), lines[..3]);
    assert_eq!(store.note(&ChannelId::new("c"), &NoteId::new("n")).await.unwrap().unwrap().lines, 20);
}

/// Not even by a late speaker; a retry of what was in time finds its line.
pub async fn nothing_is_added_to_a_note_that_has_ended(store: Arc<dyn Store>) {
    store.start_note(note("n", "c", 1)).await.unwrap();
    let said: NoteLine = store.append_note(line("n", "c", "s", "1")).await.unwrap().unwrap();
    store.end_note(&ChannelId::new("c"), &NoteId::new("n"), millis(10)).await.unwrap();
    assert_eq!(store.append_note(line("n", "c", "s", "2")).await.unwrap(), None);
    assert_eq!(store.append_note(line("n", "c", "s", "1")).await.unwrap(), Some(said.clone()));
    assert_eq!(store.append_note(line("n", "d", "s", "3")).await.unwrap(), None, "another channel's");
    assert_eq!(store.note_lines(&NoteId::new("n"), 0, 10).await.unwrap(), [said]);
}
