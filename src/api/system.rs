//! What operators' machines ask: alive, ready, measured.

use super::App;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use utoipa::ToSchema;

/// Whether the node wants traffic. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub fn set(&self, is_ready: bool) {
        self.0.store(is_ready, Ordering::Relaxed);
    }

    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The node's state.
#[derive(Serialize, ToSchema)]
pub struct NodeState {
    /// `ok`, `starting`, `stopping` or `unavailable`.
    status: &'static str,
    version: &'static str,
}

fn state(status: &'static str) -> axum::Json<NodeState> {
    axum::Json(NodeState { status, version: env!("CARGO_PKG_VERSION") })
}

/// Tells that the process lives
#[utoipa::path(
    get, path = "/healthz", tag = "system", operation_id = "health", security(()),
    responses((status = 200, description = "The process lives", body = NodeState))
)]
pub async fn health() -> impl IntoResponse {
    state("ok")
}

/// Tells whether the node wants traffic
#[utoipa::path(
    get, path = "/readyz", tag = "system", operation_id = "ready", security(()),
    responses(
        (status = 200, description = "Send traffic here", body = NodeState),
        (status = 503, description = "Starting, stopping, or without a store", body = NodeState),
    )
)]
pub async fn ready(State(app): State<App>) -> impl IntoResponse {
    if app.readiness.is_ready() && app.store.is_writable() {
        (StatusCode::OK, state("ok"))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, state("unavailable"))
    }
}

/// Shows measurements in the Prometheus text format
#[utoipa::path(
    get, path = "/metrics", tag = "system", operation_id = "metrics", security(()),
    responses((status = 200, description = "Prometheus text", body = String, content_type = "text/plain"))
)]
pub async fn metrics(State(app): State<App>) -> impl IntoResponse {
    gauge(&app);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render())
}

/// What others count is read when it is asked for.
fn gauge(app: &App) {
    let rooms = app.hub.stats();
    metrics::gauge!("zzan_rooms").set(rooms.rooms as f64);
    metrics::gauge!("zzan_participants").set(rooms.participants as f64);
    metrics::counter!("zzan_messages_stored_total").absolute(rooms.messages_stored);
    metrics::counter!("zzan_rooms_failed_total").absolute(rooms.rooms_failed);
    let signaling = app.sessions.stats();
    metrics::gauge!("zzan_sessions").set(signaling.sessions as f64);
    metrics::gauge!("zzan_connections").set(signaling.connections as f64);
    metrics::gauge!("zzan_outbox_bytes").set(signaling.held_bytes as f64);
    metrics::gauge!("zzan_outbox_bytes_max").set(signaling.held_bytes_max as f64);
    let media = app.media.stats();
    for (name, value) in media.each() {
        match (name, name.strip_prefix("dropped_")) {
            ("peers" | "rooms", _) => metrics::gauge!(format!("zzan_media_{name}")).set(value as f64),
            ("rtp_in", _) => metrics::counter!("zzan_media_packets_received_total").absolute(value),
            ("rtp_forwarded", _) => metrics::counter!("zzan_media_packets_forwarded_total").absolute(value),
            (_, Some(reason)) => metrics::counter!("zzan_media_packets_dropped_total", "reason" => reason).absolute(value),
            (_, None) => metrics::counter!(format!("zzan_media_{name}_total")).absolute(value),
        }
    }
}
