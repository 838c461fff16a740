//! What the promotion thread does: compile, try, install, compare, free.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use forebay_engine::Program;

use super::super::budget::back_off;
use super::super::compile::{self, MACHINE, NO_EXECUTABLE_MEMORY, Rejection};
use super::super::evidence;
use super::super::registry::Registry;
use super::super::report::State;
use super::super::state_file::Wish;
use super::super::synthetic;
use super::super::trial::{self, Comparison, Mismatch};
use super::super::watch::{Compilation, Watch};
use super::{Promotion, Shadowed};
use crate::config::CompileMode;

/// Why there is no program.
pub(super) enum Failure {
    /// Something overtook the work.
    Superseded,
    /// It cannot be compiled.
    Rejected(Rejection),
    /// It does something else than the interpreter.
    Different(Box<Mismatch>),
}

impl Promotion {
    /// Does the next piece of work; `false` if there is none.
    pub(in super::super) fn work(&self) -> bool {
        if let Some(shadowed) = self.shadows.pop() {
            self.check(&shadowed);
            return true;
        }
        let Some(name) = self.lock().dequeue(Instant::now()) else { return false };
        self.promote_now(&name);
        true
    }

    /// Finds hot scripts, ends shadowing that is over, frees programs that nobody runs any more.
    pub(in super::super) fn tick(&self, now: Instant) {
        let mut registry = self.lock();
        for name in registry.hot(now) {
            if !registry.enqueue(&name, false) {
                self.counters.bailed_out(compile::QUEUE_FULL);
            }
        }
        for entry in registry.scripts.values_mut() {
            if entry.shadow_until.is_some_and(|until| until <= now) {
                entry.shadow_until = None;
                entry.watches.iter().for_each(|watch| watch.shadow(0));
            }
        }
        let programs = std::mem::take(&mut registry.programs);
        let (dead, alive) = programs.into_iter().partition(|program| Arc::strong_count(program) == 1);
        registry.programs = alive;
        drop(registry);
        let dead: Vec<Arc<Program>> = dead;
        drop(dead);
    }

    /// Compiles one script for all its steps, and installs all programs or none.
    fn promote_now(&self, name: &Arc<str>) {
        let (ticket, targets, settings) = {
            let mut registry = self.lock();
            let settings = registry.settings.clone();
            let unavailable = registry.unavailable.clone();
            let Some(entry) = registry.scripts.get_mut(name) else { return };
            if entry.state != State::Queued {
                return;
            }
            if let Some(rejection) = unavailable {
                entry.settle(name, State::Rejected(rejection)).send();
                return;
            }
            let missing = entry.targets().into_iter().filter(|watch| watch.step().program().is_none());
            (entry.ticket, missing.collect::<Vec<_>>(), settings)
        };
        let mut made = Vec::new();
        let mut made_bytes = 0;
        for watch in &targets {
            if !self.stage(name, ticket, State::Compiling) {
                return;
            }
            let room = settings.code_bytes_max.saturating_sub(self.lock().code_bytes() + made_bytes);
            let options =
                compile::Options { time_max: settings.time_max, code_bytes_max: room, listings: false };
            match self.make(watch, options, || self.stage(name, ticket, State::Trial)) {
                Ok((program, compilation)) => {
                    made_bytes += compilation.code_bytes;
                    made.push((watch.clone(), program, compilation));
                }
                Err(Failure::Superseded) => return,
                Err(Failure::Rejected(rejection)) => return self.reject(name, ticket, rejection),
                Err(Failure::Different(mismatch)) => return self.quarantine(name, watch, &mismatch),
            }
        }
        self.install(name, ticket, made);
    }

    /// Moves a script on, unless something overtook the work.
    fn stage(&self, name: &Arc<str>, ticket: u64, state: State) -> bool {
        let mut registry = self.lock();
        let current = registry.scripts.get_mut(name).filter(|entry| entry.ticket == ticket);
        let goes_on = current.map(|entry| entry.set(state)).is_some();
        drop(registry);
        if !goes_on {
            self.counters.bailed_out(compile::SUPERSEDED);
        }
        goes_on
    }

    /// Compiles a step and tries the program over records. `tries` is asked before the trial begins.
    pub(super) fn make(
        &self,
        watch: &Arc<Watch>,
        options: compile::Options,
        tries: impl FnOnce() -> bool,
    ) -> Result<(Arc<Program>, Compilation), Failure> {
        let outcome = self.compiler.attempt(watch.step(), options);
        let (program, took) = outcome.map_err(Failure::Rejected)?;
        self.counters.compiled(took);
        self.lock().budget.spend(took);
        if !tries() {
            return Err(Failure::Superseded);
        }
        let mut samples = watch.samples();
        samples.extend(synthetic::samples(watch.step()));
        let trial_runs = trial::run(watch.step(), &program, &samples).map_err(Failure::Different)?;
        let code_bytes = program.code().code_bytes();
        Ok((program, Compilation { took, code_bytes, trial_runs }))
    }

