//! Path patterns: literal segments, `{name}` for one segment, `{*name}` for the rest.
//!
//! A segment is either literal or a parameter as a whole; mixtures such as `v{n}` are refused, because the
//! router compares whole segments.

use super::super::codes;
use super::super::interpolate::is_variable_name;
use super::Refusal;

/// Longest pattern, in bytes.
const PATTERN_MAX: usize = 2048;

/// Accepts or refuses a path pattern.
pub(super) fn pattern(text: &str) -> Result<(), Refusal> {
    if !text.starts_with('/') {
        let help = match text {
            "*" => "write `/{*rest}` to take every path".to_owned(),
            text => format!("write `/{text}`"),
        };
        return Err(refusal("a path starts with `/`", &help));
    }
    if text.len() > PATTERN_MAX {
        return Err(refusal("the path is too long", "use at most 2048 bytes"));
    }
    let segments: Vec<_> = text[1..].split('/').collect();
    let mut names = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let is_last = index + 1 == segments.len();
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(parameter) => check_parameter(parameter, is_last, &mut names)?,
            None if segment.is_empty() && is_last => {} // a closing slash, or the root
            None => check_literal(segment)?,
        }
    }
    Ok(())
}

fn check_parameter<'a>(written: &'a str, is_last: bool, names: &mut Vec<&'a str>) -> Result<(), Refusal> {
    let (name, takes_rest) = match written.strip_prefix('*') {
        Some(name) => (name, true),
        None => (written, false),
    };
    if !is_variable_name(name) {
        let help = "name a parameter with letters, digits and `_`: `{id}`, or `{*rest}` for the rest";
        return Err(refusal("a parameter of the path has no usable name", help));
    }
    if takes_rest && !is_last {
        let help = format!("move it to the end, or write `{{{name}}}` for one segment");
        return Err(refusal("this parameter takes the rest of the path, so nothing can follow it", &help));
    }
    if names.contains(&name) {
        let help = format!("rename one of the two `{name}`");
        return Err(refusal("the path has two parameters of one name", &help));
    }
    names.push(name);
    Ok(())
}

/// A literal segment as a client may send it.
fn check_literal(segment: &str) -> Result<(), Refusal> {
    if segment.contains(['{', '}']) {
        let help = "a parameter is a whole segment: `/v1/{id}`, not `/v1{id}`";
        return Err(refusal("the path mixes text and braces in one segment", help));
    }
    if segment.is_empty() {
        return Err(refusal("the path has an empty segment", "write one `/` between segments"));
    }
    if let Some(name) = segment.strip_prefix(':') {
        let help = format!("write `{{{name}}}`");
        return Err(refusal("parameters are written in braces", &help));
    }
    if segment.contains('*') {
        return Err(refusal("`*` has no meaning in a path", "write `{*rest}` for the rest of the path"));
    }
    if matches!(segment, "." | "..") {
        return Err(refusal("the path has a `.` or `..` segment", "write the path without it"));
    }
    if segment.contains(['?', '#']) {
        return Err(refusal(
            "the path holds a query or fragment",
            "use `query` for conditions on parameters",
        ));
    }
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '|');
    if !segment.chars().all(plain) || !has_whole_escapes(segment) {
        let help = "write other characters percent-encoded, as clients send them: `%20` for a space";
        return Err(refusal("the path holds characters that a request path cannot have", help));
    }
    Ok(())
}

fn has_whole_escapes(segment: &str) -> bool {
    segment.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Accepts or refuses the prefix that is removed from a path which matched `pattern`.
pub(super) fn strip_prefix(prefix: &str, pattern_text: &str) -> Result<(), Refusal> {
    if prefix == "/" || prefix.ends_with('/') {
        return Err(refusal("a prefix does not end with `/`", "leave out the last `/`, or the whole key"));
    }
    if prefix.contains(['{', '}']) {
        return Err(refusal("a prefix has no parameters", "write literal segments"));
    }
    pattern(prefix)?;
    let rest = pattern_text.strip_prefix(prefix);
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) || pattern(pattern_text).is_err() {
        return Ok(());
    }
    let message = "`path` does not begin with the prefix to remove";
    Err(Refusal::new(codes::CONFLICT, message, "make `strip_prefix` the first segments of `path`"))
}

fn refusal(message: &str, help: &str) -> Refusal {
    Refusal::new(codes::PATH_PATTERN, message, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_segments_and_parameters() {
        for good in
            ["/", "/a", "/a/", "/a/{id}", "/a/{id}/b/{*rest}", "/{*rest}", "/a%20b", "/a.b~c", "/@x:y"]
        {
            assert!(pattern(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn other_notations_are_refused_with_the_right_one() {
        let help = |text: &str| pattern(text).unwrap_err().help;
        assert!(help("orders").contains("`/orders`"));
        assert!(help("/a/:id").contains("`{id}`"));
        assert!(help("/a/*").contains("`{*rest}`"));
        assert!(help("/{*a}/b").contains("end"));
        assert!(help("/{a}/{a}").contains("rename"));
        for bad in [
            "", "//", "/a//b", "/v{n}", "/{", "/{}", "/{*}", "/{1a}", "/a b", "/ä", "/a?b", "/..", "/%zz",
            "/%2",
        ] {
            assert!(pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_prefix_is_the_beginning_of_the_path() {
        assert!(strip_prefix("/a", "/a/{id}").is_ok());
        assert!(strip_prefix("/a", "/a").is_ok());
        assert_eq!(strip_prefix("/a", "/ab").unwrap_err().code, codes::CONFLICT);
        assert_eq!(strip_prefix("/a", "/{*rest}").unwrap_err().code, codes::CONFLICT);
        assert!(strip_prefix("/", "/a").is_err() && strip_prefix("/a/", "/a/b").is_err());
    }
}
