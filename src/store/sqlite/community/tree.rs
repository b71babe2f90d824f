//! A server's tree as rows of `servers`, `roles`, `categories` and `channels`.
//!
//! Who may read a channel is JSON in its row: it is read and written as a whole. Invariant: `version` grows by one with every change of any of
//! these rows.

use super::super::{Failure, from_ns, logs, notes, to_ns};
use super::members;
use ::rooms::community::{Permissions, RoleKind};
use ::rooms::store::{
    Access, CategoryRecord, ChannelKind, ChannelRecord, MemberRecord, RoleRecord, ServerKind, ServerRecord, ServerTree, TreeChange, Updated,
};
use ::rooms::{CategoryId, ChannelId, RoleId, ServerId, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// The tables that a server has rows in, beside its own.
const TABLES: [&str; 7] = ["roles", "categories", "channels", "members", "bans", "invites", "schedules"];

pub(super) const SERVER_COLUMNS: &str = "kind, subject, name, image_url, owner, created_at_ns, version";

pub(super) const ROLE_COLUMNS: &str = "id, kind, name, color, permissions, rank";

pub(super) const CATEGORY_COLUMNS: &str = "id, name, position";

pub(super) const CHANNEL_COLUMNS: &str = "id, category, seats, name, position, access, slow_mode_ns, metadata, created_at_ns";

pub(super) fn create(db: &Connection, tree: &ServerTree, first: &[MemberRecord]) -> Result<bool, Failure> {
    let server = &tree.server;
    if exists(db, &server.id)? {
        return Ok(false);
    }
    insert(db, server, tree.version)?;
    tree.roles.values().try_for_each(|role| put_role(db, &server.id, role))?;
    tree.categories.values().try_for_each(|category| put_category(db, &server.id, category))?;
    tree.channels.values().try_for_each(|channel| put_channel(db, &server.id, channel))?;
    first.iter().try_for_each(|member| members::insert(db, member))?;
    Ok(true)
}

/// Keeps a server without its parts.
pub(super) fn insert(db: &Connection, server: &ServerRecord, version: u64) -> Result<(), Failure> {
    db.prepare_cached("INSERT INTO servers (id, kind, name, created_at_ns, version) VALUES (?1, '', '', 0, ?2)")?
        .execute((server.id.as_str(), version as i64))?;
    put_server(db, &server.id, server)
}

pub(super) fn exists(db: &Connection, id: &ServerId) -> Result<bool, Failure> {
    Ok(db.prepare_cached("SELECT 1 FROM servers WHERE id = ?1")?.exists([id.as_str()])?)
}

pub(super) fn find(db: &Connection, id: &ServerId) -> Result<Option<ServerTree>, Failure> {
    let found = db
        .prepare_cached(&format!("SELECT {SERVER_COLUMNS} FROM servers WHERE id = ?1"))?
        .query_row([id.as_str()], |row| Ok(read_server(row, id)))
        .optional()?;
    let Some((server, version)) = found.transpose()? else { return Ok(None) };
    let roles = db
        .prepare_cached(&format!("SELECT {ROLE_COLUMNS} FROM roles WHERE server = ?1"))?
        .query_map([id.as_str()], |row| Ok(read_role(row)))?
        .map(|row| row?.map(|role| (role.id.clone(), role)))
        .collect::<Result<_, Failure>>()?;
    let categories = db
        .prepare_cached(&format!("SELECT {CATEGORY_COLUMNS} FROM categories WHERE server = ?1"))?
        .query_map([id.as_str()], read_category)?
        .map(|row| row.map(|category| (category.id.clone(), category)))
        .collect::<Result<_, _>>()?;
    let channels = channels(db, id)?.into_iter().map(|channel| (channel.id.clone(), channel)).collect();
    Ok(Some(ServerTree { server, roles, categories, channels, version }))
}

pub(super) fn update(db: &Connection, id: &ServerId, version: u64, changes: &[TreeChange]) -> Result<Updated, Failure> {
    let counted = db
        .prepare_cached("UPDATE servers SET version = version + 1 WHERE id = ?1 AND version = ?2")?
        .execute((id.as_str(), version as i64))?;
    if counted == 0 {
        return Ok(if exists(db, id)? { Updated::Stale } else { Updated::Gone });
    }
    for change in changes {
        match change {
            TreeChange::Server(server) => put_server(db, id, server)?,
            TreeChange::PutRole(role) => put_role(db, id, role)?,
            TreeChange::RemoveRole(role) => remove_role(db, id, role)?,
            TreeChange::PutCategory(category) => put_category(db, id, category)?,
            TreeChange::RemoveCategory(category) => remove_category(db, id, category)?,
            TreeChange::PutChannel(channel) => put_channel(db, id, channel)?,
            TreeChange::RemoveChannel(channel) => remove_channel(db, id, channel)?,
        }
    }
    Ok(Updated::Done)
}

pub(super) fn delete(db: &Connection, id: &ServerId) -> Result<(), Failure> {
    let channels: Vec<ChannelId> = db
        .prepare_cached("SELECT id FROM channels WHERE server = ?1")?
        .query_map([id.as_str()], |row| Ok(ChannelId::new(row.get::<_, String>(0)?)))?
        .collect::<Result<_, _>>()?;
    channels.iter().try_for_each(|channel| forget(db, channel))?;
    for table in TABLES {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE server = ?1"))?.execute([id.as_str()])?;
    }
    db.prepare_cached("DELETE FROM servers WHERE id = ?1")?.execute([id.as_str()])?;
    Ok(())
}

pub(super) fn server_of(db: &Connection, channel: &ChannelId) -> Result<Option<ServerId>, Failure> {
    Ok(db
        .prepare_cached("SELECT server FROM channels WHERE id = ?1")?
        .query_row([channel.as_str()], |row| Ok(ServerId::new(row.get::<_, String>(0)?)))
        .optional()?)
}

fn put_server(db: &Connection, id: &ServerId, server: &ServerRecord) -> Result<(), Failure> {
    let (kind, subject) = match &server.kind {
        ServerKind::Community => ("community", None),
        ServerKind::Direct { subject } => ("direct", Some(subject)),
    };
    db.prepare_cached(
        "UPDATE servers SET kind = ?2, subject = ?3, name = ?4, image_url = ?5, owner = ?6, created_at_ns = ?7 WHERE id = ?1",
    )?
    .execute(params![
        id.as_str(),
        kind,
        subject,
        server.name,
        server.image_url,
        server.owner.as_ref().map(UserId::as_str),
        to_ns(server.created_at)
    ])?;
    Ok(())
}

pub(super) fn put_role(db: &Connection, server: &ServerId, role: &RoleRecord) -> Result<(), Failure> {
    db.prepare_cached("REPLACE INTO roles (server, id, kind, name, color, permissions, rank) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            server.as_str(),
            role.id.as_str(),
            role_kind_name(role.kind),
            role.name,
            role.color,
            role.permissions.bits(),
            role.rank
        ])?;
    Ok(())
}

