//! The scripts folder: reads `NAME.rhai` below one folder and lists what is there.
//!
//! Names use `/` on every system and never leave the folder: `..`, hidden files and symbolic links that point
//! outside are refused, so that an `import` cannot read the rest of the machine. Files are UTF-8 and bounded
//! in size before they are read. Links inside the folder are followed, because mounted volumes consist of them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use forebay_engine::SourceLoader;
use forebay_engine::limits::SCRIPT_BYTES_MAX;

/// Most folders below each other that are listed.
const DEPTH_MAX: usize = 8;
/// Most scripts of one folder; a larger tree is hardly a scripts folder.
const FILES_MAX: usize = 10_000;
/// The folder of files that are only imported.
const LIBRARY: &str = "lib";
/// The ending of definition files for editors.
const DEFINITION: &str = ".d.rhai";

/// Why a script's text cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ScriptFileError {
    /// The name would leave the folder or names a hidden file.
    #[error(
        "{0:?} is no script name; names are files below the scripts folder without `.rhai`, such as \"lib/names\""
    )]
    Name(String),
    /// There is no such file.
    #[error("there is no file {}", .0.display())]
    Missing(PathBuf),
    /// A link points out of the folder.
    #[error("{} is a link that leaves the scripts folder; put a copy into the folder", .0.display())]
    Escapes(PathBuf),
    /// A folder, a pipe, a device.
    #[error("{} is no regular file", .0.display())]
    NotAFile(PathBuf),
    /// Larger than [`SCRIPT_BYTES_MAX`].
    #[error("{} is larger than {SCRIPT_BYTES_MAX} bytes, the most a script may have; move parts into files of lib/", .0.display())]
    TooLarge(PathBuf),
    /// Not UTF-8.
    #[error("{} is not UTF-8 (byte {}); save it with that encoding", .0.display(), .1)]
    Encoding(PathBuf, usize),
    /// Too much to list.
    #[error("{} holds more than {FILES_MAX} scripts; is this the scripts folder?", .0.display())]
    TooMany(PathBuf),
    /// The system refused.
    #[error("cannot read {}: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
}

/// A folder of scripts. Cheap to make; holds no file open.
#[derive(Debug, Clone)]
pub struct ScriptsFolder {
    shown: PathBuf,
    root: PathBuf,
}

/// Names of everything in a scripts folder, each list sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Scripts a route can use.
    pub scripts: Vec<String>,
    /// Files below `lib/`, which scripts import.
    pub libraries: Vec<String>,
    /// `NAME_test` files.
    pub tests: Vec<String>,
}

impl ScriptsFolder {
    /// The folder at this path.
    ///
    /// # Errors
    /// When it is no folder or cannot be read.
    pub fn open(path: &Path) -> Result<Self, ScriptFileError> {
        let root = fs::canonicalize(path).map_err(|error| refusal(path, error))?;
        if !root.is_dir() {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(ScriptFileError::Io(path.to_owned(), error));
        }
        Ok(Self { shown: path.to_owned(), root })
    }

    /// The folder as it was named by its user.
    pub fn path(&self) -> &Path {
        &self.shown
    }

    /// The file of a script, as messages show it. The file need not exist.
    pub fn file(&self, name: &str) -> PathBuf {
        self.shown.join(format!("{name}.rhai"))
    }

    /// The name of the script in a file, if the file lies in this folder.
    pub fn name_of(&self, file: &Path) -> Option<String> {
        let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = fs::canonicalize(folder).ok()?;
        let below = folder.strip_prefix(&self.root).ok()?.join(file.file_name()?);
        let name = below.to_str()?.strip_suffix(".rhai")?.replace(std::path::MAIN_SEPARATOR, "/");
        is_name(&name).then_some(name)
    }

    /// The text of a script or library file.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub fn read(&self, name: &str) -> Result<String, ScriptFileError> {
        if !is_name(name) {
            return Err(ScriptFileError::Name(name.to_owned()));
        }
        let shown = self.file(name);
        let fail = |error| refusal(&shown, error);
        let path = fs::canonicalize(self.root.join(format!("{name}.rhai"))).map_err(fail)?;
        if !path.starts_with(&self.root) {
            return Err(ScriptFileError::Escapes(shown));
        }
        // Before it is opened: opening a pipe would wait for its other end.
        if !fs::metadata(&path).map_err(fail)?.is_file() {
            return Err(ScriptFileError::NotAFile(shown));
        }
        let mut bytes = Vec::new();
        let most = u64::try_from(SCRIPT_BYTES_MAX).unwrap_or(u64::MAX);
        File::open(&path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(fail)?;
        if bytes.len() > SCRIPT_BYTES_MAX {
            return Err(ScriptFileError::TooLarge(shown));
        }
        String::from_utf8(bytes)
            .map_err(|error| ScriptFileError::Encoding(shown, error.utf8_error().valid_up_to()))
    }

    /// Names of all scripts, libraries and tests. Hidden files and folders and `*.d.rhai` are left out.
    ///
    /// # Errors
    /// When a folder cannot be read, or there is unreasonably much in it.
    pub fn list(&self) -> Result<Listing, ScriptFileError> {
        let mut listing = Listing::default();
        self.collect(&self.root, "", DEPTH_MAX, &mut listing)?;
        for names in [&mut listing.scripts, &mut listing.libraries, &mut listing.tests] {
            names.sort();
        }
        Ok(listing)
    }

