//! Trees of servers: made, read, changed and removed whole.
//!
//! A change is one transaction on the version that it was decided on: the rows that differ, and `META`, which knows how many rows there are and the
//! sum of their stamps. One that doesn't fit into a transaction puts all rows under another name first, and then names that in `META`. Invariant: a
//! tree that was read is one that was there at an instant.

use super::meta;
use super::rows::{MemberRow, MetaRow, Part, PartRow, parts, tree};
use crate::store::dynamodb::call::{Call, Committed, Failure, Order, Pause, TRANSACTION_WRITES_MAX};
use crate::store::dynamodb::channels::{Channel, Channels};
use crate::store::dynamodb::records::{ServerOfRow, Swept};
use crate::store::dynamodb::write::{ABSENT, Write, number, text};
use crate::store::dynamodb::{keys, logs};
use ::rooms::store::{MemberRecord, ServerTree, TreeChange, Updated};
use ::rooms::{ChannelId, ServerId};
use std::collections::{BTreeMap, BTreeSet};

/// That nobody has changed or removed the server.
const UNCHANGED: &str = "#home = :was_home AND #version = :was_version";

/// A tree as it is kept.
struct Kept {
    meta: MetaRow,
    stamps: BTreeMap<String, u64>,
    parts: BTreeMap<String, Part>,
}

async fn read(call: &Call<'_>, id: &ServerId) -> Result<Option<Kept>, Failure> {
    let mut pause = Pause::default();
    loop {
        let Some(meta) = meta(call, id).await? else { return Ok(None) };
        let rows: Vec<PartRow> = call.query(&keys::parts(&meta.tree), Order::OldestFirst, usize::MAX).await?;
        if meta.has_parts(&rows) {
            let stamps = rows.iter().map(|row| (row.place.clone(), row.stamp)).collect();
            let parts = rows.into_iter().map(|row| (row.place, row.part)).collect();
            return Ok(Some(Kept { meta, stamps, parts }));
        }
        // It was changed while it was read.
        pause.wait().await;
    }
}

pub(super) async fn find(call: &Call<'_>, id: &ServerId) -> Result<Option<ServerTree>, Failure> {
    let Some(Kept { meta, parts, .. }) = read(call, id).await? else { return Ok(None) };
    tree(id, &meta, parts.into_values()).map(Some)
}

pub(super) async fn create(call: &Call<'_>, channels: &Channels, new: &ServerTree, members: &[MemberRecord]) -> Result<bool, Failure> {
    let id = &new.server.id;
    logs::finish(call, channels, id).await?;
    if meta(call, id).await?.is_some() {
        return Ok(false);
    }
    let parts = parts(new);
    let row = MetaRow::new(new, rooms::random_id("home"), rooms::random_id("tree")).with_parts(parts.iter().map(|_| new.version));
    // What is reached through the row alone, and what is found without it.
    let mut inside = put_parts(&row.tree, new.version, &parts)?;
    let mut outside = vec![Write::put(keys::server(id), &row)?.only_if(ABSENT)];
    for channel in new.channels.keys() {
        outside.push(server_of_row(channel, id)?);
    }
    for member in members {
        let member_row = MemberRow::new(member, &row);
        inside.push(Write::put(keys::member(&row.home, &member.user.id), &member_row)?);
        outside.push(Write::put(keys::membership(&member.user.id, id), &member_row)?);
    }
    if inside.len() + outside.len() <= TRANSACTION_WRITES_MAX {
        outside.append(&mut inside);
    } else {
        call.write_all(&inside).await?;
    }
    Ok(matches!(call.commit(&outside).await?, Committed::Done))
}

pub(super) fn put_parts(tree: &str, stamp: u64, parts: &BTreeMap<String, Part>) -> Result<Vec<Write>, Failure> {
    let put =
        |(place, part): (&String, &Part)| Write::put(keys::part(tree, place), &PartRow { place: place.clone(), stamp, part: part.clone() });
    parts.iter().map(put).collect()
}

pub(super) fn server_of_row(channel: &ChannelId, server: &ServerId) -> Result<Write, Failure> {
    Write::put(keys::server_of(channel), &ServerOfRow { server: server.to_string() })
}

pub(super) async fn update(
    call: &Call<'_>,
    channels: &Channels,
    id: &ServerId,
    version: u64,
    changes: &[TreeChange],
) -> Result<Updated, Failure> {
    let mut pause = Pause::default();
    loop {
        let Some(before) = read(call, id).await? else { return Ok(Updated::Gone) };
        if before.meta.version != version {
            return Ok(Updated::Stale);
        }
        let mut left = Vec::new();
        let was = tree(id, &before.meta, before.parts.values().cloned())?;
        for channel in removed(&was, changes) {
            left.push((logs::of(call, &channel).await?, channel));
        }
        if let Committed::Done = commit(call, before, was, changes, &left).await? {
            for (log, channel) in left {
                channels.forget(&channel);
                Channel::new(channel, log).close(call).await?;
            }
            return Ok(Updated::Done);
        }
        pause.wait().await;
    }
}

