//! The store on DynamoDB: two tables that any number of nodes share.
//!
//! It is not a query layer: each operation of [`Store`](::rooms::store::Store) is one function in `rooms`, `appends`, `messages`, `pages`, `unreads`,
//! `marks`, `notes`, `notifications` or `community`, which builds keys and writes and sends them by `call`; `transfer` reads and fills all. It can't
//! search: DynamoDB has no index of texts. Invariants: an `Ok` of a writing operation was answered by DynamoDB before it was returned; every read is
//! consistent, so that whatever any node has acknowledged is seen by all.

mod appends;
mod call;
mod channels;
mod community;
mod keys;
mod logs;
mod marks;
mod messages;
mod notes;
mod notifications;
mod pages;
mod queue;
mod records;
mod role;
mod rooms;
mod settings;
mod table;
mod transfer;
mod turns;
mod unreads;
mod write;

use super::OpenError;
use ::rooms::store::{
    Appended, Edit, LinkRecord, MarkStore, Marked, Membership, MessageStore, NewMessage, Nonce, Pin, React, Redeemed, RoomRecord,
    RoomStore, SearchStore, StoreError,
};
use ::rooms::view::{Cursor, History, Message, Unread};
use ::rooms::{ChannelId, RoomId, UserId};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Region, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use call::{Db, Failure, Tables};
use channels::{Channels, Nonces};
use role::Lender;
pub use settings::{AccessKey, ContainerToken, Credentials, Role, Settings};
use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use transfer::Reading;

/// How long one attempt of a call may take. Answers come in ten milliseconds; a connection that lost its other end must leave time for another.
const ATTEMPT_WAIT: Duration = Duration::from_millis(1_200);

/// How long a call may take with all its attempts.
const CALL_WAIT: Duration = Duration::from_secs(4);

/// How long a connection may take to be made.
const CONNECT_WAIT: Duration = Duration::from_secs(1);

/// Attempts of a call: throttled, without an answer, or failed at the other end.
const ATTEMPTS: u32 = 5;

/// The longest pause before a second attempt; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between attempts: a caller waits for all of them.
const LONGEST_PAUSE: Duration = Duration::from_millis(800);

/// How often it is made sure that writes can succeed, if none has in between. Costs a write unit each time.
const PROBE_EVERY: Duration = Duration::from_secs(2);

/// How often it is looked for rows of removed channels and servers. Costs a read unit each time.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// The store on DynamoDB. Cheap to share; all clones of its `Arc` know the same channels.
pub struct DynamoDb {
    db: Arc<Db>,
    channels: Arc<Channels>,
    reading: Mutex<Reading>,
}

impl DynamoDb {
    /// Opens the tables; they are made where they are missing and may be made.
    ///
    /// # Errors
    /// [`OpenError::Remote`] when DynamoDB can't be reached, refuses the key, or has other tables than needed.
    pub async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let tls = Provider::Rustls(CryptoMode::AwsLc);
        Self::open_over(settings, aws_smithy_http_client::Builder::new().tls_provider(tls).build_https()).await
    }

    /// As [`DynamoDb::open`], over an HTTP client of the caller's.
    ///
    /// # Errors
    /// As [`DynamoDb::open`].
    pub async fn open_over(settings: &Settings, http: SharedHttpClient) -> Result<Self, OpenError> {
        let tables = Tables::of_prefix(&settings.table_prefix);
        let client = Client::from_conf(configured(settings, credentials(settings).await?, http));
        table::ensure(&client, &tables, settings).await?;
        let db = Arc::new(Db::new(client, tables));
        tokio::spawn(probe(Arc::downgrade(&db)));
        let nonces = if settings.strict { Nonces::Kept } else { Nonces::Seen };
        let channels = Arc::new(Channels::new(nonces));
        tokio::spawn(keep_sweeping(Arc::downgrade(&db), Arc::downgrade(&channels)));
        Ok(Self { db, channels, reading: Mutex::default() })
    }

    /// Removes a piece of what removed channels and servers left behind, as if it were this time: an hour has to pass first. Is done every
    /// minute without being asked. False when nothing is due.
    ///
    /// # Errors
    /// As of any operation; what was not removed stays due.
    pub async fn sweep(&self, now: SystemTime) -> Result<bool, StoreError> {
        let call = self.db.call("sweep");
        call.run(logs::sweep(&call, &self.channels, now)).await
    }

    /// Does it again where another node has removed the channel meanwhile: then its rows are somewhere else.
    async fn settled<T, W>(&self, work: impl Fn() -> W) -> Result<T, Failure>
    where
        W: Future<Output = Result<T, Failure>>,
    {
        loop {
            match work().await {
                Err(Failure::Moved(channel)) => self.channels.forget(&channel),
                done => return done,
            }
        }
    }

    /// Whether writes succeed, as far as the last two seconds told.
    pub fn is_writable(&self) -> bool {
        self.db.open.load(Ordering::Relaxed) && self.db.writable.load(Ordering::Relaxed)
    }

    /// Refuses further operations. What was acknowledged is durable anyway.
    pub fn close(&self) {
        self.db.open.store(false, Ordering::Relaxed);
    }
}

