//! The folder of patches: which artefacts stand in it, each read once with its signature and manifest.
//!
//! A folder that does not exist holds none. Files that do not end in `.so`, hidden ones and folders are passed over:
//! an artefact in the making has a hidden name until it is complete.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};

use super::artefact::{MANIFEST, SIGNATURE};
use super::digest::Digest;
use super::trust::{self, Identity, LIBRARY_BYTES_MAX, check_folder, refuse};
use super::{codes, manifest};
use crate::diagnostic::Diagnostic;

/// Most artefacts of one folder; a folder with more is hardly one of patches.
const FILES_MAX: usize = 1_000;
/// Largest signature that is read, in bytes.
const SIGNATURE_BYTES_MAX: u64 = 16 << 10;

/// One artefact as it stands in the folder.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where it stands.
    pub path: PathBuf,
    /// The library's bytes.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub digest: Digest,
    /// Text of the signature beside it.
    pub signature: Option<String>,
    /// Text of the manifest beside it.
    pub manifest: Option<String>,
}

impl Found {
    /// Its file name.
    pub fn file_name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }
}

/// Everything that was found, by file name, and what could not be read.
#[derive(Debug, Default)]
pub struct Scan {
    /// The artefacts.
    pub found: Vec<Found>,
    /// What is wrong with others, or with the folder.
    pub problems: Vec<Diagnostic>,
}

/// Reads a folder.
pub fn scan(path: &Path) -> Scan {
    let mut scan = Scan::default();
    match names(path) {
        Ok(names) if names.is_empty() => {}
        Ok(names) => scan.read(path, names),
        Err(problem) => scan.problems.push(*problem),
    }
    scan
}

/// Reads one artefact, wherever it stands; of its folder nothing is asked.
///
/// # Errors
/// When there is none, or others can write to it.
pub fn read_one(path: &Path) -> Result<Found, Box<Diagnostic>> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let open = open_folder(parent)?;
    let found = read_artefact(&open, path, name, Identity::of_process())?;
    found.ok_or_else(|| Box::new(refuse(codes::FILE, path, "there is no such file", "check the path")))
}

/// Names of the artefacts in a folder, in order.
fn names(path: &Path) -> Result<Vec<String>, Box<Diagnostic>> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(path, &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| unreadable(path, &error))?.file_name();
        let is_library = Path::new(&name).extension().is_some_and(|ending| ending == "so");
        if let Some(name) = name.to_str().filter(|name| is_library && !name.starts_with('.')) {
            names.push(name.to_owned());
        }
    }
    if names.len() > FILES_MAX {
        let reason = format!("the folder holds more than {FILES_MAX} libraries");
        return Err(Box::new(refuse(
            codes::FOLDER,
            path,
            reason,
            "set patches.folder to the folder of patches",
        )));
    }
    names.sort();
    Ok(names)
}

#[expect(
    clippy::unnecessary_box_returns,
    reason = "problems travel boxed here, as the large side of a result"
)]
fn unreadable(path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    let reason = format!("the folder of patches cannot be read: {error}");
    Box::new(refuse(codes::FOLDER, path, reason, "check the path and its permissions"))
}

fn open_folder(path: &Path) -> Result<File, Box<Diagnostic>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    open(path, flags, Mode::empty()).map(File::from).map_err(|error| unreadable(path, &error.into()))
}

fn read_artefact(
    folder: &File,
    path: &Path,
    name: &str,
    identity: Identity,
) -> Result<Option<Found>, Box<Diagnostic>> {
    let Some(bytes) = trust::read(folder.as_fd(), name, path, LIBRARY_BYTES_MAX, identity)? else {
        return Ok(None);
    };
    let beside = |ending: &str, most: u64| {
        let shown = path.with_file_name(format!("{name}{ending}"));
        let bytes = trust::read(folder.as_fd(), &format!("{name}{ending}"), &shown, most, identity)?;
        let text = bytes.map(String::from_utf8).transpose();
        text.map_err(|_| Box::new(refuse(codes::FILE, &shown, "the file is not UTF-8", "write it anew")))
    };
    let (signature, manifest) =
        (beside(SIGNATURE, SIGNATURE_BYTES_MAX)?, beside(MANIFEST, manifest::BYTES_MAX)?);
    let digest = Digest::of(&bytes);
    Ok(Some(Found { path: path.to_owned(), bytes, digest, signature, manifest }))
}

impl Scan {
    fn read(&mut self, path: &Path, names: Vec<String>) {
        let identity = Identity::of_process();
        let checked = std::fs::canonicalize(path)
            .map_err(|error| unreadable(path, &error))
            .and_then(|real| check_folder(&real, identity).map(|()| real))
            .and_then(|real| open_folder(&real));
        let folder = match checked {
            Ok(folder) => folder,
            Err(problem) => return self.problems.push(*problem),
        };
        for name in names {
            match read_artefact(&folder, &path.join(&name), &name, identity) {
                Ok(found) => self.found.extend(found),
                Err(problem) => self.problems.push(*problem),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn artefacts_are_found_with_what_stands_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        for (name, text) in
            [("b.so", "b"), ("a.so", "a"), ("a.so.minisig", "s"), ("a.so.toml", "m"), (".c.so", "c")]
        {
            write(name, text);
        }
        write("README.md", "");
        let Scan { found, problems } = scan(folder.path());
        assert!(problems.is_empty(), "{problems:?}");
        let names: Vec<_> = found.iter().map(Found::file_name).collect();
        assert_eq!(names, ["a.so", "b.so"]);
        assert_eq!((found[0].signature.as_deref(), found[0].manifest.as_deref()), (Some("s"), Some("m")));
        assert_eq!((found[1].digest, found[1].signature.as_ref()), (Digest::of(b"b"), None));
        assert!(scan(&folder.path().join("absent")).found.is_empty());
    }

    #[test]
    fn a_folder_for_everybody_is_refused_once_there_is_something_in_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
        assert!(scan(folder.path()).problems.is_empty());
        std::fs::write(folder.path().join("a.so"), "").unwrap();
        let Scan { found, problems } = scan(folder.path());
        assert!(found.is_empty());
        assert!(problems[0].message.contains("writable by everybody"), "{problems:?}");
    }

    #[test]
    fn one_bad_file_does_not_hide_the_others() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.so"), "").unwrap();
        std::fs::create_dir(folder.path().join("b.so")).unwrap();
        let Scan { found, problems } = scan(folder.path());
        assert_eq!((found.len(), problems.len()), (1, 1));
    }
}
