//! What is remembered about patches over restarts: which are disabled, reverted or quarantined, since when and why.
//!
//! A patch is disabled by name: whatever version is in the folder. It is reverted or quarantined by content: another
//! version of it may serve. A file that cannot be understood is an error and never an empty one, because that would
//! bring back what took the process down.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use semver::Version;
use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// Largest file that is read, in bytes.
const BYTES_MAX: u64 = 16 << 20;
/// Version of the format.
const FORMAT: u32 = 1;

/// When and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Seconds since 1970.
    pub since: u64,
    /// For people.
    pub reason: String,
}

impl Note {
    /// A note of now.
    pub fn now(reason: impl Into<String>) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { since, reason: reason.into() }
    }
}

/// Why a content does not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// An operator took it back.
    Reverted,
    /// The process died inside it.
    Quarantined,
}

/// One content that does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// Name of the patch.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Why it does not serve.
    pub mark: Mark,
    /// When and why in words.
    pub note: Note,
}

/// Everything that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    format: u32,
    /// Patches that do not serve in any version, by name.
    #[serde(default)]
    pub disabled: BTreeMap<String, Note>,
    /// Contents that do not serve.
    #[serde(default)]
    pub marked: BTreeMap<Digest, Marked>,
}

impl Default for State {
    fn default() -> Self {
        Self { format: FORMAT, disabled: BTreeMap::new(), marked: BTreeMap::new() }
    }
}

impl State {
    /// Forgets everything that keeps a patch from serving; whether there was anything.
    pub fn enable(&mut self, name: &str) -> bool {
        let before = self.marked.len();
        self.marked.retain(|_, marked| marked.name != name);
        self.disabled.remove(name).is_some() || self.marked.len() < before
    }

    /// Reads the file of a folder; nothing is remembered where there is none.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn load(folder: &Path) -> io::Result<Self> {
        let mut text = String::new();
        match File::open(path(folder)) {
            Ok(file) => file.take(BYTES_MAX).read_to_string(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let state: Self = serde_json::from_str(&text)?;
        if state.format != FORMAT {
            let message = format!("it is of format {}, and this gateway knows {FORMAT}", state.format);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(state)
    }

    /// Replaces the file in one step.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let unfinished = folder.join(format!("state.json.new-{}", std::process::id()));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(format!("{}\n", serde_json::to_string_pretty(self)?).as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path(folder))?;
        File::open(folder)?.sync_all()
    }
}

/// The file in its folder.
pub fn path(folder: &Path) -> PathBuf {
    folder.join("state.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> State {
        let mut state = State::default();
        state.disabled.insert("slow".into(), Note { since: 5, reason: "too slow".into() });
        let note = Note::now("signal 11");
        let (version, mark) = (Version::new(1, 0, 0), Mark::Quarantined);
        state.marked.insert(Digest::of(b"x"), Marked { name: "bad".into(), version, mark, note });
        state
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("state/patches");
        assert_eq!(State::load(&folder).unwrap(), State::default());
        sample().save(&folder).unwrap();
        assert_eq!(State::load(&folder).unwrap(), sample());
        fs::write(folder.join("state.json.new-1"), "{ half").unwrap();
        assert_eq!(State::load(&folder).unwrap(), sample());
    }

    #[test]
    fn a_file_that_makes_no_sense_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "{", "[]", "{\"format\": 2}"] {
            fs::write(path(folder.path()), text).unwrap();
            assert!(State::load(folder.path()).is_err(), "{text}");
        }
    }

    #[test]
    fn enabling_forgets_all_that_is_held_against_a_patch() {
        let mut state = sample();
        assert!(!state.enable("other"));
        assert!(state.enable("bad") && state.marked.is_empty());
        assert!(state.enable("slow") && state == State::default());
    }
}
