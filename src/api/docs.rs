//! `/openapi.json` from the code, and `/docs`, a page to read and try it. Both work offline.

use super::App;
use axum::http::header;
use axum::routing::get;
use axum::{Router, body::Bytes};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_swagger_ui::{Config, SwaggerUi};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "zzan",
        description = "Rooms for calls and chat, opened by your backend. Errors are problems (RFC 9457) with a `code` for programs. \
                       Limits of a key are told by `RateLimit` and `RateLimit-Policy`."
    ),
    tags(
        (name = "rooms", description = "For backends, with an API key."),
        (name = "channels", description = "For backends: channels of two people, and messages of bots."),
        (name = "media", description = "For encoders and players: WHIP and WHEP, with a token."),
        (name = "notifications", description = "Inboxes: backends fill them with an API key, and their owners read them with a token."),
        (name = "visitors", description = "For pages, without one."),
        (name = "system", description = "For operators.")
    )
)]
struct Description;

/// The description without its paths.
pub fn description() -> OpenApi {
    let mut description = Description::openapi();
    let bearer = |text: &str| {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.description = Some(text.to_owned());
        SecurityScheme::Http(http)
    };
    let components = description.components.get_or_insert_default();
    components.add_security_scheme("key", bearer("A backend's key: `<key id>:<secret>`."));
    components.add_security_scheme("token", bearer("A token of a visitor (JWT)."));
    description
}

/// Serves a description.
pub fn router(description: &OpenApi) -> Router<App> {
    let json = description.to_json().map(Bytes::from).unwrap_or_default();
    let answer = move || async move { ([(header::CONTENT_TYPE, "application/json")], json) };
    // The validator is a web service: this page talks to no other host.
    let page = SwaggerUi::new("/docs").config(Config::new(["/openapi.json"]).validator_url("none").try_it_out_enabled(true));
    Router::new().route("/openapi.json", get(answer)).merge(Router::<App>::from(page))
}
