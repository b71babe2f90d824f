//! Roles: keys that a container or a machine is lent for some hours, by the service that runs it.
//!
//! Two services are asked, both over plain HTTP within the machine: the container's (ECS, Fargate, EKS Pod Identity) and the machine's own (EC2, with
//! a token as its second version wants). Keys are asked for again shortly before they end, by the SDK. Invariant: no key and no token is printed.

use super::settings::{ContainerToken, Role};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::config::ProvideCredentials;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;

/// How long it may take to be lent a key, with all requests. Both services are on the machine and answer in milliseconds.
const LENT_WITHIN: Duration = Duration::from_secs(4);

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How long the machine's token is good. It is used at once.
const TOKEN_TTL_S: &str = "60";

/// Where the machine says which role it has, and what that is lent.
const MACHINE_ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// Asks for the keys of a role.
#[derive(Debug)]
pub(super) struct Lender(pub(super) Role);

/// Why no key is lent.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotLent {
    #[error("{0} can't be reached: {1}")]
    Unreachable(String, String),
    #[error("{0} answered {1}")]
    Refused(String, StatusCode),
    #[error("{0} answered what is no key")]
    Unreadable(String),
    #[error("the token for it can't be read from {0}")]
    NoToken(String),
    #[error("no answer in time")]
    Late,
}

/// What both services answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Lent {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

impl ProvideCredentials for Lender {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { self.lend().await.map_err(CredentialsError::provider_error) })
    }
}

impl Lender {
    /// A key, with the time at which it ends.
    pub(super) async fn lend(&self) -> Result<Credentials, NotLent> {
        let lent = async {
            match &self.0 {
                Role::Container { url, token } => of_container(url, token.as_ref()).await,
                Role::Machine { endpoint } => of_machine(endpoint).await,
            }
        };
        tokio::time::timeout(LENT_WITHIN, lent).await.unwrap_or(Err(NotLent::Late))
    }
}

async fn of_container(url: &str, token: Option<&ContainerToken>) -> Result<Credentials, NotLent> {
    let token = match token {
        None => None,
        Some(ContainerToken::Given(token)) => Some(token.expose().to_owned()),
        // It is replaced from time to time.
        Some(ContainerToken::InFile(path)) => {
            let unreadable = |_| NotLent::NoToken(path.display().to_string());
            Some(tokio::fs::read_to_string(path).await.map_err(unreadable)?.trim().to_owned())
        }
    };
    let header = token.as_deref().map(|token| ("authorization", token));
    credentials(url, &ask(Method::GET, url, header).await?)
}

async fn of_machine(endpoint: &str) -> Result<Credentials, NotLent> {
    let endpoint = endpoint.trim_end_matches('/');
    let token =
        ask(Method::PUT, &format!("{endpoint}/latest/api/token"), Some(("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL_S))).await?;
    let roles = format!("{endpoint}{MACHINE_ROLES}");
    let header = Some(("x-aws-ec2-metadata-token", token.trim()));
    let role = ask(Method::GET, &roles, header).await?;
    let role = role.lines().next().map(str::trim).filter(|role| !role.is_empty()).ok_or_else(|| NotLent::Unreadable(roles.clone()))?;
    let url = format!("{roles}{role}");
    credentials(&url, &ask(Method::GET, &url, header).await?)
}

fn credentials(url: &str, answer: &str) -> Result<Credentials, NotLent> {
    let unreadable = || NotLent::Unreadable(url.to_owned());
    let lent: Lent = serde_json::from_str(answer).map_err(|_| unreadable())?;
    let ends_at = match &lent.expiration {
        Some(at) => {
            let at = DateTime::from_str(at, DateTimeFormat::DateTimeWithOffset).map_err(|_| unreadable())?;
            Some(SystemTime::try_from(at).map_err(|_| unreadable())?)
        }
        None => None,
    };
    Ok(Credentials::new(lent.access_key_id, lent.secret_access_key, lent.token, ends_at, "a role"))
}

/// Whether what is said to it stays on the machine: keys and tokens come and go in the clear.
fn is_near(host: &str) -> bool {
    match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.segments()[..2] == [0xfd00, 0xec2],
        Err(_) => host == "localhost",
    }
}

/// One request on a connection of its own.
async fn ask(method: Method, url: &str, header: Option<(&str, &str)>) -> Result<String, NotLent> {
    let unreachable = |problem: String| NotLent::Unreachable(url.to_owned(), problem);
    let uri: Uri = url.parse().map_err(|_| unreachable("it is no address".into()))?;
    let (host, path) = match (uri.authority(), uri.path_and_query()) {
        (Some(host), Some(path)) if uri.scheme_str() == Some("http") => (host, path),
        (Some(_) | None, _) => return Err(unreachable("allowed is a URL of http".into())),
    };
    let name = host.host().trim_matches(['[', ']']);
    if !is_near(name) {
        return Err(unreachable("allowed is an address of this machine, of 169.254.0.0/16 or of fd00:ec2::/32".into()));
    }
    let stream = TcpStream::connect((name, host.port_u16().unwrap_or(80))).await.map_err(|error| unreachable(error.to_string()))?;
    let made = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = made.map_err(|error| unreachable(error.to_string()))?;
    let mut request = Request::builder().method(method).uri(path.as_str()).header("host", host.as_str()).header("content-length", "0");
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| unreachable(error.to_string()))?;
    let answered = async {
        let answer = sender.send_request(request).await.map_err(|error| unreachable(error.to_string()))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| unreachable(error.to_string()))?.to_bytes();
        if status.is_success() { Ok(String::from_utf8_lossy(&body).into_owned()) } else { Err(NotLent::Refused(url.to_owned(), status)) }
    };
    tokio::pin!(answered);
    // The connection is driven until the answer is there.
    tokio::select! {
        biased;
        answer = &mut answered => answer,
        _ = connection => answered.await,
    }
}
