//! Servers and users as records, and records as rows.
//!
//! Invariant: a part of a server is put into one that is there.

use super::super::Failure;
use super::super::transfer::Table;
use super::{calendar, invites, members, tree, users};
use ::rooms::ServerId;
use ::rooms::store::{CommunityRecord, Record};
use rusqlite::{Connection, Row};

/// Servers before their parts.
pub(in crate::store::sqlite) const TABLES: [Table; 9] = [
    Table { name: "users", columns: users::COLUMNS, key: "id", read: |row| kept(CommunityRecord::User(users::read(row)?)) },
    Table { name: "servers", columns: tree::SERVER_COLUMNS, key: "id", read: server },
    Table { name: "roles", columns: tree::ROLE_COLUMNS, key: "server, id", read: role },
    Table { name: "categories", columns: tree::CATEGORY_COLUMNS, key: "server, id", read: category },
    Table { name: "channels", columns: tree::CHANNEL_COLUMNS, key: "server, id", read: channel },
    Table { name: "members", columns: members::COLUMNS, key: "server, user_id", read: member },
    Table { name: "bans", columns: members::BAN_COLUMNS, key: "server, user_id", read: ban },
    Table {
        name: "invites",
        columns: invites::COLUMNS,
        key: "secret_hash",
        read: |row| kept(CommunityRecord::Invite(invites::read(row)?)),
    },
    Table {
        name: "schedules",
        columns: calendar::COLUMNS,
        key: "server, id",
        read: |row| kept(CommunityRecord::Schedule(calendar::read(row)?)),
    },
];

/// Keeps a record, in place of the same one. A server that is there stays.
pub(in crate::store::sqlite) fn put(db: &Connection, record: &CommunityRecord) -> Result<(), Failure> {
    match record {
        CommunityRecord::User(user) => users::put(db, user),
        CommunityRecord::Server { server, version } => {
            if tree::exists(db, &server.id)? {
                return Ok(());
            }
            tree::insert(db, server, *version)
        }
        CommunityRecord::Role { server, role } => tree::put_role(db, of(db, server)?, role),
        CommunityRecord::Category { server, category } => tree::put_category(db, of(db, server)?, category),
        CommunityRecord::Channel { server, channel } => tree::put_channel(db, of(db, server)?, channel),
        CommunityRecord::Member(member) => members::insert(db, of(db, &member.server).map(|_| member)?),
        CommunityRecord::Ban(ban) => members::put_ban(db, of(db, &ban.server)?, ban),
        CommunityRecord::Invite(invite) => invites::create(db, of(db, &invite.server).map(|_| invite)?),
        CommunityRecord::Schedule(schedule) => calendar::put(db, of(db, &schedule.server).map(|_| schedule)?),
    }
}

/// The server, if it is there.
fn of<'a>(db: &Connection, server: &'a ServerId) -> Result<&'a ServerId, Failure> {
    if tree::exists(db, server)? { Ok(server) } else { Err(Failure::Unreadable("servers.id")) }
}

fn kept(record: CommunityRecord) -> Result<Record, Failure> {
    Ok(Record::Community(record))
}

fn server_of(row: &Row<'_>) -> Result<ServerId, Failure> {
    Ok(ServerId::new(row.get::<_, String>("server")?))
}

fn server(row: &Row<'_>) -> Result<Record, Failure> {
    let (server, version) = tree::read_server(row, &ServerId::new(row.get::<_, String>("id")?))?;
    kept(CommunityRecord::Server { server, version })
}

fn role(row: &Row<'_>) -> Result<Record, Failure> {
    kept(CommunityRecord::Role { server: server_of(row)?, role: tree::read_role(row)? })
}

fn category(row: &Row<'_>) -> Result<Record, Failure> {
    kept(CommunityRecord::Category { server: server_of(row)?, category: tree::read_category(row)? })
}

fn channel(row: &Row<'_>) -> Result<Record, Failure> {
    kept(CommunityRecord::Channel { server: server_of(row)?, channel: tree::read_channel(row)? })
}

fn member(row: &Row<'_>) -> Result<Record, Failure> {
    kept(CommunityRecord::Member(members::read(row, &server_of(row)?)?))
}

fn ban(row: &Row<'_>) -> Result<Record, Failure> {
    kept(CommunityRecord::Ban(members::read_ban(row, &server_of(row)?)?))
}
