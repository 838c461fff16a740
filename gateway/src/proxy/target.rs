//! Targets of requests as logs tell them: without the values of query parameters that hold secrets.

use std::sync::Arc;

use percent_encoding::percent_decode_str;

/// What stands in the place of a secret.
const CONCEALED: &str = "***";

/// The target with the values of these parameters concealed.
pub(super) fn told(target: String, secret: &[Arc<str>]) -> String {
    let Some((path, query)) = target.split_once('?').filter(|_| !secret.is_empty()) else { return target };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if secret.iter().any(|secret| is(name, secret)) => format!("{name}={CONCEALED}"),
        _ => pair.to_owned(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// Whether a name in a query, as forms write it, is this one.
fn is(written: &str, name: &str) -> bool {
    percent_decode_str(&written.replace('+', " ")).eq(name.bytes())
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn only_the_values_of_secret_parameters_are_concealed() {
        for (target, expected) in [
            ("/a?key=secret&b=1", "/a?key=***&b=1"),
            ("/a?b=1&k%65y=s%20e&key=&key", "/a?b=1&k%65y=***&key=***&key"),
            ("/a?api+key=s&keys=1&b", "/a?api+key=***&keys=1&b"),
            ("http://a/?key=s?t=u", "http://a/?key=***"),
            ("/key=s", "/key=s"),
            ("/a?", "/a?"),
        ] {
            assert_eq!(told(target.to_owned(), &["key".into(), "api key".into()]), expected);
        }
        assert_eq!(told("/a?key=s".to_owned(), &[]), "/a?key=s");
    }
}
