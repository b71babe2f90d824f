//! Who asks: a backend with an API key, a page with a token, or anybody at an address.
//!
//! Invariant: secrets are compared in constant time, and a wrong key is told the same as none.

use super::App;
use super::error::Problem;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use rooms::UserId;
use signaling::token::Verified;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;
use subtle::ConstantTimeEq as _;

use crate::config::ApiKey;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A backend, by the id of its API key.
#[derive(Debug, Clone)]
pub struct Backend {
    pub key_id: String,
}

impl<S: Sync> FromRequestParts<S> for Backend {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::unauthorized("an API key is needed"))
    }
}

/// The layer of all routes for backends: checks the API key, and how often it asks.
pub async fn require_key(State(app): State<App>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let key = bearer(request.headers())
        .and_then(|credentials| authenticate(&app.keys, credentials))
        .ok_or_else(|| Problem::unauthorized("an API key is needed: Authorization: Bearer <key id>:<secret>"))?;
    let backend = Backend { key_id: key.id.clone() };
    let remaining = app.limiters.backends.check_key(&key.id).map(|state| state.remaining_burst_capacity());
    request.extensions_mut().insert(backend);
    let (mut response, remaining) = match remaining {
        Ok(remaining) => (next.run(request).await, remaining),
        Err(denied) => {
            let wait = denied.wait_time_from(governor::clock::DefaultClock::default().now());
            (axum::response::IntoResponse::into_response(Problem::rate_limited(wait)), 0)
        }
    };
    let limit = app.limiters.per_s;
    let headers = response.headers_mut();
    insert(headers, RATE_LIMIT_POLICY, &format!("\"key\";q={limit};w=1"));
    insert(headers, RATE_LIMIT, &format!("\"key\";r={remaining};t=1"));
    Ok(response)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The credentials of `Authorization: Bearer`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, credentials) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credentials.trim())
}

/// Every key is compared, so that the time tells nothing about which one came close.
pub(crate) fn authenticate<'a>(keys: &'a [ApiKey], credentials: &str) -> Option<&'a ApiKey> {
    let (id, secret) = credentials.split_once(':')?;
    let mut found = None;
    for key in keys {
        let equal = key.id.as_bytes().ct_eq(id.as_bytes()) & key.secret.expose().as_bytes().ct_eq(secret.as_bytes());
        if bool::from(equal) {
            found = Some(key);
        }
    }
    found
}

/// The token of a page that asks for itself.
///
/// # Errors
/// 401 when there is none, or one that doesn't verify.
pub fn token(app: &App, headers: &HeaderMap) -> Result<Verified, Problem> {
    let token = bearer(headers).ok_or_else(|| Problem::unauthorized("a token is needed"))?;
    app.tokens.verify(token).map_err(|refused| Problem::unauthorized(&refused.to_string()))
}

/// How often who may ask.
pub struct Limiters {
    per_s: NonZeroU32,
    backends: RateLimiter<
        String,
        governor::state::keyed::DefaultKeyedStateStore<String>,
        governor::clock::DefaultClock,
        StateInformationMiddleware,
    >,
    guests: DefaultKeyedRateLimiter<IpAddr>,
    links: DefaultKeyedRateLimiter<IpAddr>,
    people: DefaultKeyedRateLimiter<UserId>,
    /// In dev mode all browsers of a machine share one address.
    is_loopback_spared: bool,
}

/// What an address may not do too often.
#[derive(Debug, Clone, Copy)]
pub enum Public {
    Guest,
    Link,
}

impl Limiters {
    pub fn new(limits: &crate::config::Limits, dev: bool) -> Self {
        let at_least_one = |limit: u32| NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
        let per_s = at_least_one(limits.rest_per_s);
        Self {
            per_s,
            backends: RateLimiter::keyed(Quota::per_second(per_s)).with_middleware(),
            guests: RateLimiter::keyed(Quota::per_minute(at_least_one(limits.guests_per_min))),
            links: RateLimiter::keyed(Quota::per_minute(at_least_one(limits.links_per_min))),
            people: RateLimiter::keyed(Quota::per_second(at_least_one(limits.inbox_per_s))),
            is_loopback_spared: dev,
        }
    }

