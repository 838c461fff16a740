//! The request target, normalised once: what is matched is what is forwarded.
//!
//! Every later stage (routing, scripts, the upstream) sees the target this module returns, so a spelling
//! that another server would read differently has to be rewritten or refused here. The rules for the path
//! are in [`normalise_path`]; this file sorts out the four forms of RFC 9112, section 3.2:
//!
//! | form | example | here |
//! |---|---|---|
//! | origin | `GET /a?b` | normalised |
//! | absolute | `GET http://h/a?b` | reduced to origin form; its authority must agree with `Host` |
//! | authority | `CONNECT h:443` | refused: the gateway opens no tunnels |
//! | asterisk | `OPTIONS *` | kept for OPTIONS, refused for other methods |
//!
//! RFC 9112, section 3.2.2 lets the authority of an absolute target win over `Host`. A request in which
//! they differ is refused instead: no honest client sends it, and refusing leaves nothing to disagree on.
//! An OPTIONS request for `http://h` (without a path) is forwarded as `OPTIONS /` rather than as
//! `OPTIONS *`, because [`Uri`] does not tell `http://h` from `http://h/`.
//!
//! Relies on [`Uri`] for a target of at most 65,534 bytes in valid UTF-8 without spaces or controls, and
//! with the fragment cut off. A target that is already in normal form is returned as it came, without
//! allocating.

use std::borrow::Cow;

use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Method, StatusCode, Uri};

pub mod authority;
mod normalise;
#[cfg(test)]
mod tests;

pub use normalise::{PathError, normalise_path};

/// A request target in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target<'h> {
    /// Origin form: normalised path and untouched query; or `*`.
    pub uri: Uri,
    /// The host the client asked for in lower case, with its port if it gave one. Empty when it named none,
    /// which only HTTP/1.0 allows. Borrowed from the `Host` field unless letters had to change.
    pub host: Cow<'h, str>,
}

/// Why a request target is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// The path breaks a rule of [`normalise_path`].
    #[error("{0}")]
    Path(#[from] PathError),
    /// The query holds a control character or a space.
    #[error("the query holds a control character or a space; percent-encode it")]
    QueryControl,
    /// CONNECT, or the authority form that only CONNECT may use.
    #[error("CONNECT is not supported: the gateway opens no tunnels")]
    Connect,
    /// A target that is neither a path, nor an absolute URI, nor `*`.
    #[error("the request target must start with `/`, or be an absolute http or https URI")]
    Form,
    /// `*` with another method than OPTIONS.
    #[error("the request target `*` is only for OPTIONS")]
    Asterisk,
    /// An absolute target with another scheme.
    #[error("the scheme of an absolute request target must be http or https")]
    Scheme,
    /// The authority of the target, or `Host`, is not `host` or `host:port`.
    #[error("the host is malformed: {0}")]
    Host(authority::HostError),
    /// The authority of an absolute target and the `Host` field name different servers.
    #[error("the absolute request target and the Host field name different hosts")]
    HostDisagrees,
    /// Percent-encoding made the target longer than 65,534 bytes.
    #[error("the request target is too long in normal form")]
    TooLong,
}

impl BadTarget {
    /// The status to answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Connect => StatusCode::NOT_IMPLEMENTED,
            Self::TooLong => StatusCode::URI_TOO_LONG,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// Normalises the target of a request. `host_field` is the value of its only `Host` field, if it has one.
pub fn normalise<'h>(
    method: &Method,
    uri: Uri,
    host_field: Option<&'h HeaderValue>,
) -> Result<Target<'h>, BadTarget> {
    if method == Method::CONNECT {
        return Err(BadTarget::Connect);
    }
    let host = host_of(&uri, host_field)?;
    if uri.scheme().is_none() && uri.path() == "*" {
        return if method == Method::OPTIONS { Ok(Target { uri, host }) } else { Err(BadTarget::Asterisk) };
    }
    if uri.query().is_some_and(|query| query.bytes().any(is_control_or_space)) {
        return Err(BadTarget::QueryControl);
    }
    let rewritten = match normalise_path(uri.path())? {
        Cow::Borrowed(_) => None,
        Cow::Owned(path) => Some(path),
    };
    let uri = match rewritten {
        Some(path) => with_path(path, uri.query())?,
        None if uri.scheme().is_some() => origin_form(uri)?,
        None => uri,
    };
    Ok(Target { uri, host })
}

fn is_control_or_space(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

/// The host asked for: of an absolute target, else of the `Host` field.
fn host_of<'h>(uri: &Uri, host_field: Option<&'h HeaderValue>) -> Result<Cow<'h, str>, BadTarget> {
    let field = match host_field {
        Some(value) => Some(authority::check(value.as_bytes()).map_err(BadTarget::Host)?),
        None => None,
    };
    match (uri.scheme(), uri.authority()) {
        (Some(scheme), Some(target)) => {
            let default_port = default_port(scheme)?;
            let target = authority::check(target.as_str().as_bytes()).map_err(BadTarget::Host)?;
            if field.is_some_and(|field| !authority::same(field, target, default_port)) {
                return Err(BadTarget::HostDisagrees);
            }
            Ok(Cow::Owned(target.to_ascii_lowercase()))
        }
        (None, Some(_)) | (Some(_), None) => Err(BadTarget::Form),
        (None, None) => Ok(field.map_or(Cow::Borrowed(""), authority::lower_case)),
    }
}

fn default_port(scheme: &Scheme) -> Result<&'static str, BadTarget> {
    match scheme.as_str() {
        "http" => Ok("80"),
        "https" => Ok("443"),
        _ => Err(BadTarget::Scheme),
    }
}

/// Drops scheme and authority of a target whose path is already in normal form.
fn origin_form(uri: Uri) -> Result<Uri, BadTarget> {
    match uri.path_and_query() {
        Some(target) if target.as_str().starts_with('/') => Ok(Uri::from(target.clone())),
        // `http://h?q`: the path is empty and `Uri` reports it as `/`.
        _ => with_path("/".to_owned(), uri.query()),
    }
}

fn with_path(mut path: String, query: Option<&str>) -> Result<Uri, BadTarget> {
    if let Some(query) = query {
        path.reserve(query.len() + 1);
        path.push('?');
        path.push_str(query);
    }
    // Nothing but the length can be wrong: the path is ASCII in normal form, the query came from a `Uri`.
    let target = PathAndQuery::from_maybe_shared(Bytes::from(path)).map_err(|_| BadTarget::TooLong)?;
    Ok(Uri::from(target))
}
