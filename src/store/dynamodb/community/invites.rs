//! Invitations: each in its server's partition, and found by its secret through a row that says where.
//!
//! Their use is decided where members come in. Invariant: a secret leads to an invitation of a server that isn't deleted, or to none.

use super::meta;
use super::rows::{InviteOfRow, InviteRow};
use crate::store::dynamodb::call::{Call, Committed, Failure, Order};
use crate::store::dynamodb::keys;
use crate::store::dynamodb::write::Write;
use ::rooms::store::InviteRecord;
use ::rooms::{InviteId, ServerId};
use aws_sdk_dynamodb::types::AttributeValue;

pub(super) async fn create(call: &Call<'_>, invite: &InviteRecord) -> Result<(), Failure> {
    let Some(meta) = meta(call, &invite.server).await? else { return Ok(()) };
    let of = InviteOfRow { server: invite.server.to_string(), home: meta.home.clone(), id: invite.id.to_string() };
    let writes = [
        Write::put(keys::invite(&meta.home, &invite.id), &InviteRow::new(invite))?,
        Write::put(keys::invite_of(&invite.secret_hash), &of)?,
    ];
    call.commit(&writes).await.map(|_| ())
}

pub(super) async fn find(call: &Call<'_>, secret_hash: &[u8; 32]) -> Result<Option<InviteRecord>, Failure> {
    let Some(of) = call.get::<InviteOfRow>(&keys::invite_of(secret_hash)).await? else { return Ok(None) };
    let server = ServerId::new(of.server);
    let Some(meta) = meta(call, &server).await?.filter(|meta| meta.home == of.home) else { return Ok(None) };
    let row: Option<InviteRow> = call.get(&keys::invite(&meta.home, &InviteId::new(of.id))).await?;
    row.map(|row| row.invite(&server)).transpose()
}

pub(super) async fn list(call: &Call<'_>, server: &ServerId) -> Result<Vec<InviteRecord>, Failure> {
    let Some(meta) = meta(call, server).await? else { return Ok(vec![]) };
    let rows: Vec<InviteRow> = call.query(&keys::invites(&meta.home), Order::OldestFirst, usize::MAX).await?;
    let mut invites = rows.into_iter().map(|row| row.invite(server)).collect::<Result<Vec<_>, Failure>>()?;
    invites.retain(|invite| !invite.revoked);
    invites.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    Ok(invites)
}

/// In a transaction though it is one write, because a transaction has a token: a retry after a lost answer is told the same.
pub(super) async fn revoke(call: &Call<'_>, server: &ServerId, id: &InviteId) -> Result<bool, Failure> {
    let Some(meta) = meta(call, server).await? else { return Ok(false) };
    let revoked = Write::update(keys::invite(&meta.home, id))
        .set("revoked", AttributeValue::Bool(true))
        .only_if("attribute_exists(PK) AND attribute_not_exists(#revoked)");
    Ok(matches!(call.transact(&[revoked]).await?, Committed::Done))
}
