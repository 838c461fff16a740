//! The programs that people wrote: `corpus/CHAPTER.rhai.txt`, several per file, each after a line `//# NAME`;
//! and `findings/NAME.rhai`, one per file.

use std::fs;
use std::path::{Path, PathBuf};

/// A program of a file.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// `CHAPTER/NAME`.
    pub(crate) id: String,
    pub(crate) source: String,
}

const MARK: &str = "//# ";

/// The folder of the parity tests.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity")
}

/// All programs of the corpus.
pub(crate) fn corpus() -> Vec<Program> {
    let chapters = files(&folder().join("corpus"), ".rhai.txt");
    chapters.iter().flat_map(|(chapter, text)| split(chapter, text)).collect()
}

/// All programs that once showed a difference.
pub(crate) fn findings() -> Vec<Program> {
    let files = files(&folder().join("findings"), ".rhai");
    files.into_iter().map(|(name, source)| Program { id: format!("findings/{name}"), source }).collect()
}

/// Names without their ending, and texts, in the order of the names.
fn files(folder: &Path, ending: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.expect("an entry of a folder").path();
            let name = path.file_name()?.to_str()?.strip_suffix(ending)?.to_owned();
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Some((name, text))
        })
        .collect();
    files.sort();
    files
}

fn split(chapter: &str, text: &str) -> Vec<Program> {
    let mut programs: Vec<Program> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix(MARK) {
            programs.push(Program { id: format!("{chapter}/{name}"), source: String::new() });
        } else if let Some(program) = programs.last_mut() {
            program.source.push_str(line);
            program.source.push('\n');
        }
    }
    programs
}
