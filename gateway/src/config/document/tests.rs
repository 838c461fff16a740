//! What the three formats become, and what they are refused for.

use super::*;
use crate::config::problem::into_diagnostics;
use crate::diagnostic::{Location, Source};

/// The value, or the code and place of each problem.
fn read(text: &str, format: Format) -> Result<serde_json::Value, Vec<(String, Location)>> {
    let (root, problems) = parse(text, format);
    if problems.is_empty() {
        return Ok(root.unwrap().to_json());
    }
    let source = std::sync::Arc::new(Source::new("f", text));
    let problems = into_diagnostics(problems, &source).into_iter();
    Err(problems.map(|problem| (problem.code.to_string(), problem.location().unwrap())).collect())
}

fn refused(text: &str, format: Format) -> (String, usize, usize) {
    let problems = read(text, format).unwrap_err();
    let (code, place) = problems[0].clone();
    (code, place.line, place.column)
}

#[test]
fn all_formats_give_the_same_tree() {
    let yaml = "a: 1\nb: [x, 2.5, true, null]\nc: {d: 'y'}\n";
    let toml = "a = 1\nb = ['x', 2.5, true]\n[c]\nd = 'y'\n";
    let json = r#"{"a": 1, "b": ["x", 2.5, true, null], "c": {"d": "y"}}"#;
    let mut expected = serde_json::json!({"a": 1, "b": ["x", 2.5, true, null], "c": {"d": "y"}});
    assert_eq!(read(yaml, Format::Yaml).unwrap(), expected);
    assert_eq!(read(json, Format::Json).unwrap(), expected);
    expected["b"].as_array_mut().unwrap().pop();
    assert_eq!(read(toml, Format::Toml).unwrap(), expected);
}

#[test]
fn positions_are_those_of_the_value() {
    let texts = [
        ("name: 'äb'\nroutes:\n  - path: /x\n", Format::Yaml, "/x"),
        ("name = 'äb'\n[[routes]]\npath = '/x'\n", Format::Toml, "'/x'"),
        ("{\"name\": \"\\\"äb\",\n\"routes\": [ {\"path\": \"/x\"} ]}", Format::Json, "\"/x\""),
    ];
    for (text, format, expected) in texts {
        let root = parse(text, format).0.unwrap();
        let path = root.at("routes").item(0).at("path");
        assert_eq!(&text[path.span.clone()], expected);
    }
}

#[test]
fn yaml_reads_scalars_by_the_core_schema() {
    let yaml = "[yes, off, 0x10, 0o17, 1e3, '5', .inf, +3, -2, 1.2.3, ~, 127.0.0.1:80, +x, 0x-1]";
    let expected = serde_json::json!([
        "yes",
        "off",
        16,
        15,
        1000.0,
        "5",
        ".inf",
        3,
        -2,
        "1.2.3",
        null,
        "127.0.0.1:80",
        "+x",
        "0x-1"
    ]);
    assert_eq!(read(yaml, Format::Yaml).unwrap(), expected);
}

#[test]
fn a_key_twice_is_refused_in_every_format() {
    assert_eq!(refused("a: 1\nb: 2\na: 3\n", Format::Yaml), ("E0106".into(), 3, 1));
    assert_eq!(refused("a = 1\nb = 2\na = 3\n", Format::Toml), ("E0106".into(), 3, 1));
    assert_eq!(refused("{\"a\": 1,\n \"a\": 3}", Format::Json), ("E0106".into(), 2, 2));
}

#[test]
fn errors_of_syntax_name_the_place() {
    assert_eq!(refused("a: 1\nb: 'x\n", Format::Yaml).0, "E0105");
    assert_eq!(refused("a: [1,\nb: 2\n", Format::Yaml).0, "E0105");
    assert_eq!(refused("a = 1\nb = = 2\n", Format::Toml), ("E0105".into(), 2, 5));
    assert_eq!(refused("{\"a\": 1,\n \"b\": }", Format::Json), ("E0105".into(), 2, 7));
}

#[test]
fn emptiness_is_a_problem_of_its_own() {
    for (text, format) in
        [("", Format::Yaml), ("# nothing\n", Format::Yaml), ("", Format::Toml), (" \n", Format::Json)]
    {
        assert_eq!(refused(text, format).0, "E0103", "{text:?}");
    }
}

#[test]
fn what_a_configuration_cannot_use_is_refused() {
    for yaml in [
        "a: 1\n---\nb: 2\n",
        "a: !include x\n",
        "a: &x {b: 1}\nc: {<<: *x}\n",
        "? [a]\n: 1\n",
        "a: &x [*x]\n",
        "a: &x 1\n*x : 2\n",
    ] {
        assert_eq!(refused(yaml, Format::Yaml).0, "E0107", "{yaml:?}");
    }
    assert_eq!(refused("a = 1979-05-27\n", Format::Toml), ("E0107".into(), 1, 5));
    assert_eq!(refused("a = inf\n", Format::Toml).0, "E0107");
}

#[test]
fn aliases_copy_values_but_not_without_bound() {
    let yaml = "a: &x {b: [1, 2]}\nc: *x\n";
    let expected = serde_json::json!({"a": {"b": [1, 2]}, "c": {"b": [1, 2]}});
    assert_eq!(read(yaml, Format::Yaml).unwrap(), expected);

    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        let copies = vec![below; 10].join(", ");
        bomb = format!("{bomb}a{level}: &a{level} [{copies}]\n");
    }
    assert_eq!(refused(&bomb, Format::Yaml).0, "E0107");
}

#[test]
fn nesting_is_bounded_in_every_format() {
    let brackets = format!("{}{}", "[".repeat(70), "]".repeat(70));
    assert_eq!(refused(&brackets, Format::Yaml).0, "E0107");
    assert_eq!(refused(&brackets, Format::Json).0, "E0107");
    assert_eq!(refused(&format!("a = {brackets}"), Format::Toml).0, "E0107");
    let bottomless = "[".repeat(100_000);
    assert!(read(&bottomless, Format::Yaml).is_err());
    assert!(read(&bottomless, Format::Json).is_err());
    assert!(read(&format!("a = {bottomless}"), Format::Toml).is_err());
}
