//! `req.body` and `res.body`: read when asked for, replaced when assigned.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use rhai::{Blob, Dynamic, ImmutableString};

use super::{Side, json_from_slice, to_body_bytes};
use crate::exchange::{Body, Exchange};
use crate::host::{Answer, Wait};
use crate::script::context::{HostResult, fail, wait, with_exchange};
use crate::script::table::{HostFunction, host_functions};

/// The body of one message.
#[derive(Debug, Clone, Copy)]
pub struct BodyHandle(pub(super) Side);

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The body as text. Bytes that are no UTF-8 are an error; use `bytes()` for those.
    Waits Method [Body] text() -> Str = text;
    /// The body as bytes.
    Waits Method [Body] bytes() -> Blob = blob;
    /// The body parsed as JSON. Text that is no JSON is an error, which `try` can catch.
    Waits Method [Body] json() -> Any = json;
    /// The size of the body in bytes.
    Waits Getter [Body] len() -> Int = len;
};

fn text(body: &mut BodyHandle) -> HostResult<ImmutableString> {
    let bytes = read(body.0)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(text.into()),
        Err(_) => fail("the body is not UTF-8; use bytes()"),
    }
}

fn blob(body: &mut BodyHandle) -> HostResult<Blob> {
    Ok(read(body.0)?.to_vec())
}

fn json(body: &mut BodyHandle) -> HostResult<Dynamic> {
    match json_from_slice(&read(body.0)?) {
        Ok(value) => Ok(value),
        Err(error) => fail(format!("the body is not JSON: {error}")),
    }
}

fn len(body: &mut BodyHandle) -> HostResult<i64> {
    Ok(i64::try_from(read(body.0)?.len()).unwrap_or(i64::MAX))
}

fn slot(exchange: &mut Exchange, side: Side) -> HostResult<&mut Body> {
    match side {
        Side::Request => Ok(&mut exchange.request.body),
        Side::Response => match &mut exchange.response {
            Some(response) => Ok(&mut response.body),
            None => fail("there is no response yet"),
        },
    }
}

/// The bytes; waits for the gateway to read them the first time.
fn read(side: Side) -> HostResult<Bytes> {
    let there = with_exchange(|exchange| slot(exchange, side).map(|body| body.bytes().cloned()))??;
    if let Some(bytes) = there {
        return Ok(bytes);
    }
    let needed = match side {
        Side::Request => Wait::RequestBody,
        Side::Response => Wait::ResponseBody,
    };
    match wait(needed)? {
        Answer::Body(Ok(bytes)) => with_exchange(|exchange| {
            *slot(exchange, side)? = Body::Read(bytes.clone());
            Ok(bytes)
        })?,
        Answer::Body(Err(reason)) => fail(reason),
        other => fail(format!("the gateway answered a body with {other:?}; please report this as a bug")),
    }
}

/// Replaces a body. The media type is set only where the message has none.
pub(super) fn replace(side: Side, value: &Dynamic) -> HostResult<()> {
    // `req.body.text()` makes Rhai assign the handle back to the property it came from.
    if value.is::<BodyHandle>() {
        return Ok(());
    }
    let (bytes, media_type) = to_body_bytes(value)?;
    with_exchange(|exchange| {
        *slot(exchange, side)? = if bytes.is_empty() { Body::Empty } else { Body::Replaced(bytes) };
        let headers = match (side, &mut exchange.response) {
            (Side::Response, Some(response)) => &mut response.headers,
            _ => &mut exchange.request.headers,
        };
        describe(headers, media_type);
        Ok(())
    })?
}

/// Headers that described the old body go; a media type is given where there is none.
pub(crate) fn describe(headers: &mut HeaderMap, media_type: Option<&'static str>) {
    for stale in [header::CONTENT_ENCODING, header::ETAG, header::ACCEPT_RANGES, header::CONTENT_RANGE] {
        headers.remove(stale);
    }
    for stale in ["content-md5", "digest", "content-digest", "repr-digest"] {
        headers.remove(stale);
    }
    if let Some(media_type) = media_type
        && !headers.contains_key(header::CONTENT_TYPE)
    {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
}
