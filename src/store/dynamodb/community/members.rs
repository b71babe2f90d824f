//! Members, bans, and what is known of users.
//!
//! A member stands in two rows, the server's and the user's, which change in one transaction. Roles that were removed aren't taken out of the rows:
//! a row has the version of the server when it was written, and is read without what was removed since. Invariant: nobody is a member and banned.

use super::rows::{BanRow, InviteOfRow, InviteRow, MemberRow, MetaRow, UserRow};
use super::{AT_ONCE, meta};
use crate::store::dynamodb::call::{Call, Committed, Failure, Order, Pause};
use crate::store::dynamodb::keys::{self, MEMBER_SHARDS};
use crate::store::dynamodb::write::{ABSENT, Item, Write, number};
use ::rooms::store::{BanRecord, Entered, Entry, MemberRecord, UserRecord};
use ::rooms::{InviteId, ServerId, UserId};
use futures_util::future::try_join_all;
use std::time::SystemTime;

/// That there is such a row.
const PRESENT: &str = "attribute_exists(PK)";

pub(super) async fn of_user(call: &Call<'_>, user: &UserId) -> Result<Vec<MemberRecord>, Failure> {
    let rows: Vec<MemberRow> = call.query(&keys::memberships(user), Order::OldestFirst, usize::MAX).await?;
    let mut found = Vec::with_capacity(rows.len());
    for some in rows.chunks(AT_ONCE) {
        let metas = try_join_all(some.iter().map(|row| async { meta(call, &ServerId::new(row.server.as_str())).await })).await?;
        // Of a deleted server the rows are left for a while.
        let live = some.iter().zip(metas).filter_map(|(row, meta)| Some((row, meta.filter(|meta| meta.home == row.home)?)));
        found.extend(live.map(|(row, meta)| row.clone().member(&meta)));
    }
    found.sort_by(|a, b| (a.joined_at, &a.server).cmp(&(b.joined_at, &b.server)));
    Ok(found)
}

pub(super) async fn of_server(call: &Call<'_>, server: &ServerId) -> Result<Vec<MemberRecord>, Failure> {
    let Some(meta) = meta(call, server).await? else { return Ok(vec![]) };
    let spans: Vec<_> = (0..MEMBER_SHARDS).map(|shard| keys::members(&meta.home, shard)).collect();
    let shards = try_join_all(spans.iter().map(|span| call.query::<MemberRow>(span, Order::OldestFirst, usize::MAX))).await?;
    let mut members: Vec<MemberRecord> = shards.into_iter().flatten().map(|row| row.member(&meta)).collect();
    members.sort_by(|a, b| (a.joined_at, &a.user.id).cmp(&(b.joined_at, &b.user.id)));
    Ok(members)
}

/// Both rows of a member, the server's on this condition.
fn both(member: &MemberRecord, meta: &MetaRow, condition: &'static str) -> Result<Vec<Write>, Failure> {
    let row = MemberRow::new(member, meta);
    Ok(vec![
        Write::put(keys::member(&meta.home, &member.user.id), &row)?.only_if(condition),
        Write::put(keys::membership(&member.user.id, &member.server), &row)?,
    ])
}

pub(super) async fn enter(call: &Call<'_>, member: &MemberRecord, by: &Entry) -> Result<Entered, Failure> {
    let mut pause = Pause::default();
    loop {
        let Some(meta) = meta(call, &member.server).await? else { return Ok(Entered::Gone) };
        let (mine, ban) = (keys::member(&meta.home, &member.user.id), keys::ban(&meta.home, &member.user.id));
        let (before, banned) = tokio::try_join!(call.get::<MemberRow>(&mine), call.item(&ban))?;
        if let Some(before) = before {
            return Ok(Entered::Already(before.member(&meta)));
        }
        if banned.is_some() {
            return Ok(Entered::Banned);
        }
        let mut writes = both(member, &meta, ABSENT)?;
        writes.push(Write::check(ban, ABSENT));
        if let Entry::Invite { secret_hash, now } = by {
            match use_one(call, &member.server, &meta, secret_hash, *now).await? {
                Ok(write) => writes.push(write),
                Err(refused) => return Ok(refused),
            }
        }
        if let Committed::Done = call.commit(&writes).await? {
            return Ok(Entered::Joined);
        }
        pause.wait().await;
    }
}

