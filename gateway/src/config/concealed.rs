//! What must not be printed: values from `${file:...}`, everything under a key named `secrets`, and API keys that
//! somebody wrote where a digest belongs.
//!
//! Kept in two ways. Places, in the shape that `show` prints, hide a value even after it was parsed into
//! something else; texts hide the same secret where it came in by another way, such as a variable.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use super::document::{Data, Node, Origin};

/// Shortest text that is looked for inside other values. A shorter one would hide half of the output.
const TEXT_CHARS_MIN: usize = 4;

/// Separates the parts of a place; no key contains it that a person would write.
const SEPARATOR: char = '\u{1f}';

/// What must not be printed of one configuration.
#[derive(Clone, Default)]
pub struct Concealed {
    texts: BTreeSet<String>,
    places: BTreeSet<String>,
}

impl fmt::Debug for Concealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What was found while walking a tree.
pub(super) struct Findings {
    /// For `show`.
    pub(super) concealed: Concealed,
    /// Byte ranges of secrets that stand in the file itself.
    pub(super) ranges: Vec<Range<usize>>,
    /// Number of common steps, which `show` prints before each route's own.
    common_steps: usize,
}

/// Marks what stands under a key named like `secrets`, and collects all that is secret. A misspelt key counts:
/// its problem is reported with an excerpt, and that must not show the value.
pub(super) fn conceal(root: &mut Node, inserted: Vec<String>) -> Findings {
    let concealed = Concealed::default();
    let common_steps = root.get("steps").map_or(0, Node::len);
    let mut findings = Findings { concealed, ranges: Vec::new(), common_steps };
    for text in inserted {
        findings.concealed.add_text(text);
    }
    findings.walk(root, &mut Vec::new(), Under::Ordinary);
    findings
}

/// Whether a key named like `secrets` is among the ancestors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Under {
    Ordinary,
    Secrets,
}

impl Findings {
    fn walk(&mut self, node: &mut Node, path: &mut Vec<String>, under: Under) {
        match &mut node.data {
            Data::Map(entries) => {
                for entry in entries {
                    let under = if names_secrets(&entry.key) { Under::Secrets } else { under };
                    path.push(entry.key.clone());
                    self.walk(&mut entry.value, path, under);
                    path.pop();
                }
            }
            Data::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    path.push(index.to_string());
                    self.walk(item, path, under);
                    path.pop();
                }
            }
            data => {
                if under == Under::Secrets || is_bare_key(path, data) {
                    self.ranges.push(node.span.clone());
                    node.origin = Origin::Secret;
                    match data {
                        Data::Text(text) => self.concealed.add_text(text.clone()),
                        Data::Integer(number) => self.concealed.add_text(number.to_string()),
                        _ => {}
                    }
                }
                if node.origin == Origin::Secret {
                    self.concealed.places.extend(shown_places(path, self.common_steps));
                }
            }
        }
    }
}

/// Whether a text stands where `key_auth` has the digest of a key, and is none: then it is probably the key.
fn is_bare_key(path: &[String], data: &Data) -> bool {
    let Data::Text(text) = data else { return false };
    let place: Vec<&str> = path.iter().rev().map(String::as_str).collect();
    let is_key = matches!(place[..], [_, "keys", "config", ..] | [_, "digests", _, "keys", "config", ..]);
    is_key && !text.starts_with("sha256:")
}

/// `secrets`, `client_secret` and slips such as `secert`; not `socket`, which is two letters away.
fn names_secrets(key: &str) -> bool {
    let key: String = key.chars().take(64).flat_map(char::to_lowercase).collect();
    let near = |word| strsim::damerau_levenshtein(&key, word) <= 1;
    key.contains("secret") || near("secret") || near("secrets")
}

impl Concealed {
    fn add_text(&mut self, text: String) {
        if text.chars().count() >= TEXT_CHARS_MIN {
            self.texts.insert(text);
        }
    }

    /// Whether a leaf of the shown configuration must be masked.
    pub(super) fn hides(&self, path: &[String], text: &str) -> bool {
        if self.texts.iter().any(|secret| text.contains(secret.as_str())) {
            return true;
        }
        let place = join(path);
        let below = format!("{place}{SEPARATOR}");
        self.places.range(below.clone()..).next().is_some_and(|next| next.starts_with(&below))
            || (1..=path.len()).any(|length| self.places.contains(&join(&path[..length])))
            || self.hides_common_step(path)
    }

