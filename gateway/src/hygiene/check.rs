//! What makes a request unfit to be forwarded.
//!
//! Each rule closes a gap through which two servers could read one request differently, or a client could
//! reach into what the gateway vouches for. The library in front hides some cases: of two equal
//! `Content-Length` lines it keeps one, and next to `Transfer-Encoding` none, closing the connection
//! afterwards; those requests are framed soundly and pass here.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};

use super::connection::options;
use super::is_protected;
use crate::path::authority::{self, HostError};

/// Why a request is refused. The text names the rule, for the log; it quotes no values of the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// HTTP/1.1 without `Host`.
    #[error("an HTTP/1.1 request needs a Host field (RFC 9112, section 3.2)")]
    HostMissing,
    /// More than one `Host`.
    #[error("the request has more than one Host field (RFC 9112, section 3.2)")]
    HostTwice,
    /// `Host` is not `host` or `host:port`.
    #[error("the Host field is malformed: {0}")]
    Host(HostError),
    /// `Transfer-Encoding` outside HTTP/1.1.
    #[error("Transfer-Encoding is for HTTP/1.1 only (RFC 9112, section 6.1)")]
    TransferEncodingVersion,
    /// Both framings at once.
    #[error("Transfer-Encoding and Content-Length exclude each other (RFC 9112, section 6.1)")]
    TransferEncodingWithLength,
    /// The end of the body cannot be known.
    #[error("Transfer-Encoding must be `chunked`, once (RFC 9112, section 6.3)")]
    TransferEncodingMalformed,
    /// Other codings before `chunked`.
    #[error("the gateway knows no transfer coding but `chunked` (RFC 9112, section 6.1)")]
    TransferEncodingUnsupported,
    /// More than one `Content-Length`, equal or not.
    #[error("the request has more than one Content-Length field (RFC 9112, section 6.3)")]
    ContentLengthTwice,
    /// `Content-Length` is not a number below 2^63.
    #[error("Content-Length is not a decimal number below 2^63 (RFC 9112, section 6.3)")]
    ContentLengthMalformed,
    /// An expectation other than `100-continue`.
    #[error("the only expectation supported is `100-continue` (RFC 9110, section 10.1.1)")]
    Expectation,
    /// `Connection` is not a list of tokens.
    #[error("Connection is not a list of field names (RFC 9110, section 7.6.1)")]
    ConnectionMalformed,
    /// `Connection` asks to remove what the gateway or the upstream relies on.
    #[error("Connection names a field that is not the connection's (RFC 9110, section 7.6.1)")]
    ConnectionNames,
    /// A field of HTTP/1 connections in HTTP/2.
    #[error("the field {0} must not occur in HTTP/2 (RFC 9113, section 8.2.2)")]
    ConnectionField(HeaderName),
    /// `a_b` where `a-b` is present or the gateway's own: many servers hand both to programs as one name.
    #[error("the field {0} is easily mistaken for its twin with `-`")]
    UnderscoreTwin(HeaderName),
}

impl BadRequest {
    /// The status to answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TransferEncodingUnsupported => StatusCode::NOT_IMPLEMENTED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Whether the connection must be closed after the answer, because where the next request starts is
    /// in doubt.
    pub fn closes_connection(&self) -> bool {
        !matches!(self, Self::Expectation | Self::UnderscoreTwin(_) | Self::ConnectionNames)
    }
}

/// What one pass over the fields has found.
#[derive(Default)]
struct Seen {
    hosts: usize,
    has_length: bool,
    has_transfer_encoding: bool,
    has_underscore: bool,
}

/// Checks the head of a request as it came from the client.
pub fn check_request(head: &Parts) -> Result<(), BadRequest> {
    let mut seen = Seen::default();
    for (name, value) in &head.headers {
        check_field(&mut seen, head.version, name, value)?;
    }
    if seen.has_transfer_encoding {
        if head.version != Version::HTTP_11 {
            return Err(BadRequest::TransferEncodingVersion);
        }
        if seen.has_length {
            return Err(BadRequest::TransferEncodingWithLength);
        }
    }
    let names_host = seen.hosts > 0 || (head.version >= Version::HTTP_2 && head.uri.authority().is_some());
    if !names_host && head.version >= Version::HTTP_11 {
        return Err(BadRequest::HostMissing);
    }
    if seen.has_underscore { check_twins(&head.headers) } else { Ok(()) }
}

