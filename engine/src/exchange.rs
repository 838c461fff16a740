//! The exchange: one request with its response, and what steps know and decide about it.
//!
//! It is the one value that a chain changes. It owns the message heads as hyper parsed them, so that nothing
//! is converted before a script reads it; bodies stay with the gateway until a step asks for them.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};

use crate::filter::Filters;

/// One request with its response and per-request variables.
#[derive(Debug)]
pub struct Exchange {
    /// Identifies the request in logs, in error answers and upstream: 1 to 128 visible ASCII characters.
    pub id: String,
    /// What the client sent, as steps have changed it.
    pub request: Request,
    /// What will be answered; `None` until the upstream or a step has answered.
    pub response: Option<Response>,
    /// The connection the request came over.
    pub client: Client,
    /// The route that took the request.
    pub route: RouteInfo,
    /// Who the caller is; `()` until an authentication step says so.
    pub identity: rhai::Dynamic,
    /// Scratch space shared by all steps of the chain and both directions.
    pub vars: rhai::Map,
    /// Name of the upstream a step chose instead of the route's.
    pub upstream_override: Option<String>,
    /// Most bytes of the request's body, when a step lowers what the configuration allows. The gateway looks at it
    /// after each native step: a body that is or becomes larger is answered 413.
    pub request_body_max: Option<u64>,
    /// Changes to the header fields of the answer, whoever makes it: the upstream, a step or the gateway. Applied
    /// in this order when all steps have run.
    pub answer_fields: Vec<FieldChange>,
    /// Number of times the request was sent upstream, from 0 while it has not been.
    pub attempt: u32,
    /// The error the gateway is about to answer; present while `on_error` runs.
    pub failure: Option<Failure>,
    /// How the exchange ended; present while `on_log` runs.
    pub access: Option<AccessRecord>,
    /// What native steps put into the way of the bodies.
    pub filters: Filters,
}

/// A change to one header field of an answer that is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Name of the field.
    pub name: HeaderName,
    /// What becomes of it.
    pub to: FieldValue,
}

/// What becomes of a header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// One line with this value, whatever there was.
    Set(HeaderValue),
    /// One more line with this value.
    Append(HeaderValue),
    /// This value, unless the field is there already.
    Default(HeaderValue),
    /// None.
    Removed,
}

impl FieldChange {
    /// Carries the change out.
    pub fn apply(self, headers: &mut HeaderMap) {
        match self.to {
            FieldValue::Set(value) => drop(headers.insert(self.name, value)),
            FieldValue::Append(value) => drop(headers.append(self.name, value)),
            FieldValue::Default(value) => drop(headers.entry(self.name).or_insert(value)),
            FieldValue::Removed => drop(headers.remove(self.name)),
        }
    }
}

/// The head of a request and the state of its body.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method, upper case unless the client sent otherwise.
    pub method: Method,
    /// The target in origin form, path normalised: what is matched is what is forwarded.
    pub uri: Uri,
    /// The target exactly as it was received.
    pub raw_target: String,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The host the client asked for, lower case, with its port if it gave one.
    pub host: String,
    /// Protocol version of the client's request.
    pub version: Version,
    /// Header fields, hop-by-hop fields already removed.
    pub headers: HeaderMap,
    /// Where the body is.
    pub body: Body,
}

/// The head of a response and the state of its body.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: StatusCode,
    /// Header fields, hop-by-hop fields already removed.
    pub headers: HeaderMap,
    /// Where the body is.
    pub body: Body,
    /// Who produced the answer.
    pub origin: Origin,
}

/// Where a body is while steps run.
#[derive(Debug, Clone, Default)]
pub enum Body {
    /// The message has none.
    #[default]
    Empty,
    /// Not read: it will stream past the chain untouched.
    Unread,
    /// Read because a step asked for it; goes on unchanged.
    Read(Bytes),
    /// Put there by a step.
    Replaced(Bytes),
}