fn remove_role(db: &Connection, server: &ServerId, role: &RoleId) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM roles WHERE server = ?1 AND id = ?2")?.execute((server.as_str(), role.as_str()))?;
    for mut channel in channels(db, server)? {
        if channel.access.roles.remove(role).is_some() {
            put_channel(db, server, &channel)?;
        }
    }
    members::remove_role(db, server, role)
}

pub(super) fn put_category(db: &Connection, server: &ServerId, category: &CategoryRecord) -> Result<(), Failure> {
    db.prepare_cached("REPLACE INTO categories (server, id, name, position) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        server.as_str(),
        category.id.as_str(),
        category.name,
        category.position
    ])?;
    Ok(())
}

fn remove_category(db: &Connection, server: &ServerId, category: &CategoryId) -> Result<(), Failure> {
    let key = (server.as_str(), category.as_str());
    db.prepare_cached("DELETE FROM categories WHERE server = ?1 AND id = ?2")?.execute(key)?;
    db.prepare_cached("UPDATE channels SET category = NULL WHERE server = ?1 AND category = ?2")?.execute(key)?;
    Ok(())
}

pub(super) fn put_channel(db: &Connection, server: &ServerId, channel: &ChannelRecord) -> Result<(), Failure> {
    let seats = match channel.kind {
        ChannelKind::Text => None,
        ChannelKind::Voice { capacity } => Some(capacity),
    };
    db.prepare_cached(&format!("REPLACE INTO channels (server, {CHANNEL_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"))?
        .execute(params![
            server.as_str(),
            channel.id.as_str(),
            channel.category.as_ref().map(CategoryId::as_str),
            seats,
            channel.name,
            channel.position,
            written(&channel.access),
            channel.slow_mode.map(|pause| i64::try_from(pause.as_nanos()).unwrap_or(i64::MAX)),
            channel.metadata,
            to_ns(channel.created_at)
        ])?;
    Ok(())
}

/// A channel of another server, or of none, keeps its messages.
fn remove_channel(db: &Connection, server: &ServerId, channel: &ChannelId) -> Result<(), Failure> {
    let removed = db.prepare_cached("DELETE FROM channels WHERE server = ?1 AND id = ?2")?.execute((server.as_str(), channel.as_str()))?;
    if removed == 0 { Ok(()) } else { forget(db, channel) }
}

/// Whatever was said in a channel.
fn forget(db: &Connection, channel: &ChannelId) -> Result<(), Failure> {
    notes::forget(db, channel)?;
    logs::forget(db, channel)
}

