//! Rooms and links as rows.
//!
//! Each function is one operation of the store, on a connection whose transaction belongs to the caller.

use super::{Failure, from_ns, to_ns};
use ::rooms::store::{LinkRecord, Listing, Nonce, Redeemed, RoomRecord};
use ::rooms::{ChannelId, RoomId, RoomKind, User, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::time::SystemTime;

const ROOM_COLUMNS: &str = "id, name, capacity, password_hash, owner_id, owner_name, channel, listing, created_at_ns, kind";

/// Those of a room that may have ended.
pub(super) const ALL_ROOM_COLUMNS: &str =
    "id, name, capacity, password_hash, owner_id, owner_name, channel, listing, created_at_ns, kind, ended_at_ns";

pub(super) fn create(db: &Connection, room: RoomRecord, nonce: &Nonce) -> Result<RoomRecord, Failure> {
    let known = db
        .prepare_cached(&format!(
            "SELECT {ROOM_COLUMNS} FROM rooms WHERE id = (SELECT room FROM room_nonces WHERE owner_id = ?1 AND nonce = ?2)"
        ))?
        .query_row((room.owner.id.as_str(), &nonce.0), |row| Ok(read_room(row)))
        .optional()?;
    if let Some(known) = known {
        return known;
    }
    db.prepare_cached(&format!("INSERT INTO rooms ({ROOM_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"))?.execute(
        params![
            room.id.as_str(),
            room.name,
            room.capacity,
            room.password_hash,
            room.owner.id.as_str(),
            room.owner.name,
            room.channel.as_str(),
            listing_name(room.listing),
            to_ns(room.created_at),
            kind_name(room.kind),
        ],
    )?;
    db.prepare_cached("INSERT INTO room_nonces (owner_id, nonce, room, stored_at_ns) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        room.owner.id.as_str(),
        nonce.0,
        room.id.as_str(),
        to_ns(SystemTime::now())
    ])?;
    Ok(room)
}

/// Keeps a room as another store had it, unless it is kept already.
pub(super) fn put(db: &Connection, room: &RoomRecord, ended_at: Option<SystemTime>) -> Result<(), Failure> {
    let values = "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    db.prepare_cached(&format!("INSERT OR IGNORE INTO rooms ({ALL_ROOM_COLUMNS}) {values}"))?.execute(params![
        room.id.as_str(),
        room.name,
        room.capacity,
        room.password_hash,
        room.owner.id.as_str(),
        room.owner.name,
        room.channel.as_str(),
        listing_name(room.listing),
        to_ns(room.created_at),
        kind_name(room.kind),
        ended_at.map(to_ns),
    ])?;
    Ok(())
}

pub(super) fn find(db: &Connection, id: &RoomId) -> Result<Option<RoomRecord>, Failure> {
    db.prepare_cached(&format!("SELECT {ROOM_COLUMNS} FROM rooms WHERE id = ?1 AND ended_at_ns IS NULL"))?
        .query_row([id.as_str()], |row| Ok(read_room(row)))
        .optional()?
        .transpose()
}

pub(super) fn all_open(db: &Connection) -> Result<Vec<RoomRecord>, Failure> {
    db.prepare_cached(&format!("SELECT {ROOM_COLUMNS} FROM rooms WHERE ended_at_ns IS NULL ORDER BY created_at_ns, rowid"))?
        .query_map([], |row| Ok(read_room(row)))?
        .map(|row| row?)
        .collect()
}

pub(super) fn end(db: &Connection, id: &RoomId, at: SystemTime) -> Result<(), Failure> {
    db.prepare_cached("UPDATE rooms SET ended_at_ns = ?2 WHERE id = ?1 AND ended_at_ns IS NULL")?.execute((id.as_str(), to_ns(at)))?;
    Ok(())
}

pub(super) fn create_link(db: &Connection, link: &LinkRecord) -> Result<(), Failure> {
    db.prepare_cached(
        "INSERT INTO links (secret_hash, room, name, max_uses, uses, expires_at_ns, stored_at_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        link.secret_hash,
        link.room.as_str(),
        link.name,
        link.max_uses,
        link.uses,
        to_ns(link.expires_at),
        to_ns(SystemTime::now())
    ])?;
    Ok(())
}

pub(super) fn redeem_link(db: &Connection, secret_hash: &[u8; 32], now: SystemTime) -> Result<Redeemed, Failure> {
    let mut statement = db.prepare_cached("SELECT room, name, max_uses, uses, expires_at_ns FROM links WHERE secret_hash = ?1")?;
    let link = statement
        .query_row([secret_hash], |row| {
            Ok(LinkRecord {
                secret_hash: *secret_hash,
                room: RoomId::new(row.get::<_, String>(0)?),
                name: row.get(1)?,
                max_uses: row.get(2)?,
                uses: row.get(3)?,
                expires_at: from_ns(row.get(4)?),
            })
        })
        .optional()?;
    let Some(mut link) = link else {
        return Ok(Redeemed::Unknown);
    };
    if link.expires_at <= now {
        return Ok(Redeemed::Expired);
    }
    if link.uses >= link.max_uses {
        return Ok(Redeemed::UsedUp);
    }
    link.uses += 1;
    db.prepare_cached("UPDATE links SET uses = ?2 WHERE secret_hash = ?1")?.execute(params![secret_hash, link.uses])?;
    Ok(Redeemed::Granted(link))
}

pub(super) fn read_room(row: &Row<'_>) -> Result<RoomRecord, Failure> {
    Ok(RoomRecord {
        id: RoomId::new(row.get::<_, String>(0)?),
        name: row.get(1)?,
        capacity: row.get(2)?,
        password_hash: row.get(3)?,
        owner: User { id: UserId::new(row.get::<_, String>(4)?), name: row.get(5)? },
        channel: ChannelId::new(row.get::<_, String>(6)?),
        listing: listing(row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?)?,
        created_at: from_ns(row.get(8)?),
        kind: kind(row.get_ref(9)?.as_str().map_err(rusqlite::Error::from)?)?,
    })
}

fn kind_name(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Buddy => "buddy",
        RoomKind::Voice => "voice",
    }
}

fn kind(name: &str) -> Result<RoomKind, Failure> {
    match name {
        "buddy" => Ok(RoomKind::Buddy),
        "voice" => Ok(RoomKind::Voice),
        _ => Err(Failure::Unreadable("rooms.kind")),
    }
}

fn listing_name(listing: Listing) -> &'static str {
    match listing {
        Listing::Lobby => "lobby",
        Listing::Unlisted => "unlisted",
        Listing::Channel => "channel",
    }
}

fn listing(name: &str) -> Result<Listing, Failure> {
    match name {
        "lobby" => Ok(Listing::Lobby),
        "unlisted" => Ok(Listing::Unlisted),
        "channel" => Ok(Listing::Channel),
        _ => Err(Failure::Unreadable("rooms.listing")),
    }
}
