//! The files of the repository, with paths relative to its root and `/` between their parts.
//!
//! Walks the folders instead of asking git, so that a source archive is checked like a clone, and a new file
//! before it is added. Hidden folders and build output (`target`) are left out.

use std::fs;
use std::path::Path;

/// Folders that hold the project's Rust sources. One that does not exist yet holds none.
const SOURCE_FOLDERS: [&str; 6] = ["engine", "jit", "gateway", "tests", "benches", "patches"];

/// One file and its text.
pub(crate) struct SourceFile {
    /// Path from the root of the repository.
    pub(crate) path: String,
    /// Whole text.
    pub(crate) text: String,
}

/// Root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of the project, ordered by path.
pub(crate) fn rust_files() -> Vec<SourceFile> {
    let mut paths: Vec<_> = SOURCE_FOLDERS.iter().flat_map(|folder| files_under(folder)).collect();
    paths.retain(|path| has_extension(path, "rs"));
    let files: Vec<_> =
        paths.into_iter().map(|path| SourceFile { text: read(&path).unwrap(), path }).collect();
    assert!(
        files.iter().any(|file| file.path == "tests/tidy/tree.rs"),
        "the walk of the sources must at least find this file; it found {}",
        files.len()
    );
    files
}

/// Every file of the repository, ordered by path within each folder.
pub(crate) fn all_files() -> Vec<String> {
    files_under("")
}

/// Text of a file, or `None` when there is no such file. Bytes that are not UTF-8, as test data may hold on
/// purpose, are replaced.
pub(crate) fn read(path: &str) -> Option<String> {
    let file = root().join(path);
    file.is_file().then(|| {
        let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{path} should be readable: {error}"));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Whether the path ends in `.` and the extension.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

fn files_under(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut pending = vec![root().join(folder)];
    while let Some(folder) = pending.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
            let kind = entry.file_type().expect("an entry that was just listed has a type");
            let name = entry.file_name();
            let skipped = name == "target" || name.to_string_lossy().starts_with('.');
            if kind.is_dir() && !skipped {
                pending.push(entry.path());
            } else if kind.is_file() {
                found.push(relative(&entry.path()));
            }
        }
    }
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).expect("the walk starts at the root");
    path.to_string_lossy().replace('\\', "/")
}
