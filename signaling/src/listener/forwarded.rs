//! Who a request really comes from, when a proxy of ours stands in between.
//!
//! Invariant: only a proxy that the configuration names is believed; anybody else's `X-Forwarded-For` is noise.

use hyper::header::HeaderMap;
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address: the peer's, or, behind trusted proxies, the last one in `X-Forwarded-For` that none of them has. A trusted proxy
/// that names nobody, or nothing that is an address, stands for its clients itself.
pub(crate) fn client(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> SocketAddr {
    let is_trusted = |address: IpAddr| trusted.contains(&address.to_canonical());
    if !is_trusted(peer.ip()) {
        return peer;
    }
    let mut named = headers.get_all(X_FORWARDED_FOR).iter().flat_map(|value| value.to_str().unwrap_or("").split(',')).rev();
    let client = named.find_map(|text| match address(text.trim()) {
        Some(address) if is_trusted(address) => None,
        other => Some(other),
    });
    client.flatten().map_or(peer, |address| SocketAddr::new(address, 0))
}

/// With or without a port, since proxies differ.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, value.parse().unwrap());
        }
        let trusted = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        client(SocketAddr::new(peer.parse().unwrap(), 4711), &headers, &trusted).ip().to_string()
    }

    #[test]
    fn a_stranger_can_not_pretend_to_be_somebody_else() {
        assert_eq!(client_of("192.0.2.9", &["198.51.100.7"]), "192.0.2.9");
        // What the client itself wrote stands before what the proxy adds.
        assert_eq!(client_of("10.0.0.1", &["127.0.0.1, 192.0.2.9"]), "192.0.2.9");
        assert_eq!(client_of("10.0.0.1", &["127.0.0.1", "192.0.2.9"]), "192.0.2.9");
    }

    #[test]
    fn trusted_proxies_are_looked_through() {
        assert_eq!(client_of("10.0.0.1", &["192.0.2.9"]), "192.0.2.9");
        assert_eq!(client_of("10.0.0.1", &["192.0.2.9, 10.0.0.2"]), "192.0.2.9");
        assert_eq!(client_of("::ffff:10.0.0.1", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(client_of("10.0.0.1", &["192.0.2.9:5123"]), "192.0.2.9");
        assert_eq!(client_of("10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
    }

    #[test]
    fn a_proxy_that_names_nobody_stands_for_its_clients() {
        assert_eq!(client_of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client_of("10.0.0.1", &["unknown"]), "10.0.0.1");
        assert_eq!(client_of("10.0.0.1", &["192.0.2.9, garbage"]), "10.0.0.1");
    }
}