/// The channels of the server whose messages go, also of those that come back in the same change.
fn removed(tree: &ServerTree, changes: &[TreeChange]) -> BTreeSet<ChannelId> {
    let mut own: BTreeSet<&ChannelId> = tree.channels.keys().collect();
    let mut removed = BTreeSet::new();
    for change in changes {
        match change {
            TreeChange::PutChannel(channel) => drop(own.insert(&channel.id)),
            TreeChange::RemoveChannel(channel) => removed.extend(own.take(channel).cloned()),
            TreeChange::Server(_)
            | TreeChange::PutRole(_)
            | TreeChange::RemoveRole(_)
            | TreeChange::PutCategory(_)
            | TreeChange::RemoveCategory(_) => {}
        }
    }
    removed
}

/// `left` are the channels that begin anew, with their logs.
async fn commit(
    call: &Call<'_>,
    before: Kept,
    was: ServerTree,
    changes: &[TreeChange],
    left: &[(ChannelId, ChannelId)],
) -> Result<Committed, Failure> {
    let Kept { meta, mut stamps, parts: old } = before;
    let mut now = was.clone();
    now.change(changes.to_vec());
    let new = parts(&now);
    let changed: BTreeMap<String, Part> =
        new.iter().filter(|(place, part)| old.get(*place) != Some(*part)).map(|(place, part)| (place.clone(), part.clone())).collect();
    stamps.retain(|place, _| new.contains_key(place));
    stamps.extend(changed.keys().map(|place| (place.clone(), now.version)));
    let mut row = MetaRow::new(&now, meta.home.clone(), meta.tree.clone()).with_parts(stamps.into_values());
    row.removed_roles = meta.removed_roles.clone();
    for change in changes {
        if let TreeChange::RemoveRole(role) = change {
            row.removed_roles.insert(role.to_string(), now.version);
        }
    }

    let mut beside = Vec::new();
    for (log, channel) in left {
        beside.extend(logs::leave(channel, log)?);
    }
    for channel in now.channels.keys().filter(|channel| !was.channels.contains_key(*channel)) {
        beside.push(server_of_row(channel, &now.server.id)?);
    }
    for channel in was.channels.keys().filter(|channel| !now.channels.contains_key(*channel)) {
        beside.push(Write::delete(keys::server_of(channel)));
    }
    let mut inside = put_parts(&meta.tree, now.version, &changed)?;
    inside.extend(old.keys().filter(|place| !new.contains_key(*place)).map(|place| Write::delete(keys::part(&meta.tree, place))));
    if 1 + beside.len() + inside.len() > TRANSACTION_WRITES_MAX {
        row = row.at(rooms::random_id("tree")).with_parts(new.iter().map(|_| now.version));
        inside = replace(call, &meta.tree, &row.tree, now.version, &new).await?;
    }
    let mut writes = vec![
        Write::put(keys::server(&now.server.id), &row)?
            .only_if(UNCHANGED)
            .with("was_home", text(&meta.home))
            .with("was_version", number(meta.version)),
    ];
    writes.append(&mut inside);
    writes.append(&mut beside);
    call.commit(&writes).await
}

/// Puts all parts under another name, which is swept unless it comes to be named. Returns what has to happen with that.
async fn replace(call: &Call<'_>, old: &str, new: &str, stamp: u64, parts: &BTreeMap<String, Part>) -> Result<Vec<Write>, Failure> {
    let spare = Swept::Tree { tree: new.to_owned() };
    call.write(&logs::to_sweep(spare.clone())?).await?;
    call.write_all(&put_parts(new, stamp, parts)?).await?;
    let needed = Write::delete(logs::place(&spare)).only_if("attribute_exists(PK)");
    Ok(vec![needed, logs::to_sweep(Swept::Tree { tree: old.to_owned() })?])
}

pub(super) async fn delete(call: &Call<'_>, channels: &Channels, id: &ServerId) -> Result<(), Failure> {
    let mut pause = Pause::default();
    while let Some(MetaRow { home, tree, version, .. }) = meta(call, id).await? {
        let gone = Write::delete(keys::server(id)).only_if(UNCHANGED).with("was_home", text(&home)).with("was_version", number(version));
        let swept = logs::to_sweep(Swept::Server { server: id.to_string(), home, tree })?;
        if let Committed::Done = call.commit(&[gone, swept]).await? {
            break;
        }
        pause.wait().await;
    }
    logs::finish(call, channels, id).await
}

/// The channel's row may be older than the server that it names.
pub(super) async fn server_of(call: &Call<'_>, channel: &ChannelId) -> Result<Option<ServerId>, Failure> {
    let Some(row) = call.get::<ServerOfRow>(&keys::server_of(channel)).await? else { return Ok(None) };
    let server = ServerId::new(row.server);
    let Some(meta) = meta(call, &server).await? else { return Ok(None) };
    let part = call.item(&keys::part(&meta.tree, &keys::channel_place(channel.as_str()))).await?;
    Ok(part.map(|_| server))
}