    fn collect(
        &self,
        folder: &Path,
        prefix: &str,
        depth: usize,
        listing: &mut Listing,
    ) -> Result<(), ScriptFileError> {
        let fail = |error| ScriptFileError::Io(self.shown.join(prefix), error);
        for entry in fs::read_dir(folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let file_name = entry.file_name();
            let Some(file_name) = file_name.to_str().filter(|name| !name.starts_with('.')) else { continue };
            let kind = entry.file_type().map_err(fail)?;
            if kind.is_dir() {
                if depth > 0 {
                    self.collect(&entry.path(), &format!("{prefix}{file_name}/"), depth - 1, listing)?;
                }
                continue;
            }
            let Some(stem) = file_name.strip_suffix(".rhai") else { continue };
            if file_name.ends_with(DEFINITION) {
                continue;
            }
            let name = format!("{prefix}{stem}");
            let is_library = prefix.split('/').next() == Some(LIBRARY);
            let names = match (stem.ends_with("_test"), is_library) {
                (true, _) => &mut listing.tests,
                (false, true) => &mut listing.libraries,
                (false, false) => &mut listing.scripts,
            };
            names.push(name);
            if names.len() > FILES_MAX {
                return Err(ScriptFileError::TooMany(self.shown.clone()));
            }
        }
        Ok(())
    }
}

impl SourceLoader for ScriptsFolder {
    fn load(&self, name: &str) -> Result<String, String> {
        self.read(name).map_err(|error| error.to_string())
    }
}

fn refusal(path: &Path, error: io::Error) -> ScriptFileError {
    match error.kind() {
        io::ErrorKind::NotFound => ScriptFileError::Missing(path.to_owned()),
        _ => ScriptFileError::Io(path.to_owned(), error),
    }
}

/// Whether a name stays below the folder.
fn is_name(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
    name.split('/').all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, ScriptsFolder) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("scripts");
        fs::create_dir(&root).unwrap();
        for (name, bytes) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let folder = ScriptsFolder::open(&root).unwrap();
        (directory, folder)
    }

    fn refused(folder: &ScriptsFolder, name: &str) -> String {
        folder.read(name).unwrap_err().to_string()
    }

    #[test]
    fn scripts_libraries_and_tests_are_told_apart() {
        let (_directory, folder) = folder(&[
            ("b.rhai", b""),
            ("a.rhai", b""),
            ("a_test.rhai", b""),
            ("auth/key.rhai", b""),
            ("lib/names.rhai", b""),
            ("lib/names_test.rhai", b""),
            (".rhai/json.d.rhai", b""),
            ("types.d.rhai", b""),
            ("notes.txt", b""),
        ]);
        let listing = folder.list().unwrap();
        assert_eq!(listing.scripts, ["a", "auth/key", "b"]);
        assert_eq!(listing.libraries, ["lib/names"]);
        assert_eq!(listing.tests, ["a_test", "lib/names_test"]);
    }

    #[test]
    fn names_do_not_leave_the_folder() {
        let (directory, folder) = folder(&[("a.rhai", b"fn f() {}")]);
        fs::write(directory.path().join("outside.rhai"), "secret").unwrap();
        assert_eq!(folder.read("a").unwrap(), "fn f() {}");
        for name in ["../outside", "/etc/passwd", "", "lib//x", ".hidden", "a\\b", "lib/../a"] {
            assert!(refused(&folder, name).contains("is no script name"), "{name}");
        }
        assert!(refused(&folder, "missing").contains("there is no file"));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_the_folder_only() {
        use std::os::unix::fs::symlink;
        let (directory, folder) = folder(&[("..data/a.rhai", b"inside")]);
        let root = directory.path().join("scripts");
        fs::write(directory.path().join("outside.rhai"), "secret").unwrap();
        symlink("..data/a.rhai", root.join("a.rhai")).unwrap();
        symlink("../outside.rhai", root.join("b.rhai")).unwrap();
        symlink("..", root.join("up")).unwrap();
        assert_eq!(folder.read("a").unwrap(), "inside");
        assert!(refused(&folder, "b").contains("leaves the scripts folder"));
        assert!(refused(&folder, "up/outside").contains("leaves the scripts folder"));
        assert_eq!(folder.list().unwrap().scripts, ["a", "b"]);
    }

    #[test]
    fn what_is_no_text_or_too_large_is_refused() {
        let large = vec![b' '; SCRIPT_BYTES_MAX + 1];
        let (_directory, folder) =
            folder(&[("large.rhai", &large), ("latin.rhai", b"// caf\xe9"), ("sub.rhai/x", b"")]);
        assert!(refused(&folder, "large").contains("larger than"));
        assert!(refused(&folder, "latin").contains("not UTF-8 (byte 6)"));
        assert!(refused(&folder, "sub").contains("no regular file"));
    }

    #[test]
    fn a_file_knows_its_name_in_the_folder() {
        let (directory, folder) = folder(&[("auth/key.rhai", b"")]);
        let root = directory.path().join("scripts");
        assert_eq!(folder.name_of(&root.join("auth/key.rhai")).as_deref(), Some("auth/key"));
        assert_eq!(folder.name_of(&root.join("auth/../auth/new.rhai")).as_deref(), Some("auth/new"));
        assert_eq!(folder.name_of(&directory.path().join("x.rhai")), None);
        assert_eq!(folder.name_of(&root.join("notes.txt")), None);
    }
}
