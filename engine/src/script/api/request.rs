//! `req`, and the small views that hang off it.

use std::str::FromStr;

use http::{Method, Uri, Version};
use rhai::{Array, Dynamic, ImmutableString, Map};

use super::{BodyHandle, Cookies, Headers, Query, Side};
use crate::script::context::{HostResult, fail, with_exchange};
use crate::script::table::{HostFunction, host_functions};

/// The request of the running call.
#[derive(Debug, Clone, Copy)]
pub struct RequestHandle;

/// The connection the request came over.
#[derive(Debug, Clone, Copy)]
pub struct ClientHandle;

/// The route that took the request.
#[derive(Debug, Clone, Copy)]
pub struct Route;

/// Scratch values shared by all steps and hooks of one exchange.
#[derive(Debug, Clone, Copy)]
pub struct Vars;

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The id of the request, as in the log and in `x-request-id`.
    Reads Getter [Request] id() -> Str = id;
    /// The method, such as `GET`.
    Reads Getter [Request] method() -> Str = method;
    /// Sends another method upstream.
    Mutates Setter [Request] method(value: Str) -> Unit = set_method;
    /// The normalised path, without the query.
    Reads Getter [Request] path() -> Str = path;
    /// Sends another path upstream; it must begin with `/`. The route is not chosen again.
    Mutates Setter [Request] path(value: Str) -> Unit = set_path;
    /// The target exactly as the client sent it.
    Reads Getter [Request] raw_path() -> Str = raw_path;
    /// The host the client asked for, lower case, with its port if it gave one.
    Reads Getter [Request] host() -> Str = host;
    /// `http` or `https`.
    Reads Getter [Request] scheme() -> Str = scheme;
    /// The protocol version, such as `1.1`.
    Reads Getter [Request] version() -> Str = version;
    /// The header fields.
    Reads Getter [Request] headers() -> Headers = headers;
    /// The query parameters, decoded.
    Reads Getter [Request] query() -> Query = query;
    /// Replaces the whole query; the text is taken as it is, without the `?`. `()` or `""` removes it.
    Mutates Setter [Request] query(value: Any) -> Unit = super::query::replace;
    /// The cookies.
    Reads Getter [Request] cookies() -> Cookies = cookies;
    /// The body. It is read from the client only when one of its members asks for the bytes.
    Reads Getter [Request] body() -> Body = body;
    /// Replaces the body: a string, a blob, or a map or array that becomes JSON; `()` empties it.
    Mutates Setter [Request] body(value: Any) -> Unit = set_body;
    /// The client's connection.
    Reads Getter [Request] client() -> Client = client;
    /// How the client's connection is secured: `()` without TLS, else a map with `version`, `cipher`, `sni`, `alpn`,
    /// `resumed` and `peer`: the verified client certificate as a map with `subject`, `issuer`, `serial`, `sha256`,
    /// `not_before`, `not_after` (Unix seconds) and `names`, or `()`.
    Reads Getter [Request] tls() -> Any = tls;
    /// The route that took the request.
    Reads Getter [Request] route() -> Route = route;
    /// Who the caller is: `()` or the map an authentication step set.
    Reads Getter [Request] identity() -> Any = identity;
    /// Says who the caller is: a map with `id`, and `kind`, `claims`, `meta`, `limits` as needed; or `()`.
    Mutates Setter [Request] identity(value: Any) -> Unit = set_identity;
    /// Scratch values that live as long as the exchange and are shared by all steps and hooks.
    Reads Getter [Request] vars() -> Vars = vars;
    /// The name of the upstream chosen by a step, or `()` for the route's own.
    Reads Getter [Request] upstream() -> Any = upstream;
    /// Sends the request to another upstream of the configuration; `()` takes the route's own again.
    Mutates Setter [Request] upstream(value: Any) -> Unit = set_upstream;
    /// How often the request has been sent upstream so far.
    Reads Getter [Request] attempt() -> Int = attempt;
    /// The client's address, as text.
    Reads Getter [Client] ip() -> Str = client_ip;
    /// The port of the connection's peer.
    Reads Getter [Client] port() -> Int = client_port;
    /// The name of the route.
    Reads Getter [Route] name() -> Str = route_name;
    /// The path parameters of the route, decoded, by name.
    Reads Getter [Route] params() -> Map = route_params;
    /// A value set before by any step, or `()`.
    Reads IndexGetter [Vars] index(name: Str) -> Any = var;
    /// Sets a value for the steps and hooks that follow.
    Mutates IndexSetter [Vars] index(name: Str, value: Any) -> Unit = set_var;
    /// Whether a value of that name was set; also `name in req.vars`.
    Reads Method [Vars] contains(name: Str) -> Bool = has_var;
    /// Removes a value and returns it, or `()`.
    Mutates Method [Vars] remove(name: Str) -> Any = remove_var;
    /// The names of all values.
    Reads Method [Vars] keys() -> Array = var_names;
};

