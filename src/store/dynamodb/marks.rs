//! Reactions and pins as rows.
//!
//! A message bears what is shown of its reactions; who reacted stands in rows of their own, which know the order of coming. A channel's pins are
//! one row. Invariant: each change counts the message's version up, in one transaction with the rows, so that changes come one after the
//! other and bounds hold however many race.

use super::call::{Call, Committed, Failure, Order, Pause};
use super::channels::Channels;
use super::messages::change;
use super::records::{MessageRow, PinsRow, ReactedRow, ReactionRow};
use super::write::{ABSENT, Write, number};
use super::{keys, logs};
use crate::store::sqlite::to_ns;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use rooms::ChannelId;
use rooms::store::{Mark, Marked, PINS_MAX, Pin, REACTION_USERS_SHOWN, REACTIONS_MAX, React};
use rooms::view::Message;

pub(super) async fn react(call: &Call<'_>, channels: &Channels, react: &React) -> Result<Option<Marked>, Failure> {
    let line = channels.of(call, &react.channel).await?;
    let _turn = line.turn_to_mark().await?;
    let mut pause = Pause::default();
    loop {
        let (channel, row) = channels.message(call, &react.channel, react.seq).await?;
        let Some(before) = row.filter(|row| !row.is_deleted()) else { return Ok(None) };
        let (reactions, mine) = match react.mark {
            Mark::On if is_shown(&before, react) => return before.message(&react.channel).map(Marked::Unchanged).map(Some),
            Mark::On => match with_mine(&before, react) {
                Some(reactions) => (reactions, came(&channel.log, react, &before)?),
                None => return Ok(Some(Marked::Full)),
            },
            Mark::Off if before.reactions.iter().all(|reaction| reaction.emoji != react.emoji) => {
                return before.message(&react.channel).map(Marked::Unchanged).map(Some);
            }
            Mark::Off => (without_mine(call, &channel.log, &before, react).await?, gone(&channel.log, react)),
        };
        let change = change(&channel.log, &before);
        let change = if reactions.is_empty() { change.remove("reactions") } else { change.set("reactions", attribute(&reactions)?) };
        match call.commit(&[change, mine]).await? {
            Committed::Done => return before.with_reactions(reactions).message(&react.channel).map(Marked::Changed).map(Some),
            // The message is as it was read, so the reaction is what it should become.
            Committed::Refused(rows) if rows.first().is_some_and(Option::is_none) => {
                return before.message(&react.channel).map(Marked::Unchanged).map(Some);
            }
            Committed::Refused(_) => pause.wait().await,
        }
    }
}

fn is_shown(message: &MessageRow, react: &React) -> bool {
    let of_emoji = message.reactions.iter().find(|reaction| reaction.emoji == react.emoji);
    of_emoji.is_some_and(|reaction| reaction.users.iter().any(|user| user == react.user.as_str()))
}

fn attribute(reactions: &[ReactionRow]) -> Result<AttributeValue, Failure> {
    serde_dynamo::to_attribute_value(reactions).map_err(|_| Failure::Unreadable("reactions that are no list"))
}

/// The reactions with one more. `None` where there is no place for its emoji.
fn with_mine(before: &MessageRow, react: &React) -> Option<Vec<ReactionRow>> {
    let mut reactions = before.reactions.clone();
    let user = react.user.to_string();
    match reactions.iter().position(|reaction| reaction.emoji == react.emoji) {
        Some(index) => {
            let reaction = &mut reactions[index];
            reaction.count += 1;
            if reaction.users.len() < REACTION_USERS_SHOWN {
                reaction.users.push(user);
            }
        }
        None if reactions.len() >= REACTIONS_MAX => return None,
        None => reactions.push(ReactionRow { emoji: react.emoji.clone(), count: 1, users: vec![user] }),
    }
    Some(reactions)
}

/// The reactions with one less. Where one of the named users goes, the first of the others moves up.
async fn without_mine(call: &Call<'_>, log: &ChannelId, before: &MessageRow, react: &React) -> Result<Vec<ReactionRow>, Failure> {
    let mut reactions = before.reactions.clone();
    let Some(reaction) = reactions.iter_mut().find(|reaction| reaction.emoji == react.emoji) else { return Ok(reactions) };
    let was_shown = reaction.users.iter().any(|user| user == react.user.as_str());
    reaction.count = reaction.count.saturating_sub(1);
    reaction.users.retain(|user| user != react.user.as_str());
    if was_shown && reaction.count > reaction.users.len() as u64 {
        let span = keys::reactions_with(log, react.seq, &react.emoji);
        let mut others: Vec<ReactedRow> = call.query(&span, Order::OldestFirst, usize::MAX).await?;
        others.sort_by_key(|row| row.came);
        let others = others.into_iter().map(|row| row.user).filter(|user| user != react.user.as_str());
        reaction.users = others.take(REACTION_USERS_SHOWN).collect();
    }
    reactions.retain(|reaction| reaction.count > 0);
    Ok(reactions)
}

