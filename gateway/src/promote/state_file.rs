//! What is remembered over restarts: which scripts were promoted, demoted or quarantined, each with the digest
//! of the source that it holds for. An edited script starts anew.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Largest file that is read.
const BYTES_MAX: u64 = 16 << 20;
/// Version of the format.
const VERSION: u32 = 1;

/// What is remembered of one script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// Digest of the source it holds for.
    pub(super) digest: String,
    /// What was wished for, or found out.
    pub(super) wish: Wish,
    /// Seconds since 1970 of the last change.
    pub(super) since: u64,
    /// The evidence of a mismatch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) evidence: Option<PathBuf>,
    /// Why it is quarantined.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) message: String,
    /// Version of the gateway that found a mismatch; another one may do better.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) gateway: String,
}

/// What a script is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Wish {
    /// Nothing is known: interpreted until it is hot.
    #[default]
    None,
    /// Compiled.
    Promoted,
    /// Interpreted, however hot.
    Demoted,
    /// Interpreted, because its program was wrong.
    Quarantined,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    version: u32,
    scripts: BTreeMap<String, Remembered>,
}

/// The file, in the state folder.
#[derive(Debug)]
pub(super) struct StateFile {
    folder: Option<PathBuf>,
    /// Whether the last attempt to write failed; said once, not at every change.
    is_failing: bool,
}

impl StateFile {
    /// The file in this folder; without one nothing is kept.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, is_failing: false }
    }

    fn path(folder: &Path) -> PathBuf {
        folder.join("promotions.json")
    }

    /// What was remembered. A file that cannot be read counts as empty, loudly.
    pub(super) fn load(&self) -> BTreeMap<String, Remembered> {
        let Some(folder) = &self.folder else { return BTreeMap::new() };
        let path = Self::path(folder);
        match read(&path) {
            Ok(contents) if contents.version == VERSION => contents.scripts,
            Ok(contents) => {
                let version = contents.version;
                tracing::warn!(path = %path.display(), version, "promotions of another format are ignored");
                BTreeMap::new()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "promotions cannot be read; all scripts start anew");
                BTreeMap::new()
            }
        }
    }

    /// Replaces the file in one step.
    pub(super) fn save(&mut self, scripts: BTreeMap<String, Remembered>) {
        let Some(folder) = &self.folder else { return };
        let outcome = write(folder, &Contents { version: VERSION, scripts });
        if let Err(error) = &outcome
            && !self.is_failing
        {
            let folder = folder.display();
            tracing::warn!(%folder, %error, "promotions cannot be kept over a restart; set state.folder");
        }
        self.is_failing = outcome.is_err();
    }
}

fn read(path: &Path) -> io::Result<Contents> {
    use io::Read;
    let mut text = String::new();
    File::open(path)?.take(BYTES_MAX).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

fn write(folder: &Path, contents: &Contents) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let (path, temporary) = (StateFile::path(folder), folder.join("promotions.json.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(format!("{}\n", serde_json::to_string_pretty(contents)?).as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, &path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remembered(wish: Wish) -> BTreeMap<String, Remembered> {
        let (digest, since, message, gateway) = ("d".into(), 5, String::new(), String::new());
        let entry = Remembered { digest, wish, since, evidence: None, message, gateway };
        BTreeMap::from([("a".to_owned(), entry)])
    }

    #[test]
    fn what_is_saved_is_loaded_and_an_unfinished_write_leaves_the_old() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("made/when/needed");
        let mut file = StateFile::new(Some(state.clone()));
        assert!(file.load().is_empty() && !state.exists());
        file.save(remembered(Wish::Promoted));
        assert_eq!(StateFile::new(Some(state.clone())).load(), remembered(Wish::Promoted));
        fs::write(state.join("promotions.json.new"), "{ half").unwrap();
        assert_eq!(file.load(), remembered(Wish::Promoted));
        file.save(remembered(Wish::Demoted));
        assert_eq!(file.load(), remembered(Wish::Demoted));
    }

    #[test]
    fn a_file_that_makes_no_sense_counts_as_empty_and_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = StateFile::new(Some(folder.path().to_owned()));
        for text in ["", "{", "[]", "{\"version\": 2, \"scripts\": {}}"] {
            fs::write(folder.path().join("promotions.json"), text).unwrap();
            assert!(file.load().is_empty(), "{text}");
        }
        file.save(remembered(Wish::Promoted));
        assert_eq!(file.load().len(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let occupied = folder.path().join("file");
        fs::write(&occupied, "").unwrap();
        let mut file = StateFile::new(Some(occupied));
        file.save(remembered(Wish::Promoted));
        assert!(file.load().is_empty());
    }
}
