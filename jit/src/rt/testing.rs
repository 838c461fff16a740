//! What the unit tests of the runtime share.

use rhai::{Caches, Dynamic, Engine, EvalAltResult, Scope};

use super::context::{CompiledFunction, Context, FunctionTable};
use super::natives::RuntimeSites;

/// A program without functions.
pub(crate) struct NoFunctions;

/// A program without functions that remembers what its helpers call.
#[derive(Default)]
pub(crate) struct OnlySites(RuntimeSites);

impl FunctionTable for OnlySites {
    fn find(&self, _name: &str, _parameters: usize) -> Option<CompiledFunction> {
        None
    }

    fn find_method(&self, _type: &str, _name: &str, _parameters: usize) -> Option<CompiledFunction> {
        None
    }

    fn sites(&self) -> Option<&RuntimeSites> {
        Some(&self.0)
    }
}

impl FunctionTable for NoFunctions {
    fn find(&self, _name: &str, _parameters: usize) -> Option<CompiledFunction> {
        None
    }

    fn find_method(&self, _type: &str, _name: &str, _parameters: usize) -> Option<CompiledFunction> {
        None
    }
}

/// A context at the top level of a script.
pub(crate) fn context(engine: &Engine) -> Context<'_> {
    context_with(engine, &NoFunctions)
}

/// A context of a program with functions.
pub(crate) fn context_with<'a>(engine: &'a Engine, functions: &'a dyn FunctionTable) -> Context<'a> {
    Context {
        fuel: 1_000_000,
        stack_limit: 0,
        level_max: engine.max_call_levels() as u64,
        level: 0,
        declared: 0,
        meter: &crate::rt::context::Unlimited,
        error: None,
        caught: Vec::new(),
        engine,
        global: engine.new_global_runtime_state(),
        caches: Caches::new(),
        scope: Scope::new(),
        functions,
    }
}

/// A result as text: values with their type and tag, errors with their position.
pub(crate) fn show(result: &Result<Dynamic, Box<EvalAltResult>>) -> String {
    match result {
        Ok(value) => format!("{} {value:?} tag {}", value.type_name(), value.tag()),
        Err(error) => format!("{error:?}"),
    }
}
