//! Removing what belongs to one connection (RFC 9110, section 7.6.1).

use forebay_engine::header_rules::is_hop_by_hop;
use http::header::CONNECTION;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The elements of a `Connection` value, without blanks around them and without empty ones.
pub(super) fn options(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|option| !option.is_empty())
}

/// Removes hop-by-hop fields, fields that `Connection` names, and those that `is_unwanted`.
///
/// Costs one pass over the names; nothing is allocated unless something has to go.
pub(super) fn remove_fields(headers: &mut HeaderMap, is_unwanted: impl Fn(&HeaderName) -> bool) {
    let mut doomed: Vec<HeaderName> =
        headers.keys().filter(|name| is_hop_by_hop(name) || is_unwanted(name)).cloned().collect();
    for option in headers.get_all(CONNECTION).iter().flat_map(options) {
        let is_usual = option.eq_ignore_ascii_case(b"keep-alive") || option.eq_ignore_ascii_case(b"close");
        if !is_usual && let Ok(name) = HeaderName::from_bytes(option) {
            doomed.push(name);
        }
    }
    for name in doomed {
        headers.remove(name);
    }
}
