//! Who may knock: the Origin allow-list and the limits per address, decided before anything is parsed.
//!
//! It never sees a token: what a user may do is decided behind it.

use axum::http::HeaderValue;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Which pages may open a connection. Requests without an `Origin` come from no browser and pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// Exactly as browsers send them: `https://shop.example`, with a port unless it is the scheme's own.
    pub allowed: Vec<String>,
    /// Also every page from this machine, whatever its port: for development.
    pub loopback: bool,
}

impl Origins {
    pub(crate) fn allow(&self, origin: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == origin) || (self.loopback && is_loopback(origin))
    }
}

fn is_loopback(origin: &str) -> bool {
    let Some(authority) = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) else { return false };
    let (host, port) = match authority.strip_prefix('[') {
        Some(_) => authority.split_at(authority.find(']').map_or(0, |end| end + 1)),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port_is_one = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    port_is_one && ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

/// Limits per address and per session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// New connections of one address in a second. 10.
    pub connects_per_s: NonZeroU32,
    /// New connections of one address at once: an office behind one address after a power cut. 50.
    pub connects_burst: NonZeroU32,
    /// Connections of one address at a time. 100.
    pub sockets_per_ip: usize,
    /// Events of one session in a second. 50.
    pub events_per_s: NonZeroU32,
    /// Events of one session at once. 100.
    pub events_burst: NonZeroU32,
    /// Don't limit the addresses of this machine: for development.
    pub spare_loopback: bool,
}

impl Default for Limits {
    fn default() -> Self {
        const fn positive(value: u32) -> NonZeroU32 {
            NonZeroU32::new(value).expect("the callers below pass no zero")
        }
        Self {
            connects_per_s: const { positive(10) },
            connects_burst: const { positive(50) },
            sockets_per_ip: 100,
            events_per_s: const { positive(50) },
            events_burst: const { positive(100) },
            spare_loopback: false,
        }
    }
}

/// A limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    pub(crate) retry_after: Duration,
}

/// Tries again that soon when all sockets of an address are taken: there is no telling when one gets free.
const SOCKETS_RETRY: Duration = Duration::from_secs(5);