    /// Common steps are shown at the beginning of each route's steps.
    fn hides_common_step(&self, path: &[String]) -> bool {
        match path {
            [routes, _, steps, rest @ ..] if routes == "routes" && steps == "steps" && !rest.is_empty() => {
                let common: Vec<_> = std::iter::once(steps.clone()).chain(rest.iter().cloned()).collect();
                (2..=common.len()).any(|length| self.places.contains(&join(&common[..length])))
            }
            _ => false,
        }
    }
}

/// Where `show` prints what stands at a path of the file. A value that may be written in two ways is shown in
/// one of them.
fn shown_places(path: &[String], common_steps: usize) -> Vec<String> {
    let mut places = vec![join(path)];
    match path {
        // One listener without a list is shown as a list of one.
        [listen, rest @ ..]
            if listen == "listen" && rest.first().is_none_or(|key| key.parse::<usize>().is_err()) =>
        {
            let head = [listen.clone(), "0".to_owned()];
            places.push(join(&head.into_iter().chain(rest.iter().cloned()).collect::<Vec<_>>()));
        }
        [routes, index, host] if routes == "routes" && host == "host" => {
            places.push(join(&[routes.clone(), index.clone(), "hosts".to_owned()]));
        }
        [routes, index, steps, step, rest @ ..] if routes == "routes" && steps == "steps" => {
            let shifted = step.parse::<usize>().unwrap_or(0) + common_steps;
            let head = [routes.clone(), index.clone(), steps.clone(), shifted.to_string()];
            places = vec![join(&head.into_iter().chain(rest.iter().cloned()).collect::<Vec<_>>())];
        }
        [routes, index, headers, name, rest @ ..] if routes == "routes" && headers == "headers" => {
            let head = [routes.clone(), index.clone(), headers.clone(), name.to_ascii_lowercase()];
            places.push(join(&head.into_iter().chain(rest.iter().cloned()).collect::<Vec<_>>()));
        }
        _ => {}
    }
    places
}

fn join(path: &[String]) -> String {
    path.join(&SEPARATOR.to_string())
}

/// Byte ranges that may hold secrets in a text that could not be parsed: from a word such as `secrets` to the
/// end of what looks like its value. Rather too much than too little.
pub(super) fn guess(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut hiding: Option<Hiding> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if let Some(hidden) = &mut hiding {
            if hidden.covers(line, indent) {
                hidden.count_braces(line);
                ranges.push(start + value_start(line, 0)..start + line.len());
                start += line.len();
                continue;
            }
            hiding = None;
        }
        if let Some(index) = line.to_ascii_lowercase().find("secret") {
            let mut hidden = Hiding { indent, is_table: line.trim_start().starts_with('['), braces: 0 };
            hidden.count_braces(&line[index..]);
            ranges.push(start + value_start(line, index)..start + line.len());
            hiding = Some(hidden);
        }
        start += line.len();
    }
    ranges
}

/// The section after a line that names secrets.
struct Hiding {
    indent: usize,
    is_table: bool,
    braces: usize,
}

impl Hiding {
    fn covers(&self, line: &str, indent: usize) -> bool {
        let blank = line.trim().is_empty();
        let inside_table = self.is_table && !line.trim_start().starts_with('[');
        blank || indent > self.indent || self.braces > 0 || inside_table
    }

    fn count_braces(&mut self, line: &str) {
        for c in line.chars() {
            match c {
                '{' => self.braces += 1,
                '}' => self.braces = self.braces.saturating_sub(1),
                _ => {}
            }
        }
    }
}