fn channels(db: &Connection, server: &ServerId) -> Result<Vec<ChannelRecord>, Failure> {
    db.prepare_cached(&format!("SELECT {CHANNEL_COLUMNS} FROM channels WHERE server = ?1"))?
        .query_map([server.as_str()], |row| Ok(read_channel(row)))?
        .map(|row| row?)
        .collect()
}

/// With the version of its tree.
pub(super) fn read_server(row: &Row<'_>, id: &ServerId) -> Result<(ServerRecord, u64), Failure> {
    let kind = match (row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?, row.get(1)?) {
        ("community", None) => ServerKind::Community,
        ("direct", Some(subject)) => ServerKind::Direct { subject },
        _ => return Err(Failure::Unreadable("servers.kind")),
    };
    let server = ServerRecord {
        id: id.clone(),
        kind,
        name: row.get(2)?,
        image_url: row.get(3)?,
        owner: row.get::<_, Option<String>>(4)?.map(UserId::new),
        created_at: from_ns(row.get(5)?),
    };
    Ok((server, row.get::<_, i64>(6)? as u64))
}

pub(super) fn read_category(row: &Row<'_>) -> rusqlite::Result<CategoryRecord> {
    Ok(CategoryRecord { id: CategoryId::new(row.get::<_, String>(0)?), name: row.get(1)?, position: row.get(2)? })
}

pub(super) fn read_role(row: &Row<'_>) -> Result<RoleRecord, Failure> {
    Ok(RoleRecord {
        id: RoleId::new(row.get::<_, String>(0)?),
        kind: role_kind(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?,
        name: row.get(2)?,
        color: row.get(3)?,
        permissions: Permissions::from_bits(row.get(4)?).ok_or(Failure::Unreadable("roles.permissions"))?,
        rank: row.get(5)?,
    })
}

pub(super) fn read_channel(row: &Row<'_>) -> Result<ChannelRecord, Failure> {
    Ok(ChannelRecord {
        id: ChannelId::new(row.get::<_, String>(0)?),
        category: row.get::<_, Option<String>>(1)?.map(CategoryId::new),
        kind: row.get::<_, Option<u8>>(2)?.map_or(ChannelKind::Text, |capacity| ChannelKind::Voice { capacity }),
        name: row.get(3)?,
        position: row.get(4)?,
        access: access(row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?)?,
        slow_mode: row.get::<_, Option<i64>>(6)?.map(|ns| Duration::from_nanos(ns.unsigned_abs())),
        metadata: row.get(7)?,
        created_at: from_ns(row.get(8)?),
    })
}

/// A number for everyone, or `{"users": {…}, "roles": {…}}` with a number for each; both as `{"everyone": …, "earlier": {…}}`.
fn written(access: &Access) -> String {
    let users: BTreeMap<&str, u64> = access.users.iter().map(|(user, since)| (user.as_str(), *since)).collect();
    let roles: BTreeMap<&str, u64> = access.roles.iter().map(|(role, since)| (role.as_str(), *since)).collect();
    let is_empty = users.is_empty() && roles.is_empty();
    let listed = json!({ "users": users, "roles": roles });
    match access.everyone {
        None => listed,
        Some(since) if is_empty => since.into(),
        Some(since) => json!({ "everyone": since, "earlier": listed }),
    }
    .to_string()
}

/// The inverse of [`written`].
fn access(json: &str) -> Result<Access, Failure> {
    #[derive(Default, serde::Deserialize)]
    struct Listed {
        users: BTreeMap<String, u64>,
        roles: BTreeMap<String, u64>,
    }
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Written {
        Everyone(u64),
        Opened { everyone: u64, earlier: Listed },
        Private(Listed),
    }
    let (everyone, Listed { users, roles }) = match serde_json::from_str(json) {
        Ok(Written::Everyone(since)) => (Some(since), Listed::default()),
        Ok(Written::Opened { everyone, earlier }) => (Some(everyone), earlier),
        Ok(Written::Private(listed)) => (None, listed),
        Err(_) => return Err(Failure::Unreadable("channels.access")),
    };
    let users = users.into_iter().map(|(user, since)| (UserId::new(user), since)).collect();
    Ok(Access { everyone, users, roles: roles.into_iter().map(|(role, since)| (RoleId::new(role), since)).collect() })
}

fn role_kind_name(kind: RoleKind) -> &'static str {
    match kind {
        RoleKind::Admin => "admin",
        RoleKind::Moderator => "moderator",
        RoleKind::Member => "member",
        RoleKind::Guest => "guest",
        RoleKind::Custom => "custom",
    }
}

fn role_kind(name: &str) -> Result<RoleKind, Failure> {
    match name {
        "admin" => Ok(RoleKind::Admin),
        "moderator" => Ok(RoleKind::Moderator),
        "member" => Ok(RoleKind::Member),
        "guest" => Ok(RoleKind::Guest),
        "custom" => Ok(RoleKind::Custom),
        _ => Err(Failure::Unreadable("roles.kind")),
    }
}