pub(crate) struct Gate {
    origins: Origins,
    limits: Limits,
    connects: DefaultKeyedRateLimiter<IpAddr>,
    sockets: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Gate {
    pub(crate) fn new(origins: Origins, limits: Limits) -> Self {
        let quota = Quota::per_second(limits.connects_per_s).allow_burst(limits.connects_burst);
        Self { origins, limits, connects: RateLimiter::dashmap(quota), sockets: Arc::default() }
    }

    /// Whether a request with this `Origin` may pass.
    pub(crate) fn allow_origin(&self, origin: Option<&HeaderValue>) -> bool {
        origin.is_none_or(|origin| origin.to_str().is_ok_and(|origin| self.origins.allow(origin)))
    }

    /// Counts a new connection.
    pub(crate) fn connect(&self, address: IpAddr) -> Result<(), TooMany> {
        if self.spares(address) {
            return Ok(());
        }
        let refused = self.connects.check_key(&subscriber(address));
        refused.map_err(|until| TooMany { retry_after: until.wait_time_from(DefaultClock::default().now()) })
    }

    /// Takes one of the address's sockets until the guard is dropped.
    pub(crate) fn take_socket(&self, address: IpAddr) -> Result<SocketGuard, TooMany> {
        let key = subscriber(address);
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = sockets.entry(key).or_default();
        if *taken >= self.limits.sockets_per_ip && !self.spares(address) {
            return Err(TooMany { retry_after: SOCKETS_RETRY });
        }
        *taken += 1;
        Ok(SocketGuard { key, sockets: self.sockets.clone() })
    }

    /// Sockets taken, of all addresses.
    pub(crate) fn sockets(&self) -> usize {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// Forgets addresses that have been quiet; to be called now and then.
    pub(crate) fn forget_quiet(&self) {
        self.connects.retain_recent();
        self.connects.shrink_to_fit();
    }

    fn spares(&self, address: IpAddr) -> bool {
        self.limits.spare_loopback && address.to_canonical().is_loopback()
    }
}

/// One socket of an address.
#[derive(Debug)]
pub(crate) struct SocketGuard {
    key: IpAddr,
    sockets: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Drop for SocketGuard {
    fn drop(&mut self) {
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = sockets.get_mut(&self.key) {
            *taken -= 1;
            if *taken == 0 {
                sockets.remove(&self.key);
            }
        }
    }
}

/// What one subscriber has: an IPv4 address, or the /64 in which it can choose its IPv6 addresses freely.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(spare_loopback: bool) -> Gate {
        let origins = Origins { allowed: vec!["https://shop.example".into()], loopback: spare_loopback };
        Gate::new(origins, Limits { spare_loopback, ..Limits::default() })
    }

    fn allows(gate: &Gate, origin: &str) -> bool {
        gate.allow_origin(Some(&HeaderValue::from_str(origin).unwrap()))
    }

    #[test]
    fn an_origin_is_compared_exactly() {
        let gate = gate(false);
        assert!(allows(&gate, "https://shop.example"));
        assert!(gate.allow_origin(None));
        for other in ["http://shop.example", "https://shop.example:443", "https://shop.example.evil", "https://a.shop.example", "null", ""]
        {
            assert!(!allows(&gate, other), "{other}");
        }
        assert!(!gate.allow_origin(Some(&HeaderValue::from_bytes(&[0xff]).unwrap())));
    }

    #[test]
    fn in_development_every_port_of_this_machine_is_allowed_and_no_other_machine() {
        let dev = gate(true);
        for own in ["http://localhost", "http://localhost:5173", "https://127.0.0.1:8443", "http://[::1]:8080", "http://[::1]"] {
            assert!(allows(&dev, own), "{own}");
            assert!(!allows(&gate(false), own), "{own}");
        }
        let others = [
            "http://localhost.evil",
            "http://localhost:80.evil",
            "http://evil#localhost",
            "http://localhost:80@evil",
            "http://127.0.0.1.evil",
            "http://[::1",
            "http://[::1]evil",
            "http://[::2]:80",
            "ftp://localhost",
            "http://",
        ];
        for other in others {
            assert!(!allows(&dev, other), "{other}");
        }
    }

    #[test]
    fn the_connect_after_the_burst_is_told_when_to_come_back() {
        let gate = gate(false);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let refused = (0..60).find_map(|_| gate.connect(address).err()).expect("the burst is 50");
        assert!(refused.retry_after > Duration::ZERO && refused.retry_after <= Duration::from_millis(100));
        gate.connect("192.0.2.2".parse().unwrap()).unwrap();
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let gate = gate(false);
        let refused = (0..60u128).any(|host| gate.connect(IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | host))).is_err());
        assert!(refused);
        gate.connect("2001:db8:0:1::1".parse().unwrap()).unwrap();
    }

    #[test]
    fn a_socket_given_back_can_be_taken_again_and_leaves_nothing_behind() {
        let gate = gate(false);
        let address: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        let mut guards: Vec<_> = (0..100).map(|_| gate.take_socket(address).unwrap()).collect();
        assert!(gate.take_socket("192.0.2.1".parse().unwrap()).is_err());
        guards.pop();
        guards.push(gate.take_socket(address).unwrap());
        assert_eq!(gate.sockets(), 100);
        drop(guards);
        assert_eq!(gate.sockets.lock().unwrap().len(), 0);
    }

    #[test]
    fn this_machine_is_spared_in_development_only() {
        let address: IpAddr = "127.0.0.1".parse().unwrap();
        assert!((0..200).all(|_| gate(true).connect(address).is_ok()));
        let strict = gate(false);
        assert!((0..200).any(|_| strict.connect(address).is_err()));
    }
}
