//! The configuration: a file < environment < flags, checked as a whole before anything starts.
//!
//! It opens nothing and listens nowhere. Invariant: a [`Config`] that exists is one the node can try to run with; every error names the key,
//! the value, where it stood and what is allowed.

mod dynamodb;
mod keys;
mod layers;
mod problem;
mod reader;
mod smtp;
mod turn;
mod uploads;

pub use keys::{ApiKey, DEV_KEY_ID, DEV_SECRET, SECRET_BYTES_MIN, Secret};
pub use layers::{ENV_FILE, Origin};
pub use problem::{Problem, Problems};
pub use reader::Effective;
pub use smtp::{Smtp, SmtpTls};
pub use turn::Turn;
pub use uploads::Uploads;

use crate::store;
use axum::http::Uri;
use layers::{Layers, Value};
use reader::{Reader, Shown};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Read when no file is named and it exists.
pub const DEFAULT_FILE: &str = "zzan.toml";

/// Everything a node can be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where HTTP and socket.io are served.
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    /// `scheme://host[:port]` under which browsers reach this node. Absent: the address listened on.
    pub public_url: Option<String>,
    /// A well-known key, loopback origins allowed, loopback spared from the limits per address.
    pub dev: bool,
    pub store: store::Kind,
    /// Never empty.
    pub keys: Vec<ApiKey>,
    /// Pages that may use the sockets and the public endpoints, beside our own.
    pub origins: Vec<String>,
    /// Pages that may show a room in a frame.
    pub embed_origins: Vec<String>,
    /// Proxies in front of this node whose `X-Forwarded-For` says who a request comes from.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether anybody may get a user token without a login.
    pub guests: bool,
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    pub media: Media,
    /// For clients whose network lets nothing through to the media ports.
    pub turn: Option<Turn>,
    /// Where clients upload files, if they may.
    pub uploads: Option<Uploads>,
    /// For invitations by mail.
    pub smtp: Option<Smtp>,
    pub rooms: rooms::Config,
    pub limits: Limits,
    pub log_format: LogFormat,
}

/// The media plane's settings.
#[derive(Debug, Clone)]
pub struct Media {
    /// Threads, each with a UDP port of its own.
    pub workers: usize,
    /// The address that the UDP ports are bound on.
    pub bind: IpAddr,
    /// The first worker's UDP port; the others follow. 0: any free ports.
    pub first_port: u16,
    /// The TCP port of all workers; 0: any free one.
    pub tcp_port: Option<u16>,
    /// Addresses told to browsers. Empty: those found on this machine.
    pub addresses: Vec<IpAddr>,
}

/// How much of what a client may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// REST requests per second of one API key.
    pub rest_per_s: u32,
    /// Guests made per minute from one address.
    pub guests_per_min: u32,
    /// Links tried per minute from one address.
    pub links_per_min: u32,
    /// REST requests per second of one user about its inbox.
    pub inbox_per_s: u32,
    /// Bytes of a REST body.
    pub body_bytes_max: usize,
    /// New sockets per second from one address, on average.
    pub connects_per_s: u32,
    /// Sockets at a time from one address.
    pub sockets_per_address: u32,
    /// socket.io events per second of one session, on average; twice as many at once.
    pub events_per_s: u32,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// What a configuration is made of.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A file that must exist. Absent: [`DEFAULT_FILE`] where it exists.
    pub file: Option<PathBuf>,
    /// The environment; names that aren't ours are passed over.
    pub env: Vec<(String, String)>,
    /// (key, flag, value)
    pub flags: Vec<(&'static str, &'static str, String)>,
}

impl Config {
    /// Reads all sources. Beside the configuration, each key with its value in force.
    ///
    /// # Errors
    /// [`Problems`]: everything that is wrong, not only the first.
    pub fn load(sources: Sources) -> Result<(Self, Vec<Effective>), Problems> {
        let mut layers = Layers::default();
        if let Some((path, text)) = read_file(sources.file).map_err(|problem| Problems(vec![problem]))? {
            layers.add_file(&path, &text).map_err(|problem| Problems(vec![problem]))?;
        }
        layers.add_env(sources.env.into_iter());
        for (key, flag, value) in sources.flags {
            layers.add_flag(key, flag, value);
        }
        Self::of_layers(layers)
    }

    /// For the fuzzer: of a file's text and an environment.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn of_text(text: &str, env: Vec<(String, String)>) -> Result<(Self, Vec<Effective>), Problems> {
        let mut layers = Layers::default();
        layers.add_file(Path::new(DEFAULT_FILE), text).map_err(|problem| Problems(vec![problem]))?;
        layers.add_env(env.into_iter());
        Self::of_layers(layers)
    }

    fn of_layers(layers: Layers) -> Result<(Self, Vec<Effective>), Problems> {
        let mut reader = Reader::new(layers);
        let config = read(&mut reader);
        reader.finish().map(|effective| (config, effective)).map_err(Problems)
    }
}

