//! Messages as rows.
//!
//! Each function is one operation of the store. Invariants: the numbers of a channel are 1, 2, 3 … without a gap, because a message is put only
//! right after one that exists, and only where there is none; a message and what belongs to it (its nonce, its author's marker, its mentions)
//! change in one transaction, but for mentions beyond a hundred. Without kept nonces a new message goes first and what belongs to it follows,
//! each at half the price.

use super::call::{Call, Committed, Failure, Pause, Written, record};
use super::channels::{Channel, Channels, Nonces};
use super::records::{MentionRow, MessageNonceRow, MessageRow, codes};
use super::write::{ABSENT, Write, number, text};
use super::{keys, marks};
use crate::store::sqlite::to_ns;
use aws_sdk_dynamodb::types::AttributeValue;
use rooms::store::{Appended, Edit, NewMessage};
use rooms::view::{Audience, Message};
use rooms::{ChannelId, UserId};
use std::time::{Duration, SystemTime};

/// How long nonces are kept: a day as promised, and an hour more for clocks that differ.
pub(super) const NONCES_KEPT: Duration = Duration::from_secs(25 * 3600);

/// A nonce's row may be written: there is none, or it has outlived its time and wasn't removed yet.
pub(super) const NONCE_FREE: &str = "attribute_not_exists(PK) OR #exp < :now";

/// Where a message came to stand.
enum Place {
    /// This call stored it there.
    New(u64),
    /// An earlier call with its nonce did.
    Old(u64),
}

pub(super) async fn append(call: &Call<'_>, channels: &Channels, new: &NewMessage) -> Result<Appended, Failure> {
    let channel = channels.of(call, &new.channel).await?;
    let turn = channel.turn().await?;
    let place = match channels.nonces {
        Nonces::Kept => put_with_nonce(call, &channel, new).await?,
        Nonces::Seen => put_alone(call, &channel, new).await?,
    };
    drop(turn);
    match place {
        Place::New(seq) => {
            channel.reached(call, seq).await;
            Ok(Appended { message: MessageRow::new(new, seq).message(&new.channel)?, duplicate: false })
        }
        Place::Old(seq) => {
            let (_, row) = channels.message(call, &new.channel, seq).await?;
            let row = row.ok_or(Failure::Unreadable("a nonce without its message"))?;
            Ok(Appended { message: row.message(&new.channel)?, duplicate: true })
        }
    }
}

/// The message, its nonce and all that belongs to it, in one transaction.
async fn put_with_nonce(call: &Call<'_>, channel: &Channel, new: &NewMessage) -> Result<Place, Failure> {
    let mut pause = Pause::default();
    let mut head = channel.known_head();
    if head == 0 {
        head = channel.head(call).await?;
    }
    loop {
        let seq = head + 1;
        let (now, exp) = (unix_s(SystemTime::now()), unix_s(SystemTime::now() + NONCES_KEPT));
        let nonce = MessageNonceRow { seq, id: new.id.to_string(), exp };
        let nonce_key = keys::message_nonce(&channel.log, &new.author.id, &new.nonce);
        let mut writes = vec![
            Write::put(keys::message(&channel.log, seq), &MessageRow::new(new, seq))?.only_if(ABSENT),
            Write::put(nonce_key, &nonce)?.only_if(NONCE_FREE).with("now", number(now)),
        ];
        writes.extend(belongings(&channel.log, new, seq)?);
        let refused = match call.commit(&writes).await? {
            Committed::Done => return Ok(Place::New(seq)),
            Committed::Refused(rows) => rows,
        };
        if let Some(Some(row)) = refused.into_iter().nth(1) {
            let kept: MessageNonceRow = record(row)?;
            // An answer of this very call was lost where the message is its own.
            return Ok(if kept.id == new.id.as_str() { Place::New(kept.seq) } else { Place::Old(kept.seq) });
        }
        pause.wait().await;
        head = channel.head(call).await?;
    }
}

