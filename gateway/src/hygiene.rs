//! The rules for message headers, all in one place: what is refused, removed, rewritten and added.
//!
//! The server library parses messages but is no proxy: it leaves hop-by-hop fields, duplicate hosts and
//! forwarding fields as they came. The order on the request path is
//!
//! 1. [`check_request`]: refuse what servers read differently (RFC 9112, sections 3.2 and 6),
//! 2. [`client_address`] and [`RequestIds::choose`]: who asks, under which id,
//! 3. [`prepare_upstream_request`]: RFC 9110, section 7.6, and the `X-Forwarded-*` fields; before the chain,
//!    so that steps see fields they can believe and what they set is not taken for the client's,
//! 4. [`set_host`] for each attempt, when the target is known,
//! 5. [`prepare_client_response`] on the way back, before the chain.
//!
//! All of it changes the parsed header map in place. What steps may set is decided by
//! [`forebay_engine::header_rules`], which scripts, patches and this module share.
//!
//! Relies on the HTTP library for line syntax, obsolete folding and names that are no tokens. Body lengths:
//! both framing fields are dropped, and the library frames anew from the body's `size_hint`. So a body
//! that is passed on must keep its `size_hint().exact()` and `is_end_stream()`; a wrapper that forgets
//! them turns a sized body into a chunked one.

mod check;
mod client;
mod connection;
mod request;
mod request_id;
mod response;
mod upgrade;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use check::{BadRequest, check_request};
pub use client::{ClientAddress, PeerTrust, client_address};
pub use request::{Edge, EdgeScheme, Forwarding, UpstreamHost, prepare_upstream_request, set_host};
pub use request_id::RequestIds;
pub use response::prepare_client_response;
pub use upgrade::{asked_upgrade, set_upgrade, switches_to};

use http::{HeaderName, HeaderValue, Version};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The `Via` entry for a message that was received in this version (RFC 9110, section 7.6.3).
fn via(received: Version) -> HeaderValue {
    // Constants, so that the text is checked when this is compiled and not for every message.
    const VIA_1_0: HeaderValue = HeaderValue::from_static("1.0 forebay");
    const VIA_1_1: HeaderValue = HeaderValue::from_static("1.1 forebay");
    const VIA_2: HeaderValue = HeaderValue::from_static("2.0 forebay");
    const VIA_3: HeaderValue = HeaderValue::from_static("3.0 forebay");
    match received {
        Version::HTTP_09 | Version::HTTP_10 => VIA_1_0,
        Version::HTTP_2 => VIA_2,
        Version::HTTP_3 => VIA_3,
        _ => VIA_1_1,
    }
}

/// Whether the gateway adds the field, relies on it, or guards something with it: a client may neither
/// have it removed through `Connection` nor bring an underscore twin of it. `name` is lower case.
fn is_protected(name: &str) -> bool {
    matches!(
        name,
        "authorization"
            | "cache-control"
            | "content-encoding"
            | "content-length"
            | "content-type"
            | "cookie"
            | "date"
            | "expect"
            | "forwarded"
            | "host"
            | "origin"
            | "traceparent"
            | "tracestate"
            | "via"
            | "x-real-ip"
            | "x-request-id"
    ) || name.starts_with("x-forwarded-")
}
