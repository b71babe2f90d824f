//! The node under test, as an address: parsed once, so that nothing later meets a bad URL.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use tokio::net::{TcpStream, UdpSocket};

/// A node's HTTP address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    host: String,
    port: u16,
}

/// Why a text is no [`Target`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("{0:?} is not a URL such as http://127.0.0.1:8080")]
    NotUrl(String),
    #[error("{0:?}: only http:// is spoken; point the load test at the node itself, behind any TLS proxy")]
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
        if scheme != "http" {
            return Err(TargetError::Scheme(text.to_owned()));
        }
        if uri.path_and_query().is_some_and(|path| path.as_str() != "/") {
            return Err(TargetError::Path(text.to_owned()));
        }
        Ok(Self { host: host.to_owned(), port: uri.port_u16().unwrap_or(80) })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}", self.authority())
    }
}

impl Target {
    /// `host:port`, as a `Host` header has it.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// A connection with `TCP_NODELAY`, since every frame here is small and waited for.
    ///
    /// # Errors
    /// As of the name look-up or the connect.
    pub async fn dial(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(self.authority()).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// The address of this machine from which the node is reached: media is bound to it. Sends nothing.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_http_url_is_a_target() {
        let target: Target = "http://127.0.0.1:8080".parse().unwrap();
        assert_eq!(target.authority(), "127.0.0.1:8080");
        assert_eq!("http://node.example/".parse::<Target>().unwrap().authority(), "node.example:80");
        assert_eq!("http://[::1]:9".parse::<Target>().unwrap().authority(), "[::1]:9");
    }

    #[test]
    fn everything_else_says_what_is_wrong() {
        for text in ["", "127.0.0.1:8080", "/x", "http://", "::"] {
            assert_eq!(text.parse::<Target>(), Err(TargetError::NotUrl(text.into())), "{text}");
        }
        assert!(matches!("https://127.0.0.1".parse::<Target>(), Err(TargetError::Scheme(_))));
        assert!(matches!("http://127.0.0.1/v1".parse::<Target>(), Err(TargetError::Path(_))));
    }

    #[tokio::test]
    async fn a_loopback_node_is_reached_from_loopback() {
        let target: Target = "http://127.0.0.1:8080".parse().unwrap();
        assert!(target.local_ip().await.unwrap().is_loopback());
    }
}
