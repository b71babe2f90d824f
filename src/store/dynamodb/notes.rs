//! Meeting notes as rows.
//!
//! Each function is one operation of the store. Invariants: the number of lines of a note is that of its last line, because both are written in one
//! transaction; a note that hasn't ended is named by one row of its channel's log, so that there is one at most.

use super::call::{Call, Committed, Failure, Order, Pause, record};
use super::channels::{Channel, Channels};
use super::records::{NoteLineRow, NoteListRow, NoteRow, SeqRow};
use super::write::{ABSENT, Write, number, text};
use super::{DynamoDb, keys, logs};
use crate::store::sqlite::to_ns;
use async_trait::async_trait;
use futures_util::future::try_join_all;
use rooms::store::{NewLine, NoteLine, NoteRecord, NoteStore, StoreError};
use rooms::{ChannelId, NoteId};
use std::sync::Arc;
use std::time::SystemTime;

#[async_trait]
impl NoteStore for DynamoDb {
    async fn start_note(&self, note: NoteRecord) -> Result<NoteRecord, StoreError> {
        let call = self.db.call("start_note");
        call.run(self.settled(|| start(&call, &self.channels, &note))).await
    }

    async fn append_note(&self, line: NewLine) -> Result<Option<NoteLine>, StoreError> {
        let call = self.db.call("append_note");
        call.run(self.settled(|| append(&call, &self.channels, &line))).await
    }

    async fn end_note(&self, channel: &ChannelId, note: &NoteId, at: SystemTime) -> Result<Option<NoteRecord>, StoreError> {
        let call = self.db.call("end_note");
        call.run(self.settled(|| end(&call, &self.channels, channel, note, at))).await
    }

    async fn note(&self, channel: &ChannelId, note: &NoteId) -> Result<Option<NoteRecord>, StoreError> {
        let call = self.db.call("note");
        let found = self.settled(|| async {
            let (_, row) = of_channel(&call, &self.channels, channel, note).await?;
            Ok(row.map(NoteRow::note))
        });
        call.run(found).await
    }

    async fn notes(&self, channel: &ChannelId, before: Option<SystemTime>, limit: u32) -> Result<Vec<NoteRecord>, StoreError> {
        let call = self.db.call("notes");
        call.run(self.settled(|| list(&call, &self.channels, channel, before, limit))).await
    }

    async fn note_lines(&self, note: &NoteId, after: u64, limit: u32) -> Result<Vec<NoteLine>, StoreError> {
        let call = self.db.call("note_lines");
        call.run(lines(&call, note, after, limit)).await
    }
}

/// A note, if it is one of this channel as it is now.
async fn of_channel(
    call: &Call<'_>,
    channels: &Channels,
    channel: &ChannelId,
    note: &NoteId,
) -> Result<(Arc<Channel>, Option<NoteRow>), Failure> {
    let state = channels.of(call, channel).await?;
    let key = keys::note(note);
    let (row, ()) = tokio::try_join!(call.get::<NoteRow>(&key), state.is_current(call))?;
    let row = row.filter(|row| row.channel == channel.as_str() && row.log == state.log.as_str());
    Ok((state, row))
}

async fn start(call: &Call<'_>, channels: &Channels, note: &NoteRecord) -> Result<NoteRecord, Failure> {
    let state = channels.of(call, &note.channel).await?;
    state.is_current(call).await?;
    let row = NoteRow::new(note, &state.log);
    let listed = NoteListRow { note: note.id.to_string(), started_at: to_ns(note.started_at) };
    let writes = [
        Write::update(keys::open_note(&state.log)).set("note", text(note.id.as_str())).only_if("attribute_not_exists(#note)"),
        Write::put(keys::note(&note.id), &row)?.only_if(ABSENT),
        Write::put(keys::listed_note(&state.log, listed.started_at, &note.id), &listed)?,
    ];
    let mut pause = Pause::default();
    loop {
        if let Committed::Done = call.commit(&writes).await? {
            return Ok(note.clone());
        }
        let open: Option<OpenNote> = call.get(&keys::open_note(&state.log)).await?;
        if let Some(open) = open {
            let row: Option<NoteRow> = call.get(&keys::note(&NoteId::new(open.note))).await?;
            return row.map(NoteRow::note).ok_or(Failure::Unreadable("an open note that isn't there"));
        }
        if call.get::<NoteRow>(&keys::note(&note.id)).await?.is_some() {
            return Err(Failure::Unavailable("a note has this id".into()));
        }
        // It ended in between.
        pause.wait().await;
    }
}

