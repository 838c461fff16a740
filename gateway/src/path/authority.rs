//! The `host[:port]` of a `Host` field or of an absolute target.
//!
//! Stricter than RFC 3986, section 3.2: user information, percent-encodings and sub-delimiters are refused
//! (no server that can be reached has such a name), and so are an empty host (RFC 9110, section 4.2.1) and
//! a port above 65,535. An empty port (`host:`) is allowed, as the grammar has it.

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// Most bytes of a host name, the limit of DNS, and of its textual form with a trailing dot.
const NAME_BYTES_MAX: usize = 254;

/// Why a `host[:port]` is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// No host at all.
    #[error("it is empty")]
    Empty,
    /// More than 254 bytes of name.
    #[error("it is longer than 254 bytes")]
    TooLong,
    /// A character that no host has.
    #[error("only letters, digits, `-`, `_` and `.` are allowed, or an IPv6 address in brackets")]
    Character,
    /// Two dots in a row, or a dot at the start.
    #[error("it has an empty label")]
    EmptyLabel,
    /// Brackets that hold no IPv6 address.
    #[error("there is no IPv6 address in the brackets")]
    Ipv6,
    /// Not a number up to 65,535 after the colon.
    #[error("the port is not a number from 0 to 65535")]
    Port,
}

/// Checks the syntax of `host[:port]` and returns it as text.
pub fn check(bytes: &[u8]) -> Result<&str, HostError> {
    let text = std::str::from_utf8(bytes).map_err(|_| HostError::Character)?;
    let (host, port) = split(text);
    check_host(host)?;
    match port {
        None | Some("") => Ok(text),
        Some(digits) => {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            if is_number && digits.parse::<u16>().is_ok() { Ok(text) } else { Err(HostError::Port) }
        }
    }
}

fn check_host(host: &str) -> Result<(), HostError> {
    if host.is_empty() {
        return Err(HostError::Empty);
    }
    if let Some(inside) = host.strip_prefix('[') {
        let address = inside.strip_suffix(']').ok_or(HostError::Ipv6)?;
        return address.parse::<Ipv6Addr>().map(|_| ()).map_err(|_| HostError::Ipv6);
    }
    if host.len() > NAME_BYTES_MAX {
        return Err(HostError::TooLong);
    }
    let mut previous = b'.';
    for byte in host.bytes() {
        match byte {
            b'.' if previous == b'.' => return Err(HostError::EmptyLabel),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => previous = byte,
            _ => return Err(HostError::Character),
        }
    }
    Ok(())
}

/// Splits `host[:port]` at the colon that is not inside brackets. The host keeps its brackets.
pub fn split(text: &str) -> (&str, Option<&str>) {
    let bytes = text.as_bytes();
    // Every request comes here twice, and names are short: plain loops beat the library's searcher.
    let brackets =
        if bytes.first() == Some(&b'[') { bytes.iter().position(|byte| *byte == b']') } else { None };
    let host_end = brackets.map_or(0, |end| end + 1);
    match bytes[host_end..].iter().position(|byte| *byte == b':') {
        Some(colon) => {
            let colon = host_end + colon;
            (&text[..colon], Some(&text[colon + 1..]))
        }
        None => (text, None),
    }
}

/// Whether two checked authorities name the same server, letters in any case, a missing or empty port
/// being the default one.
pub fn same(one: &str, other: &str, default_port: &str) -> bool {
    let (one_host, one_port) = split(one);
    let (other_host, other_port) = split(other);
    let port = |port: Option<&'_ str>| match port {
        None | Some("") => default_port.parse::<u16>().ok(),
        Some(digits) => digits.parse().ok(),
    };
    one_host.eq_ignore_ascii_case(other_host) && port(one_port) == port(other_port)
}

/// The text in lower case, borrowed when it already is.
pub fn lower_case(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_servers_have_are_accepted() {
        for host in
            ["a", "a.b.example", "a.example.", "A-1_b:8080", "127.0.0.1:1", "[::1]", "[fe80::1]:65535", "a:"]
        {
            assert_eq!(check(host.as_bytes()), Ok(host));
        }
    }

    #[test]
    fn malformed_hosts_are_refused_with_the_rule() {
        let long = "a".repeat(255);
        for (host, error) in [
            ("", HostError::Empty),
            (":80", HostError::Empty),
            (".", HostError::EmptyLabel),
            (".a", HostError::EmptyLabel),
            ("a..b", HostError::EmptyLabel),
            ("a b", HostError::Character),
            ("u@a", HostError::Character),
            ("u:p@a", HostError::Port),
            ("a/b", HostError::Character),
            ("a%2eb", HostError::Character),
            ("a,b", HostError::Character),
            ("a\tb", HostError::Character),
            ("é", HostError::Character),
            ("::1", HostError::Empty),
            ("[::1", HostError::Ipv6),
            ("[::1]x", HostError::Ipv6),
            ("[a]", HostError::Ipv6),
            ("a:65536", HostError::Port),
            ("a:+1", HostError::Port),
            ("a:1:2", HostError::Port),
            (long.as_str(), HostError::TooLong),
        ] {
            assert_eq!(check(host.as_bytes()), Err(error), "{host:?}");
        }
        assert_eq!(check(b"\xff"), Err(HostError::Character));
    }

    #[test]
    fn comparison_ignores_case_and_the_default_port() {
        assert!(same("A.example", "a.EXAMPLE:80", "80"));
        assert!(same("a:", "a:0080", "80"));
        assert!(!same("a:443", "a", "80"));
        assert!(!same("a", "b", "80"));
        assert!(same("[::1]:80", "[::1]", "80"));
    }
}
