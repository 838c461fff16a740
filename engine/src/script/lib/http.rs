//! `http`: requests of a script's own, over the gateway's pooled client.
//!
//! Here a request is put together and checked; whether its target is allowed, names, connections and time
//! are the gateway's.

use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use rhai::{Array, Dynamic, ImmutableString, Map};

use super::url::{pairs, split};
use super::values::Options;
use crate::host::{Answer, HttpAnswer, HttpCall, Wait};
use crate::script::api::{HttpResponse, serialize_form, set_headers, to_body_bytes};
use crate::script::context::{HostResult, fail, wait};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// Sends a GET request to an absolute `http` or `https` URL and waits for the answer. Any status is an answer;
    /// a request that gets none (refused, too slow, not allowed) is an error that `try` can catch, with the reason.
    Waits Function [http] get(url: Str) -> HttpResponse = |url: &str| without_body(&GET, url, Map::new());
    /// Like `get(url)`, with options in a map: `headers` and `query` (maps; an array repeats the name),
    /// `timeout_ms` for the whole request (1 to 3,600,000; the configured time if missing), and the body, either as
    /// `body` (a string, a blob, or a map or array that becomes JSON) or as `form` (a map that becomes form text).
    /// A media type is set where `headers` has none. Unknown options are errors.
    Waits Function [http] get(url: Str, options: Map) -> HttpResponse =
        |url: &str, options: Map| without_body(&GET, url, options);
    /// Sends a DELETE request; see `get(url)`.
    Waits Function [http] delete(url: Str) -> HttpResponse = |url: &str| without_body(&DELETE, url, Map::new());
    /// Sends a DELETE request; options as for `get`.
    Waits Function [http] delete(url: Str, options: Map) -> HttpResponse =
        |url: &str, options: Map| without_body(&DELETE, url, options);
    /// Sends a POST request; the body is a string, a blob, or a map or array that becomes JSON. See `get(url)`.
    Waits Function [http] post(url: Str, body: Any) -> HttpResponse =
        |url: &str, body: Dynamic| with_body(&POST, url, &body, Map::new());
    /// Like `post(url, body)`, with options as for `get`, but without `body` and `form`.
    Waits Function [http] post(url: Str, body: Any, options: Map) -> HttpResponse =
        |url: &str, body: Dynamic, options: Map| with_body(&POST, url, &body, options);
    /// Sends a PUT request; see `post`.
    Waits Function [http] put(url: Str, body: Any) -> HttpResponse =
        |url: &str, body: Dynamic| with_body(&PUT, url, &body, Map::new());
    /// Sends a PUT request with options; see `post`.
    Waits Function [http] put(url: Str, body: Any, options: Map) -> HttpResponse =
        |url: &str, body: Dynamic, options: Map| with_body(&PUT, url, &body, options);
    /// Sends a request that the options describe alone: `url`, `method` (`GET` if missing), and all of `get`.
    Waits Function [http] request(options: Map) -> HttpResponse = request;
    /// Sends several requests at once, at most 64, and waits for all. Each is a map of options as for `request`.
    /// The answers come in the same order; in place of one that failed stands `#{error: "the reason"}`.
    Waits Function [http] all(requests: Array) -> Array = all;
};

const GET: Kind = Kind { function: "http::get", method: Method::GET };
const DELETE: Kind = Kind { function: "http::delete", method: Method::DELETE };
const POST: Kind = Kind { function: "http::post", method: Method::POST };
const PUT: Kind = Kind { function: "http::put", method: Method::PUT };

const CALLS_MAX: usize = 64;
const TIMEOUT_MS_MAX: i64 = 3_600_000;

/// A function that sends requests of one method.
struct Kind {
    function: &'static str,
    method: Method,
}