/// Where the value of a line begins: after the first `:` or `=`, else at the given place.
fn value_start(line: &str, from: usize) -> usize {
    line[from..].find([':', '=']).map_or(from, |index| from + index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::{Format, parse};
    use crate::diagnostic::Source;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn everything_below_a_key_like_secrets_is_concealed() {
        let text = "scripts: { secret: { k: hunter2, l: [a1b2, 7] } }\nv: x\n";
        let mut root = parse(text, Format::Yaml).0.unwrap();
        let findings = conceal(&mut root, Vec::new());
        let source = Source::redacted("f", text, &findings.ranges);
        assert_eq!(source.text(), "scripts: { secret: { k: ***, l: [***, ***] } }\nv: x\n");
        let hides = |place: &str, text: &str| findings.concealed.hides(&path(place), text);
        assert!(hides("scripts.secret.k", "other"));
        assert!(hides("routes.0.path", "/hunter2"));
        assert!(!hides("routes.0.path", "/7"));
    }

    #[test]
    fn secrets_over_several_lines_and_by_alias_are_hidden_whole() {
        let text = "x: &k 'hunter2'\nsecrets:\n  a: |\n    hunter2\n    hunter2\n  b: 'hunter2\n    hunter2'\n  c: *k\nz: 1\n";
        let mut root = parse(text, Format::Yaml).0.unwrap();
        let findings = conceal(&mut root, Vec::new());
        let source = Source::redacted("f", text, &findings.ranges);
        assert!(!source.text().contains("hunter2") && source.text().contains("z: 1"), "{}", source.text());
    }

    #[test]
    fn api_keys_in_place_of_their_digests_are_concealed() {
        let text = "steps: [{ config: { keys: { a: hunter2, b: { digests: [hunter3], meta: { keys: x } }, c: 'sha256:00' } } }]\n";
        let mut root = parse(text, Format::Yaml).0.unwrap();
        let findings = conceal(&mut root, Vec::new());
        let source = Source::redacted("f", text, &findings.ranges);
        assert!(
            !source.text().contains("hunter") && source.text().contains("sha256:00"),
            "{}",
            source.text()
        );
        assert!(source.text().contains("meta: { keys: x }"), "{}", source.text());
    }

    #[test]
    fn slips_of_secrets_count_but_other_words_do_not() {
        for key in ["secrets", "Secret", "secert", "screts", "client_secret", "secretsManager"] {
            assert!(names_secrets(key), "{key}");
        }
        for key in ["socket", "select", "script", "scripts", "sections"] {
            assert!(!names_secrets(key), "{key}");
        }
    }

    #[test]
    fn values_are_hidden_where_they_are_shown() {
        let text = "listen: x\nsteps: [{config: {a: x}}]\nroutes: [{host: x, headers: {X-A: {regex: x}}, steps: [{config: {b: x}}]}]\n";
        let mut root = parse(text, Format::Yaml).0.unwrap();
        mark(&mut root);
        let findings = conceal(&mut root, Vec::new());
        for shown in ["listen.0", "routes.0.hosts.0", "routes.0.headers.x-a", "routes.0.headers.x-a.regex"] {
            assert!(findings.concealed.hides(&path(shown), ""), "{shown}");
        }
        assert!(findings.concealed.hides(&path("routes.0.steps.0.config.a"), ""));
        assert!(findings.concealed.hides(&path("routes.0.steps.1.config.b"), ""));
        assert!(!findings.concealed.hides(&path("routes.0.steps.0.config.b"), ""));
        assert!(!findings.concealed.hides(&path("routes.0.name"), ""));
    }

    fn mark(node: &mut Node) {
        match &mut node.data {
            Data::Map(entries) => entries.iter_mut().for_each(|entry| mark(&mut entry.value)),
            Data::List(items) => items.iter_mut().for_each(mark),
            _ => node.origin = Origin::Secret,
        }
    }

    #[test]
    fn a_text_that_cannot_be_parsed_shows_no_secrets_either() {
        let texts = [
            "scripts:\n  secrets:\n    a: 'hunter2\n    b: hunter2\nroutes: []\n",
            "scripts: { secrets: { a: hunter2, b: 'hunter2 } }\n",
            "[scripts.secrets]\na = hunter2\n\nb = 'hunter2'\n[routes]\nx = 1\n",
            "scripts.secrets.a = hunter2\n",
            "{\n\"secrets\": {\n\"a\": \"hunter2\",\n\"b\": \"hunter2\"\n},\n\"routes\": [],}",
        ];
        for text in texts {
            let shown = Source::redacted("f", text, &guess(text));
            assert!(!shown.text().contains("hunter2"), "{}", shown.text());
            assert!(!text.contains("routes") || shown.text().contains("routes"), "{}", shown.text());
        }
    }
}
