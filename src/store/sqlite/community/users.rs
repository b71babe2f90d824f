//! What is known of users, as rows.
//!
//! Each function is one operation of the store, on a connection whose transaction belongs to the caller. Invariant: one row per user.

use super::super::{Failure, from_ns, to_ns};
use super::read_user;
use ::rooms::UserId;
use ::rooms::store::{Status, UserRecord};
use rusqlite::{Connection, Row, params};
use serde_json::Value;

pub(super) const COLUMNS: &str = "id, name, status, last_seen_ns";

pub(super) fn put(db: &Connection, user: &UserRecord) -> Result<(), Failure> {
    db.prepare_cached("REPLACE INTO users (id, name, status, last_seen_ns) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        user.user.id.as_str(),
        user.user.name,
        status_name(user.status),
        user.last_seen.map(to_ns)
    ])?;
    Ok(())
}

/// In the order of `ids`.
pub(super) fn find(db: &Connection, ids: &[UserId]) -> Result<Vec<UserRecord>, Failure> {
    let asked = Value::from_iter(ids.iter().map(UserId::as_str)).to_string();
    db.prepare_cached(
        "SELECT users.id, name, status, last_seen_ns FROM json_each(?1) AS asked JOIN users ON users.id = asked.value ORDER BY asked.key",
    )?
    .query_map([asked], |row| Ok(read(row)))?
    .map(|row| row?)
    .collect()
}

pub(super) fn read(row: &Row<'_>) -> Result<UserRecord, Failure> {
    Ok(UserRecord {
        user: read_user(row, 0)?,
        status: status(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?,
        last_seen: row.get::<_, Option<i64>>(3)?.map(from_ns),
    })
}

fn status_name(status: Status) -> &'static str {
    match status {
        Status::Auto => "auto",
        Status::Busy => "busy",
        Status::Away => "away",
    }
}

fn status(name: &str) -> Result<Status, Failure> {
    match name {
        "auto" => Ok(Status::Auto),
        "busy" => Ok(Status::Busy),
        "away" => Ok(Status::Away),
        _ => Err(Failure::Unreadable("users.status")),
    }
}
