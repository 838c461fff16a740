//! How a target is spoken to: plain or over TLS, HTTP/1.1 or HTTP/2; and opening a connection that does.

use std::rc::Rc;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::connection::Connection;
use super::error::{Fault, UpstreamErrorKind};
use super::multiplexed::Multiplexed;
use super::peer::Peer;
use super::socket::Socket;
use crate::config::UpstreamProtocol;
use crate::proxy_protocol::Announcement;
use crate::tls::Client;

/// How a target is spoken to.
#[derive(Clone, Default)]
pub(super) struct Transport {
    pub(super) protocol: UpstreamProtocol,
    pub(super) tls: Option<Arc<Client>>,
}

/// An open connection.
pub(super) enum Opened {
    /// For one request at a time.
    Http1(Connection),
    /// For many.
    Http2(Rc<Multiplexed>),
}

/// What one target's connections shake hands with.
pub(super) struct Secured {
    config: Arc<ClientConfig>,
    /// The same for a connection that has to be one of HTTP/1.1.
    http1: Arc<ClientConfig>,
    /// `None` when the target's host is no name that a certificate can have.
    name: Option<ServerName<'static>>,
}

impl Transport {
    /// Whether several requests may share a connection, as far as is known before there is one.
    pub(super) fn may_multiplex(&self) -> bool {
        match self.protocol {
            UpstreamProtocol::Auto => self.tls.is_some(),
            UpstreamProtocol::Http1 => false,
            UpstreamProtocol::Http2 => true,
        }
    }

    /// Tells transports apart in the names of targets; empty for the most common one.
    pub(super) fn key(&self) -> String {
        match (&self.tls, self.may_multiplex()) {
            (None, false) => String::new(),
            (None, true) => " http2".to_owned(),
            // The identity covers the protocol.
            (Some(client), _) => format!(" {}", client.identity()),
        }
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    pub(super) fn secured(&self, host: &str) -> Option<Secured> {
        let client = self.tls.as_ref()?;
        let (config, http1) = client.configs();
        Some(Secured { config, http1, name: client.server_name(host) })
    }
}

/// Connects to the first of `peers` that accepts before the deadline, over which they share the time evenly, and
/// agrees on everything.
pub(super) async fn open(
    peers: &[Peer],
    announced: Option<Announcement>,
    protocol: UpstreamProtocol,
    secured: Option<&Secured>,
    deadline: Instant,
) -> Result<Opened, Fault> {
    let mut last = Fault::from(UpstreamErrorKind::Resolve);
    for (index, peer) in peers.iter().enumerate() {
        let left = u32::try_from(peers.len() - index).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(Instant::now()) / left;
        match tokio::time::timeout(share, connect(peer, announced, protocol, secured)).await {
            Ok(Ok(opened)) => return Ok(opened),
            Ok(Err(fault)) => last = fault,
            Err(_) => last = UpstreamErrorKind::ConnectTimeout.into(),
        }
    }
    Err(last)
}

async fn connect(
    peer: &Peer,
    announced: Option<Announcement>,
    protocol: UpstreamProtocol,
    secured: Option<&Secured>,
) -> Result<Opened, Fault> {
    let failed = |error: std::io::Error| Fault::new(UpstreamErrorKind::of_connect(&error), error);
    let mut socket = Socket::new(peer.connect().await.map_err(failed)?);
    if let Some(announced) = announced {
        socket.write_all(&announced.header()).await.map_err(failed)?;
    }
    let peer = peer.clone();
    let Some(secured) = secured else {
        return match protocol {
            UpstreamProtocol::Http2 => Multiplexed::start(socket, peer).await.map(Rc::new).map(Opened::Http2),
            _ => Connection::start(socket.clone(), socket, peer, announced).await.map(Opened::Http1),
        };
    };
    let Some(name) = secured.name.clone() else {
        let text = "its host is no name that a certificate can have";
        return Err(Fault::new(UpstreamErrorKind::Tls, text));
    };
    let config = if protocol == UpstreamProtocol::Http1 { &secured.http1 } else { &secured.config };
    let connector = TlsConnector::from(Arc::clone(config));
    let shaken = connector.connect(name, socket.clone()).await;
    let stream = shaken.map_err(|error| Fault::new(UpstreamErrorKind::Tls, error))?;
    let agreed = stream.get_ref().1.alpn_protocol();
    if agreed == Some(b"h2") {
        return Multiplexed::start(stream, peer).await.map(Rc::new).map(Opened::Http2);
    }
    if protocol == UpstreamProtocol::Http2 {
        return Err(Fault::new(UpstreamErrorKind::Tls, "it does not speak HTTP/2"));
    }
    Connection::start(stream, socket, peer, announced).await.map(Opened::Http1)
}