fn id(_: &mut RequestHandle) -> HostResult<ImmutableString> {
    with_exchange(|exchange| exchange.id.as_str().into())
}

fn method(_: &mut RequestHandle) -> HostResult<ImmutableString> {
    with_exchange(|exchange| exchange.request.method.as_str().into())
}

fn set_method(_: &mut RequestHandle, value: &str) -> HostResult<()> {
    match Method::from_str(value) {
        Ok(Method::CONNECT) | Err(_) => fail(format!("{value:?} is no method that can be forwarded")),
        Ok(method) => with_exchange(|exchange| exchange.request.method = method),
    }
}

fn path(_: &mut RequestHandle) -> HostResult<ImmutableString> {
    with_exchange(|exchange| exchange.request.uri.path().into())
}

fn set_path(_: &mut RequestHandle, value: &str) -> HostResult<()> {
    if !value.starts_with('/') || value.contains(['?', '#']) {
        return fail(format!(
            "{value:?} is no path: it must begin with / and holds no ? or #; the query is req.query"
        ));
    }
    // Clients' paths are normalised before they are matched; what a script makes of a parameter must not undo that.
    if !has_sound_escapes(value) || value.split('/').any(is_dot_segment) {
        return fail(format!(
            "{value:?} is no normalised path: it holds a `.` or `..` segment, or a % without two hexadecimal digits; \
             encode what comes from outside with url::encode"
        ));
    }
    with_exchange(|exchange| {
        let target = match exchange.request.uri.query() {
            Some(query) => format!("{value}?{query}"),
            None => value.to_owned(),
        };
        set_target(&mut exchange.request.uri, &target)
    })?
}

fn has_sound_escapes(path: &str) -> bool {
    let is_hex = |digits: &str| digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    path.match_indices('%').all(|(at, _)| path.get(at + 1..at + 3).is_some_and(is_hex))
}

/// RFC 3986, section 3.3, with dots encoded or not.
fn is_dot_segment(segment: &str) -> bool {
    segment.len() <= 6 && matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

/// Puts a new target in origin form into the request.
pub(super) fn set_target(uri: &mut Uri, target: &str) -> HostResult<()> {
    match Uri::from_str(target) {
        Ok(parsed) => {
            *uri = parsed;
            Ok(())
        }
        Err(_) => fail(format!(
            "{target:?} is no valid request target; encode blanks and other special characters with url::encode"
        )),
    }
}

fn raw_path(_: &mut RequestHandle) -> HostResult<ImmutableString> {
    with_exchange(|exchange| exchange.request.raw_target.as_str().into())
}

fn host(_: &mut RequestHandle) -> HostResult<ImmutableString> {
    with_exchange(|exchange| exchange.request.host.as_str().into())
}

fn scheme(_: &mut RequestHandle) -> HostResult<ImmutableString> {
    with_exchange(|exchange| exchange.request.scheme.into())
}

fn version(_: &mut RequestHandle) -> HostResult<ImmutableString> {
    with_exchange(|exchange| {
        let text = match exchange.request.version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            Version::HTTP_3 => "3",
            _ => "1.1",
        };
        text.into()
    })
}

