//! Members and bans as rows.
//!
//! A member's roles, and the numbers from which it reads channels, are JSON in its row: a list of members is one scan. Invariant: nobody
//! becomes a member who is banned.

use super::super::{Failure, from_ns, to_ns};
use super::{invites, read_user, tree};
use ::rooms::store::{BanRecord, Entered, Entry, MemberRecord};
use ::rooms::{ChannelId, RoleId, ServerId, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const COLUMNS: &str = "server, user_id, user_name, nickname, roles, joined_at_ns, since";

pub(super) const BAN_COLUMNS: &str = "user_id, user_name, by, reason, at_ns";

pub(super) fn insert(db: &Connection, member: &MemberRecord) -> Result<(), Failure> {
    db.prepare_cached(&format!("REPLACE INTO members ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"))?.execute(params![
        member.server.as_str(),
        member.user.id.as_str(),
        member.user.name,
        member.nickname,
        Value::from_iter(member.roles.iter().map(RoleId::as_str)).to_string(),
        to_ns(member.joined_at),
        Value::from_iter(member.since.iter().map(|(channel, since)| (channel.as_str(), *since))).to_string(),
    ])?;
    Ok(())
}

pub(super) fn of_user(db: &Connection, user: &UserId) -> Result<Vec<MemberRecord>, Failure> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM members WHERE user_id = ?1 ORDER BY joined_at_ns, server"))?
        .query_map([user.as_str()], |row| Ok(read(row, &ServerId::new(row.get::<_, String>(0)?))))?
        .map(|row| row?)
        .collect()
}

pub(super) fn of_server(db: &Connection, server: &ServerId) -> Result<Vec<MemberRecord>, Failure> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM members WHERE server = ?1 ORDER BY joined_at_ns, user_id"))?
        .query_map([server.as_str()], |row| Ok(read(row, server)))?
        .map(|row| row?)
        .collect()
}

fn find(db: &Connection, server: &ServerId, user: &UserId) -> Result<Option<MemberRecord>, Failure> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM members WHERE server = ?1 AND user_id = ?2"))?
        .query_row((server.as_str(), user.as_str()), |row| Ok(read(row, server)))
        .optional()?
        .transpose()
}

pub(super) fn enter(db: &Connection, member: &MemberRecord, by: &Entry) -> Result<Entered, Failure> {
    if !tree::exists(db, &member.server)? {
        return Ok(Entered::Gone);
    }
    if let Some(before) = find(db, &member.server, &member.user.id)? {
        return Ok(Entered::Already(before));
    }
    let banned = db
        .prepare_cached("SELECT 1 FROM bans WHERE server = ?1 AND user_id = ?2")?
        .exists((member.server.as_str(), member.user.id.as_str()))?;
    if banned {
        return Ok(Entered::Banned);
    }
    if let Entry::Invite { secret_hash, now } = by
        && let Some(refused) = invites::use_once(db, &member.server, secret_hash, *now)?
    {
        return Ok(refused);
    }
    insert(db, member)?;
    Ok(Entered::Joined)
}

pub(super) fn update(db: &Connection, member: &MemberRecord) -> Result<bool, Failure> {
    if find(db, &member.server, &member.user.id)?.is_none() {
        return Ok(false);
    }
    insert(db, member)?;
    Ok(true)
}

pub(super) fn remove(db: &Connection, server: &ServerId, user: &UserId, ban: Option<&BanRecord>) -> Result<bool, Failure> {
    if let Some(ban) = ban
        && tree::exists(db, server)?
    {
        put_ban(db, server, ban)?;
    }
    let removed = db.prepare_cached("DELETE FROM members WHERE server = ?1 AND user_id = ?2")?.execute((server.as_str(), user.as_str()))?;
    Ok(removed > 0)
}

pub(super) fn put_ban(db: &Connection, server: &ServerId, ban: &BanRecord) -> Result<(), Failure> {
    db.prepare_cached("REPLACE INTO bans (server, user_id, user_name, by, reason, at_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(
        params![server.as_str(), ban.user.id.as_str(), ban.user.name, ban.by.as_ref().map(UserId::as_str), ban.reason, to_ns(ban.at)],
    )?;
    Ok(())
}

/// Takes a role from all that have it.
pub(super) fn remove_role(db: &Connection, server: &ServerId, role: &RoleId) -> Result<(), Failure> {
    db.prepare_cached(
        "UPDATE members SET roles = (SELECT json_group_array(value ORDER BY key) FROM json_each(roles) WHERE value <> ?2)
            WHERE server = ?1 AND EXISTS (SELECT 1 FROM json_each(roles) WHERE value = ?2)",
    )?
    .execute((server.as_str(), role.as_str()))?;
    Ok(())
}

pub(super) fn bans(db: &Connection, server: &ServerId) -> Result<Vec<BanRecord>, Failure> {
    let bans = db
        .prepare_cached(&format!("SELECT {BAN_COLUMNS} FROM bans WHERE server = ?1 ORDER BY at_ns, user_id"))?
        .query_map([server.as_str()], |row| read_ban(row, server))?
        .collect::<Result<_, _>>()?;
    Ok(bans)
}

pub(super) fn unban(db: &Connection, server: &ServerId, user: &UserId) -> Result<bool, Failure> {
    let lifted = db.prepare_cached("DELETE FROM bans WHERE server = ?1 AND user_id = ?2")?.execute((server.as_str(), user.as_str()))?;
    Ok(lifted > 0)
}

pub(super) fn read_ban(row: &Row<'_>, server: &ServerId) -> rusqlite::Result<BanRecord> {
    Ok(BanRecord {
        server: server.clone(),
        user: read_user(row, 0)?,
        by: row.get::<_, Option<String>>(2)?.map(UserId::new),
        reason: row.get(3)?,
        at: from_ns(row.get(4)?),
    })
}

pub(super) fn read(row: &Row<'_>, server: &ServerId) -> Result<MemberRecord, Failure> {
    let text = |index| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
    let roles: Vec<String> = serde_json::from_str(text(4)?).map_err(|_| Failure::Unreadable("members.roles"))?;
    let since: BTreeMap<String, u64> = serde_json::from_str(text(6)?).map_err(|_| Failure::Unreadable("members.since"))?;
    Ok(MemberRecord {
        server: server.clone(),
        user: read_user(row, 1)?,
        nickname: row.get(3)?,
        roles: roles.into_iter().map(RoleId::new).collect(),
        joined_at: from_ns(row.get(5)?),
        since: since.into_iter().map(|(channel, since)| (ChannelId::new(channel), since)).collect(),
    })
}