#[derive(serde::Deserialize)]
struct OpenNote {
    note: String,
}

async fn append(call: &Call<'_>, channels: &Channels, new: &NewLine) -> Result<Option<NoteLine>, Failure> {
    let _turn = call.db.lines.turn(new.note.as_str()).await?;
    let mut pause = Pause::default();
    let nonce = keys::note_nonce(&new.note, &new.speaker.id, &new.nonce);
    loop {
        let ((_, row), said) = tokio::try_join!(of_channel(call, channels, &new.channel, &new.note), call.get::<SeqRow>(&nonce))?;
        let Some(row) = row else { return Ok(None) };
        if let Some(said) = said {
            let line: Option<NoteLineRow> = call.get(&keys::note_line(&new.note, said.seq)).await?;
            return line.map(NoteLineRow::line).map(Some).ok_or(Failure::Unreadable("a nonce without its line"));
        }
        if row.has_ended() {
            return Ok(None);
        }
        let line = NoteLine { seq: row.lines + 1, speaker: new.speaker.clone(), text: new.text.clone(), at: new.at };
        let writes = [
            Write::update(keys::note(&new.note))
                .set("lines", number(line.seq))
                .only_if("#lines = :was AND attribute_not_exists(#ended_at)")
                .with("was", number(row.lines)),
            Write::put(keys::note_line(&new.note, line.seq), &NoteLineRow::new(&line, &new.nonce))?.only_if(ABSENT),
            Write::update(nonce.clone()).set("seq", number(line.seq)).only_if(ABSENT),
        ];
        if let Committed::Done = call.commit(&writes).await? {
            return Ok(Some(line));
        }
        pause.wait().await;
    }
}

async fn end(
    call: &Call<'_>,
    channels: &Channels,
    channel: &ChannelId,
    note: &NoteId,
    at: SystemTime,
) -> Result<Option<NoteRecord>, Failure> {
    let mut pause = Pause::default();
    loop {
        let (state, row) = of_channel(call, channels, channel, note).await?;
        let Some(row) = row else { return Ok(None) };
        if row.has_ended() {
            return Ok(Some(row.note()));
        }
        let lines = row.lines;
        let writes = [
            Write::update(keys::note(note))
                .set("ended_at", number(to_ns(at)))
                .only_if("#lines = :was AND attribute_not_exists(#ended_at)")
                .with("was", number(lines)),
            Write::delete(keys::open_note(&state.log)).only_if("#note = :note").with("note", text(note.as_str())),
        ];
        if let Committed::Done = call.commit(&writes).await? {
            return Ok(Some(NoteRecord { ended_at: Some(at), ..row.note() }));
        }
        pause.wait().await;
    }
}

async fn list(
    call: &Call<'_>,
    channels: &Channels,
    channel: &ChannelId,
    before: Option<SystemTime>,
    limit: u32,
) -> Result<Vec<NoteRecord>, Failure> {
    let state = channels.of(call, channel).await?;
    let span = keys::listed_notes(&state.log, before.map(to_ns));
    let listed = call.query::<NoteListRow>(&span, Order::NewestFirst, usize::try_from(limit).unwrap_or(usize::MAX));
    let (listed, ()) = tokio::try_join!(listed, state.is_current(call))?;
    let rows = listed.iter().map(|listed| async { call.item(&keys::note(&NoteId::new(listed.note.as_str()))).await });
    let rows = try_join_all(rows).await?.into_iter().flatten();
    rows.map(|row| record::<NoteRow>(row).map(NoteRow::note)).collect()
}

async fn lines(call: &Call<'_>, note: &NoteId, after: u64, limit: u32) -> Result<Vec<NoteLine>, Failure> {
    let Some(row) = call.get::<NoteRow>(&keys::note(note)).await? else { return Ok(vec![]) };
    let (channel, span) = (ChannelId::new(row.channel), keys::note_lines_above(note, after));
    let lines = call.query::<NoteLineRow>(&span, Order::OldestFirst, usize::try_from(limit).unwrap_or(usize::MAX));
    let (log, lines) = tokio::try_join!(logs::of(call, &channel), lines)?;
    // Those of a removed channel are not there.
    let is_kept = log.as_str() == row.log;
    Ok(lines.into_iter().filter(|_| is_kept).map(NoteLineRow::line).collect())
}
