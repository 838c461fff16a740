//! `forebay patch verify`: every check that a gateway makes before a patch serves, on one file.

use std::path::Path;

use semver::Version;

use super::try_out;
use crate::config::PatchSettings;
use crate::diagnostic::Diagnostic;
use crate::patch::descriptor::Descriptor;
use crate::patch::folder::{Found, read_one};
use crate::patch::select::{Listed, Standing, examine};
use crate::patch::state::State;

/// A patch that would be taken.
#[derive(Debug)]
pub struct Verified {
    /// Its files.
    pub found: Found,
    /// What is known about it.
    pub listed: Listed,
    /// What it says of itself.
    pub descriptor: Descriptor,
}

impl Verified {
    /// Name and version.
    pub fn name_and_version(&self) -> (&str, &Version) {
        (&self.descriptor.name, &self.descriptor.version)
    }

    /// Why it would do nothing in this gateway; `None` if it would serve.
    pub fn inert(&self) -> Option<String> {
        match &self.listed.standing {
            Standing::Inert(reason) => Some(reason.clone()),
            _ => None,
        }
    }
}

/// Checks one file, with what stands beside it.
///
/// # Errors
/// Every reason why a gateway with these settings would not take it.
pub fn verify(path: &Path, settings: &PatchSettings) -> Result<Verified, Vec<Diagnostic>> {
    let found = read_one(path).map_err(|problem| vec![*problem])?;
    let mut trial = |found: &Found| try_out(&found.bytes, &found.path, &settings.trial);
    let mut listed = examine(std::slice::from_ref(&found), &State::default(), settings, &mut trial)?;
    // With nothing remembered of it, one artefact gives one entry that was examined.
    match listed.pop().and_then(|listed| Some((listed.descriptor.clone()?, listed))) {
        Some((descriptor, listed)) => Ok(Verified { found, listed, descriptor }),
        None => Err(Vec::new()),
    }
}
