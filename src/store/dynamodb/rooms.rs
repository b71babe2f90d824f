//! Rooms and links as rows.
//!
//! Each function is one operation of the store. A room is the row at its id. That it is listed is a hint, written before it and closed after
//! its end, which counts only as long as the room says so; it also keeps the nonce that made the room. Invariant: whatever dies in between,
//! a room that has not ended is listed, and a nonce makes one room.

use super::call::{AT_ONCE, Call, Committed, Failure, Order, Pause, Written, record};
use super::keys::{self, OPEN_SHARDS};
use super::messages::{NONCE_FREE, NONCES_KEPT, unix_s};
use super::records::{LinkRow, ListedRow, RoomRow};
use super::write::{ABSENT, Write, number};
use crate::store::sqlite::to_ns;
use ::rooms::RoomId;
use ::rooms::store::{LinkRecord, Nonce, Redeemed, RoomRecord};
use futures_util::future::try_join_all;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

/// How long what is over is kept: ended rooms, and expired links, which are told to have expired for so long.
pub(super) const OVER_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

pub(super) async fn create(call: &Call<'_>, room: RoomRecord, nonce: &Nonce) -> Result<RoomRecord, Failure> {
    let now = SystemTime::now();
    let place = keys::place_of_nonce(nonce);
    let listed = ListedRow { room: room.id.to_string(), at: unix_s(now), exp: None };
    let list = Write::put(keys::listed_room(&room.owner.id, &place), &listed)?.only_if(NONCE_FREE).with("now", number(unix_s(now)));
    let id = match call.write(&list).await? {
        Written::Done => room.id.clone(),
        Written::Refused(kept) => RoomId::new(record::<ListedRow>(kept)?.room),
    };
    // Whoever died after the line above, or is between it and the next, has made no room yet: this one is it then.
    if id != room.id
        && let Some(first) = call.get::<RoomRow>(&keys::room(&id)).await?
    {
        return Ok(first.room());
    }
    let room = RoomRecord { id, ..room };
    match call.write(&Write::put(keys::room(&room.id), &RoomRow::new(&room, place))?.only_if(ABSENT)).await? {
        Written::Done => Ok(room),
        Written::Refused(kept) => {
            let kept = record::<RoomRow>(kept)?.room();
            if kept.owner.id == room.owner.id { Ok(kept) } else { Err(Failure::Unavailable("a room has this id".into())) }
        }
    }
}

pub(super) async fn find(call: &Call<'_>, id: &RoomId) -> Result<Option<RoomRecord>, Failure> {
    let row: Option<RoomRow> = call.get(&keys::room(id)).await?;
    Ok(row.filter(|row| !row.has_ended()).map(RoomRow::room))
}

pub(super) async fn all_open(call: &Call<'_>) -> Result<Vec<RoomRecord>, Failure> {
    let spans: Vec<_> = (0..OPEN_SHARDS).map(keys::listed_rooms).collect();
    let shards = try_join_all(spans.iter().map(|span| call.query::<ListedRow>(span, Order::OldestFirst, usize::MAX))).await?;
    let listed: BTreeSet<RoomId> = shards.into_iter().flatten().filter(|row| row.exp.is_none()).map(|row| RoomId::new(row.room)).collect();
    let listed: Vec<RoomId> = listed.into_iter().collect();
    let mut rooms = Vec::with_capacity(listed.len());
    for some in listed.chunks(AT_ONCE) {
        rooms.extend(try_join_all(some.iter().map(|id| find(call, id))).await?.into_iter().flatten());
    }
    rooms.sort_by_key(|room| room.created_at);
    Ok(rooms)
}

pub(super) async fn end(call: &Call<'_>, id: &RoomId, at: SystemTime) -> Result<(), Failure> {
    let row: Option<RoomRow> = call.get(&keys::room(id)).await?;
    let Some(row) = row.filter(|row| !row.has_ended()) else { return Ok(()) };
    let end = Write::update(keys::room(id))
        .set("ended_at", number(to_ns(at)))
        .set("exp", number(unix_s(at + OVER_KEPT)))
        .only_if("attribute_exists(PK) AND attribute_not_exists(#ended_at)");
    // Refused: somebody else has ended it, or this did and its answer was lost.
    call.write(&end).await?;
    let exp = number(unix_s(SystemTime::now() + NONCES_KEPT));
    let close = Write::update(row.listed_at()).set("exp", exp).only_if("attribute_exists(PK)");
    call.write(&close).await.map(|_| ())
}

pub(super) async fn create_link(call: &Call<'_>, link: &LinkRecord) -> Result<(), Failure> {
    let row = LinkRow::new(link, SystemTime::now(), unix_s(link.expires_at + OVER_KEPT));
    // Refused: it was kept already, and its answer was lost. Nobody else can make the same secret.
    call.write(&Write::put(keys::link(&link.secret_hash), &row)?.only_if(ABSENT)).await.map(|_| ())
}

/// In a transaction though it is one write, because a transaction has a token: a retry after a lost answer takes no second use.
pub(super) async fn redeem_link(call: &Call<'_>, secret_hash: &[u8; 32], now: SystemTime) -> Result<Redeemed, Failure> {
    let mut pause = Pause::default();
    loop {
        let row: Option<LinkRow> = call.get(&keys::link(secret_hash)).await?;
        let Some(link) = row.map(|row| row.link(secret_hash)) else { return Ok(Redeemed::Unknown) };
        if link.expires_at <= now {
            return Ok(Redeemed::Expired);
        }
        if link.uses >= link.max_uses {
            return Ok(Redeemed::UsedUp);
        }
        let uses = link.uses + 1;
        let use_one =
            Write::update(keys::link(secret_hash)).set("uses", number(uses)).only_if("#uses = :was").with("was", number(link.uses));
        if let Committed::Done = call.transact(&[use_one]).await? {
            return Ok(Redeemed::Granted(LinkRecord { uses, ..link }));
        }
        pause.wait().await;
    }
}
