//! Conditions on method, headers and query.
//!
//! Query names and values are compared decoded as forms encode them: `+` is a space, escapes are bytes, a
//! name without `=` has the empty value. With several values of one name, one has to satisfy a condition;
//! `Absent` wants none at all. Header values are compared byte by byte; a pattern never matches a value
//! that is not UTF-8.

use std::borrow::Cow;

use http::{HeaderName, Method};

use super::RequestHead;
use crate::config::{RouteMatcher, ValueMatch};

/// The conditions of one route.
#[derive(Debug)]
pub(super) struct Conditions {
    methods: Box<[Method]>,
    headers: Box<[(HeaderName, ValueMatch)]>,
    query: Box<[(Box<str>, ValueMatch)]>,
}

impl Conditions {
    /// Takes the conditions of a route; fails with the header name that is none.
    pub(super) fn new(matcher: &RouteMatcher) -> Result<Self, String> {
        let mut headers = Vec::with_capacity(matcher.headers.len());
        for (name, wanted) in &matcher.headers {
            let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| name.clone())?;
            headers.push((parsed, wanted.clone()));
        }
        let mut methods = matcher.methods.clone();
        methods.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        methods.dedup();
        Ok(Self {
            methods: methods.into(),
            headers: headers.into(),
            query: matcher
                .query
                .iter()
                .map(|(name, wanted)| (name.as_str().into(), wanted.clone()))
                .collect(),
        })
    }

    /// Methods taken, sorted; empty takes all.
    pub(super) fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// Conditions on header fields.
    pub(super) fn headers(&self) -> &[(HeaderName, ValueMatch)] {
        &self.headers
    }

    /// Conditions on query parameters.
    pub(super) fn query(&self) -> &[(Box<str>, ValueMatch)] {
        &self.query
    }

    /// How many there are; a list of methods counts as one.
    pub(super) fn count(&self) -> usize {
        usize::from(!self.methods.is_empty()) + self.headers.len() + self.query.len()
    }

    /// Text that is equal for conditions that take the same requests: order and repetition do not matter.
    pub(super) fn identity(&self) -> String {
        let methods = self.methods.iter().map(|method| format!("method {:?}", method.as_str()));
        let headers =
            self.headers.iter().map(|(name, wanted)| format!("header {name:?} {}", describe(wanted)));
        let query = self.query.iter().map(|(name, wanted)| format!("query {name:?} {}", describe(wanted)));
        let mut all: Vec<String> = methods.chain(headers).chain(query).collect();
        all.sort_unstable();
        all.dedup();
        all.join("\n")
    }

    /// Whether the method is taken.
    pub(super) fn take_method(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }

    /// Whether the conditions on headers and query hold.
    pub(super) fn hold_but_method(&self, request: &RequestHead<'_>) -> bool {
        self.headers.iter().all(|(name, wanted)| header_holds(request, name, wanted))
            && self.query.iter().all(|(name, wanted)| query_holds(request, name, wanted))
    }
}

/// Whether a header condition holds.
pub(super) fn header_holds(request: &RequestHead<'_>, name: &HeaderName, wanted: &ValueMatch) -> bool {
    let mut values = request.headers.get_all(name).iter();
    match wanted {
        ValueMatch::Present => values.next().is_some(),
        ValueMatch::Absent => values.next().is_none(),
        ValueMatch::Exact(text) => values.any(|value| value.as_bytes() == text.as_bytes()),
        ValueMatch::Regex(pattern) => {
            values.any(|value| std::str::from_utf8(value.as_bytes()).is_ok_and(|text| pattern.is_match(text)))
        }
    }
}

/// Whether a query condition holds.
pub(super) fn query_holds(request: &RequestHead<'_>, name: &str, wanted: &ValueMatch) -> bool {
    let mut values = request.query.unwrap_or_default().split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (!pair.is_empty() && decode_form(key) == name).then(|| decode_form(value))
    });
    match wanted {
        ValueMatch::Present => values.next().is_some(),
        ValueMatch::Absent => values.next().is_none(),
        ValueMatch::Exact(text) => values.any(|value| value == *text),
        ValueMatch::Regex(pattern) => values.any(|value| pattern.is_match(&value)),
    }
}

fn decode_form(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// A wanted value in words.
pub(super) fn describe(wanted: &ValueMatch) -> String {
    match wanted {
        ValueMatch::Present => "present".to_owned(),
        ValueMatch::Absent => "absent".to_owned(),
        ValueMatch::Exact(text) => format!("equal to {text:?}"),
        ValueMatch::Regex(pattern) => format!("matched by {:?}", pattern.as_str()),
    }
}
