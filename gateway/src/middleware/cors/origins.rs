//! Which origins may read answers.
//!
//! An origin is compared as the browser writes it: scheme, host and, unless it is the scheme's own, port, all in lower
//! case (HTML standard, "serialization of an origin").

use http::HeaderValue;

use crate::middleware::Problems;

/// The origins that are allowed.
#[derive(Debug)]
pub(super) enum Origins {
    /// All, which needs no look at the request.
    All,
    /// Some.
    Some {
        /// Whole origins, `null` among them.
        exact: Vec<String>,
        /// `https://*.example.com:8443` as what stands before and after the `*`.
        below: Vec<(String, String)>,
    },
}

const HELP: &str = "write `https://app.example.com`, `https://*.example.com`, `null` or `*`";

impl Origins {
    /// Reads the setting.
    pub(super) fn read(list: &[String], credentials: bool, problems: &mut Problems) -> Self {
        if let Some(index) = list.iter().position(|origin| origin == "*") {
            let at = format!("/origins/{index}");
            if credentials {
                let help = "name the origins: with credentials, browsers refuse `*`";
                problems.add(at, "`*` cannot be combined with `credentials`", help);
            } else if list.len() > 1 {
                problems.add(at, "`*` stands beside other origins", "write `*` alone, or remove it");
            }
            return Self::All;
        }
        let (mut exact, mut below) = (Vec::new(), Vec::new());
        for (index, written) in list.iter().enumerate() {
            let origin = written.to_ascii_lowercase();
            match problem(&origin) {
                Some(help) => problems.add(format!("/origins/{index}"), "this is not an origin", help),
                None => match origin.split_once("*.") {
                    Some((scheme, rest)) => below.push((scheme.to_owned(), format!(".{rest}"))),
                    None => exact.push(origin),
                },
            }
        }
        Self::Some { exact, below }
    }

    /// What to answer a request with this origin; `None` grants nothing.
    pub(super) fn answer(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        match self {
            Self::All => Some(HeaderValue::from_static("*")),
            Self::Some { exact, below } => {
                let value = origin?;
                let text = value.to_str().ok()?;
                let is_below = |(scheme, domain): &(String, String)| {
                    let name = text
                        .strip_prefix(scheme.as_str())
                        .and_then(|rest| rest.strip_suffix(domain.as_str()));
                    // What the `*` stands for is part of a host name, never of a user, port or path.
                    name.is_some_and(|name| {
                        !name.is_empty()
                            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
                    })
                };
                let is_allowed = exact.iter().any(|known| known == text) || below.iter().any(is_below);
                is_allowed.then(|| value.clone())
            }
        }
    }

    /// Whether answers differ by origin, so that caches have to know.
    pub(super) fn depend_on_request(&self) -> bool {
        matches!(self, Self::Some { .. })
    }
}

/// What to do about a text that is no origin; `None` if it is one.
fn problem(origin: &str) -> Option<&'static str> {
    if origin == "null" {
        return None;
    }
    let Some((scheme, host)) = origin.split_once("://") else { return Some(HELP) };
    let host = host.strip_prefix("*.").unwrap_or(host);
    if host.contains(['/', '?', '#']) {
        return Some("write the origin only, without a path or a slash at its end");
    }
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    if !default_port.is_empty() && host.ends_with(default_port) {
        return Some("leave out the port: browsers do not send the one that belongs to the scheme");
    }
    let is_scheme =
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c));
    if is_scheme && is_host { None } else { Some(HELP) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(list: &[&str]) -> Origins {
        let mut problems = Problems::default();
        let list: Vec<String> = list.iter().map(|&text| text.to_owned()).collect();
        let read = Origins::read(&list, false, &mut problems);
        problems.finish(read).unwrap()
    }

    fn allows(origins: &Origins, origin: &str) -> bool {
        origins.answer(Some(&HeaderValue::from_str(origin).unwrap())).is_some()
    }

    #[test]
    fn origins_are_whole_and_wildcards_stand_for_labels() {
        let set = origins(&["https://App.example.com", "https://*.example.org:8443", "null"]);
        for origin in
            ["https://app.example.com", "https://a.example.org:8443", "https://a.b.example.org:8443", "null"]
        {
            assert!(allows(&set, origin), "{origin}");
        }
        for origin in [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.test",
            "https://evil-app.example.com",
            "https://example.org:8443",
            "https://evil.test/.example.org:8443",
            "https://evil.test#.example.org:8443",
            "https://u@evil.test:1.example.org:8443",
            "https://aexample.org:8443",
        ] {
            assert!(!allows(&set, origin), "{origin}");
        }
        assert!(set.answer(None).is_none() && set.depend_on_request());
        assert_eq!(origins(&["*"]).answer(None).unwrap(), "*");
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for text in [
            "app.example.com",
            "https://a.test/",
            "https://a.test:443",
            "https://",
            "https://*",
            "",
            "*.a.test",
        ] {
            assert!(problem(text).is_some(), "{text}");
        }
        for text in
            ["https://[::1]:8080", "http://localhost:3000", "capacitor://localhost", "https://*.a.test"]
        {
            assert!(problem(text).is_none(), "{text}");
        }
    }
}
