//! The table of file sizes and function counts, for whoever wants to see where the code grows.
//!
//! Printed by `cargo test --test tidy sizes -- --nocapture`. Nothing is judged here: the limits are
//! `no_file_is_long_without_a_reason` and clippy's `too_many_lines`.

use std::collections::BTreeMap;

use crate::lexer::{code_only, words};
use crate::tree;

/// Sizes of the files of one folder.
#[derive(Default, Debug, PartialEq, Eq)]
struct Sizes {
    /// Lines per file.
    lines: Vec<usize>,
    /// Functions with a name, methods and tests included; closures and function types not.
    functions: usize,
}

impl Sizes {
    fn add(&mut self, text: &str) {
        self.lines.push(text.lines().count());
        self.functions += functions(text);
    }

    /// The size that this many percent of the files do not exceed (nearest rank).
    fn percentile(&self, percent: usize) -> usize {
        let mut lines = self.lines.clone();
        lines.sort_unstable();
        let rank = (lines.len() * percent).div_ceil(100).max(1);
        lines.get(rank - 1).copied().unwrap_or(0)
    }

    fn row(&self, name: &str) -> String {
        let (files, total) = (self.lines.len(), self.lines.iter().sum::<usize>());
        let [half, most, all] = [50, 95, 100].map(|percent| self.percentile(percent));
        format!("{name:<10} {files:>6} {total:>8} {half:>6} {most:>6} {all:>6} {:>10}", self.functions)
    }
}

fn functions(text: &str) -> usize {
    let code = code_only(text);
    let named = |at: usize| code[at + 2..].trim_start().starts_with(|c: char| c == '_' || c.is_alphabetic());
    words(&code).filter(|(at, word)| *word == "fn" && named(*at)).count()
}

#[test]
fn sizes_of_files_as_a_table() {
    let mut folders: BTreeMap<String, Sizes> = BTreeMap::new();
    let mut whole = Sizes::default();
    for file in tree::rust_files() {
        let folder = file.path.split('/').next().unwrap_or_default();
        folders.entry(folder.to_owned()).or_default().add(&file.text);
        whole.add(&file.text);
    }
    println!(
        "{:<10} {:>6} {:>8} {:>6} {:>6} {:>6} {:>10}",
        "folder", "files", "lines", "p50", "p95", "max", "functions"
    );
    for (folder, sizes) in &folders {
        println!("{}", sizes.row(folder));
    }
    println!("{}", whole.row("all"));
    assert_eq!(whole.functions, folders.values().map(|sizes| sizes.functions).sum::<usize>());
}

#[test]
fn percentiles_and_functions_are_counted_as_defined() {
    let sizes = Sizes { lines: (1..=20).rev().collect(), functions: 0 };
    assert_eq!([50, 95, 100].map(|percent| sizes.percentile(percent)), [10, 19, 20]);
    assert_eq!(Sizes { lines: vec![7], functions: 0 }.percentile(50), 7);
    assert_eq!(Sizes::default().percentile(95), 0);
    assert_eq!(
        functions("fn a() {}\n// fn no()\nstruct S(fn(u8));\nimpl S { const fn b(f: impl Fn()) {} }"),
        2
    );
}
