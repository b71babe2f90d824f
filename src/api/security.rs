//! What browsers are told: which origins may ask, which may frame, and what a page of ours may load.
//!
//! Invariant: every answer has the headers, errors included.

use super::App;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Loopback as `frame-ancestors` can write it; it has no syntax for `[::1]`.
const LOOPBACK_ANCESTORS: &str = "http://localhost:* http://127.0.0.1:* https://localhost:* https://127.0.0.1:*";

/// Lets pages of the allowed origins call the public endpoints.
pub fn cors(app: &App) -> CorsLayer {
    let (origins, dev) = (app.origins.clone(), app.dev);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| is_allowed(&origins, dev, origin)))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, HeaderName::from_static("last-event-id")])
        .expose_headers([header::RETRY_AFTER, super::error::REQUEST_ID])
        .max_age(Duration::from_secs(3600))
}

fn is_allowed(origins: &[String], dev: bool, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    origins.iter().any(|allowed| allowed == origin) || (dev && is_loopback(origin))
}

/// Whether an origin is of this machine.
fn is_loopback(origin: &str) -> bool {
    let Ok(uri) = origin.parse::<axum::http::Uri>() else {
        return false;
    };
    match uri.host() {
        Some("localhost") => true,
        Some(host) => host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

/// The layer that adds the headers.
pub async fn headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| is_host(host)).map(str::to_owned);
    let is_docs = request.uri().path().starts_with("/docs");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_SECURITY_POLICY, content_security_policy(&app, host.as_deref(), is_docs));
    set(PERMISSIONS_POLICY, permissions_policy(&app.embed_origins));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff".into());
    set(header::REFERRER_POLICY, "no-referrer".into());
    response
}

fn content_security_policy(app: &App, host: Option<&str>, is_docs: bool) -> String {
    // Safari before 15.4 doesn't count sockets of the own host as 'self'.
    let sockets = host.map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    // swagger-ui sets styles inline; our page doesn't.
    let styles = if is_docs { "; style-src 'self' 'unsafe-inline'" } else { "" };
    let mut ancestors = String::from("'self'");
    for origin in &app.embed_origins {
        ancestors.push(' ');
        ancestors.push_str(origin);
    }
    if app.dev {
        ancestors.push(' ');
        ancestors.push_str(LOOPBACK_ANCESTORS);
    }
    // The picture of a server is wherever its people have it.
    format!(
        "default-src 'self'; connect-src 'self'{sockets}; img-src 'self' https: data: blob:; media-src 'self' blob:{styles}; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
    )
}

/// What the page may use, and pass on to nobody else. Who frames it grants the same with the frame's `allow`.
fn permissions_policy(embed_origins: &[String]) -> String {
    let mut allowed = String::from("self");
    for origin in embed_origins {
        allowed.push_str(&format!(" \"{origin}\""));
    }
    ["camera", "microphone", "display-capture", "fullscreen", "autoplay"].map(|feature| format!("{feature}=({allowed})")).join(", ")
        + ", geolocation=(), payment=(), usb=()"
}

/// A host and port that can't break out of the header.
fn is_host(host: &str) -> bool {
    host.len() <= 260 && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dev_mode_lets_loopback_in_and_nobody_who_only_looks_like_it() {
        let allowed =
            |dev, origin: &'static str| is_allowed(&["https://shop.example.com".to_owned()], dev, &HeaderValue::from_static(origin));
        for origin in ["http://localhost:5173", "http://127.0.0.1", "https://127.8.8.8:1", "http://[::1]:3000"] {
            assert!(allowed(true, origin) && !allowed(false, origin), "{origin}");
        }
        for origin in ["http://localhost.example.com", "http://127.0.0.1.example.com", "http://evil/localhost", "null", "", "file://"] {
            assert!(!allowed(true, origin), "{origin}");
        }
        assert!(allowed(false, "https://shop.example.com"));
        assert!(!allowed(false, "https://shop.example.com:444") && !allowed(false, "http://shop.example.com"));
    }

    #[test]
    fn a_host_with_a_space_or_a_semicolon_is_not_echoed() {
        assert!(is_host("[::1]:8080") && is_host("call.example.com"));
        assert!(!is_host("a b") && !is_host("a;script-src *") && !is_host("a'b"));
    }
}