    fn install(&self, name: &Arc<str>, ticket: u64, made: Vec<(Arc<Watch>, Arc<Program>, Compilation)>) {
        let mut registry = self.lock();
        let settings = registry.settings.clone();
        let Registry { scripts, programs, .. } = &mut *registry;
        let Some(entry) = scripts.get_mut(name).filter(|entry| entry.ticket == ticket) else {
            drop(registry);
            return self.counters.bailed_out(compile::SUPERSEDED);
        };
        for (watch, program, compilation) in made {
            programs.push(program.clone());
            watch.install(program, compilation);
        }
        entry.wish = Wish::Promoted;
        entry.failures = 0;
        entry.retry_at = None;
        entry.watch_closely(&settings, Instant::now());
        let answers = entry.settle(name, State::Installed);
        drop(registry);
        let report = &answers.report;
        let (code_bytes, took, trial_runs) = (report.code_bytes, report.compile_time, report.trial_runs);
        tracing::info!(script = &**name, code_bytes, ?took, trial_runs, "promoted");
        self.persist();
        answers.send();
    }

    fn reject(&self, name: &Arc<str>, ticket: u64, rejection: Rejection) {
        self.counters.bailed_out(rejection.reason);
        let is_known = self.note_unavailable(&rejection);
        let mut registry = self.lock();
        let Some(entry) = registry.scripts.get_mut(name).filter(|entry| entry.ticket == ticket) else {
            return;
        };
        entry.failures += 1;
        if rejection.is_transient() {
            entry.retry_at = Some(Instant::now() + back_off(entry.failures));
        }
        let (reason, message) = (rejection.reason, rejection.message.clone());
        let answers = entry.settle(name, State::Rejected(rejection));
        drop(registry);
        answers.send();
        if !is_known {
            tracing::info!(script = &**name, reason, "stays interpreted: {message}");
        }
    }

    /// Remembers, and says once, that nothing can be compiled here.
    pub(super) fn note_unavailable(&self, rejection: &Rejection) -> bool {
        if !matches!(rejection.reason, NO_EXECUTABLE_MEMORY | MACHINE) {
            return false;
        }
        let mut registry = self.lock();
        if registry.unavailable.is_none() {
            registry.unavailable = Some(rejection.clone());
            drop(registry);
            let reason = rejection.reason;
            tracing::warn!(reason, "scripts stay interpreted: {}", rejection.message);
        }
        true
    }

    /// Compares a shadowed call with what the program makes of it.
    fn check(&self, shadowed: &Shadowed) {
        let Shadowed { watch, program, sample } = shadowed;
        self.counters.shadow_runs.fetch_add(1, Ordering::Relaxed);
        if let Comparison::Different(mismatch) = trial::compare(watch.step(), program, sample) {
            let serves = watch.step().program().is_some_and(|serving| Arc::ptr_eq(&serving, program));
            if serves {
                self.quarantine(watch.step().script().name(), watch, &mismatch);
            }
        }
    }

    /// Takes a script's programs away for good, and keeps the proof.
    fn quarantine(&self, name: &Arc<str>, watch: &Arc<Watch>, mismatch: &Mismatch) {
        let state = self.keep_evidence(watch, mismatch);
        let mut registry = self.lock();
        let concerns = |entry: &&mut super::super::registry::Entry| {
            entry.watches.iter().any(|other| Arc::ptr_eq(other, watch))
        };
        // A step that serves no more is still worth its evidence, but says nothing of the script that replaced it.
        let Some(entry) = registry.scripts.get_mut(name).filter(concerns) else { return };
        entry.uninstall();
        entry.wish = Wish::Quarantined;
        let answers = entry.settle(name, state);
        registry.queue.retain(|queued| queued != name);
        drop(registry);
        self.persist();
        answers.send();
    }

    /// Writes the evidence of a mismatch, keeps its sample for the next trial, and gives the state that follows.
    pub(super) fn keep_evidence(&self, watch: &Arc<Watch>, mismatch: &Mismatch) -> State {
        self.counters.mismatches.fetch_add(1, Ordering::Relaxed);
        self.counters.bailed_out(compile::MISMATCH);
        watch.keep(mismatch.sample.clone());
        let script = &**watch.step().script().name();
        let evidence = match &self.state_folder {
            None => None,
            Some(folder) => match evidence::write(folder, watch.step(), mismatch) {
                Ok(path) => Some(path),
                Err(error) => {
                    tracing::warn!(script, %error, "the evidence of a mismatch cannot be kept");
                    None
                }
            },
        };
        let message = mismatch.summary.clone();
        let hook = mismatch.sample.hook.function();
        let shown = evidence.as_ref().map(|path| path.display().to_string());
        tracing::error!(
            script,
            hook,
            evidence = shown,
            "quarantined: the program did something else than the interpreter: {message}"
        );
        State::Quarantined { message, evidence }
    }
}

impl Registry {
    /// Scripts that are worth compiling without being asked.
    fn hot(&self, now: Instant) -> Vec<Arc<str>> {
        if !self.settings.enabled || self.unavailable.is_some() {
            return Vec::new();
        }
        let is_hot = |(_, entry): &(&Arc<str>, &super::super::registry::Entry)| {
            let may = match &entry.state {
                State::Interpreted => true,
                State::Rejected(rejection) => rejection.is_transient(),
                _ => false,
            };
            if !may || entry.wish != Wish::None || entry.retry_at.is_some_and(|at| at > now) {
                return false;
            }
            let counts = entry.counts();
            counts.interpreted >= self.settings.hot_calls
                && counts.interpreter >= self.settings.hot_time
                && entry.watches.iter().any(|watch| watch.mode() == CompileMode::Auto)
        };
        self.scripts.iter().filter(is_hot).map(|(name, _)| name.clone()).collect()
    }
}
