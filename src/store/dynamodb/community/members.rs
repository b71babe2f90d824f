//! Members, bans, and what is known of users.
//!
//! A member stands in two rows, the server's and the user's, which change in one transaction. Roles that were removed aren't taken out of the rows:
//! a row has the version of the server when it was written, and is read without what was removed since. Who is banned has a row in the member's
//! place, beside the one that says why. Invariant: nobody is a member and banned, because both have one place.

use super::rows::{BanRow, BannedRow, InviteOfRow, InviteRow, MemberRow, MetaRow, UserRow};
use super::{AT_ONCE, meta};
use crate::store::dynamodb::call::{Call, Committed, Failure, Order, Pause, record};
use crate::store::dynamodb::keys::{self, MEMBER_SHARDS};
use crate::store::dynamodb::write::{ABSENT, Item, Write, number};
use ::rooms::store::{BanRecord, Entered, Entry, MemberRecord, UserRecord};
use ::rooms::{InviteId, ServerId, UserId};
use futures_util::future::try_join_all;
use std::time::SystemTime;

/// That there is such a row.
const PRESENT: &str = "attribute_exists(PK)";

/// That the row is a member's.
const MEMBER: &str = "attribute_exists(PK) AND attribute_not_exists(#banned)";

/// That it is not.
const NO_MEMBER: &str = "attribute_not_exists(PK) OR attribute_exists(#banned)";

/// Who has a member's place in a server.
enum Seat {
    Member(MemberRow),
    Banned,
}

impl Seat {
    fn of(row: Item) -> Result<Self, Failure> {
        if row.contains_key("banned") { Ok(Self::Banned) } else { record(row).map(Self::Member) }
    }

    fn member(self) -> Option<MemberRow> {
        match self {
            Self::Member(row) => Some(row),
            Self::Banned => None,
        }
    }
}

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
    let shards = try_join_all(spans.iter().map(|span| call.items(span, Order::OldestFirst, usize::MAX))).await?;
    let seats = shards.into_iter().flatten().map(Seat::of).collect::<Result<Vec<_>, Failure>>()?;
    let mut members: Vec<MemberRecord> = seats.into_iter().filter_map(Seat::member).map(|row| row.member(&meta)).collect();
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
        let mut writes = both(member, &meta, ABSENT)?;
        let refused = match by {
            Entry::Granted => None,
            Entry::Invite { secret_hash, now } => match use_one(call, &member.server, &meta, secret_hash, *now).await? {
                Ok(write) => {
                    writes.push(write);
                    None
                }
                Err(refused) => Some(refused),
            },
        };
        // Who is in, or banned, is told that whatever the invitation is.
        let seat = match refused {
            Some(_) => call.item(&keys::member(&meta.home, &member.user.id)).await?,
            None => match call.commit(&writes).await? {
                Committed::Done => return Ok(Entered::Joined),
                Committed::Refused(rows) => rows.into_iter().next().flatten(),
            },
        };
        match (seat.map(Seat::of).transpose()?, refused) {
            (Some(Seat::Member(before)), _) => return Ok(Entered::Already(before.member(&meta))),
            (Some(Seat::Banned), _) => return Ok(Entered::Banned),
            (None, Some(refused)) => return Ok(refused),
            (None, None) => pause.wait().await,
        }
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
    Ok(matches!(call.commit(&both(member, &meta, MEMBER)?).await?, Committed::Done))
}

pub(super) async fn remove(call: &Call<'_>, server: &ServerId, user: &UserId, ban: Option<&BanRecord>) -> Result<bool, Failure> {
    let mut pause = Pause::default();
    loop {
        let Some(meta) = meta(call, server).await? else { return Ok(false) };
        let mine = keys::member(&meta.home, user);
        let is_member = matches!(call.item(&mine).await?.map(Seat::of).transpose()?, Some(Seat::Member(_)));
        let mut writes = match ban {
            None if !is_member => return Ok(false),
            None => vec![Write::delete(mine).only_if(MEMBER)],
            Some(ban) => vec![
                Write::put(mine, &BannedRow::new(&ban.user.id))?.only_if(if is_member { MEMBER } else { NO_MEMBER }),
                Write::put(keys::ban(&meta.home, &ban.user.id), &BanRow::new(ban))?,
            ],
        };
        if is_member {
            writes.push(Write::delete(keys::membership(user, server)));
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
    let lifted = [
        Write::delete(keys::ban(&meta.home, user)).only_if(PRESENT),
        Write::delete(keys::member(&meta.home, user)).only_if("attribute_exists(#banned)"),
    ];
    Ok(matches!(call.commit(&lifted).await?, Committed::Done))
}

pub(super) async fn put_user(call: &Call<'_>, user: &UserRecord) -> Result<(), Failure> {
    call.write(&Write::put(keys::user(&user.user.id), &UserRow::new(user))?).await.map(|_| ())
}

pub(super) async fn users(call: &Call<'_>, ids: &[UserId]) -> Result<Vec<UserRecord>, Failure> {
    let mut users = Vec::with_capacity(ids.len());
    for some in ids.chunks(AT_ONCE) {
        let rows: Vec<Option<Item>> = try_join_all(some.iter().map(|id| async { call.item(&keys::user(id)).await })).await?;
        for row in rows.into_iter().flatten() {
            users.push(record::<UserRow>(row)?.user());
        }
    }
    Ok(users)
}
