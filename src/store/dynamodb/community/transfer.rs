//! Servers and users as records, and records as rows.
//!
//! Invariant: a part of a server is put into one that is there, and `META` counts the parts again after each.

use super::rows::{BanRow, BannedRow, InviteOfRow, InviteRow, MemberRow, MetaRow, PartRow, ScheduleRow, UserRow, parts};
use super::{calendar, meta, tree};
use crate::store::dynamodb::call::{Call, Failure, Order, record};
use crate::store::dynamodb::keys;
use crate::store::dynamodb::write::{ABSENT, Item, Write, number};
use ::rooms::ServerId;
use ::rooms::store::{
    BanRecord, CommunityRecord, InviteRecord, MemberRecord, Record, ScheduleRecord, ServerRecord, ServerTree, UserRecord,
};
use std::collections::BTreeMap;

pub(in crate::store::dynamodb) fn user(row: Item) -> Result<Record, Failure> {
    Ok(Record::Community(CommunityRecord::User(record::<UserRow>(row)?.user())))
}

/// The member of a server; `None` where the server is not the one any more that it was a member of.
pub(in crate::store::dynamodb) fn member(row: Item, server: Option<&MetaRow>) -> Result<Option<Record>, Failure> {
    let row: MemberRow = record(row)?;
    let meta = server.filter(|meta| meta.home == row.home);
    Ok(meta.map(|meta| Record::Community(CommunityRecord::Member(row.member(meta)))))
}

/// A server with all that it has but its members.
pub(in crate::store::dynamodb) async fn server(call: &Call<'_>, id: &str, meta: MetaRow) -> Result<Vec<Record>, Failure> {
    let id = ServerId::new(id);
    let of = || id.clone();
    let mut records = vec![CommunityRecord::Server { server: meta.server(&id), version: meta.version }];
    let rows: Vec<PartRow> = call.query(&keys::parts(&meta.tree), Order::OldestFirst, usize::MAX).await?;
    let ServerTree { roles, categories, channels, .. } = super::rows::tree(&id, &meta, rows.into_iter().map(PartRow::part))?;
    records.extend(roles.into_values().map(|role| CommunityRecord::Role { server: of(), role }));
    records.extend(categories.into_values().map(|category| CommunityRecord::Category { server: of(), category }));
    records.extend(channels.into_values().map(|channel| CommunityRecord::Channel { server: of(), channel }));
    let bans: Vec<BanRow> = call.query(&keys::bans(&meta.home), Order::OldestFirst, usize::MAX).await?;
    records.extend(bans.into_iter().map(|row| CommunityRecord::Ban(row.ban(&id))));
    for row in call.query::<InviteRow>(&keys::invites(&meta.home), Order::OldestFirst, usize::MAX).await? {
        records.push(CommunityRecord::Invite(row.invite(&id)?));
    }
    let schedules: Vec<ScheduleRow> = call.query(&keys::schedules(&meta.home), Order::OldestFirst, usize::MAX).await?;
    records.extend(schedules.into_iter().map(|row| CommunityRecord::Schedule(row.schedule(&id))));
    Ok(records.into_iter().map(Record::Community).collect())
}

/// Puts records in their order; those of the tree of one server together.
pub(in crate::store::dynamodb) async fn put(call: &Call<'_>, records: &[&CommunityRecord]) -> Result<(), Failure> {
    for some in records.chunk_by(|a, b| of_tree(a).is_some() && of_tree(a) == of_tree(b)) {
        match some {
            [record] if of_tree(record).is_none() => put_one(call, record).await?,
            some => put_parts(call, some).await?,
        }
    }
    Ok(())
}

/// The server whose tree a record is a part of.
fn of_tree(record: &CommunityRecord) -> Option<&ServerId> {
    match record {
        CommunityRecord::Role { server, .. } | CommunityRecord::Category { server, .. } | CommunityRecord::Channel { server, .. } => {
            Some(server)
        }
        CommunityRecord::User(_)
        | CommunityRecord::Server { .. }
        | CommunityRecord::Member(_)
        | CommunityRecord::Ban(_)
        | CommunityRecord::Invite(_)
        | CommunityRecord::Schedule(_) => None,
    }
}

async fn kept(call: &Call<'_>, server: &ServerId) -> Result<MetaRow, Failure> {
    meta(call, server).await?.ok_or(Failure::Unreadable("a record of a server that isn't there"))
}