/// A role has to be there when the tables are opened; what it is lent is asked for again by the SDK.
async fn credentials(settings: &Settings) -> Result<SharedCredentialsProvider, OpenError> {
    match &settings.credentials {
        Credentials::Key(AccessKey { access_key_id, secret_access_key, session_token }) => {
            let token = session_token.as_ref().map(|token| token.expose().to_owned());
            let secret = secret_access_key.expose();
            let key = aws_sdk_dynamodb::config::Credentials::new(access_key_id, secret, token, None, "zzan's configuration");
            Ok(SharedCredentialsProvider::new(key))
        }
        Credentials::Role(role) => {
            let lender = Lender(role.clone());
            lender.lend().await.map_err(|error| OpenError::Remote {
                key: "dynamodb.access_key_id",
                problem: format!("no access key is given, and no role lends one: {error}"),
            })?;
            Ok(SharedCredentialsProvider::new(lender))
        }
    }
}

fn configured(settings: &Settings, credentials: SharedCredentialsProvider, http: SharedHttpClient) -> aws_sdk_dynamodb::Config {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_WAIT).operation_attempt_timeout(ATTEMPT_WAIT).operation_timeout(CALL_WAIT).build();
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_PAUSE).with_max_backoff(LONGEST_PAUSE);
    let config = Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(credentials)
        .timeout_config(timeouts)
        .retry_config(retries)
        .http_client(http);
    match &settings.endpoint {
        Some(endpoint) => config.endpoint_url(endpoint).build(),
        None => config.build(),
    }
}

/// Writes a row where nothing else was written, until the store is gone or closed: so readiness is known before somebody needs it.
async fn probe(db: Weak<Db>) {
    let mut answered = 0;
    loop {
        tokio::time::sleep(PROBE_EVERY).await;
        let Some(db) = db.upgrade().filter(|db| db.open.load(Ordering::Relaxed)) else { return };
        let before = std::mem::replace(&mut answered, db.writes_answered.load(Ordering::Relaxed));
        if answered != before {
            continue;
        }
        let write = write::Write::update(keys::probe()).set("at", write::number(messages::unix_s(SystemTime::now())));
        let call = db.call("probe");
        let was_writable = db.writable.load(Ordering::Relaxed);
        let is_writable = call.run(call.write(&write)).await.is_ok();
        if was_writable != is_writable {
            tracing::warn!(is_writable, "whether DynamoDB takes writes has changed");
        }
        db.writable.store(is_writable, Ordering::Relaxed);
    }
}

/// Until the store is gone or closed.
async fn keep_sweeping(db: Weak<Db>, channels: Weak<Channels>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        loop {
            let Some((db, channels)) = db.upgrade().zip(channels.upgrade()).filter(|(db, _)| db.open.load(Ordering::Relaxed)) else {
                return;
            };
            let call = db.call("sweep");
            if call.run(logs::sweep(&call, &channels, SystemTime::now())).await != Ok(true) {
                break;
            }
        }
    }
}

#[async_trait]
impl RoomStore for DynamoDb {
    async fn create_room(&self, room: RoomRecord, nonce: Nonce) -> Result<RoomRecord, StoreError> {
        let call = self.db.call("create_room");
        call.run(rooms::create(&call, room, &nonce)).await
    }

