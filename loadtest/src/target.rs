//! The deployment under test: its address, parsed once so that nothing later meets a bad URL, and the way to open a connection to it.
//!
//! [`Target`] is text that was checked; [`Dialer`] is what everybody dials with. Certificates are always verified: a private authority is
//! named by its file, and there is no switch to look away.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName, pem, pem::PemObject};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use tokio_util::either::Either;

/// A connection to the target, with or without TLS.
pub type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A deployment's HTTP address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    tls: bool,
    host: String,
    port: u16,
}

/// Why a text is no [`Target`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("{0:?} is not a URL such as http://127.0.0.1:8080 or https://zzan.example.com")]
    NotUrl(String),
    #[error("{0:?}: allowed schemes are http and https")]
    Scheme(String),
    #[error("{0:?}: give scheme, host and port only; paths are the load test's own")]
    Path(String),
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let uri: hyper::Uri = text.parse().map_err(|_| TargetError::NotUrl(text.to_owned()))?;
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(TargetError::NotUrl(text.to_owned()));
        };
        let tls = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(TargetError::Scheme(text.to_owned())),
        };
        if uri.path_and_query().is_some_and(|path| path.as_str() != "/") {
            return Err(TargetError::Path(text.to_owned()));
        }
        Ok(Self { tls, host: host.to_owned(), port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }) })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl Target {
    /// `host:port`, as a `Host` header has it.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The address of the socket.io endpoint.
    pub fn socket_url(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}/socket.io/?EIO=4&transport=websocket", self.authority())
    }

    /// The address of this machine from which the target is reached: media is bound to it. Sends nothing.
    ///
    /// # Errors
    /// As of the name look-up, or when there is no route.
    pub async fn local_ip(&self) -> std::io::Result<IpAddr> {
        let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
        for address in tokio::net::lookup_host(self.authority()).await? {
            match route_to(address).await {
                Ok(ip) => return Ok(ip),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The host without the brackets of an IPv6 address.
    fn bare_host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }
}

async fn route_to(address: SocketAddr) -> std::io::Result<IpAddr> {
    let unspecified: IpAddr = match address {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((unspecified, 0)).await?;
    socket.connect(address).await?;
    Ok(socket.local_addr()?.ip())
}

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path}: {source}", path = .0.display(), source = .1)]
    CaFile(PathBuf, pem::Error),
    #[error("{path}: no PEM certificate in it", path = .0.display())]
    CaEmpty(PathBuf),
    #[error("{path}: {source}", path = .0.display(), source = .1)]
    CaInvalid(PathBuf, rustls::Error),
    #[error("this machine has no certificate authorities of its own: name one with --ca")]
    NoAuthorities,
    #[error("{0} can't be the name in a certificate: {1}")]
    Name(Target, InvalidDnsNameError),
    #[error("TLS: {0}")]
    Setup(#[from] rustls::Error),
}

/// Opens connections to one target.
#[derive(Clone)]
pub struct Dialer {
    target: Target,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Dialer").field(&self.target).finish()
    }
}

impl Dialer {
    /// For a target of either scheme. `ca` is a PEM file with certificate authorities to trust instead of the machine's; it is read only
    /// where the target speaks TLS.
    ///
    /// # Errors
    /// [`TlsError`] when TLS is wanted and can't be had.
    pub fn new(target: Target, ca: Option<&Path>) -> Result<Self, TlsError> {
        if !target.tls {
            return Ok(Self { target, tls: None });
        }
        let name = ServerName::try_from(target.bare_host().to_owned()).map_err(|error| TlsError::Name(target.clone(), error))?;
        let roots = ca.map_or_else(system_roots, roots_of)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = config.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { target, tls: Some((TlsConnector::from(Arc::new(config)), name)) })
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// A connection with `TCP_NODELAY`, since every frame here is small and waited for; with TLS, after its handshake.
    ///
    /// # Errors
    /// As of the name look-up, the connect or the handshake.
    pub async fn dial(&self) -> std::io::Result<Stream> {
        let stream = TcpStream::connect(self.target.authority()).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(Either::Left(stream)),
            Some((connector, name)) => Ok(Either::Right(Box::new(connector.connect(name.clone(), stream).await?))),
        }
    }
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    // What can't be read or parsed is as good as not there; a store that is empty then is told.
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 { Err(TlsError::NoAuthorities) } else { Ok(roots) }
}

