//! `res`: the response on its way back.

use std::fmt::Write;

use http::{HeaderValue, StatusCode, header};
use rhai::{Dynamic, ImmutableString, Map};

use super::{BodyHandle, Headers, Side};
use crate::exchange::{Origin, Response};
use crate::script::context::{HostResult, fail, with_exchange};
use crate::script::table::{HostFunction, host_functions};

/// The response of the running call.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHandle;

/// Where the response came from.
#[derive(Debug, Clone, Copy)]
pub struct UpstreamHandle;

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The status code.
    Reads Getter [Response] status() -> Int = status;
    /// Changes the status code, 200 to 599.
    Mutates Setter [Response] status(value: Int) -> Unit = set_status;
    /// The header fields.
    Reads Getter [Response] headers() -> Headers = headers;
    /// The body. It is read from the upstream only when one of its members asks for the bytes.
    Reads Getter [Response] body() -> Body = body;
    /// Replaces the body: a string, a blob, or a map or array that becomes JSON; `()` empties it.
    Mutates Setter [Response] body(value: Any) -> Unit = set_body;
    /// Who produced the response.
    Reads Getter [Response] upstream() -> Upstream = upstream;
    /// Adds a `Set-Cookie` for the whole site (`Path=/`).
    Mutates Method [Response] set_cookie(name: Str, value: Str) -> Unit = set_cookie;
    /// Adds a `Set-Cookie`. Options: `path`, `domain`, `max_age` (seconds), `same_site`, `secure`, `http_only`.
    Mutates Method [Response] set_cookie(name: Str, value: Str, options: Map) -> Unit = set_cookie_with;
    /// `upstream`, `step` or `gateway`: who produced the response.
    Reads Getter [Upstream] origin() -> Str = origin;
    /// Address and port of the server, or `()` when no server answered.
    Reads Getter [Upstream] address() -> Any = address;
    /// Microseconds from sending the request to the head of the response, or `()`.
    Reads Getter [Upstream] microseconds() -> Any = microseconds;
};

fn with_response<T>(f: impl FnOnce(&mut Response) -> T) -> HostResult<T> {
    with_exchange(|exchange| match &mut exchange.response {
        Some(response) => Ok(f(response)),
        None => fail("there is no response yet"),
    })?
}

fn status(_: &mut ResponseHandle) -> HostResult<i64> {
    with_response(|response| i64::from(response.status.as_u16()))
}

/// A status that can end an exchange. Informational ones cannot, and hyper refuses to send them.
pub(super) fn status_code(value: i64) -> HostResult<StatusCode> {
    match u16::try_from(value).ok().filter(|code| (200..600).contains(code)).map(StatusCode::from_u16) {
        Some(Ok(status)) => Ok(status),
        _ => fail(format!("{value} is no final status code; expected 200 to 599")),
    }
}

fn set_status(_: &mut ResponseHandle, value: i64) -> HostResult<()> {
    // A method call on `res.status` writes back what it read, which may be the 101 of a switch of protocols.
    if status(&mut ResponseHandle)? == value {
        return Ok(());
    }
    let status = status_code(value)?;
    with_response(|response| response.status = status)
}

fn headers(_: &mut ResponseHandle) -> Headers {
    Headers(Side::Response)
}

fn body(_: &mut ResponseHandle) -> BodyHandle {
    BodyHandle(Side::Response)
}

fn set_body(_: &mut ResponseHandle, value: Dynamic) -> HostResult<()> {
    super::body::replace(Side::Response, &value)
}

fn upstream(_: &mut ResponseHandle) -> UpstreamHandle {
    UpstreamHandle
}

fn set_cookie(response: &mut ResponseHandle, name: &str, value: &str) -> HostResult<()> {
    set_cookie_with(response, name, value, Map::new())
}

fn set_cookie_with(_: &mut ResponseHandle, name: &str, value: &str, options: Map) -> HostResult<()> {
    let text = cookie_text(name, value, &options)?;
    let Ok(text) = HeaderValue::from_str(&text) else {
        return fail(format!("cookie {name:?} holds a character that no header can carry"));
    };
    with_response(|response| response.headers.append(header::SET_COOKIE, text)).map(|_| ())
}

/// A `Set-Cookie` value (RFC 6265, section 4.1.1).
fn cookie_text(name: &str, value: &str, options: &Map) -> HostResult<String> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        return fail(format!("{name:?} is no cookie name"));
    }
    if value.chars().any(|c| !c.is_ascii_graphic() || "\",;\\".contains(c)) {
        return fail(format!("the value of cookie {name} holds a character cookies cannot carry; encode it"));
    }
    let mut text = format!("{name}={value}");
    if !options.contains_key("path") {
        text.push_str("; Path=/");
    }
    for (key, option) in options {
        match (key.as_str(), option.as_bool()) {
            ("secure", Ok(true)) => text.push_str("; Secure"),
            ("http_only", Ok(true)) => text.push_str("; HttpOnly"),
            ("secure" | "http_only", Ok(false)) => {}
            ("path" | "domain" | "max_age" | "same_site", Err(_)) => {
                let option = option.to_string();
                if option.contains([';', ',']) {
                    return fail(format!("cookie option {key} holds a separator"));
                }
                let attribute = match key.as_str() {
                    "path" => "Path",
                    "domain" => "Domain",
                    "max_age" => "Max-Age",
                    _ => "SameSite",
                };
                // Writing to a String cannot fail.
                let _ = write!(text, "; {attribute}={option}");
            }
            _ => {
                return fail(format!(
                    "cookie option {key:?} is unknown or of the wrong type; there are path, domain, max_age, same_site, secure and http_only"
                ));
            }
        }
    }
    Ok(text)
}

fn origin(_: &mut UpstreamHandle) -> HostResult<ImmutableString> {
    with_response(|response| response.origin.as_str().into())
}

fn address(_: &mut UpstreamHandle) -> HostResult<Dynamic> {
    with_response(|response| match &response.origin {
        Origin::Upstream { address, .. } => ImmutableString::from(&**address).into(),
        _ => Dynamic::UNIT,
    })
}

fn microseconds(_: &mut UpstreamHandle) -> HostResult<Dynamic> {
    with_response(|response| match &response.origin {
        Origin::Upstream { microseconds, .. } => i64::try_from(*microseconds).unwrap_or(i64::MAX).into(),
        _ => Dynamic::UNIT,
    })
}
