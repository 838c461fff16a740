//! What of a request decides its target: the key of `consistent_hash`, and the cookie of session affinity.
//!
//! The cookie holds a hash of the target's address, which tells a client nothing about the network behind the
//! gateway and is the same for every gateway with the same configuration. A value that is no target's is as good as
//! none, and so is one whose target cannot serve: the balancer chooses, and the cookie is set anew.

use std::net::IpAddr;

use http::header::{COOKIE, HeaderValue};
use http::{HeaderMap, Request};

use super::hash;
use crate::config::{Affinity, HashKey};

/// What a choice between targets goes by, besides the targets.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish {
    /// The hash of the configured key, if the request has it.
    pub(super) hash: Option<u64>,
    /// The id of the target that the client's cookie names.
    pub(super) home: Option<u64>,
}

impl Wish {
    /// What the request says.
    pub(super) fn of<B>(
        request: &Request<B>,
        client: IpAddr,
        (key, affinity): (Option<&HashKey>, Option<&Affinity>),
    ) -> Self {
        let headers = request.headers();
        let hash = key.and_then(|key| match key {
            HashKey::Header(name) => headers.get(name).map(|value| hash::of_bytes(value.as_bytes())),
            HashKey::Cookie(name) => cookie(headers, name).map(hash::of_bytes),
            HashKey::ClientIp => Some(match client.to_canonical() {
                IpAddr::V4(address) => hash::of_bytes(&address.octets()),
                IpAddr::V6(address) => hash::of_bytes(&address.octets()),
            }),
        });
        let home = affinity.and_then(|affinity| cookie(headers, &affinity.cookie)).and_then(parse);
        Self { hash, home }
    }
}

/// The id of a target in cookies.
pub(super) fn id(address: &str) -> u64 {
    hash::of_bytes(address.as_bytes())
}

/// The field that makes a client come back to a target (RFC 6265, section 4.1).
pub(super) fn set_cookie(affinity: &Affinity, id: u64) -> Option<HeaderValue> {
    let age = affinity.max_age.map(|age| format!("; Max-Age={}", age.as_secs())).unwrap_or_default();
    let secure = if affinity.secure { "; Secure" } else { "" };
    let text = format!("{}={id:016x}; Path=/{age}; HttpOnly; SameSite=Lax{secure}", affinity.cookie);
    HeaderValue::from_str(&text).ok()
}

fn parse(value: &[u8]) -> Option<u64> {
    // `from_str_radix` alone would take a sign.
    let is_id = value.len() == 16 && value.iter().all(u8::is_ascii_hexdigit);
    u64::from_str_radix(std::str::from_utf8(value).ok().filter(|_| is_id)?, 16).ok()
}

/// The value of the first cookie of this name.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let fields = headers.get_all(COOKIE).into_iter();
    fields.flat_map(|field| field.as_bytes().split(|&byte| byte == b';')).find_map(|pair| {
        let (key, value) = pair.trim_ascii_start().split_at_checked(name.len())?;
        (key == name.as_bytes()).then(|| value.strip_prefix(b"=")).flatten().map(<[u8]>::trim_ascii)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(cookies: &[&'static str]) -> Request<()> {
        let mut request = Request::new(());
        for cookie in cookies {
            request.headers_mut().append(COOKIE, HeaderValue::from_static(cookie));
        }
        request
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let request = request(&["xa=0; ab=1", "b=2;a=3; a=4"]);
        let find =
            |name| cookie(request.headers(), name).map(|value| String::from_utf8_lossy(value).into_owned());
        assert_eq!(find("a").as_deref(), Some("3"));
        assert_eq!(find("ab").as_deref(), Some("1"));
        assert_eq!(find("x"), None);
    }

    #[test]
    fn what_is_set_is_understood_and_nothing_else() {
        let affinity = Affinity { cookie: "t".into(), max_age: None, secure: true };
        let id = id("10.0.0.1:80");
        let field = set_cookie(&affinity, id).unwrap();
        let field = field.to_str().unwrap();
        assert!(field.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{field}");
        assert!(!field.contains("10.0.0.1"));
        let value = field.split(['=', ';']).nth(1).unwrap();
        assert_eq!(parse(value.as_bytes()), Some(id));
        for wrong in ["", "1", "+000000000000001", "zzzzzzzzzzzzzzzz"] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn an_address_hashes_alike_in_both_notations() {
        let of =
            |client: &str| Wish::of(&request(&[]), client.parse().unwrap(), (Some(&HashKey::ClientIp), None));
        assert_eq!(of("10.1.2.3").hash, of("::ffff:10.1.2.3").hash);
        assert_ne!(of("10.1.2.3").hash, of("10.1.2.4").hash);
    }
}
