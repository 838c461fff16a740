//! What a process leaves behind for its successor: which patches it has loaded, and in which one it died.
//!
//! `running.json` is there while a process has patches loaded, and goes when it ends in order. `crash` holds a line for
//! each patch that a handler of fatal signals found a thread in. Only that blames a patch: a process that is killed, or
//! that runs out of memory, has done nothing wrong.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use semver::Version;
use serde::{Deserialize, Serialize};

use super::digest::Digest;

const RUNNING: &str = "running.json";
const CRASH: &str = "crash";

/// A patch as these files name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Name of the patch.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// The library's content.
    pub digest: Digest,
    /// Process that has it loaded.
    pub pid: u32,
}

impl Named {
    /// The line that a signal handler writes, to be followed by a tab and what happened.
    pub fn record(&self) -> String {
        // Names, versions and numbers can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What a process of the past left behind.
#[derive(Debug, Default)]
pub struct Remains {
    /// Patches it died in, each with the signal.
    pub culprits: Vec<(Named, String)>,
    /// Patches that were loaded when it ended without saying goodbye.
    pub loaded: Vec<Named>,
}

/// Reads and removes what is left of processes that are no more.
pub fn take(folder: &Path) -> Remains {
    let mut remains = Remains::default();
    if let Ok(text) = fs::read_to_string(folder.join(CRASH)) {
        for line in text.lines() {
            let Some((record, how)) = line.split_once('\t') else { continue };
            let Ok(named) = serde_json::from_str::<Named>(record) else { continue };
            // Several threads may have died in one patch.
            if !remains.culprits.iter().any(|(known, _)| known.digest == named.digest) {
                remains.culprits.push((named, how.to_owned()));
            }
        }
    }
    if let Ok(text) = fs::read_to_string(folder.join(RUNNING)) {
        let loaded: Vec<Named> = serde_json::from_str(&text).unwrap_or_default();
        let is_alive = |named: &Named| {
            named.pid != std::process::id() && Path::new("/proc").join(named.pid.to_string()).exists()
        };
        if !loaded.iter().any(is_alive) {
            remains.loaded = loaded;
        }
    }
    remains
}

impl Remains {
    /// Forgets what was taken, once the consequences are on disk. What is of living processes stays.
    pub fn clear(&self, folder: &Path) {
        if !self.culprits.is_empty() {
            let _ = fs::remove_file(folder.join(CRASH));
        }
        if !self.loaded.is_empty() {
            let _ = fs::remove_file(folder.join(RUNNING));
        }
    }
}

/// Opens the file that a signal handler appends to.
///
/// # Errors
/// When the folder cannot be written.
pub fn open_record(folder: &Path) -> io::Result<OwnedFd> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join(CRASH))?;
    Ok(file.into())
}

/// Says which patches the process has loaded.
///
/// # Errors
/// When the folder cannot be written.
pub fn say_loaded(folder: &Path, loaded: &[Named]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let unfinished = folder.join(format!("{RUNNING}.new-{}", std::process::id()));
    let mut file = File::create(&unfinished)?;
    file.write_all(serde_json::to_string(loaded)?.as_bytes())?;
    fs::rename(unfinished, folder.join(RUNNING))
}

/// Says that the process ends in order.
pub fn say_goodbye(folder: &Path) {
    let _ = fs::remove_file(folder.join(RUNNING));
    // Nothing was written to it: then this process would not get here.
    if fs::metadata(folder.join(CRASH)).is_ok_and(|metadata| metadata.len() == 0) {
        let _ = fs::remove_file(folder.join(CRASH));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, pid: u32) -> Named {
        Named { name: name.into(), version: Version::new(1, 0, 0), digest: Digest::of(name.as_bytes()), pid }
    }

    /// A number that no process has: larger than the largest.
    const NOBODY: u32 = u32::MAX;

    #[test]
    fn what_a_dead_process_left_is_taken_and_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        say_loaded(folder, &[named("a", NOBODY), named("b", NOBODY)]).unwrap();
        let mut record = File::from(open_record(folder).unwrap());
        let line = named("b", NOBODY).record();
        write!(record, "{line}\tSIGSEGV\n{line}\tSIGSEGV\nhalf a li").unwrap();
        let remains = take(folder);
        assert_eq!(remains.culprits, [(named("b", NOBODY), "SIGSEGV".to_owned())]);
        assert_eq!(remains.loaded.len(), 2);
        remains.clear(folder);
        let remains = take(folder);
        assert!(remains.culprits.is_empty() && remains.loaded.is_empty());
    }

    #[test]
    fn a_process_that_lives_or_said_goodbye_left_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        // Process 1 is always there.
        say_loaded(folder, &[named("a", 1)]).unwrap();
        assert!(take(folder).loaded.is_empty());
        let _record = open_record(folder).unwrap();
        say_goodbye(folder);
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    }
}
