//! Between the wire and script values: header text, JSON, body bytes.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use rhai::{Blob, Dynamic, ImmutableString, Map};
use serde_json::Value;

use crate::header_rules;
use crate::script::context::{HostResult, fail};

/// Most nested levels of a value turned into JSON; `serde_json` has the same limit for reading.
const JSON_DEPTH_MAX: usize = 128;
/// Most values in one document. A table is shared, so an array of many copies of a large one is small in memory
/// and no limit of the interpreter sees how large it would become as text.
const JSON_VALUES_MAX: usize = 200_000;

/// A header's value as text: UTF-8 where it is valid, else each byte as the Latin-1 character it stood for
/// when the field was defined (RFC 9110, section 5.5), so that nothing is lost.
pub(crate) fn header_text(value: &HeaderValue) -> ImmutableString {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.into(),
        Err(_) => value.as_bytes().iter().map(|&byte| char::from(byte)).collect::<String>().into(),
    }
}

/// A header name that a script may change.
pub(crate) fn header_name(name: &str) -> HostResult<HeaderName> {
    let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
        return fail(format!("{name:?} is no header name; names are letters, digits and -_.!#$%&'*+^`|~"));
    };
    match header_rules::settable(&parsed) {
        Ok(()) => Ok(parsed),
        Err(reason) => fail(format!("header {parsed} cannot be changed by a script: {reason}")),
    }
}

/// A script value as a header's value: strings, characters, numbers and booleans.
pub(crate) fn header_value(name: &HeaderName, value: &Dynamic) -> HostResult<HeaderValue> {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return text_value(name, &text);
    }
    let Some(text) = scalar_text(value) else {
        return fail(format!(
            "header {name} takes a string, number or bool, not {}; use json::stringify for maps and arrays",
            value.type_name()
        ));
    };
    text_value(name, &text)
}

fn text_value(name: &HeaderName, text: &str) -> HostResult<HeaderValue> {
    match HeaderValue::from_str(text).or_else(|_| HeaderValue::from_bytes(text.as_bytes())) {
        Ok(value) => Ok(value),
        Err(_) => fail(format!("the value for header {name} holds a control character or line break")),
    }
}

/// The text of a string, character, number or boolean.
pub(crate) fn scalar_text(value: &Dynamic) -> Option<ImmutableString> {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return Some(text.clone());
    }
    (value.is_int() || value.is_float() || value.is_bool() || value.is_char())
        .then(|| value.to_string().into())
}

/// A JSON value as a script value: whole numbers that fit become `i64`, others `f64`, null becomes `()`.
pub(crate) fn json_to_dynamic(value: Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => flag.into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().unwrap_or(f64::NAN).into(),
        },
        Value::String(text) => text.into(),
        Value::Array(items) => {
            Dynamic::from_array(items.into_iter().map(json_to_dynamic).collect::<Vec<_>>())
        }
        Value::Object(entries) => Dynamic::from_map(
            entries.into_iter().map(|(key, item)| (key.into(), json_to_dynamic(item))).collect::<Map>(),
        ),
    }
}

/// A script value as JSON.
///
/// # Errors
/// Values JSON has no form for (functions, handles, blobs, infinite floats) and nesting beyond 128 levels.
pub(crate) fn dynamic_to_json(value: &Dynamic) -> HostResult<Value> {
    let mut values_left = JSON_VALUES_MAX;
    to_json(value, JSON_DEPTH_MAX, &mut values_left)
}

fn to_json(value: &Dynamic, depth: usize, values_left: &mut usize) -> HostResult<Value> {
    if *values_left == 0 {
        return fail(format!("more than {JSON_VALUES_MAX} values; send them in parts"));
    }
    *values_left -= 1;
    if depth == 0 {
        return fail(format!("value nested more than {JSON_DEPTH_MAX} levels deep; JSON cannot hold it"));
    }
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.as_bool() {
        return Ok(flag.into());
    }
    if let Ok(whole) = value.as_int() {
        return Ok(whole.into());
    }
    if let Ok(number) = value.as_float() {
        return match serde_json::Number::from_f64(number) {
            Some(number) => Ok(number.into()),
            None => fail(format!("JSON has no form for the number {number}")),
        };
    }
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return Ok(text.as_str().into());
    }
    if let Ok(character) = value.as_char() {
        return Ok(character.to_string().into());
    }
    if let Some(items) = value.read_lock::<rhai::Array>() {
        return items
            .iter()
            .map(|item| to_json(item, depth - 1, values_left))
            .collect::<HostResult<Vec<_>>>()
            .map(Value::from);
    }
    if let Some(entries) = value.read_lock::<Map>() {
        let entries =
            entries.iter().map(|(key, item)| Ok((key.to_string(), to_json(item, depth - 1, values_left)?)));
        return entries.collect::<HostResult<serde_json::Map<_, _>>>().map(Value::from);
    }
    if let Some(table) = value.read_lock::<super::Table>() {
        return to_json(&Dynamic::from_map(table.to_map()), depth, values_left);
    }
    fail(format!("JSON has no form for a value of type {}", value.type_name()))
}

/// A script value as a body: strings and blobs as they are, maps and arrays as JSON.
///
/// The second part is the media type the bytes are best described with.
pub(crate) fn to_body_bytes(value: &Dynamic) -> HostResult<(Bytes, Option<&'static str>)> {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return Ok((Bytes::copy_from_slice(text.as_bytes()), Some("text/plain; charset=utf-8")));
    }
    if let Some(blob) = value.read_lock::<Blob>() {
        return Ok((Bytes::copy_from_slice(&blob), Some("application/octet-stream")));
    }
    if value.is_unit() {
        return Ok((Bytes::new(), None));
    }
    if value.is_map() || value.is_array() {
        let text = dynamic_to_json(value)?.to_string();
        return Ok((Bytes::from(text), Some("application/json")));
    }
    fail(format!("a body is a string, a blob, a map or an array, not {}", value.type_name()))
}
