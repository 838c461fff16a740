//! `req.cookies`: the cookies of the request (RFC 6265, section 4.2). New ones are set on the response.

use std::any::TypeId;

use http::{HeaderMap, HeaderValue, header};
use rhai::{Array, Dynamic, ImmutableString, Module};

use super::query::entry;
use crate::script::context::{HostResult, with_exchange};
use crate::script::table::{HostFunction, host_functions};

/// The cookies of the request.
#[derive(Debug, Clone, Copy)]
pub struct Cookies;

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The value of a cookie, or `()`.
    Reads IndexGetter [Cookies] index(name: Str) -> Any = get;
    /// Whether there is such a cookie; also `name in req.cookies`.
    Reads Method [Cookies] contains(name: Str) -> Bool = contains;
    /// Keeps a cookie from the upstream and says whether there was one.
    Mutates Method [Cookies] remove(name: Str) -> Bool = remove;
    /// All cookies as an array of `#{name, value}`, in order; what `for` iterates over.
    Reads Method [Cookies] entries() -> Array = entries;
    /// Number of cookies.
    Reads Getter [Cookies] len() -> Int = len;
};

pub(super) fn set_iterator(module: &mut Module) {
    module.set_iter_result(TypeId::of::<Cookies>(), |value: Dynamic| match entries(&mut value.cast()) {
        Ok(items) => Box::new(items.into_iter().map(Ok)),
        Err(error) => Box::new(std::iter::once(Err(error))),
    });
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        let unquoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        Some((name, unquoted.unwrap_or(value)))
    })
}

fn get(_: &mut Cookies, name: &str) -> HostResult<Dynamic> {
    with_exchange(|exchange| {
        let found = pairs(&exchange.request.headers).find(|(key, _)| *key == name);
        found.map_or(Dynamic::UNIT, |(_, value)| ImmutableString::from(value).into())
    })
}

fn contains(_: &mut Cookies, name: &str) -> HostResult<bool> {
    with_exchange(|exchange| pairs(&exchange.request.headers).any(|(key, _)| key == name))
}

fn remove(cookies: &mut Cookies, name: &str) -> HostResult<bool> {
    if !contains(cookies, name)? {
        return Ok(false);
    }
    with_exchange(|exchange| {
        let headers = &mut exchange.request.headers;
        let kept: Vec<_> =
            pairs(headers).filter(|(key, _)| *key != name).map(|(k, v)| format!("{k}={v}")).collect();
        headers.remove(header::COOKIE);
        if let Ok(value) = HeaderValue::from_str(&kept.join("; "))
            && !kept.is_empty()
        {
            headers.insert(header::COOKIE, value);
        }
        true
    })
}

fn entries(_: &mut Cookies) -> HostResult<Array> {
    with_exchange(|exchange| {
        pairs(&exchange.request.headers).map(|(name, value)| entry(name, value)).collect()
    })
}

fn len(_: &mut Cookies) -> HostResult<i64> {
    with_exchange(|exchange| i64::try_from(pairs(&exchange.request.headers).count()).unwrap_or(i64::MAX))
}
