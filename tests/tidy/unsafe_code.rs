//! Where `unsafe` may stand: in a short list of files, each of which opts in and argues for every block.
//!
//! The lint `unsafe_code` is denied for the workspace, so a file has to lift it visibly; this list makes a
//! new such file a decision that shows in review. Clippy asks for the `SAFETY:` comments too; here they are
//! asked for independently of who runs clippy.

use crate::lexer::{code_only, line_of, words};
use crate::no_findings;
use crate::tree::{self, SourceFile};

/// Files that may hold `unsafe`, or folders with a slash at the end, and what for.
const ALLOWED: [(&str, &str); 16] = [
    ("engine/src/script/fiber.rs", "a fiber's yielder crosses the interpreter's frames as a pointer"),
    ("gateway/src/memory.rs", "a global allocator is an unsafe trait"),
    ("gateway/src/patch/adapter/", "functions of patches are called, and pointers of theirs kept"),
    (
        "gateway/src/patch/culprit.rs",
        "handlers of fatal signals are installed and run below what Rust can check",
    ),
    ("gateway/src/patch/host/", "arguments of patches are read and written through their pointers"),
    (
        "gateway/src/patch/interface.rs",
        "the entry of a patch is called, and what it says read through pointers",
    ),
    ("gateway/src/patch/library.rs", "code of a library runs when it is mapped"),
    ("gateway/src/promote/profile.rs", "perf learns of a jitdump file by its being mapped"),
    (
        "jit/src/codegen/",
        "helpers are functions that machine code calls with pointers, and tests call them alike",
    ),
    ("jit/src/layout/", "the layout of values is tried out by writing and reading them as machine code does"),
    ("jit/src/program.rs", "machine code is entered through a pointer, and freed"),
    ("jit/src/rt/", "machine code passes pointers"),
    (
        "patches/sdk/src/",
        "the host's functions are called through their table, and instances are pointers to it",
    ),
    ("patches/sdk/tests/", "the host's side of the boundary is played there"),
    ("patches/abi/src/", "types of functions and pointers on either side of the C boundary"),
    ("tests/e2e/support/hardening.rs", "the kernel is asked between fork and exec"),
];

fn is_listed(path: &str) -> bool {
    ALLOWED.iter().any(|(allowed, _)| *allowed == path || allowed.ends_with('/') && path.starts_with(allowed))
}

#[test]
fn unsafe_stands_in_listed_files_only() {
    let mut findings = Vec::new();
    for file in tree::rust_files().into_iter().filter(|file| !is_listed(&file.path)) {
        let lines = unsafe_lines(&code_only(&file.text));
        findings.extend(lines.into_iter().map(|line| format!("{}:{line}", file.path)));
    }
    no_findings("find a safe way, or add the file to ALLOWED with its reason", &findings);
}

#[test]
fn listed_files_opt_in_and_argue_for_each_block() {
    let mut findings = Vec::new();
    for file in tree::rust_files().into_iter().filter(|file| is_listed(&file.path)) {
        // A listed folder has safe files too; what only names the type of an unsafe function promises nothing.
        if ALLOWED.iter().any(|(path, _)| *path == file.path)
            || !argument_lines(&code_only(&file.text)).is_empty()
        {
            findings.extend(problems(&file));
        }
    }
    no_findings("unsafe without its argument", &findings);
}

#[test]
fn the_rules_see_what_they_forbid() {
    let check = |text: &str| problems(&SourceFile { path: "f.rs".to_owned(), text: text.to_owned() });
    let opening = "//! Docs.\n#![expect(unsafe_code, reason = \"why\")]\n";
    let good = format!(
        "{opening}// SAFETY: the argument,\n// on two lines.\nunsafe impl Send for X {{}}\n\
         fn f() {{\n    // SAFETY: argued.\n    let x =\n        unsafe {{ g() }};\n}}\n"
    );
    assert_eq!(check(&good), [""; 0]);
    let bare = format!("{opening}// No argument.\nfn f() {{\n    // A note.\n    unsafe {{ g() }}\n}}\n");
    assert_eq!(check(&bare), ["f.rs:6: no SAFETY comment directly above"]);
    let shared =
        format!("{opening}// SAFETY: argued.\nlet x = unsafe {{ g() }};\nlet y = unsafe {{ h() }};\n");
    assert_eq!(check(&shared), ["f.rs:5: no SAFETY comment directly above"]);
    let unopened =
        "//! Docs with #![expect(unsafe_code, reason = \"\")] in prose.\n// SAFETY: argued.\nunsafe {}\n";
    assert_eq!(check(unopened), ["f.rs: no `#![expect(unsafe_code, reason = ...)]`"]);
    assert_eq!(check("//! Safe, about unsafe.\n"), ["f.rs: holds no unsafe code; take it off ALLOWED"]);
}

fn problems(file: &SourceFile) -> Vec<String> {
    let code = code_only(&file.text);
    if unsafe_lines(&code).is_empty() {
        return vec![format!("{}: holds no unsafe code; take it off ALLOWED", file.path)];
    }
    let mut problems = Vec::new();
    if !opts_in(&code) {
        problems.push(format!("{}: no `#![expect(unsafe_code, reason = ...)]`", file.path));
    }
    let lines: Vec<_> = file.text.lines().collect();
    let code_lines: Vec<_> = code.lines().collect();
    for line in argument_lines(&code) {
        if !argued(&lines, &code_lines, line) {
            problems.push(format!("{}:{line}: no SAFETY comment directly above", file.path));
        }
    }
    problems
}

/// Whether an inner attribute of the file expects `unsafe_code` and gives a reason.
fn opts_in(code: &str) -> bool {
    code.match_indices("#![expect(").any(|(at, _)| {
        let attribute = code[at..].split(']').next().unwrap_or_default();
        let has = |wanted| words(attribute).any(|(_, word)| word == wanted);
        has("unsafe_code") && has("reason")
    })
}

fn unsafe_lines(code: &str) -> Vec<usize> {
    words(code).filter(|(_, word)| *word == "unsafe").map(|(at, _)| line_of(code, at)).collect()
}

/// Lines of blocks, implementations and unsafe attributes: where a promise is made. The signature of an
/// unsafe function makes none, it asks for one.
fn argument_lines(code: &str) -> Vec<usize> {
    words(code)
        .filter(|(_, word)| *word == "unsafe")
        .filter(|(at, word)| {
            let after = code[at + word.len()..].trim_start();
            after.starts_with(['{', '(']) || words(after).next().is_some_and(|(_, next)| next == "impl")
        })
        .map(|(at, _)| line_of(code, at))
        .collect()
}

/// Whether a comment with `SAFETY:` ends directly above the statement that holds the line (from 1).
fn argued(lines: &[&str], code_lines: &[&str], line: usize) -> bool {
    let is_comment = |at: usize| lines[at].trim_start().starts_with("//");
    let ends_statement = |at: usize| {
        let code = code_lines[at].trim_end();
        code.is_empty() || code.ends_with([';', '{', '}', ','])
    };
    let mut start = line - 1;
    while start > 0 && !is_comment(start - 1) && !ends_statement(start - 1) {
        start -= 1;
    }
    let comment = (0..start).rev().take_while(|at| is_comment(*at));
    comment.into_iter().any(|at| lines[at].contains("SAFETY:"))
}
