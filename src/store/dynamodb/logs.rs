//! Logs: where the rows of a channel are, and how those of a removed channel and of a deleted server go.
//!
//! A channel's log has the channel's own name at first. When the channel is removed it gets a log with a name that nobody knows, which is empty:
//! nothing is found from that transaction on, whatever the number of messages. The old log gets an end, so that a node that hasn't heard of it
//! can't append there, and its rows are removed piece by piece later. Markers of those who wrote nothing there stay, as rows that nobody reads.
//! Invariant: a log that was left is never a channel's again.

use super::call::{Call, Committed, Failure, Order};
use super::channels::{Channel, Channels};
use super::community::rows::{InviteRow, PartRow, ScheduleRow, SeatRow};
use super::keys::{self, Key, MEMBER_SHARDS, SEQ_MAX, Span};
use super::messages::unix_s;
use super::records::{HeadRow, KeyRow, LogRow, MessageRow, NoteListRow, SweepRow, Swept};
use super::write::{ABSENT, Item, Write, number, text};
use futures_util::future::try_join_all;
use rooms::view::Audience;
use rooms::{ChannelId, NoteId, ScheduleId, ServerId, UserId};
use std::time::{Duration, SystemTime};

/// How long what was left stays: much longer than any node believes what it knows of logs.
const SWEEP_AFTER: Duration = Duration::from_secs(3600);

/// Rows that one piece of a sweep looks at.
const SWEEP_ROWS: usize = 100;

/// What the names of logs begin with that aren't a channel's own.
pub(super) const LOG_PREFIX: &str = "log_";

/// Calls of one piece at a time.
const AT_ONCE: usize = 16;

/// Where a channel's rows are now.
pub(super) async fn of(call: &Call<'_>, channel: &ChannelId) -> Result<ChannelId, Failure> {
    let row: Option<LogRow> = call.get(&keys::log(channel)).await?;
    Ok(row.map_or_else(|| channel.clone(), |row| ChannelId::new(row.log)))
}

/// What a channel begins anew by, if its log is still this one. [`Channel::close`] has to follow.
pub(super) fn leave(channel: &ChannelId, log: &ChannelId) -> Result<[Write; 2], Failure> {
    let next = Write::put(keys::log(channel), &LogRow { log: rooms::random_id(LOG_PREFIX.trim_end_matches('_')) })?;
    let next = if log == channel { next.only_if(ABSENT) } else { next.only_if("#log = :was").with("was", text(log.as_str())) };
    Ok([next, to_sweep(Swept::Log { log: log.to_string(), channel: channel.to_string() })?])
}

/// Remembers that rows are to be removed.
pub(super) fn to_sweep(what: Swept) -> Result<Write, Failure> {
    let due = unix_s(SystemTime::now() + SWEEP_AFTER);
    Write::put(place(&what), &SweepRow { what, due, bucket: 0 })
}

/// Where it is remembered.
pub(super) fn place(what: &Swept) -> Key {
    match what {
        Swept::Log { log, .. } => keys::sweep("log", &[log]),
        Swept::Tree { tree } => keys::sweep("tree", &[tree]),
        Swept::Server { server, home, .. } => keys::sweep("server", &[server, home]),
    }
}

/// Lets all channels of deleted servers of this id begin anew, where that was not done to its end.
pub(super) async fn finish(call: &Call<'_>, channels: &Channels, server: &ServerId) -> Result<(), Failure> {
    for row in call.query::<SweepRow>(&keys::sweeps_of(server), Order::OldestFirst, usize::MAX).await? {
        leave_all(call, channels, &row.what).await?;
    }
    Ok(())
}

/// A channel's row among the parts goes in the transaction that lets it begin anew: what is left of them is left to do.
async fn leave_all(call: &Call<'_>, channels: &Channels, what: &Swept) -> Result<(), Failure> {
    let Swept::Server { server, tree, .. } = what else { return Ok(()) };
    let parts: Vec<PartRow> = call.query(&keys::channel_parts(tree), Order::OldestFirst, usize::MAX).await?;
    let ids: Vec<(String, ChannelId)> = parts.into_iter().filter_map(|row| Some((row.place.clone(), row.channel()?))).collect();
    for some in ids.chunks(AT_ONCE) {
        try_join_all(some.iter().map(|(place, id)| leave_one(call, channels, server, keys::part(tree, place), id))).await?;
    }
    Ok(())
}

async fn leave_one(call: &Call<'_>, channels: &Channels, server: &str, part: Key, id: &ChannelId) -> Result<(), Failure> {
    let log = of(call, id).await?;
    let mut writes = leave(id, &log)?.to_vec();
    writes.push(Write::delete(part).only_if("attribute_exists(PK)"));
    if let Committed::Refused(_) = call.commit(&writes).await? {
        // Somebody else does the same.
        return Ok(());
    }
    call.write(&Write::delete(keys::server_of(id)).only_if("#server = :server").with("server", text(server))).await?;
    channels.forget(id);
    Channel::new(id.clone(), log).close(call).await
}

