//! Pages of history.
//!
//! The newest page, and what came since a message, say themselves where the channel ends: one query is enough for them. Other pages need a look at
//! the newest message as well. Every read is consistent: a page that was read from a replica could bring back a text that was edited or deleted
//! already, and nobody would tell the reader again. Invariant: no page of a log that the channel has left is returned, because its end is met.

use super::call::{Call, Failure, Order, record};
use super::channels::{Channel, Channels};
use super::keys::{self, BUCKET_MESSAGES, SEQ_MAX};
use super::records::MessageRow;
use super::write::Item;
use rooms::ChannelId;
use rooms::view::{Cursor, History, Message};

pub(super) async fn history(
    call: &Call<'_>,
    channels: &Channels,
    channel: &ChannelId,
    cursor: Cursor,
    limit: u32,
) -> Result<History, Failure> {
    let state = channels.of(call, channel).await?;
    match cursor {
        Cursor::Newest => {
            if let Some(rows) = newest(call, &state, limit).await? {
                let more = rows.first().is_some_and(|row| row.seq > 1);
                return Ok(History { messages: shown(channel, rows)?, more, newer: false });
            }
        }
        Cursor::After(seq) => {
            if let Some(rows) = since(call, &state, seq, limit).await? {
                return Ok(History { messages: shown(channel, rows)?, more: true, newer: false });
            }
        }
        Cursor::Before(_) | Cursor::Around(_) => {}
    }
    let head = state.head(call).await?;
    let page = cursor.page(head, limit);
    let rows = if page.is_empty() { Vec::new() } else { state.messages(call, page.start, page.end - 1).await? };
    Ok(History { messages: shown(channel, rows)?, more: page.start > 1, newer: page.end <= head })
}

fn shown(channel: &ChannelId, rows: Vec<MessageRow>) -> Result<Vec<Message>, Failure> {
    rows.into_iter().map(|row| row.message(channel)).collect()
}

/// The last messages, oldest first. `None` where one query doesn't tell.
async fn newest(call: &Call<'_>, state: &Channel, limit: u32) -> Result<Option<Vec<MessageRow>>, Failure> {
    let known = state.known_head();
    if known == 0 || limit == 0 {
        return Ok(None);
    }
    let span = keys::messages(&state.log, keys::bucket(known), 0, SEQ_MAX);
    let items = call.items(&span, Order::NewestFirst, limit as usize).await?;
    let mut rows = messages(state, items)?;
    let Some(head) = rows.first().map(|row| row.seq).filter(|seq| !is_last_of_bucket(*seq)) else { return Ok(None) };
    state.saw(head);
    rows.reverse();
    let first = rows.first().map_or(1, |row| row.seq);
    let missing = u64::from(limit).saturating_sub(rows.len() as u64);
    if missing > 0 && first > 1 {
        let mut older = state.messages(call, first.saturating_sub(missing).max(1), first - 1).await?;
        older.append(&mut rows);
        rows = older;
    }
    Ok(Some(rows))
}

/// All messages above a number that is known to exist, oldest first. `None` where they are more than `limit`, or one query doesn't tell.
async fn since(call: &Call<'_>, state: &Channel, seq: u64, limit: u32) -> Result<Option<Vec<MessageRow>>, Failure> {
    let known = state.known_head();
    if seq == 0 || seq > known || known - seq > u64::from(limit) {
        return Ok(None);
    }
    let span = keys::messages(&state.log, keys::bucket(seq + 1), seq + 1, SEQ_MAX);
    let items = call.items(&span, Order::OldestFirst, limit as usize + 1).await?;
    let rows = messages(state, items)?;
    let head = rows.last().map_or(seq, |row| row.seq);
    if rows.len() > limit as usize || (head > seq && is_last_of_bucket(head)) {
        return Ok(None);
    }
    state.saw(head);
    Ok(Some(rows))
}

fn is_last_of_bucket(seq: u64) -> bool {
    seq % BUCKET_MESSAGES == BUCKET_MESSAGES - 1
}

/// Fails where the end of the log is among the rows.
fn messages(state: &Channel, items: Vec<Item>) -> Result<Vec<MessageRow>, Failure> {
    if items.iter().any(|item| item.contains_key("end")) {
        return Err(Failure::Moved(state.id.clone()));
    }
    items.into_iter().map(record).collect()
}
