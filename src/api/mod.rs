//! REST: the route table, and what the routes share.
//!
//! It decides nothing: a handler parses, asks the hub, and renders. Invariant: a route exists only together with its description in
//! `/openapi.json`, because both come from one macro.

pub(crate) mod auth;
pub(crate) mod body;
mod channels;
mod docs;
pub mod error;
mod guests;
mod links;
mod measure;
mod notifications;
mod rooms;
mod security;
mod sessions;
mod system;
mod tokens;
pub(crate) mod types;
pub(crate) mod whip;

pub use auth::Limiters;
pub use system::Readiness;
pub use whip::sessions::Sessions as HttpMedia;

use crate::config::{ApiKey, Config};
use crate::page;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Router, middleware};
use error::Problem;
use std::ops::Deref;
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What handlers reach. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// The contents of [`App`].
pub struct Shared {
    pub hub: ::rooms::Hub,
    pub media: media::Handle,
    pub store: Arc<crate::store::Opened>,
    pub sessions: signaling::Service,
    /// Those who publish and play by HTTP.
    pub http_media: whip::sessions::Sessions,
    pub keys: Vec<ApiKey>,
    /// Hands out credentials for the TURN server, if there is one.
    pub turn: Option<signaling::Turn>,
    /// Checks tokens of all keys.
    pub tokens: signaling::token::Keys,
    /// Without a slash at the end.
    pub public_url: String,
    pub dev: bool,
    pub guests: bool,
    pub origins: Vec<String>,
    pub embed_origins: Vec<String>,
    pub body_bytes_max: usize,
    pub limiters: Limiters,
    pub readiness: Readiness,
    pub metrics: crate::telemetry::Metrics,
    /// The room that dev mode offers for a try.
    pub demo: Option<crate::demo::Demo>,
}

impl App {
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// The key that signs what this node gives out by itself: the first one configured.
    fn signing_key(&self) -> Option<&signaling::token::Key> {
        self.keys.first().and_then(|key| self.tokens.key(&key.id))
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// All routes with their layers, and their description.
pub fn router(app: App) -> (Router, OpenApi) {
    let (router, description) = routes(&app).split_for_parts();
    let router = router
        .merge(docs::router(&description))
        .fallback(fallback)
        .layer(DefaultBodyLimit::max(app.body_bytes_max))
        .layer(middleware::from_fn_with_state(app.clone(), security::headers))
        .layer(middleware::from_fn(error::render))
        .layer(middleware::from_fn(measure::requests))
        .with_state(app);
    (router, description)
}

fn routes(app: &App) -> OpenApiRouter<App> {
    let backend = OpenApiRouter::new()
        .routes(routes!(rooms::create))
        .routes(routes!(rooms::find, rooms::end))
        .routes(routes!(rooms::remove, rooms::moderate))
        .routes(routes!(links::create))
        .routes(routes!(tokens::create))
        .routes(routes!(channels::open))
        .routes(routes!(channels::delete))
        .routes(routes!(channels::find, channels::update))
        .routes(routes!(channels::post, channels::list))
        .routes(routes!(notifications::create))
        .route_layer(middleware::from_fn_with_state(app.clone(), auth::require_key));
    let public = OpenApiRouter::new()
        .routes(routes!(guests::create))
        .routes(routes!(links::redeem))
        .routes(routes!(tokens::refresh))
        .routes(routes!(sessions::unload))
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::read))
        .routes(routes!(notifications::events::stream))
        .routes(routes!(notifications::events::token))
        .layer(security::cors(app));
    let media = OpenApiRouter::new()
        .routes(routes!(whip::publish))
        .routes(routes!(whip::play))
        .routes(routes!(whip::resource::end, whip::resource::patch))
        .layer(whip::cors(app))
        .layer(whip::accepts());
    let system = OpenApiRouter::new().routes(routes!(system::health)).routes(routes!(system::ready)).routes(routes!(system::metrics));
    OpenApiRouter::with_openapi(docs::description()).merge(backend).merge(public).merge(media).merge(system)
}

/// The page's files, and for the rest the refusal that fits.
async fn fallback(State(app): State<App>, method: Method, uri: Uri) -> Response {
    let path = uri.path();
    if path == "/v1" || path.starts_with("/v1/") {
        return Problem::new(StatusCode::NOT_FOUND, error::Code::NotFound, "there is no such resource").into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    if let Some(demo) = &app.demo
        && demo.path() == path
    {
        return demo.open(&app.hub).await;
    }
    page::serve(path)
}

/// Settings of [`Shared`] that come straight from the configuration.
pub fn tokens_of(config: &Config) -> Result<signaling::token::Keys, signaling::token::WeakKey> {
    let keys: Result<Vec<_>, _> = config.keys.iter().map(|key| signaling::token::Key::new(&*key.id, key.secret.expose())).collect();
    keys.map(signaling::token::Keys::new)
}
