//! A request in the form that HTTP/2 wants it (RFC 9113, section 8.3.1), and back.
//!
//! Scheme and authority are part of the target there, and take the place of `Host`. Requests are kept in the form of
//! HTTP/1.1 until it is known over which connection they go, and get it back when they were not sent.

use http::header::{HOST, HeaderValue, TE, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Version};

use crate::body::ProxyBody;

/// Puts the host into the target. `scheme` is `http` or `https`.
pub(super) fn make(request: &mut Request<ProxyBody>, scheme: &str) {
    *request.version_mut() = Version::HTTP_2;
    let headers = request.headers_mut();
    headers.remove(TRANSFER_ENCODING);
    // Trailers are passed on; gRPC servers insist on being told so.
    headers.insert(TE, HeaderValue::from_static("trailers"));
    // The host was checked when the request came in, so it is an authority; should it not be, there is none.
    let host = headers.remove(HOST).and_then(|host| Authority::from_maybe_shared(host).ok());
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    if host.is_some() {
        parts.scheme = Some(if scheme == "https" { Scheme::HTTPS } else { Scheme::HTTP });
        parts.path_and_query.get_or_insert_with(|| PathAndQuery::from_static("/"));
    }
    parts.authority = host;
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
}

/// Puts the host back among the header fields.
pub(super) fn undo(request: &mut Request<ProxyBody>) {
    *request.version_mut() = Version::HTTP_11;
    let parts = std::mem::take(request.uri_mut()).into_parts();
    let headers = request.headers_mut();
    headers.remove(TE);
    if let Some(host) = parts.authority.and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        headers.insert(HOST, host);
    }
    if let Some(target) = parts.path_and_query {
        *request.uri_mut() = Uri::from(target);
    }
    // The framing that HTTP/1.1 needs.
    super::transmit::frame(request);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_http2_can_be_undone() {
        let request =
            Request::builder().method("PUT").uri("/a%20b?c=d").header("host", "h:1").header("x", "1");
        let mut request = request.body(ProxyBody::full(bytes::Bytes::from_static(b"body"))).unwrap();
        super::super::transmit::frame(&mut request);
        let (uri, headers) = (request.uri().clone(), request.headers().clone());
        make(&mut request, "https");
        assert_eq!(request.uri(), "https://h:1/a%20b?c=d");
        assert_eq!(
            (request.headers().get(HOST), &request.headers()[TE]),
            (None, &"trailers".parse().unwrap())
        );
        undo(&mut request);
        assert_eq!((request.uri(), request.headers()), (&uri, &headers));
    }
}
