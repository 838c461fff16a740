//! The only place where an error becomes an answer.
//!
//! Bodies are problem details (RFC 9457) with the request's id; nothing of the inside is told to the client.

use bytes::Bytes;
use forebay_engine::exchange::{Body, Failure, Origin, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::body::{BodyError, Side};
use crate::hygiene::BadRequest;
use crate::path::BadTarget;
use crate::upstream::UpstreamError;

/// An error the gateway itself answers.
#[derive(Debug)]
pub struct GatewayError {
    /// The status to answer.
    pub status: StatusCode,
    /// Stable word for the kind of error, also the access log's `end_reason`.
    pub kind: &'static str,
    /// What the client is told.
    pub message: String,
    /// Methods for the `Allow` field of a 405.
    pub allow: Vec<Method>,
    /// Whether the connection ends with this answer.
    pub close: bool,
}

impl GatewayError {
    /// An error with this status, kind and message for the client.
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), allow: Vec::new(), close: false }
    }

    /// No route takes the request.
    pub fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no_route", "no route takes this request")
    }

    /// A route takes the request with other methods only.
    pub fn method(allow: Vec<Method>) -> Self {
        let message = "this resource does not take this method";
        Self { allow, ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message) }
    }

    /// A step failed; what it said stays in the log.
    pub fn step() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "script_error",
            "the gateway could not process the request",
        )
    }

    /// The request says that its body is larger than it may be.
    pub fn body_too_large(limit: u64) -> Self {
        let message = format!("the request body is larger than {limit} bytes");
        Self { close: true, ..Self::new(StatusCode::PAYLOAD_TOO_LARGE, "client_too_large", message) }
    }

    /// The request took longer than it may.
    pub fn request_timeout() -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "request_timeout", "the request took too long")
    }

    /// As `on_error` sees it.
    pub fn failure(&self) -> Failure {
        Failure { status: self.status, kind: self.kind, message: self.message.clone() }
    }

    /// The answer, unless a step shapes another one.
    pub fn response(&self, request_id: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert("x-request-id", id);
        }
        let allow: Vec<&str> = self.allow.iter().map(Method::as_str).collect();
        if !allow.is_empty()
            && let Ok(allow) = HeaderValue::from_str(&allow.join(", "))
        {
            headers.insert(header::ALLOW, allow);
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let body = serde_json::json!({
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.message,
            "kind": self.kind,
            "request_id": request_id,
        });
        let body = Body::Replaced(Bytes::from(body.to_string()));
        Response { status: self.status, headers, body, origin: Origin::Gateway }
    }
}

impl From<&BadRequest> for GatewayError {
    fn from(error: &BadRequest) -> Self {
        let close = error.closes_connection();
        Self { close, ..Self::new(error.status(), "bad_request", error.to_string()) }
    }
}

impl From<BadTarget> for GatewayError {
    fn from(error: BadTarget) -> Self {
        Self { close: true, ..Self::new(error.status(), "bad_request", error.to_string()) }
    }
}

impl From<BodyError> for GatewayError {
    fn from(error: BodyError) -> Self {
        let message = match error.side {
            Side::Client => "the request body could not be read, or is larger than allowed",
            Side::Upstream => "the response of the service could not be read, or is larger than allowed",
        };
        let close = error.side == Side::Client;
        Self { close, ..Self::new(error.status(), error.end_reason().code(), message) }
    }
}

impl From<&UpstreamError> for GatewayError {
    fn from(error: &UpstreamError) -> Self {
        let status = error.status();
        let message = match status {
            StatusCode::SERVICE_UNAVAILABLE => "the service is overloaded or has no server",
            StatusCode::GATEWAY_TIMEOUT => "the service did not answer in time",
            StatusCode::BAD_GATEWAY => "the service could not be reached or answered wrongly",
            StatusCode::PAYLOAD_TOO_LARGE => "the request body is larger than allowed",
            StatusCode::REQUEST_TIMEOUT => "the request body came too slowly",
            _ => "the request body could not be read",
        };
        Self { close: status.is_client_error(), ..Self::new(status, error.end_reason().code(), message) }
    }
}
