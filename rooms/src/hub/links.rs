//! Links into rooms: a secret in an address that opens a room a limited number of times.
//!
//! Only the secret's hash is kept. It has 130 random bits, so a plain hash is enough: there is nothing to guess.

use crate::limits;
use crate::registry::Node;
use crate::store::{LinkRecord, Redeemed};
use crate::{CreateLink, CreatedLink, Error, RedeemedLink, Result, RoomId};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::SystemTime;

pub(super) async fn create(node: &Arc<Node>, room: &RoomId, request: CreateLink) -> Result<CreatedLink> {
    limits::link_ttl(request.ttl)?;
    limits::link_uses(request.max_uses)?;
    let name = request.name.map(|name| limits::name("name", &name)).transpose()?;
    let room = node.find(room).await?.record().id.clone();
    let secret = crate::random_id("link");
    let expires_at = super::wall_clock() + request.ttl;
    node.store.create_link(LinkRecord { secret_hash: hash(&secret), room, name, max_uses: request.max_uses, uses: 0, expires_at }).await?;
    Ok(CreatedLink { secret, expires_at })
}

pub(super) async fn redeem(node: &Arc<Node>, secret: &str) -> Result<RedeemedLink> {
    match node.store.redeem_link(&hash(secret), SystemTime::now()).await? {
        Redeemed::Granted(LinkRecord { room, name, .. }) => {
            node.find(&room).await?;
            Ok(RedeemedLink { room, name })
        }
        Redeemed::Unknown => Err(Error::NotFound("link")),
        Redeemed::Expired => Err(Error::NotFound("link any more: it has expired")),
        Redeemed::UsedUp => Err(Error::NotFound("link any more: it is used up")),
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
