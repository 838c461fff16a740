//! The promotion service: what the control side asks of it, and the one background thread that does the work.
//!
//! Locks are taken in one order: state file, then registry. The thread holds neither while it compiles or replays.

mod adopt;
mod work;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use forebay_engine::{Program, ScriptStep};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::compile::Compiler;
use super::metrics::Counters;
use super::overdue::Bounded;
use super::registry::Registry;
use super::report::{Refusal, Report, State};
use super::sample::Sample;
use super::state_file::{StateFile, Wish};
use super::watch::Watch;
use crate::config::{CompileMode, CompileSettings};

/// How often the thread looks for hot scripts and dead programs.
const TICK: Duration = Duration::from_millis(250);
/// Most shadowed calls that wait to be compared.
const SHADOWS_MAX: usize = 64;
/// Niceness of the thread: it takes what the workers leave.
const NICENESS: i32 = 10;

/// Compiles scripts of the serving generation and keeps watch over their programs.
pub struct Promotion {
    compiler: Bounded,
    registry: Mutex<Registry>,
    state_file: Mutex<StateFile>,
    state_folder: Option<PathBuf>,
    workers: usize,
    thread: Arc<OnceLock<Thread>>,
    /// Where workers put shadowed calls.
    shadows: Arc<Shadows>,
    counters: Counters,
}

/// Shadowed calls on their way from the workers to the promotion thread.
pub struct Shadows {
    queue: Mutex<VecDeque<Shadowed>>,
    dropped: AtomicU64,
    thread: Arc<OnceLock<Thread>>,
}

/// A call that the interpreter has served, to be compared with the program it stood in for.
struct Shadowed {
    watch: Arc<Watch>,
    program: Arc<Program>,
    sample: Arc<Sample>,
}

