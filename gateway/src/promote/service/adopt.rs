//! Generations come and go: what is compiled before one is published, and what becomes of scripts when it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::super::compile::{self, MISMATCH, Rejection, SUPERSEDED};
use super::super::registry::{Entry, Registry, next_ticket};
use super::super::report::State;
use super::super::state_file::Wish;
use super::super::watch::Watch;
use super::Promotion;
use super::work::Failure;
use crate::config::{CompileMode, CompileSettings};

impl Promotion {
    /// Compiles and tries a step of mode `jit` before its generation is published. One that was demoted or
    /// quarantined stays interpreted, and so does everything where nothing can be compiled.
    ///
    /// # Errors
    /// Why it cannot be compiled.
    pub fn prepare(&self, watch: &Arc<Watch>, settings: &CompileSettings) -> Result<(), Rejection> {
        let script = watch.step().script();
        let key = (script.name().clone(), script.digest().clone());
        let room = {
            let registry = self.lock();
            if !settings.enabled || registry.unavailable.is_some() || registry.is_held(&key.0, &key.1) {
                return Ok(());
            }
            settings.code_bytes_max.saturating_sub(registry.code_bytes())
        };
        let options = compile::Options { time_max: settings.time_max, code_bytes_max: room, listings: false };
        let failure = match self.make(watch, options, || true) {
            Ok((program, compilation)) => {
                self.lock().programs.push(program.clone());
                watch.install(program, compilation);
                return Ok(());
            }
            Err(failure) => failure,
        };
        match failure {
            Failure::Superseded => Ok(()),
            Failure::Rejected(rejection) => {
                self.counters.bailed_out(rejection.reason);
                if self.note_unavailable(&rejection) {
                    return Ok(());
                }
                self.lock().prepared.insert(key, State::Rejected(rejection.clone()));
                Err(rejection)
            }
            Failure::Different(mismatch) => {
                let state = self.keep_evidence(watch, &mismatch);
                self.lock().prepared.insert(key, state);
                Err(Rejection::new(MISMATCH, mismatch.summary))
            }
        }
    }

    /// Takes over the steps of the generation that serves from now on.
    pub fn adopt(&self, watches: &[Arc<Watch>], settings: &CompileSettings) {
        let mut by_name: BTreeMap<Arc<str>, Vec<Arc<Watch>>> = BTreeMap::new();
        for watch in watches {
            by_name.entry(watch.step().script().name().clone()).or_default().push(watch.clone());
        }
        let mut registry = self.lock();
        let was_quarantined =
            registry.prepared.values().any(|state| matches!(state, State::Quarantined { .. }));
        registry.settings = settings.clone();
        let mut old = std::mem::take(&mut registry.scripts);
        for (name, watches) in by_name {
            let previous = old.remove(&name);
            registry.take_over(&name, watches, previous);
        }
        for (name, mut entry) in old {
            entry.supersede(&name);
            if let Some(remembered) = entry.remember() {
                registry.remembered.insert(name.to_string(), remembered);
            }
        }
        registry.prepared.clear();
        let Registry { queue, scripts, .. } = &mut *registry;
        queue.retain(|name| scripts.contains_key(name));
        drop(registry);
        if was_quarantined {
            self.persist();
        }
        self.wake();
    }
}

impl Registry {
    /// Whether a script is to stay interpreted whatever its mode says.
    fn is_held(&self, name: &str, digest: &str) -> bool {
        let wish = match self.scripts.get(name) {
            Some(entry) if *entry.digest == *digest => entry.wish,
            _ => self.recall(name, digest).map_or(Wish::None, |remembered| remembered.wish),
        };
        matches!(wish, Wish::Demoted | Wish::Quarantined)
    }

    fn take_over(&mut self, name: &Arc<str>, watches: Vec<Arc<Watch>>, previous: Option<Entry>) {
        let digest = watches[0].step().script().digest().clone();
        let (mut entry, is_changed) = match previous {
            Some(mut entry) if entry.digest == digest => {
                let is_changed = entry.watches.len() != watches.len()
                    || entry.watches.iter().zip(&watches).any(|(old, new)| !Arc::ptr_eq(old, new));
                entry.watches = watches;
                // What is being compiled was for other steps.
                if is_changed {
                    entry.ticket = next_ticket();
                }
                (entry, is_changed)
            }
            previous => {
                if let Some(mut previous) = previous {
                    previous.supersede(name);
                }
                (self.first_met(name, digest.clone(), watches), true)
            }
        };
        if let Some(state) = self.prepared.remove(&(name.clone(), digest)) {
            if matches!(state, State::Quarantined { .. }) {
                entry.wish = Wish::Quarantined;
                entry.uninstall();
            }
            entry.settle(name, state).send();
        }
        let wants = self.settings.enabled && !matches!(entry.wish, Wish::Demoted | Wish::Quarantined);
        let is_jit = entry.watches.iter().any(|watch| watch.mode() == CompileMode::Jit);
        let was_under_way = !entry.state.is_settled();
        let is_rejected = matches!(entry.state, State::Rejected(_));
        let mut is_queued = false;
        if !wants {
            entry.uninstall();
            if !matches!(entry.state, State::Quarantined { .. } | State::Interpreted) {
                entry.settle(name, State::Interpreted).send();
            }
        } else if entry.is_installed() {
            if is_changed || entry.state != State::Installed {
                entry.watch_closely(&self.settings, Instant::now());
                entry.settle(name, State::Installed).send();
            }
        } else {
            let is_wished = entry.wish == Wish::Promoted || (is_jit && !is_rejected);
            is_queued = if was_under_way { is_changed } else { is_wished };
            if !is_queued && entry.state == State::Installed {
                entry.settle(name, State::Interpreted).send();
            }
        }
        let is_asked = entry.is_asked;
        self.scripts.insert(name.clone(), entry);
        if is_queued
            && !self.enqueue(name, is_asked)
            && let Some(entry) = self.scripts.get_mut(name)
        {
            let message = "too many scripts wait for the compiler";
            entry.settle(name, State::Rejected(Rejection::new(compile::QUEUE_FULL, message))).send();
        }
    }

    /// An entry for a source that was not served before, with what is remembered of it.
    fn first_met(&self, name: &str, digest: Arc<str>, watches: Vec<Arc<Watch>>) -> Entry {
        let remembered = self.recall(name, &digest).cloned();
        let mut entry = Entry::new(digest, watches);
        if let Some(remembered) = remembered {
            entry.wish = remembered.wish;
            entry.since = std::time::UNIX_EPOCH + std::time::Duration::from_secs(remembered.since);
            if remembered.wish == Wish::Quarantined {
                let (message, evidence) = (remembered.message, remembered.evidence);
                entry.state = State::Quarantined { message, evidence };
            }
        }
        entry
    }
}

impl Entry {
    /// The source that was asked about serves no more.
    fn supersede(&mut self, name: &str) {
        if !self.replies.is_empty() {
            let message = "a reload replaced the script meanwhile; ask again";
            self.settle(name, State::Rejected(Rejection::new(SUPERSEDED, message))).send();
        }
    }
}