    /// Counts one request of an address.
    ///
    /// # Errors
    /// 429 when there were too many.
    pub fn check(&self, what: Public, peer: ConnectInfo<SocketAddr>) -> Result<(), Problem> {
        let address = network(peer.0.ip().to_canonical());
        if self.is_loopback_spared && address.is_loopback() {
            return Ok(());
        }
        let limiter = match what {
            Public::Guest => &self.guests,
            Public::Link => &self.links,
        };
        limiter.check_key(&address).map_err(|denied| {
            let wait: Duration = denied.wait_time_from(governor::clock::DefaultClock::default().now());
            Problem::rate_limited(wait)
        })
    }

    /// Counts one request of a user about its inbox.
    ///
    /// # Errors
    /// 429 when there were too many.
    pub fn check_person(&self, user: &UserId) -> Result<(), Problem> {
        self.people.check_key(user).map_err(|denied| {
            let wait: Duration = denied.wait_time_from(governor::clock::DefaultClock::default().now());
            Problem::rate_limited(wait)
        })
    }

    /// Forgets addresses that have been quiet, so that the tables don't grow with everyone who ever came.
    pub fn forget_quiet(&self) {
        self.guests.retain_recent();
        self.links.retain_recent();
        self.guests.shrink_to_fit();
        self.links.shrink_to_fit();
        self.people.retain_recent();
        self.people.shrink_to_fit();
    }
}

/// One customer has a /64 of IPv6: whoever counts single addresses counts nothing.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6(std::net::Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;

    fn limits() -> Limits {
        Limits {
            rest_per_s: 100,
            guests_per_min: 30,
            links_per_min: 10,
            inbox_per_s: 10,
            body_bytes_max: 1024,
            connects_per_s: 10,
            sockets_per_address: 100,
            events_per_s: 50,
        }
    }

    fn from(address: &str) -> ConnectInfo<SocketAddr> {
        ConnectInfo(SocketAddr::new(address.parse().expect("an address"), 1234))
    }

    #[test]
    fn an_address_tries_ten_links_a_minute_and_spares_no_other() {
        let limiters = Limiters::new(&limits(), false);
        for _ in 0..10 {
            limiters.check(Public::Link, from("192.0.2.1")).expect("below the limit");
        }
        let problem = limiters.check(Public::Link, from("::ffff:192.0.2.1")).expect_err("the same address, mapped");
        assert!(problem.retry_after.is_some_and(|wait| wait > Duration::from_secs(1)), "{problem:?}");
        limiters.check(Public::Link, from("192.0.2.2")).expect("another address");
        limiters.check(Public::Guest, from("192.0.2.1")).expect("another limit");
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() {
        let limiters = Limiters::new(&limits(), false);
        for n in 0..10 {
            limiters.check(Public::Link, from(&format!("2001:db8::{n:x}"))).expect("below the limit");
        }
        limiters.check(Public::Link, from("2001:db8::ffff")).expect_err("the eleventh of the network");
        limiters.check(Public::Link, from("2001:db8:0:1::1")).expect("another network");
    }

    #[test]
    fn loopback_is_spared_in_dev_mode_only() {
        let (dev, live) = (Limiters::new(&limits(), true), Limiters::new(&limits(), false));
        let refused = |limiters: &Limiters| (0..20).filter(|_| limiters.check(Public::Link, from("127.0.0.1")).is_err()).count();
        assert_eq!((refused(&dev), refused(&live)), (0, 10));
    }

    #[test]
    fn quiet_addresses_are_forgotten() {
        let limiters = Limiters::new(&Limits { links_per_min: 60_000_000, ..limits() }, false);
        for n in 0..100u8 {
            limiters.check(Public::Link, from(&format!("192.0.2.{n}"))).expect("below the limit");
        }
        std::thread::sleep(Duration::from_millis(1));
        limiters.forget_quiet();
        assert_eq!(limiters.links.len(), 0);
    }
}
