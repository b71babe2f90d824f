//! Entries of calendars as rows, with the index of what is due in all of them.
//!
//! Invariant: `remind_at_ns` is NULL from the transaction on in which somebody took the reminder.

use super::super::{Failure, from_ns, to_ns};
use super::{read_user, tree};
use ::rooms::store::ScheduleRecord;
use ::rooms::{ScheduleId, ServerId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::ops::Range;
use std::time::SystemTime;

pub(super) const COLUMNS: &str =
    "server, id, title, description, starts_at_ns, ends_at_ns, color, remind_at_ns, created_by_id, created_by_name, changed_at_ns";

pub(super) fn put(db: &Connection, schedule: &ScheduleRecord) -> Result<(), Failure> {
    if !tree::exists(db, &schedule.server)? {
        return Ok(());
    }
    db.prepare_cached(&format!("REPLACE INTO schedules ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"))?.execute(
        params![
            schedule.server.as_str(),
            schedule.id.as_str(),
            schedule.title,
            schedule.description,
            to_ns(schedule.starts_at),
            schedule.ends_at.map(to_ns),
            schedule.color,
            schedule.remind_at.map(to_ns),
            schedule.created_by.id.as_str(),
            schedule.created_by.name,
            to_ns(schedule.changed_at),
        ],
    )?;
    Ok(())
}

pub(super) fn find(db: &Connection, server: &ServerId, id: &ScheduleId) -> Result<Option<ScheduleRecord>, Failure> {
    Ok(db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM schedules WHERE server = ?1 AND id = ?2"))?
        .query_row((server.as_str(), id.as_str()), read)
        .optional()?)
}

pub(super) fn delete(db: &Connection, server: &ServerId, id: &ScheduleId) -> Result<bool, Failure> {
    let removed = db.prepare_cached("DELETE FROM schedules WHERE server = ?1 AND id = ?2")?.execute((server.as_str(), id.as_str()))?;
    Ok(removed > 0)
}

pub(super) fn within(db: &Connection, server: &ServerId, range: &Range<SystemTime>) -> Result<Vec<ScheduleRecord>, Failure> {
    let found = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM schedules WHERE server = ?1 AND starts_at_ns >= ?2 AND starts_at_ns < ?3 ORDER BY starts_at_ns, id"
        ))?
        .query_map((server.as_str(), to_ns(range.start), to_ns(range.end)), read)?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

pub(super) fn due(db: &Connection, now: SystemTime, limit: u32) -> Result<Vec<ScheduleRecord>, Failure> {
    let found = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM schedules WHERE remind_at_ns <= ?1 ORDER BY remind_at_ns, id LIMIT ?2"))?
        .query_map((to_ns(now), limit), read)?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

pub(super) fn take_reminder(db: &Connection, schedule: &ScheduleRecord) -> Result<bool, Failure> {
    let kept = find(db, &schedule.server, &schedule.id)?;
    if !kept.is_some_and(|kept| kept.remind_at.is_some() && kept == *schedule) {
        return Ok(false);
    }
    db.prepare_cached("UPDATE schedules SET remind_at_ns = NULL WHERE server = ?1 AND id = ?2")?
        .execute((schedule.server.as_str(), schedule.id.as_str()))?;
    Ok(true)
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<ScheduleRecord> {
    Ok(ScheduleRecord {
        server: ServerId::new(row.get::<_, String>(0)?),
        id: ScheduleId::new(row.get::<_, String>(1)?),
        title: row.get(2)?,
        description: row.get(3)?,
        starts_at: from_ns(row.get(4)?),
        ends_at: row.get::<_, Option<i64>>(5)?.map(from_ns),
        color: row.get(6)?,
        remind_at: row.get::<_, Option<i64>>(7)?.map(from_ns),
        created_by: read_user(row, 8)?,
        changed_at: from_ns(row.get(10)?),
    })
}
