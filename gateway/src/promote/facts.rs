//! Exchanges, verdicts and records as JSON: for telling two of them apart, and for people.
//!
//! Two values give the same JSON exactly when a script or a client could not tell them apart: integers and floats
//! differ, so do 0.0 and -0.0, and header fields keep their order.

use forebay_engine::exchange::{AccessRecord, Body, Response};
use forebay_engine::{Exchange, Place, ScriptError, Verdict};
use http::HeaderMap;
use rhai::{Array, Blob, Dynamic, Map};
use serde_json::{Value, json};

use super::record::Event;
use super::replay::asked;

/// Deepest nesting of values that is followed.
const DEPTH_MAX: usize = 128;

/// What a step can change of an exchange.
pub(super) fn exchange(exchange: &Exchange) -> Value {
    json!({
        "request": {
            "method": exchange.request.method.as_str(),
            "target": exchange.request.uri.to_string(),
            "host": exchange.request.host,
            "headers": headers(&exchange.request.headers),
            "body": body(&exchange.request.body),
        },
        "response": exchange.response.as_ref().map(response),
        "identity": value(&exchange.identity, 0),
        "vars": map(&exchange.vars, 0),
        "upstream": exchange.upstream_override,
        "access": exchange.access.as_ref().map(access),
    })
}

/// What a step cannot change, for people.
pub(super) fn surroundings(exchange: &Exchange) -> Value {
    let params: Vec<Value> =
        exchange.route.params.iter().map(|(name, value)| json!([&**name, value])).collect();
    json!({
        "id": exchange.id,
        "client": exchange.client.ip.to_string(),
        "route": &*exchange.route.name,
        "params": params,
        "attempt": exchange.attempt,
        "failure": exchange.failure.as_ref().map(|failure| json!({
            "status": failure.status.as_u16(), "kind": failure.kind, "message": failure.message,
        })),
    })
}

fn response(response: &Response) -> Value {
    json!({
        "status": response.status.as_u16(),
        "headers": headers(&response.headers),
        "body": body(&response.body),
    })
}

fn access(access: &AccessRecord) -> Value {
    json!({ "extra": map(&access.extra, 0), "suppressed": access.suppressed })
}

fn headers(headers: &HeaderMap) -> Value {
    let fields = headers.iter().map(|(name, value)| json!([name.as_str(), bytes(value.as_bytes())]));
    fields.collect()
}

fn body(body: &Body) -> Value {
    match body {
        Body::Empty => json!("empty"),
        Body::Unread => json!("unread"),
        Body::Read(content) => json!({ "read": bytes(content) }),
        Body::Replaced(content) => json!({ "replaced": bytes(content) }),
    }
}

/// Text where it is text.
fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "bytes": hex(bytes) }),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn map(map: &Map, depth: usize) -> Value {
    map.iter().map(|(key, entry)| (key.to_string(), value(entry, depth + 1))).collect()
}

fn value(dynamic: &Dynamic, depth: usize) -> Value {
    if dynamic.is_unit() {
        return Value::Null;
    }
    if let Ok(number) = dynamic.as_int() {
        return json!(number);
    }
    if let Ok(number) = dynamic.as_float() {
        return json!({ "float": format!("{number:?}") });
    }
    if let Ok(flag) = dynamic.as_bool() {
        return json!(flag);
    }
    if let Ok(character) = dynamic.as_char() {
        return json!({ "char": character });
    }
    if let Ok(text) = dynamic.as_immutable_string_ref() {
        return json!(text.as_str());
    }
    if depth > DEPTH_MAX {
        return json!({ "type": "nested too deeply" });
    }
    if let Some(items) = dynamic.read_lock::<Array>() {
        return items.iter().map(|item| value(item, depth + 1)).collect();
    }
    if let Some(entries) = dynamic.read_lock::<Map>() {
        return json!({ "map": map(&entries, depth) });
    }
    if let Some(blob) = dynamic.read_lock::<Blob>() {
        return json!({ "blob": hex(&blob) });
    }
    json!({ "type": dynamic.type_name() })
}

/// What a step decided.
pub(crate) fn verdict(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Continue => json!("continue"),
        Verdict::Reply(reply) => json!({ "reply": {
            "status": reply.status.as_u16(),
            "headers": headers(&reply.headers),
            "body": bytes(&reply.body),
        }}),
        Verdict::Refuse(refusal) => json!({ "refusal": {
            "status": refusal.status.as_u16(),
            "kind": refusal.kind,
            "message": refusal.message,
            "headers": headers(&refusal.headers),
        }}),
        Verdict::Fail(error) => json!({ "error": script_error(error) }),
    }
}

fn script_error(error: &ScriptError) -> Value {
    let place = |place: Option<Place>| place.map(|place| place.to_string());
    let frame = |frame: &forebay_engine::Frame| json!([frame.function, place(frame.called_at)]);
    json!({
        "script": &*error.script,
        "kind": error.kind.as_str(),
        "message": error.message,
        "place": place(error.place),
        "stack": error.stack.iter().map(frame).collect::<Vec<_>>(),
    })
}

