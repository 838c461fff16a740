//! One script step as promotion sees it: counters, samples, and which tier the next call runs in.
//!
//! This is the only part of promotion on the request path. Each worker has a lane of its own to count in; what is
//! shared is read (the program, the shadow rate), and a sample that finds the ring busy is dropped.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use forebay_engine::{Hook, OnError, Program, ScriptStep};

use super::sample::Sample;
use super::service::Shadows;
use crate::config::CompileMode;

/// One interpreted call of so many is timed.
const MEASURE_EVERY: u64 = 8;
/// The first calls of each hook are sampled on each worker, then one of so many.
const SAMPLE_FIRST: u64 = 8;
const SAMPLE_EVERY: u64 = 64;
/// Most bytes that the samples of one step hold.
const SAMPLES_BYTES_MAX: usize = 1 << 20;

/// A script step with what is known about its calls.
pub struct Watch {
    step: Arc<ScriptStep>,
    /// The step's settings as JSON.
    settings: Arc<str>,
    mode: CompileMode,
    lanes: Box<[Lane]>,
    /// One compiled call of so many is shadowed; 0 is none.
    shadow_every: AtomicU32,
    samples_max: usize,
    samples: Mutex<Samples>,
    compilation: Mutex<Option<Compilation>>,
    shadows: Arc<Shadows>,
}

/// One worker's counts, by hook; on cache lines of their own.
#[derive(Default)]
#[repr(align(128))]
struct Lane {
    interpreted: [AtomicU64; 4],
    compiled: [AtomicU64; 4],
    shadowed: AtomicU64,
    interpreter_ns: AtomicU64,
}

/// Adds to a count that only one thread writes.
fn bump(count: &AtomicU64, amount: u64) -> u64 {
    let before = count.load(Ordering::Relaxed);
    count.store(before.wrapping_add(amount), Ordering::Relaxed);
    before
}

#[derive(Default)]
struct Samples {
    by_hook: [VecDeque<Arc<Sample>>; 4],
    bytes: usize,
}

/// What a call is for, beside serving its request.
#[derive(Debug, Clone)]
pub enum Purpose {
    /// To be replayed by a candidate some day.
    Trial,
    /// To be compared with what this program makes of it.
    Shadow(Arc<Program>),
}

/// How one call runs.
#[derive(Debug)]
pub enum Plan {
    /// By the program.
    Compiled(Arc<Program>),
    /// By the interpreter.
    Interpreted {
        /// Whether its time is to be reported with [`Watch::measured`].
        measured: bool,
        /// Whether it is to be recorded and handed to [`Watch::take`].
        recorded: Option<Purpose>,
    },
}

/// What compiling a step came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compilation {
    /// Time the compiler took.
    pub took: Duration,
    /// Bytes of machine code.
    pub code_bytes: usize,
    /// Exchanges that were replayed with the same outcome.
    pub trial_runs: usize,
}

/// Sums over all workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that the interpreter served.
    pub interpreted: u64,
    /// Calls that a program served.
    pub compiled: u64,
    /// Calls that the interpreter served so that the program could be compared.
    pub shadowed: u64,
    /// Time in the interpreter, estimated from the calls that were timed.
    pub interpreter: Duration,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.interpreted += other.interpreted;
        self.compiled += other.compiled;
        self.shadowed += other.shadowed;
        self.interpreter += other.interpreter;
    }
}

impl Watch {
    /// A watch over a step, counting for this many workers and keeping this many samples.
    pub fn new(
        (step, settings): (Arc<ScriptStep>, Arc<str>),
        mode: CompileMode,
        workers: usize,
        samples_max: usize,
        shadows: Arc<Shadows>,
    ) -> Arc<Self> {
        Arc::new(Self {
            step,
            settings,
            mode,
            lanes: (0..workers.max(1)).map(|_| Lane::default()).collect(),
            shadow_every: AtomicU32::new(0),
            samples_max: if mode == CompileMode::Interpret { 0 } else { samples_max },
            samples: Mutex::default(),
            compilation: Mutex::default(),
            shadows,
        })
    }

    /// The step.
    pub fn step(&self) -> &Arc<ScriptStep> {
        &self.step
    }

    /// The step's settings, as JSON.
    pub fn settings(&self) -> &str {
        &self.settings
    }

    /// What steps are ordered by.
    pub fn order(&self) -> (&str, &str, CompileMode, bool) {
        let is_open = self.step.on_error() == OnError::Open;
        (self.step.script().name(), &self.settings, self.mode, is_open)
    }

