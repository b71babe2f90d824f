//! Calls to DynamoDB: the only file that sends something.
//!
//! It knows no row. Each call is bounded, tried again where that is safe, and measured for its operation. Invariant: a refusal by a condition
//! is an answer, and not a failure; a failure may have happened.

use super::keys::{Key, Span, Table};
use super::transfer::{Place, Rows};
use super::turns::Lines;
use super::write::{Action, Item, Write, key_item, text, text_of};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConsumedCapacity, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure as OnRefusal,
};
use futures_util::future::try_join_all;
use rand::RngExt as _;
use rooms::ChannelId;
use rooms::store::StoreError;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a caller waits for an operation, with all its calls. Then it gets `Unavailable`: the operation may still happen.
pub(super) const OPERATION_WAIT: Duration = Duration::from_millis(4_500);

/// The most writes of one transaction, as AWS has it.
pub(super) const TRANSACTION_WRITES_MAX: usize = 100;

/// Writes of many that are sent at a time.
pub(super) const AT_ONCE: usize = 32;

/// How often a write is tried that another one's transaction is in the way of. Each time waits longer, up to [`PAUSE_MAX_MS`].
const CONFLICT_TRIES: u32 = 24;

/// The longest pause between two tries. Longer ones let others pass in the meantime, again and again.
const PAUSE_MAX_MS: u64 = 100;

/// The tables' names.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    messages: String,
    core: String,
}

impl Tables {
    pub(super) fn of_prefix(prefix: &str) -> Self {
        Self { messages: format!("{prefix}_messages"), core: format!("{prefix}_core") }
    }

    pub(super) fn name(&self, table: Table) -> &str {
        match table {
            Table::Messages => &self.messages,
            Table::Core => &self.core,
        }
    }
}

/// The way to the tables.
pub(super) struct Db {
    pub(super) client: Client,
    pub(super) tables: Tables,
    /// False once closed: nothing is sent any more.
    pub(super) open: AtomicBool,
    /// Whether the last write that says something about it got an answer.
    pub(super) writable: AtomicBool,
    /// Writes that got an answer.
    pub(super) writes_answered: AtomicU64,
    /// By the name of what is changed: a note, or a user's inbox.
    pub(super) lines: Lines,
}

impl Db {
    pub(super) fn new(client: Client, tables: Tables) -> Self {
        let (open, writable) = (AtomicBool::new(true), AtomicBool::new(true));
        Self { client, tables, open, writable, writes_answered: AtomicU64::new(0), lines: Lines::new() }
    }

    /// The calls of one operation.
    pub(super) fn call(&self, operation: &'static str) -> Call<'_> {
        Call { db: self, operation }
    }
}

/// What a call can fail with.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    /// No answer in time, throttled for too long, or refused for a reason that isn't a condition.
    #[error("{0}")]
    Unavailable(String),
    /// A row that this program can't have written.
    #[error("unreadable: {0}")]
    Unreadable(&'static str),
    /// The channel was removed by somebody else, and its rows are no longer where they were looked for: to be looked for again.
    #[error("the channel {0} has begun anew")]
    Moved(ChannelId),
}

/// What became of one write.
#[derive(Debug)]
pub(super) enum Written {
    Done,
    /// By its condition. The row as it is; empty where there is none.
    Refused(Item),
}

/// What became of several writes, of which all happened or none.
#[derive(Debug)]
pub(super) enum Committed {
    Done,
    /// For each write the row that refused it; `None` for those that nothing stood against.
    Refused(Vec<Option<Item>>),
}

/// From which end a span is read: by what its rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    OldestFirst,
    NewestFirst,
}

/// The calls of one operation.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) db: &'a Db,
    pub(super) operation: &'static str,
}

