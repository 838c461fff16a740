//! From an artefact that passed its trial to a patch of this process.

use std::sync::Arc;

use super::super::crash::{self, Named};
use super::super::folder::Found;
use super::super::interface::{self, Described};
use super::super::library::Library;
use super::super::select::Listed;
use super::super::trust::refuse;
use super::super::{adapter, codes, culprit};
use super::Patches;
use crate::component::Component;
use crate::diagnostic::Diagnostic;

/// A patch that is mapped.
#[derive(Debug)]
pub struct Patch {
    /// Its code, and what is counted about it.
    pub library: Arc<Library>,
    /// What it said of itself when it was mapped.
    pub described: Described,
    /// Its components as the gateway uses them, the same ones in every generation.
    pub components: Vec<Component>,
}

impl Patches {
    /// Maps a patch, unless it is mapped already.
    pub(super) fn load(&self, found: &Found, listed: &Listed) -> Result<Arc<Patch>, Box<Diagnostic>> {
        if let Some(patch) = self.inner().mapped.get(&found.digest).cloned() {
            return Ok(patch);
        }
        let fail = |reason: String| {
            let remedy =
                "it passed its trial, so it behaves differently here; mend the patch and build it again";
            Box::new(refuse(
                codes::NOT_LOADED,
                &found.path,
                format!("the patch cannot be loaded: {reason}"),
                remedy,
            ))
        };
        let copy = self.copy(found)?;
        self.watch()?;
        let (Some(version), Some(described)) = (listed.version.clone(), &listed.descriptor) else {
            return Err(fail("it was not examined".to_owned()));
        };
        let named =
            Named { name: listed.name.clone(), version, digest: found.digest, pid: std::process::id() };
        let library = Library::map(&copy, named).map_err(fail)?;
        let said = interface::shake_hands(&library).map_err(|refusal| fail(refusal.reason))?;
        if said.descriptor != *described {
            return Err(fail("it says something else of itself than in its trial".to_owned()));
        }
        interface::self_test(&library, &said)
            .map_err(|reason| fail(format!("its self-test failed: {reason}")))?;
        // A command that maps patches to describe them ends in a moment.
        if self.folder.is_some() {
            tracing::info!(
                patch = listed.name,
                version = %said.descriptor.version,
                sha256 = found.digest.short(),
                "patch mapped; it stays in memory until the process ends"
            );
        }
        let library = Arc::new(library);
        let components = adapter::adopt(&library, &said).map_err(fail)?;
        let patch = Arc::new(Patch { library, described: said, components });
        self.inner().mapped.insert(found.digest, patch.clone());
        Ok(patch)
    }

    /// From the first patch on, the death of the process inside one is written down.
    fn watch(&self) -> Result<(), Box<Diagnostic>> {
        let Some(folder) = self.folder.as_deref().filter(|_| !self.inner().is_watching) else {
            return Ok(());
        };
        let record = crash::open_record(folder).map_err(|error| {
            let reason = format!("a crash inside a patch could not be written down: {error}");
            Box::new(refuse(
                codes::PRIVATE_FOLDER,
                folder,
                reason,
                "set state.folder to a folder of the gateway's",
            ))
        })?;
        culprit::watch(record);
        self.inner().is_watching = true;
        Ok(())
    }
}