fn read_file(named: Option<PathBuf>) -> Result<Option<(PathBuf, String)>, Problem> {
    let path = match named {
        Some(path) => path,
        None if Path::new(DEFAULT_FILE).exists() => DEFAULT_FILE.into(),
        None => return Ok(None),
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(error) => Err(Problem::new("", None, Origin::File { path, line: 1 }, format!("the file can't be read: {error}"))),
    }
}

fn read(reader: &mut Reader) -> Config {
    let dev = reader.flag("dev", false);
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
    let listen = reader.text("listen", listen, "an address with a port, as 127.0.0.1:8080", |text| text.parse().ok());
    Config {
        dev,
        listen,
        data_dir: reader.text("data_dir", Shown("./data".into()), "a path", |text| (!text.is_empty()).then(|| Shown(text.into()))).0,
        public_url: reader.optional("public_url", "a URL of scheme, host and port only, as https://call.example.com", origin),
        store: read_store(reader),
        keys: keys::read(reader, dev),
        origins: reader.list("origins", ORIGINS, origin),
        embed_origins: reader.list("embed_origins", ORIGINS, origin),
        trusted_proxies: reader
            .list("trusted_proxies", "a list of IP addresses of proxies in front of this node", |text| text.parse().ok()),
        guests: reader.flag("guests", true),
        ping_interval: reader.millis("ping_interval_ms", Duration::from_secs(5), 500..=60_000),
        ping_timeout: reader.millis("ping_timeout_ms", Duration::from_secs(5), 500..=60_000),
        media: read_media(reader, dev, listen),
        turn: turn::read(reader),
        uploads: uploads::read(reader),
        smtp: smtp::read(reader),
        rooms: read_rooms(reader, dev),
        limits: read_limits(reader),
        log_format: read_log_format(reader),
    }
}

const ORIGINS: &str = "a list of origins, each of scheme, host and port only, as https://shop.example.com";

fn read_store(reader: &mut Reader) -> store::Kind {
    let allowed =
        "\"sqlite\" (kept in data_dir), \"dynamodb\" (tables that several nodes share) or \"memory\" (nothing survives the process)";
    let name = reader
        .text("store", "sqlite".to_owned(), allowed, |text| ["sqlite", "dynamodb", "memory"].contains(&text).then(|| text.to_owned()));
    let is_used = if name == "dynamodb" { dynamodb::Used::Yes } else { dynamodb::Used::No };
    let settings = dynamodb::read(reader, is_used);
    match (name.as_str(), settings) {
        ("dynamodb", Some(settings)) => store::Kind::DynamoDb(settings),
        ("memory", _) => store::Kind::Memory,
        // Without its settings, a store on DynamoDB is a problem that was noted.
        _ => store::Kind::Sqlite,
    }
}

fn read_log_format(reader: &mut Reader) -> LogFormat {
    let name = reader
        .text("log.format", "text".to_owned(), "\"text\" or \"json\"", |text| ["text", "json"].contains(&text).then(|| text.to_owned()));
    if name == "json" { LogFormat::Json } else { LogFormat::Text }
}

fn read_media(reader: &mut Reader, dev: bool, listen: SocketAddr) -> Media {
    // A firewall needs a port that is known; on one's own machine any free one lets several nodes run.
    let first_port = if dev { 0 } else { 40_000 };
    // Forwarding a few rooms takes a fraction of a core; a worker without rooms costs a sleeping thread.
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let mut media = Media {
        tcp_port: None,
        workers: reader.number("media.workers", cores.min(64), 1..=64) as usize,
        bind: reader
            .text("media.bind", IpAddr::V4(Ipv4Addr::UNSPECIFIED), "an IP address of this machine, or 0.0.0.0", |text| text.parse().ok()),
        first_port: reader.number("media.first_port", first_port, 0..=65_535) as u16,
        addresses: reader.list("media.addresses", "a list of IP addresses under which browsers reach this node", |text| {
            text.parse().ok().filter(|address: &IpAddr| !address.is_unspecified() && !address.is_multicast())
        }),
    };
    media.tcp_port = read_tcp_port(reader, media.first_port);
    let meets = media.bind.is_unspecified() || listen.ip().is_unspecified() || media.bind == listen.ip();
    if media.tcp_port == Some(listen.port()) && listen.port() != 0 && meets {
        let allowed = "listen has this port already: allowed is another one, or \"off\"";
        reader.problems.push(Problem::new("media.tcp_port", Some(listen.port().to_string()), Origin::Default, allowed));
    }
    if media.first_port != 0 && usize::from(media.first_port) + media.workers - 1 > usize::from(u16::MAX) {
        reader.problems.push(Problem::new(
            "media.first_port",
            Some(media.first_port.to_string()),
            Origin::Default,
            format!("allowed is a port that leaves room for the {} of media.workers below 65536", media.workers),
        ));
    }
    media
}