/// A body with the media type that describes it best.
type TypedBody = (Bytes, Option<&'static str>);

fn without_body(kind: &Kind, url: &str, options: Map) -> HostResult<HttpResponse> {
    let mut options = Options::new(kind.function, options);
    let body = take_body(kind.function, &mut options)?;
    let call = build(kind, url, body, &mut options)?;
    options.finish("headers, query, body, form and timeout_ms")?;
    send(call)
}

fn with_body(kind: &Kind, url: &str, body: &Dynamic, options: Map) -> HostResult<HttpResponse> {
    let mut options = Options::new(kind.function, options);
    let call = build(kind, url, to_body_bytes(body)?, &mut options)?;
    options.finish("headers, query and timeout_ms")?;
    send(call)
}

fn request(options: Map) -> HostResult<HttpResponse> {
    send(described("http::request", options)?)
}

fn all(requests: Array) -> HostResult<Array> {
    if requests.len() > CALLS_MAX {
        return fail(format!("http::all: at most {CALLS_MAX} requests at once, not {}", requests.len()));
    }
    if requests.is_empty() {
        return Ok(Array::new());
    }
    let call = |request: Dynamic| match request.flatten().try_cast_result::<Map>() {
        Ok(options) => described("http::all", options),
        Err(other) => fail(format!("http::all: each request is a map of options, not {}", other.type_name())),
    };
    let calls = requests.into_iter().map(call).collect::<HostResult<Vec<_>>>()?;
    let result = |result: Result<HttpAnswer, String>| match result {
        Ok(answer) => Dynamic::from(HttpResponse::new(answer)),
        Err(reason) => Dynamic::from_map(Map::from([("error".into(), reason.into())])),
    };
    Ok(exchange(calls)?.into_iter().map(result).collect())
}

/// A request that a map describes alone.
fn described(function: &'static str, options: Map) -> HostResult<HttpCall> {
    let mut options = Options::new(function, options);
    let method = match options.text("method")? {
        None => Method::GET,
        Some(name) => match Method::from_str(&name) {
            Ok(Method::CONNECT) | Err(_) => {
                return fail(format!(
                    "{function}: {name:?} is no method that can be sent; methods are upper case"
                ));
            }
            Ok(method) => method,
        },
    };
    let Some(url) = options.text("url")? else {
        return fail(format!("{function}: the option url is missing"));
    };
    let body = take_body(function, &mut options)?;
    let call = build(&Kind { function, method }, &url, body, &mut options)?;
    options.finish("url, method, headers, query, body, form and timeout_ms")?;
    Ok(call)
}

fn take_body(function: &'static str, options: &mut Options) -> HostResult<TypedBody> {
    match (options.take("body"), options.map("form")?) {
        (Some(_), Some(_)) => fail(format!("{function}: give either body or form")),
        (Some(body), None) => to_body_bytes(&body),
        (None, Some(form)) => {
            Ok((Bytes::from(form_text(function, &form)?), Some("application/x-www-form-urlencoded")))
        }
        (None, None) => Ok((Bytes::new(), None)),
    }
}

fn form_text(function: &str, fields: &Map) -> HostResult<String> {
    let pairs: Vec<(&str, ImmutableString)> = pairs(function, fields)?;
    Ok(serialize_form(pairs.iter().map(|(name, value)| (*name, value.as_str()))))
}

fn build(
    kind: &Kind,
    url: &str,
    (body, media_type): TypedBody,
    options: &mut Options,
) -> HostResult<HttpCall> {
    let mut headers = HeaderMap::new();
    if let Some(entries) = options.map("headers")? {
        set_headers(&mut headers, &entries)?;
    }
    if let Some(media_type) = media_type
        && !headers.contains_key(header::CONTENT_TYPE)
    {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    let query = match options.map("query")? {
        Some(fields) => form_text(kind.function, &fields)?,
        None => String::new(),
    };
    let timeout = options.whole("timeout_ms", 1, TIMEOUT_MS_MAX)?;
    let timeout = timeout.and_then(|time| u64::try_from(time).ok()).map(Duration::from_millis);
    let url = match target(url, &query) {
        Ok(url) => url,
        Err(reason) => return fail(format!("{}: no URL that can be called: {reason}", kind.function)),
    };
    Ok(HttpCall { method: kind.method.clone(), url, headers, body, timeout })
}

/// The URL with more query parameters and without the fragment, which is never sent.
fn target(url: &str, more: &str) -> Result<String, &'static str> {
    let parts = split(url)?;
    if !parts.scheme.eq_ignore_ascii_case("http") && !parts.scheme.eq_ignore_ascii_case("https") {
        return Err("its scheme is http or https");
    }
    if parts.credentials.is_some() {
        return Err("a user name or password goes into the header authorization, not into the URL");
    }
    let sent = url.split_once('#').map_or(url, |(sent, _)| sent);
    let joint = match parts.query {
        _ if more.is_empty() => "",
        None => "?",
        Some("") => "",
        Some(_) => "&",
    };
    Ok(format!("{sent}{joint}{more}"))
}

fn send(call: HttpCall) -> HostResult<HttpResponse> {
    match exchange(vec![call])?.pop() {
        Some(Ok(answer)) => Ok(HttpResponse::new(answer)),
        Some(Err(reason)) => fail(reason),
        None => fail("the gateway sent no answer to an HTTP request; please report this as a bug"),
    }
}

fn exchange(calls: Vec<HttpCall>) -> HostResult<Vec<Result<HttpAnswer, String>>> {
    let count = calls.len();
    match wait(Wait::Http(calls))? {
        Answer::Http(results) if results.len() == count => Ok(results),
        other => fail(format!(
            "the gateway answered {count} HTTP requests with {other:?}; please report this as a bug"
        )),
    }
}
