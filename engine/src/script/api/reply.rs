//! `reply(...)`: the answer a hook returns to end the exchange.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use rhai::{Array, Dynamic, Map};

use super::{header_name, header_value, to_body_bytes};
use crate::script::context::{HostResult, fail};
use crate::script::table::{HostFunction, host_functions};
use crate::verdict;

/// An answer, as `reply(...)` makes it and a hook returns it.
#[derive(Debug, Clone)]
pub struct Reply(pub(in crate::script) verdict::Reply);

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// An answer without a body; return it from a hook to end the exchange.
    Pure Global [_] reply(status: Int) -> Reply = with_status;
    /// An answer: the body is a string, a blob, or a map or array that becomes JSON.
    Pure Global [_] reply(status: Int, body: Any) -> Reply = with_body;
    /// An answer from a map: `status` (200 if missing), `headers` (a map; arrays give several values), `body`.
    Pure Global [_] reply(answer: Map) -> Reply = from_map;
    /// The status code of an answer.
    Pure Getter [Reply] status() -> Int = status;
};

fn with_status(status: i64) -> HostResult<Reply> {
    let status = super::response::status_code(status)?;
    Ok(Reply(verdict::Reply { status, headers: HeaderMap::new(), body: Bytes::new() }))
}

fn with_body(status: i64, body: Dynamic) -> HostResult<Reply> {
    let mut reply = with_status(status)?;
    set_body(&mut reply.0, &body)?;
    Ok(reply)
}

fn set_body(reply: &mut verdict::Reply, body: &Dynamic) -> HostResult<()> {
    let (bytes, media_type) = to_body_bytes(body)?;
    reply.body = bytes;
    super::body::describe(&mut reply.headers, media_type);
    Ok(())
}

fn from_map(answer: Map) -> HostResult<Reply> {
    let mut reply = verdict::Reply { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::new() };
    for (key, value) in &answer {
        match key.as_str() {
            "status" => match value.as_int() {
                Ok(code) => reply.status = super::response::status_code(code)?,
                Err(found) => return fail(format!("reply: status is an integer, not {found}")),
            },
            "headers" => match value.read_lock::<Map>() {
                Some(headers) => set_headers(&mut reply.headers, &headers)?,
                None => return fail(format!("reply: headers is a map, not {}", value.type_name())),
            },
            "body" => {}
            other => {
                return fail(format!("reply: unknown key {other:?}; there are status, headers and body"));
            }
        }
    }
    if let Some(body) = answer.get("body") {
        set_body(&mut reply, body)?;
    }
    Ok(Reply(reply))
}

/// Header fields from a map; an array gives one field per element.
pub(crate) fn set_headers(headers: &mut HeaderMap, entries: &Map) -> HostResult<()> {
    for (key, value) in entries {
        let name = header_name(key)?;
        let values = match value.read_lock::<Array>() {
            Some(values) => {
                values.iter().map(|value| header_value(&name, value)).collect::<HostResult<_>>()?
            }
            None if value.is_unit() => Vec::new(),
            None => vec![header_value(&name, value)?],
        };
        for value in values {
            headers.append(name.clone(), value);
        }
    }
    Ok(())
}

fn status(reply: &mut Reply) -> i64 {
    i64::from(reply.0.status.as_u16())
}