/// The message first, then what belongs to it. The nonce is looked for among the messages seen by this process.
async fn put_alone(call: &Call<'_>, channel: &Channel, new: &NewMessage) -> Result<Place, Failure> {
    let author = new.author.id.as_str();
    let mut pause = Pause::default();
    if channel.recent().seen() < channel.known_head().max(1) {
        channel.catch_up(call).await?;
    }
    let place = loop {
        if let Some(seq) = channel.recent().find(author, &new.nonce) {
            break Place::Old(seq);
        }
        let seq = channel.recent().seen() + 1;
        let row = MessageRow::new(new, seq);
        channel.recent().unsettled(author, &new.nonce);
        match call.write(&Write::put(keys::message(&channel.log, seq), &row)?.only_if(ABSENT)).await? {
            Written::Done => {
                channel.recent().saw(&row);
                break Place::New(seq);
            }
            Written::Refused(there) if there.contains_key("end") => return Err(Failure::Moved(channel.id.clone())),
            Written::Refused(there) => {
                let there: MessageRow = record(there)?;
                channel.recent().saw(&there);
                // An answer of this very call was lost.
                if there.id == row.id {
                    break Place::New(seq);
                }
            }
        }
        pause.wait().await;
        channel.catch_up(call).await?;
    };
    let (Place::New(seq) | Place::Old(seq)) = place;
    if channel.recent().is_unsettled(author, &new.nonce) {
        settle(call, &channel.log, new, seq, &place).await?;
        channel.recent().settled(author, &new.nonce);
    }
    Ok(place)
}

/// Writes what belongs to a message that is stored already.
async fn settle(call: &Call<'_>, log: &ChannelId, new: &NewMessage, seq: u64, place: &Place) -> Result<(), Failure> {
    // What was changed since belongs to the change.
    if let Place::Old(seq) = place
        && !call.get::<MessageRow>(&keys::message(log, *seq)).await?.is_some_and(|row| row.is_original())
    {
        return Ok(());
    }
    for write in belongings(log, new, seq)? {
        // Refused is a marker that has moved further already.
        call.write(&write).await?;
    }
    Ok(())
}

/// Whoever writes has read all before it; and whom it mentions.
fn belongings(log: &ChannelId, new: &NewMessage, seq: u64) -> Result<Vec<Write>, Failure> {
    let marker = Write::update(keys::marker(&new.author.id, log))
        .set("channel", text(log.as_str()))
        .set("read_seq", number(seq))
        .remove("own")
        .only_if("attribute_not_exists(#read_seq) OR #read_seq < :read_seq");
    let mut writes = vec![marker];
    writes.extend(mention_changes(log, seq, &new.author.id, &[], &new.mentions)?);
    Ok(writes)
}

/// What has to be written for other mentions than before. Nobody mentions oneself: own messages are never unread.
fn mention_changes(log: &ChannelId, seq: u64, author: &UserId, before: &[Audience], after: &[Audience]) -> Result<Vec<Write>, Failure> {
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

fn exception(log: &ChannelId, seq: u64) -> Write {
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
    loop {
        let (state, row) = channels.message(call, channel, seq).await?;
        let Some(before) = row else { return Ok(None) };
        if before.is_deleted() {
            return before.message(channel).map(Some);
        }
        let log = &state.log;
        let change = change(log, &before).set("deleted_at", number(to_ns(at)));
        let gone = ["text", "mentions", "attachments", "reactions", "pinned"];
        let mut writes = vec![
            gone.into_iter().fold(change, Write::remove),
            exception(log, seq).set("deleted", AttributeValue::Bool(true)).remove("everyone").remove("roles"),
        ];
        let (author, mentions) = (UserId::new(before.author.as_str()), before.audiences()?);
        for user in named(&mentions).filter(|user| **user != author) {
            writes.push(Write::delete(keys::mention(user, log, seq)));
        }
        if before.pinned {
            writes.push(marks::unpinned(call, log, seq).await?);
        }
        if let Committed::Done = call.commit(&writes).await? {
            if !before.reactions.is_empty() {
                marks::forget(call, log, seq).await;
            }
            let before = before.message(channel)?;
            let (mentions, attachments, reactions) = (vec![], vec![], vec![]);
            return Ok(Some(Message { text: String::new(), mentions, attachments, reactions, deleted_at: Some(at), ..before }));
        }
        pause.wait().await;
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
