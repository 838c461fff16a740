//! Preparing an upstream's response for the client.

use http::header::{CONTENT_LENGTH, VIA};
use http::{HeaderMap, HeaderValue, Method, Version};

use super::connection::remove_fields;
use super::via;

/// Turns the fields an upstream sent into those the client gets: hop-by-hop fields and framing go, `Via` is
/// appended. `method` is the request's, `version` the response's.
///
/// An answer to HEAD keeps its `Content-Length`, if it is one number: there it describes a body that is not
/// sent, and nothing else could (RFC 9110, section 8.6).
pub fn prepare_client_response(headers: &mut HeaderMap, method: &Method, version: Version) {
    let keeps_length = *method == Method::HEAD && has_one_length(headers);
    remove_fields(headers, |name| *name == CONTENT_LENGTH && !keeps_length);
    headers.append(VIA, via(version));
}

fn has_one_length(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_LENGTH).iter();
    let is_number = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        (1..=19).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit)
    };
    values.next().is_some_and(is_number) && values.next().is_none()
}