/// By default the number of the first UDP port, which a firewall then names once.
fn read_tcp_port(reader: &mut Reader, first_port: u16) -> Option<u16> {
    let (mut port, mut origin) = (Some(first_port), Origin::Default);
    if let Some(setting) = reader.raw("media.tcp_port") {
        origin = setting.origin.clone();
        let number = match &setting.value {
            Value::Text(text) if text == "off" => Some(None),
            Value::Integer(number) => u16::try_from(*number).ok().map(Some),
            Value::Text(text) if reader::is_untyped(&origin) => text.trim().parse().ok().map(Some),
            _ => None,
        };
        match number {
            Some(number) => port = number,
            None => {
                let allowed = "allowed is a whole number from 0 to 65535, or \"off\"";
                reader.problems.push(Problem::new("media.tcp_port", Some(setting.value.show()), origin.clone(), allowed));
            }
        }
    }
    reader.record("media.tcp_port", port.map_or_else(|| "\"off\"".into(), |port| port.to_string()), origin);
    port
}

fn read_rooms(reader: &mut Reader, dev: bool) -> rooms::Config {
    let default = rooms::Config::default();
    rooms::Config {
        closed_grace: reader.millis("rooms.closed_grace_ms", default.closed_grace, 0..=60_000),
        silent_grace: reader.millis("rooms.silent_grace_ms", default.silent_grace, 0..=600_000),
        empty_ttl: reader.millis("rooms.empty_ttl_ms", default.empty_ttl, 0..=86_400_000),
        unused_ttl: reader.millis("rooms.unused_ttl_ms", default.unused_ttl, 1_000..=2_592_000_000),
        text_max_chars: reader.number("chat.text_max_chars", default.text_max_chars as u64, 1..=TEXT_MAX_CHARS) as usize,
        plan_text_max_chars: read_plans(reader),
        plain_http: if dev { rooms::PlainHttp::Loopback } else { rooms::PlainHttp::Refused },
        unused_lobby_ttl: reader.millis("rooms.unused_lobby_ttl_ms", default.unused_lobby_ttl, 1_000..=2_592_000_000),
        restart_ttl: reader.millis("rooms.restart_ttl_ms", default.restart_ttl, 0..=86_400_000),
        chat_rate: read_chat_rate(reader),
    }
}

/// Longest text that can be allowed, in characters: what fits one message of the wire.
const TEXT_MAX_CHARS: u64 = 10_000;

fn read_plans(reader: &mut Reader) -> BTreeMap<String, usize> {
    let plans = reader.numbers("chat.plans", 1..=TEXT_MAX_CHARS);
    plans.into_iter().map(|(plan, chars)| (plan, chars as usize)).collect()
}

/// One message in this time, and so many at once after a pause.
fn read_chat_rate(reader: &mut Reader) -> Option<rooms::ChatRate> {
    let default = rooms::ChatRate::default();
    let interval = reader.millis("chat.interval_ms", default.interval, 0..=60_000);
    let burst = reader.number("chat.burst", default.burst.into(), 1..=10_000) as u32;
    (!interval.is_zero()).then_some(rooms::ChatRate { interval, burst })
}

fn read_limits(reader: &mut Reader) -> Limits {
    Limits {
        rest_per_s: reader.number("limits.rest_per_s", 100, 1..=1_000_000) as u32,
        guests_per_min: reader.number("limits.guests_per_min", 30, 1..=1_000_000) as u32,
        links_per_min: reader.number("limits.links_per_min", 10, 1..=1_000_000) as u32,
        inbox_per_s: reader.number("limits.inbox_per_s", 10, 1..=1_000_000) as u32,
        body_bytes_max: reader.number("limits.body_bytes_max", 256 * 1024, 1_024..=16 * 1024 * 1024) as usize,
        connects_per_s: reader.number("limits.connects_per_s", 10, 1..=1_000_000) as u32,
        sockets_per_address: reader.number("limits.sockets_per_address", 100, 1..=1_000_000) as u32,
        events_per_s: reader.number("limits.events_per_s", 50, 1..=1_000_000) as u32,
    }
}

/// An origin as browsers write it: `scheme://host[:port]`, lower case, without the scheme's own port.
pub(crate) fn origin(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme_str()?;
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = uri.authority()?;
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() || authority.as_str().contains('@') || uri.host()?.is_empty() {
        return None;
    }
    let host = uri.host()?.to_ascii_lowercase();
    Some(match uri.port_u16() {
        Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
        Some(_) => format!("{scheme}://{host}"),
        None if authority.as_str().len() == host.len() => format!("{scheme}://{host}"),
        None => return None,
    })
}

#[cfg(test)]
mod tests;
