//! `req.query`: the query parameters, decoded as browsers encode them (`+` is a blank).

use std::any::TypeId;
use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rhai::{Array, Dynamic, ImmutableString, Map, Module};

use super::convert::scalar_text;
use super::request::{RequestHandle, set_target};
use crate::script::context::{HostResult, fail, with_exchange};
use crate::script::table::{HostFunction, host_functions};

/// The query of the request.
#[derive(Debug, Clone, Copy)]
pub struct Query;

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The first value of a parameter, or `()`.
    Reads IndexGetter [Query] index(name: Str) -> Any = get;
    /// Replaces all values of a parameter; an array gives several, `()` removes it. The others stay as they are.
    Mutates IndexSetter [Query] index(name: Str, value: Any) -> Unit = set;
    /// All values of a parameter, in order.
    Reads Method [Query] get_all(name: Str) -> Array = get_all;
    /// Adds a value beside those that are there.
    Mutates Method [Query] append(name: Str, value: Any) -> Unit = append;
    /// Removes all values of a parameter and says whether there were any.
    Mutates Method [Query] remove(name: Str) -> Bool = remove;
    /// Whether there is such a parameter; also `name in req.query`.
    Reads Method [Query] contains(name: Str) -> Bool = contains;
    /// All parameters as an array of `#{name, value}`, in order; what `for` iterates over.
    Reads Method [Query] entries() -> Array = entries;
    /// The query as it will be sent, without the `?`.
    Reads Method [Query] to_string() -> Str = text;
    /// Number of parameters, counting every value.
    Reads Getter [Query] len() -> Int = len;
};

/// Unreserved characters stay as they are (RFC 3986, section 2.3).
pub(crate) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn set_iterator(module: &mut Module) {
    module.set_iter_result(TypeId::of::<Query>(), |value: Dynamic| match entries(&mut value.cast()) {
        Ok(items) => Box::new(items.into_iter().map(Ok)),
        Err(error) => Box::new(std::iter::once(Err(error))),
    });
}

/// The parameters of a query or form text, decoded.
pub(crate) fn parse(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['+', '%']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// Parameters as a query or form text.
pub(crate) fn serialize<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = pairs.map(|(name, value)| {
        format!("{}={}", utf8_percent_encode(name, ENCODED), utf8_percent_encode(value, ENCODED))
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn with_text<T>(f: impl FnOnce(&str) -> T) -> HostResult<T> {
    with_exchange(|exchange| f(exchange.request.uri.query().unwrap_or("")))
}

/// Keeps the pairs whose name `keep` wants, as they were written, adds values of the parameter `name`, and puts the
/// result into the request.
fn rewrite(keep: impl Fn(&str) -> bool, name: &str, values: &[ImmutableString]) -> HostResult<()> {
    with_exchange(|exchange| {
        let text = exchange.request.uri.query().unwrap_or("");
        let is_kept = |pair: &&str| {
            !pair.is_empty() && keep(&decode(pair.split_once('=').map_or(*pair, |(name, _)| name)))
        };
        let added = serialize(values.iter().map(|value| (name, value.as_str())));
        let added = (!added.is_empty()).then_some(added.as_str());
        let query = text.split('&').filter(is_kept).chain(added).collect::<Vec<_>>().join("&");
        put(&mut exchange.request.uri, &query)
    })?
}

fn put(uri: &mut http::Uri, query: &str) -> HostResult<()> {
    let target = if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) };
    set_target(uri, &target)
}

pub(super) fn replace(_: &mut RequestHandle, value: Dynamic) -> HostResult<()> {
    // `req.query["a"] = 1` makes Rhai assign the handle back to the property it came from.
    if value.is::<Query>() {
        return Ok(());
    }
    let text = if value.is_unit() { Some("".into()) } else { scalar_text(&value) };
    match text {
        Some(text) if !text.contains('#') => {
            with_exchange(|exchange| put(&mut exchange.request.uri, text.trim_start_matches('?')))?
        }
        _ => {
            fail("req.query takes a text without #, or (); single parameters are req.query[\"name\"] = value")
        }
    }
}

fn get(_: &mut Query, name: &str) -> HostResult<Dynamic> {
    with_text(|text| {
        let found = parse(text).find(|(key, _)| key == name);
        found.map_or(Dynamic::UNIT, |(_, value)| ImmutableString::from(&*value).into())
    })
}

fn value_text(name: &str, value: &Dynamic) -> HostResult<ImmutableString> {
    match scalar_text(value) {
        Some(text) => Ok(text),
        None => fail(format!(
            "query parameter {name:?} takes a string, number or bool, not {}",
            value.type_name()
        )),
    }
}

fn set(_: &mut Query, name: &str, value: Dynamic) -> HostResult<()> {
    let values = match value.read_lock::<Array>() {
        Some(items) => items.iter().map(|item| value_text(name, item)).collect::<HostResult<Vec<_>>>()?,
        None if value.is_unit() => Vec::new(),
        None => vec![value_text(name, &value)?],
    };
    rewrite(|key| key != name, name, &values)
}

fn append(_: &mut Query, name: &str, value: Dynamic) -> HostResult<()> {
    let value = value_text(name, &value)?;
    rewrite(|_| true, name, &[value])
}

fn get_all(_: &mut Query, name: &str) -> HostResult<Array> {
    with_text(|text| {
        let values = parse(text).filter(|(key, _)| key == name);
        values.map(|(_, value)| ImmutableString::from(&*value).into()).collect()
    })
}

fn remove(query: &mut Query, name: &str) -> HostResult<bool> {
    let there = contains(query, name)?;
    if there {
        rewrite(|key| key != name, name, &[])?;
    }
    Ok(there)
}

fn contains(_: &mut Query, name: &str) -> HostResult<bool> {
    with_text(|text| parse(text).any(|(key, _)| key == name))
}

fn entries(_: &mut Query) -> HostResult<Array> {
    with_text(|text| parse(text).map(|(name, value)| entry(&name, &value)).collect())
}

/// One element of what `for` iterates over: `#{name, value}`.
pub(super) fn entry(name: &str, value: &str) -> Dynamic {
    let mut entry = Map::new();
    entry.insert("name".into(), name.into());
    entry.insert("value".into(), value.into());
    Dynamic::from_map(entry)
}

fn text(_: &mut Query) -> HostResult<ImmutableString> {
    with_text(|text| text.into())
}

fn len(_: &mut Query) -> HostResult<i64> {
    with_text(|text| i64::try_from(parse(text).count()).unwrap_or(i64::MAX))
}
