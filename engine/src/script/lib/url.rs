//! `url`: percent-encoding, the parts of a URL, and forms.

use std::net::Ipv6Addr;

use percent_encoding::{percent_decode_str, utf8_percent_encode};
use rhai::{Array, Dynamic, ImmutableString, Map};

use super::values::add_field;
use crate::script::api::{ENCODED, parse_form as form_pairs, scalar_text, serialize_form};
use crate::script::context::{HostResult, fail};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The text with everything but letters, digits and `-._~` percent-encoded: fit for one path segment or one
    /// query value, not for a whole URL.
    Pure Function [url] encode(text: Str) -> Str = encode;
    /// The text with percent-encoded bytes decoded; `+` stays as it is. An error if that gives no UTF-8.
    Pure Function [url] decode(text: Str) -> Str = decode;
    /// The parts of an absolute URL with a host, as a map of `scheme` and `host` (lower case; an IPv6 address
    /// without brackets), `port` (integer or `()`), `path` (as it is, `/` if empty), `query` and `fragment` (as
    /// they are, or `()`). A user name or password in it is left out. Anything else is an error.
    Pure Function [url] parse(text: Str) -> Map = parse;
    /// The fields of a form or query text (`a=1&b=x+y`), decoded as browsers encode them. A name that comes more
    /// than once gives an array of its values. At most 5,000 fields.
    Pure Function [url] parse_form(text: Str) -> Map = parse_form;
    /// The fields of a map as a form or query text, sorted by name. Values are strings, numbers, bools, or arrays
    /// of those, which repeat the name; `()` leaves a field out.
    Pure Function [url] form(fields: Map) -> Str = form;
};

/// Most fields of one form: one byte of form text can cost a hundred of map.
const FORM_FIELDS_MAX: usize = 5_000;

/// The parts of an absolute URL, as they are written.
pub(super) struct Parts<'a> {
    pub(super) scheme: &'a str,
    pub(super) credentials: Option<&'a str>,
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) fragment: Option<&'a str>,
}

fn encode(text: &str) -> ImmutableString {
    utf8_percent_encode(text, ENCODED).to_string().into()
}

fn decode(text: &str) -> HostResult<ImmutableString> {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok((*decoded).into()),
        Err(_) => fail("url::decode: the decoded bytes are no UTF-8"),
    }
}

fn parse(text: &str) -> HostResult<Map> {
    let parts = match split(text) {
        Ok(parts) => parts,
        Err(reason) => return fail(format!("no absolute URL: {reason}")),
    };
    let optional = |part: Option<&str>| part.map_or(Dynamic::UNIT, |part| ImmutableString::from(part).into());
    let path = if parts.path.is_empty() { "/" } else { parts.path };
    let mut map = Map::new();
    map.insert("scheme".into(), parts.scheme.to_ascii_lowercase().into());
    map.insert("host".into(), parts.host.to_ascii_lowercase().into());
    map.insert("port".into(), parts.port.map_or(Dynamic::UNIT, |port| i64::from(port).into()));
    map.insert("path".into(), path.into());
    map.insert("query".into(), optional(parts.query));
    map.insert("fragment".into(), optional(parts.fragment));
    Ok(map)
}

/// Splits an absolute URL (RFC 3986, appendix B). The reason of a refusal does not quote the URL, which may
/// hold a password.
///
/// Characters that programs read differently (backslash, blanks, control characters) are refused, and so is
/// a host that is no name or address: a check of the host must not see another one than the client connects to.
pub(super) fn split(text: &str) -> Result<Parts<'_>, &'static str> {
    if text
        .contains(|character: char| character.is_whitespace() || character.is_control() || character == '\\')
    {
        return Err("it holds a blank, a control character or a backslash; encode it with url::encode");
    }
    let (scheme, rest) = text.split_once("://").ok_or("it begins with a scheme and ://, such as https://")?;
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.bytes().all(is_scheme) {
        return Err("its scheme is a letter followed by letters, digits and +-.");
    }
    let (rest, fragment) = cut(rest, '#');
    let (rest, query) = cut(rest, '?');
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (credentials, address) =
        authority.rsplit_once('@').map_or((None, authority), |(before, after)| (Some(before), after));
    let (host, port) = split_address(address)?;
    let port = match port {
        None | Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().map_err(|_| "its port is more than 65535")?)
        }
        Some(_) => return Err("its port is a number"),
    };
    Ok(Parts { scheme, credentials, host, port, path, query, fragment })
}

fn cut(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn split_address(address: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or("its IPv6 address lacks the closing bracket")?;
        host.parse::<Ipv6Addr>().map_err(|_| "there is no IPv6 address between its brackets")?;
        return match after.strip_prefix(':') {
            None if !after.is_empty() => Err("only a port can follow its IPv6 address"),
            port => Ok((host, port)),
        };
    }
    let (host, port) = cut(address, ':');
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    match host {
        "" => Err("it has no host"),
        _ if host.bytes().all(is_host) => Ok((host, port)),
        _ => {
            Err("its host holds a character that no host name has; write international names in ASCII (xn--)")
        }
    }
}

fn parse_form(text: &str) -> HostResult<Map> {
    let mut fields = Map::new();
    for (index, (name, value)) in form_pairs(text).enumerate() {
        if index == FORM_FIELDS_MAX {
            return fail(format!("url::parse_form: more than {FORM_FIELDS_MAX} fields"));
        }
        add_field(&mut fields, &name, ImmutableString::from(&*value).into());
    }
    Ok(fields)
}

fn form(fields: Map) -> HostResult<ImmutableString> {
    let pairs = pairs("url::form", &fields)?;
    Ok(serialize_form(pairs.iter().map(|(name, value)| (*name, value.as_str()))).into())
}

/// The names and values of a map of form or query fields. `function` names the callee in errors.
pub(super) fn pairs<'a>(function: &str, fields: &'a Map) -> HostResult<Vec<(&'a str, ImmutableString)>> {
    let mut pairs = Vec::new();
    for (name, value) in fields {
        let mut add = |value: &Dynamic| match scalar_text(value) {
            Some(text) => {
                pairs.push((name.as_str(), text));
                Ok(())
            }
            None => fail(format!(
                "{function}: {name:?} is a string, number, bool or an array of those, not {}",
                value.type_name()
            )),
        };
        if let Some(values) = value.read_lock::<Array>() {
            values.iter().try_for_each(add)?;
        } else if !value.is_unit() {
            add(value)?;
        }
    }
    Ok(pairs)
}
