//! The documents name only paths that exist, so that a reader is never sent to a file that was renamed.
//!
//! Looks at `code spans` and at targets of links, outside fenced blocks. A span counts as a path when it
//! starts with a folder of the repository or ends like a source file; placeholders (`scripts/NAME.rhai`),
//! patterns and files that a user makes (`.so`) do not count. A document that does not exist is passed over.

use std::collections::BTreeSet;

use crate::{no_findings, tree};

const DOCUMENTS: [&str; 6] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "patches/README.md",
    "benches/README.md",
];

/// Folders whose mention makes a span a path, whether they exist or not.
const FOLDERS: [&str; 10] =
    [".ci", "docs", "engine", "jit", "gateway", "patches", "scripts", "tests", "benches", "examples"];

/// Endings that make a span a path wherever it starts.
const ENDINGS: [&str; 2] = ["rs", "md"];

#[test]
fn documents_name_only_paths_that_exist() {
    let files = tree::all_files();
    let mut findings = Vec::new();
    for document in DOCUMENTS {
        let text = tree::read(document).unwrap_or_default();
        let wrong = paths_of(&text).into_iter().filter(|path| !exists(path, document, &files));
        findings.extend(wrong.map(|path| format!("{document}: {path}")));
    }
    no_findings("no such file or folder: mend the document", &findings);
}

#[test]
fn spans_and_links_that_look_like_paths_are_found() {
    let text = "See `engine/src/lib.rs`, `proxy.rs`, [how](CONTRIBUTING.md#tests) and [web](https://example.org/a.md).\n\
                `cargo test` `application/json` `/livez` `scripts/NAME.rhai` `patches/fix.so` `tests/*.rs` `a/b`\n\
                ```\n`gateway/in/a/block.rs`\n```\nThen `tests/`, `gateway/src/config` and `forebay.yaml`.\n";
    let expected = ["CONTRIBUTING.md", "engine/src/lib.rs", "gateway/src/config", "proxy.rs", "tests/"]
        .map(str::to_owned);
    assert_eq!(paths_of(text), BTreeSet::from(expected));
}

#[test]
fn a_path_exists_in_full_or_as_the_end_of_a_source_file() {
    let files = tree::all_files();
    let known = [
        "tests/tidy/documents.rs",
        "tests/tidy",
        "tests/",
        "tidy/documents.rs",
        "documents.rs",
        "Cargo.toml",
    ];
    for path in known {
        assert!(exists(path, "README.md", &files), "{path} exists");
    }
    for path in ["tests/nothing.rs", "ocuments.rs", "tidy/nothing", "tidy", "tests/tidy/documents.rs/"] {
        assert!(!exists(path, "README.md", &files), "{path} does not exist");
    }
    assert!(exists("../Cargo.toml", "patches/README.md", &files), "links start where their document stands");
}

fn paths_of(text: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            let spans = line.split('`').skip(1).step_by(2).filter(|span| looks_like_a_path(span));
            paths.extend(spans.map(str::to_owned));
            paths.extend(link_targets(line).map(str::to_owned));
        }
    }
    paths
}

fn looks_like_a_path(span: &str) -> bool {
    let plain = span.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let placeholder = |part: &str| part.split(['.', '_']).any(|piece| piece == "NAME");
    if !plain || span.split('/').any(placeholder) || tree::has_extension(span, "so") {
        return false;
    }
    let in_a_folder = span.split_once('/').is_some_and(|(first, _)| FOLDERS.contains(&first));
    in_a_folder || ENDINGS.iter().any(|ending| tree::has_extension(span, ending))
}

/// Targets of links within the repository, without their anchors.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local =
        targets.filter(|target| !target.contains(':')).map(|target| target.split('#').next().unwrap_or(""));
    local.filter(|target| !target.is_empty())
}

/// Whether the path stands under the root, beside the document, or, for a file, ends the path of one.
fn exists(path: &str, document: &str, files: &[String]) -> bool {
    let beside = tree::root().join(document).with_file_name(path);
    let ends_a_file = || {
        let suffix = format!("/{path}");
        tree::has_extension(path, "rs") && files.iter().any(|file| file.ends_with(&suffix))
    };
    tree::root().join(path).exists() || beside.exists() || ends_a_file()
}