/// The use of an invitation, or why there is none.
async fn use_one(
    call: &Call<'_>,
    server: &ServerId,
    meta: &MetaRow,
    secret_hash: &[u8; 32],
    now: SystemTime,
) -> Result<Result<Write, Entered>, Failure> {
    let of: Option<InviteOfRow> = call.get(&keys::invite_of(secret_hash)).await?;
    let Some(of) = of.filter(|of| of.home == meta.home) else { return Ok(Err(Entered::Unknown)) };
    let key = keys::invite(&meta.home, &InviteId::new(of.id));
    let Some(row) = call.get::<InviteRow>(&key).await? else { return Ok(Err(Entered::Unknown)) };
    let invite = row.invite(server)?;
    if invite.revoked {
        return Ok(Err(Entered::Unknown));
    }
    if invite.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Ok(Err(Entered::Expired));
    }
    if invite.max_uses.is_some_and(|max| invite.uses >= max) {
        return Ok(Err(Entered::UsedUp));
    }
    let write = Write::update(key).set("uses", number(invite.uses + 1));
    Ok(Ok(write.only_if("#uses = :was AND attribute_not_exists(#revoked)").with("was", number(invite.uses))))
}

pub(super) async fn update(call: &Call<'_>, member: &MemberRecord) -> Result<bool, Failure> {
    let Some(meta) = meta(call, &member.server).await? else { return Ok(false) };
    Ok(matches!(call.commit(&both(member, &meta, PRESENT)?).await?, Committed::Done))
}

pub(super) async fn remove(call: &Call<'_>, server: &ServerId, user: &UserId, ban: Option<&BanRecord>) -> Result<bool, Failure> {
    let mut pause = Pause::default();
    loop {
        let Some(meta) = meta(call, server).await? else { return Ok(false) };
        let mine = keys::member(&meta.home, user);
        let is_member = call.item(&mine).await?.is_some();
        let mut writes = match (is_member, ban) {
            (false, None) => return Ok(false),
            (false, Some(_)) => vec![Write::check(mine, ABSENT)],
            (true, _) => vec![Write::delete(mine).only_if(PRESENT), Write::delete(keys::membership(user, server))],
        };
        if let Some(ban) = ban {
            writes.push(Write::put(keys::ban(&meta.home, &ban.user.id), &BanRow::new(ban))?);
        }
        if let Committed::Done = call.commit(&writes).await? {
            return Ok(is_member);
        }
        pause.wait().await;
    }
}

pub(super) async fn bans(call: &Call<'_>, server: &ServerId) -> Result<Vec<BanRecord>, Failure> {
    let Some(meta) = meta(call, server).await? else { return Ok(vec![]) };
    let rows: Vec<BanRow> = call.query(&keys::bans(&meta.home), Order::OldestFirst, usize::MAX).await?;
    let mut bans: Vec<BanRecord> = rows.into_iter().map(|row| row.ban(server)).collect();
    bans.sort_by(|a, b| (a.at, &a.user.id).cmp(&(b.at, &b.user.id)));
    Ok(bans)
}

pub(super) async fn unban(call: &Call<'_>, server: &ServerId, user: &UserId) -> Result<bool, Failure> {
    let Some(meta) = meta(call, server).await? else { return Ok(false) };
    let lifted = Write::delete(keys::ban(&meta.home, user)).only_if(PRESENT);
    Ok(matches!(call.transact(&[lifted]).await?, Committed::Done))
}

pub(super) async fn put_user(call: &Call<'_>, user: &UserRecord) -> Result<(), Failure> {
    call.write(&Write::put(keys::user(&user.user.id), &UserRow::new(user))?).await.map(|_| ())
}

pub(super) async fn users(call: &Call<'_>, ids: &[UserId]) -> Result<Vec<UserRecord>, Failure> {
    let mut users = Vec::with_capacity(ids.len());
    for some in ids.chunks(AT_ONCE) {
        let rows: Vec<Option<Item>> = try_join_all(some.iter().map(|id| async { call.item(&keys::user(id)).await })).await?;
        for row in rows.into_iter().flatten() {
            users.push(crate::store::dynamodb::call::record::<UserRow>(row)?.user());
        }
    }
    Ok(users)
}
