//! The private copies of libraries: one file for each content, named by its digest, which nobody else can change.
//!
//! What is mapped is always one of these and never a file of the folder of patches: a mapped file that is overwritten
//! changes under the running code. A copy is written aside, made durable and renamed, so that it is complete or absent.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::digest::Digest;

/// Beginning of the name of a copy in the making.
const UNFINISHED: &str = ".new-";

/// A private folder.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Whether it goes with this value.
    is_temporary: bool,
}

impl Store {
    /// The folder at this path, made when there is something to put into it.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder, is_temporary: false }
    }

    /// A folder that is removed with the value, for commands that load a patch and end.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn temporary() -> io::Result<Self> {
        let mut random = [0_u8; 8];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| io::Error::other("no randomness"))?;
        let folder =
            std::env::temp_dir().join(format!("forebay-patches-{:016x}", u64::from_ne_bytes(random)));
        // Without `recursive` it must be new, so it is ours.
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self { folder, is_temporary: true })
    }

    /// Where the copy of this content is, once it has been put there.
    pub fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(format!("{digest}.so"))
    }

    /// The copy of these bytes. One that is there is read and compared first.
    ///
    /// # Errors
    /// When the folder belongs to somebody else or cannot be written.
    pub fn put(&self, digest: Digest, bytes: &[u8]) -> io::Result<PathBuf> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let metadata = fs::metadata(&self.folder)?;
        let us = rustix::process::geteuid().as_raw();
        if metadata.uid() != us || metadata.mode() & 0o022 != 0 {
            let message = format!(
                "{} must belong to the gateway's user {us} and be writable by nobody else",
                self.folder.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        let path = self.path(digest);
        if holds(&path, bytes) {
            return Ok(path);
        }
        let unfinished = self.folder.join(format!("{UNFINISHED}{digest}-{}", std::process::id()));
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o500).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(path)
    }

    /// Removes the copies that are not wanted any more, and what an ended process left half-written. Code that is
    /// mapped stays mapped: the system keeps a removed file for as long as it is in use.
    pub fn retain(&self, is_wanted: impl Fn(Digest) -> bool) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let digest = name.strip_suffix(".so").and_then(|stem| stem.parse().ok());
            if name.starts_with(UNFINISHED) || digest.is_some_and(|digest| !is_wanted(digest)) {
                // A copy too many does no harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.is_temporary {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Whether a regular file, no link, holds exactly these bytes.
fn holds(path: &Path, bytes: &[u8]) -> bool {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(path) else { return false };
    let mut held = Vec::with_capacity(bytes.len());
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    is_file && file.take(bytes.len() as u64 + 1).read_to_end(&mut held).is_ok() && held == bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_content_is_copied_once_and_mended_when_it_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("state/objects"));
        let digest = Digest::of(b"code");
        let path = store.put(digest, b"code").unwrap();
        let node = |path: &Path| fs::metadata(path).unwrap().ino();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o500);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        let first = node(&path);
        assert_eq!(node(&store.put(digest, b"code").unwrap()), first, "the same content is the same file");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        fs::write(&path, "evil").unwrap();
        assert_eq!(fs::read(store.put(digest, b"code").unwrap()).unwrap(), b"code");
        fs::remove_file(&path).unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "code").unwrap();
        symlink(&elsewhere, &path).unwrap();
        store.put(digest, b"code").unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file(), "a link is replaced, not followed");
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o770)).unwrap();
        let error = Store::at(folder.path().to_owned()).put(Digest::of(b""), b"").unwrap_err();
        assert!(error.to_string().contains("writable by nobody else"));
    }

    #[test]
    fn what_is_not_wanted_goes_and_a_temporary_store_goes_whole() {
        let store = Store::temporary().unwrap();
        let (one, other) = (Digest::of(b"1"), Digest::of(b"2"));
        store.put(one, b"1").unwrap();
        store.put(other, b"2").unwrap();
        fs::write(store.folder.join(".new-x"), "").unwrap();
        store.retain(|digest| digest == one);
        assert!(store.path(one).exists() && !store.path(other).exists());
        assert_eq!(fs::read_dir(&store.folder).unwrap().count(), 1);
        let folder = store.folder.clone();
        drop(store);
        assert!(!folder.exists());
    }
}
