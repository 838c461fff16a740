//! The other end of a connection: an address, or a unix socket.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpStream, UnixStream};

use super::socket::Stream;

/// Where a connection goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Peer {
    Tcp(SocketAddr),
    /// The absolute path of a unix socket.
    Unix(Arc<str>),
}

impl Peer {
    /// Its address; that of no host for a unix socket, which scripts' calls never go to.
    pub(super) fn ip(&self) -> IpAddr {
        match self {
            Self::Tcp(address) => address.ip(),
            Self::Unix(_) => Ipv4Addr::UNSPECIFIED.into(),
        }
    }

    /// Connects.
    pub(super) async fn connect(&self) -> std::io::Result<Stream> {
        match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                // The last piece of a request must not wait for an acknowledgement.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(path) => UnixStream::connect(&**path).await.map(Stream::Unix),
        }
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}
