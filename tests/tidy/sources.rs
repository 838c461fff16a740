//! What every Rust file must have, and what none may hold.

use crate::lexer::{code_only, line_of, words};
use crate::no_findings;
use crate::tree::{self, SourceFile};

/// Beyond this a file holds more than one idea.
const LINES_MAX: usize = 400;

/// Files that may be longer, each with the reason. Data in a table is a reason; a long story is not.
const LONGER_FILES: [(&str, &str); 4] = [
    ("jit/src/codegen/control.rs", "the constructs of control flow share how ends of branches meet"),
    ("jit/src/codegen/expression.rs", "one function for each kind of expression, in the order of the tree"),
    ("jit/src/codegen/function.rs", "the frame: its slots, its entry and its exits belong together"),
    ("jit/src/program.rs", "the life of a program from its source to the memory of its code"),
];

/// Words that mark unfinished work, spelt so that this file does not hold them.
const UNFINISHED_WORDS: [&str; 3] = [concat!("FIX", "ME"), concat!("TO", "DO"), concat!("XX", "X")];

/// Macros that stand for code that is missing.
const UNFINISHED_MACROS: [&str; 2] = ["todo", "unimplemented"];

#[test]
fn every_file_starts_with_module_docs() {
    let findings: Vec<_> = tree::rust_files()
        .into_iter()
        .filter(|file| !starts_with_docs(&file.text))
        .map(|file| file.path)
        .collect();
    no_findings(
        "start these with `//!`: what the file is for, what it relies on, what it refuses",
        &findings,
    );
}

#[test]
fn no_file_is_long_without_a_reason() {
    let allowed =
        |path: &str| LONGER_FILES.iter().any(|(listed, reason)| *listed == path && !reason.is_empty());
    let findings: Vec<_> = tree::rust_files()
        .iter()
        .map(|file| (&file.path, file.text.lines().count()))
        .filter(|(path, lines)| *lines > LINES_MAX && !allowed(path))
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    no_findings("more than 400 lines: split by idea, or list it in LONGER_FILES with a reason", &findings);
}

#[test]
fn the_list_of_long_files_is_not_stale() {
    let long = |path: &str| tree::read(path).is_some_and(|text| text.lines().count() > LINES_MAX);
    let stale: Vec<_> =
        LONGER_FILES.iter().filter(|(path, _)| !long(path)).map(|(path, _)| (*path).to_owned()).collect();
    no_findings("no longer long: take these off LONGER_FILES", &stale);
}

#[test]
fn nothing_is_left_unfinished() {
    let mut findings = Vec::new();
    for path in tree::all_files() {
        if ["rs", "rhai", "toml"].iter().any(|extension| tree::has_extension(&path, extension)) {
            let text = tree::read(&path).expect("the file was just listed");
            findings.extend(unfinished(&SourceFile { path, text }));
        }
    }
    no_findings("finish these, or take the marker away", &findings);
}

#[test]
fn no_test_is_switched_off() {
    let attribute = concat!("#[", "ignore");
    let mut findings = Vec::new();
    for file in tree::rust_files() {
        let code = code_only(&file.text);
        findings.extend(code.match_indices(attribute).map(|(at, _)| place(&file, at)));
    }
    no_findings("mend or delete these tests: one that never runs proves nothing", &findings);
}

#[test]
fn no_end_to_end_test_sleeps() {
    let mut findings = Vec::new();
    for file in tree::rust_files().into_iter().filter(|file| file.path.starts_with("tests/")) {
        findings.extend(sleeps(&file));
    }
    no_findings("await the event itself, with a time limit, instead of sleeping", &findings);
}

#[test]
fn the_rules_see_what_they_forbid() {
    let file = |text: &str| SourceFile { path: "sample.rs".to_owned(), text: text.to_owned() };
    assert!(starts_with_docs("//! Says what it is for.\n"));
    assert!(!starts_with_docs("// Only a comment.\n"));
    assert!(!starts_with_docs("//!\nfn f() {}\n"), "an empty first line says nothing");

    let marker = UNFINISHED_WORDS[0];
    let text =
        format!("//! Docs.\n// {marker}: later\nfn f() {{ todo!() }}\n// {marker}ED and todo!() in prose\n");
    assert_eq!(unfinished(&file(&text)), ["sample.rs:2", "sample.rs:3"]);

    let text = "use std::{thread, time};\nfn f() { thread::sleep(time::Duration::ZERO) }\n\
                fn g() { script(\"time::sleep(1)\") }\n";
    assert_eq!(sleeps(&file(text)), ["sample.rs:2"]);
}

fn starts_with_docs(text: &str) -> bool {
    text.strip_prefix("//!").and_then(|rest| rest.lines().next()).is_some_and(|line| !line.trim().is_empty())
}

/// Marker words count anywhere, comments above all; macros count in code only.
fn unfinished(file: &SourceFile) -> Vec<String> {
    let code = code_only(&file.text);
    let marked = words(&file.text).filter(|(_, word)| UNFINISHED_WORDS.contains(word));
    let missing = words(&code)
        .filter(|(at, word)| UNFINISHED_MACROS.contains(word) && code[at + word.len()..].starts_with('!'));
    marked.chain(missing).map(|(at, _)| place(file, at)).collect()
}

fn sleeps(file: &SourceFile) -> Vec<String> {
    let code = code_only(&file.text);
    words(&code)
        .filter(|(_, word)| matches!(*word, "sleep" | "sleep_ms" | "sleep_until"))
        .map(|(at, _)| place(file, at))
        .collect()
}

fn place(file: &SourceFile, at: usize) -> String {
    format!("{}:{}", file.path, line_of(&file.text, at))
}
