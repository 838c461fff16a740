//! Names: of routes, scripts, secrets, hosts, methods and headers.

use http::{HeaderName, Method};

use super::super::codes;
use super::super::suggest::closest;
use super::Refusal;

/// Longest name of a route, upstream, script or secret, in characters.
const NAME_MAX: usize = 64;

/// Methods that are accepted without a second look: RFC 9110, PATCH, `WebDAV` and caches.
const METHODS: [&str; 20] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "SEARCH",
    "PURGE",
    "QUERY",
];

/// Names of routes, upstreams and secrets: they become labels of metrics and words of commands.
pub(super) fn name(text: &str, what: &str) -> Result<(), Refusal> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !text.is_empty() && text.len() <= NAME_MAX && text.chars().all(valid) {
        return Ok(());
    }
    let help = format!("use 1 to {NAME_MAX} letters, digits, `_`, `-` and `.`");
    Err(Refusal::new(codes::NAME, format!("this is not a usable name for {what}"), help))
}

/// Names of scripts: they become file names.
pub(super) fn script(text: &str) -> Result<(), Refusal> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !text.is_empty() && text.len() <= NAME_MAX && text.chars().all(valid) {
        return Ok(());
    }
    let help = match text.strip_suffix(".rhai") {
        Some(stem) if stem.chars().all(valid) => "leave out the ending `.rhai`".to_owned(),
        _ => {
            format!("use the name of a file in the scripts folder: 1 to {NAME_MAX} letters, digits, `_`, `-`")
        }
    };
    Err(Refusal::new(codes::NAME, "this is not a usable name for a script", help))
}

/// Ids of middleware.
pub(super) fn middleware(text: &str) -> Result<(), Refusal> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if text.starts_with(|c: char| c.is_ascii_lowercase()) && text.len() <= NAME_MAX && text.chars().all(valid)
    {
        return Ok(());
    }
    let help = format!("use the id of a middleware: 1 to {NAME_MAX} small letters, digits, `_`, `-`");
    Err(Refusal::new(codes::NAME, "this is not a usable id of a middleware", help))
}

/// A host name or address as clients send it, in lower case; `*.` in front takes every name below.
pub(super) fn host_pattern(text: &str) -> Result<String, Refusal> {
    let lower = text.to_ascii_lowercase();
    let name = lower.strip_prefix("*.").unwrap_or(&lower);
    let is_address = name.starts_with('[') && name.ends_with(']');
    if is_address && name[1..name.len() - 1].parse::<std::net::Ipv6Addr>().is_ok() && name == lower {
        return Ok(lower);
    }
    let help = if lower == "*" {
        "leave out `host` to take every host"
    } else if lower.contains("://") || lower.contains('/') {
        "write the host name only, without scheme and path"
    } else if name.contains('*') {
        "`*` stands only in front, for whole labels: `*.example.com`"
    } else if name.contains(':') {
        "write the host name without a port; listeners decide about ports"
    } else if !name.is_ascii() {
        "write the name in its ASCII form (`xn--...`)"
    } else {
        "write a name such as `api.example.com` or `*.example.com`"
    };
    if is_host(name) {
        return Ok(lower);
    }
    Err(Refusal::new(codes::HOST, "this is not a usable host name", help))
}

/// Whether a text is a host name or IPv4 address. Underscores are allowed: container networks use them.
pub(super) fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// A method, in capitals as it is sent.
pub(super) fn method(text: &str) -> Result<Method, Refusal> {
    let refuse = |help: String| Err(Refusal::new(codes::METHOD, "this is not a usable method", help));
    let upper = text.to_ascii_uppercase();
    if METHODS.contains(&text) {
        return Method::from_bytes(text.as_bytes())
            .or_else(|_| refuse("write a method such as `GET`".to_owned()));
    }
    if METHODS.contains(&upper.as_str()) {
        return refuse(format!("methods are written in capitals: `{upper}`"));
    }
    if let Some(known) = closest(text, METHODS) {
        return refuse(format!("did you mean `{known}`?"));
    }
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if text == upper => Ok(method),
        _ => refuse("write a method such as `GET`, in capitals".to_owned()),
    }
}

/// The name of a header, in lower case.
pub(super) fn header(text: &str) -> Result<String, Refusal> {
    HeaderName::from_bytes(text.as_bytes()).map(|name| name.as_str().to_owned()).map_err(|_| {
        let help = "use letters, digits and `-`, such as `x-version`";
        Refusal::new(codes::HEADER_NAME, "this is not a usable header name", help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> String {
        outcome.unwrap_err().help
    }

    #[test]
    fn hosts_are_names_or_addresses_without_port() {
        assert_eq!(host_pattern("API.example.com").unwrap(), "api.example.com");
        assert_eq!(host_pattern("*.example.com").unwrap(), "*.example.com");
        assert_eq!(host_pattern("10.0.0.1").unwrap(), "10.0.0.1");
        assert_eq!(host_pattern("[::1]").unwrap(), "[::1]");
        assert!(help(host_pattern("example.com:80")).contains("without a port"));
        assert!(help(host_pattern("http://example.com")).contains("without scheme"));
        assert!(help(host_pattern("api.*.com")).contains("in front"));
        assert!(help(host_pattern("*")).contains("leave out"));
        assert!(help(host_pattern("bücher.example")).contains("xn--"));
        for bad in ["", "a..b", "-a.com", "a_b-.com", "*.", "*.*.com", "*.[::1]", "[::1", "a b"] {
            assert!(host_pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn methods_are_in_capitals_and_slips_are_named() {
        assert_eq!(method("GET").unwrap(), Method::GET);
        assert_eq!(method("SUBSCRIBE").unwrap().as_str(), "SUBSCRIBE");
        assert!(help(method("get")).contains("`GET`"));
        assert!(help(method("DELTE")).contains("`DELETE`"));
        assert!(method("G T").is_err() && method("").is_err());
    }

    #[test]
    fn names_of_scripts_cannot_leave_their_folder() {
        assert!(script("canary_2-x").is_ok());
        assert!(help(script("canary.rhai")).contains(".rhai"));
        assert!(script("../x").is_err() && script("a/b").is_err() && script("").is_err());
    }
}
