//! Error pages: how the errors that the gateway itself answers look.

use bytes::Bytes;
use forebay_engine::Reply;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Id of the built-in renderer.
pub const PROBLEM_DETAILS: &str = "problem_details";

/// A renderer of error pages.
pub trait ErrorPage: Send + Sync + std::fmt::Debug {
    /// The answer to an error; `None` leaves it to the built-in renderer. The gateway adds what belongs to the error:
    /// `X-Request-Id`, `Allow`, `WWW-Authenticate` and the like. Must not wait.
    fn render(&self, error: &ErrorInfo<'_>) -> Option<Reply>;
}

/// An error that is about to be answered.
#[derive(Debug, Clone, Copy)]
pub struct ErrorInfo<'a> {
    /// Status, 400 to 599.
    pub status: StatusCode,
    /// Stable word for the error.
    pub kind: &'a str,
    /// What the client may be told.
    pub message: &'a str,
    /// Id of the request.
    pub request_id: &'a str,
    /// The request's `Accept` field, unless the error came before it was read or there is none.
    pub accept: Option<&'a [u8]>,
}

/// The built-in renderer: problem details (RFC 9457) with the request's id.
#[derive(Debug, Clone, Copy)]
pub struct ProblemDetails;

impl ProblemDetails {
    /// The answer to an error.
    pub fn reply(error: &ErrorInfo<'_>) -> Reply {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let body = serde_json::json!({
            "title": error.status.canonical_reason().unwrap_or("Error"),
            "status": error.status.as_u16(),
            "detail": error.message,
            "kind": error.kind,
            "request_id": error.request_id,
        });
        Reply { status: error.status, headers, body: Bytes::from(body.to_string()) }
    }
}

impl ErrorPage for ProblemDetails {
    fn render(&self, error: &ErrorInfo<'_>) -> Option<Reply> {
        Some(Self::reply(error))
    }
}
