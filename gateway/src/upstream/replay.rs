//! A copy of a request, kept while it is sent over a connection that may turn out to be dead.
//!
//! hyper consumes the request it sends, and gives it back only if it was not begun. To send a request a second
//! time after that, its head must have been copied beforehand; that happens for nearly every request and is
//! needed for nearly none, so the copy is one flat buffer that is used again, not a clone of the header map.

use std::cell::RefCell;

use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Uri, Version};

use super::error::{Fault, UpstreamErrorKind};
use crate::body::ProxyBody;

/// Buffers kept for the next copies, and the largest that is.
const BUFFERS_MAX: usize = 64;
const BUFFER_BYTES_MAX: usize = 16 * 1024;

/// Copies requests, and keeps the buffers for it. One per worker.
#[derive(Default)]
pub(super) struct Recorder {
    buffers: RefCell<Vec<Vec<u8>>>,
}

/// A request that can be sent once more: idempotent, with a body that is empty or in memory.
pub(super) struct Replay {
    method: Method,
    body: ProxyBody,
    /// Target, then names and values of the header fields in turn, each after its length.
    head: Vec<u8>,
}

impl Recorder {
    /// A copy of the request, or `None` if sending it twice could do harm or is not possible.
    pub(super) fn record(&self, request: &Request<ProxyBody>) -> Option<Replay> {
        if request.method().is_idempotent() { self.copy(request) } else { None }
    }

    /// A copy of the request, whatever its method; `None` if its body can be sent only once.
    pub(super) fn copy(&self, request: &Request<ProxyBody>) -> Option<Replay> {
        let body = request.body().replay()?;
        let mut head = self.buffers.borrow_mut().pop().unwrap_or_default();
        head.clear();
        let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        append(&mut head, target.as_bytes());
        for (name, value) in request.headers() {
            append(&mut head, name.as_str().as_bytes());
            append(&mut head, value.as_bytes());
        }
        Some(Replay { method: request.method().clone(), body, head })
    }

    /// Takes back the buffer of a copy that is not needed any more.
    pub(super) fn recycle(&self, replay: Replay) {
        let mut buffers = self.buffers.borrow_mut();
        if buffers.len() < BUFFERS_MAX && replay.head.capacity() <= BUFFER_BYTES_MAX {
            buffers.push(replay.head);
        }
    }
}

impl Replay {
    /// Whether the request could be sent now.
    pub(super) fn is_good(&self) -> bool {
        self.body.can_begin()
    }

    /// Whether it has its whole body, and needs nothing of the original any more.
    pub(super) fn is_whole(&self) -> bool {
        self.body.is_here()
    }

    /// The request as it was.
    pub(super) fn into_request(self) -> Result<Request<ProxyBody>, Fault> {
        // what was copied from valid parts is valid: an error here is a bug, and costs one request
        let broken = |error: &dyn ToString| Fault::new(UpstreamErrorKind::Reset, error.to_string());
        let mut fields = Fields(&self.head);
        let uri = Uri::try_from(fields.next().unwrap_or(b"/")).map_err(|error| broken(&error))?;
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_11;
        while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
            let name = HeaderName::from_bytes(name).map_err(|error| broken(&error))?;
            let value = HeaderValue::from_bytes(value).map_err(|error| broken(&error))?;
            request.headers_mut().append(name, value);
        }
        Ok(request)
    }
}

fn append(head: &mut Vec<u8>, field: &[u8]) {
    head.extend_from_slice(&field.len().to_ne_bytes());
    head.extend_from_slice(field);
}

/// Reads what [`append`] wrote.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (field, rest) = rest.split_at_checked(usize::from_ne_bytes(*length))?;
        self.0 = rest;
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn request(method: Method, body: ProxyBody) -> Request<ProxyBody> {
        let request = Request::builder().method(method).uri("/a%20b?c=d");
        request.header("host", "h:1").header("x", "1").header("y", "").header("x", "2").body(body).unwrap()
    }

    #[test]
    fn gives_back_the_whole_request_and_uses_its_buffer_again() {
        let recorder = Recorder::default();
        for _ in 0..2 {
            let original = request(Method::PUT, ProxyBody::full(Bytes::from_static(b"body")));
            let copy = recorder.record(&original).unwrap().into_request().unwrap();
            assert_eq!(copy.method(), original.method());
            assert_eq!(copy.uri(), original.uri());
            assert_eq!(copy.headers(), original.headers());
            assert_eq!(http_body::Body::size_hint(copy.body()).exact(), Some(4));
            recorder.recycle(recorder.record(&original).unwrap());
            assert_eq!(recorder.buffers.borrow().len(), 1);
        }
    }

    #[test]
    fn refuses_what_must_not_be_sent_twice() {
        let recorder = Recorder::default();
        for method in [Method::POST, Method::PATCH, Method::CONNECT, Method::from_bytes(b"X").unwrap()] {
            assert!(recorder.record(&request(method, ProxyBody::empty())).is_none());
        }
    }
}
