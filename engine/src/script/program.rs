//! The seam to the compiler: what a script step runs instead of the interpreter once it has been compiled.
//!
//! The engine knows no compiler. Whoever has one takes a step's parts from [`ScriptStep`], makes a
//! [`HookProgram`] of them and installs it. The step goes on being what it was: limits, fibers, waits, verdicts
//! and the shape of errors are the same for both tiers, because a program only replaces the evaluation itself.
//!
//! [`ScriptStep`]: super::ScriptStep

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rhai::{AST, Dynamic, Engine, EvalAltResult};

use super::HookBody;
use crate::chain::Hook;

/// The compiled form of all hooks of one script step. It owns its code.
pub trait HookProgram: Send + Sync {
    /// Runs one hook that the script defines. `engine` is the step's own; `arguments` are as many as the hook
    /// has parameters, and what is left of them is dropped by the caller. Values, effects and errors, with their
    /// positions, are those of evaluating the hook's body with the parameters in scope.
    ///
    /// # Errors
    /// What the interpreter would have ended with.
    fn run(
        &self,
        engine: &Engine,
        hook: Hook,
        arguments: &mut [Dynamic],
    ) -> Result<Dynamic, Box<EvalAltResult>>;

    /// Whether a call of this hook may wait for something or take longer than a time slice. One that may not runs on the
    /// stack of whoever resumes it.
    fn may_wait(&self, _hook: Hook) -> bool {
        true
    }

    /// Bytes of machine code and of the data that belongs to it.
    fn code_bytes(&self) -> usize;

    /// A text about the program, for people.
    fn explain(&self, view: ProgramView) -> String;
}

/// What [`HookProgram::explain`] shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProgramView {
    /// Source lines with inferred types, bound host calls, what stayed generic and why.
    #[default]
    Types,
    /// The compiler's own intermediate form.
    Ir,
    /// The code generator's input.
    Clif,
    /// Machine instructions.
    Assembly,
}

/// A program as steps hold it.
pub struct Program(Box<dyn HookProgram>);

impl Program {
    /// Takes a compiled form.
    pub fn new(code: impl HookProgram + 'static) -> Arc<Self> {
        Arc::new(Self(Box::new(code)))
    }

    /// The compiled form.
    pub fn code(&self) -> &dyn HookProgram {
        &*self.0
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("code_bytes", &self.0.code_bytes()).finish()
    }
}

/// Where a step's program is put and taken away, while calls are under way.
#[derive(Default)]
pub(super) struct ProgramSlot(ArcSwapOption<Program>);

impl ProgramSlot {
    pub(super) fn load(&self) -> Option<Arc<Program>> {
        self.0.load_full()
    }

    pub(super) fn replace(&self, program: Option<Arc<Program>>) -> Option<Arc<Program>> {
        self.0.swap(program)
    }
}

/// One hook as a compiler takes it.
#[derive(Debug, Clone, Copy)]
pub struct HookSource<'a> {
    /// What the function calls its parameters.
    pub parameters: &'a [String],
    /// The statements of the function's body as the statements of a script, which is how the interpreter runs
    /// them; the script's functions are in its library.
    pub body: &'a AST,
}

impl<'a> From<&'a HookBody> for HookSource<'a> {
    fn from(body: &'a HookBody) -> Self {
        Self { parameters: &body.parameters, body: &body.body }
    }
}
