//! What one invocation of a program works with.
//!
//! Machine code holds a pointer to a [`Context`] and reads three of its fields directly (their offsets are
//! taken with `offset_of!`); helpers use the rest.

use std::sync::Arc;

use rhai::{Caches, Dynamic, Engine, EvalAltResult, Scope};

use super::natives::RuntimeSites;
use super::state::State;

/// What a helper tells machine code.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Go on.
    Ok = 0,
    /// The error is parked in [`Context::error`]; leave.
    Error = 1,
}

/// State of one invocation. Lives on the stack of the caller for as long as the invocation runs.
#[repr(C)]
pub struct Context<'a> {
    /// Operations that may still be done before [`crate::rt`]'s `refuel` must be asked.
    pub fuel: i64,
    /// The lowest address that a function may have its frame at.
    pub stack_limit: usize,
    /// The deepest level of calls, as `Engine::max_call_levels`.
    pub level_max: u64,
    /// The level of calls that machine code is at; helpers hand it to the interpreter's state before they call it.
    pub level: u64,
    /// How many variables of the top level have been declared.
    pub declared: u64,
    /// Asked for more fuel when it is used up.
    pub meter: &'a dyn Meter,
    /// The error that is on its way out.
    pub error: Option<Box<EvalAltResult>>,
    /// Errors that `catch` blocks are at work on, innermost last.
    pub caught: Vec<Box<EvalAltResult>>,
    /// The interpreter whose meaning the program has.
    pub engine: &'a Engine,
    /// The interpreter's own state: library functions and what falls back to it work with this.
    pub global: State<'a>,
    /// Its caches of resolved functions.
    pub caches: Caches,
    /// An empty scope, for those functions that want one.
    pub scope: Scope<'static>,
    /// The program's functions that can be called by name.
    pub functions: &'a dyn FunctionTable,
}

/// Grants operations.
pub trait Meter {
    /// Grants some more operations, or ends the program. `fuel` is what is left: 0 or less.
    fn refuel(&self, fuel: i64, position: rhai::Position) -> Result<i64, Box<EvalAltResult>>;

    /// Takes back what is left of the last grant when the program ends.
    fn settle(&self, _fuel: i64) {}
}

/// Grants whatever is asked for.
#[derive(Debug)]
pub struct Unlimited;

impl Meter for Unlimited {
    fn refuel(&self, _fuel: i64, _position: rhai::Position) -> Result<i64, Box<EvalAltResult>> {
        Ok(i64::MAX)
    }
}

/// A compiled function behind the one signature that the runtime knows.
///
/// `level` is the level of the call (the top level of a script is 0), `this` is null when unbound, `result` points to
/// a `Dynamic` that is unit, `arguments` to as many values as the function has parameters. The function may change
/// the arguments; the caller drops what is left of them.
pub type GenericEntry = unsafe extern "C" fn(
    context: *mut Context<'_>,
    level: u64,
    this: *mut Dynamic,
    result: *mut Dynamic,
    arguments: *mut Dynamic,
) -> Status;

/// Finds compiled functions.
pub trait FunctionTable: Sync {
    /// The function of this name and number of parameters.
    fn find(&self, name: &str, parameters: usize) -> Option<CompiledFunction>;
    /// The typed method: `fn type.name()`; `type_name` as `Engine::map_type_name` gives it.
    fn find_method(&self, type_name: &str, name: &str, parameters: usize) -> Option<CompiledFunction>;
    /// What the program's helpers remember of the host's functions; without it they look for them at each call.
    fn sites(&self) -> Option<&RuntimeSites> {
        None
    }
}

/// One function that can be called by name.
#[derive(Clone)]
pub struct CompiledFunction {
    /// Its code.
    pub entry: GenericEntry,
    /// Its name, for errors.
    pub name: Arc<str>,
    /// Whether its body has no statements: the interpreter answers a call of such a function before it counts it.
    pub is_empty: bool,
    /// For each parameter, whether the function leaves it as it is: such an argument can be lent instead of copied.
    pub lent: Arc<[bool]>,
}
