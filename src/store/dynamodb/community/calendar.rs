//! Entries of calendars, and what is due of them.
//!
//! An entry stands where its time sorts it; a row at its id says which time that is, and one among the reminders of all servers when it is due.
//! Invariant: the three change in one transaction, on the number of changes in the row at the id.

use super::meta;
use super::rows::{MetaRow, ReminderRow, ScheduleOfRow, ScheduleRow};
use crate::store::dynamodb::call::{Call, Committed, Failure, Order, Pause};
use crate::store::dynamodb::keys::{self, DUE_SHARDS};
use crate::store::dynamodb::write::{ABSENT, Write, number, text};
use crate::store::sqlite::to_ns;
use ::rooms::store::ScheduleRecord;
use ::rooms::{ScheduleId, ServerId};
use futures_util::future::try_join_all;
use std::ops::Range;
use std::time::SystemTime;

pub(super) async fn put(call: &Call<'_>, schedule: &ScheduleRecord) -> Result<(), Failure> {
    let mut pause = Pause::default();
    loop {
        let Some(meta) = meta(call, &schedule.server).await? else { return Ok(()) };
        let before: Option<ScheduleOfRow> = call.get(&keys::schedule(&meta.home, &schedule.id)).await?;
        if let Committed::Done = call.commit(&replaced(&meta, &schedule.server, before.as_ref(), ScheduleRow::new(schedule))?).await? {
            return Ok(());
        }
        pause.wait().await;
    }
}

/// What puts an entry in place of the one before.
fn replaced(meta: &MetaRow, server: &ServerId, before: Option<&ScheduleOfRow>, row: ScheduleRow) -> Result<Vec<Write>, Failure> {
    let (id, home) = (ScheduleId::new(row.id.as_str()), &meta.home);
    let rev = before.map_or(0, |before| before.rev);
    let of = Write::put(keys::schedule(home, &id), &ScheduleOfRow { starts_at: row.starts_at, remind_at: row.remind_at, rev: rev + 1 })?;
    let mut writes = vec![
        if before.is_some() { of.only_if("#rev = :was").with("was", number(rev)) } else { of.only_if(ABSENT) },
        Write::put(keys::schedule_at(home, row.starts_at, &id), &row)?,
    ];
    if let Some(before) = before.filter(|before| before.starts_at != row.starts_at) {
        writes.push(Write::delete(keys::schedule_at(home, before.starts_at, &id)));
    }
    let was_at = before.and_then(|before| before.remind_at);
    if let Some(remind_at) = was_at.filter(|was_at| Some(*was_at) != row.remind_at) {
        writes.push(Write::delete(keys::reminder(remind_at, &id, server)));
    }
    if let Some(remind_at) = row.remind_at {
        let (server_id, home, schedule) = (server.to_string(), home.clone(), row.id.clone());
        let reminder = ReminderRow { server: server_id, home, schedule, starts_at: row.starts_at, remind_at };
        writes.push(Write::put(keys::reminder(remind_at, &id, server), &reminder)?);
    }
    Ok(writes)
}

/// The row at the id, and the entry.
async fn read(call: &Call<'_>, meta: &MetaRow, id: &ScheduleId) -> Result<Option<(ScheduleOfRow, ScheduleRow)>, Failure> {
    let mut pause = Pause::default();
    loop {
        let Some(of) = call.get::<ScheduleOfRow>(&keys::schedule(&meta.home, id)).await? else { return Ok(None) };
        let row: Option<ScheduleRow> = call.get(&keys::schedule_at(&meta.home, of.starts_at, id)).await?;
        if let Some(row) = row {
            return Ok(Some((of, row)));
        }
        // It was moved in between.
        pause.wait().await;
    }
}

pub(super) async fn find(call: &Call<'_>, server: &ServerId, id: &ScheduleId) -> Result<Option<ScheduleRecord>, Failure> {
    let Some(meta) = meta(call, server).await? else { return Ok(None) };
    Ok(read(call, &meta, id).await?.map(|(_, row)| row.schedule(server)))
}

