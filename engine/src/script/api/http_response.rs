//! What `http::get` and its kin return.

use std::sync::Arc;

use rhai::{Array, Blob, Dynamic, ImmutableString};

use super::{header_text, json_to_dynamic};
use crate::host::HttpAnswer;
use crate::script::context::{HostResult, fail};
use crate::script::table::{HostFunction, host_functions};

/// The answer to an outbound request.
#[derive(Debug, Clone)]
pub struct HttpResponse(Arc<HttpAnswer>);

impl HttpResponse {
    /// Wraps an answer.
    pub fn new(answer: HttpAnswer) -> Self {
        Self(Arc::new(answer))
    }
}

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The status code.
    Pure Getter [HttpResponse] status() -> Int = status;
    /// Whether the status is 200 to 299.
    Pure Getter [HttpResponse] ok() -> Bool = ok;
    /// The first value of a header field, or `()`.
    Pure Method [HttpResponse] header(name: Str) -> Any = header;
    /// All values of a header field.
    Pure Method [HttpResponse] header_all(name: Str) -> Array = header_all;
    /// The body as text; an error if it is not UTF-8.
    Pure Method [HttpResponse] text() -> Str = text;
    /// The body as bytes.
    Pure Method [HttpResponse] bytes() -> Blob = bytes;
    /// The body parsed as JSON; an error, which `try` can catch, if it is none.
    Pure Method [HttpResponse] json() -> Any = json;
};

fn status(response: &mut HttpResponse) -> i64 {
    i64::from(response.0.status.as_u16())
}

fn ok(response: &mut HttpResponse) -> bool {
    response.0.status.is_success()
}

fn header(response: &mut HttpResponse, name: &str) -> Dynamic {
    response.0.headers.get(name).map_or(Dynamic::UNIT, |value| header_text(value).into())
}

fn header_all(response: &mut HttpResponse, name: &str) -> Array {
    response.0.headers.get_all(name).iter().map(|value| header_text(value).into()).collect()
}

fn text(response: &mut HttpResponse) -> HostResult<ImmutableString> {
    match std::str::from_utf8(&response.0.body) {
        Ok(text) => Ok(text.into()),
        Err(_) => fail("the answer's body is not UTF-8; use bytes()"),
    }
}

fn bytes(response: &mut HttpResponse) -> Blob {
    response.0.body.to_vec()
}

fn json(response: &mut HttpResponse) -> HostResult<Dynamic> {
    match serde_json::from_slice(&response.0.body) {
        Ok(value) => Ok(json_to_dynamic(value)),
        Err(error) => fail(format!("the answer's body is not JSON: {error}")),
    }
}
