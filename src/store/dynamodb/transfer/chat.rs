//! Messages and what hangs on them as rows.
//!
//! Invariants: a message is put right after one that exists; counts come out as they were, because what they are made of is written with the
//! message: mentions, tombstones, and how far its author has written at least.

use crate::store::dynamodb::call::{AT_ONCE, Call, Failure, Order, record};
use crate::store::dynamodb::channels::{Channel, Channels, Nonces};
use crate::store::dynamodb::keys::{self, BUCKET_MESSAGES};
use crate::store::dynamodb::messages::{NONCE_FREE, NONCES_KEPT, exception, mention_changes, unix_s};
use crate::store::dynamodb::records::{HeadRow, MarkerRow, MessageNonceRow, MessageRow, PinsRow, ReactedRow, SeqRow};
use crate::store::dynamodb::unreads::BACK_MESSAGES_MAX;
use crate::store::dynamodb::write::{ABSENT, Write, number, text};
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use rooms::store::Nonce;
use rooms::view::Message;
use rooms::{ChannelId, UserId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long it is remembered how far an author has written, where no marker comes.
const OWN_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The nonce of a message.
pub(super) struct KeptNonce<'a> {
    pub(super) channel: &'a ChannelId,
    pub(super) author: &'a UserId,
    pub(super) nonce: &'a Nonce,
    pub(super) seq: u64,
    pub(super) stored_at: SystemTime,
}

/// A user's reaction to a message.
pub(super) struct KeptReaction<'a> {
    pub(super) channel: &'a ChannelId,
    pub(super) seq: u64,
    pub(super) emoji: &'a str,
    pub(super) user: &'a UserId,
}

/// The channels of some records.
async fn known<'a>(
    call: &Call<'_>,
    channels: &Channels,
    ids: impl Iterator<Item = &'a ChannelId>,
) -> Result<HashMap<&'a ChannelId, Arc<Channel>>, Failure> {
    let ids: Vec<&ChannelId> = ids.collect::<BTreeSet<_>>().into_iter().collect();
    let mut known = HashMap::with_capacity(ids.len());
    for some in ids.chunks(AT_ONCE) {
        let found = try_join_all(some.iter().map(|id| channels.of(call, id))).await?;
        known.extend(some.iter().copied().zip(found));
    }
    Ok(known)
}

/// The rows of these messages. Fails where one isn't there.
async fn rows(call: &Call<'_>, messages: impl Iterator<Item = (ChannelId, u64)>) -> Result<HashMap<(ChannelId, u64), MessageRow>, Failure> {
    let wanted: Vec<(ChannelId, u64)> = messages.collect::<BTreeSet<_>>().into_iter().collect();
    let mut rows = HashMap::with_capacity(wanted.len());
    for some in wanted.chunks(AT_ONCE) {
        let found = try_join_all(some.iter().map(|(log, seq)| async { call.item(&keys::message(log, *seq)).await })).await?;
        for (key, row) in some.iter().zip(found) {
            let row = row.filter(|row| !row.contains_key("end")).ok_or(Failure::Unreadable("a record of a message that isn't there"))?;
            rows.insert(key.clone(), record(row)?);
        }
    }
    Ok(rows)
}

pub(super) async fn put_messages(call: &Call<'_>, channels: &Channels, messages: &[&Message]) -> Result<(), Failure> {
    let known = known(call, channels, messages.iter().map(|message| &message.channel)).await?;
    let log = |message: &Message| known.get(&message.channel).map(|channel| &channel.log).ok_or(Failure::Unreadable("a channel"));
    check_numbers(call, messages, &known).await?;
    let (mut first, mut then) = (Vec::new(), Vec::new());
    let mut newest: BTreeMap<(&UserId, &ChannelId), u64> = BTreeMap::new();
    for message in messages {
        let (log, seq) = (log(message)?, message.seq);
        first.push(Write::put(keys::message(log, seq), &MessageRow::of(message))?.only_if(ABSENT));
        then.extend(mention_changes(log, seq, &message.author.id, &[], &message.mentions)?);
        if message.deleted_at.is_some() {
            then.push(exception(log, seq).set("deleted", AttributeValue::Bool(true)));
        }
        if seq.is_multiple_of(BUCKET_MESSAGES) {
            let head = Write::update(keys::head(log)).set("bucket", number(keys::bucket(seq)));
            then.push(head.only_if("attribute_not_exists(#bucket) OR #bucket < :bucket"));
        }
        let newest = newest.entry((&message.author.id, log)).or_default();
        *newest = seq.max(*newest);
    }
    let exp = unix_s(SystemTime::now() + OWN_KEPT);
    then.extend(newest.into_iter().map(|((author, log), seq)| {
        let own = Write::update(keys::own(author, log)).set("seq", number(seq)).set("exp", number(exp));
        own.only_if("attribute_not_exists(#seq) OR #seq < :seq")
    }));
    call.write_all(&first).await?;
    call.write_all(&then).await?;
    for message in messages {
        known.get(&message.channel).into_iter().for_each(|channel| channel.saw(message.seq));
    }
    Ok(())
}

