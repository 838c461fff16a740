//! What the unit tests of the runtime share.

use std::sync::{Arc, Mutex};

use rhai::{Caches, Dynamic, Engine, EvalAltResult, OptimizationLevel, Scope};

use super::context::{CompiledFunction, Context, FunctionTable};
use super::natives::RuntimeSites;
use super::state::State;
use crate::program::{Options, compile};

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
        global: State::new(engine),
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

/// What a host has seen, in its order.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// How a program that is compiled in some way differs from the interpreter: in its result, in the variables that it
/// leaves or in what the host has seen. Every way runs twice, as a program does not have its first calls only.
pub(crate) fn disagreement(engine: &Engine, log: &Log, script: &str) -> Option<String> {
    // Literals that are too large for the engine are to be found out when they are made.
    let mut parser = Engine::new();
    parser.set_optimization_level(OptimizationLevel::None);
    let mut ast = parser.compile(script).unwrap_or_else(|error| panic!("{script}: {error}"));
    ast.set_source("the source");
    let taken = || std::mem::take(&mut *log.lock().expect("fine"));
    let mut scope = Scope::new();
    let theirs = engine.eval_ast_with_scope::<Dynamic>(&mut scope, &ast);
    let theirs = (show(&theirs), format!("{scope:?}"), taken());
    for (specialise, inline_layout) in [(true, true), (false, true), (true, false)] {
        let options = Options { specialise, inline_layout, ..Options::default() };
        let program = compile(engine, &ast, &options).expect("compiles");
        assert!(program.report().fallbacks.is_empty(), "{script}: {:?}", program.report().fallbacks);
        for _ in 0..2 {
            let mut scope = Scope::new();
            let ours = program.run(engine, &mut scope);
            let ours = (show(&ours), format!("{scope:?}"), taken());
            if ours != theirs {
                return Some(format!("{script}\n{options:?}\n  ours {ours:?}\ntheirs {theirs:?}"));
            }
        }
    }
    None
}