fn check_field(
    seen: &mut Seen,
    version: Version,
    name: &HeaderName,
    value: &HeaderValue,
) -> Result<(), BadRequest> {
    let text = name.as_str();
    if version >= Version::HTTP_2 {
        check_http2_field(name, value)?;
    }
    match text {
        "host" => {
            seen.hosts += 1;
            if seen.hosts > 1 {
                return Err(BadRequest::HostTwice);
            }
            authority::check(value.as_bytes()).map_err(BadRequest::Host)?;
        }
        "content-length" => {
            if seen.has_length {
                return Err(BadRequest::ContentLengthTwice);
            }
            seen.has_length = true;
            check_content_length(value)?;
        }
        "transfer-encoding" => {
            if seen.has_transfer_encoding {
                return Err(BadRequest::TransferEncodingMalformed);
            }
            seen.has_transfer_encoding = true;
            check_transfer_encoding(value)?;
        }
        "connection" => check_connection(value)?,
        "expect" if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            return Err(BadRequest::Expectation);
        }
        _ => seen.has_underscore |= text.contains('_'),
    }
    Ok(())
}

fn check_http2_field(name: &HeaderName, value: &HeaderValue) -> Result<(), BadRequest> {
    let is_bad = match name.as_str() {
        "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "upgrade" => true,
        "te" => value.as_bytes() != b"trailers",
        _ => false,
    };
    if is_bad { Err(BadRequest::ConnectionField(name.clone())) } else { Ok(()) }
}

fn check_content_length(value: &HeaderValue) -> Result<(), BadRequest> {
    let digits = value.to_str().map_err(|_| BadRequest::ContentLengthMalformed)?;
    // The number parser would take a sign.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let length = digits.parse::<i64>().map_err(|_| BadRequest::ContentLengthMalformed)?;
    if is_number && length >= 0 { Ok(()) } else { Err(BadRequest::ContentLengthMalformed) }
}

fn check_transfer_encoding(value: &HeaderValue) -> Result<(), BadRequest> {
    if value.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let text = value.to_str().map_err(|_| BadRequest::TransferEncodingMalformed)?;
    let mut codings = text.split(',').map(|coding| coding.trim_matches([' ', '\t']));
    let last_is_chunked = codings.next_back().is_some_and(|last| last.eq_ignore_ascii_case("chunked"));
    let others_are_codings = codings.all(|coding| {
        coding.bytes().all(is_token_byte) && !coding.is_empty() && !coding.eq_ignore_ascii_case("chunked")
    });
    if last_is_chunked && others_are_codings && text.contains(',') {
        Err(BadRequest::TransferEncodingUnsupported)
    } else {
        Err(BadRequest::TransferEncodingMalformed)
    }
}

fn check_connection(value: &HeaderValue) -> Result<(), BadRequest> {
    for option in options(value) {
        if !option.iter().copied().all(is_token_byte) {
            return Err(BadRequest::ConnectionMalformed);
        }
        // The usual two, before anything is allocated.
        if option.eq_ignore_ascii_case(b"keep-alive") || option.eq_ignore_ascii_case(b"close") {
            continue;
        }
        let lower: String = option.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect();
        if is_protected(&lower) {
            return Err(BadRequest::ConnectionNames);
        }
    }
    Ok(())
}

/// RFC 9110, section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Refuses `a_b` where `a-b`, or another spelling of it with underscores, is there too or matters here.
fn check_twins(headers: &HeaderMap) -> Result<(), BadRequest> {
    let mut known: Vec<String> = Vec::new();
    for name in headers.keys().filter(|name| name.as_str().contains('_')) {
        let twin = name.as_str().replace('_', "-");
        let is_hop_by_hop = HeaderName::from_bytes(twin.as_bytes())
            .is_ok_and(|twin| forebay_engine::header_rules::is_hop_by_hop(&twin));
        if is_protected(&twin) || is_hop_by_hop || headers.contains_key(&twin) || known.contains(&twin) {
            return Err(BadRequest::UnderscoreTwin(name.clone()));
        }
        known.push(twin);
    }
    Ok(())
}
