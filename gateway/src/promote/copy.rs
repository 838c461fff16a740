//! Copies of exchanges that share nothing with the original.
//!
//! Header values and bodies are slices of a connection's read buffer, which a copy must not keep alive; script
//! values may be shared cells, which a copy must not change. An exchange that holds a value without a faithful
//! copy (a closure, a shared cell) has none.

use bytes::Bytes;
use forebay_engine::Exchange;
use forebay_engine::exchange::{Body, Request, Response, RouteInfo};
use forebay_engine::filter::Filters;
use http::{HeaderMap, HeaderValue, Uri};
use rhai::{Array, Blob, Dynamic, Map};

/// Deepest nesting of values that is followed.
const DEPTH_MAX: usize = 128;

/// A copy of an exchange, with about the memory it holds.
pub(crate) fn exchange(original: &Exchange) -> Option<(Exchange, usize)> {
    let mut bytes = 512;
    let copy = Exchange {
        id: original.id.clone(),
        request: Request {
            method: original.request.method.clone(),
            uri: uri(&original.request.uri),
            raw_target: original.request.raw_target.clone(),
            scheme: original.request.scheme,
            host: original.request.host.clone(),
            version: original.request.version,
            headers: headers(&original.request.headers, &mut bytes),
            body: body(&original.request.body, &mut bytes),
        },
        response: original.response.as_ref().map(|response| Response {
            status: response.status,
            headers: headers(&response.headers, &mut bytes),
            body: body(&response.body, &mut bytes),
            origin: response.origin.clone(),
        }),
        client: original.client.clone(),
        route: RouteInfo { name: original.route.name.clone(), params: original.route.params.clone() },
        identity: value(&original.identity, 0, &mut bytes)?,
        vars: map(&original.vars, 0, &mut bytes)?,
        upstream_override: original.upstream_override.clone(),
        request_body_max: original.request_body_max,
        answer_fields: original.answer_fields.clone(),
        attempt: original.attempt,
        failure: original.failure.clone(),
        access: match &original.access {
            None => None,
            Some(access) => {
                let extra = map(&access.extra, 0, &mut bytes)?;
                let mut copy = access.clone();
                copy.extra = extra;
                Some(copy)
            }
        },
        // A filter acts on the body of the original; a copy has no body that is sent.
        filters: Filters::default(),
    };
    bytes += 3 * original.request.raw_target.len() + original.request.host.len();
    Some((copy, bytes))
}

fn uri(original: &Uri) -> Uri {
    // The text of a valid target is a valid target.
    original.to_string().parse().unwrap_or_else(|_| original.clone())
}

fn headers(original: &HeaderMap, bytes: &mut usize) -> HeaderMap {
    let mut copy = HeaderMap::with_capacity(original.len());
    for (name, value) in original {
        *bytes += 96 + name.as_str().len() + value.len();
        let mut own = HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
        own.set_sensitive(value.is_sensitive());
        copy.append(name.clone(), own);
    }
    copy
}

fn body(original: &Body, bytes: &mut usize) -> Body {
    let own = |content: &Bytes| Bytes::copy_from_slice(content);
    *bytes += original.bytes().map_or(0, Bytes::len);
    match original {
        Body::Empty => Body::Empty,
        Body::Unread => Body::Unread,
        Body::Read(content) => Body::Read(own(content)),
        Body::Replaced(content) => Body::Replaced(own(content)),
    }
}

fn map(original: &Map, depth: usize, bytes: &mut usize) -> Option<Map> {
    let copied = original.iter().map(|(key, entry)| {
        *bytes += 32 + key.len();
        Some((key.clone(), value(entry, depth + 1, bytes)?))
    });
    copied.collect()
}

fn value(original: &Dynamic, depth: usize, bytes: &mut usize) -> Option<Dynamic> {
    if original.is_shared() || original.is_fnptr() || depth > DEPTH_MAX {
        return None;
    }
    *bytes += 16;
    if let Some(items) = original.read_lock::<Array>() {
        let items: Option<Array> = items.iter().map(|item| value(item, depth + 1, bytes)).collect();
        return items.map(Dynamic::from_array);
    }
    if let Some(entries) = original.read_lock::<Map>() {
        return map(&entries, depth, bytes).map(Dynamic::from_map);
    }
    if let Some(blob) = original.read_lock::<Blob>() {
        *bytes += blob.len();
    } else if let Ok(text) = original.as_immutable_string_ref() {
        *bytes += text.len();
    }
    Some(original.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_copied_and_what_cannot_be_is_refused() {
        let nested = Dynamic::from_array(vec![1.into(), Dynamic::from_map(Map::new()), "x".into()]);
        let mut bytes = 0;
        let copy = value(&nested, 0, &mut bytes).unwrap();
        assert_eq!(copy.as_array_ref().unwrap().len(), 3);
        assert!(bytes > 3 * 16);
        let shared = Dynamic::from(5_i64).into_shared();
        assert!(value(&shared, 0, &mut bytes).is_none());
        let hidden = Dynamic::from_array(vec![shared]);
        assert!(value(&hidden, 0, &mut bytes).is_none(), "a shared cell anywhere in it");
        let pointer = Dynamic::from(rhai::FnPtr::new("f").unwrap());
        assert!(value(&Dynamic::from_array(vec![pointer]), 0, &mut bytes).is_none());
    }

    #[test]
    fn header_values_have_memory_of_their_own() {
        let buffer = Bytes::from(vec![b'x'; 4096]);
        let mut original = HeaderMap::new();
        original.append("a", HeaderValue::from_maybe_shared(buffer.slice(0..4)).unwrap());
        original.append("a", HeaderValue::from_static("y"));
        let mut bytes = 0;
        let copy = headers(&original, &mut bytes);
        assert_eq!(copy, original);
        assert_ne!(copy["a"].as_bytes().as_ptr(), original["a"].as_bytes().as_ptr());
    }
}
