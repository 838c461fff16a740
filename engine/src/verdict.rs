//! What a step decided about the exchange.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::error::ScriptError;

/// The outcome of one step in one phase.
#[derive(Debug)]
pub enum Verdict {
    /// Go on with the next step.
    Continue,
    /// Answer now. In the request phase the upstream is not asked; in the response phase and in `on_error`
    /// this replaces the response.
    Reply(Reply),
    /// The request is not let through: the gateway answers the refusal as an error of its own, which error steps
    /// and the error page may shape. Native steps alone give it; a script replies.
    Refuse(Box<Refusal>),
    /// The step failed. What that means is the step's `on_error`.
    Fail(Box<ScriptError>),
}

/// A complete answer made by a step.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status code, 200 to 599.
    pub status: StatusCode,
    /// Header fields; framing fields are the gateway's and cannot be set here.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Why a step does not let a request through.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Status code, 400 to 599.
    pub status: StatusCode,
    /// Stable word for the reason, also the access log's `end_reason`.
    pub kind: &'static str,
    /// What the client is told; holds nothing internal.
    pub message: String,
    /// Header fields of the answer, such as `WWW-Authenticate`.
    pub headers: HeaderMap,
}

impl Refusal {
    /// A refusal without header fields.
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), headers: HeaderMap::new() }
    }
}