impl Call<'_> {
    /// Runs the whole operation: bounded, measured, and its failure logged.
    pub(super) async fn run<T>(&self, work: impl Future<Output = Result<T, Failure>> + Send) -> Result<T, StoreError> {
        self.is_open()?;
        let started = Instant::now();
        let result = tokio::time::timeout(OPERATION_WAIT, work).await;
        metrics::histogram!("zzan_store_seconds", "operation" => self.operation).record(started.elapsed());
        self.finished(result.unwrap_or_else(|_| Err(Failure::Unavailable("too slow".into()))))
    }

    /// Whether anything is sent at all.
    pub(super) fn is_open(&self) -> Result<(), StoreError> {
        if self.db.open.load(Ordering::Relaxed) { Ok(()) } else { Err(StoreError::Unavailable) }
    }

    /// What a caller gets. A failure is logged.
    pub(super) fn finished<T>(&self, result: Result<T, Failure>) -> Result<T, StoreError> {
        let failure = match result {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        metrics::counter!("zzan_store_errors_total", "operation" => self.operation).increment(1);
        tracing::error!(operation = self.operation, error = %failure, "the store refused an operation");
        Err(match failure {
            Failure::Unavailable(_) | Failure::Moved(_) => StoreError::Unavailable,
            Failure::Unreadable(_) => StoreError::Corrupt,
        })
    }

    /// A row as it is now.
    pub(super) async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, Failure> {
        self.item(key).await?.map(record).transpose()
    }

    /// A row as it is now, of whatever kind.
    pub(super) async fn item(&self, key: &Key) -> Result<Option<Item>, Failure> {
        let request = self.db.client.get_item().table_name(self.db.tables.name(key.table)).set_key(Some(key_item(key)));
        let answer = request.consistent_read(true).return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.map_err(|error| unavailable(&error))?;
        self.consumed("read", answer.consumed_capacity.iter());
        Ok(answer.item)
    }

    /// At most `limit` rows of a span, from one of its ends, as they are now.
    pub(super) async fn query<T: DeserializeOwned>(&self, span: &Span, order: Order, limit: usize) -> Result<Vec<T>, Failure> {
        self.items(span, order, limit).await?.into_iter().map(record).collect()
    }

    /// As [`Call::query`], of whatever kind.
    pub(super) async fn items(&self, span: &Span, order: Order, limit: usize) -> Result<Vec<Item>, Failure> {
        let (mut rows, mut next) = (Vec::new(), None);
        while rows.len() < limit && !span.is_empty() {
            let request = self.db.client.query().table_name(self.db.tables.name(span.table));
            let answer = request
                .key_condition_expression("PK = :pk AND SK BETWEEN :from AND :to")
                .expression_attribute_values(":pk", text(&span.pk))
                .expression_attribute_values(":from", text(&span.from))
                .expression_attribute_values(":to", text(&span.to))
                .scan_index_forward(order == Order::OldestFirst)
                .limit(i32::try_from(limit - rows.len()).unwrap_or(i32::MAX))
                .consistent_read(true)
                .set_exclusive_start_key(next)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| unavailable(&error))?;
            self.consumed("read", answer.consumed_capacity.iter());
            rows.extend(answer.items.unwrap_or_default());
            next = answer.last_evaluated_key;
            if next.is_none() {
                break;
            }
        }
        Ok(rows)
    }

    /// A piece of a table: the rows that are asked for, and the key after which the table goes on.
    pub(super) async fn scan(
        &self,
        rows: &Rows,
        after: Option<&(String, String)>,
    ) -> Result<(Vec<Item>, Option<(String, String)>), Failure> {
        let (mut filter, mut names) = ("begins_with(PK, :pk)".to_owned(), None);
        let mut values = Item::from([(":pk".to_owned(), text(rows.pk))]);
        match rows.place {
            Place::Is(place) => {
                filter += " AND SK = :sk";
                values.insert(":sk".to_owned(), text(place));
            }
            Place::Begins(place) => {
                filter += " AND begins_with(SK, :sk)";
                values.insert(":sk".to_owned(), text(place));
            }
            Place::Anywhere => {}
        }
        if let Some(with) = rows.with {
            filter += " AND attribute_exists(#with)";
            names = Some(HashMap::from([("#with".to_owned(), with.to_owned())]));
        }
        let start = after.map(|(pk, sk)| key_item(&Key { table: rows.table, pk: pk.clone(), sk: sk.clone() }));
        let request = self.db.client.scan().table_name(self.db.tables.name(rows.table)).filter_expression(filter);
        let request = request.set_expression_attribute_names(names).set_expression_attribute_values(Some(values));
        let request = request.set_exclusive_start_key(start).consistent_read(true).return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.send().await.map_err(|error| unavailable(&error))?;
        self.consumed("read", answer.consumed_capacity.iter());
        let next = answer.last_evaluated_key.map(|key| text_of(&key, "PK").zip(text_of(&key, "SK")));
        let next = next.map(|key| key.ok_or(Failure::Unreadable("the key of a row"))).transpose()?;
        Ok((answer.items.unwrap_or_default(), next))
    }

    /// Many writes, of which some happen before others, and all though one is refused.
    pub(super) async fn write_all(&self, writes: &[Write]) -> Result<(), Failure> {
        for some in writes.chunks(AT_ONCE) {
            try_join_all(some.iter().map(|write| self.write(write))).await?;
        }
        Ok(())
    }

    /// One write alone.
    pub(super) async fn write(&self, write: &Write) -> Result<Written, Failure> {
        let mut pause = Pause::default();
        for _ in 0..CONFLICT_TRIES {
            match self.send(write).await? {
                Sent::Answered(written) => return Ok(written),
                Sent::InTheWay => pause.wait().await,
            }
        }
        Err(Failure::Unavailable("transactions of others stay in the way".into()))
    }

    async fn send(&self, write: &Write) -> Result<Sent, Failure> {
        let (client, table, key) = (&self.db.client, self.db.tables.name(write.key.table), Some(key_item(&write.key)));
        // The three requests have the same names for the same things, and no trait in common.
        macro_rules! send {
            ($error:ident, $request:expr) => {{
                let request = $request
                    .table_name(table)
                    .set_condition_expression(write.condition())
                    .set_expression_attribute_names(write.names())
                    .set_expression_attribute_values(write.values())
                    .return_values_on_condition_check_failure(OnRefusal::AllOld)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total);
                let error = match request.send().await {
                    Ok(answer) => {
                        self.wrote(answer.consumed_capacity.iter());
                        return Ok(Sent::Answered(Written::Done));
                    }
                    Err(error) => error,
                };
                match error.as_service_error() {
                    Some($error::ConditionalCheckFailedException(refused)) => {
                        self.wrote([].into_iter());
                        Ok(Sent::Answered(Written::Refused(refused.item().cloned().unwrap_or_default())))
                    }
                    Some(cause) if is_conflict(cause) => Ok(Sent::InTheWay),
                    _ => Err(unavailable(&error)),
                }
            }};
        }
        match &write.action {
            Action::Put(item) => send!(PutItemError, client.put_item().set_item(Some(item.clone()))),
            Action::Update { .. } => send!(UpdateItemError, client.update_item().set_key(key).update_expression(write.expression())),
            Action::Delete => send!(DeleteItemError, client.delete_item().set_key(key)),
        }
    }

    /// Several writes in one transaction: all or none. Beyond the most that a transaction takes, the later ones follow in further ones. One
    /// alone needs none, and costs half.
    pub(super) async fn commit(&self, writes: &[Write]) -> Result<Committed, Failure> {
        if let [write] = writes {
            return Ok(match self.write(write).await? {
                Written::Done => Committed::Done,
                Written::Refused(row) => Committed::Refused(vec![Some(row)]),
            });
        }
        for part in writes.chunks(TRANSACTION_WRITES_MAX) {
            if let refused @ Committed::Refused(_) = self.transact(part).await? {
                return Ok(refused);
            }
        }
        Ok(Committed::Done)
    }

    /// Writes in one transaction: all or none. At most [`TRANSACTION_WRITES_MAX`].
    pub(super) async fn transact(&self, writes: &[Write]) -> Result<Committed, Failure> {
        let mut pause = Pause::default();
        // The same for every attempt, the SDK's own ones too: a retry after a lost answer changes nothing.
        let mut token = rooms::random_id("tx");
        for _ in 0..CONFLICT_TRIES {
            let items = writes.iter().map(|write| write.in_transaction(&self.db.tables)).collect::<Result<Vec<_>, Failure>>()?;
            let request = self.db.client.transact_write_items().set_transact_items(Some(items)).client_request_token(&token);
            let error = match request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await {
                Ok(answer) => {
                    self.wrote(answer.consumed_capacity.iter().flatten());
                    return Ok(Committed::Done);
                }
                Err(error) => error,
            };
            let Some(cause) = error.as_service_error() else { return Err(unavailable(&error)) };
            if let TransactWriteItemsError::TransactionCanceledException(canceled) = cause {
                match outcome(canceled.cancellation_reasons()) {
                    Canceled::Refused(rows) => {
                        self.wrote([].into_iter());
                        return Ok(Committed::Refused(rows));
                    }
                    // It is known not to have happened.
                    Canceled::InTheWay => token = rooms::random_id("tx"),
                    Canceled::Failed(code) => return Err(Failure::Unavailable(format!("transaction canceled: {code}"))),
                }
            } else if !is_conflict(cause) {
                return Err(unavailable(&error));
            }
            pause.wait().await;
        }
        Err(Failure::Unavailable("transactions of others stay in the way".into()))
    }

    /// A write was answered: writes can succeed.
    fn wrote<'c>(&self, consumed: impl Iterator<Item = &'c ConsumedCapacity>) {
        self.db.writable.store(true, Ordering::Relaxed);
        self.db.writes_answered.fetch_add(1, Ordering::Relaxed);
        self.consumed("write", consumed);
    }

    fn consumed<'c>(&self, kind: &'static str, consumed: impl Iterator<Item = &'c ConsumedCapacity>) {
        let units: f64 = consumed.filter_map(ConsumedCapacity::capacity_units).sum();
        // Whole ones: all reads are consistent.
        let units = units.round() as u64;
        metrics::counter!("zzan_dynamodb_consumed_units_total", "operation" => self.operation, "kind" => kind).increment(units);
    }
}

