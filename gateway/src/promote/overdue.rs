//! Compilations that end when their time is over, whatever the compiler does.
//!
//! The code generator cannot be interrupted. So a compilation has a thread of its own, and whoever waits for it waits
//! for `compile.time_max` and no longer: what comes later is thrown away by that thread. A few may be overdue at once,
//! because each of them takes a processor until it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use forebay_engine::{Program, ScriptStep};

use super::compile::{self, Compiler, Options, Rejection, TIME};

/// Most compilations that go on after their time.
const OVERDUE_MAX: usize = 2;

const RUNNING: u8 = 0;
const DONE: u8 = 1;
const GIVEN_UP: u8 = 2;

/// A compiler with what it has not finished in time.
#[derive(Clone)]
pub(super) struct Bounded {
    compiler: Arc<dyn Compiler>,
    overdue: Arc<AtomicUsize>,
}

impl Bounded {
    pub(super) fn new(compiler: Arc<dyn Compiler>) -> Self {
        Self { compiler, overdue: Arc::default() }
    }

    /// Compilations that go on though nobody waits for them any more.
    pub(super) fn overdue(&self) -> usize {
        self.overdue.load(Ordering::Relaxed)
    }

    /// As [`compile::attempt`], in the time of the options.
    pub(super) fn attempt(
        &self,
        step: &Arc<ScriptStep>,
        options: Options,
    ) -> Result<(Arc<Program>, Duration), Rejection> {
        if self.overdue() >= OVERDUE_MAX {
            let message =
                "the compiler is still at work on scripts that have taken longer than compile.time_max";
            return Err(Rejection::new(TIME, message));
        }
        let state = Arc::new(AtomicU8::new(RUNNING));
        let (sender, receiver) = mpsc::sync_channel(1);
        let (this, theirs, step) = (self.clone(), state.clone(), step.clone());
        let thread = std::thread::Builder::new().name("compiler".into()).spawn(move || {
            let outcome = compile::attempt(&*this.compiler, &step, options);
            if theirs.swap(DONE, Ordering::AcqRel) == RUNNING {
                // Whoever asked waits for it.
                let _ = sender.send(outcome);
            } else {
                drop(outcome);
                this.overdue.fetch_sub(1, Ordering::Relaxed);
            }
        });
        if let Err(error) = thread {
            return Err(Rejection::new(TIME, format!("no thread to compile in: {error}")));
        }
        if let Ok(outcome) = receiver.recv_timeout(options.time_max) {
            return outcome;
        }
        // Counted first: the thread may be done as soon as it is given up.
        self.overdue.fetch_add(1, Ordering::Relaxed);
        if state.swap(GIVEN_UP, Ordering::AcqRel) == DONE {
            self.overdue.fetch_sub(1, Ordering::Relaxed);
            if let Ok(outcome) = receiver.recv() {
                return outcome;
            }
        }
        let message = format!("compiling takes longer than compile.time_max, {:?}", options.time_max);
        Err(Rejection::new(TIME, message))
    }
}