/// Removes a piece of what is due. False when nothing is.
pub(super) async fn sweep(call: &Call<'_>, channels: &Channels, now: SystemTime) -> Result<bool, Failure> {
    let rows: Vec<SweepRow> = call.query(&keys::sweeps(), Order::OldestFirst, usize::MAX).await?;
    for row in &rows {
        leave_all(call, channels, &row.what).await?;
    }
    let Some(row) = rows.into_iter().find(|row| row.due <= unix_s(now)) else { return Ok(false) };
    let is_done = match &row.what {
        Swept::Log { log, .. } => sweep_log(call, &ChannelId::new(log.as_str()), &row).await?,
        Swept::Tree { tree } => purge(call, &keys::parts(tree), SWEEP_ROWS).await? < SWEEP_ROWS,
        Swept::Server { server, home, tree } => sweep_server(call, &ServerId::new(server.as_str()), home, tree).await?,
    };
    if is_done {
        call.write(&Write::delete(place(&row.what))).await?;
    }
    Ok(true)
}

/// True when nothing is left of it.
async fn sweep_log(call: &Call<'_>, log: &ChannelId, row: &SweepRow) -> Result<bool, Failure> {
    let rows: Vec<Item> = call.items(&keys::messages(log, row.bucket, 0, SEQ_MAX), Order::OldestFirst, SWEEP_ROWS).await?;
    for some in rows.chunks(AT_ONCE) {
        try_join_all(some.iter().map(|row| sweep_message(call, log, row))).await?;
    }
    if rows.len() == SWEEP_ROWS {
        return Ok(false);
    }
    let reached = call.get::<HeadRow>(&keys::head(log)).await?.map_or(0, |head| head.bucket);
    if row.bucket < reached {
        call.write(&Write::update(place(&row.what)).set("bucket", number(row.bucket + 1)).only_if("attribute_exists(PK)")).await?;
        return Ok(false);
    }
    let notes: Vec<NoteListRow> = call.query(&keys::listed_notes(log, None), Order::OldestFirst, SWEEP_ROWS).await?;
    for note in &notes {
        let id = NoteId::new(note.note.as_str());
        purge(call, &keys::of_note(&id), usize::MAX).await?;
        call.write(&Write::delete(keys::listed_note(log, note.started_at, &id))).await?;
    }
    let mut left = notes.len();
    // The head goes last: the buckets are found by it.
    for span in keys::of_log(log) {
        if left < SWEEP_ROWS {
            left += purge(call, &span, SWEEP_ROWS).await?;
        }
    }
    call.write(&Write::delete(keys::pins(log))).await?;
    call.write(&Write::delete(keys::open_note(log))).await?;
    Ok(left < SWEEP_ROWS)
}

/// A message and what is said of it elsewhere; nonces go by themselves.
async fn sweep_message(call: &Call<'_>, log: &ChannelId, row: &Item) -> Result<(), Failure> {
    let seq = row.get("seq").and_then(|seq| seq.as_n().ok()).and_then(|seq| seq.parse().ok());
    let seq = seq.ok_or(Failure::Unreadable("a message without its number"))?;
    if !row.contains_key("end") {
        let row: MessageRow = super::call::record(row.clone())?;
        for audience in row.audiences()? {
            if let Audience::User(user) = audience {
                call.write(&Write::delete(keys::mention(&user, log, seq))).await?;
            }
        }
        if !row.reactions.is_empty() {
            purge(call, &keys::reactions(log, seq), usize::MAX).await?;
        }
        call.write(&Write::delete(keys::marker(&UserId::new(row.author.as_str()), log))).await?;
    }
    call.write(&Write::delete(keys::message(log, seq))).await.map(|_| ())
}

async fn sweep_server(call: &Call<'_>, server: &ServerId, home: &str, tree: &str) -> Result<bool, Failure> {
    // What points from elsewhere may belong to a new server of this id by now.
    let own = |key: Key| Write::delete(key).only_if("#home = :home").with("home", text(home));
    for shard in 0..MEMBER_SHARDS {
        let members: Vec<SeatRow> = call.query(&keys::members(home, shard), Order::OldestFirst, SWEEP_ROWS).await?;
        for some in members.chunks(AT_ONCE) {
            try_join_all(some.iter().map(|member| async {
                let user = UserId::new(member.user.as_str());
                call.write(&own(keys::membership(&user, server))).await?;
                call.write(&Write::delete(keys::member(home, &user))).await
            }))
            .await?;
        }
        if members.len() == SWEEP_ROWS {
            return Ok(false);
        }
    }
    for invite in call.query::<InviteRow>(&keys::invites(home), Order::OldestFirst, usize::MAX).await? {
        call.write(&own(keys::invite_of(&invite.secret_hash()?))).await?;
    }
    for schedule in call.query::<ScheduleRow>(&keys::schedules(home), Order::OldestFirst, usize::MAX).await? {
        if let Some(remind_at) = schedule.remind_at {
            call.write(&own(keys::reminder(remind_at, &ScheduleId::new(schedule.id.as_str()), server))).await?;
        }
    }
    let rows = purge(call, &keys::of_home(home), SWEEP_ROWS).await? + purge(call, &keys::parts(tree), SWEEP_ROWS).await?;
    Ok(rows < SWEEP_ROWS)
}

/// Removes the first rows of a span, and says how many.
pub(super) async fn purge(call: &Call<'_>, span: &Span, limit: usize) -> Result<usize, Failure> {
    let rows: Vec<KeyRow> = call.query(span, Order::OldestFirst, limit).await?;
    for some in rows.chunks(AT_ONCE) {
        try_join_all(some.iter().map(|row| async {
            let key = Key { table: span.table, pk: row.pk.clone(), sk: row.sk.clone() };
            call.write(&Write::delete(key)).await
        }))
        .await?;
    }
    Ok(rows.len())
}
