//! Listeners as the gateway uses them: where connections come in, and how they are secured.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::diagnostic::Location;

/// Where client connections come in.
#[derive(Debug, Clone)]
pub struct Listener {
    /// The address. Fixed at start; everything else of a listener may change with a reload.
    pub address: SocketAddr,
    /// What clients may speak, at least one; the order is the gateway's preference.
    pub protocols: Vec<Protocol>,
    /// TLS for the connections; `None` for plain TCP.
    pub tls: Option<TlsListener>,
    /// Peers whose connections begin with a header of the PROXY protocol.
    pub proxy_protocol_from: Vec<IpNet>,
}

impl Listener {
    /// Whether connections from this address begin with a header of the PROXY protocol.
    pub fn announces(&self, peer: IpAddr) -> bool {
        self.proxy_protocol_from.iter().any(|range| range.contains(&peer.to_canonical()))
    }
}

/// A protocol that clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP/2: agreed on in the handshake, or begun without asking where there is no TLS (prior knowledge).
    Http2,
    /// HTTP/1.1 and 1.0.
    Http1,
}

impl Protocol {
    /// What listeners speak that say nothing about it.
    pub const DEFAULT: [Self; 2] = [Self::Http2, Self::Http1];

    /// Its registered name (RFC 7301), also the word for it in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http2 => "h2",
            Self::Http1 => "http/1.1",
        }
    }
}

/// Bounds on HTTP/2 connections of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http2Limits {
    /// Most requests at the same time over one connection.
    pub streams_max: u32,
    /// Most requests that a client may take back before the gateway has begun with them; one more ends the
    /// connection.
    pub resets_max: usize,
    /// Bytes of one request body that a client may send ahead.
    pub stream_window: u32,
    /// Bytes of all request bodies of a connection that a client may send ahead.
    pub connection_window: u32,
    /// After how long without anything from the client it is asked whether it is still there.
    pub ping_interval: Duration,
    /// Time it has to answer that.
    pub ping_timeout: Duration,
}

/// How a listener speaks TLS.
#[derive(Debug, Clone)]
pub struct TlsListener {
    /// At least one. The first serves clients that name no server, or one that no certificate is for.
    pub certificates: Vec<CertificateFiles>,
    /// Whether clients have to show certificates.
    pub client_certificates: ClientCertificates,
    /// The oldest version spoken.
    pub min_version: TlsVersion,
    /// Where the section stands in the configuration file.
    pub location: Option<Location>,
}

/// A certificate with its key, as files.
#[derive(Debug, Clone)]
pub struct CertificateFiles {
    /// PEM file with the certificate, followed by those of the authorities between it and the root.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
    /// Where the entry stands in the configuration file.
    pub location: Option<Location>,
}

/// Whether clients have to show certificates.
#[derive(Debug, Clone)]
pub enum ClientCertificates {
    /// They are not asked.
    Off,
    /// They may; one that is shown must be good.
    Optional(AuthorityFile),
    /// Without a good one there is no connection.
    Required(AuthorityFile),
}

impl ClientCertificates {
    /// The word for it in configurations.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Optional(_) => "optional",
            Self::Required(_) => "required",
        }
    }

    /// The authorities that sign client certificates.
    pub fn authorities(&self) -> Option<&AuthorityFile> {
        match self {
            Self::Off => None,
            Self::Optional(file) | Self::Required(file) => Some(file),
        }
    }
}

/// A PEM file with the certificates of authorities that are trusted.
#[derive(Debug, Clone)]
pub struct AuthorityFile {
    /// The file.
    pub path: PathBuf,
    /// Where it is named in the configuration file.
    pub location: Option<Location>,
}

/// A version of TLS. Older ones are not spoken at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersion {
    /// RFC 5246, with forward secrecy and authenticated encryption only.
    #[default]
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl TlsVersion {
    /// The word for it in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "tls1.2",
            Self::Tls13 => "tls1.3",
        }
    }
}
