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
