//! What operators, and the time budget, decide about patches: which serve and which do not.
//!
//! A change is written down first and takes effect with the next generation; where that is refused it is taken back.

use std::path::Path;

use super::super::digest::Digest;
use super::super::folder::{self, Found};
use super::super::select::{self, Listed, Standing};
use super::super::state::{Mark, Marked, Note, State};
use super::{Inner, Patches, Selection};

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A content is to serve, whatever was decided before, unless it is quarantined.
    Apply {
        /// Its name.
        name: String,
        /// The content.
        digest: Digest,
    },
    /// A patch is not to serve, in any version.
    Disable {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// Whatever keeps a patch from serving is forgotten, a quarantine too.
    Enable {
        /// Its name.
        name: String,
    },
    /// The version that serves is taken back; the one before it serves again, if it is still there.
    Revert {
        /// Its name.
        name: String,
    },
}

/// Why a decision cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No artefact of this name.
    #[error("there is no patch {0:?}; `forebay patch list` shows those there are")]
    Unknown(String),
    /// There is nothing to take back.
    #[error("no version of {0} serves, so there is none to revert ({1})")]
    NotActive(String, String),
    /// There is nothing to lift.
    #[error("nothing keeps {0} from serving; it is {1}")]
    NotHeldBack(String, String),
    /// It took a process down.
    #[error("{0} is quarantined ({1}); `forebay patch enable {0}` lifts that")]
    Quarantined(String, String),
    /// What is remembered cannot be read or written.
    #[error("the decision cannot be written down: {0}; set state.folder to a folder of the gateway's")]
    State(String),
}

/// The way back.
#[derive(Debug)]
pub struct Undo(State);

impl Patches {
    /// Writes a decision down. It takes effect with the next [`Patches::prepare`].
    ///
    /// `folder` is looked at for the names of patches that could not be loaded: those can be disabled, too.
    ///
    /// # Errors
    /// Why it cannot be carried out; then nothing has changed.
    pub fn decide(&self, change: &Change, serving: &Selection, folder: &Path) -> Result<Undo, ChangeError> {
        let waiting = waiting(folder, &serving.listed);
        let mut inner = self.inner();
        let before = inner.state.clone().map_err(|problem| ChangeError::State(problem.message))?;
        let after = decided(before.clone(), change, &serving.listed, &waiting)?;
        self.put(&mut inner, after)?;
        Ok(Undo(before))
    }

    /// Takes a decision back.
    pub fn undo(&self, undo: Undo) {
        if let Err(error) = self.put(&mut self.inner(), undo.0) {
            tracing::error!(%error, "a decision about patches could not be taken back on disk");
        }
    }

    fn put(&self, inner: &mut Inner, state: State) -> Result<(), ChangeError> {
        let is_same = inner.state.as_ref().is_ok_and(|known| *known == state);
        if let Some(folder) = &self.folder
            && !is_same
        {
            state.save(folder).map_err(|error| ChangeError::State(error.to_string()))?;
        }
        inner.state = Ok(state);
        Ok(())
    }
}

/// Writes a decision down where no gateway is running; the next one heeds it.
///
/// # Errors
/// As [`Patches::decide`].
pub fn decide_offline(state_folder: &Path, change: &Change, listed: &[Listed]) -> Result<(), ChangeError> {
    let folder = state_folder.join("patches");
    let error = |error: std::io::Error| ChangeError::State(error.to_string());
    let state = decided(State::load(&folder).map_err(error)?, change, listed, &[])?;
    state.save(&folder).map_err(error)
}

/// Names of the patches that stand in the folder and are not listed: they could not be loaded, or are new.
fn waiting(folder: &Path, listed: &[Listed]) -> Vec<String> {
    let scan = folder::scan(folder);
    let is_new = |found: &&Found| !listed.iter().any(|one| one.digest == found.digest);
    scan.found.iter().filter(is_new).map(|found| select::unexamined(found).name).collect()
}

