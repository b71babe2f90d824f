//! Messages that are sent: how they come to their numbers.
//!
//! Those who wait go as one group in one transaction. Invariants: the numbers of a channel are 1, 2, 3 … without a gap, because messages are put
//! only right after one that exists, and only where there is none; with kept nonces a message and what belongs to it (its nonce, its author's
//! marker, its mentions) are stored in one transaction, but for mentions beyond a hundred. Without kept nonces a message goes first and what belongs
//! to it follows, each at half the price.

use super::call::{Call, Committed, Failure, Pause, record};
use super::channels::{Channel, Channels, Nonces};
use super::keys;
use super::messages::{NONCE_FREE, NONCES_KEPT, mention_changes, unix_s};
use super::queue::{Place, Places};
use super::records::{MessageNonceRow, MessageRow};
use super::write::{ABSENT, Item, Write, number, text};
use rooms::store::{Appended, NewMessage};
use rooms::{ChannelId, UserId};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// Without kept nonces, so many messages have to wait before they go in one transaction. Fewer go one by one, at half the price.
const PLAIN_GROUP_MIN: usize = 4;

pub(super) async fn append(call: &Call<'_>, channels: &Channels, new: &NewMessage) -> Result<Appended, Failure> {
    let state = channels.of(call, &new.channel).await?;
    let channel = &*state;
    let place = match channels.nonces {
        Nonces::Kept => channel.queue.append(new, |group| group_of(put_with_nonces, call, channel, group)).await?,
        Nonces::Seen => {
            let place = channel.queue.append(new, |group| group_of(put_alone, call, channel, group)).await?;
            settle(call, channel, new, place).await?;
            place
        }
    };
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

/// Stores a group. Where that fails, it fails for all that had no place yet.
async fn group_of(
    put: impl AsyncFn(&Call<'_>, &Channel, &mut Group) -> Result<(), Failure>,
    call: &Call<'_>,
    channel: &Channel,
    messages: Vec<NewMessage>,
) -> Places {
    let mut group = Group { places: vec![None; messages.len()], messages };
    let failure = put(call, channel, &mut group).await.err().unwrap_or(Failure::Unreadable("a message that came to no place"));
    group.places.into_iter().map(|place| place.ok_or_else(|| failure.clone())).collect()
}

/// Messages that are stored together.
struct Group {
    messages: Vec<NewMessage>,
    places: Vec<Option<Place>>,
}

impl Group {
    /// Those that have no place yet.
    fn open(&self) -> Vec<usize> {
        (0..self.messages.len()).filter(|index| self.places[*index].is_none()).collect()
    }
}

/// The messages, their nonces and all that belongs to them, in one transaction.
async fn put_with_nonces(call: &Call<'_>, channel: &Channel, group: &mut Group) -> Result<(), Failure> {
    let mut pause = Pause::default();
    let mut head = channel.known_head();
    if head == 0 {
        head = channel.head(call).await?;
    }
    loop {
        let open = group.open();
        let Some(last) = open.len().checked_sub(1) else { return Ok(()) };
        let numbered: Vec<(u64, &NewMessage)> = (head + 1..).zip(open.iter().map(|index| &group.messages[*index])).collect();
        let refused = match call.commit(&with_nonces(&channel.log, &numbered)?).await? {
            Committed::Done => {
                for (seq, index) in (head + 1..).zip(open) {
                    group.places[index] = Some(Place::New(seq));
                }
                channel.saw(head + 1 + last as u64);
                return Ok(());
            }
            Committed::Refused(rows) => rows,
        };
        // Each message, and its nonce after it.
        let mut pairs = refused.into_iter().take(2 * open.len());
        let mut found = false;
        for index in open {
            let (_, nonce) = (pairs.next(), pairs.next());
            if let Some(row) = nonce.flatten() {
                let kept: MessageNonceRow = record(row)?;
                // An answer of this very call was lost where the message is its own.
                let is_own = kept.id == group.messages[index].id.as_str();
                group.places[index] = Some(if is_own { Place::New(kept.seq) } else { Place::Old(kept.seq) });
                found = true;
            }
        }
        if !found {
            pause.wait().await;
        }
        head = channel.head(call).await?;
    }
}

fn with_nonces(log: &ChannelId, numbered: &[(u64, &NewMessage)]) -> Result<Vec<Write>, Failure> {
    let (now, exp) = (unix_s(SystemTime::now()), unix_s(SystemTime::now() + NONCES_KEPT));
    let mut writes = Vec::new();
    for (seq, new) in numbered {
        let nonce = MessageNonceRow { seq: *seq, id: new.id.to_string(), exp };
        writes.push(Write::put(keys::message(log, *seq), &MessageRow::new(new, *seq))?.only_if(ABSENT));
        let key = keys::message_nonce(log, &new.author.id, &new.nonce);
        writes.push(Write::put(key, &nonce)?.only_if(NONCE_FREE).with("now", number(now)));
    }
    let newest: BTreeMap<&UserId, u64> = numbered.iter().map(|(seq, new)| (&new.author.id, *seq)).collect();
    writes.extend(newest.into_iter().map(|(author, seq)| has_read(log, author, seq)));
    for (seq, new) in numbered {
        writes.extend(mention_changes(log, *seq, &new.author.id, &[], &new.mentions)?);
    }
    Ok(writes)
}

/// Whoever writes has read all before it.
fn has_read(log: &ChannelId, author: &UserId, seq: u64) -> Write {
    Write::update(keys::marker(author, log))
        .set("channel", text(log.as_str()))
        .set("read_seq", number(seq))
        .remove("own")
        .only_if("attribute_not_exists(#read_seq) OR #read_seq < :read_seq")
}

/// The messages alone. The nonces are looked for among the messages seen by this process.
async fn put_alone(call: &Call<'_>, channel: &Channel, group: &mut Group) -> Result<(), Failure> {
    let mut pause = Pause::default();
    if channel.recent().seen() < channel.known_head().max(1) {
        channel.catch_up(call).await?;
    }
    loop {
        find_seen(channel, group);
        let mut open = group.open();
        if open.len() < PLAIN_GROUP_MIN {
            open.truncate(1);
        }
        if open.is_empty() {
            return Ok(());
        }
        let first = channel.recent().seen() + 1;
        let rows: Vec<MessageRow> = (first..).zip(&open).map(|(seq, index)| MessageRow::new(&group.messages[*index], seq)).collect();
        let put = |row: &MessageRow| Ok(Write::put(keys::message(&channel.log, row.seq), row)?.only_if(ABSENT));
        let writes = rows.iter().map(put).collect::<Result<Vec<_>, Failure>>()?;
        match call.commit(&writes).await? {
            Committed::Done => {
                for (row, index) in rows.iter().zip(open) {
                    group.places[index] = Some(Place::New(row.seq));
                    channel.recent().saw(row);
                    channel.saw(row.seq);
                }
            }
            Committed::Refused(there) => {
                see(channel, there)?;
                pause.wait().await;
                channel.catch_up(call).await?;
            }
        }
    }
}

/// What stands where messages were to be put, as far as there is no gap.
fn see(channel: &Channel, there: Vec<Option<Item>>) -> Result<(), Failure> {
    for row in there.into_iter().map_while(|row| row) {
        if row.contains_key("end") {
            return Err(Failure::Moved(channel.id.clone()));
        }
        channel.recent().saw(&record(row)?);
    }
    Ok(())
}

fn find_seen(channel: &Channel, group: &mut Group) {
    for index in group.open() {
        let new = &group.messages[index];
        group.places[index] = channel.recent().find(new);
    }
}

/// Writes what belongs to a message that is stored already, unless this process did.
async fn settle(call: &Call<'_>, channel: &Channel, new: &NewMessage, place: Place) -> Result<(), Failure> {
    let log = &channel.log;
    let (Place::New(seq) | Place::Old(seq)) = place;
    if channel.recent().is_settled(seq) {
        return Ok(());
    }
    // What was changed since belongs to the change.
    let is_original = match place {
        Place::New(_) => true,
        Place::Old(seq) => call.get::<MessageRow>(&keys::message(log, seq)).await?.is_some_and(|row| row.is_original()),
    };
    if is_original {
        let mut writes = vec![has_read(log, &new.author.id, seq)];
        writes.extend(mention_changes(log, seq, &new.author.id, &[], &new.mentions)?);
        for write in writes {
            // Refused is a marker that has moved further already.
            call.write(&write).await?;
        }
    }
    channel.recent().settled(seq);
    Ok(())
}