fn roots_of(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let unreadable = |error| TlsError::CaFile(path.to_owned(), error);
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        roots.add(certificate.map_err(unreadable)?).map_err(|error| TlsError::CaInvalid(path.to_owned(), error))?;
    }
    if roots.is_empty() { Err(TlsError::CaEmpty(path.to_owned())) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;

    #[test]
    fn a_url_of_either_scheme_is_a_target() {
        let target: Target = "http://127.0.0.1:8080".parse().unwrap();
        assert_eq!((target.authority().as_str(), target.to_string().as_str()), ("127.0.0.1:8080", "http://127.0.0.1:8080"));
        assert_eq!("http://node.example/".parse::<Target>().unwrap().authority(), "node.example:80");
        assert_eq!("http://[::1]:9".parse::<Target>().unwrap().authority(), "[::1]:9");
        let secure: Target = "https://zzan.example.com".parse().unwrap();
        assert_eq!(secure.socket_url(), "wss://zzan.example.com:443/socket.io/?EIO=4&transport=websocket");
    }

    #[test]
    fn everything_else_says_what_is_wrong() {
        for text in ["", "127.0.0.1:8080", "/x", "http://", "::"] {
            assert_eq!(text.parse::<Target>(), Err(TargetError::NotUrl(text.into())), "{text}");
        }
        assert!(matches!("ftp://127.0.0.1".parse::<Target>(), Err(TargetError::Scheme(_))));
        assert!(matches!("http://127.0.0.1/v1".parse::<Target>(), Err(TargetError::Path(_))));
    }

    #[tokio::test]
    async fn a_loopback_node_is_reached_from_loopback() {
        let target: Target = "http://127.0.0.1:8080".parse().unwrap();
        assert!(target.local_ip().await.unwrap().is_loopback());
    }

    /// A TLS server for one connection that says `hello`, with its certificate as PEM.
    async fn greeting() -> (Target, String, tokio::task::JoinHandle<()>) {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
        let served = tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            // A client that doesn't trust the certificate ends the handshake.
            if let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(tcp).await {
                stream.write_all(b"hello").await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        (target, made.cert.pem(), served)
    }

    #[tokio::test]
    async fn a_private_authority_is_trusted_when_its_file_is_named() {
        let (target, pem, served) = greeting().await;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pem).unwrap();
        let mut stream = Dialer::new(target, Some(file.path())).unwrap().dial().await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "hello");
        served.await.unwrap();
    }

    #[tokio::test]
    async fn another_authoritys_certificate_is_refused() {
        let (target, _, served) = greeting().await;
        let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), other.cert.pem()).unwrap();
        let Err(error) = Dialer::new(target, Some(file.path())).unwrap().dial().await else { panic!("it was taken") };
        assert!(error.to_string().contains("certificate"), "{error}");
        served.await.unwrap();
    }

    #[test]
    fn a_bad_authority_file_is_named() {
        let target: Target = "https://127.0.0.1".parse().unwrap();
        let missing = Dialer::new(target.clone(), Some(Path::new("/nonexistent/ca.pem"))).unwrap_err();
        assert!(missing.to_string().starts_with("/nonexistent/ca.pem: "), "{missing}");
        let file = tempfile::NamedTempFile::new().unwrap();
        let empty = Dialer::new(target.clone(), Some(file.path())).unwrap_err();
        assert!(matches!(empty, TlsError::CaEmpty(_)), "{empty}");
        std::fs::write(file.path(), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        let garbage = Dialer::new(target, Some(file.path())).unwrap_err();
        assert!(matches!(garbage, TlsError::CaInvalid(..)), "{garbage}");
    }
}
