//! Which files may become code of this process: owned by root or by the gateway's user, and writable by nobody else.
//!
//! Files are opened once and without following links; what is asked about a file is asked about the open descriptor,
//! and its bytes are read from it, so that nothing can be exchanged between the check and the use.

use std::fs::File;
use std::io::Read;
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, openat};
use rustix::io::Errno;

use super::codes;
use crate::diagnostic::Diagnostic;

/// Largest library that is read, in bytes.
pub const LIBRARY_BYTES_MAX: u64 = 256 << 20;

/// A problem with a file, and what to do about it.
pub fn refuse(code: &'static str, file: &Path, reason: impl Into<String>, remedy: &str) -> Diagnostic {
    Diagnostic::error(code, reason).in_file(file.display().to_string()).help(remedy)
}

/// Who asks: what makes an owner one of ours.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    user: u32,
    group: u32,
}

impl Identity {
    /// The process.
    pub fn of_process() -> Self {
        Self { user: rustix::process::geteuid().as_raw(), group: rustix::process::getegid().as_raw() }
    }

    /// Why somebody else could change what has this owner, group and mode, and how to change that.
    ///
    /// Users whose group is their own often have files that the group may write to; that is the process's own group.
    fn distrust(self, (user, group, mode): (u32, u32, u32)) -> Option<(String, &'static str)> {
        if user != 0 && user != self.user {
            let reason =
                format!("belongs to user {user}, who is neither root nor the gateway's user {}", self.user);
            return Some((reason, "chown it to root or to the gateway's user"));
        }
        if mode & 0o002 != 0 {
            return Some((format!("is writable by everybody (mode {:o})", mode & 0o7777), "chmod o-w it"));
        }
        if mode & 0o020 != 0 && group != self.group {
            let reason = format!("is writable by group {group} (mode {:o})", mode & 0o7777);
            return Some((reason, "chmod g-w it"));
        }
        None
    }
}

fn of(stat: &Stat) -> (u32, u32, u32) {
    (stat.st_uid, stat.st_gid, stat.st_mode)
}

/// Refuses a folder that others can write to, or that stands below one in which others can rename it.
///
/// # Errors
/// The problem, with the folder that has it.
pub fn check_folder(folder: &Path, identity: Identity) -> Result<(), Box<Diagnostic>> {
    for (depth, ancestor) in folder.ancestors().enumerate() {
        let stat = rustix::fs::stat(ancestor).map_err(|error| {
            let reason = format!("the folder cannot be read: {error}");
            Box::new(refuse(codes::FOLDER, ancestor, reason, "check the path and its permissions"))
        })?;
        // In a folder like /tmp everybody may write, but only owners may rename or remove what stands there.
        let is_sticky = stat.st_mode & 0o1000 != 0;
        if depth > 0 && is_sticky && stat.st_uid == 0 {
            continue;
        }
        if let Some((reason, remedy)) = identity.distrust(of(&stat)) {
            let what = if depth == 0 { "the folder of patches" } else { "a folder above the patches" };
            let reason = format!("{what} {reason}: whoever can write there runs code in the gateway");
            return Err(Box::new(refuse(codes::FOLDER, ancestor, reason, remedy)));
        }
    }
    Ok(())
}

/// The bytes of a file of an open folder; `None` if there is no such file. `shown` is its path for messages.
///
/// # Errors
/// When it is no regular file, others can write to it, it is larger than `bytes_max`, or it cannot be read.
pub fn read(
    folder: BorrowedFd<'_>,
    name: &str,
    shown: &Path,
    bytes_max: u64,
    identity: Identity,
) -> Result<Option<Vec<u8>>, Box<Diagnostic>> {
    let fail = |reason: String, remedy: &str| Err(Box::new(refuse(codes::FILE, shown, reason, remedy)));
    // Not to block on a pipe that nobody writes to.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match openat(folder, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => {
            return fail("this is a symbolic link".to_owned(), "put the file itself into the folder");
        }
        Err(error) => return fail(format!("the file cannot be read: {error}"), "check its permissions"),
    };
    let stat = match fstat(&file) {
        Ok(stat) => stat,
        Err(error) => return fail(format!("the file cannot be looked at: {error}"), "check the file system"),
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return fail("this is no regular file".to_owned(), "remove it from the folder");
    }
    if let Some((reason, remedy)) = identity.distrust(of(&stat)) {
        return fail(format!("the file {reason}: whoever can write to it runs code in the gateway"), remedy);
    }
    let mut bytes = Vec::new();
    if let Err(error) = file.take(bytes_max + 1).read_to_end(&mut bytes) {
        return fail(format!("the file cannot be read: {error}"), "check the file system");
    }
    if bytes.len() as u64 > bytes_max {
        return fail(format!("the file has more than {bytes_max} bytes"), "is this the file you meant?");
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_root_and_the_process_are_believed() {
        let us = Identity { user: 500, group: 500 };
        let reason = |user, group, mode| us.distrust((user, group, mode)).map(|(reason, _)| reason);
        for trusted in [(0, 0, 0o100_755), (500, 7, 0o100_640), (500, 500, 0o100_664), (0, 500, 0o100_775)] {
            assert_eq!(us.distrust(trusted), None, "{trusted:?}");
        }
        assert!(reason(501, 500, 0o644).unwrap().contains("belongs to user 501"));
        assert!(reason(500, 500, 0o646).unwrap().contains("writable by everybody (mode 646)"));
        assert!(reason(0, 0, 0o664).unwrap().contains("writable by group 0"));
    }

    #[test]
    fn a_file_is_read_only_if_it_is_what_it_seems() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("plain"), "text").unwrap();
        symlink("plain", path("link")).unwrap();
        std::fs::create_dir(path("folder")).unwrap();
        std::fs::write(path("open"), "text").unwrap();
        std::fs::set_permissions(path("open"), PermissionsExt::from_mode(0o666)).unwrap();
        let open = File::open(folder.path()).unwrap();
        let us = Identity::of_process();
        let read = |name: &str, most| read(open.as_fd(), name, &path(name), most, us);
        assert_eq!(read("plain", 4).unwrap().unwrap(), b"text");
        assert!(read("absent", 4).unwrap().is_none());
        for (name, most, reason) in [
            ("link", 4, "symbolic link"),
            ("folder", 4, "no regular file"),
            ("open", 4, "writable by everybody"),
            ("plain", 3, "more than 3 bytes"),
        ] {
            let problem = read(name, most).unwrap_err();
            assert!(problem.message.contains(reason) && problem.help.is_some(), "{problem:?}");
        }
    }

    #[test]
    fn a_folder_is_trusted_with_everything_above_it() {
        let top = tempfile::tempdir().unwrap();
        let us = Identity::of_process();
        let above = std::fs::canonicalize(top.path()).unwrap().join("above");
        let folder = above.join("patches");
        std::fs::create_dir_all(&folder).unwrap();
        assert!(check_folder(&folder, us).is_ok(), "{:?}", check_folder(&folder, us));
        for open in [&folder, &above] {
            std::fs::set_permissions(open, PermissionsExt::from_mode(0o777)).unwrap();
            let problem = check_folder(&folder, us).unwrap_err();
            assert_eq!(problem.file(), open.to_str());
            assert!(problem.message.contains("writable by everybody"), "{problem:?}");
            std::fs::set_permissions(open, PermissionsExt::from_mode(0o755)).unwrap();
        }
    }
}
