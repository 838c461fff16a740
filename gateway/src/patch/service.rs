//! The patches of a process: what is mapped, what is remembered, and what the next generation gets.
//!
//! Invariant: the lock is held for moments, never while a patch is tried out or mapped, so that asking what there is
//! waits for nobody.
//!
//! Invariant: [`Patches::prepare`] changes nothing that serves. It maps libraries that were not mapped yet, and those
//! stay; everything else it returns.

mod change;
mod heritage;
mod load;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use forebay_engine::Provider;
use serde_json::{Value, json};

pub use change::{Change, ChangeError, Undo, decide_offline};

use super::descriptor::Descriptor;
use super::digest::Digest;
use super::folder::{self, Found, Scan};
use super::select::{self, Listed, Standing};
use super::state::{self, State};
use super::store::Store;
use super::trust::refuse;
use super::{codes, crash, trial};
use crate::component::{Conflict, Registry};
use crate::config::{PatchSettings, TrialLimits};
use crate::diagnostic::Diagnostic;
use crate::generation::build::conflicts;
pub use load::Patch;

/// The patches of a process.
#[derive(Debug)]
pub struct Patches {
    /// Where state is kept; `None` for commands that change nothing.
    folder: Option<PathBuf>,
    store: Store,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// What is remembered, or why that cannot be known.
    state: Result<State, Box<Diagnostic>>,
    /// Contents that passed their trial in this process, under which limits.
    tried: BTreeMap<Digest, (Descriptor, TrialLimits)>,
    /// What is mapped, for ever.
    mapped: BTreeMap<Digest, Arc<Patch>>,
    /// Whether handlers of fatal signals are in place.
    is_watching: bool,
}

/// What of the folder serves in one generation.
#[derive(Debug)]
pub struct Selection {
    /// Every artefact of the folder.
    pub listed: Vec<Listed>,
    /// Those that serve, in the order of the folder.
    pub active: Vec<Arc<Patch>>,
    /// The gateway's components with those of the patches in their places.
    pub registry: Registry,
    /// Whether the folder was looked at.
    pub is_enabled: bool,
}

impl Selection {
    /// A selection in which nothing serves yet.
    fn of(listed: Vec<Listed>, is_enabled: bool) -> Self {
        Self { listed, active: Vec::new(), registry: Registry::builtin(), is_enabled }
    }
}

impl Patches {
    /// The patches of a gateway that keeps its state in this folder. If the process before died in a patch, that patch
    /// is quarantined here.
    pub fn open(state_folder: &Path) -> Self {
        let folder = state_folder.join("patches");
        let state = read_state(&folder).and_then(|state| heritage::take_over(&folder, state));
        let store = Store::at(folder.join("objects"));
        Self::new(Some(folder), store, state)
    }

    /// The patches as a command sees them that changes nothing: what is remembered is heeded, and copies go to a
    /// temporary folder.
    ///
    /// # Errors
    /// When there is no place for temporary files.
    pub fn reading(state_folder: &Path) -> std::io::Result<Self> {
        let state = read_state(&state_folder.join("patches"));
        Ok(Self::new(None, Store::temporary()?, state))
    }

