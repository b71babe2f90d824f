//! A mail server for one mail: real SMTP (RFC 5321) over a real connection, as thin as the tests allow.

use super::PATIENCE;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// What a client said to a mail server: its commands, and the mail's lines.
#[derive(Debug, Default)]
pub struct Heard {
    pub commands: Vec<String>,
    pub mail: Vec<String>,
}

/// How a mail server encrypts.
pub enum Security {
    None,
    /// When it is asked to, and it takes nothing before (RFC 3207).
    Starttls(TlsAcceptor),
    /// From the first byte (RFC 8314).
    Tls(TlsAcceptor),
}

/// What a server on 127.0.0.1 encrypts with, and the certificate in PEM that makes it known.
pub fn certificate() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("its key");
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}

/// A mail server for one connection, whose answer to `RCPT` is given.
pub async fn mail_server(security: Security, rcpt: &'static str) -> (SocketAddr, JoinHandle<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        tokio::time::timeout(PATIENCE, serve(stream, security, rcpt)).await.expect("it says goodbye in time")
    });
    (address, served)
}

async fn serve(stream: TcpStream, security: Security, rcpt: &str) -> Heard {
    const GREETING: &str = "220 mail.example.com ESMTP\r\n";
    let mut heard = Heard::default();
    let mut stream = BufReader::new(stream);
    match security {
        Security::None => {
            stream.write_all(GREETING.as_bytes()).await.expect("it listens");
            converse(&mut stream, rcpt, &mut heard).await;
        }
        Security::Tls(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                let mut stream = BufReader::new(stream);
                stream.write_all(GREETING.as_bytes()).await.expect("it listens");
                converse(&mut stream, rcpt, &mut heard).await;
            }
        }
        Security::Starttls(acceptor) => {
            stream.write_all(GREETING.as_bytes()).await.expect("it listens");
            for (command, answer) in [("EHLO", "250-mail.example.com\r\n250 STARTTLS\r\n"), ("STARTTLS", "220 go ahead\r\n")] {
                let mut line = String::new();
                stream.read_line(&mut line).await.expect("a command");
                assert!(line.starts_with(command), "{command}, not {line}");
                stream.write_all(answer.as_bytes()).await.expect("it listens");
            }
            if let Ok(stream) = acceptor.accept(stream).await {
                converse(&mut BufReader::new(stream), rcpt, &mut heard).await;
            }
        }
    }
    heard
}

/// From after the greeting to the goodbye.
async fn converse(stream: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>, rcpt: &str, heard: &mut Heard) {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or_default() == 0 {
            return;
        }
        let command = line.trim_end().to_owned();
        let answer = match command.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" => "250-mail.example.com\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            "AUTH" => "235 welcome",
            "MAIL" | "RSET" | "NOOP" => "250 ok",
            "RCPT" => rcpt,
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.expect("it listens");
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).await.expect("a line of the mail");
                    match line.trim_end_matches("\r\n") {
                        "." => break,
                        line => heard.mail.push(line.to_owned()),
                    }
                }
                "250 taken"
            }
            "QUIT" => "221 goodbye",
            other => panic!("{other} is no command of this test"),
        };
        heard.commands.push(command);
        let written = async {
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
            stream.flush().await
        };
        if written.await.is_err() {
            return;
        }
    }
}

/// The mail's text, which lettre writes in base64 or quoted-printable as it finds shorter.
pub fn decoded(mail: &[String]) -> String {
    let body_at = mail.iter().position(String::is_empty).expect("an empty line after the head");
    let (head, body) = (mail[..body_at].join("\n").to_ascii_lowercase(), &mail[body_at + 1..]);
    if head.contains("content-transfer-encoding: base64") {
        return String::from_utf8(base64(&body.concat())).expect("UTF-8");
    }
    if !head.contains("content-transfer-encoding: quoted-printable") {
        return body.join("\n");
    }
    let joined = body.join("\n").replace("=\n", "");
    let (mut bytes, mut rest) = (vec![], joined.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let hex =
            (*first == b'=').then(|| std::str::from_utf8(&after[..2]).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok())).flatten();
        bytes.push(hex.unwrap_or(*first));
        rest = if hex.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let (mut bits, mut count, mut bytes) = (0u32, 0, vec![]);
    for c in text.bytes().filter(|c| *c != b'=') {
        (bits, count) = (bits << 6 | u32::from(value(c)), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
