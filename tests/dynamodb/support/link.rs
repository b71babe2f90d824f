//! The network between a store and its server: throttles, loses replies, delays, is cut, shortens pages; and counts what is consumed.

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to requests.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Of a hundred requests, so many are refused as too many.
    pub throttled_percent: u32,
    /// Of a hundred replies, so many get lost: what was asked has happened.
    pub lost_percent: u32,
    /// The next so many replies to writes get lost.
    pub lost_writes: u32,
    /// After so many writes more it is cut.
    pub writes_until_cut: Option<u32>,
    /// How late each reply is.
    pub delay: Duration,
    pub is_cut: bool,
    /// The most rows of a page, whatever is asked for.
    pub page_rows: Option<u64>,
}

/// One request that was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// As `PutItem`.
    pub action: String,
    /// The id of the access key that it was signed with.
    pub signer: String,
    pub units: f64,
}

#[derive(Debug)]
struct State {
    faults: Faults,
    rng: StdRng,
    answered: Vec<Answered>,
}

#[derive(Debug, Clone)]
pub struct Link {
    inner: SharedHttpClient,
    state: Arc<Mutex<State>>,
}

impl Link {
    /// A network without faults, yet.
    pub fn new(seed: u64) -> Self {
        let state = State { faults: Faults::default(), rng: StdRng::seed_from_u64(seed), answered: Vec::new() };
        Self { inner: aws_smithy_http_client::Builder::new().build_http(), state: Arc::new(Mutex::new(state)) }
    }

    pub fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    pub fn set(&self, faults: Faults) {
        self.state.lock().expect("nobody panics with it").faults = faults;
    }

    /// What was answered since this was last asked.
    pub fn answered(&self) -> Vec<Answered> {
        std::mem::take(&mut self.state.lock().expect("nobody panics with it").answered)
    }
}

impl HttpClient for Link {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Wire { inner: self.inner.http_connector(settings, components), state: self.state.clone() })
    }
}

#[derive(Debug)]
struct Wire {
    inner: SharedHttpConnector,
    state: Arc<Mutex<State>>,
}

impl HttpConnector for Wire {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let (inner, state) = (self.inner.clone(), self.state.clone());
        HttpConnectorFuture::new(async move {
            let (action, signer) = (action(&request), signer(&request));
            let (faults, is_throttled, is_lost) = {
                let mut state = state.lock().expect("nobody panics with it");
                let dice = (state.rng.random_range(0..100), state.rng.random_range(0..100));
                let faults = state.faults.clone();
                let is_write = action != "GetItem" && action != "Query";
                let is_next = faults.lost_writes > 0 && is_write;
                state.faults.lost_writes -= u32::from(is_next);
                if let Some(writes) = state.faults.writes_until_cut.as_mut().filter(|_| is_write) {
                    *writes = writes.saturating_sub(1);
                    state.faults.is_cut |= *writes == 0;
                }
                (faults.clone(), dice.0 < faults.throttled_percent, is_next || dice.1 < faults.lost_percent)
            };
            if faults.is_cut {
                return Err(ConnectorError::io("the network is cut".into()));
            }
            if is_throttled {
                return Ok(throttled());
            }
            if let Some(rows) = faults.page_rows.filter(|_| action == "Query") {
                shorten(&mut request, rows);
            }
            let mut response = inner.call(request).await?;
            let body =
                ByteStream::new(response.take_body()).collect().await.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
            let units = units(&body);
            *response.body_mut() = SdkBody::from(body);
            tokio::time::sleep(faults.delay).await;
            state.lock().expect("nobody panics with it").answered.push(Answered { action, signer, units });
            if is_lost { Err(ConnectorError::io("the reply was lost".into())) } else { Ok(response) }
        })
    }
}

fn action(request: &HttpRequest) -> String {
    request.headers().get("x-amz-target").and_then(|target| target.split('.').nth(1)).unwrap_or_default().to_owned()
}

fn signer(request: &HttpRequest) -> String {
    let header = request.headers().get("authorization").unwrap_or_default();
    header.split("Credential=").nth(1).and_then(|scope| scope.split('/').next()).unwrap_or_default().to_owned()
}

/// As AWS refuses what comes too fast.
fn throttled() -> HttpResponse {
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"too fast"}"#;
    HttpResponse::new(400.try_into().expect("a status"), SdkBody::from(body))
}

fn shorten(request: &mut HttpRequest, rows: u64) {
    let mut body: Value = serde_json::from_slice(request.body().bytes().expect("in memory")).expect("JSON");
    body["Limit"] = body["Limit"].as_u64().unwrap_or(u64::MAX).min(rows).into();
    let body = body.to_string();
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}

/// Of a reply's `ConsumedCapacity`, which is one or a list.
fn units(body: &[u8]) -> f64 {
    let reply: Value = serde_json::from_slice(body).unwrap_or_default();
    let of = |consumed: &Value| consumed["CapacityUnits"].as_f64().unwrap_or_default();
    match &reply["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(of).sum(),
        one => of(one),
    }
}