    fn new(folder: Option<PathBuf>, store: Store, state: Result<State, Box<Diagnostic>>) -> Self {
        let inner = Inner { state, tried: BTreeMap::new(), mapped: BTreeMap::new(), is_watching: false };
        Self { folder, store, inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // What is guarded is complete between any two statements.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads and examines the folder, tries out what is new, and maps what serves. One at a time. `scripts` are the names
    /// of those that steps run.
    ///
    /// # Errors
    /// Every problem; then nothing of it serves.
    pub fn prepare(
        &self,
        settings: &PatchSettings,
        scripts: &BTreeSet<&str>,
    ) -> Result<Selection, Vec<Diagnostic>> {
        let (found, mut selection) = self.look(settings)?;
        let mut problems = Vec::new();
        for (found, listed) in found.iter().zip(&selection.listed) {
            if listed.standing != Standing::Active {
                continue;
            }
            match self.load(found, listed) {
                Ok(patch) => {
                    patch.library.set_budget(settings.budget.time);
                    selection.active.push(patch);
                }
                Err(problem) => problems.push(*problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let components = selection.active.iter().flat_map(|patch| patch.components.iter().cloned());
        let overlaid = selection.registry.overlay(components).and_then(|registry| {
            let found = registry.without_script(scripts);
            if found.is_empty() { Ok(registry) } else { Err(found) }
        });
        selection.registry = overlaid.map_err(|found| conflicts_in(&selection.listed, &found))?;
        Ok(selection)
    }

    /// As [`Patches::prepare`], without mapping anything: nothing of the result serves.
    ///
    /// # Errors
    /// Every problem.
    pub fn examine(&self, settings: &PatchSettings) -> Result<Selection, Vec<Diagnostic>> {
        self.look(settings).map(|(_, selection)| selection)
    }

    /// The artefacts of the folder, and what is to be said of each, in the same order.
    fn look(&self, settings: &PatchSettings) -> Result<(Vec<Found>, Selection), Vec<Diagnostic>> {
        if !settings.enabled {
            return Ok((Vec::new(), Selection::of(Vec::new(), false)));
        }
        let Scan { found, mut problems } = folder::scan(&settings.folder);
        if found.is_empty() && problems.is_empty() {
            return Ok((found, Selection::of(Vec::new(), true)));
        }
        let state = self.inner().state.clone().map_err(|problem| vec![*problem])?;
        let mut try_out = |found: &Found| self.try_out(found, &settings.trial);
        match select::examine(&found, &state, settings, &mut try_out) {
            Ok(listed) if problems.is_empty() => Ok((found, Selection::of(listed, true))),
            Ok(_) => Err(problems),
            Err(more) => {
                problems.extend(more);
                Err(problems)
            }
        }
    }

    /// Runs the trial of a content that has not passed one under these limits.
    fn try_out(&self, found: &Found, limits: &TrialLimits) -> Result<Descriptor, Box<Diagnostic>> {
        if let Some((descriptor, under)) = self.inner().tried.get(&found.digest)
            && under == limits
        {
            return Ok(descriptor.clone());
        }
        let copy = self.copy(found)?;
        let descriptor = trial::run(trial::command(&copy, limits), limits, &found.path)?;
        self.inner().tried.insert(found.digest, (descriptor.clone(), *limits));
        Ok(descriptor)
    }

    /// The private copy of an artefact.
    fn copy(&self, found: &Found) -> Result<PathBuf, Box<Diagnostic>> {
        self.store.put(found.digest, &found.bytes).map_err(|error| {
            let reason = format!("the patch cannot be copied to a private place: {error}");
            Box::new(refuse(
                codes::PRIVATE_FOLDER,
                &found.path,
                reason,
                "set state.folder to a folder of the gateway's",
            ))
        })
    }

    /// What a selection that now serves means for what is on disk.
    pub fn published(&self, selection: &Selection) {
        let Some(folder) = &self.folder else { return };
        let loaded: Vec<_> =
            self.inner().mapped.values().map(|patch| patch.library.named().clone()).collect();
        if loaded.is_empty() {
            return;
        }
        if let Err(error) = crash::say_loaded(folder, &loaded) {
            tracing::warn!(folder = %folder.display(), %error, "which patches are loaded cannot be written down");
        }
        self.store.retain(|digest| selection.listed.iter().any(|listed| listed.digest == digest));
    }

    /// The process ends in order.
    pub fn stop(&self) {
        if let Some(folder) = &self.folder
            && !self.inner().mapped.is_empty()
        {
            crash::say_goodbye(folder);
        }
    }

    /// Number of libraries that are mapped, those that no longer serve included.
    pub fn mapped(&self) -> usize {
        self.inner().mapped.len()
    }

    /// A selection for programs.
    pub fn report(&self, selection: &Selection) -> Value {
        let inner = self.inner();
        let patches: Vec<Value> = selection
            .listed
            .iter()
            .map(|listed| {
                let mut value = listed.to_json();
                let counts = inner.mapped.get(&listed.digest).map(|patch| patch.library.counters().total());
                value["mapped"] = counts.is_some().into();
                value["calls"] = counts.map(|counts| counts.calls).into();
                value["failures"] = counts.map(|counts| counts.failures).into();
                value["over_budget"] = counts.map(|counts| counts.over_budget).into();
                value
            })
            .collect();
        json!({ "enabled": selection.is_enabled, "mapped": inner.mapped.len(), "patches": patches })
    }
}

/// Conflicts between components as problems of the files that they come from.
fn conflicts_in(listed: &[Listed], found: &[Conflict]) -> Vec<Diagnostic> {
    let to_blame = |conflict: &Conflict| match conflict {
        Conflict::TwoProviders { second: implementation, .. }
        | Conflict::Taken { added: implementation, .. }
        | Conflict::NotSelectable { added: implementation, .. }
        | Conflict::NoSuchScript { overriding: implementation, .. }
        | Conflict::NothingToOverride { overriding: implementation, .. } => implementation.provider.clone(),
    };
    let file = |provider: Provider| {
        let Provider::Patch { name } = provider else { return None };
        let is_it = |one: &&Listed| one.standing == Standing::Active && *one.name == *name;
        listed.iter().find(is_it).map(|one| one.path.display().to_string())
    };
    let problems = conflicts(found).into_iter().zip(found);
    problems
        .map(|(problem, conflict)| match file(to_blame(conflict)) {
            Some(file) => problem.in_file(file),
            None => problem,
        })
        .collect()
}

fn read_state(folder: &Path) -> Result<State, Box<Diagnostic>> {
    State::load(folder).map_err(|error| {
        let reason = format!("what is remembered of patches cannot be read: {error}");
        let remedy =
            "mend the file; or delete it, then everything that is disabled or quarantined serves again";
        Box::new(refuse(codes::PRIVATE_FOLDER, &state::path(folder), reason, remedy))
    })
}