impl Body {
    /// The bytes, if they are in memory; an empty body has zero of them.
    pub fn bytes(&self) -> Option<&Bytes> {
        static NONE: Bytes = Bytes::new();
        match self {
            Self::Empty => Some(&NONE),
            Self::Unread => None,
            Self::Read(bytes) | Self::Replaced(bytes) => Some(bytes),
        }
    }
}

/// Who produced a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A server, by address.
    Upstream {
        /// Address and port of the server.
        address: Arc<str>,
        /// Microseconds from sending the request to the head of its response.
        microseconds: u64,
    },
    /// A step of the chain replied.
    Step,
    /// The gateway itself: no route, an error, a limit.
    Gateway,
}

impl Origin {
    /// The word for it in logs and in `res.upstream.origin`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Upstream { .. } => "upstream",
            Self::Step => "step",
            Self::Gateway => "gateway",
        }
    }
}

/// The connection a request came over.
#[derive(Debug, Clone)]
pub struct Client {
    /// Address of the client: of the connection's peer, or as told by a trusted proxy.
    pub ip: IpAddr,
    /// Port of the connection's peer.
    pub port: u16,
    /// How the connection is secured; `None` for plain TCP.
    pub tls: Option<Arc<Tls>>,
}

/// What the handshake of a connection secured by TLS has settled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// `1.2` or `1.3`.
    pub version: &'static str,
    /// The cipher suite by its registered name, such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// The server name the client asked for (SNI), lower case.
    pub server_name: Option<String>,
    /// The application protocol agreed on (ALPN), such as `h2`.
    pub alpn: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// The client's certificate, verified against the listener's authorities.
    pub peer: Option<PeerCertificate>,
}

/// A verified client certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeerCertificate {
    /// Distinguished name of the subject, such as `CN=orders, O=Example`.
    pub subject: String,
    /// Distinguished name of the issuer.
    pub issuer: String,
    /// Serial number in lower-case hexadecimal.
    pub serial: String,
    /// SHA-256 of the whole certificate in lower-case hexadecimal.
    pub sha256: String,
    /// Start of its validity, seconds since 1970-01-01 UTC.
    pub not_before: i64,
    /// End of its validity, seconds since 1970-01-01 UTC.
    pub not_after: i64,
    /// Alternative names: DNS names, addresses, email addresses and URIs, in the order of the certificate.
    pub names: Vec<String>,
}

/// The route that took a request.
#[derive(Debug, Clone)]
pub struct RouteInfo {
    /// Name of the route.
    pub name: Arc<str>,
    /// Path parameters by name, percent-decoded, in the order of the pattern.
    pub params: Vec<(Arc<str>, String)>,
}

/// An error that the gateway itself answers.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The status it will be answered with unless a step replies.
    pub status: StatusCode,
    /// Stable word for the kind of error, such as `response_timeout`.
    pub kind: &'static str,
    /// What the client is told; holds nothing internal.
    pub message: String,
}

/// How an exchange ended, for the access log.
#[derive(Debug, Clone, Default)]
pub struct AccessRecord {
    /// Wall clock when the head of the request was complete, nanoseconds since 1970-01-01 UTC.
    pub started_unix_ns: u128,
    /// Microseconds from the complete request head to the last byte of the response.
    pub total_microseconds: u64,
    /// Microseconds spent waiting for the head of the upstream's response, all attempts.
    pub upstream_microseconds: u64,
    /// Microseconds spent in steps, their waits included.
    pub steps_microseconds: u64,
    /// Body bytes received from the client.
    pub request_bytes: u64,
    /// Body bytes sent to the client.
    pub response_bytes: u64,
    /// Short code for the way it ended; see `telemetry` in the gateway for the list.
    pub end_reason: &'static str,
    /// Fields that `on_log` added, in the order added.
    pub extra: rhai::Map,
    /// Set by `on_log` to drop the record.
    pub suppressed: bool,
}
