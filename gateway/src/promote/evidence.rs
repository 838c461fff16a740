//! The file that a mismatch leaves behind: enough to reproduce it, nothing that is secret.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use forebay_engine::ScriptStep;
use serde_json::{Value, json};

use super::facts;
use super::trial::Mismatch;

/// Most files that are kept; more are not written, so that a broken compiler does not fill a disk.
const FILES_MAX: usize = 100;

/// Writes the evidence and names the file.
///
/// # Errors
/// When the folder cannot be written, or holds too much already.
pub(super) fn write(folder: &Path, step: &ScriptStep, mismatch: &Mismatch) -> io::Result<PathBuf> {
    let folder = folder.join("evidence");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    if fs::read_dir(&folder)?.count() >= FILES_MAX {
        return Err(io::Error::other(format!("{} holds {FILES_MAX} files already", folder.display())));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let name = format!("{}-{}.json", step.script().name(), now.as_millis());
    let path = folder.join(name);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(format!("{:#}\n", describe(step, mismatch)).as_bytes())?;
    Ok(path)
}

/// The evidence as JSON.
pub(super) fn describe(step: &ScriptStep, mismatch: &Mismatch) -> Value {
    let sample = &mismatch.sample;
    let mut evidence = json!({
        "gateway": env!("CARGO_PKG_VERSION"),
        "script": &**step.script().name(),
        "digest": &**step.script().digest(),
        "hook": sample.hook.function(),
        "difference": mismatch.summary,
        "request": {
            "around": facts::surroundings(&sample.before),
            "exchange": facts::exchange(&sample.before),
        },
        "interpreter": {
            "verdict": facts::verdict(&sample.verdict),
            "exchange": facts::exchange(&sample.after),
            "host_calls": facts::trace(&sample.trace),
        },
        "program": mismatch.program,
    });
    facts::mask(&mut evidence);
    evidence
}
