//! Reactions and pins as rows.
//!
//! What a page of history shows of reactions stands in the message's own row, so that reading costs no more than without them. Invariant: that
//! summary is rewritten in the transaction that changes the rows of `reactions`.

use super::messages::{message, number, signed, unreadable};
use super::{Failure, to_ns};
use ::rooms::store::{Mark, Marked, PINS_MAX, Pin, REACTION_USERS_SHOWN, REACTIONS_MAX, React};
use ::rooms::view::{Message, Reaction};
use ::rooms::{ChannelId, UserId};
use rusqlite::{Connection, params};

/// Behind those that came before.
const ADD_REACTION: &str = "INSERT OR IGNORE INTO reactions (channel, seq, emoji, user_id, came)
    SELECT ?1, ?2, ?3, ?4, coalesce(max(came), 0) + 1 FROM reactions WHERE channel = ?1 AND seq = ?2 AND emoji = ?3";

pub(super) fn react(db: &Connection, react: &React) -> Result<Option<Marked>, Failure> {
    let Some(mut message) = live(db, &react.channel, react.seq)? else { return Ok(None) };
    let known = message.reactions.iter().position(|reaction| reaction.emoji == react.emoji);
    let change = match react.mark {
        Mark::On if known.is_none() && message.reactions.len() >= REACTIONS_MAX => return Ok(Some(Marked::Full)),
        Mark::On => ADD_REACTION,
        Mark::Off => "DELETE FROM reactions WHERE channel = ?1 AND seq = ?2 AND emoji = ?3 AND user_id = ?4",
    };
    let key = params![react.channel.as_str(), signed(react.seq), react.emoji, react.user.as_str()];
    if db.prepare_cached(change)?.execute(key)? == 0 {
        return Ok(Some(Marked::Unchanged(message)));
    }
    let before = known.map_or(0, |index| message.reactions[index].count);
    let count = match react.mark {
        Mark::On => before + 1,
        Mark::Off => before.saturating_sub(1),
    };
    let reaction = Reaction { emoji: react.emoji.clone(), count, users: first_users(db, react)? };
    match known {
        Some(index) if count == 0 => drop(message.reactions.remove(index)),
        Some(index) => message.reactions[index] = reaction,
        None => message.reactions.push(reaction),
    }
    db.prepare_cached("UPDATE messages SET reactions = ?3 WHERE channel = ?1 AND seq = ?2")?.execute(params![
        react.channel.as_str(),
        signed(react.seq),
        written(&message.reactions)
    ])?;
    Ok(Some(Marked::Changed(message)))
}

/// Keeps who reacted to a message of another store, whose row has the summary already.
pub(super) fn put_reaction(db: &Connection, channel: &ChannelId, seq: u64, emoji: &str, user: &UserId) -> Result<(), Failure> {
    db.prepare_cached(ADD_REACTION)?.execute(params![channel.as_str(), signed(seq), emoji, user.as_str()])?;
    Ok(())
}

pub(super) fn pin(db: &Connection, pin: &Pin) -> Result<Option<Marked>, Failure> {
    let Some(message) = live(db, &pin.channel, pin.seq)? else { return Ok(None) };
    let (channel, seq) = (pin.channel.as_str(), signed(pin.seq));
    let changed = match pin.mark {
        Mark::On => {
            let others: i64 = db
                .prepare_cached("SELECT count(*) FROM pins WHERE channel = ?1 AND seq <> ?2")?
                .query_row((channel, seq), |row| row.get(0))?;
            if others >= PINS_MAX as i64 {
                return Ok(Some(Marked::Full));
            }
            db.prepare_cached("INSERT OR IGNORE INTO pins (channel, seq, pinned_at_ns) VALUES (?1, ?2, ?3)")?.execute(params![
                channel,
                seq,
                to_ns(pin.at)
            ])?
        }
        Mark::Off => db.prepare_cached("DELETE FROM pins WHERE channel = ?1 AND seq = ?2")?.execute((channel, seq))?,
    };
    Ok(Some(if changed == 0 { Marked::Unchanged(message) } else { Marked::Changed(message) }))
}

pub(super) fn pins(db: &Connection, channel: &ChannelId) -> Result<Vec<Message>, Failure> {
    let seqs = db
        .prepare_cached("SELECT seq FROM pins WHERE channel = ?1 ORDER BY pinned_at_ns DESC, seq DESC")?
        .query_map([channel.as_str()], |row| row.get(0))?
        .collect::<Result<Vec<i64>, _>>()?;
    let found = seqs.into_iter().map(|seq| message(db, channel, number(seq)?)).filter_map(Result::transpose);
    found.collect()
}

/// Forgets what hangs on a message that is deleted.
pub(super) fn forget(db: &Connection, channel: &ChannelId, seq: u64) -> Result<(), Failure> {
    for table in ["reactions", "pins"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE channel = ?1 AND seq = ?2"))?.execute((channel.as_str(), signed(seq)))?;
    }
    Ok(())
}

fn live(db: &Connection, channel: &ChannelId, seq: u64) -> Result<Option<Message>, Failure> {
    Ok(message(db, channel, seq)?.filter(|message| message.deleted_at.is_none()))
}

fn first_users(db: &Connection, React { channel, seq, emoji, .. }: &React) -> Result<Vec<UserId>, Failure> {
    let users = db
        .prepare_cached("SELECT user_id FROM reactions WHERE channel = ?1 AND seq = ?2 AND emoji = ?3 ORDER BY came LIMIT ?4")?
        .query_map(params![channel.as_str(), signed(*seq), emoji, REACTION_USERS_SHOWN as i64], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(users.into_iter().map(UserId::new).collect())
}

/// A JSON array of `[emoji, count, [user id]]`; for no reactions nothing.
pub(super) fn written(reactions: &[Reaction]) -> Option<String> {
    let summary = |reaction: &Reaction| {
        let users: Vec<&str> = reaction.users.iter().map(UserId::as_str).collect();
        serde_json::json!([reaction.emoji, reaction.count, users])
    };
    let summaries: Vec<_> = reactions.iter().map(summary).collect();
    (!summaries.is_empty()).then(|| serde_json::Value::from(summaries).to_string())
}

/// The inverse of [`written`].
pub(super) fn reactions(written: &str) -> Result<Vec<Reaction>, Failure> {
    let summaries: Vec<(String, u64, Vec<String>)> = serde_json::from_str(written).map_err(unreadable("messages.reactions"))?;
    let reaction =
        |(emoji, count, users): (_, _, Vec<String>)| Reaction { emoji, count, users: users.into_iter().map(UserId::new).collect() };
    Ok(summaries.into_iter().map(reaction).collect())
}
