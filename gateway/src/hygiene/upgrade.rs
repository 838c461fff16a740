//! Requests to switch protocols (RFC 9110, section 7.8): what a client asks for, and what is passed on.
//!
//! `Upgrade` belongs to one connection. It reaches an upstream only when the upstream's configuration names the protocol,
//! and the answer reaches the client only when it switches to what was asked for; so no protocol is spoken over the
//! connection that nobody has allowed, HTTP/2 without TLS (`h2c`) among them.

use http::header::{CONNECTION, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Version};

use super::connection::options;

/// The protocol that a request asks to switch to: one, by a request of HTTP/1.1 that says so in `Connection` as well.
/// Anything else asks for nothing, and is served as if it had not.
pub fn asked_upgrade(head: &Parts) -> Option<HeaderValue> {
    let asked = only_upgrade(&head.headers)?;
    let named = |value| options(value).any(|option| option.eq_ignore_ascii_case(b"upgrade"));
    let is_named = head.headers.get_all(CONNECTION).iter().any(named);
    (head.version == Version::HTTP_11 && is_named).then(|| asked.clone())
}

/// Asks the upstream for it, or tells the client of it.
pub fn set_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// Whether the head of a 101 switches to what was asked for.
pub fn switches_to(headers: &HeaderMap, asked: &HeaderValue) -> bool {
    only_upgrade(headers).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(asked.as_bytes()))
}

/// The value of the field, if there is one and it names one protocol.
fn only_upgrade(headers: &HeaderMap) -> Option<&HeaderValue> {
    let value = headers.get(UPGRADE)?;
    let is_only = headers.get_all(UPGRADE).iter().nth(1).is_none();
    let is_one = value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(byte));
    (is_only && is_one && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn asked(version: Version, fields: &[(&str, &str)]) -> Option<HeaderValue> {
        let mut request = Request::builder().version(version);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        asked_upgrade(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_switch_is_asked_for_by_both_fields_in_http_1_1() {
        let both = [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
        assert_eq!(asked(Version::HTTP_11, &both).unwrap(), "WebSocket");
        assert_eq!(asked(Version::HTTP_10, &both), None);
        assert_eq!(asked(Version::HTTP_11, &both[1..]), None, "not named in `Connection`");
        assert_eq!(asked(Version::HTTP_11, &both[..1]), None);
        for odd in ["websocket, h2c", "", "web socket"] {
            assert_eq!(asked(Version::HTTP_11, &[both[0], ("upgrade", odd)]), None, "{odd}");
        }
        assert_eq!(asked(Version::HTTP_11, &[both[0], both[1], both[1]]), None, "twice");
    }

    #[test]
    fn an_answer_switches_to_nothing_else() {
        let mut headers = HeaderMap::new();
        let asked = HeaderValue::from_static("websocket");
        assert!(!switches_to(&headers, &asked));
        set_upgrade(&mut headers, HeaderValue::from_static("WebSocket"));
        assert!(switches_to(&headers, &asked));
        set_upgrade(&mut headers, HeaderValue::from_static("h2c"));
        assert!(!switches_to(&headers, &asked));
    }
}