async fn put_one(call: &Call<'_>, record: &CommunityRecord) -> Result<(), Failure> {
    match record {
        CommunityRecord::User(user) => put_user(call, user).await,
        CommunityRecord::Server { server, version } => put_server(call, server, *version).await,
        CommunityRecord::Member(member) => put_member(call, member).await,
        CommunityRecord::Ban(ban) => put_ban(call, ban).await,
        CommunityRecord::Invite(invite) => put_invite(call, invite).await,
        CommunityRecord::Schedule(schedule) => put_schedule(call, schedule).await,
        CommunityRecord::Role { .. } | CommunityRecord::Category { .. } | CommunityRecord::Channel { .. } => {
            put_parts(call, &[record]).await
        }
    }
}

async fn put_user(call: &Call<'_>, user: &UserRecord) -> Result<(), Failure> {
    call.write(&Write::put(keys::user(&user.user.id), &UserRow::new(user))?).await.map(|_| ())
}

/// One that is there stays.
async fn put_server(call: &Call<'_>, server: &ServerRecord, version: u64) -> Result<(), Failure> {
    let row = MetaRow::new(&empty(server.clone(), version), rooms::random_id("home"), rooms::random_id("tree"));
    call.write(&Write::put(keys::server(&server.id), &row)?.only_if(ABSENT)).await.map(|_| ())
}

fn empty(server: ServerRecord, version: u64) -> ServerTree {
    ServerTree { server, roles: BTreeMap::new(), categories: BTreeMap::new(), channels: BTreeMap::new(), version }
}

async fn put_parts(call: &Call<'_>, records: &[&CommunityRecord]) -> Result<(), Failure> {
    let Some(id) = records.first().and_then(|record| of_tree(record)) else { return Ok(()) };
    let meta = kept(call, id).await?;
    let mut tree = empty(meta.server(id), meta.version);
    for record in records {
        match record {
            CommunityRecord::Role { role, .. } => drop(tree.roles.insert(role.id.clone(), role.clone())),
            CommunityRecord::Category { category, .. } => drop(tree.categories.insert(category.id.clone(), category.clone())),
            CommunityRecord::Channel { channel, .. } => drop(tree.channels.insert(channel.id.clone(), channel.clone())),
            CommunityRecord::User(_)
            | CommunityRecord::Server { .. }
            | CommunityRecord::Member(_)
            | CommunityRecord::Ban(_)
            | CommunityRecord::Invite(_)
            | CommunityRecord::Schedule(_) => {}
        }
    }
    let mut writes = tree::put_parts(&meta.tree, meta.version, &parts(&tree))?;
    for channel in tree.channels.keys() {
        writes.push(tree::server_of_row(channel, id)?);
    }
    call.write_all(&writes).await?;
    let rows: Vec<PartRow> = call.query(&keys::parts(&meta.tree), Order::OldestFirst, usize::MAX).await?;
    let counted = meta.with_parts(rows.iter().map(|row| row.stamp));
    let write = Write::update(keys::server(id)).set("rows", number(counted.rows)).set("stamps", number(counted.stamps));
    call.write(&write).await.map(|_| ())
}

async fn put_member(call: &Call<'_>, member: &MemberRecord) -> Result<(), Failure> {
    let meta = kept(call, &member.server).await?;
    let row = MemberRow::new(member, &meta);
    let writes = [
        Write::put(keys::member(&meta.home, &member.user.id), &row)?,
        Write::put(keys::membership(&member.user.id, &member.server), &row)?,
    ];
    call.write_all(&writes).await
}

async fn put_ban(call: &Call<'_>, ban: &BanRecord) -> Result<(), Failure> {
    let meta = kept(call, &ban.server).await?;
    let writes = [
        Write::put(keys::member(&meta.home, &ban.user.id), &BannedRow::new(&ban.user.id))?,
        Write::put(keys::ban(&meta.home, &ban.user.id), &BanRow::new(ban))?,
    ];
    call.write_all(&writes).await
}

async fn put_invite(call: &Call<'_>, invite: &InviteRecord) -> Result<(), Failure> {
    let meta = kept(call, &invite.server).await?;
    let of = InviteOfRow { server: invite.server.to_string(), home: meta.home.clone(), id: invite.id.to_string() };
    let writes = [
        Write::put(keys::invite(&meta.home, &invite.id), &InviteRow::new(invite))?,
        Write::put(keys::invite_of(&invite.secret_hash), &of)?,
    ];
    call.write_all(&writes).await
}

async fn put_schedule(call: &Call<'_>, schedule: &ScheduleRecord) -> Result<(), Failure> {
    kept(call, &schedule.server).await?;
    calendar::put(call, schedule).await
}