/// Each has to be the next one of its channel, or be there already.
async fn check_numbers(call: &Call<'_>, messages: &[&Message], known: &HashMap<&ChannelId, Arc<Channel>>) -> Result<(), Failure> {
    let refused = || Failure::Unreadable("the number of a message");
    let mut heads: HashMap<&ChannelId, u64> = HashMap::new();
    for message in messages {
        let before = message.seq.checked_sub(1).ok_or_else(refused)?;
        let head = match (heads.get(&message.channel), known.get(&message.channel)) {
            (Some(head), _) => *head,
            (None, Some(channel)) if channel.known_head() >= before => before,
            (None, Some(channel)) => match call.item(&keys::message(&channel.log, before)).await? {
                Some(row) if !row.contains_key("end") => before,
                Some(_) | None => return Err(refused()),
            },
            (None, None) => return Err(refused()),
        };
        if before > head {
            return Err(refused());
        }
        heads.insert(&message.channel, head.max(message.seq));
    }
    Ok(())
}

pub(super) async fn put_nonces(call: &Call<'_>, channels: &Channels, nonces: &[KeptNonce<'_>]) -> Result<(), Failure> {
    let known = known(call, channels, nonces.iter().map(|nonce| nonce.channel)).await?;
    let log = |nonce: &KeptNonce<'_>| known[nonce.channel].log.clone();
    let rows = rows(call, nonces.iter().map(|nonce| (log(nonce), nonce.seq))).await?;
    let now = unix_s(SystemTime::now());
    let mut writes = Vec::new();
    for nonce in nonces {
        let (log, seq, exp) = (log(nonce), nonce.seq, unix_s(nonce.stored_at + NONCES_KEPT));
        match channels.nonces {
            // It would be too old.
            Nonces::Kept if exp < now => {}
            Nonces::Kept => {
                let id = rows.get(&(log.clone(), seq)).map(|row| row.id.clone()).unwrap_or_default();
                let write = Write::put(keys::message_nonce(&log, nonce.author, nonce.nonce), &MessageNonceRow { seq, id, exp })?;
                writes.push(write.only_if(NONCE_FREE).with("now", number(now)));
            }
            Nonces::Seen => {
                let write = Write::update(keys::message(&log, seq)).set("nonce", text(&nonce.nonce.0));
                writes.push(write.only_if("attribute_exists(PK)"));
            }
        }
    }
    call.write_all(&writes).await
}

/// Those of one message come after each other.
pub(super) async fn put_reactions(call: &Call<'_>, channels: &Channels, reactions: &[KeptReaction<'_>]) -> Result<(), Failure> {
    let known = known(call, channels, reactions.iter().map(|reaction| reaction.channel)).await?;
    let message = |reaction: &KeptReaction<'_>| (known[reaction.channel].log.clone(), reaction.seq);
    rows(call, reactions.iter().map(message)).await?;
    let mut of: BTreeMap<(ChannelId, u64), Vec<(&str, &UserId)>> = BTreeMap::new();
    for reaction in reactions {
        of.entry(message(reaction)).or_default().push((reaction.emoji, reaction.user));
    }
    let of: Vec<_> = of.into_iter().collect();
    for some in of.chunks(AT_ONCE) {
        try_join_all(some.iter().map(|((log, seq), reactions)| put_reactions_to(call, log, *seq, reactions))).await?;
    }
    Ok(())
}

