//! How far each user has read, and what is left.
//!
//! Nothing is counted when a message is sent: what is unread is what lies between the marker and the newest message, less the exceptions
//! (deleted messages) and the user's own. Own messages lie above a marker only where it was moved back, which notes them. Invariant: what is
//! subtracted and what is counted are sets of numbers between marker and head, so that no count is negative or above another.

use super::call::{Call, Failure, Order, Pause, Written, record};
use super::channels::{Channel, Channels};
use super::keys::{self, SEQ_MAX};
use super::records::{ExceptionRow, MarkerRow, MentionRow, MessageRow};
use super::write::{Write, number, text};
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use rooms::store::Membership;
use rooms::view::Unread;
use rooms::{ChannelId, UserId};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Channels whose counts are asked for at a time.
const CHANNELS_AT_ONCE: usize = 16;

/// Users whose markers are asked for at a time.
const MARKERS_AT_ONCE: usize = 32;

/// How far back a marker moves at most. All messages above it have to be looked at once, for those of the user's own: more would take longer
/// than a caller waits.
pub(super) const BACK_MESSAGES_MAX: u64 = 10_000;

pub(super) async fn mark_read(call: &Call<'_>, channels: &Channels, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, Failure> {
    let state = channels.of(call, channel).await?;
    let to = seq.min(head_at_least(call, &state, seq).await?);
    if to == 0 {
        let marker: Option<MarkerRow> = call.get(&keys::marker(user, &state.log)).await?;
        return Ok(marker.map_or(0, |marker| marker.read_seq));
    }
    let write = Write::update(keys::marker(user, &state.log))
        .set("channel", text(state.log.as_str()))
        .set("read_seq", number(to))
        .only_if("attribute_not_exists(#read_seq) OR #read_seq < :read_seq");
    match call.write(&write).await? {
        Written::Done => Ok(to),
        Written::Refused(row) => Ok(record::<MarkerRow>(row)?.read_seq),
    }
}

/// The newest number, looked up only where `seq` is beyond what is known.
async fn head_at_least(call: &Call<'_>, state: &Channel, seq: u64) -> Result<u64, Failure> {
    let known = state.known_head();
    if known > 0 && seq <= known { Ok(known) } else { state.head(call).await }
}

pub(super) async fn mark_unread(
    call: &Call<'_>,
    channels: &Channels,
    user: &UserId,
    channel: &ChannelId,
    seq: u64,
) -> Result<u64, Failure> {
    let state = channels.of(call, channel).await?;
    let key = keys::marker(user, &state.log);
    let mut pause = Pause::default();
    loop {
        // Before the messages: an own one that comes later moves the marker, and so refuses this.
        let marker: Option<MarkerRow> = call.get(&key).await?;
        let head = state.head(call).await?;
        if head == 0 {
            return Ok(0);
        }
        let to = seq.saturating_sub(1).min(head).max(head.saturating_sub(BACK_MESSAGES_MAX));
        let own = state.messages(call, to + 1, head).await?.into_iter().filter(|row| row.author == user.as_str());
        let own: Vec<String> = own.map(|row| row.seq.to_string()).collect();
        let write = Write::update(key.clone()).set("channel", text(state.log.as_str())).set("read_seq", number(to));
        let write = if own.is_empty() { write.remove("own") } else { write.set("own", AttributeValue::Ns(own)) };
        let write = match marker {
            None => write.only_if("attribute_not_exists(#read_seq)"),
            Some(marker) => write.only_if("#read_seq = :was").with("was", number(marker.read_seq)),
        };
        if let Written::Done = call.write(&write).await? {
            return Ok(to);
        }
        pause.wait().await;
    }
}