impl Shadows {
    /// Takes a call, unless too many wait or another worker is just adding one.
    pub(super) fn push(&self, watch: &Arc<Watch>, program: Arc<Program>, sample: Arc<Sample>) {
        let taken = match self.queue.try_lock() {
            Ok(mut queue) if queue.len() < SHADOWS_MAX => {
                queue.push_back(Shadowed { watch: watch.clone(), program, sample });
                true
            }
            _ => false,
        };
        if !taken {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        } else if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn pop(&self) -> Option<Shadowed> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl Promotion {
    /// A service that has not begun to work. Without a state folder nothing is kept over restarts.
    pub fn new(
        compiler: Box<dyn Compiler>,
        settings: CompileSettings,
        state_folder: Option<PathBuf>,
        workers: usize,
    ) -> Arc<Self> {
        let state_file = StateFile::new(state_folder.clone());
        let registry = Registry::new(settings, state_file.load());
        let thread: Arc<OnceLock<Thread>> = Arc::default();
        let queue = Mutex::default();
        let shadows = Arc::new(Shadows { queue, dropped: AtomicU64::new(0), thread: thread.clone() });
        Arc::new(Self {
            compiler: Bounded::new(compiler.into()),
            registry: Mutex::new(registry),
            state_file: Mutex::new(state_file),
            state_folder,
            workers,
            thread,
            shadows,
            counters: Counters::default(),
        })
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(self: &Arc<Self>) -> std::io::Result<()> {
        let this = self.clone();
        let handle = std::thread::Builder::new().name("promotion".into()).spawn(move || {
            // On Linux this is the priority of the thread, not of the process.
            if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
                tracing::debug!(%error, "the promotion thread keeps its priority");
            }
            this.run();
        })?;
        // Only the first thread is woken early; there is one.
        let _ = self.thread.set(handle.thread().clone());
        Ok(())
    }

    /// Ends the thread once it is done with what it is at.
    pub fn stop(&self) {
        self.lock().is_stopping = true;
        self.wake();
    }

    fn run(&self) {
        let mut ticked = Instant::now();
        loop {
            let worked = self.work();
            if self.lock().is_stopping {
                return;
            }
            if ticked.elapsed() >= TICK {
                ticked = Instant::now();
                self.tick(ticked);
            }
            if !worked {
                std::thread::park_timeout(TICK);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// A watch over a step of a generation that is being built.
    pub fn watch(
        &self,
        step: Arc<ScriptStep>,
        config: Arc<str>,
        mode: CompileMode,
        settings: &CompileSettings,
    ) -> Arc<Watch> {
        Watch::new((step, config), mode, self.workers, settings.trial_samples, self.shadows.clone())
    }

    /// Asks for a script to be compiled; the report comes when it is settled.
    ///
    /// # Errors
    /// Why it will not be tried.
    pub fn promote(&self, name: &str) -> Result<oneshot::Receiver<Report>, Refusal> {
        let (reply, report) = oneshot::channel();
        let mut registry = self.lock();
        let enabled = registry.settings.enabled;
        let unavailable = registry.unavailable.clone();
        let known = registry.scripts.get_key_value(name).map(|(name, _)| name.clone());
        let name = known.ok_or(Refusal::Unknown)?;
        let entry = registry.scripts.get_mut(&name).ok_or(Refusal::Unknown)?;
        if let State::Quarantined { message, .. } = &entry.state {
            return Err(Refusal::Quarantined(message.clone()));
        }
        if entry.targets().is_empty() {
            return Err(Refusal::Interpreted);
        }
        if !enabled {
            return Err(Refusal::Disabled);
        }
        if let Some(rejection) = unavailable {
            return Err(Refusal::Unavailable(rejection.message));
        }
        if entry.is_installed() {
            // The other end is in this function.
            let _ = reply.send(entry.report(&name));
            return Ok(report);
        }
        entry.wish = Wish::None;
        let is_under_way = matches!(entry.state, State::Compiling | State::Trial);
        if !is_under_way && !registry.enqueue(&name, true) {
            return Err(Refusal::QueueFull);
        }
        if let Some(entry) = registry.scripts.get_mut(&name) {
            entry.replies.push(reply);
        }
        drop(registry);
        self.wake();
        Ok(report)
    }

    /// Makes the interpreter run a script again, from the next call on, and keeps it so until `promote`.
    ///
    /// # Errors
    /// When there is no such script.
    pub fn demote(&self, name: &str) -> Result<Report, Refusal> {
        let mut registry = self.lock();
        registry.queue.retain(|queued| **queued != *name);
        let entry = registry.scripts.get_mut(name).ok_or(Refusal::Unknown)?;
        entry.uninstall();
        entry.wish = Wish::Demoted;
        let answers = entry.settle(name, State::Interpreted);
        drop(registry);
        tracing::info!(script = name, "demoted");
        self.persist();
        let report = answers.report.clone();
        answers.send();
        Ok(report)
    }

    /// Every script of the serving generation.
    pub fn reports(&self) -> Vec<Report> {
        let registry = self.lock();
        registry.scripts.iter().map(|(name, entry)| entry.report(name)).collect()
    }

    /// The whole for `status`.
    pub fn status(&self) -> Value {
        let scripts: Vec<Value> = self.reports().iter().map(Report::to_json).collect();
        let registry = self.lock();
        json!({
            "enabled": registry.settings.enabled,
            "unavailable": registry.unavailable.as_ref().map(|rejection| &rejection.message),
            "queued": registry.queue.len(),
            "code_bytes": registry.code_bytes(),
            "programs": registry.programs.len(),
            "overdue": self.compiler.overdue(),
            "shadow_runs": self.counters.shadow_runs.load(Ordering::Relaxed),
            "mismatches": self.counters.mismatches.load(Ordering::Relaxed),
            "scripts": scripts,
        })
    }

    /// Adds the metrics in the Prometheus text format.
    pub fn metrics(&self, text: &mut String) {
        let reports = self.reports();
        let registry = self.lock();
        let is_usable = registry.settings.enabled && registry.unavailable.is_none();
        let (queued, code_bytes) = (registry.queue.len(), registry.code_bytes());
        drop(registry);
        let shadows_dropped = self.shadows.dropped.load(Ordering::Relaxed);
        self.counters.render(text, is_usable, (queued, code_bytes), shadows_dropped, &reports);
    }

    /// Writes the state file anew.
    fn persist(&self) {
        let mut file = self.state_file.lock().unwrap_or_else(PoisonError::into_inner);
        let contents = self.lock().to_remember();
        file.save(contents);
    }
}
