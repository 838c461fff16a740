//! What expressions become, and what they are refused for.

use super::*;
use crate::config::document::{Format, parse};
use crate::config::problem::into_diagnostics;
use crate::diagnostic::{Location, Source};

/// The value of `v`, its origin, and the problems as code and place.
fn run(text: &str, base: &Path) -> (Option<String>, Origin, Vec<(String, Location)>) {
    let environment = Environment::given([("A", "one"), ("EMPTY", ""), ("INJECT", "x\ny: [1]")]);
    let mut root = parse(text, Format::Yaml).0.unwrap();
    let mut pass = Interpolation::new(text, base, &environment);
    pass.run(&mut root);
    let source = std::sync::Arc::new(Source::new("f", text));
    let problems = into_diagnostics(pass.finish().0, &source);
    let problems = problems.iter().map(|p| (p.code.to_string(), p.location().unwrap())).collect();
    let value = root.at("v");
    (value.text().map(str::to_owned), value.origin, problems)
}

fn value(text: &str) -> String {
    let (value, _, problems) = run(&format!("v: {text}\n"), Path::new(""));
    assert_eq!(problems, []);
    value.unwrap()
}

#[test]
fn expressions_are_replaced_inside_text() {
    assert_eq!(value("${A}"), "one");
    assert_eq!(value("a-${A}-${A}"), "a-one-one");
    assert_eq!(value("${B:-two}"), "two");
    assert_eq!(value("${EMPTY:-two}"), "two");
    assert_eq!(value("${EMPTY}"), "");
    assert_eq!(value("'$5 ^x$'"), "$5 ^x$");
}

#[test]
fn a_doubled_dollar_is_a_literal() {
    assert_eq!(value("$${A}"), "${A}");
    assert_eq!(value("${A}$${A}"), "one${A}");
}

#[test]
fn a_value_cannot_add_structure() {
    assert_eq!(value("${INJECT}"), "x\ny: [1]");
}

#[test]
fn files_are_read_without_their_last_line_break_and_are_secret() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "hunter2\n").unwrap();
    let (value, origin, problems) = run("v: Bearer ${file:key} ${A}\n", folder.path());
    assert_eq!(problems, []);
    assert_eq!(value.as_deref(), Some("Bearer hunter2 one"));
    assert_eq!(origin, Origin::Secret);
}

#[test]
fn problems_point_at_the_expression() {
    let problem = |text: &str| {
        let (value, _, problems) = run(text, Path::new(""));
        assert_eq!(value, None);
        (problems[0].0.clone(), problems[0].1.line, problems[0].1.column)
    };
    assert_eq!(problem("w: 1\nv: \"a ${NOPE}\"\n"), ("E0110".into(), 2, 7));
    assert_eq!(problem("v: |\n  a\n  b ${NOPE}\n"), ("E0110".into(), 3, 5));
    assert_eq!(problem("v: ${A\n"), ("E0112".into(), 1, 4));
    assert_eq!(problem("v: ${a b}\n"), ("E0112".into(), 1, 4));
    assert_eq!(problem("v: ${file:}\n"), ("E0111".into(), 1, 4));
    assert_eq!(problem("v: ${file:/absent/x}\n"), ("E0111".into(), 1, 4));
    assert_eq!(problem("v: ${file:/dev/zero}\n"), ("E0111".into(), 1, 4));
}
