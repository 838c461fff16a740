//! What follows from how the process before ended.

use std::path::Path;

use super::super::codes;
use super::super::crash::{self, Remains};
use super::super::state::{self, Mark, Marked, Note, State};
use super::super::trust::refuse;
use crate::diagnostic::Diagnostic;

/// Quarantines the patches that a process died in, for this start and all that follow.
///
/// # Errors
/// When that cannot be written down: a patch that comes back at every second start is worse than no start.
pub(super) fn take_over(folder: &Path, mut state: State) -> Result<State, Box<Diagnostic>> {
    let remains = crash::take(folder);
    let Remains { culprits, loaded } = &remains;
    for (named, how) in culprits {
        let reason = format!("process {} died inside it ({how})", named.pid);
        tracing::error!(
            patch = named.name,
            version = %named.version,
            "QUARANTINED: {reason}; the gateway starts without it. `forebay patch enable {}` lifts this",
            named.name
        );
        let (name, version) = (named.name.clone(), named.version.clone());
        state
            .marked
            .insert(named.digest, Marked { name, version, mark: Mark::Quarantined, note: Note::now(reason) });
    }
    if culprits.is_empty() && !loaded.is_empty() {
        let names: Vec<_> = loaded.iter().map(|named| format!("{} {}", named.name, named.version)).collect();
        let patches = names.join(", ");
        tracing::warn!(
            %patches,
            "the process before ended without saying why, with these patches loaded; nothing shows that one of them \
             is to blame, so they are loaded again"
        );
    }
    if !culprits.is_empty() {
        state.save(folder).map_err(|error| {
            let reason = format!("a patch has to be quarantined, and that cannot be written down: {error}");
            let remedy =
                "set state.folder to a folder of the gateway's; FOREBAY_PATCHES=off starts without patches";
            Box::new(refuse(codes::PRIVATE_FOLDER, &state::path(folder), reason, remedy))
        })?;
    }
    remains.clear(folder);
    Ok(state)
}
