//! How the targets of an upstream are spoken to.

use super::{AuthorityFile, CertificateFiles, TlsVersion};
use crate::diagnostic::Location;

/// What the targets of an upstream speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UpstreamProtocol {
    /// With TLS what the target prefers of HTTP/2 and HTTP/1.1; HTTP/1.1 without.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2; without TLS by prior knowledge.
    Http2,
}

impl UpstreamProtocol {
    /// The word for it in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Http1 => "http1",
            Self::Http2 => "http2",
        }
    }

    /// What is offered in a handshake (RFC 7301), in the order of preference.
    pub fn alpn(self) -> &'static [&'static str] {
        match self {
            Self::Auto => &["h2", "http/1.1"],
            Self::Http1 => &["http/1.1"],
            Self::Http2 => &["h2"],
        }
    }
}

/// How targets are spoken to over TLS. Their certificates are verified in any case.
#[derive(Debug, Clone, Default)]
pub struct UpstreamTls {
    /// The name to ask for and to verify; `None` takes the target's host.
    pub server_name: Option<String>,
    /// The authorities to trust; `None` takes the system's.
    pub ca: Option<AuthorityFile>,
    /// What to show to targets that ask for a certificate.
    pub certificate: Option<CertificateFiles>,
    /// The oldest version spoken.
    pub min_version: TlsVersion,
    /// Where the section, or else the upstream, stands in the configuration file.
    pub location: Option<Location>,
}