/// The message's new version says when the reaction came: no two have the same.
fn came(log: &ChannelId, react: &React, before: &MessageRow) -> Result<Write, Failure> {
    let row = ReactedRow { user: react.user.to_string(), came: before.version + 1 };
    Ok(Write::put(keys::reaction(log, react.seq, &react.emoji, &react.user), &row)?.only_if(ABSENT))
}

fn gone(log: &ChannelId, react: &React) -> Write {
    Write::delete(keys::reaction(log, react.seq, &react.emoji, &react.user)).only_if("attribute_exists(PK)")
}

/// Removes who reacted to a deleted message. What is left where this fails is found by nobody.
pub(super) async fn forget(call: &Call<'_>, log: &ChannelId, seq: u64) {
    if let Err(error) = logs::purge(call, &keys::reactions(log, seq), usize::MAX).await {
        tracing::debug!(%error, "reactions of a deleted message are left behind");
    }
}

pub(super) async fn pin(call: &Call<'_>, channels: &Channels, pin: &Pin) -> Result<Option<Marked>, Failure> {
    let line = channels.of(call, &pin.channel).await?;
    let _turn = line.turn_to_mark().await?;
    let mut pause = Pause::default();
    loop {
        let (channel, row) = channels.message(call, &pin.channel, pin.seq).await?;
        let Some(before) = row.filter(|row| !row.is_deleted()) else { return Ok(None) };
        if before.pinned == (pin.mark == Mark::On) {
            return before.message(&pin.channel).map(Marked::Unchanged).map(Some);
        }
        let mut pins = all(call, &channel.log).await?;
        let change = change(&channel.log, &before);
        let change = match pin.mark {
            Mark::On if pins.pins.len() >= PINS_MAX => return Ok(Some(Marked::Full)),
            Mark::On => {
                pins.pins.push((to_ns(pin.at), pin.seq));
                change.set("pinned", AttributeValue::Bool(true))
            }
            Mark::Off => {
                pins.pins.retain(|(_, seq)| *seq != pin.seq);
                change.remove("pinned")
            }
        };
        if let Committed::Done = call.commit(&[change, next(&channel.log, pins)?]).await? {
            return before.message(&pin.channel).map(Marked::Changed).map(Some);
        }
        pause.wait().await;
    }
}

async fn all(call: &Call<'_>, log: &ChannelId) -> Result<PinsRow, Failure> {
    Ok(call.get(&keys::pins(log)).await?.unwrap_or_default())
}

/// In place of the pins as they were read.
fn next(log: &ChannelId, pins: PinsRow) -> Result<Write, Failure> {
    let was = pins.rev;
    let write = Write::put(keys::pins(log), &PinsRow { rev: was + 1, ..pins })?;
    Ok(if was == 0 { write.only_if(ABSENT) } else { write.only_if("#rev = :was").with("was", number(was)) })
}

/// What takes away the pin of a message that is deleted.
pub(super) async fn unpinned(call: &Call<'_>, log: &ChannelId, seq: u64) -> Result<Write, Failure> {
    let mut pins = all(call, log).await?;
    pins.pins.retain(|(_, pinned)| *pinned != seq);
    next(log, pins)
}

pub(super) async fn pins(call: &Call<'_>, channels: &Channels, channel: &ChannelId) -> Result<Vec<Message>, Failure> {
    let state = channels.of(call, channel).await?;
    let (mut pins, ()) = tokio::try_join!(all(call, &state.log), state.is_current(call))?;
    pins.pins.sort_unstable_by(|a, b| b.cmp(a));
    let messages = pins.pins.iter().map(|(_, seq)| async { call.get::<MessageRow>(&keys::message(&state.log, *seq)).await });
    let rows = try_join_all(messages).await?;
    // One that was deleted in between has no pin any more.
    let live = rows.into_iter().flatten().filter(|row| row.pinned);
    live.map(|row| row.message(channel)).collect()
}
