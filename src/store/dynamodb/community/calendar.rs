//! Entries of calendars, and what is due of them.
//!
//! An entry is one row at its id. A reminder is a hint that stands where its time sorts it among those of all servers: it is written before the
//! entry that it is of, and counts only as long as that entry says so. Invariant: whatever dies in between, an entry that is to remind has its
//! hint; hints of others go when their time comes.

use super::meta;
use super::rows::{MetaRow, ReminderRow, ScheduleRow};
use crate::store::dynamodb::call::{Call, Committed, Failure, OPERATION_WAIT, Order, Pause, Written};
use crate::store::dynamodb::keys::{self, DUE_SHARDS};
use crate::store::dynamodb::messages::unix_s;
use crate::store::dynamodb::write::{ABSENT, Write, number, text};
use crate::store::sqlite::to_ns;
use ::rooms::store::ScheduleRecord;
use ::rooms::{ScheduleId, ServerId};
use futures_util::future::try_join_all;
use std::ops::Range;
use std::time::{Duration, SystemTime};

/// The entry of a younger hint may still be on its way: an operation ends before, and clocks of nodes differ by less.
const HINT_SETTLED: Duration = Duration::from_secs(60);
const _: () = assert!(OPERATION_WAIT.as_secs() * 4 < HINT_SETTLED.as_secs());

pub(super) async fn put(call: &Call<'_>, schedule: &ScheduleRecord) -> Result<(), Failure> {
    let mut pause = Pause::default();
    loop {
        let Some(meta) = meta(call, &schedule.server).await? else { return Ok(()) };
        let before: Option<ScheduleRow> = call.get(&keys::schedule(&meta.home, &schedule.id)).await?;
        let row = ScheduleRow::new(schedule);
        if let Some(remind_at) = row.remind_at.filter(|_| before.as_ref().and_then(|before| before.remind_at) != row.remind_at) {
            let hint = ReminderRow {
                server: schedule.server.to_string(),
                home: meta.home.clone(),
                schedule: row.id.clone(),
                remind_at,
                stamp: ::rooms::random_id("due"),
                written_at: unix_s(SystemTime::now()),
            };
            call.write(&Write::put(keys::reminder(remind_at, &schedule.id, &schedule.server), &hint)?).await?;
        }
        if let Written::Done = call.write(&replaced(&meta, before.as_ref(), row)?).await? {
            return Ok(());
        }
        pause.wait().await;
    }
}

/// What puts an entry in place of the one before.
fn replaced(meta: &MetaRow, before: Option<&ScheduleRow>, row: ScheduleRow) -> Result<Write, Failure> {
    let key = keys::schedule(&meta.home, &ScheduleId::new(row.id.as_str()));
    let write = Write::put(key, &row.after(before))?;
    Ok(match before {
        None => write.only_if(ABSENT),
        Some(before) => if_unchanged(write, before),
    })
}

fn if_unchanged(write: Write, before: &ScheduleRow) -> Write {
    write.only_if("#rev = :was").with("was", number(before.rev))
}

pub(super) async fn find(call: &Call<'_>, server: &ServerId, id: &ScheduleId) -> Result<Option<ScheduleRecord>, Failure> {
    let Some(meta) = meta(call, server).await? else { return Ok(None) };
    let row: Option<ScheduleRow> = call.get(&keys::schedule(&meta.home, id)).await?;
    Ok(row.map(|row| row.schedule(server)))
}

pub(super) async fn delete(call: &Call<'_>, server: &ServerId, id: &ScheduleId) -> Result<bool, Failure> {
    let mut pause = Pause::default();
    let mut was_there = false;
    loop {
        let Some(meta) = meta(call, server).await? else { return Ok(was_there) };
        let key = keys::schedule(&meta.home, id);
        // Gone since it was seen: by this very write, whose answer was lost, or by somebody who wanted the same.
        let Some(before) = call.get::<ScheduleRow>(&key).await? else { return Ok(was_there) };
        was_there = true;
        if let Written::Done = call.write(&if_unchanged(Write::delete(key), &before)).await? {
            return Ok(true);
        }
        pause.wait().await;
    }
}