    async fn room(&self, id: &RoomId) -> Result<Option<RoomRecord>, StoreError> {
        let call = self.db.call("room");
        call.run(rooms::find(&call, id)).await
    }

    async fn open_rooms(&self) -> Result<Vec<RoomRecord>, StoreError> {
        let call = self.db.call("open_rooms");
        call.run(rooms::all_open(&call)).await
    }

    async fn end_room(&self, id: &RoomId, at: SystemTime) -> Result<(), StoreError> {
        let call = self.db.call("end_room");
        call.run(rooms::end(&call, id, at)).await
    }

    async fn create_link(&self, link: LinkRecord) -> Result<(), StoreError> {
        let call = self.db.call("create_link");
        call.run(rooms::create_link(&call, &link)).await
    }

    async fn redeem_link(&self, secret_hash: &[u8; 32], now: SystemTime) -> Result<Redeemed, StoreError> {
        let call = self.db.call("redeem_link");
        call.run(rooms::redeem_link(&call, secret_hash, now)).await
    }
}

#[async_trait]
impl MessageStore for DynamoDb {
    async fn append(&self, message: NewMessage) -> Result<Appended, StoreError> {
        let call = self.db.call("append");
        call.run(self.settled(|| appends::append(&call, &self.channels, &message))).await
    }

    async fn edit(&self, edit: Edit) -> Result<Option<Message>, StoreError> {
        let call = self.db.call("edit");
        call.run(self.settled(|| messages::edit(&call, &self.channels, &edit))).await
    }

    async fn delete(&self, channel: &ChannelId, seq: u64, at: SystemTime) -> Result<Option<Message>, StoreError> {
        let call = self.db.call("delete");
        call.run(self.settled(|| messages::delete(&call, &self.channels, channel, seq, at))).await
    }

    async fn message(&self, channel: &ChannelId, seq: u64) -> Result<Option<Message>, StoreError> {
        let call = self.db.call("message");
        call.run(self.settled(|| messages::message(&call, &self.channels, channel, seq))).await
    }

    async fn history(&self, channel: &ChannelId, cursor: Cursor, limit: u32) -> Result<History, StoreError> {
        let call = self.db.call("history");
        call.run(self.settled(|| pages::history(&call, &self.channels, channel, cursor, limit))).await
    }

    async fn mark_read(&self, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, StoreError> {
        let call = self.db.call("mark_read");
        call.run(self.settled(|| unreads::mark_read(&call, &self.channels, user, channel, seq))).await
    }

    async fn mark_unread(&self, user: &UserId, channel: &ChannelId, seq: u64) -> Result<u64, StoreError> {
        let call = self.db.call("mark_unread");
        call.run(self.settled(|| unreads::mark_unread(&call, &self.channels, user, channel, seq))).await
    }

    async fn markers(&self, channel: &ChannelId, users: &[UserId]) -> Result<Vec<u64>, StoreError> {
        let call = self.db.call("markers");
        call.run(self.settled(|| unreads::markers(&call, &self.channels, channel, users))).await
    }

    async fn unread(&self, user: &UserId, channels: &[Membership]) -> Result<Vec<Unread>, StoreError> {
        let call = self.db.call("unread");
        call.run(self.settled(|| unreads::unread(&call, &self.channels, user, channels))).await
    }
}

#[async_trait]
impl MarkStore for DynamoDb {
    async fn react(&self, react: React) -> Result<Option<Marked>, StoreError> {
        let call = self.db.call("react");
        call.run(self.settled(|| marks::react(&call, &self.channels, &react))).await
    }

    async fn pin(&self, pin: Pin) -> Result<Option<Marked>, StoreError> {
        let call = self.db.call("pin");
        call.run(self.settled(|| marks::pin(&call, &self.channels, &pin))).await
    }

    async fn pins(&self, channel: &ChannelId) -> Result<Vec<Message>, StoreError> {
        let call = self.db.call("pins");
        call.run(self.settled(|| marks::pins(&call, &self.channels, channel))).await
    }
}

/// DynamoDB has no index of texts: every search is `Unsupported`.
impl SearchStore for DynamoDb {}
