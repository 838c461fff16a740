//! How a body fails: which side is to blame, what happened, and what that means for status and access log.

use std::error::Error as _;
use std::io;

use http::StatusCode;

use super::EndReason;

/// The peer a body is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The body of a request, read from the client.
    Client,
    /// The body of a response, read from the upstream.
    Upstream,
}

/// What went wrong while a body was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// Nothing came for longer than the idle time limit.
    Stalled,
    /// The connection was lost before the body was complete.
    Gone,
    /// The framing of the body is not HTTP, for example a chunk size that is no number.
    Malformed,
    /// More bytes than allowed.
    TooLarge {
        /// The limit that was passed, in bytes.
        limit: u64,
    },
    /// A native step that sees the chunks broke the body off.
    Filter,
}

/// A body that could not be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyError {
    /// Who was to send the body.
    pub side: Side,
    /// What happened.
    pub fault: BodyFault,
}

impl BodyError {
    /// The status to answer with, if no part of an answer has been sent yet.
    ///
    /// 499 (client gone) never reaches anybody; it is what the access log shows, as with nginx.
    pub fn status(self) -> StatusCode {
        match (self.side, self.fault) {
            (_, BodyFault::Filter) => StatusCode::INTERNAL_SERVER_ERROR,
            (Side::Client, BodyFault::Stalled) => StatusCode::REQUEST_TIMEOUT,
            (Side::Client, BodyFault::Gone) => client_closed_request(),
            (Side::Client, BodyFault::Malformed) => StatusCode::BAD_REQUEST,
            (Side::Client, BodyFault::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            (Side::Upstream, BodyFault::Stalled) => StatusCode::GATEWAY_TIMEOUT,
            (Side::Upstream, _) => StatusCode::BAD_GATEWAY,
        }
    }

    /// The code for the access log.
    pub fn end_reason(self) -> EndReason {
        match (self.side, self.fault) {
            (_, BodyFault::Filter) => EndReason::BodyFilter,
            (Side::Client, BodyFault::Stalled) => EndReason::ClientSlow,
            (Side::Client, BodyFault::Gone) => EndReason::ClientGone,
            (Side::Client, BodyFault::Malformed) => EndReason::ClientMalformed,
            (Side::Client, BodyFault::TooLarge { .. }) => EndReason::ClientTooLarge,
            (Side::Upstream, BodyFault::Stalled) => EndReason::UpstreamSlow,
            (Side::Upstream, BodyFault::Gone) => EndReason::UpstreamGone,
            (Side::Upstream, BodyFault::Malformed) => EndReason::UpstreamMalformed,
            (Side::Upstream, BodyFault::TooLarge { .. }) => EndReason::UpstreamTooLarge,
        }
    }

    /// The fault behind an error that hyper met while it read a body from `side`.
    pub(super) fn from_hyper(side: Side, error: &hyper::Error) -> Self {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(io) = inner.downcast_ref::<io::Error>() {
                // hyper's chunk decoder reports bytes that are not HTTP under these two kinds
                let malformed = matches!(io.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData);
                let fault = if malformed { BodyFault::Malformed } else { BodyFault::Gone };
                return Self { side, fault };
            }
            cause = inner.source();
        }
        Self { side, fault: BodyFault::Gone }
    }
}

fn client_closed_request() -> StatusCode {
    StatusCode::from_u16(499).expect("499 lies in the range 100 to 999")
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (who, body) = match self.side {
            Side::Client => ("client", "request body"),
            Side::Upstream => ("upstream", "response body"),
        };
        match self.fault {
            BodyFault::Stalled => write!(f, "the {who} stopped sending the {body} for longer than allowed"),
            BodyFault::Gone => write!(f, "the {who} went away before the {body} was complete"),
            BodyFault::Malformed => write!(f, "the {who} sent a {body} whose framing is not HTTP"),
            BodyFault::Filter => write!(f, "a step broke the {body} off"),
            BodyFault::TooLarge { limit } => write!(f, "the {body} is larger than {limit} bytes"),
        }
    }
}

impl std::error::Error for BodyError {}