async fn put_reactions_to(call: &Call<'_>, log: &ChannelId, seq: u64, reactions: &[(&str, &UserId)]) -> Result<(), Failure> {
    let kept: Vec<ReactedRow> = call.query(&keys::reactions(log, seq), Order::OldestFirst, usize::MAX).await?;
    let mut came = kept.iter().map(|row| row.came).max().unwrap_or(1);
    let mut writes = Vec::new();
    for (emoji, user) in reactions {
        came += 1;
        let row = ReactedRow { user: user.to_string(), came };
        writes.push(Write::put(keys::reaction(log, seq, emoji, user), &row)?.only_if(ABSENT));
    }
    call.write_all(&writes).await?;
    // The next ones come after these.
    let version = Write::update(keys::message(log, seq)).set("version", number(came)).only_if("#version < :version");
    call.write(&version).await.map(|_| ())
}

pub(super) async fn put_pins(call: &Call<'_>, channels: &Channels, pins: &[(&ChannelId, (i64, u64))]) -> Result<(), Failure> {
    let known = known(call, channels, pins.iter().map(|(channel, _)| *channel)).await?;
    let log = |channel: &ChannelId| known[channel].log.clone();
    rows(call, pins.iter().map(|(channel, (_, seq))| (log(channel), *seq))).await?;
    let mut writes = Vec::new();
    for some in pins.chunk_by(|(a, _), (b, _)| a == b) {
        let Some((channel, _)) = some.first() else { continue };
        let log = log(channel);
        let mut row: PinsRow = call.get(&keys::pins(&log)).await?.unwrap_or_default();
        for (_, (at, seq)) in some {
            if row.pins.iter().all(|(_, pinned)| pinned != seq) {
                row.pins.push((*at, *seq));
            }
            let pinned = Write::update(keys::message(&log, *seq)).set("pinned", AttributeValue::Bool(true));
            writes.push(pinned.only_if("attribute_exists(PK)"));
        }
        row.rev += 1;
        writes.push(Write::put(keys::pins(&log), &row)?);
    }
    call.write_all(&writes).await
}

pub(super) async fn put_markers(call: &Call<'_>, channels: &Channels, markers: &[(&UserId, &ChannelId, u64)]) -> Result<(), Failure> {
    let known = known(call, channels, markers.iter().map(|(_, channel, _)| *channel)).await?;
    for some in markers.chunks(AT_ONCE) {
        try_join_all(some.iter().map(|(user, channel, read)| put_marker(call, &known[channel], user, *read))).await?;
    }
    Ok(())
}

async fn put_marker(call: &Call<'_>, channel: &Channel, user: &UserId, read: u64) -> Result<(), Failure> {
    let (key, own_key) = (keys::marker(user, &channel.log), keys::own(user, &channel.log));
    let (kept, own) = tokio::try_join!(call.get::<MarkerRow>(&key), call.get::<SeqRow>(&own_key))?;
    if kept.is_none() {
        let (read, own) = match own.as_ref().filter(|own| own.seq > read) {
            None => (read, Vec::new()),
            Some(own) => own_above(call, channel, user, read, own.seq).await?,
        };
        let marker = Write::update(key).set("channel", text(channel.log.as_str())).set("read_seq", number(read));
        let marker = if own.is_empty() { marker } else { marker.set("own", AttributeValue::Ns(own)) };
        call.write(&marker.only_if("attribute_not_exists(#read_seq)")).await?;
    }
    if own.is_some() {
        call.write(&Write::delete(own_key)).await?;
    }
    Ok(())
}

/// A marker that was moved back, at most as far as it could have been here, and the user's own messages above it.
async fn own_above(call: &Call<'_>, channel: &Channel, user: &UserId, read: u64, newest: u64) -> Result<(u64, Vec<String>), Failure> {
    let head: Option<HeadRow> = call.get(&keys::head(&channel.log)).await?;
    let head = head.map_or(0, |row| row.bucket * BUCKET_MESSAGES).max(channel.known_head()).max(newest);
    let read = read.max(head.saturating_sub(BACK_MESSAGES_MAX));
    let rows = channel.messages(call, read + 1, newest).await?;
    Ok((read, rows.into_iter().filter(|row| row.author == user.as_str()).map(|row| row.seq.to_string()).collect()))
}
