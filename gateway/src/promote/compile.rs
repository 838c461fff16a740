//! What the service asks of a compiler, and the bounds it works within; [`machine`](super::machine) is the one
//! place where the gateway meets the real one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use forebay_engine::{Program, ScriptStep};

/// Something that makes programs of script steps.
pub trait Compiler: Send + Sync {
    /// Compiles all hooks of a step.
    ///
    /// # Errors
    /// Why it stays interpreted.
    fn compile(&self, step: &ScriptStep, options: Options) -> Result<Arc<Program>, Rejection>;
}

/// How one step is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Time it may take. One that cannot stop in between goes on without anybody waiting; see `overdue`.
    pub time_max: Duration,
    /// Bytes of machine code it may make.
    pub code_bytes_max: usize,
    /// Whether texts for [`HookProgram::explain`](forebay_engine::HookProgram::explain) are kept.
    pub listings: bool,
}

/// Why a step stays interpreted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// A stable word, for counting.
    pub reason: &'static str,
    /// The reason in a sentence, for people.
    pub message: String,
}

/// The system forbids memory that is executable.
pub const NO_EXECUTABLE_MEMORY: &str = "no_executable_memory";
/// The compiler panicked.
pub const PANIC: &str = "panic";
/// Compiling took longer than `compile.time_max`.
pub const TIME: &str = "time";
/// There is no room left within `compile.code_bytes_max`.
pub const CODE_SPACE: &str = "code_space";
/// The candidate did something else than the interpreter.
pub const MISMATCH: &str = "mismatch";
/// A reload, or somebody's command, overtook it.
pub const SUPERSEDED: &str = "superseded";
/// Too many scripts wait for the compiler.
pub const QUEUE_FULL: &str = "queue_full";
/// No code can be generated for this kind of processor.
pub const MACHINE: &str = "machine";

impl Default for Options {
    fn default() -> Self {
        Self { time_max: Duration::from_secs(10), code_bytes_max: 64 << 20, listings: false }
    }
}

impl Rejection {
    /// A rejection.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// Whether the same script may be accepted another time.
    pub fn is_transient(&self) -> bool {
        matches!(self.reason, PANIC | TIME | CODE_SPACE | SUPERSEDED | QUEUE_FULL)
    }
}

/// Compiles within the limits, whatever the compiler does.
pub fn attempt(
    compiler: &dyn Compiler,
    step: &ScriptStep,
    options: Options,
) -> Result<(Arc<Program>, Duration), Rejection> {
    let began = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| compiler.compile(step, options)));
    let took = began.elapsed();
    let program = outcome.unwrap_or_else(|payload| {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        Err(Rejection::new(PANIC, format!("the compiler panicked: {text}; please report this as a bug")))
    })?;
    if took > options.time_max {
        let message = format!("compiling took {took:?}, longer than compile.time_max");
        return Err(Rejection::new(TIME, message));
    }
    if program.code().code_bytes() > options.code_bytes_max {
        let message = "no room left for machine code within compile.code_bytes_max";
        return Err(Rejection::new(CODE_SPACE, message));
    }
    Ok((program, took))
}

/// The compiler of this build.
pub fn compiler() -> Box<dyn Compiler> {
    Box::new(super::machine::Machine)
}
