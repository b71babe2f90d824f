//! Invitations as rows.
//!
//! Invariant: `uses` grows by one in the transaction in which somebody becomes a member, and never beyond `max_uses`.

use super::super::{Failure, from_ns, to_ns};
use super::{read_user, tree};
use ::rooms::store::{Entered, InviteRecord};
use ::rooms::{InviteId, RoleId, ServerId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::time::SystemTime;

pub(super) const COLUMNS: &str =
    "secret_hash, id, server, role, created_by_id, created_by_name, created_at_ns, expires_at_ns, max_uses, uses, revoked";

pub(super) fn create(db: &Connection, invite: &InviteRecord) -> Result<(), Failure> {
    if !tree::exists(db, &invite.server)? {
        return Ok(());
    }
    db.prepare_cached(&format!("REPLACE INTO invites ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"))?.execute(
        params![
            invite.secret_hash,
            invite.id.as_str(),
            invite.server.as_str(),
            invite.role.as_str(),
            invite.created_by.as_ref().map(|user| user.id.as_str()),
            invite.created_by.as_ref().map(|user| &user.name),
            to_ns(invite.created_at),
            invite.expires_at.map(to_ns),
            invite.max_uses,
            invite.uses,
            invite.revoked,
        ],
    )?;
    Ok(())
}

pub(super) fn find(db: &Connection, secret_hash: &[u8; 32]) -> Result<Option<InviteRecord>, Failure> {
    Ok(db.prepare_cached(&format!("SELECT {COLUMNS} FROM invites WHERE secret_hash = ?1"))?.query_row([secret_hash], read).optional()?)
}

pub(super) fn of_server(db: &Connection, server: &ServerId) -> Result<Vec<InviteRecord>, Failure> {
    let invites = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM invites WHERE server = ?1 AND NOT revoked ORDER BY created_at_ns DESC, id DESC"))?
        .query_map([server.as_str()], read)?
        .collect::<Result<_, _>>()?;
    Ok(invites)
}

pub(super) fn revoke(db: &Connection, server: &ServerId, id: &InviteId) -> Result<bool, Failure> {
    let revoked = db
        .prepare_cached("UPDATE invites SET revoked = 1 WHERE server = ?1 AND id = ?2 AND NOT revoked")?
        .execute((server.as_str(), id.as_str()))?;
    Ok(revoked > 0)
}

/// Counts a use. Returns why not, if there is none left.
pub(super) fn use_once(db: &Connection, server: &ServerId, secret_hash: &[u8; 32], now: SystemTime) -> Result<Option<Entered>, Failure> {
    let Some(invite) = find(db, secret_hash)?.filter(|invite| invite.server == *server && !invite.revoked) else {
        return Ok(Some(Entered::Unknown));
    };
    if invite.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Ok(Some(Entered::Expired));
    }
    if invite.max_uses.is_some_and(|max| invite.uses >= max) {
        return Ok(Some(Entered::UsedUp));
    }
    db.prepare_cached("UPDATE invites SET uses = uses + 1 WHERE secret_hash = ?1")?.execute([secret_hash])?;
    Ok(None)
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<InviteRecord> {
    let is_by_somebody = row.get::<_, Option<String>>(4)?.is_some();
    Ok(InviteRecord {
        secret_hash: row.get(0)?,
        id: InviteId::new(row.get::<_, String>(1)?),
        server: ServerId::new(row.get::<_, String>(2)?),
        role: RoleId::new(row.get::<_, String>(3)?),
        created_by: is_by_somebody.then(|| read_user(row, 4)).transpose()?,
        created_at: from_ns(row.get(6)?),
        expires_at: row.get::<_, Option<i64>>(7)?.map(from_ns),
        max_uses: row.get(8)?,
        uses: row.get(9)?,
        revoked: row.get(10)?,
    })
}
