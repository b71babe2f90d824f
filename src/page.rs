//! The page that the binary carries: the files that were in `web/app/dist` when it was built.
//!
//! It is not a file server: nothing is read from the disk. Invariant: a file whose name has a content hash is cached for good, any other never
//! without asking again.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "web/app/dist"]
struct Dist;

const INDEX: &str = "index.html";

/// What Vite names by content.
const HASHED: &str = "assets/";

/// Served when the binary was built without the page.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>zzan</title>\
    <h1>zzan runs, but this binary was built without its page</h1>\
    <p>Build the page with <code>make page</code> (Node 20), then the binary again: <code>cargo build</code>.</p>\
    <p>The API works without it: <a href=\"/docs/\">/docs</a>.</p></html>";

/// The answer for a path: the page for its own addresses, a file, or 404.
pub fn serve(path: &str) -> Response {
    if is_page(path) {
        return index();
    }
    let name = path.trim_start_matches('/');
    match Dist::get(name) {
        Some(file) if name != INDEX => answer(name, file),
        Some(_) | None => (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], "there is no such page\n").into_response(),
    }
}

/// The client side routes between these: `/`, `/r/{room}`, `/s`, `/s/{server}`, `/s/{server}/{channel}` and `/i/{secret}`.
fn is_page(path: &str) -> bool {
    let mut parts = path.split('/').skip(1);
    let (first, rest) = (parts.next().unwrap_or_default(), parts.collect::<Vec<_>>());
    let named = rest.iter().all(|part| !part.is_empty());
    match first {
        "" => rest.is_empty(),
        "r" | "i" => rest.len() == 1 && named,
        "s" => rest.len() <= 2 && named,
        _ => false,
    }
}

fn index() -> Response {
    match Dist::get(INDEX) {
        Some(file) => answer(INDEX, file),
        None => (StatusCode::OK, [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], NOT_BUILT)
            .into_response(),
    }
}

fn answer(name: &str, file: EmbeddedFile) -> Response {
    let cache = if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let kind = match file.metadata.mimetype() {
        text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
        other => other.to_owned(),
    };
    ([(header::CONTENT_TYPE, kind.as_str()), (header::CACHE_CONTROL, cache)], Body::from(file.data)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_servers_and_invitations_have_the_page_and_their_neighbours_do_not() {
        for path in ["/", "/r/room_abc", "/s", "/s/srv_a", "/s/srv_a/ch_b", "/i/invite_c"] {
            assert!(is_page(path), "{path}");
        }
        for path in ["/r/", "/r", "/r/a/b", "/s/", "/s//b", "/s/a/b/c", "/i", "/i/", "/i/a/b", "/rooms", "/index.html", "/assets/x.js"] {
            assert!(!is_page(path), "{path}");
        }
        assert_eq!(serve("/../Cargo.toml").status(), StatusCode::NOT_FOUND);
        assert_eq!(serve("/index.html").status(), StatusCode::NOT_FOUND);
    }
}
