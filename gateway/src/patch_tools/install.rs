//! Puts the files of a patch into the folder of patches, or takes them back, without a moment in which half of a patch
//! stands there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::patch::artefact::{MANIFEST, SIGNATURE};
use crate::patch::folder::Found;

/// What was put into the folder, with what stood there before.
#[derive(Debug)]
pub struct Installed {
    /// The library's place.
    pub path: PathBuf,
    /// Path and former content of each file, the library last.
    before: Vec<(PathBuf, Option<Vec<u8>>)>,
}

/// Copies an artefact into a folder under the file name. Signature and manifest come first, so that whoever looks at
/// the folder meanwhile sees either the old patch or the new one complete.
///
/// # Errors
/// When the folder cannot be written; then it is as before.
pub fn install(found: &Found, folder: &Path, name: &str) -> io::Result<Installed> {
    let file = |ending: &str| folder.join(format!("{name}{ending}"));
    let text = |text: &Option<String>| text.as_ref().map(|text| text.as_bytes().to_vec());
    let files = [
        (file(SIGNATURE), text(&found.signature)),
        (file(MANIFEST), text(&found.manifest)),
        (file(""), Some(found.bytes.clone())),
    ];
    let mut installed = Installed { path: file(""), before: Vec::new() };
    for (path, content) in files {
        let outcome = read(&path).and_then(|before| {
            put(&path, content.as_deref())?;
            installed.before.push((path, before));
            Ok(())
        });
        if let Err(error) = outcome {
            installed.take_back();
            return Err(error);
        }
    }
    Ok(installed)
}

impl Installed {
    /// Whether the folder held another content under this name.
    pub fn replaced(&self) -> bool {
        self.before.last().is_some_and(|(_, before)| before.is_some())
    }

    /// Puts back what stood there before, the library first.
    pub fn take_back(self) {
        for (path, before) in self.before.into_iter().rev() {
            if let Err(error) = put(&path, before.as_deref()) {
                tracing::warn!(path = %path.display(), %error, "the file could not be put back");
            }
        }
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a file in one step, or removes it.
fn put(path: &Path, content: Option<&[u8]>) -> io::Result<()> {
    let Some(content) = content else {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = path.with_file_name(format!(".{name}.new-{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&unfinished)?;
    let outcome =
        file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&unfinished, path));
    if outcome.is_err() {
        let _ = fs::remove_file(&unfinished);
        return outcome;
    }
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::digest::Digest;

    fn found(content: &str, manifest: Option<&str>) -> Found {
        let (bytes, digest) = (content.as_bytes().to_vec(), Digest::of(content.as_bytes()));
        Found { path: "x.so".into(), bytes, digest, signature: None, manifest: manifest.map(str::to_owned) }
    }

    fn names(folder: &Path) -> Vec<String> {
        let names =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_installed_can_be_taken_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let first = install(&found("one", Some("m")), folder, "a.so").unwrap();
        assert!(!first.replaced());
        assert_eq!(names(folder), ["a.so", "a.so.toml"]);
        let second = install(&found("two", None), folder, "a.so").unwrap();
        assert!(second.replaced());
        assert_eq!(
            (names(folder), fs::read_to_string(folder.join("a.so")).unwrap()),
            (vec!["a.so".into()], "two".into())
        );
        second.take_back();
        assert_eq!(names(folder), ["a.so", "a.so.toml"]);
        assert_eq!(fs::read_to_string(folder.join("a.so")).unwrap(), "one");
        first.take_back();
        assert_eq!(names(folder), [""; 0]);
        assert!(install(&found("one", None), &folder.join("absent"), "a.so").is_err());
    }
}