/// What was asked of the host, with the answers; values of secrets are left out.
pub(super) fn trace(events: &[Event]) -> Value {
    let answered = |event: &Event| match event {
        Event::UnixTime(time) => json!(time.to_string()),
        Event::Random(random) => json!(hex(random)),
        Event::Log(..) | Event::Metric(..) => Value::Null,
        Event::Env(_, result) => json!(format!("{result:?}")),
        Event::Secret(_, result) => json!(if result.is_ok() { "***" } else { "refused" }),
        Event::Waited(_, answer) => answer_value(answer),
    };
    events.iter().map(|event| json!({ "asked": asked(event), "answer": answered(event) })).collect()
}

fn answer_value(answer: &forebay_engine::Answer) -> Value {
    match answer {
        forebay_engine::Answer::Body(Ok(content)) => bytes(content),
        other => json!(format!("{other:?}")),
    }
}

/// Where two values first differ: a path such as `request.headers.3.1`, with both sides.
pub(super) fn difference(one: &Value, other: &Value) -> Option<(String, Value, Value)> {
    let mut path = Vec::new();
    let (one, other) = first(one, other, &mut path)?;
    Some((path.join("."), one, other))
}

fn first(one: &Value, other: &Value, path: &mut Vec<String>) -> Option<(Value, Value)> {
    let step = |key: String, one: &Value, other: &Value, path: &mut Vec<String>| {
        path.push(key);
        let found = first(one, other, path);
        if found.is_none() {
            path.pop();
        }
        found
    };
    match (one, other) {
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => {
            let mut pairs = ones.iter().zip(others).enumerate();
            pairs.find_map(|(index, (one, other))| step(index.to_string(), one, other, path))
        }
        (Value::Object(ones), Value::Object(others)) => {
            let keys: std::collections::BTreeSet<&String> = ones.keys().chain(others.keys()).collect();
            keys.into_iter().find_map(|key| {
                let side = |side: &serde_json::Map<String, Value>| side.get(key).cloned();
                match (side(ones), side(others)) {
                    (Some(one), Some(other)) => step(key.clone(), &one, &other, path),
                    (one, other) => {
                        path.push(key.clone());
                        Some((one.unwrap_or(Value::Null), other.unwrap_or(Value::Null)))
                    }
                }
            })
        }
        _ if one == other => None,
        _ => Some((one.clone(), other.clone())),
    }
}

/// Header fields whose values are credentials; evidence shows their lengths only.
pub(super) fn mask(evidence: &mut Value) {
    const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "set-cookie", "proxy-authorization"];
    match evidence {
        Value::Array(items) => {
            if let [Value::String(name), Value::String(text)] = items.as_mut_slice()
                && CREDENTIALS.contains(&name.to_ascii_lowercase().as_str())
            {
                *text = format!("*** ({} bytes)", text.len());
                return;
            }
            items.iter_mut().for_each(mask);
        }
        Value::Object(entries) => entries.values_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_can_tell_apart_differs() {
        let facts = |dynamic: Dynamic| value(&dynamic, 0);
        assert_ne!(facts(1_i64.into()), facts(1.0.into()));
        assert_ne!(facts(0.0.into()), facts((-0.0).into()));
        assert_ne!(facts('a'.into()), facts("a".into()));
        assert_ne!(facts(Dynamic::from_blob(vec![97])), facts("a".into()));
        assert_ne!(facts(Dynamic::UNIT), facts("".into()));
        assert_eq!(facts(f64::NAN.into()), facts(f64::NAN.into()));
        assert_ne!(
            facts(Dynamic::from_map(Map::new())),
            facts(Dynamic::from_array(Array::new())),
            "an empty map is no empty array"
        );
    }

    #[test]
    fn the_first_difference_is_named_by_its_path() {
        let one = json!({ "a": [1, { "b": 2 }], "c": 1 });
        assert_eq!(difference(&one, &one.clone()), None);
        let other = json!({ "a": [1, { "b": 3 }], "c": 2 });
        assert_eq!(difference(&one, &other), Some(("a.1.b".into(), json!(2), json!(3))));
        assert_eq!(difference(&one, &json!({ "a": [1], "c": 1 })).unwrap().0, "a");
        assert_eq!(difference(&one, &json!({ "c": 1 })).unwrap().0, "a");
    }

    #[test]
    fn credentials_do_not_reach_evidence() {
        let mut evidence = json!({ "headers": [["Authorization", "Bearer abc"], ["x", "abc"]] });
        mask(&mut evidence);
        assert_eq!(evidence, json!({ "headers": [["Authorization", "*** (10 bytes)"], ["x", "abc"]] }));
    }
}
