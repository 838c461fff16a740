//! Tools for patches that need no gateway: write, build, sign, verify, and put into the folder.
//!
//! They use the same code as the gateway, trial included, so that what passes here passes there.

pub mod build;
pub mod install;
pub mod keygen;
pub mod scaffold;
pub mod verify;

use std::path::Path;

use crate::config::TrialLimits;
use crate::diagnostic::Diagnostic;
use crate::patch::codes;
use crate::patch::descriptor::Descriptor;
use crate::patch::digest::Digest;
use crate::patch::store::Store;
use crate::patch::trial;
use crate::patch::trust::refuse;

/// Tries a library out from a private copy, as the gateway does.
///
/// # Errors
/// Why it did not pass.
pub fn try_out(bytes: &[u8], shown: &Path, limits: &TrialLimits) -> Result<Descriptor, Box<Diagnostic>> {
    let copy = Store::temporary().and_then(|store| Ok((store.put(Digest::of(bytes), bytes)?, store)));
    let (copy, _store) = copy.map_err(|error| {
        let reason = format!("there is no place for a private copy: {error}");
        Box::new(refuse(codes::PRIVATE_FOLDER, shown, reason, "make the folder for temporary files writable"))
    })?;
    trial::run(trial::command(&copy, limits), limits, shown)
}
