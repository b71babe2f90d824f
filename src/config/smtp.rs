//! The mail server through which invitations are sent, and the account there.
//!
//! Invariant: there is a mail server only together with the address that mails come from, and a password isn't sent in the clear to another
//! machine.

use super::keys::{Secret, read_secret};
use super::layers::{Origin, Setting, Value};
use super::problem::Problem;
use super::reader::Reader;
use lettre::message::Mailbox;

/// How mail is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    /// The user's name and password. `None` for a server that needs none.
    pub credentials: Option<(String, Secret)>,
    /// What mails come from, as `zzan <no-reply@example.com>`.
    pub from: Mailbox,
    pub tls: SmtpTls,
}

/// How the connection to a mail server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// After a beginning in the clear (RFC 3207); a server that doesn't offer it gets no mail.
    Starttls,
    /// From the first byte (RFC 8314).
    Tls,
    /// Not at all: for a server on this machine.
    None,
}

const TLS: &str = "\"starttls\", \"tls\" or \"none\"";
const FROM: &str = "an address, with or without a name, as \"zzan <no-reply@example.com>\"";

/// Reads `smtp.*`.
pub(super) fn read(reader: &mut Reader) -> Option<Smtp> {
    let host = reader.optional("smtp.host", "the name or address of a mail server, as mail.example.com", |text| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        (!text.is_empty() && text.bytes().all(fits)).then(|| text.to_owned())
    });
    let tls =
        reader.text("smtp.tls", "starttls".to_owned(), TLS, |text| ["starttls", "tls", "none"].contains(&text).then(|| text.to_owned()));
    let (tls, standard_port) = match tls.as_str() {
        "tls" => (SmtpTls::Tls, 465),
        "none" => (SmtpTls::None, 25),
        _ => (SmtpTls::Starttls, 587),
    };
    let port = reader.number("smtp.port", standard_port, 1..=65_535) as u16;
    let from = reader.optional("smtp.from", FROM, |text| text.parse::<Mailbox>().ok());
    let username = reader.optional("smtp.username", "a text", |text| (!text.is_empty()).then(|| text.to_owned()));
    let password = read_password(reader);
    let mut wrong = |key: &str, allowed: &str| {
        reader.problems.push(Problem::new(key, None, Origin::Default, allowed));
        None
    };
    let Some(host) = host else {
        let is_alone = from.is_some() || username.is_some() || password.is_some();
        return if is_alone { wrong("smtp.host", "the other settings of smtp need a mail server") } else { None };
    };
    let credentials = match (username, password) {
        (Some(username), Some(password)) => Some((username, password)),
        (None, None) => None,
        (Some(_), None) => return wrong("smtp.password", "smtp.username needs a password, here or in smtp.password_file"),
        (None, Some(_)) => return wrong("smtp.username", "a password needs the name of its user"),
    };
    let is_near = ["localhost", "127.0.0.1", "::1"].contains(&host.as_str());
    if tls == SmtpTls::None && credentials.is_some() && !is_near {
        return wrong("smtp.tls", "\"none\" would send the password in the clear: allowed with it are \"starttls\" and \"tls\"");
    }
    let Some(from) = from else { return wrong("smtp.from", "smtp.host needs the address that mails come from") };
    Some(Smtp { host, port, credentials, from, tls })
}

fn read_password(reader: &mut Reader) -> Option<Secret> {
    let (inline, file) = (reader.raw("smtp.password"), reader.raw("smtp.password_file"));
    let origin = inline.as_ref().or(file.as_ref()).map_or(Origin::Default, |setting| setting.origin.clone());
    let password = match (&inline, &file) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err("smtp.password_file is there too: give one of them".to_owned()),
        (Some(setting), None) => text(setting).map(|password| Some(password.to_owned())),
        (None, Some(setting)) => text(setting).and_then(|file| read_secret(file, &setting.origin)).map(Some),
    };
    reader.record("smtp.password", if inline.is_some() { "\"[redacted]\"" } else { "\"\"" }.into(), origin.clone());
    reader.record("smtp.password_file", file.as_ref().map_or_else(|| "\"\"".into(), |setting| setting.value.show()), origin.clone());
    match password {
        Ok(password) => password.filter(|password| !password.is_empty()).map(Secret::new),
        Err(problem) => {
            reader.problems.push(Problem::new("smtp.password", None, origin, problem));
            None
        }
    }
}

fn text(setting: &Setting) -> Result<&str, String> {
    match &setting.value {
        Value::Text(text) => Ok(text),
        _ => Err("allowed is a text".into()),
    }
}
