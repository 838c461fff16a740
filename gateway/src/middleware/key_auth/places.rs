//! Where a key may stand in a request: a header field, a query parameter, a cookie. Reading it there, and taking it
//! out.

use std::borrow::Cow;

use forebay_engine::exchange::Request;
use http::header::COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::middleware::Problems;

/// One place; one of `header`, `query` and `cookie`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceSettings {
    /// Name of a header field.
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<String>,
    /// Word in front of the key in that field, such as `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<String>,
    /// Name of a query parameter. Targets are written to logs, and only this gateway's do not tell the key: prefer a
    /// header.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    /// Name of a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    cookie: Option<String>,
}

impl PlaceSettings {
    /// A header field that holds nothing but the key.
    pub(super) fn header(name: &str) -> Self {
        Self { header: Some(name.to_owned()), ..Self::default() }
    }

    /// The authentication scheme, if it is one.
    pub(super) fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }
}

/// One place, ready to be looked at.
#[derive(Debug)]
pub(super) enum Place {
    Header { name: HeaderName, scheme: Option<String> },
    Query(String),
    Cookie(String),
}

/// What is in a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Key(Vec<u8>),
    /// More than one, so that gateway and upstream might take different ones.
    Ambiguous,
}

impl Found {
    fn and(self, key: Vec<u8>) -> Self {
        match self {
            Self::Nothing => Self::Key(key),
            Self::Key(_) | Self::Ambiguous => Self::Ambiguous,
        }
    }
}

impl Place {
    /// Reads the setting.
    pub(super) fn read(settings: &PlaceSettings, at: &str, problems: &mut Problems) -> Option<Self> {
        let token = |text: &str| HeaderName::from_bytes(text.as_bytes()).ok();
        if settings.scheme.is_some() && settings.header.is_none() {
            problems.add(
                format!("{at}/scheme"),
                "`scheme` belongs to `header`",
                "remove it, or name a header",
            );
            return None;
        }
        match (&settings.header, &settings.query, &settings.cookie) {
            (Some(name), None, None) => {
                let Some(name) = token(name) else {
                    let help = "use letters, digits and `-`, such as `x-api-key`";
                    problems.add(format!("{at}/header"), "this is not a usable header name", help);
                    return None;
                };
                if settings.scheme.as_ref().is_some_and(|scheme| token(scheme).is_none()) {
                    problems.add(
                        format!("{at}/scheme"),
                        "this is not a usable scheme",
                        "write a word such as `Bearer`",
                    );
                    return None;
                }
                Some(Self::Header { name, scheme: settings.scheme.clone() })
            }
            (None, Some(name), None) if !name.is_empty() => Some(Self::Query(name.clone())),
            (None, None, Some(name)) if token(name).is_some() => Some(Self::Cookie(name.clone())),
            _ => {
                let help = "write one of `{ header: NAME }`, `{ query: NAME }` and `{ cookie: NAME }`";
                problems.add(at, "this is not a place of a key", help);
                None
            }
        }
    }

    /// The query parameter that this place is.
    pub(super) fn parameter(&self) -> Option<&str> {
        match self {
            Self::Query(name) => Some(name),
            Self::Header { .. } | Self::Cookie(_) => None,
        }
    }

    /// What is in this place of a request.
    pub(super) fn find(&self, request: &Request) -> Found {
        match self {
            Self::Header { name, scheme } => {
                let values = request.headers.get_all(name).iter();
                values.fold(Found::Nothing, |found, value| {
                    match after_scheme(value.as_bytes(), scheme.as_deref()) {
                        Some(key) if !key.is_empty() => found.and(key.to_vec()),
                        _ => found,
                    }
                })
            }
            Self::Query(name) => {
                let query = request.uri.query().unwrap_or_default();
                query.split('&').fold(Found::Nothing, |found, pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    if decoded(key) == name.as_bytes() && !value.is_empty() {
                        found.and(decoded(value).into_owned())
                    } else {
                        found
                    }
                })
            }
            Self::Cookie(name) => {
                cookies(&request.headers).fold(Found::Nothing, |found, pair| match pair.split_once('=') {
                    Some((key, value)) if key == name && !value.is_empty() => {
                        found.and(value.as_bytes().to_vec())
                    }
                    _ => found,
                })
            }
        }
    }

    /// Takes out what is in this place.
    pub(super) fn hide(&self, request: &mut Request) {
        match self {
            Self::Header { name, .. } => drop(request.headers.remove(name)),
            Self::Query(name) => {
                let query = request.uri.query().unwrap_or_default();
                let is_key =
                    |pair: &&str| decoded(pair.split('=').next().unwrap_or_default()) == name.as_bytes();
                if query.split('&').any(|pair| is_key(&pair)) {
                    let kept: Vec<&str> = query.split('&').filter(|pair| !is_key(pair)).collect();
                    let path = request.uri.path();
                    let target =
                        if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
                    // Part of a valid target is a valid target.
                    request.uri = target.parse::<Uri>().unwrap_or_else(|_| Uri::from_static("/"));
                }
            }
            Self::Cookie(name) => {
                let is_key = |pair: &&str| pair.split_once('=').is_some_and(|(key, _)| key == name);
                if cookies(&request.headers).any(|pair| is_key(&pair)) {
                    let kept: Vec<&str> = cookies(&request.headers).filter(|pair| !is_key(pair)).collect();
                    let kept = HeaderValue::from_str(&kept.join("; ")).ok().filter(|kept| !kept.is_empty());
                    match kept {
                        Some(kept) => drop(request.headers.insert(COOKIE, kept)),
                        None => drop(request.headers.remove(COOKIE)),
                    }
                }
            }
        }
    }
}

/// The credentials after an authentication scheme, whose case does not count (RFC 9110, section 11.1).
fn after_scheme<'a>(value: &'a [u8], scheme: Option<&str>) -> Option<&'a [u8]> {
    let Some(scheme) = scheme else { return Some(value.trim_ascii()) };
    let (first, rest) = value.split_at_checked(scheme.len())?;
    (first.eq_ignore_ascii_case(scheme.as_bytes()) && rest.first() == Some(&b' ')).then(|| rest.trim_ascii())
}

/// A part of a query as forms write it.
fn decoded(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).collect());
    }
    percent_decode_str(text).into()
}

/// The cookies of a request, as `NAME=VALUE`. A field that is no text has none.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let fields = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    fields.flat_map(|field| field.split(';')).map(str::trim).filter(|pair| !pair.is_empty())
}
