//! Listeners as a person writes them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{RawAddress, RawDuration, RawSize};

/// One listener or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum RawListen {
    /// Several listeners.
    Many(#[schemars(extend("minItems" = 1))] Vec<RawListener>),
    /// One listener.
    One(RawListener),
}

/// Where to listen, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum RawListener {
    /// A port of all IPv4 addresses.
    Port(#[schemars(extend("minimum" = 1))] u16),
    /// `IP:PORT`, or a port.
    Text(String),
    /// An address with settings.
    Settings(RawListenerSettings),
}

/// A listener with settings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawListenerSettings {
    /// `IP:PORT`, or a port number for all IPv4 addresses. Fixed at start.
    #[schemars(required)]
    pub(in super::super) address: Option<RawAddress>,
    /// What clients may speak, in the order of preference: `h2`, `http/1.1`. With TLS they agree on one in the
    /// handshake; without, HTTP/2 clients begin with its preface (prior knowledge).
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    pub(in super::super) protocols: Option<Vec<RawProtocol>>,
    /// TLS for the connections of this listener; plain TCP without it.
    pub(in super::super) tls: Option<RawTls>,
    /// Addresses of proxies whose connections begin with a header of the PROXY protocol, version 1 or 2, as address or
    /// range. One of them without a header is refused; everybody else is served without one.
    pub(in super::super) proxy_protocol_from: Option<Vec<String>>,
}

/// A protocol that clients speak.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub(in super::super) enum RawProtocol {
    /// HTTP/2.
    #[serde(rename = "h2")]
    Http2,
    /// HTTP/1.1 and 1.0.
    #[serde(rename = "http/1.1")]
    Http1,
}

/// Bounds on HTTP/2 connections of clients.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawHttp2Limits {
    /// Most requests at the same time over one connection.
    #[schemars(extend("default" = 128, "minimum" = 1, "maximum" = 65_535))]
    pub(in super::super) streams_max: Option<u32>,
    /// Most requests that a client may take back before the gateway has begun with them; one more ends the
    /// connection.
    #[schemars(extend("default" = 20, "minimum" = 1, "maximum" = 65_535))]
    pub(in super::super) resets_max: Option<usize>,
    /// Bytes of one request body that a client may send ahead.
    #[schemars(extend("default" = "256KiB", "minimum" = 65_535, "maximum" = 16_777_216))]
    pub(in super::super) stream_window: Option<RawSize>,
    /// Bytes of all request bodies of a connection that a client may send ahead.
    #[schemars(extend("default" = "1MiB", "minimum" = 65_535, "maximum" = 268_435_456))]
    pub(in super::super) connection_window: Option<RawSize>,
    /// After how long without anything from the client it is asked whether it is still there.
    #[schemars(extend("default" = "30s"))]
    pub(in super::super) ping_interval: Option<RawDuration>,
    /// Time it has to answer that.
    #[schemars(extend("default" = "10s"))]
    pub(in super::super) ping_timeout: Option<RawDuration>,
}

/// How a listener speaks TLS. Files are read again by each reload.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawTls {
    /// Certificates with their keys, chosen by the server name that the client asks for. The first one serves
    /// clients that name no server, or one that no certificate is for.
    #[schemars(required, extend("minItems" = 1))]
    pub(in super::super) certificates: Option<Vec<RawCertificate>>,
    /// Whether clients have to show certificates.
    pub(in super::super) client_certificates: Option<RawClientCertificates>,
    /// The oldest version of TLS spoken: `tls1.2` or `tls1.3`.
    #[schemars(extend("default" = "tls1.2"))]
    pub(in super::super) min_version: Option<RawTlsVersion>,
}

/// A certificate with its key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawCertificate {
    /// The certificate, followed by those of the authorities between it and the root, as a PEM file.
    #[schemars(required)]
    pub(in super::super) certificate: Option<String>,
    /// The private key, without a pass phrase, as a PEM file.
    #[schemars(required)]
    pub(in super::super) key: Option<String>,
}

/// Whether clients have to show certificates.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawClientCertificates {
    /// `off`; `optional`: clients may, and one that is shown must be good; `required`.
    #[schemars(extend("default" = "off"))]
    pub(in super::super) mode: Option<RawClientCertificateMode>,
    /// The certificates of the authorities that sign those of clients, as a PEM file.
    pub(in super::super) ca: Option<String>,
}

/// Whether clients have to show certificates.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum RawClientCertificateMode {
    /// They are not asked.
    #[default]
    Off,
    /// They may.
    Optional,
    /// They have to.
    Required,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub(in super::super) enum RawTlsVersion {
    /// TLS 1.2.
    #[serde(rename = "tls1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "tls1.3")]
    Tls13,
}