fn headers(_: &mut RequestHandle) -> Headers {
    Headers(Side::Request)
}

fn query(_: &mut RequestHandle) -> Query {
    Query
}

fn cookies(_: &mut RequestHandle) -> Cookies {
    Cookies
}

fn body(_: &mut RequestHandle) -> BodyHandle {
    BodyHandle(Side::Request)
}

fn set_body(_: &mut RequestHandle, value: Dynamic) -> HostResult<()> {
    super::body::replace(Side::Request, &value)
}

fn client(_: &mut RequestHandle) -> ClientHandle {
    ClientHandle
}

fn tls(_: &mut RequestHandle) -> HostResult<Dynamic> {
    with_exchange(|exchange| exchange.client.tls.as_deref().map_or(Dynamic::UNIT, super::tls::describe))
}

fn route(_: &mut RequestHandle) -> Route {
    Route
}

fn identity(_: &mut RequestHandle) -> HostResult<Dynamic> {
    with_exchange(|exchange| exchange.identity.clone())
}

fn set_identity(_: &mut RequestHandle, value: Dynamic) -> HostResult<()> {
    let has_id = value.read_lock::<Map>().is_some_and(|map| map.contains_key("id"));
    if !value.is_unit() && !has_id {
        return fail("an identity is a map with at least an `id`, or ()");
    }
    with_exchange(|exchange| exchange.identity = value)
}

fn vars(_: &mut RequestHandle) -> Vars {
    Vars
}

fn upstream(_: &mut RequestHandle) -> HostResult<Dynamic> {
    with_exchange(|exchange| {
        exchange.upstream_override.as_deref().map_or(Dynamic::UNIT, |name| ImmutableString::from(name).into())
    })
}

fn set_upstream(_: &mut RequestHandle, value: Dynamic) -> HostResult<()> {
    let name = if value.is_unit() {
        None
    } else {
        match value.into_string() {
            Ok(name) => Some(name),
            Err(other) => return fail(format!("req.upstream takes the name of an upstream, not {other}")),
        }
    };
    with_exchange(|exchange| exchange.upstream_override = name)
}

fn attempt(_: &mut RequestHandle) -> HostResult<i64> {
    with_exchange(|exchange| i64::from(exchange.attempt))
}

fn client_ip(_: &mut ClientHandle) -> HostResult<ImmutableString> {
    with_exchange(|exchange| exchange.client.ip.to_string().into())
}

fn client_port(_: &mut ClientHandle) -> HostResult<i64> {
    with_exchange(|exchange| i64::from(exchange.client.port))
}

fn route_name(_: &mut Route) -> HostResult<ImmutableString> {
    with_exchange(|exchange| (&*exchange.route.name).into())
}

fn route_params(_: &mut Route) -> HostResult<Map> {
    with_exchange(|exchange| {
        let params = exchange.route.params.iter();
        params.map(|(name, value)| ((&**name).into(), value.as_str().into())).collect()
    })
}

fn var(_: &mut Vars, name: &str) -> HostResult<Dynamic> {
    with_exchange(|exchange| exchange.vars.get(name).cloned().unwrap_or(Dynamic::UNIT))
}

fn set_var(_: &mut Vars, name: &str, value: Dynamic) -> HostResult<()> {
    with_exchange(|exchange| {
        exchange.vars.insert(name.into(), value);
    })
}

fn has_var(_: &mut Vars, name: &str) -> HostResult<bool> {
    with_exchange(|exchange| exchange.vars.contains_key(name))
}

fn remove_var(_: &mut Vars, name: &str) -> HostResult<Dynamic> {
    with_exchange(|exchange| exchange.vars.remove(name).unwrap_or(Dynamic::UNIT))
}

fn var_names(_: &mut Vars) -> HostResult<Array> {
    with_exchange(|exchange| exchange.vars.keys().map(|name| Dynamic::from(name.to_string())).collect())
}