/// All entries of the server are read: there are few, and each is written once for being changed.
pub(super) async fn list(call: &Call<'_>, server: &ServerId, range: Range<SystemTime>) -> Result<Vec<ScheduleRecord>, Failure> {
    let Some(meta) = meta(call, server).await? else { return Ok(vec![]) };
    let rows: Vec<ScheduleRow> = call.query(&keys::schedules(&meta.home), Order::OldestFirst, usize::MAX).await?;
    let mut found: Vec<ScheduleRecord> = rows.into_iter().map(|row| row.schedule(server)).collect();
    found.retain(|schedule| range.contains(&schedule.starts_at));
    found.sort_by(|a, b| (a.starts_at, &a.id).cmp(&(b.starts_at, &b.id)));
    Ok(found)
}

pub(super) async fn due(call: &Call<'_>, now: SystemTime, limit: u32) -> Result<Vec<ScheduleRecord>, Failure> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let settled = unix_s(now).saturating_sub(HINT_SETTLED.as_secs());
    // Hints in the way of due ones that can't be dropped yet.
    let mut void = 0;
    loop {
        let window = limit.saturating_add(void);
        let spans: Vec<_> = (0..DUE_SHARDS).map(|shard| keys::reminders(shard, to_ns(now))).collect();
        let shards = try_join_all(spans.iter().map(|span| call.query::<ReminderRow>(span, Order::OldestFirst, window))).await?;
        let mut hints: Vec<ReminderRow> = shards.into_iter().flatten().collect();
        hints.sort_by(|a, b| (a.remind_at, &a.schedule).cmp(&(b.remind_at, &b.schedule)));
        hints.truncate(window);
        let found = try_join_all(hints.iter().map(|hint| reminded(call, hint))).await?;
        let (dropped, kept): (Vec<_>, Vec<_>) =
            hints.iter().zip(&found).filter(|(_, found)| found.is_none()).partition(|(hint, _)| hint.written_at < settled);
        for (hint, _) in &dropped {
            drop_hint(call, hint).await?;
        }
        let is_all = hints.len() < window || kept.len() <= void;
        if dropped.is_empty() && is_all {
            return Ok(found.into_iter().flatten().take(limit).collect());
        }
        void = kept.len();
    }
}

/// The entry that a hint is of. `None` when it doesn't remind then, or isn't there.
async fn reminded(call: &Call<'_>, hint: &ReminderRow) -> Result<Option<ScheduleRecord>, Failure> {
    let server = ServerId::new(hint.server.as_str());
    let meta = meta(call, &server).await?.filter(|meta| meta.home == hint.home);
    let Some(meta) = meta else { return Ok(None) };
    let row: Option<ScheduleRow> = call.get(&keys::schedule(&meta.home, &ScheduleId::new(hint.schedule.as_str()))).await?;
    Ok(row.filter(|row| row.remind_at == Some(hint.remind_at)).map(|row| row.schedule(&server)))
}

/// Unless it was written anew.
async fn drop_hint(call: &Call<'_>, hint: &ReminderRow) -> Result<(), Failure> {
    let key = keys::reminder(hint.remind_at, &ScheduleId::new(hint.schedule.as_str()), &ServerId::new(hint.server.as_str()));
    call.write(&Write::delete(key).only_if("#stamp = :stamp").with("stamp", text(&hint.stamp))).await.map(|_| ())
}

/// In a transaction though it is one write, because a transaction has a token: a retry after a lost answer doesn't find it taken by itself.
pub(super) async fn take(call: &Call<'_>, schedule: &ScheduleRecord) -> Result<bool, Failure> {
    let mut pause = Pause::default();
    loop {
        let Some(meta) = meta(call, &schedule.server).await? else { return Ok(false) };
        let Some(row) = call.get::<ScheduleRow>(&keys::schedule(&meta.home, &schedule.id)).await? else { return Ok(false) };
        if row.remind_at.is_none() || row.clone().schedule(&schedule.server) != *schedule {
            return Ok(false);
        }
        let taken = replaced(&meta, Some(&row), row.clone().without_reminder())?;
        if let Committed::Done = call.transact(&[taken]).await? {
            return Ok(true);
        }
        pause.wait().await;
    }
}
