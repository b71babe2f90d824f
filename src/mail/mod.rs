//! Mail by SMTP: one connection for each mail, and no queue, since whoever invites waits for the answer.
//!
//! It doesn't decide who may invite whom. Invariant: no address, secret or answer of a mail server (which repeats the address) is logged.

mod text;

use crate::config::{Smtp, SmtpTls};
use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use rooms::mail::{MailError, MailInvitation, Mailer};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Longest wait for a mail to be taken, the wait for a place among those under way included: less than a client waits for its answer.
const SEND_TIMEOUT: Duration = Duration::from_secs(8);
/// Longest wait for one answer of the mail server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Mails under way. Further ones wait, and are refused when they have waited [`SEND_TIMEOUT`].
const SENDING_MAX: usize = 8;

/// Sends mail through one server.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    public_url: String,
    sending: Semaphore,
}

impl SmtpMailer {
    /// A mailer for `smtp`, whose links lead to `public_url`. Connects to nobody yet.
    ///
    /// # Errors
    /// When the system's certificates can't be read.
    pub fn new(smtp: &Smtp, public_url: String) -> anyhow::Result<Self> {
        let parameters = || TlsParameters::new(smtp.host.clone());
        let tls = match smtp.tls {
            SmtpTls::Starttls => Tls::Required(parameters()?),
            SmtpTls::Tls => Tls::Wrapper(parameters()?),
            SmtpTls::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&*smtp.host)
            .port(smtp.port)
            .tls(tls)
            .hello_name(hello_name(&public_url))
            .timeout(Some(ANSWER_TIMEOUT));
        if let Some((user, password)) = &smtp.credentials {
            transport = transport.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        let from = smtp.from.clone();
        Ok(Self { transport: transport.build(), from, public_url, sending: Semaphore::new(SENDING_MAX) })
    }

    async fn send(&self, message: Message) -> Result<(), MailError> {
        // It is never closed.
        let _place = self.sending.acquire().await.map_err(|_| MailError::Unavailable)?;
        self.transport.send(message).await.map(drop).map_err(|error| {
            let code = error.status().map(u16::from);
            tracing::warn!(code, timeout = error.is_timeout(), tls = error.is_tls(), "a mail was not taken");
            refusal(code)
        })
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn invite(&self, invitation: MailInvitation) -> Result<(), MailError> {
        let to: Address = invitation.address.parse().map_err(|_| MailError::Address)?;
        let (subject, body) = (text::subject(&invitation), text::body(&invitation, &self.public_url));
        let message = Message::builder()
            .from(self.from.clone())
            .to(to.into())
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(body)
            .map_err(|_| MailError::Unavailable)?;
        tokio::time::timeout(SEND_TIMEOUT, self.send(message)).await.unwrap_or_else(|_| {
            tracing::warn!("the mail server does not keep up");
            Err(MailError::Unavailable)
        })
    }
}

/// What a mail server's refusal means for who invites: of an address (RFC 5321, section 4.2.3), or of us.
fn refusal(code: Option<u16>) -> MailError {
    match code {
        Some(501 | 510 | 511 | 550 | 551 | 553 | 556) => MailError::Address,
        Some(_) | None => MailError::Unavailable,
    }
}

/// The host of the public URL: mail servers want to be told a name that leads here.
fn hello_name(public_url: &str) -> ClientId {
    let host = public_url.parse::<axum::http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    host.map_or_else(ClientId::default, |host| match host.trim_matches(['[', ']']).parse() {
        Ok(std::net::IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(std::net::IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(host),
    })
}
