//! Why a request got no answer from its upstream, and what the client and the access log are told.

use std::sync::Arc;

use http::StatusCode;

use super::breaker::Bound;
use crate::body::{BodyError, EndReason, Side};

/// A request that got no response head from its upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamError {
    /// What happened.
    pub kind: UpstreamErrorKind,
    /// The target tried last, `host:port`; `None` if none was tried.
    pub address: Option<Arc<str>>,
    /// Number of times the request was given to a connection; 0 if none could be had.
    pub attempts: u32,
    /// The cause as the system or the parser reported it, for logs; may be empty.
    pub detail: String,
}

/// What kept the upstream from answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamErrorKind {
    /// The upstream has no targets.
    NoTarget,
    /// The target's name has no address.
    Resolve,
    /// None of the target's addresses may be connected to (scripts' calls only).
    NotAllowed,
    /// Connecting was refused or failed at once.
    Connect,
    /// The handshake failed: most often the target's certificate is not one to trust.
    Tls,
    /// The gateway has no descriptors, ports or memory left for a connection.
    Exhausted,
    /// Connecting took longer than `connect_timeout`.
    ConnectTimeout,
    /// All connections are busy, and as many requests wait for one as may.
    QueueFull,
    /// No connection became free within `queue_timeout`.
    QueueTimeout,
    /// As much is under way at the upstream as its circuit breakers allow.
    Breaker(Bound),
    /// The response head did not come within `response_timeout`.
    ResponseTimeout,
    /// The upstream stopped reading the request body for longer than `body_timeout`.
    Unread,
    /// The connection ended before a whole response head.
    Reset,
    /// The response head is not acceptable HTTP, or switches protocols without having been asked to.
    BadResponse,
    /// The request's own body failed while it was sent: the client's fault.
    RequestBody(BodyError),
}

impl UpstreamErrorKind {
    /// The status to answer with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoTarget | Self::QueueFull | Self::QueueTimeout | Self::Breaker(_) | Self::Exhausted => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Resolve
            | Self::NotAllowed
            | Self::Connect
            | Self::Tls
            | Self::Reset
            | Self::BadResponse => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout | Self::ResponseTimeout | Self::Unread => StatusCode::GATEWAY_TIMEOUT,
            Self::RequestBody(error) => error.status(),
        }
    }

    /// The code for the access log.
    pub fn end_reason(self) -> EndReason {
        match self {
            Self::NoTarget => EndReason::NoTarget,
            Self::Resolve => EndReason::Resolve,
            Self::NotAllowed | Self::Connect => EndReason::Connect,
            Self::Tls => EndReason::Tls,
            Self::Exhausted => EndReason::Exhausted,
            Self::ConnectTimeout => EndReason::ConnectTimeout,
            Self::QueueFull => EndReason::QueueFull,
            Self::QueueTimeout => EndReason::QueueTimeout,
            Self::Breaker(Bound::Connections) => EndReason::BreakerConnections,
            Self::Breaker(Bound::Pending) => EndReason::BreakerPending,
            Self::Breaker(Bound::Requests | Bound::Retries) => EndReason::BreakerRequests,
            Self::ResponseTimeout => EndReason::ResponseTimeout,
            Self::Unread => EndReason::UpstreamUnread,
            Self::Reset => EndReason::UpstreamReset,
            Self::BadResponse => EndReason::BadResponse,
            Self::RequestBody(error) => error.end_reason(),
        }
    }

    /// Why a connection could not be opened: what the gateway lacks is not the target's fault.
    pub(super) fn of_connect(error: &std::io::Error) -> Self {
        let lacking = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EADDRNOTAVAIL];
        match error.raw_os_error() {
            Some(code) if lacking.contains(&code) => Self::Exhausted,
            _ => Self::Connect,
        }
    }

    /// The error of a request that no target was asked for.
    pub(super) fn unsent(self) -> UpstreamError {
        UpstreamError { kind: self, address: None, attempts: 0, detail: String::new() }
    }

    /// Whether the failure says something about the target.
    pub(super) fn blames_target(self) -> bool {
        match self {
            Self::Resolve
            | Self::Connect
            | Self::Tls
            | Self::ConnectTimeout
            | Self::ResponseTimeout
            | Self::Unread
            | Self::Reset
            | Self::BadResponse => true,
            Self::NoTarget
            | Self::NotAllowed
            | Self::QueueFull
            | Self::QueueTimeout
            | Self::Breaker(_)
            | Self::Exhausted
            | Self::RequestBody(_) => false,
        }
    }

    /// Whether no connection could be opened, so that another target may be tried.
    pub(super) fn is_connect(self) -> bool {
        matches!(self, Self::Resolve | Self::Connect | Self::Tls | Self::ConnectTimeout)
    }
}

impl UpstreamError {
    /// The upstream has no target that will do.
    pub(super) fn no_target() -> Self {
        UpstreamErrorKind::NoTarget.unsent()
    }

    /// The status to answer with: 502, 503 or 504, or what a failing request body calls for (408, 413, ...).
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// The code for the access log.
    pub fn end_reason(&self) -> EndReason {
        self.kind.end_reason()
    }
}

impl std::fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let address = self.address.as_deref().unwrap_or("the upstream");
        match self.kind {
            UpstreamErrorKind::NoTarget => write!(f, "the upstream has no targets"),
            UpstreamErrorKind::Resolve => write!(f, "no address found for {address}"),
            UpstreamErrorKind::NotAllowed => {
                write!(f, "no address of {address} is on the list of allowed ones")
            }
            UpstreamErrorKind::Connect => write!(f, "cannot connect to {address}"),
            UpstreamErrorKind::Tls => write!(f, "no TLS with {address}"),
            UpstreamErrorKind::Exhausted => {
                write!(f, "the gateway has nothing left for a connection to {address}")
            }
            UpstreamErrorKind::ConnectTimeout => write!(f, "connecting to {address} took too long"),
            UpstreamErrorKind::QueueFull => write!(f, "too many requests wait for a connection to {address}"),
            UpstreamErrorKind::Breaker(bound) => {
                write!(f, "too many {} at the upstream", bound.as_str())
            }
            UpstreamErrorKind::QueueTimeout => write!(f, "no connection to {address} became free in time"),
            UpstreamErrorKind::ResponseTimeout => write!(f, "{address} did not answer in time"),
            UpstreamErrorKind::Unread => write!(f, "{address} stopped reading the request body"),
            UpstreamErrorKind::Reset => write!(f, "{address} closed the connection without an answer"),
            UpstreamErrorKind::BadResponse => write!(f, "{address} sent an invalid response"),
            UpstreamErrorKind::RequestBody(error @ BodyError { side: Side::Client, .. }) => {
                write!(f, "{error}")
            }
            UpstreamErrorKind::RequestBody(error) => write!(f, "the request body failed: {error}"),
        }?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

impl std::error::Error for UpstreamError {}

/// A failure inside the module, before address and attempts are known.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) kind: UpstreamErrorKind,
    pub(super) detail: String,
}

impl Fault {
    pub(super) fn new(kind: UpstreamErrorKind, detail: impl ToString) -> Self {
        Self { kind, detail: detail.to_string() }
    }

    pub(super) fn at(self, address: &Arc<str>, attempts: u32) -> UpstreamError {
        UpstreamError { kind: self.kind, address: Some(Arc::clone(address)), attempts, detail: self.detail }
    }
}

impl From<UpstreamErrorKind> for Fault {
    fn from(kind: UpstreamErrorKind) -> Self {
        Self { kind, detail: String::new() }
    }
}
