//! The addresses under which browsers are told to send media.
//!
//! Invariant: what the configuration names is taken as it is; only where it names nothing the machine's interfaces are asked.

use crate::config::Media;
use std::net::{IpAddr, Ipv4Addr};

/// The addresses to announce, best first.
pub fn announced(media: &Media, dev: bool) -> Vec<IpAddr> {
    if !media.addresses.is_empty() {
        return media.addresses.clone();
    }
    let found = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the interfaces of this machine can't be listed");
        Vec::new()
    });
    choose(media.bind, found.iter().map(|interface| interface.ip()), dev)
}

/// Firefox never connects when all addresses are loopback, so those of the network come first, in dev mode too; Chromium without a network
/// needs 127.0.0.1.
fn choose(bind: IpAddr, found: impl Iterator<Item = IpAddr>, dev: bool) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = if bind.is_unspecified() {
        found.filter(|address| address.is_ipv4() == bind.is_ipv4() || bind.is_ipv6()).filter(is_reachable).collect()
    } else {
        vec![bind]
    };
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.dedup();
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let is_bound = bind.is_unspecified() || bind == loopback;
    if (dev || addresses.is_empty()) && is_bound && !addresses.contains(&loopback) {
        addresses.push(loopback);
    }
    addresses
}

fn is_reachable(address: &IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(address.is_loopback() || address.is_multicast() || address.is_unspecified() || is_link_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(bind: &str, found: &[&str], dev: bool) -> Vec<String> {
        let parse = |text: &&str| text.parse::<IpAddr>().expect("an address");
        choose(parse(&bind), found.iter().map(parse), dev).iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn addresses_of_the_network_come_first_and_link_local_ones_never() {
        let found = ["127.0.0.1", "::1", "fe80::1", "169.254.1.1", "2001:db8::1", "192.0.2.7", "192.0.2.7"];
        assert_eq!(chosen("0.0.0.0", &found, true), ["192.0.2.7", "127.0.0.1"]);
        assert_eq!(chosen("0.0.0.0", &found, false), ["192.0.2.7"]);
        assert_eq!(chosen("::", &found, false), ["192.0.2.7", "2001:db8::1"]);
    }

    #[test]
    fn a_machine_without_a_network_still_serves_itself() {
        assert_eq!(chosen("0.0.0.0", &["127.0.0.1"], false), ["127.0.0.1"]);
    }

    #[test]
    fn only_the_bound_address_is_announced() {
        assert_eq!(chosen("192.0.2.9", &["192.0.2.7"], true), ["192.0.2.9"]);
        assert_eq!(chosen("127.0.0.1", &["192.0.2.7"], true), ["127.0.0.1"]);
    }
}