pub(super) async fn delete(call: &Call<'_>, server: &ServerId, id: &ScheduleId) -> Result<bool, Failure> {
    let mut pause = Pause::default();
    loop {
        let Some(meta) = meta(call, server).await? else { return Ok(false) };
        let Some(of) = call.get::<ScheduleOfRow>(&keys::schedule(&meta.home, id)).await? else { return Ok(false) };
        let mut writes = vec![
            Write::delete(keys::schedule(&meta.home, id)).only_if("#rev = :was").with("was", number(of.rev)),
            Write::delete(keys::schedule_at(&meta.home, of.starts_at, id)),
        ];
        writes.extend(of.remind_at.map(|remind_at| Write::delete(keys::reminder(remind_at, id, server))));
        if let Committed::Done = call.commit(&writes).await? {
            return Ok(true);
        }
        pause.wait().await;
    }
}

pub(super) async fn list(call: &Call<'_>, server: &ServerId, range: Range<SystemTime>) -> Result<Vec<ScheduleRecord>, Failure> {
    let Some(meta) = meta(call, server).await? else { return Ok(vec![]) };
    let span = keys::schedules(&meta.home, to_ns(range.start).max(0), to_ns(range.end).max(0));
    let rows: Vec<ScheduleRow> = call.query(&span, Order::OldestFirst, usize::MAX).await?;
    let mut found: Vec<ScheduleRecord> = rows.into_iter().map(|row| row.schedule(server)).collect();
    found.sort_by(|a, b| (a.starts_at, &a.id).cmp(&(b.starts_at, &b.id)));
    Ok(found)
}

pub(super) async fn due(call: &Call<'_>, now: SystemTime, limit: u32) -> Result<Vec<ScheduleRecord>, Failure> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    loop {
        let spans: Vec<_> = (0..DUE_SHARDS).map(|shard| keys::reminders(shard, to_ns(now))).collect();
        let shards = try_join_all(spans.iter().map(|span| call.query::<ReminderRow>(span, Order::OldestFirst, limit))).await?;
        let mut rows: Vec<ReminderRow> = shards.into_iter().flatten().collect();
        rows.sort_by(|a, b| (a.remind_at, &a.schedule).cmp(&(b.remind_at, &b.schedule)));
        rows.truncate(limit);
        let found = try_join_all(rows.iter().map(|row| reminded(call, row))).await?;
        let orphans: Vec<&ReminderRow> = rows.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(row, _)| row).collect();
        if orphans.is_empty() {
            return Ok(found.into_iter().flatten().collect());
        }
        // Of deleted servers; they would be in the way of others for ever.
        for row in orphans {
            let (id, server) = (ScheduleId::new(row.schedule.as_str()), ServerId::new(row.server.as_str()));
            let gone = Write::delete(keys::reminder(row.remind_at, &id, &server))
                .only_if("#home = :home AND #starts_at = :starts_at")
                .with("home", text(&row.home))
                .with("starts_at", number(row.starts_at));
            call.write(&gone).await?;
        }
    }
}

/// The entry that a reminder is of. `None` when its server is deleted.
async fn reminded(call: &Call<'_>, reminder: &ReminderRow) -> Result<Option<ScheduleRecord>, Failure> {
    let (server, id) = (ServerId::new(reminder.server.as_str()), ScheduleId::new(reminder.schedule.as_str()));
    let meta = meta(call, &server).await?.filter(|meta| meta.home == reminder.home);
    let Some(meta) = meta else { return Ok(None) };
    let row: Option<ScheduleRow> = call.get(&keys::schedule_at(&meta.home, reminder.starts_at, &id)).await?;
    Ok(row.map(|row| row.schedule(&server)))
}

pub(super) async fn take(call: &Call<'_>, schedule: &ScheduleRecord) -> Result<bool, Failure> {
    let mut pause = Pause::default();
    loop {
        let Some(meta) = meta(call, &schedule.server).await? else { return Ok(false) };
        let Some((of, row)) = read(call, &meta, &schedule.id).await? else { return Ok(false) };
        if row.remind_at.is_none() || row != ScheduleRow::new(schedule) {
            return Ok(false);
        }
        let taken = replaced(&meta, &schedule.server, Some(&of), row.without_reminder())?;
        if let Committed::Done = call.commit(&taken).await? {
            return Ok(true);
        }
        pause.wait().await;
    }
}
