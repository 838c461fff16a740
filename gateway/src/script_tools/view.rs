//! An exchange as JSON, for reports and as the base of what tests see.
//!
//! A name with one value is a text, one with several a list. Bodies are text where they are UTF-8; other
//! bytes are told by their number. Values that JSON has no form for appear as their type.

use bytes::Bytes;
use forebay_engine::Exchange;
use forebay_engine::exchange::{AccessRecord, Body, Request, Response};
use forebay_engine::script::tools;
use forebay_engine::verdict::Reply;
use http::HeaderMap;
use rhai::{Dynamic, Map};
use serde_json::{Value, json};

use super::scene::Bodies;

/// The bytes of a body, whether a script has read it or not.
pub(super) fn body_bytes<'a>(body: &'a Body, unread: &'a Bytes) -> &'a Bytes {
    body.bytes().unwrap_or(unread)
}

/// The request as it would go upstream.
pub(super) fn request(request: &Request, bodies: &Bodies) -> Value {
    json!({
        "method": request.method.as_str(),
        "path": request.uri.to_string(),
        "headers": headers(&request.headers),
        "body": text(body_bytes(&request.body, &bodies.request)),
    })
}

/// The response as it would go to the client.
pub(super) fn response(response: &Response, bodies: &Bodies) -> Value {
    json!({
        "status": response.status.as_u16(),
        "headers": headers(&response.headers),
        "body": text(body_bytes(&response.body, &bodies.response)),
        "origin": response.origin.as_str(),
    })
}

/// An answer made by a step.
pub(super) fn reply(reply: &Reply) -> Value {
    json!({
        "status": reply.status.as_u16(),
        "headers": headers(&reply.headers),
        "body": text(&reply.body),
    })
}

/// The parts of an exchange that are no message.
pub(super) fn variables(exchange: &Exchange) -> Value {
    json!({
        "vars": map(&exchange.vars),
        "identity": value(&exchange.identity),
        "upstream": exchange.upstream_override,
        "access": exchange.access.as_ref().map(access),
    })
}

fn access(record: &AccessRecord) -> Value {
    json!({ "suppressed": record.suppressed, "extra": map(&record.extra) })
}

/// Header fields by name.
pub(super) fn headers(headers: &HeaderMap) -> Value {
    let names = headers.keys().map(|name| {
        let mut values: Vec<Value> =
            headers.get_all(name).iter().map(|value| tools::header_text(value).as_str().into()).collect();
        let values = if values.len() == 1 { values.remove(0) } else { values.into() };
        (name.to_string(), values)
    });
    Value::Object(names.collect())
}

fn text(bytes: &Bytes) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => format!("({} bytes that are not UTF-8)", bytes.len()).into(),
    }
}

fn map(entries: &Map) -> Value {
    Value::Object(entries.iter().map(|(key, entry)| (key.to_string(), value(entry))).collect())
}

/// A script value as JSON.
pub(super) fn value(dynamic: &Dynamic) -> Value {
    tools::to_json(dynamic).unwrap_or_else(|_| format!("({})", dynamic.type_name()).into())
}
