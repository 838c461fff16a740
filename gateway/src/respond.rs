//! The only place where an error becomes an answer.
//!
//! How the answer looks is the error page's business (problem details, unless a patch renders another); what
//! belongs to the error is added here. Nothing of the inside is told to the client.

use std::panic::{AssertUnwindSafe, catch_unwind};

use forebay_engine::Refusal;
use forebay_engine::exchange::{Body, Failure, Origin, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use crate::body::{BodyError, Side};
use crate::component::{ErrorInfo, ErrorPage, ProblemDetails};
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
    /// More header fields of the answer.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl GatewayError {
    /// An error with this status, kind and message for the client.
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        let (message, allow, headers) = (message.into(), Vec::new(), Vec::new());
        Self { status, kind, message, allow, close: false, headers }
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

    /// More header fields than a request may have.
    pub fn too_many_headers() -> Self {
        let message = "the request has more header fields than allowed";
        Self::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too_many_headers", message)
    }

    /// The request took longer than it may.
    pub fn request_timeout() -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "request_timeout", "the request took too long")
    }

    /// As `on_error` sees it.
    pub fn failure(&self) -> Failure {
        Failure { status: self.status, kind: self.kind, message: self.message.clone() }
    }

    /// The answer, unless a step shapes another one. `accept` is the request's field, if there is a request.
    pub fn response(&self, page: &dyn ErrorPage, request_id: &str, accept: Option<&[u8]>) -> Response {
        let (status, kind, message) = (self.status, self.kind, &*self.message);
        let error = ErrorInfo { status, kind, message, request_id, accept };
        // A renderer that panics must not take the answer with it.
        let rendered = catch_unwind(AssertUnwindSafe(|| page.render(&error))).unwrap_or_else(|_| {
            tracing::error!(request_id, "the error page panicked");
            None
        });
        let reply = rendered.unwrap_or_else(|| ProblemDetails::reply(&error));
        let mut headers = reply.headers;
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
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
        let body = if reply.body.is_empty() { Body::Empty } else { Body::Replaced(reply.body) };
        Response { status: reply.status, headers, body, origin: Origin::Gateway }
    }
}

impl From<Refusal> for GatewayError {
    fn from(refusal: Refusal) -> Self {
        let Refusal { status, kind, message, headers } = refusal;
        // What is left of a body that is too large is not worth reading.
        let close = status == StatusCode::PAYLOAD_TOO_LARGE;
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { close, headers, ..Self::new(status, kind, message) }
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
