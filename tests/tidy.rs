//! Rules of the house that a compiler does not check: layout, direction of dependencies, where `unsafe` may
//! stand, and that the documents name things that exist.
//!
//! These tests read the repository only; they build nothing and reach no network. Each failure lists every
//! offending place and says what to do about it. `cargo test --test tidy -- --nocapture` also prints the table
//! of file sizes, so that drift shows.

#[path = "tidy/tree.rs"]
mod tree;

#[path = "tidy/lexer.rs"]
mod lexer;

#[path = "tidy/dependencies.rs"]
mod dependencies;

#[path = "tidy/sources.rs"]
mod sources;

#[path = "tidy/unsafe_code.rs"]
mod unsafe_code;

#[path = "tidy/documents.rs"]
mod documents;

#[path = "tidy/scripts.rs"]
mod scripts;

#[path = "tidy/sizes.rs"]
mod sizes;

/// Fails with every finding and the remedy, so that one run shows all there is to mend.
#[track_caller]
fn no_findings(remedy: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{remedy}:\n  {}", findings.join("\n  "));
}
