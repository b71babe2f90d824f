//! Rooms and links as rows.
//!
//! Each function is one operation of the store. Invariant: a room that has not ended is in two places, at its id and among the open ones; an
//! ended one is at its id alone.

use super::call::{Call, Committed, Failure, Order, Pause, record};
use super::keys::{self, OPEN_SHARDS};
use super::messages::{NONCE_FREE, NONCES_KEPT, unix_s};
use super::records::{LinkRow, RoomNonceRow, RoomRow};
use super::write::{ABSENT, Write, number};
use crate::store::sqlite::to_ns;
use ::rooms::RoomId;
use ::rooms::store::{LinkRecord, Nonce, Redeemed, RoomRecord};
use futures_util::future::try_join_all;
use std::time::{Duration, SystemTime};

/// How long what is over is kept: ended rooms, and expired links, which are told to have expired for so long.
pub(super) const OVER_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

pub(super) async fn create(call: &Call<'_>, room: RoomRecord, nonce: &Nonce) -> Result<RoomRecord, Failure> {
    let row = RoomRow::new(&room);
    let (now, exp) = (unix_s(SystemTime::now()), unix_s(SystemTime::now() + NONCES_KEPT));
    let writes = [
        Write::put(keys::room_nonce(&room.owner.id, nonce), &RoomNonceRow { room: room.id.to_string(), exp })?
            .only_if(NONCE_FREE)
            .with("now", number(now)),
        Write::put(keys::room(&room.id), &row)?.only_if(ABSENT),
        Write::put(keys::open_room(&room.id, row.created_at), &row)?,
    ];
    let refused = match call.commit(&writes).await? {
        Committed::Done => return Ok(room),
        Committed::Refused(rows) => rows,
    };
    let Some(Some(kept)) = refused.into_iter().next() else { return Err(Failure::Unavailable("a room has this id".into())) };
    let first = RoomId::new(record::<RoomNonceRow>(kept)?.room);
    let first: Option<RoomRow> = call.get(&keys::room(&first)).await?;
    first.map(RoomRow::room).ok_or(Failure::Unreadable("a nonce without its room"))
}

pub(super) async fn find(call: &Call<'_>, id: &RoomId) -> Result<Option<RoomRecord>, Failure> {
    let row: Option<RoomRow> = call.get(&keys::room(id)).await?;
    Ok(row.filter(|row| !row.has_ended()).map(RoomRow::room))
}

pub(super) async fn all_open(call: &Call<'_>) -> Result<Vec<RoomRecord>, Failure> {
    let spans: Vec<_> = (0..OPEN_SHARDS).map(keys::open_rooms).collect();
    let shards = try_join_all(spans.iter().map(|span| call.query::<RoomRow>(span, Order::OldestFirst, usize::MAX))).await?;
    let mut rooms: Vec<RoomRecord> = shards.into_iter().flatten().map(RoomRow::room).collect();
    rooms.sort_by_key(|room| room.created_at);
    Ok(rooms)
}

pub(super) async fn end(call: &Call<'_>, id: &RoomId, at: SystemTime) -> Result<(), Failure> {
    let row: Option<RoomRow> = call.get(&keys::room(id)).await?;
    let Some(row) = row.filter(|row| !row.has_ended()) else { return Ok(()) };
    let writes = [
        Write::update(keys::room(id))
            .set("ended_at", number(to_ns(at)))
            .set("exp", number(unix_s(at + OVER_KEPT)))
            .only_if("attribute_exists(PK) AND attribute_not_exists(#ended_at)"),
        Write::delete(keys::open_room(id, row.created_at)),
    ];
    // Refused: somebody else has ended it.
    call.commit(&writes).await.map(|_| ())
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