/// A read unit for each user.
pub(super) async fn markers(call: &Call<'_>, channels: &Channels, channel: &ChannelId, users: &[UserId]) -> Result<Vec<u64>, Failure> {
    let state = channels.of(call, channel).await?;
    let mut marks = Vec::with_capacity(users.len());
    for some in users.chunks(MARKERS_AT_ONCE) {
        let rows = some.iter().map(|user| async { call.get::<MarkerRow>(&keys::marker(user, &state.log)).await });
        let rows: Vec<Option<MarkerRow>> = try_join_all(rows).await?;
        marks.extend(rows.into_iter().map(|row| row.map_or(0, |row| row.read_seq)));
    }
    Ok(marks)
}

pub(super) async fn unread(call: &Call<'_>, channels: &Channels, user: &UserId, asked: &[Membership]) -> Result<Vec<Unread>, Failure> {
    let mut states = Vec::with_capacity(asked.len());
    for some in asked.chunks(CHANNELS_AT_ONCE) {
        states.extend(try_join_all(some.iter().map(|membership| channels.of(call, &membership.channel))).await?);
    }
    let Some(span) = keys::markers(user, states.iter().map(|state| &state.log)) else { return Ok(Vec::new()) };
    let markers: Vec<MarkerRow> = call.query(&span, Order::OldestFirst, usize::MAX).await?;
    let markers: HashMap<&str, &MarkerRow> = markers.iter().map(|marker| (marker.channel.as_str(), marker)).collect();
    let mut unread = Vec::with_capacity(asked.len());
    let all: Vec<(&Membership, &Arc<Channel>)> = asked.iter().zip(&states).collect();
    for some in all.chunks(CHANNELS_AT_ONCE) {
        let one = |(membership, state): &(&Membership, &Arc<Channel>)| {
            let marker = markers.get(state.log.as_str()).copied();
            unread_of(*call, Arc::clone(state), user.clone(), (*membership).clone(), marker)
        };
        unread.extend(try_join_all(some.iter().map(one)).await?);
    }
    Ok(unread)
}

async fn unread_of(
    call: Call<'_>,
    channel: Arc<Channel>,
    user: UserId,
    membership: Membership,
    marker: Option<&MarkerRow>,
) -> Result<Unread, Failure> {
    let above = marker.map_or(0, |marker| marker.read_seq).max(membership.since).min(SEQ_MAX - 1);
    let head = channel.head(&call).await?;
    let read = above.min(head);
    if read == head {
        return Ok(Unread { channel: channel.id.clone(), head, read, unread: 0, mentions: 0 });
    }
    let (exceptions, mentions) = (keys::exceptions_above(&channel.log, above), keys::mentions_above(&user, &channel.log, above));
    let (mut exceptions, mentions) = tokio::try_join!(
        call.query::<ExceptionRow>(&exceptions, Order::OldestFirst, usize::MAX),
        call.query::<MentionRow>(&mentions, Order::OldestFirst, usize::MAX),
    )?;
    // They were not read at the same instant: what is above this head isn't counted yet.
    let is_left = |seq: &u64| read < *seq && *seq <= head;
    for row in exceptions.iter_mut().filter(|row| row.deleting && !row.deleted && is_left(&row.seq)) {
        let message: Option<MessageRow> = call.get(&keys::message(&channel.log, row.seq)).await?;
        row.deleted = message.is_some_and(|message| message.is_deleted());
    }
    let deleted = exceptions.iter().filter(|row| row.deleted).map(|row| row.seq);
    let own = marker.iter().flat_map(|marker| marker.own.iter().copied());
    let less: BTreeSet<u64> = deleted.chain(own).filter(is_left).collect();
    let has = |role: &String| membership.roles.iter().any(|held| held.as_str() == role);
    let shared = exceptions.iter().filter(|row| row.everyone || row.roles.iter().any(has)).map(|row| row.seq);
    let named = mentions.iter().map(|row| row.seq);
    let meant: BTreeSet<u64> = shared.chain(named).filter(is_left).filter(|seq| !less.contains(seq)).collect();
    let (unread, mentions) = (head - read - less.len() as u64, meant.len() as u64);
    Ok(Unread { channel: channel.id.clone(), head, read, unread, mentions })
}