/// What is remembered after a decision about the patches that are listed, or `waiting` to be.
fn decided(
    mut state: State,
    change: &Change,
    listed: &[Listed],
    waiting: &[String],
) -> Result<State, ChangeError> {
    let of = |name: &str| listed.iter().filter(move |one| one.name == name).collect::<Vec<_>>();
    let standing = |patches: &[&Listed]| {
        let words: Vec<_> =
            patches.iter().map(|one| format!("{} {}", one.title(), one.standing.as_str())).collect();
        words.join(", ")
    };
    match change {
        Change::Apply { name, digest } => {
            if let Some(marked) = state.marked.get(digest)
                && marked.mark == Mark::Quarantined
            {
                return Err(ChangeError::Quarantined(marked.name.clone(), marked.note.reason.clone()));
            }
            state.marked.remove(digest);
            state.disabled.remove(name);
        }
        Change::Disable { name, reason } => {
            if of(name).is_empty() && !waiting.contains(name) {
                return Err(ChangeError::Unknown(name.clone()));
            }
            state.disabled.insert(name.clone(), Note::now(reason.clone()));
        }
        Change::Enable { name } => {
            let patches = of(name);
            if !state.enable(name) {
                return Err(match patches.as_slice() {
                    [] => ChangeError::Unknown(name.clone()),
                    patches => ChangeError::NotHeldBack(name.clone(), standing(patches)),
                });
            }
        }
        Change::Revert { name } => {
            let patches = of(name);
            let active = patches.iter().find(|one| one.standing == Standing::Active);
            let Some((one, version)) = active.and_then(|one| Some((one, one.version.clone()?))) else {
                return Err(match patches.as_slice() {
                    [] => ChangeError::Unknown(name.clone()),
                    patches => ChangeError::NotActive(name.clone(), standing(patches)),
                });
            };
            let note = Note::now("reverted by an operator");
            state
                .marked
                .insert(one.digest, Marked { name: name.clone(), version, mark: Mark::Reverted, note });
        }
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use semver::Version;

    fn listed(name: &str, standing: Standing) -> Listed {
        Listed {
            path: "x.so".into(),
            digest: Digest::of(name.as_bytes()),
            name: name.into(),
            version: Some(Version::new(1, 0, 0)),
            provenance: None,
            descriptor: None,
            standing,
        }
    }

    fn apply(digest: Digest) -> Change {
        Change::Apply { name: named("fix"), digest }
    }

    fn named(name: &str) -> String {
        name.to_owned()
    }

    #[test]
    fn decisions_follow_from_what_there_is() {
        let fix = [listed("fix", Standing::Active)];
        let digest = fix[0].digest;
        let reverted = decided(State::default(), &Change::Revert { name: named("fix") }, &fix, &[]).unwrap();
        assert_eq!(reverted.marked[&digest].mark, Mark::Reverted);
        let back = decided(reverted.clone(), &apply(digest), &fix, &[]).unwrap();
        assert_eq!(back, State::default());
        let note = reverted.marked[&digest].note.clone();
        let off = [listed("fix", Standing::Reverted(note))];
        let error = decided(reverted.clone(), &Change::Revert { name: named("fix") }, &off, &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no version of fix serves, so there is none to revert (fix 1.0.0 reverted)"
        );
        assert_eq!(
            decided(reverted, &Change::Enable { name: named("fix") }, &off, &[]).unwrap(),
            State::default()
        );
        let error = decided(State::default(), &Change::Enable { name: named("fix") }, &fix, &[]).unwrap_err();
        assert_eq!(error.to_string(), "nothing keeps fix from serving; it is fix 1.0.0 active");
        for change in [
            Change::Revert { name: named("other") },
            Change::Enable { name: named("other") },
            Change::Disable { name: named("other"), reason: String::new() },
        ] {
            assert!(matches!(decided(State::default(), &change, &fix, &[]), Err(ChangeError::Unknown(_))));
        }
    }

    #[test]
    fn a_quarantine_is_lifted_on_purpose_only() {
        let fix = [listed("fix", Standing::Active)];
        let digest = fix[0].digest;
        let mut state = State::default();
        let (version, note) = (Version::new(1, 0, 0), Note::now("process 5 died inside it"));
        state.marked.insert(digest, Marked { name: named("fix"), version, mark: Mark::Quarantined, note });
        let error = decided(state.clone(), &apply(digest), &fix, &[]).unwrap_err();
        assert!(error.to_string().contains("`forebay patch enable fix` lifts that"));
        assert_eq!(
            decided(state, &Change::Enable { name: named("fix") }, &fix, &[]).unwrap(),
            State::default()
        );
    }

    #[test]
    fn what_applies_is_no_longer_disabled() {
        let fix = [listed("fix", Standing::Active)];
        let disable = Change::Disable { name: named("fix"), reason: named("slow") };
        let state = decided(State::default(), &disable, &fix, &[]).unwrap();
        assert_eq!(state.disabled["fix"].reason, "slow");
        assert_eq!(decided(state, &apply(fix[0].digest), &fix, &[]).unwrap(), State::default());
    }
}
