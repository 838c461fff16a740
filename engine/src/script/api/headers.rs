//! `req.headers` and `res.headers`: multi-valued, names in any case.

use std::any::TypeId;

use http::{HeaderMap, HeaderName};
use rhai::{Array, Dynamic, ImmutableString, Map, Module};

use super::{Side, header_name, header_text, header_value};
use crate::script::bind::Prepared;
use crate::script::context::{HostResult, fail, with_exchange};
use crate::script::table::{HostFunction, host_functions};

/// The header fields of one message.
#[derive(Debug, Clone, Copy)]
pub struct Headers(pub(super) Side);

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The first value of a header field, or `()`. Bytes that are no UTF-8 read as Latin-1.
    Reads IndexGetter [Headers] index(name: Str) -> Any = get;
    /// Replaces all values of a header field; an array gives several, `()` removes it.
    Mutates IndexSetter [Headers] index(name: Str, value: Any) -> Unit = set;
    /// All values of a header field, in order.
    Reads Method [Headers] get_all(name: Str) -> Array = get_all;
    /// Adds a value beside those that are there.
    Mutates Method [Headers] append(name: Str, value: Any) -> Unit = append;
    /// Removes all values of a header field and says whether there were any.
    Mutates Method [Headers] remove(name: Str) -> Bool = remove;
    /// Whether there is such a field; also `name in req.headers`.
    Reads Method [Headers] contains(name: Str) -> Bool = contains;
    /// The names of all fields, lower case, each once.
    Reads Method [Headers] names() -> Array = names;
    /// All fields as an array of `#{name, value}`, in order; what `for` iterates over.
    Reads Method [Headers] entries() -> Array = entries;
    /// Number of fields, counting every value.
    Reads Getter [Headers] len() -> Int = len;
};

pub(super) fn set_iterator(module: &mut Module) {
    module.set_iter_result(TypeId::of::<Headers>(), |value: Dynamic| match entries(&mut value.cast()) {
        Ok(items) => Box::new(items.into_iter().map(Ok)),
        Err(error) => Box::new(std::iter::once(Err(error))),
    });
}

/// Calls `f` with the header map; a response that is not there yet is an error.
fn with_map<T>(side: Side, f: impl FnOnce(&mut HeaderMap) -> HostResult<T>) -> HostResult<T> {
    with_exchange(|exchange| match side {
        Side::Request => f(&mut exchange.request.headers),
        Side::Response => match &mut exchange.response {
            Some(response) => f(&mut response.headers),
            None => fail("there is no response yet"),
        },
    })?
}

fn get(headers: &mut Headers, name: &str) -> HostResult<Dynamic> {
    with_map(headers.0, |map| Ok(map.get(name).map_or(Dynamic::UNIT, |value| header_text(value).into())))
}

fn set(headers: &mut Headers, name: &str, value: Dynamic) -> HostResult<()> {
    replace(*headers, header_name(name)?, &value)
}

fn replace(headers: Headers, name: HeaderName, value: &Dynamic) -> HostResult<()> {
    if let Some(items) = value.read_lock::<Array>() {
        let values = items.iter().map(|item| header_value(&name, item)).collect::<HostResult<Vec<_>>>()?;
        return with_map(headers.0, |map| {
            map.remove(&name);
            values.into_iter().try_for_each(|value| store(map, name.clone(), value, HeaderMap::try_append))
        });
    }
    with_map(headers.0, |map| {
        if value.is_unit() {
            map.remove(name);
        } else {
            let value = header_value(&name, value)?;
            store(map, name, value, HeaderMap::try_insert)?;
        }
        Ok(())
    })
}

/// Reads a field of a constant name, which is parsed once.
pub(super) fn prepare_get(headers: Headers, name: &str) -> Option<Prepared> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    Some(Box::new(move |_| {
        with_map(headers.0, |map| Ok(map.get(&name).map_or(Dynamic::UNIT, |value| header_text(value).into())))
    }))
}

/// Replaces a field of a constant name that may be changed.
pub(super) fn prepare_set(headers: Headers, name: &str) -> Option<Prepared> {
    let name = header_name(name).ok()?;
    Some(Box::new(move |arguments| {
        let [value] = arguments else { return fail("an assignment has one value") };
        // A name of our own: clones of one would all count in the same place.
        let own = HeaderName::from_lowercase(name.as_str().as_bytes()).unwrap_or_else(|_| name.clone());
        replace(headers, own, value).map(|()| Dynamic::UNIT)
    }))
}

fn append(headers: &mut Headers, name: &str, value: Dynamic) -> HostResult<()> {
    let name = header_name(name)?;
    let value = header_value(&name, &value)?;
    with_map(headers.0, |map| store(map, name, value, HeaderMap::try_append))
}

/// Inserts or appends; a full map (32,768 fields) is an error, not a panic.
fn store<T>(
    map: &mut HeaderMap,
    name: HeaderName,
    value: http::HeaderValue,
    how: fn(&mut HeaderMap, HeaderName, http::HeaderValue) -> Result<T, http::header::MaxSizeReached>,
) -> HostResult<()> {
    match how(map, name, value) {
        Ok(_) => Ok(()),
        Err(_) => fail("too many header fields"),
    }
}

fn get_all(headers: &mut Headers, name: &str) -> HostResult<Array> {
    with_map(headers.0, |map| Ok(map.get_all(name).iter().map(|value| header_text(value).into()).collect()))
}

fn remove(headers: &mut Headers, name: &str) -> HostResult<bool> {
    let name = header_name(name)?;
    with_map(headers.0, |map| Ok(map.remove(name).is_some()))
}

fn contains(headers: &mut Headers, name: &str) -> HostResult<bool> {
    with_map(headers.0, |map| Ok(map.contains_key(name)))
}

fn names(headers: &mut Headers) -> HostResult<Array> {
    with_map(headers.0, |map| {
        Ok(map.keys().map(|name| ImmutableString::from(name.as_str()).into()).collect())
    })
}

fn entries(headers: &mut Headers) -> HostResult<Array> {
    with_map(headers.0, |map| {
        let entry = |(name, value): (&HeaderName, &http::HeaderValue)| {
            let mut entry = Map::new();
            entry.insert("name".into(), name.as_str().into());
            entry.insert("value".into(), header_text(value).into());
            Dynamic::from_map(entry)
        };
        Ok(map.iter().map(entry).collect())
    })
}

fn len(headers: &mut Headers) -> HostResult<i64> {
    with_map(headers.0, |map| Ok(i64::try_from(map.len()).unwrap_or(i64::MAX)))
}
