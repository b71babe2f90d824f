//! Logs and measurements.
//!
//! Invariant: no message text, name, IP address, SDP or token is logged above DEBUG, and none is a label.

use crate::config::LogFormat;
use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise.
const FILTER: &str = "info,socketioxide=warn,engineioxide=warn";

/// Seconds from a fast commit on an SSD to the store's time limit.
const BUCKETS_S: [f64; 11] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Operations that shared a commit.
const BUCKETS_BATCH: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 128.0, 256.0];

/// Starts logging to standard error. Later calls change nothing.
pub fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging goes on as it was");
    }
}

/// The process's measurements. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Starts measuring; the same for every node of the process.
    ///
    /// # Errors
    /// When another library took the process's recorder first.
    pub fn start() -> anyhow::Result<Self> {
        // Two nodes of a process that start at once read the same recorder, which is the one that is written to.
        static STARTED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
        let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = &*started {
            return Ok(Self(handle.clone()));
        }
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS_S)?
            .set_buckets_for_metric(Matcher::Full("zzan_store_batch_operations".into()), &BUCKETS_BATCH)?
            .build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).context("another library records the process's metrics")?;
        describe();
        *started = Some(handle.clone());
        Ok(Self(handle))
    }

    /// Prometheus text.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Moves what was recorded into the buckets; to be called every few seconds, or it piles up.
    pub fn tidy(&self) {
        self.0.run_upkeep();
    }
}

fn describe() {
    metrics::describe_gauge!("zzan_rooms", "Open rooms");
    metrics::describe_gauge!("zzan_participants", "Seats taken, those kept for a reconnect included");
    metrics::describe_gauge!("zzan_sessions", "Signaling sessions, those that may still be resumed included");
    metrics::describe_gauge!("zzan_connections", "Authenticated socket.io connections");
    metrics::describe_gauge!("zzan_outbox_bytes", "Events held for sessions, to be taken or asked for again; shared ones count for each");
    metrics::describe_gauge!("zzan_outbox_bytes_max", "The same, of the session that holds most");
    metrics::describe_gauge!("zzan_media_peers", "Peers with a media transport");
    metrics::describe_counter!("zzan_messages_stored_total", "Chat messages stored");
    metrics::describe_counter!("zzan_rooms_failed_total", "Rooms that ended by a fault of their task");
    metrics::describe_counter!("zzan_media_packets_received_total", "Authentic media packets received");
    metrics::describe_counter!("zzan_media_packets_forwarded_total", "Media packets sent to subscribers");
    metrics::describe_counter!("zzan_media_packets_dropped_total", "Packets dropped by the media plane, by reason");
    metrics::describe_counter!("zzan_http_requests_total", "HTTP requests by route, method and status");
    metrics::describe_histogram!("zzan_http_request_seconds", metrics::Unit::Seconds, "Time to answer by route and method");
    metrics::describe_histogram!(
        "zzan_store_seconds",
        metrics::Unit::Seconds,
        "Time of a store's operation, its wait in the queue included"
    );
    metrics::describe_histogram!("zzan_store_commit_seconds", metrics::Unit::Seconds, "Time of a commit with its sync");
    metrics::describe_histogram!("zzan_store_batch_operations", "Operations that shared a commit");
    metrics::describe_counter!("zzan_store_errors_total", "Operations that the store refused");
    metrics::describe_counter!(
        "zzan_dynamodb_consumed_units_total",
        "Read and write units that DynamoDB charged, by operation; refused writes are charged too, and not told"
    );
}
