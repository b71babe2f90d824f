//! Messages as rows: what is changed of them, and what they mention.
//!
//! Each function is one operation of the store, or says what such an operation writes. A deletion is one row: the message's tombstone. Before
//! it, a hint among the exceptions says where readers of counts have to look, after it, that it is so. Invariant: a message that isn't
//! deleted and its mentions change in one transaction, but for mentions beyond a hundred.

use super::call::{Call, Committed, Failure, Pause};
use super::channels::Channels;
use super::records::{MentionRow, MessageRow, codes};
use super::write::{Write, number, text};
use super::{keys, marks};
use crate::store::sqlite::to_ns;
use aws_sdk_dynamodb::types::AttributeValue;
use rooms::store::Edit;
use rooms::view::{Audience, Message};
use rooms::{ChannelId, UserId};
use std::time::{Duration, SystemTime};

/// How long nonces are kept: a day as promised, and an hour more for clocks that differ.
pub(super) const NONCES_KEPT: Duration = Duration::from_secs(25 * 3600);

/// A nonce's row may be written: there is none, or it has outlived its time and wasn't removed yet.
pub(super) const NONCE_FREE: &str = "attribute_not_exists(PK) OR #exp < :now";

/// What has to be written for other mentions than before. Nobody mentions oneself: own messages are never unread.
pub(super) fn mention_changes(
    log: &ChannelId,
    seq: u64,
    author: &UserId,
    before: &[Audience],
    after: &[Audience],
) -> Result<Vec<Write>, Failure> {
    let mut writes: Vec<Write> = shared_change(log, seq, before, after).into_iter().collect();
    for user in named(before).filter(|user| *user != author && !named(after).any(|other| other == *user)) {
        writes.push(Write::delete(keys::mention(user, log, seq)));
    }
    for user in named(after).filter(|user| *user != author && !named(before).any(|other| other == *user)) {
        writes.push(Write::put(keys::mention(user, log, seq), &MentionRow { seq })?);
    }
    Ok(writes)
}

fn named(mentions: &[Audience]) -> impl Iterator<Item = &UserId> {
    mentions.iter().filter_map(|audience| match audience {
        Audience::User(user) => Some(user),
        Audience::Everyone | Audience::Role(_) => None,
    })
}

/// Everyone and roles stand in one row, whoever they are.
fn shared_change(log: &ChannelId, seq: u64, before: &[Audience], after: &[Audience]) -> Option<Write> {
    let everyone = |mentions: &[Audience]| mentions.contains(&Audience::Everyone);
    if everyone(before) == everyone(after) && roles(before) == roles(after) {
        return None;
    }
    let write = exception(log, seq);
    let write = if everyone(after) { write.set("everyone", AttributeValue::Bool(true)) } else { write.remove("everyone") };
    let roles = roles(after);
    Some(if roles.is_empty() { write.remove("roles") } else { write.set("roles", AttributeValue::L(roles)) })
}

fn roles(mentions: &[Audience]) -> Vec<AttributeValue> {
    let role = |audience: &Audience| match audience {
        Audience::Role(role) => Some(text(role.as_str())),
        Audience::Everyone | Audience::User(_) => None,
    };
    mentions.iter().filter_map(role).collect()
}

pub(super) fn exception(log: &ChannelId, seq: u64) -> Write {
    Write::update(keys::exception(log, seq)).set("seq", number(seq))
}

pub(super) async fn edit(call: &Call<'_>, channels: &Channels, edit: &Edit) -> Result<Option<Message>, Failure> {
    let mut pause = Pause::default();
    loop {
        let (channel, row) = channels.message(call, &edit.channel, edit.seq).await?;
        let log = &channel.log;
        let Some(before) = row.filter(|row| !row.is_deleted()) else { return Ok(None) };
        let change = change(log, &before).set("text", text(&edit.text)).set("edited_at", number(to_ns(edit.at)));
        let mentions = codes(&edit.mentions).into_iter().map(AttributeValue::S).collect();
        let mut writes =
            vec![if edit.mentions.is_empty() { change.remove("mentions") } else { change.set("mentions", AttributeValue::L(mentions)) }];
        let author = UserId::new(before.author.as_str());
        writes.extend(mention_changes(log, edit.seq, &author, &before.audiences()?, &edit.mentions)?);
        if let Committed::Done = call.commit(&writes).await? {
            let before = before.message(&edit.channel)?;
            let after = Message { text: edit.text.clone(), mentions: edit.mentions.clone(), edited_at: Some(edit.at), ..before };
            return Ok(Some(after));
        }
        pause.wait().await;
    }
}

pub(super) async fn delete(
    call: &Call<'_>,
    channels: &Channels,
    channel: &ChannelId,
    seq: u64,
    at: SystemTime,
) -> Result<Option<Message>, Failure> {
    let mut pause = Pause::default();
    let mut tried: Option<(MessageRow, Vec<Audience>)> = None;
    loop {
        let (state, row) = channels.message(call, channel, seq).await?;
        let Some(before) = row else { return Ok(None) };
        let log = &state.log;
        if before.is_deleted() {
            // Perhaps by this call, and the answer was lost.
            if let Some((before, mentions)) = &tried {
                settle(call, log, before, mentions).await;
            }
            return before.message(channel).map(Some);
        }
        let mentions = before.audiences()?;
        call.write(&exception(log, seq).set("deleting", AttributeValue::Bool(true))).await?;
        let change = change(log, &before).set("deleted_at", number(to_ns(at)));
        let gone = ["text", "mentions", "attachments", "reactions", "pinned"];
        let mut writes = vec![gone.into_iter().fold(change, Write::remove)];
        if before.pinned {
            writes.push(marks::unpinned(call, log, seq).await?);
        }
        if let Committed::Done = call.commit(&writes).await? {
            settle(call, log, &before, &mentions).await;
            let before = before.message(channel)?;
            let (mentions, attachments, reactions) = (vec![], vec![], vec![]);
            return Ok(Some(Message { text: String::new(), mentions, attachments, reactions, deleted_at: Some(at), ..before }));
        }
        tried = Some((before, mentions));
        pause.wait().await;
    }
}

/// Says that a message is deleted, which it is, and removes what was of it. What is left where this fails counts for nobody.
async fn settle(call: &Call<'_>, log: &ChannelId, before: &MessageRow, mentions: &[Audience]) {
    let (seq, author) = (before.seq, UserId::new(before.author.as_str()));
    let deleted = exception(log, seq).set("deleted", AttributeValue::Bool(true)).remove("deleting").remove("everyone").remove("roles");
    let mut writes = vec![deleted];
    writes.extend(named(mentions).filter(|user| **user != author).map(|user| Write::delete(keys::mention(user, log, seq))));
    if let Err(error) = call.write_all(&writes).await {
        tracing::debug!(%error, "rows of a deleted message are left behind");
    }
    if !before.reactions.is_empty() {
        marks::forget(call, log, seq).await;
    }
}

/// A change of a message, if nobody else changes it first.
pub(super) fn change(log: &ChannelId, before: &MessageRow) -> Write {
    Write::update(keys::message(log, before.seq))
        .set("version", number(before.version + 1))
        .only_if("#version = :was")
        .with("was", number(before.version))
}

pub(super) async fn message(call: &Call<'_>, channels: &Channels, channel: &ChannelId, seq: u64) -> Result<Option<Message>, Failure> {
    let (_, row) = channels.message(call, channel, seq).await?;
    row.map(|row| row.message(channel)).transpose()
}

/// Seconds since 1970, as the tables' time to live counts.
pub(super) fn unix_s(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