enum Sent {
    Answered(Written),
    /// A transaction of somebody else has the row.
    InTheWay,
}

enum Canceled {
    Refused(Vec<Option<Item>>),
    /// Throttled, or a transaction of somebody else has a row.
    InTheWay,
    Failed(String),
}

/// A condition that refused counts more than what else went wrong: trying again would change nothing about it.
fn outcome(reasons: &[CancellationReason]) -> Canceled {
    let refused = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
    if reasons.iter().any(refused) {
        let rows = reasons.iter().map(|reason| refused(reason).then(|| reason.item().cloned().unwrap_or_default()));
        return Canceled::Refused(rows.collect());
    }
    let passing = |code: &str| ["None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"].contains(&code);
    match reasons.iter().filter_map(CancellationReason::code).find(|code| !passing(code)) {
        Some(code) => Canceled::Failed(code.to_owned()),
        None => Canceled::InTheWay,
    }
}

fn is_conflict(cause: &impl ProvideErrorMetadata) -> bool {
    matches!(cause.code(), Some("TransactionConflictException" | "TransactionInProgressException"))
}

/// A row as what it should be.
pub(super) fn record<T: DeserializeOwned>(item: Item) -> Result<T, Failure> {
    serde_dynamo::from_item(item).map_err(|_| Failure::Unreadable("a row of DynamoDB"))
}

/// Why a call failed, without what was in it.
pub(super) fn cause<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(refused) => {
            let refused = refused.err();
            format!("{}: {}", refused.code().unwrap_or("an error without a code"), refused.message().unwrap_or_default())
        }
        SdkError::DispatchFailure(failure) => {
            let cause = failure
                .as_connector_error()
                .map(|error| std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string));
            format!("it can't be reached: {}", cause.unwrap_or_default())
        }
        SdkError::TimeoutError(_) => "no answer in time".into(),
        SdkError::ResponseError(_) => "the answer can't be read".into(),
        // The SDK's enum is open.
        _ => "the request can't be made".into(),
    }
}

fn unavailable<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Failure {
    Failure::Unavailable(cause(error))
}

/// Waits longer each time, by chance, so that those who met once don't meet again.
#[derive(Debug, Default)]
pub(super) struct Pause {
    times: u32,
}

impl Pause {
    pub(super) async fn wait(&mut self) {
        let longest = (2_u64 << self.times.min(10)).min(PAUSE_MAX_MS);
        self.times += 1;
        let pause = rand::rng().random_range(0..=longest);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
