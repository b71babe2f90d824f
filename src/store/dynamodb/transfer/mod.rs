//! Everything in the tables as records, and records as rows.
//!
//! It is read kind by kind, by scans that go through a whole table for each kind: that costs some units and no index. Invariants: nothing is read
//! twice or passed over as long as nobody writes, because a position is a key; records that are put twice change nothing, so that whatever fails is
//! simply done again.

mod chat;
mod kinds;
mod names;
mod put;

use super::DynamoDb;
use super::call::{Call, Failure};
use super::community::rows::MetaRow;
use super::write::Item;
use async_trait::async_trait;
use kinds::Kind;
pub(super) use kinds::{Place, Rows, stored_at};
use names::Names;
use rooms::store::{Position, Record, Records, StoreError, Transfer};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long it is tried again what DynamoDB has throttled or not answered. A table on demand takes some minutes to grow.
const PATIENCE: Duration = Duration::from_secs(300);

/// The pause before it is tried again for the first time. It doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause before it is tried again.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Pieces of a table, of a megabyte each, that are looked at for one page. A page ends then, though nothing was found.
const PIECES_MAX: usize = 64;

/// Servers that are known while members are read. They are asked for again when it was full.
const SERVERS_MAX: usize = 1024;

/// The key of a row.
type RowKey = (String, String);

/// A place among the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct At {
    kind: Kind,
    /// The row after which to go on; from the beginning where there is none.
    after: Option<RowKey>,
    /// Records of the next row that were given already.
    skip: usize,
}

/// What was read of the tables and is of use for the next page. It may be lost.
#[derive(Default)]
pub(super) struct Reading {
    names: Option<Arc<Names>>,
    servers: HashMap<String, Option<MetaRow>>,
    ahead: Option<Ahead>,
}

/// Rows that were read and not given yet.
struct Ahead {
    kind: Kind,
    after: Option<RowKey>,
    rows: VecDeque<Item>,
    /// After which row the table goes on.
    next: Option<RowKey>,
}

#[async_trait]
impl Transfer for DynamoDb {
    async fn records(&self, position: Option<Position>, limit: u32) -> Result<Records, StoreError> {
        let unreadable = |_| StoreError::Corrupt;
        let at: Option<At> = position.map(|position| serde_json::from_str(&position.0).map_err(unreadable)).transpose()?;
        let mut reading = self.reading.lock().await;
        let (call, mut patience) = (self.db.call("records"), Patience::new());
        call.is_open()?;
        if at.is_none() {
            *reading = Reading::default();
        }
        loop {
            let page = self.page(&call, &mut reading, at.clone(), limit as usize).await;
            if !patience.tries_again(&call, &page).await {
                return call.finished(page);
            }
        }
    }

    async fn put_records(&self, records: Vec<Record>) -> Result<(), StoreError> {
        let (call, mut patience) = (self.db.call("put_records"), Patience::new());
        call.is_open()?;
        loop {
            let done = put::all(&call, &self.channels, &records).await;
            if !patience.tries_again(&call, &done).await {
                return call.finished(done);
            }
        }
    }
}

/// Does it again while DynamoDB has no answer: nobody waits for it who would go away.
struct Patience {
    started: Instant,
    pause: Duration,
}

impl Patience {
    fn new() -> Self {
        Self { started: Instant::now(), pause: FIRST_PAUSE }
    }

    /// Waits, where it is worth another try.
    async fn tries_again<T>(&mut self, call: &Call<'_>, result: &Result<T, Failure>) -> bool {
        let Err(Failure::Unavailable(problem)) = result else { return false };
        if self.started.elapsed() > PATIENCE || call.is_open().is_err() {
            return false;
        }
        tracing::warn!(problem, "it is tried again");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        true
    }
}

impl DynamoDb {
    async fn page(&self, call: &Call<'_>, reading: &mut Reading, at: Option<At>, limit: usize) -> Result<Records, Failure> {
        let names = match &reading.names {
            Some(names) => names.clone(),
            None => reading.names.insert(Arc::new(Names::read(call).await?)).clone(),
        };
        let mut at = at.unwrap_or(At { kind: Kind::first(), after: None, skip: 0 });
        let (mut records, mut pieces) = (Vec::new(), 0);
        while records.len() < limit && pieces < PIECES_MAX {
            let mut ahead = match reading.ahead.take().filter(|ahead| ahead.kind == at.kind && ahead.after == at.after) {
                Some(ahead) => ahead,
                None => {
                    pieces += 1;
                    let (rows, next) = call.scan(&at.kind.rows(self.channels.nonces), at.after.as_ref()).await?;
                    Ahead { kind: at.kind, after: at.after.clone(), rows: rows.into(), next }
                }
            };
            while let Some(row) = ahead.rows.front().filter(|_| records.len() < limit) {
                let wanted = limit - records.len();
                let source = kinds::Source { call, channels: &self.channels, names: &names };
                let found = source.records(at.kind, &mut reading.servers, row, at.skip, wanted).await?;
                let is_all = found.len() < wanted;
                at.skip += found.len();
                records.extend(found);
                if is_all {
                    at = At { after: Some(kinds::place(row)?), skip: 0, ..at };
                    ahead.rows.pop_front();
                    ahead.after = at.after.clone();
                }
            }
            if !ahead.rows.is_empty() {
                reading.ahead = Some(ahead);
                continue;
            }
            at = match (ahead.next, at.kind.next()) {
                (Some(next), _) => At { after: Some(next), skip: 0, ..at },
                (None, Some(kind)) => At { kind, after: None, skip: 0 },
                (None, None) => return Ok(Records { records, next: None }),
            };
        }
        let next = serde_json::to_string(&at).map_err(|_| Failure::Unreadable("position"))?;
        Ok(Records { records, next: Some(Position(next)) })
    }
}