    /// How the configuration wants it run.
    pub fn mode(&self) -> CompileMode {
        self.mode
    }

    /// How the next call of this hook on this worker runs. Counts it.
    pub fn plan(&self, worker: usize, hook: Hook) -> Plan {
        let lane = &self.lanes[worker.min(self.lanes.len() - 1)];
        let Some(program) = self.step.program() else {
            let earlier = bump(&lane.interpreted[hook as usize], 1);
            let sampled = earlier < SAMPLE_FIRST || earlier.is_multiple_of(SAMPLE_EVERY);
            let recorded = (sampled && self.samples_max > 0).then_some(Purpose::Trial);
            return Plan::Interpreted { measured: earlier.is_multiple_of(MEASURE_EVERY), recorded };
        };
        let earlier = bump(&lane.compiled[hook as usize], 1);
        let every = u64::from(self.shadow_every.load(Ordering::Relaxed));
        if every == 0 || !earlier.is_multiple_of(every) {
            return Plan::Compiled(program);
        }
        bump(&lane.shadowed, 1);
        Plan::Interpreted { measured: false, recorded: Some(Purpose::Shadow(program)) }
    }

    /// Reports the time of a call that was to be measured.
    pub fn measured(&self, worker: usize, time: Duration) {
        let lane = &self.lanes[worker.min(self.lanes.len() - 1)];
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        bump(&lane.interpreter_ns, nanoseconds.saturating_mul(MEASURE_EVERY));
    }

    /// Takes the record of a call.
    pub fn take(self: &Arc<Self>, purpose: Purpose, sample: Sample) {
        match purpose {
            Purpose::Trial => self.keep(sample.into()),
            Purpose::Shadow(program) => self.shadows.push(self, program, sample.into()),
        }
    }

    /// Keeps a sample for trials; of each hook the newest stay.
    pub(super) fn keep(&self, sample: Arc<Sample>) {
        let Ok(mut samples) = self.samples.try_lock() else { return };
        let hooks = self.step.script().hooks().count().max(1);
        let each_max = self.samples_max.div_ceil(hooks);
        samples.add(sample, each_max, SAMPLES_BYTES_MAX / hooks);
    }

    /// The samples kept so far.
    pub(super) fn samples(&self) -> Vec<Arc<Sample>> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.by_hook.iter().flatten().cloned().collect()
    }

    /// One compiled call of so many is compared from now on; 0 for none.
    pub(super) fn shadow(&self, every: u32) {
        self.shadow_every.store(every, Ordering::Relaxed);
    }

    /// Puts a program in place.
    pub(super) fn install(&self, program: Arc<Program>, compilation: Compilation) {
        *self.compilation.lock().unwrap_or_else(PoisonError::into_inner) = Some(compilation);
        // What it returns is held by the registry as well, so dropping it frees nothing here.
        drop(self.step.install(Some(program)));
    }

    /// Takes the program away.
    pub(super) fn uninstall(&self) {
        self.shadow(0);
        *self.compilation.lock().unwrap_or_else(PoisonError::into_inner) = None;
        drop(self.step.install(None));
    }

    /// What compiling came to, while there is a program.
    pub fn compilation(&self) -> Option<Compilation> {
        *self.compilation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calls so far.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let sum = |cells: &[AtomicU64; 4]| cells.iter().map(|cell| cell.load(Ordering::Relaxed)).sum::<u64>();
        for lane in &self.lanes {
            let shadowed = lane.shadowed.load(Ordering::Relaxed);
            counts += Counts {
                interpreted: sum(&lane.interpreted),
                compiled: sum(&lane.compiled).saturating_sub(shadowed),
                shadowed,
                interpreter: Duration::from_nanos(lane.interpreter_ns.load(Ordering::Relaxed)),
            };
        }
        counts
    }
}

impl Samples {
    fn add(&mut self, sample: Arc<Sample>, each_max: usize, each_bytes_max: usize) {
        if sample.bytes > each_bytes_max || each_max == 0 {
            return;
        }
        let ring = &mut self.by_hook[sample.hook as usize];
        self.bytes += sample.bytes;
        ring.push_back(sample);
        let mut held: usize = ring.iter().map(|sample| sample.bytes).sum();
        while ring.len() > each_max || held > each_bytes_max {
            let Some(oldest) = ring.pop_front() else { break };
            held -= oldest.bytes;
            self.bytes -= oldest.bytes;
        }
    }
}
