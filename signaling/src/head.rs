//! What is kept of a request that begins a connection: the codec holds its head for as long as the connection lives.
//!
//! It decides nothing. One invariant: no byte that is kept belongs to the buffer that the request was read into, of which one piece keeps
//! all 8 KiB.

use crate::listener::Transport;
use axum::extract::{ConnectInfo, Request};
use axum::http::header::{HeaderValue, SEC_WEBSOCKET_KEY};
use hyper::upgrade::OnUpgrade;
use std::net::SocketAddr;

/// The same request with what the codec and the sessions look at, and nothing more: cookies of a site would be kept too.
pub(crate) fn lean(mut request: Request) -> Request {
    let Ok(uri) = request.uri().to_string().parse() else { return request };
    let key = request.headers().get(SEC_WEBSOCKET_KEY).and_then(|key| HeaderValue::from_bytes(key.as_bytes()).ok());
    let extensions = request.extensions_mut();
    let (upgrade, transport) = (extensions.remove::<OnUpgrade>(), extensions.remove::<Transport>());
    let client = extensions.remove::<ConnectInfo<SocketAddr>>();
    let (method, version) = (request.method().clone(), request.version());
    let mut lean = Request::new(request.into_body());
    (*lean.method_mut(), *lean.version_mut(), *lean.uri_mut()) = (method, version, uri);
    lean.headers_mut().extend(key.map(|key| (SEC_WEBSOCKET_KEY, key)));
    let extensions = lean.extensions_mut();
    upgrade.map(|upgrade| extensions.insert(upgrade));
    transport.map(|transport| extensions.insert(transport));
    client.map(|client| extensions.insert(client));
    lean
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Method;
    use axum::http::header::COOKIE;

    #[test]
    fn what_nobody_looks_at_is_not_kept() {
        let client = ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 5)));
        let request = Request::get("/socket.io/?EIO=4&transport=websocket").header(SEC_WEBSOCKET_KEY, "k").header(COOKIE, "c");
        let lean = lean(request.extension(client).extension("something").body(Body::empty()).unwrap());
        assert_eq!((lean.method(), lean.uri().query()), (&Method::GET, Some("EIO=4&transport=websocket")));
        assert_eq!(
            lean.headers().iter().map(|(name, value)| (name, value.as_bytes())).collect::<Vec<_>>(),
            [(&SEC_WEBSOCKET_KEY, &b"k"[..])]
        );
        assert_eq!(lean.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0), Some(client.0));
        assert_eq!(lean.extensions().get::<&str>(), None);
    }
}
